/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_find: is this number allocated, in this owner's set? And what did the owner keep with
 * it? Without a lock.
 */
#include "../host.h"

struct process {
	const char *name;
};

int main(void)
{
	struct process editor = {"editor"};
	struct vsva_ioasid_set *another;
	void *data = NULL;
	struct host host;
	hpasid_t id;
	char vm;

	host_create(&host);
	EXPECT(vsva_ioasid_alloc(host.set, 1, VSVA_PASID_MAX, &editor, &id) == 0);
	EXPECT(vsva_ioasid_find(host.space, host.set, id, &data) == 0);
	EXPECT(data == &editor);
	printf("PASID %" PRIu32 " is the %s's\n", id.v, ((struct process *)data)->name);

	EXPECT(vsva_ioasid_set_alloc(host.space, &vm, 1, &another) == 0);
	EXPECT(vsva_ioasid_find(host.space, another, id, NULL) == -EACCES);
	EXPECT(vsva_ioasid_find(host.space, NULL, id, NULL) == 0); /* whoever has it */
	EXPECT(vsva_ioasid_find(host.space, NULL, hpasid(id.v + 1), NULL) == -ENOENT);
	vsva_ioasid_set_free(another);
	host_destroy(&host);
	return 0;
}
