/* SPDX-License-Identifier: MIT */
/*
 * One owner's IOASID set, its KVM with one vCPU, and a device of one portal that remembers what it
 * was given. The test binds ids itself: no unit is needed.
 */
#ifndef TESTS_HOST_KVM_WORLD_H
#define TESTS_HOST_KVM_WORLD_H

#include "unit.h"

#include "host/ioasid.h"
#include "host/kvm.h"

/* What the portal's function does with a command: 0, 1 or -errno. Inside the instruction. */
typedef int portal_hook(void *arg, hpasid_t host);

struct kvm_device {
	unsigned count; /* atomic */
	uint64_t offset;
	unsigned char command[64];
	int answer;
	portal_hook *hook; /* instead of the answer */
	void *hook_arg;
};

struct kvm_world {
	struct physmem *physmem;
	struct worker_pool *pool;
	struct vsva_ioasid_space *space;
	struct vsva_ioasid_set *set;
	struct vsva_kvm *kvm;
	struct vsva_vcpu *vcpu;
	struct kvm_device device;
	struct vsva_portal portal;
	int token;
};

/* bits: of the space; the set has half of it. */
void kvm_world_create(struct kvm_world *w, enum worker_mode mode, unsigned bits);
/* Everything goes, and nothing is left of it (checked). */
void kvm_world_destroy(struct kvm_world *w);
/* A KVM for a token of this space. */
int kvm_world_kvm(struct kvm_world *w, const void *token, struct vsva_kvm **out);
void kvm_world_run(struct kvm_world *w);

hpasid_t kvm_world_alloc(struct kvm_world *w);
void kvm_world_bind(struct kvm_world *w, struct ioasid_binding *binding, hpasid_t id,
		    uint32_t guest);
void kvm_world_unbind(struct kvm_world *w, struct ioasid_binding *binding);
/* State and references of an id: kvm_world_refs() of one that is free is 0. */
enum vsva_ioasid_state kvm_world_state(struct kvm_world *w, hpasid_t id);
uint32_t kvm_world_refs(struct kvm_world *w, hpasid_t id);

/* ENQCMD of the vCPU as it is, or with this guest PASID; the result. */
int kvm_world_enqcmd(struct kvm_world *w, struct vsva_vmx_exit *exit);
int kvm_world_enqcmd_as(struct kvm_world *w, uint32_t guest);
/* Guest PASID to what the device is given; VSVA_PASID_INVALID: the processor exits. */
uint32_t kvm_world_translate(struct kvm_world *w, uint32_t guest);
/* The first 32 bits of the command that the device has. */
uint32_t kvm_device_head(const struct kvm_device *device);

#endif
