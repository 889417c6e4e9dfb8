/* SPDX-License-Identifier: MIT */
/*
 * guest.env: what scripts/guest-prepare has made, one KEY=VALUE a line; the head of that script
 * describes the keys.
 */
#ifndef CLI_GUEST_ENV_H
#define CLI_GUEST_ENV_H

#include <stdbool.h>

struct guest_env;

/* The cache directory: $VSVA_CACHE, $XDG_CACHE_HOME/vsva or ~/.cache/vsva. NULL: no memory. free().
 */
char *guest_env_cache(void);
/* NULL: there is none, or of another format, or no memory. path: of the file. */
struct guest_env *guest_env_load(const char *path);
void guest_env_free(struct guest_env *env);

/* NULL: no such key. */
const char *guest_env_get(const struct guest_env *env, const char *key);
/* KEY_kernel. */
const char *guest_env_of(const struct guest_env *env, const char *key, const char *kernel);

#endif
