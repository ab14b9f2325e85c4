/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool.c - a temporary file without a name, for what has to be unpacked */
#include "source/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"

/* What a hole has to be aligned to in order to be one. */
#define BLOCK 4096
#define IN_MEMORY "memory"

/* For file systems without O_TMPFILE: no signal may come in between. */
static int open_and_unlink(const char *dir)
{
	struct text path = TEXT_INIT;
	sigset_t all, before;
	int fd = -1;

	text_printf(&path, "%s/sigframe-inspect.XXXXXX", dir);
	if (text_bad(&path))
		return -1;
	sigfillset(&all);
	if (!sigprocmask(SIG_SETMASK, &all, &before)) {
		fd = mkostemp(path.data, O_CLOEXEC);
		if (fd >= 0)
			unlink(path.data);
		sigprocmask(SIG_SETMASK, &before, NULL);
	}
	text_deinit(&path);
	return fd;
}

static int open_in(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		fd = open_and_unlink(dir);
	return fd;
}

struct error *spool_open(struct spool *s)
{
	const char *const places[] = { secure_getenv("TMPDIR"), "/var/tmp" };

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		if (!places[i] || !places[i][0])
			continue;
		s->where = places[i];
		s->fd = open_in(places[i]);
		if (s->fd >= 0)
			return NULL;
	}
	s->where = IN_MEMORY;
	s->fd = memfd_create("sigframe-inspect", MFD_CLOEXEC);
	if (s->fd < 0)
		return error_os(errno, "cannot make a temporary file");
	return NULL;
}

struct error *spool_too_large(uint64_t max)
{
	char text[SIZE_TEXT];

	return error_new(ERROR_BAD_INPUT, "larger than %s, see --max-size",
			 size_show(max, text));
}

struct error *spool_skip(struct spool *s, uint64_t size)
{
	if (size > s->max - s->size)
		return spool_too_large(s->max);
	s->size += size;
	return NULL;
}

static struct error *no_room(const struct spool *s)
{
	return error_os(errno, "cannot write the temporary file in %s",
			s->where);
}

static struct error *write_at(const struct spool *s, uint64_t at,
			      const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t done = pwrite(s->fd, data, size, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return no_room(s);
		data += done;
		at += (size_t)done;
		size -= (size_t)done;
	}
	return NULL;
}

static bool all_zero(const uint8_t *data, size_t size)
{
	return !data[0] && !memcmp(data, data + 1, size - 1);
}

struct error *spool_add(struct spool *s, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint64_t at = s->size;
	size_t pending = 0;	/* bytes in front that are still to be written */
	struct error *err = spool_skip(s, size);

	for (size_t done = 0; done < size && !err;) {
		size_t part = BLOCK - (at + done) % BLOCK;

		if (part > size - done)
			part = size - done;
		if (all_zero(bytes + done, part)) {
			err = write_at(s, at + done - pending,
				       bytes + done - pending, pending);
			pending = 0;
		} else {
			pending += part;
		}
		done += part;
	}
	if (!err)
		err = write_at(s, at + size - pending, bytes + size - pending,
			       pending);
	return err;
}

struct error *spool_finish(struct spool *s, int *fd_ret)
{
	if (ftruncate(s->fd, (off_t)s->size))
		return no_room(s);
	*fd_ret = TAKE_FD(s->fd);
	s->size = 0;
	return NULL;
}

void spool_close(struct spool *s)
{
	cleanup_close(&s->fd);
	s->fd = -1;
}
