/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls_files.c - calls that wait for locks, terminals and special files */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <unistd.h>

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#endif

/* The same file, opened once more. */
static int reopen(int fd)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return open(name, O_RDWR | O_CLOEXEC);
}

static int make_two_files(struct place *p)
{
	struct flock lock = { .l_type = F_WRLCK };

	p->other = calls_file();
	p->fd = reopen(p->other);
	return p->other < 0 || p->fd < 0 || flock(p->other, LOCK_EX) ||
			       fcntl(p->other, F_OFD_SETLK, &lock)
		       ? -1
		       : 0;
}

static long call_flock(const struct place *p)
{
	return flock(p->fd, LOCK_EX);
}

static long call_ofd_lock(const struct place *p)
{
	struct flock lock = { .l_type = F_WRLCK };

	return fcntl(p->fd, F_OFD_SETLKW, &lock);
}

static int make_locked(struct place *p)
{
	p->fd = calls_file();
	return p->fd >= 0 && calls_idler(p->fd) ? 0 : -1;
}

static long call_lock(const struct place *p)
{
	struct flock lock = { .l_type = F_WRLCK };

	return fcntl(p->fd, F_SETLKW, &lock);
}

/* Two names at most, gone when the process ends as it should. */
static int make_fifo(struct place *p)
{
	const char *dir = getenv("TMPDIR");
	char *name = NULL;

	if (asprintf(&name, "%s/sigframe-calls.XXXXXX", dir ? dir : "/tmp") < 0)
		return -1;
	p->memory = name;
	p->fd = mkstemp(name);
	return p->fd < 0 || unlink(name) || mkfifo(name, 0600) ? -1 : 0;
}

static void unmake_fifo(const struct place *p)
{
	unlink(p->memory);
}

static long call_open_reader(const struct place *p)
{
	return open(p->memory, O_RDONLY | O_CLOEXEC);
}

static long call_open_writer(const struct place *p)
{
	return open(p->memory, O_WRONLY | O_CLOEXEC);
}

static long call_read(const struct place *p)
{
	char buf[4096];

	return read(p->fd, buf, sizeof(buf));
}

static int make_terminal(struct place *p)
{
	int yes = 0;

	p->other = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->other < 0 || ioctl(p->other, TIOCSPTLCK, &yes))
		return -1;
	p->fd = ioctl(p->other, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return p->fd < 0 ? -1 : 0;
}

static int make_stopped_terminal(struct place *p)
{
	return make_terminal(p) || tcflow(p->fd, TCOOFF) ? -1 : 0;
}

static long call_write(const struct place *p)
{
	static const uint64_t value = 2;

	return write(p->fd, &value, sizeof(value));
}

static int make_eventfd(struct place *p)
{
	p->fd = eventfd(0, EFD_CLOEXEC);
	return p->fd < 0 ? -1 : 0;
}

static int make_full_eventfd(struct place *p)
{
	static const uint64_t most = UINT64_MAX - 1;

	return make_eventfd(p) || write(p->fd, &most, sizeof(most)) < 0 ? -1
									: 0;
}

static int make_timer(struct place *p)
{
	p->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	return p->fd < 0 ? -1 : 0;
}

/* Set not before the call, whose time is measured. */
static long call_read_timer(const struct place *p)
{
	struct itimerspec when = { .it_value = *calls_time() };

	return timerfd_settime(p->fd, 0, &when, NULL) ? -1 : call_read(p);
}

static int make_signalfd(struct place *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	p->fd = signalfd(-1, &set, SFD_CLOEXEC);
	return p->fd < 0 ? -1 : 0;
}

static int make_inotify(struct place *p)
{
	p->fd = inotify_init1(IN_CLOEXEC);
	return p->fd < 0 ? -1 : 0;
}

static int make_fanotify(struct place *p)
{
	p->fd = fanotify_init(FAN_CLOEXEC | FAN_REPORT_FID, O_RDONLY);
	return p->fd < 0 ? -1 : 0;
}

static int make_userfaultfd(struct place *p)
{
	struct uffdio_api api = { .api = UFFD_API };

	p->fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (p->fd < 0)
		p->fd = (int)syscall(SYS_userfaultfd,
				     O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */);
	return p->fd < 0 || ioctl(p->fd, UFFDIO_API, &api) ? -1 : 0;
}

static int make_aio(struct place *p)
{
	aio_context_t aio = 0;

	if (syscall(SYS_io_setup, 1, &aio))
		return -1;
	p->memory = (void *)aio;
	return 0;
}

static long call_io_getevents(const struct place *p)
{
	struct io_event event;

	return syscall(SYS_io_getevents, p->memory, 1L, 1L, &event,
		       calls_time());
}

static long call_io_pgetevents(const struct place *p)
{
	struct io_event event;

	return syscall(SYS_io_pgetevents, p->memory, 1L, 1L, &event,
		       calls_time(), NULL);
}

static int make_uring(struct place *p)
{
	/* struct io_uring_params, all of it zero */
	static uint64_t params[15];

	memset(params, 0, sizeof(params));
	p->fd = (int)syscall(SYS_io_uring_setup, 1, params);
	return p->fd < 0 ? -1 : 0;
}

static long call_uring(const struct place *p)
{
	return syscall(SYS_io_uring_enter, p->fd, 0, 1, 1 /* GETEVENTS */,
		       NULL, 0);
}

static long call_uring_timed(const struct place *p)
{
	/* struct io_uring_getevents_arg */
	const struct {
		uint64_t mask;
		uint32_t mask_size, pad;
		uint64_t time;
	} arg = { .time = (uintptr_t)calls_time() };

	return syscall(SYS_io_uring_enter, p->fd, 0, 1,
		       1 | 8 /* GETEVENTS, EXT_ARG */, &arg, sizeof(arg));
}

const struct call calls_of_files[] = {
	{ "flock", "flock", false, false, make_two_files, call_flock, NULL },
	{ "lock", "fcntl", false, false, make_locked, call_lock, NULL },
	{ "lock-ofd", "fcntl", false, false, make_two_files, call_ofd_lock,
	  NULL },
	{ "open-to-read", "open", false, false, make_fifo, call_open_reader,
	  unmake_fifo },
	{ "open-to-write", "open", false, false, make_fifo, call_open_writer,
	  unmake_fifo },
	{ "read-terminal", "read", false, false, make_terminal, call_read,
	  NULL },
	{ "write-terminal", "write", false, false, make_stopped_terminal,
	  call_write, NULL },
	{ "read-eventfd", "read", false, false, make_eventfd, call_read, NULL },
	{ "write-eventfd", "write", false, false, make_full_eventfd, call_write,
	  NULL },
	{ "read-timerfd", "read", false, true, make_timer, call_read_timer,
	  NULL },
	{ "read-signalfd", "read", false, false, make_signalfd, call_read,
	  NULL },
	{ "read-inotify", "read", false, false, make_inotify, call_read, NULL },
	{ "read-fanotify", "read", false, false, make_fanotify, call_read,
	  NULL },
	{ "read-userfaultfd", "read", false, false, make_userfaultfd, call_read,
	  NULL },
	{ "io_getevents", "io_getevents", true, true, make_aio,
	  call_io_getevents, NULL },
	{ "io_pgetevents", "io_pgetevents", true, true, make_aio,
	  call_io_pgetevents, NULL },
	{ "io_uring_enter", "io_uring_enter", true, false, make_uring,
	  call_uring, NULL },
	{ "io_uring_enter-timed", "io_uring_enter", true, true, make_uring,
	  call_uring_timed, NULL },
	{ .name = NULL },
};
