/* SPDX-License-Identifier: GPL-3.0-or-later */
/* components.c - which components an XSAVE image has, and what is in them */
#include "report/components.h"

#include "base/text.h"
#include "x86/xregs.h"

static const struct field ELEMENT = { .key = "", .flow = FLOW_HIDDEN };
#define TO_JSON(k) { .key = (k), .flow = FLOW_HIDDEN }

static const struct field F_COMPONENTS = { .key = "components",
					   .flow = FLOW_HIDDEN };
static const struct field F_C_CELL = { .flow = FLOW_CELL };
static const struct field F_C_NAME = TO_JSON("name");
static const struct field F_C_BIT = TO_JSON("bit");
static const struct field F_C_OFFSET = TO_JSON("offset");
static const struct field F_C_SIZE = TO_JSON("size");
static const struct field F_C_POSSIBLE = TO_JSON("possible");
static const struct field F_C_IN_USE = TO_JSON("in_use");
static const struct field F_C_NONZERO = TO_JSON("nonzero");

/* Columns in a cell. */
enum { NAME_WIDTH = 10, PLACE_WIDTH = 11 };

/* All that is said of one component; compared as bytes, so without padding. */
struct component {
	uint32_t offset;
	uint32_t size;
	uint16_t bit;
	bool placed;
	bool possible;
	bool in_use_known;
	bool in_use;
	bool known;		/* is it zero? */
	bool nonzero;
};
_Static_assert(sizeof(struct component) == 16, "no padding");

static struct component component_of(const struct image_use *i,
				     const struct xregs *x, unsigned bit)
{
	const struct xstate_layout *l = &x->layout;
	struct component c = {
		.offset = l->offset[bit],
		.size = l->size[bit],
		.bit = (uint16_t)bit,
		.placed = l->features & XSTATE_BIT(bit),
		.possible = i->possible & XSTATE_BIT(bit),
		.in_use_known = i->in_use_known,
		.in_use = i->in_use & XSTATE_BIT(bit),
		.nonzero = xregs_nonzero(x, bit),
	};

	/* what is missing may be anything */
	c.known = c.placed &&
		  (c.nonzero || bytes_has(x->image, c.offset, c.size));
	return c;
}

static const char *use_of(const struct component *c)
{
	/* XSAVE writes zeros then; Linux does not ask it for tile state */
	bool written = c->bit > XSTATE_SSE && c->bit != XSTATE_XTILECFG &&
		       c->bit != XSTATE_XTILEDATA;

	if (!c->in_use_known)
		return "unknown";
	if (c->in_use)
		return !c->nonzero && c->known ? "in use, zero" : "in use";
	return c->nonzero && c->known && written ? "initial, not zero"
						 : "initial";
}

static void emit_component(const struct component *c, struct text *cell,
			   struct emitter *e)
{
	const char *name = xstate_components[c->bit].name;
	size_t place;

	text_clear(cell);
	text_add(cell, name ? name : "unnamed");
	text_pad(cell, ' ', NAME_WIDTH - (long)cell->size);
	place = cell->size;
	if (c->placed) {
		text_add_number(cell, c->offset);
		text_add(cell, "+");
		text_add_number(cell, c->size);
	} else {
		text_add(cell, "?");
	}
	text_pad(cell, ' ', PLACE_WIDTH - (long)(cell->size - place));
	text_add(cell, use_of(c));

	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	emit_string(e, &F_C_CELL, text_string(cell));
	emit_string(e, &F_C_NAME, name);
	emit_number(e, &F_C_BIT, c->bit);
	if (c->placed) {
		emit_number(e, &F_C_OFFSET, c->offset);
		emit_number(e, &F_C_SIZE, c->size);
	} else {
		emit_null(e, &F_C_OFFSET);
		emit_null(e, &F_C_SIZE);
	}
	emit_bool(e, &F_C_POSSIBLE, c->possible);
	if (c->in_use_known)
		emit_bool(e, &F_C_IN_USE, c->in_use);
	else
		emit_null(e, &F_C_IN_USE);
	if (c->known)
		emit_bool(e, &F_C_NONZERO, c->nonzero);
	else
		emit_null(e, &F_C_NONZERO);
	emit_end(e);
}

void report_emit_use(const struct frame_facts *f, const struct image_use *i,
		     struct emitter *e)
{
	const struct xregs x = { .image = frame_image(f).bytes,
				 .layout = f->layout };
	struct component all[XSTATE_MAX];
	struct text cell = TEXT_INIT;
	unsigned count = 0;

	for (uint64_t left = i->possible | i->in_use; left; left &= left - 1)
		all[count++] = component_of(
			i, &x, (unsigned)__builtin_ctzll(left));
	if (emit_again(e, PARAGRAPH_COMPONENTS, all, count * sizeof(*all)))
		return;
	emit_array(e, &F_COMPONENTS, SHAPE_GRID);
	for (unsigned k = 0; k < count; k++)
		emit_component(&all[k], &cell, e);
	emit_end(e);
	emit_learnt(e, PARAGRAPH_COMPONENTS);
	text_deinit(&cell);
}
