/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evidence.c - every reason for a verdict, and what missing evidence does */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/checks.h"
#include "made.h"

MADE_EDIT(nothing)
MADE_EDIT(frame_high, m->facts.sigframe.address = t->cpu.user_limit - 439;)
MADE_EDIT(frame_cut,
     m->facts.frame.bytes.size = 311;
     m->facts.frame.end = RUN_END_UNREADABLE;)
MADE_EDIT(frame_short, m->facts.frame.bytes.size = 311;)
MADE_EDIT(no_restorer, m->facts.around.restorer = TRI_NO;)
MADE_EDIT(restorer_unknown, m->facts.around.restorer = TRI_UNKNOWN;)
MADE_EDIT(restorer_not_exec, m->facts.around.restorer_executable = TRI_NO;)
MADE_EDIT(restorer_exec_unknown, m->facts.around.restorer_executable = TRI_UNKNOWN;)
MADE_EDIT(rip_gone, m->facts.around.rip_mapped = TRI_NO;)
MADE_EDIT(rip_unknown, m->facts.around.rip_mapped = TRI_UNKNOWN;)
MADE_EDIT(rip_not_exec, m->facts.around.rip_executable = TRI_NO;)
MADE_EDIT(rip_exec_unknown, m->facts.around.rip_executable = TRI_UNKNOWN;)

MADE_EDIT(fpstate_high, m->facts.sigframe.fpstate = t->cpu.user_limit - 64;)
MADE_EDIT(area_gone,
     m->facts.area.bytes.size = 0;
     m->facts.area.end = RUN_END_UNREADABLE;)
MADE_EDIT(header_missing, made_put(m, 464, 4, 0); made_cut(m, 512, RUN_END_UNKNOWN);)
MADE_EDIT(xsave_unknown,
     t->cpu.xsave = TRI_UNKNOWN;
     target_init(&t->target, "", &t->cpu, t->target.rules, 0x2e7);)
MADE_EDIT(magic1, made_put(m, 464, 4, 0);)
MADE_EDIT(header_unsaid, made_put(m, 480, 4, 0); made_put(m, 512, 8, 1);
	  m->facts.sigframe.uc_flags = 0;)
MADE_EDIT(s_small, made_put(m, 480, 4, 575);)
MADE_EDIT(s_large, made_put(m, 480, 4, 2816); made_put(m, 468, 4, 2820);)
MADE_EDIT(e_small, made_put(m, 468, 4, 0);)
MADE_EDIT(magic2_gone, made_cut(m, 2696, RUN_END_UNREADABLE);)
MADE_EDIT(magic2_missing, made_cut(m, 2696, RUN_END_UNKNOWN);)
MADE_EDIT(magic2_wrong, made_put(m, 2696, 4, 0);)
MADE_EDIT(s_short,
     made_put(m, 480, 4, 832);
     made_put(m, 468, 4, 836);
     made_put(m, 832, 4, XSTATE_MAGIC2);)
MADE_EDIT(s_edited_cut,
	  made_put(m, 480, 4, 832);
	  made_cut(m, 2696, RUN_END_UNKNOWN);)
MADE_EDIT(at16, made_move(m, 16);)
MADE_EDIT(at8_magic1, magic1(m, t); made_move(m, 8);)
MADE_EDIT(reserved, made_put(m, 512 + 23, 1, 1);)
MADE_EDIT(xcomp, made_put(m, 520, 8, 4);)
MADE_EDIT(bv_more, made_put(m, 512, 8, 0x2ef);)
MADE_EDIT(tile_data, made_put(m, 472, 8, 0x602e7); made_put(m, 512, 8, 0x602e7);)
MADE_EDIT(mxcsr, made_put(m, 24, 4, 0x11f80);)
MADE_EDIT(mxcsr_mask_unknown, made_put(m, 24, 4, 0x21f80); t->cpu.mxcsr_mask = 0;)
MADE_EDIT(mxcsr_unchecked, mxcsr(m, t); t->cpu.checks_mxcsr = TRI_NO;)
/* Nothing that the kernel reads lies on the image's first page. */
MADE_EDIT(absent,
     made_move(m, 4096 - 64);
     m->facts.around.resident = TRI_NO;)
MADE_EDIT(mxcsr_unchecked_absent, mxcsr_unchecked(m, t); absent(m, t);)
MADE_EDIT(not_in_use_absent,
     absent(m, t);
     made_put(m, 24, 4, 0x3f80);
     made_put(m, 512, 8, 0x1);)
MADE_EDIT(absent_reserved,
     made_put(m, 512 + 24, 1, 1);
     absent(m, t);)
/* All of its pages have just been read. */
MADE_EDIT(read_reserved,
     m->facts.around.resident = TRI_NO;
     made_put(m, 512 + 24, 1, 1);)
MADE_EDIT(perhaps_reserved,
     absent_reserved(m, t);
     m->facts.around.resident = TRI_UNKNOWN;)
/* MAGIC2 at 832, where the mapping ends. */
MADE_EDIT(tail_gone, s_short(m, t); made_cut(m, 896, RUN_END_UNREADABLE);)
MADE_EDIT(tail_missing, s_short(m, t); made_cut(m, 896, RUN_END_UNKNOWN);)
/* The same, and nothing in use there. */
MADE_EDIT(unused_gone, tail_gone(m, t); made_put(m, 512, 8, 7);)
MADE_EDIT(unused_left, unused_gone(m, t); t->cpu.reads_unused = TRI_NO;)
MADE_EDIT(fxsave_gone, made_cut(m, 500, RUN_END_UNREADABLE);)
MADE_EDIT(fxsave_left,
     fxsave_gone(m, t);
     t->cpu.reads_reserved = TRI_NO;)
MADE_EDIT(fxsave_left_absent,
     fxsave_left(m, t);
     m->facts.around.resident = TRI_NO;)
/* The first page absent, and less than U bytes mapped. */
MADE_EDIT(absent_page,
     s_short(m, t);
     made_put(m, 472, 8, 7);
     made_put(m, 512, 8, 7);
     made_cut(m, 896, RUN_END_UNREADABLE);
     made_move(m, 4096 - 64);
     m->facts.around.resident = TRI_NO;)
MADE_EDIT(no_fpstate, area_gone(m, t); m->facts.sigframe.fpstate = 0;)
MADE_EDIT(q_less, made_put(m, 472, 8, 0x2e3);)
MADE_EDIT(other_layout, m->facts.layout = *xstate_family_layout(XSTATE_FAMILY_AMD);)
MADE_EDIT(layout_unknown,
     m->facts.layout = *xstate_family_layout(XSTATE_FAMILY_COMMON);
     m->facts.family = XSTATE_FAMILY_UNKNOWN;)
/* A rounding mode, and AVX to be initialised without XSAVEC. */
MADE_EDIT(rounding,
     made_put(m, 24, 4, 0x7f80);
     made_put(m, 464, 4, 0);
     made_put(m, 512, 8, 3);)
MADE_EDIT(rounding_kept, rounding(m, t); t->cpu.keeps_mxcsr = TRI_YES;)
MADE_EDIT(rounding_reset, rounding(m, t); t->cpu.keeps_mxcsr = TRI_NO;)
MADE_EDIT(rip_kernel, m->facts.sigframe.regs.r[X86_RIP] = t->cpu.user_limit;)
MADE_EDIT(rip_high32,
     m->facts.sigframe.regs.r[X86_CS] = X86_USER32_CS;
     m->facts.sigframe.regs.r[X86_RIP] = UINT64_C(1) << 32;)
MADE_EDIT(rsp_high32,
     m->facts.sigframe.regs.r[X86_CS] = X86_USER32_CS;
     m->facts.sigframe.regs.r[X86_RSP] = UINT64_C(1) << 32;)
MADE_EDIT(cs_kernel, m->facts.sigframe.regs.r[X86_CS] = 0x10;)
MADE_EDIT(cs_ldt, m->facts.sigframe.regs.r[X86_CS] = 0x7;)
MADE_EDIT(rip_ldt,
     m->facts.sigframe.regs.r[X86_CS] = 0x37;
     m->facts.sigframe.regs.r[X86_RIP] = 0;
     m->facts.around.rip_mapped = TRI_NO;
     m->facts.around.rip_executable = TRI_NO;)
MADE_EDIT(ss_kernel, m->facts.sigframe.regs.r[X86_SS] = 0x18;)
MADE_EDIT(ss_tls, m->facts.sigframe.regs.r[X86_SS] = 0x63;)

enum {
	INTACT = 1 << OUTCOME_INTACT,
	LOSSY = 1 << OUTCOME_LOSSY,
	GARBLED = 1 << OUTCOME_GARBLED,
	FATAL = 1 << OUTCOME_FATAL,
	ANY = INTACT | LOSSY | GARBLED | FATAL,
};

enum {
	R1 = 1 << RULES_R1,
	R2 = 1 << RULES_R2,
	R3 = 1 << RULES_R3,
	R4 = 1 << RULES_R4,
	R5 = 1 << RULES_R5,
	R6 = 1 << RULES_R6,
};

/*
 * One row per way in which a verdict comes about: the checks that fire and
 * those that lack evidence, in the order of checks[], and all that is left
 * possible. The frame is the CPU's own, everything in use, 64-bit.
 */
static const struct {
	made_edit *edit;
	enum made_cpu cpu;
	rules_mask rules;
	unsigned possible;
	const char *fired, *unsure;
} reasons[] = {
	{ nothing, ICX, R3, INTACT, "", "" },
	{ frame_high, ICX, R3, FATAL, " frame-out-of-range", "" },
	{ frame_cut, ICX, R3, FATAL, " frame-unreadable", "" },
	{ frame_short, ICX, R3, INTACT | FATAL, "", " frame-unreadable" },
	{ no_restorer, ICX, R3, FATAL, " restorer-missing", "" },
	{ restorer_unknown, ICX, R3, INTACT | FATAL, "", " restorer-missing" },
	{ restorer_not_exec, ICX, R3, FATAL, " restorer-not-executable", "" },
	{ restorer_exec_unknown, ICX, R3, INTACT | FATAL, "",
	  " restorer-not-executable" },
	{ fpstate_high, ICX, R3, FATAL, " fpstate-out-of-range", "" },
	{ area_gone, ICX, R3, FATAL, " fpstate-unreadable", "" },
	{ area_gone, ICX, R1, FATAL,
	  " software-bytes-unreadable fxsave-unreadable", "" },
	{ nothing, NHM, R3, INTACT, " target-without-xsave", "" },
	{ xsave_unknown, ICX, R3, INTACT | LOSSY, "",
	  " target-without-xsave xstate-size-over-target" },
	{ magic1, ICX, R3, LOSSY, " magic1-missing", "" },
	{ s_small, ICX, R3, LOSSY, " xstate-size-below-minimum", "" },
	{ s_large, ICX, R3, LOSSY, " xstate-size-over-target", "" },
	{ e_small, ICX, R3, LOSSY, " extended-size-short", "" },
	{ magic2_gone, ICX, R3, FATAL, " magic2-unreadable", "" },
	{ magic2_gone, ICX, R1, LOSSY, " magic2-unreadable-fx", "" },
	{ magic2_missing, ICX, R3, INTACT | LOSSY | FATAL, "",
	  " magic2-unreadable magic2-missing" },
	{ magic2_missing, ICX, R1, INTACT | LOSSY, "",
	  " magic2-unreadable-fx magic2-missing" },
	{ magic2_missing, ICX, R4, INTACT | LOSSY | FATAL, "",
	  " magic2-unreadable magic2-not-at-user-size" },
	/* MAGIC2 is not behind S; behind U it may be */
	{ s_edited_cut, ICX, R4, INTACT | LOSSY | FATAL, "",
	  " magic2-unreadable magic2-not-at-user-size" },
	{ magic2_wrong, ICX, R3, LOSSY, " magic2-missing", "" },
	{ magic2_wrong, ICX, R4, LOSSY, " magic2-not-at-user-size", "" },
	{ s_short, ICX, R6, FATAL, " xstate-size-short-of-features", "" },
	{ s_short, ICX, R3, GARBLED, " past-frame-end", "" },
	{ at16, ICX, R1, LOSSY, " xstate-misaligned-fx", "" },
	{ at16, ICX, R3, FATAL, " xstate-misaligned", "" },
	{ at8_magic1, ICX, R3, FATAL, " magic1-missing fxsave-misaligned", "" },
	{ reserved, ICX, R3, FATAL, " xstate-header-reserved", "" },
	{ xcomp, ICX, R3, FATAL, " xcomp-bv-rejected", "" },
	{ bv_more, ICX, R3, FATAL, " xstate-bv-unsupported", "" },
	{ tile_data, SPR, R2, FATAL, " dynamic-feature-off", "" },
	{ tile_data, SPR, R3, LOSSY, " in-use-not-enabled", "" },
	{ mxcsr, ICX, R3, FATAL, " mxcsr-reserved", "" },
	{ mxcsr, ICX, R1, LOSSY, " mxcsr-bits-dropped", "" },
	{ mxcsr_mask_unknown, ICX, R3, INTACT | FATAL, "", " mxcsr-reserved" },
	{ mxcsr_mask_unknown, ICX, R1, INTACT | LOSSY, "",
	  " mxcsr-bits-dropped" },
	{ mxcsr_unchecked, ICX, R3, INTACT, "", "" },
	{ mxcsr_unchecked, ICX, R1, INTACT, "", "" },
	{ mxcsr_unchecked_absent, ICX, R1, LOSSY, " mxcsr-bits-dropped", "" },
	{ absent_reserved, ICX, R1, FATAL, " copy-fallback-rejects", "" },
	{ read_reserved, ICX, R1, INTACT, "", "" },
	{ not_in_use_absent, ICX, R1, INTACT | LOSSY, "", " mxcsr-may-reset" },
	{ not_in_use_absent, ICX, R3, INTACT, "", "" },
	{ perhaps_reserved, ICX, R1, INTACT | FATAL, "",
	  " copy-fallback-rejects" },
	{ tail_gone, ICX, R3, FATAL, " xstate-unreadable", "" },
	{ tail_missing, ICX, R3, GARBLED | FATAL, " past-frame-end",
	  " xstate-unreadable" },
	{ unused_gone, ICX, R3, FATAL, " xstate-unreadable", "" },
	{ unused_left, ICX, R3, INTACT, "", "" },
	{ fxsave_left, NHM, R3, INTACT, " target-without-xsave", "" },
	{ fxsave_left_absent, NHM, R3, FATAL,
	  " target-without-xsave prefault-fails", "" },
	{ fxsave_left_absent, NHM, R1, FATAL,
	  " target-without-xsave fxsave-unreadable", "" },
	{ fxsave_gone, NHM, R3, FATAL,
	  " target-without-xsave fxsave-unreadable", "" },
	{ absent_page, ICX, R3, FATAL, " prefault-fails", "" },
	{ no_fpstate, ICX, R3, LOSSY, " fpstate-null", "" },
	{ q_less, ICX, R3, LOSSY, " in-use-not-claimed", "" },
	{ header_missing, ICX, R3, INTACT | LOSSY, " magic1-missing",
	  " in-use-unreadable" },
	{ header_unsaid, ICX, R4, INTACT | LOSSY, "", " header-unannounced" },
	{ other_layout, ICX, R3, GARBLED, " layout-differs", "" },
	{ layout_unknown, ICX, R3, INTACT | GARBLED, "", " layout-unknown" },
	{ rounding, HSW, R3, INTACT | LOSSY, " magic1-missing",
	  " mxcsr-may-reset" },
	{ rounding, ICX, R3, INTACT, " magic1-missing", "" },
	{ rounding_kept, HSW, R3, INTACT, " magic1-missing", "" },
	{ rounding_reset, HSW, R3, LOSSY, " magic1-missing mxcsr-may-reset",
	  "" },
	{ rip_kernel, ICX, R3, FATAL, " rip-out-of-range", "" },
	{ rip_gone, ICX, R3, FATAL, " rip-unmapped", "" },
	{ rip_unknown, ICX, R3, INTACT | FATAL, "", " rip-unmapped" },
	{ rip_not_exec, ICX, R3, FATAL, " rip-not-executable", "" },
	{ rip_exec_unknown, ICX, R3, INTACT | FATAL, "",
	  " rip-not-executable" },
	{ rip_high32, ICX, R3, FATAL, " rip-above-4g", "" },
	{ rsp_high32, ICX, R3, LOSSY, " rsp-above-4g", "" },
	{ cs_kernel, ICX, R3, FATAL, " cs-invalid", "" },
	{ cs_ldt, ICX, R3, INTACT | FATAL, "", " cs-invalid" },
	{ rip_ldt, ICX, R3, INTACT | FATAL, "", " cs-invalid" },
	{ ss_kernel, ICX, R3, FATAL, " ss-invalid", "" },
	{ ss_tls, ICX, R3, INTACT | FATAL, "", " ss-invalid" },
	/* several sets of rules */
	{ nothing, ICX, 0, ANY, "", " kernel-rules-unknown" },
	{ nothing, ICX, R1 | R3 | R4 | R6, INTACT, "", "" },
	{ magic1, ICX, R1 | R3 | R4 | R6, LOSSY, " magic1-missing", "" },
	{ s_small, ICX, R3 | R4, INTACT | LOSSY, "",
	  " xstate-size-below-minimum" },
	{ s_short, ICX, R5 | R6, GARBLED | FATAL, "",
	  " xstate-size-short-of-features past-frame-end" },
	{ magic2_gone, ICX, R1 | R2, LOSSY | FATAL, "",
	  " magic2-unreadable magic2-unreadable-fx" },
};

/* A native frame, or what a kernel without XSAVE writes. */
static void prepare(size_t i, struct made *m, struct made_target *t)
{
	enum made_cpu cpu = reasons[i].cpu;
	struct made_words w = made_native(cpu);

	if (cpu == NHM)
		w = (struct made_words){ 832, 0x7, 0x3 };
	made_frame(m, SIGFRAME_X86_64, w, made_family(cpu));
	made_target(cpu, reasons[i].rules, t);
	reasons[i].edit(m, t);
}

static void every_reason(void **state)
{
	static struct made m;
	struct made_target t;
	uint64_t fired = 0, unsure = 0;
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		prepare(i, &m, &t);

		struct verdict v = predict(&m.facts, &t.target);
		bool right = v.possible == reasons[i].possible &&
			     !strcmp(made_names(v.checks), reasons[i].fired) &&
			     !strcmp(made_names(v.unsure), reasons[i].unsure);

		fired |= v.checks;
		unsure |= v.unsure;
		if (right)
			continue;
		wrong++;
		print_message("# row %zu: possible %#x;", i, v.possible);
		print_message("%s; unsure", made_names(v.checks));
		print_message("%s\n", made_names(v.unsure));
	}
	assert_int_equal(wrong, 0);

	/* all of checks[] has been seen, but for header_not_there() */
	uint64_t all = (UINT64_C(1) << checks_count) - 1;

	assert_string_equal(made_names(all & ~(fired | unsure)),
			    " xstate-missing");
	assert_string_equal(made_names(all & ~fired),
			    " kernel-rules-unknown xstate-missing"
			    " in-use-unreadable header-unannounced"
			    " layout-unknown");
}

/* An image whose header is not in the input may be anything, not bad. */
static void header_not_there(void **state)
{
	static struct made m;
	struct made_target t;

	(void)state;
	for (enum sigframe_kind k = 0; k < SIGFRAME_KINDS; k++) {
		for (uint32_t size = 0; size < XSTATE_MIN_SIZE; size++) {
			for (unsigned r = 0; r < RULES_COUNT; r++) {
				made_frame(&m, k, made_native(ICX),
					   XSTATE_FAMILY_INTEL);
				made_cut(&m, size, RUN_END_UNKNOWN);
				made_target(ICX, RULES_BIT(r), &t);

				struct verdict v = predict(&m.facts, &t.target);

				if (v.possible == ANY && !v.checks)
					continue;
				fail_msg("%s, %u bytes, %s: possible %#x;%s",
					 sigframe_shapes[k].name, size,
					 rules_table[r].id, v.possible,
					 made_names(v.checks));
			}
		}
	}
}

/* One of the possible outcomes is the verdict, several are none. */
static void outcomes(void **state)
{
	static struct made m;
	struct made_target t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		prepare(i, &m, &t);

		struct verdict v = predict(&m.facts, &t.target);

		for (enum outcome o = 0; o < OUTCOME_UNKNOWN; o++)
			assert_int_equal(v.outcome == o,
					 v.possible == 1u << o);
		assert_int_equal(verdict_is_bad(&v), !(v.possible & INTACT));
	}
	assert_string_equal(outcome_name(OUTCOME_INTACT), "intact");
	assert_string_equal(outcome_name(OUTCOME_LOSSY), "lossy");
	assert_string_equal(outcome_name(OUTCOME_GARBLED), "garbled");
	assert_string_equal(outcome_name(OUTCOME_FATAL), "fatal");
	assert_string_equal(outcome_name(OUTCOME_UNKNOWN), "unknown");
}

/* The values that a reason has to tell. */
static void values(void **state)
{
	static const struct {
		made_edit *edit;
		enum made_cpu cpu;
		const char *check;
		rules_mask rules;
		uint64_t values[CHECK_VALUES];
	} rows[] = {
		{ no_restorer, ICX, "restorer-missing", R3, { 0x401000 } },
		{ fpstate_high, ICX, "fpstate-out-of-range", R3,
		  { CPU_USER_LIMIT_48 - 64, 2696 } },
		{ s_small, ICX, "xstate-size-below-minimum", R3, { 575 } },
		{ s_large, ICX, "xstate-size-over-target", R3, { 2816, 2696 } },
		{ e_small, ICX, "extended-size-short", R3, { 0, 2696 } },
		{ s_short, ICX, "xstate-size-short-of-features", R6,
		  { 832, 2696 } },
		{ s_short, ICX, "past-frame-end", R3, { 0x2e0 } },
		{ at16, ICX, "xstate-misaligned", R3, { 0x7f0000100010 } },
		{ xcomp, ICX, "xcomp-bv-rejected", R3, { 4 } },
		{ bv_more, ICX, "xstate-bv-unsupported", R3, { 8 } },
		{ tile_data, SPR, "in-use-not-enabled", R3,
		  { 0x40000, 0x202e7 } },
		{ q_less, ICX, "in-use-not-claimed", R3, { 4, 0x2e3 } },
		{ mxcsr, ICX, "mxcsr-reserved", R3, { 0x11f80, 0xffff } },
		{ tail_gone, ICX, "xstate-unreadable", R3, { 2696, 896 } },
		{ fxsave_gone, NHM, "fxsave-unreadable", R3, { 512, 500 } },
		{ other_layout, ICX, "layout-differs", R3, { 0x2e0 } },
		{ layout_unknown, ICX, "layout-unknown", R3, { 0x2e0 } },
		{ rip_kernel, ICX, "rip-out-of-range", R3,
		  { CPU_USER_LIMIT_48 } },
		{ cs_kernel, ICX, "cs-invalid", R3, { 0x10 } },
		{ ss_kernel, ICX, "ss-invalid", R3, { 0x18 } },
	};
	static struct made m;
	struct made_target t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t got[CHECK_VALUES] = { 0 };

		made_frame(&m, SIGFRAME_X86_64, made_native(rows[i].cpu),
			   made_family(rows[i].cpu));
		made_target(rows[i].cpu, rows[i].rules, &t);
		rows[i].edit(&m, &t);

		unsigned index =
			(unsigned)__builtin_ctzll(made_check(rows[i].check));

		assert_true(check_values(index, &m.facts, &t.target, got));
		for (unsigned n = 0; n < CHECK_VALUES; n++)
			if (rows[i].values[n] && got[n] != rows[i].values[n])
				fail_msg("%s: %#llx", rows[i].check,
					 (unsigned long long)got[n]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason),
		cmocka_unit_test(header_not_there),
		cmocka_unit_test(outcomes),
		cmocka_unit_test(values),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
