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

const struct restorer *restorer_match(struct bytes code)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const uint8_t endbr32[] = { 0xf3, 0x0f, 0x1e, 0xfb };

	if (bytes_has(code, 0, sizeof(endbr64)) &&
	    (!memcmp(code.data, endbr64, sizeof(endbr64)) ||
	     !memcmp(code.data, endbr32, sizeof(endbr32))))
		code = bytes_from(code, sizeof(endbr64));

	for (unsigned i = 0; i < ARRAY_SIZE(restorers); i++) {
		const struct restorer *r = &restorers[i];

		if (bytes_has(code, 0, r->size) &&
		    !memcmp(code.data, r->code, r->size))
			return r;
	}
	return NULL;
}
