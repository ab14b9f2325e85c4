/* SPDX-License-Identifier: GPL-3.0-or-later */
/* extract.c - what of a component's bytes counts when images are compared */
#include "extract.h"

#include <string.h>

#include "child.h"

#define FCW_INIT 0x37f

size_t extract(unsigned i, const uint8_t *image, uint32_t offset,
	       uint32_t size, uint8_t *ret)
{
	size_t used = 5;

	switch (i) {
	case XSTATE_X87:
		/* FOP, FIP and FDP are not kept by every CPU */
		memcpy(ret, image, 5);
		for (unsigned st = 0; st < 8; st++, used += 10)
			memcpy(ret + used, image + XSTATE_ST_OFF + 16 * st, 10);
		return used;
	case XSTATE_SSE:
		memcpy(ret, image + XSTATE_XMM_OFF, 256);
		return 256;
	case XSTATE_BNDCSR:
		size = 16;
		break;
	case XSTATE_PKRU:
		size = 4;
		break;
	default:
		break;
	}
	memcpy(ret, image + offset, size);
	return size;
}

size_t extract_initial(unsigned i, uint32_t size, uint32_t pkru, uint8_t *ret)
{
	uint8_t image[CHILD_XSTATE] = { FCW_INIT & 0xff, FCW_INIT >> 8 };
	uint32_t offset = XSTATE_MIN_SIZE;

	if (i == XSTATE_PKRU)
		memcpy(image + offset, &pkru, sizeof(pkru));
	return extract(i, image, offset, size, ret);
}

size_t extract_state(unsigned i, const uint8_t *image,
		     const struct xstate_layout *l, bool xsave, uint8_t *ret)
{
	uint64_t bv = XSTATE_LEGACY;

	if (xsave)
		memcpy(&bv, image + XSTATE_HEADER_OFF, sizeof(bv));
	if (!(bv & XSTATE_BIT(i)))
		return extract_initial(i, l->size[i], 0, ret);
	return extract(i, image, l->offset[i], l->size[i], ret);
}
