/* SPDX-License-Identifier: MIT */
/*
 * Groups of a cache (hw/cache.h): lines of one owner with the same tags. A group is there as long as
 * it has a line. Found by domain and PASID, or one after the other by domain alone.
 *
 * All under the lock of the cache's owner.
 */
#ifndef HW_CACHE_GROUP_H
#define HW_CACHE_GROUP_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* VT-d 6.2, the tags of all caches together; a cache uses those that it has. */
struct cache_tag {
	uint32_t pasid;
	uint16_t did;
	uint8_t kind; /* PGTT of what the entry was made from; 0 in context and PASID caches */
};

#define CACHE_NO_GROUP UINT32_MAX

struct cache_link {
	uint32_t next, previous;
};

/* Half a cache line of the CPU: an invalidation needs one that nobody has touched for long. */
struct cache_group {
	uint64_t owner;
	struct cache_tag tag;
	uint32_t lines;         /* 0: it is not there */
	uint32_t next_by_pasid; /* or the next that is free */
	struct cache_link by_did;
};
static_assert(sizeof(struct cache_group) == 32, "half a cache line");

struct cache_groups {
	struct cache_group *groups;
	uint32_t size;
	uint32_t victim;       /* whose turn it is when all are there */
	uint32_t free;         /* linked by next_by_pasid */
	uint32_t *pasid_heads; /* size of them, by domain and PASID */
	uint32_t *did_heads;   /* CACHE_DID_HEADS */
};
#define CACHE_DID_HEADS 256u

/* size: a power of two. 0 or -ENOMEM. */
int cache_groups_init(struct cache_groups *groups, uint32_t size);
void cache_groups_fini(struct cache_groups *groups);
size_t cache_groups_bytes(const struct cache_groups *groups);

/* Is this the group, and is it there? */
static inline bool cache_group_is(const struct cache_groups *groups, uint32_t index, uint64_t owner,
				  const struct cache_tag *tag)
{
	const struct cache_group *group = &groups->groups[index];

	return group->owner == owner && group->tag.did == tag->did &&
	       group->tag.pasid == tag->pasid && group->tag.kind == tag->kind && group->lines;
}

/* CACHE_NO_GROUP: there is none. */
uint32_t cache_group_find(const struct cache_groups *groups, uint64_t owner,
			  const struct cache_tag *tag);
/* Links a new one, still without lines; CACHE_NO_GROUP: all are there. */
uint32_t cache_group_add(struct cache_groups *groups, uint64_t owner, const struct cache_tag *tag);
/* It has no lines any more. */
void cache_group_drop(struct cache_groups *groups, uint32_t index);
/* One that is there, in turn. */
uint32_t cache_group_victim(struct cache_groups *groups);

/* Heads of the two lists: the groups that may have this domain and PASID, or this domain; others are
 * among them. PASIDs that were given out one after the other lie as far apart as can be: a multiplication by
 * the golden ratio does that, seen from its upper bits. */
static inline uint32_t *cache_groups_of_pasid(const struct cache_groups *groups,
					      const struct cache_tag *tag)
{
	uint32_t hash = tag->did * UINT32_C(0x85ebca77) ^ tag->pasid * UINT32_C(0x9e3779b1);

	return &groups->pasid_heads[(uint64_t)hash * groups->size >> 32];
}
static inline uint32_t *cache_groups_of_did(const struct cache_groups *groups,
					    const struct cache_tag *tag)
{
	return &groups->did_heads[tag->did % CACHE_DID_HEADS];
}

#endif
