/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import.h - from an upload in the spool to rows for the store. */
#ifndef CH_IMPORT_IMPORT_H
#define CH_IMPORT_IMPORT_H

#include "base/error.h"
#include "wire/frame.h"
#include "wire/messages.h"

/* Do the import that `start` asks for and tell its course over `channel`: the
 * files, a letter for each addressee, every problem, and at the end that it is
 * done. What is wrong with the upload is a problem and not a failure. `start`
 * must not lie in the channel, which is read again meanwhile.
 *
 * Returns 0; 1 where CH_MSG_STOP came between two rows; -1 where chanceryd is
 * gone (CH_RETRY), sends what is no stop, or the objects cannot be written.
 * IMPORT_DONE was sent for 0 alone. */
int ch_import_run(struct ch_channel *channel,
		  const struct ch_import_start *start, struct ch_error *err);

#endif
