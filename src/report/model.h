/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model.h - everything a report says, put together and not yet worded */
#ifndef SIGFRAME_REPORT_MODEL_H
#define SIGFRAME_REPORT_MODEL_H

#include "describe/description.h"
#include "kernel/predict.h"
#include "locate/locate.h"
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
};

struct report_counts {
	size_t threads;
	size_t frames;
	size_t verdicts[OUTCOMES];
	size_t bad;		/* verdicts with no hope of intact */
	size_t hazards;		/* verdicts with at least one */
	size_t incomplete;	/* threads that may have more frames */
};

struct report_thread {
	const struct located_thread *located;
	struct report_frame *frames;	/* innermost first */
};

struct report_input {
	struct snapshot *snapshot;
	struct located *located;
	struct report_thread *threads;
	struct report_counts counts;
	size_t targets_intact;	/* targets on which every frame is intact */
};

struct report {
	const struct report_target *targets;
	size_t targets_count;
	struct report_input *inputs;
	size_t inputs_count;
	size_t failed;		/* inputs that could not be examined */
	struct report_counts counts;
};

/* The targets have to outlive the report. NULL if there is no memory. */
struct report *report_create(const struct report_target *targets,
			     size_t targets_count);
void report_destroy(struct report *r);

/* Judge every frame of `l` on every target. Takes `s` and `l`, always. */
struct error *report_add(struct report *r, struct snapshot *s,
			 struct located *l) MUST_USE;

/* The outcome for all that was counted: the worst, UNKNOWN before INTACT. */
enum outcome report_outcome(const struct report_counts *c);

#endif
