/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restorers.c - words that lead to code which returns from signals */
#include "source/restorers.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "source/sorted.h"
#include "x86/call.h"
#include "x86/restorer.h"

/* 32-bit code and its stacks are below. */
#define LOW_LIMIT (UINT64_C(1) << 32)

enum {
	/* Most words are told to be no code's by a few of their bits. */
	REGION_SHIFT = 21,
	REGIONS = 4096,
	KNOWN_BITS = 10,
	KNOWN_WAYS = 4,		/* places that a word may be remembered in */
	JUMPS_MAX = 2,
};

struct code_range {
	uint64_t start;
	uint64_t end;
};

/* What a word was found to lead to. */
struct known_word {
	uint64_t word;		/* 0: none */
	bool is_restorer;
};

struct restorers {
	const struct snapshot *snapshot;
	stacks_read_fn *read;
	struct code_range *code;	/* executable mappings, sorted */
	size_t code_count;
	bool regions[REGIONS];	/* by address: is there any code? */
	/* the one asked for last first: every thread has the same few words */
	struct known_word known[1 << KNOWN_BITS][KNOWN_WAYS];
};

static size_t region_of(uint64_t addr)
{
	return addr >> REGION_SHIFT & (REGIONS - 1);
}

static void add_code(struct restorers *r, const struct mapping *m)
{
	uint64_t regions = ((m->end - 1) >> REGION_SHIFT) -
			   (m->start >> REGION_SHIFT) + 1;

	r->code[r->code_count++] = (struct code_range){ m->start, m->end };
	for (uint64_t i = 0; i < regions && i < REGIONS; i++)
		r->regions[(region_of(m->start) + i) % REGIONS] = true;
}

struct restorers *restorers_create(const struct snapshot *s,
				   stacks_read_fn *read)
{
	struct restorers *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->snapshot = s;
	r->read = read;
	r->code = calloc(s->mappings_count + 1, sizeof(*r->code));
	if (!r->code) {
		free(r);
		return NULL;
	}
	/* what is above cannot be read, and is the kernel's */
	for (size_t i = 0; i < s->mappings_count; i++)
		if (s->mappings[i].prot & PROT_EXEC &&
		    s->mappings[i].end <= INT64_MAX)
			add_code(r, &s->mappings[i]);
	return r;
}

void restorers_destroy(struct restorers *r)
{
	if (r)
		free(r->code);
	free(r);
}

static bool is_code(const struct restorers *r, uint64_t addr)
{
	size_t i = sorted_above(r->code, r->code_count, sizeof(*r->code),
				offsetof(struct code_range, end), addr);

	return i < r->code_count && r->code[i].start <= addr;
}

/* The code at `addr`. Of what cannot be read nothing is known. */
static bool is_possible(const struct restorers *r, uint64_t addr)
{
	uint8_t raw[CALL_MAX + RESTORER_REACH];
	/* not from the page before, which may be another mapping's */
	uint64_t skip = addr % 4096 < CALL_MAX ? addr % 4096 : CALL_MAX;
	uint64_t target;

	for (unsigned jumps = 0; jumps <= JUMPS_MAX; jumps++) {
		size_t size = r->read(r->snapshot, addr - skip, raw,
				      skip + RESTORER_REACH);

		if (size <= skip)
			return false;

		struct bytes code = { raw + skip, size - skip, addr };

		if (restorer_match(code))
			return true;
		/* code that was called returns to its caller, not to this */
		if (!jumps && skip == CALL_MAX && call_before(raw))
			return false;
		if (restorer_possible(code))
			return true;
		if (!restorer_jump(code, &target) || !is_code(r, target))
			return false;
		addr = target;
		skip = 0;
	}
	return false;
}

static bool look_up(struct restorers *r, uint64_t word)
{
	struct known_word *ways = r->known[hash_place(word, KNOWN_BITS)];
	struct known_word found;
	unsigned way = 0;

	while (way < KNOWN_WAYS - 1 && ways[way].word != word)
		way++;
	found = ways[way];
	if (found.word != word)
		found = (struct known_word){ word, is_possible(r, word) };
	memmove(ways + 1, ways, way * sizeof(*ways));
	ways[0] = found;
	return found.is_restorer;
}

/* Flags of an action; 0x04000000, SA_RESTORER, says that it has a restorer. */
#define ACTION_FLAGS UINT64_C(0xfc000c07)
#define HAS_RESTORER UINT64_C(0x04000000)

/* Is it what sigaction() has told the kernel, and left behind? */
static bool is_action(struct bytes stack, uint64_t off, unsigned width)
{
	uint64_t flags;

	return off >= width && bytes_word(stack, off - width, width, &flags) &&
	       flags & HAS_RESTORER && !(flags & ~ACTION_FLAGS);
}

/* Is it the return address of a frame of that kind, `off` from the start? */
static bool is_return(struct restorers *r, struct bytes stack, uint64_t off,
		      enum sigframe_kind kind)
{
	unsigned width = sigframe_shapes[kind].pointer;
	uint64_t word;

	return bytes_word(stack, off, width, &word) &&
	       r->regions[region_of(word)] && word && is_code(r, word) &&
	       look_up(r, word) && !is_action(stack, off, width);
}

/* Past all lines whose word of 64 bits can be no code's, and most cannot. */
static uint64_t skip_data(const struct restorers *r, struct bytes stack,
			  uint64_t line, uint64_t limit)
{
	uint64_t skip = sigframe_shapes[SIGFRAME_X86_64].misalign;
	uint64_t word;

	while (line < limit && line >= stack.addr &&
	       bytes_u64(stack, line + skip - stack.addr, &word) &&
	       !r->regions[region_of(word)])
		line += 16;
	return line;
}

bool restorers_next(struct restorers *r, struct bytes stack, uint64_t limit,
		    uint64_t *cursor, uint64_t *ret)
{
	/* 16 bytes have room for one of either width */
	static const enum sigframe_kind kinds[] = { SIGFRAME_X86_64,
						    SIGFRAME_IA32_RT };
	unsigned count = stack.addr < LOW_LIMIT ? 2 : 1;
	uint64_t from = *cursor > stack.addr ? *cursor : stack.addr;
	uint64_t line = from & ~UINT64_C(15);

	for (; line < limit && line <= UINT64_MAX - 32; line += 16) {
		if (count == 1)
			line = skip_data(r, stack, line, limit);
		if (line > UINT64_MAX - 32)
			break;
		for (unsigned i = 0; i < count; i++) {
			uint64_t at = line + sigframe_shapes[kinds[i]].misalign;

			if (at < from || at >= limit ||
			    !is_return(r, stack, at - stack.addr, kinds[i]))
				continue;
			*cursor = at + 4;
			*ret = at;
			return true;
		}
	}
	return false;
}
