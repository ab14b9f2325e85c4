/* SPDX-License-Identifier: GPL-3.0-or-later */
/* models.c - CPU models known by name */
#include "describe/models.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "describe/similar.h"

#define B(x) ISA_BIT(ISA_##x)

/*
 * What CPUs have, each built on an earlier one. Checked against public dumps
 * of CPUID (InstLatx64); where there is none, after the definition of the same
 * name in QEMU's target/i386/cpu.c.
 */
#define NEHALEM                                                                \
	(B(SSE3) | B(SSSE3) | B(SSE4_1) | B(SSE4_2) | B(POPCNT) | B(CX16))
#define WESTMERE (NEHALEM | B(AES) | B(PCLMULQDQ))
#define SANDYBRIDGE (WESTMERE | B(XSAVE) | B(AVX))
#define IVYBRIDGE (SANDYBRIDGE | B(F16C) | B(RDRAND) | B(FSGSBASE))
#define HASWELL                                                                \
	(IVYBRIDGE | B(LZCNT) | B(MOVBE) | B(FMA) | B(BMI1) | B(BMI2) | B(AVX2))
#define BROADWELL (HASWELL | B(RDSEED) | B(ADX))
#define SKYLAKE (BROADWELL | B(XSAVEC))	/* and MPX */
#define SKYLAKE_SERVER                                                         \
	(SKYLAKE | B(PKU) | B(AVX512F) | B(AVX512DQ) | B(AVX512BW) |           \
	 B(AVX512VL) | B(AVX512CD))
#define CASCADELAKE (SKYLAKE_SERVER | B(AVX512_VNNI))
#define COOPERLAKE (CASCADELAKE | B(AVX512_BF16))
#define KNIGHTSMILL                                                            \
	(BROADWELL | B(AVX512F) | B(AVX512CD) | B(AVX512ER) | B(AVX512PF) |    \
	 B(AVX512_VPOPCNTDQ))
#define ICELAKE                                                                \
	(CASCADELAKE | B(SHA_NI) | B(GFNI) | B(VAES) | B(VPCLMULQDQ) |         \
	 B(AVX512IFMA) | B(AVX512VBMI) | B(AVX512_VBMI2) |                     \
	 B(AVX512_BITALG) | B(AVX512_VPOPCNTDQ))
#define ICELAKE_SERVER (ICELAKE | B(LA57))
#define TIGERLAKE (ICELAKE | B(SHSTK))
#define ALDERLAKE                                                              \
	(SKYLAKE | B(PKU) | B(SHA_NI) | B(GFNI) | B(VAES) | B(VPCLMULQDQ) |    \
	 B(AVX_VNNI) | B(SHSTK))
#define SAPPHIRERAPIDS                                                         \
	(ICELAKE_SERVER | B(SHSTK) | B(AVX_VNNI) | B(AVX512_BF16) |            \
	 B(AVX512_FP16) | B(AMX_TILE) | B(AMX_INT8) | B(AMX_BF16))
#define DIAMONDRAPIDS (SAPPHIRERAPIDS | B(APX_F))
#define TREMONT                                                                \
	(WESTMERE | B(MOVBE) | B(RDRAND) | B(RDSEED) | B(SHA_NI) |             \
	 B(FSGSBASE) | B(GFNI) | B(XSAVE) | B(XSAVEC))
#define DENVERTON ((TREMONT & ~B(GFNI)) | B(MPX))

#define BULLDOZER                                                              \
	(SANDYBRIDGE | B(SSE4A) | B(LZCNT) | B(FMA4) | B(XOP) | B(MISALIGNSSE))
#define PILEDRIVER (BULLDOZER | B(F16C) | B(FMA) | B(TBM) | B(BMI1))
#define ZEN                                                                    \
	(BROADWELL | B(SSE4A) | B(SHA_NI) | B(XSAVEC) | B(MISALIGNSSE))
#define DHYANA (ZEN & ~(B(AES) | B(PCLMULQDQ) | B(SHA_NI)))
#define ZEN3 (ZEN | B(PKU) | B(VAES) | B(VPCLMULQDQ) | B(SHSTK))
#define ZEN4 (ZEN3 | ICELAKE | B(AVX512_BF16))
#define ZEN4_SERVER (ZEN4 | B(LA57))
#define ZEN5 (ZEN4 | B(AVX_VNNI))
#define ZEN5_SERVER (ZEN5 | B(LA57))

#define YONGFENG (BROADWELL | B(SHA_NI) | B(PKU))
#define LUJIAZUI (YONGFENG & ~(B(FMA) | B(AVX2)))
#define KX7000 (YONGFENG | B(XSAVEC))

#define INTEL_ROW .vendor = XSTATE_FAMILY_INTEL, .mxcsr_mask = 0xffff
#define AMD_ROW .vendor = XSTATE_FAMILY_AMD, .mxcsr_mask = 0x2ffff
/* Zhaoxin's MXCSR mask nobody has recorded */
#define ZHAOXIN_ROW .vendor = XSTATE_FAMILY_INTEL, .mxcsr_mask = 0

const struct cpu_row cpu_rows[] = {
	{ INTEL_ROW, .name = "Nehalem", .aliases = "Nehalem-IBRS",
	  .title = "Intel Nehalem, 2008; has no XSAVE",
	  .isa = NEHALEM, .evidence = "dump" },
	{ INTEL_ROW, .name = "Westmere", .aliases = "Westmere-IBRS",
	  .title = "Intel Westmere, 2010; has no XSAVE",
	  .isa = WESTMERE, .evidence = "dump" },
	{ INTEL_ROW, .name = "SandyBridge", .aliases = "SandyBridge-IBRS",
	  .title = "Intel Sandy Bridge, 2011",
	  .isa = SANDYBRIDGE, .evidence = "dump" },
	{ INTEL_ROW, .name = "IvyBridge", .aliases = "IvyBridge-IBRS",
	  .title = "Intel Ivy Bridge, 2012",
	  .isa = IVYBRIDGE, .evidence = "dump" },
	{ INTEL_ROW, .name = "Haswell",
	  .aliases = "Haswell-IBRS Haswell-noTSX Haswell-noTSX-IBRS",
	  .title = "Intel Haswell, 2013",
	  .isa = HASWELL, .evidence = "dumps" },
	{ INTEL_ROW, .name = "Broadwell",
	  .aliases = "Broadwell-IBRS Broadwell-noTSX Broadwell-noTSX-IBRS",
	  .title = "Intel Broadwell, 2014",
	  .isa = BROADWELL, .evidence = "dumps" },
	{ INTEL_ROW, .name = "Skylake-Client",
	  .aliases = "Kabylake Coffeelake",
	  .title = "Intel Skylake to Coffee Lake, 2015; on metal, with MPX",
	  .isa = SKYLAKE | B(MPX), .evidence = "dump" },
	{ INTEL_ROW, .name = "Skylake-Client-noMPX",
	  .aliases = "Skylake-Client-IBRS Skylake-Client-noTSX-IBRS",
	  .title = "Intel Skylake client, in a virtual machine: without MPX",
	  .isa = SKYLAKE, .evidence = "QEMU" },
	{ INTEL_ROW, .name = "Skylake-Server",
	  .title = "Intel Skylake server, 2017; on metal, with MPX",
	  .isa = SKYLAKE_SERVER | B(MPX), .evidence = "dumps" },
	{ INTEL_ROW, .name = "Skylake-Server-noMPX",
	  .aliases = "Skylake-Server-IBRS Skylake-Server-noTSX-IBRS",
	  .title = "Intel Skylake server, in a virtual machine: without MPX",
	  .isa = SKYLAKE_SERVER, .evidence = "QEMU" },
	{ INTEL_ROW, .name = "Cascadelake-Server",
	  .title = "Intel Cascade Lake, 2019; on metal, with MPX",
	  .isa = CASCADELAKE | B(MPX), .evidence = "dumps" },
	{ INTEL_ROW, .name = "Cascadelake-Server-noMPX",
	  .aliases = "Cascadelake-Server-noTSX",
	  .title = "Intel Cascade Lake, in a virtual machine: without MPX",
	  .isa = CASCADELAKE, .evidence = "QEMU" },
	{ INTEL_ROW, .name = "Cooperlake",
	  .title = "Intel Cooper Lake, 2020",
	  .isa = COOPERLAKE, .evidence = "QEMU" },
	{ INTEL_ROW, .name = "Icelake-Client", .aliases = "RocketLake",
	  .title = "Intel Ice Lake and Rocket Lake, 2019",
	  .isa = ICELAKE, .evidence = "unverified" },
	{ INTEL_ROW, .name = "Icelake-Server",
	  .aliases = "Icelake-Server-noTSX",
	  .title = "Intel Ice Lake server, 2021; D-1700 may have no PKU: ,-pku",
	  .isa = ICELAKE_SERVER, .evidence = "dumps" },
	{ INTEL_ROW, .name = "TigerLake",
	  .title = "Intel Tiger Lake, 2020",
	  .isa = TIGERLAKE, .evidence = "dumps" },
	{ INTEL_ROW, .name = "AlderLake",
	  .title = "Intel Alder Lake, 2021",
	  .isa = ALDERLAKE, .evidence = "dumps" },
	{ INTEL_ROW, .name = "RaptorLake",
	  .title = "Intel Raptor Lake, 2022",
	  .isa = ALDERLAKE, .evidence = "dumps" },
	{ INTEL_ROW, .name = "MeteorLake",
	  .title = "Intel Meteor Lake, 2023",
	  .isa = ALDERLAKE, .evidence = "dumps" },
	{ INTEL_ROW, .name = "ArrowLake", .aliases = "LunarLake",
	  .title = "Intel Arrow Lake and Lunar Lake, 2024",
	  .isa = ALDERLAKE, .evidence = "dumps" },
	{ INTEL_ROW, .name = "SapphireRapids",
	  .title = "Intel Sapphire Rapids, 2023; AMX",
	  .isa = SAPPHIRERAPIDS, .evidence = "dumps" },
	{ INTEL_ROW, .name = "EmeraldRapids",
	  .title = "Intel Emerald Rapids, 2023; AMX",
	  .isa = SAPPHIRERAPIDS, .evidence = "dumps" },
	{ INTEL_ROW, .name = "GraniteRapids",
	  .title = "Intel Granite Rapids, 2024; AMX",
	  .isa = SAPPHIRERAPIDS, .evidence = "dump" },
	{ INTEL_ROW, .name = "DiamondRapids",
	  .title = "Intel Diamond Rapids; AMX and APX",
	  .isa = DIAMONDRAPIDS, .evidence = "unverified" },
	{ INTEL_ROW, .name = "SierraForest",
	  .title = "Intel Sierra Forest, 2024",
	  .isa = ALDERLAKE, .evidence = "unverified" },
	{ INTEL_ROW, .name = "ClearwaterForest",
	  .title = "Intel Clearwater Forest, 2025",
	  .isa = ALDERLAKE, .evidence = "unverified" },
	{ INTEL_ROW, .name = "KnightsMill", .aliases = "KnightsLanding",
	  .title = "Intel Xeon Phi, 2016",
	  .isa = KNIGHTSMILL, .evidence = "unverified" },
	{ INTEL_ROW, .name = "Denverton", .aliases = "Goldmont",
	  .title = "Intel Atom C3000, 2017; no AVX; with MPX, in a VM ,-mpx",
	  .isa = DENVERTON, .evidence = "dump" },
	{ INTEL_ROW, .name = "Snowridge",
	  .title = "Intel Atom P5900, 2020; no AVX; with MPX, in a VM ,-mpx",
	  .isa = TREMONT | B(MPX), .evidence = "unverified" },
	{ INTEL_ROW, .name = "Tremont", .aliases = "JasperLake ElkhartLake",
	  .title = "Intel Jasper Lake, 2021; no AVX",
	  .isa = TREMONT, .evidence = "dumps" },

	{ AMD_ROW, .name = "Opteron_G4", .aliases = "Bulldozer",
	  .title = "AMD Opteron 6200 (Bulldozer), 2011",
	  .isa = BULLDOZER, .evidence = "dump" },
	{ AMD_ROW, .name = "Opteron_G5", .aliases = "Piledriver",
	  .title = "AMD Opteron 6300 (Piledriver), 2012",
	  .isa = PILEDRIVER, .evidence = "dumps" },
	{ AMD_ROW, .name = "EPYC", .aliases = "EPYC-IBPB EPYC-Naples Zen",
	  .title = "AMD EPYC 7001 (Naples) and all of Zen, 2017",
	  .isa = ZEN, .evidence = "dumps" },
	{ AMD_ROW, .name = "Dhyana", .aliases = "Hygon",
	  .title = "Hygon Dhyana, 2018",
	  .isa = DHYANA, .evidence = "dumps" },
	{ AMD_ROW, .name = "EPYC-Rome", .aliases = "Zen2 Matisse",
	  .title = "AMD EPYC 7002 (Rome) and all of Zen 2, 2019",
	  .isa = ZEN, .evidence = "dumps" },
	{ AMD_ROW, .name = "EPYC-Milan", .aliases = "Zen3 Vermeer",
	  .title = "AMD EPYC 7003 (Milan) and all of Zen 3, 2021",
	  .isa = ZEN3, .evidence = "dumps" },
	{ AMD_ROW, .name = "EPYC-Genoa",
	  .aliases = "EPYC-Bergamo EPYC-Siena Zen4",
	  .title = "AMD EPYC 9004 (Genoa, Bergamo), 2022; clouds may hide PKU: "
		   ",-pku",
	  .isa = ZEN4_SERVER, .evidence = "dumps" },
	{ AMD_ROW, .name = "Raphael",
	  .title = "AMD Ryzen 7000 (Zen 4 without LA57), 2022",
	  .isa = ZEN4, .evidence = "dump" },
	{ AMD_ROW, .name = "EPYC-Turin", .aliases = "Zen5",
	  .title = "AMD EPYC 9005 (Turin), 2024",
	  .isa = ZEN5_SERVER, .evidence = "dumps" },
	{ AMD_ROW, .name = "GraniteRidge",
	  .title = "AMD Ryzen 9000 (Zen 5 without LA57), 2024",
	  .isa = ZEN5, .evidence = "dump" },

	{ ZHAOXIN_ROW, .name = "KX-6000", .aliases = "KH-30000 LuJiaZui",
	  .title = "Zhaoxin KX-6000, 2019",
	  .isa = LUJIAZUI, .evidence = "dump" },
	{ ZHAOXIN_ROW, .name = "YongFeng", .aliases = "KX-6000G KH-40000",
	  .title = "Zhaoxin KX-6000G and KH-40000, 2022",
	  .isa = YONGFENG, .evidence = "dumps" },
	{ ZHAOXIN_ROW, .name = "KX-7000",
	  .title = "Zhaoxin KX-7000, 2023",
	  .isa = KX7000, .evidence = "dump" },
};

const unsigned cpu_rows_count = ARRAY_SIZE(cpu_rows);

/* The next blank-separated word of *list, advanced behind it; 0 at the end. */
static size_t next_word(const char **list, const char **ret)
{
	const char *s = *list ? *list + strspn(*list, " ") : "";
	size_t size = strcspn(s, " ");

	*ret = s;
	*list = s + size;
	return size;
}

static const struct cpu_row *find(const char *name, size_t size)
{
	for (unsigned i = 0; i < cpu_rows_count; i++) {
		const struct cpu_row *row = &cpu_rows[i];
		const char *list = row->aliases, *word;

		if (strlen(row->name) == size &&
		    !strncasecmp(row->name, name, size))
			return row;
		for (size_t n; (n = next_word(&list, &word));)
			if (n == size && !strncasecmp(word, name, size))
				return row;
	}
	return NULL;
}

/* Length of `name` without QEMU's "-v2" at its end. */
static size_t without_version(const char *name)
{
	size_t size = strlen(name), end = size;

	while (end && name[end - 1] >= '0' && name[end - 1] <= '9')
		end--;
	if (end == size || end < 3 || strncasecmp(name + end - 2, "-v", 2))
		return size;
	return end - 2;
}

const struct cpu_row *models_find(const char *name)
{
	size_t size = strlen(name), base = without_version(name);
	const struct cpu_row *row = find(name, size);

	if (row || base == size)
		return row;
	row = find(name, base);
	if (!row || !(row->isa & B(MPX)))
		return row;

	/* a numbered version is a virtual machine's, hence without MPX */
	for (unsigned i = 0; i < cpu_rows_count; i++) {
		size_t stem = strlen(row->name);

		if (!strncmp(cpu_rows[i].name, row->name, stem) &&
		    !strcmp(cpu_rows[i].name + stem, "-noMPX"))
			return &cpu_rows[i];
	}
	return NULL;
}

const char *models_suggest(const char *name)
{
	const char *nearest = NULL;
	unsigned least = SIMILAR_MAX;

	for (unsigned i = 0; i < cpu_rows_count; i++) {
		const struct cpu_row *row = &cpu_rows[i];
		const char *list = row->aliases, *word = row->name;
		size_t size = strlen(word);

		for (; size; size = next_word(&list, &word)) {
			unsigned d = similar_distance(name, word, size);

			if (d < least) {
				least = d;
				nearest = row->name;
			}
		}
	}
	return similar_is_close(name, least) ? nearest : NULL;
}
