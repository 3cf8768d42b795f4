// SPDX-License-Identifier: GPL-3.0-or-later
/* reply.c - chancery reply: one mail that came back. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compress.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/spill.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/outcome.h"
#include "cli/request.h"
#include "mail/message.h"

#define NAME_BYTES 180
#define PIECE ((size_t)1024 * 1024) /* of what is printed */

/* ---- asking ----------------------------------------------------------- */

static int no_such(const struct ch_cli *cli, const char *id)
{
	return ch_fail(cli, EX_NOINPUT,
		       "\"chancery returns\" lists them; the number is the "
		       "first column.",
		       "no mail that came back has the number %s", id);
}

/* The page of one behind the number before. */
static int ask(const struct ch_cli *cli, const char *id, json_t **ret)
{
	unsigned long long number = strtoull(id, NULL, 10);
	CH_AUTOCHAR path = NULL;
	json_t *page = NULL;
	json_t *item;
	int code;

	if (number == 0 || strlen(id) > 18)
		return no_such(cli, id);
	path = ch_xasprintf("/v1/returns?after=%llu&limit=1", number - 1);
	code = ch_request_json(cli, CH_DOOR_READ, path, &page);
	if (code != EX_OK)
		return code;
	item = json_array_get(json_object_get(page, "returns"), 0);
	if (item && ch_json_number(item, "cursor") == number)
		*ret = json_incref(item);
	json_decref(page);
	return *ret ? EX_OK : no_such(cli, id);
}

/* ---- the mail itself -------------------------------------------------- */

static int not_it(const struct ch_cli *cli, const char *why)
{
	return ch_fail(cli, EX_PROTOCOL,
		       "The file of that name among the objects is damaged: "
		       "take it from a backup.",
		       "these are not the bytes that came: %s", why);
}

/* A mail on its way into a file without a name, in which it is read: it may be
 * larger than the memory. */
struct coming {
	const struct ch_answer *answer; /* borrowed */
	struct ch_decompress *decompress; /* owned; NULL: it comes as it is */
	uint64_t max_bytes;
	struct ch_sha256_ctx sum;
	struct ch_spill *spill; /* borrowed */
	bool full;              /* our disk is, or fails */
	bool failed;
	struct ch_error err;
};

static int keep(void *context, const void *bytes, size_t len,
		struct ch_error *err)
{
	struct coming *coming = context;

	ch_sha256_add(&coming->sum, bytes, len);
	if (ch_spill_write(coming->spill, bytes, len, err) == 0)
		return 0;
	coming->full = true;
	return -1;
}

static int take(struct coming *coming, const char *bytes, size_t len)
{
	if (coming->answer->zstd && !coming->decompress)
		coming->decompress = ch_decompress_new(coming->max_bytes, keep,
						       coming);
	if (coming->decompress)
		return ch_decompress_write(coming->decompress, bytes, len,
					   &coming->err);
	if (len > coming->max_bytes - coming->spill->len)
		return ch_error_set(&coming->err, CH_GIVE_UP,
				    "it holds more than %llu bytes",
				    (unsigned long long)coming->max_bytes);
	return keep(coming, bytes, len, &coming->err);
}

static bool on_piece(void *context, const char *bytes, size_t len)
{
	struct coming *coming = context;

	coming->failed = take(coming, bytes, len) < 0;
	return !coming->failed;
}

/* All of it came; is it what it is called? */
static int check(const struct ch_cli *cli, struct coming *coming,
		 const char *hex)
{
	struct ch_sha256 told;
	struct ch_sha256 sum;

	/* An empty body had no piece to begin with. */
	if (!coming->failed && coming->answer->zstd)
		coming->failed = !coming->decompress ||
				 ch_decompress_end(coming->decompress,
						   &coming->err) < 0;
	if (coming->full)
		return ch_fail(cli, EX_IOERR,
			       "Is the disk full? $TMPDIR can name another "
			       "folder.", "%s", coming->err.text);
	if (coming->failed)
		return not_it(cli, coming->err.text);
	ch_sha256_final(&coming->sum, &sum);
	if (ch_sha256_parse(hex, strlen(hex), &told) < 0 ||
	    !ch_sha256_eq(&told, &sum))
		return not_it(cli, "their SHA-256 is another");
	if (ch_spill_map(coming->spill, &coming->err) < 0)
		return ch_fail(cli, EX_IOERR, NULL, "%s", coming->err.text);
	return EX_OK;
}

/* Where it is large: /tmp may be memory. */
static int open_spill(const struct ch_cli *cli, struct ch_spill *spill)
{
	const char *folder = getenv("TMPDIR");
	struct ch_error err;
	CH_AUTOFD fd = -1;

	if (!folder || !folder[0])
		folder = "/var/tmp";
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ch_fail(cli, EX_CANTCREAT,
			       "$TMPDIR names the folder for temporary files.",
			       "%s: %s", folder, strerror(errno));
	if (ch_spill_open(spill, fd, &err) < 0)
		return ch_fail(cli, EX_CANTCREAT,
			       "$TMPDIR names the folder for temporary files.",
			       "%s: %s", folder, err.text);
	return EX_OK;
}

/* It is not here, and why. */
static int missing(const struct ch_cli *cli, const json_t *item)
{
	const char *removed = ch_json_text(item, "removed_at");

	if (strcmp(ch_json_text(item, "rule"), "unread") == 0)
		return ch_fail(cli, EX_NOINPUT,
			       "Look for it in the mailbox, by its UID.",
			       "this mail ended its reader each time: its "
			       "bytes are not here");
	if (removed[0])
		return ch_fail(cli, EX_NOINPUT,
			       "What it said is kept; chancery.conf says for "
			       "how long the mail itself is.",
			       "this mail was kept until %.10s and no longer",
			       removed);
	return EX_OK;
}

static int receive(const struct ch_cli *cli, const json_t *item,
		   struct coming *coming, struct ch_answer *answer)
{
	const char *hex = ch_json_text(item, "sha256");
	CH_AUTOCHAR path = ch_xasprintf("/v1/objects/%s", hex);
	int code = ch_request_object(cli, path, on_piece, coming, answer);

	if (code != EX_OK)
		return code;
	if (answer->status == 404)
		return ch_fail(cli, EX_NOINPUT,
			       "Take objects/ from the backup that the database "
			       "is from.",
			       "the mail is not among the objects");
	if (answer->status >= 400)
		return ch_answer_fail(cli, answer);
	return check(cli, coming, hex);
}

/* The mail, mapped: released by the caller in any case. */
static int fetch(const struct ch_cli *cli, const json_t *item,
		 struct ch_spill *ret)
{
	CH_AUTO(ch_answer) answer = { 0 };
	struct coming coming = {
		.answer = &answer,
		.max_bytes = ch_json_number(item, "size_bytes"),
		.spill = ret,
		.err = { .text = "they are cut short" },
	};
	int code = missing(cli, item);

	if (code == EX_OK)
		code = open_spill(cli, ret);
	if (code != EX_OK)
		return code;
	ch_sha256_init(&coming.sum);
	code = receive(cli, item, &coming, &answer);
	ch_sha256_ctx_release(&coming.sum);
	ch_decompress_free(coming.decompress);
	return code;
}

static int print_mail(const struct ch_cli *cli, const json_t *item)
{
	CH_AUTO(ch_spill) mail = CH_SPILL_INIT;
	int code = fetch(cli, item, &mail);

	if (code != EX_OK)
		return code;
	if (cli->out.tty)
		ch_term_block(&cli->out, mail.bytes, mail.len);
	for (size_t at = 0, len; at < mail.len && !cli->out.tty; at += len) {
		len = mail.len - at < PIECE ? mail.len - at : PIECE;
		fwrite(mail.bytes + at, 1, len, stdout);
		ch_spill_passed(mail.bytes + at, len);
	}
	return EX_OK;
}

/* ---- what is attached ------------------------------------------------- */

struct saving {
	const struct ch_cli *cli;
	int folder_fd; /* owned */
	const char *folder;
	size_t number; /* of the next one, from 1 */
	int code;
	/* the one that is being written */
	int fd;     /* owned */
	char *made; /* owned: its name */
};

/* The name that a stranger gave it, as far as it is one for a file here. */
static void file_name(const char *told, size_t number, struct ch_str *out)
{
	const char *slash = strrchr(told, '/');
	const char *from = slash ? slash + 1 : told;
	const char *back = strrchr(from, '\\');
	size_t len;
	size_t used;

	from = back ? back + 1 : from;
	len = strlen(from);
	for (size_t i = 0; i < len && out->len < NAME_BYTES; i += used) {
		uint32_t cp;

		used = ch_utf8_decode(from + i, len - i, &cp);
		if (used == 0)
			used = 1;
		else if (!ch_utf8_is_control(cp) &&
			 !ch_utf8_is_bidi_control(cp) &&
			 !(cp < 128 && strchr(":*?\"<>|", (int)cp)) &&
			 !(out->len == 0 && (cp == '.' || cp == '-' ||
					     cp == ' '))) {
			ch_str_add_mem(out, from + i, used);
			continue;
		}
		if (out->len > 0)
			ch_str_add_char(out, '_');
	}
	if (out->len == 0)
		ch_str_addf(out, "attachment-%zu", number);
}

/* "form.pdf", "form-2.pdf" … : nothing is written over. */
static int make_file(const struct saving *saving, const char *name,
		     char **ret_name)
{
	const char *dot = strrchr(name, '.');
	size_t stem = dot ? (size_t)(dot - name) : strlen(name);

	for (int i = 1; i < 1000; i++) {
		CH_AUTOCHAR tried =
			i == 1 ? ch_xstrdup(name) :
				 ch_xasprintf("%.*s-%d%s", (int)stem, name, i,
					      name + stem);
		int fd = openat(saving->folder_fd, tried,
				O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
				O_NOFOLLOW, 0666);

		if (fd >= 0)
			*ret_name = CH_TAKE(tried);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

static void begin_file(void *context, const struct ch_message_file *file)
{
	struct saving *saving = context;
	CH_AUTO(ch_str) name = CH_STR_INIT(PATH_MAX);

	if (saving->code != EX_OK)
		return;
	file_name(file->name, saving->number++, &name);
	saving->fd = make_file(saving, ch_str_cstr(&name), &saving->made);
	if (saving->fd < 0)
		saving->code = ch_fail(saving->cli, EX_CANTCREAT, NULL,
				       "%s/%s: %s", saving->folder,
				       ch_str_cstr(&name), strerror(errno));
}

static void write_piece(void *context, const char *bytes, size_t len)
{
	struct saving *saving = context;
	struct ch_error err;

	if (saving->code != EX_OK ||
	    ch_file_write_all(saving->fd, bytes, len, &err) == 0)
		return;
	saving->code = ch_fail(saving->cli, EX_IOERR, NULL, "%s/%s: %s",
			       saving->folder, saving->made, err.text);
	/* half a form is worse than none */
	unlinkat(saving->folder_fd, saving->made, 0);
}

static void end_file(void *context, const struct ch_message_file *file)
{
	struct saving *saving = context;
	char hex[CH_SHA256_HEX_SIZE];

	ch_sha256_hex(&file->sha256, hex);
	/* as sha256sum(1) reads it */
	if (saving->code == EX_OK)
		ch_term_line(&saving->cli->out, "%s  %s/%s", hex,
			     saving->folder, saving->made);
	ch_auto_close(&saving->fd);
	free(CH_TAKE(saving->made));
}

static int open_folder(struct saving *saving)
{
	const char *folder = saving->folder;

	if (mkdir(folder, 0777) == 0 || errno == EEXIST)
		saving->folder_fd = open(folder, O_RDONLY | O_DIRECTORY |
							 O_CLOEXEC);
	if (saving->folder_fd < 0)
		return ch_fail(saving->cli, EX_CANTCREAT, NULL, "%s: %s",
			       folder, strerror(errno));
	return EX_OK;
}

/* What is wrong with the mail may be that something is left out. */
static int save_mail(struct saving *saving, const struct ch_spill *mail)
{
	const struct ch_message_taker taker = { begin_file, write_piece,
						end_file, saving };
	const struct ch_message_source source = {
		.bytes = mail->bytes,
		.len = mail->len,
		.passed = ch_spill_passed,
		.taker = &taker,
	};
	struct ch_message message;

	ch_message_read_files(&source, &message);
	if (saving->code == EX_OK && saving->number == 1)
		ch_term_line(&saving->cli->err, "Nothing is attached to it.");
	if (saving->code == EX_OK && message.fault[0])
		ch_term_line(&saving->cli->err, "Of the mail itself: %s.",
			     message.fault);
	ch_message_release(&message);
	return saving->code;
}

/* Only the first part of a very large one is here. */
static void warn_of_rest(const struct ch_cli *cli, const json_t *item,
			 const struct ch_spill *mail)
{
	uint64_t size = ch_json_number(item, "size_bytes");

	if (size > mail->len)
		ch_term_line(&cli->err,
			     "Only the first %zu of %llu bytes of the mail "
			     "were read: the last file may not be whole, and "
			     "others may be left out. The mail itself is in "
			     "the mailbox.", mail->len,
			     (unsigned long long)size);
}

static int save_attachments(const struct ch_cli *cli, const json_t *item,
			    const char *folder)
{
	struct saving saving = { .cli = cli, .folder = folder, .number = 1,
				 .code = EX_OK, .folder_fd = -1, .fd = -1 };
	CH_AUTO(ch_spill) mail = CH_SPILL_INIT;
	int code = fetch(cli, item, &mail);

	if (code == EX_OK)
		code = open_folder(&saving);
	if (code == EX_OK)
		code = save_mail(&saving, &mail);
	if (code == EX_OK)
		warn_of_rest(cli, item, &mail);
	ch_auto_close(&saving.folder_fd);
	return code;
}

/* ---- what is known of it ---------------------------------------------- */

static void show_line(const struct ch_term *out, const char *name,
		      const char *value)
{
	if (value[0])
		ch_term_line(out, "  %-11s %s", name, value);
}

static void show_letter(const struct ch_term *out, const json_t *item)
{
	const char *batch = ch_json_text(item, "batch");

	if (!batch[0])
		ch_term_line(out, "  %-11s none is known", "letter");
	else
		ch_term_line(out, "  %-11s %s/%s%s", "letter", batch,
			     ch_json_text(item, "key"),
			     ch_json_true(item, "verified")
				     ? ""
				     : " (unverified)");
}

/* What is attached: the same form has the same SHA-256 wherever it comes. */
static void show_files(const struct ch_term *out, const json_t *item)
{
	uint64_t count = ch_json_number(item, "attachments");
	const json_t *file;
	size_t i;

	if (count > 0)
		ch_term_line(out, "  %-11s %llu", "attachments",
			     (unsigned long long)count);
	json_array_foreach(json_object_get(item, "files"), i, file) {
		const char *name = ch_json_text(file, "name");
		const char *hex = ch_json_text(file, "sha256");
		char size[CH_TERM_SIZE];

		ch_term_line(out, "    %s, %s, %s",
			     name[0] ? name : "(no name)",
			     ch_json_text(file, "type"),
			     ch_term_size(ch_json_number(file, "size_bytes"),
					  size));
		ch_term_line(out, "      SHA-256 %s",
			     hex[0] ? hex : "not known: the mail is too long");
	}
}

static void show_removed(const struct ch_term *out, const json_t *item)
{
	const char *at = ch_json_text(item, "removed_at");

	if (at[0])
		ch_term_line(out, "  %-11s the mail itself, %.10s: it was kept "
				  "as long as it had to be", "removed", at);
}

static void show_facts(const struct ch_term *out, const json_t *item)
{
	struct ch_outcome outcome = ch_outcome_of_return(item);
	CH_AUTOCHAR place = ch_xasprintf(
		"%s, %s, UID %llu", ch_json_text(item, "mailbox"),
		ch_json_text(item, "folder"),
		(unsigned long long)ch_json_number(item, "uid"));
	char when[CH_TIME_SIZE];
	char size[CH_TERM_SIZE];

	ch_term_line(out, "%s %s", ch_term_sign(out, outcome.sign),
		     outcome.word);
	show_letter(out, item);
	show_line(out, "from", ch_json_text(item, "from"));
	show_line(out, "subject", ch_json_text(item, "subject"));
	ch_term_line(out, "  %-11s %s UTC", "received",
		     ch_outcome_time(item, "received_at", when));
	show_line(out, "read in", place);
	show_line(out, "recipient", ch_json_text(item, "recipient"));
	show_line(out, "away until", ch_json_text(item, "away_until"));
	show_line(out, "status", ch_json_text(item, "status"));
	show_line(out, "diagnostic", ch_json_text(item, "diagnostic"));
	show_line(out, "fault", ch_json_text(item, "fault"));
	show_files(out, item);
	show_line(out, "size", ch_term_size(ch_json_number(item, "size_bytes"),
					    size));
	show_line(out, "SHA-256", ch_json_text(item, "sha256"));
	show_removed(out, item);
}

static void show(const struct ch_term *out, const json_t *item)
{
	const char *text = ch_json_text(item, "text");

	show_facts(out, item);
	if (!text[0])
		return;
	fputc('\n', out->file);
	ch_term_block(out, text, strlen(text));
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	const char *folder = ch_args_value(args, "save-attachments");
	const char *id = ch_args_operand(args, 0);
	json_t *item = NULL;
	int code;

	if (!id[0] || strspn(id, "0123456789") != strlen(id))
		return ch_fail_usage(cli, &ch_verb_reply,
				     "\"%s\" is no number; \"chancery "
				     "returns\" has them as ID", id);
	if (ch_args_has(args, "eml") + cli->json + (folder != NULL) > 1)
		return ch_fail_usage(cli, &ch_verb_reply,
				     "one of --eml, --json and "
				     "--save-attachments");
	code = ask(cli, id, &item);
	if (code != EX_OK)
		return code;
	if (folder)
		code = save_attachments(cli, item, folder);
	else if (ch_args_has(args, "eml"))
		code = print_mail(cli, item);
	else if (cli->json)
		ch_json_line(&cli->out, item);
	else
		show(&cli->out, item);
	json_decref(item);
	return code;
}

static const struct ch_option options[] = {
	{ "eml", 0, NULL, false,
	  "The mail itself, for a mail program: the exact bytes that came." },
	{ "save-attachments", 0, "DIR", false,
	  "Write what is attached to it into that folder, over nothing that is "
	  "there, and print each file's SHA-256 and its name, as sha256sum "
	  "does." },
	{ 0 },
};

const struct ch_verb ch_verb_reply = {
	.name = "reply",
	.operands = "ID",
	.least = 1,
	.most = 1,
	.summary = "One mail that came back: what it says, or all of it.",
	.about = "",
	.options = options,
	.run = run,
};
