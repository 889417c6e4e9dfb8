// SPDX-License-Identifier: MIT
#include "vmm/server/socket_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

/* One client per function; a second one is turned away at once, so none has to queue for long. */
#define BACKLOG 4

/* While a socket does not listen yet it has this suffix. */
#define UNFINISHED ".new"

static int check_owner(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_uid == geteuid() && !(st.st_mode & 0077))
		return 0;
	log_line(LOG_ERROR, VSVA_CODE_SOCKET_DIRECTORY,
		 "%s: others could connect to its sockets (owner %u, mode %03o): use a directory "
		 "of your "
		 "own with mode 700",
		 path, st.st_uid, (unsigned)st.st_mode & 0777);
	return -EPERM;
}

static int lock_dir(const char *path, int fd)
{
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	log_line(LOG_ERROR, VSVA_CODE_SOCKET_DIRECTORY, "%s: another server uses this directory",
		 path);
	return -EBUSY;
}

/* The descriptor, or -errno. */
static int open_dir(const char *path)
{
	int fd;

	if (FAIL_CALL(-1, ENOSPC, mkdir(path, 0700)) && errno != EEXIST)
		return -errno;
	fd = FAIL_CALL(-1, EMFILE, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return fd < 0 ? -errno : fd;
}

int socket_dir_open(struct socket_dir *dir, const char *path)
{
	int rc;

	dir->path = NULL;
	dir->fd = open_dir(path);
	if (dir->fd < 0) {
		log_line(LOG_ERROR, VSVA_CODE_SOCKET_DIRECTORY, "%s: %s", path, strerror(-dir->fd));
		return dir->fd;
	}
	rc = check_owner(path, dir->fd);
	if (!rc)
		rc = lock_dir(path, dir->fd);
	if (!rc) {
		dir->path = base_strdup(path);
		rc = dir->path ? 0 : -ENOMEM;
	}
	if (rc)
		socket_dir_close(dir);
	return rc;
}

void socket_dir_close(struct socket_dir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	base_free(dir->path);
	*dir = (struct socket_dir){.fd = -1};
}

char *socket_dir_path_of(const struct socket_dir *dir, const char *name)
{
	size_t size = strlen(dir->path) + strlen(name) + 2;
	char *path = base_zalloc(size);

	if (path)
		snprintf(path, size, "%s/%s", dir->path, name);
	return path;
}

/* QEMU has the same limit, so a detour through a shorter path would help only us. */
static int make_address(const struct socket_dir *dir, const char *name, struct sockaddr_un *address)
{
	int len;

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	len = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s%s", dir->path, name,
		       UNFINISHED);
	if (len > 0 && (size_t)len < sizeof(address->sun_path))
		return 0;
	log_line(LOG_ERROR, VSVA_CODE_SOCKET_DIRECTORY,
		 "%s/%s: the path of a socket has at most %zu characters", dir->path, name,
		 sizeof(address->sun_path) - 1 - strlen(UNFINISHED));
	return -ENAMETOOLONG;
}

static int check_replaceable(const struct socket_dir *dir, const char *name)
{
	struct stat st;

	if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISSOCK(st.st_mode))
		return 0;
	log_line(LOG_ERROR, VSVA_CODE_SOCKET_DIRECTORY,
		 "%s/%s: is in the way and no socket; remove it", dir->path, name);
	return -EEXIST;
}

static int bind_and_publish(const struct socket_dir *dir, const char *name, int fd,
			    const struct sockaddr_un *address)
{
	char unfinished[sizeof(address->sun_path)];

	snprintf(unfinished, sizeof(unfinished), "%s%s", name, UNFINISHED);
	unlinkat(dir->fd, unfinished, 0);
	if (FAIL_CALL(-1, ENOSPC, bind(fd, (const struct sockaddr *)address, sizeof(*address))))
		return -errno;
	if (fchmodat(dir->fd, unfinished, 0600, 0) || FAIL_CALL(-1, ENOMEM, listen(fd, BACKLOG)) ||
	    FAIL_CALL(-1, ENOSPC, renameat(dir->fd, unfinished, dir->fd, name))) {
		int rc = -errno;

		unlinkat(dir->fd, unfinished, 0);
		return rc;
	}
	return 0;
}

int socket_dir_listen(struct socket_dir *dir, const char *name)
{
	struct sockaddr_un address;
	int fd, rc = make_address(dir, name, &address);

	if (!rc)
		rc = check_replaceable(dir, name);
	if (rc)
		return rc;
	fd = FAIL_CALL(-1, EMFILE, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	if (fd < 0)
		return -errno;
	rc = bind_and_publish(dir, name, fd, &address);
	if (!rc)
		return fd;
	log_line(LOG_ERROR, VSVA_CODE_SOCKET_DIRECTORY, "%s/%s: %s", dir->path, name,
		 strerror(-rc));
	close(fd);
	return rc;
}

void socket_dir_unlink(struct socket_dir *dir, const char *name)
{
	unlinkat(dir->fd, name, 0);
}
