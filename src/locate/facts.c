/* SPDX-License-Identifier: GPL-3.0-or-later */
/* facts.c - what a snapshot tells about one place that may be a frame */
#include "locate/facts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "locate/registered.h"

/* Bits of MXCSR that some CPU has; bit 17 is AMD's. */
enum { MXCSR_ANY = 0x3ffff };

static size_t read_at(const struct snapshot *s, uint64_t addr, void *buf,
		      size_t size, enum run_end *end_ret)
{
	if (size && addr > UINT64_MAX - size) {
		*end_ret = RUN_END_UNREADABLE;
		return 0;
	}
	return snapshot_read(s, addr, buf, size, end_ret);
}

static enum frame_return returns_to(const struct snapshot *s,
				    const struct sigframe *f,
				    const struct code_effect *e)
{
	switch (e->end) {
	case EMULATE_SIGRETURN:
		if (e->registered)
			return FRAME_RETURN_REGISTERED;
		if (e->kind != f->kind)
			return FRAME_RETURN_KIND;
		if (!e->frame_known)
			return FRAME_RETURN_UNKNOWN;
		return e->back == sigframe_shapes[f->kind].sp_skip
			       ? FRAME_RETURN_SIGRETURN
			       : FRAME_RETURN_PLACE;
	case EMULATE_SYSCALL:
	case EMULATE_RETURN:
	case EMULATE_TRAP:
		return FRAME_RETURN_OTHER;
	case EMULATE_UNMAPPED:
		return snapshot_mapped(s, f->pretcode, 0) == TRI_NO
			       ? FRAME_RETURN_NOTHING
			       : FRAME_RETURN_UNREADABLE;
	case EMULATE_UNREADABLE:
		/* one for two kinds */
		return registered_is(s, f->kind, f->pretcode)
			       ? FRAME_RETURN_REGISTERED
			       : FRAME_RETURN_UNREADABLE;
	case EMULATE_LOST:
	case EMULATE_NUMBER:
		break;
	}
	return FRAME_RETURN_UNKNOWN;
}

static void check_restorer(const struct snapshot *s, struct code *code,
			   struct frame_check *c)
{
	static const enum tri restores[FRAME_RETURNS] = {
		[FRAME_RETURN_UNKNOWN] = TRI_UNKNOWN,
		[FRAME_RETURN_SIGRETURN] = TRI_YES,
		[FRAME_RETURN_KIND] = TRI_NO,
		[FRAME_RETURN_PLACE] = TRI_NO,
		[FRAME_RETURN_OTHER] = TRI_NO,
		[FRAME_RETURN_UNREADABLE] = TRI_UNKNOWN,
		[FRAME_RETURN_REGISTERED] = TRI_YES,
		[FRAME_RETURN_NOTHING] = TRI_NO,
	};
	const struct sigframe *f = &c->sigframe;
	bool wide = sigframe_shapes[f->kind].pointer == 8;
	const struct code_effect *e = code_effect(
		code, f->pretcode, wide ? X86_USER_CS : X86_USER32_CS);

	c->returns = returns_to(s, f, e);
	c->restorer = restores[c->returns];
	c->code_known = c->returns != FRAME_RETURN_UNREADABLE;
	if (c->restorer == TRI_YES)
		c->restorer_code = e->restorer;
}

static bool sw_at(const struct snapshot *s, uint64_t image,
		  struct xstate_sw *ret)
{
	uint8_t raw[XSTATE_FX_SIZE];
	enum run_end end;
	size_t size = read_at(s, image, raw, sizeof(raw), &end);

	return xstate_sw_decode((struct bytes){ raw, size, image }, ret);
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

bool facts_check(const struct snapshot *s, struct code *code,
		 enum sigframe_kind kind, uint64_t address,
		 struct frame_check *ret)
{
	const struct sigframe_shape *shape = &sigframe_shapes[kind];
	uint8_t raw[FACTS_FRAME_MAX];
	struct xstate_sw sw;
	enum run_end end;
	size_t size = read_at(s, address, raw, shape->size, &end);

	*ret = (struct frame_check){ .restorer = TRI_UNKNOWN };
	if (!sigframe_decode(kind, (struct bytes){ raw, size, address },
			     &ret->sigframe))
		return false;

	const struct sigframe *f = &ret->sigframe;

	check_restorer(s, code, ret);
	ret->end = add_saturated(address, shape->need_end);
	if (f->fpstate && sw_at(s, sigframe_image(f), &sw) &&
	    sw.magic1 == XSTATE_MAGIC1) {
		ret->placement = sigframe_placement(f, sw.xstate_size);
		if (ret->placement != SIGFRAME_PLACED_NOWHERE)
			ret->end = add_saturated(sigframe_image(f),
						 sw.xstate_size);
	}
	return true;
}

bool facts_convincing(const struct frame_check *check)
{
	return check->restorer == TRI_YES ||
	       check->placement != SIGFRAME_PLACED_NOWHERE;
}

static bool in_altstack(const struct sigframe *f, uint64_t addr)
{
	return f->altstack_size && addr >= f->altstack_sp &&
	       addr - f->altstack_sp <= f->altstack_size;
}

bool facts_intact(const struct snapshot *s, const struct frame_check *check)
{
	const struct sigframe *f = &check->sigframe;
	uint64_t image = sigframe_image(f);
	uint8_t raw[XSTATE_FX_SIZE];
	struct bytes b = { raw, sizeof(raw), image };
	uint32_t mxcsr, magic2;
	struct xstate_sw sw;
	enum run_end end;

	return check->placement != SIGFRAME_PLACED_NOWHERE &&
	       read_at(s, image, raw, sizeof(raw), &end) == sizeof(raw) &&
	       xstate_sw_decode(b, &sw) &&
	       bytes_u32(b, XSTATE_MXCSR_OFF, &mxcsr) &&
	       !(mxcsr & ~MXCSR_ANY) &&
	       read_at(s, add_saturated(image, sw.xstate_size), raw,
		       sizeof(magic2), &end) == sizeof(magic2) &&
	       bytes_u32(b, 0, &magic2) && magic2 == XSTATE_MAGIC2;
}

bool facts_elsewhere(const struct frame_check *check, uint64_t sp)
{
	const struct sigframe *f = &check->sigframe;

	return (check->placement == SIGFRAME_PLACED_ALTSTACK ||
		in_altstack(f, f->address)) &&
	       !in_altstack(f, sp);
}

bool facts_fit(const struct snapshot *s, const struct frame_check *check,
	       uint64_t sp, uint64_t end)
{
	const struct sigframe *f = &check->sigframe;
	uint64_t saved = f->regs.r[X86_RSP];
	bool entered = check->placement == SIGFRAME_PLACED_ALTSTACK;

	if (facts_elsewhere(check, sp))
		return false;
	if (saved >= f->address && saved <= end)
		return saved >= check->end ||
		       (entered && !in_altstack(f, saved));
	if (saved >= sp && saved < f->address)
		return false;
	/* the end of a mapping is a stack's top before the first push */
	return snapshot_mapped(s, saved, PROT_WRITE) != TRI_NO ||
	       snapshot_mapped(s, saved - 1, PROT_WRITE) != TRI_NO;
}

/* The capture that holds `addr`, or NULL. */
static const struct capture *capture_at(const struct snapshot *s,
					uint64_t addr)
{
	size_t low = 0, high = s->captures_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct capture *c = &s->captures[middle];

		if (addr - c->start < c->size)
			return c;
		if (c->start > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/*
 * Up to `want` bytes from `addr` on. Captured bytes are used in place, others
 * copied to memory that *owned_ret is to free.
 */
static struct error *run_at(const struct snapshot *s, uint64_t addr,
			    size_t want, uint8_t **owned_ret, struct run *ret)
{
	const struct capture *c = capture_at(s, addr);
	enum run_end end = RUN_END_UNKNOWN;

	if (c) {
		size_t skip = addr - c->start;
		size_t size = c->size - skip < want ? c->size - skip : want;
		bool ends = snapshot_mapped(s, addr + size, PROT_READ) ==
			    TRI_NO;

		if (size == want || ends) {
			if (size < want)
				end = RUN_END_UNREADABLE;
			*ret = (struct run){ { c->data + skip, size, addr },
					     end };
			return NULL;
		}
	}

	uint8_t *copy = malloc(want);

	if (!copy)
		return &error_no_memory;

	size_t size = read_at(s, addr, copy, want, &end);
	uint8_t *fit = size ? realloc(copy, size) : NULL;

	if (!size)
		free(copy);
	else if (!fit)
		fit = copy;
	*owned_ret = fit;
	*ret = (struct run){ { fit, size, addr }, end };
	return NULL;
}

static void infer_layout(const struct snapshot *s, struct frame_facts *facts)
{
	struct run image = frame_image(facts);
	const struct xstate_layout *hint =
		s->layout.features ? &s->layout : NULL;
	struct xstate_sw sw;

	if (xstate_sw_decode(image.bytes, &sw))
		facts->family = xstate_infer_layout(&sw, hint, &facts->layout);
}

/* How much behind fpstate may matter. */
static uint32_t area_wanted(const struct snapshot *s, const struct sigframe *f,
			  uint32_t image_max)
{
	uint64_t size = image_max;
	struct xstate_sw sw;

	if (sw_at(s, sigframe_image(f), &sw) && sw.magic1 == XSTATE_MAGIC1 &&
	    sw.xstate_size > size)
		size = sw.xstate_size;
	size += sigframe_shapes[f->kind].header + 64 + XSTATE_MAGIC2_SIZE;
	return size < PREDICT_AREA_WANT ? (uint32_t)size : PREDICT_AREA_WANT;
}

static uint64_t end_of(const struct frame_facts *f)
{
	const struct sigframe *frame = &f->sigframe;
	uint64_t end = frame->address + sigframe_shapes[frame->kind].size;
	struct run image = frame_image(f);
	struct xstate_sw sw;

	if (image.bytes.addr >= end && xstate_sw_decode(image.bytes, &sw) &&
	    sw.magic1 == XSTATE_MAGIC1 && sw.xstate_size <= 1u << 16)
		end = image.bytes.addr + sw.xstate_size;
	return end;
}

struct error *facts_gather(const struct snapshot *s,
			   const struct frame_check *check,
			   uint32_t image_max, struct located_frame *ret)
{
	const struct sigframe *f = &check->sigframe;
	struct frame_facts *facts = calloc(1, sizeof(*facts));
	uint64_t rip = f->regs.r[X86_RIP], rsp = f->regs.r[X86_RSP];
	struct error *err;

	if (!facts)
		return &error_no_memory;
	ret->facts = facts;
	ret->address = f->address;
	ret->kind = f->kind;
	facts->sigframe = *f;
	err = run_at(s, f->address, sigframe_shapes[f->kind].size,
		     &ret->frame_memory, &facts->frame);
	if (err)
		return err;
	if (f->fpstate) {
		ret->area_wanted = area_wanted(s, f, image_max);
		err = run_at(s, f->fpstate, ret->area_wanted,
			     &ret->area_memory, &facts->area);
		if (err)
			return err;
	}
	infer_layout(s, facts);
	ret->end = end_of(facts);

	facts->around = (struct frame_surroundings){
		.rip_mapped = snapshot_mapped(s, rip, 0),
		.rip_executable = snapshot_mapped(s, rip, PROT_EXEC),
		.restorer = check->restorer,
		.restorer_executable =
			snapshot_mapped(s, f->pretcode, PROT_EXEC),
		.resident = TRI_UNKNOWN,
		/* an empty stack starts right behind its mapping */
		.stack_mapped = snapshot_mapped(s, rsp, 0) == TRI_NO
					? snapshot_mapped(s, rsp - 1, 0)
					: TRI_YES,
	};
	ret->restorer_code = check->restorer_code;
	ret->returns = check->returns;
	return NULL;
}

static struct run run_of(const uint8_t *data, size_t size, uint64_t addr)
{
	return (struct run){ { data, size, addr }, RUN_END_UNKNOWN };
}

static void read_run(const struct snapshot *s, uint64_t addr, uint8_t *buf,
		     size_t want, struct run *ret)
{
	enum run_end end;
	size_t size = read_at(s, addr, buf, want, &end);

	*ret = (struct run){ { buf, size, addr }, end };
}

void facts_read(const struct snapshot *s, const struct located_frame *from,
		struct facts_room *room, struct frame_facts *ret)
{
	uint64_t size = sigframe_shapes[from->kind].size;
	uint64_t skip = from->fpstate - from->address;
	uint64_t all = skip + from->area_wanted;

	memset(ret, 0, sizeof(*ret));
	ret->around = from->around;
	ret->sigframe.kind = from->kind;
	ret->sigframe.address = from->address;
	if (from->kept) {
		kept_read(from->kept, room->bytes);
		ret->frame = run_of(room->bytes, size, from->address);
		ret->area = run_of(room->bytes + KEPT_FRAME_MAX,
				   from->area_wanted, from->fpstate);
	} else if (from->fpstate && skip <= FACTS_FRAME_MAX && all >= size &&
	    /* they nearly always lie side by side */
	    from->address <= UINT64_MAX - all &&
	    snapshot_read_once(s, from->address, room->bytes, all) == all) {
		ret->frame = run_of(room->bytes, size, from->address);
		ret->area = run_of(room->bytes + skip, from->area_wanted,
				   from->fpstate);
	} else {
		read_run(s, from->address, room->bytes, size, &ret->frame);
		if (from->fpstate)
			read_run(s, from->fpstate, room->bytes + size,
				 from->area_wanted, &ret->area);
	}
	if (sigframe_decode(from->kind, ret->frame.bytes, &ret->sigframe))
		infer_layout(s, ret);
}

void facts_deinit(struct located_frame *f)
{
	free(f->facts);
	free(f->frame_memory);
	free(f->area_memory);
	f->facts = NULL;
	f->frame_memory = f->area_memory = NULL;
}
