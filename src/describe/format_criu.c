/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format_criu.c - cpuinfo.img, which "criu cpuinfo dump" writes */
#include "config.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "base/lines.h"
#include "describe/cpuid.h"
#include "describe/formats.h"

/* Two words in front, the first of which old versions do not write. */
#define MAGIC_IMAGE UINT32_C(0x54564319)
#define MAGIC_CPUINFO UINT32_C(0x61404013)

static struct bytes image_bytes(const char *text, size_t size)
{
	return (struct bytes){ (const uint8_t *)text, size, 0 };
}

/* The image of any kind, so that the wrong one gets a useful answer. */
bool format_criu_matches(const char *text, size_t size)
{
	uint32_t magic;

	return bytes_u32(image_bytes(text, size), 0, &magic) &&
	       (magic == MAGIC_IMAGE || magic == MAGIC_CPUINFO);
}

#ifdef HAVE_CRIU

#include "describe/criu_cpuinfo.pb-c.h"

enum vendor {
	VENDOR_INTEL = 1,
	VENDOR_AMD = 2,
};

/* Words that the first version wrote; the second has 19. */
#define WORDS_MIN 12

#define WORD_D_1_EAX 10
#define WORD_D_1_EAX_XSAVES (UINT32_C(1) << 3)
#define WORD_7_ECX 11
#define WORD_7_ECX_OSPKE (UINT32_C(1) << 4)

/* Bits of the mask above this one are cut off. */
#define XFEATURES_LAST XSTATE_PKRU

#define AMX_COMPONENTS                                                         \
	(XSTATE_BIT(XSTATE_XTILECFG) | XSTATE_BIT(XSTATE_XTILEDATA))
#define MPX_COMPONENTS                                                         \
	(XSTATE_BIT(XSTATE_BNDREGS) | XSTATE_BIT(XSTATE_BNDCSR))

#define NAME_SIZE 128

/* enum cpuid_leafs, compel/arch/x86/src/lib/include/uapi/asm/cpu.h */
static const struct word {
	unsigned index;
	uint32_t leaf;
	uint32_t subleaf;
	enum isa_register reg;
} words[] = {
	{ 1, 0x80000001, 0, ISA_EDX },
	{ 4, 1, 0, ISA_ECX },
	{ 6, 0x80000001, 0, ISA_ECX },
	{ 9, 7, 0, ISA_EBX },
	{ WORD_D_1_EAX, 0xd, 1, ISA_EAX },
	{ WORD_7_ECX, 7, 0, ISA_ECX },
	{ 18, 7, 0, ISA_EDX },
};

static const struct word *find_word(const struct isa_row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].leaf == row->leaf &&
		    words[i].subleaf == row->subleaf &&
		    words[i].reg == row->reg)
			return &words[i];
	return NULL;
}

static void describe_isa(const CriuCpuX86 *x, struct isa_set *ret)
{
	*ret = (struct isa_set){ 0 };
	for (unsigned i = 0; i < ISA_COUNT; i++) {
		const struct word *w = find_word(&isa_table[i]);

		if (!w || w->index >= x->n_words)
			continue;
		ret->known |= ISA_BIT(i);
		if (x->words[w->index] >> isa_table[i].bit & 1)
			ret->has |= ISA_BIT(i);
	}
	/* the kernel was told not to use it: setup_disable_pku() */
	if (!(x->words[WORD_7_ECX] & WORD_7_ECX_OSPKE))
		ret->has &= ~ISA_BIT(ISA_PKU);
}

/* Take away extensions that need one of the components `absent`. */
static void drop_components(struct isa_set *isa, uint64_t absent)
{
	const uint64_t xsave = ISA_BIT(ISA_XSAVE);

	for (unsigned i = 0; i < ISA_COUNT; i++)
		if (isa_xfeatures(xsave | ISA_BIT(i)) & ~XSTATE_LEGACY &
		    absent)
			isa->has &= ~ISA_BIT(i);
}

/* The family whose image for `features` has that size, COMMON if both. */
static enum xstate_family family_of_size(uint64_t features, uint32_t size)
{
	const struct xstate_sw sw = {
		.xfeatures = features,
		.xstate_size = size,
	};
	struct xstate_layout layout;

	return xstate_infer_layout(&sw, NULL, &layout);
}

/*
 * The size is that of all components that were enabled, AMX too, which the
 * mask cannot show. It decides whose layout the CPU has, and whether the
 * kernel uses AMX, and MPX where that is the last component.
 */
static struct error *describe_layout(const CriuCpuX86 *x,
				     struct description *d,
				     enum xstate_family *vendor_ret)
{
	/* of what the CPU has */
	static const uint64_t unused[] = {
		0, AMX_COMPONENTS, MPX_COMPONENTS,
		AMX_COMPONENTS | MPX_COMPONENTS,
	};
	uint64_t features = isa_xfeatures(d->isa.has), absent = 0;
	enum xstate_family family = XSTATE_FAMILY_UNKNOWN;

	if (!features || !x->has_xsave_size)
		return NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(unused) && !family; i++)
		if ((features & unused[i]) == unused[i]) {
			family = family_of_size(features & ~unused[i],
						x->xsave_size);
			absent = unused[i];
		}
	if (family == XSTATE_FAMILY_UNKNOWN)
		return error_new(ERROR_BAD_INPUT, "an XSAVE area of %" PRIu32
				 " bytes fits components %#" PRIx64 " in no "
				 "known layout", x->xsave_size, features);
	features &= ~absent;
	drop_components(&d->isa, absent);
	d->cpu.layout = *xstate_family_layout(family);
	d->cpu.layout.features &= features;
	d->origin[DESCRIBED_LAYOUT] = ORIGIN_DERIVED;
	/* better than what the vendor's name says */
	if (family != XSTATE_FAMILY_COMMON)
		*vendor_ret = family;
	return NULL;
}

static bool describe_name(const CriuCpuX86 *x, struct description *d)
{
	const struct span brand = { (const char *)x->brand.data,
				    x->brand.len };
	char name[NAME_SIZE];

	if (!brand.size)
		return true;
	span_copy(span_trim(brand), name, sizeof(name));
	return !name[0] || description_rename(d, name);
}

static struct error *too_few_words(const CriuCpuX86 *x)
{
	return error_new(ERROR_BAD_INPUT, "%zu words of CPU capabilities; "
			 "CRIU writes %d or more", x->n_words, WORDS_MIN);
}

static struct error *describe(const CriuCpuX86 *x, struct description *d,
			      enum xstate_family *vendor_ret)
{
	static const char *const vendors[] = {
		[VENDOR_INTEL] = "GenuineIntel",
		[VENDOR_AMD] = "AuthenticAMD",
	};
	const char *vendor = "";

	if (x->vendor < ARRAY_SIZE(vendors) && vendors[x->vendor])
		vendor = vendors[x->vendor];
	*vendor_ret = cpuid_vendor_family(vendor);
	if (x->n_words < WORDS_MIN)
		return too_few_words(x);
	if (!describe_name(x, d))
		return &error_no_memory;
	describe_isa(x, &d->isa);
	cpuid_vendor_adjust(vendor, &d->isa);
	d->origin[DESCRIBED_ISA] = ORIGIN_GIVEN;
	if (x->has_xfeatures) {
		uint64_t seen = (XSTATE_BIT(XFEATURES_LAST) << 1) - 1;

		/* bit 1 is never set in it, but no extension depends on it */
		drop_components(&d->isa, seen & ~x->xfeatures);
	}
	return describe_layout(x, d, vendor_ret);
}

/* The first record, *ret is empty before; the others have to be well framed. */
static struct error *find_record(struct bytes image, struct bytes *ret)
{
	uint32_t magic = 0, size;
	uint64_t off = 0;

	if (bytes_u32(image, 0, &magic) && magic == MAGIC_IMAGE)
		off += sizeof(magic);
	if (!bytes_u32(image, off, &magic))
		return error_new(ERROR_BAD_INPUT, "the image is truncated");
	if (magic != MAGIC_CPUINFO)
		return error_new(ERROR_BAD_INPUT, "a CRIU image of another "
				 "kind; only cpuinfo.img describes a CPU");
	off += sizeof(magic);
	while (off < image.size) {
		if (!bytes_u32(image, off, &size) ||
		    !bytes_has(image, off + sizeof(size), size))
			return error_new(ERROR_BAD_INPUT, "the image is "
					 "truncated at byte %zu", image.size);
		off += sizeof(size);
		if (!ret->data)
			*ret = bytes_first(bytes_from(image, off), size);
		off += size;
	}
	if (!ret->data)
		return error_new(ERROR_BAD_INPUT, "the image has no record");
	return NULL;
}

/* The CPU of the first record; the caller frees *info_ret, also on an error. */
static struct error *unpack(struct bytes image, CriuCpuinfo **info_ret)
{
	struct bytes record = { NULL, 0, 0 };
	struct error *err = find_record(image, &record);

	if (err)
		return err;
	*info_ret = criu_cpuinfo__unpack(NULL, record.size, record.data);
	if (!*info_ret)
		return error_new(ERROR_BAD_INPUT, "the record of the image is "
				 "not a protocol buffer");
	if (!(*info_ret)->n_x86)
		return error_new(ERROR_BAD_INPUT, "the image is not of an x86 "
				 "machine");
	return NULL;
}

struct error *format_criu_parse(const char *text, size_t size,
				struct description *d,
				enum xstate_family *vendor_ret)
{
	CriuCpuinfo *info = NULL;
	struct error *err = unpack(image_bytes(text, size), &info);

	if (!err)
		err = describe(info->x86[0], d, vendor_ret);
	criu_cpuinfo__free_unpacked(info, NULL);
	return err;
}

struct error *format_criu_read(const uint8_t *image, size_t size,
			       struct criu_cpu *ret)
{
	CriuCpuinfo *info = NULL;
	struct error *err = unpack((struct bytes){ image, size, 0 }, &info);

	if (!err && info->x86[0]->n_words < WORDS_MIN)
		err = too_few_words(info->x86[0]);
	if (!err) {
		const CriuCpuX86 *x = info->x86[0];

		*ret = (struct criu_cpu){
			.xfeatures = x->xfeatures,
			.xsave_size = x->xsave_size,
			.has_xfeatures = x->has_xfeatures,
			.has_xsave_size = x->has_xsave_size,
			.xsaves = x->words[WORD_D_1_EAX] & WORD_D_1_EAX_XSAVES,
		};
		describe_isa(x, &ret->isa);
	}
	criu_cpuinfo__free_unpacked(info, NULL);
	return err;
}

#else

static struct error *unsupported(void)
{
	return error_new(ERROR_UNSUPPORTED, "this program was built without "
			 "support for CRIU images");
}

struct error *format_criu_parse(const char *text, size_t size,
				struct description *d,
				enum xstate_family *vendor_ret)
{
	(void)text;
	(void)size;
	(void)d;
	(void)vendor_ret;
	return unsupported();
}

struct error *format_criu_read(const uint8_t *image, size_t size,
			       struct criu_cpu *ret)
{
	(void)image;
	(void)size;
	(void)ret;
	return unsupported();
}

#endif
