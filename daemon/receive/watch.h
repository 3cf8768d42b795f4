/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch.h - an end to what does not end by itself. */
#ifndef CH_RECEIVE_WATCH_H
#define CH_RECEIVE_WATCH_H

/* From now on this process may use so many seconds of processor time; then
 * SIGPROF ends it. 0: as many as it likes. */
void ch_watch_cpu(unsigned int seconds);

#endif
