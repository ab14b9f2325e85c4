/* SPDX-License-Identifier: GPL-3.0-or-later */
/* snapshot.c - a process as it was at one moment, wherever it came from */
#include "source/snapshot.h"

#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "source/pagecache.h"

const char *const source_kind_names[SOURCE_KINDS] = {
	[SOURCE_PROCESS] = "process",
	[SOURCE_CORE] = "core",
	[SOURCE_CRIU] = "criu",
	[SOURCE_ARCHIVE] = "archive",
};

unsigned mapping_prot(unsigned asked)
{
	return (asked & (PROT_READ | PROT_WRITE | PROT_EXEC)) |
	       (asked & PROT_WRITE ? PROT_READ : 0);
}

bool mapping_is_file(const struct mapping *m)
{
	static const char deleted[] = " (deleted)";

	if (!m->path || m->path[0] != '/')
		return false;

	size_t length = strlen(m->path);
	size_t suffix = sizeof(deleted) - 1;

	return length < suffix ||
	       strcmp(m->path + length - suffix, deleted) != 0;
}

bool snapshot_wants(const pid_t *tids, size_t count, pid_t tid)
{
	for (size_t i = 0; i < count; i++)
		if (tids[i] == tid)
			return true;
	return !count;
}

struct snapshot *snapshot_create(enum source_kind kind)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s) {
		s->hints = calloc(1, sizeof(*s->hints));
		s->kind = kind;
		s->word = 8;
		s->machine = EM_X86_64;
	}
	return s;
}

void snapshot_close(struct snapshot *s)
{
	if (s->ops && s->ops->close)
		s->ops->close(s);
	s->ops = NULL;
	s->source = NULL;
}

void snapshot_destroy(struct snapshot *s)
{
	if (!s)
		return;
	snapshot_close(s);
	for (size_t i = 0; i < s->threads_count; i++) {
		free(s->threads[i].xstate);
		error_free(s->threads[i].problem);
	}
	for (size_t i = 0; i < s->mappings_count; i++)
		free(s->mappings[i].path);
	for (size_t i = 0; i < s->captures_count; i++)
		free(s->captures[i].data);
	for (size_t i = 0; i < s->notes_count; i++)
		free(s->notes[i]);
	free(s->threads);
	free(s->mappings);
	free(s->captures);
	free(s->notes);
	if (s->hints)
		pagecache_destroy(s->hints->pages);
	free(s->hints);
	free(s->name);
	free(s->executable);
	free(s->kernel);
	free(s->cpuinfo);
	free(s->exported_from);
	free(s->carried_cpu);
	free(s->carried_frames);
	free(s);
}

struct thread *snapshot_add_thread(struct snapshot *s, pid_t tid)
{
	struct thread *threads = array_grow(s->threads, s->threads_count,
				      sizeof(*threads));

	if (!threads)
		return NULL;
	s->threads = threads;
	threads[s->threads_count] = (struct thread){
		.tid = tid,
		.orig_rax = -1,
		.syscall = -1,
	};
	return &threads[s->threads_count++];
}

struct mapping *snapshot_add_mapping(struct snapshot *s)
{
	struct mapping *mappings = array_grow(s->mappings, s->mappings_count,
					sizeof(*mappings));

	if (!mappings)
		return NULL;
	s->mappings = mappings;
	mappings[s->mappings_count] = (struct mapping){ 0 };
	return &mappings[s->mappings_count++];
}

struct error *snapshot_add_capture(struct snapshot *s, uint64_t start,
				   uint8_t *data, size_t size)
{
	struct capture *captures = array_grow(s->captures, s->captures_count,
					sizeof(*captures));

	if (!captures) {
		free(data);
		return &error_no_memory;
	}
	s->captures = captures;
	captures[s->captures_count++] = (struct capture){
		.start = start, .size = size, .data = data };
	return NULL;
}

void snapshot_note(struct snapshot *s, const char *fmt, ...)
{
	char **notes = array_grow(s->notes, s->notes_count, sizeof(*notes));
	va_list args;

	if (!notes)
		return;
	s->notes = notes;
	va_start(args, fmt);
	if (vasprintf(&notes[s->notes_count], fmt, args) >= 0)
		s->notes_count++;
	va_end(args);
}

static int compare_mappings(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static int compare_captures(const void *a, const void *b)
{
	const struct capture *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

void snapshot_finish(struct snapshot *s)
{
	if (s->mappings_count)
		qsort(s->mappings, s->mappings_count, sizeof(*s->mappings),
		      compare_mappings);
	if (s->captures_count)
		qsort(s->captures, s->captures_count, sizeof(*s->captures),
		      compare_captures);
}

const struct mapping *snapshot_mapping(const struct snapshot *s, uint64_t addr)
{
	size_t low = 0, high = s->mappings_count;

	if (s->hints && s->hints->mapping < high) {
		const struct mapping *m = &s->mappings[s->hints->mapping];

		if (addr >= m->start && addr < m->end)
			return m;
	}

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->mappings[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == s->mappings_count || s->mappings[low].start > addr)
		return NULL;
	if (s->hints)
		s->hints->mapping = low;
	return &s->mappings[low];
}

/* The first capture that ends behind `addr`, or NULL. */
static const struct capture *capture_from(const struct snapshot *s,
					  uint64_t addr)
{
	size_t low = 0, high = s->captures_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct capture *c = &s->captures[middle];

		if (c->start + c->size <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == s->captures_count)
		return NULL;
	if (s->hints)
		s->hints->capture = low;
	return &s->captures[low];
}

/* The capture that has been read from last, if it holds all of the bytes. */
static const struct capture *capture_again(const struct snapshot *s,
					   uint64_t addr, size_t size)
{
	const struct capture *c;

	if (!s->hints || s->hints->capture >= s->captures_count)
		return NULL;
	c = &s->captures[s->hints->capture];
	return addr >= c->start && addr - c->start < c->size &&
			       c->size - (addr - c->start) >= size
		       ? c
		       : NULL;
}

/* How many of `size` bytes the process itself can read from `addr` on. */
static size_t readable_size(const struct snapshot *s, uint64_t addr,
			    size_t size)
{
	size_t done = 0;

	while (done < size) {
		const struct mapping *m = snapshot_mapping(s, addr + done);

		if (!m || !(m->prot & PROT_READ))
			break;
		if (m->end - (addr + done) >= size - done)
			return size;
		done += m->end - (addr + done);
	}
	return done;
}

static size_t source_read(const struct snapshot *s, uint64_t addr, void *buf,
			  size_t size, bool keep)
{
	if (!s->ops->steady || !s->hints || !keep)
		return s->ops->read(s, addr, buf, size);
	if (!s->hints->pages)
		s->hints->pages = pagecache_create();
	return s->hints->pages
		       ? pagecache_read(s->hints->pages, s, addr, buf, size)
		       : s->ops->read(s, addr, buf, size);
}

static size_t read_all(const struct snapshot *s, uint64_t addr, void *buf,
		       size_t size, bool keep, enum run_end *end_ret)
{
	uint8_t *out = buf;
	size_t done = 0;
	size_t limit = size;
	const struct capture *again = capture_again(s, addr, size);

	*end_ret = RUN_END_UNKNOWN;
	/* only what can be read has been captured, or kept */
	if (again) {
		memcpy(buf, again->data + (addr - again->start), size);
		return size;
	}
	if (!s->captures_count && s->hints && s->hints->pages &&
	    pagecache_again(s->hints->pages, addr, buf, size))
		return size;
	if (s->mappings_count) {
		limit = readable_size(s, addr, size);
		if (limit < size &&
		    snapshot_mapped(s, addr + limit, PROT_READ) == TRI_NO)
			*end_ret = RUN_END_UNREADABLE;
	}
	while (done < limit) {
		uint64_t at = addr + done;
		const struct capture *c = capture_from(s, at);
		size_t want = limit - done;
		size_t got = 0;

		if (c && c->start <= at) {
			size_t skip = at - c->start;

			got = c->size - skip < want ? c->size - skip : want;
			memcpy(out + done, c->data + skip, got);
		} else if (s->ops && s->ops->read) {
			if (c && c->start - at < want)
				want = c->start - at;
			got = source_read(s, at, out + done, want, keep);
		}
		if (!got) {
			*end_ret = RUN_END_UNKNOWN;
			break;
		}
		done += got;
	}
	return done;
}

size_t snapshot_read(const struct snapshot *s, uint64_t addr, void *buf,
		     size_t size, enum run_end *end_ret)
{
	return read_all(s, addr, buf, size, true, end_ret);
}

size_t snapshot_read_once(const struct snapshot *s, uint64_t addr, void *buf,
			  size_t size)
{
	enum run_end end;

	return read_all(s, addr, buf, size, false, &end);
}

bool snapshot_word(const struct snapshot *s, uint64_t addr, unsigned width,
		   uint64_t *ret)
{
	uint8_t raw[8];
	enum run_end end;

	return width <= sizeof(raw) && addr <= UINT64_MAX - sizeof(raw) &&
	       snapshot_read(s, addr, raw, width, &end) == width &&
	       bytes_word((struct bytes){ raw, width, addr }, 0, width, ret);
}

enum tri snapshot_mapped(const struct snapshot *s, uint64_t addr,
			 unsigned prot)
{
	if (!s->mappings_count)
		return TRI_UNKNOWN;

	const struct mapping *m = snapshot_mapping(s, addr);

	if (!m && s->mappings_partial)
		return TRI_UNKNOWN;
	return tri_of(m && (m->prot & prot) == prot);
}

uint64_t snapshot_next_data(const struct snapshot *s, uint64_t from,
			    uint64_t to, uint64_t *end_ret)
{
	if (s->ops && s->ops->next_data)
		return s->ops->next_data(s, from, to, end_ret);
	*end_ret = to;
	return from;
}

bool snapshot_stood(const struct snapshot *s, size_t thread)
{
	return !s->ops || !s->ops->stood || s->ops->stood(s, thread);
}

struct error *snapshot_open_file(const struct snapshot *s,
				 const struct mapping *m, int *fd_ret)
{
	if (!s->ops || !s->ops->open_file)
		return error_new(ERROR_UNSUPPORTED, "no files to open");
	return s->ops->open_file(s, m, fd_ret);
}

bool snapshot_siginfo(const struct snapshot *s, const struct thread *t,
		      struct siginfo *ret)
{
	bool compat = s->kind == SOURCE_CORE && s->word == 4;

	return t->has & THREAD_HAS_SIGINFO &&
	       siginfo_decode((struct bytes){ t->siginfo, t->siginfo_size, 0 },
			      compat, ret);
}

enum tri snapshot_shadow_stack(const struct snapshot *s)
{
	enum tri first = s->threads_count ? s->threads[0].shadow_stack
					  : TRI_UNKNOWN;

	for (size_t i = 1; i < s->threads_count; i++)
		if (s->threads[i].shadow_stack != first)
			return TRI_UNKNOWN;
	return first;
}
