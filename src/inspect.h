/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect.h - from the inputs of the command line to the report's model */
#ifndef SIGFRAME_INSPECT_H
#define SIGFRAME_INSPECT_H

#include "describe/host.h"
#include "options.h"
#include "progress.h"
#include "report/report.h"
#include "source/input.h"

/*
 * A running process, which this machine's CPU has run; `closer` as in struct
 * live_options.
 */
struct error *inspect_process(const struct options *o, const struct host *host,
			      pid_t pid, bool closer,
			      struct snapshot **ret) MUST_USE;

/* o->files[index]; `progress` is told about it, or NULL. */
struct error *inspect_file(const struct options *o, size_t index,
			   struct progress *progress,
			   struct input **ret) MUST_USE;

/* input_snapshot(), and what is not noted of the CPU but can be inferred. */
struct error *inspect_snapshot(struct input *input, size_t i,
			       const struct host *host,
			       struct snapshot **ret) MUST_USE;

/*
 * Open, snapshot, locate and judge every input of `o`, one after the other,
 * count it in `r`, and tell `walk` (if that is not NULL) about it. One that
 * fails does not keep the others from it: it is counted in r->failed, and its
 * error goes to `complain`, which takes it. True if there was none. The end of
 * the walk is left to the caller. The host is probed if that comes to matter.
 */
bool inspect_all(const struct options *o, struct host *host, struct report *r,
		 struct report_walk *walk,
		 bool (*complain)(struct error *err));

#endif
