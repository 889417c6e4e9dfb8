// SPDX-License-Identifier: MIT
#include "host/context.h"

#include <errno.h>

#include "base/check.h"

#define ENTRY_WORDS ARRAY_LEN(((struct vtd_context_entry *)0)->q)

int root_table_init(struct root_table *root, const struct table_memory *memory)
{
	root->memory = *memory;
	root->entries = table_alloc(memory, &root->page);
	return root->entries ? 0 : -ENOMEM;
}

static void root_entry_fini(struct root_table *root, const struct vtd_root_entry *entry)
{
	if (vtd_root_entry_LP(entry))
		physmem_free_pages(root->memory.pm, hpa(vtd_root_entry_LCTP(entry)), 0);
	if (vtd_root_entry_UP(entry))
		physmem_free_pages(root->memory.pm, hpa(vtd_root_entry_UCTP(entry)), 0);
}

void root_table_fini(struct root_table *root)
{
	if (!root->entries)
		return;
	for (unsigned bus = 0; bus < VTD_ROOT_COUNT; bus++)
		root_entry_fini(root, &root->entries[bus]);
	physmem_free_pages(root->memory.pm, root->page, 0);
	root->entries = NULL;
}

/* The two halves of a root entry are words of their own, each with its own present bit. */
static uint64_t half_load(const struct vtd_root_entry *entry, bool upper)
{
	return __atomic_load_n(&entry->q[upper], __ATOMIC_ACQUIRE);
}

static hpa_t half_table(const struct vtd_root_entry *entry, bool upper)
{
	struct vtd_root_entry copy = {{half_load(entry, false), half_load(entry, true)}};

	if (upper)
		return hpa(vtd_root_entry_UP(&copy) ? vtd_root_entry_UCTP(&copy) : 0);
	return hpa(vtd_root_entry_LP(&copy) ? vtd_root_entry_LCTP(&copy) : 0);
}

static void half_publish(const struct root_table *root, struct vtd_root_entry *entry, bool upper,
			 hpa_t table)
{
	struct vtd_root_entry value = {{0}};

	vtd_root_entry_set_LP(&value, 1);
	vtd_root_entry_set_LCTP(&value, table.v);
	vtd_root_entry_set_UP(&value, 1);
	vtd_root_entry_set_UCTP(&value, table.v);
	__atomic_store_n(&entry->q[upper], value.q[upper], __ATOMIC_RELEASE);
	table_written(&root->memory, entry, sizeof(*entry));
}

struct vtd_context_entry *root_table_make_context(struct root_table *root, rid_t rid_)
{
	struct vtd_root_entry *entry = &root->entries[vtd_root_index(rid_)];
	bool upper = vtd_context_is_upper(rid_);
	hpa_t page = half_table(entry, upper);
	struct vtd_context_entry *contexts;

	if (page.v)
		contexts = physmem_own_page(root->memory.pm, page);
	else
		contexts = table_alloc(&root->memory, &page);
	if (!contexts)
		return NULL;
	half_publish(root, entry, upper, page);
	return &contexts[vtd_context_index(rid_)];
}

static uint64_t first_word(const struct vtd_context_entry *entry)
{
	return __atomic_load_n(&entry->q[0], __ATOMIC_ACQUIRE);
}

bool context_is_present(const struct vtd_context_entry *entry)
{
	struct vtd_context_entry copy = {{first_word(entry)}};

	return vtd_context_entry_P(&copy) != 0;
}

static void entry_written(const struct root_table *root, const struct vtd_context_entry *entry)
{
	table_written(&root->memory, entry, sizeof(*entry));
}

/* RID_PASID stays 0, so it holds with and without ECAP.RPS. */
void context_publish(const struct root_table *root, struct vtd_context_entry *entry,
		     const struct context_config *config)
{
	struct vtd_context_entry value = {{0}};

	CHECK(!context_is_present(entry));
	vtd_context_entry_set_P(&value, 1);
	vtd_context_entry_set_DTE(&value, config->ats);
	vtd_context_entry_set_PDTS(&value, config->pdts);
	vtd_context_entry_set_PASIDDIRPTR(&value, config->pasid_dir.v);
	for (unsigned i = ENTRY_WORDS - 1; i > 0; i--)
		__atomic_store_n(&entry->q[i], value.q[i], __ATOMIC_RELAXED);
	SEAM_MEMORY_WRITE(&entry->q[0]);
	__atomic_store_n(&entry->q[0], value.q[0], __ATOMIC_RELEASE);
	entry_written(root, entry);
}

void context_clear_present(const struct root_table *root, struct vtd_context_entry *entry)
{
	struct vtd_context_entry present = {{0}};

	vtd_context_entry_set_P(&present, 1);
	SEAM_MEMORY_WRITE(&entry->q[0]);
	__atomic_fetch_and(&entry->q[0], ~present.q[0], __ATOMIC_RELEASE);
	entry_written(root, entry);
}

void context_erase(const struct root_table *root, struct vtd_context_entry *entry)
{
	CHECK(!context_is_present(entry));
	SEAM_MEMORY_WRITE(&entry->q[0]);
	for (unsigned i = 0; i < ENTRY_WORDS; i++)
		__atomic_store_n(&entry->q[i], 0, __ATOMIC_RELAXED);
	entry_written(root, entry);
}

/* One or, because another thread may be blocking the device: P must not come back. */
bool context_allow_pasids(const struct root_table *root, struct vtd_context_entry *entry,
			  bool page_requests)
{
	struct vtd_context_entry bits = {{0}}, before = {{0}};

	vtd_context_entry_set_PASIDE(&bits, 1);
	if (page_requests)
		vtd_context_entry_set_PRE(&bits, 1);
	SEAM_MEMORY_WRITE(&entry->q[0]);
	before.q[0] = __atomic_fetch_or(&entry->q[0], bits.q[0], __ATOMIC_ACQ_REL);
	CHECK(!page_requests || vtd_context_entry_DTE(&before));
	entry_written(root, entry);
	return (before.q[0] & bits.q[0]) != bits.q[0];
}
