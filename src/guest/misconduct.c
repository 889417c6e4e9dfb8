/* SPDX-License-Identifier: MIT */
/* What no good guest does: leaving things half done, in the wrong order, or to nobody. */
#include <errno.h>

#include "guest/guest.h"
#include "vtd/registers.h"

/* Half done */

int vsva_process_bind_begin(struct vsva_process *process, struct vsva_guest_device *device)
{
	int err;

	if (pasid_entry_is_bound(device, process))
		return 0;
	err = process_give_pasid(process);
	if (err)
		return err;
	process->binds++;
	err = pasid_entry_set_begin(device, process->pasid, process->table.root);
	if (err)
		process->binds--;
	return err;
}

int vsva_process_flush_begin(struct vsva_process *process, gva_t address, uint64_t len)
{
	if (!process->binds)
		return -ENOENT;
	return pasid_flush_range_begin(process->guest, process->pasid, address.v, len);
}

/* In a loop */

int vsva_guest_spin(struct vsva_process *process, struct vsva_guest_device *device, unsigned rounds)
{
	struct vsva_guest *guest = process->guest;
	int err = 0;

	if (!pasid_entry_is_bound(device, process))
		return -ENOENT;
	guest_pause_handler(guest);
	for (unsigned i = 0; i < rounds && !err; i++)
		err = pasid_entry_flush(device, process->pasid);
	guest_resume_handler(guest);
	return err;
}

/* Another kernel */

/* Nothing is there any more for any device, and nobody was unbound. */
static int replace_root(struct vsva_guest *guest)
{
	int err;

	lock_take(&guest->lock);
	err = frame_alloc(guest, 0, &guest->root_table);
	lock_drop(&guest->lock);
	if (!err)
		err = driver_set_root(guest);
	if (!err)
		err = flush_everything(guest);
	return err ? err
		   : driver_command(guest, (uint32_t)VTD_GCMD_QIE, (uint32_t)VTD_GSTS_QIES, false);
}

static int take_over(struct vsva_guest *guest)
{
	int err = replace_root(guest);

	if (err)
		return err;
	lock_take(&guest->lock);
	guest_forget_processes(guest);
	lock_drop(&guest->lock);
	guest_clear_memory(guest);
	err = guest_boot(guest);
	for (struct vsva_guest_device *device = guest->devices; device; device = device->next)
		vsva_assigned_reset(device->assigned);
	return err ? err : guest_start_devices(guest);
}

int vsva_guest_reinit(struct vsva_guest *guest)
{
	int err;

	guest_pause_handler(guest);
	err = take_over(guest);
	guest_resume_handler(guest);
	return err;
}

/* Nobody */

static unsigned count_devices(const struct vsva_guest *guest)
{
	unsigned count = 0;

	for (const struct vsva_guest_device *device = guest->devices; device; device = device->next)
		count++;
	return count;
}

/* The unit's function is the last of the list. */
static void reset_function(struct vsva_guest *guest, unsigned index)
{
	struct vsva_guest_device *device = guest->devices;

	while (device && index--)
		device = device->next;
	if (device)
		vsva_assigned_reset(device->assigned);
	else
		vsva_vm_reset(guest->vm);
}

uint64_t vsva_guest_vanish(struct vsva_guest *guest, uint64_t order)
{
	unsigned count = count_devices(guest) + 1;
	struct vsva_vm_stats left;

	handler_stop(guest);
	for (unsigned i = 0; i < count; i++)
		reset_function(guest, (unsigned)((order + i) % count));
	vsva_vm_unmap(guest->vm, gpa(0), guest->ram_len);
	for (unsigned i = 0; i < count; i++)
		reset_function(guest, i);
	vsva_vm_get_stats(guest->vm, &left);
	return left.pasids_now + left.bound_now + left.windows_now;
}
