/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_restore.c - live registers through "criu restore" */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/criu.h"
#include "made.h"

#define DEFAULT_PKRU 0x55555554
#define BOTH (RULES_BIT(RULES_R4) | RULES_BIT(RULES_R5))

#define R1 RULES_BIT(RULES_R1)
#define R3 RULES_BIT(RULES_R3)
#define R4 RULES_BIT(RULES_R4)
#define R5 RULES_BIT(RULES_R5)
#define R6 RULES_BIT(RULES_R6)

/*
 * What a thread had, where it goes, and what becomes of it. The frame that
 * CRIU builds ends behind the last component in use: 576 bytes with none,
 * 832 with AVX, 2688 (Intel) or 2432 (AMD) with ZMM16-31, 2696 or 2440 with
 * PKRU. Rules R4 want it to be as large as the task's own.
 */
static const struct {
	const char *name;
	uint64_t components, in_use;
	uint32_t mxcsr, pkru;
	enum made_cpu target;
	rules_mask rules;
	enum outcome outcome;
	unsigned possible;	/* if that is UNKNOWN */
	uint64_t lost;
	const char *why;	/* in brackets: perhaps */
} rows[] = {
	{ "AVX to a CPU with AVX", 0xe7, 0x7, 0x1f80, 0, HSW, R5,
	  OUTCOME_INTACT, 0, 0, "" },
	{ "and by R4, of the same size", 0xe7, 0x7, 0x1f80, 0, HSW, R4,
	  OUTCOME_INTACT, 0, 0, "" },
	{ "AVX-512 to a CPU with AVX", 0xe7, 0xe7, 0x1f80, 0, HSW, R5,
	  OUTCOME_LOSSY, 0, 0xe0, " criu-components-dropped" },
	{ "some of it", 0xe7, 0x87, 0x1f80, 0, HSW, R5,
	  OUTCOME_LOSSY, 0, 0x80, " criu-components-dropped" },
	{ "had, but not in use", 0xe7, 0x3, 0x1f80, 0, HSW, R5,
	  OUTCOME_INTACT, 0, 0, "" },
	{ "nothing in use, x87 included", 0xe7, 0, 0x1f80, 0, HSW, R5,
	  OUTCOME_INTACT, 0, 0, "" },

	{ "AVX to larger frames", 0x7, 0x7, 0x1f80, 0, ADL, R5,
	  OUTCOME_INTACT, 0, 0, "" },
	{ "AVX to larger frames by R4", 0x7, 0x7, 0x1f80, 0, ADL, R4,
	  OUTCOME_LOSSY, 0, 0x4, " criu-frame-reduced" },
	{ "even where it came from", 0x2e7, 0x7, 0x1f80, 0, ICX, R4,
	  OUTCOME_LOSSY, 0, 0x4, " criu-frame-reduced" },
	{ "R4 with nothing to lose", 0x2e7, 0x3, 0x1f80, 0, ICX, R4,
	  OUTCOME_INTACT, 0, 0, "" },
	{ "R4 and PKRU, which is last", 0x2e7, 0x207, 0x1f80, DEFAULT_PKRU,
	  ICX, R4, OUTCOME_INTACT, 0, 0, "" },
	{ "the same of AMD", 0x2e7, 0x207, 0x1f80, DEFAULT_PKRU, Z4, R4,
	  OUTCOME_INTACT, 0, 0, "" },
	{ "R4 and ZMM16-31, which are last", 0xe7, 0xe7, 0x1f80, 0, ICX_NOPKU,
	  R4, OUTCOME_INTACT, 0, 0, "" },
	{ "R4 and ZMM0-15", 0xe7, 0x67, 0x1f80, 0, ICX_NOPKU, R4,
	  OUTCOME_LOSSY, 0, 0x64, " criu-frame-reduced" },
	{ "R4 and a CPU with AMX", 0x2e7, 0x2e7, 0x1f80, DEFAULT_PKRU, SPR,
	  R4, OUTCOME_LOSSY, 0, 0xe4, " criu-frame-reduced" },
	{ "R3 and a CPU with AMX", 0x2e7, 0x2e7, 0x1f80, DEFAULT_PKRU, SPR,
	  R3, OUTCOME_INTACT, 0, 0, "" },
	{ "R6", 0x2e7, 0x7, 0x1f80, 0, ICX, R6, OUTCOME_INTACT, 0, 0, "" },
	{ "R4 or R5", 0x2e7, 0x7, 0x1f80, 0, ICX, BOTH, OUTCOME_UNKNOWN,
	  1 << OUTCOME_INTACT | 1 << OUTCOME_LOSSY, 0x4,
	  " [criu-frame-reduced]" },
	{ "R4 or R5, lost by both", 0xe7, 0xe7, 0x1f80, 0, ADL, BOTH,
	  OUTCOME_LOSSY, 0, 0xe4,
	  " criu-components-dropped [criu-frame-reduced]" },
	{ "rules not known", 0x2e7, 0x7, 0x1f80, 0, ICX, 0, OUTCOME_UNKNOWN,
	  0xf, 0, " criu-frame-doubtful" },

	{ "AMX, which is not dumped", 0x2e7, 0x602e7, 0x1f80, DEFAULT_PKRU,
	  SPR, R5, OUTCOME_LOSSY, 0, 0x60000, " criu-components-unsaved" },
	{ "in use and not in the image", 0x3, 0x7, 0x1f80, 0, HSW, R5,
	  OUTCOME_LOSSY, 0, 0x4, " criu-components-unsaved" },

	{ "rights that are Linux's own", 0x2e7, 0x203, 0x1f80, DEFAULT_PKRU,
	  HSW, R5, OUTCOME_INTACT, 0, 0, "" },
	{ "all rights", 0x2e7, 0x203, 0x1f80, 0, HSW, R5,
	  OUTCOME_INTACT, 0, 0, "" },
	{ "rights of the program's own", 0x2e7, 0x203, 0x1f80, 0x55555550,
	  HSW, R5, OUTCOME_LOSSY, 0, 0x200, " criu-components-dropped" },

	{ "a bit of MXCSR that AMD has", 0x7, 0x7, 0x21f80, 0, Z3, R5,
	  OUTCOME_INTACT, 0, 0, "" },
	{ "and Intel has not", 0x7, 0x7, 0x21f80, 0, ADL, R5,
	  OUTCOME_FATAL, 0, 0, " criu-frame-refused" },
	{ "which old kernels dropped", 0x7, 0x7, 0x21f80, 0, ADL, R1,
	  OUTCOME_LOSSY, 0, 0, "" },

	{ "no XSAVE", 0x7, 0x7, 0x1f80, 0, NHM, R5, OUTCOME_FATAL, 0, 0,
	  " criu-xsave-missing" },
};

static void add_names(char *names, const struct criu_findings *f)
{
	names[0] = '\0';
	for (unsigned i = 0; i < CRIU_INDEXES; i++) {
		bool found = f->found >> i & 1, unsure = f->unsure >> i & 1;

		if (!found && !unsure)
			continue;
		strcat(names, found ? " " : " [");
		strcat(names, criu_reasons[i].id);
		strcat(names, found ? "" : "]");
	}
}

static void every_row(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct criu_thread thread = {
			.known = true,
			.components = rows[i].components,
			.in_use = rows[i].in_use,
			.mxcsr = rows[i].mxcsr,
			.pkru = rows[i].pkru,
		};
		struct made_target t;
		char why[1024];

		made_target(rows[i].target, rows[i].rules, &t);

		struct criu_live live = criu_restore(&thread, &t.target);
		unsigned possible = rows[i].outcome == OUTCOME_UNKNOWN
					    ? rows[i].possible
					    : 1u << rows[i].outcome;

		add_names(why, &live.why);
		if (live.outcome == rows[i].outcome &&
		    live.possible == possible && live.lost == rows[i].lost &&
		    !strcmp(why, rows[i].why) &&
		    live.refused == tri_of(rows[i].target == NHM))
			continue;
		print_message("%s: %s (%x), lost %#llx,%s\n", rows[i].name,
			      outcome_name(live.outcome), live.possible,
			      (unsigned long long)live.lost, why);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* 32-bit frames have the same sizes, without the header before the image. */
static void ia32(void **state)
{
	struct criu_thread thread = {
		.known = true,
		.components = 0x2e7,
		.in_use = 0x7,
		.mxcsr = 0x1f80,
		.ia32 = true,
	};
	struct made_target t;

	(void)state;
	made_target(ICX, R5, &t);
	assert_int_equal(criu_restore(&thread, &t.target).outcome,
			 OUTCOME_INTACT);
	t.target.rules = R6;
	assert_int_equal(criu_restore(&thread, &t.target).outcome,
			 OUTCOME_INTACT);
	t.target.rules = R4;
	assert_int_equal(criu_restore(&thread, &t.target).lost, 0x4);
}

static void unknown(void **state)
{
	struct criu_thread thread = { 0 };
	struct made_target t;
	struct criu_live live;
	char why[1024];

	(void)state;
	made_target(ICX, R5, &t);
	live = criu_restore(&thread, &t.target);
	add_names(why, &live.why);
	assert_string_equal(why, " criu-registers-unknown");
	assert_int_equal(live.outcome, OUTCOME_UNKNOWN);
	assert_int_equal(live.refused, TRI_NO);

	/* where the target's components are */
	thread = (struct criu_thread){ .known = true, .components = 0xe7,
				       .in_use = 0xe7, .mxcsr = 0x1f80 };
	t.cpu.layout.features = 0x7;
	live = criu_restore(&thread, &t.target);
	assert_int_equal(live.outcome, OUTCOME_UNKNOWN);

	/* whether it was dumped with XSAVE, and whether there is one here */
	made_target(NHM, R5, &t);
	thread.components = thread.in_use = 0x3;
	live = criu_restore(&thread, &t.target);
	assert_int_equal(live.refused, TRI_UNKNOWN);
	assert_int_equal(live.possible,
			 1 << OUTCOME_INTACT | 1 << OUTCOME_FATAL);
	made_target(ICX, R5, &t);
	t.cpu.xsave = TRI_UNKNOWN;
	thread.components = 0xe7;
	live = criu_restore(&thread, &t.target);
	assert_int_equal(live.refused, TRI_UNKNOWN);
	assert_int_equal(live.outcome, OUTCOME_UNKNOWN);
}

static void shadow_stack(void **state)
{
	const uint64_t bit = UINT64_C(1) << CRIU_SHADOW_STACK_DROPPED;
	struct criu_thread thread = {
		.known = true,
		.components = 0x7,
		.mxcsr = 0x1f80,
		.shadow_stack = TRI_YES,
	};
	struct made_target t;
	struct criu_live live;

	(void)state;
	made_target(ICX, R5, &t);
	assert_false(criu_restore(&thread, &t.target).why.found & bit);
	t.target.isa.known = ISA_BIT(ISA_SHSTK);
	live = criu_restore(&thread, &t.target);
	assert_true(live.why.found & bit);
	assert_int_equal(live.outcome, OUTCOME_INTACT);
	t.target.isa.has = ISA_BIT(ISA_SHSTK);
	assert_false(criu_restore(&thread, &t.target).why.found & bit);
}

/* --cpu-cap, by what cpuinfo.img and the target say. */
static void compare(void **state)
{
	const uint64_t isa = ISA_BIT(ISA_AVX) | ISA_BIT(ISA_AVX512F) |
			     ISA_BIT(ISA_MPX) | ISA_BIT(ISA_FMA);
	struct criu_cpu cpu = {
		.isa = { isa, isa },
		.xfeatures = 0x2fd,
		.xsave_size = 2696,
		.has_xfeatures = true,
		.has_xsave_size = true,
	};
	struct made_target t;
	struct criu_findings f;
	char why[1024];

	(void)state;
	made_target(ICX, R5, &t);
	f = criu_compare(NULL, &t.target);
	add_names(why, &f);
	assert_string_equal(why, " criu-cap-no-cpuinfo");

	/* MPX is gone from Linux, not from that CPU */
	t.target.isa = (struct isa_set){ isa, isa & ~ISA_BIT(ISA_MPX) };
	f = criu_compare(&cpu, &t.target);
	add_names(why, &f);
	assert_string_equal(why, "");

	/* FMA is no instruction to CRIU, but a difference */
	t.target.isa.has &= ~ISA_BIT(ISA_FMA);
	f = criu_compare(&cpu, &t.target);
	add_names(why, &f);
	assert_string_equal(why, " criu-cap-extensions");
	t.target.isa.known &= ~ISA_BIT(ISA_FMA);
	f = criu_compare(&cpu, &t.target);
	assert_int_equal(f.found, 0);

	made_target(HSW, R5, &t);
	t.target.isa = (struct isa_set){ isa, ISA_BIT(ISA_AVX) };
	f = criu_compare(&cpu, &t.target);
	add_names(why, &f);
	assert_string_equal(why, " criu-cap-components criu-cap-xsave-size "
				 "criu-cap-instructions criu-cap-extensions");
	assert_int_equal(f.values[CRIU_CAP_COMPONENTS][0], 0x2e0);
	assert_int_equal(f.values[CRIU_CAP_XSAVE_SIZE][0], 2696);
	assert_int_equal(f.values[CRIU_CAP_XSAVE_SIZE][1], 832);
	assert_int_equal(f.values[CRIU_CAP_INSTRUCTIONS][0],
			 ISA_BIT(ISA_AVX512F));

	/* of XSAVES nothing is known, unless there is not even XSAVEC */
	cpu.xsaves = true;
	t.cpu.xsavec = TRI_YES;
	assert_false(criu_compare(&cpu, &t.target).found &
		     1 << CRIU_CAP_XSAVES);
	t.cpu.xsavec = TRI_NO;
	assert_true(criu_compare(&cpu, &t.target).found & 1 << CRIU_CAP_XSAVES);
	cpu.xsaves = false;

	/* what an old image does not have is not compared */
	cpu.has_xfeatures = cpu.has_xsave_size = false;
	f = criu_compare(&cpu, &t.target);
	add_names(why, &f);
	assert_string_equal(why, " criu-cap-instructions criu-cap-extensions");

	/* XSAVE's size there includes AMX, which the mask does not show */
	made_target(SPR, R5, &t);
	cpu = (struct criu_cpu){ .xfeatures = 0x2e5, .xsave_size = 11008,
				 .has_xfeatures = true,
				 .has_xsave_size = true };
	f = criu_compare(&cpu, &t.target);
	assert_int_equal(f.found, 0);
}

static void several_threads(void **state)
{
	struct criu_findings sum = { 0 };
	struct criu_findings a = { .found = 1 << CRIU_COMPONENTS_DROPPED };
	struct criu_findings b = { .unsure = 1 << CRIU_COMPONENTS_DROPPED |
					     1 << CRIU_FRAME_REDUCED };

	(void)state;
	a.values[CRIU_COMPONENTS_DROPPED][0] = 0x4;
	b.values[CRIU_COMPONENTS_DROPPED][0] = 0x80;
	b.values[CRIU_FRAME_REDUCED][0] = 832;
	criu_add(&sum, &b);
	criu_add(&sum, &a);
	b.values[CRIU_FRAME_REDUCED][0] = 2696;
	criu_add(&sum, &b);
	assert_int_equal(sum.found, 1 << CRIU_COMPONENTS_DROPPED);
	assert_int_equal(sum.unsure, 1 << CRIU_FRAME_REDUCED);
	assert_int_equal(sum.values[CRIU_COMPONENTS_DROPPED][0], 0x84);
	assert_int_equal(sum.values[CRIU_FRAME_REDUCED][0], 832);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(ia32),
		cmocka_unit_test(unknown),
		cmocka_unit_test(shadow_stack),
		cmocka_unit_test(compare),
		cmocka_unit_test(several_threads),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("criu_restore", tests, NULL, NULL);
}
