/* SPDX-License-Identifier: MIT */
/* QEMU's command line. The functions sit where the DMAR table expects them. */
#include <stdio.h>
#include <unistd.h>

#include "cli/boot/boot.h"
#include "cli/status.h"

static const struct {
	const char *name, *slot;
} functions[] = {
	{"vtd", "05.0"},  {"dsa0", "06.0"}, {"test0", "07.0"},
	{"dsa1", "08.0"}, {"dsa2", "09.0"}, {"dsa3", "0a.0"},
};

static void add_machine(struct words *words, const struct boot_arguments *arguments,
			const struct guest_env *env)
{
	words_add(words, "%s", guest_env_get(env, "QEMU"));
	words_add(words, "-machine");
	words_add(words, "q35,accel=tcg,memory-backend=ram0");
	words_add(words, "-m");
	words_add(words, "%s", arguments->memory);
	words_add(words, "-smp");
	words_add(words, "%u", arguments->cpus);
	words_add(words, "-object");
	words_add(words, "memory-backend-memfd,id=ram0,size=%s,share=on", arguments->memory);
	words_add(words, "-cpu");
	words_add(words, "%s", guest_env_of(env, "CPU", arguments->kernel));
	words_add(words, "-nodefaults");
	words_add(words, "-display");
	words_add(words, "none");
}

/* In a shell ^C is the guest's. */
static void add_console(struct words *words, const struct boot_arguments *arguments)
{
	words_add(words, "-chardev");
	words_add(words, "stdio,id=console,signal=%s", arguments->shell ? "off" : "on");
	words_add(words, "-serial");
	words_add(words, "chardev:console");
}

static void add_kernel(struct words *words, const struct boot_arguments *arguments,
		       const struct guest_env *env)
{
	words_add(words, "-kernel");
	words_add(words, "%s", guest_env_of(env, "KERNEL", arguments->kernel));
	words_add(words, "-initrd");
	words_add(words, "%s", guest_env_of(env, "INITRD", arguments->kernel));
	words_add(words, "-append");
	words_add(words, "%s vsva.run=%s%s%s", guest_env_of(env, "CMDLINE", arguments->kernel),
		  arguments->run, arguments->append ? " " : "",
		  arguments->append ? arguments->append : "");
	if (!boot_runs(arguments, "reboot"))
		words_add(words, "-no-reboot");
}

static void add_functions(struct words *words, const char *directory)
{
	char path[4096];

	words_add(words, "-acpitable");
	words_add(words, "file=%s/dmar.bin", directory);
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s.sock", directory, functions[i].name);
		if (access(path, F_OK))
			continue;
		words_add(words, "-device");
		words_add(words,
			  "{\"driver\":\"vfio-user-pci\",\"id\":\"%s\",\"addr\":\"%s\","
			  "\"x-no-posted-writes\":true,\"socket\":{\"type\":\"unix\",\"path\":\"%"
			  "s\"}}",
			  functions[i].name, functions[i].slot, path);
	}
}

static bool has_all(const struct guest_env *env, const char *kernel)
{
	static const char *const keys[] = {"KERNEL", "INITRD", "CMDLINE", "CPU"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (guest_env_of(env, keys[i], kernel))
			continue;
		complain(VSVA_CODE_GUEST_NOT_PREPARED,
			 "guest.env has no %s_%s: vsva boot --refresh", keys[i], kernel);
		return false;
	}
	if (guest_env_get(env, "QEMU"))
		return true;
	complain(VSVA_CODE_GUEST_NOT_PREPARED, "guest.env has no QEMU: vsva boot --refresh");
	return false;
}

struct words *boot_qemu(const struct boot_arguments *arguments, const struct guest_env *env,
			const char *directory)
{
	struct words *words = has_all(env, arguments->kernel) ? words_create() : NULL;

	if (!words)
		return NULL;
	add_machine(words, arguments, env);
	add_console(words, arguments);
	add_kernel(words, arguments, env);
	add_functions(words, directory);
	return words;
}
