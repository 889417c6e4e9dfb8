/* SPDX-License-Identifier: MIT */
/*
 * vsva_server_stop: all clients are detached, all threads of the server have ended.
 */
#include "../service.h"

int main(void)
{
	struct vsva_server_stats stats;
	struct service service;
	char byte;
	int client;

	service_create(&service);
	EXPECT(vsva_server_start(service.server) == 0);
	client = service_connect(&service);
	EXPECT(client >= 0);
	vsva_server_stop(service.server);
	EXPECT(read(client, &byte, 1) <= 0); /* hung up */
	vsva_server_get_stats(service.server, &stats);
	printf("clients: %" PRIu64 "\n", stats.clients_now);
	EXPECT(stats.clients_now == 0);
	close(client);
	service_destroy(&service);
	return 0;
}
