/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export.c - frames as a small core that can be carried elsewhere */
#include "export/export.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
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

static struct error *fill(int fd, const struct text *t)
{
	struct error *err = write_all(fd, t);

	if (!err && fsync(fd) && errno != EINVAL)
		err = error_os(errno, "cannot write");
	return err;
}

/*
 * Where there is no file yet, the new one gets its name when it is complete.
 * *done_ret stays false if that is not possible here.
 */
static struct error *write_nameless(const char *path, const struct text *t,
				    bool *done_ret)
{
	CLEANUP_FREE char *place = strdup(path);
	CLEANUP_FD int fd = -1;
	char name[32];
	struct error *err;

	if (!place)
		return &error_no_memory;
	fd = open(dirname(place), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	err = fill(fd, t);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	*done_ret = err || !linkat(AT_FDCWD, name, AT_FDCWD, path,
				   AT_SYMLINK_FOLLOW);
	return err;
}

/* A name of its own first, so that nobody finds half a file. */
static struct error *write_named(const char *path, const struct text *t)
{
	CLEANUP_FREE char *temporary = NULL;
	CLEANUP_FD int fd = -1;
	struct error *err;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return &error_no_memory;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return error_os(errno, "cannot create");
	err = fill(fd, t);
	if (!err && rename(temporary, path))
		err = error_os(errno, "cannot create");
	if (err)
		unlink(temporary);
	return err;
}

static struct error *write_file(const char *path, const struct text *t)
{
	bool done = false;
	sigset_t all, before;
	struct error *err = NULL;
	struct stat there;
	bool exists = !lstat(path, &there);

	/* rename() would put the file in the place of a device, pipe or link */
	if (exists && !S_ISREG(there.st_mode))
		return error_new(ERROR_BAD_INPUT,
				 "is there and is not a regular file");
	/* a signal that ends us must not leave a temporary name behind */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	if (!exists)
		err = write_nameless(path, t, &done);
	if (!err && !done)
		err = write_named(path, t);
	sigprocmask(SIG_SETMASK, &before, NULL);
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
