/* SPDX-License-Identifier: MIT */
/* A guest's console: kept in a file, told line by line, and shown as progress while it says nothing to tell. */
#ifndef CLI_BOOT_CONSOLE_H
#define CLI_BOOT_CONSOLE_H

#include <signal.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/boot/report.h"

struct boot_console {
	FILE *log; /* NULL: it is kept nowhere */
	struct boot_report *report;
	unsigned timeout_s; /* 0: for ever */
	const volatile sig_atomic_t *interrupted;
	/* its own */
	char line[1024];
	size_t len;
	char last[1024]; /* line that is whole */
};

/* Until the guest closes its console (0), the time is up (-ETIMEDOUT) or somebody interrupts (-EINTR). */
int boot_console_read(struct boot_console *console, int from);

#endif
