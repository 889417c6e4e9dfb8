/* SPDX-License-Identifier: MIT */
/*
 * What a VMM has: `vmm_create()` makes a VM with 64 KiB of memory at GPA 0 and a test engine assigned to
 * it. Nobody has programmed the virtual unit, so the engine's addresses are guest physical ones.
 */
#ifndef VMM_H
#define VMM_H

#include <vsva/vm.h>

#include "engine.h"

#define VMM_MEMORY UINT64_C(0x10000)
#define VMM_RID    0x30u /* of the engine, as the guest sees it */
#define VMM_GPA    UINT64_C(0x8000)

struct vmm {
	struct vsva_machine *machine;
	struct vsva_vm *vm;
	struct vsva_device *engine;
	struct vsva_assigned *assigned; /* the engine */
	uint64_t *memory;
	unsigned interrupts;
};

static inline void vmm_on_interrupt(void *arg, unsigned vector)
{
	(void)vector;
	++((struct vmm *)arg)->interrupts;
}

static inline void vmm_assign(struct vmm *vmm)
{
	EXPECT(vsva_vm_assign(vmm->vm, vmm->engine, rid(VMM_RID), vmm_on_interrupt, vmm,
			      &vmm->assigned) == 0);
	EXPECT(vsva_assigned_config_write(vmm->assigned, 0x04, 2, 0x6) == 0); /* bus master */
}

static inline void vmm_create(struct vmm *vmm)
{
	memset(vmm, 0, sizeof(*vmm));
	vmm->memory = aligned_alloc(VSVA_PAGE_SIZE, VMM_MEMORY);
	EXPECT(vmm->memory);
	memset(vmm->memory, 0, VMM_MEMORY);
	EXPECT(vsva_machine_create(NULL, &vmm->machine) == 0);
	EXPECT(vsva_vm_create(vmm->machine, NULL, &vmm->vm) == 0);
	EXPECT(vsva_vm_map(vmm->vm, gpa(0), vmm->memory, VMM_MEMORY, true) == 0);
	vmm->engine = engine_create(vmm->machine);
	vmm_assign(vmm);
}

/* What stands at a GPA. */
static inline uint64_t *vmm_word(const struct vmm *vmm, uint64_t address)
{
	return vmm->memory + address / 8;
}

static inline void vmm_destroy(struct vmm *vmm)
{
	vsva_vm_destroy(vmm->vm);
	vsva_machine_destroy(vmm->machine);
	free(vmm->memory);
}

#endif
