/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imagefiles.h - the files of a checkpoint, in a directory or elsewhere */
#ifndef SIGFRAME_SOURCE_IMAGEFILES_H
#define SIGFRAME_SOURCE_IMAGEFILES_H

#include <stdint.h>

#include "base/error.h"
#include "source/snapshot.h"

/* Where the bytes of one file are. Read with pread() only. */
struct file_slice {
	int fd;			/* -1: none */
	uint64_t offset;
	uint64_t size;		/* bytes that there are */
};

/* A slice that holds nothing open. */
#define FILE_SLICE_NONE { .fd = -1 }

/* Up to `size` bytes from `at` on, as many as there are and can be read. */
size_t file_slice_read(const struct file_slice *slice, uint64_t at, void *buf,
		       size_t size);
/* Closes the descriptor, if there is one. */
void file_slice_close(struct file_slice *slice);

/* Where files come from. */
struct image_files_ops {
	/*
	 * Find the regular file `path`, relative to the directory that has
	 * the images ("pstree.img", "parent/parent/pages-1.img"); "parent" is
	 * a directory or a symbolic link to one. The descriptor becomes the
	 * caller's. ERROR_GONE if there is no such file; messages do not name
	 * it.
	 */
	struct error *(*find)(void *source, const char *path,
			      struct file_slice *ret);
	void (*destroy)(void *source);
};

struct image_files;

/* Takes `source`, also when it fails: NULL if there is no memory. */
struct image_files *image_files_create(enum source_kind kind,
				       const struct image_files_ops *ops,
				       void *source);

/*
 * The files of a directory, SOURCE_CRIU. ERROR_OS, with the path, if it cannot
 * be opened or is none.
 */
struct error *image_files_of_directory(const char *path,
				       struct image_files **ret) MUST_USE;

enum source_kind image_files_kind(const struct image_files *files);

/*
 * ops->find. ERROR_GONE, which names the path as all its errors do, if there
 * is no such file. file_slice_close() is due on success, before or after
 * image_files_destroy().
 */
struct error *image_files_find(const struct image_files *files,
			       const char *path,
			       struct file_slice *ret) MUST_USE;

/*
 * The whole of a file, in *data_ret, which the caller frees. ERROR_BAD_INPUT
 * if it is longer than `max` bytes.
 */
struct error *image_files_load(const struct image_files *files,
			       const char *path, size_t max,
			       uint8_t **data_ret, size_t *size_ret) MUST_USE;

/* NULL is fine. */
void image_files_destroy(struct image_files *files);

#endif
