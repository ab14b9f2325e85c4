/* SPDX-License-Identifier: GPL-3.0-or-later */
/* checkpoint.c - the processes in a set of CRIU images as snapshots */
#include "source/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "source/criu_image.h"
#include "source/criu_process.h"

#define VERSION_LAST 2		/* of the image format */
#define CPUINFO_MAX (1u << 20)

struct process {
	pid_t pid;
	pid_t *threads;		/* `pid` among them; none: not known */
	size_t threads_count;
};

struct checkpoint {
	struct image_files *images;
	char *name;
	struct core_options options;
	struct process *processes;
	size_t count;
	struct criu_files files;
	char *files_problem;	/* why there are none, or NULL */
	uint8_t *cpuinfo;
	size_t cpuinfo_size;
	char *cpuinfo_problem;
};

static bool is_wanted(const struct checkpoint *c, const struct process *p)
{
	const struct core_options *o = &c->options;

	for (size_t i = 0; i < p->threads_count; i++)
		if (snapshot_wants(o->tids, o->tids_count, p->threads[i]))
			return true;
	return snapshot_wants(o->tids, o->tids_count, p->pid);
}

static struct error *add_process(struct checkpoint *c, const CriuProcess *from)
{
	struct process *p = array_grow(c->processes, c->count, sizeof(*p));
	bool has_leader = false;

	if (!p)
		return &error_no_memory;
	c->processes = p;
	p += c->count;
	*p = (struct process){
		.pid = (pid_t)from->pid,
		.threads = calloc(from->n_threads + 1, sizeof(*p->threads)),
		.threads_count = from->n_threads,
	};
	if (!p->threads)
		return &error_no_memory;
	c->count++;
	if (p->pid <= 0)
		return error_new(ERROR_BAD_INPUT, "a process %d", (int)p->pid);
	for (size_t i = 0; i < from->n_threads; i++) {
		p->threads[i] = (pid_t)from->threads[i];
		has_leader |= p->threads[i] == p->pid;
	}
	/* CRIU writes anything for those of a dead process */
	if (!has_leader)
		p->threads_count = 0;
	if (!is_wanted(c, p))
		free(c->processes[--c->count].threads);
	return NULL;
}

static int compare_tids(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Their images have the threads' numbers as names. */
static struct error *check_unique(const struct checkpoint *c)
{
	CLEANUP_FREE pid_t *all = NULL;
	size_t count = 0, n = 0;

	for (size_t i = 0; i < c->count; i++)
		count += c->processes[i].threads_count;
	all = calloc(count + 1, sizeof(*all));
	if (!all)
		return &error_no_memory;
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < c->processes[i].threads_count; k++)
			all[n++] = c->processes[i].threads[k];
	qsort(all, count, sizeof(*all), compare_tids);
	for (size_t i = 1; i < count; i++)
		if (all[i] == all[i - 1])
			return error_new(ERROR_BAD_INPUT, "thread %d is there "
					 "twice", (int)all[i]);
	return NULL;
}

static struct error *read_processes(struct checkpoint *c)
{
	struct criu_image image;
	ProtobufCMessage *m = NULL;
	size_t seen = 0;
	struct error *err = criu_image_load(c->images, "pstree.img",
					    CRIU_PSTREE, &image);

	if (err)
		return err;
	do {
		err = criu_image_next(&image, &criu_process__descriptor, &m);
		if (err || !m)
			break;
		seen++;
		err = add_process(c, (CriuProcess *)m);
		protobuf_c_message_free_unpacked(m, NULL);
		if (err)
			err = error_wrap(err, "%s", image.path);
	} while (!err);
	criu_image_deinit(&image);
	if (err)
		return err;
	if (!seen)
		return error_new(ERROR_BAD_INPUT, "pstree.img: no processes");
	if (!c->count)
		return error_new(ERROR_BAD_INPUT, "the images have none of "
				 "the threads asked for");
	err = check_unique(c);
	return err ? error_wrap(err, "pstree.img") : NULL;
}

static struct error *check_version(const struct checkpoint *c)
{
	ProtobufCMessage *m = NULL;
	struct error *err = criu_image_only(c->images, "inventory.img",
					    CRIU_INVENTORY,
					    &criu_inventory__descriptor, &m);
	uint32_t version;

	if (err && error_code(err) == ERROR_GONE) {
		error_free(err);
		return error_new(ERROR_BAD_INPUT, "no images of CRIU: there "
				 "is no inventory.img");
	}
	if (err)
		return err;
	version = ((CriuInventory *)m)->version;
	protobuf_c_message_free_unpacked(m, NULL);
	if (!version)
		return error_new(ERROR_UNSUPPORTED, "inventory.img: the images "
				 "of a pre-dump, which have no processes");
	if (version > VERSION_LAST)
		return error_new(ERROR_UNSUPPORTED, "inventory.img: version %"
				 PRIu32 " of the images; this program knows 1 "
				 "to %d", version, VERSION_LAST);
	return NULL;
}

/* Keep what went wrong with a file that one can do without. */
static struct error *keep_problem(struct error *err, char **ret)
{
	if (!err || error_code(err) == ERROR_NO_MEMORY)
		return err;
	*ret = strdup(error_message(err));
	error_free(err);
	return *ret ? NULL : &error_no_memory;
}

static struct error *read_cpuinfo(struct checkpoint *c)
{
	struct error *err = image_files_load(c->images, "cpuinfo.img",
					     CPUINFO_MAX, &c->cpuinfo,
					     &c->cpuinfo_size);

	/* only some dumps have it */
	if (err && error_code(err) == ERROR_GONE) {
		error_free(err);
		return NULL;
	}
	return keep_problem(err, &c->cpuinfo_problem);
}

static struct error *read_files(struct checkpoint *c)
{
	struct error *err = criu_files_read(c->images, &c->files);

	/* half of the names is worse than none */
	if (err)
		criu_files_deinit(&c->files);
	return keep_problem(err, &c->files_problem);
}

struct error *checkpoint_open(struct image_files *files, const char *name,
			      const struct core_options *options,
			      struct checkpoint **ret)
{
	struct checkpoint *c = calloc(1, sizeof(*c));
	struct error *err = &error_no_memory;

	if (!c) {
		image_files_destroy(files);
		return err;
	}
	c->images = files;
	c->options = *options;
	c->name = strdup(name);
	if (c->name)
		err = check_version(c);
	if (!err)
		err = read_processes(c);
	if (!err)
		err = read_files(c);
	if (!err)
		err = read_cpuinfo(c);
	if (err) {
		checkpoint_destroy(c);
		return error_wrap(err, "%s", name);
	}
	*ret = c;
	return NULL;
}

static struct error *copy_cpuinfo(const struct checkpoint *c,
				  struct snapshot *s)
{
	if (!c->cpuinfo)
		return NULL;
	s->cpuinfo = malloc(c->cpuinfo_size + 1);
	if (!s->cpuinfo)
		return &error_no_memory;
	memcpy(s->cpuinfo, c->cpuinfo, c->cpuinfo_size);
	s->cpuinfo_size = c->cpuinfo_size;
	return NULL;
}

static struct error *fill(const struct checkpoint *c, const struct process *p,
			  struct snapshot *s)
{
	const struct criu_process process = {
		.images = c->images,
		.files = &c->files,
		.options = &c->options,
		.pid = p->pid,
		.threads = p->threads,
		.threads_count = p->threads_count,
	};
	struct error *err;

	s->name = strdup(c->name);
	if (!s->name)
		return &error_no_memory;
	if (c->files_problem)
		snapshot_note(s, "the files of the process are not known: %s",
			      c->files_problem);
	if (c->cpuinfo_problem)
		snapshot_note(s, "%s", c->cpuinfo_problem);
	err = criu_process_fill(&process, s);
	return err ? err : copy_cpuinfo(c, s);
}

struct error *checkpoint_snapshot(struct checkpoint *c, size_t i,
				  struct snapshot **ret)
{
	const struct process *p = &c->processes[i];
	struct snapshot *s = snapshot_create(image_files_kind(c->images));
	struct error *err = s ? fill(c, p, s) : &error_no_memory;

	if (err) {
		snapshot_destroy(s);
		return error_wrap(err, "%s: process %d", c->name,
				  (int)p->pid);
	}
	*ret = s;
	return NULL;
}

size_t checkpoint_count(const struct checkpoint *c)
{
	return c->count;
}

void checkpoint_destroy(struct checkpoint *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++)
		free(c->processes[i].threads);
	free(c->processes);
	criu_files_deinit(&c->files);
	free(c->files_problem);
	free(c->cpuinfo);
	free(c->cpuinfo_problem);
	free(c->name);
	image_files_destroy(c->images);
	free(c);
}

const char *checkpoint_library(void)
{
	return protobuf_c_version();
}
