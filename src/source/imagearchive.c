/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imagearchive.c - the files of a checkpoint in a tar archive */
#include "source/imagearchive.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "source/feed.h"
#include "source/spool.h"

/* Longer names are nobody's. */
#define NAME_MAX_SIZE 1024
/* Members that are kept: more than threads and processes that can be. */
#define MEMBERS_MAX (1u << 18)
/* Checkpoints upon checkpoints. */
#define PARENTS_MAX 256

#define MARK "pstree.img"
#define PARENT "parent"

/* What a reader of images may ask for. */
static const char *const wanted[] = {
	MARK, "inventory.img", "files.img", "reg-files.img", "cpuinfo.img",
	"core-*.img", "mm-*.img", "pagemap-*.img", "pages-*.img", "ids-*.img",
};

/*
 * A file, a symbolic link, or neither: what cannot be used takes the place of
 * what had its name before. Names have no empty, "." or ".." parts.
 */
struct member {
	char *name;
	bool is_file;
	char *target;		/* of a link, as a name like this one */
	uint64_t offset;	/* of a file, in the temporary one */
	uint64_t size;
	size_t order;		/* in the archive */
};

struct images {
	int fd;
	struct member *members;	/* by name, none twice */
	size_t count;
	const char *root;	/* directory of the images; a part of a name */
	size_t root_size;
};

/*
 * Append the parts of `path` to the name in `name`. False if it is too long or
 * leads out of where everything is; `up`: ".." may be in it.
 */
static bool append(char name[NAME_MAX_SIZE], const char *path, bool up)
{
	size_t end = strlen(name);

	while (*(path += strspn(path, "/"))) {
		size_t size = strcspn(path, "/");

		if (size == 2 && !memcmp(path, "..", 2)) {
			if (!up || !end)
				return false;
			while (end && name[--end] != '/')
				;
			name[end] = '\0';
		} else if (size != 1 || *path != '.') {
			if (end + size + 2 > NAME_MAX_SIZE)
				return false;
			if (end)
				name[end++] = '/';
			memcpy(name + end, path, size);
			end += size;
			name[end] = '\0';
		}
		path += size;
	}
	return end;
}

/* The length of the directory in front of the last part. */
static size_t directory_size(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? (size_t)(slash - name) : 0;
}

static const char *last_part(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static struct error *add_member(struct images *i, const char *name,
				struct member **ret)
{
	struct member *m;

	if (i->count == MEMBERS_MAX)
		return error_new(ERROR_BAD_INPUT, "more than %u images",
				 MEMBERS_MAX);
	m = array_grow(i->members, i->count, sizeof(*m));
	if (!m)
		return &error_no_memory;
	i->members = m;
	m += i->count;
	*m = (struct member){ .name = strdup(name), .order = i->count };
	if (!m->name)
		return &error_no_memory;
	i->count++;
	*ret = m;
	return NULL;
}

/* Holes are those of the member's own format. */
static struct error *copy_data(struct feed *f, struct archive *a,
			       struct archive_entry *entry, struct spool *spool,
			       struct member *m)
{
	const struct archive_library *l = f->library;
	struct error *err = NULL;

	m->offset = spool->size;
	while (!err) {
		const void *data;
		size_t size;
		la_int64_t at;
		int code = l->archive_read_data_block(a, &data, &size, &at);
		uint64_t done = spool->size - m->offset;

		if (code == ARCHIVE_EOF)
			break;
		if (code != ARCHIVE_OK || at < 0 || (uint64_t)at < done)
			return feed_error(f, a, "tar");
		err = spool_skip(spool, (uint64_t)at - done);
		if (!err && size)
			err = spool_add(spool, data, size);
	}
	m->size = spool->size - m->offset;
	if (!err && l->archive_entry_size(entry) > (la_int64_t)m->size)
		err = spool_skip(spool, (uint64_t)l->archive_entry_size(entry) -
				 m->size);
	m->size = spool->size - m->offset;
	return err;
}

static bool is_wanted(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!fnmatch(wanted[i], last_part(name), 0))
			return true;
	return false;
}

/* A link to the checkpoint that this one is based on. */
static struct error *add_link(struct images *i, const char *name,
			      const char *target)
{
	char full[NAME_MAX_SIZE] = "";
	size_t dir = directory_size(name);
	struct member *m;
	struct error *err;

	err = add_member(i, name, &m);
	if (err)
		return err;
	memcpy(full, name, dir);
	if (target[0] == '/' || !append(full, target, true))
		return NULL;
	m->target = strdup(full);
	return m->target ? NULL : &error_no_memory;
}

/* What tar makes of a file with several links that it is told of twice. */
static bool is_link_to_itself(const char *name, const char *hardlink)
{
	char other[NAME_MAX_SIZE] = "";

	return hardlink && append(other, hardlink, false) &&
	       !strcmp(other, name);
}

static struct error *take_entry(struct feed *f, struct archive *a,
				struct archive_entry *entry,
				struct spool *spool, struct images *i)
{
	const struct archive_library *l = f->library;
	const char *path = l->archive_entry_pathname(entry);
	const char *target = l->archive_entry_symlink(entry);
	const char *hardlink = l->archive_entry_hardlink(entry);
	char name[NAME_MAX_SIZE] = "";
	struct member *m;
	struct error *err;

	/* libarchive could not put it in the words of the C locale */
	if (!path)
		path = l->archive_entry_pathname_utf8(entry);
	if (!path || !append(name, path, false))
		return NULL;
	if (target && !strcmp(last_part(name), PARENT))
		return add_link(i, name, target);
	if (!is_wanted(name) || is_link_to_itself(name, hardlink))
		return NULL;
	err = add_member(i, name, &m);
	if (err || hardlink || l->archive_entry_filetype(entry) != AE_IFREG)
		return err;
	m->is_file = true;
	return copy_data(f, a, entry, spool, m);
}

static struct error *read_entries(struct feed *f, struct archive *a,
				  struct spool *spool, struct images *i)
{
	struct archive_entry *entry;
	struct error *err = NULL;

	while (!err) {
		int code = f->library->archive_read_next_header(a, &entry);

		if (code == ARCHIVE_EOF)
			return f->error ? feed_error(f, a, "tar")
					: stream_drain(f->stream);
		/* a warning is of times and owners, or of a name */
		if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
			return feed_error(f, a, "tar");
		err = take_entry(f, a, entry, spool, i);
	}
	return err;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	return (x->order > y->order) - (x->order < y->order);
}

static void member_deinit(struct member *m)
{
	free(m->name);
	free(m->target);
}

/* As when all are written to a disk, the last of each name stays. */
static void sort(struct images *i)
{
	struct member *m = i->members;
	size_t kept = 0;

	if (i->count)
		qsort(m, i->count, sizeof(*m), compare_members);
	for (size_t k = 0; k < i->count; k++) {
		if (kept && !strcmp(m[kept - 1].name, m[k].name))
			member_deinit(&m[--kept]);
		m[kept++] = m[k];
	}
	i->count = kept;
}

static int compare_names(const void *key, const void *member)
{
	return strcmp(key, ((const struct member *)member)->name);
}

static const struct member *find_member(const struct images *i,
					const char *name)
{
	return i->count ? bsearch(name, i->members, i->count,
				  sizeof(*i->members), compare_names)
			: NULL;
}

/* From a directory to its parent's; false if there can be none. */
static bool enter_parent(const struct images *i, char dir[NAME_MAX_SIZE])
{
	const struct member *link;

	if (!append(dir, PARENT, false))
		return false;
	link = find_member(i, dir);
	if (link && link->target)
		memcpy(dir, link->target, strlen(link->target) + 1);
	return !link || link->target;
}

/* Is `member`, a MARK, in a directory that the one of `other` is based on? */
static bool is_parent_of(const struct images *i, const struct member *member,
			 const struct member *other)
{
	char dir[NAME_MAX_SIZE] = "";
	size_t size = directory_size(member->name);

	memcpy(dir, other->name, directory_size(other->name));
	for (unsigned n = 0; n < PARENTS_MAX && enter_parent(i, dir); n++)
		if (strlen(dir) == size && !memcmp(dir, member->name, size))
			return true;
	return false;
}

static bool is_called_checkpoint(const struct member *mark)
{
	static const char word[] = "checkpoint";
	size_t size = directory_size(mark->name);
	size_t skip = size - (sizeof(word) - 1);

	return size >= sizeof(word) - 1 &&
	       !memcmp(mark->name + skip, word, sizeof(word) - 1) &&
	       (!skip || mark->name[skip - 1] == '/');
}

/* Choose the directory, out of those that have a MARK. */
static struct error *choose(struct images *i)
{
	enum { MARKS_MAX = 64 };
	const struct member *marks[MARKS_MAX], *found = NULL;
	size_t count = 0, left = 0, called = 0;

	for (size_t k = 0; k < i->count && count < MARKS_MAX; k++)
		if (i->members[k].is_file &&
		    !strcmp(last_part(i->members[k].name), MARK))
			marks[count++] = &i->members[k];
	for (size_t k = 0; k < count; k++) {
		bool based_on = false, right;

		for (size_t n = 0; n < count && !based_on; n++)
			based_on = n != k && is_parent_of(i, marks[k],
							  marks[n]);
		if (based_on)
			continue;
		left++;
		right = is_called_checkpoint(marks[k]);
		called += right;
		if (!found || right)
			found = marks[k];
	}
	if (!count)
		return error_new(ERROR_BAD_INPUT, "a tar archive without a "
				 "checkpoint: no " MARK " is in it");
	if (!found || count == MARKS_MAX || (left > 1 && called != 1))
		return error_new(ERROR_BAD_INPUT, "a tar archive with several "
				 "checkpoints: extract one of them");
	i->root = found->name;
	i->root_size = directory_size(found->name);
	return NULL;
}

static struct error *images_find(void *source, const char *path,
				 struct file_slice *ret)
{
	static const char parent[] = PARENT "/";
	const struct images *i = source;
	char name[NAME_MAX_SIZE] = "";
	const struct member *m = NULL;
	bool inside = true;
	int fd;

	memcpy(name, i->root, i->root_size);
	while (inside && !strncmp(path, parent, sizeof(parent) - 1)) {
		inside = enter_parent(i, name);
		path += sizeof(parent) - 1;
	}
	if (inside && append(name, path, false))
		m = find_member(i, name);
	if (!m || !m->is_file)
		return error_new(ERROR_GONE, "not in the archive");
	fd = fcntl(i->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return error_os(errno, "cannot open");
	*ret = (struct file_slice){ fd, m->offset, m->size };
	return NULL;
}

static void images_destroy(void *source)
{
	struct images *i = source;

	for (size_t k = 0; k < i->count; k++)
		member_deinit(&i->members[k]);
	free(i->members);
	cleanup_close(&i->fd);
	free(i);
}

static const struct image_files_ops images_ops = {
	.find = images_find,
	.destroy = images_destroy,
};

static struct error *read_archive(struct feed *f, struct spool *spool,
				  struct images *i)
{
	const struct archive_library *l;
	struct error *err = archive_library(&f->library);
	struct archive *a;

	if (err)
		return err;
	l = f->library;
	a = l->archive_read_new();
	err = &error_no_memory;
	if (a && !l->archive_read_support_format_tar(a)) {
		err = spool_open(spool);
		if (!err && feed_open(f, a))
			err = feed_error(f, a, "tar");
		if (!err)
			err = read_entries(f, a, spool, i);
	}
	l->archive_read_free(a);
	error_free(f->error);
	return err ? err : spool_finish(spool, &i->fd);
}

struct error *image_files_of_archive(struct stream *tar, uint64_t max,
				     struct image_files **ret)
{
	struct images *i = calloc(1, sizeof(*i));
	struct feed *f = calloc(1, sizeof(*f));
	struct spool spool = { .fd = -1, .max = max };
	struct error *err = &error_no_memory;

	if (i && f) {
		i->fd = -1;
		f->stream = tar;
		err = read_archive(f, &spool, i);
		spool_close(&spool);
	}
	free(f);
	if (!err) {
		sort(i);
		err = choose(i);
	}
	if (err) {
		if (i)
			images_destroy(i);
		return err;
	}
	*ret = image_files_create(SOURCE_ARCHIVE, &images_ops, i);
	return *ret ? NULL : &error_no_memory;
}
