/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reading.h - what libdw says about one ELF file */
#ifndef SIGFRAME_LOCATE_READING_H
#define SIGFRAME_LOCATE_READING_H

#include "locate/cfi.h"

/*
 * The one user of libdw. It runs in a process of its own, see reader.h: files
 * may have been made to break it. Nothing but the two descriptors is opened.
 */
struct reading;

/*
 * The file open as `fd`, which a process has mapped from `start` to `end`, and
 * as `debug_fd` its separate debug information, or -1. Takes both. NULL if
 * nothing can be made of it.
 */
struct reading *reading_open(uint64_t start, uint64_t end, int fd,
			     int debug_fd);
void reading_close(struct reading *r);

/* False if nothing is known of the code at `pc`. */
bool reading_row(struct reading *r, uint64_t pc, struct cfi_said *ret,
		 struct cfi_op ops_ret[CFI_OPS_MAX]);

/* Strings are libdw's, NULL if unknown. */
struct reading_place {
	const char *function;
	uint64_t offset;	/* bytes from the function's start */
	const char *file;	/* source file */
	unsigned line;		/* 0: unknown */
};

/*
 * The function that `pc` is in, and if `lines` the line of source; that only if
 * the file itself has line numbers, not if they are kept apart.
 */
void reading_place(struct reading *r, uint64_t pc, bool lines,
		   struct reading_place *ret);

#endif
