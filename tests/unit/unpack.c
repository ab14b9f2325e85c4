/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unpack.c - sizes, contents, temporary files, names in archives */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "scratch.h"
#include "source/content.h"
#include "source/imagearchive.h"
#include "source/spool.h"
#include "source/unpack.h"

#define MIB (UINT64_C(1) << 20)

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;		/* 0: refused */
	} cases[] = {
		{ "1", 1 }, { "4096", 4096 }, { "007", 7 },
		{ "1k", 1 << 10 }, { "1K", 1 << 10 }, { "3m", 3 * MIB },
		{ "64G", UINT64_C(64) << 30 }, { "2T", UINT64_C(2) << 40 },
		{ "9223372036854775807", INT64_MAX },
		{ "8388607T", UINT64_C(8388607) << 40 },
		{ "", 0 }, { "0", 0 }, { "0G", 0 }, { "-1", 0 }, { "+1", 0 },
		{ " 1", 0 }, { "1 ", 0 }, { "1KB", 0 }, { "1KiB", 0 },
		{ "1.5G", 0 }, { "0x10", 0 }, { "K", 0 }, { "1P", 0 },
		{ "1+", 0 }, { "1\xeb", 0 }, { "1\x0b", 0 },
		{ "9223372036854775808", 0 }, { "18446744073709551616", 0 },
		{ "18446744073709551617", 0 }, { "8388608T", 0 },
		{ "16777217T", 0 }, { "18014398509481985K", 0 },
		{ "99999999999999999999999", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 0;

		if (size_parse(cases[i].text, &value) != !!cases[i].value ||
		    value != cases[i].value)
			fail_msg("'%s' is %llu", cases[i].text,
				 (unsigned long long)value);
	}
}

static void shown_sizes(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} cases[] = {
		{ 0, "0 bytes" }, { 1, "1 byte" }, { 1023, "1023 bytes" },
		{ 1024, "1 KiB" }, { 1536, "1.5 KiB" },
		{ MIB - 1, "1023.9 KiB" }, { 64 << 20, "64 MiB" },
		{ UINT64_C(64) << 30, "64 GiB" },
		{ UINT64_C(3) << 39, "1.5 TiB" },
		{ INT64_MAX, "8388607.9 TiB" },
	};
	char text[SIZE_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(size_show(cases[i].value, text),
				    cases[i].text);
}

/* A header of tar: name, size and type; made as POSIX.1-1988 says. */
static void tar_header(uint8_t block[512], const char *name, uint64_t size,
		       char type, const char *target)
{
	unsigned sum = 0;
	char number[32];

	memset(block, 0, 512);
	memcpy(block, name, strlen(name));
	memcpy(block + 100, "0000644\0000000000\0000000000", 24);
	snprintf(number, sizeof(number), "%011llo", (unsigned long long)size);
	memcpy(block + 124, number, 12);
	memcpy(block + 136, "00000000000", 12);
	block[156] = (uint8_t)type;
	memcpy(block + 157, target, strlen(target));
	memcpy(block + 257, "ustar\00000", 8);
	memset(block + 148, ' ', 8);
	for (unsigned i = 0; i < 512; i++)
		sum += block[i];
	snprintf(number, sizeof(number), "%06o", sum);
	memcpy(block + 148, number, 7);
}

static void contents(void **state)
{
	static const struct {
		enum content content;
		size_t size;
		const char *head;
	} cases[] = {
		{ CONTENT_ELF, 4, "\177ELF" },
		{ CONTENT_UNKNOWN, 3, "\177EL" },
		{ CONTENT_GZIP, 3, "\x1f\x8b\x08" },
		{ CONTENT_UNKNOWN, 3, "\x1f\x8b\x07" },
		{ CONTENT_ZSTD, 4, "\x28\xb5\x2f\xfd" },
		{ CONTENT_XZ, 6, "\xfd" "7zXZ\0" },
		{ CONTENT_LZ4, 4, "\x04\x22\x4d\x18" },
		{ CONTENT_BZIP2, 3, "BZh" },
		{ CONTENT_LZIP, 5, "LZIP\x01" },
		{ CONTENT_LZMA, 13, "\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff"
				    "\xff\xff" },
		{ CONTENT_LZMA, 13, "\x5d\0\0\x0c\0\0\x10\0\0\0\0\0\0" },
		/* a size that is a piece of a text */
		{ CONTENT_UNKNOWN, 13, "\x5d\0\0\x80\0 and more" },
		/* no size of a dictionary */
		{ CONTENT_UNKNOWN, 13, "\x5d\0\0\x81\x01\0\0\0\0\0\0\0\0" },
		{ CONTENT_UNKNOWN, 12, "\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff"
				       "\xff" },
		{ CONTENT_UNKNOWN, 0, "" },
		{ CONTENT_UNKNOWN, 5, "text\n" },
	};
	uint8_t block[512] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes head = { (const uint8_t *)cases[i].head,
				      cases[i].size, 0 };

		if (content_of(head) != cases[i].content)
			fail_msg("case %zu is %d", i, (int)content_of(head));
	}
	struct bytes b = { block, sizeof(block), 0 };

	assert_int_equal(content_of(b), CONTENT_UNKNOWN);
	tar_header(block, "a", 5, '0', "");
	assert_int_equal(content_of(b), CONTENT_TAR);
	assert_int_equal(content_of(bytes_first(b, 511)), CONTENT_UNKNOWN);
	/* a name in Latin-1, and the sum of an old program */
	memcpy(block + 148, "  1234 \0", 8);
	assert_int_equal(content_of(b), CONTENT_UNKNOWN);
	tar_header(block, "\xe4", 5, '0', "");
	assert_int_equal(content_of(b), CONTENT_TAR);

	unsigned sum = (unsigned)strtoul((char *)block + 148, NULL, 8);

	snprintf((char *)block + 148, 7, "%06o", sum - 256);
	assert_int_equal(content_of(b), CONTENT_TAR);
	block[0] ^= 1;
	assert_int_equal(content_of(b), CONTENT_UNKNOWN);
}

static void temporary_files(void **state)
{
	struct spool s = { .fd = -1, .max = 64 * MIB + 10000 };
	CLEANUP_FREE uint8_t *zeros = calloc(1, MIB);
	CLEANUP_FD int fd = -1;
	uint8_t page[4096], back[8192];
	struct error *err;
	struct stat st;

	(void)state;
	assert_non_null(zeros);
	assert_null(spool_open(&s));
	assert_int_equal(fcntl(s.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(s.fd, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	assert_int_equal(st.st_nlink, 0);
	/* not where blocks begin and end */
	memset(page, 'x', sizeof(page));
	assert_null(spool_add(&s, page, 100));
	for (unsigned i = 0; i < 32; i++)
		assert_null(spool_add(&s, zeros, MIB));
	assert_null(spool_add(&s, page, sizeof(page)));
	assert_null(spool_skip(&s, 32 * MIB));
	assert_int_equal(s.size, 64 * MIB + 4196);
	assert_int_equal(fstat(s.fd, &st), 0);
	assert_true(st.st_blocks * 512 <= 1 << 20);

	err = spool_add(&s, zeros, 10000 - 4196 + 1);
	assert_non_null(err);
	assert_non_null(strstr(error_message(err), "--max-size"));
	error_free(err);
	err = spool_skip(&s, UINT64_MAX);
	assert_non_null(err);
	error_free(err);
	assert_null(spool_add(&s, zeros, 10000 - 4196));

	assert_null(spool_finish(&s, &fd));
	assert_int_equal(s.fd, -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 64 * MIB + 10000);
	assert_int_equal(pread(fd, back, sizeof(back), 32 * MIB),
			 sizeof(back));
	for (unsigned i = 0; i < sizeof(back); i++)
		assert_int_equal(back[i],
				 i >= 100 && i < 100 + 4096 ? 'x' : 0);
	spool_close(&s);
}

/* A stream over a file, `size` bytes of it allowed. */
static struct stream *stream_over(const void *data, size_t size, uint64_t max)
{
	int fd = open(scratch_write("stream", data, size), O_RDONLY);
	struct stream *s = NULL;

	assert_true(fd >= 0);
	assert_null(stream_of_fd(fd, 0, max, &s));
	return s;
}

static void streams(void **state)
{
	uint8_t data[1000], back[1000];
	struct bytes head;
	struct stream *s;
	struct error *err;
	size_t got = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	s = stream_over(data, sizeof(data), sizeof(data));
	assert_null(stream_peek(s, &head));
	assert_int_equal(head.size, CONTENT_HEAD);
	assert_memory_equal(head.data, data, head.size);
	/* what was seen is read first, and cannot be skipped */
	assert_int_equal(stream_skip(s, 10), 0);
	assert_null(stream_read(s, back, 500, &got));
	assert_int_equal(got, 500);
	assert_null(stream_read(s, back + 500, 500, &got));
	assert_int_equal(got, CONTENT_HEAD - 500);
	assert_memory_equal(back, data, CONTENT_HEAD);
	assert_int_equal(stream_skip(s, 400), 400);
	assert_null(stream_read(s, back, sizeof(back), &got));
	assert_int_equal(got, sizeof(data) - CONTENT_HEAD - 400);
	assert_memory_equal(back, data + CONTENT_HEAD + 400, got);
	assert_int_equal(stream_skip(s, 1), 0);
	assert_null(stream_read(s, back, sizeof(back), &got));
	assert_int_equal(got, 0);
	stream_destroy(s);

	s = stream_over(data, sizeof(data), sizeof(data) - 1);
	err = stream_drain(s);
	assert_non_null(err);
	assert_int_equal(error_code(err), ERROR_BAD_INPUT);
	error_free(err);
	stream_destroy(s);

	s = stream_over(data, 20, 20);
	assert_null(stream_peek(s, &head));
	assert_int_equal(head.size, 20);
	assert_null(stream_drain(s));
	stream_destroy(s);
}

/* An archive under construction. Each file holds its own name. */
struct tar {
	uint8_t data[256 << 10];
	size_t size;
};

static void tar_add(struct tar *t, const char *name)
{
	tar_header(t->data + t->size, name, strlen(name), '0', "");
	memcpy(t->data + t->size + 512, name, strlen(name));
	t->size += 1024;
}

static void tar_link(struct tar *t, const char *name, char type,
		     const char *target)
{
	tar_header(t->data + t->size, name, 0, type, target);
	t->size += 512;
}

/* With the end that it should have. */
static struct error *tar_open(const struct tar *t, struct image_files **ret)
{
	struct stream *s = stream_over(t->data, t->size + 1024, UINT64_MAX);
	struct error *err = image_files_of_archive(s, MIB, ret);

	stream_destroy(s);
	return err;
}

/* What is found as `path`; "" if nothing is. */
static const char *found(const struct image_files *files, const char *path)
{
	static char name[512];
	struct file_slice slice = FILE_SLICE_NONE;
	struct error *err = image_files_find(files, path, &slice);

	memset(name, 0, sizeof(name));
	if (err) {
		assert_int_equal(error_code(err), ERROR_GONE);
		error_free(err);
		return name;
	}
	assert_int_equal(fcntl(slice.fd, F_GETFD), FD_CLOEXEC);
	assert_true(slice.size < sizeof(name));
	assert_int_equal(file_slice_read(&slice, 0, name, sizeof(name)),
			 slice.size);
	file_slice_close(&slice);
	return name;
}

static void images(void **state)
{
	static struct tar t;
	struct image_files *files = NULL;

	(void)state;
	tar_link(&t, "./x/", '5', "");
	tar_add(&t, "/x//./checkpoint/pstree.img");
	tar_add(&t, "x/checkpoint/core-1.img");
	tar_add(&t, "x/checkpoint/passwd");
	tar_add(&t, "../x/checkpoint/core-2.img");
	tar_add(&t, "x/y/../checkpoint/core-2.img");
	tar_link(&t, "x/checkpoint/core-3.img", '2', "core-1.img");
	tar_link(&t, "x/checkpoint/core-4.img", '1', "x/checkpoint/core-1.img");
	tar_link(&t, "x/checkpoint/core-5.img", '3', "");
	tar_link(&t, "x/checkpoint/parent", '2', "../../pre/./one/");
	tar_add(&t, "pre/one/pages-1.img");
	tar_link(&t, "pre/one/parent", '2', "../two");
	tar_add(&t, "pre/two/pages-2.img");
	tar_add(&t, "pre/two/parent/pages-3.img");
	tar_link(&t, "pre/two/parent/parent", '2', ".");
	assert_null(tar_open(&t, &files));
	assert_int_equal(image_files_kind(files), SOURCE_ARCHIVE);
	assert_string_equal(found(files, "pstree.img"),
			    "/x//./checkpoint/pstree.img");
	assert_string_equal(found(files, "core-1.img"),
			    "x/checkpoint/core-1.img");
	assert_string_equal(found(files, "passwd"), "");
	assert_string_equal(found(files, "core-2.img"), "");
	assert_string_equal(found(files, "core-3.img"), "");
	assert_string_equal(found(files, "core-4.img"), "");
	assert_string_equal(found(files, "core-5.img"), "");
	assert_string_equal(found(files, "parent/pages-1.img"),
			    "pre/one/pages-1.img");
	assert_string_equal(found(files, "parent/parent/pages-2.img"),
			    "pre/two/pages-2.img");
	assert_string_equal(found(files, "parent/parent/parent/pages-3.img"),
			    "pre/two/parent/pages-3.img");
	/* whose parent is itself */
	assert_string_equal(found(files, "parent/parent/parent/parent/parent/"
				  "pages-3.img"), "pre/two/parent/pages-3.img");
	assert_string_equal(found(files, "parent"), "");
	assert_string_equal(found(files, "parent/"), "");
	assert_string_equal(found(files, "../checkpoint/core-1.img"), "");
	image_files_destroy(files);
}

/* Which of several directories it is, by its pstree.img. */
static void several(void **state)
{
	static const struct {
		const char *names[4];
		const char *links[2][2];
		const char *chosen;	/* NULL: an error */
	} cases[] = {
		{ { "pstree.img" }, { { NULL } }, "pstree.img" },
		{ { "a/checkpoint/pstree.img", "b/pstree.img" }, { { NULL } },
		  "a/checkpoint/pstree.img" },
		{ { "a/pstree.img", "checkpoint/pstree.img" }, { { NULL } },
		  "checkpoint/pstree.img" },
		{ { "a/pstree.img", "b/pstree.img" }, { { NULL } }, NULL },
		{ { "a/checkpoint/pstree.img", "checkpoint/pstree.img" },
		  { { NULL } }, NULL },
		{ { "a/no-checkpoint/pstree.img", "b/pstree.img" },
		  { { NULL } }, NULL },
		/* one on top of the other */
		{ { "parent/parent/pstree.img", "pstree.img" }, { { NULL } },
		  "pstree.img" },
		{ { "a/pstree.img", "b/pstree.img", "c/pstree.img" },
		  { { "b/parent", "../a" }, { "a/parent", "../c" } },
		  "b/pstree.img" },
		{ { "a/pstree.img", "b/pstree.img" },
		  { { "b/parent", "../a" }, { "a/parent", "../b" } }, NULL },
		{ { "a/pstree.img", "b/pstree.img" },
		  { { "b/parent", "/a" } }, NULL },
		{ { "a/pstree.img", "b/pstree.img" },
		  { { "b/parent", "../../a" } }, NULL },
		{ { "a/core-1.img" }, { { NULL } }, NULL },
		{ { "" }, { { "a/pstree.img", "core-1.img" } }, NULL },
	};
	static struct tar t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image_files *files = NULL;
		struct error *err;

		memset(&t, 0, sizeof(t));
		for (unsigned k = 0; k < 4 && cases[i].names[k]; k++)
			tar_add(&t, cases[i].names[k]);
		for (unsigned k = 0; k < 2 && cases[i].links[k][0]; k++)
			tar_link(&t, cases[i].links[k][0], '2',
				 cases[i].links[k][1]);
		err = tar_open(&t, &files);
		if (!err != !!cases[i].chosen)
			fail_msg("case %zu: %s", i,
				 err ? error_message(err) : "no error");
		if (err)
			error_free(err);
		else
			assert_string_equal(found(files, "pstree.img"),
					    cases[i].chosen);
		image_files_destroy(files);
	}
}

/* Of those with the same name the last one counts, as on a disk. */
static void duplicates(void **state)
{
	static struct tar t;
	struct image_files *files = NULL;

	(void)state;
	tar_add(&t, "pstree.img");
	for (unsigned i = 0; i < 40; i++)
		tar_add(&t, "core-1.img");
	tar_add(&t, "./core-1.img");
	assert_null(tar_open(&t, &files));
	assert_string_equal(found(files, "core-1.img"), "./core-1.img");
	image_files_destroy(files);

	/* also if it is none */
	tar_add(&t, "parent/pages-1.img");
	tar_link(&t, "parent", '2', "nowhere");
	files = NULL;
	assert_null(tar_open(&t, &files));
	assert_string_equal(found(files, "parent/pages-1.img"), "");
	image_files_destroy(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(shown_sizes),
		cmocka_unit_test(contents),
		cmocka_unit_test(temporary_files),
		cmocka_unit_test(streams),
		cmocka_unit_test(images),
		cmocka_unit_test(several),
		cmocka_unit_test(duplicates),
	};

	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
