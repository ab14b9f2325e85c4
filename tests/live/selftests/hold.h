/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hold.h - let a traced thread go, and take it back */
#ifndef SIGFRAME_TESTS_HOLD_H
#define SIGFRAME_TESTS_HOLD_H

#include <stdint.h>
#include <sys/types.h>

/* Say what failed, and why, and end. */
void hold_fail(const char *what) __attribute__((__noreturn__));

/* The number behind `key` in /proc/TID/status; 0 if there is none. */
uint64_t hold_status(pid_t tid, const char *key, int base);

/* Let it go, stopped as by SIGSTOP; its process has no other thread. */
void hold_release(pid_t pid, pid_t tid);

/* Take it back, with PTRACE_SEIZE's `options`, and have it go on. */
void hold_seize(pid_t pid, pid_t tid, long options);

#endif
