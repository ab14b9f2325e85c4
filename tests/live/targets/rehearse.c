/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rehearse.c - a process that edits its own frame, and then returns from it */

/*
 * Usage: rehearse rt|plain EDIT
 *
 * Gets SIGUSR1 while AVX is in use, in a handler with siginfo (rt) or, in
 * 32-bit code, without (plain). The handler does EDIT to the frame and prints
 *
 *	process PID
 *	READY
 *
 * When the other end of its standard input is closed it returns from the
 * handler, and prints what then is in the registers:
 *
 *	outcome intact|lossy|garbled|fatal
 *
 * "rehearse -l" lists the edits. Exits with 77 without AVX, or if frames have
 * no XSAVE image.
 */
#include <cpuid.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "target.h"

#define MAGIC1 UINT32_C(0x46505853)
#define ALTSTACK_SIZE 65536
#define PATTERN 0x5a
#define LANES 32

#ifdef __x86_64__
/* from the start of the image back to where fpstate points */
#define HEADER 0
#define WORDS "syscall"
#else
#define HEADER 112
#define WORDS "int $0x80"
#endif

/* sigcontext_32 of a frame without siginfo, and its fpstate */
#define PLAIN_FPSTATE 84

enum place { PLACE_IMAGE, PLACE_BEHIND, PLACE_FPSTATE, PLACE_SELECTOR };
enum action { SET, CLEAR, ASSIGN };

static const struct edit {
	const char *name;
	enum place place;
	enum action action;
	unsigned offset;	/* bytes */
	unsigned width;
	uint64_t value;
} edits[] = {
	{ "nothing", PLACE_IMAGE, SET, 0, 0, 0 },
	{ "magic1", PLACE_IMAGE, ASSIGN, 464, 4, 0 },
	{ "magic2", PLACE_BEHIND, ASSIGN, 0, 4, 0 },
	{ "size-tiny", PLACE_IMAGE, ASSIGN, 480, 4, 575 },
	{ "extended-tiny", PLACE_IMAGE, ASSIGN, 468, 4, 500 },
	{ "q-unclaimed", PLACE_IMAGE, CLEAR, 472, 8, 4 },
	{ "q-unknown", PLACE_IMAGE, SET, 472, 8, UINT64_C(1) << 61 },
	{ "bv-unsupported", PLACE_IMAGE, SET, 512, 8, UINT64_C(1) << 61 },
	{ "xcomp", PLACE_IMAGE, ASSIGN, 520, 8, 1 },
	{ "reserved-16", PLACE_IMAGE, ASSIGN, 528, 1, 1 },
	{ "reserved-24", PLACE_IMAGE, ASSIGN, 536, 1, 1 },
	{ "mxcsr", PLACE_IMAGE, SET, 24, 4, 1 << 16 },
	{ "mxcsr-mm", PLACE_IMAGE, SET, 24, 4, 1 << 17 },
	{ "fpstate-null", PLACE_FPSTATE, ASSIGN, 0, 0, 0 },
	{ "fpstate-low", PLACE_FPSTATE, ASSIGN, 0, 0, 8 },
	{ "misaligned", PLACE_FPSTATE, SET, 0, 0, 16 },
	{ "cs", PLACE_SELECTOR, ASSIGN, 0, 0, 0 },
};
#define EDITS (sizeof(edits) / sizeof(edits[0]))

static const struct edit *wanted;
static uint8_t altstack[ALTSTACK_SIZE];
static uint8_t before[LANES], after[LANES];
static uint32_t xstate_size;

static void change(uint8_t *at, const struct edit *e)
{
	uint64_t value = 0;

	memcpy(&value, at, e->width);
	value = e->action == SET     ? value | e->value
		: e->action == CLEAR ? value & ~e->value
				     : e->value;
	memcpy(at, &value, e->width);
}

/* `fpstate` is a variable of the frame, `cs` another; both of any width. */
static void edit(uint8_t *fpstate, uint8_t *cs)
{
	struct edit e = *wanted;
	uintptr_t pointer;
	uint32_t magic1;
	uint8_t *image;

	memcpy(&pointer, fpstate, sizeof(pointer));
	image = (uint8_t *)pointer + HEADER;
	memcpy(&magic1, image + 464, sizeof(magic1));
	memcpy(&xstate_size, image + 480, sizeof(xstate_size));
	if (!pointer || magic1 != MAGIC1)
		_exit(77);
	switch (e.place) {
	case PLACE_IMAGE:
		change(image + e.offset, &e);
		break;
	case PLACE_BEHIND:
		change(image + xstate_size, &e);
		break;
	case PLACE_FPSTATE:
		/* so that what lies there is the image, moved */
		if (e.action == SET)
			memmove((uint8_t *)pointer + e.value, (void *)pointer,
				HEADER + xstate_size + 4);
		e.width = sizeof(pointer);
		e.value += e.action == SET ? pointer : 0;
		e.action = ASSIGN;
		change(fpstate, &e);
		break;
	case PLACE_SELECTOR:
		e.width = 2;
		change(cs, &e);
		break;
	}
	target_ready();
	target_stay();
}

static void handle_rt(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	(void)info;
	edit((uint8_t *)&uc->uc_mcontext.fpregs,
#ifdef __x86_64__
	     (uint8_t *)&uc->uc_mcontext.gregs[REG_CSGSFS]);
#else
	     (uint8_t *)&uc->uc_mcontext.gregs[REG_CS]);
#endif
}

#ifdef __i386__
#define PLAIN_CS 68

/* The frame begins with the return address. */
static void handle_plain(int signo)
{
	uint8_t *frame = (uint8_t *)__builtin_frame_address(0) + 4;

	(void)signo;
	edit(frame + PLAIN_FPSTATE, frame + PLAIN_CS);
}
#endif

static void say(const char *outcome)
{
	char line[32];
	int size = snprintf(line, sizeof(line), "outcome %s\n", outcome);

	(void)!write(STDOUT_FILENO, line, (size_t)size);
	_exit(0);
}

static void fault(int signo)
{
	(void)signo;
	say("fatal");
}

/* Nothing but a system call between filling the register and saving it. */
static __attribute__((noinline, target("avx"))) void raise_with_avx(int signo)
{
	long pid = getpid(), tid = target_tid();

#ifdef __x86_64__
	__asm__ volatile("vmovdqu (%[from]), %%ymm5\n\t" WORDS "\n\t"
			 "vmovdqu %%ymm5, (%[to])\n\t"
			 "vzeroupper\n\t"
			 : "+a"((long){ SYS_tgkill })
			 : "D"(pid), "S"(tid), "d"((long)signo),
			   [from] "r"(before), [to] "r"(after)
			 : "rcx", "r11", "xmm5", "memory", "cc");
#else
	__asm__ volatile("vmovdqu before, %%ymm5\n\t" WORDS "\n\t"
			 "vmovdqu %%ymm5, after\n\t"
			 "vzeroupper\n\t"
			 : "+a"((long){ SYS_tgkill })
			 : "b"(pid), "c"(tid), "d"((long)signo)
			 : "xmm5", "memory", "cc");
#endif
}

static bool have_avx(void)
{
	unsigned a, b, c, d;

	/* OSXSAVE and AVX */
	return __get_cpuid(1, &a, &b, &c, &d) && (c & 1u << 27) &&
	       (c & 1u << 28);
}

int main(int argc, char **argv)
{
	static const uint8_t zeros[LANES];
	const stack_t stack = { .ss_sp = altstack,
				.ss_size = sizeof(altstack) };
	struct sigaction action = { .sa_flags = SA_SIGINFO,
				    .sa_sigaction = handle_rt };
	struct sigaction fatal = { .sa_flags = SA_ONSTACK,
				   .sa_handler = fault };

	if (argc == 2 && !strcmp(argv[1], "-l")) {
		for (size_t i = 0; i < EDITS; i++)
			puts(edits[i].name);
		return 0;
	}
	for (size_t i = 0; argc == 3 && i < EDITS; i++)
		if (!strcmp(edits[i].name, argv[2]))
			wanted = &edits[i];
	if (!wanted)
		return 2;
	if (!have_avx())
		return 77;
#ifdef __i386__
	if (!strcmp(argv[1], "plain")) {
		action.sa_flags = 0;
		action.sa_handler = handle_plain;
	}
#endif
	target_begin();
	memset(before, PATTERN, sizeof(before));
	if (sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL) ||
	    sigaction(SIGSEGV, &fatal, NULL) ||
	    sigaction(SIGBUS, &fatal, NULL))
		target_fail("sigaction");
	raise_with_avx(SIGUSR1);
	if (!memcmp(before, after, LANES))
		say("intact");
	if (!memcmp(after + 16, zeros, 16))
		say("lossy");
	say("garbled");
}
