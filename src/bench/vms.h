/* SPDX-License-Identifier: MIT */
/* What VMs weigh: each with a test engine of its own, on which so many PASIDs are bound. */
#ifndef BENCH_VMS_H
#define BENCH_VMS_H

#include <stdint.h>

struct vms_weight {
	double record_bytes; /* the library's own: VMs, devices, PASIDs, bindings */
	double table_bytes;  /* as the architecture lays them out */
};

/* 0 or -errno. All of them at once are at most as many PASIDs as there are, and a thousand VMs. */
int bench_vms_weigh(uint32_t vms, uint32_t pasids, struct vms_weight *out);

#endif
