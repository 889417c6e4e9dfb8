/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_shadows: what the virtual unit last read of the guest's PASID table, for each PASID that
 * it has bound.
 */
#include <vsva/describe.h>
#include <vsva/inspect.h>

#include "../tenant.h"

int main(void)
{
	uint64_t words[VSVA_LAYOUT_WORDS_MAX] = {0};
	struct vsva_shadow_info shadow;
	struct tenant tenant;
	char line[256];

	tenant_create(&tenant);
	EXPECT(vsva_inspect_shadows(tenant.machine, vsva_vm_number(tenant.vm), rid(TENANT_RID),
				    vsva_process_pasid(tenant.process), &shadow, 1) == 1);
	memcpy(words, shadow.words, sizeof(shadow.words));
	vsva_describe_line(vsva_layout_find("pasid_entry"), words, line, sizeof(line));
	printf("guest PASID %" PRIu32 ": %s\n", shadow.gpasid.v, line);
	EXPECT(shadow.gpasid.v == vsva_process_pasid(tenant.process).v && !shadow.is_rid);
	EXPECT(words[0] & 1); /* present */
	tenant_destroy(&tenant);
	return 0;
}
