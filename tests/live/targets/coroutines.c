/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coroutines.c - stacks that are left and come back to, in several ways */
#include "coroutines.h"

#include <stdint.h>
#include <sys/mman.h>

#include "dormant_switch.h"
#include "target.h"

/* raise() is said not to come back here: handlers read what is volatile */
struct coroutine scheduler, *volatile current = &scheduler;

/* Leave `from`, which is the current one, for `to`. */
static __attribute__((noinline)) void go(struct coroutine *from,
					 struct coroutine *to)
{
	current = to;
	switch (to->way) {
	case WAY_UCONTEXT:
		if (swapcontext(&from->context, &to->context))
			target_fail("swapcontext");
		break;
	case WAY_SETJMP:
		if (!sigsetjmp(from->jump, 0))
			siglongjmp(to->jump, 1);
		break;
	case WAY_BOOST:
		switch_boost(&from->sp, to->sp);
		break;
	case WAY_PUSH:
		switch_push(&from->sp, to->sp);
		break;
	}
}

void resume(struct coroutine *c)
{
	scheduler.way = c->way;
	go(&scheduler, c);
}

void yield(void)
{
	go(current, &scheduler);
}

static void run(void)
{
	current->body();
	current->finished = true;
	for (;;)
		yield();
}

/* What the signal leaves behind, it comes back into. */
static void trampoline(int signo, siginfo_t *info, void *uc)
{
	(void)signo;
	(void)info;
	report_trampoline(uc);
	if (sigsetjmp(current->jump, 0))
		run();
}

void set_handler(int signo, int flags,
		 void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_NODEFER | flags,
	};

	if (sigaction(signo, &action, NULL))
		target_fail("sigaction");
}

void set_altstack(void *stack, size_t size)
{
	stack_t ss = { .ss_sp = stack, .ss_size = size,
		       .ss_flags = stack ? 0 : SS_DISABLE };

	if (sigaltstack(&ss, NULL))
		target_fail("sigaltstack");
}

/* A stack that leads nowhere, with what the switch takes from it. */
static void *prepare(char *stack, size_t size, size_t area)
{
	uintptr_t top = ((uintptr_t)stack + size) & -(uintptr_t)16;
	void (**entry)(void) = (void (**)(void))(top - 32);

	*entry = run;
	return (char *)entry - area;
}

struct coroutine *create(enum way way, void (*body)(void), char *stack,
			 size_t size)
{
	struct coroutine *c = calloc(1, sizeof(*c));

	if (!c || !stack)
		target_fail("coroutine");
	c->way = way;
	c->body = body;
	switch (way) {
	case WAY_UCONTEXT:
		if (getcontext(&c->context))
			target_fail("getcontext");
		c->context.uc_stack.ss_sp = stack;
		c->context.uc_stack.ss_size = size;
		makecontext(&c->context, run, 0);
		break;
	case WAY_SETJMP:
		/* the signal puts it on its stack, which it never leaves */
		set_altstack(stack, size);
		set_handler(SIGUSR2, SA_ONSTACK, trampoline);
		current = c;
		raise(SIGUSR2);
		current = &scheduler;
		set_altstack(NULL, 0);
		break;
	case WAY_BOOST:
		c->sp = prepare(stack, size, SWITCH_BOOST_AREA);
		break;
	case WAY_PUSH:
		c->sp = prepare(stack, size, SWITCH_PUSH_AREA);
		break;
	}
	return c;
}

char *guarded_stack(void)
{
	char *p = mmap(NULL, STACK_SIZE + 4096, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED ||
	    mprotect(p + 4096, STACK_SIZE, PROT_READ | PROT_WRITE))
		target_fail("mmap");
	return p + 4096;
}

char *heap_stack(void)
{
	char *stack = malloc(STACK_SIZE);

	if (!stack)
		target_fail("malloc");
	return stack;
}
