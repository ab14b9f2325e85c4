/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe_host.c - this machine as a description file */
#include "describe/describe_host.h"

#include "describe/format_own.h"
#include "describe/spec.h"

struct error *describe_host(const struct host *host, struct text *t)
{
	struct host tried = *host;
	struct description *d = NULL;

	host_probe_once(&tried);

	struct error *err = spec_parse("host", &tried, &d);

	if (err)
		return err;
	description_set_abis(d, tried.ia32, tried.x32);
	if (description_rename(d, host->brand))
		own_write(d, t);
	else
		err = &error_no_memory;
	description_destroy(d);
	return err;
}
