/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unwind.c - from one signal frame to the next by call frame information */
#include "locate/unwind.h"

#include <stdlib.h>

#include "base/hash.h"
#include "locate/candidates.h"
#include "locate/pointers.h"

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
	uint64_t cs;
	bool exact;
	enum code_class class;
	enum sigframe_kind kind;	/* CODE_RESTORER */
	enum pointers_start start;	/* CODE_NO_CFI */
	bool missing;			/* CODE_NO_CFI: nor the code itself */
	struct cfi_row row;		/* CODE_PLAIN */
};

enum { CODE_CACHE_BITS = 11 };

struct unwind {
	const struct snapshot *snapshot;
	struct code *code;
	struct modules *modules;
	struct unwind_step *steps;	/* of the last walk */
	size_t steps_room;
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
	u->modules = m;
	*ret = u;
	return NULL;
}

void unwind_destroy(struct unwind *u)
{
	if (u)
		free(u->steps);
	free(u);
}

static void classify(struct unwind *u, struct code_info *c)
{
	const struct code_effect *e = code_effect(u->code, c->pc, c->cs);
	uint64_t start;

	if (e->end == EMULATE_SIGRETURN && e->frame_known &&
	    e->back == sigframe_shapes[e->kind].sp_skip) {
		c->class = CODE_RESTORER;
		c->kind = e->kind;
		return;
	}
	/*
	 * A call may be its function's last instruction. A restorer is
	 * returned to without having called, so that nothing precedes it.
	 */
	if (modules_row(u->modules, c->exact ? c->pc : c->pc - 1, &c->row)) {
		c->class = CODE_PLAIN;
	} else if (!c->exact && modules_row(u->modules, c->pc, &c->row) &&
		   c->row.is_signal) {
		c->class = CODE_PLAIN;
	} else {
		c->class = CODE_NO_CFI;
		c->missing = e->end == EMULATE_UNREADABLE;
		if (modules_function(u->modules, c->pc, &start))
			c->start = pointers_start(u->code, start, c->pc);
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
					 uint64_t cs, bool exact)
{
	struct code_info *c =
		&u->cache[hash_place(pc ^ cs ^ exact, CODE_CACHE_BITS)];

	if (c->class == CODE_NEW || c->pc != pc || c->cs != cs ||
	    c->exact != exact) {
		*c = (struct code_info){ .pc = pc, .cs = cs, .exact = exact };
		classify(u, c);
	}
	return c;
}

static void lost(struct unwind_result *r, const char *why)
{
	r->end = UNWIND_LOST;
	r->why = why;
}

/* Room for one more step; NULL if there is no memory. */
static struct unwind_step *new_step(struct unwind *u, size_t count)
{
	if (count == u->steps_room) {
		size_t room = count ? 2 * count : 64;
		struct unwind_step *steps =
			reallocarray(u->steps, room, sizeof(*steps));

		if (!steps)
			return NULL;
		u->steps = steps;
		u->steps_room = room;
	}
	return &u->steps[count];
}

/* Then it is the memory there that the caller is not to be had from. */
static bool is_cfa_known(const struct cfi_row *row, const struct cfi_context *c)
{
	return row->cfa.how == CFI_REGISTER &&
	       row->cfa.reg < row->machine->regs &&
	       c->known & 1u << row->machine->reg[row->cfa.reg];
}

/* Does the stack that `sp` is on hold `caller`, too? It is above, then. */
static bool is_same_stack(const struct snapshot *s, uint64_t sp,
			  uint64_t caller)
{
	return caller > sp && (snapshot_mapping(s, sp) ==
				       snapshot_mapping(s, caller) ||
			       caller <= candidates_stack_reach(s, sp));
}

/* One step; false: this is the end, which *r tells. */
static bool walk(struct unwind *u, const struct code_info *code, bool exact,
		 struct cfi_context *c, struct unwind_result *r)
{
	struct unwind_step *step = new_step(u, r->steps_count);
	enum pointers_way way;

	if (!step) {
		lost(r, "there is no memory");
		return false;
	}
	*step = (struct unwind_step){
		.pc = c->gprs.r[X86_RIP],
		.sp = c->gprs.r[X86_RSP],
	};
	if (code->class != CODE_PLAIN) {
		way = pointers_step(u->snapshot, u->code, exact, code->start,
				    c, &step->slot);
		if (way == POINTERS_NONE) {
			lost(r, code->missing
					? "code that could not be read"
					: "code without unwind information");
			return false;
		}
		step->pointer = way == POINTERS_FRAME;
		r->pointers = true;
	} else {
		switch (cfi_step(&code->row, u->snapshot, c, &step->slot)) {
		case CFI_STEP_DONE:
			break;
		case CFI_STEP_OUTERMOST:
			r->end = UNWIND_OUTERMOST;
			return false;
		case CFI_STEP_NOWHERE:
			/* an end elsewhere is none of this stack */
			if (!is_same_stack(u->snapshot, r->sp,
					   c->gprs.r[X86_RSP])) {
				lost(r, "the stack pointer does not rise");
				r->astray = true;
				return false;
			}
			r->end = UNWIND_NOWHERE;
			r->sp = c->gprs.r[X86_RSP];
			r->steps_count++;
			return false;
		case CFI_STEP_FAILED:
			lost(r, "the caller cannot be computed");
			r->astray = is_cfa_known(&code->row, c);
			return false;
		}
	}
	step->ra = c->gprs.r[X86_RIP];
	r->steps_count++;
	return true;
}

static void walk_all(struct unwind *u, const struct cfi_context *start,
		     bool called, struct unwind_result *ret)
{
	struct cfi_context c = *start;

	for (unsigned step = 0; step < STEPS_MAX; step++) {
		bool exact = !step && !called;
		const struct code_info *code =
			code_info(u, c.gprs.r[X86_RIP], c.gprs.r[X86_CS],
				  exact);

		ret->pc = c.gprs.r[X86_RIP];
		ret->sp = c.gprs.r[X86_RSP];
		if (code->class == CODE_RESTORER) {
			ret->end = UNWIND_FRAME;
			ret->kind = code->kind;
			ret->frame = ret->sp -
				     sigframe_shapes[code->kind].sp_skip;
			return;
		}
		if (!walk(u, code, exact, &c, ret))
			return;
		if (!(c.known & 1u << X86_RSP)) {
			lost(ret, "the stack pointer is not known");
			return;
		}
		if (!is_same_stack(u->snapshot, ret->sp, c.gprs.r[X86_RSP])) {
			lost(ret, "the stack pointer does not rise");
			ret->astray = ret->has_onward = true;
			ret->onward = c;
			return;
		}
	}
	lost(ret, "too many calls");
}

static void segment(struct unwind *u, const struct cfi_context *start,
		    bool called, struct unwind_result *ret)
{
	ret->steps_count = 0;
	ret->pointers = false;
	ret->astray = ret->has_onward = false;
	walk_all(u, start, called, ret);
	ret->steps = u->steps;
}

void unwind_segment(struct unwind *u, const struct cfi_context *start,
		    struct unwind_result *ret)
{
	segment(u, start, false, ret);
}

void unwind_onward(struct unwind *u, const struct cfi_context *start,
		   struct unwind_result *ret)
{
	segment(u, start, true, ret);
}

bool unwind_starts_at(struct unwind *u, uint64_t pc, uint64_t start)
{
	uint64_t found;

	return modules_function(u->modules, pc, &found) && found == start;
}

bool unwind_start_of(struct unwind *u, uint64_t pc, uint64_t *ret)
{
	return modules_function(u->modules, pc, ret);
}

/* A function that has pushed nothing yet may start here. */
static bool may_start(const struct cfi_row *row, uint64_t pc)
{
	return row->start == pc && row->cfa.how == CFI_REGISTER &&
	       row->cfa.offset == row->machine->word &&
	       row->cfa.reg < row->machine->regs &&
	       row->machine->reg[row->cfa.reg] == X86_RSP;
}

bool unwind_is_inside(struct unwind *u, uint64_t pc, uint64_t cs)
{
	const struct code_info *c = code_info(u, pc, cs, true);

	return c->class == CODE_PLAIN && !may_start(&c->row, pc);
}

bool unwind_is_outermost(struct unwind *u, uint64_t pc, uint64_t cs)
{
	const struct code_info *c = code_info(u, pc, cs, false);

	return c->class == CODE_PLAIN &&
	       c->row.rules[c->row.ra].how == CFI_UNDEFINED;
}
