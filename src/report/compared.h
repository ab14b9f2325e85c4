/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compared.h - two looks at a process held side by side, not yet worded */
#ifndef SIGFRAME_REPORT_COMPARED_H
#define SIGFRAME_REPORT_COMPARED_H

#include "kernel/difference.h"
#include "locate/locate.h"
#include "source/snapshot.h"

enum compared_when {
	COMPARED_BEFORE,
	COMPARED_AFTER,
	COMPARED_SIDES,
};

/* What came of a frame, a thread or a process, or of all. */
enum compared_outcome {
	COMPARED_SAME,
	COMPARED_DIFFERS,
	COMPARED_GONE,		/* only before */
	COMPARED_ADDED,		/* only after */
	COMPARED_UNKNOWN,	/* evidence is missing */
	COMPARED_OUTCOMES,
};

/* "same", "differs", "gone", "added", "unknown" */
extern const char *const compared_outcome_names[COMPARED_OUTCOMES];

/* One process of one of the two inputs. */
struct compared_input {
	struct snapshot *snapshot;
	struct located *located;
};

/*
 * A frame, found in both by its address and kind. NULL where there is none;
 * its thread is NULL where it is dormant.
 */
struct compared_frame {
	const struct located_frame *frames[COMPARED_SIDES];
	const struct located_thread *threads[COMPARED_SIDES];
	enum compared_outcome outcome;
	bool elsewhere;		/* it has become another thread's */
	struct difference difference;	/* if it is in both */
};

/*
 * A thread, with the registers that it had itself when it was looked at. What
 * one of the two inputs lacks of these is not compared, and that is no
 * evidence that is missing.
 */
struct compared_thread {
	const struct located_thread *threads[COMPARED_SIDES];
	enum compared_outcome outcome;
	bool incomplete;	/* it may have more frames, in one or both */
	/* General and extended registers were compared, all that are in use. */
	bool compared;
	struct difference difference;
};

/* How the threads of the two were matched. */
enum compared_match {
	COMPARED_BY_TID,
	COMPARED_BY_STACK,	/* by their frames, stack pointers and stacks */
};

struct compared_counts {
	size_t frames[COMPARED_OUTCOMES];
	size_t threads[COMPARED_OUTCOMES];
	size_t processes[COMPARED_OUTCOMES];	/* GONE and ADDED only */
	size_t incomplete;	/* threads that may have more frames */
};

struct compared_process {
	const struct compared_input *inputs[COMPARED_SIDES];	/* or NULL */
	enum compared_match match;
	struct compared_thread *threads;	/* of before, then added ones */
	size_t threads_count;
	struct compared_frame *frames;	/* by address */
	size_t frames_count;
	struct compared_counts counts;
};

struct compared {
	struct compared_input *inputs[COMPARED_SIDES];
	size_t inputs_count[COMPARED_SIDES];
	/*
	 * All that there was of its kind was added: what is missing there is
	 * gone, even if there is only one process.
	 */
	bool whole[COMPARED_SIDES];
	struct compared_process *processes;
	size_t processes_count;
	struct compared_counts counts;
};

/* NULL if there is no memory. */
struct compared *compared_create(void);
void compared_destroy(struct compared *c);

/* Add a process to one side. Takes `s` and `l`, always. */
struct error *compared_add(struct compared *c, enum compared_when when,
			   struct snapshot *s, struct located *l) MUST_USE;

/*
 * Match processes, threads and frames, and compare those that match. Processes
 * go by their pid, that in their own pid namespace counts, too; one alone on
 * its side may have another there, if no other fits as well, and those that
 * are left of the other side only count if both sides are whole. ERROR_USAGE,
 * with what to do, if nothing tells.
 */
struct error *compared_match(struct compared *c) MUST_USE;

/*
 * Of a frame, or of a thread that is in both: before or after, ready to take
 * values from.
 */
void compared_frame_side(const struct compared_frame *f,
			 enum compared_when when, struct difference_side *ret);
void compared_thread_side(const struct compared_process *p,
			  const struct compared_thread *t,
			  enum compared_when when,
			  struct difference_side *ret);

/* SAME, DIFFERS or UNKNOWN. What differs counts first. */
enum compared_outcome compared_result(const struct compared_counts *c);

#endif
