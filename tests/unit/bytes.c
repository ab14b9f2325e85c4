/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bytes.c - bounded reads at every edge, addresses near 2^64 among them */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/cleanup.h"

#define TOP UINT64_MAX
#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

/* `size` bytes 1, 2, 3... in a block of just that size. */
static struct bytes counting(size_t size, uint64_t addr)
{
	uint8_t *data = malloc(size ? size : 1);

	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i + 1);
	return (struct bytes){ data, size, addr };
}

static void release(struct bytes b)
{
	free((void *)(uintptr_t)b.data);
}

static void has(void **state)
{
	static const struct {
		size_t size;
		uint64_t off, len;
		bool inside;
	} cases[] = {
		{ 0, 0, 0, true },
		{ 0, 0, 1, false },
		{ 0, 1, 0, false },
		{ 16, 0, 16, true },
		{ 16, 0, 17, false },
		{ 16, 15, 1, true },
		{ 16, 15, 2, false },
		{ 16, 16, 0, true },
		{ 16, 16, 1, false },
		{ 16, 17, 0, false },
		/* sums that wrap round to something small */
		{ 16, TOP, 0, false },
		{ 16, TOP, 1, false },
		{ 16, TOP, 2, false },
		{ 16, TOP - 7, 8, false },
		{ 16, TOP - 7, 16, false },
		{ 16, 1, TOP, false },
		{ 16, 8, TOP - 7, false },
		{ 16, 0, TOP, false },
		{ 16, TOP, TOP, false },
		{ 16, UINT64_C(1) << 63, UINT64_C(1) << 63, false },
		{ 16, UINT64_C(1) << 32, 0, false },
		{ 16, 0, UINT64_C(1) << 32, false },
		{ SIZE_MAX, TOP, 0, true },
		{ SIZE_MAX, 0, TOP, true },
		{ SIZE_MAX, 1, TOP, false },
		{ SIZE_MAX, 1, TOP - 1, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes b = { NULL, cases[i].size, 0 };

		if (bytes_has(b, cases[i].off, cases[i].len) != cases[i].inside)
			fail_msg("%zu bytes, offset %#llx, length %#llx",
				 cases[i].size, (unsigned long long)cases[i].off,
				 (unsigned long long)cases[i].len);
	}
}

/* One of the getters, whatever its width. */
static bool get(unsigned width, struct bytes b, uint64_t off, uint64_t *ret)
{
	uint16_t u16 = (uint16_t)*ret;
	uint32_t u32 = (uint32_t)*ret;
	bool found;

	switch (width) {
	case 2:
		found = bytes_u16(b, off, &u16);
		*ret = u16;
		return found;
	case 4:
		found = bytes_u32(b, off, &u32);
		*ret = u32;
		return found;
	default:
		return bytes_u64(b, off, ret);
	}
}

static uint64_t low(uint64_t word, unsigned width)
{
	return width == 8 ? word : word & ((UINT64_C(1) << width * 8) - 1);
}

static void words(void **state)
{
	static const unsigned widths[] = { 2, 4, 8 };
	/* the bytes 1, 2, 3... read from byte 0 on, lowest first */
	const uint64_t first = UINT64_C(0x0807060504030201);
	const uint64_t each = UINT64_C(0x0101010101010101);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		for (size_t size = 0; size <= 20; size++) {
			struct bytes b = counting(size, TOP - 3);
			unsigned width = widths[i];

			for (uint64_t off = 0; off <= 24; off++) {
				uint64_t a = UNTOUCHED, c = UNTOUCHED;
				bool inside = off + width <= size;

				assert_int_equal(get(width, b, off, &a), inside);
				assert_int_equal(bytes_word(b, off, width, &c),
						 inside);
				assert_int_equal(a, low(inside ? first + each * off
							       : UNTOUCHED,
							width));
				assert_int_equal(c, inside ? a : UNTOUCHED);
			}
			for (uint64_t back = 0; back < 16; back++) {
				uint64_t a = UNTOUCHED;

				assert_false(get(width, b, TOP - back, &a));
				assert_false(bytes_word(b, TOP - back, width,
							&a));
				assert_int_equal(a, low(UNTOUCHED, width));
			}
			release(b);
		}
	}
}

static void word_widths(void **state)
{
	struct bytes b = counting(16, 0);

	(void)state;
	for (unsigned width = 0; width <= 70; width++) {
		uint64_t word = UNTOUCHED;
		bool known = width == 1 || width == 2 || width == 4 ||
			     width == 8;

		assert_int_equal(bytes_word(b, 0, width, &word), known);
		assert_int_equal(word, known ? low(UINT64_C(0x0807060504030201),
						   width)
					     : UNTOUCHED);
	}
	release(b);
}

static void from(void **state)
{
	static const uint64_t addrs[] = { 0, 0x1000, TOP - 15, TOP - 7, TOP };
	static const uint64_t offs[] = {
		0, 1, 15, 16, 17, UINT32_MAX, UINT64_C(1) << 32,
		UINT64_C(1) << 63, TOP - 15, TOP - 1, TOP,
	};
	struct bytes b = counting(16, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(offs); k++) {
			uint64_t off = offs[k];

			b.addr = addrs[i];

			struct bytes part = bytes_from(b, off);
			uint64_t left = off < 16 ? 16 - off : 0;
			uint64_t word;

			assert_int_equal(part.size, left);
			assert_int_equal(part.addr, b.addr + off);
			assert_true(part.data == b.data + (16 - left));
			assert_int_equal(bytes_word(part, 0, 1, &word),
					 left != 0);
			/* and on from there */
			assert_int_equal(bytes_from(part, left).size, 0);
			assert_int_equal(bytes_from(part, TOP).size, 0);
		}
	}
	release(b);
}

static void first(void **state)
{
	static const struct {
		uint64_t size;
		size_t left;
	} cases[] = {
		{ 0, 0 },	       { 1, 1 },   { 15, 15 }, { 16, 16 },
		{ 17, 16 },	       { TOP, 16 }, { UINT64_C(1) << 32, 16 },
		{ UINT64_C(1) << 63, 16 },
	};
	struct bytes b = counting(16, 0x1000);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes part = bytes_first(b, cases[i].size);

		assert_int_equal(part.size, cases[i].left);
		assert_int_equal(part.addr, 0x1000);
		assert_true(part.data == b.data);
	}
	release(b);
}

static void nonzero(void **state)
{
	uint8_t data[16] = { [9] = 0x80 };
	struct bytes b = { data, sizeof(data), 0 };

	(void)state;
	for (uint64_t off = 0; off <= 20; off++) {
		for (uint64_t len = 0; len <= 20; len++) {
			bool covers = off <= 9 && off + len > 9;

			assert_int_equal(bytes_nonzero(b, off, len), covers);
		}
		assert_int_equal(bytes_nonzero(b, off, TOP), off <= 9);
		assert_false(bytes_nonzero(b, TOP - off, TOP));
		assert_false(bytes_nonzero(b, TOP - off, off + 16));
	}
}

static void empty(void **state)
{
	struct bytes none = { NULL, 0, TOP };
	uint64_t word = UNTOUCHED;

	(void)state;
	assert_true(bytes_has(none, 0, 0));
	assert_false(bytes_word(none, 0, 1, &word));
	assert_false(bytes_u64(none, TOP, &word));
	assert_int_equal(word, UNTOUCHED);
	assert_false(bytes_nonzero(none, 0, TOP));
	assert_int_equal(bytes_from(none, 8).size, 0);
	assert_int_equal(bytes_from(none, 8).addr, 7);
	assert_int_equal(bytes_first(none, 8).size, 0);
}

static void three_values(void **state)
{
	(void)state;
	assert_int_equal(tri_of(true), TRI_YES);
	assert_int_equal(tri_of(false), TRI_NO);
	assert_int_equal(tri_not(TRI_YES), TRI_NO);
	assert_int_equal(tri_not(TRI_NO), TRI_YES);
	assert_int_equal(tri_not(TRI_UNKNOWN), TRI_UNKNOWN);
	/* what nobody has looked at is zero, and that is not an answer */
	assert_int_equal(TRI_UNKNOWN, 0);
	assert_int_equal(RUN_END_UNKNOWN, 0);
}

static void runs(void **state)
{
	static const struct {
		uint64_t off, len;
		bool inside;
	} cases[] = {
		{ 0, 0, true },	   { 0, 16, true },  { 0, 17, false },
		{ 16, 0, true },   { 16, 1, false }, { 17, 0, false },
		{ 15, 1, true },   { TOP, 1, false }, { TOP, 0, false },
		{ 1, TOP, false }, { TOP - 15, 32, false },
	};
	struct run r = { counting(16, TOP - 7), RUN_END_UNKNOWN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t off = cases[i].off, len = cases[i].len;
		bool inside = cases[i].inside;

		r.end = RUN_END_UNKNOWN;
		assert_int_equal(run_readable(&r, off, len),
				 inside ? TRI_YES : TRI_UNKNOWN);
		r.end = RUN_END_UNREADABLE;
		assert_int_equal(run_readable(&r, off, len),
				 inside ? TRI_YES : TRI_NO);
	}
	for (uint64_t off = 0; off <= 20; off++) {
		struct run rest = run_from(&r, off);

		assert_int_equal(rest.end, RUN_END_UNREADABLE);
		assert_int_equal(rest.bytes.size, off < 16 ? 16 - off : 0);
		assert_int_equal(rest.bytes.addr, TOP - 7 + off);
		assert_int_equal(run_readable(&rest, 0, 1),
				 off < 16 ? TRI_YES : TRI_NO);
	}
	release(r.bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(has),		cmocka_unit_test(words),
		cmocka_unit_test(word_widths),	cmocka_unit_test(from),
		cmocka_unit_test(first),	cmocka_unit_test(nonzero),
		cmocka_unit_test(empty),	cmocka_unit_test(three_values),
		cmocka_unit_test(runs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
