/* SPDX-License-Identifier: GPL-3.0-or-later */
/* corefiles.c - bytes that a core leaves out, and the files that have them */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../tools/mkcore.h"
#include "base/cleanup.h"
#include "scratch.h"
#include "source/core.h"
#include "source/elffile.h"

#define PAGE UINT64_C(4096)
#define BASE UINT64_C(0x7f5500000000)
#define PAGES 5

/*
 * A small library: page 0 has the headers, 1 is code, 2 constants, 3 what the
 * loader relocates, 4 data. Byte k of page i is i * 16 + k % 16 (headers
 * aside).
 */
struct library {
	const char *id;		/* build-id, NULL: none */
	uint64_t entry;
	unsigned pages;		/* of the file */
};

static const struct library usual = { "0123456789abcdef", 0x1040, PAGES };

static void build(const struct library *l, uint8_t *image)
{
	static const struct {
		uint64_t page;
		uint32_t flags;
	} loads[] = {
		{ 0, PF_R }, { 1, PF_R | PF_X }, { 2, PF_R }, { 3, PF_R | PF_W },
		{ 4, PF_R | PF_W },
	};
	enum { NOTE_OFF = 0x300 };
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = l->entry,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = ARRAY_SIZE(loads) + 1,
	};
	Elf64_Phdr phdrs[ARRAY_SIZE(loads) + 1];
	Elf64_Nhdr note = {
		.n_namesz = 4,
		.n_descsz = l->id ? strlen(l->id) : 16,
		.n_type = l->id ? NT_GNU_BUILD_ID : NT_GNU_ABI_TAG,
	};

	for (size_t i = 0; i < PAGES * PAGE; i++)
		image[i] = (uint8_t)(i / PAGE * 16 + i % 16);
	for (unsigned i = 0; i < ARRAY_SIZE(loads); i++)
		phdrs[i] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = loads[i].flags,
			.p_offset = loads[i].page * PAGE,
			.p_vaddr = loads[i].page * PAGE,
			.p_filesz = PAGE,
			.p_memsz = PAGE,
		};
	phdrs[ARRAY_SIZE(loads)] = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = NOTE_OFF,
		.p_vaddr = NOTE_OFF,
		.p_filesz = sizeof(note) + 4 + note.n_descsz,
		.p_align = 4,
	};
	memcpy(image, &ehdr, sizeof(ehdr));
	memcpy(image + sizeof(ehdr), phdrs, sizeof(phdrs));
	memcpy(image + NOTE_OFF, &note, sizeof(note));
	memcpy(image + NOTE_OFF + sizeof(note), "GNU", 4);
	memcpy(image + NOTE_OFF + sizeof(note) + 4,
	       l->id ? l->id : "no build-id here", note.n_descsz);
}

static const char *write_library(const char *name, const struct library *l)
{
	uint8_t image[PAGES * 4096];

	build(l, image);
	return scratch_write(name, image, l->pages * PAGE);
}

/* How the core came to be, and with what options it is opened. */
struct making {
	const struct library *mapped;
	const char *path;	/* in NT_FILE */
	bool no_header;		/* page 0 not dumped */
	bool gdb;		/* no segments for what is not dumped */
	bool executable;	/* AT_ENTRY points into it */
	struct core_options options;
};

static struct error *make(const struct making *making, struct snapshot **ret)
{
	static const unsigned prots[PAGES] = {
		PROT_READ, PROT_READ | PROT_EXEC, PROT_READ, PROT_READ,
		PROT_READ | PROT_WRITE,
	};
	struct mkcore *m = mkcore_create(MKCORE_X86_64);
	uint8_t image[PAGES * 4096];
	const char *path = scratch_path("core");

	build(making->mapped, image);
	mkcore_add_thread(m, &(struct mkcore_thread){ .tid = 1 });
	for (unsigned i = 0; i < PAGES; i++) {
		bool dumped = !i && !making->no_header;
		uint64_t start = BASE + i * PAGE;

		mkcore_add_file(m, start, start + PAGE, i * PAGE,
				making->path);
		if (dumped || !making->gdb)
			mkcore_add_segment(m, &(struct mkcore_segment){
				.start = start, .size = PAGE, .prot = prots[i],
				.data = image, .data_size = dumped ? PAGE : 0 });
	}
	if (making->executable)
		mkcore_add_auxv(m, AT_ENTRY, BASE + making->mapped->entry);
	if (making->gdb)
		mkcore_by_gdb(m);
	assert_true(mkcore_write(m, path));
	mkcore_destroy(m);

	struct error *err = core_open(path, &making->options, ret);

	assert_int_equal(unlink(path), 0);
	return err;
}

static struct snapshot *made(const struct making *making)
{
	struct snapshot *s = NULL;
	struct error *err = make(making, &s);

	if (err)
		print_message("# %s\n", error_message(err));
	assert_null(err);
	return s;
}

/* Can page `i` be read to its end? Its bytes must be the file's then. */
static bool page_readable(const struct snapshot *s, unsigned i)
{
	uint8_t got[64];
	enum run_end end;
	uint64_t off = (i + 1) * PAGE - sizeof(got);
	size_t n = snapshot_read(s, BASE + off, got, sizeof(got), &end);

	for (size_t k = 0; k < n; k++)
		assert_int_equal(got[k], i * 16 + k % 16);
	assert_int_equal(end, RUN_END_UNKNOWN);
	assert_true(n == 0 || n == sizeof(got));
	return n;
}

static size_t count_notes(const struct snapshot *s, const char *part)
{
	size_t count = 0;

	for (size_t i = 0; i < s->notes_count; i++)
		count += strstr(s->notes[i], part) != NULL;
	return count;
}

static void only_the_file_that_was_mapped(void **state)
{
	static const struct library other = { "0123456789abcdeF", 0x1040,
					      PAGES };
	static const struct library longer = { "0123456789abcdef0", 0x1040,
					       PAGES };
	static const struct library plain = { NULL, 0x1040, PAGES };
	static const struct library plain_other = { NULL, 0x1080, PAGES };
	static const struct library cut = { "0123456789abcdef", 0x1040, 3 };
	static const struct {
		const char *what;
		const struct library *mapped, *file;
		bool no_header;
		bool usable;
		const char *note;	/* part of the only one, or NULL */
		const char *sysroot;
	} cases[] = {
		{ "same build-id", &usual, &usual, false, true, NULL },
		{ "other build-id", &usual, &other, false, false,
		  "build-id 30313233343536373839616263646546, the core has "
		  "30313233343536373839616263646566" },
		{ "longer build-id", &usual, &longer, false, false,
		  "not the file that was mapped" },
		{ "file without", &usual, &plain, false, false,
		  "build-id none, the core has 3031" },
		{ "mapped without", &plain, &usual, false, false,
		  "the core has none" },
		{ "both without", &plain, &plain, false, true, NULL },
		{ "other headers", &plain, &plain_other, false, false,
		  "other program headers" },
		{ "nothing to compare", &usual, &other, true, false,
		  "nothing to verify it by" },
		{ "vouched for", &usual, &other, true, true,
		  "cannot be verified (no build-id in the core)", "/" },
		{ "nothing, too small", &usual, &cut, true, false,
		  "too small" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *path = write_library("lib.so", cases[i].file);
		struct snapshot *s = made(&(struct making){
			.mapped = cases[i].mapped, .path = path,
			.options.sysroot = cases[i].sysroot,
			.no_header = cases[i].no_header });
		int fd = -1;

		print_message("# %s\n", cases[i].what);
		assert_int_equal(s->notes_count, 0);
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(page_readable(s, 1), cases[i].usable);

		struct error *err = snapshot_open_file(s, &s->mappings[2], &fd);

		assert_int_equal(!err, cases[i].usable);
		if (err)
			assert_non_null(strstr(error_message(err), path));
		if (err && cases[i].note)
			assert_non_null(strstr(error_message(err),
					       cases[i].note));
		error_free(err);
		cleanup_close(&fd);
		/* Said once, however often it mattered. */
		assert_int_equal(s->notes_count, cases[i].note ? 1 : 0);
		if (cases[i].note)
			assert_int_equal(count_notes(s, cases[i].note), 1);
		snapshot_destroy(s);
	}
}

static void only_what_cannot_have_changed(void **state)
{
	static const bool want[PAGES] = { true, true, true, false, false };
	const char *path = write_library("lib.so", &usual);
	struct snapshot *s = made(&(struct making){
		.mapped = &usual, .path = path });

	(void)state;
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(page_readable(s, i), want[i]);
	snapshot_destroy(s);
}

/* gdb writes no segment for what it leaves out: the file knows the rest. */
static void gaps_are_filled(void **state)
{
	static const unsigned want[PAGES] = {
		PROT_READ, PROT_READ | PROT_EXEC, PROT_READ,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
	};
	const char *path = write_library("lib.so", &usual);
	struct making making = { .mapped = &usual, .path = path, .gdb = true };
	struct snapshot *s = made(&making);

	(void)state;
	assert_true(s->mappings_partial);
	assert_int_equal(s->mappings_count, PAGES);
	for (unsigned i = 0; i < PAGES; i++) {
		assert_int_equal(s->mappings[i].start, BASE + i * PAGE);
		assert_int_equal(s->mappings[i].offset, i * PAGE);
		assert_int_equal(s->mappings[i].prot, want[i]);
		assert_string_equal(s->mappings[i].path, path);
		assert_int_equal(page_readable(s, i),
				 !(want[i] & PROT_WRITE));
	}
	assert_int_equal(snapshot_mapped(s, BASE + PAGE, PROT_EXEC), TRI_YES);
	snapshot_destroy(s);

	/* Without the file nothing is known of them. */
	assert_int_equal(unlink(path), 0);
	s = made(&making);
	assert_int_equal(s->mappings_count, 1);
	assert_int_equal(snapshot_mapped(s, BASE + PAGE, PROT_EXEC),
			 TRI_UNKNOWN);
	assert_false(page_readable(s, 1));
	assert_int_equal(count_notes(s, "cannot open"), 1);
	snapshot_destroy(s);
}

/* Links in a system's tree start at the tree's root and stay in it. */
static void links_stay_in_the_sysroot(void **state)
{
	struct making making = { .mapped = &usual, .path = "/opt/lib.so" };
	char target[512];
	struct snapshot *s;

	(void)state;
	/* Linux before 5.6, and valgrind, cannot do it. */
	if (syscall(SYS_openat2, -1, NULL, NULL, 0) < 0 && errno == ENOSYS)
		skip();
	assert_int_equal(mkdir(scratch_path("links"), 0700), 0);
	assert_int_equal(mkdir(scratch_path("links/real"), 0700), 0);
	write_library("links/real/lib.so", &usual);
	assert_int_equal(symlink("/real", scratch_path("links/opt")), 0);
	making.options.sysroot = scratch_path("links");
	s = made(&making);
	assert_true(page_readable(s, 1));
	assert_int_equal(s->notes_count, 0);
	snapshot_destroy(s);

	snprintf(target, sizeof(target), "../../../../../..%s",
		 scratch_path("links/real"));
	assert_int_equal(unlink(scratch_path("links/opt")), 0);
	assert_int_equal(symlink(target, scratch_path("links/opt")), 0);
	s = made(&making);
	assert_false(page_readable(s, 1));
	assert_int_equal(count_notes(s, "links/opt/lib.so: cannot open"), 1);
	snapshot_destroy(s);
}

static void options_say_where_files_are(void **state)
{
	struct making making = { .mapped = &usual, .path = "/opt/x/lib.so" };
	struct snapshot *s;
	struct error *err;

	(void)state;
	assert_int_equal(mkdir(scratch_path("root"), 0700), 0);
	assert_int_equal(mkdir(scratch_path("root/real"), 0700), 0);
	assert_int_equal(mkdir(scratch_path("root/opt"), 0700), 0);
	write_library("root/real/lib.so", &usual);

	assert_int_equal(symlink("../real", scratch_path("root/opt/x")), 0);
	making.options.sysroot = scratch_path("root");
	s = made(&making);
	assert_true(page_readable(s, 1));
	assert_int_equal(s->notes_count, 0);
	snapshot_destroy(s);

	making.options.sysroot = scratch_path("none");
	err = make(&making, &s);
	assert_non_null(err);
	assert_non_null(strstr(error_message(err), "none: No such file"));
	error_free(err);

	/* -e counts for the executable, wherever it was. */
	making.options.sysroot = NULL;
	making.options.executable = write_library("elsewhere", &usual);
	making.executable = true;
	s = made(&making);
	assert_true(page_readable(s, 1));
	assert_string_equal(s->executable, making.options.executable);
	assert_string_equal(s->mappings[1].path, "/opt/x/lib.so");
	snapshot_destroy(s);

	making.executable = false;
	s = made(&making);
	assert_false(page_readable(s, 1));
	assert_int_equal(count_notes(s, "which of its files"), 1);
	snapshot_destroy(s);

	making.options.executable = scratch_path("none");
	err = make(&making, &s);
	assert_non_null(err);
	assert_non_null(strstr(error_message(err), "none: cannot open"));
	error_free(err);
}

/* What a hostile core may name must not block, and is not read. */
static void other_things_than_files(void **state)
{
	static const struct {
		const char *name;	/* in the scratch directory, or a path */
		const char *note;
	} cases[] = {
		{ "fifo", "not a regular file" },
		{ "directory", "is a directory" },
		{ "empty", "is empty" },
		{ "text", "not an ELF file" },
		{ "/dev/zero", "not a regular file" },
		{ "/proc/self/maps", "is empty" },
		/* as it came: it is made safe where it is printed */
		{ "/\x1b[2Jx\n", "/\x1b[2Jx\n: cannot open" },
	};

	(void)state;
	assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
	assert_int_equal(mkdir(scratch_path("directory"), 0700), 0);
	scratch_write("empty", "", 0);
	scratch_write("text", "some words", 10);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = cases[i].name;
		struct snapshot *s = made(&(struct making){
			.mapped = &usual,
			.path = *name == '/' ? name : scratch_path(name) });

		assert_false(page_readable(s, 1));
		assert_int_equal(s->notes_count, 1);
		if (!count_notes(s, cases[i].note))
			fail_msg("%s: %s", name, s->notes[0]);
		snapshot_destroy(s);
	}
}

/* More files than are kept open, each read twice; then as many lost. */
static void many_files(void **state)
{
	enum { FILES = 40 };
	uint8_t image[PAGES * 4096];
	char paths[FILES][512];

	(void)state;
	for (unsigned present = 1; present < 2; present--) {
		struct mkcore *m = mkcore_create(MKCORE_X86_64);
		const char *path;
		struct snapshot *s;
		enum run_end end;
		uint8_t byte;

		mkcore_add_thread(m, &(struct mkcore_thread){ .tid = 1 });
		for (unsigned i = 0; i < FILES; i++) {
			uint64_t base = BASE + i * 8 * PAGE;
			char id[17], name[16];

			snprintf(id, sizeof(id), "%016u", i);
			snprintf(name, sizeof(name), "lib%u", i);
			struct library l = { id, 0x1040, PAGES };
			build(&l, image);
			strcpy(paths[i], write_library(name, &l));
			if (!present)
				assert_int_equal(unlink(paths[i]), 0);
			mkcore_add_file(m, base, base + PAGE, 0, paths[i]);
			mkcore_add_file(m, base + PAGE, base + 2 * PAGE, PAGE,
					paths[i]);
			mkcore_add_segment(m, &(struct mkcore_segment){
				base, PAGE, PROT_READ, image, PAGE, 0 });
			mkcore_add_segment(m, &(struct mkcore_segment){
				.start = base + PAGE, .size = PAGE,
				.prot = PROT_READ | PROT_EXEC });
		}
		path = scratch_path("core");
		assert_true(mkcore_write(m, path));
		mkcore_destroy(m);
		assert_null(core_open(path, &(struct core_options){ NULL },
				      &s));
		for (unsigned i = 0; i < 2 * FILES; i++) {
			uint64_t at = BASE + i % FILES * 8 * PAGE + PAGE + 3;

			assert_int_equal(snapshot_read(s, at, &byte, 1, &end),
					 present);
			if (present)
				assert_int_equal(byte, 0x13);
		}
		/* Not a note for each: they would bury the report. */
		assert_int_equal(s->notes_count, present ? 0 : 9);
		snapshot_destroy(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_file_that_was_mapped),
		cmocka_unit_test(only_what_cannot_have_changed),
		cmocka_unit_test(gaps_are_filled),
		cmocka_unit_test(links_stay_in_the_sysroot),
		cmocka_unit_test(options_say_where_files_are),
		cmocka_unit_test(other_things_than_files),
		cmocka_unit_test(many_files),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
