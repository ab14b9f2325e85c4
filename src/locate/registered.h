/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registered.h - restorers that a process has told the kernel of */
#ifndef SIGFRAME_LOCATE_REGISTERED_H
#define SIGFRAME_LOCATE_REGISTERED_H

#include "source/snapshot.h"
#include "x86/sigframe.h"

/*
 * sigaction() names the code that a handler returns to, sa_restorer, and the
 * kernel puts that address into every frame (arch/x86/kernel/signal_64.c,
 * signal_32.c). Some sources know the actions, so that frames are recognised
 * where the code itself is not to be had.
 */

/* Would frames of that kind have `addr` as their return address? */
bool registered_is(const struct snapshot *s, enum sigframe_kind kind,
		   uint64_t addr);

/*
 * The kind of frame that code at `addr` returns from, in the code segment
 * `cs`; false if none is registered there, or several kinds are.
 */
bool registered_kind(const struct snapshot *s, uint64_t addr, uint64_t cs,
		     enum sigframe_kind *ret);

/* All such addresses, each of them once; how many. */
size_t registered_list(const struct snapshot *s,
		       uint64_t ret[SNAPSHOT_SIGNALS]);

#endif
