/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_get: a thread that may outlive the container's owner takes a reference of its own.
 * After the close its calls find nothing: -ENODEV, and no crash.
 */
#include <pthread.h>
#include <vsva/machine.h>
#include <vsva/vfio.h>

#include "../example.h"

static void *allocate(void *arg)
{
	hpasid_t id;
	int *err = malloc(sizeof(*err));

	EXPECT(err);
	do
		*err = vsva_container_pasid_alloc(arg, &id);
	while (*err == 0 || *err == -EDQUOT);
	vsva_container_put(arg);
	return err;
}

int main(void)
{
	const struct vsva_machine_options options = {.threads = true};
	struct vsva_container *container;
	struct vsva_machine *machine;
	pthread_t thread;
	void *result;

	EXPECT(vsva_machine_create(&options, &machine) == 0);
	EXPECT(vsva_container_open(vsva_machine_iommu(machine), NULL, &container) == 0);
	vsva_container_get(container); /* the thread's */
	EXPECT(pthread_create(&thread, NULL, allocate, container) == 0);
	EXPECT(vsva_container_close(container) == 0);
	EXPECT(pthread_join(thread, &result) == 0);
	printf("the thread's last call: %s\n", strerror(-*(int *)result));
	EXPECT(*(int *)result == -ENODEV);
	free(result);
	vsva_machine_destroy(machine);
	return 0;
}
