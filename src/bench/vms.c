/* SPDX-License-Identifier: MIT */
#include "bench/vms.h"

#include <errno.h>
#include <stdlib.h>

#include "bench/owner.h"
#include "vmm/vm.h"

struct vms {
	struct vsva_machine *machine;
	struct vsva_vm **vms;
	uint32_t count;
};

static int bind_pasids(struct vsva_vm *vm, struct vsva_assigned *assigned, uint32_t count)
{
	struct owner owner = {.container = vm->container, .device = assigned->handle};
	int err = 0;

	for (uint32_t i = 0; i < count && !err; i++) {
		hpasid_t id;

		err = owner_alloc(&owner, &id, 1);
		if (!err)
			err = owner_bind(&owner, id, i);
	}
	return err;
}

static int add_vm(struct vms *v, uint32_t pasids)
{
	static const struct vsva_device_options engine = {.kind = VSVA_DEVICE_TEST_ENGINE};
	/* what a VM may have beyond its quota is used too: a thousand VMs of a thousand fit */
	uint32_t quota = pasids > VM_QUEUE_RESERVE ? pasids - VM_QUEUE_RESERVE : pasids;
	struct vsva_vm_options options = {.pasid_quota = quota};
	struct vsva_assigned *assigned;
	struct vsva_device *device;
	int err = vsva_vm_create(v->machine, &options, &v->vms[v->count]);

	if (err)
		return err;
	v->count++;
	err = vsva_device_create(v->machine, &engine, &device);
	if (!err)
		err = vsva_vm_assign(v->vms[v->count - 1], device, rid(0x18), NULL, NULL,
				     &assigned);
	return err ? err : bind_pasids(v->vms[v->count - 1], assigned, pasids);
}

static int fill(struct vms *v, uint32_t vms, uint32_t pasids, struct vms_weight *out)
{
	struct vsva_memory_stats before, after;
	int err = 0;

	vsva_machine_memory(v->machine, &before);
	for (uint32_t i = 0; i < vms && !err; i++)
		err = add_vm(v, pasids);
	vsva_machine_memory(v->machine, &after);
	out->record_bytes = (double)(after.record_bytes - before.record_bytes);
	out->table_bytes = (double)(after.table_pages - before.table_pages) * VSVA_PAGE_SIZE;
	return err;
}

int bench_vms_weigh(uint32_t vms, uint32_t pasids, struct vms_weight *out)
{
	static const struct vsva_machine_options options = {.cache_policy = VSVA_CACHE_LRU};
	struct vms v = {.vms = calloc(vms, sizeof(v.vms[0]))};
	int err = v.vms ? vsva_machine_create(&options, &v.machine) : -ENOMEM;

	if (!err)
		err = fill(&v, vms, pasids, out);
	while (v.count--)
		vsva_vm_destroy(v.vms[v.count]);
	if (v.machine)
		vsva_machine_destroy(v.machine);
	free(v.vms);
	return err;
}
