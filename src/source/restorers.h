/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restorers.h - words that lead to code which returns from signals */
#ifndef SIGFRAME_SOURCE_RESTORERS_H
#define SIGFRAME_SOURCE_RESTORERS_H

#include "source/stacks.h"
#include "x86/scan.h"

/*
 * A handler can overwrite all of its frame but the return address, or it would
 * not come back. Where such a word is found there may be a frame, whatever
 * else is there.
 */
struct restorers;

/*
 * Needs the sorted mappings of `s`, which has to stay as it is. NULL if there
 * is no memory.
 */
struct restorers *restorers_create(const struct snapshot *s,
				   stacks_read_fn *read);
void restorers_destroy(struct restorers *r);

/*
 * The next word of `stack` at or above *cursor and below `limit` (addresses;
 * *cursor is advanced past it) that is the address of code which may be a
 * restorer, lies where a kernel would put a frame and is no part of an action
 * that sigaction() has left. Functions keep pointers to others, so it need not
 * be a frame's.
 * False if there is none.
 */
bool restorers_next(struct restorers *r, struct bytes stack, uint64_t limit,
		    uint64_t *cursor, uint64_t *ret);

#endif
