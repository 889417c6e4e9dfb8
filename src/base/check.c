/* SPDX-License-Identifier: MIT */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "vsva: %s:%d: this must hold and does not: %s\n", file, line, what);
	abort();
}
