/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registers.c - the part of a report that prints register values */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/frame.h"
#include "x86/xregs.h"

#define TO_JSON(k) { .key = (k), .flow = FLOW_HIDDEN }

static const struct field ELEMENT = TO_JSON("");
static const struct field F_REGISTERS = { .key = "registers",
					  .flow = FLOW_HIDDEN };
static const struct field F_GENERAL = { .key = "general",
					.text = "general registers",
					.flow = FLOW_LINE };
static const struct field F_CELL = { .flow = FLOW_CELL };
static const struct field F_X87 = { .key = "x87", .text = "x87  ",
				    .flow = FLOW_LINE };
static const struct field F_FCW = { .key = "fcw", .text = " control %",
				    .flow = FLOW_MORE };
static const struct field F_FSW = { .key = "fsw", .text = ", status %",
				    .flow = FLOW_MORE };
static const struct field F_FTW = { .key = "ftw", .text = ", tags %",
				    .flow = FLOW_MORE };
static const struct field F_FOP = TO_JSON("fop");
static const struct field F_FIP = TO_JSON("fip");
static const struct field F_FDP = TO_JSON("fdp");
static const struct field F_ST = TO_JSON("st");
static const struct field F_MXCSR = { .key = "mxcsr", .text = "mxcsr %",
				      .flow = FLOW_LINE };
static const struct field F_VECTORS = { .key = "vectors",
					.flow = FLOW_HIDDEN };
static const struct field F_V_NAME = TO_JSON("name");
static const struct field F_V_VALUE = TO_JSON("value");
static const struct field F_TEXT_LINE = { .flow = FLOW_LINE };
static const struct field F_OPMASK = TO_JSON("opmask");
static const struct field F_PKRU = TO_JSON("pkru");
static const struct field F_RAW = { .key = "raw", .flow = FLOW_HIDDEN };
static const struct field F_RAW_FRAME = TO_JSON("frame");
static const struct field F_RAW_XSTATE = TO_JSON("xstate");

/* 64-bit frames have no data segments, 32-bit ones no r8 to r15. */
static bool frame_has(const struct sigframe *f, unsigned reg)
{
	bool narrow = f->kind == SIGFRAME_IA32_RT || f->kind == SIGFRAME_IA32;

	return narrow ? reg < X86_R8 || reg > X86_R15 : reg <= X86_SS;
}

static void emit_general(const struct sigframe *f, struct emitter *e)
{
	emit_object(e, &F_GENERAL, SHAPE_GRID);
	for (unsigned i = 0; i < X86_REGS; i++) {
		const struct field value = TO_JSON(x86_reg_names[i]);
		char cell[48];

		if (!frame_has(f, i)) {
			emit_null(e, &value);
			continue;
		}
		snprintf(cell, sizeof(cell), "%-7s0x%016" PRIx64,
			 x86_reg_names[i], f->regs.r[i]);
		emit_string(e, &F_CELL, cell);
		emit_word(e, &value, f->regs.r[i]);
	}
	emit_end(e);
}

/* Most significant byte first, as one number. */
static void add_value(struct text *t, const uint8_t *bytes, unsigned size)
{
	for (unsigned i = size; i-- > 0;)
		text_printf(t, "%02x", bytes[i]);
}

/*
 * For people: quadwords, the most significant first and without those in
 * front that are zero; one value in all of them only once.
 */
static void add_lanes(struct text *t, const uint8_t *bytes, unsigned size)
{
	unsigned lanes = size / 8;
	uint64_t value[XREGS_VECTOR_SIZE / 8] = { 0 };
	bool same = true;

	for (unsigned i = 0; i < lanes; i++) {
		memcpy(&value[i], bytes + 8 * i, sizeof(value[i]));
		same = same && value[i] == value[0];
	}
	if (same) {
		text_printf(t, "%u x %016" PRIx64, lanes, value[0]);
		return;
	}
	while (lanes > 1 && !value[lanes - 1])
		lanes--;
	for (unsigned i = lanes; i-- > 0;)
		text_printf(t, "%016" PRIx64 "%s", value[i], i ? " " : "");
}

static bool is_zero(const uint8_t *bytes, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static void emit_x87(const struct xregs *x, struct emitter *e)
{
	struct xregs_x87 r;
	struct text t = TEXT_INIT;

	if (!xregs_x87(x, &r)) {
		emit_null(e, &F_X87);
		return;
	}
	emit_object(e, &F_X87, SHAPE_PLAIN);
	emit_word(e, &F_FCW, r.fcw);
	emit_word(e, &F_FSW, r.fsw);
	emit_word(e, &F_FTW, r.ftw);
	emit_word(e, &F_FOP, r.fop);
	emit_word(e, &F_FIP, r.fip);
	emit_word(e, &F_FDP, r.fdp);
	emit_array(e, &F_ST, SHAPE_PLAIN);
	for (unsigned i = 0; i < ARRAY_SIZE(r.st); i++) {
		const struct field value = TO_JSON("");

		text_clear(&t);
		add_value(&t, r.st[i], XREGS_ST_SIZE);
		emit_string(e, &value, text_string(&t));
		if (is_zero(r.st[i], XREGS_ST_SIZE))
			continue;

		struct text line = TEXT_INIT;

		text_printf(&line, "st%u    %s", i, text_string(&t));
		emit_string(e, &F_TEXT_LINE, text_string(&line));
		text_deinit(&line);
	}
	emit_end(e);
	emit_end(e);
	text_deinit(&t);
}

/* "15 of 16 ymm registers are zero"; nothing if none is. */
static void emit_vector_count(unsigned some, unsigned all, char letter,
			      const char *what, struct emitter *e)
{
	struct text line = TEXT_INIT;

	if (!some)
		return;
	text_printf(&line, "%u of %u %cmm registers %s %s", some, all, letter,
		    some == 1 ? "is" : "are", what);
	emit_string(e, &F_TEXT_LINE, text_string(&line));
	text_deinit(&line);
}

/* In the text only what is not zero: most registers are. */
static void emit_vectors(const struct xregs *x, struct emitter *e)
{
	unsigned width = xregs_vector_width(x);
	char letter = (char)(width == 64 ? 'z' : width == 32 ? 'y' : 'x');
	unsigned zeros = 0, missing = 0, count = xregs_vectors(x);
	struct text value = TEXT_INIT, line = TEXT_INIT;

	emit_array(e, &F_VECTORS, SHAPE_PLAIN);
	for (unsigned i = 0; i < count; i++) {
		uint8_t bytes[XREGS_VECTOR_SIZE];
		char name[16];

		snprintf(name, sizeof(name), "%cmm%u", letter, i);
		text_clear(&value);
		text_clear(&line);
		emit_object(e, &ELEMENT, SHAPE_PLAIN);
		emit_string(e, &F_V_NAME, name);
		if (!xregs_vector(x, i, bytes)) {
			emit_null(e, &F_V_VALUE);
			emit_end(e);
			missing++;
			continue;
		}
		add_value(&value, bytes, width);
		emit_string(e, &F_V_VALUE, text_string(&value));
		emit_end(e);
		if (is_zero(bytes, width)) {
			zeros++;
			continue;
		}
		text_printf(&line, "%-6s ", name);
		add_lanes(&line, bytes, width);
		emit_string(e, &F_TEXT_LINE, text_string(&line));
	}
	emit_vector_count(zeros, count, letter, "zero", e);
	emit_vector_count(missing, count, letter, "not readable", e);
	emit_end(e);
	text_deinit(&value);
	text_deinit(&line);
}

static void emit_opmask(const struct xregs *x, struct emitter *e)
{
	struct text line = TEXT_INIT;
	uint64_t mask;

	if (!xregs_opmask(x, 0, &mask)) {
		emit_null(e, &F_OPMASK);
		return;
	}
	emit_array(e, &F_OPMASK, SHAPE_PLAIN);
	for (unsigned i = 0; i < 8; i++) {
		if (!xregs_opmask(x, i, &mask)) {
			emit_null(e, &ELEMENT);
			continue;
		}
		emit_word(e, &ELEMENT, mask);
		if (mask)
			text_printf(&line, "%sk%u 0x%" PRIx64,
				    line.size ? "  " : "", i, mask);
	}
	if (!line.size)
		text_add(&line, "k0-k7 are zero");
	emit_string(e, &F_TEXT_LINE, text_string(&line));
	emit_end(e);
	text_deinit(&line);
}

/* Two bits a key: access disabled, write disabled. */
static void emit_pkru(const struct xregs *x, struct emitter *e)
{
	struct text line = TEXT_INIT;
	uint32_t pkru;
	const char *separator = ": ";

	if (!xregs_pkru(x, &pkru)) {
		emit_null(e, &F_PKRU);
		return;
	}
	emit_word(e, &F_PKRU, pkru);
	text_printf(&line, "pkru 0x%08x", pkru);
	if (!pkru)
		text_add(&line, ": every key is open");
	for (unsigned key = 0; key < 16; key++) {
		unsigned bits = pkru >> 2 * key & 3, first = key;

		if (!bits)
			continue;
		while (key < 15 && (pkru >> 2 * (key + 1) & 3) == bits)
			key++;
		text_printf(&line, "%skey%s ", separator,
			    key > first ? "s" : "");
		if (key > first)
			text_printf(&line, "%u-", first);
		text_printf(&line, "%u %s", key,
			    bits & 1 ? "closed" : "read-only");
		separator = ", ";
	}
	emit_string(e, &F_TEXT_LINE, text_string(&line));
	text_deinit(&line);
}

void report_emit_registers(const struct frame_facts *facts, struct emitter *e)
{
	struct xregs x = { .image = frame_image(facts).bytes,
			   .layout = facts->layout };
	struct xstate_sw sw;
	uint32_t mxcsr;

	frame_in_use(facts, &x.in_use);
	x.possible = x.in_use;
	if (xstate_sw_decode(x.image, &sw) && sw.magic1 == XSTATE_MAGIC1)
		x.possible |= sw.xfeatures;
	x.possible &= facts->layout.features;

	emit_object(e, &F_REGISTERS, SHAPE_PLAIN);
	emit_general(&facts->sigframe, e);
	if (x.image.size >= XSTATE_FX_SIZE) {
		emit_x87(&x, e);
		if (xregs_mxcsr(&x, &mxcsr))
			emit_word(e, &F_MXCSR, mxcsr);
		emit_vectors(&x, e);
		emit_opmask(&x, e);
		emit_pkru(&x, e);
	}
	emit_end(e);
}

/* 32 bytes a line in the text, one string in JSON. */
static void emit_bytes(const struct field *f, const char *title,
		       struct bytes b, struct emitter *e)
{
	struct text all = TEXT_INIT, line = TEXT_INIT;

	for (size_t i = 0; i < b.size; i++)
		text_printf(&all, "%02x", b.data[i]);
	emit_string(e, f, text_string(&all));
	text_printf(&line, "%s, %zu bytes at 0x%" PRIx64, title, b.size,
		    b.addr);
	emit_string(e, &F_TEXT_LINE, text_string(&line));
	for (size_t i = 0; i < b.size; i += 32) {
		size_t rest = b.size - i < 32 ? b.size - i : 32;

		text_clear(&line);
		text_printf(&line, "  %5zu ", i);
		for (size_t k = 0; k < rest; k++)
			text_printf(&line, "%s%02x", k % 8 ? "" : " ",
				    b.data[i + k]);
		emit_string(e, &F_TEXT_LINE, text_string(&line));
	}
	text_deinit(&all);
	text_deinit(&line);
}

void report_emit_raw(const struct frame_facts *facts, struct emitter *e)
{
	const struct sigframe *s = &facts->sigframe;
	struct bytes image = frame_image(facts).bytes;
	uint32_t size = XSTATE_FX_SIZE;
	struct xstate_sw sw;

	if (xstate_sw_decode(image, &sw) && sw.magic1 == XSTATE_MAGIC1 &&
	    sw.xstate_size >= XSTATE_MIN_SIZE)
		size = sw.xstate_size + XSTATE_MAGIC2_SIZE;
	emit_object(e, &F_RAW, SHAPE_PLAIN);
	emit_bytes(&F_RAW_FRAME, "frame",
		   bytes_first(facts->frame.bytes,
			       sigframe_shapes[s->kind].size), e);
	emit_bytes(&F_RAW_XSTATE, "xstate", bytes_first(image, size), e);
	emit_end(e);
}
