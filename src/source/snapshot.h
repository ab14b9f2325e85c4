/* SPDX-License-Identifier: GPL-3.0-or-later */
/* snapshot.h - a process as it was at one moment, wherever it came from */
#ifndef SIGFRAME_SOURCE_SNAPSHOT_H
#define SIGFRAME_SOURCE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "x86/gprs.h"
#include "x86/siginfo.h"
#include "x86/xstate.h"

/*
 * Plain data about one process plus a way to read its memory. Sources fill it
 * in (live.h, core.h, checkpoint.h); nobody behind this header asks which one it was.
 */
enum source_kind {
	SOURCE_PROCESS,
	SOURCE_CORE,
	SOURCE_CRIU,		/* a directory of CRIU images */
	SOURCE_ARCHIVE,		/* a container's checkpoint in one file */
	SOURCE_KINDS,
};

/* "process", "core", "criu", "archive" */
extern const char *const source_kind_names[SOURCE_KINDS];

/* CRIU images, in a directory or in an archive? */
static inline bool source_kind_is_checkpoint(enum source_kind kind)
{
	return kind == SOURCE_CRIU || kind == SOURCE_ARCHIVE;
}

/* One line of /proc/PID/maps, or a PT_LOAD with what NT_FILE says of it. */
struct mapping {
	uint64_t start;		/* [start, end) */
	uint64_t end;
	uint64_t offset;	/* bytes into the file, if there is one */
	unsigned prot; /* by mapping_prot() */
	bool shared;		/* with others; a core does not tell */
	uint64_t device;	/* makedev(major, minor); 0: unknown */
	uint64_t inode;		/* 0: unknown, or not a file */
	char *path;		/* "/lib/...", "[stack]"; foreign; or NULL */
};

/*
 * PROT_READ, PROT_WRITE and PROT_EXEC as they work: what can be written to can
 * be read, whatever was asked for, as pages have no bit against that
 * (access_error(), arch/x86/mm/fault.c). Other bits are left out.
 */
unsigned mapping_prot(unsigned asked);

/* True if the path is a file's: neither NULL nor "[heap]" nor deleted. */
bool mapping_is_file(const struct mapping *m);

enum thread_has {
	THREAD_HAS_PC_SP = 1 << 0,	/* regs.r[X86_RIP], regs.r[X86_RSP] */
	THREAD_HAS_GPRS = 1 << 1,	/* all of regs, orig_rax */
	THREAD_HAS_XSTATE = 1 << 2,
	THREAD_HAS_SIGMASK = 1 << 3,
	THREAD_HAS_SYSCALL = 1 << 4,
	THREAD_HAS_SIGINFO = 1 << 5,
	THREAD_HAS_ALTSTACK = 1 << 6,	/* altstack, altstack_size */
	THREAD_HAS_PENDING = 1 << 7,	/* pending */
	THREAD_HAS_COMPONENTS = 1 << 8,	/* components, components_in_use */
};

struct thread {
	pid_t tid;
	char name[32];		/* comm; foreign; "" if unknown */
	char state;		/* as in /proc/PID/stat; '\0' if unknown */
	bool stopped;		/* the source stopped it for the look */
	/*
	 * The source looked at its whole stack from the stack pointer to the
	 * end of the mapping and no byte of it can be a signal frame; the
	 * stack was not kept and there is nothing to locate.
	 */
	bool clear;
	/*
	 * It stood still while its stack was copied, and was not stopped for
	 * what may be there: something like a frame (`candidate`), or a return
	 * address that one may have had; or there is nothing, but that stack
	 * may not be the only one. To stop it would tell its registers.
	 */
	bool spared;
	bool candidate;
	unsigned has;		/* enum thread_has */
	struct x86_gprs regs;
	int64_t orig_rax;	/* syscall it is in, or -1 */
	int64_t syscall;	/* the same, from /proc; -1: in none */
	uint64_t sigmask;	/* blocked signals, bit n-1 */
	uint32_t siginfo_size;	/* of the signal that killed or stopped it */
	uint8_t siginfo[128];
	/*
	 * NT_X86_XSTATE, standard format; mostly only the FXSAVE area and the
	 * XSAVE header, because thousands of threads make it large.
	 */
	uint8_t *xstate;
	size_t xstate_size;
	/*
	 * The registers that it has now, not those of a frame: components of
	 * which they were saved (XSTATE_BIT), and those of them in use.
	 */
	uint64_t components;
	uint64_t components_in_use;
	uint32_t pkru;		/* if they were saved of it */
	uint64_t altstack;	/* ss_sp of sigaltstack(), 0: none */
	uint64_t altstack_size;	/* ss_size, 0: none */
	uint64_t pending;	/* signals, bit n-1, the process's too */
	enum tri shadow_stack;	/* it uses one */
	struct error *problem;	/* why it could not be examined, or NULL */
};

/* A copy of memory, made while the thread that uses it stood still. */
struct capture {
	uint64_t start;
	size_t size;
	uint8_t *data;
	/* what others wrote to meanwhile, [from, to); empty: nothing */
	uint64_t changed_from;
	uint64_t changed_to;
};

/* What sigaction() says of a signal, as the kernel keeps it. */
struct signal_action {
	uint64_t handler;	/* address; 0: default, 1: ignored */
	uint64_t flags;		/* SA_ */
	uint64_t restorer;	/* return address of its frames; 0: none */
	uint64_t mask;		/* bit n-1 */
};

#define SNAPSHOT_SIGNALS 64

struct snapshot;

/*
 * Where things were found last: who walks a stack stays in one mapping and one
 * capture for long. Only ever a guess, but for the pages.
 */
struct snapshot_hints {
	size_t mapping;
	size_t capture;
	struct pagecache *pages;	/* of a source that is steady; or NULL */
};

/* What a source has to offer beside the plain data. */
struct snapshot_ops {
	/*
	 * Copy up to `size` bytes from `addr` on, which are not in a capture.
	 * Returns how many could be had from the start, 0 if none.
	 */
	size_t (*read)(const struct snapshot *s, uint64_t addr, void *buf,
		       size_t size);
	/*
	 * What was read once may be kept: nothing changes here. A read ends
	 * where the mapping does.
	 */
	bool steady;
	/*
	 * The first address in [from, to), which is within one mapping, where
	 * there is something to read that is neither zero nor from a file, and
	 * where that ends, in *end_ret; `to` if there is none. It is no harm
	 * to name too much. NULL: nothing is known.
	 */
	uint64_t (*next_data)(const struct snapshot *s, uint64_t from,
			      uint64_t to, uint64_t *end_ret);
	/*
	 * Is the thread of that index still where it was when it was looked
	 * at? False if that cannot be told. NULL: nothing moves here.
	 */
	bool (*stood)(const struct snapshot *s, size_t thread);
	/*
	 * Open the file behind a mapping, verified to be the one that was
	 * mapped as far as that can be told (device and inode, or build-id).
	 * An error says why there is none to be had.
	 */
	struct error *(*open_file)(const struct snapshot *s,
				   const struct mapping *m, int *fd_ret);
	void (*close)(struct snapshot *s);
};

struct snapshot {
	enum source_kind kind;
	char *name;		/* of the file or directory; NULL for a process */
	pid_t pid;
	pid_t pid_inside;	/* in its own pid namespace; 0: not known */
	char command[32];	/* comm of the process; foreign */
	char *executable;	/* path; foreign; or NULL */
	char *kernel;		/* release it ran on, or NULL */

	struct thread *threads;	/* in the source's order */
	size_t threads_count;
	bool threads_chosen;	/* a checkpoint has more, which are not wanted */
	struct mapping *mappings;	/* by address, never overlapping */
	size_t mappings_count;
	/*
	 * The list may lack some: where it has no mapping there may be one all
	 * the same (cores that gdb writes omit what they do not dump).
	 */
	bool mappings_partial;
	struct capture *captures;	/* by address, never overlapping */
	size_t captures_count;

	/*
	 * The layout of the CPU that ran it; features is 0 if unknown. From
	 * the host for a process, from NT_X86_XSAVE_LAYOUT for a core.
	 */
	struct xstate_layout layout;
	bool layout_noted;	/* by that note, which Linux writes since 6.12 */
	uint64_t xfeatures;	/* XCR0 of that CPU, 0 if unknown */
	uint64_t minsigstksz;	/* AT_MINSIGSTKSZ, 0 if unknown */
	uint64_t vdso;		/* AT_SYSINFO_EHDR, 0 if unknown */
	uint64_t random;	/* AT_RANDOM, 0 if unknown */
	unsigned word;		/* bytes of a pointer: 4 or 8 */
	uint16_t machine;	/* EM_386, or EM_X86_64 (x32 with 4 bytes) */

	/* Of signals 1 to 64, in this order; zeros unless known. */
	struct signal_action actions[SNAPSHOT_SIGNALS];
	bool actions_known;

	/* CRIU's cpuinfo.img of that machine, foreign, or NULL. */
	uint8_t *cpuinfo;
	size_t cpuinfo_size;

	/*
	 * Of an exported core: what source it was made from, and the texts
	 * that it carries, see source/carried.h. Foreign, NULL: none.
	 */
	char *exported_from;
	char *carried_cpu;
	char *carried_frames;

	/* What could not be had and the user should know; foreign. */
	char **notes;
	size_t notes_count;

	const struct snapshot_ops *ops;
	void *source;		/* the source's own */
	struct snapshot_hints *hints;	/* to find things; NULL: none */
};

/* Is a thread one of `tids`, the wanted ones? All are if there are none. */
bool snapshot_wants(const pid_t *tids, size_t count, pid_t tid);

/* An empty snapshot; NULL if there is no memory. */
struct snapshot *snapshot_create(enum source_kind kind);

/*
 * Close the source and what it holds open; only what was captured can be read
 * from now on.
 */
void snapshot_close(struct snapshot *s);

/* Frees all, closes the source; NULL is fine. */
void snapshot_destroy(struct snapshot *s);

/*
 * Append, growing the array. The new entry is zeroed, a thread's orig_rax and
 * syscall are -1. NULL if there is no memory. Pointers into the arrays are
 * good until the next append.
 */
struct thread *snapshot_add_thread(struct snapshot *s, pid_t tid);
struct mapping *snapshot_add_mapping(struct snapshot *s);
/* Takes `data`, also when it fails. */
struct error *snapshot_add_capture(struct snapshot *s, uint64_t start,
				   uint8_t *data, size_t size) MUST_USE;
/* printf-like; silently not added if there is no memory. */
void snapshot_note(struct snapshot *s, const char *fmt, ...) PRINTF(2, 3);

/* Sort mappings and captures by address; the source calls it once, last. */
void snapshot_finish(struct snapshot *s);

/*
 * A word of `width` bytes, 1, 2, 4 or 8. False if not all of it can be read,
 * for any other width, and in the last bytes of all addresses.
 */
bool snapshot_word(const struct snapshot *s, uint64_t addr, unsigned width,
		   uint64_t *ret);

/* The mapping that holds `addr`, or NULL. */
const struct mapping *snapshot_mapping(const struct snapshot *s,
				       uint64_t addr);

/*
 * Copy up to `size` bytes from `addr` on: from captures first, else from the
 * source. Returns how many could be had from the start; if fewer than asked,
 * *end_ret says whether the process could not have read on either (no mapping
 * there, or one without PROT_READ) or the bytes are just not to be had.
 */
size_t snapshot_read(const struct snapshot *s, uint64_t addr, void *buf,
		     size_t size, enum run_end *end_ret);

/*
 * As snapshot_read(), for what is not wanted again soon, nor anything close
 * to it.
 */
size_t snapshot_read_once(const struct snapshot *s, uint64_t addr, void *buf,
			  size_t size);

/*
 * Is `addr` mapped, and with all of `prot`? UNKNOWN if the snapshot does not
 * know the process's mappings at all, or may lack just this one.
 */
enum tri snapshot_mapped(const struct snapshot *s, uint64_t addr,
			 unsigned prot);

/* ops->next_data; all of it if the source has no such thing. */
uint64_t snapshot_next_data(const struct snapshot *s, uint64_t from,
			    uint64_t to, uint64_t *end_ret);

/*
 * What is known of the signal that thread `t` got; false if that is nothing.
 * Only cores of 32-bit processes have it in the 32-bit form.
 */
bool snapshot_siginfo(const struct snapshot *s, const struct thread *t,
		      struct siginfo *ret);

/* Do all threads have a shadow stack? UNKNOWN if some do. */
enum tri snapshot_shadow_stack(const struct snapshot *s);

/* ops->stood. */
bool snapshot_stood(const struct snapshot *s, size_t thread);

/* ops->open_file; an error if the source has no such thing. */
struct error *snapshot_open_file(const struct snapshot *s,
				 const struct mapping *m, int *fd_ret) MUST_USE;

#endif
