/* SPDX-License-Identifier: GPL-3.0-or-later */
/* description.c - what is concluded from what a description says */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "describe/description.h"

#define B(x) ISA_BIT(ISA_##x)
#define ALL (B(COUNT) - 1)
#define AVX2_SET (B(XSAVE) | B(AVX) | B(AVX2))
#define AVX512_SET (AVX2_SET | B(AVX512F))

enum {
	UNKNOWN = XSTATE_FAMILY_UNKNOWN,
	INTEL = XSTATE_FAMILY_INTEL,
	AMD = XSTATE_FAMILY_AMD,
	COMMON = XSTATE_FAMILY_COMMON,
};

enum {
	NONE = ORIGIN_NONE,
	GIVEN = ORIGIN_GIVEN,
	DERIVED = ORIGIN_DERIVED,
	ASSUMED = ORIGIN_ASSUMED,
};

/* What is said; xfeatures of 0 says nothing. */
struct said {
	uint64_t known, has;
	uint64_t xfeatures;
	unsigned vendor;
	const char *kernel;
	rules_mask rules;
	enum tri xsave;
};

static struct description *make(const struct said *said)
{
	struct description *d = description_create("test");

	assert_non_null(d);
	d->isa = (struct isa_set){ said->known, said->has };
	if (said->known)
		d->origin[DESCRIBED_ISA] = ORIGIN_GIVEN;
	d->cpu.xfeatures = said->xfeatures;
	if (said->xfeatures)
		d->origin[DESCRIBED_XFEATURES] = ORIGIN_GIVEN;
	d->kernel = said->kernel ? strdup(said->kernel) : NULL;
	d->rules = said->rules;
	d->cpu.xsave = said->xsave;
	return d;
}

static void conclusions(void **state)
{
	static const struct {
		const char *name;
		struct said said;
		uint64_t xfeatures;
		unsigned origin;	/* of xfeatures */
		enum tri xsave;
		unsigned family;
		unsigned layout;	/* its origin */
		uint32_t size;		/* with all components; 0: unknown */
	} rows[] = {
		{ "nothing", { 0 }, 0, NONE, TRI_UNKNOWN, UNKNOWN, NONE, 0 },
		{ "nothing but a vendor", { .vendor = INTEL },
		  0, NONE, TRI_UNKNOWN, UNKNOWN, NONE, 0 },
		{ "no XSAVE", { .known = B(XSAVE) },
		  0x3, DERIVED, TRI_NO, COMMON, DERIVED, 512 },
		{ "no XSAVE in use",
		  { .known = ALL, .has = AVX512_SET, .xsave = TRI_NO },
		  0x3, DERIVED, TRI_NO, COMMON, DERIVED, 512 },
		{ "nothing of the rest",
		  { .known = AVX2_SET, .has = AVX2_SET, .vendor = INTEL },
		  0, NONE, TRI_UNKNOWN, UNKNOWN, NONE, 0 },
		{ "extensions, common",
		  { .known = ALL, .has = AVX2_SET, .vendor = INTEL },
		  0x7, DERIVED, TRI_YES, COMMON, DERIVED, 832 },
		{ "extensions, common, no vendor",
		  { .known = ALL, .has = AVX2_SET },
		  0x7, DERIVED, TRI_YES, COMMON, DERIVED, 832 },
		{ "extensions, Intel",
		  { .known = ALL, .has = AVX512_SET, .vendor = INTEL },
		  0xe7, DERIVED, TRI_YES, INTEL, ASSUMED, 2688 },
		{ "extensions, AMD",
		  { .known = ALL, .has = AVX512_SET, .vendor = AMD },
		  0xe7, DERIVED, TRI_YES, AMD, ASSUMED, 2432 },
		{ "extensions, no vendor",
		  { .known = ALL, .has = AVX512_SET },
		  0xe7, DERIVED, TRI_YES, UNKNOWN, NONE, 0 },
		{ "extensions but rare ones",
		  { .known = ALL & ~(B(MPX) | B(AMX_TILE)),
		    .has = AVX2_SET, .vendor = INTEL },
		  0x7, ASSUMED, TRI_YES, COMMON, DERIVED, 832 },
		{ "APX follows from what is missing",
		  { .known = ALL & ~B(APX_F), .has = AVX512_SET,
		    .vendor = INTEL },
		  0xe7, DERIVED, TRI_YES, INTEL, ASSUMED, 2688 },
		{ "a mask", { .xfeatures = 0x7 },
		  0x7, GIVEN, TRI_YES, COMMON, DERIVED, 832 },
		{ "a mask of 576", { .xfeatures = 0x3 },
		  0x3, GIVEN, TRI_YES, COMMON, DERIVED, 576 },
		{ "a mask, AMD", { .xfeatures = 0x207, .vendor = AMD },
		  0x207, GIVEN, TRI_YES, AMD, ASSUMED, 2440 },
		{ "a mask, no vendor", { .xfeatures = 0x207 },
		  0x207, GIVEN, TRI_YES, UNKNOWN, NONE, 0 },
		{ "a mask that only Intel has", { .xfeatures = 0x602e7 },
		  0x602e7, GIVEN, TRI_YES, INTEL, ASSUMED, 11008 },
		{ "supervisor components and LWP",
		  { .xfeatures = UINT64_C(0x4000000000001d07), .vendor = AMD },
		  0x7, GIVEN, TRI_YES, COMMON, DERIVED, 832 },
		{ "a mask of more than the extensions",
		  { .known = ALL, .has = AVX2_SET, .xfeatures = 0x207,
		    .vendor = AMD },
		  0x7, GIVEN, TRI_YES, COMMON, DERIVED, 832 },
		{ "a mask of less than the extensions",
		  { .known = ALL, .has = AVX512_SET | B(PKU),
		    .xfeatures = 0xe7, .vendor = AMD },
		  0xe7, GIVEN, TRI_YES, AMD, ASSUMED, 2432 },
		{ "AMX before Linux had it",
		  { .xfeatures = 0x602e7, .vendor = INTEL,
		    .kernel = "5.15.150" },
		  0x2e7, DERIVED, TRI_YES, INTEL, ASSUMED, 2696 },
		{ "AMX since",
		  { .xfeatures = 0x602e7, .vendor = INTEL, .kernel = "5.16" },
		  0x602e7, GIVEN, TRI_YES, INTEL, ASSUMED, 11008 },
		{ "AMX as a vendor's kernel showed it",
		  { .xfeatures = 0x602e7, .vendor = INTEL,
		    .kernel = "5.14.0-427.13.1.el9_4.x86_64" },
		  0x602e7, GIVEN, TRI_YES, INTEL, ASSUMED, 11008 },
		{ "AMX that a vendor may have brought in",
		  { .known = ALL, .has = AVX512_SET | B(PKU) | B(AMX_TILE),
		    .vendor = INTEL,
		    .kernel = "5.14.0-427.13.1.el9_4.x86_64" },
		  0x602e7, ASSUMED, TRI_YES, INTEL, ASSUMED, 11008 },
		{ "AMX, kernel not known",
		  { .known = ALL, .has = AVX512_SET | B(PKU) | B(AMX_TILE),
		    .vendor = INTEL },
		  0x602e7, ASSUMED, TRI_YES, INTEL, ASSUMED, 11008 },
		{ "AMX, rules of old kernels only",
		  { .known = ALL, .has = AVX512_SET | B(PKU) | B(AMX_TILE),
		    .vendor = INTEL, .rules = RULES_BIT(RULES_R1) },
		  0x2e7, DERIVED, TRI_YES, INTEL, ASSUMED, 2696 },
		{ "AMX, rules of old kernels and new",
		  { .known = ALL, .has = AVX512_SET | B(PKU) | B(AMX_TILE),
		    .vendor = INTEL, .rules = RULES_BIT(RULES_R2) },
		  0x602e7, ASSUMED, TRI_YES, INTEL, ASSUMED, 11008 },
		{ "AMX, rules of new kernels",
		  { .known = ALL, .has = AVX512_SET | B(PKU) | B(AMX_TILE),
		    .vendor = INTEL, .rules = RULES_BIT(RULES_R5) },
		  0x602e7, DERIVED, TRI_YES, INTEL, ASSUMED, 11008 },
		{ "APX in 6.15",
		  { .xfeatures = 0xe02e7, .vendor = INTEL,
		    .kernel = "6.15.3" },
		  0x602e7, DERIVED, TRI_YES, INTEL, ASSUMED, 11008 },
		{ "APX in 6.16",
		  { .xfeatures = 0xe02e7, .vendor = INTEL,
		    .kernel = "6.16.1" },
		  0xe02e7, GIVEN, TRI_YES, INTEL, ASSUMED, 11008 },
		{ "without OSPKE, as on Zen 2",
		  { .known = ALL, .has = AVX2_SET, .xfeatures = 0x207,
		    .vendor = AMD },
		  0x7, GIVEN, TRI_YES, COMMON, DERIVED, 832 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct description *d = make(&rows[i].said);

		/* twice: the second time has to change nothing */
		for (int n = 0; n < 2; n++) {
			struct error *err = description_complete(
				d, rows[i].said.vendor);

			if (err)
				fail_msg("%s: %s", rows[i].name,
					 error_message(err));
			if (d->cpu.xfeatures != rows[i].xfeatures ||
			    d->origin[DESCRIBED_XFEATURES] !=
				    rows[i].origin ||
			    d->cpu.xsave != rows[i].xsave ||
			    d->cpu.family != rows[i].family ||
			    d->origin[DESCRIBED_LAYOUT] != rows[i].layout ||
			    cpu_user_size(&d->cpu, d->cpu.xfeatures) !=
				    rows[i].size)
				fail_msg("%s: run %d: %#llx (%s), xsave %d, "
					 "%s (%s), %u", rows[i].name, n,
					 (unsigned long long)d->cpu.xfeatures,
					 origin_names[d->origin
						[DESCRIBED_XFEATURES]],
					 d->cpu.xsave,
					 xstate_family_name(d->cpu.family),
					 origin_names[d->origin
						[DESCRIBED_LAYOUT]],
					 cpu_user_size(&d->cpu,
						       d->cpu.xfeatures));
			for (unsigned f = 0; f < DESCRIBED_FIELDS; f++)
				if (d->origin[f] != ORIGIN_ASSUMED &&
				    d->assumed[f])
					fail_msg("%s: %s", rows[i].name,
						 d->assumed[f]);
		}
		description_destroy(d);
	}
}

static void contradictions(void **state)
{
	static const struct {
		struct said said;
		const char *says;
	} rows[] = {
		{ { .xfeatures = 0xe3, .vendor = INTEL },
		  "AVX-512 without AVX" },
		{ { .known = AVX512_SET, .has = B(XSAVE) | B(AVX512F) },
		  "AVX-512 without AVX" },
		{ { .xfeatures = 0x27, .vendor = INTEL },
		  "a part of the AVX-512" },
		{ { .xfeatures = 0xf, .vendor = INTEL },
		  "a part of the MPX" },
		{ { .xfeatures = 0x202e7, .vendor = INTEL },
		  "a part of the AMX" },
		{ { .xfeatures = 0x8001f, .vendor = INTEL },
		  "MPX together with APX" },
		{ { .known = ALL, .has = AVX2_SET | B(MPX) | B(APX_F),
		    .vendor = INTEL, .kernel = "6.18" },
		  "MPX together with APX" },
		{ { .xfeatures = 0x1f, .vendor = AMD },
		  "no place is known for bndregs, bndcsr, layout amd" },
		{ { .xfeatures = 0x602e7, .vendor = AMD },
		  "xtilecfg, xtiledata, layout amd" },
		{ { .xfeatures = 0x80007, .vendor = AMD }, "apx" },
		{ { .xfeatures = 0x100007, .vendor = INTEL }, "20" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct description *d = make(&rows[i].said);
		struct error *err =
			description_complete(d, rows[i].said.vendor);

		if (!err)
			fail_msg("row %zu: no error", i);
		assert_int_equal(error_code(err), ERROR_BAD_INPUT);
		if (!strstr(error_message(err), rows[i].says))
			fail_msg("row %zu: %s", i, error_message(err));
		error_free(err);
		description_destroy(d);
	}
}

static void places(void **state)
{
	static const struct place {
		unsigned bit;
		uint32_t offset, size;
	} zen[] = { { 2, 576, 256 }, { 5, 832, 64 }, { 6, 896, 512 },
		    { 7, 1408, 1024 }, { 9, 2432, 8 } },
	  apart[] = { { 2, 576, 256 }, { 5, 832, 64 }, { 6, 1088, 512 },
		      { 7, 4096, 1024 }, { 9, 8192, 8 } },
	  overlap[] = { { 2, 576, 256 }, { 5, 832, 64 }, { 6, 895, 512 },
			{ 7, 1408, 1024 }, { 9, 2432, 8 } },
	  same[] = { { 2, 576, 256 }, { 9, 576, 8 } },
	  long_pkru[] = { { 2, 576, 256 }, { 9, 832, 64 } },
	  low[] = { { 2, 512, 256 } },
	  far[] = { { 2, 0xffffff80, 256 } },
	  empty[] = { { 2, 576, 0 } },
	  avx_only[] = { { 2, 576, 256 } },
	  odd_avx[] = { { 2, 640, 256 } };
	static const struct {
		const char *name;
		const struct place *places;
		size_t count;
		uint64_t xfeatures;
		uint64_t known, has;
		unsigned vendor;
		uint32_t size;
		unsigned family;
		unsigned origin;	/* of the layout */
		const char *error;	/* NULL: none */
	} rows[] = {
		{ "all given", zen, 5, 0x2e7, 0, 0, AMD, 2440, AMD, GIVEN,
		  NULL },
		{ "another than the vendor's", zen, 5, 0x2e7, 0, 0, INTEL,
		  2440, AMD, GIVEN, NULL },
		{ "nobody's", apart, 5, 0x2e7, 0, 0, INTEL, 8200, UNKNOWN,
		  GIVEN, NULL },
		{ "overlapping", overlap, 5, 0x2e7, 0, 0, AMD, 0, 0, 0,
		  "5 and 6 overlap" },
		{ "on top of each other", same, 2, 0x207, 0, 0, AMD, 0, 0, 0,
		  "2 and 9 overlap" },
		{ "too long", long_pkru, 2, 0x207, 0, 0, AMD, 0, 0, 0,
		  "component 9 of 64 bytes" },
		{ "too long, but not there", long_pkru, 2, 0x207, ALL,
		  AVX2_SET, AMD, 832, COMMON, GIVEN, NULL },
		{ "in the header", low, 1, 0x7, 0, 0, INTEL, 0, 0, 0,
		  "no place" },
		{ "far away", far, 1, 0x7, 0, 0, INTEL, 0, 0, 0, "no place" },
		{ "empty", empty, 1, 0x7, 0, 0, INTEL, 0, 0, 0, "0 bytes" },
		{ "a part, the rest by the vendor", avx_only, 1, 0x207, 0, 0,
		  AMD, 2440, AMD, ASSUMED, NULL },
		{ "a part, the rest by the others", zen, 4, 0x2e7, 0, 0,
		  UNKNOWN, 2440, AMD, ASSUMED, NULL },
		{ "a part, and no vendor", avx_only, 1, 0x207, 0, 0, UNKNOWN,
		  0, 0, 0, "no place is known for pkru" },
		{ "a part of nobody's", odd_avx, 1, 0x207, 0, 0, INTEL, 0, 0,
		  0, "no place is known for pkru" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct said said = {
			.known = rows[i].known, .has = rows[i].has,
			.xfeatures = rows[i].xfeatures,
		};
		struct description *d = make(&said);

		for (size_t n = 0; n < rows[i].count; n++) {
			const struct place *p = &rows[i].places[n];

			d->cpu.layout.features |= XSTATE_BIT(p->bit);
			d->cpu.layout.offset[p->bit] = p->offset;
			d->cpu.layout.size[p->bit] = p->size;
		}
		d->origin[DESCRIBED_LAYOUT] = ORIGIN_GIVEN;

		struct error *err = description_complete(d, rows[i].vendor);

		if (!err != !rows[i].error)
			fail_msg("%s: %s", rows[i].name,
				 err ? error_message(err) : "no error");
		if (err && !strstr(error_message(err), rows[i].error))
			fail_msg("%s: %s", rows[i].name, error_message(err));
		if (!err &&
		    (cpu_user_size(&d->cpu, d->cpu.xfeatures) !=
			     rows[i].size ||
		     d->cpu.family != rows[i].family ||
		     d->origin[DESCRIBED_LAYOUT] != rows[i].origin))
			fail_msg("%s: %u, %s, %s", rows[i].name,
				 cpu_user_size(&d->cpu, d->cpu.xfeatures),
				 xstate_family_name(d->cpu.family),
				 origin_names[d->origin[DESCRIBED_LAYOUT]]);
		error_free(err);
		description_destroy(d);
	}
}

/* What is said of some extensions says something of others. */
static void extensions(void **state)
{
	static const struct {
		uint64_t known, has;
		uint64_t xfeatures;
		uint64_t then_has, then_not;
	} rows[] = {
		{ B(AVX512VL), B(AVX512VL), 0, AVX512_SET, 0 },
		{ B(AVX), 0, 0, 0, B(AVX2) | B(FMA) | B(AVX512BW) },
		{ B(XSAVE), 0, 0, 0, B(AVX) | B(PKU) | B(AMX_INT8) },
		{ B(FMA) | B(AVX), B(FMA), 0, 0, B(FMA) | B(AVX) },
		{ 0, 0, 0xe7, AVX512_SET, B(PKU) | B(MPX) | B(AMX_TILE) },
		{ 0, 0, 0x3, B(XSAVE), B(AVX) | B(AVX2) | B(FMA) },
		{ 0, 0, 0x207, B(XSAVE) | B(AVX) | B(PKU), B(AVX512F) },
		/* XCR0 without AVX makes it unusable, whatever CPUID says */
		{ ALL, AVX512_SET | B(PKU), 0x203, B(XSAVE) | B(PKU),
		  B(AVX) | B(AVX512F) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct said said = { .known = rows[i].known,
				     .has = rows[i].has,
				     .xfeatures = rows[i].xfeatures };
		struct description *d = make(&said);

		assert_null(description_complete(d, XSTATE_FAMILY_INTEL));
		assert_int_equal(d->isa.has & rows[i].then_has,
				 rows[i].then_has);
		assert_int_equal(d->isa.known & rows[i].then_not,
				 rows[i].then_not);
		assert_int_equal(d->isa.has & rows[i].then_not, 0);
		assert_int_equal(d->isa.has & ~d->isa.known, 0);
		assert_int_not_equal(d->origin[DESCRIBED_ISA], ORIGIN_NONE);
		description_destroy(d);
	}
}

static void the_rest(void **state)
{
	static const struct {
		struct said said;
		uint32_t mxcsr_mask;
		uint64_t user_limit;
		unsigned limit_origin;
		enum tri xsavec;
		rules_mask rules;
		unsigned rules_origin;
	} rows[] = {
		{ { 0 }, 0, CPU_USER_LIMIT_48, ASSUMED, TRI_UNKNOWN, 0, NONE },
		{ { .known = ALL, .has = AVX2_SET },
		  0xffff, CPU_USER_LIMIT_48, DERIVED, TRI_NO, 0, NONE },
		{ { .known = ALL,
		    .has = AVX2_SET | B(LA57) | B(XSAVEC) | B(MISALIGNSSE) },
		  0x2ffff, CPU_USER_LIMIT_57, DERIVED, TRI_YES, 0, NONE },
		{ { .kernel = "6.12.48" }, 0, CPU_USER_LIMIT_48, ASSUMED,
		  TRI_UNKNOWN, RULES_BIT(RULES_R3), DERIVED },
		{ { .kernel = "6.1.0-18-amd64" }, 0, CPU_USER_LIMIT_48,
		  ASSUMED, TRI_UNKNOWN,
		  RULES_BIT(RULES_R2) | RULES_BIT(RULES_R3), ASSUMED },
		{ { .kernel = "own" }, 0, CPU_USER_LIMIT_48, ASSUMED,
		  TRI_UNKNOWN, 0, NONE },
		{ { .kernel = "6.12.48", .rules = RULES_BIT(RULES_R6) },
		  0, CPU_USER_LIMIT_48, ASSUMED, TRI_UNKNOWN,
		  RULES_BIT(RULES_R6), NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct description *d = make(&rows[i].said);

		assert_null(description_complete(d, XSTATE_FAMILY_UNKNOWN));
		assert_int_equal(d->cpu.mxcsr_mask, rows[i].mxcsr_mask);
		assert_int_equal(d->cpu.user_limit, rows[i].user_limit);
		assert_int_equal(d->origin[DESCRIBED_USER_LIMIT],
				 rows[i].limit_origin);
		assert_int_equal(d->cpu.xsavec, rows[i].xsavec);
		assert_int_equal(d->rules, rows[i].rules);
		assert_int_equal(d->origin[DESCRIBED_RULES],
				 rows[i].rules_origin);
		description_destroy(d);
	}
}

/* As read from AT_MINSIGSTKSZ on such machines. */
static void minsigstksz(void **state)
{
	static const struct {
		uint64_t xfeatures;
		unsigned vendor;
		enum tri ia32;
		uint64_t size;
		unsigned origin;
	} rows[] = {
		{ 0x3, INTEL, TRI_YES, 1520, DERIVED },
		{ 0x7, INTEL, TRI_YES, 1776, DERIVED },
		{ 0x7, INTEL, TRI_UNKNOWN, 1776, ASSUMED },
		{ 0x1f, INTEL, TRI_YES, 2032, DERIVED },
		{ 0x2e7, INTEL, TRI_YES, 3632, DERIVED },
		{ 0x207, AMD, TRI_YES, 3376, DERIVED },
		{ 0xe7, AMD, TRI_YES, 3376, DERIVED },
		{ 0x602e7, INTEL, TRI_YES, 11952, DERIVED },
		{ 0x7, INTEL, TRI_NO, 1360, DERIVED },
		{ 0x2e7, UNKNOWN, TRI_YES, 0, NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct said said = { .xfeatures = rows[i].xfeatures };
		struct description *d = make(&said);

		d->ia32 = rows[i].ia32;
		assert_null(description_complete(d, rows[i].vendor));
		assert_int_equal(d->minsigstksz, rows[i].size);
		assert_int_equal(d->origin[DESCRIBED_MINSIGSTKSZ],
				 rows[i].origin);

		/* what was read counts more */
		d->minsigstksz = 4711;
		d->origin[DESCRIBED_MINSIGSTKSZ] = ORIGIN_GIVEN;
		assert_null(description_complete(d, rows[i].vendor));
		assert_int_equal(d->minsigstksz, 4711);
		description_destroy(d);
	}
}

static void sentences(void **state)
{
	struct description *d = description_create("a");

	(void)state;
	assert_non_null(d);
	assert_string_equal(d->name, "a");
	assert_ptr_equal(d->cpu.name, d->name);
	assert_true(description_rename(d, "b, c"));
	assert_string_equal(d->cpu.name, "b, c");

	description_assume(d, DESCRIBED_ABIS, "one %d", 1);
	description_assume(d, DESCRIBED_ABIS, "two %d", 2);
	assert_string_equal(d->assumed[DESCRIBED_ABIS], "two 2");
	assert_int_equal(d->origin[DESCRIBED_ABIS], ORIGIN_ASSUMED);

	/* somebody else's assumption stays */
	assert_null(description_complete(d, XSTATE_FAMILY_UNKNOWN));
	assert_string_equal(d->assumed[DESCRIBED_ABIS], "two 2");
	for (unsigned i = 0; i < DESCRIBED_FIELDS; i++)
		assert_non_null(description_field_names[i]);
	description_destroy(d);
	description_destroy(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(conclusions),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(places),
		cmocka_unit_test(extensions),
		cmocka_unit_test(the_rest),
		cmocka_unit_test(minsigstksz),
		cmocka_unit_test(sentences),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("description", tests, NULL, NULL);
}
