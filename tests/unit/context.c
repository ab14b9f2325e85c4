/* SPDX-License-Identifier: GPL-3.0-or-later */
/* context.c - saved contexts, against what the C library really saves */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/auxv.h>
#include <ucontext.h>

#include "base/cleanup.h"
#include "x86/context.h"

/* PTR_MANGLE's secret, 0x30 bytes into the thread's descriptor. */
static uint64_t own_guard(void)
{
	uint64_t guard;

	__asm__("mov %%fs:0x30, %0" : "=r"(guard));
	return guard;
}

static struct bytes bytes_of(const void *data, size_t size)
{
	return (struct bytes){ data, size, (uintptr_t)data };
}

static uint64_t reg(const struct context *c, enum x86_reg r)
{
	assert_true(c->known & 1u << r);
	return c->gprs.r[r];
}

/* Stays where it is, so that its frame can be compared. */
static __attribute__((noinline)) void save_ucontext(ucontext_t *u,
						    uint64_t *sp_ret)
{
	__asm__ volatile("mov %%rsp, %0" : "=r"(*sp_ret));
	assert_int_equal(getcontext(u), 0);
}

static void real_ucontext(void **state)
{
	ucontext_t u, other, copy;
	struct context c;
	uint64_t sp;

	(void)state;
	memset(&u, 0x5a, sizeof(u));
	save_ucontext(&u, &sp);
	assert_true(context_decode(CONTEXT_UCONTEXT,
				   bytes_of(&u, CONTEXT_MAX), 0, &c));
	assert_int_equal(reg(&c, X86_RSP), sp);
	assert_int_equal(reg(&c, X86_RSP),
			 (uint64_t)u.uc_mcontext.gregs[REG_RSP]);
	assert_int_equal(reg(&c, X86_RIP),
			 (uint64_t)u.uc_mcontext.gregs[REG_RIP]);
	assert_int_equal(reg(&c, X86_RBP),
			 (uint64_t)u.uc_mcontext.gregs[REG_RBP]);
	assert_int_equal(reg(&c, X86_RBX),
			 (uint64_t)u.uc_mcontext.gregs[REG_RBX]);
	assert_int_equal(reg(&c, X86_R12),
			 (uint64_t)u.uc_mcontext.gregs[REG_R12]);
	assert_int_equal(reg(&c, X86_R15),
			 (uint64_t)u.uc_mcontext.gregs[REG_R15]);
	assert_int_equal(reg(&c, X86_RDI), (uintptr_t)&u);
	assert_int_equal(c.gprs.r[X86_CS], X86_USER_CS);
	/* what getcontext() does not save is not known */
	assert_false(c.known & (1u << X86_RAX | 1u << X86_R10));

	/* elsewhere it is no ucontext_t of glibc's */
	memcpy(&copy, &u, sizeof(u));
	assert_false(context_decode(CONTEXT_UCONTEXT,
				    bytes_of(&copy, CONTEXT_MAX), 0, &c));
	assert_true(context_decode(CONTEXT_UCONTEXT_PLAIN,
				   bytes_of(&copy, CONTEXT_MAX), 0, &c));
	assert_int_equal(reg(&c, X86_RSP), sp);
	assert_int_equal(reg(&c, X86_RBP),
			 (uint64_t)u.uc_mcontext.gregs[REG_RBP]);

	/* the caller's, which swapcontext() leaves for `u` and comes back to */
	volatile unsigned visits = 0;

	assert_int_equal(getcontext(&u), 0);
	if (visits++ == 0)
		assert_int_equal(swapcontext(&other, &u), 0);
	assert_true(context_decode(CONTEXT_UCONTEXT,
				   bytes_of(&other, CONTEXT_MAX), 0, &c));
	/* nothing was called since from there: pc is still below sp */
	assert_true(reg(&c, X86_RSP) > (uintptr_t)__builtin_frame_address(0) -
					       (1u << 16));
}

static void real_setjmp(void **state)
{
	const uint8_t *random = (const uint8_t *)getauxval(AT_RANDOM);
	const struct context_shape *shape = &context_shapes[CONTEXT_SETJMP];
	jmp_buf jump, again;
	struct context c, d;
	uint64_t guard, sp;

	(void)state;
	if (setjmp(jump) || setjmp(again))
		fail();
	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	assert_true(context_decode(CONTEXT_SETJMP,
				   bytes_of(jump, shape->size), own_guard(),
				   &c));
	assert_int_equal(reg(&c, X86_RSP), sp);
	assert_true(context_decode(CONTEXT_SETJMP,
				   bytes_of(again, shape->size), own_guard(),
				   &d));
	assert_int_equal(reg(&d, X86_RSP), sp);
	/* two calls in this program, wherever the compiler has put them */
	assert_true(reg(&c, X86_RIP) - (uintptr_t)real_setjmp + 65536 <
		    2 * 65536);
	assert_true(reg(&d, X86_RIP) - (uintptr_t)real_setjmp + 65536 <
		    2 * 65536);
	assert_int_not_equal(reg(&c, X86_RIP), reg(&d, X86_RIP));

	/* where the secret is from */
	memcpy(&guard, random + 8, sizeof(guard));
	assert_int_equal(guard, own_guard());
	/* with another one there is nothing to see */
	assert_true(context_decode(CONTEXT_SETJMP,
				   bytes_of(jump, shape->size), guard ^ 1,
				   &c));
	assert_int_not_equal(reg(&c, X86_RSP), sp);
}

/* rol 9 of (value ^ guard), as pointer_guard.h does for i386. */
static uint32_t mangle_32(uint32_t value, uint32_t guard)
{
	uint32_t mixed = value ^ guard;

	return mixed << 9 | mixed >> 23;
}

static void put_32(uint8_t *to, uint32_t value)
{
	value = htole32(value);
	memcpy(to, &value, sizeof(value));
}

static void put_64(uint8_t *to, uint64_t value)
{
	value = htole64(value);
	memcpy(to, &value, sizeof(value));
}

static void narrow(void **state)
{
	uint8_t raw[CONTEXT_MAX] = { 0 };
	struct bytes b = { raw, sizeof(raw), 0xfff01000 };
	struct context c;

	(void)state;
	/* jmpbuf-offsets.h: ebx, esi, edi, ebp, esp, eip */
	for (unsigned i = 0; i < 4; i++)
		put_32(raw + 4 * i, 0x100 + i);
	put_32(raw + 16, mangle_32(0xffb01234, 0xdeadbeef));
	put_32(raw + 20, mangle_32(0x08049abc, 0xdeadbeef));
	assert_true(context_decode(CONTEXT_SETJMP_32, b, 0xdeadbeef, &c));
	assert_int_equal(reg(&c, X86_RSP), 0xffb01234);
	assert_int_equal(reg(&c, X86_RIP), 0x08049abc);
	assert_int_equal(reg(&c, X86_RBX), 0x100);
	assert_int_equal(reg(&c, X86_RSI), 0x101);
	assert_int_equal(reg(&c, X86_RDI), 0x102);
	assert_int_equal(reg(&c, X86_RBP), 0x103);
	assert_int_equal(c.gprs.r[X86_CS], X86_USER32_CS);

	/* gregs begin at 20: gs fs es ds edi esi ebp esp ebx edx ecx eax ... */
	for (unsigned i = 0; i < 19; i++)
		put_32(raw + 20 + 4 * i, 0x200 + i);
	put_32(raw + 96, 0xfff01000 + 236);
	assert_true(context_decode(CONTEXT_UCONTEXT_32, b, 0, &c));
	assert_int_equal(reg(&c, X86_RDI), 0x204);
	assert_int_equal(reg(&c, X86_RSI), 0x205);
	assert_int_equal(reg(&c, X86_RBP), 0x206);
	assert_int_equal(reg(&c, X86_RSP), 0x207);
	assert_int_equal(reg(&c, X86_RBX), 0x208);
	assert_int_equal(reg(&c, X86_RIP), 0x20e);
	put_32(raw + 96, 0xfff01000 + 240);
	assert_false(context_decode(CONTEXT_UCONTEXT_32, b, 0, &c));
}

/* struct g: stack, two guards, _panic, _defer, m, then sched. */
static void goroutine(void **state)
{
	uint8_t raw[128] = { 0 };
	const uint64_t g = 0xc000006000;
	struct bytes sched = { raw + 56, sizeof(raw) - 56, g + 56 };
	struct context c;

	(void)state;
	put_64(raw + 56, 0xc00008bf00);
	put_64(raw + 64, 0x43a0e5);
	put_64(raw + 72, g);
	assert_true(context_decode(CONTEXT_GOBUF, sched, 0, &c));
	assert_int_equal(reg(&c, X86_RSP), 0xc00008bf00);
	assert_int_equal(reg(&c, X86_RIP), 0x43a0e5);
	put_64(raw + 72, g + 8);
	assert_false(context_decode(CONTEXT_GOBUF, sched, 0, &c));
}

/* No shape is decoded of fewer bytes than it has; more are not looked at. */
static void cut_short(void **state)
{
	uint8_t raw[CONTEXT_MAX];
	struct context c;

	(void)state;
	for (unsigned kind = 0; kind < CONTEXT_SHAPES; kind++) {
		const struct context_shape *shape = &context_shapes[kind];

		assert_true(shape->size <= CONTEXT_MAX);
		memset(raw, 0, sizeof(raw));
		for (unsigned size = 0; size <= shape->size; size++) {
			struct bytes b = { raw, size, 0x1000 };
			uint64_t own = b.addr +
				       (uint64_t)(int64_t)shape->sign_value;

			if (shape->sign == CONTEXT_POINTS_TO_ITSELF &&
			    shape->word == 8)
				put_64(raw + shape->sign_off, own);
			else if (shape->sign == CONTEXT_POINTS_TO_ITSELF)
				put_32(raw + shape->sign_off, (uint32_t)own);
			assert_int_equal(context_decode(kind, b, 0, &c),
					 size == shape->size);
		}
	}
}

static void names(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < CONTEXT_KINDS; kind++) {
		const char *name = context_name(kind);
		char copy[32];

		snprintf(copy, sizeof(copy), "%s", name);
		assert_non_null(context_kind_named(copy));
		assert_string_equal(context_kind_named(copy), name);
	}
	assert_null(context_kind_named("longjmp"));
	assert_null(context_kind_named(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_ucontext),
		cmocka_unit_test(real_setjmp),
		cmocka_unit_test(narrow),
		cmocka_unit_test(goroutine),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
