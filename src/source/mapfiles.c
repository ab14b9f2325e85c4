/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mapfiles.c - the files that a dumped process had mapped */
#include "source/mapfiles.h"

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

struct mapfile {
	const char *path;
	uint64_t base;		/* where its first page was mapped */
	bool has_base;
	uint64_t needed;	/* end of what was mapped, by offset */
	uint64_t size;		/* that it had; 0: unknown */
	const struct elffile_id *build_id;	/* NULL: unknown */
	bool several;		/* files of that name were mapped */
	bool accepted;		/* verified once; the fd may be closed again */
	int fd;
	enum error_code code;
	char *problem;		/* why it cannot be used, or NULL */
};

struct mapfiles {
	struct mapfiles_setup setup;
	struct mapfile *files;		/* by path */
	size_t count;
	struct mapfile *open[OPEN_MAX];	/* a ring */
	unsigned next;
	unsigned noted;
};

static int compare_paths(const void *a, const void *b)
{
	const struct mapped_range *const *x = a, *const *y = b;
	int order = strcmp((*x)->path, (*y)->path);

	return order ? order
		     : ((*x)->start > (*y)->start) -
			       ((*x)->start < (*y)->start);
}

static void add_identity(struct mapfile *file, const struct mapped_range *r)
{
	if ((file->size && r->file_size && file->size != r->file_size) ||
	    (file->build_id && r->build_id &&
	     !elffile_id_equal(file->build_id, r->build_id)))
		file->several = true;
	if (!file->size)
		file->size = r->file_size;
	if (!file->build_id)
		file->build_id = r->build_id;
}

static void group(struct mapfiles *f, struct mapped_range **sorted)
{
	for (size_t i = 0; i < f->setup.ranges_count; i++) {
		const struct mapped_range *r = sorted[i];
		uint64_t end = r->offset + (r->end - r->start);

		if (!f->count ||
		    strcmp(f->files[f->count - 1].path, r->path) != 0)
			f->files[f->count++] = (struct mapfile){
				.path = r->path, .fd = -1,
			};

		struct mapfile *file = &f->files[f->count - 1];

		if (!r->offset && !file->has_base) {
			file->base = r->start;
			file->has_base = true;
		}
		/* Old libraries reserve space beyond the file's end. */
		if (r->prot && end > file->needed)
			file->needed = end;
		add_identity(file, r);
	}
}

static struct error *check_options(const struct mapfiles_setup *setup)
{
	CLEANUP_FD int fd = -1;

	if (setup->replacement) {
		struct error *err = elffile_open(NULL, setup->replacement,
						 &fd);

		if (err)
			return error_wrap(err, "%s", setup->replacement);
	}
	cleanup_close(&fd);
	fd = -1;
	if (setup->sysroot) {
		fd = open(setup->sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return error_os(errno, "%s", setup->sysroot);
	}
	return NULL;
}

struct error *mapfiles_create(const struct mapfiles_setup *setup,
			      struct mapfiles **ret)
{
	size_t count = setup->ranges_count;
	CLEANUP_FREE struct mapped_range **sorted = NULL;
	struct error *err = check_options(setup);

	if (err)
		return err;

	struct mapfiles *f = calloc(1, sizeof(*f));

	sorted = calloc(count + 1, sizeof(*sorted));
	if (f)
		f->files = calloc(count + 1, sizeof(*f->files));
	if (!f || !f->files || !sorted) {
		mapfiles_destroy(f);
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

void mapfiles_destroy(struct mapfiles *f)
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
	return strcmp(key, ((const struct mapfile *)element)->path);
}

/* Is the file one of which `file` can have been mapped? */
static struct error *compare_headers(const struct mapfiles *f,
				     const struct mapfile *file,
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
				 "headers than %s has", f->setup.what);
	if (same == TRI_YES)
		return NULL;
	if (fstat(*(const int *)image->arg, &st))
		return error_os(errno, "cannot examine");
	/* The last page of a mapping may lie partly behind the end. */
	if (file->needed > (uint64_t)st.st_size + 4095)
		return error_new(ERROR_BAD_INPUT,
				 "not the file that was mapped: too small");
	if (file->size && file->size != (uint64_t)st.st_size)
		return error_new(ERROR_BAD_INPUT,
				 "not the file that was mapped: another size");
	*unverified_ret = true;
	return NULL;
}

static struct error *verify(const struct mapfiles *f,
			    const struct mapfile *file, int fd,
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
	if (file->build_id) {
		want = *file->build_id;
		wants = TRI_YES;
	} else if (file->has_base) {
		wants = elffile_build_id_in_memory(&memory, &want);
	}
	if (has == TRI_UNKNOWN || wants == TRI_UNKNOWN ||
	    (has == TRI_NO && wants == TRI_NO))
		return compare_headers(f, file, &image, &memory,
				       unverified_ret);
	if (has == TRI_YES && wants == TRI_YES &&
	    elffile_id_equal(&have, &want))
		return NULL;
	if (has == TRI_YES)
		elffile_id_text(&have, have_text);
	if (wants == TRI_YES)
		elffile_id_text(&want, want_text);
	return error_new(ERROR_BAD_INPUT,
			 "not the file that was mapped: build-id %s, "
			 "%s has %s", have_text, f->setup.what, want_text);
}

static void add_note(struct mapfiles *f, const char *message)
{
	f->noted++;
	if (f->noted <= NOTES_MAX)
		snapshot_note(f->setup.snapshot, "%s", message);
	else if (f->noted == NOTES_MAX + 1)
		snapshot_note(f->setup.snapshot,
			      "more files of the process cannot be used");
}

/* Open and verify; `shown` is the name for messages. */
static struct error *open_verified(struct mapfiles *f, struct mapfile *file,
				   struct text *shown, int *fd_ret)
{
	const struct mapfiles_setup *setup = &f->setup;
	bool replaced = setup->replacement && setup->executable &&
			strcmp(file->path, setup->executable) == 0;
	const char *root = replaced ? NULL : setup->sysroot;
	const char *path = replaced ? setup->replacement : file->path;
	bool unverified = false;
	CLEANUP_FD int fd = -1;

	if (root)
		text_add(shown, root);
	text_add(shown, path);

	struct error *err = elffile_open(root, path, &fd);

	if (!err && file->several)
		err = error_new(ERROR_UNSUPPORTED,
				"several files of that name were mapped");
	if (!err)
		err = verify(f, file, fd, &unverified);
	/* The user may answer for a file; one that just has the name may not
	 * be the one that ran, and a verdict must not rest on it. */
	if (!err && unverified && !root && !replaced)
		err = error_new(ERROR_BAD_INPUT,
				"not used, %s has nothing to verify it by; "
				"--executable or --sysroot vouch for it",
				setup->what);
	if (err)
		return error_wrap(err, "%s", text_string(shown));
	if (unverified && !file->accepted) {
		text_printf(shown, ": cannot be verified (no build-id in %s)",
			    setup->what);
		add_note(f, text_string(shown));
	}
	*fd_ret = TAKE_FD(fd);
	return NULL;
}

static struct mapfile *find(const struct mapfiles *f, const char *path)
{
	return bsearch(path, f->files, f->count, sizeof(*f->files),
		       compare_file);
}

struct error *mapfiles_get(struct mapfiles *f, const char *path, int *fd_ret)
{
	struct mapfile *file = find(f, path);
	struct text shown = TEXT_INIT;
	struct error *err;

	if (!file)
		return error_new(ERROR_BAD_INPUT, "%s names no file",
				 f->setup.what);
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

		struct mapfile **slot = &f->open[f->next++ % OPEN_MAX];

		if (*slot) {
			cleanup_close(&(*slot)->fd);
			(*slot)->fd = -1;
		}
		*slot = file;
	}
	*fd_ret = file->fd;
	return NULL;
}

bool mapfiles_prot(struct mapfiles *f, const char *path, uint64_t addr,
		   unsigned *ret)
{
	const struct mapfile *file = find(f, path);
	struct error *err;
	int fd;

	if (!file || !file->has_base || addr < file->base)
		return false;
	err = mapfiles_get(f, path, &fd);
	if (err) {
		error_free(err);
		return false;
	}

	struct elffile_image image = elffile_image_of(&fd);

	return elffile_prot_at(&image, addr - file->base, ret);
}
