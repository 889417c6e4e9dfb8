// SPDX-License-Identifier: MIT
/* vsva boot: its arguments. What is wrong with them is said before anything is fetched or started. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/boot/boot.h"
#include "cli/command.h"
#include "cli/status.h"
#include "vsva/machine.h"

static const char documentation[] =
	"Boots an unmodified Debian Linux kernel under an unmodified QEMU. The guest's stock idxd "
	"driver finds the\n"
	"accelerator behind the VT-d, and an ordinary process hands it its own pointers. What is "
	"needed (a QEMU of\n"
	"at least 10.1, a kernel, an initramfs) is fetched from Debian the first time, and cached."
	"\v"
	"Examples:\n"
	"  vsva boot                             copy, refused pages, a killed process, all "
	"operations\n"
	"  vsva boot --shell                     a shell in the guest; `sva-workload copy` copies, "
	"`exit` ends\n"
	"  vsva boot --bare                      the guest's driver on the physical unit itself\n"
	"  vsva boot --run copy,reboot --append vsva.passes=3\n"
	"  vsva boot --kernel 6.1 --run module,sva61\n"
	"\n"
	"What a guest can run: copy, unmapped, killed, ops, next (a short copy), storm (the queue "
	"always full),\n"
	"unbound-wq, unbound-dsa, unbound-pci (the driver unbound under work), module (kernel "
	"DMA), "
	"sva61 (a PASID\n"
	"by virtual command; kernel 6.1), reboot, shell.\n"
	"\n"
	"Exit status: 0 the guest ended and nothing failed, also not on the host; 1 something "
	"failed; 2 a mistake\n"
	"in the arguments; 3 QEMU or the server cannot be started; 77 the packages cannot be "
	"fetched.";

enum {
	KEY_CONTROL = 900,
	KEY_ALLOW_CONTROL,
	KEY_EVENTS,
	KEY_APPEND = 1000,
	KEY_LOG,
	KEY_KEEP,
	KEY_REFRESH,
	KEY_TIMEOUT,
	KEY_CPUS
};

static const struct argp_option options[] = {
	{"kernel", 'k', "7|6.1", 0, "Linux 7.x (default) or 6.1", 0},
	{"run", 'r', "LIST", 0, "what the guest does (copy,unmapped,killed,ops)", 0},
	{"shell", 's', NULL, 0, "a shell on the guest's console instead", 0},
	{"bare", 'b', NULL, 0, "the VT-d page is the physical unit: no virtual IOMMU in between",
	 0},
	{"cache-policy", 'c', "POLICY", 0, "lru (default), never, random or adversarial", 0},
	{"memory", 'm', "SIZE", 0, "of the guest (512M)", 0},
	{"cpus", KEY_CPUS, "N", 0, "of the guest (1)", 0},
	{"append", KEY_APPEND, "WORDS", 0, "more words for the kernel's command line", 0},
	{"timeout", KEY_TIMEOUT, "SECONDS", 0,
	 "the guest is killed after that time (300; 0: never)", 0},
	{"log", KEY_LOG, "FILE", 0, "keep the guest's console there", 0},
	{"keep", KEY_KEEP, NULL, 0, "keep the work directory, with all logs", 0},
	{"refresh", KEY_REFRESH, NULL, 0, "ask the archive for newer packages", 0},
	{"control", KEY_CONTROL, "PATH", 0,
	 "where the control socket is, for `vsva show` and others (s/control.sock in the work "
	 "directory)",
	 0},
	{"allow-control", KEY_ALLOW_CONTROL, NULL, 0,
	 "what comes through the control socket may also change something", 0},
	{"events", KEY_EVENTS, NULL, 0,
	 "record events from the beginning, the last of each thread, for `vsva trace --last` and "
	 "`vsva snapshot`",
	 0},
	{"quiet", 'q', NULL, 0, "say only what went wrong", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static const char *kernel_option(const char *text)
{
	if (!strcmp(text, "7"))
		return "7";
	return !strcmp(text, "6.1") || !strcmp(text, "61") ? "61" : NULL;
}

/* What linux/init can do; test_cli compares. */
static bool is_item(const char *name, size_t len)
{
	static const char *const items[] = {
		"copy",        "unmapped",    "killed", "ops",   "next",   "storm", "unbound-wq",
		"unbound-dsa", "unbound-pci", "module", "sva61", "reboot", "shell",
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (strlen(items[i]) == len && !memcmp(items[i], name, len))
			return true;
	return false;
}

static void check_run(const char *list, const struct argp_state *state)
{
	for (;; list++) {
		size_t len = strcspn(list, ",");

		if (!is_item(list, len))
			misuse(state,
			       "--run: a guest does not know '%.*s'; --help lists what it does",
			       (int)len, list);
		list += len;
		if (!*list)
			return;
	}
}

/* As QEMU takes it. */
static bool is_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return strtoull(text, NULL, 10) &&
	       (!text[digits] || (strchr("KMGTkmgt", text[digits]) && !text[digits + 1]));
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct boot_arguments *arguments = state->input;
	enum vsva_cache_policy policy;

	switch (key) {
	case 'k':
		arguments->kernel = kernel_option(text);
		if (!arguments->kernel)
			misuse(state, "--kernel is 7 or 6.1, not '%s'", text);
		return 0;
	case 'r':
		check_run(text, state);
		arguments->run = text;
		return 0;
	case 's':
		arguments->shell = true;
		return 0;
	case 'b':
		arguments->bare = true;
		return 0;
	case 'c':
		arguments->cache_policy = text;
		return command_policy(text, &policy);
	case 'm':
		if (!is_size(text))
			misuse(state, "--memory: '%s' is no size, such as 512M or 2G", text);
		arguments->memory = text;
		return 0;
	case 'q':
		arguments->quiet = true;
		return 0;
	case KEY_CONTROL:
		arguments->control = text;
		return 0;
	case KEY_ALLOW_CONTROL:
		arguments->allow_control = true;
		return 0;
	case KEY_EVENTS:
		arguments->events = true;
		return 0;
	case KEY_CPUS:
		return command_count(text, 64, "--cpus", &arguments->cpus);
	case KEY_TIMEOUT:
		return command_unsigned(text, 1000000, "--timeout", &arguments->timeout_s);
	case KEY_APPEND:
		arguments->append = text;
		return 0;
	case KEY_LOG:
		arguments->log = text;
		return 0;
	case KEY_KEEP:
		arguments->keep = true;
		return 0;
	case KEY_REFRESH:
		arguments->refresh = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int boot_options(int argc, char **argv, struct boot_arguments *arguments)
{
	static const struct argp argp = {
		.options = options, .parser = parse_option, .doc = documentation};

	*arguments = (struct boot_arguments){.kernel = "7",
					     .run = "copy,unmapped,killed,ops",
					     .memory = "512M",
					     .cache_policy = "lru",
					     .cpus = 1,
					     .timeout_s = 300};
	if (argp_parse(&argp, argc, argv, 0, NULL, arguments))
		return CLI_USAGE;
	if (arguments->shell)
		arguments->run = "shell";
	return CLI_OK;
}
