/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.c - places in memory that may be signal frames */
#include "x86/scan.h"

#include "x86/xstate.h"

/* Frames of 32-bit and x32 tasks cannot be above. */
#define LOW_LIMIT (UINT64_C(1) << 32)

/*
 * A frame is searched for by marks at fixed distances from its address. One
 * of them alone makes a place worth a second look, so that no single field
 * that someone edited hides a frame. Offsets in bytes.
 */
struct marks {
	uint16_t step;		/* between two addresses to try */
	bool low;		/* only below LOW_LIMIT */
	uint16_t cs;		/* in 64-bit contexts with gs, fs and ss */
	uint16_t ss;
	uint16_t fpstate;
	uint16_t magic1;
	uint16_t retcode;	/* bytes that Linux leaves for debuggers */
	uint16_t twin_retcode;	/* if the sigcontext is of the other kind */
	uint64_t retcode_bytes;
	uint64_t twin_bytes;
};

#define RT_RETCODE UINT64_C(0x0080cd000000adb8)
#define RETCODE UINT64_C(0x80cd00000077b858)

static const struct marks marks[SIGFRAME_KINDS] = {
	[SIGFRAME_X86_64] = {
		.step = 8, .cs = 192, .ss = 198, .fpstate = 232,
		.magic1 = 456 + XSTATE_SW_OFF,
	},
	[SIGFRAME_X32] = {
		.step = 8, .low = true, .cs = 176, .ss = 182, .fpstate = 216,
		.magic1 = 440 + XSTATE_SW_OFF,
	},
	[SIGFRAME_IA32_RT] = {
		.step = 4, .low = true, .cs = 224, .ss = 236, .fpstate = 240,
		.magic1 = 388 + XSTATE_SW_OFF,
		.retcode = 260, .retcode_bytes = RT_RETCODE,
		.twin_retcode = 880, .twin_bytes = RETCODE,
	},
	[SIGFRAME_IA32] = {
		.step = 4, .low = true, .cs = 68, .ss = 80, .fpstate = 84,
		.magic1 = 852 + XSTATE_SW_OFF,
		.retcode = 724, .retcode_bytes = RETCODE,
		.twin_retcode = 104, .twin_bytes = RT_RETCODE,
	},
};

static uint64_t load64(const uint8_t *p)
{
	uint64_t raw;

	memcpy(&raw, p, sizeof(raw));
	return le64toh(raw);
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t raw;

	memcpy(&raw, p, sizeof(raw));
	return le32toh(raw);
}

/*
 * cs in the low 16 bits, gs and fs 0, ss in the high ones. One of the two
 * selectors may be anything; 0x23 and 0x33 differ in one bit.
 */
static bool selectors_marked(uint64_t word)
{
	return word >> 16 == X86_USER_DS << 32 ||
	       (word & UINT64_C(0x0000ffffffffffef)) == X86_USER32_CS;
}

/* Marks in the ucontext. `fpstate` is what a kernel would have written. */
static bool wide_marked(const struct marks *m, const uint8_t *frame,
			uint64_t fpstate)
{
	return load64(frame + m->fpstate) == fpstate ||
	       selectors_marked(load64(frame + m->cs));
}

static bool narrow_marked(const struct marks *m, const uint8_t *frame,
			  uint64_t fpstate)
{
	return load32(frame + m->fpstate) == fpstate ||
	       load32(frame + m->cs) == X86_USER32_CS ||
	       load32(frame + m->ss) == X86_USER_DS;
}

/* Marks behind the ucontext. */
static bool wide_tail_marked(const struct marks *m, const uint8_t *frame)
{
	return load32(frame + m->magic1) == XSTATE_MAGIC1;
}

static bool narrow_tail_marked(const struct marks *m, const uint8_t *frame)
{
	return load32(frame + m->magic1) == XSTATE_MAGIC1 ||
	       load64(frame + m->retcode) == m->retcode_bytes;
}

/* Offsets that are tried at once, and a half-word of each of two. */
enum { AT_ONCE = 16, AT_ONCE_BYTES = AT_ONCE * 8 };
typedef uint32_t lanes __attribute__((__vector_size__(16)));

static lanes load_lanes(const uint8_t *p)
{
	lanes ret;

	memcpy(&ret, p, sizeof(ret));
	return ret;
}

/*
 * May any of AT_ONCE offsets from `at` on have a mark? Most memory has none.
 * Of a mark of 64 bits, 32 have to agree: what is let through too much is
 * looked at again. `fpstate` is what the first would have, as written below.
 */
static bool wide_may_be_marked(const struct marks *m, const uint8_t *at,
			       uint64_t fpstate)
{
	const lanes low = { UINT32_MAX, 0, UINT32_MAX, 0 };
	const lanes magic = { XSTATE_MAGIC1, 0, XSTATE_MAGIC1, 0 };
	/* selectors_marked(): the low half is a cs, the high one has ss */
	const uint32_t cs = X86_USER32_CS, ss = X86_USER_DS << 16;
	const lanes selectors = { cs, ss, cs, ss };
	const lanes compared = { ~UINT32_C(0x10), UINT32_MAX,
				 ~UINT32_C(0x10), UINT32_MAX };
	lanes expected = { (uint32_t)fpstate, 0, (uint32_t)(fpstate + 8), 0 };
	lanes halves = { 0 }, words = { 0 };

#pragma GCC unroll 8
	for (unsigned i = 0; i < AT_ONCE_BYTES; i += 16) {
		lanes image = load_lanes(at + m->fpstate + i);
		lanes tail = load_lanes(at + m->magic1 + i);
		lanes word = load_lanes(at + m->cs + i);

		halves |= (lanes)(image == expected) | (lanes)(tail == magic);
		words |= (lanes)((word & compared) == selectors);
		expected += 16;
	}
	words |= halves & low;

	uint64_t any[2];

	memcpy(any, &words, sizeof(any));
	return any[0] | any[1];
}

/*
 * The offset of the first mark in [off, end). Below `deep` all marks lie
 * within the bytes, above it only those of the ucontext.
 */
static uint64_t skip_wide(const struct marks *m, struct bytes b, uint64_t off,
			  uint64_t deep, uint64_t end, uint64_t fpstate)
{
	while (off < deep) {
		uint64_t stop = deep;

		/* the last loads reach as far as those of the last offset */
		if (deep - off > AT_ONCE_BYTES) {
			stop = off + AT_ONCE_BYTES;
			if (!wide_may_be_marked(m, b.data + off,
						fpstate + off))
				off = stop;
		}
		for (; off < stop; off += 8)
			if (wide_marked(m, b.data + off, fpstate + off) ||
			    wide_tail_marked(m, b.data + off))
				return off;
	}
	for (; off < end; off += 8)
		if (wide_marked(m, b.data + off, fpstate + off))
			return off;
	return end;
}

static uint64_t skip_narrow(const struct marks *m, struct bytes b,
			    uint64_t off, uint64_t deep, uint64_t end,
			    uint64_t fpstate)
{
	for (; off < deep; off += 4)
		if (narrow_marked(m, b.data + off, fpstate + off) ||
		    narrow_tail_marked(m, b.data + off))
			return off;
	for (; off < end; off += 4)
		if (narrow_marked(m, b.data + off, fpstate + off))
			return off;
	return end;
}

/* Is there a magic1 in the image that starts at `image`? */
static bool has_magic1(struct bytes b, uint64_t image)
{
	uint32_t magic;

	return image >= b.addr &&
	       bytes_u32(b, image - b.addr + XSTATE_SW_OFF, &magic) &&
	       magic == XSTATE_MAGIC1;
}

/* As user mode has them: bit 1 and IF set, no reserved bit, no VM86 ones. */
static bool flags_plausible(uint64_t flags)
{
	return (flags & ~UINT64_C(0x257dd5)) == 0x202;
}

static bool cs_plausible(uint64_t cs)
{
	return cs == X86_USER_CS || cs == X86_USER32_CS;
}

/*
 * What speaks for a frame, weighed. ENOUGH is more than what zeros, small
 * numbers and pointers into the stack reach by chance, and less than what a
 * frame keeps when any one or two of its fields are spoilt.
 */
enum {
	ENOUGH = 9,
	/* a pointer to the image, its magic1, or both flags and cs */
	ENOUGH_WITH_RESTORER = 4,
};

static unsigned weigh_state(const struct sigframe *f, struct bytes b)
{
	uint64_t expected = f->address + sigframe_shapes[f->kind].image;
	uint64_t image = sigframe_image(f);
	unsigned weight = 0;

	if (image == expected)
		weight += 4;
	if (has_magic1(b, expected) || (image && has_magic1(b, image)))
		weight += 4;
	if (flags_plausible(f->regs.r[X86_RFLAGS]))
		weight += 2;
	if (cs_plausible(f->regs.r[X86_CS]))
		weight += 2;
	return weight;
}

bool scan_supports(const struct sigframe *f, struct bytes stack)
{
	return weigh_state(f, stack) >= ENOUGH_WITH_RESTORER;
}

static unsigned weigh_wide(const struct sigframe *f, struct bytes b)
{
	const struct marks *m = &marks[f->kind];
	unsigned weight = weigh_state(f, b);
	uint32_t gs_fs = 0;

	/*
	 * An x32 frame with the same sigcontext would have its return address
	 * where a 64-bit one has uc_link, and its uc_flags at ss_sp.
	 */
	if (f->kind == SIGFRAME_X32 && !f->pretcode)
		return 0;
	if (f->kind == SIGFRAME_X86_64 && f->address < LOW_LIMIT &&
	    f->uc_link && f->altstack_sp && f->altstack_sp <= 7)
		return 0;
	if (f->pretcode && f->pretcode < UINT64_C(1) << 56)
		weight += 1;
	if (f->uc_flags <= 7)
		weight += f->uc_flags ? 3 : 1;
	if (!f->uc_link)
		weight += 1;
	if (bytes_u32(b, f->address - b.addr + m->cs + 2, &gs_fs) && !gs_fs)
		weight += 1;
	if (f->regs.r[X86_SS] == X86_USER_DS)
		weight += 1;
	return weight;
}

static unsigned weigh_narrow(const struct sigframe *f, struct bytes b)
{
	const struct marks *m = &marks[f->kind];
	uint64_t off = f->address - b.addr;
	unsigned weight = weigh_state(f, b);
	uint64_t word;
	uint32_t info, context;

	if (bytes_u64(b, off + m->retcode, &word) && word == m->retcode_bytes)
		weight += 4;
	else if (bytes_u64(b, off + m->twin_retcode, &word) &&
		 word == m->twin_bytes)
		return 0;
	if (f->pretcode)
		weight += 1;
	if (f->sig >= 1 && f->sig <= 64)
		weight += 1;
	if (f->regs.r[X86_SS] == X86_USER_DS)
		weight += 2;
	if (f->regs.r[X86_DS] == X86_USER_DS)
		weight += 1;
	if (f->regs.r[X86_ES] == X86_USER_DS)
		weight += 1;
	if (f->kind == SIGFRAME_IA32_RT) {
		/* the handler's arguments */
		if (bytes_u32(b, off + 8, &info) &&
		    info == f->address + 16)
			weight += 2;
		if (bytes_u32(b, off + 12, &context) &&
		    context == f->address + 144)
			weight += 2;
		if (f->uc_flags <= 1)
			weight += 1;
		if (!f->uc_link)
			weight += 1;
	}
	return weight;
}

/* How many offsets from 0 on have `reach` bytes behind them. */
static uint64_t offsets_with(struct bytes b, uint64_t reach)
{
	return b.size >= reach ? b.size - reach + 1 : 0;
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * The first offset in [off, end) that looks like a frame of the kind; `end`
 * or above if there is none.
 */
static uint64_t search(enum sigframe_kind kind, struct bytes b, uint64_t off,
		       uint64_t end)
{
	const struct sigframe_shape *shape = &sigframe_shapes[kind];
	const struct marks *m = &marks[kind];
	bool wide = shape->pointer == 8;
	uint64_t fpstate = b.addr + shape->image - shape->header;
	uint64_t stop = min(end, offsets_with(b, shape->need_end));
	uint64_t deep = min(stop, offsets_with(b, m->magic1 + 4));

	off += -(b.addr + off) & (m->step - 1u);
	for (; off < stop; off += m->step) {
		struct sigframe f;
		unsigned weight = 0;

		off = wide ? skip_wide(m, b, off, deep, stop, fpstate)
			   : skip_narrow(m, b, off, deep, stop, fpstate);
		if (off >= stop)
			break;
		if (sigframe_decode(kind, bytes_from(b, off), &f))
			weight = wide ? weigh_wide(&f, b)
				      : weigh_narrow(&f, b);
		if (weight >= ENOUGH)
			return off;
	}
	return end;
}

/* Every kind is sought in one block before the next: hits by address. */
enum { BLOCK = 16384 };

bool scan_next_below(struct bytes stack, uint64_t limit, uint64_t *cursor,
		     struct scan_hit *ret)
{
	struct bytes b = stack;
	uint64_t off = 0, next, stop;

	/* a stack ends where the address space does */
	if (b.addr && b.size > -b.addr)
		b.size = -b.addr;
	if (*cursor > b.addr)
		off = *cursor - b.addr;

	stop = limit > b.addr ? min(b.size, limit - b.addr) : 0;
	for (; off < stop; off = next) {
		uint64_t best = next = off + min(BLOCK, stop - off);

		for (unsigned kind = 0; kind < SIGFRAME_KINDS; kind++) {
			uint64_t found;

			if (marks[kind].low && b.addr >= LOW_LIMIT)
				continue;
			found = search(kind, b, off, best);
			if (found < best) {
				best = found;
				ret->kind = kind;
			}
		}
		if (best < next) {
			ret->address = b.addr + best;
			*cursor = ret->address + 4;
			return true;
		}
	}
	return false;
}

bool scan_next(struct bytes stack, uint64_t *cursor, struct scan_hit *ret)
{
	return scan_next_below(stack, UINT64_MAX, cursor, ret);
}
