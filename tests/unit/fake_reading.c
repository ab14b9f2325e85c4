/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fake_reading.c - somebody else than libdw who reads ELF files */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <x86intrin.h>

#include "base/cleanup.h"
#include "fake_reading.h"
#include "locate/confine.h"
#include "locate/reading.h"

struct reading {
	int fd;
	int debug_fd;
};

/* Some milliseconds, without asking anyone. */
static void be_slow(void)
{
	uint64_t start = __rdtsc();

	while (__rdtsc() - start < UINT64_C(40000000))
		;
}

/* The first question of a child is number 1. */
static void send_other(uint64_t pc)
{
	static char room[2 * sizeof(struct answer)];
	struct answer *a = (struct answer *)room;
	size_t size = offsetof(struct answer, more);

	a->number = pc == PC_NUMBER ? 2 : 1;
	a->status = pc == PC_CLAIM ? ANSWER_KNOWN : ANSWER_NOTHING;
	a->row.ops_count = CFI_OPS_MAX;
	if (pc == PC_EMPTY)
		size = 0;
	else if (pc == PC_SHORT)
		size--;
	else if (pc == PC_LONG)
		size = sizeof(room);
	send(CONFINE_FD, room, size, 0);
}

struct reading *reading_open(uint64_t start, uint64_t end, int fd,
			     int debug_fd)
{
	struct reading *r = malloc(sizeof(*r));

	(void)start;
	(void)end;
	if (r)
		*r = (struct reading){ fd, debug_fd };
	return r;
}

void reading_close(struct reading *r)
{
	if (!r)
		return;
	cleanup_close(&r->fd);
	cleanup_close(&r->debug_fd);
	free(r);
}

bool reading_row(struct reading *r, uint64_t pc, struct cfi_said *ret,
		 struct cfi_op ops_ret[CFI_OPS_MAX])
{
	(void)r;
	*ret = (struct cfi_said){
		.start = pc,
		.word = 8,
		.ra = 16,
		.ops_count = 1,
		.cfa = { .how = CFI_REGISTER, .reg = 7, .offset = 16 },
		.rules[16] = { .how = CFI_SAVED_EXPRESSION, .count = 1 },
	};
	ops_ret[0] = (struct cfi_op){ 0x9c, 0, 0 };
	switch (pc) {
	case PC_NOTHING:
		return false;
	case PC_CRASH:
		/* cmocka's handler, inherited, would run other tests */
		signal(SIGILL, SIG_DFL);
		__builtin_trap();
	case PC_LOOP:
		for (volatile int i = 0; i >= 0;)
			i = 0;
		break;
	case PC_ABORT:
		abort();
	case PC_BAD_REGISTER:
		ret->rules[3] = (struct cfi_rule){ .how = CFI_REGISTER,
						   .reg = CFI_REGS };
		break;
	case PC_BAD_OPS:
		ret->rules[3] = (struct cfi_rule){ .how = CFI_EXPRESSION,
						   .first = 1, .count = 1 };
		break;
	case PC_BAD_WORD:
		ret->word = 2;
		break;
	case PC_ELSEWHERE:
		ret->cfa = (struct cfi_rule){ .how = CFI_REGISTER, .reg = 6 };
		ret->rules[16] = (struct cfi_rule){ .how = CFI_SAVED,
						    .offset = -8 };
		break;
	case PC_SLOW:
		be_slow();
		break;
	case PC_EMPTY:
	case PC_SHORT:
	case PC_LONG:
	case PC_CLAIM:
	case PC_NUMBER:
		send_other(pc);
		break;
	default:
		break;
	}
	return true;
}

static void make_call(long nr)
{
	static char page[4096];

	switch (nr) {
	case SYS_mmap:
		mmap(NULL, sizeof(page), PROT_READ | PROT_EXEC,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		break;
	case SYS_mprotect:
		mprotect(page, 1, PROT_READ | PROT_EXEC);
		break;
	default:
		syscall(nr, 0, 0, 0, 0, 0, 0);
		break;
	}
}

void reading_place(struct reading *r, uint64_t pc, bool lines,
		   struct reading_place *ret)
{
	static char name[3 * QUESTION_NAME_MAX];
	static char path[] = "nobody.c";
	static uint32_t word;
	struct stat st;
	int fd = -1, found, lock, bad;

	(void)lines;
	*ret = (struct reading_place){ .function = name, .offset = 3 };
	if (pc == PC_LONG_NAME) {
		memset(name, 'n', sizeof(name) - 1);
		ret->file = path;
		ret->line = 7;
		return;
	}
	if (pc >= PC_CALL)
		make_call((long)(pc - PC_CALL));
	/* files that are there, and may be opened by nobody */
	fd = open("/proc/self/maps", O_RDONLY);
	snprintf(name, sizeof(name), "opened %d errno %d read %d", fd >= 0,
		 errno, pread(r->fd, &(char){ 0 }, 1, 0) == 1);
	if (pc != PC_LOOK)
		return;
	found = fstatat(AT_FDCWD, "/", &st, AT_EMPTY_PATH);
	lock = (int)syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	bad = fstat(999, &st);
	snprintf(name, sizeof(name), "found %d lock %d bad %d errno %d own %d",
		 found, lock, bad, errno,
		 !fstat(r->fd, &st) && S_ISREG(st.st_mode));
}

struct reader *fake_reader(struct reader_options options)
{
	struct reader *r = reader_create(&options);

	assert_non_null(r);
	return r;
}

enum reader_result fake_ask(struct reader *r, bool first,
			    enum question_kind kind, uint64_t pc,
			    struct answer *ret)
{
	struct question q = { .kind = kind, .pc = pc, .end = 0x10000 };
	CLEANUP_FD int fd = -1;

	if (first) {
		fd = open("/proc/self/exe", O_RDONLY);
		assert_true(fd >= 0);
	}
	return reader_ask(r, &q, (struct question_files){ fd, -1 }, ret);
}
