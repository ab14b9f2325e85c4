/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emulate.c - where a few instructions in a row lead to */
#include "locate/emulate.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "locate/decoder.h"

enum { STORES_MAX = 8 };

struct emulator {
	struct decoder decoder;
};

/* A value that may not be known. */
struct value {
	uint64_t bits;
	bool known;
};

/* One run: registers as they are now, and what has been pushed. */
struct machine {
	const struct emulate_start *start;
	bool wide;
	uint64_t r[X86_DWARF_REGS];
	uint32_t known;
	struct {
		uint64_t addr;
		struct value value;
	} stores[STORES_MAX];
	unsigned stores_count;
};

/* What a capstone register is a part of. */
struct part {
	uint8_t size;		/* bytes; 0: none of these */
	uint8_t reg;		/* enum x86_reg */
	uint8_t shift;
};

#define PARTS_OLD(l)                                                           \
	[X86_REG_R##l##X] = { 8, X86_R##l##X, 0 },                             \
	[X86_REG_E##l##X] = { 4, X86_R##l##X, 0 },                             \
	[X86_REG_##l##X] = { 2, X86_R##l##X, 0 },                              \
	[X86_REG_##l##L] = { 1, X86_R##l##X, 0 },                              \
	[X86_REG_##l##H] = { 1, X86_R##l##X, 8 }
#define PARTS_INDEX(l)                                                         \
	[X86_REG_R##l] = { 8, X86_R##l, 0 },                                   \
	[X86_REG_E##l] = { 4, X86_R##l, 0 },                                   \
	[X86_REG_##l] = { 2, X86_R##l, 0 },                                    \
	[X86_REG_##l##L] = { 1, X86_R##l, 0 }
#define PARTS_NEW(n)                                                           \
	[X86_REG_R##n] = { 8, X86_R##n, 0 },                                   \
	[X86_REG_R##n##D] = { 4, X86_R##n, 0 },                                \
	[X86_REG_R##n##W] = { 2, X86_R##n, 0 },                                \
	[X86_REG_R##n##B] = { 1, X86_R##n, 0 }

static const struct part parts[X86_REG_ENDING] = {
	PARTS_OLD(A), PARTS_OLD(B), PARTS_OLD(C), PARTS_OLD(D),
	PARTS_INDEX(SI), PARTS_INDEX(DI), PARTS_INDEX(BP), PARTS_INDEX(SP),
	PARTS_NEW(8), PARTS_NEW(9), PARTS_NEW(10), PARTS_NEW(11),
	PARTS_NEW(12), PARTS_NEW(13), PARTS_NEW(14), PARTS_NEW(15),
};

bool emulate_number(uint64_t number, bool wide, enum sigframe_kind *ret)
{
	for (unsigned i = 0; i < SIGFRAME_KINDS; i++) {
		const struct sigframe_shape *shape = &sigframe_shapes[i];

		if (shape->header ? wide : !wide)
			continue;
		if (shape->call != number)
			continue;
		*ret = (enum sigframe_kind)i;
		return true;
	}
	return false;
}

uint64_t emulate_frame(enum sigframe_kind kind, uint64_t sp)
{
	return sp - sigframe_shapes[kind].call_skip;
}

struct error *emulator_create(struct emulator **ret)
{
	struct emulator *e = calloc(1, sizeof(*e));

	if (!e)
		return &error_no_memory;
	decoder_init(&e->decoder, CS_OPT_DETAIL, CS_OPT_ON);
	*ret = e;
	return NULL;
}

void emulator_destroy(struct emulator *e)
{
	if (!e)
		return;
	decoder_deinit(&e->decoder);
	free(e);
}

static const struct value unknown = { 0, false };

static struct value constant(uint64_t bits)
{
	return (struct value){ bits, true };
}

static uint64_t low(uint64_t bits, unsigned size)
{
	return size >= 8 ? bits : bits & ((UINT64_C(1) << 8 * size) - 1);
}

static unsigned word(const struct machine *m)
{
	return m->wide ? 8 : 4;
}

static struct value get(const struct machine *m, unsigned reg)
{
	return m->known & 1u << reg ? constant(low(m->r[reg], word(m)))
				    : unknown;
}

static void set(struct machine *m, unsigned reg, struct value v)
{
	m->known &= ~(1u << reg);
	if (v.known)
		m->known |= 1u << reg;
	m->r[reg] = v.bits;
}

static struct value get_part(const struct machine *m, struct part p)
{
	struct value v = get(m, p.reg);

	return v.known ? constant(low(v.bits >> p.shift, p.size)) : unknown;
}

/* A 32-bit result clears the upper half, smaller ones leave the rest. */
static void set_part(struct machine *m, struct part p, struct value v)
{
	struct value old = get(m, p.reg);
	uint64_t mask;

	if (p.size >= 4) {
		v.bits = low(v.bits, p.size);
		set(m, p.reg, v);
		return;
	}
	mask = low(UINT64_MAX, p.size) << p.shift;
	if (!old.known || !v.known) {
		set(m, p.reg, unknown);
		return;
	}
	set(m, p.reg, constant((old.bits & ~mask) |
			       (v.bits << p.shift & mask)));
}

static struct value load(const struct machine *m, uint64_t addr, unsigned size)
{
	uint64_t bits;

	for (unsigned i = m->stores_count; i-- > 0;) {
		uint64_t at = m->stores[i].addr;

		if (at == addr && size == word(m))
			return m->stores[i].value;
		if (at - addr < size || addr - at < word(m))
			return unknown;
	}
	if (!m->start->memory ||
	    !snapshot_word(m->start->memory, addr, size, &bits))
		return unknown;
	return constant(bits);
}

static bool push(struct machine *m, struct value v)
{
	struct value sp = get(m, X86_RSP);

	if (!sp.known || m->stores_count == STORES_MAX)
		return false;
	sp.bits = low(sp.bits - word(m), word(m));
	set(m, X86_RSP, sp);
	m->stores[m->stores_count].addr = sp.bits;
	m->stores[m->stores_count++].value = v;
	return true;
}

static bool pop(struct machine *m, struct value *ret)
{
	struct value sp = get(m, X86_RSP);

	if (!sp.known)
		return false;
	*ret = load(m, sp.bits, word(m));
	set(m, X86_RSP, constant(low(sp.bits + word(m), word(m))));
	return true;
}

static struct value address_of(const struct machine *m, const cs_insn *insn,
			       const x86_op_mem *mem)
{
	uint64_t sum = (uint64_t)mem->disp;
	unsigned size = insn->detail->x86.addr_size;

	if (mem->segment == X86_REG_FS || mem->segment == X86_REG_GS)
		return unknown;
	if (mem->base == X86_REG_RIP)
		return constant(sum + insn->address + insn->size);
	for (unsigned i = 0; i < 2; i++) {
		unsigned reg = i ? mem->index : mem->base;

		if (reg == X86_REG_INVALID || reg == X86_REG_RIZ ||
		    reg == X86_REG_EIZ)
			continue;

		struct value v = parts[reg].size ? get_part(m, parts[reg])
						 : unknown;

		if (!v.known)
			return unknown;
		sum += v.bits * (i ? (unsigned)mem->scale : 1);
	}
	return constant(low(sum, size));
}

/* Operand `i` as a source. */
static struct value source(const struct machine *m, const cs_insn *insn,
			   unsigned i)
{
	const cs_x86_op *op = &insn->detail->x86.operands[i];
	struct value addr;

	switch (op->type) {
	case X86_OP_IMM:
		return constant((uint64_t)op->imm);
	case X86_OP_REG:
		return parts[op->reg].size ? get_part(m, parts[op->reg])
					   : unknown;
	case X86_OP_MEM:
		addr = address_of(m, insn, &op->mem);
		return addr.known ? load(m, addr.bits, op->size) : unknown;
	case X86_OP_INVALID:
	default:
		return unknown;
	}
}

/* Only registers are written to. */
static bool target(struct machine *m, const cs_insn *insn, struct value v)
{
	const cs_x86_op *op = &insn->detail->x86.operands[0];

	if (op->type != X86_OP_REG || !parts[op->reg].size)
		return false;
	set_part(m, parts[op->reg], v);
	return true;
}

static bool same_register(const cs_insn *insn)
{
	const cs_x86_op *op = insn->detail->x86.operands;

	return op[0].type == X86_OP_REG && op[1].type == X86_OP_REG &&
	       op[0].reg == op[1].reg;
}

static bool arithmetic(struct machine *m, const cs_insn *insn)
{
	struct value a = source(m, insn, 0), b = unknown;

	if (insn->detail->x86.op_count > 1)
		b = source(m, insn, 1);
	switch (insn->id) {
	case X86_INS_INC:
		return target(m, insn, a.known ? constant(a.bits + 1) : a);
	case X86_INS_DEC:
		return target(m, insn, a.known ? constant(a.bits - 1) : a);
	case X86_INS_NOT:
		return target(m, insn, a.known ? constant(~a.bits) : a);
	case X86_INS_NEG:
		return target(m, insn, a.known ? constant(-a.bits) : a);
	case X86_INS_XOR:
	case X86_INS_SUB:
		if (same_register(insn))
			return target(m, insn, constant(0));
		break;
	default:
		break;
	}
	if (!a.known || !b.known)
		return target(m, insn, unknown);
	switch (insn->id) {
	case X86_INS_ADD: return target(m, insn, constant(a.bits + b.bits));
	case X86_INS_SUB: return target(m, insn, constant(a.bits - b.bits));
	case X86_INS_XOR: return target(m, insn, constant(a.bits ^ b.bits));
	case X86_INS_OR: return target(m, insn, constant(a.bits | b.bits));
	case X86_INS_AND: return target(m, insn, constant(a.bits & b.bits));
	default: return target(m, insn, unknown);
	}
}

/* `v`, whose sign is in `bits` low bits, as 64 of them. */
static struct value extended(struct value v, unsigned bytes)
{
	if (v.known && bytes < 8 && v.bits >> (8 * bytes - 1) & 1)
		v.bits |= ~low(UINT64_MAX, bytes);
	return v;
}

static bool leave(struct machine *m)
{
	struct value bp = get(m, X86_RBP), saved;

	if (!bp.known)
		return false;
	set(m, X86_RSP, bp);
	if (!pop(m, &saved))
		return false;
	set(m, X86_RBP, saved);
	return true;
}

/* False: the run ends here. */
static bool execute(struct machine *m, const cs_insn *insn)
{
	const cs_x86 *x = &insn->detail->x86;
	struct value v;

	switch (insn->id) {
	case X86_INS_NOP:
	case X86_INS_ENDBR32:
	case X86_INS_ENDBR64:
	case X86_INS_TEST:
	case X86_INS_CMP:
	case X86_INS_CLD:
	case X86_INS_PAUSE:
	case X86_INS_MFENCE:
	case X86_INS_VZEROUPPER:
		return true;
	case X86_INS_XCHG:
		return same_register(insn) && x->operands[0].size != 4;
	case X86_INS_MOV:
	case X86_INS_MOVABS:
	case X86_INS_MOVZX:
		return target(m, insn, source(m, insn, 1));
	case X86_INS_MOVSX:
	case X86_INS_MOVSXD:
		return target(m, insn, extended(source(m, insn, 1),
						x->operands[1].size));
	case X86_INS_CDQE:
		set(m, X86_RAX, extended(get_part(m, parts[X86_REG_EAX]), 4));
		return true;
	case X86_INS_CWDE:
		v = extended(get_part(m, parts[X86_REG_AX]), 2);
		set_part(m, parts[X86_REG_EAX], v);
		return true;
	case X86_INS_LEA:
		return target(m, insn,
			      address_of(m, insn, &x->operands[1].mem));
	case X86_INS_PUSH:
		return x->prefix[2] != 0x66 && push(m, source(m, insn, 0));
	case X86_INS_POP:
		return x->prefix[2] != 0x66 && pop(m, &v) &&
		       target(m, insn, v);
	case X86_INS_LEAVE:
		return leave(m);
	case X86_INS_ADD:
	case X86_INS_SUB:
	case X86_INS_XOR:
	case X86_INS_OR:
	case X86_INS_AND:
	case X86_INS_INC:
	case X86_INS_DEC:
	case X86_INS_NOT:
	case X86_INS_NEG:
		return arithmetic(m, insn);
	default:
		return false;
	}
}

/* Where 32-bit system calls are made through the vDSO: call *%gs:0x10. */
static bool is_vdso_call(const struct machine *m, const cs_insn *insn)
{
	const cs_x86_op *op = insn->detail->x86.operands;

	return !m->wide && insn->id == X86_INS_CALL &&
	       op->type == X86_OP_MEM && op->mem.segment == X86_REG_GS &&
	       op->mem.base == X86_REG_INVALID &&
	       op->mem.index == X86_REG_INVALID && op->mem.disp == 0x10;
}

/* The return address and the three registers that the vDSO pushes. */
enum { VDSO_PUSHED = 16 };

static void at_syscall(struct machine *m, bool wide, struct value sp,
		       struct emulate_result *ret)
{
	struct value rax = get(m, X86_RAX);

	ret->sp_known = sp.known;
	ret->sp = sp.bits;
	ret->end = EMULATE_NUMBER;
	if (!rax.known)
		return;
	/* kernels differ in whether they look at the upper half */
	if (wide && rax.bits >> 32)
		return;
	rax.bits = low(rax.bits, 4);
	ret->end = EMULATE_SYSCALL;
	if (!emulate_number(rax.bits, wide, &ret->kind))
		return;
	ret->end = EMULATE_SIGRETURN;
	ret->frame = low(emulate_frame(ret->kind, sp.bits), word(m));
}

/* Is the run over before this instruction? */
static bool ends_at(struct machine *m, const cs_insn *insn,
		    struct emulate_result *ret)
{
	const cs_x86 *x = &insn->detail->x86;
	struct value sp = get(m, X86_RSP);

	switch (insn->id) {
	case X86_INS_SYSCALL:
		at_syscall(m, m->wide, sp, ret);
		return true;
	case X86_INS_SYSENTER:
		/* the kernel takes ebp for the stack pointer */
		if (!m->wide)
			at_syscall(m, false, get(m, X86_RBP), ret);
		return true;
	case X86_INS_INT:
		if (x->operands[0].imm == 0x80)
			at_syscall(m, false, sp, ret);
		return true;
	case X86_INS_CALL:
		if (is_vdso_call(m, insn)) {
			sp.bits = low(sp.bits - VDSO_PUSHED, 4);
			at_syscall(m, false, sp, ret);
		}
		return true;
	case X86_INS_RET:
		ret->end = EMULATE_RETURN;
		ret->sp = sp.bits;
		ret->sp_known = sp.known;
		if (x->op_count)
			ret->popped = (uint16_t)x->operands[0].imm;
		return true;
	case X86_INS_HLT:
	case X86_INS_UD2:
		ret->end = EMULATE_TRAP;
		return true;
	default:
		return false;
	}
}

/* One instruction; false: it was the last. */
static bool step(struct emulator *e, struct machine *m,
		 struct emulate_result *ret)
{
	const struct emulate_start *start = m->start;
	uint8_t raw[DECODER_INSTRUCTION_MAX];
	const uint8_t *at = raw;
	uint64_t pc = m->r[X86_RIP], next = pc;
	enum run_end end = RUN_END_UNKNOWN;
	size_t size = start->read_code(start->code, pc, raw, sizeof(raw),
				       &end);
	size_t left = size;
	const cs_insn *insn = NULL;
	bool done = false;

	ret->pcs[ret->count++] = pc;
	if (size)
		insn = decoder_next(&e->decoder, start->gprs.r[X86_CS], &at,
				    &left, &next);
	if (!insn) {
		if (size < sizeof(raw))
			ret->end = end == RUN_END_UNREADABLE
					   ? EMULATE_UNMAPPED
					   : EMULATE_UNREADABLE;
		return false;
	}
	if (ends_at(m, insn, ret)) {
		done = true;
	} else if (insn->id == X86_INS_JMP) {
		const cs_x86_op *op = insn->detail->x86.operands;

		done = op->type != X86_OP_IMM;
		m->r[X86_RIP] = low((uint64_t)op->imm, word(m));
	} else {
		done = !execute(m, insn);
		m->r[X86_RIP] = low(next, word(m));
	}
	return !done;
}

void emulate_run(struct emulator *e, const struct emulate_start *start,
		 struct emulate_result *ret)
{
	struct machine m = {
		.start = start,
		.wide = !x86_gprs_is_32bit(&start->gprs),
		.known = start->known,
	};

	for (unsigned i = 0; i < X86_DWARF_REGS; i++)
		m.r[i] = start->gprs.r[i];
	*ret = (struct emulate_result){ .end = EMULATE_LOST };
	while (ret->count < EMULATE_MAX && step(e, &m, ret))
		;
	ret->gprs = start->gprs;
	for (unsigned i = 0; i < X86_DWARF_REGS; i++)
		ret->gprs.r[i] = m.r[i];
	ret->known = m.known;
}
