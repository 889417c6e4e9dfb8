// SPDX-License-Identifier: MIT
/* REGION_READ, REGION_WRITE and REGION_WRITE_MULTI. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vmm/server/command_impl.h"

static int check_access(const struct vfu_session *session, uint64_t offset, uint32_t region,
			uint32_t count, struct vfu_reply *reply)
{
	uint64_t size;
	int rc = vfu_check_region_index(region, reply);

	if (rc)
		return rc;
	if (count > session->limits.max_transfer)
		return vfu_refuse(reply, -E2BIG, "count %u, at most %u was agreed on", count,
				  session->limits.max_transfer);
	size = vfu_region_size(session->function, region);
	if (!count || count > size || offset > size - count)
		return vfu_refuse(reply, -EINVAL,
				  "offset 0x%" PRIx64 " count %u in region %u of 0x%" PRIx64
				  " bytes",
				  offset, count, region, size);
	if (region != VFU_REGION_CONFIG && (count > sizeof(uint64_t) || !vfu_is_one_bit(count)))
		return vfu_refuse(reply, -EINVAL,
				  "count %u: a BAR is read and written in 1, 2, 4 or 8 bytes",
				  count);
	return 0;
}

static int refuse_access(const struct vfu_wire_region_access *access, int error,
			 struct vfu_reply *reply)
{
	return vfu_refuse(reply, error, "region %u offset 0x%" PRIx64 " count %u", access->region,
			  access->offset, access->count);
}

static int read_region(const struct vfu_function *function,
		       const struct vfu_wire_region_access *access, unsigned char *data)
{
	uint64_t value = 0;
	int rc;

	if (access->region == VFU_REGION_CONFIG)
		return function->ops->config_read(function->arg, (uint32_t)access->offset, data,
						  access->count);
	rc = function->ops->bar_read(function->arg, access->region, access->offset, access->count,
				     &value);
	memcpy(data, &value, access->count);
	return rc;
}

static int write_region(const struct vfu_function *function,
			const struct vfu_wire_region_access *access, const unsigned char *data)
{
	uint64_t value = 0;

	if (access->region == VFU_REGION_CONFIG)
		return function->ops->config_write(function->arg, (uint32_t)access->offset, data,
						   access->count);
	memcpy(&value, data, access->count);
	return function->ops->bar_write(function->arg, access->region, access->offset,
					access->count, value);
}

int vfu_run_region_read(struct vfu_session *session, struct vfu_message *command,
			struct vfu_reply *reply)
{
	struct vfu_wire_region_access access;
	int rc = vfu_decode(command, &access, sizeof(access), reply);

	if (!rc)
		rc = check_access(session, access.offset, access.region, access.count, reply);
	if (rc)
		return rc;
	memset(reply->data + sizeof(access), 0, access.count);
	rc = read_region(session->function, &access, reply->data + sizeof(access));
	if (rc)
		return refuse_access(&access, rc, reply);
	vfu_answer(reply, &access, sizeof(access));
	reply->len += access.count;
	return 0;
}

int vfu_run_region_write(struct vfu_session *session, struct vfu_message *command,
			 struct vfu_reply *reply)
{
	size_t len = vfu_message_payload_len(command);
	struct vfu_wire_region_access access;
	int rc;

	if (len < sizeof(access))
		return vfu_refuse(reply, -EINVAL, "payload of %zu bytes, must be at least %zu", len,
				  sizeof(access));
	memcpy(&access, command->payload, sizeof(access));
	rc = check_access(session, access.offset, access.region, access.count, reply);
	if (rc)
		return rc;
	if (len != sizeof(access) + access.count)
		return vfu_refuse(reply, -EINVAL, "payload of %zu bytes, must be %zu", len,
				  sizeof(access) + access.count);
	rc = write_region(session->function, &access, command->payload + sizeof(access));
	if (rc)
		return refuse_access(&access, rc, reply);
	return vfu_answer(reply, &access, sizeof(access));
}

static struct vfu_wire_multi_entry multi_entry(const struct vfu_message *command, uint64_t index)
{
	struct vfu_wire_multi_entry entry;

	memcpy(&entry, command->payload + sizeof(uint64_t) + index * sizeof(entry), sizeof(entry));
	return entry;
}

static int check_multi(const struct vfu_session *session, const struct vfu_message *command,
		       uint64_t count, struct vfu_reply *reply)
{
	for (uint64_t i = 0; i < count; i++) {
		struct vfu_wire_multi_entry entry = multi_entry(command, i);
		int rc = check_access(session, entry.offset, entry.region, entry.count, reply);

		if (rc)
			return rc;
		if (entry.count > sizeof(entry.data))
			return vfu_refuse(reply, -EINVAL, "write %" PRIu64 ": count %u", i,
					  entry.count);
	}
	return 0;
}

/* The writes of a guest are independent of each other: one that the function refuses does not
 * swallow those behind it, just as if each had come in a message of its own. */
static uint64_t run_multi(struct vfu_session *session, const struct vfu_message *command,
			  uint64_t count)
{
	uint64_t completed = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct vfu_wire_multi_entry entry = multi_entry(command, i);
		struct vfu_wire_region_access access = {
			.offset = entry.offset, .region = entry.region, .count = entry.count};
		unsigned char data[sizeof(entry.data)];

		memcpy(data, &entry.data, sizeof(data));
		if (!write_region(session->function, &access, data))
			completed++;
	}
	return completed;
}

int vfu_run_region_write_multi(struct vfu_session *session, struct vfu_message *command,
			       struct vfu_reply *reply)
{
	size_t len = vfu_message_payload_len(command);
	uint64_t count = 0, completed;
	int rc;

	if (len >= sizeof(count))
		memcpy(&count, command->payload, sizeof(count));
	if (len < sizeof(count) || count > VFU_PAYLOAD_MAX ||
	    len != sizeof(count) + count * sizeof(struct vfu_wire_multi_entry))
		return vfu_refuse(reply, -EINVAL, "payload of %zu bytes for %" PRIu64 " writes",
				  len, count);
	if (!session->limits.write_multiple)
		return vfu_refuse(reply, -ENOTSUP, "write_multiple was not agreed on");
	rc = check_multi(session, command, count, reply);
	if (rc)
		return rc;
	completed = run_multi(session, command, count);
	return vfu_answer(reply, &completed, sizeof(completed));
}
