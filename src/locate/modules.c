/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modules.c - the ELF files that a process has mapped */
#include "locate/modules.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/text.h"
#include "locate/image.h"
#include "source/elffile.h"

/* More than any process has. */
enum { MODULES_MAX = QUESTION_FILES };

/* Expressions that are kept; a program has a few. */
enum { EXPRESSIONS_MAX = 4096 };

/* One file, mapped once. */
struct module {
	const struct mapping *mapping;	/* the first one: the ELF header's */
	uint64_t end;
	bool memory;			/* there is no file behind it */
	bool bad;			/* not to be had, or not to be read */
	unsigned sent;			/* to which reader; 0: none yet */
};

/* An answer of modules_place(). */
struct known_place {
	bool used;
	bool complete;			/* with the line of source */
	uint64_t pc;
	struct code_place place;
};

/* The operations of a row. */
struct expression {
	uint64_t hash;
	size_t count;
	struct cfi_op ops[];
};

struct modules {
	const struct snapshot *snapshot;
	struct reader *reader;
	struct module *modules;		/* by address */
	size_t modules_count;
	struct known_place *places;	/* hashed by pc, never more than half
					   full */
	size_t places_count;
	size_t places_room;		/* a power of two */
	struct expression **expressions;	/* no two alike */
	size_t expressions_count;
	struct text unread;		/* what to say of files that failed */
	struct answer answer;		/* to the last question */
};

/* Debug information of the same build-id; -1: none. */
static int open_debug(int fd)
{
	struct elffile_image image = elffile_image_of(&fd);
	char digits[2 * 64 + 1], path[sizeof(digits) + 64];
	struct elffile_id id;
	int ret = -1;

	/* the first byte is a directory's name */
	if (elffile_build_id(&image, &id) != TRI_YES || id.size < 2)
		return -1;
	elffile_id_text(&id, digits);
	snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug",
		 digits, digits + 2);
	error_free(elffile_open(NULL, path, &ret));
	return ret;
}

/* A file that nobody can change any more; -1: it cannot be had. */
static int sealed_file(const void *data, size_t size)
{
	CLEANUP_FD int fd = memfd_create("image",
					 MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
					   F_SEAL_WRITE))
		return -1;
	return TAKE_FD(fd);
}

/* The ELF file of a module, or what is in memory of it; -1: there is none. */
static int open_module(const struct modules *ms, const struct module *m)
{
	uint8_t header[IMAGE_HEADER_SIZE];
	CLEANUP_FREE uint8_t *image = NULL;
	CLEANUP_FD int fd = -1;
	size_t size = 0;

	if (!m->memory) {
		struct error *err = snapshot_open_file(ms->snapshot, m->mapping,
						       &fd);
		bool opened = !err;

		error_free(err);
		if (opened && elffile_read(fd, 0, header, sizeof(header)) ==
				      sizeof(header))
			return image_is_x86((struct bytes){
				       header, sizeof(header), 0 })
				       ? TAKE_FD(fd)
				       : -1;
	}
	image = image_build(ms->snapshot, m->mapping->start, m->end, &size);
	return image ? sealed_file(image, size) : -1;
}

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

/* Bytes of memory in captures, which may be many. */
static uint64_t captured(const struct snapshot *s)
{
	uint64_t size = 0;

	for (size_t i = 0; i < s->captures_count; i++)
		size += s->captures[i].size;
	return size;
}

struct error *modules_create(const struct snapshot *s,
			     const struct reader_options *options,
			     struct modules **ret)
{
	struct modules *ms = calloc(1, sizeof(*ms));
	struct reader_options with_memory = *options;
	size_t room = s->mappings_count < MODULES_MAX ? s->mappings_count
						      : MODULES_MAX;

	if (!ms)
		return &error_no_memory;
	ms->snapshot = s;
	ms->modules = calloc(room + 1, sizeof(*ms->modules));
	with_memory.memory += captured(s);
	ms->reader = reader_create(&with_memory);
	if (!ms->modules || !ms->reader) {
		modules_destroy(ms);
		return &error_no_memory;
	}
	find_modules(ms);
	*ret = ms;
	return NULL;
}

void modules_destroy(struct modules *m)
{
	if (!m)
		return;
	reader_destroy(m->reader);
	for (size_t i = 0; i < m->places_room; i++)
		code_place_deinit(&m->places[i].place);
	for (size_t i = 0; i < m->expressions_count; i++)
		free(m->expressions[i]);
	text_deinit(&m->unread);
	free(m->expressions);
	free(m->places);
	free(m->modules);
	free(m);
}

void code_place_deinit(struct code_place *p)
{
	free(p->function);
	free(p->module);
	free(p->file);
	free(p->instruction);
	*p = (struct code_place){ 0 };
}

const char *modules_unread(const struct modules *m)
{
	return m->unread.size ? text_string(&m->unread) : NULL;
}

static const char *path_of(const struct module *m)
{
	return m->memory ? "[vdso]" : m->mapping->path;
}

/* The one that holds `pc`, or NULL. */
static struct module *module_at(struct modules *ms, uint64_t pc)
{
	size_t low = 0, high = ms->modules_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		struct module *m = &ms->modules[middle];

		if (pc < m->mapping->start)
			high = middle;
		else if (pc >= m->end)
			low = middle + 1;
		else
			return m;
	}
	return NULL;
}

/* The file is not asked about any more, and the report has to say so. */
static void give_up(struct modules *ms, struct module *m,
		    enum reader_result why)
{
	static const char *const words[] = {
		[READER_DIED] = "died reading",
		[READER_SLOW] = "took too long to read",
	};

	m->bad = true;
	if (ms->unread.size)
		text_add(&ms->unread, "; ");
	if (why == READER_NOBODY) {
		/* once, whatever file it is */
		for (size_t i = 0; i < ms->modules_count; i++)
			ms->modules[i].bad = true;
		if (reader_refused(ms->reader))
			text_printf(&ms->unread, "there is no process to read "
				    "ELF files in (%s), all code is unknown",
				    strerror(reader_refused(ms->reader)));
		else
			text_add(&ms->unread, "it is not tried again, all "
					      "other code is unknown");
		return;
	}
	text_printf(&ms->unread, "libdw %s %s, its code is unknown",
		    words[why], path_of(m));
}

/* Ask about `pc`; NULL if there is no answer. Good until the next question. */
static const struct answer *ask(struct modules *ms, uint64_t pc,
				enum question_kind kind)
{
	struct module *m = module_at(ms, pc);
	CLEANUP_FD int fd = -1;
	CLEANUP_FD int debug_fd = -1;
	struct question q = { .pc = pc, .kind = kind };
	enum reader_result result = READER_NOBODY;
	unsigned reader;

	if (!m || m->bad)
		return NULL;
	reader = reader_start(ms->reader);
	if (reader && m->sent != reader) {
		fd = open_module(ms, m);
		if (fd < 0) {
			m->bad = true;
			return NULL;
		}
		debug_fd = open_debug(fd);
		m->sent = reader;
	}
	q.file = (uint32_t)(m - ms->modules);
	q.start = m->mapping->start;
	q.end = m->end;
	if (reader)
		result = reader_ask(ms->reader, &q,
				    (struct question_files){ fd, debug_fd },
				    &ms->answer);
	if (result != READER_ANSWERED) {
		give_up(ms, m, result);
		return NULL;
	}
	return ms->answer.status == ANSWER_KNOWN ? &ms->answer : NULL;
}

static uint64_t hash_of(const struct cfi_op *ops, size_t count)
{
	uint64_t hash = count;

	for (size_t i = 0; i < count; i++) {
		hash = (hash ^ ops[i].atom) * UINT64_C(0x9e3779b97f4a7c15);
		hash = (hash ^ ops[i].number ^ hash >> 32) *
		       UINT64_C(0xc2b2ae3d27d4eb4f);
		hash ^= ops[i].number2 ^ hash >> 29;
	}
	return hash;
}

/*
 * The same operations, kept; NULL if there are too many, or no memory. Files
 * may have thousands that differ at their very ends.
 */
static const struct cfi_op *keep_ops(struct modules *ms,
				     const struct cfi_op *ops, size_t count)
{
	struct expression **more, *e;
	uint64_t hash = hash_of(ops, count);

	for (size_t i = 0; i < ms->expressions_count; i++) {
		e = ms->expressions[i];
		if (e->hash == hash && e->count == count &&
		    !memcmp(e->ops, ops, count * sizeof(*ops)))
			return e->ops;
	}
	if (ms->expressions_count == EXPRESSIONS_MAX)
		return NULL;
	more = array_grow(ms->expressions, ms->expressions_count,
			  sizeof(struct expression *));
	if (!more)
		return NULL;
	ms->expressions = more;
	e = malloc(sizeof(*e) + count * sizeof(*ops));
	if (!e)
		return NULL;
	e->hash = hash;
	e->count = count;
	memcpy(e->ops, ops, count * sizeof(*ops));
	more[ms->expressions_count++] = e;
	return e->ops;
}

bool modules_row(struct modules *m, uint64_t pc, struct cfi_row *ret)
{
	const struct answer *a = ask(m, pc, QUESTION_ROW);
	const struct cfi_op *ops = NULL;

	if (!a)
		return false;
	if (a->row.ops_count) {
		ops = keep_ops(m, a->more.ops, a->row.ops_count);
		if (!ops)
			return false;
	}
	return cfi_row_make(&a->row, ops, ret);
}

static char *copy_string(const char *s)
{
	return s ? strdup(s) : NULL;
}

static void look_up(struct modules *ms, uint64_t pc, enum question_kind kind,
		    struct code_place *ret)
{
	const struct module *m = module_at(ms, pc);
	const char *path = m ? path_of(m) : NULL;
	const char *slash = path ? strrchr(path, '/') : NULL;
	const struct answer *a;

	code_place_deinit(ret);
	if (!m)
		return;
	ret->module = copy_string(slash ? slash + 1 : path);
	a = ask(ms, pc, kind);
	if (!a)
		return;
	if (a->function_size)
		ret->function = strndup(a->more.names, a->function_size);
	if (ret->function)
		ret->offset = a->offset;
	if (a->file_size)
		ret->file = strndup(a->more.names + a->function_size,
				    a->file_size);
	if (ret->file)
		ret->line = a->line;
}

static size_t place_slot(const struct known_place *places, size_t room,
			 uint64_t pc)
{
	size_t slot = hash_place(pc, 32) & (room - 1);

	while (places[slot].used && places[slot].pc != pc)
		slot = (slot + 1) & (room - 1);
	return slot;
}

/* The remembered answer for `pc`, looked up if need be; NULL: no memory. */
static const struct code_place *known_place(struct modules *m, uint64_t pc,
					    enum question_kind kind)
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

	if (k->used && (k->complete || kind == QUESTION_FUNCTION))
		return &k->place;
	m->places_count += !k->used;
	k->used = true;
	k->pc = pc;
	k->complete = kind == QUESTION_PLACE;
	look_up(m, pc, kind, &k->place);
	return &k->place;
}

bool modules_function(struct modules *m, uint64_t pc, uint64_t *start_ret)
{
	const struct code_place *known = known_place(m, pc, QUESTION_FUNCTION);

	if (!known || !known->function)
		return false;
	*start_ret = pc - known->offset;
	return true;
}

void modules_place(struct modules *m, uint64_t pc, struct code_place *ret)
{
	const struct code_place *known = known_place(m, pc, QUESTION_PLACE);

	*ret = (struct code_place){ 0 };
	if (!known)
		return;
	ret->function = copy_string(known->function);
	ret->offset = known->offset;
	ret->module = copy_string(known->module);
	ret->file = copy_string(known->file);
	ret->line = known->line;
}
