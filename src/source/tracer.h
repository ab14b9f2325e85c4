/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tracer.h - stopping threads of another process, and letting them go */
#ifndef SIGFRAME_SOURCE_TRACER_H
#define SIGFRAME_SOURCE_TRACER_H

#include "source/snapshot.h"

enum tracee_state {
	TRACEE_FREE,		/* not ours, not yet or no longer */
	TRACEE_SEIZED,		/* ours, running or about to stop */
	TRACEE_STOPPED,
	TRACEE_REFUSED,		/* the kernel did not let us have it */
	TRACEE_GONE,		/* exited, or swept away by an exec */
};

struct tracee {
	pid_t tid;
	enum tracee_state state;
	/*
	 * The signal that it was about to get when it stopped; it gets it
	 * when it is let go. 0: none.
	 */
	int signal;
};

struct tracer;

/*
 * Run work(tracer, arg) in a thread of its own and wait for its end. All
 * functions below belong into it: whatever is still seized when that thread
 * ends, or dies with the tool, the kernel lets go. Stop signals from the
 * terminal wait until then, so that nothing stays frozen while the tool is.
 */
struct error *tracer_run(void (*work)(struct tracer *tracer, void *arg),
			 void *arg) MUST_USE;

/* Become its tracer without stopping it: FREE to SEIZED, REFUSED or GONE. */
void tracer_seize(struct tracer *tracer, struct tracee *t);

/* Ask a seized thread to stop. */
void tracer_interrupt(struct tracee *t);

/*
 * Has it stopped meanwhile, or been killed although it was stopped? Never
 * waits. SEIZED becomes STOPPED or GONE, STOPPED becomes GONE; true if the
 * state changed. An exec does not get on until those it killed are GONE.
 */
bool tracer_poll(struct tracee *t);

/*
 * Copy registers, extended state (at most `xstate_max` bytes of it), signal
 * mask, and siginfo if it stopped for a signal. What could not be had is
 * missing from ret->has; the rest of *ret is left alone. An error if there are
 * no registers. *no_shadow_stacks is set if the kernel turns out to have none
 * for anybody; then it is not asked again.
 */
struct error *tracer_read(const struct tracee *t, size_t xstate_max,
			  bool *no_shadow_stacks,
			  struct thread *ret) MUST_USE;

/*
 * Let it go on, or stay stopped if it was: STOPPED to FREE. A thread that is
 * SEIZED and runs stays so until tracer_run() ends.
 */
void tracer_release(struct tracee *t);

/*
 * The general registers from an NT_PRSTATUS register set: 27 words of 8
 * bytes, or 17 of 4 from 32-bit code. False if it is neither.
 */
bool tracer_decode_regs(struct bytes set, struct x86_gprs *ret,
			int64_t *orig_rax_ret);

#endif
