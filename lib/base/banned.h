/* SPDX-License-Identifier: GPL-3.0-or-later */
/* banned.h - functions that have a safer sister here; included by the compiler
 * before every file (-include), so that using one does not build. */
#ifndef CH_BASE_BANNED_H
#define CH_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The C library has a macro for it where clang fortifies. */
#undef sprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok
#pragma GCC poison atoi atol atoll gets gmtime localtime asctime ctime

#endif
