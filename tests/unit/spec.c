/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spec.c - targets as written on the command line */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "describe/spec.h"

#define B(x) ISA_BIT(ISA_##x)
#define R(n) RULES_BIT(RULES_R##n)
#define AVX512_SET                                                             \
	(B(XSAVE) | B(XSAVEC) | B(AVX) | B(AVX2) | B(AVX512F) | B(AVX512VL))

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

/* A guest on an AMD CPU that is shown the layout of an Intel one. */
static struct host odd_host = {
	.cpu = {
		.name = "Odd CPU", .xsave = TRI_YES, .xsavec = TRI_YES,
		.xfeatures = 0xe7, .family = XSTATE_FAMILY_INTEL,
		.mxcsr_mask = 0x2ffff, .user_limit = CPU_USER_LIMIT_57,
	},
	.isa = { .known = B(COUNT) - 1,
		 .has = AVX512_SET | B(LA57) | B(MISALIGNSSE) },
	.vendor = XSTATE_FAMILY_AMD,
	.release = "6.1.0-18-amd64",
	.rules = R(2) | R(3),
	.minsigstksz = 3632,
};

/* An old one. */
static struct host old_host = {
	.cpu = {
		.name = "Old CPU", .xsave = TRI_YES, .xsavec = TRI_NO,
		.xfeatures = 0x7, .family = XSTATE_FAMILY_COMMON,
		.mxcsr_mask = 0xffff, .user_limit = CPU_USER_LIMIT_48,
	},
	.isa = { .known = B(COUNT) - 1, .has = B(XSAVE) | B(AVX) | B(F16C) },
	.vendor = XSTATE_FAMILY_INTEL,
	.release = "6.12.48",
	.rules = R(3),
	.minsigstksz = 1776,
};

static int set_up(void **state)
{
	(void)state;
	odd_host.cpu.layout = *xstate_family_layout(XSTATE_FAMILY_INTEL);
	odd_host.cpu.layout.features = 0xe7;
	old_host.cpu.layout = *xstate_family_layout(XSTATE_FAMILY_COMMON);
	return 0;
}

static struct description *parse(const char *text, const struct host *host)
{
	struct description *d = NULL;
	struct error *err = spec_parse(text, host, &d);

	if (err)
		fail_msg("%s", error_message(err));
	assert_string_equal(d->name, text);
	assert_ptr_equal(d->cpu.name, d->name);
	return d;
}

static void cpus(void **state)
{
	static const struct {
		const char *text;
		const struct host *host;
		uint64_t xfeatures;
		unsigned family;
		unsigned layout;	/* its origin */
		uint32_t size;		/* with all components */
		uint32_t mxcsr_mask;
		enum tri xsavec;
		uint64_t minsigstksz;
		bool uses_amx;
	} rows[] = {
		/* models */
		{ "Haswell", &odd_host, 0x7, COMMON, DERIVED, 832, 0xffff,
		  TRI_NO, 1776, false },
		{ "haswell,-avx", &odd_host, 0x3, COMMON, DERIVED, 576,
		  0xffff, TRI_NO, 1520, false },
		{ "Haswell,-xsave", &odd_host, 0x3, COMMON, DERIVED, 512,
		  0xffff, TRI_NO, 1440, false },
		{ "Haswell,+pku", &odd_host, 0x207, INTEL, ASSUMED, 2696,
		  0xffff, TRI_NO, 3632, false },
		{ "Haswell,+pku,layout=amd", &odd_host, 0x207, AMD, GIVEN,
		  2440, 0xffff, TRI_NO, 3376, false },
		{ "Haswell,layout=AMD,+avx512vl,+PKU", &odd_host, 0x2e7, AMD,
		  GIVEN, 2440, 0xffff, TRI_NO, 3376, false },
		{ "Haswell,+misalignsse,+xsavec", &odd_host, 0x7, COMMON,
		  DERIVED, 832, 0x2ffff, TRI_YES, 1776, false },
		{ "Skylake-Server,-mpx,-avx512f,-pku", &odd_host, 0x7, COMMON,
		  DERIVED, 832, 0xffff, TRI_YES, 1776, false },
		{ "Skylake-Server,-mpx,+apx@6.18", &odd_host, 0x802e7,
		  INTEL, ASSUMED, 2696, 0xffff, TRI_YES, 3632, false },
		{ "Icelake-Server,-avx", &odd_host, 0x203, INTEL, ASSUMED,
		  2696, 0xffff, TRI_YES, 3632, false },
		{ "Icelake-Server,-avx512", &odd_host, 0x207, INTEL, ASSUMED,
		  2696, 0xffff, TRI_YES, 3632, false },
		{ "Icelake-Server,+avx512vl,+AVX512-VNNI", &odd_host, 0x2e7,
		  INTEL, ASSUMED, 2696, 0xffff, TRI_YES, 3632, false },
		{ "Icelake-Server,layout=amd", &odd_host, 0x2e7, AMD, GIVEN,
		  2440, 0xffff, TRI_YES, 3376, false },
		{ "SapphireRapids", &odd_host, 0x602e7, INTEL, ASSUMED, 11008,
		  0xffff, TRI_YES, 11952, false },
		{ "SapphireRapids,+amx", &odd_host, 0x602e7, INTEL, ASSUMED,
		  11008, 0xffff, TRI_YES, 11952, true },
		{ "SapphireRapids,+amx-tile", &odd_host, 0x602e7, INTEL,
		  ASSUMED, 11008, 0xffff, TRI_YES, 11952, false },
		{ "SapphireRapids,-amx", &odd_host, 0x2e7, INTEL, ASSUMED,
		  2696, 0xffff, TRI_YES, 3632, false },
		{ "Icelake-Server,+amx", &odd_host, 0x602e7, INTEL, ASSUMED,
		  11008, 0xffff, TRI_YES, 11952, true },
		{ "SapphireRapids@5.10.200", &odd_host, 0x2e7, INTEL, ASSUMED,
		  2696, 0xffff, TRI_YES, 3632, false },
		{ "YongFeng", &odd_host, 0x207, INTEL, ASSUMED, 2696, 0,
		  TRI_NO, 3632, false },
		{ "YongFeng,-pku", &odd_host, 0x7, COMMON, DERIVED, 832, 0,
		  TRI_NO, 1776, false },
		{ "EPYC-Genoa,-pku", &odd_host, 0xe7, AMD, ASSUMED, 2432,
		  0x2ffff, TRI_YES, 3376, false },
		{ "EPYC-Genoa,layout=intel", &odd_host, 0x2e7, INTEL, GIVEN,
		  2696, 0x2ffff, TRI_YES, 3632, false },
		/* this machine, as it is */
		{ "host", &odd_host, 0xe7, INTEL, GIVEN, 2688, 0x2ffff,
		  TRI_YES, 3632, false },
		{ "HOST@host", &odd_host, 0xe7, INTEL, GIVEN, 2688, 0x2ffff,
		  TRI_YES, 3632, false },
		{ "host", &old_host, 0x7, COMMON, GIVEN, 832, 0xffff, TRI_NO,
		  1776, false },
		/* with what it says of others in mind */
		{ "host,-avx512f", &odd_host, 0x7, COMMON, GIVEN, 832,
		  0x2ffff, TRI_YES, 1776, false },
		{ "host,-avx", &odd_host, 0x3, COMMON, GIVEN, 576, 0x2ffff,
		  TRI_YES, 1520, false },
		{ "host,+pku", &odd_host, 0x2e7, INTEL, ASSUMED, 2696,
		  0x2ffff, TRI_YES, 3632, false },
		{ "host,layout=amd", &odd_host, 0xe7, AMD, GIVEN, 2432,
		  0x2ffff, TRI_YES, 3376, false },
		{ "host,+avx512f", &old_host, 0xe7, INTEL, ASSUMED, 2688,
		  0xffff, TRI_NO, 3632, false },
		{ "host,-xsave", &old_host, 0x3, COMMON, GIVEN, 512, 0xffff,
		  TRI_NO, 1440, false },
		{ "host,+fma", &old_host, 0x7, COMMON, GIVEN, 832, 0xffff,
		  TRI_NO, 1776, false },
		{ "host,-misalignsse,-xsavec", &odd_host, 0xe7, INTEL, GIVEN,
		  2688, 0xffff, TRI_NO, 3632, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct description *d = parse(rows[i].text, rows[i].host);
		const struct cpu_model *c = &d->cpu;

		if (c->xfeatures != rows[i].xfeatures ||
		    c->family != rows[i].family ||
		    d->origin[DESCRIBED_LAYOUT] != rows[i].layout ||
		    cpu_user_size(c, c->xfeatures) != rows[i].size ||
		    c->mxcsr_mask != rows[i].mxcsr_mask ||
		    c->xsavec != rows[i].xsavec ||
		    d->minsigstksz != rows[i].minsigstksz ||
		    d->uses_amx != rows[i].uses_amx)
			fail_msg("%s: %#llx, %s (%s), %u, %#x, %d, %llu, %d",
				 rows[i].text,
				 (unsigned long long)c->xfeatures,
				 xstate_family_name(c->family),
				 origin_names[d->origin[DESCRIBED_LAYOUT]],
				 cpu_user_size(c, c->xfeatures),
				 c->mxcsr_mask, c->xsavec,
				 (unsigned long long)d->minsigstksz,
				 d->uses_amx);
		description_destroy(d);
	}
}

static void extensions(void **state)
{
	static const struct {
		const char *text;
		uint64_t has, has_not;
	} rows[] = {
		{ "Haswell", B(AVX2) | B(BMI2), B(AVX512F) | B(PKU) },
		{ "Haswell,-avx", B(BMI2) | B(XSAVE),
		  B(AVX) | B(AVX2) | B(FMA) | B(F16C) },
		{ "Haswell,-xsave", B(SSE4_2), B(XSAVE) | B(AVX2) },
		{ "Haswell,+avx512bw", B(AVX512F) | B(AVX512BW), B(AVX512VL) },
		{ "Nehalem,+avx2", B(AVX2) | B(AVX) | B(XSAVE), B(FMA) },
		{ "SapphireRapids,-amx", B(AVX512F),
		  B(AMX_TILE) | B(AMX_INT8) | B(AMX_BF16) },
		{ "Icelake-Server,-avx512vl", B(AVX512F) | B(AVX512BW),
		  B(AVX512VL) | B(AVX512_VNNI) | B(AVX512_BITALG) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct description *d = parse(rows[i].text, &odd_host);

		if ((rows[i].has & ~d->isa.has) ||
		    (rows[i].has_not & d->isa.has) ||
		    (rows[i].has_not & ~d->isa.known))
			fail_msg("%s: %#llx", rows[i].text,
				 (unsigned long long)d->isa.has);
		description_destroy(d);
	}
}

static void kernels(void **state)
{
	static const struct {
		const char *text;
		const struct host *host;
		const char *kernel;
		rules_mask rules;
		unsigned origin;
		const char *assumed;	/* a part of the sentence */
	} rows[] = {
		{ "Haswell@6.12.48", &odd_host, "6.12.48", R(3), DERIVED,
		  NULL },
		{ "Haswell@6.12.48+deb13-amd64", &odd_host,
		  "6.12.48+deb13-amd64", R(3), DERIVED, NULL },
		{ "Haswell,+pku@6.18.34", &odd_host, "6.18.34", R(4), DERIVED,
		  NULL },
		{ "Haswell@6.6.0-14-generic", &odd_host, "6.6.0-14-generic",
		  R(2) | R(3), ASSUMED, "rules R2 or R3" },
		{ "Haswell@R5", &odd_host, NULL, R(5), GIVEN, NULL },
		{ "Haswell@strict-magic2", &odd_host, NULL, R(4), GIVEN,
		  NULL },
		{ "Haswell@unknown", &odd_host, NULL, 0, NONE, NULL },
		{ "Haswell@host", &old_host, "6.12.48", R(3), DERIVED, NULL },
		{ "Haswell@host", &odd_host, "6.1.0-18-amd64", R(2) | R(3),
		  ASSUMED, "rules R2 or R3" },
		{ "Haswell", &old_host, "6.12.48", R(3), ASSUMED,
		  "kernel: the host's" },
		{ "Haswell", &odd_host, "6.1.0-18-amd64", R(2) | R(3),
		  ASSUMED, "kernel: the host's; rules R2 or R3" },
		/* that this machine runs its own kernel is no assumption */
		{ "host", &old_host, "6.12.48", R(3), DERIVED, NULL },
		{ "host@R1", &old_host, NULL, R(1), GIVEN, NULL },
		{ "host@5.15.1", &old_host, "5.15.1", R(2), DERIVED, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct description *d = parse(rows[i].text, rows[i].host);
		const char *assumed = d->assumed[DESCRIBED_RULES];

		if (!d->kernel != !rows[i].kernel ||
		    (d->kernel && strcmp(d->kernel, rows[i].kernel)) ||
		    d->rules != rows[i].rules ||
		    d->origin[DESCRIBED_RULES] != rows[i].origin ||
		    !assumed != !rows[i].assumed ||
		    (assumed && !strstr(assumed, rows[i].assumed)))
			fail_msg("%s: %s, %#x (%s), %s", rows[i].text,
				 d->kernel, d->rules,
				 origin_names[d->origin[DESCRIBED_RULES]],
				 assumed);
		description_destroy(d);
	}
}

/* Assumptions about components do not hide each other. */
static void assumptions(void **state)
{
	static const struct {
		const char *text;
		const char *assumed;	/* about xfeatures; NULL: nothing */
	} rows[] = {
		{ "Haswell", NULL },
		{ "SapphireRapids@6.1.100", NULL },
		{ "SapphireRapids@R5", NULL },
		{ "SapphireRapids@unknown",
		  "with AMX, which Linux has since 5.16, and some vendors "
		  "before" },
		{ "DiamondRapids@R2",
		  "with AMX, which Linux has since 5.16, and some vendors "
		  "before" },
		{ "DiamondRapids@R4",
		  "with APX, which Linux has since 6.16, and some vendors "
		  "before" },
		{ "DiamondRapids@unknown",
		  "with AMX, which Linux has since 5.16, and some vendors "
		  "before; with APX, which Linux has since 6.16, and some "
		  "vendors before" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct description *d = parse(rows[i].text, &odd_host);
		const char *assumed;

		/* finding it again must not say it again */
		assert_null(description_complete(d, d->vendor));
		assumed = d->assumed[DESCRIBED_XFEATURES];
		if (!assumed != !rows[i].assumed ||
		    (assumed && strcmp(assumed, rows[i].assumed)))
			fail_msg("%s: %s", rows[i].text, assumed);
		description_destroy(d);
	}
}

static void errors(void **state)
{
	static const struct {
		const char *text;
		enum error_code code;
		const char *says;
	} rows[] = {
		{ "", ERROR_USAGE, "no CPU is named" },
		{ "@6.1", ERROR_USAGE, "no CPU is named" },
		{ ",+avx", ERROR_USAGE, "no CPU is named" },
		{ "+avx", ERROR_USAGE, "neither a CPU model nor a file" },
		{ "Haswel", ERROR_USAGE, "perhaps Haswell" },
		{ "skylake-sever,-mpx@6.1", ERROR_USAGE,
		  "perhaps Skylake-Server" },
		{ "no-such-cpu", ERROR_USAGE, "--list-cpus" },
		{ "Haswell,", ERROR_USAGE, "'' is no flag" },
		{ "Haswell,,+avx", ERROR_USAGE, "'' is no flag" },
		{ "Haswell,avx", ERROR_USAGE, "'avx' is no flag" },
		{ "Haswell,avx,+pku", ERROR_USAGE, "'avx' is no flag" },
		{ "Haswell,+", ERROR_USAGE, "'+' names no extension" },
		{ "Haswell,+avx512g", ERROR_USAGE, "perhaps avx512f" },
		{ "Haswell,-pkey", ERROR_USAGE, "avx, mpx, avx512f, pku" },
		{ "Haswell,layout=arm", ERROR_USAGE, "only intel and amd" },
		{ "Haswell,layout=", ERROR_USAGE, "only intel and amd" },
		{ "Haswell,layout=common", ERROR_USAGE, "only intel and amd" },
		{ "Haswell,layout=amd,layout=intel", ERROR_USAGE,
		  "exclude each other" },
		{ "Haswell,+pku,-pku", ERROR_USAGE,
		  "+pku and -pku exclude each other" },
		{ "Haswell,-xsave,+avx", ERROR_USAGE,
		  "-xsave and +avx exclude each other" },
		{ "Haswell,+avx512vl,-bmi1,-avx2", ERROR_USAGE,
		  "+avx512vl and -avx2 exclude each other" },
		{ "SapphireRapids,-amx,+amx", ERROR_USAGE,
		  "-amx and +amx exclude each other" },
		{ "Haswell,+mpx,+apx@6.18", ERROR_BAD_INPUT,
		  "MPX together with APX" },
		{ "Skylake-Client,layout=amd", ERROR_BAD_INPUT,
		  "no place is known for bndregs, bndcsr, layout amd" },
		{ "EPYC-Genoa,+amx", ERROR_BAD_INPUT, "layout amd" },
		{ "Haswell@", ERROR_USAGE, "--list-kernels" },
		{ "Haswell@R9", ERROR_USAGE, "--list-kernels" },
		{ "Haswell@4.18.0-553.el8_10.x86_64", ERROR_USAGE,
		  "neither a release since 5.2 nor a set of rules" },
		{ "Haswell@6.1.0-18 amd64", ERROR_USAGE,
		  "neither a release since 5.2 nor a set of rules" },
		{ "Haswell@6.1,+pku", ERROR_USAGE,
		  "flags come before the kernel" },
		{ "Haswell@6.1@6.2", ERROR_USAGE,
		  "flags come before the kernel" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct description *d = NULL;
		struct error *err = spec_parse(rows[i].text, &odd_host, &d);

		if (!err)
			fail_msg("%s: no error", rows[i].text);
		if (error_code(err) != rows[i].code ||
		    !strstr(error_message(err), rows[i].says) ||
		    !strstr(error_message(err), rows[i].text))
			fail_msg("%s: %s", rows[i].text, error_message(err));
		assert_null(d);
		error_free(err);
	}
}

/* So many flags that they cannot be kept. */
static void many_flags(void **state)
{
	struct error *err;
	struct description *d = NULL;
	char text[2048] = "Haswell";

	(void)state;
	for (int i = 0; i < 64; i++)
		strcat(text, ",+bmi1");
	description_destroy(parse(text, &old_host));
	strcat(text, ",+bmi1");
	err = spec_parse(text, &old_host, &d);
	assert_non_null(err);
	assert_non_null(strstr(error_message(err), "more than 64 flags"));
	error_free(err);
}

/* Any text gives a target or an error, never anything else. */
static void any_text(void **state)
{
	static const char *const pieces[] = {
		"Haswell", "host", ",", "+", "-", "@", "avx", "pku", "mpx",
		"amx", "apx", "layout=", "amd", "intel", "6.1", "R5", "/",
		"xsave", "avx512f", "unknown", ",-", ",+", " ",
	};
	uint64_t seed = 1;
	unsigned targets = 0;

	(void)state;
	for (int n = 0; n < 20000; n++) {
		struct description *d = NULL;
		char text[256] = "";

		for (int i = 0; i < 8; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			if (i && (seed >> 60) < 3)
				break;
			strcat(text, pieces[(seed >> 40) %
					    ARRAY_SIZE(pieces)]);
		}

		struct error *err = spec_parse(text, &odd_host, &d);

		assert_true(!err == !!d);
		targets += !err;
		error_free(err);
		description_destroy(d);
	}
	assert_int_not_equal(targets, 0);
}

/* The real machine is one, too. */
static void this_machine(void **state)
{
	struct host host;

	(void)state;
	host_describe(&host);

	struct description *d = parse("host", &host);

	assert_int_equal(d->cpu.xfeatures, host.cpu.xfeatures);
	assert_int_equal(d->cpu.family, host.cpu.family);
	assert_int_equal(cpu_user_size(&d->cpu, d->cpu.xfeatures),
			 cpu_user_size(&host.cpu, host.cpu.xfeatures));
	assert_int_equal(d->rules, host.rules);
	for (unsigned i = 0; i < DESCRIBED_FIELDS; i++)
		if (i != DESCRIBED_RULES && d->assumed[i])
			fail_msg("assumed: %s", d->assumed[i]);

	/* the kernel's own number is the formula's, except where it has none */
	if (host.minsigstksz) {
		d->origin[DESCRIBED_MINSIGSTKSZ] = ORIGIN_NONE;
		d->ia32 = TRI_YES;
		assert_null(description_complete(d, d->vendor));
		uint64_t with = d->minsigstksz;

		d->origin[DESCRIBED_MINSIGSTKSZ] = ORIGIN_NONE;
		d->ia32 = TRI_NO;
		assert_null(description_complete(d, d->vendor));
		assert_true(host.minsigstksz == with ||
			    host.minsigstksz == d->minsigstksz);
	}
	description_destroy(d);
}

/* uname -v of Debian's kernels says more than the release. */
static void untried_host(void **state)
{
	struct host host = odd_host;
	struct description *d = parse("host", &host);

	(void)state;
	assert_int_equal(d->rules, R(2) | R(3));
	description_destroy(d);
	host.rules = R(3);
	d = parse("host", &host);
	assert_int_equal(d->rules, R(3));
	assert_int_equal(d->origin[DESCRIBED_RULES], ORIGIN_DERIVED);
	assert_null(d->assumed[DESCRIBED_RULES]);
	description_destroy(d);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpus),
		cmocka_unit_test(extensions),
		cmocka_unit_test(kernels),
		cmocka_unit_test(assumptions),
		cmocka_unit_test(errors),
		cmocka_unit_test(many_flags),
		cmocka_unit_test(any_text),
		cmocka_unit_test(this_machine),
		cmocka_unit_test(untried_host),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("spec", tests, set_up, NULL);
}
