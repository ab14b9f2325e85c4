/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cached.c - what the C library found out about the CPU when it started */
#include "locate/cached.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"

/* push %rbx; mov %rsp,%rbx; and $-64,%rsp; sub N(%rip),%rsp */
static const uint8_t prologue[] = {
	0x53, 0x48, 0x89, 0xe3, 0x48, 0x83, 0xe4, 0xc0, 0x48, 0x2b, 0x25,
};

#define TEXT_MAX (1u << 20)

static bool is_loader(const struct mapping *m)
{
	const char *name = m->path ? strrchr(m->path, '/') : NULL;

	return name && (m->prot & PROT_EXEC) &&
	       (!strncmp(name, "/ld-linux-x86-64", 16) ||
		!strncmp(name, "/ld-2.", 6));
}

/* The number that the loader's code subtracts from rsp; 0 if there is none. */
static uint64_t find_room(const struct snapshot *s, const struct mapping *m)
{
	size_t size = m->end - m->start < TEXT_MAX ? m->end - m->start
						   : TEXT_MAX;
	CLEANUP_FREE uint8_t *text = malloc(size);
	struct bytes b = { text, 0, m->start };
	const uint8_t *at;
	enum run_end end;
	uint32_t distance;
	uint64_t room;

	if (!text)
		return 0;
	b.size = snapshot_read(s, m->start, text, size, &end);
	at = memmem(text, b.size, prologue, sizeof(prologue));
	if (!at)
		return 0;

	uint64_t off = (uint64_t)(at - text) + sizeof(prologue);

	if (!bytes_u32(b, off, &distance))
		return 0;
	/* from the end of the instruction, signed */
	uint64_t addr = b.addr + off + 4 + (uint64_t)(int64_t)(int32_t)distance;

	return snapshot_word(s, addr, 8, &room) ? room : 0;
}

void cached_find(const struct snapshot *s, struct frame_surroundings *ret)
{
	uint64_t kept = s->xfeatures & PREDICT_GLIBC_STATE;
	struct xstate_layout packed;
	uint64_t room = 0;

	for (size_t i = 0; i < s->mappings_count && !room; i++)
		if (is_loader(&s->mappings[i]))
			room = find_room(s, &s->mappings[i]);
	if (!room || room > UINT32_MAX || !s->layout.features)
		return;

	xstate_compact(&s->layout, kept, 0, &packed);

	/* the whole enabled size for XSAVE, what is kept for XSAVEC */
	uint64_t plain = predict_glibc_room(
		xstate_layout_size(&s->layout, s->xfeatures));
	uint64_t compacted = predict_glibc_room(
		xstate_layout_size(&packed, kept));

	if (room == plain)
		ret->xsave_compacted = TRI_NO;
	else if (room == compacted)
		ret->xsave_compacted = TRI_YES;
	else
		return;
	ret->xsave_room = (uint32_t)room;
}
