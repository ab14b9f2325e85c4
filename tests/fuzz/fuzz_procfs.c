/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_procfs.c - texts of /proc, behind a byte that says which */
#include <stdlib.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "source/procfs.h"

static void mapping(const char *text, struct bytes raw)
{
	struct mapping m;

	(void)raw;
	if (!procfs_parse_mapping(text, &m))
		return;
	fuzz_must(m.start < m.end, "a mapping that ends before it starts");
	mapping_is_file(&m);
	free(m.path);
}

static void status(const char *text, struct bytes raw)
{
	struct procfs_status s;

	(void)raw;
	fuzz_must(!procfs_parse_status(text, &s) || s.tgid, "no process");
}

static void stat(const char *text, struct bytes raw)
{
	struct procfs_stat s;

	(void)raw;
	fuzz_must(!procfs_parse_stat(text, &s) ||
			  memchr(s.name, '\0', sizeof(s.name)),
		  "a name without an end");
}

static void system_call(const char *text, struct bytes raw)
{
	struct procfs_syscall s;

	(void)raw;
	if (procfs_parse_syscall(text, &s))
		fuzz_must((s.nr >= 0) == (s.where == PROCFS_IN_SYSCALL),
			  "in system call %lld, and where %d",
			  (long long)s.nr, (int)s.where);
}

static void auxv(const char *text, struct bytes raw)
{
	unsigned word = procfs_auxv_word(raw);

	(void)text;
	fuzz_must(word == 4 || word == 8, "words of %u bytes", word);
	for (uint64_t type = 0; type < 64; type++)
		procfs_auxv(raw, type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(const char *text, struct bytes raw) = {
		mapping, status, stat, system_call, auxv,
	};
	CLEANUP_FREE char *text = NULL;

	if (!size)
		return 0;
	text = fuzz_string(data + 1, size - 1);
	parsers[data[0] % ARRAY_SIZE(parsers)](
		text, (struct bytes){ data + 1, size - 1, 0 });
	return 0;
}
