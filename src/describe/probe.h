/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe.h - which rules the running kernel follows, by trying it */
#ifndef SIGFRAME_DESCRIBE_PROBE_H
#define SIGFRAME_DESCRIBE_PROBE_H

#include "kernel/predict.h"

/*
 * A handful of made-up 64-bit frames. A child of ours returns from each, and
 * its registers afterwards are held against what predict() expects under each
 * set of rules. In the end it makes a harmless call of each other ABI. There is
 * no second copy of the rules here: a set that predict() knows is recognised as
 * soon as the frames tell it apart.
 *
 * R2, R3 and R5 cannot be told apart: they differ only in what they do about
 * page faults while restoring, and here are none. The release has to say.
 * On a CPU without AVX, R6 and R7 differ from the others in one frame less.
 */
enum probe_index {
	PROBE_NATIVE,		/* as the kernel makes them: works anywhere */
	PROBE_SMALLER,		/* a smaller image, all of it consistent */
	PROBE_USER_SIZE,	/* MAGIC2 only behind the task's own size */
	PROBE_LARGER,		/* a larger image, all of it consistent */
	PROBE_EXTENDED,		/* extended_size == xstate_size */
	PROBE_SHORT,		/* xstate_size does not cover xfeatures */
	PROBE_MISALIGNED,	/* image at 16 modulo 64 */
	PROBE_MXCSR,		/* a reserved bit of MXCSR */
	PROBE_COUNT,
};

/* "smaller", ...: for messages */
extern const char *const probe_names[PROBE_COUNT];

/* What a return comes to, or is expected to. */
struct probe_outcome {
	/* expected: predict() commits itself; observed: it tells something */
	bool known;
	bool returned;		/* else the task got a signal */
	uint64_t taken;		/* components that hold the frame's bytes */
	uint64_t odd;		/* components with neither these nor zeros */
};

/* The frames, and what became of them. */
struct probe {
	void *memory;			/* private; NULL: none */
	size_t size;
	uint64_t compared;		/* components looked at */
	struct frame_facts frames[PROBE_COUNT];
	struct probe_outcome observed[PROBE_COUNT];
	/* has the kernel this ABI? UNKNOWN: something stands in the way */
	enum tri ia32, x32;
};

/*
 * Make the frames for a task of this host (its layout, features and size)
 * and have a child try them. False if that was not possible; `why` then says
 * so in a few words: no XSAVE, no child, valgrind (which does not hand
 * rt_sigreturn to the kernel), or not even the ordinary frame comes back; the
 * ABIs may be known all the same. To be released in both cases. The process
 * itself is not touched but for one mapping while the probe lives; a filter
 * that kills who forks is not survived. See trial.h.
 */
bool probe_run(struct probe *p, const struct cpu_model *cpu,
	       uint64_t minsigstksz, char *why, size_t why_size);
void probe_release(struct probe *p);

/* What frame `i` should come to under rules_table[rules] on `t`. */
struct probe_outcome probe_expect(const struct probe *p, unsigned i,
				  const struct target *t, unsigned rules);

/*
 * The sets of rules whose expectations agree with all that was observed. 0:
 * none that is known, and `note` says where the nearest (of `likely`, if that
 * is not 0) differs.
 */
rules_mask probe_judge(const struct probe *p, const struct target *t,
		       rules_mask likely, char *note, size_t note_size);

#endif
