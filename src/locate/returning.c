/* SPDX-License-Identifier: GPL-3.0-or-later */
/* returning.c - is a context on its way back from a handler? */
#include "locate/returning.h"

#include "locate/candidates.h"
#include "locate/facts.h"
#include "locate/registered.h"

/* In sigreturn itself, by the number and the instruction behind it. */
static bool is_in_sigreturn(struct code *code, const struct x86_gprs *regs,
			    int64_t number, struct scan_hit *ret)
{
	static const uint8_t wide_call[] = { 0x0f, 0x05 };
	static const uint8_t narrow_call[] = { 0xcd, 0x80 };
	uint64_t pc = regs->r[X86_RIP];
	uint8_t raw[2];
	enum run_end end;

	if (number < 0 || pc < sizeof(raw) ||
	    code_read(code, pc - sizeof(raw), raw, sizeof(raw), &end) !=
		    sizeof(raw))
		return false;

	bool wide = !memcmp(raw, wide_call, sizeof(raw));

	if ((!wide && memcmp(raw, narrow_call, sizeof(raw)) != 0) ||
	    !emulate_number((uint64_t)number, wide, &ret->kind))
		return false;
	ret->address = emulate_frame(ret->kind, regs->r[X86_RSP]);
	return true;
}

/*
 * Behind the first instruction of a restorer of which nothing but the address
 * is known. The known ones leave the stack pointer alone, but for one that
 * frames of old ia32 handlers have, which pops first.
 */
static bool is_inside(const struct snapshot *s, struct code *code,
		      const struct x86_gprs *regs, struct scan_hit *ret)
{
	uint64_t pc = regs->r[X86_RIP];
	struct frame_check check;

	for (uint64_t back = 1; back < RESTORER_MAX && back <= pc; back++) {
		if (!registered_kind(s, pc - back, regs->r[X86_CS],
				     &ret->kind))
			continue;

		const struct sigframe_shape *shape =
			&sigframe_shapes[ret->kind];

		ret->address = regs->r[X86_RSP] - shape->sp_skip;
		if (facts_check(s, code, ret->kind, ret->address, &check) &&
		    check.placement != SIGFRAME_PLACED_NOWHERE)
			return true;
		ret->address = regs->r[X86_RSP] - shape->call_skip;
		return facts_check(s, code, ret->kind, ret->address, &check) &&
		       check.placement != SIGFRAME_PLACED_NOWHERE;
	}
	return false;
}

bool returning_from(const struct snapshot *s, struct code *code,
		    const struct cfi_context *at, int64_t number,
		    struct scan_hit *ret)
{
	const struct x86_gprs *regs = &at->gprs;
	const struct code_effect *e =
		code_effect(code, regs->r[X86_RIP], regs->r[X86_CS]);
	struct emulate_result run;

	if (is_in_sigreturn(code, regs, number, ret))
		return true;
	if (e->end == EMULATE_UNREADABLE)
		return is_inside(s, code, regs, ret);
	if (e->end == EMULATE_SIGRETURN && e->frame_known) {
		ret->kind = e->kind;
		ret->address = regs->r[X86_RSP] - e->back;
		return true;
	}
	if (e->end != EMULATE_SIGRETURN && e->end != EMULATE_NUMBER)
		return false;
	/* half of it is done: it depends on the registers */
	code_emulate(code, regs, at->known, s, &run);
	ret->kind = run.kind;
	ret->address = run.frame;
	return run.end == EMULATE_SIGRETURN && run.sp_known;
}

bool returning_unseen(const struct snapshot *s, struct code *code,
		      const struct cfi_context *at)
{
	const struct x86_gprs *regs = &at->gprs;
	uint64_t sp = regs->r[X86_RSP];
	struct candidates below = { 0 };
	struct error *err;
	bool found;

	/* if they are known, returning_from() has looked at all restorers */
	if (s->actions_known || sp < sizeof(uint64_t) ||
	    code_effect(code, regs->r[X86_RIP], regs->r[X86_CS])->end !=
		    EMULATE_UNREADABLE)
		return false;
	err = candidates_scan(&below, s, sp - sizeof(uint64_t), sp);
	found = err != NULL;
	for (unsigned kind = 0; kind < SIGFRAME_KINDS; kind++)
		found |= candidates_find(&below, kind,
					 sp - sigframe_shapes[kind].sp_skip) !=
			 NULL;
	candidates_deinit(&below);
	error_free(err);
	return found;
}
