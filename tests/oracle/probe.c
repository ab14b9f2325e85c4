/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe.c - the running kernel's rules are found out, and nobody is harmed */
#include "describe/probe.h"

#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "describe/host.h"

#define RUNS 100
#define LATE_MAX 10
#define R(n) RULES_BIT(RULES_R##n)
#define NOTE_SIZE 160

static unsigned tests;
static bool failed;

static bool ok(bool good, const char *fmt, ...)
	__attribute__((__format__(__printf__, 2, 3)));

static bool ok(bool good, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("%sok %u - ", good ? "" : "not ", ++tests);
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	failed |= !good;
	return good;
}

static bool single(rules_mask m)
{
	return m && !(m & (m - 1));
}

/* On this machine, whatever the rules were: are they told apart? */
static void tell_apart(struct probe p, const struct target *t)
{
	static const struct {
		rules_mask same;	/* cannot be told from each other */
	} sets[] = {
		{ R(1) }, { R(2) | R(3) | R(5) }, { R(4) }, { R(6) }, { R(7) },
	};
	char note[NOTE_SIZE];

	for (unsigned r = 0; r < RULES_COUNT; r++) {
		rules_mask same = 0, found;

		for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
			if (sets[i].same & RULES_BIT(r))
				same = sets[i].same;
		for (unsigned i = 0; i < PROBE_COUNT; i++)
			p.observed[i] = probe_expect(&p, i, t, r);
		found = probe_judge(&p, t, 0, note, sizeof(note));
		ok(found == same, "a kernel with rules %s is known as such",
		   rules_table[r].id);
		if (found != same)
			printf("# %#x, not %#x\n", found, same);
	}
}

/* An answer that cannot be wrong is none. */
static void can_fail(const struct probe *p, const struct target *t,
		     rules_mask probed)
{
	struct target other = *t;
	char note[NOTE_SIZE];
	bool all = true;

	other.user_size -= 64;
	ok(!probe_judge(p, &other, 0, note, sizeof(note)) && note[0],
	   "with predictions for another size no rules fit");
	printf("# %s\n", note);
	other.user_size += 128;
	ok(!probe_judge(p, &other, R(5), note, sizeof(note)) && note[0],
	   "nor for a larger one");
	printf("# %s\n", note);

	for (unsigned i = 0; i < PROBE_COUNT; i++) {
		struct probe changed = *p;
		struct probe_outcome *o = &changed.observed[i];

		if (!o->known)	/* this CPU made nothing of it */
			continue;
		o->returned = !o->returned;
		o->taken = 0;
		all &= !(probe_judge(&changed, t, 0, note, sizeof(note)) &
			 probed);
		*o = p->observed[i];
		if (!o->returned)
			continue;
		o->odd = XSTATE_BIT(XSTATE_SSE);
		all &= !probe_judge(&changed, t, 0, note, sizeof(note));
	}
	ok(all, "each of the frames counts");
}

static volatile sig_atomic_t caught[_NSIG];

static void count_signal(int signo)
{
	caught[signo]++;
}

/* Entries of a directory of /proc, or lines of a file there. */
static unsigned count_entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	if (d) {
		while (readdir(d))
			n++;
		closedir(d);
		return n;
	}

	FILE *f = fopen(path, "re");

	for (int c; f && (c = getc(f)) != EOF;)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

/* What a probe might disturb. */
struct state {
	sigset_t mask;
	stack_t altstack;
	struct sigaction actions[_NSIG];
	unsigned files, maps;
};

static void take_state(struct state *s)
{
	memset(s, 0, sizeof(*s));
	sigprocmask(SIG_BLOCK, NULL, &s->mask);
	sigaltstack(NULL, &s->altstack);
	for (int i = 1; i < _NSIG; i++)
		sigaction(i, NULL, &s->actions[i]);
	s->files = count_entries("/proc/self/fd");
	s->maps = count_entries("/proc/self/maps");
}

static bool same_state(const struct state *a, const struct state *b)
{
	for (int i = 1; i < _NSIG; i++) {
		if (a->actions[i].sa_handler != b->actions[i].sa_handler ||
		    a->actions[i].sa_flags != b->actions[i].sa_flags)
			return false;
		if (sigismember(&a->mask, i) != sigismember(&b->mask, i))
			return false;
	}
	return a->altstack.ss_sp == b->altstack.ss_sp &&
	       a->altstack.ss_size == b->altstack.ss_size &&
	       a->altstack.ss_flags == b->altstack.ss_flags &&
	       a->files == b->files && a->maps == b->maps;
}

/*
 * Where much else runs, as on the host of a guest, the child may not be done in
 * time. The probe says so and claims nothing; that is tried again, LATE_MAX
 * times in all. Whatever it claims counts.
 */
static bool was_late(const struct host *host)
{
	static unsigned late;

	return !host->probe_ran &&
	       strstr(host->probe_note, "not done in time") &&
	       late++ < LATE_MAX;
}

static rules_mask probe_once(const struct host *host)
{
	struct host again;

	do {
		again = *host;
		host_probe(&again);
		if (!again.probe_ran)
			printf("# %s\n", again.probe_note);
	} while (was_late(&again));
	return again.probed;
}

static bool no_child_left(void)
{
	return waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD;
}

static void harmless(const struct host *host, rules_mask probed)
{
	static const int signals[] = { SIGCHLD, SIGSEGV, SIGBUS, SIGTERM,
				       SIGALRM };
	struct sigaction count = { .sa_handler = count_signal };
	struct sigaction old[ARRAY_SIZE(signals)];
	const struct itimerval often = { { 0, 300 }, { 0, 300 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct state before, after;
	unsigned same = 0;
	sigset_t all, none;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &count, &old[i]);
	take_state(&before);
	ok(probe_once(host) == probed, "handlers in place");
	take_state(&after);
	ok(same_state(&before, &after),
	   "handlers, mask, alternate stack, files and memory are as before");
	ok(!caught[SIGCHLD] && !caught[SIGSEGV] && !caught[SIGBUS],
	   "no signal has come");
	ok(no_child_left(), "no child is left");

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &none);
	take_state(&before);
	ok(probe_once(host) == probed, "all signals blocked");
	take_state(&after);
	ok(same_state(&before, &after), "and still so afterwards");
	sigprocmask(SIG_SETMASK, &none, NULL);

	signal(SIGCHLD, SIG_IGN);
	ok(probe_once(host) == probed && no_child_left(), "SIGCHLD ignored");

	setitimer(ITIMER_REAL, &often, NULL);
	for (unsigned i = 0; i < 10; i++)
		same += probe_once(host) == probed;
	setitimer(ITIMER_REAL, &never, NULL);
	ok(same == 10, "a timer ticking: %u of 10 runs come to the same", same);
	printf("# %d ticks\n", (int)caught[SIGALRM]);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &old[i], NULL);
}

static int compare_times(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void again_and_again(const struct host *host, rules_mask probed)
{
	static double ms[RUNS];
	unsigned same = 0;

	for (unsigned i = 0; i < RUNS; i++) {
		struct timespec start, end;

		clock_gettime(CLOCK_MONOTONIC, &start);
		same += probe_once(host) == probed;
		clock_gettime(CLOCK_MONOTONIC, &end);
		ms[i] = (double)(end.tv_sec - start.tv_sec) * 1e3 +
			(double)(end.tv_nsec - start.tv_nsec) / 1e6;
	}
	ok(same == RUNS, "%u of %d runs come to the same", same, RUNS);
	ok(no_child_left(), "no child is left of them");
	qsort(ms, RUNS, sizeof(ms[0]), compare_times);
	printf("# wall ms: median %.2f, least %.2f, most %.2f\n", ms[RUNS / 2],
	       ms[0], ms[RUNS - 1]);
}

/* What the host's rules become, by what the release says. */
static void settles(const struct host *host, rules_mask probed)
{
	const rules_mask all = RULES_BIT(RULES_COUNT) - 1;
	struct host h = *host;

	h.rules = all;
	host_probe(&h);
	ok(h.rules == probed, "a release that says nothing: what was found");
	h.rules = probed & -probed;
	host_probe(&h);
	ok(h.rules == (probed & -probed), "a release that fits stays");
	h.rules = all & ~probed & -(all & ~probed);
	host_probe(&h);
	ok(h.rules == probed && strstr(h.probe_note, "release says") &&
	   strstr(h.probe_note, "the kernel behaves as"),
	   "one that does not fit is overruled");
	printf("# %s\n", h.probe_note);
}

/* A filter that does `action` to system call `nr`; a listener, -1, or -2. */
static int install_filter(unsigned nr, uint32_t action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { ARRAY_SIZE(code), code };
	bool listen = action == SECCOMP_RET_USER_NOTIF;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -2;

	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  listen ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0,
			  &program);

	if (fd < 0)
		return -2;
	return listen ? (int)fd : -1;
}

enum filtered {
	FILTERED_GOOD, FILTERED_RAN, FILTERED_NOTE, FILTERED_RULES,
	FILTERED_CHILD, FILTERED_CANNOT,
};

/* Where it cannot be done, it is said, and nothing else changes. */
static void filtered(const struct host *host)
{
	/* of these, prctl() is called by the child alone */
	static const struct {
		const char *name;
		unsigned nr;
		uint32_t action;
		const char *note;
	} cases[] = {
		{ "no child allowed", SYS_clone,
		  SECCOMP_RET_ERRNO | EPERM, "no child process" },
		{ "rt_sigreturn refused", SYS_rt_sigreturn,
		  SECCOMP_RET_ERRNO | ENOSYS, "rt_sigreturn is blocked" },
		{ "a child that is killed", SYS_prctl,
		  SECCOMP_RET_KILL_PROCESS, "killed by signal 31" },
		{ "a child that hangs", SYS_prctl,
		  SECCOMP_RET_USER_NOTIF, "not done in time" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status = 0;
		pid_t pid = fork();

		if (!pid) {
			struct host h = *host;

			if (install_filter(cases[i].nr, cases[i].action) == -2)
				_exit(FILTERED_CANNOT);
			host_probe(&h);
			_exit(h.probe_ran ? FILTERED_RAN
			      : !strstr(h.probe_note, cases[i].note)
				      ? FILTERED_NOTE
			      : h.rules != host->rules ? FILTERED_RULES
			      : !no_child_left()       ? FILTERED_CHILD
						       : FILTERED_GOOD);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid ||
		    (WIFEXITED(status) &&
		     WEXITSTATUS(status) == FILTERED_CANNOT)) {
			printf("ok %u - %s # SKIP no such filter here\n",
			       ++tests, cases[i].name);
			continue;
		}
		if (!ok(!status, "%s", cases[i].name))
			printf("# status %#x\n", status);
	}
}

int main(void)
{
	struct host host;
	struct target t;
	struct probe p;
	char why[NOTE_SIZE] = "", note[NOTE_SIZE];

	host_describe(&host);
	target_init(&t, "host", &host.cpu, 0, cpu_default_features(&host.cpu));
	if (!probe_run(&p, &host.cpu, host.minsigstksz, why, sizeof(why))) {
		probe_release(&p);
		printf("1..0 # SKIP %s\n", why);
		return 77;
	}

	rules_mask probed = probe_judge(&p, &t, 0, note, sizeof(note));

	printf("# %s, kernel %s: rules %#x by release, %#x by trial\n",
	       host.brand, host.release, host.rules, probed);
	if (!ok(probed, "the kernel follows rules that are known"))
		printf("# %s\n", note);
	if (single(host.rules))
		ok(host.rules & probed, "among them those of its release");
	tell_apart(p, &t);
	can_fail(&p, &t, probed);
	probe_release(&p);
	harmless(&host, probed);
	again_and_again(&host, probed);
	settles(&host, probed);
	filtered(&host);
	printf("1..%u\n", tests);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
