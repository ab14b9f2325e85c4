/* SPDX-License-Identifier: GPL-3.0-or-later */
/* frame_builder.c - signal frames in memory, as a kernel would write them */
#include "frame_builder.h"

#include <stdlib.h>

#include "base/cleanup.h"

/* One word of a frame, `off` bytes from its address. */
struct word {
	uint16_t off;
	uint8_t width;
	uint64_t value;
};

void memory_put(const struct memory *m, uint64_t addr, unsigned width,
		uint64_t value)
{
	uint64_t raw = htole64(value);

	if (addr < m->addr || m->size < width ||
	    addr - m->addr > m->size - width)
		abort();
	memcpy(m->data + (addr - m->addr), &raw, width);
}

uint64_t memory_get(const struct memory *m, uint64_t addr, unsigned width)
{
	uint64_t value;

	if (!bytes_word((struct bytes){ m->data, m->size, m->addr },
			addr - m->addr, width, &value))
		abort();
	return value;
}

size_t memory_read(const struct memory *m, uint64_t addr, void *buf,
		   size_t size)
{
	if (addr < m->addr || addr - m->addr >= m->size)
		return 0;
	if (size > m->size - (addr - m->addr))
		size = m->size - (addr - m->addr);
	memcpy(buf, m->data + (addr - m->addr), size);
	return size;
}

static void put_words(const struct memory *m, uint64_t frame,
		      const struct word *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		memory_put(m, frame + words[i].off, words[i].width,
			   words[i].value);
}

static void put_x86_64(const struct memory *m, uint64_t f, uint64_t image,
		       const struct delivery *d)
{
	const struct word words[] = {
		{ 0, 8, d->restorer },	    { 8, 8, 7 },
		{ 16, 8, 0 },		    { 24, 8, d->altstack_sp },
		{ 32, 4, 0 },		    { 40, 8, d->altstack_size },
		{ 48, 8, 0x808 },	    { 168, 8, d->sp },
		{ 176, 8, d->pc },	    { 184, 8, 0x246 },
		{ 192, 8, 0x2b000000000033 }, { 200, 8, 0 },
		{ 208, 8, 0 },		    { 216, 8, 0 },
		{ 224, 8, 0 },		    { 232, 8, image },
		{ 304, 8, 0 },		    { 312, 4, 10 },
	};

	put_words(m, f, words, ARRAY_SIZE(words));
}

static void put_x32(const struct memory *m, uint64_t f, uint64_t image,
		    const struct delivery *d)
{
	const struct word words[] = {
		{ 0, 8, d->restorer },	    { 8, 4, 7 },
		{ 12, 4, 0 },		    { 16, 4, d->altstack_sp },
		{ 20, 4, 0 },		    { 24, 4, d->altstack_size },
		{ 28, 4, 0 },		    { 152, 8, d->sp },
		{ 160, 8, d->pc },	    { 168, 8, 0x246 },
		{ 176, 8, 0x2b000000000033 }, { 200, 8, 0 },
		{ 216, 8, image },	    { 288, 8, 0 },
		{ 296, 4, 10 },
	};

	put_words(m, f, words, ARRAY_SIZE(words));
}

/* struct sigcontext_32 at `at` */
static void put_sigcontext_32(const struct memory *m, uint64_t at,
			      uint64_t fpstate, const struct delivery *d)
{
	const struct word words[] = {
		{ 0, 4, 0x63 },	 { 4, 4, 0 },	  { 8, 4, 0x2b },
		{ 12, 4, 0x2b }, { 28, 4, d->sp }, { 56, 4, d->pc },
		{ 60, 4, 0x23 }, { 64, 4, 0x246 }, { 68, 4, d->sp },
		{ 72, 4, 0x2b }, { 76, 4, fpstate }, { 80, 4, 0 },
	};

	put_words(m, at, words, ARRAY_SIZE(words));
}

static void put_ia32_rt(const struct memory *m, uint64_t f, uint64_t image,
			const struct delivery *d)
{
	const struct word words[] = {
		{ 0, 4, d->restorer },	   { 4, 4, 10 },
		{ 8, 4, f + 16 },	   { 12, 4, f + 144 },
		{ 16, 4, 10 },		   { 144, 4, 1 },
		{ 148, 4, 0 },		   { 152, 4, d->altstack_sp },
		{ 156, 4, 0 },		   { 160, 4, d->altstack_size },
		{ 252, 8, 0 },		   { 260, 8, 0x80cd000000adb8 },
	};

	put_words(m, f, words, ARRAY_SIZE(words));
	put_sigcontext_32(m, f + 164, image - 112, d);
}

static void put_ia32(const struct memory *m, uint64_t f, uint64_t image,
		     const struct delivery *d)
{
	const struct word words[] = {
		{ 0, 4, d->restorer },
		{ 4, 4, 10 },
		{ 720, 4, 0 },
		{ 724, 8, 0x80cd00000077b858 },
	};

	put_words(m, f, words, ARRAY_SIZE(words));
	put_sigcontext_32(m, f + 8, image - 112, d);
}

static const struct {
	uint64_t image;		/* distance from the frame */
	uint64_t header;	/* of FSAVE form, before the image */
	uint64_t red_zone;
	void (*put)(const struct memory *m, uint64_t f, uint64_t image,
		    const struct delivery *d);
} kinds[SIGFRAME_KINDS] = {
	[SIGFRAME_X86_64] = { 456, 0, 128, put_x86_64 },
	[SIGFRAME_X32] = { 440, 0, 128, put_x32 },
	[SIGFRAME_IA32_RT] = { 388, 112, 0, put_ia32_rt },
	[SIGFRAME_IA32] = { 852, 112, 0, put_ia32 },
};

uint64_t frame_build(const struct memory *m, const struct delivery *d)
{
	uint32_t size = d->xstate_size ? d->xstate_size : 2696;
	uint64_t features = d->xfeatures ? d->xfeatures : 0x2e7;
	uint64_t top = d->enters_altstack
			       ? d->altstack_sp + d->altstack_size
			       : d->sp - kinds[d->kind].red_zone;
	uint64_t image = (top - (size + 4)) & ~UINT64_C(63);
	uint64_t header = kinds[d->kind].header;
	const struct word words[] = {
		{ 0, 2, 0x37f },
		{ 24, 4, 0x1f80 },
		{ 464, 4, 0x46505853 },
		{ 468, 4, size + 4 + header },
		{ 472, 8, features },
		{ 480, 4, size },
		{ 512, 8, features },
		{ 520, 8, 0 },
	};

	put_words(m, image, words, ARRAY_SIZE(words));
	memory_put(m, image + size, 4, 0x46505845);
	kinds[d->kind].put(m, image - kinds[d->kind].image, image, d);
	return image - kinds[d->kind].image;
}

uint64_t frame_random(uint64_t *state)
{
	/* xorshift64* */
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}
