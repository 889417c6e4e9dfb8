// SPDX-License-Identifier: MIT
/* Every entry that a walk meets, and where it ends. */
#include "cli/show/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/json_text.h"
#include "cli/decode.h"
#include "cli/status.h"

int show_find(struct show *show, struct explain_place *place, struct json_object **rows)
{
	int err = explain_find(show->view, (uint16_t)show->device, show->vm, place);

	*rows = err == -ENOENT ? json_object_new_array() : NULL;
	return err;
}

uint32_t show_walk_pasid(uint32_t pasid)
{
	return pasid == SHOW_ANY ? VSVA_PASID_INVALID : pasid;
}

int show_walk_side(struct show *show, const struct explain_place *place, uint32_t vm,
		   uint32_t pasid, struct vsva_walk_result *walk)
{
	struct explain_reader reader = {.view = show->view, .vm = vm};
	struct vsva_walk_request request = {
		.rid = {vm ? place->guest_rid : place->rid},
		.pasid = pasid,
		.address = show->address,
		.read = !show->write,
		.write = show->write,
	};
	struct vsva_walk_unit unit;

	*walk = (struct vsva_walk_result){0};
	if (explain_unit(place, &reader, &unit))
		vsva_walk(&unit, &request, walk);
	return reader.err;
}

uint32_t show_walk_host_pasid(struct show *show, const struct explain_place *place)
{
	if (!place->vm || show->pasid == SHOW_ANY)
		return show_walk_pasid(show->pasid);
	return (uint32_t)json_number_of(explain_pasid(place, place->vm, show->pasid), "host_pasid",
					VSVA_PASID_INVALID);
}

static struct json_object *step_row(const struct vsva_walk_step *step)
{
	struct json_object *row = json_object_new_object();
	char text[400];

	vsva_walk_step_name(step, text, sizeof(text));
	json_add_text(row, "what", text);
	json_add_flag(row, "inner", step->inner);
	json_add_hex(row, "input", step->input);
	json_add_hex(row, "at", step->at);
	json_add_hex(row, "at_host", step->at_host);
	json_object_object_add(row, "words", decode_list(step->raw, step->words));
	vsva_walk_step_meaning(step, text, sizeof(text));
	json_add_text(row, "meaning", text);
	if (step->cause)
		json_add_text(row, "cause", vsva_code_name(step->cause));
	return row;
}

static struct json_object *walk_row(struct show *show, const struct explain_place *place,
				    const struct vsva_walk_result *walk, uint32_t host_pasid)
{
	struct json_object *row = json_object_new_object(), *steps = json_object_new_array();

	json_add_rid(row, "device", place->rid);
	if (place->vm)
		json_add_number(row, "vm", place->vm);
	if (show->pasid != SHOW_ANY)
		json_add_number(row, "pasid", show->pasid);
	if (host_pasid != VSVA_PASID_INVALID)
		json_add_number(row, "host_pasid", host_pasid);
	json_add_hex(row, "address", show->address);
	for (unsigned i = 0; i < walk->step_count; i++)
		json_object_array_add(steps, step_row(&walk->steps[i]));
	json_object_object_add(row, "steps", steps);
	if (walk->cause) {
		json_add_text(row, "cause", vsva_code_name(walk->cause));
		json_add_text(row, "what", vsva_code_info(walk->cause)->what);
		json_add_text(row, "clause", vsva_code_info(walk->cause)->clause);
	} else {
		json_add_hex(row, "output", walk->output);
		json_add_hex(row, "page", UINT64_C(1) << walk->page_lg2);
		json_add_flag(row, "writable", walk->can_write);
	}
	return row;
}

struct json_object *show_walk_collect(struct show *show)
{
	struct json_object *rows = NULL;
	struct vsva_walk_result walk;
	struct explain_place place;
	uint32_t host_pasid;

	if (show_find(show, &place, &rows))
		return rows;
	host_pasid = show_walk_host_pasid(show, &place);
	if (host_pasid == VSVA_PASID_INVALID && show->pasid != SHOW_ANY) {
		complain(VSVA_CODE_PASID_UNKNOWN, "PASID %u has no host PASID now", show->pasid);
		rows = json_object_new_array();
	} else if (!show_walk_side(show, &place, 0, host_pasid, &walk)) {
		rows = json_object_new_array();
		json_object_array_add(rows, walk_row(show, &place, &walk, host_pasid));
	}
	explain_forget(&place);
	return rows;
}

static void print_step(struct show *show, struct json_object *step)
{
	const char *at = json_text_of(step, "at"), *host = json_text_of(step, "at_host");
	bool inner = json_flag_of(step, "inner");
	uint64_t words[8];

	decode_words(json_member(step, "words"), words, 8);
	fprintf(show->out, "%s%-*s ", inner ? "    " : "  ", inner ? 29 : 31,
		json_text_of(step, "what"));
	show_styled(show, SHOW_DIM, "%-12s ", host);
	show_styled(show, SHOW_NUMBER, "%016" PRIx64, words[0]);
	fprintf(show->out, "  %s", json_text_of(step, "meaning"));
	if (strcmp(at, host) && strcmp(json_text_of(step, "what"), "root table register"))
		show_styled(show, SHOW_DIM, "  (GPA %s)", at);
	if (json_text_of(step, "cause"))
		show_styled(show, SHOW_BAD, "  <- stops: %s", json_text_of(step, "cause"));
	fputc('\n', show->out);
}

void show_walk_print(struct show *show, struct json_object *rows)
{
	for (size_t i = 0; i < json_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		struct json_object *steps = json_member(row, "steps");

		for (size_t k = 0; k < json_length(steps); k++)
			print_step(show, json_object_array_get_idx(steps, k));
		if (json_text_of(row, "cause"))
			show_styled(show, SHOW_BAD, "%s stops: %s [%s] %s\n",
				    json_text_of(row, "address"), json_text_of(row, "what"),
				    json_text_of(row, "cause"), json_text_of(row, "clause"));
		else
			show_styled(show, SHOW_GOOD, "%s -> %s, page of %s bytes, %s\n",
				    json_text_of(row, "address"), json_text_of(row, "output"),
				    json_text_of(row, "page"),
				    json_flag_of(row, "writable") ? "writable" : "read-only");
	}
}
