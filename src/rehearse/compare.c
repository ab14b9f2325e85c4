/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare.c - registers after a return, beside those that a frame holds */
#include "rehearse/compare.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "x86/xregs.h"

#define FCW_INIT 0x37f
#define MXCSR_INIT UINT32_C(0x1f80)
/* FCW: those there are; 6 always reads 1. FSW: ES and B follow from others. */
#define FCW_KEPT 0x1f3f
#define FSW_KEPT 0x7f7f

/*
 * Components for which foreign bytes may be refused, replaced by the CPU, or
 * lock the thread out of its memory: what happens then is not predicted.
 */
#define UNRULY                                                                 \
	(XSTATE_BIT(XSTATE_BNDCSR) | XSTATE_BIT(XSTATE_PKRU) |                 \
	 XSTATE_BIT(XSTATE_XTILECFG) | XSTATE_BIT(XSTATE_XTILEDATA))

/* struct _fpstate_32, before the image of 32-bit frames */
#define IA32_TAG_OFF 8
#define IA32_ST_OFF 28
#define ST_COUNT 8

#define COMPONENT_MAX 8192

/* A component's registers, in a form that can be compared. */
struct value {
	bool known;
	size_t size;
	uint8_t bytes[COMPONENT_MAX];
};

/* Fixed places, so that what is kept of x87 has the layout of FXSAVE. */
static void put_x87(uint16_t fcw, uint16_t fsw, uint8_t ftw,
		    struct value *ret)
{
	fcw &= FCW_KEPT;
	fsw &= FSW_KEPT;
	ret->known = true;
	ret->size = XSTATE_XMM_OFF;
	memset(ret->bytes, 0, XSTATE_XMM_OFF);
	memcpy(ret->bytes + XSTATE_FCW_OFF, &fcw, sizeof(fcw));
	memcpy(ret->bytes + XSTATE_FSW_OFF, &fsw, sizeof(fsw));
	ret->bytes[XSTATE_FTW_OFF] = ftw;
}

/* FOP, FIP and FDP are left out: not every CPU keeps them. */
static void x87_of_image(struct bytes image, struct value *ret)
{
	struct xregs x = { .image = image,
			   .in_use = XSTATE_BIT(XSTATE_X87) };
	struct xregs_x87 r;

	ret->known = false;
	if (!xregs_x87(&x, &r))
		return;
	put_x87(r.fcw, r.fsw, r.ftw, ret);
	for (unsigned i = 0; i < ST_COUNT; i++)
		memcpy(ret->bytes + XSTATE_ST_OFF + 16 * i, r.st[i],
		       XREGS_ST_SIZE);
}

/* Of 32-bit frames the header before the image counts. */
static void x87_of_header(struct bytes header, struct value *ret)
{
	uint16_t fcw, fsw, tags;
	uint8_t ftw = 0;

	ret->known = false;
	if (!bytes_u16(header, 0, &fcw) || !bytes_u16(header, 4, &fsw) ||
	    !bytes_u16(header, IA32_TAG_OFF, &tags) ||
	    !bytes_has(header, IA32_ST_OFF, ST_COUNT * XREGS_ST_SIZE))
		return;
	for (unsigned i = 0; i < ST_COUNT; i++)
		if ((tags >> 2 * i & 3) != 3)	/* not empty */
			ftw |= (uint8_t)(1u << i);
	put_x87(fcw, fsw, ftw, ret);
	for (unsigned i = 0; i < ST_COUNT; i++)
		memcpy(ret->bytes + XSTATE_ST_OFF + 16 * i,
		       header.data + IA32_ST_OFF + XREGS_ST_SIZE * i,
		       XREGS_ST_SIZE);
}

/* Bytes of a component that are registers. */
static size_t meaning(unsigned component, uint32_t size)
{
	if (component == XSTATE_PKRU)
		return 4;
	if (component == XSTATE_BNDCSR)
		return 16;
	return size;
}

static void value_at(struct bytes image, const struct xstate_layout *l,
		     unsigned component, struct value *ret)
{
	uint32_t size = l->size[component];

	/* a layout that came with a core may say any size */
	ret->known = (l->features & XSTATE_BIT(component)) &&
		     size <= COMPONENT_MAX &&
		     size >= meaning(component, size) &&
		     bytes_has(image, l->offset[component], size);
	ret->size = meaning(component, size);
	if (ret->known)
		memcpy(ret->bytes, image.data + l->offset[component],
		       ret->size);
}

static void initial_value(unsigned component, size_t size, struct value *ret)
{
	if (component == XSTATE_X87) {
		put_x87(FCW_INIT, 0, 0, ret);
		return;
	}
	ret->known = true;
	ret->size = size;
	memset(ret->bytes, 0, size);
}

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
			   struct value *ret)
{
	struct bytes image = frame_image(f).bytes;
	const struct xstate_layout *l = &f->layout;

	if (component == XSTATE_X87 && is_ia32(f)) {
		x87_of_header(f->area.bytes, ret);
	} else if (component == XSTATE_X87) {
		x87_of_image(image, ret);
	} else if (component == XSTATE_SSE) {
		value_at(image, xstate_family_layout(XSTATE_FAMILY_COMMON),
			 component, ret);
	} else {
		value_at(bytes_first(image, frame_size(f, r)), l, component,
			 ret);
	}
}

/* What the child had of it. */
static void value_of_child(const struct returned *r, unsigned component,
			   struct value *ret)
{
	struct xstate_header header = { 0 };
	size_t size = meaning(component, r->cpu->layout.size[component]);

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
		initial_value(component, size, ret);
	} else if (component == XSTATE_X87) {
		x87_of_image(r->image, ret);
	} else {
		value_at(r->image, &r->cpu->layout, component, ret);
	}
}

static bool same(const struct value *a, const struct value *b)
{
	return a->known && b->known && a->size == b->size &&
	       !memcmp(a->bytes, b->bytes, a->size);
}

/* Which registers differ, by xregs_files[]; 0 where that has none to name. */
static uint32_t differing(unsigned component, const struct value *a,
			  const struct value *b)
{
	const struct xregs_file *file = &xregs_files[component];
	uint32_t set = 0;

	if (!a->known || !b->known || a->size != b->size)
		return 0;
	for (unsigned i = 0; i < file->count; i++) {
		size_t at = file->start + (size_t)file->size * i;

		if (at + file->size <= a->size &&
		    memcmp(a->bytes + at, b->bytes + at, file->size))
			set |= UINT32_C(1) << i;
	}
	return set;
}

enum equality {
	EQUAL_FRAME = 1 << 0,
	EQUAL_INITIAL = 1 << 1,
};

/* What the child's component equals; *set_ret is where it differs. */
static unsigned equality(const struct frame_facts *f, const struct returned *r,
			 unsigned component, uint32_t *set_ret)
{
	static struct value wanted, got, initial;
	size_t size;

	value_of_frame(f, r, component, &wanted);
	value_of_child(r, component, &got);
	size = got.known ? got.size
			 : meaning(component, r->cpu->layout.size[component]);
	/* a task that lacks the component has lost it */
	initial_value(component, size, &initial);
	*set_ret = differing(component, &wanted, got.known ? &got : &initial);
	return (same(&wanted, &got) ? EQUAL_FRAME : 0) |
	       (!got.known || same(&initial, &got) ? EQUAL_INITIAL : 0);
}

/*
 * Where XCOMP_BV says that the image is compacted, nothing tells whether who
 * wrote that moved the components, too.
 */
static bool is_ambiguous(const struct frame_facts *f, uint64_t in_use)
{
	struct xstate_header header;
	struct xstate_layout compact;

	if (is_ia32(f) ||
	    !xstate_header_decode(frame_image(f).bytes, &header) ||
	    !(header.xcomp_bv & XCOMP_BV_COMPACTED))
		return false;
	xstate_compact(&f->layout, header.xcomp_bv, XSTATE_COMPACT_ALIGNED,
		       &compact);
	for (unsigned i = XSTATE_AVX; i < XSTATE_MAX; i++)
		if ((in_use & XSTATE_BIT(i)) &&
		    (!(compact.features & XSTATE_BIT(i)) ||
		     compact.offset[i] != f->layout.offset[i]))
			return true;
	return false;
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
