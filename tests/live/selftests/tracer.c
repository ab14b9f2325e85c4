/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tracer.c - run a program, and stop in its signal handlers to look */

/*
 * Usage: tracer [-f] SEED PROGRAM [ARGUMENT]...
 *
 * Runs PROGRAM (with -f, also what it forks off), sees each of its signals
 * delivered and returned from, and stops it now and then at a place that SEED
 * decides. Then it prints
 *
 *	frame ADDRESS KIND SIGNAL live|parked	(for each, innermost first)
 *	look NUMBER PLACE PID TID traced|free ALONE
 *
 * and waits for a line on its standard input before it goes on. PLACE is
 *
 *	before		the signal is about to be delivered
 *	handler		somewhere in a handler
 *	call		in a system call of a handler
 *	return		about to return from the innermost frame
 *	after		has just returned from it
 *
 * ALONE is 1 if the process has no other threads. A free thread is not traced
 * while it is looked at, but stopped. After a look at "return" follows, when
 * the thread has got on,
 *
 *	outcome NUMBER WHAT SIGNAL CS SS same|unknown|COMPONENTS
 *
 * WHAT is
 *
 *	returned	it has executed one instruction
 *	moved		the same, and has an unlikely stack pointer since
 *	refused		the kernel sent it SIGSEGV instead
 *	unfetched	there was no instruction to be had
 *	faulted		another SIGNAL came before the first was executed
 *	interrupted	so did a SIGNAL that has nothing to do with that
 *
 * and COMPONENTS a mask of those that the frame has in use, and the thread
 * then did not have as they were there. At the end:
 *
 *	end exit|signal|killed STATUS
 *	seen SIGNALS FRAMES RETURNED
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/ptrace.h>

#include "../../oracle/random.h"
#include "hold.h"
#include "truth.h"

enum {
	THREADS = 256,
	STEPS = 300,	/* executed one at a time in each handler */
	DENSE = 6,	/* signals looked at for certain, less then */
	SECONDS = 200,
};

enum phase {
	PHASE_FREE,	/* no frame, or none that we would see returned from */
	PHASE_ENTERING,	/* a signal is being delivered */
	PHASE_HANDLER,
	PHASE_RETURNING,	/* in sigreturn */
	PHASE_RETURNED,	/* executes the first instruction after it */
};

struct thread {
	pid_t pid, tid;
	enum phase phase;
	unsigned known;		/* 2: it has started */
	bool thread;		/* of another one's process */
	bool entry;		/* stopped at a system call, to enter it */
	bool stepping;
	struct truth truth;
	/* of the signal that is being delivered */
	uint64_t sp;
	int signo;
	bool chosen;		/* it will be looked at */
	bool look_free, look_call;
	unsigned steps, look_step;
	/* of the frame that is being returned from */
	struct truth_frame returning;
	unsigned number;	/* of the look, 0: none */
	bool refused;
	struct truth_regs after;
	char differs[32];
	uint8_t image[16384];
	unsigned image_size;
};

static struct thread *threads[THREADS];
static struct random rnd;
static pid_t root;
static int root_status;
static long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD |
		      PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
static unsigned looks, signals, frames, returned;

static struct thread *thread_of(pid_t tid)
{
	struct thread **room = NULL;

	for (unsigned i = 0; i < THREADS; i++) {
		if (threads[i] && threads[i]->tid == tid)
			return threads[i];
		if (!threads[i] && !room)
			room = &threads[i];
	}
	if (!room)
		return NULL;
	*room = calloc(1, sizeof(**room));
	if (!*room)
		hold_fail("calloc");
	(*room)->tid = tid;
	(*room)->pid = (pid_t)hold_status(tid, "Tgid", 10);
	return *room;
}

static void forget(pid_t tid)
{
	for (unsigned i = 0; i < THREADS; i++) {
		if (!threads[i] || threads[i]->tid != tid)
			continue;
		free(threads[i]);
		threads[i] = NULL;
	}
}

static void look(struct thread *t, const char *place, bool set_it_free)
{
	bool alone = hold_status(t->tid, "Threads", 10) == 1;
	struct truth_regs regs, later;
	char line[64];

	if (!truth_regs(t->tid, &regs))
		hold_fail("PTRACE_GETREGS");
	set_it_free = set_it_free && alone;
	for (unsigned i = t->truth.count; i-- > 0;) {
		const struct truth_frame *f = &t->truth.frames[i];

		printf("frame %#llx %s %d %s\n", (long long)f->address,
		       truth_kind_names[f->kind], f->signo,
		       truth_parked(&t->truth, i, regs.sp) ? "parked"
							   : "live");
	}
	if (set_it_free)
		hold_release(t->pid, t->tid);
	printf("look %u %s %d %d %s %d\n", ++looks, place, t->pid, t->tid,
	       set_it_free ? "free" : "traced", alone);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(2);
	if (!set_it_free)
		return;
	hold_seize(t->pid, t->tid, options);
	if (!truth_regs(t->tid, &later) || later.ip != regs.ip ||
	    later.sp != regs.sp) {
		fprintf(stderr, "tracer: it has moved during the look\n");
		exit(2);
	}
}

/* A trap that is blocked would make the kernel forget the handler for it. */
static bool may_step(const struct thread *t)
{
	uint64_t blocked = 0;

	return !ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(blocked), &blocked) &&
	       !(blocked & 1u << (SIGTRAP - 1));
}

static bool at_system_call(const struct thread *t)
{
	struct truth_regs regs;
	long word;

	if (!truth_regs(t->tid, &regs))
		return false;
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, t->tid, regs.ip, NULL);
	if (errno)
		return false;
	word &= 0xffff;
	return word == 0x050f || word == 0x80cd || word == 0x340f;
}

static void resume(struct thread *t, int signo)
{
	enum __ptrace_request request = PTRACE_SYSCALL;

	switch (t->phase) {
	case PHASE_FREE:
		request = t->truth.count ? PTRACE_SYSCALL : PTRACE_CONT;
		break;
	case PHASE_ENTERING:
	case PHASE_RETURNED:
		request = PTRACE_SINGLESTEP;
		break;
	case PHASE_HANDLER:
		if (!t->entry && t->steps < STEPS && may_step(t) &&
		    !at_system_call(t))
			request = PTRACE_SINGLESTEP;
		break;
	case PHASE_RETURNING:
		break;
	}
	t->stepping = request == PTRACE_SINGLESTEP;
	if (ptrace(request, t->tid, NULL, signo) && errno != ESRCH)
		hold_fail("cannot resume");
}

/* Where the thread is after frames have come or gone. */
static void settle(struct thread *t)
{
	struct truth_regs regs;

	if (truth_regs(t->tid, &regs))
		truth_settle(&t->truth, regs.sp);
	t->phase = t->truth.count ? PHASE_HANDLER : PHASE_FREE;
}

static void tell_outcome(struct thread *t, const char *what, int signo)
{
	if (t->number)
		printf("outcome %u %s %d %#x %#x %s\n", t->number, what, signo,
		       t->after.cs, t->after.ss, t->differs);
	t->number = 0;
}

/* A new thread or program is at its start. */
static void begin(struct thread *t)
{
	struct truth_regs regs;

	t->truth.count = 0;
	t->phase = PHASE_FREE;
	if (truth_regs(t->tid, &regs))
		t->truth.home = regs.sp;
}

/* The thread is about to enter a system call. */
static void enter_call(struct thread *t, const struct ptrace_syscall_info *info)
{
	static const struct {
		uint32_t arch;
		uint64_t nr;
		unsigned skip;
	} returns[] = {
		{ AUDIT_ARCH_X86_64, 15, 8 },
		{ AUDIT_ARCH_X86_64, 0x40000201, 8 },
		{ AUDIT_ARCH_I386, 173, 4 },
		{ AUDIT_ARCH_I386, 119, 8 },
	};

	for (unsigned i = 0; i < sizeof(returns) / sizeof(*returns); i++) {
		uint64_t address = info->stack_pointer - returns[i].skip;

		if (info->arch != returns[i].arch ||
		    info->entry.nr != returns[i].nr)
			continue;
		while (t->truth.count &&
		       t->truth.frames[t->truth.count - 1].address != address)
			t->truth.count--;
		if (!t->truth.count)
			return;
		t->phase = PHASE_RETURNING;
		t->returning = t->truth.frames[t->truth.count - 1];
		if (!t->chosen)
			return;
		t->image_size = truth_image(&t->returning, t->tid, t->image,
					    sizeof(t->image));
		look(t, "return", false);
		t->number = looks;
		return;
	}
	if (t->chosen && t->look_call && t->truth.count) {
		t->look_call = false;
		look(t, "call", false);
	}
}

/* The thread is back from sigreturn, one way or another. */
static void returns(struct thread *t)
{
	uint64_t differs;

	truth_return(&t->truth, t->returning.address);
	returned++;
	settle(t);
	if (!t->number)
		return;
	/* forced signals are the thread's own, and are pending by now */
	t->refused = hold_status(t->tid, "SigPnd", 16) & 1u << (SIGSEGV - 1);
	truth_regs(t->tid, &t->after);
	differs = t->image_size ? truth_differs(&t->returning, t->image,
						t->image_size, t->tid) : 0;
	snprintf(t->differs, sizeof(t->differs),
		 !t->image_size ? "unknown" : differs ? "%#llx" : "same",
		 (long long)differs);
	if (t->refused) {
		tell_outcome(t, "refused", SIGSEGV);
		return;
	}
	if (random_below(&rnd, 3) == 0)
		look(t, "after", false);
	/* one that single-steps itself does not need us for that */
	if (t->after.flags & 0x100 || !may_step(t))
		tell_outcome(t, "returned", 0);
	else
		t->phase = PHASE_RETURNED;
}

static void at_call(struct thread *t)
{
	struct ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof(info), &info) < 0)
		hold_fail("PTRACE_GET_SYSCALL_INFO");
	t->entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
	if (t->phase == PHASE_RETURNING && !t->entry) {
		returns(t);
	} else {
		truth_settle(&t->truth, info.stack_pointer);
		if (!t->truth.count)
			t->phase = PHASE_FREE;
		if (t->entry)
			enter_call(t, &info);
	}
	resume(t, 0);
}

/* The handler's first instruction is next. */
static void entered(struct thread *t)
{
	struct truth_regs regs;

	if (!truth_regs(t->tid, &regs))
		hold_fail("PTRACE_GETREGS");
	truth_enter(&t->truth, t->tid, &regs, t->sp, t->signo);
	frames++;
	t->phase = PHASE_HANDLER;
	t->steps = 0;
	t->entry = false;
	if (t->chosen && (t->look_step == 0 || !may_step(t)))
		look(t, "handler", t->look_free);
	resume(t, 0);
}

static void stepped(struct thread *t)
{
	t->steps++;
	settle(t);
	if (t->truth.count && t->chosen && t->steps == t->look_step)
		look(t, "handler", t->look_free);
	resume(t, 0);
}

/* Deliver a signal; decide what to look at. */
static void deliver(struct thread *t, int signo)
{
	static const unsigned far[] = { 1, 6, 40, STEPS };
	bool caught = hold_status(t->tid, "SigCgt", 16) & 1ull << (signo - 1);
	struct truth_regs regs;

	if (!caught) {
		resume(t, signo);
		return;
	}
	signals++;
	settle(t);
	t->chosen = random_below(&rnd, signals) < DENSE;
	t->look_free = random_below(&rnd, 2);
	t->look_call = random_below(&rnd, 2);
	t->look_step = random_below(&rnd, far[random_below(&rnd, 4)]);
	if (t->chosen && random_below(&rnd, 5) == 0)
		look(t, "before", false);
	if (!truth_regs(t->tid, &regs))
		hold_fail("PTRACE_GETREGS");
	t->phase = PHASE_ENTERING;
	t->sp = regs.sp;
	t->signo = signo;
	resume(t, signo);
}

/* What has become of the thread that has returned from a signal? */
static const char *what_came(const struct thread *t, const siginfo_t *info)
{
	uint64_t ip = t->after.ip, address = (uintptr_t)info->si_addr;
	struct truth_regs regs;

	if (info->si_signo == SIGTRAP)
		return truth_regs(t->tid, &regs) &&
				       regs.sp - t->after.sp + 4096 > 8192
			       ? "moved"
			       : "returned";
	if (info->si_code <= 0)
		return "interrupted";
	errno = 0;
	if (info->si_code != SI_KERNEL)
		return address == ip ? "unfetched" : "faulted";
	/* of what is no address, the kernel does not say which it was */
	ptrace(PTRACE_PEEKTEXT, t->tid, ip, NULL);
	return errno ? "unfetched" : "faulted";
}

static void at_signal(struct thread *t, int signo)
{
	bool trap = signo == SIGTRAP;
	siginfo_t info = { 0 };

	if (ptrace(PTRACE_GETSIGINFO, t->tid, NULL, &info))
		hold_fail("PTRACE_GETSIGINFO");
	switch (t->phase) {
	case PHASE_ENTERING:
		/* the kernel tells of a new frame in this way */
		if (trap && info.si_code == SIGTRAP) {
			entered(t);
			return;
		}
		break;
	case PHASE_HANDLER:
		if (trap && t->stepping && info.si_code == TRAP_TRACE) {
			stepped(t);
			return;
		}
		break;
	case PHASE_RETURNED:
		t->phase = t->truth.count ? PHASE_HANDLER : PHASE_FREE;
		tell_outcome(t, what_came(t, &info), signo);
		if (trap && info.si_code == TRAP_TRACE) {
			settle(t);
			resume(t, 0);
			return;
		}
		break;
	case PHASE_FREE:
	case PHASE_RETURNING:
		break;
	}
	/* SIGCONT may be our own */
	if (signo == SIGCONT)
		resume(t, 0);
	else
		deliver(t, signo);
}

/*
 * A thread starts when it has stopped for the first time, and its parent has
 * told about it: in any order.
 */
static void start(struct thread *t)
{
	if (++t->known < 2)
		return;
	if (t->thread)
		begin(t);
	resume(t, 0);
}

static void at_event(struct thread *t, int event)
{
	unsigned long message = 0;
	struct thread *child;

	ptrace(PTRACE_GETEVENTMSG, t->tid, NULL, &message);
	switch (event) {
	case PTRACE_EVENT_EXEC:
		begin(t);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		child = thread_of((pid_t)message);
		if (!child)
			break;
		child->truth = t->truth;
		child->phase = t->truth.count ? PHASE_HANDLER : PHASE_FREE;
		child->steps = STEPS;
		child->thread = event == PTRACE_EVENT_CLONE;
		start(child);
		break;
	default:
		break;
	}
	resume(t, 0);
}

static void stopped(struct thread *t, int status)
{
	int event = status >> 16, signo = WSTOPSIG(status);

	if (t->known < 2)
		start(t);
	else if (event)
		at_event(t, event);
	else if (signo == (SIGTRAP | 0x80))
		at_call(t);
	else
		at_signal(t, signo);
}

static void run(char **argv)
{
	int gate[2], null;
	char byte = 0;

	if (pipe2(gate, O_CLOEXEC))
		hold_fail("pipe2");
	root = fork();
	if (root < 0)
		hold_fail("fork");
	if (!root) {
		alarm(SECONDS + 5);
		null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (read(gate[0], &byte, 1) == 1)
			execv(argv[0], argv);
		_exit(127);
	}
	if (ptrace(PTRACE_SEIZE, root, NULL, options))
		hold_fail("PTRACE_SEIZE");
	if (write(gate[1], &byte, 1) != 1)
		hold_fail("write");
	thread_of(root)->known = 2;
}

static void give_up(int signo)
{
	(void)signo;
	/* what is traced is killed with us */
	static const char last[] = "end killed 0\n";

	if (write(STDOUT_FILENO, last, sizeof(last) - 1) < 0)
		_exit(2);
	_exit(0);
}

int main(int argc, char **argv)
{
	int status;
	pid_t tid;

	if (argc > 1 && !strcmp(argv[1], "-f")) {
		options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
		argv++;
		argc--;
	}
	if (argc < 3) {
		fputs("usage: tracer [-f] SEED PROGRAM...\n", stderr);
		return 2;
	}
	rnd = random_of(strtoull(argv[1], NULL, 0));
	signal(SIGALRM, give_up);
	alarm(SECONDS);
	run(argv + 2);
	while ((tid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		struct thread *t = tid > 0 ? thread_of(tid) : NULL;

		if (!t)
			continue;
		if (WIFSTOPPED(status)) {
			stopped(t, status);
			continue;
		}
		if (tid == root)
			root_status = status;
		forget(tid);
	}
	if (WIFEXITED(root_status))
		printf("end exit %d\n", WEXITSTATUS(root_status));
	else
		printf("end signal %d\n", WTERMSIG(root_status));
	printf("seen %u %u %u\n", signals, frames, returned);
	return 0;
}
