/* SPDX-License-Identifier: GPL-3.0-or-later */
/* filter.h - the system calls that a child in a rehearsal may make */
#ifndef SIGFRAME_REHEARSE_FILTER_H
#define SIGFRAME_REHEARSE_FILTER_H

#include <stdint.h>

/*
 * Address of a struct sock_fprog: sigreturn of all kinds and exit_group are
 * allowed, the rest kills the process. Constant.
 */
uint64_t filter_program(void);

#endif
