/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elfcore.c - puts an ELF core together */
#include "export/elfcore.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "source/elfnames.h"

#define PAGE 4096

void elfcore_init(struct elfcore *e, unsigned word, uint16_t machine)
{
	*e = (struct elfcore){ .word = word, .machine = machine };
}

void elfcore_deinit(struct elfcore *e)
{
	text_deinit(&e->notes);
	free(e->pieces);
}

/* Append a little-endian word of that many bytes. */
static void put(struct text *t, uint64_t value, unsigned width)
{
	uint64_t raw = htole64(value);

	text_add_bytes(t, &raw, width);
}

/* NULs up to `size`; notes are padded to 4 bytes. */
static void put_zeros(struct text *t, size_t count)
{
	static const char zeros[64];

	for (; count > sizeof(zeros); count -= sizeof(zeros))
		text_add_bytes(t, zeros, sizeof(zeros));
	text_add_bytes(t, zeros, count);
}

static size_t padding(size_t size)
{
	return -size & 3;
}

void elfcore_add_note(struct elfcore *e, const char *owner, uint32_t type,
		      const void *data, size_t size)
{
	size_t name = strlen(owner) + 1;

	if (size > UINT32_MAX) {
		e->bad = true;
		return;
	}
	put(&e->notes, name, 4);
	put(&e->notes, size, 4);
	put(&e->notes, type, 4);
	text_add_bytes(&e->notes, owner, name);
	put_zeros(&e->notes, padding(name));
	text_add_bytes(&e->notes, data, size);
	put_zeros(&e->notes, padding(size));
}

static void store(uint8_t *to, uint64_t value, unsigned width)
{
	uint64_t raw = htole64(value);

	memcpy(to, &raw, width);
}

void elfcore_add_status(struct elfcore *e, const struct thread *t)
{
	const struct prstatus_form *form =
		coreforms_status(e->word, e->machine);
	uint8_t raw[512] = { 0 };
	uint32_t signo = 0;

	if (!form || form->size > sizeof(raw)) {
		e->bad = true;
		return;
	}
	if (t->siginfo_size >= sizeof(signo))
		memcpy(&signo, t->siginfo, sizeof(signo));
	memcpy(raw, &signo, sizeof(signo));
	memcpy(raw + PRSTATUS_CURSIG_OFF, &signo, 2);
	store(raw + form->sighold_off, t->sigmask, form->sighold_width);
	store(raw + form->pid_off, (uint64_t)t->tid, 4);
	for (unsigned i = 0; i < form->regs_count; i++) {
		uint64_t value = 0;

		if (i == form->orig_ax)
			value = (uint64_t)t->orig_rax;
		else if (form->order[i] >= 0)
			value = t->regs.r[form->order[i]];
		store(raw + form->regs_off + i * form->regs_width, value,
		      form->regs_width);
	}
	elfcore_add_note(e, "CORE", NT_PRSTATUS, raw, form->size);
}

void elfcore_add_process(struct elfcore *e, pid_t pid, const char *command)
{
	uint8_t raw[256] = { 0 };

	for (unsigned i = 0; i < COREFORMS_INFOS; i++) {
		const struct prpsinfo_form *form = &coreforms_info[i];

		if (form->word != e->word)
			continue;
		store(raw + form->pid_off, (uint64_t)pid, 4);
		memcpy(raw + form->fname_off, command,
		       strnlen(command, COREFORMS_NAME));
		elfcore_add_note(e, "CORE", NT_PRPSINFO, raw, form->size);
		return;
	}
}

void elfcore_add_auxv(struct elfcore *e, const uint64_t (*pairs)[2],
		      size_t count)
{
	struct text t = TEXT_INIT;

	for (size_t i = 0; i < count; i++) {
		put(&t, pairs[i][0], e->word);
		put(&t, pairs[i][1], e->word);
	}
	put_zeros(&t, 2 * e->word);
	e->bad |= text_bad(&t);
	elfcore_add_note(e, "CORE", NT_AUXV, text_string(&t), t.size);
	text_deinit(&t);
}

void elfcore_add_files(struct elfcore *e, const struct snapshot *s)
{
	struct text ranges = TEXT_INIT, names = TEXT_INIT, all = TEXT_INIT;
	uint64_t count = 0;

	for (size_t i = 0; i < s->mappings_count; i++) {
		const struct mapping *m = &s->mappings[i];

		if (!mapping_is_file(m))
			continue;
		count++;
		put(&ranges, m->start, e->word);
		put(&ranges, m->end, e->word);
		put(&ranges, m->offset / PAGE, e->word);
		text_add_bytes(&names, m->path, strlen(m->path) + 1);
	}
	put(&all, count, e->word);
	put(&all, PAGE, e->word);
	text_add_bytes(&all, text_string(&ranges), ranges.size);
	text_add_bytes(&all, text_string(&names), names.size);
	e->bad |= text_bad(&ranges) || text_bad(&names) || text_bad(&all);
	if (count)
		elfcore_add_note(e, "CORE", NT_FILE, text_string(&all),
				 all.size);
	text_deinit(&ranges);
	text_deinit(&names);
	text_deinit(&all);
}

void elfcore_add_layout(struct elfcore *e, const struct xstate_layout *l)
{
	struct text t = TEXT_INIT;

	for (unsigned i = XSTATE_SSE + 1; i < XSTATE_MAX; i++) {
		if (!(l->features & XSTATE_BIT(i)))
			continue;
		put(&t, i, 4);
		put(&t, l->size[i], 4);
		put(&t, l->offset[i], 4);
		put(&t, 0, 4);
	}
	e->bad |= text_bad(&t);
	elfcore_add_note(e, "LINUX", NT_X86_XSAVE_LAYOUT, text_string(&t),
			 t.size);
	text_deinit(&t);
}

void elfcore_add_piece(struct elfcore *e, struct bytes bytes, unsigned prot)
{
	struct elfcore_piece *more = reallocarray(
		e->pieces, e->pieces_count + 1, sizeof(*more));

	if (!more) {
		e->bad = true;
		return;
	}
	e->pieces = more;
	more[e->pieces_count++] = (struct elfcore_piece){ bytes, prot };
}

static uint32_t flags_of(unsigned prot)
{
	return (prot & PROT_READ ? PF_R : 0) | (prot & PROT_WRITE ? PF_W : 0) |
	       (prot & PROT_EXEC ? PF_X : 0);
}

struct phdr {
	uint32_t type, flags;
	uint64_t offset, addr, size, align;
};

/* Elf64_Phdr and Elf32_Phdr differ in where the flags are. */
static void put_phdr(struct text *t, unsigned word, const struct phdr *p)
{
	put(t, p->type, 4);
	if (word == 8)
		put(t, p->flags, 4);
	put(t, p->offset, word);
	put(t, p->addr, word);
	put(t, 0, word);
	put(t, p->size, word);
	put(t, p->type == PT_NOTE ? 0 : p->size, word);
	if (word == 4)
		put(t, p->flags, 4);
	put(t, p->align, word);
}

static void put_ehdr(const struct elfcore *e, size_t phnum, struct text *t)
{
	const uint8_t ident[EI_NIDENT] = {
		ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
		e->word == 8 ? ELFCLASS64 : ELFCLASS32,
		ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE,
	};
	size_t size = e->word == 8 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);

	text_add_bytes(t, ident, sizeof(ident));
	put(t, ET_CORE, 2);
	put(t, e->machine, 2);
	put(t, EV_CURRENT, 4);
	put(t, 0, e->word);
	put(t, size, e->word);
	put(t, 0, e->word);
	put(t, 0, 4);
	put(t, size, 2);
	put(t, e->word == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), 2);
	put(t, phnum, 2);
	put(t, 0, 2);
	put(t, 0, 2);
	put(t, 0, 2);
}

struct error *elfcore_build(const struct elfcore *e, struct text *t)
{
	size_t phnum = 1 + e->pieces_count;
	uint64_t offset = e->word == 8
				  ? sizeof(Elf64_Ehdr) +
					    phnum * sizeof(Elf64_Phdr)
				  : sizeof(Elf32_Ehdr) +
					    phnum * sizeof(Elf32_Phdr);
	struct phdr p = {
		.type = PT_NOTE, .offset = offset, .size = e->notes.size,
		.align = 4,
	};

	if (phnum >= PN_XNUM)
		return error_new(ERROR_UNSUPPORTED,
				 "too many frames for one core");
	put_ehdr(e, phnum, t);
	put_phdr(t, e->word, &p);
	offset += e->notes.size;
	for (size_t i = 0; i < e->pieces_count; i++) {
		const struct elfcore_piece *piece = &e->pieces[i];

		p = (struct phdr){
			.type = PT_LOAD, .flags = flags_of(piece->prot),
			.offset = offset, .addr = piece->bytes.addr,
			.size = piece->bytes.size, .align = 1,
		};
		put_phdr(t, e->word, &p);
		offset += piece->bytes.size;
	}
	text_add_bytes(t, text_string(&e->notes), e->notes.size);
	for (size_t i = 0; i < e->pieces_count; i++)
		text_add_bytes(t, e->pieces[i].bytes.data,
			       e->pieces[i].bytes.size);
	return e->bad || text_bad(&e->notes) || text_bad(t) ? &error_no_memory
							     : NULL;
}
