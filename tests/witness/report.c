/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INTERRUPT_FIRST UINT64_C(0xfee00000)
#define INTERRUPT_LAST  UINT64_C(0xfeefffff)

/* Comparison */

static bool is_pass_through(const struct tape *tape, const struct refwalk_request *request)
{
	struct tape_space space = tape_space(tape, request);

	return space.found && space.pgtt == 4;
}

static bool touches_interrupts(uint64_t address, unsigned lg2)
{
	uint64_t first = address >> lg2 << lg2, last = first + ((UINT64_C(1) << lg2) - 1);

	return first <= INTERRUPT_LAST && last >= INTERRUPT_FIRST;
}

/*
 * A page that touches the interrupt range is reported in pieces that do not: on the side of the output
 * SGN.8 judges each address, on the side of the input an address without PASID is no memory there.
 * Pass-through has no pages: the witness says 12, the unit something that is as good.
 */
static bool is_size_right(const struct tape *tape, const struct refwalk_request *request,
			  const struct refwalk_result *witness, const struct refwalk_result *unit)
{
	unsigned lg2 = is_pass_through(tape, request) ? 30 : witness->page_lg2;

	while (lg2 > 12 && (touches_interrupts(witness->hpa, lg2) ||
			    (!request->has_pasid && touches_interrupts(request->addr, lg2))))
		lg2 -= 9;
	return unit->page_lg2 == lg2;
}

static bool is_told(const struct refwalk_request *request, const struct refwalk_result *witness)
{
	/* why a page request is refused stands in the fault record only */
	return request->type != REFWALK_PAGE_REQUEST || witness->recorded;
}

const char *report_difference(const struct tape *tape, const struct refwalk_request *request,
			      const struct refwalk_result *w, const struct answer *unit)
{
	const struct refwalk_result *u = &unit->result;

	if (w->response != u->response)
		return "response";
	if (w->recorded != u->recorded)
		return "recorded";
	if (w->fault != u->fault && is_told(request, w))
		return "fault";
	if (w->hpa != u->hpa)
		return "output address";
	if (w->perm_r != u->perm_r || w->perm_w != u->perm_w || w->perm_u != u->perm_u)
		return "rights";
	if (w->interrupt != u->interrupt || w->untranslated_only != u->untranslated_only)
		return "interrupt";
	if (w->page_lg2 != u->page_lg2 && !is_size_right(tape, request, w, u))
		return "page size";
	return unit->complaint;
}

/* Story */

static const char *fault_name(uint8_t code)
{
	switch (code) {
	case 0:
		return "none";
#define NAME(name, code_, ...)                                                                     \
	case code_:                                                                                \
		return #name;
		REFWALK_REASONS(NAME)
#undef NAME
	default:
		return "unknown";
	}
}

static void print_result(const char *who, const struct refwalk_result *r)
{
	static const char *const responses[] = {"OK", "UR", "CA", "S0", "SE", "IR", "DROP"};

	printf("#   %-8s %-4s fault %02x (%s)%s hpa %" PRIx64 " lg2 %u %s%s%s%s%s\n", who,
	       responses[r->response], r->fault, fault_name(r->fault),
	       r->recorded ? " recorded" : "", r->hpa, r->page_lg2, r->perm_r ? "R" : "-",
	       r->perm_w ? "W" : "-", r->perm_u ? "U" : "-", r->interrupt ? " interrupt" : "",
	       r->untranslated_only ? " untranslated-only" : "");
}

static void print_request(const struct refwalk_request *r)
{
	static const char *const types[] = {"untranslated", "translation", "page"};

	printf("#   %s request from %04x, ", types[r->type], r->rid);
	if (r->has_pasid)
		printf("PASID %05x, ", r->pasid);
	printf("address %016" PRIx64 "%s%s%s%s%s%s\n", r->addr, r->read ? " read" : "",
	       r->write ? " write" : "", r->exec ? " execute" : "", r->priv ? " privileged" : "",
	       r->zero_length ? " zero-length" : "", r->lpig ? " last" : "");
}

static uint64_t now(const uint8_t *bytes, const struct gen_world *world, uint64_t hpa)
{
	uint64_t value;

	memcpy(&value, bytes + (hpa - world->base), sizeof(value));
	return value;
}

static void print_read(const struct tape *tape, const struct subject *subject,
		       const struct tape_read *r)
{
	for (unsigned i = 0; i < r->qwords; i++) {
		uint64_t at = r->hpa + 8ULL * i, there, here;

		there = now(tape->copy.bytes, tape->copy.world, at);
		here = now(subject->bytes, tape->copy.world, at);
		if (i > 2 && !there && !here)
			continue;
		printf("#   %c %010" PRIx64 "  read %016" PRIx64 "  witness %016" PRIx64
		       "  unit %016" PRIx64 "%s\n",
		       i ? ' ' : '>', at, r->value[i], there, here, there == here ? "" : "  <<<");
	}
}

void report_request(const struct tape *tape, const struct subject *subject,
		    const struct refwalk_request *request, const struct refwalk_result *witness,
		    const struct answer *unit)
{
	print_request(request);
	print_result("witness", witness);
	print_result("unit", &unit->result);
	if (unit->complaint)
		printf("#   %s\n", unit->complaint);
	for (unsigned i = 0; i < tape->count; i++)
		print_read(tape, subject, &tape->reads[i]);
}

void report_world(const struct gen_world *world)
{
	printf("#   cap %016" PRIx64 " ecap %016" PRIx64 " haw %u rtaddr %" PRIx64
	       "%s base %" PRIx64 "\n",
	       world->cap, world->ecap, world->haw, world->rtaddr, world->te ? "" : " TE=0",
	       world->base);
}
