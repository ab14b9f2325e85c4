/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edited.c - a process whose signal handler has edited its own frame */

/*
 * Usage: edited EDIT
 *
 * Gets SIGUSR1 with AVX (if the CPU has it) in use, does EDIT to the frame
 * in the handler and stays there. Prints
 *
 *	process PID
 *	thread TID frames 1 EDIT
 *	frame TID x86_64 ADDRESS FPSTATE 10 INTERRUPTED_RIP main
 *	in-use avx|sse
 *	READY
 *
 * where FPSTATE and INTERRUPTED_RIP are as edited; 0 instead of 10 if the
 * signal's number was overwritten. "edited -l" lists the edits. Exits with 77 if
 * the frame has no XSAVE image. Ends, without having returned from the handler,
 * when the other end of its standard input is closed.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "target.h"

#define MAGIC1 UINT32_C(0x46505853)
#define RFLAGS_TF 0x100
/* from the start of the frame, arch/x86/include/asm/sigframe.h */
#define FRAME_UC 8
#define FRAME_SS 198
/* from the start of the image */
#define IMAGE_MXCSR 24
#define IMAGE_MAGIC1 464
#define IMAGE_EXTENDED_SIZE 468
#define IMAGE_XFEATURES 472
#define IMAGE_XSTATE_SIZE 480
#define IMAGE_XSTATE_BV 512
#define IMAGE_XCOMP_BV 520
#define IMAGE_RESERVED 528
#define MAGIC2_SIZE 4

static const char *wanted;
static bool avx;

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

struct frame {
	uint8_t *start;
	ucontext_t *uc;
	uint8_t *image;
	uint32_t size;	/* xstate_size as the kernel wrote it */
};

/* Nobody uses what lies behind: the red zone is not returned to. */
static void move_image(struct frame *f, unsigned by)
{
	memmove(f->image + by, f->image, f->size + MAGIC2_SIZE);
	f->image += by;
	f->uc->uc_mcontext.fpregs = (void *)f->image;
}

static void *unmapped(void)
{
	void *page = target_map(4096, PROT_NONE, MAP_PRIVATE);

	munmap(page, 4096);
	return page;
}

static void *mapped_data(void)
{
	return target_map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static void set_rip(struct frame *f, uint64_t value)
{
	f->uc->uc_mcontext.gregs[REG_RIP] = (greg_t)value;
}

static void edit_nothing(struct frame *f)
{
	(void)f;
}

static void edit_magic1(struct frame *f)
{
	put(f->image + IMAGE_MAGIC1, 0, 4);
}

static void edit_magic2(struct frame *f)
{
	put(f->image + f->size, 0, MAGIC2_SIZE);
}

static void edit_size_larger(struct frame *f)
{
	put(f->image + IMAGE_XSTATE_SIZE, f->size + 64, 4);
	put(f->image + IMAGE_EXTENDED_SIZE, f->size + 64 + MAGIC2_SIZE, 4);
	memmove(f->image + f->size + 64, f->image + f->size, MAGIC2_SIZE);
}

static void edit_size_tiny(struct frame *f)
{
	put(f->image + IMAGE_XSTATE_SIZE, 575, 4);
}

static void edit_extended_short(struct frame *f)
{
	put(f->image + IMAGE_EXTENDED_SIZE, f->size - 1, 4);
}

static void edit_mxcsr(struct frame *f)
{
	uint64_t mxcsr = get(f->image + IMAGE_MXCSR, 4);

	put(f->image + IMAGE_MXCSR, mxcsr | 1 << 16, 4);
}

static void edit_bv_unsupported(struct frame *f)
{
	uint64_t bv = get(f->image + IMAGE_XSTATE_BV, 8);

	put(f->image + IMAGE_XSTATE_BV, bv | UINT64_C(1) << 61, 8);
}

static void edit_bv_unclaimed(struct frame *f)
{
	uint64_t claimed = get(f->image + IMAGE_XFEATURES, 8);

	put(f->image + IMAGE_XFEATURES, claimed & ~UINT64_C(4), 8);
}

static void edit_bv_initial(struct frame *f)
{
	uint64_t bv = get(f->image + IMAGE_XSTATE_BV, 8);

	put(f->image + IMAGE_XSTATE_BV, bv & 3, 8);
}

static void edit_xcomp(struct frame *f)
{
	put(f->image + IMAGE_XCOMP_BV, 1, 8);
}

static void edit_reserved(struct frame *f)
{
	put(f->image + IMAGE_RESERVED, 1, 1);
}

static void edit_fpstate_null(struct frame *f)
{
	f->uc->uc_mcontext.fpregs = NULL;
}

static void edit_fpstate_unmapped(struct frame *f)
{
	f->uc->uc_mcontext.fpregs = unmapped();
}

/* A copy of the image in pages of its own. */
static void copy_image(struct frame *f, int prot)
{
	size_t size = f->size + MAGIC2_SIZE;
	uint8_t *copy = target_map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	memcpy(copy, f->image, size);
	mprotect(copy, size, prot);
	f->uc->uc_mcontext.fpregs = (void *)copy;
}

static void edit_fpstate_guarded(struct frame *f)
{
	copy_image(f, PROT_NONE);
}

static void edit_fpstate_write_only(struct frame *f)
{
	copy_image(f, PROT_WRITE);
}

static void edit_fpstate_kernel(struct frame *f)
{
	f->uc->uc_mcontext.fpregs = (void *)UINT64_C(0xffff888000000000);
}

static void edit_misaligned_8(struct frame *f)
{
	move_image(f, 8);
}

static void edit_misaligned_16(struct frame *f)
{
	move_image(f, 16);
}

static void edit_misaligned_fx(struct frame *f)
{
	move_image(f, 8);
	put(f->image + IMAGE_MAGIC1, 0, 4);
}

static void edit_rip_noncanonical(struct frame *f)
{
	set_rip(f, UINT64_C(0x8000000000000000));
}

static void edit_rip_unmapped(struct frame *f)
{
	set_rip(f, (uintptr_t)unmapped());
}

static void edit_rip_data(struct frame *f)
{
	set_rip(f, (uintptr_t)mapped_data());
}

static void edit_cs(struct frame *f)
{
	/* the low 16 bits are cs, the highest are ss */
	f->uc->uc_mcontext.gregs[REG_CSGSFS] &= ~UINT64_C(0xffff);
}

static void edit_ss(struct frame *f)
{
	put(f->start + FRAME_SS, 0, 2);
}

static void edit_trap_flag(struct frame *f)
{
	f->uc->uc_mcontext.gregs[REG_EFL] |= RFLAGS_TF;
}

static void edit_pretcode_zero(struct frame *f)
{
	put(f->start, 0, 8);
}

static void edit_pretcode_data(struct frame *f)
{
	static const uint8_t code[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0,
					0x0f, 0x05 };
	void *page = mapped_data();

	memcpy(page, code, sizeof(code));
	put(f->start, (uintptr_t)page, 8);
}

static void set_pretcode(struct frame *f, const void *value)
{
	put(f->start, (uintptr_t)value, 8);
}

static void edit_pretcode_noncanonical(struct frame *f)
{
	set_pretcode(f, (void *)UINT64_C(0x8000000000000000));
}

static void edit_pretcode_unmapped(struct frame *f)
{
	set_pretcode(f, unmapped());
}

static void edit_pretcode_stack(struct frame *f)
{
	set_pretcode(f, f->start - 256);
}

/* Code that no handler returns to on purpose; none of it is ever run. */
extern const char inside_function[], behind_call[], other_kind[], other_call[],
	own_restorer[];

__asm__(".pushsection .text\n"
	".type victim, @function\n"
	"victim:\n"
	"	.cfi_startproc\n"
	"	sub $24, %rsp\n"
	"	.cfi_def_cfa_offset 32\n"
	"	xor %eax, %eax\n"
	".globl inside_function\n"
	"inside_function:\n"
	"	mov %rdi, (%rsp)\n"
	"	call victim\n"
	".globl behind_call\n"
	"behind_call:\n"
	"	mov %rax, 8(%rsp)\n"
	"	add $24, %rsp\n"
	"	.cfi_def_cfa_offset 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size victim, . - victim\n"
	".globl other_kind\n"
	"other_kind:\n"
	"	mov $173, %eax\n"
	"	int $0x80\n"
	".globl other_call\n"
	"other_call:\n"
	"	mov $231, %eax\n"
	"	syscall\n"
	".globl own_restorer\n"
	"own_restorer:\n"
	"	xor %eax, %eax\n"
	"	mov $15, %al\n"
	"	jmp 1f\n"
	"	hlt\n"
	"1:	syscall\n"
	"	hlt\n"
	".popsection\n");

static void edit_pretcode_inside(struct frame *f)
{
	set_pretcode(f, inside_function);
}

static void edit_pretcode_called(struct frame *f)
{
	set_pretcode(f, behind_call);
}

static void edit_pretcode_kind(struct frame *f)
{
	set_pretcode(f, other_kind);
}

static void edit_pretcode_call(struct frame *f)
{
	set_pretcode(f, other_call);
}

static void edit_pretcode_own(struct frame *f)
{
	set_pretcode(f, own_restorer);
}

/* What a handler does that takes its context for a buffer of its own. */
static void edit_wiped(struct frame *f)
{
	memset(f->uc, 0, sizeof(*f->uc));
}

static void edit_wiped_ones(struct frame *f)
{
	memset(f->uc, 0xff, sizeof(*f->uc));
}

static void edit_wiped_all(struct frame *f)
{
	memset(f->uc, 0x5a,
	       (size_t)(f->image + f->size + MAGIC2_SIZE - (uint8_t *)f->uc));
}

static void edit_wiped_own(struct frame *f)
{
	edit_pretcode_own(f);
	edit_wiped(f);
}

static void edit_wiped_made(struct frame *f)
{
	static const uint8_t code[] = { 0xf3, 0x0f, 0x1e, 0xfa, /* endbr64 */
					0x6a, 0x0f, 0x58, /* push, pop %rax */
					0x0f, 0x05 };
	void *page = mapped_data();

	memcpy(page, code, sizeof(code));
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC))
		target_fail("mprotect");
	set_pretcode(f, page);
	edit_wiped_all(f);
}

static const struct edit {
	const char *name;
	void (*run)(struct frame *f);
} edits[] = {
	{ "nothing", edit_nothing },
	{ "magic1", edit_magic1 },
	{ "magic2", edit_magic2 },
	{ "size-larger", edit_size_larger },
	{ "size-tiny", edit_size_tiny },
	{ "extended-short", edit_extended_short },
	{ "mxcsr", edit_mxcsr },
	{ "bv-unsupported", edit_bv_unsupported },
	{ "bv-unclaimed", edit_bv_unclaimed },
	{ "bv-initial", edit_bv_initial },
	{ "xcomp", edit_xcomp },
	{ "reserved", edit_reserved },
	{ "fpstate-null", edit_fpstate_null },
	{ "fpstate-unmapped", edit_fpstate_unmapped },
	{ "fpstate-guarded", edit_fpstate_guarded },
	{ "fpstate-write-only", edit_fpstate_write_only },
	{ "fpstate-kernel", edit_fpstate_kernel },
	{ "misaligned-8", edit_misaligned_8 },
	{ "misaligned-16", edit_misaligned_16 },
	{ "misaligned-fx", edit_misaligned_fx },
	{ "rip-noncanonical", edit_rip_noncanonical },
	{ "rip-unmapped", edit_rip_unmapped },
	{ "rip-data", edit_rip_data },
	{ "cs", edit_cs },
	{ "ss", edit_ss },
	{ "trap-flag", edit_trap_flag },
	{ "pretcode-zero", edit_pretcode_zero },
	{ "pretcode-data", edit_pretcode_data },
	{ "pretcode-noncanonical", edit_pretcode_noncanonical },
	{ "pretcode-unmapped", edit_pretcode_unmapped },
	{ "pretcode-stack", edit_pretcode_stack },
	{ "pretcode-inside", edit_pretcode_inside },
	{ "pretcode-called", edit_pretcode_called },
	{ "pretcode-kind", edit_pretcode_kind },
	{ "pretcode-call", edit_pretcode_call },
	{ "pretcode-own", edit_pretcode_own },
	{ "wiped", edit_wiped },
	{ "wiped-ones", edit_wiped_ones },
	{ "wiped-all", edit_wiped_all },
	{ "wiped-own", edit_wiped_own },
	{ "wiped-made", edit_wiped_made },
};
#define EDITS (sizeof(edits) / sizeof(edits[0]))

static void handle(int signo, siginfo_t *info, void *context)
{
	struct frame f = {
		.start = (uint8_t *)context - FRAME_UC,
		.uc = context,
		.image = (uint8_t *)((ucontext_t *)context)->uc_mcontext.fpregs,
	};

	if (!f.image || get(f.image + IMAGE_MAGIC1, 4) != MAGIC1)
		_exit(77);
	f.size = (uint32_t)get(f.image + IMAGE_XSTATE_SIZE, 4);
	for (size_t i = 0; i < EDITS; i++)
		if (!strcmp(edits[i].name, wanted))
			edits[i].run(&f);

	printf("thread %d frames 1 %s\n", target_tid(), wanted);
	printf("frame %d x86_64 0x%" PRIxPTR " 0x%" PRIxPTR " %d 0x%" PRIx64
	       " main\n", target_tid(), (uintptr_t)f.start,
	       (uintptr_t)f.uc->uc_mcontext.fpregs,
	       info->si_signo == signo ? signo : 0,
	       (uint64_t)f.uc->uc_mcontext.gregs[REG_RIP]);
	printf("in-use %s\n", avx ? "avx" : "sse");
	target_ready();
	target_stay();
	_exit(0);
}

/* tgkill without a call, so that the upper half of ymm15 stays in use. */
static __attribute__((noinline, target("avx"))) void raise_with_avx(int signo)
{
	__asm__ volatile("vpcmpeqd %%xmm15, %%xmm15, %%xmm15\n\t"
			 "vinsertf128 $1, %%xmm15, %%ymm15, %%ymm15\n\t"
			 "mov %[nr], %%eax\n\t"
			 "syscall\n\t" ::[nr] "i"(SYS_tgkill),
			 "D"(getpid()), "S"(target_tid()), "d"(signo)
			 : "rax", "rcx", "r11", "xmm15", "memory", "cc");
}

static bool known(const char *name)
{
	for (size_t i = 0; i < EDITS; i++)
		if (!strcmp(edits[i].name, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct sigaction action = {
		.sa_sigaction = handle,
		.sa_flags = SA_SIGINFO,
	};

	if (argc == 2 && !strcmp(argv[1], "-l")) {
		for (size_t i = 0; i < EDITS; i++)
			puts(edits[i].name);
		return 0;
	}
	if (argc != 2 || !known(argv[1]))
		return 2;
	wanted = argv[1];
	target_begin();
	sigaction(SIGUSR1, &action, NULL);
	__builtin_cpu_init();
	avx = __builtin_cpu_supports("avx");
	if (avx)
		raise_with_avx(SIGUSR1);
	else
		raise(SIGUSR1);
	return 2;
}
