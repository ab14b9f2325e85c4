/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stacks.c - which stacks may hold a signal frame, and copies of those */
#include "source/stacks.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "kernel/predict.h"
#include "source/areas.h"
#include "source/sorted.h"

/*
 * A restorer that was reached by a return has popped the start of its frame:
 * sp is up to 8 bytes above it.
 */
#define POPPED 16
#define RED_ZONE 128
#define PAGE 4096
/* A stack that overflowed has its pointer below its lowest page. */
#define GUARD KIB(64)

/* Of a frame, up to and with the software bytes of its extended state. */
#define FRAME_START 1536

#define LOOK_MAX MIB(64)	/* scanned of one stack while it is running */
#define COPY_MAX MIB(16)	/* scanned of one while it is stopped */
#define MARGIN KIB(64)		/* kept behind the outermost hit */
#define FRAME_ROOM KIB(16)	/* one with AMX takes 12 */
#define KEEP_WITHOUT_HIT KIB(256)
#define KEEP_FOREIGN_HITS 8	/* on what looks like another's stack */
#define LEADS_SIZE 4096		/* of a stack, searched for ways to others */
#define LEADS_REACH KIB(16)	/* from there on to a frame, at most */
#define HOPS_MAX 128
#define HITS_MAX 1024		/* of one stack, followed */
#define COPIES_MAX MIB(64)	/* in all, and of each thread: */
#define COPIES_MAX_PER_THREAD KIB(128)

struct stacks {
	struct areas areas;
	uint64_t *pointers;		/* sorted */
	size_t pointers_count;
	uint64_t copied;		/* bytes in all */
	bool full;
};

struct stacks *stacks_create(const struct snapshot *s, stacks_read_fn *read)
{
	struct stacks *st = calloc(1, sizeof(*st));

	if (st && !areas_init(&st->areas, s, read)) {
		free(st);
		return NULL;
	}
	return st;
}

void stacks_destroy(struct stacks *st)
{
	if (!st)
		return;
	areas_deinit(&st->areas);
	free(st->pointers);
	free(st);
}

static int compare_pointers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct error *stacks_set_pointers(struct stacks *st, const uint64_t *pointers,
				  size_t count)
{
	uint64_t *own = calloc(count + 1, sizeof(*own));

	if (!own)
		return &error_no_memory;
	if (count) {
		memcpy(own, pointers, count * sizeof(*own));
		qsort(own, count, sizeof(*own), compare_pointers);
	}
	free(st->pointers);
	st->pointers = own;
	st->pointers_count = count;
	return NULL;
}

/* Where the next thread's stack begins above `sp`, at most `end`. */
static uint64_t next_stack(const struct stacks *st, uint64_t own, uint64_t sp,
			   uint64_t end)
{
	size_t low = sorted_above(st->pointers, st->pointers_count,
				 sizeof(*st->pointers), 0, sp);

	while (low < st->pointers_count && st->pointers[low] == own)
		low++;
	if (low == st->pointers_count || st->pointers[low] >= end)
		return end;
	return below(st->pointers[low], RED_ZONE, sp);
}

/* The same, or the area right above a guard region that holds `*sp`. */
static struct area *stack_area(const struct stacks *st, uint64_t *sp)
{
	struct area *a = areas_find(&st->areas, *sp);

	if (!a && *sp <= UINT64_MAX - GUARD) {
		a = areas_find(&st->areas, *sp + GUARD);
		if (a)
			*sp = max64(*sp, a->start);
	}
	return a;
}

/* Stack pointers that are still to be followed. */
struct hops {
	uint64_t at[HOPS_MAX];
	size_t count;
};

static void add_hop(struct stacks *st, struct hops *h, uint64_t sp)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->at[i] == sp)
			return;
	if (h->count < HOPS_MAX)
		h->at[h->count++] = sp;
	else
		st->full = true;
}

/* The end of the mapping that holds `addr`; neighbours do not count. */
static uint64_t mapping_end(const struct stacks *st, uint64_t addr)
{
	const struct mapping *m = snapshot_mapping(st->areas.snapshot, addr);

	return m ? m->end : addr;
}

/*
 * Is there something like a frame above `word`, which is on no known stack? Not
 * a return address alone that is below `sp` on the same stack: it is left over,
 * and others that are above are known.
 */
static bool leads_to_hit(struct stacks *st, uint64_t sp, uint64_t word)
{
	const struct mapping *m = snapshot_mapping(st->areas.snapshot, word);
	struct scan_hit hit;

	if (!m || !(m->prot & PROT_WRITE))
		return false;

	struct area *a = areas_find(&st->areas, word);

	if (!a)
		return false;

	uint64_t end = above(word, LEADS_REACH, a->end);

	return areas_next_hit(&st->areas, a, word, end, &hit) == STACKS_HIT ||
	       (sp - word > LEADS_REACH && area_last_return(a, word, end));
}

/*
 * A handler may have left its stack for this one. Where it left it is saved
 * here then, mostly in a frame pointer; or right behind a hole that somebody
 * has made in the stack. False positives only cost a closer look. The stack is
 * known to reach down to `bottom`: nothing lives from there to `sp`.
 */
static bool leads_away(struct stacks *st, const struct area *own, uint64_t sp,
		       uint64_t bottom, struct hops *hops)
{
	unsigned width = st->areas.snapshot->word == 4 ? 4 : 8;
	uint64_t end = mapping_end(st, sp);
	const struct mapping *next = snapshot_mapping(st->areas.snapshot,
						      own->end);
	uint8_t raw[LEADS_SIZE];
	struct bytes b = { raw, 0, sp & ~UINT64_C(7) };
	uint64_t word, last = 0;
	bool found = false;

	b.size = areas_fetch(&st->areas, b.addr, raw,
			     above(b.addr, sizeof(raw), end) - b.addr);
	for (uint64_t off = 0; bytes_word(b, off, width, &word);
	     off += width) {
		if (word - bottom < end - bottom || word < PAGE ||
		    word == last)
			continue;
		last = word;
		if (next && !(next->prot & PROT_READ) &&
		    word - next->start < next->end - next->start) {
			found = true;
		} else if (leads_to_hit(st, sp, word)) {
			found = true;
			if (hops)
				add_hop(st, hops, word);
		}
	}
	return found;
}

enum stacks_found stacks_look(struct stacks *st, uint64_t sp)
{
	struct area *a = areas_find(&st->areas, sp);
	struct scan_hit hit;

	if (!a)
		return STACKS_UNSURE;

	uint64_t start = below(sp & ~UINT64_C(7), POPPED, a->start);
	uint64_t end = above(start, LOOK_MAX, a->end);
	enum stacks_found found = areas_next_hit(&st->areas, a, start, end,
						 &hit);

	if (found == STACKS_NOTHING && (!area_is_scanned(a, sp, sp + 1) ||
					leads_away(st, a, sp, sp, NULL)))
		return STACKS_UNSURE;
	if (found == STACKS_NOTHING && area_last_return(a, start, end))
		return STACKS_RETURN;
	return found;
}

/* The first copy that ends above `addr`. */
static size_t copy_above(const struct area *a, uint64_t addr)
{
	return sorted_above(a->copies, a->copies_count, sizeof(*a->copies),
			   offsetof(struct copy, end), addr);
}

/* Returns where it got to; what follows is unreadable. */
static uint64_t keep_gap(struct stacks *st, struct area *a, size_t index,
			 uint64_t start, size_t size)
{
	CLEANUP_FREE uint8_t *data = malloc(size);

	if (!data) {
		st->areas.no_memory = true;
		return start;
	}

	size_t got = areas_fetch(&st->areas, start, data, size);

	if (!got)
		return start;

	struct copy *more = sorted_insert(a->copies, &a->copies_count,
					  sizeof(*more), index);

	if (!more) {
		st->areas.no_memory = true;
		return start;
	}
	a->copies = more;
	more[index] = (struct copy){ start, start + got, TAKE_PTR(data) };
	st->copied += got;
	return start + got;
}

/* The first page in [addr, end) that can be read, or `end`. */
static uint64_t skip_hole(struct stacks *st, uint64_t addr, uint64_t end)
{
	uint8_t byte;

	while (addr < end && !st->areas.read(st->areas.snapshot, addr, &byte, 1))
		addr = above(addr, PAGE - addr % PAGE, end);
	return addr;
}

/* Copy what is not yet copied of [start, end), inside the area. */
static void keep(struct stacks *st, struct area *a, uint64_t start,
		 uint64_t end)
{
	uint64_t most = COPIES_MAX + st->pointers_count * COPIES_MAX_PER_THREAD;

	while (start < end && !st->areas.no_memory) {
		size_t i = copy_above(a, start);
		uint64_t stop = end;

		if (i < a->copies_count) {
			const struct copy *c = &a->copies[i];

			if (c->start <= start) {
				start = c->end;
				continue;
			}
			stop = min64(stop, c->start);
		}
		if (stop - start > most || st->copied > most - (stop - start)) {
			st->full = true;
			return;
		}
		start = keep_gap(st, a, i, start, stop - start);
		if (start < stop)
			start = skip_hole(st, start, stop);
	}
}

static bool is_kept(const struct area *a, uint64_t addr)
{
	size_t i = copy_above(a, addr);

	return i < a->copies_count && a->copies[i].start <= addr;
}

/*
 * The top of the alternate stack at which a kernel has put the frame; else 0.
 * A frame that was returned from may have other words where its stack was.
 */
static uint64_t altstack_top(const struct sigframe *f, struct bytes raw)
{
	uint64_t image = sigframe_shapes[f->kind].image;
	uint64_t offset = f->address - f->altstack_sp;
	struct xstate_sw sw;

	if (f->address < f->altstack_sp || offset >= f->altstack_size ||
	    f->altstack_size > UINT64_MAX - f->altstack_sp ||
	    !xstate_sw_decode(bytes_from(raw, image), &sw) ||
	    sw.magic1 != XSTATE_MAGIC1 ||
	    sigframe_placement(f, sw.xstate_size) != SIGFRAME_PLACED_ALTSTACK)
		return 0;
	return f->altstack_sp + f->altstack_size;
}

/* Extended state that is not where a kernel would have put it. */
static void keep_far_image(struct stacks *st, const struct sigframe *f)
{
	struct area *a = f->fpstate ? areas_find(&st->areas, f->fpstate) : NULL;

	if (a)
		keep(st, a, f->fpstate,
		     above(f->fpstate, PREDICT_AREA_WANT, a->end));
}

/* What following the hits of one stack has come to. */
struct trail {
	uint64_t end;		/* of the stack, as far as is known */
	uint64_t own_end;	/* where another thread's stack begins */
	uint64_t keep_end;	/* 0: no hit so far */
	uint64_t bottom;	/* of the stack, as far as is known */
	unsigned hits;
	unsigned foreign_hits;
};

/* Where a frame, of which `raw` is the start, and its extended state end. */
static uint64_t frame_end(const struct sigframe *f, struct bytes raw)
{
	uint64_t image = sigframe_shapes[f->kind].image;
	uint64_t size = PREDICT_AREA_WANT;
	struct xstate_sw sw;

	if (xstate_sw_decode(bytes_from(raw, image), &sw) &&
	    sw.magic1 == XSTATE_MAGIC1)
		size = min64(size, (uint64_t)sw.xstate_size +
					XSTATE_MAGIC2_SIZE);
	return f->address + image + size;
}

static void follow_hit(struct stacks *st, struct area *a, struct trail *t,
		       const struct scan_hit *hit, struct hops *hops)
{
	uint8_t data[FRAME_START];
	struct bytes raw = { data, 0, hit->address };
	struct sigframe f;

	raw.size = areas_fetch(&st->areas, hit->address, data,
			 above(hit->address, sizeof(data), a->end) -
				 hit->address);
	if (!sigframe_decode(hit->kind, raw, &f))
		return;

	uint64_t end = min64(frame_end(&f, raw), a->end);

	if (hit->address < t->own_end) {
		uint64_t margin = above(end, MARGIN,
					max64(end, mapping_end(st, end - 1)));

		t->keep_end = max64(t->keep_end, margin);
	} else {
		keep(st, a, hit->address, end);
		t->foreign_hits++;
	}

	uint64_t top = altstack_top(&f, raw);

	if (top)
		t->end = min64(t->end, max64(top, end));
	if (top)
		t->bottom = min64(t->bottom, max64(f.altstack_sp, a->start));
	if (f.fpstate < hit->address || f.fpstate >= end)
		keep_far_image(st, &f);
	add_hop(st, hops, f.regs.r[X86_RSP]);
}

/* The start of the red zone, if it does not reach into a guard region. */
static uint64_t first_readable(struct stacks *st, const struct area *a,
			       uint64_t sp)
{
	uint64_t first = below(sp & ~UINT64_C(7), RED_ZONE, a->start);
	uint8_t byte;

	if (first / PAGE == sp / PAGE ||
	    st->areas.read(st->areas.snapshot, first, &byte, 1))
		return first;
	return sp & ~UINT64_C(7);
}

/* One stack of a thread whose stack pointer is `own`, from `sp` on. */
static enum stacks_found copy_one(struct stacks *st, uint64_t own, uint64_t sp,
				  bool always, struct hops *hops)
{
	bool inner = sp == own;
	struct area *a = stack_area(st, &sp);
	struct scan_hit hit;
	struct trail t = { 0 };

	if (!a)
		return STACKS_UNSURE;

	/* scanned from the red zone on as well: what is copied is read once */
	uint64_t first = first_readable(st, a, sp);
	uint64_t at = first;
	/*
	 * The neighbours of a mapping are mostly somebody else's. They matter
	 * where the answer could be that there is nothing at all.
	 */
	uint64_t end = mapping_end(st, sp);
	enum stacks_found found;

	t.bottom = sp;
	t.end = above(first, COPY_MAX, a->end);
	t.own_end = next_stack(st, own, sp, t.end);
	for (;;) {
		uint64_t stop = min64(t.end, end);

		found = areas_next_hit(&st->areas, a, at, stop, &hit);
		if (found == STACKS_HIT) {
			st->full |= t.hits == HITS_MAX;
			if (t.hits++ == HITS_MAX ||
			    t.foreign_hits == KEEP_FOREIGN_HITS)
				break;
			follow_hit(st, a, &t, &hit, hops);
			at = hit.address + 4;
		} else if (found == STACKS_UNSURE && inner && !t.hits &&
			   stop < t.end && area_is_scanned(a, at, stop)) {
			at = stop;
			end = t.end;
		} else {
			break;
		}
	}

	uint64_t keep_end = t.keep_end;

	if (!keep_end)
		keep_end = above(sp, t.hits ? MARGIN : KEEP_WITHOUT_HIT,
				 mapping_end(st, sp));

	/* a frame may be there that nothing else tells of */
	uint64_t last = area_last_return(a, below(sp, POPPED, a->start),
					 min64(t.end, t.own_end));

	/* that of a neighbour is kept with its own stack */
	if (last)
		keep_end = max64(keep_end,
				 above(last, MARGIN,
				       max64(above(last, FRAME_ROOM, t.end),
					     mapping_end(st, last))));
	keep_end = min64(keep_end, min64(t.end, t.own_end));
	/* while its bytes are at hand */
	if (t.hits || always)
		keep(st, a, first, keep_end);

	bool away = inner && leads_away(st, a, sp, t.bottom, hops);

	if (t.hits)
		found = STACKS_HIT;
	else if (found == STACKS_NOTHING &&
		 (away || last || !area_is_scanned(a, sp, sp + 1)))
		found = STACKS_UNSURE;
	if (found == STACKS_UNSURE)
		keep(st, a, first, keep_end);
	return found;
}

/* There are more and more of them on the way. */
static void follow_hops(struct stacks *st, uint64_t own, struct hops *hops)
{
	for (size_t i = 0; i < hops->count; i++) {
		struct area *a = areas_find(&st->areas, hops->at[i]);

		if (a && !is_kept(a, hops->at[i]))
			copy_one(st, own, hops->at[i], true, hops);
	}
}

enum stacks_found stacks_copy(struct stacks *st, uint64_t sp, bool always)
{
	struct hops hops = { .count = 0 };
	enum stacks_found found = copy_one(st, sp, sp, always, &hops);

	follow_hops(st, sp, &hops);
	return found;
}

bool stacks_copy_led(struct stacks *st, const struct x86_gprs *regs)
{
	static const enum x86_reg kept[] = {
		X86_RBP, X86_RBX, X86_R12, X86_R13, X86_R14, X86_R15,
	};
	uint64_t own = regs->r[X86_RSP];
	uint64_t end = mapping_end(st, own);
	bool found = false;

	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++) {
		uint64_t word = regs->r[kept[i]];
		struct hops hops = { .count = 0 };

		if (word - own < end - own || !leads_to_hit(st, own, word))
			continue;
		found = true;
		copy_one(st, own, word, true, &hops);
		follow_hops(st, own, &hops);
	}
	return found;
}

void stacks_watch(struct stacks *st)
{
	areas_watch(&st->areas);
}

bool stacks_full(const struct stacks *st)
{
	return st->full;
}

struct error *stacks_give(struct stacks *st, struct snapshot *s)
{
	for (size_t i = 0; i < st->areas.count; i++) {
		struct area *a = &st->areas.list[i];

		for (size_t k = 0; k < a->copies_count; k++) {
			struct copy *c = &a->copies[k];
			struct error *err = snapshot_add_capture(
				s, c->start, TAKE_PTR(c->data),
				c->end - c->start);

			if (err)
				return err;

			struct capture *given =
				&s->captures[s->captures_count - 1];

			given->changed_from = c->changed.start;
			given->changed_to = c->changed.end;
		}
		a->copies_count = 0;
	}
	return st->areas.no_memory ? &error_no_memory : NULL;
}
