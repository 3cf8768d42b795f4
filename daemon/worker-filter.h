/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker-filter.h - between worker.c and worker-filter.c. */
#ifndef CH_WORKER_FILTER_H
#define CH_WORKER_FILTER_H

#include "base/error.h"
#include "worker.h"

/* Load the role's seccomp filter into this process. */
int ch_worker_filter(enum ch_worker_role role, struct ch_error *err);

#endif
