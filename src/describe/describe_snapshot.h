/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe_snapshot.h - the machine that a snapshot says it was taken on */
#ifndef SIGFRAME_DESCRIBE_DESCRIBE_SNAPSHOT_H
#define SIGFRAME_DESCRIBE_DESCRIBE_SNAPSHOT_H

#include "describe/description.h"
#include "source/snapshot.h"

/*
 * Fill in what `s` says of it; description_complete() comes after, with
 * *vendor_ret. ERROR_BAD_INPUT if it does not even say which components there
 * were.
 */
struct error *describe_snapshot(const struct snapshot *s,
				struct description *d,
				enum xstate_family *vendor_ret) MUST_USE;

#endif
