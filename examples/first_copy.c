/* SPDX-License-Identifier: MIT */
/*
 * The library in one page: a machine with an accelerator, a guest with a process, one bind and one copy by the process' own
 * pointers. Built against an installed vsva:
 *
 *     cc first_copy.c $(pkg-config --cflags --libs vsva) -o first_copy
 */
#include <stdio.h>
#include <string.h>

#include <vsva/dsa.h>
#include <vsva/guest.h>

static int copy(struct vsva_process *process, struct vsva_guest_device *accelerator)
{
	static const char text[] = "by the guest's own pointers";
	struct vsva_dsa_descriptor move = {
		.flags_opcode = (uint32_t)VSVA_DSA_MEMMOVE << 24 | VSVA_DSA_BLOCK_ON_FAULT |
				VSVA_DSA_COMPLETION_VALID | VSVA_DSA_REQUEST_COMPLETION,
		.size = sizeof(text),
	};
	gva_t from, to, record;
	char result[sizeof(text)] = "";
	int status;

	if (vsva_process_mmap(process, gva(0), 4096, true, false, &from) ||
	    vsva_process_mmap(process, gva(0), 4096, true, false, &to) ||
	    vsva_process_mmap(process, gva(0), 4096, true, false, &record) ||
	    vsva_process_write(process, from, text, sizeof(text)))
		return 1;
	move.source = from.v;
	move.destination = to.v;
	move.completion = record.v;
	if (vsva_process_submit(process, accelerator, &move, false))
		return 1;
	status = vsva_process_wait(process, record, NULL);
	vsva_process_read(process, to, result, sizeof(result));
	printf("status %#x: \"%s\" at %#llx\n", (unsigned)status, result, (unsigned long long)to.v);
	return status == VSVA_DSA_SUCCESS && !memcmp(result, text, sizeof(text)) ? 0 : 1;
}

int main(void)
{
	struct vsva_device_options dsa = {.kind = VSVA_DEVICE_DSA};
	struct vsva_machine *machine;
	struct vsva_device *device;
	struct vsva_guest *guest;
	struct vsva_guest_device *accelerator;
	struct vsva_process *process;
	int failed;

	if (vsva_machine_create(NULL, &machine) || vsva_device_create(machine, &dsa, &device) ||
	    vsva_guest_create(machine, NULL, &guest) ||
	    vsva_guest_add_device(guest, device, rid(0x30), &accelerator) ||
	    vsva_process_create(guest, &process) || vsva_process_bind(process, accelerator)) {
		fprintf(stderr, "first_copy: cannot set up\n");
		return 1;
	}
	failed = copy(process, accelerator);
	vsva_guest_destroy(guest);
	vsva_machine_destroy(machine);
	return failed;
}
