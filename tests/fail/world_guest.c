// SPDX-License-Identifier: MIT
/* VMs, guests, mediated devices */
#include <string.h>
#include <sys/socket.h>

#include "unit.h"
#include "vmm/server/vm_server.h"

#include "world.h"

#define GUEST_MEMORY (UINT64_C(1) << 20)

void world_accelerator(struct fail_world *w)
{
	struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA, .queues = 2};

	if (!w->accelerator)
		assert_int_equal(vsva_device_create(w->machine, &options, &w->accelerator), 0);
}

/* Mediated devices */

void world_vdcm(struct fail_world *w)
{
	world_accelerator(w);
	if (!w->vdcm)
		assert_int_equal(vsva_vdcm_create(w->accelerator, &w->vdcm), 0);
}

void world_mdev(struct fail_world *w)
{
	world_vdcm(w);
	if (!w->mdev)
		assert_int_equal(vsva_mdev_create(w->vdcm, VSVA_MDEV_DEDICATED, &w->mdev), 0);
}

void world_mdev_open(struct fail_world *w)
{
	struct vsva_mdev_owner owner = {.arg = w};

	world_mdev(w);
	world_set(w);
	owner.set = w->set;
	assert_int_equal(vsva_mdev_open(w->mdev, &owner), 0);
	w->is_mdev_open = true;
}

/* VMs */

void world_vm(struct fail_world *w)
{
	struct vsva_vm_options options = {.pasid_quota = 64};

	if (!w->vm)
		assert_int_equal(vsva_vm_create(w->machine, &options, &w->vm), 0);
}

void world_vm_memory(struct fail_world *w)
{
	world_vm(w);
	w->memory = aligned_alloc(VSVA_PAGE_SIZE, WORLD_MEMORY);
	assert_non_null(w->memory);
	assert_int_equal(vsva_vm_map(w->vm, WORLD_GPA, w->memory, WORLD_MEMORY, true), 0);
}

void world_vm_assigned(struct fail_world *w)
{
	world_vm(w);
	world_device(w);
	assert_int_equal(
		vsva_vm_assign(w->vm, w->device, WORLD_GUEST_RID, NULL, NULL, &w->assigned), 0);
}

void world_vm_mdev(struct fail_world *w)
{
	world_vm(w);
	world_mdev(w);
	assert_int_equal(
		vsva_vm_assign_mdev(w->vm, w->mdev, WORLD_GUEST_RID, NULL, NULL, &w->assigned), 0);
}

/* Guests */

static void make_guest(struct fail_world *w, bool use_vcmd)
{
	struct vsva_guest_options options = {
		.memory = GUEST_MEMORY, .pasid_quota = 64, .use_vcmd = use_vcmd};

	if (!w->guest)
		assert_int_equal(vsva_guest_create(w->machine, &options, &w->guest), 0);
}

void world_guest(struct fail_world *w)
{
	make_guest(w, false);
}

void world_vcmd_guest(struct fail_world *w)
{
	make_guest(w, true);
}

void world_guest_device(struct fail_world *w)
{
	world_guest(w);
	world_accelerator(w);
	if (!w->guest_device)
		assert_int_equal(vsva_guest_add_device(w->guest, w->accelerator, WORLD_GUEST_RID,
						       &w->guest_device),
				 0);
}

void world_guest_mdev(struct fail_world *w)
{
	world_guest(w);
	world_mdev(w);
	assert_int_equal(vsva_guest_add_mdev(w->guest, w->mdev, WORLD_GUEST_RID, &w->guest_device),
			 0);
}

void world_process(struct fail_world *w)
{
	world_guest_device(w);
	assert_int_equal(vsva_process_create(w->guest, &w->process), 0);
	assert_int_equal(
		vsva_process_mmap(w->process, gva(0), 2 * VSVA_PAGE_SIZE, true, false, &w->buffer),
		0);
	assert_int_equal(vsva_process_write(w->process, w->buffer, "x", 1), 0);
}

void world_process_bound(struct fail_world *w)
{
	world_process(w);
	assert_int_equal(vsva_process_bind(w->process, w->guest_device), 0);
}

/* Servers */

void world_directory(struct fail_world *w)
{
	world_threads(w);
	strcpy(w->directory, "/tmp/vsva-test-XXXXXX");
	assert_non_null(mkdtemp(w->directory));
}

void world_server(struct fail_world *w)
{
	struct vsva_server_options options = {.test_engine = true};

	world_directory(w);
	options.socket_dir = w->directory;
	assert_int_equal(vsva_server_create(w->machine, &options, &w->server), 0);
}

void world_client(struct fail_world *w)
{
	int pair[2];

	world_server(w);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	vfu_connection_attach(vfu_vm_connection(w->server->vms[0].vfu, 0), pair[1]);
	w->client = pair[0];
}

void world_hang_up(struct fail_world *w)
{
	vfu_connection_detach(vfu_vm_connection(w->server->vms[0].vfu, 0));
	close(w->client);
	w->client = 0;
}

/* Machines */

void world_other(struct fail_world *w)
{
	struct vsva_machine_options options = {.seed = 5, .iotlb_entries = 64, .bare = true};

	if (!w->other)
		assert_int_equal(vsva_machine_create(&options, &w->other), 0);
}
