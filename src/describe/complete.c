/* SPDX-License-Identifier: GPL-3.0-or-later */
/* complete.c - what follows from what a description says */
#include "describe/description.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "describe/framesize.h"

/* Valid MXCSR bits with and without misaligned SSE (APM vol. 2, 11.3.2). */
#define MXCSR_MASK_MISALIGNED UINT32_C(0x2ffff)
#define MXCSR_MASK_PLAIN UINT32_C(0xffff)

/* No CPU's image comes near; keeps sums of offsets and sizes small. */
#define IMAGE_END_MAX UINT32_C(0x100000)

#define B(x) ISA_BIT(ISA_##x)
#define X(x) XSTATE_BIT(XSTATE_##x)
#define MPX_COMPONENTS (X(BNDREGS) | X(BNDCSR))
#define AVX512_COMPONENTS (X(OPMASK) | X(ZMM_HI256) | X(HI16_ZMM))
#define AMX_COMPONENTS (X(XTILECFG) | X(XTILEDATA))

/* XSETBV and Linux enable all of a row or nothing (SDM vol. 1, 13.3). */
static const struct {
	uint64_t components;
	const char *name;
} together[] = {
	{ MPX_COMPONENTS, "MPX" },
	{ AVX512_COMPONENTS, "AVX-512" },
	{ AMX_COMPONENTS, "AMX" },
};

/*
 * Components that Linux has not always enabled: 6.16 took up APX, 5.16 AMX.
 * Kernels that follow `never` are all older, of those that follow `maybe` some.
 */
static const struct newcomer {
	uint64_t components;
	unsigned major, minor;
	rules_mask never, maybe;
	const char *name;
} newcomers[] = {
	{ AMX_COMPONENTS, 5, 16, RULES_BIT(RULES_R1),
	  RULES_BIT(RULES_R2) | RULES_BIT(RULES_R3), "AMX" },
	{ X(APX), 6, 16,
	  RULES_BIT(RULES_R1) | RULES_BIT(RULES_R2) | RULES_BIT(RULES_R3),
	  RULES_BIT(RULES_R4), "APX" },
};

static void set_origin(struct description *d, enum description_field field,
		       enum origin origin)
{
	free(d->assumed[field]);
	d->assumed[field] = NULL;
	d->origin[field] = origin;
}

static struct error *contradiction(const char *what)
{
	return error_new(ERROR_BAD_INPUT, "contradicts itself: %s", what);
}

/* Names of extensions or components: "mpx, pku". */
static const char *isa_names(uint64_t set, struct text *t)
{
	for (unsigned i = 0; i < ISA_COUNT; i++)
		if (set & ISA_BIT(i))
			text_printf(t, "%s%s", t->size ? ", " : "",
				    isa_table[i].name);
	return text_string(t);
}

static const char *component_names(uint64_t set, struct text *t)
{
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		if (!(set & XSTATE_BIT(i)))
			continue;
		text_add(t, t->size ? ", " : "");
		if (xstate_components[i].name)
			text_add(t, xstate_components[i].name);
		else
			text_printf(t, "%u", i);
	}
	return text_string(t);
}

/*
 * What is there brings what it needs, what is not takes along what needs it;
 * so does Linux (filter_feature_dependencies(), cpuid-deps.c, since 6.14).
 */
static struct error *complete_isa(struct description *d)
{
	struct isa_set *isa = &d->isa;
	uint64_t needed = 0;

	isa->has &= isa->known;
	if ((isa->has & B(AVX512F)) && (isa->known & ~isa->has & B(AVX)))
		return contradiction("AVX-512 without AVX");
	if (d->cpu.xsave == TRI_NO) {	/* the CPU may have what nobody uses */
		isa->known |= B(XSAVE);
		isa->has &= ~B(XSAVE);
	}
	for (unsigned i = 0; i < ISA_COUNT; i++) {
		if (!(isa->has & ISA_BIT(i)))
			continue;
		if (isa_table[i].needs & isa->known & ~isa->has)
			isa->has &= ~ISA_BIT(i);
		else
			needed |= isa_table[i].needs;
	}
	isa->known |= needed;
	isa->has |= needed;
	for (unsigned i = 0; i < ISA_COUNT; i++)
		if (isa_table[i].needs & isa->known & ~isa->has)
			isa->known |= ISA_BIT(i);
	if (isa->known && d->origin[DESCRIBED_ISA] == ORIGIN_NONE)
		d->origin[DESCRIBED_ISA] = ORIGIN_DERIVED;
	return NULL;
}

/* The components by the extensions, if those that decide are known. */
static void xfeatures_from_isa(struct description *d)
{
	const struct isa_set *isa = &d->isa;
	uint64_t deciding = B(XSAVE) | B(AVX) | B(AVX512F) | B(PKU);
	uint64_t rare = B(MPX) | B(AMX_TILE) | B(APX_F);
	struct text names = TEXT_INIT;

	if (deciding & ~isa->known)
		return;		/* whatever was said of them stays */
	/* all CPUs that have APX have this one too */
	if ((isa->known & ~isa->has & B(AVX512_FP16)))
		rare &= ~B(APX_F);
	d->cpu.xfeatures = isa_xfeatures(isa->has) | XSTATE_LEGACY;
	set_origin(d, DESCRIBED_XFEATURES, ORIGIN_DERIVED);
	if ((isa->has & B(XSAVE)) && (rare & ~isa->known))
		description_assume(d, DESCRIBED_XFEATURES,
				   "components without %s, of which nothing "
				   "is said",
				   isa_names(rare & ~isa->known, &names));
	text_deinit(&names);
}

/*
 * A mask as given may be what the CPU could do: only what the extensions back
 * is what Linux enables. An extension whose components are not enabled is of
 * no use to programs.
 */
static void isa_from_xfeatures(struct description *d)
{
	static const enum isa decisive[] = {
		ISA_AVX, ISA_MPX, ISA_AVX512F, ISA_PKU, ISA_AMX_TILE, ISA_APX_F,
	};
	struct isa_set *isa = &d->isa;
	uint64_t features = d->cpu.xfeatures;
	uint64_t by_isa = isa_xfeatures(isa->has | ~isa->known);

	features &= by_isa | ~isa_xfeatures(UINT64_MAX);
	for (unsigned i = 0; i < XSTATE_MAX; i++)
		if (xstate_components[i].supervisor)
			features &= ~XSTATE_BIT(i);
	features &= ~XSTATE_BIT(62);	/* LWP: Linux does not know it */
	features |= XSTATE_LEGACY;
	d->cpu.xfeatures = features;

	/* somebody read the mask from XSAVE's own leaf or XCR0 */
	if (!(isa->known & B(XSAVE)) && d->cpu.xsave != TRI_NO) {
		isa->known |= B(XSAVE);
		isa->has |= B(XSAVE);
	}
	for (size_t i = 0; i < ARRAY_SIZE(decisive); i++) {
		uint64_t bit = ISA_BIT(decisive[i]);

		isa->known |= bit;
		if (features & isa_xfeatures(B(XSAVE) | bit) & ~XSTATE_LEGACY) {
			isa->has |= bit | isa_table[decisive[i]].needs;
			isa->known |= isa_table[decisive[i]].needs;
		} else {
			isa->has &= ~bit;
		}
	}
	for (unsigned i = 0; i < ISA_COUNT; i++)
		if (isa_table[i].needs & isa->known & ~isa->has) {
			isa->known |= ISA_BIT(i);
			isa->has &= ~ISA_BIT(i);
		}
	if (d->origin[DESCRIBED_ISA] == ORIGIN_NONE)
		d->origin[DESCRIBED_ISA] = ORIGIN_DERIVED;
}

/* Is the release older than major.minor? TRI_UNKNOWN if it cannot be told. */
static enum tri older(const char *release, unsigned major, unsigned minor)
{
	unsigned long a, b;
	char *end;

	if (!release || *release < '0' || *release > '9')
		return TRI_UNKNOWN;
	a = strtoul(release, &end, 10);
	if (*end != '.' || end[1] < '0' || end[1] > '9')
		return TRI_UNKNOWN;
	b = strtoul(end + 1, NULL, 10);
	return tri_of(a < major || (a == major && b < minor));
}

/*
 * Do vendors of such kernels bring in new components under the old number?
 * Those of Red Hat and SUSE do: AMX worked in RHEL's 4.18 of the day.
 */
static bool has_backports(const char *release)
{
	return release &&
	       (strstr(release, ".el") || strstr(release, "-default"));
}

/* Is the described kernel too old for it? */
static enum tri too_old_for(const struct description *d,
			    const struct newcomer *n)
{
	enum tri old = older(d->kernel, n->major, n->minor);

	if (old == TRI_YES && has_backports(d->kernel))
		return TRI_UNKNOWN;
	if (old != TRI_UNKNOWN || !d->rules)
		return old;
	if (!(d->rules & ~n->never))
		return TRI_YES;
	return d->rules & (n->never | n->maybe) ? TRI_UNKNOWN : TRI_NO;
}

/* Say that it is there, behind what was assumed before. */
static void assume_newcomer(struct description *d, const struct newcomer *n)
{
	const enum description_field field = DESCRIBED_XFEATURES;
	CLEANUP_FREE char *before = NULL;

	if (d->assumed[field] && strstr(d->assumed[field], n->name))
		return;		/* said before */
	before = TAKE_PTR(d->assumed[field]);
	description_assume(d, field,
			   "%s%s" "with %s, which Linux has since %u.%u, and some "
			   "vendors before",
			   before ? before : "", before ? "; " : "", n->name,
			   n->major, n->minor);
}

/* Take away what the described kernel is too old for. */
static void drop_newcomers(struct description *d)
{
	const enum description_field field = DESCRIBED_XFEATURES;

	for (size_t i = 0; i < ARRAY_SIZE(newcomers); i++) {
		const struct newcomer *n = &newcomers[i];
		enum tri old = too_old_for(d, n);

		if (!(d->cpu.xfeatures & n->components) || old == TRI_NO)
			continue;
		if (old == TRI_YES) {
			/* nor does it know any that nobody has named yet */
			d->cpu.xfeatures &=
				isa_xfeatures(UINT64_MAX) & ~n->components;
			if (d->origin[field] == ORIGIN_GIVEN)
				set_origin(d, field, ORIGIN_DERIVED);
		} else if (d->origin[field] != ORIGIN_GIVEN) {
			assume_newcomer(d, n);
		}
	}
}

static struct error *check_xfeatures(const struct description *d)
{
	uint64_t features = d->cpu.xfeatures;

	for (size_t i = 0; i < ARRAY_SIZE(together); i++) {
		uint64_t part = features & together[i].components;

		if (part && part != together[i].components)
			return error_new(ERROR_BAD_INPUT,
					 "contradicts itself: only a part of "
					 "the %s components",
					 together[i].name);
	}
	if ((features & AVX512_COMPONENTS) && !(features & X(AVX)))
		return contradiction("AVX-512 without AVX");
	if ((features & MPX_COMPONENTS) && (features & X(APX)))
		return contradiction("MPX together with APX");
	if ((features & ~XSTATE_LEGACY) && d->cpu.xsave == TRI_NO)
		return contradiction("state components without XSAVE");
	return NULL;
}

static struct error *complete_xfeatures(struct description *d)
{
	const enum description_field field = DESCRIBED_XFEATURES;
	uint64_t before = d->cpu.xfeatures;
	bool known = d->origin[field] != ORIGIN_NONE;

	if (d->origin[field] == ORIGIN_GIVEN)
		isa_from_xfeatures(d);
	else
		xfeatures_from_isa(d);
	if (d->isa.known & B(XSAVE))
		d->cpu.xsave = tri_of(d->isa.has & B(XSAVE));
	if (d->origin[field] == ORIGIN_NONE) {
		/* XSAVE of nobody knows what is no better than unknown */
		if (d->cpu.xsave == TRI_NO) {
			d->cpu.xfeatures = XSTATE_LEGACY;
			d->origin[field] = ORIGIN_DERIVED;
		} else {
			d->cpu.xsave = TRI_UNKNOWN;
		}
		return NULL;
	}

	struct error *err = check_xfeatures(d);

	if (err)
		return err;
	drop_newcomers(d);
	/* frames are no longer as large as they were */
	if (known && ((before ^ d->cpu.xfeatures) & isa_xfeatures(UINT64_MAX)))
		set_origin(d, DESCRIBED_MINSIGSTKSZ, ORIGIN_NONE);
	return NULL;
}

/* The given places of the enabled components. */
static struct error *check_layout(const struct xstate_layout *l,
				  uint64_t features)
{
	const struct xstate_layout *sizes =
		xstate_family_layout(XSTATE_FAMILY_INTEL);

	features &= l->features & ~XSTATE_LEGACY;
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		if (!(features & XSTATE_BIT(i)))
			continue;
		if (!l->size[i] || ((sizes->features & XSTATE_BIT(i)) &&
				    l->size[i] != sizes->size[i]))
			return error_new(ERROR_BAD_INPUT,
					 "component %u of %u bytes, where the "
					 "architecture has %u", i, l->size[i],
					 sizes->size[i]);
		if (l->offset[i] < XSTATE_MIN_SIZE ||
		    l->offset[i] > IMAGE_END_MAX ||
		    l->size[i] > IMAGE_END_MAX)
			return error_new(ERROR_BAD_INPUT,
					 "component %u at %u, %u bytes: no "
					 "place for one", i, l->offset[i],
					 l->size[i]);
		for (unsigned j = 0; j < i; j++)
			if ((features & XSTATE_BIT(j)) &&
			    l->offset[i] < l->offset[j] + l->size[j] &&
			    l->offset[j] < l->offset[i] + l->size[i])
				return error_new(ERROR_BAD_INPUT,
						 "contradicts itself: "
						 "components %u and %u "
						 "overlap", j, i);
	}
	return NULL;
}

/* Copy the places of `features`. */
static void copy_places(struct xstate_layout *to,
			const struct xstate_layout *from, uint64_t features)
{
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		if (!(features & XSTATE_BIT(i)))
			continue;
		to->features |= XSTATE_BIT(i);
		to->offset[i] = from->offset[i];
		to->size[i] = from->size[i];
	}
}

/* Components that all layouts have in the same place. */
static uint64_t placed_alike(void)
{
	return xstate_family_layout(XSTATE_FAMILY_COMMON)->features;
}

/* By whose layout to place what has none. */
static enum xstate_family guess_family(const struct description *d)
{
	const struct xstate_layout *l = &d->cpu.layout;
	const uint64_t intel_only = MPX_COMPONENTS | AMX_COMPONENTS | X(APX);

	enum xstate_family family = xstate_layout_family(l, l->features);

	/* what differs tells, or shows that it is nobody's */
	if (family != XSTATE_FAMILY_COMMON)
		return family;
	if (d->vendor == XSTATE_FAMILY_UNKNOWN &&
	    (d->cpu.xfeatures & intel_only))
		return XSTATE_FAMILY_INTEL;
	return d->vendor;
}

/* Say how the places of `placed` were found, the others being known. */
static void note_layout(struct description *d, enum xstate_family family,
			uint64_t placed)
{
	const enum description_field field = DESCRIBED_LAYOUT;
	const uint64_t others = d->cpu.layout.features & ~placed;
	struct text names = TEXT_INIT;

	if (!(placed & ~placed_alike())) {
		if (d->origin[field] == ORIGIN_NONE)
			set_origin(d, field, ORIGIN_DERIVED);
	} else if (others & ~placed_alike()) {
		description_assume(d, field,
				   "places of %s by the %s layout, which the "
				   "others follow",
				   component_names(placed, &names),
				   xstate_family_name(family));
	} else {
		description_assume(d, field,
				   "layout %s, by the %s; a hypervisor may "
				   "pass on another",
				   xstate_family_name(family),
				   d->vendor == family ? "vendor"
						       : "components");
	}
	text_deinit(&names);
}

static struct error *no_place(uint64_t components, enum xstate_family family)
{
	struct text names = TEXT_INIT;
	struct error *err = error_new(ERROR_BAD_INPUT,
				      "no place is known for %s, layout %s",
				      component_names(components, &names),
				      xstate_family_name(family));

	text_deinit(&names);
	return err;
}

/* The places of all enabled components, those that are missing by a family. */
static struct error *complete_layout(struct description *d)
{
	const struct xstate_layout *common =
		xstate_family_layout(XSTATE_FAMILY_COMMON);
	const enum description_field field = DESCRIBED_LAYOUT;
	struct xstate_layout *l = &d->cpu.layout;
	uint64_t features = d->cpu.xfeatures;
	bool said = d->origin[field] != ORIGIN_NONE;

	d->cpu.family = XSTATE_FAMILY_UNKNOWN;
	if (!said)
		l->features = 0;
	copy_places(l, common, XSTATE_LEGACY);
	if (d->origin[DESCRIBED_XFEATURES] == ORIGIN_NONE)
		return NULL;
	/* a CPU tells places of what it has not: Zen 2 a wrong one for PKRU */
	l->features &= features;

	struct error *err = check_layout(l, features);

	if (err)
		return err;

	enum xstate_family family = guess_family(d);
	const struct xstate_layout *source =
		family == XSTATE_FAMILY_UNKNOWN ? common
						: xstate_family_layout(family);
	uint64_t missing = features & ~l->features;
	uint64_t nowhere = missing & ~source->features;

	if (nowhere && (said || family != XSTATE_FAMILY_UNKNOWN))
		return no_place(nowhere, family);
	copy_places(l, source, missing & ~nowhere);
	if (nowhere)
		return NULL;
	if (missing || !said)
		note_layout(d, family, missing);
	else if (d->origin[field] == ORIGIN_ASSUMED &&
		 !(features & ~placed_alike()))
		set_origin(d, field, ORIGIN_DERIVED);
	d->cpu.family = xstate_layout_family(l, features);
	return check_layout(l, features);
}

static void complete_rest(struct description *d)
{
	struct cpu_model *cpu = &d->cpu;
	const struct isa_set *isa = &d->isa;

	if (d->origin[DESCRIBED_MXCSR_MASK] == ORIGIN_NONE &&
	    (isa->known & B(MISALIGNSSE))) {
		cpu->mxcsr_mask = isa->has & B(MISALIGNSSE)
					  ? MXCSR_MASK_MISALIGNED
					  : MXCSR_MASK_PLAIN;
		set_origin(d, DESCRIBED_MXCSR_MASK, ORIGIN_DERIVED);
	}
	if (d->origin[DESCRIBED_XSAVEC] == ORIGIN_NONE &&
	    (isa->known & B(XSAVEC))) {
		cpu->xsavec = tri_of(isa->has & B(XSAVEC));
		set_origin(d, DESCRIBED_XSAVEC, ORIGIN_DERIVED);
	}
	/*
	 * Who has five levels of page tables uses them. Who is not known to
	 * have them loses only frames above 47 bits, which few ask for: not
	 * worth a sentence in every report.
	 */
	if (d->origin[DESCRIBED_USER_LIMIT] == ORIGIN_NONE) {
		cpu->user_limit = isa->has & B(LA57) ? CPU_USER_LIMIT_57
						     : CPU_USER_LIMIT_48;
		set_origin(d, DESCRIBED_USER_LIMIT,
			   isa->known & B(LA57) ? ORIGIN_DERIVED
						: ORIGIN_ASSUMED);
	}
}

static void complete_minsigstksz(struct description *d)
{
	const bool ia32 = d->ia32 != TRI_NO;
	uint32_t image = cpu_user_size(&d->cpu, d->cpu.xfeatures);

	if (d->origin[DESCRIBED_MINSIGSTKSZ] == ORIGIN_GIVEN)
		return;
	d->minsigstksz = 0;
	set_origin(d, DESCRIBED_MINSIGSTKSZ, ORIGIN_NONE);
	if (!image)
		return;
	d->minsigstksz = framesize_of(image, d->cpu.xsave == TRI_YES, ia32);
	set_origin(d, DESCRIBED_MINSIGSTKSZ,
		   d->ia32 == TRI_UNKNOWN ? ORIGIN_ASSUMED : ORIGIN_DERIVED);
}

static void complete_rules(struct description *d)
{
	struct text names = TEXT_INIT;

	if (d->rules || !d->kernel)
		return;
	d->rules = rules_of_release(d->kernel);
	if (!d->rules)
		return;
	set_origin(d, DESCRIBED_RULES, ORIGIN_DERIVED);
	if (!(d->rules & (d->rules - 1)))
		return;
	for (unsigned i = 0; i < RULES_COUNT; i++)
		if (d->rules & RULES_BIT(i))
			text_printf(&names, "%s%s",
				    names.size ? " or " : "",
				    rules_table[i].id);
	description_assume(d, DESCRIBED_RULES,
			   "rules %s: the release %s alone does not tell",
			   text_string(&names), d->kernel);
	text_deinit(&names);
}

struct error *description_complete(struct description *d,
				   enum xstate_family vendor)
{
	struct error *err;

	if (vendor == XSTATE_FAMILY_COMMON)
		vendor = XSTATE_FAMILY_UNKNOWN;
	d->vendor = vendor;
	complete_rules(d);
	err = complete_isa(d);
	if (!err)
		err = complete_xfeatures(d);
	if (!err)
		err = complete_layout(d);
	if (err)
		return err;
	complete_rest(d);
	complete_minsigstksz(d);
	return NULL;
}
