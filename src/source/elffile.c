/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elffile.c - headers, notes and build-ids of ELF images, files and memory */
#include "source/elffile.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

/* More program headers than any program or library has. */
#define PHNUM_MAX 4096
/* How files are opened that may be anything. */
#define READING (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
/* More note bytes than any of them has in one segment. */
#define NOTES_MAX (256 * 1024)

struct field {
	uint8_t off;
	uint8_t width;
};

#define FIELD(type, member)                                                    \
	{                                                                      \
		offsetof(type, member), sizeof(((type *)NULL)->member)         \
	}

/* Where the two classes keep what is wanted. */
struct elf_class {
	unsigned word;
	uint8_t ehdr_size;
	uint8_t phdr_size;
	struct field e_entry, e_phoff, e_shoff, e_phentsize, e_phnum;
	struct field sh_info;
	struct field p_type, p_flags, p_offset, p_vaddr, p_filesz, p_memsz,
		p_align;
};

#define ELF_CLASS(bits)                                                        \
	{                                                                      \
		.word = (bits) / 8,                                            \
		.ehdr_size = sizeof(Elf##bits##_Ehdr),                         \
		.phdr_size = sizeof(Elf##bits##_Phdr),                         \
		.e_entry = FIELD(Elf##bits##_Ehdr, e_entry),                   \
		.e_phoff = FIELD(Elf##bits##_Ehdr, e_phoff),                   \
		.e_shoff = FIELD(Elf##bits##_Ehdr, e_shoff),                   \
		.e_phentsize = FIELD(Elf##bits##_Ehdr, e_phentsize),           \
		.e_phnum = FIELD(Elf##bits##_Ehdr, e_phnum),                   \
		.sh_info = FIELD(Elf##bits##_Shdr, sh_info),                   \
		.p_type = FIELD(Elf##bits##_Phdr, p_type),                     \
		.p_flags = FIELD(Elf##bits##_Phdr, p_flags),                   \
		.p_offset = FIELD(Elf##bits##_Phdr, p_offset),                 \
		.p_vaddr = FIELD(Elf##bits##_Phdr, p_vaddr),                   \
		.p_filesz = FIELD(Elf##bits##_Phdr, p_filesz),                 \
		.p_memsz = FIELD(Elf##bits##_Phdr, p_memsz),                   \
		.p_align = FIELD(Elf##bits##_Phdr, p_align),                   \
	}

static const struct elf_class elf_classes[] = {
	[ELFCLASS32] = ELF_CLASS(32),
	[ELFCLASS64] = ELF_CLASS(64),
};

static const struct elf_class *class_of(const struct elffile_header *header)
{
	return &elf_classes[header->word == 8 ? ELFCLASS64 : ELFCLASS32];
}

/* 0 if outside. */
static uint64_t get(struct bytes b, struct field f)
{
	uint64_t value = 0;

	bytes_word(b, f.off, f.width, &value);
	return value;
}

size_t elffile_read(int fd, uint64_t off, void *buf, size_t size)
{
	uint8_t *out = buf;
	size_t done = 0;

	if (off > INT64_MAX || size > INT64_MAX - off)
		return 0;
	while (done < size) {
		ssize_t got = pread(fd, out + done, size - done,
				    (off_t)(off + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += got;
	}
	return done;
}

static bool read_fd(const void *arg, uint64_t at, void *buf, size_t size)
{
	return elffile_read(*(const int *)arg, at, buf, size) == size;
}

struct elffile_image elffile_image_of(const int *fd)
{
	return (struct elffile_image){ .read = read_fd, .arg = fd };
}

static bool image_read(const struct elffile_image *image, uint64_t off,
		       void *buf, size_t size)
{
	uint64_t at;

	return !__builtin_add_overflow(image->base, off, &at) &&
	       image->read(image->arg, at, buf, size);
}

/* The count that does not fit in e_phnum; PN_XNUM if it cannot be had. */
static uint32_t extended_phnum(const struct elffile_image *image,
			       const struct elf_class *class, uint64_t shoff)
{
	uint8_t raw[sizeof(uint32_t)];
	struct bytes b = { raw, sizeof(raw), 0 };
	uint32_t count;
	uint64_t off;

	if (!shoff ||
	    __builtin_add_overflow(shoff, class->sh_info.off, &off) ||
	    !image_read(image, off, raw, sizeof(raw)) ||
	    !bytes_u32(b, 0, &count) || !count)
		return PN_XNUM;
	return count;
}

struct error *elffile_header_read(const struct elffile_image *image,
				  struct elffile_header *ret)
{
	uint8_t raw[sizeof(Elf64_Ehdr)] = { 0 };
	struct bytes b = { raw, sizeof(raw), 0 };

	if (!image_read(image, 0, raw, SELFMAG) ||
	    memcmp(raw, ELFMAG, SELFMAG) != 0)
		return error_new(ERROR_BAD_INPUT, "not an ELF file");
	if (!image_read(image, 0, raw, EI_NIDENT))
		return error_new(ERROR_BAD_INPUT,
				 "the ELF header is truncated");
	if (raw[EI_CLASS] != ELFCLASS32 && raw[EI_CLASS] != ELFCLASS64)
		return error_new(ERROR_BAD_INPUT, "unknown ELF class %u",
				 raw[EI_CLASS]);
	if (raw[EI_DATA] == ELFDATA2MSB)
		return error_new(ERROR_UNSUPPORTED,
				 "a big-endian ELF file, not one of x86");
	if (raw[EI_DATA] != ELFDATA2LSB)
		return error_new(ERROR_BAD_INPUT, "unknown ELF encoding %u",
				 raw[EI_DATA]);

	const struct elf_class *class = &elf_classes[raw[EI_CLASS]];
	struct elffile_header h = { .word = class->word };

	if (!image_read(image, 0, raw, class->ehdr_size))
		return error_new(ERROR_BAD_INPUT,
				 "the ELF header is truncated");
	h.type = get(b, (struct field)FIELD(Elf32_Ehdr, e_type));
	h.machine = get(b, (struct field)FIELD(Elf32_Ehdr, e_machine));
	h.entry = get(b, class->e_entry);
	h.phoff = get(b, class->e_phoff);
	h.phnum = get(b, class->e_phnum);
	h.phentsize = get(b, class->e_phentsize);
	if (h.phnum && h.phentsize != class->phdr_size)
		return error_new(ERROR_BAD_INPUT,
				 "program headers of %u bytes instead of %u",
				 h.phentsize, class->phdr_size);
	if (h.phnum == PN_XNUM)
		h.phnum = extended_phnum(image, class, get(b, class->e_shoff));
	*ret = h;
	return NULL;
}

bool elffile_segment_decode(const struct elffile_header *header,
			    struct bytes table, uint64_t index,
			    struct elffile_segment *ret)
{
	const struct elf_class *class = class_of(header);

	if (index >= table.size / class->phdr_size)
		return false;

	struct bytes b = bytes_from(table, index * class->phdr_size);

	*ret = (struct elffile_segment){
		.type = get(b, class->p_type),
		.flags = get(b, class->p_flags),
		.offset = get(b, class->p_offset),
		.vaddr = get(b, class->p_vaddr),
		.filesz = get(b, class->p_filesz),
		.memsz = get(b, class->p_memsz),
		.align = get(b, class->p_align),
	};
	return true;
}

static uint64_t round_up(uint64_t value, unsigned align)
{
	return (value + align - 1) / align * align;
}

bool elffile_note_decode(struct bytes notes, uint64_t off, unsigned align,
			 struct elffile_note *ret)
{
	struct bytes b = bytes_from(notes, off);
	struct elffile_note note;

	if (!bytes_u32(b, 0, &note.name_size) ||
	    !bytes_u32(b, 4, &note.desc_size) || !bytes_u32(b, 8, &note.type))
		return false;
	note.desc_off = round_up((uint64_t)ELFFILE_NOTE_NAME + note.name_size,
				 align);
	note.next_off = round_up(note.desc_off + note.desc_size, align);
	*ret = note;
	return true;
}

bool elffile_note_is(struct bytes notes, uint64_t off,
		     const struct elffile_note *note, const char *name)
{
	size_t size = strlen(name) + 1;
	struct bytes b = bytes_from(notes, off);

	return note->name_size == size &&
	       bytes_has(b, ELFFILE_NOTE_NAME, size) &&
	       memcmp(b.data + ELFFILE_NOTE_NAME, name, size) == 0;
}

/* An image's header and program header table. */
struct table {
	struct elffile_header header;
	uint8_t *data;
	struct bytes bytes;
};

static void table_deinit(struct table *t)
{
	free(t->data);
}

#define CLEANUP_TABLE CLEANUP(table_deinit)

/* False if it cannot be read, or is no ordinary one. */
static bool table_read(const struct elffile_image *image, struct table *ret)
{
	struct error *err = elffile_header_read(image, &ret->header);

	if (err) {
		error_free(err);
		return false;
	}
	if (!ret->header.phnum || ret->header.phnum > PHNUM_MAX)
		return false;

	size_t size = (size_t)ret->header.phnum * ret->header.phentsize;

	ret->data = malloc(size);
	if (!ret->data ||
	    !image_read(image, ret->header.phoff, ret->data, size))
		return false;
	ret->bytes = (struct bytes){ ret->data, size, ret->header.phoff };
	return true;
}

static enum tri id_in_notes(const struct elffile_image *image, uint64_t off,
			    const struct elffile_segment *segment,
			    struct elffile_id *ret)
{
	unsigned align = segment->align == 8 ? 8 : 4;
	size_t size = segment->filesz;
	struct elffile_note note;
	CLEANUP_FREE uint8_t *data = NULL;

	if (segment->filesz > NOTES_MAX)
		return TRI_UNKNOWN;
	data = malloc(size ? size : 1);
	if (!data || !image_read(image, off, data, size))
		return TRI_UNKNOWN;

	struct bytes b = { data, size, off };

	for (uint64_t at = 0; elffile_note_decode(b, at, align, &note);
	     at += note.next_off) {
		if (note.type != NT_GNU_BUILD_ID ||
		    !elffile_note_is(b, at, &note, "GNU"))
			continue;
		if (!note.desc_size || note.desc_size > sizeof(ret->data) ||
		    !bytes_has(b, at + note.desc_off, note.desc_size))
			return TRI_UNKNOWN;
		memcpy(ret->data, data + at + note.desc_off, note.desc_size);
		ret->size = note.desc_size;
		return TRI_YES;
	}
	return TRI_NO;
}

/*
 * Look for the id in every note segment, whose place in the image differs
 * from its p_offset (in a file) or p_vaddr (in memory) by `bias`.
 */
static enum tri id_in_table(const struct elffile_image *image,
			    const struct table *table, bool memory,
			    uint64_t bias, struct elffile_id *ret)
{
	struct elffile_segment segment;
	enum tri found = TRI_NO;

	for (uint64_t i = 0; elffile_segment_decode(&table->header,
						    table->bytes, i,
						    &segment); i++) {
		if (segment.type != PT_NOTE)
			continue;

		uint64_t off = (memory ? segment.vaddr : segment.offset) - bias;
		enum tri here = id_in_notes(image, off, &segment, ret);

		if (here == TRI_YES)
			return TRI_YES;
		if (here == TRI_UNKNOWN)
			found = TRI_UNKNOWN;
	}
	return found;
}

enum tri elffile_build_id(const struct elffile_image *image,
			  struct elffile_id *ret)
{
	CLEANUP_TABLE struct table table = { .data = NULL };

	if (!table_read(image, &table))
		return TRI_UNKNOWN;
	return id_in_table(image, &table, false, 0, ret);
}

enum tri elffile_build_id_in_memory(const struct elffile_image *image,
				    struct elffile_id *ret)
{
	CLEANUP_TABLE struct table table = { .data = NULL };
	struct elffile_segment segment;

	if (!table_read(image, &table))
		return TRI_UNKNOWN;
	for (uint64_t i = 0; elffile_segment_decode(&table.header, table.bytes,
						    i, &segment); i++)
		if (segment.type == PT_LOAD)
			return id_in_table(image, &table, true,
					   segment.vaddr - segment.offset,
					   ret);
	return TRI_UNKNOWN;
}

bool elffile_id_equal(const struct elffile_id *a, const struct elffile_id *b)
{
	return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

void elffile_id_text(const struct elffile_id *id, char ret[2 * 64 + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < id->size; i++) {
		*ret++ = digits[id->data[i] >> 4];
		*ret++ = digits[id->data[i] & 15];
	}
	*ret = '\0';
}

enum tri elffile_same_headers(const struct elffile_image *a,
			      const struct elffile_image *b)
{
	CLEANUP_TABLE struct table ta = { .data = NULL };
	CLEANUP_TABLE struct table tb = { .data = NULL };

	if (!table_read(a, &ta) || !table_read(b, &tb))
		return TRI_UNKNOWN;
	return tri_of(ta.header.word == tb.header.word &&
		      ta.header.type == tb.header.type &&
		      ta.header.machine == tb.header.machine &&
		      ta.header.entry == tb.header.entry &&
		      ta.bytes.size == tb.bytes.size &&
		      memcmp(ta.data, tb.data, ta.bytes.size) == 0);
}

bool elffile_prot_at(const struct elffile_image *image, uint64_t off,
		     unsigned *ret)
{
	CLEANUP_TABLE struct table table = { .data = NULL };
	struct elffile_segment s;
	uint64_t at = 0;
	bool first = true;

	if (!table_read(image, &table))
		return false;
	for (uint64_t i = 0; elffile_segment_decode(&table.header, table.bytes,
						    i, &s); i++) {
		if (s.type != PT_LOAD)
			continue;
		if (first)
			at = s.vaddr - s.offset + off;
		first = false;

		/* What is mapped is whole pages. */
		uint64_t start = s.vaddr & ~UINT64_C(4095);

		if (at < start || at - start >= s.memsz + (s.vaddr - start))
			continue;
		*ret = elffile_prot(s.flags);
		return true;
	}
	return false;
}

static int open_in(int from, const char *root, const char *path, int flags)
{
	if (!root)
		return openat(from, path, flags);

	struct open_how how = {
		.flags = (unsigned)flags,
		.resolve = RESOLVE_IN_ROOT,
	};
	CLEANUP_FD int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -1;

	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));

	/* Before Linux 5.6 links can lead out of `root`. */
	if (fd < 0 && errno == ENOSYS)
		fd = openat(dir, path + strspn(path, "/"), flags);
	return fd;
}

int elffile_reopen(int place)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", place);
	return open(name, READING);
}

/* Takes what errno says if there is no descriptor. */
static struct error *check_regular(int from, int fd)
{
	struct stat st;

	if (fd < 0 && from != AT_FDCWD &&
	    (errno == ENOENT || errno == ENOTDIR))
		return error_new(ERROR_GONE, "no such file");
	if (fd < 0 || fstat(fd, &st))
		return error_os(errno, "cannot open");
	if (S_ISDIR(st.st_mode))
		return error_new(ERROR_BAD_INPUT, "is a directory");
	if (!S_ISREG(st.st_mode))
		return error_new(ERROR_BAD_INPUT, "is not a regular file");
	return st.st_size ? NULL : error_new(ERROR_BAD_INPUT, "is empty");
}

static struct error *open_regular(int from, const char *root,
				  const char *path, int *fd_ret)
{
	/* O_PATH does not open: looking has no effect on a FIFO or device. */
	CLEANUP_FD int place = open_in(from, root, path, O_PATH | O_CLOEXEC);
	CLEANUP_FD int fd = -1;
	struct error *err = check_regular(from, place);

	if (err)
		return err;
	/* that very file: by now, the name may lead to a device */
	fd = elffile_reopen(place);
	/* where there is no /proc */
	if (fd < 0 && errno == ENOENT)
		fd = open_in(from, root, path, READING);
	err = check_regular(from, fd);
	if (!err)
		*fd_ret = TAKE_FD(fd);
	return err;
}

struct error *elffile_open(const char *root, const char *path, int *fd_ret)
{
	return open_regular(AT_FDCWD, root, path, fd_ret);
}

struct error *elffile_open_at(int from, const char *path, int *fd_ret)
{
	return open_regular(from, NULL, path, fd_ret);
}
