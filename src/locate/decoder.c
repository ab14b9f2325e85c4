/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decoder.c - capstone for code of both widths */
#include "locate/decoder.h"

#include "base/cleanup.h"

static struct error *trouble;

void decoder_init(struct decoder *d, cs_opt_type option, size_t value)
{
	*d = (struct decoder){ .option = option, .value = value };
}

static struct error *open_mode(struct decoder *d, struct decoder_mode *m)
{
	struct error *err = capstone_library(&d->capstone);
	cs_err code;

	if (err)
		return err;
	code = d->capstone->cs_open(
		CS_ARCH_X86, m == &d->wide ? CS_MODE_64 : CS_MODE_32,
		&m->handle);
	if (code == CS_ERR_OK)
		code = d->capstone->cs_option(m->handle, d->option, d->value);
	if (code != CS_ERR_OK)
		return error_new(ERROR_UNSUPPORTED, "disassembler: %s",
				 d->capstone->cs_strerror(code));
	m->insn = d->capstone->cs_malloc(m->handle);
	return m->insn ? NULL : &error_no_memory;
}

static void close_mode(struct decoder *d, struct decoder_mode *m)
{
	if (m->insn)
		d->capstone->cs_free(m->insn, 1);
	if (m->handle)
		d->capstone->cs_close(&m->handle);
}

void decoder_deinit(struct decoder *d)
{
	close_mode(d, &d->wide);
	close_mode(d, &d->narrow);
}

cs_insn *decoder_next(struct decoder *d, uint64_t cs, const uint8_t **code,
		      size_t *size, uint64_t *pc)
{
	struct decoder_mode *m = cs == X86_USER32_CS ? &d->narrow : &d->wide;

	if (!m->tried) {
		struct error *err = open_mode(d, m);

		m->tried = true;
		if (err) {
			error_free(trouble);
			trouble = err;
		}
	}
	return m->insn && d->capstone->cs_disasm_iter(m->handle, code, size, pc,
						      m->insn)
		       ? m->insn
		       : NULL;
}

struct error *decoder_trouble(struct error *err)
{
	struct error *last = TAKE_PTR(trouble);

	if (!err)
		return last;
	error_free(last);
	return err;
}
