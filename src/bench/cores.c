/* SPDX-License-Identifier: MIT */
#include "bench/cores.h"

#include <errno.h>

static int cores[2] = {-1, -1};

static cpu_set_t only(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)core, &set);
	return set;
}

void bench_cores_take(cpu_set_t *before)
{
	unsigned found = 0;
	cpu_set_t set;

	CPU_ZERO(before);
	if (pthread_getaffinity_np(pthread_self(), sizeof(*before), before))
		return;
	for (int core = 0; core < CPU_SETSIZE && found < 2; core++)
		if (CPU_ISSET((unsigned)core, before))
			cores[found++] = core;
	set = only(cores[0]);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

void bench_cores_give_back(const cpu_set_t *before)
{
	if (CPU_COUNT(before))
		pthread_setaffinity_np(pthread_self(), sizeof(*before), before);
}

bool bench_cores_has_other(void)
{
	return cores[1] >= 0;
}

int bench_cores_start_other(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	pthread_attr_t attr;
	cpu_set_t set;
	int err;

	if (!bench_cores_has_other())
		return -ENOTSUP;
	set = only(cores[1]);
	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	err = pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	if (!err)
		err = pthread_create(thread, &attr, run, arg);
	pthread_attr_destroy(&attr);
	return -err;
}
