/* SPDX-License-Identifier: GPL-3.0-or-later */
/* deaths.c - signals that a failed sigreturn may have brought, and its frame */
#include "locate/deaths.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "locate/facts.h"
#include "x86/scan.h"

enum {
	CHUNK = 256 << 10,
	BELOW = 1 << 20,	/* of the stack pointer: looked at first */
	ABOVE = 64 << 10,
	SUSPECTS_MAX = 16,
	FRAME_MAX = 768,
	RANK_MAX = 4,
	PAGE = 4096,
	OVERLAP = 256,		/* more than between two registers */
	LOOKS_MAX = 4096,	/* hostile memory may have many */
};
#define MEMORY_MAX (UINT64_C(1) << 30)

struct search {
	const struct snapshot *s;
	struct code *code;
	const struct located *l;
	struct located_death *death;
	unsigned ranks[SUSPECTS_MAX];	/* of the death's suspects */
	uint64_t first_from, first_to;	/* what was searched first */
	/* for all deaths together: bytes to read, and places to look at */
	uint64_t budget;
	unsigned looks;
};

/* The instruction that makes the system call, 32-bit ones last. */
static const uint8_t call_code[][2] = { { 0x0f, 0x05 }, { 0xcd, 0x80 } };

/* mov $N,%eax and mov $N,%rax, without the number. */
static const uint8_t mov_eax[] = { 0xb8 };
static const uint8_t mov_rax[] = { 0x48, 0xc7, 0xc0 };
enum { CODE_BEFORE = sizeof(mov_rax) + 4 + 2, SAVED = -2 };

/* The code right before: the number is loaded, and the call made. */
static bool code_calls(const uint8_t code[CODE_BEFORE],
		       const struct sigframe_shape *shape)
{
	struct bytes b = { code, CODE_BEFORE, 0 };
	const uint8_t *number = code + sizeof(mov_rax);
	uint32_t loaded = 0;

	bytes_u32(b, sizeof(mov_rax), &loaded);
	return loaded == shape->call &&
	       !memcmp(number + 4, call_code[shape->header != 0], 2) &&
	       (!memcmp(number - sizeof(mov_eax), mov_eax, sizeof(mov_eax)) ||
		!memcmp(code, mov_rax, sizeof(mov_rax)));
}

/*
 * Is the thread right behind one of these calls, by its number, or, where that
 * was not kept (SAVED), by the code?
 */
static bool in_call(struct code *code, const struct x86_gprs *regs,
		    int64_t number, struct scan_hit *ret)
{
	uint64_t pc = regs->r[X86_RIP];
	uint8_t raw[CODE_BEFORE] = { 0 };
	bool saved = number == SAVED;
	enum run_end end;

	/* a sigreturn that gives up returns 0 */
	if (saved && (pc < CODE_BEFORE || regs->r[X86_RAX] ||
		      code_read(code, pc - CODE_BEFORE, raw, CODE_BEFORE,
				&end) != CODE_BEFORE))
		return false;
	for (unsigned i = 0; i < SIGFRAME_KINDS; i++) {
		const struct sigframe_shape *shape = &sigframe_shapes[i];

		if (saved ? !code_calls(raw, shape) : number != shape->call)
			continue;
		if ((shape->header != 0) != x86_gprs_is_32bit(regs))
			continue;
		ret->kind = (enum sigframe_kind)i;
		ret->address = regs->r[X86_RSP] - shape->call_skip;
		return true;
	}
	return false;
}

static bool is_live(const struct located *l, uint64_t address)
{
	for (size_t i = 0; i < l->threads_count; i++)
		for (size_t k = 0; k < l->threads[i].frames_count; k++)
			if (l->threads[i].frames[k].address == address)
				return true;
	return false;
}

/* How much speaks for a place beside its registers; 0: it is a copy. */
static unsigned rank(const struct frame_check *check)
{
	const struct sigframe *f = &check->sigframe;
	unsigned placed = check->placement != SIGFRAME_PLACED_NOWHERE;

	if (check->restorer == TRI_YES)
		return RANK_MAX - !placed;
	if (placed)
		return 2;
	return check->restorer == TRI_UNKNOWN &&
	       f->address % 16 == sigframe_shapes[f->kind].misalign;
}

/* By rank, the lower address first among equals. */
static struct error *add_suspect(struct search *q,
				 const struct frame_check *check)
{
	struct located_death *d = q->death;
	struct located_frame frame = { 0 };
	size_t at = d->suspects_count;

	if (at == SUSPECTS_MAX)
		return NULL;
	if (!d->suspects)
		d->suspects = calloc(SUSPECTS_MAX, sizeof(*d->suspects));
	if (!d->suspects)
		return &error_no_memory;

	struct error *err = facts_gather(q->s, check, LOCATE_IMAGE_MAX,
					 &frame);

	if (err) {
		facts_deinit(&frame);
		return err;
	}
	for (; at && q->ranks[at - 1] < rank(check); at--) {
		d->suspects[at] = d->suspects[at - 1];
		q->ranks[at] = q->ranks[at - 1];
	}
	d->suspects[at] = frame;
	q->ranks[at] = rank(check);
	d->suspects_count++;
	return NULL;
}

/* Is there a frame of that kind, with all the registers of the death? */
static struct error *look_at(struct search *q, enum sigframe_kind kind,
			     uint64_t address)
{
	const struct autopsy_death *d = &q->death->death;
	struct frame_check check;

	if (!q->looks) {
		q->death->searched = false;
		return NULL;
	}
	q->looks--;
	if (address > UINT64_MAX - FRAME_MAX || is_live(q->l, address) ||
	    !facts_check(q->s, q->code, kind, address, &check) ||
	    !autopsy_same_registers(d, &check.sigframe, true) || !rank(&check))
		return NULL;
	return add_suspect(q, &check);
}

/*
 * At each place that has the instruction pointer and, where a frame has it,
 * the stack pointer: the lower halves will do.
 */
static struct error *search_bytes(struct search *q, struct bytes b)
{
	const uint64_t *r = q->death->death.regs.r;
	uint32_t word;

	for (size_t i = 0; bytes_u32(b, i, &word); i += 4) {
		if (word != (uint32_t)r[X86_RIP])
			continue;
		for (unsigned kind = 0; kind < SIGFRAME_KINDS; kind++) {
			unsigned ip = sigframe_register_offset(kind, X86_RIP);
			unsigned sp = sigframe_register_offset(kind, X86_RSP);
			struct error *err;

			if (i < ip - sp || b.addr + i < ip ||
			    !bytes_u32(b, i - (ip - sp), &word) ||
			    word != (uint32_t)r[X86_RSP])
				continue;
			err = look_at(q, kind, b.addr + i - ip);
			if (err)
				return err;
		}
	}
	return NULL;
}

/* False if it is more than what is left; then nothing is. */
static bool spend(struct search *q, size_t size)
{
	if (q->budget < size) {
		q->budget = 0;
		q->death->searched = false;
		return false;
	}
	q->budget -= size;
	return true;
}

/* Search [from, to), which holds data, part by part. */
static struct error *search_data(struct search *q, uint64_t from, uint64_t to,
				 uint8_t *buf)
{
	struct error *err = NULL;

	while (from < to && !err) {
		size_t want = to - from < CHUNK ? to - from : CHUNK;
		enum run_end end;

		if (!spend(q, want))
			return NULL;

		size_t got = snapshot_read(q->s, from, buf, want, &end);

		err = search_bytes(q, (struct bytes){ buf, got, from });
		if (got == want && from + want == to)
			break;
		/* what two parts share is looked at in the second */
		from += got > OVERLAP ? got - OVERLAP : got;
		if (got < want) {
			q->death->searched = false;
			from = (from + OVERLAP + PAGE) & ~(uint64_t)(PAGE - 1);
		}
	}
	return err;
}

/* Search what there is in [from, to), a part of one mapping. */
static struct error *search_range(struct search *q, uint64_t from, uint64_t to,
				  uint8_t *buf)
{
	struct error *err = NULL;

	while (from < to && !err) {
		uint64_t end = to;
		uint64_t start;

		/* to ask is not free, either */
		if (!spend(q, PAGE))
			break;
		start = snapshot_next_data(q->s, from, to, &end);
		if (start >= to || end <= start)
			break;
		err = search_data(q, start, end, buf);
		from = end;
	}
	return err;
}

/* What of the mapping has not been searched yet. */
static struct error *search_mapping(struct search *q, const struct mapping *m,
				    uint8_t *buf)
{
	uint64_t low = q->first_from, high = q->first_to;
	struct error *err;

	if (!(m->prot & PROT_WRITE) || !(m->prot & PROT_READ))
		return NULL;
	if (high <= m->start || low >= m->end)
		return search_range(q, m->start, m->end, buf);
	err = low > m->start ? search_range(q, m->start, low, buf) : NULL;
	if (!err && high < m->end)
		err = search_range(q, high, m->end, buf);
	return err;
}

/* Around the stack pointer, where a frame is that was not on another stack. */
static struct error *search_near(struct search *q, uint8_t *buf)
{
	uint64_t sp = q->death->death.regs.r[X86_RSP];
	const struct mapping *m = snapshot_mapping(q->s, sp);

	sp &= ~UINT64_C(7);
	if (!m && sp)	/* an empty stack */
		m = snapshot_mapping(q->s, sp - 1);
	if (!m || !(m->prot & PROT_READ))
		return NULL;
	q->first_from = sp - m->start > BELOW ? sp - BELOW : m->start;
	q->first_to = m->end - sp > ABOVE ? sp + ABOVE : m->end;
	return search_range(q, q->first_from, q->first_to, buf);
}

static struct error *search(struct search *q)
{
	CLEANUP_FREE uint8_t *buf = malloc(CHUNK);
	struct error *err;

	if (!buf)
		return &error_no_memory;
	q->death->searched = true;
	err = search_near(q, buf);
	for (size_t i = 0; i < q->s->mappings_count && !err; i++) {
		struct located_death *d = q->death;

		/* nothing can be likelier */
		if (d->suspects_count && q->ranks[0] == RANK_MAX)
			break;
		err = search_mapping(q, &q->s->mappings[i], buf);
	}
	return err;
}

/* The frame that sigreturn was to read, as far as it is there. */
static struct error *take_frame(struct search *q, const struct scan_hit *hit)
{
	struct located_death *d = q->death;
	enum run_end end = RUN_END_UNREADABLE;
	struct located_frame *f = calloc(1, sizeof(*f));
	size_t size = 0;

	if (!f)
		return &error_no_memory;
	d->suspects = f;
	d->suspects_count = 1;
	f->facts = calloc(1, sizeof(*f->facts));
	f->frame_memory = malloc(FRAME_MAX);
	if (!f->facts || !f->frame_memory)
		return &error_no_memory;
	if (hit->address <= UINT64_MAX - FRAME_MAX)
		size = snapshot_read(q->s, hit->address, f->frame_memory,
				     sigframe_shapes[hit->kind].size, &end);
	f->kind = f->facts->sigframe.kind = hit->kind;
	f->address = f->facts->sigframe.address = hit->address;
	f->facts->frame = (struct run){
		{ f->frame_memory, size, hit->address }, end };
	return NULL;
}

/* Add a death, of `death` so far as it is known, and look for the culprit. */
static struct error *add_death(struct search *q, struct located *l,
			       const struct located_death *death,
			       const struct scan_hit *call,
			       struct modules *modules)
{
	struct located_death *deaths;
	struct error *err;

	if (!autopsy_concerns(&death->death))
		return NULL;
	deaths = reallocarray(l->deaths, l->deaths_count + 1,
			      sizeof(*deaths));
	if (!deaths)
		return &error_no_memory;
	l->deaths = deaths;
	q->death = &deaths[l->deaths_count++];
	*q->death = *death;
	q->first_from = q->first_to = 0;
	err = death->death.in_sigreturn ? take_frame(q, call) : search(q);
	for (size_t i = 0; i < q->death->suspects_count; i++) {
		struct located_frame *f = &q->death->suspects[i];

		if (!f->facts)
			continue;
		modules_place(modules, f->facts->sigframe.regs.r[X86_RIP],
			      &f->interrupted);
	}
	return err;
}

/* The thread itself, as it was killed. */
static struct error *look_at_thread(struct search *q, struct located *l,
				    size_t index, struct modules *modules)
{
	const struct thread *t = l->threads[index].thread;
	struct located_death d = {
		.thread = index,
		.death = {
			.regs = t->regs,
			.initial = autopsy_initial((struct bytes){
				t->xstate, t->xstate_size, 0 }),
		},
	};
	struct scan_hit call;

	if (!(t->has & THREAD_HAS_GPRS) ||
	    !snapshot_siginfo(q->s, t, &d.death.info))
		return NULL;
	d.death.narrow = q->s->word == 8 &&
			 (t->regs.r[X86_CS] | 3) != X86_USER_CS;
	d.death.in_sigreturn = in_call(q->code, &t->regs, t->orig_rax, &call);
	return add_death(q, l, &d, &call, modules);
}

/* Is its handler at a signal that may have come of a failed sigreturn? */
static bool is_death(const struct located_frame *signal,
		     struct autopsy_death *ret)
{
	const struct frame_facts *facts = signal->facts;
	const struct sigframe *f;

	if (!facts)
		return false;
	f = &facts->sigframe;

	struct bytes info = { f->info, f->have_info ? SIGFRAME_INFO_SIZE : 0,
			      0 };

	*ret = (struct autopsy_death){
		.regs = f->regs,
		.initial = autopsy_initial(frame_image(facts).bytes),
		.have_trap = true,
		.trap = f->trapno,
	};
	return siginfo_decode(info, f->kind != SIGFRAME_X86_64, &ret->info) &&
	       autopsy_concerns(ret);
}

bool deaths_concern(const struct located_frame *f)
{
	struct autopsy_death death;

	return is_death(f, &death);
}

/* A frame whose handler is at a SIGSEGV. */
static struct error *look_at_frame(struct search *q, struct located *l,
				   size_t index, size_t frame,
				   struct modules *modules)
{
	const struct located_frame *signal = &l->threads[index].frames[frame];
	struct located_death d = { .thread = index, .signal = signal };
	struct scan_hit call;

	if (!is_death(signal, &d.death))
		return NULL;

	const struct sigframe *f = &signal->facts->sigframe;

	d.death.in_sigreturn = in_call(q->code, &f->regs, SAVED, &call);
	return add_death(q, l, &d, &call, modules);
}

struct error *deaths_find(const struct snapshot *s, struct code *code,
			  struct modules *modules, struct located *l)
{
	struct search q = {
		.s = s, .code = code, .l = l,
		.budget = MEMORY_MAX, .looks = LOOKS_MAX,
	};
	struct error *err = NULL;

	for (size_t i = 0; i < l->threads_count && !err; i++) {
		err = look_at_thread(&q, l, i, modules);
		for (size_t k = 0; k < l->threads[i].frames_count && !err; k++)
			err = look_at_frame(&q, l, i, k, modules);
	}
	return err;
}

void deaths_deinit(struct located *l)
{
	for (size_t i = 0; i < l->deaths_count; i++) {
		struct located_death *d = &l->deaths[i];

		for (size_t k = 0; k < d->suspects_count; k++) {
			code_place_deinit(&d->suspects[k].interrupted);
			facts_deinit(&d->suspects[k]);
		}
		free(d->suspects);
	}
	free(l->deaths);
}
