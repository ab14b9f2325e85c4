/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coredump.h - the core file itself: headers, segments, dumped bytes */
#ifndef SIGFRAME_SOURCE_COREDUMP_H
#define SIGFRAME_SOURCE_COREDUMP_H

#include "source/elffile.h"

/* A PT_LOAD. */
struct core_segment {
	uint64_t start;		/* [start, end) */
	uint64_t end;
	uint64_t offset;	/* of its bytes in the core */
	uint64_t filesz;	/* bytes that the core should have */
	uint64_t dumped;	/* bytes that it does have */
	unsigned prot;		/* PROT_READ | PROT_WRITE | PROT_EXEC */
	uint32_t index;		/* in the program header table */
};

/* A PT_NOTE, not judged. */
struct note_segment {
	uint64_t off;
	uint64_t size;
};

struct coredump_hints;

struct coredump {
	int fd;			/* of the core; closed by coredump_deinit() */
	uint64_t size;		/* of the file */
	uint64_t wanted_size;	/* had it not been truncated */
	struct elffile_header header;
	struct core_segment *segments;	/* by address, never overlapping */
	size_t segments_count;
	size_t damaged;			/* overlapping or out of range */
	struct note_segment *notes;	/* in the file's order */
	size_t notes_count;
	struct coredump_hints *hints;	/* what was found out before */
};

/*
 * Read the headers of a core of an x86-64, x32 or i386 process. An error says
 * what the file is instead. Where segments overlap, bytes that the file has are
 * preferred to those that it should have, but if it has two for an address,
 * there are none. `d` is zeroed but for fd.
 */
struct error *coredump_open(struct coredump *d) MUST_USE;
void coredump_deinit(struct coredump *d);

/* The segment that holds `addr`, or NULL. */
const struct core_segment *coredump_segment(const struct coredump *d,
					    uint64_t addr);

/*
 * Copy up to `size` bytes that the core has from `addr` on, within one
 * segment. Returns how many, 0 if none.
 */
size_t coredump_read(const struct coredump *d, uint64_t addr, void *buf,
		     size_t size);

/*
 * The first address in [from, to) for which the core should have bytes that
 * are not in a hole of its file, and where such bytes end; `to` if there is
 * none.
 */
uint64_t coredump_next_data(const struct coredump *d, uint64_t from,
			    uint64_t to, uint64_t *end_ret);

/* The dumped memory as elffile.h wants it; base 0. */
struct elffile_image coredump_image(const struct coredump *d);

#endif
