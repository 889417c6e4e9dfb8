/* SPDX-License-Identifier: MIT */
/*
 * Guest memory of a served VM. Each function of the VM is told of each window; the first telling
 * maps it, the last withdrawal unmaps it. While a VMM changes its memory layout, one function may
 * hear of the new layout before another has heard that the old one is gone: what overlaps the new
 * goes at once, and its late withdrawals find nothing.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fail.h"
#include "base/log.h"
#include "vmm/server/vm_server.h"

static int map_into(struct served_vm *vm, const struct served_window *window, bool writable)
{
	if (vm->vm)
		return vsva_vm_map(vm->vm, window->gpa, window->memory, window->size, writable);
	return vsva_machine_add_memory(vm->server->machine, hpa(window->gpa.v), window->memory,
				       window->size, writable);
}

static void unmap_from(struct served_vm *vm, const struct served_window *window)
{
	int err;

	if (vm->vm)
		err = vsva_vm_unmap(vm->vm, window->gpa, window->size);
	else
		err = vsva_machine_remove_memory(vm->server->machine, hpa(window->gpa.v));
	if (err)
		log_line(LOG_WARN, VSVA_CODE_TEARDOWN, "%s: memory at %#llx unmapped with error %d",
			 vm->name, (unsigned long long)window->gpa.v, err);
}

static struct served_window *find(struct served_vm *vm, gpa_t gpa, uint64_t size)
{
	for (unsigned i = 0; i < vm->window_count; i++)
		if (vm->windows[i].gpa.v == gpa.v && vm->windows[i].size == size)
			return &vm->windows[i];
	return NULL;
}

/* DMA stops, then the mapping goes: in this order, also while devices run. */
static void drop(struct served_vm *vm, struct served_window *window)
{
	unmap_from(vm, window);
	munmap(window->memory, window->size);
	*window = vm->windows[vm->window_count - 1];
	__atomic_store_n(&vm->window_count, vm->window_count - 1, __ATOMIC_RELAXED);
}

static void drop_overlapping(struct served_vm *vm, gpa_t gpa, uint64_t size)
{
	unsigned i = 0;

	while (i < vm->window_count) {
		struct served_window *window = &vm->windows[i];

		if (gpa.v < window->gpa.v + window->size && window->gpa.v < gpa.v + size)
			drop(vm, window);
		else
			i++;
	}
}

/* The window as it would be mapped; 0 or -errno of fstat. */
static int describe(const struct vfu_window *wanted, struct served_window *window)
{
	struct stat file;

	if (fstat(wanted->fd, &file))
		return -errno;
	*window = (struct served_window){
		.gpa = wanted->gpa,
		.size = wanted->size,
		.prot = wanted->prot,
		.fd_offset = wanted->fd_offset,
		.file_device = file.st_dev,
		.file_inode = file.st_ino,
	};
	return 0;
}

static bool is_same(const struct served_window *a, const struct served_window *b)
{
	return a->prot == b->prot && a->fd_offset == b->fd_offset &&
	       a->file_device == b->file_device && a->file_inode == b->file_inode;
}

static int add(struct served_vm *vm, struct served_window *window, int fd)
{
	bool writable = window->prot & VSVA_PROT_WRITE;
	int err;

	if (vm->window_count == VSVA_LIMIT_VM_WINDOWS)
		return -ENOSPC;
	window->memory = FAIL_CALL(MAP_FAILED, ENOMEM,
				   mmap(NULL, window->size, PROT_READ | (writable ? PROT_WRITE : 0),
					MAP_SHARED, fd, (off_t)window->fd_offset));
	if (window->memory == MAP_FAILED)
		return -errno;
	err = map_into(vm, window, writable);
	if (err) {
		munmap(window->memory, window->size);
		return err;
	}
	vm->windows[vm->window_count] = *window;
	__atomic_store_n(&vm->window_count, vm->window_count + 1, __ATOMIC_RELAXED);
	return 0;
}

int served_memory_map(struct served_function *function, const struct vfu_window *wanted)
{
	struct served_vm *vm = function->vm;
	struct served_window fresh, *known;
	int err;

	if (wanted->fd < 0)
		return 0; /* not shared (ROM): devices cannot reach it */
	err = describe(wanted, &fresh);
	if (err)
		return err;
	known = find(vm, wanted->gpa, wanted->size);
	if (known && is_same(known, &fresh)) {
		known->users |= 1u << function->index;
		return 0;
	}
	drop_overlapping(vm, wanted->gpa, wanted->size);
	fresh.users = 1u << function->index;
	return add(vm, &fresh, wanted->fd);
}

int served_memory_unmap(struct served_function *function, gpa_t gpa, uint64_t size)
{
	struct served_window *window = find(function->vm, gpa, size);

	if (!window)
		return 0;
	window->users &= ~(1u << function->index);
	if (!window->users)
		drop(function->vm, window);
	return 0;
}

unsigned served_memory_clear(struct served_vm *vm)
{
	unsigned left = vm->window_count;

	while (vm->window_count)
		drop(vm, &vm->windows[0]);
	return left;
}
