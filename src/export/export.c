/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export.c - frames as a small core that can be carried elsewhere */
#include "export/export.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "export/elfcore.h"
#include "export/pieces.h"
#include "locate/carried_frames.h"
#include "source/carried.h"
#include "source/elfnames.h"

static void add_text(struct elfcore *e, enum carried_type type,
		     const struct text *t)
{
	/* nobody would read it */
	e->bad |= text_bad(t) || t->size > CARRIED_MAX;
	elfcore_add_note(e, CARRIED_NOTE_NAME, type, text_string(t), t->size);
}

/* What a core's reader keeps of it is only the start. */
static void add_xstate(struct elfcore *e, const struct thread *t)
{
	struct bytes b = { t->xstate, t->xstate_size, 0 };
	bool whole = t->xstate_size > XSTATE_MIN_SIZE;

	if (!(t->has & THREAD_HAS_XSTATE))
		return;
	if (e->word == 8 && bytes_has(b, 0, XSTATE_FX_SIZE))
		elfcore_add_note(e, "CORE", NT_PRFPREG, b.data,
				 XSTATE_FX_SIZE);
	elfcore_add_note(e, whole ? "LINUX" : CARRIED_NOTE_NAME,
			 whole ? NT_X86_XSTATE : CARRIED_XSTATE, b.data,
			 b.size);
}

static void add_threads(struct elfcore *e, const struct snapshot *s)
{
	const uint64_t auxv[][2] = {
		{ AT_SYSINFO_EHDR, s->vdso },
		{ AT_MINSIGSTKSZ, s->minsigstksz },
	};

	for (size_t i = 0; i < s->threads_count; i++) {
		const struct thread *t = &s->threads[i];

		elfcore_add_status(e, t);
		if (!i) {
			elfcore_add_process(e, s->pid, s->command);
			elfcore_add_auxv(e, auxv, ARRAY_SIZE(auxv));
			elfcore_add_files(e, s);
		}
		/* ptrace tells of it in the form of 64-bit programs */
		if (t->has & THREAD_HAS_SIGINFO &&
		    !(e->word == 4 && s->kind == SOURCE_PROCESS))
			elfcore_add_note(e, "CORE", NT_SIGINFO, t->siginfo,
					 t->siginfo_size);
		add_xstate(e, t);
	}
}

static void add_carried(struct elfcore *e, const struct snapshot *s,
			const struct located *l, const char *cpu)
{
	struct text t = TEXT_INIT;

	if (cpu)
		elfcore_add_note(e, CARRIED_NOTE_NAME, CARRIED_CPU, cpu,
				 strlen(cpu));
	carried_write(s, &t);
	add_text(e, CARRIED_PROCESS, &t);
	text_clear(&t);
	carried_frames_write(l, &t);
	add_text(e, CARRIED_FRAMES, &t);
	text_deinit(&t);
}

static struct error *build(const struct snapshot *s, const struct located *l,
			   const char *cpu, struct text *t)
{
	struct pieces p = { 0 };
	struct error *err = pieces_gather(s, l, &p);
	struct elfcore e;

	if (err)
		return err;
	elfcore_init(&e, s->word, s->machine);
	add_threads(&e, s);
	if (s->layout.features & ~XSTATE_LEGACY)
		elfcore_add_layout(&e, &s->layout);
	add_carried(&e, s, l, cpu);
	for (size_t i = 0; i < p.count; i++)
		elfcore_add_piece(&e,
				  (struct bytes){ p.list[i].data,
						  p.list[i].size,
						  p.list[i].start },
				  p.list[i].prot);
	err = elfcore_build(&e, t);
	elfcore_deinit(&e);
	pieces_deinit(&p);
	return err;
}

static struct error *write_all(int fd, const struct text *t)
{
	const char *data = text_string(t);

	for (size_t done = 0; done < t->size;) {
		ssize_t got = write(fd, data + done, t->size - done);

		if (got < 0 && errno != EINTR)
			return error_os(errno, "cannot write");
		if (got > 0)
			done += (size_t)got;
	}
	return NULL;
}

/* A name of its own first, so that nobody finds half a file. */
static struct error *write_file(const char *path, const struct text *t)
{
	CLEANUP_FREE char *temporary = NULL;
	CLEANUP_FD int fd = -1;
	struct error *err;
	struct stat there;

	/* rename() would put the file in the place of a device, pipe or link */
	if (!lstat(path, &there) && !S_ISREG(there.st_mode))
		return error_new(ERROR_BAD_INPUT,
				 "is there and is not a regular file");
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return &error_no_memory;
	}
	fd = mkstemp(temporary);
	if (fd < 0)
		return error_os(errno, "cannot create");
	err = write_all(fd, t);
	if (!err && fsync(fd) && errno != EINVAL)
		err = error_os(errno, "cannot write");
	if (!err && rename(temporary, path))
		err = error_os(errno, "cannot create");
	if (err)
		unlink(temporary);
	return err;
}

struct error *export_write(const char *path, const struct snapshot *s,
			   const struct located *l, const char *cpu)
{
	struct text t = TEXT_INIT;
	struct error *err = build(s, l, cpu, &t);

	if (!err)
		err = write_file(path, &t);
	text_deinit(&t);
	return err ? error_wrap(err, "%s", path) : NULL;
}
