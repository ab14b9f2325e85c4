/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool.h - a temporary file without a name, for what has to be unpacked */
#ifndef SIGFRAME_SOURCE_SPOOL_H
#define SIGFRAME_SOURCE_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The file never has a name that outlives a signal, is nobody else's to read
 * and closed on exec. Blocks of zeros become holes.
 */
struct spool {
	int fd;			/* -1 before spool_open() */
	uint64_t size;		/* bytes so far, holes included */
	uint64_t max;		/* that `size` may not exceed */
	const char *where;	/* the directory, or "memory" */
};

/*
 * Make an empty one: in $TMPDIR, else in /var/tmp, else in memory. `max` is
 * set, fd is -1.
 */
struct error *spool_open(struct spool *s) MUST_USE;

/*
 * Append bytes, or a hole. ERROR_BAD_INPUT if that would be more than `max`,
 * ERROR_OS, with the place, if there is no room.
 */
struct error *spool_add(struct spool *s, const void *data,
			size_t size) MUST_USE;
struct error *spool_skip(struct spool *s, uint64_t size) MUST_USE;

/* Give the file its size; its descriptor is the caller's, `s` as new. */
struct error *spool_finish(struct spool *s, int *fd_ret) MUST_USE;

/* The error of what is larger than `max`. */
struct error *spool_too_large(uint64_t max) MUST_USE;

/* Also when it was never opened. */
void spool_close(struct spool *s);

#endif
