/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_process.c - one process in CRIU's images as a snapshot */
#include "source/criu_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "source/criu_memory.h"
#include "source/criu_pages.h"
#include "source/criu_task.h"

#define PAGE_SIZE UINT64_C(4096)
/* Frames are that large only where the machine has AMX. */
#define AMX_MINSIGSTKSZ 8192
#define AMX (XSTATE_BIT(XSTATE_XTILECFG) | XSTATE_BIT(XSTATE_XTILEDATA))
#define MPX (XSTATE_BIT(XSTATE_BNDREGS) | XSTATE_BIT(XSTATE_BNDCSR))

struct source {
	struct criu_pages *pages;
	struct criu_memory memory;
	struct mapfiles *files;
};

/* Nothing behind a file's last page can be read; within it there are zeros. */
static size_t read_file(const struct source *src, const struct mapping *m,
			uint64_t addr, uint8_t *buf, size_t size)
{
	uint64_t off = m->offset + (addr - m->start), end;
	struct stat st;
	struct error *err;
	size_t got;
	int fd;

	err = mapfiles_get(src->files, m->path, &fd);
	if (err || fstat(fd, &st)) {
		error_free(err);
		return 0;
	}
	end = ((uint64_t)st.st_size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	if (off >= end)
		return 0;
	if (size > end - off)
		size = end - off;
	got = elffile_read(fd, off, buf, size);
	if (got < size && off + got < (uint64_t)st.st_size)
		return got;
	memset(buf + got, 0, size - got);
	return size;
}

static size_t source_read(const struct snapshot *s, uint64_t addr, void *buf,
			  size_t size)
{
	const struct source *src = s->source;
	const struct mapping *m = snapshot_mapping(s, addr);
	enum criu_page what;

	if (!m || !src->pages)
		return 0;
	if (size > m->end - addr)
		size = m->end - addr;
	size = criu_pages_read(src->pages, addr, buf, size, &what);
	if (what == CRIU_PAGE_DATA)
		return size;
	if (what == CRIU_PAGE_MISSING)
		return 0;
	switch (src->memory.backing[m - s->mappings]) {
	case CRIU_BACKING_ZERO:
		memset(buf, 0, size);
		return size;
	case CRIU_BACKING_FILE:
		return read_file(src, m, addr, buf, size);
	case CRIU_BACKING_UNKNOWN:
		break;
	}
	return 0;
}

static uint64_t source_next_data(const struct snapshot *s, uint64_t from,
				 uint64_t to, uint64_t *end_ret)
{
	const struct source *src = s->source;
	const struct mapping *m = snapshot_mapping(s, from);

	*end_ret = to;
	if (!src->pages)
		return to;
	/* what is in no image and in no file is not known to be zero */
	if (m && src->memory.backing[m - s->mappings] == CRIU_BACKING_UNKNOWN)
		return from;
	return criu_pages_next(src->pages, from, to, end_ret);
}

static struct error *source_open_file(const struct snapshot *s,
				      const struct mapping *m, int *fd_ret)
{
	const struct source *src = s->source;
	struct error *err;
	int fd;

	if (!mapping_is_file(m) || !src->files)
		return error_new(ERROR_UNSUPPORTED, "no file was mapped");
	err = mapfiles_get(src->files, m->path, &fd);
	if (err)
		return err;
	*fd_ret = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return *fd_ret < 0 ? error_os(errno, "cannot open") : NULL;
}

static void source_close(struct snapshot *s)
{
	struct source *src = s->source;

	if (!src)
		return;
	mapfiles_destroy(src->files);
	criu_memory_deinit(&src->memory);
	criu_pages_close(src->pages);
	free(src);
}

static const struct snapshot_ops source_ops = {
	.read = source_read,
	.next_data = source_next_data,
	.open_file = source_open_file,
	.close = source_close,
};

/* What was dumped, as elffile.h wants it. */
static bool read_dumped(const void *arg, uint64_t at, void *buf, size_t size)
{
	uint8_t *out = buf;
	enum criu_page what;

	for (size_t done = 0; done < size;) {
		if (at > UINT64_MAX - size)
			return false;

		size_t got = criu_pages_read(arg, at + done, out + done,
					     size - done, &what);

		if (what != CRIU_PAGE_DATA)
			return false;
		done += got;
	}
	return true;
}

static bool is_wanted(const struct criu_process *p, pid_t tid)
{
	return snapshot_wants(p->options->tids, p->options->tids_count, tid);
}

/*
 * CRIU does not write the mask down, but saves what the CPU had. A thread of
 * which there is nothing, while there is of others, has lost it, and with it
 * what would say that it was in use.
 */
static void infer_xfeatures(struct snapshot *s)
{
	uint64_t all = 0;

	for (size_t i = 0; i < s->threads_count; i++)
		all |= s->threads[i].components;
	for (size_t i = 0; i < s->threads_count; i++)
		if (all & ~XSTATE_LEGACY &&
		    !(s->threads[i].components & ~XSTATE_LEGACY))
			s->threads[i].has &= ~(unsigned)THREAD_HAS_COMPONENTS;
	/* CPUs go on having MPX; Linux, which tells that size since 5.14, not */
	s->xfeatures = s->minsigstksz ? all & ~MPX : all;
	/* it does not know of AMX */
	if (s->xfeatures && s->minsigstksz > AMX_MINSIGSTKSZ)
		s->xfeatures |= AMX;
}

static struct error *add_threads(const struct criu_process *p,
				 const struct criu_task *task,
				 struct snapshot *s)
{
	struct error *err = NULL;

	for (size_t i = 0; i < p->threads_count && !err; i++)
		if (!is_wanted(p, p->threads[i]))
			s->threads_chosen = true;
		else if (p->threads[i] != p->pid)
			err = criu_task_add(p->images, p->threads[i], task, s);
	return err;
}

static struct error *fill_memory(const struct criu_process *p,
				 struct snapshot *s)
{
	struct source *src = s->source;
	struct error *err = criu_memory_read(p->images, p->pid, p->files, s,
					     &src->memory);

	if (!err)
		err = criu_pages_open(p->images, p->pid, s, &src->pages);
	if (err)
		return err;

	const struct mapfiles_setup setup = {
		.what = "the checkpoint",
		.sysroot = p->options->sysroot,
		.replacement = p->options->executable,
		.executable = s->executable,
		.ranges = src->memory.ranges,
		.ranges_count = src->memory.ranges_count,
		.memory = { .read = read_dumped, .arg = src->pages },
		.snapshot = s,
	};

	return mapfiles_create(&setup, &src->files);
}

struct error *criu_process_fill(const struct criu_process *p,
				struct snapshot *s)
{
	struct criu_task task;
	struct error *err;

	s->source = calloc(1, sizeof(struct source));
	if (!s->source)
		return &error_no_memory;
	s->ops = &source_ops;
	s->pid = p->pid;
	err = criu_task_read(p->images, p->pid, is_wanted(p, p->pid),
			     s, &task);
	if (err)
		return err;
	if (task.dead) {
		snapshot_note(s, "the process has exited and is only waited "
			      "for: it has no memory");
		return NULL;
	}
	if (!p->threads_count)
		return error_new(ERROR_BAD_INPUT, "it is not among the threads "
				 "that pstree.img has of it");
	err = fill_memory(p, s);
	if (!err)
		err = add_threads(p, &task, s);
	infer_xfeatures(s);
	snapshot_finish(s);
	return err;
}
