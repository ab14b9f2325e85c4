/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edits.c - edited frames on the machine that wrote them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cells.h"

/* Edits of a native frame, U its size. */
static uint32_t size_of(const struct made *m)
{
	return (uint32_t)made_get(m, 480, 4);
}

static void set_bits(struct made *m, uint32_t off, uint64_t bits)
{
	made_put(m, off, 8, made_get(m, off, 8) | bits);
}

static void clear_bits(struct made *m, uint32_t off, uint64_t bits)
{
	made_put(m, off, 8, made_get(m, off, 8) & ~bits);
}

static void extended(struct made *m, uint32_t e)
{
	made_put(m, 468, 4, e);
}

static void magic1(struct made *m)
{
	made_put(m, 464, 4, 0);
}

static void magic2(struct made *m)
{
	made_put(m, size_of(m), 4, 0);
}

static void resize(struct made *m, uint32_t s)
{
	made_put(m, 480, 4, s);
	extended(m, s + 4);
	made_put(m, s, 4, XSTATE_MAGIC2);
}

static void s575(struct made *m)
{
	made_put(m, 480, 4, 575);
}

static void s575_no_avx(struct made *m)
{
	s575(m);
	clear_bits(m, 472, 4);
	m->facts.sigframe.uc_flags &= ~UINT64_C(1);
}

static void grow(struct made *m)
{
	resize(m, size_of(m) + 64);
}

static void grow_moved(struct made *m)
{
	magic2(m);
	grow(m);
}

static void shrink(struct made *m)
{
	resize(m, 832);
	made_put(m, 472, 8, 7);
	clear_bits(m, 512, ~UINT64_C(7));
}

static void shrink_moved(struct made *m)
{
	magic2(m);
	shrink(m);
}

static void shrink_size(struct made *m)
{
	resize(m, 832);
}

static void shrink_size_moved(struct made *m)
{
	magic2(m);
	resize(m, 832);
}

static void e_is_s(struct made *m)
{
	extended(m, size_of(m));
}

static void e_below_s(struct made *m)
{
	extended(m, size_of(m) - 1);
}

static void q_more(struct made *m)
{
	set_bits(m, 472, XSTATE_BIT(XSTATE_BNDREGS));
}

static void q_bit62(struct made *m)
{
	set_bits(m, 472, XSTATE_BIT(62));
}

static void q_no_avx(struct made *m)
{
	clear_bits(m, 472, 4);
}

static void bv_no_avx(struct made *m)
{
	clear_bits(m, 512, 4);
}

static void bv_none(struct made *m)
{
	made_put(m, 512, 8, 0);
}

static void bv_bndregs(struct made *m)
{
	set_bits(m, 512, XSTATE_BIT(XSTATE_BNDREGS));
}

static void bv_bit63(struct made *m)
{
	set_bits(m, 512, XSTATE_BIT(63));
}

static void xcomp1(struct made *m)
{
	made_put(m, 520, 8, 1);
}

static void header16(struct made *m)
{
	made_put(m, 512 + 16, 1, 1);
}

static void header24(struct made *m)
{
	made_put(m, 512 + 24, 1, 1);
}

static void header56(struct made *m)
{
	made_put(m, 512 + 56, 1, 1);
}

static void compacted(struct made *m)
{
	made_put(m, 520, 8, made_get(m, 512, 8) | XCOMP_BV_COMPACTED);
}

static void mxcsr16(struct made *m)
{
	made_put(m, 24, 4, 0x11f80);
}

static void mxcsr17(struct made *m)
{
	made_put(m, 24, 4, 0x21f80);
}

static void q1_mxcsr16(struct made *m)
{
	made_put(m, 472, 8, 1);
	mxcsr16(m);
}

static void at16(struct made *m)
{
	made_move(m, 16);
}

static void at32(struct made *m)
{
	made_move(m, 32);
}

static void at16_magic1(struct made *m)
{
	magic1(m);
	made_move(m, 16);
}

static void at8_magic1(struct made *m)
{
	magic1(m);
	made_move(m, 8);
}

static void no_fpstate(struct made *m)
{
	m->facts.sigframe.fpstate = 0;
	m->facts.area = (struct run){ { m->area, 0, 0 }, RUN_END_UNREADABLE };
}

static void fpstate8(struct made *m)
{
	m->facts.sigframe.fpstate = 8;
	m->facts.area = (struct run){ { m->area, 0, 8 }, RUN_END_UNREADABLE };
}

/* An aligned image and its MAGIC2 lie in different pages by its last 64. */
static void magic2_page(struct made *m)
{
	made_cut(m, size_of(m) & ~UINT32_C(63), RUN_END_UNREADABLE);
}

static void shrink_at_end(struct made *m)
{
	shrink(m);
	made_cut(m, 832 + 64, RUN_END_UNREADABLE);
	made_move(m, 4096 - (832 + 64));
}

static void shrink_size_at_end(struct made *m)
{
	shrink_size(m);
	made_cut(m, 832 + 64, RUN_END_UNREADABLE);
	made_move(m, 4096 - (832 + 64));
}

static void q_foreign(struct made *m)
{
	made_put(m, 472, 8, XSTATE_BIT(XSTATE_BNDREGS));
}

static void flag0(struct made *m)
{
	m->facts.sigframe.uc_flags &= ~UINT64_C(1);
}

static void far_rip(struct made *m)
{
	m->facts.sigframe.regs.r[X86_RIP] = UINT64_C(0x8000000000000000);
}

static void no_cs(struct made *m)
{
	m->facts.sigframe.regs.r[X86_CS] = 0;
}

static void no_ss(struct made *m)
{
	m->facts.sigframe.regs.r[X86_SS] = 0;
}

static void no_ss_lenient(struct made *m)
{
	no_ss(m);
	m->facts.sigframe.uc_flags &= ~UINT64_C(4);
}

/* IOPL 3, NT, VM */
static void odd_flags(struct made *m)
{
	m->facts.sigframe.regs.r[X86_RFLAGS] |= 0x3000 | 0x4000 | 0x20000;
}

static void odd_stack(struct made *m)
{
	m->facts.sigframe.altstack_sp = UINT64_MAX;
	m->facts.sigframe.altstack_size = 1;
	m->facts.sigframe.altstack_flags = 0xffff;
}

/* In use: all beyond x87 and SSE; beyond AVX; beyond x87. */
#define EXTENDED ~UINT64_C(0x3)
#define TAIL ~UINT64_C(0x7)
#define NOT_X87 ~UINT64_C(0x1)
#define ALL UINT64_MAX

#define EACH(...) { __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__,        \
		    __VA_ARGS__ }
#define ALL_FULL EACH({ FULL })
#define ALL_SEGV EACH({ SEGV })
#define ALL_FX EACH({ FX, EXTENDED })
#define LEGACY { FX, EXTENDED }

struct edit_row {
	const char *id;
	void (*edit)(struct made *m);
	struct cell cells[COLUMNS];
	enum xstate_family only;	/* UNKNOWN: on both vendors' CPUs */
	bool not_z4;	/* whose standard form is its compacted one */
	bool not_hsw;	/* nothing to cut off there, and no XSAVEC */
};

/* Edits of a 64-bit frame on the CPU that wrote it, everything in use. */
static const struct edit_row edits[] = {
	{ "E01", magic1, ALL_FX },
	{ "E02", magic2, ALL_FX },
	{ "E03", s575, { LEGACY, LEGACY, { FULL }, LEGACY, LEGACY } },
	{ "E03 and E10 and E30", s575_no_avx, { [C4] = { FULL, 0x4 } } },
	{ "E04 MAGIC2 at both", grow,
	  { LEGACY, LEGACY, { FULL }, LEGACY, { FULL } } },
	{ "E04", grow_moved, { LEGACY, LEGACY, LEGACY, LEGACY, { FULL } } },
	{ "E05 MAGIC2 at both", shrink, ALL_FULL, .not_hsw = true },
	{ "E05", shrink_moved,
	  { { FULL }, { FULL }, { FX, 0x4 }, { FULL }, { FULL } },
	  .not_hsw = true },
	/* reads what belongs to the frame no more, by its own word */
	{ "E06 MAGIC2 at both", shrink_size,
	  { { GARBAGE, TAIL }, { GARBAGE, TAIL }, { GARBAGE, TAIL }, { SEGV },
	    { SEGV } }, .not_hsw = true },
	{ "E06", shrink_size_moved,
	  { { GARBAGE, TAIL }, { GARBAGE, TAIL }, LEGACY, { SEGV },
	    { SEGV } }, .not_hsw = true },
	{ "E07", e_is_s, { { FULL }, { FULL }, { FULL }, LEGACY, LEGACY } },
	{ "E08", e_below_s, { LEGACY, LEGACY, { FULL }, LEGACY, LEGACY } },
	{ "E09", q_more, ALL_FULL },
	{ "E09 bit 62", q_bit62, ALL_FULL },
	{ "E10", q_no_avx, EACH({ FULL, 0x4 }) },
	{ "E11", bv_no_avx, ALL_FULL },
	{ "E12", bv_none, ALL_FULL },
	{ "E13", bv_bndregs, ALL_SEGV },
	{ "E13 bit 63", bv_bit63, ALL_SEGV },
	{ "E14", xcomp1, ALL_SEGV },
	{ "E15", header16, ALL_SEGV },
	{ "E16", header24, ALL_FULL },
	{ "E16 byte 56", header56, ALL_FULL },
	/* the CPU takes it; whether the data was packed nothing tells */
	{ "E17", compacted, EACH({ IN_DOUBT, 0x2e0 }), .not_hsw = true, .not_z4 = true },
	{ "E18", mxcsr16,
	  { { DROPPED }, { SEGV }, { SEGV }, { SEGV }, { SEGV } } },
	{ "E19", mxcsr17, ALL_FULL, .only = XSTATE_FAMILY_AMD },
	{ "E19", mxcsr17,
	  { { DROPPED }, { SEGV }, { SEGV }, { SEGV }, { SEGV } },
	  .only = XSTATE_FAMILY_INTEL },
	{ "E20", q1_mxcsr16, EACH({ FULL, NOT_X87 }) },
	{ "E21", at16, { LEGACY, { SEGV }, { SEGV }, { SEGV }, { SEGV } } },
	{ "E21 by 32", at32, { LEGACY, { SEGV }, { SEGV }, { SEGV }, { SEGV } } },
	{ "E22", at16_magic1, ALL_FX },
	{ "E23", at8_magic1, { LEGACY, { SEGV }, { SEGV }, { SEGV }, { SEGV } } },
	{ "E24", no_fpstate, EACH({ INIT }) },
	{ "E25", fpstate8, ALL_SEGV },
	{ "E26", magic2_page, { LEGACY, { SEGV }, { SEGV }, { SEGV }, { SEGV } } },
	{ "E27", shrink_at_end,
	  { { FULL }, { FULL }, { SEGV }, { FULL }, { FULL } }, .not_hsw = true },
	{ "E28", shrink_size_at_end, ALL_SEGV, .not_hsw = true },
	{ "E29", q_foreign, EACH({ FULL, ALL }) },
	{ "E30", flag0, ALL_FULL },
	{ "E31", far_rip, EACH({ SEGV_AFTER }) },
	{ "E32", no_cs, EACH({ SEGV_AFTER }) },
	{ "E32 ss", no_ss, EACH({ SEGV_AFTER }) },
	{ "E33", no_ss_lenient, ALL_FULL },
	{ "E34", odd_flags, ALL_FULL },
	{ "E35", odd_stack, ALL_FULL },
};

static void edited(void **state)
{
	static const enum made_cpu natives[] = { HSW, Z3, Z4, ADL, ICX };
	static struct made m;
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		const struct edit_row *e = &edits[i];

		for (size_t n = 0; n < ARRAY_SIZE(natives); n++) {
			enum made_cpu cpu = natives[n];
			struct made_words w = made_native(cpu);

			if ((e->not_hsw && cpu == HSW) ||
			    (e->not_z4 && cpu == Z4) ||
			    (e->only && e->only != made_family(cpu)))
				continue;
			made_frame(&m, SIGFRAME_X86_64, w, made_family(cpu));
			e->edit(&m);
			wrong += cells_wrong(e->id, &m, cpu, e->cells, w.bv);
		}
	}
	assert_int_equal(wrong, 0);
}

/* Edits of a 32-bit frame, whose image goes through a kernel buffer. */
static void at4(struct made *m)
{
	made_move(m, 4);
}

static void bv_foreign(struct made *m)
{
	set_bits(m, 512, XSTATE_BIT(XSTATE_XTILEDATA));
}

static void magic1_mxcsr16(struct made *m)
{
	magic1(m);
	mxcsr16(m);
}

static void bv_none_mxcsr16(struct made *m)
{
	bv_none(m);
	mxcsr16(m);
}

static void x87_in_image(struct made *m)
{
	made_put(m, XSTATE_ST_OFF, 8, UINT64_C(0x0123456789abcdef));
}

static void x87_in_header(struct made *m)
{
	memset(m->area + 28, 0x3f, 10);
}

static void bv_no_x87(struct made *m)
{
	clear_bits(m, 512, 1);
}

static const struct edit_row ia32_edits[] = {
	{ "I02", at4, { LEGACY, { FULL }, { FULL }, { FULL }, { FULL } } },
	{ "I03", header24, ALL_SEGV },
	{ "I03 byte 16", header16, ALL_SEGV },
	{ "I03 byte 56", header56, ALL_SEGV },
	{ "I04", compacted, ALL_SEGV },
	{ "I04 not bit 63", xcomp1, ALL_SEGV },
	{ "I05", bv_foreign, ALL_SEGV },
	{ "I05 bit 63", bv_bit63, ALL_SEGV },
	{ "I06", mxcsr16,
	  { { DROPPED }, { SEGV }, { SEGV }, { SEGV }, { SEGV } } },
	{ "I07", magic1_mxcsr16,
	  { { FX_DROPPED, EXTENDED }, { SEGV }, { SEGV }, { SEGV },
	    { SEGV } } },
	{ "I06 and BV 0", bv_none_mxcsr16, ALL_FULL, .not_hsw = true },
	{ "I08", x87_in_image, ALL_FULL },
	{ "I09", x87_in_header, ALL_FULL },
	{ "I10", bv_no_x87, ALL_FULL },
	{ "I12", no_fpstate, EACH({ INIT }) },
	/* the words that both ways of restoring look at */
	{ "E01", magic1, ALL_FX },
	{ "E02", magic2, ALL_FX },
	{ "E03", s575, { LEGACY, LEGACY, { FULL }, LEGACY, LEGACY } },
	{ "E05", shrink_moved,
	  { { FULL }, { FULL }, { FX, 0x4 }, { FULL }, { FULL } },
	  .not_hsw = true },
	{ "E06", shrink_size_moved,
	  { { GARBAGE, TAIL }, { GARBAGE, TAIL }, LEGACY, { SEGV },
	    { SEGV } }, .not_hsw = true },
	{ "E10", q_no_avx, EACH({ FULL, 0x4 }) },
	{ "E12", bv_none, ALL_FULL, .not_hsw = true },
	{ "E27", shrink_at_end,
	  { { FULL }, { FULL }, { SEGV }, { FULL }, { FULL } }, .not_hsw = true },
	{ "E28", shrink_size_at_end, ALL_SEGV, .not_hsw = true },
	{ "E31", far_rip, EACH({ SEGV_AFTER }) },
	{ "E32", no_cs, EACH({ SEGV_AFTER }) },
	{ "E32 ss", no_ss, EACH({ SEGV_AFTER }) },
};

static void ia32_edited(void **state)
{
	static const enum made_cpu natives[] = { HSW, Z3, Z4, ADL, ICX, SPR };
	static const enum sigframe_kind kinds[] = { SIGFRAME_IA32_RT,
						    SIGFRAME_IA32 };
	static struct made m;
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ia32_edits); i++) {
		const struct edit_row *e = &ia32_edits[i];

		for (size_t n = 0; n < ARRAY_SIZE(natives); n++) {
			enum made_cpu cpu = natives[n];
			struct made_words w = made_native(cpu);

			if (e->not_hsw && cpu == HSW)
				continue;
			for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
				made_frame(&m, kinds[k], w, made_family(cpu));
				e->edit(&m);
				wrong += cells_wrong(e->id, &m, cpu, e->cells,
						     w.bv);
			}
		}
	}
	/* I11 */
	made_frame(&m, SIGFRAME_IA32_RT, made_native(Z3), XSTATE_FAMILY_AMD);
	wrong += cells_wrong("I11", &m, ADL,
			     (const struct cell[COLUMNS]){
				     { GARBAGE, 0x200 }, { GARBAGE, 0x200 },
				     { FX, 0x204 }, { SEGV }, { SEGV } },
			     ALL);
	assert_int_equal(wrong, 0);
}

/* What is claimed, in use, enabled by the task, and enabled in XCR0. */
static void masks(void **state)
{
	static const struct {
		const char *id;
		enum sigframe_kind kind;
		struct made_words frame;
		enum made_cpu target;
		struct cell cells[COLUMNS];
	} rows[] = {
		/* tile data in a task that has not asked for it */
		{ "claimed, in use, in XCR0", SIGFRAME_X86_64,
		  { 2816, 0x602e7, 0x602e7 }, SPR,
		  { { NOT_SAID }, { NOT_SAID }, { FULL, 0x40000 },
		    { FULL, 0x40000 }, { FULL, 0x40000 } } },
		{ "claimed only", SIGFRAME_X86_64,
		  { 2816, 0x602e7, 0x2e7 }, SPR,
		  { { NOT_SAID }, { FULL }, { FULL }, { FULL }, { FULL } } },
		{ "in use, in XCR0", SIGFRAME_X86_64,
		  { 2816, 0x202e7, 0x602e7 }, SPR,
		  { { NOT_SAID }, { FULL, 0x40000 }, { FULL, 0x40000 },
		    { FULL, 0x40000 }, { FULL, 0x40000 } } },
		/* the copying kernel wants it in the task's own features */
		{ "claimed, in use, in XCR0", SIGFRAME_IA32_RT,
		  { 2816, 0x602e7, 0x602e7 }, SPR,
		  { { NOT_SAID }, { SEGV }, { SEGV }, { SEGV }, { SEGV } } },
		{ "in use, in XCR0", SIGFRAME_IA32_RT,
		  { 2816, 0x202e7, 0x602e7 }, SPR,
		  { { NOT_SAID }, { SEGV }, { SEGV }, { SEGV }, { SEGV } } },
		/* nothing but what the frame does not claim */
		{ "not claimed", SIGFRAME_X86_64, { 2696, 0x3, 0x2e7 }, ICX,
		  EACH({ FULL, 0x2e4 }) },
		{ "not claimed", SIGFRAME_IA32_RT, { 2696, 0x3, 0x2e7 }, ICX,
		  EACH({ FULL, 0x2e4 }) },
		{ "not claimed, not in XCR0", SIGFRAME_X86_64,
		  { 832, 0x7, 0x207 }, HSW, ALL_SEGV },
		{ "not claimed, not in XCR0", SIGFRAME_IA32_RT,
		  { 832, 0x7, 0x207 }, HSW, ALL_SEGV },
		/* without XSAVE no word but MXCSR is looked at */
		{ "no XSAVE", SIGFRAME_X86_64, { 2696, 0x2e7, 0x2e7 }, NHM,
		  ALL_FX },
		{ "no XSAVE", SIGFRAME_IA32, { 2696, 0x2e7, 0x2e7 }, NHM,
		  ALL_FX },
		{ "no XSAVE", SIGFRAME_X86_64, { 832, 0x7, 0x3 }, NHM,
		  ALL_FX },
	};
	static struct made m;
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		made_frame(&m, rows[i].kind, rows[i].frame,
			   XSTATE_FAMILY_INTEL);
		wrong += cells_wrong(rows[i].id, &m, rows[i].target,
				     rows[i].cells, rows[i].frame.bv);
	}

	/* R2 asks for what XCR0 has: #NM */
	made_frame(&m, SIGFRAME_X86_64, rows[0].frame, XSTATE_FAMILY_INTEL);

	struct made_target t;

	made_target(SPR, RULES_BIT(RULES_R2), &t);
	assert_int_equal(predict(&m.facts, &t.target).outcome, OUTCOME_FATAL);

	/* E12 without XSAVEC: MXCSR may be anyone's */
	made_frame(&m, SIGFRAME_IA32, made_native(HSW), XSTATE_FAMILY_INTEL);
	bv_none(&m);
	made_target(HSW, RULES_BIT(RULES_R3), &t);
	assert_int_equal(predict(&m.facts, &t.target).possible,
			 1u << OUTCOME_INTACT | 1u << OUTCOME_LOSSY);

	/* E17 where both forms are the same, and without XSAVEC */
	made_frame(&m, SIGFRAME_X86_64, made_native(Z4), XSTATE_FAMILY_AMD);
	compacted(&m);
	wrong += cells_wrong("E17", &m, Z4,
			     (const struct cell[COLUMNS])ALL_FULL, ALL);
	made_frame(&m, SIGFRAME_X86_64, made_native(HSW), XSTATE_FAMILY_INTEL);
	compacted(&m);
	wrong += cells_wrong("E17", &m, HSW,
			     (const struct cell[COLUMNS])ALL_SEGV, ALL);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(edited),
		cmocka_unit_test(ia32_edited),
		cmocka_unit_test(masks),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("edits", tests, NULL, NULL);
}
