// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "vmm/server/command_impl.h"

int vfu_refuse(struct vfu_reply *reply, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reply->why, sizeof(reply->why), format, args);
	va_end(args);
	return error;
}

/* Copies a request of fixed size out of the message: from here on nobody reads the buffer again. */
int vfu_decode(const struct vfu_message *command, void *to, size_t size, struct vfu_reply *reply)
{
	size_t len = vfu_message_payload_len(command);

	if (len != size) {
		vfu_refuse(reply, -EINVAL, "payload of %zu bytes, must be %zu", len, size);
		return -EINVAL;
	}
	if (size)
		memcpy(to, command->payload, size);
	return 0;
}

int vfu_check_argsz(uint32_t argsz, size_t least, struct vfu_reply *reply)
{
	if (argsz < least)
		return vfu_refuse(reply, -EINVAL, "argsz %u, must be at least %zu", argsz, least);
	return 0;
}

int vfu_answer(struct vfu_reply *reply, const void *payload, size_t len)
{
	memcpy(reply->data, payload, len);
	reply->len = len;
	return 0;
}

bool vfu_is_one_bit(uint32_t bits)
{
	return bits && !(bits & (bits - 1));
}

static int version(struct vfu_session *session, struct vfu_message *command,
		   struct vfu_reply *reply)
{
	size_t len = vfu_message_payload_len(command);
	int rc;

	if (session->negotiated)
		return vfu_refuse(reply, -EINVAL, "a version has been agreed on already");
	rc = vfu_version_negotiate(command->payload, len, &session->limits, reply->data,
				   len < VFU_REPLY_MAX ? len : VFU_REPLY_MAX, &reply->len,
				   reply->why, sizeof(reply->why));
	session->negotiated = rc == 0;
	return rc;
}

uint64_t vfu_region_size(const struct vfu_function *function, uint32_t region)
{
	if (region < VFU_BAR_COUNT)
		return function->bar_size[region];
	return region == VFU_REGION_CONFIG ? function->config_size : 0;
}

static int device_get_info(struct vfu_session *session, struct vfu_message *command,
			   struct vfu_reply *reply)
{
	struct vfu_wire_device_info info;
	int rc = vfu_decode(command, &info, sizeof(info), reply);

	(void)session;
	if (!rc)
		rc = vfu_check_argsz(info.argsz, sizeof(info), reply);
	if (rc)
		return rc;
	info = (struct vfu_wire_device_info){.argsz = sizeof(info),
					     .flags = VFU_DEVICE_RESETTABLE | VFU_DEVICE_PCI,
					     .region_count = VFU_REGION_COUNT,
					     .irq_count = VFU_IRQ_INDEX_COUNT};
	return vfu_answer(reply, &info, sizeof(info));
}

int vfu_check_region_index(uint32_t index, struct vfu_reply *reply)
{
	if (index >= VFU_REGION_COUNT)
		return vfu_refuse(reply, -EINVAL, "region index %u", index);
	return 0;
}

static int device_get_region_info(struct vfu_session *session, struct vfu_message *command,
				  struct vfu_reply *reply)
{
	struct vfu_wire_region_info info;
	uint64_t size;
	int rc = vfu_decode(command, &info, sizeof(info), reply);

	if (!rc)
		rc = vfu_check_argsz(info.argsz, sizeof(info), reply);
	if (!rc)
		rc = vfu_check_region_index(info.index, reply);
	if (rc)
		return rc;
	size = vfu_region_size(session->function, info.index);
	info = (struct vfu_wire_region_info){
		.argsz = sizeof(info),
		.flags = size ? VFU_REGION_READABLE | VFU_REGION_WRITEABLE : 0,
		.index = info.index,
		.size = size};
	return vfu_answer(reply, &info, sizeof(info));
}

/* No region has a shortcut through eventfds: an empty list. */
static int device_get_region_io_fds(struct vfu_session *session, struct vfu_message *command,
				    struct vfu_reply *reply)
{
	struct vfu_wire_region_io_fds fds;
	int rc = vfu_decode(command, &fds, sizeof(fds), reply);

	(void)session;
	if (!rc)
		rc = vfu_check_argsz(fds.argsz, sizeof(fds), reply);
	if (!rc)
		rc = vfu_check_region_index(fds.index, reply);
	if (rc)
		return rc;
	if (fds.flags || fds.count)
		return vfu_refuse(reply, -EINVAL, "flags 0x%x count %u, must be 0", fds.flags,
				  fds.count);
	fds.argsz = sizeof(fds);
	return vfu_answer(reply, &fds, sizeof(fds));
}

int vfu_check_irq_index(uint32_t index, struct vfu_reply *reply)
{
	if (index >= VFU_IRQ_INDEX_COUNT)
		return vfu_refuse(reply, -EINVAL, "interrupt index %u", index);
	return 0;
}

static int device_get_irq_info(struct vfu_session *session, struct vfu_message *command,
			       struct vfu_reply *reply)
{
	struct vfu_wire_irq_info info;
	uint32_t count;
	int rc = vfu_decode(command, &info, sizeof(info), reply);

	if (!rc)
		rc = vfu_check_argsz(info.argsz, sizeof(info), reply);
	if (!rc)
		rc = vfu_check_irq_index(info.index, reply);
	if (rc)
		return rc;
	count = session->function->irq_count[info.index];
	info = (struct vfu_wire_irq_info){.argsz = sizeof(info),
					  .flags = count ? VFU_IRQ_EVENTFD : 0,
					  .index = info.index,
					  .count = count};
	return vfu_answer(reply, &info, sizeof(info));
}

static int device_reset(struct vfu_session *session, struct vfu_message *command,
			struct vfu_reply *reply)
{
	int rc = vfu_decode(command, NULL, 0, reply);

	if (rc)
		return rc;
	rc = session->function->ops->reset(session->function->arg);
	return rc ? vfu_refuse(reply, rc, "reset") : 0;
}

static int not_supported(struct vfu_session *session, struct vfu_message *command,
			 struct vfu_reply *reply)
{
	(void)session;
	return vfu_refuse(reply, -ENOTSUP, "command %u", command->header.command);
}

struct command {
	const char *name;
	int (*run)(struct vfu_session *session, struct vfu_message *command,
		   struct vfu_reply *reply);
	bool takes_fds;
};

static const struct command commands[VFU_COMMAND_COUNT] = {
	[VFU_VERSION] = {"VERSION", version, false},
	[VFU_DMA_MAP] = {"DMA_MAP", vfu_run_dma_map, true},
	[VFU_DMA_UNMAP] = {"DMA_UNMAP", vfu_run_dma_unmap, false},
	[VFU_DEVICE_GET_INFO] = {"DEVICE_GET_INFO", device_get_info, false},
	[VFU_DEVICE_GET_REGION_INFO] = {"DEVICE_GET_REGION_INFO", device_get_region_info, false},
	[VFU_DEVICE_GET_REGION_IO_FDS] = {"DEVICE_GET_REGION_IO_FDS", device_get_region_io_fds,
					  false},
	[VFU_DEVICE_GET_IRQ_INFO] = {"DEVICE_GET_IRQ_INFO", device_get_irq_info, false},
	[VFU_DEVICE_SET_IRQS] = {"DEVICE_SET_IRQS", vfu_run_set_irqs, true},
	[VFU_REGION_READ] = {"REGION_READ", vfu_run_region_read, false},
	[VFU_REGION_WRITE] = {"REGION_WRITE", vfu_run_region_write, false},
	/* These two go the other way. */
	[VFU_DMA_READ] = {"DMA_READ", not_supported, false},
	[VFU_DMA_WRITE] = {"DMA_WRITE", not_supported, false},
	[VFU_DEVICE_RESET] = {"DEVICE_RESET", device_reset, false},
	[VFU_REGION_WRITE_MULTI] = {"REGION_WRITE_MULTI", vfu_run_region_write_multi, false},
	[VFU_DEVICE_FEATURE] = {"DEVICE_FEATURE", not_supported, false},
	[VFU_MIG_DATA_READ] = {"MIG_DATA_READ", not_supported, false},
	[VFU_MIG_DATA_WRITE] = {"MIG_DATA_WRITE", not_supported, false},
};

static const struct command *find_command(unsigned command)
{
	return command < VFU_COMMAND_COUNT && commands[command].run ? &commands[command] : NULL;
}

const char *vfu_command_name(unsigned command)
{
	const struct command *found = find_command(command);

	return found ? found->name : "command";
}

int vfu_command_run(struct vfu_session *session, struct vfu_message *command,
		    struct vfu_reply *reply)
{
	const uint32_t known = VFU_TYPE_MASK | VFU_FLAG_NO_REPLY;
	const struct command *found = find_command(command->header.command);

	reply->len = 0;
	if (command->header.flags & ~known)
		return vfu_refuse(reply, -EINVAL, "header flags 0x%x", command->header.flags);
	if (!session->negotiated && command->header.command != VFU_VERSION)
		return vfu_refuse(reply, -EINVAL, "the first command must be VERSION");
	if (vfu_message_is_oversized(command))
		return vfu_refuse(reply, -E2BIG, "payload of %zu bytes, at most %u",
				  vfu_message_payload_len(command), VFU_PAYLOAD_MAX);
	if (!found)
		return not_supported(session, command, reply);
	if (!found->takes_fds && (command->fd_count || command->fds_lost))
		return vfu_refuse(reply, -EINVAL, "no file descriptor belongs to this command");
	return found->run(session, command, reply);
}

int vfu_session_init(struct vfu_session *session, const struct vfu_function *function,
		     const char *name)
{
	memset(session, 0, sizeof(*session));
	session->function = function;
	session->name = name;
	return vfu_irqs_init(&session->irqs, function->irq_count);
}

static void end_window(struct vfu_session *session)
{
	struct vfu_range last = session->windows.ranges[session->windows.count - 1];
	int rc = session->function->ops->dma_unmap(session->function->arg, last.gpa, last.size);

	if (rc)
		log_line(LOG_ERROR, VSVA_CODE_TEARDOWN,
			 "%s: unmap of window 0x%" PRIx64 " of a client that is gone: %s",
			 session->name, last.gpa.v, strerror(-rc));
	vfu_windows_remove(&session->windows, last.gpa);
}

void vfu_session_end(struct vfu_session *session)
{
	for (uint32_t index = 0; index < VFU_IRQ_INDEX_COUNT; index++)
		vfu_clear_irqs(session, index);
	while (session->windows.count)
		end_window(session);
	vfu_windows_fini(&session->windows);
	session->negotiated = false;
}

void vfu_session_fini(struct vfu_session *session)
{
	vfu_windows_fini(&session->windows);
	vfu_irqs_fini(&session->irqs);
}
