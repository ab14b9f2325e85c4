/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_pages.c - the pages of a process that are in CRIU's images */
#include "source/criu_pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "source/criu_image.h"
#include "source/sorted.h"

#define PAGE_SIZE UINT64_C(4096)
/* Dumps are made in a few rounds; parents of parents may be a circle. */
#define LEVELS_MAX 128

/* Flags of a run (criu/include/pagemap.h). */
enum run_flags {
	RUN_PARENT = 1 << 0,	/* in the parent */
	RUN_LAZY = 1 << 1,	/* may be left for later */
	RUN_PRESENT = 1 << 2,	/* in pages-N.img */
};

struct page_run {
	uint64_t start;		/* [start, end) */
	uint64_t end;
	uint64_t offset;	/* in pages-N.img, if PRESENT */
	unsigned flags;
};

/* The images of one dump. */
struct level {
	struct page_run *runs;	/* by address, never overlapping */
	size_t count;
	bool wants_parent;
	bool unlisted;		/* there are pages of which no run tells */
	uint64_t pages_size;	/* bytes that pages-N.img should have */
	uint32_t pages_id;
	struct file_slice pages;
};

struct criu_pages {
	struct level *levels;	/* the newest first */
	unsigned count;
};

static int compare_runs(const void *a, const void *b)
{
	const struct page_run *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static struct error *add_run(struct level *l, const CriuPages *pages)
{
	uint64_t count = pages->has_count ? pages->count : pages->count_old;
	uint64_t start = pages->start, size;
	struct page_run run = { .start = start, .offset = l->pages_size };
	struct page_run *runs;

	/* as versions did that wrote no flags */
	run.flags = pages->has_flags ? pages->flags : 0;
	if (pages->in_parent)
		run.flags |= RUN_PARENT;
	else if (!pages->has_flags)
		run.flags = RUN_PRESENT;
	if (!pages->has_start)
		return error_new(ERROR_BAD_INPUT, "pages without an address");
	if (!count)
		return NULL;
	if (start % PAGE_SIZE ||
	    __builtin_mul_overflow(count, PAGE_SIZE, &size) ||
	    __builtin_add_overflow(start, size, &run.end) ||
	    ((run.flags & RUN_PRESENT) &&
	     __builtin_add_overflow(l->pages_size, size, &l->pages_size)))
		return error_new(ERROR_BAD_INPUT, "%" PRIu64 " pages at 0x%"
				 PRIx64, count, start);
	runs = array_grow(l->runs, l->count, sizeof(*runs));
	if (!runs)
		return &error_no_memory;
	l->runs = runs;
	l->runs[l->count++] = run;
	l->wants_parent |= run.flags & RUN_PARENT;
	return NULL;
}

static struct error *sort_runs(struct level *l)
{
	if (l->count)
		qsort(l->runs, l->count, sizeof(*l->runs), compare_runs);
	for (size_t i = 1; i < l->count; i++)
		if (l->runs[i].start < l->runs[i - 1].end)
			return error_new(ERROR_BAD_INPUT, "pages at 0x%" PRIx64
					 " are there twice", l->runs[i].start);
	return NULL;
}

static struct error *read_runs(struct level *l, struct criu_image *image)
{
	ProtobufCMessage *m = NULL;
	struct error *err = criu_image_next(image, &criu_pagemap__descriptor,
					    &m);

	if (err)
		return err;
	if (!m)
		return error_new(ERROR_BAD_INPUT, "%s: the image has no "
				 "record", image->path);
	l->pages_id = ((CriuPagemap *)m)->pages;
	do {
		protobuf_c_message_free_unpacked(m, NULL);
		err = criu_image_next(image, &criu_pages__descriptor, &m);
		if (err || !m)
			break;
		err = add_run(l, (CriuPages *)m);
		if (err)
			err = error_wrap(err, "%s", image->path);
	} while (!err);
	if (m)
		protobuf_c_message_free_unpacked(m, NULL);
	if (err)
		return err;
	err = sort_runs(l);
	return err ? error_wrap(err, "%s", image->path) : NULL;
}

/* Pages that cannot be had are missing, each of them, and all is not lost. */
static struct error *open_pages(const struct image_files *files,
				const char *prefix, struct level *l,
				struct snapshot *s)
{
	CLEANUP_FREE char *path = NULL;
	struct error *err;

	if (asprintf(&path, "%spages-%" PRIu32 ".img", prefix,
		     l->pages_id) < 0) {
		path = NULL;
		return &error_no_memory;
	}
	err = image_files_find(files, path, &l->pages);
	if (err) {
		if (l->pages_size)
			snapshot_note(s, "memory is missing: %s",
				      error_message(err));
		error_free(err);
	} else if (l->pages.size > l->pages_size) {
		l->unlisted = true;
		snapshot_note(s, "memory is missing: of %s %" PRIu64 " of %"
			      PRIu64 " bytes are nobody's", path,
			      l->pages.size - l->pages_size, l->pages.size);
	} else if (l->pages.size < l->pages_size) {
		snapshot_note(s, "memory is missing: %s is truncated, %" PRIu64
			      " of %" PRIu64 " bytes", path, l->pages.size,
			      l->pages_size);
	}
	return NULL;
}

static struct level *add_level(struct criu_pages *p)
{
	struct level *levels = array_grow(p->levels, p->count,
					  sizeof(*levels));

	if (!levels)
		return NULL;
	p->levels = levels;
	levels[p->count] = (struct level){ .pages = FILE_SLICE_NONE };
	return &levels[p->count++];
}

/* ERROR_GONE if that dump does not know the process. */
static struct error *open_level(const struct image_files *files,
				const char *prefix, pid_t pid,
				struct criu_pages *p, struct snapshot *s)
{
	CLEANUP_FREE char *path = NULL;
	struct criu_image image;
	struct error *err;
	struct level *l;

	if (asprintf(&path, "%spagemap-%d.img", prefix, (int)pid) < 0) {
		path = NULL;
		return &error_no_memory;
	}
	err = criu_image_load(files, path, CRIU_PAGEMAP, &image);
	if (err)
		return err;
	l = add_level(p);
	err = l ? read_runs(l, &image) : &error_no_memory;
	criu_image_deinit(&image);
	return err ? err : open_pages(files, prefix, l, s);
}

static struct error *open_levels(const struct image_files *files, pid_t pid,
				 struct criu_pages *p, struct snapshot *s)
{
	struct text prefix = TEXT_INIT;
	struct error *err = NULL;

	do {
		if (p->count == LEVELS_MAX)
			err = error_new(ERROR_BAD_INPUT, "more than %d parents"
					", or they lead in a circle",
					LEVELS_MAX);
		else
			err = open_level(files, text_string(&prefix), pid, p,
					 s);
		text_add(&prefix, "parent/");
		if (!err && text_bad(&prefix))
			err = &error_no_memory;
	} while (!err && p->levels[p->count - 1].wants_parent);
	text_deinit(&prefix);
	if (err && p->count && error_code(err) == ERROR_GONE) {
		snapshot_note(s, "memory is missing: %s", error_message(err));
		error_free(err);
		err = NULL;
	}
	return err;
}

/* The runs of the dump itself are of what was mapped then. */
static void check_mapped(struct level *l, struct snapshot *s)
{
	for (size_t i = 0; i < l->count && s->mappings_count; i++) {
		const struct page_run *run = &l->runs[i];
		const struct mapping *m = NULL;

		for (uint64_t at = run->start; at < run->end; at = m->end) {
			m = snapshot_mapping(s, at);
			if (m)
				continue;
			l->unlisted = true;
			snapshot_note(s, "memory is missing: there are pages "
				      "for 0x%" PRIx64 ", where nothing is "
				      "mapped", at);
			return;
		}
	}
}

struct error *criu_pages_open(const struct image_files *files, pid_t pid,
			      struct snapshot *s, struct criu_pages **ret)
{
	struct criu_pages *p = calloc(1, sizeof(*p));
	struct error *err = p ? open_levels(files, pid, p, s)
			      : &error_no_memory;

	if (err) {
		criu_pages_close(p);
		return err;
	}
	check_mapped(&p->levels[0], s);
	*ret = p;
	return NULL;
}

void criu_pages_close(struct criu_pages *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->count; i++) {
		file_slice_close(&p->levels[i].pages);
		free(p->levels[i].runs);
	}
	free(p->levels);
	free(p);
}

/* The run that holds `addr`, or the next above it, or NULL. */
static const struct page_run *page_run_from(const struct level *l, uint64_t addr)
{
	size_t i = sorted_above(l->runs, l->count, sizeof(*l->runs),
				offsetof(struct page_run, end), addr);

	return i < l->count ? &l->runs[i] : NULL;
}

size_t criu_pages_read(const struct criu_pages *p, uint64_t addr, void *buf,
		       size_t size, enum criu_page *what_ret)
{
	for (unsigned i = 0; i < p->count; i++) {
		const struct level *l = &p->levels[i];
		const struct page_run *run = page_run_from(l, addr);
		size_t got;

		/* what a parent should have but has not is missing */
		*what_ret = i || l->unlisted ? CRIU_PAGE_MISSING
					     : CRIU_PAGE_NONE;
		if (!run)
			return size;
		if (run->start > addr)
			return run->start - addr < size ? run->start - addr
							: size;
		if (size > run->end - addr)
			size = run->end - addr;
		if (run->flags & RUN_PARENT)
			continue;
		*what_ret = CRIU_PAGE_MISSING;
		if (!(run->flags & RUN_PRESENT))
			return size;
		got = file_slice_read(&l->pages,
				      run->offset + (addr - run->start), buf,
				      size);
		if (!got)
			return size;
		*what_ret = CRIU_PAGE_DATA;
		return got;
	}
	*what_ret = CRIU_PAGE_MISSING;
	return size;
}

uint64_t criu_pages_next(const struct criu_pages *p, uint64_t from,
			 uint64_t to, uint64_t *end_ret)
{
	const struct level *l = &p->levels[0];
	const struct page_run *run = page_run_from(l, from);
	uint64_t start, end;

	*end_ret = to;
	if (l->unlisted)
		return from;
	if (!run || run->start >= to)
		return to;
	start = run->start > from ? run->start : from;
	end = run->end;
	while (end < to && ++run < l->runs + l->count && run->start == end)
		end = run->end;
	if (end < to)
		*end_ret = end;
	return start;
}
