/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xvalue.c - the registers of a state component as a value to compare */
#include "x86/xvalue.h"

#include "base/cleanup.h"

#define FCW_INIT 0x37f
/* FCW: those there are; 6 always reads 1. FSW: ES and B follow from others. */
#define FCW_KEPT 0x1f3f
#define FSW_KEPT 0x7f7f

size_t xvalue_size(unsigned component, uint32_t size)
{
	if (component == XSTATE_PKRU)
		return 4;
	if (component == XSTATE_BNDCSR)
		return 16;
	return size;
}

void xvalue_x87(const struct xregs_x87 *x87, struct xvalue *ret)
{
	uint16_t fcw = x87->fcw & FCW_KEPT;
	uint16_t fsw = x87->fsw & FSW_KEPT;

	ret->known = true;
	ret->size = XSTATE_XMM_OFF;
	memset(ret->bytes, 0, XSTATE_XMM_OFF);
	memcpy(ret->bytes + XSTATE_FCW_OFF, &fcw, sizeof(fcw));
	memcpy(ret->bytes + XSTATE_FSW_OFF, &fsw, sizeof(fsw));
	ret->bytes[XSTATE_FTW_OFF] = x87->ftw;
	for (unsigned i = 0; i < ARRAY_SIZE(x87->st); i++)
		memcpy(ret->bytes + XSTATE_ST_OFF + 16 * i, x87->st[i],
		       XREGS_ST_SIZE);
}

static void x87_of_image(struct bytes image, struct xvalue *ret)
{
	struct xregs x = { .image = image,
			   .in_use = XSTATE_BIT(XSTATE_X87) };
	struct xregs_x87 r;

	ret->known = xregs_x87(&x, &r);
	if (ret->known)
		xvalue_x87(&r, ret);
}

void xvalue_of_image(struct bytes image, const struct xstate_layout *l,
		     unsigned component, struct xvalue *ret)
{
	if (component == XSTATE_X87) {
		x87_of_image(image, ret);
		return;
	}
	if (component == XSTATE_SSE)
		l = xstate_family_layout(XSTATE_FAMILY_COMMON);

	uint32_t size = l->size[component];

	/* a layout that came with a core may say any size */
	ret->size = xvalue_size(component, size);
	ret->known = (l->features & XSTATE_BIT(component)) &&
		     size <= XVALUE_MAX && size >= ret->size &&
		     bytes_has(image, l->offset[component], size);
	if (ret->known)
		memcpy(ret->bytes, image.data + l->offset[component],
		       ret->size);
}

void xvalue_initial(unsigned component, size_t size, struct xvalue *ret)
{
	static const struct xregs_x87 x87 = { .fcw = FCW_INIT };

	if (component == XSTATE_X87) {
		xvalue_x87(&x87, ret);
		return;
	}
	ret->known = size <= XVALUE_MAX;
	ret->size = size;
	if (ret->known)
		memset(ret->bytes, 0, size);
}

bool xvalue_same(const struct xvalue *a, const struct xvalue *b)
{
	return a->known && b->known && a->size == b->size &&
	       !memcmp(a->bytes, b->bytes, a->size);
}

uint32_t xvalue_differing(unsigned component, const struct xvalue *a,
			  const struct xvalue *b)
{
	const struct xregs_file *file = &xregs_files[component];
	uint32_t set = 0;

	if (!a->known || !b->known || a->size != b->size)
		return 0;
	for (unsigned i = 0; i < file->count; i++) {
		size_t at = file->start + (size_t)file->size * i;

		if (at + file->size <= a->size &&
		    memcmp(a->bytes + at, b->bytes + at, file->size))
			set |= UINT32_C(1) << i;
	}
	return set;
}
