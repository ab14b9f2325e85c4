/* SPDX-License-Identifier: GPL-3.0-or-later */
/* feed.h - a stream as libarchive wants to be given one */
#ifndef SIGFRAME_SOURCE_FEED_H
#define SIGFRAME_SOURCE_FEED_H

#include "source/archive_library.h"
#include "source/stream.h"

struct feed {
	const struct archive_library *library;
	struct stream *stream;	/* borrowed */
	/*
	 * Why the stream could not be read: asked for, and taken, after each
	 * call of libarchive that failed, because it tells more.
	 */
	struct error *error;
	uint8_t buf[64 << 10];
};

/*
 * Let `a`, whose filters and formats are chosen, read the stream. Returns what
 * libarchive does. `f` outlives it.
 */
int feed_open(struct feed *f, struct archive *a);

/*
 * The error of a call that failed: the stream's, else ERROR_BAD_INPUT "damaged
 * `what` data" with what libarchive says.
 */
struct error *feed_error(struct feed *f, struct archive *a,
			 const char *what) MUST_USE;

#endif
