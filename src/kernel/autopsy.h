/* SPDX-License-Identifier: GPL-3.0-or-later */
/* autopsy.h - did a thread die of the sigreturn of a frame, and why */
#ifndef SIGFRAME_KERNEL_AUTOPSY_H
#define SIGFRAME_KERNEL_AUTOPSY_H

#include "kernel/predict.h"
#include "x86/siginfo.h"

/*
 * A signal that killed a thread, or that it is handling, and how the thread
 * stood when it came. What sigreturn does when it fails is in
 * arch/x86/kernel/signal_64.c, rt_sigreturn(), and signal.c, signal_fault().
 */
struct autopsy_death {
	struct siginfo info;
	struct x86_gprs regs;
	/*
	 * The lower 32 bits of each register and nothing of r8 to r15: so a
	 * core has a thread whose code segment is not that of 64-bit code.
	 */
	bool narrow;
	/*
	 * It stood in the system call: sigreturn gave up before it had any
	 * registers to install.
	 */
	bool in_sigreturn;
	enum tri initial;	/* its extended state was, see autopsy_initial() */
	bool have_trap;
	uint64_t trap;		/* number of its last exception */
};

/* Can a sigreturn have led to such a death at all? By the signal alone. */
bool autopsy_concerns(const struct autopsy_death *d);

/*
 * Has an XSAVE image all its components initial, PKRU aside? That is how
 * sigreturn leaves a thread whose frame it refuses. UNKNOWN if it may be.
 */
enum tri autopsy_initial(struct bytes image);

/*
 * Are the general registers of the death those that the frame restores, flags
 * that sigreturn takes included? `faulted`: the CPU set RF meanwhile, as it
 * does where an instruction faults.
 */
bool autopsy_same_registers(const struct autopsy_death *d,
			    const struct sigframe *f, bool faulted);

enum autopsy_kind {
	AUTOPSY_NONE,		/* nothing says that this frame was to blame */
	AUTOPSY_UNREADABLE,	/* the kernel could not read the frame */
	AUTOPSY_REFUSED,	/* it installed the registers, and then gave up */
	AUTOPSY_FAULT,		/* it restored all, and the return faulted */
};

/* "none", "frame-unreadable", "frame-refused", "return-fault" */
extern const char *const autopsy_kind_names[];

struct autopsy {
	enum autopsy_kind kind;
	unsigned check;		/* index into checks[]: what failed */
	rules_mask rules;	/* under which of the target's it fails so */
	bool certain;		/* it fails under all of them, if not so */
};

/*
 * Judge whether the thread died because it returned from `f` on `t`, the
 * machine that it ran on. Where the return is predicted to end well under
 * every set of rules, where the registers are not the frame's, or where the
 * thread might as well have died of what it did itself: AUTOPSY_NONE.
 */
struct autopsy autopsy_judge(const struct autopsy_death *d,
			     const struct frame_facts *f,
			     const struct target *t);

/* RF is clear: the CPU sets it where an instruction faults (SDM vol. 3). */
bool autopsy_no_fault(const struct autopsy_death *d);

/*
 * Without a frame to show: is all else as a refused frame leaves it, and as no
 * instruction of its own can have? No proof.
 */
bool autopsy_suspects(const struct autopsy_death *d);

/*
 * Can `f`, if it was returned from on `t`, have come back only in part
 * (OUTCOME_LOSSY) or with foreign bytes (GARBLED), under every set of rules and
 * for a reason that later damage to its bytes does not bring about? *check_ret
 * is that reason. INTACT: nothing of the kind.
 */
enum outcome autopsy_returned(const struct frame_facts *f,
			      const struct target *t, unsigned *check_ret);

#endif
