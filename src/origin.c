/* SPDX-License-Identifier: GPL-3.0-or-later */
/* origin.c - the machine that an input ran on, as a target for its autopsy */
#include "origin.h"

#include <stdlib.h>
#include <string.h>

#include "describe/describe_snapshot.h"
#include "describe/spec.h"

#define RELEASED                                                               \
	(RULES_BIT(RULES_R1) | RULES_BIT(RULES_R2) | RULES_BIT(RULES_R3) |     \
	 RULES_BIT(RULES_R4) | RULES_BIT(RULES_R5))

/*
 * Kernels write NT_X86_XSAVE_LAYOUT since 6.12, when those with the first two
 * sets of rules were past (rules.c).
 */
static rules_mask rules_of(const struct snapshot *s)
{
	return s->layout_noted ? RELEASED & ~(RULES_BIT(RULES_R1) |
					      RULES_BIT(RULES_R2))
			       : RELEASED;
}

static struct error *describe_core(const struct snapshot *s,
				   struct description **ret)
{
	enum xstate_family vendor;
	struct error *err;

	*ret = description_create(s->name ? s->name : "core");
	if (!*ret)
		return &error_no_memory;
	err = describe_snapshot(s, *ret, &vendor);
	if (!err && !(*ret)->kernel) {
		(*ret)->rules = rules_of(s);
		(*ret)->origin[DESCRIBED_RULES] = ORIGIN_ASSUMED;
	}
	if (!err)
		err = description_complete(*ret, vendor);
	if (!err && !cpu_user_size(&(*ret)->cpu, (*ret)->cpu.xfeatures))
		err = error_new(ERROR_BAD_INPUT, "nothing says where the "
				"state components are");
	return err;
}

struct error *origin_of(const struct snapshot *s, const struct host *host,
			struct report_target **ret)
{
	struct report_target *t = calloc(1, sizeof(*t));
	struct error *err = &error_no_memory;

	*ret = NULL;
	if (t) {
		t->is_host = s->kind == SOURCE_PROCESS;
		err = t->is_host ? spec_parse("host", host, &t->description)
				 : describe_core(s, &t->description);
	}
	if (!err) {
		t->cpu = strdup(t->description->name);
		if (!t->cpu)
			err = &error_no_memory;
	}
	if (err) {
		bool nothing = error_code(err) == ERROR_BAD_INPUT;

		report_target_destroy(t);
		if (!nothing)
			return err;
		error_free(err);
		return NULL;
	}
	target_init(&t->target, t->description->name, &t->description->cpu,
		    t->description->rules,
		    cpu_default_features(&t->description->cpu));
	*ret = t;
	return NULL;
}

uint32_t origin_image_max(const struct snapshot *s)
{
	uint64_t features = s->layout.features;
	uint32_t intel, amd;

	if (features)
		return xstate_layout_size(&s->layout, features);
	features = s->xfeatures;
	if (!features)
		return 0;
	/* whichever of the two it was */
	intel = xstate_layout_size(xstate_family_layout(XSTATE_FAMILY_INTEL),
				   features);
	amd = xstate_layout_size(xstate_family_layout(XSTATE_FAMILY_AMD),
				 features);
	return intel > amd ? intel : amd;
}

struct error *origin_infer(struct snapshot *s, const struct host *host)
{
	struct report_target *origin = NULL;
	struct error *err = NULL;

	if (source_kind_is_checkpoint(s->kind))
		err = origin_of(s, host, &origin);
	if (origin)
		s->layout = origin->description->cpu.layout;
	report_target_destroy(origin);
	return err;
}
