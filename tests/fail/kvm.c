// SPDX-License-Identifier: MIT
/* vsva/kvm.h */
#include "trial.h"

RUN(kvm_create)
{
	return vsva_kvm_create(w->iommu, w, 1, &w->kvm);
}

RUN(kvm_put)
{
	vsva_kvm_put(w->kvm);
	w->kvm = NULL;
	return 0;
}

static void undo_create(struct fail_world *w)
{
	run_kvm_put(w);
}

/* Something is translated, and no processor has it. */
static void setup_put(struct fail_world *w)
{
	world_kvm(w);
	world_bound(w);
}

RUN(kvm_stop)
{
	return vsva_kvm_stop(w->kvm);
}

RUN(kvm_kick)
{
	vsva_kvm_kick(w->kvm);
	return 0;
}

RUN(kvm_resolve)
{
	return vsva_kvm_resolve(w->kvm, w->set, WORLD_GPASID);
}

/* The binding is older than the KVM. */
static void setup_resolve(struct fail_world *w)
{
	world_bound(w);
	world_kvm(w);
}

RUN(kvm_get_stats)
{
	struct vsva_kvm_stats stats;

	vsva_kvm_get_stats(w->kvm, &stats);
	return 0;
}

RUN(vcpu_create)
{
	return vsva_vcpu_create(w->kvm, &w->vcpu);
}

RUN(vcpu_destroy)
{
	vsva_vcpu_destroy(w->vcpu);
	w->vcpu = NULL;
	return 0;
}

static void undo_vcpu_create(struct fail_world *w)
{
	run_vcpu_destroy(w);
}

#define VALID (1u << 31)

RUN(vcpu_set_ia32_pasid)
{
	return vsva_vcpu_set_ia32_pasid(w->vcpu, WORLD_GPASID.v | VALID);
}

static void setup_instruction(struct fail_world *w)
{
	world_translated(w);
	assert_int_equal(run_vcpu_set_ia32_pasid(w), 0);
}

static int accept(void *arg, uint64_t offset, const void *bytes)
{
	(void)arg;
	(void)offset;
	(void)bytes;
	return 0;
}

static const struct vsva_portal portal = {.write = accept};
static const uint32_t command[16] = {WORLD_GPASID_V};

RUN(vcpu_enqcmd)
{
	return vsva_vcpu_enqcmd(w->vcpu, &portal, 0, command, NULL);
}

RUN(vcpu_enqcmds)
{
	return vsva_vcpu_enqcmds(w->vcpu, &portal, 0, command, NULL);
}

RUN(kvm_enqcmd)
{
	return vsva_kvm_enqcmd(w->kvm, WORLD_GPASID.v | VALID, &portal, 0, command, NULL);
}

const struct trial kvm_trials[] = {
	UNDONE(kvm_create, world_set, undo_create, MAY_NOMEM | MAY_AGAIN),
	NO_STEP(kvm_put, setup_put, NULL),
	NO_STEP(kvm_stop, world_translated, NULL),
	NO_STEP(kvm_kick, world_translated, NULL),
	UNDONE(kvm_resolve, setup_resolve, NULL, MAY_NOMEM),
	NO_STEP(kvm_get_stats, world_kvm, NULL),
	UNDONE(vcpu_create, world_kvm, undo_vcpu_create, MAY_NOMEM),
	NO_STEP(vcpu_destroy, world_translated, NULL),
	NO_STEP(vcpu_set_ia32_pasid, world_vcpu, NULL),
	NO_STEP(vcpu_enqcmd, setup_instruction, NULL),
	NO_STEP(vcpu_enqcmds, setup_instruction, NULL),
	NO_STEP(kvm_enqcmd, setup_instruction, NULL),
	{.function = NULL},
};
