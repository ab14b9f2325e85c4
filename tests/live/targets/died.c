/* SPDX-License-Identifier: GPL-3.0-or-later */
/* died.c - a process that dies of a sigreturn */

/*
 * Usage: died EDIT [alternate] [plain] [caught [here]]
 *
 * Gets SIGUSR1 with AVX (if the CPU has it) in use, does EDIT to the frame in
 * the handler, says what it has done and returns. Prints
 *
 *	process PID
 *	frame KIND ADDRESS
 *	READY
 *
 * and then dies of it; with EDIT none it exits with 0. `alternate`: the
 * handler runs on an alternate stack. `plain`: 32-bit code only, a handler
 * without SA_SIGINFO. `caught`: there is a handler for SIGSEGV, which stays
 * until the other end of standard input is closed; it runs on the alternate
 * stack unless the other one does (`here`: on the same, over the frame). READY
 * comes when it has begun then.
 * "died -l" lists the edits, each with the check that explains the death and
 * how it comes: refused, unreadable, fault ("-" where the kernel restores the
 * frame). Exits with 77 if the frame has no XSAVE image.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "target.h"

#define MAGIC1 UINT32_C(0x46505853)
#define STACK_SIZE 65536
/* from the start of the image */
#define IMAGE_MXCSR 24
#define IMAGE_MAGIC1 464
#define IMAGE_XSTATE_SIZE 480
#define IMAGE_XSTATE_BV 512
#define IMAGE_XCOMP_BV 520
#define IMAGE_RESERVED 528
#define MAGIC2_SIZE 4

#ifdef __x86_64__
#define WIDE true
#define KERNEL_SIGACTION SYS_rt_sigaction
#else
#define WIDE false
#define KERNEL_SIGACTION 174
#endif
#define KERNEL_SA_RESTORER 0x04000000ul

/* What rt_sigaction(2) takes. */
struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

/*
 * Where the kernel puts things in a frame, from its start
 * (arch/x86/include/asm/sigframe.h).
 */
struct shape {
	const char *name;
	uint16_t fpstate, ip, cs, ss, width;
	uint16_t header;	/* bytes from fpstate to the image */
	uint16_t skip;		/* SP in sigreturn - frame */
};

#ifdef __x86_64__
static const struct shape shape_64 = {
	.name = "x86_64", .fpstate = 232, .ip = 176, .cs = 192, .ss = 198,
	.width = 8, .skip = 8,
};
#else
static const struct shape shape_rt = {
	.name = "ia32_rt", .fpstate = 164 + 76, .ip = 164 + 56,
	.cs = 164 + 60, .ss = 164 + 72, .width = 4, .header = 112, .skip = 4,
};
static const struct shape shape_plain = {
	.name = "ia32", .fpstate = 8 + 76, .ip = 8 + 56, .cs = 8 + 60,
	.ss = 8 + 72, .width = 4, .header = 112, .skip = 8,
};
#endif

/* The kernel computes a frame from there; set before the restorer runs. */
uintptr_t spoilt_sp;

void spoilt_restorer(void);
void spoilt_restorer_plain(void);

#ifdef __x86_64__
__asm__(".pushsection .text\n"
	".globl spoilt_restorer\n"
	"spoilt_restorer:\n"
	"	mov spoilt_sp(%rip), %rsp\n"
	"	mov $15, %eax\n"
	"	syscall\n"
	"	hlt\n"
	".popsection\n");
#else
__asm__(".pushsection .text\n"
	".globl spoilt_restorer, spoilt_restorer_plain\n"
	"spoilt_restorer:\n"
	"	mov spoilt_sp, %esp\n"
	"	mov $173, %eax\n"
	"	int $0x80\n"
	"	hlt\n"
	"spoilt_restorer_plain:\n"
	"	mov spoilt_sp, %esp\n"
	"	mov $119, %eax\n"
	"	int $0x80\n"
	"	hlt\n"
	".popsection\n");
#endif

struct frame {
	const struct shape *shape;
	uint8_t *start;
	uint8_t *image;
	uint32_t size;	/* xstate_size as the kernel wrote it */
};

static bool avx;
static bool caught;

static uint64_t get(const uint8_t *at, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, at, size);
	return value;
}

static void put(uint8_t *at, uint64_t value, size_t size)
{
	memcpy(at, &value, size);
}

static void set_bits(uint8_t *at, uint64_t bits, size_t size)
{
	put(at, get(at, size) | bits, size);
}

static void set_fpstate(struct frame *f, uintptr_t value)
{
	put(f->start + f->shape->fpstate, value, f->shape->width);
}

static void set_ip(struct frame *f, uint64_t value)
{
	put(f->start + f->shape->ip, value, f->shape->width);
}

static uintptr_t unmapped(void)
{
	void *page = target_map(65536, PROT_NONE, MAP_PRIVATE);

	munmap(page, 65536);
	return (uintptr_t)page + 32768;
}

static void edit_nothing(struct frame *f)
{
	(void)f;
}

static void edit_mxcsr(struct frame *f)
{
	set_bits(f->image + IMAGE_MXCSR, 1 << 16, 4);
}

static void edit_bv(struct frame *f)
{
	set_bits(f->image + IMAGE_XSTATE_BV, UINT64_C(1) << 61, 8);
}

static void edit_xcomp(struct frame *f)
{
	put(f->image + IMAGE_XCOMP_BV, 1, 8);
}

static void edit_reserved(struct frame *f)
{
	put(f->image + IMAGE_RESERVED, 1, 1);
}

/* With what lies before it, if anything. */
static void edit_misaligned(struct frame *f)
{
	uint8_t *from = f->image - f->shape->header;

	memmove(from + 8, from, f->shape->header + f->size + MAGIC2_SIZE);
	set_fpstate(f, (uintptr_t)from + 8);
}

static void edit_misaligned_fx(struct frame *f)
{
	edit_misaligned(f);
	put(f->image + 8 + IMAGE_MAGIC1, 0, 4);
}

static void edit_fpstate_unmapped(struct frame *f)
{
	set_fpstate(f, unmapped());
}

static void edit_fpstate_kernel(struct frame *f)
{
	set_fpstate(f, (uintptr_t)UINT64_C(0xffff888000000000));
}

/* S says that MAGIC2 lies in what is not mapped. */
static void edit_magic2_unmapped(struct frame *f)
{
	size_t total = f->shape->header + f->size;
	uint8_t *pages = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *to = pages + 32768 - total;

	if (pages == MAP_FAILED || munmap(pages + 32768, 32768))
		target_fail("mmap");
	memcpy(to, f->image - f->shape->header, total);
	set_fpstate(f, (uintptr_t)to);
}

static void edit_cs(struct frame *f)
{
	put(f->start + f->shape->cs, 0, 2);
}

static void edit_ss(struct frame *f)
{
	put(f->start + f->shape->ss, 0, 2);
}

static void edit_ip_noncanonical(struct frame *f)
{
	set_ip(f, UINT64_C(0x8000000000000000));
}

static void edit_ip_kernel(struct frame *f)
{
	set_ip(f, UINT64_C(0xffffffff81000000));
}

static void edit_ip_unmapped(struct frame *f)
{
	set_ip(f, unmapped());
}

static void edit_ip_data(struct frame *f)
{
	void *page = target_map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	set_ip(f, (uintptr_t)page);
}

static void edit_magic1(struct frame *f)
{
	put(f->image + IMAGE_MAGIC1, UINT32_C(0xdeadbeef), 4);
}

static void edit_frame(struct frame *f)
{
	spoilt_sp = unmapped() + f->shape->skip;
	f->start = (uint8_t *)spoilt_sp - f->shape->skip;
}

static void edit_frame_kernel(struct frame *f)
{
	spoilt_sp = (uintptr_t)UINT64_C(0xffff888000000008);
	f->start = (uint8_t *)spoilt_sp - f->shape->skip;
}

enum { X64 = 1, IA32 = 2, BOTH = X64 | IA32 };

static const struct edit {
	const char *name;
	void (*run)(struct frame *f);
	const char *check;
	const char *how;
	unsigned dies;	/* which kinds die of it; the others are restored */
	bool wide;	/* makes sense in 64-bit code only */
	bool spoils;	/* by the restorer of this file */
} edits[] = {
	{ "none", edit_nothing, "-", "-", 0 },
	{ "mxcsr", edit_mxcsr, "mxcsr-reserved", "refused", BOTH },
	{ "bv", edit_bv, "xstate-bv-unsupported", "refused", BOTH },
	{ "xcomp", edit_xcomp, "xcomp-bv-rejected", "refused", BOTH },
	{ "reserved", edit_reserved, "xstate-header-reserved", "refused",
	  BOTH },
	{ "misaligned", edit_misaligned, "xstate-misaligned", "refused", X64 },
	{ "misaligned-fx", edit_misaligned_fx, "fxsave-misaligned", "refused",
	  X64 },
	{ "fpstate-unmapped", edit_fpstate_unmapped, "fpstate-unreadable",
	  "refused", BOTH },
	{ "fpstate-kernel", edit_fpstate_kernel, "fpstate-out-of-range",
	  "refused", X64, .wide = true },
	{ "magic2-unmapped", edit_magic2_unmapped, "magic2-unreadable",
	  "refused", BOTH },
	{ "cs", edit_cs, "cs-invalid", "fault", BOTH },
	{ "ss", edit_ss, "ss-invalid", "fault", BOTH },
	{ "ip-noncanonical", edit_ip_noncanonical, "rip-out-of-range",
	  "fault", X64, .wide = true },
	{ "ip-kernel", edit_ip_kernel, "rip-out-of-range", "fault", X64,
	  .wide = true },
	{ "ip-unmapped", edit_ip_unmapped, "rip-unmapped", "fault", BOTH },
	{ "ip-data", edit_ip_data, "rip-not-executable", "fault", BOTH },
	{ "frame", edit_frame, "frame-unreadable", "unreadable", BOTH,
	  .spoils = true },
	{ "frame-kernel", edit_frame_kernel, "frame-out-of-range",
	  "unreadable", X64, .wide = true, .spoils = true },
	{ "magic1", edit_magic1, "-", "-", 0 },
};
#define EDITS (sizeof(edits) / sizeof(edits[0]))

static const struct edit *edit;

static void corrupt(const struct shape *shape, uint8_t *start)
{
	struct frame f = { .shape = shape, .start = start };
	uint8_t *fpstate = (uint8_t *)(uintptr_t)get(start + shape->fpstate,
						     shape->width);

	f.image = fpstate + shape->header;
	if (!fpstate || get(f.image + IMAGE_MAGIC1, 4) != MAGIC1)
		_exit(77);
	f.size = (uint32_t)get(f.image + IMAGE_XSTATE_SIZE, 4);
	edit->run(&f);
	printf("frame %s 0x%" PRIxPTR "\n", shape->name, (uintptr_t)f.start);
	if (!caught)
		target_ready();
	fflush(stdout);
}

#ifdef __x86_64__
static void handle(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	corrupt(&shape_64, (uint8_t *)context - 8);
}
#define handle_plain NULL
#else
static void handle(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	corrupt(&shape_rt, (uint8_t *)context - 144);
}

/* The frame begins with the return address. */
static void handle_plain(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	corrupt(&shape_plain, (uint8_t *)__builtin_frame_address(0) + 4);
}
#endif

static void stay(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	target_ready();
	target_stay();
	_exit(0);
}

/* tgkill without a call, so that the upper half of ymm7 stays in use. */
static __attribute__((noinline, target("avx"))) void raise_with_avx(int signo)
{
	pid_t pid = getpid(), tid = target_tid();

#ifdef __x86_64__
	__asm__ volatile("vpcmpeqd %%xmm7, %%xmm7, %%xmm7\n\t"
			 "vinsertf128 $1, %%xmm7, %%ymm7, %%ymm7\n\t"
			 "syscall\n\t" ::"a"(SYS_tgkill),
			 "D"(pid), "S"(tid), "d"(signo)
			 : "rcx", "r11", "xmm7", "memory", "cc");
#else
	__asm__ volatile("vpcmpeqd %%xmm7, %%xmm7, %%xmm7\n\t"
			 "vinsertf128 $1, %%xmm7, %%ymm7, %%ymm7\n\t"
			 "int $0x80\n\t" ::"a"(SYS_tgkill),
			 "b"(pid), "c"(tid), "d"(signo)
			 : "xmm7", "memory", "cc");
#endif
}

static void install(bool plain, bool alternate)
{
	struct sigaction action = {
		.sa_flags = (plain ? 0 : SA_SIGINFO) |
			    (alternate ? SA_ONSTACK : 0),
	};
	struct kernel_sigaction own = {
		.handler = plain ? handle_plain : handle,
		.flags = (unsigned long)action.sa_flags | KERNEL_SA_RESTORER,
		.restorer = spoilt_restorer,
	};

	action.sa_sigaction = own.handler;
	if (!edit->spoils) {
		if (sigaction(SIGUSR1, &action, NULL))
			target_fail("sigaction");
		return;
	}
#ifndef __x86_64__
	if (plain)
		own.restorer = spoilt_restorer_plain;
#endif
	if (syscall(KERNEL_SIGACTION, SIGUSR1, &own, NULL, 8))
		target_fail("rt_sigaction");
}

static bool has(int argc, char **argv, const char *word)
{
	for (int i = 2; i < argc; i++)
		if (!strcmp(argv[i], word))
			return true;
	return false;
}

static void list(void)
{
	for (size_t i = 0; i < EDITS; i++) {
		bool dies = edits[i].dies & (WIDE ? X64 : IA32);

		if (edits[i].wide && !WIDE)
			continue;
		printf("%s %s %s\n", edits[i].name, dies ? edits[i].check : "-",
		       dies ? edits[i].how : "-");
	}
}

int main(int argc, char **argv)
{
	static char stack_memory[STACK_SIZE];
	stack_t stack = { .ss_sp = stack_memory, .ss_size = STACK_SIZE };
	bool alternate = has(argc, argv, "alternate");

	if (argc == 2 && !strcmp(argv[1], "-l")) {
		list();
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < EDITS; i++)
		if (!strcmp(argv[1], edits[i].name))
			edit = &edits[i];
	if (!edit || (WIDE && has(argc, argv, "plain")))
		return 2;
	caught = has(argc, argv, "caught");
	target_begin();
	if (sigaltstack(&stack, NULL))
		target_fail("sigaltstack");
	install(has(argc, argv, "plain"), alternate);
	if (caught) {
		struct sigaction action = {
			.sa_sigaction = stay,
			.sa_flags = SA_SIGINFO |
				    (alternate == has(argc, argv, "here")
					     ? SA_ONSTACK
					     : 0),
		};

		if (sigaction(SIGSEGV, &action, NULL))
			target_fail("sigaction");
	}
	__builtin_cpu_init();
	avx = __builtin_cpu_supports("avx");
	if (avx)
		raise_with_avx(SIGUSR1);
	else
		raise(SIGUSR1);
	return 0;
}
