/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe.c - what descriptions of real machines say */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "core_image.h"
#include "cpuid_convert.h"
#include "criu_image.h"
#include "describe/describe_host.h"
#include "describe/file.h"
#include "describe/format_own.h"
#include "described.h"
#include "scratch.h"

#define DUMPS 38

/* The columns of expected.tsv, and of samples.tsv up to MXCSR. */
enum column {
	COLUMN_FILE, COLUMN_FEATURES, COLUMN_VENDOR, COLUMN_FRAME, COLUMN_MAX,
	COLUMN_MXCSR, COLUMN_RULE,
	COLUMN_KERNEL = COLUMN_RULE, COLUMN_MINSIGSTKSZ, COLUMN_IA32,
	COLUMN_SAMPLE_RULE,
};

/* Where both families put everything in the same places there is no telling. */
static void check_family(const struct description *d, const char *vendor)
{
	const char *family = xstate_family_name(d->cpu.family);
	bool common = !(d->cpu.xfeatures & ~UINT64_C(7));

	if (!strcmp(vendor, "-")) {
		assert_true(common);
		assert_string_equal(xstate_family_name(d->vendor), "unknown");
	} else {
		assert_string_equal(xstate_family_name(d->vendor), vendor);
	}
	assert_string_equal(family, common ? "common" : vendor);
}

static void check_row(const struct description *d, char *const *column)
{
	uint64_t features = described_number(column[COLUMN_FEATURES]);
	uint32_t frame = cpu_user_size(&d->cpu, cpu_default_features(&d->cpu));
	uint32_t most = cpu_user_size(&d->cpu, d->cpu.xfeatures);

	if (d->cpu.xfeatures != features)
		fail_msg("%s: components %#llx, not %s", column[COLUMN_FILE],
			 (unsigned long long)d->cpu.xfeatures,
			 column[COLUMN_FEATURES]);
	if (frame != described_number(column[COLUMN_FRAME]) ||
	    most != described_number(column[COLUMN_MAX]))
		fail_msg("%s: frames of %u and %u bytes, not %s and %s",
			 column[COLUMN_FILE], frame, most,
			 column[COLUMN_FRAME], column[COLUMN_MAX]);
	if (d->cpu.mxcsr_mask != described_number(column[COLUMN_MXCSR]))
		fail_msg("%s: MXCSR mask %#x, not %s", column[COLUMN_FILE],
			 d->cpu.mxcsr_mask, column[COLUMN_MXCSR]);
	check_family(d, column[COLUMN_VENDOR]);
}

static void dumps(void **state)
{
	size_t size;
	CLEANUP_FREE char *table = described_file("expected.tsv", &size);
	struct described_row row;
	unsigned count = 0;

	(void)state;
	for (char *at = table;
	     described_next_row(&at, COLUMN_RULE + 1, &row); count++) {
		CLEANUP_FREE char *text =
			described_file(row.column[COLUMN_FILE], &size);
		struct description *d =
			described(row.column[COLUMN_FILE], text, size);

		check_row(d, row.column);
		description_destroy(d);
	}
	assert_int_equal(count, DUMPS);
}

static bool same_string(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Places count where a component is enabled; what else is there nobody uses. */
static void assert_same(const struct description *a,
			const struct description *b)
{
	const struct xstate_layout *l = &a->cpu.layout, *m = &b->cpu.layout;

	assert_string_equal(a->name, b->name);
	assert_int_equal(a->cpu.xsave, b->cpu.xsave);
	assert_int_equal(a->cpu.xsavec, b->cpu.xsavec);
	assert_int_equal(a->cpu.xfeatures, b->cpu.xfeatures);
	assert_int_equal(a->cpu.family, b->cpu.family);
	assert_int_equal(a->cpu.mxcsr_mask, b->cpu.mxcsr_mask);
	assert_int_equal(a->cpu.user_limit, b->cpu.user_limit);
	assert_int_equal(l->features & a->cpu.xfeatures,
			 m->features & b->cpu.xfeatures);
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		if (!(a->cpu.xfeatures & XSTATE_BIT(i)))
			continue;
		assert_int_equal(l->offset[i], m->offset[i]);
		assert_int_equal(l->size[i], m->size[i]);
	}
	assert_int_equal(a->isa.known, b->isa.known);
	assert_int_equal(a->isa.has, b->isa.has);
	assert_true(same_string(a->kernel, b->kernel));
	assert_int_equal(a->rules, b->rules);
	assert_int_equal(a->minsigstksz, b->minsigstksz);
	assert_int_equal(a->ia32, b->ia32);
	assert_int_equal(a->x32, b->x32);
	assert_int_equal(a->vendor, b->vendor);
	assert_int_equal(a->uses_amx, b->uses_amx);
	for (unsigned i = 0; i < DESCRIBED_FIELDS; i++) {
		if (a->origin[i] != b->origin[i] ||
		    !same_string(a->assumed[i], b->assumed[i]))
			fail_msg("%s: %s is %s (%s) and %s (%s)", a->name,
				 description_field_names[i],
				 origin_names[a->origin[i]], a->assumed[i],
				 origin_names[b->origin[i]], b->assumed[i]);
	}
}

/* Three programs print the same machine; a second CPU changes nothing. */
static void dumps_of_other_programs(void **state)
{
	size_t size;
	CLEANUP_FREE char *table = described_file("expected.tsv", &size);
	struct described_row row;

	(void)state;
	for (char *at = table;
	     described_next_row(&at, COLUMN_RULE + 1, &row);) {
		const char *name = row.column[COLUMN_FILE];
		CLEANUP_FREE char *text = described_file(name, &size);
		struct description *original = described(name, text, size);

		for (int form = 0; form < DUMP_FORMS; form++) {
			struct text t = TEXT_INIT;

			cpuid_convert(text, (enum dump_form)form, &t);
			cpuid_convert_another((enum dump_form)form, &t);

			struct description *d =
				described(name, text_string(&t), t.size);

			assert_same(original, d);
			description_destroy(d);
			text_deinit(&t);
		}
		description_destroy(original);
	}
}

static void check_sample(const struct description *d, char *const *column)
{
	static const char *const tri[] = { "unknown", "no", "yes" };
	const char *kernel = column[COLUMN_KERNEL];

	check_row(d, column);
	if (!strcmp(kernel, "-"))
		kernel = NULL;
	assert_true(same_string(d->kernel, kernel));
	assert_int_equal(d->rules, kernel ? rules_of_release(kernel) : 0);
	assert_int_equal(d->minsigstksz,
			 described_number(column[COLUMN_MINSIGSTKSZ]));
	assert_string_equal(tri[d->ia32], column[COLUMN_IA32]);
}

static void samples(void **state)
{
	size_t size;
	CLEANUP_FREE char *table = described_file("samples.tsv", &size);
	struct described_row row;
	unsigned count = 0;

	(void)state;
	for (char *at = table;
	     described_next_row(&at, COLUMN_SAMPLE_RULE + 1, &row); count++) {
		char name[128];

		snprintf(name, sizeof(name), "samples/%s",
			 row.column[COLUMN_FILE]);

		CLEANUP_FREE char *text = described_file(name, &size);
		struct description *d = described(name, text, size);

		check_sample(d, row.column);
		description_destroy(d);
	}
	assert_true(count >= 13);
}

/* Written and read again it is the same, to the last sentence. */
static void check_round_trip(const struct description *d)
{
	struct text first = TEXT_INIT, second = TEXT_INIT;

	own_write(d, &first);
	assert_false(text_bad(&first));

	struct description *again =
		described(d->name, text_string(&first), first.size);

	assert_same(d, again);
	own_write(again, &second);
	assert_string_equal(text_string(&first), text_string(&second));
	description_destroy(again);
	text_deinit(&first);
	text_deinit(&second);
}

static void round_trips(void **state)
{
	static const char *const tables[][2] = {
		{ "expected.tsv", "" }, { "samples.tsv", "samples/" },
	};
	static const unsigned columns[] = {
		COLUMN_RULE + 1, COLUMN_SAMPLE_RULE + 1,
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
		size_t size;
		CLEANUP_FREE char *table = described_file(tables[i][0], &size);
		struct described_row row;

		for (char *at = table;
		     described_next_row(&at, columns[i], &row);) {
			char name[128];

			snprintf(name, sizeof(name), "%s%s", tables[i][1],
				 row.column[COLUMN_FILE]);

			CLEANUP_FREE char *text = described_file(name, &size);
			struct description *d = described(name, text, size);

			check_round_trip(d);
			description_destroy(d);
		}
	}
}

/* Capabilities by CRIU's order of words, of CPUs of expected.tsv. */
#define SPR_WORDS { 0xbfebfbff, 0x2c100000, 0, 0, 0x7ffefbff, 0, 0x121, 0, 0,  \
		    0xf3bfbffb, 0x1f, 0xbb417ffe, 0, 0, 0, 0, 0, 0, 0xffdd4430 }
#define ROME_WORDS { 0x178bfbff, 0x2fd3fbff, 0, 0, 0x7ef8320b, 0, 0x75c237ff,  \
		     0, 0, 0x219c91a9, 0xf, 0x400004, 0, 0, 0, 0, 0, 0, 0 }
#define MILAN_WORDS { 0x178bfbff, 0x2fd3fbff, 0, 0, 0x7eda320b, 0, 0x75c237ff, \
		      0, 0, 0x219c97a9, 0xf, 0x40069c, 0, 0, 0, 0, 0, 0, 0x10 }
#define OSPKE (1u << 4)

static const struct {
	const char *what;
	struct criu_cpu cpu;
	unsigned quirks;
	uint64_t features;
	const char *vendor;
	uint32_t frame, most, mxcsr;
} criu_cases[] = {
	{ "AMX is cut off the mask, but not off the size",
	  { 1, SPR_WORDS, 19, "Xeon", 0x2e5, 11008, 11008 }, 0,
	  0x602e7, "intel", 2816, 11008, 0xffff },
	{ "a kernel before AMX", { 1, SPR_WORDS, 19, "Xeon", 0x2e5, 2696, 11008 },
	  0, 0x2e7, "intel", 2696, 2696, 0xffff },
	{ "bit 1 of the mask may be set too",
	  { 1, SPR_WORDS, 19, NULL, 0x2e7, 11008, 11008 }, CRIU_PACKED,
	  0x602e7, "intel", 2816, 11008, 0xffff },
	{ "a mask with PKRU, but no PKU",
	  { 2, ROME_WORDS, 19, "EPYC", 0x205, 832, 896 }, 0,
	  0x7, "amd", 832, 832, 0x2ffff },
	{ "the size tells the layout, not the vendor",
	  { 1, MILAN_WORDS, 19, "fake", 0x205, 2440, 2440 },
	  CRIU_OLD_FRAMING, 0x207, "amd", 2440, 2440, 0x2ffff },
	{ "another record, other fields",
	  { 2, MILAN_WORDS, 19, "EPYC", 0x205, 2440, 2440 },
	  CRIU_TWO_RECORDS | CRIU_UNKNOWN_FIELDS, 0x207, "amd", 2440, 2440,
	  0x2ffff },
	{ "the last value of a field counts",
	  { 2, MILAN_WORDS, 19, "EPYC", 0x5, 832, 2440 }, CRIU_REPEATED_FIELD,
	  0x7, "amd", 832, 832, 0x2ffff },
	{ "words of the first version, no size",
	  { 2, MILAN_WORDS, 12, "EPYC", 0x205, 0, 0 }, 0,
	  0x207, "amd", 2440, 2440, 0x2ffff },
	{ "a vendor nobody knows; the size is enough",
	  { 3, MILAN_WORDS, 19, "EPYC", 0x205, 2440, 2440 }, 0,
	  0x207, "amd", 2440, 2440, 0 },
};

static void criu_images(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(criu_cases); i++) {
		struct text t = TEXT_INIT;

		criu_image(&criu_cases[i].cpu, criu_cases[i].quirks, &t);
		if (described_without_criu(text_string(&t), t.size)) {
			text_deinit(&t);
			continue;
		}

		struct description *d = described(criu_cases[i].what,
						  text_string(&t), t.size);
		char line[256], *column[COLUMN_RULE];
		char *at = line;

		snprintf(line, sizeof(line), "%s\t%#llx\t%s\t%u\t%u\t%u",
			 criu_cases[i].what,
			 (unsigned long long)criu_cases[i].features,
			 criu_cases[i].vendor, criu_cases[i].frame,
			 criu_cases[i].most, criu_cases[i].mxcsr);
		for (unsigned c = 0; c < COLUMN_RULE; c++)
			column[c] = strsep(&at, "\t");
		check_row(d, column);
		assert_null(d->kernel);
		assert_string_equal(d->name, criu_cases[i].cpu.brand
						     ? criu_cases[i].cpu.brand
						     : criu_cases[i].what);
		check_round_trip(d);
		description_destroy(d);
		text_deinit(&t);
	}
}

/* Without ospke the kernel does not use protection keys. */
static void criu_without_pkeys(void **state)
{
	struct criu_cpu cpu = { 2, MILAN_WORDS, 19, "EPYC", 0x205, 832, 2440 };
	struct text t = TEXT_INIT;

	(void)state;
	cpu.words[11] &= ~OSPKE;
	criu_image(&cpu, 0, &t);
	if (!described_without_criu(text_string(&t), t.size)) {
		struct description *d =
			described("x", text_string(&t), t.size);

		assert_int_equal(d->cpu.xfeatures, 0x7);
		description_destroy(d);
	}
	text_deinit(&t);
}

static struct description *read_core(const struct core_machine *m)
{
	struct text t = TEXT_INIT;
	struct description *d = NULL;

	core_image(m, &t);

	struct error *err = description_read(
		scratch_write("core", text_string(&t), t.size), &d);

	if (err)
		fail_msg("%s", error_message(err));
	text_deinit(&t);
	return d;
}

static void core_with_layout(void **state)
{
	struct xstate_layout l = *xstate_family_layout(XSTATE_FAMILY_AMD);
	const struct core_machine m = {
		.xfeatures = 0x2e7, .xstate_size = 2440, .mxcsr_mask = 0x2ffff,
		.layout = &l, .minsigstksz = 3376,
	};

	(void)state;

	struct description *d = read_core(&m);

	assert_int_equal(d->cpu.xfeatures, 0x2e7);
	assert_int_equal(d->cpu.family, XSTATE_FAMILY_AMD);
	assert_int_equal(cpu_user_size(&d->cpu, 0x2e7), 2440);
	assert_int_equal(d->cpu.mxcsr_mask, 0x2ffff);
	assert_int_equal(d->minsigstksz, 3376);
	assert_int_equal(d->cpu.xsavec, TRI_UNKNOWN);
	assert_int_equal(d->origin[DESCRIBED_LAYOUT], ORIGIN_GIVEN);
	assert_int_equal(d->isa.known & ISA_BIT(ISA_AES), 0);
	check_round_trip(d);
	description_destroy(d);
}

/* Before 6.12 there is only a mask and a size, which are enough. */
static void core_without_layout(void **state)
{
	const struct core_machine m = {
		.xfeatures = 0x602e7, .xstate_size = 11008,
	};

	(void)state;

	struct description *d = read_core(&m);

	assert_int_equal(d->cpu.xfeatures, 0x602e7);
	assert_int_equal(d->cpu.family, XSTATE_FAMILY_INTEL);
	assert_int_equal(d->cpu.mxcsr_mask, 0);
	assert_int_equal(d->cpu.layout.offset[XSTATE_PKRU], 2688);
	check_round_trip(d);
	description_destroy(d);
}

static void core_without_xstate(void **state)
{
	const struct core_machine m = { .minsigstksz = 1440 };
	struct text t = TEXT_INIT;
	struct description *d = NULL;

	(void)state;
	core_image(&m, &t);

	const char *path = scratch_write("core", text_string(&t), t.size);
	struct error *err = description_read(path, &d);

	assert_non_null(err);
	assert_non_null(strstr(error_message(err), "state components"));
	assert_memory_equal(error_message(err), path, strlen(path));
	error_free(err);
	text_deinit(&t);
}

/* What this machine says of itself is what this machine is. */
static void this_machine(void **state)
{
	struct host host;
	struct text t = TEXT_INIT;

	(void)state;
	host_describe(&host);

	struct error *err = describe_host(&host, &t);

	if (err)
		fail_msg("%s", error_message(err));

	struct description *d = described("host", text_string(&t), t.size);

	assert_string_equal(d->name, host.brand);
	assert_string_equal(d->kernel, host.release);
	assert_int_equal(d->cpu.xfeatures, host.cpu.xfeatures);
	assert_int_equal(d->cpu.family, host.cpu.family);
	assert_int_equal(d->cpu.mxcsr_mask, host.cpu.mxcsr_mask);
	assert_int_equal(d->cpu.user_limit, host.cpu.user_limit);
	assert_int_equal(d->minsigstksz, host.minsigstksz);
	assert_int_equal(d->rules, host.rules);
	assert_int_equal(cpu_user_size(&d->cpu, host.cpu.xfeatures),
			 cpu_user_size(&host.cpu, host.cpu.xfeatures));
	check_round_trip(d);
	description_destroy(d);
	text_deinit(&t);
}

/* What the manual page shows as files can be read. */
static void manual_page(void **state)
{
	size_t size;
	CLEANUP_FREE char *page =
		described_file("../../../man/sigframe-inspect-cpu.5", &size);
	const char *begin = ".Bd -literal -offset indent\n";
	unsigned count = 0;

	(void)state;
	for (char *at = page; (at = strstr(at, begin)); count++) {
		at += strlen(begin);

		char *end = strstr(at, ".Ed\n");

		assert_non_null(end);

		struct description *d = described("an example of the manual",
						  at, (size_t)(end - at));

		check_round_trip(d);
		description_destroy(d);
	}
	assert_int_equal(count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dumps),
		cmocka_unit_test(dumps_of_other_programs),
		cmocka_unit_test(samples),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(criu_images),
		cmocka_unit_test(criu_without_pkeys),
		cmocka_unit_test(core_with_layout),
		cmocka_unit_test(core_without_layout),
		cmocka_unit_test(core_without_xstate),
		cmocka_unit_test(this_machine),
		cmocka_unit_test(manual_page),
	};

	return cmocka_run_group_tests(tests, scratch_setup,
				      scratch_teardown);
}
