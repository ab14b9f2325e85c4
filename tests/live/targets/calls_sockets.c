/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls_sockets.c - calls that wait for the other end of a socket */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static char bytes[4096];

static int set_time(int fd, int option)
{
	struct timeval tv = { .tv_sec = calls_time()->tv_sec };

	return option ? setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv))
		      : 0;
}

static int make_pair(struct place *p, int type, int option)
{
	int pair[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair))
		return -1;
	p->fd = pair[0];
	p->other = pair[1];
	return set_time(p->fd, option);
}

static int make_stream(struct place *p)
{
	return make_pair(p, SOCK_STREAM, 0);
}

static int make_stream_timed(struct place *p)
{
	return make_pair(p, SOCK_STREAM, SO_RCVTIMEO);
}

static int make_datagram(struct place *p)
{
	return make_pair(p, SOCK_DGRAM, 0);
}

/* Nothing more fits in. */
static int fill(struct place *p, int type, int option)
{
	if (make_pair(p, type, option))
		return -1;
	while (send(p->fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return errno == EAGAIN ? 0 : -1;
}

static int make_full(struct place *p)
{
	return fill(p, SOCK_STREAM, 0);
}

static int make_full_timed(struct place *p)
{
	return fill(p, SOCK_STREAM, SO_SNDTIMEO);
}

static int make_full_datagram(struct place *p)
{
	return fill(p, SOCK_DGRAM, 0);
}

static long call_read(const struct place *p)
{
	char byte;

	return read(p->fd, &byte, 1);
}

static long call_recv(const struct place *p)
{
	char byte;

	return recv(p->fd, &byte, 1, 0);
}

static long call_recvmsg(const struct place *p)
{
	struct iovec iov = { (char[1]){ 0 }, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	return recvmsg(p->fd, &message, 0);
}

static long call_recvmmsg(const struct place *p)
{
	struct iovec iov = { (char[1]){ 0 }, 1 };
	struct mmsghdr message = {
		.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
	};

	return recvmmsg(p->fd, &message, 1, 0, NULL);
}

static long call_write(const struct place *p)
{
	return write(p->fd, bytes, sizeof(bytes));
}

static long call_send(const struct place *p)
{
	return send(p->fd, bytes, sizeof(bytes), 0);
}

static long call_sendmsg(const struct place *p)
{
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	return sendmsg(p->fd, &message, 0);
}

static long call_sendmmsg(const struct place *p)
{
	struct iovec iov = { bytes, sizeof(bytes) };
	struct mmsghdr message = {
		.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
	};

	return sendmmsg(p->fd, &message, 1, 0);
}

/* No name: the kernel chooses one that is no file. */
static int listener(void)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ||
			       bind(fd, (struct sockaddr *)&any,
				    sizeof(sa_family_t)) ||
			       listen(fd, 0)
		       ? -1
		       : fd;
}

static int make_listener(struct place *p)
{
	p->fd = listener();
	return p->fd < 0 ? -1 : 0;
}

static int make_listener_timed(struct place *p)
{
	return make_listener(p) ? -1 : set_time(p->fd, SO_RCVTIMEO);
}

static long call_accept(const struct place *p)
{
	return accept(p->fd, NULL, NULL);
}

static long call_accept4(const struct place *p)
{
	return accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);
}

static int join(int fd, int to)
{
	struct sockaddr_un name;
	socklen_t size = sizeof(name);

	return getsockname(to, (struct sockaddr *)&name, &size) ||
			       connect(fd, (struct sockaddr *)&name, size)
		       ? -1
		       : 0;
}

/* A listener that takes no more, and one more who wants to be taken. */
static int make_queue(struct place *p)
{
	int fd, failed;

	p->other = listener();
	if (p->other < 0)
		return -1;
	do {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    0);
		failed = join(fd, p->other);
	} while (fd >= 0 && !failed);
	p->fd = fd;
	return fd < 0 || errno != EAGAIN ? -1 : fcntl(fd, F_SETFL, 0);
}

static int make_queue_timed(struct place *p)
{
	return make_queue(p) ? -1 : set_time(p->fd, SO_SNDTIMEO);
}

static long call_connect(const struct place *p)
{
	return join(p->fd, p->other);
}

const struct call calls_of_sockets[] = {
	{ "read-socket", "read", false, false, make_stream, call_read, NULL },
	{ "read-socket-timed", "read", true, true, make_stream_timed,
	  call_read, NULL },
	{ "recv", "recv", false, false, make_stream, call_recv, NULL },
	{ "recv-timed", "recv", true, true, make_stream_timed, call_recv,
	  NULL },
	{ "recv-datagram", "recv", false, false, make_datagram, call_recv,
	  NULL },
	{ "recvmsg", "recvmsg", false, false, make_stream, call_recvmsg,
	  NULL },
	{ "recvmsg-timed", "recvmsg", true, true, make_stream_timed,
	  call_recvmsg, NULL },
	{ "recvmmsg", "recvmmsg", false, false, make_datagram, call_recvmmsg,
	  NULL },
	{ "write-socket", "write", false, false, make_full, call_write, NULL },
	{ "write-socket-timed", "write", true, true, make_full_timed,
	  call_write, NULL },
	{ "send", "send", false, false, make_full, call_send, NULL },
	{ "send-timed", "send", true, true, make_full_timed, call_send, NULL },
	{ "sendmsg", "sendmsg", false, false, make_full_datagram, call_sendmsg,
	  NULL },
	{ "sendmmsg", "sendmmsg", false, false, make_full_datagram,
	  call_sendmmsg, NULL },
	{ "accept", "accept", false, false, make_listener, call_accept, NULL },
	{ "accept-timed", "accept", true, true, make_listener_timed,
	  call_accept, NULL },
	{ "accept4", "accept4", false, false, make_listener, call_accept4,
	  NULL },
	{ "connect", "connect", false, false, make_queue, call_connect, NULL },
	{ "connect-timed", "connect", true, true, make_queue_timed,
	  call_connect, NULL },
	{ .name = NULL },
};
