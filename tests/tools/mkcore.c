/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mkcore.c - writes ELF cores of processes that never were */
#include "mkcore.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define PAGE 4096
#define FATAL_SIGNAL 11

static const int order_64[] = {
	X86_R15, X86_R14, X86_R13, X86_R12, X86_RBP, X86_RBX, X86_R11, X86_R10,
	X86_R9, X86_R8, X86_RAX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, -1,
	X86_RIP, X86_CS, X86_RFLAGS, X86_RSP, X86_SS, -1, -1, X86_DS, X86_ES,
	X86_FS, X86_GS,
};
static const int order_32[] = {
	X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RBP, X86_RAX, X86_DS,
	X86_ES, X86_FS, X86_GS, -1, X86_RIP, X86_CS, X86_RFLAGS, X86_RSP,
	X86_SS,
};

/* struct elf_prstatus and elf_prpsinfo of each ABI; offsets in bytes. */
static const struct abi {
	unsigned word;
	uint16_t machine;
	unsigned status_size;
	unsigned sighold_off, sighold_width;
	unsigned pid_off;
	unsigned regs_off, reg_width, regs_count;
	unsigned orig_ax;	/* index */
	const int *order;
	unsigned info_size, info_pid_off, info_fname_off;
} abis[] = {
	[MKCORE_X86_64] = {
		.word = 8, .machine = EM_X86_64, .status_size = 336,
		.sighold_off = 24, .sighold_width = 8, .pid_off = 32,
		.regs_off = 112, .reg_width = 8, .regs_count = 27,
		.orig_ax = 15, .order = order_64,
		.info_size = 136, .info_pid_off = 24, .info_fname_off = 40,
	},
	[MKCORE_I386] = {
		.word = 4, .machine = EM_386, .status_size = 144,
		.sighold_off = 20, .sighold_width = 4, .pid_off = 24,
		.regs_off = 72, .reg_width = 4, .regs_count = 17,
		.orig_ax = 11, .order = order_32,
		.info_size = 124, .info_pid_off = 12, .info_fname_off = 28,
	},
	[MKCORE_X32] = {
		.word = 4, .machine = EM_X86_64, .status_size = 296,
		.sighold_off = 20, .sighold_width = 4, .pid_off = 24,
		.regs_off = 72, .reg_width = 8, .regs_count = 27,
		.orig_ax = 15, .order = order_64,
		.info_size = 124, .info_pid_off = 12, .info_fname_off = 28,
	},
};

struct thread_notes {
	struct mkcore_thread t;
	uint8_t *xstate, *siginfo;
};

struct segment {
	struct mkcore_segment s;
	uint8_t *data;
	uint64_t offset;
};

struct file {
	uint64_t start, end, offset;
	char *path;
};

struct mkcore {
	const struct abi *abi;
	struct thread_notes *threads;
	size_t threads_count;
	struct segment *segments;
	size_t segments_count;
	struct file *files;
	size_t files_count;
	struct text auxv, layout, extra;
	bool has_process, by_gdb, extended;
	pid_t pid;
	char command[16];
};

static void *need(void *p)
{
	if (p)
		return p;
	fputs("mkcore: out of memory\n", stderr);
	exit(99);
}

static uint8_t *copy(const void *data, size_t size)
{
	uint8_t *p = need(malloc(size + 1));

	if (size)
		memcpy(p, data, size);
	return p;
}

/* Room for one more; the new one is uninitialised. */
#define APPEND(array, count)                                                   \
	({                                                                     \
		if (!((count) & ((count) - 1)))                                \
			(array) = need(reallocarray((array),                   \
						    (count) ? 2 * (count) : 1, \
						    sizeof(*(array))));        \
		&(array)[(count)++];                                           \
	})

struct mkcore *mkcore_create(enum mkcore_abi abi)
{
	struct mkcore *m = need(calloc(1, sizeof(*m)));

	m->abi = &abis[abi];
	return m;
}

void mkcore_destroy(struct mkcore *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->threads_count; i++) {
		free(m->threads[i].xstate);
		free(m->threads[i].siginfo);
	}
	for (size_t i = 0; i < m->segments_count; i++)
		free(m->segments[i].data);
	for (size_t i = 0; i < m->files_count; i++)
		free(m->files[i].path);
	free(m->threads);
	free(m->segments);
	free(m->files);
	text_deinit(&m->auxv);
	text_deinit(&m->layout);
	text_deinit(&m->extra);
	free(m);
}

void mkcore_add_thread(struct mkcore *m, const struct mkcore_thread *t)
{
	struct thread_notes *n = APPEND(m->threads, m->threads_count);

	*n = (struct thread_notes){ .t = *t };
	if (t->xstate)
		n->xstate = copy(t->xstate, t->xstate_size);
	if (t->siginfo)
		n->siginfo = copy(t->siginfo, t->siginfo_size);
}

void mkcore_add_segment(struct mkcore *m, const struct mkcore_segment *s)
{
	struct segment *g = APPEND(m->segments, m->segments_count);

	*g = (struct segment){ .s = *s, .data = copy(s->data, s->data_size) };
	if (!g->s.dumped)
		g->s.dumped = s->data_size;
}

void mkcore_add_file(struct mkcore *m, uint64_t start, uint64_t end,
		     uint64_t offset, const char *path)
{
	struct file *f = APPEND(m->files, m->files_count);

	*f = (struct file){ start, end, offset, need(strdup(path)) };
}

/* Little-endian, `width` bytes. */
static void add_word(struct text *t, uint64_t value, unsigned width)
{
	uint64_t raw = htole64(value);

	text_add_bytes(t, &raw, width);
}

static void put(uint8_t *at, uint64_t value, unsigned width)
{
	uint64_t raw = htole64(value);

	memcpy(at, &raw, width);
}

static void add_zeros(struct text *t, size_t count)
{
	static const char zeros[PAGE];

	for (; count > sizeof(zeros); count -= sizeof(zeros))
		text_add_bytes(t, zeros, sizeof(zeros));
	text_add_bytes(t, zeros, count);
}

void mkcore_add_auxv(struct mkcore *m, uint64_t type, uint64_t value)
{
	add_word(&m->auxv, type, m->abi->word);
	add_word(&m->auxv, value, m->abi->word);
}

void mkcore_set_process(struct mkcore *m, pid_t pid, const char *command)
{
	m->has_process = true;
	m->pid = pid;
	memset(m->command, 0, sizeof(m->command));
	memcpy(m->command, command, strnlen(command, sizeof(m->command)));
}

void mkcore_set_layout(struct mkcore *m, const struct xstate_layout *l,
		       uint64_t features)
{
	text_clear(&m->layout);
	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		if (!(features & XSTATE_BIT(i)))
			continue;
		add_word(&m->layout, i, 4);
		add_word(&m->layout, l->size[i], 4);
		add_word(&m->layout, l->offset[i], 4);
		add_word(&m->layout, 0, 4);
	}
}

static void add_note(struct text *t, const char *name, uint32_t type,
		     const void *data, size_t size)
{
	size_t name_size = strlen(name) + 1;

	add_word(t, name_size, 4);
	add_word(t, size, 4);
	add_word(t, type, 4);
	text_add_bytes(t, name, name_size);
	add_zeros(t, -name_size & 3);
	text_add_bytes(t, data, size);
	add_zeros(t, -size & 3);
}

void mkcore_add_note(struct mkcore *m, const char *name, uint32_t type,
		     const void *data, size_t size)
{
	add_note(&m->extra, name, type, data, size);
}

void mkcore_by_gdb(struct mkcore *m)
{
	m->by_gdb = true;
}

void mkcore_extended_count(struct mkcore *m)
{
	m->extended = true;
}

static void add_prstatus(const struct mkcore *m, struct text *notes,
			 const struct mkcore_thread *t)
{
	const struct abi *abi = m->abi;
	uint8_t raw[336] = { 0 };

	put(raw + 12, FATAL_SIGNAL, 2);
	if (!m->by_gdb) {
		put(raw, FATAL_SIGNAL, 4);
		put(raw + abi->sighold_off, t->sigmask, abi->sighold_width);
		put(raw + abi->pid_off + 4, 1, 4);
	}
	put(raw + abi->pid_off, (uint64_t)t->tid, 4);
	for (unsigned i = 0; i < abi->regs_count; i++) {
		int reg = abi->order[i];
		uint64_t value = reg >= 0 ? t->regs.r[reg] : 0;

		if (i == abi->orig_ax)
			value = (uint64_t)t->orig_rax;
		put(raw + abi->regs_off + i * abi->reg_width, value,
		    abi->reg_width);
	}
	add_note(notes, "CORE", NT_PRSTATUS, raw, abi->status_size);
}

static void add_prpsinfo(const struct mkcore *m, struct text *notes)
{
	uint8_t raw[136] = { 0 };

	put(raw + m->abi->info_pid_off, (uint64_t)m->pid, 4);
	memcpy(raw + m->abi->info_fname_off, m->command, sizeof(m->command));
	add_note(notes, "CORE", NT_PRPSINFO, raw, m->abi->info_size);
}

static void add_nt_file(const struct mkcore *m, struct text *notes)
{
	unsigned w = m->abi->word;
	struct text t = TEXT_INIT;

	add_word(&t, m->files_count, w);
	add_word(&t, PAGE, w);
	for (size_t i = 0; i < m->files_count; i++) {
		add_word(&t, m->files[i].start, w);
		add_word(&t, m->files[i].end, w);
		add_word(&t, m->files[i].offset / PAGE, w);
	}
	for (size_t i = 0; i < m->files_count; i++)
		text_add_bytes(&t, m->files[i].path,
			       strlen(m->files[i].path) + 1);
	add_note(notes, "CORE", NT_FILE, t.data, t.size);
	text_deinit(&t);
}

/* What the kernel puts between the first thread's notes. */
static void add_process_notes(struct mkcore *m, struct text *notes)
{
	if (m->has_process)
		add_prpsinfo(m, notes);
	if (m->threads_count && m->threads[0].siginfo)
		add_note(notes, "CORE", NT_SIGINFO, m->threads[0].siginfo,
			 m->threads[0].t.siginfo_size);
	if (m->auxv.size) {
		mkcore_add_auxv(m, AT_NULL, 0);
		add_note(notes, "CORE", NT_AUXV, m->auxv.data, m->auxv.size);
		m->auxv.size -= 2 * m->abi->word;
	}
	if (m->files_count)
		add_nt_file(m, notes);
}

static void add_notes(struct mkcore *m, struct text *notes)
{
	for (size_t i = 0; i < m->threads_count; i++) {
		const struct thread_notes *n = &m->threads[i];

		add_prstatus(m, notes, &n->t);
		if (!i)
			add_process_notes(m, notes);
		else if (n->siginfo)
			add_note(notes, "CORE", NT_SIGINFO, n->siginfo,
				 n->t.siginfo_size);
		if (n->xstate)
			add_note(notes, "LINUX", NT_X86_XSTATE, n->xstate,
				 n->t.xstate_size);
	}
	if (!m->threads_count)
		add_process_notes(m, notes);
	if (m->layout.size)
		add_note(notes, "LINUX", 0x205, m->layout.data,
			 m->layout.size);
	if (m->extra.size)
		text_add_bytes(notes, m->extra.data, m->extra.size);
}

static void add_header(const struct mkcore *m, struct text *t, uint64_t shoff)
{
	unsigned w = m->abi->word;
	size_t count = m->segments_count + 1;
	const uint8_t ident[EI_NIDENT] = {
		ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
		w == 8 ? ELFCLASS64 : ELFCLASS32, ELFDATA2LSB, EV_CURRENT,
	};

	text_add_bytes(t, ident, sizeof(ident));
	add_word(t, ET_CORE, 2);
	add_word(t, m->abi->machine, 2);
	add_word(t, EV_CURRENT, 4);
	add_word(t, 0, w);		/* e_entry */
	add_word(t, w == 8 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), w);
	add_word(t, shoff, w);
	add_word(t, 0, 4);		/* e_flags */
	add_word(t, w == 8 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), 2);
	add_word(t, w == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), 2);
	add_word(t, shoff ? PN_XNUM : count, 2);
	add_word(t, w == 8 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), 2);
	add_word(t, shoff ? 1 : 0, 2);	/* e_shnum */
	add_word(t, 0, 2);		/* e_shstrndx */
}

static void add_phdr(const struct mkcore *m, struct text *t, uint32_t type,
		     uint64_t offset, const struct mkcore_segment *s)
{
	unsigned w = m->abi->word;
	uint32_t flags = (s->prot & PROT_READ ? PF_R : 0) |
			 (s->prot & PROT_WRITE ? PF_W : 0) |
			 (s->prot & PROT_EXEC ? PF_X : 0);

	add_word(t, type, 4);
	if (w == 8)
		add_word(t, flags, 4);
	add_word(t, offset, w);
	add_word(t, s->start, w);
	add_word(t, 0, w);		/* p_paddr */
	add_word(t, s->dumped, w);
	add_word(t, s->size, w);
	if (w == 4)
		add_word(t, flags, 4);
	add_word(t, type == PT_LOAD ? PAGE : 4, w);
}

static uint64_t page_up(uint64_t value)
{
	return (value + PAGE - 1) & -(uint64_t)PAGE;
}

/*
 * Lay it all out: the front part of the file in *front_ret, the last part in
 * *back_ret at *back_off_ret, segments where they say.
 */
static void lay_out(struct mkcore *m, struct text *front_ret,
		    struct text *back_ret, uint64_t *back_off_ret)
{
	unsigned w = m->abi->word;
	struct text notes = TEXT_INIT;
	size_t count = m->segments_count + 1;
	uint64_t at = w == 8 ? sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Phdr)
			     : sizeof(Elf32_Ehdr) + count * sizeof(Elf32_Phdr);

	add_notes(m, &notes);

	const struct mkcore_segment note = { .dumped = notes.size };
	uint64_t notes_off = at;

	at += notes.size;
	for (size_t i = 0; i < m->segments_count; i++) {
		at = page_up(at);
		m->segments[i].offset = at;
		at += m->segments[i].s.dumped;
	}
	add_header(m, front_ret, m->extended ? at : 0);
	add_phdr(m, front_ret, PT_NOTE, notes_off, &note);
	for (size_t i = 0; i < m->segments_count; i++)
		add_phdr(m, front_ret, PT_LOAD, m->segments[i].offset,
			 &m->segments[i].s);
	text_add_bytes(front_ret, notes.data ? notes.data : "", notes.size);
	if (m->extended) {
		size_t info = w == 8 ? offsetof(Elf64_Shdr, sh_info)
				     : offsetof(Elf32_Shdr, sh_info);
		size_t size = w == 8 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);

		add_zeros(back_ret, info);
		add_word(back_ret, count, 4);
		add_zeros(back_ret, size - info - 4);
	}
	*back_off_ret = at;
	if (text_bad(front_ret) || text_bad(back_ret) || text_bad(&notes))
		need(NULL);
	text_deinit(&notes);
}

uint8_t *mkcore_build(struct mkcore *m, size_t *size_ret)
{
	struct text front = TEXT_INIT, back = TEXT_INIT;
	uint64_t back_off;

	lay_out(m, &front, &back, &back_off);

	uint8_t *image = need(calloc(1, back_off + back.size + 1));

	memcpy(image, front.data, front.size);
	for (size_t i = 0; i < m->segments_count; i++)
		memcpy(image + m->segments[i].offset, m->segments[i].data,
		       m->segments[i].s.data_size);
	if (back.size)
		memcpy(image + back_off, back.data, back.size);
	*size_ret = back_off + back.size;
	text_deinit(&front);
	text_deinit(&back);
	return image;
}

static bool put_at(int fd, const void *data, size_t size, uint64_t off)
{
	const uint8_t *at = data;

	while (size) {
		ssize_t done = pwrite(fd, at, size, (off_t)off);

		if (done < 0)
			return false;
		at += done;
		off += (uint64_t)done;
		size -= (size_t)done;
	}
	return true;
}

bool mkcore_write(struct mkcore *m, const char *path)
{
	struct text front = TEXT_INIT, back = TEXT_INIT;
	CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				 0600);
	uint64_t back_off;

	if (fd < 0)
		return false;
	lay_out(m, &front, &back, &back_off);

	bool done = put_at(fd, front.data, front.size, 0) &&
		    put_at(fd, back.data, back.size, back_off) &&
		    !ftruncate(fd, (off_t)(back_off + back.size));

	for (size_t i = 0; done && i < m->segments_count; i++)
		done = put_at(fd, m->segments[i].data,
			      m->segments[i].s.data_size,
			      m->segments[i].offset);
	text_deinit(&front);
	text_deinit(&back);
	return done;
}
