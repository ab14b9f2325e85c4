/* SPDX-License-Identifier: GPL-3.0-or-later */
/* difference.c - what two frames differ in, register by register */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/difference.h"
#include "made.h"

#define W(name) DIFFERENCE_BIT(DIFFERENCE_##name)
#define R(name) DIFFERENCE_BIT(X86_##name)
#define C(name) XSTATE_BIT(XSTATE_##name)

/* A frame of the last machine with everything in use; offsets are Intel's. */
static void native(struct made *m, enum sigframe_kind kind)
{
	made_frame(m, kind, made_native(ICX), XSTATE_FAMILY_INTEL);
	m->facts.sigframe.have_info = true;
}

static struct difference between(const struct made *a, const struct made *b)
{
	struct difference_side before, after;
	struct difference d;

	difference_of_frame(&a->facts, &before);
	difference_of_frame(&b->facts, &after);
	difference_between(&before, &after, &d);
	return d;
}

/* What one edit of a frame comes to: all of these, and nothing else. */
struct want {
	uint64_t words, words_unknown;
	uint64_t components, components_unknown;
	enum xstate_bit component;	/* of which `registers` is said */
	uint32_t registers;
};

static void flip(struct made *m, uint32_t offset)
{
	made_put(m, offset, 1, made_get(m, offset, 1) ^ 0x40);
}

MADE_EDIT(nothing)
MADE_EDIT(rbx, m->facts.sigframe.regs.r[X86_RBX] ^= 1;)
MADE_EDIT(rflags, m->facts.sigframe.regs.r[X86_RFLAGS] ^= 1;)
MADE_EDIT(cs, m->facts.sigframe.regs.r[X86_CS] ^= 1;)
MADE_EDIT(sigmask, m->facts.sigframe.sigmask = 1;)
MADE_EDIT(altstack, m->facts.sigframe.altstack_sp = 4096;
	  m->facts.sigframe.altstack_size = 8192;
	  m->facts.sigframe.altstack_flags = 2;)
MADE_EDIT(restorer, m->facts.sigframe.pretcode++;)
MADE_EDIT(moved, made_move(m, 64);)
MADE_EDIT(fcw, flip(m, 0);)
MADE_EDIT(fop, flip(m, 6);)
MADE_EDIT(fdp, flip(m, 23);)
MADE_EDIT(mxcsr, flip(m, 24);)
MADE_EDIT(mxcsr_mask, flip(m, 28);)
MADE_EDIT(st0, flip(m, 32);)
MADE_EDIT(st7, flip(m, 32 + 16 * 7 + 9);)
MADE_EDIT(st7_gap, flip(m, 32 + 16 * 7 + 10);)
MADE_EDIT(xmm0, flip(m, 160);)
MADE_EDIT(xmm15, flip(m, 415);)
MADE_EDIT(xmm_gap, flip(m, 416);)
MADE_EDIT(ymm, flip(m, 576 + 16 * 3); flip(m, 576 + 16 * 4 + 15);)
MADE_EDIT(avx_gap, flip(m, 832);)
MADE_EDIT(opmask, flip(m, 1088 + 8 * 7);)
MADE_EDIT(zmm_hi, flip(m, 1152 + 32 * 15 + 31);)
MADE_EDIT(zmm_16, flip(m, 1664);)
MADE_EDIT(zmm_31, flip(m, 1664 + 1023);)
MADE_EDIT(pkru, flip(m, 2688 + 3);)
MADE_EDIT(pkru_gap, flip(m, 2688 + 4);)
MADE_EDIT(magic1, made_put(m, 464, 4, 0);)
MADE_EDIT(magic2, made_put(m, 2696, 4, 0);)
MADE_EDIT(extended, made_put(m, 468, 4, 0);)
MADE_EDIT(xcomp, made_put(m, 520, 8, 4);)
MADE_EDIT(no_fpstate, m->facts.sigframe.fpstate = 0;)
/* Not in use, and what stands there is what XRSTOR would put there. */
MADE_EDIT(zero_opmask, for (uint32_t i = 0; i < 64; i++)
	  made_put(m, 1088 + i, 1, 0);)
MADE_EDIT(no_opmask, made_put(m, 512, 8, 0x2c7);)
MADE_EDIT(no_avx, made_put(m, 512, 8, 0x2e3);)
/* The last bytes were not dumped, or are not there. */
MADE_EDIT(cut, made_cut(m, 2692, RUN_END_UNKNOWN);)
MADE_EDIT(cut_magic2, made_cut(m, 2696, RUN_END_UNKNOWN);)
MADE_EDIT(cut_header, made_cut(m, 512, RUN_END_UNKNOWN);)
MADE_EDIT(cut_all, made_cut(m, 0, RUN_END_UNKNOWN);)
MADE_EDIT(end_magic2, made_cut(m, 2696, RUN_END_UNREADABLE);)

#define ALL_WORDS(x)                                                           \
	(W(MAGIC1) | W(MXCSR) | W(MXCSR_MASK) | W(FCW) | W(FSW) | W(FTW) |     \
	 W(FOP) | W(FIP) | W(FDP) | (x))
#define SW_WORDS                                                               \
	(W(XSTATE_SIZE) | W(EXTENDED_SIZE) | W(XFEATURES) | W(MAGIC2))

static const struct {
	const char *name;
	made_edit *edit;
	struct want want;
} edits[] = {
	{ "nothing", nothing, { 0 } },
	{ "rbx", rbx, { .words = R(RBX) } },
	{ "rflags", rflags, { .words = R(RFLAGS) } },
	{ "cs", cs, { .words = R(CS) } },
	{ "sigmask", sigmask, { .words = W(SIGMASK) } },
	{ "altstack", altstack, { .words = W(ALTSTACK) | W(ALTSTACK_SIZE) |
					   W(ALTSTACK_FLAGS) } },
	{ "restorer", restorer, { .words = W(RESTORER) } },
	{ "moved", moved, { .words = W(FPSTATE) } },
	{ "fcw", fcw, { .words = W(FCW) } },
	{ "fop", fop, { .words = W(FOP) } },
	{ "fdp", fdp, { .words = W(FDP) } },
	{ "mxcsr", mxcsr, { .words = W(MXCSR) } },
	{ "mxcsr_mask", mxcsr_mask, { .words = W(MXCSR_MASK) } },
	{ "st0", st0, { .components = C(X87), .component = XSTATE_X87,
			.registers = 1 } },
	{ "st7", st7, { .components = C(X87), .component = XSTATE_X87,
			.registers = 1 << 7 } },
	{ "behind st7", st7_gap, { 0 } },
	{ "xmm0", xmm0, { .components = C(SSE), .component = XSTATE_SSE,
			  .registers = 1 } },
	{ "xmm15", xmm15, { .components = C(SSE), .component = XSTATE_SSE,
			    .registers = 1 << 15 } },
	{ "behind xmm15", xmm_gap, { 0 } },
	{ "ymm3, ymm4", ymm, { .components = C(AVX), .component = XSTATE_AVX,
			       .registers = 3 << 3 } },
	{ "behind avx", avx_gap, { 0 } },
	{ "k7", opmask, { .components = C(OPMASK), .component = XSTATE_OPMASK,
			  .registers = 1 << 7 } },
	{ "zmm15", zmm_hi, { .components = C(ZMM_HI256),
			     .component = XSTATE_ZMM_HI256,
			     .registers = 1 << 15 } },
	{ "zmm16", zmm_16, { .components = C(HI16_ZMM),
			     .component = XSTATE_HI16_ZMM, .registers = 1 } },
	{ "zmm31", zmm_31, { .components = C(HI16_ZMM),
			     .component = XSTATE_HI16_ZMM,
			     .registers = 1 << 15 } },
	{ "pkru", pkru, { .components = C(PKRU), .component = XSTATE_PKRU } },
	{ "behind pkru", pkru_gap, { 0 } },
	{ "magic1", magic1, { .words = W(MAGIC1) | SW_WORDS } },
	{ "magic2", magic2, { .words = W(MAGIC2) } },
	{ "extended_size", extended, { .words = W(EXTENDED_SIZE) } },
	{ "xcomp_bv", xcomp, { .words = W(XCOMP_BV) } },
	{ "no fpstate", no_fpstate,
	  { .words = W(FPSTATE) | ALL_WORDS(SW_WORDS | W(XSTATE_BV) |
					    W(XCOMP_BV)),
	    .components = 0x2e7, .component = XSTATE_SSE,
	    .registers = 0xffff } },
	{ "avx not in use", no_avx,
	  { .words = W(XSTATE_BV), .components = C(AVX),
	    .component = XSTATE_AVX, .registers = 0xffff } },
	{ "no pkru dumped", cut,
	  { .words_unknown = W(MAGIC2), .components_unknown = C(PKRU) } },
	{ "no magic2 dumped", cut_magic2, { .words_unknown = W(MAGIC2) } },
	{ "no magic2 there", end_magic2, { .words = W(MAGIC2) } },
	{ "nothing dumped behind FXSAVE", cut_header,
	  { .words_unknown = W(MAGIC2) | W(XSTATE_BV) | W(XCOMP_BV),
	    .components_unknown = 0x2e6 } },
	{ "nothing dumped", cut_all,
	  { .words_unknown = ALL_WORDS(SW_WORDS | W(XSTATE_BV) | W(XCOMP_BV)),
	    .components_unknown = 0x2e7 } },
};

static unsigned wrong(const char *name, const struct difference *d,
		      const struct want *w)
{
	if (d->words == w->words && d->words_unknown == w->words_unknown &&
	    d->components == w->components &&
	    d->components_unknown == w->components_unknown &&
	    d->registers[w->component] == w->registers && !d->info &&
	    !d->moved)
		return 0;
	print_message("%s: words 0x%llx, unknown 0x%llx; components 0x%llx, "
		      "unknown 0x%llx; registers 0x%x, moved 0x%llx\n", name,
		      (unsigned long long)d->words,
		      (unsigned long long)d->words_unknown,
		      (unsigned long long)d->components,
		      (unsigned long long)d->components_unknown,
		      d->registers[w->component],
		      (unsigned long long)d->moved);
	return 1;
}

/* Every edit shows, from either side, and one on both sides does not. */
static void edited(void **state)
{
	static struct made a, b;
	unsigned failures = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(edits); i++) {
		struct difference d;

		native(&a, SIGFRAME_X86_64);
		native(&b, SIGFRAME_X86_64);
		edits[i].edit(&b, NULL);
		d = between(&a, &b);
		failures += wrong(edits[i].name, &d, &edits[i].want);
		assert_int_equal(difference_found(&d),
				 edits[i].want.words ||
					 edits[i].want.components);
		assert_int_equal(difference_is_partial(&d),
				 edits[i].want.words_unknown ||
					 edits[i].want.components_unknown);
		d = between(&b, &a);
		failures += wrong(edits[i].name, &d, &edits[i].want);
		/* no evidence is no evidence, even twice */
		native(&a, SIGFRAME_X86_64);
		edits[i].edit(&a, NULL);
		d = between(&a, &b);
		if (difference_found(&d) ||
		    difference_is_partial(&d) != !!edits[i].want.words_unknown) {
			print_message("%s, on both sides\n", edits[i].name);
			failures++;
		}
	}
	assert_int_equal(failures, 0);
}

/* In use and zero, or not in use: one value, and XSTATE_BV says which. */
static void initial_values(void **state)
{
	static struct made a, b;
	const struct want want = { .words = W(XSTATE_BV) };
	struct difference d;

	(void)state;
	native(&a, SIGFRAME_X86_64);
	native(&b, SIGFRAME_X86_64);
	zero_opmask(&a, NULL);
	no_opmask(&b, NULL);
	d = between(&a, &b);
	assert_int_equal(wrong("opmask", &d, &want), 0);
}

/* Copy the components of `from` to where the other layout has them. */
static void lay_out(struct made *to, const struct made *from)
{
	const struct xstate_layout *x = &from->facts.layout;
	const struct xstate_layout *y = &to->facts.layout;

	for (unsigned i = XSTATE_AVX; i <= XSTATE_PKRU; i++)
		for (uint32_t at = 0; (x->features & y->features &
				       XSTATE_BIT(i)) && at < x->size[i]; at++)
			made_put(to, y->offset[i] + at, 1,
				 made_get(from, x->offset[i] + at, 1));
}

static void other_layout(void **state)
{
	static struct made a, b;
	const uint64_t words = W(XSTATE_SIZE) | W(EXTENDED_SIZE);
	struct difference d;

	(void)state;
	native(&a, SIGFRAME_X86_64);
	for (uint32_t i = 576; i < 2696; i++)
		made_put(&a, i, 1, i * 7 % 251);
	made_frame(&b, SIGFRAME_X86_64, made_native(Z4), XSTATE_FAMILY_AMD);
	lay_out(&b, &a);
	made_put(&b, made_native(Z4).s, 4, XSTATE_MAGIC2);
	made_put(&a, made_native(ICX).s, 4, XSTATE_MAGIC2);
	d = between(&a, &b);
	assert_int_equal(d.words, words);
	assert_int_equal(d.components | d.components_unknown, 0);
	assert_int_equal(d.moved, C(OPMASK) | C(ZMM_HI256) | C(HI16_ZMM) |
					  C(PKRU));
	assert_true(difference_found(&d));

	/* k2, where AMD has it */
	flip(&b, 832 + 16);
	d = between(&a, &b);
	assert_int_equal(d.components, C(OPMASK));
	assert_int_equal(d.registers[XSTATE_OPMASK], 1 << 2);

	struct difference_side side;
	const uint8_t *bytes;
	size_t size;

	difference_of_frame(&b.facts, &side);
	assert_true(difference_value(&side, XSTATE_OPMASK, 2, &bytes, &size));
	assert_int_equal(size, 8);
	assert_ptr_equal(bytes, b.area + 832 + 16);
	assert_true(difference_value(&side, XSTATE_ZMM_HI256, 1, &bytes,
				     &size));
	assert_int_equal(size, 32);
	assert_ptr_equal(bytes, b.area + 896 + 32);
}

/* Where the layout is not known only the same bytes are the same. */
static void unknown_layout(void **state)
{
	static struct made a, b;
	struct difference d;

	(void)state;
	native(&a, SIGFRAME_X86_64);
	native(&b, SIGFRAME_X86_64);
	/* neither family has its components end there */
	for (unsigned i = 0; i < 2; i++) {
		struct made *m = i ? &a : &b;

		made_put(m, 480, 4, 2690);
		made_put(m, 468, 4, 2694);
		made_put(m, 2690, 4, XSTATE_MAGIC2);
		made_infer(m);
		assert_int_equal(m->facts.family, XSTATE_FAMILY_UNKNOWN);
	}
	d = between(&a, &b);
	assert_false(difference_found(&d) || difference_is_partial(&d));
	flip(&b, 1088);
	d = between(&a, &b);
	assert_int_equal(d.components, 0);
	assert_int_equal(d.components_unknown, 0x2e0);
	flip(&b, 576);
	d = between(&a, &b);
	assert_int_equal(d.components, C(AVX));
}

/* Of 32-bit frames the header before the image has the values of x87. */
static void ia32(void **state)
{
	static const struct {
		uint32_t offset;	/* in the header */
		uint64_t word;
		uint32_t registers;
	} cases[] = {
		{ 0, W(FCW), 0 },
		{ 4, W(FSW), 0 },
		{ 12, W(FIP), 0 },
		{ 17, W(FIP), 0 },
		{ 18, W(FOP), 0 },
		{ 23, W(FDP), 0 },
		{ 24, W(FDP), 0 },
		{ 28, 0, 1 },
		{ 28 + 79, 0, 1 << 7 },
	};
	static struct made a, b;
	struct difference d;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		native(&a, SIGFRAME_IA32);
		native(&b, SIGFRAME_IA32);
		b.area[cases[i].offset] ^= 0x40;
		d = between(&a, &b);
		assert_int_equal(d.words, cases[i].word);
		assert_int_equal(d.registers[XSTATE_X87], cases[i].registers);
		assert_int_equal(d.components, cases[i].registers ? 1 : 0);
	}
	/* two bits for each register: 3 is empty, others are not */
	native(&b, SIGFRAME_IA32);
	b.area[9] = 0xc0;
	d = between(&a, &b);
	assert_int_equal(d.words & W(FTW), W(FTW));
	/* the image has others, which sigreturn does not look at */
	native(&a, SIGFRAME_IA32);
	native(&b, SIGFRAME_IA32);
	flip(&b, 32);
	d = between(&a, &b);
	assert_false(difference_found(&d));
	flip(&b, 160);
	d = between(&a, &b);
	assert_int_equal(d.components, C(SSE));
	assert_int_equal(d.registers[XSTATE_SSE], 1);
	/* two copies of one mask */
	b.facts.sigframe.oldmask = 5;
	native(&a, SIGFRAME_IA32);
	d = between(&a, &b);
	assert_int_equal(d.words, 0);
}

static void siginfo(void **state)
{
	static struct made a, b;
	struct difference d;

	(void)state;
	native(&a, SIGFRAME_X86_64);
	native(&b, SIGFRAME_X86_64);
	b.facts.sigframe.info[127] = 1;
	d = between(&a, &b);
	assert_true(d.info && difference_found(&d));
	b.facts.sigframe.have_info = false;
	d = between(&a, &b);
	assert_true(d.info_unknown && difference_is_partial(&d));
	assert_false(difference_found(&d));
}

/* Registers of threads: what one side lacks is not known to differ. */
static void registers(void **state)
{
	const struct xstate_layout *l =
		xstate_family_layout(XSTATE_FAMILY_INTEL);
	const uint64_t all = DIFFERENCE_BIT(X86_REGS) - 1;
	struct x86_gprs g = { .r = { [X86_RIP] = 1, [X86_RSP] = 2 } };
	struct x86_gprs h = { .r = { [X86_RIP] = 1, [X86_RSP] = 3 } };
	uint8_t image[2696] = { 0 }, other[2696] = { 0 };
	struct bytes x = { image, sizeof(image), 0 };
	struct bytes y = { other, sizeof(other), 0 };
	struct difference_side a, b;
	struct difference d;

	(void)state;
	difference_of_registers(&g, all, (struct bytes){ 0 }, l, &a);
	difference_of_registers(&h, R(RIP) | R(RSP), (struct bytes){ 0 }, l,
				&b);
	difference_between(&a, &b, &d);
	assert_int_equal(d.words, R(RSP));
	assert_int_equal(d.words_unknown & all, all & ~(R(RIP) | R(RSP)));
	assert_int_equal(d.components, 0);
	assert_int_equal(d.components_unknown, l->features | XSTATE_LEGACY);

	/* FOP, FIP, FDP are no matter; what is not in use is initial */
	image[6] = image[8] = image[16] = 1;
	image[576] = 1;
	image[512] = 3;
	other[512] = 7;
	image[0] = other[0] = 0x7f;
	image[1] = other[1] = 3;
	difference_of_registers(&g, all, x, l, &a);
	difference_of_registers(&g, all, y, l, &b);
	difference_between(&a, &b, &d);
	assert_false(difference_found(&d));
	other[576 + 16] = 1;
	difference_between(&a, &b, &d);
	assert_int_equal(d.components, C(AVX));
	assert_int_equal(d.registers[XSTATE_AVX], 1 << 1);
	/* of PKRU ptrace tells the value, whatever the header says */
	other[2688] = 4;
	difference_between(&a, &b, &d);
	assert_int_equal(d.components, C(AVX) | C(PKRU));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edited),
		cmocka_unit_test(initial_values),
		cmocka_unit_test(other_layout),
		cmocka_unit_test(unknown_layout),
		cmocka_unit_test(ia32),
		cmocka_unit_test(siginfo),
		cmocka_unit_test(registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
