/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_register_allocator: numbers come from somewhere else, a platform with its own rules,
 * say. The space keeps asking it, and gives its numbers back to it.
 */
#include "../host.h"

struct platform {
	uint32_t next, returned;
};

static uint32_t platform_alloc(void *arg, uint32_t min, uint32_t max)
{
	struct platform *platform = arg;
	uint32_t number = platform->next++;

	return number >= min && number <= max ? number : VSVA_PASID_INVALID;
}

static void platform_free(void *arg, uint32_t id)
{
	((struct platform *)arg)->returned = id;
}

int main(void)
{
	static const struct vsva_ioasid_allocator_ops ops = {platform_alloc, platform_free};
	struct platform platform = {.next = 777};
	struct host host;
	hpasid_t id;

	host_create(&host);
	EXPECT(vsva_ioasid_register_allocator(host.space, &ops, &platform) == 0);
	EXPECT(vsva_ioasid_register_allocator(host.space, &ops, &platform) == -EEXIST);
	id = host_alloc(&host);
	printf("the platform gave %" PRIu32 "\n", id.v);
	EXPECT(id.v == 777);
	EXPECT(vsva_ioasid_alloc(host.set, 1, 10, NULL, &id) == -ENOSPC); /* it refuses */
	EXPECT(vsva_ioasid_free_sync(host.set, hpasid(777)) == 0 && platform.returned == 777);
	EXPECT(vsva_ioasid_unregister_allocator(host.space, &ops, &platform) == 0);
	host_destroy(&host);
	return 0;
}
