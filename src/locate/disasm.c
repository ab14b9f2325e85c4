/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disasm.c - one instruction in words */
#include "locate/disasm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "locate/decoder.h"

/* Thousands of threads are interrupted in the same few places. */
enum { KNOWN_BITS = 8 };

struct known_instruction {
	const struct code *code;	/* NULL: nothing */
	uint64_t pc;
	uint64_t cs;
	char *text;
};

struct disasm {
	struct decoder decoder;
	struct known_instruction known[1 << KNOWN_BITS];	/* by hashed pc */
};

struct error *disasm_create(struct disasm **ret)
{
	struct disasm *d = calloc(1, sizeof(*d));

	if (!d)
		return &error_no_memory;
	decoder_init(&d->decoder, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
	*ret = d;
	return NULL;
}

void disasm_destroy(struct disasm *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(d->known); i++)
		free(d->known[i].text);
	decoder_deinit(&d->decoder);
	free(d);
}

/* Without the spaces that capstone puts behind commas. */
static void squeeze(char *s)
{
	char *out = s;

	for (const char *in = s; *in; in++)
		if (*in != ' ' || in == s || in[-1] != ',')
			*out++ = *in;
	*out = '\0';
}

static char *disassemble(struct disasm *d, struct code *code, uint64_t pc,
			 uint64_t cs)
{
	uint8_t raw[DECODER_INSTRUCTION_MAX];
	const uint8_t *at = raw;
	char *text = NULL;
	cs_insn *insn = NULL;
	enum run_end end;
	size_t size = code_read(code, pc, raw, sizeof(raw), &end);

	if (size)
		insn = decoder_next(&d->decoder, cs, &at, &size, &pc);
	if (!insn)
		return NULL;
	if (insn->op_str[0]) {
		squeeze(insn->op_str);
		if (asprintf(&text, "%s %s", insn->mnemonic, insn->op_str) < 0)
			text = NULL;
	} else {
		text = strdup(insn->mnemonic);
	}
	return text;
}

char *disasm_instruction(struct disasm *d, struct code *code, uint64_t pc,
			 uint64_t cs)
{
	struct known_instruction *k =
		&d->known[hash_place(pc ^ cs, KNOWN_BITS)];

	if (k->code != code || k->pc != pc || k->cs != cs) {
		free(k->text);
		*k = (struct known_instruction){
			code, pc, cs, disassemble(d, code, pc, cs)
		};
	}
	return k->text ? strdup(k->text) : NULL;
}
