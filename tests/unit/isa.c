/* SPDX-License-Identifier: GPL-3.0-or-later */
/* isa.c - the table of extensions is sound, and true on this CPU */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cpuid.h>

#include "base/cleanup.h"
#include "x86/isa.h"
#include "x86/xstate.h"

#define B(x) ISA_BIT(ISA_##x)

/* The table holds in itself. */
static void table(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ISA_COUNT; i++) {
		const struct isa_row *row = &isa_table[i];
		enum isa found;

		assert_non_null(row->name);
		assert_true(isa_find(row->name, &found));
		assert_int_equal(found, i);
		if (row->alias) {
			assert_true(isa_find(row->alias, &found));
			assert_int_equal(found, i);
		}
		assert_in_range(row->bit, 0, 31);
		if (row->needs & ISA_BIT(i) || row->needs >> ISA_COUNT)
			fail_msg("%s needs what cannot be", row->name);
		for (unsigned j = 0; j < ISA_COUNT; j++)
			if ((row->needs & ISA_BIT(j)) &&
			    (isa_table[j].needs & ~row->needs))
				fail_msg("%s needs %s, and not all of its "
					 "needs", row->name, isa_table[j].name);
		for (unsigned j = 0; j < i; j++)
			if (isa_table[j].leaf == row->leaf &&
			    isa_table[j].subleaf == row->subleaf &&
			    isa_table[j].reg == row->reg &&
			    isa_table[j].bit == row->bit)
				fail_msg("%s and %s share a bit", row->name,
					 isa_table[j].name);
	}
}

static void names(void **state)
{
	static const struct {
		const char *name;
		enum isa isa;	/* ISA_COUNT: no such name */
	} rows[] = {
		{ "avx512f", ISA_AVX512F },	{ "AVX512F", ISA_AVX512F },
		{ "avx512-vnni", ISA_AVX512_VNNI },
		{ "avx512_vnni", ISA_AVX512_VNNI },
		{ "avx512vnni", ISA_AVX512_VNNI },
		{ "sse4.1", ISA_SSE4_1 },	{ "sse4-2", ISA_SSE4_2 },
		{ "pni", ISA_SSE3 },		{ "sse3", ISA_SSE3 },
		{ "lzcnt", ISA_LZCNT },		{ "abm", ISA_LZCNT },
		{ "amx-tile", ISA_AMX_TILE },	{ "sha-ni", ISA_SHA_NI },
		{ "shstk", ISA_SHSTK },		{ "user_shstk", ISA_SHSTK },
		{ "apx", ISA_APX_F },		{ "apxf", ISA_APX_F },
		{ "3dnow", ISA_3DNOW },
		{ "", ISA_COUNT },		{ "avx512", ISA_COUNT },
		{ "avx512ff", ISA_COUNT },	{ " avx", ISA_COUNT },
		{ "avx ", ISA_COUNT },		{ "amx", ISA_COUNT },
		{ "-", ISA_COUNT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum isa found = ISA_COUNT;
		bool ok = isa_find(rows[i].name, &found);

		if (ok != (rows[i].isa != ISA_COUNT) || found != rows[i].isa)
			fail_msg("'%s' is %u", rows[i].name, found);
	}
}

static void xfeatures(void **state)
{
	static const struct {
		uint64_t has;
		uint64_t xfeatures;
	} rows[] = {
		{ 0, 0 },
		{ B(SSE3) | B(AVX), 0 },	/* of no use without XSAVE */
		{ ~B(XSAVE), 0 },
		{ B(XSAVE), 0x3 },
		{ B(XSAVE) | B(AVX), 0x7 },
		{ B(XSAVE) | B(MPX), 0x1b },
		{ B(XSAVE) | B(AVX) | B(AVX2) | B(FMA), 0x7 },
		{ B(XSAVE) | B(AVX) | B(MPX), 0x1f },
		{ B(XSAVE) | B(AVX) | B(PKU), 0x207 },
		{ B(XSAVE) | B(AVX) | B(AVX512F), 0xe7 },
		{ B(XSAVE) | B(AVX) | B(AVX512F) | B(PKU), 0x2e7 },
		{ B(XSAVE) | B(AVX) | B(AVX512F) | B(PKU) | B(AMX_TILE),
		  0x602e7 },
		{ B(XSAVE) | B(AVX) | B(APX_F), 0x80007 },
		/* these rest on others, which decide */
		{ B(XSAVE) | B(AVX512VL) | B(AMX_INT8) | B(XSAVEC), 0x3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(isa_xfeatures(rows[i].has),
				 rows[i].xfeatures);
}

static bool cpu_has(const struct isa_row *row)
{
	uint32_t r[4];

	if (!__get_cpuid_count(row->leaf, row->subleaf, &r[ISA_EAX],
			       &r[ISA_EBX], &r[ISA_ECX], &r[ISA_EDX]))
		return false;
	return r[row->reg] >> row->bit & 1;
}

/* What Linux says this CPU has, the table finds where it says. */
static void this_cpu(void **state)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	CLEANUP_FREE char *line = NULL;
	size_t room = 0, flags = 0;

	(void)state;
	if (!file)
		skip();
	while (!flags && getline(&line, &room, file) > 0) {
		char *list = strchr(line, ':');

		if (strncmp(line, "flags", 5) || !list)
			continue;
		list++;
		for (char *word; (word = strsep(&list, " \n"));) {
			enum isa isa;

			flags++;
			/* a kernel does not print aliases */
			if (!isa_find(word, &isa) ||
			    strcmp(word, isa_table[isa].name))
				continue;
			if (!cpu_has(&isa_table[isa]))
				fail_msg("%s: CPUID has it elsewhere", word);
		}
	}
	fclose(file);
	if (!flags)
		skip();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(names),
		cmocka_unit_test(xfeatures),
		cmocka_unit_test(this_cpu),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("isa", tests, NULL, NULL);
}
