/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep.c - signal frames anywhere in the memory of a process */
#include "locate/sweep.h"

#include <stdlib.h>

#include "x86/scan.h"

/* Nobody has so many threads; hostile bytes may look like it. */
enum { FRAMES_MAX = 1 << 14, HITS_MAX = 1 << 17 };

void sweep_deinit(struct sweep *w)
{
	free(w->frames);
	*w = (struct sweep){ 0 };
}

/* Does [start, end) overlap one of them? */
static bool overlaps_known(uint64_t start, uint64_t end,
			   const struct sweep_known *known, size_t count)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (known[middle].end <= start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && known[low].start < end;
}

/*
 * Are all the marks there that a kernel leaves, and the header behind them
 * one that it would have written?
 */
static bool is_whole(const struct snapshot *s, const struct frame_check *check)
{
	const struct sigframe *f = &check->sigframe;
	uint64_t image = sigframe_image(f);
	uint8_t raw[XSTATE_MIN_SIZE];
	struct bytes b = { raw, sizeof(raw), image };
	struct xstate_header header;
	struct xstate_sw sw;
	enum run_end end;
	uint32_t magic2;

	if (!f->fpstate)
		return check->restorer == TRI_YES;
	if (image > UINT64_MAX - (1u << 20) ||
	    snapshot_read(s, image, raw, sizeof(raw), &end) != sizeof(raw) ||
	    !xstate_sw_decode(b, &sw) || !xstate_header_decode(b, &header))
		return false;
	return sw.magic1 == XSTATE_MAGIC1 &&
	       check->placement != SIGFRAME_PLACED_NOWHERE &&
	       snapshot_read(s, image + sw.xstate_size, raw, sizeof(magic2),
			     &end) == sizeof(magic2) &&
	       bytes_u32(b, 0, &magic2) && magic2 == XSTATE_MAGIC2 &&
	       !header.xcomp_bv && !(header.xstate_bv & ~sw.xfeatures);
}

static struct error *add(struct sweep *w, const struct snapshot *s,
			 const struct frame_check *check)
{
	if (w->count == w->room) {
		size_t room = w->room ? 2 * w->room : 16;
		struct sweep_frame *frames =
			reallocarray(w->frames, room, sizeof(*frames));

		if (!frames)
			return &error_no_memory;
		w->frames = frames;
		w->room = room;
	}
	w->frames[w->count++] = (struct sweep_frame){
		.check = *check,
		.whole = is_whole(s, check),
	};
	return NULL;
}

static int by_address(const void *a, const void *b)
{
	const struct sweep_frame *x = a, *y = b;
	uint64_t i = x->check.sigframe.address;
	uint64_t k = y->check.sigframe.address;

	return (i > k) - (i < k);
}

static unsigned strength(const struct sweep_frame *f)
{
	return (f->check.restorer == TRI_YES ? 8 : 0) +
	       (f->whole ? 4 : 0) +
	       (f->check.placement != SIGFRAME_PLACED_NOWHERE ? 2 : 0) +
	       (f->check.restorer != TRI_NO ? 1 : 0);
}

/* Of frames that overlap, the stronger; of equals, the lower. */
static void settle(struct sweep *w)
{
	size_t kept = 0;

	if (w->count)
		qsort(w->frames, w->count, sizeof(*w->frames), by_address);
	for (size_t i = 0; i < w->count; i++) {
		const struct sweep_frame f = w->frames[i];

		/* it may win over several */
		while (kept &&
		       w->frames[kept - 1].check.end > f.check.sigframe.address &&
		       strength(&f) > strength(&w->frames[kept - 1]))
			kept--;
		if (kept &&
		    w->frames[kept - 1].check.end > f.check.sigframe.address)
			continue;
		w->frames[kept++] = f;
	}
	w->count = kept;
}

/* Where hits come from: bytes, or what was found in them before. */
struct hits {
	struct bytes all;
	uint64_t end;
	uint64_t cursor;
	const struct ahead *ahead;
	const struct ahead_run *known;	/* or NULL */
	size_t index;
};

static bool next_hit(struct hits *h, struct scan_hit *ret)
{
	if (!h->known)
		return scan_next_below(h->all, h->end, &h->cursor, ret);
	if (h->index == h->known->hits)
		return false;
	*ret = h->ahead->hits[h->known->first + h->index++];
	return true;
}

struct error *sweep_find(const struct snapshot *s, struct code *code,
			 uint64_t limit, const struct ahead *ahead,
			 const struct sweep_known *known,
			 size_t known_count, struct sweep *ret)
{
	struct written w;
	struct bytes piece, all;
	struct error *err = written_init(&w, s, limit);
	unsigned hits = 0;

	*ret = (struct sweep){ 0 };
	if (err)
		return err;
	w.ahead = ahead;
	while (!err && written_next(&w, &piece, &all)) {
		uint64_t end = piece.addr + piece.size;
		struct hits from = {
			.all = all, .end = end, .cursor = piece.addr,
			.ahead = ahead, .known = w.known,
		};
		struct frame_check check;
		struct scan_hit hit;

		while (!err && next_hit(&from, &hit)) {
			/* most are the threads' own */
			if (!overlaps_known(hit.address, hit.address + 1,
					    known, known_count) &&
			    facts_check(s, code, hit.kind, hit.address,
					&check) &&
			    facts_convincing(&check) &&
			    !overlaps_known(hit.address, check.end, known,
					    known_count))
				err = add(ret, s, &check);
			if (ret->count < FRAMES_MAX && ++hits < HITS_MAX)
				continue;
			/* what is not looked at any more is only counted */
			w.searched -= end - hit.address;
			w.limit = w.searched;
			break;
		}
	}
	ret->memory = w.memory;
	ret->searched = w.searched;
	written_deinit(&w);
	if (err)
		sweep_deinit(ret);
	else
		settle(ret);
	return err;
}

const struct sweep_frame *sweep_above(const struct sweep *w, uint64_t addr)
{
	size_t low = 0, high = w->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (w->frames[middle].check.sigframe.address < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->count ? &w->frames[low] : NULL;
}

const struct sweep_frame *sweep_at(const struct sweep *w, uint64_t addr)
{
	size_t low = 0, high = w->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (w->frames[middle].check.end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->count &&
			       w->frames[low].check.sigframe.address <= addr
		       ? &w->frames[low]
		       : NULL;
}
