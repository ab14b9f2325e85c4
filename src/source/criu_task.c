/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_task.c - threads and processes, as CRIU's core images have them */
#include "source/criu_task.h"

#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "source/criu_image.h"

/* `machine` of a core (images/core.proto). */
static const char *const machines[] = {
	"unknown", "x86-64", "ARM", "AArch64", "PowerPC64", "S/390", "MIPS",
	"LoongArch64", "RISC-V",
};

#define MACHINE_X86_64 1

#define STATE_ALIVE 1
#define STATE_DEAD 2
#define MODE_COMPAT 2
#define CET_SHSTK 1	/* of IA32_U_CET: it uses a shadow stack */

/* A core without what nobody may leave out; freed with release_core(). */
static struct error *load_core(const struct image_files *files, pid_t tid,
			       CriuCore **ret)
{
	ProtobufCMessage *m = NULL;
	char path[32];
	struct error *err;
	unsigned machine;

	snprintf(path, sizeof(path), "core-%d.img", (int)tid);
	err = criu_image_only(files, path, CRIU_CORE, &criu_core__descriptor,
			      &m);
	if (err)
		return err;
	*ret = (CriuCore *)m;
	machine = (*ret)->machine;
	if (machine == MACHINE_X86_64)
		return NULL;
	protobuf_c_message_free_unpacked(m, NULL);
	return error_new(ERROR_UNSUPPORTED, "%s: of a machine that is not x86 "
			 "but %s", path,
			 machine < ARRAY_SIZE(machines) ? machines[machine]
							: "unknown");
}

static void release_core(CriuCore *core)
{
	protobuf_c_message_free_unpacked(&core->base, NULL);
}

static void copy_name(const ProtobufCBinaryData *from, char *to, size_t size)
{
	size_t n = from->len < size ? from->len : size - 1;

	memset(to, 0, size);
	if (n)
		memcpy(to, from->data, n);
}

#define REG(reg, member) { reg, offsetof(CriuGprs, member) }

static const struct {
	enum x86_reg reg;
	size_t offset;		/* of the member of CriuGprs */
} registers[] = {
	REG(X86_RAX, ax), REG(X86_RDX, dx), REG(X86_RCX, cx),
	REG(X86_RBX, bx), REG(X86_RSI, si), REG(X86_RDI, di),
	REG(X86_RBP, bp), REG(X86_RSP, sp), REG(X86_R8, r8),
	REG(X86_R9, r9), REG(X86_R10, r10), REG(X86_R11, r11),
	REG(X86_R12, r12), REG(X86_R13, r13), REG(X86_R14, r14),
	REG(X86_R15, r15), REG(X86_RIP, ip), REG(X86_RFLAGS, flags),
	REG(X86_CS, cs), REG(X86_SS, ss), REG(X86_DS, ds), REG(X86_ES, es),
	REG(X86_FS, fs), REG(X86_GS, gs),
};

static void take_gprs(const CriuGprs *g, bool compat, struct thread *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
		enum x86_reg reg = registers[i].reg;
		uint64_t value;

		memcpy(&value, (const char *)g + registers[i].offset,
		       sizeof(value));
		if (reg >= X86_CS)
			value &= 0xffff;
		t->regs.r[reg] = compat ? (uint32_t)value : value;
	}
	t->orig_rax = compat ? (int32_t)g->orig_ax : (int64_t)g->orig_ax;
	t->has |= THREAD_HAS_PC_SP | THREAD_HAS_GPRS;
}

/* Of 32 bits each. */
enum { ST_WORDS = 32, XMM_WORDS = 64 };

/* As XSAVE would have written it, without the components behind the header. */
static struct error *take_xstate(const CriuFpregs *f, struct thread *t)
{
	uint8_t *image = calloc(1, XSTATE_MIN_SIZE);

	if (!image)
		return &error_no_memory;
	bytes_put(image + XSTATE_FCW_OFF, f->cwd, 2);
	bytes_put(image + XSTATE_FSW_OFF, f->swd, 2);
	bytes_put(image + XSTATE_FTW_OFF, f->twd, 1);
	bytes_put(image + XSTATE_FOP_OFF, f->fop, 2);
	bytes_put(image + XSTATE_FIP_OFF, f->rip, 8);
	bytes_put(image + XSTATE_FDP_OFF, f->rdp, 8);
	bytes_put(image + XSTATE_MXCSR_OFF, f->mxcsr, 4);
	bytes_put(image + XSTATE_MXCSR_MASK_OFF, f->mxcsr_mask, 4);
	for (size_t i = 0; i < f->n_st && i < ST_WORDS; i++)
		bytes_put(image + XSTATE_ST_OFF + 4 * i, f->st[i], 4);
	for (size_t i = 0; i < f->n_xmm && i < XMM_WORDS; i++)
		bytes_put(image + XSTATE_XMM_OFF + 4 * i, f->xmm[i], 4);
	bytes_put(image + XSTATE_HEADER_OFF, f->xsave ? f->xsave->xstate_bv
					       : XSTATE_LEGACY, 8);
	t->xstate = image;
	t->xstate_size = XSTATE_MIN_SIZE;
	t->has |= THREAD_HAS_XSTATE;
	return NULL;
}

/* False if CRIU would not take it: an array is too short, or too long. */
static bool take_components(const CriuXsave *x, struct thread *t)
{
	const struct {
		enum xstate_bit bit;
		size_t words;
		size_t expected;	/* 0: any */
	} arrays[] = {
		{ XSTATE_AVX, x->n_avx, 64 },
		{ XSTATE_BNDREGS, x->n_bndregs, 0 },
		{ XSTATE_BNDCSR, x->n_bndcsr, 0 },
		{ XSTATE_OPMASK, x->n_opmask, 8 },
		{ XSTATE_ZMM_HI256, x->n_zmm_hi256, 64 },
		{ XSTATE_HI16_ZMM, x->n_hi16_zmm, 128 },
		{ XSTATE_PKRU, x->n_pkru, 2 },
	};
	bool whole = x->has_xstate_bv;

	for (unsigned i = 0; i < ARRAY_SIZE(arrays); i++) {
		if (!arrays[i].words)
			continue;
		t->components |= XSTATE_BIT(arrays[i].bit);
		whole &= !arrays[i].expected ||
			 arrays[i].words == arrays[i].expected;
	}
	t->components_in_use = x->xstate_bv;
	if (x->n_pkru)
		t->pkru = (uint32_t)x->pkru[0];
	if (x->shadow_stack)
		t->shadow_stack = tri_of(x->shadow_stack->cet & CET_SHSTK);
	return whole;
}

static struct error *take_fpregs(const CriuFpregs *f, struct thread *t)
{
	bool whole = f->has_mxcsr && f->n_st == ST_WORDS &&
		     f->n_xmm == XMM_WORDS;

	t->components = t->components_in_use = XSTATE_LEGACY;
	if (f->xsave)
		whole &= take_components(f->xsave, t);
	t->components_in_use &= t->components;
	if (whole)
		t->has |= THREAD_HAS_COMPONENTS;
	return take_xstate(f, t);
}

/* The signals in a queue; those that are no signals are none. */
static uint64_t queued(const CriuQueue *q)
{
	uint64_t mask = 0;

	for (size_t i = 0; q && i < q->n_signals; i++) {
		const ProtobufCBinaryData *raw = &q->signals[i]->raw;
		struct bytes b = { raw->data, raw->len, 0 };
		uint32_t signo;

		if (bytes_u32(b, 0, &signo) && signo >= 1 &&
		    signo <= SNAPSHOT_SIGNALS)
			mask |= UINT64_C(1) << (signo - 1);
	}
	return mask;
}

static struct error *fill_thread(const CriuCore *core,
				 const struct criu_task *task,
				 struct thread *t)
{
	const CriuThread *own = core->thread;
	const CriuX86 *x86 = core->x86;

	if (core->task)
		copy_name(&core->task->comm, t->name, sizeof(t->name));
	else if (own)
		copy_name(&own->comm, t->name, sizeof(t->name));
	if (core->task && core->task->has_blocked) {
		t->sigmask = core->task->blocked;
		t->has |= THREAD_HAS_SIGMASK;
	} else if (own && own->has_blocked) {
		t->sigmask = own->blocked;
		t->has |= THREAD_HAS_SIGMASK;
	}
	if (own && own->altstack) {
		t->altstack = own->altstack->sp;
		t->altstack_size = own->altstack->size;
		t->has |= THREAD_HAS_ALTSTACK;
	}
	if (own && own->pending && task->pending_known) {
		t->pending = queued(own->pending) | task->pending;
		t->has |= THREAD_HAS_PENDING;
	}
	if (!x86 || !x86->gprs)
		return error_new(ERROR_BAD_INPUT, "its image has no "
				 "registers");
	take_gprs(x86->gprs, task->compat, t);
	return x86->fpregs ? take_fpregs(x86->fpregs, t) : NULL;
}

/* What is wrong with one of many threads is its own problem. */
static struct error *settle(struct error *err, struct thread *t)
{
	if (err && error_code(err) == ERROR_NO_MEMORY)
		return err;
	t->problem = err;
	return NULL;
}

/* They are in the order of the signals, without the two that have none. */
static void take_actions(const CriuTask *task, struct snapshot *s)
{
	size_t i = 0;

	if (task->n_actions != SNAPSHOT_SIGNALS - 2)
		return;
	for (int n = 1; n <= SNAPSHOT_SIGNALS; n++) {
		const CriuAction *a;

		if (n == SIGKILL || n == SIGSTOP)
			continue;
		a = task->actions[i++];
		s->actions[n - 1] = (struct signal_action){
			.handler = a->handler,
			.flags = a->flags,
			.restorer = a->restorer,
			.mask = a->mask,
		};
	}
	s->actions_known = true;
}

static struct error *add_leader(const CriuCore *core, pid_t pid,
				const struct criu_task *task,
				struct snapshot *s)
{
	struct thread *t = snapshot_add_thread(s, pid);

	if (!t)
		return &error_no_memory;
	if (task->dead) {
		memcpy(t->name, s->command, sizeof(t->name));
		t->state = 'Z';
		t->clear = true;
		return NULL;
	}
	if (core->task && core->task->state != STATE_ALIVE)
		t->state = 'T';
	return settle(fill_thread(core, task, t), t);
}

struct error *criu_task_read(const struct image_files *files, pid_t pid,
			     bool wanted, struct snapshot *s,
			     struct criu_task *ret)
{
	CriuCore *core = NULL;
	struct error *err = load_core(files, pid, &core);

	if (err)
		return err;

	const CriuTask *task = core->task;

	*ret = (struct criu_task){
		.dead = task && task->state == STATE_DEAD && !core->x86,
		.compat = core->x86 && core->x86->gprs &&
			  core->x86->gprs->mode == MODE_COMPAT,
		.pending_known = task && task->pending,
		.pending = task ? queued(task->pending) : 0,
	};
	if (ret->compat) {
		s->word = 4;
		s->machine = EM_386;
	}
	if (task) {
		_Static_assert(sizeof(s->command) ==
			       sizeof(s->threads->name), "both are names");
		copy_name(&task->comm, s->command, sizeof(s->command));
		take_actions(task, s);
	}
	if (wanted)
		err = add_leader(core, pid, ret, s);
	release_core(core);
	return err;
}

struct error *criu_task_add(const struct image_files *files, pid_t tid,
			    const struct criu_task *task, struct snapshot *s)
{
	struct thread *t = snapshot_add_thread(s, tid);
	CriuCore *core = NULL;
	struct error *err;

	if (!t)
		return &error_no_memory;
	err = load_core(files, tid, &core);
	if (!err) {
		err = fill_thread(core, task, t);
		release_core(core);
	}
	return settle(err, t);
}
