/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs.c - instruction set extensions that code is about to need */
#include "locate/needs.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "locate/decoder.h"
#include "x86/gprs.h"

/* Thousands of threads are interrupted in the same few places. */
enum { KNOWN_BITS = 8 };

struct known_needs {
	const struct code *code;	/* NULL: nothing */
	uint64_t pc;
	uint64_t cs;
	uint64_t needs;
};

struct needs {
	struct decoder decoder;
	struct known_needs known[1 << KNOWN_BITS];	/* by hashed pc */
};

/* Capstone's groups of instructions by extension. */
static const struct {
	uint8_t group;
	enum isa isa;
} groups[] = {
	{ X86_GRP_3DNOW, ISA_3DNOW },	  { X86_GRP_AES, ISA_AES },
	{ X86_GRP_ADX, ISA_ADX },	  { X86_GRP_AVX, ISA_AVX },
	{ X86_GRP_AVX2, ISA_AVX2 },	  { X86_GRP_AVX512, ISA_AVX512F },
	{ X86_GRP_BMI, ISA_BMI1 },	  { X86_GRP_BMI2, ISA_BMI2 },
	{ X86_GRP_F16C, ISA_F16C },	  { X86_GRP_FMA, ISA_FMA },
	{ X86_GRP_FMA4, ISA_FMA4 },	  { X86_GRP_FSGSBASE, ISA_FSGSBASE },
	{ X86_GRP_SHA, ISA_SHA_NI },	  { X86_GRP_SSE3, ISA_SSE3 },
	{ X86_GRP_SSE41, ISA_SSE4_1 },	  { X86_GRP_SSE42, ISA_SSE4_2 },
	{ X86_GRP_SSE4A, ISA_SSE4A },	  { X86_GRP_SSSE3, ISA_SSSE3 },
	{ X86_GRP_PCLMUL, ISA_PCLMULQDQ }, { X86_GRP_XOP, ISA_XOP },
	{ X86_GRP_CDI, ISA_AVX512CD },	  { X86_GRP_ERI, ISA_AVX512ER },
	{ X86_GRP_TBM, ISA_TBM },	  { X86_GRP_DQI, ISA_AVX512DQ },
	{ X86_GRP_BWI, ISA_AVX512BW },	  { X86_GRP_PFI, ISA_AVX512PF },
	{ X86_GRP_VLX, ISA_AVX512VL },
};

/* Behind these, other code goes on. */
static const uint8_t block_ends[] = {
	X86_GRP_JUMP, X86_GRP_CALL, X86_GRP_RET, X86_GRP_INT, X86_GRP_IRET,
};

struct error *needs_create(struct needs **ret)
{
	struct needs *n = calloc(1, sizeof(*n));

	if (!n)
		return &error_no_memory;
	decoder_init(&n->decoder, CS_OPT_DETAIL, CS_OPT_ON);
	*ret = n;
	return NULL;
}

void needs_destroy(struct needs *n)
{
	if (!n)
		return;
	decoder_deinit(&n->decoder);
	free(n);
}

static bool in_groups(const cs_insn *insn, uint8_t group)
{
	for (unsigned i = 0; i < insn->detail->groups_count; i++)
		if (insn->detail->groups[i] == group)
			return true;
	return false;
}

static uint64_t needs_of_groups(const cs_insn *insn)
{
	uint64_t needs = 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (in_groups(insn, groups[i].group))
			needs |= ISA_BIT(groups[i].isa);
	return needs;
}

static bool ends_block(const cs_insn *insn)
{
	for (size_t i = 0; i < ARRAY_SIZE(block_ends); i++)
		if (in_groups(insn, block_ends[i]))
			return true;
	return false;
}

/*
 * Of instructions that are newer than the disassembler: three-byte VEX with
 * map 0F38 and the opcodes of AMX, REX2, and EVEX. 64-bit code only: in
 * 32-bit code these bytes mean other instructions as well.
 */
static uint64_t needs_of_prefix(const uint8_t *b, size_t size)
{
	static const uint8_t amx[] = { 0x49, 0x4b, 0x5c, 0x5e, 0x6c };

	if (size >= 4 && b[0] == 0xc4 && (b[1] & 0x1f) == 2)
		for (size_t i = 0; i < sizeof(amx); i++)
			if (b[3] == amx[i])
				return ISA_BIT(ISA_AMX_TILE);
	if (size >= 2 && b[0] == 0xd5)
		return ISA_BIT(ISA_APX_F);
	if (size >= 6 && b[0] == 0x62)
		return ISA_BIT(ISA_AVX512F);
	return 0;
}

static uint64_t find_needs(struct needs *n, struct code *code, uint64_t pc,
			   uint64_t cs)
{
	uint64_t needs = 0;

	for (unsigned i = 0; i < NEEDS_INSTRUCTIONS; i++) {
		uint8_t raw[DECODER_INSTRUCTION_MAX];
		const uint8_t *at = raw;
		uint64_t addr = pc;
		enum run_end end;
		size_t size = code_read(code, pc, raw, sizeof(raw), &end);
		size_t left = size;
		const cs_insn *insn;

		if (!size)
			break;
		insn = decoder_next(&n->decoder, cs, &at, &left, &addr);
		if (!insn) {
			if (cs != X86_USER32_CS)
				needs |= needs_of_prefix(raw, size);
			break;
		}
		needs |= needs_of_groups(insn);
		if (ends_block(insn) || addr <= pc)
			break;
		pc = addr;
	}
	return needs;
}

uint64_t needs_of(struct needs *n, struct code *code, uint64_t pc,
		  uint64_t cs)
{
	struct known_needs *k = &n->known[hash_place(pc ^ cs, KNOWN_BITS)];

	if (k->code != code || k->pc != pc || k->cs != cs)
		*k = (struct known_needs){ code, pc, cs,
					   find_needs(n, code, pc, cs) };
	return k->needs;
}
