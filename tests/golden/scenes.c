/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scenes.c - the cores whose reports are compared with golden ones */
#include "scenes.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "synth.h"

enum { X86_64_FPSTATE = 232, X86_64_IMAGE = 456 };

/*
 * Two threads; the second has been interrupted between AVX-512 instructions,
 * and is in the handler on an alternate stack that ends where its memory does.
 */
static void icelake(struct synth *p)
{
	struct synth_thread t;

	synth_init(p, "Icelake-Server", 4242, "worker");
	synth_thread_init(&t, p, WORKER_ADD_SSE);
	synth_thread_finish(&t);

	synth_thread_init(&t, p, WORKER_ADD_AVX512);
	synth_altstack(&t, 8192, 0);
	synth_deliver(&t, SIGUSR1, 0x2e7);
	synth_enter_handler(&t);
	synth_thread_finish(&t);
}

/* One thread, on its way back, and its frame on the main stack. */
static void genoa(struct synth *p)
{
	struct synth_thread t;

	synth_init(p, "EPYC-Genoa", 4242, "worker");
	synth_thread_init(&t, p, WORKER_ADD_AVX512);
	synth_deliver(&t, SIGUSR1, 0x2e7);
	synth_leave_handler(&t);
	synth_thread_finish(&t);
}

/* One thread that has not touched a tile register, and one that has. */
static void sapphire(struct synth *p)
{
	struct synth_thread t;

	synth_init(p, "SapphireRapids", 4242, "worker");
	synth_thread_init(&t, p, WORKER_ADD_AVX);
	synth_altstack(&t, 16384, 16384);
	synth_deliver(&t, SIGUSR1, 0x207);
	synth_enter_handler(&t);
	synth_thread_finish(&t);

	p->cpu = image_cpu("SapphireRapids,+amx");
	synth_thread_init(&t, p, WORKER_ADD_AVX);
	synth_altstack(&t, 16384, 16384);
	synth_deliver(&t, SIGUSR2, 0x602e7);
	synth_enter_handler(&t);
	synth_thread_finish(&t);
}

/* A handler that has been interrupted itself. */
static void nested(struct synth *p)
{
	struct synth_thread t;

	synth_init(p, "EPYC-Rome", 4300, "nested");
	synth_thread_init(&t, p, WORKER_ADD_AVX);
	synth_deliver(&t, SIGALRM, 0x7);
	synth_enter_handler(&t);
	synth_deliver(&t, SIGUSR1, 0x3);
	synth_enter_handler(&t);
	synth_thread_finish(&t);
}

/* Frames that were changed after the kernel wrote them, one in each thread. */
static void edited(struct synth *p)
{
	static const struct {
		uint16_t off;
		uint8_t width;
		uint64_t value;
	} edits[] = {
		{ X86_64_IMAGE + 464, 4, 0 },		/* magic1 */
		{ X86_64_IMAGE + 2440, 4, 0 },		/* MAGIC2 */
		{ X86_64_IMAGE + 24, 4, 0x11f80 },	/* MXCSR, bit 16 */
		{ X86_64_IMAGE + 520, 8, 1 },		/* XCOMP_BV */
		{ X86_64_IMAGE + 512, 8, 0x203 },	/* XSTATE_BV */
		{ X86_64_FPSTATE, 8, 0 },
		{ 176, 8, UINT64_C(0x8000000000000000) },	/* rip */
		{ 198, 2, 0 },				/* ss */
	};

	synth_init(p, "EPYC-Milan", 4400, "edited");
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		struct synth_thread t;
		uint64_t frame;

		synth_thread_init(&t, p, WORKER_ADD_AVX);
		frame = synth_deliver(&t, SIGUSR1, 0x207);
		synth_leave_handler(&t);
		synth_put(&t, frame + edits[i].off, edits[i].width,
			  edits[i].value);
		synth_thread_finish(&t);
	}
}

/*
 * What is not known: a handler without unwind information; a stack of which
 * nothing was dumped; and a frame whose image was dumped in part.
 */
static void missing(struct synth *p)
{
	struct synth_thread t;
	uint64_t end;

	synth_init(p, "EPYC-Milan", 4500, "missing");
	synth_thread_init(&t, p, WORKER_ADD_AVX);
	synth_deliver(&t, SIGUSR1, 0x207);
	t.regs.r[X86_RIP] = SYNTH_JIT_HANDLER;
	synth_enter_handler(&t);
	synth_thread_finish(&t);

	synth_thread_init(&t, p, WORKER_ADD_SSE);
	synth_go(&t, SYNTH_JIT_HANDLER);
	t.dumped = 1;
	synth_thread_finish(&t);

	synth_thread_init(&t, p, WORKER_ADD_AVX);
	end = (t.regs.r[X86_RSP] & -UINT64_C(4096)) - 4096;
	/* lets the page end 640 bytes into the image, in the middle of AVX */
	t.regs.r[X86_RSP] = end + 1936;
	t.regs.r[X86_RIP] = SYNTH_JIT_ADD_AVX;
	synth_deliver(&t, SIGUSR1, 0x207);
	synth_leave_handler(&t);
	t.dumped = end - t.stack.addr;
	synth_thread_finish(&t);
}

/*
 * Of the x32 ABI: frames on an alternate stack and on each other, one on its
 * way back, and a handler without unwind information.
 */
static void x32(struct synth *p)
{
	struct synth_thread t;

	synth_init_x32(p, "Icelake-Server", 4600, "x32");
	synth_thread_init(&t, p, WORKER_ADD_AVX512);
	synth_altstack(&t, 8192, 0);
	synth_deliver(&t, SIGUSR1, 0x2e7);
	synth_enter_handler(&t);
	synth_thread_finish(&t);

	synth_thread_init(&t, p, WORKER_ADD_AVX);
	synth_deliver(&t, SIGALRM, 0x207);
	synth_enter_handler(&t);
	synth_deliver(&t, SIGUSR1, 0x203);
	synth_leave_handler(&t);
	synth_thread_finish(&t);

	synth_thread_init(&t, p, WORKER_ADD_SSE);
	synth_thread_finish(&t);

	synth_thread_init(&t, p, WORKER_ADD_AVX);
	synth_deliver(&t, SIGUSR1, 0x207);
	t.regs.r[X86_RIP] = p->abi->jit + (SYNTH_JIT_HANDLER - SYNTH_JIT);
	synth_enter_handler(&t);
	synth_thread_finish(&t);
}

static const struct {
	const char *name;
	void (*make)(struct synth *p);
} scenes[] = {
	{ "icelake", icelake },	  { "genoa", genoa },
	{ "sapphire", sapphire }, { "nested", nested },
	{ "edited", edited },	  { "missing", missing },
	{ "x32", x32 },
};

bool scenes_write(const char *name, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
		struct synth p;

		if (strcmp(scenes[i].name, name))
			continue;
		scenes[i].make(&p);
		return synth_finish(&p, path);
	}
	errno = 0;
	return false;
}
