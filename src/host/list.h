/* SPDX-License-Identifier: MIT */
/* A doubly linked list, threaded through its members. Writers are serialised by the owner. */
#ifndef HOST_LIST_H
#define HOST_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *list)
{
	list->prev = list->next = list;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_append(struct list *list, struct list *member)
{
	member->prev = list->prev;
	member->next = list;
	list->prev->next = member;
	list->prev = member;
}

static inline void list_remove(struct list *member)
{
	member->prev->next = member->next;
	member->next->prev = member->prev;
	list_init(member);
}

#endif
