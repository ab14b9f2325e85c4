/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pieces.h - the memory that an exported core holds */
#ifndef SIGFRAME_EXPORT_PIECES_H
#define SIGFRAME_EXPORT_PIECES_H

#include "locate/locate.h"
#include "source/snapshot.h"

/* By address, not overlapping, each within one mapping. */
struct pieces {
	struct piece {
		uint8_t *data;
		size_t size;
		uint64_t start;
		unsigned prot;	/* PROT_READ | PROT_WRITE | PROT_EXEC */
	} *list;
	size_t count;
};

/*
 * Everything that telling about the frames again takes: the frames and their
 * images as they were captured, the code that was interrupted, the code that
 * they return to and that the threads are in, and what the stack pointers
 * point to, for debuggers. Reads the snapshot's source for the code.
 */
struct error *pieces_gather(const struct snapshot *s, const struct located *l,
			    struct pieces *ret) MUST_USE;
void pieces_deinit(struct pieces *p);

#endif
