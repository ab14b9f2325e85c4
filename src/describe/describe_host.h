/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe_host.h - this machine as a description file */
#ifndef SIGFRAME_DESCRIBE_DESCRIBE_HOST_H
#define SIGFRAME_DESCRIBE_DESCRIBE_HOST_H

#include "base/text.h"
#include "describe/host.h"

/*
 * Has this kernel the ABIs of 32-bit programs? Starts two processes that live
 * for a system call each, to see. UNKNOWN if something stands in the way.
 */
void describe_host_abis(enum tri *ia32_ret, enum tri *x32_ret);

/*
 * Append a description of this machine, to be read on another
 * (sigframe-inspect-cpu(5)). Calls describe_host_abis(), and host_probe() if
 * that has not been done.
 */
struct error *describe_host(const struct host *host, struct text *t) MUST_USE;

#endif
