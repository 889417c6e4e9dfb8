/* SPDX-License-Identifier: MIT */
/* The one way up for a binding, a guest's or a host process': reserve, publish. */
#ifndef HOST_BIND_H
#define HOST_BIND_H

#include "host/child.h"
#include "vsva/vfio.h"

/* vsva_bind_gpasid() and vsva_unbind_gpasid(), and what vsva/vfio.h says of a virtual unit's. */
int bind_gpasid(struct vsva_domain *domain, struct vsva_dev *dev,
		const struct vsva_gpasid_bind_data *data, bool *is_clean);
int unbind_gpasid(struct vsva_domain *domain, struct vsva_dev *dev, hpasid_t pasid,
		  bool *is_drained);
/* A reference on its PASID, room in the tables, PASIDs and page requests of the function. What is
 * refused is freed: -ENOENT, -EACCES, -EEXIST, -EBUSY of the PASID; -EBUSY the function has it
 * otherwise; -ENOMEM; -ETIMEDOUT. */
int binding_reserve(struct domain_locked locked, struct binding *binding);
/* Undoes it. */
void binding_abort(struct domain_locked locked, struct binding *binding);
/* The entry, and then the news of it. 0; taken down again and gone: -ENOENT its owner has freed the
 * PASID meanwhile, -ETIMEDOUT. */
int binding_publish(struct domain_locked locked, struct binding *binding);

#endif
