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
	groups->groups = base_calloc(size, sizeof(*groups->groups));
	groups->pasid_heads = base_calloc(size, sizeof(*groups->pasid_heads));
	groups->did_heads = base_calloc(CACHE_DID_HEADS, sizeof(*groups->did_heads));
	if (!groups->groups || !groups->pasid_heads || !groups->did_heads) {
		cache_groups_fini(groups);
		return -ENOMEM;
	}
	heads_init(groups->pasid_heads, size);
	heads_init(groups->did_heads, CACHE_DID_HEADS);
	for (uint32_t i = 0; i < size; i++)
		groups->groups[i].by_pasid.next = i + 1 < size ? i + 1 : CACHE_NO_GROUP;
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

/* Two lists; offset: of the link in struct cache_group. */

static struct cache_link *link_of(const struct cache_groups *groups, uint32_t index, size_t offset)
{
	return (struct cache_link *)((char *)&groups->groups[index] + offset);
}

static void list_add(struct cache_groups *groups, uint32_t *head, uint32_t index, size_t offset)
{
	*link_of(groups, index, offset) = (struct cache_link){*head, CACHE_NO_GROUP};
	if (*head != CACHE_NO_GROUP)
		link_of(groups, *head, offset)->previous = index;
	*head = index;
}

static void list_remove(struct cache_groups *groups, uint32_t *head, uint32_t index, size_t offset)
{
	struct cache_link *link = link_of(groups, index, offset);

	if (link->previous == CACHE_NO_GROUP)
		*head = link->next;
	else
		link_of(groups, link->previous, offset)->next = link->next;
	if (link->next != CACHE_NO_GROUP)
		link_of(groups, link->next, offset)->previous = link->previous;
}

uint32_t cache_group_find(const struct cache_groups *groups, uint64_t owner,
			  const struct cache_tag *tag)
{
	uint32_t i = *cache_groups_of_pasid(groups, tag);

	while (i != CACHE_NO_GROUP && !cache_group_is(groups, i, owner, tag))
		i = groups->groups[i].by_pasid.next;
	return i;
}

uint32_t cache_group_add(struct cache_groups *groups, uint64_t owner, const struct cache_tag *tag)
{
	uint32_t index = groups->free;

	if (index == CACHE_NO_GROUP)
		return index;
	groups->free = groups->groups[index].by_pasid.next;
	groups->groups[index] = (struct cache_group){.owner = owner, .tag = *tag};
	list_add(groups, cache_groups_of_pasid(groups, tag), index,
		 offsetof(struct cache_group, by_pasid));
	list_add(groups, cache_groups_of_did(groups, tag), index,
		 offsetof(struct cache_group, by_did));
	return index;
}

void cache_group_drop(struct cache_groups *groups, uint32_t index)
{
	struct cache_group *group = &groups->groups[index];

	CHECK(group->lines == 0);
	list_remove(groups, cache_groups_of_pasid(groups, &group->tag), index,
		    offsetof(struct cache_group, by_pasid));
	list_remove(groups, cache_groups_of_did(groups, &group->tag), index,
		    offsetof(struct cache_group, by_did));
	group->by_pasid.next = groups->free;
	groups->free = index;
}

uint32_t cache_group_victim(struct cache_groups *groups)
{
	do
		groups->victim = (groups->victim + 1) & (groups->size - 1);
	while (!groups->groups[groups->victim].lines);
	return groups->victim;
}
