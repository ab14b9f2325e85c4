/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core.c - what a snapshot of a core says, against the core that was written */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tools/mkcore.h"
#include "base/cleanup.h"
#include "scratch.h"
#include "source/core.h"

#define PAGE UINT64_C(4096)
#define STACK UINT64_C(0x7ffd10000000)
#define VDSO UINT64_C(0x7ffd20000000)
#define R PROT_READ
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)

static const struct core_options no_options;

/* Write, destroy and open. */
static struct snapshot *open_made(struct mkcore *m,
				  const struct core_options *options)
{
	const char *path = scratch_path("core");
	struct snapshot *s = NULL;

	assert_true(mkcore_write(m, path));
	mkcore_destroy(m);

	struct error *err = core_open(path, options, &s);

	if (err)
		print_message("# %s\n", error_message(err));
	assert_null(err);
	assert_int_equal(unlink(path), 0);
	return s;
}

static bool has_note(const struct snapshot *s, const char *part)
{
	for (size_t i = 0; i < s->notes_count; i++)
		if (strstr(s->notes[i], part))
			return true;
	return false;
}

/* Register r of thread `tid` has a value that no other has. */
static uint64_t made_reg(pid_t tid, unsigned r)
{
	if (r == X86_CS)
		return 0x33;
	return r > X86_CS ? 0x100 + r
			  : (UINT64_C(0x1111) * r << 40) + tid * 256 + r;
}

static void add_thread(struct mkcore *m, pid_t tid)
{
	struct mkcore_thread t = {
		.tid = tid,
		.orig_rax = tid % 2 ? -1 : 35,
		.sigmask = UINT64_C(0x8000000000000200) + tid,
	};
	uint8_t xstate[2696] = { 0 };

	for (unsigned r = 0; r < X86_REGS; r++)
		t.regs.r[r] = made_reg(tid, r);
	xstate[XSTATE_SW_OFF] = 0xe7;
	xstate[XSTATE_SW_OFF + 1] = 0x02;
	memcpy(xstate + 540, &tid, sizeof(tid));
	t.xstate = xstate;
	t.xstate_size = sizeof(xstate);
	mkcore_add_thread(m, &t);
}

static void threads_come_as_written(void **state)
{
	uint8_t siginfo[128] = { 11, [16] = 77, [127] = 5 };
	struct mkcore *m = mkcore_create(MKCORE_X86_64);
	struct mkcore_thread first = {
		.tid = 509, .siginfo = siginfo, .siginfo_size = 128,
		.orig_rax = 1,
	};

	(void)state;
	mkcore_add_thread(m, &first);
	for (pid_t tid = 499; tid < 503; tid++)
		add_thread(m, tid);
	mkcore_set_process(m, 499, "sixteen-letters!");

	struct snapshot *s = open_made(m, &no_options);

	assert_int_equal(s->kind, SOURCE_CORE);
	assert_int_equal(s->pid, 499);
	assert_string_equal(s->command, "sixteen-letters!");
	assert_false(s->mappings_partial);
	assert_int_equal(s->threads_count, 5);

	const struct thread *t = &s->threads[0];

	assert_int_equal(t->tid, 509);
	assert_int_equal(t->has, THREAD_HAS_PC_SP | THREAD_HAS_GPRS |
				 THREAD_HAS_SIGMASK | THREAD_HAS_SIGINFO);
	assert_int_equal(t->siginfo_size, 128);
	assert_memory_equal(t->siginfo, siginfo, 128);
	assert_null(t->xstate);
	for (unsigned i = 1; i < 5; i++) {
		pid_t tid = 498 + (pid_t)i;

		t = &s->threads[i];
		assert_int_equal(t->tid, tid);
		assert_string_equal(t->name, tid == 499 ? s->command : "");
		assert_int_equal(t->state, 0);
		assert_int_equal(t->has,
				 THREAD_HAS_PC_SP | THREAD_HAS_GPRS |
				 THREAD_HAS_SIGMASK | THREAD_HAS_XSTATE);
		for (unsigned r = 0; r < X86_REGS; r++)
			assert_int_equal(t->regs.r[r], made_reg(tid, r));
		assert_int_equal(t->orig_rax, tid % 2 ? -1 : 35);
		assert_int_equal(t->syscall, -1);
		assert_int_equal(t->sigmask,
				 UINT64_C(0x8000000000000200) + tid);
		assert_int_equal(t->xstate_size, XSTATE_MIN_SIZE);
		assert_memory_equal(t->xstate + 540, &tid, sizeof(tid));
		assert_null(t->problem);
	}
	assert_int_equal(s->notes_count, 0);
	snapshot_destroy(s);
}

static void compat_threads(void **state)
{
	static const enum mkcore_abi abis[] = { MKCORE_I386, MKCORE_X32 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(abis); i++) {
		struct mkcore *m = mkcore_create(abis[i]);
		uint64_t mask = abis[i] == MKCORE_I386 ? UINT32_MAX
						       : UINT64_MAX;

		add_thread(m, 7);
		mkcore_set_process(m, 7, "small");
		mkcore_add_auxv(m, AT_SYSINFO_EHDR, 0xf7f44000);
		mkcore_add_auxv(m, 51, 3632);
		mkcore_add_segment(m, &(struct mkcore_segment){
			.start = 0xf7f44000, .size = PAGE, .prot = RX });

		struct snapshot *s = open_made(m, &no_options);
		const struct thread *t = &s->threads[0];

		assert_int_equal(s->threads_count, 1);
		assert_int_equal(s->pid, 7);
		assert_string_equal(s->command, "small");
		assert_string_equal(t->name, "small");
		assert_int_equal(s->vdso, 0xf7f44000);
		assert_int_equal(s->minsigstksz, 3632);
		assert_string_equal(s->mappings[0].path, "[vdso]");
		for (unsigned r = 0; r < X86_REGS; r++) {
			/* i386 has no r8 to r15. */
			bool absent = abis[i] == MKCORE_I386 && r >= X86_R8 &&
				      r <= X86_R15;

			assert_int_equal(t->regs.r[r],
					 absent ? 0 : made_reg(7, r) & mask);
		}
		assert_int_equal(t->orig_rax, -1);
		/* 32 of 64 signals: not enough to say what is blocked. */
		assert_false(t->has & THREAD_HAS_SIGMASK);
		assert_true(t->has & THREAD_HAS_XSTATE);
		snapshot_destroy(s);
	}
}

static void gdb_fills_in_less(void **state)
{
	struct mkcore *m = mkcore_create(MKCORE_X86_64);

	(void)state;
	add_thread(m, 9);
	mkcore_by_gdb(m);
	mkcore_add_segment(m, &(struct mkcore_segment){
		.start = STACK, .size = PAGE, .prot = RW });

	struct snapshot *s = open_made(m, &no_options);
	uint8_t byte;
	enum run_end end;

	assert_int_equal(s->pid, 9);
	assert_false(s->threads[0].has & THREAD_HAS_SIGMASK);
	assert_true(s->mappings_partial);
	assert_int_equal(snapshot_mapped(s, STACK, PROT_EXEC), TRI_NO);
	assert_int_equal(snapshot_mapped(s, STACK + PAGE, 0), TRI_UNKNOWN);
	assert_int_equal(snapshot_read(s, STACK + PAGE, &byte, 1, &end), 0);
	assert_int_equal(end, RUN_END_UNKNOWN);
	snapshot_destroy(s);
}

/* What can be read, and why no more. */
static void memory_ends_where_it_ends(void **state)
{
	struct mkcore *m = mkcore_create(MKCORE_X86_64);
	uint8_t data[3 * 4096], got[5 * 4096];
	static const struct {
		uint64_t off;
		size_t size, want;
		enum run_end end;
	} reads[] = {
		{ 0, 4096, 4096, RUN_END_UNKNOWN },
		{ 4000, 200, 200, RUN_END_UNKNOWN },	/* over a border */
		{ 4095, 8192, 4097, RUN_END_UNKNOWN },	/* not dumped */
		{ 8192, 1, 0, RUN_END_UNKNOWN },
		{ 12288, 4096, 4096, RUN_END_UNKNOWN },
		{ 12288, 4097, 4096, RUN_END_UNREADABLE },	/* no mapping */
		{ 12289, 20000, 4095, RUN_END_UNREADABLE },
		{ 20480, 1, 0, RUN_END_UNREADABLE },	/* PROT_NONE */
		{ -STACK, 1, 0, RUN_END_UNREADABLE },
		{ -STACK - 1, 2, 0, RUN_END_UNREADABLE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	add_thread(m, 1);
	/* Not in the order of addresses. */
	mkcore_add_segment(m, &(struct mkcore_segment){
		STACK + 3 * PAGE, PAGE, RW, data + 2 * PAGE, PAGE, 0 });
	mkcore_add_segment(m, &(struct mkcore_segment){
		STACK, PAGE, RW, data, PAGE, 0 });
	mkcore_add_segment(m, &(struct mkcore_segment){
		STACK + PAGE, 2 * PAGE, RW, data + PAGE, PAGE, 0 });
	mkcore_add_segment(m, &(struct mkcore_segment){
		STACK + 5 * PAGE, PAGE, 0, data, PAGE, 0 });

	struct snapshot *s = open_made(m, &no_options);

	assert_int_equal(s->mappings_count, 4);
	assert_int_equal(s->mappings[1].start, STACK + PAGE);
	assert_int_equal(s->mappings[1].end, STACK + 3 * PAGE);
	assert_int_equal(s->mappings[1].prot, RW);
	assert_null(s->mappings[1].path);
	for (unsigned i = 0; i < ARRAY_SIZE(reads); i++) {
		uint64_t addr = STACK + reads[i].off;
		enum run_end end;
		size_t n = snapshot_read(s, addr, got, reads[i].size, &end);

		assert_int_equal(n, reads[i].want);
		assert_int_equal(end, reads[i].end);
		for (size_t k = 0; k < n; k++) {
			uint64_t at = reads[i].off + k;

			/* The third segment's bytes follow the second's. */
			at -= at >= 3 * PAGE ? PAGE : 0;
			assert_int_equal(got[k], data[at]);
		}
	}
	snapshot_destroy(s);
}

static void auxv_and_files_name_things(void **state)
{
	struct mkcore *m = mkcore_create(MKCORE_X86_64);

	(void)state;
	add_thread(m, 1);
	mkcore_add_auxv(m, AT_ENTRY, 0x401010);
	mkcore_add_auxv(m, AT_SYSINFO_EHDR, VDSO);
	mkcore_add_auxv(m, 51, 11952);
	mkcore_add_file(m, 0x400000, 0x401000, 0, "/bin/a b");
	mkcore_add_file(m, 0x401000, 0x403000, PAGE, "/bin/a b");
	mkcore_add_file(m, 0x500000, 0x501000, 2 * PAGE, "/lib/gone (deleted)");
	for (uint64_t at = 0x400000; at <= 0x403000; at += PAGE)
		mkcore_add_segment(m, &(struct mkcore_segment){
			.start = at, .size = PAGE, .prot = R });
	mkcore_add_segment(m, &(struct mkcore_segment){
		.start = 0x500000, .size = PAGE, .prot = RX });
	mkcore_add_segment(m, &(struct mkcore_segment){
		.start = VDSO, .size = 2 * PAGE, .prot = RX });

	struct snapshot *s = open_made(m, &no_options);
	static const struct {
		uint64_t start, offset;
		const char *path;
	} want[] = {
		{ 0x400000, 0, "/bin/a b" },
		{ 0x401000, 0x1000, "/bin/a b" },
		{ 0x402000, 0x2000, "/bin/a b" },
		{ 0x403000, 0, NULL },
		{ 0x500000, 0x2000, "/lib/gone (deleted)" },
		{ VDSO, 0, "[vdso]" },
	};

	assert_string_equal(s->executable, "/bin/a b");
	assert_int_equal(s->minsigstksz, 11952);
	assert_int_equal(s->vdso, VDSO);
	assert_int_equal(s->mappings_count, ARRAY_SIZE(want));
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		const struct mapping *mapping = &s->mappings[i];
		struct error *err;
		int fd;

		assert_int_equal(mapping->start, want[i].start);
		assert_int_equal(mapping->offset, want[i].offset);
		if (want[i].path)
			assert_string_equal(mapping->path, want[i].path);
		else
			assert_null(mapping->path);
		err = snapshot_open_file(s, mapping, &fd);
		assert_non_null(err);
		error_free(err);
	}
	assert_false(s->mappings_partial);
	/* A file that is gone by its name is not even looked for. */
	assert_int_equal(s->notes_count, 1);
	assert_true(has_note(s, "/bin/a b: cannot open"));
	snapshot_destroy(s);
}

static void execfn_is_the_last_resort(void **state)
{
	struct mkcore *m = mkcore_create(MKCORE_X86_64);
	static const char name[] = "/opt/tool";

	(void)state;
	add_thread(m, 1);
	mkcore_add_auxv(m, AT_ENTRY, 0x401010);
	mkcore_add_auxv(m, AT_EXECFN, STACK + 16);
	uint8_t data[64] = { 0 };
	memcpy(data + 16, name, sizeof(name));
	mkcore_add_segment(m, &(struct mkcore_segment){
		STACK, PAGE, RW, data, sizeof(data), 0 });

	struct snapshot *s = open_made(m, &no_options);

	assert_string_equal(s->executable, name);
	snapshot_destroy(s);
}

static void only_the_threads_asked_for(void **state)
{
	static const pid_t tids[] = { 12, 99, 10 };
	const struct core_options options = {
		.tids = tids, .tids_count = ARRAY_SIZE(tids),
	};
	struct mkcore *m = mkcore_create(MKCORE_X86_64);

	(void)state;
	for (pid_t tid = 10; tid < 14; tid++)
		add_thread(m, tid);

	struct snapshot *s = open_made(m, &options);

	assert_int_equal(s->threads_count, 2);
	assert_int_equal(s->threads[0].tid, 10);
	assert_int_equal(s->threads[1].tid, 12);
	assert_memory_equal(s->threads[1].xstate + 540, &tids[0],
			    sizeof(pid_t));
	assert_int_equal(s->notes_count, 1);
	assert_string_equal(s->notes[0], "the core has no thread 99");
	snapshot_destroy(s);
}

/* Which layout the notes tell of; the sizes are those that CPUs have. */
static void layouts(void **state)
{
	static const struct {
		uint64_t mask;
		uint32_t size;
		uint64_t noted;		/* in NT_X86_XSAVE_LAYOUT, AMD's */
		uint64_t want;
		uint32_t pkru;
	} cases[] = {
		{ 0x2e7, 2696, 0, 0x2e7, 2688 },	/* Ice Lake */
		{ 0x2e7, 2440, 0, 0x2e7, 2432 },	/* Zen 4 */
		{ 0x207, 2440, 0, 0x207, 2432 },	/* Zen 3 */
		{ 0x602e7, 11008, 0, 0x602e7, 2688 },	/* Sapphire Rapids */
		{ 0x7, 832, 0, 0x7, 0 },		/* Haswell */
		{ 0x7, 2696, 0, 0, 0 },
		{ 0x2e7, 2697, 0, 0, 0 },
		{ 0, 832, 0, 0, 0 },
		{ 0x10007, 832, 0, 0, 0 },
		{ 0x2e7, 2696, 0x2e4, 0x2e7, 2432 },	/* the note counts */
		{ 0x7, 832, 0x4, 0x7, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mkcore *m = mkcore_create(MKCORE_X86_64);
		uint8_t *xstate = calloc(1, cases[i].size);
		struct mkcore_thread t = {
			.tid = 3, .xstate = xstate,
			.xstate_size = cases[i].size,
		};
		uint64_t mask = htole64(cases[i].mask);

		assert_non_null(xstate);
		memcpy(xstate + XSTATE_SW_OFF, &mask, sizeof(mask));
		mkcore_add_thread(m, &t);
		free(xstate);
		if (cases[i].noted)
			mkcore_set_layout(
				m, xstate_family_layout(XSTATE_FAMILY_AMD),
				cases[i].noted);

		struct snapshot *s = open_made(m, &no_options);

		assert_int_equal(s->xfeatures, cases[i].mask);
		assert_int_equal(s->layout.features, cases[i].want);
		if (cases[i].pkru)
			assert_int_equal(s->layout.offset[XSTATE_PKRU],
					 cases[i].pkru);
		if (cases[i].want) {
			assert_int_equal(s->layout.offset[XSTATE_AVX], 576);
			assert_int_equal(s->layout.offset[XSTATE_SSE], 160);
			assert_int_equal(s->layout.size[XSTATE_X87], 160);
		}
		snapshot_destroy(s);
	}
}

static void impossible_layouts_are_ignored(void **state)
{
	static const uint32_t notes[][8] = {
		{ 1, 256, 160, 0, 2, 256, 576, 0 },	/* SSE has no record */
		{ 2, 256, 576, 0, 64, 8, 832, 0 },
		{ 2, 256, 576, 0, 2, 256, 832, 0 },
		{ 2, 256, 575, 0, 5, 64, 832, 0 },
		{ 2, 256, 576, 0, 5, 64, 0xffffffe0, 0 },
		{ 2, 256, 576, 0, 5, 0, 832, 0 },
		{ 2, 0xffffffff, 576, 0, 5, 64, 832, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(notes); i++) {
		struct mkcore *m = mkcore_create(MKCORE_X86_64);
		uint32_t raw[8];

		for (unsigned k = 0; k < 8; k++)
			raw[k] = htole32(notes[i][k]);
		add_thread(m, 1);
		mkcore_add_note(m, "LINUX", 0x205, raw, sizeof(raw));

		struct snapshot *s = open_made(m, &no_options);

		/* The size of NT_X86_XSTATE still tells. */
		assert_int_equal(s->layout.features, 0x2e7);
		assert_int_equal(s->layout.offset[XSTATE_OPMASK], 1088);
		assert_true(has_note(s, "1 malformed note of"));
		snapshot_destroy(s);
	}
}

static void cut_end(const char *path, off_t size)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - size), 0);
}

/* Many threads, more segments than e_phnum can count: all there, soon. */
static void large_cores(void **state)
{
	enum { THREADS = 5000, SEGMENTS = 70000 };
	struct mkcore *m = mkcore_create(MKCORE_X86_64);
	const char *path = scratch_path("large");
	struct snapshot *s;
	uint64_t word;
	enum run_end end;

	(void)state;
	for (pid_t tid = 1; tid <= THREADS; tid++)
		add_thread(m, tid);
	for (uint64_t i = 0; i < SEGMENTS; i++) {
		uint64_t start = STACK - 2 * PAGE * i;
		char name[32];

		mkcore_add_segment(m, &(struct mkcore_segment){
			.start = start, .size = PAGE, .prot = R,
			.data = i % 1000 ? NULL : &start,
			.data_size = i % 1000 ? 0 : sizeof(start) });
		snprintf(name, sizeof(name), "/no/file/%d", (int)(i * 7 % 64));
		mkcore_add_file(m, start, start + PAGE, 0, name);
	}
	mkcore_extended_count(m);
	assert_true(mkcore_write(m, path));
	mkcore_destroy(m);
	for (unsigned cut = 0; cut < 2; cut++) {
		assert_null(core_open(path, &no_options, &s));
		assert_int_equal(s->threads_count, THREADS);
		assert_int_equal(s->mappings_count, SEGMENTS);
		for (uint64_t i = 0; i < SEGMENTS; i += 1000) {
			uint64_t addr = STACK - 2 * PAGE * i;

			assert_int_equal(snapshot_read(s, addr, &word, 8, &end),
					 8);
			assert_int_equal(word, addr);
			assert_int_equal(snapshot_read(s, addr + 8, &word, 8,
						       &end), 0);
		}
		snapshot_destroy(s);
		/* Once more without the section header that has the count. */
		if (!cut)
			cut_end(path, sizeof(Elf64_Shdr));
	}
	assert_int_equal(unlink(path), 0);
}

/* Bytes that this process has read, as the kernel counts them. */
static unsigned long long bytes_read(void)
{
	FILE *file = fopen("/proc/self/io", "r");
	unsigned long long count = 0;

	if (!file || fscanf(file, "rchar: %llu", &count) != 1)
		skip();
	fclose(file);
	return count;
}

static void little_of_a_huge_core_is_read(void **state)
{
	struct mkcore *m = mkcore_create(MKCORE_X86_64);
	const char *path = scratch_path("huge");
	static const char mark[8] = "the end";
	char got[8];
	struct snapshot *s;
	enum run_end end;

	(void)state;
	for (pid_t tid = 1; tid <= 10; tid++)
		add_thread(m, tid);
	mkcore_add_segment(m, &(struct mkcore_segment){
		.start = 0x10000000, .size = UINT64_C(1) << 32, .prot = RW,
		.dumped = UINT64_C(1) << 32 });
	mkcore_add_segment(m, &(struct mkcore_segment){
		STACK, PAGE, RW, mark, sizeof(mark), 0 });
	if (!mkcore_write(m, path)) {
		mkcore_destroy(m);
		skip();
	}
	mkcore_destroy(m);

	unsigned long long before = bytes_read();

	assert_null(core_open(path, &no_options, &s));
	assert_int_equal(snapshot_read(s, STACK, got, 8, &end), 8);
	assert_memory_equal(got, mark, 8);
	assert_int_equal(snapshot_read(s, 0x10ffffff8, got, 8, &end), 8);
	assert_true(bytes_read() - before < 256 * 1024);
	snapshot_destroy(s);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_come_as_written),
		cmocka_unit_test(compat_threads),
		cmocka_unit_test(gdb_fills_in_less),
		cmocka_unit_test(memory_ends_where_it_ends),
		cmocka_unit_test(auxv_and_files_name_things),
		cmocka_unit_test(execfn_is_the_last_resort),
		cmocka_unit_test(only_the_threads_asked_for),
		cmocka_unit_test(layouts),
		cmocka_unit_test(impossible_layouts_are_ignored),
		cmocka_unit_test(large_cores),
		cmocka_unit_test(little_of_a_huge_core_is_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
