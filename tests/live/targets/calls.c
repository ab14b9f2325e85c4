/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls.c - a process in those system calls that a stop would end early */

/*
 * Starts a thread in each of the calls that return EINTR when a tracer stops
 * them, and some that do not. Prints
 *
 *	process PID
 *	call TID NAME fragile|sturdy
 *	skipped NAME
 *	READY
 *
 * and when the other end of its standard input is closed
 *
 *	early NAME ERRNO	a call that has returned, which none should
 *	blocked COUNT		the calls that have not
 */
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "target.h"

/* Longer than a target lives. */
#define LONG_SECONDS 10000
static const struct timespec long_time = { .tv_sec = LONG_SECONDS };

static int make_epoll(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

static long call_epoll_wait(int epoll)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, LONG_SECONDS * 1000);
}

static long call_epoll_pwait2(int epoll)
{
	struct epoll_event event;

	return syscall(441 /* epoll_pwait2 */, epoll, &event, 1, &long_time,
		       NULL, 0);
}

static int make_socket(int option)
{
	struct timeval tv = { .tv_sec = LONG_SECONDS };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ||
	    setsockopt(pair[0], SOL_SOCKET, option, &tv, sizeof(tv)))
		return -1;
	return pair[0];
}

static int make_receiver(void)
{
	return make_socket(SO_RCVTIMEO);
}

static int make_sender(void)
{
	return make_socket(SO_SNDTIMEO);
}

static long call_recv(int fd)
{
	char byte;

	return recv(fd, &byte, 1, 0);
}

/* Until nothing more fits in; only the last one blocks. */
static long call_send(int fd)
{
	static const char bytes[65536];
	ssize_t n;

	do
		n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
	while (n == sizeof(bytes));
	return n;
}

static int make_listener(void)
{
	struct timeval tv = { .tv_sec = LONG_SECONDS };
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* no name: the kernel chooses one that is no file */
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)) ||
	    listen(fd, 1) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		return -1;
	return fd;
}

static long call_accept(int fd)
{
	return accept(fd, NULL, NULL);
}

static int make_semaphore(void)
{
	return semget(IPC_PRIVATE, 1, 0600);
}

static void unmake_semaphore(int id)
{
	semctl(id, 0, IPC_RMID);
}

static long call_semop(int id)
{
	struct sembuf op = { .sem_op = -1 };

	return semop(id, &op, 1);
}

static long call_semtimedop(int id)
{
	struct sembuf op = { .sem_op = -1 };

	return semtimedop(id, &op, 1, &long_time);
}

static aio_context_t aio;

static int make_aio(void)
{
	return syscall(SYS_io_setup, 1, &aio) ? -1 : 0;
}

static long call_io_getevents(int fd)
{
	struct io_event event;

	(void)fd;
	return syscall(SYS_io_getevents, aio, 1L, 1L, &event, &long_time);
}

/* Blocked everywhere, so that it stays pending for those who wait. */
static int make_mask(void)
{
	return 0;
}

static long call_sigwaitinfo(int fd)
{
	sigset_t set;

	(void)fd;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigwaitinfo(&set, NULL);
}

static long call_sigtimedwait(int fd)
{
	sigset_t set;

	(void)fd;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigtimedwait(&set, NULL, &long_time);
}

static long call_nanosleep(int fd)
{
	(void)fd;
	return nanosleep(&long_time, NULL);
}

static long call_futex(int fd)
{
	static uint32_t word;

	(void)fd;
	return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &long_time,
		       NULL, 0);
}

static long call_poll(int fd)
{
	(void)fd;
	return poll(NULL, 0, LONG_SECONDS * 1000);
}

static const struct call {
	const char *name;
	bool fragile;
	int (*make)(void);	/* -1: not to be had here */
	long (*run)(int fd);
	void (*unmake)(int fd);
} calls[] = {
	{ "epoll_wait", true, make_epoll, call_epoll_wait, NULL },
	{ "epoll_pwait2", true, make_epoll, call_epoll_pwait2, NULL },
	{ "recv", true, make_receiver, call_recv, NULL },
	{ "send", true, make_sender, call_send, NULL },
	{ "accept", true, make_listener, call_accept, NULL },
	{ "semop", true, make_semaphore, call_semop, unmake_semaphore },
	{ "semtimedop", true, make_semaphore, call_semtimedop,
	  unmake_semaphore },
	{ "io_getevents", true, make_aio, call_io_getevents, NULL },
	{ "sigwaitinfo", true, make_mask, call_sigwaitinfo, NULL },
	{ "sigtimedwait", true, make_mask, call_sigtimedwait, NULL },
	{ "nanosleep", false, make_mask, call_nanosleep, NULL },
	{ "futex", false, make_mask, call_futex, NULL },
	{ "poll", false, make_mask, call_poll, NULL },
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static struct worker {
	const struct call *call;
	int fd;
	pid_t tid;
	atomic_bool ready;
	atomic_int result;	/* 0: has not returned */
} workers[CALLS];

static void *work(void *arg)
{
	struct worker *w = arg;

	w->tid = target_tid();
	atomic_store(&w->ready, true);
	/* a call that succeeds is not what is expected either */
	atomic_store(&w->result, w->call->run(w->fd) < 0 ? errno : -1);
	for (;;)
		pause();
	return NULL;
}

static char state_of(pid_t tid)
{
	char name[64], line[256] = "";
	char state = '?';

	snprintf(name, sizeof(name), "/proc/self/task/%d/stat", tid);

	FILE *file = fopen(name, "r");

	if (file && fgets(line, sizeof(line), file) && strrchr(line, ')'))
		state = strrchr(line, ')')[2];
	if (file)
		fclose(file);
	return state;
}

/* Until it is blocked, which it also is on the way there: look twice. */
static void await(const struct worker *w)
{
	while (!atomic_load(&w->ready))
		usleep(100);
	for (unsigned calm = 0; calm < 20;) {
		calm = state_of(w->tid) == 'S' ? calm + 1 : 0;
		usleep(500);
	}
}

int main(void)
{
	sigset_t set;
	unsigned blocked = 0;

	target_begin();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < CALLS; i++) {
		struct worker *w = &workers[i];
		pthread_t thread;

		w->fd = calls[i].make();
		if (w->fd < 0)
			continue;
		w->call = &calls[i];
		if (pthread_create(&thread, NULL, work, w))
			target_fail("pthread_create");
	}
	for (size_t i = 0; i < CALLS; i++)
		if (workers[i].call)
			await(&workers[i]);
	for (size_t i = 0; i < CALLS; i++) {
		/* not every kernel has all of them */
		if (!workers[i].call || atomic_load(&workers[i].result)) {
			printf("skipped %s\n", calls[i].name);
			workers[i].call = NULL;
			continue;
		}
		printf("call %d %s %s\n", workers[i].tid, calls[i].name,
		       calls[i].fragile ? "fragile" : "sturdy");
	}
	target_ready();
	target_stay();
	for (size_t i = 0; i < CALLS; i++) {
		int result = atomic_load(&workers[i].result);

		if (calls[i].unmake && workers[i].fd >= 0)
			calls[i].unmake(workers[i].fd);
		if (!workers[i].call)
			continue;
		if (result)
			printf("early %s %d\n", calls[i].name, result);
		else
			blocked++;
	}
	printf("blocked %u\n", blocked);
	fflush(stdout);
	_exit(0);
}
