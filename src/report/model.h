/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model.h - everything a report says, put together and not yet worded */
#ifndef SIGFRAME_REPORT_MODEL_H
#define SIGFRAME_REPORT_MODEL_H

#include "describe/description.h"
#include "kernel/predict.h"
#include "locate/locate.h"
#include "rehearse/rehearse.h"
#include "source/snapshot.h"

/* A target as the report shows it. */
struct report_target {
	struct target target;	/* of a task that has not used AMX, unless it
				   was described as one that has */
	struct description *description;
	char *cpu;		/* the CPU in words */
	bool is_host;		/* the machine the tool runs on */
	bool probed;		/* its rules were found out by trial */
	const char *note;	/* what was odd about that; NULL: nothing */
};

/* A frame with one verdict per target of the report. */
struct report_frame {
	const struct located_frame *located;
	struct verdict *verdicts;
	uint64_t dynamic;	/* components its thread has asked for here */
	struct rehearsal *rehearsal;	/* NULL: not asked for */
	enum rehearse_pages rehearsed_pages;
	bool settled;		/* it answers what the prediction left open */
	bool left_out;		/* of the reasons, some cannot be tried */
};

/* A death, or a SIGSEGV with a handler, that a failed sigreturn explains. */
struct report_autopsy {
	const struct located_death *death;
	const struct located_frame *frame;	/* the one to blame */
	struct autopsy finding;
	struct target target;	/* where it died, rules as they explain it */
};

enum report_hint_kind {
	REPORT_HINT_SUSPECTED,	/* a sigreturn, its frame is not to be had */
	REPORT_HINT_LOSSY,	/* a left-over frame cannot have come back whole */
	REPORT_HINT_GARBLED,
	REPORT_HINT_KINDS,
};

/* What may have happened. Says nothing for sure, and counts for nothing. */
struct report_hint {
	enum report_hint_kind kind;
	const struct located_death *death;	/* of a suspicion, or NULL */
	const struct located_frame *frame;	/* that was left over, or NULL */
	unsigned check;			/* why, with a frame */
};

struct report_counts {
	size_t threads;
	size_t frames;		/* of threads */
	size_t dormant;		/* frames on parked stacks */
	size_t verdicts[OUTCOMES];	/* of both */
	size_t bad;		/* verdicts with no hope of intact */
	size_t hazards;		/* verdicts with at least one */
	size_t incomplete;	/* threads that may have more frames */
	size_t settled;		/* unknown, but a rehearsal was intact */
	size_t disagreements;	/* rehearsals that predict() had wrong */
	size_t autopsies;	/* deaths that a failed sigreturn explains */
};

struct report_thread {
	const struct located_thread *located;
	struct report_frame *frames;	/* innermost first */
};

struct report_input {
	struct snapshot *snapshot;
	struct located *located;
	struct report_thread *threads;
	struct report_frame *dormant;	/* as in `located` */
	struct report_counts counts;
	size_t targets_intact;	/* targets on which every frame is intact */
	struct report_target *origin;	/* where it ran; NULL: not known */
	struct report_autopsy *autopsies;
	size_t autopsies_count;
	struct report_hint *hints;
	size_t hints_count;
};

struct report {
	const struct report_target *targets;
	size_t targets_count;
	struct report_input *inputs;
	size_t inputs_count;
	size_t failed;		/* inputs that could not be examined */
	bool rehearsed;		/* what could be was rehearsed */
	struct report_counts counts;
};

/* The targets have to outlive the report. NULL if there is no memory. */
struct report *report_create(const struct report_target *targets,
			     size_t targets_count);
void report_destroy(struct report *r);

/* Judge every frame of `l` on every target. Takes `s` and `l`, always. */
struct error *report_add(struct report *r, struct snapshot *s,
			 struct located *l) MUST_USE;

/* Frees it and what it owns; NULL is fine. For targets made one by one. */
void report_target_destroy(struct report_target *t);

/*
 * Find out what the input that was added last died of. Takes `origin`, the
 * machine it ran on, always; NULL: not known.
 */
struct error *report_add_autopsy(struct report *r,
				 struct report_target *origin) MUST_USE;

/* For model.c only: free what it made. */
void report_autopsies_deinit(struct report_input *in);

/*
 * Rehearse every frame of the input that was added last, and count what that
 * shows: unknown ones that it settles on the target that is this machine, bad
 * ones, and disagreements. It never turns a bad one into a good one.
 */
struct error *report_rehearse(struct report *r,
			      const struct rehearse_stage *stage) MUST_USE;

/* The outcome for all that was counted: the worst, UNKNOWN before INTACT. */
enum outcome report_outcome(const struct report_counts *c);

#endif
