/* SPDX-License-Identifier: GPL-3.0-or-later */
/* random.c - what holds for every verdict, on frames and targets drawn by lot */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "consistent.h"
#include "kernel/checks.h"
#include "made.h"

#define ROUNDS 1000000
#define SHOWN 5

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * UINT64_C(2685821657736338717);
}

/* 0 .. n - 1 */
static uint32_t below(uint32_t n)
{
	return (uint32_t)((draw() >> 32) * n >> 32);
}

/* True once in n times. */
static bool once_in(uint32_t n)
{
	return below(n) == 0;
}

static uint32_t any_size(uint32_t user_size)
{
	static const uint32_t sizes[] = {
		0, 511, 512, 575, 576, 577, 832, 896, 1088, 2432, 2440, 2688,
		2696, 2816, 11008, 16384, UINT32_MAX - 3, UINT32_MAX,
	};

	switch (below(4)) {
	case 0:
		return user_size + below(9) - 4;
	case 1:
		return (uint32_t)draw();
	default:
		return sizes[below(ARRAY_SIZE(sizes))];
	}
}

static uint64_t any_word(void)
{
	static const uint64_t words[] = {
		0, 1, 0x7fff00000000, CPU_USER_LIMIT_48 - 4096,
		CPU_USER_LIMIT_48 - 1, CPU_USER_LIMIT_48,
		UINT64_C(1) << 63, UINT64_C(0xffffffffff600000),
		UINT64_MAX - 4096, UINT64_MAX, UINT32_MAX,
	};

	return once_in(2) ? words[below(ARRAY_SIZE(words))] : draw();
}

static uint64_t some_bits(void)
{
	return draw() & draw() & 0xe02ff;
}

static enum tri any_tri(void)
{
	return below(3);
}

static void draw_target(struct made_target *t)
{
	static const uint32_t masks[] = { 0xffff, 0xffff, 0x2ffff, 0xffbf, 0 };
	enum made_cpu cpu = below(MADE_CPUS);

	made_target(cpu, RULES_BIT(below(RULES_COUNT)), t);
	t->cpu.mxcsr_mask = masks[below(ARRAY_SIZE(masks))];
	if (once_in(4))
		t->cpu.xsavec = any_tri();
	if (once_in(8))
		t->cpu.user_limit = CPU_USER_LIMIT_57;
	if (once_in(50))
		t->cpu.xsave = TRI_UNKNOWN;
	if (once_in(8))		/* another mask in XCR0, or in the task */
		t->cpu.xfeatures &= draw() | XSTATE_LEGACY;
	if (once_in(8))
		t->target.features &= draw() | XSTATE_LEGACY;
	target_init(&t->target, "", &t->cpu, t->target.rules,
		    t->target.features);
}

static void draw_image(struct made *m, const struct made_words *w,
		       const struct target *t)
{
	static const uint32_t mxcsrs[] = { 0x1fa0, 0x9fc0, 0x11f80, 0x21f80 };
	uint32_t s = w->s;

	if (once_in(3))
		made_put(m, 24, 4, mxcsrs[below(ARRAY_SIZE(mxcsrs))]);
	if (once_in(5)) {
		s = any_size(t->user_size);
		made_put(m, 480, 4, s);
		made_put(m, 468, 4, s + 4);
		if (once_in(2) && s < MADE_AREA - 116)
			made_put(m, s, 4, XSTATE_MAGIC2);
		if (once_in(3))
			made_put(m, w->s, 4, 0);
	}
	if (once_in(16) && t->user_size)
		made_put(m, t->user_size, 4, XSTATE_MAGIC2);
	if (once_in(12))
		made_put(m, 468, 4, once_in(2) ? s : any_size(s));
	if (once_in(12))
		made_put(m, 464, 4, once_in(2) ? 0 : draw());
	if (once_in(8))
		made_put(m, 472, 8, w->q ^ some_bits());
	if (once_in(8))
		made_put(m, 512, 8, w->bv ^ some_bits());
	if (once_in(40))
		made_put(m, 472 + 40 * below(2), 8, draw());
	if (once_in(12))
		made_put(m, 520, 8,
			 once_in(2) ? made_get(m, 512, 8) | XCOMP_BV_COMPACTED
				    : some_bits());
	if (once_in(12))
		made_put(m, 528 + below(48), 1, 1);
}

/* Where the image lies, how much of it there is, and what is around. */
static void draw_memory(struct made *m, const struct target *t)
{
	static const uint8_t shifts[] = { 64, 16, 8, 4, 1 };
	struct frame_facts *f = &m->facts;
	uint32_t s = (uint32_t)made_get(m, 480, 4);

	made_move(m, 64 * below(64));
	if (once_in(12))
		made_move(m, shifts[below(ARRAY_SIZE(shifts))]);
	if (once_in(3)) {
		const uint32_t ends[] = { s, s + 4, 576, 896, t->user_size,
					  t->user_size + 4,
					  below(MADE_AREA - 112), below(600) };
		uint32_t end = ends[below(ARRAY_SIZE(ends))];

		if (end <= MADE_AREA - 112)
			made_cut(m, end, below(2));
	}
	if (once_in(30)) {
		f->sigframe.fpstate = once_in(2) ? 0 : any_word();
		f->area = (struct run){ { m->area, 0, f->sigframe.fpstate },
					below(2) };
	}
	if (once_in(30))
		f->frame = (struct run){
			{ m->frame, below(sizeof(m->frame)), any_word() },
			below(2)
		};
	if (once_in(30))
		f->sigframe.address = any_word();
	if (once_in(8))
		f->around.resident = any_tri();
	if (once_in(20))
		f->around = (struct frame_surroundings){
			any_tri(), any_tri(), any_tri(), any_tri(), any_tri(),
			any_tri(), draw(),
		};
	if (once_in(8))
		f->sigframe.uc_flags = below(8);
	if (once_in(20))
		f->sigframe.regs.r[below(X86_REGS)] = any_word();
	if (once_in(20))
		f->sigframe.regs.r[X86_CS] = once_in(2) ? 0x23 : below(0x80);
	if (once_in(20))
		f->sigframe.regs.r[X86_SS] = below(0x80);
	if (once_in(2))
		made_infer(m);
}

/* Mostly near what kernels write, so that every way through is taken. */
static void draw_case(struct made *m, struct made_target *t)
{
	enum made_cpu source = once_in(2) ? HSW + below(MADE_CPUS - HSW) : ICX;
	struct made_words w = made_native(source);

	draw_target(t);
	if (once_in(2))
		w.bv &= draw() | XSTATE_LEGACY;
	if (once_in(2)) {
		for (enum made_cpu cpu = HSW; cpu < MADE_CPUS; cpu++)
			if (t->cpu.name == made_cpu_name(cpu))
				source = cpu;
		w = made_native(source);
	}
	made_frame(m, below(SIGFRAME_KINDS), w, made_family(source));
	draw_image(m, &w, &t->target);
	draw_memory(m, &t->target);
}

static unsigned shown;

static void show(const char *rule, unsigned long round, const struct made *m,
		 const struct target *t, const struct verdict *v)
{
	const struct frame_facts *f = &m->facts;

	if (shown++ >= SHOWN)
		return;
	print_message("# round %lu: %s: %s frame, %zu bytes, end %u, S %#llx, "
		      "Q %#llx, BV %#llx, XCOMP %#llx on %s, rules %#x: "
		      "%s, possible %#x, paths %#x, loaded %#llx, "
		      "garbled %#llx, lost %#llx;",
		      round, rule, sigframe_shapes[f->sigframe.kind].name,
		      f->area.bytes.size, f->area.end,
		      (unsigned long long)made_get(m, 480, 4),
		      (unsigned long long)made_get(m, 472, 8),
		      (unsigned long long)made_get(m, 512, 8),
		      (unsigned long long)made_get(m, 520, 8), t->cpu->name,
		      t->rules, outcome_name(v->outcome), v->possible, v->paths,
		      (unsigned long long)v->loaded,
		      (unsigned long long)v->garbled,
		      (unsigned long long)v->lost);
	print_message("%s; unsure", made_names(v->checks));
	print_message("%s\n", made_names(v->unsure));
}

static void consistent(void **state)
{
	static struct made m;
	unsigned outcomes[OUTCOMES] = { 0 };
	uint64_t fired = 0;

	(void)state;
	shown = 0;
	for (unsigned long i = 0; i < ROUNDS; i++) {
		uint64_t told[CHECK_VALUES] = { 0 };
		struct made_target t;

		draw_case(&m, &t);

		struct verdict v = predict(&m.facts, &t.target);
		struct verdict again = predict(&m.facts, &t.target);
		const char *why = consistent_objection(&m.facts, &t.target, &v);

		if (!consistent_same(&v, &again))
			why = "another answer the second time";
		if (why)
			show(why, i, &m, &t.target, &v);
		fired |= v.checks;
		outcomes[v.outcome]++;
		if (v.checks)
			check_values((unsigned)__builtin_ctzll(v.checks),
				     &m.facts, &t.target, told);
	}
	print_message("# %u intact, %u lossy, %u garbled, %u fatal, "
		      "%u unknown\n", outcomes[0], outcomes[1], outcomes[2],
		      outcomes[3], outcomes[4]);
	/* the lots have been everywhere */
	for (unsigned o = 0; o < OUTCOMES; o++)
		assert_true(outcomes[o] > ROUNDS / 500);
	assert_string_equal(made_names(~fired &
				       ((UINT64_C(1) << checks_count) - 1)),
			    " kernel-rules-unknown xstate-missing"
			    " in-use-unreadable header-unannounced"
			    " layout-unknown"
			    " mxcsr-may-reset");
	assert_int_equal(shown, 0);
}

/* Under several sets of rules all is possible that is under one of them. */
static void merged(void **state)
{
	static struct made m;

	(void)state;
	shown = 0;
	for (unsigned long i = 0; i < ROUNDS / 10; i++) {
		struct made_target t;

		draw_case(&m, &t);
		t.target.rules = 1 + below(RULES_BIT(RULES_COUNT) - 1);

		struct verdict all = consistent_merged(&m.facts, &t.target);
		struct verdict v = predict(&m.facts, &t.target);

		if (!consistent_same(&v, &all)) {
			show("want", i, &m, &t.target, &all);
			show("got", i, &m, &t.target, &v);
		}
	}
	assert_int_equal(shown, 0);
}

/* Turn something that is known into something that is not. */
static const char *forget(struct made *m, struct made_target *t)
{
	struct frame_facts *f = &m->facts;

	switch (below(14)) {
	case 0:
		f->around.restorer = TRI_UNKNOWN;
		return "restorer";
	case 1:
		f->around.restorer_executable = TRI_UNKNOWN;
		return "restorer executable";
	case 2:
		f->around.rip_mapped = TRI_UNKNOWN;
		return "rip mapped";
	case 3:
		f->around.rip_executable = TRI_UNKNOWN;
		return "rip executable";
	case 4:
		f->frame.bytes.size = below((uint32_t)f->frame.bytes.size + 1);
		f->frame.end = RUN_END_UNKNOWN;
		return "frame";
	case 5:
		t->target.rules |= (rules_mask)draw() & 0x7f;
		return "rules";
	case 6:
		t->target.rules = 0;
		return "all rules";
	case 7:
		t->cpu.mxcsr_mask = 0;
		return "MXCSR mask";
	case 8:
		t->cpu.xsavec = TRI_UNKNOWN;
		return "XSAVEC";
	default:
		f->area.bytes.size = below((uint32_t)f->area.bytes.size + 1);
		if (once_in(2) && f->area.bytes.size > 700)
			f->area.bytes.size = below(700);
		f->area.end = RUN_END_UNKNOWN;
		return "area";
	}
}

/* Who knows less never rules out what is true. */
static void monotone(void **state)
{
	static struct made m;

	(void)state;
	shown = 0;
	for (unsigned long i = 0; i < ROUNDS; i++) {
		struct made_target t;

		draw_case(&m, &t);

		struct verdict v = predict(&m.facts, &t.target);
		const char *what = forget(&m, &t);
		struct verdict less = predict(&m.facts, &t.target);

		if ((v.possible & ~less.possible) ||
		    (v.outcome != OUTCOME_INTACT &&
		     less.outcome == OUTCOME_INTACT)) {
			show("before", i, &m, &t.target, &v);
			show(what, i, &m, &t.target, &less);
		}
	}
	assert_int_equal(shown, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(consistent),
		cmocka_unit_test(merged),
		cmocka_unit_test(monotone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
