/* SPDX-License-Identifier: GPL-3.0-or-later */
/* extract.h - what of a component's bytes counts when images are compared */
#ifndef ORACLE_EXTRACT_H
#define ORACLE_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "x86/xstate.h"

/*
 * The bytes of component `i` that mean something, from an image at `image`
 * that has it at `offset`, `size` bytes. `ret` has room for CHILD_XSTATE.
 * Returns their number.
 */
size_t extract(unsigned i, const uint8_t *image, uint32_t offset,
	       uint32_t size, uint8_t *ret);

/* The same of registers in their initial state, `pkru` among them. */
size_t extract_initial(unsigned i, uint32_t size, uint32_t pkru, uint8_t *ret);

/* The same of an image as XSAVE (or FXSAVE) writes it. */
size_t extract_state(unsigned i, const uint8_t *image,
		     const struct xstate_layout *l, bool xsave, uint8_t *ret);

#endif
