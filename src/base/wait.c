/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wait.c - waiting for other processes, but not for ever */
#include "base/wait.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

long wait_milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

bool wait_closed(int fd, long milliseconds)
{
	long end = wait_milliseconds() + milliseconds;

	for (;;) {
		struct pollfd p = { .fd = fd };
		long left = end - wait_milliseconds();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return true;
		if (n == 0 || errno != EINTR)
			return false;
	}
}
