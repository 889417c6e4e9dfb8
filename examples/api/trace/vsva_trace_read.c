/* SPDX-License-Identifier: MIT */
/*
 * vsva_trace_read: the events of a machine, in the order of time, as many as there is room for; what
 * was overwritten before it was read is counted.
 */
#include "../host.h"

int main(void)
{
	struct vsva_trace_reader *reader;
	struct vsva_record records[4];
	uint64_t lost, last_ns = 0;
	unsigned accesses = 0;
	struct host host;
	size_t count;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_machine_trace_start(host.machine, 0) == 0);
	EXPECT(vsva_machine_trace_reader(host.machine, true, &reader) == 0);
	EXPECT(engine_write(host.engine, host_bind(&host).v, HOST_GVA, 7));
	usleep(10); /* what is younger than a microsecond is told by a later call */
	while ((count = vsva_trace_read(reader, records, 4, &lost)) > 0) {
		EXPECT(lost == 0);
		for (size_t i = 0; i < count; i++) {
			const struct vsva_event *event = &records[i].event;

			printf("%-7s %s\n", vsva_room_name(event->room),
			       vsva_event_name(event->kind));
			EXPECT(records[i].time_ns >= last_ns);
			last_ns = records[i].time_ns;
			accesses += event->kind == VSVA_EV_ACCESS && event->addr == HOST_GVA;
		}
	}
	EXPECT(accesses == 1);
	vsva_trace_reader_destroy(reader);
	host_destroy(&host);
	return 0;
}
