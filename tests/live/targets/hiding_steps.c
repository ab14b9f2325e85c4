/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hiding_steps.c - what the scenarios of hiding.c are made of */
#include "hiding.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "target.h"

#ifdef __x86_64__
#define IMAGE_OFF 0		/* from fpstate to the XSAVE image */
#define HUGE_STACK ((size_t)2 << 30)
#define HUGE_GAP ((size_t)1 << 30)
#else
#define IMAGE_OFF 112
#define HUGE_STACK MIB(1024)
#define HUGE_GAP MIB(700)
#endif
#define XSTATE_SIZE_OFF 480

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static char *page_of(uintptr_t addr)
{
	return (char *)(addr & ~(uintptr_t)(PAGE - 1));
}

/* Somewhere below where the caller is. */
static char *here(void)
{
	return page_of((uintptr_t)__builtin_frame_address(0));
}

static char *map(size_t size, int flags, int fd)
{
	char *p = mmap(NULL, size, RW, flags, fd, 0);

	if (p == MAP_FAILED)
		target_fail("mmap");
	return p;
}

static void protect(char *addr, size_t size, int prot)
{
	if (mprotect(addr, size, prot))
		target_fail("mprotect");
}

static void on(char *stack, size_t size)
{
	hiding_on_stack(stack + size - 64, go_on);
}

/* Keep `size` bytes, untouched, and go on below. */
static __attribute__((noinline)) void sink(size_t size)
{
	char *p = __builtin_alloca(size);

	__asm__ volatile("" ::"r"(p) : "memory");
	go_on();
}

/* -- signals -- */

static void raise_main(void)
{
	hiding_raise(getpid(), target_tid(), SIGUSR1);
}

static void raise_alt(void)
{
	hiding_raise(getpid(), target_tid(), SIGUSR2);
}

static void raise_askew(void)
{
	hiding_raise_askew(getpid(), target_tid(), SIGUSR1);
}

static void raise_red(void)
{
	hiding_raise_red(getpid(), target_tid(), SIGUSR1);
}

/* -- stacks -- */

static void on_growing(void)
{
	/* it only grows while nothing is near */
	char *p = map(MIB(4), ANON, -1);

	munmap(p, MIB(4));
	p = mmap(p + MIB(4) - PAGE, PAGE, RW,
		 ANON | MAP_GROWSDOWN | MAP_STACK, -1, 0);
	if (p == MAP_FAILED)
		skip("no MAP_GROWSDOWN");
	on(p, PAGE);
}

/* One page after the other, so that the stack grows. */
static void sink_touching(void)
{
	volatile char *p = __builtin_alloca(8 * PAGE);

	for (size_t i = 8 * PAGE; i; i -= PAGE)
		p[i - PAGE] = 1;
	go_on();
}

static void on_huge(void)
{
	char *p = mmap(NULL, HUGE_STACK, RW, ANON | MAP_STACK, -1, 0);

	if (p == MAP_FAILED)
		skip("no address space for a huge stack");
	on(p, HUGE_STACK);
}

static void sink_far(void)
{
	sink(HUGE_GAP);
}

static void on_guarded(void)
{
	char *p = map(STACK_SIZE, ANON, -1);

	protect(p, 4 * PAGE, PROT_NONE);
	protect(p + STACK_SIZE - 4 * PAGE, 4 * PAGE, PROT_NONE);
	on(p, STACK_SIZE - 4 * PAGE);
}

/* Go on below a page that nothing but that is known of. */
static void sink_past_none(void)
{
	char *p = __builtin_alloca(4 * PAGE);

	protect(page_of((uintptr_t)p) + PAGE, PAGE, PROT_NONE);
	go_on();
}

static void sink_past_read_only(void)
{
	char *p = __builtin_alloca(4 * PAGE);

	protect(page_of((uintptr_t)p) + PAGE, PAGE, PROT_READ);
	go_on();
}

static void sink_past_absent(void)
{
	char *p = __builtin_alloca(8 * PAGE);

	p = page_of((uintptr_t)p) + PAGE;
	memset(p, 0x5a, 4 * PAGE);
	madvise(p, 2 * PAGE, MADV_DONTNEED);
	if (munmap(p + 2 * PAGE, PAGE))
		target_fail("munmap");
	go_on();
}

static int memory_file(void)
{
	int fd = memfd_create("stack", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)STACK_SIZE))
		skip("no memfd_create()");
	return fd;
}

static void on_memfd_shared(void)
{
	on(map(STACK_SIZE, MAP_SHARED, memory_file()), STACK_SIZE);
}

static void on_memfd_private(void)
{
	on(map(STACK_SIZE, MAP_PRIVATE, memory_file()), STACK_SIZE);
}

static void on_shared(void)
{
	on(map(STACK_SIZE, MAP_SHARED | MAP_ANONYMOUS, -1), STACK_SIZE);
}

static char *file_stack;

static void on_file(void)
{
	char name[] = "/tmp/hiding.XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0 || unlink(name) || ftruncate(fd, (off_t)STACK_SIZE))
		skip("no temporary file");
	file_stack = map(STACK_SIZE, MAP_SHARED, fd);
	on(file_stack, STACK_SIZE);
}

/* What is in a file may leave memory, and comes back when it is wanted. */
static void page_out(void)
{
	msync(file_stack, STACK_SIZE, MS_SYNC);
	madvise(file_stack, STACK_SIZE, MADV_PAGEOUT);
	madvise(file_stack, STACK_SIZE, MADV_DONTNEED);
	go_on();
}

static void on_huge_pages(void)
{
	char *p = mmap(NULL, MIB(2), RW,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED)
		skip("no huge pages are set aside");
	on(p, MIB(2));
}

static void on_bss(void)
{
	static char stack[STACK_SIZE];

	on(stack, sizeof(stack));
}

static void on_heap(void)
{
	char *p = sbrk((intptr_t)STACK_SIZE);

	if (p == (char *)-1)
		skip("the heap does not grow");
	on(page_of((uintptr_t)p), STACK_SIZE);
}

/* One mapping for several stacks, without anything between them. */
static char *shared_mapping;

static void on_middle(void)
{
	shared_mapping = map(3 * STACK_SIZE, ANON, -1);
	on(shared_mapping, 2 * STACK_SIZE);
}

static void on_lower(void)
{
	on(shared_mapping, STACK_SIZE);
}

static void on_upper(void)
{
	on(shared_mapping, 3 * STACK_SIZE);
}

static void on_lower_bare(void)
{
	hiding_on_stack_bare(shared_mapping + STACK_SIZE - 64, go_on);
}

static void on_upper_bare(void)
{
	hiding_on_stack_bare(shared_mapping + 3 * STACK_SIZE - 64, go_on);
}

/* The same, apart from each other. */
static void on_middle_apart(void)
{
	shared_mapping = map(3 * STACK_SIZE, ANON, -1);
	protect(shared_mapping + STACK_SIZE, PAGE, PROT_NONE);
	protect(shared_mapping + 2 * STACK_SIZE, PAGE, PROT_NONE);
	on(shared_mapping, 2 * STACK_SIZE);
}

/* -- alternate stacks -- */

static char *altstack;
static size_t altstack_size;

static void set_altstack(char *p, size_t size, unsigned flags)
{
	stack_t stack = { .ss_sp = p, .ss_size = size,
			  .ss_flags = (int)flags };

	if (sigaltstack(&stack, NULL)) {
		if (flags)
			skip("no SS_AUTODISARM");
		target_fail("sigaltstack");
	}
	altstack = p;
	altstack_size = size;
}

/* Enough for a frame of any kind, and its handler. */
static size_t altstack_room(void)
{
	size_t size = getauxval(51 /* AT_MINSIGSTKSZ */) + KIB(32);

	return (size + PAGE - 1) & ~(PAGE - 1);
}

static void alt(void)
{
	set_altstack(map(altstack_room(), ANON, -1), altstack_room(), 0);
	go_on();
}

static void alt_autodisarm(void)
{
	set_altstack(map(altstack_room(), ANON, -1), altstack_room(),
		     SS_AUTODISARM);
	go_on();
}

static void alt_inside(void)
{
	char *p = __builtin_alloca(altstack_room());

	set_altstack(p, altstack_room(), 0);
	go_on();
}

/* As small as can be: a frame, and little for the handler. */
static void alt_small(void)
{
	size_t size = getauxval(51) ? getauxval(51) + 2048 : KIB(16);
	char *p = map(KIB(64), ANON, -1);

	set_altstack(p + KIB(64) - 2 * PAGE - size, size, 0);
	go_on();
}

static void alt_unmap(void)
{
	if (munmap(altstack, altstack_size))
		target_fail("munmap");
	go_on();
}

/* Moved away: what is there now is a copy at another address. */
static void alt_move(void)
{
	if (mremap(altstack, altstack_size, altstack_size, MREMAP_MAYMOVE |
		   MREMAP_FIXED, shared_mapping) == MAP_FAILED)
		target_fail("mremap");
	go_on();
}

/* Two alternate stacks that take turns, each below what is on it. */
static void nest(void)
{
	static char *base[2], *top[2];
	static unsigned count;
	unsigned use = count % 2;

	if (!base[0]) {
		for (unsigned i = 0; i < 2; i++) {
			base[i] = map(MIB(2), ANON, -1);
			top[i] = base[i] + MIB(2);
		}
	}
	if (count)
		top[!use] = here() - PAGE;
	if (count++ == 64)
		go_on();
	set_altstack(base[use], (size_t)(top[use] - base[use]), SS_AUTODISARM);
	steps_again();
	raise_alt();
}

/* -- what happens to the last frame -- */

static const struct record *last(void)
{
	return &records[records_count - 1];
}

static void sink_pages(void)
{
	sink(3 * PAGE);
}

static void hide_frame(void)
{
	protect(page_of(last()->address), PAGE, PROT_NONE);
	go_on();
}

/* The page that the image ends in, which is another. */
static void hide_image(void)
{
	protect(page_of(last()->fpstate) + PAGE, PAGE, PROT_NONE);
	go_on();
}

/*
 * Let the image of the next frame begin shortly before the end of a page, so
 * that the components behind its header are in the next one.
 */
static void straddle(void)
{
	uint32_t size;

	memcpy(&size, (void *)(last()->fpstate + IMAGE_OFF + XSTATE_SIZE_OFF),
	       sizeof(size));
	if (size < 768)
		skip("the frames of this CPU are too small");

	/* what is called until the signal takes some hundred bytes */
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0) - 250;

	sink(PAGE + ((sp - (3300 + size + 132)) & (PAGE - 1) & ~(size_t)15));
}

/* Split the mapping here and there below, where the next frame will be. */
static void split(void)
{
	char *p = here();

	for (unsigned i = 1; i < 8; i += 2)
		if (madvise(p - i * PAGE, PAGE, MADV_DONTFORK))
			target_fail("madvise");
	go_on();
}

/* -- processes -- */

/*
 * What a handler does that takes its context for a buffer of its own: all is
 * overwritten but the return address. Then there is no more to tell of it.
 */
static void wipe(size_t size, int value)
{
	struct record *r = &records[records_count - 1];
	uint8_t *uc = (uint8_t *)r->address + FRAME_UC;

	memset(uc, value, size);
	r->signo = *(int *)(r->address + FRAME_INFO) == r->signo ? r->signo
								 : 0;
	r->pc = (uintptr_t)((ucontext_t *)uc)->uc_mcontext.gregs[FRAME_PC];
	r->fpstate = (uintptr_t)((ucontext_t *)uc)->uc_mcontext.fpregs;
	go_on();
}

static void wipe_zeros(void)
{
	wipe(sizeof(ucontext_t), 0);
}

static void wipe_all(void)
{
	const struct record *r = &records[records_count - 1];
	const uint8_t *size = (uint8_t *)r->fpstate + IMAGE_OFF +
			      XSTATE_SIZE_OFF;
	uint32_t xstate_size;

	memcpy(&xstate_size, size, sizeof(xstate_size));
	if (xstate_size > MIB(1))
		skip("frames have no XSAVE image here");
	wipe(r->fpstate + IMAGE_OFF + xstate_size + 4 - r->address - FRAME_UC,
	     0x5a);
}

static void fork_here(void)
{
	vfork_parent = target_tid();

	pid_t pid = vfork();

	if (pid < 0)
		target_fail("vfork");
	if (pid)
		_exit(0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	alarm(TARGET_SECONDS);
	vfork_child = getpid();
	go_on();
}

static void clone_here(void)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			 CLONE_THREAD | CLONE_SYSVSEM,
		.stack = (uintptr_t)map(STACK_SIZE, ANON, -1),
		.stack_size = STACK_SIZE,
	};

	if (hiding_clone3(&args, sizeof(args), go_on) < 0)
		skip("no clone3()");
	target_stay();
	_exit(0);
}

#define STEPS(...) (step_fn *const[]){ __VA_ARGS__, NULL }

const struct scenario scenarios[] = {
	{ "plain", STEPS(NULL) },
	{ "growing", STEPS(on_growing, sink_touching, raise_main,
			   sink_touching) },
	{ "huge-near", STEPS(on_huge, raise_main) },
	{ "huge-far", STEPS(on_huge, raise_main, sink_far) },
	{ "huge-both", STEPS(on_huge, raise_main, sink_far, raise_main) },
	{ "guarded", STEPS(on_guarded, raise_main) },
	{ "hole", STEPS(raise_main, sink_past_none) },
	{ "hole-between", STEPS(raise_main, sink_past_none, raise_main) },
	{ "read-only", STEPS(raise_main, sink_past_read_only, raise_main) },
	{ "absent", STEPS(raise_main, sink_past_absent, raise_main) },
	{ "memfd-shared", STEPS(on_memfd_shared, raise_main, sink_pages) },
	{ "memfd-private", STEPS(on_memfd_private, raise_main, sink_pages) },
	{ "shared", STEPS(on_shared, raise_main, sink_pages) },
	{ "file", STEPS(on_file, raise_main, sink_pages) },
	{ "paged-out", STEPS(on_file, raise_main, sink_pages, page_out) },
	{ "huge-pages", STEPS(on_huge_pages, raise_main, sink_pages) },
	{ "bss", STEPS(on_bss, raise_main, raise_main) },
	{ "heap", STEPS(on_heap, raise_main, raise_main) },
	{ "neighbour-below", STEPS(on_middle, raise_main),
	  STEPS(on_lower, raise_main) },
	{ "neighbour-above", STEPS(on_middle, raise_main),
	  STEPS(on_upper, raise_main) },
	{ "neighbour-plain", STEPS(on_middle, raise_main), STEPS(on_lower) },
	{ "alternate", STEPS(alt, raise_alt, raise_main) },
	{ "alternate-inside", STEPS(alt_inside, raise_main, raise_alt) },
	{ "alternate-small", STEPS(alt_small, raise_alt) },
	{ "autodisarm", STEPS(alt_autodisarm, raise_alt, alt_autodisarm,
			      raise_alt, raise_alt) },
	{ "nested", STEPS(nest) },
	{ "third-above", STEPS(on_middle, raise_main, on_upper) },
	{ "third-below", STEPS(on_middle, raise_main, on_lower) },
	{ "third-apart-above", STEPS(on_middle_apart, raise_main, on_upper) },
	{ "third-apart-below", STEPS(on_middle_apart, raise_main, on_lower) },
	{ "third-heap", STEPS(alt, raise_alt, on_heap) },
	{ "third-frames", STEPS(on_middle_apart, raise_main, on_upper,
				raise_main, on_heap, raise_main) },
	{ "bare-above", STEPS(on_middle_apart, raise_main, on_upper_bare) },
	{ "bare-below", STEPS(on_middle_apart, raise_main, on_lower_bare) },
	{ "bare-frames", STEPS(on_middle_apart, raise_main, on_upper_bare,
			       raise_main) },
	{ "unmapped", STEPS(alt, raise_alt, on_shared, alt_unmap) },
	{ "moved", STEPS(on_middle, alt, raise_alt, on_shared, alt_move) },
	{ "hidden-frame", STEPS(on_guarded, raise_main, sink_pages,
				hide_frame) },
	{ "hidden-image", STEPS(on_guarded, raise_main, straddle, raise_main,
				sink_pages, hide_image) },
	{ "split", STEPS(on_guarded, split, raise_main, raise_main) },
	{ "straddling", STEPS(on_guarded, raise_main, straddle, raise_main,
			      split) },
	{ "red-zone", STEPS(raise_red, raise_red) },
	{ "askew", STEPS(raise_askew, raise_main) },
	{ "vfork", STEPS(raise_main, fork_here, raise_main) },
	{ "vfork-plain", STEPS(raise_main, fork_here) },
	{ "clone3", STEPS(clone_here, raise_main) },
	{ "wiped", STEPS(raise_main, wipe_zeros) },
	{ "wiped-all", STEPS(raise_main, wipe_all) },
	{ "wiped-alternate", STEPS(alt, raise_alt, wipe_all) },
	{ "wiped-outer", STEPS(raise_main, wipe_all, raise_main) },
	{ "wiped-inner", STEPS(raise_main, raise_main, wipe_zeros) },
	{ "wiped-both", STEPS(raise_main, wipe_zeros, raise_main, wipe_zeros) },
	{ "wiped-heap", STEPS(on_heap, raise_main, wipe_all) },
	{ "wiped-third", STEPS(alt, raise_alt, wipe_zeros, on_heap) },
	{ "wiped-third-apart", STEPS(on_middle_apart, raise_main, wipe_all,
				     on_upper) },
	{ "wiped-traced", STEPS(raise_main, wipe_all), .traced = true },
	{ "headless", STEPS(raise_main, raise_main), .headless = true },
	{ "traced", STEPS(alt, raise_alt, raise_main), .traced = true },
	{ "traced-plain", STEPS(NULL), .traced = true },
};
const size_t scenarios_count = sizeof(scenarios) / sizeof(scenarios[0]);
