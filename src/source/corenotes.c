/* SPDX-License-Identifier: GPL-3.0-or-later */
/* corenotes.c - what the notes of a core file say */
#include "source/corenotes.h"

#include <elf.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "source/carried.h"
#include "source/coreforms.h"
#include "source/elfnames.h"

/* 4 MiB at first; kernel.core_file_note_size_limit can go up to this. */
#define FILE_NOTE_MAX (16 * 1024 * 1024)
/* Bytes that are searched for the next note behind damaged ones, in all. */
#define SEARCH_MAX (1024 * 1024)
/* A layout that puts something behind this is not believed. */
#define XSTATE_SANE_SIZE 65536
/* One will do, unless somebody changed it. */
#define XSTATES_FEW 16

static void decode_regs(const struct prstatus_form *form, struct bytes desc,
			struct thread *t)
{
	for (unsigned i = 0; i < form->regs_count; i++) {
		uint64_t value = 0;
		int reg = form->order[i];

		bytes_word(desc, form->regs_off + i * form->regs_width,
			   form->regs_width, &value);
		if (i == form->orig_ax)
			t->orig_rax = form->regs_width == 4
					      ? (int32_t)value
					      : (int64_t)value;
		if (reg < 0)
			continue;
		/* What is above a selector may be anything. */
		if (reg >= X86_CS)
			value &= 0xffff;
		t->regs.r[reg] = value;
	}
	t->has |= THREAD_HAS_PC_SP | THREAD_HAS_GPRS;
}

/* All notes on the last thread are read. */
static void end_thread(struct corenotes *n)
{
	struct snapshot *s = n->snapshot;
	struct thread *t;

	n->current = NULL;
	if (!n->options->few_xstates || s->threads_count <= XSTATES_FEW)
		return;
	t = &s->threads[s->threads_count - 1];
	if (t->has & THREAD_HAS_SIGINFO)
		return;
	free(t->xstate);
	t->xstate = NULL;
	t->xstate_size = 0;
	t->has &= ~(unsigned)THREAD_HAS_XSTATE;
}

static struct error *take_prstatus(struct corenotes *n, struct bytes desc)
{
	const struct prstatus_form *form;
	uint64_t sighold = 0;
	uint32_t pid, signo = 0;

	end_thread(n);
	form = coreforms_status(n->header->word, n->header->machine);
	if (!form || form->size != desc.size ||
	    !bytes_u32(desc, form->pid_off, &pid)) {
		n->malformed++;
		n->threads_lost = true;
		return NULL;
	}
	n->threads_seen++;
	n->due = ~0u;
	/* pr_info.si_signo: the fatal signal, in every thread's note. */
	bytes_u32(desc, 0, &signo);
	n->by_kernel |= signo != 0;
	if (!snapshot_wants(n->options->tids, n->options->tids_count,
			    (pid_t)pid))
		return NULL;

	n->current = snapshot_add_thread(n->snapshot, (pid_t)pid);
	if (!n->current)
		return &error_no_memory;
	decode_regs(form, desc, n->current);
	if (form->regs_width < form->word &&
	    !x86_gprs_is_32bit(&n->current->regs)) {
		n->current->problem = error_new(
			ERROR_BAD_INPUT,
			"the core has only the lower halves of its registers");
		if (!n->current->problem)
			return &error_no_memory;
	}
	bytes_word(desc, form->sighold_off, form->sighold_width, &sighold);
	n->current->sigmask = sighold;
	/* Signals above 32 are missing from the 32-bit forms. */
	if (signo && form->sighold_width == 8)
		n->current->has |= THREAD_HAS_SIGMASK;
	return NULL;
}

static struct error *take_prpsinfo(struct corenotes *n, struct bytes desc)
{
	struct snapshot *s = n->snapshot;

	_Static_assert(sizeof(s->command) > COREFORMS_NAME, "room for a NUL");
	for (unsigned i = 0; i < COREFORMS_INFOS; i++) {
		const struct prpsinfo_form *form = &coreforms_info[i];
		uint32_t pid;

		if (form->size != desc.size ||
		    !bytes_u32(desc, form->pid_off, &pid))
			continue;
		s->pid = (pid_t)pid;
		memcpy(s->command, desc.data + form->fname_off,
		       COREFORMS_NAME);
		s->command[COREFORMS_NAME] = '\0';
		return NULL;
	}
	n->malformed++;
	return NULL;
}

static struct error *take_siginfo(struct corenotes *n, struct bytes desc)
{
	struct thread *t = n->current;

	if (!t)
		return NULL;
	t->siginfo_size = desc.size < sizeof(t->siginfo) ? desc.size
							 : sizeof(t->siginfo);
	memcpy(t->siginfo, desc.data, t->siginfo_size);
	t->has |= THREAD_HAS_SIGINFO;
	return NULL;
}

static struct error *take_auxv(struct corenotes *n, struct bytes desc)
{
	const struct {
		uint64_t type;
		uint64_t *value;
	} wanted[] = {
		{ AT_PHDR, &n->phdr },
		{ AT_ENTRY, &n->entry },
		{ AT_EXECFN, &n->execfn },
		{ AT_SYSINFO_EHDR, &n->snapshot->vdso },
		{ AT_RANDOM, &n->snapshot->random },
		{ AT_MINSIGSTKSZ, &n->snapshot->minsigstksz },
	};
	unsigned w = n->header->word;
	uint64_t type, value;

	for (uint64_t off = 0; bytes_word(desc, off, w, &type) &&
			       bytes_word(desc, off + w, w, &value) &&
			       type != AT_NULL; off += 2 * w)
		for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
			if (wanted[i].type == type)
				*wanted[i].value = value;
	return NULL;
}

/* Entry `index`, without its path; false if it makes no sense. */
static bool range_decode(struct bytes desc, unsigned w, uint64_t index,
			 uint64_t page_size, struct mapped_range *ret)
{
	uint64_t off = (2 + 3 * index) * w;
	uint64_t pages;

	return bytes_word(desc, off, w, &ret->start) &&
	       bytes_word(desc, off + w, w, &ret->end) &&
	       bytes_word(desc, off + 2 * w, w, &pages) &&
	       ret->start < ret->end &&
	       !__builtin_mul_overflow(pages, page_size, &ret->offset) &&
	       ret->offset <= UINT64_MAX - (ret->end - ret->start);
}

/* fs/binfmt_elf.c, fill_files_note() */
static struct error *take_file(struct corenotes *n, struct bytes desc)
{
	unsigned w = n->header->word;
	uint64_t count, page_size;

	if (n->ranges || !bytes_word(desc, 0, w, &count) ||
	    !bytes_word(desc, w, w, &page_size) ||
	    count > (desc.size - 2 * w) / (3 * w + 1)) {
		n->malformed++;
		return NULL;
	}

	struct bytes names = bytes_from(desc, (2 + 3 * count) * w);
	struct mapped_range *ranges = calloc(count + 1, sizeof(*ranges));
	char *at = malloc(names.size + 1);

	n->ranges = ranges;
	n->names = at;
	if (!ranges || !at)
		return &error_no_memory;
	memcpy(at, names.data, names.size);
	at[names.size] = '\0';

	const char *end = at + names.size;
	bool bad = false;

	for (uint64_t i = 0; i < count; i++) {
		struct mapped_range *r = &ranges[n->ranges_count];

		if (at >= end) {
			bad = true;
			break;
		}
		r->path = at;
		at += strlen(at) + 1;
		if (range_decode(desc, w, i, page_size, r))
			n->ranges_count++;
		else
			bad = true;
	}
	n->malformed += bad;
	return NULL;
}

static struct error *take_xstate(struct corenotes *n, struct bytes desc)
{
	struct thread *t = n->current;

	/* The kernel's mask, where a signal frame has its software bytes. */
	if (!n->xstate_size &&
	    bytes_u64(desc, XSTATE_SW_OFF, &n->snapshot->xfeatures))
		n->xstate_size = desc.size;
	if (!t || t->xstate || desc.size < XSTATE_MIN_SIZE)
		return NULL;
	t->xstate_size = n->options->whole_xstate ? desc.size
						  : XSTATE_MIN_SIZE;
	t->xstate = malloc(t->xstate_size);
	if (!t->xstate)
		return &error_no_memory;
	memcpy(t->xstate, desc.data, t->xstate_size);
	t->has |= THREAD_HAS_XSTATE;
	return NULL;
}

/* NT_X86_XSTATE has the same; but that there is one tells of a thread. */
static struct error *take_fpregs(struct corenotes *n, struct bytes desc)
{
	(void)n;
	(void)desc;
	return NULL;
}

/* The note is there only if the thread uses one. */
static struct error *take_shadow_stack(struct corenotes *n, struct bytes desc)
{
	(void)desc;
	if (n->current)
		n->current->shadow_stack = TRI_YES;
	return NULL;
}

/* struct x86_xfeat_component, arch/x86/include/uapi/asm/elf.h */
static struct error *take_layout(struct corenotes *n, struct bytes desc)
{
	enum { RECORD_SIZE = 16 };
	struct xstate_layout layout =
		*xstate_family_layout(XSTATE_FAMILY_COMMON);
	bool bad = desc.size % RECORD_SIZE;

	layout.features = XSTATE_LEGACY;
	for (uint64_t off = 0; !bad && off < desc.size; off += RECORD_SIZE) {
		uint32_t type, size, offset;

		bad = !bytes_u32(desc, off, &type) ||
		      !bytes_u32(desc, off + 4, &size) ||
		      !bytes_u32(desc, off + 8, &offset) ||
		      type <= XSTATE_SSE || type >= XSTATE_MAX ||
		      layout.features & XSTATE_BIT(type) || !size ||
		      offset < XSTATE_MIN_SIZE || offset > XSTATE_SANE_SIZE ||
		      size > XSTATE_SANE_SIZE - offset;
		if (bad)
			break;
		layout.features |= XSTATE_BIT(type);
		layout.offset[type] = offset;
		layout.size[type] = size;
	}
	if (bad || n->snapshot->layout.features) {
		n->malformed++;
		return NULL;
	}
	n->snapshot->layout = layout;
	n->snapshot->layout_noted = true;
	return NULL;
}

/*
 * Text of an exported core. Of several the first counts. What is behind a NUL
 * would be lost.
 */
static struct error *take_text(struct bytes desc, char **ret)
{
	if (*ret)
		return NULL;
	if (memchr(desc.data, '\0', desc.size))
		return error_new(ERROR_BAD_INPUT,
				 "a text that it carries is damaged");
	*ret = strndup((const char *)desc.data, desc.size);
	return *ret ? NULL : &error_no_memory;
}

static struct error *take_carried_cpu(struct corenotes *n, struct bytes desc)
{
	return take_text(desc, &n->snapshot->carried_cpu);
}

static struct error *take_carried_process(struct corenotes *n,
					  struct bytes desc)
{
	return take_text(desc, &n->carried);
}

static struct error *take_carried_frames(struct corenotes *n,
					 struct bytes desc)
{
	return take_text(desc, &n->snapshot->carried_frames);
}

/* What the exporting side had kept of NT_X86_XSTATE. */
static struct error *take_carried_xstate(struct corenotes *n,
					 struct bytes desc)
{
	uint32_t size = n->xstate_size;
	struct error *err = take_xstate(n, desc);

	/* it is cut short, so its size tells nothing of the layout */
	n->xstate_size = size;
	return err;
}

static const struct handler {
	const char *name;
	uint32_t type;
	uint32_t max;		/* bytes of contents; more is malformed */
	struct error *(*take)(struct corenotes *n, struct bytes desc);
	bool once;		/* for a thread, behind its NT_PRSTATUS */
} handlers[] = {
	{ "CORE", NT_PRSTATUS, 4096, take_prstatus },
	{ "CORE", NT_FPREGSET, XSTATE_SANE_SIZE, take_fpregs, true },
	{ "CORE", NT_PRPSINFO, 4096, take_prpsinfo },
	{ "CORE", NT_SIGINFO, 4096, take_siginfo },
	{ "CORE", NT_AUXV, 65536, take_auxv },
	{ "CORE", NT_FILE, FILE_NOTE_MAX, take_file },
	{ "LINUX", NT_X86_XSTATE, XSTATE_SANE_SIZE, take_xstate, true },
	{ "LINUX", NT_X86_SHSTK, 4096, take_shadow_stack },
	{ "LINUX", NT_X86_XSAVE_LAYOUT, 4096, take_layout },
	{ CARRIED_NOTE_NAME, CARRIED_CPU, CARRIED_MAX, take_carried_cpu },
	{ CARRIED_NOTE_NAME, CARRIED_PROCESS, CARRIED_MAX,
	  take_carried_process },
	{ CARRIED_NOTE_NAME, CARRIED_FRAMES, CARRIED_MAX,
	  take_carried_frames },
	{ CARRIED_NOTE_NAME, CARRIED_XSTATE, XSTATE_SANE_SIZE,
	  take_carried_xstate },
};

static const struct handler *handler_of(struct bytes head,
					const struct elffile_note *note)
{
	for (unsigned i = 0; i < ARRAY_SIZE(handlers); i++)
		if (handlers[i].type == note->type &&
		    elffile_note_is(head, 0, note, handlers[i].name))
			return &handlers[i];
	return NULL;
}

/* Where the next note begins that is known, behind a damaged one at `off`. */
static struct error *find_note(struct corenotes *n, uint64_t off, uint64_t end,
			       uint64_t *ret)
{
	struct elffile_note note;
	struct bytes b;
	bool fits;

	*ret = end;
	while (end - off > NOTEWINDOW_ALIGN && n->searched < SEARCH_MAX) {
		struct error *err;

		off += NOTEWINDOW_ALIGN;
		n->searched += NOTEWINDOW_ALIGN;
		err = notewindow_head(&n->window, off, end, &b, &note,
				      &fits);
		if (err)
			return err;
		if (fits && handler_of(b, &note)) {
			*ret = off;
			return NULL;
		}
	}
	return NULL;
}

/* Of a thread whose NT_PRSTATUS is not there, the other notes tell. */
static void note_once(struct corenotes *n, const struct handler *h)
{
	unsigned bit = 1u << (h - handlers);

	if (!h->once)
		return;
	if (!(n->due & bit)) {
		n->threads_lost = true;
		n->current = NULL;
	}
	n->due &= ~bit;
}

static struct error *take_note(struct corenotes *n, uint64_t off, uint64_t end,
			       uint64_t *next_ret)
{
	struct elffile_note note;
	struct bytes b;
	bool fits;
	struct error *err = notewindow_head(&n->window, off, end, &b, &note,
					    &fits);

	*next_ret = end;
	if (err)
		return err;
	/* All have an owner; holes read as notes without anything. */
	if (!fits || !note.name_size) {
		n->malformed++;
		n->threads_lost = true;
		return find_note(n, off, end, next_ret);
	}
	if (note.next_off < end - off)
		*next_ret = off + note.next_off;

	const struct handler *h = handler_of(b, &note);

	if (!h)
		return NULL;
	note_once(n, h);
	if (note.desc_size > h->max) {
		n->malformed++;
		n->threads_lost |= note.type == NT_PRSTATUS;
		n->current = NULL;
		return NULL;
	}
	err = notewindow_get(&n->window, off + note.desc_off, note.desc_size,
			     &b);
	return err ? err : h->take(n, b);
}

struct error *corenotes_read(struct corenotes *n, uint64_t off, uint64_t size)
{
	struct error *err = NULL;

	n->window.fd = n->fd;
	n->window.file_size = n->file_size;
	if (off >= n->file_size || size > n->file_size - off)
		n->threads_lost = true;
	if (off >= n->file_size)
		return NULL;
	if (size > n->file_size - off)
		size = n->file_size - off;
	for (uint64_t end = off + size; !err && off < end;)
		err = take_note(n, off, end, &off);
	return err;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct mapped_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void sort_ranges(struct corenotes *n)
{
	size_t kept = 0;

	if (n->ranges_count)
		qsort(n->ranges, n->ranges_count, sizeof(*n->ranges),
		      compare_ranges);
	for (size_t i = 0; i < n->ranges_count; i++)
		if (!kept || n->ranges[i].start >= n->ranges[kept - 1].end)
			n->ranges[kept++] = n->ranges[i];
	n->malformed += kept < n->ranges_count;
	n->ranges_count = kept;
}

static void infer_layout(struct corenotes *n)
{
	struct snapshot *s = n->snapshot;
	struct xstate_sw sw = {
		.xfeatures = s->xfeatures,
		.xstate_size = n->xstate_size,
	};
	struct xstate_layout layout;

	if (s->layout.features || !s->xfeatures ||
	    xstate_infer_layout(&sw, NULL, &layout) == XSTATE_FAMILY_UNKNOWN)
		return;
	s->layout = layout;
	s->layout.features &= s->xfeatures | XSTATE_LEGACY;
}

/* Say which of the threads that were asked for are not there: how many. */
static size_t note_missing(struct corenotes *n)
{
	const struct core_options *o = n->options;
	struct snapshot *s = n->snapshot;
	size_t missing = 0;

	for (size_t i = 0; i < o->tids_count; i++) {
		size_t at = 0;

		while (at < s->threads_count &&
		       s->threads[at].tid != o->tids[i])
			at++;
		if (at < s->threads_count)
			continue;
		missing++;
		snapshot_note(s, "the core has no thread %d",
			      (int)o->tids[i]);
	}
	return missing;
}

static int compare_tids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* Two notes on one thread: the number of one of them is another's. */
static struct error *find_twins(struct corenotes *n)
{
	const struct snapshot *s = n->snapshot;
	CLEANUP_FREE pid_t *tids = calloc(s->threads_count + 1, sizeof(*tids));

	if (!tids)
		return &error_no_memory;
	for (size_t i = 0; i < s->threads_count; i++)
		tids[i] = s->threads[i].tid;
	qsort(tids, s->threads_count, sizeof(*tids), compare_tids);
	for (size_t i = 1; i < s->threads_count; i++)
		n->threads_lost |= tids[i] == tids[i - 1];
	return NULL;
}

struct error *corenotes_finish(struct corenotes *n)
{
	struct snapshot *s = n->snapshot;

	notewindow_deinit(&n->window);
	end_thread(n);
	sort_ranges(n);
	infer_layout(n);
	if (n->malformed)
		snapshot_note(s, "%zu malformed note%s of the core ignored",
			      n->malformed, n->malformed == 1 ? "" : "s");
	if (!n->threads_seen)
		return error_new(ERROR_BAD_INPUT,
				 "no threads: the core has no NT_PRSTATUS");
	if (!s->threads_count)
		return error_new(ERROR_BAD_INPUT,
				 "the core has none of the threads asked for");

	bool missing = note_missing(n);
	struct error *err = find_twins(n);

	if (err)
		return err;
	if (!s->pid)
		s->pid = s->threads[0].tid;
	if (n->threads_lost && (missing || !n->options->tids_count)) {
		struct thread *t = snapshot_add_thread(s, 0);

		if (!t)
			return &error_no_memory;
		t->problem = error_new(ERROR_BAD_INPUT,
				       "the notes of the core are damaged: "
				       "threads may be missing");
	}
	for (size_t i = 0; i < s->threads_count; i++)
		/* NT_PRPSINFO has the name of the first thread created. */
		if (s->threads[i].tid == s->pid)
			memcpy(s->threads[i].name, s->command,
			       sizeof(s->threads[i].name));
	return NULL;
}

void corenotes_deinit(struct corenotes *n)
{
	free(n->ranges);
	free(n->names);
	notewindow_deinit(&n->window);
	free(n->carried);
}
