/* SPDX-License-Identifier: MIT */
/* A function that remembers what was done to it. */
#ifndef TESTS_SERVER_FAKE_H
#define TESTS_SERVER_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/server/function.h"

#define FAKE_WINDOWS 64
#define FAKE_BAR0    0x1000u
#define FAKE_BAR2    0x20000u
#define FAKE_VECTORS 9u

struct fake_window {
	uint64_t gpa, size;
};

struct fake {
	unsigned char config[4096];
	unsigned char bar0[FAKE_BAR0];
	uint64_t last_offset, last_value;
	unsigned last_bar, last_size;
	unsigned writes, resets, connects, disconnectings, disconnects, maps, unmaps;
	unsigned window_count;
	struct fake_window windows[FAKE_WINDOWS];
	struct vfu_window last_window;
	bool last_window_had_file;
	unsigned windows_at_disconnecting;
	int irq_fds[FAKE_VECTORS];
	unsigned irq_changes;
	int fail_next;        /* errno of the next operation, 0 none */
	uint64_t refused_gpa; /* dma_write_failed */
	int refused_error;
	unsigned refusals;
	char journal[4096]; /* one letter per BAR write of all fakes that share it */
	char *shared_journal;
	char letter;
	struct vfu_connection *connection;
};

void fake_init(struct fake *fake);
/* A function named name: BAR0 4 KiB, BAR2 128 KiB, nine MSI-X vectors, 4 KiB of configuration
 * space. */
struct vfu_function fake_function(struct fake *fake, const char *name);

#endif
