/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe_host.h - this machine as a description file */
#ifndef SIGFRAME_DESCRIBE_DESCRIBE_HOST_H
#define SIGFRAME_DESCRIBE_DESCRIBE_HOST_H

#include "base/text.h"
#include "describe/host.h"

/*
 * Append a description of this machine, to be read on another
 * (sigframe-inspect-cpu(5)). Calls host_probe() if that has not been done.
 */
struct error *describe_host(const struct host *host, struct text *t) MUST_USE;

#endif
