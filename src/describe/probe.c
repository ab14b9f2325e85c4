/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe.c - which rules the running kernel follows, by trying it */
#include "describe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/valgrind.h"
#include "describe/abis.h"
#include "describe/trial.h"

#define FCW_INIT 0x37f
#define MXCSR_INIT UINT32_C(0x1f80)
#define MXCSR_RESERVED (UINT32_C(1) << 16)
#define LARGER_BY 64
#define NAMES_SIZE 64

/* Components that hold any bytes, and disturb nobody when they do. */
#define HARMLESS                                                               \
	(XSTATE_BIT(XSTATE_AVX) | XSTATE_BIT(XSTATE_OPMASK) |                  \
	 XSTATE_BIT(XSTATE_ZMM_HI256) | XSTATE_BIT(XSTATE_HI16_ZMM) |          \
	 XSTATE_BIT(XSTATE_APX))

/* Pages of the memory; each probe has its own three. */
enum probe_page {
	PAGE_FRAME,		/* the frame at its end */
	PAGE_IMAGE,		/* on one page, so that no fault can come */
	PAGE_RESULT,
	PAGES_EACH,
	PAGE_LIVE = PAGES_EACH * PROBE_COUNT,
	PAGE_JOB,
	PAGE_ALTSTACK,
};

_Static_assert(PROBE_COUNT + ABIS_ROWS <= TRIAL_ROWS, "a row each");
_Static_assert(sizeof(struct trial_job) <= TRIAL_PAGE, "the job on a page");

const char *const probe_names[PROBE_COUNT] = {
	[PROBE_NATIVE] = "native",
	[PROBE_SMALLER] = "smaller",
	[PROBE_USER_SIZE] = "magic2-at-user-size",
	[PROBE_LARGER] = "larger",
	[PROBE_EXTENDED] = "extended-equals-size",
	[PROBE_SHORT] = "short-of-features",
	[PROBE_MISALIGNED] = "misaligned",
	[PROBE_MXCSR] = "mxcsr-reserved",
};

/* Sizes of images; which bytes these are is the host's matter. */
enum length {
	LENGTH_USER,		/* U */
	LENGTH_SMALLER,		/* without the last component */
	LENGTH_LARGER,
	LENGTHS,
};

/*
 * What the frames say. None has SSE in use, so that both ways to restore are
 * told apart on any CPU: by XSTATE_BV it becomes initial, by FXSAVE it is
 * loaded all the same.
 */
static const struct edit {
	enum length size;	/* S */
	enum length magic2;	/* where it is; nowhere else */
	bool extended_short;	/* E = S, else S + 4 */
	bool less_features;	/* Q and BV without the last component */
	unsigned shift;		/* bytes from a multiple of 64 */
	uint32_t mxcsr;
} edits[PROBE_COUNT] = {
	[PROBE_NATIVE] = { LENGTH_USER, LENGTH_USER },
	[PROBE_SMALLER] = { LENGTH_SMALLER, LENGTH_SMALLER,
			    .less_features = true },
	[PROBE_USER_SIZE] = { LENGTH_LARGER, LENGTH_USER },
	[PROBE_LARGER] = { LENGTH_LARGER, LENGTH_LARGER },
	[PROBE_EXTENDED] = { LENGTH_USER, LENGTH_USER,
			     .extended_short = true },
	[PROBE_SHORT] = { LENGTH_SMALLER, LENGTH_SMALLER },
	[PROBE_MISALIGNED] = { LENGTH_USER, LENGTH_USER, .shift = 16 },
	[PROBE_MXCSR] = { LENGTH_USER, LENGTH_USER, .mxcsr = MXCSR_RESERVED },
};

/* The machine that the frames are for. */
struct maker {
	const struct cpu_model *cpu;
	uint64_t features;	/* F */
	uint64_t used;		/* in use in a frame, SSE aside */
	uint64_t less;		/* of these, without the last */
	uint32_t lengths[LENGTHS];
	uint64_t altstack, altstack_size;
};

static uint8_t *page(const struct probe *p, unsigned n)
{
	return (uint8_t *)p->memory + (size_t)n * TRIAL_PAGE;
}

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* The one of `features` that ends last; 0 if there is none. */
static uint64_t last_component(const struct xstate_layout *l,
			       uint64_t features)
{
	uint64_t last = 0;
	uint32_t end = 0;

	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		if (!(features & l->features & XSTATE_BIT(i)) ||
		    l->offset[i] + l->size[i] <= end)
			continue;
		end = l->offset[i] + l->size[i];
		last = XSTATE_BIT(i);
	}
	return last;
}

static void describe_maker(struct maker *m, const struct cpu_model *cpu)
{
	uint64_t features = cpu_default_features(cpu);
	uint64_t used = features & HARMLESS;
	uint64_t less = used & ~last_component(&cpu->layout, used);
	uint32_t size = cpu_user_size(cpu, features);

	*m = (struct maker){
		.cpu = cpu,
		.features = features,
		.used = used | XSTATE_BIT(XSTATE_X87),
		.less = less | XSTATE_BIT(XSTATE_X87),
		.lengths = {
			[LENGTH_USER] = size,
			[LENGTH_SMALLER] = cpu_user_size(
				cpu, less | XSTATE_LEGACY),
			[LENGTH_LARGER] = size + LARGER_BY,
		},
	};
}

/* Bytes other than zero; `salt` makes them differ from one use to another. */
static void fill(const struct maker *m, uint8_t *image, uint8_t *end,
		 unsigned salt)
{
	const struct xstate_layout *l = &m->cpu->layout;
	uint32_t opmask = l->offset[XSTATE_OPMASK];
	uint64_t word = salt * UINT64_C(0xd1342543de82ef95);

	for (uint8_t *at = image; at + 8 <= end; at += 8) {
		word += UINT64_C(0x9e3779b97f4a7c15);
		bytes_put(at, word | UINT64_C(0x0101010101010101), 8);
	}
	/* without AVX512BW a mask register has 16 bits */
	for (uint32_t i = 0; i < l->size[XSTATE_OPMASK]; i += 8)
		memset(image + opmask + i + 2, 0, 6);

	memset(image, 0, XSTATE_XMM_OFF);
	bytes_put(image + XSTATE_FCW_OFF, FCW_INIT, 2);
	bytes_put(image + XSTATE_MXCSR_OFF, MXCSR_INIT, 4);
	memset(image + XSTATE_HEADER_OFF, 0,
	       XSTATE_MIN_SIZE - XSTATE_HEADER_OFF);
}

static void make_image(const struct maker *m, const struct edit *e,
		       unsigned salt, uint8_t *image, uint8_t *end)
{
	uint32_t size = m->lengths[e->size];
	uint8_t *sw = image + XSTATE_SW_OFF;

	fill(m, image, end, salt);
	bytes_put(image + XSTATE_MXCSR_OFF, MXCSR_INIT | e->mxcsr, 4);
	memset(sw, 0, XSTATE_FX_SIZE - XSTATE_SW_OFF);
	bytes_put(sw, XSTATE_MAGIC1, 4);
	bytes_put(sw + 4, size + (e->extended_short ? 0 : XSTATE_MAGIC2_SIZE),
		  4);
	bytes_put(sw + 8,
		  e->less_features ? m->less | XSTATE_LEGACY : m->features, 8);
	bytes_put(sw + 16, size, 4);
	bytes_put(image + XSTATE_HEADER_OFF,
		  e->less_features ? m->less : m->used, 8);
	bytes_put(image + m->lengths[e->magic2], XSTATE_MAGIC2,
		  XSTATE_MAGIC2_SIZE);
}

/* uapi/asm/sigcontext.h: struct rt_sigframe, from its own address on. */
static void make_frame(const struct maker *m, uint8_t *frame,
		       const uint8_t *image, const uint8_t *stack,
		       const struct trial_job *job)
{
	const struct {
		unsigned offset, width;
		uint64_t value;
	} fields[] = {
		{ 0, 8, trial_landing() },	/* pretcode, never used */
		{ 8, 8, SIGFRAME_UC_FP_XSTATE | SIGFRAME_UC_SIGCONTEXT_SS |
				SIGFRAME_UC_STRICT_RESTORE_SS },
		{ 24, 8, m->altstack },
		{ 40, 8, m->altstack_size },
		{ 128, 8, job->pkru },
		{ 136, 8, address(job) },
		{ 168, 8, address(stack) },
		{ 176, 8, trial_landing() },
		{ 184, 8, 0x202 },		/* flags: interrupts */
		{ 192, 2, X86_USER_CS },
		{ 198, 2, X86_USER_DS },
		{ 232, 8, address(image) },
		{ 304, 8, TRIAL_BLOCKED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		bytes_put(frame + fields[i].offset, fields[i].value,
			  fields[i].width);
}

/* What predict() is told: what lies there, and that all is well around it. */
static void collect_facts(const struct probe *p, const struct maker *m,
			  const uint8_t *frame, const uint8_t *image,
			  struct frame_facts *f)
{
	const uint8_t *end = page(p, PAGE_JOB);

	*f = (struct frame_facts){
		.frame = { { frame, (size_t)(end - frame), address(frame) },
			   RUN_END_UNKNOWN },
		.area = { { image, (size_t)(end - image), address(image) },
			  RUN_END_UNKNOWN },
		.layout = m->cpu->layout,
		.family = m->cpu->family,
		.around = {
			.rip_mapped = TRI_YES,
			.rip_executable = TRI_YES,
			.restorer = TRI_YES,
			.restorer_executable = TRI_YES,
			.resident = TRI_YES,
		},
	};
	sigframe_decode(SIGFRAME_X86_64, f->frame.bytes, &f->sigframe);
}

static void make_probes(struct probe *p, struct maker *m,
			struct trial_job *job)
{
	const uint16_t distance = sigframe_shapes[SIGFRAME_X86_64].image;
	uint8_t *live = page(p, PAGE_LIVE);

	for (unsigned i = 0; i < PROBE_COUNT; i++) {
		unsigned first = PAGES_EACH * i;
		uint8_t *image = page(p, first + PAGE_IMAGE) + edits[i].shift;
		uint8_t *frame = image - distance;

		make_image(m, &edits[i], i, image,
			   page(p, first + PAGE_RESULT));
		make_frame(m, frame, image, page(p, first) + TRIAL_PAGE / 2,
			   job);
		collect_facts(p, m, frame, image, &p->frames[i]);
		job->rows[i] = (struct trial_row){
			.sp = address(frame) +
			      sigframe_shapes[SIGFRAME_X86_64].sp_skip,
			.call = SYS_rt_sigreturn,
			.result = address(page(p, first + PAGE_RESULT)),
		};
	}
	p->compared = (m->used | XSTATE_BIT(XSTATE_SSE)) &
		      ~XSTATE_BIT(XSTATE_X87);
	fill(m, live, live + TRIAL_PAGE, PROBE_COUNT);
	memset(live + XSTATE_SW_OFF, 0, XSTATE_FX_SIZE - XSTATE_SW_OFF);
	bytes_put(live + XSTATE_HEADER_OFF, m->used | XSTATE_LEGACY, 8);
	job->live = address(live);
	job->loaded = m->used | XSTATE_LEGACY;
	job->saved = job->loaded;
}

/* What the registers saved at `result` are, beside those of `image`. */
static struct probe_outcome observe(const struct probe *p,
				    const struct maker *m, unsigned i,
				    const struct trial_row *row)
{
	const uint8_t *image = p->frames[i].area.bytes.data;
	const uint8_t *result = page(p, PAGES_EACH * i + PAGE_RESULT);
	struct bytes got = { result, TRIAL_PAGE, 0 };
	uint32_t mxcsr;
	struct probe_outcome o = {
		.known = true,
		.returned = row->path == TRIAL_LANDED,
	};

	/* a CPU that takes any MXCSR says nothing about its kernel (emulators) */
	if (o.returned && bytes_u32(got, XSTATE_MXCSR_OFF, &mxcsr) &&
	    (mxcsr & ~m->cpu->mxcsr_mask))
		return (struct probe_outcome){ .known = false };
	for (unsigned c = 1; o.returned && c < XSTATE_MAX; c++) {
		uint32_t offset = m->cpu->layout.offset[c];
		uint32_t size = m->cpu->layout.size[c];

		if (!(p->compared & XSTATE_BIT(c)))
			continue;
		if (!memcmp(result + offset, image + offset, size))
			o.taken |= XSTATE_BIT(c);
		else if (bytes_nonzero(got, offset, size))
			o.odd |= XSTATE_BIT(c);
	}
	return o;
}

/* All but SSE comes back from an ordinary frame, whatever the rules. */
static bool ordinary_frame_works(const struct probe *p)
{
	const struct probe_outcome *o = &p->observed[PROBE_NATIVE];

	return o->returned && !o->odd &&
	       o->taken == (p->compared & ~XSTATE_BIT(XSTATE_SSE));
}

/* Why frames cannot be tried here; NULL if they can. */
static const char *why_not(const struct maker *m)
{
	if (m->cpu->xsave != TRI_YES)
		return "XSAVE is not used here";
	if (!m->lengths[LENGTH_USER] || !m->lengths[LENGTH_SMALLER])
		return "the size of frames is not known";
	if (m->lengths[LENGTH_LARGER] + 64 > TRIAL_PAGE)
		return "frames are larger than a page here";
	return NULL;
}

static bool map_memory(struct probe *p, struct maker *m, uint64_t minsigstksz)
{
	uint64_t stack = (minsigstksz + 4 * TRIAL_PAGE - 1) &
			 -(uint64_t)TRIAL_PAGE;
	void *memory;

	p->size = PAGE_ALTSTACK * TRIAL_PAGE + stack;
	memory = mmap(NULL, p->size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	p->memory = memory;
	m->altstack = address(page(p, PAGE_ALTSTACK));
	m->altstack_size = stack;
	return true;
}

/* The frames, if they are to be `tried`, and behind them the other calls. */
static struct trial_end try_rows(struct probe *p, struct maker *m, bool tried)
{
	struct trial_job *job = (struct trial_job *)page(p, PAGE_JOB);
	unsigned count = tried ? PROBE_COUNT : 0;
	struct trial_end end;

	if (tried)
		make_probes(p, m, job);
	abis_ask(job->rows + count, address(job));
	job->present = (struct trial_pages){ address(p->memory),
					     address(p->memory) + p->size };
	job->altstack.sp = m->altstack;
	job->altstack.size = m->altstack_size;
	end = trial_run(job, count + ABIS_ROWS, TRIAL_DEADLINE);
	abis_judge(job->rows + count, &p->ia32, &p->x32);
	/* whatever has become of the child there, the frames were before */
	if (tried && job->rows[count].path != TRIAL_NOTHING)
		end.fate = TRIAL_DONE;
	return end;
}

/* What came of the frames; NULL, or why that cannot be said of one. */
static const char *observe_all(struct probe *p, const struct maker *m,
			       unsigned *ret)
{
	const struct trial_job *job = (struct trial_job *)page(p, PAGE_JOB);

	for (unsigned i = 0; i < PROBE_COUNT; i++) {
		uint64_t path = job->rows[i].path;

		*ret = i;
		if (path == TRIAL_CONTINUED)
			return "rt_sigreturn is blocked";
		if (path != TRIAL_LANDED && path != TRIAL_SIGNALLED)
			return "not tried";
		p->observed[i] = observe(p, m, i, &job->rows[i]);
	}
	return NULL;
}

bool probe_run(struct probe *p, const struct cpu_model *cpu,
	       uint64_t minsigstksz, char *why, size_t why_size)
{
	struct trial_end end;
	const char *reason;
	struct maker m;
	unsigned i;

	*p = (struct probe){ .memory = NULL };
	describe_maker(&m, cpu);
	if (valgrind_is_here()) {
		snprintf(why, why_size, "valgrind carries out sigreturn itself");
		return false;
	}
	if (!map_memory(p, &m, minsigstksz)) {
		snprintf(why, why_size, "no memory: %s", strerror(errno));
		return false;
	}
	reason = why_not(&m);
	end = try_rows(p, &m, !reason);
	if (!reason && end.fate != TRIAL_DONE)
		reason = end.why;
	if (reason) {
		snprintf(why, why_size, "%s", reason);
		return false;
	}
	reason = observe_all(p, &m, &i);
	if (reason) {
		snprintf(why, why_size, "frame %s: %s", probe_names[i], reason);
		return false;
	}
	if (!ordinary_frame_works(p)) {
		snprintf(why, why_size, "not even an ordinary frame returns");
		return false;
	}
	return true;
}

void probe_release(struct probe *p)
{
	if (p->memory)
		munmap(p->memory, p->size);
	p->memory = NULL;
}

struct probe_outcome probe_expect(const struct probe *p, unsigned i,
				  const struct target *t, unsigned rules)
{
	const unsigned fatal = 1u << OUTCOME_FATAL;
	struct target under = *t;

	under.rules = RULES_BIT(rules);

	struct verdict v = predict(&p->frames[i], &under);

	/* it may be refused or not, or restored in several ways */
	if ((v.possible & fatal) && v.possible != fatal)
		return (struct probe_outcome){ .known = false };
	if (v.paths & (v.paths - 1))
		return (struct probe_outcome){ .known = false };
	if (v.possible & fatal)
		return (struct probe_outcome){ .known = true };
	/* bytes that are not their own are the image's bytes all the same */
	return (struct probe_outcome){
		.known = true,
		.returned = true,
		.taken = (v.loaded | v.garbled) & p->compared,
	};
}

static bool agree(const struct probe_outcome *expected,
		  const struct probe_outcome *observed)
{
	return !expected->known || !observed->known ||
	       (expected->returned == observed->returned &&
		expected->taken == observed->taken && !observed->odd);
}

/* In a few words; `ret` holds them. */
static const char *outcome_words(const struct probe_outcome *o,
				 char ret[NAMES_SIZE])
{
	size_t at = 0;

	if (!o->returned)
		return "a signal";
	if (o->odd)
		return "foreign bytes";
	if (o->taken == XSTATE_BIT(XSTATE_SSE))
		return "x87 and SSE only";
	ret[0] = '\0';
	for (unsigned i = 2; i < XSTATE_MAX && at < NAMES_SIZE; i++)
		if (o->taken & XSTATE_BIT(i))
			at += (size_t)snprintf(ret + at, NAMES_SIZE - at,
					       "%s%s", at ? "+" : "",
					       xstate_components[i].name);
	return at ? ret : "x87 only";
}

/* Where the set that comes nearest first differs. */
static void say_difference(const struct probe *p, const struct target *t,
			   rules_mask likely, char *note, size_t note_size)
{
	unsigned least = PROBE_COUNT + 1, nearest = 0, where = 0;
	char expected_words[NAMES_SIZE], observed_words[NAMES_SIZE];

	for (unsigned r = 0; r < RULES_COUNT; r++) {
		unsigned count = 0, first = 0;

		if (likely && !(likely & RULES_BIT(r)))
			continue;
		for (unsigned i = PROBE_COUNT; i-- > 0;) {
			struct probe_outcome e = probe_expect(p, i, t, r);

			if (agree(&e, &p->observed[i]))
				continue;
			count++;
			first = i;
		}
		if (count < least) {
			least = count;
			nearest = r;
			where = first;
		}
	}

	struct probe_outcome e = probe_expect(p, where, t, nearest);

	snprintf(note, note_size,
		 "the kernel follows no known rules: frame %s comes to %s, "
		 "under %s it is %s", probe_names[where],
		 outcome_words(&p->observed[where], observed_words),
		 rules_table[nearest].id, outcome_words(&e, expected_words));
}

rules_mask probe_judge(const struct probe *p, const struct target *t,
		       rules_mask likely, char *note, size_t note_size)
{
	rules_mask fit = 0;

	for (unsigned r = 0; r < RULES_COUNT; r++) {
		bool all = true;

		for (unsigned i = 0; all && i < PROBE_COUNT; i++) {
			struct probe_outcome e = probe_expect(p, i, t, r);

			all = agree(&e, &p->observed[i]);
		}
		if (all)
			fit |= RULES_BIT(r);
	}
	if (fit)
		note[0] = '\0';
	else
		say_difference(p, t, likely, note, note_size);
	return fit;
}
