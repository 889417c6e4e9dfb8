/* SPDX-License-Identifier: MIT */
/* Ranges that are not memory. VT-d 3.14 */
#ifndef HW_TRANSLATE_H
#define HW_TRANSLATE_H

#include <stdbool.h>
#include <stdint.h>

#define INTERRUPT_FIRST UINT64_C(0xfee00000)
#define INTERRUPT_LAST  UINT64_C(0xfeefffff)

static inline bool is_interrupt_address(uint64_t address)
{
	return address >= INTERRUPT_FIRST && address <= INTERRUPT_LAST;
}

#endif
