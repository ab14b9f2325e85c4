/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader.c - a child that reads ELF files dies, hangs and lies */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "fake_reading.h"
#include "locate/modules.h"

static void answers(void **state)
{
	struct nursery *one = nursery_open(false), *many = nursery_open(true);
	const struct reader_options ways[] = {
		{ .in_process = true },
		{ .nursery = NULL },
		{ .nursery = one },
		{ .nursery = one },	/* whose child is taken */
		{ .nursery = many },
		{ .nursery = many },
	};
	static struct answer a;

	(void)state;
	assert_non_null(one);
	assert_non_null(many);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct reader *r = fake_reader(ways[i]);

		assert_int_equal(fake_ask(r, true, QUESTION_ROW, PC_ROW, &a),
				 READER_ANSWERED);
		assert_int_equal(a.status, ANSWER_KNOWN);
		assert_int_equal(a.row.start, PC_ROW);
		assert_int_equal(a.row.ops_count, 1);
		assert_int_equal(a.more.ops[0].atom, 0x9c);
		assert_int_equal(
			fake_ask(r, false, QUESTION_ROW, PC_NOTHING, &a),
			READER_ANSWERED);
		assert_int_equal(a.status, ANSWER_NOTHING);
		assert_int_equal(
			fake_ask(r, false, QUESTION_PLACE, PC_LONG_NAME, &a),
			READER_ANSWERED);
		assert_int_equal(a.function_size, QUESTION_NAME_MAX);
		assert_int_equal(a.line, 7);
		assert_memory_equal(a.more.names + QUESTION_NAME_MAX,
				    "nobody.c", a.file_size);
		reader_destroy(r);
	}
	nursery_close(one);
	nursery_close(many);
}

static void a_nursery_may_stay_unused(void **state)
{
	(void)state;
	nursery_close(nursery_open(false));
	nursery_close(nursery_open(true));
	nursery_close(NULL);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Three lives; each answers again, whatever became of the one before. */
static void dies_and_is_replaced(void **state)
{
	static const uint64_t ends[READER_CHILDREN] = { PC_CRASH, PC_ABORT,
							PC_CRASH };
	struct reader *r = fake_reader((struct reader_options){ 0 });
	static struct answer a;

	(void)state;
	for (unsigned i = 0; i < READER_CHILDREN; i++) {
		assert_int_equal(reader_start(r), i + 1);
		assert_int_equal(fake_ask(r, true, QUESTION_ROW, PC_ROW, &a),
				 READER_ANSWERED);
		assert_int_equal(fake_ask(r, false, QUESTION_ROW, ends[i], &a),
				 READER_DIED);
	}
	assert_int_equal(reader_start(r), 0);
	assert_int_equal(fake_ask(r, true, QUESTION_ROW, PC_ROW, &a),
			 READER_NOBODY);
	assert_int_equal(reader_refused(r), 0);
	reader_destroy(r);
}

static void is_killed_by_others(void **state)
{
	struct reader *r = fake_reader((struct reader_options){ 0 });
	static struct answer a;

	(void)state;
	assert_int_equal(fake_ask(r, true, QUESTION_ROW, PC_ROW, &a),
			 READER_ANSWERED);
	assert_int_equal(kill(reader_pid(r), SIGKILL), 0);
	assert_int_equal(fake_ask(r, false, QUESTION_ROW, PC_ROW, &a),
			 READER_DIED);
	assert_int_equal(fake_ask(r, true, QUESTION_ROW, PC_ROW, &a),
			 READER_ANSWERED);
	reader_destroy(r);
}

static void takes_too_long(void **state)
{
	struct nursery *many = nursery_open(true);
	const struct reader_options ways[] = {
		{ .question_ms = 50 },
		{ .question_ms = 50, .nursery = many },
		/* the time in all is up with the first */
		{ .question_ms = 50, .total_ms = 10 },
	};
	static const unsigned children[] = { READER_CHILDREN, READER_CHILDREN,
					     1 };
	static struct answer a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct reader *r = fake_reader(ways[i]);

		for (unsigned k = 0; k < children[i]; k++)
			assert_int_equal(
				fake_ask(r, true, QUESTION_ROW, PC_LOOP, &a),
				READER_SLOW);
		assert_int_equal(fake_ask(r, true, QUESTION_ROW, PC_ROW, &a),
				 READER_NOBODY);
		reader_destroy(r);
	}
	nursery_close(many);
}

/* It answers each time, and each time late: that is not for ever. */
static void time_is_up(void **state)
{
	struct reader *r = fake_reader((struct reader_options){ .total_ms = 60 });
	enum reader_result got = READER_ANSWERED;
	static struct answer a;
	unsigned n;

	(void)state;
	for (n = 0; n < 300 && got == READER_ANSWERED; n++)
		got = fake_ask(r, !n, QUESTION_ROW, PC_SLOW, &a);
	assert_int_equal(got, READER_SLOW);
	assert_int_equal(fake_ask(r, true, QUESTION_ROW, PC_ROW, &a),
			 READER_NOBODY);
	reader_destroy(r);
}

/* Whatever it is that comes instead of an answer. */
static void other_answers_are_none(void **state)
{
	static const uint64_t others[] = { PC_EMPTY, PC_SHORT, PC_LONG,
					   PC_CLAIM, PC_NUMBER };
	static struct answer a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct reader *r = fake_reader((struct reader_options){ 0 });

		assert_int_equal(fake_ask(r, true, QUESTION_ROW, others[i], &a),
				 READER_DIED);
		/* nor does what it said last count for the next one */
		assert_int_equal(
			fake_ask(r, true, QUESTION_ROW, PC_NOTHING, &a),
			READER_ANSWERED);
		assert_int_equal(a.status, ANSWER_NOTHING);
		reader_destroy(r);
	}
}

static void nonsense_is_no_row(void **state)
{
	static const uint64_t bad[] = { PC_BAD_REGISTER, PC_BAD_OPS,
					PC_BAD_WORD };
	struct reader *r = fake_reader((struct reader_options){ 0 });
	static struct answer a;
	struct cfi_row row;

	(void)state;
	assert_int_equal(fake_ask(r, true, QUESTION_ROW, PC_ROW, &a),
			 READER_ANSWERED);
	assert_true(cfi_row_make(&a.row, a.more.ops, &row));
	assert_ptr_equal(row.machine, &cfi_machine_64);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(fake_ask(r, false, QUESTION_ROW, bad[i], &a),
				 READER_ANSWERED);
		assert_false(cfi_row_make(&a.row, a.more.ops, &row));
	}
	reader_destroy(r);
}

/* Sizes that a child may claim. */
static void sizes_are_bounded(void **state)
{
	static struct answer a = { .status = ANSWER_KNOWN };
	struct question row = { .kind = QUESTION_ROW };
	struct question place = { .kind = QUESTION_PLACE };

	(void)state;
	a.row.ops_count = CFI_OPS_MAX;
	assert_true(answer_size(&row, &a) <= sizeof(a));
	a.row.ops_count = CFI_OPS_MAX + 1;
	assert_int_equal(answer_size(&row, &a), 0);
	a.function_size = a.file_size = QUESTION_NAME_MAX;
	assert_int_equal(answer_size(&place, &a), sizeof(a));
	a.file_size = UINT32_MAX;
	assert_int_equal(answer_size(&place, &a), 0);
	a.file_size = 0;
	a.function_size = QUESTION_NAME_MAX + 1;
	assert_int_equal(answer_size(&place, &a), 0);
	a.status = 17;
	assert_int_equal(answer_size(&row, &a), 0);
}

/* A thread at each of these places; both belong to one file. */
static struct snapshot *snapshot_of(const char *path, const uint64_t *pcs,
				    size_t count)
{
	struct snapshot *s = snapshot_create(SOURCE_CORE);
	struct mapping *m;

	assert_non_null(s);
	m = snapshot_add_mapping(s);
	assert_non_null(m);
	m->start = 0;
	m->end = 0x10000;
	m->prot = PROT_READ | PROT_EXEC;
	m->path = strdup(path);
	for (size_t i = 0; i < count; i++) {
		struct thread *t = snapshot_add_thread(s, (pid_t)i + 1);

		assert_non_null(t);
		t->has = THREAD_HAS_PC_SP;
		t->regs.r[X86_RIP] = pcs[i];
		t->regs.r[X86_RSP] = 0x700000;
		t->regs.r[X86_CS] = X86_USER_CS;
	}
	return s;
}

static struct error *open_self(const struct snapshot *s,
			       const struct mapping *m, int *fd_ret)
{
	(void)s;
	(void)m;
	*fd_ret = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	return *fd_ret < 0 ? error_new(ERROR_GONE, "no such file") : NULL;
}

static size_t read_nothing(const struct snapshot *s, uint64_t addr, void *buf,
			   size_t size)
{
	(void)s;
	(void)addr;
	(void)buf;
	(void)size;
	return 0;
}

/* The report says so, and that there is nothing is not known any more. */
static void death_is_told(void **state)
{
	static const struct snapshot_ops ops = {
		.read = read_nothing,
		.open_file = open_self,
	};
	static const uint64_t pcs[] = { PC_CRASH };
	struct snapshot *s = snapshot_of("/evil", pcs, ARRAY_SIZE(pcs));
	struct locate_options options = { .unwind = true };
	struct located *l;

	(void)state;
	s->ops = &ops;
	snapshot_finish(s);
	assert_null(locate(s, &options, &l));
	assert_string_equal(l->unread,
			    "libdw died reading /evil, its code is unknown");
	assert_int_equal(l->threads[0].complete, TRI_UNKNOWN);
	assert_non_null(l->threads[0].incomplete);
	located_destroy(l);
	snapshot_destroy(s);
}

static size_t read_zeros(const struct snapshot *s, uint64_t addr, void *buf,
			 size_t size)
{
	(void)s;
	(void)addr;
	memset(buf, 0, size);
	return size;
}

/* The end of another stack is not that of this one, on which more may be. */
static void end_is_elsewhere(void **state)
{
	static const struct snapshot_ops ops = {
		.read = read_zeros,
		.open_file = open_self,
	};
	static const uint64_t pcs[] = { PC_ELSEWHERE };
	static const uint64_t stacks[] = { 0x700000, 0x70000000 };
	struct snapshot *s = snapshot_of("/evil", pcs, ARRAY_SIZE(pcs));
	struct locate_options options = { .unwind = true };
	struct located *l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++) {
		struct mapping *m = snapshot_add_mapping(s);

		assert_non_null(m);
		m->start = stacks[i];
		m->end = stacks[i] + 0x10000;
		m->prot = PROT_READ | PROT_WRITE;
	}
	s->threads[0].has |= THREAD_HAS_GPRS;
	s->threads[0].regs.r[X86_RBP] = stacks[1] + 0x8000;
	s->ops = &ops;
	snapshot_finish(s);
	assert_null(locate(s, &options, &l));
	assert_int_equal(l->threads[0].complete, TRI_UNKNOWN);
	located_destroy(l);
	snapshot_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(a_nursery_may_stay_unused),
		cmocka_unit_test(dies_and_is_replaced),
		cmocka_unit_test(is_killed_by_others),
		cmocka_unit_test(takes_too_long),
		cmocka_unit_test(time_is_up),
		cmocka_unit_test(other_answers_are_none),
		cmocka_unit_test(nonsense_is_no_row),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(death_is_told),
		cmocka_unit_test(end_is_elsewhere),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
