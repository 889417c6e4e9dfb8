/* SPDX-License-Identifier: MIT */
/*
 * vsva_walk_step_meaning: what stands in the entries on the way: the PASID entry of a binding is nested.
 */
#include "../tables.h"

int main(void)
{
	struct vsva_walk_result result;
	char meaning[512] = "";
	bool is_nested = false;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	result = tables_walk(&host, host_bind(&host));
	for (unsigned i = 0; i < result.step_count; i++) {
		if (result.steps[i].kind != VSVA_WALK_PASID_ENTRY)
			continue;
		EXPECT(vsva_walk_step_meaning(&result.steps[i], meaning, sizeof(meaning)) ==
		       (int)strlen(meaning));
		printf("%s\n", meaning);
		is_nested = strstr(meaning, "PGTT=nested");
	}
	EXPECT(is_nested);
	host_destroy(&host);
	return 0;
}
