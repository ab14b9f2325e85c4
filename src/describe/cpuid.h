/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cpuid.h - what a CPU's CPUID leaves say about it */
#ifndef SIGFRAME_DESCRIBE_CPUID_H
#define SIGFRAME_DESCRIBE_CPUID_H

#include "describe/description.h"

struct cpuid_record {
	uint32_t leaf;
	uint32_t subleaf;
	uint32_t reg[4];	/* by enum isa_register */
};

/* Hypervisors and all sub-leaves included, a CPU has fewer than 200. */
#define CPUID_RECORDS_MAX 1024

/* A vendor's id, "GenuineIntel", and a NUL. */
#define CPUID_VENDOR_SIZE 13

/* The leaves of one logical CPU, as far as they are known. Starts as { 0 }. */
struct cpuid_table {
	struct cpuid_record *records;
	size_t count;
	size_t room;
};

/*
 * Append. The same record again is fine; one that is there with other values
 * is a contradiction, and more than CPUID_RECORDS_MAX are nobody's.
 */
struct error *cpuid_add(struct cpuid_table *t,
			const struct cpuid_record *r) MUST_USE;

/* NULL if it is not known. */
const struct cpuid_record *cpuid_find(const struct cpuid_table *t,
				      uint32_t leaf, uint32_t subleaf);

void cpuid_deinit(struct cpuid_table *t);

/*
 * Whose layout to expect of the vendor of leaf 0 or /proc/cpuinfo. Blanks
 * around the id do not count.
 */
enum xstate_family cpuid_vendor_family(const char *vendor);

/*
 * Take back that the CPU has misaligned SSE or has not, from which the MXCSR
 * mask follows, for vendors whose masks nobody has looked at.
 */
void cpuid_vendor_adjust(const char *vendor, struct isa_set *isa);

/*
 * Fill in name, extensions and the places of components. XCR0 is not among
 * the leaves: description_complete() finds the components that Linux enables
 * by the extensions, and here those are cut to what leaf 0xd offers.
 * ERROR_BAD_INPUT if leaves that decide are missing or contradict each other.
 */
struct error *cpuid_describe(const struct cpuid_table *t,
			     struct description *d,
			     enum xstate_family *vendor_ret) MUST_USE;

#endif
