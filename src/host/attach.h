/* SPDX-License-Identifier: MIT */
#ifndef HOST_ATTACH_H
#define HOST_ATTACH_H

#include "host/driver.h"

/* Invalidations from outside are let in until the device is detached. -ENODEV. */
int dev_enter_flush(struct vsva_dev *dev);
void dev_leave_flush(struct vsva_dev *dev);

#endif
