/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jit.c - frames of signals between functions that nothing describes */

/*
 * Usage: jit MODE
 *
 * handler	the handler is made-up code that sets the frame pointer
 * between	such code lies between two signals
 * leaf		the handler is made-up code without a frame of its own, and runs
 * exit	nothing: it ends
 *
 * Prints "process PID", a line "frame ADDRESS" for each signal frame, innermost
 * first, and READY. Ends when the other end of its standard input is closed.
 */
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "target.h"

static uint8_t *code;
static size_t used;
static uintptr_t frames[4];
static unsigned depth;

/* The frame is where the return address of its handler is. */
#ifdef __x86_64__
#define CONTEXT_FRAME(context) ((uintptr_t)(context) - 8)
#define LOAD_TARGET 0x48, 0xb8
#define SET_FRAME 0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x20
#define STORE_STACK 0x48, 0x89, 0x20
#else
#define CONTEXT_FRAME(context) ((uintptr_t)(context) - 144)
#define LOAD_TARGET 0xb8
#define SET_FRAME 0x55, 0x89, 0xe5, 0x83, 0xec, 0x18
#define STORE_STACK 0x89, 0x20
#endif

static void emit(const void *bytes, size_t size)
{
	memcpy(code + used, bytes, size);
	used += size;
}

#define EMIT(...)                                                              \
	emit((const uint8_t[]){ __VA_ARGS__ },                                 \
	     sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void emit_call(void (*target)(void))
{
	EMIT(LOAD_TARGET);
	emit(&target, sizeof(target));
	EMIT(0xff, 0xd0);
}

/* A function that calls `target`. */
static void *make_caller(void (*target)(void))
{
	void *start = code + used;

	EMIT(SET_FRAME);
	emit_call(target);
	EMIT(0xc9, 0xc3);
	return start;
}

static void tell(void)
{
	for (unsigned i = depth; i-- > 0;)
		printf("frame 0x%lx\n", (unsigned long)frames[i]);
	target_ready();
}

static void stay(void)
{
	tell();
	target_stay();
	_exit(0);
}

static void install(int signo, void *handler)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO };

	memcpy(&action.sa_sigaction, &handler, sizeof(handler));
	if (sigaction(signo, &action, NULL))
		target_fail("sigaction");
}

/* Called by the made-up handler: the frame lies above its own. */
static void called_by_handler(void)
{
	/* of the function that called: saved pointer, return address */
	uintptr_t *caller = *(uintptr_t **)__builtin_frame_address(0);

	frames[depth++] = (uintptr_t)(caller + 1);
	stay();
}

static void handle_last(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	frames[depth++] = CONTEXT_FRAME(context);
	stay();
}

static void raise_last(void)
{
	raise(SIGUSR2);
}

static void (*between)(void);

static void handle_first(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	frames[depth++] = CONTEXT_FRAME(context);
	between();
}

/* Where the handler that runs puts its stack pointer. */
static volatile uintptr_t handler_sp;

static void *tell_and_stay(void *arg)
{
	(void)arg;
	while (!handler_sp)
		usleep(1000);
	frames[depth++] = handler_sp;
	stay();
	return NULL;
}

/* Stores the stack pointer, and goes on for ever. */
static void *make_leaf(void)
{
	const volatile void *where = &handler_sp;
	void *start = code + used;

	EMIT(LOAD_TARGET);
	emit(&where, sizeof(where));
	EMIT(STORE_STACK, 0xeb, 0xfe);
	return start;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	pthread_t thread;
	void *made;

	if (!strcmp(mode, "exit"))
		return 0;
	target_begin();
	code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED)
		_exit(77);
	if (!strcmp(mode, "leaf")) {
		install(SIGUSR1, make_leaf());
		if (pthread_create(&thread, NULL, tell_and_stay, NULL))
			target_fail("pthread_create");
	} else if (!strcmp(mode, "handler")) {
		install(SIGUSR1, make_caller(called_by_handler));
	} else if (!strcmp(mode, "between")) {
		made = make_caller(raise_last);
		memcpy(&between, &made, sizeof(made));
		install(SIGUSR1, (void *)(uintptr_t)handle_first);
		install(SIGUSR2, (void *)(uintptr_t)handle_last);
	} else {
		return 2;
	}
	raise(SIGUSR1);
	return 2;
}
