// SPDX-License-Identifier: MIT
/* Page requests of an endpoint, each a group of its own, and their answers. */
#include <errno.h>

#include "hw/device/endpoint_impl.h"
#include "vtd/descriptors.h"

/* A free group in turn; where there is none, one whose answer a reset has made pointless: an answer
 * that never came must not cost a group for ever. -1: all are pending. Under the lock. */
static int choose_group(const struct endpoint *endpoint)
{
	int stale = -1;

	for (unsigned i = 0; i < ENDPOINT_GROUPS; i++) {
		unsigned prgi = (endpoint->next_group + i) % ENDPOINT_GROUPS;

		if (endpoint->groups[prgi].state == ENDPOINT_GROUP_FREE)
			return (int)prgi;
		if (endpoint->groups[prgi].state == ENDPOINT_GROUP_STALE && stale < 0)
			stale = (int)prgi;
	}
	return stale;
}

/* Busy is what the PRI status tells software. A virtual function has no such status of its own, and
 * its physical function's speaks of the physical function. */
static void say_busy(struct endpoint *endpoint)
{
	if (endpoint->config == endpoint->pf_config)
		pci_config_pri_set_busy(endpoint->config, endpoint->outstanding > 0);
}

static int open_group(struct endpoint *endpoint, const struct endpoint_group *group)
{
	int prgi = -EBUSY;

	lock_take(&endpoint->lock);
	if (endpoint->outstanding < pci_config_pri_allocation(endpoint->pf_config))
		prgi = choose_group(endpoint);
	if (prgi >= 0) {
		endpoint->groups[prgi] = *group;
		endpoint->next_group = (uint16_t)((prgi + 1) % (int)ENDPOINT_GROUPS);
		endpoint->outstanding++;
		say_busy(endpoint);
	}
	lock_drop(&endpoint->lock);
	return prgi < 0 ? -EBUSY : prgi;
}

static int page_request(struct endpoint *endpoint, const struct dma_context *context, uint64_t addr,
			enum unit_access access, struct endpoint_group group)
{
	struct unit_request r = endpoint_request_of_(endpoint, context, addr, access);
	struct unit_page_request message = {
		.rid = r.rid,
		.pasid = r.pasid,
		.addr = addr & ~(uint64_t)(VSVA_PAGE_SIZE - 1),
		.read = access & UNIT_READ,
		.write = access & UNIT_WRITE,
		.privileged = r.privileged,
		.last = true,
	};
	int prgi;

	if (!endpoint_may_request_(endpoint, context, pci_config_enables(endpoint->config)) ||
	    !pci_config_pri_enabled(endpoint->pf_config) ||
	    !pci_config_pri_allocation(endpoint->pf_config))
		return -EOPNOTSUPP;
	prgi = open_group(endpoint, &group);
	if (prgi < 0)
		return prgi;
	message.prgi = (uint16_t)prgi;
	TRACE(endpoint->trace, DEVICE, PAGE_REQUEST, .rid = r.rid, .hpasid = hpasid(r.pasid),
	      .addr = message.addr, .value = message.prgi, .write = message.write);
	endpoint_count_(&endpoint->counters.page_requests);
	unit_page_request(endpoint->unit, &message);
	return prgi;
}

int endpoint_page_request(struct endpoint *endpoint, const struct dma_context *context,
			  uint64_t addr, enum unit_access access)
{
	return page_request(endpoint, context, addr, access,
			    (struct endpoint_group){
				    .state = ENDPOINT_GROUP_PENDING,
				    .pasid = context->pasid,
			    });
}

int endpoint_page_request_tagged(struct endpoint *endpoint, const struct dma_context *context,
				 uint64_t addr, enum unit_access access, uint64_t tag)
{
	return page_request(endpoint, context, addr, access,
			    (struct endpoint_group){
				    .state = ENDPOINT_GROUP_PENDING,
				    .tagged = true,
				    .pasid = context->pasid,
				    .tag = tag,
			    });
}

void endpoint_stop_marker(struct endpoint *endpoint, uint32_t pasid)
{
	struct unit_page_request marker = {.rid = endpoint->rid, .pasid = pasid, .last = true};

	if (!endpoint_is_gone_(endpoint) && pci_config_pri_enabled(endpoint->pf_config))
		unit_page_request(endpoint->unit, &marker);
}

void endpoint_forget_groups_(struct endpoint *endpoint)
{
	lock_take(&endpoint->lock);
	for (unsigned i = 0; i < ENDPOINT_GROUPS; i++)
		if (endpoint->groups[i].state == ENDPOINT_GROUP_PENDING)
			endpoint->groups[i].state = ENDPOINT_GROUP_STALE;
	endpoint->outstanding = 0;
	say_busy(endpoint);
	lock_drop(&endpoint->lock);
}

/* Closes the group. false: nobody waits for this answer. */
static bool close_group(struct endpoint *endpoint, uint32_t pasid, uint16_t prgi,
			struct endpoint_group *group)
{
	bool expected = false, stale = false;

	lock_take(&endpoint->lock);
	if (prgi < ENDPOINT_GROUPS) {
		*group = endpoint->groups[prgi];
		expected = group->state == ENDPOINT_GROUP_PENDING && group->pasid == pasid;
		stale = group->state == ENDPOINT_GROUP_STALE;
		if (expected || stale)
			endpoint->groups[prgi].state = ENDPOINT_GROUP_FREE;
	}
	if (expected) {
		endpoint->outstanding--;
		say_busy(endpoint);
	}
	lock_drop(&endpoint->lock);
	if (!expected && !stale)
		pci_config_pri_unexpected_group(endpoint->pf_config);
	return expected;
}

void endpoint_page_response(struct endpoint *endpoint, uint32_t pasid, uint16_t prgi, unsigned code)
{
	struct endpoint_group group;

	if (endpoint_is_gone_(endpoint) || !close_group(endpoint, pasid, prgi, &group))
		return;
	endpoint_count_(&endpoint->counters.page_responses);
	if (code != VTD_RESPONSE_SUCCESS && code != VTD_RESPONSE_INVALID)
		pci_config_pri_response_failure(endpoint->pf_config);
	if (group.tagged && endpoint->ops->page_answer)
		endpoint->ops->page_answer(endpoint, group.tag, code);
	else if (endpoint->ops->page_response)
		endpoint->ops->page_response(endpoint, prgi, code);
}
