/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_files.h - the files that the processes in CRIU's images had open */
#ifndef SIGFRAME_SOURCE_CRIU_FILES_H
#define SIGFRAME_SOURCE_CRIU_FILES_H

#include "source/elffile.h"
#include "source/imagefiles.h"

struct criu_file {
	uint64_t id;		/* the key of sorted.h */
	char *path;		/* as the processes saw it; foreign */
	uint64_t size;		/* bytes; 0: unknown */
	struct elffile_id build_id;	/* size 0: none, or unknown */
};

/* Regular files, sorted by id. Starts zeroed. */
struct criu_files {
	struct criu_file *list;
	size_t count;
};

/* ERROR_GONE if there is no files.img. criu_files_deinit() is due always. */
struct error *criu_files_read(const struct image_files *files,
			      struct criu_files *ret) MUST_USE;
void criu_files_deinit(struct criu_files *f);

/* NULL if there is none of that id, or it is no regular file. */
const struct criu_file *criu_files_find(const struct criu_files *f,
					uint64_t id);

#endif
