/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_answer.c - what a process that reads ELF files answers, behind the kind */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "locate/question.h"

#define STACK UINT64_C(0x7ffff000)
#define STACK_SIZE 4096

/* A process that has nothing but a stack, of words that point into it. */
static const struct snapshot *process(void)
{
	static struct snapshot *s;
	struct mapping *m;
	uint8_t *data;

	if (s)
		return s;
	s = snapshot_create(SOURCE_CORE);
	data = malloc(STACK_SIZE);
	fuzz_must(s && data, "no memory");
	m = snapshot_add_mapping(s);
	fuzz_must(m, "no memory");
	m->start = STACK;
	m->end = STACK + STACK_SIZE;
	m->prot = PROT_READ | PROT_WRITE;
	for (unsigned i = 0; i < STACK_SIZE; i += 8)
		bytes_put(data + i, STACK + i * 7 % STACK_SIZE, 8);
	fuzz_must(!snapshot_add_capture(s, STACK, data, STACK_SIZE),
		  "no memory");
	snapshot_finish(s);
	return s;
}

/* A step by it is made whole, or not at all. */
static void walk(const struct cfi_row *row)
{
	struct cfi_context c = { .known = (UINT32_C(1) << (X86_RIP + 1)) - 1 };
	struct cfi_context before;
	enum cfi_step step;
	uint64_t slot;

	for (unsigned i = 0; i <= X86_RIP; i++)
		c.gprs.r[i] = STACK + i * 64;
	before = c;
	fuzz_must(row->machine == &cfi_machine_64 ||
			  row->machine == &cfi_machine_32,
		  "a row of no machine");
	fuzz_must(row->active_count <= CFI_REGS, "more registers than there are");
	step = cfi_step(row, process(), &c, &slot);
	if (step == CFI_STEP_NOWHERE)	/* that tells where the stack begins */
		before.gprs.r[X86_RSP] = c.gprs.r[X86_RSP];
	fuzz_must(step == CFI_STEP_DONE ||
			  (c.known == before.known &&
			   !memcmp(&c.gprs, &before.gprs, sizeof(c.gprs))),
		  "a step that failed went somewhere");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct question q = {
		.kind = size ? data[0] % QUESTIONS : QUESTION_ROW,
	};
	/* no larger than what has come, so that reading on is noticed */
	CLEANUP_FREE struct answer *a = NULL;
	const size_t head = offsetof(struct answer, more);
	struct cfi_row row;

	if (size < 1 + head)
		return 0;
	size--;
	a = malloc(size);
	fuzz_must(a, "no memory");
	memcpy(a, data + 1, size);
	/* the length is compared before anything else is done with it */
	if (answer_size(&q, a) > size || !answer_size(&q, a) ||
	    a->status != ANSWER_KNOWN || q.kind != QUESTION_ROW)
		return 0;
	if (cfi_row_make(&a->row, a->more.ops, &row))
		walk(&row);
	return 0;
}
