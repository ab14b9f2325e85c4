/* SPDX-License-Identifier: GPL-3.0-or-later */
/* truth.h - which signal frames a thread has, as its tracer saw it happen */
#ifndef SIGFRAME_TESTS_TRUTH_H
#define SIGFRAME_TESTS_TRUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum truth_kind { TRUTH_X86_64, TRUTH_IA32_RT, TRUTH_IA32 };

/* As in reports. */
extern const char *const truth_kind_names[];

/* A signal that was delivered and has not been returned from. */
struct truth_frame {
	uint64_t address;	/* of the stack at the handler's entry */
	uint64_t sp;		/* that was interrupted */
	/* the alternate stack if the frame is on one, else 0 */
	uint64_t stack;
	enum truth_kind kind;
	int signo;
};

enum { TRUTH_DEPTH = 64 };

struct truth {
	struct truth_frame frames[TRUTH_DEPTH];	/* in order of delivery */
	unsigned count;
	uint64_t home;		/* its stack pointer when it was new */
};

/* What PTRACE_GETREGS says of a thread, and whether its code is of 64 bits. */
struct truth_regs {
	uint64_t ip, sp, cx, ax, flags;
	unsigned cs, ss;
	bool wide;
};

bool truth_regs(pid_t tid, struct truth_regs *ret);

/* At a handler's entry: the kernel has just written its frame. */
void truth_enter(struct truth *t, pid_t tid, const struct truth_regs *at,
		 uint64_t sp, int signo);

/* The thread is at `sp`: forget the frames that it has left by a jump. */
void truth_settle(struct truth *t, uint64_t sp);

/*
 * The thread is at `sp`: is it, or the handler of the next inner frame, on
 * another stack than frame `i` without having left it for good?
 */
bool truth_parked(const struct truth *t, unsigned i, uint64_t sp);

/* The frame at `address` was returned from, and with it all inner ones. */
bool truth_return(struct truth *t, uint64_t address);

/*
 * The extended state that the innermost frame holds, as bytes of an XSAVE
 * area; returns how many there are, 0 if it has none. To be compared with
 * what the thread has after it has returned.
 */
unsigned truth_image(const struct truth_frame *f, pid_t tid, uint8_t *ret,
		     unsigned room);

/* Bit n: component n, in use in the image, is not what the thread has. */
uint64_t truth_differs(const struct truth_frame *f, const uint8_t *image,
		       unsigned size, pid_t tid);

#endif
