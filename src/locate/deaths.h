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
 * died with: a frame that was refused still has them.
 */
struct error *deaths_find(const struct snapshot *s, struct code *code,
			  struct modules *modules,
			  struct located *l) MUST_USE;

void deaths_deinit(struct located *l);

#endif
