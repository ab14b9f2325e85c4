/* SPDX-License-Identifier: GPL-3.0-or-later */
/* locate.h - the signal frames of a snapshot, with the evidence for each */
#ifndef SIGFRAME_LOCATE_LOCATE_H
#define SIGFRAME_LOCATE_LOCATE_H

#include "kernel/predict.h"
#include "source/snapshot.h"
#include "x86/restorer.h"

enum frame_evidence {
	FRAME_UNWOUND = 1 << 0,	/* unwinding arrived at its return address */
	FRAME_SCANNED = 1 << 1,	/* found by looking at the stack's bytes */
	FRAME_RETURNING = 1 << 2,	/* the thread is in the restorer */
};

enum frame_stack {
	FRAME_ON_MAIN,		/* the stack that the thread was created with */
	FRAME_ON_ALTERNATE,	/* the one registered with sigaltstack */
	FRAME_ON_OTHER,
};

/* A place in code, in words; strings are foreign, NULL if unknown. */
struct code_place {
	char *function;
	uint64_t offset;	/* bytes from the function's start */
	char *module;		/* base name of the file */
	char *file;		/* source file */
	unsigned line;		/* 0: unknown */
	char *instruction;	/* disassembled */
};

struct located_frame {
	unsigned evidence;	/* enum frame_evidence */
	enum frame_stack stack;
	/* its bytes are the snapshot's, or kept in the two that follow */
	struct frame_facts facts;
	uint8_t *frame_memory;
	uint8_t *area_memory;
	struct code_place interrupted;
	struct code_place restorer;
	const struct restorer *restorer_code;	/* NULL: unknown code */
};

struct located_thread {
	const struct thread *thread;
	struct located_frame *frames;	/* innermost first */
	size_t frames_count;
	/*
	 * TRI_YES: these are all the thread's frames. Else `incomplete` says
	 * what is missing; a report must not call such a thread clean.
	 */
	enum tri complete;
	char *incomplete;	/* one sentence, or NULL */
	size_t stale;		/* frames that have already returned */
	struct code_place place;	/* where the thread is */
};

struct located {
	struct located_thread *threads;	/* as in the snapshot */
	size_t threads_count;
};

struct locate_options {
	bool unwind;		/* false: scan only, evidence is weaker */
};

/*
 * Find every signal frame. A failure with one thread is that thread's
 * `incomplete`, an error is only returned if nothing could be done at all.
 * The snapshot has to outlive the result.
 */
struct error *locate(const struct snapshot *s,
		     const struct locate_options *options,
		     struct located **ret) MUST_USE;
void located_destroy(struct located *l);

#endif
