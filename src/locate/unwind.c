/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unwind.c - from one signal frame to the next by call frame information */
#include "locate/unwind.h"

#include <stdlib.h>

/* A stack deeper than this is taken for a loop. */
enum { STEPS_MAX = 10000 };

/* What an address of code is to the walk; the same for all threads. */
enum code_class {
	CODE_NEW,		/* not looked at yet */
	CODE_PLAIN,
	CODE_NO_CFI,
	CODE_RESTORER,
};

struct code_info {
	uint64_t pc;
	bool exact;
	enum code_class class;
	enum sigframe_kind kind;	/* CODE_RESTORER */
	struct cfi_row row;		/* CODE_PLAIN */
};

enum { CODE_CACHE_BITS = 11 };

struct unwind {
	const struct snapshot *snapshot;
	struct code *code;
	Dwfl *dwfl;
	struct code_info cache[1 << CODE_CACHE_BITS];	/* by hashed pc */
};

struct error *unwind_create(const struct snapshot *s, struct modules *m,
			    struct code *code, struct unwind **ret)
{
	struct unwind *u = calloc(1, sizeof(*u));

	if (!u)
		return &error_no_memory;
	u->snapshot = s;
	u->code = code;
	u->dwfl = modules_dwfl(m);
	*ret = u;
	return NULL;
}

void unwind_destroy(struct unwind *u)
{
	free(u);
}

/* The restorer that starts at `pc`, or NULL. */
static const struct restorer *restorer_at(struct code *code, uint64_t pc)
{
	uint8_t raw[RESTORER_MAX];
	enum run_end end;
	size_t size = code_read(code, pc, raw, sizeof(raw), &end);

	return restorer_match((struct bytes){ raw, size, pc });
}

static void classify(struct unwind *u, struct code_info *c)
{
	const struct restorer *restorer = restorer_at(u->code, c->pc);

	if (restorer) {
		c->class = CODE_RESTORER;
		c->kind = restorer->kind;
		return;
	}
	/*
	 * A call may be its function's last instruction. A restorer is
	 * returned to without having called, so that nothing precedes it.
	 */
	if (cfi_find(u->dwfl, c->exact ? c->pc : c->pc - 1, &c->row)) {
		c->class = CODE_PLAIN;
	} else if (!c->exact && cfi_find(u->dwfl, c->pc, &c->row) &&
		   c->row.is_signal) {
		c->class = CODE_PLAIN;
	} else {
		c->class = CODE_NO_CFI;
		return;
	}
	if (c->row.is_signal) {
		c->class = CODE_RESTORER;
		c->kind = c->row.machine == &cfi_machine_32
				  ? SIGFRAME_IA32_RT
				  : SIGFRAME_X86_64;
	}
}

/* `exact`: pc is the next instruction to execute, not one behind a call. */
static const struct code_info *code_info(struct unwind *u, uint64_t pc,
					 bool exact)
{
	uint64_t hash = (pc ^ exact) * UINT64_C(0x9e3779b97f4a7c15);
	struct code_info *c = &u->cache[hash >> (64 - CODE_CACHE_BITS)];

	if (c->class == CODE_NEW || c->pc != pc || c->exact != exact) {
		*c = (struct code_info){ .pc = pc, .exact = exact };
		classify(u, c);
	}
	return c;
}

static void lost(struct unwind_result *r, const char *why)
{
	r->end = UNWIND_LOST;
	r->why = why;
}

void unwind_segment(struct unwind *u, const struct cfi_context *start,
		    struct unwind_result *ret)
{
	struct cfi_context c = *start;

	for (unsigned step = 0; step < STEPS_MAX; step++) {
		const struct code_info *code =
			code_info(u, c.gprs.r[X86_RIP], step == 0);

		ret->pc = c.gprs.r[X86_RIP];
		ret->sp = c.gprs.r[X86_RSP];
		if (code->class == CODE_RESTORER) {
			ret->end = UNWIND_FRAME;
			ret->kind = code->kind;
			ret->frame = ret->sp -
				     sigframe_shapes[code->kind].sp_skip;
			return;
		}
		if (code->class != CODE_PLAIN) {
			lost(ret, "code without unwind information");
			return;
		}
		switch (cfi_step(&code->row, u->snapshot, &c)) {
		case CFI_STEP_DONE:
			break;
		case CFI_STEP_OUTERMOST:
			ret->end = UNWIND_OUTERMOST;
			return;
		case CFI_STEP_NOWHERE:
			ret->end = UNWIND_NOWHERE;
			ret->sp = c.gprs.r[X86_RSP];
			return;
		case CFI_STEP_FAILED:
			lost(ret, "the caller cannot be computed");
			return;
		}
		if (!(c.known & 1u << X86_RSP) ||
		    c.gprs.r[X86_RSP] <= ret->sp) {
			lost(ret, "the stack pointer does not rise");
			return;
		}
	}
	lost(ret, "too many calls");
}
