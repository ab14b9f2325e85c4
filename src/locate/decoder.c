/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decoder.c - capstone for code of both widths */
#include "locate/decoder.h"

static struct error *open_mode(cs_mode mode, cs_opt_type option, size_t value,
			       csh *ret)
{
	cs_err err = cs_open(CS_ARCH_X86, mode, ret);

	if (err == CS_ERR_OK)
		err = cs_option(*ret, option, value);
	if (err != CS_ERR_OK)
		return error_new(ERROR_UNSUPPORTED, "disassembler: %s",
				 cs_strerror(err));
	return NULL;
}

struct error *decoder_init(struct decoder *d, cs_opt_type option, size_t value)
{
	struct error *err = open_mode(CS_MODE_64, option, value, &d->wide);

	return err ? err : open_mode(CS_MODE_32, option, value, &d->narrow);
}

void decoder_deinit(struct decoder *d)
{
	if (d->wide)
		cs_close(&d->wide);
	if (d->narrow)
		cs_close(&d->narrow);
}
