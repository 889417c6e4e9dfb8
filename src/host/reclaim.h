/* SPDX-License-Identifier: MIT */
/*
 * The driver's ear for PASIDs that their owner frees, bound or not. At once: faults of the entries
 * are dropped and page requests answered "invalid". Then, on the set's work queue: the bindings go,
 * in batches, by the same teardown as any other.
 */
#ifndef HOST_RECLAIM_H
#define HOST_RECLAIM_H

#include "host/driver.h"

/* 0; -ENOMEM. */
int reclaim_init(struct vsva_iommu *iommu);
void reclaim_fini(struct vsva_iommu *iommu);

#endif
