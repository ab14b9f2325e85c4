/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe_snapshot.c - the machine that a snapshot says it was taken on */
#include "describe/describe_snapshot.h"

#include <string.h>

#include "describe/formats.h"

/* The masks that CPUs have; any other was written by somebody's debugger. */
static bool is_mxcsr_mask(uint32_t mask)
{
	return mask == 0xffff || mask == 0x2ffff;
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

struct error *describe_snapshot(const struct snapshot *s,
				struct description *d,
				enum xstate_family *vendor_ret)
{
	*vendor_ret = XSTATE_FAMILY_UNKNOWN;
	if (s->carried_cpu)
		return format_own_parse(s->carried_cpu, strlen(s->carried_cpu),
					d, vendor_ret);
	if (!s->xfeatures)
		return error_new(ERROR_BAD_INPUT, "this core does not say "
				 "which state components the machine had");
	d->cpu.xfeatures = s->xfeatures;
	d->cpu.xsave = TRI_YES;
	d->origin[DESCRIBED_XFEATURES] = ORIGIN_GIVEN;
	if (s->layout.features) {
		d->cpu.layout = s->layout;
		*vendor_ret = xstate_layout_family(&s->layout, s->xfeatures);
		d->origin[DESCRIBED_LAYOUT] = ORIGIN_GIVEN;
	}
	if (s->minsigstksz >= MINSIGSTKSZ_LEAST &&
	    s->minsigstksz <= MINSIGSTKSZ_MOST) {
		d->minsigstksz = s->minsigstksz;
		d->origin[DESCRIBED_MINSIGSTKSZ] = ORIGIN_GIVEN;
	}
	if (s->kernel) {
		d->kernel = strdup(s->kernel);
		if (!d->kernel)
			return &error_no_memory;
	}
	describe_mxcsr(s, d);
	return NULL;
}
