/* SPDX-License-Identifier: GPL-3.0-or-later */
/* frame.c - the parts of a report that tell of one frame */
#include "report/frame.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/components.h"
#include "report/dormant.h"
#include "report/message.h"
#include "x86/siginfo.h"

static const struct field ELEMENT = { .key = "", .flow = FLOW_HIDDEN };
static const struct field BLANK = { .flow = FLOW_BLANK };
#define TO_JSON(k) { .key = (k), .flow = FLOW_HIDDEN }

/* The first line: what it is. */

static const struct field F_TITLE = { .text = "frame at %", .flow = FLOW_LINE,
				      .style = STYLE_TITLE };
static const struct field F_ADDRESS = TO_JSON("address");
static const struct field F_KIND = { .key = "kind", .text = "  %",
				     .flow = FLOW_MORE };
static const struct field F_STACK = { .key = "stack", .text = ", % stack",
				      .flow = FLOW_MORE };

static const char *const stack_names[] = {
	[FRAME_ON_MAIN] = "main",
	[FRAME_ON_ALTERNATE] = "alternate",
	[FRAME_ON_OTHER] = "other",
};

static const struct field F_SIGNAL = { .key = "signal",
				       .flow = FLOW_HIDDEN };
static const struct field F_SIG_NUMBER = TO_JSON("number");
static const struct field F_SIG_NAME = {
	.key = "name", .text = "signal       %", .flow = FLOW_LINE };
/* Only handlers that ask for it are told more than the number. */
static const struct field F_SIG_UNKNOWN = {
	.text = "signal       not known, the handler was not told (SA_SIGINFO)",
	.flow = FLOW_LINE };
static const struct field F_SIG_CODE = TO_JSON("code");
static const struct field F_SIG_CODE_NAME = TO_JSON("code_name");
static const struct field F_SIG_MEANING = { .key = "meaning", .text = " %",
					    .flow = FLOW_MORE };
static const struct field F_SIG_PID = { .key = "pid", .text = " by process %",
					.flow = FLOW_MORE };
static const struct field F_SIG_UID = TO_JSON("uid");
static const struct field F_SIG_STATUS = TO_JSON("status");
static const struct field F_SIG_ADDRESS = {
	.key = "fault_address", .text = " at %", .flow = FLOW_MORE };

bool report_frame_signal(const struct sigframe *f, struct siginfo *ret)
{
	struct bytes info = { f->info, f->have_info ? SIGFRAME_INFO_SIZE : 0,
			      0 };

	return siginfo_decode(info, f->kind != SIGFRAME_X86_64, ret);
}

static void emit_signal(const struct sigframe *f, struct emitter *e)
{
	struct siginfo s;

	if (!report_frame_signal(f, &s)) {
		const char *name = siginfo_signal_name(f->sig);

		if (!name) {
			emit_null(e, &F_SIGNAL);
			emit_string(e, &F_SIG_UNKNOWN, "");
			return;
		}
		emit_object(e, &F_SIGNAL, SHAPE_PLAIN);
		emit_number(e, &F_SIG_NUMBER, f->sig);
		emit_string(e, &F_SIG_NAME, name);
		emit_end(e);
		return;
	}
	emit_object(e, &F_SIGNAL, SHAPE_PLAIN);
	emit_number(e, &F_SIG_NUMBER, s.signo);
	emit_string(e, &F_SIG_NAME, s.signal_name);
	emit_number(e, &F_SIG_CODE, s.code);
	emit_string(e, &F_SIG_CODE_NAME, s.code_name);
	emit_string(e, &F_SIG_MEANING, s.meaning);
	if (s.form == SIGINFO_SENDER || s.form == SIGINFO_CHILD) {
		emit_number(e, &F_SIG_PID, s.pid);
		emit_number(e, &F_SIG_UID, s.uid);
	}
	if (s.form == SIGINFO_CHILD || s.form == SIGINFO_SYSCALL)
		emit_number(e, &F_SIG_STATUS, s.status);
	if (s.form == SIGINFO_FAULT || s.form == SIGINFO_SYSCALL)
		emit_word(e, &F_SIG_ADDRESS, s.addr);
	emit_end(e);
}

/* Where it came from and goes back to. */

static const struct field F_INTERRUPTED = {
	.key = "interrupted", .text = "interrupted  ", .flow = FLOW_LINE };
static const struct field F_RESTORER = {
	.key = "restorer", .text = "returns via  ", .flow = FLOW_LINE };
static const struct field F_PC = { .key = "pc", .flow = FLOW_MORE };
static const struct field F_PC_HIDDEN = TO_JSON("pc");
static const struct field F_SP = TO_JSON("sp");
static const struct field F_SYMBOL = { .key = "symbol", .flow = FLOW_MORE };
static const struct field F_OFFSET = { .key = "offset", .text = "+%",
				       .flow = FLOW_MORE };
static const struct field F_OFFSET_HIDDEN = TO_JSON("offset");
static const struct field F_MODULE = { .key = "module", .text = " (%)",
				       .flow = FLOW_MORE };
static const struct field F_MODULE_HIDDEN = TO_JSON("module");
static const struct field F_FILE = TO_JSON("file");
static const struct field F_LINE = TO_JSON("line");
static const struct field F_SOURCE_LINE = { .text = " (%)",
					    .flow = FLOW_MORE };
static const struct field F_INSTRUCTION = {
	.key = "instruction", .text = "  %", .flow = FLOW_MORE };
static const struct field F_CODE = { .key = "code", .text = "  %",
				     .flow = FLOW_MORE };
static const struct field F_EFFECT = TO_JSON("effect");
static const struct field F_EFFECT_TEXT = {
	.text = "  %", .flow = FLOW_MORE, .style = STYLE_WARNING };
static const struct field F_EVIDENCE = { .key = "evidence",
					 .flow = FLOW_HIDDEN };
static const struct field F_EVIDENCE_TEXT = {
	.text = "evidence     %", .flow = FLOW_LINE };

/* Function, offset and where that is; the address if there is no name. */
static void emit_place(const struct code_place *p, uint64_t pc,
		       struct emitter *e)
{
	emit_word(e, p->function ? &F_PC_HIDDEN : &F_PC, pc);
	emit_string(e, &F_SYMBOL, p->function);
	if (p->function)
		emit_word(e, p->offset ? &F_OFFSET : &F_OFFSET_HIDDEN,
			  p->offset);
	else
		emit_null(e, &F_OFFSET);
	emit_string(e, p->file ? &F_MODULE_HIDDEN : &F_MODULE, p->module);
	emit_string(e, &F_FILE, p->file);
	if (p->file) {
		const char *slash = strrchr(p->file, '/');
		struct text t = TEXT_INIT;

		text_add(&t, slash ? slash + 1 : p->file);
		text_add(&t, ":");
		text_add_number(&t, p->line);
		emit_number(e, &F_LINE, p->line);
		emit_string(e, &F_SOURCE_LINE, text_string(&t));
		text_deinit(&t);
	} else {
		emit_null(e, &F_LINE);
	}
}

static void emit_evidence(unsigned evidence, struct emitter *e)
{
	static const struct {
		unsigned bit;
		const char *name;
	} kinds[] = {
		{ FRAME_UNWOUND, "unwound" },
		{ FRAME_SCANNED, "scanned" },
		{ FRAME_RETURNING, "returning" },
		{ FRAME_POINTERS, "frame-pointers" },
		{ FRAME_REGISTERED, "sa_restorer" },
	};
	struct text t = TEXT_INIT;

	emit_array(e, &F_EVIDENCE, SHAPE_JSON_ONLY);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!(evidence & kinds[i].bit))
			continue;
		text_add(&t, t.size ? ", " : "");
		text_add(&t, kinds[i].name);
		emit_string(e, &ELEMENT, kinds[i].name);
	}
	emit_end(e);
	emit_string(e, &F_EVIDENCE_TEXT, text_string(&t));
	text_deinit(&t);
}

/* What the code does that the handler returns to. */
static const struct {
	const char *name;	/* stable, in JSON */
	const char *text;	/* NULL: goes without saying */
} effects[FRAME_RETURNS] = {
	[FRAME_RETURN_UNKNOWN] = {
		"unknown", "not recognised as code that calls sigreturn" },
	[FRAME_RETURN_SIGRETURN] = { "sigreturn", NULL },
	[FRAME_RETURN_KIND] = {
		"other-kind", "calls sigreturn for another kind of frame" },
	[FRAME_RETURN_PLACE] = {
		"other-place", "calls sigreturn for a frame somewhere else" },
	[FRAME_RETURN_OTHER] = {
		"other", "code that does not call sigreturn" },
	[FRAME_RETURN_UNREADABLE] = {
		"unreadable", "code that could not be read" },
	[FRAME_RETURN_REGISTERED] = {
		"registered", "code that could not be read, but sa_restorer" },
	[FRAME_RETURN_NOTHING] = { "nothing", "nothing is mapped there" },
};

static void add_place(struct text *t, const struct code_place *p, uint64_t pc)
{
	const char *const strings[] = { p->function, p->module, p->file,
					p->instruction };
	uint64_t numbers[] = { pc, p->offset, p->line, 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(strings); i++)
		if (strings[i])
			numbers[3] |= UINT64_C(1) << i;
	text_add_bytes(t, numbers, sizeof(numbers));
	for (unsigned i = 0; i < ARRAY_SIZE(strings); i++)
		if (strings[i])
			text_add_bytes(t, strings[i], strlen(strings[i]) + 1);
}

/* All that emit_code() tells of in a text. */
static void add_code(struct text *t, const struct located_frame *f,
		     const struct sigframe *s)
{
	const unsigned how[] = { f->returns, f->evidence };

	text_add_bytes(t, how, sizeof(how));
	add_place(t, &f->interrupted, s->regs.r[X86_RIP]);
	add_place(t, &f->restorer, s->pretcode);
}

static void emit_code(const struct located_frame *f, const struct sigframe *s,
		      struct emitter *e)
{
	emit_object(e, &F_INTERRUPTED, SHAPE_PLAIN);
	emit_place(&f->interrupted, s->regs.r[X86_RIP], e);
	emit_word(e, &F_SP, s->regs.r[X86_RSP]);
	emit_string(e, &F_INSTRUCTION, f->interrupted.instruction);
	emit_end(e);
	emit_object(e, &F_RESTORER, SHAPE_PLAIN);
	emit_place(&f->restorer, s->pretcode, e);
	emit_string(e, &F_CODE, f->restorer.instruction);
	emit_string(e, &F_EFFECT, effects[f->returns].name);
	emit_string(e, &F_EFFECT_TEXT, effects[f->returns].text);
	emit_end(e);
	emit_evidence(f->evidence, e);
}

/* Threads wait in the same few places. */
static void emit_code_once(const struct located_frame *f,
			   const struct sigframe *s, struct emitter *e)
{
	struct text key = TEXT_INIT;
	bool known = false;

	add_code(&key, f, s);
	if (!text_bad(&key))
		known = emit_again(e, PARAGRAPH_CODE, text_string(&key),
				   key.size);
	if (!known)
		emit_code(f, s, e);
	if (!known && !text_bad(&key))
		emit_learnt(e, PARAGRAPH_CODE);
	text_deinit(&key);
}

/* The extended state. */

static const struct field F_FPSTATE = TO_JSON("fpstate");
static const struct field F_XSTATE_LINE = { .text = "xstate       %",
					    .flow = FLOW_LINE };
static const struct field F_XSTATE_MORE = { .text = "             %",
					    .flow = FLOW_LINE };
static const struct field F_MAGIC1 = TO_JSON("magic1_ok");
static const struct field F_MAGIC2 = TO_JSON("magic2_ok");
static const struct field F_SIZE = TO_JSON("xstate_size");
static const struct field F_EXTENDED = TO_JSON("extended_size");
static const struct field F_XFEATURES = TO_JSON("xfeatures");
static const struct field F_BV = TO_JSON("xstate_bv");
static const struct field F_XCOMP = TO_JSON("xcomp_bv");
static const struct field F_MXCSR = TO_JSON("mxcsr");
static const struct field F_ALIGNMENT = TO_JSON("alignment");
static const struct field F_LAYOUT = TO_JSON("layout");
static const struct field F_LAYOUT_BASIS = TO_JSON("layout_basis");
/* How the image presents itself, gathered once for both forms. */
struct image_facts {
	struct run run;
	bool have_sw, have_header;
	struct xstate_sw sw;
	struct xstate_header header;
	struct image_use use;
	enum tri magic2;
};

static void gather(const struct frame_facts *f, struct image_facts *ret)
{
	struct image_facts i = { .run = frame_image(f) };
	uint32_t magic2;

	i.have_sw = xstate_sw_decode(i.run.bytes, &i.sw);
	i.have_header = xstate_header_decode(i.run.bytes, &i.header);
	i.use.in_use_known = frame_in_use(f, &i.use.in_use) == TRI_YES;
	i.use.possible = i.use.in_use;
	if (i.have_sw && i.sw.magic1 == XSTATE_MAGIC1) {
		i.use.possible |= i.sw.xfeatures;
		if (bytes_u32(i.run.bytes, i.sw.xstate_size, &magic2))
			i.magic2 = tri_of(magic2 == XSTATE_MAGIC2);
	}
	*ret = i;
}

static void emit_xstate_line(const struct frame_facts *f,
			     const struct image_facts *i, struct emitter *e)
{
	static const char *const magic2[] = {
		[TRI_UNKNOWN] = "magic2 unreadable",
		[TRI_NO] = "magic2 MISSING",
		[TRI_YES] = "magic2 ok",
	};
	struct text t = TEXT_INIT, more = TEXT_INIT;

	if (!f->sigframe.fpstate) {
		text_add(&t, "none: fpstate is 0");
	} else if (!i->have_sw) {
		text_printf(&t, "not readable, fpstate is 0x%" PRIx64,
			    f->sigframe.fpstate);
	} else if (i->sw.magic1 != XSTATE_MAGIC1) {
		text_printf(&t, "at 0x%" PRIx64 ", magic1 MISSING: "
				"FXSAVE image of %u bytes",
			    i->run.bytes.addr, XSTATE_FX_SIZE);
	} else {
		text_add_number(&t, i->sw.xstate_size);
		text_add(&t, " bytes at ");
		text_add_word(&t, i->run.bytes.addr);
		text_add(&t, ", ");
		text_add(&t, xstate_family_name(f->family));
		text_add(&t, " layout");
		text_add(&more, "extended_size ");
		text_add_number(&more, i->sw.extended_size);
		text_add(&more, ", magic1 ok, ");
		text_add(&more, magic2[i->magic2]);
	}
	if (f->sigframe.fpstate && i->run.bytes.addr % 64)
		text_add(&t, ", MISALIGNED");
	emit_string(e, &F_XSTATE_LINE, text_string(&t));
	emit_string(e, &F_XSTATE_MORE, more.size ? text_string(&more) : NULL);
	text_deinit(&more);
	text_deinit(&t);
}

/* The largest power of two that divides the address, up to a page. */
static int64_t alignment_of(uint64_t address)
{
	uint64_t alignment = address & -address;

	return alignment && alignment < 4096 ? (int64_t)alignment : 4096;
}

static void emit_tri(struct emitter *e, const struct field *f, enum tri t)
{
	if (t == TRI_UNKNOWN)
		emit_null(e, f);
	else
		emit_bool(e, f, t == TRI_YES);
}

static void emit_xstate(const struct frame_facts *f, struct emitter *e)
{
	struct image_facts i;
	uint32_t mxcsr;

	gather(f, &i);
	emit_xstate_line(f, &i, e);
	emit_word(e, &F_FPSTATE, f->sigframe.fpstate);
	emit_number(e, &F_ALIGNMENT,
		    alignment_of(sigframe_image(&f->sigframe)));
	if (i.have_sw) {
		emit_bool(e, &F_MAGIC1, i.sw.magic1 == XSTATE_MAGIC1);
		emit_tri(e, &F_MAGIC2, i.magic2);
		emit_number(e, &F_SIZE, i.sw.xstate_size);
		emit_number(e, &F_EXTENDED, i.sw.extended_size);
		emit_word(e, &F_XFEATURES, i.sw.xfeatures);
	} else {
		emit_null(e, &F_MAGIC1);
		emit_null(e, &F_MAGIC2);
		emit_null(e, &F_SIZE);
		emit_null(e, &F_EXTENDED);
		emit_null(e, &F_XFEATURES);
	}
	if (i.have_header) {
		emit_word(e, &F_BV, i.header.xstate_bv);
		emit_word(e, &F_XCOMP, i.header.xcomp_bv);
	} else {
		emit_null(e, &F_BV);
		emit_null(e, &F_XCOMP);
	}
	if (bytes_u32(i.run.bytes, XSTATE_MXCSR_OFF, &mxcsr))
		emit_word(e, &F_MXCSR, mxcsr);
	else
		emit_null(e, &F_MXCSR);
	emit_string(e, &F_LAYOUT, xstate_family_name(f->family));
	emit_string(e, &F_LAYOUT_BASIS,
		    f->family == XSTATE_FAMILY_UNKNOWN
			    ? NULL
			    : "xstate_size and xfeatures");
	report_emit_use(f, &i.use, e);
}

/* What sigreturn restores beside registers. */

static const struct field F_RESTORES = { .text = "restores     %",
					 .flow = FLOW_LINE };
static const struct field F_UC_FLAGS = TO_JSON("uc_flags");
static const struct field F_SIGMASK = TO_JSON("sigmask");
static const struct field F_ALTSTACK = TO_JSON("uc_stack");
static const struct field F_ALT_ADDRESS = TO_JSON("address");
static const struct field F_ALT_SIZE = TO_JSON("size");
static const struct field F_ALT_FLAGS = TO_JSON("flags");
static const struct field F_TRAPNO = TO_JSON("trapno");
static const struct field F_ERR = TO_JSON("err");
static const struct field F_CR2 = TO_JSON("cr2");

static void emit_context(const struct sigframe *f, struct emitter *e)
{
	struct text t = TEXT_INIT;

	text_add(&t, "blocked signals: ");
	message_add_signals(&t, f->sigmask);
	if (f->altstack_size)
		text_printf(&t, "; alternate stack: %" PRIu64
				" bytes at 0x%" PRIx64 "%s",
			    f->altstack_size, f->altstack_sp,
			    f->altstack_flags & SIGFRAME_SS_AUTODISARM
				    ? ", autodisarm"
				    : "");
	emit_string(e, &F_RESTORES, text_string(&t));
	text_deinit(&t);

	emit_word(e, &F_UC_FLAGS, f->uc_flags);
	emit_word(e, &F_SIGMASK, f->sigmask);
	emit_object(e, &F_ALTSTACK, SHAPE_JSON_ONLY);
	emit_word(e, &F_ALT_ADDRESS, f->altstack_sp);
	emit_number(e, &F_ALT_SIZE, (int64_t)f->altstack_size);
	emit_word(e, &F_ALT_FLAGS, f->altstack_flags);
	emit_end(e);
	emit_number(e, &F_TRAPNO, (int64_t)f->trapno);
	emit_word(e, &F_ERR, f->err);
	emit_word(e, &F_CR2, f->cr2);
}

void report_emit_frame(const struct report *r, const struct report_view *view,
		       const struct report_frame *f,
		       const struct frame_facts *facts, struct emitter *e)
{
	const struct located_frame *l = f->located;
	const struct sigframe *s = &facts->sigframe;

	emit_word(e, &F_TITLE, s->address);
	emit_object(e, &ELEMENT, SHAPE_INDENTED);
	emit_string(e, &F_KIND, sigframe_shapes[s->kind].name);
	emit_word(e, &F_ADDRESS, s->address);
	emit_string(e, &F_STACK, stack_names[l->stack]);
	report_emit_parked(l, e);
	emit_signal(s, e);
	emit_code_once(l, s, e);
	emit_context(s, e);
	emit_xstate(facts, e);
	if (view->registers)
		report_emit_registers(facts, e);
	if (view->raw)
		report_emit_raw(facts, e);
	emit_string(e, &BLANK, "");
	report_emit_verdicts(r, f, facts, e);
	report_emit_rehearsal(f, e);
	emit_end(e);
}
