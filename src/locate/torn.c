/* SPDX-License-Identifier: GPL-3.0-or-later */
/* torn.c - frames that somebody writes to while they are read */
#include "locate/torn.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Who goes to and fro between two states is seen in each with one half. */
enum { LOOKS = 32 };

static bool anyone_runs(const struct snapshot *s)
{
	for (size_t i = 0; i < s->threads_count; i++)
		if (!s->threads[i].stopped && s->threads[i].state == 'R')
			return true;
	return false;
}

/* Does the process still have, and all the time, the bytes that were found? */
static bool is_steady(const struct snapshot *s, struct bytes was)
{
	CLEANUP_FREE uint8_t *now = malloc(was.size + 1);

	if (!now)
		return false;
	for (int i = 0; i < LOOKS; i++)
		if (s->ops->read(s, was.addr, now, was.size) != was.size ||
		    memcmp(was.data, now, was.size) != 0)
			return false;
	return true;
}

bool torn_any(const struct snapshot *s, const struct located_thread *t)
{
	bool running;

	if (s->kind != SOURCE_PROCESS || !s->ops || !t->frames_count)
		return false;
	running = !t->thread->stopped && anyone_runs(s);
	for (size_t i = 0; i < t->frames_count; i++) {
		const struct located_frame *f = &t->frames[i];
		const struct mapping *m = snapshot_mapping(s, f->address);

		if (!f->facts || !(running || (m && m->shared)))
			continue;
		if (!is_steady(s, f->facts->frame.bytes) ||
		    !is_steady(s, f->facts->area.bytes))
			return true;
	}
	return false;
}
