/* SPDX-License-Identifier: MIT */
/*
 * vsva_event_end: which event ends what another began? So the time that a bind took is found in the
 * ring: the end names its beginning as its cause.
 */
#include "../host.h"

static uint64_t nanoseconds_of_bind(const struct vsva_record *records, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count && records[i].event.kind == VSVA_EV_BIND; k++)
			if (records[k].event.kind == vsva_event_end(VSVA_EV_BIND) &&
			    records[k].cause == records[i].id)
				return records[k].time_ns - records[i].time_ns + 1;
	return 0;
}

int main(void)
{
	struct vsva_trace_reader *reader;
	struct vsva_record records[256];
	uint64_t lost, nanoseconds;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_machine_trace_start(host.machine, 0) == 0);
	EXPECT(vsva_machine_trace_reader(host.machine, true, &reader) == 0);
	host_bind(&host);
	usleep(10); /* what is younger than a microsecond is told by a later call */
	nanoseconds = nanoseconds_of_bind(records, vsva_trace_read(reader, records, 256, &lost));
	EXPECT(nanoseconds > 0);
	printf("the bind took %" PRIu64 " ns\n", nanoseconds);

	EXPECT(vsva_event_end(VSVA_EV_BIND) == VSVA_EV_BIND_DONE);
	EXPECT(vsva_event_end(VSVA_EV_ACCESS) == VSVA_EV_KIND_COUNT); /* begins nothing */
	vsva_trace_reader_destroy(reader);
	host_destroy(&host);
	return 0;
}
