/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress.c - a line on the terminal that tells how far the work has come */
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/size.h"
#include "base/text.h"

/* Milliseconds. */
#define FIRST 1000
#define INTERVAL 100

#define ERASE "\r\033[K"

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void progress_init(struct progress *p)
{
	bool wanted = isatty(STDERR_FILENO);

	*p = (struct progress){
		.wanted = wanted,
		.mixed = wanted && isatty(STDOUT_FILENO),
		.next = now() + FIRST,
	};
}

void progress_show(struct progress *p, size_t done, size_t count)
{
	if (!p->wanted || now() < p->next)
		return;
	fprintf(stderr, ERASE "%zu of %zu processes", done, count);
	p->visible = true;
	p->next = now() + INTERVAL;
}

void progress_show_bytes(struct progress *p, const char *name, uint64_t bytes)
{
	char size[SIZE_TEXT];
	struct text safe = TEXT_INIT;

	if (!p->wanted || now() < p->next)
		return;
	text_add_foreign(&safe, name);
	fprintf(stderr, ERASE "%s: %s read", text_string(&safe),
		size_show(bytes, size));
	text_deinit(&safe);
	p->visible = true;
	p->next = now() + INTERVAL;
}

void progress_hide(struct progress *p)
{
	if (p->visible)
		fputs(ERASE, stderr);
	p->visible = false;
}
