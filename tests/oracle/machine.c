/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.c - CPUs whose frames are tried on this one */
#include "machine.h"

#include <string.h>

#include "base/cleanup.h"

/* Features and sizes as boot logs and CPUID dumps of these machines show. */
const struct machine machines[] = {
	[MACHINE_NATIVE] = { .name = "native" },
	{ "fxsave", 0x3, 512, XSTATE_FAMILY_COMMON },
	{ "sse", 0x3, 576, XSTATE_FAMILY_COMMON },
	{ "haswell", 0x7, 832, XSTATE_FAMILY_COMMON },
	{ "skylake-client", 0x1f, 1088, XSTATE_FAMILY_INTEL },
	{ "skylake-x", 0x2e7, 2696, XSTATE_FAMILY_INTEL },
	{ "skylake-x-mpx", 0x2ff, 2696, XSTATE_FAMILY_INTEL },
	{ "icelake-nopku", 0xe7, 2688, XSTATE_FAMILY_INTEL },
	{ "alderlake", 0x207, 2696, XSTATE_FAMILY_INTEL },
	{ "zen3", 0x207, 2440, XSTATE_FAMILY_AMD },
	{ "zen4", 0x2e7, 2440, XSTATE_FAMILY_AMD },
	{ "zen4-nopku", 0xe7, 2432, XSTATE_FAMILY_AMD },
	{ "spr", 0x202e7, 2816, XSTATE_FAMILY_INTEL },
	{ "spr-amx", 0x602e7, 11008, XSTATE_FAMILY_INTEL },
};
const unsigned machines_count = ARRAY_SIZE(machines);

void machine_view(unsigned index, const struct host *host,
		  struct machine_view *ret)
{
	const struct machine *m = &machines[index];

	if (index == MACHINE_NATIVE) {
		uint64_t features = cpu_default_features(&host->cpu);

		*ret = (struct machine_view){
			.features = features,
			.size = cpu_user_size(&host->cpu, features),
			.xsave = host->cpu.xsave == TRI_YES,
			.layout = host->cpu.layout,
		};
		return;
	}
	*ret = (struct machine_view){
		.features = m->features,
		.size = m->size,
		.xsave = m->size > XSTATE_FX_SIZE,
		.layout = *xstate_family_layout(m->family),
	};
}

unsigned machine_find(const char *name, size_t length)
{
	unsigned i;

	for (i = 0; i < machines_count; i++) {
		if (strlen(machines[i].name) == length &&
		    !memcmp(machines[i].name, name, length))
			break;
	}
	return i;
}
