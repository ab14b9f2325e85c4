/* SPDX-License-Identifier: GPL-3.0-or-later */
/* isa.c - instruction set extensions that code may need and a CPU may lack */
#include "x86/isa.h"

#include "base/cleanup.h"
#include "x86/xstate.h"

#define B(x) ISA_BIT(ISA_##x)

/* Everything that an extension rests on, down to XSAVE. */
#define NEEDS_XSAVE B(XSAVE)
#define NEEDS_AVX (NEEDS_XSAVE | B(AVX))
#define NEEDS_AVX2 (NEEDS_AVX | B(AVX2))
#define NEEDS_AVX512 (NEEDS_AVX2 | B(AVX512F))
#define NEEDS_AVX512VL (NEEDS_AVX512 | B(AVX512VL))
#define NEEDS_AVX512BW (NEEDS_AVX512 | B(AVX512BW))
#define NEEDS_AMX (NEEDS_XSAVE | B(AMX_TILE))

#define ROW(isa_, name_, alias_, leaf_, subleaf_, reg_, bit_, needs_)          \
	[ISA_##isa_] = {                                                       \
		.name = name_, .alias = alias_, .leaf = leaf_,                 \
		.subleaf = subleaf_, .reg = ISA_##reg_, .bit = bit_,           \
		.needs = needs_,                                               \
	}

/*
 * Places: SDM vol. 2, CPUID; APM vol. 3, appendix E. What needs what:
 * cpuid_deps[], arch/x86/kernel/cpu/cpuid-deps.c.
 */
const struct isa_row isa_table[ISA_COUNT] = {
	ROW(SSE3, "pni", "sse3", 1, 0, ECX, 0, 0),
	ROW(SSSE3, "ssse3", NULL, 1, 0, ECX, 9, 0),
	ROW(SSE4_1, "sse4_1", NULL, 1, 0, ECX, 19, 0),
	ROW(SSE4_2, "sse4_2", NULL, 1, 0, ECX, 20, 0),
	ROW(SSE4A, "sse4a", NULL, 0x80000001, 0, ECX, 6, 0),
	ROW(POPCNT, "popcnt", NULL, 1, 0, ECX, 23, 0),
	ROW(LZCNT, "abm", "lzcnt", 0x80000001, 0, ECX, 5, 0),
	ROW(MOVBE, "movbe", NULL, 1, 0, ECX, 22, 0),
	ROW(CX16, "cx16", NULL, 1, 0, ECX, 13, 0),
	ROW(AES, "aes", NULL, 1, 0, ECX, 25, 0),
	ROW(PCLMULQDQ, "pclmulqdq", "pclmuldq", 1, 0, ECX, 1, 0),
	ROW(RDRAND, "rdrand", NULL, 1, 0, ECX, 30, 0),
	ROW(RDSEED, "rdseed", NULL, 7, 0, EBX, 18, 0),
	ROW(F16C, "f16c", NULL, 1, 0, ECX, 29, NEEDS_AVX),
	ROW(FMA, "fma", NULL, 1, 0, ECX, 12, NEEDS_AVX),
	ROW(FMA4, "fma4", NULL, 0x80000001, 0, ECX, 16, NEEDS_AVX),
	ROW(XOP, "xop", NULL, 0x80000001, 0, ECX, 11, NEEDS_AVX),
	ROW(TBM, "tbm", NULL, 0x80000001, 0, ECX, 21, 0),
	ROW(BMI1, "bmi1", NULL, 7, 0, EBX, 3, 0),
	ROW(BMI2, "bmi2", NULL, 7, 0, EBX, 8, 0),
	ROW(ADX, "adx", NULL, 7, 0, EBX, 19, 0),
	ROW(SHA_NI, "sha_ni", NULL, 7, 0, EBX, 29, 0),
	ROW(FSGSBASE, "fsgsbase", NULL, 7, 0, EBX, 0, 0),
	ROW(MPX, "mpx", NULL, 7, 0, EBX, 14, NEEDS_XSAVE),
	ROW(PKU, "pku", NULL, 7, 0, ECX, 3, NEEDS_XSAVE),
	ROW(XSAVE, "xsave", NULL, 1, 0, ECX, 26, 0),
	ROW(XSAVEC, "xsavec", NULL, 0xd, 1, EAX, 1, NEEDS_XSAVE),
	ROW(AVX, "avx", NULL, 1, 0, ECX, 28, NEEDS_XSAVE),
	ROW(AVX2, "avx2", NULL, 7, 0, EBX, 5, NEEDS_AVX),
	ROW(AVX_VNNI, "avx_vnni", NULL, 7, 1, EAX, 4, NEEDS_AVX),
	ROW(GFNI, "gfni", NULL, 7, 0, ECX, 8, 0),
	ROW(VAES, "vaes", NULL, 7, 0, ECX, 9, NEEDS_AVX),
	ROW(VPCLMULQDQ, "vpclmulqdq", NULL, 7, 0, ECX, 10, NEEDS_AVX),
	ROW(AVX512F, "avx512f", NULL, 7, 0, EBX, 16, NEEDS_AVX2),
	ROW(AVX512DQ, "avx512dq", NULL, 7, 0, EBX, 17, NEEDS_AVX512),
	ROW(AVX512BW, "avx512bw", NULL, 7, 0, EBX, 30, NEEDS_AVX512),
	ROW(AVX512VL, "avx512vl", NULL, 7, 0, EBX, 31, NEEDS_AVX512),
	ROW(AVX512CD, "avx512cd", NULL, 7, 0, EBX, 28, NEEDS_AVX512),
	ROW(AVX512ER, "avx512er", NULL, 7, 0, EBX, 27, NEEDS_AVX512),
	ROW(AVX512PF, "avx512pf", NULL, 7, 0, EBX, 26, NEEDS_AVX512),
	ROW(AVX512IFMA, "avx512ifma", NULL, 7, 0, EBX, 21, NEEDS_AVX512),
	ROW(AVX512VBMI, "avx512vbmi", NULL, 7, 0, ECX, 1, NEEDS_AVX512),
	ROW(AVX512_VBMI2, "avx512_vbmi2", "avx512vbmi2", 7, 0, ECX, 6,
	    NEEDS_AVX512VL),
	ROW(AVX512_VNNI, "avx512_vnni", "avx512vnni", 7, 0, ECX, 11,
	    NEEDS_AVX512VL),
	ROW(AVX512_BITALG, "avx512_bitalg", "avx512bitalg", 7, 0, ECX, 12,
	    NEEDS_AVX512VL),
	/* Knights Mill has it without VL */
	ROW(AVX512_VPOPCNTDQ, "avx512_vpopcntdq", "avx512vpopcntdq", 7, 0,
	    ECX, 14, NEEDS_AVX512),
	ROW(AVX512_BF16, "avx512_bf16", "avx512bf16", 7, 1, EAX, 5,
	    NEEDS_AVX512VL),
	ROW(AVX512_FP16, "avx512_fp16", "avx512fp16", 7, 0, EDX, 23,
	    NEEDS_AVX512BW),
	ROW(AMX_TILE, "amx_tile", NULL, 7, 0, EDX, 24, NEEDS_XSAVE),
	ROW(AMX_INT8, "amx_int8", NULL, 7, 0, EDX, 25, NEEDS_AMX),
	ROW(AMX_BF16, "amx_bf16", NULL, 7, 0, EDX, 22, NEEDS_AMX),
	/* Linux does not print it */
	ROW(APX_F, "apx", "apxf", 7, 1, EDX, 21, NEEDS_XSAVE),
	ROW(SHSTK, "user_shstk", "shstk", 7, 0, ECX, 7, NEEDS_XSAVE),
	ROW(LA57, "la57", NULL, 7, 0, ECX, 16, 0),
	ROW(3DNOW, "3dnow", NULL, 0x80000001, 0, EDX, 31, 0),
	ROW(MISALIGNSSE, "misalignsse", NULL, 0x80000001, 0, ECX, 7, 0),
};

_Static_assert(ISA_COUNT <= 64, "a set of extensions is one word");

/* Components and the extension that Linux wants to see for them. */
static const struct {
	uint64_t components;
	uint64_t extension;
} enabled_by[] = {
	{ XSTATE_BIT(XSTATE_AVX), B(AVX) },
	{ XSTATE_BIT(XSTATE_BNDREGS) | XSTATE_BIT(XSTATE_BNDCSR), B(MPX) },
	{ XSTATE_BIT(XSTATE_OPMASK) | XSTATE_BIT(XSTATE_ZMM_HI256) |
		  XSTATE_BIT(XSTATE_HI16_ZMM), B(AVX512F) },
	{ XSTATE_BIT(XSTATE_PKRU), B(PKU) },
	{ XSTATE_BIT(XSTATE_XTILECFG) | XSTATE_BIT(XSTATE_XTILEDATA),
	  B(AMX_TILE) },
	{ XSTATE_BIT(XSTATE_APX), B(APX_F) },
};

/* The character as names are compared; not tolower(), which asks the locale. */
static char plain(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if (c == '-' || c == '.')
		return '_';
	return c;
}

static bool same_name(const char *a, const char *b)
{
	while (*a && plain(*a) == plain(*b)) {
		a++;
		b++;
	}
	return plain(*a) == plain(*b);
}

bool isa_find(const char *name, enum isa *ret)
{
	for (unsigned i = 0; i < ISA_COUNT; i++) {
		const struct isa_row *row = &isa_table[i];

		if (!same_name(name, row->name) &&
		    (!row->alias || !same_name(name, row->alias)))
			continue;
		*ret = (enum isa)i;
		return true;
	}
	return false;
}

uint64_t isa_xfeatures(uint64_t has)
{
	uint64_t features = XSTATE_LEGACY;

	if (!(has & B(XSAVE)))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(enabled_by); i++)
		if (has & enabled_by[i].extension)
			features |= enabled_by[i].components;
	return features;
}
