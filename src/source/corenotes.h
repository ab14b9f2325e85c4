/* SPDX-License-Identifier: GPL-3.0-or-later */
/* corenotes.h - what the notes of a core file say */
#ifndef SIGFRAME_SOURCE_CORENOTES_H
#define SIGFRAME_SOURCE_CORENOTES_H

#include "source/core.h"
#include "source/mapfiles.h"
#include "source/notewindow.h"

/* Start with what the first part asks for, the rest zeroed. */
struct corenotes {
	int fd;
	uint64_t file_size;
	const struct elffile_header *header;
	const struct core_options *options;
	struct snapshot *snapshot;	/* gets threads, names, auxv, layout */

	/* By address, never overlapping. */
	struct mapped_range *ranges;
	size_t ranges_count;
	uint64_t phdr;		/* AT_PHDR, AT_ENTRY, AT_EXECFN; 0: unknown */
	uint64_t entry;
	uint64_t execfn;
	/*
	 * The kernel wrote the core: the list of segments is complete and the
	 * blocked signals are true. gdb leaves these fields of NT_PRSTATUS 0.
	 */
	bool by_kernel;
	char *carried;		/* CARRIED_PROCESS of an exported core */

	/* While reading. */
	struct thread *current;		/* whose notes follow; NULL: skipped */
	size_t threads_seen;		/* also those not asked for */
	size_t malformed;
	bool threads_lost;	/* a damaged part may have told of more */
	unsigned due;	/* bit n: the n-th kind of note may follow for it */
	size_t searched;	/* bytes, for notes behind damaged ones */
	uint32_t xstate_size;		/* of the first NT_X86_XSTATE */
	char *names;			/* the paths of ranges */
	struct notewindow window;
};

/*
 * Take in the notes at [off, off + size) of the file, as far as the file has
 * them. Malformed ones are skipped and counted; behind them the next one that
 * is known is searched for, up to some limit. They are read through a
 * window, so the memory needed does not depend on how many there are.
 */
struct error *corenotes_read(struct corenotes *n, uint64_t off,
			     uint64_t size) MUST_USE;

/*
 * After the last segment: sorts, infers the layout if there was no
 * NT_X86_XSAVE_LAYOUT, adds notes on what was wrong. If threads may be missing
 * a last one, number 0, has that as its `problem`. ERROR_BAD_INPUT if there
 * are no threads, or none of those that were asked for.
 */
struct error *corenotes_finish(struct corenotes *n) MUST_USE;

void corenotes_deinit(struct corenotes *n);

#endif
