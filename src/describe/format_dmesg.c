/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format_dmesg.c - what the kernel says at boot, from dmesg or the journal */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "describe/formats.h"
#include "describe/framesize.h"

/* What the messages of one boot say. Sources: fpu__init_system_xstate() and
 * below in arch/x86/kernel/fpu/xstate.c, init_sigframe_size() in
 * arch/x86/kernel/signal.c, identify_boot_cpu()'s print_cpu_info(). */
struct boot {
	struct span release;
	struct span brand;
	bool fxsave;		/* runs without XSAVE */
	bool enabled;		/* the next three are known */
	uint64_t features;	/* supervisor components among them */
	uint64_t context_size;	/* of the kernel's own buffer */
	bool compacted;
	uint64_t frame_size;	/* AT_MINSIGSTKSZ; 0: not known */
	struct xstate_layout places;	/* in the kernel's own buffer */
};

/* Larger numbers are no offsets, sizes or components. */
#define OFFSET_MAX (1u << 20)

#define NAME_SIZE 128

/* Take a number behind blanks, at most `max`. */
static bool take_small(struct span *s, uint64_t max, uint64_t *ret)
{
	*s = span_trim(*s);
	return span_take_decimal(s, ret) && *ret <= max;
}

static struct error *malformed(const char *what)
{
	return error_new(ERROR_BAD_INPUT, "not %s as Linux prints it", what);
}

/* " 0x207, context size is 840 bytes, using 'compacted' format." */
static struct error *take_enabled(struct boot *b, struct span s)
{
	uint64_t features, size;

	if (!span_take(&s, " 0x") || !span_take_hex(&s, &features) ||
	    !span_take(&s, ", context size is") ||
	    !take_small(&s, OFFSET_MAX, &size) ||
	    !span_take(&s, " bytes, using '"))
		return malformed("the enabled xstate features");

	bool compacted = span_starts(s, "compacted'");

	if (!compacted && !span_starts(s, "standard'"))
		return malformed("the format of xstate");
	if ((features & XSTATE_LEGACY) != XSTATE_LEGACY)
		return error_new(ERROR_BAD_INPUT, "xstate features %#" PRIx64
				 ", without x87 or SSE", features);
	if (b->enabled &&
	    (b->features != features || b->compacted != compacted))
		return error_new(ERROR_BAD_INPUT, "other xstate features than "
				 "before, of the same boot");
	b->enabled = true;
	b->features = features;
	b->context_size = size;
	b->compacted = compacted;
	return NULL;
}

/* "[9]: 2688, xstate_sizes[9]:    8" */
static struct error *take_place(struct boot *b, struct span s)
{
	uint64_t i, again, offset, size;

	if (!span_take(&s, "[") || !take_small(&s, XSTATE_MAX - 1, &i) ||
	    !span_take(&s, "]:") || !take_small(&s, OFFSET_MAX, &offset) ||
	    !span_take(&s, ", xstate_sizes[") ||
	    !take_small(&s, XSTATE_MAX - 1, &again) || again != i ||
	    !span_take(&s, "]:") || !take_small(&s, OFFSET_MAX, &size) ||
	    span_trim(s).size)
		return malformed("the place of a component");
	b->places.features |= XSTATE_BIT(i);
	b->places.offset[i] = (uint32_t)offset;
	b->places.size[i] = (uint32_t)size;
	return NULL;
}

static struct error *take_release(struct boot *b, struct span s)
{
	struct span word;

	if (!span_word(&s, &word) || *word.text < '0' || *word.text > '9')
		return NULL;	/* somebody else's "Linux version" */
	if (!description_is_release(word))
		return malformed("the kernel's release");
	/* a log of several boots: the last is how the machine runs */
	*b = (struct boot){ .release = word };
	return NULL;
}

static struct error *take_frame_size(struct boot *b, struct span s)
{
	if (!take_small(&s, MINSIGSTKSZ_MOST, &b->frame_size) ||
	    b->frame_size < MINSIGSTKSZ_LEAST || span_trim(s).size)
		return malformed("the size of signal frames");
	return NULL;
}

static struct error *take_fxsave(struct boot *b, struct span s)
{
	(void)s;
	b->fxsave = true;
	return NULL;
}

/* " Intel(R) Xeon(R) CPU (family: 0x6, model: 0x55, stepping: 0x4)" */
static struct error *take_brand(struct boot *b, struct span s)
{
	const char *end = memmem(s.text, s.size, " (family:", 9);

	if (end)
		s.size = (size_t)(end - s.text);
	if (span_printable(s))
		b->brand = span_trim(s);
	return NULL;
}

/* The messages and who reads what follows. */
static const struct {
	const char *begin;
	struct error *(*take)(struct boot *b, struct span s);
	bool tells;	/* that these are boot messages about x86 frames */
} messages[] = {
	{ "Linux version ", take_release, false },
	{ "x86/fpu: Enabled xstate features", take_enabled, true },
	{ "x86/fpu: xstate_offset", take_place, true },
	{ "x86/fpu: x87 FPU will use FXSAVE", take_fxsave, true },
	{ "signal: max sigframe size:", take_frame_size, true },
	{ "smpboot: CPU0:", take_brand, false },
};

#define MESSAGES (sizeof(messages) / sizeof(messages[0]))

bool format_dmesg_matches(const char *text, size_t size)
{
	struct span all = { text, size };
	struct span rest;

	for (size_t i = 0; i < MESSAGES; i++)
		if (messages[i].tells &&
		    span_after(all, messages[i].begin, &rest))
			return true;
	return false;
}

/* Time stamps, host names and levels in front of a message do not matter. */
static struct error *take_line(struct boot *b, struct span line)
{
	struct span rest;

	for (size_t i = 0; i < MESSAGES; i++)
		if (span_after(line, messages[i].begin, &rest))
			return messages[i].take(b, rest);
	return NULL;
}

/*
 * The kernel prints where its own buffer has the components. Frames have them
 * in the same places only if that buffer is in the standard format.
 */
static struct error *describe_layout(const struct boot *b, uint64_t features,
				     struct description *d)
{
	struct xstate_layout *l = &d->cpu.layout;

	if (b->compacted || !b->places.features)
		return NULL;
	*l = *xstate_family_layout(XSTATE_FAMILY_COMMON);
	l->features = XSTATE_LEGACY;
	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		if (!(features & b->places.features & XSTATE_BIT(i)))
			continue;
		l->features |= XSTATE_BIT(i);
		l->offset[i] = b->places.offset[i];
		l->size[i] = b->places.size[i];
	}
	d->origin[DESCRIBED_LAYOUT] = ORIGIN_GIVEN;

	uint32_t size = xstate_layout_size(l, features);

	if (size && size != b->context_size)
		return error_new(ERROR_BAD_INPUT, "the components end at byte "
				 "%u, but the context size is %" PRIu64, size,
				 b->context_size);
	return NULL;
}

static enum xstate_family vendor_of(struct span brand)
{
	static const struct {
		const char *begin;
		enum xstate_family family;
	} brands[] = {
		{ "Intel", XSTATE_FAMILY_INTEL },
		{ "INTEL", XSTATE_FAMILY_INTEL },
		{ "Genuine Intel", XSTATE_FAMILY_INTEL },
		{ "ZHAOXIN", XSTATE_FAMILY_INTEL },
		{ "AMD", XSTATE_FAMILY_AMD },
		{ "Hygon", XSTATE_FAMILY_AMD },
	};

	for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++)
		if (brand.text && span_starts(brand, brands[i].begin))
			return brands[i].family;
	return XSTATE_FAMILY_UNKNOWN;
}

static struct error *describe_xstate(const struct boot *b,
				     struct description *d,
				     enum xstate_family *vendor_ret)
{
	uint64_t features = b->features;
	const uint64_t xsave = ISA_BIT(ISA_XSAVE);

	for (unsigned i = 0; i < XSTATE_MAX; i++)
		if (xstate_components[i].supervisor)
			features &= ~XSTATE_BIT(i);
	d->cpu.xsave = tri_of(!b->fxsave);
	d->cpu.xfeatures = b->fxsave ? XSTATE_LEGACY : features;
	d->isa.known |= xsave;
	if (b->fxsave) {
		d->origin[DESCRIBED_XFEATURES] = ORIGIN_DERIVED;
		return NULL;
	}
	d->isa.has |= xsave;
	d->origin[DESCRIBED_XFEATURES] = ORIGIN_GIVEN;
	if (b->compacted) {
		d->cpu.xsavec = TRI_YES;
		d->isa.known |= ISA_BIT(ISA_XSAVEC);
		d->isa.has |= ISA_BIT(ISA_XSAVEC);
		d->origin[DESCRIBED_XSAVEC] = ORIGIN_DERIVED;
	}

	struct error *err = describe_layout(b, features, d);

	if (!err && b->frame_size)
		framesize_infer(b->frame_size, features, d, vendor_ret);
	return err;
}

static struct error *describe_strings(const struct boot *b,
				      struct description *d)
{
	char text[NAME_SIZE];

	if (b->release.text) {
		span_copy(b->release, text, sizeof(text));
		free(d->kernel);
		d->kernel = strdup(text);
		if (!d->kernel)
			return &error_no_memory;
	}
	if (b->brand.text && b->brand.size) {
		span_copy(b->brand, text, sizeof(text));
		if (!description_rename(d, text))
			return &error_no_memory;
	}
	return NULL;
}

struct error *format_dmesg_parse(const char *text, size_t size,
				 struct description *d,
				 enum xstate_family *vendor_ret)
{
	struct lines lines = { .text = text, .size = size };
	struct boot b = { 0 };
	struct error *err = NULL;
	struct span line;

	while (!err && lines_next(&lines, &line))
		err = take_line(&b, line);
	if (err)
		return error_wrap(err, "line %u", lines.number);
	if (b.enabled && b.fxsave)
		return error_new(ERROR_BAD_INPUT, "the kernel says that it "
				 "uses XSAVE and that it does not");
	if (!b.enabled && !b.fxsave)
		return error_new(ERROR_BAD_INPUT, "the line \"Enabled xstate "
				 "features\" is missing");
	if (b.frame_size) {
		d->minsigstksz = b.frame_size;
		d->origin[DESCRIBED_MINSIGSTKSZ] = ORIGIN_GIVEN;
	}
	*vendor_ret = vendor_of(b.brand);
	err = describe_strings(&b, d);
	return err ? err : describe_xstate(&b, d, vendor_ret);
}
