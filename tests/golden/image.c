/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image.c - XSAVE images as certain CPUs write them to signal frames */
#include "image.h"

#include "base/cleanup.h"

static const struct image_cpu cpus[] = {
	{ "Haswell", false, 0x7, 0x7, 832, 832, 1776 },
	{ "Skylake-Client", false, 0x1f, 0x1f, 1088, 1088, 2032 },
	{ "Skylake-Server", false, 0x2ff, 0x2ff, 2696, 2696, 3632 },
	{ "Icelake-Server", false, 0x2e7, 0x2e7, 2696, 2696, 3632 },
	{ "AlderLake", false, 0x207, 0x207, 2696, 2696, 3632 },
	{ "SapphireRapids", false, 0x602e7, 0x202e7, 2816, 11008, 11952 },
	{ "SapphireRapids,+amx", false, 0x602e7, 0x602e7, 11008, 11008, 11952 },
	{ "EPYC-Rome", true, 0x7, 0x7, 832, 832, 1776 },
	{ "EPYC-Milan", true, 0x207, 0x207, 2440, 2440, 3376 },
	{ "EPYC-Genoa", true, 0x2e7, 0x2e7, 2440, 2440, 3376 },
	{ "EPYC-Genoa,-pku", true, 0xe7, 0xe7, 2432, 2432, 3376 },
};

static const struct {
	uint8_t bit;
	uint16_t size;
	uint16_t intel, amd;	/* offsets; 0: there is none */
} components[] = {
	{ 2, 256, 576, 576 },	{ 3, 64, 960, 0 },     { 4, 64, 1024, 0 },
	{ 5, 64, 1088, 832 },	{ 6, 512, 1152, 896 }, { 7, 1024, 1664, 1408 },
	{ 9, 8, 2688, 2432 },	{ 17, 64, 2752, 0 },   { 18, 8192, 2816, 0 },
};

#define XTILE (XSTATE_BIT(XSTATE_XTILECFG) | XSTATE_BIT(XSTATE_XTILEDATA))

const struct image_cpu *image_cpu(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++)
		if (!strcmp(cpus[i].name, name))
			return &cpus[i];
	return NULL;
}

static void put(uint8_t *at, uint64_t value, unsigned width)
{
	uint64_t raw = htole64(value);

	memcpy(at, &raw, width);
}

/* A palette and eight tiles of 16 rows of 64 bytes. */
static void write_tile_config(uint8_t *at)
{
	memset(at, 0, 64);
	at[0] = 1;
	for (unsigned tile = 0; tile < 8; tile++) {
		put(at + 16 + 2 * tile, 64, 2);
		at[48 + tile] = 16;
	}
}

static void write_component(uint8_t *at, unsigned bit, unsigned size,
			    bool in_use)
{
	memset(at, 0, size);
	if (!in_use)
		return;
	if (bit == XSTATE_PKRU) {
		put(at, 0x55555554, 4);	/* what Linux gives every task */
	} else if (bit == XSTATE_XTILECFG) {
		write_tile_config(at);
	} else {
		for (unsigned i = 0; i < size; i++)
			at[i] = (uint8_t)(bit << 4 | (i / 16 & 15));
	}
}

/* ST0 is 1.0, XMM n is full of the digit n. */
static void write_legacy(const struct image_cpu *cpu, uint8_t *image)
{
	memset(image, 0, XSTATE_FX_SIZE - 96);
	put(image + XSTATE_FCW_OFF, 0x37f, 2);
	put(image + XSTATE_FSW_OFF, 0x3800, 2);
	put(image + XSTATE_FTW_OFF, 0x80, 1);
	put(image + XSTATE_MXCSR_OFF, 0x1f80, 4);
	put(image + XSTATE_MXCSR_MASK_OFF, cpu->amd ? 0x2ffff : 0xffff, 4);
	put(image + XSTATE_ST_OFF, UINT64_C(1) << 63, 8);
	put(image + XSTATE_ST_OFF + 8, 0x3fff, 2);
	for (unsigned n = 0; n < 16; n++)
		memset(image + XSTATE_XMM_OFF + 16 * n, (int)(n << 4 | n), 16);
}

static void write_header(uint8_t *image, uint64_t bv)
{
	memset(image + XSTATE_HEADER_OFF, 0, 64);
	put(image + XSTATE_HEADER_OFF, bv, 8);
}

void image_write(const struct image_cpu *cpu, uint64_t in_use, uint8_t *ret)
{
	write_legacy(cpu, ret);
	memset(ret + XSTATE_SW_OFF, 0, 48);
	put(ret + XSTATE_SW_OFF, XSTATE_MAGIC1, 4);
	put(ret + XSTATE_SW_OFF + 4, cpu->size + 4, 4);
	put(ret + XSTATE_SW_OFF + 8, cpu->features, 8);
	put(ret + XSTATE_SW_OFF + 16, cpu->size, 4);
	/* the kernel marks x87 and SSE in any case */
	write_header(ret, in_use | XSTATE_LEGACY);
	for (size_t i = 0; i < ARRAY_SIZE(components); i++) {
		uint64_t bit = XSTATE_BIT(components[i].bit);
		/* tiles without content are not written: 30d02551ba4f */
		uint64_t skipped = XTILE & ~in_use;

		if (cpu->features & bit & ~skipped)
			write_component(ret + (cpu->amd ? components[i].amd
							: components[i].intel),
					components[i].bit, components[i].size,
					in_use & bit);
	}
	put(ret + cpu->size, XSTATE_MAGIC2, 4);
}

void image_write_note(const struct image_cpu *cpu, uint8_t *ret)
{
	memset(ret, 0, cpu->max_size);
	put(ret + XSTATE_FCW_OFF, 0x37f, 2);
	put(ret + XSTATE_MXCSR_OFF, 0x1f80, 4);
	put(ret + XSTATE_SW_OFF, cpu->xcr0, 8);
}

void image_layout(const struct image_cpu *cpu, struct xstate_layout *ret)
{
	*ret = (struct xstate_layout){ .features = cpu->xcr0 };
	for (size_t i = 0; i < ARRAY_SIZE(components); i++) {
		unsigned bit = components[i].bit;

		if (!(cpu->xcr0 & XSTATE_BIT(bit)))
			continue;
		ret->offset[bit] = cpu->amd ? components[i].amd
					    : components[i].intel;
		ret->size[bit] = components[i].size;
	}
}
