/* SPDX-License-Identifier: MIT */
/*
 * An accelerator that the host's own processes use: the driver that a host kernel would have for it,
 * with one dedicated queue and one shared, on the library's native shared virtual addressing
 * (vsva/sva.h).
 */
#ifndef CLI_NATIVE_H
#define CLI_NATIVE_H

#include "vsva/device.h"
#include "vsva/sva.h"

struct native_device;

/* Takes a device that nobody has: attaches it to a domain with nothing in it, enables device and
 * shared queue. 0; -EBUSY a VM has it; -EIO the device refuses; -ENOMEM, -ENOSPC, -ETIMEDOUT. */
int native_device_create(struct vsva_device *device, struct native_device **out);
/* The device is reset and given back, alive or gone. Nothing may be bound any more. */
void native_device_destroy(struct native_device *native);

int native_bind(struct native_device *native, struct vsva_mm *mm, struct vsva_sva **out);
/* The number is taken out of the device first: its work is drained, or ended if it does not end. 0;
 * -EIO, -ETIMEDOUT: unbound all the same. */
int native_unbind(struct native_device *native, struct vsva_sva *bond);

/* 64 bytes to the dedicated queue (which is given this PASID first) or to the shared one. 0; -EAGAIN
 * the queue is full; -EIO the queue could not be enabled. */
int native_submit(struct native_device *native, hpasid_t pasid, const void *descriptor,
		  bool shared);

#endif
