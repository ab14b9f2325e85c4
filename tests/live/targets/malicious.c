/* SPDX-License-Identifier: GPL-3.0-or-later */
/* malicious.c - processes that fight who looks at them */

/*
 * Usage: malicious flip self|thread|process
 *                           a frame that is good at no moment, but each half
 *                           of it is, in turns; "process": on a shared stack
 *        malicious stack    stack pointers and neighbours that change
 *        malicious words    stacks full of what addresses should not be
 *        malicious maps     65000 mappings more than others have
 *        malicious names    hostile names, where code runs; in the working
 *                           directory
 *        malicious files    other things under the names of such files
 *        malicious jail DIR its root is that directory
 *
 * Prints "process PID" and "READY", and ends with 0 when the other end of its
 * standard input is closed, if all its threads were there until then. Ends
 * with 77 and the reason on standard error where it cannot do that.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "target.h"

enum {
	PAGE = 4096,
	STACK = 64 << 10,
	SW_MAGIC1 = 464,	/* in the XSAVE area */
	SW_SIZE = 464 + 16,
	XSTATE_BV = 512,
	MAPS = 65000,
};

static const uint32_t magic1 = 0x46505853, magic2 = 0x46505845;

static atomic_int waiting;	/* threads that are where they should be */
static atomic_ulong rounds;	/* of those that never rest */

static void cannot(const char *why)
{
	fprintf(stderr, "%s\n", why);
	_exit(77);
}

static void spawn(void *(*function)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, arg))
		target_fail("pthread_create");
	pthread_detach(thread);
}

static void wait_for(int count)
{
	while (waiting < count)
		usleep(1000);
}

static void stay(void)
{
	unsigned long before = rounds;
	bool moving = before > 0;

	target_ready();
	target_stay();
	/* those that never rest have gone on */
	for (int i = 0; moving && rounds == before && i < 5000; i++)
		usleep(1000);
	exit(moving && rounds == before);
}

/* What is written to a frame from somewhere else. */
static volatile uint32_t *_Atomic first_magic, *_Atomic last_magic;
static bool flips_itself;

static void flip(void)
{
	*last_magic = 0;
	*first_magic = magic1;
	rounds++;
	*first_magic = 0;
	*last_magic = magic2;
	rounds++;
}

static void *flip_for_ever(void *arg)
{
	(void)arg;
	while (!first_magic)
		sched_yield();
	for (;;)
		flip();
	return NULL;
}

static void on_flip(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uint8_t *image = (uint8_t *)uc->uc_mcontext.fpregs;
	uint32_t size, bv;

	(void)signo;
	(void)info;
	memcpy(&size, image + SW_SIZE, sizeof(size));
	memcpy(&bv, image + XSTATE_BV, sizeof(bv));
	if (size < 576 || !(bv & 4))
		cannot("frames have no AVX registers here");
	*(volatile uint32_t *)(image + SW_MAGIC1) = 0;
	last_magic = (uint32_t *)(image + size);
	first_magic = (uint32_t *)(image + SW_MAGIC1);
	waiting++;
	while (flips_itself)
		flip();
	for (;;)
		pause();
}

__attribute__((target("avx"))) static void raise_with_avx(void)
{
	__asm__ volatile("vpcmpeqd %%xmm3, %%xmm3, %%xmm3\n\t"
			 "vinsertf128 $1, %%xmm3, %%ymm3, %%ymm3\n\t"
			 "syscall"
			 :
			 : "a"(SYS_tgkill), "D"(getpid()), "S"(target_tid()),
			   "d"(SIGUSR1)
			 : "rcx", "r11", "memory", "xmm3");
}

static void *in_flipped_handler(void *stack)
{
	stack_t alt = { .ss_sp = stack, .ss_size = STACK };

	if (sigaltstack(&alt, NULL))
		target_fail("sigaltstack");
	raise_with_avx();
	return NULL;
}

static void handle(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction sa = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};

	if (sigaction(SIGUSR1, &sa, NULL))
		target_fail("sigaction");
}

static void start_flips(char **args)
{
	const char *who = args[0] ? args[0] : "";
	bool process = !strcmp(who, "process");
	void *stack = target_map(STACK, PROT_READ | PROT_WRITE,
				 process ? MAP_SHARED : MAP_PRIVATE);
	unsigned a, b, c = 0, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_AVX) ||
	    !(c & bit_OSXSAVE))
		cannot("this CPU has no AVX");
	flips_itself = !strcmp(who, "self");
	handle(on_flip);
	spawn(in_flipped_handler, stack);
	wait_for(1);
	if (process) {
		pid_t parent = getpid(), pid = fork();

		if (pid < 0)
			target_fail("fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() == parent)
				flip_for_ever(NULL);
			_exit(0);
		}
		/* what the child counts is its own */
		return;
	}
	if (!flips_itself)
		spawn(flip_for_ever, NULL);
	while (!rounds)
		usleep(1000);
}

static void on_wait(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	waiting++;
	for (;;)
		pause();
}

/* What no stack pointer should be, one after the other. */
static void *change_sp(void *arg)
{
	static const uint64_t values[] = {
		0, 4, 8, 4096, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 4095,
		UINT64_C(1) << 63, UINT64_C(1) << 47, (UINT64_C(1) << 47) - 8,
		(UINT64_C(1) << 47) - 4096, UINT64_C(0xffff800000000000),
		UINT64_C(0xdead000000000000),
	};
	sigset_t all;

	(void)arg;
	/* no signal could be delivered there */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (;;) {
		for (unsigned i = 0; i < sizeof(values) / 8; i++)
			__asm__ volatile("mov %%rsp, %%r12\n\t"
					 "mov %0, %%rsp\n\t"
					 "mov $20000, %%ecx\n"
					 "1:\tpause\n\t"
					 "dec %%ecx\n\t"
					 "jnz 1b\n\t"
					 "mov %%r12, %%rsp"
					 :
					 : "r"(values[i])
					 : "r12", "rcx", "memory", "cc");
		rounds++;
	}
	return NULL;
}

/* All around where others have their stacks. */
static void *change_maps(void *arg)
{
	uint8_t *area = arg;

	for (;;) {
		for (int i = 0; i < 16; i += 2) {
			mprotect(area + i * PAGE, PAGE,
				 i & 2 ? PROT_NONE : PROT_READ);
			munmap(area + (i + 1) * PAGE, PAGE);
		}
		if (mmap(area, 16 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != area)
			target_fail("mmap");
		rounds++;
	}
	return NULL;
}

static void *change_altstack(void *arg)
{
	for (size_t size = 16384;; size = size < STACK ? size + 8 : 16384) {
		stack_t alt = { .ss_sp = arg, .ss_size = size };

		if (sigaltstack(&alt, NULL))
			target_fail("sigaltstack");
		alt.ss_flags = SS_DISABLE;
		sigaltstack(&alt, NULL);
		rounds++;
	}
	return NULL;
}

static void *in_handler_on(void *stack)
{
	stack_t alt = { .ss_sp = stack, .ss_size = STACK };

	if (sigaltstack(&alt, NULL))
		target_fail("sigaltstack");
	raise(SIGUSR1);
	return NULL;
}

static void start_stacks(char **args)
{
	uint8_t *area = target_map(STACK + 32 * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE);

	(void)args;
	handle(on_wait);
	spawn(in_handler_on, area + 16 * PAGE);
	wait_for(1);
	spawn(change_maps, area);
	spawn(change_maps, area + 16 * PAGE + STACK);
	spawn(change_altstack,
	      target_map(STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	spawn(change_sp, NULL);
	while (rounds < 100)
		usleep(1000);
}

/* Words that are added to, taken as lengths, or followed. */
static void *on_words(void *arg)
{
	static const uint64_t words[] = {
		UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 4095, 1, 8,
		UINT64_C(1) << 63, (UINT64_C(1) << 63) - 8,
		(UINT64_C(1) << 47) - 8, UINT64_C(1) << 47,
		UINT64_C(0xffff7fffffffffff), UINT64_C(0x4650585346505853),
		UINT64_C(0x4650584546505845),
	};
	volatile uint64_t spoilt[2048];
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < 2048; i++) {
		seed = seed * 1103515245 + 12345;
		spoilt[i] = words[seed >> 16 & 15 ? (seed >> 20) % 12 : 0];
		/* and some that lead back here */
		if (!(seed >> 24 & 7))
			spoilt[i] = (uintptr_t)&spoilt[seed >> 12 & 2047];
	}
	raise(SIGUSR1);
	return NULL;
}

static void start_words(char **args)
{
	(void)args;
	handle(on_wait);
	for (uintptr_t i = 1; i <= 8; i++)
		spawn(on_words, (void *)i);
	wait_for(8);
}

static void start_maps(char **args)
{
	long limit = 0;
	FILE *f = fopen("/proc/sys/vm/max_map_count", "r");
	uint8_t *area;

	(void)args;
	if (!f || fscanf(f, "%ld", &limit) != 1 || limit < MAPS + 500)
		cannot("vm.max_map_count is too low");
	fclose(f);
	area = target_map((size_t)MAPS * PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_NORESERVE);
	for (int i = 0; i < MAPS; i += 2)
		if (mprotect(area + (size_t)i * PAGE, PAGE,
			     PROT_READ | (i & 2 ? PROT_WRITE : 0)))
			cannot("so many mappings cannot be made");
	handle(on_wait);
	spawn(in_handler_on,
	      target_map(STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	wait_for(1);
}

/* What files and threads are called. */
static const char *const names[] = {
	"\033[31m\033]0;owned\a",
	"a\nsigframe-inspect: all is well\r",
	"\xff\xc3\x28\xed\xa0\x80\xf5\x80\x80\x80",
	"\xe2\x80\xae\xd8\x9c\xc2\x9b[2J\x7f",
	"x (deleted)",
	"x\n7f0000000000-7f0000001000 rw-p 00000000 00:00 0    [stack]",
	"[vdso]",
	" 00000000-ffffffff r-xp 00000000 00:00 0  ",
	"{\"a\": \"\\u0000\\\\",
	"\\x1b\\012\\134",
};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

/* It runs, with nothing on its stack, until there is a signal. */
static const uint8_t endless[] = { 0xf3, 0x90, 0xeb, 0xfc };

static void *run_file(void *arg)
{
	const char *name = arg;
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0700);
	void *code;

	if (fd < 0 || pwrite(fd, endless, sizeof(endless), 0) < 0 ||
	    ftruncate(fd, 2 * PAGE))
		target_fail(name);
	code = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (code == MAP_FAILED)
		cannot("code of files cannot be run here");
	close(fd);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	waiting++;
	((void (*)(void))code)();
	return NULL;
}

static pthread_t runners[NAMES];

static void start_names(char **args)
{
	(void)args;
	handle(on_wait);
	for (int i = 0; i < NAMES; i++)
		if (pthread_create(&runners[i], NULL, run_file,
				   (void *)names[i]))
			target_fail("pthread_create");
	wait_for(NAMES);
	usleep(10000);
	/* one goes on running */
	for (int i = 1; i < NAMES; i++)
		pthread_kill(runners[i], SIGUSR1);
	wait_for(2 * NAMES - 1);
}

/* Larger and smaller all the time. */
static void *resize(void *arg)
{
	const char *name = arg;
	int fd = open(name, O_RDWR | O_CREAT, 0700);

	if (fd < 0)
		target_fail(name);
	for (;;) {
		if (ftruncate(fd, 0) || ftruncate(fd, 1 << 20) ||
		    pwrite(fd, "\177ELF\2\1\1", 7, 0) < 0)
			target_fail(name);
		rounds++;
	}
	return NULL;
}

static void start_files(char **args)
{
	int fd;

	start_names(args);
	for (int i = 0; i < NAMES; i++)
		if (unlink(names[i]))
			target_fail(names[i]);
	if (mkfifo(names[0], 0700) || symlink("/dev/zero", names[1]) ||
	    symlink(names[2], names[2]) || mkdir(names[4], 0700) ||
	    symlink("/proc/self/mem", names[5]) ||
	    symlink("/dev/tty", names[6]) || symlink("/dev/random", names[7]))
		target_fail("another file");
	fd = open(names[3], O_RDWR | O_CREAT, 0);
	if (fd < 0 || ftruncate(fd, INT64_C(1) << 40))
		target_fail(names[3]);
	close(fd);
	spawn(resize, (void *)names[8]);
	while (!rounds)
		usleep(1000);
}

static void start_jail(char **args)
{
	if (!args[0] || chroot(args[0]) || chdir("/"))
		cannot("chroot() is not allowed");
	handle(on_wait);
	spawn(in_handler_on,
	      target_map(STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	wait_for(1);
}

static const struct {
	const char *name;
	void (*start)(char **args);
} modes[] = {
	{ "flip", start_flips },
	{ "stack", start_stacks },
	{ "words", start_words },
	{ "maps", start_maps },
	{ "names", start_names },
	{ "files", start_files },
	{ "jail", start_jail },
};

int main(int argc, char **argv)
{
	target_begin();
	for (unsigned i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]);
	     i++) {
		if (strcmp(modes[i].name, argv[1]))
			continue;
		modes[i].start(argv + 2);
		stay();
	}
	fputs("malicious: no such mode\n", stderr);
	return 2;
}
