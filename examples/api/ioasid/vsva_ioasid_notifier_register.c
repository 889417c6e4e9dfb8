/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_notifier_register: a device driver that keeps PASIDs in its queues hears when one is
 * freed, and stops its device in the second phase of the free, which may wait.
 */
#include "../host.h"

struct driver {
	struct vsva_ioasid_space *space;
	uint32_t programmed; /* in the device; 0: none */
};

static void reclaim(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	struct driver *driver = arg;

	for (size_t i = 0; i < count; i++) {
		if (events[i].id.v != driver->programmed)
			continue;
		printf("PASID %" PRIu32 " is taken out of the device\n", events[i].id.v);
		driver->programmed = 0;
		vsva_ioasid_put(driver->space, events[i].id);
	}
}

int main(void)
{
	static const struct vsva_ioasid_subscriber subscriber = {.reclaim = reclaim};
	const enum vsva_ioasid_priority priority = VSVA_IOASID_PRIORITY_DEVICE;
	struct vsva_ioasid_notifier *notifier;
	struct driver driver = {0};
	struct host host;
	hpasid_t id;

	host_create(&host);
	driver.space = host.space;
	EXPECT(vsva_ioasid_notifier_register(host.space, &host, priority, &subscriber, &driver,
					     &notifier) == 0);
	EXPECT(vsva_ioasid_notifier_register(host.space, &host, priority, &subscriber, &driver,
					     &notifier) == -EEXIST);
	id = host_alloc(&host);
	EXPECT(vsva_ioasid_get(host.space, host.set, id) == 0);
	driver.programmed = id.v;
	EXPECT(vsva_ioasid_free_sync(host.set, id) == 0);
	EXPECT(driver.programmed == 0);
	EXPECT(vsva_ioasid_notifier_unregister(notifier) == 0);
	host_destroy(&host);
	return 0;
}
