/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stream.c - bytes that come one after the other, and the first of them */
#include "source/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/content.h"
#include "source/spool.h"

/* How long to wait at a time; milliseconds. */
#define WAIT_STEP 50

struct stream {
	const struct stream_ops *ops;
	void *source;
	uint64_t max;
	uint64_t done;		/* bytes that the ops have given */
	void (*progress)(void *arg, uint64_t done);
	void *progress_arg;
	uint8_t head[CONTENT_HEAD];	/* read, but not passed on: */
	size_t head_at;		/* from here */
	size_t head_end;	/* up to here */
};

struct stream *stream_create(const struct stream_ops *ops, void *source,
			     uint64_t max)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s) {
		ops->destroy(source);
		return NULL;
	}
	s->ops = ops;
	s->source = source;
	s->max = max;
	return s;
}

static struct error *read_more(struct stream *s, void *buf, size_t size,
			       size_t *got_ret)
{
	struct error *err = s->ops->read(s->source, buf, size, got_ret);

	if (err)
		return err;
	s->done += *got_ret;
	if (s->progress)
		s->progress(s->progress_arg, s->done);
	return s->done <= s->max ? NULL : spool_too_large(s->max);
}

void stream_watch(struct stream *s, void (*progress)(void *arg, uint64_t done),
		  void *arg)
{
	s->progress = progress;
	s->progress_arg = arg;
}

struct error *stream_peek(struct stream *s, struct bytes *ret)
{
	size_t got = 1;
	struct error *err = NULL;

	while (!err && got && s->head_end < sizeof(s->head)) {
		got = 0;
		err = read_more(s, s->head + s->head_end,
				sizeof(s->head) - s->head_end, &got);
		s->head_end += got;
	}
	*ret = (struct bytes){ s->head, s->head_end, 0 };
	return err;
}

struct error *stream_read(struct stream *s, void *buf, size_t size,
			  size_t *got_ret)
{
	size_t left = s->head_end - s->head_at;

	if (!left)
		return read_more(s, buf, size, got_ret);
	if (size > left)
		size = left;
	memcpy(buf, s->head + s->head_at, size);
	s->head_at += size;
	*got_ret = size;
	return NULL;
}

uint64_t stream_skip(struct stream *s, uint64_t size)
{
	if (s->head_at < s->head_end || !s->ops->skip)
		return 0;
	return s->ops->skip(s->source, size);
}

struct error *stream_drain(struct stream *s)
{
	uint8_t buf[4096];
	struct error *err;
	size_t got;

	do {
		got = 0;
		err = stream_read(s, buf, sizeof(buf), &got);
	} while (!err && got);
	return err;
}

void stream_destroy(struct stream *s)
{
	if (!s)
		return;
	s->ops->destroy(s->source);
	free(s);
}

struct fd_source {
	int fd;
	int wait;		/* for a first writer, milliseconds */
};

/*
 * Has the end been reached, which a FIFO also has while nobody has opened it
 * for writing? poll() tells that from one that everybody has closed.
 */
static bool is_over(struct fd_source *f)
{
	struct pollfd p = { .fd = f->fd, .events = POLLIN };
	int ready;

	if (f->wait <= 0)
		return true;
	ready = poll(&p, 1, WAIT_STEP);
	f->wait -= WAIT_STEP;
	return ready > 0 && !(p.revents & POLLIN);
}

static struct error *fd_read(void *source, void *buf, size_t size,
			     size_t *got_ret)
{
	struct fd_source *f = source;
	struct pollfd p = { .fd = f->fd, .events = POLLIN };

	for (;;) {
		ssize_t got = read(f->fd, buf, size);

		if (got > 0)
			f->wait = 0;
		if (got > 0 || (!got && is_over(f))) {
			*got_ret = (size_t)got;
			return NULL;
		}
		if (got < 0 && errno == EAGAIN)
			poll(&p, 1, -1);
		else if (got < 0 && errno != EINTR)
			return error_os(errno, "cannot read");
	}
}

/* Not behind the end of a file, where it would not be noticed. */
static uint64_t fd_skip(void *source, uint64_t size)
{
	const struct fd_source *f = source;
	struct stat st;
	off_t at;

	if (fstat(f->fd, &st) || !S_ISREG(st.st_mode))
		return 0;
	at = lseek(f->fd, 0, SEEK_CUR);
	if (at < 0 || at >= st.st_size)
		return 0;
	if (size > (uint64_t)(st.st_size - at))
		size = (uint64_t)(st.st_size - at);
	return lseek(f->fd, (off_t)size, SEEK_CUR) < 0 ? 0 : size;
}

static void fd_destroy(void *source)
{
	struct fd_source *f = source;

	cleanup_close(&f->fd);
	free(f);
}

static const struct stream_ops fd_ops = {
	.read = fd_read,
	.skip = fd_skip,
	.destroy = fd_destroy,
};

struct error *stream_of_fd(int fd, int wait, uint64_t max, struct stream **ret)
{
	struct fd_source *f = malloc(sizeof(*f));

	if (!f) {
		close(fd);
		return &error_no_memory;
	}
	*f = (struct fd_source){ fd, wait };
	*ret = stream_create(&fd_ops, f, max);
	return *ret ? NULL : &error_no_memory;
}
