// SPDX-License-Identifier: MIT
#include "hw/cache_group.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"

static void heads_init(uint32_t *heads, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		heads[i] = CACHE_NO_GROUP;
}

int cache_groups_init(struct cache_groups *groups, uint32_t size)
{
	CHECK(size && (size & (size - 1)) == 0);
	*groups = (struct cache_groups){.size = size};
	groups->groups = base_zalloc_aligned(64, size * sizeof(*groups->groups));
	groups->pasid_heads = base_calloc(size, sizeof(*groups->pasid_heads));
	groups->did_heads = base_calloc(CACHE_DID_HEADS, sizeof(*groups->did_heads));
	if (!groups->groups || !groups->pasid_heads || !groups->did_heads) {
		cache_groups_fini(groups);
		return -ENOMEM;
	}
	heads_init(groups->pasid_heads, size);
	heads_init(groups->did_heads, CACHE_DID_HEADS);
	for (uint32_t i = 0; i < size; i++)
		groups->groups[i].next_by_pasid = i + 1 < size ? i + 1 : CACHE_NO_GROUP;
	return 0;
}

void cache_groups_fini(struct cache_groups *groups)
{
	base_free(groups->groups);
	base_free(groups->pasid_heads);
	base_free(groups->did_heads);
	*groups = (struct cache_groups){0};
}

size_t cache_groups_bytes(const struct cache_groups *groups)
{
	return groups->size * (sizeof(*groups->groups) + sizeof(*groups->pasid_heads)) +
	       CACHE_DID_HEADS * sizeof(*groups->did_heads);
}

/* By domain and PASID: few are in one list, so it has one direction. */

static void add_by_pasid(struct cache_groups *groups, uint32_t index)
{
	struct cache_group *group = &groups->groups[index];
	uint32_t *head = cache_groups_of_pasid(groups, &group->tag);

	group->next_by_pasid = *head;
	*head = index;
}

static void remove_by_pasid(struct cache_groups *groups, uint32_t index)
{
	const struct cache_group *group = &groups->groups[index];
	uint32_t *link = cache_groups_of_pasid(groups, &group->tag);

	while (*link != index)
		link = &groups->groups[*link].next_by_pasid;
	*link = group->next_by_pasid;
}

/* By domain */

static void add_by_did(struct cache_groups *groups, uint32_t index)
{
	struct cache_group *group = &groups->groups[index];
	uint32_t *head = cache_groups_of_did(groups, &group->tag);

	group->by_did = (struct cache_link){*head, CACHE_NO_GROUP};
	if (*head != CACHE_NO_GROUP)
		groups->groups[*head].by_did.previous = index;
	*head = index;
}

static void remove_by_did(struct cache_groups *groups, uint32_t index)
{
	const struct cache_group *group = &groups->groups[index];
	struct cache_link link = group->by_did;

	if (link.previous == CACHE_NO_GROUP)
		*cache_groups_of_did(groups, &group->tag) = link.next;
	else
		groups->groups[link.previous].by_did.next = link.next;
	if (link.next != CACHE_NO_GROUP)
		groups->groups[link.next].by_did.previous = link.previous;
}

uint32_t cache_group_find(const struct cache_groups *groups, uint64_t owner,
			  const struct cache_tag *tag)
{
	uint32_t i = *cache_groups_of_pasid(groups, tag);

	while (i != CACHE_NO_GROUP && !cache_group_is(groups, i, owner, tag))
		i = groups->groups[i].next_by_pasid;
	return i;
}

uint32_t cache_group_add(struct cache_groups *groups, uint64_t owner, const struct cache_tag *tag)
{
	uint32_t index = groups->free;

	if (index == CACHE_NO_GROUP)
		return index;
	groups->free = groups->groups[index].next_by_pasid;
	groups->groups[index] = (struct cache_group){.owner = owner, .tag = *tag};
	add_by_pasid(groups, index);
	add_by_did(groups, index);
	return index;
}

void cache_group_drop(struct cache_groups *groups, uint32_t index)
{
	struct cache_group *group = &groups->groups[index];

	CHECK(group->lines == 0);
	remove_by_pasid(groups, index);
	remove_by_did(groups, index);
	group->next_by_pasid = groups->free;
	groups->free = index;
}

uint32_t cache_group_victim(struct cache_groups *groups)
{
	do
		groups->victim = (groups->victim + 1) & (groups->size - 1);
	while (!groups->groups[groups->victim].lines);
	return groups->victim;
}
