/* SPDX-License-Identifier: GPL-3.0-or-later */
/* truth.c - which signal frames a thread has, as its tracer saw it happen */
#include "truth.h"

#include <cpuid.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

const char *const truth_kind_names[] = {
	[TRUTH_X86_64] = "x86_64",
	[TRUTH_IA32_RT] = "ia32_rt",
	[TRUTH_IA32] = "ia32",
};

/*
 * Where a frame has its pointer to the extended state and the copy of
 * sigaltstack's settings, of how many bytes their words are, and how many
 * bytes are between where the pointer leads and the image.
 */
static const struct {
	unsigned pointer, altstack, size, skip;
} shapes[] = {
	[TRUTH_X86_64] = { 232, 24, 8, 0 },
	[TRUTH_IA32_RT] = { 240, 152, 4, 112 },
	[TRUTH_IA32] = { 84, 0, 4, 112 },
};

enum {
	SELECTOR_64 = 0x33,
	/* Handlers and what they call need less than that much stack. */
	HANDLER_ROOM = 256 << 10,
	STACK_ROOM = 8 << 20,
	/* A frame on the interrupted stack is not farther from its top. */
	FRAME_ROOM = 20 << 10,
	IMAGE_Q = 472, IMAGE_SIZE = 480, IMAGE_BV = 512, IMAGE_LEGACY = 576,
};

static size_t read_memory(pid_t tid, uint64_t address, void *buffer,
			  size_t size)
{
	struct iovec local = { buffer, size };
	struct iovec remote = { (void *)(uintptr_t)address, size };
	ssize_t got = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	return got < 0 ? 0 : (size_t)got;
}

bool truth_regs(pid_t tid, struct truth_regs *ret)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs))
		return false;
	*ret = (struct truth_regs){
		.ip = regs.rip, .sp = regs.rsp, .cx = regs.rcx,
		.ax = regs.rax, .flags = regs.eflags,
		.cs = (unsigned)regs.cs, .ss = (unsigned)regs.ss,
		.wide = regs.cs == SELECTOR_64,
	};
	return true;
}

/* Where the alternate stack begins that a new frame is on. */
static uint64_t altstack_of(const struct truth_frame *f, pid_t tid)
{
	unsigned word = shapes[f->kind].size;
	/* its start, flags and size */
	uint8_t raw[24];
	uint64_t start = 0, size = 0;

	if (!shapes[f->kind].altstack ||
	    read_memory(tid, f->address + shapes[f->kind].altstack, raw,
			3 * word) != 3 * word)
		return 0;
	memcpy(&start, raw, word);
	memcpy(&size, raw + 2 * word, word);
	return f->address - start < size ? start : 0;
}

void truth_enter(struct truth *t, pid_t tid, const struct truth_regs *at,
		 uint64_t sp, int signo)
{
	struct truth_frame *f = &t->frames[t->count];

	if (t->count == TRUTH_DEPTH)
		return;
	*f = (struct truth_frame){
		.address = at->sp,
		.sp = sp,
		/* handlers of 32 bits get the context's address, or 0 */
		.kind = at->wide ? TRUTH_X86_64
				 : at->cx ? TRUTH_IA32_RT : TRUTH_IA32,
		.signo = signo,
	};
	f->stack = altstack_of(f, tid);
	t->count++;
}

/* Is `sp` in the handler of the frame, or in what that has called? */
static bool in_handler(const struct truth_frame *f, uint64_t sp)
{
	/* at the return to the kernel, it is up to 8 bytes higher */
	uint64_t top = f->address + 8;

	return sp <= top && (f->stack ? sp >= f->stack
				      : top - sp < HANDLER_ROOM);
}

/* Is `sp` on the stack that the signal interrupted, or the thread's first? */
static bool in_interrupted(const struct truth *t, const struct truth_frame *f,
			   uint64_t sp)
{
	if (f->sp > f->address && f->sp - f->address < FRAME_ROOM)
		return sp > f->address && sp - f->address < STACK_ROOM;
	return sp - f->sp + HANDLER_ROOM < STACK_ROOM ||
	       t->home - sp + HANDLER_ROOM < STACK_ROOM;
}

void truth_settle(struct truth *t, uint64_t sp)
{
	while (t->count && !in_handler(&t->frames[t->count - 1], sp) &&
	       in_interrupted(t, &t->frames[t->count - 1], sp))
		t->count--;
}

bool truth_parked(const struct truth *t, unsigned i, uint64_t sp)
{
	if (i + 1 < t->count)
		sp = t->frames[i + 1].sp;
	return !in_handler(&t->frames[i], sp);
}

bool truth_return(struct truth *t, uint64_t address)
{
	for (unsigned i = t->count; i-- > 0;) {
		if (t->frames[i].address != address)
			continue;
		t->count = i;
		return true;
	}
	return false;
}

unsigned truth_image(const struct truth_frame *f, pid_t tid, uint8_t *ret,
		     unsigned room)
{
	uint64_t pointer = 0;
	uint32_t size;

	if (read_memory(tid, f->address + shapes[f->kind].pointer, &pointer,
			shapes[f->kind].size) != shapes[f->kind].size ||
	    !pointer)
		return 0;
	pointer += shapes[f->kind].skip;
	if (read_memory(tid, pointer, ret, IMAGE_LEGACY) != IMAGE_LEGACY)
		return 0;
	memcpy(&size, ret + IMAGE_SIZE, sizeof(size));
	if (size < IMAGE_LEGACY || size > room ||
	    read_memory(tid, pointer, ret, size) != size)
		return 0;
	return size;
}

uint64_t truth_differs(const struct truth_frame *f, const uint8_t *image,
		       unsigned size, pid_t tid)
{
	uint8_t now[16384];
	struct iovec set = { now, sizeof(now) };
	uint64_t bv, q, found = 0;

	memcpy(&bv, image + IMAGE_BV, sizeof(bv));
	memcpy(&q, image + IMAGE_Q, sizeof(q));
	if (ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &set))
		return 0;
	/* not the x87 pointers, which CPUs need not keep, nor padding */
	if (bv & 1 && f->kind == TRUTH_X86_64) {
		found |= memcmp(image, now, 5) != 0;
		for (unsigned i = 32; i < 160; i += 16)
			found |= memcmp(image + i, now + i, 10) != 0;
	}
	if (bv & 2 && (memcmp(image + 24, now + 24, 4) != 0 ||
		       memcmp(image + 160, now + 160, 256) != 0))
		found |= 2;
	for (unsigned i = 2; i < 62; i++) {
		unsigned eax, ebx, ecx, edx;

		if (!(bv & 1ull << i))
			continue;
		__cpuid_count(0xd, i, eax, ebx, ecx, edx);
		if (!(q & 1ull << i) || eax > size || ebx > size - eax ||
		    ebx + eax > set.iov_len ||
		    memcmp(image + ebx, now + ebx, eax) != 0)
			found |= 1ull << i;
	}
	return found;
}
