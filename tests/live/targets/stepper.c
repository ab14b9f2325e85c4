/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stepper.c - lets a process run instruction by instruction, and waits */

/*
 * Usage: stepper EVERY COMMAND...
 *
 * Traces COMMAND. From the first instruction of each handler of a signal to
 * some behind its return it makes single steps. It waits at the first ones of
 * each handler, in restorers, in the vDSO, at returns, jumps through memory
 * and system calls, and at every EVERYth other one. There it prints
 *
 *	look PID HOW PC FRAME...
 *
 * where HOW is "stopped": the process is not traced any more, but stopped by
 * SIGSTOP; or "traced", in a system call. FRAMEs are the addresses of the
 * signal frames that wait, innermost first, as seen from the deliveries and
 * returns. It goes on after a line on standard input. Prints "done" and ends
 * when the process has ended, or its third signal has been returned from.
 */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "target.h"

enum { DEPTH_MAX = 8, NEAR = 14, SEEN_MAX = 4096, SIGNALS = 3 };

static pid_t pid;
static uint64_t frames[DEPTH_MAX];	/* outermost first */
static uint64_t restorers[DEPTH_MAX];
static unsigned depth, delivered;
static unsigned since;		/* steps since the last delivery or return */
static uint64_t seen[SEEN_MAX];
static unsigned seen_count;
static uint64_t vdso_start, vdso_end;

static struct user_regs_struct get_regs(void)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		target_fail("PTRACE_GETREGS");
	return regs;
}

static bool is_narrow(const struct user_regs_struct *regs)
{
	return regs->cs == 0x23;
}

static uint64_t peek(uint64_t addr)
{
	errno = 0;
	return (uint64_t)ptrace(PTRACE_PEEKDATA, pid, (void *)addr, NULL);
}

static void find_vdso(void)
{
	char path[64], line[512];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vdso]"))
			sscanf(line, "%" SCNx64 "-%" SCNx64, &vdso_start,
			       &vdso_end);
	if (maps)
		fclose(maps);
}

static int wait_for(void)
{
	int status;

	if (waitpid(pid, &status, __WALL) != pid)
		target_fail("waitpid");
	return status;
}

static void finish(void)
{
	puts("done");
	fflush(stdout);
	kill(pid, SIGKILL);
	_exit(0);
}

static void tell(const char *how, uint64_t pc)
{
	char line[64];

	printf("look %d %s 0x%" PRIx64, pid, how, pc);
	for (unsigned i = depth; i-- > 0;)
		printf(" 0x%" PRIx64, frames[i]);
	putchar('\n');
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin)) {
		kill(pid, SIGKILL);
		_exit(0);
	}
}

/* Let go of it for a look, and take hold of it again. */
static void look(void)
{
	struct user_regs_struct regs = get_regs();

	/* pending, it stops the process before its next instruction */
	kill(pid, SIGSTOP);
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL))
		target_fail("PTRACE_DETACH");
	/* its parent is told when it has stopped */
	int status;

	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		target_fail("waitpid");
	tell("stopped", regs.rip);
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD))
		target_fail("PTRACE_SEIZE");
	wait_for();
	kill(pid, SIGCONT);
}

static bool first_time(uint64_t pc)
{
	for (unsigned i = 0; i < seen_count; i++)
		if (seen[i] == pc)
			return false;
	if (seen_count < SEEN_MAX)
		seen[seen_count++] = pc;
	return true;
}

static bool in_restorer(uint64_t pc)
{
	for (unsigned i = 0; i < depth; i++)
		if (pc - restorers[i] < 16)
			return true;
	return false;
}

static bool is_sigreturn(const struct user_regs_struct *regs)
{
	uint16_t code = (uint16_t)peek(regs->rip);

	if (is_narrow(regs))
		return code == 0x80cd &&
		       (regs->rax == 119 || regs->rax == 173);
	return code == 0x050f && regs->rax == 15;
}

static bool is_interesting(uint64_t pc)
{
	uint16_t raw = (uint16_t)peek(pc);

	return (raw & 0xff) == 0xc3 || raw == 0x25ff || raw == 0x25f2 ||
	       raw == 0x050f || raw == 0x80cd || raw == 0x340f;
}

static bool in_vdso(uint64_t pc)
{
	return pc >= vdso_start && pc < vdso_end;
}

/*
 * The vDSO begins again when the clock has moved on meanwhile, which it has
 * after each look: only so many of them may be there.
 */
static bool is_looked_at(uint64_t pc, unsigned long step, unsigned every)
{
	if (in_vdso(pc))
		return step % 3 == 0 && first_time(pc);
	return since < NEAR || in_restorer(pc) || step % every == 0 ||
	       (is_interesting(pc) && first_time(pc));
}

static void take_frame(void)
{
	struct user_regs_struct regs = get_regs();

	if (depth == DEPTH_MAX)
		finish();
	frames[depth] = regs.rsp;
	restorers[depth] = peek(regs.rsp);
	if (is_narrow(&regs))
		restorers[depth] = (uint32_t)restorers[depth];
	depth++;
	delivered++;
	since = 0;
}

/* To the next entry of a system call, or exit from it. */
static void run_to_call(void)
{
	int status;

	do {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL))
			target_fail("PTRACE_SYSCALL");
		status = wait_for();
		if (!WIFSTOPPED(status))
			finish();
	} while (WSTOPSIG(status) != (SIGTRAP | 0x80));
}

/* At its system call: look at both sides of what is done there. */
static void return_traced(void)
{
	struct user_regs_struct regs;

	run_to_call();
	regs = get_regs();
	tell("traced", regs.rip);
	run_to_call();
	depth--;
	since = 0;
	regs = get_regs();
	tell("traced", regs.rip);
}

/*
 * One instruction, or the delivery of a signal. What SIGCONT and stops leave
 * behind is not passed on.
 */
static void step(void)
{
	struct user_regs_struct regs = get_regs();
	long signo = 0;

	if (depth && is_sigreturn(&regs)) {
		return_traced();
		return;
	}
	for (;;) {
		int status, stop;

		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, (void *)signo))
			target_fail("PTRACE_SINGLESTEP");
		status = wait_for();
		if (!WIFSTOPPED(status))
			finish();
		stop = WSTOPSIG(status);
		if (signo) {
			/* now at the first instruction of the handler */
			take_frame();
			return;
		}
		if (status >> 16)
			continue;
		if (stop == SIGTRAP) {
			since++;
			return;
		}
		signo = stop == SIGCONT || stop == SIGSTOP ? 0 : stop;
	}
}

/* Up to the next signal. */
static void run(void)
{
	int status = 0;

	do {
		if (ptrace(PTRACE_CONT, pid, NULL, NULL))
			target_fail("PTRACE_CONT");
		status = wait_for();
		if (!WIFSTOPPED(status))
			finish();
	} while (status >> 16 || WSTOPSIG(status) == SIGCONT ||
		 WSTOPSIG(status) == SIGSTOP || WSTOPSIG(status) == SIGTRAP);
	if (ptrace(PTRACE_SINGLESTEP, pid, NULL,
		   (void *)(long)WSTOPSIG(status)))
		target_fail("PTRACE_SINGLESTEP");
	wait_for();
	take_frame();
}

int main(int argc, char **argv)
{
	unsigned every = argc > 2 ? (unsigned)atoi(argv[1]) : 0;
	unsigned long steps = 0;

	if (!every)
		return 2;
	alarm(TARGET_SECONDS);
	pid = fork();
	if (pid < 0)
		target_fail("fork");
	if (!pid) {
		alarm(TARGET_SECONDS);
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
		raise(SIGSTOP);
		execv(argv[2], argv + 2);
		target_fail(argv[2]);
	}
	int status;

	if (waitpid(pid, &status, WUNTRACED) != pid ||
	    ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACEEXEC))
		target_fail("PTRACE_SEIZE");
	wait_for();
	kill(pid, SIGCONT);
	while (delivered < SIGNALS || depth) {
		struct user_regs_struct regs;

		if (!depth && since >= NEAR) {
			run();
			find_vdso();
		} else if (!delivered) {
			run();
			find_vdso();
		} else {
			step();
		}
		regs = get_regs();
		if (is_looked_at(regs.rip, steps++, every))
			look();
	}
	finish();
	return 0;
}
