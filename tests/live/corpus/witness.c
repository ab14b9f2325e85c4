/* SPDX-License-Identifier: GPL-3.0-or-later */
/* witness.c - signal handlers that tell where their frames are, and wait */

/*
 * Part of each program of the corpus: compiled in with that program's flags,
 * or as a shared library that is loaded before all others. Handlers may run
 * at any instruction of it: they keep to what is safe there.
 */
#include "witness.h"

#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PLAN_DEPTH(plan) ((plan) >> 4 & 15)
#define PLAN_SIGNAL(plan) ((plan) >> 8 & 15)
#define PLAN_REST(plan) (((plan) & 255) | ((plan) >> 12 << 8))

#define SLOTS 512
#define ALTSTACK_SIZE 262144
#define AUTODISARM (1u << 31)
/* linux/futex.h, which not every C library has */
#define FUTEX_OF_ALL_WAIT 0

#ifdef __x86_64__
#define UC_OFFSET 8
#define RT_KIND WITNESS_X86_64
#define PC REG_RIP
#else
#define UC_OFFSET 144
#define RT_KIND WITNESS_IA32_RT
#define PC REG_EIP
/* from the signal number on, arch/x86/include/asm/sigframe.h */
#define BARE_SIGNO 4
#define BARE_EIP 60
#define BARE_FPSTATE 80
#endif

/* What is known of a thread. */
struct slot {
	pid_t tid;
	uint32_t plan;		/* for a signal that cannot bring its own */
	uintptr_t altstack;	/* set up here, or 0 */
};

static struct witness_page *page;
static int in_fd = -1;
static bool give_altstacks;
static struct slot slots[SLOTS];

/* Letters in $WITNESS_SIGNALS; 'A' there: give threads alternate stacks. */
static const struct {
	char letter;
	int signo;
	int flags;
	bool fault;		/* of an instruction two bytes long */
} signals[] = {
	{ 'p', 40, SA_SIGINFO },
	{ 's', 41, SA_SIGINFO | SA_ONSTACK },
	{ 'b', 42, 0 },
	{ 't', 43, SA_ONSTACK },
	{ 'n', 44, SA_SIGINFO | SA_NODEFER },
	{ '1', SIGUSR1, SA_SIGINFO },
	{ '2', SIGUSR2, SA_SIGINFO | SA_ONSTACK },
	{ 'f', SIGFPE, SA_SIGINFO | SA_ONSTACK },
	{ 'u', SIGILL, SA_SIGINFO | SA_ONSTACK, .fault = true },
	{ 'v', SIGSEGV, SA_SIGINFO, .fault = true },
};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static pid_t own_tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static struct slot *own_slot(void)
{
	pid_t tid = own_tid();

	for (size_t i = (size_t)tid % SLOTS;; i = (i + 1) % SLOTS) {
		pid_t none = 0;

		if (__atomic_load_n(&slots[i].tid, __ATOMIC_RELAXED) == tid ||
		    __atomic_compare_exchange_n(&slots[i].tid, &none, tid,
						false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return &slots[i];
	}
}

static bool gone_on(uint32_t seen)
{
	return __atomic_load_n(&page->go, __ATOMIC_ACQUIRE) != seen;
}

static void futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_OF_ALL_WAIT, value, NULL, NULL, 0);
}

static int wait_found(const void *key, const void *element)
{
	uint32_t seen = *(const uint32_t *)key;

	(void)element;
	while (!gone_on(seen))
		futex_wait(&page->go, seen);
	return 0;
}

static void suspend(void)
{
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigdelset(&mask, WITNESS_WAKE);
	sigsuspend(&mask);
}

static __attribute__((noinline)) void stay(uint32_t how, uint32_t seen)
{
	struct pollfd in = { .fd = in_fd, .events = POLLIN };
	struct timespec time = { .tv_nsec = 5000000 };

	while (!gone_on(seen)) {
		switch (how) {
		case WITNESS_FUTEX:
			futex_wait(&page->go, seen);
			break;
		case WITNESS_SUSPEND:
			suspend();
			break;
		case WITNESS_POLL:
			poll(&in, 1, -1);
			break;
		case WITNESS_SLEEP:
			nanosleep(&time, NULL);
			break;
		case WITNESS_CLOCK:
			clock_gettime(CLOCK_MONOTONIC, &time);
			break;
		case WITNESS_SEARCH:
			bsearch(&seen, slots, 1, sizeof(slots[0]), wait_found);
			break;
		default:
			__asm__ volatile("pause");
		}
	}
}

static void raise_next(struct slot *slot, uint32_t plan)
{
	unsigned index = PLAN_SIGNAL(plan) - 1;
	siginfo_t info = { 0 };

	slot->plan = PLAN_REST(plan);
	if (index >= SIGNALS)
		return;
	if (signals[index].signo == SIGILL) {
		__asm__ volatile("ud2" ::: "memory");
		return;
	}
	if (signals[index].signo == SIGSEGV) {
		/* 8b 00 */
		__asm__ volatile(".byte 0x8b, 0x00" ::"a"((uintptr_t)16)
				 : "memory");
		return;
	}
	info.si_signo = signals[index].signo;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = (int)slot->plan;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), slot->tid, info.si_signo,
		&info);
}

static __attribute__((noinline)) void descend(unsigned depth,
					      struct slot *slot, uint32_t plan,
					      struct witness_entry *entry,
					      uint32_t seen)
{
	char *room = alloca(16 + 48 * (depth & 5));

	room[0] = (char)depth;
	__asm__ volatile("" ::"r"(room) : "memory");
	if (depth) {
		descend(depth - 1, slot, plan, entry, seen);
	} else if (PLAN_SIGNAL(plan)) {
		raise_next(slot, plan);
	} else {
		entry->how = plan & 15;
		__atomic_store_n(&entry->state, WITNESS_WAITING,
				 __ATOMIC_RELEASE);
		stay(plan & 15, seen);
	}
	/* not a tail call */
	__asm__ volatile("" ::"r"(room) : "memory");
}

static void observe(struct slot *slot, const struct witness_entry *what,
		    uint32_t plan)
{
	uint32_t seen = __atomic_load_n(&page->go, __ATOMIC_ACQUIRE);
	uint32_t index = __atomic_fetch_add(&page->next, 1, __ATOMIC_RELAXED);
	struct witness_entry *entry = &page->entries[index];

	if (index >= WITNESS_ENTRIES)
		_exit(3);
	*entry = *what;
	entry->tid = (uint32_t)slot->tid;
	if (slot->altstack &&
	    (uintptr_t)what->address - slot->altstack < ALTSTACK_SIZE)
		entry->alternate = 1;
	__atomic_store_n(&entry->state, WITNESS_ENTERED, __ATOMIC_RELEASE);
	descend(PLAN_DEPTH(plan), slot, plan, entry, seen);
	__atomic_store_n(&entry->state, WITNESS_LEAVING, __ATOMIC_RELEASE);
}

static bool make_altstack(struct slot *slot, stack_t *ret)
{
	void *room = mmap(NULL, ALTSTACK_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		return false;
	slot->altstack = (uintptr_t)room;
	ret->ss_sp = room;
	ret->ss_size = ALTSTACK_SIZE;
	ret->ss_flags = slot->tid % 4 ? 0 : (int)AUTODISARM;
	return true;
}

void witness_thread(void)
{
	struct slot *slot = own_slot();
	stack_t stack;

	if (page && make_altstack(slot, &stack) && sigaltstack(&stack, NULL))
		_exit(6);
}

/* The kernel registers what it finds in the frame. */
static void give_altstack(struct slot *slot, ucontext_t *uc)
{
	if (give_altstacks && !slot->altstack && !uc->uc_stack.ss_size)
		make_altstack(slot, &uc->uc_stack);
}

static bool skips_fault(int signo, const siginfo_t *info)
{
	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i].signo == signo && signals[i].fault)
			return info->si_code > 0;
	return false;
}

void witness_handle(int signo, siginfo_t *info, void *context)
{
	int error = errno;
	struct slot *slot = own_slot();
	ucontext_t *uc = context;
	uintptr_t address = (uintptr_t)context - UC_OFFSET;
	struct witness_entry what = {
		.signo = (uint32_t)signo,
		.kind = RT_KIND,
		.address = address,
		.fpstate = (uintptr_t)uc->uc_mcontext.fpregs,
		.pc = (uintptr_t)uc->uc_mcontext.gregs[PC],
		.alternate = address - (uintptr_t)uc->uc_stack.ss_sp <
			     uc->uc_stack.ss_size,
	};
	uint32_t plan = slot->plan;

	slot->plan = 0;
	if (info && info->si_code == SI_QUEUE)
		plan = (uint32_t)info->si_value.sival_int;
	observe(slot, &what, plan);
	if (info && skips_fault(signo, info))
		uc->uc_mcontext.gregs[PC] += 2;
	give_altstack(slot, uc);
	errno = error;
}

#ifdef __x86_64__
/* Even without SA_SIGINFO there is a context, but no siginfo. */
static void handle_bare(int signo, siginfo_t *info, void *context)
{
	(void)info;
	witness_handle(signo, NULL, context);
}
#else
/* What it is called with begins behind the return address. */
static void handle_bare(int signo)
{
	int error = errno;
	struct slot *slot = own_slot();
	const char *start = (const char *)__builtin_frame_address(0) + 8;
	struct witness_entry what = {
		.signo = (uint32_t)signo,
		.kind = WITNESS_IA32,
		.address = (uintptr_t)start - BARE_SIGNO,
	};
	uint32_t plan = slot->plan, word;

	slot->plan = 0;
	__asm__("" : "+r"(start));
	memcpy(&word, start + BARE_FPSTATE, sizeof(word));
	what.fpstate = word;
	memcpy(&word, start + BARE_EIP, sizeof(word));
	what.pc = word;
	observe(slot, &what, plan);
	errno = error;
}
#endif

static void wake(int signo)
{
	(void)signo;
}

bool witness_hot(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	if (!page || __atomic_load_n(&page->hot, __ATOMIC_RELAXED))
		return true;
	nanosleep(&moment, NULL);
	return false;
}

static void install(int signo, int flags)
{
	struct sigaction action = { .sa_flags = flags };

	if (signo == WITNESS_WAKE)
		action.sa_handler = wake;
	else if (flags & SA_SIGINFO)
		action.sa_sigaction = witness_handle;
	else
		action.sa_handler = (void (*)(int))(void (*)(void))handle_bare;
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, WITNESS_WAKE);
	sigaddset(&action.sa_mask, WITNESS_MARK);
	if (sigaction(signo, &action, NULL))
		_exit(4);
}

void witness_begin(void)
{
	const char *name = getenv("WITNESS");
	const char *letters = getenv("WITNESS_SIGNALS");
	char fifo[4096];
	int fd;

	if (!name || !letters || page)
		return;
	fd = open(name, O_RDWR | O_CLOEXEC);
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	close(fd);
	strcpy(fifo, name);
	strcat(fifo, ".in");
	in_fd = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (page == MAP_FAILED || in_fd < 0)
		_exit(5);
	/* who runs a test is not always an ancestor of its targets */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	give_altstacks = strchr(letters, 'A') != NULL;
	install(WITNESS_WAKE, SA_ONSTACK);
	for (size_t i = 0; i < SIGNALS; i++)
		if (strchr(letters, signals[i].letter))
			install(signals[i].signo,
				signals[i].flags | SA_RESTART);
}

#ifdef WITNESS_LIBRARY
__attribute__((constructor)) static void loaded(void)
{
	witness_begin();
}
#endif
