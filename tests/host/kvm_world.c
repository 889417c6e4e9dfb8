// SPDX-License-Identifier: MIT
#include "kvm_world.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "bind_id.h"

#define VALID UINT32_C(0x80000000)

static void ignore_line(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

static int portal_write(void *arg, uint64_t offset, const void *bytes)
{
	struct kvm_device *device = arg;
	uint32_t head;

	assert_true(rcu_is_reading());
	memcpy(&head, bytes, sizeof(head));
	__atomic_fetch_add(&device->count, 1, __ATOMIC_RELAXED);
	if (device->hook)
		return device->hook(device->hook_arg, hpasid(head & VSVA_PASID_MAX));
	device->offset = offset;
	memcpy(device->command, bytes, sizeof(device->command));
	return device->answer;
}

int kvm_world_kvm(struct kvm_world *w, const void *token, struct vsva_kvm **out)
{
	struct kvm_config config = {
		.space = w->space, .physmem = w->physmem, .token = token, .vm = 1};

	return kvm_create(&config, out);
}

void kvm_world_create(struct kvm_world *w, enum worker_mode mode, unsigned bits)
{
	memset(w, 0, sizeof(*w));
	log_set_sink(ignore_line, NULL);
	w->physmem = physmem_create();
	w->pool = worker_pool_create(mode, 0);
	w->space = ioasid_space_create(bits, w->pool, NULL);
	assert_non_null(w->space);
	assert_int_equal(kvm_world_kvm(w, &w->token, &w->kvm), 0);
	assert_int_equal(vsva_ioasid_set_alloc(w->space, &w->token, 1u << (bits - 1), &w->set), 0);
	assert_int_equal(vsva_vcpu_create(w->kvm, &w->vcpu), 0);
	w->portal = (struct vsva_portal){portal_write, &w->device};
}

void kvm_world_destroy(struct kvm_world *w)
{
	vsva_vcpu_destroy(w->vcpu);
	if (w->set) {
		assert_int_equal(vsva_ioasid_free_all_sync(w->set), 0);
		vsva_ioasid_set_free(w->set);
	}
	vsva_kvm_put(w->kvm);
	ioasid_space_destroy(w->space);
	rcu_barrier();
	assert_int_equal(physmem_pages_in_use(w->physmem), 0);
	worker_pool_destroy(w->pool);
	physmem_destroy(w->physmem);
	log_set_sink(NULL, NULL);
}

void kvm_world_run(struct kvm_world *w)
{
	worker_pool_run_idle(w->pool, 10000);
}

hpasid_t kvm_world_alloc(struct kvm_world *w)
{
	hpasid_t id;

	assert_int_equal(vsva_ioasid_alloc(w->set, 1, VSVA_PASID_MAX, NULL, &id), 0);
	return id;
}

void kvm_world_bind(struct kvm_world *w, struct ioasid_binding *binding, hpasid_t id,
		    uint32_t guest)
{
	*binding = (struct ioasid_binding){.id = id, .guest = gpasid(guest)};
	assert_int_equal(ioasid_bind(w->set, binding, VSVA_IOASID_GUEST_PASID), 0);
}

void kvm_world_unbind(struct kvm_world *w, struct ioasid_binding *binding)
{
	ioasid_unbind(w->set, binding);
}

enum vsva_ioasid_state kvm_world_state(struct kvm_world *w, hpasid_t id)
{
	return vsva_ioasid_state_of(w->space, id, NULL);
}

uint32_t kvm_world_refs(struct kvm_world *w, hpasid_t id)
{
	uint32_t references;

	vsva_ioasid_state_of(w->space, id, &references);
	return references;
}

int kvm_world_enqcmd(struct kvm_world *w, struct vsva_vmx_exit *exit)
{
	static const unsigned char bytes[64];

	return vsva_vcpu_enqcmd(w->vcpu, &w->portal, 64, bytes, exit);
}

int kvm_world_enqcmd_as(struct kvm_world *w, uint32_t guest)
{
	assert_int_equal(vsva_vcpu_set_ia32_pasid(w->vcpu, VALID | guest), 0);
	return kvm_world_enqcmd(w, NULL);
}

uint32_t kvm_world_translate(struct kvm_world *w, uint32_t guest)
{
	int result = kvm_world_enqcmd_as(w, guest);

	if (result == -ENOENT)
		return VSVA_PASID_INVALID;
	assert_int_equal(result, 0);
	return kvm_device_head(&w->device);
}

uint32_t kvm_device_head(const struct kvm_device *device)
{
	uint32_t head;

	memcpy(&head, device->command, sizeof(head));
	return head;
}
