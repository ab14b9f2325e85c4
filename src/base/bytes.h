/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bytes.h - bounded reads of foreign bytes, and words for others to read */
#ifndef SIGFRAME_BASE_BYTES_H
#define SIGFRAME_BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * `size` bytes of the examined process, copied to `data` from its address
 * `addr`. A view: whoever filled the buffer owns it and keeps it longer.
 * Decoders read through the getters below and through nothing else, so that
 * hostile bytes can neither lead them outside nor be misaligned.
 */
struct bytes {
	const uint8_t *data;
	size_t size;
	uint64_t addr;
};

/* True if [off, off + len) lies inside. */
static inline bool bytes_has(struct bytes b, uint64_t off, uint64_t len)
{
	return off <= b.size && len <= b.size - off;
}

/* Little-endian words at byte `off`. False, *ret untouched, if outside. */
static inline bool bytes_u16(struct bytes b, uint64_t off, uint16_t *ret)
{
	uint16_t raw;

	if (!bytes_has(b, off, sizeof(raw)))
		return false;
	memcpy(&raw, b.data + off, sizeof(raw));
	*ret = le16toh(raw);
	return true;
}

static inline bool bytes_u32(struct bytes b, uint64_t off, uint32_t *ret)
{
	uint32_t raw;

	if (!bytes_has(b, off, sizeof(raw)))
		return false;
	memcpy(&raw, b.data + off, sizeof(raw));
	*ret = le32toh(raw);
	return true;
}

static inline bool bytes_u64(struct bytes b, uint64_t off, uint64_t *ret)
{
	uint64_t raw;

	if (!bytes_has(b, off, sizeof(raw)))
		return false;
	memcpy(&raw, b.data + off, sizeof(raw));
	*ret = le64toh(raw);
	return true;
}

/* A word of 1, 2, 4 or 8 bytes; false for any other width, or outside. */
static inline bool bytes_word(struct bytes b, uint64_t off, unsigned width,
			      uint64_t *ret)
{
	uint32_t raw32;
	uint16_t raw16;

	/* a copy of constant size is a move, any other takes long */
	switch (width) {
	case 8:
		return bytes_u64(b, off, ret);
	case 4:
		if (!bytes_u32(b, off, &raw32))
			return false;
		*ret = raw32;
		return true;
	case 2:
		if (!bytes_u16(b, off, &raw16))
			return false;
		*ret = raw16;
		return true;
	case 1:
		if (!bytes_has(b, off, 1))
			return false;
		*ret = b.data[off];
		return true;
	}
	return false;
}

/* The other way round: the low `width` <= 8 bytes of `value` to `to`. */
static inline void bytes_put(uint8_t *to, uint64_t value, unsigned width)
{
	uint64_t raw = htole64(value);

	memcpy(to, &raw, width);
}

/* From `off` to the end; empty (and still valid) if `off` is outside. */
static inline struct bytes bytes_from(struct bytes b, uint64_t off)
{
	size_t skip = off < b.size ? off : b.size;

	return (struct bytes){
		.data = skip ? b.data + skip : b.data,	/* may be NULL */
		.size = b.size - skip,
		.addr = b.addr + off,
	};
}

/* At most the first `size` bytes. */
static inline struct bytes bytes_first(struct bytes b, uint64_t size)
{
	return (struct bytes){ b.data, size < b.size ? size : b.size, b.addr };
}

/* True if any byte of [off, off + len) that lies inside is not zero. */
static inline bool bytes_nonzero(struct bytes b, uint64_t off, uint64_t len)
{
	struct bytes part = bytes_first(bytes_from(b, off), len);

	/* each is the one before it */
	return part.size &&
	       (part.data[0] ||
		memcmp(part.data, part.data + 1, part.size - 1) != 0);
}

/*
 * What the tool knows of a fact. Missing evidence is its own answer and never
 * turns into a "no" that would let a check pass.
 */
enum tri {
	TRI_UNKNOWN,
	TRI_NO,
	TRI_YES,
};

static inline enum tri tri_of(bool known)
{
	return known ? TRI_YES : TRI_NO;
}

static inline enum tri tri_not(enum tri t)
{
	return t == TRI_UNKNOWN ? TRI_UNKNOWN : tri_of(t == TRI_NO);
}

/* Why a run of bytes stops where it does. */
enum run_end {
	RUN_END_UNKNOWN,	/* not looked at, or missing from the input */
	RUN_END_UNREADABLE,	/* the process itself cannot read on from here */
};

/* Bytes from one address on, as far as they are known, and what follows. */
struct run {
	struct bytes bytes;
	enum run_end end;
};

/*
 * Can the process read [off, off + len) of the run? `len` may be 0. TRI_NO
 * only where the run is known to end before.
 */
static inline enum tri run_readable(const struct run *r, uint64_t off,
				    uint64_t len)
{
	if (bytes_has(r->bytes, off, len))
		return TRI_YES;
	return r->end == RUN_END_UNREADABLE ? TRI_NO : TRI_UNKNOWN;
}

/* The run from `off` on. */
static inline struct run run_from(const struct run *r, uint64_t off)
{
	return (struct run){ bytes_from(r->bytes, off), r->end };
}

#endif
