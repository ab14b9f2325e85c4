/* SPDX-License-Identifier: GPL-3.0-or-later */
/* formats.h - the functions behind the rows of description_formats[] */
#ifndef SIGFRAME_DESCRIBE_FORMATS_H
#define SIGFRAME_DESCRIBE_FORMATS_H

#include "describe/file.h"
#include "kernel/criu.h"

/*
 * matches() and parse() of struct description_format (file.h). Errors do not
 * name the file; those about a line of text begin with "line N: ".
 */
#define FORMAT(name)                                                           \
	bool format_##name##_matches(const char *text, size_t size);           \
	struct error *format_##name##_parse(const char *text, size_t size,     \
					    struct description *d,             \
					    enum xstate_family *vendor_ret)    \
		MUST_USE

FORMAT(cpuid_r);	/* Debian's cpuid -r */
FORMAT(cpuid_tycho);	/* tycho's cpuid */
FORMAT(cpuid_aida);	/* InstLatx64, AIDA64 */
FORMAT(cpuinfo);	/* /proc/cpuinfo */
FORMAT(lscpu);
FORMAT(lscpu_json);
FORMAT(dmesg);
FORMAT(criu);		/* cpuinfo.img */
FORMAT(own);

#undef FORMAT

/*
 * AT_MINSIGSTKSZ is the smallest image and more, and no CPU's comes near the
 * larger number; what is outside is not believed.
 */
#define MINSIGSTKSZ_LEAST 512u
#define MINSIGSTKSZ_MOST (1u << 20)

/* What a core file says of the machine that wrote it. Opens `path` itself. */
struct error *format_core_parse(const char *path, struct description *d,
				enum xstate_family *vendor_ret) MUST_USE;

/*
 * What cpuinfo.img has to compare a target with; ERROR_UNSUPPORTED if the
 * program was built without support for it.
 */
struct error *format_criu_read(const uint8_t *image, size_t size,
			       struct criu_cpu *ret) MUST_USE;

#endif
