/* SPDX-License-Identifier: MIT */
/*
 * vsva_dev_register_fault_handler: whoever owns a guest hears what its devices ask for and what is
 * refused them: here a page that is absent, which the handler makes present.
 */
#include "../host.h"

static int on_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	const struct vsva_fault_page_request *request = &fault->u.prm;
	struct vsva_page_response response = {
		.argsz = sizeof(response), .version = 1, .flags = VSVA_PAGE_RESP_PASID_VALID};

	if (fault->type != VSVA_FAULT_PAGE_REQ)
		return 0;
	printf("PASID %" PRIu32 " wants %#" PRIx64 "\n", request->pasid, request->addr);
	host_set_page(arg, request->addr, HOST_PAGE);
	response.pasid = request->pasid;
	response.grpid = request->grpid;
	response.code = VSVA_PAGE_RESP_SUCCESS;
	EXPECT(vsva_page_response(dev, &response) == 0);
	return 0;
}

int main(void)
{
	const uint32_t command = ENGINE_DO_FILL | ENGINE_WITH_ATS | ENGINE_WITH_PAGE_REQUESTS;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_dev_register_fault_handler(host.dev, on_fault, NULL, &host) == 0);
	EXPECT(vsva_dev_register_fault_handler(host.dev, on_fault, NULL, &host) == -EBUSY);
	id = host_bind(&host);
	EXPECT(engine_run(host.engine, command, id.v, HOST_ABSENT, 7));
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	host_destroy(&host);
	return 0;
}
