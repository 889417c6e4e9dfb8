/* SPDX-License-Identifier: MIT */
/*
 * What the numbers in events are called: guests by VM, processes by VM and guest PASID, devices by
 * requester id. A number that is given again gets its new name.
 */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include "vsva/device.h"

#define NAME_MAX_LEN 24

struct name {
	struct name *next;
	uint64_t key;
	char text[NAME_MAX_LEN];
	int extra;
};

struct names {
	struct name *guests, *processes, *devices;
};

/* No memory: the number stays without a name. text is cut at NAME_MAX_LEN - 1; what cannot
 * be shown in it becomes '?'. */
void names_set_guest(struct names *names, uint32_t vm, const char *text);
void names_set_process(struct names *names, uint32_t vm, gpasid_t pasid, const char *text);
/* A process of the host, by its PASID. */
void names_set_native(struct names *names, hpasid_t pasid, const char *text);
void names_set_device(struct names *names, rid_t rid, enum vsva_device_kind kind, const char *text);

/* NULL: it has none. */
const char *names_guest(const struct names *names, uint32_t vm);
const char *names_process(const struct names *names, uint32_t vm, gpasid_t pasid);
const char *names_native(const struct names *names, hpasid_t pasid);
const char *names_device(const struct names *names, rid_t rid);
bool names_is_test_engine(const struct names *names, rid_t rid);

void names_fini(struct names *names);

#endif
