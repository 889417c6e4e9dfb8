/* SPDX-License-Identifier: MIT */
/* Time. A test may stop the clock and move it by hand. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_now_ns(void);
/* Stops the clock at ns; later calls move it. */
void clock_set_manual(uint64_t ns);
void clock_set_real(void);

#endif
