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

/* More nested signals than any stack of usual size has room for. */
enum { LINKS_MAX = 4096 };

/* What a context starts with; see struct cfi_context. */
#define PC_SP_KNOWN (1u << X86_RIP | 1u << X86_RSP)
#define ALL_KNOWN ((1u << X86_DWARF_REGS) - 1)

struct chase {
	const struct snapshot *s;
	struct code *code;
	struct unwind *u;
	struct chain *chain;
	struct candidates hits;
	struct cfi_context at;	/* registers that the next step starts from */
	bool done;
};

enum { CODE_BEFORE = 10, CODE_AFTER = RESTORER_MAX };

/* The system calls that return from a signal (asm/unistd_64.h, _32.h). */
static const struct {
	int64_t number;
	uint8_t instruction[2];
	uint8_t sp_skip;	/* SP at the instruction - frame */
	enum sigframe_kind kind;
} sigreturns[] = {
	{ 15, { 0x0f, 0x05 }, 8, SIGFRAME_X86_64 },
	{ 0x40000201, { 0x0f, 0x05 }, 8, SIGFRAME_X32 },
	{ 173, { 0xcd, 0x80 }, 4, SIGFRAME_IA32_RT },
	{ 119, { 0xcd, 0x80 }, 8, SIGFRAME_IA32 },
};

/*
 * Is the context on its way back from a handler, in or behind the code that
 * calls sigreturn? `number` is the system call that it is in, or -1. The
 * frame's address does not change any more then.
 */
static bool is_returning(struct code *code, const struct x86_gprs *regs,
			 int64_t number, struct scan_hit *ret)
{
	uint64_t pc = regs->r[X86_RIP], sp = regs->r[X86_RSP];
	uint8_t raw[CODE_BEFORE + CODE_AFTER] = { 0 };
	enum run_end end;

	if (pc < CODE_BEFORE || pc > UINT64_MAX - CODE_AFTER)
		return false;

	/* the page before may be missing: read both sides on their own */
	size_t before = code_read(code, pc - CODE_BEFORE, raw, CODE_BEFORE,
				  &end);
	size_t after = code_read(code, pc, raw + CODE_BEFORE, CODE_AFTER,
				 &end);
	struct bytes b = { raw, CODE_BEFORE + after, pc - CODE_BEFORE };

	if (before < CODE_BEFORE)
		memset(raw, 0, CODE_BEFORE);
	for (unsigned i = 0; i < ARRAY_SIZE(sigreturns); i++) {
		if (number != sigreturns[i].number ||
		    memcmp(raw + CODE_BEFORE - 2, sigreturns[i].instruction, 2) != 0)
			continue;
		ret->kind = sigreturns[i].kind;
		ret->address = sp - sigreturns[i].sp_skip;
		return true;
	}
	for (unsigned back = 0; back < CODE_BEFORE; back++) {
		struct bytes from = bytes_from(b, CODE_BEFORE - back);
		const struct restorer *r = restorer_match(from);

		/* at its start, behind its pop, or at the system call */
		if (!r || (back && (back != r->syscall_off ||
				    from.data[0] != r->code[0]) &&
			   (back != 1 || !r->pop)))
			continue;
		ret->kind = r->kind;
		ret->address = sp - sigframe_shapes[r->kind].sp_skip -
			       (back ? r->pop : 0);
		return true;
	}
	return false;
}

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

/* A frame of another kind may seem to be there, but not where it would be. */
static bool is_convincing(const struct frame_check *check)
{
	return check->restorer == TRI_YES ||
	       check->placement != SIGFRAME_PLACED_NOWHERE;
}

/* Frames in [from, to) that the chain has jumped over were returned from. */
static void count_stale(struct chase *c, uint64_t from, uint64_t to)
{
	const struct scan_hit *h = NULL;
	struct frame_check check;

	while ((h = candidates_next(&c->hits, h, from, to)))
		if (!is_link(c->chain, h->address) &&
		    facts_check(c->s, c->code, h->kind, h->address, &check) &&
		    is_convincing(&check))
			c->chain->stale++;
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
	c->at.gprs = f->regs;
	c->at.known = ALL_KNOWN;
	return NULL;
}

/* Unwinding says that there is a frame at `address`. */
static struct error *arrive_at(struct chase *c, enum sigframe_kind kind,
			       uint64_t address, unsigned evidence)
{
	uint64_t from = c->at.gprs.r[X86_RSP];
	struct frame_check check;
	struct error *err;

	/* in the restorer, the frame starts below the stack pointer */
	if (address < from)
		from = address;
	err = address < UINT64_MAX
		      ? candidates_scan(&c->hits, c->s, from, address + 1)
		      : NULL;
	if (err)
		return err;
	count_stale(c, from, address);
	if (!facts_check(c->s, c->code, kind, address, &check)) {
		incomplete(c, "the frame at 0x%" PRIx64 " cannot be read",
			   address);
		c->done = true;
		return NULL;
	}
	return arrive(c, &check, evidence);
}

static bool in_altstack(const struct sigframe *f, uint64_t addr)
{
	return f->altstack_size && addr >= f->altstack_sp &&
	       addr - f->altstack_sp <= f->altstack_size;
}

/*
 * May a context with stack pointer `sp`, on a stack that ends at `end`, be
 * inside the handler of this frame? Only where a frame leads tells a live one
 * from the rest: other threads' stacks may lie in the same mapping.
 */
static bool fits(const struct snapshot *s, const struct frame_check *check,
		 uint64_t sp, uint64_t end)
{
	const struct sigframe *f = &check->sigframe;
	uint64_t saved = f->regs.r[X86_RSP];
	bool entered = check->placement == SIGFRAME_PLACED_ALTSTACK;

	if (entered && !in_altstack(f, sp))
		return false;
	if (saved >= f->address && saved <= end)
		return saved >= check->end ||
		       (entered && !in_altstack(f, saved));
	if (saved >= sp && saved < f->address)
		return false;
	/* the end of a mapping is a stack's top before the first push */
	return snapshot_mapped(s, saved, PROT_WRITE) != TRI_NO ||
	       snapshot_mapped(s, saved - 1, PROT_WRITE) != TRI_NO;
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
		    is_convincing(&check) && fits(c->s, &check, from, end))
			count++;
	return count;
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
	uint64_t reach = candidates_stack_reach(c->s, from);
	uint64_t sp = from;
	struct error *err = candidates_scan(&c->hits, c->s, from, reach);
	const struct scan_hit *h = NULL;
	struct frame_check check;
	size_t doubtful = 0;

	if (err)
		return err;
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
		if (h->address < end && is_convincing(&check) &&
		    fits(c->s, &check, from, end)) {
			count_stale(c, from, h->address);
			incomplete(c,
				   "unwinding stops at pc 0x%" PRIx64
				   ", sp 0x%" PRIx64
				   " (%s), frames beyond are found by their "
				   "bytes alone",
				   r->pc, r->sp, r->why);
			return arrive(c, &check, FRAME_SCANNED);
		}
		/*
		 * Code that cannot be looked at might be a restorer; and a
		 * frame that leads nowhere may be live, and spoilt.
		 */
		if (!check.code_known || is_convincing(&check))
			doubtful++;
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
	else if (reach - from == CANDIDATES_STACK_MAX)
		incomplete(c,
			   "unwinding stops at pc 0x%" PRIx64
			   " (%s), and the stack is too large to search",
			   r->pc, r->why);
	else if (c->hits.missing_from < c->hits.missing_to)
		incomplete(c,
			   "the stack from 0x%" PRIx64 " to 0x%" PRIx64
			   " could not be read",
			   c->hits.missing_from, c->hits.missing_to);
	return NULL;
}

/*
 * The return address at the end of the walk is 0. That marks the outermost
 * function, or a frame whose pretcode was overwritten; or what unwinding went
 * by was.
 */
static struct error *look_at_end(struct chase *c, uint64_t sp)
{
	uint64_t from = c->at.gprs.r[X86_RSP];
	uint64_t end = candidates_stack_reach(c->s, from);
	struct error *err = candidates_scan(&c->hits, c->s, from,
					    end > sp ? end : sp);
	const struct scan_hit *h = NULL;
	struct frame_check check;

	if (err)
		return err;
	while ((h = candidates_next(&c->hits, h, from, sp))) {
		if (h->address + sigframe_shapes[h->kind].pointer != sp ||
		    !facts_check(c->s, c->code, h->kind, h->address, &check) ||
		    !is_convincing(&check))
			continue;
		count_stale(c, from, h->address);
		return arrive(c, &check, FRAME_UNWOUND);
	}
	c->done = true;

	size_t doubtful = count_doubtful(c, from, end, end);

	if (doubtful)
		incomplete(c,
			   "unwinding ends at a return address of 0 below sp "
			   "0x%" PRIx64 ", and %zu places on the stack may be "
			   "frames", sp, doubtful);
	else
		count_stale(c, from, sp);
	return NULL;
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
	struct error *err;

	c->chain->end_sp = r.sp;
	if (is_returning(c->code, regs, number, &frame))
		return arrive_at(c, frame.kind, frame.address,
				 c->chain->count ? FRAME_UNWOUND
						 : FRAME_RETURNING);
	if (c->u)
		unwind_segment(c->u, &c->at, &r);
	switch (r.end) {
	case UNWIND_FRAME:
		return arrive_at(c, r.kind, r.frame, FRAME_UNWOUND);
	case UNWIND_OUTERMOST:
		err = candidates_scan(&c->hits, c->s, regs->r[X86_RSP], r.sp);
		count_stale(c, regs->r[X86_RSP], r.sp);
		c->done = true;
		return err;
	case UNWIND_NOWHERE:
		return look_at_end(c, r.sp);
	case UNWIND_LOST:
		break;
	}
	return search_beyond(c, &r);
}

struct error *chain_follow(const struct snapshot *s, struct code *code,
			   struct unwind *u, const struct thread *t,
			   struct chain *ret)
{
	struct chase c = {
		.s = s,
		.code = code,
		.u = u,
		.chain = ret,
		.at = {
			.gprs = t->regs,
			.known = t->has & THREAD_HAS_GPRS ? ALL_KNOWN
							  : PC_SP_KNOWN,
		},
	};
	int64_t number = t->has & THREAD_HAS_GPRS ? t->orig_rax : t->syscall;
	struct error *err = NULL;

	*ret = (struct chain){ .complete = TRI_YES };
	while (!err && !c.done) {
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
	*c = (struct chain){ 0 };
}
