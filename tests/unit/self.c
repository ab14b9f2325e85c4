/* SPDX-License-Identifier: GPL-3.0-or-later */
/* self.c - this process, as a source would show it */
#include "self.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

static size_t read_self(const struct snapshot *s, uint64_t addr, void *buf,
			size_t size)
{
	struct iovec local = { buf, size };
	struct iovec remote = { (void *)(uintptr_t)addr, size };
	ssize_t got = process_vm_readv(s->pid, &local, 1, &remote, 1, 0);

	return got < 0 ? 0 : (size_t)got;
}

static struct error *open_file(const struct snapshot *s,
			       const struct mapping *m, int *fd_ret)
{
	(void)s;
	*fd_ret = open(m->path, O_RDONLY | O_CLOEXEC);
	return *fd_ret < 0 ? error_os(errno, "%s", m->path) : NULL;
}

static const struct snapshot_ops self_ops = {
	.read = read_self,
	.open_file = open_file,
};

static void read_maps(struct snapshot *s)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;

	assert_non_null(maps);
	while (getline(&line, &room, maps) > 0) {
		struct mapping m = { 0 };
		char prot[5];
		int path = 0;

		line[strcspn(line, "\n")] = '\0';
		assert_int_equal(
			sscanf(line,
			       "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64
			       " %*x:%*x %" SCNu64 " %n",
			       &m.start, &m.end, prot, &m.offset, &m.inode,
			       &path),
			5);
		m.prot = (prot[0] == 'r' ? PROT_READ : 0u) |
			 (prot[1] == 'w' ? PROT_WRITE : 0u) |
			 (prot[2] == 'x' ? PROT_EXEC : 0u);
		if (path && line[path])
			m.path = strdup(line + path);

		struct mapping *added = snapshot_add_mapping(s);

		assert_non_null(added);
		*added = m;
	}
	fclose(maps);
}

struct snapshot *self_snapshot(void)
{
	struct snapshot *s = snapshot_create(SOURCE_PROCESS);
	struct thread *t;

	assert_non_null(s);
	s->pid = getpid();
	s->ops = &self_ops;
	read_maps(s);
	snapshot_finish(s);
	t = snapshot_add_thread(s, getpid());
	assert_non_null(t);
	t->has = THREAD_HAS_PC_SP | THREAD_HAS_GPRS;
	t->regs.r[X86_CS] = X86_USER_CS;
	t->regs.r[X86_SS] = X86_USER_DS;
	return s;
}

bool self_frames_are_real(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return !preload || !strstr(preload, "vgpreload");
}
