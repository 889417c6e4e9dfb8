// SPDX-License-Identifier: MIT
#include "hw/counters.h"

_Thread_local unsigned counters_shard_ __attribute__((tls_model("initial-exec")));

unsigned counters_new_shard_(void)
{
	static unsigned threads;

	counters_shard_ = __atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED) % COUNTERS_SHARDS + 1;
	return counters_shard_;
}
