/* SPDX-License-Identifier: MIT */
#include "cli/status.h"

#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/progress.h"

void complain(enum vsva_code code, const char *format, ...)
{
	va_list args;

	progress_erase();
	fflush(stdout);
	va_start(args, format);
	fputs("vsva: ", stderr);
	vfprintf(stderr, format, args);
	fprintf(stderr, " [%s]\n", vsva_code_name(code));
	va_end(args);
}

void misuse(const struct argp_state *state, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	argp_error(state, "%s [%s]", text, vsva_code_name(VSVA_CODE_USAGE));
}

const char *errno_name(int err)
{
	const char *name = strerrorname_np(err < 0 ? -err : err);

	return name ? name : "?";
}
