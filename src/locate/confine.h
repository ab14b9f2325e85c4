/* SPDX-License-Identifier: GPL-3.0-or-later */
/* confine.h - a process gives up what it could do harm with */
#ifndef SIGFRAME_LOCATE_CONFINE_H
#define SIGFRAME_LOCATE_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Sanitizers print what they find, and use more memory than there is. */
#if defined(__SANITIZE_ADDRESS__)
#define CONFINE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CONFINE_SANITIZED 1
#endif
#endif
#ifndef CONFINE_SANITIZED
#define CONFINE_SANITIZED 0
#endif

/* The descriptor that is left; of a sanitized build standard error, too. */
enum { CONFINE_FD = 0 };

struct confine_limits {
	uint64_t memory;	/* bytes of address space; not if sanitized */
	unsigned seconds;	/* of CPU time */
};

/*
 * For good: no descriptor but `fd`, which becomes CONFINE_FD, no privileges,
 * little memory and time, no new files or processes, death when `parent` dies,
 * and before all others if the machine runs out of memory, and of system calls
 * only those that it takes to read the files it is sent. None of them finds a
 * file by name, or passes a descriptor on. SIGSYS is handled.
 * Without seccomp filters it is Landlock (since 5.13) that keeps it from other
 * files. False if something else fails, or if the parent is dead already; the
 * process has to end then.
 */
bool confine(int fd, pid_t parent, const struct confine_limits *limits);

/* The last part of it, for tests: of system calls. False: there is no such. */
bool confine_calls(void);

#endif
