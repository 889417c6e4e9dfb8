/* SPDX-License-Identifier: MIT */
/* The file that `vsva snapshot` writes and that views read: docs/control.md describes it. */
#ifndef CLI_SNAPSHOT_H
#define CLI_SNAPSHOT_H

#include <stdint.h>

#define SNAPSHOT_VERSION 1

/* Under what a page of a memory (0: physical, n: of VM n) is kept. */
void snapshot_page_key(uint32_t vm, uint64_t address, char key[40]);

#endif
