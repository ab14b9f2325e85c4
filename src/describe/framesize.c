/* SPDX-License-Identifier: GPL-3.0-or-later */
/* framesize.c - what AT_MINSIGSTKSZ tells of a machine */
#include "describe/framesize.h"

uint64_t framesize_of(uint32_t image, bool xsave, bool ia32)
{
	uint64_t size = (ia32 ? 736 + 112 : 440) + 15 + image + 63;

	if (xsave)
		size += XSTATE_MAGIC2_SIZE;
	return (size + 15) & ~UINT64_C(15);
}

void framesize_infer(uint64_t minsigstksz, uint64_t features,
		     struct description *d, enum xstate_family *vendor_ret)
{
	static const enum xstate_family families[] = {
		XSTATE_FAMILY_INTEL, XSTATE_FAMILY_AMD,
	};
	enum xstate_family found = XSTATE_FAMILY_UNKNOWN;
	bool with_ia32 = false, without = false;

	for (unsigned i = 0; i < 2; i++) {
		const struct xstate_layout *l =
			xstate_family_layout(families[i]);
		uint32_t image = xstate_layout_size(l, features);
		bool yes = image &&
			   framesize_of(image, true, true) == minsigstksz;
		bool no = image &&
			  framesize_of(image, true, false) == minsigstksz;

		with_ia32 |= yes;
		without |= no;
		if (!yes && !no)
			continue;
		found = found ? XSTATE_FAMILY_COMMON : families[i];
	}
	if (with_ia32 != without) {
		d->ia32 = tri_of(with_ia32);
		d->origin[DESCRIBED_ABIS] = ORIGIN_DERIVED;
	}
	if (!found || found == XSTATE_FAMILY_COMMON ||
	    d->origin[DESCRIBED_LAYOUT] != ORIGIN_NONE)
		return;
	*vendor_ret = found;
	d->cpu.layout = *xstate_family_layout(found);
	d->cpu.layout.features &= features;
	d->origin[DESCRIBED_LAYOUT] = ORIGIN_DERIVED;
}
