/* SPDX-License-Identifier: MIT */
/*
 * The eventfds through which a client hears of interrupts. They never leave this object: whoever
 * raises an interrupt names it by number, so a descriptor cannot be used after it was closed.
 *
 *   | may run at once | set       | raise |
 *   | set             | no        | yes   |
 *   | raise           | yes       | yes   |
 */
#ifndef VMM_SERVER_IRQ_H
#define VMM_SERVER_IRQ_H

#include <stdint.h>

#include "base/lock.h"
#include "vmm/server/wire.h"

struct vfu_irqs {
	struct lock lock;              /* fds */
	int *fds[VFU_IRQ_INDEX_COUNT]; /* -1: none */
	uint32_t count[VFU_IRQ_INDEX_COUNT];
};

/* 0; -ENOMEM. count has VFU_IRQ_INDEX_COUNT members, none above VFU_IRQS_MAX (checked). */
int vfu_irqs_init(struct vfu_irqs *irqs, const uint32_t *count);
/* Closes all. */
void vfu_irqs_fini(struct vfu_irqs *irqs);

/* May fd be used as an eventfd? -EINVAL for files, sockets and pipes: writing to one could block.
 */
int vfu_irqs_check_fd(int fd);
/* fd, -1 for none, becomes the object's; what was there is returned and becomes the caller's. index
 * and vector must exist (checked). */
int vfu_irqs_set(struct vfu_irqs *irqs, unsigned index, unsigned vector, int fd);
/* 0; -EINVAL no such interrupt; -ENOENT no eventfd. Any thread; does not block. */
int vfu_irqs_raise(struct vfu_irqs *irqs, unsigned index, unsigned vector);

#endif
