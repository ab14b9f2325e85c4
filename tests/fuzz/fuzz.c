/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz.c - what every fuzz target has */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_must(bool holds, const char *fmt, ...)
{
	va_list args;

	if (holds)
		return;
	va_start(args, fmt);
	fputs("does not hold: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

bool fuzz_failed(struct error *err)
{
	if (!err)
		return false;
	fuzz_must(error_message(err)[0], "an error without a message");
	fuzz_must(error_code(err) != ERROR_NO_MEMORY, "out of memory");
	error_free(err);
	return true;
}

int fuzz_file(const void *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	fuzz_must(fd >= 0, "no file in memory");
	fuzz_must(write(fd, data, size) == (ssize_t)size, "no room in memory");
	lseek(fd, 0, SEEK_SET);
	return fd;
}

char *fuzz_string(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	fuzz_must(s, "no memory");
	if (size)
		memcpy(s, data, size);
	s[size] = '\0';
	return s;
}

uint64_t fuzz_take(struct fuzz_choices *c, unsigned width)
{
	uint64_t value = 0;

	bytes_word(c->left, 0, width, &value);
	c->left = bytes_from(c->left, width);
	return value;
}

unsigned fuzz_below(struct fuzz_choices *c, unsigned below)
{
	return (unsigned)fuzz_take(c, 1) % below;
}
