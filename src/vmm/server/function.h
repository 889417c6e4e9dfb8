/* SPDX-License-Identifier: MIT */
/*
 * What one PCI function offers to the protocol. The protocol knows nothing of what a function does;
 * a function knows nothing of messages.
 *
 * Threads: all operations of all functions of one VM are called from that VM's one thread, with no
 * lock held, and never while another one of the same VM is running. The client waits for the reply
 * (QEMU gives up after five seconds), so an operation may block for hardware but not for the guest,
 * and it must not wait for anything that comes over a socket.
 */
#ifndef VMM_SERVER_FUNCTION_H
#define VMM_SERVER_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/server/wire.h"
#include "vsva/types.h"

struct vfu_connection;

/* A window of guest memory. */
struct vfu_window {
	gpa_t gpa;
	uint64_t size;
	uint32_t prot; /* VSVA_PROT_* */
	/* The file to mmap, closed when the call returns; -1: this memory is not shared (ROM), the
	 * function cannot reach it. */
	int fd;
	uint64_t fd_offset;
	/* The client cannot make the file shorter (F_SEAL_SHRINK). Without it an access may raise
	 * SIGBUS: physmem_guard_install(). */
	bool sealed;
};

struct vfu_function_ops {
	/* A client has agreed on a version; nothing is mapped yet. Optional. */
	void (*connected)(void *arg, struct vfu_connection *connection);
	/* The client is gone. Called before its windows and interrupts are taken away, so that the
	 * owner can stop its engines and answer what waits for the guest. Optional. */
	void (*disconnecting)(void *arg);
	/* Everything of the client's is gone. Optional. */
	void (*disconnected)(void *arg);

	/* Bytes of configuration space; offset + len are inside it. 0 or -errno. */
	int (*config_read)(void *arg, uint32_t offset, void *data, uint32_t len);
	int (*config_write)(void *arg, uint32_t offset, const void *data, uint32_t len);

	/* size is 1, 2, 4 or 8, offset + size are inside the BAR; the alignment is the function's
	 * affair. 0 or -errno; the guest then reads ones, a write has no effect. */
	int (*bar_read)(void *arg, unsigned bar, uint64_t offset, unsigned size, uint64_t *value);
	int (*bar_write)(void *arg, unsigned bar, uint64_t offset, unsigned size, uint64_t value);

	/* The guest or the VMM resets the function. 0 or -errno. */
	int (*reset)(void *arg);

	/*
	 * Windows of one function never overlap, and an unmap names one that was mapped. The
	 * functions of a VM get the same windows one after the other; the owner counts them. While
	 * a VMM changes its layout the functions disagree for a moment: one has a new window, and
	 * another still an old one that overlaps it, or one of the same range with another file,
	 * offset or protection. The new one is right. When dma_unmap returns 0, no access to the
	 * window is under way. An error leaves the window mapped and goes to the client; when the
	 * client is gone it is only logged, and disconnected() must clean up.
	 */
	int (*dma_map)(void *arg, const struct vfu_window *window);
	int (*dma_unmap)(void *arg, gpa_t gpa, uint64_t size);

	/* An interrupt got an eventfd or lost it (-1). For information: vfu_connection_raise_irq()
	 * is how to fire one. The fd stays the connection's. Optional. */
	void (*set_irq)(void *arg, unsigned index, unsigned vector, int fd);

	/* The client refused what vfu_connection_dma_write() sent (QEMU: ENODEV while the
	 * function's bus master bit is off). Optional. */
	void (*dma_write_failed)(void *arg, gpa_t gpa, const void *data, size_t len, int error);
};

struct vfu_function {
	const char *name; /* of the socket file, and in messages: "vtd", "dsa0" */
	const struct vfu_function_ops *ops;
	void *arg;
	uint32_t config_size;             /* 256 or 4096 */
	uint64_t bar_size[VFU_BAR_COUNT]; /* 0: no such BAR, or the upper half of a 64-bit one */
	uint32_t irq_count[VFU_IRQ_INDEX_COUNT]; /* at most VFU_IRQS_MAX each */
	/*
	 * Whatever has arrived for this function is carried out before any later message of another
	 * function of the VM. A guest posts a register write to the VT-d unit and then rings a
	 * doorbell of the accelerator; on two sockets nothing else keeps them in order.
	 */
	bool goes_first;
};

/* MSI-X allows no more vectors. */
#define VFU_IRQS_MAX 2048u

#endif
