/* SPDX-License-Identifier: MIT */
/*
 * Native address spaces: what the host's own processes have, and its kernel. Page tables that the
 * unit walks as a first stage, anonymous memory that is made present on demand, and news for those
 * who cache translations of it.
 *
 * Life. The creator has a reference and puts it; whoever keeps a pointer takes one of his own. The
 * address space dies with vsva_mm_exit() (or with the last reference), whoever still has a
 * reference: a process may exit before the device that works for it is closed.
 *
 * When unmap, protect or exit has returned there is no access, of a CPU or of a device, by what
 * they took away. They wait for the unit, in bounded time: no lock of the library may be held.
 *
 * Threads: every function may be called from any thread, at once with every other of the same
 * address space; those that change it or fault pages in are serialised.
 */
#ifndef VSVA_MM_H
#define VSVA_MM_H

#include "vsva/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vsva_iommu;
struct vsva_mm;

/* The kernel's: addresses of the upper half, supervisor pages that are present from the beginning,
 * because privileged page requests are refused. */
#define VSVA_MM_KERNEL (1u << 0)

/* An empty address space, with one reference. Memory is that of the machine that iommu drives; it
 * is put before the machine goes. 0; -EINVAL no iommu, unknown flags; -ENOMEM. */
int vsva_mm_create(struct vsva_iommu *iommu, uint32_t flags, struct vsva_mm **out);
/* One reference more, by somebody who has one. */
void vsva_mm_get(struct vsva_mm *mm);
/* Returns one; the last exits, and the handle is gone. NULL is ignored. */
void vsva_mm_put(struct vsva_mm *mm);
/* The process dies: its devices are cut off (their translations go first, and their faults are not
 * reported any more), then its memory is freed. Once; again does nothing. */
void vsva_mm_exit(struct vsva_mm *mm);
bool vsva_mm_is_dead(struct vsva_mm *mm);

/*
 * Anonymous memory: zeroes, each page made present when it is first touched. address: 0 or a wish
 * that must be free; len: bytes; both multiples of 4096. prot: VSVA_PROT_READ, with or without
 * VSVA_PROT_WRITE. 0 and *out (may be NULL), the address; -EINVAL; -EEXIST something is mapped
 * there; -ENOMEM no memory, no free range of that length, or VSVA_LIMIT_MM_AREAS; -ESRCH it has
 * exited.
 */
int vsva_mm_map(struct vsva_mm *mm, uva_t address, uint64_t len, uint32_t prot, uva_t *out);
/* Unmaps [address, address+len), whether or not all of it is mapped. 0; -EINVAL; -ENOMEM an area
 * could not be cut, nothing is unmapped; -ESRCH; -ETIMEDOUT the unit does not answer: it is
 * unmapped, but its pages are not used again before the unit has answered an unmap or a protect that
 * comes later, of this or any other range. */
int vsva_mm_unmap(struct vsva_mm *mm, uva_t address, uint64_t len);
/* Changes the rights of memory that is mapped without holes. 0; -EINVAL; -ENOMEM a hole, or an area
 * could not be cut: nothing is changed; -ESRCH; -ETIMEDOUT changed, but the unit does not answer.
 * */
int vsva_mm_protect(struct vsva_mm *mm, uva_t address, uint64_t len, uint32_t prot);

/* Makes the page present. 0, also if it was; -EFAULT: nothing is mapped there, it may not be
 * written, or it has exited; -ENOMEM; -EIO it was unmapped from a unit that does not answer. */
int vsva_mm_fault_in(struct vsva_mm *mm, uva_t address, bool write);
/* Accesses of a CPU: pages are faulted in. What came before the address that fails has been copied.
 * Errors as vsva_mm_fault_in(). */
int vsva_mm_write(struct vsva_mm *mm, uva_t address, const void *data, uint64_t len);
int vsva_mm_read(struct vsva_mm *mm, uva_t address, void *data, uint64_t len);
/* One byte, if its page is present: for whoever polls what a device will write, without hiding the
 * device's own page request. -ENOENT. */
int vsva_mm_peek(struct vsva_mm *mm, uva_t address, uint8_t *out);

/* Pages that are present, without page tables; those that wait for a unit that does not answer too.
 * */
uint64_t vsva_mm_page_count(struct vsva_mm *mm);

#ifdef __cplusplus
}
#endif
#endif
