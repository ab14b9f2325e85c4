/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe_bad.c - malformed descriptions: one line says why, nothing worse */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../oracle/random.h"
#include "base/cleanup.h"
#include "criu_image.h"
#include "describe/file.h"
#include "describe/format_own.h"
#include "described.h"
#include "scratch.h"

#define OWN                                                                    \
	"sigframe-inspect-cpu 1\n"                                             \
	"name: a machine\n"                                                    \
	"xfeatures: 0x2e7\n"                                                   \
	"layout: intel\n"                                                      \
	"user_size: 2696\n"                                                    \
	"mxcsr_mask: 0xffff\n"                                                 \
	"xsavec: yes\n"                                                        \
	"user_limit: 0x00007ffffffff000\n"                                     \
	"kernel: 6.1.170\n"                                                    \
	"minsigstksz: 3632\n"

#define AIDA                                                                   \
	"CPUID 00000000: 0000000D-756E6547-6C65746E-49656E69 [GenuineIntel]\n" \
	"CPUID 00000001: 000506E3-00100800-7FFAFBBF-BFEBFBFF\n"                \
	"CPUID 00000007: 00000000-029C6FBF-00000000-9C002400 [SL 00]\n"        \
	"CPUID 0000000D: 0000001F-00000440-00000440-00000000 [SL 00]\n"        \
	"CPUID 0000000D: 0000000F-00000440-00000100-00000000 [SL 01]\n"        \
	"CPUID 0000000D: 00000100-00000240-00000000-00000000 [SL 02]\n"        \
	"CPUID 0000000D: 00000040-000003C0-00000000-00000000 [SL 03]\n"        \
	"CPUID 0000000D: 00000040-00000400-00000000-00000000 [SL 04]\n"        \
	"CPUID 80000000: 80000001-00000000-00000000-00000000\n"                \
	"CPUID 80000001: 00000000-00000000-00000121-2C100800\n"

/* The same CPU in one of the dumps that lack sub-leaves. */
#define AIDA_NO_PLACES                                                         \
	"CPUID 00000000: 0000000D-756E6547-6C65746E-49656E69 [GenuineIntel]\n" \
	"CPUID 00000001: 000506E3-00100800-7FFAFBBF-BFEBFBFF\n"                \
	"CPUID 00000007: 00000000-029C6FBF-00000000-9C002400 [SL 00]\n"        \
	"CPUID 0000000D: 0000001F-00000440-00000440-00000000 [SL 00]\n"

#define R                                                                      \
	"CPU 0:\n"                                                             \
	"   0x00000000 0x00: eax=0x0000000d ebx=0x756e6547 ecx=0x6c65746e "    \
	"edx=0x49656e69\n"                                                     \
	"   0x00000001 0x00: eax=0x000206d7 ebx=0x00200800 ecx=0x029ee3bf "    \
	"edx=0xbfebfbff\n"

#define TYCHO                                                                  \
	"CPUID 00000000:00 = 0000000d 756e6547 6c65746e 49656e69 | ....Genu\n" \
	"CPUID 00000001:00 = 000206d7 00200800 029ee3bf bfebfbff | ........\n"

#define CPUINFO                                                                \
	"processor\t: 0\n"                                                     \
	"vendor_id\t: GenuineIntel\n"                                          \
	"model name\t: Intel(R) Core(TM)\n"                                    \
	"flags\t\t: fpu lm fxsr sse sse2 xsave avx\n\n"

#define JSON                                                                   \
	"{ \"lscpu\": [\n"                                                     \
	"{\"field\": \"Vendor ID:\", \"data\": \"GenuineIntel\"},\n"           \
	"{\"field\": \"Flags:\", \"data\": \"fpu lm fxsr sse xsave avx\"}\n"   \
	"] }\n"

#define LSCPU                                                                  \
	"Architecture:  x86_64\n"                                              \
	"Vendor ID:     GenuineIntel\n"                                        \
	"Flags:         fpu lm fxsr sse sse2 xsave avx\n"

#define DMESG                                                                  \
	"[    0.0] Linux version 6.1.170 (a@b) #1 SMP\n"                       \
	"[    0.0] x86/fpu: xstate_offset[2]:  576, xstate_sizes[2]:  256\n"   \
	"[    0.0] x86/fpu: xstate_offset[9]: 2688, xstate_sizes[9]:    8\n"   \
	"[    0.0] x86/fpu: Enabled xstate features 0x207, context size is "   \
	"2696 bytes, using 'standard' format.\n"                               \
	"[    0.0] signal: max sigframe size: 3632\n"

/* The first `from` in `base` is replaced by `to`. */
static const struct {
	const char *what;
	const char *base, *from, *to;
	const char *expected;
} edits[] = {
	{ "own: a later version", OWN, "cpu 1", "cpu 2", "version 2" },
	{ "own: no version", OWN, "cpu 1", "cpu", "line 1: 'sigframe-" },
	{ "own: a key nobody knows", OWN, "name", "colour",
	  "line 2: there is no key 'colour'" },
	{ "own: a key twice", OWN, "xsavec: yes", "layout: intel",
	  "line 7: 'layout' is there twice" },
	{ "own: a component twice", OWN, "name: a machine",
	  "component.avx: 576+256\ncomponent.avx: 576+256",
	  "line 3: 'avx' is there twice" },
	{ "own: no colon", OWN, "layout: intel", "layout intel",
	  "line 4: not 'key: value'" },
	{ "own: no value", OWN, "0x2e7", "", "line 3: 'xfeatures' has no v" },
	{ "own: no number", OWN, "0x2e7", "many", "line 3: xfeatures: 'many'" },
	{ "own: a number and more", OWN, "0x2e7", "0x2e7,", "'0x2e7,'" },
	{ "own: more than 64 bits", OWN, "0x2e7", "0x100000000000002e7",
	  "line 3: xfeatures" },
	{ "own: a negative number", OWN, "3632", "-1", "line 10: minsigst" },
	{ "own: no x87", OWN, "0x2e7", "0x2e6", "without x87 or SSE" },
	{ "own: a supervisor component", OWN, "0x2e7", "0x3e7",
	  "component 8, pt, is never" },
	{ "own: a component without a name", OWN, "0x2e7", "0x400002e7",
	  "no place is known for 30" },
	{ "own: bit 63", OWN, "0x2e7", "0x80000000000002e7",
	  "bit 63 is no component" },
	{ "own: a layout nobody knows", OWN, "intel", "arm", "layout: 'arm'" },
	{ "own: places of another layout", OWN, "name: a machine",
	  "component.pkru: 2432+8", "line 2: this is not its place in the in" },
	{ "own: a component nobody knows", OWN, "name", "component.fpu",
	  "line 2: 'fpu' is not a component" },
	{ "own: half a place", OWN, "name: a machine", "component.avx: 576",
	  "line 2: '576' is not a place" },
	{ "own: a place beyond 32 bits", OWN, "name: a machine",
	  "component.avx: 4294967296+256", "is not a place" },
	{ "own: a component in the FXSAVE image", OWN,
	  "layout: intel", "component.avx: 512+256", "component 2 at 512" },
	{ "own: a component at the end of memory", OWN,
	  "layout: intel", "component.avx: 4294967295+256", "component 2 at" },
	{ "own: components over each other", OWN, "xfeatures: 0x2e7\n"
	  "layout: intel\nuser_size: 2696\n", "xfeatures: 0x207\n"
	  "component.avx: 576+256\ncomponent.pkru: 824+8\n", "overlap" },
	{ "own: a component of no size", OWN, "layout: intel",
	  "component.avx: 576+0", "component 2 of 0 bytes" },
	{ "own: a component of another size", OWN, "layout: intel\nuser_size",
	  "component.pkru: 2688+64\n#", "component 9 of 64 bytes" },
	{ "own: no component in an unknown layout", OWN, "intel", "unknown",
	  "line 4: an unknown layout" },
	{ "own: no place in this layout", OWN, "0x2e7\nlayout: intel\n"
	  "user_size: 2696", "0x1f\nlayout: amd", "no place is known" },
	{ "own: a size that does not follow", OWN, "2696", "2440",
	  "line 5: user_size is 2440" },
	{ "own: no MXCSR bit", OWN, "0xffff", "0", "line 6: mxcsr_mask" },
	{ "own: too many MXCSR bits", OWN, "0xffff", "0x1ffffffff",
	  "line 6: mxcsr_mask" },
	{ "own: neither yes nor no", OWN, "yes", "maybe", "yes, no or unk" },
	{ "own: an address of the kernel", OWN, "0x00007ffffffff000",
	  "0xffff800000000000", "line 8: user_limit" },
	{ "own: an extension nobody knows", OWN, "name: a machine",
	  "isa: xsave avx avx3", "line 2: isa: 'avx3'" },
	{ "own: an extension twice", OWN, "name: a machine",
	  "isa: xsave avx avx", "avx is there twice" },
	{ "own: an extension there and unknown", OWN, "name: a machine",
	  "isa: xsave avx\nisa_unknown: avx", "line 3: an extension both" },
	{ "own: unknown extensions of nothing", OWN, "name: a machine",
	  "isa_unknown: avx", "line 2: isa_unknown without isa" },
	{ "own: AVX-512 without AVX", OWN, "0x2e7", "0x2e3", "without AVX" },
	{ "own: half of MPX", OWN, "0x2e7", "0x2ef", "a part of the MPX" },
	{ "own: MPX and APX", OWN, "0x2e7", "0x802ff", "MPX together with" },
	{ "own: components without XSAVE", OWN, "xsavec: yes", "xsave: no",
	  "without XSAVE" },
	{ "own: derived, but not from what is there", OWN,
	  "0x2e7\nlayout: intel\nuser_size: 2696", "0x2e7 [derived]\n"
	  "isa: xsave avx\nlayout: intel", "xfeatures 0x7 by the ext" },
	{ "own: rules nobody knows", OWN, "name: a machine", "rules: R3 R9",
	  "line 2: rules: 'R9'" },
	{ "own: no release", OWN, "6.1.170", "the newest", "line 9: kernel" },
	{ "own: frames smaller than any", OWN, "3632", "16", "line 10: min" },
	{ "own: frames larger than memory", OWN, "3632", "99999999999",
	  "line 10: minsigstksz" },
	{ "own: an origin nobody knows", OWN, "yes", "yes [guessed]",
	  "line 7: xsavec: 'guessed'" },
	{ "own: a reason for what was given", OWN, "yes", "yes [given: so]",
	  "line 7: xsavec: 'given: so'" },
	{ "own: a control character", OWN, "a machine", "a\033[2Jmachine",
	  "line 2: control characters" },

	{ "aida: cut off", AIDA, "-2C100800\n", "", "line 10: not a CPUID" },
	{ "aida: no digit", AIDA, "7FFAFBBF", "7FFAFBBG", "line 2: not a" },
	{ "aida: a digit too many", AIDA, "BFEBFBFF", "BFEBFBFF0", "line 2: " },
	{ "aida: no end of a sub-leaf", AIDA, "[SL 03]", "[SL 03", "line 7" },
	{ "aida: a huge sub-leaf", AIDA, "[SL 03]", "[SL 123456789]",
	  "line 7: not a CPUID" },
	{ "aida: a leaf with two values", AIDA, "[SL 03]", "[SL 04]",
	  "line 8: leaf 0xd, sub-leaf 0x4 is there twice" },
	{ "aida: no leaf 1", AIDA, "CPUID 00000001:", "CPUID 00000002:",
	  "leaf 1 is missing" },
	{ "aida: no leaf 7", AIDA, "CPUID 00000007:", "CPUID 00000006:",
	  "leaf 0x7, sub-leaf 0 is missing" },
	{ "aida: no SSE on offer", AIDA, "0000001F-0", "0000001D-0",
	  "without x87 or SSE" },
	{ "aida: half of MPX on offer", AIDA, "0000001F-0", "0000000F-0",
	  "leaf 0xd offers only a part" },
	{ "aida: a place no CPU has", AIDA, "000003C0", "FFFFFFC0",
	  "component 3 at 4294967232" },
	{ "aida: a place in the FXSAVE image", AIDA, "000003C0", "00000000",
	  "component 3 at 0" },
	{ "aida: places over each other", AIDA, "000003C0", "00000300",
	  "components 2 and 3 overlap" },
	{ "aida: a size no CPU has", AIDA, "00000100-00000240",
	  "00000080-00000240", "component 2 of 128 bytes" },
	{ "aida: no places and a vendor nobody knows", AIDA_NO_PLACES,
	  "49656E69", "49656E00", "nothing says where bndregs is" },
	{ "aida: MPX without places, by AMD", AIDA_NO_PLACES,
	  "756E6547-6C65746E-49656E69", "68747541-444D4163-69746E65",
	  "nothing says where bndregs is" },
	{ "aida: no places, and no room for Intel's", AIDA_NO_PLACES,
	  "00000440-00000440", "00000400-00000400",
	  "needs 1088 bytes where the CPU has 1024" },
	{ "r: cut off", R, " edx=0xbfebfbff\n", "", "line 3: not a CPUID" },
	{ "r: registers swapped", R, "eax=0x000206d7 ebx", "ebx=0x0 eax",
	  "line 3: not a CPUID" },
	{ "r: no sub-leaf", R, "0x00000001 0x00:", "0x00000001:", "line 3" },
	{ "tycho: cut off", TYCHO, " bfebfbff | ........\n", "", "line 2" },
	{ "tycho: no equals sign", TYCHO, "1:00 =", "1:00", "line 2: not" },
	{ "tycho: no leaf", TYCHO, "CPUID 00000001", "CPUID 1", "line 2" },

	{ "cpuinfo: no flags", CPUINFO, "flags", "Features", "flags are miss" },
	{ "cpuinfo: flags twice", CPUINFO, "model name", "flags",
	  "line 4: 'flags' is there twice" },
	{ "cpuinfo: not 64-bit", CPUINFO, " lm ", " ", "lack lm or fxsr" },
	{ "cpuinfo: another architecture", CPUINFO, "fpu lm fxsr sse sse2",
	  "fp asimd evtstrm", "lack lm or fxsr" },
	{ "cpuinfo: a control character", CPUINFO, "Core", "\033[2J",
	  "line 3: control characters in 'model name'" },
	{ "cpuinfo: an empty list of flags", CPUINFO,
	  "fpu lm fxsr sse sse2 xsave avx", "", "flags are missing" },
	{ "cpuinfo: AVX-512 without AVX", CPUINFO, "avx", "avx512f",
	  "AVX-512 without AVX" },
	{ "lscpu: no flags", LSCPU, "Flags:", "Caps:", "flags are missing" },
	{ "lscpu: vendor twice", LSCPU, "Architecture:  x86_64",
	  "Vendor ID: AuthenticAMD", "line 2: 'Vendor ID' is there twice" },
	{ "json: cut off", JSON, "] }\n", "", "it ends too early" },
	{ "json: no comma", JSON, "},\n", "}\n", "line 3: not JSON" },
	{ "json: more behind it", JSON, "] }\n", "] } and\n", "line 4: not" },
	{ "json: no list", JSON, "[\n", "\"[\"} [", "not JSON" },
	{ "json: a number for a list", JSON, "{ \"lscpu\": [\n",
	  "{ \"lscpu\": 7, \"other\": [\n", "without a list" },
	{ "json: a field that is none", JSON, "[\n", "[ 5,\n", "not an obj" },
	{ "json: no flags", JSON, "Flags", "Caps", "flags are missing" },
	{ "json: flags of another type", JSON,
	  "\"fpu lm fxsr sse xsave avx\"", "[1, 2]", "flags are missing" },
	{ "json: a control character", JSON, "GenuineIntel",
	  "Genuine\\u0000", "control characters" },

	{ "dmesg: half a line", DMESG, "size is 2696 bytes", "size",
	  "line 4: not the enabled xstate" },
	{ "dmesg: no mask", DMESG, "0x207", "207", "line 4: not the" },
	{ "dmesg: a third format", DMESG, "'standard'", "'packed'", "line 4" },
	{ "dmesg: no SSE", DMESG, "0x207", "0x205", "without x87 or SSE" },
	{ "dmesg: a huge size", DMESG, "2696", "99999999999999999999",
	  "line 4: not the" },
	{ "dmesg: half a place", DMESG, "xstate_sizes[9]:    8", "xstate_",
	  "line 3: not the place" },
	{ "dmesg: a place of two components", DMESG, "sizes[9]", "sizes[8]",
	  "line 3: not the place" },
	{ "dmesg: component 64", DMESG, "offset[9]: 2688, xstate_sizes[9]",
	  "offset[64]: 2688, xstate_sizes[64]", "line 3: not the place" },
	{ "dmesg: places that do not add up", DMESG, "2688", "2432",
	  "end at byte 2440" },
	{ "dmesg: a place in the FXSAVE image", DMESG, "  576", "  100",
	  "component 2 at 100" },
	{ "dmesg: a size of zero", DMESG, "  256\n", "    0\n",
	  "component 2 of 0" },
	{ "dmesg: XSAVE and no XSAVE", DMESG, "signal: max sigframe size: 3632",
	  "x86/fpu: x87 FPU will use FXSAVE", "and that it does not" },
	{ "dmesg: no mask at all", DMESG, "Enabled xstate features", "Enabled",
	  "\"Enabled xstate features\" is missing" },
	{ "dmesg: frames of no size", DMESG, "size: 3632", "size: large",
	  "line 5: not the size" },
	{ "dmesg: another mask of the same boot", DMESG,
	  "signal: max sigframe size: 3632", "x86/fpu: Enabled xstate "
	  "features 0x7, context size is 832 bytes, using 'standard' format.",
	  "line 5: other xstate features" },
};

/* The message is one line that names the input and the reason. */
static void assert_refused(const char *what, struct error *err,
			   const char *expected)
{
	if (!err)
		fail_msg("%s: accepted", what);

	const char *message = error_message(err);
	size_t size = strlen(what);

	if (strncmp(message, what, size) || strncmp(message + size, ": ", 2))
		fail_msg("%s: not named: %s", what, message);
	if (strchr(message, '\n'))
		fail_msg("%s: several lines: %s", what, message);
	if (!strstr(message + size, expected))
		fail_msg("%s: '%s' is not in: %s", what, expected, message);
	error_free(err);
}

static void refuse(const char *what, const char *text, size_t size,
		   const char *expected)
{
	/* an exact copy, so that a sanitizer sees a byte too far */
	char *copy = malloc(size ? size : 1);
	struct description *d = NULL;

	assert_non_null(copy);
	memcpy(copy, text, size);

	struct error *err = description_parse(what, copy, size, &d);

	if (!err)
		description_destroy(d);
	assert_refused(what, err, expected);
	free(copy);
}

static void texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		const char *base = edits[i].base;
		const char *at = strstr(base, edits[i].from);
		struct text t = TEXT_INIT;

		if (!at)
			fail_msg("%s: nothing to replace", edits[i].what);
		text_add_bytes(&t, base, (size_t)(at - base));
		text_add(&t, edits[i].to);
		text_add(&t, at + strlen(edits[i].from));
		refuse(edits[i].what, text_string(&t), t.size,
		       edits[i].expected);
		text_deinit(&t);
	}
}

/* What all the rows above were made of is good. */
static void bases(void **state)
{
	static const char *const all[] = {
		OWN, AIDA, AIDA_NO_PLACES, R, TYCHO, CPUINFO, LSCPU, JSON,
		DMESG,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		description_destroy(described(all[i], all[i],
					      strlen(all[i])));
}

#define NOTHING(text) text, sizeof(text) - 1

static void no_descriptions(void **state)
{
	static const struct {
		const char *what;
		const char *text;
		size_t size;
		const char *expected;
	} cases[] = {
		{ "empty", NOTHING(""), "empty" },
		{ "prose", NOTHING("It has many cores.\n"), "no description" },
		{ "a NUL", NOTHING("\0"), "no description" },
		{ "bytes", NOTHING("\xff\xfe\x00\x01\x80"), "no description" },
		{ "XML", NOTHING("<cpu><model/></cpu>"), "no description" },
		{ "other JSON", NOTHING("{\"cpu\": 1}"), "no description" },
		{ "own: a NUL in a value", NOTHING(
			"sigframe-inspect-cpu 1\nname: a\0b\n"),
		  "line 2: control characters" },
		{ "own: no version line", NOTHING("sigframe-inspect-cpu\n"),
		  "line 1: 'sigframe-inspect-cpu' is not" },
		{ "cpuinfo: a NUL in the flags", NOTHING(
			"vendor_id : X\nflags : lm fxsr\0 avx\n"),
		  "line 2: control characters" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refuse(cases[i].what, cases[i].text, cases[i].size,
		       cases[i].expected);
}

static void too_much(void **state)
{
	struct text t = TEXT_INIT;

	(void)state;
	text_add(&t, CPUINFO);
	text_pad(&t, '\n', DESCRIPTION_FILE_MAX);
	refuse("a large file", text_string(&t), t.size, "more than 16 MiB");

	text_clear(&t);
	text_add(&t, "vendor_id : GenuineIntel\nflags :");
	for (unsigned i = 0; i < 20000; i++)
		text_add(&t, " avx");
	refuse("many flags", text_string(&t), t.size, "more than 64 KiB");

	text_clear(&t);
	text_add(&t, AIDA);
	for (unsigned i = 0; i < 2000; i++)
		text_printf(&t, "CPUID 00000018: %08X-00000000-00000000-"
			    "00000000 [SL %X]\n", i, i);
	refuse("many leaves", text_string(&t), t.size, "more than 1024");

	text_clear(&t);
	text_add(&t, "{ \"lscpu\": ");
	for (unsigned i = 0; i < 100000; i++)
		text_add(&t, "[{\"children\":");
	refuse("deep", text_string(&t), t.size, "not JSON: nesting too deep");

	text_clear(&t);
	text_add(&t, "sigframe-inspect-cpu 1\nname: ");
	text_pad(&t, 'x', 1 << 20);
	refuse("a long line", text_string(&t), t.size, "line 2: name: more");
	text_deinit(&t);
}

#define MILAN_WORDS { 0x178bfbff, 0x2fd3fbff, 0, 0, 0x7eda320b, 0, 0x75c237ff, \
		      0, 0, 0x219c97a9, 0xf, 0x40069c, 0, 0, 0, 0, 0, 0, 0x10 }

static const struct criu_cpu milan = {
	2, MILAN_WORDS, 19, "EPYC", 0x205, 2440, 2440,
};

static void images(void **state)
{
	/* Bytes to cut off, and one to change; at 0 none is changed. */
	static const struct {
		const char *what;
		size_t keep;
		size_t at;
		uint8_t byte;
		const char *expected;
	} cases[] = {
		{ "criu: only a magic", 4, 0, 0, "truncated" },
		{ "criu: no record", 8, 0, 0, "has no record" },
		{ "criu: half a size", 10, 0, 0, "truncated at byte 10" },
		{ "criu: half a record", 40, 0, 0, "truncated at byte 40" },
		{ "criu: another image", SIZE_MAX, 4, 0x16, "another kind" },
		{ "criu: a record of 4 GiB", SIZE_MAX, 11, 0xff, "truncated" },
		{ "criu: a field longer than the record", SIZE_MAX, 13, 0xff,
		  "not a protocol buffer" },
		{ "criu: a wire type that is none", SIZE_MAX, 12, 0x0f,
		  "not a protocol buffer" },
		{ "criu: another architecture", SIZE_MAX, 12, 0x12,
		  "not of an x86 machine" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text t = TEXT_INIT;

		criu_image(&milan, 0, &t);
		if (cases[i].at)
			t.data[cases[i].at] = (char)cases[i].byte;
		if (!described_without_criu(text_string(&t), t.size))
			refuse(cases[i].what, text_string(&t),
			       cases[i].keep < t.size ? cases[i].keep : t.size,
			       cases[i].expected);
		text_deinit(&t);
	}
}

static void images_that_contradict(void **state)
{
	static const struct {
		const char *what;
		struct criu_cpu cpu;
		const char *expected;
	} cases[] = {
		{ "criu: few words", { 2, MILAN_WORDS, 11, "", 0x205, 2440 },
		  "11 words" },
		{ "criu: a size of no layout",
		  { 2, MILAN_WORDS, 19, "", 0x205, 2448 }, "2448 bytes" },
		{ "criu: a size of fewer components",
		  { 2, MILAN_WORDS, 19, "", 0x205, 832 }, "832 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text t = TEXT_INIT;

		criu_image(&cases[i].cpu, 0, &t);
		if (!described_without_criu(text_string(&t), t.size))
			refuse(cases[i].what, text_string(&t), t.size,
			       cases[i].expected);
		text_deinit(&t);
	}
}

static void files(void **state)
{
	const struct {
		const char *path;
		const char *expected;
	} cases[] = {
		{ scratch_path("nothing"), "No such file" },
		{ scratch_path("."), "Is a directory" },
		{ "/dev/zero", "more than 16 MiB" },
		{ "/dev/null", "empty" },
		{ scratch_write("elf", "\x7f" "ELF\2\1\1", 7), "" },
		{ scratch_write("half", "\x7f" "EL", 3), "no description" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct description *d = NULL;
		struct error *err = description_read(cases[i].path, &d);

		if (!err)
			description_destroy(d);
		assert_refused(cases[i].path, err, cases[i].expected);
	}
}

/* Whatever becomes of a file, it is read or refused in one line. */
static void mangle(const char *name, const char *text, size_t size,
		   struct random *r)
{
	struct description *d = NULL;
	struct text t = TEXT_INIT;
	char *copy = malloc(size);

	assert_non_null(copy);
	memcpy(copy, text, size);
	for (unsigned i = random_below(r, 8); i; i--)
		copy[random_below(r, (unsigned)size)] =
			(char)random_below(r, 256);
	if (random_below(r, 2))
		size = random_below(r, (unsigned)size);

	struct error *err = description_parse(name, copy, size, &d);

	if (err) {
		assert_refused(name, err, "");
	} else {
		own_write(d, &t);
		assert_false(text_bad(&t));
		description_destroy(d);
	}
	text_deinit(&t);
	free(copy);
}

static void mangled(void **state)
{
	static const char *const tables[][2] = {
		{ "expected.tsv", "" }, { "samples.tsv", "samples/" },
	};
	struct random r = random_of(1);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
		size_t size;
		CLEANUP_FREE char *table = described_file(tables[i][0], &size);

		for (char *row, *at = table; (row = strsep(&at, "\n"));) {
			char name[128];

			if (*row == '#' || !*row)
				continue;
			snprintf(name, sizeof(name), "%s%.*s", tables[i][1],
				 (int)strcspn(row, "\t"), row);

			CLEANUP_FREE char *text = described_file(name, &size);

			for (unsigned n = 0; n < 100; n++)
				mangle(name, text, size, &r);
		}
	}
}

static void mangled_images(void **state)
{
	struct random r = random_of(2);
	struct text t = TEXT_INIT;

	(void)state;
	criu_image(&milan, CRIU_UNKNOWN_FIELDS, &t);
	for (unsigned n = 0; n < 5000; n++)
		mangle("image", text_string(&t), t.size, &r);
	text_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bases),
		cmocka_unit_test(texts),
		cmocka_unit_test(no_descriptions),
		cmocka_unit_test(too_much),
		cmocka_unit_test(images),
		cmocka_unit_test(images_that_contradict),
		cmocka_unit_test(files),
		cmocka_unit_test(mangled),
		cmocka_unit_test(mangled_images),
	};

	return cmocka_run_group_tests(tests, scratch_setup,
				      scratch_teardown);
}
