/* SPDX-License-Identifier: GPL-3.0-or-later */
/* synth.h - processes inside signal handlers that never were */
#ifndef SIGFRAME_TESTS_GOLDEN_SYNTH_H
#define SIGFRAME_TESTS_GOLDEN_SYNTH_H

#include "../tools/mkcore.h"
#include "../unit/frame_builder.h"
#include "image.h"
#include "worker.h"

/* Where things are in a process of an ABI, and in its frames. */
struct synth_abi {
	enum mkcore_abi core;
	enum sigframe_kind kind;
	uint64_t worker, stacks, altstacks, jit;	/* addresses */
	/* bytes from the frame's address */
	uint16_t r8_off, fpstate_off, context_off, info_off;
	uint16_t info_pid_off;	/* in siginfo */
};

/* A process that runs worker.h's program on a CPU. */
struct synth {
	struct mkcore *core;
	const struct image_cpu *cpu;
	const struct synth_abi *abi;
	unsigned threads;	/* so far */
};

/*
 * A thread and its own stack, of SYNTH_STACK_SIZE bytes. It is in its
 * innermost context; the functions below put frames there.
 */
struct synth_thread {
	struct synth *process;
	pid_t tid;
	struct memory stack;
	struct memory altstack;	/* size 0: none */
	uint64_t altstack_size;	/* as registered */
	bool on_altstack;
	struct x86_gprs regs;	/* where it is now */
	int64_t syscall;	/* -1: in none */
	uint64_t sigmask;	/* blocked signals, bit n-1 */
	uint64_t dumped;	/* bytes of the stack in the core; 0: all */
};

#define SYNTH_STACK_SIZE 65536
/* Bytes of the stack above the outermost context. */
#define SYNTH_STACK_ABOVE 32768
/* Anonymous, and the unwinder knows nothing of it. */
#define SYNTH_JIT UINT64_C(0x7e0000000000)
#define SYNTH_JIT_ADD_AVX SYNTH_JIT
#define SYNTH_JIT_HANDLER (SYNTH_JIT + 32)

void synth_init(struct synth *p, const char *cpu, pid_t pid,
		const char *command);
/* The same of the x32 ABI. */
void synth_init_x32(struct synth *p, const char *cpu, pid_t pid,
		    const char *command);
/* Write the core and free all. False if that fails; errno says why. */
bool synth_finish(struct synth *p, const char *path);

/* A thread in `function`, which the program's main function has called. */
void synth_thread_init(struct synth_thread *t, struct synth *p,
		       enum worker_function function);
/*
 * Let it have an alternate stack, a multiple of pages. `behind` more bytes are
 * mapped above it.
 */
void synth_altstack(struct synth_thread *t, uint64_t size, uint64_t behind);
/* Let it be somewhere else, with nothing on its stack. */
void synth_go(struct synth_thread *t, uint64_t pc);
/* Add it to the core as it is, and free it. */
void synth_thread_finish(struct synth_thread *t);

/*
 * A signal comes, with components `in_use` in use. The frame goes where the
 * kernel puts it, on the alternate stack if there is one. The thread is at the
 * start of the handler then. Returns the frame's address.
 */
uint64_t synth_deliver(struct synth_thread *t, unsigned signal,
		       uint64_t in_use);
/* Into the handler's body. */
void synth_enter_handler(struct synth_thread *t);
/* Out of the handler again: at the start of the restorer. */
void synth_leave_handler(struct synth_thread *t);

/* A word of one of the thread's stacks. */
void synth_put(struct synth_thread *t, uint64_t addr, unsigned width,
	       uint64_t value);

#endif
