/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json.h - a report as JSON */
#ifndef SIGFRAME_REPORT_JSON_H
#define SIGFRAME_REPORT_JSON_H

#include <stdio.h>

#include "report/emitter.h"

/*
 * Writes one JSON object to `out` as it goes, indented if `pretty`, else on one
 * line. Foreign strings become valid UTF-8; keys are written as they are. NULL
 * if there is no memory.
 */
struct emitter *json_create(FILE *out, bool pretty);

#endif
