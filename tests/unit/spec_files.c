/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spec_files.c - targets that name a description file */
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

enum {
	DERIVED = ORIGIN_DERIVED,
	ASSUMED = ORIGIN_ASSUMED,
};

static const struct host host = {
	.cpu = { .name = "some host" },
	.release = "6.12.48",
};

static struct description *parse(const char *text, const char *name)
{
	struct description *d = NULL;
	struct error *err = spec_parse(text, &host, &d);

	if (err)
		fail_msg("%s", error_message(err));
	assert_string_equal(d->name, name);
	return d;
}

static char directory[32];

static const char *write_file(const char *name, const char *content)
{
	static char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(content, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

#define ENABLED(mask)                                                          \
	"x86/fpu: Enabled xstate features " mask                               \
	", context size is 1000 bytes, using 'compacted' format.\n"
#define INTEL_CPU "smpboot: CPU0: Intel(R) CPU (family: 0x6)\n"
#define AMD_CPU "smpboot: CPU0: AMD CPU (family: 0x19)\n"

#define CPUINFO_AMX                                                            \
	"processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Some CPU\n" \
	"flags\t\t: fpu fxsr sse sse2 lm pni xsave avx xsavec avx2 avx512f "     \
	"pku ospke amx_bf16 avx512_fp16 avx512bw amx_tile amx_int8\n"

/* A description file, most of boot messages, and what is said on top. */
static void files(void **state)
{
	static const struct {
		const char *content;
		const char *name;
		const char *flags;
		uint64_t xfeatures;
		uint32_t size;
		const char *kernel;
		unsigned rules;	/* their origin */
	} rows[] = {
		{ ENABLED("0x207") INTEL_CPU, "f", "", 0x207, 2696, "6.12.48",
		  ASSUMED },
		{ "Linux version 6.18.34 (a@b)\n" ENABLED("0x207") INTEL_CPU,
		  "f", "", 0x207, 2696, "6.18.34", DERIVED },
		{ "Linux version 6.18.34 (a@b)\n" ENABLED("0x207") INTEL_CPU,
		  "f", "@6.1.5", 0x207, 2696, "6.1.5", DERIVED },
		{ "Linux version 6.18.34 (a@b)\n" ENABLED("0x207") INTEL_CPU,
		  "f", "@host", 0x207, 2696, "6.12.48", DERIVED },
		/* only components are known, so they are switched */
		{ ENABLED("0x207") INTEL_CPU, "f", ",-pku", 0x7, 832,
		  "6.12.48", ASSUMED },
		{ ENABLED("0x7") INTEL_CPU, "f", ",+pku", 0x207, 2696,
		  "6.12.48", ASSUMED },
		{ ENABLED("0x7") AMD_CPU, "f", ",+pku", 0x207, 2440,
		  "6.12.48", ASSUMED },
		{ ENABLED("0x7") AMD_CPU, "f", ",+avx512f,layout=intel", 0xe7,
		  2688, "6.12.48", ASSUMED },
		{ ENABLED("0x2ff") INTEL_CPU, "f", ",-mpx", 0x2e7, 2696,
		  "6.12.48", ASSUMED },
		{ ENABLED("0x2e7") INTEL_CPU, "f", ",-avx", 0x203, 2696,
		  "6.12.48", ASSUMED },
		{ ENABLED("0x602e7") INTEL_CPU, "f", ",-amx@6.1.100", 0x2e7,
		  2696, "6.1.100", DERIVED },
		{ ENABLED("0x602e7") INTEL_CPU, "f", "@5.10.1", 0x2e7, 2696,
		  "5.10.1", DERIVED },
		{ ENABLED("0x7") INTEL_CPU, "f", ",-xsave", 0x3, 512,
		  "6.12.48", ASSUMED },
		/* the flags say more than the kernel of that day enabled */
		{ CPUINFO_AMX, "f", "@5.10.1", 0x2e7, 2696, "5.10.1",
		  DERIVED },
		{ CPUINFO_AMX, "f", "@6.1.100", 0x602e7, 11008, "6.1.100",
		  DERIVED },
		{ CPUINFO_AMX, "f", ",-amx,-avx512f@6.1.100", 0x207, 2696,
		  "6.1.100", DERIVED },
		/* names that look like something else */
		{ ENABLED("0x7") INTEL_CPU, "a,b", "", 0x7, 832, "6.12.48",
		  ASSUMED },
		{ ENABLED("0x7") INTEL_CPU, "a,b", ",+pku@6.1.100", 0x207,
		  2696, "6.1.100", DERIVED },
		{ ENABLED("0x7") INTEL_CPU, "a@b", "", 0x7, 832, "6.12.48",
		  ASSUMED },
		{ ENABLED("0x7") INTEL_CPU, "Haswell", "@6.1.100", 0x7, 832,
		  "6.1.100", DERIVED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *path = write_file(rows[i].name, rows[i].content);
		CLEANUP_FREE char *text = NULL;

		assert_true(asprintf(&text, "%s%s", path, rows[i].flags) > 0);

		/* the brand, where the file has one */
		struct description *d = parse(
			text, strstr(rows[i].content, INTEL_CPU)
				      ? "Intel(R) CPU"
			      : strstr(rows[i].content, AMD_CPU) ? "AMD CPU"
								 : "Some CPU");
		uint32_t size = cpu_user_size(&d->cpu, d->cpu.xfeatures);

		if (d->cpu.xfeatures != rows[i].xfeatures ||
		    size != rows[i].size || !d->kernel ||
		    strcmp(d->kernel, rows[i].kernel) ||
		    d->origin[DESCRIBED_RULES] != rows[i].rules)
			fail_msg("%s%s: %#llx, %u, %s (%s)", rows[i].name,
				 rows[i].flags,
				 (unsigned long long)d->cpu.xfeatures, size,
				 d->kernel,
				 origin_names[d->origin[DESCRIBED_RULES]]);
		description_destroy(d);
		remove(path);
	}
}

/* Too little to predict anything with. */
static void poor_files(void **state)
{
	static const struct {
		const char *flags;
		const char *says;	/* NULL: it is enough */
	} rows[] = {
		{ "", "add ,layout=intel or ,layout=amd" },
		{ ",layout=intel", NULL },
		{ ",layout=amd", NULL },
		{ ",-pku", NULL },
		{ ",+amx", NULL },	/* only one has a place for it */
	};
	const char *path = write_file("f", ENABLED("0x207"));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct description *d = NULL;
		CLEANUP_FREE char *text = NULL;

		assert_true(asprintf(&text, "%s%s", path, rows[i].flags) > 0);

		struct error *err = spec_parse(text, &host, &d);

		assert_true(!err == !rows[i].says);
		if (err && !strstr(error_message(err), rows[i].says))
			fail_msg("%s", error_message(err));
		error_free(err);
		description_destroy(d);
	}
	remove(path);
}

/* What a file calls the machine is kept; what says nothing is as written. */
static void names(void **state)
{
	static const struct {
		const char *line;
		const char *kernel;
		const char *name; /* NULL: as written */
	} rows[] = {
		{ "name: Rack 7, spare\n", "", "Rack 7, spare" },
		{ "name: Rack 7, spare\n", "@6.12.1", "Rack 7, spare" },
		{ "", "", NULL },
		{ "", "@6.12.1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_FREE char *content = NULL;
		CLEANUP_FREE char *text = NULL;
		const char *path;
		struct description *d;

		assert_true(asprintf(&content,
				     "sigframe-inspect-cpu 1\n%s"
				     "vendor: intel\nxsave: yes\n"
				     "xfeatures: 0x7\n",
				     rows[i].line) > 0);
		path = write_file("f", content);
		assert_true(asprintf(&text, "%s%s", path, rows[i].kernel) > 0);
		d = parse(text, rows[i].name ? rows[i].name : text);
		description_destroy(d);
		remove(path);
	}
}

static void no_file(void **state)
{
	struct description *d = NULL;
	struct error *err = spec_parse("./no such file,+avx@6.1", &host,
				       &d);

	(void)state;
	assert_non_null(err);
	assert_non_null(strstr(error_message(err), "./no such file"));
	assert_null(d);
	error_free(err);
}

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/spec-files-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return remove(directory);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(poor_files),
		cmocka_unit_test(names),
		cmocka_unit_test(no_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("spec_files", tests, make_directory,
					   remove_directory);
}
