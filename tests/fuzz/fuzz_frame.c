/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_frame.c - bytes as a signal frame: fields, registers, verdicts */
#include "base/cleanup.h"
#include "describe/models.h"
#include "fuzz.h"
#include "kernel/autopsy.h"
#include "kernel/difference.h"
#include "x86/context.h"
#include "x86/restorer.h"
#include "x86/scan.h"
#include "x86/siginfo.h"
#include "x86/xvalue.h"

/* In front of the frame: its kind and a question, the target, its address. */
#define HEADER 10
#define ALL_RULES (RULES_BIT(RULES_COUNT) - 1)

/* A CPU of the table; true if it has XSAVE. */
static void take_cpu(struct fuzz_choices *c, struct cpu_model *ret)
{
	const struct cpu_row *row = &cpu_rows[fuzz_below(c, cpu_rows_count)];

	*ret = (struct cpu_model){
		.name = row->name,
		.xsave = tri_of(row->isa & ISA_BIT(ISA_XSAVE)),
		.xsavec = tri_of(row->isa & ISA_BIT(ISA_XSAVEC)),
		.xfeatures = isa_xfeatures(row->isa),
		.layout = *xstate_family_layout(row->vendor),
		.family = row->vendor,
		.mxcsr_mask = row->mxcsr_mask,
		.user_limit = CPU_USER_LIMIT_48,
	};
}

static void look_at_registers(const struct frame_facts *f)
{
	struct xregs x = { .image = frame_image(f).bytes,
			   .layout = f->layout,
			   .possible = f->layout.features };
	uint8_t vector[XREGS_VECTOR_SIZE];
	struct xregs_x87 x87;
	struct xvalue value;
	uint64_t mask;
	uint32_t word;

	frame_in_use(f, &x.in_use);
	xregs_x87(&x, &x87);
	xregs_mxcsr(&x, &word);
	xregs_pkru(&x, &word);
	fuzz_must(xregs_vector_width(&x) <= XREGS_VECTOR_SIZE, "wide registers");
	for (unsigned i = 0; i < xregs_vectors(&x); i++)
		xregs_vector(&x, i, vector);
	for (unsigned i = 0; i < 8; i++)
		xregs_opmask(&x, i, &mask);
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		xregs_nonzero_set(&x, i);
		xregs_nonzero(&x, i);
		if (!(x.in_use & XSTATE_BIT(i)))
			continue;
		xvalue_of_image(x.image, &x.layout, i, &value);
		fuzz_must(!value.known || xvalue_same(&value, &value),
			  "component %u is not what it is", i);
	}
}

/* The frame beside itself: nothing differs. */
static void look_at_itself(const struct frame_facts *f)
{
	static struct difference_side side;
	struct difference d;

	difference_of_frame(f, &side);
	difference_between(&side, &side, &d);
	fuzz_must(!difference_found(&d), "the frame differs from itself: words "
		  "%#llx, components %#llx", (unsigned long long)d.words,
		  (unsigned long long)d.components);
}

static void judge(const struct frame_facts *f, const struct target *t)
{
	struct verdict v = predict(f, t);

	fuzz_must(v.outcome != OUTCOME_INTACT || (!v.lost && !v.garbled),
		  "intact, and lost or garbled");
}

/* Who died with the frame's registers, by the signal that it names. */
static void judge_death(const struct frame_facts *f, const struct target *t)
{
	struct autopsy_death death = { .regs = f->sigframe.regs };
	struct autopsy finding;
	unsigned check;

	siginfo_decode((struct bytes){ f->sigframe.info, SIGFRAME_INFO_SIZE, 0 },
		       sigframe_shapes[f->sigframe.kind].header,
		       &death.info);
	finding = autopsy_judge(&death, f, t);
	fuzz_must(finding.kind == AUTOPSY_NONE ||
			  predict(f, t).outcome != OUTCOME_INTACT,
		  "died of a frame that is intact");
	autopsy_suspects(&death);
	autopsy_returned(f, t, &check);
}

/* What can be told of memory by its bytes alone. */
static void look_at_memory(struct bytes memory)
{
	struct scan_hit hit;
	struct context context;
	uint64_t cursor = memory.addr, before = 0;
	struct sigframe frame;

	while (scan_next(memory, &cursor, &hit)) {
		fuzz_must(hit.address - memory.addr < memory.size,
			  "a hit outside");
		fuzz_must(cursor > before, "the scan stands still");
		before = cursor;
		if (sigframe_decode(hit.kind,
				    bytes_from(memory,
					       hit.address - memory.addr),
				    &frame))
			scan_supports(&frame, memory);
	}
	for (enum context_kind k = 0; k < CONTEXT_SHAPES; k++)
		context_decode(k, memory, 0x1234567890abcdef, &context);
	autopsy_initial(memory);
	restorer_match(memory);
}

/* As locate does, but that the layout is never known. */
static void gather(struct bytes memory, struct frame_facts *f)
{
	uint64_t off = f->sigframe.fpstate - memory.addr;
	struct xstate_sw sw;

	f->frame.bytes = memory;
	f->area.bytes = bytes_first(bytes_from(memory, off), PREDICT_AREA_WANT);
	f->area.bytes.addr = f->sigframe.fpstate;
	f->family = XSTATE_FAMILY_UNKNOWN;
	f->layout = *xstate_family_layout(XSTATE_FAMILY_COMMON);
	if (xstate_sw_decode(frame_image(f).bytes, &sw)) {
		f->family = xstate_infer_layout(&sw, NULL, &f->layout);
		sigframe_placement(&f->sigframe, sw.xstate_size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_choices c = { .left = { data, size, 0 } };
	unsigned what = fuzz_below(&c, SIGFRAME_KINDS * 4);
	struct frame_facts f = { .around = { .rip_mapped = TRI_YES } };
	struct cpu_model cpu;
	struct target t;

	take_cpu(&c, &cpu);
	c.left.addr = fuzz_take(&c, 8);

	struct bytes memory = { c.left.data, c.left.size, c.left.addr };

	/* no mapping goes round the end */
	if (size < HEADER || memory.addr > UINT64_MAX - memory.size)
		return 0;
	if (!sigframe_decode(what % SIGFRAME_KINDS, memory, &f.sigframe)) {
		look_at_memory(memory);
		return 0;
	}
	gather(memory, &f);
	target_init(&t, cpu.name, &cpu, ALL_RULES, cpu_default_features(&cpu));
	switch (what / SIGFRAME_KINDS) {
	case 0:
		look_at_memory(memory);
		break;
	case 1:
		look_at_registers(&f);
		look_at_itself(&f);
		break;
	case 2:
		judge(&f, &t);
		break;
	case 3:
		judge_death(&f, &t);
		break;
	}
	return 0;
}
