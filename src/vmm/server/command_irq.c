// SPDX-License-Identifier: MIT
/* DEVICE_SET_IRQS. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vmm/server/command_impl.h"

static int check_irq_set(const struct vfu_session *session, const struct vfu_wire_irq_set *set,
			 struct vfu_reply *reply)
{
	uint32_t count;
	int rc = vfu_check_irq_index(set->index, reply);

	if (rc)
		return rc;
	if (!vfu_is_one_bit(set->flags & VFU_IRQ_DATA_MASK) ||
	    !vfu_is_one_bit(set->flags & VFU_IRQ_ACTIONS) ||
	    (set->flags & ~(VFU_IRQ_DATA_MASK | VFU_IRQ_ACTIONS)))
		return vfu_refuse(reply, -EINVAL, "flags 0x%x", set->flags);
	if (!(set->flags & VFU_IRQ_ACTION_TRIGGER))
		return vfu_refuse(reply, -ENOTSUP, "flags 0x%x: interrupts cannot be masked here",
				  set->flags);
	count = session->function->irq_count[set->index];
	if (set->start > count || set->count > count - set->start)
		return vfu_refuse(reply, -EINVAL, "interrupts %u + %u of %u", set->start,
				  set->count, count);
	if (!set->count && (set->start || !(set->flags & VFU_IRQ_DATA_NONE)))
		return vfu_refuse(reply, -EINVAL, "no interrupt named");
	return 0;
}

static void change_irq(struct vfu_session *session, uint32_t index, uint32_t vector, int fd)
{
	const struct vfu_function *function = session->function;
	int old = vfu_irqs_set(&session->irqs, index, vector, fd);

	if (function->ops->set_irq && (old >= 0 || fd >= 0))
		function->ops->set_irq(function->arg, index, vector, fd);
	if (old >= 0)
		close(old);
}

void vfu_clear_irqs(struct vfu_session *session, uint32_t index)
{
	for (uint32_t i = 0; i < session->function->irq_count[index]; i++)
		change_irq(session, index, i, -1);
}

static int check_irq_fds(const struct vfu_wire_irq_set *set, const struct vfu_message *command,
			 struct vfu_reply *reply)
{
	if (command->fds_lost)
		return vfu_refuse(reply, -EINVAL, "more than %u eventfds, or no room for them",
				  VFU_FDS_MAX);
	if (command->fd_count && command->fd_count != set->count)
		return vfu_refuse(reply, -EINVAL, "%u eventfds for %u interrupts",
				  command->fd_count, set->count);
	for (unsigned i = 0; i < command->fd_count; i++)
		if (vfu_irqs_check_fd(command->fds[i]))
			return vfu_refuse(reply, -EINVAL, "descriptor %u is no eventfd", i);
	return 0;
}

static int set_irq_fds(struct vfu_session *session, const struct vfu_wire_irq_set *set,
		       struct vfu_message *command, struct vfu_reply *reply)
{
	int rc = check_irq_fds(set, command, reply);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < set->count; i++)
		change_irq(session, set->index, set->start + i,
			   command->fd_count ? vfu_message_take_fd(command, i) : -1);
	return 0;
}

/* chosen: one byte per interrupt, or NULL for all. */
static void fire_irqs(struct vfu_session *session, const struct vfu_wire_irq_set *set,
		      const unsigned char *chosen)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (!chosen || chosen[i])
			vfu_irqs_raise(&session->irqs, set->index, set->start + i);
}

static int run_irq_set(struct vfu_session *session, const struct vfu_wire_irq_set *set,
		       struct vfu_message *command, struct vfu_reply *reply)
{
	if (set->flags & VFU_IRQ_DATA_EVENTFD)
		return set_irq_fds(session, set, command, reply);
	if (set->flags & VFU_IRQ_DATA_BOOL)
		fire_irqs(session, set, command->payload + sizeof(*set));
	else if (set->count)
		fire_irqs(session, set, NULL);
	else
		vfu_clear_irqs(session, set->index);
	return 0;
}

int vfu_run_set_irqs(struct vfu_session *session, struct vfu_message *command,
		     struct vfu_reply *reply)
{
	size_t len = vfu_message_payload_len(command);
	struct vfu_wire_irq_set set;
	size_t want;
	int rc;

	if (len < sizeof(set))
		return vfu_refuse(reply, -EINVAL, "payload of %zu bytes, must be at least %zu", len,
				  sizeof(set));
	memcpy(&set, command->payload, sizeof(set));
	rc = check_irq_set(session, &set, reply);
	if (rc)
		return rc;
	want = sizeof(set) + (set.flags & VFU_IRQ_DATA_BOOL ? set.count : 0);
	if (len != want || set.argsz != want)
		return vfu_refuse(reply, -EINVAL, "payload of %zu bytes, argsz %u, must be %zu",
				  len, set.argsz, want);
	return run_irq_set(session, &set, command, reply);
}
