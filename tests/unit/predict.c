/* SPDX-License-Identifier: GPL-3.0-or-later */
/* predict.c - frames of one machine on another: the table is what happens */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cells.h"

#define INTEL XSTATE_FAMILY_INTEL
#define AMD XSTATE_FAMILY_AMD

/* Frames of one machine on another. */
static const struct {
	const char *id;
	struct made_words frame;
	enum xstate_family family;
	enum made_cpu target;
	uint64_t init;		/* where it is FULL: initial afterwards */
	struct cell cells[COLUMNS];
} crossings[] = {
	{ "V02", { 832, 0x7, 0x7 }, INTEL, ICX, 0x2e0,
	  { { FULL }, { FULL }, { FX, 0x4 }, { FULL }, { FULL } } },
	{ "V03", { 2696, 0x2e7, 0x207 }, INTEL, HSW, 0,
	  { { FX, 0x204 }, { FX, 0x204 }, { FX, 0x204 }, { FX, 0x204 },
	    { SEGV } } },
	{ "V04", { 2696, 0x2e7, 0x207 }, INTEL, ADL, 0,
	  { { FULL }, { FULL }, { FULL }, { FULL }, { FULL } } },
	{ "V05", { 2696, 0x2e7, 0x2e7 }, INTEL, ADL, 0,
	  { { SEGV }, { SEGV }, { SEGV }, { SEGV }, { SEGV } } },
	{ "V06", { 2440, 0x207, 0x207 }, AMD, ADL, 0,
	  { { GARBAGE, 0x200 }, { GARBAGE, 0x200 }, { FX, 0x204 }, { SEGV },
	    { SEGV } } },
	{ "V07", { 2696, 0x207, 0x207 }, INTEL, Z3, 0,
	  { { FX, 0x204 }, { FX, 0x204 }, { FX, 0x204 }, { FX, 0x204 },
	    { GARBAGE, 0x200 } } },
	{ "V08", { 2440, 0x2e7, 0x2e7 }, AMD, ICX, 0,
	  { { GARBAGE, 0x2e0 }, { GARBAGE, 0x2e0 }, { FX, 0x2e4 }, { SEGV },
	    { SEGV } } },
	{ "V09", { 2440, 0x2e7, 0x7 }, AMD, ICX, 0x2e0,
	  { { FULL }, { FULL }, { FX, 0x4 }, { SEGV }, { SEGV } } },
	{ "V10", { 2696, 0x2e7, 0x2e7 }, INTEL, Z4, 0,
	  { { FX, 0x2e4 }, { FX, 0x2e4 }, { FX, 0x2e4 }, { FX, 0x2e4 },
	    { GARBAGE, 0x2e0 } } },
	{ "V11", { 832, 0x7, 0x7 }, AMD, HSW, 0,
	  { { FULL }, { FULL }, { FULL }, { FULL }, { FULL } } },
	{ "V12", { 1088, 0x1f, 0x7 }, INTEL, ICX, 0x2e0,
	  { { FULL }, { FULL }, { FX, 0x4 }, { FULL }, { FULL } } },
	{ "V13", { 1088, 0x1f, 0x1f }, INTEL, ICX, 0,
	  { { SEGV }, { SEGV }, { FX, 0x1c }, { SEGV }, { SEGV } } },
	{ "V14", { 2816, 0x202e7, 0x2e7 }, INTEL, SPR_AMX, 0x60000,
	  { { NOT_SAID }, { FULL }, { FX, 0x2e4 }, { FULL }, { FULL } } },
	{ "V15", { 11008, 0x602e7, 0x602e7 }, INTEL, SPR, 0,
	  { { NOT_SAID }, { FX, 0x602e4 }, { FX, 0x602e4 }, { FX, 0x602e4 },
	    { FULL, 0x40000 } } },
	{ "V16", { 11008, 0x602e7, 0x602e7 }, INTEL, SPR_AMX, 0,
	  { { NOT_SAID }, { FULL }, { FULL }, { FULL }, { FULL } } },
	{ "V17", { 2696, 0x2e7, 0x2e7 }, INTEL, SPR, 0x20000,
	  { { NOT_SAID }, { FULL }, { FX, 0x2e4 }, { FULL }, { FULL } } },
	{ "V18", { 2816, 0x202e7, 0x2e7 }, INTEL, ICX, 0,
	  { { NOT_SAID }, { FX, 0x2e4 }, { FX, 0x2e4 }, { FX, 0x2e4 },
	    { FULL } } },
	{ "V19", { 2440, 0x207, 0x207 }, AMD, Z4, 0xe0,
	  { { FULL }, { FULL }, { FULL }, { FULL }, { FULL } } },
	{ "V20", { 2440, 0x2e7, 0x207 }, AMD, Z3, 0,
	  { { FULL }, { FULL }, { FULL }, { FULL }, { FULL } } },
	{ "V21", { 2440, 0x2e7, 0x2e7 }, AMD, Z3, 0,
	  { { SEGV }, { SEGV }, { SEGV }, { SEGV }, { SEGV } } },
	{ "V22", { 2696, 0x2e7, 0x207 }, INTEL, ICX_NOPKU, 0,
	  { { FX, 0x204 }, { FX, 0x204 }, { FX, 0x204 }, { FX, 0x204 },
	    { SEGV } } },
	{ "V23", { 2696, 0x2e7, 0x207 }, INTEL, SPR_NOPKU, 0,
	  { { SEGV }, { SEGV }, { FX, 0x204 }, { SEGV }, { SEGV } } },
	/* V24 is V03 under R7 */
	{ "V25", { 2696, 0x2e7, 0x7 }, INTEL, HSW, 0,
	  { { FX, 0x4 }, { FX, 0x4 }, { FX, 0x4 }, { FX, 0x4 }, { FULL } } },
	{ "SSE only", { 576, 0x3, 0x3 }, AMD, ICX, 0x2e4,
	  { { FULL }, { FULL }, { FX }, { FULL }, { FULL } } },
};

static void crossing(void **state)
{
	static const enum sigframe_kind kinds[] = { SIGFRAME_X86_64,
						    SIGFRAME_X32 };
	static struct made m;
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(crossings); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			made_frame(&m, kinds[k], crossings[i].frame,
				   crossings[i].family);
			wrong += cells_wrong(crossings[i].id, &m,
					     crossings[i].target,
					     crossings[i].cells, UINT64_MAX);
		}
		if (crossings[i].cells[C235].end != FULL)
			continue;

		struct made_target t;

		made_target(crossings[i].target, RULES_BIT(RULES_R3), &t);

		struct verdict v = predict(&m.facts, &t.target);

		assert_int_equal(t.target.features & ~(v.loaded | v.garbled),
				 crossings[i].init);
	}
	assert_int_equal(wrong, 0);
}

/* V01, I01: what a machine writes, it restores. */
static void native(void **state)
{
	static const struct cell cells[COLUMNS] = {
		{ FULL }, { FULL }, { FULL }, { FULL }, { FULL },
	};
	static struct made m;
	unsigned wrong = 0;

	(void)state;
	for (enum made_cpu cpu = HSW; cpu < MADE_CPUS; cpu++) {
		struct made_words w = made_native(cpu);
		const uint64_t all = w.bv;

		for (enum sigframe_kind k = 0; k < SIGFRAME_KINDS; k++) {
			/* whatever is in use; the kernel adds x87 and SSE */
			for (uint64_t bv = all;; bv = (bv - 1) & all) {
				w.bv = bv | XSTATE_LEGACY;
				made_frame(&m, k, w, made_family(cpu));
				wrong += cells_wrong("V01", &m, cpu, cells,
						     w.bv);
				if (!bv)
					break;
			}
		}
	}
	assert_int_equal(wrong, 0);
}

/* What lies in the last page that a process can have. */
static void address_limits(void **state)
{
	static const enum made_cpu cpus[] = { NHM, HSW, ICX, SPR, SPR_AMX };
	static struct made m;
	struct made_target t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		for (enum sigframe_kind k = 0; k < SIGFRAME_KINDS; k++) {
			const struct sigframe_shape *s = &sigframe_shapes[k];
			const uint64_t out = made_check("fpstate-out-of-range");
			uint64_t bad[] = { 0, UINT64_MAX, UINT64_MAX - 4096,
					   UINT64_C(1) << 63 };

			/* the frame is small, but it is U that counts */
			made_frame(&m, k, (struct made_words){ 832, 7, 3 },
				   XSTATE_FAMILY_INTEL);
			made_target(cpus[i], RULES_BIT(RULES_R3), &t);

			uint64_t u = t.target.user_size;
			uint64_t last = t.cpu.user_limit - s->header -
					(u > 512 ? u + 4 : u);

			m.facts.sigframe.fpstate = last;
			assert_int_equal(predict(&m.facts, &t.target).checks &
					 out, 0);
			bad[0] = last + 1;
			for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
				m.facts.sigframe.fpstate = bad[n];

				struct verdict v = predict(&m.facts, &t.target);

				assert_int_equal(v.checks, out);
				assert_int_equal(v.outcome, OUTCOME_FATAL);
			}
		}
	}
	for (enum sigframe_kind k = 0; k < SIGFRAME_KINDS; k++) {
		const uint64_t out = made_check("frame-out-of-range");
		uint64_t last = CPU_USER_LIMIT_48 - sigframe_shapes[k].size;
		const uint64_t bad[] = { last + 1, CPU_USER_LIMIT_48,
					 UINT64_C(1) << 63, UINT64_MAX };

		made_frame(&m, k, made_native(ICX), XSTATE_FAMILY_INTEL);
		made_target(ICX, RULES_BIT(RULES_R3), &t);
		m.facts.sigframe.address = last;
		assert_int_equal(predict(&m.facts, &t.target).outcome,
				 OUTCOME_INTACT);
		for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
			m.facts.sigframe.address = bad[n];
			assert_int_equal(predict(&m.facts, &t.target).checks,
					 out);
		}
		/* five levels of page tables reach further */
		t.cpu.user_limit = CPU_USER_LIMIT_57;
		m.facts.sigframe.address = last + 1;
		assert_int_equal(predict(&m.facts, &t.target).outcome,
				 OUTCOME_INTACT);
	}
}

/* An 832-byte frame, its first page absent, less than U bytes mapped. */
static void absent_pages(void **state)
{
	enum { IMAGE, FXSAVE };
	static const struct {
		const char *id;
		unsigned what;
		uint64_t start;		/* of the image in its page */
		enum tri resident;
		enum outcome want[RULES_COUNT];
	} rows[] = {
#define I OUTCOME_INTACT
#define F OUTCOME_FATAL
		/* R4 reads MAGIC2 where nothing is, whatever is present */
		{ "present", IMAGE, 4032, TRI_YES, { I, I, I, F, I, I, I } },
		{ "absent", IMAGE, 4032, TRI_NO, { I, I, F, F, F, I, I } },
		{ "one page", IMAGE, 64, TRI_NO, { I, I, I, F, I, I, I } },
		{ "two pages, both looked at", IMAGE, 4096 - 576, TRI_NO,
		  { I, I, I, F, I, I, I } },
		{ "FXSAVE", FXSAVE, 4032, TRI_NO, { I, I, F, F, F, I, I } },
		{ "FXSAVE present", FXSAVE, 4032, TRI_YES,
		  { I, I, I, I, I, I, I } },
#undef I
#undef F
	};
	static struct made m;
	struct made_target t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned r = 0; r < RULES_COUNT; r++) {
			made_frame(&m, SIGFRAME_X86_64,
				   (struct made_words){ 832, 7, 3 },
				   XSTATE_FAMILY_INTEL);
			if (rows[i].what == FXSAVE)
				made_put(&m, 464, 4, 0);
			made_move(&m, rows[i].start);
			made_cut(&m, 896, RUN_END_UNREADABLE);
			m.facts.around.resident = rows[i].resident;
			made_target(ICX, RULES_BIT(r), &t);

			struct verdict v = predict(&m.facts, &t.target);

			if (v.outcome != rows[i].want[r])
				fail_msg("%s under %s: %s%s", rows[i].id,
					 rules_table[r].id,
					 outcome_name(v.outcome),
					 made_names(v.checks));
		}
	}
}

/*
 * xstate_size fits the frame's components in AMD's layout, MAGIC2 is where it
 * is in Intel's: R4 believes MAGIC2, and nobody can tell who is right.
 */
static void two_sizes(void **state)
{
	static struct made m;
	struct made_target t;

	(void)state;
	made_frame(&m, SIGFRAME_X86_64,
		   (struct made_words){ 2440, 0x207, 0x207 },
		   XSTATE_FAMILY_AMD);
	made_put(&m, 2440, 4, 0);
	made_put(&m, 2696, 4, XSTATE_MAGIC2);
	made_target(ADL, RULES_BIT(RULES_R4), &t);

	struct verdict v = predict(&m.facts, &t.target);

	assert_int_equal(v.outcome, OUTCOME_UNKNOWN);
	assert_true(v.garbled == XSTATE_BIT(XSTATE_PKRU));
	/* nothing of it is in dispute while PKRU is not in use */
	made_put(&m, 512, 8, 7);
	assert_int_equal(predict(&m.facts, &t.target).outcome, OUTCOME_INTACT);
}

/* Which MXCSR words are taken, dropped or refused. */
static void mxcsr_words(void **state)
{
	static const struct {
		uint32_t mxcsr, mask;
		bool sse_in_use;	/* refused all the same */
		enum outcome want, want_r1;
	} rows[] = {
		{ 0x1f80, 0xffff, true, OUTCOME_INTACT, OUTCOME_INTACT },
		{ 0xffff, 0xffff, true, OUTCOME_INTACT, OUTCOME_INTACT },
		{ 0x21f80, 0x2ffff, true, OUTCOME_INTACT, OUTCOME_INTACT },
		{ 0x21f80, 0xffff, true, OUTCOME_FATAL, OUTCOME_LOSSY },
		{ 0x21f80, 0xffff, false, OUTCOME_FATAL, OUTCOME_LOSSY },
		{ 0x11f80, 0x2ffff, true, OUTCOME_FATAL, OUTCOME_LOSSY },
		{ 0x80001f80, 0x2ffff, true, OUTCOME_FATAL, OUTCOME_LOSSY },
		{ 0x1fc0, 0xffbf, true, OUTCOME_FATAL, OUTCOME_LOSSY },
		{ 0x1f80, 0, true, OUTCOME_INTACT, OUTCOME_INTACT },
		{ 0x1fc0, 0, true, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
		{ 0x21f80, 0, true, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
		{ 0x11f80, 0, true, OUTCOME_FATAL, OUTCOME_LOSSY },
	};
	static struct made m;
	struct made_target t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned r = 0; r < RULES_COUNT; r++) {
			struct made_words w = made_native(Z4);

			if (!rows[i].sse_in_use)
				w.bv &= ~UINT64_C(6);
			made_frame(&m, SIGFRAME_X86_64, w, XSTATE_FAMILY_AMD);
			made_put(&m, 24, 4, rows[i].mxcsr);
			made_target(Z4, RULES_BIT(r), &t);
			t.cpu.mxcsr_mask = rows[i].mask;

			struct verdict v = predict(&m.facts, &t.target);

			if (v.outcome != (r == RULES_R1 ? rows[i].want_r1
							: rows[i].want))
				fail_msg("row %zu under %s: %s", i,
					 rules_table[r].id,
					 outcome_name(v.outcome));
			if (v.outcome == OUTCOME_INTACT)
				assert_int_equal(v.mxcsr_loaded, TRI_YES);
		}
	}
}

/* A frame of a kernel without XSAVE comes back everywhere. */
static void fxsave_frame(void **state)
{
	static struct made m;

	(void)state;
	for (enum made_cpu cpu = NHM; cpu < MADE_CPUS; cpu++) {
		for (unsigned r = 0; r < RULES_COUNT; r++) {
			struct made_target t;

			made_frame(&m, SIGFRAME_X86_64,
				   (struct made_words){ 512, 3, 0 },
				   XSTATE_FAMILY_COMMON);
			m.facts.sigframe.uc_flags = 6;
			/* no header, and no MAGIC2 in its place */
			for (uint32_t i = 512; i < 576; i++)
				made_put(&m, i, 1, 0xa5);
			made_target(cpu, RULES_BIT(r), &t);

			struct verdict v = predict(&m.facts, &t.target);

			assert_int_equal(v.outcome, OUTCOME_INTACT);
			assert_int_equal(v.paths, 1u << RESTORE_FX);
			assert_int_equal(v.loaded, 3);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(native),
		cmocka_unit_test(crossing),
		cmocka_unit_test(address_limits),
		cmocka_unit_test(absent_pages),
		cmocka_unit_test(two_sizes),
		cmocka_unit_test(mxcsr_words),
		cmocka_unit_test(fxsave_frame),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("predict", tests, NULL, NULL);
}
