/* SPDX-License-Identifier: GPL-3.0-or-later */
/* makecores.c - writes the cores that the golden tests look at */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "measured.h"
#include "scenes.h"
#include "synth.h"

static const char usage[] =
	"Usage: makecores scene NAME FILE\n"
	"       makecores frames CPU FILE XSTATE_BV...\n"
	"       makecores measured FILE <CASES\n";

/* A thread for each XSTATE_BV, from 4242 on, with the frame that CPU wrote. */
static bool write_frames(const char *cpu, const char *path, char **words)
{
	struct synth p;

	synth_init(&p, cpu, 4242, "frames");
	for (; *words; words++) {
		struct synth_thread t;

		synth_thread_init(&t, &p, WORKER_ADD_SSE);
		synth_deliver(&t, SIGUSR1, strtoull(*words, NULL, 0));
		synth_leave_handler(&t);
		synth_thread_finish(&t);
	}
	return synth_finish(&p, path);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const char *path = argc > 3 ? argv[3] : argc > 2 ? argv[2] : NULL;
	bool done;

	if (!strcmp(what, "scene") && argc == 4) {
		done = scenes_write(argv[2], path);
	} else if (!strcmp(what, "frames") && argc > 4) {
		done = write_frames(argv[2], path, argv + 4);
	} else if (!strcmp(what, "measured") && argc == 3) {
		done = measured_write(stdin, path);
	} else {
		fputs(usage, stderr);
		return 2;
	}
	if (!done)
		fprintf(stderr, "makecores: %s: %s\n", path,
			errno ? strerror(errno) : "there is nothing like that");
	return !done;
}
