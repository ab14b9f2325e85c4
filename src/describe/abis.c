/* SPDX-License-Identifier: GPL-3.0-or-later */
/* abis.c - which ABIs of other programs the kernel has, by a call of each */
#include "describe/abis.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

/* getpid() of the two: asm/unistd_32.h, asm/unistd_x32.h */
#define IA32_GETPID 20
#define X32_GETPID (0x40000000 | SYS_getpid)

enum { ROW_IA32, ROW_X32 };

void abis_ask(struct trial_row rows[ABIS_ROWS], uint64_t sp)
{
	rows[ROW_IA32] = (struct trial_row){
		.sp = sp, .call = IA32_GETPID, .int80 = 1,
	};
	rows[ROW_X32] = (struct trial_row){ .sp = sp, .call = X32_GETPID };
}

/* `refusal`: what a kernel answers that has no such calls; 0: it never does. */
static enum tri judge(const struct trial_row *row, int64_t refusal)
{
	int64_t answer = (int64_t)row->code;

	if (row->path == TRIAL_SIGNALLED && row->signal == SIGSEGV)
		return TRI_NO;
	if (row->path != TRIAL_CONTINUED)
		return TRI_UNKNOWN;
	if (answer > 0)
		return TRI_YES;
	return refusal && answer == refusal ? TRI_NO : TRI_UNKNOWN;
}

void abis_judge(const struct trial_row rows[ABIS_ROWS], enum tri *ia32_ret,
		enum tri *x32_ret)
{
	/*
	 * Without 32-bit support the interrupt gate is not there (since 6.7
	 * also with ia32_emulation=0): SIGSEGV.
	 */
	*ia32_ret = judge(&rows[ROW_IA32], 0);
	*x32_ret = judge(&rows[ROW_X32], -ENOSYS);
}
