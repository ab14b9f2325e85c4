/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pagecache.c - pages of memory that does not change, read only once */
#include "source/pagecache.h"

#include <stdlib.h>

enum {
	PAGE = 4096,
	PAGES = 64,		/* by address, modulo */
	LARGE = 1024,		/* read at once, and not kept */
};

struct page {
	uint64_t addr;
	size_t size;		/* bytes from its start that could be had */
	bool used;
	uint8_t data[PAGE];
};

struct pagecache {
	struct page pages[PAGES];
};

struct pagecache *pagecache_create(void)
{
	return calloc(1, sizeof(struct pagecache));
}

void pagecache_destroy(struct pagecache *p)
{
	free(p);
}

size_t pagecache_read(struct pagecache *p, const struct snapshot *s,
		      uint64_t addr, void *buf, size_t size)
{
	uint64_t offset = addr % PAGE;
	struct page *page = &p->pages[addr / PAGE % PAGES];

	if (size > LARGE || size > PAGE - offset)
		return s->ops->read(s, addr, buf, size);
	if (!page->used || page->addr != addr - offset) {
		page->used = true;
		page->addr = addr - offset;
		page->size = s->ops->read(s, page->addr, page->data, PAGE);
	}
	/* what is missing of the page may be there all the same */
	if (page->size < offset + size)
		return s->ops->read(s, addr, buf, size);
	memcpy(buf, page->data + offset, size);
	return size;
}
