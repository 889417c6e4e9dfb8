/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_notify: another thread has changed what a vsva_machine_wait() waits for, and wakes it
 * instead of leaving it to find out at its next look.
 */
#include <pthread.h>
#include <vsva/machine.h>

#include "../example.h"

struct job {
	struct vsva_machine *machine;
	bool is_done; /* atomic */
};

static void *work(void *arg)
{
	struct job *job = arg;

	__atomic_store_n(&job->is_done, true, __ATOMIC_RELEASE);
	vsva_machine_notify(job->machine);
	return NULL;
}

static bool is_done(void *arg)
{
	return __atomic_load_n(&((struct job *)arg)->is_done, __ATOMIC_ACQUIRE);
}

int main(void)
{
	const struct vsva_machine_options options = {.threads = true};
	struct job job = {0};
	pthread_t thread;

	EXPECT(vsva_machine_create(&options, &job.machine) == 0);
	EXPECT(pthread_create(&thread, NULL, work, &job) == 0);
	EXPECT(vsva_machine_wait(job.machine, is_done, &job, 60000));
	printf("the other thread is done\n");
	pthread_join(thread, NULL);
	vsva_machine_destroy(job.machine);
	return 0;
}
