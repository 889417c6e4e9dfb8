// SPDX-License-Identifier: MIT
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/status.h"
#include "cli/terminal.h"

bool output_wants_colour(void)
{
	return terminal_is_capable(STDOUT_FILENO) && !getenv("NO_COLOR");
}

FILE *output_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file)
		complain(VSVA_CODE_FILE, "%s: %s", path, strerror(errno));
	if (!file && fd >= 0)
		close(fd);
	return file;
}

bool output_close(FILE *file, const char *path)
{
	/* an error of before stays, and fclose() does not tell it */
	bool is_broken = ferror(file);

	if (!fclose(file) && !is_broken)
		return true;
	complain(VSVA_CODE_FILE, "%s: %s", path, errno ? strerror(errno) : "not all was written");
	return false;
}
