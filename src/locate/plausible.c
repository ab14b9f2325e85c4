/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plausible.c - is a frame live for which nothing but its bytes speaks? */
#include "locate/plausible.h"

#include <signal.h>

#include "x86/siginfo.h"

/* From a frame's start to the end of its extended state, AMX included. */
enum { FRAME_BYTES_MAX = 16 << 10 };

/*
 * Is a frame in one piece where the extended state of this one was, which is
 * damaged? It was written later, when nobody needed this one any more.
 */
static bool is_overwritten(const struct snapshot *s, struct code *code,
			   const struct candidates *hits,
			   const struct frame_check *check)
{
	const struct sigframe *f = &check->sigframe;
	const struct scan_hit *h = NULL;
	struct frame_check other;

	if (f->address > UINT64_MAX - FRAME_BYTES_MAX)
		return false;
	/* both as long, as they are of one machine */
	while ((h = candidates_next(hits, h, f->address + 1,
				    f->address + FRAME_BYTES_MAX)))
		if (facts_check(s, code, h->kind, h->address, &other) &&
		    facts_intact(s, &other) &&
		    h->address - f->address < other.end - h->address)
			return true;
	return false;
}

enum tri plausible_judge(const struct snapshot *s, struct code *code,
			 const struct candidates *hits,
			 const struct frame_check *check,
			 const struct plausible_context *at)
{
	if (facts_elsewhere(check, at->sp))
		return TRI_NO;
	/* code that cannot be looked at might be a restorer */
	if (!facts_convincing(check))
		return check->code_known ? TRI_NO : TRI_UNKNOWN;
	if (!facts_intact(s, check))
		return is_overwritten(s, code, hits, check) ? TRI_NO
							    : TRI_UNKNOWN;
	return plausible_is_masked(at, check->sigframe.sigmask) ? TRI_YES
								: TRI_UNKNOWN;
}

bool plausible_any(const struct snapshot *s, struct code *code,
		   const struct candidates *hits, uint64_t from, uint64_t to,
		   const struct plausible_context *at)
{
	const struct scan_hit *h = NULL;
	struct frame_check check;

	while ((h = candidates_next(hits, h, from, to)))
		if (facts_check(s, code, h->kind, h->address, &check) &&
		    plausible_judge(s, code, hits, &check, at) == TRI_YES &&
		    facts_fit(s, &check, at->sp, to))
			return true;
	return false;
}

/* The signal that the frame is for; 0 if it does not tell. */
static unsigned signal_of(const struct sigframe *f)
{
	struct bytes info = { f->info, f->have_info ? SIGFRAME_INFO_SIZE : 0,
			      0 };
	struct siginfo s;

	if (siginfo_decode(info, f->kind != SIGFRAME_X86_64, &s) &&
	    s.signo >= 1 && s.signo <= SNAPSHOT_SIGNALS)
		return (unsigned)s.signo;
	return f->sig <= SNAPSHOT_SIGNALS ? f->sig : 0;
}

bool plausible_certain(const struct snapshot *s,
		       const struct frame_check *check,
		       const struct plausible_context *at)
{
	const struct sigframe *f = &check->sigframe;
	unsigned signo = signal_of(f);
	const struct signal_action *a;
	uint64_t blocked;

	if (!s->actions_known || !at->mask_known || !signo ||
	    !facts_intact(s, check))
		return false;
	a = &s->actions[signo - 1];
	blocked = f->sigmask | a->mask;
	if (!(a->flags & SA_NODEFER))
		blocked |= UINT64_C(1) << (signo - 1);
	blocked &= ~(UINT64_C(1) << (SIGKILL - 1) |
		     UINT64_C(1) << (SIGSTOP - 1));
	return a->restorer == f->pretcode && at->mask == blocked &&
	       blocked != f->sigmask;
}
