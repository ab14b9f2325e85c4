/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scene.c - a frame put where a child can return from it */
#include "rehearse/scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "rehearse/filter.h"

#define RFLAGS_TF UINT64_C(0x100)
/* What no register of a child has by itself, and no frame by chance. */
#define LIVE_FCW 0x0f7f
#define LIVE_MXCSR UINT32_C(0x7f80)

/* Components that hold any bytes, and disturb nobody when they do. */
#define HARMLESS                                                               \
	(XSTATE_BIT(XSTATE_AVX) | XSTATE_BIT(XSTATE_OPMASK) |                  \
	 XSTATE_BIT(XSTATE_ZMM_HI256) | XSTATE_BIT(XSTATE_HI16_ZMM) |          \
	 XSTATE_BIT(XSTATE_APX))

/* Pages of the memory, in this order. */
enum scene_page {
	PAGE_FIRST_GUARD,
	PAGE_JOB,
	PAGE_FRAME,
	PAGE_STACK,
	PAGE_LIVE,
	PAGE_RESULT = PAGE_LIVE + 3,
	PAGE_ALTSTACK = PAGE_RESULT + SCENE_RESULT_SIZE / TRIAL_PAGE,
	/* and behind that stack */
	BEHIND_PAD = 0,
	BEHIND_GUARD,
	BEHIND_IMAGE,
	IMAGE_PAGES = 4,	/* for PREDICT_AREA_WANT, wherever it starts */
	BEHIND_LAST_GUARD = BEHIND_IMAGE + IMAGE_PAGES,
	BEHIND_PAGES,
};

_Static_assert(PREDICT_AREA_WANT + TRIAL_PAGE - 1 <= IMAGE_PAGES * TRIAL_PAGE,
	       "room for the image");
_Static_assert(sizeof(struct trial_job) <= TRIAL_PAGE, "the job on a page");

/* Where in a frame of each kind is what has to be replaced, in bytes. */
struct places {
	uint16_t gprs;		/* general registers in a row */
	uint16_t gprs_size;	/* 0: this kind cannot be done */
	uint16_t bp, bx, sp, ip, flags, fpstate;
	uint16_t mask_low, mask_high;	/* 32 bits each */
	uint16_t altstack;	/* 0: none */
};

/* uapi/asm/sigcontext.h, asm/sigframe.h */
static const struct places places[SIGFRAME_KINDS] = {
	[SIGFRAME_X86_64] = {
		.gprs = 48, .gprs_size = 120,
		.bp = 128, .bx = 136, .sp = 168, .ip = 176, .flags = 184,
		.fpstate = 232, .mask_low = 304, .mask_high = 308,
		.altstack = 24,
	},
	[SIGFRAME_IA32_RT] = {
		.gprs = 180, .gprs_size = 32,
		.bp = 188, .sp = 192, .bx = 196, .ip = 220, .flags = 228,
		.fpstate = 240, .mask_low = 252, .mask_high = 256,
		.altstack = 152,
	},
	[SIGFRAME_IA32] = {
		.gprs = 24, .gprs_size = 32,
		.bp = 32, .sp = 36, .bx = 40, .ip = 64, .flags = 72,
		.fpstate = 84, .mask_low = 88, .mask_high = 720,
	},
};

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static uint8_t *page(const struct scene *s, unsigned n)
{
	return (uint8_t *)s->memory + (size_t)n * TRIAL_PAGE;
}

static unsigned altstack_pages(const struct host *host)
{
	return (unsigned)(host->minsigstksz / TRIAL_PAGE) + 4;
}

/* A page behind the alternate stack. */
static uint8_t *behind(const struct scene *s, const struct host *host,
		       unsigned n)
{
	return page(s, PAGE_ALTSTACK + altstack_pages(host) + n);
}

/* A selector of the LDT or of the TLS slots means what the process made it. */
static bool selector_is_own(uint64_t selector)
{
	uint64_t index = selector >> 3;

	return (selector & 4) || (index >= 12 && index <= 14);
}

/* Does the kernel refuse the pointer by its value? P1 in kernel order. */
static bool out_of_range(const struct frame_facts *f, const struct scene *s,
			 const struct host *host)
{
	uint64_t fpstate = f->sigframe.fpstate;
	uint64_t reach = sigframe_shapes[f->sigframe.kind].header +
			 XSTATE_MAGIC2_SIZE +
			 cpu_user_size(&host->cpu, s->features);

	return fpstate > host->cpu.user_limit ||
	       reach > host->cpu.user_limit - fpstate;
}

/* Bytes from fpstate on that some kernel might look at. */
static uint64_t bytes_wanted(const struct frame_facts *f,
			     const struct host *host)
{
	uint64_t size = cpu_user_size(&host->cpu, host->cpu.xfeatures);
	rules_mask rules = host->rules ? host->rules
				       : RULES_BIT(RULES_COUNT) - 1;
	struct xstate_sw sw;

	for (unsigned i = 0; i < RULES_COUNT; i++)
		if ((rules & RULES_BIT(i)) &&
		    !(rules_table[i].flags & (RULES_SIZE_LIMIT |
					      RULES_MAGIC2_AT_USER_SIZE)) &&
		    xstate_sw_decode(frame_image(f).bytes, &sw) &&
		    sw.magic1 == XSTATE_MAGIC1 && sw.xstate_size > size)
			size = sw.xstate_size;
	return sigframe_shapes[f->sigframe.kind].header + size +
	       XSTATE_MAGIC2_SIZE;
}

/* Why the frame cannot be rehearsed at all; NULL if it can. */
static const char *why_not(const struct rehearse_stage *stage,
			   const struct frame_facts *f, const struct scene *s)
{
	const struct sigframe *frame = &f->sigframe;
	uint64_t fpstate = frame->fpstate;
	const struct host *host = stage->host;
	const struct run *area = &f->area;

	if (!host->probe_ran)
		return host->probe_note[0] ? host->probe_note
					   : "the kernel was not probed";
	if (cpu_user_size(&host->cpu, host->cpu.xfeatures) >
	    SCENE_RESULT_SIZE)
		return "this CPU has more registers than there is room for";
	if (!places[frame->kind].gprs_size)
		return "frames of this kind cannot be returned from here";
	if (sigframe_shapes[frame->kind].header && stage->ia32 != TRI_YES)
		return "this kernel runs no 32-bit programs";
	if (selector_is_own(frame->regs.r[X86_CS]) ||
	    selector_is_own(frame->regs.r[X86_SS]))
		return "it uses a segment of the process's own";
	if (!bytes_has(f->frame.bytes, 0,
		       sigframe_shapes[frame->kind].need_end))
		return "not all of the frame is known";
	if (!fpstate || out_of_range(f, s, host))
		return NULL;
	if (area->end == RUN_END_UNKNOWN &&
	    !bytes_has(area->bytes, 0, bytes_wanted(f, host)))
		return "not all of the memory behind fpstate is known";
	if (area->end == RUN_END_UNREADABLE &&
	    (fpstate + area->bytes.size) % TRIAL_PAGE && area->bytes.size)
		return "the memory behind fpstate ends inside a page";
	return NULL;
}

/* Code and stacks of 32-bit programs are below 4 GiB. */
static bool is_narrow(const struct sigframe *f)
{
	return sigframe_shapes[f->kind].header ||
	       (f->regs.r[X86_CS] | 3) == X86_USER32_CS;
}

/*
 * A page of its own in a file, with one between it and the next: the kernel
 * then neither merges the mappings nor maps neighbours on a fault.
 */
static bool map_image(int fd, uint8_t *to, unsigned pages)
{
	for (unsigned i = 0; i < pages; i++) {
		void *p = mmap(to + (size_t)i * TRIAL_PAGE, TRIAL_PAGE,
			       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			       fd, 2 * (off_t)i * TRIAL_PAGE);

		if (p == MAP_FAILED)
			return false;
	}
	return true;
}

/* All of it: guards, work space, and `image_pages` for the image. */
static bool map_memory(struct scene *s, const struct host *host, bool narrow,
		       unsigned image_pages)
{
	const size_t file_size = 2 * (size_t)IMAGE_PAGES * TRIAL_PAGE;
	unsigned work = PAGE_ALTSTACK - PAGE_JOB + altstack_pages(host);
	CLEANUP_FD int fd = -1;
	void *p;

	s->size = (size_t)(PAGE_ALTSTACK + altstack_pages(host) +
			   BEHIND_PAGES) * TRIAL_PAGE;
	p = mmap(NULL, s->size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			 (narrow ? MAP_32BIT : 0), -1, 0);
	if (p == MAP_FAILED)
		return false;
	s->memory = p;
	/* one page more, for the pad */
	p = mmap(page(s, PAGE_JOB), (size_t)(work + 1) * TRIAL_PAGE,
		 PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (p == MAP_FAILED)
		return false;
	fd = memfd_create("rehearsal", MFD_CLOEXEC);
	return fd >= 0 && !ftruncate(fd, (off_t)file_size) &&
	       map_image(fd, behind(s, host, BEHIND_IMAGE), image_pages);
}

/* What the registers hold before: neither initial nor the frame's. */
static void make_live(struct scene *s, const struct host *host)
{
	const struct xstate_layout *l = &host->cpu.layout;
	uint64_t loaded = (s->features & HARMLESS) | XSTATE_LEGACY |
			  (s->features & XSTATE_DYNAMIC);
	uint8_t *live = page(s, PAGE_LIVE);

	for (size_t i = 0; i < XSTATE_SW_OFF; i++)
		live[i] = (uint8_t)(1 + (i * 11 + 5) % 251);
	memset(live, 0, XSTATE_ST_OFF);
	bytes_put(live + XSTATE_FCW_OFF, LIVE_FCW, 2);
	bytes_put(live + XSTATE_FTW_OFF, 0xff, 1);
	bytes_put(live + XSTATE_MXCSR_OFF, LIVE_MXCSR, 4);
	bytes_put(live + XSTATE_HEADER_OFF, loaded, 8);
	for (unsigned c = XSTATE_AVX; c < XSTATE_MAX; c++) {
		if (!(loaded & HARMLESS & XSTATE_BIT(c)))
			continue;
		for (uint32_t i = 0; i < l->size[c]; i++)
			live[l->offset[c] + i] = (uint8_t)(1 + (i * 7 + c) % 251);
	}
	/* without AVX512BW a mask register has 16 bits */
	for (uint32_t i = 0; i < l->size[XSTATE_OPMASK]; i += 8)
		memset(live + l->offset[XSTATE_OPMASK] + i + 2, 0, 6);
	s->job->live = address(live);
	s->job->loaded = loaded;
	s->job->saved = s->features;
}

/* The frame's bytes, with registers, mask and alternate stack of ours. */
static void make_frame(struct scene *s, const struct rehearse_stage *stage,
		       const struct frame_facts *f, uint64_t fpstate)
{
	const struct sigframe *old = &f->sigframe;
	const struct sigframe_shape *shape = &sigframe_shapes[old->kind];
	const struct places *p = &places[old->kind];
	const struct trial_job *job = s->job;
	uint64_t rip = trial_landing();
	/* kernels place it so, and mind nothing else */
	uint8_t *frame = page(s, PAGE_FRAME) + 64 + shape->misalign;
	struct bytes known = bytes_first(f->frame.bytes, shape->size);

	if (is_narrow(old))
		rip = address(behind(s, stage->host, BEHIND_PAD)) +
		      ((old->regs.r[X86_CS] | 3) == X86_USER32_CS
			       ? TRIAL_PAD_32
			       : TRIAL_PAD_64);
	memcpy(frame, known.data, known.size);
	bytes_put(frame, 0, shape->pointer);
	memset(frame + p->gprs, 0, p->gprs_size);
	bytes_put(frame + p->bp, job->pkru, shape->pointer);
	bytes_put(frame + p->bx, address(job), shape->pointer);
	bytes_put(frame + p->sp, address(page(s, PAGE_STACK) + TRIAL_PAGE / 2),
		  shape->pointer);
	bytes_put(frame + p->ip, rip, shape->pointer);
	bytes_put(frame + p->flags, old->regs.r[X86_RFLAGS] & ~RFLAGS_TF,
		  shape->pointer);
	bytes_put(frame + p->fpstate, fpstate, shape->pointer);
	bytes_put(frame + p->mask_low, (uint32_t)TRIAL_BLOCKED, 4);
	bytes_put(frame + p->mask_high, TRIAL_BLOCKED >> 32, 4);
	if (p->altstack) {
		bytes_put(frame + p->altstack, job->altstack.sp,
			  shape->pointer);
		bytes_put(frame + p->altstack + shape->pointer, 0, 4);
		bytes_put(frame + p->altstack + 2 * shape->pointer,
			  job->altstack.size, shape->pointer);
	}
	s->job->rows[0] = (struct trial_row){
		.sp = address(frame) + shape->call_skip,
		.call = shape->call,
		.int80 = shape->header != 0,
		.result = address(page(s, PAGE_RESULT)),
	};
	s->facts.frame = (struct run){
		{ frame, shape->size, address(frame) }, RUN_END_UNKNOWN
	};
	sigframe_decode(old->kind, s->facts.frame.bytes, &s->facts.sigframe);
}

/* The image; returns fpstate as the child is to find it. */
static uint64_t make_image(struct scene *s, const struct rehearse_stage *stage,
			   const struct frame_facts *f, unsigned pages)
{
	uint64_t fpstate = f->sigframe.fpstate;
	uint8_t *start = behind(s, stage->host, BEHIND_IMAGE);
	uint8_t *at = start + fpstate % TRIAL_PAGE;
	struct bytes b = bytes_first(f->area.bytes, PREDICT_AREA_WANT);
	struct trial_pages *where = stage->pages == REHEARSE_ABSENT
					    ? &s->job->absent
					    : &s->job->present_image;

	s->facts.area = f->area;
	if (!fpstate || out_of_range(f, s, stage->host))
		return fpstate;
	if (b.size)
		memcpy(at, b.data, b.size);
	*where = (struct trial_pages){
		address(start), address(start) + (uint64_t)pages * TRIAL_PAGE
	};
	s->facts.area.bytes = (struct bytes){ b.data, b.size, address(at) };
	return address(at);
}

static unsigned image_pages(const struct frame_facts *f)
{
	uint64_t size = bytes_first(f->area.bytes, PREDICT_AREA_WANT).size;
	uint64_t offset = f->sigframe.fpstate % TRIAL_PAGE;

	return size ? (unsigned)((offset + size + TRIAL_PAGE - 1) / TRIAL_PAGE)
		    : 0;
}

static bool make_pad(struct scene *s, const struct host *host)
{
	uint8_t *pad = behind(s, host, BEHIND_PAD);

	trial_make_pad(address(pad), pad);
	return !mprotect(pad, TRIAL_PAGE, PROT_READ | PROT_EXEC);
}

/* Is PKRU there for user code to read? It is if it has a place in XCR0. */
static void make_job(struct scene *s, const struct host *host)
{
	s->job->pkru = (s->features & XSTATE_BIT(XSTATE_PKRU)) != 0;
	s->job->present = (struct trial_pages){
		address(page(s, PAGE_JOB)),
		address(behind(s, host, BEHIND_PAD)),
	};
	s->job->filter = filter_program();
	s->job->dynamic = s->features & XSTATE_DYNAMIC ? XSTATE_XTILEDATA : 0;
	s->job->altstack.sp = address(page(s, PAGE_ALTSTACK));
	s->job->altstack.size = (uint64_t)altstack_pages(host) * TRIAL_PAGE;
}

bool scene_set(struct scene *ret, const struct rehearse_stage *stage,
	       const struct frame_facts *f, uint64_t features, char *why,
	       size_t why_size)
{
	const struct host *host = stage->host;
	struct scene s = { .facts = *f };
	struct xstate_sw sw = { 0 };
	const char *reason;

	xstate_sw_decode(frame_image(f).bytes, &sw);
	s.features = (features | (sw.xfeatures & XSTATE_DYNAMIC)) &
		     host->cpu.xfeatures;
	*ret = s;
	reason = why_not(stage, f, &s);
	if (reason) {
		snprintf(why, why_size, "%s", reason);
		return false;
	}

	bool mapped = map_memory(&s, host, is_narrow(&f->sigframe),
				 image_pages(f));

	*ret = s;
	if (!mapped) {
		snprintf(why, why_size, "no memory: %s", strerror(errno));
		return false;
	}
	s.job = (struct trial_job *)page(&s, PAGE_JOB);
	s.result = (struct bytes){ page(&s, PAGE_RESULT), SCENE_RESULT_SIZE,
				   0 };
	make_job(&s, host);
	make_live(&s, host);
	make_frame(&s, stage, f, make_image(&s, stage, f, image_pages(f)));
	s.facts.around = (struct frame_surroundings){
		.rip_mapped = TRI_YES,
		.rip_executable = TRI_YES,
		.restorer = TRI_YES,
		.restorer_executable = TRI_YES,
		.resident = tri_of(stage->pages == REHEARSE_PRESENT),
		.shadow_stack = TRI_NO,
		.stack_mapped = TRI_YES,
	};
	*ret = s;
	if (is_narrow(&f->sigframe) && !make_pad(&s, host)) {
		snprintf(why, why_size, "no memory for code: %s",
			 strerror(errno));
		return false;
	}
	return true;
}

void scene_strike(struct scene *s)
{
	if (s->memory)
		munmap(s->memory, s->size);
	s->memory = NULL;
}
