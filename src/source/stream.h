/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stream.h - bytes that come one after the other, and the first of them */
#ifndef SIGFRAME_SOURCE_STREAM_H
#define SIGFRAME_SOURCE_STREAM_H

#include "base/bytes.h"
#include "base/error.h"

struct stream_ops {
	/* Up to `size` bytes, at least one; none at the end. */
	struct error *(*read)(void *source, void *buf, size_t size,
			      size_t *got_ret);
	/* Pass over up to `size` bytes; how many. NULL: cannot but read. */
	uint64_t (*skip)(void *source, uint64_t size);
	void (*destroy)(void *source);
};

struct stream;

/*
 * Takes `source`, also when it fails: NULL if there is no memory. To read more
 * than `max` bytes is an error.
 */
struct stream *stream_create(const struct stream_ops *ops, void *source,
			     uint64_t max);

/*
 * What is read from a descriptor, which is taken, also when it fails. A FIFO
 * that nobody has opened for writing yet gets `wait` milliseconds, then it is
 * at its end.
 */
struct error *stream_of_fd(int fd, int wait, uint64_t max,
			   struct stream **ret) MUST_USE;

/* From now on tell `progress` after each read how much it was so far. */
void stream_watch(struct stream *s, void (*progress)(void *arg, uint64_t done),
		  void *arg);

/*
 * The next bytes, which stay the next: up to CONTENT_HEAD, fewer only in front
 * of the end. To be called at most once, before anything is read. Good as long
 * as the stream.
 */
struct error *stream_peek(struct stream *s, struct bytes *ret) MUST_USE;

/* As the ops. ERROR_BAD_INPUT if it is more than can be allowed. */
struct error *stream_read(struct stream *s, void *buf, size_t size,
			  size_t *got_ret) MUST_USE;
uint64_t stream_skip(struct stream *s, uint64_t size);

/* Read all that is left: only then are the checksums behind it known. */
struct error *stream_drain(struct stream *s) MUST_USE;

/* NULL is fine. */
void stream_destroy(struct stream *s);

#endif
