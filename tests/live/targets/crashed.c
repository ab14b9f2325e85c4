/* SPDX-License-Identifier: GPL-3.0-or-later */
/* crashed.c - a process that dies, but not of a sigreturn */

/*
 * Usage: crashed HOW [alternate]
 *
 * Handles SIGUSR1 first, in some cases where it will crash, and returns from
 * it, so that whole frames are left over below the stack pointer (alternate:
 * on the alternate stack). Then it crashes in one of the ways that
 * "crashed -l" lists. Prints
 *
 *	process PID
 *	READY
 */
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "target.h"

#define STACK_SIZE 65536
#define SMALL_SIZE 2048		/* too small for a frame where there is AVX-512 */
#define PAGE 4096
#define FPSTATE_MXCSR 24
#ifdef __x86_64__
#define FPSTATE_IMAGE 0
#else
#define FPSTATE_IMAGE 112
#endif

static char stack_memory[STACK_SIZE];
static char small_memory[SMALL_SIZE];
static ucontext_t copy;
static sigjmp_buf back;
static uint8_t *left_over;	/* image of the last frame of SIGUSR1 */
static int use_stack;		/* SA_ONSTACK or 0 */

static void handle(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	(void)signo;
	(void)info;
	left_over = (uint8_t *)uc->uc_mcontext.fpregs + FPSTATE_IMAGE;
}

static void install(int signo, void (*handler)(int, siginfo_t *, void *),
		    int flags)
{
	struct sigaction action = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | flags,
	};

	if (sigaction(signo, &action, NULL))
		target_fail("sigaction");
}

/* tgkill, and right behind it what the caller wants to die of. */
#ifdef __x86_64__
#define RAISE_AND(code)                                                        \
	__asm__ volatile("syscall\n\t" code ::"a"(SYS_tgkill), "D"(getpid()),  \
			 "S"(target_tid()), "d"(SIGUSR1)                       \
			 : "rcx", "r11", "memory", "cc")
#else
#define RAISE_AND(code)                                                        \
	__asm__ volatile("int $0x80\n\t" code ::"a"(SYS_tgkill),               \
			 "b"(getpid()), "c"(target_tid()), "d"(SIGUSR1)        \
			 : "memory", "cc")
#endif

static void crash_null(void)
{
	volatile int *volatile nowhere = (volatile int *)8;

	*nowhere = 1;
}

static void crash_null_at_frame(void)
{
	RAISE_AND("movl $1, 8\n\t");
}

static void crash_hlt(void)
{
	__asm__ volatile("hlt");
}

static void crash_hlt_at_frame(void)
{
	RAISE_AND("hlt\n\t");
}

static void crash_interrupt(void)
{
	RAISE_AND("int $0x41\n\t");
}

static void crash_movaps(void)
{
	static char bytes[64] __attribute__((aligned(16)));

	__asm__ volatile("movaps %%xmm0, (%0)" ::"r"(bytes + 4) : "memory");
}

static void crash_pointer(void)
{
	/* only 64-bit code can have such addresses; to others, it is unmapped */
	*(volatile int *)(uintptr_t)UINT64_C(0x0123456789abcdef) = 1;
}

static void crash_call_null(void)
{
	void (*volatile nowhere)(void) = NULL;

	nowhere();
}

static void *data_page(int prot)
{
	return target_map(PAGE, prot, MAP_PRIVATE);
}

static void crash_call_data(void)
{
	void (*volatile data)(void) =
		(void (*)(void))data_page(PROT_READ | PROT_WRITE);

	data();
}

static void crash_call_noncanonical(void)
{
	void (*volatile nowhere)(void) =
		(void (*)(void))(uintptr_t)UINT64_C(0x8000000000000000);

	nowhere();
}

static void crash_bus(void)
{
	int fd = (int)syscall(SYS_memfd_create, "crashed", 0);
	volatile char *page = fd < 0 ? MAP_FAILED
				     : mmap(NULL, PAGE, PROT_READ, MAP_SHARED,
					    fd, 0);

	if (page == MAP_FAILED)
		target_fail("memfd_create");
	(void)*page;
}

static void crash_stack_segment(void)
{
#ifdef __x86_64__
	__asm__ volatile("mov %0, %%rsp\n\tpush %%rax" ::"r"(
		UINT64_C(0x8000000000000000)));
#else
	crash_hlt();
#endif
}

static void crash_killed(void)
{
	pid_t pid = getpid(), child = fork();

	if (!child) {
		kill(pid, SIGSEGV);
		_exit(0);
	}
	for (;;)
		pause();
}

static void crash_raise(void)
{
	raise(SIGSEGV);
}

static void crash_abort(void)
{
	abort();
}

static int __attribute__((noinline)) recurse(volatile char *outer)
{
	volatile char here[512];

	here[0] = outer[0];
	return outer[0] ? recurse(here) + here[0] : 0;
}

static void crash_overflow(void)
{
	volatile char start[1] = { 1 };

	recurse(start);
}

/* A handler that leaves. */
static void leave(int signo, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	siglongjmp(back, signo);
}

static void crash_after_longjmp(void)
{
	install(SIGUSR1, leave, use_stack);
	if (!sigsetjmp(back, 1))
		raise(SIGUSR1);
	crash_hlt();
}

/* A handler that crashes. */
static void crash_inside(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	crash_hlt();
}

static void crash_in_handler(void)
{
	install(SIGUSR1, crash_inside, use_stack);
	raise(SIGUSR1);
}

static void crash_null_inside(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	crash_null();
}

static void crash_null_in_handler(void)
{
	install(SIGUSR1, crash_null_inside, use_stack);
	raise(SIGUSR1);
}

/* The classic: says what happened, and returns to where it happens again. */
static void report(int signo, siginfo_t *info, void *context)
{
	(void)info;
	memcpy(&copy, context, sizeof(copy));
	signal(signo, SIG_DFL);
}

/* One that stays a while before it sends the signal again. */
static void report_and_raise(int signo, siginfo_t *info, void *context)
{
	report(signo, info, context);
	raise(signo);
}

/* One that damages what another handler has left over. */
static void damage(int signo, siginfo_t *info, void *context)
{
	report(signo, info, context);
	left_over[FPSTATE_MXCSR + 2] = 1;
}

/* No room for a frame. */
static void crash_delivery(void)
{
	stack_t stack = { .ss_sp = small_memory, .ss_size = SMALL_SIZE };

	for (int i = 0; i < 2; i++) {
		RAISE_AND("");
		if (sigaltstack(&stack, NULL))
			target_fail("sigaltstack");
		install(SIGUSR1, handle, SA_ONSTACK);
	}
	crash_hlt();	/* there was room, with few registers */
}

/* A frame with other values than before, which is restored. */
static void change(int signo, siginfo_t *info, void *context)
{
	handle(signo, info, context);
	left_over[FPSTATE_MXCSR + 1] |= 0x60;	/* round towards zero */
}

static void crash_changed(void)
{
	install(SIGUSR1, change, use_stack);
	RAISE_AND("hlt\n\t");
}

static const struct crash {
	const char *name;
	void (*run)(void);
	/* what SIGSEGV has for a handler, and where that runs */
	void (*handler)(int signo, siginfo_t *info, void *context);
	int flags;
} crashes[] = {
	{ "null", crash_null, NULL, 0 },
	{ "null-at-frame", crash_null_at_frame, NULL, 0 },
	{ "hlt", crash_hlt, NULL, 0 },
	{ "hlt-at-frame", crash_hlt_at_frame, NULL, 0 },
	{ "interrupt", crash_interrupt, NULL, 0 },
	{ "movaps", crash_movaps, NULL, 0 },
	{ "pointer", crash_pointer, NULL, 0 },
	{ "call-null", crash_call_null, NULL, 0 },
	{ "call-data", crash_call_data, NULL, 0 },
	{ "call-noncanonical", crash_call_noncanonical, NULL, 0 },
	{ "bus", crash_bus, NULL, 0 },
	{ "stack-segment", crash_stack_segment, NULL, 0 },
	{ "killed", crash_killed, NULL, 0 },
	{ "raise", crash_raise, NULL, 0 },
	{ "abort", crash_abort, NULL, 0 },
	{ "overflow", crash_overflow, NULL, 0 },
	{ "overflow-handled", crash_overflow, report, 0 },
	{ "after-longjmp", crash_after_longjmp, NULL, 0 },
	{ "in-handler", crash_in_handler, NULL, 0 },
	{ "null-in-handler", crash_null_in_handler, NULL, 0 },
	{ "again-hlt", crash_hlt, report, 0 },
	{ "again-hlt-alternate", crash_hlt, report, SA_ONSTACK },
	{ "again-hlt-at-frame", crash_hlt_at_frame, report, SA_ONSTACK },
	{ "again-null", crash_null, report, SA_RESETHAND },
	{ "again-pointer", crash_pointer, report, SA_RESETHAND },
	{ "again-call-null", crash_call_null, report, 0 },
	{ "again-call-null-alternate", crash_call_null, report, SA_ONSTACK },
	{ "again-call-data", crash_call_data, report, SA_RESETHAND },
	{ "again-call-noncanonical", crash_call_noncanonical, report, 0 },
	{ "again-damaged", crash_hlt_at_frame, damage, 0 },
	{ "raised-again", crash_hlt, report_and_raise, SA_ONSTACK },
	{ "raised-again-here", crash_hlt_at_frame, report_and_raise, 0 },
	{ "delivery", crash_delivery, NULL, 0 },
	{ "changed", crash_changed, NULL, 0 },
};
#define CRASHES (sizeof(crashes) / sizeof(crashes[0]))

static const struct crash *find(const char *name)
{
	for (size_t i = 0; i < CRASHES; i++)
		if (!strcmp(crashes[i].name, name))
			return &crashes[i];
	return NULL;
}

int main(int argc, char **argv)
{
	stack_t stack = { .ss_sp = stack_memory, .ss_size = STACK_SIZE };
	const struct crash *crash;

	if (argc == 2 && !strcmp(argv[1], "-l")) {
		for (size_t i = 0; i < CRASHES; i++)
			puts(crashes[i].name);
		return 0;
	}
	crash = argc > 1 ? find(argv[1]) : NULL;
	if (!crash)
		return 2;
	use_stack = argc > 2 ? SA_ONSTACK : 0;
	target_begin();
	if (sigaltstack(&stack, NULL))
		target_fail("sigaltstack");
	install(SIGUSR1, handle, use_stack);
	/* it must not damage its own frame: that would be another case */
	if (crash->handler == damage)
		install(SIGSEGV, damage, SA_ONSTACK & ~use_stack);
	else if (crash->handler)
		install(SIGSEGV, crash->handler, crash->flags);
	raise(SIGUSR1);
	target_ready();
	crash->run();
	return 0;
}
