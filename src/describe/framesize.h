/* SPDX-License-Identifier: GPL-3.0-or-later */
/* framesize.h - what AT_MINSIGSTKSZ tells of a machine */
#ifndef SIGFRAME_DESCRIBE_FRAMESIZE_H
#define SIGFRAME_DESCRIBE_FRAMESIZE_H

#include "describe/description.h"

/*
 * AT_MINSIGSTKSZ as Linux computes it (get_sigframe_size(),
 * arch/x86/kernel/signal.c) for an XSAVE image of that size, or, without
 * XSAVE, one of FXSAVE: the largest frame header, the image with MAGIC2 and
 * room for its alignment. `ia32`: the kernel runs 32-bit programs.
 */
uint64_t framesize_of(uint32_t image, bool xsave, bool ia32);

/*
 * The layout and the kind of kernel that alone fit such a size for the
 * components `features`, which is better than what a vendor's name says: into
 * `d` and *vendor_ret, which stay as they are where it does not tell.
 */
void framesize_infer(uint64_t minsigstksz, uint64_t features,
		     struct description *d, enum xstate_family *vendor_ret);

#endif
