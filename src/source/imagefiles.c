/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imagefiles.c - the files of a checkpoint, in a directory or elsewhere */
#include "source/imagefiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "source/elffile.h"

struct image_files {
	enum source_kind kind;
	const struct image_files_ops *ops;
	void *source;
};

size_t file_slice_read(const struct file_slice *slice, uint64_t at, void *buf,
		       size_t size)
{
	if (at >= slice->size)
		return 0;
	if (size > slice->size - at)
		size = slice->size - at;
	return elffile_read(slice->fd, slice->offset + at, buf, size);
}

void file_slice_close(struct file_slice *slice)
{
	cleanup_close(&slice->fd);
	*slice = (struct file_slice)FILE_SLICE_NONE;
}

struct image_files *image_files_create(enum source_kind kind,
				       const struct image_files_ops *ops,
				       void *source)
{
	struct image_files *files = malloc(sizeof(*files));

	if (!files) {
		ops->destroy(source);
		return NULL;
	}
	*files = (struct image_files){ kind, ops, source };
	return files;
}

enum source_kind image_files_kind(const struct image_files *files)
{
	return files->kind;
}

struct error *image_files_find(const struct image_files *files,
			       const char *path, struct file_slice *ret)
{
	struct error *err = files->ops->find(files->source, path, ret);

	return err ? error_wrap(err, "%s", path) : NULL;
}

struct error *image_files_load(const struct image_files *files,
			       const char *path, size_t max,
			       uint8_t **data_ret, size_t *size_ret)
{
	struct file_slice slice = FILE_SLICE_NONE;
	struct error *err = image_files_find(files, path, &slice);
	CLEANUP_FREE uint8_t *data = NULL;

	if (err)
		return err;
	if (slice.size > max)
		err = error_new(ERROR_BAD_INPUT, "%s: larger than %zu bytes",
				path, max);
	else if (!(data = malloc(slice.size + 1)))
		err = &error_no_memory;
	else if (file_slice_read(&slice, 0, data, slice.size) != slice.size)
		err = error_new(ERROR_BAD_INPUT, "%s: cannot be read", path);
	if (!err) {
		*data_ret = TAKE_PTR(data);
		*size_ret = slice.size;
	}
	file_slice_close(&slice);
	return err;
}

void image_files_destroy(struct image_files *files)
{
	if (!files)
		return;
	files->ops->destroy(files->source);
	free(files);
}

#define PARENT "parent"

/*
 * One parent after the other: of a single path the kernel follows 40 links.
 * *path_ret is what is left of it.
 */
static struct error *open_parents(int from, const char *path, int *dir_ret,
				  const char **path_ret)
{
	CLEANUP_FD int dir = openat(from, ".", O_PATH | O_CLOEXEC);

	while (dir >= 0 && !strncmp(path, PARENT "/", sizeof(PARENT))) {
		int parent = openat(dir, PARENT,
				    O_PATH | O_DIRECTORY | O_CLOEXEC);
		int reason = errno;

		close(dir);
		errno = reason;
		dir = parent;
		path += sizeof(PARENT);
	}
	if (dir < 0 && (errno == ENOENT || errno == ENOTDIR))
		return error_new(ERROR_GONE, "no such file");
	if (dir < 0)
		return error_os(errno, "cannot open");
	*dir_ret = TAKE_FD(dir);
	*path_ret = path;
	return NULL;
}

static struct error *directory_find(void *source, const char *path,
				    struct file_slice *ret)
{
	const int *from = source;
	CLEANUP_FD int dir = -1;
	CLEANUP_FD int fd = -1;
	struct stat st;
	struct error *err = open_parents(*from, path, &dir, &path);

	if (!err)
		err = elffile_open_at(dir, path, &fd);
	if (err)
		return err;
	if (fstat(fd, &st))
		return error_os(errno, "cannot examine");
	*ret = (struct file_slice){ .fd = TAKE_FD(fd), .size = st.st_size };
	return NULL;
}

static void directory_destroy(void *source)
{
	cleanup_close(source);
	free(source);
}

static const struct image_files_ops directory_ops = {
	.find = directory_find,
	.destroy = directory_destroy,
};

struct error *image_files_of_directory(const char *path,
				       struct image_files **ret)
{
	int *dir = malloc(sizeof(*dir));

	if (!dir)
		return &error_no_memory;
	*dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0) {
		int reason = errno;

		free(dir);
		return error_os(reason, "%s", path);
	}
	*ret = image_files_create(SOURCE_CRIU, &directory_ops, dir);
	return *ret ? NULL : &error_no_memory;
}
