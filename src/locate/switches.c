/* SPDX-License-Identifier: GPL-3.0-or-later */
/* switches.c - calls that leave one stack for another */
#include "locate/switches.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "locate/calls.h"
#include "locate/decoder.h"

enum {
	CACHE_BITS = 12,
	CODE_MAX = 3 * CODE_READ_MAX,
	INSTRUCTIONS_MAX = 64,
	DEPTH_MAX = 1024,
	/* no program has as many calls; hostile bytes may look like it */
	ANSWERS_MAX = 1 << 17,
};

struct answer {
	bool known;
	bool switches;
	uint64_t pc;
	uint64_t cs;
	struct switch_area area;
};

struct switches {
	struct code *code;
	struct decoder decoder;
	unsigned answers;
	struct answer cache[1 << CACHE_BITS];	/* by hashed pc */
};

/* What functions have to leave as it was; the stack pointer. */
static const uint8_t kept[X86_REG_ENDING] = {
	[X86_REG_RBX] = X86_RBX, [X86_REG_EBX] = X86_RBX,
	[X86_REG_RBP] = X86_RBP, [X86_REG_EBP] = X86_RBP,
	[X86_REG_R12] = X86_R12, [X86_REG_R13] = X86_R13,
	[X86_REG_R14] = X86_R14, [X86_REG_R15] = X86_R15,
	[X86_REG_ESI] = X86_RSI, [X86_REG_EDI] = X86_RDI,
};

/* A walk through the function, in the order of its bytes. */
struct walk {
	uint8_t word;
	int64_t depth;		/* bytes pushed */
	struct {
		bool saved;
		int64_t depth;	/* where it was */
	} reg[X86_DWARF_REGS];
	bool stored;		/* the stack pointer, */
	int64_t stored_depth;	/* as it was here, */
	unsigned stored_in;	/* in this register; 0: memory */
	bool done;
	bool switches;
};

struct error *switches_create(struct code *code, struct switches **ret)
{
	struct switches *w = calloc(1, sizeof(*w));

	if (!w)
		return &error_no_memory;
	w->code = code;
	decoder_init(&w->decoder, CS_OPT_DETAIL, CS_OPT_ON);
	*ret = w;
	return NULL;
}

void switches_destroy(struct switches *w)
{
	if (!w)
		return;
	decoder_deinit(&w->decoder);
	free(w);
}

/*
 * A cheap look: is there a move into the stack pointer from anything but
 * the frame pointer (mov, xchg), or a pop of it?
 */
static bool may_switch(struct bytes b)
{
	for (size_t i = 0; i + 1 < b.size; i++) {
		uint8_t op = b.data[i], modrm = b.data[i + 1];
		unsigned reg = modrm >> 3 & 7, rm = modrm & 7;
		bool direct = modrm >> 6 == 3;

		if (op == 0x5c || op == 0x94 ||
		    (op == 0x89 && direct && rm == 4 && reg != 4) ||
		    (op == 0x8b && reg == 4 && !(direct && rm == 4)) ||
		    (op == 0x87 && (reg == 4 || (direct && rm == 4))))
			return true;
	}
	return false;
}

static bool is_sp(unsigned reg)
{
	return reg == X86_REG_RSP || reg == X86_REG_ESP;
}

static bool is_fp(unsigned reg)
{
	return reg == X86_REG_RBP || reg == X86_REG_EBP;
}

static void save(struct walk *w, unsigned reg, int64_t depth)
{
	unsigned index = kept[reg];

	if (!index || (w->word == 8 && (index == X86_RSI || index == X86_RDI)))
		return;
	if (!w->reg[index].saved)
		w->reg[index].depth = depth;
	w->reg[index].saved = true;
}

static void store_sp(struct walk *w, unsigned in, int64_t depth)
{
	w->stored = true;
	w->stored_in = in;
	w->stored_depth = depth;
}

static void load_sp(struct walk *w, unsigned from)
{
	/* back to where it was: that is no other stack */
	if (from && (is_fp(from) || from == w->stored_in)) {
		w->done = true;
		return;
	}
	w->switches = w->stored;
	w->done = true;
}

static void do_move(struct walk *w, const cs_x86_op *to, const cs_x86_op *from)
{
	if (from->type == X86_OP_REG && is_sp(from->reg)) {
		if (to->type == X86_OP_MEM)
			store_sp(w, 0, w->depth);
		else if (!is_fp(to->reg))
			store_sp(w, to->reg, w->depth);
	} else if (to->type == X86_OP_REG && is_sp(to->reg)) {
		load_sp(w, from->type == X86_OP_REG ? from->reg : 0);
	} else if (to->type == X86_OP_MEM && is_sp(to->mem.base) &&
		   to->mem.index == X86_REG_INVALID &&
		   from->type == X86_OP_REG) {
		save(w, from->reg, w->depth - to->mem.disp);
	}
}

static void do_lea(struct walk *w, const cs_x86_op *to, const cs_x86_op *from)
{
	if (!is_sp(from->mem.base) || from->mem.index != X86_REG_INVALID)
		return;
	if (is_sp(to->reg))
		w->depth -= from->mem.disp;
	else if (!is_fp(to->reg))
		store_sp(w, to->reg, w->depth - from->mem.disp);
}

static void do_one(struct walk *w, const cs_insn *insn)
{
	const cs_x86 *x = &insn->detail->x86;
	const cs_x86_op *a = &x->operands[0], *b = &x->operands[1];
	bool to_sp = x->op_count && a->type == X86_OP_REG && is_sp(a->reg);

	switch (insn->id) {
	case X86_INS_PUSH:
		w->depth += w->word;
		if (a->type == X86_OP_REG)
			save(w, a->reg, w->depth);
		break;
	case X86_INS_PUSHFQ:
	case X86_INS_PUSHFD:
		w->depth += w->word;
		break;
	case X86_INS_POP:
		if (to_sp)
			load_sp(w, 0);
		w->depth -= w->word;
		break;
	case X86_INS_SUB:
		if (to_sp && b->type == X86_OP_IMM)
			w->depth += b->imm;
		break;
	case X86_INS_ADD:
		if (to_sp && b->type == X86_OP_IMM)
			w->depth -= b->imm;
		break;
	case X86_INS_LEA:
		do_lea(w, a, b);
		break;
	case X86_INS_MOV:
		do_move(w, a, b);
		break;
	case X86_INS_XCHG:
		if (to_sp || (b->type == X86_OP_REG && is_sp(b->reg))) {
			store_sp(w, 0, w->depth);
			load_sp(w, 0);
		}
		break;
	case X86_INS_RET:
	case X86_INS_JMP:
	case X86_INS_INT3:
	case X86_INS_UD2:
	case X86_INS_HLT:
		w->done = true;
		break;
	default:
		break;
	}
}

static void analyse(struct switches *s, uint64_t target, struct answer *a)
{
	uint8_t raw[CODE_MAX];
	struct walk w = { .word = a->cs == X86_USER32_CS ? 4 : 8 };
	const uint8_t *at = raw;
	uint64_t pc = target;
	size_t size = 0;
	enum run_end end;

	while (size < sizeof(raw)) {
		size_t got = code_read(s->code, target + size, raw + size,
				       CODE_READ_MAX, &end);

		size += got;
		if (got < CODE_READ_MAX)
			break;
	}
	if (!may_switch((struct bytes){ raw, size, target }))
		return;
	for (unsigned n = 0; n < INSTRUCTIONS_MAX && !w.done; n++) {
		const cs_insn *insn = decoder_next(&s->decoder, a->cs, &at,
						   &size, &pc);

		if (!insn)
			break;
		do_one(&w, insn);
		if (w.depth < 0 || w.depth > DEPTH_MAX)
			break;
	}
	if (!w.switches || w.stored_depth < 0 || w.stored_depth > DEPTH_MAX)
		return;
	a->switches = true;
	a->area.depth = (uint32_t)w.stored_depth;
	for (unsigned i = 0; i < X86_DWARF_REGS; i++) {
		int64_t off = w.stored_depth - w.reg[i].depth;

		if (!w.reg[i].saved || off < 0 || off > DEPTH_MAX)
			continue;
		a->area.regs |= 1u << i;
		a->area.reg[i] = (uint16_t)off;
	}
}

const struct switch_area *switches_before(struct switches *w, uint64_t pc,
					  uint64_t cs)
{
	struct answer *a = &w->cache[hash_place(pc, CACHE_BITS)];

	if (!a->known || a->pc != pc || a->cs != cs) {
		struct calls_site call;

		*a = (struct answer){ .known = true, .pc = pc, .cs = cs };
		if (w->answers++ >= ANSWERS_MAX)
			return NULL;
		calls_before(w->code, pc, cs, &call);
		if (call.present == TRI_YES && call.target_known)
			analyse(w, call.target, a);
	}
	return a->switches ? &a->area : NULL;
}
