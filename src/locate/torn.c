/* SPDX-License-Identifier: GPL-3.0-or-later */
/* torn.c - frames that somebody writes to while they are read */
#include "locate/torn.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Who goes to and fro between two states is seen in each with one half. */
enum { LOOKS = 32 };

/* What is clear or spared stood still for the look, whatever its state was. */
static bool anyone_runs(const struct snapshot *s)
{
	for (size_t i = 0; i < s->threads_count; i++) {
		const struct thread *t = &s->threads[i];

		if (t->state == 'R' && !t->stopped && !t->clear && !t->spared)
			return true;
	}
	return false;
}

/* Does the process still have, and all the time, the bytes that were found? */
static const char *compare(const struct snapshot *s, struct bytes was)
{
	CLEANUP_FREE uint8_t *now = malloc(was.size + 1);

	for (int i = 0; i < LOOKS; i++) {
		if (!now ||
		    s->ops->read(s, was.addr, now, was.size) != was.size)
			return "whether a frame changed while it was read "
			       "cannot be told any more";
		if (memcmp(was.data, now, was.size) != 0)
			return "a frame changes while it is read, and may "
			       "never have been as it is shown";
	}
	return NULL;
}

/* The capture that has these bytes, or NULL. */
static const struct capture *capture_of(const struct snapshot *s,
					struct bytes b)
{
	for (size_t i = 0; i < s->captures_count; i++) {
		const struct capture *c = &s->captures[i];

		if (b.addr >= c->start && b.addr - c->start < c->size &&
		    b.size <= c->size - (b.addr - c->start))
			return c;
	}
	return NULL;
}

static bool is_shared(const struct snapshot *s, uint64_t addr)
{
	const struct mapping *m = snapshot_mapping(s, addr);

	return m && m->shared;
}

/* Has none of the process's own threads run since it was looked at? */
static bool all_stood(const struct snapshot *s)
{
	for (size_t i = 0; i < s->threads_count; i++)
		if (!snapshot_stood(s, i))
			return false;
	return true;
}

/*
 * `stopped`: all threads that may write there stood still for its capture.
 * Those that have run since may have changed it, and others meanwhile.
 */
static const char *sign_in(const struct snapshot *s, bool stopped,
			   struct bytes b)
{
	const struct capture *c;

	if (!b.size || (stopped && !is_shared(s, b.addr)))
		return NULL;
	c = stopped ? capture_of(s, b) : NULL;
	if (!c || all_stood(s))
		return compare(s, b);
	if (c->changed_from >= c->changed_to ||
	    c->changed_from >= b.addr + b.size || c->changed_to <= b.addr)
		return NULL;
	return "another process writes to a frame while it is read, which may "
	       "never have been as it is shown";
}

const char *torn_sign(const struct snapshot *s, const struct located_thread *t)
{
	bool running;
	const char *sign = NULL;

	if (s->kind != SOURCE_PROCESS || !s->ops || !t->frames_count)
		return NULL;
	running = !t->thread->stopped && anyone_runs(s);
	for (size_t i = 0; i < t->frames_count && !sign; i++) {
		const struct frame_facts *f = t->frames[i].facts;

		if (!f || !(running || is_shared(s, f->sigframe.address) ||
			    is_shared(s, f->sigframe.fpstate)))
			continue;
		sign = sign_in(s, t->thread->stopped, f->frame.bytes);
		if (!sign)
			sign = sign_in(s, t->thread->stopped, f->area.bytes);
	}
	return sign;
}
