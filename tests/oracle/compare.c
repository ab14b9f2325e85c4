/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare.c - holds a prediction against what happened */
#include "compare.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "emulator.h"
#include "extract.h"

#define MXCSR_INIT UINT32_C(0x1f80)
#define PKUERR 4			/* SEGV_PKUERR */
#define FLAGS_RESTORED UINT64_C(0x40cd5) /* but for TF and RF */

/*
 * Components for which foreign bytes may be refused, replaced by the CPU, or
 * lock the thread out of its memory: what happens then is not predicted.
 */
#define UNRULY                                                                 \
	(XSTATE_BIT(XSTATE_BNDCSR) | XSTATE_BIT(XSTATE_PKRU) |                 \
	 XSTATE_BIT(XSTATE_XTILECFG) | XSTATE_BIT(XSTATE_XTILEDATA))

/* What happened to one case. */
struct observation {
	const struct oracle_case *c;
	const struct oracle_memory *m;
	const struct host *host;
	const struct child_shared *shared;
	struct frame_facts facts;
	struct run image;
	struct xstate_header header;	/* of the image; zeros without one */
	struct xstate_layout source;	/* where the image has its bytes */
	struct xstate_layout target;	/* where this CPU reads them */
	bool returned;
	bool have_state;		/* registers were read back */
	uint64_t features;		/* F */
	bool drops_bits;	/* of MXCSR, by the rules to be tested */
};

static void observe_return(struct observation *o, enum harness_end end)
{
	const struct child_result *r = &o->shared->result;

	o->returned = false;
	o->have_state = false;
	if (end != HARNESS_ANSWERED)
		return;
	o->have_state = r->xstate_size >= XSTATE_FX_SIZE;
	o->returned = r->path == CHILD_LANDED ||
		      (r->path == CHILD_SIGNALLED && r->signo == SIGTRAP) ||
		      (r->path == CHILD_SIGNALLED && r->signo == SIGSEGV &&
		       r->code == PKUERR);
}

static void collect_facts(struct observation *o)
{
	const struct oracle_memory *m = o->m;
	struct frame_facts *f = &o->facts;
	uint64_t rip = m->regs[X86_RIP];
	bool pad = rip - CHILD_PAD < CHILD_PAGE;
	struct xstate_sw sw;

	f->frame = image_run(m, m->frame);
	if (!sigframe_decode((enum sigframe_kind)o->c->v[CASE_KIND],
			     f->frame.bytes, &f->sigframe))
		f->sigframe = (struct sigframe){
			.kind = (enum sigframe_kind)o->c->v[CASE_KIND],
			.address = m->frame,
		};
	f->area = image_run(m, m->fpstate);
	o->image = image_run(m, m->image);
	f->family = XSTATE_FAMILY_UNKNOWN;
	if (xstate_sw_decode(o->image.bytes, &sw))
		f->family = xstate_infer_layout(&sw, &m->source.layout,
						&f->layout);
	f->around = (struct frame_surroundings){
		.rip_mapped = tri_of(pad || image_mapped(m, rip) ||
				     rip - CHILD_STACK < CHILD_PAGE),
		.rip_executable = tri_of(pad),
		.restorer = TRI_YES,
		.restorer_executable = TRI_YES,
		.resident = m->resident,
	};
}

static void find_layouts(struct observation *o)
{
	struct xstate_sw sw;
	uint32_t magic2;

	o->header = (struct xstate_header){ 0 };
	xstate_header_decode(o->image.bytes, &o->header);
	o->source = o->m->source.layout;
	/*
	 * An edited size may make it look like another maker's frame; but not
	 * where MAGIC2 still says how large it was.
	 */
	if (o->facts.family != XSTATE_FAMILY_UNKNOWN &&
	    xstate_sw_decode(o->image.bytes, &sw) &&
	    bytes_u32(o->image.bytes, sw.xstate_size, &magic2) &&
	    magic2 == XSTATE_MAGIC2)
		o->source = o->facts.layout;
	o->target = o->host->cpu.layout;
	if (o->facts.sigframe.kind == SIGFRAME_X86_64 &&
	    (o->header.xcomp_bv & XCOMP_BV_COMPACTED)) {
		image_compact_layout(o->host, o->header.xcomp_bv, &o->target);
		o->source = o->target;
	}
}

/* Components that the frame says its registers are in, by our own reading. */
static uint64_t in_use(const struct observation *o)
{
	bool said = o->c->v[CASE_UC_FLAGS] & SIGFRAME_UC_FP_XSTATE;
	struct xstate_sw sw = { 0 };

	if (!o->m->fpstate)
		return 0;
	if (!bytes_has(o->image.bytes, 0, XSTATE_MIN_SIZE) ||
	    !xstate_sw_decode(o->image.bytes, &sw))
		return XSTATE_LEGACY;
	/* one kind has no uc_flags: what the software bytes say must do */
	if (o->c->v[CASE_KIND] == SIGFRAME_IA32)
		said = o->m->source.xsave &&
		       (sw.magic1 != XSTATE_MAGIC1 ||
			sw.xstate_size != XSTATE_FX_SIZE ||
			(sw.xfeatures & ~XSTATE_LEGACY));
	if (said || (sw.magic1 == XSTATE_MAGIC1 &&
		     sw.xstate_size >= XSTATE_MIN_SIZE))
		return o->header.xstate_bv;
	return XSTATE_LEGACY;
}

static bool same(const uint8_t *a, size_t a_size, const uint8_t *b,
		 size_t b_size)
{
	return a_size == b_size && !memcmp(a, b, a_size);
}

/* Does register component `i` hold what the image has by layout `l`? */
static bool holds_image(const struct observation *o, unsigned i,
			const struct xstate_layout *l)
{
	static uint8_t got[CHILD_XSTATE], want[CHILD_XSTATE];
	const struct host *host = o->host;
	struct bytes b = o->image.bytes;
	/* the x87 registers of 32-bit frames are in the header before it */
	bool apart = i == XSTATE_X87 &&
		     sigframe_shapes[o->facts.sigframe.kind].header;
	uint64_t end = i < 2 ? XSTATE_XMM_OFF + 256 : l->offset[i] + l->size[i];

	if (!bytes_has(b, 0, end))
		return false;
	/* the CPU corrects control and status words that are just noise */
	if (i == XSTATE_X87 && o->c->v[CASE_FPSTATE] != CASE_DEFAULT)
		return true;

	size_t got_size = extract_state(i, o->shared->result.xstate,
					&host->cpu.layout,
					host->cpu.xsave == TRI_YES, got);
	size_t want_size = extract(i, apart ? o->m->own : b.data,
				   l->offset[i], l->size[i], want);

	return same(got, got_size, want, want_size);
}

static bool holds_state(const struct observation *o, unsigned i,
			const uint8_t *image)
{
	static uint8_t got[CHILD_XSTATE], want[CHILD_XSTATE];
	const struct xstate_layout *l = &o->host->cpu.layout;
	bool xsave = o->host->cpu.xsave == TRI_YES;
	size_t got_size = extract_state(i, o->shared->result.xstate, l, xsave,
					got);
	size_t want_size = extract_state(i, image, l, xsave, want);

	return same(got, got_size, want, want_size);
}

static bool holds_initial(const struct observation *o, unsigned i,
			  uint32_t pkru)
{
	static uint8_t got[CHILD_XSTATE], want[CHILD_XSTATE];
	const struct xstate_layout *l = &o->host->cpu.layout;
	size_t got_size = extract_state(i, o->shared->result.xstate, l,
					o->host->cpu.xsave == TRI_YES, got);
	size_t want_size = extract_initial(i, l->size[i], pkru, want);

	return same(got, got_size, want, want_size);
}

/* PKRU of a process that never touched it (init_pkru). */
static uint32_t clean_pkru(const struct observation *o)
{
	const struct xstate_layout *l = &o->host->cpu.layout;
	uint32_t pkru = 0;

	if (l->features & XSTATE_BIT(XSTATE_PKRU))
		memcpy(&pkru, o->shared->clean + l->offset[XSTATE_PKRU],
		       sizeof(pkru));
	return pkru;
}

static uint32_t word_at(const uint8_t *image, unsigned off)
{
	uint32_t word;

	memcpy(&word, image + off, sizeof(word));
	return word;
}

/* From best to worst, what became of the registers the frame held. */
static enum outcome observed_outcome(const struct observation *o)
{
	uint64_t used = in_use(o);
	enum outcome worst = OUTCOME_INTACT;

	if (!o->returned)
		return OUTCOME_FATAL;
	if (o->shared->result.regs[X86_RSP] != o->facts.sigframe.regs.r[X86_RSP])
		worst = OUTCOME_LOSSY;
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		enum outcome one = OUTCOME_GARBLED;

		if (!(used & XSTATE_BIT(i)))
			continue;
		if (!(o->features & XSTATE_BIT(i)))
			one = OUTCOME_LOSSY;
		else if ((o->source.features & XSTATE_BIT(i)) &&
			 holds_image(o, i, &o->source))
			one = OUTCOME_INTACT;
		else if (holds_initial(o, i, 0))
			one = OUTCOME_LOSSY;
		if (one > worst)
			worst = one;
	}
	return worst;
}

static bool disagree(struct comparison *ret, const char *what, unsigned i)
{
	ret->agreement = DISAGREES;
	snprintf(ret->why, sizeof(ret->why), "%s: %s", what,
		 i < XSTATE_MAX && xstate_components[i].name
			 ? xstate_components[i].name
			 : "");
	return false;
}

static bool disagree_mxcsr(struct comparison *ret, const char *when,
			   uint32_t mxcsr)
{
	ret->agreement = DISAGREES;
	snprintf(ret->why, sizeof(ret->why), "MXCSR, %s, is %#" PRIx32, when,
		 mxcsr);
	return false;
}

/* Does sigreturn get as far as installing the frame's registers? */
static bool frame_is_read(const struct observation *o)
{
	const struct sigframe_shape *s =
		&sigframe_shapes[o->facts.sigframe.kind];

	return bytes_has(o->facts.frame.bytes, 0, s->need_end);
}

/* After a refusal: initial, or untouched where it came before the FPU. */
static bool check_refused(const struct observation *o, struct comparison *ret)
{
	const struct child_result *r = &o->shared->result;
	bool read = frame_is_read(o);
	uint32_t mxcsr = read ? MXCSR_INIT
			      : word_at(o->shared->live, XSTATE_MXCSR_OFF);

	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		if (!(o->features & XSTATE_BIT(i)))
			continue;
		if (read && !holds_initial(o, i, clean_pkru(o)))
			return disagree(ret, "not reset after a refusal", i);
		if (!read && !holds_state(o, i, o->shared->live))
			return disagree(ret, "changed by a refusal", i);
	}
	if (!(read && emulator_bugs.keeps_initial) &&
	    word_at(r->xstate, XSTATE_MXCSR_OFF) != mxcsr)
		return disagree_mxcsr(ret, "after a refusal",
				      word_at(r->xstate, XSTATE_MXCSR_OFF));
	return true;
}

static bool check_mxcsr(const struct observation *o, struct comparison *ret)
{
	uint32_t got = word_at(o->shared->result.xstate, XSTATE_MXCSR_OFF);
	uint32_t image = 0;
	uint64_t claimed = 0;
	enum tri loaded = ret->verdict.mxcsr_loaded;
	bool copied = sigframe_shapes[o->facts.sigframe.kind].header;

	/* copied from a buffer that nobody filled in */
	if (copied &&
	    ret->verdict.paths == 1u << RESTORE_XSAVE &&
	    !(o->header.xstate_bv & 7))
		return true;
	bytes_u32(o->image.bytes, XSTATE_MXCSR_OFF, &image);
	bytes_u64(o->image.bytes, XSTATE_SW_OFF + 8, &claimed);

	uint32_t valid = image & o->host->cpu.mxcsr_mask;
	/* a CPU that does not look keeps them, the kernel never does */
	uint32_t whole = copied || o->host->cpu.checks_mxcsr != TRI_NO ? valid
								       : image;
	/* a kernel that copies drops them, if it comes to load MXCSR */
	bool asked = ret->verdict.paths != 1u << RESTORE_XSAVE ||
		     (claimed & XSTATE_BIT(XSTATE_SSE));
	uint32_t other = o->drops_bits && asked && image != valid ? valid
								  : MXCSR_INIT;

	if ((loaded != TRI_YES && emulator_bugs.keeps_initial) ||
	    (loaded != TRI_NO && got == whole) ||
	    (loaded != TRI_YES && got == other))
		return true;
	return disagree_mxcsr(ret, loaded == TRI_YES ? "loaded"
				   : loaded == TRI_NO ? "initial"
						      : "loaded or initial",
			      got);
}

/* Every component is where the verdict says it comes from. */
static bool check_registers(const struct observation *o,
			    struct comparison *ret)
{
	const struct verdict *v = &ret->verdict;
	uint32_t pkru = v->paths == 1u << RESTORE_INIT ? clean_pkru(o) : 0;

	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		uint64_t bit = XSTATE_BIT(i);

		if (!(o->features & bit))
			continue;
		if (v->loaded & bit) {
			if (!(o->source.features & bit) ||
			    !holds_image(o, i, &o->source))
				return disagree(ret, "not from the frame", i);
		} else if (v->garbled & bit) {
			if (!(UNRULY & bit) && !holds_image(o, i, &o->target))
				return disagree(ret, "not as garbled", i);
		} else if (!holds_initial(o, i, pkru)) {
			return disagree(ret, "not initial", i);
		}
	}
	return check_mxcsr(o, ret);
}

/* General registers are the frame's, as sigframe_decode() reads it. */
static bool check_general(const struct observation *o, struct comparison *ret)
{
	const struct child_result *r = &o->shared->result;
	const struct sigframe *f = &o->facts.sigframe;
	bool ia32 = sigframe_shapes[f->kind].header;
	bool refused = ret->verdict.paths == 1u << RESTORE_REFUSED;
	/* 32-bit code has no more of its stack pointer: observed_outcome() */
	bool narrow = x86_gprs_is_32bit(&f->regs) ||
		      f->regs.r[X86_CS] == (X86_USER32_CS & ~UINT64_C(3));

	for (unsigned i = 0; i < X86_RIP; i++) {
		uint64_t keep = narrow && i == X86_RSP ? UINT32_MAX
						       : UINT64_MAX;

		if (ia32 && i >= X86_R8)
			continue;
		if (refused && i == X86_RAX)	/* the call's result */
			continue;
		if ((r->regs[i] ^ f->regs.r[i]) & keep) {
			ret->agreement = DISAGREES;
			snprintf(ret->why, sizeof(ret->why),
				 "%s is %#" PRIx64 ", the frame has %#" PRIx64,
				 x86_reg_names[i], r->regs[i], f->regs.r[i]);
			return false;
		}
	}
	if ((r->regs[X86_RFLAGS] ^ f->regs.r[X86_RFLAGS]) & FLAGS_RESTORED)
		return disagree(ret, "flags are not the frame's", XSTATE_MAX);
	if (r->regs[X86_CS] != (f->regs.r[X86_CS] | 3))
		return disagree(ret, "cs is not the frame's", XSTATE_MAX);
	if (r->regs[X86_SS] != (f->regs.r[X86_SS] | 3) &&
	    r->regs[X86_SS] != X86_USER_DS)
		return disagree(ret, "ss is not the frame's", XSTATE_MAX);
	return true;
}

/* Does the frame's own PKRU, edited, close the memory that all of it is in? */
static bool locks_out(const struct observation *o, const struct verdict *v)
{
	uint32_t pkru;

	return ((v->loaded | v->garbled) & XSTATE_BIT(XSTATE_PKRU)) &&
	       bytes_u32(o->image.bytes, o->target.offset[XSTATE_PKRU],
			 &pkru) &&
	       (pkru & 3);
}

static bool mxcsr_changed(const struct observation *o)
{
	uint32_t image;

	return bytes_u32(o->image.bytes, XSTATE_MXCSR_OFF, &image) &&
	       word_at(o->shared->result.xstate, XSTATE_MXCSR_OFF) != image;
}

static bool check_outcome(const struct observation *o, struct comparison *ret)
{
	const struct verdict *v = &ret->verdict;
	bool fatal = v->outcome == OUTCOME_FATAL;

	/* MXCSR is no component; whether it counts depends on what claims it */
	if (ret->observed == OUTCOME_INTACT && o->have_state &&
	    !(v->possible & 1u << OUTCOME_INTACT) && mxcsr_changed(o))
		ret->observed = OUTCOME_LOSSY;
	if (v->outcome == OUTCOME_UNKNOWN) {
		ret->agreement = UNDECIDED;
		if (v->possible & 1u << ret->observed ||
		    (!o->returned && locks_out(o, v)))
			return true;
		return disagree(ret, "none of the possible outcomes",
				XSTATE_MAX);
	}
	if (fatal == o->returned) {
		if ((v->outcome == OUTCOME_GARBLED &&
		     (v->garbled & UNRULY)) ||
		    (!o->returned && locks_out(o, v))) {
			ret->agreement = UNDECIDED;
			return true;
		}
		return disagree(ret,
				fatal ? "it returned" : "it did not return",
				XSTATE_MAX);
	}
	/* foreign bytes may happen to be the right ones */
	if (o->m->fpstate && (v->outcome == OUTCOME_GARBLED
				      ? ret->observed > v->outcome
				      : ret->observed != v->outcome))
		return disagree(ret, "the outcome is another", XSTATE_MAX);
	return true;
}

static bool any_rule(rules_mask rules, unsigned flag)
{
	for (unsigned i = 0; i < RULES_COUNT; i++) {
		if ((rules & RULES_BIT(i)) && (rules_table[i].flags & flag))
			return true;
	}
	return false;
}

/* Is there one among these rules that may keep the thread in the kernel? */
static bool may_loop(rules_mask rules)
{
	for (unsigned i = 0; i < RULES_COUNT; i++) {
		if ((rules & RULES_BIT(i)) &&
		    rules_table[i].prefault == RULES_PREFAULT_XSTATE_SIZE)
			return true;
	}
	return false;
}

/*
 * Kernels that restore a misaligned image as FXSAVE copy all of it over the
 * thread's own, its header unchecked (5.10, __fpu__restore_sig()). With what
 * XRSTOR refuses in there, the registers last until the next task switch, and
 * become initial then. Nobody can tell when that is.
 */
static bool poisons_thread(const struct observation *o, rules_mask rules)
{
	return any_rule(rules, RULES_MISALIGNED_FX) &&
	       o->host->cpu.xsave == TRI_YES &&
	       o->c->v[CASE_SHIFT] % 64 &&
	       (o->header.xcomp_bv || o->header.reserved_16_23);
}

/* Does an emulator's mistake reach what the return leaves behind? */
static bool spoilt_by_emulator(const struct observation *o,
			       const struct verdict *v)
{
	uint64_t claimed = 0;

	bytes_u64(o->image.bytes, XSTATE_SW_OFF + 8, &claimed);
	return emulator_bugs.clears_zmm &&
	       v->paths == 1u << RESTORE_XSAVE &&
	       (v->loaded & XSTATE_BIT(XSTATE_ZMM_HI256)) &&
	       !(claimed & XSTATE_BIT(XSTATE_AVX));
}

void compare(const struct oracle_case *c, const struct oracle_memory *m,
	     const struct host *host, const struct target *target,
	     const struct harness *h, enum harness_end end, int signo,
	     struct comparison *ret)
{
	static struct observation o;
	const unsigned refused = 1u << RESTORE_REFUSED;

	o = (struct observation){
		.c = c, .m = m, .host = host, .shared = h->shared,
		.features = cpu_default_features(&host->cpu),
		.drops_bits = any_rule(target->rules, RULES_COPY_FALLBACK),
	};
	observe_return(&o, end);
	collect_facts(&o);
	find_layouts(&o);

	*ret = (struct comparison){ .verdict = predict(&o.facts, target) };
	ret->observed = observed_outcome(&o);
	if (end == HARNESS_HUNG && !may_loop(target->rules)) {
		disagree(ret, "it never came back", XSTATE_MAX);
		return;
	}
	if (end == HARNESS_KILLED && signo != SIGSEGV && signo != SIGBUS) {
		disagree(ret, "the child was killed otherwise", XSTATE_MAX);
		return;
	}
	if (end == HARNESS_ANSWERED &&
	    h->shared->result.path == CHILD_CONTINUED) {
		disagree(ret, "the system call returned", XSTATE_MAX);
		return;
	}
	if (poisons_thread(&o, target->rules) ||
	    spoilt_by_emulator(&o, &ret->verdict)) {
		ret->agreement = UNDECIDED;
		return;
	}
	if (!check_outcome(&o, ret) || !o.have_state)
		return;
	/* a thread locked out of its memory has more than one way to go */
	if (!o.returned && (ret->verdict.garbled & UNRULY))
		return;
	/* with several ways open, what is in the registers is not told */
	if (ret->verdict.paths & (ret->verdict.paths - 1))
		return;
	if (ret->verdict.paths == refused
		    ? !check_refused(&o, ret)
		    : ret->agreement == AGREES && !check_registers(&o, ret))
		return;
	if (frame_is_read(&o))
		check_general(&o, ret);
}
