/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.c - growing strings, and what becomes of foreign ones in them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"

static void growing(void **state)
{
	struct text t = TEXT_INIT;

	(void)state;
	assert_string_equal(text_string(&t), "");
	assert_false(text_bad(&t));
	text_add(&t, "");
	assert_string_equal(text_string(&t), "");
	text_add(&t, "frame");
	text_add_bytes(&t, " at nowhere", 4);
	text_printf(&t, "%#x, %s", 0x1000, "stack");
	assert_string_equal(text_string(&t), "frame at 0x1000, stack");
	assert_int_equal(t.size, strlen("frame at 0x1000, stack"));

	text_clear(&t);
	assert_string_equal(text_string(&t), "");
	assert_int_equal(t.size, 0);
	text_add(&t, "again");
	assert_string_equal(text_string(&t), "again");
	text_deinit(&t);
	assert_string_equal(text_string(&t), "");
	text_clear(&t);
	text_deinit(&t);
}

static void padding(void **state)
{
	struct text t = TEXT_INIT;

	(void)state;
	text_pad(&t, '-', 0);
	text_pad(&t, '-', -1);
	text_pad(&t, '-', INT64_MIN);
	assert_string_equal(text_string(&t), "");
	text_pad(&t, '-', 3);
	text_pad(&t, ' ', 2);
	assert_string_equal(text_string(&t), "---  ");
	text_deinit(&t);
}

/* Every size on the way past several reallocations. */
static void one_by_one(void **state)
{
	struct text t = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		char c = (char)('a' + i % 26);

		text_add_bytes(&t, &c, 1);
		assert_int_equal(t.size, i + 1);
		assert_int_equal(strlen(text_string(&t)), i + 1);
	}
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(text_string(&t)[i], 'a' + i % 26);
	assert_false(text_bad(&t));
	text_deinit(&t);
}

/* The bytes of a scalar value, as RFC 3629 has them. */
static size_t encode(uint32_t value, char ret[5])
{
	size_t length = value < 0x80 ? 1 : value < 0x800 ? 2
				       : value < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = length; i-- > 1; value >>= 6)
		ret[i] = (char)(0x80 | (value & 0x3f));
	ret[0] = (char)(lead[length] | value);
	ret[length] = '\0';
	return length;
}

static void utf8_every_value(void **state)
{
	char s[5];

	(void)state;
	for (uint32_t value = 1; value <= 0x10ffff; value++) {
		size_t length = encode(value, s);
		bool surrogate = value >= 0xd800 && value <= 0xdfff;

		assert_int_equal(text_utf8_length(s), surrogate ? 0 : length);
		assert_int_equal(text_utf8_value(s, length), value);
		assert_int_equal(text_columns(s), surrogate ? 3 : 1);
		/* the same, cut off */
		for (size_t cut = 1; cut < length; cut++) {
			char part[5] = { 0 };

			memcpy(part, s, cut);
			assert_int_equal(text_utf8_length(part), 0);
			assert_int_equal(text_columns(part), cut);
		}
	}
	for (uint32_t value = 0x110000; value <= 0x1fffff; value++) {
		encode(value, s);
		assert_int_equal(text_utf8_length(s), 0);
	}
}

static void utf8_invalid(void **state)
{
	static const char *const cases[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc0\xaf", "\xc1\xbf",
		"\xc2", "\xc2 ", "\xc2\xc2", "\xe0\x80\x80", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xe2\x82", "\xe2(\xa1",
		"\xe2\x82(", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x98",
		"\xf0(\x8c\xbc", "\xf8\x88\x80\x80\x80",
		"\xfc\x84\x80\x80\x80\x80", "\xfe", "\xff",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (text_utf8_length(cases[i]))
			fail_msg("sequence %zu is taken for a character", i);
}

static void foreign(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "plain text, 100%s", "plain text, 100%s" },
		{ "\\", "\\\\" },
		{ "a\\x41", "a\\\\x41" },
		{ "tab\there", "tab\\x09here" },
		{ "two\nlines\r", "two\\x0alines\\x0d" },
		{ "\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m" },
		{ "\x7f", "\\x7f" },
		{ "\x01", "\\x01" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80" },
		/* C1 controls: CSI is one of them */
		{ "\xc2\x9b" "31m", "\\xc2\\x9b31m" },
		{ "\xc2\x80", "\\xc2\\x80" },
		{ "\xc2\xa0", "\xc2\xa0" },
		/* bidirectional: RLO, PDI, LRM, ALM; zero width space */
		{ "a\xe2\x80\xae" "b", "a\\xe2\\x80\\xaeb" },
		{ "\xe2\x81\xa9", "\\xe2\\x81\\xa9" },
		{ "\xe2\x80\x8e", "\\xe2\\x80\\x8e" },
		{ "\xd8\x9c", "\\xd8\\x9c" },
		{ "\xe2\x80\x8b", "\\xe2\\x80\\x8b" },
		{ "\xe2\x80\x90\xe2\x81\xa4", "\xe2\x80\x90\xe2\x81\xa4" },
		/* invalid bytes one at a time, and on with what follows */
		{ "\xff" "a", "\\xffa" },
		{ "\xe2\x82", "\\xe2\\x82" },
		{ "\xe2\x82x", "\\xe2\\x82x" },
		{ "\xc3\\", "\\xc3\\\\" },
		{ "\xf0\x9f\xc3\xbc", "\\xf0\\x9f\xc3\xbc" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xc0\xaf", "\\xc0\\xaf" },
	};
	struct text t = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text_clear(&t);
		text_add_foreign(&t, cases[i].in);
		assert_string_equal(text_string(&t), cases[i].out);
	}
	text_deinit(&t);
}

/* Whatever bytes come, the outcome is harmless and names each of them. */
static void foreign_any_bytes(void **state)
{
	struct text t = TEXT_INIT;
	uint64_t seed = 1;

	(void)state;
	for (unsigned n = 0; n < 20000; n++) {
		char in[17] = { 0 };

		for (size_t i = 0; i + 1 < sizeof(in); i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			in[i] = (char)(seed >> 56);
			/* more of what begins a character */
			if (seed >> 40 & 1)
				in[i] = (char)(in[i] | 0xc0);
		}
		text_clear(&t);
		text_add_foreign(&t, in);

		const char *s = text_string(&t);
		size_t named = 0;

		while (*s) {
			size_t length = text_utf8_length(s);

			assert_int_not_equal(length, 0);
			assert_true((uint8_t)*s >= 0x20 && *s != 0x7f);
			if (s[0] == '\\' && s[1] == '\\') {
				s += 2;
				named++;
			} else if (*s == '\\') {
				unsigned byte;

				assert_int_equal(sscanf(s, "\\x%2x", &byte),
						 1);
				s += 4;
				named++;
			} else {
				s += length;
				named += length;
			}
		}
		assert_int_equal(named, strlen(in));
	}
	text_deinit(&t);
}

static void columns(void **state)
{
	static const struct {
		const char *s;
		size_t columns;
	} cases[] = {
		{ "", 0 },
		{ "abc", 3 },
		{ "gr\xc3\xbcn", 4 },
		{ "\xe2\x82\xac", 1 },
		{ "\xf0\x9f\x98\x80!", 2 },
		{ "\xff\xfe", 2 },
		{ "\xe2\x82", 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(text_columns(cases[i].s), cases[i].columns);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(growing),
		cmocka_unit_test(padding),
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(utf8_every_value),
		cmocka_unit_test(utf8_invalid),
		cmocka_unit_test(foreign),
		cmocka_unit_test(foreign_any_bytes),
		cmocka_unit_test(columns),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
