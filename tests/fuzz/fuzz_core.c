/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_core.c - whole core files: threads, frames, verdicts, deaths */
#include "examine.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot *s = NULL;
	struct report *r = NULL;

	if (!fuzz_failed(examine_core(data, size, &s)) &&
	    !fuzz_failed(examine(s, &r)))
		report_destroy(r);
	return 0;
}
