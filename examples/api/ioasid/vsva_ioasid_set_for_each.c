/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_set_for_each: looks at all ids of an owner, the oldest first. The function is called
 * under a lock: it may look things up, and change nothing.
 */
#include "../host.h"

struct list {
	unsigned count;
	uint32_t ids[8];
};

static void add(void *arg, hpasid_t id)
{
	struct list *list = arg;

	list->ids[list->count++] = id.v;
}

int main(void)
{
	struct list list = {0};
	struct host host;
	hpasid_t first, second;

	host_create(&host);
	first = host_alloc(&host);
	second = host_alloc(&host);
	vsva_ioasid_set_for_each(host.set, add, &list);
	EXPECT(list.count == 2 && list.ids[0] == first.v && list.ids[1] == second.v);

	/* Freed ones are not the owner's any more. */
	EXPECT(vsva_ioasid_free_sync(host.set, first) == 0);
	list.count = 0;
	vsva_ioasid_set_for_each(host.set, add, &list);
	EXPECT(list.count == 1 && list.ids[0] == second.v);
	printf("one is left: %" PRIu32 "\n", list.ids[0]);
	host_destroy(&host);
	return 0;
}
