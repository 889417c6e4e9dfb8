// SPDX-License-Identifier: MIT
#include "hw/device/endpoint.h"

#include <errno.h>
#include <string.h>

#include "hw/device/device_tlb.h"
#include "vtd/descriptors.h"

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

int endpoint_init(struct endpoint *endpoint, struct unit *unit, rid_t rid,
		  struct pci_config *config, struct physmem *physmem,
		  const struct endpoint_ops *ops, const struct trace *trace)
{
	*endpoint = (struct endpoint){
		.unit = unit,
		.rid = rid,
		.pf_rid = rid,
		.ops = ops,
		.trace = trace,
		.physmem = physmem,
		.config = config,
		.pf_config = config,
		.tlb = device_tlb_create(),
	};
	if (!endpoint->tlb)
		return -ENOMEM;
	/* A leaf: nothing is taken under it, and devices take it with their own lock held. */
	lock_init(&endpoint->lock, LOCK_RANK_LEAF, "endpoint groups");
	return 0;
}

void endpoint_fini(struct endpoint *endpoint)
{
	lock_destroy(&endpoint->lock);
	device_tlb_destroy(endpoint->tlb);
}

void endpoint_set_pf(struct endpoint *endpoint, rid_t pf_rid, struct pci_config *pf_config)
{
	endpoint->pf_rid = pf_rid;
	endpoint->pf_config = pf_config;
}

static inline bool is_gone(const struct endpoint *endpoint)
{
	return __atomic_load_n(&endpoint->gone, __ATOMIC_ACQUIRE);
}

/* Translation */

static inline struct unit_request request_of(const struct endpoint *endpoint,
					     const struct dma_context *context, uint64_t addr,
					     enum unit_access access)
{
	bool has_pasid = context->pasid != VSVA_PASID_INVALID;

	/* PCIe 6.20.2.3: privileged mode is asked for with a PASID, and only if that is switched on
	 */
	return (struct unit_request){
		.rid = endpoint->rid,
		.pasid = context->pasid,
		.addr = addr,
		.access = access,
		.privileged = has_pasid && context->privileged &&
			      pci_config_pasid_privileged(endpoint->pf_config),
	};
}

static inline enum dma_result translate_untranslated(struct endpoint *endpoint,
						     const struct unit_request *request,
						     struct device_tlb_entry *out)
{
	struct unit_translation t;

	unit_translate(endpoint->unit, request, &t);
	/* A write to 0xFEExxxxx is a message, and this function's messages go another way (MSI-X).
	 */
	if (t.response != VTD_RESP_NONE || t.interrupt)
		return DMA_ERROR;
	*out = (struct device_tlb_entry){.hpa = t.hpa, .page_lg2 = t.page_lg2, .rights = t.rights};
	return DMA_OK;
}

static enum dma_result translate_by_ats(struct endpoint *endpoint,
					const struct unit_request *request,
					const struct device_tlb_tag *tag, uint64_t generation,
					struct device_tlb_entry *out)
{
	uint8_t needed = (uint8_t)request->access;
	struct unit_translation t;

	count(&endpoint->counters.translations);
	unit_ats_translate(endpoint->unit, request, &t);
	if (t.response == VTD_RESP_S0)
		return DMA_FAULT;
	if (t.response != VTD_RESP_NONE && t.response != VTD_RESP_SE)
		return DMA_ERROR;
	/* PCIe 10.2.3.2, U bit: only untranslated requests may go there */
	if (t.interrupt)
		return translate_untranslated(endpoint, request, out);
	*out = (struct device_tlb_entry){.hpa = t.hpa, .page_lg2 = t.page_lg2, .rights = t.rights};
	if (t.rights)
		device_tlb_insert(endpoint->tlb, tag, out, generation);
	return (t.rights & needed) == needed ? DMA_OK : DMA_FAULT;
}

static enum dma_result translate_cached(struct endpoint *endpoint,
					const struct unit_request *request,
					struct device_tlb_entry *out)
{
	struct device_tlb_tag tag = {
		.pasid = request->pasid,
		.privileged = request->privileged,
		.addr = request->addr,
	};
	uint64_t generation = device_tlb_generation(endpoint->tlb);

	/* After the generation: a fill that began before ATS went off is dropped by the flush. */
	if (!pci_config_ats_enabled(endpoint->config))
		return translate_untranslated(endpoint, request, out);
	if (!device_tlb_lookup(endpoint->tlb, &tag, (uint8_t)request->access, out))
		return translate_by_ats(endpoint, request, &tag, generation, out);
	return unit_ats_allows_translated(endpoint->unit,
					  &(struct unit_request){
						  .rid = request->rid,
						  .pasid = request->pasid,
						  .addr = out->hpa.v,
						  .access = request->access,
					  })
		       ? DMA_OK
		       : DMA_ERROR;
}

/* May the function put such a request on the bus at all? */
static inline bool may_request(const struct endpoint *endpoint, const struct dma_context *context)
{
	if (is_gone(endpoint) || !pci_config_bus_master(endpoint->config))
		return false;
	return context->pasid == VSVA_PASID_INVALID ||
	       pci_config_pasid_enabled(endpoint->pf_config);
}

static inline size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Bytes from addr to the end of its page, or more than anybody wants. */
static inline size_t rest_of_page(uint64_t addr, unsigned page_lg2)
{
	uint64_t page;

	if (page_lg2 >= 40)
		return SIZE_MAX;
	page = UINT64_C(1) << page_lg2;
	return page - (addr & (page - 1));
}

/* Two regions of memory may meet inside one large page: then only up to the end of the small page.
 */
static __attribute__((noinline)) void *pointer_in_page(struct endpoint *endpoint, uint64_t addr,
						       hpa_t to, size_t *len, bool write)
{
	*len = least(*len, rest_of_page(addr, 12));
	return physmem_ptr(endpoint->physmem, to, *len, write);
}

static inline void *pointer_of(struct endpoint *endpoint, uint64_t addr, hpa_t to, size_t *len,
			       bool write)
{
	void *pointer = physmem_ptr(endpoint->physmem, to, *len, write);

	return pointer ? pointer : pointer_in_page(endpoint, addr, to, len, write);
}

/* The next page's translation, where it costs a look-up and tells nobody. */
static bool find_next(struct endpoint *endpoint, bool use_ats, const struct unit_request *request,
		      struct device_tlb_entry *out)
{
	struct device_tlb_tag tag = {
		.pasid = request->pasid, .privileged = request->privileged, .addr = request->addr};
	struct unit_translation t;

	if (use_ats && pci_config_ats_enabled(endpoint->config))
		return device_tlb_lookup(endpoint->tlb, &tag, (uint8_t)request->access, out);
	if (!unit_translate_cached(endpoint->unit, request, &t))
		return false;
	*out = (struct device_tlb_entry){.hpa = t.hpa, .page_lg2 = t.page_lg2, .rights = t.rights};
	return true;
}

static inline void tell_access(const struct endpoint *endpoint, const struct unit_request *request,
			       hpa_t to, size_t len)
{
	trace_access(endpoint->trace, endpoint->rid, hpasid(request->pasid),
		     (request->access & UNIT_WRITE) != 0, request->addr, to, len);
}

/* Pages that follow each other in host memory, too, are one window: a long copy is faster than many
 * short ones. */
static __attribute__((noinline)) void window_extend(struct endpoint *endpoint, bool use_ats,
						    struct unit_request request, size_t want,
						    struct dma_window *window)
{
	uint64_t first = request.addr;
	struct device_tlb_entry next;

	while (window->len < want) {
		hpa_t end = hpa(window->hpa.v + window->len);
		size_t more;

		request.addr = first + window->len;
		if (!find_next(endpoint, use_ats, &request, &next) || next.hpa.v != end.v)
			return;
		more = least(want - window->len, rest_of_page(request.addr, next.page_lg2));
		if (physmem_ptr(endpoint->physmem, end, more, request.access & UNIT_WRITE) !=
		    (char *)window->pointer + window->len)
			return;
		window->len += more;
		tell_access(endpoint, &request, end, more);
	}
}

enum dma_result endpoint_window(struct endpoint *endpoint, const struct dma_context *context,
				uint64_t addr, size_t want, enum unit_access access,
				struct dma_window *out)
{
	struct unit_request request = request_of(endpoint, context, addr, access);
	struct device_tlb_entry entry;
	enum dma_result result;

	DEBUG_CHECK(rcu_is_reading());
	if (!may_request(endpoint, context))
		return DMA_ERROR;
	result = context->use_ats ? translate_cached(endpoint, &request, &entry)
				  : translate_untranslated(endpoint, &request, &entry);
	if (result != DMA_OK)
		return result;
	want = least(want, ENDPOINT_WINDOW_MAX);
	out->hpa = entry.hpa;
	out->len = least(want, rest_of_page(addr, entry.page_lg2));
	out->pointer = pointer_of(endpoint, addr, entry.hpa, &out->len, access & UNIT_WRITE);
	if (!out->pointer)
		return DMA_ERROR;
	tell_access(endpoint, &request, out->hpa, out->len);
	if (out->len < want)
		window_extend(endpoint, context->use_ats, request, want, out);
	return DMA_OK;
}

/* Copying */

/* Exactly one of to and from is given. */
static enum dma_result copy(struct endpoint *endpoint, const struct dma_context *context,
			    uint64_t addr, unsigned char *to, const unsigned char *from, size_t len,
			    size_t *done)
{
	enum unit_access access = to ? UNIT_READ : UNIT_WRITE;
	enum dma_result result = DMA_OK;
	bool inside = rcu_is_reading();
	struct dma_window window;
	size_t since = 0;

	if (!inside)
		rcu_read_lock();
	for (*done = 0; *done < len; *done += window.len) {
		result = endpoint_window(endpoint, context, addr + *done, len - *done, access,
					 &window);
		if (result != DMA_OK)
			break;
		if (to)
			memcpy(to + *done, window.pointer, window.len);
		else
			memcpy(window.pointer, from + *done, window.len);
		/* An invalidation waits for so much, not for the whole copy. */
		since += window.len;
		if (since < ENDPOINT_WINDOW_MAX)
			continue;
		rcu_quiescent();
		since = 0;
	}
	if (!inside)
		rcu_read_unlock();
	return result;
}

enum dma_result endpoint_read(struct endpoint *endpoint, const struct dma_context *context,
			      uint64_t addr, void *buffer, size_t len, size_t *done)
{
	return copy(endpoint, context, addr, buffer, NULL, len, done);
}

enum dma_result endpoint_write(struct endpoint *endpoint, const struct dma_context *context,
			       uint64_t addr, const void *buffer, size_t len, size_t *done)
{
	return copy(endpoint, context, addr, NULL, buffer, len, done);
}

/* Page requests */

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
	struct unit_request r = request_of(endpoint, context, addr, access);
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

	if (!may_request(endpoint, context) || !pci_config_pri_enabled(endpoint->pf_config) ||
	    !pci_config_pri_allocation(endpoint->pf_config))
		return -EOPNOTSUPP;
	prgi = open_group(endpoint, &group);
	if (prgi < 0)
		return prgi;
	message.prgi = (uint16_t)prgi;
	TRACE(endpoint->trace, DEVICE, PAGE_REQUEST, .rid = r.rid, .hpasid = hpasid(r.pasid),
	      .addr = message.addr, .value = message.prgi, .write = message.write);
	count(&endpoint->counters.page_requests);
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

	if (!is_gone(endpoint) && pci_config_pri_enabled(endpoint->pf_config))
		unit_page_request(endpoint->unit, &marker);
}

static void forget_groups(struct endpoint *endpoint)
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

	if (is_gone(endpoint) || !close_group(endpoint, pasid, prgi, &group))
		return;
	count(&endpoint->counters.page_responses);
	if (code != VTD_RESPONSE_SUCCESS && code != VTD_RESPONSE_INVALID)
		pci_config_pri_response_failure(endpoint->pf_config);
	if (group.tagged && endpoint->ops->page_answer)
		endpoint->ops->page_answer(endpoint, group.tag, code);
	else if (endpoint->ops->page_response)
		endpoint->ops->page_response(endpoint, prgi, code);
}

/* Life */

unsigned endpoint_config_write(struct endpoint *endpoint, uint32_t offset, unsigned size,
			       uint32_t value)
{
	unsigned effects = pci_config_write(endpoint->config, offset, size, value);

	if ((effects & PCI_CONFIG_ATS) && !pci_config_ats_enabled(endpoint->config))
		device_tlb_flush(endpoint->tlb);
	if (effects & PCI_CONFIG_PRI_RESET)
		forget_groups(endpoint);
	return effects;
}

void endpoint_reset(struct endpoint *endpoint)
{
	forget_groups(endpoint);
	device_tlb_flush(endpoint->tlb);
}

void endpoint_set_gone(struct endpoint *endpoint, bool gone)
{
	__atomic_store_n(&endpoint->gone, gone, __ATOMIC_RELEASE);
	if (gone)
		endpoint_reset(endpoint);
}

int endpoint_invalidate(struct endpoint *endpoint, const struct ats_invalidation *invalidation)
{
	if (is_gone(endpoint))
		return -ETIMEDOUT;
	count(&endpoint->counters.invalidations);
	device_tlb_invalidate(endpoint->tlb, invalidation);
	return 0;
}
