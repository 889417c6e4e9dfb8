/* SPDX-License-Identifier: MIT */
/* The unit's fault event: fault records and errors of the invalidation queue (VT-d 7.2, 7.3). */
#ifndef HOST_FAULT_H
#define HOST_FAULT_H

#include <stdbool.h>

struct vsva_iommu;

/* Run of the fault worker. */
bool fault_run(void *arg);
/* Forgets what an earlier owner of the unit left in the records. */
void fault_clear_all(struct vsva_iommu *iommu);

#endif
