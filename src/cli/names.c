/* SPDX-License-Identifier: MIT */
#include "cli/names.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/utf8.h"

static struct name *find(struct name *list, uint64_t key)
{
	while (list && list->key != key)
		list = list->next;
	return list;
}

static void set(struct name **list, uint64_t key, const char *text, int extra)
{
	struct name *name = find(*list, key);

	if (!name) {
		name = calloc(1, sizeof(*name));
		if (!name)
			return;
		name->key = key;
		name->next = *list;
		*list = name;
	}
	snprintf(name->text, sizeof(name->text), "%s", text);
	utf8_clean(name->text); /* it may have been cut within a character */
	name->extra = extra;
}

static const char *get(struct name *list, uint64_t key)
{
	const struct name *name = find(list, key);

	return name ? name->text : NULL;
}

static uint64_t process_key(uint32_t vm, gpasid_t pasid)
{
	return (uint64_t)vm << 32 | pasid.v;
}

void names_set_guest(struct names *names, uint32_t vm, const char *text)
{
	set(&names->guests, vm, text, 0);
}

void names_set_process(struct names *names, uint32_t vm, gpasid_t pasid, const char *text)
{
	set(&names->processes, process_key(vm, pasid), text, 0);
}

/* The host is VM 0. */
void names_set_native(struct names *names, hpasid_t pasid, const char *text)
{
	names_set_process(names, 0, gpasid(pasid.v), text);
}

void names_set_device(struct names *names, rid_t rid, enum vsva_device_kind kind, const char *text)
{
	set(&names->devices, rid.v, text, (int)kind);
}

const char *names_guest(const struct names *names, uint32_t vm)
{
	return get(names->guests, vm);
}

const char *names_process(const struct names *names, uint32_t vm, gpasid_t pasid)
{
	return get(names->processes, process_key(vm, pasid));
}

const char *names_native(const struct names *names, hpasid_t pasid)
{
	return names_process(names, 0, gpasid(pasid.v));
}

const char *names_device(const struct names *names, rid_t rid)
{
	return get(names->devices, rid.v);
}

bool names_is_test_engine(const struct names *names, rid_t rid)
{
	const struct name *name = find(names->devices, rid.v);

	return name && name->extra == VSVA_DEVICE_TEST_ENGINE;
}

static void free_list(struct name *list)
{
	while (list) {
		struct name *name = list;

		list = name->next;
		free(name);
	}
}

void names_fini(struct names *names)
{
	free_list(names->guests);
	free_list(names->processes);
	free_list(names->devices);
}
