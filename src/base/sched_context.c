// SPDX-License-Identifier: MIT
#include "base/sched_context.h"

#ifdef VSVA_SCHED

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/sched.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_LEN (UINT64_C(1) << 20)
#define GUARD_LEN UINT64_C(4096)

/* Where this program's thread-local variables are, and what they are at first. */
static struct locals {
	void *begin;
	size_t len;
	const void *image;
	size_t image_len;
} locals;

static int look_for_locals(struct dl_phdr_info *info, size_t len, void *arg)
{
	uintptr_t wanted = (uintptr_t)&sched_self_;
	uintptr_t begin = (uintptr_t)info->dlpi_tls_data;

	(void)len;
	(void)arg;
	for (unsigned i = 0; begin && i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type != PT_TLS || wanted - begin >= header->p_memsz)
			continue;
		locals = (struct locals){info->dlpi_tls_data, header->p_memsz,
					 (const void *)(info->dlpi_addr + header->p_vaddr),
					 header->p_filesz};
		return 1;
	}
	return 0;
}

static void find_locals(void)
{
	CHECK(dl_iterate_phdr(look_for_locals, NULL) == 1);
}

/* The address sanitizer is told whose stack is used from here on. */

#ifdef __SANITIZE_ADDRESS__

static void find_stack(struct sched_context *context)
{
	pthread_attr_t attributes;
	void *stack;

	CHECK(pthread_getattr_np(pthread_self(), &attributes) == 0);
	CHECK(pthread_attr_getstack(&attributes, &stack, &context->stack_len) == 0);
	pthread_attr_destroy(&attributes);
	context->stack = stack;
}

static void leave(struct sched_context *from, const struct sched_context *to)
{
	__sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_len);
}

static void enter(const struct sched_context *context)
{
	__sanitizer_finish_switch_fiber(context->fake_stack, NULL, NULL);
}

#else

static void find_stack(struct sched_context *context)
{
	(void)context;
}

static void leave(struct sched_context *from, const struct sched_context *to)
{
	(void)from;
	(void)to;
}

static void enter(const struct sched_context *context)
{
	(void)context;
}

#endif

void sched_context_adopt(struct sched_context *context)
{
	find_locals();
	find_stack(context);
	if (!context->locals)
		context->locals = malloc(locals.len);
	CHECK(context->locals);
}

/* The registers that a call keeps (System V ABI, AMD64), and the place to go on at. Not
 * swapcontext(): that is two system calls, and many more under the address sanitizer. */
#define REGISTERS 6u
void sched_context_swap_(void **from, void *to);
__asm__(".pushsection .text\n"
	".globl sched_context_swap_\n"
	".hidden sched_context_swap_\n"
	".type sched_context_swap_, @function\n"
	"sched_context_swap_:\n"
	"	endbr64\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	ret\n"
	".size sched_context_swap_, . - sched_context_swap_\n"
	".popsection\n");

static struct sched_context *running;

static void begin(void)
{
	enter(running);
	running->run(running->arg);
	check_failed("a context has ended", __FILE__, __LINE__);
}

void sched_context_reset_locals(struct sched_context *context)
{
	memcpy(context->locals, locals.image, locals.image_len);
	memset((char *)context->locals + locals.image_len, 0, locals.len - locals.image_len);
}

static void *make_stack(void)
{
	char *memory = mmap(NULL, STACK_LEN + GUARD_LEN, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	CHECK(memory != MAP_FAILED);
	CHECK(mprotect(memory, GUARD_LEN, PROT_NONE) == 0);
	return memory + GUARD_LEN;
}

/* As if begin() had been called and had switched to another at once. */
static void *first_top(void *stack)
{
	uint64_t *top = (uint64_t *)((char *)stack + STACK_LEN);

	*--top = 0; /* whom begin() would return to */
	*--top = (uintptr_t)begin;
	return top - REGISTERS;
}

void sched_context_make(struct sched_context *context, void (*run)(void *arg), void *arg)
{
	*context = (struct sched_context){.stack = make_stack(),
					  .stack_len = STACK_LEN,
					  .locals = malloc(locals.len),
					  .run = run,
					  .arg = arg};
	CHECK(context->locals);
	context->top = first_top(context->stack);
	sched_context_reset_locals(context);
}

void sched_context_switch(struct sched_context *from, struct sched_context *to)
{
	memcpy(from->locals, locals.begin, locals.len);
	memcpy(locals.begin, to->locals, locals.len);
	running = to;
	leave(from, to);
	sched_context_swap_(&from->top, to->top);
	enter(from);
}

#endif
