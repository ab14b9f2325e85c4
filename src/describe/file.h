/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.h - description files of every kind, told apart by their content */
#ifndef SIGFRAME_DESCRIBE_FILE_H
#define SIGFRAME_DESCRIBE_FILE_H

#include "describe/description.h"

#define DESCRIPTION_FILE_MAX (16u << 20)	/* bytes; more is refused */

/* One row per format. Formats never look at files, only at bytes. */
struct description_format {
	const char *name;	/* for people: "cpuid -r" */
	/* Does it look like this format? Cheap; the text may be anything. */
	bool (*matches)(const char *text, size_t size);
	/* Fill in what it says; description_complete() comes after. */
	struct error *(*parse)(const char *text, size_t size,
			       struct description *d,
			       enum xstate_family *vendor_ret);
};

extern const struct description_format description_formats[];
extern const unsigned description_formats_count;

/*
 * Read a description: own format, `cpuid -r`, tycho cpuid, InstLatx64 or
 * AIDA64 dump, /proc/cpuinfo, lscpu, lscpu -J, boot messages, CRIU's
 * cpuinfo.img, or a core file written on the machine. Errors are one line and
 * name the file and, for text, the line.
 */
struct error *description_read(const char *path,
			       struct description **ret) MUST_USE;

/* The same from memory; `name` is for messages. Not for core files. */
struct error *description_parse(const char *name, const char *text,
				size_t size, struct description **ret) MUST_USE;

/* The version of json-c that is in use. */
const char *description_json_library(void);

#endif
