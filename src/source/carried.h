/* SPDX-License-Identifier: GPL-3.0-or-later */
/* carried.h - what an exported core says that an ordinary one does not */
#ifndef SIGFRAME_SOURCE_CARRIED_H
#define SIGFRAME_SOURCE_CARRIED_H

#include "base/lines.h"
#include "base/text.h"
#include "source/snapshot.h"

/*
 * An exported core holds only the bytes that matter, and goes where the
 * process's files are not. What was found out in the presence of both goes
 * with it, as text, in notes of this owner. Each starts with a line
 * "WORD VERSION".
 */
#define CARRIED_NOTE_NAME "sigframe-inspect"

/* Far from the types of others: not every reader looks at the owner. */
enum carried_type {
	CARRIED_CPU = 0x53460001, /* a description, sigframe-inspect-cpu(5) */
	CARRIED_PROCESS,	/* mappings and threads, see below */
	CARRIED_FRAMES,		/* frames and evidence: carried_frames.h */
	CARRIED_XSTATE,		/* the start of a thread's NT_X86_XSTATE */
};

#define CARRIED_VERSION 1
/* More text than this in a note is malformed, bytes. */
#define CARRIED_MAX (64u << 20)

/* Append the text of CARRIED_PROCESS for a snapshot. */
void carried_write(const struct snapshot *s, struct text *t);

/*
 * Replace what the core's ordinary notes and segments say by what the text
 * says: all mappings, the process, and, of threads that the snapshot has, what
 * of them is known. Both have their threads in the same order. *threads_ret is
 * how many were exported. ERROR_BAD_INPUT or ERROR_UNSUPPORTED if it makes no
 * sense; the snapshot is then good for nothing.
 */
struct error *carried_read(struct snapshot *s, const char *text, size_t size,
			   uint64_t *threads_ret) MUST_USE;

/* "WORD VERSION" in front of a text of lines; moves `l` behind it. */
struct error *carried_check(struct lines *l, const char *word) MUST_USE;

#endif
