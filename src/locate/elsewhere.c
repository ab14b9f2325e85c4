/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elsewhere.c - may a thread have left a handler's stack for another one? */
#include "locate/elsewhere.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "locate/lost.h"
#include "source/ownstack.h"

struct error *elsewhere_look(const struct snapshot *s, const struct thread *t,
			     const struct chain *chain, struct elsewhere *ret)
{
	const char *lost = chain->at_zero
				   ? "unwinding ends at a return address of 0"
				   : text_string(&chain->lost);
	struct text why = TEXT_INIT;

	*ret = (struct elsewhere){ 0 };
	if (chain->complete != TRI_YES ||
	    (!chain->lost.size && !chain->at_zero) ||
	    ownstack_holds(s, ownstack_read, t->tid, chain->end_sp))
		return NULL;
	/*
	 * The first thread of a process has a stack, and has left it. A damaged
	 * stack pointer may lead to zeros anywhere.
	 */
	ret->at_end = chain->at_zero && !chain->lost.size && t->tid != s->pid &&
		      snapshot_mapped(s, chain->end_sp, PROT_WRITE) == TRI_YES;
	ret->at = chain_context(chain, t, chain->end_sp);
	text_printf(&why, "%s, on a stack that may not be the thread's own",
		    lost);
	if (!text_bad(&why))
		ret->why = strdup(text_string(&why));
	text_deinit(&why);
	return ret->why ? NULL : &error_no_memory;
}

void elsewhere_deinit(struct elsewhere *e)
{
	free(e->why);
	*e = (struct elsewhere){ 0 };
}

/* Who blocks nothing that was not blocked before any of them is in none. */
static bool may_be_handling(const struct elsewhere *e, const struct dormant *d)
{
	if (d && !d->unexplained)
		return false;
	return !e->at_end ||
	       plausible_is_masked(&e->at, d ? d->unexplained_mask : 0);
}

bool elsewhere_remains(const struct snapshot *s, struct code *code,
		       const struct thread *t, const struct elsewhere *e,
		       const struct dormant *d, enum tri *unmarked)
{
	return e->why &&
	       (may_be_handling(e, d) || lost_elsewhere(s, code, t, unmarked));
}
