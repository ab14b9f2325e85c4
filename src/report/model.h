/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model.h - everything a report says, put together and not yet worded */
#ifndef SIGFRAME_REPORT_MODEL_H
#define SIGFRAME_REPORT_MODEL_H

#include "describe/description.h"
#include "kernel/criu.h"
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

/* What "criu restore" makes of a checkpoint on one target. */
struct report_criu {
	enum tri refused;	/* with criu's default options */
	enum outcome outcome;	/* of live registers, the worst */
	bool bad;		/* with no hope of intact */
	struct criu_live *threads;	/* as in `located` */
	struct criu_findings why;	/* of all threads */
	struct criu_findings compared;	/* what --cpu-cap would refuse */
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
	size_t unsearched;	/* inputs with memory that was left out */
	/* checkpoints, by what becomes of live registers; once per target */
	size_t restored[OUTCOMES];
	size_t restored_bad;	/* with no hope of intact */
	size_t criu_refuses;	/* some of these: for certain */
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
	struct report_criu *criu;	/* per target; NULL: no checkpoint */
	size_t criu_count;
	struct report_target *origin;	/* where it ran; NULL: not known */
	struct report_autopsy *autopsies;
	size_t autopsies_count;
	struct report_hint *hints;
	size_t hints_count;
};

/* An input, or what else was asked for, that could not be examined. */
struct report_error {
	char *name;		/* of the file; NULL: it is none */
	pid_t pid;		/* 0: no process */
	enum error_code code;
	char *message;
};

struct report {
	const struct report_target *targets;
	size_t targets_count;
	struct report_input *inputs;	/* those that are not forgotten */
	size_t inputs_count;
	size_t examined;	/* inputs, forgotten ones too */
	size_t failed;		/* inputs that could not be examined */
	struct report_error *errors;	/* why, as far as memory goes */
	size_t errors_count;
	bool several;		/* more inputs than one are to be examined */
	/*
	 * They are all processes of the system: those without a frame are
	 * only counted, and so are those that nobody may look at, or that
	 * ended before.
	 */
	bool sweep;
	size_t refused;
	size_t exited;
	bool rehearsed;		/* what could be was rehearsed */
	struct report_counts counts;
};

/* The targets have to outlive the report. NULL if there is no memory. */
struct report *report_create(const struct report_target *targets,
			     size_t targets_count);
void report_destroy(struct report *r);

/*
 * For locate(), `arg` is the report: judge a frame that no running process has
 * on every target.
 */
struct verdict *report_judge(void *arg, const struct frame_facts *f);

/*
 * Judge every frame of `l` that has not been on every target. Takes `s` and
 * `l`, always.
 */
struct error *report_add(struct report *r, struct snapshot *s,
			 struct located *l) MUST_USE;

/*
 * Keep why an input (a file of that name, if it is not NULL, or a process, if
 * `pid` is not 0) could not be examined. NULL if there is no memory.
 */
const struct report_error *report_add_error(struct report *r, const char *name,
					    pid_t pid,
					    const struct error *err);

/* Free the input that was added last. What was counted of it stays counted. */
void report_forget(struct report *r);

/* What people call it: its name, or "this machine". */
const char *report_target_title(const struct report_target *t);

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

/* For model.c only: judge a checkpoint's live registers; free that. */
struct error *report_judge_criu(const struct report *r,
				struct report_input *in) MUST_USE;
void report_criu_deinit(struct report_input *in);

/*
 * The outcome for all that was counted: the worst, UNKNOWN before INTACT. Of
 * frames only, and of frames and live registers.
 */
enum outcome report_outcome(const struct report_counts *c);
enum outcome report_outcome_all(const struct report_counts *c);

#endif
