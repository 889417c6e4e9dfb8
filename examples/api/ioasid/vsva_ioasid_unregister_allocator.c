/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_unregister_allocator: the space deals out numbers itself again, as soon as none of the
 * allocator's is out.
 */
#include "../host.h"

static uint32_t always_777(void *arg, uint32_t min, uint32_t max)
{
	(void)arg;
	return 777 >= min && 777 <= max ? 777 : VSVA_PASID_INVALID;
}

static void forget(void *arg, uint32_t id)
{
	(void)arg;
	(void)id;
}

int main(void)
{
	static const struct vsva_ioasid_allocator_ops ops = {always_777, forget};
	struct host host;
	hpasid_t id;

	host_create(&host);
	EXPECT(vsva_ioasid_register_allocator(host.space, &ops, NULL) == 0);
	id = host_alloc(&host);
	EXPECT(id.v == 777);
	EXPECT(vsva_ioasid_unregister_allocator(host.space, &ops, NULL) == -EBUSY);
	EXPECT(vsva_ioasid_free_sync(host.set, id) == 0);
	EXPECT(vsva_ioasid_unregister_allocator(host.space, &ops, NULL) == 0);
	EXPECT(vsva_ioasid_unregister_allocator(host.space, &ops, NULL) == -ENOENT);
	EXPECT(vsva_ioasid_alloc(host.set, 1, 10, NULL, &id) == 0);
	printf("the space's own numbers again: %" PRIu32 "\n", id.v);
	host_destroy(&host);
	return 0;
}
