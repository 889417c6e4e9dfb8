/* SPDX-License-Identifier: MIT */
/*
 * vsva_event_name: what happened, in a word: an observer of a machine prints it.
 */
#include "../host.h"

static void observe(void *arg, const struct vsva_event *event)
{
	printf("%s\n", vsva_event_name(event->kind));
	*(bool *)arg |= !strcmp(vsva_event_name(event->kind), "ioasid-alloc");
}

int main(void)
{
	bool has_alloc = false;
	const struct vsva_machine_options options = {.observer = observe,
						     .observer_arg = &has_alloc};
	struct vsva_machine *machine;
	struct vsva_ioasid_set *set;
	hpasid_t id;

	EXPECT(vsva_machine_create(&options, &machine) == 0);
	EXPECT(vsva_ioasid_set_alloc(vsva_iommu_ioasid_space(vsva_machine_iommu(machine)), &id, 1,
				     &set) == 0);
	EXPECT(vsva_ioasid_alloc(set, 1, 10, NULL, &id) == 0);
	EXPECT(has_alloc);
	EXPECT(!strcmp(vsva_event_name(VSVA_EV_KIND_COUNT), "?"));
	vsva_ioasid_set_free(set);
	vsva_machine_destroy(machine);
	return 0;
}
