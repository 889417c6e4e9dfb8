// SPDX-License-Identifier: MIT
/* What explain_access() found, in sentences and as JSON. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "cli/json_text.h"

#define MEANING_MAX 240u

/* It begins a sentence. */
static const char *access_name(const struct explain_request *request)
{
	if (request->execute)
		return "An execute access";
	if (request->read && request->write)
		return "An atomic access";
	return request->write ? "A write" : "A read";
}

static void print_who(const struct explain_request *request, const struct explain_result *result,
		      FILE *out)
{
	char rid[8];

	rid_format(result->rid, rid);
	fprintf(out, "%s of 0x%" PRIx64 " by %s", access_name(request), request->address, rid);
	if (result->vm) {
		rid_format(result->guest_rid, rid);
		fprintf(out, " (%s of VM %u)", rid, result->vm);
	}
	if (request->pasid == VSVA_PASID_INVALID)
		fputs(" without PASID", out);
	else
		fprintf(out, " under PASID %u", request->pasid);
	if (result->vm && result->host_pasid != VSVA_PASID_INVALID)
		fprintf(out, " (host PASID 0x%x)", result->host_pasid);
}

/* Steps */

static void print_place(const struct vsva_walk_step *step, bool is_guests, FILE *out)
{
	const char *space = is_guests ? "GPA" : "HPA";

	if (step->kind == VSVA_WALK_RTADDR)
		fprintf(out, "register 0x%" PRIx64, step->at);
	else if (step->at != step->at_host)
		fprintf(out, "GPA 0x%" PRIx64 ", HPA 0x%" PRIx64, step->at, step->at_host);
	else
		fprintf(out, "%s 0x%" PRIx64, space, step->at);
}

static void print_step(const struct vsva_walk_step *step, bool is_guests, FILE *out)
{
	char name[64], meaning[MEANING_MAX];

	vsva_walk_step_name(step, name, sizeof(name));
	vsva_walk_step_meaning(step, meaning, sizeof(meaning));
	fprintf(out, "  %s%-*s ", step->inner ? "  " : "", step->inner ? 30 : 32, name);
	print_place(step, is_guests, out);
	fprintf(out, ": 0x%" PRIx64 "  %s", step->raw[0], meaning);
	if (step->cause)
		fprintf(out, "  <- [%s]", vsva_code_name(step->cause));
	fputc('\n', out);
}

static void print_steps(const struct explain_result *result, FILE *out)
{
	fprintf(out, "The walk through the %s tables:\n", result->is_guests ? "guest's" : "host's");
	for (unsigned i = 0; i < result->walk.step_count; i++)
		print_step(&result->walk.steps[i], result->is_guests, out);
}

static void print_where(const struct explain_result *result, FILE *out)
{
	const struct vsva_walk_result *walk = &result->walk;
	const struct vsva_walk_step *step;
	char name[64], meaning[MEANING_MAX];

	if (walk->stopped_at < 0 || walk->steps[walk->stopped_at].cause != walk->cause)
		return;
	step = &walk->steps[walk->stopped_at];
	vsva_walk_step_name(step, name, sizeof(name));
	vsva_walk_step_meaning(step, meaning, sizeof(meaning));
	fprintf(out, "  where   %s %s at ", result->is_guests ? "the guest's" : "the host's", name);
	print_place(step, result->is_guests, out);
	fprintf(out, "\n  entry   0x%" PRIx64 "  %s\n", step->raw[0], meaning);
	if (walk->detail)
		fprintf(out, "  bits    0x%" PRIx64 " of word %u are reserved\n", walk->detail,
			walk->detail_word);
	if (step->inner)
		fputs("  for     a table of the first stage, not the page itself\n", out);
}

/* What the unit says of it. */
static void print_answer(const struct explain_result *result, FILE *out)
{
	static const char *const responses[] = {
		[VSVA_WALK_SUCCESS] = NULL,
		[VSVA_WALK_UNSUPPORTED_REQUEST] = "unsupported request",
		[VSVA_WALK_COMPLETER_ABORT] = "completer abort",
		[VSVA_WALK_NO_RIGHTS] = "a translation without rights",
		[VSVA_WALK_SOME_RIGHTS] = "a translation with fewer rights",
		[VSVA_WALK_INVALID_REQUEST] = "invalid request",
		[VSVA_WALK_NO_ANSWER] = "none",
		[VSVA_WALK_NOT_SENT] = "none: the request is not sent",
	};
	const struct vsva_walk_result *walk = &result->walk;

	if (walk->fault)
		fprintf(out, "  fault   %s (%02Xh)%s\n", vsva_walk_fault_name(walk->fault),
			walk->fault, walk->recorded ? "" : ", not recorded");
	if (responses[walk->response])
		fprintf(out, "  answer  %s\n", responses[walk->response]);
}

static void print_success(const struct explain_result *result, FILE *out)
{
	const struct vsva_walk_result *walk = &result->walk;

	fprintf(out, " succeeds: HPA 0x%" PRIx64 ", page of %" PRIu64 " KiB, %s%s%s.\n",
		walk->output, (UINT64_C(1) << walk->page_lg2) / 1024, walk->can_read ? "R" : "-",
		walk->can_write ? "W" : "-", walk->is_user ? "U" : "-");
	if (!walk->translated)
		fputs("Nothing is translated: the unit lets it pass unchanged.\n", out);
	if (walk->update_count)
		fprintf(out, "It sets A or D in %u entr%s.\n", walk->update_count,
			walk->update_count == 1 ? "y" : "ies");
}

static void print_cause(const struct explain_result *result, FILE *out)
{
	const char *what = vsva_code_info(result->cause)->what;

	fprintf(out, "%c%s.\n", toupper((unsigned char)*what), what + 1);
	print_where(result, out);
	print_answer(result, out);
	if (result->cause == VSVA_CODE_IOTLB_STALE)
		fprintf(out, "  cached  the access goes to HPA 0x%" PRIx64 "\n",
			result->cached_output);
	if (*vsva_code_info(result->cause)->clause)
		fprintf(out, "  clause  %s\n", vsva_code_info(result->cause)->clause);
	fprintf(out, "  change  %s.\n", vsva_code_info(result->cause)->change);
	if (result->is_recoverable)
		fputs("The device may ask for the page (PRI): a handler in the guest can still let "
		      "the access succeed.\n",
		      out);
}

void explain_access_print(const struct explain_request *request,
			  const struct explain_result *result, bool steps, FILE *out)
{
	print_who(request, result, out);
	if (!result->cause) {
		print_success(result, out);
	} else {
		fprintf(out, " is %s. [%s]\n",
			result->cause == VSVA_CODE_IOTLB_STALE ? "not what memory says" : "stopped",
			vsva_code_name(result->cause));
		print_cause(result, out);
	}
	if (steps)
		print_steps(result, out);
}

/* JSON */

static struct json_object *step_json(const struct vsva_walk_step *step)
{
	struct json_object *item = json_object_new_object(), *words = json_object_new_array();
	char text[MEANING_MAX];

	vsva_walk_step_name(step, text, sizeof(text));
	json_add_text(item, "what", text);
	if (step->level)
		json_add_number(item, "level", step->level);
	json_add_flag(item, "inner", step->inner);
	json_add_hex(item, "at", step->at);
	json_add_hex(item, "at_host", step->at_host);
	for (unsigned i = 0; i < step->words; i++)
		json_object_array_add(words, json_new_hex(step->raw[i]));
	json_object_object_add(item, "words", words);
	vsva_walk_step_meaning(step, text, sizeof(text));
	json_add_text(item, "meaning", text);
	json_add_text(item, "cause", step->cause ? vsva_code_name(step->cause) : NULL);
	return item;
}

static void add_cause(struct json_object *object, const struct explain_result *result)
{
	const struct vsva_code_info *info = vsva_code_info(result->cause);

	if (!info)
		return;
	json_add_text(object, "cause", info->name);
	json_add_text(object, "what", info->what);
	json_add_text(object, "clause", info->clause);
	json_add_text(object, "change", info->change);
	if (result->walk.fault)
		json_add_text(object, "fault", vsva_walk_fault_name(result->walk.fault));
}

struct json_object *explain_access_json(const struct explain_request *request,
					const struct explain_result *result)
{
	struct json_object *object = json_object_new_object(), *steps = json_object_new_array();

	json_add_rid(object, "device", result->rid);
	if (result->vm)
		json_add_number(object, "vm", result->vm);
	if (request->pasid != VSVA_PASID_INVALID)
		json_add_number(object, "pasid", request->pasid);
	if (result->host_pasid != VSVA_PASID_INVALID)
		json_add_number(object, "host_pasid", result->host_pasid);
	json_add_hex(object, "address", request->address);
	json_add_flag(object, "succeeds", !result->cause);
	add_cause(object, result);
	if (!result->cause)
		json_add_hex(object, "output", result->walk.output);
	json_add_flag(object, "recoverable", result->is_recoverable);
	json_add_text(object, "tables", result->is_guests ? "guest" : "host");
	for (unsigned i = 0; i < result->walk.step_count; i++)
		json_object_array_add(steps, step_json(&result->walk.steps[i]));
	json_object_object_add(object, "steps", steps);
	return object;
}
