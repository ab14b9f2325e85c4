/* SPDX-License-Identifier: GPL-3.0-or-later */
/* processes.c - which processes the command line asks for */
#include "processes.h"

#include "base/array.h"
#include "base/cleanup.h"

static struct error *add(struct processes *p, pid_t pid, bool named)
{
	struct process_wanted *more =
		array_grow(p->list, p->count, sizeof(*more));

	if (!more)
		return &error_no_memory;
	p->list = more;
	p->list[p->count++] = (struct process_wanted){ pid, named };
	return NULL;
}

static struct process_wanted *find(const struct processes *p, pid_t pid)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].pid == pid)
			return &p->list[i];
	return NULL;
}

static struct error *add_once(struct processes *p, pid_t pid, bool named)
{
	struct process_wanted *there = find(p, pid);

	if (!there)
		return add(p, pid, named);
	there->named |= named;
	return NULL;
}

struct error *processes_add(struct processes *p, pid_t pid, bool tree)
{
	CLEANUP_FREE pid_t *pids = NULL;
	size_t count = 0;
	struct error *err = NULL;

	if (!tree)
		return add_once(p, pid, true);
	err = live_tree(pid, &pids, &count);
	for (size_t i = 0; i < count && !err; i++)
		/* who examines its own shell's tree is part of it */
		if (pids[i] == pid || pids[i] != getpid())
			err = add_once(p, pids[i], pids[i] == pid);
	return err;
}

struct error *processes_add_all(struct processes *p)
{
	CLEANUP_FREE pid_t *pids = NULL;
	size_t count = 0;
	struct error *err = live_all(&pids, &count);

	for (size_t i = 0; i < count && !err; i++)
		if (pids[i] != getpid())
			err = add(p, pids[i], false);
	return err;
}

void processes_deinit(struct processes *p)
{
	free(p->list);
	*p = (struct processes)PROCESSES_INIT;
}
