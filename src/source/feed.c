/* SPDX-License-Identifier: GPL-3.0-or-later */
/* feed.c - a stream as libarchive wants to be given one */
#include "source/feed.h"

#include <errno.h>

#include "base/cleanup.h"

static la_ssize_t feed_read(struct archive *a, void *arg, const void **ret)
{
	struct feed *f = arg;
	size_t got = 0;

	/* it may ask again after a failure */
	if (!f->error)
		f->error = stream_read(f->stream, f->buf, sizeof(f->buf), &got);
	if (f->error) {
		f->library->archive_set_error(a, EIO, "not readable");
		return ARCHIVE_FATAL;
	}
	*ret = f->buf;
	return (la_ssize_t)got;
}

static la_int64_t feed_skip(struct archive *a, void *arg, la_int64_t size)
{
	struct feed *f = arg;

	(void)a;
	return size > 0 ? (la_int64_t)stream_skip(f->stream, (uint64_t)size)
			: 0;
}

int feed_open(struct feed *f, struct archive *a)
{
	return f->library->archive_read_open2(a, f, NULL, feed_read, feed_skip,
					      NULL);
}

struct error *feed_error(struct feed *f, struct archive *a, const char *what)
{
	const char *why = f->library->archive_error_string(a);

	if (f->error)
		return TAKE_PTR(f->error);
	return error_new(ERROR_BAD_INPUT, "damaged %s data: %s", what,
			 why ? why : "no reason is given");
}
