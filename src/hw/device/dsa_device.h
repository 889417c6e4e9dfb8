/* SPDX-License-Identifier: MIT */
/*
 * Inside of the accelerator, shared by dsa.c and the dsa_*.c files.
 *
 *   job     an entry of a work queue, from the portal to its completion. Preallocated; nothing is
 *           allocated between submission and completion.
 *   task    one descriptor being executed: a job's own, or the current one of its batch
 *   step    a piece of a task: at most one translation of each operand, and the copy it permits
 *   slice   the steps that an engine takes for one job before it looks at the next
 *
 * The states of a job and who changes them are a table in dsa_job.c.
 * While it runs a job belongs to its engine, which reads and writes it without the lock; others may
 * only set job->aborted and answer its page request.
 */
#ifndef HW_DEVICE_DSA_DEVICE_H
#define HW_DEVICE_DSA_DEVICE_H

#include "hw/device/dsa.h"
#include "vtd/dsa_regs.h"

#define DSA_GROUPS  4u
#define DSA_VECTORS (DSA_MAX_QUEUES + 1)
#define DSA_NONE    0xffu /* no group */

/* Between two looks at other jobs: large enough that switching costs nothing, small enough that a
 * descriptor of 2 GiB delays nobody for long. */
#define DSA_SLICE_COST 524288u
/* One call of a worker's run function. */
#define DSA_RUN_COST 4194304u
/* What a step costs beside its bytes. */
#define DSA_STEP_COST 256u
/* Page requests for one page without progress; then it is taken for refused. Who unmaps what it has
 * just mapped would keep a queue for ever. */
#define DSA_PAGE_TRIES 64u

struct dsa_operation;

enum dsa_phase { DSA_PHASE_CHECK, DSA_PHASE_WORK, DSA_PHASE_RECORD, DSA_PHASE_DONE };

enum dsa_step {
	DSA_STEP_MORE, /* something was done, there is more */
	DSA_STEP_DONE, /* the phase, or the job, is finished */
	DSA_STEP_PAGE, /* nothing more until job->page.addr can be translated */
};

struct dsa_task {
	struct dsa_descriptor descriptor;
	const struct dsa_operation *operation; /* after the check */
	enum dsa_phase phase;
	uint64_t done; /* bytes finished */
	bool backward; /* they count from the end */
	bool seeded;   /* crc holds the seed */
	uint32_t crc;
	uint32_t invalid_flags;
	uint8_t status;
	uint8_t result;
	uint64_t fault_addr;
};

enum dsa_verdict {
	DSA_PAGE_UNKNOWN,
	DSA_PAGE_REFUSED,     /* answered, not with success */
	DSA_PAGE_UNAVAILABLE, /* nobody can be asked */
};

/* The page that a job needs or has asked for. */
struct dsa_page {
	uint64_t addr;
	enum unit_access access;
	unsigned tries;
	uint64_t tag;             /* of the request under way, 0 none; lock */
	bool answered;            /* lock */
	enum dsa_verdict verdict; /* lock while a request is under way, else the engine's */
};

enum dsa_job_state {
	DSA_JOB_FREE,
	DSA_JOB_READY,
	DSA_JOB_RUNNING,
	DSA_JOB_WAIT_PAGE,   /* for an answer */
	DSA_JOB_WAIT_CREDIT, /* for anybody's answer: too many requests are outstanding */
	DSA_JOB_WAIT_DRAIN,  /* for earlier jobs of its queue */
	DSA_JOB_STATES,
};

struct dsa_error {
	bool valid;
	bool again; /* more than one during a slice */
	uint8_t code;
	uint32_t invalid_flags;
	uint64_t addr;
	uint8_t opcode;
	bool in_batch;
	uint16_t batch_index;
};

struct dsa_job {
	uint8_t queue;
	uint64_t sequence; /* order of submission */
	struct dma_context context;
	bool may_block; /* the queue's block on fault */
	bool may_ask;   /* the queue's page requests */
	uint8_t max_transfer_lg2, max_batch_lg2;
	bool aborted;          /* atomic */
	uint64_t cost;         /* of this slice */
	struct dsa_task task;  /* the descriptor that was submitted */
	struct dsa_task child; /* the current one of its batch */
	bool in_child;
	bool child_failed;
	uint32_t child_index; /* descriptors of the batch that are finished */
	struct dsa_page page;
	uint32_t vectors;       /* interrupts that this slice earned */
	struct dsa_error error; /* to be reported when the slice is over */
};

#define DSA_ASSEMBLY_LINES 4u

/* A portal line that is being written in pieces. */
struct dsa_assembly {
	uint64_t offset; /* of the line in BAR 2 */
	uint16_t dwords; /* that have been written; 0: unused */
	uint32_t dword[16];
};

/* A queue as it was when it was enabled; its registers may not change meanwhile. */
struct dsa_wq {
	enum dsa_wq_state state;
	uint8_t group; /* DSA_NONE; fixed while the device is enabled */
	bool dedicated;
	uint16_t size, threshold;
	uint16_t count; /* jobs */
	struct dsa_assembly assembly[DSA_ASSEMBLY_LINES];
	unsigned next_assembly;
};

struct dsa_engine {
	struct dsa *dsa;
	struct worker *worker;
	uint8_t group; /* lock */
	bool running;  /* lock */
	unsigned cursor;
};

struct dsa_command {
	bool active;
	enum dsa_command_code code;
	uint32_t operand;
	bool interrupt;
	uint64_t before; /* jobs of a lower sequence are meant */
};

struct dsa {
	struct endpoint endpoint;
	struct pci_config config; /* written under lock */
	struct unit *unit;
	struct worker_pool *pool;
	const struct trace *trace;
	void (*irq)(void *arg, unsigned vector);
	void *irq_arg;
	unsigned queue_count, engine_count, vector_count;
	struct dsa_engine engines[DSA_MAX_ENGINES];

	struct lock lock; /* all that follows; dropped with dsa_unlock() */
	uint32_t regs[DSA_REGISTER_SPACE / 4];
	uint32_t msix[DSA_VECTORS * 4];
	struct dsa_wq wq[DSA_MAX_QUEUES];
	struct dsa_command command;
	uint64_t sequence; /* of the next job */
	uint64_t page_serial;
	uint64_t answers; /* page requests answered */
	unsigned next_slot;
	uint32_t raised;                /* vectors to fire when the lock is dropped */
	uint8_t state[DSA_MAX_ENTRIES]; /* enum dsa_job_state */
	uint64_t slots[DSA_JOB_STATES][DSA_MAX_ENTRIES / 64]; /* bit sets: those in that state */
	struct dsa_job jobs[DSA_MAX_ENTRIES];
};

/* dsa.c: registers and life. */

/* Fires the interrupts that were raised meanwhile. */
void dsa_unlock(struct dsa *dsa);
uint64_t dsa_reg(const struct dsa *dsa, uint32_t offset);
void dsa_set_reg(struct dsa *dsa, uint32_t offset, uint64_t value);
enum dsa_device_state dsa_device_state(const struct dsa *dsa);
void dsa_set_device_state(struct dsa *dsa, enum dsa_device_state state);
void dsa_registers_reset(struct dsa *dsa);
/* Into SWERR, or its overflow bit. Under the lock. */
void dsa_report(struct dsa *dsa, unsigned queue, const struct dsa_job *job,
		const struct dsa_error *error);
uint64_t dsa_wqcfg(const struct dsa *dsa, unsigned queue, unsigned quadword);
/* May a descriptor with this PASID (VSVA_PASID_INVALID: none) have the vector? No lock. */
bool dsa_vector_is_permitted(const struct dsa *dsa, uint64_t vector, uint32_t pasid);

/* dsa_command.c. Under the lock. */
void dsa_command_write(struct dsa *dsa, uint32_t value);
/* A job is gone: maybe that was the last one that the command waited for. */
void dsa_command_poll(struct dsa *dsa);

/* dsa_wq.c. Under the lock unless said otherwise. */

/* 0 or enum dsa_command_error */
unsigned dsa_wq_enable(struct dsa *dsa, unsigned queue);
void dsa_wq_disable(struct dsa *dsa, unsigned queue);
/* Disabled, and its registers as after reset. */
void dsa_wq_reset(struct dsa *dsa, unsigned queue);
void dsa_wq_config_write(struct dsa *dsa, uint32_t offset, uint32_t value);
uint32_t dsa_wq_config_read(const struct dsa *dsa, uint32_t offset);
/* Takes no lock that is held: a store to BAR 2. */
void dsa_portal_store(struct dsa *dsa, uint64_t offset, unsigned size, uint64_t value);

/* dsa_job.c: entries of queues. Under the lock. */
void dsa_jobs_init(struct dsa *dsa);
/* The first slot in that state, from this one on; -1: there is none. */
int dsa_job_next(const struct dsa *dsa, enum dsa_job_state state, unsigned from);
void dsa_job_set_state(struct dsa *dsa, unsigned slot, enum dsa_job_state state);
int dsa_job_alloc(struct dsa *dsa); /* -1: none is free */
void dsa_job_free(struct dsa *dsa, unsigned slot);
/* The same for one that is not completed. */
void dsa_job_give_up(struct dsa *dsa, unsigned slot);
/* Ends it without a record: at once, or as soon as its engine notices. */
void dsa_job_abort(struct dsa *dsa, unsigned slot);
void dsa_job_ready(struct dsa *dsa, unsigned slot);
/* Is an earlier job of the same queue and PASID unfinished? */
bool dsa_job_has_earlier(const struct dsa *dsa, unsigned slot);
/* The interface for page requests was reset: nobody will answer. */
void dsa_jobs_unanswerable(struct dsa *dsa);
void dsa_page_answer(struct endpoint *endpoint, uint64_t tag, unsigned code);

/* dsa_engine.c */
bool dsa_engine_run(void *engine);
/* An idle engine of the group, if there is one. Under the lock. */
void dsa_engine_kick(struct dsa *dsa, unsigned group);

/* The engine's side, without the lock: the job is running. */

struct dsa_run {
	struct dsa *dsa;
	struct dsa_job *job;
	struct dsa_task *task;
};

/* dsa_ops.c */
struct dsa_operation {
	uint8_t opcode;
	bool in_batch;   /* may stand in a batch */
	uint32_t flags;  /* that it knows beside those of every operation */
	uint32_t fields; /* DSA_USES_* */
	enum dsa_step (*step)(struct dsa_run *run);
};

enum {
	DSA_USES_SOURCE = 1u << 0,
	DSA_USES_DESTINATION = 1u << 1,
	DSA_USES_SIZE = 1u << 2,
	DSA_USES_EXPECTED = 1u << 3,
	DSA_USES_DESTINATION2 = 1u << 4,
	DSA_USES_CRC = 1u << 5,
};

const struct dsa_operation *dsa_operation_find(unsigned opcode);
/* OPCAP: a bit for each. */
void dsa_operations_bitmap(uint64_t bitmap[4]);

/* dsa_check.c: 0 or the status that the descriptor ends with. */
enum dsa_status dsa_check(const struct dsa_run *run, uint32_t *invalid_flags);

/* dsa_task.c */
void dsa_task_init(struct dsa_task *task, const struct dsa_descriptor *descriptor);
/* One step of one task, whatever phase it is in; DSA_STEP_DONE: record written. */
enum dsa_step dsa_task_step(struct dsa_run *run);
enum dsa_step dsa_job_step(struct dsa *dsa, struct dsa_job *job);

struct dsa_operand {
	uint64_t addr;
	enum unit_access access;
};

/* Windows of the same length, at most want, on all operands. DSA_STEP_MORE: here they are. DONE:
 * the task ends with a fault. PAGE: wait. */
enum dsa_step dsa_windows(struct dsa_run *run, const struct dsa_operand *operands, unsigned count,
			  size_t want, struct dma_window *windows);
/* What a failed access means: DSA_STEP_PAGE to wait for the page, or DSA_STEP_DONE with *status. */
enum dsa_step dsa_fault(struct dsa_run *run, bool block, enum dma_result result, uint64_t addr,
			enum unit_access access, uint8_t *status);

/* dsa_batch.c */
enum dsa_step dsa_batch_step(struct dsa_run *run);

/* dsa_completion.c: the last phase of a task. */
enum dsa_step dsa_complete(struct dsa_run *run);

/* dsa_crc.c */
uint32_t dsa_crc_begin(uint32_t seed, uint32_t flags);
uint32_t dsa_crc_add(uint32_t crc, uint32_t flags, const void *bytes, size_t len);
uint32_t dsa_crc_end(uint32_t crc, uint32_t flags);

#endif
