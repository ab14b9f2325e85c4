/* SPDX-License-Identifier: GPL-3.0-or-later */
/* output.h - where lines of text go, and which may be said again */
#ifndef SIGFRAME_REPORT_OUTPUT_H
#define SIGFRAME_REPORT_OUTPUT_H

#include <stdio.h>

#include "base/text.h"
#include "report/emitter.h"

/* A paragraph as it was said last. */
struct memo {
	struct text key;
	struct text lines;
	unsigned indentation;
	bool known;
};

/* Starts as zeros but for the first. */
struct output {
	FILE *out;
	bool front;		/* see emit_front() */
	FILE *behind;		/* what comes later in there, or NULL */
	struct text pending;	/* to be written, to where `front` says */
	struct memo memos[PARAGRAPHS];
	struct memo *learning;	/* the one that is being said, or NULL */
	bool failed;
};

/* Whole lines. They are written together with others. */
void output_lines(struct output *o, const char *lines, size_t size);

/* From now on, is it for the front? */
void output_front(struct output *o, bool front);

/* emit_again() and emit_learnt(), of lines with that indentation. */
bool output_again(struct output *o, enum paragraph p, const void *key,
		  size_t size, unsigned indentation);
void output_learnt(struct output *o, enum paragraph p);

/* Write what is pending; at the end, what comes behind as well. */
void output_flush(struct output *o);
void output_finish(struct output *o);

void output_deinit(struct output *o);

#endif
