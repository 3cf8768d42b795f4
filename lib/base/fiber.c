// SPDX-License-Identifier: GPL-3.0-or-later
/* fiber.c - see fiber.h; ucontext makes a fiber's stack, setjmp changes between
 * them: swapcontext() asks the kernel for the signal mask twice at each change.
 *
 * The one variable is which fiber runs. The sanitizers are told of each change
 * of stacks, since they keep account of them.
 */
#include "base/fiber.h"

#include <assert.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/mem.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#define TELL_SANITIZER 1
#else
#define TELL_SANITIZER 0
#endif

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

/* libc's own, by another name: the fortified one takes a jump to another stack
 * for a mistake. */
_Noreturn void ch_libc_longjmp(jmp_buf to, int value) __asm__("_longjmp");

struct ch_fiber {
	ucontext_t start; /* until it was resumed for the first time */
	bool started;
	jmp_buf here;    /* where it goes on */
	jmp_buf resumer; /* where whoever resumed it does */
	struct ch_fiber *before; /* ran when it was resumed; NULL: main */
	void (*function)(void *);
	void *argument;
	char *stack; /* owned; its lowest page is the guard */
	size_t stack_bytes;
	size_t guard_bytes;
	unsigned int stack_id; /* valgrind's, which has to know of a change */
	bool running;
	bool ended;
	/* the sanitizer's */
	void *fake_stack;
	const void *resumer_stack;
	size_t resumer_stack_bytes;
};

static struct ch_fiber *current;

/* Before leaving a stack: `save` keeps what is needed to come back, NULL where
 * nobody will. */
static void leave_for(void **save, const void *stack, size_t len)
{
#if TELL_SANITIZER
	__sanitizer_start_switch_fiber(save, stack, len);
#endif
}

/* First thing on the stack that was left for. */
static void arrive(void *saved, const void **ret_from, size_t *ret_len)
{
#if TELL_SANITIZER
	__sanitizer_finish_switch_fiber(saved, ret_from, ret_len);
#endif
}

static void leave(struct ch_fiber *fiber)
{
	current = fiber->before;
	fiber->running = false;
	leave_for(fiber->ended ? NULL : &fiber->fake_stack,
		  fiber->resumer_stack, fiber->resumer_stack_bytes);
	if (!_setjmp(fiber->here))
		ch_libc_longjmp(fiber->resumer, 1);
	arrive(fiber->fake_stack, &fiber->resumer_stack,
	       &fiber->resumer_stack_bytes);
}

static void run(void)
{
	struct ch_fiber *fiber = current;

	arrive(NULL, &fiber->resumer_stack, &fiber->resumer_stack_bytes);
	fiber->function(fiber->argument);
	fiber->ended = true;
	leave(fiber);
}

static void prepare(struct ch_fiber *fiber)
{
	if (getcontext(&fiber->start) < 0)
		abort();
	fiber->start.uc_stack.ss_sp = fiber->stack + fiber->guard_bytes;
	fiber->start.uc_stack.ss_size = fiber->stack_bytes;
	fiber->start.uc_link = NULL;
	makecontext(&fiber->start, run, 0);
}

struct ch_fiber *ch_fiber_new(void (*function)(void *), void *context,
			      size_t stack_bytes)
{
	struct ch_fiber *fiber = ch_xzalloc(sizeof(*fiber));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	stack_bytes = (stack_bytes + page - 1) / page * page;
	*fiber = (struct ch_fiber){
		.function = function,
		.argument = context,
		.guard_bytes = page,
		.stack_bytes = stack_bytes,
		.stack = mmap(NULL, page + stack_bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK |
				      MAP_NORESERVE,
			      -1, 0),
	};
	if (fiber->stack == MAP_FAILED ||
	    mprotect(fiber->stack, page, PROT_NONE) < 0)
		abort(); /* as when malloc fails */
	fiber->stack_id = VALGRIND_STACK_REGISTER(fiber->stack + page,
						  fiber->stack + page +
							  stack_bytes);
	prepare(fiber);
	return fiber;
}

void ch_fiber_free(struct ch_fiber *fiber)
{
	if (!fiber)
		return;
	assert(!fiber->running);
	VALGRIND_STACK_DEREGISTER(fiber->stack_id);
	munmap(fiber->stack, fiber->guard_bytes + fiber->stack_bytes);
	free(fiber);
}

static _Noreturn void go_on(struct ch_fiber *fiber)
{
	if (fiber->started)
		ch_libc_longjmp(fiber->here, 1);
	fiber->started = true;
	(void)setcontext(&fiber->start);
	abort(); /* it comes back only where it failed */
}

void ch_fiber_resume(struct ch_fiber *fiber)
{
	void *fake_stack = NULL;

	assert(!fiber->running && !fiber->ended);
	fiber->before = current;
	fiber->running = true;
	current = fiber;
	leave_for(&fake_stack, fiber->stack + fiber->guard_bytes,
		  fiber->stack_bytes);
	if (!_setjmp(fiber->resumer))
		go_on(fiber);
	arrive(fake_stack, NULL, NULL);
}

void ch_fiber_yield(void)
{
	assert(current);
	leave(current);
}

struct ch_fiber *ch_fiber_current(void)
{
	return current;
}

void *ch_fiber_context(const struct ch_fiber *fiber)
{
	return fiber->argument;
}

bool ch_fiber_ended(const struct ch_fiber *fiber)
{
	return fiber->ended;
}
