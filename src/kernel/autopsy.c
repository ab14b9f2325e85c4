/* SPDX-License-Identifier: GPL-3.0-or-later */
/* autopsy.c - did a thread die of the sigreturn of a frame, and why */
#include "kernel/autopsy.h"

#include "kernel/checks.h"

const char *const autopsy_kind_names[] = {
	[AUTOPSY_NONE] = "none",
	[AUTOPSY_UNREADABLE] = "frame-unreadable",
	[AUTOPSY_REFUSED] = "frame-refused",
	[AUTOPSY_FAULT] = "return-fault",
};

#define SIGSEGV_NUMBER 11
#define SEGV_CODE_MAPERR 1
#define SEGV_CODE_ACCERR 2
#define CODE_KERNEL 0x80

#define FLAG_RF UINT64_C(0x10000)
/* FIX_EFLAGS, arch/x86/kernel/signal.c: CF PF AF ZF SF TF DF OF RF AC */
#define FLAGS_RESTORED UINT64_C(0x50dd5)

/* Exceptions, as in trapno (asm/trapnr.h). */
#define TRAP_GP 13
#define TRAP_PF 14

/* What a SIGSEGV looks like to who gets it. */
enum form {
	FORM_OTHER,
	FORM_KERNEL,	/* says nothing: #GP, or a sigreturn that gave up */
	FORM_FETCH,	/* the very instruction pointer is no code */
};

static enum form form_of(const struct autopsy_death *d)
{
	const struct siginfo *info = &d->info;

	if (info->signo != SIGSEGV_NUMBER)
		return FORM_OTHER;
	if (info->code == CODE_KERNEL)
		return FORM_KERNEL;
	if ((info->code == SEGV_CODE_MAPERR ||
	     info->code == SEGV_CODE_ACCERR) &&
	    info->addr == d->regs.r[X86_RIP])
		return FORM_FETCH;
	return FORM_OTHER;
}

bool autopsy_concerns(const struct autopsy_death *d)
{
	enum form form = form_of(d);

	/* what kills a thread inside the call is the call */
	return form == FORM_KERNEL ||
	       (form == FORM_FETCH && !d->in_sigreturn);
}

/* FCW and MXCSR as the CPU resets them (SDM vol. 1, 13.6). */
#define FCW_INIT 0x37f
#define MXCSR_INIT UINT32_C(0x1f80)

enum tri autopsy_initial(struct bytes image)
{
	struct xstate_header header;
	uint32_t mxcsr = 0;
	uint16_t fcw = 0;

	if (!xstate_header_decode(image, &header) ||
	    !bytes_u32(image, XSTATE_MXCSR_OFF, &mxcsr) ||
	    !bytes_u16(image, XSTATE_FCW_OFF, &fcw))
		return TRI_UNKNOWN;

	/* signal frames have the first two always marked as in use */
	if ((header.xstate_bv & XSTATE_BIT(XSTATE_SSE)) &&
	    (mxcsr != MXCSR_INIT ||
	     bytes_nonzero(image, XSTATE_XMM_OFF,
			   XSTATE_SW_OFF - 48 - XSTATE_XMM_OFF)))
		return TRI_NO;
	if ((header.xstate_bv & XSTATE_BIT(XSTATE_X87)) &&
	    (fcw != FCW_INIT ||
	     bytes_nonzero(image, XSTATE_FSW_OFF,
			   XSTATE_FOP_OFF - XSTATE_FSW_OFF)))
		return TRI_NO;
	/* others may be in use and zero, where a CPU does not keep track */
	return header.xstate_bv & ~(XSTATE_LEGACY | XSTATE_BIT(XSTATE_PKRU))
		       ? TRI_UNKNOWN
		       : TRI_YES;
}

/* Is the stack segment as sigreturn makes it of the frame's? */
static bool same_stack_segment(const struct autopsy_death *d,
			       const struct sigframe *f)
{
	uint64_t ss = d->regs.r[X86_SS] | 3;

	if (ss == (f->regs.r[X86_SS] | 3))
		return true;
	/* force_valid_ss() */
	return !sigframe_shapes[f->kind].header &&
	       !(f->uc_flags & SIGFRAME_UC_STRICT_RESTORE_SS) &&
	       (f->regs.r[X86_CS] | 3) == X86_USER_CS && ss == X86_USER_DS;
}

bool autopsy_same_registers(const struct autopsy_death *d,
			    const struct sigframe *f, bool faulted)
{
	uint64_t flags = FLAGS_RESTORED & ~(faulted ? FLAG_RF : 0);
	uint64_t mask = d->narrow ? UINT32_MAX : UINT64_MAX;
	const uint64_t *a = d->regs.r, *b = f->regs.r;

	for (unsigned i = X86_RAX; i <= X86_RIP; i++) {
		if (d->narrow && i >= X86_R8 && i <= X86_R15)
			continue;
		if ((a[i] ^ b[i]) & mask)
			return false;
	}
	return !((a[X86_RFLAGS] ^ b[X86_RFLAGS]) & flags) &&
	       (a[X86_CS] | 3) == (b[X86_CS] | 3) && same_stack_segment(d, f);
}

/* How the signal of a return that faults comes, by check. */
static const struct {
	const char *id;
	bool kernel;	/* FORM_KERNEL */
	bool fetch;	/* FORM_FETCH */
} faults[] = {
	{ "rip-out-of-range", .kernel = true, .fetch = true },
	{ "rip-unmapped", .fetch = true },
	{ "rip-not-executable", .fetch = true },
	{ "rip-above-4g", .kernel = true, .fetch = true },
	{ "cs-invalid", .kernel = true },
	{ "ss-invalid", .kernel = true },
};

static bool fault_fits(const struct check *c, enum form form)
{
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (!strcmp(faults[i].id, c->id))
			return form == FORM_KERNEL ? faults[i].kernel
						   : faults[i].fetch;
	return false;
}

/*
 * Had the code gone there before the signal came? Who jumps to nowhere, and
 * has a handler that returns, dies there a second time.
 */
static bool was_there_before(const struct sigframe *f, enum form form)
{
	if (form == FORM_FETCH)
		return f->trapno == TRAP_PF && f->cr2 == f->regs.r[X86_RIP];
	return f->trapno == TRAP_GP;
}

static enum autopsy_kind kind_of(const struct check *c)
{
	if (c->stages & CHECK_AT(CHECK_FRAME))
		return AUTOPSY_UNREADABLE;
	return c->stages & CHECK_AT(CHECK_RETURN) ? AUTOPSY_FAULT
						  : AUTOPSY_REFUSED;
}

/* Does the death look the way it does when this check fails? */
static bool explains(const struct autopsy_death *d,
		     const struct frame_facts *f, const struct check *c)
{
	const struct sigframe *s = &f->sigframe;
	enum autopsy_kind kind = kind_of(c);
	enum form form = form_of(d);
	bool by_rip = !strncmp(c->id, "rip-", 4);

	if (d->in_sigreturn || kind == AUTOPSY_UNREADABLE)
		return d->in_sigreturn && kind == AUTOPSY_UNREADABLE &&
		       form == FORM_KERNEL;
	if (kind == AUTOPSY_FAULT)
		return fault_fits(c, form) &&
		       !(by_rip && was_there_before(s, form)) &&
		       autopsy_same_registers(d, s, form == FORM_FETCH);
	if (form != FORM_KERNEL || d->initial == TRI_NO ||
	    !autopsy_same_registers(d, s, false))
		return false;
	/* as the instruction there leaves it when it raises #GP by itself */
	return !(d->have_trap && d->trap == TRAP_GP &&
		 !autopsy_no_fault(d) && d->initial != TRI_YES);
}

/* The check that ends the return under these rules; checks_count: none. */
static unsigned deadly_check(const struct frame_facts *f,
			     const struct target *t, bool in_sigreturn,
			     bool *sure_ret)
{
	struct verdict v = predict(f, t);

	for (unsigned i = 0; i < checks_count; i++)
		if (checks[i].outcome == OUTCOME_FATAL && (v.checks >> i & 1))
			return i;
	/* that it gave up is known, what is missing is why */
	*sure_ret = false;
	for (unsigned i = 0; in_sigreturn && i < checks_count; i++)
		if (checks[i].outcome == OUTCOME_FATAL &&
		    (v.unsure >> i & 1) &&
		    kind_of(&checks[i]) == AUTOPSY_UNREADABLE)
			return i;
	return checks_count;
}

/* What the signal says of the code, where a core lacks its mapping. */
static void take_address(const struct autopsy_death *d,
			 struct frame_surroundings *around)
{
	bool fetch = form_of(d) == FORM_FETCH;

	if (fetch && around->rip_mapped == TRI_UNKNOWN)
		around->rip_mapped = tri_of(d->info.code ==
					    SEGV_CODE_ACCERR);
	if (fetch && around->rip_executable == TRI_UNKNOWN)
		around->rip_executable = TRI_NO;
}

struct autopsy autopsy_judge(const struct autopsy_death *d,
			     const struct frame_facts *f,
			     const struct target *t)
{
	struct autopsy a = { .kind = AUTOPSY_NONE };
	struct frame_facts called = *f;
	rules_mask deadly = 0;

	if (!autopsy_concerns(d))
		return a;
	/* the question is what came of the call, so it was made */
	called.around.restorer = TRI_YES;
	called.around.restorer_executable = TRI_YES;
	take_address(d, &called.around);
	/* where kernels differ, the name that later ones give it */
	for (unsigned i = RULES_COUNT; i-- > 0;) {
		struct target one = *t;
		bool sure = true;
		unsigned check;

		one.rules = RULES_BIT(i);
		if (!(t->rules & one.rules))
			continue;
		check = deadly_check(&called, &one, d->in_sigreturn, &sure);
		if (check == checks_count || !explains(d, f, &checks[check]))
			continue;
		if (!a.kind) {
			a.kind = kind_of(&checks[check]);
			a.check = check;
		}
		if (check == a.check)
			a.rules |= one.rules;
		if (sure)
			deadly |= one.rules;
	}
	a.certain = a.kind && deadly == t->rules;
	return a;
}

bool autopsy_no_fault(const struct autopsy_death *d)
{
	return !(d->regs.r[X86_RFLAGS] & FLAG_RF);
}

bool autopsy_suspects(const struct autopsy_death *d)
{
	return form_of(d) == FORM_KERNEL && !d->in_sigreturn &&
	       d->initial == TRI_YES && autopsy_no_fault(d) &&
	       !(d->have_trap && d->trap == TRAP_GP);
}

/* Reasons that lie in the machine and not in a byte that went wrong. */
static const char *const of_machine[] = {
	"target-without-xsave",
	"xstate-size-over-target",
	"magic2-not-at-user-size",
	"in-use-not-enabled",
	"past-frame-end",
	"layout-differs",
};

static bool is_of_machine(const struct check *c)
{
	for (unsigned i = 0; i < sizeof(of_machine) / sizeof(of_machine[0]); i++)
		if (!strcmp(of_machine[i], c->id))
			return true;
	return false;
}

/* Is the image whole, as the kernel that wrote it left it? */
static bool is_whole(const struct frame_facts *f)
{
	struct bytes image = frame_image(f).bytes;
	struct xstate_sw sw;
	uint32_t magic2;

	return xstate_sw_decode(image, &sw) && sw.magic1 == XSTATE_MAGIC1 &&
	       sw.extended_size == sw.xstate_size + XSTATE_MAGIC2_SIZE +
			sigframe_shapes[f->sigframe.kind].header &&
	       bytes_u32(image, sw.xstate_size, &magic2) &&
	       magic2 == XSTATE_MAGIC2 && f->family != XSTATE_FAMILY_UNKNOWN;
}

enum outcome autopsy_returned(const struct frame_facts *f,
			      const struct target *t, unsigned *check_ret)
{
	const unsigned bad = 1u << OUTCOME_LOSSY | 1u << OUTCOME_GARBLED;
	struct frame_facts called = *f;
	struct verdict v;

	called.around.restorer = TRI_YES;
	called.around.restorer_executable = TRI_YES;
	v = predict(&called, t);
	if (!is_whole(f) || !v.possible || (v.possible & ~bad))
		return OUTCOME_INTACT;
	for (unsigned i = 0; i < checks_count; i++) {
		if (!(v.checks >> i & 1) || !is_of_machine(&checks[i]))
			continue;
		*check_ret = i;
		return v.possible & 1u << OUTCOME_LOSSY ? OUTCOME_LOSSY
							: OUTCOME_GARBLED;
	}
	return OUTCOME_INTACT;
}
