/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_trace_reader: one reader wants what is in the ring already, another only what comes;
 * each of them sees every event.
 */
#include "../host.h"

static size_t count_accesses(struct vsva_trace_reader *reader)
{
	struct vsva_record record;
	size_t count = 0;
	uint64_t lost;

	while (vsva_trace_read(reader, &record, 1, &lost) == 1)
		count += record.event.kind == VSVA_EV_ACCESS;
	return count;
}

int main(void)
{
	struct vsva_trace_reader *all, *fresh;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_machine_trace_reader(host.machine, true, &all) == -ENOENT); /* never started */
	EXPECT(vsva_machine_trace_start(host.machine, 0) == 0);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));
	usleep(10);
	EXPECT(vsva_machine_trace_reader(host.machine, true, &all) == 0);
	EXPECT(vsva_machine_trace_reader(host.machine, false, &fresh) == 0);
	EXPECT(count_accesses(all) == 1 && count_accesses(fresh) == 0);

	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE + 64, 8));
	usleep(10);
	EXPECT(count_accesses(all) == 1 && count_accesses(fresh) == 1);
	printf("both readers saw the second access, one of them the first\n");
	vsva_trace_reader_destroy(all); /* before the machine */
	vsva_trace_reader_destroy(fresh);
	host_destroy(&host);
	return 0;
}
