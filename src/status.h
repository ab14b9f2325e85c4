/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status.h - what the exit status says */
#ifndef SIGFRAME_STATUS_H
#define SIGFRAME_STATUS_H

/* Interface: scripts depend on the numbers. Behind a semicolon: --compare. */
enum exit_status {
	STATUS_INTACT = 0,	/* every frame is, or there is none; the same */
	STATUS_BAD = 1,		/* one is lossy, garbled or fatal; differs */
	STATUS_TROUBLE = 2,	/* usage, or an input was not examined */
	STATUS_UNKNOWN = 3,	/* nothing known to be bad, but not all known */
};

#endif
