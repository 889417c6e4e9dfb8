/* SPDX-License-Identifier: MIT */
/* Work on an accelerator: process:submit, and the operations that submit and wait. */
#include <errno.h>
#include <string.h>

#include "cli/journey.h"
#include "cli/scenario/scenario.h"

/* Operations */

/* What an operation reads of its table, in terms of the descriptor. */
enum uses {
	USES_SRC = 1,
	USES_DST = 2,
	USES_LEN = 4,
	USES_SRC2 = 8,       /* in the destination's place */
	USES_DST2 = 16,      /* operation[0] */
	USES_SEED = 32,      /* operation[0] */
	USES_PATTERN = 64,   /* in the source's place */
	USES_PATTERN2 = 128, /* in the destination's place */
};

static const struct operation {
	const char *name;
	enum vsva_dsa_opcode opcode;
	unsigned uses;
} operations[] = {
	{"noop", VSVA_DSA_NOOP, 0},
	{"drain", VSVA_DSA_DRAIN, 0},
	{"copy", VSVA_DSA_MEMMOVE, USES_SRC | USES_DST | USES_LEN},
	{"fill", VSVA_DSA_FILL, USES_PATTERN | USES_DST | USES_LEN},
	{"compare", VSVA_DSA_COMPARE, USES_SRC | USES_SRC2 | USES_LEN},
	{"compare_pattern", VSVA_DSA_COMPARE_PATTERN, USES_SRC | USES_PATTERN2 | USES_LEN},
	{"dualcast", VSVA_DSA_DUALCAST, USES_SRC | USES_DST | USES_DST2 | USES_LEN},
	{"crc", VSVA_DSA_CRC_GENERATION, USES_SRC | USES_LEN | USES_SEED},
	{"copy_crc", VSVA_DSA_COPY_WITH_CRC, USES_SRC | USES_DST | USES_LEN | USES_SEED},
	{"flush", VSVA_DSA_CACHE_FLUSH, USES_DST | USES_LEN},
};
#define OPERATION_COUNT (sizeof(operations) / sizeof(operations[0]))

static const char *const keys[] = {"op",         "src",     "dst",
				   "len",        "src2",    "dst2",
				   "seed",       "pattern", "block_on_fault",
				   "shared",     "fence",   "record",
				   "completion", "flags",   NULL};

static const struct operation *find_operation(lua_State *L, const char *name)
{
	for (size_t i = 0; i < OPERATION_COUNT; i++)
		if (name && !strcmp(operations[i].name, name))
			return &operations[i];
	luaL_error(
		L,
		"no operation '%s'; there are: noop, drain, copy, fill, compare, compare_pattern, "
		"dualcast, crc, copy_crc, flush",
		name ? name : "nil");
	return NULL;
}

static uint32_t flags_option(lua_State *L, int arg)
{
	uint32_t flags = (uint32_t)scenario_number(L, arg, "flags", 0);

	if (scenario_flag(L, arg, "block_on_fault", true))
		flags |= VSVA_DSA_BLOCK_ON_FAULT;
	if (scenario_flag(L, arg, "fence", false))
		flags |= VSVA_DSA_FENCE;
	if (scenario_flag(L, arg, "record", true))
		flags |= VSVA_DSA_COMPLETION_VALID | VSVA_DSA_REQUEST_COMPLETION;
	return flags;
}

static void read_addresses(lua_State *L, int arg, unsigned uses, struct vsva_dsa_descriptor *out)
{
	if (uses & USES_SRC)
		out->source = scenario_needed(L, arg, "src");
	if (uses & USES_PATTERN)
		out->source = scenario_needed(L, arg, "pattern");
	if (uses & USES_DST)
		out->destination = scenario_needed(L, arg, "dst");
	if (uses & USES_SRC2)
		out->destination = scenario_needed(L, arg, "src2");
	if (uses & USES_PATTERN2)
		out->destination = scenario_needed(L, arg, "pattern");
	if (uses & USES_DST2)
		out->operation[0] = scenario_needed(L, arg, "dst2");
	if (uses & USES_SEED)
		out->operation[0] = scenario_number(L, arg, "seed", 0);
	if (uses & USES_LEN)
		out->size = (uint32_t)scenario_needed(L, arg, "len");
}

static struct vsva_dsa_descriptor descriptor_option(lua_State *L, int arg,
						    const struct operation *op)
{
	struct vsva_dsa_descriptor descriptor;

	memset(&descriptor, 0, sizeof(descriptor));
	descriptor.flags_opcode = (uint32_t)op->opcode << 24 | flags_option(L, arg);
	descriptor.completion = scenario_number(L, arg, "completion", 0);
	read_addresses(L, arg, op->uses, &descriptor);
	return descriptor;
}

/* Results */

static void push_record(lua_State *L, const struct vsva_dsa_completion *record)
{
	lua_newtable(L);
	scenario_set_number(L, "status", record->status & ~VSVA_DSA_STATUS_WRITE);
	scenario_set_text(L, "name", dsa_status_name(record->status));
	scenario_set_flag(L, "ok", record->status == VSVA_DSA_SUCCESS);
	scenario_set_flag(L, "write", record->status & VSVA_DSA_STATUS_WRITE);
	scenario_set_number(L, "result", record->result);
	scenario_set_number(L, "bytes", record->bytes_completed);
	scenario_set_number(L, "fault_address", record->fault_address);
	scenario_set_number(L, "crc", record->crc);
}

static int push_result(lua_State *L, const struct job *job, const struct job_result *result)
{
	push_record(L, &result->record);
	if (!job->batch_count)
		return 1;
	lua_createtable(L, (int)job->batch_count, 0);
	for (unsigned i = 0; i < job->batch_count; i++) {
		push_record(L, &result->batch[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "items");
	return 1;
}

/* Jobs */

/* A job lives in a userdata of its own; is_over: it has been waited for. */
struct scenario_job {
	struct job job;
	bool is_over;
};

static struct scenario_job *push_job(lua_State *L, struct world_process *process)
{
	struct scenario_job *job = lua_newuserdatauv(L, sizeof(*job), 0);

	memset(job, 0, sizeof(*job));
	job->job.process = process;
	luaL_setmetatable(L, SCENARIO_JOB);
	return job;
}

static int job_tostring(lua_State *L)
{
	const struct scenario_job *job = luaL_checkudata(L, 1, SCENARIO_JOB);

	lua_pushfstring(L, "%s of %s", dsa_opcode_name(job->job.descriptor.flags_opcode >> 24),
			job->job.process->name);
	return 1;
}

/* Not in the middle of somebody else's record: a waiter must have one. */
static void check_waitable(lua_State *L, const struct scenario_job *job)
{
	if (job->is_over)
		luaL_error(L, "this job has been waited for");
	if (!(job->job.descriptor.flags_opcode & VSVA_DSA_COMPLETION_VALID))
		luaL_error(
			L,
			"this job has no completion record (record = false): nothing to wait for");
}

static int wait_for(lua_State *L, struct scenario_job *job)
{
	struct job_result result;
	int err;

	check_waitable(L, job);
	job->is_over = true;
	err = job_wait(&job->job, &result);
	if (err == -ESTALE)
		return luaL_error(L, "process %s is dead: nobody is told how its job ended",
				  job->job.process->name);
	scenario_check(L, err, "waiting for a job of %s", job->job.process->name);
	return push_result(L, &job->job, &result);
}

static int job_wait_method(lua_State *L)
{
	return wait_for(L, luaL_checkudata(L, 1, SCENARIO_JOB));
}

static struct scenario_job *submit(lua_State *L, const struct operation *op)
{
	struct world_process *process = scenario_process(L, 1);
	struct world_device *device = scenario_device(L, 2);
	struct scenario_job *job;

	lua_settop(L, 3);
	scenario_options(L, 3, keys);
	if (!op)
		op = find_operation(L, scenario_text(L, 3, "op"));
	job = push_job(L, process);
	job->job.descriptor = descriptor_option(L, 3, op);
	job->job.is_shared = scenario_flag(L, 3, "shared", false);
	scenario_check_device(L, process, device);
	scenario_check(L, job_submit(&job->job, device), "%s by %s on %s", op->name, process->name,
		       device->name);
	return job;
}

/* process:submit(device, {op = …}) → job */
static int process_submit(lua_State *L)
{
	submit(L, NULL);
	return 1;
}

/* process:copy(device, {…}) and the like: the operation is in the upvalue */
static int process_operation(lua_State *L)
{
	const struct operation *op = lua_touserdata(L, lua_upvalueindex(1));

	return wait_for(L, submit(L, op));
}

/* Batches */

static void read_batch(lua_State *L, int arg, struct job *job)
{
	lua_Integer count = luaL_len(L, arg);

	luaL_argcheck(L, count >= 2 && count <= JOB_BATCH_MAX, arg,
		      "a batch has 2 to 32 operations");
	for (lua_Integer i = 1; i <= count; i++) {
		lua_geti(L, arg, i);
		luaL_argcheck(L, lua_istable(L, -1), arg, "each operation is a table");
		scenario_options(L, lua_gettop(L), keys);
		job->batch[i - 1] = descriptor_option(
			L, lua_gettop(L), find_operation(L, scenario_text(L, lua_gettop(L), "op")));
		lua_pop(L, 1);
	}
	job->batch_count = (unsigned)count;
}

/* process:batch(device, {{op = …}, {op = …}, …, shared = …}) */
static int process_batch(lua_State *L)
{
	static const struct operation batch = {"batch", VSVA_DSA_BATCH, 0};
	struct world_process *process = scenario_process(L, 1);
	struct world_device *device = scenario_device(L, 2);
	struct scenario_job *job;

	luaL_checktype(L, 3, LUA_TTABLE);
	lua_settop(L, 3);
	scenario_options(L, 3, keys);
	job = push_job(L, process);
	job->job.descriptor = descriptor_option(L, 3, &batch);
	job->job.is_shared = scenario_flag(L, 3, "shared", false);
	read_batch(L, 3, &job->job);
	scenario_check_device(L, process, device);
	scenario_check(L, job_submit(&job->job, device), "batch by %s on %s", process->name,
		       device->name);
	return wait_for(L, job);
}

/* process:raw(device, bytes, shared): 64 bytes as they are; nobody waits. */
static int process_raw(lua_State *L)
{
	struct world_process *process = scenario_process(L, 1);
	struct world_device *device = scenario_device(L, 2);
	size_t len;
	const char *bytes = luaL_checklstring(L, 3, &len);
	struct vsva_dsa_descriptor descriptor;
	int err;

	luaL_argcheck(L, len == sizeof(descriptor), 3, "a descriptor has 64 bytes");
	memcpy(&descriptor, bytes, sizeof(descriptor));
	scenario_check_device(L, process, device);
	err = world_process_submit(process, device, &descriptor, lua_toboolean(L, 4));
	lua_pushboolean(L, !err);
	return 1;
}

void scenario_open_job(lua_State *L)
{
	static const luaL_Reg methods[] = {{"wait", job_wait_method}, {NULL, NULL}};
	static const luaL_Reg process_methods[] = {{"submit", process_submit},
						   {"batch", process_batch},
						   {"raw", process_raw},
						   {NULL, NULL}};

	scenario_methods(L, SCENARIO_JOB, methods, job_tostring);
	luaL_getmetatable(L, SCENARIO_PROCESS);
	luaL_setfuncs(L, process_methods, 0);
	for (size_t i = 0; i < OPERATION_COUNT; i++) {
		const struct operation *op = &operations[i];

		lua_pushlightuserdata(L, (void *)(uintptr_t)op);
		lua_pushcclosure(L, process_operation, 1);
		/* process:fill is the CPU's own */
		lua_setfield(L, -2, op->opcode == VSVA_DSA_FILL ? "fill_dsa" : op->name);
	}
	lua_pop(L, 1);
}
