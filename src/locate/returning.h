/* SPDX-License-Identifier: GPL-3.0-or-later */
/* returning.h - is a context on its way back from a handler? */
#ifndef SIGFRAME_LOCATE_RETURNING_H
#define SIGFRAME_LOCATE_RETURNING_H

#include "locate/cfi.h"
#include "locate/code.h"
#include "x86/scan.h"

/*
 * Is the context in or behind the code that calls sigreturn? `number` is the
 * system call that it is in, or -1. *ret is the frame that it returns from,
 * whose address does not change any more then. Of a registered restorer that
 * cannot be read, any place within its first bytes counts.
 */
bool returning_from(const struct snapshot *s, struct code *code,
		    const struct cfi_context *at, int64_t number,
		    struct scan_hit *ret);

/*
 * Where returning_from() says no: may the context be in a restorer all the
 * same, since its code cannot be read, and there is something like a frame
 * where that would return from?
 */
bool returning_unseen(const struct snapshot *s, struct code *code,
		      const struct cfi_context *at);

#endif
