/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dormant_switch.h - functions that leave one stack for another */
#ifndef SIGFRAME_TESTS_DORMANT_SWITCH_H
#define SIGFRAME_TESTS_DORMANT_SWITCH_H

/* Bytes below the return address. */
#define SWITCH_BOOST_AREA 0x38
#define SWITCH_PUSH_AREA 0x30

/* Save what has to be in *save, and go on where `to` was saved. */
void switch_boost(void **save, void *to);
void switch_push(void **save, void *to);

#endif
