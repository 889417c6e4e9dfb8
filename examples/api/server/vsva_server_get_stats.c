/* SPDX-License-Identifier: MIT */
/*
 * vsva_server_get_stats: who is connected now, who has come and gone, and whether anything was left of
 * them.
 */
#include "../service.h"

static bool has_gone(void *arg)
{
	struct vsva_server_stats stats;

	vsva_server_get_stats(arg, &stats);
	return stats.clients_served == 1 && stats.clients_now == 0;
}

int main(void)
{
	struct vsva_server_stats stats = {.pasids_leaked = 1};
	struct service service;
	int client;

	service_create(&service);
	EXPECT(vsva_server_start(service.server) == 0);
	client = service_connect(&service);
	EXPECT(client >= 0);
	close(client);
	EXPECT(vsva_machine_wait(service.machine, has_gone, service.server, 60000));
	vsva_server_get_stats(service.server, &stats);
	printf("%" PRIu64 " guest has come and gone, %" PRIu64 " PASIDs leaked\n",
	       stats.clients_served, stats.pasids_leaked);
	EXPECT(stats.pasids_leaked == 0);
	vsva_server_stop(service.server);
	service_destroy(&service);
	return 0;
}
