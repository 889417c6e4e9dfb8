/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_edges: the table of what may become of an id, as the code obeys it: for whoever draws
 * it, or checks what he saw against it.
 */
#include <vsva/ioasid.h>

#include "../example.h"

int main(void)
{
	bool can_revive = false;
	size_t count = 0;
	const struct vsva_ioasid_edge *edges = vsva_ioasid_edges(&count);

	EXPECT(edges && count > 0);
	for (size_t i = 0; i < count; i++) {
		printf("%-12s -> %-12s by %s\n", vsva_ioasid_state_name(edges[i].from),
		       vsva_ioasid_state_name(edges[i].to), edges[i].by);
		can_revive |= edges[i].from == VSVA_IOASID_FREE_PENDING &&
			      edges[i].to != VSVA_IOASID_FREE;
	}
	EXPECT(!can_revive); /* what was freed only becomes free */
	return 0;
}
