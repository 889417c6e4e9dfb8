/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CALIBRATION_H
#define BENCH_CALIBRATION_H

#include "bench/bench.h"
#include "bench/reader.h"

struct bench_calibrator;

/* 0 or -errno. reader: borrowed. */
int bench_calibrator_create(struct bench_reader *reader, struct bench_calibrator **out);
void bench_calibrator_destroy(struct bench_calibrator *calibrator);

/* One measurement, less than some milliseconds; 0: not possible here. BENCH_R_ACTIVE: with what the
 * reader does, if it does something. */
double bench_calibrate(struct bench_calibrator *calibrator, enum bench_calibration which);

#endif
