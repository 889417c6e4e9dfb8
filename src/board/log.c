/* SPDX-License-Identifier: MIT */
/* The public face of base/log.h. */
#include "vsva/log.h"

#include <assert.h>
#include <stddef.h>

#include "base/log.h"

static_assert((int)VSVA_LOG_ERROR == LOG_ERROR && (int)VSVA_LOG_DEBUG == LOG_DEBUG, "same levels");

static void (*public_sink)(void *arg, enum vsva_log_level level, const char *line);

static void pass_on(void *arg, enum log_level level, const char *line)
{
	public_sink(arg, (enum vsva_log_level)level, line);
}

void vsva_log_set_level(enum vsva_log_level most_detailed)
{
	log_set_level((enum log_level)most_detailed);
}

void vsva_log_set_sink(void (*sink)(void *arg, enum vsva_log_level level, const char *line),
		       void *arg)
{
	public_sink = sink;
	log_set_sink(sink ? pass_on : NULL, arg);
}
