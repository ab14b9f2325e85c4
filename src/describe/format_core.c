/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format_core.c - what a core file says of the machine that wrote it */
#include "describe/describe_snapshot.h"
#include "describe/formats.h"
#include "source/core.h"

struct error *format_core_parse(const char *path, struct description *d,
				enum xstate_family *vendor_ret)
{
	const struct core_options options = { 0 };
	struct snapshot *s = NULL;
	struct error *err = core_open(path, &options, &s);

	if (err)
		return err;
	err = describe_snapshot(s, d, vendor_ret);
	if (err)
		err = error_wrap(err, "%s", path);
	snapshot_destroy(s);
	return err;
}
