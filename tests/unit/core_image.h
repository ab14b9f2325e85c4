/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core_image.h - small core files that say something of their machine */
#ifndef SIGFRAME_TESTS_UNIT_CORE_IMAGE_H
#define SIGFRAME_TESTS_UNIT_CORE_IMAGE_H

#include <stdint.h>

#include "base/text.h"
#include "x86/xstate.h"

struct core_machine {
	uint64_t xfeatures;	/* 0: no NT_X86_XSTATE */
	uint32_t xstate_size;
	uint32_t mxcsr_mask;
	const struct xstate_layout *layout;	/* NULL: no such note */
	uint64_t minsigstksz;	/* 0: not in the auxiliary vector */
};

/* Append an ELF core of one thread without memory, as such a machine's. */
void core_image(const struct core_machine *m, struct text *ret);

#endif
