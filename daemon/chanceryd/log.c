// SPDX-License-Identifier: GPL-3.0-or-later
/* log.c - see log.h. */
#include "chanceryd/log.h"

#include <inttypes.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Where in this file it was written is no news. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/str.h"

#define MESSAGE_MAX 2000
#define FIELD_MAX 1000

void ch_log_init(struct ch_log *log)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uint64_t device, inode;
	struct stat st;

	*log = (struct ch_log){ .least = LOG_INFO };
	log->journal = stream &&
		       sscanf(stream, "%" SCNu64 ":%" SCNu64, &device,
			      &inode) == 2 &&
		       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
		       st.st_ino == inode;
}

/* ---- to the journal --------------------------------------------------- */

struct entry {
	struct ch_str fields[6];
	size_t len;
};

static struct ch_str *add_field(struct entry *entry, const char *name)
{
	struct ch_str *field = &entry->fields[entry->len++];

	ch_str_init(field, FIELD_MAX * 13 + MESSAGE_MAX * 6);
	ch_str_add(field, name);
	return field;
}

static void add_text(struct entry *entry, const char *name, const char *text)
{
	if (text && text[0])
		ch_escape_line(add_field(entry, name), text, strlen(text));
}

/* " (DM-1276/FRA)": who reads the lines alone wants to know it too. */
static void add_about(struct ch_str *line, const struct ch_log_fields *about)
{
	if (!about || !about->batch || !about->batch[0])
		return;
	ch_str_add(line, " (");
	ch_escape_line(line, about->batch, strlen(about->batch));
	if (about->letter && about->letter[0]) {
		ch_str_add_char(line, '/');
		ch_escape_line(line, about->letter, strlen(about->letter));
	}
	ch_str_add_char(line, ')');
}

static void to_journal(int priority, const struct ch_log_fields *about,
		       struct ch_slice message)
{
	struct entry entry = { .len = 0 };
	struct iovec parts[CH_COUNT(entry.fields)];
	struct ch_str *text = add_field(&entry, "MESSAGE=");

	ch_escape_line(text, message.data, message.len);
	add_about(text, about);
	ch_str_addf(add_field(&entry, "PRIORITY="), "%d", priority);
	if (about) {
		add_text(&entry, "CHANCERY_BATCH=", about->batch);
		add_text(&entry, "CHANCERY_LETTER=", about->letter);
		add_text(&entry, "CHANCERY_STATE=", about->state);
		if (about->smtp_code)
			ch_str_addf(add_field(&entry, "CHANCERY_SMTP_CODE="),
				    "%u", about->smtp_code);
	}
	for (size_t i = 0; i < entry.len; i++)
		parts[i] = (struct iovec){ entry.fields[i].data,
					   entry.fields[i].len };
	(void)sd_journal_sendv(parts, (int)entry.len);
	for (size_t i = 0; i < entry.len; i++)
		ch_str_release(&entry.fields[i]);
}

/* ---- to a terminal or a file ------------------------------------------ */

static void add_line(const struct ch_log_fields *about,
		     struct ch_slice message, struct ch_str *lines)
{
	ch_str_add(lines, "chanceryd: ");
	ch_escape_line(lines, message.data, message.len);
	add_about(lines, about);
	ch_str_add_char(lines, '\n');
}

/* Lines in one write, so that those of two programs do not mix. */
void ch_log_write(struct ch_str *lines)
{
	if (lines->len > 0 &&
	    write(STDERR_FILENO, lines->data, lines->len) < 0)
		ch_str_clear(lines); /* nobody reads it: nobody to tell */
	ch_str_clear(lines);
}

void ch_log_add(const struct ch_log *log, int priority,
		const struct ch_log_fields *fields, struct ch_slice message,
		struct ch_str *lines)
{
	if (priority > log->least)
		return;
	if (log->journal) {
		to_journal(priority, fields, message);
		return;
	}
	add_line(fields, message, lines);
	if (lines->len > CH_LOG_LINES_MAX / 2)
		ch_log_write(lines);
}

void ch_log_v(const struct ch_log *log, int priority,
	      const struct ch_log_fields *fields, const char *format,
	      va_list args)
{
	CH_AUTO(ch_str) line = CH_STR_INIT(CH_LOG_LINES_MAX);
	char text[MESSAGE_MAX + 1];
	struct ch_slice message = { text, 0 };
	int len;

	if (priority > log->least)
		return;
	len = vsnprintf(text, sizeof(text), format, args);
	if (len < 0)
		return;
	message.len = (size_t)len < sizeof(text) ? (size_t)len :
						   sizeof(text) - 1;
	ch_log_add(log, priority, fields, message, &line);
	ch_log_write(&line);
}

void ch_log(const struct ch_log *log, int priority,
	    const struct ch_log_fields *fields, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ch_log_v(log, priority, fields, format, args);
	va_end(args);
}
