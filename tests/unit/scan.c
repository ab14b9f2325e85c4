/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.c - what is taken for a signal frame at first sight, and what not */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "frame_builder.h"
#include "x86/scan.h"

enum { STACK_SIZE = 64 << 10 };

/* Where the stacks of each kind of task lie. */
static const uint64_t bases[SIGFRAME_KINDS] = {
	[SIGFRAME_X86_64] = UINT64_C(0x7ffd12340000),
	[SIGFRAME_X32] = 0xff810000,
	[SIGFRAME_IA32_RT] = 0xff810000,
	[SIGFRAME_IA32] = 0xff810000,
};

static uint8_t stack_bytes[STACK_SIZE];

/* A stack full of plausible nonsense. */
static struct memory make_stack(uint64_t base)
{
	struct memory m = { stack_bytes, sizeof(stack_bytes), base };
	uint64_t seed = 42;

	for (size_t i = 0; i < m.size; i += 8) {
		uint64_t r = frame_random(&seed);

		memory_put(&m, base + i, 8,
			   r % 3 == 0 ? 0
			   : r % 3 == 1 ? r >> 56
					: base + (r >> 48));
	}
	return m;
}

static struct delivery make_delivery(enum sigframe_kind kind, uint64_t base)
{
	return (struct delivery){
		.kind = kind,
		.sp = base + 0x8128,
		.pc = 0x401234,
		.restorer = 0x402000,
	};
}

static struct bytes view(const struct memory *m)
{
	return (struct bytes){ m->data, m->size, m->addr };
}

/* How often `kind` is found at `address`; *total_ret counts all hits. */
static unsigned count(struct bytes b, enum sigframe_kind kind,
		      uint64_t address, unsigned *total_ret)
{
	uint64_t cursor = b.addr, last = 0;
	struct scan_hit hit;
	unsigned found = 0;

	*total_ret = 0;
	while (scan_next(b, &cursor, &hit)) {
		assert_true(hit.address >= last);
		assert_true(cursor > hit.address);
		last = hit.address;
		found += hit.kind == kind && hit.address == address;
		++*total_ret;
	}
	return found;
}

static void every_kind(void **state)
{
	unsigned total;

	(void)state;
	for (unsigned kind = 0; kind < SIGFRAME_KINDS; kind++) {
		struct memory m = make_stack(bases[kind]);
		struct delivery d = make_delivery(kind, m.addr);

		count(view(&m), kind, 0, &total);
		assert_int_equal(total, 0);

		uint64_t f = frame_build(&m, &d);

		assert_int_equal(count(view(&m), kind, f, &total), 1);
		assert_int_equal(total, 1);
	}
}

/* Everything that the edited frames of a test, or a user, may have changed. */
static void edited_frames(void **state)
{
	static const struct {
		enum sigframe_kind kind;
		uint16_t off[3];
		uint8_t width[3];
		uint64_t value[3];
	} edits[] = {
		{ SIGFRAME_X86_64, { 192 }, { 2 }, { 0 } },	/* cs */
		{ SIGFRAME_X86_64, { 198 }, { 2 }, { 0 } },	/* ss */
		{ SIGFRAME_X86_64, { 192, 198 }, { 2, 2 }, { 0, 0 } },
		{ SIGFRAME_X86_64, { 184 }, { 8 }, { 0 } },	/* rflags */
		{ SIGFRAME_X86_64, { 184 }, { 8 }, { UINT64_MAX } },
		{ SIGFRAME_X86_64, { 8 }, { 8 }, { UINT64_MAX } },
		{ SIGFRAME_X86_64, { 8 }, { 8 }, { 6 } },
		{ SIGFRAME_X86_64, { 16 }, { 8 }, { 0x1234 } },	/* uc_link */
		{ SIGFRAME_X86_64, { 0 }, { 8 }, { 0 } },	/* pretcode */
		{ SIGFRAME_X86_64, { 168, 176 }, { 8, 8 },
		  { UINT64_MAX, UINT64_C(1) << 63 } },		/* rsp, rip */
		{ SIGFRAME_X86_64, { 232 }, { 8 }, { 0 } },	/* fpstate */
		{ SIGFRAME_X86_64, { 232 }, { 8 }, { 8 } },
		{ SIGFRAME_X86_64, { 232 }, { 8 }, { UINT64_MAX - 63 } },
		{ SIGFRAME_X86_64, { 232, 192 }, { 8, 2 }, { 0, 0 } },
		{ SIGFRAME_X86_64, { 456 + 464 }, { 4 }, { 0 } }, /* magic1 */
		{ SIGFRAME_X86_64, { 456 + 464, 192, 184 }, { 4, 2, 8 },
		  { 0, 0, 0 } },
		{ SIGFRAME_X86_64, { 232, 456 + 464 }, { 8, 4 }, { 0, 0 } },
		{ SIGFRAME_X86_64, { 232, 456 + 464, 192 }, { 8, 4, 2 },
		  { 0, 0, 0 } },
		{ SIGFRAME_X86_64, { 232, 456 + 464, 198 }, { 8, 4, 2 },
		  { 0, 0, 0 } },
		{ SIGFRAME_X86_64, { 232, 456 + 464, 184 }, { 8, 4, 8 },
		  { 0, 0, 0 } },
		{ SIGFRAME_X32, { 176 }, { 2 }, { 0 } },
		{ SIGFRAME_X32, { 216 }, { 8 }, { 0 } },
		{ SIGFRAME_X32, { 440 + 464 }, { 4 }, { 0 } },
		{ SIGFRAME_IA32_RT, { 224 }, { 4 }, { 0 } },	/* cs */
		{ SIGFRAME_IA32_RT, { 236 }, { 4 }, { 0 } },	/* ss */
		{ SIGFRAME_IA32_RT, { 240 }, { 4 }, { 0 } },	/* fpstate */
		{ SIGFRAME_IA32_RT, { 260 }, { 8 }, { 0 } },	/* retcode */
		{ SIGFRAME_IA32_RT, { 388 + 464 }, { 4 }, { 0 } },
		{ SIGFRAME_IA32_RT, { 4, 8, 12 }, { 4, 4, 4 }, { 0, 0, 0 } },
		{ SIGFRAME_IA32, { 68 }, { 4 }, { 0 } },
		{ SIGFRAME_IA32, { 80 }, { 4 }, { 0 } },
		{ SIGFRAME_IA32, { 84 }, { 4 }, { 0 } },
		{ SIGFRAME_IA32, { 724 }, { 8 }, { 0 } },
		{ SIGFRAME_IA32, { 852 + 464 }, { 4 }, { 0 } },
	};
	unsigned total;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(edits); i++) {
		enum sigframe_kind kind = edits[i].kind;
		struct memory m = make_stack(bases[kind]);
		struct delivery d = make_delivery(kind, m.addr);
		uint64_t f = frame_build(&m, &d);

		for (unsigned k = 0; k < 3 && edits[i].width[k]; k++)
			memory_put(&m, f + edits[i].off[k], edits[i].width[k],
				   edits[i].value[k]);
		if (count(view(&m), kind, f, &total) != 1)
			fail_msg("edit %u hides the frame", i);
	}
}

/* One mark is enough, wherever among those compared at once it comes to lie. */
static void one_mark(void **state)
{
	enum { CS = 192, SS = 198, FPSTATE = 232, MAGIC1 = 456 + 464 };
	static const uint16_t left[] = { CS, SS, FPSTATE, MAGIC1 };
	unsigned total;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(left); i++) {
		struct memory m = make_stack(bases[SIGFRAME_X86_64]);
		struct delivery d = make_delivery(SIGFRAME_X86_64, m.addr);
		uint64_t f = frame_build(&m, &d);

		if (left[i] != CS)
			memory_put(&m, f + CS, 2, 0);
		if (left[i] != SS)
			memory_put(&m, f + SS, 2, 0);
		if (left[i] != FPSTATE)
			memory_put(&m, f + FPSTATE, 8, 0);
		if (left[i] != MAGIC1)
			memory_put(&m, f + MAGIC1, 4, 0);
		/* nothing else that is looked at and starts them anew */
		memset(m.data, 0, f - m.addr);
		for (uint64_t before = 0; before < 512; before += 8) {
			struct bytes b =
				bytes_from(view(&m), f - before - m.addr);

			if (count(b, SIGFRAME_X86_64, f, &total) != 1)
				fail_msg("mark at %u alone, %u bytes on",
					 left[i], (unsigned)before);
		}
	}
}

/* A frame that some program built: 16 bytes off, its image elsewhere. */
static void built_by_hand(void **state)
{
	struct memory m = make_stack(bases[SIGFRAME_X86_64]);
	struct delivery d = make_delivery(SIGFRAME_X86_64, m.addr);
	uint64_t f = frame_build(&m, &d);
	unsigned total;

	(void)state;
	memmove(m.data + 8, m.data + (f - m.addr), 440);
	assert_int_equal(count(view(&m), SIGFRAME_X86_64, m.addr + 8, &total),
			 1);
	memmove(m.data + 0x1000, m.data + (f - m.addr), 440);
	assert_int_equal(
		count(view(&m), SIGFRAME_X86_64, m.addr + 0x1000, &total), 1);
}

/* Up to the end of its ucontext a frame is found, however the stack ends. */
static void stack_ends(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < SIGFRAME_KINDS; kind++) {
		struct memory m = make_stack(bases[kind]);
		struct delivery d = make_delivery(kind, m.addr);
		uint64_t f = frame_build(&m, &d);
		uint64_t need = sigframe_shapes[kind].need_end;

		for (uint64_t size = 0; size < 4096; size += 4) {
			/* a copy of its own, so that ASan sees the end */
			uint8_t *copy = malloc(f - m.addr + size);
			struct bytes b = { copy, f - m.addr + size, m.addr };
			unsigned total;

			assert_non_null(copy);
			memcpy(copy, m.data, b.size);
			assert_int_equal(count(b, kind, f, &total),
					 size >= need);
			free(copy);
		}
	}
}

static void cursor_moves_on(void **state)
{
	struct memory m = make_stack(bases[SIGFRAME_X86_64]);
	struct delivery d = make_delivery(SIGFRAME_X86_64, m.addr);
	uint64_t f[3], cursor;
	struct scan_hit hit;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		d.sp = m.addr + 0x3000 + i * 0x4008;
		f[i] = frame_build(&m, &d);
	}
	cursor = 0;
	for (unsigned i = 0; i < 3; i++) {
		assert_true(scan_next(view(&m), &cursor, &hit));
		assert_int_equal(hit.address, f[i]);
	}
	assert_false(scan_next(view(&m), &cursor, &hit));
	cursor = f[1];
	assert_true(scan_next(view(&m), &cursor, &hit));
	assert_int_equal(hit.address, f[1]);
	cursor = f[1] + 1;
	assert_true(scan_next(view(&m), &cursor, &hit));
	assert_int_equal(hit.address, f[2]);
	cursor = UINT64_MAX;
	assert_false(scan_next(view(&m), &cursor, &hit));
}

/* Saved extended state is not a frame. */
static void xstate_alone(void **state)
{
	struct memory m = make_stack(bases[SIGFRAME_X86_64]);
	struct delivery d = make_delivery(SIGFRAME_X86_64, m.addr);
	uint64_t f = frame_build(&m, &d);
	unsigned total;

	(void)state;
	memset(m.data + (f - m.addr), 0, 456);
	count(view(&m), SIGFRAME_X86_64, 0, &total);
	assert_int_equal(total, 0);
	/* not even with a pointer to it, as in getcontext()'s structure */
	memory_put(&m, f + 8, 8, f + 456);
	count(view(&m), SIGFRAME_X86_64, 0, &total);
	assert_int_equal(total, 0);
}

/* Words near 2^64 and stacks that end there. */
static void hostile_words(void **state)
{
	static const uint64_t addrs[] = {
		0, 8, 0xfffff000, UINT64_C(0x7ffd00000000),
		UINT64_C(0xffffffffffffc000), UINT64_C(0xfffffffffffffff8),
		UINT64_MAX,
	};
	struct memory m = make_stack(0);
	unsigned total;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(addrs); i++) {
		for (unsigned fill = 0; fill < 3; fill++) {
			for (size_t off = 0; off < m.size; off += 8) {
				uint64_t word = fill == 0   ? UINT64_MAX
						: fill == 1 ? -(uint64_t)off
							    : addrs[i] + off +
								      224;

				memory_put(&m, off, 8, word);
			}
			count((struct bytes){ m.data, m.size, addrs[i] },
			      SIGFRAME_X86_64, 0, &total);
			assert_true(total <= m.size / 8);
		}
	}
}

/* 64 MiB that no one would take for frames. */
static void random_data(void **state)
{
	enum { SIZE = 16 << 20 };
	static const uint64_t seeds[] = { 1, 0xdeadbeef };
	uint8_t *data = malloc(SIZE);

	(void)state;
	assert_non_null(data);
	for (unsigned i = 0; i < ARRAY_SIZE(seeds); i++)
		for (unsigned plain = 0; plain < 2; plain++) {
			uint64_t seed = seeds[i];
			unsigned total;

			for (size_t off = 0; off < SIZE; off += 8) {
				uint64_t r = frame_random(&seed);

				/* noise; or counters, sizes and flags */
				if (plain)
					r = r >> 60 ? r >> 58 : r;
				r = htole64(r);
				memcpy(data + off, &r, 8);
			}
			count((struct bytes){ data, SIZE,
					      UINT64_C(0x7f0000000000) },
			      SIGFRAME_X86_64, 0, &total);
			assert_int_equal(total, 0);
			count((struct bytes){ data, SIZE, 0xf0000000 },
			      SIGFRAME_IA32, 0, &total);
			assert_int_equal(total, 0);
		}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),
		cmocka_unit_test(edited_frames),
		cmocka_unit_test(one_mark),
		cmocka_unit_test(built_by_hand),
		cmocka_unit_test(stack_ends),
		cmocka_unit_test(cursor_moves_on),
		cmocka_unit_test(xstate_alone),
		cmocka_unit_test(hostile_words),
		cmocka_unit_test(random_data),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
