/* SPDX-License-Identifier: MIT */
/* Devices, guests and processes of a world. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/world/world.h"

/* Requester ids that guests see: 00:03.0 and on, as QEMU places them. */
#define FIRST_GUEST_RID 0x0018u
#define RID_STEP        8u

static void set_name(char *to, const char *wanted, const char *prefix, unsigned number)
{
	if (wanted)
		snprintf(to, NAME_MAX_LEN, "%s", wanted);
	else
		snprintf(to, NAME_MAX_LEN, "%s%u", prefix, number);
}

/* Devices */

static void keep_device(struct world *world, struct world_device *device)
{
	device->world = world;
	device->next = world->devices;
	world->devices = device;
}

int world_make_device(struct world *world, const struct vsva_device_options *options,
		      const char *name, struct world_device **out)
{
	struct world_device *device;
	int err;

	if (!world->machine)
		return -ENODEV;
	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	err = vsva_device_create(world->machine, options, &device->device);
	if (err) {
		free(device);
		return err;
	}
	device->kind = options->kind;
	set_name(device->name, name, options->kind == VSVA_DEVICE_DSA ? "dsa" : "test",
		 world->device_counts[options->kind]++);
	names_set_device(&world->names, vsva_device_rid(device->device), options->kind,
			 device->name);
	keep_device(world, device);
	*out = device;
	return 0;
}

/* The host's own driver gives way, if nobody uses it. */
static int release_native(struct world_device *device)
{
	const struct world_process *process = device->world->processes;

	if (!device->native)
		return 0;
	for (; process; process = process->next)
		for (const struct world_bond *bond = process->bonds; bond; bond = bond->next)
			if (bond->device == device)
				return -EBUSY;
	native_device_destroy(device->native);
	device->native = NULL;
	return 0;
}

static int make_parent(struct world_device *device)
{
	int err = release_native(device);

	if (err || device->vdcm)
		return err;
	return vsva_vdcm_create(device->device, &device->vdcm);
}

int world_make_mdev(struct world_device *parent, enum vsva_mdev_type type, const char *name,
		    struct world_device **out)
{
	struct world_device *device;
	int err;

	if (!parent->device)
		return -ESTALE;
	err = make_parent(parent);
	if (err)
		return err;
	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	err = vsva_mdev_create(parent->vdcm, type, &device->mdev);
	if (err) {
		free(device);
		return err;
	}
	device->kind = parent->kind;
	device->parent = parent;
	set_name(device->name, name, "mdev", parent->world->mdev_count++);
	keep_device(parent->world, device);
	*out = device;
	return 0;
}

bool world_device_is_there(const struct world_device *device)
{
	return device->device || device->mdev;
}

struct vsva_device *world_device_function(const struct world_device *device)
{
	return device->parent ? device->parent->device : device->device;
}

static void take_from_guests(struct world_device *device)
{
	for (struct world_guest *guest = device->world->guests; guest; guest = guest->next)
		if (world_find_device(guest, device))
			world_take_device(guest, device);
}

static void take_from_natives(struct world_device *device)
{
	for (struct world_process *process = device->world->processes; process;
	     process = process->next)
		if (process->mm)
			world_unbind_process(process, device);
	release_native(device);
}

static void remove_mdev(struct world_device *device)
{
	take_from_guests(device);
	vsva_mdev_destroy(device->mdev);
	device->mdev = NULL;
}

static void remove_children(struct world_device *parent)
{
	for (struct world_device *device = parent->world->devices; device; device = device->next)
		if (device->parent == parent && device->mdev)
			remove_mdev(device);
	vsva_vdcm_destroy(parent->vdcm);
	parent->vdcm = NULL;
}

int world_remove_device(struct world_device *device)
{
	if (!world_device_is_there(device))
		return -ESTALE;
	if (device->mdev) {
		remove_mdev(device);
		return 0;
	}
	vsva_device_set_gone(device->device, true);
	take_from_guests(device);
	take_from_natives(device);
	remove_children(device);
	vsva_device_destroy(device->device);
	device->device = NULL;
	return 0;
}

/* Guests */

int world_make_guest(struct world *world, const struct vsva_guest_options *options,
		     struct world_guest **out)
{
	struct vsva_guest_options named = *options;
	struct world_guest *guest;
	int err;

	if (!world->machine)
		return -ENODEV;
	guest = calloc(1, sizeof(*guest));
	if (!guest)
		return -ENOMEM;
	set_name(guest->name, options->name, "guest", world->guest_count + 1);
	named.name = guest->name;
	err = vsva_guest_create(world->machine, &named, &guest->guest);
	if (err) {
		free(guest);
		return err;
	}
	world->guest_count++;
	guest->world = world;
	guest->vm = vsva_vm_number(vsva_guest_vm(guest->guest));
	guest->next_rid = FIRST_GUEST_RID;
	names_set_guest(&world->names, guest->vm, guest->name);
	guest->next = world->guests;
	world->guests = guest;
	*out = guest;
	return 0;
}

/* Their handles go with the guest, or with its boot. */
static void forget_processes(struct world_guest *guest)
{
	for (struct world_process *process = guest->world->processes; process;
	     process = process->next)
		if (process->guest == guest)
			process->process = NULL;
}

static void drop_link(struct world_link **link)
{
	struct world_link *gone = *link;

	*link = gone->next;
	free(gone);
}

int world_kill_guest(struct world_guest *guest)
{
	if (!guest->guest)
		return -ESTALE;
	vsva_guest_destroy(guest->guest);
	guest->guest = NULL;
	forget_processes(guest);
	while (guest->links)
		drop_link(&guest->links);
	return 0;
}

int world_vanish_guest(struct world_guest *guest, uint64_t order, uint64_t *left)
{
	if (!guest->guest)
		return -ESTALE;
	*left = vsva_guest_vanish(guest->guest, order);
	return world_kill_guest(guest);
}

int world_reboot_guest(struct world_guest *guest)
{
	if (!guest->guest)
		return -ESTALE;
	forget_processes(guest);
	return vsva_guest_reboot(guest->guest);
}

int world_reinit_guest(struct world_guest *guest)
{
	if (!guest->guest)
		return -ESTALE;
	forget_processes(guest);
	return vsva_guest_reinit(guest->guest);
}

static struct world_link **find_link(struct world_guest *guest, const struct world_device *device)
{
	struct world_link **link = &guest->links;

	while (*link && (*link)->device != device)
		link = &(*link)->next;
	return link;
}

static int give_device(struct world_guest *guest, struct world_device *device,
		       struct vsva_guest_device **out)
{
	int err = release_native(device);

	if (err)
		return err;
	if (device->mdev)
		return vsva_guest_add_mdev(guest->guest, device->mdev, rid(guest->next_rid), out);
	return vsva_guest_add_device(guest->guest, device->device, rid(guest->next_rid), out);
}

int world_add_device(struct world_guest *guest, struct world_device *device)
{
	struct world_link *link;
	int err;

	if (!guest->guest || !world_device_is_there(device))
		return -ESTALE;
	link = calloc(1, sizeof(*link));
	if (!link)
		return -ENOMEM;
	err = give_device(guest, device, &link->handle);
	if (err) {
		free(link);
		return err;
	}
	guest->next_rid = (uint16_t)(guest->next_rid + RID_STEP);
	link->device = device;
	link->next = guest->links;
	guest->links = link;
	return 0;
}

int world_take_device(struct world_guest *guest, struct world_device *device)
{
	struct world_link **link = find_link(guest, device);
	int err;

	if (!*link)
		return -ENOENT;
	err = vsva_guest_remove_device((*link)->handle);
	drop_link(link);
	return err;
}

struct vsva_guest_device *world_find_device(const struct world_guest *guest,
					    const struct world_device *device)
{
	const struct world_link *link = guest->links;

	while (link && link->device != device)
		link = link->next;
	return link ? link->handle : NULL;
}

/* Processes */

static void keep_process(struct world *world, struct world_process *process)
{
	process->world = world;
	process->next = world->processes;
	world->processes = process;
}

int world_make_process(struct world_guest *guest, const char *name, struct world_process **out)
{
	struct world_process *process;
	int err;

	if (!guest->guest)
		return -ESTALE;
	process = calloc(1, sizeof(*process));
	if (!process)
		return -ENOMEM;
	err = vsva_process_create(guest->guest, &process->process);
	if (err) {
		free(process);
		return err;
	}
	process->guest = guest;
	set_name(process->name, name, "process", ++guest->processes);
	keep_process(guest->world, process);
	*out = process;
	return 0;
}

int world_make_native(struct world *world, const char *name, struct world_process **out)
{
	struct world_process *process;
	int err;

	if (!world->machine)
		return -ENODEV;
	process = calloc(1, sizeof(*process));
	if (!process)
		return -ENOMEM;
	err = vsva_mm_create(vsva_machine_iommu(world->machine), 0, &process->mm);
	if (err) {
		free(process);
		return err;
	}
	set_name(process->name, name, "native", ++world->native_count);
	keep_process(world, process);
	*out = process;
	return 0;
}

/* The machine */

int world_reset_unit(struct world *world)
{
	return vsva_machine_reset_unit(world->machine);
}
