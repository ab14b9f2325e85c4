/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unpack.c - compressed streams, by libarchive and zlib */
#include "source/unpack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "source/feed.h"
#include "source/procfs.h"

#define CHUNK (64u << 10)
#define WINDOW_MAX (256u << 20)

/* By libarchive: one kind of compression, around nothing that it looks at. */
struct filtered {
	struct archive *archive;
	enum content content;
	struct rlimit room;	/* of addresses, with a window */
	struct feed feed;
};

/*
 * A header of a few bytes makes liblzma take a window of a GiB, and data fill
 * it; libarchive has no limit for that. xz -9 takes 64 MiB.
 */
static void allow_window(struct filtered *f)
{
	struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	uint64_t room = WINDOW_MAX;
	char text[128];

	if (getrlimit(RLIMIT_AS, &f->room))
		f->room = none;
	if (procfs_read(AT_FDCWD, text, sizeof(text), "/proc/self/statm") <= 0)
		return;
	room += strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
	if (room < f->room.rlim_cur)
		f->room.rlim_cur = room;
}

static void within(const struct rlimit *room, struct rlimit *before_ret)
{
	getrlimit(RLIMIT_AS, before_ret);
	setrlimit(RLIMIT_AS, room);
}

/* gzip is not among them: libarchive skips over its checksum. */
static int support_filter(const struct filtered *f)
{
	const struct archive_library *l = f->feed.library;
	int (*const filters[CONTENTS])(struct archive *a) = {
		[CONTENT_ZSTD] = l->archive_read_support_filter_zstd,
		[CONTENT_XZ] = l->archive_read_support_filter_xz,
		[CONTENT_LZ4] = l->archive_read_support_filter_lz4,
		[CONTENT_BZIP2] = l->archive_read_support_filter_bzip2,
		[CONTENT_LZIP] = l->archive_read_support_filter_lzip,
		[CONTENT_LZMA] = l->archive_read_support_filter_lzma,
	};

	return filters[f->content](f->archive);
}

static struct error *filtered_read(void *source, void *buf, size_t size,
				   size_t *got_ret)
{
	struct filtered *f = source;
	struct rlimit before;
	la_ssize_t got;

	within(&f->room, &before);
	got = f->feed.library->archive_read_data(f->archive, buf, size);
	setrlimit(RLIMIT_AS, &before);
	if (got < 0)
		return feed_error(&f->feed, f->archive,
				  content_names[f->content]);
	*got_ret = (size_t)got;
	return NULL;
}

static void filtered_destroy(void *source)
{
	struct filtered *f = source;

	if (f->archive)
		f->feed.library->archive_read_free(f->archive);
	error_free(f->feed.error);
	stream_destroy(f->feed.stream);
	free(f);
}

static const struct stream_ops filtered_ops = {
	.read = filtered_read,
	.destroy = filtered_destroy,
};

static struct error *filtered_open(struct filtered *f)
{
	const struct archive_library *l;
	struct archive_entry *entry;
	struct error *err = archive_library(&f->feed.library);
	struct rlimit before;
	int code;

	if (err)
		return err;
	l = f->feed.library;
	f->archive = l->archive_read_new();
	if (!f->archive || l->archive_read_support_format_raw(f->archive))
		return &error_no_memory;
	/* anything else than OK means that it would run some program */
	if (support_filter(f) != ARCHIVE_OK)
		return error_new(ERROR_UNSUPPORTED,
				 "compressed with %s, which the libarchive "
				 "here cannot read", content_names[f->content]);
	allow_window(f);
	within(&f->room, &before);
	code = feed_open(&f->feed, f->archive);
	if (!code)
		code = l->archive_read_next_header(f->archive, &entry);
	setrlimit(RLIMIT_AS, &before);
	/* an empty file is called the end of an archive */
	if (code != ARCHIVE_OK && code != ARCHIVE_EOF)
		return feed_error(&f->feed, f->archive,
				  content_names[f->content]);
	if (l->archive_filter_count(f->archive) < 2)
		return error_new(ERROR_BAD_INPUT, "begins like %s data, but is "
				 "none", content_names[f->content]);
	return NULL;
}

static struct error *bad_gzip(const char *why)
{
	return error_new(ERROR_BAD_INPUT, "damaged gzip data: %s",
			 why ? why : "no reason is given");
}

/* By zlib: one or more members of a gzip file. */
struct gunzip {
	struct stream *packed;
	z_stream z;
	bool begun;		/* inflateInit2() was called */
	bool between;		/* one member has ended and no other begun */
	bool ended;
	uint8_t in[CHUNK];
};

static struct error *gunzip_fill(struct gunzip *g)
{
	size_t got = 0;
	struct error *err = stream_read(g->packed, g->in, sizeof(g->in), &got);

	g->z.next_in = g->in;
	g->z.avail_in = (uInt)got;
	return err;
}

/* Is there another member behind the one that ended? */
static struct error *gunzip_next(struct gunzip *g)
{
	struct error *err = g->z.avail_in ? NULL : gunzip_fill(g);

	if (err)
		return err;
	/* what follows may be anything, as on a tape */
	if (!g->z.avail_in || g->z.next_in[0] != 0x1f)
		g->ended = true;
	else if (inflateReset(&g->z) != Z_OK)
		return &error_no_memory;
	g->between = false;
	return NULL;
}

static struct error *gunzip_read(void *source, void *buf, size_t size,
				 size_t *got_ret)
{
	struct gunzip *g = source;
	struct error *err = NULL;

	g->z.next_out = buf;
	g->z.avail_out = (uInt)size;
	while (!err && !g->ended && g->z.avail_out == size) {
		int code;

		if (g->between) {
			err = gunzip_next(g);
			continue;
		}
		if (!g->z.avail_in)
			err = gunzip_fill(g);
		if (err)
			break;
		if (!g->z.avail_in)
			return bad_gzip("truncated");
		code = inflate(&g->z, Z_NO_FLUSH);
		g->between = code == Z_STREAM_END;
		if (code == Z_MEM_ERROR)
			err = &error_no_memory;
		else if (code != Z_OK && code != Z_STREAM_END)
			err = bad_gzip(g->z.msg);
	}
	*got_ret = size - g->z.avail_out;
	return err;
}

static void gunzip_destroy(void *source)
{
	struct gunzip *g = source;

	if (g->begun)
		inflateEnd(&g->z);
	stream_destroy(g->packed);
	free(g);
}

static const struct stream_ops gunzip_ops = {
	.read = gunzip_read,
	.destroy = gunzip_destroy,
};

static struct error *open_gunzip(struct stream *packed, uint64_t max,
				 struct stream **ret)
{
	struct gunzip *g = calloc(1, sizeof(*g));

	if (!g) {
		stream_destroy(packed);
		return &error_no_memory;
	}
	g->packed = packed;
	/* the largest window, and a gzip header */
	g->begun = inflateInit2(&g->z, MAX_WBITS + 16) == Z_OK;
	if (!g->begun) {
		gunzip_destroy(g);
		return &error_no_memory;
	}
	*ret = stream_create(&gunzip_ops, g, max);
	return *ret ? NULL : &error_no_memory;
}

static struct error *open_filtered(struct stream *packed, enum content content,
				   uint64_t max, struct stream **ret)
{
	struct filtered *f = calloc(1, sizeof(*f));
	struct error *err;

	if (!f) {
		stream_destroy(packed);
		return &error_no_memory;
	}
	f->feed.stream = packed;
	f->content = content;
	err = filtered_open(f);
	if (err) {
		filtered_destroy(f);
		return err;
	}
	*ret = stream_create(&filtered_ops, f, max);
	return *ret ? NULL : &error_no_memory;
}

struct error *unpack_open(struct stream *packed, enum content content,
			  uint64_t max, struct stream **ret)
{
	return content == CONTENT_GZIP
		       ? open_gunzip(packed, max, ret)
		       : open_filtered(packed, content, max, ret);
}

const char *unpack_library(void)
{
	const struct archive_library *l;
	struct error *err = archive_library(&l);

	error_free(err);
	return err ? "libarchive, which cannot be loaded"
		   : l->archive_version_string();
}
