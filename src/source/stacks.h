/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stacks.h - which stacks may hold a signal frame, and copies of those */
#ifndef SIGFRAME_SOURCE_STACKS_H
#define SIGFRAME_SOURCE_STACKS_H

#include "source/snapshot.h"

/*
 * One look at the stacks of a process, during which the threads in question
 * stand still. Each byte is scanned and copied at most once, however many
 * stacks share a mapping.
 *
 * A stack is taken to reach up to the end of its mapping and of those that
 * follow without a gap, are readable and anonymous or of the same file like
 * it. A page in them that cannot be read may be a guard region behind the
 * stack or one inside it: what lies above is UNSURE.
 */
struct stacks;

/* Copy up to `size` bytes at `addr`; returns how many, from the start. */
typedef size_t stacks_read_fn(const struct snapshot *s, uint64_t addr,
			      void *buf, size_t size);

/*
 * Needs the sorted mappings of `s`, which has to stay as it is. NULL if
 * there is no memory.
 */
struct stacks *stacks_create(const struct snapshot *s, stacks_read_fn *read);
void stacks_destroy(struct stacks *st);

/*
 * Tell of the stack pointers of all threads; copies of one stack then end
 * where another thread's begins.
 */
struct error *stacks_set_pointers(struct stacks *st, const uint64_t *pointers,
				  size_t count) MUST_USE;

enum stacks_found {
	STACKS_NOTHING,		/* seen to the end, and nothing there */
	/* the same, but a return address that a frame may have had */
	STACKS_RETURN,
	STACKS_HIT,		/* something that may be a frame */
	STACKS_UNSURE,		/* not seen to the end, nothing so far */
};

/*
 * Is there anything from the stack pointer `sp` on? Copies nothing. UNSURE
 * also if a word near `sp` leads to something like a frame on another stack.
 * RETURN needs more than bytes to tell whether there is one: mostly there is
 * none.
 */
enum stacks_found stacks_look(struct stacks *st, uint64_t sp);

/*
 * The same, and keep a copy: from the red zone below `sp` to well behind the
 * outermost hit, and so on where the hits' saved stack pointers lead to.
 * Where there is NOTHING it is only kept if `always`. UNSURE for RETURN.
 */
enum stacks_found stacks_copy(struct stacks *st, uint64_t sp, bool always);

/*
 * Keep copies of other stacks, too, that registers lead to which functions
 * save: where they lead to something like a frame. Is there any such?
 */
bool stacks_copy_led(struct stacks *st, const struct x86_gprs *regs);

/*
 * Find out what others change of the copies so far while the threads of the
 * process stand still: other processes may share their memory. Reads all that
 * is shared again, several times.
 */
void stacks_watch(struct stacks *st);

/*
 * Has something been left out because it would have been too much? Words in
 * the process's memory say what is copied, so there is a limit.
 */
bool stacks_full(const struct stacks *st);

/*
 * Hand the copies over to `s`. An error also if memory ran out before: then
 * some of the answers above were UNSURE because of it.
 */
struct error *stacks_give(struct stacks *st, struct snapshot *s) MUST_USE;

#endif
