/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modules.c - the ELF files that a process has mapped */
#include "locate/modules.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "locate/image.h"

/* More than any process has; libdw's list of them is searched linearly. */
enum { MODULES_MAX = 8192 };

/* One file, mapped once. */
struct module {
	const struct snapshot *snapshot;
	const struct mapping *mapping;	/* the first one: the ELF header's */
	uint64_t end;
	bool memory;			/* there is no file behind it */
	uint8_t *image;			/* put together from memory, or NULL */
	enum tri has_lines;		/* the file itself has line numbers */
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

static int find_elf(Dwfl_Module *mod, void **userdata, const char *name,
		    Dwarf_Addr base, char **file_name, Elf **elf)
{
	struct module *m = *userdata;
	uint8_t header[IMAGE_HEADER_SIZE];
	CLEANUP_FD int fd = -1;

	(void)mod;
	(void)base;
	if (!m)
		return -1;
	if (!m->memory) {
		struct error *err = snapshot_open_file(m->snapshot, m->mapping,
						       &fd);
		bool opened = !err;

		error_free(err);
		if (opened && pread(fd, header, sizeof(header), 0) ==
				      (ssize_t)sizeof(header)) {
			if (!image_is_x86((struct bytes){
				    header, sizeof(header), 0 }))
				return -1;
			*file_name = strdup(name);
			return TAKE_FD(fd);
		}
	}

	size_t size = 0;

	free(m->image);
	m->image = image_build(m->snapshot, m->mapping->start, m->end, &size);
	if (m->image)
		*elf = elf_memory((char *)m->image, size);
	return -1;
}

/*
 * Separate debug information is looked for by build-id on this machine.
 * libdw's usual search would go on to load a client for servers of it.
 */
static char local_debug[] = "/usr/lib/debug";
static char *debuginfo_path = local_debug;

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = dwfl_build_id_find_debuginfo,
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

static bool has_section(Elf *elf, const char *name)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr header;
		const char *s = NULL;

		if (gelf_getshdr(scn, &header))
			s = elf_strptr(elf, names, header.sh_name);
		if (s && !strcmp(s, name))
			return true;
	}
	return false;
}

/*
 * To unpack the debug file of a C library takes longer than everything else
 * together, and hardly anyone wants to know its line numbers.
 */
static bool has_lines(Dwfl_Module *mod)
{
	GElf_Addr bias;
	void **userdata;

	if (!dwfl_module_info(mod, &userdata, NULL, NULL, NULL, NULL, NULL,
			      NULL) || !*userdata)
		return false;

	struct module *m = *userdata;

	if (m->has_lines == TRI_UNKNOWN)
		m->has_lines = tri_of(has_section(
			dwfl_module_getelf(mod, &bias), ".debug_line"));
	return m->has_lines == TRI_YES;
}

static void look_up(struct modules *m, uint64_t pc, struct code_place *ret)
{
	Dwfl_Module *mod = dwfl_addrmodule(m->dwfl, pc);
	GElf_Off offset;
	GElf_Sym sym;
	Dwarf_Addr start, end;
	int line = 0;

	*ret = (struct code_place){ 0 };
	if (!mod)
		return;

	const char *path = dwfl_module_info(mod, NULL, &start, &end, NULL,
					    NULL, NULL, NULL);

	/* libdw takes what lies behind a module for a part of it */
	if (pc < start || pc >= end)
		return;

	const char *slash = path ? strrchr(path, '/') : NULL;

	ret->module = copy_string(slash ? slash + 1 : path);
	ret->function = copy_string(dwfl_module_addrinfo(
		mod, pc, &offset, &sym, NULL, NULL, NULL));
	if (ret->function)
		ret->offset = offset;

	Dwfl_Line *source = has_lines(mod) ? dwfl_module_getsrc(mod, pc)
					   : NULL;

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
