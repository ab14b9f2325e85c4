/* SPDX-License-Identifier: GPL-3.0-or-later */
/* truth.c - measured outcomes of real kernels, replayed through predict() */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/predict.h"

#define MACHINES_MAX 64
#define IMAGES_MAX 4096
#define COLUMNS_MAX 12
#define FILLER_SIZE PREDICT_AREA_WANT
#define IMAGE_ADDR UINT64_C(0x7f0000100000)
#define FRAME_ADDR UINT64_C(0x7f0000000008)

/* One kernel on one CPU under one ABI, and what became of its rows. */
struct machine {
	char *name;
	char *cpu_name;
	bool ia32;
	struct cpu_model cpu;
	struct target target;
	unsigned rows;
	unsigned agree;
	unsigned undecided;	/* UNKNOWN, with the truth among the possible */
	unsigned disagree;
	unsigned incomparable;
};

struct image {
	char *cpu_name;
	char *arch;
	char *name;
	uint8_t *data;
	size_t size;
};

static struct machine machines[MACHINES_MAX];
static size_t machines_count;
static struct image images[IMAGES_MAX];
static size_t images_count;

/* Split a line at tabs; columns that are not there are "". */
static void split(char *line, char *columns[COLUMNS_MAX])
{
	line[strcspn(line, "\n")] = '\0';
	for (unsigned i = 0; i < COLUMNS_MAX; i++)
		columns[i] = line ? strsep(&line, "\t") : (char *)"";
}

static FILE *open_table(const char *name)
{
	const char *srcdir = getenv("srcdir");
	CLEANUP_FREE char *command = NULL;

	if (asprintf(&command, "xz -dcf '%s/tests/data/truth/%s'",
		     srcdir ? srcdir : ".", name) < 0)
		return NULL;
	return popen(command, "r");
}

/* Rows below the heading, each split into columns. */
static void for_each_row(const char *name, void (*row)(char **columns))
{
	CLEANUP_FREE char *line = NULL;
	char *columns[COLUMNS_MAX];
	size_t room = 0;
	FILE *file = open_table(name);

	assert_non_null(file);
	for (unsigned n = 0; getline(&line, &room, file) > 0; n++) {
		split(line, columns);
		if (n)
			row(columns);
	}
	assert_int_equal(pclose(file), 0);
}

/* "2:576+256;9:2688+8" */
static void parse_components(char *text, struct xstate_layout *ret)
{
	*ret = *xstate_family_layout(XSTATE_FAMILY_COMMON);
	ret->features = XSTATE_LEGACY;
	for (char *part; (part = strsep(&text, ";"));) {
		unsigned bit, offset, size;

		assert_int_equal(sscanf(part, "%u:%u+%u", &bit, &offset,
					&size), 3);
		assert_true(bit < XSTATE_MAX);
		ret->features |= XSTATE_BIT(bit);
		ret->offset[bit] = offset;
		ret->size[bit] = size;
	}
}

static rules_mask machine_rules(const char *kernel)
{
	if (!strcmp(kernel, "tip-2026-09-26"))
		return rules_by_name("R6");
	if (!strcmp(kernel, "6.1-without-d877550eaf2d"))
		return rules_by_name("R2");
	/* Debian's releases of those branches were the newest of their day */
	if (!strcmp(kernel, "6.1"))
		return rules_by_name("R3");
	return rules_of_release(kernel);
}

static void add_machine(char **columns)
{
	struct machine *m = &machines[machines_count++];

	assert_true(machines_count <= MACHINES_MAX);
	m->name = strdup(columns[0]);
	m->cpu_name = strdup(columns[2]);
	m->ia32 = !strcmp(columns[3], "ia32");
	m->cpu = (struct cpu_model){
		.name = m->cpu_name,
		.xsave = TRI_YES,
		.xsavec = tri_of(!strcmp(columns[9], "1")),
		.xfeatures = strtoull(columns[4], NULL, 16),
		.mxcsr_mask = (uint32_t)strtoul(columns[7], NULL, 16),
		.user_limit = CPU_USER_LIMIT_48,
	};
	parse_components(columns[10], &m->cpu.layout);
	m->cpu.family = xstate_layout_family(&m->cpu.layout,
					     m->cpu.xfeatures);
	target_init(&m->target, m->name, &m->cpu, machine_rules(columns[1]),
		    strtoull(columns[5], NULL, 16));
	assert_int_not_equal(m->target.rules, 0);
	assert_int_equal(m->target.user_size, strtoul(columns[6], NULL, 10));
}

static const char *reading_cpu;

static void add_image(char **columns)
{
	struct image *image = &images[images_count++];
	size_t length = strlen(columns[2]);

	assert_true(images_count <= IMAGES_MAX);
	assert_int_equal(length % 2, 0);
	image->cpu_name = strdup(reading_cpu);
	image->arch = strdup(columns[0]);
	image->name = strdup(columns[1]);
	image->size = length / 2;
	image->data = malloc(image->size + 1);
	for (size_t i = 0; i < image->size; i++) {
		unsigned byte;

		assert_int_equal(sscanf(columns[2] + 2 * i, "%2x", &byte), 1);
		image->data[i] = (uint8_t)byte;
	}
}

static const struct image *find_image(const struct machine *m,
				      const char *name)
{
	const char *arch = m->ia32 ? "ia32" : "x86-64";

	for (size_t i = 0; i < images_count; i++)
		if (!strcmp(images[i].cpu_name, m->cpu_name) &&
		    !strcmp(images[i].arch, arch) &&
		    !strcmp(images[i].name, name))
			return &images[i];
	fail_msg("no image %s of %s %s", name, m->cpu_name, arch);
	return NULL;
}

/* The placement column's word "key" or "key=value"; NULL if it lacks it. */
static const char *placed(const char *placement, const char *key)
{
	static char value[64];
	size_t length = strlen(key);

	for (const char *p = placement; *p;) {
		size_t word = strcspn(p, " ");

		if (!strncmp(p, key, length) &&
		    (word == length || p[length] == '=')) {
			snprintf(value, sizeof(value), "%.*s",
				 (int)(word - length),
				 p + length + (p[length] == '='));
			value[word > length ? word - length - 1 : 0] = '\0';
			return value;
		}
		p += word;
		p += *p == ' ';
	}
	return NULL;
}

static bool placed_as(const char *placement, const char *key,
		      const char *value)
{
	const char *have = placed(placement, key);

	return have && !strcmp(have, value);
}

static void set_word(const char *placement, const char *key, uint64_t *word)
{
	const char *value = placed(placement, key);

	if (value)
		*word = strtoull(value, NULL, 0);
}

static uint8_t memory[FILLER_SIZE + 4096];
static uint8_t frame_bytes[1024];

/* The fpstate pointer itself is the case. */
static void point_elsewhere(const char *where, struct frame_facts *f)
{
	static const struct {
		const char *name;
		uint64_t address;
	} places[] = {
		{ "null", 0 },
		{ "1", 1 },
		{ "unmapped", 0x10000 },
		{ "noncanon", UINT64_C(0x8000000000000000) },
		{ "kernel", UINT64_C(0xffffffff81000000) },
		{ "topuser", UINT64_C(0x7fffffffe000) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (strcmp(where, places[i].name))
			continue;
		f->sigframe.fpstate = places[i].address;
		f->area = (struct run){
			{ memory, 0, places[i].address },
			RUN_END_UNREADABLE
		};
		return;
	}
	fail_msg("fp=%s is not known", where);
}

/* The frame itself lies in an odd place. */
static void move_frame(const char *where, struct frame_facts *f)
{
	const struct sigframe_shape *shape =
		&sigframe_shapes[f->sigframe.kind];

	f->frame.end = RUN_END_UNREADABLE;
	if (!strcmp(where, "unmapped"))
		f->frame.bytes.size = 0;
	else if (!strcmp(where, "cross"))
		f->frame.bytes.size = shape->need_end / 2;
	else if (!strcmp(where, "edge"))
		f->frame.bytes.size = shape->need_end;
	else if (!strcmp(where, "noncanon"))
		f->sigframe.address = UINT64_C(0x8000000000000000);
	else if (!strcmp(where, "kernel"))
		f->sigframe.address = UINT64_C(0xffffffff81000000);
	/* misN, ro, nosiginfo: nothing that sigreturn minds */
}

static void build(const struct machine *m, const struct image *image,
		  const char *placement, struct frame_facts *f)
{
	enum sigframe_kind kind = !m->ia32			? SIGFRAME_X86_64
				  : placed(placement, "legacy") ? SIGFRAME_IA32
								: SIGFRAME_IA32_RT;
	const struct sigframe_shape *shape = &sigframe_shapes[kind];
	uint64_t flags = m->ia32 ? 1 : 7;
	uint64_t shift = 0, page_offset = 0, set = 0, clear = 0, cs, ss, rip;
	size_t room = (image->size + 63) & ~(size_t)63;

	*f = (struct frame_facts){
		.sigframe = {
			.kind = kind,
			.address = FRAME_ADDR,
			.pretcode = 0x401000,
		},
		.frame = { { frame_bytes, sizeof(frame_bytes), FRAME_ADDR },
			   RUN_END_UNKNOWN },
		.around = { TRI_YES, TRI_YES, TRI_YES, TRI_YES, TRI_YES },
	};
	set_word(placement, "ucset", &set);
	set_word(placement, "ucclr", &clear);
	f->sigframe.uc_flags = (flags | set) & ~clear;

	set_word(placement, "shift", &shift);
	set_word(placement, "pageoff", &page_offset);
	if (placed(placement, "guard"))	/* up to the end of a page */
		page_offset = 8192 - room % 4096;
	memset(memory, placed(placement, "zero") ? 0 : 0xa5, sizeof(memory));
	memset(memory, 0, shape->header);
	memcpy(memory + shape->header, image->data, image->size);

	uint64_t fpstate = IMAGE_ADDR + page_offset + shift - shape->header;

	f->sigframe.fpstate = fpstate;
	f->area = (struct run){ { memory, sizeof(memory), fpstate },
				RUN_END_UNKNOWN };
	if (placed(placement, "guard"))
		f->area = (struct run){
			{ memory, shape->header + room, fpstate },
			RUN_END_UNREADABLE
		};
	if (placed_as(placement, "place", "none"))
		f->area = (struct run){ { memory, 0, fpstate },
					RUN_END_UNREADABLE };
	if (placed_as(placement, "place", "memfd"))
		f->around.resident = TRI_NO;
	if (placed(placement, "fp"))
		point_elsewhere(placed(placement, "fp"), f);
	if (placed(placement, "frame"))
		move_frame(placed(placement, "frame"), f);

	cs = m->ia32 ? X86_USER32_CS : X86_USER_CS;
	ss = X86_USER_DS;
	rip = m->ia32 ? 0x8048000 : 0x7f0000200000;
	set_word(placement, "cs", &cs);
	set_word(placement, "ss", &ss);
	if (placed_as(placement, "rip", "pad32")) {
		rip = 0x10000000;
	} else if (placed(placement, "rip")) {
		set_word(placement, "rip", &rip);
		f->around.rip_mapped = TRI_NO;
	} else if (m->ia32 && (cs | 3) == X86_USER_CS) {
		/* a 64-bit segment runs the same low address */
		rip = 0x8048000;
	}
	f->sigframe.regs.r[X86_RIP] = rip;
	f->sigframe.regs.r[X86_CS] = cs;
	f->sigframe.regs.r[X86_SS] = ss;
	f->sigframe.regs.r[X86_RFLAGS] = 0x202;
	set = 0;
	set_word(placement, "eflset", &set);
	f->sigframe.regs.r[X86_RFLAGS] |= set;
	f->sigframe.regs.r[X86_RSP] = m->ia32 ? 0xffd00000 : 0x7f0000300000;
	set_word(placement, "rsp", &f->sigframe.regs.r[X86_RSP]);

	struct run run = frame_image(f);
	struct xstate_sw sw;

	f->layout = *xstate_family_layout(XSTATE_FAMILY_COMMON);
	f->family = XSTATE_FAMILY_UNKNOWN;
	if (xstate_sw_decode(run.bytes, &sw))
		f->family = xstate_infer_layout(&sw, NULL, &f->layout);
}

static const struct {
	const char *name;
	int bit;
} register_names[] = {
	{ "x87", XSTATE_X87 },		{ "sse", XSTATE_SSE },
	{ "avx", XSTATE_AVX },		{ "k", XSTATE_OPMASK },
	{ "zmmh", XSTATE_ZMM_HI256 },	{ "hi16", XSTATE_HI16_ZMM },
	{ "pkru", XSTATE_PKRU },
};

/* What was found in the registers, as masks of components. */
struct observed {
	bool fatal;
	uint64_t from_frame;
	uint64_t initial;
	uint64_t other;
	char mxcsr;
	bool rsp_changed;
};

static void observe(const char *class, const char *text, struct observed *ret)
{
	*ret = (struct observed){ .mxcsr = 0 };
	if (!strcmp(class, "SIGSEGV")) {
		ret->fatal = true;
		return;
	}
	ret->rsp_changed = strstr(text, "cs=0x23") && strstr(text, "rsp=other");
	while (*text) {
		text += *text == '[';

		size_t word = strcspn(text, " ");
		size_t name = strcspn(text, "=");

		if (name < word) {
			char letter = text[name + 1];

			/* init_pkru: what Linux gives every new task */
			if (!strncmp(text, "pkru=?(55555554)", 16))
				letter = 'I';

			if (name == 5 && !strncmp(text, "mxcsr", 5))
				ret->mxcsr = letter;
			for (size_t i = 0; i < ARRAY_SIZE(register_names); i++) {
				uint64_t bit =
					XSTATE_BIT(register_names[i].bit);

				if (strlen(register_names[i].name) != name ||
				    strncmp(text, register_names[i].name, name))
					continue;
				if (strchr("FfGg", letter))
					ret->from_frame |= bit;
				else if (strchr("Ii", letter))
					ret->initial |= bit;
				else
					ret->other |= bit;
			}
		}
		text += word;
		text += *text == ' ';
	}
}

/* NULL if the verdict and what happened agree, else where they do not. */
static const char *disagreement(const struct frame_facts *f,
				const struct verdict *v,
				const struct observed *o)
{
	uint64_t in_use;

	if (o->fatal) {
		/* a garbled PKRU locks the thread out of its own memory */
		if (v->garbled & XSTATE_BIT(XSTATE_PKRU))
			return NULL;
		return v->possible & (1u << OUTCOME_FATAL) ? NULL
			: "the thread was killed";
	}
	if (v->outcome == OUTCOME_FATAL)
		return "the thread came back";
	if (o->from_frame & ~(v->loaded | v->garbled))
		return "a component came back";
	if (o->initial & v->loaded)
		return "a component came back initial";
	if (o->other & ~v->garbled)
		return "a component came back garbled";
	if ((strchr("Ff", o->mxcsr) && v->mxcsr_loaded == TRI_NO) ||
	    (strchr("Ii", o->mxcsr) && v->mxcsr_loaded == TRI_YES))
		return "MXCSR";

	bool known = frame_in_use(f, &in_use) == TRI_YES;
	bool intact = !(in_use & (o->initial | o->other)) && !o->rsp_changed;

	if (!known)
		return NULL;
	if (!intact && v->outcome == OUTCOME_INTACT)
		return "intact, and something was lost";
	if (intact && !strchr("Ii", o->mxcsr) &&
	    v->outcome == OUTCOME_LOSSY && f->sigframe.fpstate)
		return "lossy, and nothing was lost";
	return NULL;
}

static struct machine *find_machine(const char *name)
{
	for (size_t i = 0; i < machines_count; i++)
		if (!strcmp(machines[i].name, name))
			return &machines[i];
	fail_msg("no machine %s", name);
	return NULL;
}

static void replay_row(char **columns)
{
	struct machine *m = find_machine(columns[0]);
	const char *placement = columns[2];
	const struct image *image = find_image(m, columns[1]);
	struct frame_facts f;
	struct observed o;

	build(m, image, placement, &f);
	observe(columns[3], columns[4], &o);

	m->rows++;
	/*
	 * The measuring program's 32-bit code goes on in 64-bit mode, where it
	 * means something else and faults: that says nothing of the return.
	 */
	if (m->ia32 && placed_as(placement, "cs", "0x33")) {
		m->incomparable++;
		return;
	}

	struct verdict v = predict(&f, &m->target);
	const char *why = disagreement(&f, &v, &o);

	if (why) {
		m->disagree++;
		print_message("# %s %s [%s] %s %s: predicted %s, loaded %#llx, "
			      "garbled %#llx, checks %#llx: %s\n",
			      columns[0], columns[1], placement, columns[3],
			      columns[4], outcome_name(v.outcome),
			      (unsigned long long)v.loaded,
			      (unsigned long long)v.garbled,
			      (unsigned long long)v.checks, why);
	} else if (v.outcome == OUTCOME_UNKNOWN) {
		m->undecided++;
		if (getenv("TRUTH_VERBOSE"))
			print_message("# undecided: %s %s [%s] %s unsure %#llx\n",
				      columns[0], columns[1], placement,
				      columns[3],
				      (unsigned long long)v.unsure);
	} else {
		m->agree++;
	}
}

static void test_machine(void **state)
{
	const struct machine *m = *state;

	print_message("# %s: %u rows, %u agree, %u undecided, %u disagree, "
		      "%u not comparable\n", m->name, m->rows, m->agree,
		      m->undecided, m->disagree, m->incomparable);
	assert_int_not_equal(m->rows, 0);
	assert_int_equal(m->disagree, 0);
}

static void test_all_rows(void **state)
{
	unsigned rows = 0, undecided = 0, incomparable = 0;

	(void)state;
	for_each_row("outcomes.tsv.xz", replay_row);
	for (size_t i = 0; i < machines_count; i++) {
		rows += machines[i].rows;
		undecided += machines[i].undecided;
		incomparable += machines[i].incomparable;
	}
	print_message("# %u rows of %zu machines replayed, %u undecided, "
		      "%u not comparable\n", rows, machines_count, undecided,
		      incomparable);
	assert_int_equal(rows, 7764);
}

static int read_tables(void **state)
{
	static const char *const cpus[] = { "Haswell", "max,-mpx", "host" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		CLEANUP_FREE char *name = NULL;

		reading_cpu = cpus[i];
		if (asprintf(&name, "images-%s.tsv.xz", cpus[i]) < 0)
			return -1;
		for_each_row(name, add_image);
	}
	return 0;
}

static int free_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < machines_count; i++) {
		free(machines[i].name);
		free(machines[i].cpu_name);
	}
	for (size_t i = 0; i < images_count; i++) {
		free(images[i].cpu_name);
		free(images[i].arch);
		free(images[i].name);
		free(images[i].data);
	}
	return 0;
}

int main(void)
{
	static struct CMUnitTest tests[MACHINES_MAX + 1] = {
		{ .name = "all rows", .test_func = test_all_rows },
	};

	if (system("xz --version >/dev/null 2>&1")) {
		puts("1..0 # SKIP xz is not installed");
		return 77;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	for_each_row("machines.tsv", add_machine);
	for (size_t i = 0; i < machines_count; i++)
		tests[i + 1] = (struct CMUnitTest){
			.name = machines[i].name,
			.test_func = test_machine,
			.initial_state = &machines[i],
		};
	return _cmocka_run_group_tests("truth", tests, machines_count + 1,
				       read_tables, free_tables);
}
