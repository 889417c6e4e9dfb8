/* SPDX-License-Identifier: MIT */
/*
 * Why an access, or shared virtual addressing as a whole, is or is not possible.
 *
 *   cause  the first thing that stops it, a code of vsva/codes.h
 *   chain  the list of all that must be so, link by link
 */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include <stdio.h>

#include "cli/view/view.h"
#include "vsva/walk.h"

#define EXPLAIN_NO_VM UINT32_MAX

struct explain_request {
	uint16_t rid;   /* on the bus; with vm: of the guest */
	uint32_t vm;    /* EXPLAIN_NO_VM: not said */
	uint32_t pasid; /* the guest's if a VM has the device; VSVA_PASID_INVALID: without */
	uint64_t address;
	bool read, write, execute;
};

struct explain_result {
	enum vsva_code cause; /* VSVA_CODE_NONE: it succeeds */
	uint16_t rid, guest_rid;
	uint32_t vm;         /* that has the device; 0: none */
	uint32_t host_pasid; /* VSVA_PASID_INVALID: none */
	bool is_guests;      /* walk is one through the guest's own tables */
	bool is_recoverable; /* the device may ask for the page */
	bool is_cached;      /* a cache has a translation, to cached_output */
	uint64_t cached_output;
	struct vsva_walk_result walk;
};

/* 0; -ENOENT: no such device; -EIO: nothing more can be read. Complained. */
int explain_access(struct view *view, const struct explain_request *request,
		   struct explain_result *out);
void explain_access_print(const struct explain_request *request,
			  const struct explain_result *result, bool steps, FILE *out);
/* The caller's (json_object_put). */
struct json_object *explain_access_json(const struct explain_request *request,
					const struct explain_result *result);

/* Chains */

#define EXPLAIN_LINKS 64u

enum explain_verdict { EXPLAIN_OK, EXPLAIN_NOTE, EXPLAIN_MISSING };

struct explain_link {
	enum explain_verdict verdict;
	enum vsva_code code; /* VSVA_CODE_NONE: ok */
	char what[40];
	char detail[160];
};

struct explain_chain {
	unsigned count;
	struct explain_link links[EXPLAIN_LINKS];
};

/* code: what is wrong if it is not ok. */
void explain_link_add(struct explain_chain *chain, bool ok, enum vsva_code code, const char *what,
		      const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Something to know that stops nothing. */
void explain_link_note(struct explain_chain *chain, enum vsva_code code, const char *what,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Of the first link that is missing; VSVA_CODE_NONE: none is. */
enum vsva_code explain_chain_cause(const struct explain_chain *chain);
void explain_chain_print(const struct explain_chain *chain, FILE *out);
struct json_object *explain_chain_json(const struct explain_chain *chain);

/* Capabilities of a unit as a guest sees it. */
void explain_capabilities(struct explain_chain *chain, uint64_t cap, uint64_t ecap);
/* As explain_access. */
int explain_sva(struct view *view, uint16_t rid, uint32_t vm, struct explain_chain *chain);
/* Reads the log to its end. */
void explain_dmesg(FILE *log, struct explain_chain *chain);

/* "[PE_ABSENT] what it says.\n…" */
void explain_code_print(const struct vsva_code_info *info, FILE *out);

/* What both look for in a view */

struct explain_place {
	struct json_object *units, *devices, *assigned, *pasids, *vms; /* lists; may be NULL */
	struct json_object *device, *owner; /* of the place; owner NULL: no VM has it */
	uint16_t rid, guest_rid;
	uint32_t vm;
};
/* 0; -ENOENT; -EIO. Complained. */
int explain_find(struct view *view, uint16_t rid, uint32_t vm, struct explain_place *place);
void explain_forget(struct explain_place *place);
/* Is "ats" or "pri" of the function switched on, by the guest if one has it? sees, allowed: the names of
 * it in "assigned" and in its context entry. */
bool explain_has_enabled(const struct explain_place *place, const char *what, const char *sees,
			 const char *allowed);
#define explain_has_ats(place) explain_has_enabled(place, "ats", "sees_ats", "dte")
#define explain_has_pri(place) explain_has_enabled(place, "pri", "sees_pri", "pre")
/* The unit of a VM, or the physical one (0). false: it is not there. unit->arg is reader, to be kept. */
struct explain_reader {
	struct view *view;
	uint32_t vm;
	int err; /* of a read that failed for another reason than missing memory */
};
bool explain_unit(const struct explain_place *place, struct explain_reader *reader,
		  struct vsva_walk_unit *unit);
/* The item of a guest's PASID (vm), or of a host PASID (0); NULL: none. */
struct json_object *explain_pasid(const struct explain_place *place, uint32_t vm, uint32_t pasid);

#endif
