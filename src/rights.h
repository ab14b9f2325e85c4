/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rights.h - whose rights the program runs with */
#ifndef SIGFRAME_RIGHTS_H
#define SIGFRAME_RIGHTS_H

#include "base/error.h"

/*
 * ERROR_PERMISSION if the file that was executed gave it rights that its user
 * does not have (set-user-ID, set-group-ID, file capabilities): it would show
 * anyone what is in any process. To be asked first. Capabilities that a service
 * manager hands on (ambient ones) are the user's.
 */
struct error *rights_check(void) MUST_USE;

#endif
