/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_domain: the second stage of a container, to look where a guest's address leads to.
 */
#include "../container.h"

int main(void)
{
	struct owner owner;
	hpa_t out;

	owner_open(&owner);
	EXPECT(vsva_domain_iova_to_phys(vsva_container_domain(owner.container), gpa(HOST_PAGE),
					&out) == 0);
	printf("GPA %#" PRIx64 " is HPA %#" PRIx64 "\n", HOST_PAGE, out.v);
	EXPECT(out.v == HOST_HPA + HOST_PAGE);
	owner_close(&owner);
	return 0;
}
