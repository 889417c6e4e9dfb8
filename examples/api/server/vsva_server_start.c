/* SPDX-License-Identifier: MIT */
/*
 * vsva_server_start: from now on the server takes clients.
 */
#include "../service.h"

static bool has_client(void *arg)
{
	struct vsva_server_stats stats;

	vsva_server_get_stats(arg, &stats);
	return stats.clients_now == 1;
}

int main(void)
{
	struct service service;
	int client;

	service_create(&service);
	EXPECT(vsva_server_start(service.server) == 0);
	client = service_connect(&service);
	EXPECT(client >= 0);
	EXPECT(vsva_machine_wait(service.machine, has_client, service.server, 60000));
	printf("a client is connected\n");
	close(client);
	vsva_server_stop(service.server);
	service_destroy(&service);
	return 0;
}
