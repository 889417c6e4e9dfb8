/* SPDX-License-Identifier: MIT */
/*
 * The walk with reasons against the reference walker: random tables, random requests. Both must agree
 * on response, fault, record, address, rights and page size, and the walk must foretell every bit that
 * the reference walker then sets in memory, and no other.
 *
 *	compare_walk [CASES [SEED]]
 *
 * Controls: a walk that is told something that is not so (another capability, a smaller HAW, memory
 * that can be written) must differ. Speaks TAP.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "refwalk/gen_chance.h"
#include "vsva/walk.h"

#define REQUESTS_PER_WORLD 256
#define MEMORY_EVERY       16 /* requests; the whole of it is compared */

/* What the walk is told wrongly. */
enum lie { LIE_NONE, LIE_HAW, LIE_NEST, LIE_WRITABLE, LIE_LEVELS, LIE_COUNT };
static const char *const lie_names[] = {"the truth", "control: a smaller HAW",
					"control: no nesting", "control: all memory can be written",
					"control: 5 levels where there are 4"};

struct run {
	enum lie lie;
	uint64_t seed, cases, differences;
	uint64_t by_code[VSVA_CODE_END];
	struct gen_world world;
	struct gen_copy copy;
	uint8_t *before;
	struct gen_rng rng;
};

static bool read_world(void *arg, uint64_t address, void *buf, size_t len)
{
	return gen_mem_read(arg, address, buf, (unsigned)len);
}

static bool can_write(void *arg, uint64_t address)
{
	uint64_t value;

	return gen_mem_read(arg, address, &value, sizeof(value)) &&
	       gen_mem_cas64(arg, address, &value, value);
}

static struct vsva_walk_unit unit_of(struct run *run)
{
	struct gen_world *world = &run->world;
	struct vsva_walk_unit unit = {
		.cap = world->cap,
		.ecap = world->ecap,
		.rtaddr = world->rtaddr,
		.translating = world->te,
		.haw = world->haw,
		.arg = &run->copy,
		.read = read_world,
		.can_write = can_write,
	};

	if (run->lie == LIE_HAW)
		unit.haw = 32;
	if (run->lie == LIE_NEST)
		unit.ecap &= ~(UINT64_C(1) << 26);
	if (run->lie == LIE_WRITABLE)
		unit.can_write = NULL;
	if (run->lie == LIE_LEVELS)
		unit.cap ^= UINT64_C(1) << 60;
	return unit;
}

static enum vsva_walk_type type_of(enum refwalk_type type)
{
	switch (type) {
	case REFWALK_TRANSLATION_REQUEST:
		return VSVA_WALK_TRANSLATION;
	case REFWALK_PAGE_REQUEST:
		return VSVA_WALK_PAGE_REQUEST;
	default:
		return VSVA_WALK_UNTRANSLATED;
	}
}

static struct vsva_walk_request request_of(const struct refwalk_request *from)
{
	return (struct vsva_walk_request){
		.rid = {from->rid},
		.pasid = from->has_pasid ? from->pasid : VSVA_PASID_INVALID,
		.address = from->addr,
		.type = type_of(from->type),
		.read = from->read,
		.write = from->write,
		.execute = from->exec,
		.privileged = from->priv,
		.zero_length = from->zero_length,
		.last = from->lpig,
	};
}

static enum refwalk_response response_of(enum vsva_walk_response response)
{
	static const enum refwalk_response responses[] = {
		[VSVA_WALK_SUCCESS] = REFWALK_OK,
		[VSVA_WALK_UNSUPPORTED_REQUEST] = REFWALK_UR,
		[VSVA_WALK_COMPLETER_ABORT] = REFWALK_CA,
		[VSVA_WALK_NO_RIGHTS] = REFWALK_S0,
		[VSVA_WALK_SOME_RIGHTS] = REFWALK_SE,
		[VSVA_WALK_INVALID_REQUEST] = REFWALK_IR,
		[VSVA_WALK_NO_ANSWER] = REFWALK_DROP,
		[VSVA_WALK_NOT_SENT] = REFWALK_OK,
	};

	return responses[response];
}

static const char *difference(const struct refwalk_result *w, const struct vsva_walk_result *o)
{
	if (w->fault != o->fault)
		return "fault";
	if (w->response != response_of(o->response))
		return "response";
	if (w->recorded != o->recorded)
		return "recorded";
	if (w->hpa != o->output || w->page_lg2 != o->page_lg2)
		return "address";
	if (w->perm_r != o->can_read || w->perm_w != o->can_write || w->perm_u != o->is_user)
		return "rights";
	if (w->interrupt != o->interrupt || w->untranslated_only != o->untranslated_only)
		return "interrupt";
	if ((w->response == REFWALK_OK) != !o->cause)
		return "cause";
	if (o->cause && w->fault && o->stopped_at < 0)
		return "no step";
	return NULL;
}

/* The memory before with the updates foretold must be the memory after. */
static bool is_memory_foretold(struct run *run, const struct vsva_walk_result *o)
{
	for (unsigned i = 0; i < o->update_count; i++) {
		uint8_t *at = run->before + (o->updates[i].at - run->world.base);
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		word |= o->updates[i].bits;
		memcpy(at, &word, sizeof(word));
	}
	return !memcmp(run->before, run->copy.bytes, run->world.len);
}

static void tell(const struct run *run, const char *what, const struct vsva_walk_request *request,
		 const struct refwalk_result *w, const struct vsva_walk_result *o)
{
	char name[64];

	if (run->lie || run->differences > 5)
		return;
	printf("# %s differs; seed %" PRIu64 ": rid %04x pasid %x address %" PRIx64 " type %d\n",
	       what, run->seed, request->rid.v, request->pasid, request->address, request->type);
	printf("#   witness fault %02x response %d hpa %" PRIx64 " lg2 %u\n", w->fault, w->response,
	       w->hpa, w->page_lg2);
	printf("#   walk    fault %02x response %d hpa %" PRIx64 " lg2 %u %s\n", o->fault,
	       response_of(o->response), o->output, o->page_lg2, vsva_code_name(o->cause));
	for (unsigned i = 0; i < o->step_count; i++) {
		vsva_walk_step_name(&o->steps[i], name, sizeof(name));
		printf("#   %s at %" PRIx64 " (%" PRIx64 "): %" PRIx64 "\n", name, o->steps[i].at,
		       o->steps[i].at_host, o->steps[i].raw[0]);
	}
}

static void try_request(struct run *run)
{
	struct refwalk_request drawn = gen_request(&run->rng, &run->world);
	struct vsva_walk_request request = request_of(&drawn);
	struct vsva_walk_unit unit = unit_of(run);
	struct refwalk_unit witness_unit = gen_unit(&run->copy);
	struct refwalk_result witness;
	struct vsva_walk_result result;
	bool looks_at_all = run->cases % MEMORY_EVERY == 0;
	const char *what;

	vsva_walk(&unit, &request, &result);
	if (looks_at_all)
		memcpy(run->before, run->copy.bytes, run->world.len);
	witness = refwalk_translate(&witness_unit, &drawn);
	what = difference(&witness, &result);
	if (!what && looks_at_all && !is_memory_foretold(run, &result))
		what = "memory";
	run->cases++;
	run->by_code[result.cause]++;
	if (!what)
		return;
	run->differences++;
	tell(run, what, &request, &witness, &result);
}

static void run_cases(struct run *run, enum lie lie, uint64_t cases, uint64_t seed)
{
	run->lie = lie;
	run->cases = run->differences = 0;
	for (run->seed = seed; run->cases < cases && run->differences < 10; run->seed++) {
		gen_world(&run->world, run->seed, run->copy.bytes, GEN_LEN_MIN, GEN_DENSITY);
		run->rng = gen_rng_from(~run->seed);
		for (unsigned i = 0; i < REQUESTS_PER_WORLD; i++)
			try_request(run);
	}
}

static unsigned tests, failures;

static void result(bool ok, const struct run *run, const char *what)
{
	failures += !ok;
	printf("%sok %u - %s: %" PRIu64 " requests, %" PRIu64 " differences\n", ok ? "" : "not ",
	       ++tests, what, run->cases, run->differences);
}

/* Every cause of the walk, and success, must have been met: in many cases all, in few most. */
static void count_codes(const struct run *run)
{
#define NOT_MET(code, ...)                                                                         \
	if (!run->by_code[VSVA_CODE_##code]) {                                                     \
		printf("# %s was never met\n", #code);                                             \
		missed++;                                                                          \
	}
	unsigned missed = 0;

	VSVA_WALK_CODES(NOT_MET)
	if (run->cases < 1000000 && missed <= 8)
		missed = 0;
	result(!missed && run->by_code[VSVA_CODE_NONE] > run->cases / 8, run, "every cause is met");
}

int main(int argc, char **argv)
{
	uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 0) : 200000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	struct run *run = calloc(1, sizeof(*run));

	run->copy = (struct gen_copy){&run->world, calloc(1, GEN_LEN_MIN)};
	run->before = calloc(1, GEN_LEN_MIN);
	run_cases(run, LIE_NONE, cases, seed);
	result(!run->differences, run, lie_names[LIE_NONE]);
	count_codes(run);
	for (enum lie lie = LIE_NONE + 1; lie < LIE_COUNT; lie++) {
		run_cases(run, lie, cases, seed);
		result(run->differences > 0, run, lie_names[lie]);
	}
	printf("1..%u\n", tests);
	free(run->copy.bytes);
	free(run->before);
	free(run);
	return failures ? 1 : 0;
}
