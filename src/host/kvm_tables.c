// SPDX-License-Identifier: MIT
#include "host/kvm_tables.h"

#include <errno.h>

#include "base/check.h"
#include "base/sched.h"
#include "host/page_list.h"

static void free_table(struct kvm_tables *tables, uint64_t entry)
{
	if (entry & VTD_VMX_PASID_DIR_P)
		physmem_free_pages(tables->pm, hpa(vtd_VMX_PASID_DIR_TABLE(entry)), 0);
}

static void free_directory(struct kvm_tables *tables, unsigned half)
{
	if (!tables->entries[half])
		return;
	for (unsigned i = 0; i < VTD_VMX_PASID_DIR_COUNT; i++)
		free_table(tables, tables->entries[half][i]);
	physmem_free_pages(tables->pm, tables->dir[half], 0);
}

int kvm_tables_init(struct kvm_tables *tables, struct physmem *pm)
{
	*tables = (struct kvm_tables){.pm = pm};
	for (unsigned half = 0; half < 2; half++) {
		tables->entries[half] = page_alloc(pm, &tables->dir[half]);
		if (!tables->entries[half]) {
			kvm_tables_fini(tables);
			return -ENOMEM;
		}
	}
	return 0;
}

void kvm_tables_fini(struct kvm_tables *tables)
{
	free_directory(tables, 0);
	free_directory(tables, 1);
}

static uint64_t *dir_entry_of(const struct kvm_tables *tables, gpasid_t guest)
{
	CHECK(guest.v <= VSVA_PASID_MAX);
	return &tables->entries[vtd_vmx_pasid_half(guest.v)][vtd_vmx_pasid_dir_index(guest.v)];
}

/* NULL: no table. */
static uint32_t *entry_of(const struct kvm_tables *tables, gpasid_t guest)
{
	uint64_t dir_entry = __atomic_load_n(dir_entry_of(tables, guest), __ATOMIC_RELAXED);
	uint32_t *table;

	if (!(dir_entry & VTD_VMX_PASID_DIR_P))
		return NULL;
	table = physmem_own_page(tables->pm, hpa(vtd_VMX_PASID_DIR_TABLE(dir_entry)));
	return &table[vtd_vmx_pasid_index(guest.v)];
}

int kvm_tables_make(struct kvm_tables *tables, gpasid_t guest)
{
	uint64_t dir_entry = VTD_VMX_PASID_DIR_P;
	hpa_t page;

	if (entry_of(tables, guest))
		return 0;
	if (!page_alloc(tables->pm, &page))
		return -ENOMEM;
	dir_entry = vtd_VMX_PASID_DIR_with_TABLE(dir_entry, page.v);
	__atomic_store_n(dir_entry_of(tables, guest), dir_entry, __ATOMIC_RELEASE);
	return 0;
}

void kvm_tables_set(struct kvm_tables *tables, gpasid_t guest, hpasid_t host)
{
	uint32_t *entry = entry_of(tables, guest);

	CHECK(entry);
	SEAM_MEMORY_WRITE(entry);
	__atomic_store_n(entry, (uint32_t)vtd_VMX_PASID_with_PASID(VTD_VMX_PASID_V, host.v),
			 __ATOMIC_RELEASE);
}

void kvm_tables_clear(struct kvm_tables *tables, gpasid_t guest)
{
	uint32_t *entry = entry_of(tables, guest);

	if (!entry)
		return;
	SEAM_MEMORY_WRITE(entry);
	__atomic_fetch_and(entry, (uint32_t)vtd_without(UINT32_MAX, VTD_VMX_PASID_V),
			   __ATOMIC_RELEASE);
}

bool kvm_tables_get(const struct kvm_tables *tables, gpasid_t guest, hpasid_t *host)
{
	const uint32_t *entry = entry_of(tables, guest);
	uint32_t word = entry ? __atomic_load_n(entry, __ATOMIC_RELAXED) : 0;

	*host = hpasid((uint32_t)vtd_VMX_PASID_PASID(word));
	return word & VTD_VMX_PASID_V;
}

/* The walk. Where there is no memory a CPU reads all ones, and so reserved bits. */

static uint64_t read_dir_entry(struct physmem *pm, hpa_t dir, gpasid_t guest)
{
	hpa_t at = hpa(dir.v + sizeof(uint64_t) * vtd_vmx_pasid_dir_index(guest.v));
	const uint64_t *entry = physmem_ptr(pm, at, sizeof(*entry), false);

	return entry ? __atomic_load_n(entry, __ATOMIC_ACQUIRE) : UINT64_MAX;
}

static uint32_t read_entry(struct physmem *pm, hpa_t table, gpasid_t guest)
{
	hpa_t at = hpa(table.v + sizeof(uint32_t) * vtd_vmx_pasid_index(guest.v));
	const uint32_t *entry = physmem_ptr(pm, at, sizeof(*entry), false);
	uint32_t value;

	if (!entry)
		return UINT32_MAX;
	SEAM_MEMORY_READ(entry);
	value = __atomic_load_n(entry, __ATOMIC_ACQUIRE);
	SEAM_MEMORY_SEEN(entry);
	return value;
}

bool kvm_walk(struct physmem *pm, const hpa_t dir[2], gpasid_t guest, hpasid_t *host)
{
	uint64_t dir_entry = read_dir_entry(pm, dir[vtd_vmx_pasid_half(guest.v)], guest);
	uint32_t entry;

	if (!(dir_entry & VTD_VMX_PASID_DIR_P) ||
	    (dir_entry & vtd_vmx_pasid_dir_reserved_for(PHYSMEM_HAW)))
		return false;
	entry = read_entry(pm, hpa(vtd_VMX_PASID_DIR_TABLE(dir_entry)), guest);
	if (!(entry & VTD_VMX_PASID_V) || (entry & VTD_VMX_PASID_RESERVED))
		return false;
	*host = hpasid((uint32_t)vtd_VMX_PASID_PASID(entry));
	return true;
}
