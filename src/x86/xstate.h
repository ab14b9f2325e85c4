/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xstate.h - XSAVE state components, layouts and images */
#ifndef SIGFRAME_X86_XSTATE_H
#define SIGFRAME_X86_XSTATE_H

#include "base/bytes.h"

/* State components are numbered as the bits of XCR0 and XSTATE_BV. */
enum xstate_bit {
	XSTATE_X87 = 0,
	XSTATE_SSE = 1,
	XSTATE_AVX = 2,
	XSTATE_BNDREGS = 3,
	XSTATE_BNDCSR = 4,
	XSTATE_OPMASK = 5,
	XSTATE_ZMM_HI256 = 6,
	XSTATE_HI16_ZMM = 7,
	XSTATE_PKRU = 9,
	XSTATE_XTILECFG = 17,
	XSTATE_XTILEDATA = 18,
	XSTATE_APX = 19,
	XSTATE_MAX = 64,
};

#define XSTATE_BIT(n) (UINT64_C(1) << (n))
#define XSTATE_LEGACY (XSTATE_BIT(XSTATE_X87) | XSTATE_BIT(XSTATE_SSE))
/* User components that a task has only after asking for them: Linux 5.16+. */
#define XSTATE_DYNAMIC XSTATE_BIT(XSTATE_XTILEDATA)

/*
 * Byte offsets in an XSAVE image, all of them also offsets from the start of
 * the image in a signal frame (SDM vol. 1, 10.5.1 and 13.4).
 */
enum xstate_offset {
	XSTATE_FCW_OFF = 0,
	XSTATE_FSW_OFF = 2,
	XSTATE_FTW_OFF = 4,		/* abridged tag byte, bit set: in use */
	XSTATE_FOP_OFF = 6,
	XSTATE_FIP_OFF = 8,
	XSTATE_FDP_OFF = 16,
	XSTATE_MXCSR_OFF = 24,
	XSTATE_MXCSR_MASK_OFF = 28,
	XSTATE_ST_OFF = 32,		/* ST0..ST7, 16 bytes apart, 10 used */
	XSTATE_XMM_OFF = 160,		/* XMM0..XMM15, 16 bytes each */
	XSTATE_SW_OFF = 464,		/* struct xstate_sw in signal frames */
	XSTATE_FX_SIZE = 512,
	XSTATE_HEADER_OFF = 512,
	XSTATE_MIN_SIZE = 576,		/* FXSAVE area and XSAVE header */
};

/* One row per component that Linux or the SDM names; gaps have no name. */
struct xstate_component {
	const char *name;	/* stable: "avx", "opmask"; NULL: unassigned */
	const char *title;	/* for people */
	bool supervisor;	/* IA32_XSS: never in a user signal frame */
};

extern const struct xstate_component xstate_components[XSTATE_MAX];

/*
 * Where one CPU puts each component in the standard (non-compacted) format,
 * the only one that Linux writes to signal frames. Offsets and sizes in bytes
 * from the start of the image: CPUID.(EAX=0DH,ECX=n):EBX and EAX. Components
 * 0 and 1 are the parts of the FXSAVE area that belong to them.
 */
struct xstate_layout {
	uint64_t features;	/* bit n: offset[n] and size[n] are known */
	uint32_t offset[XSTATE_MAX];
	uint32_t size[XSTATE_MAX];
};

/*
 * Every CPU that has been looked at follows one of two layouts: Intel's, also
 * Zhaoxin's and Centaur's, or AMD's, also Hygon's (InstLatx64 dumps).
 */
enum xstate_family {
	XSTATE_FAMILY_UNKNOWN,	/* neither */
	XSTATE_FAMILY_INTEL,
	XSTATE_FAMILY_AMD,
	XSTATE_FAMILY_COMMON,	/* holds nothing in which the two differ */
};

/* "intel", "amd", "common" or "unknown". */
const char *xstate_family_name(enum xstate_family family);

/* The layout of a family; for COMMON what both share, for UNKNOWN nothing. */
const struct xstate_layout *xstate_family_layout(enum xstate_family family);

/* The family that agrees with `l` on each component of `features`. */
enum xstate_family xstate_layout_family(const struct xstate_layout *l,
					uint64_t features);

/*
 * Bytes that the standard format needs for `features`: the end of the
 * component with the highest offset, at least 576. 0 if the layout lacks one
 * of them, so that nobody computes with a size that is not known.
 */
uint32_t xstate_layout_size(const struct xstate_layout *l, uint64_t features);

/* The kernel's struct _fpx_sw_bytes (uapi/asm/sigcontext.h), not judged. */
struct xstate_sw {
	uint32_t magic1;
	uint32_t extended_size;	/* E: bytes from fpstate to behind MAGIC2 */
	uint64_t xfeatures;	/* Q: what the saving thread could have used */
	uint32_t xstate_size;	/* S: bytes of the XSAVE image alone */
};

#define XSTATE_MAGIC1 UINT32_C(0x46505853)
#define XSTATE_MAGIC2 UINT32_C(0x46505845)
#define XSTATE_MAGIC2_SIZE 4

/* False, *ret untouched, if the image ends before byte 484. */
bool xstate_sw_decode(struct bytes image, struct xstate_sw *ret);

/* XSAVE header, SDM vol. 1, 13.4.2; bytes 512..575 of the image. */
struct xstate_header {
	uint64_t xstate_bv;
	uint64_t xcomp_bv;
	/*
	 * Reserved bytes that are not zero: XRSTOR minds bytes 8..23 of the
	 * header (xcomp_bv included), Linux all from 16 on where it copies.
	 */
	bool reserved_16_23;
	bool reserved_24_63;
};

#define XCOMP_BV_COMPACTED (UINT64_C(1) << 63)

/* False, *ret untouched, if the image ends before byte 576. */
bool xstate_header_decode(struct bytes image, struct xstate_header *ret);

/*
 * Where the compacted form described by `xcomp_bv` puts each component, sizes
 * taken from `l` (SDM vol. 1, 13.4.3). `aligned` has a bit for each component
 * that starts on a multiple of 64 (CPUID.(0DH,n):ECX[1]).
 */
void xstate_compact(const struct xstate_layout *l, uint64_t xcomp_bv,
		    uint64_t aligned, struct xstate_layout *ret);

/* Components that the SDM aligns to 64 bytes in the compacted form. */
#define XSTATE_COMPACT_ALIGNED                                                 \
	(XSTATE_BIT(XSTATE_XTILECFG) | XSTATE_BIT(XSTATE_XTILEDATA))

/*
 * Where XCOMP_BV says that the image is compacted, nothing tells whether who
 * wrote that moved the components, too: is one of `in_use` elsewhere then?
 */
bool xstate_is_ambiguous(const struct xstate_layout *l, uint64_t xcomp_bv,
			 uint64_t in_use);

/*
 * Which layout wrote the frame: S has to be the size that Q needs.  `hint`, a
 * layout known for the machine that ran the process (NULL: none), is believed
 * where it fits; else whichever family fits, COMMON if both do.
 * *ret is that layout; on UNKNOWN the hint if it fits, else the components
 * both families agree on.
 */
enum xstate_family xstate_infer_layout(const struct xstate_sw *sw,
				       const struct xstate_layout *hint,
				       struct xstate_layout *ret);

#endif
