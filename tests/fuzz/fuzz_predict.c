/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_predict.c - verdicts on frames that kernels write, after a few changes */
#include "../unit/consistent.h"
#include "../unit/made.h"
#include "base/cleanup.h"
#include "fuzz.h"
#include "kernel/checks.h"
#include "kernel/criu.h"

#define EDITS_MAX 32
/* There is room for the largest header before it, and MAGIC2 behind. */
#define SIZE_MAX_MADE (MADE_AREA - 112 - XSTATE_MAGIC2_SIZE)
#define ALL_RULES (RULES_BIT(RULES_COUNT) - 1)

static enum tri take_tri(struct fuzz_choices *c)
{
	return fuzz_below(c, 3);
}

static void take_target(struct fuzz_choices *c, struct made_target *t)
{
	enum made_cpu cpu = fuzz_below(c, MADE_CPUS);
	uint64_t flags;

	made_target(cpu, (rules_mask)fuzz_take(c, 1) & ALL_RULES, t);
	flags = fuzz_take(c, 1);
	if (flags & 1)
		t->cpu.mxcsr_mask = 0xffbf |
				    ((uint32_t)fuzz_take(c, 4) & 0x2ffff);
	if (flags & 2)
		t->cpu.user_limit = CPU_USER_LIMIT_57;
	if (flags & 4)
		t->cpu.xfeatures &= fuzz_take(c, 4) | XSTATE_LEGACY;
	if (flags & 8)
		t->target.features &= fuzz_take(c, 4) | XSTATE_LEGACY;
	if (flags & 16)
		t->cpu.xsave = take_tri(c);
	if (flags & 32)
		t->cpu.xsavec = take_tri(c);
	if (flags & 64) {
		t->cpu.reads_unused = take_tri(c);
		t->cpu.keeps_mxcsr = take_tri(c);
		t->cpu.checks_mxcsr = take_tri(c);
		t->cpu.reads_reserved = take_tri(c);
	}
	target_init(&t->target, "", &t->cpu, t->target.rules,
		    t->target.features);
	if (flags & 128) {
		t->target.isa.known = fuzz_take(c, 8);
		t->target.isa.has = fuzz_take(c, 8) & t->target.isa.known;
		t->target.minsigstksz = fuzz_take(c, 4);
		t->target.ia32 = take_tri(c);
		t->target.x32 = take_tri(c);
	}
}

static void take_frame(struct fuzz_choices *c, struct made *m)
{
	enum sigframe_kind kind = fuzz_below(c, SIGFRAME_KINDS);
	enum made_cpu source = fuzz_below(c, MADE_CPUS);
	struct made_words w = made_native(source);
	uint64_t flags = fuzz_take(c, 1);

	if (flags & 1)
		w.s = (uint32_t)fuzz_take(c, 2) % SIZE_MAX_MADE;
	if (flags & 2)
		w.q = fuzz_take(c, 8);
	if (flags & 4)
		w.bv = fuzz_take(c, 8);
	made_frame(m, kind, w, made_family(source));
}

static void edit_word(struct fuzz_choices *c, struct made *m)
{
	unsigned width = 1u << fuzz_below(c, 4);
	uint32_t at = (uint32_t)fuzz_take(c, 2) % (MADE_AREA - 112 - 8);

	made_put(m, at, width, fuzz_take(c, width));
}

static void edit_size(struct fuzz_choices *c, struct made *m)
{
	uint32_t size = (uint32_t)fuzz_take(c, 2);

	if (size <= PREDICT_AREA_WANT - 112)
		made_cut(m, size, fuzz_below(c, 2));
}

static void edit_place(struct fuzz_choices *c, struct made *m)
{
	made_move(m, fuzz_take(c, 2));
}

static void edit_pointer(struct fuzz_choices *c, struct made *m)
{
	struct frame_facts *f = &m->facts;

	f->sigframe.fpstate = fuzz_take(c, 8);
	f->area = (struct run){ { m->area, 0, f->sigframe.fpstate },
				fuzz_below(c, 2) };
}

static void edit_frame(struct fuzz_choices *c, struct made *m)
{
	struct frame_facts *f = &m->facts;

	f->frame.bytes.size = fuzz_take(c, 2) % (sizeof(m->frame) + 1);
	f->frame.end = fuzz_below(c, 2);
}

static void edit_address(struct fuzz_choices *c, struct made *m)
{
	m->facts.sigframe.address = fuzz_take(c, 8);
}

static void edit_around(struct fuzz_choices *c, struct made *m)
{
	struct frame_surroundings *a = &m->facts.around;
	enum tri *const facts[] = {
		&a->rip_mapped, &a->rip_executable, &a->restorer,
		&a->restorer_executable, &a->resident, &a->shadow_stack,
		&a->stack_mapped, &a->xsave_compacted,
	};

	*facts[fuzz_below(c, ARRAY_SIZE(facts))] = take_tri(c);
}

static void edit_needs(struct fuzz_choices *c, struct made *m)
{
	m->facts.around.isa_needed = fuzz_take(c, 8);
	m->facts.around.xsave_room = (uint32_t)fuzz_take(c, 4);
}

static void edit_register(struct fuzz_choices *c, struct made *m)
{
	unsigned reg = fuzz_below(c, X86_REGS);

	m->facts.sigframe.regs.r[reg] = fuzz_take(c, 8);
}

static void edit_flags(struct fuzz_choices *c, struct made *m)
{
	m->facts.sigframe.uc_flags = fuzz_take(c, 1);
}

static void edit_layout(struct fuzz_choices *c, struct made *m)
{
	(void)c;
	made_infer(m);
}

static void (*const edits[])(struct fuzz_choices *c, struct made *m) = {
	edit_word,	edit_size,  edit_place,	 edit_pointer, edit_frame,
	edit_address,	edit_around, edit_needs, edit_register, edit_flags,
	edit_layout,
};

/* Turn something that is known into something that is not. */
static void forget(struct fuzz_choices *c, struct made *m,
		   struct made_target *t)
{
	struct frame_facts *f = &m->facts;
	struct frame_surroundings *a = &f->around;
	enum tri *const facts[] = {
		&a->rip_mapped, &a->rip_executable, &a->restorer,
		&a->restorer_executable, &a->resident, &a->shadow_stack,
		&a->stack_mapped, &a->xsave_compacted, &t->cpu.xsavec,
	};
	unsigned which = fuzz_below(c, ARRAY_SIZE(facts) + 5);
	uint64_t size = fuzz_take(c, 2);

	if (which < ARRAY_SIZE(facts))
		*facts[which] = TRI_UNKNOWN;
	switch (which - ARRAY_SIZE(facts)) {
	case 0:
		f->frame = (struct run){ bytes_first(f->frame.bytes, size),
					 RUN_END_UNKNOWN };
		break;
	case 1:
		f->area = (struct run){ bytes_first(f->area.bytes, size),
					RUN_END_UNKNOWN };
		break;
	case 2:
		if (t->target.rules)	/* 0: they are not known at all */
			t->target.rules |= (rules_mask)size & ALL_RULES;
		break;
	case 3:
		t->target.rules = 0;
		break;
	case 4:
		t->cpu.mxcsr_mask = 0;
		break;
	}
}

/* The first of the target's sets of rules, alone. */
static void judge_alone(const struct frame_facts *f, const struct target *t)
{
	struct target one = *t;
	uint64_t values[CHECK_VALUES];
	struct verdict v;
	const char *why;

	one.rules = t->rules ? t->rules & -t->rules : RULES_BIT(RULES_R1);
	v = predict(f, &one);
	why = consistent_objection(f, &one, &v);
	fuzz_must(!why, "%s: %s, rules %#x", why ? why : "",
		  outcome_name(v.outcome), one.rules);
	for (unsigned i = 0; i < checks_count; i++)
		if ((v.checks | v.unsure) & UINT64_C(1) << i)
			check_values(i, f, &one, values);
	for (unsigned i = 0; i < hazards_count; i++)
		if (v.hazards & UINT64_C(1) << i)
			hazard_values(i, f, &one, values);
}

/* All of the target's sets of rules are what each of them is. */
static void judge_together(const struct frame_facts *f, const struct target *t)
{
	struct verdict v = predict(f, t);
	struct verdict all = consistent_merged(f, t);

	fuzz_must(t->rules ? consistent_same(&v, &all)
			   : v.outcome == OUTCOME_UNKNOWN ||
				     v.outcome == OUTCOME_FATAL,
		  "rules %#x: %s, possible %#x, and one by one %s, %#x",
		  t->rules, outcome_name(v.outcome), v.possible,
		  outcome_name(all.outcome), all.possible);
}

/* Who knows less never rules out what is true. */
static void judge_with_less(struct fuzz_choices *c, struct made *m,
			    struct made_target *t)
{
	struct verdict v = predict(&m->facts, &t->target);
	struct verdict less;

	forget(c, m, t);
	less = predict(&m->facts, &t->target);
	fuzz_must(!(v.possible & ~less.possible),
		  "possible %#x, and with less evidence %#x", v.possible,
		  less.possible);
}

/* What criu restores of a thread is never intact if nothing is known of it. */
static void restore(struct fuzz_choices *c, const struct target *t)
{
	struct criu_thread thread = {
		.known = true,
		.components = fuzz_take(c, 8),
		.in_use = fuzz_take(c, 8),
		.mxcsr = (uint32_t)fuzz_take(c, 4),
		.pkru = (uint32_t)fuzz_take(c, 4),
		.ia32 = fuzz_below(c, 2),
		.shadow_stack = take_tri(c),
	};
	struct criu_live live = criu_restore(&thread, t);
	struct criu_live less;

	thread.known = false;
	less = criu_restore(&thread, t);
	fuzz_must(!(live.possible & ~less.possible),
		  "criu: possible %#x, and %#x of an unknown thread",
		  live.possible, less.possible);
	fuzz_must(less.outcome != OUTCOME_INTACT || !t->cpu->xfeatures,
		  "criu: intact, and nothing is known of the thread");
}

/* One question for each input: that is faster than all of them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct made m;
	struct fuzz_choices c = { .left = { data, size, 0 } };
	unsigned question = fuzz_below(&c, 4);
	struct made_target t;

	take_target(&c, &t);
	if (question == 0) {
		restore(&c, &t.target);
		return 0;
	}
	take_frame(&c, &m);
	for (unsigned i = fuzz_below(&c, EDITS_MAX); i && c.left.size; i--)
		edits[fuzz_below(&c, ARRAY_SIZE(edits))](&c, &m);
	if (question == 1)
		judge_alone(&m.facts, &t.target);
	else if (question == 2)
		judge_together(&m.facts, &t.target);
	else
		judge_with_less(&c, &m, &t);
	return 0;
}
