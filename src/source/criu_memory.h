/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_memory.h - the mappings of a process, as CRIU's mm image has them */
#ifndef SIGFRAME_SOURCE_CRIU_MEMORY_H
#define SIGFRAME_SOURCE_CRIU_MEMORY_H

#include "source/corenotes.h"
#include "source/criu_files.h"

/* Where the pages of a mapping come from that are not in the images. */
enum criu_backing {
	CRIU_BACKING_UNKNOWN,
	CRIU_BACKING_ZERO,
	CRIU_BACKING_FILE,
};

/* What a snapshot's mappings do not say; both in the same order. */
struct criu_memory {
	enum criu_backing *backing;	/* of each mapping of the snapshot */
	struct mapped_range *ranges;	/* files that were mapped */
	size_t ranges_count;
};

/*
 * Read mm-PID.img: mappings, auxiliary vector and executable, into `s`.
 * ERROR_BAD_INPUT if mappings overlap or are empty. `files` outlives the
 * result; criu_memory_deinit() is due always, and starts with zeros.
 */
struct error *criu_memory_read(const struct image_files *images, pid_t pid,
			       const struct criu_files *files,
			       struct snapshot *s,
			       struct criu_memory *ret) MUST_USE;
void criu_memory_deinit(struct criu_memory *memory);

#endif
