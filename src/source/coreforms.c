/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coreforms.c - how the notes of a core are laid out in each ABI */
#include "source/coreforms.h"

#include <elf.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "x86/gprs.h"

/*
 * pr_reg as the kernel orders it (struct user_regs_struct and its compat
 * twin, arch/x86/include/asm/user_64.h, user32.h); -1: not kept.
 */
static const int8_t order_64[] = {
	X86_R15, X86_R14, X86_R13, X86_R12, X86_RBP, X86_RBX, X86_R11, X86_R10,
	X86_R9, X86_R8, X86_RAX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, -1,
	X86_RIP, X86_CS, X86_RFLAGS, X86_RSP, X86_SS, -1, -1, X86_DS, X86_ES,
	X86_FS, X86_GS,
};
static const int8_t order_32[] = {
	X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RBP, X86_RAX, X86_DS,
	X86_ES, X86_FS, X86_GS, -1, X86_RIP, X86_CS, X86_RFLAGS, X86_RSP,
	X86_SS,
};

/* struct elf_prstatus of each ABI (linux/elfcore.h, elfcore-compat.h). */
static const struct prstatus_form prstatus_forms[] = {
	{
		.word = 8, .machine = EM_X86_64, .size = 336,
		.sighold_off = 24, .sighold_width = 8, .pid_off = 32,
		.regs_off = 112, .regs_width = 8, .regs_count = 27,
		.orig_ax = 15, .order = order_64,
	},
	{
		/*
		 * A 64-bit process that died with another code segment than
		 * that of 64-bit code: the kernel then takes all its threads
		 * for 32-bit ones (task_user_regset_view()).
		 */
		.word = 8, .machine = EM_386, .size = 336,
		.sighold_off = 24, .sighold_width = 8, .pid_off = 32,
		.regs_off = 112, .regs_width = 4, .regs_count = 17,
		.orig_ax = 11, .order = order_32,
	},
	{
		.word = 4, .machine = EM_386, .size = 144,
		.sighold_off = 20, .sighold_width = 4, .pid_off = 24,
		.regs_off = 72, .regs_width = 4, .regs_count = 17,
		.orig_ax = 11, .order = order_32,
	},
	{
		/* x32 */
		.word = 4, .machine = EM_X86_64, .size = 296,
		.sighold_off = 20, .sighold_width = 4, .pid_off = 24,
		.regs_off = 72, .regs_width = 8, .regs_count = 27,
		.orig_ax = 15, .order = order_64,
	},
};

const struct prpsinfo_form coreforms_info[COREFORMS_INFOS] = {
	{
		.word = 8, .size = 136, .pid_off = 24, .fname_off = 40,
	},
	{
		.word = 4, .size = 124, .pid_off = 12, .fname_off = 28,
	},
	{
		/* i386 with 32-bit user ids, as gdb can write it */
		.word = 4, .size = 128, .pid_off = 16, .fname_off = 32,
	},
};

const struct prstatus_form *coreforms_status(unsigned word, uint16_t machine)
{
	for (unsigned i = 0; i < ARRAY_SIZE(prstatus_forms); i++)
		if (prstatus_forms[i].word == word &&
		    prstatus_forms[i].machine == machine)
			return &prstatus_forms[i];
	return NULL;
}
