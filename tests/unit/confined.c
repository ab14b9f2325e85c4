/* SPDX-License-Identifier: GPL-3.0-or-later */
/* confined.c - what a child that reads ELF files cannot do */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "fake_reading.h"
#include "locate/confine.h"

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
	struct reader *r = fake_reader((struct reader_options){ 0 });
	char path[64], line[256];
	static struct answer a;
	unsigned open_fds = 0;
	struct dirent *d;
	FILE *f;
	DIR *dir;

	(void)state;
	assert_true(extra >= 0);
	assert_int_equal(fake_ask(r, true, QUESTION_ROW, PC_ROW, &a),
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
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj",
		 (int)reader_pid(r));
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "1000\n");
	fclose(f);
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
	struct reader *r = fake_reader((struct reader_options){ 0 });
	static struct answer a;
	char want[64];

	(void)state;
	snprintf(want, sizeof(want), "opened 0 errno %d read 1", EACCES);
	assert_int_equal(fake_ask(r, true, QUESTION_PLACE, PC_ROW, &a),
			 READER_ANSWERED);
	assert_int_equal(a.function_size, strlen(want));
	assert_memory_equal(a.more.names, want, strlen(want));
	reader_destroy(r);
}

/* Nor finds it any, or has others than itself wait. */
static void looks_at_nothing(void **state)
{
	static struct answer a;
	char want[64];

	(void)state;
	if (prctl(PR_GET_SECCOMP) < 0 || CONFINE_SANITIZED)
		skip();

	struct reader *r = fake_reader((struct reader_options){ 0 });

	snprintf(want, sizeof(want), "found -1 lock -1 bad -1 errno %d own 1",
		 EBADF);
	assert_int_equal(fake_ask(r, true, QUESTION_PLACE, PC_LOOK, &a),
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
		SYS_io_uring_setup, SYS_pidfd_getfd, SYS_sendmsg, SYS_dup,
		SYS_tgkill, SYS_clone3, SYS_personality, SYS_rt_sigaction,
		SYS_setsockopt, SYS_shutdown, SYS_setrlimit, SYS_statx,
		SYS_mmap, SYS_mprotect,
		SYS_getpid | 0x40000000 /* x32 */,
	};
	static struct answer a;

	(void)state;
	if (prctl(PR_GET_SECCOMP) < 0 || CONFINE_SANITIZED)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct reader *r = fake_reader((struct reader_options){ 0 });

		assert_int_equal(
			fake_ask(r, true, QUESTION_PLACE, PC_LONG_NAME, &a),
			READER_ANSWERED);
		if (fake_ask(r, false, QUESTION_PLACE,
			PC_CALL + (uint64_t)calls[i], &a) != READER_DIED)
			fail_msg("system call %ld is allowed", calls[i]);
		reader_destroy(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_no_rights),
		cmocka_unit_test(opens_nothing),
		cmocka_unit_test(looks_at_nothing),
		cmocka_unit_test(calls_are_forbidden),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
