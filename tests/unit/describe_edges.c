/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe_edges.c - descriptions that say little, or odd things */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "describe/describe_host.h"
#include "described.h"

enum {
	COMMON = XSTATE_FAMILY_COMMON,
	INTEL = XSTATE_FAMILY_INTEL,
	AMD = XSTATE_FAMILY_AMD,
	UNKNOWN = XSTATE_FAMILY_UNKNOWN,
};

enum {
	NONE = ORIGIN_NONE,
	GIVEN = ORIGIN_GIVEN,
	DERIVED = ORIGIN_DERIVED,
	ASSUMED = ORIGIN_ASSUMED,
};

#define BY_INTEL "756E6547-6C65746E-49656E69"
#define BY_AMD "68747541-444D4163-69746E65"
#define BY_CENTAUR "746E6543-736C7561-48727561"

/* AVX and protection keys, no AVX-512, as Alder Lake and Zen 3. */
#define WITH_PKU(vendor)                                                       \
	"CPUID 00000000: 0000000D-" vendor "\n"                                \
	"CPUID 00000001: 00000000-00000000-1C000000-00000000\n"                \
	"CPUID 00000007: 00000000-00000020-00000018-00000000 [SL 00]\n"

#define OFFER(mask, size)                                                      \
	"CPUID 0000000D: " mask "-00000340-" size "-00000000 [SL 00]\n"
#define AVX_PLACE "CPUID 0000000D: 00000100-00000240-00000000-00000000 [SL 02]\n"
#define OPMASK_PLACE                                                           \
	"CPUID 0000000D: 00000040-00000440-00000000-00000000 [SL 05]\n"
#define ZMM_PLACE                                                              \
	"CPUID 0000000D: 00000200-00000480-00000000-00000000 [SL 06]\n"        \
	"CPUID 0000000D: 00000400-00000680-00000000-00000000 [SL 07]\n"
#define PKRU_PLACE(offset, ecx)                                                \
	"CPUID 0000000D: 00000008-" offset "-" ecx "-00000000 [SL 09]\n"
#define AVX512_PKU(vendor)                                                     \
	"CPUID 00000000: 0000000D-" vendor "\n"                                \
	"CPUID 00000001: 00000000-00000000-1C000000-00000000\n"                \
	"CPUID 00000007: 00000000-00010020-00000018-00000000 [SL 00]\n"        \
	OFFER("000002E7", "00000A88") AVX_PLACE OPMASK_PLACE ZMM_PLACE

#define FLAGS "fpu lm fxsr sse sse2 xsave xsavec avx avx2"

static const struct {
	const char *what;
	const char *text;
	uint64_t features;
	unsigned family, vendor;
	uint32_t frame;		/* 0: nobody can tell */
	unsigned layout;	/* where it comes from */
} cases[] = {
	{ "all there", WITH_PKU(BY_INTEL) OFFER("00000207", "00000A88")
	  AVX_PLACE PKRU_PLACE("00000A80", "00000000"),
	  0x207, INTEL, INTEL, 2696, GIVEN },
	{ "protection keys that a hypervisor does not offer",
	  WITH_PKU(BY_INTEL) OFFER("00000007", "00000340") AVX_PLACE,
	  0x7, COMMON, INTEL, 832, GIVEN },
	{ "a place of the supervisor is none",
	  WITH_PKU(BY_AMD) OFFER("00000207", "00000988") AVX_PLACE
	  PKRU_PLACE("00000A80", "00000001"), 0x207, AMD, AMD, 2440, ASSUMED },
	{ "a missing place, by Intel", WITH_PKU(BY_INTEL)
	  OFFER("00000207", "00000A88") AVX_PLACE,
	  0x207, INTEL, INTEL, 2696, ASSUMED },
	{ "a missing place, by Centaur", WITH_PKU(BY_CENTAUR)
	  OFFER("00000207", "00000A88") AVX_PLACE,
	  0x207, INTEL, INTEL, 2696, ASSUMED },
	{ "a missing place, by AMD", WITH_PKU(BY_AMD)
	  OFFER("00000207", "00000988") AVX_PLACE,
	  0x207, AMD, AMD, 2440, ASSUMED },
	{ "a guest that calls itself AMD on an Intel host",
	  AVX512_PKU(BY_AMD), 0x2e7, INTEL, INTEL, 2696, ASSUMED },
	{ "no leaf 0xd at all", WITH_PKU(BY_AMD), 0x207, AMD, AMD, 2440,
	  ASSUMED },
	{ "a line twice", WITH_PKU(BY_INTEL) OFFER("00000207", "00000A88")
	  AVX_PLACE AVX_PLACE PKRU_PLACE("00000A80", "00000000"),
	  0x207, INTEL, INTEL, 2696, GIVEN },
	{ "no leaf 7, and none announced",
	  "CPUID 00000000: 00000006-" BY_INTEL "\n"
	  "CPUID 00000001: 00000000-00000000-14000000-00000000\n",
	  0x7, COMMON, INTEL, 832, DERIVED },
	{ "lines end as on Windows",
	  "CPUID 00000000: 00000006-" BY_INTEL "\r\n"
	  "CPUID 00000001: 00000000-00000000-14000000-00000000\r\n",
	  0x7, COMMON, INTEL, 832, DERIVED },
	{ "places of neither family", WITH_PKU(BY_INTEL)
	  OFFER("00000207", "00000348") AVX_PLACE
	  PKRU_PLACE("00000340", "00000000"), 0x207, UNKNOWN, UNKNOWN, 840,
	  GIVEN },
	{ "cpuinfo: no blank line between processors",
	  "processor : 0\nvendor_id : AuthenticAMD\nflags : " FLAGS
	  "\nprocessor : 1\nvendor_id : GenuineIntel\nflags : " FLAGS
	  " pku ospke\n", 0x7, COMMON, AMD, 832, DERIVED },
	{ "cpuinfo: a vendor nobody knows, nothing that differs",
	  "vendor_id : Unheard\nflags : " FLAGS "\n",
	  0x7, COMMON, UNKNOWN, 832, DERIVED },
	{ "cpuinfo: a vendor nobody knows, and PKRU is anywhere",
	  "vendor_id : Unheard\nflags : " FLAGS " pku ospke\n",
	  0x207, UNKNOWN, UNKNOWN, 0, NONE },
	{ "cpuinfo: MPX is only Intel's",
	  "flags : " FLAGS " mpx\nvendor_id :\n",
	  0x1f, INTEL, UNKNOWN, 1088, ASSUMED },
	{ "cpuinfo: lines end as on Windows",
	  "vendor_id : AuthenticAMD\r\nflags : " FLAGS " pku ospke\r\n",
	  0x207, AMD, AMD, 2440, ASSUMED },
	{ "dmesg: 832 and 1776 fit both",
	  "x86/fpu: Enabled xstate features 0x7, context size is 832 bytes, "
	  "using 'compacted' format.\nsignal: max sigframe size: 1776\n",
	  0x7, COMMON, UNKNOWN, 832, DERIVED },
	{ "dmesg: nothing tells the vendor",
	  "x86/fpu: Enabled xstate features 0x207, context size is 840 "
	  "bytes, using 'compacted' format.\n",
	  0x207, UNKNOWN, UNKNOWN, 0, NONE },
	{ "dmesg: the size of frames, no ia32, AMD",
	  "x86/fpu: Enabled xstate features 0x207, context size is 840 "
	  "bytes, using 'compacted' format.\n"
	  "signal: max sigframe size: 2976\n", 0x207, AMD, AMD, 2440,
	  DERIVED },
	{ "dmesg: the size of frames knows better than the brand",
	  "x86/fpu: Enabled xstate features 0x207, context size is 840 "
	  "bytes, using 'compacted' format.\n"
	  "signal: max sigframe size: 3632\n"
	  "smpboot: CPU0: AMD EPYC Processor (family: 0x19)\n",
	  0x207, INTEL, INTEL, 2696, DERIVED },
	{ "own: nothing but components",
	  "sigframe-inspect-cpu 1\nxfeatures: 0x207\n",
	  0x207, UNKNOWN, UNKNOWN, 0, NONE },
	{ "own: lines end as on Windows",
	  "sigframe-inspect-cpu 1\r\nxfeatures: 0x207\r\nlayout: amd\r\n",
	  0x207, AMD, AMD, 2440, GIVEN },
	{ "own: a component of the future",
	  "sigframe-inspect-cpu 1\nxfeatures: 0x200007\n"
	  "component.avx: 576+256\ncomponent.21: 832+64\n",
	  0x200007, UNKNOWN, UNKNOWN, 896, GIVEN },
	{ "own: blanks, comments, empty lines",
	  "sigframe-inspect-cpu 1\n\n  # x: y\n  xfeatures\t:\t0x207  \n"
	  "layout:intel", 0x207, INTEL, INTEL, 2696, GIVEN },
};

static void odd(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *what = cases[i].what;
		struct description *d = described(what, cases[i].text,
						  strlen(cases[i].text));
		uint32_t frame = cpu_user_size(&d->cpu, d->cpu.xfeatures);

		if (d->cpu.xfeatures != cases[i].features ||
		    frame != cases[i].frame)
			fail_msg("%s: components %#llx, frames of %u", what,
				 (unsigned long long)d->cpu.xfeatures, frame);
		if (d->cpu.family != cases[i].family ||
		    d->vendor != cases[i].vendor)
			fail_msg("%s: family %u, vendor %u", what,
				 d->cpu.family, d->vendor);
		if (d->origin[DESCRIBED_LAYOUT] != cases[i].layout)
			fail_msg("%s: the layout is %s", what,
				 origin_names[d->origin[DESCRIBED_LAYOUT]]);
		description_destroy(d);
	}
}

/* What is assumed is said; what a file says of it is said again. */
static void sentences(void **state)
{
	static const struct {
		const char *text;
		enum description_field field;
		const char *part;
	} said[] = {
		{ WITH_PKU(BY_AMD) OFFER("00000207", "00000988") AVX_PLACE,
		  DESCRIBED_LAYOUT, "layout amd, by the vendor" },
		{ AVX512_PKU(BY_AMD), DESCRIBED_LAYOUT, "pkru" },
		{ "CPUID 00000000: 00000006-" BY_INTEL "\n"
		  "CPUID 00000001: 00000000-00000000-14000000-00000000\n",
		  DESCRIBED_ISA, "enables XSAVE" },
		{ "CPUID 00000000: 0000000D-" BY_AMD "\n"
		  "CPUID 00000001: 00000000-00000000-1C000000-00000000\n"
		  "CPUID 00000007: 00000000-00000020-00000008-00000000\n",
		  DESCRIBED_ISA, "enables protection keys" },
		{ "flags : " FLAGS " avx512f avx512bw avx512_fp16\n"
		  "vendor_id : GenuineIntel\n", DESCRIBED_XFEATURES, "apx" },
		{ "sigframe-inspect-cpu 1\nxfeatures: 0x207\n"
		  "layout: intel [assumed: a friend [who knows] said: so]\n",
		  DESCRIBED_LAYOUT, "a friend [who knows] said: so" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		struct description *d = described(said[i].text, said[i].text,
						  strlen(said[i].text));
		const char *sentence = d->assumed[said[i].field];

		if (d->origin[said[i].field] != ORIGIN_ASSUMED || !sentence ||
		    !strstr(sentence, said[i].part))
			fail_msg("%s: %s", said[i].part, sentence);
		description_destroy(d);
	}
}

static void own_keys_of_tasks(void **state)
{
	static const char text[] =
		"sigframe-inspect-cpu 1\n"
		"xfeatures: 0x602e7\n"
		"layout: intel\n"
		"uses_amx: yes\n"
		"ia32: yes [derived]\n"
		"x32: no\n";
	struct description *d = described("own", text, strlen(text));

	(void)state;
	assert_true(d->uses_amx);
	assert_int_equal(d->ia32, TRI_YES);
	assert_int_equal(d->x32, TRI_NO);
	assert_int_equal(d->origin[DESCRIBED_ABIS], ORIGIN_DERIVED);
	description_destroy(d);
}

static bool booted_without_choice(void)
{
	char line[4096];
	FILE *f = fopen("/proc/cmdline", "r");
	size_t size = f ? fread(line, 1, sizeof(line) - 1, f) : 0;

	if (!f)
		return false;
	fclose(f);
	line[size] = '\0';
	return !strstr(line, "ia32_emulation");
}

/* The kernel has this file if it can run 32-bit programs. */
static void abis_of_this_machine(void **state)
{
	struct host host;
	struct text t = TEXT_INIT;

	(void)state;
	host_describe(&host);

	struct error *err = describe_host(&host, &t);

	assert_null(err);

	struct description *d = described("host", text_string(&t), t.size);

	if (!access("/proc/sys/abi/vsyscall32", F_OK) &&
	    booted_without_choice())
		assert_int_not_equal(d->ia32, TRI_NO);
	if (d->ia32 == TRI_YES)
		assert_int_equal(access("/proc/sys/abi/vsyscall32", F_OK), 0);
	description_destroy(d);
	text_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd),
		cmocka_unit_test(sentences),
		cmocka_unit_test(own_keys_of_tasks),
		cmocka_unit_test(abis_of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
