/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls_time.c - calls that wait for time, events, signals and children */
#include "calls.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static long call_nanosleep(const struct place *p)
{
	(void)p;
	return nanosleep(calls_time(), NULL);
}

/* These two say what went wrong. */
static long failed(int error)
{
	errno = error;
	return error ? -1 : 0;
}

static long call_clock_nanosleep(const struct place *p)
{
	(void)p;
	return failed(clock_nanosleep(CLOCK_BOOTTIME, 0, calls_time(), NULL));
}

static long call_clock_nanosleep_abs(const struct place *p)
{
	struct timespec t = calls_deadline(CLOCK_MONOTONIC);

	(void)p;
	return failed(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t,
				      NULL));
}

static long call_pause(const struct place *p)
{
	(void)p;
	return pause();
}

static long call_sigsuspend(const struct place *p)
{
	sigset_t all;

	(void)p;
	sigfillset(&all);
	return sigsuspend(&all);
}

static long call_sigwaitinfo(const struct place *p)
{
	sigset_t set;

	(void)p;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigwaitinfo(&set, NULL);
}

static long call_sigtimedwait(const struct place *p)
{
	sigset_t set;

	(void)p;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigtimedwait(&set, NULL, calls_time());
}

static long futex(uint32_t *word, int op, uint32_t value,
		  const struct timespec *time, uint32_t bits)
{
	return syscall(SYS_futex, word, op, value, time, NULL, bits);
}

static long call_futex(const struct place *p)
{
	static uint32_t word;

	(void)p;
	return futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, 0);
}

static long call_futex_timed(const struct place *p)
{
	static uint32_t word;

	(void)p;
	return futex(&word, FUTEX_WAIT_PRIVATE, 0, calls_time(), 0);
}

static long call_futex_abs(const struct place *p)
{
	static uint32_t word;
	struct timespec t = calls_deadline(CLOCK_MONOTONIC);

	(void)p;
	return futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &t,
		     FUTEX_BITSET_MATCH_ANY);
}

/* The main thread has it. */
static int make_lock(struct place *p)
{
	static uint32_t word;

	word = (uint32_t)getpid();
	p->memory = &word;
	return 0;
}

static long call_futex_lock(const struct place *p)
{
	struct timespec t = calls_deadline(CLOCK_REALTIME);

	return futex(p->memory, FUTEX_LOCK_PI_PRIVATE, 0, &t, 0);
}

static long call_futex_waitv(const struct place *p)
{
	static uint32_t word;
	const struct {
		uint64_t value, address;
		uint32_t flags, reserved;
	} waiter = { .address = (uintptr_t)&word, .flags = 0x82 };
	struct timespec t = calls_deadline(CLOCK_MONOTONIC);

	(void)p;
	return syscall(SYS_futex_waitv, &waiter, 1, 0, &t, CLOCK_MONOTONIC);
}

static long call_poll(const struct place *p)
{
	(void)p;
	return poll(NULL, 0, calls_milliseconds());
}

static long call_ppoll(const struct place *p)
{
	sigset_t none;

	(void)p;
	sigfillset(&none);
	return ppoll(NULL, 0, calls_time(), &none);
}

static long call_select(const struct place *p)
{
	struct timeval tv = { .tv_sec = calls_time()->tv_sec };

	(void)p;
	return syscall(SYS_select, 0, NULL, NULL, NULL, &tv);
}

static long call_pselect(const struct place *p)
{
	sigset_t none;

	(void)p;
	sigfillset(&none);
	return pselect(0, NULL, NULL, NULL, calls_time(), &none);
}

static int make_epoll(struct place *p)
{
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	return p->fd < 0 ? -1 : 0;
}

static long call_epoll_wait(const struct place *p)
{
	struct epoll_event event;

	return epoll_wait(p->fd, &event, 1, calls_milliseconds());
}

static long call_epoll_pwait(const struct place *p)
{
	struct epoll_event event;
	sigset_t all;

	sigfillset(&all);
	return epoll_pwait(p->fd, &event, 1, calls_milliseconds(), &all);
}

static long call_epoll_pwait2(const struct place *p)
{
	struct epoll_event event;

	return syscall(SYS_epoll_pwait2, p->fd, &event, 1, calls_time(), NULL,
		       0);
}

static int make_child(struct place *p)
{
	p->fd = calls_idler(-1);
	return p->fd ? 0 : -1;
}

static long call_wait4(const struct place *p)
{
	return wait4(p->fd, NULL, 0, NULL);
}

static long call_waitid(const struct place *p)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)p->fd, &info, WEXITED);
}

const struct call calls_of_time[] = {
	{ "nanosleep", "nanosleep", false, true, NULL, call_nanosleep, NULL },
	{ "clock_nanosleep", "clock_nanosleep", false, true, NULL,
	  call_clock_nanosleep, NULL },
	{ "clock_nanosleep-absolute", "clock_nanosleep", false, true, NULL,
	  call_clock_nanosleep_abs, NULL },
	{ "pause", "pause", false, false, NULL, call_pause, NULL },
	{ "sigsuspend", "sigsuspend", false, false, NULL, call_sigsuspend,
	  NULL },
	{ "sigwaitinfo", "sigwaitinfo", true, false, NULL, call_sigwaitinfo,
	  NULL },
	{ "sigtimedwait", "sigtimedwait", true, true, NULL, call_sigtimedwait,
	  NULL },
	{ "futex", "futex", false, false, NULL, call_futex, NULL },
	{ "futex-timed", "futex", false, true, NULL, call_futex_timed, NULL },
	{ "futex-absolute", "futex", false, true, NULL, call_futex_abs, NULL },
	{ "futex-lock-pi", "futex", false, true, make_lock, call_futex_lock,
	  NULL },
	{ "futex_waitv", "futex_waitv", false, true, NULL, call_futex_waitv,
	  NULL },
	{ "poll", "poll", false, true, NULL, call_poll, NULL },
	{ "ppoll", "ppoll", false, true, NULL, call_ppoll, NULL },
	{ "select", "select", false, true, NULL, call_select, NULL },
	{ "pselect", "pselect", false, true, NULL, call_pselect, NULL },
	{ "epoll_wait", "epoll_wait", true, true, make_epoll, call_epoll_wait,
	  NULL },
	{ "epoll_pwait", "epoll_pwait", true, true, make_epoll,
	  call_epoll_pwait, NULL },
	{ "epoll_pwait2", "epoll_pwait2", true, true, make_epoll,
	  call_epoll_pwait2, NULL },
	{ "wait4", "wait4", false, false, make_child, call_wait4, NULL },
	{ "waitid", "waitid", false, false, make_child, call_waitid, NULL },
	{ .name = NULL },
};
