/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export.h - frames as a small core that can be carried elsewhere */
#ifndef SIGFRAME_EXPORT_EXPORT_H
#define SIGFRAME_EXPORT_EXPORT_H

#include "locate/locate.h"
#include "source/snapshot.h"

/*
 * Write a core with the threads' registers, the frames and what was found out
 * about both (see source/carried.h), which any debugger opens. `cpu` is a CPU
 * description of the machine that the frames come from, NULL if nothing is
 * known of it. The snapshot must not be closed yet. The file is private to
 * the user, and appears whole or not at all.
 */
struct error *export_write(const char *path, const struct snapshot *s,
			   const struct located *l, const char *cpu) MUST_USE;

#endif
