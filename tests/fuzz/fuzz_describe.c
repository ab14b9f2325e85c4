/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_describe.c - descriptions of CPUs, behind a byte that says which format */
#include "base/cleanup.h"
#include "describe/file.h"
#include "describe/format_own.h"
#include "describe/spec.h"
#include "fuzz.h"

/* What is written of a description reads back as the same. */
static void read_back(const struct description *d)
{
	struct text once = TEXT_INIT, twice = TEXT_INIT;
	struct description *again = NULL;
	struct error *err;

	own_write(d, &once);
	fuzz_must(!text_bad(&once), "out of memory");
	err = description_parse("written", text_string(&once), once.size,
				&again);
	fuzz_must(!err, "not to be read: %s in:\n%s",
		  err ? error_message(err) : "", text_string(&once));
	own_write(again, &twice);
	fuzz_must(!strcmp(text_string(&once), text_string(&twice)),
		  "written as\n%s\nand then as\n%s", text_string(&once),
		  text_string(&twice));
	description_destroy(again);
	text_deinit(&once);
	text_deinit(&twice);
}

/* One after the other, whatever the text looks like. */
static struct error *parse_as(const struct description_format *format,
			      const char *text, size_t size,
			      struct description **ret)
{
	enum xstate_family vendor = XSTATE_FAMILY_UNKNOWN;
	struct error *err;

	*ret = description_create("fuzzed");
	fuzz_must(*ret, "no memory");
	format->matches(text, size);
	err = format->parse(text, size, *ret, &vendor);
	if (!err)
		err = description_complete(*ret, vendor);
	return err;
}

/* A target as on the command line; files are left out. */
static struct error *parse_target(const char *text, struct description **ret)
{
	static const struct host host = {
		.cpu = { .name = "host", .xsave = TRI_YES, .xfeatures = 3,
			 .user_limit = CPU_USER_LIMIT_48 },
		.release = "6.1.0",
		.rules = RULES_BIT(RULES_R3),
	};

	return strchr(text, '/') ? error_new(ERROR_USAGE, "a file")
				 : spec_parse(text, &host, ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = NULL;
	struct description *d = NULL;
	struct error *err;
	unsigned which;

	if (!size)
		return 0;
	/* as the program has it: a NUL need not be behind a file's bytes */
	which = data[0] % (description_formats_count + 2);
	text = fuzz_string(data + 1, size - 1);
	if (which < description_formats_count)
		err = parse_as(&description_formats[which],
			       (const char *)data + 1, size - 1, &d);
	else if (which == description_formats_count)
		err = description_parse("fuzzed", (const char *)data + 1,
					size - 1, &d);
	else
		err = parse_target(text, &d);
	if (!fuzz_failed(err))
		read_back(d);
	description_destroy(d);
	return 0;
}
