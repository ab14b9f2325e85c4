/* SPDX-License-Identifier: GPL-3.0-or-later */
/* livetree.c - a process and its descendants, or all that there are */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "source/live.h"
#include "source/procfs.h"

/* Processes in the order they are found in, each once. */
struct tree {
	pid_t *pids;
	size_t count;
};

static struct error *add(struct tree *t, pid_t pid)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->pids[i] == pid)
			return NULL;

	pid_t *more = array_grow(t->pids, t->count, sizeof(*more));

	if (!more)
		return &error_no_memory;
	t->pids = more;
	t->pids[t->count++] = pid;
	return NULL;
}

static int open_process(pid_t pid)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/%d", pid);
	return open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Each thread has a list of the children that it started. */
static struct error *add_listed(struct tree *t, pid_t pid)
{
	CLEANUP_FREE pid_t *tids = NULL;
	CLEANUP_FD int dir = open_process(pid);
	size_t count = 0;
	struct error *err = NULL;

	/* gone by now: then so are its lists */
	if (dir < 0 || procfs_list(dir, "task", &tids, &count))
		return NULL;
	for (size_t i = 0; i < count && !err; i++) {
		CLEANUP_FREE pid_t *children = NULL;
		size_t children_count = 0;

		if (procfs_children(dir, tids[i], &children, &children_count))
			continue;
		for (size_t k = 0; k < children_count && !err; k++)
			err = add(t, children[k]);
	}
	return err;
}

struct parentage {
	pid_t *pids;
	pid_t *parents;
	size_t count;
};

/* Where the kernel keeps no lists: ask every process for its parent. */
static struct error *read_parents(struct parentage *ret)
{
	int failed = procfs_list(AT_FDCWD, "/proc", &ret->pids, &ret->count);

	if (failed)
		return error_os(-failed, "cannot list /proc");
	ret->parents = calloc(ret->count + 1, sizeof(*ret->parents));
	if (!ret->parents)
		return &error_no_memory;
	for (size_t i = 0; i < ret->count; i++) {
		CLEANUP_FD int dir = open_process(ret->pids[i]);
		struct procfs_stat stat;

		if (dir >= 0 && !procfs_stat(dir, 0, &stat))
			ret->parents[i] = stat.parent;
	}
	return NULL;
}

static struct error *add_by_parent(struct tree *t, pid_t pid,
				   const struct parentage *p)
{
	struct error *err = NULL;

	for (size_t i = 0; i < p->count && !err; i++)
		if (p->parents[i] == pid)
			err = add(t, p->pids[i]);
	return err;
}

struct error *live_tree(pid_t pid, pid_t **ret, size_t *count_ret)
{
	struct tree t = { NULL, 0 };
	struct parentage p = { NULL, NULL, 0 };
	CLEANUP_FD int dir = pid > 0 ? open_process(pid) : -1;
	bool lists = !access("/proc/thread-self/children", R_OK);
	struct error *err = NULL;

	if (dir < 0)
		return error_new(ERROR_GONE, "no process %d", pid);
	if (!lists)
		err = read_parents(&p);
	if (!err)
		err = add(&t, pid);
	for (size_t i = 0; i < t.count && !err; i++)
		err = lists ? add_listed(&t, t.pids[i])
			    : add_by_parent(&t, t.pids[i], &p);
	free(p.pids);
	free(p.parents);
	if (err) {
		free(t.pids);
		return err;
	}
	*ret = t.pids;
	*count_ret = t.count;
	return NULL;
}

struct error *live_all(pid_t **ret, size_t *count_ret)
{
	CLEANUP_FREE pid_t *pids = NULL;
	size_t count = 0, kept = 0;
	struct error *err = procfs_check();
	int failed;

	if (err)
		return err;
	failed = procfs_list(AT_FDCWD, "/proc", &pids, &count);
	if (failed)
		return error_os(-failed, "cannot list /proc");
	for (size_t i = 0; i < count; i++) {
		CLEANUP_FD int dir = open_process(pids[i]);
		struct procfs_stat stat;

		/* what has ended by now is not our concern */
		if (dir >= 0 && !procfs_stat(dir, 0, &stat) &&
		    !(stat.flags & PROCFS_PF_KTHREAD))
			pids[kept++] = pids[i];
	}
	*ret = TAKE_PTR(pids);
	*count_ret = kept;
	return NULL;
}
