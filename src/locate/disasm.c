/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disasm.c - one instruction in words */
#include "locate/disasm.h"

/* It has an enum x86_reg of its own. */
#define x86_reg capstone_x86_reg
#include <capstone/capstone.h>
#undef x86_reg
#include <stdio.h>
#include <stdlib.h>

enum { INSTRUCTION_MAX = 15 };

struct disasm {
	csh wide;
	csh narrow;
};

static struct error *open_mode(cs_mode mode, csh *ret)
{
	cs_err err = cs_open(CS_ARCH_X86, mode, ret);

	if (err == CS_ERR_OK)
		err = cs_option(*ret, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
	if (err != CS_ERR_OK)
		return error_new(ERROR_UNSUPPORTED, "disassembler: %s",
				 cs_strerror(err));
	return NULL;
}

struct error *disasm_create(struct disasm **ret)
{
	struct disasm *d = calloc(1, sizeof(*d));

	if (!d)
		return &error_no_memory;

	struct error *err = open_mode(CS_MODE_64, &d->wide);

	if (!err)
		err = open_mode(CS_MODE_32, &d->narrow);
	if (err) {
		disasm_destroy(d);
		return err;
	}
	*ret = d;
	return NULL;
}

void disasm_destroy(struct disasm *d)
{
	if (!d)
		return;
	if (d->wide)
		cs_close(&d->wide);
	if (d->narrow)
		cs_close(&d->narrow);
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

char *disasm_instruction(struct disasm *d, struct code *code, uint64_t pc,
			 uint64_t cs)
{
	uint8_t raw[INSTRUCTION_MAX];
	char *text = NULL;
	cs_insn *insn;
	enum run_end end;
	size_t size = code_read(code, pc, raw, sizeof(raw), &end);

	if (!size || cs_disasm(cs == X86_USER32_CS ? d->narrow : d->wide, raw,
			       size, pc, 1, &insn) != 1)
		return NULL;
	if (insn->op_str[0]) {
		squeeze(insn->op_str);
		if (asprintf(&text, "%s %s", insn->mnemonic, insn->op_str) < 0)
			text = NULL;
	} else {
		text = strdup(insn->mnemonic);
	}
	cs_free(insn, 1);
	return text;
}
