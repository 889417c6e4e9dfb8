/* SPDX-License-Identifier: MIT */
/* KVM inside the room; everybody else uses vsva/kvm.h. */
#ifndef HOST_KVM_H
#define HOST_KVM_H

#include "base/lock.h"
#include "base/trace.h"
#include "host/kvm_ids.h"
#include "host/kvm_tables.h"
#include "vsva/kvm.h"

struct vsva_kvm {
	unsigned refs; /* atomic */
	struct vsva_ioasid_space *space;
	const void *token;
	uint32_t vm;
	const struct trace *trace;
	struct vsva_ioasid_notifier *notifier;

	struct lock lock;         /* LOCK_RANK_KVM: writers of everything below */
	struct kvm_tables tables; /* readers: RCU */
	struct kvm_ids ids;
	uint64_t withdrawals; /* UNBIND and FREE events heard */
	bool is_stopped;

	struct vsva_kvm_stats stats; /* each member atomic */
};

/* What vsva_kvm_create takes from the driver. All outlive the KVM; trace may be NULL. */
struct kvm_config {
	struct vsva_ioasid_space *space;
	struct physmem *physmem;
	const struct trace *trace;
	const void *token;
	uint32_t vm;
};
int kvm_create(const struct kvm_config *config, struct vsva_kvm **out);

#endif
