/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coreforms.h - how the notes of a core are laid out in each ABI */
#ifndef SIGFRAME_SOURCE_COREFORMS_H
#define SIGFRAME_SOURCE_COREFORMS_H

#include <stdint.h>

/*
 * NT_PRSTATUS: struct elf_prstatus (linux/elfcore.h, elfcore-compat.h).
 * Offsets and sizes in bytes. The signal that killed it comes first, 4 bytes,
 * and again at 12, 2 bytes.
 */
struct prstatus_form {
	unsigned word;		/* of the ELF class */
	uint16_t machine;
	uint16_t size;
	uint8_t sighold_off, sighold_width;
	uint8_t pid_off;
	uint8_t regs_off, regs_width, regs_count;
	uint8_t orig_ax;	/* index */
	const int8_t *order;	/* enum x86_reg of each register; -1: none */
};

#define PRSTATUS_CURSIG_OFF 12

/* NULL if there is no such ABI. */
const struct prstatus_form *coreforms_status(unsigned word, uint16_t machine);

/* NT_PRPSINFO. Readers go by the size, writers take the first of the class. */
struct prpsinfo_form {
	unsigned word;
	uint16_t size;
	uint8_t pid_off;
	uint8_t fname_off;
};

enum { COREFORMS_INFOS = 3 };
extern const struct prpsinfo_form coreforms_info[COREFORMS_INFOS];

#define COREFORMS_NAME 16	/* bytes of the name, not always with a NUL */

#endif
