/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xvalue.h - the registers of a state component as a value to compare */
#ifndef SIGFRAME_X86_XVALUE_H
#define SIGFRAME_X86_XVALUE_H

#include "x86/xregs.h"

#define XVALUE_MAX 8192		/* bytes of the largest component, AMX tiles */

/*
 * The same whatever layout it came from, so that images of different CPUs can
 * be held against each other. What is unknown equals nothing.
 */
struct xvalue {
	bool known;
	size_t size;		/* bytes that are registers */
	uint8_t bytes[XVALUE_MAX];
};

/* Bytes of a component of `size` bytes that are registers. */
size_t xvalue_size(unsigned component, uint32_t size);

/*
 * Of x87 only what every CPU keeps: not FOP, FIP and FDP, nor the bits of FCW
 * and FSW that do not exist or follow from others. In the places of FXSAVE.
 */
void xvalue_x87(const struct xregs_x87 *x87, struct xvalue *ret);

/*
 * A component that the image has in use; x87 and SSE are in the same place in
 * all layouts. Not known if the layout or the image does not have it.
 */
void xvalue_of_image(struct bytes image, const struct xstate_layout *l,
		     unsigned component, struct xvalue *ret);

/* What XRSTOR puts there for a component that is not in use. */
void xvalue_initial(unsigned component, size_t size, struct xvalue *ret);

bool xvalue_same(const struct xvalue *a, const struct xvalue *b);

/* Which registers differ, by xregs_files[]; 0 where that has none to name. */
uint32_t xvalue_differing(unsigned component, const struct xvalue *a,
			  const struct xvalue *b);

#endif
