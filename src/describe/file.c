/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.c - description files of every kind, told apart by their content */
#include "describe/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "describe/formats.h"

#define CHUNK (64u << 10)

#define ROW(name_, format)                                                     \
	{                                                                      \
		.name = name_, .matches = format_##format##_matches,           \
		.parse = format_##format##_parse,                              \
	}

/*
 * The first that matches reads it. Those that only one program writes come
 * first; a boot log may hold anything.
 */
const struct description_format description_formats[] = {
	ROW("sigframe-inspect-cpu", own),
	ROW("CRIU image", criu),
	ROW("lscpu -J", lscpu_json),
	ROW("cpuid -r", cpuid_r),
	ROW("tycho cpuid", cpuid_tycho),
	ROW("InstLatx64 or AIDA64 dump", cpuid_aida),
	ROW("/proc/cpuinfo", cpuinfo),
	ROW("lscpu", lscpu),
	ROW("boot messages", dmesg),
};
const unsigned description_formats_count = ARRAY_SIZE(description_formats);

static const char elf_magic[] = { '\x7f', 'E', 'L', 'F' };

/*
 * Components that a file calls derived or assumed are found anew from the
 * extensions that it names, and have to be the same.
 */
static struct error *complete(struct description *d,
			      enum xstate_family vendor)
{
	bool found = d->origin[DESCRIBED_XFEATURES] > ORIGIN_GIVEN;
	uint64_t features = d->cpu.xfeatures;
	struct error *err = description_complete(d, vendor);

	if (!err && found && d->cpu.xfeatures != features)
		err = error_new(ERROR_BAD_INPUT, "contradicts itself: "
				"xfeatures %#" PRIx64 " by the extensions, not "
				"%#" PRIx64, d->cpu.xfeatures, features);
	return err;
}

static const struct description_format *find_format(const char *text,
						    size_t size)
{
	for (unsigned i = 0; i < description_formats_count; i++)
		if (description_formats[i].matches(text, size))
			return &description_formats[i];
	return NULL;
}

static struct error *parse(const char *text, size_t size,
			   struct description *d)
{
	enum xstate_family vendor = XSTATE_FAMILY_UNKNOWN;
	const struct description_format *format;
	struct error *err;

	if (!size)
		return error_new(ERROR_BAD_INPUT, "the file is empty");
	if (size > DESCRIPTION_FILE_MAX)
		return error_new(ERROR_BAD_INPUT, "more than %u MiB: no "
				 "description of a CPU",
				 DESCRIPTION_FILE_MAX >> 20);
	format = find_format(text, size);
	if (!format)
		return error_new(ERROR_UNSUPPORTED, "no description of a CPU "
				 "in any format that is known");
	err = format->parse(text, size, d, &vendor);
	return err ? err : complete(d, vendor);
}

struct error *description_parse(const char *name, const char *text,
				size_t size, struct description **ret)
{
	struct description *d = description_create(name);

	if (!d)
		return &error_no_memory;

	struct error *err = parse(text, size, d);

	if (err) {
		description_destroy(d);
		return error_wrap(err, "%s", name);
	}
	*ret = d;
	return NULL;
}

static struct error *parse_core(const char *path, struct description **ret)
{
	enum xstate_family vendor = XSTATE_FAMILY_UNKNOWN;
	struct description *d = description_create(path);

	if (!d)
		return &error_no_memory;

	struct error *err = format_core_parse(path, d, &vendor);

	if (!err) {
		err = complete(d, vendor);
		if (err)
			err = error_wrap(err, "%s", path);
	}
	if (err) {
		description_destroy(d);
		return err;
	}
	*ret = d;
	return NULL;
}

/* All that is in it, but not much more than may be. */
static struct error *read_all(int fd, char **text_ret, size_t *size_ret)
{
	CLEANUP_FREE char *text = NULL;
	size_t size = 0;
	ssize_t got;

	do {
		char *grown = realloc(text, size + CHUNK);

		if (!grown)
			return &error_no_memory;
		text = grown;
		do
			got = read(fd, text + size, CHUNK);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return error_os(errno, "cannot read");
		size += (size_t)got;
		/* a core is read by others, and may be large */
		if (size >= sizeof(elf_magic) &&
		    !memcmp(text, elf_magic, sizeof(elf_magic)))
			break;
	} while (got && size <= DESCRIPTION_FILE_MAX);
	*text_ret = TAKE_PTR(text);
	*size_ret = size;
	return NULL;
}

struct error *description_read(const char *path, struct description **ret)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	CLEANUP_FREE char *text = NULL;
	size_t size = 0;
	struct error *err;

	if (fd < 0)
		return error_os(errno, "%s: cannot open", path);
	err = read_all(fd, &text, &size);
	if (err)
		return error_wrap(err, "%s", path);
	if (size >= sizeof(elf_magic) &&
	    !memcmp(text, elf_magic, sizeof(elf_magic)))
		return parse_core(path, ret);
	return description_parse(path, text, size, ret);
}
