/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fake_reading.h - somebody else than libdw who reads ELF files */
#ifndef SIGFRAME_TESTS_FAKE_READING_H
#define SIGFRAME_TESTS_FAKE_READING_H

#include "locate/reader.h"

/*
 * Instead of the one that libdw is behind (tests/live/reader.sh has that one):
 * the address asked about says what happens.
 */
enum {
	PC_ROW = 0x1000,
	PC_NOTHING,
	PC_CRASH,
	PC_LOOP,
	PC_ABORT,
	PC_BAD_REGISTER,	/* answers that make no sense */
	PC_BAD_OPS,
	PC_BAD_WORD,
	PC_LONG_NAME,
	PC_ELSEWHERE,		/* the caller's stack is at rbp */
	PC_SLOW,
	PC_EMPTY,		/* sends another answer in front of its own */
	PC_SHORT,
	PC_LONG,
	PC_CLAIM,
	PC_NUMBER,
	PC_LOOK,
	PC_CALL,		/* + the number of a system call */
};

struct reader *fake_reader(struct reader_options options);

/* Ask about this program's own file, the first time of this child. */
enum reader_result fake_ask(struct reader *r, bool first,
			    enum question_kind kind, uint64_t pc,
			    struct answer *ret);

#endif
