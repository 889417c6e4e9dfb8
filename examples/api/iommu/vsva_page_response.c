/* SPDX-License-Identifier: MIT */
/*
 * vsva_page_response: the answer to a page request, when the page is there, or when it never will be.
 * Each group gets one answer.
 */
#include "../host.h"

static int keep(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	(void)dev;
	if (fault->type == VSVA_FAULT_PAGE_REQ)
		*(struct vsva_fault_page_request *)arg = fault->u.prm;
	return 0; /* the answer comes later */
}

int main(void)
{
	const uint32_t command = ENGINE_DO_FILL | ENGINE_WITH_ATS | ENGINE_WITH_PAGE_REQUESTS;
	struct vsva_fault_page_request request = {0};
	struct vsva_page_response response = {
		.argsz = sizeof(response), .version = 1, .flags = VSVA_PAGE_RESP_PASID_VALID};
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_dev_register_fault_handler(host.dev, keep, NULL, &request) == 0);
	id = host_bind(&host);
	EXPECT(!engine_run(host.engine, command, id.v, HOST_ABSENT, 7));
	EXPECT(request.addr == HOST_ABSENT && engine_status(host.engine) == ENGINE_BUSY);

	response.pasid = request.pasid;
	response.grpid = request.grpid;
	response.code = VSVA_PAGE_RESP_INVALID; /* no such page */
	EXPECT(vsva_page_response(host.dev, &response) == 0);
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(engine_status(host.engine) == ENGINE_FAULT);
	printf("the device heard that there is no page at %#" PRIx64 "\n", request.addr);
	EXPECT(vsva_page_response(host.dev, &response) == -EINVAL); /* it has its answer */
	host_destroy(&host);
	return 0;
}
