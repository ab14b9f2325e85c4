/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kept.c - the bytes of many frames that are much alike, in little memory */
#include "locate/kept.h"

#include <stdlib.h>
#include <string.h>

enum {
	WORD = sizeof(uint64_t),
	FRAME_WORDS = KEPT_FRAME_MAX / WORD,
	AREA_WORDS = (PREDICT_AREA_WANT + WORD - 1) / WORD,
	MAP_BITS = 64,
	BLOCK = 64 << 10,
};

struct kept_block {
	struct kept_block *next;
	size_t used;		/* words */
	uint64_t words[];
};

/*
 * Words of the frame, then of the area; of each run, a bit per word that is
 * not as in the first frame, and these words.
 */
struct kept_frame {
	const struct kept *kept;
	uint32_t frame;		/* bytes */
	uint32_t area;
	uint64_t words[];
};

static size_t words_of(size_t size)
{
	return (size + WORD - 1) / WORD;
}

/* The word at `off`, with zeros behind the end. */
static uint64_t word_at(struct bytes b, size_t off)
{
	uint64_t ret = 0;

	if (b.size - off >= WORD)
		memcpy(&ret, b.data + off, WORD);
	else
		memcpy(&ret, b.data + off, b.size - off);
	return ret;
}

/* Returns how many words that took. */
static size_t pack(struct bytes b, const uint64_t *first, uint64_t *out)
{
	size_t count = words_of(b.size);
	size_t maps = (count + MAP_BITS - 1) / MAP_BITS, used = maps;

	memset(out, 0, maps * WORD);
	for (size_t i = 0; i < count; i++) {
		uint64_t word = word_at(b, i * WORD);

		if (word == first[i])
			continue;
		out[i / MAP_BITS] |= UINT64_C(1) << (i % MAP_BITS);
		out[used++] = word;
	}
	return used;
}

/* Returns how many words that were; `buf` has room for whole words. */
static size_t unpack(const uint64_t *in, const uint64_t *first, size_t size,
		     uint8_t *buf)
{
	size_t count = words_of(size);
	size_t maps = (count + MAP_BITS - 1) / MAP_BITS, used = maps;

	memcpy(buf, first, count * WORD);
	for (size_t i = 0; i < maps; i++)
		for (uint64_t left = in[i]; left; left &= left - 1) {
			size_t at = i * MAP_BITS +
				    (size_t)__builtin_ctzll(left);

			memcpy(buf + at * WORD, &in[used++], WORD);
		}
	return used;
}

/* Room for so many bytes, a multiple of words; NULL: no more. */
static void *room_for(struct kept *k, size_t size)
{
	struct kept_block *b = k->blocks;
	size_t words = size / WORD;

	if (!b || BLOCK - sizeof(*b) - b->used * WORD < size) {
		if (size > BLOCK - sizeof(*b) || k->size + BLOCK > KEPT_MAX)
			return NULL;
		b = malloc(BLOCK);
		if (!b)
			return NULL;
		*b = (struct kept_block){ .next = k->blocks };
		k->blocks = b;
		k->size += BLOCK;
	}
	b->used += words;
	return b->words + b->used - words;
}

/* What the others are compared with. */
static bool take_first(struct kept *k, struct bytes frame, struct bytes area)
{
	k->first = calloc(FRAME_WORDS + AREA_WORDS, WORD);
	if (!k->first)
		return false;
	memcpy(k->first, frame.data, frame.size);
	memcpy(k->first + FRAME_WORDS, area.data, area.size);
	return true;
}

const struct kept_frame *kept_add(struct kept *k, struct bytes frame,
				  struct bytes area)
{
	uint64_t words[FRAME_WORDS + AREA_WORDS +
		       (FRAME_WORDS + AREA_WORDS) / MAP_BITS + 2];
	struct kept_frame *ret;
	size_t used;

	if (!frame.size || !area.size || frame.size > KEPT_FRAME_MAX ||
	    area.size > PREDICT_AREA_WANT ||
	    (!k->first && !take_first(k, frame, area)))
		return NULL;
	used = pack(frame, k->first, words);
	used += pack(area, k->first + FRAME_WORDS, words + used);
	ret = room_for(k, sizeof(*ret) + used * WORD);
	if (!ret)
		return NULL;
	ret->kept = k;
	ret->frame = (uint32_t)frame.size;
	ret->area = (uint32_t)area.size;
	memcpy(ret->words, words, used * WORD);
	return ret;
}

void kept_read(const struct kept_frame *f, uint8_t *buf)
{
	const uint64_t *first = f->kept->first;
	size_t used = unpack(f->words, first, f->frame, buf);

	unpack(f->words + used, first + FRAME_WORDS, f->area,
	       buf + KEPT_FRAME_MAX);
}

void kept_deinit(struct kept *k)
{
	while (k->blocks) {
		struct kept_block *next = k->blocks->next;

		free(k->blocks);
		k->blocks = next;
	}
	free(k->first);
	*k = (struct kept){ 0 };
}
