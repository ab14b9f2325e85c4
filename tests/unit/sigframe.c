/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sigframe.c - decoding the four kinds of frame, and where kernels put them */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "x86/sigframe.h"

#define TOP UINT64_MAX

/* A word of the frame and the member of struct sigframe it belongs to. */
struct word {
	const char *name;
	size_t offset;		/* from the frame's address */
	unsigned width;
	size_t member;		/* offsetof() */
	unsigned member_size;
};

#define MEMBER(m) offsetof(struct sigframe, m), sizeof(((struct sigframe *)0)->m)
#define REG(n) offsetof(struct sigframe, regs.r[X86_##n]), 8

/* uapi/asm/sigcontext.h struct sigcontext_64, `at` its place in the frame */
#define SIGCONTEXT_64(at)                                                      \
	{ "r8", (at) + 0, 8, REG(R8) },                                        \
	{ "r9", (at) + 8, 8, REG(R9) },                                        \
	{ "r10", (at) + 16, 8, REG(R10) },                                     \
	{ "r11", (at) + 24, 8, REG(R11) },                                     \
	{ "r12", (at) + 32, 8, REG(R12) },                                     \
	{ "r13", (at) + 40, 8, REG(R13) },                                     \
	{ "r14", (at) + 48, 8, REG(R14) },                                     \
	{ "r15", (at) + 56, 8, REG(R15) },                                     \
	{ "rdi", (at) + 64, 8, REG(RDI) },                                     \
	{ "rsi", (at) + 72, 8, REG(RSI) },                                     \
	{ "rbp", (at) + 80, 8, REG(RBP) },                                     \
	{ "rbx", (at) + 88, 8, REG(RBX) },                                     \
	{ "rdx", (at) + 96, 8, REG(RDX) },                                     \
	{ "rax", (at) + 104, 8, REG(RAX) },                                    \
	{ "rcx", (at) + 112, 8, REG(RCX) },                                    \
	{ "rsp", (at) + 120, 8, REG(RSP) },                                    \
	{ "rip", (at) + 128, 8, REG(RIP) },                                    \
	{ "rflags", (at) + 136, 8, REG(RFLAGS) },                              \
	{ "cs", (at) + 144, 2, REG(CS) },                                      \
	{ "ss", (at) + 150, 2, REG(SS) },                                      \
	{ "err", (at) + 152, 8, MEMBER(err) },                                 \
	{ "trapno", (at) + 160, 8, MEMBER(trapno) },                           \
	{ "oldmask", (at) + 168, 8, MEMBER(oldmask) },                         \
	{ "cr2", (at) + 176, 8, MEMBER(cr2) },                                 \
	{ "fpstate", (at) + 184, 8, MEMBER(fpstate) }

/* struct sigcontext_32 */
#define SIGCONTEXT_32(at)                                                      \
	{ "gs", (at) + 0, 2, REG(GS) },                                        \
	{ "fs", (at) + 4, 2, REG(FS) },                                        \
	{ "es", (at) + 8, 2, REG(ES) },                                        \
	{ "ds", (at) + 12, 2, REG(DS) },                                       \
	{ "edi", (at) + 16, 4, REG(RDI) },                                     \
	{ "esi", (at) + 20, 4, REG(RSI) },                                     \
	{ "ebp", (at) + 24, 4, REG(RBP) },                                     \
	{ "esp", (at) + 28, 4, REG(RSP) },                                     \
	{ "ebx", (at) + 32, 4, REG(RBX) },                                     \
	{ "edx", (at) + 36, 4, REG(RDX) },                                     \
	{ "ecx", (at) + 40, 4, REG(RCX) },                                     \
	{ "eax", (at) + 44, 4, REG(RAX) },                                     \
	{ "trapno", (at) + 48, 4, MEMBER(trapno) },                            \
	{ "err", (at) + 52, 4, MEMBER(err) },                                  \
	{ "eip", (at) + 56, 4, REG(RIP) },                                     \
	{ "cs", (at) + 60, 2, REG(CS) },                                       \
	{ "eflags", (at) + 64, 4, REG(RFLAGS) },                               \
	{ "ss", (at) + 72, 2, REG(SS) },                                       \
	{ "fpstate", (at) + 76, 4, MEMBER(fpstate) },                          \
	{ "oldmask", (at) + 80, 4, MEMBER(oldmask) },                          \
	{ "cr2", (at) + 84, 4, MEMBER(cr2) }

static const struct word words_64[] = {
	{ "pretcode", 0, 8, MEMBER(pretcode) },
	{ "uc_flags", 8, 8, MEMBER(uc_flags) },
	{ "uc_link", 16, 8, MEMBER(uc_link) },
	{ "ss_sp", 24, 8, MEMBER(altstack_sp) },
	{ "ss_flags", 32, 4, MEMBER(altstack_flags) },
	{ "ss_size", 40, 8, MEMBER(altstack_size) },
	SIGCONTEXT_64(48),
	{ "uc_sigmask", 304, 8, MEMBER(sigmask) },
};

static const struct word words_x32[] = {
	{ "pretcode", 0, 8, MEMBER(pretcode) },
	{ "uc_flags", 8, 4, MEMBER(uc_flags) },
	{ "uc_link", 12, 4, MEMBER(uc_link) },
	{ "ss_sp", 16, 4, MEMBER(altstack_sp) },
	{ "ss_flags", 20, 4, MEMBER(altstack_flags) },
	{ "ss_size", 24, 4, MEMBER(altstack_size) },
	SIGCONTEXT_64(32),
	{ "uc_sigmask", 288, 8, MEMBER(sigmask) },
};

static const struct word words_ia32_rt[] = {
	{ "pretcode", 0, 4, MEMBER(pretcode) },
	{ "sig", 4, 4, MEMBER(sig) },
	{ "uc_flags", 144, 4, MEMBER(uc_flags) },
	{ "uc_link", 148, 4, MEMBER(uc_link) },
	{ "ss_sp", 152, 4, MEMBER(altstack_sp) },
	{ "ss_flags", 156, 4, MEMBER(altstack_flags) },
	{ "ss_size", 160, 4, MEMBER(altstack_size) },
	SIGCONTEXT_32(164),
	{ "uc_sigmask", 252, 8, MEMBER(sigmask) },
};

static const struct word words_ia32[] = {
	{ "pretcode", 0, 4, MEMBER(pretcode) },
	{ "sig", 4, 4, MEMBER(sig) },
	SIGCONTEXT_32(8),
	/* oldmask is its lower half, extramask the upper */
	{ "sigmask", 88, 4, offsetof(struct sigframe, sigmask), 4 },
	{ "extramask", 720, 4, offsetof(struct sigframe, sigmask) + 4, 4 },
};

/* What a kind of frame is like by arch/x86/include/asm/sigframe.h. */
static const struct kind {
	enum sigframe_kind kind;
	const char *name;
	const struct word *words;
	size_t words_count;
	size_t fixed;		/* sizeof(struct) */
	size_t read_end;	/* where sigreturn stops reading */
	int info;
	unsigned misalign, pointer, sp_skip;
	uint64_t image, header, red_zone;
} kinds[] = {
	{ SIGFRAME_X86_64, "x86_64", words_64, ARRAY_SIZE(words_64),
	  440, 312, 312, 8, 8, 8, 456, 0, 128 },
	{ SIGFRAME_X32, "x32", words_x32, ARRAY_SIZE(words_x32),
	  424, 296, 296, 8, 8, 8, 440, 0, 128 },
	{ SIGFRAME_IA32_RT, "ia32_rt", words_ia32_rt, ARRAY_SIZE(words_ia32_rt),
	  268, 260, 16, 12, 4, 4, 388, 112, 0 },
	{ SIGFRAME_IA32, "ia32", words_ia32, ARRAY_SIZE(words_ia32),
	  736, 724, -1, 12, 4, 4, 852, 112, 0 },
};

static uint8_t pattern_byte(size_t off, unsigned salt)
{
	return (uint8_t)(off * 13 + (off >> 8) * 5 + salt + 1);
}

static uint64_t pattern_word(size_t off, unsigned width, unsigned salt)
{
	uint64_t word = 0;

	while (width-- > 0)
		word = word << 8 | pattern_byte(off + width, salt);
	return word;
}

/* A block of just `size` bytes, so that a sanitizer sees any step outside. */
static struct bytes pattern(size_t size, uint64_t addr, unsigned salt)
{
	uint8_t *data = malloc(size ? size : 1);

	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = pattern_byte(i, salt);
	return (struct bytes){ data, size, addr };
}

static uint64_t member(const struct sigframe *f, size_t offset, unsigned size)
{
	uint64_t word = 0;

	memcpy(&word, (const uint8_t *)f + offset, size);
	return word;
}

static void shapes(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_SIZE(kinds), SIGFRAME_KINDS);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *k = &kinds[i];
		const struct sigframe_shape *s = &sigframe_shapes[k->kind];

		assert_string_equal(s->name, k->name);
		assert_int_equal(s->pointer, k->pointer);
		assert_int_equal(s->misalign, k->misalign);
		assert_int_equal(s->sp_skip, k->sp_skip);
		assert_int_equal(s->size, k->fixed);
		assert_int_equal(s->need_end, k->read_end);
		assert_int_equal(s->image, k->image);
		assert_int_equal(s->header, k->header);
		assert_int_equal(s->red_zone, k->red_zone);
		assert_int_equal(s->info, k->info);
	}
}

static void decode(void **state)
{
	const struct kind *k = *state;

	for (unsigned salt = 0; salt < 256; salt += 5) {
		struct bytes b = pattern(k->fixed, 0x7ffd00001238, salt);
		struct sigframe f;

		assert_true(sigframe_decode(k->kind, b, &f));
		assert_int_equal(f.kind, k->kind);
		assert_int_equal(f.address, b.addr);
		for (size_t i = 0; i < k->words_count; i++) {
			const struct word *w = &k->words[i];

			if (member(&f, w->member, w->member_size) !=
			    pattern_word(w->offset, w->width, salt))
				fail_msg("%s of %s", w->name, k->name);
		}
		assert_int_equal(f.have_info, k->info >= 0);
		for (int i = 0; k->info >= 0 && i < 128; i++)
			assert_int_equal(f.info[i],
					 pattern_byte((size_t)(k->info + i),
						      salt));
		free((void *)(uintptr_t)b.data);
	}
}

/* Fields that a kind does not have stay 0, however the frame is filled. */
static void absent_fields(void **state)
{
	const struct kind *k = *state;
	struct bytes b = pattern(k->fixed, 0x1000, 0);
	bool given[sizeof(struct sigframe)] = { false };
	struct sigframe f;

	assert_true(sigframe_decode(k->kind, b, &f));
	for (size_t i = 0; i < k->words_count; i++)
		for (unsigned n = 0; n < k->words[i].member_size; n++)
			given[k->words[i].member + n] = true;
	for (size_t i = offsetof(struct sigframe, pretcode);
	     i < offsetof(struct sigframe, have_info); i++)
		if (!given[i] && ((const uint8_t *)&f)[i])
			fail_msg("byte %zu of struct sigframe", i);
	free((void *)(uintptr_t)b.data);
}

static void truncated(void **state)
{
	const struct kind *k = *state;

	for (size_t size = 0; size <= k->fixed; size++) {
		struct bytes b = pattern(size, TOP - 5, 0);
		struct sigframe f;
		bool found = sigframe_decode(k->kind, b, &f);

		if (found != (size >= k->read_end))
			fail_msg("%zu bytes of %s", size, k->name);
		if (found) {
			assert_int_equal(f.have_info,
					 k->info >= 0 &&
					 size >= (size_t)k->info + 128);
			assert_int_equal(f.address, TOP - 5);
		}
		free((void *)(uintptr_t)b.data);
	}
}

/* get_sigframe() of arch/x86/kernel/signal.c, U the task's xstate size. */
static void place(const struct kind *k, uint64_t sp, uint64_t alt_sp,
		  uint64_t alt_size, bool onstack, uint32_t u,
		  struct sigframe *ret)
{
	uint64_t start = sp - k->red_zone;

	if (onstack)
		start = alt_sp + alt_size;

	uint64_t image = (start - (u > 512 ? u + 4 : u)) / 64 * 64;
	uint64_t fpstate = image - k->header;
	uint64_t address =
		k->pointer == 8 ? (fpstate - k->fixed) / 16 * 16 - 8
				: (fpstate - k->fixed + 4) / 16 * 16 - 4;

	*ret = (struct sigframe){
		.kind = k->kind,
		.address = address,
		.fpstate = fpstate,
		.altstack_sp = alt_sp,
		.altstack_size = alt_size,
		.regs.r[X86_RSP] = sp,
	};
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void placement(void **state)
{
	static const uint32_t sizes[] = { 512,	576,  832,  1088, 2432, 2440,
					  2688, 2696, 2816, 11008 };
	const struct kind *k = *state;
	uint64_t seed = 42;

	for (unsigned n = 0; n < 20000; n++) {
		/* both stacks far from each other, and from 0 */
		uint64_t sp = 0x40000000 + next_random(&seed) % 0x10000000;
		uint64_t alt = 0x60000000 + next_random(&seed) % 0x10000000;
		uint64_t alt_size = 16384 + next_random(&seed) % 65536;
		uint32_t s = sizes[next_random(&seed) % ARRAY_SIZE(sizes)];
		bool onstack = next_random(&seed) & 1;
		struct sigframe f;

		if (!onstack && (next_random(&seed) & 1))
			alt = alt_size = 0;
		place(k, sp, alt, alt_size, onstack, s, &f);
		assert_int_equal(f.address % 16, k->misalign);
		assert_int_equal(sigframe_image(&f) - f.address, k->image);
		assert_int_equal(sigframe_placement(&f, s),
				 onstack ? SIGFRAME_PLACED_ALTSTACK
					 : SIGFRAME_PLACED_STACK);

		/* moved as a whole, or its parts against each other */
		struct sigframe moved = f;
		uint64_t by = 64 * (1 + next_random(&seed) % 100);

		moved.address -= by;
		moved.fpstate -= by;
		assert_int_equal(sigframe_placement(&moved, s),
				 SIGFRAME_PLACED_NOWHERE);
		moved = f;
		moved.address -= 16;
		assert_int_equal(sigframe_placement(&moved, s),
				 SIGFRAME_PLACED_NOWHERE);
		moved = f;
		moved.fpstate += 64;
		assert_int_equal(sigframe_placement(&moved, s),
				 SIGFRAME_PLACED_NOWHERE);
		moved = f;
		moved.fpstate = 0;
		assert_int_equal(sigframe_placement(&moved, s),
				 SIGFRAME_PLACED_NOWHERE);
		/* a size that puts it elsewhere */
		assert_int_equal(sigframe_placement(&f, s + 64),
				 SIGFRAME_PLACED_NOWHERE);
	}
}

/* Words near either end of the address space: none is where a kernel puts it. */
static void placement_hostile(void **state)
{
	static const uint64_t odd[] = {
		0, 1, 63, 64, 127, 128, 455, 456, 512, 1 << 12, UINT32_MAX,
		UINT64_C(1) << 47, UINT64_C(1) << 63, TOP - 4096, TOP - 63, TOP,
	};
	static const uint32_t sizes[] = { 0, 1, 512, 513, 832, 11008,
					  UINT32_MAX - 3, UINT32_MAX };
	const struct kind *k = *state;

	for (size_t a = 0; a < ARRAY_SIZE(odd); a++)
		for (size_t b = 0; b < ARRAY_SIZE(odd); b++)
			for (size_t c = 0; c < ARRAY_SIZE(odd); c++)
				for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
					struct sigframe f = {
						.kind = k->kind,
						.address = odd[a],
						.fpstate = odd[b],
						.altstack_sp = odd[c],
						.altstack_size = odd[a],
						.regs.r[X86_RSP] = odd[c],
					};

					assert_int_equal(
						sigframe_placement(&f, sizes[s]),
						SIGFRAME_PLACED_NOWHERE);
				}
}

static void image_address(void **state)
{
	const struct kind *k = *state;
	struct sigframe f = { .kind = k->kind };

	assert_int_equal(sigframe_image(&f), 0);
	f.fpstate = 0x1000;
	assert_int_equal(sigframe_image(&f), 0x1000 + k->header);
}

#define FOR_EACH_KIND(test, n)                                                 \
	{ #test " " #n, test, NULL, NULL, (void *)(uintptr_t)&kinds[n] }
#define TEST(test)                                                             \
	FOR_EACH_KIND(test, 0), FOR_EACH_KIND(test, 1), FOR_EACH_KIND(test, 2),\
	FOR_EACH_KIND(test, 3)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes), TEST(decode),	   TEST(absent_fields),
		TEST(truncated),	  TEST(placement), TEST(image_address),
		TEST(placement_hostile),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sigframe", tests, NULL, NULL);
}
