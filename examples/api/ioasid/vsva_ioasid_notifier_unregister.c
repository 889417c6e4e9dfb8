/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_notifier_unregister: nothing more is told, and nothing of the subscriber is running:
 * what it points to may be freed.
 */
#include "../host.h"

static void count(void *arg, const struct vsva_ioasid_event *event)
{
	(void)event;
	++*(unsigned *)arg;
}

int main(void)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = count};
	unsigned *events = calloc(1, sizeof(*events));
	struct vsva_ioasid_notifier *notifier;
	struct host host;

	EXPECT(events);
	host_create(&host);
	EXPECT(vsva_ioasid_notifier_register(host.space, NULL, VSVA_IOASID_PRIORITY_LAST,
					     &subscriber, events, &notifier) == 0);
	host_alloc(&host);
	EXPECT(*events == 1);
	EXPECT(vsva_ioasid_notifier_unregister(notifier) == 0);
	host_alloc(&host);
	EXPECT(*events == 1);
	free(events);
	host_alloc(&host); /* reaches nobody */
	printf("one event, then silence\n");
	EXPECT(vsva_ioasid_notifier_unregister(NULL) == 0);
	host_destroy(&host);
	return 0;
}
