/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mutate.c - frames of other machines, and random ones */
#include "mutate.h"

#include "base/cleanup.h"
#include "child.h"
#include "image.h"

/*
 * What of a machine's components is in use; and the bytes there are behind
 * the image, relative to its MAGIC2.
 */
static const uint64_t used_masks[] = {
	UINT64_MAX, 0x3, 0x7, 0xe7, 0x207, 0x1f, 0x21, 0x4, 0x1, 0x0,
};

bool mutate_machine(const struct host *host, uint64_t kind, unsigned index,
		    struct oracle_case *ret)
{
	enum { PLACEMENTS = 3 };
	unsigned machine = index / (ARRAY_SIZE(used_masks) * PLACEMENTS);
	unsigned used = index / PLACEMENTS % ARRAY_SIZE(used_masks);

	if (machine >= machines_count)
		return false;
	image_base_case(host, machine, kind, ret);
	ret->v[CASE_SEED] = index + 1;
	ret->v[CASE_BV] &= used_masks[used];
	switch (index % PLACEMENTS) {
	case 1:		/* at the end of a mapping */
		ret->v[CASE_ROOM] = ret->v[CASE_SIZE] + XSTATE_MAGIC2_SIZE;
		break;
	case 2:		/* not present when sigreturn comes */
		ret->v[CASE_ROOM] = ret->v[CASE_SIZE] + XSTATE_MAGIC2_SIZE;
		ret->v[CASE_ABSENT] = 1;
		ret->v[CASE_FRAME_APART] = 1;
		break;
	default:
		break;
	}
	return true;
}

/* What random cases are made of. */
struct maker {
	struct random *r;
	const struct host *host;
	uint64_t user_size;		/* U */
	struct oracle_case *c;
};

static uint64_t pick(struct maker *m, const uint64_t *from, unsigned count)
{
	return from[random_below(m->r, count)];
}

#define PICK(m, ...)                                                           \
	pick(m, (const uint64_t[]){ __VA_ARGS__ },                             \
	     ARRAY_SIZE(((const uint64_t[]){ __VA_ARGS__ })))

static uint64_t random_size(struct maker *m)
{
	uint64_t u = m->user_size;

	return PICK(m, 0, 511, 512, 575, 576, 577, 640, 831, 832, 833, 1088,
		    u - 64, u - 8, u - 1, u + 1, u + 4, u + 64, 2432, 2440,
		    2688, 2696, 2816, 11008, 0x7fffffff, 0x80000000,
		    0xfffffffc, 0xffffffff, 576 + random_next(m->r) % 3000,
		    random_next(m->r) & UINT32_MAX);
}

/* The size alone, or all that follows from it too. */
static void change_size(struct maker *m)
{
	uint64_t *v = m->c->v;
	uint64_t tail = v[CASE_EXTENDED] - v[CASE_SIZE];
	unsigned how = random_below(m->r, 4);

	v[CASE_SIZE] = random_size(m);
	if (how >= 1)
		v[CASE_EXTENDED] = v[CASE_SIZE] + tail;
	if (how >= 2) {
		if (how == 3)
			v[CASE_MAGIC2_ALSO] = v[CASE_MAGIC2_AT];
		v[CASE_MAGIC2_AT] = v[CASE_SIZE] & UINT32_MAX;
	}
	v[CASE_EXTENDED] &= UINT32_MAX;
}

static void change_extended(struct maker *m)
{
	uint64_t s = m->c->v[CASE_SIZE];

	m->c->v[CASE_EXTENDED] =
		PICK(m, s, s - 1, s + 1, s + 3, s + 4, s + 5, s + 116, 0,
		     0x7fffffff, 0xffffffff, random_next(m->r)) &
		UINT32_MAX;
}

static uint64_t random_features(struct maker *m, uint64_t now)
{
	return PICK(m, 0, 1, 2, 3, 4, 5, 6, 7, 0x1f, 0xe7, 0x207, 0x2e7,
		    0x602e7, m->host->cpu.xfeatures, UINT64_MAX,
		    now ^ XSTATE_BIT(random_below(m->r, 10)),
		    now ^ XSTATE_BIT(random_below(m->r, 64)),
		    now & random_next(m->r), random_next(m->r) & 0x2ff);
}

static void change_features(struct maker *m)
{
	m->c->v[CASE_FEATURES] = random_features(m, m->c->v[CASE_FEATURES]);
}

static void change_bv(struct maker *m)
{
	m->c->v[CASE_BV] = random_features(m, m->c->v[CASE_BV]);
}

static void change_xcomp(struct maker *m)
{
	const uint64_t compacted = XCOMP_BV_COMPACTED;
	uint64_t bv = m->c->v[CASE_BV];

	m->c->v[CASE_XCOMP] =
		PICK(m, 1, bv, compacted, compacted | bv, compacted | bv,
		     compacted | bv, compacted | m->host->cpu.xfeatures,
		     compacted | random_features(m, bv), random_next(m->r));
	m->c->v[CASE_COMPACT] = random_below(m->r, 3) != 0;
}

static void change_reserved(struct maker *m)
{
	m->c->v[CASE_RESERVED] = 8 + random_below(m->r, 56);
}

static void change_mxcsr(struct maker *m)
{
	uint64_t now = m->c->v[CASE_MXCSR];

	m->c->v[CASE_MXCSR] =
		PICK(m, 0, 0x1f80, 0xffff, 0xffbf, 0x2ffff, 0x10000,
		     0xffffffff, m->host->cpu.mxcsr_mask,
		     now ^ 1u << random_below(m->r, 32),
		     random_next(m->r) & 0xffff,
		     random_next(m->r) & UINT32_MAX);
}

static void change_magic1(struct maker *m)
{
	m->c->v[CASE_MAGIC1] =
		PICK(m, 0, XSTATE_MAGIC2,
		     XSTATE_MAGIC1 ^ 1u << random_below(m->r, 32));
}

static void change_magic2(struct maker *m)
{
	m->c->v[CASE_MAGIC2] =
		PICK(m, 0, XSTATE_MAGIC1,
		     XSTATE_MAGIC2 ^ 1u << random_below(m->r, 32));
}

static void change_magic2_place(struct maker *m)
{
	uint64_t at = m->c->v[CASE_MAGIC2_AT];
	uint64_t place = PICK(m, at - 4, at + 1, at + 4, at + 64, 832,
			      m->user_size,
			      576 + random_next(m->r) % 3000);

	if (random_below(m->r, 2))
		m->c->v[CASE_MAGIC2_ALSO] = place;
	else
		m->c->v[CASE_MAGIC2_AT] = place;
}

static void change_alignment(struct maker *m)
{
	m->c->v[CASE_SHIFT] = PICK(m, 1, 2, 4, 8, 16, 16, 32, 32, 48,
				   random_below(m->r, 64));
}

/* Unmapped memory some way behind the image's start. */
static void change_room(struct maker *m)
{
	uint64_t s = m->c->v[CASE_SIZE];

	m->c->v[CASE_ROOM] =
		PICK(m, 64, 448, 512, 576, 640, 832, 896, s & -UINT64_C(64),
		     s + 4, s + 4, s + 4, m->user_size & -UINT64_C(64),
		     m->user_size + 4, m->user_size + 64,
		     64 + random_next(m->r) % 4096);
	if (m->c->v[CASE_ROOM] > 16384)
		m->c->v[CASE_ROOM] = 4096;
}

static void change_pages(struct maker *m)
{
	m->c->v[CASE_PAGE_OFFSET] = random_next(m->r) & 0xfc0;
	m->c->v[CASE_ABSENT] = random_below(m->r, 4) != 0;
	m->c->v[CASE_FRAME_APART] = random_below(m->r, 4) != 0;
}

static void change_absent_room(struct maker *m)
{
	change_pages(m);
	change_room(m);
}

static void change_fpstate(struct maker *m)
{
	uint64_t limit = m->host->cpu.user_limit;

	m->c->v[CASE_FPSTATE] =
		PICK(m, 0, 0, 8, 64, limit, limit - 64, limit - 4096,
		     UINT64_C(1) << 63, UINT64_C(0xffff800000000000),
		     UINT64_C(0xffffffffffffffc0), CHILD_ARENA + 4096,
		     CHILD_ARENA + 3 * CHILD_PAGE +
			     64 * random_below(m->r, 300),
		     random_next(m->r) & -UINT64_C(64));
}

static void change_frame(struct maker *m)
{
	if (random_below(m->r, 2))
		m->c->v[CASE_FRAME_APART] = 1;
	else
		m->c->v[CASE_FRAME_ROOM] = 1 + random_below(m->r, 460);
}

static void change_uc_flags(struct maker *m)
{
	m->c->v[CASE_UC_FLAGS] =
		PICK(m, 0, 1, 2, 3, 6, random_next(m->r));
}

static void change_rip(struct maker *m)
{
	uint64_t limit = m->host->cpu.user_limit;

	m->c->v[CASE_RIP] =
		PICK(m, 0, 8, CHILD_TRAP, CHILD_TRAP, CHILD_STACK,
		     CHILD_ARENA + 2 * CHILD_PAGE, CHILD_ARENA + CHILD_PAGE,
		     limit, limit - 1, UINT64_C(1) << 63,
		     UINT64_C(0xffff800000000000), UINT64_C(1) << 48,
		     random_next(m->r) | UINT64_C(1) << 62);
}

static void change_rsp(struct maker *m)
{
	m->c->v[CASE_RSP] = PICK(m, 0, 8, UINT64_C(1) << 63,
				 UINT64_C(0xffff800000000000),
				 random_next(m->r));
}

static void change_cs(struct maker *m)
{
	m->c->v[CASE_CS] = PICK(m, 0, 3, 0x10, 0x13, 0x23, 0x23, 0x20, 0x2b,
				0x30, 0x33, 0xffff,
				random_next(m->r) & 0xffff);
}

static void change_ss(struct maker *m)
{
	if (random_below(m->r, 2))
		m->c->v[CASE_UC_FLAGS] ^= SIGFRAME_UC_STRICT_RESTORE_SS;
	m->c->v[CASE_SS] = PICK(m, 0, 3, 0x18, 0x1b, 0x23, 0x28, 0x2b, 0x33,
				0x7b, 0xffff, random_next(m->r) & 0xffff);
}

static void change_rflags(struct maker *m)
{
	m->c->v[CASE_RFLAGS] = PICK(m, 0, 2, 0x102, 0x40202, 0x27202,
				    0x10202, 0x602, UINT64_MAX,
				    random_next(m->r));
}

/* Either one that is refused, or another part of the right one. */
static void change_stack(struct maker *m)
{
	uint64_t *v = m->c->v;

	if (random_below(m->r, 2)) {
		v[CASE_STACK_SP] = PICK(m, 0, 1, UINT64_MAX - 1,
					CHILD_ALTSTACK);
		v[CASE_STACK_FLAGS] = PICK(m, 0, 1, 0x55, 0xffffffff);
		v[CASE_STACK_SIZE] = PICK(m, 0, 3, 2047);
	} else {
		v[CASE_STACK_SP] = CHILD_ALTSTACK + 64;
		v[CASE_STACK_FLAGS] = PICK(m, 0, SIGFRAME_SS_AUTODISARM);
		v[CASE_STACK_SIZE] = CHILD_ALTSTACK_SIZE - 64;
	}
}

/* A thread that blocks SIGSEGV or SIGBUS is killed where it would get one. */
static void change_sigmask(struct maker *m)
{
	m->c->v[CASE_SIGMASK] = PICK(m, 1 << 9, 1 << 10, 1 << 10 | 1 << 6);
}

static const struct {
	unsigned weight;
	void (*change)(struct maker *m);
} changes[] = {
	{ 10, change_size },
	{ 4, change_extended },
	{ 6, change_features },
	{ 8, change_bv },
	{ 4, change_xcomp },
	{ 3, change_reserved },
	{ 5, change_mxcsr },
	{ 3, change_magic1 },
	{ 3, change_magic2 },
	{ 4, change_magic2_place },
	{ 5, change_alignment },
	{ 8, change_room },
	{ 6, change_pages },
	{ 6, change_absent_room },
	{ 4, change_fpstate },
	{ 4, change_frame },
	{ 3, change_uc_flags },
	{ 3, change_rip },
	{ 1, change_rsp },
	{ 2, change_cs },
	{ 2, change_ss },
	{ 3, change_rflags },
	{ 2, change_stack },
	{ 1, change_sigmask },
};

static void change_something(struct maker *m)
{
	unsigned total = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(changes); i++)
		total += changes[i].weight;

	unsigned at = random_below(m->r, total);

	for (unsigned i = 0; i < ARRAY_SIZE(changes); i++) {
		if (at < changes[i].weight) {
			changes[i].change(m);
			return;
		}
		at -= changes[i].weight;
	}
}

void mutate_random(const struct host *host, uint64_t kind, struct random *r,
		   struct oracle_case *ret)
{
	struct maker m = {
		.r = r,
		.host = host,
		.user_size = cpu_user_size(&host->cpu,
					   cpu_default_features(&host->cpu)),
		.c = ret,
	};
	unsigned machine = MACHINE_NATIVE;

	if (random_below(r, 2))
		machine = random_below(r, machines_count);
	image_base_case(host, machine, kind, ret);
	ret->v[CASE_SEED] = random_next(r);
	if (random_below(r, 2))
		ret->v[CASE_BV] &= used_masks[random_below(
			r, ARRAY_SIZE(used_masks))];
	for (unsigned n = random_below(r, 4) + (machine == MACHINE_NATIVE); n;
	     n--)
		change_something(&m);
}
