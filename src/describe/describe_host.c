/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe_host.c - this machine as a description file */
#include "describe/describe_host.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "describe/format_own.h"
#include "describe/spec.h"

/* exit() of the two other ABIs: asm/unistd_32.h, asm/unistd_x32.h */
#define IA32_EXIT 1
#define X32_EXIT (0x40000000 | SYS_exit)

/* How a child ends whose call was carried out, and whose was refused. */
enum child_status {
	CHILD_REFUSED = 1,
	CHILD_DONE = 42,
};

/*
 * Without 32-bit support the interrupt gate is not there (since 6.7 also with
 * ia32_emulation=0): SIGSEGV.
 */
static void end_by_ia32(void)
{
	__asm__ volatile("int $0x80" : : "a"(IA32_EXIT), "b"(CHILD_DONE)
			 : "memory");
}

/* Without x32 there is no such call: ENOSYS. */
static void end_by_x32(void)
{
	syscall(X32_EXIT, CHILD_DONE);
}

/*
 * Have a child end by a system call of another ABI. NO if the kernel lacks it;
 * UNKNOWN if something else, like a filter, stood in the way.
 */
static enum tri probe(void (*end)(void))
{
	const struct rlimit no_core = { 0, 0 };
	pid_t pid = fork(), got;
	int status;

	if (pid < 0)
		return TRI_UNKNOWN;
	if (!pid) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGSEGV, SIG_DFL);
		errno = 0;
		end();
		syscall(SYS_exit_group, errno == ENOSYS ? CHILD_REFUSED : 0);
	}
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got != pid)
		return TRI_UNKNOWN;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
		return TRI_NO;
	if (!WIFEXITED(status))
		return TRI_UNKNOWN;
	if (WEXITSTATUS(status) == CHILD_DONE)
		return TRI_YES;
	return WEXITSTATUS(status) == CHILD_REFUSED ? TRI_NO : TRI_UNKNOWN;
}

void describe_host_abis(enum tri *ia32_ret, enum tri *x32_ret)
{
	*ia32_ret = probe(end_by_ia32);
	*x32_ret = probe(end_by_x32);
}

struct error *describe_host(const struct host *host, struct text *t)
{
	struct host tried = *host;
	struct description *d = NULL;

	if (!tried.probe_ran && !tried.probe_note[0])
		host_probe(&tried);

	struct error *err = spec_parse("host", &tried, &d);

	if (err)
		return err;
	describe_host_abis(&d->ia32, &d->x32);
	if (d->ia32 != TRI_UNKNOWN || d->x32 != TRI_UNKNOWN)
		d->origin[DESCRIBED_ABIS] = ORIGIN_GIVEN;
	if (description_rename(d, host->brand))
		own_write(d, t);
	else
		err = &error_no_memory;
	description_destroy(d);
	return err;
}
