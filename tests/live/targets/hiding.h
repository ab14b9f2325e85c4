/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hiding.h - what hiding.c and its steps share */
#ifndef SIGFRAME_TESTS_HIDING_H
#define SIGFRAME_TESTS_HIDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <ucontext.h>

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)
#define PAGE KIB(4)
#define STACK_SIZE KIB(256)
#define RECORDS_MAX 128

/* Of a frame; offsets from its start, in bytes. */
#ifdef __x86_64__
#define FRAME_KIND "x86_64"
#define FRAME_INFO 312
#define FRAME_UC 8
#define FRAME_PC REG_RIP
#else
#define FRAME_KIND "ia32_rt"
#define FRAME_INFO 16
#define FRAME_UC 144
#define FRAME_PC REG_EIP
#endif

/* A step does something, perhaps on another stack, and lets go_on() go on. */
typedef void step_fn(void);

/* The next step; does not come back. */
void go_on(void);
/* Let the next step be the one that was just done. */
void steps_again(void);
/* The scenario makes no sense here. Does not come back. */
void skip(const char *reason);

/* A frame, in the order of delivery. */
struct record {
	pid_t tid;
	uintptr_t address, fpstate, pc;
	int signo;
};

extern struct record records[RECORDS_MAX];
extern unsigned records_count;

/* The process that vfork() has made, and the thread it came from; or 0. */
extern pid_t vfork_child, vfork_parent;

struct scenario {
	const char *name;
	step_fn *const *steps;
	step_fn *const *more;	/* of a second thread, started afterwards */
	bool headless;		/* the main thread exits */
	bool traced;		/* another process stops the thread */
};

extern const struct scenario scenarios[];
extern const size_t scenarios_count;

/* In assembly language. Steps that do not come back are `fn`. */

/* tgkill(); nothing is called in between. */
void hiding_raise(pid_t pid, pid_t tid, int signo);
/* The same, with a stack pointer that is off by 5. */
void hiding_raise_askew(pid_t pid, pid_t tid, int signo);
/* The same, with something in the red zone that looks like part of a frame. */
void hiding_raise_red(pid_t pid, pid_t tid, int signo);
/* Call `fn` on the stack that ends at `top`. */
void hiding_on_stack(void *top, step_fn *fn);
/* The same, unknown to who unwinds. */
void hiding_on_stack_bare(void *top, step_fn *fn);
/* clone3(); the new thread calls `fn`. */
long hiding_clone3(const void *args, size_t size, step_fn *fn);

#endif
