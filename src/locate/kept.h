/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kept.h - the bytes of many frames that are much alike, in little memory */
#ifndef SIGFRAME_LOCATE_KEPT_H
#define SIGFRAME_LOCATE_KEPT_H

#include "kernel/predict.h"

/* Bytes of the largest kind's fixed part. */
#define KEPT_FRAME_MAX 768

/* Memory for all, in bytes; what does not fit is not kept. */
#define KEPT_MAX (UINT32_C(2) << 20)

/*
 * Threads wait in the same few places, so that their frames differ in few
 * words. Of the first frame all bytes are kept, of the others what differs.
 * Starts as zeros.
 */
struct kept {
	struct kept_block *blocks;
	size_t size;		/* bytes of all blocks */
	uint64_t *first;	/* the first frame, zeros behind its bytes */
};

/* Room that kept_read() takes at most. */
#define KEPT_BYTES (KEPT_FRAME_MAX + ((PREDICT_AREA_WANT + 7) & ~7))

/* One frame; it belongs to the `kept` that made it. */
struct kept_frame;

/*
 * Keep all bytes of `frame` and `area`. NULL: they are not kept, for want of
 * memory or because there is too much of them.
 */
const struct kept_frame *kept_add(struct kept *k, struct bytes frame,
				  struct bytes area);

/*
 * All of them again, `area` from KEPT_FRAME_MAX on. `buf` has room for
 * KEPT_BYTES.
 */
void kept_read(const struct kept_frame *f, uint8_t *buf);

void kept_deinit(struct kept *k);

#endif
