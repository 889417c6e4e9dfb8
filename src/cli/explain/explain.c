// SPDX-License-Identifier: MIT
/* vsva explain: an access, the chain of SVA, or a code. */
#include <argp.h>
#include <errno.h>
#include <string.h>

#include "cli/command.h"
#include "cli/explain/explain.h"
#include "cli/json_text.h"
#include "cli/status.h"

static const char documentation[] =
	"Says why something is not allowed: the first thing that stops it, where it stands, the "
	"clause, and what would change it.\v"
	"DEVICE is a requester id on the bus (00:04.0), with --vm N one of the guest's. PASID is "
	"the "
	"guest's number if a VM has the device, else the host's; `none` is a request without "
	"PASID.\n\n"
	"Examples:\n"
	"  vsva explain 00:04.0 1 0x7f0000001000 w   would a write succeed, and if not, why not\n"
	"  vsva explain --steps 00:04.0 1 0x7f0000001000\n"
	"  vsva explain sva 00:04.0                  all that SVA needs, link by link\n"
	"  vsva explain sva --dmesg boot.log         the same from a Linux guest's boot log\n"
	"  vsva explain PE_ABSENT                    what a code in brackets means\n"
	"  vsva explain codes                        all codes\n"
	"  vsva explain --snapshot FILE 00:04.0 1 0x7f0000001000\n\n"
	"Exit status: 0 it would succeed, nothing is missing; 1 something stops it; 2 a mistake in "
	"the arguments; 3 there is nothing to look at.";

enum { KEY_DMESG = 0x2000, KEY_VM, KEY_STEPS };

static const struct argp_option options[] = {
	{"vm", KEY_VM, "N", 0, "DEVICE is one of VM N's", 0},
	{"dmesg", KEY_DMESG, "FILE", 0,
	 "with sva: a boot log of a Linux guest; - is standard input", 0},
	{"steps", KEY_STEPS, NULL, 0, "every entry that is read on the way", 0},
	{"json", 'j', NULL, 0, "as JSON", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

#define ARGUMENTS_MAX 4

struct arguments {
	struct view_source source;
	const char *dmesg;
	uint32_t vm;
	bool steps, json;
	unsigned count;
	char *at[ARGUMENTS_MAX];
};

static error_t take_vm(struct arguments *arguments, const char *text)
{
	unsigned long long number;

	if (command_number(text, EXPLAIN_NO_VM - 1, "--vm", &number))
		return EINVAL;
	arguments->vm = (uint32_t)number;
	return 0;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_VM:
		if (take_vm(arguments, text))
			exit(CLI_USAGE);
		return 0;
	case KEY_DMESG:
		arguments->dmesg = text;
		return 0;
	case KEY_STEPS:
		arguments->steps = true;
		return 0;
	case 'j':
		arguments->json = true;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->source;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->count == ARGUMENTS_MAX)
			misuse(state, "too many arguments");
		arguments->at[arguments->count++] = text;
		return 0;
	case ARGP_KEY_NO_ARGS:
		misuse(state, "what is to be explained?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{&view_argp, 0, NULL, 0}, {NULL, 0, NULL, 0}};
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "DEVICE PASID ADDRESS [r|w|rw|x]\nsva DEVICE\nsva --dmesg FILE\nCODE\ncodes",
	.doc = documentation,
	.children = children,
};

static void print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
}

static int parse_device(const char *text, uint16_t *rid)
{
	if (rid_parse(text, rid))
		return 0;
	complain(VSVA_CODE_USAGE, "'%s' is no requester id, such as 00:04.0", text);
	return -EINVAL;
}

/* Codes */

static int explain_code(const char *name)
{
	const struct vsva_code_info *info = vsva_code_find(name);

	if (!info) {
		complain(VSVA_CODE_USAGE, "there is no code %s; `vsva explain codes` lists them",
			 name);
		return CLI_USAGE;
	}
	explain_code_print(info, stdout);
	return CLI_OK;
}

static int list_codes(void)
{
	for (enum vsva_code code = VSVA_CODE_NONE + 1; code < VSVA_CODE_END; code++)
		printf("%-24s %s\n", vsva_code_name(code), vsva_code_info(code)->what);
	return CLI_OK;
}

/* Chains */

static int show_chain(const struct arguments *arguments, const struct explain_chain *chain)
{
	if (arguments->json)
		print_json(explain_chain_json(chain));
	else
		explain_chain_print(chain, stdout);
	return explain_chain_cause(chain) ? CLI_FAILED : CLI_OK;
}

static int explain_log(const struct arguments *arguments)
{
	bool is_input = !strcmp(arguments->dmesg, "-");
	FILE *file = is_input ? stdin : fopen(arguments->dmesg, "re");
	struct explain_chain chain;
	bool is_read = false;

	if (file) {
		explain_dmesg(file, &chain);
		is_read = !ferror(file);
	}
	if (!is_read)
		complain(VSVA_CODE_FILE, "%s: %s", arguments->dmesg, strerror(errno));
	if (file && !is_input)
		fclose(file);
	return is_read ? show_chain(arguments, &chain) : CLI_SETUP;
}

static int explain_device(const struct arguments *arguments)
{
	struct explain_chain chain;
	struct view *view;
	uint16_t rid;
	int err;

	if (parse_device(arguments->at[1], &rid))
		return CLI_USAGE;
	view = view_open(&arguments->source);
	if (!view)
		return CLI_SETUP;
	err = explain_sva(view, rid, arguments->vm, &chain);
	view_close(view);
	return err ? CLI_SETUP : show_chain(arguments, &chain);
}

/* Accesses */

static int parse_access(const char *text, struct explain_request *request)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		request->read |= text[i] == 'r';
		request->write |= text[i] == 'w';
		request->execute |= text[i] == 'x';
		if (!strchr("rwx", text[i]))
			len = 0;
	}
	/* code is read, too */
	request->read |= request->execute;
	if (len)
		return 0;
	complain(VSVA_CODE_USAGE, "'%s' is no access: r, w, rw or x", text);
	return -EINVAL;
}

static int parse_request(const struct arguments *arguments, struct explain_request *request)
{
	unsigned long long pasid = VSVA_PASID_INVALID, address;

	*request = (struct explain_request){.vm = arguments->vm};
	if (parse_device(arguments->at[0], &request->rid))
		return -EINVAL;
	if (strcmp(arguments->at[1], "none") &&
	    command_number(arguments->at[1], VSVA_PASID_MAX, "PASID", &pasid))
		return -EINVAL;
	if (command_number(arguments->at[2], UINT64_MAX, "address", &address))
		return -EINVAL;
	request->pasid = (uint32_t)pasid;
	request->address = address;
	return parse_access(arguments->count > 3 ? arguments->at[3] : "r", request);
}

static int explain_one(const struct arguments *arguments)
{
	struct explain_request request;
	struct explain_result result;
	struct view *view;
	int err;

	if (parse_request(arguments, &request))
		return CLI_USAGE;
	view = view_open(&arguments->source);
	if (!view)
		return CLI_SETUP;
	err = explain_access(view, &request, &result);
	view_close(view);
	if (err)
		return CLI_SETUP;
	if (arguments->json)
		print_json(explain_access_json(&request, &result));
	else
		explain_access_print(&request, &result, arguments->steps, stdout);
	return result.cause ? CLI_FAILED : CLI_OK;
}

int command_explain(int argc, char **argv)
{
	struct arguments arguments = {.vm = EXPLAIN_NO_VM};
	bool is_sva;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	is_sva = !strcmp(arguments.at[0], "sva");
	if (is_sva && arguments.dmesg && arguments.count == 1)
		return explain_log(&arguments);
	if (is_sva && !arguments.dmesg && arguments.count == 2)
		return explain_device(&arguments);
	if (!is_sva && !arguments.dmesg && arguments.count == 1)
		return strcmp(arguments.at[0], "codes") ? explain_code(arguments.at[0])
							: list_codes();
	if (!is_sva && !arguments.dmesg && arguments.count >= 3)
		return explain_one(&arguments);
	complain(VSVA_CODE_USAGE,
		 "a device, a PASID and an address, `sva DEVICE`, `sva --dmesg FILE`, or a code; "
		 "`vsva explain --help` shows examples");
	return CLI_USAGE;
}
