// SPDX-License-Identifier: MIT
/* Where the page goes: a file that is there whole or not at all, and replaces nothing but a report. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report/report.h"
#include "cli/status.h"

#define NAME "index.html"
/* In it a report says what it is. */
#define HEAD 512u

static int fail(const char *dir, const char *name, int err)
{
	complain(VSVA_CODE_FILE, "%s%s%s: %s", dir, *name ? "/" : "", name, strerror(err));
	return -err;
}

static int open_dir(const char *path)
{
	int fd;

	if (mkdir(path, 0777) && errno != EEXIST)
		return fail(path, "", errno);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fail(path, "", errno) : fd;
}

static bool is_report(int dir)
{
	char text[HEAD + 1] = "";
	int fd = openat(dir, NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat stat;
	ssize_t len = -1;

	if (fd >= 0 && !fstat(fd, &stat) && S_ISREG(stat.st_mode))
		len = read(fd, text, HEAD);
	if (fd >= 0)
		close(fd);
	return len > 0 && strstr(text, "<meta name=\"generator\" content=\"" REPORT_GENERATOR);
}

/* false: complained. */
static bool may_write(int dir, const char *path, bool *is_there)
{
	struct stat stat;

	*is_there = !fstatat(dir, NAME, &stat, AT_SYMLINK_NOFOLLOW);
	if (!*is_there || is_report(dir))
		return true;
	complain(VSVA_CODE_FILE,
		 "%s/%s is no report of vsva and is left alone; name another directory", path,
		 NAME);
	return false;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t written = write(fd, text, len);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0) {
			text += written;
			len -= (size_t)written;
		}
	}
	return fsync(fd) ? -errno : 0;
}

/* What came meanwhile is not replaced either. */
static int put_in_place(int dir, const char *name, bool is_there)
{
	return renameat2(dir, name, dir, NAME, is_there ? 0 : RENAME_NOREPLACE) ? -errno : 0;
}

static int write_file(int dir, const char *path, const char *text, size_t len, bool is_there)
{
	char name[] = "." NAME ".4294967295";
	int fd, err;

	snprintf(name, sizeof(name), "." NAME ".%u", (unsigned)getpid());
	unlinkat(dir, name, 0);
	/* it tells of a guest's memory: as a snapshot it is for its owner alone */
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(path, name, errno);
	err = write_all(fd, text, len);
	if (close(fd) && !err)
		err = -errno;
	if (!err)
		err = put_in_place(dir, name, is_there);
	if (!err)
		return 0;
	unlinkat(dir, name, 0);
	return fail(path, NAME, -err);
}

int report_write(const char *path, const char *text, size_t len)
{
	int dir = open_dir(path), err = -EEXIST;
	bool is_there;

	if (dir < 0)
		return dir;
	if (may_write(dir, path, &is_there))
		err = write_file(dir, path, text, len, is_there);
	close(dir);
	return err;
}
