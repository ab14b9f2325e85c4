/* SPDX-License-Identifier: GPL-3.0-or-later */
/* question.h - questions about ELF files, and answers to them */
#ifndef SIGFRAME_LOCATE_QUESTION_H
#define SIGFRAME_LOCATE_QUESTION_H

#include "locate/cfi.h"

/*
 * Sent from process to process as they are, so without pointers or holes.
 * Whoever answers is not to be trusted.
 */

/* Files are known by number, which the one who asks gives them. */
enum { QUESTION_FILES = 8192 };

/* Bytes of a name, of a function or file; longer ones are cut. */
enum { QUESTION_NAME_MAX = 8192 };

enum question_kind {
	QUESTION_ROW,		/* how to get from `pc` to its caller */
	QUESTION_FUNCTION,	/* which function `pc` is in */
	QUESTION_PLACE,		/* this, and the line of source */
	QUESTIONS,
};

struct question {
	uint64_t number;	/* of the question; the answer repeats it */
	uint64_t pc;
	uint64_t start;		/* where the file is mapped: [start, end) */
	uint64_t end;
	uint32_t kind;		/* enum question_kind */
	uint32_t file;		/* below QUESTION_FILES */
};

/*
 * The file, if it has not been asked about before, and its separate debug
 * information. -1: known, or there is none.
 */
struct question_files {
	int fd;
	int debug_fd;
};

enum answer_status {
	ANSWER_KNOWN,
	ANSWER_NOTHING,		/* is known of that place */
	ANSWER_UNREAD,		/* the file could not be read */
};

/* What follows is at most one of the two. */
union answer_more {
	struct cfi_op ops[CFI_OPS_MAX];		/* row.ops_count of them */
	char names[2 * QUESTION_NAME_MAX];	/* function and file, no NUL */
};

struct answer {
	uint64_t number;
	uint32_t status;	/* enum answer_status */
	uint32_t line;		/* of source; 0: unknown */
	uint64_t offset;	/* bytes from the function's start */
	uint32_t function_size;	/* bytes of its name; 0: unknown */
	uint32_t file_size;	/* of the source file's */
	struct cfi_said row;
	union answer_more more;
};

/* Bytes of it that are used; 0 if it makes no sense. */
size_t answer_size(const struct question *q, const struct answer *a);

/* The files that questions were about. */
struct answerer;

/* NULL if there is no memory. */
struct answerer *answerer_create(void);
void answerer_destroy(struct answerer *a);

/* Answer in this process, by libdw. Takes the files. */
void answerer_answer(struct answerer *a, const struct question *q,
		     struct question_files files, struct answer *ret);

#endif
