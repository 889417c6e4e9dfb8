/* SPDX-License-Identifier: MIT */
/* Faults and page requests to the handler that a device's owner has registered. */
#ifndef HOST_REPORT_H
#define HOST_REPORT_H

#include "host/driver.h"

/* Reports the group that has been ready for longest. false: there is none. Only the page-request
 * worker. */
bool report_next(struct vsva_iommu *iommu);
/* The same for the groups of one device, by any thread. */
bool report_next_of(struct vsva_dev *dev);
/* Returns when no handler is being told of a page request of the device's dying bindings; they are
 * dying already, so none comes after that. Not if the caller is a handler. */
void report_wait_for_dying(struct vsva_dev *dev);
/* An unrecoverable fault, to the handler of the device concerned if it has one. */
void report_unit_fault(struct function *function, const struct vsva_unit_fault *fault);

#endif
