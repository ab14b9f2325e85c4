/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mkcore.h - writes ELF cores of processes that never were */
#ifndef SIGFRAME_TESTS_MKCORE_H
#define SIGFRAME_TESTS_MKCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "x86/gprs.h"
#include "x86/xstate.h"

enum mkcore_abi {
	MKCORE_X86_64,
	MKCORE_I386,
	MKCORE_X32,
};

struct mkcore;

/*
 * An empty core. What is added below appears in it as Linux would write it,
 * threads and segments in the order of the calls. All functions copy what they
 * are given; those that run out of memory end the program.
 */
struct mkcore *mkcore_create(enum mkcore_abi abi);
void mkcore_destroy(struct mkcore *m);

struct mkcore_thread {
	pid_t tid;
	struct x86_gprs regs;
	int64_t orig_rax;
	uint64_t sigmask;
	const void *xstate;	/* NT_X86_XSTATE, NULL: none */
	size_t xstate_size;
	const void *siginfo;	/* NT_SIGINFO, NULL: none */
	size_t siginfo_size;
};

void mkcore_add_thread(struct mkcore *m, const struct mkcore_thread *t);

struct mkcore_segment {
	uint64_t start;
	uint64_t size;		/* p_memsz */
	unsigned prot;		/* PROT_READ | PROT_WRITE | PROT_EXEC */
	const void *data;
	size_t data_size;
	uint64_t dumped;	/* p_filesz; beyond the data a hole. 0: the
				   data's size */
};

void mkcore_add_segment(struct mkcore *m, const struct mkcore_segment *s);

/* An entry of NT_FILE; `offset` in bytes, a multiple of 4096. */
void mkcore_add_file(struct mkcore *m, uint64_t start, uint64_t end,
		     uint64_t offset, const char *path);
void mkcore_add_auxv(struct mkcore *m, uint64_t type, uint64_t value);
/* NT_PRPSINFO. */
void mkcore_set_process(struct mkcore *m, pid_t pid, const char *command);
/* NT_X86_XSAVE_LAYOUT with the components of `features` from 2 on. */
void mkcore_set_layout(struct mkcore *m, const struct xstate_layout *l,
		       uint64_t features);
/* Any other note, behind all the rest. */
void mkcore_add_note(struct mkcore *m, const char *name, uint32_t type,
		     const void *data, size_t size);
/* As gdb's gcore does: NT_PRSTATUS with nothing but registers and the pid. */
void mkcore_by_gdb(struct mkcore *m);
/* Count the program headers in a section header, as from 65535 on. */
void mkcore_extended_count(struct mkcore *m);

/*
 * The core as bytes; the caller frees them. For cores without large holes.
 */
uint8_t *mkcore_build(struct mkcore *m, size_t *size_ret);

/* Write to `path`, holes as holes. False if that fails; errno says why. */
bool mkcore_write(struct mkcore *m, const char *path);

#endif
