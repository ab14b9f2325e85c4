/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hazards.c - what can hurt although the return succeeds */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/checks.h"
#include "made.h"

MADE_EDIT(nothing)

/* 832 bytes whose first page may be absent, and less than U mapped. */
MADE_EDIT(perhaps_absent,
	  made_put(m, 480, 4, 832);
	  made_put(m, 468, 4, 836);
	  made_put(m, 472, 8, 7);
	  made_put(m, 512, 8, 7);
	  made_put(m, 832, 4, XSTATE_MAGIC2);
	  made_cut(m, 896, RUN_END_UNREADABLE);
	  made_move(m, 4096 - 64);
	  m->facts.around.resident = TRI_UNKNOWN;)
MADE_EDIT(present, perhaps_absent(m, t); m->facts.around.resident = TRI_YES;)
MADE_EDIT(perhaps_longer,
	  perhaps_absent(m, t);
	  m->facts.area.end = RUN_END_UNKNOWN;)
MADE_EDIT(long_enough, perhaps_absent(m, t); made_cut(m, 2696, RUN_END_UNKNOWN);)

MADE_EDIT(pkru_forgotten,
	  made_put(m, 512, 8, 0xe7);
	  made_put(m, 2688, 8, 0x55555554);)
MADE_EDIT(pkru_zero, made_put(m, 512, 8, 0xe7); made_put(m, 2688, 8, 0);)
MADE_EDIT(pkru_unclaimed,
	  made_put(m, 472, 8, 0xe7);
	  made_put(m, 512, 8, 0xe7);)
MADE_EDIT(pkru_closed, made_put(m, 2688, 8, 0x55555550);)
MADE_EDIT(pkru_default, made_put(m, 2688, 8, 0x55555554);)
MADE_EDIT(pkru_open, made_put(m, 2688, 8, 0);)

MADE_EDIT(rsp_high, m->facts.sigframe.regs.r[X86_RSP] = t->cpu.user_limit;)
MADE_EDIT(rsp_last, m->facts.sigframe.regs.r[X86_RSP] = t->cpu.user_limit - 1;)
MADE_EDIT(stepping, m->facts.sigframe.regs.r[X86_RFLAGS] |= 0x100;)

MADE_EDIT(altstack_below,
	  t->target.minsigstksz = 3632;
	  m->facts.sigframe.altstack_size = 3631;)
MADE_EDIT(altstack_just,
	  t->target.minsigstksz = 3632;
	  m->facts.sigframe.altstack_size = 3632;)
MADE_EDIT(altstack_none, t->target.minsigstksz = 3632;)
MADE_EDIT(altstack_anyone, m->facts.sigframe.altstack_size = 2048;)

MADE_EDIT(isa_lacking,
	  m->facts.around.isa_needed = ISA_BIT(ISA_AVX) | ISA_BIT(ISA_FMA);
	  t->target.isa.known = ISA_BIT(ISA_AVX) | ISA_BIT(ISA_FMA);
	  t->target.isa.has = ISA_BIT(ISA_AVX);)
MADE_EDIT(isa_there, isa_lacking(m, t); t->target.isa.has |= ISA_BIT(ISA_FMA);)
MADE_EDIT(isa_not_known, isa_lacking(m, t); t->target.isa.known = 0;)

MADE_EDIT(tiles_claimed, made_put(m, 472, 8, 0x602e7);)

MADE_EDIT(mxcsr17, made_put(m, 24, 4, 0x21f80);)
MADE_EDIT(mxcsr17_amd, mxcsr17(m, t); t->cpu.mxcsr_mask = 0x2ffff;)

MADE_EDIT(no_ia32, t->target.ia32 = TRI_NO;)
MADE_EDIT(ia32_not_known, t->target.ia32 = TRI_UNKNOWN;)
MADE_EDIT(compat_code,
	  no_ia32(m, t);
	  m->facts.sigframe.regs.r[X86_CS] = X86_USER32_CS;)
MADE_EDIT(wide_code, m->facts.sigframe.regs.r[X86_CS] = X86_USER_CS;)
MADE_EDIT(no_x32, t->target.x32 = TRI_NO;)
MADE_EDIT(x32_not_known, t->target.x32 = TRI_UNKNOWN;)

MADE_EDIT(vsyscall_first,
	  m->facts.sigframe.regs.r[X86_RIP] = UINT64_C(0xffffffffff600000);)
MADE_EDIT(vsyscall_last,
	  m->facts.sigframe.regs.r[X86_RIP] = UINT64_C(0xffffffffff600fff);)
MADE_EDIT(vsyscall_behind,
	  m->facts.sigframe.regs.r[X86_RIP] = UINT64_C(0xffffffffff601000);)
MADE_EDIT(vsyscall_before,
	  m->facts.sigframe.regs.r[X86_RIP] = UINT64_C(0xffffffffff5fffff);)

MADE_EDIT(room_for_avx,
	  m->facts.around.xsave_room = 896;
	  m->facts.around.xsave_compacted = TRI_NO;)
MADE_EDIT(room_for_all,
	  m->facts.around.xsave_room = 2752;
	  m->facts.around.xsave_compacted = TRI_NO;)
MADE_EDIT(room_packed,
	  m->facts.around.xsave_room = 2496;
	  m->facts.around.xsave_compacted = TRI_YES;
	  t->cpu.xsavec = TRI_YES;)
MADE_EDIT(room_packed_no_xsavec, room_packed(m, t); t->cpu.xsavec = TRI_NO;)

MADE_EDIT(rsp_nowhere, m->facts.around.stack_mapped = TRI_NO;)

MADE_EDIT(avx_cleared, made_put(m, 512, 8, made_get(m, 512, 8) & ~4ull);)
MADE_EDIT(avx_cleared_zero,
	  avx_cleared(m, t);
	  for (unsigned i = 0; i < 256; i += 8)
		  made_put(m, 576 + i, 8, 0);)

MADE_EDIT(shadow_stack, m->facts.around.shadow_stack = TRI_YES;)

/* From AMD, with FIP set or not. */
MADE_EDIT(x87_pointers,
	  made_put(m, XSTATE_FIP_OFF, 8, 0x401000);
	  m->facts.family = XSTATE_FAMILY_AMD;)
MADE_EDIT(x87_no_pointers,
	  x87_pointers(m, t);
	  made_put(m, XSTATE_FOP_OFF, 2, 0);
	  made_put(m, XSTATE_FIP_OFF, 8, 0);
	  made_put(m, XSTATE_FDP_OFF, 8, 0);)
MADE_EDIT(x87_initial, x87_pointers(m, t); made_put(m, 512, 8, 0x2e6);)

/* Frame, target, and the one hazard that applies; "" for none. */
static const struct {
	made_edit *edit;
	enum sigframe_kind kind;
	enum made_cpu source, target;
	enum rules_index rules;
	const char *hazards;
} rows[] = {
	{ nothing, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ nothing, SIGFRAME_X32, ICX, ICX, RULES_R3, "" },
	{ nothing, SIGFRAME_IA32, ICX, ICX, RULES_R3, "" },

	{ perhaps_absent, SIGFRAME_X86_64, ICX_NOPKU, ICX_NOPKU, RULES_R3,
	  " prefault-past-mapping" },
	{ perhaps_absent, SIGFRAME_X86_64, ICX_NOPKU, ICX_NOPKU, RULES_R5,
	  " prefault-past-mapping" },
	{ perhaps_longer, SIGFRAME_X86_64, ICX_NOPKU, ICX_NOPKU, RULES_R5,
	  " prefault-past-mapping" },
	{ perhaps_absent, SIGFRAME_X86_64, ICX_NOPKU, ICX_NOPKU, RULES_R1, "" },
	{ perhaps_absent, SIGFRAME_X86_64, ICX_NOPKU, ICX_NOPKU, RULES_R2, "" },
	{ perhaps_absent, SIGFRAME_X86_64, ICX_NOPKU, ICX_NOPKU, RULES_R6, "" },
	{ perhaps_absent, SIGFRAME_IA32, ICX_NOPKU, ICX_NOPKU, RULES_R3, "" },
	{ present, SIGFRAME_X86_64, ICX_NOPKU, ICX_NOPKU, RULES_R3, "" },
	{ long_enough, SIGFRAME_X86_64, ICX_NOPKU, ICX_NOPKU, RULES_R3, "" },

	{ pkru_forgotten, SIGFRAME_X86_64, ICX, ICX, RULES_R3,
	  " pkru-slot-ignored" },
	{ pkru_zero, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ pkru_unclaimed, SIGFRAME_X86_64, ICX, ICX, RULES_R3, " pkru-reset" },
	{ nothing, SIGFRAME_X86_64, HSW, ICX, RULES_R3, " pkru-reset" },
	{ nothing, SIGFRAME_X86_64, HSW, ICX_NOPKU, RULES_R3, "" },
	{ pkru_closed, SIGFRAME_X86_64, ICX, ICX_NOPKU, RULES_R3,
	  " pkru-in-use" },
	{ pkru_default, SIGFRAME_X86_64, ICX, ICX_NOPKU, RULES_R3, "" },
	{ pkru_open, SIGFRAME_X86_64, ICX, ICX_NOPKU, RULES_R3, "" },
	{ pkru_closed, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },

	{ room_for_avx, SIGFRAME_X86_64, HSW, ICX_NOPKU, RULES_R3,
	  " cpuid-cached" },
	{ room_for_avx, SIGFRAME_X86_64, HSW, HSW, RULES_R3, "" },
	{ room_for_all, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ room_packed, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ room_packed_no_xsavec, SIGFRAME_X86_64, ICX, ICX, RULES_R3,
	  " cpuid-cached" },

	{ rsp_nowhere, SIGFRAME_X86_64, ICX, ICX, RULES_R3, " rsp-unmapped" },
	{ avx_cleared, SIGFRAME_X86_64, ICX, ICX, RULES_R3,
	  " initial-not-zero" },
	{ avx_cleared_zero, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },

	{ rsp_high, SIGFRAME_X86_64, ICX, ICX, RULES_R3,
	  " rsp-out-of-range" },
	{ rsp_last, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ stepping, SIGFRAME_X86_64, ICX, ICX, RULES_R3, " trap-flag" },

	{ altstack_below, SIGFRAME_X86_64, ICX, ICX, RULES_R3,
	  " altstack-too-small" },
	{ altstack_just, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ altstack_none, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ altstack_anyone, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },

	{ isa_lacking, SIGFRAME_X86_64, ICX, ICX, RULES_R3, " isa-missing" },
	{ isa_there, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ isa_not_known, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },

	{ nothing, SIGFRAME_X86_64, SPR_AMX, SPR, RULES_R2,
	  " pkru-reset amx-permission" },
	{ tiles_claimed, SIGFRAME_X86_64, SPR, SPR, RULES_R3,
	  " amx-permission" },
	{ nothing, SIGFRAME_X86_64, SPR_AMX, SPR_AMX, RULES_R3, "" },
	{ nothing, SIGFRAME_X86_64, SPR_AMX, ICX_NOPKU, RULES_R3, "" },

	{ mxcsr17, SIGFRAME_X86_64, ICX, ICX, RULES_R1, " misaligned-sse" },
	{ mxcsr17_amd, SIGFRAME_X86_64, ICX, ICX, RULES_R1, "" },

	{ no_ia32, SIGFRAME_IA32, ICX, ICX, RULES_R3, " ia32-missing" },
	{ no_ia32, SIGFRAME_IA32_RT, ICX, ICX, RULES_R3, " ia32-missing" },
	{ ia32_not_known, SIGFRAME_IA32, ICX, ICX, RULES_R3,
	  " ia32-missing" },
	{ no_ia32, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ no_ia32, SIGFRAME_X32, ICX, ICX, RULES_R3, "" },
	{ compat_code, SIGFRAME_X86_64, ICX, ICX, RULES_R3,
	  " ia32-missing" },
	{ wide_code, SIGFRAME_IA32, ICX, ICX, RULES_R3,
	  " wide-registers-missing" },
	{ wide_code, SIGFRAME_IA32_RT, ICX, ICX, RULES_R3,
	  " wide-registers-missing" },
	{ wide_code, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ no_x32, SIGFRAME_X32, ICX, ICX, RULES_R3, " x32-missing" },
	{ x32_not_known, SIGFRAME_X32, ICX, ICX, RULES_R3, " x32-missing" },
	{ no_x32, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },

	{ vsyscall_first, SIGFRAME_X86_64, ICX, ICX, RULES_R3,
	  " vsyscall-page" },
	{ vsyscall_last, SIGFRAME_X86_64, ICX, ICX, RULES_R3,
	  " vsyscall-page" },
	{ vsyscall_behind, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ vsyscall_before, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },

	{ shadow_stack, SIGFRAME_X86_64, ICX, ICX, RULES_R3,
	  " shadow-stack" },

	{ x87_pointers, SIGFRAME_X86_64, ICX, ICX, RULES_R3,
	  " x87-pointers" },
	{ x87_no_pointers, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ x87_initial, SIGFRAME_X86_64, ICX, ICX, RULES_R3, "" },
	{ x87_pointers, SIGFRAME_X86_64, Z4, Z4, RULES_R3, "" },
};

static const char *hazard_names(uint64_t mask)
{
	static char names[1024];

	names[0] = '\0';
	for (unsigned i = 0; i < hazards_count; i++) {
		if (!(mask & UINT64_C(1) << i))
			continue;
		strcat(names, " ");
		strcat(names, hazards[i].id);
	}
	return names;
}

static void every_hazard(void **state)
{
	static struct made m;
	uint64_t seen = 0;
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made_target t;

		made_frame(&m, rows[i].kind, made_native(rows[i].source),
			   made_family(rows[i].source));
		made_put(&m, XSTATE_FOP_OFF, 2, 0);
		made_put(&m, XSTATE_FIP_OFF, 8, 0);
		made_put(&m, XSTATE_FDP_OFF, 8, 0);
		made_put(&m, m.facts.layout.offset[XSTATE_PKRU], 8, 0x55555554);
		made_target(rows[i].target, RULES_BIT(rows[i].rules), &t);
		rows[i].edit(&m, &t);

		struct verdict v = predict(&m.facts, &t.target);

		seen |= v.hazards;
		if (!strcmp(hazard_names(v.hazards), rows[i].hazards))
			continue;
		wrong++;
		print_message("# row %zu: not%s, but%s; %s\n", i,
			      rows[i].hazards, hazard_names(v.hazards),
			      outcome_name(v.outcome));
	}
	assert_int_equal(wrong, 0);
	assert_string_equal(hazard_names(~seen), "");
}

/* Rows are named once, and say what they have to. */
static void table(void **state)
{
	(void)state;
	for (unsigned i = 0; i < hazards_count; i++) {
		const struct hazard *h = &hazards[i];

		assert_int_equal(made_hazard(h->id), UINT64_C(1) << i);
		assert_non_null(h->title);
		assert_non_null(h->effect);
		assert_non_null(h->advice);
		assert_non_null(h->source);
		assert_non_null(h->applies);
		/* values are there to be told, and to be told they are needed */
		assert_int_equal(!h->detail, !h->values);
	}
	for (unsigned i = 0; i < checks_count; i++) {
		const struct check *c = &checks[i];

		assert_int_equal(made_check(c->id), UINT64_C(1) << i);
		assert_non_null(c->title);
		assert_non_null(c->effect);
		assert_non_null(c->advice);
		assert_non_null(c->fires);
		assert_int_not_equal(c->stages, 0);
		assert_true(!c->detail || c->values);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_hazard),
		cmocka_unit_test(table),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("hazards", tests, NULL, NULL);
}
