/* SPDX-License-Identifier: MIT */
/* What a function has once, whoever shares it: context entry, PASID table, device TLB, and the PCI
 * capabilities that are switched on. */
#ifndef HOST_FUNCTION_H
#define HOST_FUNCTION_H

#include "host/driver.h"

/* How a flush went, for those who must know what they may reuse afterwards. */
struct aftermath {
	int err;          /* 0 or -ETIMEDOUT */
	bool is_in_doubt; /* the unit may still use what was taken away */
	bool is_drained; /* of page requests: what the unit had accepted, from any device, is taken in */
};
/* Ends the flush; a function whose device TLB did not answer is isolated, after which it cannot use
 * what it had cached. */
void function_flush_end(struct function *function, struct flush *flush,
			struct aftermath *aftermath);
/* A function that is not there would cost a time-out for each invalidation: isolates it. */
void function_isolate_if_absent(struct function *function, struct aftermath *aftermath);
bool function_is_ats_on(const struct function *function);
bool function_is_pri_on(const struct function *function);
bool function_is_isolated(const struct function *function);

/* pasid 0: requests without PASID. Nothing where ATS is off. */
void function_flush_device_tlb(struct function *function, struct flush *flush, uint32_t pasid,
			       struct flush_range range);

/* Something may be cached of an entry that was not present. CM=1: so it is; RWBF=1: the write may
 * still be in a buffer that an invalidation flushes. VT-d 6.2.1, 6.8 */
bool function_must_flush_new(const struct function *function);

/* Lets requests with PASID and page requests pass, in the unit and in the device; stays so until
 * the function is detached. 0; -ENODEV the device does not answer any more; -ETIMEDOUT. */
int function_allow_pasids(struct function *function);

/* The rest is for attaching and detaching the own handle, with its domain's lock.
 *
 * Tables with room for PASID 0. 0; -ENOMEM. */
int function_make_tables(struct function *function);
void function_free_tables(struct function *function, const struct aftermath *aftermath);
/* Entries of the tables count from now on; never again. 0; -ETIMEDOUT: open all the same. */
int function_open(struct function *function);
/* Nothing gets through a context entry that is not present, nor by what the caches hold of it. */
void function_close(struct function *function, struct aftermath *aftermath);
void function_enable_caps(struct function *function);
void function_disable_caps(struct function *function);

#endif
