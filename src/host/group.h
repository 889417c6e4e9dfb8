/* SPDX-License-Identifier: MIT */
/* Page-request groups and their answers: states and lists are described in prq.h. */
#ifndef HOST_GROUP_H
#define HOST_GROUP_H

#include "host/driver.h"

/* The witness of prq.lock. */
struct prq_locked {
	struct vsva_iommu *iommu;
};

struct group_request {
	uint64_t addr;
	uint32_t perm; /* VSVA_FAULT_PERM_* */
};

struct group_key {
	rid_t rid;
	hpasid_t pasid; /* VSVA_PASID_INVALID: none */
	uint16_t prgi;
};

struct group {
	struct list in_list;       /* prq.groups[state] */
	struct group *next;        /* of the bucket, until it is answered */
	struct function *function; /* until it is answered; NULL: nobody knows the requester */
	struct vsva_dev *dev;      /* the owner of its PASID, until it is answered; NULL: nobody */
	struct group_key key;
	enum group_state state;
	bool is_native;  /* its owner is a host process: nobody is told of it */
	bool is_bad;     /* will be answered "invalid" without being reported */
	uint8_t code;    /* answered: enum vtd_response_code */
	uint64_t serial; /* tells it from a later group with the same index */
	uint64_t deadline_ns;
	unsigned count, room;
	struct group_request *requests; /* until they are reported */
	struct group_request first;     /* kept after that, for who looks on */
};

struct prq_locked prq_lock(struct vsva_iommu *iommu);
void prq_unlock(struct prq_locked locked);

/* The PASID of a group with this key in the unit's tables: 0 for requests without. */
uint32_t group_key_pasid(const struct group_key *key);
/* The function's group that is not answered. */
struct group *group_find(struct prq_locked locked, struct function *function, hpasid_t pasid,
			 uint16_t prgi);
/* A new one, collecting. NULL: no memory, or the function has too many. */
struct group *group_make(struct prq_locked locked, struct function *function,
			 const struct group_key *key);
/* Beyond the limit, or without memory, the group turns bad. */
void group_add_request(struct group *group, uint64_t addr, uint32_t perm);
void group_set_ready(struct prq_locked locked, struct group *group);
void group_set_reported(struct prq_locked locked, struct group *group);
/* The one answer of the group: in the unit's queue, or waiting in the list for room there. */
void group_answer(struct prq_locked locked, struct group *group, uint8_t code);
/* An answer for which there is no group. false: no room in the unit's queue now. */
bool group_answer_key(struct prq_locked locked, const struct group_key *key, uint8_t code);
/* Does one of the device's groups still have to be reported, or is one being reported now? */
bool group_is_unreported(struct prq_locked locked, const struct vsva_dev *dev);
/* Without an answer. Collecting groups only. */
void group_drop(struct prq_locked locked, struct group *group);
void group_drop_collecting(struct prq_locked locked);

/* Sends answers that wait. true: none is left. */
bool group_flush_answers(struct prq_locked locked);
/* Answers "invalid" those groups of the function for which filter says so; one that is collecting is
 * dropped. */
typedef bool group_filter(const struct group *group, const void *arg);
void group_discard(struct prq_locked locked, struct function *function, group_filter *filter,
		   const void *arg);

#endif
