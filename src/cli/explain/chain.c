// SPDX-License-Identifier: MIT
#include <stdarg.h>

#include "cli/decode.h"
#include "cli/explain/explain.h"
#include "cli/json_text.h"
#include "vsva/describe.h"

static void add(struct explain_chain *chain, enum explain_verdict verdict, enum vsva_code code,
		const char *what, const char *format, va_list args)
{
	struct explain_link *link;

	if (chain->count == EXPLAIN_LINKS)
		return;
	link = &chain->links[chain->count++];
	*link = (struct explain_link){.verdict = verdict, .code = code};
	snprintf(link->what, sizeof(link->what), "%s", what);
	vsnprintf(link->detail, sizeof(link->detail), format, args);
}

void explain_link_add(struct explain_chain *chain, bool ok, enum vsva_code code, const char *what,
		      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(chain, ok ? EXPLAIN_OK : EXPLAIN_MISSING, ok ? VSVA_CODE_NONE : code, what, format,
	    args);
	va_end(args);
}

void explain_link_note(struct explain_chain *chain, enum vsva_code code, const char *what,
		       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(chain, EXPLAIN_NOTE, code, what, format, args);
	va_end(args);
}

enum vsva_code explain_chain_cause(const struct explain_chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		if (chain->links[i].verdict == EXPLAIN_MISSING)
			return chain->links[i].code;
	return VSVA_CODE_NONE;
}

/* Capabilities, VT-d 11.4.2 and 11.4.3 */

/* register, field, what it is for, code, can a guest do without */
static const struct {
	const char *layout, *field, *text;
	enum vsva_code code;
	bool is_optional;
} capabilities[] = {
	{"ECAP", "QI", "queued invalidation", VSVA_CODE_CAP_QI, false},
	{"ECAP", "SMTS", "scalable mode", VSVA_CODE_CAP_SMTS, false},
	{"ECAP", "PASID", "requests with PASID", VSVA_CODE_CAP_PASID, false},
	{"ECAP", "FSTS", "first stage: a process's page tables", VSVA_CODE_CAP_FSTS, false},
	{"ECAP", "DT", "device TLBs (ATS)", VSVA_CODE_CAP_DT, false},
	{"ECAP", "PRS", "page requests (PRI)", VSVA_CODE_CAP_PRS, false},
	{"ECAP", "SMPWC", "coherent walks", VSVA_CODE_CAP_SMPWC, false},
	{"CAP", "FS1GP", "1 GiB pages in the first stage", VSVA_CODE_CAP_1GIB, false},
	{"CAP", "FS5LP", "5 levels in the first stage, for processors with LA57",
	 VSVA_CODE_CAP_5LEVEL, true},
	{"ECAP", "VCS", "PASIDs by virtual command", VSVA_CODE_CAP_VCS, true},
};

void explain_capabilities(struct explain_chain *chain, uint64_t cap, uint64_t ecap)
{
	char what[40];

	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		const char *layout = capabilities[i].layout, *text = capabilities[i].text;
		const uint64_t *value = *layout == 'C' ? &cap : &ecap;
		bool has = decode_field(layout, value, capabilities[i].field) != 0;

		snprintf(what, sizeof(what), "%s.%s", layout, capabilities[i].field);
		if (!has && capabilities[i].is_optional)
			explain_link_note(chain, capabilities[i].code, what, "%s: not offered",
					  text);
		else
			explain_link_add(chain, has, capabilities[i].code, what, "%s", text);
	}
}

/* Text */

static void print_link(const struct explain_link *link, FILE *out)
{
	static const char *const verdicts[] = {"ok", "note", "missing"};

	fprintf(out, "%-8s %-24s %s", verdicts[link->verdict], link->what, link->detail);
	if (link->code)
		fprintf(out, "%s[%s]", *link->detail ? "  " : "", vsva_code_name(link->code));
	fputc('\n', out);
}

void explain_code_print(const struct vsva_code_info *info, FILE *out)
{
	fprintf(out, "[%s] %s.\n", info->name, info->what);
	if (*info->clause)
		fprintf(out, "  clause  %s\n", info->clause);
	fprintf(out, "  change  %s.\n", info->change);
}

void explain_chain_print(const struct explain_chain *chain, FILE *out)
{
	enum vsva_code cause = explain_chain_cause(chain);

	for (unsigned i = 0; i < chain->count; i++)
		print_link(&chain->links[i], out);
	fputc('\n', out);
	if (cause)
		explain_code_print(vsva_code_info(cause), out);
	else
		fputs("Nothing is missing.\n", out);
}

struct json_object *explain_chain_json(const struct explain_chain *chain)
{
	static const char *const verdicts[] = {"ok", "note", "missing"};
	struct json_object *object = json_object_new_object(), *links = json_object_new_array();
	enum vsva_code cause = explain_chain_cause(chain);

	json_add_text(object, "cause", cause ? vsva_code_name(cause) : NULL);
	json_object_object_add(object, "links", links);
	for (unsigned i = 0; i < chain->count; i++) {
		const struct explain_link *link = &chain->links[i];
		struct json_object *item = json_object_new_object();

		json_add_text(item, "verdict", verdicts[link->verdict]);
		json_add_text(item, "what", link->what);
		json_add_text(item, "detail", link->detail);
		json_add_text(item, "code", link->code ? vsva_code_name(link->code) : NULL);
		json_object_array_add(links, item);
	}
	return object;
}
