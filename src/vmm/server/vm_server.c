/* SPDX-License-Identifier: MIT */
#include "vmm/server/vm_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "base/seams.h"

#define DEFAULT_REGISTER_BASE UINT64_C(0xf8000000)
#define VTD_BAR_SIZE          (UINT64_C(64) << 20)
#define ACCELERATORS_MAX      8u
#define SHARED_QUEUES_MAX     16u
#define VMS_MAX               256u
#define GUEST_HAW             48u

#define VENDOR_VSVA     0x1ee7u
#define DEVICE_VTD_PAGE 0x0001u
/* A host bridge: Linux leaves its BARs where firmware has put them. Of other classes it moves them,
 * and then the DMAR table is wrong. */
#define CLASS_HOST_BRIDGE 0x060000u

#define SLOT_VTD  5u
#define SLOT_DSA0 6u
#define SLOT_TEST 7u

/* Functions */

static bool is_bare(const struct vsva_server *server)
{
	return !vsva_machine_iommu(server->machine);
}

static int make_vtd(struct served_vm *vm)
{
	static const struct pci_config_description description = {
		.vendor = VENDOR_VSVA,
		.device = DEVICE_VTD_PAGE,
		.subsystem_vendor = VENDOR_VSVA,
		.subsystem = DEVICE_VTD_PAGE,
		.class_code = CLASS_HOST_BRIDGE,
		.bar = {{.size = VTD_BAR_SIZE}},
	};
	struct served_function *function = &vm->functions[0];

	function->vm = vm;
	function->slot = SLOT_VTD;
	snprintf(function->name, sizeof(function->name), "vtd");
	vm->function_count = 1;
	dmar_watch_init(&vm->dmar, vm->server->options.register_base, VTD_BAR_SIZE);
	return pci_config_init(&vm->vtd_config, &description);
}

static int make_device(struct served_vm *vm, enum vsva_device_kind kind, unsigned number,
		       uint8_t slot)
{
	struct served_function *function = &vm->functions[vm->function_count];
	rid_t guest_rid = rid((uint16_t)(slot << 3));
	struct vsva_device_options options = {
		.kind = kind,
		/* Bare: the guest's requester id is the physical one. */
		.rid = is_bare(vm->server) ? guest_rid : rid(0),
		.irq = served_irq,
		.irq_arg = function,
	};
	int err = vsva_device_create(vm->server->machine, &options, &function->device);

	if (err)
		return err;
	if (vm->vm)
		err = vsva_vm_assign(vm->vm, function->device, guest_rid, served_irq, function,
				     &function->assigned);
	if (err) {
		vsva_device_destroy(function->device);
		return err;
	}
	function->vm = vm;
	function->index = vm->function_count++;
	function->slot = slot;
	snprintf(function->name, sizeof(function->name), "%s%u",
		 kind == VSVA_DEVICE_DSA ? "dsa" : "test", number);
	return 0;
}

static int make_mdev(struct served_vm *vm, unsigned number, uint8_t slot)
{
	struct served_function *function = &vm->functions[vm->function_count];
	int err = vsva_mdev_create(vm->server->vdcm, VSVA_MDEV_DEDICATED, &function->mdev);

	if (err)
		return err;
	err = vsva_vm_assign_mdev(vm->vm, function->mdev, rid((uint16_t)(slot << 3)), served_irq,
				  function, &function->assigned);
	if (err) {
		vsva_mdev_destroy(function->mdev);
		return err;
	}
	function->vm = vm;
	function->index = vm->function_count++;
	function->slot = slot;
	snprintf(function->name, sizeof(function->name), "dsa%u", number);
	return 0;
}

static uint8_t accelerator_slot(unsigned number)
{
	return (uint8_t)(number == 0 ? SLOT_DSA0 : SLOT_TEST + number);
}

static int make_devices(struct served_vm *vm)
{
	const struct vsva_server_options *options = &vm->server->options;
	unsigned number = 0;
	int err = 0;

	for (; number < options->accelerators && !err; number++)
		err = make_device(vm, VSVA_DEVICE_DSA, number, accelerator_slot(number));
	for (; number < options->accelerators + options->mdevs && !err; number++)
		err = make_mdev(vm, number, accelerator_slot(number));
	if (!err && options->test_engine)
		err = make_device(vm, VSVA_DEVICE_TEST_ENGINE, 0, SLOT_TEST);
	return err;
}

static uint64_t bar_size(const struct served_function *function, unsigned bar)
{
	return function->mdev ? vsva_mdev_bar_size(function->mdev, bar)
			      : vsva_device_bar_size(function->device, bar);
}

static void describe(const struct served_function *function, struct vfu_function *out)
{
	*out = (struct vfu_function){
		.name = function->name,
		.ops = &served_function_ops,
		.arg = (void *)(uintptr_t)function,
		.config_size = PCI_CONFIG_SIZE,
		.goes_first = function->index == 0,
	};
	if (!function->device && !function->mdev) {
		out->bar_size[0] = VTD_BAR_SIZE;
		return;
	}
	for (unsigned bar = 0; bar < VFU_BAR_COUNT; bar++)
		out->bar_size[bar] = bar_size(function, bar);
	out->irq_count[VFU_IRQ_MSIX] = function->mdev ? vsva_mdev_vectors(function->mdev)
						      : vsva_device_vectors(function->device);
}

/* DMAR */

static int write_dmar(struct served_vm *vm)
{
	struct dmar_scope scopes[SERVED_DEVICES_MAX];
	unsigned char table[DMAR_SIZE_MAX];
	struct dmar_config config = {
		.host_address_width = GUEST_HAW,
		.register_base = vm->server->options.register_base,
		.scopes = scopes,
		.satc = true,
	};
	char *path;
	int len, err;

	for (unsigned i = 1; i < vm->function_count; i++)
		scopes[config.scope_count++] = (struct dmar_scope){.device = vm->functions[i].slot};
	len = dmar_build(&config, table);
	if (len < 0)
		return len;
	if (FAIL_CALL(-1, ENOMEM, asprintf(&path, "%s/dmar.bin", vm->directory)) < 0)
		return -ENOMEM;
	err = dmar_write_file(path, table, (size_t)len);
	free(path);
	return err;
}

/* One VM */

static int make_guest(struct served_vm *vm)
{
	const struct vsva_server_options *options = &vm->server->options;
	struct vsva_vm_options vm_options = {
		.name = vm->name,
		.no_vcmd = options->no_vcmd,
		.no_page_requests = options->no_page_requests,
		.no_five_level = options->no_five_level,
		.msi = served_message,
		.msi_arg = vm,
	};

	if (is_bare(vm->server)) {
		vsva_machine_set_msi(vm->server->machine, served_message, vm);
		return 0;
	}
	return vsva_vm_create(vm->server->machine, &vm_options, &vm->vm);
}

static int offer(struct served_vm *vm)
{
	struct vfu_function functions[1 + SERVED_DEVICES_MAX];
	int err;

	for (unsigned i = 0; i < vm->function_count; i++)
		describe(&vm->functions[i], &functions[i]);
	err = vfu_server_add_vm(vm->server->vfu, vm->name, functions, vm->function_count, &vm->vfu);
	if (err)
		return err;
	for (unsigned i = 0; i < vm->function_count; i++)
		vm->functions[i].connection = vfu_vm_connection(vm->vfu, i);
	return 0;
}

static int make_vm(struct vsva_server *server, unsigned number)
{
	struct served_vm *vm = &server->vms[number];
	int err;

	vm->server = server;
	snprintf(vm->name, sizeof(vm->name), "vm%u", number);
	if (FAIL_CALL(-1, ENOMEM,
		      asprintf(&vm->directory, "%s/%s", server->options.socket_dir, vm->name)) <
	    0) {
		vm->directory = NULL;
		return -ENOMEM;
	}
	err = make_guest(vm);
	if (!err)
		err = make_vtd(vm);
	if (!err)
		err = make_devices(vm);
	if (!err)
		err = offer(vm);
	if (!err)
		err = write_dmar(vm);
	if (err)
		return err;
	vm->qemu_arguments = served_qemu_arguments(vm);
	return vm->qemu_arguments ? 0 : -ENOMEM;
}

static void free_vm(struct served_vm *vm)
{
	for (unsigned i = 1; i < vm->function_count; i++) {
		if (vm->functions[i].assigned)
			vsva_vm_unassign(vm->functions[i].assigned);
		vsva_device_destroy(vm->functions[i].device);
		vsva_mdev_destroy(vm->functions[i].mdev);
	}
	if (is_bare(vm->server))
		vsva_machine_set_msi(vm->server->machine, NULL, NULL);
	vsva_vm_destroy(vm->vm);
	free(vm->directory);
	free(vm->qemu_arguments);
}

/* The server */

static int take_options(struct vsva_server *server, const struct vsva_server_options *options)
{
	server->options = *options;
	if (!server->options.vms)
		server->options.vms = 1;
	if (!server->options.accelerators && !server->options.mdevs)
		server->options.accelerators = 1;
	if (!server->options.register_base)
		server->options.register_base = DEFAULT_REGISTER_BASE;
	if (!options->socket_dir || options->mdevs > ACCELERATORS_MAX ||
	    server->options.accelerators + options->mdevs > ACCELERATORS_MAX ||
	    server->options.vms > VMS_MAX || server->options.register_base % VTD_BAR_SIZE)
		return -EINVAL;
	if (server->options.vms * options->mdevs > SHARED_QUEUES_MAX)
		return -EINVAL;
	return is_bare(server) && (server->options.vms > 1 || options->mdevs) ? -EINVAL : 0;
}

/* As many queues as there are mediated devices: the more entries has each. */
static int make_shared(struct vsva_server *server)
{
	struct vsva_device_options options = {
		.kind = VSVA_DEVICE_DSA,
		.queues = server->options.vms * server->options.mdevs,
	};
	int err;

	if (!options.queues)
		return 0;
	err = vsva_device_create(server->machine, &options, &server->shared);
	return err ? err : vsva_vdcm_create(server->shared, &server->vdcm);
}

static int make_vms(struct vsva_server *server)
{
	int err = vfu_server_create(server->options.socket_dir, &server->vfu);

	if (err)
		return err;
	server->vms = base_calloc(server->options.vms, sizeof(*server->vms));
	if (!server->vms)
		return -ENOMEM;
	err = make_shared(server);
	for (unsigned i = 0; i < server->options.vms && !err; i++) {
		server->vm_count = i + 1;
		err = make_vm(server, i);
	}
	return err;
}

/* Clients are served by threads, which wait for the machine's workers. */
static bool has_threads(struct vsva_machine *machine)
{
	return worker_pool_mode(machine_seams(machine)->pool) == WORKERS_THREADS;
}

int vsva_server_create(struct vsva_machine *machine, const struct vsva_server_options *options,
		       struct vsva_server **out)
{
	struct vsva_server *server;
	int err;

	if (!machine || !options || !has_threads(machine))
		return -EINVAL;
	server = base_zalloc(sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->machine = machine;
	err = take_options(server, options);
	if (!err)
		err = make_vms(server);
	if (err) {
		vsva_server_destroy(server);
		return err;
	}
	*out = server;
	return 0;
}

int vsva_server_start(struct vsva_server *server)
{
	return vfu_server_start(server->vfu);
}

int vsva_server_stop_fd(const struct vsva_server *server)
{
	return vfu_server_stop_fd(server->vfu);
}

void vsva_server_stop(struct vsva_server *server)
{
	vfu_server_stop(server->vfu);
}

/* Clients first, then devices (whose interrupts and messages go to connections), then connections.
 * */
void vsva_server_destroy(struct vsva_server *server)
{
	if (!server)
		return;
	if (server->vfu)
		vfu_server_stop(server->vfu);
	for (unsigned i = 0; i < server->vm_count; i++)
		free_vm(&server->vms[i]);
	CHECK(vsva_vdcm_destroy(server->vdcm) == 0);
	vsva_device_destroy(server->shared);
	if (server->vfu)
		vfu_server_destroy(server->vfu);
	base_free(server->vms);
	base_free(server);
}

int vsva_server_pull_devices(struct vsva_server *server, unsigned number)
{
	struct served_vm *vm;

	if (number >= server->vm_count)
		return -ENOENT;
	if (server->options.mdevs)
		return -EOPNOTSUPP;
	vm = &server->vms[number];
	for (unsigned i = 1; i < vm->function_count; i++)
		vsva_device_set_gone(vm->functions[i].device, true);
	log_line(LOG_WARN, VSVA_CODE_DEVICES_PULLED, "%s: its devices are pulled out", vm->name);
	return 0;
}

const char *vsva_server_qemu_arguments(const struct vsva_server *server, unsigned vm)
{
	return vm < server->vm_count ? server->vms[vm].qemu_arguments : NULL;
}

const char *vsva_server_vm_directory(const struct vsva_server *server, unsigned vm)
{
	return vm < server->vm_count ? server->vms[vm].directory : NULL;
}

struct vsva_vm *vsva_server_vm(const struct vsva_server *server, unsigned vm)
{
	return vm < server->vm_count ? server->vms[vm].vm : NULL;
}

void vsva_server_get_stats(struct vsva_server *server, struct vsva_server_stats *out)
{
	*out = (struct vsva_server_stats){
		.clients_served = __atomic_load_n(&server->clients_served, __ATOMIC_RELAXED),
		.pasids_leaked = __atomic_load_n(&server->leaked, __ATOMIC_RELAXED),
	};
	for (unsigned i = 0; i < server->vm_count; i++) {
		out->clients_now += __atomic_load_n(&server->vms[i].attached, __ATOMIC_RELAXED);
		out->windows_now += __atomic_load_n(&server->vms[i].window_count, __ATOMIC_RELAXED);
	}
}
