/* SPDX-License-Identifier: GPL-3.0-or-later */
/* procfs.c - the words of /proc, and the reason of a refusal */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "source/procfs.h"
#include "source/tracer.h"

static void syscall_lines(void **state)
{
	static const struct {
		const char *text;
		bool valid;
		struct procfs_syscall want;
	} cases[] = {
		{ "running\n", true, { PROCFS_RUNNING, -1, 0, 0 } },
		{ "34 0x0 0x1 0x2 0x3 0x4 0x5 0x7ffe12345678 0x7f00deadbeef\n",
		  true,
		  { PROCFS_IN_SYSCALL, 34, 0x7ffe12345678, 0x7f00deadbeef } },
		{ "0 0x3 0x7ffc 0xffffffffffffffff 0x0 0x0 0x0 0x10 0x20\n",
		  true, { PROCFS_IN_SYSCALL, 0, 0x10, 0x20 } },
		{ "-1 0x7ffe12345678 0x401000\n", true,
		  { PROCFS_ELSEWHERE, -1, 0x7ffe12345678, 0x401000 } },
		{ "1073742337 0x0 0x1 0x2 0x3 0x4 0x5 0xff800000 0x401000\n",
		  true,
		  { PROCFS_IN_SYSCALL, 0x40000201, 0xff800000, 0x401000 } },
		{ "34 0x0 0x1 0x2 0x3 0x4 0x5 0x7ffe12345678\n", false },
		{ "-1 0x7ffe12345678\n", false },
		{ "-1\n", false },
		{ "", false },
		{ "waiting\n", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct procfs_syscall got;

		print_message("# case %zu\n", i);
		assert_int_equal(procfs_parse_syscall(cases[i].text, &got),
				 cases[i].valid);
		if (!cases[i].valid)
			continue;
		assert_int_equal(got.where, cases[i].want.where);
		assert_int_equal(got.nr, cases[i].want.nr);
		assert_int_equal(got.sp, cases[i].want.sp);
		assert_int_equal(got.pc, cases[i].want.pc);
	}
}

static void stat_lines(void **state)
{
	static const struct {
		const char *text;
		bool valid;
		const char *name;
		char state;
		pid_t parent;
		uint64_t flags;
	} cases[] = {
		{ "4242 (worker) S 17 4242 17 34816 4242 4194304 98 0", true,
		  "worker", 'S', 17, 4194304 },
		{ "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0", true, "kthreadd",
		  'S', 0, 2129984 },
		{ "7 (a) R 1) (b) Z 6 7 7 0 -1 4228108 1 2", true,
		  "a) R 1) (b", 'Z', 6, 4228108 },
		{ "7 () t 6 7 7 0 -1 64 1 2", true, "", 't', 6, 64 },
		{ "7 (123456789012345678901234567890123456) I 6 7 7 0 -1 1 2",
		  true, "1234567890123456789012345678901", 'I', 6, 1 },
		{ "7 (cut", false },
		{ "7 (cut)", false },
		{ "7 (cut) ", false },
		{ "7 (cut) S 6 7 7 0", false },
		{ "seven (x) S 6 7 7 0 -1 64 1 2", false },
		{ ")7(", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct procfs_stat got;

		print_message("# case %zu\n", i);
		assert_int_equal(procfs_parse_stat(cases[i].text, &got),
				 cases[i].valid);
		if (!cases[i].valid)
			continue;
		assert_string_equal(got.name, cases[i].name);
		assert_int_equal(got.state, cases[i].state);
		assert_int_equal(got.parent, cases[i].parent);
		assert_int_equal(got.flags, cases[i].flags);
	}
}

static void status_lines(void **state)
{
	static const char text[] =
		"Name:\tTgid: 1\n"
		"Umask:\t0022\n"
		"Tgid:\t4242\n"
		"Ngid:\t0\n"
		"NStgid:\t4242\t17\t1\n"
		"NSpid:\t4243\t18\t2\n"
		"Pid:\t4243\n"
		"TracerPid:\t99\n"
		"Uid:\t1000\t1001\t1002\t1003\n"
		"Gid:\t4294967294\t5\t6\t7\n"
		"SigBlk:\t8000000000000201\n"
		"CapPrm:\t000001ffffffffff\n"
		"CapEff:\t0000000000080000\n"
		"Seccomp:\t2\n"
		"Seccomp_filters:\t3\n"
		"voluntary_ctxt_switches:\t150\n"
		"nonvoluntary_ctxt_switches:\t545\n"
		"x86_Thread_features:\tshstk wrss \n"
		"x86_Thread_features_locked:\tshstk wrss \n";
	struct procfs_status got;

	(void)state;
	assert_true(procfs_parse_status(text, &got));
	assert_int_equal(got.tgid, 4242);
	assert_int_equal(got.tgid_inside, 1);
	assert_int_equal(got.tracer, 99);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(got.uid[i], 1000 + i);
	assert_int_equal(got.gid[0], 4294967294u);
	assert_int_equal(got.gid[3], 7);
	assert_int_equal(got.blocked, UINT64_C(0x8000000000000201));
	assert_int_equal(got.cap_permitted, UINT64_C(0x1ffffffffff));
	assert_int_equal(got.cap_effective, 0x80000);
	assert_int_equal(got.seccomp, 2);
	assert_int_equal(got.switches[0], 150);
	assert_int_equal(got.switches[1], 545);

	assert_true(got.shadow_stack);

	/* absent is 0, malformed is an error */
	assert_true(procfs_parse_status("Tgid:\t1", &got));
	assert_false(got.shadow_stack);
	assert_true(procfs_parse_status("Tgid:\t1\n"
					"x86_Thread_features:\twrss \n"
					"x86_Thread_features_locked:\tshstk \n",
					&got));
	assert_false(got.shadow_stack);
	assert_true(procfs_parse_status("Name:\tshstk \nTgid:\t1\n"
					"x86_Thread_features:\tshstk2 \n",
					&got));
	assert_false(got.shadow_stack);
	assert_true(procfs_parse_status("Tgid:\t1\n"
					"x86_Thread_features:\tx shstk",
					&got));
	assert_true(got.shadow_stack);
	assert_int_equal(got.uid[0], 0);
	assert_int_equal(got.tgid_inside, 0);
	assert_true(procfs_parse_status("Tgid:\t1\nNStgid:\t8", &got));
	assert_int_equal(got.tgid_inside, 8);
	assert_false(procfs_parse_status("Tgid:\t1\nNStgid:\t\n", &got));
	assert_false(procfs_parse_status("Tgid:\t1\nUid:\t1\t2\n", &got));
	assert_false(procfs_parse_status("Tgid:\tone\n", &got));
	assert_false(procfs_parse_status("Pid:\t1\n", &got));
	assert_false(procfs_parse_status("", &got));
}

static void maps_lines(void **state)
{
	static const struct {
		const char *line;
		bool valid;
		struct mapping want;
	} cases[] = {
		{ "7f00a0000000-7f00a0021000 rw-p 00000000 00:00 0 \n", true,
		  { .start = 0x7f00a0000000, .end = 0x7f00a0021000,
		    .prot = PROT_READ | PROT_WRITE } },
		{ "00400000-00401000 r-xp 00001000 08:02 173521"
		  "                  /usr/bin/a b (deleted)\n", true,
		  { .start = 0x400000, .end = 0x401000, .offset = 0x1000,
		    .prot = PROT_READ | PROT_EXEC, .inode = 173521,
		    .path = (char *)"/usr/bin/a b (deleted)" } },
		{ "7ffd1000-7ffd2000 ---p 00000000 fd:1f 18446744073709551615"
		  " [stack]", true,
		  { .start = 0x7ffd1000, .end = 0x7ffd2000,
		    .inode = UINT64_MAX, .path = (char *)"[stack]" } },
		{ "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 "
		  "[vsyscall]\n", true,
		  { .start = UINT64_C(0xffffffffff600000),
		    .end = UINT64_C(0xffffffffff601000), .prot = PROT_EXEC,
		    .path = (char *)"[vsyscall]" } },
		{ "401000-401000 r-xp 00000000 00:00 0 \n", false },
		{ "402000-401000 r-xp 00000000 00:00 0 \n", false },
		{ "400000-401000 r-x\n", false },
		{ "400000-401000 r-xp 0 00:00\n", false },
		{ "400000 401000 r-xp 0 00:00 0\n", false },
		{ "1ffffffffffffffff-0 r-xp 0 00:00 0\n", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mapping got;
		const struct mapping *want = &cases[i].want;

		print_message("# case %zu\n", i);
		assert_int_equal(procfs_parse_mapping(cases[i].line, &got),
				 cases[i].valid);
		if (cases[i].valid) {
			assert_int_equal(got.start, want->start);
			assert_int_equal(got.end, want->end);
			assert_int_equal(got.offset, want->offset);
			assert_int_equal(got.prot, want->prot);
			assert_int_equal(got.inode, want->inode);
			assert_int_equal(!got.path, !want->path);
			if (want->path)
				assert_string_equal(got.path, want->path);
		}
		free(got.path);
	}

	struct mapping m;

	assert_true(procfs_parse_mapping("1000-2000 r--p 0 fd:1f 9 /x", &m));
	assert_int_equal(m.device, makedev(0xfd, 0x1f));
	free(m.path);
}

static void auxv_words(void **state)
{
	static const uint64_t wide[] = { 33, 0x7ffd12345000, 51, 3632,
					 16, 0xffffffff, 0, 0, 6, 4096 };
	static const uint32_t narrow[] = { 32, 0xf7f01549, 33, 0xf7f01000,
					   51, 3216, 0, 0, 6, 4096 };
	struct bytes w = { (const uint8_t *)wide, sizeof(wide), 0 };
	struct bytes n = { (const uint8_t *)narrow, sizeof(narrow), 0 };

	(void)state;
	assert_int_equal(procfs_auxv(w, 33), 0x7ffd12345000);
	assert_int_equal(procfs_auxv(w, 51), 3632);
	assert_int_equal(procfs_auxv(w, 16), 0xffffffff);
	assert_int_equal(procfs_auxv(n, 33), 0xf7f01000);
	assert_int_equal(procfs_auxv(n, 51), 3216);
	/* not there, behind the end, cut off, nothing at all */
	assert_int_equal(procfs_auxv(w, 7), 0);
	assert_int_equal(procfs_auxv(w, 6), 0);
	assert_int_equal(procfs_auxv(n, 6), 0);
	assert_int_equal(procfs_auxv(bytes_first(w, 31), 51), 0);
	assert_int_equal(procfs_auxv(bytes_first(w, 0), 33), 0);
}

static void register_sets(void **state)
{
	uint64_t wide[27];
	uint32_t narrow[17];
	struct x86_gprs got;
	int64_t orig;

	(void)state;
	for (unsigned i = 0; i < 27; i++)
		wide[i] = UINT64_C(0x1111111100000000) + i;
	for (unsigned i = 0; i < 17; i++)
		narrow[i] = 0xf0000000 + i;
	wide[15] = 15;
	narrow[11] = UINT32_MAX;

	struct bytes w = { (const uint8_t *)wide, sizeof(wide), 0 };
	struct bytes n = { (const uint8_t *)narrow, sizeof(narrow), 0 };

	/* struct user_regs_struct of asm/user_64.h */
	assert_true(tracer_decode_regs(w, &got, &orig));
	assert_int_equal(orig, 15);
	assert_int_equal(got.r[X86_R15], wide[0]);
	assert_int_equal(got.r[X86_RBP], wide[4]);
	assert_int_equal(got.r[X86_R8], wide[9]);
	assert_int_equal(got.r[X86_RAX], wide[10]);
	assert_int_equal(got.r[X86_RDI], wide[14]);
	assert_int_equal(got.r[X86_RIP], wide[16]);
	assert_int_equal(got.r[X86_CS], wide[17]);
	assert_int_equal(got.r[X86_RSP], wide[19]);
	assert_int_equal(got.r[X86_SS], wide[20]);
	assert_int_equal(got.r[X86_GS], wide[26]);

	/* the same of asm/user_32.h, zero-extended */
	assert_true(tracer_decode_regs(n, &got, &orig));
	assert_int_equal(orig, -1);
	assert_int_equal(got.r[X86_RBX], 0xf0000000);
	assert_int_equal(got.r[X86_RAX], 0xf0000006);
	assert_int_equal(got.r[X86_GS], 0xf000000a);
	assert_int_equal(got.r[X86_RIP], 0xf000000c);
	assert_int_equal(got.r[X86_CS], 0xf000000d);
	assert_int_equal(got.r[X86_RSP], 0xf000000f);
	assert_int_equal(got.r[X86_SS], 0xf0000010);
	assert_int_equal(got.r[X86_R8], 0);

	assert_false(tracer_decode_regs(bytes_first(w, 208), &got, &orig));
	assert_false(tracer_decode_regs(bytes_first(w, 0), &got, &orig));
}

#define CAP_PTRACE (UINT64_C(1) << 19)

static void refusals(void **state)
{
	static const struct procfs_status user = {
		.tgid = 10, .uid = { 7, 7, 7, 7 }, .gid = { 7, 7, 7, 7 },
	};
	static const struct procfs_status other = {
		.tgid = 20, .uid = { 8, 8, 8, 8 }, .gid = { 7, 7, 7, 7 },
	};
	static const struct procfs_status setuid = {
		.tgid = 20, .uid = { 7, 0, 0, 0 }, .gid = { 7, 7, 7, 7 },
	};
	static const struct procfs_status group = {
		.tgid = 20, .uid = { 7, 7, 7, 7 }, .gid = { 7, 7, 9, 7 },
	};
	static const struct procfs_status capable = {
		.tgid = 10, .uid = { 0 }, .cap_effective = CAP_PTRACE,
		.cap_permitted = CAP_PTRACE,
	};
	static const struct procfs_status filtered = {
		.tgid = 10, .uid = { 7, 7, 7, 7 }, .gid = { 7, 7, 7, 7 },
		.seccomp = 2,
	};
	static const struct procfs_status with_cap = {
		.tgid = 20, .uid = { 7, 7, 7, 7 }, .gid = { 7, 7, 7, 7 },
		.cap_permitted = 2,
	};
	const struct {
		const char *says;
		struct procfs_access access;
	} cases[] = {
		{ "runs as user 8, this is user 7",
		  { .own = user, .target = other, .yama = 1,
		    .dumpable = TRI_NO, .same_user_ns = TRI_YES } },
		{ "runs as user 0, this is user 7",
		  { .own = user, .target = setuid, .yama = -1 } },
		{ "runs as group 9, this is group 7",
		  { .own = user, .target = group, .yama = -1 } },
		{ "not dumpable",
		  { .own = user, .target = user, .yama = 1,
		    .dumpable = TRI_NO, .same_user_ns = TRI_YES } },
		{ "another user namespace; that takes CAP_SYS_PTRACE there",
		  { .own = user, .target = user, .yama = -1,
		    .dumpable = TRI_YES, .same_user_ns = TRI_NO } },
		{ "where CAP_SYS_PTRACE of this one does not count",
		  { .own = capable, .target = other, .yama = -1,
		    .dumpable = TRI_YES, .same_user_ns = TRI_NO } },
		{ "probably belongs to another user namespace",
		  { .own = capable, .target = other, .yama = 1,
		    .in_user_ns = true } },
		{ "capabilities that this process lacks",
		  { .own = user, .target = with_cap, .yama = -1,
		    .dumpable = TRI_YES, .same_user_ns = TRI_YES } },
		{ "ptrace_scope is 1: only its ancestors may",
		  { .own = user, .target = user, .yama = 1,
		    .dumpable = TRI_YES, .same_user_ns = TRI_YES } },
		{ "ptrace_scope is 2; that takes CAP_SYS_PTRACE",
		  { .own = user, .target = user, .yama = 2,
		    .dumpable = TRI_YES, .same_user_ns = TRI_YES } },
		{ "ptrace_scope is 3: nobody may",
		  { .own = capable, .target = user, .yama = 3,
		    .dumpable = TRI_YES, .same_user_ns = TRI_YES } },
		{ "seccomp filter",
		  { .own = filtered, .target = user, .yama = 0,
		    .dumpable = TRI_YES, .same_user_ns = TRI_YES } },
		{ "may not be dumpable",
		  { .own = user, .target = user, .yama = 0,
		    .same_user_ns = TRI_YES } },
		{ "security module",
		  { .own = user, .target = user, .yama = 0,
		    .dumpable = TRI_YES, .same_user_ns = TRI_YES } },
		{ "security module",
		  { .own = capable, .target = other, .yama = 1,
		    .same_user_ns = TRI_YES } },
		{ "does not say why",
		  { .own = user, .yama = 1, .dumpable = TRI_NO } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct procfs_access access = cases[i].access;

		access.pid = 20;
		access.name = "bad\nname";

		struct error *err = procfs_refusal(&access);

		print_message("# %s\n", error_message(err));
		assert_int_equal(error_code(err), ERROR_PERMISSION);
		assert_non_null(strstr(error_message(err), cases[i].says));
		assert_non_null(strstr(error_message(err),
				       "process 20 (bad\nname)"));
		error_free(err);
	}
}

/* This very process has what /proc always has. */
static void real_files(void **state)
{
	int dir = open("/proc/self", O_PATH | O_DIRECTORY);
	struct procfs_stat stat;
	struct procfs_status status;
	pid_t *tids = NULL;
	size_t count = 0;
	char small[7];

	(void)state;
	if (dir < 0)
		skip();
	assert_int_equal(procfs_stat(dir, 0, &stat), 0);
	assert_int_equal(stat.pid, getpid());
	assert_int_equal(stat.parent, getppid());
	assert_int_equal(procfs_stat(dir, getpid(), &stat), 0);
	assert_int_equal(stat.state, 'R');
	assert_int_equal(procfs_status(dir, getpid(), &status), 0);
	assert_int_equal(status.tgid, getpid());
	assert_true(status.tgid_inside > 0);
	assert_int_equal(status.uid[1], geteuid());
	assert_int_equal(procfs_stat(dir, 1 << 30, &stat), -ENOENT);

	assert_int_equal(procfs_list(dir, "task", &tids, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(tids[0], getpid());
	free(tids);
	assert_int_equal(procfs_list(dir, "nothing", &tids, &count), -ENOENT);

	/* no more than there is room for, and a NUL */
	assert_int_equal(procfs_read(dir, small, sizeof(small), "status"), 6);
	assert_string_equal(small, "Name:\t");

	struct snapshot *s = snapshot_create(SOURCE_PROCESS);

	assert_non_null(s);
	assert_int_equal(procfs_maps(dir, getpid(), s), 0);
	snapshot_finish(s);

	const struct mapping *m = snapshot_mapping(s, (uintptr_t)&stat);

	assert_non_null(m);
	assert_int_equal(m->prot & (PROT_READ | PROT_WRITE),
			 PROT_READ | PROT_WRITE);
	assert_string_equal(m->path, "[stack]");
	m = snapshot_mapping(s, (uintptr_t)procfs_maps);
	assert_non_null(m);
	assert_true(m->prot & PROT_EXEC);
	assert_true(m->inode && m->device && mapping_is_file(m));
	snapshot_destroy(s);
	close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syscall_lines),
		cmocka_unit_test(stat_lines),
		cmocka_unit_test(status_lines),
		cmocka_unit_test(maps_lines),
		cmocka_unit_test(auxv_words),
		cmocka_unit_test(register_sets),
		cmocka_unit_test(refusals),
		cmocka_unit_test(real_files),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
