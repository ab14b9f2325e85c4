/* SPDX-License-Identifier: GPL-3.0-or-later */
/* moved.h - what is left of evidence if the process has run on meanwhile */
#ifndef SIGFRAME_LOCATE_MOVED_H
#define SIGFRAME_LOCATE_MOVED_H

#include "locate/dormant.h"

/*
 * Stacks that nobody runs on are read while the process goes on. If a thread
 * has moved since it was looked at, a frame with a context may be on that
 * thread's way, and not parked: then all of these are taken out of `d`, and
 * the number of those is returned of which it cannot be told. Nothing is taken
 * out if all threads are where they were.
 */
size_t moved_take_out(const struct snapshot *s, struct code *code,
		      struct dormant *d);

#endif
