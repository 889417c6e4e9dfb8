/* SPDX-License-Identifier: MIT */
/*
 * A directory of unix sockets that belongs to one process at a time.
 *
 * Who may connect is decided by the directory: it is ours and nobody else may enter it (mode 0700).
 * A lock on it says that its sockets are ours to replace, so what a killed server left behind is
 * never mistaken for a live one, and two servers never take sockets from each other. A socket
 * appears under its name only when it listens.
 */
#ifndef VMM_SERVER_SOCKET_DIR_H
#define VMM_SERVER_SOCKET_DIR_H

#include <stddef.h>

struct socket_dir {
	char *path;
	int fd; /* holds the lock */
};

/*
 * Makes the directory if it is not there and locks it. 0; -EPERM not ours, or others may enter it;
 * -ENOTDIR; -EBUSY another process has it; -ENOMEM; other -errno. Says in the log what is wrong.
 */
int socket_dir_open(struct socket_dir *dir, const char *path);
void socket_dir_close(struct socket_dir *dir);

/* Listens on "name" in the directory. The descriptor (non-blocking), or -EEXIST a file that is no
 * socket has the name; -ENAMETOOLONG; other -errno. Says in the log what is wrong. */
int socket_dir_listen(struct socket_dir *dir, const char *name);
void socket_dir_unlink(struct socket_dir *dir, const char *name);
/* "path/name" for messages and QEMU's command line; the caller frees it. NULL: no memory. */
char *socket_dir_path_of(const struct socket_dir *dir, const char *name);

#endif
