/* SPDX-License-Identifier: MIT */
/* VERSION: what client and server agree on ("Version", "Version data format"). */
#ifndef VMM_SERVER_VERSION_H
#define VMM_SERVER_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfu_limits {
	uint32_t max_fds;      /* descriptors in one message */
	uint32_t max_transfer; /* bytes of data in one access */
	uint32_t max_windows;
	bool write_multiple;
};

/*
 * Reads the request, settles the limits (the smaller of both sides) and writes the reply's payload.
 * The reply is at most reply_size bytes, the length of the request: QEMU receives it in the buffer
 * that held its request. Capabilities that do not fit are left out; they are enforced all the same.
 *
 * 0; -EINVAL, -EPROTONOSUPPORT (major version), -ENOMEM with the reason in why.
 */
int vfu_version_negotiate(const void *request, size_t len, struct vfu_limits *limits, void *reply,
			  size_t reply_size, size_t *reply_len, char *why, size_t why_size);

#endif
