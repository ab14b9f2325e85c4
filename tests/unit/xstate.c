/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xstate.c - components, layouts, sizes and the words of an XSAVE image */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "x86/cpu.h"
#include "x86/xstate.h"

#define INTEL xstate_family_layout(XSTATE_FAMILY_INTEL)
#define AMD xstate_family_layout(XSTATE_FAMILY_AMD)
#define COMMON xstate_family_layout(XSTATE_FAMILY_COMMON)

static void component_table(void **state)
{
	/* numbers by the SDM, names by this program's JSON */
	static const struct {
		unsigned number;
		const char *name;
		bool supervisor;
	} rows[] = {
		{ 0, "x87", false },	    { 1, "sse", false },
		{ 2, "avx", false },	    { 3, "bndregs", false },
		{ 4, "bndcsr", false },	    { 5, "opmask", false },
		{ 6, "zmm_hi256", false },  { 7, "hi16_zmm", false },
		{ 8, "pt", true },	    { 9, "pkru", false },
		{ 10, "pasid", true },	    { 11, "cet_u", true },
		{ 12, "cet_s", true },	    { 13, "hdc", true },
		{ 14, "uintr", true },	    { 15, "lbr", true },
		{ 16, "hwp", true },	    { 17, "xtilecfg", false },
		{ 18, "xtiledata", false }, { 19, "apx", false },
		{ 62, "lwp", false },
	};
	uint64_t named = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct xstate_component *c =
			&xstate_components[rows[i].number];

		named |= XSTATE_BIT(rows[i].number);
		assert_string_equal(c->name, rows[i].name);
		assert_non_null(c->title);
		assert_int_equal(c->supervisor, rows[i].supervisor);
	}
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		const struct xstate_component *c = &xstate_components[i];

		if (named & XSTATE_BIT(i))
			continue;
		assert_null(c->name);
		assert_null(c->title);
	}
	/* nothing that a signal frame never has is in a layout */
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		if (!((INTEL->features | AMD->features) & XSTATE_BIT(i)))
			continue;
		assert_non_null(xstate_components[i].name);
		assert_false(xstate_components[i].supervisor);
	}
}

static void family_layouts(void **state)
{
	/* CPUID.(0DH,n):EBX and EAX; AMD's from Zen 3 on; 0: has it not */
	static const struct {
		unsigned number;
		uint32_t size, intel, amd;
	} rows[] = {
		{ 2, 256, 576, 576 },	 { 3, 64, 960, 0 },
		{ 4, 64, 1024, 0 },	 { 5, 64, 1088, 832 },
		{ 6, 512, 1152, 896 },	 { 7, 1024, 1664, 1408 },
		{ 9, 8, 2688, 2432 },	 { 17, 64, 2752, 0 },
		{ 18, 8192, 2816, 0 },	 { 19, 128, 960, 0 },
	};
	uint64_t intel = XSTATE_LEGACY, amd = XSTATE_LEGACY;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned n = rows[i].number;

		intel |= XSTATE_BIT(n);
		assert_int_equal(INTEL->offset[n], rows[i].intel);
		assert_int_equal(INTEL->size[n], rows[i].size);
		if (!rows[i].amd)
			continue;
		amd |= XSTATE_BIT(n);
		assert_int_equal(AMD->offset[n], rows[i].amd);
		assert_int_equal(AMD->size[n], rows[i].size);
	}
	assert_int_equal(INTEL->features, intel);
	assert_int_equal(AMD->features, amd);
	assert_int_equal(COMMON->features, 7);
	assert_int_equal(COMMON->offset[2], 576);
	assert_int_equal(COMMON->size[2], 256);
	assert_int_equal(xstate_family_layout(XSTATE_FAMILY_UNKNOWN)->features,
			 0);
	assert_string_equal(xstate_family_name(XSTATE_FAMILY_INTEL), "intel");
	assert_string_equal(xstate_family_name(XSTATE_FAMILY_AMD), "amd");
	assert_string_equal(xstate_family_name(XSTATE_FAMILY_COMMON), "common");
	assert_string_equal(xstate_family_name(XSTATE_FAMILY_UNKNOWN),
			    "unknown");
	for (enum xstate_family f = XSTATE_FAMILY_INTEL;
	     f <= XSTATE_FAMILY_COMMON; f++) {
		const struct xstate_layout *l = xstate_family_layout(f);

		assert_int_equal(l->offset[0], 0);
		assert_int_equal(l->size[0], 160);
		assert_int_equal(l->offset[1], 160);
		assert_int_equal(l->size[1], 256);
	}
}

/* What CPUs in the field announce in their frames, and which layout it is. */
static const struct pair {
	uint64_t q;
	uint32_t s;
	enum xstate_family family;
} pairs[] = {
	{ 0x3, 576, XSTATE_FAMILY_COMMON },	/* no AVX; Jasper Lake */
	{ 0x7, 832, XSTATE_FAMILY_COMMON },	/* to Broadwell, to Zen 2 */
	{ 0x1b, 1088, XSTATE_FAMILY_INTEL },	/* Denverton */
	{ 0x1f, 1088, XSTATE_FAMILY_INTEL },	/* Skylake client */
	{ 0x21f, 2696, XSTATE_FAMILY_INTEL },
	{ 0xe7, 2688, XSTATE_FAMILY_INTEL },	/* KNL; pkeys hidden */
	{ 0xff, 2688, XSTATE_FAMILY_INTEL },
	{ 0x2e7, 2696, XSTATE_FAMILY_INTEL },	/* Ice Lake */
	{ 0x2ff, 2696, XSTATE_FAMILY_INTEL },	/* Skylake server */
	{ 0x207, 2696, XSTATE_FAMILY_INTEL },	/* Alder Lake, Zhaoxin */
	{ 0x202e7, 2816, XSTATE_FAMILY_INTEL },	/* Sapphire Rapids */
	{ 0x602e7, 11008, XSTATE_FAMILY_INTEL },
	{ 0x200e7, 2816, XSTATE_FAMILY_INTEL },
	{ 0x600e7, 11008, XSTATE_FAMILY_INTEL },
	{ 0xa02e7, 2816, XSTATE_FAMILY_INTEL },	/* with APX */
	{ 0xe02e7, 11008, XSTATE_FAMILY_INTEL },
	{ 0x207, 2440, XSTATE_FAMILY_AMD },	/* Zen 3 */
	{ 0x2e7, 2440, XSTATE_FAMILY_AMD },	/* Zen 4, Zen 5 */
	{ 0xe7, 2432, XSTATE_FAMILY_AMD },	/* pkeys hidden */
};

static void layout_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		const struct pair *p = &pairs[i];
		struct cpu_model cpu = {
			.xsave = TRI_YES,
			.xfeatures = p->q,
			.layout = *xstate_family_layout(p->family),
		};

		assert_int_equal(xstate_layout_size(&cpu.layout, p->q), p->s);
		/* x87 and SSE are there, asked for or not */
		assert_int_equal(xstate_layout_size(&cpu.layout, p->q & ~3ULL),
				 p->s);
		assert_int_equal(cpu_user_size(&cpu, p->q), p->s);
		assert_int_equal(cpu_user_size(&cpu, UINT64_MAX), p->s);
		cpu.xsave = TRI_NO;
		assert_int_equal(cpu_user_size(&cpu, p->q), 512);
		cpu.xsave = TRI_UNKNOWN;
		assert_int_equal(cpu_user_size(&cpu, p->q), 0);
	}
	assert_int_equal(xstate_layout_size(INTEL, 0), 576);
	/* the end of the highest offset, not of the highest bit */
	assert_int_equal(xstate_layout_size(INTEL, 0x80007), 1088);
	assert_int_equal(xstate_layout_size(INTEL, 0x800e7), 2688);
	/* a component whose place is not known */
	for (unsigned n = 2; n < XSTATE_MAX; n++) {
		uint64_t bit = XSTATE_BIT(n);

		if (!(INTEL->features & bit))
			assert_int_equal(xstate_layout_size(INTEL, bit | 7), 0);
		if (!(AMD->features & bit))
			assert_int_equal(xstate_layout_size(AMD, bit | 7), 0);
		if (n > 2)
			assert_int_equal(xstate_layout_size(COMMON, bit | 7),
					 0);
	}
	assert_int_equal(xstate_layout_size(INTEL, UINT64_MAX), 0);
}

/* A task that has not asked for tile data. */
static void default_features(void **state)
{
	struct cpu_model cpu = {
		.xsave = TRI_YES, .xfeatures = 0x602e7, .layout = *INTEL,
	};

	(void)state;
	assert_int_equal(cpu_default_features(&cpu), 0x202e7);
	assert_int_equal(cpu_user_size(&cpu, cpu_default_features(&cpu)),
			 2816);
}

static void layout_family(void **state)
{
	struct xstate_layout odd = *AMD;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_int_equal(
			xstate_layout_family(xstate_family_layout(pairs[i].family),
					     pairs[i].q),
			pairs[i].family);
	assert_int_equal(xstate_layout_family(INTEL, 7), XSTATE_FAMILY_COMMON);
	assert_int_equal(xstate_layout_family(AMD, 7), XSTATE_FAMILY_COMMON);
	assert_int_equal(xstate_layout_family(COMMON, 7),
			 XSTATE_FAMILY_COMMON);
	assert_int_equal(xstate_layout_family(COMMON, 0x207),
			 XSTATE_FAMILY_UNKNOWN);
	assert_int_equal(xstate_layout_family(AMD, XSTATE_BIT(18)),
			 XSTATE_FAMILY_UNKNOWN);
	assert_int_equal(xstate_layout_family(INTEL, XSTATE_BIT(62)),
			 XSTATE_FAMILY_UNKNOWN);
	odd.size[9] = 16;
	assert_int_equal(xstate_layout_family(&odd, 0x2e7),
			 XSTATE_FAMILY_UNKNOWN);
	assert_int_equal(xstate_layout_family(&odd, 0xe7), XSTATE_FAMILY_AMD);
	odd = *INTEL;
	odd.offset[9] = 2432;
	assert_int_equal(xstate_layout_family(&odd, 0x2e7),
			 XSTATE_FAMILY_UNKNOWN);
	assert_int_equal(xstate_layout_family(&odd, 0x207), XSTATE_FAMILY_AMD);
}

static void same_layout(const struct xstate_layout *a,
			const struct xstate_layout *b)
{
	assert_int_equal(a->features, b->features);
	assert_memory_equal(a->offset, b->offset, sizeof(a->offset));
	assert_memory_equal(a->size, b->size, sizeof(a->size));
}

static void infer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		const struct pair *p = &pairs[i];
		const struct xstate_layout *own =
			xstate_family_layout(p->family);
		const struct xstate_layout *hints[] = { NULL, INTEL, AMD,
							COMMON };
		struct xstate_sw sw = {
			.xfeatures = p->q, .xstate_size = p->s,
		};

		/* a hint that does not fit changes nothing, nor does none */
		for (size_t h = 0; h < ARRAY_SIZE(hints); h++) {
			struct xstate_layout l;

			assert_int_equal(xstate_infer_layout(&sw, hints[h], &l),
					 p->family);
			if (hints[h] && p->family == XSTATE_FAMILY_COMMON)
				same_layout(&l, hints[h]);
			else
				same_layout(&l, own);
		}
		/* a size that fits nothing */
		for (int off = -9; off <= 9; off++) {
			struct xstate_layout l;

			sw.xstate_size = p->s + (uint32_t)off;
			if (off == 0 || (p->q == 0xe7 && off == 8))
				continue;
			assert_int_equal(xstate_infer_layout(&sw, own, &l),
					 XSTATE_FAMILY_UNKNOWN);
			same_layout(&l, COMMON);
		}
	}
}

static void infer_by_hint(void **state)
{
	/* PKRU right behind AVX, as one CPU's CPUID announces it */
	struct xstate_layout rome = *COMMON, l;
	struct xstate_sw sw = { .xfeatures = 0x207, .xstate_size = 840 };

	(void)state;
	rome.features |= XSTATE_BIT(9);
	rome.offset[9] = 832;
	rome.size[9] = 8;
	assert_int_equal(xstate_infer_layout(&sw, NULL, &l),
			 XSTATE_FAMILY_UNKNOWN);
	same_layout(&l, COMMON);
	/* what is known of the machine is believed, whatever its family */
	assert_int_equal(xstate_infer_layout(&sw, &rome, &l),
			 XSTATE_FAMILY_UNKNOWN);
	same_layout(&l, &rome);
	sw.xstate_size = 2440;
	assert_int_equal(xstate_infer_layout(&sw, &rome, &l),
			 XSTATE_FAMILY_AMD);
	same_layout(&l, AMD);
}

static void infer_nonsense(void **state)
{
	static const struct {
		uint64_t q;
		uint32_t s;
		enum xstate_family family;
	} rows[] = {
		{ 0, 0, XSTATE_FAMILY_UNKNOWN },
		{ 0, 576, XSTATE_FAMILY_COMMON },
		{ 1, 576, XSTATE_FAMILY_COMMON },
		{ 3, 512, XSTATE_FAMILY_UNKNOWN },
		{ 7, 0, XSTATE_FAMILY_UNKNOWN },
		{ 7, 576, XSTATE_FAMILY_UNKNOWN },
		{ UINT64_MAX, 0, XSTATE_FAMILY_UNKNOWN },
		{ UINT64_MAX, UINT32_MAX, XSTATE_FAMILY_UNKNOWN },
		{ 7, UINT32_MAX, XSTATE_FAMILY_UNKNOWN },
		/* a component nobody has, with the size 0 of "not known" */
		{ XSTATE_BIT(63), 0, XSTATE_FAMILY_UNKNOWN },
		{ XSTATE_BIT(62) | 0x2e7, 2440, XSTATE_FAMILY_UNKNOWN },
		{ XSTATE_BIT(8) | 7, 832, XSTATE_FAMILY_UNKNOWN },
		/* the right size of the wrong vendor */
		{ 0x602e7, 2440, XSTATE_FAMILY_UNKNOWN },
		{ 0x1f, 2440, XSTATE_FAMILY_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct xstate_sw sw = {
			.xfeatures = rows[i].q, .xstate_size = rows[i].s,
		};
		const struct xstate_layout *hints[] = { NULL, INTEL, AMD,
							COMMON };

		for (size_t h = 0; h < ARRAY_SIZE(hints); h++) {
			struct xstate_layout l;

			if (xstate_infer_layout(&sw, hints[h], &l) !=
			    rows[i].family)
				fail_msg("row %zu with hint %zu", i, h);
		}
	}
}

/* A block of just `size` bytes, each its place times 7, plus 3. */
static struct bytes pattern(size_t size)
{
	uint8_t *data = malloc(size ? size : 1);

	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i * 7 + 3);
	return (struct bytes){ data, size, 0x1000 };
}

static uint64_t pattern_word(size_t off, unsigned width)
{
	uint64_t word = 0;

	while (width-- > 0)
		word = word << 8 | (uint8_t)((off + width) * 7 + 3);
	return word;
}

static void sw_decode(void **state)
{
	(void)state;
	for (size_t size = 0; size <= 600; size++) {
		struct bytes b = pattern(size);
		struct xstate_sw sw = { 1, 2, 3, 4 };
		bool found = xstate_sw_decode(b, &sw);

		assert_int_equal(found, size >= 484);
		assert_int_equal(sw.magic1, found ? pattern_word(464, 4) : 1);
		assert_int_equal(sw.extended_size,
				 found ? pattern_word(468, 4) : 2);
		assert_int_equal(sw.xfeatures,
				 found ? pattern_word(472, 8) : 3);
		assert_int_equal(sw.xstate_size,
				 found ? pattern_word(480, 4) : 4);
		free((void *)(uintptr_t)b.data);
	}
	assert_int_equal(XSTATE_MAGIC1, 0x46505853);
	assert_int_equal(XSTATE_MAGIC2, 0x46505845);
}

static void header_decode(void **state)
{
	(void)state;
	for (size_t size = 0; size <= 600; size++) {
		struct bytes b = pattern(size);
		struct xstate_header h = { 1, 2, false, true };
		bool found = xstate_header_decode(b, &h);

		assert_int_equal(found, size >= 576);
		assert_int_equal(h.xstate_bv, found ? pattern_word(512, 8) : 1);
		assert_int_equal(h.xcomp_bv, found ? pattern_word(520, 8) : 2);
		assert_int_equal(h.reserved_16_23, found);
		assert_true(h.reserved_24_63);
		free((void *)(uintptr_t)b.data);
	}
	/* which byte makes which word reserved */
	for (size_t i = 0; i < 80; i++) {
		uint8_t image[600] = { 0 };
		struct bytes b = { image, sizeof(image), 0 };
		struct xstate_header h;

		image[512 + i] = 1;
		assert_true(xstate_header_decode(b, &h));
		assert_int_equal(h.xstate_bv != 0, i < 8);
		assert_int_equal(h.xcomp_bv != 0, i >= 8 && i < 16);
		assert_int_equal(h.reserved_16_23, i >= 16 && i < 24);
		assert_int_equal(h.reserved_24_63, i >= 24 && i < 64);
	}
}

static void compact(void **state)
{
	/* SDM vol. 1, 13.4.3: one behind the other, in the order of bits */
	static const struct {
		uint64_t xcomp_bv, aligned;
		unsigned number;
		uint32_t offset;
	} rows[] = {
		{ 0x7, 0, 2, 576 },
		{ 0x3, 0, 1, 160 },
		{ 0x207, 0, 9, 832 },
		{ 0x2e7, 0, 5, 832 },
		{ 0x2e7, 0, 6, 896 },
		{ 0x2e7, 0, 7, 1408 },
		{ 0x2e7, 0, 9, 2432 },
		{ 0x200, 0, 9, 576 },
		{ 0xe0, 0, 7, 1152 },
		{ 0x602e7, XSTATE_COMPACT_ALIGNED, 17, 2496 },
		{ 0x602e7, XSTATE_COMPACT_ALIGNED, 18, 2560 },
		{ 0x602e7, 0, 17, 2440 },
		{ 0x602e7, 0, 18, 2504 },
		{ 0x40200, XSTATE_COMPACT_ALIGNED, 18, 640 },
		{ 0x40000, XSTATE_COMPACT_ALIGNED, 18, 576 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t bv = rows[i].xcomp_bv;
		unsigned n = rows[i].number;
		struct xstate_layout l;

		/* bit 63 says "compacted" and is no component */
		xstate_compact(INTEL, bv | XCOMP_BV_COMPACTED, rows[i].aligned,
			       &l);
		assert_int_equal(l.features, bv | XSTATE_LEGACY);
		assert_int_equal(l.offset[n], rows[i].offset);
		assert_int_equal(l.size[n], INTEL->size[n]);
		assert_int_equal(l.offset[1], 160);
		assert_true(xstate_layout_size(&l, bv) >=
			    rows[i].offset + l.size[n]);
	}

	struct xstate_layout l;

	/* what the layout does not have, it cannot place */
	xstate_compact(AMD, UINT64_MAX, 0, &l);
	assert_int_equal(l.features, 0x2e7);
	assert_int_equal(l.offset[9], 2432);
	xstate_compact(COMMON, 0x2e0, 0, &l);
	assert_int_equal(l.features, 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(component_table),
		cmocka_unit_test(family_layouts),
		cmocka_unit_test(layout_size),
		cmocka_unit_test(default_features),
		cmocka_unit_test(layout_family),
		cmocka_unit_test(infer),
		cmocka_unit_test(infer_by_hint),
		cmocka_unit_test(infer_nonsense),
		cmocka_unit_test(sw_decode),
		cmocka_unit_test(header_decode),
		cmocka_unit_test(compact),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("xstate", tests, NULL, NULL);
}
