/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe_snapshot.c - the machine that a snapshot says it was taken on */
#include "describe/describe_snapshot.h"

#include <string.h>

#include "describe/formats.h"
#include "describe/framesize.h"

#define MXCSR_MASK_PLAIN UINT32_C(0xffff)
#define MXCSR_MASK_AMD UINT32_C(0x2ffff)

/* The masks that CPUs have; any other was written by somebody's debugger. */
static bool is_mxcsr_mask(uint32_t mask)
{
	return mask == MXCSR_MASK_PLAIN || mask == MXCSR_MASK_AMD;
}

/* From the image of the first thread that has one. */
static void describe_mxcsr(const struct snapshot *s, struct description *d)
{
	for (size_t i = 0; i < s->threads_count; i++) {
		const struct thread *t = &s->threads[i];
		struct bytes image = { t->xstate, t->xstate_size, 0 };
		uint32_t mask;

		if (!(t->has & THREAD_HAS_XSTATE) ||
		    !bytes_u32(image, XSTATE_MXCSR_MASK_OFF, &mask) ||
		    !is_mxcsr_mask(mask))
			continue;
		d->cpu.mxcsr_mask = mask;
		d->origin[DESCRIBED_MXCSR_MASK] = ORIGIN_GIVEN;
		return;
	}
}

/* Only AMD's and Hygon's CPUs have misaligned SSE. */
static enum xstate_family family_by_mxcsr(const struct description *d)
{
	switch (d->cpu.mxcsr_mask) {
	case MXCSR_MASK_AMD:
		return XSTATE_FAMILY_AMD;
	case MXCSR_MASK_PLAIN:
		return XSTATE_FAMILY_INTEL;
	default:
		return XSTATE_FAMILY_UNKNOWN;
	}
}

static void describe_minsigstksz(const struct snapshot *s,
				 struct description *d)
{
	if (s->minsigstksz < MINSIGSTKSZ_LEAST ||
	    s->minsigstksz > MINSIGSTKSZ_MOST)
		return;
	d->minsigstksz = s->minsigstksz;
	d->origin[DESCRIBED_MINSIGSTKSZ] = ORIGIN_GIVEN;
}

static struct error *describe_kernel(const struct snapshot *s,
				     struct description *d)
{
	/* what an export says it was need not be one */
	if (!s->kernel || !description_is_release(span_of(s->kernel)))
		return NULL;
	d->kernel = strdup(s->kernel);
	return d->kernel ? NULL : &error_no_memory;
}

static struct error *describe_cpuinfo(const struct snapshot *s,
				      struct description *d,
				      enum xstate_family *vendor_ret)
{
	describe_minsigstksz(s, d);
	return format_criu_parse((const char *)s->cpuinfo, s->cpuinfo_size, d,
				 vendor_ret);
}

struct error *describe_snapshot(const struct snapshot *s,
				struct description *d,
				enum xstate_family *vendor_ret)
{
	*vendor_ret = XSTATE_FAMILY_UNKNOWN;
	if (s->carried_cpu)
		return format_own_parse(s->carried_cpu, strlen(s->carried_cpu),
					d, vendor_ret);
	describe_mxcsr(s, d);
	if (s->cpuinfo)
		return describe_cpuinfo(s, d, vendor_ret);
	if (!s->xfeatures)
		return error_new(ERROR_BAD_INPUT, "the %s does not say which "
				 "state components the machine had",
				 source_kind_is_checkpoint(s->kind)
					 ? "checkpoint" : "core");
	d->cpu.xfeatures = s->xfeatures;
	d->cpu.xsave = TRI_YES;
	d->origin[DESCRIBED_XFEATURES] = ORIGIN_GIVEN;
	if (s->layout.features) {
		d->cpu.layout = s->layout;
		*vendor_ret = xstate_layout_family(&s->layout, s->xfeatures);
		d->origin[DESCRIBED_LAYOUT] = ORIGIN_GIVEN;
	} else if (source_kind_is_checkpoint(s->kind)) {
		/* CRIU notes what was there, but neither where nor AMX */
		d->origin[DESCRIBED_XFEATURES] = ORIGIN_DERIVED;
		*vendor_ret = family_by_mxcsr(d);
		framesize_infer(s->minsigstksz, s->xfeatures, d, vendor_ret);
	}
	describe_minsigstksz(s, d);
	return describe_kernel(s, d);
}
