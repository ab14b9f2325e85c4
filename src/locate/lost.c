/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lost.c - what may hide a frame where unwinding got lost */
#include "locate/lost.h"

#include <elf.h>
#include <signal.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "locate/facts.h"
#include "locate/pointers.h"
#include "locate/written.h"
#include "source/ownstack.h"
#include "source/restorers.h"

enum {
	ARGUMENTS_MAX = 1 << 17,
	PIECE = 4096,
	/* of a function that is not known to start anywhere */
	BODY_MAX = 512,
};

static bool is_marked(const struct candidates *hits, uint64_t addr)
{
	return candidates_next(hits, NULL, addr, addr + 1);
}

uint64_t lost_return(const struct snapshot *s, struct code *code,
		     const struct candidates *hits, uint64_t from,
		     uint64_t to)
{
	struct restorers *r = code_restorers(code);
	uint8_t raw[PIECE + 8];
	enum run_end end;

	for (uint64_t at = from, limit; r && at < to; at = limit) {
		limit = to - at > PIECE ? at + PIECE : to;

		size_t size = at > UINT64_MAX - sizeof(raw)
				      ? 0
				      : snapshot_read(s, at, raw, sizeof(raw),
						      &end);
		uint64_t cursor = at, found;

		while (restorers_next(r, (struct bytes){ raw, size, at },
				      limit, &cursor, &found))
			if (!is_marked(hits, found))
				return found;
	}
	return 0;
}

uint64_t lost_skipped(const struct snapshot *s, struct code *code,
		      const struct candidates *hits,
		      const struct unwind_result *walk)
{
	uint64_t found = 0;

	for (size_t i = 0; i < walk->steps_count && !found; i++)
		if (walk->steps[i].pointer)
			found = lost_return(s, code, hits, walk->steps[i].sp,
					    walk->steps[i].slot);
	return found;
}

/* mov $56,%eax and $435: clone() and clone3(), asm/unistd_64.h; and $120 */
static bool makes_threads(struct code *code, uint64_t start, uint64_t pc)
{
	static const uint32_t numbers[] = { 56, 435, 120 };
	uint8_t raw[CODE_READ_MAX];
	enum run_end end;
	bool number = false;

	for (uint64_t at = start; at < pc; at += CODE_READ_MAX / 2) {
		struct bytes b = { raw, 0, at };
		uint32_t word;
		uint16_t call;

		b.size = code_read(code, at, raw, sizeof(raw), &end);
		for (uint64_t off = 1; off < b.size && at + off < pc; off++) {
			bool load = b.data[off - 1] == 0xb8 ||
				    b.data[off - 1] == 0xc0;

			for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++)
				number |= load && bytes_u32(b, off, &word) &&
					  word == numbers[i];
			/* syscall, int $0x80 */
			if (number && bytes_u16(b, off, &call) &&
			    (call == 0x050f || call == 0x80cd))
				return true;
		}
	}
	return false;
}

/* Behind the 0 that ends pointers to above `least`; 0: this is no such list. */
static uint64_t behind_pointers(const struct snapshot *s, uint64_t addr,
				unsigned width, uint64_t least)
{
	uint64_t word;

	for (unsigned i = 0; i < ARGUMENTS_MAX; i++, addr += width) {
		if (!snapshot_word(s, addr, width, &word))
			return 0;
		if (!word)
			return addr + width;
		if (word <= least)
			return 0;
	}
	return 0;
}

/*
 * argc, argv, 0, environ, 0, auxv: what a program is started with, and above
 * that random bytes and strings (fs/binfmt_elf.c).
 */
static bool is_start(const struct snapshot *s, uint64_t addr, unsigned width)
{
	uint64_t least = s->random ? s->random : addr;
	uint64_t count, at = addr + width, type, value;

	if (!snapshot_word(s, addr, width, &count) || count < 1 ||
	    behind_pointers(s, at, width, least) != at + (count + 1) * width)
		return false;
	at = behind_pointers(s, at + (count + 1) * width, width, least);
	if (!at)
		return false;
	if (!s->random)
		return true;
	while (at < s->random && snapshot_word(s, at, width, &type) &&
	       snapshot_word(s, at + width, width, &value) && type) {
		if (type == AT_RANDOM)
			return value == s->random;
		at += 2 * width;
	}
	return false;
}

/*
 * Among the strings that a program is started with? They are above the random
 * bytes, those above its arguments (fs/binfmt_elf.c), and nobody's stack.
 */
static bool is_above_start(const struct snapshot *s, uint64_t addr)
{
	return s->random && addr >= s->random &&
	       snapshot_mapping(s, addr) == snapshot_mapping(s, s->random);
}

bool lost_itself(const struct snapshot *s, const struct thread *t)
{
	struct siginfo info;

	if (snapshot_mapped(s, t->regs.r[X86_RIP], PROT_EXEC) != TRI_NO)
		return false;
	if (!snapshot_siginfo(s, t, &info))
		return true;
	return info.signo != SIGSEGV || info.code <= 0 ||
	       (info.code != SI_KERNEL && info.addr != t->regs.r[X86_RIP]);
}

/* Of the smallest frame there is: what sigreturn reads of it. */
static uint64_t smallest(uint64_t cs)
{
	return sigframe_shapes[cs == X86_USER32_CS ? SIGFRAME_IA32
						   : SIGFRAME_X32].need_end;
}

bool lost_to_nowhere(const struct snapshot *s, struct code *code,
		     struct unwind *u, const struct thread *t,
		     const struct unwind_result *walk, uint64_t cs,
		     uint64_t reach)
{
	const struct unwind_step *last;
	uint64_t start;

	if (is_above_start(s, walk->sp))
		return true;
	if (walk->pointers || !walk->steps_count)
		return false;
	/* of what is nowhere, not all cores say that there is nothing */
	switch (snapshot_mapped(s, walk->pc, PROT_EXEC)) {
	case TRI_NO:
		break;
	case TRI_UNKNOWN:
		if (snapshot_mapping(s, walk->pc))
			return false;
		break;
	case TRI_YES:
		/* who made another stack may have put anything there */
		if (pointers_is_return(s, code, walk->pc, cs) != TRI_NO ||
		    !ownstack_holds(s, ownstack_read, t->tid, walk->sp))
			return false;
	}
	last = &walk->steps[walk->steps_count - 1];
	if (last->slot < reach && reach - last->slot < smallest(cs))
		return false;
	if (t->tid == s->pid &&
	    is_start(s, last->slot, cs == X86_USER32_CS ? 4 : 8))
		return false;
	if (!unwind_start_of(u, last->pc, &start) || last->pc - start > PIECE)
		start = last->pc - BODY_MAX;
	return !makes_threads(code, start, last->pc);
}

/* Not on a stack that is looked at anyway, and known by nothing else? */
static bool is_unmarked(const struct snapshot *s, struct code *code,
			uint64_t addr)
{
	const struct mapping *m = snapshot_mapping(s, addr);
	struct frame_check check;

	for (size_t i = 0; i < s->threads_count; i++)
		if (s->threads[i].has & THREAD_HAS_PC_SP &&
		    snapshot_mapping(s, s->threads[i].regs.r[X86_RSP]) == m)
			return false;
	for (unsigned kind = 0; kind < SIGFRAME_KINDS; kind++)
		if (facts_check(s, code, kind, addr, &check) &&
		    facts_intact(s, &check))
			return false;
	return true;
}

static bool find_elsewhere(const struct snapshot *s, struct code *code)
{
	struct restorers *r = code_restorers(code);
	struct bytes piece, all;
	struct written w;
	struct error *err = written_init(&w, s, UINT64_MAX);
	bool found = false;

	if (!r || err) {
		error_free(err);
		return true;
	}
	while (!found && written_next(&w, &piece, &all)) {
		uint64_t cursor = piece.addr, at;

		/* of what is known to have nothing there are no bytes */
		while (!found && restorers_next(r, all, piece.addr + piece.size,
						&cursor, &at))
			found = is_unmarked(s, code, at);
	}
	written_deinit(&w);
	return found;
}

bool lost_elsewhere(const struct snapshot *s, struct code *code,
		    const struct thread *t, enum tri *known)
{
	if (t->has & THREAD_HAS_GPRS)
		return false;
	if (*known == TRI_UNKNOWN)
		*known = find_elsewhere(s, code) ? TRI_YES : TRI_NO;
	return *known == TRI_YES;
}
