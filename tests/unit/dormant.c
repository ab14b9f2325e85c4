/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dormant.c - which frames without a thread a saved context leads to */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <elf.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "frame_builder.h"
#include "locate/locate.h"

/*
 * A made-up process with one thread, whose own stack is empty. Its code is no
 * ELF file: unwinding goes by the instructions, and where it is told to go on
 * there is a return behind a call.
 */
enum { MAIN, PARKED, DATA, CODE, LOW, PIECES };

#define SIZE 0x20000
#define MAIN_AT UINT64_C(0x7ffd12340000)
#define PARKED_AT UINT64_C(0x7f0012340000)
#define DATA_AT UINT64_C(0x55550000)
#define CODE_AT UINT64_C(0x401000)
#define LOW_AT UINT64_C(0xff800000)

#define RESTORER (CODE_AT + 0x200)
#define RESTORER_32 (CODE_AT + 0x300)
#define WAITING (CODE_AT + 0x100)
#define BEHIND_CALL (CODE_AT + 0x505)
#define NO_CALL (CODE_AT + 0x605)

#define GUARD UINT64_C(0x123456789abcdef0)

static uint8_t storage[PIECES][SIZE];
static const struct memory pieces[PIECES] = {
	[MAIN] = { storage[MAIN], SIZE, MAIN_AT },
	[PARKED] = { storage[PARKED], SIZE, PARKED_AT },
	[DATA] = { storage[DATA], SIZE, DATA_AT },
	[CODE] = { storage[CODE], 0x1000, CODE_AT },
	[LOW] = { storage[LOW], SIZE, LOW_AT },
};

static size_t read_pieces(const struct snapshot *s, uint64_t addr, void *buf,
			  size_t size)
{
	(void)s;
	for (unsigned i = 0; i < PIECES; i++) {
		const struct memory *m = &pieces[i];

		if (addr < m->addr || addr - m->addr >= m->size)
			continue;
		if (size > m->size - (addr - m->addr))
			size = m->size - (addr - m->addr);
		memcpy(buf, m->data + (addr - m->addr), size);
		return size;
	}
	return 0;
}

/* What the test runs on. */
struct scene {
	struct snapshot *s;
	struct thread *t;
	uint64_t frame;		/* on the parked stack */
	struct located *l;
};

static void put(uint64_t addr, uint64_t value)
{
	for (unsigned i = 0; i < PIECES; i++)
		if (addr - pieces[i].addr < pieces[i].size)
			memory_put(&pieces[i], addr, 8, value);
}

static void put_32(uint64_t addr, uint64_t value)
{
	for (unsigned i = 0; i < PIECES; i++)
		if (addr - pieces[i].addr < pieces[i].size)
			memory_put(&pieces[i], addr, 4, value);
}

static uint64_t build(unsigned piece, uint64_t sp)
{
	const struct delivery d = {
		.kind = SIGFRAME_X86_64,
		.sp = sp,
		.pc = CODE_AT + 0x10,
		.restorer = RESTORER,
	};

	return frame_build(&pieces[piece], &d);
}

static void setup(struct scene *c)
{
	static const uint8_t restorer[] = { 0x48, 0xc7, 0xc0, 0x0f, 0,
					    0,	  0,	0x0f, 0x05 };
	static const uint8_t restorer_32[] = { 0xb8, 0xad, 0,	 0,
					       0,    0xcd, 0x80 };
	static const uint8_t call[] = { 0xe8, 0, 0, 0, 0, 0xc3 };
	static const struct snapshot_ops ops = { .read = read_pieces };

	memset(storage, 0, sizeof(storage));
	/* hlt: unwinding goes nowhere from there */
	memset(storage[CODE], 0xf4, pieces[CODE].size);
	memcpy(storage[CODE] + 0x200, restorer, sizeof(restorer));
	memcpy(storage[CODE] + 0x300, restorer_32, sizeof(restorer_32));
	memcpy(storage[CODE] + 0x500, call, sizeof(call));
	storage[CODE][0x605] = 0xc3;

	c->s = snapshot_create(SOURCE_PROCESS);
	assert_non_null(c->s);
	c->s->ops = &ops;
	c->s->random = MAIN_AT + SIZE - 0x100;
	for (unsigned i = 0; i < PIECES; i++) {
		struct mapping *m = snapshot_add_mapping(c->s);

		assert_non_null(m);
		m->start = pieces[i].addr;
		m->end = pieces[i].addr + pieces[i].size;
		m->prot = i == CODE ? PROT_READ | PROT_EXEC
				    : PROT_READ | PROT_WRITE;
		if (i == MAIN)
			m->path = strdup("[stack]");
	}
	snapshot_finish(c->s);
	put(c->s->random + 8, GUARD);

	c->t = snapshot_add_thread(c->s, 100);
	assert_non_null(c->t);
	c->t->has = THREAD_HAS_PC_SP | THREAD_HAS_GPRS;
	c->t->regs.r[X86_RIP] = WAITING;
	c->t->regs.r[X86_RSP] = MAIN_AT + SIZE - 0x800;
	c->t->regs.r[X86_CS] = X86_USER_CS;

	c->frame = build(PARKED, PARKED_AT + 0x10000);
	c->l = NULL;
}

static void locate_now(struct scene *c, enum locate_dormant dormant)
{
	const struct locate_options options = { .unwind = true,
						.dormant = dormant };

	assert_null(locate(c->s, &options, &c->l));
}

static void teardown(struct scene *c)
{
	located_destroy(c->l);
	snapshot_destroy(c->s);
}

static uint64_t address(const struct located_frame *f)
{
	return f->facts->sigframe.address;
}

/* sp and pc as two words, and pc below sp. */
static void put_pair(uint64_t addr, uint64_t sp, uint64_t pc)
{
	put(addr, sp);
	put(addr + 8, pc);
	put(sp - 8, pc);
}

/* A frame that nothing leads to is left over. */
static void left_over(void **state)
{
	struct scene c;

	(void)state;
	setup(&c);
	locate_now(&c, LOCATE_DORMANT_AUTO);
	assert_int_equal(c.l->dormant_count, 0);
	assert_int_equal(c.l->returned_count, 1);
	assert_int_equal(address(&c.l->returned[0]), c.frame);
	assert_null(c.l->returned[0].context.kind);
	assert_true(c.l->memory >= 4 * SIZE);
	assert_int_equal(c.l->memory_searched, c.l->memory);
	assert_int_equal(c.l->threads[0].complete, TRI_YES);
	teardown(&c);

	/* not even looked for */
	setup(&c);
	put_pair(DATA_AT + 0x1000, c.frame, BEHIND_CALL);
	locate_now(&c, LOCATE_DORMANT_NONE);
	assert_int_equal(c.l->dormant_count + c.l->returned_count, 0);
	assert_int_equal(c.l->memory, 0);
	assert_int_equal(c.l->memory_searched, 0);
	teardown(&c);

	/* half of it was written over */
	setup(&c);
	put(c.frame + 456 + 2696, 0);
	locate_now(&c, LOCATE_DORMANT_AUTO);
	assert_int_equal(c.l->returned_count, 0);
	teardown(&c);
}

/* Words that are a context, and some that only look like one. */
static void pairs(void **state)
{
	static const struct {
		const char *what;
		uint64_t pc;
		int64_t sp_off;		/* from the frame */
		bool overwritten;	/* the word below sp is another */
		bool in_frame;		/* the pair is */
		bool found;
	} rows[] = {
		{ "a context", BEHIND_CALL, 0, false, false, true },
		{ "no call before pc", NO_CALL, 0, false, false, false },
		{ "pc is no code", DATA_AT + 0x505, 0, false, false, false },
		{ "called again", BEHIND_CALL, 0, true, false, false },
		{ "off by a word", BEHIND_CALL, -8, false, false, false },
		{ "above the frame", BEHIND_CALL, 0x2000, false, false,
		  false },
		{ "registers in a frame", BEHIND_CALL, 0, false, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene c;
		uint64_t at = DATA_AT + 0x1000, sp;

		setup(&c);
		sp = c.frame + (uint64_t)rows[i].sp_off;
		if (rows[i].in_frame)
			at = build(MAIN, MAIN_AT + 0x8000) + 48;
		put_pair(at, sp, rows[i].pc);
		if (rows[i].overwritten)
			put(sp - 8, BEHIND_CALL + 0x40);
		locate_now(&c, LOCATE_DORMANT_AUTO);
		if (c.l->dormant_count != rows[i].found)
			print_message("# %s\n", rows[i].what);
		assert_int_equal(c.l->dormant_count, rows[i].found);
		if (rows[i].found) {
			const struct located_frame *f = &c.l->dormant[0];

			assert_int_equal(address(f), c.frame);
			assert_string_equal(f->context.kind,
					    "saved-registers");
			assert_int_equal(f->context.address, at);
			assert_int_equal(f->context.pc, BEHIND_CALL);
			assert_int_equal(f->context.sp, c.frame);
			assert_true(f->evidence & FRAME_SCANNED);
			assert_int_equal(f->stack, FRAME_ON_OTHER);
			assert_int_equal(c.l->returned_count, 0);
		}
		teardown(&c);
	}
}

/* The more certain shape names it, and the frame is found once. */
static void shapes(void **state)
{
	const uint64_t base = DATA_AT + 0x1000;
	struct scene c;
	uint64_t mixed;

	(void)state;
	setup(&c);
	put_pair(base + 160, c.frame, BEHIND_CALL);
	put(base + 224, base + 424);
	/* older contexts say the same */
	put_pair(DATA_AT + 0x3000, c.frame, BEHIND_CALL);
	put_pair(DATA_AT + 0x4000, c.frame, BEHIND_CALL);
	locate_now(&c, LOCATE_DORMANT_AUTO);
	assert_int_equal(c.l->dormant_count, 1);
	assert_string_equal(c.l->dormant[0].context.kind, "swapcontext");
	assert_int_equal(c.l->dormant[0].context.address, base);
	teardown(&c);

	/* mangled: sp and pc can only be seen by who knows the secret */
	setup(&c);
	mixed = c.frame ^ GUARD;
	put(base + 48, mixed << 17 | mixed >> 47);
	mixed = BEHIND_CALL ^ GUARD;
	put(base + 56, mixed << 17 | mixed >> 47);
	locate_now(&c, LOCATE_DORMANT_AUTO);
	assert_int_equal(c.l->dormant_count, 1);
	assert_string_equal(c.l->dormant[0].context.kind, "setjmp");
	assert_int_equal(c.l->dormant[0].context.address, base);
	located_destroy(c.l);
	c.s->random = 0;
	locate_now(&c, LOCATE_DORMANT_AUTO);
	assert_int_equal(c.l->dormant_count, 0);
	assert_int_equal(c.l->returned_count, 1);
	teardown(&c);
}

static void narrow(void **state)
{
	const uint64_t base = DATA_AT + 0x1000;
	struct delivery d = {
		.kind = SIGFRAME_IA32_RT,
		.sp = LOW_AT + 0x10000,
		.pc = CODE_AT + 0x10,
		.restorer = RESTORER_32,
	};
	struct scene c;
	uint64_t f;

	(void)state;
	setup(&c);
	c.s->word = 4;
	c.s->machine = EM_386;
	c.t->regs.r[X86_CS] = X86_USER32_CS;
	f = frame_build(&pieces[LOW], &d);
	put_32(base + 48, f);
	put_32(base + 76, BEHIND_CALL);
	put_32(base + 96, base + 236);
	put_32(f - 4, BEHIND_CALL);
	locate_now(&c, LOCATE_DORMANT_AUTO);
	assert_int_equal(c.l->dormant_count, 1);
	assert_int_equal(address(&c.l->dormant[0]), f);
	assert_int_equal(c.l->dormant[0].facts->sigframe.kind,
			 SIGFRAME_IA32_RT);
	assert_string_equal(c.l->dormant[0].context.kind, "swapcontext");
	assert_int_equal(c.l->dormant[0].context.sp, f);
	teardown(&c);
}

/* A context that was saved below where a thread stands by now is over. */
static void behind_a_thread(void **state)
{
	struct scene c;
	uint64_t f;

	(void)state;
	setup(&c);
	f = build(MAIN, MAIN_AT + 0x8000);
	put_pair(DATA_AT + 0x1000, f, BEHIND_CALL);
	locate_now(&c, LOCATE_DORMANT_AUTO);
	assert_int_equal(c.l->dormant_count, 0);
	assert_int_equal(c.l->returned_count, 2);
	teardown(&c);

	/* the same frame, once the thread is gone elsewhere */
	setup(&c);
	f = build(MAIN, MAIN_AT + 0x8000);
	put_pair(DATA_AT + 0x1000, f, BEHIND_CALL);
	c.t->regs.r[X86_RSP] = DATA_AT + SIZE - 0x800;
	locate_now(&c, LOCATE_DORMANT_AUTO);
	assert_int_equal(c.l->dormant_count, 1);
	assert_int_equal(address(&c.l->dormant[0]), f);
	assert_int_equal(c.l->dormant[0].stack, FRAME_ON_MAIN);
	/* the other may be what that thread has left, and nobody knows */
	assert_int_equal(c.l->threads[0].complete, TRI_UNKNOWN);
	assert_non_null(c.l->threads[0].incomplete);
	teardown(&c);

	/* there is no other */
	setup(&c);
	memset(storage[PARKED], 0, SIZE);
	f = build(MAIN, MAIN_AT + 0x8000);
	put_pair(DATA_AT + 0x1000, f, BEHIND_CALL);
	c.t->regs.r[X86_RSP] = DATA_AT + SIZE - 0x800;
	locate_now(&c, LOCATE_DORMANT_AUTO);
	assert_int_equal(c.l->dormant_count, 1);
	assert_int_equal(c.l->threads[0].complete, TRI_YES);
	teardown(&c);
}

/* A frame of a thread is its, and nothing else. */
static void live(void **state)
{
	struct scene c;
	uint64_t f;

	(void)state;
	setup(&c);
	f = build(MAIN, MAIN_AT + 0x18000);
	put_pair(DATA_AT + 0x1000, f, BEHIND_CALL);
	c.t->regs.r[X86_RIP] = BEHIND_CALL;
	c.t->regs.r[X86_RSP] = f;
	locate_now(&c, LOCATE_DORMANT_AUTO);
	assert_int_equal(c.l->threads[0].frames_count, 1);
	assert_int_equal(address(&c.l->threads[0].frames[0]), f);
	assert_int_equal(c.l->dormant_count, 0);
	for (size_t i = 0; i < c.l->returned_count; i++)
		assert_int_equal(address(&c.l->returned[i]), c.frame);
	teardown(&c);
}

/* The CPU writes all registers, whatever was there. */
static uint64_t build_over(uint64_t sp)
{
	uint64_t f = build(PARKED, sp);
	uint8_t *image = storage[PARKED] + (f - PARKED_AT) + 456;

	memset(image, 0xee, 464);
	memset(image + 576, 0xee, 2696 - 576);
	return build(PARKED, sp);
}

/* Two frames on each other: what was written last is whole. */
static void overlapping(void **state)
{
	struct scene c;
	uint64_t later;

	(void)state;
	for (int64_t shift = -2048; shift <= 2048; shift += 64) {
		setup(&c);
		later = build_over(PARKED_AT + 0x10000 + (uint64_t)shift);
		locate_now(&c, LOCATE_DORMANT_AUTO);
		assert_int_equal(c.l->returned_count, 1);
		assert_int_equal(address(&c.l->returned[0]), later);
		teardown(&c);
	}
}

/* Whatever the bytes are: nothing is found twice, and all of it is there. */
static void hostile(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		struct scene c;

		setup(&c);
		for (unsigned n = 0; n < 200; n++) {
			unsigned piece = frame_random(&seed) % 3;
			uint64_t at = pieces[piece].addr +
				      frame_random(&seed) % (SIZE - 16) / 8 * 8;
			uint64_t sp = PARKED_AT +
				      frame_random(&seed) % (SIZE - 8) / 8 * 8;

			if (n % 5 == 0)
				sp = build(PARKED, PARKED_AT + 0x2000 +
						   sp % (SIZE - 0x2000) / 8 * 8);
			if (n % 7 == 0)
				sp = frame_random(&seed);
			put(at, sp);
			put(at + 8, n % 3 ? BEHIND_CALL : RESTORER);
			if (sp >= PARKED_AT + 8 && sp < PARKED_AT + SIZE)
				put(sp - 8, BEHIND_CALL);
		}
		locate_now(&c, LOCATE_DORMANT_ALL);
		for (size_t i = 1; i < c.l->dormant_count; i++)
			assert_true(address(&c.l->dormant[i - 1]) <
				    address(&c.l->dormant[i]));
		for (size_t i = 1; i < c.l->returned_count; i++)
			assert_true(address(&c.l->returned[i - 1]) <
				    address(&c.l->returned[i]));
		for (size_t i = 0; i < c.l->dormant_count; i++) {
			assert_non_null(c.l->dormant[i].context.kind);
			for (size_t k = 0; k < c.l->returned_count; k++)
				assert_true(address(&c.l->dormant[i]) !=
					    address(&c.l->returned[k]));
		}
		teardown(&c);
	}
}

/*
 * Unwinding from a certain context does not arrive at the frame. That is not
 * settled, then, whatever is said of the frame.
 */
static void unsure(void **state)
{
	static const struct {
		const char *what;
		bool spoilt;	/* the frame's last mark is gone */
		bool stack;	/* and nothing else is in that memory */
		bool pointer;	/* the frame pointer leads past the frame */
		size_t dormant;
		enum tri complete;
	} rows[] = {
		{ "no stack", false, false, false, 0, TRI_YES },
		{ "by its bytes", false, true, false, 1, TRI_UNKNOWN },
		{ "left over or spoilt", true, true, false, 0, TRI_UNKNOWN },
		{ "gone past", false, false, true, 0, TRI_UNKNOWN },
		{ "gone past, spoilt", true, false, true, 0, TRI_UNKNOWN },
	};
	const uint64_t base = DATA_AT + 0x1000, pushed = PARKED_AT + 0x10100;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene c;

		setup(&c);
		if (rows[i].spoilt)
			put(c.frame + 456 + 2696, 0);
		for (size_t k = 0; k < c.s->mappings_count; k++)
			if (rows[i].stack &&
			    c.s->mappings[k].start == PARKED_AT)
				c.s->mappings[k].path = strdup("[stack]");
		put_pair(base + 160, c.frame - 0x400, BEHIND_CALL);
		put(base + 224, base + 424);
		if (rows[i].pointer)
			put(base + 120, pushed);
		put(pushed + 8, BEHIND_CALL);
		locate_now(&c, LOCATE_DORMANT_AUTO);
		if (c.l->dormant_count != rows[i].dormant ||
		    c.l->threads[0].complete != rows[i].complete)
			print_message("# %s\n", rows[i].what);
		assert_int_equal(c.l->dormant_count, rows[i].dormant);
		assert_int_equal(c.l->threads[0].complete, rows[i].complete);
		teardown(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(left_over),
		cmocka_unit_test(pairs),
		cmocka_unit_test(shapes),
		cmocka_unit_test(narrow),
		cmocka_unit_test(behind_a_thread),
		cmocka_unit_test(live),
		cmocka_unit_test(unsure),
		cmocka_unit_test(overlapping),
		cmocka_unit_test(hostile),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
