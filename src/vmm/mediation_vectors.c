/* SPDX-License-Identifier: MIT */
/* Permissions of completion interrupts: the PASID in them is the guest's for the guest, the host's
 * for the device. */
#include "vmm/vm.h"
#include "vtd/dsa_regs.h"

bool mediation_is_permission(const struct mediation *m, uint64_t offset)
{
	return m->permission_offset && offset >= m->permission_offset &&
	       offset - m->permission_offset < (uint64_t)m->vector_count * DSA_MSIXPERM_STRIDE;
}

static void forget(struct vsva_assigned *assigned, unsigned vector)
{
	struct mediation *m = &assigned->mediation;

	if (m->permitted[vector])
		pasid_map_put(assigned->vm, m->permitted[vector], MENTION_QUEUE);
	m->permitted[vector] = NULL;
	m->permission[vector] = 0;
}

void mediation_permission_release(struct vsva_assigned *assigned)
{
	for (unsigned vector = 0; vector < MEDIATION_VECTORS; vector++)
		forget(assigned, vector);
}

/* A PASID without a host PASID becomes 0, which no descriptor has. */
static uint32_t for_device(struct vsva_assigned *assigned, unsigned vector, uint32_t value)
{
	struct mediation *m = &assigned->mediation;
	gpasid_t guest = gpasid((uint32_t)dsa_MSIXPERM_PASID(value));
	struct pasid_mention *mention = NULL;

	m->permission[vector] = value;
	if (!dsa_MSIXPERM_PASID_ENABLE(value))
		return value;
	pasid_map_get(assigned->vm, guest, MENTION_QUEUE, &mention);
	m->permitted[vector] = mention;
	return (uint32_t)dsa_MSIXPERM_with_PASID(value, mention ? mention->host.v : 0);
}

int mediation_permission_write(struct vsva_assigned *assigned, uint64_t offset, unsigned size,
			       uint64_t value)
{
	struct mediation *m = &assigned->mediation;
	uint64_t at = offset - m->permission_offset;
	unsigned vector = (unsigned)(at / DSA_MSIXPERM_STRIDE);
	uint32_t word = (uint32_t)value;

	if (at % DSA_MSIXPERM_STRIDE == 0) {
		forget(assigned, vector);
		word = for_device(assigned, vector, word);
	}
	return vsva_device_write(assigned->device, 0, offset, size,
				 (value & ~(uint64_t)UINT32_MAX) | word);
}

uint64_t mediation_permission_view(const struct mediation *m, uint64_t offset, uint64_t value)
{
	uint64_t at = offset - m->permission_offset;

	if (at % DSA_MSIXPERM_STRIDE)
		return value;
	return (value & ~(uint64_t)UINT32_MAX) | m->permission[at / DSA_MSIXPERM_STRIDE];
}
