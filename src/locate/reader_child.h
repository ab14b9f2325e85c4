/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader_child.h - the processes that answer, and that start those */
#ifndef SIGFRAME_LOCATE_READER_CHILD_H
#define SIGFRAME_LOCATE_READER_CHILD_H

#include "locate/confine.h"
#include "locate/question.h"

/*
 * Start a process that answers questions sent to the socket `fd`, until it is
 * closed. It gives up its rights when the first arrives. Its copy of `other`,
 * the socket's other end, is closed. Its id, or -1 and errno.
 */
pid_t reader_child_start(int fd, int other,
			 const struct confine_limits *limits);

/*
 * Start a process that starts those, one at a time, as it is told; nothing
 * foreign ever gets there.
 */
pid_t reader_child_nurse(int fd, int other,
			 const struct confine_limits *limits);

/*
 * Tell the nurse behind the socket `nurse` to end the child that there may be,
 * and to start another for the socket `fd`. False: it is gone.
 */
bool reader_child_order(int nurse, int fd);

/* Send a question; false: nobody can be asked there. */
bool reader_child_ask(int fd, const struct question *q,
		      struct question_files files);

#endif
