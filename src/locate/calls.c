/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls.c - the call instruction before a return address */
#include "locate/calls.h"

#include "x86/call.h"

enum { HOPS_MAX = 3 };

static uint64_t signed_32(const uint8_t *b)
{
	uint32_t raw;

	memcpy(&raw, b, sizeof(raw));
	return (uint64_t)(int64_t)(int32_t)le32toh(raw);
}

static uint64_t cut(uint64_t addr, bool wide)
{
	return wide ? addr : (uint32_t)addr;
}

static bool read_word(struct code *c, uint64_t addr, bool wide, uint64_t *ret)
{
	uint8_t raw[8];
	unsigned size = wide ? 8 : 4;
	enum run_end end;

	return code_read(c, addr, raw, size, &end) == size &&
	       bytes_word((struct bytes){ raw, size, addr }, 0, size, ret);
}

/* `jmp *mem` at `b`, of an instruction at `pc`: where the address stands. */
static bool jump_slot(const uint8_t *b, uint64_t pc, bool wide, uint64_t *ret)
{
	if (b[0] != 0xff || b[1] != 0x25)
		return false;
	*ret = wide ? pc + 6 + signed_32(b + 2) : cut(signed_32(b + 2), false);
	return true;
}

/* Through entries of a PLT and jumps to the function itself. */
static void follow(struct code *c, bool wide, struct calls_site *call)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e };

	for (unsigned hop = 0; hop < HOPS_MAX; hop++) {
		uint8_t b[16] = { 0 };
		uint64_t pc = call->target, slot;
		unsigned skip = 0;
		enum run_end end;

		if (code_read(c, pc, b, sizeof(b), &end) < sizeof(b))
			return;
		if (!memcmp(b, endbr, sizeof(endbr)))
			skip = 4;
		if (b[skip] == 0xf2)
			skip++;
		if (jump_slot(b + skip, pc + skip, wide, &slot)) {
			call->target_known =
				read_word(c, slot, wide, &call->target);
			if (!call->target_known)
				return;
		} else if (b[skip] == 0xe9) {
			call->target = cut(pc + skip + CALL_DIRECT +
						   signed_32(b + skip + 1),
					   wide);
		} else {
			return;
		}
	}
}

/*
 * The bytes before `pc` to the end of `b`. The page before may not be there:
 * then fewer, the rest is 0. NO if there is nothing at all,
 * UNKNOWN if it is not to be had.
 */
static enum tri read_before(struct code *c, uint64_t pc,
			    uint8_t b[CALL_MAX])
{
	enum tri known = TRI_NO;

	for (unsigned size = CALL_MAX; size >= 2; size--) {
		enum run_end end;

		if (pc < size)
			continue;
		if (code_read(c, pc - size, b + CALL_MAX - size, size,
			      &end) == size)
			return TRI_YES;
		memset(b, 0, CALL_MAX);
		if (end != RUN_END_UNREADABLE)
			known = TRI_UNKNOWN;
	}
	return known;
}

void calls_before(struct code *c, uint64_t pc, uint64_t cs,
		  struct calls_site *ret)
{
	uint8_t b[CALL_MAX] = { 0 };
	bool wide = cs != X86_USER32_CS;
	enum tri known = read_before(c, pc, b);

	*ret = (struct calls_site){ .present = known };
	if (known != TRI_YES)
		return;

	unsigned length = call_before(b);
	const uint8_t *at = b + CALL_MAX - length;

	if (!length) {
		ret->present = TRI_NO;
	} else if (at[0] == 0xe8) {
		ret->target_known = true;
		ret->target = cut(pc + signed_32(at + 1), wide);
	} else if (wide && at[1] == 0x15) {
		/* through the GOT; in 32-bit code gs may be in front */
		ret->target_known = read_word(c, pc + signed_32(at + 2), wide,
					      &ret->target);
	}
	if (ret->target_known)
		follow(c, wide, ret);
}
