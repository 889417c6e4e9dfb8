// SPDX-License-Identifier: MIT
#include "vmm/server/irq.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"
#include "vmm/server/function.h"

static int init_index(struct vfu_irqs *irqs, unsigned index, uint32_t count)
{
	CHECK(count <= VFU_IRQS_MAX);
	irqs->fds[index] = base_calloc(count, sizeof(int));
	if (!irqs->fds[index])
		return -ENOMEM;
	irqs->count[index] = count;
	for (uint32_t i = 0; i < count; i++)
		irqs->fds[index][i] = -1;
	return 0;
}

int vfu_irqs_init(struct vfu_irqs *irqs, const uint32_t *count)
{
	memset(irqs, 0, sizeof(*irqs));
	lock_init(&irqs->lock, LOCK_RANK_LEAF, "vfio-user irqs");
	for (unsigned index = 0; index < VFU_IRQ_INDEX_COUNT; index++) {
		if (init_index(irqs, index, count[index])) {
			vfu_irqs_fini(irqs);
			return -ENOMEM;
		}
	}
	return 0;
}

void vfu_irqs_fini(struct vfu_irqs *irqs)
{
	for (unsigned index = 0; index < VFU_IRQ_INDEX_COUNT; index++) {
		for (uint32_t i = 0; i < irqs->count[index]; i++)
			if (irqs->fds[index][i] >= 0)
				close(irqs->fds[index][i]);
		base_free(irqs->fds[index]);
	}
	lock_destroy(&irqs->lock);
}

int vfu_irqs_check_fd(int fd)
{
	struct stat st;

	/* An eventfd is an anonymous inode: it has no file type at all. */
	if (fstat(fd, &st) || (st.st_mode & S_IFMT))
		return -EINVAL;
	return 0;
}

int vfu_irqs_set(struct vfu_irqs *irqs, unsigned index, unsigned vector, int fd)
{
	int old;

	CHECK(index < VFU_IRQ_INDEX_COUNT && vector < irqs->count[index]);
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	lock_take(&irqs->lock);
	old = irqs->fds[index][vector];
	irqs->fds[index][vector] = fd;
	lock_drop(&irqs->lock);
	return old;
}

/* The client shares the open file and could make it blocking again; asking first leaves it only a
 * race to win against itself. A full counter means that the client has yet to hear of earlier
 * interrupts: one more makes no difference. */
static void add_one(int fd)
{
	static const uint64_t one = 1;
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) && write(fd, &one, sizeof(one)) < 0)
		return;
}

int vfu_irqs_raise(struct vfu_irqs *irqs, unsigned index, unsigned vector)
{
	int rc = -ENOENT;

	if (index >= VFU_IRQ_INDEX_COUNT || vector >= irqs->count[index])
		return -EINVAL;
	lock_take(&irqs->lock);
	if (irqs->fds[index][vector] >= 0) {
		add_one(irqs->fds[index][vector]);
		rc = 0;
	}
	lock_drop(&irqs->lock);
	return rc;
}
