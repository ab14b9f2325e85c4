/* SPDX-License-Identifier: GPL-3.0-or-later */
/* locate.h - the signal frames of a snapshot, with the evidence for each */
#ifndef SIGFRAME_LOCATE_LOCATE_H
#define SIGFRAME_LOCATE_LOCATE_H

#include "kernel/autopsy.h"
#include "kernel/predict.h"
#include "locate/kept.h"
#include "source/snapshot.h"
#include "x86/restorer.h"

enum frame_evidence {
	FRAME_UNWOUND = 1 << 0,	/* unwinding arrived at its return address */
	FRAME_SCANNED = 1 << 1,	/* found by looking at the stack's bytes */
	FRAME_RETURNING = 1 << 2,	/* the thread is in the restorer */
	/* as UNWOUND, but by frame pointers where code did not say the way */
	FRAME_POINTERS = 1 << 3,
	/* its return address is one that sigaction() was told, sa_restorer */
	FRAME_REGISTERED = 1 << 4,
};

/* What is where the handler of a frame returns to. */
enum frame_return {
	FRAME_RETURN_UNKNOWN,	/* code whose effect cannot be told */
	FRAME_RETURN_SIGRETURN,	/* code that returns from this frame */
	FRAME_RETURN_KIND,	/* calls sigreturn for another kind of frame */
	FRAME_RETURN_PLACE,	/* calls it for a frame somewhere else */
	FRAME_RETURN_OTHER,	/* code that does something else */
	FRAME_RETURN_UNREADABLE,	/* code that is not to be had */
	FRAME_RETURN_REGISTERED,	/* the same, but a registered restorer */
	FRAME_RETURN_NOTHING,	/* no memory */
	FRAME_RETURNS,
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
	char *instruction;	/* disassembled; of restorers several */
};

/*
 * A stack on which no thread runs, but whose registers somebody saved in
 * order to come back: swapcontext, setjmp, a coroutine library, a goroutine.
 */
struct parked_context {
	const char *kind;	/* how it was saved, in words; NULL: none */
	uint64_t address;	/* where the registers were saved */
	uint64_t pc;
	uint64_t sp;
};

struct located_frame {
	uint64_t address;
	uint64_t end;		/* behind its image, as far as that is known */
	enum sigframe_kind kind;
	unsigned evidence;	/* enum frame_evidence */
	enum frame_stack stack;
	/*
	 * NULL: forgotten, recall.h has it. Its bytes are the snapshot's, or
	 * kept in the two that follow.
	 */
	struct frame_facts *facts;
	uint8_t *frame_memory;
	uint8_t *area_memory;
	/* of a frame that is forgotten */
	struct verdict *verdicts;	/* what it was judged then */
	struct frame_surroundings around;
	uint64_t fpstate;
	uint32_t area_wanted;	/* bytes behind it */
	const struct kept_frame *kept;	/* NULL: to be read again */
	struct code_place interrupted;
	struct code_place restorer;
	const struct restorer *restorer_code;	/* NULL: not in the table */
	enum frame_return returns;
	struct parked_context context;	/* of a dormant frame */
	struct code_place resumed;	/* context.pc */
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
	char *lost;		/* where unwinding did not go on; NULL: it did */
	size_t stale;		/* frames that have already returned */
	struct code_place place;	/* where the thread is */
};

/*
 * A signal that killed a thread, or that one of its handlers is at, and that
 * may have come of a failed sigreturn.
 */
struct located_death {
	size_t thread;		/* index into threads */
	const struct located_frame *signal;	/* the handler's; NULL: killed */
	struct autopsy_death death;
	/*
	 * Frames with the registers that the thread had then, likeliest
	 * first; or the one that sigreturn was to read, as far as it is there.
	 */
	struct located_frame *suspects;
	size_t suspects_count;
	bool searched;		/* all memory that may hold one */
};

struct located {
	struct kept kept;	/* bytes of frames that are forgotten */
	struct located_thread *threads;	/* as in the snapshot */
	size_t threads_count;
	/*
	 * Frames that no thread is on its way to, but a parked context is:
	 * they will be returned from when it is resumed. By address.
	 */
	struct located_frame *dormant;
	size_t dormant_count;
	/*
	 * Whole frames that nothing leads to: left over from signals whose
	 * handlers have returned, or were left for good. By address.
	 */
	struct located_frame *returned;
	size_t returned_count;
	struct located_death *deaths;
	size_t deaths_count;
	/*
	 * Private memory that can be written to and has been, in bytes, and
	 * how much of it was searched for the two above; 0 and 0: none was
	 * looked at.
	 */
	uint64_t memory;
	uint64_t memory_searched;
	/*
	 * The registers of a thread that was spared would tell more. Where it
	 * can be stopped for them that is to be done: no more was looked for.
	 */
	bool lacks_registers;
	/*
	 * Code that is not known because reading its file failed, in a
	 * sentence; foreign; NULL: none. The first thread is `incomplete` then.
	 */
	char *unread;
};

/* Which memory is searched for frames that no thread is on its way to. */
enum locate_dormant {
	LOCATE_DORMANT_AUTO,	/* at most `dormant_max` bytes of it */
	LOCATE_DORMANT_ALL,
	LOCATE_DORMANT_NONE,
};

/* A second's tenth or so. */
#define LOCATE_MEMORY_MAX (UINT64_C(64) << 20)

/* Of any CPU so far. */
#define LOCATE_IMAGE_MAX PREDICT_AREA_WANT

struct locate_options {
	/*
	 * Where memory can be read again, judge each frame of a thread when it
	 * is found, and keep its facts no longer, unless it may explain a
	 * death. The verdicts are from malloc(), NULL: no memory.
	 */
	struct verdict *(*judge)(void *arg, const struct frame_facts *f);
	void *judge_arg;
	/*
	 * Bytes of the largest XSAVE image of any CPU that the frames will be
	 * judged for; 0: LOCATE_IMAGE_MAX.
	 */
	uint32_t image_max;
	bool unwind;		/* false: scan only, evidence is weaker */
	enum locate_dormant dormant;	/* NONE unless `unwind` */
	uint64_t dormant_max;	/* 0: LOCATE_MEMORY_MAX */
	/* who reads ELF files, see reader.h */
	bool in_process;
	struct nursery *nursery;
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
