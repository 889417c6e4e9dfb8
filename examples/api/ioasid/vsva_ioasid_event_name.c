/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_event_name: what a subscriber hears, in words, for its log.
 */
#include "../host.h"

static void on_event(void *arg, const struct vsva_ioasid_event *event)
{
	strcat(arg, vsva_ioasid_event_name(event->kind));
	strcat(arg, " ");
}

int main(void)
{
	const struct vsva_ioasid_subscriber subscriber = {.event = on_event};
	struct vsva_ioasid_notifier *notifier;
	char heard[64] = "";
	struct host host;

	host_create(&host);
	EXPECT(vsva_ioasid_notifier_register(host.space, &host, VSVA_IOASID_PRIORITY_LAST,
					     &subscriber, heard, &notifier) == 0);
	EXPECT(vsva_ioasid_free(host.set, host_alloc(&host)) == 0);
	printf("heard: %s\n", heard);
	EXPECT(!strcmp(heard, "alloc free "));
	EXPECT(!strcmp(vsva_ioasid_event_name(VSVA_IOASID_EVENT_COUNT), "?"));
	EXPECT(vsva_ioasid_notifier_unregister(notifier) == 0);
	host_destroy(&host);
	return 0;
}
