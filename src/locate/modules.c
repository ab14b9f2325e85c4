/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modules.c - the ELF files that a process has mapped */
#include "locate/modules.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

/* More than any process has; libdw's list of them is searched linearly. */
enum { MODULES_MAX = 8192 };

/* One file, mapped once. */
struct module {
	const struct snapshot *snapshot;
	const struct mapping *mapping;	/* the first one: the ELF header's */
	uint64_t end;
	bool memory;			/* there is no file behind it */
	uint8_t *image;			/* put together from memory, or NULL */
};

/* An answer of modules_place(). */
struct known_place {
	bool used;
	uint64_t pc;
	struct code_place place;
};

struct modules {
	const struct snapshot *snapshot;
	Dwfl *dwfl;
	struct module *modules;
	size_t modules_count;
	struct known_place *places;	/* hashed by pc, never more than half
					   full */
	size_t places_count;
	size_t places_room;		/* a power of two */
};

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

enum { EHDR_MACHINE = 18, EHDR_MAX = 64, PHDR_MAX = 56, PHDRS_MAX = 64 };

#define IMAGE_MAX (UINT64_C(64) << 20)
#define PAGE_MASK UINT64_C(0xfff)

/* NULL if the header is not that of code for this machine. */
static const struct elf_shape *elf_shape(struct bytes b)
{
	uint16_t machine;

	if (!bytes_has(b, 0, EHDR_MAX) || memcmp(b.data, ELFMAG, SELFMAG) ||
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

/*
 * The file as far as its segments tell, without section headers, in a buffer
 * that stays with the module. NULL if it cannot be put together.
 */
static Elf *module_image(struct module *m)
{
	const struct snapshot *s = m->snapshot;
	uint64_t base = m->mapping->start;
	uint8_t header[EHDR_MAX];
	uint8_t table[PHDRS_MAX * PHDR_MAX];
	struct bytes b = { header, sizeof(header), base };
	struct segment seg, first = { .size = 0 };
	uint64_t phoff, size;
	uint16_t phnum, phentsize;
	enum run_end end;

	if (snapshot_read(s, base, header, sizeof(header), &end) !=
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

	if (snapshot_read(s, base + phoff, table, phdrs.size, &end) !=
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
	if (!first.size || first.offset > PAGE_MASK)
		return NULL;

	uint8_t *image = calloc(1, size);

	if (!image)
		return NULL;
	for (unsigned i = 0; i < phnum; i++) {
		if (!segment_decode(shape, phdrs, i, &seg))
			continue;

		uint64_t addr = base - (first.vaddr & ~PAGE_MASK) + seg.vaddr;

		if (addr >= base && addr < m->end)
			snapshot_read(s, addr, image + seg.offset, seg.size,
				      &end);
	}
	memcpy(image, header, shape->size);
	memcpy(image + phoff, table, phdrs.size);
	memset(image + shape->shoff, 0, shape->word);
	memset(image + shape->shnum, 0, 2);
	memset(image + shape->shstrndx, 0, 2);
	free(m->image);
	m->image = image;
	return elf_memory((char *)image, size);
}

static int find_elf(Dwfl_Module *mod, void **userdata, const char *name,
		    Dwarf_Addr base, char **file_name, Elf **elf)
{
	struct module *m = *userdata;
	uint8_t header[EHDR_MAX];
	CLEANUP_FD int fd = -1;

	(void)mod;
	(void)base;
	if (!m)
		return -1;
	if (!m->memory) {
		struct error *err = snapshot_open_file(m->snapshot, m->mapping,
						       &fd);

		error_free(err);
		if (!err && pread(fd, header, sizeof(header), 0) ==
				    (ssize_t)sizeof(header)) {
			if (!elf_shape((struct bytes){ header, sizeof(header),
						       0 }))
				return -1;
			*file_name = strdup(name);
			return TAKE_FD(fd);
		}
	}
	*elf = module_image(m);
	return -1;
}

/*
 * Debug information only from this machine: never from a server, which libdw
 * would ask if the environment named one.
 */
static char local_debug[] = "+:.debug:/usr/lib/debug";
static char *debuginfo_path = local_debug;

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.debuginfo_path = &debuginfo_path,
};

static bool same_file(const struct mapping *a, const struct mapping *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       !strcmp(a->path, b->path);
}

static bool is_vdso(const struct snapshot *s, const struct mapping *m)
{
	if (m->path)
		return !strcmp(m->path, "[vdso]");
	return s->vdso && m->start == s->vdso;
}

/*
 * Group the mappings by file. A file starts with its ELF header; parts of it
 * may have been replaced by nameless memory.
 */
static void find_modules(struct modules *ms)
{
	const struct snapshot *s = ms->snapshot;
	struct module *open = NULL;
	bool open_exec = false, between_exec = false;

	for (size_t i = 0; i < s->mappings_count; i++) {
		const struct mapping *m = &s->mappings[i];
		bool exec = m->prot & PROT_EXEC;
		bool vdso = is_vdso(s, m);

		if (!m->path && !vdso) {
			between_exec |= exec;
			continue;
		}
		if (!vdso && m->path[0] != '/')
			continue;
		if (open && !vdso && !open->memory && m->offset &&
		    same_file(open->mapping, m)) {
			open->end = m->end;
			open_exec |= exec | between_exec;
			between_exec = false;
			continue;
		}
		if (open && !open_exec)
			ms->modules_count--;
		open = NULL;
		if ((m->offset && !vdso) || ms->modules_count == MODULES_MAX)
			continue;
		open = &ms->modules[ms->modules_count++];
		*open = (struct module){
			.snapshot = s,
			.mapping = m,
			.end = m->end,
			.memory = vdso,
		};
		open_exec = exec;
		between_exec = false;
	}
	if (open && !open_exec)
		ms->modules_count--;
}

static struct error *dwfl_error(void)
{
	return error_new(ERROR_OS, "libdw: %s", dwfl_errmsg(-1));
}

struct error *modules_create(const struct snapshot *s, struct modules **ret)
{
	struct modules *ms = calloc(1, sizeof(*ms));
	size_t room = s->mappings_count < MODULES_MAX ? s->mappings_count
						      : MODULES_MAX;

	if (!ms)
		return &error_no_memory;
	ms->snapshot = s;
	ms->modules = calloc(room + 1, sizeof(*ms->modules));
	ms->dwfl = dwfl_begin(&callbacks);
	if (!ms->modules || !ms->dwfl) {
		struct error *err = ms->modules ? dwfl_error()
						: &error_no_memory;

		modules_destroy(ms);
		return err;
	}
	find_modules(ms);

	dwfl_report_begin(ms->dwfl);
	for (size_t i = 0; i < ms->modules_count; i++) {
		struct module *m = &ms->modules[i];
		const char *name = m->memory ? "[vdso]" : m->mapping->path;
		void **userdata;
		Dwfl_Module *mod = dwfl_report_module(
			ms->dwfl, name, m->mapping->start, m->end);

		if (mod && dwfl_module_info(mod, &userdata, NULL, NULL, NULL,
					    NULL, NULL, NULL))
			*userdata = m;
	}
	dwfl_report_end(ms->dwfl, NULL, NULL);
	*ret = ms;
	return NULL;
}

void modules_destroy(struct modules *m)
{
	if (!m)
		return;
	if (m->dwfl)
		dwfl_end(m->dwfl);
	for (size_t i = 0; i < m->modules_count; i++)
		free(m->modules[i].image);
	for (size_t i = 0; i < m->places_room; i++)
		code_place_deinit(&m->places[i].place);
	free(m->places);
	free(m->modules);
	free(m);
}

Dwfl *modules_dwfl(struct modules *m)
{
	return m->dwfl;
}

void code_place_deinit(struct code_place *p)
{
	free(p->function);
	free(p->module);
	free(p->file);
	free(p->instruction);
	*p = (struct code_place){ 0 };
}

static char *copy_string(const char *s)
{
	return s ? strdup(s) : NULL;
}

static void look_up(struct modules *m, uint64_t pc, struct code_place *ret)
{
	Dwfl_Module *mod = dwfl_addrmodule(m->dwfl, pc);
	GElf_Off offset;
	GElf_Sym sym;
	int line = 0;

	*ret = (struct code_place){ 0 };
	if (!mod)
		return;

	const char *path = dwfl_module_info(mod, NULL, NULL, NULL, NULL, NULL,
					    NULL, NULL);
	const char *slash = path ? strrchr(path, '/') : NULL;

	ret->module = copy_string(slash ? slash + 1 : path);
	ret->function = copy_string(dwfl_module_addrinfo(
		mod, pc, &offset, &sym, NULL, NULL, NULL));
	if (ret->function)
		ret->offset = offset;

	Dwfl_Line *source = dwfl_module_getsrc(mod, pc);

	if (source)
		ret->file = copy_string(dwfl_lineinfo(source, NULL, &line, NULL,
						      NULL, NULL));
	if (ret->file && line > 0)
		ret->line = (unsigned)line;
}

static size_t place_slot(const struct known_place *places, size_t room,
			 uint64_t pc)
{
	size_t slot = (pc * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (room - 1);

	while (places[slot].used && places[slot].pc != pc)
		slot = (slot + 1) & (room - 1);
	return slot;
}

/* The remembered answer for `pc`, looked up if need be; NULL: no memory. */
static const struct code_place *known_place(struct modules *m, uint64_t pc)
{
	if (2 * (m->places_count + 1) > m->places_room) {
		size_t room = m->places_room ? 2 * m->places_room : 64;
		struct known_place *places = calloc(room, sizeof(*places));

		if (!places)
			return NULL;
		for (size_t i = 0; i < m->places_room; i++)
			if (m->places[i].used)
				places[place_slot(places, room,
						  m->places[i].pc)] =
					m->places[i];
		free(m->places);
		m->places = places;
		m->places_room = room;
	}

	struct known_place *k =
		&m->places[place_slot(m->places, m->places_room, pc)];

	if (!k->used) {
		k->used = true;
		k->pc = pc;
		m->places_count++;
		look_up(m, pc, &k->place);
	}
	return &k->place;
}

void modules_place(struct modules *m, uint64_t pc, struct code_place *ret)
{
	const struct code_place *known = known_place(m, pc);

	*ret = (struct code_place){ 0 };
	if (!known)
		return;
	ret->function = copy_string(known->function);
	ret->offset = known->offset;
	ret->module = copy_string(known->module);
	ret->file = copy_string(known->file);
	ret->line = known->line;
}
