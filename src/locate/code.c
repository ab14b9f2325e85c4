/* SPDX-License-Identifier: GPL-3.0-or-later */
/* code.c - a few bytes of code, again and again from the same places */
#include "locate/code.h"

#include <stdlib.h>

#include "base/hash.h"
#include "locate/registered.h"
#include "source/ownstack.h"

enum { PAGE_SIZE = 4096, PAGES = 64, EFFECTS_BITS = 8 };

struct page {
	bool used;
	uint64_t addr;
	size_t size;		/* bytes from its start that could be had */
	uint8_t data[PAGE_SIZE];
};

struct known_effect {
	bool used;
	uint64_t pc;
	uint64_t cs;
	struct code_effect effect;
};

struct code {
	const struct snapshot *snapshot;
	struct emulator *emulator;
	struct restorers *restorers;	/* made when wanted */
	struct page pages[PAGES];	/* by address, modulo */
	struct known_effect effects[1 << EFFECTS_BITS];	/* by hashed pc */
};

struct code *code_create(const struct snapshot *s)
{
	struct code *c = calloc(1, sizeof(*c));

	struct error *err = c ? emulator_create(&c->emulator) : NULL;

	if (err) {
		error_free(err);
		free(c);
		return NULL;
	}
	if (c)
		c->snapshot = s;
	return c;
}

void code_destroy(struct code *c)
{
	if (c) {
		emulator_destroy(c->emulator);
		restorers_destroy(c->restorers);
	}
	free(c);
}

struct restorers *code_restorers(struct code *c)
{
	if (!c->restorers)
		c->restorers = restorers_create(c->snapshot, ownstack_read);
	return c->restorers;
}

static const struct page *page_at(struct code *c, uint64_t addr)
{
	struct page *p = &c->pages[addr / PAGE_SIZE % PAGES];
	enum run_end end;

	addr -= addr % PAGE_SIZE;
	if (!p->used || p->addr != addr) {
		p->used = true;
		p->addr = addr;
		p->size = snapshot_read(c->snapshot, addr, p->data, PAGE_SIZE,
					&end);
	}
	return p;
}

size_t code_read(struct code *c, uint64_t addr, void *buf, size_t size,
		 enum run_end *end_ret)
{
	uint8_t *out = buf;
	size_t done = 0;

	if (size > CODE_READ_MAX)
		size = CODE_READ_MAX;
	if (addr > UINT64_MAX - size) {
		*end_ret = RUN_END_UNREADABLE;
		return 0;
	}
	while (done < size) {
		const struct page *p = page_at(c, addr + done);
		size_t skip = (addr + done) % PAGE_SIZE;
		size_t part = PAGE_SIZE - skip;

		if (part > size - done)
			part = size - done;
		/* what is missing is for the snapshot to explain */
		if (p->size < skip + part)
			return done + snapshot_read(c->snapshot, addr + done,
						    out + done, size - done,
						    end_ret);
		memcpy(out + done, p->data + skip, part);
		done += part;
	}
	*end_ret = RUN_END_UNKNOWN;
	return done;
}

static size_t read_code(void *context, uint64_t addr, void *buf, size_t size,
			enum run_end *end_ret)
{
	return code_read(context, addr, buf, size, end_ret);
}

void code_emulate(struct code *c, const struct x86_gprs *gprs, uint32_t known,
		  const struct snapshot *memory, struct emulate_result *ret)
{
	struct emulate_start start = {
		.gprs = *gprs,
		.known = known,
		.read_code = read_code,
		.code = c,
		.memory = memory,
	};

	emulate_run(c->emulator, &start, ret);
}

/* Any stack pointer will do: far from both ends, and aligned. */
#define SOME_SP UINT64_C(0x40000000)

static void emulate_alone(struct code *c, uint64_t pc, uint64_t cs,
			  struct emulate_result *ret)
{
	struct x86_gprs gprs = { .r = {
		[X86_RIP] = pc, [X86_RSP] = SOME_SP, [X86_CS] = cs,
	} };

	code_emulate(c, &gprs, 1u << X86_RIP | 1u << X86_RSP, NULL, ret);
}

/* In a mode in which the code may run. */
static void find_effect(struct code *c, uint64_t pc, uint64_t cs,
			struct code_effect *ret)
{
	uint8_t raw[RESTORER_MAX];
	enum run_end end;
	size_t size = code_read(c, pc, raw, sizeof(raw), &end);
	const struct restorer *r =
		restorer_match((struct bytes){ raw, size, pc });
	bool narrow = cs == X86_USER32_CS;

	*ret = (struct code_effect){ .end = EMULATE_LOST };
	if (r && (sigframe_shapes[r->kind].pointer == 4) == narrow) {
		ret->end = EMULATE_SIGRETURN;
		ret->kind = r->kind;
		ret->frame_known = true;
		ret->back = sigframe_shapes[r->kind].sp_skip;
		ret->restorer = r;
		return;
	}

	struct emulate_result run;

	emulate_alone(c, pc, cs, &run);
	ret->end = run.end;
	if (run.end == EMULATE_UNREADABLE &&
	    registered_kind(c->snapshot, pc, cs, &ret->kind)) {
		ret->end = EMULATE_SIGRETURN;
		ret->frame_known = ret->registered = true;
		ret->back = sigframe_shapes[ret->kind].sp_skip;
		return;
	}
	if (run.end != EMULATE_SIGRETURN)
		return;
	ret->kind = run.kind;
	ret->frame_known = run.sp_known;
	ret->back = SOME_SP - run.frame;
}

const struct code_effect *code_effect(struct code *c, uint64_t pc,
				      uint64_t cs)
{
	struct known_effect *k = &c->effects[hash_place(pc ^ cs, EFFECTS_BITS)];

	if (k->used && k->pc == pc && k->cs == cs)
		return &k->effect;
	k->used = true;
	k->pc = pc;
	k->cs = cs;
	find_effect(c, pc, cs, &k->effect);
	if (cs != X86_USER_CS && cs != X86_USER32_CS && pc <= UINT32_MAX &&
	    k->effect.end != EMULATE_SIGRETURN) {
		struct code_effect narrow;

		find_effect(c, pc, X86_USER32_CS, &narrow);
		if (narrow.end == EMULATE_SIGRETURN)
			k->effect = narrow;
	}
	return &k->effect;
}

unsigned code_path(struct code *c, uint64_t pc, uint64_t cs,
		   uint64_t pcs_ret[EMULATE_MAX])
{
	struct emulate_result run;

	emulate_alone(c, pc, cs, &run);
	memcpy(pcs_ret, run.pcs, sizeof(run.pcs));
	return run.count;
}
