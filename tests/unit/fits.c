/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fits.c - may a context be inside the handler of a frame? */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "base/cleanup.h"
#include "locate/facts.h"

#define STACK UINT64_C(0x7ffd00000000)
#define STACK_END UINT64_C(0x7ffd00020000)
#define ALT UINT64_C(0x7f0000000000)
#define ALT_END UINT64_C(0x7f0000010000)
#define TEXT UINT64_C(0x401000)

static const struct {
	const char *what;
	uint64_t address;
	uint64_t end;
	uint64_t saved;		/* the interrupted stack pointer */
	bool entered;		/* it lies at the top of the alternate stack */
	uint64_t sp;		/* of the context, on a stack that ends at */
	uint64_t stack_end;
	bool fits;
} rows[] = {
	{ "just above, leads upward", STACK + 0x8000, STACK + 0x9000,
	  STACK + 0x9100, false, STACK + 0x7000, STACK_END, true },
	{ "leads to the very end of the stack", STACK + 0x8000,
	  STACK + 0x9000, STACK_END, false, STACK + 0x7000, STACK_END, true },
	{ "leads into itself", STACK + 0x8000, STACK + 0x9000, STACK + 0x8800,
	  false, STACK + 0x7000, STACK_END, false },
	{ "leads below itself, above the context", STACK + 0x8000,
	  STACK + 0x9000, STACK + 0x7800, false, STACK + 0x7000, STACK_END,
	  false },
	{ "leads to another stack", STACK + 0x8000, STACK + 0x9000,
	  ALT + 0x8000, false, STACK + 0x7000, STACK_END, true },
	{ "leads to the end of another stack", STACK + 0x8000, STACK + 0x9000,
	  ALT_END, false, STACK + 0x7000, STACK_END, true },
	{ "leads to code", STACK + 0x8000, STACK + 0x9000, TEXT + 8, false,
	  STACK + 0x7000, STACK_END, false },
	{ "leads nowhere", STACK + 0x8000, STACK + 0x9000, 0x1234, false,
	  STACK + 0x7000, STACK_END, false },
	{ "leads to the end of memory", STACK + 0x8000, STACK + 0x9000,
	  UINT64_MAX, false, STACK + 0x7000, STACK_END, false },
	{ "on the alternate stack, with the context", ALT_END - 0x1000,
	  ALT_END - 0x100, STACK + 0x9000, true, ALT + 0x8000, ALT_END, true },
	{ "on the alternate stack, the context is elsewhere",
	  ALT_END - 0x1000, ALT_END - 0x100, STACK + 0x9000, true,
	  STACK + 0x7000, STACK_END, false },
	{ "on the alternate stack, leads to itself", ALT_END - 0x1000,
	  ALT_END - 0x100, ALT_END - 0x800, true, ALT + 0x8000, ALT_END,
	  false },
	{ "at the edge of the address space", UINT64_MAX - 7, UINT64_MAX,
	  STACK + 8, false, UINT64_MAX - 0x100, UINT64_MAX, true },
};

static void add_mapping(struct snapshot *s, uint64_t start, uint64_t end,
			unsigned prot)
{
	struct mapping *m = snapshot_add_mapping(s);

	assert_non_null(m);
	m->start = start;
	m->end = end;
	m->prot = prot;
}

static void fitting(void **state)
{
	struct snapshot *s = snapshot_create(SOURCE_PROCESS);

	(void)state;
	assert_non_null(s);
	add_mapping(s, TEXT, TEXT + 0x1000, PROT_READ | PROT_EXEC);
	add_mapping(s, ALT, ALT_END, PROT_READ | PROT_WRITE);
	add_mapping(s, STACK, STACK_END, PROT_READ | PROT_WRITE);
	snapshot_finish(s);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct frame_check check = {
			.sigframe = {
				.kind = SIGFRAME_X86_64,
				.address = rows[i].address,
				.altstack_sp = ALT,
				.altstack_size = ALT_END - ALT,
				.regs = { .r[X86_RSP] = rows[i].saved },
			},
			.placement = rows[i].entered
					     ? SIGFRAME_PLACED_ALTSTACK
					     : SIGFRAME_PLACED_STACK,
			.end = rows[i].end,
		};

		if (facts_fit(s, &check, rows[i].sp, rows[i].stack_end) !=
		    rows[i].fits)
			fail_msg("%s: should be %d", rows[i].what,
				 rows[i].fits);
	}
	snapshot_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fitting),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
