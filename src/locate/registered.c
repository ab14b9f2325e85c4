/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registered.c - restorers that a process has told the kernel of */
#include "locate/registered.h"

#include <elf.h>
#include <signal.h>

/* asm/signal.h; the C library keeps it to itself. */
#define HAS_RESTORER UINT64_C(0x04000000)

static bool names(const struct signal_action *a, uint64_t addr)
{
	return a->restorer && a->flags & HAS_RESTORER && a->restorer == addr;
}

static bool fits(const struct snapshot *s, const struct signal_action *a,
		 enum sigframe_kind kind)
{
	if (s->machine == EM_386)
		return kind == (a->flags & SA_SIGINFO ? SIGFRAME_IA32_RT
						      : SIGFRAME_IA32);
	return kind == (s->word == 4 ? SIGFRAME_X32 : SIGFRAME_X86_64);
}

bool registered_is(const struct snapshot *s, enum sigframe_kind kind,
		   uint64_t addr)
{
	for (size_t i = 0; s->actions_known && i < SNAPSHOT_SIGNALS; i++)
		if (names(&s->actions[i], addr) &&
		    fits(s, &s->actions[i], kind))
			return true;
	return false;
}

bool registered_kind(const struct snapshot *s, uint64_t addr, uint64_t cs,
		     enum sigframe_kind *ret)
{
	unsigned found = 0;

	for (unsigned kind = 0; kind < SIGFRAME_KINDS; kind++) {
		if (!registered_is(s, kind, addr) ||
		    (sigframe_shapes[kind].pointer == 4) !=
			    (cs == X86_USER32_CS))
			continue;
		*ret = kind;
		found++;
	}
	return found == 1;
}

size_t registered_list(const struct snapshot *s,
		       uint64_t ret[SNAPSHOT_SIGNALS])
{
	size_t count = 0;

	for (size_t i = 0; s->actions_known && i < SNAPSHOT_SIGNALS; i++) {
		uint64_t addr = s->actions[i].restorer;
		size_t k = 0;

		if (!names(&s->actions[i], addr))
			continue;
		while (k < count && ret[k] != addr)
			k++;
		if (k == count)
			ret[count++] = addr;
	}
	return count;
}
