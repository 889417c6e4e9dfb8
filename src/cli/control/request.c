// SPDX-License-Identifier: MIT
#include "cli/control/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/control/control.h"
#include "cli/control/client.h"
#include "cli/json_text.h"
#include "cli/status.h"
#include "cli/version.h"

/* No request has more. */
#define DEPTH_MAX 8

static int reset_unit(struct control_request *request, const char **why)
{
	int err = vsva_machine_reset_unit(request->machine);

	*why = "the unit did not come up again";
	if (!err)
		json_add_flag(request->answer, "done", true);
	return err;
}

/* The server counts its VMs from 0. */
static unsigned served_vm(const struct vsva_server *server, uint64_t number)
{
	unsigned at = 0;
	struct vsva_vm *vm;

	while ((vm = vsva_server_vm(server, at)) && vsva_vm_number(vm) != number)
		at++;
	return at;
}

static int pull_devices(struct control_request *request, const char **why)
{
	uint64_t number = json_number_of(request->line, "pull-devices", 0);
	int err;

	*why = "only vsva serve has VMs whose devices can be pulled out";
	if (!request->server)
		return -ENODEV;
	err = vsva_server_pull_devices(request->server, served_vm(request->server, number));
	*why = err == -EOPNOTSUPP
		       ? "mediated devices are parts of an accelerator that others have too"
		       : "no such VM";
	if (!err)
		json_add_flag(request->answer, "done", true);
	return err;
}

static int go_on(struct control_request *request, const char **why)
{
	(void)why;
	++*request->go_ons;
	json_add_flag(request->answer, "done", true);
	return 0;
}

/* A request has exactly one of these members. */
static const struct verb {
	const char *name;
	control_verb_fn *run;
	bool changes;
	bool is_flag; /* its value can only be true */
} verbs[] = {
	{"get", control_get, false, false},          {"read", control_read, false, false},
	{"trace", control_trace, false, false},      {"reset-unit", reset_unit, true, true},
	{"pull-devices", pull_devices, true, false}, {"go-on", go_on, true, true},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

void control_greeting(char *text, size_t len, bool allows_changes)
{
	snprintf(text, len, "{\"vsva\":\"%s\",\"control\":%d,\"pid\":%d,\"changes\":%s}",
		 VSVA_VERSION, CONTROL_PROTOCOL, (int)getpid(), allows_changes ? "true" : "false");
}

static const struct verb *find_verb(struct json_object *line, unsigned *count)
{
	const struct verb *found = NULL;

	*count = 0;
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (json_member(line, verbs[i].name)) {
			found = &verbs[i];
			++*count;
		}
	return found;
}

/* {"reset-unit":false} asks for nothing. */
static bool asks_for_it(struct json_object *line, const struct verb *verb)
{
	return !verb->is_flag || json_flag_of(line, verb->name);
}

static int run_verb(struct control_request *request, const char **why)
{
	unsigned count;
	const struct verb *verb = find_verb(request->line, &count);

	*why = "the request names nothing that can be done: docs/control.md lists what can";
	if (!verb)
		return -ENOSYS;
	*why = "a request asks for one thing, and says true where there is nothing else to say";
	if (count > 1 || !asks_for_it(request->line, verb))
		return -EINVAL;
	*why = "the server was not started with --allow-control";
	if (verb->changes && !request->allows_changes)
		return -EPERM;
	*why = "there is no machine now";
	if (!request->machine)
		return -ENODEV;
	*why = NULL;
	return verb->run(request, why);
}

static void set_error(struct json_object *answer, int err, const char *why)
{
	struct json_object *error = json_object_new_object();

	json_add_text(error, "code", errno_name(err));
	json_add_text(error, "text", why ? why : strerror(-err));
	json_object_object_add(answer, "error", error);
}

static bool is_blank(const char *text, const char *end)
{
	while (text < end && strchr(" \t\r\n", *text) && *text)
		text++;
	return text == end;
}

static struct json_object *parse(const char *line, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *object;

	if (!tokener)
		return NULL;
	object = json_tokener_parse_ex(tokener, line, (int)len);
	if (object && (!json_object_is_type(object, json_type_object) ||
		       !is_blank(line + json_tokener_get_parse_end(tokener), line + len))) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

static struct json_object *new_answer(struct json_object *line)
{
	struct json_object *answer = json_object_new_object(), *id = json_member(line, "id");

	if (id)
		json_object_object_add(answer, "id", json_object_get(id));
	return answer;
}

/* The caller's; with room for a newline in place of its end. */
static char *text_of(struct json_object *answer)
{
	size_t len;
	const char *text = json_object_to_json_string_length(
		answer, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);

	if (text && len >= CONTROL_ANSWER_MAX)
		text = "{\"error\":{\"code\":\"EOVERFLOW\",\"text\":\"the answer is too long\"}}";
	return text ? strdup(text) : NULL;
}

char *control_request_answer(struct control_request *request, const char *line, size_t len)
{
	const char *why = "a request is one JSON object a line";
	int err = -EINVAL;
	char *text;

	request->line = parse(line, len);
	request->answer = new_answer(request->line);
	if (request->line)
		err = run_verb(request, &why);
	if (err) {
		json_object_put(request->answer);
		request->answer = new_answer(request->line);
		set_error(request->answer, err, why);
	}
	text = text_of(request->answer);
	json_object_put(request->answer);
	json_object_put(request->line);
	return text;
}
