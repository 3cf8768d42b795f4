// SPDX-License-Identifier: GPL-3.0-or-later
/* classify.c - chancery classify: what mails that came back are, without a
 * daemon. The rules are those of the mailbox reader.
 *
 * Files are mapped, not read: a folder of any size takes the memory of one
 * mail, and an mbox the memory of none.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "mail/message.h"
#include "returns/away.h"
#include "returns/classify.h"
#include "returns/keys.h"
#include "returns/rules.h"

#define READ_MAX ((size_t)64 * 1024 * 1024) /* of one mail; the rest is not */
#define REPLY_MAX 65536
#define DEPTH_MAX 100 /* folders in folders */

struct job {
	const struct ch_cli *cli;
	struct ch_rules *rules; /* owned */
	bool tsv;
	int code;
	size_t folder_len; /* bytes of a path that a table leaves out */
};

/* ---- one mail --------------------------------------------------------- */

static json_t *text_of(const char *text)
{
	CH_AUTO(ch_str) clean = CH_STR_INIT(4 * READ_MAX);

	if (ch_utf8_valid(text, strlen(text), NULL))
		return json_string(text);
	ch_escape_utf8(&clean, text, strlen(text));
	return json_string(ch_str_cstr(&clean));
}

static json_t *recipients_of(const struct ch_classified *found)
{
	json_t *list = json_array();

	for (size_t i = 0; i < found->len; i++) {
		const struct ch_reported *one = &found->recipients[i];
		json_t *object = json_object();

		json_object_set_new(object, "address", text_of(one->address));
		json_object_set_new(
		    object, "kind",
		    json_string(ch_return_kind_name(one->kind)));
		json_object_set_new(object, "status", json_string(one->status));
		json_object_set_new(object, "reason",
				    json_string(ch_reason_name(one->reason)));
		json_object_set_new(object, "diagnostic",
				    text_of(one->diagnostic));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *attachments_of(const struct ch_message *message)
{
	json_t *list = json_array();

	for (size_t i = 0; i < message->files_len; i++) {
		const struct ch_message_file *file = &message->files[i];
		json_t *object = json_object();

		json_object_set_new(object, "name", text_of(file->name));
		json_object_set_new(object, "type", text_of(file->type));
		json_object_set_new(object, "size_bytes",
				    json_integer((json_int_t)file->size_bytes));
		json_array_append_new(list, object);
	}
	return list;
}

static void print_json(const struct job *job, const char *name,
		       const struct ch_message *message,
		       const struct ch_classified *found)
{
	CH_AUTO(ch_str) reply = CH_STR_INIT(REPLY_MAX);
	json_t *object = json_object();
	char away[CH_AWAY_SIZE] = "";
	const char *says;

	json_object_set_new(object, "file", text_of(name));
	json_object_set_new(object, "kind",
			    json_string(ch_return_kind_name(found->kind)));
	json_object_set_new(object, "recipients", recipients_of(found));
	json_object_set_new(object, "reason",
			    json_string(ch_reason_name(found->reason)));
	json_object_set_new(object, "rule", json_string(found->rule));
	if (found->phrase[0])
		json_object_set_new(object, "phrase",
				    json_string(found->phrase));
	if (message->fault[0])
		json_object_set_new(object, "fault",
				    json_string(message->fault));
	if (found->kind == CH_RETURN_REPLY ||
	    found->kind == CH_RETURN_AUTOREPLY) {
		ch_reply_text(message->text, &reply);
		json_object_set_new(object, "text",
				    text_of(ch_str_cstr(&reply)));
		says = ch_reply_says(job->rules, ch_str_cstr(&reply));
		if (found->kind == CH_RETURN_REPLY && says[0])
			json_object_set_new(object, "says", json_string(says));
	}
	if (found->kind == CH_RETURN_AUTOREPLY)
		ch_away_until(job->rules, message, away);
	if (away[0])
		json_object_set_new(object, "away_until", json_string(away));
	if (message->files_len)
		json_object_set_new(object, "attachments",
				    attachments_of(message));
	ch_json_line(&job->cli->out, object);
	json_decref(object);
}

static void add_escaped(struct ch_str *line, const char *text)
{
	ch_escape_line(line, text, strlen(text));
}

static void print_tsv(const struct job *job, const char *name,
		      const struct ch_classified *found)
{
	CH_AUTO(ch_str) line = CH_STR_INIT(8 * 1024 * 1024);

	add_escaped(&line, name + job->folder_len);
	ch_str_addf(&line, "\t%s\t", ch_return_kind_name(found->kind));
	for (size_t i = 0; i < found->len; i++) {
		ch_str_add(&line, i ? "," : "");
		add_escaped(&line, found->recipients[i].address);
	}
	ch_str_add_char(&line, '\t');
	for (size_t i = 0; i < found->len; i++)
		ch_str_addf(&line, "%s%s", i ? "," : "",
			    found->recipients[i].status);
	ch_str_addf(&line, "\t%s\t%s\n", ch_reason_name(found->reason),
		    found->rule);
	fputs(ch_str_cstr(&line), job->cli->out.file);
}

static void classify_bytes(const struct job *job, const char *name,
			   struct ch_slice bytes)
{
	struct ch_message message;
	struct ch_classified found;

	ch_message_read(bytes.data, bytes.len < READ_MAX ? bytes.len : READ_MAX,
			&message);
	ch_classify(job->rules, &message, &found);
	if (job->tsv)
		print_tsv(job, name, &found);
	else
		print_json(job, name, &message, &found);
	ch_classified_release(&found);
	ch_message_release(&message);
}

/* ---- files ------------------------------------------------------------ */

static void fail(struct job *job, const char *path, const char *why)
{
	job->code = ch_fail(job->cli, EX_NOINPUT, NULL, "%s: %s", path, why);
}

static bool begins_mbox(const char *bytes, size_t len)
{
	return len >= 5 && memcmp(bytes, "From ", 5) == 0;
}

/* Where the next mail of an mbox begins: "From " behind an empty line. */
static size_t mbox_next(struct ch_slice box, size_t at)
{
	while (at < box.len) {
		const char *found =
		    memmem(box.data + at, box.len - at, "\nFrom ", 6);
		size_t line;

		if (!found)
			return box.len;
		line = (size_t)(found - box.data);
		if (line > 0 && (box.data[line - 1] == '\n' ||
				 (line > 1 && box.data[line - 1] == '\r' &&
				  box.data[line - 2] == '\n')))
			return line + 1;
		at = line + 1;
	}
	return box.len;
}

/* A file that begins with "From " and has but one mail is that mail. */
static void classify_box(const struct job *job, const char *path,
			 struct ch_slice box)
{
	size_t end = mbox_next(box, 0);
	size_t number = 1;

	if (end == box.len) {
		classify_bytes(job, path, box);
		return;
	}
	for (size_t at = 0; at < box.len; number++) {
		CH_AUTOCHAR name = ch_xasprintf("%s:%zu", path, number);

		end = mbox_next(box, at + 1);
		classify_bytes(job, name,
			       (struct ch_slice){ box.data + at, end - at });
		at = end;
	}
}

static void classify_open(struct job *job, const char *path, int fd,
			  size_t size)
{
	char *bytes = NULL;

	if (size > 0) {
		bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes == MAP_FAILED) {
			fail(job, path, strerror(errno));
			return;
		}
	}
	if (size > 0 && begins_mbox(bytes, size))
		classify_box(job, path, (struct ch_slice){ bytes, size });
	else
		classify_bytes(job, path,
			       (struct ch_slice){ size ? bytes : "", size });
	if (bytes)
		munmap(bytes, size);
}

static void classify_stdin(struct job *job)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(READ_MAX);
	char buffer[65536];
	size_t got;

	while ((got = fread(buffer, 1, sizeof(buffer), stdin)) > 0)
		ch_str_add_mem(&bytes, buffer, got);
	if (ferror(stdin))
		fail(job, "-", "cannot be read");
	else
		classify_bytes(
		    job, "-",
		    (struct ch_slice){ ch_str_cstr(&bytes), bytes.len });
}

static void classify_path(struct job *job, const char *path, int depth);

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Everything below it, by name. */
static void classify_folder(struct job *job, const char *path, int depth)
{
	struct dirent **list;
	int count = scandir(path, &list, is_visible, alphasort);

	if (count < 0) {
		fail(job, path, strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		size_t len = strlen(path);
		CH_AUTOCHAR below = ch_xasprintf(
		    "%s%s%s", path, path[len - 1] == '/' ? "" : "/",
		    list[i]->d_name);

		free(list[i]);
		classify_path(job, below, depth + 1);
	}
	free(list);
}

static void classify_path(struct job *job, const char *path, int depth)
{
	struct stat status;
	CH_AUTOFD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &status) < 0)
		fail(job, path, strerror(errno));
	else if (S_ISDIR(status.st_mode) && depth < DEPTH_MAX)
		classify_folder(job, path, depth);
	else if (S_ISREG(status.st_mode))
		classify_open(job, path, fd, (size_t)status.st_size);
	else if (depth == 0)
		fail(job, path, "neither a file nor a folder");
}

/* What stands before the names of all that is in a folder; 0 of a file. */
static size_t prefix_of(const char *path)
{
	size_t len = strlen(path);
	struct stat status;

	if (len == 0 || stat(path, &status) < 0 || !S_ISDIR(status.st_mode))
		return 0;
	return len + (path[len - 1] != '/');
}

/* ---- the verb --------------------------------------------------------- */

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	struct job job = {
		.cli = cli,
		.rules = ch_rules_new(),
		.tsv = ch_args_has(args, "tsv"),
		.code = EX_OK,
	};
	size_t operands = ch_args_operands(args);

	for (size_t i = 0; i < operands; i++) {
		const char *path = ch_args_operand(args, i);

		/* Of the only folder, a table has the paths in it. */
		if (job.tsv && operands == 1)
			job.folder_len = prefix_of(path);
		if (strcmp(path, "-") == 0)
			classify_stdin(&job);
		else
			classify_path(&job, path, 0);
	}
	ch_rules_free(job.rules);
	return job.code;
}

static const struct ch_option options[] = {
	{ "tsv", 0, NULL, false,
	  "Tab-separated: file, kind, recipients, status, reason, rule." },
	{ 0 },
};

const struct ch_verb ch_verb_classify = {
	.name = "classify",
	.operands = "PATH...",
	.least = 1,
	.most = SIZE_MAX,
	.summary = "Say what mails that came back are.",
	.about =
	    "A PATH is a mail, an mbox, a folder of these, or \"-\" for a "
	    "mail on\nstandard input. One JSON object a mail; no "
	    "chanceryd is needed.\n",
	.options = options,
	.run = run,
};
