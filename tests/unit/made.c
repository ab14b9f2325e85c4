/* SPDX-License-Identifier: GPL-3.0-or-later */
/* made.c - made-up CPUs and frames for the tests of predict() */
#include "made.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernel/checks.h"

#define FRAME_ADDR UINT64_C(0x7f0000000008)
#define IMAGE_ADDR UINT64_C(0x7f0000100000)

/* Fuzz targets use this file, too: no cmocka here. */
static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "made.c: %s\n", what);
	abort();
}

static const struct {
	const char *name;
	uint64_t xfeatures;	/* X */
	uint64_t features;	/* F */
	uint32_t user_size;	/* U */
	enum xstate_family family;
	bool xsavec;
} cpus[MADE_CPUS] = {
	[NHM] = { "NHM", 0, 0, 512, XSTATE_FAMILY_COMMON, false },
	[HSW] = { "HSW", 0x7, 0x7, 832, XSTATE_FAMILY_INTEL, false },
	[Z3] = { "Z3", 0x207, 0x207, 2440, XSTATE_FAMILY_AMD, true },
	[Z4] = { "Z4", 0x2e7, 0x2e7, 2440, XSTATE_FAMILY_AMD, true },
	[ADL] = { "ADL", 0x207, 0x207, 2696, XSTATE_FAMILY_INTEL, true },
	[ICX] = { "ICX", 0x2e7, 0x2e7, 2696, XSTATE_FAMILY_INTEL, true },
	[ICX_NOPKU] = { "ICX without pkeys", 0xe7, 0xe7, 2688,
			XSTATE_FAMILY_INTEL, true },
	[SPR] = { "SPR", 0x602e7, 0x202e7, 2816, XSTATE_FAMILY_INTEL, true },
	[SPR_NOPKU] = { "SPR without pkeys", 0x600e7, 0x200e7, 2816,
			XSTATE_FAMILY_INTEL, true },
	[SPR_AMX] = { "SPR+AMX", 0x602e7, 0x602e7, 11008, XSTATE_FAMILY_INTEL,
		      true },
};

const char *made_cpu_name(enum made_cpu cpu)
{
	return cpus[cpu].name;
}

enum xstate_family made_family(enum made_cpu cpu)
{
	return cpus[cpu].family;
}

struct made_words made_native(enum made_cpu cpu)
{
	return (struct made_words){ cpus[cpu].user_size, cpus[cpu].features,
				    cpus[cpu].features };
}

void made_target(enum made_cpu cpu, rules_mask rules, struct made_target *ret)
{
	bool amd = cpus[cpu].family == XSTATE_FAMILY_AMD;

	ret->cpu = (struct cpu_model){
		.name = cpus[cpu].name,
		.xsave = tri_of(cpu != NHM),
		.xsavec = tri_of(cpus[cpu].xsavec),
		.xfeatures = cpus[cpu].xfeatures,
		.layout = *xstate_family_layout(cpus[cpu].family),
		.family = cpus[cpu].family,
		.mxcsr_mask = amd ? 0x2ffff : 0xffff,
		.user_limit = CPU_USER_LIMIT_48,
	};
	target_init(&ret->target, cpus[cpu].name, &ret->cpu, rules,
		    cpus[cpu].features);
	ret->target.ia32 = TRI_YES;
	ret->target.x32 = TRI_YES;
	must(ret->target.user_size == cpus[cpu].user_size, cpus[cpu].name);
}

void made_put(struct made *m, uint32_t offset, unsigned width, uint64_t word)
{
	uint32_t header = sigframe_shapes[m->facts.sigframe.kind].header;
	uint64_t raw = htole64(word);

	must(header + offset + width <= MADE_AREA, "outside");
	memcpy(m->area + header + offset, &raw, width);
}

uint64_t made_get(const struct made *m, uint32_t offset, unsigned width)
{
	struct bytes b = { m->area, MADE_AREA, 0 };
	uint32_t header = sigframe_shapes[m->facts.sigframe.kind].header;
	uint64_t word = 0;

	must(bytes_word(b, header + offset, width, &word), "outside");
	return word;
}

void made_frame(struct made *m, enum sigframe_kind kind, struct made_words w,
		enum xstate_family family)
{
	const struct sigframe_shape *shape = &sigframe_shapes[kind];
	bool ia32 = shape->header != 0;
	uint64_t address = ia32 ? FRAME_ADDR % 0x10000000 + 4 : FRAME_ADDR;
	uint64_t image = ia32 ? IMAGE_ADDR % 0x10000000 + 0x200000 : IMAGE_ADDR;

	*m = (struct made){
		.facts = {
			.sigframe = {
				.kind = kind,
				.address = address,
				.pretcode = 0x401000,
				.uc_flags = ia32 ? 1 : 7,
				.fpstate = image - shape->header,
				.regs = { .r = {
					[X86_RIP] = 0x402000,
					[X86_RSP] = 0x403000,
					[X86_RFLAGS] = 0x202,
					[X86_CS] = ia32 ? X86_USER32_CS
							: X86_USER_CS,
					[X86_SS] = X86_USER_DS,
				} },
			},
			.frame = { { m->frame, sizeof(m->frame), address },
				   RUN_END_UNKNOWN },
			.area = { { m->area, sizeof(m->area),
				    image - shape->header },
				  RUN_END_UNKNOWN },
			.layout = *xstate_family_layout(family),
			.family = family,
			.around = {
				.rip_mapped = TRI_YES,
				.rip_executable = TRI_YES,
				.restorer = TRI_YES,
				.restorer_executable = TRI_YES,
				.resident = TRI_YES,
				.shadow_stack = TRI_NO,
			},
		},
	};
	memset(m->area + shape->header, 0xa5, sizeof(m->area) - shape->header);
	made_put(m, XSTATE_MXCSR_OFF, 4, 0x1f80);
	for (uint32_t i = XSTATE_SW_OFF; i < XSTATE_MIN_SIZE; i++)
		made_put(m, i, 1, 0);
	made_put(m, 464, 4, XSTATE_MAGIC1);
	made_put(m, 468, 4, w.s + 4 + shape->header);
	made_put(m, 472, 8, w.q);
	made_put(m, 480, 4, w.s);
	made_put(m, 512, 8, w.bv);
	made_put(m, w.s, 4, XSTATE_MAGIC2);
}

void made_cut(struct made *m, uint32_t size, enum run_end end)
{
	m->facts.area.bytes.size =
		sigframe_shapes[m->facts.sigframe.kind].header + size;
	m->facts.area.end = end;
}

void made_move(struct made *m, uint64_t by)
{
	m->facts.sigframe.fpstate += by;
	m->facts.area.bytes.addr += by;
}

void made_infer(struct made *m)
{
	struct run image = frame_image(&m->facts);
	struct xstate_sw sw;

	m->facts.family = XSTATE_FAMILY_UNKNOWN;
	m->facts.layout = *xstate_family_layout(XSTATE_FAMILY_COMMON);
	if (xstate_sw_decode(image.bytes, &sw))
		m->facts.family = xstate_infer_layout(&sw, NULL,
						      &m->facts.layout);
}

uint64_t made_check(const char *id)
{
	for (unsigned i = 0; i < checks_count; i++)
		if (!strcmp(checks[i].id, id))
			return UINT64_C(1) << i;
	must(false, id);
	return 0;
}

uint64_t made_hazard(const char *id)
{
	for (unsigned i = 0; i < hazards_count; i++)
		if (!strcmp(hazards[i].id, id))
			return UINT64_C(1) << i;
	must(false, id);
	return 0;
}

const char *made_names(uint64_t mask)
{
	static char names[2048];
	size_t size = 0;

	names[0] = '\0';
	for (unsigned i = 0; i < checks_count; i++)
		if (mask & UINT64_C(1) << i)
			size += (size_t)snprintf(names + size,
						 sizeof(names) - size, " %s",
						 checks[i].id);
	return names;
}
