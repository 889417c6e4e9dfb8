/* SPDX-License-Identifier: MIT */
/*
 * vsva_cache_policy_parse: how the unit caches, from a command line. The policy is there to be
 * changed: a driver that forgets an invalidation is found out under "adversarial".
 */
#include <vsva/machine.h>

#include "../example.h"

int main(void)
{
	struct vsva_machine_options options = {0};
	struct vsva_machine *machine;

	EXPECT(vsva_cache_policy_parse("adversarial", &options.cache_policy) == 0);
	EXPECT(options.cache_policy == VSVA_CACHE_ADVERSARIAL);
	EXPECT(vsva_machine_create(&options, &machine) == 0);
	printf("a machine with an adversarial cache\n");
	vsva_machine_destroy(machine);

	EXPECT(vsva_cache_policy_parse("friendly", &options.cache_policy) == -EINVAL);
	return 0;
}
