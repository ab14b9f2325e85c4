/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image.c - ELF files put together from memory */
#include "locate/image.h"

#include <elf.h>
#include <stdlib.h>

/* Offsets in ELF headers and their sizes, for both classes. */
struct elf_shape {
	uint8_t word;
	uint8_t size;
	uint8_t phoff;
	uint8_t shoff;
	uint8_t phentsize;
	uint8_t phnum;
	uint8_t shnum;
	uint8_t shstrndx;
	struct {
		uint8_t size;
		uint8_t offset;
		uint8_t vaddr;
		uint8_t filesz;
	} ph;
};

static const struct elf_shape elf64_shape = {
	.word = 8, .size = 64, .phoff = 32, .shoff = 40, .phentsize = 54,
	.phnum = 56, .shnum = 60, .shstrndx = 62,
	.ph = { .size = 56, .offset = 8, .vaddr = 16, .filesz = 32 },
};

static const struct elf_shape elf32_shape = {
	.word = 4, .size = 52, .phoff = 28, .shoff = 32, .phentsize = 42,
	.phnum = 44, .shnum = 48, .shstrndx = 50,
	.ph = { .size = 32, .offset = 4, .vaddr = 8, .filesz = 16 },
};

enum { EHDR_MACHINE = 18, PHDR_MAX = 56, PHDRS_MAX = 64 };

#define IMAGE_MAX (UINT64_C(64) << 20)
#define PAGE_MASK UINT64_C(0xfff)

/* NULL if the header is not that of code for this machine. */
static const struct elf_shape *elf_shape(struct bytes b)
{
	uint16_t machine;

	if (!bytes_has(b, 0, IMAGE_HEADER_SIZE) ||
	    memcmp(b.data, ELFMAG, SELFMAG) != 0 ||
	    b.data[EI_DATA] != ELFDATA2LSB ||
	    !bytes_u16(b, EHDR_MACHINE, &machine))
		return NULL;
	if (machine == EM_X86_64 && b.data[EI_CLASS] == ELFCLASS64)
		return &elf64_shape;
	if ((machine == EM_X86_64 || machine == EM_386) &&
	    b.data[EI_CLASS] == ELFCLASS32)
		return &elf32_shape;
	return NULL;
}

struct segment {
	uint64_t offset;
	uint64_t vaddr;
	uint64_t size;
};

/* The loadable segment of row `index`; false if it is none. */
static bool segment_decode(const struct elf_shape *shape, struct bytes phdrs,
			   unsigned index, struct segment *ret)
{
	struct bytes b = bytes_from(phdrs, (uint64_t)index * shape->ph.size);
	uint32_t type;

	return bytes_u32(b, 0, &type) && type == PT_LOAD &&
	       bytes_word(b, shape->ph.offset, shape->word, &ret->offset) &&
	       bytes_word(b, shape->ph.vaddr, shape->word, &ret->vaddr) &&
	       bytes_word(b, shape->ph.filesz, shape->word, &ret->size) &&
	       ret->offset <= IMAGE_MAX && ret->size <= IMAGE_MAX;
}

bool image_is_x86(struct bytes header)
{
	return elf_shape(header);
}

uint8_t *image_build(const struct snapshot *s, uint64_t base, uint64_t end,
		     size_t *size_ret)
{
	uint8_t header[IMAGE_HEADER_SIZE];
	uint8_t table[PHDRS_MAX * PHDR_MAX];
	struct bytes b = { header, sizeof(header), base };
	struct segment seg, first = { .size = 0 };
	uint64_t phoff, size;
	uint16_t phnum, phentsize;
	enum run_end why;

	if (snapshot_read(s, base, header, sizeof(header), &why) !=
	    sizeof(header))
		return NULL;

	const struct elf_shape *shape = elf_shape(b);

	if (!shape || !bytes_word(b, shape->phoff, shape->word, &phoff) ||
	    !bytes_u16(b, shape->phnum, &phnum) ||
	    !bytes_u16(b, shape->phentsize, &phentsize) ||
	    phentsize != shape->ph.size || !phnum || phnum > PHDRS_MAX ||
	    phoff > PAGE_MASK)
		return NULL;

	struct bytes phdrs = { table, (size_t)phnum * phentsize, base + phoff };

	if (snapshot_read(s, base + phoff, table, phdrs.size, &why) !=
	    phdrs.size)
		return NULL;
	size = phoff + phdrs.size;
	if (size < sizeof(header))
		size = sizeof(header);
	for (unsigned i = 0; i < phnum; i++) {
		if (!segment_decode(shape, phdrs, i, &seg))
			continue;
		if (!first.size)
			first = seg;
		if (seg.offset + seg.size > size)
			size = seg.offset + seg.size;
	}
	/* a file is not larger than what it is mapped to */
	if (!first.size || first.offset > PAGE_MASK ||
	    size > end - base + PAGE_MASK)
		return NULL;

	uint8_t *image = calloc(1, size);

	if (!image)
		return NULL;
	for (unsigned i = 0; i < phnum; i++) {
		if (!segment_decode(shape, phdrs, i, &seg))
			continue;

		uint64_t addr = base - (first.vaddr & ~PAGE_MASK) + seg.vaddr;

		if (addr >= base && addr < end)
			snapshot_read(s, addr, image + seg.offset, seg.size,
				      &why);
	}
	memcpy(image, header, shape->size);
	memcpy(image + phoff, table, phdrs.size);
	memset(image + shape->shoff, 0, shape->word);
	memset(image + shape->shnum, 0, 2);
	memset(image + shape->shstrndx, 0, 2);
	*size_ret = size;
	return image;
}
