/* SPDX-License-Identifier: MIT */
/*
 * From a request to the address space it is in: root table, context table, PASID directory, PASID
 * table. VT-d 3.4 to 3.6, 9.1 to 9.6; faults in the order of 7.1.
 *
 *   kind   which of the four things an endpoint may ask for
 *   space  what the tables say about a request: how to translate it, and its tags
 *
 * Inside an RCU read section.
 */
#ifndef HW_TABLES_H
#define HW_TABLES_H

#include "hw/cache_pasid.h"
#include "hw/caches.h"
#include "hw/memory.h"

enum request_kind {
	REQUEST_UNTRANSLATED,
	REQUEST_TRANSLATION, /* ATS */
	REQUEST_TRANSLATED,  /* ATS */
	REQUEST_PAGE,        /* PRI */
};

/* RTADDR as SRTP latched it and TE, in one word that is read at once. */
struct root {
	uint64_t word;
};
#define ROOT_TE UINT64_C(1)
static inline bool root_is_enabled(struct root root)
{
	return root.word & ROOT_TE;
}
static inline unsigned root_ttm(struct root root)
{
	return (unsigned)vtd_RTADDR_TTM(root.word);
}

/* What a look-up in the tables starts from. */
struct lookup {
	struct physmem *physmem;
	struct caches *caches;
	const struct vtd_rules *rules;
	const struct vtd_masks *masks; /* for walks */
	struct root root;
	uint64_t generation; /* of the caches, before anything was read */
	enum request_kind kind;
	rid_t rid;
	uint32_t pasid; /* VSVA_PASID_INVALID: none */
	struct memory_near
		near; /* where these tables, and those of second stages, were read last */
};

struct space {
	enum vtd_pgtt pgtt; /* legacy: second stage or pass-through */
	bool legacy;
	bool ats;      /* translation requests are allowed */
	bool fpd;      /* qualified faults are not recorded; valid after a fault too */
	bool rid_priv; /* requests without PASID are privileged */
	uint16_t did;
	uint32_t pasid; /* tag: RID_PASID for requests without; 0 in legacy mode */
	uint64_t first_root, second_root;
	unsigned first_levels, second_levels;
	uint64_t beyond_input; /* of the second stage: address bits that it does not take */
	bool sre, wpe, eafe, ssade, snooped;
};

static inline void space_set_second_stage(struct space *space, const struct vtd_masks *masks,
					  unsigned aw, uint64_t root)
{
	space->second_root = root;
	space->second_levels = vtd_aw_levels(aw);
	space->beyond_input = masks->beyond_input[aw];
}

/* Of a request whose PASID entry has passed its checks. *space was all zero. */
static inline void space_set_pasid(struct space *space, const struct vtd_masks *masks,
				   const struct pasid_view *view)
{
	const struct vtd_pasid_entry *e = &view->entry;

	space->pgtt = (enum vtd_pgtt)vtd_pasid_entry_PGTT(e);
	space->ats = view->dte;
	space->rid_priv = view->rid_priv;
	space->did = (uint16_t)vtd_pasid_entry_DID(e);
	space->pasid = view->pasid;
	space->first_root = vtd_pasid_entry_FSPTPTR(e);
	space->first_levels = vtd_fspm_levels((unsigned)vtd_pasid_entry_FSPM(e));
	space->sre = vtd_pasid_entry_SRE(e);
	space->wpe = vtd_pasid_entry_WPE(e);
	space->eafe = vtd_pasid_entry_EAFE(e);
	space->ssade = vtd_pasid_entry_SSADE(e);
	space->snooped = vtd_pasid_entry_PWSNP(e);
	if (space->pgtt == VTD_PGTT_SECOND_STAGE || space->pgtt == VTD_PGTT_NESTED)
		space_set_second_stage(space, masks, (unsigned)vtd_pasid_entry_AW(e),
				       vtd_pasid_entry_SSPTPTR(e));
}

/* RTA.1 to RTA.4: is there a table mode that serves this request? */
enum vtd_fault tables_check_mode(const struct lookup *lookup);
/* The context entry, and whether it lets this request pass. *fpd is valid after a fault too. */
enum vtd_fault tables_check_context(struct lookup *lookup, struct context_view *view, bool *fpd);
enum vtd_fault tables_find_space(struct lookup *lookup, struct space *space);

#endif
