/* SPDX-License-Identifier: GPL-3.0-or-later */
/* input.h - what a FILE of the command line is, and the processes in it */
#ifndef SIGFRAME_SOURCE_INPUT_H
#define SIGFRAME_SOURCE_INPUT_H

#include "source/core.h"

/* What "-" is called, in reports and messages. */
#define INPUT_STDIN "standard input"

/* As large as what is unpacked may become, unless the user says otherwise. */
#define INPUT_MAX_SIZE (UINT64_C(64) << 30)

struct input_options {
	struct core_options core;	/* for checkpoints, too */
	bool criu;		/* has to be a directory, whatever its name */
	/*
	 * Bytes that may be unpacked, or read from a pipe, holes included, and
	 * those of the temporary file for them.
	 */
	uint64_t max_size;
	/* Told now and then how many it were so far; may be NULL. */
	void (*progress)(void *arg, const char *name, uint64_t bytes);
	void *arg;
};

struct input;

/*
 * Open `file` and find out by its content, never by its name, what it is:
 *
 *   a directory            the images of a CRIU checkpoint
 *   ELF                    a core file
 *   tar                    an archive with a checkpoint
 *   gzip, zstd, xz, ...    one of the last two, see content.h
 *
 * "-" is standard input, which is read from where it stands; FIFOs are read,
 * devices are not. What is no regular file or compressed goes to a temporary
 * file first. ERROR_USAGE if "-" is a terminal.
 */
struct error *input_open(const char *file, const struct input_options *options,
			 struct input **ret) MUST_USE;

/* Its processes. */
size_t input_count(const struct input *in);

/* Process `i` < input_count(), at most once each. */
struct error *input_snapshot(struct input *in, size_t i,
			     struct snapshot **ret) MUST_USE;

/* After its snapshots have been closed (snapshot_close()). NULL is fine. */
void input_destroy(struct input *in);

#endif
