/* SPDX-License-Identifier: MIT */
/*
 * vsva_server_stop_fd: a descriptor by which anybody, a signal handler too, asks the program to stop its
 * server, and by which the program waits for that.
 */
#include <poll.h>
#include <signal.h>

#include "../service.h"

static int stop_fd;

static void on_signal(int signal)
{
	const uint64_t one = 1;

	(void)signal;
	if (write(stop_fd, &one, sizeof(one)) < 0)
		_exit(1);
}

int main(void)
{
	struct service service;
	struct pollfd poller;

	service_create(&service);
	EXPECT(vsva_server_start(service.server) == 0);
	stop_fd = vsva_server_stop_fd(service.server);
	poller = (struct pollfd){.fd = stop_fd, .events = POLLIN};
	EXPECT(poll(&poller, 1, 0) == 0);

	EXPECT(signal(SIGUSR1, on_signal) != SIG_ERR && raise(SIGUSR1) == 0);
	EXPECT(poll(&poller, 1, -1) == 1);
	printf("asked to stop\n");
	vsva_server_stop(service.server);
	service_destroy(&service);
	return 0;
}
