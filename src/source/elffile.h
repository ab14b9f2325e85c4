/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elffile.h - headers, notes and build-ids of ELF images, files and memory */
#ifndef SIGFRAME_SOURCE_ELFFILE_H
#define SIGFRAME_SOURCE_ELFFILE_H

#include <elf.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "base/error.h"

/*
 * ELF images come from strangers, and libelf's descriptors allocate what the
 * section count claims: a sparse file of two blocks can ask for gigabytes. So
 * the few fields that are wanted are read here, one bounded read at a time.
 */

/* Where an image's bytes are: in a file, or in a process's memory. */
struct elffile_image {
	/* Copy exactly `size` bytes from `at` on; false if any is missing. */
	bool (*read)(const void *arg, uint64_t at, void *buf, size_t size);
	const void *arg;
	uint64_t base;		/* where the ELF header is */
};

/* The image in a file; `fd` must outlive it. */
struct elffile_image elffile_image_of(const int *fd);

/* The ELF header as far as it is wanted, 32-bit fields zero-extended. */
struct elffile_header {
	unsigned word;		/* bytes of an address: 4 or 8 */
	uint16_t type;		/* ET_ */
	uint16_t machine;	/* EM_ */
	uint64_t entry;
	uint64_t phoff;
	/*
	 * Entries of the program header table, section header 0 consulted for
	 * PN_XNUM; PN_XNUM itself if that cannot be read.
	 */
	uint32_t phnum;
	uint16_t phentsize;	/* right for the class, or phnum is 0 */
};

/* ERROR_BAD_INPUT or ERROR_UNSUPPORTED: not ELF, big-endian, cut short. */
struct error *elffile_header_read(const struct elffile_image *image,
				  struct elffile_header *ret) MUST_USE;

struct elffile_segment {
	uint32_t type;		/* PT_ */
	uint32_t flags;		/* PF_ */
	uint64_t offset;
	uint64_t vaddr;
	uint64_t filesz;
	uint64_t memsz;
	uint64_t align;
};

/* Entry `index` of (a part of) the table; false if outside. */
bool elffile_segment_decode(const struct elffile_header *header,
			    struct bytes table, uint64_t index,
			    struct elffile_segment *ret);

/* A note's header; offsets from the header's start. */
struct elffile_note {
	uint32_t type;
	uint32_t name_size;	/* at offset ELFFILE_NOTE_NAME */
	uint32_t desc_size;
	uint64_t desc_off;
	uint64_t next_off;	/* the next note, padding included */
};

#define ELFFILE_NOTE_NAME 12

/*
 * False if `notes` has no whole header at `off`. The name and the contents may
 * lie outside. `align` is 8 for segments with that alignment, else 4.
 */
bool elffile_note_decode(struct bytes notes, uint64_t off, unsigned align,
			 struct elffile_note *ret);

/* True if the name of the note at `off` is `name`. */
bool elffile_note_is(struct bytes notes, uint64_t off,
		     const struct elffile_note *note, const char *name);

struct elffile_id {
	uint8_t data[64];
	size_t size;
};

/*
 * The GNU build-id. NO: the image has none; UNKNOWN: the bytes that would tell
 * cannot be read, or are no ELF image. In memory the image has to be mapped as
 * its program headers say, its first page at `base`.
 */
enum tri elffile_build_id(const struct elffile_image *image,
			  struct elffile_id *ret);
enum tri elffile_build_id_in_memory(const struct elffile_image *image,
				    struct elffile_id *ret);

bool elffile_id_equal(const struct elffile_id *a, const struct elffile_id *b);

/* Hexadecimal digits and a NUL. */
void elffile_id_text(const struct elffile_id *id, char ret[2 * 64 + 1]);

/*
 * Do both images have the same header and program headers, section headers
 * (which stripping changes) aside? UNKNOWN if those of either cannot be read.
 */
enum tri elffile_same_headers(const struct elffile_image *a,
			      const struct elffile_image *b);

/*
 * PROT_ bits of the segment that is mapped `off` bytes behind the ELF header;
 * false if none is.
 */
bool elffile_prot_at(const struct elffile_image *image, uint64_t off,
		     unsigned *ret);

/* PROT_ bits for the PF_ bits of a segment. */
static inline unsigned elffile_prot(uint32_t flags)
{
	return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
	       (flags & PF_X ? PROT_EXEC : 0);
}

/* Up to `size` bytes of a file from `off` on, as many as can be read. */
size_t elffile_read(int fd, uint64_t off, void *buf, size_t size);

/*
 * Open a file for reading if it is a regular one that is not empty; nothing
 * else is opened, so a device or FIFO in its place does no harm. `root`, if
 * not NULL, is the directory that counts as "/", for links too (Linux 5.6).
 */
struct error *elffile_open(const char *root, const char *path,
			   int *fd_ret) MUST_USE;

/* The same below the directory `from`; ERROR_GONE if there is no such file. */
struct error *elffile_open_at(int from, const char *path,
			      int *fd_ret) MUST_USE;

/*
 * Open for reading what `place` is, which was opened with O_PATH, wherever its
 * name leads by now; takes /proc. -1 and errno.
 */
int elffile_reopen(int place);

#endif
