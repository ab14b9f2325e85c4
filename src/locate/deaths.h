/* SPDX-License-Identifier: GPL-3.0-or-later */
/* deaths.h - signals that a failed sigreturn may have brought, and its frame */
#ifndef SIGFRAME_LOCATE_DEATHS_H
#define SIGFRAME_LOCATE_DEATHS_H

#include "locate/code.h"
#include "locate/locate.h"
#include "locate/modules.h"

/*
 * Fill in l->deaths, of the threads that `l` has. Where a frame may be to
 * blame, the process's memory is searched for the registers that the thread
 * died with: a frame that was refused still has them. Frames without their
 * facts are left out.
 */
struct error *deaths_find(const struct snapshot *s, struct code *code,
			  struct modules *modules,
			  struct located *l) MUST_USE;

void deaths_deinit(struct located *l);

/* Is the signal of this frame, whose facts are there, one for deaths_find()? */
bool deaths_concern(const struct located_frame *f);

#endif
