/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emulator.c - where an emulated CPU is not like silicon */
#include "emulator.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096
#define FCW_INIT 0x37f
#define MXCSR_INIT UINT32_C(0x1f80)
#define MXCSR_OTHER UINT32_C(0x5f80)	/* rounds towards zero */
#define MXCSR_RESERVED (UINT32_C(1) << 16)

struct emulator_bugs emulator_bugs;

static sigjmp_buf after_fault;

static void on_fault(int signo)
{
	siglongjmp(after_fault, signo);
}

static void put(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* An image of initial registers, nothing in use, and that MXCSR. */
static void make_image(uint8_t *image, uint32_t mxcsr)
{
	memset(image, 0, XSTATE_MIN_SIZE);
	put(image + XSTATE_FCW_OFF, FCW_INIT);
	put(image + XSTATE_MXCSR_OFF, mxcsr);
}

static void set_mxcsr(uint32_t value)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(value));
}

static uint32_t get_mxcsr(void)
{
	uint32_t value;

	__asm__ volatile("stmxcsr %0" : "=m"(value));
	return value;
}

#define VECTORS                                                                \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",        \
	"xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

static void xrstor(const uint8_t *image, uint64_t mask)
{
	__asm__ volatile("xrstor64 (%0)"
			 :
			 : "r"(image), "a"((uint32_t)mask),
			   "d"((uint32_t)(mask >> 32))
			 : "memory", VECTORS);
}

static void fxrstor(const uint8_t *image)
{
	__asm__ volatile("fxrstor64 (%0)" : : "r"(image) : "memory", VECTORS);
}

/* Is an FXSAVE image with a reserved bit refused? */
static enum tri try_reserved(uint8_t *page)
{
	volatile enum tri checks = TRI_YES;

	make_image(page, MXCSR_INIT | MXCSR_RESERVED);
	if (!sigsetjmp(after_fault, 1)) {
		fxrstor(page);
		checks = TRI_NO;
	}
	set_mxcsr(MXCSR_INIT);
	return checks;
}

/* An image whose AVX would lie behind the page, and is not in use. */
static enum tri try_unused(uint8_t *page)
{
	uint8_t *image = page + PAGE - XSTATE_MIN_SIZE;
	volatile enum tri reads = TRI_YES;

	make_image(image, MXCSR_INIT);
	if (!sigsetjmp(after_fault, 1)) {
		xrstor(image, XSTATE_BIT(XSTATE_AVX));
		reads = TRI_NO;
	}
	set_mxcsr(MXCSR_INIT);
	return reads;
}

/* An FXSAVE image that ends where the registers do. */
static enum tri try_short(uint8_t *page)
{
	uint8_t *image = page + PAGE - (XSTATE_XMM_OFF + 256);
	volatile enum tri reads = TRI_YES;

	memset(image, 0, XSTATE_XMM_OFF + 256);
	put(image + XSTATE_FCW_OFF, FCW_INIT);
	put(image + XSTATE_MXCSR_OFF, MXCSR_INIT);
	if (!sigsetjmp(after_fault, 1)) {
		fxrstor(image);
		reads = TRI_NO;
	}
	set_mxcsr(MXCSR_INIT);
	return reads;
}

static enum tri try_avx_alone(uint8_t *page)
{
	uint32_t mxcsr;

	make_image(page, MXCSR_INIT);
	set_mxcsr(MXCSR_OTHER);
	xrstor(page, XSTATE_BIT(XSTATE_AVX));
	mxcsr = get_mxcsr();
	set_mxcsr(MXCSR_INIT);
	return tri_of(mxcsr == MXCSR_OTHER);
}

static void put_long(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* The compacted form with SSE initial. */
static bool try_initial(uint8_t *page)
{
	uint32_t mxcsr;

	make_image(page, MXCSR_INIT);
	put_long(page + XSTATE_HEADER_OFF + 8,
		 XCOMP_BV_COMPACTED | XSTATE_BIT(XSTATE_SSE));
	set_mxcsr(MXCSR_OTHER);
	xrstor(page, XSTATE_BIT(XSTATE_SSE));
	mxcsr = get_mxcsr();
	set_mxcsr(MXCSR_INIT);
	return mxcsr == MXCSR_OTHER;
}

/* AVX made initial by the compacted form, AVX-512 in use. */
static bool try_zmm(uint8_t *page, const struct cpu_model *cpu)
{
	const uint64_t zmm = XSTATE_BIT(XSTATE_ZMM_HI256);
	const uint64_t avx512 = zmm | XSTATE_BIT(XSTATE_OPMASK) |
				XSTATE_BIT(XSTATE_HI16_ZMM);
	uint8_t *at = page + cpu->layout.offset[XSTATE_ZMM_HI256];
	uint64_t bv;

	make_image(page, MXCSR_INIT);
	put_long(page + XSTATE_HEADER_OFF, zmm);
	memset(at, 0x5a, cpu->layout.size[XSTATE_ZMM_HI256]);
	xrstor(page, avx512);

	make_image(page, MXCSR_INIT);
	put_long(page + XSTATE_HEADER_OFF + 8,
		 XCOMP_BV_COMPACTED | XSTATE_BIT(XSTATE_AVX));
	xrstor(page, XSTATE_BIT(XSTATE_AVX));

	make_image(page, MXCSR_INIT);
	memset(at, 0, cpu->layout.size[XSTATE_ZMM_HI256]);
	__asm__ volatile("xsave64 (%0)"
			 :
			 : "r"(page), "a"((uint32_t)zmm), "d"(0)
			 : "memory");
	memcpy(&bv, page + XSTATE_HEADER_OFF, sizeof(bv));

	bool cleared = !(bv & zmm) || at[0] != 0x5a;

	make_image(page, MXCSR_INIT);
	xrstor(page, avx512);
	return cleared;
}

struct error *emulator_measure(struct cpu_model *cpu)
{
	const struct sigaction catch = { .sa_handler = on_fault };
	struct sigaction segv, bus;
	uint8_t *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || munmap(page + PAGE, PAGE))
		return error_os(errno, "no memory to try the CPU with");
	sigaction(SIGSEGV, &catch, &segv);
	sigaction(SIGBUS, &catch, &bus);
	cpu->checks_mxcsr = try_reserved(page);
	cpu->reads_reserved = try_short(page);
	if (cpu->xfeatures & XSTATE_BIT(XSTATE_AVX)) {
		cpu->reads_unused = try_unused(page);
		cpu->keeps_mxcsr = try_avx_alone(page);
	}
	if (cpu->xsavec == TRI_YES)
		emulator_bugs.keeps_initial = try_initial(page);
	if (cpu->xsavec == TRI_YES &&
	    (cpu->xfeatures & XSTATE_BIT(XSTATE_ZMM_HI256)))
		emulator_bugs.clears_zmm = try_zmm(page, cpu);
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	munmap(page, PAGE);
	return NULL;
}
