/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls_pipes.c - calls that wait for the other end of a pipe */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

static char bytes[65536];

static int make_empty(struct place *p)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	p->fd = ends[0];
	p->other = ends[1];
	return 0;
}

static int make_full(struct place *p)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -1;
	p->fd = ends[1];
	p->other = ends[0];
	while (write(p->fd, bytes, sizeof(bytes)) > 0)
		;
	return errno == EAGAIN ? fcntl(p->fd, F_SETFL, 0) : -1;
}

static long call_read(const struct place *p)
{
	return read(p->fd, bytes, 1);
}

static long call_readv(const struct place *p)
{
	struct iovec iov = { bytes, 1 };

	return readv(p->fd, &iov, 1);
}

static long call_write(const struct place *p)
{
	return write(p->fd, bytes, 1);
}

static long call_writev(const struct place *p)
{
	struct iovec iov = { bytes, 1 };

	return writev(p->fd, &iov, 1);
}

static long call_vmsplice(const struct place *p)
{
	struct iovec iov = { bytes, 1 };

	return vmsplice(p->fd, &iov, 1, 0);
}

/* From the empty pipe to another. */
static long call_splice(const struct place *p)
{
	int ends[2];

	return pipe2(ends, O_CLOEXEC)
		       ? -1
		       : splice(p->fd, NULL, ends[1], NULL, 1, 0);
}

static long call_tee(const struct place *p)
{
	int ends[2];

	return pipe2(ends, O_CLOEXEC) ? -1 : tee(p->fd, ends[1], 1, 0);
}

static long call_sendfile(const struct place *p)
{
	off_t start = 0;
	int file = calls_file();

	return file < 0 || write(file, bytes, 1) < 0
		       ? -1
		       : sendfile(p->fd, file, &start, 1);
}

const struct call calls_of_pipes[] = {
	{ "read-pipe", "read", false, false, make_empty, call_read, NULL },
	{ "readv-pipe", "readv", false, false, make_empty, call_readv, NULL },
	{ "write-pipe", "write", false, false, make_full, call_write, NULL },
	{ "writev-pipe", "writev", false, false, make_full, call_writev,
	  NULL },
	{ "vmsplice", "vmsplice", false, false, make_full, call_vmsplice,
	  NULL },
	{ "splice", "splice", false, false, make_empty, call_splice, NULL },
	{ "tee", "tee", false, false, make_empty, call_tee, NULL },
	{ "sendfile", "sendfile", false, false, make_full, call_sendfile,
	  NULL },
	{ .name = NULL },
};
