/* SPDX-License-Identifier: GPL-3.0-or-later */
/* synth.c - processes inside signal handlers that never were */
#include "synth.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "source/elfnames.h"

#define STACKS_STEP UINT64_C(0x40000)
#define PAGE 4096
/* What was on the stacks before. */
#define STALE 0xa5
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)

static const struct synth_abi x86_64 = {
	.core = MKCORE_X86_64, .kind = SIGFRAME_X86_64,
	.worker = WORKER_BASE, .jit = SYNTH_JIT,
	.stacks = UINT64_C(0x7f0000000000),
	.altstacks = UINT64_C(0x7f8000000000),
	.r8_off = 48, .fpstate_off = 232, .context_off = 8, .info_off = 312,
	.info_pid_off = 16,
};

static const struct synth_abi x32 = {
	.core = MKCORE_X32, .kind = SIGFRAME_X32,
	.worker = WORKER_BASE_X32, .jit = UINT64_C(0xe0000000),
	.stacks = UINT64_C(0xf0000000), .altstacks = UINT64_C(0xf8000000),
	.r8_off = 32, .fpstate_off = 216, .context_off = 8, .info_off = 296,
	.info_pid_off = 12,
};

static const uint8_t jit[] = {
	/* sub $8,%rsp; vaddps %ymm3,%ymm4,%ymm4; add $8,%rsp; ret */
	[0] = 0x48, 0x83, 0xec, 8, 0xc5, 0xdc, 0x58, 0xe3,
	0x48, 0x83, 0xc4, 8, 0xc3,
	/* sub $24,%rsp; pause; jmp to the pause */
	[32] = 0x48, 0x83, 0xec, 24, 0xf3, 0x90, 0xeb, 0xfc,
};

static void no_memory(void)
{
	fputs("makecores: out of memory\n", stderr);
	exit(99);
}

static struct memory memory_create(uint64_t addr, size_t size)
{
	struct memory m = { malloc(size), size, addr };

	if (!m.data)
		no_memory();
	memset(m.data, STALE, size);
	return m;
}

static void init(struct synth *p, const struct synth_abi *abi, const char *cpu,
		 pid_t pid, const char *command)
{
	uint8_t page[WORKER_SIZE];
	struct xstate_layout layout;

	*p = (struct synth){
		.core = mkcore_create(abi->core),
		.cpu = image_cpu(cpu),
		.abi = abi,
	};
	if (!p->cpu) {
		fprintf(stderr, "makecores: no CPU '%s'\n", cpu);
		exit(2);
	}
	image_layout(p->cpu, &layout);
	mkcore_set_process(p->core, pid, command);
	mkcore_set_layout(p->core, &layout, p->cpu->xcr0);
	mkcore_add_auxv(p->core, AT_PAGESZ, PAGE);
	mkcore_add_auxv(p->core, AT_PHDR,
			abi->worker + (abi == &x32 ? 52 : 64));
	mkcore_add_auxv(p->core, AT_ENTRY, abi->worker + WORKER_MAIN);
	mkcore_add_auxv(p->core, AT_MINSIGSTKSZ, p->cpu->minsigstksz);
	mkcore_add_file(p->core, abi->worker, abi->worker + WORKER_SIZE, 0,
			WORKER_PATH);
	worker_write(abi == &x32, page);
	mkcore_add_segment(p->core, &(struct mkcore_segment){
		.start = abi->worker, .size = WORKER_SIZE, .prot = RX,
		.data = page, .data_size = sizeof(page) });
	memset(page, 0x90, sizeof(page));
	memcpy(page, jit, sizeof(jit));
	mkcore_add_segment(p->core, &(struct mkcore_segment){
		.start = abi->jit, .size = PAGE, .prot = RX,
		.data = page, .data_size = PAGE });
}

void synth_init(struct synth *p, const char *cpu, pid_t pid,
		const char *command)
{
	init(p, &x86_64, cpu, pid, command);
}

void synth_init_x32(struct synth *p, const char *cpu, pid_t pid,
		    const char *command)
{
	init(p, &x32, cpu, pid, command);
}

bool synth_finish(struct synth *p, const char *path)
{
	bool done = mkcore_write(p->core, path);

	mkcore_destroy(p->core);
	return done;
}

void synth_put(struct synth_thread *t, uint64_t addr, unsigned width,
	       uint64_t value)
{
	bool alternate = addr - t->altstack.addr < t->altstack.size;

	memory_put(alternate ? &t->altstack : &t->stack, addr, width, value);
}

void synth_go(struct synth_thread *t, uint64_t pc)
{
	t->regs.r[X86_RIP] = pc;
	t->regs.r[X86_RSP] = t->stack.addr + SYNTH_STACK_SIZE -
			     SYNTH_STACK_ABOVE;
}

void synth_thread_init(struct synth_thread *t, struct synth *p,
		       enum worker_function function)
{
	unsigned n = p->threads++;

	*t = (struct synth_thread){
		.process = p,
		.tid = 4242 + (pid_t)n,
		.stack = memory_create(p->abi->stacks + n * STACKS_STEP,
				       SYNTH_STACK_SIZE),
		.syscall = -1,
	};
	for (unsigned r = 0; r < X86_RIP; r++)
		t->regs.r[r] = 0x1000 + r;
	t->regs.r[X86_RFLAGS] = 0x246;
	t->regs.r[X86_CS] = 0x33;
	t->regs.r[X86_SS] = 0x2b;
	synth_go(t, p->abi->worker + function + WORKER_BODY);
	t->regs.r[X86_RSP] -= WORKER_LEAF_STACK + 8;
	synth_put(t, t->regs.r[X86_RSP] + WORKER_LEAF_STACK, 8,
		  p->abi->worker + WORKER_CALLED_FROM);
}

void synth_altstack(struct synth_thread *t, uint64_t size, uint64_t behind)
{
	const struct synth_abi *abi = t->process->abi;

	t->altstack = memory_create(
		abi->altstacks + (t->stack.addr - abi->stacks), size + behind);
	t->altstack_size = size;
}

static void add_stack(struct synth_thread *t, const struct memory *m,
		      uint64_t dumped)
{
	mkcore_add_segment(t->process->core, &(struct mkcore_segment){
		.start = m->addr, .size = m->size, .prot = RW,
		.data = m->data, .data_size = dumped });
	free(m->data);
}

void synth_thread_finish(struct synth_thread *t)
{
	static uint8_t note[IMAGE_MAX];

	image_write_note(t->process->cpu, note);
	mkcore_add_thread(t->process->core, &(struct mkcore_thread){
		.tid = t->tid, .regs = t->regs, .orig_rax = t->syscall,
		.sigmask = t->sigmask,
		.xstate = note, .xstate_size = t->process->cpu->max_size });
	add_stack(t, &t->stack, t->dumped ? t->dumped : t->stack.size);
	if (t->altstack.size)
		add_stack(t, &t->altstack, t->altstack.size);
}

/* Everything in a frame that frame_build() does not care for. */
static void fill_frame(struct synth_thread *t, uint64_t frame,
		       unsigned signal)
{
	static const uint8_t order[] = {
		X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14,
		X86_R15, X86_RDI, X86_RSI, X86_RBP, X86_RBX, X86_RDX, X86_RAX,
		X86_RCX,
	};

	const struct synth_abi *abi = t->process->abi;
	uint64_t info = frame + abi->info_off;

	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		synth_put(t, frame + abi->r8_off + 8 * i, 8,
			  t->regs.r[order[i]]);
	/* siginfo: sent by kill() of process 4100, user 1000 */
	for (unsigned off = 0; off < 128; off += 8)
		synth_put(t, info + off, 8, 0);
	synth_put(t, info, 4, signal);
	synth_put(t, info + abi->info_pid_off, 4, 4100);
	synth_put(t, info + abi->info_pid_off + 4, 4, 1000);
}

uint64_t synth_deliver(struct synth_thread *t, unsigned signal,
		       uint64_t in_use)
{
	static uint8_t image[IMAGE_MAX];
	const struct image_cpu *cpu = t->process->cpu;
	const struct synth_abi *abi = t->process->abi;
	bool enters = t->altstack.size && !t->on_altstack;
	struct delivery d = {
		.kind = abi->kind,
		.sp = t->regs.r[X86_RSP],
		.pc = t->regs.r[X86_RIP],
		.restorer = abi->worker + WORKER_RESTORER,
		.altstack_sp = t->altstack.addr,
		.altstack_size = t->altstack_size,
		.enters_altstack = enters,
		.xstate_size = cpu->size,
		.xfeatures = cpu->features,
	};
	const struct memory *m = t->altstack.size ? &t->altstack : &t->stack;
	uint64_t frame = frame_build(m, &d);
	uint64_t at = memory_get(m, frame + abi->fpstate_off, 8);

	fill_frame(t, frame, signal);
	t->sigmask |= UINT64_C(1) << (signal - 1);
	memcpy(image, m->data + (at - m->addr), cpu->size + 4);
	image_write(cpu, in_use, image);
	/* frame_build() leaves words in components that XSAVE may skip */
	memcpy(m->data + (at - m->addr), image, cpu->size + 4);
	t->on_altstack |= enters;

	memset(&t->regs, 0, X86_RIP * sizeof(t->regs.r[0]));
	t->regs.r[X86_RDI] = signal;
	t->regs.r[X86_RSI] = frame + abi->info_off;
	t->regs.r[X86_RDX] = frame + abi->context_off;
	t->regs.r[X86_RSP] = frame;
	t->regs.r[X86_RIP] = abi->worker + WORKER_HANDLER;
	t->regs.r[X86_RFLAGS] = 0x202;
	return frame;
}

void synth_enter_handler(struct synth_thread *t)
{
	t->regs.r[X86_RIP] += WORKER_BODY;
	t->regs.r[X86_RSP] -= WORKER_HANDLER_STACK;
}

void synth_leave_handler(struct synth_thread *t)
{
	t->regs.r[X86_RIP] = t->process->abi->worker + WORKER_RESTORER;
	t->regs.r[X86_RSP] += 8;
}
