/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core.c - an ELF core file as a snapshot */
#include "source/core.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "source/carried.h"
#include "source/coredump.h"
#include "source/mapfiles.h"
#include "source/corenotes.h"

#define EXECFN_MAX 4096

struct core {
	struct coredump dump;
	struct corenotes notes;
	struct mapfiles *files;
	struct core_options options;	/* its strings are the next two */
	char *executable;
	char *sysroot;
};

/*
 * Bytes of a mapping that was left out of the core on purpose. What could be
 * written to is not taken from the file: it may have differed.
 */
static size_t read_file(const struct snapshot *s, uint64_t addr, void *buf,
			size_t size)
{
	const struct core *core = s->source;
	const struct mapping *m = snapshot_mapping(s, addr);
	struct error *err;
	uint64_t off;
	unsigned prot;
	int fd;

	if (!m || !mapping_is_file(m) || m->prot & PROT_WRITE ||
	    __builtin_add_overflow(m->offset, addr - m->start, &off))
		return 0;
	/* What the loader relocates is only made read-only afterwards. */
	if (!(m->prot & PROT_EXEC) &&
	    (!mapfiles_prot(core->files, m->path, addr, &prot) ||
	     prot & PROT_WRITE))
		return 0;
	err = mapfiles_get(core->files, m->path, &fd);
	if (err) {
		error_free(err);
		return 0;
	}
	if (size > m->end - addr)
		size = m->end - addr;
	return elffile_read(fd, off, buf, size);
}

static size_t core_read(const struct snapshot *s, uint64_t addr, void *buf,
			size_t size)
{
	const struct core *core = s->source;
	const struct core_segment *segment =
		coredump_segment(&core->dump, addr);

	/* Bytes that truncation took differed from the file's, if anything. */
	if (segment && addr - segment->start < segment->filesz)
		return coredump_read(&core->dump, addr, buf, size);
	/* An export holds what matters, and is read where no such files are. */
	if (core->notes.carried)
		return 0;
	return read_file(s, addr, buf, size);
}

static uint64_t core_next_data(const struct snapshot *s, uint64_t from,
			       uint64_t to, uint64_t *end_ret)
{
	const struct core *core = s->source;

	return coredump_next_data(&core->dump, from, to, end_ret);
}

static struct error *core_open_file(const struct snapshot *s,
				    const struct mapping *m, int *fd_ret)
{
	const struct core *core = s->source;
	struct error *err;
	int fd;

	if (!mapping_is_file(m) || core->notes.carried)
		return error_new(ERROR_UNSUPPORTED, "no file was mapped");
	err = mapfiles_get(core->files, m->path, &fd);
	if (err)
		return err;
	*fd_ret = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return *fd_ret < 0 ? error_os(errno, "cannot open") : NULL;
}

static void core_close(struct snapshot *s)
{
	struct core *core = s->source;

	if (!core)
		return;
	mapfiles_destroy(core->files);
	corenotes_deinit(&core->notes);
	coredump_deinit(&core->dump);
	free(core->executable);
	free(core->sysroot);
	free(core);
}

static const struct snapshot_ops core_ops = {
	.read = core_read,
	.steady = true,
	.next_data = core_next_data,
	.open_file = core_open_file,
	.close = core_close,
};

static struct error *read_notes(struct core *core, struct snapshot *s,
				const struct core_options *options)
{
	const struct coredump *d = &core->dump;
	/* Segments that lie over each other would be read again and again. */
	uint64_t budget = d->size;
	struct error *err = NULL;

	core->notes = (struct corenotes){
		.fd = d->fd,
		.file_size = d->size,
		.header = &d->header,
		.options = options,
		.snapshot = s,
	};
	for (size_t i = 0; i < d->notes_count && !err; i++) {
		uint64_t off = d->notes[i].off;
		uint64_t size = d->notes[i].size;

		uint64_t left = off < d->size ? d->size - off : 0;

		if (left > size)
			left = size;
		if (left > budget) {
			core->notes.threads_lost = true;
			break;
		}
		budget -= left;
		err = corenotes_read(&core->notes, off, size);
	}
	return err ? err : corenotes_finish(&core->notes);
}

static struct error *add_mapping(struct snapshot *s, uint64_t start,
				 uint64_t end, unsigned prot,
				 const struct mapped_range *r)
{
	struct mapping *m = snapshot_add_mapping(s);

	if (!m)
		return &error_no_memory;
	m->start = start;
	m->end = end;
	m->prot = mapping_prot(prot);
	if (r) {
		m->offset = r->offset + (start - r->start);
		m->path = strdup(r->path);
	} else if (s->vdso >= start && s->vdso < end) {
		m->path = strdup("[vdso]");
	} else {
		return NULL;
	}
	return m->path ? NULL : &error_no_memory;
}

/* A mapping per segment, with what NT_FILE says of it. */
static struct error *add_mappings(struct core *core, struct snapshot *s)
{
	struct corenotes *n = &core->notes;
	struct error *err = NULL;
	size_t k = 0;

	for (size_t i = 0; i < core->dump.segments_count && !err; i++) {
		const struct core_segment *g = &core->dump.segments[i];
		struct mapped_range *r = NULL;

		while (k < n->ranges_count && n->ranges[k].end <= g->start)
			k++;
		if (k < n->ranges_count && n->ranges[k].start <= g->start &&
		    g->end <= n->ranges[k].end)
			r = &n->ranges[k];
		/* gdb tells memory that nobody can read as if one could */
		if (!r && !n->by_kernel && g->prot == PROT_READ)
			continue;
		if (r)
			r->prot |= g->prot;
		err = add_mapping(s, g->start, g->end, g->prot, r);
	}
	return err;
}

/*
 * A part of a file that was mapped but has no segment: gdb leaves those out
 * that had not been modified. Only the file knows their protection.
 */
static struct error *add_gap(struct core *core, struct snapshot *s,
			     const struct mapped_range *r, uint64_t start,
			     uint64_t end)
{
	const struct mapping probe = { .path = (char *)r->path };
	unsigned prot;

	s->mappings_partial = true;
	if (!mapping_is_file(&probe) ||
	    !mapfiles_prot(core->files, r->path, start, &prot))
		return NULL;
	return add_mapping(s, start, end, prot, r);
}

static struct error *add_gaps(struct core *core, struct snapshot *s)
{
	const struct coredump *d = &core->dump;
	size_t i = 0;
	struct error *err = NULL;

	for (size_t k = 0; k < core->notes.ranges_count && !err; k++) {
		const struct mapped_range *r = &core->notes.ranges[k];
		uint64_t at = r->start;

		while (i < d->segments_count && d->segments[i].end <= at)
			i++;
		for (size_t g = i; at < r->end && !err; g++) {
			bool last = g == d->segments_count ||
				    d->segments[g].start >= r->end;
			uint64_t next = last ? r->end : d->segments[g].start;

			if (at < next)
				err = add_gap(core, s, r, at, next);
			at = last ? r->end : d->segments[g].end;
		}
	}
	return err;
}

/* The path of the file mapped at `addr`, or NULL. */
static const char *path_at(const struct core *core, uint64_t addr)
{
	for (size_t i = 0; addr && i < core->notes.ranges_count; i++) {
		const struct mapped_range *r = &core->notes.ranges[i];

		if (addr >= r->start && addr < r->end)
			return r->path;
	}
	return NULL;
}

static struct error *find_executable(struct core *core, struct snapshot *s,
				     const char *mapped)
{
	char execfn[EXECFN_MAX];
	const char *name = core->options.executable;
	enum run_end end;

	if (!name)
		name = mapped;
	if (!name && core->notes.execfn) {
		size_t got = snapshot_read(s, core->notes.execfn, execfn,
					   sizeof(execfn), &end);

		if (memchr(execfn, '\0', got) && execfn[0])
			name = execfn;
	}
	if (name)
		s->executable = strdup(name);
	return name && !s->executable ? &error_no_memory : NULL;
}

static void note_damage(const struct coredump *d, struct snapshot *s)
{
	if (d->wanted_size > d->size)
		snapshot_note(s, "the core is truncated: %" PRIu64 " of %"
			      PRIu64 " bytes", d->size, d->wanted_size);
	if (d->damaged)
		snapshot_note(s, "%zu segment%s of the core damaged: "
			      "overlapping or out of range", d->damaged,
			      text_plural(d->damaged));
}

/* As an ordinary core an export would lack nearly everything. */
static struct error *check_carried(const struct core *core,
				   const struct snapshot *s)
{
	if (!core->notes.carried == !s->carried_frames)
		return NULL;
	return error_new(ERROR_BAD_INPUT, "a part of the export is missing");
}

/* What was exported, unless that says that there were more threads. */
static struct error *take_carried(struct core *core, struct snapshot *s)
{
	const struct corenotes *n = &core->notes;
	uint64_t threads;
	struct thread *t;
	struct error *err = carried_read(s, n->carried, strlen(n->carried),
					 &threads);

	/* each that was asked for is looked for anyway */
	if (err || threads == n->threads_seen || n->threads_lost ||
	    n->options->tids_count)
		return err;
	t = snapshot_add_thread(s, 0);
	if (t)
		t->problem = error_new(ERROR_BAD_INPUT,
				       "the export has lost threads");
	return t && t->problem ? NULL : &error_no_memory;
}

static struct error *read_core(struct core *core, struct snapshot *s,
			       const struct core_options *options)
{
	struct error *err = read_notes(core, s, options);

	note_damage(&core->dump, s);
	if (!err)
		err = check_carried(core, s);
	if (!err)
		err = add_mappings(core, s);
	if (err)
		return err;
	s->mappings_partial = core->dump.damaged || !core->notes.by_kernel;

	const char *mapped = path_at(core, core->notes.entry);

	if (!mapped)
		mapped = path_at(core, core->notes.phdr);

	struct mapfiles_setup setup = {
		.what = "the core",
		.sysroot = core->options.sysroot,
		.replacement = core->options.executable,
		.executable = mapped,
		.ranges = core->notes.ranges,
		.ranges_count = core->notes.ranges_count,
		.memory = coredump_image(&core->dump),
		.snapshot = s,
	};

	err = mapfiles_create(&setup, &core->files);
	if (!err && !core->notes.carried)
		err = add_gaps(core, s);
	if (err)
		return err;
	if (core->options.executable && !mapped)
		snapshot_note(s, "the core does not say which of its files "
			      "was the executable");
	if (core->notes.carried)
		err = take_carried(core, s);
	snapshot_finish(s);
	/* what it was has been carried along */
	return err || s->executable ? err
				    : find_executable(core, s, mapped);
}

/* Copies: the caller's options need not stay. */
static bool copy_options(struct core *core, const struct core_options *o)
{
	if (o->executable)
		core->executable = strdup(o->executable);
	if (o->sysroot)
		core->sysroot = strdup(o->sysroot);
	core->options.executable = core->executable;
	core->options.sysroot = core->sysroot;
	return (!o->executable || core->executable) &&
	       (!o->sysroot || core->sysroot);
}

struct error *core_open_fd(int fd, const char *name,
			   const struct core_options *options,
			   struct snapshot **ret)
{
	struct snapshot *s = snapshot_create(SOURCE_CORE);
	struct core *core = calloc(1, sizeof(*core));
	struct error *err = &error_no_memory;

	if (!s || !core) {
		free(core);
		snapshot_destroy(s);
		close(fd);
		return err;
	}
	core->dump.fd = fd;
	s->source = core;
	s->ops = &core_ops;
	s->name = strdup(name);
	if (s->name && copy_options(core, options))
		err = coredump_open(&core->dump);
	s->word = core->dump.header.word;
	s->machine = core->dump.header.machine;
	if (!err)
		err = read_core(core, s, options);
	if (err) {
		snapshot_destroy(s);
		return error_wrap(err, "%s", name);
	}
	*ret = s;
	return NULL;
}

struct error *core_open(const char *path, const struct core_options *options,
			struct snapshot **ret)
{
	int fd;
	struct error *err = elffile_open(NULL, path, &fd);

	return err ? error_wrap(err, "%s", path)
		   : core_open_fd(fd, path, options, ret);
}
