/* SPDX-License-Identifier: MIT */
/* Where guest-prepare is, and what it is to make. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/boot/boot.h"
#include "cli/status.h"

#define SCRIPT "scripts/guest-prepare"

bool boot_runs(const struct boot_arguments *arguments, const char *item)
{
	size_t len = strlen(item);

	for (const char *at = arguments->run; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, item, len) && (at[len] == ',' || !at[len]))
			return true;
	}
	return false;
}

/* Installed, or in the tree that it was built from: a link in the build directory leads there. */
static char *find_script(void)
{
	static const char *const places[] = {"../share/vsva/" SCRIPT, "source/" SCRIPT};
	char self[PATH_MAX], *path;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len <= 0)
		return NULL;
	self[len] = 0;
	dirname(self);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (asprintf(&path, "%s/%s", self, places[i]) < 0)
			return NULL;
		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return NULL;
}

static bool needs_module(const struct boot_arguments *arguments, const struct guest_env *env)
{
	return boot_runs(arguments, "module") || boot_runs(arguments, "sva61") ||
	       (env && guest_env_of(env, "MODULE", arguments->kernel));
}

/* What is there stays: others may use it. */
static void add_kernels(struct words *words, const struct boot_arguments *arguments,
			const struct guest_env *env)
{
	const char *there = env ? guest_env_get(env, "GUESTS") : NULL;

	words_add(words, "--kernels");
	if (!there)
		words_add(words, "%s", arguments->kernel);
	else if (guest_env_of(env, "KERNEL", arguments->kernel))
		words_add(words, "%s", there);
	else
		words_add(words, "%s %s", there, arguments->kernel);
}

static int run_script(const char *script, const struct boot_arguments *arguments,
		      const struct guest_env *env)
{
	const struct spawn_options options = {.in = -1, .out = -1, .death_signal = SIGTERM};
	struct words *words = words_create();
	pid_t child;
	int status;

	if (!words)
		return -ENOMEM;
	words_add(words, "%s", script);
	add_kernels(words, arguments, env);
	if (!needs_module(arguments, env))
		words_add(words, "--without-module");
	if (arguments->refresh)
		words_add(words, "--refresh");
	if (arguments->quiet)
		words_add(words, "--quiet");
	child = spawn(words_argv(words), &options);
	status = child < 0 ? child : spawn_wait(child, -1);
	words_destroy(words);
	return status;
}

static int prepare(const struct boot_arguments *arguments, const struct guest_env *env)
{
	char *script = find_script();
	int status;

	if (!script) {
		complain(VSVA_CODE_GUEST_NOT_PREPARED,
			 "cannot find guest-prepare, neither in ../share/vsva/scripts nor in "
			 "source/scripts of the executable's directory: install vsva, or run it "
			 "from "
			 "its build directory");
		return CLI_SETUP;
	}
	status = run_script(script, arguments, env);
	if (status == CLI_SKIPPED)
		complain(VSVA_CODE_GUEST_NOT_PREPARED,
			 "%s cannot fetch what the guest needs: no network?", script);
	else if (status)
		complain(VSVA_CODE_GUEST_NOT_PREPARED, "%s failed with status %d", script, status);
	free(script);
	return status == CLI_SKIPPED ? CLI_SKIPPED : (status ? CLI_SETUP : CLI_OK);
}

int boot_prepare(const struct boot_arguments *arguments, struct guest_env **env)
{
	char *cache = guest_env_cache(), *path = NULL;
	struct guest_env *before;
	int status = CLI_SETUP;

	*env = NULL;
	if (!cache || asprintf(&path, "%s/guest.env", cache) < 0) {
		complain(VSVA_CODE_NO_MEMORY, "no memory");
		free(cache);
		return CLI_SETUP;
	}
	before = guest_env_load(path);
	status = prepare(arguments, before);
	guest_env_free(before);
	if (!status) {
		*env = guest_env_load(path);
		if (!*env) {
			complain(VSVA_CODE_GUEST_NOT_PREPARED,
				 "%s cannot be read after guest-prepare", path);
			status = CLI_SETUP;
		}
	}
	free(path);
	free(cache);
	return status;
}
