/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source.h - a queued letter composed again from what the store keeps of it. */
#ifndef CH_CLI_SOURCE_H
#define CH_CLI_SOURCE_H

#include "cli/cli.h"
#include "cli/target.h"

/* Fetch the letter's source and files from chanceryd, compose the message with
 * the code of the send worker, and write its bytes to stdout: exactly those
 * that were sent, or nothing and EX_SOFTWARE. Before the first dot there is
 * nothing to compare with, and that is said. */
int ch_source_print(const struct ch_cli *cli, const struct ch_target *target);

#endif
