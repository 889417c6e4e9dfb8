/* SPDX-License-Identifier: MIT */
/*
 * vsva_trace_reader_destroy: a reader goes; the ring and other readers stay as they are.
 */
#include "../host.h"

int main(void)
{
	struct vsva_trace_reader *one, *other;
	struct vsva_memory_stats with, without;
	struct vsva_record record;
	struct host host;
	uint64_t lost;

	host_create(&host);
	EXPECT(vsva_machine_trace_start(host.machine, 0) == 0);
	EXPECT(vsva_machine_trace_reader(host.machine, true, &one) == 0);
	EXPECT(vsva_machine_trace_reader(host.machine, true, &other) == 0);
	vsva_machine_memory(host.machine, &with);
	vsva_trace_reader_destroy(one);
	vsva_machine_memory(host.machine, &without);
	EXPECT(without.records < with.records);

	host_alloc(&host);
	usleep(10);
	EXPECT(vsva_trace_read(other, &record, 1, &lost) == 1);
	printf("the other one reads on: %s\n", vsva_event_name(record.event.kind));
	vsva_trace_reader_destroy(other);
	vsva_trace_reader_destroy(NULL);
	host_destroy(&host);
	return 0;
}
