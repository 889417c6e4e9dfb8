// SPDX-License-Identifier: MIT
#include "vmm/server/version.h"

#include <errno.h>
#include <json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "vmm/server/message.h"
#include "vmm/server/wire.h"
#include "vsva/limits.h"

#define VERSION_MAJOR 0
#define VERSION_MINOR 0
#define PAGE_SIZES    4096u

/* {"capabilities":{"name":1}} is three levels deep; more is not for us. */
#define JSON_DEPTH 8

/* Where a member is absent the specification's default holds. */
#define DEFAULT_FDS      1u
#define DEFAULT_TRANSFER (1024u * 1024u)
#define DEFAULT_WINDOWS  65535u

struct reason {
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct reason *why, int error,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, why->size, format, args);
	va_end(args);
	return error;
}

/* NULL if it is no JSON object. */
static struct json_object *parse_object(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH);
	struct json_object *object;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text, (int)len);
	if (object && !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

/* The smaller of what the client says (or the default) and ours. */
static int settle_number(struct json_object *from, const char *name, uint32_t absent, uint32_t ours,
			 uint32_t *settled, const struct reason *why)
{
	struct json_object *member;
	uint64_t theirs = absent;

	if (json_object_object_get_ex(from, name, &member)) {
		if (!json_object_is_type(member, json_type_int) ||
		    json_object_get_int64(member) <= 0)
			return refuse(why, -EINVAL, "capability %s is not a positive integer",
				      name);
		theirs = json_object_get_uint64(member);
	}
	*settled = theirs < ours ? (uint32_t)theirs : ours;
	return 0;
}

static int settle_bool(struct json_object *from, const char *name, bool *settled,
		       const struct reason *why)
{
	struct json_object *member;

	*settled = false;
	if (!json_object_object_get_ex(from, name, &member))
		return 0;
	if (!json_object_is_type(member, json_type_boolean))
		return refuse(why, -EINVAL, "capability %s is not a boolean", name);
	*settled = json_object_get_boolean(member);
	return 0;
}

static int check_page_sizes(struct json_object *from, const struct reason *why)
{
	struct json_object *member;

	if (!json_object_object_get_ex(from, "pgsizes", &member))
		return 0;
	if (!json_object_is_type(member, json_type_int) ||
	    !(json_object_get_uint64(member) & PAGE_SIZES))
		return refuse(why, -EINVAL, "capability pgsizes does not offer pages of %u bytes",
			      PAGE_SIZES);
	return 0;
}

static int settle_limits(struct json_object *from, struct vfu_limits *limits,
			 const struct reason *why)
{
	int rc =
		settle_number(from, "max_msg_fds", DEFAULT_FDS, VFU_FDS_MAX, &limits->max_fds, why);

	if (!rc)
		rc = settle_number(from, "max_data_xfer_size", DEFAULT_TRANSFER, VFU_TRANSFER_MAX,
				   &limits->max_transfer, why);
	if (!rc)
		rc = settle_number(from, "max_dma_maps", DEFAULT_WINDOWS, VSVA_LIMIT_VM_WINDOWS,
				   &limits->max_windows, why);
	if (!rc)
		rc = settle_bool(from, "write_multiple", &limits->write_multiple, why);
	return rc ? rc : check_page_sizes(from, why);
}

static int read_capabilities(const char *text, size_t len, struct vfu_limits *limits,
			     const struct reason *why)
{
	struct json_object *root = NULL, *capabilities = NULL;
	int rc;

	if (len) {
		if (text[len - 1] != '\0' || memchr(text, '\0', len - 1))
			return refuse(why, -EINVAL,
				      "version data is not one string that ends with a NUL");
		root = parse_object(text, len);
		if (!root)
			return refuse(why, -EINVAL, "version data is not a JSON object: \"%.60s\"",
				      text);
		if (json_object_object_get_ex(root, "capabilities", &capabilities) &&
		    !json_object_is_type(capabilities, json_type_object)) {
			json_object_put(root);
			return refuse(why, -EINVAL, "capabilities is not a JSON object");
		}
	}
	rc = settle_limits(capabilities, limits, why);
	json_object_put(root);
	return rc;
}

static const char *text_of(struct json_object *root, size_t *len)
{
	return json_object_to_json_string_length(root, JSON_C_TO_STRING_PLAIN, len);
}

/* Adds a member if the text, with its NUL, still fits. */
static void add_if_fits(struct json_object *root, struct json_object *capabilities,
			const char *name, struct json_object *value, size_t size)
{
	size_t len;

	json_object_object_add(capabilities, name, value);
	if (!text_of(root, &len) || len + 1 > size)
		json_object_object_del(capabilities, name);
}

/* Most wanted first. Length with the NUL; 0: not even the frame fits, or no memory. */
static size_t write_capabilities(const struct vfu_limits *limits, char *text, size_t size)
{
	struct json_object *root = json_object_new_object();
	struct json_object *c = json_object_new_object();
	const char *done;
	size_t len = 0;

	json_object_object_add(root, "capabilities", c);
	add_if_fits(root, c, "max_data_xfer_size", json_object_new_int64(limits->max_transfer),
		    size);
	add_if_fits(root, c, "max_msg_fds", json_object_new_int64(limits->max_fds), size);
	add_if_fits(root, c, "max_dma_maps", json_object_new_int64(limits->max_windows), size);
	add_if_fits(root, c, "pgsizes", json_object_new_int64(PAGE_SIZES), size);
	if (limits->write_multiple)
		add_if_fits(root, c, "write_multiple", json_object_new_boolean(true), size);
	done = text_of(root, &len);
	len = done && len + 1 <= size ? len + 1 : 0;
	if (len)
		memcpy(text, done, len);
	json_object_put(root);
	return len;
}

int vfu_version_negotiate(const void *request, size_t len, struct vfu_limits *limits, void *reply,
			  size_t reply_size, size_t *reply_len, char *why, size_t why_size)
{
	struct reason reason = {.text = why, .size = why_size};
	struct vfu_wire_version version;
	int rc;

	if (len < sizeof(version))
		return refuse(&reason, -EINVAL, "payload of %zu bytes has no version", len);
	memcpy(&version, request, sizeof(version));
	if (version.major != VERSION_MAJOR)
		return refuse(&reason, -EPROTONOSUPPORT,
			      "version %u.%u: only major version %u is known", version.major,
			      version.minor, VERSION_MAJOR);
	rc = read_capabilities((const char *)request + sizeof(version), len - sizeof(version),
			       limits, &reason);
	if (rc)
		return rc;
	CHECK(reply_size >= sizeof(version));
	version.minor = VERSION_MINOR;
	memcpy(reply, &version, sizeof(version));
	*reply_len = sizeof(version) + write_capabilities(limits, (char *)reply + sizeof(version),
							  reply_size - sizeof(version));
	return 0;
}
