/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restorer.c - code that calls sigreturn */
#include "x86/restorer.h"

#include "base/cleanup.h"

#define CODE(...)                                                              \
	.code = (const uint8_t[]){ __VA_ARGS__ },                              \
	.size = sizeof((const uint8_t[]){ __VA_ARGS__ })

static const struct restorer restorers[] = {
	{
		.name = "mov $15,%rax; syscall",
		CODE(0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05),
		.syscall_off = 7,
		.kind = SIGFRAME_X86_64,
	},
	{
		.name = "mov $15,%eax; syscall",
		CODE(0xb8, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05),
		.syscall_off = 5,
		.kind = SIGFRAME_X86_64,
	},
	{
		.name = "mov $0x40000201,%rax; syscall",
		CODE(0x48, 0xc7, 0xc0, 0x01, 0x02, 0x00, 0x40, 0x0f, 0x05),
		.syscall_off = 7,
		.kind = SIGFRAME_X32,
	},
	{
		.name = "mov $0x40000201,%eax; syscall",
		CODE(0xb8, 0x01, 0x02, 0x00, 0x40, 0x0f, 0x05),
		.syscall_off = 5,
		.kind = SIGFRAME_X32,
	},
	{
		.name = "mov $173,%eax; int $0x80",
		CODE(0xb8, 0xad, 0x00, 0x00, 0x00, 0xcd, 0x80),
		.syscall_off = 5,
		.kind = SIGFRAME_IA32_RT,
	},
	{
		.name = "pop %eax; mov $119,%eax; int $0x80",
		CODE(0x58, 0xb8, 0x77, 0x00, 0x00, 0x00, 0xcd, 0x80),
		.syscall_off = 6,
		.pop = 4,
		.kind = SIGFRAME_IA32,
	},
};

static bool starts_with(struct bytes code, const uint8_t *start, size_t size)
{
	return bytes_has(code, 0, size) && !memcmp(code.data, start, size);
}

/* Behind an endbr64 or endbr32. */
static struct bytes behind_endbr(struct bytes code)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e };

	/* endbr64 ends in fa, endbr32 in fb */
	if (starts_with(code, endbr, sizeof(endbr)) &&
	    bytes_has(code, 0, sizeof(endbr) + 1) &&
	    (code.data[3] & 0xfe) == 0xfa)
		return bytes_from(code, sizeof(endbr) + 1);
	return code;
}

const struct restorer *restorer_match(struct bytes code)
{
	code = behind_endbr(code);
	for (unsigned i = 0; i < ARRAY_SIZE(restorers); i++) {
		const struct restorer *r = &restorers[i];

		if (starts_with(code, r->code, r->size))
			return r;
	}
	return NULL;
}

/* How a restorer that nobody knows may come by its system call's number. */
static const struct sign {
	uint8_t size;
	bool common;		/* other code has that, too */
	uint8_t code[6];
} signs[] = {
	{ 5, false, { 0xb8, 0x0f, 0, 0, 0 } },		/* mov $15,%eax */
	{ 6, false, { 0xc7, 0xc0, 0x0f, 0, 0, 0 } },	/* mov $15,%rax */
	{ 2, true, { 0xb0, 0x0f } },			/* mov $15,%al */
	{ 2, true, { 0x6a, 0x0f } },			/* push $15 */
	{ 2, true, { 0x04, 0x0f } },			/* add $15,%al */
	{ 2, true, { 0x0c, 0x0f } },			/* or $15,%al */
	{ 3, true, { 0x83, 0xc0, 0x0f } },		/* add $15,%eax */
	{ 3, true, { 0x83, 0xc8, 0x0f } },		/* or $15,%eax */
	{ 3, true, { 0x8d, 0x40, 0x0f } },		/* lea 15(%rax) */
	{ 5, false, { 0xb8, 0x01, 0x02, 0, 0x40 } },	/* 513 of x32 */
	{ 6, false, { 0xc7, 0xc0, 0x01, 0x02, 0, 0x40 } },
	{ 5, false, { 0xb8, 0xad, 0, 0, 0 } },		/* 173 of ia32 */
	{ 2, true, { 0xb0, 0xad } },
	{ 5, false, { 0x68, 0xad, 0, 0, 0 } },
	{ 5, false, { 0xb8, 0x77, 0, 0, 0 } },		/* 119 of ia32 */
	{ 2, true, { 0xb0, 0x77 } },
	{ 2, true, { 0x6a, 0x77 } },
};

/* Is there a syscall, int $0x80 or sysenter? */
static bool has_call(struct bytes code)
{
	static const uint8_t calls[][2] = {
		{ 0x0f, 0x05 }, { 0xcd, 0x80 }, { 0x0f, 0x34 },
	};

	for (; code.size; code = bytes_from(code, 1))
		for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
			if (starts_with(code, calls[i], sizeof(calls[i])))
				return true;
	return false;
}

bool restorer_possible(struct bytes code)
{
	for (code = bytes_first(code, RESTORER_REACH); code.size;
	     code = bytes_from(code, 1))
		for (unsigned i = 0; i < ARRAY_SIZE(signs); i++)
			if (starts_with(code, signs[i].code, signs[i].size) &&
			    (!signs[i].common ||
			     has_call(bytes_from(code, signs[i].size))))
				return true;
	return false;
}

bool restorer_jump(struct bytes code, uint64_t *ret)
{
	uint32_t far;

	code = behind_endbr(code);
	if (bytes_has(code, 0, 2) && code.data[0] == 0xeb) {
		*ret = code.addr + 2 + (uint64_t)(int8_t)code.data[1];
		return true;
	}
	if (!bytes_u32(code, 1, &far) || code.data[0] != 0xe9)
		return false;
	*ret = code.addr + 5 + (uint64_t)(int64_t)(int32_t)far;
	return true;
}
