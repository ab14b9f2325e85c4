/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restorer.c - restorer code as it is found in C libraries and the vDSO */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "x86/restorer.h"

/* From disassembled glibc 2.36, musl 1.2.3, Go, and 32-bit vDSOs. */
static const struct {
	const char *what;
	uint8_t code[RESTORER_MAX];
	uint8_t size;
	enum sigframe_kind kind;
	uint8_t syscall_off;
	uint8_t pop;
} known[] = {
	{ "glibc, musl, Go: x86-64",
	  { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 }, 9,
	  SIGFRAME_X86_64, 7, 0 },
	{ "hand-written x86-64",
	  { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 }, 7,
	  SIGFRAME_X86_64, 5, 0 },
	{ "x32",
	  { 0x48, 0xc7, 0xc0, 0x01, 0x02, 0, 0x40, 0x0f, 0x05 }, 9,
	  SIGFRAME_X32, 7, 0 },
	{ "vDSO __kernel_rt_sigreturn",
	  { 0xb8, 0xad, 0, 0, 0, 0xcd, 0x80 }, 7,
	  SIGFRAME_IA32_RT, 5, 0 },
	{ "vDSO __kernel_sigreturn",
	  { 0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80 }, 8,
	  SIGFRAME_IA32, 6, 4 },
};

static struct bytes run(const uint8_t *code, size_t size)
{
	return (struct bytes){ code, size, 0x1000 };
}

static void known_sequences(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		const struct restorer *r =
			restorer_match(run(known[i].code, RESTORER_MAX));

		assert_non_null(r);
		assert_non_null(r->name);
		assert_int_equal(r->kind, known[i].kind);
		assert_int_equal(r->size, known[i].size);
		assert_int_equal(r->syscall_off, known[i].syscall_off);
		assert_int_equal(r->pop, known[i].pop);
		assert_memory_equal(r->code, known[i].code, r->size);
	}
}

static void behind_endbr(void **state)
{
	static const uint8_t last[] = { 0xfa, 0xfb };
	uint8_t code[RESTORER_MAX];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		for (unsigned k = 0; k < ARRAY_SIZE(last); k++) {
			memcpy(code, (uint8_t[]){ 0xf3, 0x0f, 0x1e, last[k] },
			       4);
			memcpy(code + 4, known[i].code, RESTORER_MAX - 4);

			const struct restorer *r =
				restorer_match(run(code, sizeof(code)));

			assert_non_null(r);
			assert_int_equal(r->kind, known[i].kind);
			assert_null(restorer_match(
				run(code, 4u + known[i].size - 1)));
		}
}

static void anything_else(void **state)
{
	uint8_t code[RESTORER_MAX];

	(void)state;
	assert_null(restorer_match(run(NULL, 0)));
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		for (size_t size = 0; size < known[i].size; size++)
			assert_null(restorer_match(run(known[i].code, size)));
		/* one bit makes another system call, or no code at all */
		for (unsigned bit = 0; bit < known[i].size * 8u; bit++) {
			memcpy(code, known[i].code, sizeof(code));
			code[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_null(restorer_match(run(code, sizeof(code))));
		}
	}
}

/* Nobody knows these, but they may be. */
static void possible(void **state)
{
	static const struct {
		uint8_t code[12];
		bool want;
	} cases[] = {
		/* xor %eax,%eax; mov $15,%al; syscall */
		{ { 0x31, 0xc0, 0xb0, 0x0f, 0x0f, 0x05 }, true },
		/* push $15; pop %rax; syscall */
		{ { 0x6a, 0x0f, 0x58, 0x0f, 0x05 }, true },
		/* mov $15,%eax; jmp */
		{ { 0xb8, 0x0f, 0, 0, 0, 0xe9 }, true },
		/* mov $173,%eax; int $0x80 */
		{ { 0xb8, 0xad, 0, 0, 0, 0xcd, 0x80 }, true },
		/* mov $231,%eax; syscall */
		{ { 0xb8, 0xe7, 0, 0, 0, 0x0f, 0x05 }, false },
		/* movaps %xmm0,-0x50(%rbp); movups */
		{ { 0x0f, 0x29, 0x45, 0xb0, 0x0f, 0x10 }, false },
		/* lea 15(%rax); and */
		{ { 0x8d, 0x40, 0x0f, 0x83, 0xe0, 0xf0 }, false },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(restorer_possible(run(cases[i].code,
						       sizeof(cases[i].code))),
				 cases[i].want);
}

static void jumps(void **state)
{
	static const uint8_t near[] = { 0xeb, 0xfe };
	static const uint8_t far[] = { 0xf3, 0x0f, 0x1e, 0xfa,
				       0xe9, 0x10, 0, 0, 0 };
	uint64_t target;

	(void)state;
	assert_true(restorer_jump(run(near, sizeof(near)), &target));
	assert_int_equal(target, 0x1000);
	assert_true(restorer_jump(run(far, sizeof(far)), &target));
	assert_int_equal(target, 0x1019);
	assert_false(restorer_jump(run(far, 5), &target));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_sequences),
		cmocka_unit_test(behind_endbr),
		cmocka_unit_test(anything_else),
		cmocka_unit_test(possible),
		cmocka_unit_test(jumps),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
