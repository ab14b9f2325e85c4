/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect.h - from the inputs of the command line to the report's model */
#ifndef SIGFRAME_INSPECT_H
#define SIGFRAME_INSPECT_H

#include "describe/host.h"
#include "options.h"
#include "report/model.h"

/*
 * Open, snapshot, locate and judge every input of `o`, into `r`. One that
 * fails does not keep the others from it: it is counted in r->failed, and its
 * error goes to `complain`, which takes it. True if there was none.
 */
bool inspect_all(const struct options *o, const struct host *host,
		 struct report *r, bool (*complain)(struct error *err));

#endif
