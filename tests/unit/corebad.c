/* SPDX-License-Identifier: GPL-3.0-or-later */
/* corebad.c - files that are no cores, and cores that are damaged */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tools/mkcore.h"
#include "base/cleanup.h"
#include "scratch.h"
#include "source/core.h"

#define PAGE UINT64_C(4096)
#define STACK UINT64_C(0x7ffd10000000)
#define PHDR(i) (sizeof(Elf64_Ehdr) + (i) * sizeof(Elf64_Phdr))
#define SEGMENTS 4

/* The core that gets damaged. */
struct image {
	uint8_t *data;
	size_t size;
};

static void put(struct image *image, size_t off, uint64_t value, unsigned width)
{
	uint64_t raw = htole64(value);

	assert_true(off + width <= image->size);
	memcpy(image->data + off, &raw, width);
}

static uint64_t get(const struct image *image, size_t off, unsigned width)
{
	struct bytes b = { image->data, image->size, 0 };
	uint64_t value = 0;

	assert_true(bytes_word(b, off, width, &value));
	return value;
}

/* The offset of the first note of that type. */
static size_t note_at(const struct image *image, uint32_t type)
{
	size_t off = get(image, PHDR(0) + offsetof(Elf64_Phdr, p_offset), 8);

	while (get(image, off + 8, 4) != type)
		off += 12 + ((get(image, off, 4) + 3) & ~UINT64_C(3)) +
		       ((get(image, off + 4, 4) + 3) & ~UINT64_C(3));
	return off;
}

static void big_endian(struct image *image)
{
	image->data[EI_DATA] = ELFDATA2MSB;
}

static void class_0(struct image *image)
{
	image->data[EI_CLASS] = 0;
}

static void magic(struct image *image)
{
	image->data[0] = 0x7e;
}

static void executable(struct image *image)
{
	put(image, offsetof(Elf64_Ehdr, e_type), ET_DYN, 2);
}

static void type_77(struct image *image)
{
	put(image, offsetof(Elf64_Ehdr, e_type), 77, 2);
}

static void aarch64(struct image *image)
{
	put(image, offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, 2);
}

static void machine_999(struct image *image)
{
	put(image, offsetof(Elf64_Ehdr, e_machine), 999, 2);
}

static void only_magic(struct image *image)
{
	image->size = 5;
}

static void half_header(struct image *image)
{
	image->size = 40;
}

static void half_table(struct image *image)
{
	image->size = PHDR(2) + 10;
}

static void nothing(struct image *image)
{
	image->size = 0;
}

static void odd_phentsize(struct image *image)
{
	put(image, offsetof(Elf64_Ehdr, e_phentsize), 32, 2);
}

static void no_headers(struct image *image)
{
	put(image, offsetof(Elf64_Ehdr, e_phnum), 0, 2);
}

static void far_table(struct image *image)
{
	put(image, offsetof(Elf64_Ehdr, e_phoff), -UINT64_C(56), 8);
}

static void many_headers(struct image *image)
{
	put(image, offsetof(Elf64_Ehdr, e_phnum), PN_XNUM - 1, 2);
}

/* The count is where e_shoff points: in an all-ones part of the stack. */
static void extended_count(struct image *image)
{
	put(image, offsetof(Elf64_Ehdr, e_phnum), PN_XNUM, 2);
	put(image, offsetof(Elf64_Ehdr, e_shoff), image->size - 64, 8);
}

static void no_notes(struct image *image)
{
	put(image, PHDR(0), PT_NULL, 4);
}

static void notes_behind_end(struct image *image)
{
	put(image, PHDR(0) + offsetof(Elf64_Phdr, p_offset), UINT64_MAX - 9, 8);
}

static void notes_in_hole(struct image *image)
{
	size_t off = get(image, PHDR(0) + offsetof(Elf64_Phdr, p_offset), 8);
	size_t size = get(image, PHDR(0) + offsetof(Elf64_Phdr, p_filesz), 8);

	memset(image->data + off, 0, size);
}

static void foreign_owner(struct image *image)
{
	size_t off = note_at(image, NT_PRSTATUS);

	image->data[off + 12] = 'X';
}

/* Files that cannot be examined: why, in words. */
static const struct {
	const char *what;
	void (*damage)(struct image *image);
	enum error_code code;
	const char *message;
} fatal[] = {
	{ "empty", nothing, ERROR_BAD_INPUT, "is empty" },
	{ "no magic", magic, ERROR_BAD_INPUT, "not an ELF file" },
	{ "magic alone", only_magic, ERROR_BAD_INPUT,
	  "the ELF header is truncated" },
	{ "half a header", half_header, ERROR_BAD_INPUT,
	  "the ELF header is truncated" },
	{ "class 0", class_0, ERROR_BAD_INPUT, "unknown ELF class 0" },
	{ "big-endian", big_endian, ERROR_UNSUPPORTED, "big-endian" },
	{ "a program", executable, ERROR_UNSUPPORTED,
	  "not a core but a program or shared library" },
	{ "no such type", type_77, ERROR_UNSUPPORTED, "ELF type 77" },
	{ "AArch64", aarch64, ERROR_UNSUPPORTED, "a core of AArch64" },
	{ "no such machine", machine_999, ERROR_UNSUPPORTED,
	  "ELF machine 999" },
	{ "half a table", half_table, ERROR_BAD_INPUT,
	  "the program headers are truncated" },
	{ "table far away", far_table, ERROR_BAD_INPUT,
	  "the program headers are truncated" },
	{ "table of 65534", many_headers, ERROR_BAD_INPUT,
	  "the program headers are truncated" },
	{ "table of 2^32 - 1", extended_count, ERROR_BAD_INPUT,
	  "4294967295 program headers" },
	{ "no table", no_headers, ERROR_BAD_INPUT, "no program headers" },
	{ "entries of 32 bytes", odd_phentsize, ERROR_BAD_INPUT,
	  "program headers of 32 bytes instead of 56" },
	{ "no notes", no_notes, ERROR_BAD_INPUT, "no threads" },
	{ "notes behind the end", notes_behind_end, ERROR_BAD_INPUT,
	  "no threads" },
	{ "notes in a hole", notes_in_hole, ERROR_BAD_INPUT, "no threads" },
	{ "notes of someone else", foreign_owner, ERROR_BAD_INPUT,
	  "no threads" },
};

/* Two threads, a file, a stack of ones: all that can be damaged. */
static void build(struct image *image, unsigned threads)
{
	struct mkcore *m = mkcore_create(MKCORE_X86_64);
	uint8_t stack[4096], xstate[832] = { [XSTATE_SW_OFF] = 7 };

	memset(stack, 0xff, sizeof(stack));
	for (unsigned i = 0; i < threads; i++)
		mkcore_add_thread(m, &(struct mkcore_thread){
			.tid = 10 + (pid_t)i, .xstate = xstate,
			.xstate_size = sizeof(xstate),
			.siginfo = xstate, .siginfo_size = 128 });
	mkcore_set_process(m, 10, "victim");
	mkcore_add_auxv(m, 51, 1776);
	mkcore_add_file(m, 0x400000, 0x401000, 0, "/bin/one");
	mkcore_add_file(m, 0x401000, 0x402000, PAGE, "/bin/two");
	mkcore_set_layout(m, xstate_family_layout(XSTATE_FAMILY_COMMON), 4);
	for (uint64_t i = 0; i < SEGMENTS - 1; i++)
		mkcore_add_segment(m, &(struct mkcore_segment){
			.start = 0x400000 + i * PAGE, .size = PAGE,
			.prot = PROT_READ });
	mkcore_add_segment(m, &(struct mkcore_segment){
		STACK, PAGE, PROT_READ | PROT_WRITE, stack, PAGE, 0 });
	image->data = mkcore_build(m, &image->size);
	mkcore_destroy(m);
}

static struct error *open_image(const struct image *image,
				struct snapshot **ret)
{
	static const struct core_options options;

	return core_open(scratch_write("core", image->data, image->size),
			 &options, ret);
}

static void what_cannot_be_examined(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++) {
		struct image image;
		struct snapshot *s = NULL;

		build(&image, 1);
		fatal[i].damage(&image);

		struct error *err = open_image(&image, &s);

		free(image.data);
		if (!err)
			fail_msg("%s: no error", fatal[i].what);
		if (!strstr(error_message(err), fatal[i].message) ||
		    !strstr(error_message(err), scratch_path("core")))
			fail_msg("%s: %s", fatal[i].what, error_message(err));
		assert_int_equal(error_code(err), fatal[i].code);
		error_free(err);
	}
}

static void set_prstatus_size(struct image *image)
{
	/* The rest of it looks like a note that nobody knows. */
	size_t off = note_at(image, NT_PRSTATUS);

	put(image, off + 4, 336 - 16, 4);
	put(image, off + 20 + 320, 1, 4);
	put(image, off + 20 + 324, 0, 4);
	put(image, off + 20 + 328, 99, 4);
}

/* Which nobody knows then; but other notes of the thread are still there. */
static void prstatus_of_other_type(struct image *image)
{
	put(image, note_at(image, NT_PRSTATUS) + 8, 0xffff, 4);
}

static void same_thread_twice(struct image *image)
{
	put(image, note_at(image, NT_PRSTATUS) + 20 + 32, 11, 4);
}

static void huge_file_count(struct image *image)
{
	put(image, note_at(image, NT_FILE) + 20, UINT64_MAX / 24, 8);
}

static void file_count_over_names(struct image *image)
{
	size_t off = note_at(image, NT_FILE);

	/* The second path loses its place: one string for two entries. */
	memset(image->data + off + 20 + 64, 'x', 17);
}

static void huge_page_size(struct image *image)
{
	size_t off = note_at(image, NT_FILE);

	put(image, off + 28, UINT64_MAX, 8);
	put(image, off + 20 + 16 + 24 + 16, 2, 8);
}

static void backward_range(struct image *image)
{
	put(image, note_at(image, NT_FILE) + 20 + 16 + 24 + 8, 0x400fff, 8);
}

static void ranges_overlap(struct image *image)
{
	put(image, note_at(image, NT_FILE) + 20 + 16 + 24, 0x400800, 8);
}

static void odd_layout(struct image *image)
{
	put(image, note_at(image, 0x205) + 20 + 8, 0xfffffff0, 4);
}

static void note_without_end(struct image *image)
{
	put(image, note_at(image, NT_X86_XSTATE) + 4, 0xfffffff0, 4);
}

static void name_without_end(struct image *image)
{
	put(image, note_at(image, NT_X86_XSTATE), UINT32_MAX, 4);
}

/* What follows then is read from the wrong place on. */
static void note_without_name(struct image *image)
{
	put(image, note_at(image, NT_X86_XSTATE), 0, 4);
}

static void overlapping_segment(struct image *image)
{
	put(image, PHDR(2) + offsetof(Elf64_Phdr, p_vaddr), 0x400800, 8);
}

static void duplicate_segment(struct image *image)
{
	put(image, PHDR(2) + offsetof(Elf64_Phdr, p_vaddr), 0x400000, 8);
}

/* It covers the stack, but has no bytes of that. */
static void endless_segment(struct image *image)
{
	put(image, PHDR(1) + offsetof(Elf64_Phdr, p_memsz),
	    UINT64_C(0x7ffffffff000), 8);
}

/* Both with bytes, which differ. */
static void disputed_stack(struct image *image)
{
	put(image, PHDR(3) + offsetof(Elf64_Phdr, p_vaddr), STACK, 8);
	put(image, PHDR(3) + offsetof(Elf64_Phdr, p_offset), 0, 8);
	put(image, PHDR(3) + offsetof(Elf64_Phdr, p_filesz), PAGE, 8);
}

static void segment_wraps(struct image *image)
{
	put(image, PHDR(4) + offsetof(Elf64_Phdr, p_memsz), -STACK, 8);
}

static void segment_offset_wraps(struct image *image)
{
	put(image, PHDR(4) + offsetof(Elf64_Phdr, p_offset), UINT64_MAX - 9,
	    8);
}

/* What is missing has zeros behind it, which are not in the file. */
static void cut_before_zeros(struct image *image)
{
	put(image, PHDR(4) + offsetof(Elf64_Phdr, p_memsz), 2 * PAGE, 8);
	image->size -= PAGE;
}

static void cut_in_stack(struct image *image)
{
	image->size -= 4000;
}

static void cut_in_notes(struct image *image)
{
	image->size = note_at(image, NT_X86_XSTATE) + 500;
}

static void notes_larger_than_file(struct image *image)
{
	put(image, PHDR(0) + offsetof(Elf64_Phdr, p_filesz), UINT64_MAX / 2, 8);
}

/* Cores with a fault: what is left, and what is said of it. */
static const struct {
	const char *what;
	void (*damage)(struct image *image);
	const char *note;	/* part of one, or NULL: none */
	unsigned threads;	/* that are there; one more if some may not */
	bool lost;		/* more threads may have been there */
	unsigned mappings;
	unsigned paths;		/* mappings with one */
	unsigned stack;		/* bytes of it */
} salvaged[] = {
	{ "size of NT_PRSTATUS", set_prstatus_size, "1 malformed note of", 1, true,
	  4, 2, 4096 },
	{ "type of NT_PRSTATUS", prstatus_of_other_type, NULL, 1, true,
	  4, 2, 4096 },
	{ "number of a thread", same_thread_twice, NULL, 2, true, 4, 2, 4096 },
	{ "count of NT_FILE", huge_file_count, "1 malformed note of", 2, false,
	  4, 0, 4096 },
	{ "names of NT_FILE", file_count_over_names, "1 malformed note of", 2, false,
	  4, 1, 4096 },
	{ "page size of NT_FILE", huge_page_size, "1 malformed note of", 2, false,
	  4, 1, 4096 },
	{ "range of NT_FILE", backward_range, "1 malformed note of", 2, false,
	  4, 1, 4096 },
	{ "overlap in NT_FILE", ranges_overlap, "1 malformed note of", 2, false,
	  4, 1, 4096 },
	{ "offset in the layout", odd_layout, "1 malformed note of", 2, false,
	  4, 2, 4096 },
	{ "contents without end", note_without_end, "1 malformed note of", 2, true,
	  4, 2, 4096 },
	{ "name without end", name_without_end, "1 malformed note of", 2, true,
	  4, 2, 4096 },
	{ "no name", note_without_name, "1 malformed note of", 2, true,
	  4, 2, 4096 },
	{ "segments overlap", overlapping_segment, "1 segment of", 2, false,
	  4, 2, 4096 },
	{ "segment over all", endless_segment, "3 segments of", 2, false,
	  2, 0, 4096 },
	{ "segment twice", duplicate_segment, "1 segment of", 2, false,
	  3, 1, 4096 },
	/* it is still there, so that nobody takes it for its end */
	{ "two for the stack", disputed_stack, "1 segment of", 2, false,
	  3, 2, 0 },
	{ "segment wraps", segment_wraps, "1 segment of", 2, false,
	  4, 2, 4096 },
	{ "offset wraps", segment_offset_wraps, "truncated", 2, false,
	  4, 2, 0 },
	{ "cut before zeros", cut_before_zeros, "truncated: ", 2, false,
	  4, 2, 0 },
	{ "cut in the stack", cut_in_stack, "truncated: ", 2, false,
	  4, 2, 96 },
	{ "cut in the notes", cut_in_notes, "truncated: ", 1, true, 4, 2, 0 },
	{ "notes without end", notes_larger_than_file, "truncated: ", 2, true,
	  4, 2, 4096 },
};

/* Whoever goes from one piece of data to the next comes to an end. */
static void assert_data_ends(const struct snapshot *s)
{
	for (size_t i = 0; i < s->mappings_count; i++) {
		uint64_t at = s->mappings[i].start, to = s->mappings[i].end;

		while (at < to) {
			uint64_t end;
			uint64_t start = snapshot_next_data(s, at, to, &end);

			assert_true(start >= at && start <= to);
			assert_true(start == to || end > start);
			at = end;
		}
	}
}

static void what_is_left_of_a_core(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(salvaged); i++) {
		struct image image;
		struct snapshot *s = NULL;
		uint8_t stack[4096];
		enum run_end end;
		unsigned paths = 0;
		bool said = !salvaged[i].note;

		print_message("# %s\n", salvaged[i].what);
		build(&image, 2);
		salvaged[i].damage(&image);

		struct error *err = open_image(&image, &s);

		free(image.data);
		if (err)
			fail_msg("%s", error_message(err));
		assert_int_equal(s->threads_count,
				 salvaged[i].threads + salvaged[i].lost);
		for (size_t k = 0; k < s->threads_count; k++) {
			bool lost = k == salvaged[i].threads;

			assert_int_equal(!!s->threads[k].problem, lost);
			assert_int_equal(s->threads[k].tid == 0, lost);
		}
		for (size_t k = 0; k < s->notes_count; k++)
			said |= salvaged[i].note &&
				strstr(s->notes[k], salvaged[i].note);
		assert_true(said);
		assert_int_equal(s->mappings_count, salvaged[i].mappings);
		for (size_t k = 0; k < s->mappings_count; k++)
			paths += s->mappings[k].path != NULL;
		assert_int_equal(paths, salvaged[i].paths);
		assert_int_equal(snapshot_read(s, STACK, stack, sizeof(stack),
					       &end), salvaged[i].stack);
		assert_int_equal(end, RUN_END_UNKNOWN);
		for (unsigned k = 0; k < salvaged[i].stack; k++)
			assert_int_equal(stack[k], 0xff);
		assert_data_ends(s);
		snapshot_destroy(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_examined),
		cmocka_unit_test(what_is_left_of_a_core),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
