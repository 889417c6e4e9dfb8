/* SPDX-License-Identifier: MIT */
/* What may happen to a VM with a mediated device (mediated_world.h). */
#ifndef TESTS_SCHED_MEDIATED_ACTORS_H
#define TESTS_SCHED_MEDIATED_ACTORS_H

void mediated_does_bind(void *world);
void mediated_does_unbind(void *world);
void mediated_does_free(void *world);  /* of the PASID, bound or not */
void mediated_does_work(void *world);  /* descriptors, one that needs a page, and its answer */
void mediated_does_drain(void *world); /* by guest PASID; waits */
void mediated_does_cycle(void *world); /* the queue: disabled, and enabled again */
void mediated_does_reset(void *world); /* the mediated device */
void mediated_does_close(void *world); /* the mediated device, as a VMM does */
void mediated_does_die(void *world);   /* the VM's container */
void mediated_does_pull(void *world);  /* the accelerator, in surprise */
void mediated_does_stop(void *world);  /* KVM */

#endif
