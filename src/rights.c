/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rights.c - whose rights the program runs with */
#include "rights.h"

#include <linux/capability.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool has_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, data))
		return true;
	return data[0].permitted || data[1].permitted;
}

struct error *rights_check(void)
{
	/* security modules set it too, where nothing is gained */
	if (!getauxval(AT_SECURE))
		return NULL;
	if (getuid() == geteuid() && getgid() == getegid() &&
	    (!getuid() || !has_capabilities()))
		return NULL;
	return error_new(ERROR_PERMISSION,
			 "refusing to run with rights that its file has and "
			 "its user has not (set-user-ID, set-group-ID or file "
			 "capabilities)");
}
