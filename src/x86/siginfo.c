/* SPDX-License-Identifier: GPL-3.0-or-later */
/* siginfo.c - what a signal was and where it came from */
#include "x86/siginfo.h"

#include "base/cleanup.h"

#define RT(n) [34 + (n)] = "SIGRTMIN+" #n

static const char *const signal_names[SIGINFO_SIGNALS + 1] = {
	[1] = "SIGHUP",	    [2] = "SIGINT",	[3] = "SIGQUIT",
	[4] = "SIGILL",	    [5] = "SIGTRAP",	[6] = "SIGABRT",
	[7] = "SIGBUS",	    [8] = "SIGFPE",	[9] = "SIGKILL",
	[10] = "SIGUSR1",   [11] = "SIGSEGV",	[12] = "SIGUSR2",
	[13] = "SIGPIPE",   [14] = "SIGALRM",	[15] = "SIGTERM",
	[16] = "SIGSTKFLT", [17] = "SIGCHLD",	[18] = "SIGCONT",
	[19] = "SIGSTOP",   [20] = "SIGTSTP",	[21] = "SIGTTIN",
	[22] = "SIGTTOU",   [23] = "SIGURG",	[24] = "SIGXCPU",
	[25] = "SIGXFSZ",   [26] = "SIGVTALRM", [27] = "SIGPROF",
	[28] = "SIGWINCH",  [29] = "SIGPOLL",	[30] = "SIGPWR",
	[31] = "SIGSYS",
	/* the C libraries keep 32 and 33 to themselves */
	[32] = "signal 32", [33] = "signal 33", [34] = "SIGRTMIN",
	RT(1), RT(2), RT(3), RT(4), RT(5), RT(6), RT(7), RT(8), RT(9), RT(10),
	RT(11), RT(12), RT(13), RT(14), RT(15), RT(16), RT(17), RT(18), RT(19),
	RT(20), RT(21), RT(22), RT(23), RT(24), RT(25), RT(26), RT(27), RT(28),
	RT(29), [64] = "SIGRTMAX",
};

/* signo 0: the code means the same for every signal. */
static const struct code {
	int32_t signo;
	int32_t code;
	enum siginfo_form form;
	const char *name;
	const char *meaning;
} codes[] = {
	{ 0, 0, SIGINFO_SENDER, "SI_USER", "sent with kill" },
	{ 0, 0x80, SIGINFO_PLAIN, "SI_KERNEL", "sent by the kernel" },
	{ 0, -1, SIGINFO_SENDER, "SI_QUEUE", "sent with sigqueue" },
	{ 0, -2, SIGINFO_TIMER, "SI_TIMER", "a timer expired" },
	{ 0, -3, SIGINFO_SENDER, "SI_MESGQ", "a message came" },
	{ 0, -4, SIGINFO_SENDER, "SI_ASYNCIO", "asynchronous I/O is done" },
	{ 0, -5, SIGINFO_PLAIN, "SI_SIGIO", "I/O is possible" },
	{ 0, -6, SIGINFO_SENDER, "SI_TKILL", "sent with tgkill" },
	{ 0, -7, SIGINFO_PLAIN, "SI_DETHREAD", "the process runs exec" },
	{ 0, -60, SIGINFO_SENDER, "SI_ASYNCNL", "a name was looked up" },
	{ 4, 1, SIGINFO_FAULT, "ILL_ILLOPC", "illegal opcode" },
	{ 4, 2, SIGINFO_FAULT, "ILL_ILLOPN", "illegal operand" },
	{ 4, 3, SIGINFO_FAULT, "ILL_ILLADR", "illegal addressing mode" },
	{ 4, 4, SIGINFO_FAULT, "ILL_ILLTRP", "illegal trap" },
	{ 4, 5, SIGINFO_FAULT, "ILL_PRVOPC", "privileged opcode" },
	{ 4, 6, SIGINFO_FAULT, "ILL_PRVREG", "privileged register" },
	{ 4, 7, SIGINFO_FAULT, "ILL_COPROC", "coprocessor error" },
	{ 4, 8, SIGINFO_FAULT, "ILL_BADSTK", "internal stack error" },
	{ 5, 1, SIGINFO_FAULT, "TRAP_BRKPT", "breakpoint" },
	{ 5, 2, SIGINFO_FAULT, "TRAP_TRACE", "single step" },
	{ 5, 3, SIGINFO_FAULT, "TRAP_BRANCH", "taken branch" },
	{ 5, 4, SIGINFO_FAULT, "TRAP_HWBKPT", "hardware breakpoint" },
	{ 5, 5, SIGINFO_FAULT, "TRAP_UNK", "undiagnosed trap" },
	{ 5, 6, SIGINFO_FAULT, "TRAP_PERF", "perf event" },
	{ 7, 1, SIGINFO_FAULT, "BUS_ADRALN", "misaligned address" },
	{ 7, 2, SIGINFO_FAULT, "BUS_ADRERR", "no such physical address" },
	{ 7, 3, SIGINFO_FAULT, "BUS_OBJERR", "hardware error" },
	{ 7, 4, SIGINFO_FAULT, "BUS_MCEERR_AR", "memory error, consumed" },
	{ 7, 5, SIGINFO_FAULT, "BUS_MCEERR_AO", "memory error, found" },
	{ 8, 1, SIGINFO_FAULT, "FPE_INTDIV", "integer division by zero" },
	{ 8, 2, SIGINFO_FAULT, "FPE_INTOVF", "integer overflow" },
	{ 8, 3, SIGINFO_FAULT, "FPE_FLTDIV", "division by zero" },
	{ 8, 4, SIGINFO_FAULT, "FPE_FLTOVF", "overflow" },
	{ 8, 5, SIGINFO_FAULT, "FPE_FLTUND", "underflow" },
	{ 8, 6, SIGINFO_FAULT, "FPE_FLTRES", "inexact result" },
	{ 8, 7, SIGINFO_FAULT, "FPE_FLTINV", "invalid operation" },
	{ 8, 8, SIGINFO_FAULT, "FPE_FLTSUB", "subscript out of range" },
	{ 8, 14, SIGINFO_FAULT, "FPE_FLTUNK", "undiagnosed exception" },
	{ 11, 1, SIGINFO_FAULT, "SEGV_MAPERR", "address not mapped" },
	{ 11, 2, SIGINFO_FAULT, "SEGV_ACCERR", "access not permitted" },
	{ 11, 3, SIGINFO_FAULT, "SEGV_BNDERR", "bound check failed" },
	{ 11, 4, SIGINFO_FAULT, "SEGV_PKUERR", "protection key" },
	{ 11, 10, SIGINFO_FAULT, "SEGV_CPERR", "control protection" },
	{ 17, 1, SIGINFO_CHILD, "CLD_EXITED", "a child exited" },
	{ 17, 2, SIGINFO_CHILD, "CLD_KILLED", "a child was killed" },
	{ 17, 3, SIGINFO_CHILD, "CLD_DUMPED", "a child dumped core" },
	{ 17, 4, SIGINFO_CHILD, "CLD_TRAPPED", "a traced child trapped" },
	{ 17, 5, SIGINFO_CHILD, "CLD_STOPPED", "a child was stopped" },
	{ 17, 6, SIGINFO_CHILD, "CLD_CONTINUED", "a child goes on" },
	{ 29, 1, SIGINFO_PLAIN, "POLL_IN", "input" },
	{ 29, 2, SIGINFO_PLAIN, "POLL_OUT", "room for output" },
	{ 29, 3, SIGINFO_PLAIN, "POLL_MSG", "a message" },
	{ 29, 4, SIGINFO_PLAIN, "POLL_ERR", "an error" },
	{ 29, 5, SIGINFO_PLAIN, "POLL_PRI", "urgent input" },
	{ 29, 6, SIGINFO_PLAIN, "POLL_HUP", "hangup" },
	{ 31, 1, SIGINFO_SYSCALL, "SYS_SECCOMP", "seccomp" },
	{ 31, 2, SIGINFO_SYSCALL, "SYS_USER_DISPATCH", "system call dispatch" },
};

/* Offsets in the two layouts; widths are the same but for addr. */
static const struct {
	uint8_t pid, uid, status, addr, addr_width, syscall;
} offsets[2] = {
	[false] = { 16, 20, 24, 16, 8, 24 },
	[true] = { 12, 16, 20, 12, 4, 16 },
};

const char *siginfo_signal_name(unsigned signo)
{
	return signo < ARRAY_SIZE(signal_names) ? signal_names[signo] : NULL;
}

static const struct code *find_code(int32_t signo, int32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].code == code &&
		    (!codes[i].signo || codes[i].signo == signo))
			return &codes[i];
	return NULL;
}

bool siginfo_decode(struct bytes b, bool compat, struct siginfo *ret)
{
	uint32_t signo, code, status = 0;
	struct siginfo info = { 0 };

	if (!bytes_has(b, 0, 32) || !bytes_u32(b, 0, &signo) ||
	    !bytes_u32(b, 8, &code))
		return false;
	if (!signo || !siginfo_signal_name(signo))
		return false;
	info.signo = (int32_t)signo;
	info.code = (int32_t)code;
	info.signal_name = siginfo_signal_name(signo);

	const struct code *known = find_code(info.signo, info.code);

	/* programs may queue signals with any negative code */
	if (!known && info.code >= 0)
		return false;
	info.form = known ? known->form : SIGINFO_SENDER;
	info.code_name = known ? known->name : NULL;
	info.meaning = known ? known->meaning : NULL;

	switch (info.form) {
	case SIGINFO_PLAIN:
		break;
	case SIGINFO_CHILD:
		bytes_u32(b, offsets[compat].status, &status);
		__attribute__((__fallthrough__));
	case SIGINFO_SENDER:
	case SIGINFO_TIMER:
		bytes_u32(b, offsets[compat].pid, &info.pid);
		bytes_u32(b, offsets[compat].uid, &info.uid);
		break;
	case SIGINFO_SYSCALL:
		bytes_u32(b, offsets[compat].syscall, &status);
		__attribute__((__fallthrough__));
	case SIGINFO_FAULT:
		bytes_word(b, offsets[compat].addr, offsets[compat].addr_width,
			   &info.addr);
		break;
	}
	info.status = (int32_t)status;
	*ret = info;
	return true;
}
