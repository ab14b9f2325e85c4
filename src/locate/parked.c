/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parked.c - saved contexts, wherever they are in a process's memory */
#include "locate/parked.h"

#include <elf.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "locate/calls.h"
#include "locate/switches.h"

enum {
	/* more coroutines than that there may be, but not with frames */
	PARKED_MAX = 1 << 15,
	/* words that look like one at first */
	TRIES_MAX = 1 << 18,
	/* what a function leaves below its stack pointer when it returns */
	DEBRIS = 1 << 20,
};

/* The stack pointer that a function was given that switches stacks. */
struct handle {
	uint64_t sp;
	uint64_t slot;		/* where it is returned to */
	uint64_t pc;
};

struct hunt {
	const struct parked_search *q;
	struct switches *switches;
	struct parked_list *found;
	struct handle *handles;	/* sorted */
	size_t handles_count;
	size_t handles_room;
	uint64_t low;		/* of all windows */
	uint64_t high;
	unsigned word;
	uint64_t cs;
	uint64_t guard;
	bool guard_known;
	unsigned tries;
	struct error *error;
};

/* How sure it is that this is a context, if it looks like one. */
static const uint8_t ranks[CONTEXT_KINDS] = {
	[CONTEXT_PAIR] = 1,
	[CONTEXT_PAIR_32] = 1,
	[CONTEXT_UCONTEXT_PLAIN] = 2,
	[CONTEXT_SETJMP_PLAIN] = 3,
	[CONTEXT_SETJMP_PLAIN_32] = 3,
};

static bool in_window(const struct hunt *h, uint64_t sp)
{
	const struct written_range *w = h->q->windows;
	size_t low = 0, high = h->q->windows_count;

	if (sp < h->low || sp >= h->high)
		return false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (w[middle].end <= sp)
			low = middle + 1;
		else
			high = middle;
	}
	return low < h->q->windows_count && w[low].start <= sp;
}

static bool in_frame(const struct parked_search *q, uint64_t addr)
{
	return running_in_frame(q->running, addr) || sweep_at(q->sweep, addr);
}

static bool is_code(const struct hunt *h, uint64_t pc)
{
	return snapshot_mapped(h->q->s, pc, PROT_EXEC) == TRI_YES;
}

/* Nobody saves a context in a restorer: that is found in unwinders' notes. */
static bool follows_call(const struct hunt *h, uint64_t pc)
{
	struct calls_site call = { .present = TRI_NO };

	if (is_code(h, pc))
		calls_before(h->q->code, pc, h->cs, &call);
	return call.present != TRI_NO;
}

static bool read_word(const struct hunt *h, uint64_t addr, uint64_t *ret)
{
	return snapshot_word(h->q->s, addr, h->word, ret);
}

static void add(struct hunt *h, const struct parked *p)
{
	struct parked_list *found = h->found;

	if (found->count == found->room) {
		size_t room = found->room ? 2 * found->room : 16;
		struct parked *list = reallocarray(found->list, room,
						   sizeof(*list));

		if (!list) {
			h->error = &error_no_memory;
			return;
		}
		found->list = list;
		found->room = room;
	}
	found->list[found->count++] = *p;
}

/* Is the stack still as it was left when the context was saved? */
static bool fits_stack(const struct hunt *h, enum context_call call,
		       uint64_t sp, uint64_t pc)
{
	uint64_t below;

	switch (call) {
	case CONTEXT_CALL_LAST:
		return read_word(h, sp - h->word, &below) && below == pc;
	case CONTEXT_CALL_ANY:
		return read_word(h, sp - h->word, &below) &&
		       follows_call(h, below);
	case CONTEXT_CALL_UNKNOWN:
		break;
	}
	return true;
}

/* The word at `addr` is a stack pointer if this is a context of the kind. */
static bool try_shape(struct hunt *h, enum context_kind kind, uint64_t addr,
		      struct bytes around)
{
	const struct context_shape *shape = &context_shapes[kind];
	uint8_t raw[CONTEXT_MAX];
	struct parked p = { .kind = kind, .address = addr - shape->sp };
	struct bytes b = { raw, shape->size, p.address };
	struct context context;
	uint64_t pc;
	enum run_end end;

	/* what is at hand says no nearly always */
	if (addr < shape->sp ||
	    (bytes_word(around, addr - around.addr + shape->pc - shape->sp,
			shape->word, &pc) &&
	     !is_code(h, context_demangle(shape, h->guard, pc))))
		return false;
	h->tries++;
	if (snapshot_read(h->q->s, p.address, raw, b.size, &end) != b.size ||
	    !context_decode(kind, b, h->guard, &context) ||
	    !follows_call(h, context.gprs.r[X86_RIP]) ||
	    in_frame(h->q, addr) ||
	    !fits_stack(h, shape->call, context.gprs.r[X86_RSP],
			context.gprs.r[X86_RIP]))
		return false;
	p.at.gprs = context.gprs;
	p.at.known = context.known;
	add(h, &p);
	return shape->sign != CONTEXT_UNSIGNED;
}

/* A stack that was left by a call; `addr` is where its pointer is kept. */
static void try_handle(struct hunt *h, uint64_t addr, uint64_t sp)
{
	size_t low = 0, high = h->handles_count;
	const struct switch_area *area;
	struct parked p = { .kind = CONTEXT_SWITCH, .address = addr };

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (h->handles[middle].sp < sp)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < h->handles_count && h->handles[low].sp == sp; low++) {
		const struct handle *handle = &h->handles[low];

		area = switches_before(h->switches, handle->pc, h->cs);
		/* what lies on the stack itself is nobody's way back to it */
		if (!area || in_frame(h->q, addr) ||
		    (addr >= sp && addr <= handle->slot))
			continue;
		p.at = (struct cfi_context){
			.known = 1u << X86_RIP | 1u << X86_RSP,
		};
		p.at.gprs.r[X86_CS] = h->cs;
		p.at.gprs.r[X86_RIP] = handle->pc;
		p.at.gprs.r[X86_RSP] = handle->slot + h->word;
		for (unsigned r = 0; r < X86_DWARF_REGS; r++)
			if (area->regs & 1u << r &&
			    read_word(h, sp + area->reg[r], &p.at.gprs.r[r]))
				p.at.known |= 1u << r;
		add(h, &p);
	}
}

static void add_handle(struct hunt *h, uint64_t slot, uint64_t pc)
{
	const struct switch_area *area;

	if (!is_code(h, pc))
		return;
	area = switches_before(h->switches, pc, h->cs);
	if (!area || slot < area->depth || in_frame(h->q, slot))
		return;
	if (h->handles_count == h->handles_room) {
		size_t room = h->handles_room ? 2 * h->handles_room : 16;
		struct handle *handles = reallocarray(h->handles, room,
						      sizeof(*handles));

		if (!handles) {
			h->error = &error_no_memory;
			return;
		}
		h->handles = handles;
		h->handles_room = room;
	}
	if (h->handles_count < PARKED_MAX)
		h->handles[h->handles_count++] = (struct handle){
			slot - area->depth, slot, pc };
}

static int by_sp(const void *a, const void *b)
{
	const struct handle *x = a, *y = b;

	return (x->sp > y->sp) - (x->sp < y->sp);
}

/* The return addresses of all calls that may have left one of the stacks. */
static struct error *find_handles(struct hunt *h)
{
	const struct parked_search *q = h->q;
	struct written_range *ranges = calloc(q->windows_count + 1,
					      sizeof(*ranges));
	struct bytes piece, all;
	struct written w;
	struct error *err;

	if (ranges)
		memcpy(ranges, q->windows, q->windows_count * sizeof(*ranges));
	err = written_init_ranges(&w, q->s, q->limit, ranges,
				  q->windows_count);
	if (err)
		return err;
	while (!h->error && written_next(&w, &piece, &all)) {
		uint64_t value, off = -piece.addr & (h->word - 1);

		for (; bytes_word(all, off, h->word, &value) &&
		       off < piece.size;
		     off += h->word)
			if (value >= 4096)
				add_handle(h, piece.addr + off, value);
	}
	written_deinit(&w);
	if (h->handles_count)
		qsort(h->handles, h->handles_count, sizeof(*h->handles),
		      by_sp);
	return h->error;
}

/* Which shapes fit a word of memory, in the order of their certainty. */
static const enum context_kind plain_64[] = {
	CONTEXT_UCONTEXT, CONTEXT_GOBUF, CONTEXT_PAIR,
	CONTEXT_UCONTEXT_PLAIN, CONTEXT_SETJMP_PLAIN,
};
static const enum context_kind plain_32[] = {
	CONTEXT_UCONTEXT_32, CONTEXT_PAIR_32, CONTEXT_SETJMP_PLAIN_32,
};

static void look_at(struct hunt *h, struct bytes piece, struct bytes all)
{
	bool wide = h->word == 8;
	enum context_kind mangled = wide ? CONTEXT_SETJMP : CONTEXT_SETJMP_32;
	const enum context_kind *plain = wide ? plain_64 : plain_32;
	size_t plain_count = wide ? ARRAY_SIZE(plain_64)
				  : ARRAY_SIZE(plain_32);
	uint64_t value, off = -piece.addr & (h->word - 1);

	for (; off < piece.size && h->tries < TRIES_MAX &&
	       bytes_word(all, off, h->word, &value);
	     off += h->word) {
		uint64_t addr = piece.addr + off;

		if (in_window(h, value)) {
			bool certain = false;

			for (size_t i = 0; i < plain_count && !certain; i++)
				certain = try_shape(h, plain[i], addr, all);
			if (h->handles_count)
				try_handle(h, addr, value);
		}
		if (h->guard_known &&
		    in_window(h, context_demangle(&context_shapes[mangled],
						  h->guard, value)))
			try_shape(h, mangled, addr, all);
	}
}

static int by_certainty(const void *a, const void *b)
{
	const struct parked *x = a, *y = b;
	uint64_t i = x->at.gprs.r[X86_RSP], k = y->at.gprs.r[X86_RSP];

	if (ranks[x->kind] != ranks[y->kind])
		return ranks[x->kind] > ranks[y->kind] ? 1 : -1;
	if (i != k)
		return i > k ? 1 : -1;
	return (x->address > y->address) - (x->address < y->address);
}

/* glibc takes its guard from what the kernel gave it (dl-osinfo.h). */
static void find_guard(struct hunt *h)
{
	h->guard_known = h->q->s->random &&
			 read_word(h, h->q->s->random + h->word, &h->guard);
}

struct error *parked_find(const struct parked_search *search,
			  struct parked_list *ret)
{
	bool narrow = search->s->word == 4 && search->s->machine == EM_386;
	struct hunt h = {
		.q = search,
		.found = ret,
		.word = narrow ? 4 : 8,
		.cs = narrow ? X86_USER32_CS : X86_USER_CS,
	};
	struct bytes piece, all;
	struct written w;
	struct error *err;

	*ret = (struct parked_list){ 0 };
	if (!search->windows_count)
		return NULL;
	h.low = search->windows[0].start;
	h.high = search->windows[search->windows_count - 1].end;
	find_guard(&h);
	err = switches_create(search->code, &h.switches);
	if (!err)
		err = find_handles(&h);
	if (!err)
		err = written_init(&w, search->s, search->limit);
	if (!err) {
		while (!h.error && ret->count < PARKED_MAX &&
		       h.tries < TRIES_MAX && written_next(&w, &piece, &all))
			look_at(&h, piece, all);
		ret->searched = w.searched;
		/* it is over at the end of a piece */
		if (ret->count >= PARKED_MAX || h.tries >= TRIES_MAX)
			ret->searched--;
		written_deinit(&w);
		err = h.error;
	}
	switches_destroy(h.switches);
	free(h.handles);
	if (err)
		parked_deinit(ret);
	else if (ret->count)
		qsort(ret->list, ret->count, sizeof(*ret->list), by_certainty);
	return err;
}

void parked_deinit(struct parked_list *p)
{
	free(p->list);
	*p = (struct parked_list){ 0 };
}

static int by_address(const void *a, const void *b)
{
	const struct parked *const *x = a, *const *y = b;

	return ((*x)->address > (*y)->address) -
	       ((*x)->address < (*y)->address);
}

/* Does a word at `addr` tell somebody of the context? */
static bool tells_of(const struct parked_search *q, const struct parked *p,
		     uint64_t addr)
{
	uint64_t sp = p->at.gprs.r[X86_RSP];
	uint64_t low = sp > DEBRIS ? sp - DEBRIS : 0;

	if (snapshot_mapping(q->s, addr) == snapshot_mapping(q->s, sp) &&
	    addr >= low && addr < p->address + CONTEXT_MAX)
		return false;
	return !in_frame(q, addr);
}

struct error *parked_keep_known(const struct parked_search *search,
				struct parked *list, size_t count)
{
	CLEANUP_FREE struct parked **sorted = calloc(count + 1,
						     sizeof(struct parked *));
	CLEANUP_FREE bool *told = calloc(count + 1, sizeof(*told));
	unsigned word = search->s->word;
	struct bytes piece, all;
	struct written w;
	struct error *err;

	if (!sorted || !told)
		return &error_no_memory;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &list[i];
	if (count)
		qsort(sorted, count, sizeof(*sorted), by_address);
	err = written_init(&w, search->s, search->limit);
	if (err)
		return err;
	while (count && written_next(&w, &piece, &all)) {
		uint64_t value, off = -piece.addr & (word - 1);

		for (; off < piece.size && bytes_word(all, off, word, &value);
		     off += word) {
			size_t low = 0, high = count;

			if (value < sorted[0]->address ||
			    value > sorted[count - 1]->address)
				continue;
			while (low < high) {
				size_t middle = low + (high - low) / 2;

				if (sorted[middle]->address < value)
					low = middle + 1;
				else
					high = middle;
			}
			for (; low < count && sorted[low]->address == value;
			     low++)
				told[low] |= tells_of(search, sorted[low],
						      piece.addr + off);
		}
	}
	written_deinit(&w);
	for (size_t i = 0; i < count; i++)
		if (!told[i])
			sorted[i]->address = 0;
	return NULL;
}
