/* SPDX-License-Identifier: GPL-3.0-or-later */
/* checkpoint.c - threads in handlers that later tell what came back to them */

/*
 * Usage: checkpoint [-c CHILDREN] [-p] FILE [SCENARIO...]
 *
 * Starts a thread for each scenario named, or for all, and CHILDREN processes
 * that do the same. Every frame interrupts a thread with values of its own in
 * the registers that XRSTOR loads, and so does the wait in the innermost
 * handler. With -p two signals are blocked and pending. No file is kept open.
 * Once the threads are where they stay, FILE.PID of each process has
 *
 *	process PID
 *	pending MASK
 *	thread TID frames N SCENARIO
 *	frame TID KIND ADDRESS FPSTATE SIGNO INTERRUPTED_PC main|alternate
 *	READY
 *
 * as frames.c says it. On SIGTERM every handler returns, and there follows
 *
 *	returned TID LEVEL COMPONENT=same|initial|other|unused...
 *	pending MASK
 *	END
 *
 * with a line for each frame, where LEVEL is 0 for the outermost, and one more
 * for the wait; 32-bit code cannot use all components. A thread that gets
 * SIGSEGV or SIGBUS makes it "fatal TID" instead. The process then ends.
 * Exits with 77 if the CPU has no XSAVE.
 */
#include <cpuid.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "target.h"

#define CHILDREN_MAX 4
#define LEVELS_MAX 5
#define ALTSTACK_SIZE 65536
#define IMAGE_SIZE 16384
#define COMPONENTS_MAX 8
/* neither MPX, which would check them, nor PKRU, which may lock us out */
#define COMPONENTS UINT32_C(0xe7)

/* in an XSAVE area */
#define IMAGE_FTW 4
#define IMAGE_FOP 6
#define IMAGE_MXCSR 24
#define IMAGE_ST 32
#define IMAGE_XMM 160
#define IMAGE_XMM_END 416
#define IMAGE_XSTATE_BV 512
#define IMAGE_LEGACY_END 576
#define FCW_INITIAL 0x37f
#define FCW_VALUE 0x27f		/* double precision */
#define MXCSR_INITIAL 0x1f80
#define MXCSR_VALUE 0x5f80	/* rounds up */

static const char *const component_names[COMPONENTS_MAX] = {
	"x87", "sse", "avx", NULL, NULL, "opmask", "zmm_hi256", "hi16_zmm",
};

/* m, a: a frame on the stack in use, on the alternate one; M, A: no siginfo */
static const struct scenario {
	const char *name;
	const char *steps;
} scenarios[] = {
	{ "plain", "" },
	{ "one", "m" },
	{ "nested", "mm" },
	{ "alternate", "a" },
	{ "deep", "mam" },
#ifdef __i386__
	{ "old", "M" },
	{ "mixed", "MaAm" },
#endif
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

/* What round_trip() works on; the offsets stand in its assembly. */
struct area {
	uint8_t before[IMAGE_SIZE];
	uint8_t after[IMAGE_SIZE];
	uint8_t clean[IMAGE_SIZE];
	uint32_t go;	/* the system call is repeated until it is not 0 */
	uint32_t mask;	/* `components`, where it can be reached */
	uint32_t call;
	uint32_t third;	/* argument of the call */
} __attribute__((aligned(64)));

struct frame {
	const char *kind;
	uintptr_t address;
	uintptr_t fpstate;
	uintptr_t pc;
	int signo;
};

struct worker {
	const struct scenario *scenario;
	pthread_t thread;
	pid_t tid;
	char *altstack;
	unsigned level;
	struct frame frames[LEVELS_MAX];
	struct area *areas;	/* of each frame and, behind, of the wait */
	atomic_bool settled;
};

static __thread struct worker *self;
static struct worker workers[SCENARIOS];
static unsigned workers_count;
static const char *file_name;
static uint32_t components;

static void *map(size_t size)
{
	return target_map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

/* To be appended to by this process, and closed. */
static FILE *open_file(void)
{
	char name[4096];
	FILE *file;

	snprintf(name, sizeof(name), "%s.%d", file_name, getpid());
	file = fopen(name, "ae");
	if (!file)
		target_fail(name);
	return file;
}

#ifdef __x86_64__
#define WIDE "64"
#define AREA "%%rbx"
#define SYSCALL "syscall\n\t"
#define ARGUMENTS "b"(a), "D"(first), "S"(second), "r"(fourth)
#define CLOBBERS "rax", "rcx", "rdx", "r11", "memory", "cc"
#else
#define WIDE ""
#define AREA "%%edi"
#define SYSCALL "int $0x80\n\t"
#define ARGUMENTS "D"(a), "b"(first), "c"(second), "S"(fourth)
#define CLOBBERS "eax", "edx", "memory", "cc"
#endif
#define MASK "mov 49156(" AREA "), %%eax\n\txor %%edx, %%edx\n\t"

/*
 * A system call with the registers of a->before, again and again until a->go;
 * what they are then goes to a->after. Nobody but the kernel comes between.
 */
static __attribute__((noinline)) void round_trip(struct area *a, uint32_t call,
						 long first, long second,
						 uint32_t third)
{
#ifdef __x86_64__
	register long fourth __asm__("r10") = 0;
#else
	long fourth = 0;
#endif

	a->mask = components;
	a->call = call;
	a->third = third;
	__asm__ volatile(MASK "xrstor" WIDE " (" AREA ")\n"
			 "1:\n\t"
			 "mov 49160(" AREA "), %%eax\n\t"
			 "mov 49164(" AREA "), %%edx\n\t"
			 SYSCALL
			 "cmpl $0, 49152(" AREA ")\n\t"
			 "je 1b\n\t"
			 MASK "xsave" WIDE " 16384(" AREA ")\n\t"
			 MASK "xrstor" WIDE " 32768(" AREA ")\n\t"
			 ::ARGUMENTS : CLOBBERS);
}

static void save(uint8_t *image)
{
	__asm__ volatile("xsave" WIDE " (%0)" ::"r"(image), "a"(components),
			 "d"(0)
			 : "memory");
}

/* Every register gets a value of this thread and level. */
static void fill(struct area *a)
{
	const uint32_t mxcsr = MXCSR_VALUE, bv = components;
	const uint16_t fcw = FCW_VALUE;
	uint8_t *image = a->before;
	unsigned first = (unsigned)self->tid * 5 + self->level * 16;

	save(a->clean);
	for (unsigned i = 0; i < IMAGE_SIZE; i++)
		image[i] = (uint8_t)(1 + (first + i / 8 * 7 + i % 8) % 251);
	memset(image, 0, IMAGE_XMM);
	memset(image + IMAGE_XMM_END, 0, IMAGE_LEGACY_END - IMAGE_XMM_END);
	memcpy(image, &fcw, sizeof(fcw));
	memcpy(image + IMAGE_MXCSR, &mxcsr, sizeof(mxcsr));
	memcpy(image + IMAGE_XSTATE_BV, &bv, sizeof(bv));
	/* one number is on the stack of the x87 */
	image[IMAGE_FTW] = 0x80;
	image[IMAGE_ST] = (uint8_t)first;
	image[IMAGE_ST + 7] = 0x80;
	image[IMAGE_ST + 9] = 0x40;
	/* what of it there is in this mode is what comes back from there */
	__asm__ volatile("xrstor" WIDE " (%0)" ::"r"(image), "a"(components),
			 "d"(0)
			 : "memory");
	memset(image, 0, IMAGE_SIZE);
	save(image);
	__asm__ volatile("xrstor" WIDE " (%0)" ::"r"(a->clean),
			 "a"(components), "d"(0)
			 : "memory");
}

/* The next step that leaves a frame, or the wait. */
static void go_on(void)
{
	struct area *a = &self->areas[self->level];
	int signo = 0;

	fill(a);
	switch (self->scenario->steps[self->level]) {
	case 'm':
		signo = SIGUSR1;
		break;
	case 'a':
		signo = SIGUSR2;
		break;
	case 'M':
		signo = SIGRTMIN + 1;
		break;
	case 'A':
		signo = SIGRTMIN + 2;
		break;
	default:
		atomic_store(&self->settled, true);
		round_trip(a, SYS_futex, (long)&a->go, FUTEX_WAIT_PRIVATE, 0);
		return;
	}
	a->go = 1;
	round_trip(a, SYS_tgkill, getpid(), self->tid, (uint32_t)signo);
}

static void add(const char *kind, uintptr_t address, uintptr_t fpstate,
		uintptr_t pc, int signo)
{
	self->frames[self->level++] = (struct frame){
		.kind = kind,
		.address = address,
		.fpstate = fpstate,
		.pc = pc,
		.signo = signo,
	};
	go_on();
}

/* from the start of the frame, arch/x86/include/asm/sigframe.h */
#ifdef __x86_64__
#define KIND_RT "x86_64"
#define RT_UC 8
#define REG_PC REG_RIP
#else
#define KIND_RT "ia32_rt"
#define RT_UC 144
#define REG_PC REG_EIP
#define PLAIN_EIP 64
#define PLAIN_FPSTATE 84

/* The frame begins with the return address. */
static void handle_plain(int signo)
{
	const uint8_t *frame = (uint8_t *)__builtin_frame_address(0) + 4;
	uint32_t eip, fpstate;

	memcpy(&eip, frame + PLAIN_EIP, sizeof(eip));
	memcpy(&fpstate, frame + PLAIN_FPSTATE, sizeof(fpstate));
	add("ia32", (uintptr_t)frame, fpstate, eip, signo);
}
#endif

static void handle_rt(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	(void)info;
	add(KIND_RT, (uintptr_t)context - RT_UC,
	    (uintptr_t)uc->uc_mcontext.fpregs,
	    (uintptr_t)uc->uc_mcontext.gregs[REG_PC], signo);
}

static void fault(int signo)
{
	FILE *file = open_file();

	(void)signo;
	fprintf(file, "fatal %d\n", target_tid());
	fclose(file);
	_exit(0);
}

static void *work(void *arg)
{
	self = arg;
	self->tid = target_tid();

	stack_t stack = { .ss_sp = self->altstack, .ss_size = ALTSTACK_SIZE };

	if (sigaltstack(&stack, NULL))
		target_fail("sigaltstack");
	go_on();
	return NULL;
}

static void start(const struct scenario *s)
{
	struct worker *w = &workers[workers_count++];

	w->scenario = s;
	w->altstack = map(ALTSTACK_SIZE);
	w->areas = map(sizeof(struct area) * LEVELS_MAX);
	errno = pthread_create(&w->thread, NULL, work, w);
	if (errno)
		target_fail("pthread_create");
	while (!atomic_load(&w->settled))
		usleep(200);
}

static void tell_pending(FILE *file)
{
	uint64_t mask = 0;
	sigset_t set;

	sigpending(&set);
	for (int signo = 1; signo <= SIGRTMAX; signo++)
		if (sigismember(&set, signo) == 1)
			mask |= UINT64_C(1) << (signo - 1);
	fprintf(file, "pending 0x%" PRIx64 "\n", mask);
}

static void tell_frames(FILE *file)
{
	for (unsigned n = 0; n < workers_count; n++) {
		const struct worker *w = &workers[n];

		fprintf(file, "thread %d frames %u %s\n", w->tid, w->level,
			w->scenario->name);
		for (unsigned i = 0; i < w->level; i++) {
			const struct frame *f = &w->frames[i];

			fprintf(file, "frame %d %s 0x%" PRIxPTR " 0x%" PRIxPTR
				" %d 0x%" PRIxPTR " %s\n", w->tid, f->kind,
				f->address, f->fpstate, f->signo, f->pc,
				f->address - (uintptr_t)w->altstack <
						ALTSTACK_SIZE ? "alternate" :
								"main");
		}
	}
}

/* The bytes of a component; last instruction and operand do not count. */
static void take(const uint8_t *image, unsigned component, uint8_t *to)
{
	unsigned offset, size, ecx, edx;

	memset(to, 0, IMAGE_SIZE);
	switch (component) {
	case 0:
		memcpy(to, image, IMAGE_FOP);
		memcpy(to + IMAGE_ST, image + IMAGE_ST, IMAGE_XMM - IMAGE_ST);
		break;
	case 1:
		memcpy(to, image + IMAGE_MXCSR, 4);
		memcpy(to + IMAGE_XMM, image + IMAGE_XMM,
		       IMAGE_XMM_END - IMAGE_XMM);
		break;
	default:
		__cpuid_count(0xd, component, size, offset, ecx, edx);
		memcpy(to, image + offset, size);
	}
}

static const char *judge(const struct area *a, unsigned component)
{
	static uint8_t before[IMAGE_SIZE], after[IMAGE_SIZE],
		initial[IMAGE_SIZE];
	const uint32_t first[COMPONENTS_MAX] = { FCW_INITIAL, MXCSR_INITIAL };

	memset(initial, 0, sizeof(initial));
	memcpy(initial, &first[component], sizeof(first[component]));
	take(a->before, component, before);
	take(a->after, component, after);
	if (!memcmp(before, after, IMAGE_SIZE))
		return memcmp(before, initial, IMAGE_SIZE) ? "same" : "unused";
	return memcmp(after, initial, IMAGE_SIZE) ? "other" : "initial";
}

static void tell_returned(FILE *file)
{
	for (unsigned n = 0; n < workers_count; n++) {
		const struct worker *w = &workers[n];

		for (unsigned l = 0; l <= w->level; l++) {
			fprintf(file, "returned %d %u", w->tid, l);
			for (unsigned i = 0; i < COMPONENTS_MAX; i++)
				if (components >> i & 1)
					fprintf(file, " %s=%s",
						component_names[i],
						judge(&w->areas[l], i));
			fputc('\n', file);
		}
	}
}

static void release(void)
{
	for (unsigned n = 0; n < workers_count; n++) {
		struct worker *w = &workers[n];
		uint32_t *go = &w->areas[w->level].go;

		__atomic_store_n(go, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, go, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		pthread_join(w->thread, NULL);
	}
}

static void set_handlers(void)
{
	struct sigaction action = {
		.sa_flags = SA_SIGINFO | SA_NODEFER,
		.sa_sigaction = handle_rt,
	};

	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags |= SA_ONSTACK;
	sigaction(SIGUSR2, &action, NULL);
#ifdef __i386__
	action.sa_flags = SA_NODEFER;
	action.sa_handler = handle_plain;
	sigaction(SIGRTMIN + 1, &action, NULL);
	action.sa_flags |= SA_ONSTACK;
	sigaction(SIGRTMIN + 2, &action, NULL);
#endif
	action.sa_flags = SA_ONSTACK | SA_RESETHAND;
	action.sa_handler = fault;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

static void block_signals(bool pending, sigset_t *term)
{
	sigset_t set;

	sigemptyset(term);
	sigaddset(term, SIGTERM);
	set = *term;
	if (pending) {
		sigaddset(&set, SIGWINCH);
		sigaddset(&set, SIGRTMIN + 7);
	}
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (pending) {
		raise(SIGWINCH);
		kill(getpid(), SIGRTMIN + 7);
	}
}

static void start_all(char **names)
{
	for (size_t i = 0; i < SCENARIOS; i++) {
		bool wanted = !*names;

		for (char **n = names; *n; n++)
			wanted |= !strcmp(*n, scenarios[i].name);
		if (wanted)
			start(&scenarios[i]);
	}
}

static uint32_t enabled_components(void)
{
	unsigned eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE))
		_exit(77);
	__asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
	return eax & COMPONENTS;
}

int main(int argc, char **argv)
{
	pid_t children[CHILDREN_MAX];
	unsigned long children_count = 0;
	bool pending = false;
	sigset_t term;
	int option, signo;

	while ((option = getopt(argc, argv, "+c:p")) != -1) {
		if (option == 'c')
			children_count = strtoul(optarg, NULL, 10);
		else if (option == 'p')
			pending = true;
		else
			return 2;
	}
	if (optind == argc || children_count > CHILDREN_MAX)
		return 2;
	file_name = argv[optind];
	components = enabled_components();
	for (unsigned i = 0; i < children_count; i++) {
		children[i] = fork();
		if (children[i] < 0)
			target_fail("fork");
		if (!children[i])
			children_count = 0;
	}
	target_begin();
	block_signals(pending, &term);
	set_handlers();
	start_all(argv + optind + 1);

	FILE *file = open_file();

	fprintf(file, "process %d\n", getpid());
	tell_pending(file);
	tell_frames(file);
	fputs("READY\n", file);
	fclose(file);
	sigwait(&term, &signo);
	release();

	file = open_file();
	tell_returned(file);
	tell_pending(file);
	fputs("END\n", file);
	fclose(file);
	for (unsigned i = 0; i < children_count; i++) {
		kill(children[i], SIGTERM);
		waitpid(children[i], NULL, 0);
	}
	return 0;
}
