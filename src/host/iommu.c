// SPDX-License-Identifier: MIT
/* The driver of one unit: bring-up and shutdown. */
#include "host/iommu.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "host/driver.h"
#include "host/fault.h"
#include "host/mmio.h"
#include "host/reclaim.h"
#include "host/sva.h"
#include "host/wait.h"
#include "vsva/limits.h"

/* Commands */

struct status_wait {
	struct vsva_iommu *iommu;
	uint64_t mask, value;
};

static bool has_status(void *arg)
{
	struct status_wait *wait = arg;

	return (VTD_READ(&wait->iommu->port, GSTS) & wait->mask) == wait->value;
}

static int wait_for_status(struct vsva_iommu *iommu, uint64_t mask, uint64_t value)
{
	struct status_wait wait = {iommu, mask, value};

	if (host_wait(iommu->pool, has_status, &wait, iommu->qi.timeout_ms))
		return 0;
	LOG_LIMITED(LOG_ERROR, VSVA_CODE_UNIT_SILENT,
		    "host: the unit does not carry out a command (GSTS %08x)",
		    (unsigned)VTD_READ(&iommu->port, GSTS));
	return -ETIMEDOUT;
}

/* One bit per write, and the bits of GSTS lie where those of GCMD do. VT-d 11.4.4 */
static int command_level(struct vsva_iommu *iommu, uint64_t bit, bool on)
{
	iommu->gcmd = (uint32_t)(on ? iommu->gcmd | bit : vtd_without(iommu->gcmd, bit));
	VTD_WRITE(&iommu->port, GCMD, iommu->gcmd);
	return wait_for_status(iommu, bit, on ? bit : 0);
}

static int command_set_root(struct vsva_iommu *iommu)
{
	uint64_t rtaddr = vtd_RTADDR_with_RTA(0, iommu->root.page.v);

	VTD_WRITE(&iommu->port, RTADDR, vtd_RTADDR_with_TTM(rtaddr, VTD_TTM_SCALABLE));
	VTD_WRITE(&iommu->port, GCMD, iommu->gcmd | VTD_GCMD_SRTP);
	return wait_for_status(iommu, VTD_GSTS_RTPS, VTD_GSTS_RTPS);
}

/* Hardware */

static bool queue_is_empty(void *arg)
{
	struct vsva_iommu *iommu = arg;

	return vtd_IQH_QH(VTD_READ(&iommu->port, IQH)) == vtd_IQT_QT(VTD_READ(&iommu->port, IQT));
}

/* QIE may be cleared when the queue has run empty (VT-d 6.5.2). One that is stuck is switched off
 * all the same. */
static int disable_queue(struct vsva_iommu *iommu)
{
	if (!(iommu->gcmd & VTD_GCMD_QIE))
		return 0;
	host_wait(iommu->pool, queue_is_empty, iommu, iommu->qi.timeout_ms);
	return command_level(iommu, VTD_GCMD_QIE, false);
}

/* Whatever firmware or an earlier kernel left on. */
static int disable_leftovers(struct vsva_iommu *iommu)
{
	int err = 0;

	iommu->gcmd = (uint32_t)(VTD_READ(&iommu->port, GSTS) & VTD_GCMD_LEVEL_BITS);
	if (iommu->gcmd & VTD_GCMD_TE)
		err = command_level(iommu, VTD_GCMD_TE, false);
	if (!err && (iommu->gcmd & VTD_GCMD_IRE))
		err = command_level(iommu, VTD_GCMD_IRE, false);
	fault_clear_all(iommu);
	return err ? err : disable_queue(iommu);
}

static int enable_queue(struct vsva_iommu *iommu)
{
	VTD_WRITE(&iommu->port, IQT, 0);
	VTD_WRITE(&iommu->port, IQA, qi_queue_address(&iommu->qi));
	return command_level(iommu, VTD_GCMD_QIE, true);
}

/* What was cached by way of an earlier root table goes: context cache, PASID cache, IOTLB
 * (VT-d 6.5.3.1). With ESRTPS the unit has done so itself; again does no harm. */
static int flush_everything(struct vsva_iommu *iommu)
{
	struct flush flush;

	flush_begin(&flush, iommu);
	flush_context_global(&flush);
	flush_pasid_cache_global(&flush);
	flush_iotlb_global(&flush);
	return flush_end(&flush);
}

static bool has_page_requests(const struct vsva_iommu *iommu)
{
	return vtd_ECAP_PRS(iommu->rules.ecap) != 0;
}

/* The queue must stand before a context entry says PRE=1 (VT-d 7.4). */
static void enable_page_requests(struct vsva_iommu *iommu)
{
	if (!has_page_requests(iommu))
		return;
	VTD_WRITE(&iommu->port, PQH, 0);
	VTD_WRITE(&iommu->port, PQT, 0);
	VTD_WRITE(&iommu->port, PQA, prq_queue_address(&iommu->prq));
	VTD_WRITE(&iommu->port, PRS, VTD_PRS_PPR | VTD_PRS_PRO);
}

/* Messages are programmed while they are masked; IM=0 comes last. VT-d 11.4.7 */
#define ENABLE_EVENT(iommu_, event_, prefix_)                                                      \
	do {                                                                                       \
		VTD_WRITE(&(iommu_)->port, prefix_##CTL, VTD_##prefix_##CTL_IM);                   \
		VTD_WRITE(&(iommu_)->port, prefix_##DATA, (event_)->data);                         \
		VTD_WRITE(&(iommu_)->port, prefix_##ADDR, (uint32_t)(event_)->address);            \
		VTD_WRITE(&(iommu_)->port, prefix_##UADDR,                                         \
			  vtd_get_field((event_)->address, 63, 32));                               \
		VTD_WRITE(&(iommu_)->port, prefix_##CTL, 0);                                       \
	} while (0)

static void enable_events(struct vsva_iommu *iommu)
{
	ENABLE_EVENT(iommu, &iommu->fault_event, FE);
	if (has_page_requests(iommu))
		ENABLE_EVENT(iommu, &iommu->prq_event, PE);
}

static void disable_events(struct vsva_iommu *iommu)
{
	VTD_WRITE(&iommu->port, FECTL, VTD_FECTL_IM);
	if (has_page_requests(iommu))
		VTD_WRITE(&iommu->port, PECTL, VTD_PECTL_IM);
}

int iommu_bring_up(struct vsva_iommu *iommu)
{
	int err = disable_leftovers(iommu);

	if (!err)
		err = enable_queue(iommu);
	if (!err)
		err = command_set_root(iommu);
	/* not before the unit knows that it is in scalable mode: it would refuse others' descriptors */
	if (!err)
		qi_start(&iommu->qi);
	if (!err)
		err = flush_everything(iommu);
	if (err)
		return err;
	enable_page_requests(iommu);
	enable_events(iommu);
	return command_level(iommu, VTD_GCMD_TE, true);
}

/* Each step is tried, whatever became of the one before: afterwards the unit must not touch memory.
 */
static void shut_down(struct vsva_iommu *iommu)
{
	disable_events(iommu);
	command_level(iommu, VTD_GCMD_TE, false);
	disable_queue(iommu);
	VTD_WRITE(&iommu->port, RTADDR, 0);
	if (has_page_requests(iommu))
		VTD_WRITE(&iommu->port, PQA, 0);
}

/* Software */

/* Root, context and PASID tables are snooped with C, paging structures with SMPWC. */
static bool is_snooping(const struct vtd_rules *rules)
{
	return vtd_ECAP_C(rules->ecap) && vtd_ECAP_SMPWC(rules->ecap);
}

static bool is_usable(const struct vsva_iommu *iommu)
{
	const struct vtd_rules *rules = &iommu->rules;

	return vtd_ECAP_SMTS(rules->ecap) && vtd_ECAP_QI(rules->ecap) &&
	       vtd_ECAP_SSTS(rules->ecap) && second_stage_aw(rules->cap) &&
	       (is_snooping(rules) || iommu->port.write_back);
}

static struct table_memory table_memory(const struct vsva_iommu *iommu, bool is_snooped)
{
	return (struct table_memory){.pm = iommu->port.physmem,
				     .port = is_snooped ? NULL : &iommu->port};
}

static void read_rules(struct vsva_iommu *iommu)
{
	iommu->rules.cap = VTD_READ(&iommu->port, CAP);
	iommu->rules.ecap = VTD_READ(&iommu->port, ECAP);
	iommu->rules.haw = PHYSMEM_HAW;
}

static unsigned space_bits(const struct vsva_iommu *iommu)
{
	unsigned bits = vtd_pasid_bits(iommu->rules.ecap);

	return bits < 20 ? bits : 20;
}

static int init_parts(struct vsva_iommu *iommu, const struct host_iommu_config *config)
{
	uint32_t qi_timeout_ms =
		config->qi_timeout_ms ? config->qi_timeout_ms : VSVA_LIMIT_QI_TIMEOUT_MS;
	struct table_memory tables = table_memory(iommu, vtd_ECAP_C(iommu->rules.ecap) != 0);
	int err = did_pool_init(&iommu->dids, vtd_did_bits(iommu->rules.cap));

	iommu->paging = table_memory(iommu, vtd_ECAP_SMPWC(iommu->rules.ecap) != 0);

	if (!err)
		err = qi_init(&iommu->qi, &iommu->port, iommu->pool, qi_timeout_ms);
	if (!err)
		err = prq_init(&iommu->prq, iommu->port.physmem);
	if (!err)
		err = root_table_init(&iommu->root, &tables);
	if (err)
		return err;
	iommu->space = ioasid_space_create(space_bits(iommu), iommu->pool, iommu->trace);
	return iommu->space ? reclaim_init(iommu) : -ENOMEM;
}

static void on_message(void *arg)
{
	worker_kick(((struct unit_event *)arg)->worker);
}

static int init_event(struct vsva_iommu *iommu, struct unit_event *event, const char *name,
		      bool (*run)(void *arg))
{
	int err;

	event->worker = worker_create(iommu->pool, name, run, iommu);
	if (!event->worker)
		return -ENOMEM;
	err = iommu->port.msi_alloc(iommu->port.arg, on_message, event, &event->address,
				    &event->data);
	event->is_allocated = !err;
	return err;
}

static int init_events(struct vsva_iommu *iommu)
{
	int err = init_event(iommu, &iommu->fault_event, "host-fault", fault_run);

	if (!err)
		err = init_event(iommu, &iommu->prq_event, "host-prq", prq_run);
	if (err)
		return err;
	iommu->expiry_worker = worker_create(iommu->pool, "host-expiry", prq_run_expiry, iommu);
	iommu->native_worker = worker_create(iommu->pool, "host-sva", sva_run_faults, iommu);
	return iommu->expiry_worker && iommu->native_worker ? 0 : -ENOMEM;
}

static void fini_event(struct vsva_iommu *iommu, struct unit_event *event)
{
	if (event->is_allocated)
		iommu->port.msi_free(iommu->port.arg, event->address, event->data);
	worker_destroy(event->worker);
}

/* What was not initialised is zero, and the parts take that. */
static void fini_parts(struct vsva_iommu *iommu)
{
	__atomic_store_n(&iommu->is_stopping, true, __ATOMIC_RELEASE);
	worker_pool_notify(iommu->pool);
	worker_destroy(iommu->expiry_worker);
	worker_destroy(iommu->native_worker);
	fini_event(iommu, &iommu->prq_event);
	fini_event(iommu, &iommu->fault_event);
	rcu_barrier();
	reclaim_fini(iommu);
	limbo_fini(iommu);
	sva_fini(iommu);
	ioasid_space_destroy(iommu->space);
	root_table_fini(&iommu->root);
	prq_fini(&iommu->prq, iommu->port.physmem);
	qi_fini(&iommu->qi);
	did_pool_fini(&iommu->dids);
	sparse_fini(&iommu->functions);
	lock_destroy(&iommu->registry_lock);
	lock_destroy(&iommu->shared_caps_lock);
	lock_destroy(&iommu->sva_lock);
	base_free(iommu);
}

static struct vsva_iommu *iommu_alloc(const struct host_iommu_config *config)
{
	struct vsva_iommu *iommu = base_zalloc(sizeof(*iommu));

	if (!iommu)
		return NULL;
	iommu->port = *config->port;
	iommu->pool = config->pool;
	iommu->trace = config->trace;
	iommu->response_timeout_ms = config->response_timeout_ms
					     ? config->response_timeout_ms
					     : VSVA_LIMIT_PAGE_RESPONSE_TIMEOUT_MS;
	lock_init(&iommu->registry_lock, LOCK_RANK_IOMMU, "devices");
	lock_init(&iommu->sva_lock, LOCK_RANK_SVA_SPACES, "SVA spaces");
	lock_init(&iommu->shared_caps_lock, LOCK_RANK_HOST_MEMORY, "PF capabilities");
	limbo_init(&iommu->limbo);
	sparse_init(&iommu->functions);
	read_rules(iommu);
	return iommu;
}

int host_iommu_create(const struct host_iommu_config *config, struct vsva_iommu **out)
{
	struct vsva_iommu *iommu = iommu_alloc(config);
	int err;

	if (!iommu)
		return -ENOMEM;
	err = is_usable(iommu) ? init_parts(iommu, config) : -ENODEV;
	if (!err)
		err = init_events(iommu);
	if (!err) {
		err = iommu_bring_up(iommu);
		if (err)
			shut_down(iommu);
	}
	if (err)
		fini_parts(iommu);
	else
		*out = iommu;
	return err;
}

void host_iommu_destroy(struct vsva_iommu *iommu)
{
	uint32_t first = 0;

	if (!iommu)
		return;
	CHECK(!sparse_next(&iommu->functions, &first) && !iommu->stats.domains_now);
	shut_down(iommu);
	fini_parts(iommu);
}

/* Questions */

void vsva_iommu_get_caps(const struct vsva_iommu *iommu, struct vsva_iommu_caps *out)
{
	uint64_t cap = iommu->rules.cap, ecap = iommu->rules.ecap;

	*out = (struct vsva_iommu_caps){
		.cap = cap,
		.ecap = ecap,
		.nesting = vtd_ECAP_NEST(ecap) && vtd_ECAP_SMPWC(ecap),
		.five_level = vtd_CAP_FS5LP(cap) != 0,
		.gigabyte_pages = vtd_CAP_FS1GP(cap) != 0,
		.supervisor = vtd_ECAP_SRS(ecap) != 0,
		.extended_access = vtd_ECAP_EAFS(ecap) != 0,
		.page_requests = has_page_requests(iommu),
		.second_stage_width = vtd_ss_input_bits(cap, second_stage_aw(cap)),
	};
}

struct vsva_ioasid_space *vsva_iommu_ioasid_space(struct vsva_iommu *iommu)
{
	return iommu->space;
}

static uint64_t counter(const uint64_t *value)
{
	return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

void vsva_iommu_get_stats(struct vsva_iommu *iommu, struct vsva_iommu_stats *out)
{
	const struct vsva_iommu_stats *stats = &iommu->stats;
	uint64_t unbinds = counter(&stats->unbinds); /* first: there are never more of them */

	*out = (struct vsva_iommu_stats){
		.binds = counter(&stats->binds),
		.unbinds = unbinds,
		.invalidations = counter(&stats->invalidations),
		.page_requests = counter(&stats->page_requests),
		.page_responses = counter(&stats->page_responses),
		.faults = counter(&stats->faults),
		.timeouts = counter(&stats->timeouts),
		.domains_now = counter(&stats->domains_now),
		.devices_now = counter(&stats->devices_now),
		.requests_pending_now = __atomic_load_n(&iommu->prq.pending, __ATOMIC_RELAXED),
	};
	out->bound_now = out->binds - unbinds;
}
