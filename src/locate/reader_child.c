/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader_child.c - the processes that answer, and that start those */
#include "locate/reader_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { FILES_MAX = 2 };		/* descriptors with a message */

/* Room for the descriptors, aligned as it has to be. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(FILES_MAX * sizeof(int))];
};

/* With the first `count` of `fds`. */
static bool send_with(int fd, const void *data, size_t size, const int *fds,
		      unsigned count)
{
	union control control = { .room = { 0 } };
	struct iovec part = { (void *)(uintptr_t)data, size };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count) {
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(count * sizeof(*fds));
		control.header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(count * sizeof(*fds)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(*fds));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

/* From this program's other process. False: there will be nothing more. */
static bool receive_with(int fd, void *data, size_t size,
			 int fds_ret[FILES_MAX])
{
	union control control;
	struct iovec part = { data, size };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c;
	ssize_t got;

	for (unsigned i = 0; i < FILES_MAX; i++)
		fds_ret[i] = -1;
	do
		got = recvmsg(fd, &m, 0);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)size)
		return false;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds_ret, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return true;
}

bool reader_child_ask(int fd, const struct question *q,
		      struct question_files files)
{
	const int fds[FILES_MAX] = { files.fd, files.debug_fd };

	return send_with(fd, q, sizeof(*q), fds,
			 files.fd < 0 ? 0 : files.debug_fd < 0 ? 1 : 2);
}

static bool send_answer(int fd, const struct question *q,
			const struct answer *a)
{
	size_t size = answer_size(q, a);

	return send(fd, a, size, 0) == (ssize_t)size;
}

static void serve(int fd, pid_t parent, const struct confine_limits *limits)
{
	static struct answer answer;
	struct pollfd first = { .fd = fd, .events = POLLIN };
	struct answerer *a;
	struct question q;
	int fds[FILES_MAX];

	/* a terminal's signals are for the parent */
	(void)setpgid(0, 0);
	while (poll(&first, 1, -1) < 0 && errno == EINTR)
		;
	if (!(first.revents & POLLIN) || !confine(fd, parent, limits))
		return;
	a = answerer_create();
	while (a && receive_with(CONFINE_FD, &q, sizeof(q), fds)) {
		answerer_answer(a, &q,
				(struct question_files){ fds[0], fds[1] },
				&answer);
		if (!send_answer(CONFINE_FD, &q, &answer))
			return;
	}
}

/* Not waiting for it: who hangs in a file system does so for ever. */
static void end_child(pid_t *pid)
{
	pid_t got;

	while ((got = waitpid(-1, NULL, WNOHANG)) > 0)
		if (got == *pid)
			*pid = 0;
	if (*pid > 0)
		kill(*pid, SIGKILL);
	*pid = 0;
}

static void nurse(int fd, pid_t parent, const struct confine_limits *limits)
{
	pid_t child = 0;
	int fds[FILES_MAX];
	char order;

	(void)parent;
	(void)setpgid(0, 0);
	while (receive_with(fd, &order, sizeof(order), fds)) {
		end_child(&child);
		child = reader_child_start(fds[0], fd, limits);
		close(fds[0]);
	}
	end_child(&child);
}

bool reader_child_order(int nurse_fd, int fd)
{
	return send_with(nurse_fd, "", 1, &fd, 1);
}

/* Processes that end by themselves, and return to nobody. */
static pid_t start(void (*life)(int fd, pid_t parent,
				const struct confine_limits *limits),
		   int fd, int other, const struct confine_limits *limits)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid)
		return pid;
	close(other);
	life(fd, parent, limits);
	/* not by the library: what it would do is the parent's */
	for (;;)
		syscall(SYS_exit_group, 0);
}

pid_t reader_child_start(int fd, int other,
			 const struct confine_limits *limits)
{
	return start(serve, fd, other, limits);
}

pid_t reader_child_nurse(int fd, int other,
			 const struct confine_limits *limits)
{
	return start(nurse, fd, other, limits);
}
