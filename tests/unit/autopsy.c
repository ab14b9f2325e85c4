/* SPDX-License-Identifier: GPL-3.0-or-later */
/* autopsy.c - deaths and frames: the tables say which are connected */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/autopsy.h"
#include "kernel/checks.h"
#include "made.h"

#define B(n) RULES_BIT(RULES_R##n)
#define RELEASED (B(1) | B(2) | B(3) | B(4) | B(5))
#define RF UINT64_C(0x10000)

/* A death as sigreturn leaves it when it refuses the frame of `m`. */
static struct autopsy_death refused(const struct made *m)
{
	struct autopsy_death d = {
		.info = { .signo = 11, .code = 0x80 },
		.regs = m->facts.sigframe.regs,
		.initial = TRI_YES,
	};

	d.regs.r[X86_CS] |= 3;
	d.regs.r[X86_SS] |= 3;
	/* IF stays as it was, IOPL is not taken */
	d.regs.r[X86_RFLAGS] = (d.regs.r[X86_RFLAGS] & 0x50dd5) | 0x202;
	return d;
}

/* As the CPU leaves it when the first fetch faults. */
static struct autopsy_death fetch(const struct made *m)
{
	struct autopsy_death d = refused(m);

	d.info.code = 1;
	d.info.addr = d.regs.r[X86_RIP];
	d.regs.r[X86_RFLAGS] |= RF;
	d.initial = TRI_NO;
	return d;
}

MADE_EDIT(nothing)
MADE_EDIT(mxcsr, made_put(m, 24, 4, 0x11f80);)
MADE_EDIT(bv, made_put(m, 512, 8, UINT64_C(1) << 61 | 7);)
MADE_EDIT(xcomp, made_put(m, 520, 8, 1);)
MADE_EDIT(reserved, made_put(m, 528, 1, 1);)
MADE_EDIT(misaligned, made_move(m, 8);)
MADE_EDIT(misaligned_fx, made_move(m, 8); made_put(m, 464, 4, 0);)
MADE_EDIT(fpstate_high, m->facts.sigframe.fpstate = t->cpu.user_limit;)
MADE_EDIT(fpstate_gone,
	  m->facts.area.bytes.size = 0;
	  m->facts.area.end = RUN_END_UNREADABLE;)
MADE_EDIT(magic2_gone, made_cut(m, 2696, RUN_END_UNREADABLE);)
MADE_EDIT(magic1, made_put(m, 464, 4, 0);)
MADE_EDIT(bad_cs, m->facts.sigframe.regs.r[X86_CS] = 0;)
MADE_EDIT(bad_ss, m->facts.sigframe.regs.r[X86_SS] = 0;)
MADE_EDIT(rip_noncanonical,
	  m->facts.sigframe.regs.r[X86_RIP] = UINT64_C(1) << 63;)
MADE_EDIT(rip_gone, m->facts.around.rip_mapped = TRI_NO;)
MADE_EDIT(rip_data, m->facts.around.rip_executable = TRI_NO;)
MADE_EDIT(rip_unknown,
	  m->facts.around.rip_mapped = TRI_UNKNOWN;
	  m->facts.around.rip_executable = TRI_UNKNOWN;)
MADE_EDIT(restorer_gone,
	  m->facts.around.restorer = TRI_NO;
	  made_put(m, 24, 4, 0x11f80);)

enum death { REFUSED, FETCH };

/* What each of the frames looks like when it has killed. */
static const struct {
	const char *name;
	made_edit *edit;
	enum death death;
	enum autopsy_kind kind;	/* of 64-bit frames */
	const char *check;
	rules_mask rules;	/* of the released ones that explain it */
	enum autopsy_kind kind_32;
	bool others;		/* the rest kill, too, by another check */
} deadly[] = {
	{ "MXCSR", mxcsr, REFUSED, AUTOPSY_REFUSED, "mxcsr-reserved",
	  B(2) | B(3) | B(4) | B(5), AUTOPSY_REFUSED },
	{ "XSTATE_BV", bv, REFUSED, AUTOPSY_REFUSED, "xstate-bv-unsupported",
	  RELEASED, AUTOPSY_REFUSED },
	{ "XCOMP_BV", xcomp, REFUSED, AUTOPSY_REFUSED, "xcomp-bv-rejected",
	  RELEASED, AUTOPSY_REFUSED },
	{ "header", reserved, REFUSED, AUTOPSY_REFUSED,
	  "xstate-header-reserved", RELEASED, AUTOPSY_REFUSED },
	/* code of 32 bits has its image copied */
	{ "misaligned", misaligned, REFUSED, AUTOPSY_REFUSED,
	  "xstate-misaligned", B(2) | B(3) | B(4) | B(5), AUTOPSY_NONE },
	{ "misaligned FXSAVE", misaligned_fx, REFUSED, AUTOPSY_REFUSED,
	  "fxsave-misaligned", B(2) | B(3) | B(4) | B(5), AUTOPSY_NONE },
	{ "fpstate out of range", fpstate_high, REFUSED, AUTOPSY_REFUSED,
	  "fpstate-out-of-range", RELEASED, AUTOPSY_REFUSED },
	{ "fpstate unmapped", fpstate_gone, REFUSED, AUTOPSY_REFUSED,
	  "fpstate-unreadable", B(2) | B(3) | B(4) | B(5), AUTOPSY_REFUSED,
	  .others = true },
	{ "magic2 unmapped", magic2_gone, REFUSED, AUTOPSY_REFUSED,
	  "magic2-unreadable", B(2) | B(3) | B(4) | B(5), AUTOPSY_REFUSED },
	{ "cs", bad_cs, REFUSED, AUTOPSY_FAULT, "cs-invalid", RELEASED,
	  AUTOPSY_FAULT },
	{ "ss", bad_ss, REFUSED, AUTOPSY_FAULT, "ss-invalid", RELEASED,
	  AUTOPSY_FAULT },
	{ "rip unmapped", rip_gone, FETCH, AUTOPSY_FAULT, "rip-unmapped",
	  RELEASED, AUTOPSY_FAULT },
	{ "rip data", rip_data, FETCH, AUTOPSY_FAULT, "rip-not-executable",
	  RELEASED, AUTOPSY_FAULT },
	/* a core without the list of mappings: the signal says it */
	{ "rip in doubt", rip_unknown, FETCH, AUTOPSY_FAULT, "rip-unmapped",
	  RELEASED, AUTOPSY_FAULT },
	/* the call was made, wherever from */
	{ "no restorer", restorer_gone, REFUSED, AUTOPSY_REFUSED,
	  "mxcsr-reserved", B(2) | B(3) | B(4) | B(5), AUTOPSY_REFUSED },
	/* nothing wrong with the frame */
	{ "intact", nothing, REFUSED, AUTOPSY_NONE, NULL, 0, AUTOPSY_NONE },
	{ "intact, fetch", nothing, FETCH, AUTOPSY_NONE, NULL, 0,
	  AUTOPSY_NONE },
	{ "magic1", magic1, REFUSED, AUTOPSY_NONE, NULL, 0, AUTOPSY_NONE },
	/* the signal is not that of the check */
	{ "rip unmapped, no address", rip_gone, REFUSED, AUTOPSY_NONE, NULL,
	  0, AUTOPSY_NONE },
	{ "cs, fetch", bad_cs, FETCH, AUTOPSY_NONE, NULL, 0, AUTOPSY_NONE },
	{ "MXCSR, fetch", mxcsr, FETCH, AUTOPSY_NONE, NULL, 0, AUTOPSY_NONE },
};

static struct made m;
static struct made_target t;

static void make(enum sigframe_kind kind, made_edit *edit, rules_mask rules)
{
	made_frame(&m, kind, made_native(ICX), XSTATE_FAMILY_INTEL);
	/* values to tell the registers apart by */
	for (unsigned i = 0; i <= X86_R15; i++)
		if (i != X86_RSP &&
		    (i < X86_R8 || !sigframe_shapes[kind].header))
			m.facts.sigframe.regs.r[i] = 0x1000 + i;
	made_target(ICX, rules, &t);
	edit(&m, &t);
}

static void explained(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < SIGFRAME_KINDS; kind++) {
		bool wide = !sigframe_shapes[kind].header;

		for (size_t i = 0; i < ARRAY_SIZE(deadly); i++) {
			enum autopsy_kind want = wide ? deadly[i].kind
						      : deadly[i].kind_32;
			struct autopsy_death d;
			struct autopsy a;

			make(kind, deadly[i].edit, RELEASED);
			d = deadly[i].death == FETCH ? fetch(&m) : refused(&m);
			a = autopsy_judge(&d, &m.facts, &t.target);
			if (a.kind != want)
				print_error("%s, kind %u\n", deadly[i].name,
					    kind);
			assert_int_equal(a.kind, want);
			if (!want)
				continue;
			assert_string_equal(checks[a.check].id,
					    deadly[i].check);
			if (!wide)
				continue;
			assert_int_equal(a.rules, deadly[i].rules);
			assert_int_equal(a.certain, deadly[i].others ||
						    a.rules == RELEASED);
		}
	}
}

/* The same frame, MXCSR spoilt, and a death that differs a little. */
static void other_death(struct autopsy_death *d, unsigned n)
{
	switch (n) {
	case 0:	d->info.signo = 7; break;		/* SIGBUS */
	case 1:	d->info.code = 0; break;		/* kill() */
	case 2:	d->info.code = -6; break;		/* raise() */
	case 3:	d->info.code = 1; break;		/* at address 0 */
	case 4:	d->info.code = 4; break;		/* SEGV_PKUERR */
	/* an instruction faulted: #GP of its own */
	case 5:	d->regs.r[X86_RFLAGS] |= RF; break;
	/* its extended state survived */
	case 6:	d->initial = TRI_NO; break;
	case 7:	d->regs.r[X86_CS] = X86_USER32_CS; break;
	case 8:	d->regs.r[X86_SS] = 0x63; break;
	case 9:	d->in_sigreturn = true; break;
	case 10: d->regs.r[X86_RFLAGS] ^= 0x1; break;	/* CF */
	case 11: d->regs.r[X86_RFLAGS] ^= 0x40000; break; /* AC */
	default: break;
	}
}

static void not_this_frame(void **state)
{
	struct autopsy_death d;

	(void)state;
	for (unsigned n = 0; n < 12; n++) {
		make(SIGFRAME_X86_64, mxcsr, B(5));
		d = refused(&m);
		other_death(&d, n);
		if (autopsy_judge(&d, &m.facts, &t.target).kind)
			fail_msg("death %u is taken for that of the frame", n);
	}
	for (unsigned r = 0; r <= X86_RIP; r++) {
		make(SIGFRAME_X86_64, mxcsr, B(5));
		d = refused(&m);
		d.regs.r[r] ^= UINT64_C(1) << 40;
		assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
				 AUTOPSY_NONE);
	}
	/* flags that sigreturn does not take: IOPL, ID */
	make(SIGFRAME_X86_64, mxcsr, B(5));
	d = refused(&m);
	d.regs.r[X86_RFLAGS] ^= 0x203000;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_REFUSED);
	/* whether the state is initial may not be known */
	d.initial = TRI_UNKNOWN;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_REFUSED);
}

/* A frame that a fault wrote, RF set; its handler had it repaired. */
static void fault_frames(void **state)
{
	struct autopsy_death d;

	(void)state;
	make(SIGFRAME_X86_64, mxcsr, B(5));
	m.facts.sigframe.regs.r[X86_RFLAGS] |= RF;
	d = refused(&m);
	assert_true(d.regs.r[X86_RFLAGS] & RF);
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_REFUSED);
	/* it may as well be the next #GP */
	d.have_trap = true;
	d.trap = 13;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_REFUSED);
	d.initial = TRI_UNKNOWN;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_NONE);
	d.trap = 14;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_REFUSED);
}

/* Who jumped to nowhere before the signal dies there once more. */
static void been_there(void **state)
{
	struct autopsy_death d;

	(void)state;
	make(SIGFRAME_X86_64, rip_gone, RELEASED);
	d = fetch(&m);
	m.facts.sigframe.trapno = 14;
	m.facts.sigframe.cr2 = d.info.addr;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_NONE);
	/* it was another address that had faulted */
	m.facts.sigframe.cr2++;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_FAULT);

	make(SIGFRAME_X86_64, rip_noncanonical, RELEASED);
	d = refused(&m);
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_FAULT);
	/* some CPUs take the jump, and fault behind it */
	m.facts.sigframe.trapno = 13;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_NONE);
}

/* The call itself: there are no registers to compare. */
static void in_the_call(void **state)
{
	static const struct {
		enum run_end end;
		size_t size;
		enum autopsy_kind kind;
		bool certain;
	} frames[] = {
		{ RUN_END_UNREADABLE, 0, AUTOPSY_UNREADABLE, true },
		{ RUN_END_UNREADABLE, 200, AUTOPSY_UNREADABLE, true },
		/* not in the core */
		{ RUN_END_UNKNOWN, 0, AUTOPSY_UNREADABLE, false },
		/* all is there */
		{ RUN_END_UNKNOWN, 1024, AUTOPSY_NONE, false },
	};

	(void)state;
	for (unsigned kind = 0; kind < SIGFRAME_KINDS; kind++) {
		for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
			struct autopsy_death d = {
				.info = { .signo = 11, .code = 0x80 },
				.in_sigreturn = true,
			};

			make(kind, nothing, RELEASED);
			m.facts.frame.bytes.size = frames[i].size;
			m.facts.frame.end = frames[i].end;
			m.facts.area.bytes.size = 0;

			struct autopsy a = autopsy_judge(&d, &m.facts,
							 &t.target);

			assert_int_equal(a.kind, frames[i].kind);
			assert_int_equal(a.certain, frames[i].certain);
			/* a signal from elsewhere that came just then */
			d.info.code = 0;
			assert_int_equal(autopsy_judge(&d, &m.facts,
						       &t.target).kind,
					 AUTOPSY_NONE);
		}
	}
}

/* A core that has half of the registers only. */
static void narrow(void **state)
{
	struct autopsy_death d;

	(void)state;
	make(SIGFRAME_X86_64, bad_cs, RELEASED);
	m.facts.sigframe.regs.r[X86_RSP] = UINT64_C(0x7ffc12345678);
	d = refused(&m);
	for (unsigned r = 0; r <= X86_RIP; r++)
		d.regs.r[r] = r >= X86_R8 && r <= X86_R15
				      ? 0
				      : (uint32_t)d.regs.r[r];
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_NONE);
	d.narrow = true;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_FAULT);
	d.regs.r[X86_RBX] ^= 1;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_NONE);
}

/* force_valid_ss(), arch/x86/kernel/signal_64.c */
static void stack_segment(void **state)
{
	struct autopsy_death d;

	(void)state;
	make(SIGFRAME_X86_64, mxcsr, B(5));
	m.facts.sigframe.uc_flags = 3;
	m.facts.sigframe.regs.r[X86_SS] = 0;
	d = refused(&m);
	d.regs.r[X86_SS] = X86_USER_DS;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_REFUSED);
	m.facts.sigframe.uc_flags = 7;
	assert_int_equal(autopsy_judge(&d, &m.facts, &t.target).kind,
			 AUTOPSY_NONE);
}

static void initial(void **state)
{
	static const struct {
		uint64_t bv;
		uint32_t off;
		uint8_t byte;
		enum tri want;
	} images[] = {
		{ 0x0, 160, 1, TRI_YES },	/* not in use: old bytes */
		{ 0x3, 464, 1, TRI_YES },	/* not of a register */
		{ 0x2, 160, 1, TRI_NO },
		{ 0x2, 415, 1, TRI_NO },
		{ 0x2, 416, 1, TRI_YES },
		{ 0x2, 25, 0x3f, TRI_NO },	/* MXCSR */
		{ 0x1, 4, 1, TRI_NO },		/* a register of x87 */
		{ 0x1, 0, 0x7e, TRI_NO },	/* FCW */
		{ 0x200, 464, 0, TRI_YES },	/* PKRU is never initial */
		{ 0x4, 464, 0, TRI_UNKNOWN },
		{ 0x6, 160, 1, TRI_NO },
	};
	uint8_t raw[XSTATE_MIN_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		memset(raw, 0, sizeof(raw));
		raw[0] = 0x7f;
		raw[1] = 0x03;
		raw[24] = 0x80;
		raw[25] = 0x1f;
		memcpy(raw + 512, &images[i].bv, 8);
		raw[images[i].off] = images[i].byte;

		enum tri got = autopsy_initial((struct bytes){
			raw, sizeof(raw), 0 });

		if (got != images[i].want)
			print_error("image %zu\n", i);
		assert_int_equal(got, images[i].want);
	}
	assert_int_equal(autopsy_initial((struct bytes){ raw, 512, 0 }),
			 TRI_UNKNOWN);
}

/* Without a frame: only what no instruction can have left so. */
static void suspicion(void **state)
{
	const struct autopsy_death whole = {
		.info = { .signo = 11, .code = 0x80 },
		.initial = TRI_YES,
	};
	struct autopsy_death d = whole;

	(void)state;
	assert_true(autopsy_suspects(&d));
	d.initial = TRI_UNKNOWN;
	assert_false(autopsy_suspects(&d));
	d = whole;
	d.regs.r[X86_RFLAGS] = RF;
	assert_false(autopsy_suspects(&d));
	d = whole;
	d.have_trap = true;
	assert_true(autopsy_suspects(&d));
	d.trap = 13;
	assert_false(autopsy_suspects(&d));
	d = whole;
	d.info.code = 1;
	assert_false(autopsy_suspects(&d));
}

/* Frames that are left over, of one machine on another. */
static void left_over(void **state)
{
	static const struct {
		enum made_cpu from, on;
		made_edit *edit;
		enum outcome want;
		const char *check;
	} frames[] = {
		{ ICX, ICX, nothing, OUTCOME_INTACT, NULL },
		{ HSW, ICX, nothing, OUTCOME_INTACT, NULL },
		{ ICX, HSW, nothing, OUTCOME_LOSSY, "xstate-size-over-target" },
		{ Z4, ICX, nothing, OUTCOME_GARBLED, "past-frame-end" },
		/* damage may have come later */
		{ ICX, ICX, magic1, OUTCOME_INTACT, NULL },
		{ ICX, HSW, magic1, OUTCOME_INTACT, NULL },
		/* such a thread would not be here */
		{ ICX, ICX, mxcsr, OUTCOME_INTACT, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		unsigned check = checks_count;

		made_frame(&m, SIGFRAME_X86_64, made_native(frames[i].from),
			   made_family(frames[i].from));
		made_target(frames[i].on, B(3) | B(5), &t);
		frames[i].edit(&m, &t);
		if (autopsy_returned(&m.facts, &t.target, &check) !=
		    frames[i].want)
			fail_msg("left-over frame %zu", i);
		if (frames[i].check)
			assert_int_equal(UINT64_C(1) << check,
					 made_check(frames[i].check));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(explained),
		cmocka_unit_test(not_this_frame),
		cmocka_unit_test(fault_frames),
		cmocka_unit_test(been_there),
		cmocka_unit_test(in_the_call),
		cmocka_unit_test(narrow),
		cmocka_unit_test(stack_segment),
		cmocka_unit_test(initial),
		cmocka_unit_test(suspicion),
		cmocka_unit_test(left_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
