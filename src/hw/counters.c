// SPDX-License-Identifier: MIT
#include "hw/counters.h"

_Thread_local unsigned counters_shard_ __attribute__((tls_model("initial-exec")));

void counters_take_shard_(void)
{
	static unsigned threads;

	counters_shard_ = 1 + __atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED) % COUNTERS_SHARDS;
}
