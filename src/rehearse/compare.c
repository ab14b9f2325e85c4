/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare.c - registers after a return, beside those that a frame holds */
#include "rehearse/compare.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "x86/xvalue.h"

/*
 * Components for which foreign bytes may be refused, replaced by the CPU, or
 * lock the thread out of its memory: what happens then is not predicted.
 */
#define UNRULY                                                                 \
	(XSTATE_BIT(XSTATE_BNDCSR) | XSTATE_BIT(XSTATE_PKRU) |                 \
	 XSTATE_BIT(XSTATE_XTILECFG) | XSTATE_BIT(XSTATE_XTILEDATA))

/*
 * Bytes of the image that are the frame's. One whose MAGIC2 is not where its
 * xstate_size says, but where a kernel of this CPU looks, has that size.
 */
static uint64_t frame_size(const struct frame_facts *f,
			   const struct returned *r)
{
	struct bytes image = frame_image(f).bytes;
	uint32_t size = cpu_user_size(r->cpu, r->saved), magic2;
	struct xstate_sw sw;

	if (!xstate_sw_decode(image, &sw) || sw.magic1 != XSTATE_MAGIC1 ||
	    sw.xstate_size < XSTATE_MIN_SIZE)
		return image.size;
	if (bytes_u32(image, sw.xstate_size, &magic2) &&
	    magic2 == XSTATE_MAGIC2)
		return sw.xstate_size;
	if (bytes_u32(image, size, &magic2) && magic2 == XSTATE_MAGIC2)
		return size;
	return sw.xstate_size;
}

static bool is_ia32(const struct frame_facts *f)
{
	return sigframe_shapes[f->sigframe.kind].header != 0;
}

/* What the frame holds of a component. */
static void value_of_frame(const struct frame_facts *f,
			   const struct returned *r, unsigned component,
			   struct xvalue *ret)
{
	struct bytes image = frame_image(f).bytes;
	struct xregs_x87 x87;

	if (component == XSTATE_X87 && is_ia32(f)) {
		/* of 32-bit frames the header before the image counts */
		ret->known = xregs_x87_of_header(f->area.bytes, &x87);
		if (ret->known)
			xvalue_x87(&x87, ret);
		return;
	}
	if (component > XSTATE_SSE)
		image = bytes_first(image, frame_size(f, r));
	xvalue_of_image(image, &f->layout, component, ret);
}

/* What the child had of it. */
static void value_of_child(const struct returned *r, unsigned component,
			   struct xvalue *ret)
{
	struct xstate_header header = { 0 };
	size_t size = xvalue_size(component, r->cpu->layout.size[component]);

	xstate_header_decode(r->image, &header);
	ret->known = false;
	ret->size = 0;
	if (!(r->saved & XSTATE_BIT(component)))
		return;
	if (component == XSTATE_PKRU) {
		ret->known = true;
		ret->size = sizeof(r->pkru);
		memcpy(ret->bytes, &r->pkru, sizeof(r->pkru));
	} else if (!(header.xstate_bv & XSTATE_BIT(component))) {
		xvalue_initial(component, size, ret);
	} else {
		xvalue_of_image(r->image, &r->cpu->layout, component, ret);
	}
}

enum equality {
	EQUAL_FRAME = 1 << 0,
	EQUAL_INITIAL = 1 << 1,
};

/* What the child's component equals; *set_ret is where it differs. */
static unsigned equality(const struct frame_facts *f, const struct returned *r,
			 unsigned component, uint32_t *set_ret)
{
	static struct xvalue wanted, got, initial;
	size_t size;

	value_of_frame(f, r, component, &wanted);
	value_of_child(r, component, &got);
	size = got.known ? got.size
			 : xvalue_size(component,
				       r->cpu->layout.size[component]);
	/* a task that lacks the component has lost it */
	xvalue_initial(component, size, &initial);
	*set_ret = xvalue_differing(component, &wanted,
				    got.known ? &got : &initial);
	return (xvalue_same(&wanted, &got) ? EQUAL_FRAME : 0) |
	       (!got.known || xvalue_same(&initial, &got) ? EQUAL_INITIAL : 0);
}

/* Nothing tells where the frame has some of its components. */
static bool is_ambiguous(const struct frame_facts *f, uint64_t in_use)
{
	struct xstate_header header;

	return !is_ia32(f) &&
	       xstate_header_decode(frame_image(f).bytes, &header) &&
	       xstate_is_ambiguous(&f->layout, header.xcomp_bv, in_use);
}

/* Components in use of which nothing tells where the frame has them. */
static uint64_t placeless(const struct frame_facts *f,
			  const struct returned *r, uint64_t in_use)
{
	struct xstate_header header = { 0 };

	xstate_header_decode(r->image, &header);
	return in_use & ~XSTATE_LEGACY & ~f->layout.features &
	       header.xstate_bv;
}

static void compare_mxcsr(const struct frame_facts *f,
			  const struct returned *r, struct rehearsal *ret)
{
	uint32_t wanted, got;

	if (!bytes_u32(frame_image(f).bytes, XSTATE_MXCSR_OFF, &wanted) ||
	    !bytes_u32(r->image, XSTATE_MXCSR_OFF, &got))
		return;
	ret->mxcsr_differs = wanted != got;
}

void compare_registers(const struct frame_facts *f, const struct returned *r,
		       struct rehearsal *ret)
{
	uint64_t in_use;
	bool known = frame_in_use(f, &in_use) == TRI_YES;

	ret->outcome = OUTCOME_UNKNOWN;
	if (!f->sigframe.fpstate) {	/* whatever there was */
		ret->lost = r->saved;
		ret->outcome = OUTCOME_LOSSY;
		return;
	}
	if (!known || is_ambiguous(f, in_use) || placeless(f, r, in_use)) {
		snprintf(ret->reason, sizeof(ret->reason), "%s",
			 !known ? "it returns, but what the frame holds in "
				  "use is not known"
				: "it returns, but where the frame has its "
				  "registers is not known");
		return;
	}
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		uint32_t set;
		unsigned equal;

		if (!(in_use & XSTATE_BIT(i)))
			continue;
		equal = equality(f, r, i, &set);
		if (equal & EQUAL_FRAME)
			continue;
		ret->registers[i] = set;
		if (equal & EQUAL_INITIAL)
			ret->lost |= XSTATE_BIT(i);
		else
			ret->garbled |= XSTATE_BIT(i);
	}
	if (in_use & XSTATE_BIT(XSTATE_SSE))
		compare_mxcsr(f, r, ret);
	ret->outcome = ret->garbled		       ? OUTCOME_GARBLED
		       : ret->lost || ret->mxcsr_differs ? OUTCOME_LOSSY
							 : OUTCOME_INTACT;
}

static void disagree(struct rehearsal *ret, const char *what, unsigned component)
{
	const char *name = component < XSTATE_MAX
				   ? xstate_components[component].name
				   : NULL;

	if (!ret->agrees)
		return;
	ret->agrees = false;
	snprintf(ret->difference, sizeof(ret->difference), "%s%s%s", what,
		 name ? ": " : "", name ? name : "");
}

/* MXCSR is left alone where a kernel reads it from what nobody filled in. */
static void check_mxcsr(const struct frame_facts *f, const struct returned *r,
			struct rehearsal *ret)
{
	const struct verdict *v = &ret->expected;
	uint32_t wanted, got;

	if (v->mxcsr_loaded == TRI_UNKNOWN ||
	    !bytes_u32(frame_image(f).bytes, XSTATE_MXCSR_OFF, &wanted) ||
	    !bytes_u32(r->image, XSTATE_MXCSR_OFF, &got))
		return;
	if (v->mxcsr_loaded == TRI_YES && wanted != got)
		disagree(ret, "mxcsr is not the frame's", XSTATE_MAX);
}

/* Every component is what the verdict says. */
static void check_components(const struct frame_facts *f,
			     const struct returned *r, struct rehearsal *ret)
{
	const struct verdict *v = &ret->expected;

	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		uint64_t bit = XSTATE_BIT(i);
		uint32_t set;
		unsigned equal;

		if (!(r->saved & bit) || (v->garbled & bit))
			continue;
		equal = equality(f, r, i, &set);
		if ((v->loaded & bit) && !(equal & EQUAL_FRAME))
			disagree(ret, "not the frame's", i);
		/* PKRU has an initial value of the kernel's own */
		if (!(v->loaded & bit) && i != XSTATE_PKRU &&
		    !(equal & EQUAL_INITIAL))
			disagree(ret, "not initial", i);
	}
	check_mxcsr(f, r, ret);
}

void compare_verdict(const struct frame_facts *f, const struct returned *r,
		     struct rehearsal *ret)
{
	const unsigned fatal = 1u << OUTCOME_FATAL;
	const struct verdict *v = &ret->expected;

	ret->agrees = true;
	if (ret->outcome == OUTCOME_FATAL) {
		if (!(v->possible & fatal) && !(v->garbled & UNRULY))
			disagree(ret, "it does not return", XSTATE_MAX);
		return;
	}
	if (v->possible == fatal) {
		disagree(ret, "it returns", XSTATE_MAX);
		return;
	}
	/* with several ways open, what is in the registers is not told */
	if (v->paths & (v->paths - 1))
		return;
	check_components(f, r, ret);
	if (v->outcome < ret->outcome && ret->outcome != OUTCOME_UNKNOWN)
		disagree(ret, "the registers are not those expected",
			 XSTATE_MAX);
}
