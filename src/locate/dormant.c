/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dormant.c - frames on stacks that will be run on again */
#include "locate/dormant.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "locate/parked.h"
#include "locate/passing.h"
#include "locate/plausible.h"

/* No more of a parked stack than this lies below its frame. */
#define STACK_MAX (UINT64_C(16) << 20)
#define ALL_KNOWN ((1u << X86_DWARF_REGS) - 1)

/* Steps up the stack: seconds, which only hostile contexts need. */
enum {
	LINKS_MAX = 64,
	STEPS_MAX = 1 << 22,
	LOOK_STEPS = 64,	/* a look at a place gone past costs as much */
};

/* A frame of the sweep, or one that only a walk has found. */
struct claim {
	struct frame_check check;
	unsigned evidence;
	enum frame_stack stack;
	const struct parked *by;
};

struct search {
	const struct snapshot *s;
	bool gave_up;		/* not all contexts were followed */
	struct code *code;
	struct unwind *u;
	struct running running;
	struct sweep sweep;
	struct parked_list parked;
	struct claim *claims;
	size_t claims_count;
	size_t claims_room;
	size_t *claim_of;	/* of each frame of the sweep, from 1; 0: none */
	bool *unsure;		/* of each: a walk may have had to stop there */
	size_t strangers;	/* claims that are none of those */
	size_t steps;		/* taken so far */
};

/* Unwinding from a context; steps[i] leads to links[i]. */
struct walk {
	struct chain_link links[LINKS_MAX];
	size_t count;
	size_t doubtful;	/* the first link whose way on a thread has */
	/* frames of the sweep, by index, that may be links, too */
	size_t unsure[LINKS_MAX];
	size_t unsure_count;
};

void dormant_deinit(struct dormant *d)
{
	free(d->frames);
	*d = (struct dormant){ 0 };
}

/* Was the stack left that was interrupted? */
static bool changes_stack(const struct snapshot *s,
			  const struct frame_check *check)
{
	const struct sigframe *f = &check->sigframe;
	uint64_t sp = f->regs.r[X86_RSP];

	if (check->placement == SIGFRAME_PLACED_STACK)
		return false;
	if (check->placement == SIGFRAME_PLACED_ALTSTACK)
		return !sigframe_in_altstack(f, sp);
	return sp < f->address ||
	       snapshot_mapping(s, sp - 1) != snapshot_mapping(s, f->address);
}

/*
 * Where unwinding got lost on a stack that is nothing else, the next frame
 * upward is the one that its handler returns to.
 */
static const struct sweep_frame *next_upward(const struct search *q,
					     uint64_t sp)
{
	const struct mapping *m = snapshot_mapping(q->s, sp);
	const struct sweep_frame *f = sweep_above(&q->sweep, sp);

	if (!f || !m || !written_is_stack(q->s, m) ||
	    f->check.sigframe.address >= m->end ||
	    !facts_fit(q->s, &f->check, sp, m->end))
		return NULL;
	return f;
}

static bool is_in(const struct walk *w, uint64_t address)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->links[i].check.sigframe.address == address)
			return true;
	return false;
}

static void add_unsure(const struct search *q, struct walk *w,
		       const struct sweep_frame *f)
{
	if (w->unsure_count < LINKS_MAX)
		w->unsure[w->unsure_count++] = (size_t)(f - q->sweep.frames);
}

/*
 * The frame that unwinding `r` from `at` was wrong to go past, or NULL. Those
 * of which that cannot be told are noted.
 */
static const struct sweep_frame *look_back(struct search *q, struct walk *w,
					   const struct cfi_context *at,
					   const struct unwind_result *r)
{
	uint64_t sp = at->gprs.r[X86_RSP];
	uint64_t to = r->end == UNWIND_FRAME ? r->frame : r->sp;
	const struct sweep_frame *f = sweep_above(&q->sweep, sp);
	const struct sweep_frame *last = q->sweep.frames + q->sweep.count;
	struct passing p = {
		.s = q->s,
		.code = q->code,
		.u = q->u,
		.walk = r,
		.sp = sp,
		.cs = at->gprs.r[X86_CS],
	};

	for (; f && f < last && f->check.sigframe.address < to &&
	       q->steps <= STEPS_MAX; f++) {
		if (is_in(w, f->check.sigframe.address))
			continue;
		if (!p.end)
			p.end = candidates_stack_reach(q->s, sp);
		q->steps += r->steps_count + LOOK_STEPS;
		switch (passing_judge(&p, &f->check)) {
		case PASSING_STALE:
			break;
		case PASSING_LIVE:
			return f;
		case PASSING_DOUBTFUL:
			add_unsure(q, w, f);
			break;
		}
	}
	return NULL;
}

/* Is it in one piece? A frame that is not may be spoilt, or left over. */
static bool is_likely(const struct search *q, const struct sweep_frame *f,
		      uint64_t sp)
{
	const struct candidates none = { 0 };
	const struct plausible_context at = { .sp = sp };

	return plausible_judge(q->s, q->code, &none, &f->check, &at) ==
	       TRI_YES;
}

/* One step of the walk; false at its end. *end_ret is how far it got. */
static bool step(struct search *q, struct walk *w,
		 const struct cfi_context *at, bool certain,
		 uint64_t *end_ret)
{
	struct chain_link *link = &w->links[w->count];
	const struct sweep_frame *found;
	struct unwind_result r;

	unwind_segment(q->u, at, &r);
	q->steps += r.steps_count + 1;
	*end_ret = r.sp;
	found = look_back(q, w, at, &r);
	if (found) {
		*link = (struct chain_link){
			.check = found->check,
			.evidence = FRAME_SCANNED |
				    (r.pointers ? FRAME_POINTERS
						: FRAME_UNWOUND),
		};
	} else if (r.end == UNWIND_FRAME) {
		found = sweep_at(&q->sweep, r.frame);
		*link = (struct chain_link){
			.evidence = r.pointers ? FRAME_POINTERS
					       : FRAME_UNWOUND,
		};
		if (!facts_check(q->s, q->code, r.kind, r.frame, &link->check))
			return false;
		if (found && found->check.sigframe.address == r.frame)
			link->evidence |= FRAME_SCANNED;
	} else {
		const struct mapping *m = snapshot_mapping(q->s, r.sp);

		if (r.end != UNWIND_LOST)
			return false;
		found = certain ? next_upward(q, r.sp) : NULL;
		if (!found) {
			if (m && written_is_stack(q->s, m))
				*end_ret = m->end;
			return false;
		}
		/* it may be left over, and hide another one */
		add_unsure(q, w, found);
		if (!is_likely(q, found, at->gprs.r[X86_RSP]))
			return false;
		*link = (struct chain_link){ .check = found->check,
					     .evidence = FRAME_SCANNED };
	}
	*end_ret = link->check.end;
	return !is_in(w, link->check.sigframe.address);
}

/* Are there only two words that say where to go on? */
static bool is_certain(const struct parked *p)
{
	return p->kind == CONTEXT_SWITCH ||
	       context_shapes[p->kind].sign != CONTEXT_UNSIGNED;
}

static void follow(struct search *q, const struct parked *p,
		   struct walk *w)
{
	struct cfi_context at = p->at;
	bool going = true;

	w->count = 0;
	w->unsure_count = 0;
	w->doubtful = LINKS_MAX;
	while (going && w->count < LINKS_MAX) {
		uint64_t start = at.gprs.r[X86_RSP], end = start;

		going = step(q, w, &at, is_certain(p), &end);
		if (w->doubtful == LINKS_MAX &&
		    (running_overlaps(&q->running, start, end) ||
		     running_has_left(&q->running, q->s, start)))
			w->doubtful = w->count;
		if (!going)
			break;
		at.gprs = w->links[w->count].check.sigframe.regs;
		at.known = ALL_KNOWN;
		w->count++;
	}
}

/*
 * How many links the context proves. If the way leads to where a thread
 * stands, it was taken before: the frames on that very stack are behind the
 * thread, and one that left it for another stack has been returned from. Those
 * on other stacks before may wait all the same.
 */
static size_t proven(const struct search *q, const struct walk *w)
{
	size_t count = w->count;

	if (w->doubtful == LINKS_MAX)
		return count;
	count = w->doubtful;
	while (count && !changes_stack(q->s, &w->links[count - 1].check))
		count--;
	return count ? count - 1 : 0;
}

static enum frame_stack ordinary_stack(const struct snapshot *s,
				       uint64_t address)
{
	const struct mapping *m = snapshot_mapping(s, address);

	/* where the kernel puts random bytes is the first stack */
	if (m && s->random && m == snapshot_mapping(s, s->random))
		return FRAME_ON_MAIN;
	return FRAME_ON_OTHER;
}

static enum frame_stack stack_of(const struct snapshot *s,
				 const struct walk *w, uint64_t address)
{
	for (size_t i = 0; i < w->count; i++)
		if (sigframe_in_altstack(&w->links[i].check.sigframe, address))
			return FRAME_ON_ALTERNATE;
	return ordinary_stack(s, address);
}

/* Which frame of the sweep is at that address; its count if none is. */
static size_t index_of(const struct search *q, uint64_t address)
{
	const struct sweep_frame *f = sweep_at(&q->sweep, address);

	return f && f->check.sigframe.address == address
		       ? (size_t)(f - q->sweep.frames)
		       : q->sweep.count;
}

static bool is_claimed(struct search *q, uint64_t address)
{
	size_t index = index_of(q, address);

	if (index < q->sweep.count)
		return q->claim_of[index];
	if (q->strangers)
		q->steps += q->claims_count / 16;
	for (size_t i = 0; q->strangers && i < q->claims_count; i++)
		if (q->claims[i].check.sigframe.address == address)
			return true;
	return false;
}

static struct error *claim(struct search *q, const struct parked *p,
			   const struct walk *w, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct chain_link *link = &w->links[i];
		uint64_t address = link->check.sigframe.address;

		if (is_claimed(q, address) ||
		    running_in_frame(&q->running, address) ||
		    running_has_left(&q->running, q->s, address))
			continue;
		if (q->claims_count == q->claims_room) {
			size_t room = q->claims_room ? 2 * q->claims_room : 16;
			struct claim *claims = reallocarray(
				q->claims, room, sizeof(*claims));

			if (!claims)
				return &error_no_memory;
			q->claims = claims;
			q->claims_room = room;
		}
		q->claims[q->claims_count++] = (struct claim){
			.check = link->check,
			.evidence = link->evidence,
			.stack = stack_of(q->s, w, address),
			.by = p,
		};

		size_t index = index_of(q, address);

		if (index < q->sweep.count)
			q->claim_of[index] = q->claims_count;
		else
			q->strangers++;
	}
	return NULL;
}

/*
 * Does the context lie on the stack that it is from, below the frame? Then it
 * is somebody's only if somebody knows of it: a handler that has returned
 * leaves its variables behind, too.
 */
static bool is_own(const struct search *q, const struct parked *p,
		   const struct walk *w)
{
	uint64_t sp = p->at.gprs.r[X86_RSP];

	return p->kind != CONTEXT_SWITCH && w->count && p->address >= sp &&
	       p->address < w->links[0].check.sigframe.address &&
	       snapshot_mapping(q->s, p->address) == snapshot_mapping(q->s, sp);
}

/*
 * What the walk from a certain context went past in doubt. One that lies on
 * the stack that it is from may be left over, and so may an old one.
 */
static void note_unsure(struct search *q, const struct parked *p,
			const struct walk *w)
{
	uint64_t sp = p->at.gprs.r[X86_RSP];

	if (!is_certain(p) || w->doubtful != LINKS_MAX ||
	    (p->address >= sp && snapshot_mapping(q->s, p->address) ==
					 snapshot_mapping(q->s, sp)))
		return;
	for (size_t i = 0; i < w->unsure_count; i++)
		q->unsure[w->unsure[i]] = true;
}

static struct error *follow_all(struct search *q, struct parked_search *ps)
{
	CLEANUP_FREE struct parked *own = NULL;
	CLEANUP_FREE struct walk *w = malloc(sizeof(*w));
	size_t own_count = 0;
	struct error *err = NULL;

	own = calloc(q->parked.count + 1, sizeof(*own));
	if (!w || !own)
		return &error_no_memory;
	for (size_t i = 0; i < q->parked.count && !err; i++) {
		if (q->steps > STEPS_MAX) {
			/* what is left may lead to any frame */
			q->sweep.searched = 0;
			q->gave_up = true;
			break;
		}

		struct parked *p = &q->parked.list[i];
		size_t count;

		follow(q, p, w);
		count = proven(q, w);
		note_unsure(q, p, w);
		if (count && is_own(q, p, w))
			own[own_count++] = *p;
		else if (count)
			err = claim(q, p, w, count);
	}
	if (err || !own_count)
		return err;
	err = parked_keep_known(ps, own, own_count);
	for (size_t i = 0; i < own_count && !err; i++) {
		if (!own[i].address)
			continue;
		for (size_t k = 0; k < q->parked.count; k++) {
			struct parked *p = &q->parked.list[k];

			if (p->kind != own[i].kind ||
			    p->address != own[i].address)
				continue;
			follow(q, p, w);
			err = claim(q, p, w, proven(q, w));
			break;
		}
	}
	return err;
}

/* Below each frame, where a parked stack pointer may be. */
static struct written_range *find_windows(const struct search *q,
					  size_t *count_ret)
{
	struct written_range *windows = calloc(q->sweep.count + 1,
					       sizeof(*windows));
	size_t count = 0;

	for (size_t i = 0; i < q->sweep.count && windows; i++) {
		uint64_t end = q->sweep.frames[i].check.sigframe.address;
		const struct mapping *m = snapshot_mapping(q->s, end);
		uint64_t start;

		if (!m || running_has_left(&q->running, q->s, end))
			continue;
		start = end - m->start > STACK_MAX ? end - STACK_MAX
						   : m->start;
		end++;
		if (count && windows[count - 1].end >= start)
			windows[count - 1].end = end;
		else
			windows[count++] = (struct written_range){ start, end };
	}
	*count_ret = count;
	return windows;
}

static struct error *search_contexts(struct search *q, uint64_t limit)
{
	size_t count = 0;
	CLEANUP_FREE struct written_range *windows = find_windows(q, &count);
	struct parked_search ps = {
		.s = q->s,
		.code = q->code,
		.running = &q->running,
		.sweep = &q->sweep,
		.limit = limit,
		.windows = windows,
		.windows_count = count,
	};
	struct error *err;

	if (!windows)
		return &error_no_memory;
	if (!count)
		return NULL;
	err = parked_find(&ps, &q->parked);
	if (err)
		return err;
	if (q->parked.searched < q->sweep.searched)
		q->sweep.searched = q->parked.searched;
	return follow_all(q, &ps);
}

static int by_address(const void *a, const void *b)
{
	uint64_t i = ((const struct dormant_frame *)a)->check.sigframe.address;
	uint64_t k = ((const struct dormant_frame *)b)->check.sigframe.address;

	return (i > k) - (i < k);
}

/* Nothing better has led to it, either. */
static bool is_unsure(const struct search *q, size_t index)
{
	size_t claim = q->claim_of[index];

	return q->unsure[index] &&
	       (!claim || q->claims[claim - 1].evidence == FRAME_SCANNED);
}

static struct error *give(const struct search *q, struct dormant *ret)
{
	size_t room = q->claims_count + q->sweep.count;
	struct dormant_frame *frames = calloc(room + 1, sizeof(*frames));

	if (!frames)
		return &error_no_memory;
	*ret = (struct dormant){
		.frames = frames,
		.memory = q->sweep.memory,
		.searched = q->sweep.searched,
		.unexplained_mask = UINT64_MAX,
		.unsure = q->gave_up,
	};
	for (size_t i = 0; i < q->claims_count; i++) {
		const struct claim *c = &q->claims[i];

		frames[ret->count++] = (struct dormant_frame){
			.check = c->check,
			.evidence = c->evidence,
			.stack = c->stack,
			.context = {
				.kind = context_name(c->by->kind),
				.address = c->by->address,
				.pc = c->by->at.gprs.r[X86_RIP],
				.sp = c->by->at.gprs.r[X86_RSP],
			},
		};
	}
	for (size_t i = 0; i < q->sweep.count; i++) {
		const struct sweep_frame *f = &q->sweep.frames[i];
		uint64_t address = f->check.sigframe.address;

		ret->unsure += is_unsure(q, i);
		if (q->claim_of[i])
			continue;
		if (!running_has_left(&q->running, q->s, address)) {
			ret->unexplained++;
			ret->unexplained_mask &=
				f->whole ? f->check.sigframe.sigmask : 0;
		}
		if (!f->whole ||
		    running_is_doubtful(&q->running, q->s, address))
			continue;
		frames[ret->count++] = (struct dormant_frame){
			.check = f->check,
			.evidence = FRAME_SCANNED,
			.stack = sigframe_in_altstack(&f->check.sigframe,
						      address)
					 ? FRAME_ON_ALTERNATE
					 : ordinary_stack(q->s, address),
		};
	}
	qsort(frames, ret->count, sizeof(*frames), by_address);
	return NULL;
}

/* What the threads' own frames are, no other is. */
static struct error *search_frames(struct search *q, const struct located *l,
				   uint64_t limit, const struct ahead *ahead)
{
	struct error *err = running_find_frames(l, &q->running);

	if (!err)
		err = sweep_find(q->s, q->code, limit, ahead, q->running.frames,
				 q->running.frames_count, &q->sweep);
	/* only who may lead to another frame needs to be told from them */
	if (!err && q->sweep.count)
		err = running_find_stacks(q->s, q->u, l, &q->running);
	if (err)
		return err;
	q->claim_of = calloc(q->sweep.count + 1, sizeof(*q->claim_of));
	q->unsure = calloc(q->sweep.count + 1, sizeof(*q->unsure));
	return q->claim_of && q->unsure ? NULL : &error_no_memory;
}

struct error *dormant_find(const struct snapshot *s, struct code *code,
			   struct unwind *u, const struct located *l, uint64_t limit,
			   const struct ahead *ahead, struct dormant *ret)
{
	struct search q = { .s = s, .code = code, .u = u };
	struct error *err = search_frames(&q, l, limit, ahead);

	*ret = (struct dormant){ 0 };
	if (!err && q.sweep.count)
		err = search_contexts(&q, limit);
	if (!err)
		err = give(&q, ret);
	free(q.claim_of);
	free(q.unsure);
	free(q.claims);
	parked_deinit(&q.parked);
	sweep_deinit(&q.sweep);
	running_deinit(&q.running);
	return err;
}
