/* SPDX-License-Identifier: GPL-3.0-or-later */
/* targets.h - the targets of the command line, ready to judge frames on */
#ifndef SIGFRAME_TARGETS_H
#define SIGFRAME_TARGETS_H

#include "describe/host.h"
#include "report/model.h"

struct targets {
	struct report_target *list;
	size_t count;
};

/*
 * Describe each of `specs` (see describe/spec.h); without any, this machine,
 * which has to be probed if spec_may_mean_host() for one of them.
 * Points into `specs` and `host`, which have to outlive *ret.
 */
struct error *targets_init(struct targets *ret, const char *const *specs,
			   size_t count, const struct host *host) MUST_USE;
void targets_deinit(struct targets *t);

#endif
