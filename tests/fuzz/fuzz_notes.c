/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_notes.c - the notes of a core file, behind a byte that says which ABI */
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "source/core.h"
#include "source/corenotes.h"

/* There is at least one thread, or that is an error. */
static void check(const struct snapshot *s)
{
	fuzz_must(s->threads_count, "no threads, and no error");
	for (size_t i = 0; i < s->threads_count; i++) {
		const struct thread *t = &s->threads[i];

		fuzz_must(memchr(t->name, '\0', sizeof(t->name)),
			  "a name without an end");
		fuzz_must(t->siginfo_size <= sizeof(t->siginfo),
			  "a siginfo_t of %u bytes", t->siginfo_size);
		fuzz_must(!(t->has & THREAD_HAS_XSTATE) || t->xstate,
			  "no xstate");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct elffile_header headers[] = {
		{ .word = 8, .type = ET_CORE, .machine = EM_X86_64 },
		{ .word = 4, .type = ET_CORE, .machine = EM_386 },
		{ .word = 4, .type = ET_CORE, .machine = EM_X86_64 },
	};
	static const struct core_options options = { .whole_xstate = true };
	struct corenotes notes = {
		.header = &headers[size ? data[0] % ARRAY_SIZE(headers) : 0],
		.options = &options,
		.snapshot = snapshot_create(SOURCE_CORE),
	};
	struct error *err;

	fuzz_must(notes.snapshot, "no memory");
	notes.fd = fuzz_file(data, size);
	notes.file_size = size;
	err = corenotes_read(&notes, 1, size ? size - 1 : 0);
	if (!err)
		err = corenotes_finish(&notes);
	if (!fuzz_failed(err))
		check(notes.snapshot);
	corenotes_deinit(&notes);
	snapshot_destroy(notes.snapshot);
	close(notes.fd);
	return 0;
}
