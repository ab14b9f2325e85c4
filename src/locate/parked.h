/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parked.h - saved contexts, wherever they are in a process's memory */
#ifndef SIGFRAME_LOCATE_PARKED_H
#define SIGFRAME_LOCATE_PARKED_H

#include "locate/cfi.h"
#include "locate/running.h"
#include "x86/context.h"

/* A stack pointer and a pc that somebody has kept. */
struct parked {
	enum context_kind kind;
	uint64_t address;	/* where it was kept */
	struct cfi_context at;
};

struct parked_search {
	const struct snapshot *s;
	struct code *code;
	/* what is part of a frame is no context */
	const struct running *running;
	const struct sweep *sweep;
	uint64_t limit;		/* bytes to look through */
	/* only those with a stack pointer in there; sorted, not overlapping */
	const struct written_range *windows;
	size_t windows_count;
};

struct parked_list {
	struct parked *list;	/* the most certain kinds first, then by sp */
	size_t count;
	size_t room;
	/* bytes that could be looked through before there were too many */
	uint64_t searched;
};

/*
 * All contexts whose pc is code that has been called from, and that nothing on
 * the stack speaks against.
 */
struct error *parked_find(const struct parked_search *search,
			  struct parked_list *ret) MUST_USE;
void parked_deinit(struct parked_list *p);

/*
 * Clear the address of those of `count` contexts to which no word points that
 * is neither in a frame nor on the stack below and around the context itself.
 */
struct error *parked_keep_known(const struct parked_search *search,
				struct parked *list, size_t count) MUST_USE;

#endif
