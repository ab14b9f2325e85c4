/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader.c - a child that reads ELF files dies, hangs, lies, and can do no harm */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "locate/confine.h"
#include "locate/modules.h"
#include "locate/reader.h"
#include "locate/reading.h"

/*
 * Instead of the one that libdw is behind (tests/live/reader.sh has that one):
 * the address asked about says what happens.
 */
enum {
	PC_ROW = 0x1000,
	PC_NOTHING,
	PC_CRASH,
	PC_LOOP,
	PC_ABORT,
	PC_BAD_REGISTER,	/* answers that make no sense */
	PC_BAD_OPS,
	PC_BAD_WORD,
	PC_LONG_NAME,
	PC_CALL,		/* + the number of a system call */
};

struct reading {
	int fd;
	int debug_fd;
};

struct reading *reading_open(uint64_t start, uint64_t end, int fd,
			     int debug_fd)
{
	struct reading *r = malloc(sizeof(*r));

	(void)start;
	(void)end;
	if (r)
		*r = (struct reading){ fd, debug_fd };
	return r;
}

void reading_close(struct reading *r)
{
	if (!r)
		return;
	cleanup_close(&r->fd);
	cleanup_close(&r->debug_fd);
	free(r);
}

bool reading_row(struct reading *r, uint64_t pc, struct cfi_said *ret,
		 struct cfi_op ops_ret[CFI_OPS_MAX])
{
	(void)r;
	*ret = (struct cfi_said){
		.start = pc,
		.word = 8,
		.ra = 16,
		.ops_count = 1,
		.cfa = { .how = CFI_REGISTER, .reg = 7, .offset = 16 },
		.rules[16] = { .how = CFI_SAVED_EXPRESSION, .count = 1 },
	};
	ops_ret[0] = (struct cfi_op){ 0x9c, 0, 0 };
	switch (pc) {
	case PC_NOTHING:
		return false;
	case PC_CRASH:
		/* cmocka's handler, inherited, would run other tests */
		signal(SIGILL, SIG_DFL);
		__builtin_trap();
	case PC_LOOP:
		for (volatile int i = 0; i >= 0;)
			i = 0;
		break;
	case PC_ABORT:
		abort();
	case PC_BAD_REGISTER:
		ret->rules[3] = (struct cfi_rule){ .how = CFI_REGISTER,
						   .reg = CFI_REGS };
		break;
	case PC_BAD_OPS:
		ret->rules[3] = (struct cfi_rule){ .how = CFI_EXPRESSION,
						   .first = 1, .count = 1 };
		break;
	case PC_BAD_WORD:
		ret->word = 2;
		break;
	default:
		break;
	}
	return true;
}

static void make_call(long nr)
{
	static char page[4096];

	switch (nr) {
	case SYS_mmap:
		mmap(NULL, sizeof(page), PROT_READ | PROT_EXEC,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		break;
	case SYS_mprotect:
		mprotect(page, 1, PROT_READ | PROT_EXEC);
		break;
	default:
		syscall(nr, 0, 0, 0, 0, 0, 0);
		break;
	}
}

void reading_place(struct reading *r, uint64_t pc, bool lines,
		   struct reading_place *ret)
{
	static char name[3 * QUESTION_NAME_MAX];
	static char path[] = "nobody.c";
	int fd = -1;

	(void)lines;
	*ret = (struct reading_place){ .function = name, .offset = 3 };
	if (pc == PC_LONG_NAME) {
		memset(name, 'n', sizeof(name) - 1);
		ret->file = path;
		ret->line = 7;
		return;
	}
	if (pc >= PC_CALL)
		make_call((long)(pc - PC_CALL));
	/* files that are there, and may be opened by nobody */
	fd = open("/proc/self/maps", O_RDONLY);
	snprintf(name, sizeof(name), "opened %d errno %d read %d", fd >= 0,
		 errno, pread(r->fd, &(char){ 0 }, 1, 0) == 1);
}

static struct reader *make(struct reader_options options)
{
	struct reader *r = reader_create(&options);

	assert_non_null(r);
	return r;
}

/* Ask about this program's own file, the first time of this child. */
static enum reader_result ask(struct reader *r, bool first,
			      enum question_kind kind, uint64_t pc,
			      struct answer *ret)
{
	struct question q = { .kind = kind, .pc = pc, .end = 0x10000 };
	CLEANUP_FD int fd = -1;

	if (first) {
		fd = open("/proc/self/exe", O_RDONLY);
		assert_true(fd >= 0);
	}
	return reader_ask(r, &q, (struct question_files){ fd, -1 }, ret);
}

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
		struct reader *r = make(ways[i]);

		assert_int_equal(ask(r, true, QUESTION_ROW, PC_ROW, &a),
				 READER_ANSWERED);
		assert_int_equal(a.status, ANSWER_KNOWN);
		assert_int_equal(a.row.start, PC_ROW);
		assert_int_equal(a.row.ops_count, 1);
		assert_int_equal(a.more.ops[0].atom, 0x9c);
		assert_int_equal(ask(r, false, QUESTION_ROW, PC_NOTHING, &a),
				 READER_ANSWERED);
		assert_int_equal(a.status, ANSWER_NOTHING);
		assert_int_equal(ask(r, false, QUESTION_PLACE, PC_LONG_NAME,
				     &a), READER_ANSWERED);
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
	struct reader *r = make((struct reader_options){ 0 });
	static struct answer a;

	(void)state;
	for (unsigned i = 0; i < READER_CHILDREN; i++) {
		assert_int_equal(reader_start(r), i + 1);
		assert_int_equal(ask(r, true, QUESTION_ROW, PC_ROW, &a),
				 READER_ANSWERED);
		assert_int_equal(ask(r, false, QUESTION_ROW, ends[i], &a),
				 READER_DIED);
	}
	assert_int_equal(reader_start(r), 0);
	assert_int_equal(ask(r, true, QUESTION_ROW, PC_ROW, &a),
			 READER_NOBODY);
	assert_int_equal(reader_refused(r), 0);
	reader_destroy(r);
}

static void is_killed_by_others(void **state)
{
	struct reader *r = make((struct reader_options){ 0 });
	static struct answer a;

	(void)state;
	assert_int_equal(ask(r, true, QUESTION_ROW, PC_ROW, &a),
			 READER_ANSWERED);
	assert_int_equal(kill(reader_pid(r), SIGKILL), 0);
	assert_int_equal(ask(r, false, QUESTION_ROW, PC_ROW, &a), READER_DIED);
	assert_int_equal(ask(r, true, QUESTION_ROW, PC_ROW, &a),
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
		struct reader *r = make(ways[i]);

		for (unsigned k = 0; k < children[i]; k++)
			assert_int_equal(ask(r, true, QUESTION_ROW, PC_LOOP,
					     &a), READER_SLOW);
		assert_int_equal(ask(r, true, QUESTION_ROW, PC_ROW, &a),
				 READER_NOBODY);
		reader_destroy(r);
	}
	nursery_close(many);
}

static void nonsense_is_no_row(void **state)
{
	static const uint64_t bad[] = { PC_BAD_REGISTER, PC_BAD_OPS,
					PC_BAD_WORD };
	struct reader *r = make((struct reader_options){ 0 });
	static struct answer a;
	struct cfi_row row;

	(void)state;
	assert_int_equal(ask(r, true, QUESTION_ROW, PC_ROW, &a),
			 READER_ANSWERED);
	assert_true(cfi_row_make(&a.row, a.more.ops, &row));
	assert_ptr_equal(row.machine, &cfi_machine_64);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(ask(r, false, QUESTION_ROW, bad[i], &a),
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

/* A line of /proc/PID/status behind its name. */
static void status_line(pid_t pid, const char *name, char *ret, size_t size)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	ret[0] = '\0';
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			snprintf(ret, size, "%s", line + strlen(name));
	ret[strcspn(ret, "\n")] = '\0';
	fclose(f);
}

static void has_no_rights(void **state)
{
	static const char none[] = "\t0000000000000000";
	CLEANUP_FD int extra = open("/proc/self/status", O_RDONLY);
	struct reader *r = make((struct reader_options){ 0 });
	char path[64], line[256];
	static struct answer a;
	unsigned open_fds = 0;
	struct dirent *d;
	DIR *dir;

	(void)state;
	assert_true(extra >= 0);
	assert_int_equal(ask(r, true, QUESTION_ROW, PC_ROW, &a),
			 READER_ANSWERED);
	status_line(reader_pid(r), "NoNewPrivs:", line, sizeof(line));
	assert_string_equal(line, "\t1");
	status_line(reader_pid(r), "CapEff:", line, sizeof(line));
	assert_string_equal(line, none);
	status_line(reader_pid(r), "CapPrm:", line, sizeof(line));
	assert_string_equal(line, none);
	status_line(reader_pid(r), "Seccomp:", line, sizeof(line));
	if (prctl(PR_GET_SECCOMP) >= 0)
		assert_string_equal(line, "\t2");
	if (!geteuid()) {
		status_line(reader_pid(r), "Uid:", line, sizeof(line));
		assert_string_not_equal(line, "\t0\t0\t0\t0");
	}

	/* what it was sent, and the socket */
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)reader_pid(r));
	dir = opendir(path);
	/* it is not dumpable: only who may trace all can look */
	if (dir) {
		while ((d = readdir(dir)))
			open_fds += d->d_name[0] != '.' &&
				    (!CONFINE_SANITIZED || atoi(d->d_name) > 2 ||
				     d->d_name[0] == '0');
		closedir(dir);
		assert_int_equal(open_fds, 2);
	}
	reader_destroy(r);
}

/* It opens nothing, and reads what it was sent. */
static void opens_nothing(void **state)
{
	struct reader *r = make((struct reader_options){ 0 });
	static struct answer a;
	char want[64];

	(void)state;
	snprintf(want, sizeof(want), "opened 0 errno %d read 1", EACCES);
	assert_int_equal(ask(r, true, QUESTION_PLACE, PC_ROW, &a),
			 READER_ANSWERED);
	assert_int_equal(a.function_size, strlen(want));
	assert_memory_equal(a.more.names, want, strlen(want));
	reader_destroy(r);
}

/* Nor does a call that it does not need. */
static void calls_are_forbidden(void **state)
{
	static const long calls[] = {
		SYS_socket, SYS_connect, SYS_execve, SYS_ptrace, SYS_kill,
		SYS_clone, SYS_fork, SYS_write, SYS_unlink, SYS_mount,
		SYS_process_vm_writev, SYS_prctl, SYS_setuid, SYS_bpf,
		SYS_io_uring_setup, SYS_pidfd_getfd, SYS_mmap, SYS_mprotect,
		SYS_getpid | 0x40000000 /* x32 */,
	};
	static struct answer a;

	(void)state;
	if (prctl(PR_GET_SECCOMP) < 0 || CONFINE_SANITIZED)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct reader *r = make((struct reader_options){ 0 });

		assert_int_equal(ask(r, true, QUESTION_PLACE, PC_LONG_NAME,
				     &a), READER_ANSWERED);
		if (ask(r, false, QUESTION_PLACE,
			PC_CALL + (uint64_t)calls[i], &a) != READER_DIED)
			fail_msg("system call %ld is allowed", calls[i]);
		reader_destroy(r);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(a_nursery_may_stay_unused),
		cmocka_unit_test(dies_and_is_replaced),
		cmocka_unit_test(is_killed_by_others),
		cmocka_unit_test(takes_too_long),
		cmocka_unit_test(nonsense_is_no_row),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(has_no_rights),
		cmocka_unit_test(opens_nothing),
		cmocka_unit_test(calls_are_forbidden),
		cmocka_unit_test(death_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
