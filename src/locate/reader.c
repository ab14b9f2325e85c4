/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader.c - who reads ELF files: a process that can do nothing else */
#include "locate/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/wait.h"
#include "locate/reader_child.h"

/* For one who cannot be killed at once, in milliseconds. */
#define KILL_MS 500

/*
 * A process that answers, and the way to it. When that is closed it ends; if it
 * hangs, a nurse kills it before the next, or its end does.
 */
struct child {
	int socket;		/* -1: none */
	pid_t pid;		/* 0: it is a nurse's */
};

struct nursery {
	struct child first;	/* for one reader, until it is taken */
	struct child nurse;	/* or for many */
};

struct reader {
	struct reader_options options;
	struct answerer *here;	/* in this process; or NULL */
	struct child child;
	unsigned children;	/* so far */
	uint64_t questions;
	long waited_ms;
	int refused;
};

static void child_end(struct child *c)
{
	pid_t got;

	if (c->socket < 0)
		return;
	if (c->pid) {
		kill(c->pid, SIGKILL);
		/* who hangs in a file system is left to others */
		if (wait_closed(c->socket, KILL_MS))
			do
				got = waitpid(c->pid, NULL, 0);
			while (got < 0 && errno == EINTR);
	}
	close(TAKE_FD(c->socket));
}

/* False, and errno. */
static bool child_start(pid_t (*start)(int fd, int other,
				       const struct confine_limits *limits),
			const struct confine_limits *limits, struct child *ret)
{
	CLEANUP_FD int ours = -1;
	CLEANUP_FD int theirs = -1;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return false;
	ours = ends[0];
	theirs = ends[1];
	pid = start(theirs, ours, limits);
	if (pid < 0)
		return false;
	*ret = (struct child){ TAKE_FD(ours), pid };
	return true;
}

/* By a nurse; false: it is gone. */
static bool child_order(const struct child *nurse, struct child *ret)
{
	CLEANUP_FD int ours = -1;
	CLEANUP_FD int theirs = -1;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return false;
	ours = ends[0];
	theirs = ends[1];
	if (!reader_child_order(nurse->socket, theirs))
		return false;
	*ret = (struct child){ TAKE_FD(ours), 0 };
	return true;
}

static struct confine_limits limits_of(const struct reader_options *o)
{
	return (struct confine_limits){
		.memory = READER_MEMORY + o->memory,
		.seconds = READER_SECONDS,
	};
}

struct nursery *nursery_open(bool many)
{
	const struct confine_limits limits =
		limits_of(&(struct reader_options){ 0 });
	struct nursery *n = calloc(1, sizeof(*n));
	bool started;

	if (!n)
		return NULL;
	n->first.socket = n->nurse.socket = -1;
	started = many ? child_start(reader_child_nurse, &limits, &n->nurse)
		       : child_start(reader_child_start, &limits, &n->first);
	if (!started) {
		free(n);
		return NULL;
	}
	return n;
}

void nursery_close(struct nursery *n)
{
	if (!n)
		return;
	child_end(&n->first);
	child_end(&n->nurse);
	free(n);
}

struct reader *reader_create(const struct reader_options *options)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->options = *options;
	r->child.socket = -1;
	if (!r->options.question_ms)
		r->options.question_ms = READER_QUESTION_MS;
	if (!r->options.total_ms)
		r->options.total_ms = READER_TOTAL_MS;
	if (options->in_process) {
		r->here = answerer_create();
		if (!r->here) {
			free(r);
			return NULL;
		}
	}
	return r;
}

void reader_destroy(struct reader *r)
{
	if (!r)
		return;
	child_end(&r->child);
	answerer_destroy(r->here);
	free(r);
}

/* From where it is cheapest; false, and errno. */
static bool find_child(struct reader *r)
{
	const struct confine_limits limits = limits_of(&r->options);
	struct nursery *n = r->options.nursery;

	if (n && n->first.socket >= 0) {
		r->child = n->first;
		n->first.socket = -1;
		return true;
	}
	if (n && n->nurse.socket >= 0 && child_order(&n->nurse, &r->child))
		return true;
	return child_start(reader_child_start, &limits, &r->child);
}

/* A read waits as long as an answer may take. */
static bool set_patience(const struct reader *r)
{
	const struct timeval patience = {
		.tv_sec = r->options.question_ms / 1000,
		.tv_usec = r->options.question_ms % 1000 * 1000L,
	};

	return !setsockopt(r->child.socket, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
}

unsigned reader_start(struct reader *r)
{
	if (r->here)
		return 1;
	if (r->child.socket >= 0)
		return r->children;
	if (r->children == READER_CHILDREN || r->refused ||
	    r->waited_ms >= (long)r->options.total_ms)
		return 0;
	if (!find_child(r) || !set_patience(r)) {
		r->refused = errno;
		child_end(&r->child);
		return 0;
	}
	return ++r->children;
}

/* From the child, which may be anybody by now. */
static enum reader_result receive_answer(struct reader *r,
					 const struct question *q,
					 struct answer *ret)
{
	long start = wait_milliseconds(), waited;
	ssize_t size;

	do {
		/* descriptors that come along are closed by the kernel */
		size = recv(r->child.socket, ret, sizeof(*ret), MSG_TRUNC);
		waited = wait_milliseconds() - start;
	} while (size < 0 && errno == EINTR &&
		 waited < (long)r->options.question_ms);
	r->waited_ms += waited;
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return READER_SLOW;
	if (size < (ssize_t)offsetof(struct answer, more) ||
	    ret->number != q->number || (size_t)size != answer_size(q, ret))
		return READER_DIED;
	/* it may answer every time, and just in time */
	return r->waited_ms < (long)r->options.total_ms ? READER_ANSWERED
							: READER_SLOW;
}

/* They are taken by who answers. */
static struct question_files copied(struct question_files files)
{
	if (files.fd >= 0)
		files.fd = fcntl(files.fd, F_DUPFD_CLOEXEC, 0);
	if (files.debug_fd >= 0)
		files.debug_fd = fcntl(files.debug_fd, F_DUPFD_CLOEXEC, 0);
	return files;
}

enum reader_result reader_ask(struct reader *r, struct question *q,
			      struct question_files files, struct answer *ret)
{
	enum reader_result result = READER_DIED;

	if (!reader_start(r))
		return READER_NOBODY;
	q->number = ++r->questions;
	if (r->here) {
		answerer_answer(r->here, q, copied(files), ret);
		return READER_ANSWERED;
	}
	if (reader_child_ask(r->child.socket, q, files))
		result = receive_answer(r, q, ret);
	if (result != READER_ANSWERED)
		child_end(&r->child);
	return result;
}

int reader_refused(const struct reader *r)
{
	return r->refused;
}

pid_t reader_pid(const struct reader *r)
{
	return r->child.socket >= 0 ? r->child.pid : 0;
}
