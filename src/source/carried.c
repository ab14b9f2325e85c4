/* SPDX-License-Identifier: GPL-3.0-or-later */
/* carried.c - what an exported core says that an ordinary one does not */
#include "source/carried.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/record.h"

#define WORD "sigframe-inspect-process"

struct process_line {
	char *source;
	char *command;
	char *executable;
	char *kernel;
	uint64_t pid;
	uint64_t partial;	/* mappings_partial */
	uint64_t threads;	/* how many */
	uint64_t actions;	/* actions_known */
};

struct mapping_line {
	uint64_t start, end, prot, offset, device, inode;
	char *path;
};

struct thread_line {
	uint64_t tid, state, stopped, clear, has, shadow_stack;
	uint64_t syscall;	/* + 1 */
	uint64_t altstack, altstack_size, pending;
	uint64_t components, components_in_use;
	char *name;
	char *problem;
};

struct action_line {
	uint64_t signal, handler, flags, restorer, mask;
};

struct note_line {
	char *text;
};

static const struct record_field process_fields[] = {
	RECORD_FIELD(process_line, source, RECORD_TEXT),
	RECORD_FIELD(process_line, pid, RECORD_NUMBER),
	RECORD_FIELD(process_line, command, RECORD_TEXT),
	RECORD_FIELD(process_line, executable, RECORD_TEXT),
	RECORD_FIELD(process_line, kernel, RECORD_TEXT),
	RECORD_FIELD(process_line, partial, RECORD_NUMBER),
	RECORD_FIELD(process_line, threads, RECORD_NUMBER),
	RECORD_FIELD(process_line, actions, RECORD_NUMBER),
};
static const struct record_field mapping_fields[] = {
	RECORD_FIELD(mapping_line, start, RECORD_WORD),
	RECORD_FIELD(mapping_line, end, RECORD_WORD),
	RECORD_FIELD(mapping_line, prot, RECORD_NUMBER),
	RECORD_FIELD(mapping_line, offset, RECORD_WORD),
	RECORD_FIELD(mapping_line, device, RECORD_WORD),
	RECORD_FIELD(mapping_line, inode, RECORD_NUMBER),
	RECORD_FIELD(mapping_line, path, RECORD_TEXT),
};
static const struct record_field thread_fields[] = {
	RECORD_FIELD(thread_line, tid, RECORD_NUMBER),
	RECORD_FIELD(thread_line, name, RECORD_TEXT),
	RECORD_FIELD(thread_line, state, RECORD_NUMBER),
	RECORD_FIELD(thread_line, stopped, RECORD_NUMBER),
	RECORD_FIELD(thread_line, clear, RECORD_NUMBER),
	RECORD_FIELD(thread_line, has, RECORD_WORD),
	RECORD_FIELD(thread_line, syscall, RECORD_NUMBER),
	RECORD_FIELD(thread_line, shadow_stack, RECORD_NUMBER),
	RECORD_FIELD(thread_line, altstack, RECORD_WORD),
	RECORD_FIELD(thread_line, altstack_size, RECORD_NUMBER),
	RECORD_FIELD(thread_line, pending, RECORD_WORD),
	RECORD_FIELD(thread_line, components, RECORD_WORD),
	RECORD_FIELD(thread_line, components_in_use, RECORD_WORD),
	RECORD_FIELD(thread_line, problem, RECORD_TEXT),
};
static const struct record_field action_fields[] = {
	RECORD_FIELD(action_line, signal, RECORD_NUMBER),
	RECORD_FIELD(action_line, handler, RECORD_WORD),
	RECORD_FIELD(action_line, flags, RECORD_WORD),
	RECORD_FIELD(action_line, restorer, RECORD_WORD),
	RECORD_FIELD(action_line, mask, RECORD_WORD),
};
static const struct record_field note_fields[] = {
	RECORD_FIELD(note_line, text, RECORD_TEXT),
};

static const struct record process_record = RECORD("process", process_fields);
static const struct record mapping_record = RECORD("map", mapping_fields);
static const struct record thread_record = RECORD("thread", thread_fields);
static const struct record action_record = RECORD("action", action_fields);
static const struct record note_record = RECORD("note", note_fields);

static void write_thread(const struct thread *t, struct text *text)
{
	const struct thread_line line = {
		.tid = (uint64_t)t->tid,
		.name = t->name[0] ? (char *)t->name : NULL,
		.state = (unsigned char)t->state,
		.stopped = t->stopped,
		.clear = t->clear,
		.has = t->has,
		.syscall = (uint64_t)t->syscall + 1,
		.shadow_stack = t->shadow_stack,
		.altstack = t->altstack,
		.altstack_size = t->altstack_size,
		.pending = t->pending,
		.components = t->components,
		.components_in_use = t->components_in_use,
		.problem = t->problem ? (char *)error_message(t->problem)
				      : NULL,
	};

	record_write(&thread_record, &line, text);
}

static void write_actions(const struct snapshot *s, struct text *text)
{
	for (unsigned i = 0; i < SNAPSHOT_SIGNALS; i++) {
		const struct signal_action *a = &s->actions[i];
		const struct action_line line = {
			.signal = i + 1, .handler = a->handler,
			.flags = a->flags, .restorer = a->restorer,
			.mask = a->mask,
		};

		if (a->handler || a->restorer)
			record_write(&action_record, &line, text);
	}
}

void carried_write(const struct snapshot *s, struct text *t)
{
	const struct process_line process = {
		.source = (char *)source_kind_names[s->kind],
		.pid = (uint64_t)s->pid,
		.command = (char *)s->command,
		.executable = s->executable,
		.kernel = s->kernel,
		.partial = s->mappings_partial,
		.threads = s->threads_count,
		.actions = s->actions_known,
	};

	text_printf(t, WORD " %d\n", CARRIED_VERSION);
	record_write(&process_record, &process, t);
	for (size_t i = 0; i < s->mappings_count; i++) {
		const struct mapping *m = &s->mappings[i];
		const struct mapping_line line = {
			.start = m->start, .end = m->end, .prot = m->prot,
			.offset = m->offset, .device = m->device,
			.inode = m->inode, .path = m->path,
		};

		record_write(&mapping_record, &line, t);
	}
	for (size_t i = 0; i < s->threads_count; i++)
		write_thread(&s->threads[i], t);
	write_actions(s, t);
	for (size_t i = 0; i < s->notes_count; i++) {
		const struct note_line line = { s->notes[i] };

		record_write(&note_record, &line, t);
	}
}

struct error *carried_check(struct lines *l, const char *word)
{
	struct span line, rest;
	uint64_t version;

	if (!lines_next(l, &rest))
		return error_new(ERROR_BAD_INPUT, "nothing is carried");
	line = rest;
	if (!span_take(&rest, word) || !span_number(span_trim(rest), &version))
		return error_new(ERROR_BAD_INPUT, "not '%s VERSION' but '%.*s'",
				 word, SPAN_SHOWN(line));
	if (version != CARRIED_VERSION)
		return error_new(ERROR_UNSUPPORTED, "version %" PRIu64 " of "
				 "%s; this program knows %d", version, word,
				 CARRIED_VERSION);
	return NULL;
}

/* Where the reader is. */
struct reading {
	struct snapshot *s;
	size_t next;		/* thread */
	uint64_t threads;
};

static void replace(char **string, char **by)
{
	free(*string);
	*string = TAKE_PTR(*by);
}

static struct error *take_process(struct reading *r, struct span line)
{
	struct snapshot *s = r->s;
	struct process_line p = { 0 };
	struct error *err = record_read(&process_record, line, &p);

	if (!err) {
		r->threads = p.threads;
		s->mappings_partial = p.partial != 0;
		s->actions_known = p.actions != 0;
		s->pid = (pid_t)p.pid;
		memset(s->command, 0, sizeof(s->command));
		if (p.command)
			strncpy(s->command, p.command, sizeof(s->command) - 1);
		replace(&s->executable, &p.executable);
		replace(&s->kernel, &p.kernel);
		replace(&s->exported_from, &p.source);
	}
	record_deinit(&process_record, &p);
	return err;
}

static struct error *take_mapping(struct reading *r, struct span line)
{
	struct snapshot *s = r->s;
	const struct mapping *last =
		s->mappings_count ? &s->mappings[s->mappings_count - 1] : NULL;
	uint64_t behind = last ? last->end : 0;
	struct mapping_line l = { 0 };
	struct error *err = record_read(&mapping_record, line, &l);
	struct mapping *m = NULL;

	if (!err && (l.start >= l.end || l.start < behind))
		err = error_new(ERROR_BAD_INPUT, "mappings out of order");
	if (!err) {
		m = snapshot_add_mapping(s);
		err = m ? NULL : &error_no_memory;
	}
	if (m)
		*m = (struct mapping){
			.start = l.start,
			.end = l.end,
			.prot = mapping_prot((unsigned)l.prot),
			.offset = l.offset,
			.device = l.device,
			.inode = l.inode,
			.path = TAKE_PTR(l.path),
		};
	record_deinit(&mapping_record, &l);
	return err;
}

/* The next thread if it is that one. Of many no other is looked for. */
static struct thread *thread_of(struct reading *r, uint64_t tid)
{
	struct thread *t = r->next < r->s->threads_count
				   ? &r->s->threads[r->next] : NULL;

	if (!t || (uint64_t)t->tid != tid)
		return NULL;
	r->next++;
	return t;
}

/* A thread that the user did not ask for has been left out by then. */
static struct error *take_thread(struct reading *r, struct span line)
{
	struct thread_line l = { 0 };
	struct error *err = record_read(&thread_record, line, &l);
	struct thread *t = err ? NULL : thread_of(r, l.tid);

	if (t) {
		memset(t->name, 0, sizeof(t->name));
		if (l.name)
			strncpy(t->name, l.name, sizeof(t->name) - 1);
		t->state = (char)l.state;
		t->stopped = l.stopped != 0;
		t->clear = l.clear != 0;
		/* nothing is there that the ordinary notes lack */
		t->has = (t->has & (unsigned)l.has) |
			 ((unsigned)l.has &
			  (THREAD_HAS_SYSCALL | THREAD_HAS_SIGMASK |
			   THREAD_HAS_ALTSTACK | THREAD_HAS_PENDING |
			   THREAD_HAS_COMPONENTS));
		t->syscall = (int64_t)(l.syscall - 1);
		t->altstack = l.altstack;
		t->altstack_size = l.altstack_size;
		t->pending = l.pending;
		t->components = l.components;
		t->components_in_use = l.components_in_use;
		t->shadow_stack = l.shadow_stack <= TRI_YES
					  ? (enum tri)l.shadow_stack
					  : TRI_UNKNOWN;
		if (l.problem && !t->problem)
			t->problem = error_new(ERROR_BAD_INPUT, "%s",
					       l.problem);
	}
	record_deinit(&thread_record, &l);
	return err;
}

static struct error *take_action(struct reading *r, struct span line)
{
	struct action_line l = { 0 };
	struct error *err = record_read(&action_record, line, &l);

	if (!err && l.signal - 1 < SNAPSHOT_SIGNALS)
		r->s->actions[l.signal - 1] = (struct signal_action){
			.handler = l.handler, .flags = l.flags,
			.restorer = l.restorer, .mask = l.mask,
		};
	record_deinit(&action_record, &l);
	return err;
}

static struct error *take_note(struct reading *r, struct span line)
{
	struct note_line l = { 0 };
	struct error *err = record_read(&note_record, line, &l);

	if (!err && l.text)
		snapshot_note(r->s, "%s", l.text);
	record_deinit(&note_record, &l);
	return err;
}

static const struct {
	const struct record *record;
	struct error *(*take)(struct reading *r, struct span line);
} takers[] = {
	{ &process_record, take_process },
	{ &mapping_record, take_mapping },
	{ &thread_record, take_thread },
	{ &action_record, take_action },
	{ &note_record, take_note },
};

static void forget_mappings(struct snapshot *s)
{
	for (size_t i = 0; i < s->mappings_count; i++)
		free(s->mappings[i].path);
	free(s->mappings);
	s->mappings = NULL;
	s->mappings_count = 0;
}

struct error *carried_read(struct snapshot *s, const char *text, size_t size,
			   uint64_t *threads_ret)
{
	struct reading r = { .s = s };
	struct lines l = { .text = text, .size = size };
	struct error *err = carried_check(&l, WORD);
	struct span line;

	if (!err)
		forget_mappings(s);
	while (!err && lines_next(&l, &line))
		for (unsigned i = 0; i < ARRAY_SIZE(takers); i++) {
			struct span rest = line;

			if (!record_is(takers[i].record, &rest))
				continue;
			err = takers[i].take(&r, rest);
			break;
		}
	*threads_ret = r.threads;
	return err ? error_wrap(err, "carried text, line %u", l.number) : NULL;
}
