/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress.h - a line on the terminal that tells how far the work has come */
#ifndef SIGFRAME_PROGRESS_H
#define SIGFRAME_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	bool wanted;		/* stderr is a terminal */
	bool mixed;		/* and stdout is one, too */
	bool visible;
	uint64_t next;		/* when to show it, in milliseconds */
};

void progress_init(struct progress *p);

/* `done` of `count` processes are. Shows nothing during the first second. */
void progress_show(struct progress *p, size_t done, size_t count);

/* `bytes` of the foreign `name` have been unpacked; the same otherwise. */
void progress_show_bytes(struct progress *p, const char *name, uint64_t bytes);

/* Take the line away, so that something else can be printed. */
void progress_hide(struct progress *p);

#endif
