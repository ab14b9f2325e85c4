/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pagemap.c - which pages of a process have ever been written to */
#include "source/pagemap.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "source/sorted.h"

#define PAGE UINT64_C(4096)
/* An entry each: a tenth of a second or so. */
#define PAGES_MAX (UINT64_C(1) << 24)

/* uapi/linux/fs.h since Linux 6.7 */
struct scan_arg {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

struct scan_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

#define SCAN _IOWR('f', 16, struct scan_arg)

enum scan_category {
	SCAN_FILE = 1 << 2,
	SCAN_PRESENT = 1 << 3,
	SCAN_SWAPPED = 1 << 4,
	SCAN_PFNZERO = 1 << 5,
};

/* Documentation/admin-guide/mm/pagemap.rst */
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_SWAPPED (UINT64_C(1) << 62)
#define ENTRY_FILE (UINT64_C(1) << 61)

void pagemap_init(struct pagemap *p, int fd)
{
	*p = (struct pagemap){ .fd = fd, .pages_left = PAGES_MAX };
}

void pagemap_deinit(struct pagemap *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static void add_run(struct pagemap *p, uint64_t start, uint64_t end)
{
	if (p->count && p->runs[p->count - 1].end == start) {
		p->runs[p->count - 1].end = end;
		return;
	}
	p->runs[p->count].start = start;
	p->runs[p->count++].end = end;
}

/* Ask for all pages at once. */
static bool fill_by_scan(struct pagemap *p, uint64_t from, uint64_t to)
{
	struct scan_region regions[PAGEMAP_RUNS] = { { 0 } };
	struct scan_arg arg = {
		.size = sizeof(arg),
		.start = from,
		.end = to,
		.vec = (uintptr_t)regions,
		.vec_len = PAGEMAP_RUNS,
		.category_inverted = SCAN_FILE | SCAN_PFNZERO,
		.category_mask = SCAN_FILE | SCAN_PFNZERO,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT | SCAN_SWAPPED,
	};
	int count = ioctl(p->fd, SCAN, &arg);

	if (count < 0 || arg.walk_end <= from || arg.walk_end > to)
		return false;
	p->from = from;
	p->to = arg.walk_end;
	p->count = 0;
	for (int i = 0; i < count; i++)
		add_run(p, regions[i].start, regions[i].end);
	return true;
}

/* Ask for some pages one by one. */
static bool fill_by_entries(struct pagemap *p, uint64_t from, uint64_t to)
{
	uint64_t entries[4096];
	uint64_t want = (to - from) / PAGE;
	ssize_t got;

	if (want > sizeof(entries) / sizeof(*entries))
		want = sizeof(entries) / sizeof(*entries);
	if (p->pages_left < want)
		return false;
	p->pages_left -= want;
	got = pread(p->fd, entries, want * sizeof(*entries),
		    (off_t)(from / PAGE * sizeof(*entries)));
	if (got < (ssize_t)sizeof(*entries))
		return false;
	want = (uint64_t)got / sizeof(*entries);
	p->from = from;
	p->count = 0;
	for (uint64_t i = 0; i < want; i++) {
		uint64_t addr = from + i * PAGE;

		if (!(entries[i] & (ENTRY_PRESENT | ENTRY_SWAPPED)) ||
		    entries[i] & ENTRY_FILE)
			continue;
		if (p->count == PAGEMAP_RUNS &&
		    p->runs[p->count - 1].end != addr) {
			want = i;
			break;
		}
		add_run(p, addr, addr + PAGE);
	}
	p->to = from + want * PAGE;
	return true;
}

static bool fill(struct pagemap *p, uint64_t from, uint64_t to, uint64_t ahead)
{
	if (p->fd < 0)
		return false;
	if (!p->no_scan) {
		if (fill_by_scan(p, from, ahead > to ? ahead : to))
			return true;
		p->no_scan = errno == ENOTTY || errno == EINVAL;
	}
	return fill_by_entries(p, from, to);
}

uint64_t pagemap_next(struct pagemap *p, uint64_t from, uint64_t to,
		      uint64_t ahead, uint64_t *end_ret)
{
	uint64_t at = from & -PAGE;

	while (at < to) {
		if ((at < p->from || at >= p->to) &&
		    !fill(p, at, (to + PAGE - 1) & -PAGE, ahead & -PAGE)) {
			*end_ret = to;
			return at > from ? at : from;
		}

		size_t i = sorted_above(p->runs, p->count, sizeof(*p->runs),
					offsetof(struct pagemap_run, end),
					at > from ? at : from);

		if (i < p->count && p->runs[i].start < to) {
			uint64_t start = p->runs[i].start;
			uint64_t end = p->runs[i].end;

			*end_ret = end < to ? end : to;
			return start > from ? start : from;
		}
		at = p->to;
	}
	*end_ret = to;
	return to;
}
