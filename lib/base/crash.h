/* SPDX-License-Identifier: GPL-3.0-or-later */
/* crash.h - die here as if the power had gone: the places at which the crash
 * test stops a program.
 *
 * They are compiled in always, so that what is tested is what ships; without
 * the environment variable, which is looked at once, each is a comparison. */
#ifndef CH_BASE_CRASH_H
#define CH_BASE_CRASH_H

/* End this process with SIGKILL where the environment variable
 * CHANCERY_CRASH_AT is `step`, or is "step:N" and this is the Nth time. */
void ch_crash_point(const char *step);

#endif
