/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core_image.c - small core files that say something of their machine */
#include "core_image.h"

#include <string.h>

enum {
	EHDR_SIZE = 64,
	PHDR_SIZE = 56,
	PRSTATUS_SIZE = 336,
	PRSTATUS_PID = 32,
	NOTE_PRSTATUS = 1,
	NOTE_AUXV = 6,
	NOTE_XSTATE = 0x202,
	NOTE_LAYOUT = 0x205,
	AUXV_MINSIGSTKSZ = 51,
	XSTATE_NOTE_MAX = 16384,
};

static void put(struct text *t, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++, value >>= 8)
		text_add_bytes(t, &(char){ (char)value }, 1);
}

static void put_note(struct text *t, const char *owner, uint32_t type,
		     const void *desc, size_t size)
{
	size_t owner_size = strlen(owner) + 1;

	put(t, owner_size, 4);
	put(t, size, 4);
	put(t, type, 4);
	text_add_bytes(t, owner, owner_size);
	text_pad(t, '\0', (long)(-owner_size & 3));
	text_add_bytes(t, desc, size);
	text_pad(t, '\0', (long)(-size & 3));
}

static void put_prstatus(struct text *t)
{
	char desc[PRSTATUS_SIZE] = { 0 };

	desc[PRSTATUS_PID] = 42;
	put_note(t, "CORE", NOTE_PRSTATUS, desc, sizeof(desc));
}

static void put_auxv(struct text *t, uint64_t minsigstksz)
{
	struct text desc = TEXT_INIT;

	if (minsigstksz) {
		put(&desc, AUXV_MINSIGSTKSZ, 8);
		put(&desc, minsigstksz, 8);
	}
	put(&desc, 0, 8);
	put(&desc, 0, 8);
	put_note(t, "CORE", NOTE_AUXV, text_string(&desc), desc.size);
	text_deinit(&desc);
}

static void put_xstate(struct text *t, const struct core_machine *m)
{
	static uint8_t desc[XSTATE_NOTE_MAX];

	memset(desc, 0, sizeof(desc));
	for (unsigned i = 0; i < 8; i++)
		desc[XSTATE_SW_OFF + i] = (uint8_t)(m->xfeatures >> 8 * i);
	for (unsigned i = 0; i < 4; i++)
		desc[XSTATE_MXCSR_MASK_OFF + i] =
			(uint8_t)(m->mxcsr_mask >> 8 * i);
	put_note(t, "LINUX", NOTE_XSTATE, desc, m->xstate_size);
}

static void put_layout(struct text *t, const struct xstate_layout *l)
{
	struct text desc = TEXT_INIT;

	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		if (!(l->features & XSTATE_BIT(i)))
			continue;
		put(&desc, i, 4);
		put(&desc, l->size[i], 4);
		put(&desc, l->offset[i], 4);
		put(&desc, 0, 4);
	}
	put_note(t, "LINUX", NOTE_LAYOUT, text_string(&desc), desc.size);
	text_deinit(&desc);
}

void core_image(const struct core_machine *m, struct text *ret)
{
	static const char ident[16] = { '\x7f', 'E', 'L', 'F', 2, 1, 1 };
	struct text notes = TEXT_INIT;

	put_prstatus(&notes);
	put_auxv(&notes, m->minsigstksz);
	if (m->xfeatures)
		put_xstate(&notes, m);
	if (m->layout)
		put_layout(&notes, m->layout);

	text_add_bytes(ret, ident, sizeof(ident));
	put(ret, 4, 2);			/* ET_CORE */
	put(ret, 62, 2);		/* EM_X86_64 */
	put(ret, 1, 4);
	put(ret, 0, 8);
	put(ret, EHDR_SIZE, 8);
	put(ret, 0, 8);
	put(ret, 0, 4);
	put(ret, EHDR_SIZE, 2);
	put(ret, PHDR_SIZE, 2);
	put(ret, 1, 2);
	put(ret, 0, 2);
	put(ret, 0, 2);
	put(ret, 0, 2);

	put(ret, 4, 4);			/* PT_NOTE */
	put(ret, 0, 4);
	put(ret, EHDR_SIZE + PHDR_SIZE, 8);
	put(ret, 0, 8);
	put(ret, 0, 8);
	put(ret, notes.size, 8);
	put(ret, 0, 8);
	put(ret, 4, 8);
	text_add_bytes(ret, text_string(&notes), notes.size);
	text_deinit(&notes);
}
