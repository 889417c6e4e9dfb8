/* SPDX-License-Identifier: MIT */
#include "cli/guest_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "1"

struct setting {
	struct setting *next;
	char *value; /* in text */
	char text[];
};

struct guest_env {
	struct setting *settings;
};

char *guest_env_cache(void)
{
	const char *cache = getenv("VSVA_CACHE"), *xdg = getenv("XDG_CACHE_HOME"),
		   *home = getenv("HOME");
	char *path;
	int len;

	if (cache && *cache)
		return strdup(cache);
	if (xdg && *xdg)
		len = asprintf(&path, "%s/vsva", xdg);
	else
		len = asprintf(&path, "%s/.cache/vsva", home ? home : "");
	return len < 0 ? NULL : path;
}

/* Blank lines, comments and lines without '=' are ignored. */
static int add_line(struct guest_env *env, char *line)
{
	size_t len = strcspn(line, "\n");
	struct setting *setting;

	line[len] = 0;
	if (*line == '#' || !strchr(line, '='))
		return 0;
	setting = malloc(sizeof(*setting) + len + 1);
	if (!setting)
		return -1;
	memcpy(setting->text, line, len + 1);
	setting->value = strchr(setting->text, '=');
	*setting->value++ = 0;
	setting->next = env->settings;
	env->settings = setting;
	return 0;
}

static int read_lines(struct guest_env *env, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	while (!err && getline(&line, &size, file) >= 0)
		err = add_line(env, line);
	free(line);
	return err;
}

struct guest_env *guest_env_load(const char *path)
{
	struct guest_env *env = calloc(1, sizeof(*env));
	FILE *file = env ? fopen(path, "re") : NULL;
	const char *format;
	int err = file ? read_lines(env, file) : -1;

	if (file)
		fclose(file);
	format = err ? NULL : guest_env_get(env, "VSVA_GUEST_ENV");
	if (format && !strcmp(format, FORMAT))
		return env;
	guest_env_free(env);
	return NULL;
}

void guest_env_free(struct guest_env *env)
{
	if (!env)
		return;
	while (env->settings) {
		struct setting *setting = env->settings;

		env->settings = setting->next;
		free(setting);
	}
	free(env);
}

const char *guest_env_get(const struct guest_env *env, const char *key)
{
	const struct setting *setting = env->settings;

	while (setting && strcmp(setting->text, key) != 0)
		setting = setting->next;
	return setting ? setting->value : NULL;
}

const char *guest_env_of(const struct guest_env *env, const char *key, const char *kernel)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", key, kernel);
	return guest_env_get(env, name);
}
