/* SPDX-License-Identifier: GPL-3.0-or-later */
/* isa.h - instruction set extensions that code may need and a CPU may lack */
#ifndef SIGFRAME_X86_ISA_H
#define SIGFRAME_X86_ISA_H

#include <stdbool.h>
#include <stdint.h>

/* One row of isa_table[] each; the names there are those of /proc/cpuinfo. */
enum isa {
	ISA_SSE3, ISA_SSSE3, ISA_SSE4_1, ISA_SSE4_2, ISA_SSE4A, ISA_POPCNT,
	ISA_LZCNT, ISA_MOVBE, ISA_CX16, ISA_AES, ISA_PCLMULQDQ, ISA_RDRAND,
	ISA_RDSEED, ISA_F16C, ISA_FMA, ISA_FMA4, ISA_XOP, ISA_TBM, ISA_BMI1,
	ISA_BMI2, ISA_ADX, ISA_SHA_NI, ISA_FSGSBASE, ISA_MPX, ISA_PKU,
	ISA_XSAVE, ISA_XSAVEC, ISA_AVX, ISA_AVX2, ISA_AVX_VNNI, ISA_GFNI,
	ISA_VAES, ISA_VPCLMULQDQ, ISA_AVX512F, ISA_AVX512DQ, ISA_AVX512BW,
	ISA_AVX512VL, ISA_AVX512CD, ISA_AVX512ER, ISA_AVX512PF,
	ISA_AVX512IFMA, ISA_AVX512VBMI, ISA_AVX512_VBMI2, ISA_AVX512_VNNI,
	ISA_AVX512_BITALG, ISA_AVX512_VPOPCNTDQ, ISA_AVX512_BF16,
	ISA_AVX512_FP16, ISA_AMX_TILE, ISA_AMX_INT8, ISA_AMX_BF16, ISA_APX_F,
	ISA_SHSTK, ISA_LA57, ISA_3DNOW, ISA_MISALIGNSSE,
	ISA_COUNT,	/* at most 64 */
};

#define ISA_BIT(n) (UINT64_C(1) << (n))

enum isa_register { ISA_EAX, ISA_EBX, ISA_ECX, ISA_EDX };

struct isa_row {
	const char *name;	/* /proc/cpuinfo's: "avx512f", "amx_tile" */
	const char *alias;	/* QEMU's where it differs: "amx-tile", or NULL */
	uint32_t leaf;		/* CPUID leaf, sub-leaf, register and bit */
	uint32_t subleaf;
	enum isa_register reg;
	uint8_t bit;
	uint64_t needs;		/* ISA_BIT()s without which it is not */
};

extern const struct isa_row isa_table[ISA_COUNT];

/* What a CPU has, as far as that is known. */
struct isa_set {
	uint64_t known;		/* ISA_BIT()s that are decided */
	uint64_t has;		/* subset of known */
};

/* By name or alias, ignoring case and taking '-', '_' and '.' as the same. */
bool isa_find(const char *name, enum isa *ret);

/*
 * The user components that Linux enables on a CPU with these extensions
 * (fpu__init_system_xstate(), arch/x86/kernel/fpu/xstate.c): AVX for 2, MPX
 * for 3 and 4, AVX512F for 5 to 7, PKU for 9, AMX_TILE for 17 and 18, APX_F
 * for 19; 0 without XSAVE.
 */
uint64_t isa_xfeatures(uint64_t has);

#endif
