/* SPDX-License-Identifier: MIT */
/*
 * vsva_walk_step_name: the way of an access through the tables, step by step, in words.
 */
#include "../tables.h"

int main(void)
{
	struct vsva_walk_result result;
	struct host host;
	char name[64];

	host_create(&host);
	host_add_device(&host);
	result = tables_walk(&host, host_bind(&host));
	EXPECT(result.step_count > 4);
	for (unsigned i = 0; i < result.step_count; i++) {
		EXPECT(vsva_walk_step_name(&result.steps[i], name, sizeof(name)) > 0);
		printf("%s%s\n", result.steps[i].inner ? "  " : "", name);
		if (result.steps[i].kind == VSVA_WALK_CONTEXT)
			EXPECT(!strcmp(name, "context entry"));
	}
	host_destroy(&host);
	return 0;
}
