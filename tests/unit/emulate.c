/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emulate.c - what code that a handler returns to does, by its instructions */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "base/cleanup.h"
#include "locate/calls.h"
#include "locate/pointers.h"

#define CODE_AT UINT64_C(0x401000)
#define STACK_AT UINT64_C(0x7ffd0000)
enum { SIZE = 4096 };

static uint8_t code_bytes[SIZE], stack_bytes[SIZE];

static size_t read_made(const struct snapshot *s, uint64_t addr, void *buf,
			size_t size)
{
	const uint8_t *from = code_bytes;
	uint64_t start = CODE_AT;

	(void)s;
	if (addr - STACK_AT < SIZE) {
		from = stack_bytes;
		start = STACK_AT;
	}
	if (addr - start >= SIZE)
		return 0;
	if (size > SIZE - (addr - start))
		size = SIZE - (addr - start);
	memcpy(buf, from + (addr - start), size);
	return size;
}

static const struct snapshot_ops made_ops = { .read = read_made };

static struct snapshot *make_snapshot(void)
{
	struct snapshot *s = snapshot_create(SOURCE_PROCESS);
	struct mapping *m;

	assert_non_null(s);
	s->ops = &made_ops;
	m = snapshot_add_mapping(s);
	*m = (struct mapping){ .start = CODE_AT, .end = CODE_AT + SIZE,
			       .prot = PROT_READ | PROT_EXEC };
	m = snapshot_add_mapping(s);
	*m = (struct mapping){ .start = STACK_AT, .end = STACK_AT + SIZE,
			       .prot = PROT_READ | PROT_WRITE };
	snapshot_finish(s);
	memset(code_bytes, 0xcc, SIZE);
	memset(stack_bytes, 0, SIZE);
	return s;
}

/* Assembled with GNU as; numbers from asm/unistd_64.h and _32.h. */
static const struct {
	const char *what;
	uint8_t code[32];
	uint8_t size;
	bool narrow;
	enum emulate_end end;
	enum sigframe_kind kind;
	uint8_t back;
} rows[] = {
#define CODE(...)                                                              \
	.code = { __VA_ARGS__ }, .size = sizeof((uint8_t[]){ __VA_ARGS__ })
#define RETURNS(k, b) .end = EMULATE_SIGRETURN, .kind = (k), .back = (b)
	{ "xor %eax,%eax; mov $15,%al; syscall",
	  CODE(0x31, 0xc0, 0xb0, 0x0f, 0x0f, 0x05),
	  RETURNS(SIGFRAME_X86_64, 8) },
	{ "push $15; pop %rax; syscall",
	  CODE(0x6a, 0x0f, 0x58, 0x0f, 0x05), RETURNS(SIGFRAME_X86_64, 8) },
	{ "xor %eax,%eax; lea 15(%rax),%eax; syscall",
	  CODE(0x31, 0xc0, 0x8d, 0x40, 0x0f, 0x0f, 0x05),
	  RETURNS(SIGFRAME_X86_64, 8) },
	{ "lea 15,%rax; syscall",
	  CODE(0x48, 0x8d, 0x04, 0x25, 0x0f, 0, 0, 0, 0x0f, 0x05),
	  RETURNS(SIGFRAME_X86_64, 8) },
	{ "endbr64; nopl 0(%rax,%rax); nopw; movabs $15,%rax; syscall",
	  CODE(0xf3, 0x0f, 0x1e, 0xfa, 0x0f, 0x1f, 0x44, 0, 0, 0x66, 0x90,
	       0x48, 0xb8, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0x0f, 0x05),
	  RETURNS(SIGFRAME_X86_64, 8) },
	{ "mov $15,%ecx; mov %ecx,%eax; syscall",
	  CODE(0xb9, 0x0f, 0, 0, 0, 0x89, 0xc8, 0x0f, 0x05),
	  RETURNS(SIGFRAME_X86_64, 8) },
	{ "xor %eax,%eax; mov $15,%ax; jmp .+4; hlt; hlt; syscall",
	  CODE(0x31, 0xc0, 0x66, 0xb8, 0x0f, 0, 0xeb, 0x02, 0xf4, 0xf4, 0x0f,
	       0x05), RETURNS(SIGFRAME_X86_64, 8) },
	{ "sub %eax,%eax; or $15,%eax; syscall",
	  CODE(0x29, 0xc0, 0x83, 0xc8, 0x0f, 0x0f, 0x05),
	  RETURNS(SIGFRAME_X86_64, 8) },
	{ "x32: mov $0x40000201,%eax; nop; syscall",
	  CODE(0xb8, 0x01, 0x02, 0, 0x40, 0x90, 0x0f, 0x05),
	  RETURNS(SIGFRAME_X32, 8) },
	{ "push $15; pop %rax; add $16,%rsp; syscall: another frame",
	  CODE(0x6a, 0x0f, 0x58, 0x48, 0x83, 0xc4, 0x10, 0x0f, 0x05),
	  RETURNS(SIGFRAME_X86_64, (uint8_t)-8) },
	{ "64-bit code: mov $173,%eax; int $0x80",
	  CODE(0xb8, 0xad, 0, 0, 0, 0xcd, 0x80),
	  RETURNS(SIGFRAME_IA32_RT, 4) },
	{ "push $173; pop %eax; int $0x80",
	  CODE(0x68, 0xad, 0, 0, 0, 0x58, 0xcd, 0x80), .narrow = true,
	  RETURNS(SIGFRAME_IA32_RT, 4) },
	{ "add $4,%esp; push $119; pop %eax; int $0x80",
	  CODE(0x83, 0xc4, 0x04, 0x6a, 0x77, 0x58, 0xcd, 0x80),
	  .narrow = true, RETURNS(SIGFRAME_IA32, 4) },
	{ "add $16,%esp; mov $173,%eax; call *%gs:0x10",
	  CODE(0x83, 0xc4, 0x10, 0xb8, 0xad, 0, 0, 0, 0x65, 0xff, 0x15, 0x10,
	       0, 0, 0), .narrow = true, RETURNS(SIGFRAME_IA32_RT, 4) },
	{ "mov $173,%eax; mov %esp,%ebp; sysenter",
	  CODE(0xb8, 0xad, 0, 0, 0, 0x89, 0xe5, 0x0f, 0x34), .narrow = true,
	  RETURNS(SIGFRAME_IA32_RT, 4) },
	{ "mov $15,%al; syscall: the rest of rax is not known",
	  CODE(0xb0, 0x0f, 0x0f, 0x05), .end = EMULATE_NUMBER },
	{ "mov $231,%eax; syscall",
	  CODE(0xb8, 0xe7, 0, 0, 0, 0x0f, 0x05), .end = EMULATE_SYSCALL },
	{ "32-bit code: mov $15,%eax; int $0x80 is another call",
	  CODE(0xb8, 0x0f, 0, 0, 0, 0xcd, 0x80), .narrow = true,
	  .end = EMULATE_SYSCALL },
	{ "ret", CODE(0xc3), .end = EMULATE_RETURN },
	{ "pop %rbx; leave; ret: the frame pointer is not known",
	  CODE(0x5b, 0xc9, 0xc3), .end = EMULATE_LOST },
	{ "hlt", CODE(0xf4), .end = EMULATE_TRAP },
	{ "ud2", CODE(0x0f, 0x0b), .end = EMULATE_TRAP },
	{ "int3: a debugger may have put it there", CODE(0xcc),
	  .end = EMULATE_LOST },
	{ "test %eax,%eax; je", CODE(0x85, 0xc0, 0x74, 0x02),
	  .end = EMULATE_LOST },
	{ "jmp *%rax", CODE(0xff, 0xe0), .end = EMULATE_LOST },
	{ "call", CODE(0xe8, 0, 0, 0, 0), .end = EMULATE_LOST },
	{ "mov %eax,8(%rsp); mov $15,%eax; syscall: writes to the frame",
	  CODE(0x89, 0x44, 0x24, 0x08, 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05),
	  .end = EMULATE_LOST },
	{ "jmp to itself", CODE(0xeb, 0xfe), .end = EMULATE_LOST },
	{ "jmp to nothing", CODE(0xe9, 0, 0, 0, 0x40),
	  .end = EMULATE_UNMAPPED },
};

static void effects(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct snapshot *s = make_snapshot();
		struct code *c = code_create(s);
		uint64_t cs = rows[i].narrow ? X86_USER32_CS : X86_USER_CS;

		assert_non_null(c);
		memcpy(code_bytes, rows[i].code, rows[i].size);

		const struct code_effect *e = code_effect(c, CODE_AT, cs);

		if (e->end != rows[i].end)
			fail_msg("%s: ends with %d", rows[i].what, e->end);
		if (e->end == EMULATE_SIGRETURN) {
			assert_int_equal(e->kind, rows[i].kind);
			assert_true(e->frame_known);
			assert_int_equal((uint8_t)e->back, rows[i].back);
		}
		code_destroy(c);
		snapshot_destroy(s);
	}
}

/* Code at the end of what can be read. */
static void cut_short(void **state)
{
	static const uint8_t restorer[] = { 0x31, 0xc0, 0xb0, 0x0f, 0x0f,
					    0x05 };
	struct snapshot *s = make_snapshot();

	(void)state;
	for (unsigned size = 0; size <= sizeof(restorer); size++) {
		struct code *c = code_create(s);

		memset(code_bytes, 0xcc, SIZE);
		memcpy(code_bytes + SIZE - size, restorer, size);
		assert_int_equal(code_effect(c, CODE_AT + SIZE - size,
					     X86_USER_CS)->end,
				 size == sizeof(restorer) ? EMULATE_SIGRETURN
							  : EMULATE_UNMAPPED);
		code_destroy(c);
	}
	snapshot_destroy(s);
}

/* Every byte sequence gives an answer. */
static void any_code(void **state)
{
	struct snapshot *s = make_snapshot();
	uint64_t seed = 11;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct code *c = code_create(s);
		struct emulate_result run;
		struct x86_gprs gprs = { .r = {
			[X86_RSP] = STACK_AT + 64,
			[X86_CS] = round % 2 ? X86_USER_CS : X86_USER32_CS,
		} };

		for (unsigned i = 0; i < 128; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			code_bytes[i] = (uint8_t)(seed >> 56);
		}
		gprs.r[X86_RIP] = CODE_AT + round % 64;
		code_emulate(c, &gprs, UINT32_MAX, s, &run);
		assert_true(run.count >= 1 && run.count <= EMULATE_MAX);
		code_destroy(c);
	}
	snapshot_destroy(s);
}

static void calls(void **state)
{
	static const struct {
		const char *what;
		uint8_t code[8];
		uint8_t size;
		enum tri present;
		uint64_t target;	/* 0: not known */
	} sites[] = {
		{ "call rel32", { 0xe8, 0x10, 0, 0, 0 }, 5, TRI_YES,
		  CODE_AT + 256 + 5 + 16 },
		{ "call *%rax", { 0xff, 0xd0 }, 2, TRI_YES, 0 },
		{ "call *%r11", { 0x41, 0xff, 0xd3 }, 3, TRI_YES, 0 },
		{ "call *(%rax)", { 0xff, 0x10 }, 2, TRI_YES, 0 },
		{ "call *8(%rbx)", { 0xff, 0x53, 0x08 }, 3, TRI_YES, 0 },
		{ "call *8(%rsp)", { 0xff, 0x54, 0x24, 0x08 }, 4, TRI_YES, 0 },
		{ "call *(%rax,%rcx,8)", { 0xff, 0x14, 0xc8 }, 3, TRI_YES, 0 },
		{ "call *1024(%rax)", { 0xff, 0x90, 0, 4, 0, 0 }, 6, TRI_YES,
		  0 },
		{ "call *1024(%rsp)", { 0xff, 0x94, 0x24, 0, 4, 0, 0 }, 7,
		  TRI_YES, 0 },
		{ "call *1024", { 0xff, 0x14, 0x25, 0, 4, 0, 0 }, 7, TRI_YES,
		  0 },
		{ "jmp *%rax", { 0xff, 0xe0 }, 2, TRI_NO, 0 },
		{ "mov", { 0x48, 0x89, 0xc3 }, 3, TRI_NO, 0 },
		{ "syscall", { 0x0f, 0x05 }, 2, TRI_NO, 0 },
	};
	struct snapshot *s = make_snapshot();

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sites); i++) {
		struct code *c = code_create(s);
		struct calls_site site;

		memset(code_bytes, 0x90, SIZE);
		memcpy(code_bytes + 256, sites[i].code, sites[i].size);
		calls_before(c, CODE_AT + 256 + sites[i].size, X86_USER_CS,
			     &site);
		if (site.present != sites[i].present)
			fail_msg("%s: %d", sites[i].what, site.present);
		assert_int_equal(site.target_known, sites[i].target != 0);
		if (site.target_known)
			assert_int_equal(site.target, sites[i].target);
		code_destroy(c);
	}
	/* at the start of memory, and where there is none */
	struct code *c = code_create(s);
	struct calls_site site;

	calls_before(c, CODE_AT, X86_USER_CS, &site);
	assert_int_equal(site.present, TRI_NO);
	calls_before(c, 1, X86_USER_CS, &site);
	assert_int_equal(site.present, TRI_NO);
	code_destroy(c);
	snapshot_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(effects),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(any_code),
		cmocka_unit_test(calls),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
