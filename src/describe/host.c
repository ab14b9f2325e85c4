/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host.c - the machine that the tool runs on */
#include "describe/host.h"

#include <cpuid.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "describe/probe.h"
#include "source/elfnames.h"

enum leaf {
	LEAF_VENDOR = 0,
	LEAF_FEATURES = 1,
	LEAF_STRUCTURED = 7,
	LEAF_XSTATE = 0xd,
	LEAF_EXTENDED = 0x80000000,	/* the last of those from here on */
	LEAF_BRAND = 0x80000002,	/* and the two behind it */
	LEAF_BRAND_LAST = 0x80000004,
};

#define FEATURES_ECX_XSAVE (UINT32_C(1) << 26)
#define FEATURES_ECX_OSXSAVE (UINT32_C(1) << 27)
#define STRUCTURED_ECX_LA57 (UINT32_C(1) << 16)
#define XSTATE1_EAX_XSAVEC (UINT32_C(1) << 1)
#define XSTATE_ECX_SUPERVISOR (UINT32_C(1) << 0)

/* What a CPU that reports 0 has: all bits but DAZ (SDM vol. 1, 11.6.6). */
#define MXCSR_MASK_DEFAULT UINT32_C(0xffbf)

struct regs {
	uint32_t eax, ebx, ecx, edx;
};

/*
 * What CPUID has answered so far. In a virtual machine each answer takes the
 * hypervisor tens of microseconds.
 */
struct answers {
	struct answer {
		uint32_t leaf, subleaf;
		struct regs regs;
	} list[32];		/* what is more is asked for again */
	unsigned count;
};

static struct regs ask(struct answers *a, uint32_t leaf, uint32_t subleaf)
{
	struct answer new = { .leaf = leaf, .subleaf = subleaf };

	for (unsigned i = 0; i < a->count; i++)
		if (a->list[i].leaf == leaf && a->list[i].subleaf == subleaf)
			return a->list[i].regs;
	__cpuid_count(leaf, subleaf, new.regs.eax, new.regs.ebx, new.regs.ecx,
		      new.regs.edx);
	if (a->count < ARRAY_SIZE(a->list))
		a->list[a->count++] = new;
	return new.regs;
}

/* Zeros for a leaf the CPU does not have. */
static struct regs cpuid(struct answers *a, uint32_t leaf, uint32_t subleaf)
{
	uint32_t last = ask(a, leaf & LEAF_EXTENDED, 0).eax;

	return last && leaf <= last ? ask(a, leaf, subleaf)
				    : (struct regs){ 0 };
}

static uint64_t xcr0(void)
{
	uint32_t low, high;

	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

static uint32_t mxcsr_mask(void)
{
	uint8_t image[XSTATE_FX_SIZE] __attribute__((aligned(16)));
	uint32_t mask;

	memset(image, 0, sizeof(image));
	__asm__("fxsave64 %0" : "+m"(image));
	memcpy(&mask, image + XSTATE_MXCSR_MASK_OFF, sizeof(mask));
	return mask ? mask : MXCSR_MASK_DEFAULT;
}

static void describe_layout(struct answers *a, uint64_t features,
			    struct xstate_layout *ret)
{
	*ret = *xstate_family_layout(XSTATE_FAMILY_COMMON);
	ret->features = XSTATE_LEGACY;
	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		ret->offset[i] = 0;
		ret->size[i] = 0;
		if (!(features & XSTATE_BIT(i)))
			continue;

		struct regs r = cpuid(a, LEAF_XSTATE, i);

		if (!r.eax || (r.ecx & XSTATE_ECX_SUPERVISOR))
			continue;
		ret->features |= XSTATE_BIT(i);
		ret->offset[i] = r.ebx;
		ret->size[i] = r.eax;
	}
}

/*
 * A CPU may have five levels of page tables that the kernel does not use;
 * /proc/cpuinfo does not tell on every version. The kernel hands out addresses
 * above 47 bits only to those who ask for them, and only where they exist.
 */
static uint64_t user_limit(struct answers *a)
{
	void *wanted = (void *)(CPU_USER_LIMIT_57 >> 1 & ~UINT64_C(0xfff));
	const size_t size = 4096;

	if (!(cpuid(a, LEAF_STRUCTURED, 0).ecx & STRUCTURED_ECX_LA57))
		return CPU_USER_LIMIT_48;

	void *p = mmap(wanted, size, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return CPU_USER_LIMIT_48;

	bool high = (uint64_t)(uintptr_t)p >= CPU_USER_LIMIT_48;

	munmap(p, size);
	return high ? CPU_USER_LIMIT_57 : CPU_USER_LIMIT_48;
}

/* The brand string without the blanks some vendors pad it with. */
static void describe_brand(struct answers *a, char *ret, size_t size)
{
	char text[3 * sizeof(struct regs) + 1] = "";
	size_t at = 0;

	for (uint32_t leaf = LEAF_BRAND; leaf <= LEAF_BRAND_LAST; leaf++) {
		struct regs r = cpuid(a, leaf, 0);

		memcpy(text + at, &r, sizeof(r));
		at += sizeof(r);
	}

	const char *start = text + strspn(text, " ");
	size_t len = strlen(start);

	while (len && start[len - 1] == ' ')
		len--;
	if (!len) {
		start = "x86-64";
		len = strlen(start);
	}
	if (len >= size)
		len = size - 1;
	memcpy(ret, start, len);
	ret[len] = '\0';
}

static void describe_cpu(struct answers *a, struct cpu_model *ret)
{
	uint32_t features = cpuid(a, LEAF_FEATURES, 0).ecx;
	/* OSXSAVE is clear on a kernel that was told not to use XSAVE */
	bool xsave = (features & FEATURES_ECX_XSAVE) &&
		     (features & FEATURES_ECX_OSXSAVE);

	ret->xsave = tri_of(xsave);
	ret->xsavec = tri_of(
		xsave && (cpuid(a, LEAF_XSTATE, 1).eax & XSTATE1_EAX_XSAVEC));
	ret->xfeatures = xsave ? xcr0() : XSTATE_LEGACY;
	describe_layout(a, ret->xfeatures, &ret->layout);
	ret->xfeatures &= ret->layout.features;
	ret->family = xstate_layout_family(&ret->layout, ret->xfeatures);
	ret->mxcsr_mask = mxcsr_mask();
	ret->user_limit = user_limit(a);
}

static void describe_isa(struct answers *a, struct isa_set *ret)
{
	ret->known = 0;
	ret->has = 0;
	for (unsigned i = 0; i < ISA_COUNT; i++) {
		const struct isa_row *row = &isa_table[i];
		struct regs r = cpuid(a, row->leaf, row->subleaf);
		const uint32_t words[] = {
			[ISA_EAX] = r.eax, [ISA_EBX] = r.ebx,
			[ISA_ECX] = r.ecx, [ISA_EDX] = r.edx,
		};

		ret->known |= ISA_BIT(i);
		if (words[row->reg] & (UINT32_C(1) << row->bit))
			ret->has |= ISA_BIT(i);
	}
}

static enum xstate_family vendor(struct answers *a)
{
	static const struct {
		const char *name;
		enum xstate_family family;
	} vendors[] = {
		{ "GenuineIntel", XSTATE_FAMILY_INTEL },
		{ "CentaurHauls", XSTATE_FAMILY_INTEL },
		{ "  Shanghai  ", XSTATE_FAMILY_INTEL },
		{ "AuthenticAMD", XSTATE_FAMILY_AMD },
		{ "HygonGenuine", XSTATE_FAMILY_AMD },
	};
	struct regs r = cpuid(a, LEAF_VENDOR, 0);
	const uint32_t name[] = { r.ebx, r.edx, r.ecx };

	for (size_t i = 0; i < ARRAY_SIZE(vendors); i++)
		if (!memcmp(name, vendors[i].name, sizeof(name)))
			return vendors[i].family;
	return XSTATE_FAMILY_UNKNOWN;
}

void host_describe(struct host *ret)
{
	struct answers a = { .count = 0 };
	struct utsname uts;

	memset(ret, 0, sizeof(*ret));
	describe_cpu(&a, &ret->cpu);
	describe_isa(&a, &ret->isa);
	ret->vendor = vendor(&a);
	describe_brand(&a, ret->brand, sizeof(ret->brand));
	ret->cpu.name = ret->brand;
	if (!uname(&uts)) {
		memcpy(ret->release, uts.release,
		       strnlen(uts.release, sizeof(ret->release) - 1));
		ret->rules = rules_of_uname(ret->release, uts.version);
	}
	ret->minsigstksz = getauxval(AT_MINSIGSTKSZ);
}

/* "R2, R3 or R5"; empty for none. */
static const char *list_rules(rules_mask rules, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < RULES_COUNT && at < size; i++) {
		rules_mask later = rules >> i >> 1;

		if (rules & RULES_BIT(i))
			at += (size_t)snprintf(ret + at, size - at, "%s%s",
					       rules_table[i].id,
					       !later ? ""
					       : later & (later - 1) ? ", "
								     : " or ");
	}
	return ret;
}

/* What the release says, held against what the kernel does. */
static void settle_rules(struct host *host)
{
	char release[48], probed[48];	/* all of them take 30 */

	list_rules(host->rules, release, sizeof(release));
	list_rules(host->probed, probed, sizeof(probed));
	if (!host->probed) {		/* the note is written */
		host->rules = 0;
	} else if (host->rules & host->probed) {
		host->rules &= host->probed;	/* no more than expected */
	} else {
		snprintf(host->probe_note, sizeof(host->probe_note),
			 "release says %s, the kernel behaves as %s",
			 host->rules ? release : "nothing", probed);
		host->rules = host->probed;
	}
}

void host_probe(struct host *host)
{
	char *note = host->probe_note;
	const size_t size = sizeof(host->probe_note);
	struct target t;
	struct probe p;
	char why[96];

	target_init(&t, host->cpu.name, &host->cpu, 0,
		    cpu_default_features(&host->cpu));
	host->probed = 0;
	host->probe_ran = probe_run(&p, &host->cpu, host->minsigstksz, why,
				    sizeof(why));
	host->ia32 = p.ia32;
	host->x32 = p.x32;
	if (host->probe_ran) {
		host->probed = probe_judge(&p, &t, host->rules, note, size);
		settle_rules(host);
	} else {
		snprintf(note, size, "the kernel was not probed: %s", why);
	}
	probe_release(&p);
}

void host_probe_once(struct host *host)
{
	if (!host->probe_ran && !host->probe_note[0])
		host_probe(host);
}
