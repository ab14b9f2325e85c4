/* SPDX-License-Identifier: GPL-3.0-or-later */
/* locate.c - which of the places that look like frames are live ones */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "base/cleanup.h"
#include "frame_builder.h"
#include "locate/locate.h"

/*
 * A made-up process. Its code is no ELF file, so that unwinding gets lost at
 * once and the bytes of the stacks have to do.
 */
enum {
	STACK, ALTSTACKS, CODE, LOW, PIECES,
	STACK_SIZE = 0x20000,
	ALT_SIZE = 0x8000,
};

#define STACK_AT UINT64_C(0x7ffd12340000)
#define ALT_AT UINT64_C(0x7f0012340000)
#define CODE_AT UINT64_C(0x401000)
#define LOW_AT UINT64_C(0xff800000)

/* In the code piece. */
#define HANDLER (CODE_AT + 0x100)
#define RESTORER (CODE_AT + 0x200)
#define RESTORER_32_RT (CODE_AT + 0x300)
#define RESTORER_32 (CODE_AT + 0x400)
/* Of a frame; while a signal is handled, it is blocked. */
#define SIGMASK 304

static uint8_t storage[PIECES][STACK_SIZE];
static struct memory pieces[PIECES] = {
	[STACK] = { storage[STACK], STACK_SIZE, STACK_AT },
	[ALTSTACKS] = { storage[ALTSTACKS], STACK_SIZE, ALT_AT },
	[CODE] = { storage[CODE], 0x1000, CODE_AT },
	[LOW] = { storage[LOW], STACK_SIZE, LOW_AT },
};

/* [hole, hole + 0x1000) cannot be had, though it is mapped */
static uint64_t hole;

static size_t read_pieces(const struct snapshot *s, uint64_t addr, void *buf,
			  size_t size)
{
	(void)s;
	if (hole && addr - hole < 0x1000)
		return 0;
	for (unsigned i = 0; i < PIECES; i++) {
		const struct memory *m = &pieces[i];

		if (addr < m->addr || addr - m->addr >= m->size)
			continue;
		if (size > m->size - (addr - m->addr))
			size = m->size - (addr - m->addr);
		if (hole > addr && hole - addr < size)
			size = hole - addr;
		memcpy(buf, m->data + (addr - m->addr), size);
		return size;
	}
	return 0;
}

static const struct snapshot_ops piece_ops = { .read = read_pieces };

static struct snapshot *make_snapshot(void)
{
	static const uint8_t restorer[] = { 0x48, 0xc7, 0xc0, 0x0f, 0,
					    0,	  0,	0x0f, 0x05 };
	static const uint8_t restorer_32_rt[] = { 0xb8, 0xad, 0,   0,
						  0,	0xcd, 0x80 };
	static const uint8_t restorer_32[] = { 0x58, 0xb8, 0x77, 0,
					       0,    0,	   0xcd, 0x80 };
	struct snapshot *s = snapshot_create(SOURCE_PROCESS);

	assert_non_null(s);
	s->pid = 100;
	s->ops = &piece_ops;
	hole = 0;
	memset(storage, 0, sizeof(storage));
	memset(storage[CODE], 0x90, pieces[CODE].size);
	memcpy(storage[CODE] + 0x200, restorer, sizeof(restorer));
	memcpy(storage[CODE] + 0x300, restorer_32_rt, sizeof(restorer_32_rt));
	memcpy(storage[CODE] + 0x400, restorer_32, sizeof(restorer_32));
	for (unsigned i = 0; i < PIECES; i++) {
		struct mapping *m = snapshot_add_mapping(s);

		assert_non_null(m);
		m->start = pieces[i].addr;
		m->end = pieces[i].addr + pieces[i].size;
		m->prot = PROT_READ | (i == CODE ? PROT_EXEC : PROT_WRITE);
	}
	snapshot_finish(s);
	return s;
}

static struct thread *add_thread(struct snapshot *s, uint64_t pc, uint64_t sp)
{
	struct thread *t = snapshot_add_thread(s, 100);

	assert_non_null(t);
	t->has = THREAD_HAS_PC_SP | THREAD_HAS_GPRS;
	t->regs.r[X86_RIP] = pc;
	t->regs.r[X86_RSP] = sp;
	t->regs.r[X86_CS] = X86_USER_CS;
	return t;
}

static struct delivery deliver_at(uint64_t sp)
{
	return (struct delivery){
		.kind = SIGFRAME_X86_64,
		.sp = sp,
		.pc = CODE_AT + 0x10,
		.restorer = RESTORER,
	};
}

static struct located *run(const struct snapshot *s)
{
	const struct locate_options options = { .unwind = true };
	struct located *l = NULL;

	assert_null(locate(s, &options, &l));
	assert_non_null(l);
	assert_int_equal(l->threads_count, s->threads_count);
	return l;
}

static void done(struct snapshot *s, struct located *l)
{
	located_destroy(l);
	snapshot_destroy(s);
}

static uint64_t address(const struct located *l, size_t frame)
{
	assert_true(frame < l->threads[0].frames_count);
	return l->threads[0].frames[frame].facts->sigframe.address;
}

/* Nothing on the stack: certain, even without unwinding. */
static void no_frame(void **state)
{
	struct snapshot *s = make_snapshot();

	(void)state;
	add_thread(s, HANDLER, STACK_AT + 0x1000);

	struct located *l = run(s);

	assert_int_equal(l->threads[0].frames_count, 0);
	assert_int_equal(l->threads[0].complete, TRI_YES);
	assert_null(l->threads[0].incomplete);
	done(s, l);
}

/* In the restorer, at its system call, and in it. */
static void on_the_way_back(void **state)
{
	static const struct {
		enum sigframe_kind kind;
		uint64_t restorer;
		uint8_t pc;
		uint8_t sp;	/* above the frame */
		int64_t orig_rax;
		bool returning;
	} rows[] = {
		{ SIGFRAME_X86_64, RESTORER, 0, 8, -1, true },
		{ SIGFRAME_X86_64, RESTORER, 7, 8, -1, true },
		{ SIGFRAME_X86_64, RESTORER, 9, 8, 15, true },
		{ SIGFRAME_X86_64, RESTORER, 9, 8, -1, false },
		{ SIGFRAME_X86_64, RESTORER, 9, 8, 35, false },
		{ SIGFRAME_IA32_RT, RESTORER_32_RT, 0, 4, -1, true },
		{ SIGFRAME_IA32_RT, RESTORER_32_RT, 5, 4, -1, true },
		{ SIGFRAME_IA32_RT, RESTORER_32_RT, 7, 4, 173, true },
		{ SIGFRAME_IA32, RESTORER_32, 0, 4, -1, true },
		{ SIGFRAME_IA32, RESTORER_32, 1, 8, -1, true },
		{ SIGFRAME_IA32, RESTORER_32, 6, 8, -1, true },
		{ SIGFRAME_IA32, RESTORER_32, 8, 8, 119, true },
	};
	static const uint8_t numbers[SIGFRAME_KINDS] = { 15, 0, 173, 119 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct snapshot *s = make_snapshot();
		struct delivery d = deliver_at(LOW_AT + 0x8000);

		d.kind = rows[i].kind;
		d.restorer = rows[i].restorer;

		uint64_t f = frame_build(&pieces[LOW], &d);
		struct thread *t = add_thread(s, d.restorer + rows[i].pc,
					      f + rows[i].sp);

		t->orig_rax = rows[i].orig_rax;
		t->regs.r[X86_RAX] = numbers[d.kind];
		if (sigframe_shapes[d.kind].pointer == 4)
			t->regs.r[X86_CS] = X86_USER32_CS;

		struct located *l = run(s);

		assert_int_equal(l->threads[0].frames_count,
				 rows[i].returning);
		if (rows[i].returning) {
			assert_int_equal(address(l, 0), f);
			assert_int_equal(l->threads[0].frames[0].evidence,
					 FRAME_RETURNING | FRAME_SCANNED);
			assert_int_equal(l->threads[0].complete, TRI_YES);
		}
		done(s, l);
	}
}

/* Found by its bytes: it is there, but nobody knows whether that is all. */
static void beyond_lost(void **state)
{
	struct snapshot *s = make_snapshot();
	struct delivery d = deliver_at(STACK_AT + 0x10000);
	uint64_t outer, inner, below;

	(void)state;
	outer = frame_build(&pieces[STACK], &d);
	d.sp = STACK_AT + 0xa000;
	inner = frame_build(&pieces[STACK], &d);
	memory_put(&pieces[STACK], inner + SIGMASK, 8, 1);
	d.sp = STACK_AT + 0x4000;
	below = frame_build(&pieces[STACK], &d);
	add_thread(s, HANDLER, inner - 0x300);
	assert_true(below < inner - 0x300);

	struct located *l = run(s);
	const struct located_thread *t = &l->threads[0];

	assert_int_equal(t->frames_count, 2);
	assert_int_equal(address(l, 0), inner);
	assert_int_equal(address(l, 1), outer);
	assert_int_equal(t->frames[0].evidence, FRAME_SCANNED);
	assert_int_equal(t->frames[0].stack, FRAME_ON_MAIN);
	assert_int_equal(t->complete, TRI_UNKNOWN);
	assert_non_null(t->incomplete);
	/* the one below the stack pointer is no business of it */
	assert_int_equal(t->stale, 0);
	done(s, l);
}

static void facts_of_a_frame(void **state)
{
	struct snapshot *s = make_snapshot();
	struct delivery d = deliver_at(STACK_AT + 0x10000);
	uint64_t f = frame_build(&pieces[STACK], &d);

	(void)state;
	add_thread(s, HANDLER, f - 0x300);

	struct located *l = run(s);
	const struct frame_facts *facts = l->threads[0].frames[0].facts;

	assert_int_equal(facts->sigframe.regs.r[X86_RSP], d.sp);
	assert_int_equal(facts->frame.bytes.addr, f);
	assert_true(facts->frame.bytes.size >= 440);
	assert_memory_equal(facts->frame.bytes.data,
			    pieces[STACK].data + (f - STACK_AT), 440);
	assert_int_equal(facts->area.bytes.addr, f + 456);
	assert_int_equal(facts->area.bytes.size, PREDICT_AREA_WANT);
	assert_memory_equal(facts->area.bytes.data,
			    pieces[STACK].data + (f + 456 - STACK_AT),
			    PREDICT_AREA_WANT);
	assert_int_equal(facts->family, XSTATE_FAMILY_INTEL);
	assert_int_equal(facts->around.rip_mapped, TRI_YES);
	assert_int_equal(facts->around.rip_executable, TRI_YES);
	assert_int_equal(facts->around.restorer, TRI_YES);
	assert_int_equal(facts->around.restorer_executable, TRI_YES);
	assert_int_equal(facts->around.resident, TRI_UNKNOWN);
	assert_non_null(l->threads[0].frames[0].restorer_code);
	done(s, l);
}

/* An image near the end of its stack: the run stops where the memory does. */
static void facts_at_the_edge(void **state)
{
	struct snapshot *s = make_snapshot();
	struct delivery d = deliver_at(STACK_AT + STACK_SIZE - 0x10);
	uint64_t f = frame_build(&pieces[STACK], &d);

	(void)state;
	d = deliver_at(STACK_AT + 0x8000);
	d.pc = 0x10;

	uint64_t inner = frame_build(&pieces[STACK], &d);

	memory_put(&pieces[STACK], inner + 232, 8, UINT64_MAX - 100);
	memory_put(&pieces[STACK], inner + SIGMASK, 8, 1);
	add_thread(s, RESTORER, inner + 8);

	/* captured, as sources do: the bytes are used in place */
	uint8_t *copy = malloc(STACK_SIZE);

	assert_non_null(copy);
	memcpy(copy, pieces[STACK].data, STACK_SIZE);
	assert_null(snapshot_add_capture(s, STACK_AT, copy, STACK_SIZE));

	struct located *l = run(s);
	const struct located_frame *frames = l->threads[0].frames;

	assert_int_equal(l->threads[0].frames_count, 2);
	assert_int_equal(address(l, 0), inner);
	assert_int_equal(frames[0].facts->area.bytes.size, 0);
	assert_int_equal(frames[0].facts->area.end, RUN_END_UNREADABLE);
	assert_int_equal(frames[0].facts->around.rip_mapped, TRI_NO);
	assert_int_equal(address(l, 1), f);
	assert_int_equal(frames[1].facts->area.bytes.size,
			 STACK_AT + STACK_SIZE - (f + 456));
	assert_int_equal(frames[1].facts->area.end, RUN_END_UNREADABLE);
	assert_ptr_equal(frames[1].facts->area.bytes.data,
			 copy + (f + 456 - STACK_AT));
	done(s, l);
}

/* From one alternate stack to the main one; the neighbour's is not ours. */
static void alternate_stacks(void **state)
{
	struct snapshot *s = make_snapshot();
	struct delivery d = deliver_at(STACK_AT + 0x10000);
	uint64_t outer, inner;

	(void)state;
	outer = frame_build(&pieces[STACK], &d);
	d = deliver_at(outer - 0x400);
	d.altstack_sp = ALT_AT;
	d.altstack_size = ALT_SIZE;
	d.enters_altstack = true;
	inner = frame_build(&pieces[ALTSTACKS], &d);
	memory_put(&pieces[ALTSTACKS], inner + SIGMASK, 8, 1);
	for (unsigned i = 1; i < 4; i++) {
		d.altstack_sp = ALT_AT + i * ALT_SIZE;
		frame_build(&pieces[ALTSTACKS], &d);
	}
	add_thread(s, HANDLER, inner - 0x300);

	struct located *l = run(s);

	assert_int_equal(l->threads[0].frames_count, 2);
	assert_int_equal(address(l, 0), inner);
	assert_int_equal(l->threads[0].frames[0].stack, FRAME_ON_ALTERNATE);
	assert_int_equal(address(l, 1), outer);
	assert_int_equal(l->threads[0].frames[1].stack, FRAME_ON_MAIN);
	done(s, l);

	/* a thread below all of them, on none of these stacks */
	s = make_snapshot();
	d = deliver_at(STACK_AT + 0x10000);
	d.altstack_sp = ALT_AT + ALT_SIZE;
	d.altstack_size = ALT_SIZE;
	d.enters_altstack = true;
	frame_build(&pieces[ALTSTACKS], &d);
	add_thread(s, HANDLER, ALT_AT + 0x100);
	l = run(s);
	assert_int_equal(l->threads[0].frames_count, 0);
	done(s, l);
}

/* The one with the lower address was written later and is intact. */
static void overlapping(void **state)
{
	struct snapshot *s = make_snapshot();
	struct delivery d = deliver_at(STACK_AT + 0x10000);
	uint64_t inner;

	(void)state;
	frame_build(&pieces[STACK], &d);
	d.sp -= 0x400;
	inner = frame_build(&pieces[STACK], &d);
	add_thread(s, HANDLER, inner - 0x300);

	struct located *l = run(s);

	assert_int_equal(l->threads[0].frames_count, 1);
	assert_int_equal(address(l, 0), inner);
	done(s, l);
}

/* What the return address leads to decides, or else the placement. */
static void restorer_decides(void **state)
{
	static const struct {
		uint64_t restorer;
		uint64_t sp_offset;	/* 0: where the kernel puts it */
		unsigned frames;
		enum tri complete;
		enum tri found;
	} rows[] = {
		{ RESTORER, 0, 1, TRI_UNKNOWN, TRI_YES },
		{ RESTORER, 64, 0, TRI_UNKNOWN, TRI_YES },
		/* no code at all, or other code */
		{ 0x1000, 0, 1, TRI_UNKNOWN, TRI_NO },
		{ 0x1000, 64, 0, TRI_YES, TRI_NO },
		{ CODE_AT + 0x20, 0, 1, TRI_UNKNOWN, TRI_UNKNOWN },
		{ CODE_AT + 0x20, 64, 0, TRI_YES, TRI_UNKNOWN },
		{ RESTORER_32, 0, 1, TRI_UNKNOWN, TRI_NO },
		{ RESTORER_32, 64, 0, TRI_YES, TRI_NO },
		/* code that cannot be read */
		{ CODE_AT + 0xff8, 0, 1, TRI_UNKNOWN, TRI_UNKNOWN },
		{ CODE_AT + 0xff8, 64, 0, TRI_UNKNOWN, TRI_UNKNOWN },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct snapshot *s = make_snapshot();
		struct delivery d = deliver_at(STACK_AT + 0x10000);

		d.restorer = rows[i].restorer;

		uint64_t f = frame_build(&pieces[STACK], &d);
		memory_put(&pieces[STACK], f + 168, 8,
			   d.sp + rows[i].sp_offset);
		add_thread(s, HANDLER, f - 0x300);
		if (rows[i].restorer == CODE_AT + 0xff8)
			hole = CODE_AT + 0xff8;

		struct located *l = run(s);

		const struct located_thread *t = &l->threads[0];

		assert_int_equal(t->frames_count, rows[i].frames);
		assert_int_equal(t->complete, rows[i].complete);
		if (rows[i].frames)
			assert_int_equal(t->frames[0].facts->around.restorer,
					 rows[i].found);
		done(s, l);
	}
}

/* What was not looked at is said. */
static void missing_pieces(void **state)
{
	struct snapshot *s = make_snapshot();
	struct thread *t = add_thread(s, HANDLER, STACK_AT + 0x1000);
	struct located *l;

	(void)state;
	hole = STACK_AT + 0x3000;
	l = run(s);
	assert_int_equal(l->threads[0].complete, TRI_UNKNOWN);
	assert_non_null(strstr(l->threads[0].incomplete, "0x7ffd12343000"));
	assert_non_null(strstr(l->threads[0].incomplete, "0x7ffd12344000"));
	located_destroy(l);

	/* the source has looked itself */
	t->clear = true;
	l = run(s);
	assert_int_equal(l->threads[0].complete, TRI_YES);
	located_destroy(l);

	t->clear = false;
	t->problem = error_new(ERROR_GONE, "it went away");
	l = run(s);
	assert_int_equal(l->threads[0].complete, TRI_UNKNOWN);
	assert_string_equal(l->threads[0].incomplete, "it went away");
	located_destroy(l);
	error_free(t->problem);
	t->problem = NULL;

	t->has = 0;
	l = run(s);
	assert_int_equal(l->threads[0].complete, TRI_UNKNOWN);
	located_destroy(l);

	t->has = THREAD_HAS_PC_SP;
	t->regs.r[X86_RSP] = 0x1234;
	l = run(s);
	assert_int_equal(l->threads[0].complete, TRI_UNKNOWN);
	done(s, l);
}

/* The saved stack pointer is spoilt: on behind the frame that has it. */
static void spoilt_stack_pointer(void **state)
{
	struct snapshot *s = make_snapshot();
	struct delivery d = deliver_at(STACK_AT + 0x10000);
	uint64_t outer, inner;

	(void)state;
	outer = frame_build(&pieces[STACK], &d);
	d.sp = STACK_AT + 0xa000;
	inner = frame_build(&pieces[STACK], &d);
	memory_put(&pieces[STACK], inner + 168, 8, UINT64_MAX - 3);
	memory_put(&pieces[STACK], inner + SIGMASK, 8, 1);
	add_thread(s, RESTORER, inner + 8);

	struct located *l = run(s);

	assert_int_equal(l->threads[0].frames_count, 2);
	assert_int_equal(address(l, 0), inner);
	assert_int_equal(address(l, 1), outer);
	assert_int_equal(l->threads[0].complete, TRI_UNKNOWN);
	done(s, l);
}

/* Two frames, each the other's past. */
static void circle(void **state)
{
	struct snapshot *s = make_snapshot();
	struct delivery d = deliver_at(STACK_AT + 0x10000);
	uint64_t f[2];

	(void)state;
	f[0] = frame_build(&pieces[STACK], &d);
	d.sp = STACK_AT + 0xa000;
	f[1] = frame_build(&pieces[STACK], &d);
	for (unsigned i = 0; i < 2; i++) {
		memory_put(&pieces[STACK], f[i] + 168, 8, f[1 - i] + 8);
		memory_put(&pieces[STACK], f[i] + 176, 8, RESTORER);
	}
	add_thread(s, RESTORER, f[0] + 8);

	struct located *l = run(s);

	assert_int_equal(l->threads[0].frames_count, 2);
	assert_int_equal(l->threads[0].complete, TRI_UNKNOWN);
	done(s, l);
}

/* Any stack gives an answer, and no frame comes twice. */
static void hostile_stacks(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 400; round++) {
		struct snapshot *s = make_snapshot();
		const struct memory *m = &pieces[round % 2 ? STACK : LOW];
		uint64_t sp = m->addr + STACK_SIZE;

		while (sp > m->addr + 0x4000) {
			struct delivery d = deliver_at(sp);

			sp -= frame_random(&seed) % 0x800 * 8;
			if (sp < m->addr + 0x4000)
				break;
			d.sp = sp;
			if (m->addr == LOW_AT) {
				d.kind = frame_random(&seed) %
					 SIGFRAME_KINDS;
				d.restorer = RESTORER + 0x100 * (d.kind > 1) +
					     0x100 * (d.kind > 2);
			}
			sp = frame_build(m, &d);
		}
		for (unsigned i = 0; i < 40; i++) {
			uint64_t r = frame_random(&seed);
			uint64_t word = r % 3 == 0 ? r | 0xffff000000000000
					: r % 3 == 1 ? m->addr + (r >> 47)
						     : RESTORER;

			memory_put(m, m->addr + (r >> 20) % (STACK_SIZE - 8),
				   8, word);
		}
		add_thread(s, round % 5 ? HANDLER : RESTORER, sp);

		struct located *l = run(s);
		const struct located_thread *t = &l->threads[0];

		for (size_t i = 0; i < t->frames_count; i++)
			for (size_t k = 0; k < i; k++)
				assert_true(address(l, i) != address(l, k));
		if (t->complete != TRI_YES)
			assert_non_null(t->incomplete);
		done(s, l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_frame),
		cmocka_unit_test(on_the_way_back),
		cmocka_unit_test(beyond_lost),
		cmocka_unit_test(facts_of_a_frame),
		cmocka_unit_test(facts_at_the_edge),
		cmocka_unit_test(alternate_stacks),
		cmocka_unit_test(overlapping),
		cmocka_unit_test(restorer_decides),
		cmocka_unit_test(missing_pieces),
		cmocka_unit_test(spoilt_stack_pointer),
		cmocka_unit_test(circle),
		cmocka_unit_test(hostile_stacks),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
