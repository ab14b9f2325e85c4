/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_pages.c - which pages are in the images of one or several dumps */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "source/criu_pages.h"

#define PAGE 4096
#define PID 7
#define MANY 3000

enum { PARENT = 1, LAZY = 2, PRESENT = 4 };

/* Files in memory. */
struct store {
	struct {
		char path[64];
		int fd;
		uint64_t size;
	} files[8];
	unsigned count;
};

static struct error *store_find(void *source, const char *path,
				struct file_slice *ret)
{
	const struct store *store = source;

	for (unsigned i = 0; i < store->count; i++) {
		if (strcmp(store->files[i].path, path) != 0)
			continue;
		/* the first bytes are another file's */
		*ret = (struct file_slice){ .fd = dup(store->files[i].fd),
					    .offset = 3,
					    .size = store->files[i].size };
		return NULL;
	}
	return error_new(ERROR_GONE, "no such file");
}

static void store_destroy(void *source)
{
	struct store *store = source;

	for (unsigned i = 0; i < store->count; i++)
		close(store->files[i].fd);
}

static const struct image_files_ops ops = {
	.find = store_find,
	.destroy = store_destroy,
};

static void store_add(struct store *store, const char *path, const void *data,
		      size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, size, 3), (ssize_t)size);
	snprintf(store->files[store->count].path, 64, "%s", path);
	store->files[store->count].fd = fd;
	store->files[store->count++].size = size;
}

static void put_u32(struct text *t, uint32_t value)
{
	value = htole32(value);
	text_add_bytes(t, &value, sizeof(value));
}

static void put_field(struct text *t, unsigned field, uint64_t value)
{
	uint8_t byte = (uint8_t)(field << 3);

	text_add_bytes(t, &byte, 1);
	for (; value > 0x7f; value >>= 7)
		text_add_bytes(t, &(uint8_t){ (value & 0x7f) | 0x80 }, 1);
	text_add_bytes(t, &(uint8_t){ (uint8_t)value }, 1);
}

struct entry {
	uint64_t start;
	uint64_t count;
	unsigned flags;
	bool old;	/* as versions did that had no flags */
};

static void put_record(struct text *t, const struct text *record)
{
	put_u32(t, (uint32_t)record->size);
	text_add_bytes(t, text_string(record), record->size);
}

/* pagemap-7.img and pages-3.img; each page is filled with its number. */
static void add_dump(struct store *store, const char *prefix,
		     const struct entry *entries, size_t count, uint8_t first)
{
	struct text map = TEXT_INIT, pages = TEXT_INIT, record = TEXT_INIT;
	char path[64];

	put_u32(&map, 0x54564319);
	put_u32(&map, 0x56084025);
	put_field(&record, 1, 3);
	put_record(&map, &record);
	for (size_t i = 0; i < count; i++) {
		const struct entry *e = &entries[i];

		text_clear(&record);
		put_field(&record, 1, e->start);
		put_field(&record, 2, e->old ? e->count : 0);
		if (e->old) {
			if (e->flags & PARENT)
				put_field(&record, 3, 1);
		} else {
			put_field(&record, 4, e->flags);
			put_field(&record, 5, e->count);
		}
		put_record(&map, &record);
		for (uint64_t k = 0; e->flags & PRESENT && k < e->count; k++)
			text_pad(&pages, (char)first++, PAGE);
	}
	snprintf(path, sizeof(path), "%spagemap-%d.img", prefix, PID);
	store_add(store, path, text_string(&map), map.size);
	snprintf(path, sizeof(path), "%spages-3.img", prefix);
	store_add(store, path, text_string(&pages), pages.size);
	text_deinit(&map);
	text_deinit(&pages);
	text_deinit(&record);
}

struct opened {
	struct store store;
	struct image_files *files;
	struct snapshot *s;
	struct criu_pages *pages;
};

static void open_all(struct opened *o)
{
	o->s = snapshot_create(SOURCE_CRIU);
	o->files = image_files_create(SOURCE_CRIU, &ops, &o->store);
	assert_non_null(o->s);
	assert_non_null(o->files);
	assert_null(criu_pages_open(o->files, PID, o->s, &o->pages));
}

static void close_all(struct opened *o)
{
	criu_pages_close(o->pages);
	image_files_destroy(o->files);
	snapshot_destroy(o->s);
}

/* What is at `addr`, of one byte. */
static void expect(const struct opened *o, uint64_t addr, enum criu_page what,
		   uint8_t value)
{
	enum criu_page found;
	uint8_t byte = 0xee;

	assert_int_equal(criu_pages_read(o->pages, addr, &byte, 1, &found), 1);
	assert_int_equal(found, what);
	if (what == CRIU_PAGE_DATA)
		assert_int_equal(byte, value);
}

/* Runs in no order, with gaps; a read ends where they do. */
static void runs(void **state)
{
	static const struct entry entries[] = {
		{ 0x9000, 2, PRESENT },
		{ 0x3000, 1, PRESENT | LAZY },
		{ 0x4000, 1, LAZY },
		{ 0x5000, 3, PRESENT, .old = true },
		{ 0x20000, 0, PRESENT },
		{ 0x30000, 1, 0 },
	};
	struct opened o = { .pages = NULL };
	uint8_t buf[4 * PAGE];
	enum criu_page what;
	uint64_t end;

	(void)state;
	add_dump(&o.store, "", entries, 6, 1);
	open_all(&o);
	assert_int_equal(o.s->notes_count, 0);
	expect(&o, 0x9000, CRIU_PAGE_DATA, 1);
	expect(&o, 0xafff, CRIU_PAGE_DATA, 2);
	expect(&o, 0x3000, CRIU_PAGE_DATA, 3);
	expect(&o, 0x4fff, CRIU_PAGE_MISSING, 0);
	expect(&o, 0x7fff, CRIU_PAGE_DATA, 6);
	expect(&o, 0x2fff, CRIU_PAGE_NONE, 0);
	expect(&o, 0x20000, CRIU_PAGE_NONE, 0);
	expect(&o, 0x30000, CRIU_PAGE_MISSING, 0);
	expect(&o, UINT64_MAX, CRIU_PAGE_NONE, 0);
	assert_int_equal(criu_pages_read(o.pages, 0x5800, buf, sizeof(buf),
					 &what), 0x2800);
	assert_int_equal(buf[0x7ff], 4);
	assert_int_equal(buf[0x800], 5);
	assert_int_equal(criu_pages_read(o.pages, 0x8000, buf, sizeof(buf),
					 &what), PAGE);
	assert_int_equal(what, CRIU_PAGE_NONE);

	assert_int_equal(criu_pages_next(o.pages, 0, 0x100000, &end), 0x3000);
	assert_int_equal(end, 0x8000);
	assert_int_equal(criu_pages_next(o.pages, 0x6800, 0x7000, &end),
			 0x6800);
	assert_int_equal(end, 0x7000);
	assert_int_equal(criu_pages_next(o.pages, 0x8000, 0x9000, &end),
			 0x9000);
	close_all(&o);
}

/* A page that is in the parent may be in its parent, or in none. */
static void parents(void **state)
{
	static const struct entry newest[] = {
		{ 0x1000, 1, PRESENT },
		{ 0x2000, 4, PARENT },
	};
	static const struct entry middle[] = {
		{ 0x1000, 1, PRESENT },
		{ 0x2000, 1, PRESENT },
		{ 0x3000, 2, PARENT, .old = true },
	};
	static const struct entry oldest[] = { { 0x3000, 1, PRESENT } };
	struct opened o = { .pages = NULL };

	(void)state;
	add_dump(&o.store, "", newest, 2, 10);
	add_dump(&o.store, "parent/", middle, 3, 20);
	add_dump(&o.store, "parent/parent/", oldest, 1, 30);
	open_all(&o);
	expect(&o, 0x1000, CRIU_PAGE_DATA, 10);
	expect(&o, 0x2000, CRIU_PAGE_DATA, 21);
	expect(&o, 0x3000, CRIU_PAGE_DATA, 30);
	expect(&o, 0x4000, CRIU_PAGE_MISSING, 0);	/* nor in the oldest */
	expect(&o, 0x5000, CRIU_PAGE_MISSING, 0);	/* nor in the middle */
	expect(&o, 0x6000, CRIU_PAGE_NONE, 0);
	close_all(&o);
}

/* Thousands of runs, each found. */
static void many(void **state)
{
	struct entry *entries = calloc(MANY, sizeof(*entries));
	struct opened o = { .pages = NULL };

	(void)state;
	assert_non_null(entries);
	for (unsigned i = 0; i < MANY; i++)
		entries[i] = (struct entry){ 2 * PAGE * (i + 1), 1, PRESENT };
	add_dump(&o.store, "", entries, MANY, 0);
	open_all(&o);
	for (unsigned i = 0; i < MANY; i++) {
		expect(&o, entries[i].start + i % PAGE, CRIU_PAGE_DATA,
		       (uint8_t)i);
		expect(&o, entries[i].start + PAGE, CRIU_PAGE_NONE, 0);
	}
	close_all(&o);
	free(entries);
}

/* Fewer bytes than the pagemap says: a note, and what is there is there. */
static void truncated(void **state)
{
	static const struct entry entries[] = { { 0x1000, 3, PRESENT } };
	struct opened o = { .pages = NULL };
	enum criu_page what;
	uint8_t buf[PAGE];

	(void)state;
	add_dump(&o.store, "", entries, 1, 1);
	o.store.files[1].size = PAGE + 100;
	open_all(&o);
	assert_int_equal(o.s->notes_count, 1);
	expect(&o, 0x1fff, CRIU_PAGE_DATA, 1);
	assert_int_equal(criu_pages_read(o.pages, 0x2000, buf, PAGE, &what),
			 100);
	assert_int_equal(what, CRIU_PAGE_DATA);
	expect(&o, 0x2064, CRIU_PAGE_MISSING, 0);
	expect(&o, 0x3000, CRIU_PAGE_MISSING, 0);
	close_all(&o);
}

/* More than the pagemap says: what it does not name may be there. */
static void unlisted(void **state)
{
	static const struct entry entries[] = { { 0x1000, 2, PRESENT } };
	struct opened o = { .pages = NULL };
	uint64_t end;

	(void)state;
	add_dump(&o.store, "", entries, 1, 1);
	o.store.files[1].size += PAGE;
	open_all(&o);
	assert_int_equal(o.s->notes_count, 1);
	expect(&o, 0x1fff, CRIU_PAGE_DATA, 1);
	expect(&o, 0x3000, CRIU_PAGE_MISSING, 0);
	expect(&o, 0, CRIU_PAGE_MISSING, 0);
	assert_int_equal(criu_pages_next(o.pages, 0x8000, 0xa000, &end),
			 0x8000);
	assert_int_equal(end, 0xa000);
	close_all(&o);
}

/* Sums that would wrap. */
static void absurd(void **state)
{
	static const struct entry rows[][2] = {
		{ { 0x1800, 1, PRESENT } },
		{ { 0x1000, UINT64_MAX, PRESENT } },
		{ { 0x1000, UINT64_MAX / PAGE, PRESENT } },
		{ { UINT64_MAX - PAGE + 1, 1, LAZY } },
		{ { 0x1000, 2, LAZY }, { 0x2000, 1, LAZY } },
		{ { 0x1000, UINT64_MAX / PAGE - 2, LAZY },
		  { 0x1000, 1, LAZY } },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct opened o = { .s = snapshot_create(SOURCE_CRIU) };
		struct text map = TEXT_INIT, record = TEXT_INIT;
		struct error *err;

		put_u32(&map, 0x56084025);
		put_field(&record, 1, 3);
		put_record(&map, &record);
		for (unsigned k = 0; k < 2 && rows[i][k].count; k++) {
			text_clear(&record);
			put_field(&record, 1, rows[i][k].start);
			put_field(&record, 4, rows[i][k].flags);
			put_field(&record, 5, rows[i][k].count);
			put_record(&map, &record);
		}
		store_add(&o.store, "pagemap-7.img", text_string(&map),
			  map.size);
		o.files = image_files_create(SOURCE_CRIU, &ops, &o.store);
		err = criu_pages_open(o.files, PID, o.s, &o.pages);
		assert_non_null(err);
		assert_int_equal(error_code(err), ERROR_BAD_INPUT);
		error_free(err);
		text_deinit(&map);
		text_deinit(&record);
		close_all(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs),
		cmocka_unit_test(parents),
		cmocka_unit_test(many),
		cmocka_unit_test(truncated),
		cmocka_unit_test(unlisted),
		cmocka_unit_test(absurd),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
