/* SPDX-License-Identifier: GPL-3.0-or-later */
/* difference.c - two frames, or two sets of registers, held side by side */
#include "kernel/difference.h"

#include "base/cleanup.h"
#include "x86/xvalue.h"

#define XSTATE_SW_SIZE 20	/* bytes that xstate_sw_decode() reads */

const struct difference_word_row difference_words[DIFFERENCE_WORDS] = {
	[X86_RAX] = { "rax", false },
	[X86_RDX] = { "rdx", false },
	[X86_RCX] = { "rcx", false },
	[X86_RBX] = { "rbx", false },
	[X86_RSI] = { "rsi", false },
	[X86_RDI] = { "rdi", false },
	[X86_RBP] = { "rbp", false },
	[X86_RSP] = { "rsp", false },
	[X86_R8] = { "r8", false },
	[X86_R9] = { "r9", false },
	[X86_R10] = { "r10", false },
	[X86_R11] = { "r11", false },
	[X86_R12] = { "r12", false },
	[X86_R13] = { "r13", false },
	[X86_R14] = { "r14", false },
	[X86_R15] = { "r15", false },
	[X86_RIP] = { "rip", false },
	[X86_RFLAGS] = { "rflags", false },
	[X86_CS] = { "cs", false },
	[X86_SS] = { "ss", false },
	[X86_DS] = { "ds", false },
	[X86_ES] = { "es", false },
	[X86_FS] = { "fs", false },
	[X86_GS] = { "gs", false },
	[DIFFERENCE_SIGMASK] = { "sigmask", false },
	[DIFFERENCE_ALTSTACK] = { "altstack", false },
	[DIFFERENCE_ALTSTACK_SIZE] = { "altstack_size", true },
	[DIFFERENCE_ALTSTACK_FLAGS] = { "altstack_flags", false },
	[DIFFERENCE_RESTORER] = { "restorer", false },
	[DIFFERENCE_UC_FLAGS] = { "uc_flags", false },
	[DIFFERENCE_UC_LINK] = { "uc_link", false },
	[DIFFERENCE_SIGNAL] = { "signal", true },
	[DIFFERENCE_TRAPNO] = { "trapno", true },
	[DIFFERENCE_ERR] = { "err", false },
	[DIFFERENCE_CR2] = { "cr2", false },
	[DIFFERENCE_OLDMASK] = { "oldmask", false },
	[DIFFERENCE_FPSTATE] = { "fpstate", false },
	[DIFFERENCE_MAGIC1] = { "magic1", false },
	[DIFFERENCE_XSTATE_SIZE] = { "xstate_size", true },
	[DIFFERENCE_EXTENDED_SIZE] = { "extended_size", true },
	[DIFFERENCE_XFEATURES] = { "xfeatures", false },
	[DIFFERENCE_MAGIC2] = { "magic2", false },
	[DIFFERENCE_XSTATE_BV] = { "xstate_bv", false },
	[DIFFERENCE_XCOMP_BV] = { "xcomp_bv", false },
	[DIFFERENCE_FCW] = { "fcw", false },
	[DIFFERENCE_FSW] = { "fsw", false },
	[DIFFERENCE_FTW] = { "ftw", false },
	[DIFFERENCE_FOP] = { "fop", false },
	[DIFFERENCE_FIP] = { "fip", false },
	[DIFFERENCE_FDP] = { "fdp", false },
	[DIFFERENCE_MXCSR] = { "mxcsr", false },
	[DIFFERENCE_MXCSR_MASK] = { "mxcsr_mask", false },
};

static void set_word(struct difference_side *s, unsigned word, uint64_t value)
{
	s->words[word] = value;
	s->states[word] = DIFFERENCE_KNOWN;
}

static enum difference_state state_of(enum tri readable)
{
	return readable == TRI_YES  ? DIFFERENCE_KNOWN
	       : readable == TRI_NO ? DIFFERENCE_ABSENT
				    : DIFFERENCE_UNKNOWN;
}

/* The word at byte `off` of the image. */
static void take_word(struct difference_side *s, unsigned word,
		      const struct run *image, uint64_t off, unsigned width)
{
	s->states[word] = state_of(run_readable(image, off, width));
	bytes_word(image->bytes, off, width, &s->words[word]);
}

static void take_x87(struct difference_side *s, bool pointers)
{
	const struct xregs_x87 *x = &s->x87;
	const struct {
		unsigned word;
		uint64_t value;
	} control[] = {
		{ DIFFERENCE_FCW, x->fcw }, { DIFFERENCE_FSW, x->fsw },
		{ DIFFERENCE_FTW, x->ftw }, { DIFFERENCE_FOP, x->fop },
		{ DIFFERENCE_FIP, x->fip }, { DIFFERENCE_FDP, x->fdp },
	};

	for (unsigned i = 0; i < (pointers ? ARRAY_SIZE(control) : 3); i++) {
		s->words[control[i].word] = control[i].value;
		s->states[control[i].word] = s->x87_state;
	}
}

/* What counts of the image: its first `size` bytes. */
static struct run cut_image(const struct run *image, uint64_t size)
{
	struct run r = *image;

	if (r.bytes.size < size)
		return r;
	r.bytes = bytes_first(r.bytes, size);
	r.end = RUN_END_UNREADABLE;
	return r;
}

static void take_image(const struct frame_facts *f, struct difference_side *s)
{
	struct run image = frame_image(f);
	struct xstate_header header = { 0 };
	struct xstate_sw sw = { 0 };
	bool have_sw = xstate_sw_decode(image.bytes, &sw);
	bool extended = have_sw && sw.magic1 == XSTATE_MAGIC1;
	bool ia32 = sigframe_shapes[f->sigframe.kind].header != 0;

	take_word(s, DIFFERENCE_MAGIC1, &image, XSTATE_SW_OFF, 4);
	take_word(s, DIFFERENCE_MXCSR, &image, XSTATE_MXCSR_OFF, 4);
	take_word(s, DIFFERENCE_MXCSR_MASK, &image, XSTATE_MXCSR_MASK_OFF, 4);
	if (!have_sw)
		for (unsigned i = DIFFERENCE_XSTATE_SIZE;
		     i <= DIFFERENCE_MAGIC2; i++)
			s->states[i] = state_of(run_readable(
				&image, XSTATE_SW_OFF, XSTATE_SW_SIZE));
	if (extended) {
		set_word(s, DIFFERENCE_XSTATE_SIZE, sw.xstate_size);
		set_word(s, DIFFERENCE_EXTENDED_SIZE, sw.extended_size);
		set_word(s, DIFFERENCE_XFEATURES, sw.xfeatures);
		take_word(s, DIFFERENCE_MAGIC2, &image, sw.xstate_size, 4);
		s->possible |= sw.xfeatures;
	}
	if (!s->in_use_known || extended || s->in_use != XSTATE_LEGACY) {
		take_word(s, DIFFERENCE_XSTATE_BV, &image, XSTATE_HEADER_OFF,
			  8);
		take_word(s, DIFFERENCE_XCOMP_BV, &image,
			  XSTATE_HEADER_OFF + 8, 8);
		xstate_header_decode(image.bytes, &header);
	}
	s->placed = ia32 || !xstate_is_ambiguous(&s->layout, header.xcomp_bv,
						 s->in_use);
	/* one that has lost its software bytes may be of any size */
	s->image = image;
	if (extended && sw.xstate_size >= XSTATE_MIN_SIZE)
		s->image = cut_image(&image, sw.xstate_size);
	else if (!(s->in_use & ~XSTATE_LEGACY))
		s->image = cut_image(&image, XSTATE_FX_SIZE);
	if (ia32) {
		s->x87_state = state_of(run_readable(
			&f->area, 0, sigframe_shapes[f->sigframe.kind].header));
		xregs_x87_of_header(f->area.bytes, &s->x87);
	} else {
		struct xregs x = { .image = image.bytes, .in_use = s->in_use };

		s->x87_state = state_of(run_readable(&image, 0,
						     XSTATE_XMM_OFF));
		xregs_x87(&x, &s->x87);
	}
	take_x87(s, true);
}

static void absent(struct difference_side *s)
{
	*s = (struct difference_side){ .info_state = DIFFERENCE_ABSENT,
				       .x87_state = DIFFERENCE_ABSENT,
				       .placed = true };
	for (unsigned i = 0; i < DIFFERENCE_WORDS; i++)
		s->states[i] = DIFFERENCE_ABSENT;
}

void difference_of_frame(const struct frame_facts *f,
			 struct difference_side *ret)
{
	const struct sigframe *g = &f->sigframe;
	const struct {
		unsigned word;
		uint64_t value;
	} words[] = {
		{ DIFFERENCE_SIGMASK, g->sigmask },
		{ DIFFERENCE_ALTSTACK, g->altstack_sp },
		{ DIFFERENCE_ALTSTACK_SIZE, g->altstack_size },
		{ DIFFERENCE_ALTSTACK_FLAGS, g->altstack_flags },
		{ DIFFERENCE_RESTORER, g->pretcode },
		{ DIFFERENCE_UC_FLAGS, g->uc_flags },
		{ DIFFERENCE_UC_LINK, g->uc_link },
		{ DIFFERENCE_SIGNAL, g->sig },
		{ DIFFERENCE_TRAPNO, g->trapno },
		{ DIFFERENCE_ERR, g->err },
		{ DIFFERENCE_CR2, g->cr2 },
		{ DIFFERENCE_OLDMASK, g->oldmask },
		{ DIFFERENCE_FPSTATE, g->fpstate },
	};

	absent(ret);
	for (unsigned i = 0; i < X86_REGS; i++)
		set_word(ret, i, g->regs.r[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		set_word(ret, words[i].word, words[i].value);
	if (g->kind == SIGFRAME_IA32)	/* a part of sigmask there */
		ret->states[DIFFERENCE_OLDMASK] = DIFFERENCE_ABSENT;
	if (sigframe_shapes[g->kind].info >= 0)
		ret->info_state = g->have_info ? DIFFERENCE_KNOWN
					       : DIFFERENCE_UNKNOWN;
	if (g->have_info)
		memcpy(ret->info, g->info, sizeof(ret->info));

	ret->layout = f->layout;
	ret->in_use_known = frame_in_use(f, &ret->in_use) == TRI_YES;
	ret->possible = ret->in_use;
	if (g->fpstate)
		take_image(f, ret);
}

void difference_of_registers(const struct x86_gprs *g, uint64_t words,
			     struct bytes image,
			     const struct xstate_layout *layout,
			     struct difference_side *ret)
{
	struct run run = { image, RUN_END_UNKNOWN };
	struct xregs x = { .image = image };
	struct xstate_header header;

	absent(ret);
	for (unsigned i = 0; i < X86_REGS; i++) {
		ret->states[i] = DIFFERENCE_UNKNOWN;
		if (words & DIFFERENCE_BIT(i))
			set_word(ret, i, g->r[i]);
	}
	ret->image = run;
	ret->layout = *layout;
	ret->possible = layout->features | XSTATE_LEGACY;
	ret->in_use_known = xstate_header_decode(image, &header);
	if (ret->in_use_known) {
		ret->in_use = header.xstate_bv;
		/* its value is there even if the header does not say so */
		if (layout->features & XSTATE_BIT(XSTATE_PKRU) &&
		    bytes_has(image, layout->offset[XSTATE_PKRU],
			      layout->size[XSTATE_PKRU]))
			ret->in_use |= XSTATE_BIT(XSTATE_PKRU);
		ret->possible |= ret->in_use;
	}
	take_word(ret, DIFFERENCE_MXCSR, &run, XSTATE_MXCSR_OFF, 4);
	x.in_use = ret->in_use;
	ret->x87_state = ret->in_use_known && xregs_x87(&x, &ret->x87)
				 ? DIFFERENCE_KNOWN
				 : DIFFERENCE_UNKNOWN;
	take_x87(ret, false);
}

/* What that side has of a component; `size` bytes if only initial values. */
static enum difference_state take_value(const struct difference_side *s,
					unsigned component, size_t size,
					struct xvalue *ret)
{
	uint64_t bit = XSTATE_BIT(component);

	ret->known = false;
	ret->size = 0;
	if (!s->in_use_known)
		return DIFFERENCE_UNKNOWN;
	if (!(s->in_use & bit)) {
		xvalue_initial(component, size, ret);
		return DIFFERENCE_KNOWN;
	}
	if (component > XSTATE_SSE && !s->placed)
		return DIFFERENCE_UNKNOWN;
	xvalue_of_image(s->image.bytes, &s->layout, component, ret);
	if (ret->known)
		return DIFFERENCE_KNOWN;
	if (component > XSTATE_SSE && !(s->layout.features & bit))
		return DIFFERENCE_UNKNOWN;

	uint64_t at = component == XSTATE_SSE ? XSTATE_XMM_OFF
					      : s->layout.offset[component];

	return run_readable(&s->image, at, ret->size) == TRI_NO
		       ? DIFFERENCE_ABSENT
		       : DIFFERENCE_UNKNOWN;
}

static void compare_component(const struct difference_side *a,
			      const struct difference_side *b,
			      unsigned component, struct difference *ret)
{
	uint64_t bit = XSTATE_BIT(component);
	struct xvalue x, y;
	enum difference_state x_state, y_state;

	/* the size of initial values is the other's */
	x_state = take_value(a, component, 0, &x);
	y_state = take_value(b, component, x.size, &y);
	if (!(a->in_use & bit))
		x_state = take_value(a, component, y.size, &x);
	if (x_state == DIFFERENCE_UNKNOWN || y_state == DIFFERENCE_UNKNOWN) {
		ret->components_unknown |= bit;
		return;
	}
	if (x_state == y_state &&
	    (x_state == DIFFERENCE_ABSENT || xvalue_same(&x, &y)))
		return;
	ret->components |= bit;
	ret->registers[component] = xvalue_differing(component, &x, &y);
}

/* Beside its control words, which are compared as words. */
static void compare_x87(const struct difference_side *a,
			const struct difference_side *b,
			struct difference *ret)
{
	if (a->x87_state == DIFFERENCE_UNKNOWN ||
	    b->x87_state == DIFFERENCE_UNKNOWN) {
		ret->components_unknown |= XSTATE_BIT(XSTATE_X87);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(a->x87.st); i++)
		if (memcmp(a->x87.st[i], b->x87.st[i], XREGS_ST_SIZE))
			ret->registers[XSTATE_X87] |= UINT32_C(1) << i;
	if (ret->registers[XSTATE_X87])
		ret->components |= XSTATE_BIT(XSTATE_X87);
}

/* The same bytes are the same registers, wherever those are. */
static bool identical(const struct difference_side *a,
		      const struct difference_side *b)
{
	const struct bytes *x = &a->image.bytes, *y = &b->image.bytes;

	return a->in_use_known && b->in_use_known &&
	       a->in_use == b->in_use && x->size == y->size &&
	       a->image.end == RUN_END_UNREADABLE &&
	       b->image.end == RUN_END_UNREADABLE &&
	       (!x->size || !memcmp(x->data, y->data, x->size));
}

static void compare_words(const struct difference_side *a,
			  const struct difference_side *b,
			  struct difference *ret)
{
	for (unsigned i = 0; i < DIFFERENCE_WORDS; i++) {
		enum difference_state x = a->states[i], y = b->states[i];

		if (x == DIFFERENCE_UNKNOWN || y == DIFFERENCE_UNKNOWN)
			ret->words_unknown |= DIFFERENCE_BIT(i);
		else if (x != y || (x == DIFFERENCE_KNOWN &&
				    a->words[i] != b->words[i]))
			ret->words |= DIFFERENCE_BIT(i);
	}
}

static void compare_layouts(const struct difference_side *a,
			    const struct difference_side *b,
			    struct difference *ret)
{
	const struct xstate_layout *x = &a->layout, *y = &b->layout;
	uint64_t both = a->possible & b->possible & x->features & y->features;

	for (unsigned i = XSTATE_AVX; i < XSTATE_MAX; i++)
		if ((both & XSTATE_BIT(i)) &&
		    (x->offset[i] != y->offset[i] || x->size[i] != y->size[i]))
			ret->moved |= XSTATE_BIT(i);
}

void difference_between(const struct difference_side *a,
			const struct difference_side *b,
			struct difference *ret)
{
	bool whole = identical(a, b);

	*ret = (struct difference){ 0 };
	compare_words(a, b, ret);
	if (a->info_state == DIFFERENCE_UNKNOWN ||
	    b->info_state == DIFFERENCE_UNKNOWN)
		ret->info_unknown = true;
	else
		ret->info = memcmp(a->info, b->info, sizeof(a->info)) != 0;
	compare_x87(a, b, ret);
	for (unsigned i = XSTATE_SSE; i < XSTATE_MAX && !whole; i++) {
		uint64_t bit = XSTATE_BIT(i);
		/* what is in use is not known: whatever may be */
		uint64_t a_use = a->in_use_known ? a->in_use : a->possible;
		uint64_t b_use = b->in_use_known ? b->in_use : b->possible;

		if ((a_use | b_use) & bit)
			compare_component(a, b, i, ret);
	}
	compare_layouts(a, b, ret);
}

bool difference_found(const struct difference *d)
{
	return d->words || d->components || d->info || d->moved;
}

bool difference_is_partial(const struct difference *d)
{
	return d->words_unknown || d->components_unknown || d->info_unknown;
}

bool difference_value(const struct difference_side *s, unsigned component,
		      unsigned i, const uint8_t **ret, size_t *size_ret)
{
	static const uint8_t zeros[XVALUE_MAX];
	const struct xregs_file *file = &xregs_files[component];
	const struct xstate_layout *l =
		component == XSTATE_SSE
			? xstate_family_layout(XSTATE_FAMILY_COMMON)
			: &s->layout;
	uint64_t bit = XSTATE_BIT(component);
	size_t size = file->count ? file->size
				  : xvalue_size(component, l->size[component]);

	if (component == XSTATE_X87) {
		*ret = s->x87.st[i];
		*size_ret = XREGS_ST_SIZE;
		return s->x87_state == DIFFERENCE_KNOWN;
	}
	*size_ret = size;
	if (!s->in_use_known || size > sizeof(zeros))
		return false;
	*ret = zeros;
	if (!(s->in_use & bit))
		return size != 0;

	uint64_t at = (uint64_t)l->offset[component] + file->start +
		      (uint64_t)file->size * i;

	if (!(l->features & bit) || !bytes_has(s->image.bytes, at, size) ||
	    (component > XSTATE_SSE && !s->placed))
		return false;
	*ret = s->image.bytes.data + at;
	return true;
}
