/* SPDX-License-Identifier: GPL-3.0-or-later */
/* origin.h - the machine that an input ran on, as a target for its autopsy */
#ifndef SIGFRAME_ORIGIN_H
#define SIGFRAME_ORIGIN_H

#include "describe/host.h"
#include "report/model.h"

/*
 * For a process this machine, with the rules that were found out by trial; for
 * a core what it says of its CPU, under the rules of any released kernel,
 * because it does not say which one wrote it. NULL in *ret if nothing is
 * known. The caller frees it with report_target_destroy().
 */
struct error *origin_of(const struct snapshot *s, const struct host *host,
			struct report_target **ret) MUST_USE;

/*
 * Bytes of the largest XSAVE image of that machine; 0 if that is not known.
 */
uint32_t origin_image_max(const struct snapshot *s);

/*
 * Fill in where the CPU had each component, which a checkpoint does not say,
 * but what it does say decides. Best effort; an error means there is no memory.
 */
struct error *origin_infer(struct snapshot *s, const struct host *host) MUST_USE;

#endif
