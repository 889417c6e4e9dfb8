// SPDX-License-Identifier: MIT
#include "hw/device/endpoint.h"

#include <errno.h>
#include <string.h>

#include "base/trace_often.h"
#include "hw/device/device_tlb.h"
#include "hw/device/endpoint_impl.h"
#include "vtd/tables.h"

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

/* Translation */

/* enables: of the function, PCI_CONFIG_ON_* */
static inline bool uses_ats(const struct dma_context *context, uint32_t enables)
{
	return context->use_ats && (enables & PCI_CONFIG_ON_ATS);
}

static inline struct device_tlb_tag tag_of(const struct endpoint *endpoint,
					   const struct dma_context *context, uint64_t addr)
{
	return (struct device_tlb_tag){.pasid = context->pasid,
				       .privileged = endpoint_is_privileged_(endpoint, context),
				       .addr = addr};
}

/* What a look-up knows that tells nobody and records nothing: in the device TLB, or in the IOTLB. */
static inline __attribute__((always_inline)) struct device_tlb_entry
find_known(const struct endpoint *endpoint, const struct dma_context *context, bool by_ats,
	   uint64_t addr, enum unit_access access)
{
	struct unit_grant grant = {.page_lg2 = 0};

	if (by_ats)
		return device_tlb_lookup(endpoint->tlb, tag_of(endpoint, context, addr),
					 (uint8_t)access);
	if (!endpoint_is_privileged_(endpoint, context))
		grant = unit_find_cached(endpoint->unit, endpoint->rid, context->pasid, addr,
					 access);
	return (struct device_tlb_entry){grant.hpa, grant.page_lg2, grant.rights};
}

/* A write to 0xFEExxxxx is a message, and this function's messages go another way (MSI-X). */
static enum dma_result served(const struct unit_translation *t, struct device_tlb_entry *out)
{
	if (t->response != VTD_RESP_NONE || t->interrupt)
		return DMA_ERROR;
	*out = (struct device_tlb_entry){t->hpa, t->page_lg2, t->rights};
	return DMA_OK;
}

static enum dma_result translate_untranslated(struct endpoint *endpoint,
					      const struct unit_request *request,
					      struct device_tlb_entry *out)
{
	struct unit_translation t;

	unit_translate(endpoint->unit, request, &t);
	return served(&t, out);
}

static enum dma_result translate_by_ats(struct endpoint *endpoint,
					const struct dma_context *context,
					const struct unit_request *request,
					struct device_tlb_entry *out)
{
	struct device_tlb_tag tag = tag_of(endpoint, context, request->addr);
	uint64_t generation = device_tlb_generation(endpoint->tlb);
	uint8_t needed = (uint8_t)request->access;
	struct unit_translation t;

	/* After the generation: a fill that began before ATS went off is dropped by the flush. */
	if (!pci_config_ats_enabled(endpoint->config))
		return translate_untranslated(endpoint, request, out);
	endpoint_count_(&endpoint->counters.translations);
	unit_ats_translate(endpoint->unit, request, &t);
	if (t.response == VTD_RESP_S0)
		return DMA_FAULT;
	if (t.response != VTD_RESP_NONE && t.response != VTD_RESP_SE)
		return DMA_ERROR;
	/* PCIe 10.2.3.2, U bit: only untranslated requests may go there */
	if (t.interrupt)
		return translate_untranslated(endpoint, request, out);
	*out = (struct device_tlb_entry){t.hpa, t.page_lg2, t.rights};
	if (t.rights)
		device_tlb_insert(endpoint->tlb, &tag, out, generation);
	return (t.rights & needed) == needed ? DMA_OK : DMA_FAULT;
}

/* Of which find_known() knows nothing. */
static __attribute__((noinline)) enum dma_result
translate_unknown(struct endpoint *endpoint, const struct dma_context *context, bool by_ats,
		  uint64_t addr, enum unit_access access, struct device_tlb_entry *out)
{
	struct unit_request request = endpoint_request_of_(endpoint, context, addr, access);
	struct unit_translation t;

	if (by_ats)
		return translate_by_ats(endpoint, context, &request, out);
	unit_translate_unknown(endpoint->unit, &request, &t);
	return served(&t, out);
}

static inline size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* first: bytes up to the end of its first page. */
static __attribute__((noinline)) void tell_access(const struct endpoint *endpoint,
						  const struct dma_context *context, bool write,
						  uint64_t addr, const struct dma_window *window,
						  size_t first)
{
	size_t rest = window->len - first;
	const struct ring_access access = {
		.rid = endpoint->rid,
		.pasid = hpasid(context->pasid),
		.write = write,
		.addr = addr,
		.len = window->len,
		.hpa = window->hpa,
		.windows = 1 + (rest + VSVA_PAGE_SIZE - 1) / VSVA_PAGE_SIZE,
	};

	trace_emit_access(endpoint->trace, &access, first);
}

void endpoint_bring_near(const struct endpoint *endpoint, const struct dma_context *context,
			 uint64_t addr, size_t len)
{
	len = least(len, ENDPOINT_WINDOW_MAX);
	if (uses_ats(context, pci_config_enables(endpoint->config))) {
		device_tlb_bring_near(endpoint->tlb, tag_of(endpoint, context, addr), len);
		/* It is asked after the device TLB, too: of the first page, as others are where that is. */
		len = 1;
	}
	unit_bring_near(endpoint->unit, endpoint->rid, context->pasid, addr, len);
}

/* Pages that follow each other in host memory, too, are one window: a long copy is faster than many
 * short ones. How long it gets. */
static __attribute__((noinline)) size_t
window_extend(struct endpoint *endpoint, const struct dma_context *context, uint64_t addr,
	      size_t want, enum unit_access access, struct dma_window window)
{
	hpa_t end = hpa(window.hpa.v + window.len);
	size_t len = window.len;

	addr += len;
	want -= len;
	if (uses_ats(context, pci_config_enables(endpoint->config)))
		len += device_tlb_find_run(endpoint->tlb, tag_of(endpoint, context, addr),
					   (uint8_t)access, end, want);
	else if (!endpoint_is_privileged_(endpoint, context))
		len += unit_find_run(endpoint->unit, endpoint->rid, context->pasid, addr, access,
				     end, want);
	if (physmem_ptr_near(endpoint->physmem, &endpoint->slot, window.hpa, len,
			     access & UNIT_WRITE) != window.pointer)
		return window.len;
	return len;
}

/* Where the byte at addr is, if the function may access it. In line in a copy: a short one costs little more
 * than this. Nothing here but what is rare takes an address of a local variable, so that they stay in
 * registers. */
static inline __attribute__((always_inline)) enum dma_result
locate(struct endpoint *endpoint, const struct dma_context *context, uint64_t addr,
       enum unit_access access, struct device_tlb_entry *out)
{
	uint32_t enables = pci_config_enables(endpoint->config);
	bool by_ats = uses_ats(context, enables);
	struct device_tlb_entry entry;

	DEBUG_CHECK(rcu_is_reading());
	if (!endpoint_may_request_(endpoint, context, enables))
		return DMA_ERROR;
	entry = find_known(endpoint, context, by_ats, addr, access);
	if (__builtin_expect(!entry.page_lg2, 0)) {
		struct device_tlb_entry found;
		enum dma_result result =
			translate_unknown(endpoint, context, by_ats, addr, access, &found);

		if (result != DMA_OK)
			return result;
		entry = found;
	} else if (by_ats &&
		   !unit_ats_allows_translated(endpoint->unit, endpoint->rid, entry.hpa, access)) {
		return DMA_ERROR;
	}
	*out = entry;
	return DMA_OK;
}

/* first: bytes of the first page. */
static inline void tell(const struct endpoint *endpoint, const struct dma_context *context,
			enum unit_access access, uint64_t addr, struct dma_window window,
			size_t first)
{
	if (__builtin_expect(trace_is_on(endpoint->trace), 0)) {
		struct dma_window told = window;

		tell_access(endpoint, context, access & UNIT_WRITE, addr, &told, first);
	}
}

/* Does it all lie in one page, however small pages are? */
static inline bool is_in_a_page(uint64_t addr, size_t len)
{
	return len - 1 < VSVA_PAGE_SIZE - addr % VSVA_PAGE_SIZE;
}

/* A window for what is_in_a_page(). */
static inline __attribute__((always_inline)) enum dma_result
window_in_a_page(struct endpoint *endpoint, const struct dma_context *context, uint64_t addr,
		 size_t len, enum unit_access access, struct dma_window *out)
{
	struct device_tlb_entry entry;
	enum dma_result result = locate(endpoint, context, addr, access, &entry);

	if (result != DMA_OK)
		return result;
	out->hpa = entry.hpa;
	out->len = len;
	out->pointer = physmem_ptr_near(endpoint->physmem, &endpoint->slot, entry.hpa, len,
					access & UNIT_WRITE);
	if (__builtin_expect(!out->pointer, 0))
		return DMA_ERROR;
	tell(endpoint, context, access, addr, *out, len);
	return DMA_OK;
}

/* A copy of several pieces may end after one of them: an observer is told no more than what is accessed. */
static inline size_t window_max(const struct endpoint *endpoint)
{
	return trace_is_on(endpoint->trace) && trace_is_observed(endpoint->trace)
		       ? ENDPOINT_PIECE
		       : ENDPOINT_WINDOW_MAX;
}

static enum dma_result window_on_pages(struct endpoint *endpoint, const struct dma_context *context,
				       uint64_t addr, size_t want, enum unit_access access,
				       struct dma_window *out)
{
	struct device_tlb_entry entry;
	enum dma_result result = locate(endpoint, context, addr, access, &entry);
	bool write = access & UNIT_WRITE;
	size_t first;

	if (result != DMA_OK)
		return result;
	want = least(want, window_max(endpoint));
	out->hpa = entry.hpa;
	out->len = unit_rest_of_page(addr, entry.page_lg2, want);
	out->pointer =
		physmem_ptr_near(endpoint->physmem, &endpoint->slot, entry.hpa, out->len, write);
	if (__builtin_expect(!out->pointer, 0)) {
		/* Two regions of memory may meet inside one large page: then only up to the end of
		 * the small page. */
		out->len = unit_rest_of_page(addr, VTD_PAGE_SHIFT, out->len);
		out->pointer = physmem_ptr_near(endpoint->physmem, &endpoint->slot, entry.hpa,
						out->len, write);
		if (!out->pointer)
			return DMA_ERROR;
	}
	first = out->len;
	if (first < want)
		out->len = window_extend(endpoint, context, addr, want, access, *out);
	tell(endpoint, context, access, addr, *out, first);
	return DMA_OK;
}

enum dma_result endpoint_window(struct endpoint *endpoint, const struct dma_context *context,
				uint64_t addr, size_t want, enum unit_access access,
				struct dma_window *out)
{
	if (is_in_a_page(addr, want))
		return window_in_a_page(endpoint, context, addr, want, access, out);
	return window_on_pages(endpoint, context, addr, want, access, out);
}

/* Copying */

size_t endpoint_copy_pieces(void *to, const void *from, size_t len)
{
	size_t done = 0;

	do {
		size_t piece = least(len - done, ENDPOINT_PIECE);

		memmove((unsigned char *)to + done, (const unsigned char *)from + done, piece);
		done += piece;
	} while (done < len && !rcu_is_awaited());
	return done;
}

/* The other end of a copy: to it (a read), or from it. */
struct buffer {
	unsigned char *to;
	const unsigned char *from;
};

/* Of at most a piece. */
static inline void copy_window(const struct dma_window *w, enum unit_access access,
			       struct buffer buffer)
{
	if (access == UNIT_READ)
		memcpy(buffer.to, w->pointer, w->len);
	else
		memcpy(w->pointer, buffer.from, w->len);
}

/* Inside a read section. */
static __attribute__((noinline)) enum dma_result
copy_windows(struct endpoint *endpoint, const struct dma_context *context, uint64_t addr,
	     enum unit_access access, struct buffer buffer, size_t len, size_t *done)
{
	size_t at = 0, since = 0;
	enum dma_result result = DMA_OK;

	while (at < len) {
		struct dma_window w;
		size_t copied;

		result = window_on_pages(endpoint, context, addr + at, len - at, access, &w);
		if (result != DMA_OK)
			break;
		/* What comes next is fetched while these bytes are copied, which push it out of the
		 * CPU's caches meanwhile. */
		if (at + w.len < len)
			endpoint_bring_near(endpoint, context, addr + at + w.len, len - at - w.len);
		if (access == UNIT_READ)
			copied = endpoint_copy_pieces(buffer.to + at, w.pointer, w.len);
		else
			copied = endpoint_copy_pieces(w.pointer, buffer.from + at, w.len);
		at += copied;
		since += copied;
		if (since < ENDPOINT_PIECE)
			continue;
		rcu_quiescent();
		since = 0;
	}
	*done = at;
	return result;
}

/* Inside a read section. */
static inline __attribute__((always_inline)) enum dma_result
copy(struct endpoint *endpoint, const struct dma_context *context, uint64_t addr,
     enum unit_access access, struct buffer buffer, size_t len, size_t *done)
{
	enum dma_result result;
	struct dma_window w;

	if (!is_in_a_page(addr, len))
		return copy_windows(endpoint, context, addr, access, buffer, len, done);
	*done = 0;
	result = window_in_a_page(endpoint, context, addr, len, access, &w);
	if (result != DMA_OK)
		return result;
	copy_window(&w, access, buffer);
	*done = len;
	return DMA_OK;
}

static __attribute__((noinline)) enum dma_result
copy_in_section(struct endpoint *endpoint, const struct dma_context *context, uint64_t addr,
		enum unit_access access, struct buffer buffer, size_t len, size_t *done)
{
	enum dma_result result;

	rcu_read_lock();
	result = copy(endpoint, context, addr, access, buffer, len, done);
	rcu_read_unlock();
	return result;
}

enum dma_result endpoint_read(struct endpoint *endpoint, const struct dma_context *context,
			      uint64_t addr, void *buffer, size_t len, size_t *done)
{
	const struct buffer to = {.to = buffer};

	if (__builtin_expect(!rcu_is_reading(), 0))
		return copy_in_section(endpoint, context, addr, UNIT_READ, to, len, done);
	return copy(endpoint, context, addr, UNIT_READ, to, len, done);
}

enum dma_result endpoint_write(struct endpoint *endpoint, const struct dma_context *context,
			       uint64_t addr, const void *buffer, size_t len, size_t *done)
{
	const struct buffer from = {.from = buffer};

	if (__builtin_expect(!rcu_is_reading(), 0))
		return copy_in_section(endpoint, context, addr, UNIT_WRITE, from, len, done);
	return copy(endpoint, context, addr, UNIT_WRITE, from, len, done);
}

/* Life */

unsigned endpoint_config_write(struct endpoint *endpoint, uint32_t offset, unsigned size,
			       uint32_t value)
{
	unsigned effects = pci_config_write(endpoint->config, offset, size, value);

	if ((effects & PCI_CONFIG_ATS) && !pci_config_ats_enabled(endpoint->config))
		device_tlb_flush(endpoint->tlb);
	if (effects & PCI_CONFIG_PRI_RESET)
		endpoint_forget_groups_(endpoint);
	return effects;
}

void endpoint_reset(struct endpoint *endpoint)
{
	endpoint_forget_groups_(endpoint);
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
	if (endpoint_is_gone_(endpoint))
		return -ETIMEDOUT;
	endpoint_count_(&endpoint->counters.invalidations);
	device_tlb_invalidate(endpoint->tlb, invalidation);
	return 0;
}
