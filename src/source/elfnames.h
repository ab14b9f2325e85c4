/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elfnames.h - names that an older <elf.h> does not have */
#ifndef SIGFRAME_SOURCE_ELFNAMES_H
#define SIGFRAME_SOURCE_ELFNAMES_H

#include <elf.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51		/* Linux 5.14 */
#endif
#ifndef NT_X86_SHSTK
#define NT_X86_SHSTK 0x204		/* Linux 6.6 */
#endif
#ifndef NT_X86_XSAVE_LAYOUT
#define NT_X86_XSAVE_LAYOUT 0x205	/* Linux 6.12 */
#endif

#endif
