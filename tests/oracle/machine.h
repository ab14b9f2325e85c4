/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.h - CPUs whose frames are tried on this one */
#ifndef ORACLE_MACHINE_H
#define ORACLE_MACHINE_H

#include "describe/host.h"
#include "x86/xstate.h"

/* Who wrote a frame. The first row is this machine, filled in at start. */
struct machine {
	const char *name;
	uint64_t features;	/* Q */
	uint32_t size;		/* S; 512: it has no XSAVE */
	enum xstate_family family;
};

enum { MACHINE_NATIVE = 0 };

extern const struct machine machines[];
extern const unsigned machines_count;

/* What a machine is here, the native one included. */
struct machine_view {
	uint64_t features;
	uint32_t size;
	bool xsave;
	struct xstate_layout layout;
};

void machine_view(unsigned index, const struct host *host,
		  struct machine_view *ret);

/* The index of `name`, of `length` bytes; machines_count if there is none. */
unsigned machine_find(const char *name, size_t length);

#endif
