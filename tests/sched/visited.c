// SPDX-License-Identifier: MIT
#include "visited.h"

#include <stdlib.h>

#include "base/check.h"

struct visited_state {
	uint64_t key; /* 0: free */
	unsigned left;
};

static struct visited_state *find(const struct visited *visited, uint64_t key)
{
	size_t i = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15)) & (visited->room - 1);

	while (visited->states[i].key && visited->states[i].key != key)
		i = (i + 1) & (visited->room - 1);
	return &visited->states[i];
}

static void grow(struct visited *visited)
{
	struct visited old = *visited;

	visited->room = old.room ? 2 * old.room : 1024;
	visited->states = calloc(visited->room, sizeof(*visited->states));
	CHECK(visited->states);
	for (size_t i = 0; i < old.room; i++)
		if (old.states[i].key)
			*find(visited, old.states[i].key) = old.states[i];
	free(old.states);
}

bool visited_add(struct visited *visited, uint64_t key, unsigned left)
{
	struct visited_state *state;

	key = key ? key : 1;
	if (2 * visited->count >= visited->room)
		grow(visited);
	state = find(visited, key);
	if (state->key && state->left >= left)
		return false;
	visited->count += !state->key;
	*state = (struct visited_state){key, left};
	return true;
}

void visited_clear(struct visited *visited)
{
	free(visited->states);
	*visited = (struct visited){0};
}
