/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stopping.c - bringing the threads of a process to a halt */
#include "source/stopping.h"

#include <malloc.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND UINT64_C(1000000)
/* However many threads there are: by then they have stopped, or never will. */
#define STOP_DEADLINE (1000 * MILLISECOND)
/* Uninterruptible threads do not keep the others waiting that long. */
#define STOP_PATIENCE (100 * MILLISECOND)
/* After that, something is up: have stopped threads been killed? */
#define STOP_USUAL (20 * MILLISECOND)
#define STOP_PASSES 32
/* What a stopped thread's stacks and registers mostly take, in bytes. */
#define MEMORY_EACH (14 << 10)
#define MEMORY_MAX (72 << 20)

/* All at once, which is cheaper than faults. False with kernels before 5.14. */
static bool fetch_pages(void *room, size_t size)
{
#ifdef MADV_POPULATE_WRITE
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = ((uintptr_t)room + page - 1) & -page;
	uintptr_t end = ((uintptr_t)room + size) & -page;

	return start < end &&
	       !madvise((void *)start, end - start, MADV_POPULATE_WRITE);
#else
	(void)room;
	(void)size;
	return false;
#endif
}

void stopping_prepare(const struct tasks *tasks)
{
	size_t size = 0;
	void *room;

	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *t = &tasks->list[i];

		if ((!task_settled(t) || t->thread.candidate) &&
		    size < MEMORY_MAX)
			size += MEMORY_EACH;
	}
#ifdef M_TRIM_THRESHOLD
	mallopt(M_TRIM_THRESHOLD, MEMORY_MAX + MEMORY_EACH);
	mallopt(M_MMAP_THRESHOLD, MEMORY_MAX + MEMORY_EACH);
#endif
	room = malloc(size);
	if (room && !fetch_pages(room, size))
		memset(room, 1, size);
	/* the compiler is not to know that nobody reads it */
	__asm__ volatile("" : : "r"(room) : "memory");
	free(room);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * MILLISECOND + (uint64_t)t.tv_nsec;
}

/* Has every seized thread stopped, or is it no use to wait for those left? */
static bool all_stopped(struct tasks *tasks, const struct process *p,
			uint64_t waited)
{
	bool hopeless = waited > STOP_PATIENCE;
	size_t running = 0;

	for (size_t i = 0; i < tasks->count; i++) {
		struct task *t = &tasks->list[i];
		struct procfs_stat stat;

		if (t->tracee.state == TRACEE_STOPPED && waited > STOP_USUAL)
			tracer_poll(&t->tracee);
		if (t->tracee.state != TRACEE_SEIZED)
			continue;
		tracer_poll(&t->tracee);
		if (t->tracee.state != TRACEE_SEIZED)
			continue;
		running++;
		hopeless = hopeless &&
			   !procfs_stat(p->dir, t->thread.tid,
					&stat) &&
			   stat.state == 'D';
	}
	return !running || hopeless;
}

static void wait_for_stops(struct tasks *tasks, const struct process *p,
			   uint64_t start)
{
	for (unsigned round = 0;; round++) {
		uint64_t waited = now() - start;

		if (all_stopped(tasks, p, waited) || waited > STOP_DEADLINE)
			return;
		if (round < 64)
			sched_yield();
		else
			nanosleep(&(struct timespec){ .tv_nsec = MILLISECOND / 10 },
				  NULL);
	}
}

struct error *stopping_stop(struct tracer *tracer, struct tasks *tasks,
			    const struct process *p, const pid_t *tids,
			    size_t tids_count, size_t *missed_ret)
{
	uint64_t start = now();
	size_t from = 0, added = 0;

	for (unsigned pass = 0; pass < STOP_PASSES; pass++) {
		for (size_t i = from; i < tasks->count; i++)
			if (!task_settled(&tasks->list[i]))
				tracer_seize(tracer, &tasks->list[i].tracee);
		for (size_t i = from; i < tasks->count; i++)
			tracer_interrupt(&tasks->list[i].tracee);
		from = tasks->count;
		wait_for_stops(tasks, p, start);

		struct error *err = tasks_update(tasks, p, tids, tids_count,
						 &added);

		if (err)
			return err;
		if (!added || now() - start > STOP_DEADLINE)
			break;
	}
	*missed_ret = added;
	return NULL;
}
