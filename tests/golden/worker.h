/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker.h - a program that exists in synthesised cores only */
#ifndef SIGFRAME_TESTS_GOLDEN_WORKER_H
#define SIGFRAME_TESTS_GOLDEN_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#define WORKER_PATH "/nonexistent/worker"
#define WORKER_BASE UINT64_C(0x555555554000)
#define WORKER_BASE_X32 UINT64_C(0x56555000)
#define WORKER_SIZE 4096

/* Its functions, bytes from the base. */
enum worker_function {
	WORKER_MAIN = 0x800,	/* calls the others; nothing called it */
	WORKER_ADD_SSE = 0x820,
	WORKER_ADD_AVX = 0x840,
	WORKER_ADD_AVX512 = 0x860,
	WORKER_HANDLER = 0x880,	/* of any signal; waits for ever */
	WORKER_RESTORER = 0x8a1,
};

/* Behind the call in WORKER_MAIN. */
#define WORKER_CALLED_FROM (WORKER_MAIN + 9)
/* The second instruction of each function, and what the first one took. */
#define WORKER_BODY 4
#define WORKER_LEAF_STACK 8
#define WORKER_HANDLER_STACK 24

/* The page that the program is mapped to, WORKER_SIZE bytes. */
void worker_write(bool x32, uint8_t *ret);

#endif
