/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scenes.h - the cores whose reports are compared with golden ones */
#ifndef SIGFRAME_TESTS_GOLDEN_SCENES_H
#define SIGFRAME_TESTS_GOLDEN_SCENES_H

#include <stdbool.h>

/*
 * Write the core of that name to `path`. False if that fails, errno says why;
 * 0 there if there is no such scene.
 */
bool scenes_write(const char *name, const char *path);

#endif
