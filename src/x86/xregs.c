/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xregs.c - register values in an XSAVE image */
#include "x86/xregs.h"

#include "base/cleanup.h"

#define FCW_INIT 0x37f

/* struct _fpstate_32, arch/x86/include/uapi/asm/sigcontext.h */
enum header_offset {
	HEADER_CW = 0,
	HEADER_SW = 4,
	HEADER_TAG = 8,
	HEADER_IPOFF = 12,
	HEADER_CSSEL = 16,
	HEADER_FOP = 18,
	HEADER_DATAOFF = 20,
	HEADER_DATASEL = 24,
	HEADER_ST = 28,
};

const struct xregs_file xregs_files[XSTATE_MAX] = {
	[XSTATE_X87] = { "st", 0, 8, 16, XSTATE_ST_OFF, "" },
	[XSTATE_SSE] = { "xmm", 0, 16, 16, 0, "" },
	[XSTATE_AVX] = { "ymm", 0, 16, 16, 0, " upper halves" },
	[XSTATE_BNDREGS] = { "bnd", 0, 4, 16, 0, "" },
	[XSTATE_OPMASK] = { "k", 0, 8, 8, 0, "" },
	[XSTATE_ZMM_HI256] = { "zmm", 0, 16, 32, 0, " upper halves" },
	[XSTATE_HI16_ZMM] = { "zmm", 16, 16, 64, 0, "" },
	[XSTATE_APX] = { "r", 16, 16, 8, 0, "" },
};

static bool has(uint64_t mask, enum xstate_bit bit)
{
	return mask & XSTATE_BIT(bit);
}

/* `size` bytes at `off` of a component; zeros if it is not in use. */
static bool component_bytes(const struct xregs *x, enum xstate_bit bit,
			    uint32_t off, uint32_t size, void *ret)
{
	memset(ret, 0, size);
	if (!has(x->in_use, bit))
		return true;
	if (!has(x->layout.features, bit))
		return false;

	uint64_t at = (uint64_t)x->layout.offset[bit] + off;

	if (!bytes_has(x->image, at, size))
		return false;
	memcpy(ret, x->image.data + at, size);
	return true;
}

bool xregs_x87(const struct xregs *x, struct xregs_x87 *ret)
{
	struct bytes b = bytes_first(x->image, XSTATE_XMM_OFF);
	struct xregs_x87 r = { .fcw = FCW_INIT };
	uint64_t ftw;

	if (b.size < XSTATE_XMM_OFF)
		return false;
	if (has(x->in_use, XSTATE_X87)) {
		bytes_u16(b, XSTATE_FCW_OFF, &r.fcw);
		bytes_u16(b, XSTATE_FSW_OFF, &r.fsw);
		bytes_word(b, XSTATE_FTW_OFF, 1, &ftw);
		r.ftw = (uint8_t)ftw;
		bytes_u16(b, XSTATE_FOP_OFF, &r.fop);
		bytes_u64(b, XSTATE_FIP_OFF, &r.fip);
		bytes_u64(b, XSTATE_FDP_OFF, &r.fdp);
		for (unsigned i = 0; i < ARRAY_SIZE(r.st); i++)
			memcpy(r.st[i], b.data + XSTATE_ST_OFF + 16 * i,
			       XREGS_ST_SIZE);
	}
	*ret = r;
	return true;
}

bool xregs_x87_of_header(struct bytes header, struct xregs_x87 *ret)
{
	struct xregs_x87 r = { 0 };
	uint32_t fip = 0, fdp = 0;
	uint16_t tags = 0, fcs = 0, fds = 0;

	if (!bytes_has(header, HEADER_ST, sizeof(r.st)))
		return false;
	bytes_u16(header, HEADER_CW, &r.fcw);
	bytes_u16(header, HEADER_SW, &r.fsw);
	bytes_u16(header, HEADER_TAG, &tags);
	bytes_u32(header, HEADER_IPOFF, &fip);
	bytes_u16(header, HEADER_CSSEL, &fcs);
	bytes_u16(header, HEADER_FOP, &r.fop);
	bytes_u32(header, HEADER_DATAOFF, &fdp);
	bytes_u16(header, HEADER_DATASEL, &fds);
	r.fip = fip | (uint64_t)fcs << 32;
	r.fdp = fdp | (uint64_t)fds << 32;
	for (unsigned i = 0; i < ARRAY_SIZE(r.st); i++)
		if ((tags >> 2 * i & 3) != 3)	/* not empty */
			r.ftw |= (uint8_t)(1u << i);
	memcpy(r.st, header.data + HEADER_ST, sizeof(r.st));
	*ret = r;
	return true;
}

bool xregs_mxcsr(const struct xregs *x, uint32_t *ret)
{
	return bytes_u32(x->image, XSTATE_MXCSR_OFF, ret);
}

unsigned xregs_vectors(const struct xregs *x)
{
	return has(x->possible, XSTATE_HI16_ZMM) ? 32 : 16;
}

unsigned xregs_vector_width(const struct xregs *x)
{
	if (has(x->possible, XSTATE_ZMM_HI256))
		return 64;
	return has(x->possible, XSTATE_AVX) ? 32 : 16;
}

bool xregs_vector(const struct xregs *x, unsigned n,
		  uint8_t ret[XREGS_VECTOR_SIZE])
{
	memset(ret, 0, XREGS_VECTOR_SIZE);
	if (n >= 16)
		return component_bytes(x, XSTATE_HI16_ZMM, 64 * (n - 16), 64,
				       ret);
	return component_bytes(x, XSTATE_SSE, 16 * n, 16, ret) &&
	       component_bytes(x, XSTATE_AVX, 16 * n, 16, ret + 16) &&
	       component_bytes(x, XSTATE_ZMM_HI256, 32 * n, 32, ret + 32);
}

bool xregs_opmask(const struct xregs *x, unsigned n, uint64_t *ret)
{
	if (!has(x->possible, XSTATE_OPMASK))
		return false;
	return component_bytes(x, XSTATE_OPMASK, 8 * n, 8, ret);
}

bool xregs_pkru(const struct xregs *x, uint32_t *ret)
{
	if (!has(x->possible, XSTATE_PKRU))
		return false;
	return component_bytes(x, XSTATE_PKRU, 0, 4, ret);
}

bool xregs_nonzero(const struct xregs *x, unsigned bit)
{
	uint32_t off = x->layout.offset[bit];
	uint32_t size = x->layout.size[bit];

	if (!(x->layout.features & XSTATE_BIT(bit)))
		return false;
	return bytes_nonzero(x->image, off, size);
}

uint32_t xregs_nonzero_set(const struct xregs *x, unsigned bit)
{
	const struct xregs_file *f = &xregs_files[bit];
	uint32_t set = 0;

	if (!(x->layout.features & XSTATE_BIT(bit)))
		return 0;
	for (unsigned i = 0; i < f->count; i++)
		if (bytes_nonzero(x->image, (uint64_t)x->layout.offset[bit] +
						    f->start + f->size * i,
				  f->size))
			set |= UINT32_C(1) << i;
	return set;
}
