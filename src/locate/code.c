/* SPDX-License-Identifier: GPL-3.0-or-later */
/* code.c - a few bytes of code, again and again from the same places */
#include "locate/code.h"

#include <stdlib.h>

enum { PAGE_SIZE = 4096, PAGES = 64 };

struct page {
	bool used;
	uint64_t addr;
	size_t size;		/* bytes from its start that could be had */
	uint8_t data[PAGE_SIZE];
};

struct code {
	const struct snapshot *snapshot;
	struct page pages[PAGES];	/* by address, modulo */
};

struct code *code_create(const struct snapshot *s)
{
	struct code *c = calloc(1, sizeof(*c));

	if (c)
		c->snapshot = s;
	return c;
}

void code_destroy(struct code *c)
{
	free(c);
}

static const struct page *page_at(struct code *c, uint64_t addr)
{
	struct page *p = &c->pages[addr / PAGE_SIZE % PAGES];
	enum run_end end;

	addr -= addr % PAGE_SIZE;
	if (!p->used || p->addr != addr) {
		p->used = true;
		p->addr = addr;
		p->size = snapshot_read(c->snapshot, addr, p->data, PAGE_SIZE,
					&end);
	}
	return p;
}

size_t code_read(struct code *c, uint64_t addr, void *buf, size_t size,
		 enum run_end *end_ret)
{
	uint8_t *out = buf;
	size_t done = 0;

	if (size > CODE_READ_MAX)
		size = CODE_READ_MAX;
	if (addr > UINT64_MAX - size) {
		*end_ret = RUN_END_UNREADABLE;
		return 0;
	}
	while (done < size) {
		const struct page *p = page_at(c, addr + done);
		size_t skip = (addr + done) % PAGE_SIZE;
		size_t part = PAGE_SIZE - skip;

		if (part > size - done)
			part = size - done;
		/* what is missing is for the snapshot to explain */
		if (p->size < skip + part)
			return done + snapshot_read(c->snapshot, addr + done,
						    out + done, size - done,
						    end_ret);
		memcpy(out + done, p->data + skip, part);
		done += part;
	}
	*end_ret = RUN_END_UNKNOWN;
	return done;
}
