/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image.c - the memory that a case describes */
#include "image.h"

#include <cpuid.h>
#include <string.h>

#include "random.h"

#define ARENA(page) (CHILD_ARENA + (page) * CHILD_PAGE)

enum arena_page {
	PAGE_FRAME = 0,		/* where a frame lies that lies apart */
	PAGE_AFTER_FRAME = 1,	/* never mapped */
	PAGE_FIRST = 2,		/* of the image and what is around it */
	PAGE_IMAGE = 5,
	PAGE_GUARD = 10,	/* unmapped where the room is limited */
	PAGE_END = 15,		/* never mapped */
};

#define ROOM_MAX ((PAGE_GUARD - PAGE_FIRST - 1) * CHILD_PAGE)

/* Bytes of struct _fpstate_32 before the image in 32-bit frames. */
#define IA32_HEADER 112

/*
 * Where the kernel's frames have their fields. Not taken from sigframe.c,
 * which is under test.
 */
struct frame_fields {
	uint16_t uc_flags, uc_flags_width;
	uint16_t stack, stack_width;	/* ss_sp, ss_flags, ss_size */
	uint16_t sigmask, sigmask_high;	/* in two halves if not 0 */
	uint16_t fpstate, width;
	uint16_t image;			/* distance to the XSAVE image */
	uint16_t read_end;		/* sigreturn reads up to here */
	uint8_t sp_skip;		/* SP at the system call - frame */
	uint16_t regs[X86_REGS];
};

static const struct frame_fields frame_fields[SIGFRAME_KINDS] = {
	[SIGFRAME_X86_64] = {
		.uc_flags = 8, .uc_flags_width = 8, .stack = 24,
		.stack_width = 8, .sigmask = 304, .fpstate = 232, .width = 8,
		.image = 456, .read_end = 312, .sp_skip = 8,
		.regs = {
			[X86_R8] = 48, [X86_R9] = 56, [X86_R10] = 64,
			[X86_R11] = 72, [X86_R12] = 80, [X86_R13] = 88,
			[X86_R14] = 96, [X86_R15] = 104, [X86_RDI] = 112,
			[X86_RSI] = 120, [X86_RBP] = 128, [X86_RBX] = 136,
			[X86_RDX] = 144, [X86_RAX] = 152, [X86_RCX] = 160,
			[X86_RSP] = 168, [X86_RIP] = 176, [X86_RFLAGS] = 184,
			[X86_CS] = 192, [X86_SS] = 198,
		},
	},
	[SIGFRAME_IA32_RT] = {
		.uc_flags = 144, .uc_flags_width = 4, .stack = 152,
		.stack_width = 4, .sigmask = 252, .fpstate = 240, .width = 4,
		.image = 388, .read_end = 260, .sp_skip = 4,
		.regs = {
			[X86_RDI] = 180, [X86_RSI] = 184, [X86_RBP] = 188,
			[X86_RSP] = 192, [X86_RBX] = 196, [X86_RDX] = 200,
			[X86_RCX] = 204, [X86_RAX] = 208, [X86_RIP] = 220,
			[X86_CS] = 224, [X86_RFLAGS] = 228, [X86_SS] = 236,
		},
	},
	[SIGFRAME_IA32] = {
		.sigmask = 88, .sigmask_high = 720, .fpstate = 84, .width = 4,
		.image = 852, .read_end = 724, .sp_skip = 8,
		.regs = {
			[X86_RDI] = 24, [X86_RSI] = 28, [X86_RBP] = 32,
			[X86_RSP] = 36, [X86_RBX] = 40, [X86_RDX] = 44,
			[X86_RCX] = 48, [X86_RAX] = 52, [X86_RIP] = 64,
			[X86_CS] = 68, [X86_RFLAGS] = 72, [X86_SS] = 80,
		},
	},
};

static bool kind_is_ia32(uint64_t kind)
{
	return kind == SIGFRAME_IA32_RT || kind == SIGFRAME_IA32;
}

void image_base_case(const struct host *host, uint64_t machine,
		     uint64_t kind, struct oracle_case *ret)
{
	struct machine_view m;
	uint32_t tail;

	machine_view((unsigned)machine, host, &m);
	tail = m.xsave ? XSTATE_MAGIC2_SIZE : 0;
	*ret = (struct oracle_case){ {
		[CASE_MACHINE] = machine,
		[CASE_KIND] = kind,
		[CASE_SIZE] = m.size,
		[CASE_EXTENDED] = m.size + tail +
				  (kind_is_ia32(kind) ? IA32_HEADER : 0),
		[CASE_FEATURES] = m.features,
		[CASE_MAGIC1] = XSTATE_MAGIC1,
		[CASE_MAGIC2] = XSTATE_MAGIC2,
		[CASE_MAGIC2_AT] = m.size,
		[CASE_BV] = m.features,
		[CASE_MXCSR] = 0x5fa1,
		[CASE_FPSTATE] = CASE_DEFAULT,
		[CASE_UC_FLAGS] = kind_is_ia32(kind) ? (m.xsave ? 1 : 0)
						     : (m.xsave ? 7 : 6),
		[CASE_RIP] = CASE_DEFAULT,
		[CASE_RSP] = CASE_DEFAULT,
		[CASE_RFLAGS] = 0x202,
		[CASE_CS] = X86_USER_CS,
		[CASE_SS] = X86_USER_DS,
		[CASE_STACK_SP] = CASE_DEFAULT,
		[CASE_STACK_FLAGS] = 0,
		[CASE_STACK_SIZE] = CHILD_ALTSTACK_SIZE,
	} };
}

static void put(uint8_t *at, uint64_t value, unsigned width)
{
	value = htole64(value);
	memcpy(at, &value, width);
}

/* Bytes of which none is 0, so that they never look initial. */
static void scribble(struct random *r, void *at, size_t size)
{
	uint8_t *p = at;

	while (size) {
		uint64_t word = random_next(r) | UINT64_C(0x0101010101010101);
		size_t part = size < sizeof(word) ? size : sizeof(word);

		memcpy(p, &word, part);
		p += part;
		size -= part;
	}
}

/* State that XRSTOR accepts and that differs from the initial state. */
static void fill_legacy(struct random *r, uint8_t *image, unsigned rounding)
{
	uint64_t word = random_next(r);

	/* no exception unmasked and none pending; never 0x37f */
	put(image + XSTATE_FCW_OFF, 0x27f | rounding << 10, 2);
	put(image + XSTATE_FSW_OFF, word & 0x7f00, 2);
	put(image + XSTATE_FTW_OFF, 1 + (word >> 16) % 255, 2);
	put(image + XSTATE_FOP_OFF, word >> 32 & 0x7ff, 2);
	put(image + XSTATE_FIP_OFF, random_next(r) >> 17, 8);
	put(image + XSTATE_FDP_OFF, random_next(r) >> 17, 8);
	for (unsigned i = 0; i < 8; i++) {
		uint8_t *st = image + XSTATE_ST_OFF + 16 * i;

		scribble(r, st, 10);
		memset(st + 10, 0, 6);
	}
	scribble(r, image + XSTATE_XMM_OFF, 256);
}

/* Component `i` at `at`, `size` bytes. */
static void fill_component(struct random *r, unsigned i, uint8_t *at,
			   uint32_t size)
{
	switch (i) {
	case XSTATE_BNDCSR:	/* bounds off, preserve on */
		memset(at, 0, size);
		put(at, (random_next(r) >> 17 & ~UINT64_C(0xfff)) | 2, 8);
		put(at + 8, random_next(r) >> 17 & ~UINT64_C(3), 8);
		break;
	case XSTATE_PKRU:	/* key 0 may be used */
		memset(at, 0, size);
		put(at, (random_next(r) & ~UINT64_C(0xff)) | 0x58, 4);
		break;
	case XSTATE_XTILECFG:	/* palette 1, all tiles of full size */
		memset(at, 0, size);
		at[0] = 1;
		for (unsigned tile = 0; tile < 8; tile++) {
			put(at + 16 + 2 * tile, 64, 2);
			at[48 + tile] = (uint8_t)(1 + random_next(r) % 16);
		}
		break;
	default:
		scribble(r, at, size);
	}
}

static void fill_components(struct random *r, const struct xstate_layout *l,
			    uint64_t features, uint8_t *image)
{
	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		if ((features & XSTATE_BIT(i)) &&
		    l->offset[i] + l->size[i] <= CHILD_XSTATE)
			fill_component(r, i, image + l->offset[i], l->size[i]);
	}
}

void image_live(const struct host *host, uint64_t features,
		uint8_t ret[CHILD_XSTATE])
{
	struct random r = random_of(UINT64_C(0x11fe));

	memset(ret, 0, CHILD_XSTATE);
	fill_legacy(&r, ret, 2);
	put(ret + XSTATE_MXCSR_OFF, 0x3fb0, 4);
	fill_components(&r, &host->cpu.layout, features, ret);
	put(ret + XSTATE_HEADER_OFF, features, 8);
}

static void fill_own(const struct oracle_case *c, struct oracle_memory *m)
{
	struct random r = random_of(c->v[CASE_SEED]);

	scribble(&r, m->own, sizeof(m->own));
	fill_legacy(&r, m->own, random_next(&r) & 1 ? 1 : 3);
	put(m->own + XSTATE_MXCSR_OFF, c->v[CASE_MXCSR], 4);
	fill_components(&r, &m->source.layout, m->source.features, m->own);
}

static void fill_software(const struct oracle_case *c, uint8_t *image)
{
	uint8_t *sw = image + XSTATE_SW_OFF;

	memset(sw, 0, XSTATE_FX_SIZE - XSTATE_SW_OFF);
	put(sw + 0, c->v[CASE_MAGIC1], 4);
	put(sw + 4, c->v[CASE_EXTENDED], 4);
	put(sw + 8, c->v[CASE_FEATURES], 8);
	put(sw + 16, c->v[CASE_SIZE], 4);
}

static void fill_header(const struct oracle_case *c, uint8_t *image)
{
	uint8_t *header = image + XSTATE_HEADER_OFF;

	memset(header, 0, XSTATE_MIN_SIZE - XSTATE_HEADER_OFF);
	put(header + 0, c->v[CASE_BV], 8);
	put(header + 8, c->v[CASE_XCOMP], 8);
	if (c->v[CASE_RESERVED])
		header[c->v[CASE_RESERVED] % 64] = 1;
}

static bool compact_aligned(unsigned i)
{
	uint32_t eax, ebx, ecx, edx;

	if (!__get_cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx))
		return false;
	return ecx & 2;
}

void image_compact_layout(const struct host *host, uint64_t xcomp,
			  struct xstate_layout *ret)
{
	const struct xstate_layout *l = &host->cpu.layout;
	uint32_t next = XSTATE_MIN_SIZE;

	*ret = *l;
	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		if (!(xcomp & l->features & XSTATE_BIT(i)))
			continue;
		if (compact_aligned(i))
			next = (next + 63) & ~UINT32_C(63);
		ret->offset[i] = next;
		next += l->size[i];
	}
}

/* Move the components of `image` from their places to the compacted ones. */
static void pack(const struct oracle_case *c, const struct host *host,
		 const struct oracle_memory *m, uint8_t *image)
{
	struct xstate_layout packed;
	uint64_t features = c->v[CASE_XCOMP] & m->source.features;

	image_compact_layout(host, c->v[CASE_XCOMP], &packed);
	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		if ((features & packed.features & XSTATE_BIT(i)) &&
		    packed.offset[i] + packed.size[i] <= m->source.size)
			memcpy(image + packed.offset[i],
			       m->own + m->source.layout.offset[i],
			       packed.size[i]);
	}
}

/* The part of [at, at + size) that lies in the arena is written. */
static void write_arena(struct oracle_memory *m, uint64_t at,
			const uint8_t *data, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++) {
		uint64_t off = at + i - CHILD_ARENA;

		if (off < sizeof(m->arena))
			m->arena[off] = data[i];
	}
}

static void write_word(struct oracle_memory *m, uint64_t at, uint64_t value,
		       unsigned width)
{
	uint8_t raw[8];

	put(raw, value, 8);
	write_arena(m, at, raw, width);
}

/* Not over the x87 part, where only certain values are kept as they are. */
static void write_magic2(struct oracle_memory *m, uint64_t at, uint64_t value)
{
	if (at >= XSTATE_XMM_OFF && at < CHILD_XSTATE)
		write_word(m, m->image + at, value, XSTATE_MAGIC2_SIZE);
}

/* Full tag word of the FSAVE form: 0 valid, 3 empty; kinds do not matter. */
static uint32_t full_tags(uint8_t abridged)
{
	uint32_t tags = 0;

	for (unsigned i = 0; i < 8; i++) {
		if (!(abridged & 1u << i))
			tags |= UINT32_C(3) << 2 * i;
	}
	return tags;
}

/*
 * The 32-bit header: it has the x87 state that counts, and the image gets
 * other bytes in its place.
 */
static void write_ia32_header(struct oracle_memory *m, uint64_t at,
			      uint8_t *image, struct random *r)
{
	const uint8_t *own = m->own;
	uint8_t header[IA32_HEADER] = { 0 };
	uint8_t decoy[XSTATE_XMM_OFF];

	put(header + 0, 0xffff0000 | own[0] | own[1] << 8, 4);
	put(header + 4, 0xffff0000 | own[2] | own[3] << 8, 4);
	put(header + 8, 0xffff0000 | full_tags(own[XSTATE_FTW_OFF]), 4);
	memcpy(header + 12, own + XSTATE_FIP_OFF, 4);
	put(header + 16, X86_USER32_CS | own[6] << 16 | own[7] << 24, 4);
	memcpy(header + 20, own + XSTATE_FDP_OFF, 4);
	put(header + 24, 0xffff0000 | X86_USER_DS, 4);
	for (unsigned i = 0; i < 8; i++)
		memcpy(header + 28 + 10 * i, own + XSTATE_ST_OFF + 16 * i, 10);
	memcpy(header + 108, own + XSTATE_FSW_OFF, 2);
	write_arena(m, at, header, sizeof(header));

	fill_legacy(r, image, 2);
	memcpy(decoy, image, sizeof(decoy));
	memcpy(image, own, XSTATE_MIN_SIZE - 64);
	memcpy(image, decoy, XSTATE_MXCSR_OFF);
	memcpy(image + XSTATE_ST_OFF, decoy + XSTATE_ST_OFF, 128);
}

static void write_frame(const struct oracle_case *c, struct oracle_memory *m)
{
	const struct frame_fields *f = &frame_fields[c->v[CASE_KIND]];
	uint64_t stack = c->v[CASE_STACK_SP];

	if (stack == CASE_DEFAULT)
		stack = CHILD_ALTSTACK;
	write_word(m, m->frame, CHILD_TRAP, f->width);
	if (f->uc_flags_width) {
		write_word(m, m->frame + f->uc_flags, c->v[CASE_UC_FLAGS],
			   f->uc_flags_width);
		write_word(m, m->frame + f->stack, stack, f->stack_width);
		write_word(m, m->frame + f->stack + f->stack_width,
			   c->v[CASE_STACK_FLAGS], 4);
		write_word(m, m->frame + f->stack + 2 * f->stack_width,
			   c->v[CASE_STACK_SIZE], f->stack_width);
	}
	if (f->sigmask_high) {
		write_word(m, m->frame + f->sigmask, c->v[CASE_SIGMASK], 4);
		write_word(m, m->frame + f->sigmask_high,
			   c->v[CASE_SIGMASK] >> 32, 4);
	} else {
		write_word(m, m->frame + f->sigmask, c->v[CASE_SIGMASK], 8);
	}
	write_word(m, m->frame + f->fpstate, m->fpstate, f->width);
	for (unsigned i = 0; i < X86_DS; i++) {
		unsigned width = i == X86_CS || i == X86_SS ? 2 : f->width;

		if (f->regs[i])
			write_word(m, m->frame + f->regs[i], m->regs[i],
				   width);
	}
	if (f->width == 4) {		/* gs, fs, es, ds: ordinary ones */
		uint64_t first = c->v[CASE_KIND] == SIGFRAME_IA32 ? 8 : 164;

		for (unsigned i = 0; i < 4; i++)
			write_word(m, m->frame + first + 4 * i,
				   i < 2 ? 0 : X86_USER_DS, 4);
	}
}

static void choose_registers(const struct oracle_case *c, struct random *r,
			     struct oracle_memory *m)
{
	uint64_t keep = kind_is_ia32(c->v[CASE_KIND]) ? UINT32_MAX
						      : UINT64_MAX;

	for (unsigned i = 0; i < X86_RIP; i++)
		m->regs[i] = random_next(r) & keep;
	m->regs[X86_RIP] = c->v[CASE_RIP];
	if (c->v[CASE_RIP] == CASE_DEFAULT)	/* the pad is 64-bit code */
		m->regs[X86_RIP] = (c->v[CASE_CS] | 3) == X86_USER32_CS
					   ? CHILD_TRAP
					   : CHILD_PAD;
	m->regs[X86_RSP] = c->v[CASE_RSP] == CASE_DEFAULT
				   ? CHILD_STACK + CHILD_PAGE - 256
				   : c->v[CASE_RSP];
	m->regs[X86_RIP] &= keep;
	m->regs[X86_RSP] &= keep;
	m->regs[X86_RFLAGS] = c->v[CASE_RFLAGS] & keep;
	m->regs[X86_CS] = c->v[CASE_CS] & 0xffff;
	m->regs[X86_SS] = c->v[CASE_SS] & 0xffff;
}

/* Where image and frame lie, and what is mapped. */
static void place(const struct oracle_case *c, struct oracle_memory *m)
{
	const struct frame_fields *f = &frame_fields[c->v[CASE_KIND]];
	uint64_t room = (c->v[CASE_ROOM] + 63) & -UINT64_C(64);
	uint64_t shift = c->v[CASE_SHIFT] % 64;
	unsigned end = room ? PAGE_GUARD : PAGE_END;
	bool apart = c->v[CASE_FRAME_APART] || c->v[CASE_FRAME_ROOM];

	if (room > ROOM_MAX)
		room = ROOM_MAX;
	m->image = room ? ARENA(PAGE_GUARD) - room + shift
			: ARENA(PAGE_IMAGE) + shift +
				  (c->v[CASE_PAGE_OFFSET] % CHILD_PAGE &
				   -UINT64_C(64));
	m->frame = m->image - f->image;
	if (c->v[CASE_FRAME_ROOM])
		m->frame = ARENA(PAGE_AFTER_FRAME) -
			   c->v[CASE_FRAME_ROOM] % CHILD_PAGE;
	else if (apart)
		m->frame = ARENA(PAGE_FRAME) + 1024 +
			   (kind_is_ia32(c->v[CASE_KIND]) ? 12 : 8);
	m->sp = m->frame + f->sp_skip;
	m->fpstate = m->image -
		     (kind_is_ia32(c->v[CASE_KIND]) ? IA32_HEADER : 0);

	m->pages[PAGE_FRAME] = CHILD_PRESENT;
	for (unsigned i = PAGE_FIRST; i < end; i++)
		m->pages[i] = c->v[CASE_ABSENT] ? CHILD_ABSENT
						: CHILD_PRESENT;

	/* reading the frame makes its pages present */
	uint64_t last_read = m->frame + f->read_end - 1;

	m->resident = TRI_NO;
	if (!c->v[CASE_ABSENT])
		m->resident = TRI_YES;
	else if (!apart && last_read / CHILD_PAGE == m->image / CHILD_PAGE)
		m->resident = TRI_UNKNOWN;
}

void image_compose(const struct oracle_case *c, const struct host *host,
		   struct oracle_memory *ret)
{
	struct random r = random_of(c->v[CASE_SEED] ^ UINT64_C(0xa5e4a));
	uint8_t image[CHILD_XSTATE];

	memset(ret->pages, CHILD_UNMAPPED, sizeof(ret->pages));
	scribble(&r, ret->arena, sizeof(ret->arena));
	machine_view((unsigned)c->v[CASE_MACHINE], host, &ret->source);
	place(c, ret);
	choose_registers(c, &r, ret);
	fill_own(c, ret);

	memcpy(image, ret->own, sizeof(image));
	if (kind_is_ia32(c->v[CASE_KIND]))
		write_ia32_header(ret, ret->fpstate, image, &r);
	fill_software(c, image);
	if (ret->source.xsave)
		fill_header(c, image);
	if (c->v[CASE_COMPACT])
		pack(c, host, ret, image);
	write_arena(ret, ret->image, image, ret->source.size);
	if (ret->source.xsave)
		write_magic2(ret, c->v[CASE_MAGIC2_AT], c->v[CASE_MAGIC2]);
	write_magic2(ret, c->v[CASE_MAGIC2_ALSO], XSTATE_MAGIC2);

	if (c->v[CASE_FPSTATE] != CASE_DEFAULT) {
		ret->fpstate = c->v[CASE_FPSTATE];
		if (kind_is_ia32(c->v[CASE_KIND]))
			ret->fpstate &= UINT32_MAX;
		ret->image = ret->fpstate;
		if (ret->image && kind_is_ia32(c->v[CASE_KIND]))
			ret->image += IA32_HEADER;
	}
	write_frame(c, ret);
}

bool image_mapped(const struct oracle_memory *m, uint64_t address)
{
	uint64_t page = (address - CHILD_ARENA) / CHILD_PAGE;

	return page < CHILD_PAGES && m->pages[page] != CHILD_UNMAPPED;
}

struct run image_run(const struct oracle_memory *m, uint64_t address)
{
	struct run r = {
		.bytes = { m->arena, 0, address },
		.end = RUN_END_UNREADABLE,
	};
	uint64_t end = address;

	while (image_mapped(m, end))
		end = (end & -CHILD_PAGE) + CHILD_PAGE;
	if (end != address) {
		r.bytes.data = m->arena + (address - CHILD_ARENA);
		r.bytes.size = end - address;
	}
	return r;
}
