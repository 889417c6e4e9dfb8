/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_trace_start: from now on the machine's ring keeps what happens, the last 4,096 events
 * of each thread (0) or as many as wanted.
 */
#include "../host.h"

int main(void)
{
	struct vsva_trace_reader *reader;
	struct vsva_record record;
	bool has_access = false;
	struct host host;
	uint64_t lost;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_machine_trace_start(host.machine, 0) == 0);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));
	vsva_machine_trace_stop(host.machine);

	EXPECT(vsva_machine_trace_reader(host.machine, true, &reader) == 0);
	usleep(10); /* what is younger than a microsecond is told by a later call */
	while (vsva_trace_read(reader, &record, 1, &lost) == 1) {
		printf("%s\n", vsva_event_name(record.event.kind));
		has_access |= record.event.kind == VSVA_EV_ACCESS;
	}
	EXPECT(has_access);
	vsva_trace_reader_destroy(reader);
	EXPECT(vsva_machine_trace_start(host.machine, 1u << 21) == -EINVAL); /* more than 2^20 */
	host_destroy(&host);
	return 0;
}
