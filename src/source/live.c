/* SPDX-License-Identifier: GPL-3.0-or-later */
/* live.c - a running process as a snapshot */
#include "source/live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "source/stopping.h"

#define MILLISECOND 1000000
#define LOOK_ATTEMPTS 3

struct live {
	const struct live_options *options;
	struct snapshot *snapshot;
	struct process *process;
	struct tasks tasks;
	bool new_tasks;		/* since the mappings were read */
	struct stacks *copies;
	bool closer;		/* no thread is spared */
	bool no_shadow_stacks;	/* this machine has none */
	struct error *error;	/* what nothing can be done about */
};

static struct error *list_tasks(struct live *l, size_t *added_ret)
{
	struct error *err = tasks_update(&l->tasks, l->process,
					 l->options->tids,
					 l->options->tids_count, added_ret);

	l->new_tasks |= *added_ret != 0;
	return err;
}

/* Replace the mappings; those there were stay if it fails. */
static struct error *read_maps(struct live *l)
{
	struct snapshot *s = l->snapshot;
	struct mapping *old = TAKE_PTR(s->mappings);
	size_t old_count = s->mappings_count;
	int failed = -ESRCH;

	s->mappings_count = 0;
	failed = procfs_maps(l->process->dir, l->process->mm_tid, s);
	for (size_t i = 0; i < l->tasks.count && !s->mappings_count; i++) {
		if (l->tasks.list[i].gone)
			continue;
		failed = procfs_maps(l->process->dir,
				     l->tasks.list[i].thread.tid, s);
		if (!failed)
			l->process->mm_tid = l->tasks.list[i].thread.tid;
	}
	if (failed || !s->mappings_count) {
		for (size_t i = 0; i < s->mappings_count; i++)
			free(s->mappings[i].path);
		free(s->mappings);
		s->mappings = old;
		s->mappings_count = old_count;
		return failed == -ENOMEM
			       ? &error_no_memory
			       : error_os(failed ? -failed : ESRCH,
					  "cannot read the mappings of "
					  "process %d", l->process->pid);
	}
	for (size_t i = 0; i < old_count; i++)
		free(old[i].path);
	free(old);
	l->new_tasks = false;
	return NULL;
}

static struct error *new_copies(struct live *l)
{
	CLEANUP_FREE uint64_t *pointers = calloc(l->tasks.count + 1,
						 sizeof(*pointers));
	size_t count = 0;

	stacks_destroy(l->copies);
	l->copies = stacks_create(l->snapshot, process_read);
	if (!pointers || !l->copies)
		return &error_no_memory;
	for (size_t i = 0; i < l->tasks.count; i++)
		if (l->tasks.list[i].has_sp && !l->tasks.list[i].gone)
			pointers[count++] =
				l->tasks.list[i].thread.regs.r[X86_RSP];
	return stacks_set_pointers(l->copies, pointers, count);
}

/* Copy what a thread that stands still may have. */
static enum stacks_found copy_stacks(struct live *l, struct task *t,
				     bool always)
{
	uint64_t sp = t->thread.regs.r[X86_RSP];
	enum stacks_found found = stacks_copy(l->copies, sp, always);
	bool led = t->thread.has & THREAD_HAS_GPRS &&
		   stacks_copy_led(l->copies, &t->thread.regs);

	if (found == STACKS_NOTHING && (led || task_may_be_elsewhere(t, l->snapshot))) {
		stacks_copy(l->copies, sp, true);
		found = STACKS_UNSURE;
	}
	if (found != STACKS_NOTHING && stacks_full(l->copies) &&
	    !t->thread.problem)
		t->thread.problem = error_new(
			ERROR_UNSUPPORTED, "its stacks are too large to copy");
	return found;
}

/*
 * Where are the threads that are not settled? If that is all that will be
 * done, those that run get some more chances to be caught asleep.
 */
static void look_begin(struct live *l, bool patient)
{
	bool running = true;

	for (unsigned n = 0; running && (!n || (patient && n < 3)); n++) {
		running = false;
		if (n)
			nanosleep(&(struct timespec){ .tv_nsec = MILLISECOND },
				  NULL);
		for (size_t i = 0; i < l->tasks.count; i++) {
			struct task *t = &l->tasks.list[i];

			if (task_settled(t) || (n && t->has_sp))
				continue;
			task_look_begin(t, l->process);
			running |= !t->has_sp;
		}
	}
}

/*
 * What becomes of a thread, after what stacks_look() found. With `spares` it
 * need not be stopped if its stack alone may tell enough.
 */
static void settle_found(const struct live *l, bool spares, struct task *t)
{
	if (t->found == STACKS_HIT) {
		t->spare = spares && !l->options->registers &&
			   t->at.where == PROCFS_IN_SYSCALL;
		t->thread.spared = t->thread.candidate = t->spare;
		return;
	}

	bool doubtful = t->found == STACKS_RETURN ||
			(t->found == STACKS_NOTHING &&
			 (l->options->every ||
			  task_may_be_elsewhere(t, l->snapshot)));

	t->spare = doubtful && spares;
	if (doubtful)
		t->found = spares ? STACKS_NOTHING : STACKS_UNSURE;
}

/*
 * Look at all threads that are not settled without touching them. With
 * `copy`, what may hold frames goes into l->copies. Whether one with something
 * like a frame that is spared stood still is asked after that was copied.
 */
static struct error *look(struct live *l, bool copy)
{
	look_begin(l, copy);

	/* after the stack pointers: no stack is too new to be in it */
	struct error *err = read_maps(l);

	if (err)
		return err;

	if (copy && !l->copies) {
		err = new_copies(l);
		if (err)
			return err;
	}

	struct stacks *stacks = stacks_create(l->snapshot, process_read);

	if (!stacks)
		return &error_no_memory;
	for (size_t i = 0; i < l->tasks.count; i++) {
		struct task *t = &l->tasks.list[i];

		if (task_settled(t) || !t->has_sp)
			continue;
		t->found = stacks_look(stacks, t->at.sp);
		settle_found(l, !copy && !l->closer, t);
		if (copy && t->found != STACKS_NOTHING)
			copy_stacks(l, t, true);
	}
	for (size_t i = 0; i < l->tasks.count; i++)
		if (!task_settled(&l->tasks.list[i]) &&
		    (copy || l->tasks.list[i].found == STACKS_NOTHING))
			task_look_end(&l->tasks.list[i], l->process);
	stacks_destroy(stacks);
	return NULL;
}

/* Stop all that is not settled. */
static struct error *stop_threads(struct live *l, struct tracer *tracer)
{
	size_t before = l->tasks.count, missed = 0;
	struct error *err = stopping_stop(tracer, &l->tasks, l->process,
					  l->options->tids,
					  l->options->tids_count, &missed);

	l->new_tasks |= l->tasks.count != before;
	if (!err && missed)
		snapshot_note(l->snapshot,
			      "process %d kept creating threads; %zu were not "
			      "stopped", l->process->pid, missed);
	return err;
}

static void read_registers(struct live *l, struct task *t)
{
	size_t most = l->options->whole_xstate ? SIZE_MAX : XSTATE_MIN_SIZE;

	if (t->tracee.state == TRACEE_GONE)
		t->gone = true;
	if (t->tracee.state != TRACEE_STOPPED || t->gone)
		return;

	struct error *err = tracer_read(&t->tracee, most, &l->no_shadow_stacks,
					&t->thread);

	if (!err) {
		t->thread.stopped = true;
		t->has_sp = true;
		if (t->at.where == PROCFS_RUNNING ||
		    t->at.sp != t->thread.regs.r[X86_RSP] ||
		    t->at.pc != t->thread.regs.r[X86_RIP])
			return;
		t->thread.syscall = t->at.nr;
		t->thread.has |= THREAD_HAS_SYSCALL;
	} else if (error_code(err) == ERROR_GONE) {
		error_free(err);
		t->gone = true;
	} else {
		error_free(t->thread.problem);
		t->thread.problem = err;
	}
}

/* Is a stack pointer in memory that was mapped after we asked? */
static bool maps_are_old(const struct live *l)
{
	for (size_t i = 0; i < l->tasks.count; i++) {
		const struct task *t = &l->tasks.list[i];

		if (t->thread.stopped && !t->gone &&
		    !snapshot_mapping(l->snapshot, t->thread.regs.r[X86_RSP]))
			return true;
	}
	return l->new_tasks;
}

/* Without the stacks of those that are spared nobody could tell of them. */
static struct error *copy_spared(struct live *l)
{
	struct error *err = l->copies ? NULL : new_copies(l);

	for (size_t i = 0; i < l->tasks.count && !err; i++) {
		struct task *t = &l->tasks.list[i];

		if (t->thread.spared && !t->gone)
			copy_stacks(l, t, true);
	}
	return err;
}

/* What is done while the threads stand still; as little as possible. */
static struct error *copy_stopped(struct live *l)
{
	struct error *err = NULL;
	bool always = l->options->every ||
		      l->options->stop == LIVE_STOP_ALL;

	for (size_t i = 0; i < l->tasks.count; i++) {
		read_registers(l, &l->tasks.list[i]);
		/* what is copied of its stack now is true if it stays there */
		if (!task_settled(&l->tasks.list[i]))
			task_mark(&l->tasks.list[i], l->process);
	}
	if (maps_are_old(l))
		err = read_maps(l);
	if (!err)
		err = new_copies(l);
	if (err)
		return err;
	for (size_t i = 0; i < l->tasks.count; i++) {
		struct task *t = &l->tasks.list[i];

		if (!t->thread.stopped || t->gone)
			continue;
		t->found = copy_stacks(l, t, always);
		t->thread.clear = !always && t->found == STACKS_NOTHING;
	}
	err = copy_spared(l);
	stacks_watch(l->copies);
	return err;
}

static void stop_and_copy(struct tracer *tracer, void *arg)
{
	struct live *l = arg;

	l->error = stop_threads(l, tracer);
	if (!l->error)
		l->error = copy_stopped(l);
	for (size_t i = 0; i < l->tasks.count; i++)
		tracer_release(&l->tasks.list[i].tracee);
}

/* Why an unsettled thread was not stopped; NULL if it is gone by now. */
static struct error *why_not_stopped(const struct live *l,
				     const struct task *t)
{
	struct procfs_stat stat;
	int failed = procfs_stat(l->process->dir, t->thread.tid, &stat);

	if (process_has_exited(failed, &stat))
		return NULL;
	if (t->tracee.state == TRACEE_REFUSED)
		return process_refusal(l->process, t->thread.tid,
				       l->snapshot->command);
	if (failed)
		return error_os(-failed, "it was not stopped, and cannot be "
				"read about");
	if (t->tracee.state == TRACEE_SEIZED)
		return error_new(ERROR_OS,
				 "it did not stop in time (state %c)",
				 stat.state);
	return error_new(ERROR_OS, "it was created while the others were "
				   "being stopped");
}

/* Say once what may be true of many threads. */
static void note_problem(struct live *l, const struct error *problem,
			 const struct error *last)
{
	if (last && !strcmp(error_message(problem), error_message(last)))
		return;
	snapshot_note(l->snapshot, "some threads could not be stopped: %s",
		      error_message(problem));
}

/* What can be had of threads that should have been stopped, but were not. */
static struct error *look_at_rest(struct live *l)
{
	const struct error *last = NULL;

	for (size_t i = 0; i < l->tasks.count; i++) {
		struct task *t = &l->tasks.list[i];

		if (task_settled(t) || t->thread.problem)
			continue;
		t->thread.problem = why_not_stopped(l, t);
		t->gone = !t->thread.problem;
		if (t->gone)
			continue;
		note_problem(l, t->thread.problem, last);
		last = t->thread.problem;
	}
	if (!last)
		return NULL;

	struct error *err = look(l, true);

	for (size_t i = 0; i < l->tasks.count; i++) {
		struct task *t = &l->tasks.list[i];

		bool copied = t->found == STACKS_NOTHING ||
			      !stacks_full(l->copies);

		if (!t->thread.problem)
			continue;
		if (!t->thread.clear && !(task_stood(t) && copied))
			continue;
		/* it has nothing, or stood still as if it had been stopped */
		error_free(t->thread.problem);
		t->thread.problem = NULL;
	}
	return err;
}

/* Everything without stopping anything, because of `why`. */
static struct error *look_only(struct live *l, const char *why)
{
	struct error *err = NULL;
	size_t moved = 1, added;

	for (unsigned n = 0; n < LOOK_ATTEMPTS && moved && !err; n++) {
		stacks_destroy(TAKE_PTR(l->copies));
		err = look(l, true);
		moved = 0;
		for (size_t i = 0; i < l->tasks.count; i++)
			moved += !task_settled(&l->tasks.list[i]) &&
				 l->tasks.list[i].has_sp &&
				 !l->tasks.list[i].unmoved;
	}
	if (!err)
		err = list_tasks(l, &added);
	for (size_t i = 0; i < l->tasks.count && !err; i++) {
		struct task *t = &l->tasks.list[i];

		if (task_settled(t) || t->unmoved || t->thread.problem)
			continue;
		t->thread.problem = error_new(
			ERROR_UNSUPPORTED, "%s; not looked at because of %s",
			t->has_sp ? "moves on" : "runs", why);
	}
	return err;
}

/* Settle what can be without stopping, new threads included. */
static struct error *look_first(struct live *l)
{
	struct error *err = NULL;
	size_t added = 1;

	for (unsigned n = 0; n < LOOK_ATTEMPTS && added && !err; n++) {
		err = look(l, false);
		if (!err)
			err = list_tasks(l, &added);
	}
	return err;
}

/* An error if one that is spared has run since it was looked at. */
static struct error *check_spared(struct live *l)
{
	for (size_t i = 0; i < l->tasks.count; i++) {
		struct task *t = &l->tasks.list[i];
		pid_t tid = t->thread.tid;
		enum tri shadow_stack = TRI_NO;

		if (!t->thread.spared || t->gone)
			continue;
		if (!l->no_shadow_stacks)
			shadow_stack = process_shadow_stack(l->process, tid);
		t->thread.shadow_stack = shadow_stack;
		task_look_end(t, l->process);
		if (!t->unmoved || shadow_stack == TRI_UNKNOWN)
			return error_new(ERROR_OS, "thread %d of process %d "
					 "runs again and again", tid,
					 l->process->pid);
	}
	return NULL;
}

static struct error *examine(struct live *l)
{
	size_t added;
	struct error *err = list_tasks(l, &added);

	if (err)
		return err;
	if (!l->tasks.count)
		return error_new(ERROR_GONE, "process %d has no such thread",
				 l->process->pid);
	if (l->options->stop == LIVE_STOP_NONE)
		return look_only(l, "--stop=none");
	if (process_traces_us(l->process))
		return look_only(l, "its being the tracer of this program");
	/* of what has to be done anyway, as much as can be before stopping */
	err = l->options->stop == LIVE_STOP_AUTO ? look_first(l)
						 : read_maps(l);

	bool settled = true, clear = true;

	for (size_t i = 0; i < l->tasks.count; i++) {
		settled = settled && task_settled(&l->tasks.list[i]);
		clear = clear && l->tasks.list[i].thread.clear;
	}
	if (err || clear)
		return err;
	stopping_prepare(&l->tasks);
	/* if somebody runs, what is spared is copied while he does not */
	err = settled ? copy_spared(l) : tracer_run(stop_and_copy, l);
	if (!err)
		err = TAKE_PTR(l->error);
	if (!err)
		err = look_at_rest(l);
	return err ? err : check_spared(l);
}

/* Make the tasks the snapshot's threads. */
static struct error *give_threads(struct live *l)
{
	struct snapshot *s = l->snapshot;
	size_t gone = 0;

	for (size_t i = 0; i < l->tasks.count; i++) {
		struct task *t = &l->tasks.list[i];

		if (t->gone) {
			gone++;
			continue;
		}

		struct thread *thread = snapshot_add_thread(s, t->thread.tid);

		if (!thread)
			return &error_no_memory;
		*thread = t->thread;
		t->thread.xstate = NULL;
		t->thread.problem = NULL;
	}
	if (gone == l->tasks.count)
		return error_new(ERROR_GONE, "all threads of process %d that "
				 "were to be looked at exited during the look",
				 s->pid);
	if (gone)
		snapshot_note(s, "%zu threads of process %d exited during the "
			      "look", gone, s->pid);
	return l->copies ? stacks_give(l->copies, s) : NULL;
}

/* What became of the process, if that is why the look is worth nothing. */
static struct error *check_end(const struct live *l, struct error *err,
			       bool *again_ret)
{
	pid_t pid = l->process->pid;

	*again_ret = false;

	int alive = process_is_alive(l->process);

	if (alive < 0)
		return err ? err
			   : error_os(-alive, "cannot find out whether "
				      "process %d still exists", pid);
	if (!alive) {
		error_free(err);
		return error_new(ERROR_GONE,
				 "process %d exited during the look", pid);
	}
	if (!process_has_memory(l->process)) {
		*again_ret = true;
		error_free(err);
		return error_new(ERROR_GONE,
				 "process %d starts one program after another",
				 pid);
	}
	/* files in /proc fail when threads come to an end */
	*again_ret = err && error_code(err) == ERROR_OS;
	return err;
}

static struct error *open_once(pid_t pid, const struct live_options *options,
			       bool closer, struct snapshot *s, bool *again_ret)
{
	struct live l = { .options = options, .snapshot = s,
			  .closer = closer,
			  .no_shadow_stacks = options->no_shadow_stacks };
	struct error *err = process_open(pid, s);

	l.process = s->source;
	/* an exec can make threads vanish from under our hands */
	*again_ret = err && error_code(err) == ERROR_GONE &&
		     process_is_alive(l.process) > 0;
	if (err)
		return err;
	err = check_end(&l, examine(&l), again_ret);
	if (!err)
		err = give_threads(&l);
	tasks_deinit(&l.tasks);
	stacks_destroy(l.copies);
	return err;
}

struct error *live_open(pid_t pid, const struct live_options *options,
			struct snapshot **ret)
{
	bool again = true;
	struct error *err = NULL;

	for (unsigned n = 0; n < LOOK_ATTEMPTS && again; n++) {
		struct snapshot *s = snapshot_create(SOURCE_PROCESS);

		error_free(err);
		if (!s)
			return &error_no_memory;
		/* what went wrong may be that one was spared that runs */
		err = open_once(pid, options, options->closer || n, s, &again);
		if (!err) {
			snapshot_finish(s);
			*ret = s;
			return NULL;
		}
		snapshot_destroy(s);
	}
	return err;
}
