/* SPDX-License-Identifier: MIT */
/*
 * vsva_cache_policy_name: a policy's name, for a message, or to offer all of them.
 */
#include <vsva/machine.h>

#include "../example.h"

int main(void)
{
	enum vsva_cache_policy policy, again;

	for (policy = VSVA_CACHE_LRU; policy <= VSVA_CACHE_ADVERSARIAL; policy++) {
		const char *name = vsva_cache_policy_name(policy);

		printf("%s\n", name);
		EXPECT(vsva_cache_policy_parse(name, &again) == 0 && again == policy);
	}
	return 0;
}
