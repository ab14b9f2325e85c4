/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dormant.c - a process with signal frames on stacks that it has left */

/*
 * Usage: dormant [-l] [SCENARIO [COUNT]]
 *
 * Does what SCENARIO says and stays there. Prints
 *
 *	process PID
 *	dormant ADDRESS CONTEXT WAY	saved at CONTEXT by way of WAY
 *	live TID ADDRESS
 *	left ADDRESS			of a handler that is over
 *	READY
 *
 * ADDRESS is a frame's; CONTEXT is 0 if it is the library's own. Ends when the
 * other end of its standard input is closed. -l lists the scenarios that can
 * be had here.
 */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "coroutines.h"
#include "target.h"

/* From the start of the frame to the ucontext. */
#ifdef __x86_64__
#define FRAME_UC 8
#define FRAME_XSTATE_SIZE (456 + 480)
#else
#define FRAME_UC 144
#endif

#define FRAMES_MAX 2048
#define THREADS 8

static const char *const way_names[] = {
	[WAY_UCONTEXT] = "swapcontext",
	[WAY_SETJMP] = "setjmp",
	[WAY_BOOST] = "stack-switch",
	[WAY_PUSH] = "stack-switch",
};

/* What a frame has become of. */
enum fate { FATE_LEFT, FATE_DORMANT, FATE_LIVE };

static struct {
	uintptr_t address;
	struct coroutine *in;
	enum fate fate;
} frames[FRAMES_MAX];
static unsigned frames_count;

static char static_stack[STACK_SIZE] __attribute__((aligned(64)));
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* What the handler is to do. */
static void (*volatile in_handler)(void);

static unsigned add_frame(const void *uc)
{
	unsigned index;

	pthread_mutex_lock(&lock);
	index = frames_count++;
	if (index == FRAMES_MAX)
		_exit(2);
	frames[index].address = (uintptr_t)uc - FRAME_UC;
	frames[index].in = current;
	frames[index].fate = FATE_DORMANT;
	pthread_mutex_unlock(&lock);
	return index;
}

void report_trampoline(const void *uc)
{
	frames[add_frame(uc)].fate = FATE_LEFT;
}

static void handle(int signo, siginfo_t *info, void *uc)
{
	unsigned index = add_frame(uc);
	void (*act)(void) = in_handler;

	(void)signo;
	(void)info;
	if (act)
		act();
	frames[index].fate = FATE_LEFT;
}

/* Code for coroutines. */

static __attribute__((noinline)) void signal_here(void)
{
	volatile char room[512];

	room[0] = room[511] = 1;
	raise(SIGUSR1);
	room[1] = room[0];
}

/* In a handler until somebody comes back to it. */
static void park_in_handler(void)
{
	in_handler = yield;
	signal_here();
	yield();
}

static void signal_again(void)
{
	in_handler = yield;
	signal_here();
}

static void park_in_two(void)
{
	in_handler = signal_again;
	signal_here();
	yield();
}

static void park_on_altstack(void)
{
	set_altstack(guarded_stack(), STACK_SIZE);
	set_handler(SIGUSR1, SA_ONSTACK, handle);
	in_handler = yield;
	signal_here();
}

static void finish(unsigned first)
{
	for (unsigned i = first; i < frames_count; i++)
		if (frames[i].in->finished)
			frames[i].fate = FATE_LEFT;
}

/* A place for the others to be overwritten from, unlike go()'s caller. */
static __attribute__((noinline)) void yield_outside(void)
{
	yield();
}

static void signal_and_go_on(void)
{
	park_in_handler();
	yield_outside();
}

/* Scenarios. */

static void do_guard(unsigned count)
{
	(void)count;
	resume(create(WAY_UCONTEXT, park_in_handler, guarded_stack(),
		      STACK_SIZE));
}

static void do_heap(unsigned count)
{
	(void)count;
	resume(create(WAY_UCONTEXT, park_in_handler, heap_stack(),
		      STACK_SIZE));
}

static void do_static(unsigned count)
{
	(void)count;
	resume(create(WAY_UCONTEXT, park_in_handler, static_stack,
		      STACK_SIZE));
}

static void do_setjmp(unsigned count)
{
	(void)count;
	resume(create(WAY_SETJMP, park_in_handler, guarded_stack(),
		      STACK_SIZE));
}

#ifdef __x86_64__
static void do_boost(unsigned count)
{
	(void)count;
	resume(create(WAY_BOOST, park_in_handler, heap_stack(), STACK_SIZE));
}

static void do_push(unsigned count)
{
	(void)count;
	resume(create(WAY_PUSH, park_in_handler, guarded_stack(),
		      STACK_SIZE));
}

/* One that returns, but not whole. */
static void do_spoilt(unsigned count)
{
	uint32_t size;
	char *frame;

	do_guard(count);
	frame = (char *)frames[0].address;
	memcpy(&size, frame + FRAME_XSTATE_SIZE, sizeof(size));
	memset(frame + 456 + size, 0, 4);
}
#endif

static void do_nested(unsigned count)
{
	(void)count;
	resume(create(WAY_UCONTEXT, park_in_two, guarded_stack(),
		      STACK_SIZE));
}

static void do_alternate(unsigned count)
{
	(void)count;
	resume(create(WAY_UCONTEXT, park_on_altstack, heap_stack(),
		      STACK_SIZE));
}

/* The handler is over, the coroutine waits somewhere else. */
static void do_finished(unsigned count)
{
	struct coroutine *c = create(WAY_UCONTEXT, signal_and_go_on,
				     guarded_stack(), STACK_SIZE);

	(void)count;
	for (unsigned i = 0; i < 3; i++)
		resume(c);
	if (frames[0].fate != FATE_LEFT)
		_exit(2);
}

static void do_many(unsigned count)
{
	static const enum way ways[] = {
		WAY_UCONTEXT, WAY_SETJMP,
#ifdef __x86_64__
		WAY_BOOST, WAY_PUSH,
#endif
	};

	for (unsigned i = 0; i < count; i++) {
		char *stack = i % 3 ? heap_stack() : guarded_stack();
		enum way way = ways[i % (sizeof(ways) / sizeof(*ways))];

		resume(create(way, park_in_handler, stack, STACK_SIZE));
	}
}

/* Nobody ever does anything: what is known of these is known to be over. */
static void *work(void *arg)
{
	sigjmp_buf jump;

	(void)arg;
	if (!sigsetjmp(jump, 1))
		for (unsigned i = 0; i < 3; i++)
			signal_here();
	return NULL;
}

static void do_pool(unsigned count)
{
	pthread_t threads[THREADS];

	(void)count;
	in_handler = NULL;
	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			target_fail("pthread_create");
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void do_altstack(unsigned count)
{
	(void)count;
	set_altstack(heap_stack(), STACK_SIZE);
	set_handler(SIGUSR1, SA_ONSTACK, handle);
	in_handler = NULL;
	signal_here();
	set_altstack(guarded_stack(), STACK_SIZE);
	signal_here();
}

/* Contexts in which a handler was active that is not any more. */
static sigjmp_buf obsolete_jump;
static ucontext_t obsolete_context;

static void save_contexts(void)
{
	if (getcontext(&obsolete_context) || sigsetjmp(obsolete_jump, 1))
		_exit(2);
}

static void do_obsolete(unsigned count)
{
	(void)count;
	in_handler = save_contexts;
	signal_here();
}

/* The same on an alternate stack. */
static void do_obsolete_altstack(unsigned count)
{
	set_altstack(guarded_stack(), STACK_SIZE);
	set_handler(SIGUSR1, SA_ONSTACK, handle);
	do_obsolete(count);
}

static void say_ready(void);

static void stay_in_handler(void)
{
	for (unsigned i = 0; i < frames_count; i++)
		if (frames[i].in == current)
			frames[i].fate = FATE_LIVE;
	say_ready();
	target_stay();
	_exit(0);
}

static void signal_and_stay(void)
{
	in_handler = stay_in_handler;
	signal_here();
}

/* 96 MiB of it, all in use, with a coroutine behind. */
static void do_large(unsigned count)
{
	size_t size = (size_t)96 << 20;
	char *p = mmap(NULL, size + STACK_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)count;
	if (p == MAP_FAILED)
		target_fail("mmap");
	memset(p, 0x11, size);
	resume(create(WAY_UCONTEXT, park_in_handler, p + size, STACK_SIZE));
}

/* It runs on the coroutine's stack. */
static void do_running(unsigned count)
{
	do_heap(count);
	resume(create(WAY_UCONTEXT, signal_and_stay, heap_stack(),
		      STACK_SIZE));
}

/* It has left its own stack from within a handler. */
static void stay(void)
{
	say_ready();
	target_stay();
	_exit(0);
}

static void leave(void)
{
	resume(create(WAY_UCONTEXT, stay, guarded_stack(), STACK_SIZE));
}

static void do_left(unsigned count)
{
	(void)count;
	in_handler = leave;
	signal_here();
}

static void do_left_altstack(unsigned count)
{
	set_altstack(guarded_stack(), STACK_SIZE);
	set_handler(SIGUSR1, SA_ONSTACK, handle);
	do_left(count);
}


/* Here the context of the own stack lies on that stack. */
static struct coroutine *known;

static void leave_from_within(void)
{
	ucontext_t own;
	struct coroutine *c = create(WAY_UCONTEXT, stay, heap_stack(),
				     STACK_SIZE);

	known = (struct coroutine *)&own;
	current = c;
	swapcontext(&own, &c->context);
}

static void do_left_within(unsigned count)
{
	(void)count;
	in_handler = leave_from_within;
	signal_here();
}

static const struct {
	const char *name;
	void (*run)(unsigned count);
	unsigned count;
	bool unlisted;		/* for a test of its own */
} scenarios[] = {
	{ "guard", do_guard },
	{ "heap", do_heap },
	{ "static", do_static },
	{ "setjmp", do_setjmp },
#ifdef __x86_64__
	{ "boost", do_boost },
	{ "push", do_push },
	{ "spoilt", do_spoilt },
#endif
	{ "nested", do_nested },
	{ "alternate", do_alternate },
	{ "finished", do_finished },
	{ "large", do_large, .unlisted = true },
	{ "many", do_many, 100 },
	{ "running", do_running },
	{ "left", do_left },
	{ "left-altstack", do_left_altstack },
	{ "left-within", do_left_within },
	{ "pool", do_pool },
	{ "altstack", do_altstack },
	{ "obsolete", do_obsolete },
	{ "obsolete-altstack", do_obsolete_altstack },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static uintptr_t saved_at(const struct coroutine *c)
{
	switch (c->way) {
	case WAY_UCONTEXT:
		return known ? (uintptr_t)known : (uintptr_t)&c->context;
	case WAY_SETJMP:
		return (uintptr_t)c->jump;
	case WAY_BOOST:
	case WAY_PUSH:
		return (uintptr_t)&c->sp;
	}
	return 0;
}

static void say_ready(void)
{
	finish(0);
	for (unsigned i = 0; i < frames_count; i++) {
		uintptr_t address = frames[i].address;

		switch (frames[i].fate) {
		case FATE_LEFT:
			printf("left 0x%" PRIxPTR "\n", address);
			break;
		case FATE_DORMANT:
			printf("dormant 0x%" PRIxPTR " 0x%" PRIxPTR " %s\n",
			       address, saved_at(frames[i].in),
			       way_names[frames[i].in->way]);
			break;
		case FATE_LIVE:
			printf("live %d 0x%" PRIxPTR "\n", target_tid(),
			       address);
			break;
		}
	}
	target_ready();
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "-l")) {
		for (size_t i = 0; i < SCENARIOS; i++)
			if (!scenarios[i].unlisted)
				puts(scenarios[i].name);
		return 0;
	}
	target_begin();
	set_handler(SIGUSR1, 0, handle);
	for (size_t i = 0; argc > 1 && i < SCENARIOS; i++) {
		if (strcmp(argv[1], scenarios[i].name) != 0)
			continue;
		scenarios[i].run(argc > 2 ? (unsigned)atoi(argv[2])
					  : scenarios[i].count);
		stay();
	}
	fprintf(stderr, "no such scenario\n");
	return 2;
}
