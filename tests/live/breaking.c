/* SPDX-License-Identifier: GPL-3.0-or-later */
/* breaking.c - the program with a libdw that some files break */
#include <elf.h>
#include <unistd.h>

#include "locate/reading.h"

/*
 * The linker puts this in front of reading_open(). The last byte of a file's
 * e_ident, which nobody uses, says that it dies of it, or never ends.
 */
struct reading *__real_reading_open(uint64_t start, uint64_t end, int fd,
				    int debug_fd);
struct reading *__wrap_reading_open(uint64_t start, uint64_t end, int fd,
				    int debug_fd);

struct reading *__wrap_reading_open(uint64_t start, uint64_t end, int fd,
				    int debug_fd)
{
	char mark = '\0';

	if (pread(fd, &mark, 1, EI_NIDENT - 1) == 1 && mark == 'X')
		__builtin_trap();
	while (mark == 'L')
		__asm__ volatile("pause");
	return __real_reading_open(start, end, fd, debug_fd);
}
