/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.h - one line to the journal, with fields that can be searched for.
 *
 * Where stderr is the journal (JOURNAL_STREAM, sd_journal_send) the fields go
 * beside "<message> (DM-1276/FRA)"; elsewhere "chanceryd: " and that is written
 * to stderr as a line. What others wrote is escaped here, once, so callers pass
 * it as it came. What a handler has to say of a letter goes through
 * ch_turn_log(): a line about what the store does not hold yet would be a
 * promise.
 */
#ifndef CH_CHANCERYD_LOG_H
#define CH_CHANCERYD_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <syslog.h>

#include "base/str.h"

struct ch_log {
	bool journal; /* stderr is the journal */
	int least;    /* LOG_INFO: what is less urgent is not written */
};

/* What an entry is about; any may be NULL or 0. Borrowed for the call. */
struct ch_log_fields {
	const char *batch;      /* CHANCERY_BATCH= */
	const char *letter;     /* CHANCERY_LETTER=, the key in the batch */
	const char *state;      /* CHANCERY_STATE= */
	unsigned int smtp_code; /* CHANCERY_SMTP_CODE= */
};

/* Look where stderr goes. */
void ch_log_init(struct ch_log *log);

/* `priority` is LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO or LOG_DEBUG.
 * `fields` may be NULL. At most 2,000 bytes of message. A journal that does not
 * take it is no error. */
void ch_log(const struct ch_log *log, int priority,
	    const struct ch_log_fields *fields, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for a message that is there already, one of many: what goes to
 * stderr is added to *lines, and written by ch_log_write() in the end. */
void ch_log_add(const struct ch_log *log, int priority,
		const struct ch_log_fields *fields, struct ch_slice message,
		struct ch_str *lines);
void ch_log_write(struct ch_str *lines);
#define CH_LOG_LINES_MAX (64 * 1024) /* of such a string; it is written when it
					is half full */
void ch_log_v(const struct ch_log *log, int priority,
	      const struct ch_log_fields *fields, const char *format,
	      va_list args) __attribute__((format(printf, 4, 0)));

#endif
