/* SPDX-License-Identifier: MIT */
/* The functions of a served VM: the VT-d page and the assigned devices. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "vmm/server/vm_server.h"

#define VTD_PAGE_SIZE 4096u
#define PCI_BAR_FIRST 0x10u
#define PCI_BAR_END   0x28u

static bool is_vtd(const struct served_function *function)
{
	return function->index == 0;
}

/* Configuration space */

/* The largest naturally aligned piece at an offset. */
static unsigned piece_at(uint32_t offset, uint32_t len)
{
	if (offset % 4 == 0 && len >= 4)
		return 4;
	return offset % 2 == 0 && len >= 2 ? 2 : 1;
}

static uint32_t read_piece(struct served_function *function, uint32_t offset, unsigned size)
{
	uint32_t value = UINT32_MAX;

	if (is_vtd(function))
		return pci_config_read(&function->vm->vtd_config, offset, size);
	if (function->assigned)
		vsva_assigned_config_read(function->assigned, offset, size, &value);
	else
		vsva_device_config_read(function->device, offset, size, &value);
	return value;
}

/* Has firmware put the BAR where the DMAR table says? */
static void watch_bar(struct served_vm *vm)
{
	dmar_watch_update(&vm->dmar, vm->name, pci_config_memory_enabled(&vm->vtd_config),
			  pci_config_bar_address(&vm->vtd_config, 0));
}

static void write_piece(struct served_function *function, uint32_t offset, unsigned size,
			uint32_t value)
{
	if (is_vtd(function)) {
		pci_config_write(&function->vm->vtd_config, offset, size, value);
		watch_bar(function->vm);
	} else if (function->assigned) {
		vsva_assigned_config_write(function->assigned, offset, size, value);
	} else {
		vsva_device_config_write(function->device, offset, size, value);
	}
}

static int config_read(void *arg, uint32_t offset, void *data, uint32_t len)
{
	uint8_t *to = data;

	while (len) {
		unsigned size = piece_at(offset, len);
		uint32_t value = read_piece(arg, offset, size);

		memcpy(to, &value, size);
		to += size;
		offset += size;
		len -= size;
	}
	return 0;
}

static int config_write(void *arg, uint32_t offset, const void *data, uint32_t len)
{
	const uint8_t *from = data;

	while (len) {
		unsigned size = piece_at(offset, len);
		uint32_t value = 0;

		memcpy(&value, from, size);
		write_piece(arg, offset, size, value);
		from += size;
		offset += size;
		len -= size;
	}
	return 0;
}

/* Registers */

static int vtd_read(struct served_vm *vm, uint64_t offset, unsigned size, uint64_t *value)
{
	/* The BAR is larger than the page so that firmware always puts it in the same place. */
	if (offset >= VTD_PAGE_SIZE) {
		*value = 0;
		return 0;
	}
	if (vm->vm)
		return vsva_viommu_read(vm->vm, (uint32_t)offset, size, value);
	return vsva_machine_unit_read(vm->server->machine, (uint32_t)offset, size, value);
}

static int vtd_write(struct served_vm *vm, uint64_t offset, unsigned size, uint64_t value)
{
	if (offset >= VTD_PAGE_SIZE)
		return 0;
	if (vm->vm)
		return vsva_viommu_write(vm->vm, (uint32_t)offset, size, value);
	return vsva_machine_unit_write(vm->server->machine, (uint32_t)offset, size, value);
}

static int bar_read(void *arg, unsigned bar, uint64_t offset, unsigned size, uint64_t *value)
{
	struct served_function *function = arg;

	if (is_vtd(function))
		return vtd_read(function->vm, offset, size, value);
	if (function->assigned)
		return vsva_assigned_read(function->assigned, bar, offset, size, value);
	return vsva_device_read(function->device, bar, offset, size, value);
}

static int bar_write(void *arg, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
	struct served_function *function = arg;

	if (is_vtd(function))
		return vtd_write(function->vm, offset, size, value);
	if (function->assigned)
		return vsva_assigned_write(function->assigned, bar, offset, size, value);
	return vsva_device_write(function->device, bar, offset, size, value);
}

/* Reset, coming and going */

static void reset_vtd(struct served_vm *vm)
{
	pci_config_reset(&vm->vtd_config);
	dmar_watch_reset(&vm->dmar);
	if (vm->vm)
		vsva_vm_reset(vm->vm);
	else
		vsva_machine_reset_unit(vm->server->machine);
}

static void reset_device(struct served_function *function)
{
	if (function->assigned) {
		vsva_assigned_reset(function->assigned);
		return;
	}
	vsva_device_reset(function->device);
	vsva_device_reset_config(function->device);
}

static int reset(void *arg)
{
	struct served_function *function = arg;

	if (is_vtd(function))
		reset_vtd(function->vm);
	else
		reset_device(function);
	return 0;
}

static void connected(void *arg, struct vfu_connection *connection)
{
	struct served_function *function = arg;

	(void)connection;
	__atomic_fetch_add(&function->vm->attached, 1, __ATOMIC_RELAXED);
}

/* Devices stop and nothing stays bound before memory is taken away. */
static void disconnecting(void *arg)
{
	reset(arg);
}

/* What the guest that has gone did, and what is left of it: nothing should be. */
static uint64_t tell_of_guest(struct served_vm *vm, unsigned windows)
{
	struct vsva_vm_stats now, *was = &vm->at_start;
	uint64_t leaks;

	vsva_vm_get_stats(vm->vm, &now);
	leaks = windows + now.pasids_now + now.bound_now + now.windows_now;
	log_line(leaks ? LOG_ERROR : LOG_INFO, VSVA_CODE_LEAK,
		 "%s: guest gone: descriptors=%" PRIu64 " binds=%" PRIu64 " unbinds=%" PRIu64
		 " refused=%" PRIu64 " invalidations=%" PRIu64 " page_requests=%" PRIu64
		 " page_responses=%" PRIu64 " faults=%" PRIu64 " vcmd_allocs=%" PRIu64
		 " leaked=%" PRIu64,
		 vm->name, now.descriptors - was->descriptors, now.binds - was->binds,
		 now.unbinds - was->unbinds, now.refused_binds - was->refused_binds,
		 now.invalidations - was->invalidations, now.page_requests - was->page_requests,
		 now.page_responses - was->page_responses, now.faults - was->faults,
		 now.vcmd_allocs - was->vcmd_allocs, leaks);
	*was = now;
	return leaks;
}

static uint64_t tell_of_bare_guest(struct served_vm *vm, unsigned windows)
{
	struct vsva_unit_stats now, *was = &vm->unit_at_start;

	vsva_machine_unit_stats(vm->server->machine, &now);
	log_line(windows ? LOG_ERROR : LOG_INFO, VSVA_CODE_LEAK,
		 "%s: guest gone: descriptors=%" PRIu64 " page_requests=%" PRIu64 " faults=%" PRIu64
		 " walks=%" PRIu64 " leaked=%u",
		 vm->name, now.descriptors - was->descriptors,
		 now.page_requests - was->page_requests, now.faults - was->faults,
		 now.walks - was->walks, windows);
	*was = now;
	return windows;
}

static void guest_gone(struct served_vm *vm)
{
	unsigned windows = served_memory_clear(vm);
	uint64_t leaks;

	for (unsigned i = 0; i < vm->function_count; i++)
		reset(&vm->functions[i]);
	leaks = vm->vm ? tell_of_guest(vm, windows) : tell_of_bare_guest(vm, windows);
	__atomic_fetch_add(&vm->server->clients_served, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&vm->server->leaked, leaks, __ATOMIC_RELAXED);
}

static void disconnected(void *arg)
{
	struct served_function *function = arg;

	if (__atomic_sub_fetch(&function->vm->attached, 1, __ATOMIC_RELAXED) == 0)
		guest_gone(function->vm);
}

static int dma_map(void *arg, const struct vfu_window *window)
{
	return served_memory_map(arg, window);
}

static int dma_unmap(void *arg, gpa_t gpa, uint64_t size)
{
	return served_memory_unmap(arg, gpa, size);
}

/* Messages and interrupts */

static bool is_bus_master(struct served_function *function)
{
	uint32_t command;

	if (is_vtd(function))
		return pci_config_bus_master(&function->vm->vtd_config);
	command = read_piece(function, 0x04, 2);
	return command & 0x4;
}

/*
 * An event message of the unit goes out on a function whose bus master bit is on: the VMM delivers
 * messages of no other, and no driver ever switches it on for the VT-d function itself.
 */
static void send_message(struct served_vm *vm, unsigned first, gpa_t address, const void *data,
			 size_t len)
{
	for (unsigned i = first; i < vm->function_count; i++) {
		struct served_function *function = &vm->functions[i];

		if (is_bus_master(function) &&
		    !vfu_connection_dma_write(function->connection, address, data, len, true))
			return;
	}
	LOG_LIMITED(LOG_WARN, VSVA_CODE_MESSAGE_LOST,
		    "%s: message to %#llx lost: no function is bus master", vm->name,
		    (unsigned long long)address.v);
}

void served_message(void *arg, uint64_t address, uint32_t data)
{
	send_message(arg, 0, gpa(address), &data, sizeof(data));
}

/* Its bus master bit went off meanwhile: the next function may still have it. */
static void dma_write_failed(void *arg, gpa_t address, const void *data, size_t len, int error)
{
	struct served_function *function = arg;

	(void)error;
	send_message(function->vm, function->index + 1, address, data, len);
}

void served_irq(void *arg, unsigned vector)
{
	struct served_function *function = arg;

	vfu_connection_raise_irq(function->connection, VFU_IRQ_MSIX, vector);
}

const struct vfu_function_ops served_function_ops = {
	.connected = connected,
	.disconnecting = disconnecting,
	.disconnected = disconnected,
	.config_read = config_read,
	.config_write = config_write,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.reset = reset,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.dma_write_failed = dma_write_failed,
};
