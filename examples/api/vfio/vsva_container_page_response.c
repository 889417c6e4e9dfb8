/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_page_response: the guest has made a page present that a device had asked for, and
 * answers; the device goes on.
 */
#include "../container.h"

static int keep(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	(void)dev;
	if (fault->type == VSVA_FAULT_PAGE_REQ)
		*(struct vsva_fault_page_request *)arg = fault->u.prm;
	return 0;
}

int main(void)
{
	const uint32_t command = ENGINE_DO_FILL | ENGINE_WITH_ATS | ENGINE_WITH_PAGE_REQUESTS;
	struct vsva_page_response response = {
		.argsz = sizeof(response), .version = 1, .flags = VSVA_PAGE_RESP_PASID_VALID};
	struct vsva_fault_page_request request = {0};
	struct owner owner;
	struct host *host = &owner.host;

	owner_open(&owner);
	EXPECT(vsva_container_set_fault_handler(owner.device, keep, NULL, &request) == 0);
	EXPECT(!engine_run(host->engine, command, owner_bind(&owner).v, HOST_ABSENT, 7));
	EXPECT(request.addr == HOST_ABSENT);

	host_set_page(host, HOST_ABSENT, HOST_PAGE);
	response.pasid = request.pasid;
	response.grpid = request.grpid;
	response.code = VSVA_PAGE_RESP_SUCCESS;
	EXPECT(vsva_container_page_response(owner.device, &response) == 0);
	vsva_machine_run_idle(host->machine, 1000);
	EXPECT(engine_status(host->engine) == ENGINE_DONE && *host_word(host, HOST_PAGE) == 7);
	printf("answered, and the device wrote to %#" PRIx64 "\n", request.addr);
	EXPECT(vsva_container_page_response(owner.device, &response) == -EINVAL);
	owner_close(&owner);
	return 0;
}
