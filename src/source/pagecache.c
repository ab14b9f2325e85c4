/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pagecache.c - memory that does not change, read only once */
#include "source/pagecache.h"

#include <stdlib.h>

enum {
	PAGE = 4096,
	WINDOW = 4 * PAGE,	/* mostly all that a stack has above its top */
	WINDOWS = 16,
};

struct window {
	uint64_t addr;		/* of a page */
	size_t size;		/* bytes from there on that could be had */
	uint64_t used;		/* when; 0: never */
	uint8_t data[WINDOW];
};

struct pagecache {
	struct window windows[WINDOWS];
	struct window *last;	/* that was read from */
	uint64_t now;		/* reads from another one so far */
};

struct pagecache *pagecache_create(void)
{
	struct pagecache *p = calloc(1, sizeof(*p));

	if (p)
		p->last = p->windows;
	return p;
}

void pagecache_destroy(struct pagecache *p)
{
	free(p);
}

static bool holds(const struct window *w, uint64_t addr, size_t size)
{
	return addr >= w->addr && addr - w->addr <= w->size &&
	       size <= w->size - (addr - w->addr);
}

/* The window that holds all of it, or the one to be used next. */
static struct window *find(struct pagecache *p, uint64_t addr, size_t size)
{
	struct window *oldest = p->windows;

	for (unsigned i = 0; i < WINDOWS; i++) {
		struct window *w = &p->windows[i];

		if (holds(w, addr, size))
			return w;
		if (w->used < oldest->used)
			oldest = w;
	}
	return oldest;
}

bool pagecache_again(const struct pagecache *p, uint64_t addr, void *buf,
		     size_t size)
{
	const struct window *w = p->last;

	if (!holds(w, addr, size))
		return false;
	if (size == sizeof(uint64_t))	/* a word of a stack, mostly */
		memcpy(buf, w->data + (addr - w->addr), sizeof(uint64_t));
	else
		memcpy(buf, w->data + (addr - w->addr), size);
	return true;
}

size_t pagecache_read(struct pagecache *p, const struct snapshot *s,
		      uint64_t addr, void *buf, size_t size)
{
	uint64_t offset = addr % PAGE;

	struct window *w;

	if (size > WINDOW - offset)
		return s->ops->read(s, addr, buf, size);
	w = find(p, addr, size);
	if (!holds(w, addr, size)) {
		w->addr = addr - offset;
		w->size = s->ops->read(s, w->addr, w->data, WINDOW);
	}
	w->used = ++p->now;
	p->last = w;
	/* what is missing of it may be there all the same */
	return pagecache_again(p, addr, buf, size)
		       ? size
		       : s->ops->read(s, addr, buf, size);
}
