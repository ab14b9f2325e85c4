/* SPDX-License-Identifier: GPL-3.0-or-later */
/* driver.c - a fuzz target's main() where there is no libFuzzer: run DIRECTORY... */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fuzz.h"

/* No corpus has an input that is larger. */
#define INPUT_MAX (1u << 20)

/* In memory of its own size, so that reading behind its end is noticed. */
static void run(const char *path)
{
	static uint8_t room[INPUT_MAX];
	FILE *f = fopen(path, "re");
	CLEANUP_FREE uint8_t *data = NULL;
	size_t size;

	fuzz_must(f, "%s cannot be opened", path);
	size = fread(room, 1, sizeof(room), f);
	fuzz_must(!ferror(f) && size < sizeof(room), "%s cannot be read", path);
	fclose(f);
	data = malloc(size ? size : 1);
	fuzz_must(data, "no memory");
	memcpy(data, room, size);
	/* what is seen last is what it was at if it ends here */
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, size);
}

/* The files of directory DIR in the order of their names; how many. */
static unsigned run_all(const char *dir)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, NULL, alphasort);
	unsigned done = 0;

	fuzz_must(count >= 0, "%s cannot be read", dir);
	for (int i = 0; i < count; i++) {
		char path[4096];

		if (entries[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", dir,
				 entries[i]->d_name);
			run(path);
			done++;
		}
		free(entries[i]);
	}
	free(entries);
	return done;
}

int main(int argc, char **argv)
{
	unsigned done = 0;

	for (int i = 1; i < argc; i++)
		done += run_all(argv[i]);
	printf("%u\n", done);
	return 0;
}
