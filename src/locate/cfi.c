/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cfi.c - one step up the stack by call frame information */
#include "locate/cfi.h"

#include <dwarf.h>

const struct cfi_machine cfi_machine_64 = {
	.word = 8,
	.regs = X86_DWARF_REGS,
	.reg = {
		X86_RAX, X86_RDX, X86_RCX, X86_RBX, X86_RSI, X86_RDI,
		X86_RBP, X86_RSP, X86_R8, X86_R9, X86_R10, X86_R11,
		X86_R12, X86_R13, X86_R14, X86_R15, X86_RIP,
	},
	.kept = 1u << 3 | 1u << 6 | 0xfu << 12,
};

const struct cfi_machine cfi_machine_32 = {
	.word = 4,
	.regs = 9,
	.reg = {
		X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP,
		X86_RSI, X86_RDI, X86_RIP,
	},
	.kept = 1u << 3 | 1u << 5 | 1u << 6 | 1u << 7,
};

enum { STACK_MAX = 16 };

static const struct cfi_machine *machine_of(unsigned word)
{
	return word == 8 ? &cfi_machine_64 : word == 4 ? &cfi_machine_32 : NULL;
}

static bool rule_is_sound(const struct cfi_rule *rule, unsigned ops_count)
{
	return rule->how <= CFI_EXPRESSION && rule->reg < CFI_REGS &&
	       rule->first <= ops_count &&
	       rule->count <= ops_count - rule->first;
}

bool cfi_row_make(const struct cfi_said *said, const struct cfi_op *ops,
		  struct cfi_row *ret)
{
	const struct cfi_machine *machine = machine_of(said->word);

	if (!machine || said->ra >= machine->regs ||
	    (said->cfa.how != CFI_REGISTER && said->cfa.how != CFI_EXPRESSION) ||
	    !rule_is_sound(&said->cfa, said->ops_count))
		return false;
	*ret = (struct cfi_row){
		.machine = machine,
		.start = said->start,
		.is_signal = said->is_signal,
		.ra = said->ra,
		.cfa = said->cfa,
		.ops = ops,
	};
	for (unsigned i = 0; i < machine->regs; i++) {
		struct cfi_rule *rule = &ret->rules[i];

		*rule = said->rules[i];
		if (!rule_is_sound(rule, said->ops_count))
			return false;
		/* what nothing is said of; libdw forgets rbx */
		if (rule->how == CFI_UNDEFINED && machine->kept & 1u << i)
			rule->how = CFI_SAME;
		if (rule->how == CFI_SAME)
			ret->same |= 1u << machine->reg[i];
		else if (rule->how != CFI_UNDEFINED &&
			 machine->reg[i] != X86_RIP)
			ret->active[ret->active_count++] = (uint8_t)i;
	}
	return true;
}

/* A step under way: the registers before it. */
struct evaluation {
	const struct cfi_machine *machine;
	const struct cfi_op *ops;
	const struct snapshot *s;
	const struct cfi_context *c;
	uint64_t cfa;
};

static uint64_t cut(const struct cfi_machine *m, uint64_t value)
{
	return m->word == 8 ? value : (uint32_t)value;
}

static bool get_register(const struct evaluation *e, uint64_t number,
			 uint64_t *ret)
{
	if (number >= e->machine->regs)
		return false;

	enum x86_reg reg = e->machine->reg[number];

	if (!(e->c->known & 1u << reg))
		return false;
	*ret = e->c->gprs.r[reg];
	return true;
}

static bool get_word(const struct evaluation *e, uint64_t addr, uint64_t *ret)
{
	return snapshot_word(e->s, addr, e->machine->word, ret);
}

/* Operations on the two topmost values; false if it is not one of them. */
static bool binary_op(uint64_t atom, uint64_t a, uint64_t b, uint64_t *ret)
{
	switch (atom) {
	case DW_OP_and: *ret = a & b; return true;
	case DW_OP_or: *ret = a | b; return true;
	case DW_OP_xor: *ret = a ^ b; return true;
	case DW_OP_plus: *ret = a + b; return true;
	case DW_OP_minus: *ret = a - b; return true;
	case DW_OP_mul: *ret = a * b; return true;
	case DW_OP_shl: *ret = b < 64 ? a << b : 0; return true;
	case DW_OP_shr: *ret = b < 64 ? a >> b : 0; return true;
	case DW_OP_eq: *ret = a == b; return true;
	case DW_OP_ne: *ret = a != b; return true;
	case DW_OP_ge: *ret = (int64_t)a >= (int64_t)b; return true;
	case DW_OP_gt: *ret = (int64_t)a > (int64_t)b; return true;
	case DW_OP_le: *ret = (int64_t)a <= (int64_t)b; return true;
	case DW_OP_lt: *ret = (int64_t)a < (int64_t)b; return true;
	default: return false;
	}
}

/* Operations that put a value on the stack. */
static bool push_op(const struct evaluation *e, const struct cfi_op *op,
		    uint64_t *ret)
{
	uint64_t atom = op->atom;

	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31) {
		*ret = atom - DW_OP_lit0;
		return true;
	}
	if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31) {
		if (!get_register(e, atom - DW_OP_breg0, ret))
			return false;
		*ret += op->number;
		return true;
	}
	switch (atom) {
	case DW_OP_bregx:
		if (!get_register(e, op->number, ret))
			return false;
		*ret += op->number2;
		return true;
	case DW_OP_call_frame_cfa:
		*ret = e->cfa;
		return true;
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		*ret = op->number;
		return true;
	default:
		return false;
	}
}

/* What compilers and C libraries write; no branches. */
static bool evaluate(const struct evaluation *e, const struct cfi_rule *rule,
		     uint64_t *ret)
{
	uint64_t stack[STACK_MAX] = { 0 };
	unsigned depth = 0;

	for (unsigned i = 0; i < rule->count; i++) {
		const struct cfi_op *op = &e->ops[rule->first + i];
		uint64_t *top = depth ? &stack[depth - 1] : NULL;
		uint64_t value;

		if (op->atom == DW_OP_nop)
			continue;
		if (top && op->atom == DW_OP_plus_uconst) {
			*top += op->number;
		} else if (top && op->atom == DW_OP_deref) {
			if (!get_word(e, cut(e->machine, *top), top))
				return false;
		} else if (depth >= 2 &&
			   binary_op(op->atom, stack[depth - 2], *top,
				     &value)) {
			stack[--depth - 1] = value;
		} else if (depth < STACK_MAX && push_op(e, op, &value)) {
			stack[depth++] = value;
		} else {
			return false;
		}
	}
	if (!depth)
		return false;
	*ret = stack[depth - 1];
	return true;
}

/* *slot_ret: where it is in memory, 0 if it is not. */
static bool apply(const struct evaluation *e, const struct cfi_rule *rule,
		  unsigned number, uint64_t *slot_ret, uint64_t *ret)
{
	uint64_t value = 0;

	*slot_ret = 0;
	switch ((enum cfi_how)rule->how) {
	case CFI_UNDEFINED:
	case CFI_UNKNOWN:
		return false;
	case CFI_SAME:
		return get_register(e, number, ret);
	case CFI_CFA:
		*ret = e->cfa + (uint64_t)rule->offset;
		return true;
	case CFI_REGISTER:
		if (!get_register(e, rule->reg, &value))
			return false;
		*ret = value + (uint64_t)rule->offset;
		return true;
	case CFI_EXPRESSION:
		return evaluate(e, rule, ret);
	case CFI_SAVED:
		value = e->cfa + (uint64_t)rule->offset;
		break;
	case CFI_SAVED_EXPRESSION:
		if (!evaluate(e, rule, &value))
			return false;
		break;
	}
	*slot_ret = cut(e->machine, value);
	return get_word(e, *slot_ret, ret);
}

enum cfi_step cfi_step(const struct cfi_row *row, const struct snapshot *s,
		       struct cfi_context *c, uint64_t *slot_ret)
{
	const struct cfi_machine *m = row->machine;
	struct evaluation e = { .machine = m, .ops = row->ops, .s = s, .c = c };
	uint32_t known = c->known & row->same;
	uint64_t values[CFI_REGS];
	uint64_t pc, slot;

	*slot_ret = 0;
	if (row->rules[row->ra].how == CFI_UNDEFINED)
		return CFI_STEP_OUTERMOST;
	if (!apply(&e, &row->cfa, 0, &slot, &e.cfa))
		return CFI_STEP_FAILED;
	e.cfa = cut(m, e.cfa);
	if (!apply(&e, &row->rules[row->ra], row->ra, slot_ret, &pc))
		return CFI_STEP_FAILED;
	if (!cut(m, pc)) {
		/* all that is known of the caller is where its stack begins */
		c->gprs.r[X86_RSP] = e.cfa;
		return CFI_STEP_NOWHERE;
	}

	for (unsigned i = 0; i < row->active_count; i++) {
		unsigned number = row->active[i];

		if (apply(&e, &row->rules[number], number, &slot, &values[i]))
			known |= 1u << m->reg[number];
		else
			values[i] = c->gprs.r[m->reg[number]];
	}
	for (unsigned i = 0; i < row->active_count; i++)
		c->gprs.r[m->reg[row->active[i]]] = values[i];
	c->gprs.r[X86_RIP] = pc;
	for (unsigned i = 0; i < m->regs && m->word == 4; i++)
		c->gprs.r[m->reg[i]] = cut(m, c->gprs.r[m->reg[i]]);
	c->known = known | 1u << X86_RIP;
	return CFI_STEP_DONE;
}
