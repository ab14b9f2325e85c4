/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_export.c - what is exported of a core can be loaded again */
#include <stdio.h>
#include <unistd.h>

#include "examine.h"
#include "export/export.h"
#include "fuzz.h"

/* Where there is memory in place of a disk; one for each process. */
static const char *path(void)
{
	static char name[64];

	if (!name[0])
		snprintf(name, sizeof(name), "/dev/shm/fuzz-export-%d",
			 (int)getpid());
	return name;
}

/*
 * The frames of both, which are the same wherever they were read from. That
 * threads are missing in a damaged core may be said twice.
 */
static void compare(const struct located *a, const struct located *b)
{
	fuzz_must(a->threads_count <= b->threads_count,
		  "%zu threads, and then %zu", a->threads_count,
		  b->threads_count);
	for (size_t i = a->threads_count; i < b->threads_count; i++)
		fuzz_must(b->threads[i].thread->problem, "a new thread");
	for (size_t i = 0; i < a->threads_count; i++) {
		const struct located_thread *x = &a->threads[i];
		const struct located_thread *y = &b->threads[i];

		fuzz_must(x->complete == TRI_YES || y->complete != TRI_YES,
			  "thread %zu is complete now", i);
		fuzz_must(x->frames_count == y->frames_count,
			  "thread %zu had %zu frames, and has %zu", i,
			  x->frames_count, y->frames_count);
		for (size_t k = 0; k < x->frames_count; k++)
			fuzz_must(x->frames[k].address == y->frames[k].address,
				  "frame %zu of thread %zu is elsewhere", k, i);
	}
	fuzz_must(a->dormant_count == b->dormant_count,
		  "%zu dormant frames, and then %zu", a->dormant_count,
		  b->dormant_count);
}

static void load(const struct located *before)
{
	struct snapshot *s = NULL;
	struct located *l = NULL;
	struct error *err = core_open(path(), &examine_options, &s);

	if (!err)
		err = examine_locate(s, &l);
	fuzz_must(!err, "cannot be loaded again: %s",
		  err ? error_message(err) : "");
	compare(before, l);
	located_destroy(l);
	snapshot_destroy(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot *s = NULL;
	struct located *l = NULL;

	if (fuzz_failed(examine_core(data, size, &s)))
		return 0;
	if (!fuzz_failed(examine_locate(s, &l)) &&
	    !fuzz_failed(export_write(path(), s, l, NULL))) {
		load(l);
		unlink(path());
	}
	located_destroy(l);
	snapshot_destroy(s);
	return 0;
}
