/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls_ipc.c - calls that wait for semaphores and message queues */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <unistd.h>

#define SIZE 8192

static struct message {
	long type;
	char text[SIZE];
} message = { .type = 1 };

static int make_semaphore(struct place *p)
{
	p->fd = semget(IPC_PRIVATE, 1, 0600);
	return p->fd < 0 ? -1 : 0;
}

static void unmake_semaphore(const struct place *p)
{
	semctl(p->fd, 0, IPC_RMID);
}

static long call_semop(const struct place *p)
{
	struct sembuf op = { .sem_op = -1 };

	return semop(p->fd, &op, 1);
}

static long call_semtimedop(const struct place *p)
{
	struct sembuf op = { .sem_op = -1 };

	return semtimedop(p->fd, &op, 1, calls_time());
}

static int make_messages(struct place *p)
{
	p->fd = msgget(IPC_PRIVATE, 0600);
	return p->fd < 0 ? -1 : 0;
}

static int make_full_messages(struct place *p)
{
	if (make_messages(p))
		return -1;
	while (!msgsnd(p->fd, &message, 1024, IPC_NOWAIT))
		;
	return errno == EAGAIN ? 0 : -1;
}

static void unmake_messages(const struct place *p)
{
	msgctl(p->fd, IPC_RMID, NULL);
}

static long call_msgrcv(const struct place *p)
{
	struct message got;

	return msgrcv(p->fd, &got, sizeof(got.text), 0, 0);
}

static long call_msgsnd(const struct place *p)
{
	return msgsnd(p->fd, &message, 1024, 0);
}

/* Without a name, once it is open. */
static int make_queue(struct place *p)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 16 };
	static unsigned number;
	char name[64];

	snprintf(name, sizeof(name), "/sigframe-calls.%d.%u", getpid(),
		 number++);
	p->fd = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600,
			&attr);
	return p->fd < 0 || mq_unlink(name) ? -1 : 0;
}

static int make_full_queue(struct place *p)
{
	return make_queue(p) || mq_send(p->fd, "", 1, 0) ? -1 : 0;
}

static long call_mq_receive(const struct place *p)
{
	char text[16];

	return mq_receive(p->fd, text, sizeof(text), NULL);
}

static long call_mq_timedreceive(const struct place *p)
{
	struct timespec t = calls_deadline(CLOCK_REALTIME);
	char text[16];

	return mq_timedreceive(p->fd, text, sizeof(text), NULL, &t);
}

static long call_mq_send(const struct place *p)
{
	return mq_send(p->fd, "", 1, 0);
}

static long call_mq_timedsend(const struct place *p)
{
	struct timespec t = calls_deadline(CLOCK_REALTIME);

	return mq_timedsend(p->fd, "", 1, 0, &t);
}

const struct call calls_of_ipc[] = {
	{ "semop", "semop", true, false, make_semaphore, call_semop,
	  unmake_semaphore },
	{ "semtimedop", "semtimedop", true, true, make_semaphore,
	  call_semtimedop, unmake_semaphore },
	{ "msgrcv", "msgrcv", false, false, make_messages, call_msgrcv,
	  unmake_messages },
	{ "msgsnd", "msgsnd", false, false, make_full_messages, call_msgsnd,
	  unmake_messages },
	{ "mq_receive", "mq_receive", false, false, make_queue,
	  call_mq_receive, NULL },
	{ "mq_timedreceive", "mq_timedreceive", false, true, make_queue,
	  call_mq_timedreceive, NULL },
	{ "mq_send", "mq_send", false, false, make_full_queue, call_mq_send,
	  NULL },
	{ "mq_timedsend", "mq_timedsend", false, true, make_full_queue,
	  call_mq_timedsend, NULL },
	{ .name = NULL },
};
