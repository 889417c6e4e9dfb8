/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_trace_stop: what happens afterwards is not recorded; what was recorded can be read.
 */
#include "../host.h"

int main(void)
{
	struct vsva_trace_reader *reader;
	struct vsva_record records[64];
	uint64_t lost, serial = 0;
	struct host host;
	size_t count;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_machine_trace_start(host.machine, 0) == 0);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));
	vsva_machine_trace_stop(host.machine);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE + 64, 8));

	EXPECT(vsva_machine_trace_reader(host.machine, true, &reader) == 0);
	usleep(10);
	count = vsva_trace_read(reader, records, 64, &lost);
	for (size_t i = 0; i < count; i++)
		if (records[i].event.kind == VSVA_EV_ACCESS) {
			printf("access to %#" PRIx64 "\n", records[i].event.addr);
			EXPECT(records[i].event.addr == HOST_PAGE);
			serial++;
		}
	EXPECT(serial == 1);
	vsva_trace_reader_destroy(reader);
	host_destroy(&host);
	return 0;
}
