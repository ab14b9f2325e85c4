/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison.h - from two inputs of the command line to what differs */
#ifndef SIGFRAME_COMPARISON_H
#define SIGFRAME_COMPARISON_H

#include "describe/host.h"
#include "options.h"
#include "report/compared.h"

/*
 * Open, snapshot and locate the two inputs of `o`, in the order of the command
 * line, and compare them, into `c`, which is empty. After an error nothing is
 * said of *c but that it can be destroyed.
 */
struct error *comparison_make(const struct options *o, const struct host *host,
			      struct compared *c) MUST_USE;

#endif
