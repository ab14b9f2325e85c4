/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status.h - what the exit status says */
#ifndef SIGFRAME_STATUS_H
#define SIGFRAME_STATUS_H

/* Interface: scripts depend on the numbers. */
enum exit_status {
	STATUS_INTACT = 0,	/* every frame is, or there is none */
	STATUS_BAD = 1,		/* a frame is lossy, garbled or fatal */
	STATUS_TROUBLE = 2,	/* usage, or an input was not examined */
	STATUS_UNKNOWN = 3,	/* nothing known to be bad, but not all known */
};

#endif
