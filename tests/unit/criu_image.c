/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_image.c - cpuinfo.img files with known fields */
#include "criu_image.h"

#include <string.h>

enum wire {
	WIRE_VARINT = 0,
	WIRE_BYTES = 2,
};

static void put_u32(struct text *t, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++, value >>= 8)
		text_add_bytes(t, &(char){ (char)value }, 1);
}

static void put_varint(struct text *t, uint64_t value)
{
	do {
		char byte = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

		text_add_bytes(t, &byte, 1);
		value >>= 7;
	} while (value);
}

static void put_number(struct text *t, unsigned field, uint64_t value)
{
	put_varint(t, field << 3 | WIRE_VARINT);
	put_varint(t, value);
}

static void put_bytes(struct text *t, unsigned field, const char *data,
		      size_t size)
{
	put_varint(t, field << 3 | WIRE_BYTES);
	put_varint(t, size);
	text_add_bytes(t, data, size);
}

static void put_words(struct text *t, const struct criu_cpu *cpu, bool packed)
{
	struct text list = TEXT_INIT;

	for (unsigned i = 0; i < cpu->words_count; i++)
		if (packed)
			put_varint(&list, cpu->words[i]);
		else
			put_number(t, 6, cpu->words[i]);
	if (packed)
		put_bytes(t, 6, text_string(&list), list.size);
	text_deinit(&list);
}

static void put_cpu(struct text *t, const struct criu_cpu *cpu,
		    unsigned quirks)
{
	if (quirks & CRIU_REPEATED_FIELD)
		put_number(t, 8, 0x3ff);
	put_number(t, 1, cpu->vendor);
	put_number(t, 2, 6);
	put_number(t, 3, 143);
	put_number(t, 4, 8);
	put_number(t, 5, 2);
	put_words(t, cpu, quirks & CRIU_PACKED);
	if (cpu->brand)
		put_bytes(t, 7, cpu->brand, strlen(cpu->brand));
	if (cpu->xfeatures)
		put_number(t, 8, cpu->xfeatures);
	if (cpu->xsave_size)
		put_number(t, 9, cpu->xsave_size);
	if (cpu->xsave_size_max)
		put_number(t, 10, cpu->xsave_size_max);
	if (quirks & CRIU_UNKNOWN_FIELDS) {
		put_number(t, 77, 1234567890123);
		put_bytes(t, 78, "later", 5);
	}
}

static void put_record(struct text *t, const struct criu_cpu *cpu,
		       unsigned quirks)
{
	struct text body = TEXT_INIT, record = TEXT_INIT;

	put_cpu(&body, cpu, quirks);
	put_bytes(&record, 1, text_string(&body), body.size);
	put_u32(t, (uint32_t)record.size);
	text_add_bytes(t, text_string(&record), record.size);
	text_deinit(&body);
	text_deinit(&record);
}

void criu_image(const struct criu_cpu *cpu, unsigned quirks, struct text *ret)
{
	const struct criu_cpu other = { .vendor = 2 };

	if (!(quirks & CRIU_OLD_FRAMING))
		put_u32(ret, 0x54564319);
	put_u32(ret, 0x61404013);
	put_record(ret, cpu, quirks);
	if (quirks & CRIU_TWO_RECORDS)
		put_record(ret, &other, 0);
}
