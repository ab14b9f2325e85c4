/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edited.c - well-known edits of a frame that this CPU's kernel built */
#include "base/cleanup.h"
#include "child.h"
#include "image.h"
#include "mutate.h"

/* What a step does to its field; `value` of the step is its operand. */
enum edit_op {
	EDIT_NONE,
	EDIT_SET,
	EDIT_SIZE,		/* set to U + value */
	EDIT_SIZE_DOWN,		/* set to U + value, rounded down to 64 */
	EDIT_OR,
	EDIT_AND,
	EDIT_XOR,
	EDIT_ABSENT_BIT,	/* or a component bit that this CPU lacks */
	EDIT_ONLY_ABSENT,	/* set to such a bit alone */
	EDIT_BV,		/* set to value | XSTATE_BV */
};

struct edit_step {
	enum oracle_field field;
	enum edit_op op;
	uint64_t value;
};

enum edit_need {
	NEED_XSAVE = 1 << 0,
	NEED_AVX = 1 << 1,
	NEED_TAIL = 1 << 2,	/* something behind AVX */
	NEED_XSAVEC = 1 << 3,
	NEED_64BIT = 1 << 4,	/* field or form that 32-bit frames lack */
};

struct edit {
	const char *name;
	unsigned needs;
	struct edit_step steps[6];
};

#define SET(f, v) { f, EDIT_SET, v }
#define SIZE(f, v) { f, EDIT_SIZE, v }

/* xstate_size 832 and MAGIC2 behind it: what an AVX machine's frame has */
#define SHRUNK                                                                 \
	SET(CASE_SIZE, 832), SET(CASE_EXTENDED, 836), SET(CASE_MAGIC2_AT, 832)

static const struct edit edits[] = {
	{ "E00 as the kernel builds it", 0, { { 0 } } },
	{ "E01 MAGIC1 is 0", NEED_XSAVE, { SET(CASE_MAGIC1, 0) } },
	{ "E02 MAGIC2 is 0", NEED_XSAVE, { SET(CASE_MAGIC2, 0) } },
	{ "E03 xstate_size 575", NEED_XSAVE, { SET(CASE_SIZE, 575) } },
	{ "E04 xstate_size 64 over, MAGIC2 there", NEED_XSAVE, {
		SIZE(CASE_SIZE, 64), SIZE(CASE_EXTENDED, 68),
		SIZE(CASE_MAGIC2_AT, 64) } },
	{ "E04 same, a MAGIC2 at the old place too", NEED_XSAVE, {
		SIZE(CASE_SIZE, 64), SIZE(CASE_EXTENDED, 68),
		SIZE(CASE_MAGIC2_AT, 64), SIZE(CASE_MAGIC2_ALSO, 0) } },
	{ "E05 shrunk to AVX", NEED_TAIL, {
		SHRUNK, SET(CASE_FEATURES, 7), { CASE_BV, EDIT_AND, 7 } } },
	{ "E05 same, a MAGIC2 at the old place too", NEED_TAIL, {
		SHRUNK, SET(CASE_FEATURES, 7), { CASE_BV, EDIT_AND, 7 },
		SIZE(CASE_MAGIC2_ALSO, 0) } },
	{ "E06 xstate_size shrunk, xfeatures not", NEED_TAIL, { SHRUNK } },
	{ "E06 same, a MAGIC2 at the old place too", NEED_TAIL, {
		SHRUNK, SIZE(CASE_MAGIC2_ALSO, 0) } },
	{ "E07 extended_size is xstate_size", NEED_XSAVE, {
		SIZE(CASE_EXTENDED, 0) } },
	{ "E08 extended_size one less", NEED_XSAVE, {
		SIZE(CASE_EXTENDED, (uint64_t)-1) } },
	{ "E09 xfeatures has a bit too many", NEED_XSAVE, {
		{ CASE_FEATURES, EDIT_ABSENT_BIT, 0 } } },
	{ "E10 xfeatures lacks AVX", NEED_AVX, {
		{ CASE_FEATURES, EDIT_AND, ~UINT64_C(4) } } },
	{ "E11 XSTATE_BV lacks AVX", NEED_AVX, {
		{ CASE_BV, EDIT_AND, ~UINT64_C(4) } } },
	{ "E12 XSTATE_BV is 0", NEED_XSAVE, { SET(CASE_BV, 0) } },
	{ "E13 XSTATE_BV has a component too many", NEED_XSAVE, {
		{ CASE_BV, EDIT_ABSENT_BIT, 0 } } },
	{ "E13 XSTATE_BV has bit 63", NEED_XSAVE, {
		{ CASE_BV, EDIT_OR, UINT64_C(1) << 63 } } },
	{ "E14 XCOMP_BV is 1", NEED_XSAVE, { SET(CASE_XCOMP, 1) } },
	{ "E15 header byte 16 is 1", NEED_XSAVE, { SET(CASE_RESERVED, 16) } },
	{ "E16 header byte 24 is 1", NEED_XSAVE, { SET(CASE_RESERVED, 24) } },
	{ "E16 header byte 56 is 1", NEED_XSAVE, { SET(CASE_RESERVED, 56) } },
	{ "E17 compacted", NEED_XSAVE | NEED_XSAVEC, {
		{ CASE_XCOMP, EDIT_BV, UINT64_C(1) << 63 },
		SET(CASE_COMPACT, 1) } },
	{ "E18 MXCSR bit 16", 0, { { CASE_MXCSR, EDIT_XOR, 1 << 16 } } },
	{ "E19 MXCSR bit 17", 0, { { CASE_MXCSR, EDIT_XOR, 1 << 17 } } },
	{ "E19 MXCSR bit 6", 0, { { CASE_MXCSR, EDIT_XOR, 1 << 6 } } },
	{ "E20 xfeatures 1, MXCSR bit 16", NEED_XSAVE, {
		SET(CASE_FEATURES, 1), { CASE_MXCSR, EDIT_XOR, 1 << 16 } } },
	{ "E21 image at 16 mod 64", 0, { SET(CASE_SHIFT, 16) } },
	{ "E22 image at 16 mod 64, MAGIC1 is 0", 0, {
		SET(CASE_SHIFT, 16), SET(CASE_MAGIC1, 0) } },
	{ "E23 image at 8 mod 16, MAGIC1 is 0", 0, {
		SET(CASE_SHIFT, 8), SET(CASE_MAGIC1, 0) } },
	{ "E24 fpstate is 0", 0, { SET(CASE_FPSTATE, 0) } },
	{ "E25 fpstate is 8", 0, { SET(CASE_FPSTATE, 8) } },
	{ "E25 fpstate is a kernel address", NEED_64BIT, {
		SET(CASE_FPSTATE, UINT64_C(0xffffffff81000000)) } },
	{ "E26 MAGIC2's page is not mapped", NEED_XSAVE, {
		{ CASE_ROOM, EDIT_SIZE_DOWN, 0 } } },
	{ "E26 whole image at the end of a mapping", 0, {
		{ CASE_ROOM, EDIT_SIZE_DOWN, 64 + XSTATE_MAGIC2_SIZE } } },
	{ "E27 shrunk to AVX, at the end of a mapping", NEED_TAIL, {
		SHRUNK, SET(CASE_FEATURES, 7), { CASE_BV, EDIT_AND, 7 },
		SET(CASE_ROOM, 896) } },
	{ "E27 the same, pages absent", NEED_TAIL, {
		SHRUNK, SET(CASE_ROOM, 4096 + 448), SET(CASE_FRAME_APART, 1),
		SET(CASE_ABSENT, 1) } },
	{ "E28 tail in use is not mapped", NEED_TAIL, {
		SHRUNK, SET(CASE_ROOM, 896) } },
	{ "E28 the same, pages absent", NEED_TAIL, {
		SHRUNK, SET(CASE_ROOM, 896), SET(CASE_ABSENT, 1),
		SET(CASE_FRAME_APART, 1) } },
	{ "E29 xfeatures has nothing of this CPU's", NEED_XSAVE, {
		{ CASE_FEATURES, EDIT_ONLY_ABSENT, 0 } } },
	{ "E30 uc_flags without UC_FP_XSTATE", NEED_XSAVE | NEED_64BIT, {
		{ CASE_UC_FLAGS, EDIT_AND, ~UINT64_C(1) } } },
	{ "E31 rip is not canonical", NEED_64BIT, {
		SET(CASE_RIP, UINT64_C(1) << 63) } },
	{ "E31 rip is 8", 0, { SET(CASE_RIP, 8) } },
	{ "E31 rip is not executable", 0, { SET(CASE_RIP, CHILD_STACK) } },
	{ "E32 cs is 0", 0, { SET(CASE_CS, 0) } },
	{ "E32 ss is 0, strict", NEED_64BIT, { SET(CASE_SS, 0) } },
	{ "E33 ss is 0, not strict", NEED_64BIT, {
		SET(CASE_SS, 0), { CASE_UC_FLAGS, EDIT_AND, ~UINT64_C(4) } } },
	{ "E34 flags with IOPL, NT and VM", 0, {
		{ CASE_RFLAGS, EDIT_OR, 0x27000 } } },
	{ "E34 flags with TF", 0, { { CASE_RFLAGS, EDIT_OR, 0x100 } } },
	{ "E35 uc_stack is not valid", NEED_64BIT, {
		SET(CASE_STACK_SP, 1), SET(CASE_STACK_FLAGS, 0x55),
		SET(CASE_STACK_SIZE, 3) } },
	{ "image lies across pages, all present", 0, {
		SET(CASE_PAGE_OFFSET, 3840) } },
	{ "image lies across pages, all absent", 0, {
		SET(CASE_PAGE_OFFSET, 3840), SET(CASE_ABSENT, 1),
		SET(CASE_FRAME_APART, 1) } },
	{ "frame ends where sigreturn stops reading", NEED_64BIT, {
		SET(CASE_FRAME_ROOM, 312) } },
	{ "frame ends in the signal mask", NEED_64BIT, {
		SET(CASE_FRAME_ROOM, 311) } },
	{ "cs for 32-bit code", 0, { SET(CASE_CS, 0x23) } },
};

/* The lowest component above SSE that this CPU does not have. */
static uint64_t absent_bit(const struct host *host)
{
	uint64_t have = host->cpu.xfeatures | XSTATE_LEGACY;

	return ~have & -~have;
}

static void apply(const struct edit_step *s, const struct host *host,
		  uint64_t user_size, struct oracle_case *c)
{
	uint64_t *v = &c->v[s->field];

	switch (s->op) {
	case EDIT_NONE:
		break;
	case EDIT_SET:
		*v = s->value;
		break;
	case EDIT_SIZE:
		*v = user_size + s->value;
		break;
	case EDIT_SIZE_DOWN:
		*v = (user_size + s->value) & -UINT64_C(64);
		break;
	case EDIT_OR:
		*v |= s->value;
		break;
	case EDIT_AND:
		*v &= s->value;
		break;
	case EDIT_XOR:
		*v ^= s->value;
		break;
	case EDIT_ABSENT_BIT:
		*v |= absent_bit(host);
		break;
	case EDIT_ONLY_ABSENT:
		*v = absent_bit(host);
		break;
	case EDIT_BV:
		*v = s->value | c->v[CASE_BV];
		break;
	}
}

static const char *why_not(const struct host *host, uint64_t kind,
			   uint64_t user_size, unsigned needs)
{
	uint64_t features = cpu_default_features(&host->cpu);

	if ((needs & ~NEED_64BIT) && host->cpu.xsave != TRI_YES)
		return "this kernel does not use XSAVE";
	if ((needs & (NEED_AVX | NEED_TAIL)) &&
	    !(features & XSTATE_BIT(XSTATE_AVX)))
		return "this CPU has no AVX";
	if ((needs & NEED_TAIL) && user_size <= 896)
		return "this CPU has nothing behind AVX";
	if ((needs & NEED_XSAVEC) && host->cpu.xsavec != TRI_YES)
		return "this CPU has no XSAVEC";
	if ((needs & NEED_64BIT) && kind != SIGFRAME_X86_64)
		return "not in 32-bit frames";
	return NULL;
}

bool mutate_edited(const struct host *host, uint64_t kind, unsigned index,
		   struct edited *ret)
{
	uint64_t size = cpu_user_size(&host->cpu,
				      cpu_default_features(&host->cpu));

	if (index >= ARRAY_SIZE(edits))
		return false;
	const struct edit *e = &edits[index];

	ret->name = e->name;
	ret->skipped = why_not(host, kind, size, e->needs);
	image_base_case(host, MACHINE_NATIVE, kind, &ret->c);
	ret->c.v[CASE_SEED] = index + 1;
	for (unsigned i = 0; i < ARRAY_SIZE(e->steps); i++)
		apply(&e->steps[i], host, size, &ret->c);
	return true;
}
