/* SPDX-License-Identifier: MIT */
/* One connection of a fake function with a client at the other end, without threads. */
#ifndef TESTS_SERVER_WORLD_H
#define TESTS_SERVER_WORLD_H

#include <stdbool.h>

#include "server/client.h"
#include "server/fake.h"
#include "vmm/server/connection.h"

struct world {
	struct fake fake;
	struct vfu_connection *connection;
	int client;
	unsigned wakes;
	unsigned fds_before;
	struct bytes out, in;
};

void world_attach(struct world *w);
/* A client is attached and has sent nothing. */
int world_setup_bare(void **state);
/* Serves until nothing is left; false: the connection was given up. */
bool world_serve(struct world *w);
bool has_input(int socket);
/* Sends w->out, checks that the reply in w->in fits it; its errno. */
uint32_t transact_fds(struct world *w, const int *fds, unsigned fd_count);
uint32_t transact(struct world *w);
void negotiate(struct world *w);
/* With a version agreed on. */
int world_setup(void **state);
/* Nothing may be left behind: windows, descriptors, sessions. */
int world_teardown(void **state);
int memory_file(size_t size, unsigned seals);
/* Reads and clears an eventfd. */
uint64_t counter_of(int fd);
void make_eventfds(int *fds, unsigned count);
void close_all(const int *fds, unsigned count);

#endif
