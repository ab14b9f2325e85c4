/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flags.c - a CPU by its vendor, name and flags, as Linux prints them */
#include "describe/flags.h"

#include "describe/cpuid.h"

/* Longer than any flag; what does not fit is none that we know. */
#define FLAG_MAX 32
#define NAME_MAX_SHOWN 128
#define FLAGS_MAX (64u << 10)

/* No Linux prints it, APX or not. */
#define NEVER_LISTED ISA_BIT(ISA_APX_F)

static bool has_flag(struct span flags, const char *flag)
{
	struct span word;

	while (span_word(&flags, &word))
		if (span_equal(word, flag))
			return true;
	return false;
}

static uint64_t known_flags(struct span flags)
{
	uint64_t has = 0;
	struct span word;

	while (span_word(&flags, &word)) {
		char flag[FLAG_MAX];
		enum isa isa;

		if (word.size >= sizeof(flag))
			continue;
		span_copy(word, flag, sizeof(flag));
		if (isa_find(flag, &isa))
			has |= ISA_BIT(isa);
	}
	return has;
}

struct error *flags_describe(const struct cpu_flags *f, struct description *d,
			     enum xstate_family *vendor_ret)
{
	char vendor[CPUID_VENDOR_SIZE];
	char name[NAME_MAX_SHOWN];

	if (!f->flags.text || !f->flags.size)
		return error_new(ERROR_BAD_INPUT, "the CPU's flags are "
				 "missing");
	if (f->flags.size > FLAGS_MAX)
		return error_new(ERROR_BAD_INPUT, "more than %u KiB of flags",
				 FLAGS_MAX >> 10);
	if (!has_flag(f->flags, "lm") || !has_flag(f->flags, "fxsr"))
		return error_new(ERROR_BAD_INPUT, "the flags lack lm or fxsr, "
				 "which every x86-64 CPU has");
	if (f->name.text) {
		span_copy(f->name, name, sizeof(name));
		if (name[0] && !description_rename(d, name))
			return &error_no_memory;
	}
	span_copy(f->vendor.text ? f->vendor : (struct span){ "", 0 }, vendor,
		  sizeof(vendor));
	*vendor_ret = cpuid_vendor_family(vendor);

	d->isa.has = known_flags(f->flags);
	d->isa.known = d->isa.has |
		       (((ISA_BIT(ISA_COUNT - 1) << 1) - 1) & ~NEVER_LISTED);
	/* has it, but was booted with nopku: setup_disable_pku() */
	if (!has_flag(f->flags, "ospke"))
		d->isa.has &= ~ISA_BIT(ISA_PKU);
	cpuid_vendor_adjust(vendor, &d->isa);
	d->origin[DESCRIBED_ISA] = ORIGIN_GIVEN;
	return NULL;
}
