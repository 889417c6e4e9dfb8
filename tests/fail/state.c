// SPDX-License-Identifier: MIT
#include "state.h"

#include <stdarg.h>

#include "unit.h"

#define MAX 32u

static void __attribute__((format(printf, 2, 3))) tell(struct state *s, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(s->text + s->len, STATE_LEN - s->len, format, args);
	va_end(args);
	assert_true(len >= 0 && s->len + (size_t)len < STATE_LEN);
	s->len += (size_t)len;
}

static void tell_unit(struct state *s, struct vsva_machine *machine, uint32_t vm)
{
	struct vsva_unit_info unit;

	assert_int_equal(vsva_inspect_unit(machine, vm, &unit), 0);
	tell(s, "unit: translating %d, queue %d, root %d\n", unit.is_translating, unit.has_queue,
	     unit.root != 0);
}

/* Which number a guest has is its own affair. */
static const char *guest_pasid(gpasid_t pasid)
{
	return pasid.v == VSVA_PASID_INVALID ? "none" : "some";
}

/* Without PRI: the driver switches it on when it is wanted first, and off when the function goes. */
static void tell_devices(struct state *s, struct vsva_machine *machine)
{
	struct vsva_device_info devices[MAX];
	size_t count = vsva_inspect_devices(machine, rid(0), devices, MAX);

	assert_true(count < MAX);
	for (size_t i = 0; i < count; i++) {
		const struct vsva_device_info *d = &devices[i];

		tell(s,
		     "device %#x of %#x: kind %d, assigned %d, gone %d, master %d, ats %d, pasid "
		     "%d\n",
		     d->rid.v, d->pf_rid.v, d->kind, d->is_assigned, d->is_gone, d->is_bus_master,
		     d->ats, d->pasid);
	}
}

static void tell_bindings(struct state *s, struct vsva_machine *machine, hpasid_t pasid)
{
	struct vsva_binding_info bindings[MAX];
	size_t count = vsva_inspect_bindings(machine, pasid, bindings, MAX);

	assert_true(count < MAX);
	for (size_t i = 0; i < count; i++)
		tell(s, "  on %#x: guest %s, kind %d, active %d, dying %d, width %u\n",
		     bindings[i].rid.v, guest_pasid(bindings[i].gpasid), bindings[i].kind,
		     bindings[i].is_active, bindings[i].is_dying, bindings[i].addr_width);
}

static void tell_pasids(struct state *s, struct vsva_machine *machine)
{
	struct vsva_pasid_info pasids[MAX];
	size_t count = vsva_inspect_pasids(machine, hpasid(0), pasids, MAX);

	assert_true(count < MAX);
	for (size_t i = 0; i < count; i++) {
		tell(s,
		     "pasid: guest %s, %s, flags %#x, references %u, allocation %d, bindings %u\n",
		     guest_pasid(pasids[i].gpasid), vsva_ioasid_state_name(pasids[i].state),
		     pasids[i].flags, pasids[i].references, pasids[i].has_allocation,
		     pasids[i].bindings);
		tell_bindings(s, machine, pasids[i].hpasid);
	}
}

static void tell_groups(struct state *s, struct vsva_machine *machine)
{
	struct vsva_group_info groups[MAX];
	size_t count = vsva_inspect_groups(machine, 0, groups, MAX);

	assert_true(count < MAX);
	for (size_t i = 0; i < count; i++)
		tell(s, "page request of %#x: state %d, native %d, requests %u, address %#llx\n",
		     groups[i].rid.v, groups[i].state, groups[i].is_native, groups[i].requests,
		     (unsigned long long)groups[i].addr);
}

static void tell_set(void *arg, const struct vsva_ioasid_set *set)
{
	tell(arg, "set: quota %u, ids %u\n", vsva_ioasid_set_quota(set),
	     vsva_ioasid_set_count(set));
}

static void tell_host(struct state *s, struct fail_world *w)
{
	struct vsva_iommu_stats stats;

	vsva_iommu_get_stats(w->iommu, &stats);
	tell(s,
	     "host: bound %llu, domains %llu, devices %llu, page requests %llu, ids to give %u\n",
	     (unsigned long long)stats.bound_now, (unsigned long long)stats.domains_now,
	     (unsigned long long)stats.devices_now, (unsigned long long)stats.requests_pending_now,
	     vsva_ioasid_space_available(w->space));
	vsva_ioasid_space_for_each(w->space, tell_set, s);
}

static void tell_kvm(struct state *s, struct vsva_kvm *kvm)
{
	struct vsva_kvm_stats stats;

	vsva_kvm_get_stats(kvm, &stats);
	tell(s, "kvm: translations %llu\n", (unsigned long long)stats.translations_now);
}

/* What each address that a trial maps leads to. */
static void tell_domain(struct state *s, struct vsva_domain *domain)
{
	const uint64_t probes[] = {0, 0x3ffff000, 0x40000000, 0x40003000, 0x80000000};
	hpa_t out;

	for (size_t i = 0; i < ARRAY_LEN(probes); i++)
		tell(s, "mapped at %#llx: %d\n", (unsigned long long)probes[i],
		     vsva_domain_iova_to_phys(domain, gpa(probes[i]), &out) == 0);
}

static void tell_assigned(struct state *s, struct vsva_machine *machine, uint32_t vm)
{
	struct vsva_assigned_info assigned[MAX];
	struct vsva_shadow_info shadows[MAX];
	size_t count = vsva_inspect_assigned(machine, vm, rid(0), assigned, MAX);

	for (size_t i = 0; i < count; i++) {
		const struct vsva_assigned_info *a = &assigned[i];
		size_t bound =
			vsva_inspect_shadows(machine, vm, a->guest_rid, gpasid(0), shadows, MAX);

		tell(s,
		     "  assigned %#x: mediated %d, ats %d, pri %d, scanning %d, rid %d, context "
		     "%d, fault %u, pdts %u, dte %d, paside %d, pre %d, shadows %u\n",
		     a->guest_rid.v, a->is_mdev, a->sees_ats, a->sees_pri, a->is_scanning,
		     a->rid_kind, a->has_context, a->fault, a->pdts, a->dte, a->paside, a->pre,
		     a->shadows);
		for (size_t k = 0; k < bound; k++)
			tell(s, "    shadow: rid %d\n", shadows[k].is_rid);
	}
}

static void tell_vm_pasids(struct state *s, struct vsva_machine *machine, uint32_t vm)
{
	struct vsva_vm_pasid_info pasids[MAX];
	size_t count = vsva_inspect_vm_pasids(machine, vm, gpasid(0), pasids, MAX);

	for (size_t i = 0; i < count; i++)
		tell(s, "  guest's pasid: bindings %u, queues %u, vcmd %d, stale %d, cpu %d\n",
		     pasids[i].bindings, pasids[i].queues, pasids[i].is_from_vcmd,
		     pasids[i].is_stale, pasids[i].has_cpu_translation);
}

static void tell_vms(struct state *s, struct fail_world *w)
{
	struct vsva_vm_info vms[MAX];
	size_t count = vsva_inspect_vms(w->machine, 0, vms, MAX);

	for (size_t i = 0; i < count; i++) {
		tell(s, "vm: quota %u, charged %u, devices %u, windows %u, scanning %d\n",
		     vms[i].pasid_quota, vms[i].pasids_charged, vms[i].devices, vms[i].windows,
		     vms[i].is_scanning);
		tell_unit(s, w->machine, vms[i].vm);
		tell_assigned(s, w->machine, vms[i].vm);
		tell_vm_pasids(s, w->machine, vms[i].vm);
	}
	if (w->guest)
		tell(s, "guest: free pages %llu\n",
		     (unsigned long long)vsva_guest_free_pages(w->guest));
	if (w->vdcm)
		tell(s, "parent: queues left %u\n", vsva_vdcm_available(w->vdcm));
	if (w->mdev)
		tell(s, "mediated: enabled %#x\n", vsva_mdev_enabled(w->mdev));
}

void state_take(struct fail_world *w, struct state *out)
{
	out->len = 0;
	tell_unit(out, w->machine, 0);
	tell_host(out, w);
	tell_devices(out, w->machine);
	tell_pasids(out, w->machine);
	tell_groups(out, w->machine);
	tell_vms(out, w);
	if (w->domain)
		tell_domain(out, w->domain);
	if (w->container)
		tell_domain(out, vsva_container_domain(w->container));
	if (w->kvm)
		tell_kvm(out, w->kvm);
	if (w->mm)
		tell(out, "process: dead %d, pages %llu, pasid %d\n", vsva_mm_is_dead(w->mm),
		     (unsigned long long)vsva_mm_page_count(w->mm),
		     vsva_sva_pasid_of(w->mm).v != VSVA_PASID_INVALID);
	tell(out, "trace: %d\n", vsva_machine_trace_is_on(w->machine));
}
