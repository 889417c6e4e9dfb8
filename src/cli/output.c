// SPDX-License-Identifier: MIT
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/status.h"
#include "cli/terminal.h"

bool output_wants_colour(void)
{
	return terminal_is_capable(STDOUT_FILENO) && !getenv("NO_COLOR");
}

static bool is_same_file(const struct stat *file, const char *path)
{
	struct stat other;

	return path && stat(path, &other) == 0 && other.st_dev == file->st_dev &&
	       other.st_ino == file->st_ino;
}

/* A file that was there is emptied, and as private as a new one. NULL, or why it cannot be. */
static const char *make_new(int fd, const char *input)
{
	struct stat file;

	if (fstat(fd, &file))
		return strerror(errno);
	if (!S_ISREG(file.st_mode))
		return NULL;
	if (is_same_file(&file, input))
		return "this is the file that is read";
	return fchmod(fd, 0600) || ftruncate(fd, 0) ? strerror(errno) : NULL;
}

FILE *output_create(const char *path, const char *input)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	const char *why = fd < 0 ? strerror(errno) : make_new(fd, input);
	FILE *file = why ? NULL : fdopen(fd, "w");

	if (!file)
		complain(VSVA_CODE_FILE, "%s: %s", path, why ? why : strerror(errno));
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
