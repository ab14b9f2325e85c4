/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_files.c - the files that the processes in CRIU's images had open */
#include "source/criu_files.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/bytes.h"
#include "source/criu_image.h"
#include "source/sorted.h"

/* In `type` of a file (images/fdinfo.proto). */
#define TYPE_REGULAR 1

static struct error *add_file(struct criu_files *f, const CriuFile *file)
{
	const CriuRegular *r = file->regular;
	struct criu_file *added;

	if (!file->has_type || !file->has_id)
		return error_new(ERROR_BAD_INPUT, "files.img: a file without "
				 "a type or id");
	if (file->type != TYPE_REGULAR || !r)
		return NULL;
	added = array_grow(f->list, f->count, sizeof(*added));
	if (!added)
		return &error_no_memory;
	f->list = added;
	added += f->count;
	*added = (struct criu_file){ .id = file->id, .size = r->size };
	/* of an empty name there is no data */
	added->path = r->name.len ? strndup((const char *)r->name.data,
					    r->name.len)
				  : strdup("");
	if (!added->path)
		return &error_no_memory;
	f->count++;
	if (r->n_build_id > sizeof(added->build_id.data) / 4)
		return NULL;
	for (size_t i = 0; i < r->n_build_id; i++) {
		uint32_t word = htole32(r->build_id[i]);

		memcpy(added->build_id.data + i * 4, &word, sizeof(word));
	}
	added->build_id.size = r->n_build_id * 4;
	return NULL;
}

static int compare_files(const void *a, const void *b)
{
	const struct criu_file *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

struct error *criu_files_read(const struct image_files *files,
			      struct criu_files *ret)
{
	struct criu_image image;
	ProtobufCMessage *m = NULL;
	struct error *err = criu_image_load(files, "files.img", CRIU_FILES,
					    &image);

	if (err)
		return err;
	do {
		err = criu_image_next(&image, &criu_file__descriptor, &m);
		if (err || !m)
			break;
		err = add_file(ret, (CriuFile *)m);
		protobuf_c_message_free_unpacked(m, NULL);
	} while (!err);
	criu_image_deinit(&image);
	if (ret->count)
		qsort(ret->list, ret->count, sizeof(*ret->list),
		      compare_files);
	return err;
}

void criu_files_deinit(struct criu_files *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->list[i].path);
	free(f->list);
	*f = (struct criu_files){ .list = NULL };
}

const struct criu_file *criu_files_find(const struct criu_files *f,
					uint64_t id)
{
	size_t i = sorted_above(f->list, f->count, sizeof(*f->list),
				offsetof(struct criu_file, id), id);

	return i && f->list[i - 1].id == id ? &f->list[i - 1] : NULL;
}
