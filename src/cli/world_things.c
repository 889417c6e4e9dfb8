/* SPDX-License-Identifier: MIT */
/* Devices, guests and processes of a world. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/world.h"

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
	device->world = world;
	device->kind = options->kind;
	set_name(device->name, name, options->kind == VSVA_DEVICE_DSA ? "dsa" : "test",
		 world->device_counts[options->kind]++);
	names_set_device(&world->names, vsva_device_rid(device->device), options->kind,
			 device->name);
	device->next = world->devices;
	world->devices = device;
	*out = device;
	return 0;
}

int world_remove_device(struct world_device *device)
{
	if (!device->device)
		return -ESTALE;
	vsva_device_set_gone(device->device, true);
	for (struct world_guest *guest = device->world->guests; guest; guest = guest->next)
		if (world_find_device(guest, device))
			world_take_device(guest, device);
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

int world_reboot_guest(struct world_guest *guest)
{
	if (!guest->guest)
		return -ESTALE;
	forget_processes(guest);
	return vsva_guest_reboot(guest->guest);
}

static struct world_link **find_link(struct world_guest *guest, const struct world_device *device)
{
	struct world_link **link = &guest->links;

	while (*link && (*link)->device != device)
		link = &(*link)->next;
	return link;
}

int world_add_device(struct world_guest *guest, struct world_device *device)
{
	struct world_link *link;
	int err;

	if (!guest->guest || !device->device)
		return -ESTALE;
	link = calloc(1, sizeof(*link));
	if (!link)
		return -ENOMEM;
	err = vsva_guest_add_device(guest->guest, device->device, rid(guest->next_rid),
				    &link->handle);
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
	process->next = guest->world->processes;
	guest->world->processes = process;
	*out = process;
	return 0;
}

int world_exit_process(struct world_process *process)
{
	if (!process->process)
		return -ESTALE;
	vsva_process_exit(process->process);
	process->process = NULL;
	return 0;
}

void world_name_pasid(struct world_process *process)
{
	struct world *world = process->guest->world;

	/* what came before belongs to whoever had the number before */
	names_set_process(&world->names, process->guest->vm, vsva_process_pasid(process->process),
			  process->name);
}
