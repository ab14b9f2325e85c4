/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xstate.c - XSAVE state components, layouts and images */
#include "x86/xstate.h"

#include "base/cleanup.h"

const struct xstate_component xstate_components[XSTATE_MAX] = {
	[XSTATE_X87]       = { "x87", "x87 FPU", false },
	[XSTATE_SSE]       = { "sse", "SSE (XMM registers)", false },
	[XSTATE_AVX]       = { "avx", "AVX (YMM upper halves)", false },
	[XSTATE_BNDREGS]   = { "bndregs", "MPX bound registers", false },
	[XSTATE_BNDCSR]    = { "bndcsr", "MPX configuration", false },
	[XSTATE_OPMASK]    = { "opmask", "AVX-512 mask registers", false },
	[XSTATE_ZMM_HI256] = { "zmm_hi256", "AVX-512 ZMM0-15 upper halves",
			       false },
	[XSTATE_HI16_ZMM]  = { "hi16_zmm", "AVX-512 ZMM16-31", false },
	[8]                = { "pt", "Processor Trace", true },
	[XSTATE_PKRU]      = { "pkru", "protection keys", false },
	[10]               = { "pasid", "PASID", true },
	[11]               = { "cet_u", "CET user state", true },
	[12]               = { "cet_s", "CET supervisor state", true },
	[13]               = { "hdc", "hardware duty cycling", true },
	[14]               = { "uintr", "user interrupts", true },
	[15]               = { "lbr", "last branch records", true },
	[16]               = { "hwp", "hardware P-states", true },
	[XSTATE_XTILECFG]  = { "xtilecfg", "AMX tile configuration", false },
	[XSTATE_XTILEDATA] = { "xtiledata", "AMX tile data", false },
	[XSTATE_APX]       = { "apx", "APX registers R16-R31", false },
	[62]               = { "lwp", "lightweight profiling", false },
};

/* The FXSAVE area is the same everywhere. */
#define LEGACY_OFFSETS [XSTATE_X87] = 0, [XSTATE_SSE] = XSTATE_XMM_OFF
#define LEGACY_SIZES [XSTATE_X87] = XSTATE_XMM_OFF, [XSTATE_SSE] = 256

static const struct xstate_layout family_layouts[] = {
	[XSTATE_FAMILY_UNKNOWN] = { .features = 0 },
	[XSTATE_FAMILY_INTEL] = {
		.features = 0x602ff | XSTATE_BIT(XSTATE_APX),
		.offset = {
			LEGACY_OFFSETS,
			[XSTATE_AVX] = 576,
			[XSTATE_BNDREGS] = 960,
			[XSTATE_BNDCSR] = 1024,
			[XSTATE_OPMASK] = 1088,
			[XSTATE_ZMM_HI256] = 1152,
			[XSTATE_HI16_ZMM] = 1664,
			[XSTATE_PKRU] = 2688,
			[XSTATE_XTILECFG] = 2752,
			[XSTATE_XTILEDATA] = 2816,
			[XSTATE_APX] = 960,	/* takes over MPX's place */
		},
		.size = {
			LEGACY_SIZES,
			[XSTATE_AVX] = 256,
			[XSTATE_BNDREGS] = 64,
			[XSTATE_BNDCSR] = 64,
			[XSTATE_OPMASK] = 64,
			[XSTATE_ZMM_HI256] = 512,
			[XSTATE_HI16_ZMM] = 1024,
			[XSTATE_PKRU] = 8,
			[XSTATE_XTILECFG] = 64,
			[XSTATE_XTILEDATA] = 8192,
			[XSTATE_APX] = 128,
		},
	},
	[XSTATE_FAMILY_AMD] = {
		.features = 0x2e7,
		.offset = {
			LEGACY_OFFSETS,
			[XSTATE_AVX] = 576,
			[XSTATE_OPMASK] = 832,
			[XSTATE_ZMM_HI256] = 896,
			[XSTATE_HI16_ZMM] = 1408,
			[XSTATE_PKRU] = 2432,
		},
		.size = {
			LEGACY_SIZES,
			[XSTATE_AVX] = 256,
			[XSTATE_OPMASK] = 64,
			[XSTATE_ZMM_HI256] = 512,
			[XSTATE_HI16_ZMM] = 1024,
			[XSTATE_PKRU] = 8,
		},
	},
	[XSTATE_FAMILY_COMMON] = {
		.features = 0x7,
		.offset = { LEGACY_OFFSETS, [XSTATE_AVX] = 576 },
		.size = { LEGACY_SIZES, [XSTATE_AVX] = 256 },
	},
};

const char *xstate_family_name(enum xstate_family family)
{
	static const char *const names[] = {
		[XSTATE_FAMILY_UNKNOWN] = "unknown",
		[XSTATE_FAMILY_INTEL] = "intel",
		[XSTATE_FAMILY_AMD] = "amd",
		[XSTATE_FAMILY_COMMON] = "common",
	};

	return names[family];
}

const struct xstate_layout *xstate_family_layout(enum xstate_family family)
{
	return &family_layouts[family];
}

/* True if both put every component of `features` in the same place. */
static bool layouts_agree(const struct xstate_layout *a,
			  const struct xstate_layout *b, uint64_t features)
{
	if (features & ~(a->features & b->features))
		return false;
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		if (!(features & XSTATE_BIT(i)))
			continue;
		if (a->offset[i] != b->offset[i] || a->size[i] != b->size[i])
			return false;
	}
	return true;
}

enum xstate_family xstate_layout_family(const struct xstate_layout *l,
					uint64_t features)
{
	bool intel = layouts_agree(l, &family_layouts[XSTATE_FAMILY_INTEL],
				   features);
	bool amd = layouts_agree(l, &family_layouts[XSTATE_FAMILY_AMD],
				 features);

	if (intel && amd)
		return XSTATE_FAMILY_COMMON;
	if (intel)
		return XSTATE_FAMILY_INTEL;
	return amd ? XSTATE_FAMILY_AMD : XSTATE_FAMILY_UNKNOWN;
}

uint32_t xstate_layout_size(const struct xstate_layout *l, uint64_t features)
{
	uint32_t end = XSTATE_MIN_SIZE;

	if (features & ~XSTATE_LEGACY & ~l->features)
		return 0;
	for (uint64_t left = features & ~XSTATE_LEGACY; left;
	     left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);

		if (l->offset[i] + l->size[i] > end)
			end = l->offset[i] + l->size[i];
	}
	return end;
}

bool xstate_sw_decode(struct bytes image, struct xstate_sw *ret)
{
	struct bytes b = bytes_from(image, XSTATE_SW_OFF);
	struct xstate_sw sw;

	if (!bytes_u32(b, 0, &sw.magic1) ||
	    !bytes_u32(b, 4, &sw.extended_size) ||
	    !bytes_u64(b, 8, &sw.xfeatures) ||
	    !bytes_u32(b, 16, &sw.xstate_size))
		return false;
	*ret = sw;
	return true;
}

bool xstate_header_decode(struct bytes image, struct xstate_header *ret)
{
	struct bytes b = bytes_from(image, XSTATE_HEADER_OFF);
	struct xstate_header header;

	if (!bytes_has(b, 0, XSTATE_MIN_SIZE - XSTATE_HEADER_OFF) ||
	    !bytes_u64(b, 0, &header.xstate_bv) ||
	    !bytes_u64(b, 8, &header.xcomp_bv))
		return false;
	header.reserved_16_23 = bytes_nonzero(b, 16, 8);
	header.reserved_24_63 = bytes_nonzero(b, 24, 40);
	*ret = header;
	return true;
}

void xstate_compact(const struct xstate_layout *l, uint64_t xcomp_bv,
		    uint64_t aligned, struct xstate_layout *ret)
{
	uint32_t next = XSTATE_MIN_SIZE;

	*ret = family_layouts[XSTATE_FAMILY_COMMON];
	ret->features = (l->features & xcomp_bv) | XSTATE_LEGACY;
	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		if (!(ret->features & XSTATE_BIT(i)))
			continue;
		if (aligned & XSTATE_BIT(i))
			next = (next + 63) & ~UINT32_C(63);
		ret->offset[i] = next;
		ret->size[i] = l->size[i];
		next += l->size[i];
	}
}

bool xstate_is_ambiguous(const struct xstate_layout *l, uint64_t xcomp_bv,
			 uint64_t in_use)
{
	struct xstate_layout compact;

	if (!(xcomp_bv & XCOMP_BV_COMPACTED))
		return false;
	xstate_compact(l, xcomp_bv, XSTATE_COMPACT_ALIGNED, &compact);
	for (unsigned i = XSTATE_AVX; i < XSTATE_MAX; i++)
		if ((in_use & XSTATE_BIT(i)) &&
		    (!(compact.features & XSTATE_BIT(i)) ||
		     compact.offset[i] != l->offset[i]))
			return true;
	return false;
}

enum xstate_family xstate_infer_layout(const struct xstate_sw *sw,
				       const struct xstate_layout *hint,
				       struct xstate_layout *ret)
{
	uint64_t q = sw->xfeatures;
	uint32_t s = sw->xstate_size;

	if (hint && s && xstate_layout_size(hint, q) == s) {
		*ret = *hint;
		return xstate_layout_family(hint, q | XSTATE_LEGACY);
	}

	const struct xstate_layout *intel =
		&family_layouts[XSTATE_FAMILY_INTEL];
	const struct xstate_layout *amd = &family_layouts[XSTATE_FAMILY_AMD];
	bool fits_intel = xstate_layout_size(intel, q) == s;
	bool fits_amd = xstate_layout_size(amd, q) == s;
	enum xstate_family family = XSTATE_FAMILY_UNKNOWN;

	if (s && fits_intel && fits_amd)
		family = XSTATE_FAMILY_COMMON;
	else if (s && fits_intel)
		family = XSTATE_FAMILY_INTEL;
	else if (s && fits_amd)
		family = XSTATE_FAMILY_AMD;
	*ret = family_layouts[family == XSTATE_FAMILY_UNKNOWN
				      ? XSTATE_FAMILY_COMMON
				      : family];
	return family;
}
