/* SPDX-License-Identifier: GPL-3.0-or-later */
/* limit.c - no more than the system calls that nobody gets around */

/*
 * Usage: limit all|look PID
 *        limit core FILE
 *
 * What finding frames costs at least: all: every thread is stopped, its
 * registers and the top of its stack are copied. look: all are looked at where
 * they wait, and only those stopped that run or that have something like a
 * frame. core: notes, and the top of each stack. No evidence is weighed,
 * nothing is judged or told, nobody is careful: not a tool. Prints
 *
 *	threads COUNT frames COUNT
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TOP = 16384,		/* bytes of a stack */
	BATCH = 512,		/* stacks per call */
	XSTATE = 16384,
	/* in a frame: struct rt_sigframe, and software bytes of its image */
	FRAME = 304,
	FPSTATE = 232,
	SAVED_SP = 168,
	MAGIC = 464,
};

#define MAGIC1 UINT32_C(0x46505853)

struct thread {
	pid_t tid;
	uint64_t sp;
	uint64_t pc;
	uint8_t *stack;
	size_t size;
	bool stop;
};

struct range {
	uint64_t start;
	uint64_t end;
	uint64_t offset;	/* in a core */
};

static struct thread *threads;
static size_t threads_count;
static struct range *ranges;
static size_t ranges_count;
static pid_t pid;

static void *grown(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	array = realloc(array, (count ? 2 * count : 1) * size);
	if (!array)
		abort();
	return array;
}

static void add_thread(pid_t tid, uint64_t sp)
{
	threads = grown(threads, threads_count, sizeof(*threads));
	threads[threads_count++] = (struct thread){ .tid = tid, .sp = sp };
}

static void add_range(uint64_t start, uint64_t end, uint64_t offset)
{
	ranges = grown(ranges, ranges_count, sizeof(*ranges));
	ranges[ranges_count++] = (struct range){ start, end, offset };
}

static const struct range *range_at(uint64_t addr)
{
	size_t low = 0, high = ranges_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ranges[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ranges_count && ranges[low].start <= addr ? &ranges[low]
								: NULL;
}

static void list_threads(void)
{
	char name[64];
	DIR *dir;
	struct dirent *entry;

	snprintf(name, sizeof(name), "/proc/%d/task", pid);
	dir = opendir(name);
	if (!dir)
		exit(2);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			add_thread(atoi(entry->d_name), 0);
	closedir(dir);
}

static void read_maps(void)
{
	char name[64], *text = NULL;
	size_t size = 0, room = 0;
	ssize_t got;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	fd = open(name, O_RDONLY);
	do {
		if (room - size < 65536)
			text = realloc(text, room = 2 * room + 131072);
		got = read(fd, text + size, 65536);
		size += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	close(fd);
	text[size] = '\0';
	for (char *line = text; *line;) {
		char *at;
		uint64_t start = strtoull(line, &at, 16);
		uint64_t end = strtoull(at + 1, &at, 16);

		if (at[1] == 'r')
			add_range(start, end, 0);
		line = strchr(line, '\n') + 1;
	}
	free(text);
}

/* The top of each stack, many at a time; those that are wanted. */
static void copy_stacks(bool only_stopped)
{
	struct iovec local[BATCH], remote[BATCH];
	size_t count = 0;

	for (size_t i = 0; i < threads_count; i++) {
		struct thread *t = &threads[i];
		uint64_t sp = t->sp & ~UINT64_C(15);
		const struct range *r = range_at(sp);

		if (r && t->sp && (!only_stopped || t->stop)) {
			t->size = r->end - sp < TOP ? r->end - sp : TOP;
			if (!t->stack)
				t->stack = malloc(TOP);
			local[count] = (struct iovec){ t->stack, t->size };
			remote[count++] = (struct iovec){
				(void *)(uintptr_t)sp, t->size };
		}
		if (count && (count == BATCH || i + 1 == threads_count)) {
			process_vm_readv(pid, local, count, remote, count, 0);
			count = 0;
		}
	}
}

/* Frames in [at, at + size), at `sp`; the last one's stack in *sp. */
static unsigned scan(const uint8_t *at, size_t size, uint64_t *sp)
{
	uint64_t start = *sp & ~UINT64_C(15);
	unsigned found = 0;

	for (size_t off = 0; off + FRAME <= size; off += 8) {
		uint64_t image;
		uint32_t magic;

		memcpy(&image, at + off + FPSTATE, sizeof(image));
		if (image % 64 || image - start < off ||
		    image - start > size - MAGIC - 4)
			continue;
		image -= start;
		memcpy(&magic, at + image + MAGIC, sizeof(magic));
		if (magic != MAGIC1)
			continue;
		found++;
		memcpy(sp, at + off + SAVED_SP, sizeof(*sp));
	}
	return found;
}

/* Of all stacks that were copied, and of those that they lead to. */
static unsigned scan_all(void)
{
	uint8_t *more = malloc(TOP);
	unsigned found = 0;

	for (size_t i = 0; i < threads_count; i++) {
		struct thread *t = &threads[i];
		uint64_t sp = t->sp;
		unsigned here = t->stack ? scan(t->stack, t->size, &sp) : 0;

		found += here;
		if (!here || sp - t->sp < t->size)
			continue;

		const struct range *r = range_at(sp);
		size_t size = r && r->end - sp < TOP ? r->end - sp : TOP;
		struct iovec local = { more, size };
		struct iovec remote = { (void *)(uintptr_t)(sp & ~15ul), size };

		if (r && process_vm_readv(pid, &local, 1, &remote, 1, 0) > 0)
			found += scan(more, size, &sp);
	}
	free(more);
	return found;
}

static void stop_and_copy(void)
{
	static uint8_t xstate[XSTATE];
	size_t left = 0;

	for (size_t i = 0; i < threads_count; i++)
		if (threads[i].stop)
			threads[i].stop = !ptrace(PTRACE_SEIZE, threads[i].tid,
						  NULL, NULL);
	for (size_t i = 0; i < threads_count; i++)
		if (threads[i].stop) {
			ptrace(PTRACE_INTERRUPT, threads[i].tid, NULL, NULL);
			left++;
		}
	/* those that wait are marked by no registers so far */
	for (size_t i = 0; i < threads_count; i++)
		threads[i].sp = threads[i].stop ? 0 : threads[i].sp;
	while (left) {
		size_t before = left;

		for (size_t i = 0; i < threads_count; i++) {
			struct thread *t = &threads[i];
			struct user_regs_struct regs;
			struct iovec set = { &regs, sizeof(regs) };
			struct iovec image = { xstate, sizeof(xstate) };
			int status;

			if (!t->stop || t->sp ||
			    waitpid(t->tid, &status, __WALL | WNOHANG) <= 0)
				continue;
			left--;
			ptrace(PTRACE_GETREGSET, t->tid, NT_PRSTATUS, &set);
			ptrace(PTRACE_GETREGSET, t->tid, NT_X86_XSTATE,
			       &image);
			t->sp = regs.rsp;
		}
		if (left == before)
			sched_yield();
	}
	copy_stacks(true);
	for (size_t i = 0; i < threads_count; i++)
		if (threads[i].stop)
			ptrace(PTRACE_DETACH, threads[i].tid, NULL, NULL);
}

/* Where a thread waits; false if it runs. */
static bool ask(const struct thread *t, uint64_t *sp, uint64_t *pc)
{
	char name[64], text[256], *at;
	ssize_t size;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/syscall", pid, t->tid);
	fd = open(name, O_RDONLY);
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size <= 0 || text[0] == 'r')
		return false;
	text[size] = '\0';
	at = text;
	if (strtol(at, &at, 10) >= 0)
		for (unsigned i = 0; i < 6; i++)
			strtoull(at, &at, 16);
	*sp = strtoull(at, &at, 16);
	*pc = strtoull(at, &at, 16);
	return true;
}

static void look(void)
{
	uint64_t sp, pc;

	for (size_t i = 0; i < threads_count; i++)
		threads[i].stop = !ask(&threads[i], &threads[i].sp,
				       &threads[i].pc);
	copy_stacks(false);
	for (size_t i = 0; i < threads_count; i++) {
		struct thread *t = &threads[i];

		sp = t->sp;
		if (!t->stop)
			t->stop = scan(t->stack, t->size, &sp) ||
				  !ask(t, &sp, &pc) || sp != t->sp ||
				  pc != t->pc;
	}
}

static void live(bool first_look)
{
	list_threads();
	read_maps();
	for (size_t i = 0; i < threads_count; i++)
		threads[i].stop = true;
	if (first_look)
		look();
	stop_and_copy();
	printf("threads %zu frames %u\n", threads_count, scan_all());
}

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Stack pointers from the notes of a 64-bit core. */
static void read_notes(const uint8_t *notes, size_t size)
{
	Elf64_Nhdr n;

	for (size_t at = 0; at + sizeof(n) <= size;) {
		size_t desc;

		memcpy(&n, notes + at, sizeof(n));
		desc = at + sizeof(n) + ((n.n_namesz + 3) & ~3u);
		if (n.n_type == NT_PRSTATUS && n.n_descsz == 336) {
			uint64_t sp;

			memcpy(&sp, notes + desc + 112 + 19 * 8, sizeof(sp));
			add_thread(0, sp);
		}
		at = desc + ((n.n_descsz + 3) & ~3u);
	}
}

static unsigned scan_core(int fd)
{
	uint8_t *stack = malloc(TOP);
	unsigned found = 0;

	for (size_t i = 0; i < threads_count; i++) {
		uint64_t sp = threads[i].sp;

		for (unsigned hop = 0; hop < 4; hop++) {
			uint64_t from = sp & ~UINT64_C(15), start = sp;
			const struct range *r = range_at(from);
			size_t size = r && r->end - from < TOP ? r->end - from
							       : TOP;

			if (!r || pread(fd, stack, size,
					(off_t)(r->offset + from - r->start)) <
					  (ssize_t)size)
				break;
			found += scan(stack, size, &sp);
			if (sp - start < size)
				break;
		}
	}
	free(stack);
	return found;
}

static void core(const char *file)
{
	int fd = open(file, O_RDONLY);
	Elf64_Ehdr header;
	Elf64_Phdr *rows;
	size_t count;

	if (fd < 0 || pread(fd, &header, sizeof(header), 0) !=
			      (ssize_t)sizeof(header))
		exit(2);
	count = header.e_phnum;
	if (count == PN_XNUM) {
		Elf64_Shdr first;

		if (pread(fd, &first, sizeof(first), (off_t)header.e_shoff) < 0)
			exit(2);
		count = first.sh_info;
	}
	rows = calloc(count, sizeof(*rows));
	if (pread(fd, rows, count * sizeof(*rows), (off_t)header.e_phoff) < 0)
		exit(2);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].p_type == PT_LOAD) {
			add_range(rows[i].p_vaddr,
				  rows[i].p_vaddr + rows[i].p_filesz,
				  rows[i].p_offset);
		} else if (rows[i].p_type == PT_NOTE) {
			uint8_t *notes = malloc(rows[i].p_filesz);

			if (pread(fd, notes, rows[i].p_filesz,
				  (off_t)rows[i].p_offset) < 0)
				exit(2);
			read_notes(notes, rows[i].p_filesz);
			free(notes);
		}
	}
	qsort(ranges, ranges_count, sizeof(*ranges), by_start);
	printf("threads %zu frames %u\n", threads_count, scan_core(fd));
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	pid = atoi(argv[2]);
	if (!strcmp(argv[1], "core"))
		core(argv[2]);
	else
		live(!strcmp(argv[1], "look"));
	return 0;
}
