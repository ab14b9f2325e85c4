/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kept.c - bytes of many frames, kept and given back */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "frame_builder.h"
#include "locate/kept.h"

enum { FRAMES = 20000, MOST = 4096 };

struct example {
	uint8_t frame[KEPT_FRAME_MAX];
	uint8_t area[PREDICT_AREA_WANT];
	size_t frame_size;
	size_t area_size;
};

static uint64_t seed = UINT64_C(0x6b657074);

static size_t below(size_t n)
{
	return frame_random(&seed) % n;
}

static void change(uint8_t *data, size_t size, size_t count)
{
	while (size && count--)
		data[below(size)] = (uint8_t)frame_random(&seed);
}

/* Mostly a few bytes differ from what was there; seldom all, and sizes. */
static void draw(struct example *e)
{
	if (!below(8)) {
		e->frame_size = 1 + below(sizeof(e->frame));
		e->area_size = 1 + below(below(8) ? MOST : sizeof(e->area));
	}
	change(e->frame, e->frame_size, below(30));
	change(e->area, e->area_size, below(64) ? below(60) : 2 * MOST);
	if (!below(50))
		memset(e->area, 0, e->area_size);
}

static const struct kept_frame *add(struct kept *k, const struct example *e)
{
	return kept_add(k, (struct bytes){ e->frame, e->frame_size, 0 },
			(struct bytes){ e->area, e->area_size, 0 });
}

/* What is kept comes back, whatever was kept after it. */
static void gives_back(void **state)
{
	CLEANUP_FREE const struct kept_frame **kept = NULL;
	CLEANUP_FREE uint8_t *room = malloc(KEPT_BYTES);
	struct example e = { .frame_size = 440, .area_size = 2760 };
	struct kept k = { 0 };
	uint64_t start = seed;
	size_t count = 0;

	(void)state;
	kept = calloc(FRAMES, sizeof(*kept));
	assert_non_null(kept);
	assert_non_null(room);
	for (size_t i = 0; i < FRAMES; i++) {
		draw(&e);
		kept[i] = add(&k, &e);
		count += kept[i] != NULL;
		assert_true(k.size <= KEPT_MAX);
	}
	/* enough to be worth it, and not all of them */
	assert_in_range(count, FRAMES / 100, FRAMES - 1);

	seed = start;
	e = (struct example){ .frame_size = 440, .area_size = 2760 };
	for (size_t i = 0; i < FRAMES; i++) {
		draw(&e);
		if (!kept[i])
			continue;
		memset(room, 0xa5, KEPT_BYTES);
		kept_read(kept[i], room);
		assert_memory_equal(room, e.frame, e.frame_size);
		assert_memory_equal(room + KEPT_FRAME_MAX, e.area,
				    e.area_size);
	}
	kept_deinit(&k);
	assert_int_equal(k.size, 0);
}

/* Frames that are alike take a few dozen bytes each. */
static void is_small(void **state)
{
	struct example e = { .frame_size = 440, .area_size = 2760 };
	struct kept k = { 0 };

	(void)state;
	change(e.frame, e.frame_size, 400);
	change(e.area, e.area_size, 2000);
	for (unsigned i = 0; i < 1000; i++) {
		change(e.frame, 8, 8);
		assert_non_null(add(&k, &e));
	}
	assert_true(k.size <= 192 << 10);
	kept_deinit(&k);
}

/* What is empty or too large is not kept. */
static void refuses(void **state)
{
	CLEANUP_FREE uint8_t *zeros = calloc(1, PREDICT_AREA_WANT + 1);
	const struct bytes frame = { zeros, 440, 0 };
	struct kept k = { 0 };

	(void)state;
	assert_non_null(zeros);
	assert_null(kept_add(&k, frame, (struct bytes){ zeros, 0, 0 }));
	assert_null(kept_add(&k, (struct bytes){ zeros, 0, 0 }, frame));
	assert_null(kept_add(&k, (struct bytes){ zeros, KEPT_FRAME_MAX + 1,
						 0 }, frame));
	assert_null(kept_add(&k, frame, (struct bytes){
					zeros, PREDICT_AREA_WANT + 1, 0 }));
	assert_non_null(kept_add(&k, frame, frame));
	kept_deinit(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back),
		cmocka_unit_test(is_small),
		cmocka_unit_test(refuses),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
