/* SPDX-License-Identifier: GPL-3.0-or-later */
/* child.c - the process that really returns from signal frames */
#include "child.h"

#include <asm/prctl.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

/* What the assembly below shares with the C code. */
uint64_t child_regs[X86_REGS];
uint64_t child_saved_sp;
uint64_t child_fs_base;
uint32_t child_mask_low, child_mask_high;
uint32_t child_have_xsave;
uint32_t child_path;
void *child_live, *child_clean, *child_area;

/* Load the live state, call sigreturn. Comes back whatever happens. */
void child_enter(uint64_t sp, uint64_t nr, uint64_t int80);
void child_landing(void);
void child_handler(int signo, siginfo_t *info, void *context);
/* Called by child_handler(), on the alternate stack. */
void child_record(int signo, siginfo_t *info, void *context);

/*
 * Between the system call and the XSAVE at the landing nothing may touch a
 * register that is not saved: neither a stack nor a library is used.
 */
__asm__(".text\n"
	".macro fpu insn, fx, where\n"
	"	mov \\where(%rip), %r10\n"
	"	cmpl $0, child_have_xsave(%rip)\n"
	"	je 1f\n"
	"	mov child_mask_low(%rip), %eax\n"
	"	mov child_mask_high(%rip), %edx\n"
	"	\\insn (%r10)\n"
	"	jmp 2f\n"
	"1:	\\fx (%r10)\n"
	"2:\n"
	".endm\n"

	".globl child_enter\n"
	"child_enter:\n"
	"	push %rbx\n"
	"	push %rbp\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	mov %rsp, child_saved_sp(%rip)\n"
	"	mov %rdx, %r11\n"
	"	fpu xrstor64, fxrstor64, child_live\n"
	"	mov %rsi, %rax\n"
	"	mov %rdi, %rsp\n"
	"	test %r11, %r11\n"
	"	jnz 3f\n"
	"	syscall\n"
	"	jmp 4f\n"
	"3:	int $0x80\n"
	"4:	mov %rax, child_regs(%rip)\n"
	"	movl $3, child_path(%rip)\n"
	"	jmp child_leave\n"

	".globl child_landing\n"
	"child_landing:\n"
	"	mov %rax, child_regs+0(%rip)\n"
	"	mov %rdx, child_regs+8(%rip)\n"
	"	mov %rcx, child_regs+16(%rip)\n"
	"	mov %rbx, child_regs+24(%rip)\n"
	"	mov %rsi, child_regs+32(%rip)\n"
	"	mov %rdi, child_regs+40(%rip)\n"
	"	mov %rbp, child_regs+48(%rip)\n"
	"	mov %rsp, child_regs+56(%rip)\n"
	"	mov %r8, child_regs+64(%rip)\n"
	"	mov %r9, child_regs+72(%rip)\n"
	"	mov %r10, child_regs+80(%rip)\n"
	"	mov %r11, child_regs+88(%rip)\n"
	"	mov %r12, child_regs+96(%rip)\n"
	"	mov %r13, child_regs+104(%rip)\n"
	"	mov %r14, child_regs+112(%rip)\n"
	"	mov %r15, child_regs+120(%rip)\n"
	"	mov child_saved_sp(%rip), %rsp\n"
	"	pushfq\n"
	"	popq child_regs+136(%rip)\n"
	"	pushq $2\n"
	"	popfq\n"
	"	mov %cs, %eax\n"
	"	mov %rax, child_regs+144(%rip)\n"
	"	mov %ss, %eax\n"
	"	mov %rax, child_regs+152(%rip)\n"
	"	fpu xsave64, fxsave64, child_area\n"
	"	movl $1, child_path(%rip)\n"
	"	jmp child_leave\n"

	".globl child_handler\n"
	"child_handler:\n"
	"	pushq $2\n"
	"	popfq\n"
	"	mov %rdi, %r12\n"
	"	mov %rsi, %r13\n"
	"	mov %rdx, %r14\n"
	"	call child_own_fs\n"
	"	mov %r12, %rdi\n"
	"	mov %r13, %rsi\n"
	"	mov %r14, %rdx\n"
	"	sub $8, %rsp\n"
	"	call child_record\n"
	"	movl $2, child_path(%rip)\n"

	"child_leave:\n"
	"	mov child_saved_sp(%rip), %rsp\n"
	"	pushq $2\n"
	"	popfq\n"
	"	call child_own_fs\n"
	"	fpu xrstor64, fxrstor64, child_clean\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbp\n"
	"	pop %rbx\n"
	"	ret\n"

	/* a 32-bit frame replaces the selector, and with it the base */
	"child_own_fs:\n"
	"	mov $158, %eax\n"		/* arch_prctl */
	"	mov $0x1002, %edi\n"		/* ARCH_SET_FS */
	"	mov child_fs_base(%rip), %rsi\n"
	"	syscall\n"
	"	ret\n");

static struct child_shared *shared;

static void copy_words(uint64_t *to, const greg_t *from)
{
	static const uint8_t places[X86_REGS] = {
		[X86_RAX] = REG_RAX, [X86_RDX] = REG_RDX,
		[X86_RCX] = REG_RCX, [X86_RBX] = REG_RBX,
		[X86_RSI] = REG_RSI, [X86_RDI] = REG_RDI,
		[X86_RBP] = REG_RBP, [X86_RSP] = REG_RSP,
		[X86_R8] = REG_R8,   [X86_R9] = REG_R9,
		[X86_R10] = REG_R10, [X86_R11] = REG_R11,
		[X86_R12] = REG_R12, [X86_R13] = REG_R13,
		[X86_R14] = REG_R14, [X86_R15] = REG_R15,
		[X86_RIP] = REG_RIP, [X86_RFLAGS] = REG_EFL,
	};
	uint64_t selectors = (uint64_t)from[REG_CSGSFS];

	for (unsigned i = 0; i <= X86_RFLAGS; i++)
		to[i] = (uint64_t)from[places[i]];
	to[X86_CS] = selectors & 0xffff;
	to[X86_SS] = selectors >> 48;
}

/* xstate_size of the frame that the kernel made for us; 512 without XSAVE. */
static uint32_t own_size(const uint8_t *image)
{
	uint32_t size;

	if (!child_have_xsave)
		return 512;
	memcpy(&size, image + 464 + 16, sizeof(size));
	return size <= CHILD_XSTATE ? size : 0;
}

void child_record(int signo, siginfo_t *info, void *context)
{
	struct child_result *r = &shared->result;
	const ucontext_t *uc = context;
	const uint8_t *image = (const uint8_t *)uc->uc_mcontext.fpregs;

	r->signo = (uint32_t)signo;
	r->code = info->si_code;
	r->address = (uint64_t)(uintptr_t)info->si_addr;
	r->trapno = (uint64_t)uc->uc_mcontext.gregs[REG_TRAPNO];
	r->err = (uint64_t)uc->uc_mcontext.gregs[REG_ERR];
	copy_words(child_regs, uc->uc_mcontext.gregs);
	r->xstate_size = image ? own_size(image) : 0;
	if (image)
		memcpy(r->xstate, image, r->xstate_size);
}

static void fail(const char *what)
{
	if (errno == EEXIST)
		_exit(CHILD_TAKEN);
	perror(what);
	_exit(2);
}

static void *map_at(uint64_t address, size_t size)
{
	void *p = mmap((void *)address, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		       0);

	if (p != (void *)address)
		fail("mmap");
	return p;
}

static void make_pad(void)
{
	/* jmp *2(%rip); its target lies 8-aligned behind it */
	static const uint8_t jump[] = { 0xff, 0x25, 2, 0, 0, 0, 0x90, 0x90 };
	uint64_t target = (uint64_t)(uintptr_t)child_landing;
	uint8_t *pad = map_at(CHILD_PAD, CHILD_PAGE);

	memset(pad, 0xcc, CHILD_PAGE);
	memcpy(pad, jump, sizeof(jump));
	memcpy(pad + sizeof(jump), &target, sizeof(target));
	if (mprotect(pad, CHILD_PAGE, PROT_READ | PROT_EXEC))
		fail("mprotect");
}

static void catch_signals(void)
{
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGTRAP, SIGILL, SIGFPE
	};
	struct sigaction sa = {
		.sa_sigaction = child_handler,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};

	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (sigaction(signals[i], &sa, NULL))
			fail("sigaction");
	}
}

/* Undo what a frame may have installed beside registers. */
static void reset_signals(void)
{
	const stack_t stack = {
		.ss_sp = (void *)CHILD_ALTSTACK,
		.ss_size = CHILD_ALTSTACK_SIZE,
	};
	sigset_t none;

	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) || sigaltstack(&stack, NULL))
		fail("sigaltstack");
}

static void arrange_page(unsigned n, enum child_page old, enum child_page new)
{
	void *p = (void *)(CHILD_ARENA + n * CHILD_PAGE);

	if (new == CHILD_UNMAPPED) {
		if (old != CHILD_UNMAPPED && munmap(p, CHILD_PAGE))
			fail("munmap");
		return;
	}
	if (old == CHILD_UNMAPPED &&
	    mmap(p, CHILD_PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED_NOREPLACE, CHILD_MEMORY,
		 (off_t)child_page_offset(n)) != p)
		fail("mmap");
	if (new == CHILD_ABSENT) {
		if (old == CHILD_PRESENT &&
		    madvise(p, CHILD_PAGE, MADV_DONTNEED))
			fail("madvise");
		return;
	}
	(void)*(volatile uint8_t *)p;
}

/*
 * The page states the case left behind: what was absent has been touched or
 * not, so that it counts as present until it is zapped again.
 */
static void arrange_memory(const uint8_t *wanted)
{
	static uint8_t now[CHILD_PAGES];

	for (unsigned i = 0; i < CHILD_PAGES; i++) {
		arrange_page(i, now[i], wanted[i]);
		now[i] = wanted[i] == CHILD_UNMAPPED ? CHILD_UNMAPPED
						     : CHILD_PRESENT;
	}
}

static void run(void)
{
	/* the parent may not change it while it is in use */
	const struct child_request q = shared->request;
	struct child_result *r = &shared->result;

	child_mask_low = (uint32_t)q.xfeatures;
	child_mask_high = (uint32_t)(q.xfeatures >> 32);
	memset(r, 0, sizeof(*r));
	memset(child_regs, 0, sizeof(child_regs));
	reset_signals();
	arrange_memory(q.pages);
	child_path = CHILD_NOTHING;
	child_enter(q.sp, q.nr, q.int80);
	if (child_path == CHILD_LANDED) {
		child_regs[X86_RIP] = CHILD_PAD;
		r->xstate_size = CHILD_XSTATE;
	}
	memcpy(r->regs, child_regs, sizeof(r->regs));
	r->path = child_path;
}

static void save_clean(void)
{
	if (child_have_xsave) {
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(shared->clean), "a"(child_mask_low),
				   "d"(child_mask_high)
				 : "memory");
	} else {
		__asm__ volatile("fxsave64 (%0)"
				 :
				 : "r"(shared->clean)
				 : "memory");
	}
}

int main(void)
{
	const struct rlimit no_core = { 0, 0 };
	uint8_t byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED, CHILD_MEMORY, 0);
	if (shared == MAP_FAILED)
		fail("mmap");
	child_live = shared->live;
	child_clean = shared->clean;
	child_area = shared->result.xstate;
	child_have_xsave = shared->request.xsave;
	child_mask_low = (uint32_t)shared->request.xfeatures;
	child_mask_high = (uint32_t)(shared->request.xfeatures >> 32);
	if (syscall(SYS_arch_prctl, ARCH_GET_FS, &child_fs_base))
		fail("arch_prctl");
	save_clean();

	make_pad();
	map_at(CHILD_STACK, CHILD_PAGE);
	map_at(CHILD_ALTSTACK, CHILD_ALTSTACK_SIZE);
	catch_signals();
	while (read(CHILD_CONTROL, &byte, 1) == 1) {
		run();
		if (write(CHILD_CONTROL, &byte, 1) != 1)
			break;
	}
	return 0;
}
