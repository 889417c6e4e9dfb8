/* SPDX-License-Identifier: MIT */
/*
 * vsva_event_is_end: does an event end an operation? An observer indents what happens inside.
 */
#include "../host.h"

struct log {
	unsigned depth, deepest;
};

static void observe(void *arg, const struct vsva_event *event)
{
	struct log *log = arg;

	log->depth -= vsva_event_is_end(event->kind);
	printf("%*s%s\n", (int)log->depth * 2, "", vsva_event_name(event->kind));
	log->depth += vsva_event_end(event->kind) != VSVA_EV_KIND_COUNT;
	log->deepest = log->depth > log->deepest ? log->depth : log->deepest;
}

int main(void)
{
	struct log log = {0};
	const struct vsva_machine_options options = {.observer = observe, .observer_arg = &log};
	struct vsva_container *container;
	struct vsva_machine *machine;
	struct vsva_iommu *iommu;

	EXPECT(vsva_machine_create(&options, &machine) == 0);
	iommu = vsva_machine_iommu(machine);
	EXPECT(vsva_container_open(iommu, NULL, &container) == 0);
	EXPECT(vsva_domain_unmap(vsva_container_domain(container), gpa(0), VSVA_PAGE_SIZE, NULL) ==
	       0);
	EXPECT(vsva_container_close(container) == 0);
	EXPECT(log.deepest > 0 && log.depth == 0); /* all that began has ended */
	EXPECT(vsva_event_is_end(VSVA_EV_UNBIND_DONE) && !vsva_event_is_end(VSVA_EV_UNBIND));
	vsva_machine_destroy(machine);
	return 0;
}
