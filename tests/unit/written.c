/* SPDX-License-Identifier: GPL-3.0-or-later */
/* written.c - which memory there is to search, live and in cores */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tools/mkcore.h"
#include "locate/written.h"
#include "scratch.h"
#include "source/core.h"
#include "source/pagemap.h"

#define PAGE UINT64_C(4096)
#define RW (PROT_READ | PROT_WRITE)

/* 4 TiB, of which some pages are written to. */
#define RESERVED (UINT64_C(4) << 40)

static void check_pages(bool no_scan, uint64_t reserved)
{
	static const uint64_t touched[] = {
		0, 1, 2, 7, 4000, 4096, 5000, 70000, 70001,
	};
	char *p = mmap(NULL, reserved, RW,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct pagemap map;
	uint64_t at, end, base = (uintptr_t)p;
	size_t i = 0;

	assert_true(p != MAP_FAILED);
	/* huge pages would be more than was written */
	madvise(p, reserved, MADV_NOHUGEPAGE);
	for (size_t k = 0; k < sizeof(touched) / sizeof(*touched); k++)
		p[touched[k] * PAGE] = 1;
	/* one that was only read is the kernel's page of zeros */
	assert_int_equal(*(volatile char *)(p + 100 * PAGE), 0);

	pagemap_init(&map, open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	assert_true(map.fd >= 0);
	map.no_scan = no_scan;
	for (at = base; at < base + reserved; at = end) {
		at = pagemap_next(&map, at, base + reserved, 0, &end);
		assert_true(end > at || at == base + reserved);
		for (; at < end && at < base + reserved; at += PAGE) {
			/* without PAGEMAP_SCAN that page looks like any other */
			if (no_scan && at == base + 100 * PAGE)
				continue;
			assert_true(i < sizeof(touched) / sizeof(*touched));
			assert_int_equal(at, base + touched[i] * PAGE);
			i++;
		}
	}
	assert_int_equal(i, sizeof(touched) / sizeof(*touched));

	/* from the middle of a page, up to the middle of one */
	assert_int_equal(pagemap_next(&map, base + 2 * PAGE + 8,
				      base + 3 * PAGE, base + reserved, &end),
			 base + 2 * PAGE + 8);
	assert_int_equal(end, base + 3 * PAGE);
	/* nothing that was not asked for, however much is known by now */
	assert_int_equal(pagemap_next(&map, base + 3 * PAGE,
				      base + 7 * PAGE + 16, base + 8 * PAGE,
				      &end),
			 base + 7 * PAGE);
	assert_int_equal(end, base + 7 * PAGE + 16);
	assert_int_equal(pagemap_next(&map, base + 3 * PAGE, base + 7 * PAGE,
				      base + reserved, &end),
			 base + 7 * PAGE);
	pagemap_deinit(&map);
	munmap(p, reserved);
}

/* Does the kernel tell of many pages at once? */
static bool can_scan(void)
{
	struct pagemap map;
	uint64_t end;
	bool scans;

	pagemap_init(&map, open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	pagemap_next(&map, (uintptr_t)&end, (uintptr_t)&end + 1, 0, &end);
	scans = !map.no_scan;
	pagemap_deinit(&map);
	return scans;
}

static void pages(void **state)
{
	(void)state;
	check_pages(true, UINT64_C(1) << 30);
	if (can_scan())
		check_pages(false, RESERVED);
}

/* Where nothing is known, all may be there. */
static void no_pagemap(void **state)
{
	struct pagemap map;
	uint64_t end;

	(void)state;
	pagemap_init(&map, -1);
	assert_int_equal(pagemap_next(&map, 0x1234, 0x9876, 0, &end),
			 0x1234);
	assert_int_equal(end, 0x9876);
	pagemap_deinit(&map);
}

/* What a walk gives out: each byte once, and whether stacks come first. */
static uint64_t walk(const struct snapshot *s, uint64_t limit,
		     uint64_t *memory_ret, uint64_t *first_ret)
{
	struct written w;
	struct bytes piece, all;
	uint64_t next = 0, sum = 0;

	*first_ret = 0;
	assert_null(written_init(&w, s, limit));
	while (written_next(&w, &piece, &all)) {
		assert_true(piece.size && piece.size <= all.size);
		assert_true(all.size <= piece.size + WRITTEN_MARGIN);
		assert_ptr_equal(piece.data, all.data);
		if (!*first_ret)
			*first_ret = piece.addr;
		/* pieces of a run follow each other */
		if (next && piece.addr > next - PAGE && piece.addr < next)
			fail();
		next = piece.addr + piece.size;
		sum += piece.size;
		for (size_t i = 0; i < piece.size; i += 8) {
			uint64_t value;

			if (bytes_u64(piece, i, &value) && value)
				assert_int_equal(value, piece.addr + i);
		}
	}
	assert_int_equal(w.searched, sum);
	*memory_ret = w.memory;
	written_deinit(&w);
	return sum;
}

#define HEAP UINT64_C(0x10000000)
#define HEAP_SIZE (UINT64_C(1) << 32)
#define STACK UINT64_C(0x7f0000100000)
#define STACK_SIZE (64 * PAGE)

static struct snapshot *open_core(bool truncated)
{
	static uint8_t data[STACK_SIZE];
	const struct core_options options = { 0 };
	const char *path = scratch_path("core");
	struct mkcore *m = mkcore_create(MKCORE_X86_64);
	struct mkcore_thread t = { .tid = 100, .orig_rax = -1 };
	struct snapshot *s = NULL;

	t.regs.r[X86_CS] = X86_USER_CS;
	mkcore_add_thread(m, &t);
	for (uint64_t i = 0; i < 16 * PAGE; i += 8) {
		uint64_t value = htole64(HEAP + i);

		memcpy(data + i, &value, 8);
	}
	/* 4 GiB, all dumped, as one hole but for its start */
	mkcore_add_segment(m, &(struct mkcore_segment){
		HEAP, HEAP_SIZE, RW, data, 16 * PAGE, HEAP_SIZE });
	/* a guard, and a stack on top of it */
	mkcore_add_segment(m, &(struct mkcore_segment){
		STACK - PAGE, PAGE, 0, NULL, 0, 0 });
	for (uint64_t i = 0; i < STACK_SIZE; i += 8) {
		uint64_t value = htole64(STACK + i);

		memcpy(data + i, &value, 8);
	}
	mkcore_add_segment(m, &(struct mkcore_segment){
		STACK, STACK_SIZE, RW, data, STACK_SIZE, 0 });
	/* neither of these is searched */
	mkcore_add_segment(m, &(struct mkcore_segment){
		0x400000, PAGE, PROT_READ | PROT_EXEC, data, PAGE, 0 });
	mkcore_add_segment(m, &(struct mkcore_segment){
		0x600000, PAGE, RW, NULL, 0, 0 });
	assert_true(mkcore_write(m, path));
	mkcore_destroy(m);
	if (truncated) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		off_t size = lseek(fd, 0, SEEK_END);

		/* in the middle of the stack, which comes last but for a page */
		assert_int_equal(ftruncate(fd, size - (off_t)(33 * PAGE)), 0);
		close(fd);
	}
	assert_null(core_open(path, &options, &s));
	assert_int_equal(unlink(path), 0);
	return s;
}

static void sparse_core(void **state)
{
	struct snapshot *s = open_core(false);
	uint64_t memory, first;

	(void)state;
	assert_int_equal(walk(s, UINT64_MAX, &memory, &first),
			 STACK_SIZE + 16 * PAGE);
	assert_int_equal(memory, STACK_SIZE + 16 * PAGE);
	assert_int_equal(first, STACK);

	/* a limit is kept to the byte, and all is counted */
	assert_int_equal(walk(s, STACK_SIZE + 100, &memory, &first),
			 STACK_SIZE + 100);
	assert_int_equal(memory, STACK_SIZE + 16 * PAGE);
	assert_int_equal(walk(s, 0, &memory, &first), 0);
	assert_int_equal(memory, STACK_SIZE + 16 * PAGE);
	snapshot_destroy(s);
}

/* What was cut off counts as not searched. */
static void truncated_core(void **state)
{
	struct snapshot *s = open_core(true);
	uint64_t memory, first;
	uint64_t searched = walk(s, UINT64_MAX, &memory, &first);

	(void)state;
	assert_int_equal(memory, STACK_SIZE + 16 * PAGE);
	assert_int_equal(searched, memory - 32 * PAGE);
	snapshot_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages),
		cmocka_unit_test(no_pagemap),
		cmocka_unit_test(sparse_core),
		cmocka_unit_test(truncated_core),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
