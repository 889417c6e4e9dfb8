/* SPDX-License-Identifier: MIT */
/*
 * What each command means, on a session: what one client has set up with one function. No sockets
 * here.
 */
#ifndef VMM_SERVER_COMMAND_H
#define VMM_SERVER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/server/function.h"
#include "vmm/server/irq.h"
#include "vmm/server/message.h"
#include "vmm/server/version.h"
#include "vmm/server/window.h"

struct vfu_session {
	const struct vfu_function *function;
	const char *name; /* for messages: "vm0/vtd" */
	bool negotiated;
	struct vfu_limits limits;
	struct vfu_irqs irqs;
	struct vfu_windows windows;
};

/* The largest payload of a reply. */
#define VFU_REPLY_MAX (sizeof(struct vfu_wire_region_access) + VFU_TRANSFER_MAX)

struct vfu_reply {
	unsigned char *data; /* VFU_REPLY_MAX bytes */
	size_t len;
	char why[128]; /* reason of an error */
};

/* 0; -ENOMEM */
int vfu_session_init(struct vfu_session *session, const struct vfu_function *function,
		     const char *name);
/* The client is gone: takes away its interrupts and its windows. */
void vfu_session_end(struct vfu_session *session);
void vfu_session_fini(struct vfu_session *session);

/*
 * Validates a command whole, then carries it out. 0, or the -errno that the client is to get, with
 * the reason in reply->why. Takes descriptors out of the message as far as it keeps them.
 */
int vfu_command_run(struct vfu_session *session, struct vfu_message *command,
		    struct vfu_reply *reply);
/* "REGION_READ"; "command" for what has no name. */
const char *vfu_command_name(unsigned command);

#endif
