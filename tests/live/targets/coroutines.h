/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coroutines.h - stacks that are left and come back to, in several ways */
#ifndef SIGFRAME_TESTS_COROUTINES_H
#define SIGFRAME_TESTS_COROUTINES_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

#define STACK_SIZE 65536

enum way { WAY_UCONTEXT, WAY_SETJMP, WAY_BOOST, WAY_PUSH };

struct coroutine {
	enum way way;
	void (*body)(void);
	bool finished;
	ucontext_t context;
	sigjmp_buf jump;
	void *sp;
};

/* The one that runs, and where yield() leads. */
extern struct coroutine *volatile current;
extern struct coroutine scheduler;

/*
 * `way` decides how it is left. Of WAY_SETJMP a signal is delivered on its
 * stack, whose handler tells report_trampoline() and is over then.
 */
struct coroutine *create(enum way way, void (*body)(void), char *stack,
			 size_t size);
void report_trampoline(const void *uc);

void resume(struct coroutine *c);
void yield(void);

/* With a page below that cannot be accessed, and by malloc(). */
char *guarded_stack(void);
char *heap_stack(void);

void set_handler(int signo, int flags,
		 void (*handler)(int, siginfo_t *, void *));
/* NULL: none. */
void set_altstack(void *stack, size_t size);

#endif
