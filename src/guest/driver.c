/* SPDX-License-Identifier: MIT */
/* The guest's VT-d driver: registers and bring-up, in the order that VT-d chapter 11 asks for. */
#include <errno.h>
#include <string.h>

#include "guest/guest.h"
#include "vtd/registers.h"

uint64_t driver_read(struct vsva_guest *guest, uint32_t offset, unsigned size)
{
	uint64_t value = UINT64_MAX;

	vsva_viommu_read(guest->vm, offset, size, &value);
	return value;
}

void driver_write(struct vsva_guest *guest, uint32_t offset, unsigned size, uint64_t value)
{
	vsva_viommu_write(guest->vm, offset, size, value);
}

struct status_wait {
	struct vsva_guest *guest;
	uint32_t offset;
	uint64_t mask, value;
};

static bool status_is(void *arg)
{
	struct status_wait *wait = arg;

	return (driver_read(wait->guest, wait->offset, 4) & wait->mask) == wait->value;
}

static int wait_for(struct vsva_guest *guest, uint32_t offset, uint64_t mask, uint64_t value)
{
	struct status_wait wait = {.guest = guest, .offset = offset, .mask = mask, .value = value};

	return vsva_machine_wait(guest->machine, status_is, &wait, GUEST_TIMEOUT_MS) ? 0
										     : -ETIMEDOUT;
}

/* One-shot bits are not part of the state that a later command repeats. VT-d 11.4.4.1 */
#define GSTS_LEVELS (VTD_GSTS_TES | VTD_GSTS_QIES | VTD_GSTS_IRES)

int driver_command(struct vsva_guest *guest, uint32_t command, uint32_t status, bool set)
{
	uint64_t levels = driver_read(guest, VTD_REG_GSTS, 4) & GSTS_LEVELS;

	driver_write(guest, VTD_REG_GCMD, 4, set ? levels | command : levels & ~(uint64_t)command);
	return wait_for(guest, VTD_REG_GSTS, status, set ? status : 0);
}

/* Messages: any address and data that the guest knows again. */
#define MESSAGE_ADDRESS 0xfee00000u

static void enable_message(struct vsva_guest *guest, uint32_t control, uint32_t data)
{
	driver_write(guest, control + 4, 4, data);            /* data */
	driver_write(guest, control + 8, 4, MESSAGE_ADDRESS); /* address */
	driver_write(guest, control + 12, 4, 0);              /* upper address */
	driver_write(guest, control, 4, 0);                   /* unmask */
}

static int alloc_structures(struct vsva_guest *guest)
{
	int err;

	lock_take(&guest->lock);
	err = frame_alloc(guest, 0, &guest->root_table);
	if (!err)
		err = frame_alloc(guest, GUEST_QUEUE_LG2, &guest->queue);
	if (!err)
		err = frame_alloc(guest, GUEST_PRQ_LG2, &guest->prq);
	if (!err)
		err = frame_alloc(guest, 0, &guest->status);
	lock_drop(&guest->lock);
	return err;
}

static int enable_queue(struct vsva_guest *guest)
{
	uint64_t iqa = 0;

	iqa = vtd_IQA_with_QS(iqa, GUEST_QUEUE_LG2);
	iqa = vtd_IQA_with_DW(iqa, 1);
	iqa = vtd_IQA_with_IQA(iqa, guest->queue.v);
	driver_write(guest, VTD_REG_IQT, 8, 0);
	driver_write(guest, VTD_REG_IQA, 8, iqa);
	guest->queue_tail = guest->queue_head = 0;
	return driver_command(guest, (uint32_t)VTD_GCMD_QIE, (uint32_t)VTD_GSTS_QIES, true);
}

static void enable_page_requests(struct vsva_guest *guest)
{
	uint64_t pqa = 0;

	pqa = vtd_PQA_with_PQS(pqa, GUEST_PRQ_LG2);
	pqa = vtd_PQA_with_PQA(pqa, guest->prq.v);
	driver_write(guest, VTD_REG_PQH, 8, 0);
	driver_write(guest, VTD_REG_PQT, 8, 0);
	driver_write(guest, VTD_REG_PQA, 8, pqa);
	enable_message(guest, VTD_REG_PECTL, GUEST_EVENT_PAGE_REQUEST);
}

int driver_set_root(struct vsva_guest *guest)
{
	uint64_t rtaddr = 0;

	rtaddr = vtd_RTADDR_with_TTM(rtaddr, VTD_TTM_SCALABLE);
	rtaddr = vtd_RTADDR_with_RTA(rtaddr, guest->root_table.v);
	driver_write(guest, VTD_REG_RTADDR, 8, rtaddr);
	return driver_command(guest, (uint32_t)VTD_GCMD_SRTP, (uint32_t)VTD_GSTS_RTPS, true);
}

int driver_boot(struct vsva_guest *guest)
{
	int err = alloc_structures(guest);

	if (err)
		return err;
	enable_message(guest, VTD_REG_FECTL, GUEST_EVENT_FAULT);
	err = enable_queue(guest);
	if (err)
		return err;
	if (!guest->options.no_page_requests)
		enable_page_requests(guest);
	err = driver_set_root(guest);
	if (err)
		return err;
	return driver_command(guest, (uint32_t)VTD_GCMD_TE, (uint32_t)VTD_GSTS_TES, true);
}

/* Virtual command: VT-d 11.4.14 to 11.4.16 */

static int vcmd(struct vsva_guest *guest, uint64_t command, uint64_t *result)
{
	uint64_t response;

	if (!vtd_ECAP_VCS(driver_read(guest, VTD_REG_ECAP, 8)))
		return -ENODEV;
	driver_write(guest, VTD_REG_VCMD, 8, command);
	if (wait_for(guest, VTD_REG_VCRSP, VTD_VCRSP_IP, 0))
		return -ETIMEDOUT;
	response = driver_read(guest, VTD_REG_VCRSP, 8);
	if (vtd_VCRSP_SC(response) == VTD_VCMD_NO_PASID)
		return -ENOSPC;
	if (vtd_VCRSP_SC(response))
		return -ENODEV;
	*result = vtd_VCRSP_RSLT(response);
	return 0;
}

int vcmd_alloc(struct vsva_guest *guest, gpasid_t *out)
{
	uint64_t result = 0;
	int err = vcmd(guest, vtd_VCMD_with_CMD(0, VTD_VCMD_ALLOC_PASID), &result);

	*out = gpasid((uint32_t)result & VSVA_PASID_MAX);
	return err;
}

int vcmd_free(struct vsva_guest *guest, gpasid_t pasid)
{
	uint64_t command = vtd_VCMD_with_CMD(0, VTD_VCMD_FREE_PASID), result;

	return vcmd(guest, vtd_VCMD_with_OA(command, pasid.v), &result);
}
