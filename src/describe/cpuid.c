/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cpuid.c - what a CPU's CPUID leaves say about it */
#include "describe/cpuid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lines.h"

enum leaf {
	LEAF_VENDOR = 0,
	LEAF_FEATURES = 1,
	LEAF_STRUCTURED = 7,
	LEAF_XSTATE = 0xd,
	LEAF_EXTENDED = 0x80000000,
	LEAF_BRAND = 0x80000002,	/* and the two behind it */
	LEAF_BRAND_LAST = 0x80000004,
};

#define FEATURES_ECX_OSXSAVE (UINT32_C(1) << 27)
#define STRUCTURED_ECX_OSPKE (UINT32_C(1) << 4)
#define XSTATE_ECX_SUPERVISOR (UINT32_C(1) << 0)

#define REG_SIZE sizeof(uint32_t)
#define BRAND_SIZE (3 * 4 * REG_SIZE)

static const struct vendor {
	const char *id;		/* without the blanks around it */
	enum xstate_family family;
	bool mxcsr_known;
} vendors[] = {
	{ "GenuineIntel", XSTATE_FAMILY_INTEL, true },
	{ "AuthenticAMD", XSTATE_FAMILY_AMD, true },
	{ "HygonGenuine", XSTATE_FAMILY_AMD, true },
	{ "CentaurHauls", XSTATE_FAMILY_INTEL, false },
	{ "Shanghai", XSTATE_FAMILY_INTEL, false },
};

/* Blanks do not count: lscpu pads its columns with them. */
static const struct vendor *find_vendor(const char *id)
{
	size_t size;

	id += strspn(id, " ");
	size = strlen(id);
	while (size && id[size - 1] == ' ')
		size--;
	for (size_t i = 0; i < ARRAY_SIZE(vendors); i++)
		if (strlen(vendors[i].id) == size &&
		    !memcmp(vendors[i].id, id, size))
			return &vendors[i];
	return NULL;
}

enum xstate_family cpuid_vendor_family(const char *vendor)
{
	const struct vendor *v = find_vendor(vendor);

	return v ? v->family : XSTATE_FAMILY_UNKNOWN;
}

void cpuid_vendor_adjust(const char *vendor, struct isa_set *isa)
{
	const struct vendor *v = find_vendor(vendor);

	if (v && v->mxcsr_known)
		return;
	isa->known &= ~ISA_BIT(ISA_MISALIGNSSE);
	isa->has &= ~ISA_BIT(ISA_MISALIGNSSE);
}

const struct cpuid_record *cpuid_find(const struct cpuid_table *t,
				      uint32_t leaf, uint32_t subleaf)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->records[i].leaf == leaf &&
		    t->records[i].subleaf == subleaf)
			return &t->records[i];
	return NULL;
}

struct error *cpuid_add(struct cpuid_table *t, const struct cpuid_record *r)
{
	const struct cpuid_record *old = cpuid_find(t, r->leaf, r->subleaf);

	if (old && !memcmp(old->reg, r->reg, sizeof(r->reg)))
		return NULL;
	if (old)
		return error_new(ERROR_BAD_INPUT, "leaf %#x, sub-leaf %#x is "
				 "there twice, with different values",
				 r->leaf, r->subleaf);
	if (t->count == CPUID_RECORDS_MAX)
		return error_new(ERROR_BAD_INPUT, "more than %d leaves of one "
				 "CPU", CPUID_RECORDS_MAX);
	if (t->count == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		struct cpuid_record *records =
			reallocarray(t->records, room, sizeof(*records));

		if (!records)
			return &error_no_memory;
		t->records = records;
		t->room = room;
	}
	t->records[t->count++] = *r;
	return NULL;
}

void cpuid_deinit(struct cpuid_table *t)
{
	free(t->records);
	*t = (struct cpuid_table){ 0 };
}

/* Little-endian, as the registers of the CPU that was asked. */
static void put_reg(char *to, uint32_t value)
{
	for (unsigned i = 0; i < REG_SIZE; i++)
		to[i] = (char)(value >> 8 * i);
}

static void find_vendor_id(const struct cpuid_table *t, char ret[CPUID_VENDOR_SIZE])
{
	static const enum isa_register order[] = { ISA_EBX, ISA_EDX, ISA_ECX };
	const struct cpuid_record *r = cpuid_find(t, LEAF_VENDOR, 0);

	memset(ret, 0, CPUID_VENDOR_SIZE);
	for (unsigned i = 0; r && i < ARRAY_SIZE(order); i++)
		put_reg(ret + i * REG_SIZE, r->reg[order[i]]);
}

/* The brand string without the blanks that some vendors pad it with. */
static bool describe_name(const struct cpuid_table *t, struct description *d)
{
	char text[BRAND_SIZE + 1] = "";
	char *at = text;

	for (uint32_t leaf = LEAF_BRAND; leaf <= LEAF_BRAND_LAST; leaf++) {
		const struct cpuid_record *r = cpuid_find(t, leaf, 0);

		if (!r)
			return true;
		for (unsigned i = 0; i < 4; i++, at += REG_SIZE)
			put_reg(at, r->reg[i]);
	}

	char name[BRAND_SIZE + 1];

	span_copy(span_trim(span_of(text)), name, sizeof(name));
	return !name[0] || description_rename(d, name);
}

/* The highest leaf of the range that `leaf` belongs to; false if not known. */
static bool last_leaf(const struct cpuid_table *t, uint32_t leaf,
		      uint32_t *ret)
{
	uint32_t range = leaf & LEAF_EXTENDED;
	const struct cpuid_record *r = cpuid_find(t, range, 0);

	if (!r)
		return false;
	/* old CPUs answer for a range they lack with anything */
	*ret = (r->reg[ISA_EAX] & LEAF_EXTENDED) == range ? r->reg[ISA_EAX]
							   : range;
	return true;
}

/* Does the CPU have it? UNKNOWN where the leaf is not in the dump. */
static enum tri has_extension(const struct cpuid_table *t,
			      const struct isa_row *row)
{
	const struct cpuid_record *r = cpuid_find(t, row->leaf, row->subleaf);
	uint32_t last;

	if (r)
		return tri_of(r->reg[row->reg] >> row->bit & 1);
	if (last_leaf(t, row->leaf, &last) && row->leaf > last)
		return TRI_NO;
	if (row->leaf == LEAF_STRUCTURED && row->subleaf) {
		r = cpuid_find(t, LEAF_STRUCTURED, 0);
		if (r && row->subleaf > r->reg[ISA_EAX])
			return TRI_NO;
	}
	return TRI_UNKNOWN;
}

static void describe_isa(const struct cpuid_table *t, struct isa_set *ret)
{
	*ret = (struct isa_set){ 0 };
	for (unsigned i = 0; i < ISA_COUNT; i++) {
		enum tri has = has_extension(t, &isa_table[i]);

		if (has != TRI_UNKNOWN)
			ret->known |= ISA_BIT(i);
		if (has == TRI_YES)
			ret->has |= ISA_BIT(i);
	}
	/* leaf 0xd is about XSAVE and nothing without it */
	if ((ret->known & ISA_BIT(ISA_XSAVE)) &&
	    !(ret->has & ISA_BIT(ISA_XSAVE)))
		ret->known |= ISA_BIT(ISA_XSAVEC);
}

/* Components that the CPU offers by leaf 0xd; all if that is missing. */
static struct error *find_offer(const struct cpuid_table *t, uint64_t *ret)
{
	const struct cpuid_record *r = cpuid_find(t, LEAF_XSTATE, 0);

	*ret = ~UINT64_C(0);
	if (!r || (!r->reg[ISA_EAX] && !r->reg[ISA_EDX]))
		return NULL;
	*ret = (uint64_t)r->reg[ISA_EDX] << 32 | r->reg[ISA_EAX];
	if ((*ret & XSTATE_LEGACY) != XSTATE_LEGACY)
		return error_new(ERROR_BAD_INPUT, "leaf 0xd offers components "
				 "%#" PRIx64 ", without x87 or SSE", *ret);
	return NULL;
}

/*
 * Linux enables the components that the CPU offers and has the extension for:
 * without offer the extension is of no use. Nothing may be left to guess.
 */
static struct error *apply_offer(const struct cpuid_table *t,
				 struct isa_set *isa)
{
	const uint64_t xsave = ISA_BIT(ISA_XSAVE);
	uint64_t offer;

	if (!cpuid_find(t, LEAF_FEATURES, 0))
		return error_new(ERROR_BAD_INPUT, "leaf 1 is missing: it says "
				 "whether the CPU has XSAVE and AVX");
	if (!(isa->has & xsave))
		return NULL;

	struct error *err = find_offer(t, &offer);

	for (unsigned i = 0; i < ISA_COUNT && !err; i++) {
		const struct isa_row *row = &isa_table[i];
		uint64_t wanted = isa_xfeatures(xsave | ISA_BIT(i)) &
				  ~XSTATE_LEGACY;

		if ((wanted & offer) && (wanted & ~offer)) {
			err = error_new(ERROR_BAD_INPUT, "leaf 0xd offers "
					"only a part of the components of %s",
					row->name);
		} else if (wanted & ~offer) {
			isa->known |= ISA_BIT(i);
			isa->has &= ~ISA_BIT(i);
		} else if (wanted && !(isa->known & ISA_BIT(i))) {
			err = error_new(ERROR_BAD_INPUT, "leaf %#x, sub-leaf "
					"%#x is missing: it says whether the "
					"CPU has %s", row->leaf, row->subleaf,
					row->name);
		}
	}
	return err;
}

/* What the dump says about the system that ran when it was made. */
static void note_system(const struct cpuid_table *t, struct description *d)
{
	const struct cpuid_record *features = cpuid_find(t, LEAF_FEATURES, 0);
	const struct cpuid_record *more = cpuid_find(t, LEAF_STRUCTURED, 0);

	if ((d->isa.has & ISA_BIT(ISA_XSAVE)) &&
	    !(features->reg[ISA_ECX] & FEATURES_ECX_OSXSAVE))
		description_assume(d, DESCRIBED_ISA, "the kernel enables XSAVE; "
				   "the system that made the dump had not");
	else if ((d->isa.has & ISA_BIT(ISA_PKU)) && more &&
		 !(more->reg[ISA_ECX] & STRUCTURED_ECX_OSPKE))
		description_assume(d, DESCRIBED_ISA, "the kernel enables "
				   "protection keys; the system that made the "
				   "dump had not");
}

/* Sub-leaf i of leaf 0xd, if it says where component i is. */
static const struct cpuid_record *find_place(const struct cpuid_table *t,
					     unsigned i)
{
	const struct cpuid_record *r = cpuid_find(t, LEAF_XSTATE, i);

	if (!r || !r->reg[ISA_EAX] ||
	    (r->reg[ISA_ECX] & XSTATE_ECX_SUPERVISOR))
		return NULL;
	return r;
}

/*
 * The places that the sub-leaves give. A CPU also answers for components that
 * it has not: Zen 2 has a wrong one for PKRU.
 */
static void describe_layout(const struct cpuid_table *t, uint64_t features,
			    struct description *d)
{
	struct xstate_layout *l = &d->cpu.layout;

	*l = *xstate_family_layout(XSTATE_FAMILY_COMMON);
	l->features = XSTATE_LEGACY;
	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		const struct cpuid_record *r = find_place(t, i);

		if (!(features & XSTATE_BIT(i)) || !r)
			continue;
		l->features |= XSTATE_BIT(i);
		l->offset[i] = r->reg[ISA_EBX];
		l->size[i] = r->reg[ISA_EAX];
		d->origin[DESCRIBED_LAYOUT] = ORIGIN_GIVEN;
	}
}

/*
 * About one dump in ten lacks sub-leaves, and description_complete() puts what
 * has no place where the family has it: the one that the other places follow,
 * else the vendor's. A hypervisor can change the vendor, but neither the
 * places nor the total size.
 */
static struct error *choose_family(const struct cpuid_table *t,
				   uint64_t features,
				   const struct description *d,
				   enum xstate_family vendor,
				   enum xstate_family *ret)
{
	const struct xstate_layout *l = &d->cpu.layout;
	const struct cpuid_record *total = cpuid_find(t, LEAF_XSTATE, 0);
	uint64_t missing = features & ~l->features & ~XSTATE_LEGACY;
	enum xstate_family family = xstate_layout_family(l, l->features);

	if (family == XSTATE_FAMILY_COMMON)
		family = vendor;
	*ret = family;

	/* AVX is where it always is, whosever the CPU */
	uint64_t lost = missing & ~xstate_family_layout(family)->features &
			~XSTATE_BIT(XSTATE_AVX);

	if (lost)
		return error_new(ERROR_BAD_INPUT, "nothing says where %s is: "
				 "leaf 0xd is incomplete and the vendor no "
				 "help",
				 xstate_components[__builtin_ctzll(lost)].name);

	uint32_t size = xstate_layout_size(xstate_family_layout(family),
					   missing);

	if (missing && total && total->reg[ISA_ECX] &&
	    size > total->reg[ISA_ECX])
		return error_new(ERROR_BAD_INPUT, "leaf 0xd is incomplete, "
				 "and the %s layout needs %u bytes where the "
				 "CPU has %u", xstate_family_name(family),
				 size, total->reg[ISA_ECX]);
	return NULL;
}

struct error *cpuid_describe(const struct cpuid_table *t,
			     struct description *d,
			     enum xstate_family *vendor_ret)
{
	char vendor[CPUID_VENDOR_SIZE];

	find_vendor_id(t, vendor);
	if (!describe_name(t, d))
		return &error_no_memory;

	describe_isa(t, &d->isa);
	cpuid_vendor_adjust(vendor, &d->isa);
	d->origin[DESCRIBED_ISA] = ORIGIN_GIVEN;

	struct error *err = apply_offer(t, &d->isa);

	if (err)
		return err;

	uint64_t features = isa_xfeatures(d->isa.has);

	describe_layout(t, features, d);
	note_system(t, d);
	return choose_family(t, features, d, cpuid_vendor_family(vendor),
			     vendor_ret);
}
