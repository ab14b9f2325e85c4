/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader.h - who reads ELF files: a process that can do nothing else */
#ifndef SIGFRAME_LOCATE_READER_H
#define SIGFRAME_LOCATE_READER_H

#include "base/error.h"
#include "locate/question.h"

/*
 * The ELF files of an examined process may be made to break libdw. So a child
 * without rights (confine.h) reads them, another one for each process that is
 * examined; it is sent what to read. If it dies or takes too long, another
 * takes its place, a few times. What it answers is for the caller to mistrust.
 */
struct reader;

enum { READER_CHILDREN = 3 };

/*
 * Children are copies of this process, which takes longer the more memory that
 * has. So those who will want readers make a nursery while it has little: for
 * one reader the child itself, for `many` a process that starts them.
 */
struct nursery;

/* NULL, which is fine, if there cannot be one. */
struct nursery *nursery_open(bool many);
void nursery_close(struct nursery *n);

struct reader_options {
	/* Answer in this process instead: for fuzzing. */
	bool in_process;
	struct nursery *nursery;	/* NULL: children are copied from here */
	unsigned question_ms;	/* for one question; 0: READER_QUESTION_MS */
	unsigned total_ms;	/* spent waiting in all; 0: READER_TOTAL_MS */
	uint64_t memory;	/* bytes that this process has much of */
};

#define READER_QUESTION_MS 10000
#define READER_TOTAL_MS 60000
/* CPU time of a child. */
#define READER_SECONDS 20
/* Address space of the child in bytes, with what it inherits. */
#define READER_MEMORY (UINT64_C(4) << 30)

/* NULL if there is no memory. The nursery has to outlive it. */
struct reader *reader_create(const struct reader_options *options);
void reader_destroy(struct reader *r);

/*
 * See to it that there is somebody to answer. The number of the one who does,
 * who knows of no file that another was sent; 0: nobody any more.
 */
unsigned reader_start(struct reader *r);

enum reader_result {
	READER_ANSWERED,
	READER_DIED,		/* of this question */
	READER_SLOW,
	READER_NOBODY,		/* could be asked */
};

/*
 * Ask; the rest of the question is filled in, and `files` are borrowed. Of the
 * answer only the part that answer_size() tells is set.
 */
enum reader_result reader_ask(struct reader *r, struct question *q,
			      struct question_files files, struct answer *ret);

/* Why nobody could be started, an errno; 0: nobody has been refused. */
int reader_refused(const struct reader *r);

/* Of the child, for tests; 0: there is none, or a nurse has it. */
pid_t reader_pid(const struct reader *r);

#endif
