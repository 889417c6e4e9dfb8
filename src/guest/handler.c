/* SPDX-License-Identifier: MIT */
/*
 * The guest's interrupt work: page requests are answered after the page was made present or
 * refused; fault records are read and cleared. It runs as a worker, like a kernel's threaded
 * handler.
 */
#include <errno.h>

#include "base/rcu.h"
#include "guest/guest.h"
#include "vtd/faults.h"

void handler_msi(void *arg, uint64_t address, uint32_t data)
{
	struct vsva_guest *guest = arg;

	(void)address;
	__atomic_fetch_or(&guest->events, data, __ATOMIC_ACQ_REL);
	rcu_read_lock();
	worker_kick(rcu_load(guest->handler));
	rcu_read_unlock();
}

void handler_stop(struct vsva_guest *guest)
{
	struct worker *handler = guest->handler;

	rcu_publish(guest->handler, NULL);
	rcu_synchronize();
	worker_destroy(handler);
}

/* Page requests */

static void respond(struct vsva_guest *guest, const struct vtd_page_request *request, unsigned code)
{
	struct vtd_desc descriptor = {{0}};

	descriptor = vtd_desc_of_type(VTD_DESC_PAGE_RESPONSE);
	vtd_desc_page_response_set_PP(&descriptor, vtd_page_request_PP(request));
	vtd_desc_page_response_set_RC(&descriptor, code);
	vtd_desc_page_response_set_RID(&descriptor, vtd_page_request_RID(request));
	vtd_desc_page_response_set_PASID(&descriptor, vtd_page_request_PASID(request));
	vtd_desc_page_response_set_PRGI(&descriptor, vtd_page_request_PRGI(request));
	queue_submit(guest, &descriptor);
}

static int resolve(struct vsva_guest *guest, const struct vtd_page_request *request)
{
	struct vsva_process *process = NULL;
	uint64_t address = vtd_page_request_ADDR(request);
	int err = -EFAULT;

	if (vtd_page_request_PMR(request) || !vtd_is_canonical(address, 48))
		return -EFAULT;
	lock_take(&guest->lock);
	if (vtd_page_request_PP(request))
		process = process_find(guest, gpasid((uint32_t)vtd_page_request_PASID(request)));
	if (process)
		err = process_fault_in(process, address, vtd_page_request_WRR(request));
	lock_drop(&guest->lock);
	return err;
}

static void handle_page_request(struct vsva_guest *guest, const struct vtd_page_request *request)
{
	int err;

	if (vtd_page_request_is_stop_marker(request))
		return;
	GUEST_COUNT(guest, page_requests);
	err = resolve(guest, request);
	if (err)
		GUEST_COUNT(guest, page_faults_refused);
	else
		GUEST_COUNT(guest, page_faults_resolved);
	TRACE(guest->seams->trace, GUEST, PAGE_FAULT_GUEST, .vm = vsva_vm_number(guest->vm),
	      .gpasid = gpasid((uint32_t)vtd_page_request_PASID(request)),
	      .addr = vtd_page_request_ADDR(request), .write = vtd_page_request_WRR(request),
	      .result = err);
	if (vtd_page_request_LPIG(request))
		respond(guest, request, err ? VTD_RESPONSE_INVALID : VTD_RESPONSE_SUCCESS);
}

#define PRQ_BYTES (UINT64_C(4096) << GUEST_PRQ_LG2)

/* Pending is cleared before head and tail are read, so that nothing is missed. */
static void handle_page_requests(struct vsva_guest *guest)
{
	uint64_t head, tail;

	driver_write(guest, VTD_REG_PRS, 4, VTD_PRS_PPR);
	tail = driver_read(guest, VTD_REG_PQT, 8) & (PRQ_BYTES - 1);
	head = driver_read(guest, VTD_REG_PQH, 8) & (PRQ_BYTES - 1);
	while (head != tail) {
		struct vtd_page_request request =
			*(struct vtd_page_request *)frame_memory(guest, gpa(guest->prq.v + head));

		handle_page_request(guest, &request);
		head = (head + sizeof(request)) & (PRQ_BYTES - 1);
	}
	driver_write(guest, VTD_REG_PQH, 8, tail);
	if (driver_read(guest, VTD_REG_PRS, 4) & VTD_PRS_PRO)
		driver_write(guest, VTD_REG_PRS, 4, VTD_PRS_PRO);
}

/* Faults */

static void handle_faults(struct vsva_guest *guest)
{
	uint64_t cap = driver_read(guest, VTD_REG_CAP, 8);
	uint64_t status = driver_read(guest, VTD_REG_FSTS, 4);
	unsigned index = (unsigned)vtd_FSTS_FRI(status), count = vtd_frcd_count(cap);

	for (unsigned i = 0; i < count; i++, index = (index + 1) % count) {
		uint32_t at = vtd_frcd_offset(cap, index);
		struct vtd_fault_record record = {
			{driver_read(guest, at, 8), driver_read(guest, at + 8, 8)}};

		if (!vtd_fault_record_F(&record))
			break;
		GUEST_COUNT(guest, faults);
		guest->stats.last_fault_reason = vtd_fault_record_FR(&record);
		guest->stats.last_fault_address = vtd_fault_record_FI(&record);
		guest->stats.last_fault_pasid = vtd_fault_record_PP(&record)
							? vtd_fault_record_PV(&record)
							: VSVA_PASID_INVALID;
		driver_write(guest, at + 12, 4, UINT32_C(1) << 31);
	}
	driver_write(guest, VTD_REG_FSTS, 4, VTD_FSTS_PFO);
}

static void handle_events(struct vsva_guest *guest)
{
	uint32_t events = __atomic_exchange_n(&guest->events, 0, __ATOMIC_ACQ_REL);

	if (events & GUEST_EVENT_FAULT)
		handle_faults(guest);
	if ((events & GUEST_EVENT_PAGE_REQUEST) && !guest->options.silent_handler)
		handle_page_requests(guest);
}

bool handler_run(void *arg)
{
	struct vsva_guest *guest = arg;

	__atomic_store_n(&guest->handling, true, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&guest->is_paused, __ATOMIC_SEQ_CST))
		handle_events(guest);
	__atomic_store_n(&guest->handling, false, __ATOMIC_SEQ_CST);
	vsva_machine_notify(guest->machine);
	return false;
}
