/* SPDX-License-Identifier: MIT */
/* Processes of a world, of a guest or of the host: one way to use both. */
#include <errno.h>
#include <stdlib.h>

#include "cli/world/world.h"
#include "vsva/dsa.h"

#define WAIT_MS 30000u

bool world_process_is_alive(const struct world_process *process)
{
	return process->process || process->mm;
}

/* Devices of the host's processes */

static struct world_bond **find_bond(struct world_process *process,
				     const struct world_device *device)
{
	struct world_bond **bond = &process->bonds;

	while (*bond && (*bond)->device != device)
		bond = &(*bond)->next;
	return bond;
}

static int bind_native(struct world_process *process, struct world_device *device)
{
	struct world_bond *bond = *find_bond(process, device);
	int err = 0;

	if (bond)
		return 0;
	if (!device->device || device->kind != VSVA_DEVICE_DSA || device->vdcm)
		return -ENODEV;
	if (!device->native)
		err = native_device_create(device->device, &device->native);
	if (err)
		return err;
	bond = calloc(1, sizeof(*bond));
	if (!bond)
		return -ENOMEM;
	err = native_bind(device->native, process->mm, &bond->handle);
	if (err) {
		free(bond);
		return err;
	}
	bond->device = device;
	bond->next = process->bonds;
	process->bonds = bond;
	return 0;
}

static int unbind_native(struct world_process *process, const struct world_device *device)
{
	struct world_bond **link = find_bond(process, device), *bond = *link;
	int err;

	if (!bond)
		return -ENOENT;
	*link = bond->next;
	err = native_unbind(device->native, bond->handle);
	free(bond);
	return err;
}

/* Address space, then devices: as a kernel lets go of memory before it closes files. */
static int exit_native(struct world_process *process)
{
	int err = 0;

	vsva_mm_exit(process->mm);
	while (process->bonds) {
		int bond_err = unbind_native(process, process->bonds->device);

		err = err ? err : bond_err;
	}
	vsva_mm_put(process->mm);
	process->mm = NULL;
	return err;
}

/* Either kind */

static struct vsva_guest_device *handle_of(const struct world_process *process,
					   const struct world_device *device)
{
	return world_find_device(process->guest, device);
}

int world_exit_process(struct world_process *process)
{
	if (!world_process_is_alive(process))
		return -ESTALE;
	if (process->mm)
		return exit_native(process);
	vsva_process_exit(process->process);
	process->process = NULL;
	return 0;
}

int world_bind_process(struct world_process *process, struct world_device *device)
{
	struct vsva_guest_device *handle;

	if (process->mm)
		return bind_native(process, device);
	handle = handle_of(process, device);
	return handle ? vsva_process_bind(process->process, handle) : -ENODEV;
}

int world_unbind_process(struct world_process *process, struct world_device *device)
{
	struct vsva_guest_device *handle;

	if (process->mm)
		return unbind_native(process, device);
	handle = handle_of(process, device);
	return handle ? vsva_process_unbind(process->process, handle) : -ENODEV;
}

uint32_t world_process_pasid(const struct world_process *process)
{
	if (process->mm)
		return vsva_sva_pasid_of(process->mm).v;
	return vsva_process_pasid(process->process).v;
}

int world_process_map(struct world_process *process, uint64_t at, uint64_t len, bool writable,
		      bool huge, uint64_t *out)
{
	gva_t guest;
	uva_t host;
	int err;

	if (process->mm && huge)
		return -ENOTSUP;
	if (process->mm) {
		err = vsva_mm_map(process->mm, uva(at), len,
				  VSVA_PROT_READ | (writable ? VSVA_PROT_WRITE : 0), &host);
		*out = err ? 0 : host.v;
		return err;
	}
	err = vsva_process_mmap(process->process, gva(at), len, writable, huge, &guest);
	*out = err ? 0 : guest.v;
	return err;
}

int world_process_unmap(struct world_process *process, uint64_t address, uint64_t len)
{
	if (process->mm)
		return vsva_mm_unmap(process->mm, uva(address), len);
	return vsva_process_munmap(process->process, gva(address), len);
}

int world_process_write(struct world_process *process, uint64_t address, const void *data,
			uint64_t len)
{
	if (process->mm)
		return vsva_mm_write(process->mm, uva(address), data, len);
	return vsva_process_write(process->process, gva(address), data, len);
}

int world_process_read(struct world_process *process, uint64_t address, void *data, uint64_t len)
{
	if (process->mm)
		return vsva_mm_read(process->mm, uva(address), data, len);
	return vsva_process_read(process->process, gva(address), data, len);
}

int world_process_submit(struct world_process *process, struct world_device *device,
			 const void *descriptor, bool shared)
{
	struct vsva_guest_device *handle;
	struct world_bond *bond;

	if (process->mm) {
		bond = *find_bond(process, device);
		return bond ? native_submit(device->native, vsva_sva_pasid(bond->handle),
					    descriptor, shared)
			    : -ENOENT;
	}
	handle = handle_of(process, device);
	return handle ? vsva_process_submit(process->process, handle, descriptor, shared) : -ENODEV;
}

struct native_wait {
	struct vsva_mm *mm;
	uva_t completion;
	uint8_t status;
};

/* Without making the page present: see vsva_mm_peek(). */
static bool is_complete(void *arg)
{
	struct native_wait *wait = arg;

	return !vsva_mm_peek(wait->mm, wait->completion, &wait->status) && wait->status;
}

static int wait_native(const struct world_process *process, uint64_t completion, void *record)
{
	struct native_wait wait = {.mm = process->mm, .completion = uva(completion)};
	int err;

	if (!vsva_machine_wait(process->world->machine, is_complete, &wait, WAIT_MS))
		return -ETIMEDOUT;
	err = vsva_mm_read(process->mm, wait.completion, record,
			   sizeof(struct vsva_dsa_completion));
	return err ? err : wait.status;
}

int world_process_wait(struct world_process *process, uint64_t completion, void *record)
{
	if (process->mm)
		return wait_native(process, completion, record);
	return vsva_process_wait(process->process, gva(completion), record);
}

void world_name_pasid(struct world_process *process)
{
	struct names *names = &process->world->names;
	uint32_t pasid = world_process_pasid(process);

	/* what came before belongs to whoever had the number before */
	if (process->guest)
		names_set_process(names, process->guest->vm, gpasid(pasid), process->name);
	else
		names_set_native(names, hpasid(pasid), process->name);
}
