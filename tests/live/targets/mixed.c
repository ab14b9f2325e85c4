/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mixed.c - a process that runs code of the other kind, and its frames */

/*
 * Usage: mixed SCENARIO | -l
 *
 * A scenario is MODE-HANDLER: a thread is interrupted in code of MODE bits on
 * a stack below 4 GiB, whatever this program was built for, and HANDLER says
 * by which system call its handler was registered, which is what decides on
 * the kind of the frame: "wide" of 64 bits, "narrow" and "plain" of 32, with
 * and without siginfo. Prints what hiding prints. When the other end of its
 * standard input is closed, that thread gets SIGSEGV by default action.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "target.h"

#define PAGE 4096
#define STACK_SIZE 65536
#define CS_64 0x33
#define CS_32 0x23
#define RESTORER 0x04000000
#define SIGINFO 4

extern const char mixed_code[], mixed_code_end[], mixed_raise_32[],
	mixed_raise_64[], mixed_handler_32[], mixed_handler_64[],
	mixed_restorer_32[], mixed_restorer_plain[], mixed_restorer_64[],
	mixed_action_64[];

void mixed_enter(uintptr_t target, uintptr_t cs, uintptr_t stack, pid_t pid,
		 pid_t tid, int signo);
void mixed_far_call(uintptr_t target, int signo, const void *action);

/* asm/sigframe.h; offsets from the frame's address. */
static const struct kind {
	const char *name;
	const char *frame;
	bool wide;
	unsigned pc_off, fpstate_off;
	unsigned flags;
	const char *handler, *restorer;
} kinds[] = {
	{ "wide", "x86_64", true, 176, 232, SIGINFO, mixed_handler_64,
	  mixed_restorer_64 },
	{ "narrow", "ia32_rt", false, 220, 240, SIGINFO, mixed_handler_32,
	  mixed_restorer_32 },
	{ "plain", "ia32", false, 64, 84, 0, mixed_handler_32,
	  mixed_restorer_plain },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* As the two kinds of rt_sigaction() take it. */
union action {
	struct {
		uint64_t handler, flags, restorer, mask;
	} wide;
	struct {
		uint32_t handler, flags, restorer, mask[2];
	} narrow;
};

static uintptr_t page;		/* the code; data behind it, then the stack */
static bool code_64;
static pid_t worker;

static uintptr_t at(const char *label)
{
	return page + (uintptr_t)(label - mixed_code);
}

static volatile uint32_t *data(void)
{
	return (volatile uint32_t *)(page + PAGE);
}

static void set_handler(const struct kind *k, int signo)
{
	union action *a = (union action *)(page + PAGE + 64);
	uint32_t flags = k->flags | RESTORER;

	memset(a, 0, sizeof(*a));
	if (k->wide) {
		a->wide.handler = at(k->handler);
		a->wide.flags = flags;
		a->wide.restorer = at(k->restorer);
	} else {
		a->narrow.handler = (uint32_t)at(k->handler);
		a->narrow.flags = flags;
		a->narrow.restorer = (uint32_t)at(k->restorer);
	}

	long result;

#ifdef __x86_64__
	if (k->wide)
		result = syscall(SYS_rt_sigaction, signo, a, NULL, 8);
	else
		__asm__ volatile("int $0x80"
				 : "=a"(result)
				 : "a"(174), "b"(signo), "c"(a), "d"(0), "S"(8)
				 : "memory", "r8", "r9", "r10", "r11");
	result = (int)result;
#else
	result = 0;
	if (k->wide)
		mixed_far_call(at(mixed_action_64), signo, a);
	else
		result = syscall(SYS_rt_sigaction, signo, a, NULL, 8);
#endif
	if (result) {
		errno = ENOSYS;
		target_fail("rt_sigaction of the other kind");
	}
}

static void *work(void *arg)
{
	const char *raise = code_64 ? mixed_raise_64 : mixed_raise_32;

	(void)arg;
	worker = target_tid();
	mixed_enter(at(raise), code_64 ? CS_64 : CS_32,
		    page + 2 * PAGE + STACK_SIZE - 64, getpid(), worker,
		    SIGUSR1);
	return NULL;
}

static uint64_t word(uintptr_t addr, bool wide)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)addr, wide ? 8 : 4);
	return value;
}

static void tell(const struct kind *k, const char *name)
{
	uintptr_t frame = *data();

	printf("thread %d frames 1 %s\n", worker, name);
	printf("frame %d %s 0x%" PRIxPTR " 0x%" PRIx64 " %d 0x%" PRIx64 "\n",
	       worker, k->frame, frame,
	       word(frame + k->fpstate_off, k->wide), SIGUSR1,
	       word(frame + k->pc_off, k->wide));
}

static void map_code(void)
{
	size_t size = 2 * PAGE + STACK_SIZE;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *p;

#ifdef MAP_32BIT
	flags |= MAP_32BIT;
#endif
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (p == MAP_FAILED)
		target_fail("mmap");
	memcpy(p, mixed_code, (size_t)(mixed_code_end - mixed_code));
	if (mprotect(p, PAGE, PROT_READ | PROT_EXEC))
		target_fail("mprotect");
	page = (uintptr_t)p;
}

int main(int argc, char **argv)
{
	const char *name = argc == 2 ? argv[1] : "";
	const struct kind *k = kinds;
	pthread_t thread;

	if (!strcmp(name, "-l")) {
		for (size_t i = 0; i < KINDS; i++)
			printf("32-%s\n64-%s\n", kinds[i].name, kinds[i].name);
		return 0;
	}
	code_64 = !strncmp(name, "64-", 3);
	while (k < kinds + KINDS && (strlen(name) < 3 ||
				     strcmp(name + 3, k->name) != 0))
		k++;
	if (k == kinds + KINDS)
		return 2;
	target_begin();
	map_code();
	set_handler(k, SIGUSR1);
	errno = pthread_create(&thread, NULL, work, NULL);
	if (errno)
		target_fail("pthread_create");
	while (!*data())
		usleep(1000);
	usleep(20000);
	tell(k, name);
	target_ready();
	target_stay();
	signal(SIGSEGV, SIG_DFL);
	syscall(SYS_tgkill, getpid(), worker, SIGSEGV);
	pause();
	return 0;
}
