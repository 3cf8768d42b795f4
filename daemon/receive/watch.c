// SPDX-License-Identifier: GPL-3.0-or-later
/* watch.c - see watch.h. Processor time and not the clock: a machine that is
 * busy, or was suspended, says nothing about a mail. */
#include "watch.h"

#include <stdlib.h>
#include <sys/time.h>

void ch_watch_cpu(unsigned int seconds)
{
	const struct itimerval most = { .it_value = { (time_t)seconds, 0 } };

	if (setitimer(ITIMER_PROF, &most, NULL) < 0)
		abort(); /* our own filter does not know it */
}
