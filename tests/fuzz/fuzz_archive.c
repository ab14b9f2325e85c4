/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_archive.c - compressed cores and archives with checkpoints */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "examine.h"
#include "fuzz.h"
#include "source/input.h"

/* A bomb is an error above that. */
#define UNPACKED_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct input_options options = {
		.core = examine_options,
		.max_size = UNPACKED_MAX,
	};
	struct input *in = NULL;
	char path[64];
	int fd = fuzz_file(data, size);

	/* what is unpacked stays in memory */
	setenv("TMPDIR", "/dev/shm", 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fuzz_failed(input_open(path, &options, &in))) {
		close(fd);
		return 0;
	}
	for (size_t i = 0; i < input_count(in); i++) {
		struct snapshot *s = NULL;
		struct report *r = NULL;

		if (!fuzz_failed(input_snapshot(in, i, &s)) &&
		    !fuzz_failed(examine(s, &r)))
			report_destroy(r);
	}
	input_destroy(in);
	close(fd);
	return 0;
}
