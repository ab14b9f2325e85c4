/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ownstack.c - is a thread on the stack that it was created with? */
#include "source/ownstack.h"

#include <string.h>
#include <sys/mman.h>

enum {
	TOP = 8192,		/* bytes from the end that may hold it */
	DESCRIPTOR = 2304,	/* from its address to the thread's id */
	PARTS = 16,		/* that mprotect() and the like split it into */
};

static bool is_main(const struct snapshot *s, const struct mapping *m)
{
	return (m->path && !strcmp(m->path, "[stack]")) ||
	       (s->random && s->random - m->start < m->end - m->start);
}

/* Is there a descriptor of thread `tid` in the last bytes of `m`? */
static bool has_descriptor(const struct snapshot *s, ownstack_read_fn *read,
			   const struct mapping *m, pid_t tid)
{
	unsigned width = s->word == 4 ? 4 : 8;
	uint64_t size = m->end - m->start < TOP ? m->end - m->start : TOP;
	uint64_t word, self = 0;
	uint8_t raw[TOP];
	struct bytes b = { raw, 0, m->end - size };
	uint32_t id;

	b.size = read(s, b.addr, raw, size);
	for (uint64_t off = 0; bytes_word(b, off, width, &word);
	     off += width) {
		if (word == b.addr + off)
			self = word;
		if (!self || b.addr + off - self > DESCRIPTOR)
			continue;
		for (unsigned half = 0; half < width; half += 4)
			if (bytes_u32(b, off + half, &id) && id == (uint32_t)tid)
				return true;
	}
	return false;
}

bool ownstack_holds(const struct snapshot *s, ownstack_read_fn *read,
		    pid_t tid, uint64_t sp)
{
	const struct mapping *m = snapshot_mapping(s, sp);
	const struct mapping *last = m ? s->mappings + s->mappings_count : m;

	for (unsigned n = 0; m && n < PARTS; n++) {
		if (!(m->prot & PROT_READ))
			return false;
		if (is_main(s, m) || has_descriptor(s, read, m, tid))
			return true;
		m = m + 1 < last && m[1].start == m->end ? m + 1 : NULL;
	}
	return false;
}

size_t ownstack_read(const struct snapshot *s, uint64_t addr, void *buf,
		     size_t size)
{
	enum run_end end;

	return snapshot_read(s, addr, buf, size, &end);
}
