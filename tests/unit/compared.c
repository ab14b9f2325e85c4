/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compared.c - which frames, threads and processes are held side by side */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/cleanup.h"
#include "report/compared.h"

#define THREADS 4
#define FRAMES 3

/* A thread; tid 0 in the first place ends the list, later stands for lost ones. */
struct made_thread {
	pid_t tid;
	uint64_t sp;
	uint64_t frames[FRAMES];	/* addresses; 0: no more */
	uint64_t rbx;			/* in its frames */
	bool incomplete;
};

struct made_process {
	pid_t pid;
	struct made_thread threads[THREADS];
	uint64_t dormant;		/* address; 0: none */
	bool unsearched;		/* not all memory, for dormant ones */
	bool lost;			/* threads may be missing */
	pid_t inside;			/* pid in its own namespace */
};

static void make_frame(uint64_t address, uint64_t rbx, struct located_frame *ret)
{
	struct sigframe *f;

	ret->facts = calloc(1, sizeof(*ret->facts));
	assert_non_null(ret->facts);
	f = &ret->facts->sigframe;

	f->address = address;
	f->have_info = true;
	f->regs.r[X86_RBX] = rbx;
}

static void add(struct compared *c, enum compared_when when,
		const struct made_process *p)
{
	struct snapshot *s = snapshot_create(SOURCE_CORE);
	struct located *l = calloc(1, sizeof(*l));
	size_t count = 0;

	assert_true(s && l);
	s->pid = p->pid;
	s->pid_inside = p->inside;
	while (count < THREADS && p->threads[count].tid)
		count++;
	l->threads_count = count + p->lost;
	l->threads = calloc(l->threads_count + 1, sizeof(*l->threads));
	assert_non_null(l->threads);
	for (size_t i = 0; i < l->threads_count; i++)
		assert_non_null(snapshot_add_thread(
			s, i < count ? p->threads[i].tid : 0));
	for (unsigned i = 0; i < THREADS; i++) {
		struct mapping *m = snapshot_add_mapping(s);

		assert_non_null(m);
		m->start = (i + 1) * 0x10000;
		m->end = m->start + 0x10000;
	}
	snapshot_finish(s);
	for (size_t i = 0; i < l->threads_count; i++)
		l->threads[i].thread = &s->threads[i];
	for (size_t i = 0; i < count; i++) {
		const struct made_thread *t = &p->threads[i];
		struct located_thread *lt = &l->threads[i];

		s->threads[i].has = THREAD_HAS_PC_SP;
		s->threads[i].regs.r[X86_RSP] = t->sp;
		lt->complete = tri_of(!t->incomplete);
		lt->frames = calloc(FRAMES, sizeof(*lt->frames));
		assert_non_null(lt->frames);
		while (lt->frames_count < FRAMES &&
		       t->frames[lt->frames_count]) {
			size_t k = lt->frames_count++;

			make_frame(t->frames[k], t->rbx, &lt->frames[k]);
		}
	}
	if (p->dormant) {
		l->dormant = calloc(1, sizeof(*l->dormant));
		assert_non_null(l->dormant);
		l->dormant_count = 1;
		make_frame(p->dormant, 0, &l->dormant[0]);
	}
	l->memory = p->unsearched;
	assert_null(compared_add(c, when, s, l));
}

/* What came of it, in the order of enum compared_outcome. */
static const struct {
	const char *name;
	struct made_process before, after;
	enum compared_match match;
	size_t frames[COMPARED_OUTCOMES];
	size_t threads[COMPARED_OUTCOMES];
	enum compared_outcome result;
} cases[] = {
	{ "nothing at all",
	  { 7, { { 7, 0x10100 } } },
	  { 7, { { 7, 0x10100 } } },
	  COMPARED_BY_TID, { 0 }, { 1 }, COMPARED_SAME },
	{ "the same",
	  { 7, { { 7, 0x10100, { 0x10200, 0x10300 } }, { 8, 0x20100 } } },
	  { 7, { { 8, 0x20100 }, { 7, 0x10100, { 0x10200, 0x10300 } } } },
	  COMPARED_BY_TID, { 2 }, { 2 }, COMPARED_SAME },
	{ "a register",
	  { 7, { { 7, 0x10100, { 0x10200 }, .rbx = 1 } } },
	  { 7, { { 7, 0x10100, { 0x10200 }, .rbx = 2 } } },
	  COMPARED_BY_TID, { 0, 1 }, { 1 }, COMPARED_DIFFERS },
	{ "one gone, one added",
	  { 7, { { 7, 0x10100, { 0x10200, 0x10300 } } } },
	  { 7, { { 7, 0x10100, { 0x10300, 0x10400 } } } },
	  COMPARED_BY_TID, { 1, 0, 1, 1 }, { 1 }, COMPARED_DIFFERS },
	{ "one gone, perhaps",
	  { 7, { { 7, 0x10100, { 0x10200 } } } },
	  { 7, { { 7, 0x10100, .incomplete = true } } },
	  COMPARED_BY_TID, { 0, 0, 0, 0, 1 }, { 1 }, COMPARED_UNKNOWN },
	{ "the same, but there may be more",
	  { 7, { { 7, 0x10100, { 0x10200 }, .incomplete = true } } },
	  { 7, { { 7, 0x10100, { 0x10200 }, .incomplete = true } } },
	  COMPARED_BY_TID, { 1 }, { 1 }, COMPARED_UNKNOWN },
	{ "another stack pointer",
	  { 7, { { 7, 0x10100 } } },
	  { 7, { { 7, 0x10180 } } },
	  COMPARED_BY_TID, { 0 }, { 0, 1 }, COMPARED_DIFFERS },
	{ "a thread gone, with its frame, and another",
	  { 7, { { 7, 0x10100 }, { 8, 0x20100, { 0x20200 } } } },
	  { 7, { { 7, 0x10100 }, { 9, 0x20100 } } },
	  COMPARED_BY_TID, { 0, 0, 1 }, { 1, 0, 1, 1 }, COMPARED_DIFFERS },
	{ "threads may be missing",
	  { 7, { { 7, 0x10100 }, { 8, 0x20100 } } },
	  { 7, { { 7, 0x10100 } }, .lost = true },
	  COMPARED_BY_TID, { 0 }, { 1, 0, 0, 0, 2 }, COMPARED_UNKNOWN },
	{ "a frame has become another thread's",
	  { 7, { { 7, 0x10100, { 0x30200 } }, { 8, 0x20100 } } },
	  { 7, { { 7, 0x10100 }, { 8, 0x20100, { 0x30200 } } } },
	  COMPARED_BY_TID, { 0, 1 }, { 2 }, COMPARED_DIFFERS },
	{ "a dormant frame",
	  { 7, { { 7, 0x10100 } }, 0x30200 },
	  { 7, { { 7, 0x10100 } }, 0x30200 },
	  COMPARED_BY_TID, { 1 }, { 1 }, COMPARED_SAME },
	{ "a dormant frame is gone",
	  { 7, { { 7, 0x10100 } }, 0x30200 },
	  { 7, { { 7, 0x10100 } } },
	  COMPARED_BY_TID, { 0, 0, 1 }, { 1 }, COMPARED_DIFFERS },
	{ "a dormant frame is gone, perhaps",
	  { 7, { { 7, 0x10100 } }, 0x30200 },
	  { 7, { { 7, 0x10100 } }, .unsearched = true },
	  COMPARED_BY_TID, { 0, 0, 0, 0, 1 }, { 1 }, COMPARED_UNKNOWN },
	{ "a dormant frame is resumed",
	  { 7, { { 7, 0x10100 } }, 0x30200 },
	  { 7, { { 7, 0x10100, { 0x30200 } } } },
	  COMPARED_BY_TID, { 0, 1 }, { 1 }, COMPARED_DIFFERS },
	/* in a container, or another namespace */
	{ "other ids, by frames",
	  { 1, { { 1, 0x10100, { 0x10200 } }, { 5, 0x20100, { 0x20200 } } } },
	  { 700, { { 700, 0x10100, { 0x10200 } },
		   { 701, 0x20100, { 0x20200 } } } },
	  COMPARED_BY_STACK, { 2 }, { 2 }, COMPARED_SAME },
	{ "an id that is another thread's now",
	  { 1, { { 1, 0x10100, { 0x10200 } }, { 5, 0x20100, { 0x20200 } } } },
	  { 5, { { 5, 0x10100, { 0x10200 } }, { 6, 0x20100, { 0x20200 } } } },
	  COMPARED_BY_STACK, { 2 }, { 2 }, COMPARED_SAME },
	{ "other ids, by stack pointers, then stacks",
	  { 1, { { 1, 0x10100 }, { 2, 0x20100 }, { 3, 0x30100 } } },
	  { 7, { { 9, 0x30180 }, { 8, 0x20100 }, { 7, 0x10100 } } },
	  COMPARED_BY_STACK, { 0 }, { 2, 1 }, COMPARED_DIFFERS },
	{ "other ids, and nothing in common",
	  { 1, { { 1, 0x10100, { 0x10200 } } } },
	  { 7, { { 7, 0x20100, { 0x20200 } } } },
	  COMPARED_BY_STACK, { 0, 0, 1, 1 }, { 0, 0, 1, 1 },
	  COMPARED_DIFFERS },
	/* frames of other kinds are others, and addresses may be any */
	{ "the ends of the address space",
	  { 7, { { 7, UINT64_MAX, { UINT64_MAX, 1 } } } },
	  { 7, { { 7, UINT64_MAX, { 1, UINT64_MAX } } } },
	  COMPARED_BY_TID, { 2 }, { 1 }, COMPARED_SAME },
};

static void pairs(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct compared *c = compared_create();
		const struct compared_counts *n;

		assert_non_null(c);
		add(c, COMPARED_BEFORE, &cases[i].before);
		add(c, COMPARED_AFTER, &cases[i].after);
		assert_null(compared_match(c));
		assert_int_equal(c->processes_count, 1);
		n = &c->counts;
		for (unsigned o = 0; o < COMPARED_OUTCOMES; o++)
			if (n->frames[o] != cases[i].frames[o] ||
			    n->threads[o] != cases[i].threads[o])
				fail_msg("%s: %zu frames and %zu threads %s",
					 cases[i].name, n->frames[o],
					 n->threads[o],
					 compared_outcome_names[o]);
		if (c->processes[0].match != cases[i].match ||
		    compared_result(n) != cases[i].result)
			fail_msg("%s: %s", cases[i].name,
				 compared_outcome_names[compared_result(n)]);
		compared_destroy(c);
	}
}

/* Processes by their pid, then the one that it must be. */
static void processes(void **state)
{
#define PROCESS(pid, frame) { pid, { { pid, 0x10100, { frame } } } }
#define INSIDE(pid, of, frame)                                                \
	{ pid, { { pid, 0x10100, { frame } } }, .inside = of }
	static const struct {
		struct made_process before[4], after[4];
		unsigned pairs;		/* 0: nothing tells */
		pid_t with;		/* of the first one, after; 0: gone */
		unsigned gone, added;
		bool whole;
	} lists[] = {
		{ { PROCESS(1, 9) }, { PROCESS(7, 8), PROCESS(1, 9) }, 1, 1,
		  0, 0 },
		{ { PROCESS(1, 9), PROCESS(2, 9) }, { PROCESS(2, 9) }, 1, 2,
		  0, 0 },
		{ { PROCESS(1, 9) }, { PROCESS(7, 8), PROCESS(6, 9) }, 1, 6,
		  0, 0 },
		{ { PROCESS(1, 9) }, { PROCESS(7, 9), PROCESS(6, 9) }, 0, 0,
		  0, 0 },
		{ { PROCESS(1, 9) }, { PROCESS(7, 8), PROCESS(6, 7) }, 0, 0,
		  0, 0 },
		{ { PROCESS(1, 9), PROCESS(2, 8) },
		  { PROCESS(2, 8), PROCESS(1, 9) }, 2, 1, 0, 0 },
		{ { PROCESS(1, 9), PROCESS(2, 8) },
		  { PROCESS(2, 8), PROCESS(3, 9) }, 3, 0, 1, 1 },
		{ { PROCESS(1, 9), PROCESS(2, 8) },
		  { PROCESS(3, 9), PROCESS(4, 8) }, 0, 0, 0, 0 },
		/* a container's, seen from without, and from within */
		{ { PROCESS(1, 9), PROCESS(2, 9) }, { INSIDE(77, 2, 9) }, 1,
		  77, 0, 0 },
		{ { PROCESS(1, 9), PROCESS(2, 9) },
		  { INSIDE(77, 2, 9), INSIDE(76, 1, 9) }, 2, 76, 0, 0 },
		{ { INSIDE(77, 2, 9), INSIDE(76, 1, 9) },
		  { PROCESS(1, 9), PROCESS(2, 9) }, 2, 2, 0, 0 },
		/* all there was, and all there is */
		{ { PROCESS(1, 9) }, { PROCESS(7, 8), PROCESS(1, 9) }, 2, 1,
		  0, 1, true },
		{ { PROCESS(1, 9), PROCESS(2, 9), PROCESS(3, 9) },
		  { PROCESS(2, 9) }, 3, 2, 2, 0, true },
		{ { PROCESS(1, 9) }, { PROCESS(7, 9) }, 1, 7, 0, 0, true },
		/* two containers have one of that id each */
		{ { PROCESS(1, 9) }, { INSIDE(77, 1, 9), INSIDE(76, 1, 8) },
		  1, 77, 0, 0 },
		{ { PROCESS(5, 9), INSIDE(8, 5, 9) },
		  { PROCESS(5, 9), PROCESS(6, 9) }, 3, 5, 1, 1 },
		/* the very pid is better evidence */
		{ { PROCESS(1, 9) }, { INSIDE(77, 1, 9), INSIDE(1, 5, 9) }, 1,
		  1, 0, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++) {
		struct compared *c = compared_create();
		struct error *err;

		assert_non_null(c);
		for (unsigned k = 0; lists[i].before[k].pid; k++)
			add(c, COMPARED_BEFORE, &lists[i].before[k]);
		for (unsigned k = 0; lists[i].after[k].pid; k++)
			add(c, COMPARED_AFTER, &lists[i].after[k]);
		c->whole[0] = c->whole[1] = lists[i].whole;
		err = compared_match(c);
		if (!lists[i].pairs) {
			assert_int_equal(error_code(err), ERROR_USAGE);
			assert_non_null(strstr(error_message(err), "--tid"));
			error_free(err);
			compared_destroy(c);
			continue;
		}
		assert_null(err);
		assert_int_equal(c->processes_count, lists[i].pairs);
		const struct compared_input *after =
			c->processes[0].inputs[COMPARED_AFTER];

		assert_int_equal(after ? after->snapshot->pid : 0,
				 lists[i].with);
		assert_int_equal(c->counts.processes[COMPARED_GONE],
				 lists[i].gone);
		assert_int_equal(c->counts.processes[COMPARED_ADDED],
				 lists[i].added);
		assert_int_equal(compared_result(&c->counts),
				 lists[i].gone || lists[i].added
					 ? COMPARED_DIFFERS
					 : COMPARED_SAME);
		compared_destroy(c);
	}
}

/* Calls that wait, as ptrace and CRIU show them, and as /proc does. */
static void calls(void **state)
{
	enum { NONE = -1, FUTEX = 202 };
	static const struct {
		uint64_t rip, rax;
		int64_t call;	/* that it is in */
		bool only_pc;	/* and nothing is known of rax */
		uint64_t rip_after, rax_after;
		bool same;
	} cases_of_calls[] = {
		{ 100, FUTEX, FUTEX, false, 102, -512ull, true },
		{ 100, FUTEX, FUTEX, false, 102, -513ull, true },
		{ 100, FUTEX, FUTEX, false, 102, -514ull, true },
		{ 102, -512ull, FUTEX, false, 102, -514ull, true },
		/* the high half is lost in a 32-bit one */
		{ 100, FUTEX, FUTEX, false, 102, 0xfffffe00, true },
		/* EINTR is not what the other would get */
		{ 102, -4ull, FUTEX, false, 102, -516ull, false },
		{ 100, FUTEX, FUTEX, false, 102, -511ull, false },
		{ 100, FUTEX, FUTEX, false, 102, -515ull, false },
		{ 100, FUTEX, FUTEX, false, 103, -512ull, false },
		{ 100, FUTEX + 1, FUTEX, false, 102, -512ull, false },
		/* a number, in no call */
		{ 102, -512ull, NONE, false, 102, -513ull, false },
		{ 102, 0, FUTEX, true, 102, -512ull, true },
		{ 102, 0, FUTEX, true, 100, FUTEX, true },
		{ 102, 0, FUTEX, true, 102, -4ull, true },
		{ 102, 0, FUTEX, true, 104, -512ull, false },
		{ 102, 0, NONE, true, 100, FUTEX, false },
		{ 102, 0, FUTEX, true, 101, FUTEX, false },
	};
	static const struct made_process one = { 7, { { 7, 0x10100 } } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases_of_calls); i++) {
		struct compared *c = compared_create();
		struct thread *t[COMPARED_SIDES];

		assert_non_null(c);
		for (unsigned k = 0; k < COMPARED_SIDES; k++) {
			add(c, (enum compared_when)k, &one);
			t[k] = &c->inputs[k][0].snapshot->threads[0];
			t[k]->has |= THREAD_HAS_GPRS;
			t[k]->orig_rax = cases_of_calls[i].call;
			t[k]->syscall = cases_of_calls[i].call;
		}
		if (cases_of_calls[i].only_pc)
			t[0]->has = THREAD_HAS_PC_SP;
		t[0]->regs.r[X86_RIP] = cases_of_calls[i].rip;
		t[0]->regs.r[X86_RAX] = cases_of_calls[i].rax;
		t[1]->regs.r[X86_RIP] = cases_of_calls[i].rip_after;
		t[1]->regs.r[X86_RAX] = cases_of_calls[i].rax_after;
		assert_null(compared_match(c));
		if ((compared_result(&c->counts) == COMPARED_SAME) !=
		    cases_of_calls[i].same)
			fail_msg("call %u", i);
		compared_destroy(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),
		cmocka_unit_test(processes),
		cmocka_unit_test(calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
