/* SPDX-License-Identifier: GPL-3.0-or-later */
/* corefiles.c - the files that a core's process had mapped */
#include "source/corefiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Files kept open. */
#define OPEN_MAX 16
/* A core from elsewhere may lack every file: a few of them make the point. */
#define NOTES_MAX 8

struct corefile {
	const char *path;
	uint64_t base;		/* where its first page was mapped */
	bool has_base;
	uint64_t needed;	/* end of what was mapped, by offset */
	bool accepted;		/* verified once; the fd may be closed again */
	int fd;
	enum error_code code;
	char *problem;		/* why it cannot be used, or NULL */
};

struct corefiles {
	struct corefiles_setup setup;
	struct corefile *files;		/* by path */
	size_t count;
	struct corefile *open[OPEN_MAX];	/* a ring */
	unsigned next;
	unsigned noted;
};

static int compare_paths(const void *a, const void *b)
{
	const struct core_range *const *x = a, *const *y = b;
	int order = strcmp((*x)->path, (*y)->path);

	return order ? order
		     : ((*x)->start > (*y)->start) -
			       ((*x)->start < (*y)->start);
}

static void group(struct corefiles *f, struct core_range **sorted)
{
	for (size_t i = 0; i < f->setup.ranges_count; i++) {
		const struct core_range *r = sorted[i];
		struct corefile *file = f->count ? &f->files[f->count - 1]
						 : NULL;
		uint64_t end = r->offset + (r->end - r->start);

		if (!file || strcmp(file->path, r->path) != 0) {
			file = &f->files[f->count++];
			*file = (struct corefile){ .path = r->path, .fd = -1 };
		}
		if (!r->offset && !file->has_base) {
			file->base = r->start;
			file->has_base = true;
		}
		/* Old libraries reserve space beyond the file's end. */
		if (r->prot && end > file->needed)
			file->needed = end;
	}
}

static struct error *check_options(const struct core_options *o)
{
	CLEANUP_FD int fd = -1;

	if (o->executable) {
		struct error *err = elffile_open(NULL, o->executable, &fd);

		if (err)
			return error_wrap(err, "%s", o->executable);
	}
	cleanup_close(&fd);
	fd = -1;
	if (o->sysroot) {
		fd = open(o->sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return error_os(errno, "%s", o->sysroot);
	}
	return NULL;
}

struct error *corefiles_create(const struct corefiles_setup *setup,
			       struct corefiles **ret)
{
	size_t count = setup->ranges_count;
	CLEANUP_FREE struct core_range **sorted = NULL;
	struct error *err = check_options(setup->options);

	if (err)
		return err;

	struct corefiles *f = calloc(1, sizeof(*f));

	sorted = calloc(count + 1, sizeof(*sorted));
	if (f)
		f->files = calloc(count + 1, sizeof(*f->files));
	if (!f || !f->files || !sorted) {
		corefiles_destroy(f);
		return &error_no_memory;
	}
	f->setup = *setup;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &setup->ranges[i];
	qsort(sorted, count, sizeof(*sorted), compare_paths);
	group(f, sorted);
	*ret = f;
	return NULL;
}

void corefiles_destroy(struct corefiles *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++) {
		cleanup_close(&f->files[i].fd);
		free(f->files[i].problem);
	}
	free(f->files);
	free(f);
}

static int compare_file(const void *key, const void *element)
{
	return strcmp(key, ((const struct corefile *)element)->path);
}

/* Is the file one of which `file` can have been mapped? */
static struct error *compare_headers(const struct corefile *file,
				     const struct elffile_image *image,
				     const struct elffile_image *memory,
				     bool *unverified_ret)
{
	enum tri same = TRI_UNKNOWN;
	struct stat st;

	if (file->has_base)
		same = elffile_same_headers(image, memory);
	if (same == TRI_NO)
		return error_new(ERROR_BAD_INPUT,
				 "not the file that was mapped: other program "
				 "headers than the core has");
	if (same == TRI_YES)
		return NULL;
	if (fstat(*(const int *)image->arg, &st))
		return error_os(errno, "cannot examine");
	/* The last page of a mapping may lie partly behind the end. */
	if (file->needed > (uint64_t)st.st_size + 4095)
		return error_new(ERROR_BAD_INPUT,
				 "not the file that was mapped: too small");
	*unverified_ret = true;
	return NULL;
}

static struct error *verify(const struct corefiles *f,
			    const struct corefile *file, int fd,
			    bool *unverified_ret)
{
	struct elffile_image image = elffile_image_of(&fd);
	struct elffile_image memory = f->setup.memory;
	struct elffile_header header;
	struct elffile_id have, want;
	enum tri has = TRI_UNKNOWN, wants = TRI_UNKNOWN;
	struct error *err = elffile_header_read(&image, &header);
	char have_text[129] = "none", want_text[129] = "none";

	if (err)
		return err;
	memory.base = file->base;
	has = elffile_build_id(&image, &have);
	if (file->has_base)
		wants = elffile_build_id_in_memory(&memory, &want);
	if (has == TRI_UNKNOWN || wants == TRI_UNKNOWN ||
	    (has == TRI_NO && wants == TRI_NO))
		return compare_headers(file, &image, &memory, unverified_ret);
	if (has == TRI_YES && wants == TRI_YES &&
	    elffile_id_equal(&have, &want))
		return NULL;
	if (has == TRI_YES)
		elffile_id_text(&have, have_text);
	if (wants == TRI_YES)
		elffile_id_text(&want, want_text);
	return error_new(ERROR_BAD_INPUT,
			 "not the file that was mapped: build-id %s, "
			 "the core has %s", have_text, want_text);
}

static void add_note(struct corefiles *f, const char *message)
{
	f->noted++;
	if (f->noted <= NOTES_MAX)
		snapshot_note(f->setup.snapshot, "%s", message);
	else if (f->noted == NOTES_MAX + 1)
		snapshot_note(f->setup.snapshot,
			      "more files of the process cannot be used");
}

/* Open and verify; `shown` is the name for messages. */
static struct error *open_verified(struct corefiles *f, struct corefile *file,
				   struct text *shown, int *fd_ret)
{
	const struct core_options *o = f->setup.options;
	bool replaced = o->executable && f->setup.executable &&
			strcmp(file->path, f->setup.executable) == 0;
	const char *root = replaced ? NULL : o->sysroot;
	const char *path = replaced ? o->executable : file->path;
	bool unverified = false;
	CLEANUP_FD int fd = -1;

	if (root)
		text_add(shown, root);
	text_add(shown, path);

	struct error *err = elffile_open(root, path, &fd);

	if (!err)
		err = verify(f, file, fd, &unverified);
	/* The user may answer for a file; one that just has the name may not
	 * be the one that ran, and a verdict must not rest on it. */
	if (!err && unverified && !root && !replaced)
		err = error_new(ERROR_BAD_INPUT,
				"not used, the core has nothing to verify it "
				"by; --executable or --sysroot vouch for it");
	if (err)
		return error_wrap(err, "%s", text_string(shown));
	if (unverified && !file->accepted) {
		text_add(shown, ": cannot be verified (no build-id in the "
				"core)");
		add_note(f, text_string(shown));
	}
	*fd_ret = TAKE_FD(fd);
	return NULL;
}

static struct corefile *find(const struct corefiles *f, const char *path)
{
	return bsearch(path, f->files, f->count, sizeof(*f->files),
		       compare_file);
}

struct error *corefiles_get(struct corefiles *f, const char *path, int *fd_ret)
{
	struct corefile *file = find(f, path);
	struct text shown = TEXT_INIT;
	struct error *err;

	if (!file)
		return error_new(ERROR_BAD_INPUT, "the core names no file");
	if (file->problem)
		return error_new(file->code, "%s", file->problem);
	if (file->fd < 0) {
		err = open_verified(f, file, &shown, &file->fd);
		text_deinit(&shown);
		if (err) {
			file->code = error_code(err);
			file->problem = strdup(error_message(err));
			add_note(f, error_message(err));
			return err;
		}
		file->accepted = true;

		struct corefile **slot = &f->open[f->next++ % OPEN_MAX];

		if (*slot) {
			cleanup_close(&(*slot)->fd);
			(*slot)->fd = -1;
		}
		*slot = file;
	}
	*fd_ret = file->fd;
	return NULL;
}

bool corefiles_prot(struct corefiles *f, const char *path, uint64_t addr,
		    unsigned *ret)
{
	const struct corefile *file = find(f, path);
	struct error *err;
	int fd;

	if (!file || !file->has_base || addr < file->base)
		return false;
	err = corefiles_get(f, path, &fd);
	if (err) {
		error_free(err);
		return false;
	}

	struct elffile_image image = elffile_image_of(&fd);

	return elffile_prot_at(&image, addr - file->base, ret);
}
