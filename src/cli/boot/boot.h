/* SPDX-License-Identifier: MIT */
/* vsva boot, in parts: its arguments, the files it needs, QEMU's command line. */
#ifndef CLI_BOOT_H
#define CLI_BOOT_H

#include "cli/guest_env.h"
#include "cli/spawn.h"

struct boot_arguments {
	const char *kernel; /* as in guest.env: "7" or "61" */
	const char *run;    /* what the guest does, for vsva.run= */
	const char *memory; /* for QEMU's -m */
	const char *append; /* more words for the kernel, or NULL */
	const char *cache_policy;
	const char *log;     /* where the console goes; NULL: the work directory */
	const char *control; /* where the control socket goes; NULL: the work directory */
	bool allow_control;
	bool events; /* are recorded from the beginning */
	unsigned cpus;
	unsigned timeout_s; /* 0: for ever */
	bool bare, shell, quiet, keep, refresh;
};

/* CLI_OK; CLI_USAGE, said. */
int boot_options(int argc, char **argv, struct boot_arguments *arguments);

/* Makes what is not there yet (scripts/guest-prepare). *env is the caller's. CLI_OK; CLI_SETUP,
 * CLI_SKIPPED, said. */
int boot_prepare(const struct boot_arguments *arguments, struct guest_env **env);

/* QEMU's command line for a guest on the sockets in directory. NULL: no memory, or guest.env lacks
 * the kernel (said). */
struct words *boot_qemu(const struct boot_arguments *arguments, const struct guest_env *env,
			const char *directory);

/* Does the comma list name it? */
bool boot_runs(const struct boot_arguments *arguments, const char *item);

#endif
