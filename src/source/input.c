/* SPDX-License-Identifier: GPL-3.0-or-later */
/* input.c - what a FILE of the command line is, and the processes in it */
#include "source/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/checkpoint.h"
#include "source/content.h"
#include "source/elffile.h"
#include "source/imagearchive.h"
#include "source/spool.h"
#include "source/stream.h"
#include "source/unpack.h"

/* Nobody compresses what is compressed already more often than this. */
#define LAYERS_MAX 4
/* How long a FIFO may be without anybody who writes to it; milliseconds. */
#define WRITER_WAIT 5000
#define CHUNK (64u << 10)

struct input {
	struct snapshot *core;	/* until it is asked for */
	struct checkpoint *checkpoint;	/* or this */
};

/* While it is being opened. */
struct opening {
	const char *name;
	const struct input_options *options;
	struct input *input;
};

static struct error *named(const struct opening *o, struct error *err)
{
	return err ? error_wrap(err, "%s", o->name) : NULL;
}

static void tell_progress(void *arg, uint64_t done)
{
	const struct opening *o = arg;

	if (o->options->progress)
		o->options->progress(o->options->arg, o->name, done);
}

/* Takes the descriptor. */
static struct error *open_core(const struct opening *o, int fd)
{
	return core_open_fd(fd, o->name, &o->options->core, &o->input->core);
}

/* Takes the files. */
static struct error *open_checkpoint(const struct opening *o,
				     struct image_files *files)
{
	return checkpoint_open(files, o->name, &o->options->core,
			       &o->input->checkpoint);
}

static struct error *copy(struct stream *s, struct spool *spool)
{
	CLEANUP_FREE uint8_t *buf = malloc(CHUNK);
	struct error *err = buf ? NULL : &error_no_memory;
	size_t got = 1;

	while (!err && got) {
		got = 0;
		err = stream_read(s, buf, CHUNK, &got);
		if (!err)
			err = spool_add(spool, buf, got);
	}
	return err;
}

/* A core has to be where it can be read from anywhere. */
static struct error *open_core_stream(const struct opening *o,
				      struct stream *s)
{
	struct spool spool = { .fd = -1, .max = o->options->max_size };
	struct error *err = spool_open(&spool);
	int fd;

	if (!err)
		err = copy(s, &spool);
	if (!err)
		err = spool_finish(&spool, &fd);
	spool_close(&spool);
	return err ? named(o, err) : open_core(o, fd);
}

static struct error *open_archive(const struct opening *o, struct stream *s)
{
	struct image_files *files = NULL;
	struct error *err = image_files_of_archive(s, o->options->max_size,
						   &files);

	return err ? named(o, err) : open_checkpoint(o, files);
}

/* `around`: what it was in. */
static struct error *unknown(const struct opening *o, struct bytes head,
			     enum content around)
{
	if (around != CONTENT_UNKNOWN)
		return error_new(ERROR_BAD_INPUT,
				 "%s: compressed with %s, but %s", o->name,
				 content_names[around],
				 head.size ? "what is in it is no core file "
					     "and no checkpoint archive"
					   : "there is nothing in it");
	if (!head.size)
		return error_new(ERROR_BAD_INPUT, "%s: is empty", o->name);
	return error_new(ERROR_BAD_INPUT, "%s: not a core file (ELF), a "
			 "checkpoint archive (tar), or one of them compressed",
			 o->name);
}

/* Take off layer after layer of compression. */
static struct error *open_stream(struct opening *o, struct stream *s)
{
	enum content around = CONTENT_UNKNOWN;
	struct error *err = NULL;
	struct bytes head;

	for (unsigned layer = 0; layer < LAYERS_MAX; layer++) {
		enum content content;

		err = stream_peek(s, &head);
		if (err) {
			err = named(o, err);
			break;
		}
		content = content_of(head);
		if (!content_is_compressed(content)) {
			stream_watch(s, tell_progress, o);
			if (content == CONTENT_ELF)
				err = open_core_stream(o, s);
			else if (content == CONTENT_TAR)
				err = open_archive(o, s);
			else
				err = unknown(o, head, around);
			break;
		}
		if (layer == LAYERS_MAX - 1) {
			err = error_new(ERROR_BAD_INPUT,
					"%s: compressed again and again",
					o->name);
			break;
		}
		around = content;

		struct stream *packed = TAKE_PTR(s);

		err = named(o, unpack_open(packed, content,
					   o->options->max_size, &s));
		if (err)
			break;
	}
	stream_destroy(s);
	return err;
}

/*
 * What is in a regular file at its beginning can be used as it is if it is a
 * core, and everything else is read from there on. Takes the descriptor.
 */
static struct error *open_fd(struct opening *o, int fd, int wait)
{
	uint8_t magic[CONTENT_HEAD];
	struct stream *s;
	struct error *err;
	struct stat st;

	if (!fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    !lseek(fd, 0, SEEK_CUR)) {
		size_t got = elffile_read(fd, 0, magic, sizeof(magic));

		if (content_of((struct bytes){ magic, got, 0 }) == CONTENT_ELF)
			return open_core(o, fd);
	}
	err = stream_of_fd(fd, wait, o->options->max_size, &s);
	return err ? err : open_stream(o, s);
}

static struct error *open_stdin(struct opening *o)
{
	int fd;

	if (isatty(STDIN_FILENO))
		return error_new(ERROR_USAGE, "standard input is a terminal: "
				 "'-' is for a file or a pipe");
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? named(o, error_os(errno, "cannot read"))
		      : open_fd(o, fd, 0);
}

/* It does not wait: not here, but when it is read. */
static struct error *open_fifo(struct opening *o)
{
	int fd = open(o->name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? named(o, error_os(errno, "cannot open"))
		      : open_fd(o, fd, WRITER_WAIT);
}

static struct error *open_directory(struct opening *o)
{
	struct image_files *files = NULL;
	struct error *err = image_files_of_directory(o->name, &files);

	return err ? err : open_checkpoint(o, files);
}

static struct error *open_any(struct opening *o, const char *file)
{
	struct error *err;
	struct stat st;
	int fd;

	if (!strcmp(file, "-") && !o->options->criu)
		return open_stdin(o);
	if (stat(file, &st))
		return named(o, error_os(errno, "cannot open"));
	if (S_ISDIR(st.st_mode))
		return open_directory(o);
	if (o->options->criu)
		return error_new(ERROR_BAD_INPUT, "%s: is not a directory of "
				 "CRIU images", o->name);
	if (S_ISFIFO(st.st_mode))
		return open_fifo(o);
	err = elffile_open(NULL, file, &fd);
	return err ? named(o, err) : open_fd(o, fd, 0);
}

struct error *input_open(const char *file, const struct input_options *options,
			 struct input **ret)
{
	struct opening o = {
		.name = strcmp(file, "-") || options->criu ? file
							  : INPUT_STDIN,
		.options = options,
		.input = calloc(1, sizeof(*o.input)),
	};
	struct error *err;

	if (!o.input)
		return &error_no_memory;
	err = open_any(&o, file);
	if (err) {
		input_destroy(o.input);
		return err;
	}
	*ret = o.input;
	return NULL;
}

size_t input_count(const struct input *in)
{
	return in->checkpoint ? checkpoint_count(in->checkpoint) : 1;
}

struct error *input_snapshot(struct input *in, size_t i, struct snapshot **ret)
{
	if (in->checkpoint)
		return checkpoint_snapshot(in->checkpoint, i, ret);
	*ret = TAKE_PTR(in->core);
	return NULL;
}

void input_destroy(struct input *in)
{
	if (!in)
		return;
	snapshot_destroy(in->core);
	checkpoint_destroy(in->checkpoint);
	free(in);
}
