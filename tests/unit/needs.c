/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs.c - instruction set extensions of code, told by its bytes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "locate/needs.h"

#define CODE UINT64_C(0x401000)

struct code_bytes {
	const uint8_t *data;
	size_t size;
};

static size_t read_bytes(const struct snapshot *s, uint64_t addr, void *buf,
			 size_t size)
{
	const struct code_bytes *b = s->source;

	if (addr < CODE || addr - CODE >= b->size)
		return 0;
	if (size > b->size - (addr - CODE))
		size = b->size - (addr - CODE);
	memcpy(buf, b->data + (addr - CODE), size);
	return size;
}

static const struct snapshot_ops ops = { .read = read_bytes };

/* Encodings by SDM and APM, each followed by what ends the block. */
static const struct {
	const char *what;
	uint8_t code[24];
	uint64_t needs;		/* all of these at least */
	uint64_t not_needed;
	uint64_t cs;
} cases[] = {
	{ "nop; ret", { 0x90, 0xc3 }, 0, UINT64_MAX },
	{ "movaps %xmm1,%xmm0", { 0x0f, 0x28, 0xc1, 0xc3 }, 0, UINT64_MAX },
	{ "vaddps %ymm2,%ymm1,%ymm0", { 0xc5, 0xf4, 0x58, 0xc2, 0xc3 },
	  ISA_BIT(ISA_AVX), ISA_BIT(ISA_AVX2) | ISA_BIT(ISA_AVX512F) },
	{ "vpaddd %ymm2,%ymm1,%ymm0", { 0xc5, 0xf5, 0xfe, 0xc2, 0xc3 },
	  ISA_BIT(ISA_AVX2), ISA_BIT(ISA_AVX512F) },
	{ "vpaddd %zmm3,%zmm4,%zmm4",
	  { 0x62, 0xf1, 0x5d, 0x48, 0xfe, 0xe3, 0xc3 },
	  ISA_BIT(ISA_AVX512F), 0 },
	{ "vfmadd231ps %ymm2,%ymm1,%ymm0",
	  { 0xc4, 0xe2, 0x75, 0xb8, 0xc2, 0xc3 }, ISA_BIT(ISA_FMA), 0 },
	{ "andn %eax,%ebx,%ecx", { 0xc4, 0xe2, 0x60, 0xf2, 0xc8, 0xc3 },
	  ISA_BIT(ISA_BMI1), ISA_BIT(ISA_AVX) },
	{ "insertq", { 0xf2, 0x0f, 0x79, 0xc1, 0xc3 }, ISA_BIT(ISA_SSE4A), 0 },
	{ "vfmaddps (FMA4)", { 0xc4, 0xe3, 0x71, 0x68, 0xc2, 0x30, 0xc3 },
	  ISA_BIT(ISA_FMA4), 0 },
	{ "vphaddbw (XOP)", { 0x8f, 0xe9, 0x78, 0xc1, 0xc1, 0xc3 },
	  ISA_BIT(ISA_XOP), 0 },
	{ "ldtilecfg (%rax)", { 0xc4, 0xe2, 0x78, 0x49, 0x00, 0xc3 },
	  ISA_BIT(ISA_AMX_TILE), 0 },
	{ "tdpbssd", { 0xc4, 0xe2, 0x73, 0x5e, 0xd0, 0xc3 },
	  ISA_BIT(ISA_AMX_TILE), 0 },
	{ "REX2 mov", { 0xd5, 0x18, 0x89, 0xc0, 0xc3 }, ISA_BIT(ISA_APX_F),
	  0 },
	{ "later in the block",
	  { 0x90, 0x90, 0x48, 0x89, 0xc3, 0xc5, 0xf4, 0x58, 0xc2, 0xc3 },
	  ISA_BIT(ISA_AVX), 0 },
	{ "behind the block's end", { 0xc3, 0xc5, 0xf4, 0x58, 0xc2, 0xc3 }, 0,
	  UINT64_MAX },
	{ "behind a jump", { 0xeb, 0x10, 0xc5, 0xf4, 0x58, 0xc2, 0xc3 }, 0,
	  UINT64_MAX },
	/* these bytes are "les" and "aad" in 32-bit code */
	{ "no AMX in 32-bit code", { 0xc4, 0x02, 0x78, 0x49, 0xc3 }, 0,
	  UINT64_MAX, X86_USER32_CS },
	{ "no APX in 32-bit code", { 0xd5, 0x18, 0xc3 }, 0, UINT64_MAX,
	  X86_USER32_CS },
};

static uint64_t needs_at(const uint8_t *code, size_t size, uint64_t pc,
			 uint64_t cs)
{
	struct code_bytes bytes = { code, size };
	struct snapshot s = { .ops = &ops, .source = &bytes };
	struct code *reader = code_create(&s);
	struct needs *n = NULL;

	assert_non_null(reader);
	assert_null(needs_create(&n));
	uint64_t needs = needs_of(n, reader, pc, cs);

	needs_destroy(n);
	code_destroy(reader);
	return needs;
}

static void encodings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t got = needs_at(cases[i].code, sizeof(cases[i].code),
					CODE, cases[i].cs ? cases[i].cs
							  : X86_USER_CS);

		if ((got & cases[i].needs) != cases[i].needs ||
		    (got & cases[i].not_needed & ~cases[i].needs))
			fail_msg("%s: %#llx", cases[i].what,
				 (unsigned long long)got);
	}
}

/* Nothing there, cut short, or at the end of the address space. */
static void missing(void **state)
{
	static const uint8_t evex[] = { 0x62, 0xf1 };

	(void)state;
	assert_int_equal(needs_at(evex, 0, CODE, X86_USER_CS), 0);
	assert_int_equal(needs_at(evex, sizeof(evex), CODE, X86_USER_CS), 0);
	assert_int_equal(needs_at(evex, 2, UINT64_MAX, X86_USER_CS), 0);
	assert_int_equal(needs_at(evex, 2, 0, X86_USER_CS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodings),
		cmocka_unit_test(missing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("needs", tests, NULL, NULL);
}
