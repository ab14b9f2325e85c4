/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cached.h - what the C library found out about the CPU when it started */
#ifndef SIGFRAME_LOCATE_CACHED_H
#define SIGFRAME_LOCATE_CACHED_H

#include "kernel/predict.h"
#include "source/snapshot.h"

/*
 * glibc resolves functions at their first call, and saves the vector
 * registers around that in room whose size it computed once from CPUID
 * (xsave_state_size, sysdeps/x86/cpu-features.c). The loader's code that
 * makes the room tells where that number is. Fills in xsave_room and
 * xsave_compacted; leaves them unknown where there is no such code or its
 * number fits neither form of XSAVE on the CPU that the process ran on.
 */
void cached_find(const struct snapshot *s, struct frame_surroundings *ret);

#endif
