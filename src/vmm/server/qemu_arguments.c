/* SPDX-License-Identifier: MIT */
/* What a user has to give a stock QEMU so that it attaches a VM's functions. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"
#include "vmm/server/vm_server.h"

/* Posted writes on two sockets are not ordered with each other: a doorbell could overtake a
 * register of the VT-d page. */
static void print_function(FILE *out, const struct served_vm *vm,
			   const struct served_function *function)
{
	fprintf(out,
		" -device '{\"driver\":\"vfio-user-pci\",\"id\":\"%s\",\"addr\":\"%02x.0\","
		"\"x-no-posted-writes\":true,\"socket\":{\"type\":\"unix\",\"path\":\"%s\"}}'\n",
		function->name, function->slot, vfu_vm_socket_path(vm->vfu, function->index));
}

char *served_qemu_arguments(const struct served_vm *vm)
{
	char *text = NULL;
	size_t len;
	FILE *out = FAIL_CALL(NULL, ENOMEM, open_memstream(&text, &len));

	if (!out)
		return NULL;
	fprintf(out, "-machine q35,memory-backend=m0\n"
		     " -object memory-backend-memfd,id=m0,size=$MEMORY,share=on -m $MEMORY\n"
		     " -nodefaults -display none -serial stdio -cpu max,la57=off\n");
	fprintf(out, " -acpitable file=%s/dmar.bin\n", vm->directory);
	for (unsigned i = 0; i < vm->function_count; i++)
		print_function(out, vm, &vm->functions[i]);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
