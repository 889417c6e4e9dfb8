/* SPDX-License-Identifier: MIT */
/* What a device's owner may do to its part of the unit: entries, device TLB, page requests. */
#ifndef HOST_DEVICE_H
#define HOST_DEVICE_H

#include "host/driver.h"

/* How a flush went, for those who must know what they may reuse afterwards. */
struct aftermath {
	int err;          /* 0 or -ETIMEDOUT */
	bool is_in_doubt; /* the unit may still use what was taken away */
};
/* Ends the flush; a device whose TLB did not answer is isolated, after which it cannot use what it
 * had cached. */
void dev_flush_end(struct domain_locked locked, struct vsva_dev *dev, struct flush *flush,
		   struct aftermath *aftermath);

/* pasid 0: requests without PASID (RID_PASID). Nothing where ATS is off. */
void dev_flush_device_tlb(struct vsva_dev *dev, struct flush *flush, uint32_t pasid,
			  struct flush_range range);

/* Lets requests with PASID and page requests pass, in the unit and in the device; stays so until
 * the device is detached. 0; -ETIMEDOUT. */
int dev_allow_pasids(struct domain_locked locked, struct vsva_dev *dev);

/* Publishes an entry of the device's PASID table. 0; -ETIMEDOUT: published all the same (where CM=1
 * or RWBF=1). */
int dev_entry_publish(struct domain_locked locked, struct vsva_dev *dev, uint32_t pasid,
		      const struct vtd_pasid_entry *value);
/* Takes it down: when it returns without doubt there is no access by it and no page request of it.
 */
void dev_entry_teardown(struct domain_locked locked, struct vsva_dev *dev, uint32_t pasid,
			did_t did, struct aftermath *aftermath);

/* Invalidations from outside are let in until the device is detached. -ENODEV. */
int dev_enter_flush(struct vsva_dev *dev);
void dev_leave_flush(struct vsva_dev *dev);

/* Calls fn for each binding of the device, the RID entry's too. */
void dev_for_each_binding(struct domain_locked locked, struct vsva_dev *dev,
			  void (*fn)(void *arg, struct binding *binding), void *arg);

#endif
