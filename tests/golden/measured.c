/* SPDX-License-Identifier: GPL-3.0-or-later */
/* measured.c - frames as they were given to real kernels */
#include "measured.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "../tools/mkcore.h"
#include "../unit/frame_builder.h"
#include "base/cleanup.h"

#define PAGE UINT64_C(4096)
#define CODE UINT64_C(0x8048000)
#define CODE_HIGH UINT64_C(0x7f0000200000)
#define CODE_LOW UINT64_C(0x10000000)	/* "pad32" */
#define INTERRUPTED 0x100		/* bytes into the code */
#define STACK UINT64_C(0x0ffd0000)
#define STACK_HIGH UINT64_C(0x7f0000300000)
#define STACK_SIZE (4 * PAGE)
/* Each thread has an area for the image and a page for the frame. */
#define AREAS UINT64_C(0x11000000)
#define AREAS_STEP UINT64_C(0x10000)
#define FRAME_PAGE UINT64_C(0xc000)
/* More than any kernel reads of an image, from the second page on. */
#define AREA_SIZE (7 * PAGE)
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)

/* What calls sigreturn, and where in the page of code it is. */
static const struct {
	uint8_t offset;
	uint8_t sp_skip;
	uint8_t code[9];
} restorers[SIGFRAME_KINDS] = {
	[SIGFRAME_X86_64] = { 0x10, 8, { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0,
					 0x0f, 0x05 } },
	[SIGFRAME_IA32_RT] = { 0x20, 4, { 0xb8, 0xad, 0, 0, 0, 0xcd, 0x80 } },
	[SIGFRAME_IA32] = { 0x30, 4, { 0x58, 0xb8, 0x77, 0, 0, 0, 0xcd,
				       0x80 } },
};

/* Where a kind keeps what a placement may change, bytes from the frame. */
static const struct places {
	uint16_t size;
	uint16_t read;		/* end of what sigreturn reads */
	uint16_t uc_flags;	/* 0: has none */
	uint16_t fpstate, rip, rsp, flags, cs, ss;
	uint8_t width, selector_width;
	uint8_t header;		/* bytes before the image */
} places[SIGFRAME_KINDS] = {
	[SIGFRAME_X86_64] = { 440, 312, 8, 232, 176, 168, 184, 192, 198,
			      8, 2, 0 },
	[SIGFRAME_IA32_RT] = { 268, 260, 144, 240, 220, 192, 228, 224, 236,
			       4, 4, 112 },
	[SIGFRAME_IA32] = { 736, 724, 0, 84, 64, 36, 72, 68, 80,
			    4, 4, 112 },
};

struct measured {
	pid_t tid;
	unsigned index;
	bool ia32;
	enum sigframe_kind kind;
	const char *words;	/* the placement */
	uint8_t *image;
	size_t size;
	uint64_t frame, fpstate;
};

static void give_up(const char *what)
{
	fprintf(stderr, "makecores: cases: %s\n", what);
	exit(2);
}

static void *need(void *p)
{
	if (!p)
		give_up("out of memory");
	return p;
}

/* The value of the word "key=value"; "" for "key" alone, NULL for neither. */
static const char *word(const struct measured *m, const char *key)
{
	static char value[32];
	size_t length = strlen(key);

	for (const char *w = m->words; *w; w += strspn(w, " \n")) {
		size_t size = strcspn(w, " \n");

		if (!strncmp(w, key, length) &&
		    (size == length || w[length] == '=')) {
			const char *from = w + length + (w[length] == '=');

			snprintf(value, sizeof(value), "%.*s",
				 (int)(w + size - from), from);
			return value;
		}
		w += size;
	}
	return NULL;
}

static bool is_word(const struct measured *m, const char *key,
		    const char *value)
{
	const char *have = word(m, key);

	return have && !strcmp(have, value);
}

static uint64_t number(const struct measured *m, const char *key,
		       uint64_t otherwise)
{
	const char *value = word(m, key);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

static void read_image(struct measured *m, const char *hex)
{
	m->size = strlen(hex) / 2;
	m->image = need(malloc(m->size + 1));
	for (size_t i = 0; i < m->size; i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			give_up("an image is not hexadecimal");
		m->image[i] = (uint8_t)byte;
	}
}

static void add_segment(struct mkcore *core, const struct memory *m,
			unsigned prot)
{
	/* what nobody may read is not dumped */
	mkcore_add_segment(core, &(struct mkcore_segment){
		.start = m->addr, .size = m->size, .prot = prot,
		.data = m->data,
		.data_size = prot & PROT_READ ? m->size : 0 });
}

/* The fpstate pointer itself is the case. */
static uint64_t elsewhere(const struct measured *m, const char *where)
{
	static const struct {
		const char *name;
		uint64_t address;
	} names[] = {
		{ "null", 0 },
		{ "1", 1 },
		{ "unmapped", 0x10000 },
		{ "noncanon", UINT64_C(0x8000000000000000) },
		{ "kernel", UINT64_C(0xffffffff81000000) },
		{ "topuser", UINT64_C(0x7fffffffe000) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i].name, where))
			return m->ia32 ? (uint32_t)names[i].address
				       : names[i].address;
	give_up("fp= is not known");
	return 0;
}

static void add_image(struct measured *m, struct mkcore *core)
{
	const uint8_t header = places[m->kind].header;
	size_t room = (m->size + 63) & -(size_t)64, size = AREA_SIZE;
	size_t at = PAGE + number(m, "shift", 0);
	struct memory area;

	if (word(m, "guard")) {
		size = PAGE + ((room + PAGE - 1) & -PAGE);
		at = size - room;
	}
	area = (struct memory){ need(malloc(size)), size,
				AREAS + m->index * AREAS_STEP };
	memset(area.data, word(m, "zero") ? 0 : 0xa5, size);
	memset(area.data + at - header, 0, header);
	memcpy(area.data + at, m->image, m->size);
	m->fpstate = area.addr + at - header;
	add_segment(core, &area,
		    is_word(m, "place", "ro")	  ? PROT_READ
		    : is_word(m, "place", "none") ? 0
		    : is_word(m, "place", "exec") ? RW | PROT_EXEC
						  : RW);
	free(area.data);
	if (word(m, "fp"))
		m->fpstate = elsewhere(m, word(m, "fp"));
}

/* Registers and pointers of the frame at m->frame. */
static void change_frame(const struct measured *m, const struct memory *page)
{
	const struct places *p = &places[m->kind];
	uint64_t at = m->frame, cs = number(m, "cs", m->ia32 ? 0x23 : 0x33);
	uint64_t rip = m->ia32 ? CODE + INTERRUPTED : CODE_HIGH + INTERRUPTED;
	uint64_t rsp = (m->ia32 ? STACK : STACK_HIGH) + PAGE;
	uint64_t flags = number(m, "eflset", 0) | 0x202;
	uint64_t uc = (number(m, "ucset", 0) | (m->ia32 ? 1 : 7)) &
		      ~number(m, "ucclr", 0);

	rip = is_word(m, "rip", "pad32") ? CODE_LOW : number(m, "rip", rip);
	flags &= ~number(m, "eflclr", 0);
	memory_put(page, at + p->fpstate, p->width, m->fpstate);
	memory_put(page, at + p->rip, p->width, rip);
	memory_put(page, at + p->rsp, p->width, number(m, "rsp", rsp));
	memory_put(page, at + p->flags, p->width, flags);
	memory_put(page, at + p->cs, p->selector_width, cs);
	memory_put(page, at + p->ss, p->selector_width,
		   number(m, "ss", 0x2b));
	if (p->uc_flags)
		memory_put(page, at + p->uc_flags, p->width, uc);
}

static void add_frame(struct measured *m, struct mkcore *core)
{
	const struct places *p = &places[m->kind];
	static uint8_t scratch[STACK_SIZE], data[PAGE];
	struct memory made = { scratch, sizeof(scratch), STACK };
	struct memory page = { data, sizeof(data),
			       AREAS + m->index * AREAS_STEP + FRAME_PAGE };
	struct delivery d = {
		.kind = m->kind,
		.sp = STACK + STACK_SIZE,
		.restorer = CODE + restorers[m->kind].offset,
	};
	uint64_t built = frame_build(&made, &d), size = p->size;
	unsigned off = 0;
	const char *where = word(m, "frame");

	m->frame = page.addr + (m->ia32 ? 0x40c : 0x408);
	if (where && sscanf(where, "mis%u", &off) == 1)
		m->frame += off;
	if (where && !strcmp(where, "edge")) {
		size = p->read;
		m->frame = page.addr + page.size - size;
	}
	memset(data, 0xa5, sizeof(data));
	memcpy(data + (m->frame - page.addr), scratch + (built - STACK), size);
	change_frame(m, &page);
	add_segment(core, &page,
		    where && !strcmp(where, "ro") ? PROT_READ : RW);
}

static void add_case(struct measured *m, struct mkcore *core)
{
	struct mkcore_thread t = { .tid = m->tid, .orig_rax = -1 };

	m->kind = !m->ia32	      ? SIGFRAME_X86_64
		  : word(m, "legacy") ? SIGFRAME_IA32
				      : SIGFRAME_IA32_RT;
	add_image(m, core);
	add_frame(m, core);
	t.regs.r[X86_RIP] = CODE + restorers[m->kind].offset;
	t.regs.r[X86_RSP] = m->frame + restorers[m->kind].sp_skip;
	t.regs.r[X86_CS] = m->ia32 ? 0x23 : 0x33;
	t.regs.r[X86_SS] = 0x2b;
	t.regs.r[X86_RFLAGS] = 0x202;
	mkcore_add_thread(core, &t);
}

/* What all threads share. */
static void add_common(struct mkcore *core, bool is_32)
{
	static const uint64_t pages[] = { CODE, CODE_HIGH, CODE_LOW };
	static const uint64_t stacks[] = { STACK, STACK_HIGH };
	uint8_t data[STACK_SIZE];

	memset(data, 0x90, PAGE);
	for (unsigned k = 0; k < SIGFRAME_KINDS; k++)
		memcpy(data + restorers[k].offset, restorers[k].code,
		       sizeof(restorers[k].code));
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		if (!is_32 || pages[i] <= UINT32_MAX)
			add_segment(core, &(struct memory){ data, PAGE,
							    pages[i] }, RX);
	memset(data, 0xa5, sizeof(data));
	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++)
		if (!is_32 || stacks[i] <= UINT32_MAX)
			add_segment(core, &(struct memory){ data, STACK_SIZE,
							    stacks[i] }, RW);
}

bool measured_write(FILE *cases, const char *path)
{
	CLEANUP_FREE char *line = NULL;
	struct mkcore *core = NULL;
	unsigned count = 0;
	size_t room = 0;
	bool done;

	while (getline(&line, &room, cases) > 0) {
		char *rest = line;
		struct measured m = { .index = count++ };
		const char *tid = strsep(&rest, " "), *arch, *hex;

		arch = strsep(&rest, " ");
		hex = strsep(&rest, " ");
		if (!arch || !hex || !rest)
			give_up("a line has not four words");
		m.tid = atoi(tid);
		m.ia32 = !strcmp(arch, "ia32");
		m.words = rest;
		read_image(&m, hex);
		if (!core) {
			core = mkcore_create(m.ia32 ? MKCORE_I386
						    : MKCORE_X86_64);
			mkcore_set_process(core, m.tid, "measured");
			add_common(core, m.ia32);
		}
		add_case(&m, core);
		free(m.image);
	}
	if (!core)
		give_up("none");
	done = mkcore_write(core, path);
	mkcore_destroy(core);
	return done;
}
