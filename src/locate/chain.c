/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chain.c - from a thread's registers outward through its signal frames */
#include "locate/chain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "locate/candidates.h"
#include "locate/lost.h"
#include "locate/passing.h"
#include "locate/returning.h"
#include "source/ownstack.h"

/* More nested signals than any stack of usual size has room for. */
enum { LINKS_MAX = 4096 };
/* Functions called on one stack after the other, without a signal between. */
enum { SWITCHES_MAX = 16 };
/* Bytes behind the outermost function, where there is no frame. */
enum { BEHIND_MAX = 64 << 10 };

/* What a context starts with; see struct cfi_context. */
#define PC_SP_KNOWN (1u << X86_RIP | 1u << X86_RSP)
#define ALL_KNOWN ((1u << X86_DWARF_REGS) - 1)

struct chase {
	const struct snapshot *s;
	const struct thread *thread;
	struct code *code;
	struct unwind *u;
	struct chain *chain;
	struct candidates hits;
	struct cfi_context at;	/* registers that the next step starts from */
	unsigned switches;	/* of stacks since the last frame */
	bool done;
};

static void incomplete(struct chase *c, const char *fmt, ...) PRINTF(2, 3);

static void incomplete(struct chase *c, const char *fmt, ...)
{
	CLEANUP_FREE char *sentence = NULL;
	va_list args;

	c->chain->complete = TRI_UNKNOWN;
	va_start(args, fmt);
	if (vasprintf(&sentence, fmt, args) < 0)
		sentence = NULL;
	va_end(args);
	if (!sentence || c->chain->incomplete.size)
		return;
	text_add(&c->chain->incomplete, sentence);
}

static bool is_link(const struct chain *chain, uint64_t address)
{
	for (size_t i = 0; i < chain->count; i++)
		if (chain->links[i].check.sigframe.address == address)
			return true;
	return false;
}

/* What became of the frames in a range that a walk went past. */
struct passed {
	size_t stale;
	size_t doubtful;
	bool live;		/* the walk was wrong to go past `check` */
	struct frame_check check;
};

/* Frames in [from, to), which have been scanned. */
static void look_back(struct chase *c, const struct unwind_result *walk,
		      uint64_t from, uint64_t to, struct passed *ret)
{
	uint64_t sp = c->at.gprs.r[X86_RSP];
	struct passing p = {
		.s = c->s,
		.code = c->code,
		.u = c->u,
		.walk = walk,
		.sp = sp,
		.end = candidates_stack_reach(c->s, sp),
		.cs = c->at.gprs.r[X86_CS],
	};
	const struct scan_hit *h = NULL;

	*ret = (struct passed){ 0 };
	while (!ret->live && (h = candidates_next(&c->hits, h, from, to))) {
		if (is_link(c->chain, h->address) ||
		    !facts_check(c->s, c->code, h->kind, h->address,
				 &ret->check) ||
		    !facts_convincing(&ret->check))
			continue;
		if (walk->end == UNWIND_FRAME && walk->frame == h->address &&
		    walk->kind == h->kind)
			continue;
		switch (passing_judge(&p, &ret->check)) {
		case PASSING_STALE:
			ret->stale++;
			break;
		case PASSING_LIVE:
			ret->live = true;
			break;
		case PASSING_DOUBTFUL:
			ret->doubtful++;
			break;
		}
	}
	ret->doubtful += lost_skipped(c->s, c->code, &c->hits, walk) != 0;
}

static void went_past(struct chase *c, const struct passed *passed)
{
	c->chain->stale += passed->stale;
	if (passed->doubtful)
		incomplete(c,
			   "unwinding went past %zu place%s that may be %s",
			   passed->doubtful, passed->doubtful > 1 ? "s" : "",
			   passed->doubtful > 1 ? "frames" : "a frame");
}

/* Frames in [from, to) that were returned from. */
static void count_stale(struct chase *c, uint64_t from, uint64_t to)
{
	const struct scan_hit *h = NULL;
	struct frame_check check;

	while ((h = candidates_next(&c->hits, h, from, to)))
		if (!is_link(c->chain, h->address) &&
		    facts_check(c->s, c->code, h->kind, h->address, &check) &&
		    facts_convincing(&check))
			c->chain->stale++;
}

/* Code in the middle of an ordinary function does not return from signals. */
static void check_pretcode(struct chase *c, struct frame_check *check)
{
	bool wide = sigframe_shapes[check->sigframe.kind].pointer == 8;

	if (!c->u || check->returns != FRAME_RETURN_UNKNOWN ||
	    !unwind_is_inside(c->u, check->sigframe.pretcode,
			      wide ? X86_USER_CS : X86_USER32_CS))
		return;
	check->returns = FRAME_RETURN_OTHER;
	check->restorer = TRI_NO;
}

/* Add a frame; the next step starts from the registers it restores. */
static struct error *arrive(struct chase *c, const struct frame_check *check,
			    unsigned evidence)
{
	const struct sigframe *f = &check->sigframe;
	struct chain *chain = c->chain;

	if (is_link(chain, f->address)) {
		incomplete(c, "the frame at 0x%" PRIx64 " leads back to itself",
			   f->address);
		c->done = true;
		return NULL;
	}
	if (chain->count == LINKS_MAX) {
		incomplete(c, "more than %d signal frames", LINKS_MAX);
		c->done = true;
		return NULL;
	}
	if (chain->count == chain->room) {
		size_t room = chain->room ? 2 * chain->room : 4;
		struct chain_link *links =
			reallocarray(chain->links, room, sizeof(*links));

		if (!links)
			return &error_no_memory;
		chain->links = links;
		chain->room = room;
	}
	if (candidates_find(&c->hits, f->kind, f->address))
		evidence |= FRAME_SCANNED;
	chain->links[chain->count++] = (struct chain_link){
		.check = *check,
		.evidence = evidence,
	};
	check_pretcode(c, &chain->links[chain->count - 1].check);
	c->at.gprs = f->regs;
	c->at.known = ALL_KNOWN;
	c->switches = 0;
	return NULL;
}

/* The evidence for a frame that a walk leads to. */
static unsigned walked(const struct unwind_result *r)
{
	return r->pointers ? FRAME_POINTERS : FRAME_UNWOUND;
}

static struct error *search_beyond(struct chase *c,
				   const struct unwind_result *r);

/* Unwinding says that there is a frame at `address`. */
static struct error *arrive_at(struct chase *c,
			       const struct unwind_result *walk,
			       unsigned evidence)
{
	uint64_t from = c->at.gprs.r[X86_RSP], address = walk->frame;
	struct frame_check check;
	struct passed passed;
	struct error *err;

	/* in the restorer, the frame starts below the stack pointer */
	if (address < from)
		from = address;
	err = address < UINT64_MAX
		      ? candidates_scan(&c->hits, c->s, from, address + 1)
		      : NULL;
	if (err)
		return err;
	look_back(c, walk, from, address + 1, &passed);
	went_past(c, &passed);
	if (passed.live)
		return arrive(c, &passed.check, evidence);
	/* functions that align their stack have a copy of the return address */
	if (walk->pointers && !candidates_find(&c->hits, walk->kind, address)) {
		struct unwind_result nowhere = {
			.end = UNWIND_LOST,
			.pc = walk->pc,
			.sp = from,
			.why = "frame pointers lead to no signal frame",
		};

		return search_beyond(c, &nowhere);
	}
	if (!facts_check(c->s, c->code, walk->kind, address, &check)) {
		incomplete(c, "the frame at 0x%" PRIx64 " cannot be read",
			   address);
		c->done = true;
		return NULL;
	}
	return arrive(c, &check, evidence);
}

/*
 * Places in [from, to) that may well be live frames: where unwinding went
 * astray, it may have gone past them.
 */
static size_t count_doubtful(struct chase *c, uint64_t from, uint64_t to,
			     uint64_t end)
{
	const struct scan_hit *h = NULL;
	struct frame_check check;
	size_t count = 0;

	while ((h = candidates_next(&c->hits, h, from, to)))
		if (!is_link(c->chain, h->address) &&
		    facts_check(c->s, c->code, h->kind, h->address, &check) &&
		    facts_convincing(&check) &&
		    facts_fit(c->s, &check, from, end))
			count++;
	return count;
}

struct plausible_context chain_context(const struct chain *chain,
				       const struct thread *t, uint64_t sp)
{
	struct plausible_context at = {
		.sp = sp,
		.mask = t->sigmask,
		.mask_known = t->has & THREAD_HAS_SIGMASK,
	};

	if (chain->count) {
		at.mask = chain->links[chain->count - 1].check.sigframe.sigmask;
		at.mask_known = true;
	}
	return at;
}

/* Is this place, which no walk leads to, a frame that the thread is in? */
static enum tri is_likely(const struct chase *c, uint64_t sp,
			  const struct frame_check *check)
{
	struct plausible_context at = chain_context(c->chain, c->thread, sp);

	/* without unwinding, nothing better is to be had */
	if (!c->u && facts_convincing(check))
		return TRI_YES;
	return plausible_judge(c->s, c->code, &c->hits, check, &at);
}

/* Is something missing below `addr`, of a stack that goes on to `reach`? */
static bool has_hole(const struct candidates *hits, uint64_t addr,
		     uint64_t reach)
{
	return hits->missing_from < hits->missing_to &&
	       (hits->missing_from < addr || hits->missing_from >= reach);
}

/*
 * Unwinding got lost at r->sp. The next place upward that fits is taken; if
 * there is none, and no doubt either, the thread has no more frames.
 */
static struct error *search_beyond(struct chase *c,
				   const struct unwind_result *r)
{
	const struct chain *chain = c->chain;
	uint64_t from = c->at.gprs.r[X86_RSP];

	/* a spoilt stack pointer: go on behind the frame that it is from */
	if (chain->count && snapshot_mapped(c->s, from, 0) == TRI_NO)
		from = chain->links[chain->count - 1].check.end;

	uint64_t end = candidates_stack_end(c->s, from);
	uint64_t sure = candidates_next_thread(c->s, c->thread, from, end);
	uint64_t reach = candidates_stack_reach(c->s, from);
	uint64_t sp = from;
	struct error *err = candidates_scan(&c->hits, c->s, from, reach);
	const struct plausible_context at =
		chain_context(chain, c->thread, from);
	const struct scan_hit *h = NULL;
	struct frame_check check;
	size_t doubtful = 0;
	uint64_t unmarked;

	if (err)
		return err;

	struct passed passed;

	look_back(c, r, from, r->sp < reach ? r->sp : reach, &passed);
	if (passed.live) {
		c->chain->stale += passed.stale;
		return arrive(c, &passed.check, walked(r));
	}
	if (!c->chain->lost.size)
		text_printf(&c->chain->lost,
			    "unwinding stops at pc 0x%" PRIx64 ", sp 0x%" PRIx64
			    " (%s)", r->pc, r->sp, r->why);
	/* what it took for a caller may be a spoilt return address */
	if (r->sp > from + 8 && r->sp < end)
		sp = r->sp - 8;

	if (sp > from && count_doubtful(c, from, sp, end))
		incomplete(c,
			   "unwinding stops at pc 0x%" PRIx64 ", sp 0x%" PRIx64
			   " (%s), and may have passed frames", r->pc, r->sp,
			   r->why);
	while ((h = candidates_next(&c->hits, h, sp, reach))) {
		if (!facts_check(c->s, c->code, h->kind, h->address, &check))
			continue;

		enum tri likely = is_likely(c, from, &check);

		if (h->address < sure && likely == TRI_YES &&
		    facts_fit(c->s, &check, from, end)) {
			count_stale(c, from, h->address);
			if (doubtful || has_hole(&c->hits, h->address, reach) ||
			    !plausible_certain(c->s, &check, &at))
				incomplete(c,
					   "unwinding stops at pc 0x%" PRIx64
					   ", sp 0x%" PRIx64
					   " (%s), frames beyond are found by "
					   "their bytes alone",
					   r->pc, r->sp, r->why);
			return arrive(c, &check, FRAME_SCANNED);
		}
		/* a frame that leads nowhere may be live, and spoilt */
		doubtful += likely != TRI_NO;
	}
	count_stale(c, from, sp);
	c->done = true;
	if (doubtful)
		incomplete(c,
			   "unwinding stops at pc 0x%" PRIx64 ", sp 0x%" PRIx64
			   " (%s), and %zu places beyond may or may not be "
			   "frames",
			   r->pc, r->sp, r->why, doubtful);
	else if (end == from)
		incomplete(c,
			   "unwinding stops at pc 0x%" PRIx64 " (%s), and the "
			   "stack pointer 0x%" PRIx64 " is in no memory",
			   r->pc, r->why, from);
	else if (c->hits.missing_from < c->hits.missing_to)
		incomplete(c,
			   "the stack from 0x%" PRIx64 " to 0x%" PRIx64
			   " could not be read",
			   c->hits.missing_from, c->hits.missing_to);
	else if (r->astray)
		incomplete(c,
			   "unwinding leaves the stack at pc 0x%" PRIx64
			   ", sp 0x%" PRIx64 " (%s)", r->pc, r->sp, r->why);
	else if (returning_unseen(c->s, c->code, &c->at))
		incomplete(c,
			   "the code at pc 0x%" PRIx64 " could not be read, and "
			   "may return from what is at sp 0x%" PRIx64,
			   c->at.gprs.r[X86_RIP], from);
	else if (c->u && lost_to_nowhere(c->s, c->code, c->u, c->thread, r,
					 c->at.gprs.r[X86_CS], reach))
		incomplete(c,
			   "unwinding leads to pc 0x%" PRIx64 ", sp 0x%" PRIx64
			   ", where no caller can be",
			   r->pc, r->sp);
	else if ((unmarked = lost_return(c->s, c->code, &c->hits, from, reach)))
		incomplete(c,
			   "unwinding stops at pc 0x%" PRIx64 ", sp 0x%" PRIx64
			   " (%s), and at 0x%" PRIx64 " there may be the "
			   "return address of a handler",
			   r->pc, r->sp, r->why, unmarked);
	else if (reach - from == CANDIDATES_STACK_MAX)
		incomplete(c,
			   "unwinding stops at pc 0x%" PRIx64
			   " (%s), and the stack is too large to search",
			   r->pc, r->why);
	return NULL;
}

/*
 * The return address at the end of the walk is 0. That marks the outermost
 * function, or a frame whose pretcode was overwritten; or what unwinding went
 * by was.
 */
static struct error *look_at_end(struct chase *c,
				 const struct unwind_result *r)
{
	uint64_t from = c->at.gprs.r[X86_RSP];
	uint64_t end = candidates_stack_reach(c->s, from);
	struct error *err = candidates_scan(&c->hits, c->s, from,
					    end > r->sp ? end : r->sp);
	struct passed passed;

	if (err)
		return err;
	look_back(c, r, from, r->sp, &passed);
	if (passed.live) {
		went_past(c, &passed);
		return arrive(c, &passed.check, walked(r));
	}
	c->done = true;
	c->chain->at_zero = true;

	size_t doubtful = count_doubtful(c, from, end, end);

	doubtful += lost_skipped(c->s, c->code, &c->hits, r) != 0;
	if (doubtful)
		incomplete(c,
			   "unwinding ends at a return address of 0 below sp "
			   "0x%" PRIx64 ", and %zu places on the stack may be "
			   "frames", r->sp, doubtful);
	else if (!r->pointers && ownstack_holds(c->s, ownstack_read,
						c->thread->tid, from))
		/* C libraries say where the first function of a stack is */
		incomplete(c,
			   "unwinding ends at a return address of 0 below sp "
			   "0x%" PRIx64 ", where no thread starts", r->sp);
	else
		count_stale(c, from, r->sp);
	return NULL;
}

/*
 * The walk has left the stack at r->sp for good. If it went past a live frame
 * on the way, go on from that: *arrived_ret.
 */
static struct error *leave(struct chase *c, const struct unwind_result *r,
			   bool *arrived_ret)
{
	uint64_t from = c->at.gprs.r[X86_RSP];
	struct error *err = candidates_scan(&c->hits, c->s, from, r->sp);
	struct passed passed;

	if (err)
		return err;
	look_back(c, r, from, r->sp, &passed);
	went_past(c, &passed);
	*arrived_ret = passed.live;
	return passed.live ? arrive(c, &passed.check, walked(r)) : NULL;
}

/* There is no caller any more, says the file that the code is from. */
static struct error *look_behind(struct chase *c,
				 const struct unwind_result *r)
{
	struct plausible_context at =
		chain_context(c->chain, c->thread, c->at.gprs.r[X86_RSP]);
	uint64_t end = candidates_stack_reach(c->s, r->sp);
	bool arrived = false;
	struct error *err = leave(c, r, &arrived);

	if (err || arrived)
		return err;
	c->done = true;
	if (end - r->sp > BEHIND_MAX)
		end = r->sp + BEHIND_MAX;
	err = candidates_scan(&c->hits, c->s, r->sp, end);
	if (!err && plausible_any(c->s, c->code, &c->hits, r->sp, end, &at))
		incomplete(c, "nothing has called the code at pc 0x%" PRIx64
			   ", but beyond sp 0x%" PRIx64 " may be a frame",
			   r->pc, r->sp);
	return err;
}

/* Its caller runs on another stack, perhaps in a handler there. */
static struct error *leave_stack(struct chase *c,
				 const struct unwind_result *r)
{
	bool arrived = false;
	struct error *err = leave(c, r, &arrived);

	if (!err && !arrived) {
		c->at = r->onward;
		c->switches++;
	}
	return err;
}

static struct error *step(struct chase *c, int64_t number)
{
	const struct x86_gprs *regs = &c->at.gprs;
	struct unwind_result r = {
		.end = UNWIND_LOST,
		.pc = regs->r[X86_RIP],
		.sp = regs->r[X86_RSP],
		.why = "unwinding is switched off",
	};
	struct scan_hit frame;

	c->chain->end_sp = r.sp;
	if (returning_from(c->s, c->code, &c->at, number, &frame)) {
		r.end = UNWIND_FRAME;
		r.frame = frame.address;
		r.kind = frame.kind;
		return arrive_at(c, &r, c->chain->count ? FRAME_UNWOUND
							: FRAME_RETURNING);
	}
	if (c->u && c->switches)
		unwind_onward(c->u, &c->at, &r);
	else if (c->u)
		unwind_segment(c->u, &c->at, &r);
	if (r.has_onward && c->switches < SWITCHES_MAX)
		return leave_stack(c, &r);
	/* it was no caller after all */
	if (r.end == UNWIND_LOST && c->switches && !r.steps_count)
		r.astray = true;
	switch (r.end) {
	case UNWIND_FRAME:
		return arrive_at(c, &r, walked(&r));
	case UNWIND_OUTERMOST:
		return look_behind(c, &r);
	case UNWIND_NOWHERE:
		return look_at_end(c, &r);
	case UNWIND_LOST:
		break;
	}
	return search_beyond(c, &r);
}

struct error *chain_follow(const struct snapshot *s, struct code *code,
			   struct unwind *u, const struct thread *t,
			   struct ahead *ahead, struct chain *ret)
{
	struct chase c = {
		.s = s,
		.thread = t,
		.code = code,
		.u = u,
		.chain = ret,
		.hits = { .ahead = ahead },
		.at = {
			.gprs = t->regs,
			.known = t->has & THREAD_HAS_GPRS ? ALL_KNOWN
							  : PC_SP_KNOWN,
		},
	};
	int64_t number = t->has & THREAD_HAS_GPRS ? t->orig_rax : t->syscall;
	struct error *err = NULL;

	*ret = (struct chain){ .complete = TRI_YES };
	if (lost_itself(s, t))
		incomplete(&c, "there is no code at its pc 0x%" PRIx64,
			   t->regs.r[X86_RIP]);
	while (!err && !c.done) {
		if (ahead)
			ahead_look(ahead, s, c.at.gprs.r[X86_RSP]);
		err = step(&c, number);
		number = -1;
	}
	candidates_deinit(&c.hits);
	if (err)
		chain_deinit(ret);
	return err;
}

void chain_deinit(struct chain *c)
{
	free(c->links);
	text_deinit(&c->incomplete);
	text_deinit(&c->lost);
	*c = (struct chain){ 0 };
}
