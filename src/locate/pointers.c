/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pointers.c - one step up the stack through code that says nothing about it */
#include "locate/pointers.h"

#include <sys/mman.h>

#include "locate/calls.h"
#include "locate/candidates.h"

enum tri pointers_is_return(const struct snapshot *s, struct code *code,
			    uint64_t ra, uint64_t cs)
{
	struct calls_site call;

	if (snapshot_mapped(s, ra, PROT_EXEC) == TRI_NO)
		return TRI_NO;
	calls_before(code, ra, cs, &call);
	if (call.present != TRI_YES &&
	    code_effect(code, ra, cs)->end == EMULATE_SIGRETURN)
		return TRI_YES;
	return call.present;
}

/* The step under way. */
struct pointers {
	const struct snapshot *s;
	struct code *code;
	const struct cfi_context *from;
	uint64_t sp;
	uint64_t reach;		/* the stack is [sp, reach) at most */
	unsigned word;
	uint64_t cs;
};

static bool get_word(const struct pointers *p, uint64_t addr, uint64_t *ret)
{
	uint8_t raw[8];
	enum run_end end;

	return addr >= p->sp && addr < p->reach &&
	       p->reach - addr >= p->word &&
	       snapshot_read(p->s, addr, raw, p->word, &end) == p->word &&
	       bytes_word((struct bytes){ raw, p->word, addr }, 0, p->word,
			  ret);
}

/* Is there a return address at `slot`? */
static bool get_return(const struct pointers *p, uint64_t slot, uint64_t *ret)
{
	return get_word(p, slot, ret) &&
	       pointers_is_return(p->s, p->code, *ret, p->cs) == TRI_YES;
}

/* Registers that calls preserve and nobody has touched yet. */
static void arrive(const struct pointers *p, uint64_t slot, uint64_t ra,
		   struct cfi_context *c)
{
	c->gprs.r[X86_RIP] = ra;
	c->gprs.r[X86_RSP] = slot + p->word;
	c->known |= 1u << X86_RIP | 1u << X86_RSP;
}

static bool by_instructions(const struct pointers *p, struct cfi_context *c,
			    uint64_t *slot_ret)
{
	struct emulate_result run;
	uint64_t ra;

	code_emulate(p->code, &p->from->gprs, p->from->known, p->s, &run);
	if (run.end != EMULATE_RETURN || !run.sp_known ||
	    !get_return(p, run.sp, &ra))
		return false;
	c->gprs = run.gprs;
	c->known = run.known;
	arrive(p, run.sp, ra, c);
	c->gprs.r[X86_RSP] += run.popped;
	*slot_ret = run.sp;
	return true;
}

/* Instructions with which functions start, and what has been pushed there. */
static const struct {
	uint8_t skip;		/* bytes before pc */
	uint8_t size;
	uint8_t code[6];
	uint8_t pushed;		/* words above the stack pointer: rbp */
} starts[] = {
	{ 0, 1, { 0x55 }, 0 },				/* push %rbp */
	{ 0, 5, { 0xf3, 0x0f, 0x1e, 0xfa, 0x55 }, 0 },	/* behind endbr64 */
	{ 0, 5, { 0xf3, 0x0f, 0x1e, 0xfb, 0x55 }, 0 },	/* behind endbr32 */
	{ 1, 4, { 0x55, 0x48, 0x89, 0xe5 }, 1 },	/* mov %rsp,%rbp */
	{ 1, 4, { 0x55, 0x48, 0x8b, 0xec }, 1 },
	{ 1, 3, { 0x55, 0x89, 0xe5 }, 1 },		/* mov %esp,%ebp */
	{ 1, 3, { 0x55, 0x8b, 0xec }, 1 },
	{ 0, 2, { 0xff, 0x25 }, 0 },			/* jmp *mem: a PLT */
	{ 0, 2, { 0xff, 0xa3 }, 0 },
	{ 0, 3, { 0xf2, 0xff, 0x25 }, 0 },
	{ 0, 6, { 0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25 }, 0 },
};

/* The return address is above `pushed` words, the first of which is rbp. */
static bool by_pushes(const struct pointers *p, unsigned pushed,
		      struct cfi_context *c, uint64_t *slot_ret)
{
	uint64_t slot = p->sp + pushed * p->word;
	uint64_t ra, saved;

	if (!get_return(p, slot, &ra))
		return false;
	if (pushed) {
		if (!get_word(p, p->sp, &saved))
			return false;
		c->gprs.r[X86_RBP] = saved;
		c->known |= 1u << X86_RBP;
	}
	arrive(p, slot, ra, c);
	*slot_ret = slot;
	return true;
}

static bool by_start(const struct pointers *p, struct cfi_context *c,
		     uint64_t *slot_ret)
{
	uint64_t pc = p->from->gprs.r[X86_RIP];

	for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		uint8_t raw[sizeof(starts[i].code)];
		enum run_end end;

		if (code_read(p->code, pc - starts[i].skip, raw,
			      starts[i].size, &end) == starts[i].size &&
		    !memcmp(raw, starts[i].code, starts[i].size) &&
		    by_pushes(p, starts[i].pushed, c, slot_ret))
			return true;
	}
	return false;
}

/*
 * What the frame pointer points to was pushed when the function began: the
 * caller's, which lies further up unless there was none or a signal came in
 * between.
 */
static bool by_frame_pointer(const struct pointers *p, bool is_set,
			     struct cfi_context *c, uint64_t *slot_ret)
{
	uint64_t bp = p->from->gprs.r[X86_RBP];
	uint64_t saved, ra;

	if (!(p->from->known & 1u << X86_RBP) || bp % p->word ||
	    !get_word(p, bp, &saved) || !get_return(p, bp + p->word, &ra))
		return false;
	if (!is_set && saved && (saved <= bp || saved >= p->reach) &&
	    code_effect(p->code, ra, p->cs)->end != EMULATE_SIGRETURN)
		return false;
	c->gprs.r[X86_RBP] = saved;
	c->known = 1u << X86_RBP;
	arrive(p, bp + p->word, ra, c);
	*slot_ret = bp + p->word;
	return true;
}

/*
 * Is a restorer's address on top of the stack? Then this may well be a handler
 * that has no frame of its own, and the frame pointer that of another.
 */
static bool on_restorer(const struct pointers *p)
{
	uint64_t ra;

	return get_word(p, p->sp, &ra) &&
	       code_effect(p->code, ra, p->cs)->end == EMULATE_SIGRETURN;
}

/* Length of what may precede: endbr, and where 32-bit code looks for itself. */
static unsigned skip_start(const uint8_t *b)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e };
	unsigned skip = memcmp(b, endbr, sizeof(endbr)) ? 0 : 4;

	/* call to a thunk, add $imm32,%eax or another register */
	if (b[skip] != 0xe8)
		return skip;
	if (b[skip + 5] == 0x05)
		return skip + 10;
	return b[skip + 5] == 0x81 && b[skip + 6] >> 3 == 0x18 ? skip + 11
								: skip;
}

enum pointers_start pointers_start(struct code *code, uint64_t start,
				   uint64_t pc)
{
	static const struct {
		uint8_t size;
		uint8_t code[4];
	} pushes[] = {
		{ 4, { 0x55, 0x48, 0x89, 0xe5 } },
		{ 4, { 0x55, 0x48, 0x8b, 0xec } },
		{ 3, { 0x55, 0x89, 0xe5 } },
		{ 3, { 0x55, 0x8b, 0xec } },
	};
	uint8_t raw[24];
	enum run_end end;

	if (pc == start)
		return POINTERS_BEFORE;
	if (pc < start || code_read(code, start, raw, sizeof(raw), &end) !=
				  sizeof(raw))
		return POINTERS_UNKNOWN;

	unsigned skip = skip_start(raw);

	for (unsigned i = 0; i < sizeof(pushes) / sizeof(pushes[0]); i++) {
		if (memcmp(raw + skip, pushes[i].code, pushes[i].size) != 0)
			continue;
		if (pc - start <= skip)
			return POINTERS_BEFORE;
		return pc - start >= skip + pushes[i].size ? POINTERS_SET
							   : POINTERS_PUSHED;
	}
	return POINTERS_UNKNOWN;
}

enum pointers_way pointers_step(const struct snapshot *s, struct code *code,
				bool exact, enum pointers_start start,
				struct cfi_context *c, uint64_t *slot_ret)
{
	struct cfi_context next = *c;
	struct pointers p = {
		.s = s,
		.code = code,
		.from = c,
		.sp = c->gprs.r[X86_RSP],
		.cs = c->gprs.r[X86_CS],
		.word = x86_gprs_is_32bit(&c->gprs) ? 4 : 8,
	};
	enum pointers_way way = POINTERS_NONE;

	if (!(c->known & 1u << X86_RSP))
		return POINTERS_NONE;
	p.reach = candidates_stack_reach(s, p.sp);
	if (start == POINTERS_BEFORE || start == POINTERS_PUSHED) {
		if (by_pushes(&p, start == POINTERS_PUSHED, &next, slot_ret))
			way = POINTERS_EXACT;
	} else if (exact && (by_instructions(&p, &next, slot_ret) ||
			     by_start(&p, &next, slot_ret))) {
		way = POINTERS_EXACT;
	} else if (!(exact && on_restorer(&p))) {
		next = *c;
		if (by_frame_pointer(&p, start == POINTERS_SET, &next,
				     slot_ret))
			way = POINTERS_FRAME;
	}
	if (way != POINTERS_NONE)
		*c = next;
	return way;
}
