/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker.c - a program that exists in synthesised cores only */
#include "worker.h"

#include <elf.h>
#include <endian.h>
#include <string.h>

#include "base/cleanup.h"

/* Where its parts lie; file offsets are addresses. */
enum {
	DYNAMIC = 0x180,
	HASH = 0x200,
	SYMBOLS = 0x240,
	STRINGS = 0x380,
	EH_FRAME_HDR = 0x400,
	EH_FRAME = 0x408,
};

/* An instruction and the end: `sub`, the body, `add`, `ret`. */
#define LEAF(...) 0x48, 0x83, 0xec, WORKER_LEAF_STACK, __VA_ARGS__,            \
		  0x48, 0x83, 0xc4, WORKER_LEAF_STACK, 0xc3

static const struct function {
	uint16_t offset;
	const char *name;
	uint8_t stack;		/* bytes that the first instruction takes */
	uint8_t size;
	uint8_t code[20];
} functions[] = {
	/* sub $8,%rsp; call add_sse; ud2 */
	{ WORKER_MAIN, "worker_main", 0, 11,
	  { 0x48, 0x83, 0xec, 0x08, 0xe8, 0x17, 0, 0, 0, 0x0f, 0x0b } },
	/* paddd %xmm1,%xmm0 */
	{ WORKER_ADD_SSE, "add_sse", WORKER_LEAF_STACK, 13,
	  { LEAF(0x66, 0x0f, 0xfe, 0xc1) } },
	/* vaddps %ymm3,%ymm4,%ymm4 */
	{ WORKER_ADD_AVX, "add_avx", WORKER_LEAF_STACK, 13,
	  { LEAF(0xc5, 0xdc, 0x58, 0xe3) } },
	/* vpaddd %zmm3,%zmm4,%zmm4 */
	{ WORKER_ADD_AVX512, "add_avx512", WORKER_LEAF_STACK, 15,
	  { LEAF(0x62, 0xf1, 0x5d, 0x48, 0xfe, 0xe3) } },
	/* sub $24,%rsp; pause; jmp to the pause */
	{ WORKER_HANDLER, "on_signal", WORKER_HANDLER_STACK, 8,
	  { 0x48, 0x83, 0xec, WORKER_HANDLER_STACK, 0xf3, 0x90, 0xeb, 0xfc } },
	/* mov $15,%rax; syscall */
	{ WORKER_RESTORER, "restore_rt", 0, 9,
	  { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 } },
};

static uint8_t *put(uint8_t *at, uint64_t value, unsigned width)
{
	uint64_t raw = htole64(value);

	memcpy(at, &raw, width);
	return at + width;
}

/* `word` is that of the ELF class: 8 bytes, or 4 for x32. */
static void write_segment(uint8_t *at, unsigned word, uint32_t type,
			  uint32_t flags, uint64_t offset, uint64_t size)
{
	at = put(at, type, 4);
	if (word == 8)
		at = put(at, flags, 4);
	at = put(at, offset, word);
	at = put(at, offset, word);	/* p_vaddr */
	at = put(at, offset, word);	/* p_paddr */
	at = put(at, size, word);
	at = put(at, size, word);
	if (word == 4)
		at = put(at, flags, 4);
	put(at, type == PT_LOAD ? 4096 : 8, word);
}

static void write_headers(uint8_t *image, unsigned word)
{
	const uint8_t ident[EI_NIDENT] = {
		ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
		word == 8 ? ELFCLASS64 : ELFCLASS32, ELFDATA2LSB, EV_CURRENT,
	};
	size_t header = word == 8 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t segment = word == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint8_t *at = image + EI_NIDENT;

	memcpy(image, ident, sizeof(ident));
	at = put(at, ET_DYN, 2);
	at = put(at, EM_X86_64, 2);
	at = put(at, EV_CURRENT, 4);
	at = put(at, WORKER_MAIN, word);
	at = put(at, header, word);
	at = put(at, 0, word);		/* e_shoff */
	at = put(at, 0, 4);
	at = put(at, header, 2);
	at = put(at, segment, 2);
	at = put(at, 3, 2);
	put(at, word == 8 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), 2);

	at = image + header;
	write_segment(at, word, PT_LOAD, PF_R | PF_X, 0, WORKER_SIZE);
	at += segment;
	write_segment(at, word, PT_DYNAMIC, PF_R, DYNAMIC, HASH - DYNAMIC);
	at += segment;
	write_segment(at, word, PT_GNU_EH_FRAME, PF_R, EH_FRAME_HDR, 8);
}

static uint8_t *write_symbol(uint8_t *at, unsigned word, uint64_t name,
			     const struct function *f)
{
	at = put(at, name, 4);
	if (word == 4) {
		at = put(at, f->offset, 4);
		at = put(at, f->size, 4);
	}
	at = put(at, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 1);
	at = put(at, STV_DEFAULT, 1);
	at = put(at, 1, 2);		/* any section: defined */
	if (word == 8) {
		at = put(at, f->offset, 8);
		at = put(at, f->size, 8);
	}
	return at;
}

static void write_symbols(uint8_t *image, unsigned word)
{
	const uint64_t count = ARRAY_SIZE(functions) + 1;
	size_t size = word == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint8_t *symbol = image + SYMBOLS + size;
	uint8_t *name = image + STRINGS + 1;
	uint8_t *at = image + HASH;

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		const struct function *f = &functions[i];

		symbol = write_symbol(symbol, word,
				      (uint64_t)(name - image - STRINGS), f);
		memcpy(name, f->name, strlen(f->name) + 1);
		name += strlen(f->name) + 1;
	}

	/* one chain of all: it is there to say how many there are */
	at = put(at, 1, 4);
	at = put(at, count, 4);
	at = put(at, 1, 4);
	for (uint64_t i = 0; i < count; i++)
		at = put(at, i && i + 1 < count ? i + 1 : 0, 4);

	const uint64_t dynamic[][2] = {
		{ DT_HASH, HASH },
		{ DT_SYMTAB, SYMBOLS },
		{ DT_STRTAB, STRINGS },
		{ DT_SYMENT, size },
		{ DT_STRSZ, (uint64_t)(name - image - STRINGS) },
		{ DT_NULL, 0 },
	};

	at = image + DYNAMIC;
	for (size_t i = 0; i < ARRAY_SIZE(dynamic); i++) {
		at = put(at, dynamic[i][0], word);
		at = put(at, dynamic[i][1], word);
	}
}

enum {
	CFA_ADVANCE_4 = 0x44,
	CFA_OFFSET_RA = 0x90,
	CFA_UNDEFINED = 0x07,
	CFA_DEF_CFA = 0x0c,
	CFA_DEF_CFA_OFFSET = 0x0e,
	DWARF_RSP = 7,
	DWARF_RA = 16,
	PCREL_SDATA4 = 0x1b,
	OMIT = 0xff,
	ENTRY = 24,		/* bytes of a CIE or FDE, length included */
};

/* See the LSB on .eh_frame; one entry for each function. */
static void write_unwind_information(uint8_t *image)
{
	static const uint8_t cie[ENTRY - 8] = {
		1, 'z', 'R', 0, 1, 0x78, DWARF_RA, 1, PCREL_SDATA4,
		CFA_DEF_CFA, DWARF_RSP, 8, CFA_OFFSET_RA, 1,
	};
	uint8_t *at = image + EH_FRAME_HDR;

	at = put(at, 1, 1);
	at = put(at, PCREL_SDATA4, 1);
	at = put(at, OMIT, 1);
	at = put(at, OMIT, 1);
	at = put(at, EH_FRAME - (EH_FRAME_HDR + 4), 4);

	at = put(at, ENTRY - 4, 4);
	at = put(at, 0, 4);
	memcpy(at, cie, sizeof(cie));
	at += sizeof(cie);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		const struct function *f = &functions[i];
		uint64_t start = (uint64_t)(at - image);
		uint8_t *fde = at;

		if (f->offset == WORKER_RESTORER)
			continue;	/* known by its bytes */
		fde = put(fde, ENTRY - 4, 4);
		fde = put(fde, start + 4 - EH_FRAME, 4);
		fde = put(fde, f->offset - (start + 8), 4);
		fde = put(fde, f->size, 4);
		fde = put(fde, 0, 1);
		if (f->stack) {
			fde = put(fde, CFA_ADVANCE_4, 1);
			fde = put(fde, CFA_DEF_CFA_OFFSET, 1);
			put(fde, f->stack + 8, 1);
		} else {
			fde = put(fde, CFA_UNDEFINED, 1);
			put(fde, DWARF_RA, 1);
		}
		at += ENTRY;
	}
}

void worker_write(bool x32, uint8_t *ret)
{
	/* mov $0x40000201,%rax: number 513 of the x32 ABI */
	static const uint8_t number_x32[] = { 0x01, 0x02, 0x00, 0x40 };
	unsigned word = x32 ? 4 : 8;

	memset(ret, 0, WORKER_SIZE);
	write_headers(ret, word);
	write_symbols(ret, word);
	write_unwind_information(ret);
	memset(ret + WORKER_MAIN, 0x90, WORKER_SIZE - WORKER_MAIN);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		memcpy(ret + functions[i].offset, functions[i].code,
		       functions[i].size);
	if (x32)
		memcpy(ret + WORKER_RESTORER + 3, number_x32,
		       sizeof(number_x32));
}
