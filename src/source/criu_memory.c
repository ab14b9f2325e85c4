/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_memory.c - the mappings of a process, as CRIU's mm image has them */
#include "source/criu_memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "source/criu_image.h"

/* Of `status` of a mapping (criu/include/image.h). */
enum vma_status {
	VMA_VSYSCALL = 1 << 2,
	VMA_VDSO = 1 << 3,
	VMA_HEAP = 1 << 5,
	VMA_FILE_PRIVATE = 1 << 6,
	VMA_FILE_SHARED = 1 << 7,
	VMA_ANON_SHARED = 1 << 8,
	VMA_ANON_PRIVATE = 1 << 9,
	VMA_VVAR = 1 << 12,
};

#define VMA_FILE (VMA_FILE_PRIVATE | VMA_FILE_SHARED)
#define VMA_SHARED (VMA_FILE_SHARED | VMA_ANON_SHARED)

static const struct {
	uint32_t status;
	const char *name;
} special[] = {
	{ VMA_VSYSCALL, "[vsyscall]" },
	{ VMA_VDSO, "[vdso]" },
	{ VMA_VVAR, "[vvar]" },
	{ VMA_HEAP, "[heap]" },
};

static enum criu_backing backing_of(const CriuVma *v, bool named)
{
	if (v->status & (VMA_VSYSCALL | VMA_VDSO | VMA_VVAR))
		return CRIU_BACKING_UNKNOWN;
	if (v->status & VMA_ANON_PRIVATE)
		return CRIU_BACKING_ZERO;
	/* what others wrote to it is not in it any more, or not yet */
	if (named && (v->status & VMA_FILE_PRIVATE ||
		      (v->status & VMA_FILE_SHARED &&
		       !(v->prot & PROT_WRITE))))
		return CRIU_BACKING_FILE;
	return CRIU_BACKING_UNKNOWN;
}

/* The name in /proc/PID/maps; NULL in *ret if it would have none. */
static struct error *name_of(const CriuVma *v, uint64_t stack,
			     const struct criu_file *file, char **ret)
{
	const char *name = NULL;

	for (unsigned i = 0; i < ARRAY_SIZE(special) && !name; i++)
		if (v->status & special[i].status)
			name = special[i].name;
	if (file && file->path[0] == '/')
		name = file->path;
	else if (!name && v->status & VMA_ANON_PRIVATE &&
		 stack - v->start < v->end - v->start)
		name = "[stack]";
	else if (!name && v->status & VMA_FILE)
		name = "(a file that the images do not name)";
	*ret = name ? strdup(name) : NULL;
	return name && !*ret ? &error_no_memory : NULL;
}

static struct error *add_vma(const CriuVma *v, uint64_t stack,
			     const struct criu_files *files,
			     struct snapshot *s, struct criu_memory *ret)
{
	const struct criu_file *file =
		v->status & VMA_FILE ? criu_files_find(files, v->file) : NULL;
	struct mapping *m;
	struct error *err;

	if (v->start >= v->end ||
	    v->offset > UINT64_MAX - (v->end - v->start) ||
	    (s->mappings_count &&
	     s->mappings[s->mappings_count - 1].end > v->start))
		return error_new(ERROR_BAD_INPUT, "a mapping from 0x%" PRIx64
				 " to 0x%" PRIx64 " makes no sense there",
				 v->start, v->end);
	m = snapshot_add_mapping(s);
	if (!m)
		return &error_no_memory;
	m->start = v->start;
	m->end = v->end;
	m->prot = mapping_prot(v->prot);
	m->shared = v->status & VMA_SHARED;
	m->offset = v->offset;
	err = name_of(v, stack, file, &m->path);
	if (err)
		return err;

	bool named = file && mapping_is_file(m);

	ret->backing[s->mappings_count - 1] = backing_of(v, named);
	if (named)
		ret->ranges[ret->ranges_count++] = (struct mapped_range){
			.start = v->start,
			.end = v->end,
			.offset = v->offset,
			.path = file->path,
			.prot = m->prot,
			.file_size = file->size,
			.build_id = file->build_id.size ? &file->build_id
							: NULL,
		};
	return NULL;
}

static int compare_vmas(const void *a, const void *b)
{
	const CriuVma *const *x = a, *const *y = b;

	return ((*x)->start > (*y)->start) - ((*x)->start < (*y)->start);
}

static void take_auxv(const CriuMm *mm, struct snapshot *s)
{
	const struct {
		uint64_t type;
		uint64_t *value;
	} wanted[] = {
		{ AT_SYSINFO_EHDR, &s->vdso },
		{ AT_RANDOM, &s->random },
		{ AT_MINSIGSTKSZ, &s->minsigstksz },
	};

	for (size_t i = 0; i + 1 < mm->n_auxv; i += 2)
		for (unsigned k = 0; k < ARRAY_SIZE(wanted); k++)
			if (wanted[k].type == mm->auxv[i])
				*wanted[k].value = mm->auxv[i + 1];
}

static struct error *take_mm(const CriuMm *mm, const struct criu_files *files,
			     struct snapshot *s, struct criu_memory *ret)
{
	const struct criu_file *executable =
		criu_files_find(files, mm->executable);
	struct error *err = NULL;

	ret->backing = calloc(mm->n_vmas + 1, sizeof(*ret->backing));
	ret->ranges = calloc(mm->n_vmas + 1, sizeof(*ret->ranges));
	if (!ret->backing || !ret->ranges)
		return &error_no_memory;
	if (mm->n_vmas)
		qsort(mm->vmas, mm->n_vmas, sizeof(*mm->vmas), compare_vmas);
	for (size_t i = 0; i < mm->n_vmas && !err; i++)
		err = add_vma(mm->vmas[i], mm->stack, files, s, ret);
	if (err)
		return err;
	take_auxv(mm, s);
	if (mm->has_executable && executable) {
		s->executable = strdup(executable->path);
		if (!s->executable)
			return &error_no_memory;
	}
	return NULL;
}

struct error *criu_memory_read(const struct image_files *images, pid_t pid,
			       const struct criu_files *files,
			       struct snapshot *s, struct criu_memory *ret)
{
	ProtobufCMessage *m = NULL;
	char path[32];
	struct error *err;

	snprintf(path, sizeof(path), "mm-%d.img", (int)pid);
	err = criu_image_only(images, path, CRIU_MM, &criu_mm__descriptor, &m);
	if (err)
		return err;
	err = take_mm((CriuMm *)m, files, s, ret);
	protobuf_c_message_free_unpacked(m, NULL);
	return err ? error_wrap(err, "%s", path) : NULL;
}

void criu_memory_deinit(struct criu_memory *memory)
{
	free(memory->backing);
	free(memory->ranges);
	*memory = (struct criu_memory){ .backing = NULL };
}
