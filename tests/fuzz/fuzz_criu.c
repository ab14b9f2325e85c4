/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_criu.c - the images of a CRIU checkpoint */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "examine.h"
#include "fuzz.h"
#include "source/checkpoint.h"

/*
 * The input is a directory: of each file a byte for its name, two for the
 * number in it, four for its size, and its bytes. The highest bit of the first
 * byte puts it into "parent".
 */
#define HEADER 7
#define IN_PARENT 0x80
#define NAME_ROOM 64

static const struct {
	const char *name;
	bool numbered;
} names[] = {
	{ "inventory", false }, { "pstree", false },
	{ "files", false },	{ "cpuinfo", false },
	{ "core", true },	{ "mm", true },
	{ "pagemap", true },	{ "pages", true },
};

struct directory {
	int fd;			/* of all of the input */
	struct bytes input;
};

/* The file at `off`; false behind the last. */
static bool file_at(const struct directory *d, uint64_t off, char name[NAME_ROOM],
		    struct file_slice *ret)
{
	struct bytes b = bytes_from(d->input, off);
	uint64_t which, number, size;
	unsigned i;

	if (!bytes_word(b, 0, 1, &which) || !bytes_word(b, 1, 2, &number) ||
	    !bytes_word(b, 3, 4, &size))
		return false;
	b = bytes_from(b, HEADER);
	*ret = (struct file_slice){ .offset = off + HEADER,
				    .size = size < b.size ? size : b.size };
	i = (unsigned)(which & (IN_PARENT - 1)) % ARRAY_SIZE(names);
	if (names[i].numbered)
		snprintf(name, NAME_ROOM, "%s%s-%u.img",
			 which & IN_PARENT ? "parent/" : "", names[i].name,
			 (unsigned)number);
	else
		snprintf(name, NAME_ROOM, "%s%s.img",
			 which & IN_PARENT ? "parent/" : "", names[i].name);
	return true;
}

static struct error *find(void *source, const char *path,
			  struct file_slice *ret)
{
	const struct directory *d = source;
	char name[NAME_ROOM];

	for (uint64_t off = 0; file_at(d, off, name, ret);
	     off = ret->offset + ret->size) {
		if (strcmp(name, path) != 0)
			continue;
		ret->fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
		fuzz_must(ret->fd >= 0, "no descriptors");
		return NULL;
	}
	*ret = (struct file_slice)FILE_SLICE_NONE;
	return error_new(ERROR_GONE, "no such file");
}

static void destroy(void *source)
{
	struct directory *d = source;

	cleanup_close(&d->fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct image_files_ops ops = {
		.find = find,
		.destroy = destroy,
	};
	struct directory d = {
		.fd = fuzz_file(data, size),
		.input = { data, size, 0 },
	};
	struct image_files *files = image_files_create(SOURCE_CRIU, &ops, &d);
	struct checkpoint *c = NULL;

	fuzz_must(files, "no memory");
	if (fuzz_failed(checkpoint_open(files, "images", &examine_options, &c)))
		return 0;
	for (size_t i = 0; i < checkpoint_count(c); i++) {
		struct snapshot *s = NULL;
		struct report *r = NULL;

		if (!fuzz_failed(checkpoint_snapshot(c, i, &s)) &&
		    !fuzz_failed(examine(s, &r)))
			report_destroy(r);
	}
	checkpoint_destroy(c);
	return 0;
}
