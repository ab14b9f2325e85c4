/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spec.h - targets as written on the command line */
#ifndef SIGFRAME_DESCRIBE_SPEC_H
#define SIGFRAME_DESCRIBE_SPEC_H

#include "describe/description.h"
#include "describe/host.h"

/*
 * Parse "CPU[,+FLAG|,-FLAG|,layout=intel|amd]...[@KERNEL]".
 *
 * CPU: "host", a model of models.h, or a description file (anything with a
 * '/', or that exists and is no model). KERNEL: "host", a release, or a set of
 * rules by id or name; left out: the description's own if it has one, else
 * the host's. A FLAG is the name of an extension (isa.h) and takes along
 * those that need it (-) or that it needs (+); "+amx" also says that the task
 * will have used it. Errors (ERROR_USAGE, ERROR_BAD_INPUT) say what would be
 * allowed, and suggest a name that is nearly what was written. What is returned
 * is called what a file calls it, or else `text`. The enabled
 * components and their places are known in what is returned, or it is an error.
 */
struct error *spec_parse(const char *text, const struct host *host,
			 struct description **ret) MUST_USE;

/* May the kernel that runs here count for it? No: another one is named. */
bool spec_may_mean_host(const char *text);

#endif
