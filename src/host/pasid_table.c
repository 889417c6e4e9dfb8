// SPDX-License-Identifier: MIT
#include "host/pasid_table.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"

#define PASID_BITS_OF_PDTS_0 13u
#define ENTRY_WORDS          ARRAY_LEN(((struct vtd_pasid_entry *)0)->q)

/* A directory of 2^(PDTS+7) entries reaches 2^(PDTS+13) PASIDs, VT-d 9.4. */
unsigned pasid_table_pdts(unsigned pasid_bits)
{
	CHECK(pasid_bits >= 1 && pasid_bits <= 20);
	return pasid_bits <= PASID_BITS_OF_PDTS_0 ? 0 : pasid_bits - PASID_BITS_OF_PDTS_0;
}

static unsigned dir_order(unsigned pdts)
{
	size_t len = vtd_pasid_dir_count(pdts) * sizeof(struct vtd_pasid_dir_entry);
	unsigned order = 0;

	while (((size_t)VSVA_PAGE_SIZE << order) < len)
		order++;
	return order;
}

int pasid_table_init(struct pasid_table *table, const struct table_memory *memory,
		     unsigned pasid_bits)
{
	void *dir;

	table->memory = *memory;
	table->pdts = pasid_table_pdts(pasid_bits);
	table->dir_order = dir_order(table->pdts);
	if (physmem_alloc_pages(memory->pm, table->dir_order, &table->dir, &dir))
		return -ENOMEM;
	table_written(memory, dir, (size_t)VSVA_PAGE_SIZE << table->dir_order);
	table->dir_entries = dir;
	return 0;
}

/* The directory is freed after its tables, because the page list writes its links into it. */
void pasid_table_fini(struct pasid_table *table, struct page_list *removed)
{
	for (uint32_t i = 0; i < vtd_pasid_dir_count(table->pdts); i++) {
		struct vtd_pasid_dir_entry *entry = &table->dir_entries[i];
		hpa_t page = hpa(vtd_pasid_dir_entry_SMPTBLPTR(entry));

		if (!vtd_pasid_dir_entry_P(entry))
			continue;
		__atomic_store_n(&entry->q[0], 0, __ATOMIC_RELAXED);
		page_list_add(table->memory.pm, removed, page, 0);
	}
	page_list_add(table->memory.pm, removed, table->dir, table->dir_order);
	table->dir_entries = NULL;
}

static struct vtd_pasid_dir_entry *dir_entry_of(const struct pasid_table *table, uint32_t pasid)
{
	if (!table->dir_entries || pasid >= vtd_pasid_end(table->pdts))
		return NULL;
	return &table->dir_entries[vtd_pasid_dir_index(pasid)];
}

struct vtd_pasid_entry *pasid_table_find(const struct pasid_table *table, uint32_t pasid)
{
	struct vtd_pasid_dir_entry *dir_entry = dir_entry_of(table, pasid), copy;
	struct vtd_pasid_entry *entries;

	if (!dir_entry)
		return NULL;
	copy.q[0] = __atomic_load_n(&dir_entry->q[0], __ATOMIC_ACQUIRE);
	if (!vtd_pasid_dir_entry_P(&copy))
		return NULL;
	entries = physmem_own_page(table->memory.pm, hpa(vtd_pasid_dir_entry_SMPTBLPTR(&copy)));
	return &entries[vtd_pasid_table_index(pasid)];
}

struct vtd_pasid_entry *pasid_table_make(struct pasid_table *table, uint32_t pasid)
{
	struct vtd_pasid_entry *entry = pasid_table_find(table, pasid);
	struct vtd_pasid_dir_entry *dir_entry, value = {{0}};
	hpa_t page;

	if (entry || pasid >= vtd_pasid_end(table->pdts))
		return entry;
	if (!table_alloc(&table->memory, &page))
		return NULL;
	vtd_pasid_dir_entry_set_SMPTBLPTR(&value, page.v);
	vtd_pasid_dir_entry_set_P(&value, 1);
	dir_entry = dir_entry_of(table, pasid);
	SEAM_MEMORY_WRITE(dir_entry);
	__atomic_store_n(&dir_entry->q[0], value.q[0], __ATOMIC_RELEASE);
	table_written(&table->memory, dir_entry, sizeof(*dir_entry));
	return pasid_table_find(table, pasid);
}

/* Entries */

void pasid_entry_read(const struct vtd_pasid_entry *entry, struct vtd_pasid_entry *out)
{
	for (unsigned i = 0; i < ENTRY_WORDS; i++)
		out->q[i] = __atomic_load_n(&entry->q[i], __ATOMIC_ACQUIRE);
}

bool pasid_entry_is_present(const struct vtd_pasid_entry *entry)
{
	struct vtd_pasid_entry copy;

	pasid_entry_read(entry, &copy);
	return vtd_pasid_entry_P(&copy) != 0;
}

static void entry_written(const struct pasid_table *table, const struct vtd_pasid_entry *entry)
{
	table_written(&table->memory, entry, sizeof(*entry));
}

void pasid_entry_publish(const struct pasid_table *table, struct vtd_pasid_entry *entry,
			 const struct vtd_pasid_entry *value)
{
	CHECK(!pasid_entry_is_present(entry) && vtd_pasid_entry_P(value));
	for (unsigned i = ENTRY_WORDS - 1; i > 0; i--) {
		SEAM_MEMORY_WRITE(&entry->q[i & ~1u]);
		__atomic_store_n(&entry->q[i], value->q[i], __ATOMIC_RELAXED);
	}
	SEAM_MEMORY_WRITE(&entry->q[0]);
	__atomic_store_n(&entry->q[0], value->q[0], __ATOMIC_RELEASE);
	entry_written(table, entry);
}

void pasid_entry_clear_present(const struct pasid_table *table, struct vtd_pasid_entry *entry)
{
	struct vtd_pasid_entry present = {{0}};

	vtd_pasid_entry_set_P(&present, 1);
	SEAM_MEMORY_WRITE(&entry->q[0]);
	__atomic_fetch_and(&entry->q[0], ~present.q[0], __ATOMIC_RELEASE);
	entry_written(table, entry);
}

void pasid_entry_erase(const struct pasid_table *table, struct vtd_pasid_entry *entry)
{
	struct vtd_pasid_entry rest = {{0}};

	CHECK(!pasid_entry_is_present(entry));
	vtd_pasid_entry_set_FPD(&rest, 1);
	SEAM_MEMORY_WRITE(&entry->q[0]);
	__atomic_fetch_and(&entry->q[0], rest.q[0], __ATOMIC_RELAXED);
	for (unsigned i = 1; i < ENTRY_WORDS; i++) {
		SEAM_MEMORY_WRITE(&entry->q[i & ~1u]);
		__atomic_store_n(&entry->q[i], 0, __ATOMIC_RELAXED);
	}
	entry_written(table, entry);
}

void pasid_entry_disable_faults(const struct pasid_table *table, struct vtd_pasid_entry *entry)
{
	struct vtd_pasid_entry off = {{0}};

	vtd_pasid_entry_set_FPD(&off, 1);
	SEAM_MEMORY_WRITE(&entry->q[0]);
	__atomic_fetch_or(&entry->q[0], off.q[0], __ATOMIC_RELEASE);
	entry_written(table, entry);
}

/* PWSNP: walks snoop the caches. Without it A and D bits could not be set (SFS.9, SSS.5). VT-d 9.6
 */
static struct vtd_pasid_entry entry_of_type(uint64_t ecap, enum vtd_pgtt pgtt, did_t did_)
{
	struct vtd_pasid_entry entry = {{0}};

	vtd_pasid_entry_set_P(&entry, 1);
	vtd_pasid_entry_set_PGTT(&entry, pgtt);
	vtd_pasid_entry_set_DID(&entry, did_.v);
	vtd_pasid_entry_set_PWSNP(&entry, vtd_ECAP_SMPWC(ecap));
	return entry;
}

static void set_second_stage(struct vtd_pasid_entry *entry, const struct pasid_second_stage *ss)
{
	vtd_pasid_entry_set_AW(entry, ss->aw);
	vtd_pasid_entry_set_SSPTPTR(entry, ss->root.v);
	vtd_pasid_entry_set_SSADE(entry, ss->dirty);
}

static void set_first_stage(struct vtd_pasid_entry *entry, const struct pasid_first_stage *fs)
{
	vtd_pasid_entry_set_FSPTPTR(entry, fs->root);
	vtd_pasid_entry_set_FSPM(entry, fs->addr_width == 57 ? VTD_FSPM_5_LEVEL : VTD_FSPM_4_LEVEL);
	vtd_pasid_entry_set_SRE(entry, (fs->flags & VSVA_VTD_GPASID_SRE) != 0);
	vtd_pasid_entry_set_EAFE(entry, (fs->flags & VSVA_VTD_GPASID_EAFE) != 0);
}

struct vtd_pasid_entry pasid_entry_second_stage(uint64_t ecap, const struct pasid_second_stage *ss)
{
	struct vtd_pasid_entry entry = entry_of_type(ecap, VTD_PGTT_SECOND_STAGE, ss->did);

	set_second_stage(&entry, ss);
	return entry;
}

struct vtd_pasid_entry pasid_entry_nested(uint64_t ecap, const struct pasid_second_stage *ss,
					  const struct pasid_first_stage *fs)
{
	struct vtd_pasid_entry entry = entry_of_type(ecap, VTD_PGTT_NESTED, ss->did);

	set_second_stage(&entry, ss);
	set_first_stage(&entry, fs);
	return entry;
}

struct vtd_pasid_entry pasid_entry_first_stage(uint64_t ecap, did_t did_,
					       const struct pasid_first_stage *fs)
{
	struct vtd_pasid_entry entry = entry_of_type(ecap, VTD_PGTT_FIRST_STAGE, did_);

	set_first_stage(&entry, fs);
	/* what a kernel may not write, its devices may not either */
	vtd_pasid_entry_set_WPE(&entry, (fs->flags & VSVA_VTD_GPASID_SRE) != 0);
	return entry;
}

/* AW is ignored by the walk, but says how wide an address is (VT-d 9.3): the largest that the unit
 * has. */
struct vtd_pasid_entry pasid_entry_pass_through(uint64_t ecap, did_t did_, unsigned aw)
{
	struct vtd_pasid_entry entry = entry_of_type(ecap, VTD_PGTT_PASS_THROUGH, did_);

	vtd_pasid_entry_set_AW(&entry, aw);
	return entry;
}
