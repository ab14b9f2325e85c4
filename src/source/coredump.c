/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coredump.c - the core file itself: headers, segments, dumped bytes */
#include "source/coredump.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"

/* Linux cannot be set to more mappings than fit in memory; this is ample. */
#define SEGMENTS_MAX (4u << 20)
/* Program headers read at once. */
#define TABLE_CHUNK 1024
/* Bytes that cost more to read than to find out that there are none. */
#define HOLE_MIN 32768

/* Where the first data at or behind a segment's start are, and their end. */
struct known_data {
	uint64_t start;		/* offsets in the file; UINT64_MAX: none */
	uint64_t end;		/* 0: not asked yet */
};

struct coredump_hints {
	size_t segment;		/* index of the last that was sought */
	struct known_data first[];	/* by index of the segment */
};

static const struct {
	uint16_t type;
	const char *name;
} elf_types[] = {
	{ ET_REL, "an object file" },
	{ ET_EXEC, "an executable" },
	{ ET_DYN, "a program or shared library" },
};

static const struct {
	uint16_t machine;
	const char *name;
} elf_machines[] = {
	{ EM_ARM, "ARM" },
	{ EM_AARCH64, "AArch64" },
	{ EM_RISCV, "RISC-V" },
	{ EM_PPC, "PowerPC" },
	{ EM_PPC64, "64-bit PowerPC" },
	{ EM_S390, "S/390" },
	{ EM_MIPS, "MIPS" },
	{ EM_SPARCV9, "SPARC" },
	{ EM_LOONGARCH, "LoongArch" },
};

static struct error *check_header(const struct elffile_header *h)
{
	if (h->type != ET_CORE) {
		for (unsigned i = 0; i < ARRAY_SIZE(elf_types); i++)
			if (elf_types[i].type == h->type)
				return error_new(ERROR_UNSUPPORTED,
						 "not a core but %s",
						 elf_types[i].name);
		return error_new(ERROR_UNSUPPORTED,
				 "not a core: ELF type %u", h->type);
	}
	if (h->machine == EM_X86_64 || h->machine == EM_386)
		return NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(elf_machines); i++)
		if (elf_machines[i].machine == h->machine)
			return error_new(ERROR_UNSUPPORTED,
					 "a core of %s, not of x86",
					 elf_machines[i].name);
	return error_new(ERROR_UNSUPPORTED,
			 "a core of ELF machine %u, not of x86", h->machine);
}

/* Read the header; says what the file is if not a core. */
static struct error *read_header(struct coredump *d)
{
	struct elffile_image image = elffile_image_of(&d->fd);
	struct error *err;
	struct stat st;

	if (fstat(d->fd, &st))
		return error_os(errno, "cannot examine");
	d->size = (uint64_t)st.st_size;
	err = elffile_header_read(&image, &d->header);
	return err ? err : check_header(&d->header);
}

static struct error *add_note_segment(struct coredump *d, uint64_t off,
				      uint64_t size)
{
	struct note_segment *notes = array_grow(d->notes, d->notes_count,
					  sizeof(*notes));

	if (!notes)
		return &error_no_memory;
	d->notes = notes;
	notes[d->notes_count++] = (struct note_segment){ off, size };
	return NULL;
}

static struct error *add_segment(struct coredump *d,
				 const struct elffile_segment *p,
				 uint32_t index)
{
	struct core_segment s = {
		.start = p->vaddr,
		.offset = p->offset,
		.filesz = p->filesz < p->memsz ? p->filesz : p->memsz,
		.prot = elffile_prot(p->flags),
		.index = index,
	};

	if (!p->memsz)
		return NULL;
	/* a size that makes no sense does not take the bytes away */
	if (__builtin_add_overflow(s.start, p->memsz, &s.end)) {
		d->damaged++;
		s.end = s.start + s.filesz;
		if (s.end <= s.start)
			return NULL;
	}
	if (s.offset < d->size)
		s.dumped = d->size - s.offset < s.filesz
				   ? d->size - s.offset
				   : s.filesz;

	struct core_segment *segments = array_grow(d->segments,
					     d->segments_count,
					     sizeof(*segments));

	if (!segments)
		return &error_no_memory;
	d->segments = segments;
	segments[d->segments_count++] = s;
	return NULL;
}

static struct error *add_header(struct coredump *d,
				const struct elffile_segment *p,
				uint32_t index)
{
	uint64_t end;

	if (p->type != PT_NOTE && p->type != PT_LOAD)
		return NULL;
	if (__builtin_add_overflow(p->offset, p->filesz, &end))
		end = UINT64_MAX;
	if (p->filesz && end > d->wanted_size)
		d->wanted_size = end;
	return p->type == PT_NOTE
		       ? add_note_segment(d, p->offset, p->filesz)
		       : add_segment(d, p, index);
}

/*
 * The kernel puts the section header with the true count at the end of the
 * core, where truncation takes it; but the notes follow the table directly.
 */
static uint32_t count_headers(const struct coredump *d,
			      const struct elffile_image *image)
{
	const struct elffile_header *h = &d->header;
	uint8_t raw[sizeof(Elf64_Phdr)];
	struct bytes b = { raw, h->phentsize, h->phoff };
	struct elffile_segment first;

	if (h->phnum != PN_XNUM ||
	    !image->read(image->arg, h->phoff, raw, h->phentsize) ||
	    !elffile_segment_decode(h, b, 0, &first) ||
	    first.type != PT_NOTE || first.offset <= h->phoff ||
	    (first.offset - h->phoff) / h->phentsize > SEGMENTS_MAX)
		return h->phnum;
	return (first.offset - h->phoff) / h->phentsize;
}

static struct error *read_headers(struct coredump *d)
{
	const struct elffile_header *h = &d->header;
	struct elffile_image image = elffile_image_of(&d->fd);
	CLEANUP_FREE uint8_t *chunk = NULL;
	uint32_t count = count_headers(d, &image);
	struct error *err = NULL;

	if (!count)
		return error_new(ERROR_BAD_INPUT, "no program headers");
	if (count > SEGMENTS_MAX)
		return error_new(ERROR_BAD_INPUT, "%u program headers", count);
	if (h->phoff > d->size ||
	    (uint64_t)count * h->phentsize > d->size - h->phoff)
		return error_new(ERROR_BAD_INPUT,
				 "the program headers are truncated");
	chunk = malloc((size_t)TABLE_CHUNK * h->phentsize);
	if (!chunk)
		return &error_no_memory;
	for (uint32_t i = 0; i < count && !err;) {
		uint32_t n = count - i < TABLE_CHUNK ? count - i : TABLE_CHUNK;
		uint64_t off = h->phoff + (uint64_t)i * h->phentsize;
		struct bytes b = { chunk, (size_t)n * h->phentsize, off };
		struct elffile_segment p;

		if (!image.read(image.arg, off, chunk, b.size))
			return error_new(ERROR_BAD_INPUT,
					 "the program headers cannot be read");
		for (uint32_t k = 0; k < n && !err; k++, i++)
			if (elffile_segment_decode(h, b, k, &p))
				err = add_header(d, &p, i);
	}
	return err;
}

static int compare_segments(const void *a, const void *b)
{
	const struct core_segment *x = a, *y = b;

	if (x->start != y->start)
		return x->start > y->start ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

static void cut_front(struct core_segment *s, uint64_t start)
{
	uint64_t cut = start - s->start;

	s->start = start;
	s->offset += cut;
	s->filesz -= cut < s->filesz ? cut : s->filesz;
	s->dumped -= cut < s->dumped ? cut : s->dumped;
}

static void cut_end(struct core_segment *s, uint64_t end)
{
	uint64_t size = end - s->start;

	s->end = end;
	if (s->filesz > size)
		s->filesz = size;
	if (s->dumped > size)
		s->dumped = size;
}

/*
 * `next` starts in `s`. Bytes that the file has go before those that it should
 * have; where it has both, nobody knows which are right, and neither is taken:
 * they stay with `s`, as if they were missing. Each may be empty then.
 */
static void divide(struct core_segment *s, struct core_segment *next)
{
	struct core_segment rest = *s;
	uint64_t start = next->start;
	bool same = next->offset - s->offset == start - s->start;

	if (!next->dumped || (same && s->dumped)) {
		cut_front(next, s->end < next->end ? s->end : next->end);
		return;
	}
	if (s->dumped <= start - s->start) {
		cut_end(s, start);
		return;
	}
	/* what is left of the one that ends later */
	if (s->end > next->end) {
		cut_end(s, next->end);
		cut_front(&rest, next->end);
		*next = rest;
	} else {
		cut_front(next, s->end);
	}
	s->filesz = s->end - s->start;
	s->dumped = start - s->start;
}

static void sort_segments(struct coredump *d)
{
	struct core_segment *s = d->segments;
	uint64_t disputed = 0;		/* below, nothing more is taken */
	size_t kept = 0;

	if (d->segments_count)
		qsort(s, d->segments_count, sizeof(*s), compare_segments);
	for (size_t i = 0; i < d->segments_count; i++) {
		struct core_segment next = s[i];
		struct core_segment *last = kept ? &s[kept - 1] : NULL;
		bool over = next.start < disputed;

		/* first: what is left of an earlier one may start later */
		if (over)
			cut_front(&next, disputed < next.end ? disputed
							     : next.end);
		if (last && next.start < next.end && next.start < last->end) {
			over = true;
			divide(last, &next);
		}
		d->damaged += over;
		if (over && next.start > disputed)
			disputed = next.start;
		if (last && last->start == last->end)
			kept--;
		if (next.start < next.end)
			s[kept++] = next;
	}
	d->segments_count = kept;
}

/* The first segment that ends behind `addr`, or NULL. */
static const struct core_segment *segment_from(const struct coredump *d,
					       uint64_t addr)
{
	size_t low = 0, high = d->segments_count;
	size_t last = d->hints->segment;

	if (last < high && addr >= d->segments[last].start &&
	    addr < d->segments[last].end)
		return &d->segments[last];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (d->segments[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == d->segments_count)
		return NULL;
	d->hints->segment = low;
	return &d->segments[low];
}

const struct core_segment *coredump_segment(const struct coredump *d,
					    uint64_t addr)
{
	const struct core_segment *s = segment_from(d, addr);

	return s && s->start <= addr ? s : NULL;
}

/* Offsets of the next data at or behind `off` and of its end; false: none. */
static bool file_data(int fd, uint64_t off, uint64_t *start_ret,
		      uint64_t *end_ret)
{
	off_t start = lseek(fd, (off_t)off, SEEK_DATA);
	off_t end;

	/* not every file system knows its holes */
	if (start < 0 && errno != ENXIO)
		start = (off_t)off;
	if (start < 0)
		return false;
	end = lseek(fd, start, SEEK_HOLE);
	*start_ret = (uint64_t)start;
	*end_ret = end > start ? (uint64_t)end : UINT64_MAX;
	return true;
}

/* The same from `skip` bytes behind the start of a segment on. */
static bool data_in(const struct coredump *d, const struct core_segment *s,
		    uint64_t skip, uint64_t *start_ret, uint64_t *end_ret)
{
	struct known_data *known = &d->hints->first[s - d->segments];
	uint64_t off = s->offset + skip;

	if (!skip && !known->end &&
	    !file_data(d->fd, off, &known->start, &known->end))
		*known = (struct known_data){ UINT64_MAX, UINT64_MAX };
	if (off >= known->end)
		return file_data(d->fd, off, start_ret, end_ret);
	*start_ret = off > known->start ? off : known->start;
	*end_ret = known->end;
	return known->start != UINT64_MAX;
}

/*
 * How many of `size` bytes from `skip` on are in a hole in front of the
 * segment's first data. For a few bytes it is not worth while to ask.
 */
static size_t hole_size(const struct coredump *d, const struct core_segment *s,
			uint64_t skip, size_t size)
{
	const struct known_data *known = &d->hints->first[s - d->segments];
	uint64_t off = s->offset + skip, start, end;

	if (!known->end && size >= HOLE_MIN)
		data_in(d, s, 0, &start, &end);
	if (!known->end || off >= known->start)
		return 0;
	return known->start - off < size ? known->start - off : size;
}

size_t coredump_read(const struct coredump *d, uint64_t addr, void *buf,
		     size_t size)
{
	const struct core_segment *s = coredump_segment(d, addr);

	if (!s || addr - s->start >= s->dumped)
		return 0;

	uint64_t skip = addr - s->start;

	if (size > s->dumped - skip)
		size = s->dumped - skip;

	size_t zeros = hole_size(d, s, skip, size);

	if (zeros) {
		memset(buf, 0, zeros);
		return zeros;
	}
	return elffile_read(d->fd, s->offset + skip, buf, size);
}

/* The same within the segment `s`, `from` in it. */
static uint64_t segment_data(const struct coredump *d,
			     const struct core_segment *s, uint64_t from,
			     uint64_t *end_ret)
{
	uint64_t skip = from - s->start, start, end;

	*end_ret = s->start + s->filesz;
	/* what truncation took is not known to be nothing */
	if (skip < s->filesz && skip >= s->dumped)
		return from;
	if (skip >= s->filesz)
		return s->end;
	if (!data_in(d, s, skip, &start, &end) ||
	    start - s->offset >= s->dumped)
		return s->start + (s->dumped < s->filesz ? s->dumped
							 : s->end - s->start);
	if (end - s->offset < s->dumped)
		*end_ret = s->start + (end - s->offset);
	return s->start + (start - s->offset);
}

uint64_t coredump_next_data(const struct coredump *d, uint64_t from,
			    uint64_t to, uint64_t *end_ret)
{
	for (uint64_t at = from; at < to;) {
		const struct core_segment *s = segment_from(d, at);
		uint64_t start;

		if (!s || s->start >= to)
			break;
		start = segment_data(d, s, at > s->start ? at : s->start,
				     end_ret);
		if (start < s->end) {
			if (*end_ret > to)
				*end_ret = to;
			return start < to ? start : to;
		}
		at = s->end;
	}
	*end_ret = to;
	return to;
}

static bool read_all(const void *arg, uint64_t at, void *buf, size_t size)
{
	uint8_t *out = buf;

	while (size) {
		size_t got = coredump_read(arg, at, out, size);

		if (!got)
			return false;
		out += got;
		at += got;
		size -= got;
	}
	return true;
}

struct elffile_image coredump_image(const struct coredump *d)
{
	return (struct elffile_image){ .read = read_all, .arg = d };
}

struct error *coredump_open(struct coredump *d)
{
	struct error *err = read_header(d);

	if (!err)
		err = read_headers(d);
	if (err)
		return err;
	sort_segments(d);
	d->hints = calloc(1, sizeof(*d->hints) + d->segments_count *
						 sizeof(*d->hints->first));
	return d->hints ? NULL : &error_no_memory;
}

void coredump_deinit(struct coredump *d)
{
	free(d->segments);
	free(d->hints);
	free(d->notes);
	cleanup_close(&d->fd);
}
