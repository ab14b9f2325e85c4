/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu.c - what "criu restore" makes of the threads of a checkpoint */
#include <stdlib.h>

#include "describe/formats.h"
#include "report/model.h"

void report_criu_deinit(struct report_input *in)
{
	for (size_t i = 0; i < in->criu_count; i++)
		free(in->criu[i].threads);
	free(in->criu);
}

/* The registers that the thread itself has, XSTATE_BV as it was. */
static struct criu_thread live_registers(const struct thread *t)
{
	struct bytes image = { t->xstate, t->xstate_size, 0 };
	struct xstate_header header;
	struct criu_thread ret = {
		.components = t->components,
		.pkru = t->pkru,
		.ia32 = x86_gprs_is_32bit(&t->regs),
		.shadow_stack = t->shadow_stack,
	};

	if (!(t->has & THREAD_HAS_COMPONENTS) || t->problem ||
	    !xstate_header_decode(image, &header))
		return ret;
	ret.in_use = header.xstate_bv;
	ret.known = bytes_u32(image, XSTATE_MXCSR_OFF, &ret.mxcsr);
	return ret;
}

/* It has ended, and only its parent does not know yet. */
static bool is_dead(const struct thread *t)
{
	return t->state == 'Z' || t->state == 'X';
}

static void add_thread(struct report_criu *c, const struct criu_live *live)
{
	criu_add(&c->why, &live->why);
	if (live->refused == TRI_YES ||
	    (live->refused == TRI_UNKNOWN && c->refused == TRI_NO))
		c->refused = live->refused;
	c->bad |= !(live->possible & (1u << OUTCOME_INTACT));
	/* what is certain counts first */
	if (c->outcome == OUTCOME_INTACT || c->outcome == OUTCOME_UNKNOWN ||
	    (live->outcome > c->outcome && live->outcome != OUTCOME_UNKNOWN))
		if (live->outcome != OUTCOME_INTACT)
			c->outcome = live->outcome;
}

static struct error *judge(struct report_input *in, const struct target *t,
			   const struct criu_cpu *cpu, struct report_criu *ret)
{
	const struct located *l = in->located;

	*ret = (struct report_criu){
		.refused = TRI_NO,
		.outcome = OUTCOME_INTACT,
		.threads = calloc(l->threads_count + 1, sizeof(*ret->threads)),
		.compared = criu_compare(cpu, t),
	};
	if (!ret->threads)
		return &error_no_memory;
	for (size_t i = 0; i < l->threads_count; i++) {
		const struct thread *thread = l->threads[i].thread;
		struct criu_thread live = live_registers(thread);

		if (is_dead(thread)) {
			ret->threads[i].refused = TRI_NO;
			continue;
		}
		ret->threads[i] = criu_restore(&live, t);
		add_thread(ret, &ret->threads[i]);
	}
	in->counts.restored[ret->outcome]++;
	in->counts.restored_bad += ret->bad;
	in->counts.criu_refuses += ret->refused == TRI_YES;
	return NULL;
}

struct error *report_judge_criu(const struct report *r,
				struct report_input *in)
{
	const struct snapshot *s = in->snapshot;
	const struct criu_cpu *known = NULL;
	struct criu_cpu cpu;
	struct error *err;

	if (!source_kind_is_checkpoint(s->kind))
		return NULL;
	if (s->cpuinfo) {
		err = format_criu_read(s->cpuinfo, s->cpuinfo_size, &cpu);
		if (err)
			snapshot_note(in->snapshot, "cpuinfo.img: %s",
				      error_message(err));
		else
			known = &cpu;
		error_free(err);
	}
	in->criu = calloc(r->targets_count + 1, sizeof(*in->criu));
	if (!in->criu)
		return &error_no_memory;
	for (size_t i = 0; i < r->targets_count; i++) {
		err = judge(in, &r->targets[i].target, known, &in->criu[i]);
		in->criu_count++;
		if (err)
			return err;
	}
	return NULL;
}
