/* SPDX-License-Identifier: GPL-3.0-or-later */
/* harness.c - keeps a child at hand that performs sigreturns */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ANSWER_MS 3000
#define TRIES 50		/* children, for one whose heap is elsewhere */

struct error *harness_init(struct harness *h, const char *program,
			   uint64_t xfeatures)
{
	*h = (struct harness){
		.program = program,
		.control = -1,
		.memory = -1,
		.xfeatures = xfeatures,
		.xsave = xfeatures != 0,
		.patience_ms = ANSWER_MS,
	};
	h->memory = memfd_create("oracle", MFD_CLOEXEC);
	if (h->memory < 0 || ftruncate(h->memory, (off_t)CHILD_MEMORY_SIZE))
		return error_os(errno, "cannot create shared memory");

	void *p = mmap(NULL, CHILD_MEMORY_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED, h->memory, 0);

	if (p == MAP_FAILED)
		return error_os(errno, "cannot map shared memory");
	h->shared = p;
	for (unsigned i = 0; i < CHILD_PAGES; i++)
		h->pages[i] = (uint8_t *)p + child_page_offset(i);
	return NULL;
}

/* End the child, if there is one; its wait status. */
static int stop_child(struct harness *h)
{
	int status = 0;

	if (h->pid) {
		kill(h->pid, SIGKILL);
		while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
			;
		h->pid = 0;
	}
	if (h->control >= 0)
		close(h->control);
	h->control = -1;
	return status;
}

void harness_forget(struct harness *h)
{
	stop_child(h);
}

void harness_deinit(struct harness *h)
{
	stop_child(h);
	if (h->shared)
		munmap(h->shared, CHILD_MEMORY_SIZE);
	if (h->memory >= 0)
		close(h->memory);
}

/* In the new process: only what may follow a fork. */
static void become_child(const struct harness *h, int control)
{
	int memory = fcntl(h->memory, F_DUPFD, CHILD_MEMORY + 1);

	if (dup2(control, CHILD_CONTROL) < 0 ||
	    dup2(memory, CHILD_MEMORY) < 0)
		_exit(2);
	close(memory);
	execl(h->program, h->program, (char *)NULL);
	_exit(2);
}

/* One answer. False at the end of the child; *hung_ret if time ran out. */
static bool read_answer(struct harness *h, bool *hung_ret)
{
	struct pollfd p = { .fd = h->control, .events = POLLIN };
	uint8_t byte;
	int ready;

	do
		ready = poll(&p, 1, h->patience_ms);
	while (ready < 0 && errno == EINTR);
	*hung_ret = ready == 0;
	return ready > 0 && read(h->control, &byte, 1) == 1;
}

struct error *harness_start(struct harness *h)
{
	CLEANUP_FD int theirs = -1;
	CLEANUP_FD int ours = -1;
	int pair[2];

	if (h->pid)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return error_os(errno, "cannot create a socket pair");
	ours = pair[0];
	theirs = pair[1];
	h->shared->request.xsave = h->xsave;
	h->shared->request.xfeatures = h->xfeatures;

	pid_t pid = fork();

	if (pid < 0)
		return error_os(errno, "cannot fork");
	if (!pid)
		become_child(h, theirs);
	h->pid = pid;
	h->control = TAKE_FD(ours);
	h->started++;
	return NULL;
}

/* One try; *taken_ret if the child had no room for its memory. */
static struct error *run_once(struct harness *h, enum harness_end *ret,
			      int *signo_ret, bool *taken_ret)
{
	struct child_request q = h->shared->request;
	struct error *err = harness_start(h);
	uint8_t byte = 0;
	bool hung = false;

	if (err)
		return err;
	q.xsave = h->xsave;
	q.xfeatures = h->xfeatures;
	h->shared->request = q;
	h->shared->result.path = CHILD_NOTHING;
	*signo_ret = 0;
	*taken_ret = false;
	if (send(h->control, &byte, 1, MSG_NOSIGNAL) == 1 &&
	    read_answer(h, &hung)) {
		*ret = HARNESS_ANSWERED;
		return NULL;
	}
	if (hung) {
		stop_child(h);
		*ret = HARNESS_HUNG;
		return NULL;
	}

	/* it is dying: its socket is closed already */
	int status = stop_child(h);

	*taken_ret = WIFEXITED(status) && WEXITSTATUS(status) == CHILD_TAKEN;
	if (*taken_ret)
		return NULL;
	if (WIFEXITED(status))
		return error_new(ERROR_OS, "%s ended with status %d",
				 h->program, WEXITSTATUS(status));
	*signo_ret = WTERMSIG(status);
	*ret = HARNESS_KILLED;
	return NULL;
}

struct error *harness_run(struct harness *h, enum harness_end *ret,
			  int *signo_ret)
{
	bool taken = true;

	for (unsigned i = 0; taken && i < TRIES; i++) {
		struct error *err = run_once(h, ret, signo_ret, &taken);

		if (err)
			return err;
	}
	if (taken)
		return error_new(ERROR_OS, "%s finds no room for its memory",
				 h->program);
	return NULL;
}
