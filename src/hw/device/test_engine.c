// SPDX-License-Identifier: MIT
#include "hw/device/test_engine.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/trace_often.h"
#include "vtd/descriptors.h"

#define BAR_SIZE         4096u
#define PBA_OFFSET       0x800u
#define RESET_TIMEOUT_MS 60000u
/* As of the accelerator: a page that is given and taken again for ever. */
#define PAGE_TRIES 64u
/* Bytes of one call of the worker. */
#define RUN_LEN 262144u

enum job_state {
	JOB_NONE,
	JOB_READY,
	JOB_RUNNING,
	JOB_WAITING, /* for a page response */
};

enum page_answer { ANSWER_NONE, ANSWER_YES, ANSWER_NO };

/* What runs: the registers as they were when the command was written. */
struct dma_job {
	enum test_engine_operation operation;
	struct dma_context context;
	bool may_ask, interrupt;
	uint64_t source, destination, fill;
	uint32_t len, done;
	uint64_t result;
	uint64_t fault_addr;
	enum unit_access fault_access;
	unsigned tries;
};

struct test_engine {
	struct endpoint endpoint;
	struct pci_config config; /* written under lock */
	struct unit *unit;
	struct worker_pool *pool;
	struct worker *worker;
	void (*irq)(void *arg, unsigned vector);
	void *irq_arg;

	struct lock lock; /* all that follows, but for job while it is running */
	uint8_t regs[0x48];
	uint32_t msix[4];
	enum job_state state;
	bool aborted;
	uint64_t serial; /* of the page request under way */
	bool waits;      /* serial is asked and not answered */
	enum page_answer answer;
	struct dma_job job;
};

enum register_access { ACCESS_RO, ACCESS_RW };

static const struct engine_register {
	uint8_t offset, bytes;
	enum register_access access;
} registers[] = {
#define REGISTER_(name, offset, bytes, access) {(offset), (bytes), ACCESS_##access},
	TEST_ENGINE_REGISTERS(REGISTER_)};

static uint64_t get(const struct test_engine *engine, unsigned offset, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, engine->regs + offset, bytes);
	return value;
}

static void put(struct test_engine *engine, unsigned offset, unsigned bytes, uint64_t value)
{
	memcpy(engine->regs + offset, &value, bytes);
}

static void registers_reset(struct test_engine *engine)
{
	memset(engine->regs, 0, sizeof(engine->regs));
	put(engine, TEST_ENGINE_ID, 4, TEST_ENGINE_ID_VALUE);
	put(engine, TEST_ENGINE_VERSION, 4, 1);
	memcpy(engine->msix, (uint32_t[]){0, 0, 0, 1}, sizeof(engine->msix));
}

/* The copy engine */

enum outcome { OUTCOME_MORE, OUTCOME_DONE, OUTCOME_FAULT, OUTCOME_ERROR };

static enum outcome outcome_of(struct dma_job *job, enum dma_result result, uint64_t addr,
			       enum unit_access access)
{
	if (result == DMA_OK)
		return OUTCOME_MORE;
	job->tries = addr == job->fault_addr ? job->tries + 1 : 0;
	job->fault_addr = addr;
	job->fault_access = access;
	return result == DMA_FAULT ? OUTCOME_FAULT : OUTCOME_ERROR;
}

static enum outcome window_at(struct test_engine *engine, uint64_t base, size_t want,
			      enum unit_access access, struct dma_window *out)
{
	struct dma_job *job = &engine->job;
	uint64_t addr = base + job->done;
	enum dma_result result =
		endpoint_window(&engine->endpoint, &job->context, addr,
				want < ENDPOINT_PIECE ? want : ENDPOINT_PIECE, access, out);

	return outcome_of(job, result, addr, access);
}

static enum outcome finished(struct dma_job *job, size_t len)
{
	job->done += (uint32_t)len;
	return job->done < job->len ? OUTCOME_MORE : OUTCOME_DONE;
}

static enum outcome step_copy(struct test_engine *engine)
{
	struct dma_job *job = &engine->job;
	struct dma_window from, to;
	enum outcome outcome =
		window_at(engine, job->source, job->len - job->done, UNIT_READ, &from);

	if (outcome != OUTCOME_MORE)
		return outcome;
	outcome = window_at(engine, job->destination, from.len, UNIT_WRITE, &to);
	if (outcome != OUTCOME_MORE)
		return outcome;
	memmove(to.pointer, from.pointer, to.len);
	return finished(job, to.len);
}

static enum outcome step_fill(struct test_engine *engine)
{
	struct dma_job *job = &engine->job;
	struct dma_window to;
	enum outcome outcome =
		window_at(engine, job->destination, job->len - job->done, UNIT_WRITE, &to);

	if (outcome != OUTCOME_MORE)
		return outcome;
	for (size_t i = 0; i < to.len; i++)
		((uint8_t *)to.pointer)[i] = (uint8_t)(job->fill >> (job->done + i) % 8 * 8);
	return finished(job, to.len);
}

static enum outcome step_read(struct test_engine *engine)
{
	struct dma_job *job = &engine->job;
	struct dma_window from;
	enum outcome outcome =
		window_at(engine, job->source, job->len - job->done, UNIT_READ, &from);

	if (outcome != OUTCOME_MORE)
		return outcome;
	for (size_t i = 0; i < from.len; i++)
		job->result += ((const uint8_t *)from.pointer)[i];
	return finished(job, from.len);
}

static enum outcome step_fetch_add(struct test_engine *engine)
{
	struct dma_job *job = &engine->job;
	struct dma_window at;
	enum outcome outcome = window_at(engine, job->destination, 8, UNIT_ATOMIC, &at);

	if (outcome != OUTCOME_MORE)
		return outcome;
	job->result = __atomic_fetch_add((uint64_t *)at.pointer, job->fill, __ATOMIC_SEQ_CST);
	return finished(job, 8);
}

static enum outcome step(struct test_engine *engine)
{
	switch (engine->job.operation) {
	case TEST_ENGINE_COPY:
		return step_copy(engine);
	case TEST_ENGINE_FILL_MEMORY:
		return step_fill(engine);
	case TEST_ENGINE_READ:
		return step_read(engine);
	case TEST_ENGINE_FETCH_ADD:
		return step_fetch_add(engine);
	}
	return OUTCOME_ERROR;
}

static bool is_aborted(struct test_engine *engine)
{
	return __atomic_load_n(&engine->aborted, __ATOMIC_ACQUIRE);
}

static enum outcome run_slice(struct test_engine *engine)
{
	uint32_t begin = engine->job.done;
	enum outcome outcome;

	rcu_read_lock();
	for (;;) {
		outcome = step(engine);
		if (outcome != OUTCOME_MORE || engine->job.done - begin >= RUN_LEN ||
		    is_aborted(engine))
			break;
		rcu_quiescent();
	}
	rcu_read_unlock();
	return outcome;
}

/* The job is over, or was aborted: then its registers are somebody else's. Called without the lock.
 */
static void complete(struct test_engine *engine, enum test_engine_status status)
{
	struct dma_job *job = &engine->job;
	hpasid_t pasid = hpasid(job->context.pasid);
	bool interrupt = false;

	lock_take(&engine->lock);
	if (!engine->aborted) {
		put(engine, TEST_ENGINE_BYTES, 4, job->done);
		put(engine, TEST_ENGINE_RESULT, 8, job->result);
		put(engine, TEST_ENGINE_FAULT_ADDR, 8,
		    status == TEST_ENGINE_FAULT ? job->fault_addr : 0);
		put(engine, TEST_ENGINE_STATUS, 4, status);
		interrupt = job->interrupt;
	}
	engine->state = JOB_NONE;
	lock_drop(&engine->lock);
	trace_hop(engine->endpoint.trace, VSVA_EV_COMPLETE, engine->endpoint.rid, pasid, status, 0);
	if (interrupt && engine->irq)
		engine->irq(engine->irq_arg, 0);
}

/* Under the lock. */
static void give_up(struct test_engine *engine)
{
	TRACE(engine->endpoint.trace, DEVICE, ABORT, .rid = engine->endpoint.rid,
	      .hpasid = hpasid(engine->job.context.pasid));
	engine->state = JOB_NONE;
}

static void put_back(struct test_engine *engine, enum job_state state)
{
	lock_take(&engine->lock);
	if (engine->aborted)
		give_up(engine);
	else
		engine->state = state;
	lock_drop(&engine->lock);
}

/* false: nobody can be asked, or nobody will say yes. */
static bool ask(struct test_engine *engine)
{
	struct dma_job *job = &engine->job;
	uint64_t tag;
	int prgi;

	if (!job->may_ask || !job->context.use_ats || job->tries >= PAGE_TRIES)
		return false;
	lock_take(&engine->lock);
	tag = ++engine->serial;
	engine->waits = true;
	engine->answer = ANSWER_NONE;
	lock_drop(&engine->lock);
	/* the only requester of its function: it never waits for credit */
	prgi = endpoint_page_request_tagged(&engine->endpoint, &job->context, job->fault_addr,
					    job->fault_access, tag);
	lock_take(&engine->lock);
	if (prgi < 0)
		engine->waits = false;
	else if (engine->answer == ANSWER_NONE)
		engine->state = JOB_WAITING;
	else
		engine->state = JOB_READY;
	if (engine->aborted && prgi >= 0)
		give_up(engine);
	lock_drop(&engine->lock);
	return prgi >= 0;
}

static bool was_refused(struct test_engine *engine)
{
	bool refused;

	lock_take(&engine->lock);
	refused = engine->answer == ANSWER_NO;
	engine->answer = ANSWER_NONE;
	lock_drop(&engine->lock);
	return refused;
}

static bool take(struct test_engine *engine)
{
	bool taken;

	lock_take(&engine->lock);
	taken = engine->state == JOB_READY;
	if (taken)
		engine->state = JOB_RUNNING;
	lock_drop(&engine->lock);
	return taken;
}

static bool run(void *arg)
{
	struct test_engine *engine = arg;
	enum outcome outcome;

	if (!take(engine))
		return false;
	outcome = was_refused(engine) ? OUTCOME_ERROR : run_slice(engine);
	switch (outcome) {
	case OUTCOME_MORE:
		put_back(engine, JOB_READY);
		return true;
	case OUTCOME_DONE:
		complete(engine, TEST_ENGINE_DONE);
		return false;
	case OUTCOME_FAULT:
		if (ask(engine))
			return true; /* maybe it is answered already */
		break;
	case OUTCOME_ERROR:
		break;
	}
	complete(engine, TEST_ENGINE_FAULT);
	return false;
}

static void page_answer(struct endpoint *endpoint, uint64_t tag, unsigned code)
{
	struct test_engine *engine = container_of(endpoint, struct test_engine, endpoint);

	lock_take(&engine->lock);
	if (engine->waits && engine->serial == tag) {
		engine->waits = false;
		engine->answer = code == VTD_RESPONSE_SUCCESS ? ANSWER_YES : ANSWER_NO;
		if (engine->state == JOB_WAITING)
			engine->state = JOB_READY;
	}
	lock_drop(&engine->lock);
	worker_kick(engine->worker);
}

/* Registers */

static bool command_is_valid(const struct dma_job *job, uint32_t command)
{
	const uint32_t known =
		0xff | TEST_ENGINE_USE_ATS | TEST_ENGINE_PAGE_REQUESTS | TEST_ENGINE_INTERRUPT;

	if (command & ~known)
		return false;
	if (job->operation == TEST_ENGINE_FETCH_ADD)
		return job->destination % 8 == 0;
	return job->operation >= TEST_ENGINE_COPY && job->operation <= TEST_ENGINE_READ &&
	       job->len >= 1 && job->len <= TEST_ENGINE_MAX_LEN;
}

static struct dma_job job_of(const struct test_engine *engine, uint32_t command)
{
	uint32_t pasid = (uint32_t)get(engine, TEST_ENGINE_PASID, 4);
	bool has_pasid = pasid & TEST_ENGINE_PASID_VALID;
	struct dma_job job = {
		.operation = (enum test_engine_operation)(command & 0xff),
		.context = {.pasid = has_pasid ? pasid & VSVA_PASID_MAX : VSVA_PASID_INVALID,
			    .privileged = has_pasid && (pasid & TEST_ENGINE_PRIVILEGED),
			    .use_ats = command & TEST_ENGINE_USE_ATS},
		.may_ask = command & TEST_ENGINE_PAGE_REQUESTS,
		.interrupt = command & TEST_ENGINE_INTERRUPT,
		.source = get(engine, TEST_ENGINE_SRC, 8),
		.destination = get(engine, TEST_ENGINE_DST, 8),
		.fill = get(engine, TEST_ENGINE_FILL, 8),
		.len = (uint32_t)get(engine, TEST_ENGINE_LEN, 4),
	};

	if (job.operation == TEST_ENGINE_FETCH_ADD)
		job.len = 8;
	return job;
}

/* Under the lock. true: kick the worker. */
static bool start_command(struct test_engine *engine, uint32_t command)
{
	struct dma_job job = job_of(engine, command);

	if (engine->state != JOB_NONE)
		return false;
	put(engine, TEST_ENGINE_CMD, 4, command);
	if (!command_is_valid(&job, command)) {
		put(engine, TEST_ENGINE_STATUS, 4, TEST_ENGINE_BAD_COMMAND);
		return false;
	}
	engine->job = job;
	engine->aborted = false;
	engine->answer = ANSWER_NONE;
	engine->state = JOB_READY;
	put(engine, TEST_ENGINE_STATUS, 4, TEST_ENGINE_BUSY);
	trace_hop(engine->endpoint.trace, VSVA_EV_SUBMIT, engine->endpoint.rid,
		  hpasid(job.context.pasid), job.operation, 0);
	return true;
}

/* The register that a dword lies in, or NULL. */
static const struct engine_register *find_register(uint64_t offset)
{
	for (unsigned i = 0; i < ARRAY_LEN(registers); i++)
		if (offset - registers[i].offset < registers[i].bytes)
			return &registers[i];
	return NULL;
}

static bool write_dword(struct test_engine *engine, uint64_t offset, uint32_t value)
{
	const struct engine_register *reg = find_register(offset);

	if (!reg || reg->access == ACCESS_RO)
		return false;
	if (offset == TEST_ENGINE_CMD)
		return start_command(engine, value);
	put(engine, (unsigned)offset, 4, value);
	return false;
}

static uint32_t read_dword(const struct test_engine *engine, unsigned bar, uint64_t offset)
{
	if (bar == 2)
		return offset < sizeof(engine->msix) ? engine->msix[offset / 4] : 0;
	return find_register(offset) ? (uint32_t)get(engine, (unsigned)offset, 4) : 0;
}

static void write_msix(struct test_engine *engine, uint64_t offset, uint32_t value)
{
	if (offset < sizeof(engine->msix))
		engine->msix[offset / 4] = offset == 12 ? value & 1 : value;
}

static bool access_is_valid(unsigned bar, uint64_t offset, unsigned size)
{
	return (bar == 0 || bar == 2) && (size == 4 || size == 8) && offset % size == 0 &&
	       offset < BAR_SIZE;
}

int test_engine_mmio_read(struct test_engine *engine, unsigned bar, uint64_t offset, unsigned size,
			  uint64_t *value)
{
	if (!access_is_valid(bar, offset, size))
		return -EINVAL;
	lock_take(&engine->lock);
	*value = read_dword(engine, bar, offset);
	if (size == 8)
		*value |= (uint64_t)read_dword(engine, bar, offset + 4) << 32;
	lock_drop(&engine->lock);
	return 0;
}

int test_engine_mmio_write(struct test_engine *engine, unsigned bar, uint64_t offset, unsigned size,
			   uint64_t value)
{
	bool kick = false;

	if (!access_is_valid(bar, offset, size))
		return -EINVAL;
	lock_take(&engine->lock);
	for (unsigned i = 0; i < size; i += 4) {
		uint32_t dword = (uint32_t)(value >> 8 * i);

		if (bar == 2)
			write_msix(engine, offset + i, dword);
		else
			kick |= write_dword(engine, offset + i, dword);
	}
	lock_drop(&engine->lock);
	if (kick)
		worker_kick(engine->worker);
	return 0;
}

uint32_t test_engine_config_read(struct test_engine *engine, uint32_t offset, unsigned size)
{
	uint32_t value;

	lock_take(&engine->lock);
	value = pci_config_read(&engine->config, offset, size);
	lock_drop(&engine->lock);
	return value;
}

void test_engine_config_write(struct test_engine *engine, uint32_t offset, unsigned size,
			      uint32_t value)
{
	unsigned effects;

	lock_take(&engine->lock);
	effects = endpoint_config_write(&engine->endpoint, offset, size, value);
	if ((effects & PCI_CONFIG_PRI_RESET) && engine->waits) {
		/* nobody will answer any more */
		engine->waits = false;
		engine->answer = ANSWER_NO;
		if (engine->state == JOB_WAITING)
			engine->state = JOB_READY;
	}
	lock_drop(&engine->lock);
	worker_kick(engine->worker);
	if (!(effects & PCI_CONFIG_FLR))
		return;
	test_engine_reset(engine);
	lock_take(&engine->lock);
	pci_config_reset(&engine->config);
	lock_drop(&engine->lock);
}

/* Life */

static bool is_idle(void *arg)
{
	struct test_engine *engine = arg;
	bool idle;

	lock_take(&engine->lock);
	idle = engine->state == JOB_NONE;
	lock_drop(&engine->lock);
	return idle;
}

static void stop(struct test_engine *engine)
{
	lock_take(&engine->lock);
	TRACE(engine->endpoint.trace, DEVICE, STOP, .rid = engine->endpoint.rid);
	__atomic_store_n(&engine->aborted, true, __ATOMIC_RELEASE);
	engine->waits = false;
	if (engine->state == JOB_READY || engine->state == JOB_WAITING)
		give_up(engine);
	lock_drop(&engine->lock);
	worker_pool_wait_until(engine->pool, is_idle, engine, RESET_TIMEOUT_MS);
}

void test_engine_reset(struct test_engine *engine)
{
	stop(engine);
	endpoint_reset(&engine->endpoint);
	lock_take(&engine->lock);
	registers_reset(engine);
	lock_drop(&engine->lock);
}

void test_engine_set_gone(struct test_engine *engine, bool gone)
{
	if (gone)
		endpoint_set_gone(&engine->endpoint, true);
	test_engine_reset(engine);
	lock_take(&engine->lock);
	pci_config_reset(&engine->config);
	lock_drop(&engine->lock);
	if (!gone)
		endpoint_set_gone(&engine->endpoint, false);
}

static const struct endpoint_ops endpoint_ops = {.page_answer = page_answer};

static struct pci_config_description describe(const struct test_engine_config *config)
{
	bool is_vf = config->pf_config != NULL;

	return (struct pci_config_description){
		.vendor = 0x1ee7,
		.device = 0x0002,
		.subsystem_vendor = 0x1ee7,
		.class_code = 0x088000,
		.bar = {[0] = {.size = BAR_SIZE}, [2] = {.size = BAR_SIZE}},
		.function_level_reset = true,
		.msix_vectors = 1,
		.msix_table_bar = 2,
		.msix_pba_bar = 2,
		.msix_pba_offset = PBA_OFFSET,
		.ats = true,
		.ats_queue_depth = 16,
		.pri = !is_vf,
		.pri_pasid_required = true,
		.pri_capacity = 32,
		.pasid = !is_vf,
		.pasid_privileged = true,
		.pasid_width = 20,
		.sriov_vfs = is_vf ? 0 : config->sriov_vfs,
		.sriov_vf_device = 0x0002,
		.sriov_first_offset = 1,
		.sriov_stride = 1,
	};
}

static int start(struct test_engine *engine, const struct test_engine_config *config)
{
	struct pci_config_description description = describe(config);
	int error = pci_config_init(&engine->config, &description);

	if (error)
		return error;
	error = endpoint_init(&engine->endpoint, config->unit, config->rid, &engine->config,
			      config->physmem, &endpoint_ops, config->trace);
	if (error)
		return error;
	if (config->pf_config)
		endpoint_set_pf(&engine->endpoint, config->pf_rid, config->pf_config);
	engine->worker = worker_create(config->pool, "test engine", run, engine);
	error = engine->worker ? unit_attach(config->unit, &engine->endpoint) : -ENOMEM;
	if (error) {
		worker_destroy(engine->worker);
		endpoint_fini(&engine->endpoint);
	}
	return error;
}

int test_engine_create(const struct test_engine_config *config, struct test_engine **out)
{
	struct test_engine *engine = base_zalloc(sizeof(*engine));
	int error;

	if (!engine)
		return -ENOMEM;
	engine->unit = config->unit;
	engine->pool = config->pool;
	engine->irq = config->irq;
	engine->irq_arg = config->arg;
	lock_init(&engine->lock, LOCK_RANK_DEVICE, "test engine");
	registers_reset(engine);
	error = start(engine, config);
	if (error) {
		lock_destroy(&engine->lock);
		base_free(engine);
		return error;
	}
	*out = engine;
	return 0;
}

void test_engine_destroy(struct test_engine *engine)
{
	if (!engine)
		return;
	endpoint_set_gone(&engine->endpoint, true);
	stop(engine);
	unit_detach(engine->unit, &engine->endpoint);
	worker_destroy(engine->worker);
	endpoint_fini(&engine->endpoint);
	lock_destroy(&engine->lock);
	base_free(engine);
}

struct endpoint *test_engine_endpoint(struct test_engine *engine)
{
	return &engine->endpoint;
}

struct pci_config *test_engine_config_space(struct test_engine *engine)
{
	return &engine->config;
}
