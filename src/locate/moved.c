/* SPDX-License-Identifier: GPL-3.0-or-later */
/* moved.c - what is left of evidence if the process has run on meanwhile */
#include "locate/moved.h"

#include <string.h>

#include "source/ownstack.h"

static bool any_dormant(const struct dormant *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->frames[i].context.kind)
			return true;
	return false;
}

static bool any_moved(const struct snapshot *s)
{
	for (size_t i = 0; i < s->threads_count; i++)
		if (!snapshot_stood(s, i))
			return true;
	return false;
}

/* Is it the frame that was found, byte for byte where it matters? */
static bool is_unchanged(const struct snapshot *s, struct code *code,
			 const struct frame_check *was)
{
	const struct sigframe *a = &was->sigframe;
	struct frame_check now;
	const struct sigframe *b = &now.sigframe;

	return facts_check(s, code, a->kind, a->address, &now) &&
	       !memcmp(&a->regs, &b->regs, sizeof(a->regs)) &&
	       a->pretcode == b->pretcode && a->fpstate == b->fpstate &&
	       a->sigmask == b->sigmask && was->placement == now.placement &&
	       was->end == now.end;
}

/*
 * Is it on the stack that a thread has stood on and moved on? Then it came
 * later, and is none of the snapshot's.
 */
static bool came_later(const struct snapshot *s,
		       const struct frame_check *check)
{
	const struct mapping *m =
		snapshot_mapping(s, check->sigframe.address);

	for (size_t i = 0; i < s->threads_count; i++) {
		const struct thread *t = &s->threads[i];
		uint64_t sp = t->regs.r[X86_RSP];

		if ((t->has & THREAD_HAS_PC_SP) && m &&
		    snapshot_mapping(s, sp) == m && !snapshot_stood(s, i) &&
		    ownstack_holds(s, ownstack_read, t->tid, sp))
			return true;
	}
	return false;
}

size_t moved_take_out(const struct snapshot *s, struct code *code,
		      struct dormant *d)
{
	size_t kept = 0, doubts = 0;

	if (!any_dormant(d) || !any_moved(s))
		return 0;
	for (size_t i = 0; i < d->count; i++) {
		const struct dormant_frame *f = &d->frames[i];

		if (!is_unchanged(s, code, &f->check))
			continue;
		if (!f->context.kind)
			d->frames[kept++] = *f;
		else
			doubts += !came_later(s, &f->check);
	}
	d->count = kept;
	return doubts;
}
