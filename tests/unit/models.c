/* SPDX-License-Identifier: GPL-3.0-or-later */
/* models.c - what the built-in CPU models are like */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "describe/models.h"
#include "describe/spec.h"

#define B(x) ISA_BIT(ISA_##x)

static const struct host host = {
	.cpu = { .name = "some host" },
	.release = "6.12.48",
};

/* As measured on such CPUs, by CPUID or in boot messages. */
static void sizes(void **state)
{
	static const struct {
		const char *name;
		uint64_t xfeatures;
		uint32_t frame;		/* of a task without AMX */
		uint32_t largest;
		uint32_t mxcsr_mask;
		uint64_t minsigstksz;
		enum tri xsavec;
	} rows[] = {
		{ "Nehalem", 0x3, 512, 512, 0xffff, 1440, TRI_NO },
		{ "Westmere", 0x3, 512, 512, 0xffff, 1440, TRI_NO },
		{ "SandyBridge", 0x7, 832, 832, 0xffff, 1776, TRI_NO },
		{ "IvyBridge", 0x7, 832, 832, 0xffff, 1776, TRI_NO },
		{ "Haswell", 0x7, 832, 832, 0xffff, 1776, TRI_NO },
		{ "Broadwell", 0x7, 832, 832, 0xffff, 1776, TRI_NO },
		{ "Skylake-Client", 0x1f, 1088, 1088, 0xffff, 2032, TRI_YES },
		{ "Skylake-Client,-mpx", 0x7, 832, 832, 0xffff, 1776,
		  TRI_YES },
		{ "Skylake-Client-IBRS", 0x7, 832, 832, 0xffff, 1776,
		  TRI_YES },
		{ "Skylake-Server", 0x2ff, 2696, 2696, 0xffff, 3632, TRI_YES },
		{ "Skylake-Server,-mpx", 0x2e7, 2696, 2696, 0xffff, 3632,
		  TRI_YES },
		{ "Skylake-Server-IBRS", 0x2e7, 2696, 2696, 0xffff, 3632,
		  TRI_YES },
		{ "Cascadelake-Server", 0x2ff, 2696, 2696, 0xffff, 3632,
		  TRI_YES },
		{ "Cascadelake-Server-noTSX", 0x2e7, 2696, 2696, 0xffff, 3632,
		  TRI_YES },
		{ "Cooperlake", 0x2e7, 2696, 2696, 0xffff, 3632, TRI_YES },
		{ "Icelake-Client", 0x2e7, 2696, 2696, 0xffff, 3632, TRI_YES },
		{ "Icelake-Server", 0x2e7, 2696, 2696, 0xffff, 3632, TRI_YES },
		{ "Icelake-Server,-pku", 0xe7, 2688, 2688, 0xffff, 3632,
		  TRI_YES },
		{ "KnightsMill", 0xe7, 2688, 2688, 0xffff, 3632, TRI_NO },
		{ "Denverton", 0x1b, 1088, 1088, 0xffff, 2032, TRI_YES },
		{ "Snowridge", 0x1b, 1088, 1088, 0xffff, 2032, TRI_YES },
		{ "Tremont", 0x3, 576, 576, 0xffff, 1520, TRI_YES },
		{ "AlderLake", 0x207, 2696, 2696, 0xffff, 3632, TRI_YES },
		{ "RaptorLake", 0x207, 2696, 2696, 0xffff, 3632, TRI_YES },
		{ "MeteorLake", 0x207, 2696, 2696, 0xffff, 3632, TRI_YES },
		{ "ArrowLake", 0x207, 2696, 2696, 0xffff, 3632, TRI_YES },
		{ "TigerLake", 0x2e7, 2696, 2696, 0xffff, 3632, TRI_YES },
		{ "SapphireRapids", 0x602e7, 2816, 11008, 0xffff, 11952,
		  TRI_YES },
		{ "EmeraldRapids", 0x602e7, 2816, 11008, 0xffff, 11952,
		  TRI_YES },
		{ "GraniteRapids", 0x602e7, 2816, 11008, 0xffff, 11952,
		  TRI_YES },
		{ "DiamondRapids", 0xe02e7, 2816, 11008, 0xffff, 11952,
		  TRI_YES },
		{ "SierraForest", 0x207, 2696, 2696, 0xffff, 3632, TRI_YES },
		{ "ClearwaterForest", 0x207, 2696, 2696, 0xffff, 3632,
		  TRI_YES },
		{ "KX-6000", 0x207, 2696, 2696, 0, 3632, TRI_NO },
		{ "YongFeng", 0x207, 2696, 2696, 0, 3632, TRI_NO },
		{ "KX-7000", 0x207, 2696, 2696, 0, 3632, TRI_YES },
		{ "Opteron_G4", 0x7, 832, 832, 0x2ffff, 1776, TRI_NO },
		{ "Opteron_G5", 0x7, 832, 832, 0x2ffff, 1776, TRI_NO },
		{ "EPYC", 0x7, 832, 832, 0x2ffff, 1776, TRI_YES },
		{ "Dhyana", 0x7, 832, 832, 0x2ffff, 1776, TRI_YES },
		{ "EPYC-Rome", 0x7, 832, 832, 0x2ffff, 1776, TRI_YES },
		{ "EPYC-Milan", 0x207, 2440, 2440, 0x2ffff, 3376, TRI_YES },
		{ "EPYC-Genoa", 0x2e7, 2440, 2440, 0x2ffff, 3376, TRI_YES },
		{ "EPYC-Genoa,-pku", 0xe7, 2432, 2432, 0x2ffff, 3376,
		  TRI_YES },
		{ "EPYC-Bergamo", 0x2e7, 2440, 2440, 0x2ffff, 3376, TRI_YES },
		{ "Raphael", 0x2e7, 2440, 2440, 0x2ffff, 3376, TRI_YES },
		{ "EPYC-Turin", 0x2e7, 2440, 2440, 0x2ffff, 3376, TRI_YES },
		{ "GraniteRidge", 0x2e7, 2440, 2440, 0x2ffff, 3376, TRI_YES },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_FREE char *spec = NULL;
		struct description *d = NULL;
		struct error *err;

		assert_true(asprintf(&spec, "%s@7.1", rows[i].name) > 0);
		err = spec_parse(spec, &host, &d);
		if (err)
			fail_msg("%s", error_message(err));

		const struct cpu_model *c = &d->cpu;
		uint64_t normal = cpu_default_features(c);

		if (c->xfeatures != rows[i].xfeatures ||
		    cpu_user_size(c, normal) != rows[i].frame ||
		    cpu_user_size(c, c->xfeatures) != rows[i].largest ||
		    c->mxcsr_mask != rows[i].mxcsr_mask ||
		    c->xsavec != rows[i].xsavec ||
		    d->minsigstksz != rows[i].minsigstksz)
			fail_msg("%s: %#llx, %u, %u, %#x, xsavec %d, %llu",
				 rows[i].name,
				 (unsigned long long)c->xfeatures,
				 cpu_user_size(c, normal),
				 cpu_user_size(c, c->xfeatures),
				 c->mxcsr_mask, c->xsavec,
				 (unsigned long long)d->minsigstksz);
		description_destroy(d);
	}
	/* a model that nobody checks is one too many */
	for (unsigned i = 0; i < cpu_rows_count; i++) {
		bool checked = false;

		for (size_t j = 0; j < ARRAY_SIZE(rows); j++) {
			size_t size = strcspn(rows[j].name, ",");
			CLEANUP_FREE char *name = strndup(rows[j].name, size);

			checked |= models_find(name) == &cpu_rows[i];
		}
		if (!checked)
			fail_msg("%s is in no row", cpu_rows[i].name);
	}
}

static void rows_are_sound(void **state)
{
	(void)state;
	for (unsigned i = 0; i < cpu_rows_count; i++) {
		const struct cpu_row *row = &cpu_rows[i];
		bool misaligned = row->isa & B(MISALIGNSSE);

		assert_ptr_equal(models_find(row->name), row);
		assert_non_null(row->title);
		assert_non_null(row->evidence);
		assert_int_not_equal(row->vendor, XSTATE_FAMILY_UNKNOWN);
		for (unsigned n = 0; n < ISA_COUNT; n++)
			if ((row->isa & ISA_BIT(n)) &&
			    (isa_table[n].needs & ~row->isa))
				fail_msg("%s has %s, not what it needs",
					 row->name, isa_table[n].name);
		if (row->mxcsr_mask &&
		    row->mxcsr_mask != (misaligned ? 0x2ffff : 0xffff))
			fail_msg("%s: mask %#x", row->name, row->mxcsr_mask);
		assert_int_equal(misaligned, row->vendor == XSTATE_FAMILY_AMD);
		assert_false((row->isa & B(MPX)) && (row->isa & B(APX_F)));

		/* each alias leads here, so no name is there twice */
		CLEANUP_FREE char *words = strdup(row->aliases ?: "");
		char *rest = words;

		for (char *word; (word = strsep(&rest, " "));)
			if (*word)
				assert_ptr_equal(models_find(word), row);
	}
}

static void finding(void **state)
{
	static const struct {
		const char *name;
		const char *found;
	} rows[] = {
		{ "haswell", "Haswell" },
		{ "HASWELL-NOTSX", "Haswell" },
		{ "Haswell-v4", "Haswell" },
		{ "EPYC-v3", "EPYC" },
		{ "EPYC-Rome-v2", "EPYC-Rome" },
		{ "Icelake-Server-v12", "Icelake-Server" },
		/* QEMU's numbered models are without MPX */
		{ "Skylake-Server-v5", "Skylake-Server-noMPX" },
		{ "Cascadelake-Server-v2", "Cascadelake-Server-noMPX" },
		{ "Skylake-Client-IBRS", "Skylake-Client-noMPX" },
		/* except this, of which some are with it */
		{ "Denverton-v1", NULL },
		{ "KH-40000", "YongFeng" },
		{ "Zen4", "EPYC-Genoa" },
		{ "", NULL },		{ "-v1", NULL },
		{ "Haswell-v", NULL },	{ "Haswell-v4a", NULL },
		{ "Haswel", NULL },	{ "Haswell ", NULL },
		{ "host", NULL },	{ "v4", NULL },
		{ "Nehalem-IBRS EPYC", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct cpu_row *row = models_find(rows[i].name);
		const char *found = row ? row->name : NULL;

		if (!!found != !!rows[i].found ||
		    (found && strcmp(found, rows[i].found)))
			fail_msg("%s: found %s", rows[i].name, found);
	}
}

static void suggesting(void **state)
{
	static const struct {
		const char *name;
		const char *suggestion;
	} rows[] = {
		{ "Haswel", "Haswell" },
		{ "haswlel", "Haswell" },
		{ "Sky-lake-Server", "Skylake-Server" },
		{ "skylakeserver", "Skylake-Server" },
		{ "Icelake-Sever", "Icelake-Server" },
		{ "SapphireRapid", "SapphireRapids" },
		{ "EPYC_Genoa", "EPYC-Genoa" },
		{ "epycmilan", "EPYC-Milan" },
		{ "Bulldozr", "Opteron_G4" },
		{ "", NULL },
		{ "x", NULL },
		{ "core.1234", NULL },
		{ "something else", NULL },
		{ "a name that is longer than any that a CPU could ever have",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *s = models_suggest(rows[i].name);

		if (!!s != !!rows[i].suggestion ||
		    (s && strcmp(s, rows[i].suggestion)))
			fail_msg("%s: suggested %s", rows[i].name, s);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(finding),
		cmocka_unit_test(suggesting),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
