// SPDX-License-Identifier: GPL-3.0-or-later
/* show.c - chancery show: all that is known of one letter. */
#include "cli/show.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/grid.h"
#include "cli/json.h"
#include "cli/outcome.h"
#include "cli/request.h"
#include "cli/source.h"
#include "cli/target.h"

#define REPLY_MAX 8192
#define SIGN_COLUMNS 14 /* "  x returned  " */
#define ANSWER_MAX (4 * 1024 * 1024)

/* ---- what it is ------------------------------------------------------- */

/* What else came back, beside the outcome itself. */
static void add_fact(const json_t *letter, const char *name, const char *word,
		     const char *outcome, struct ch_str *out)
{
	if (ch_json_true(letter, name) && strcmp(word, outcome) != 0)
		ch_str_addf(out, "%s%s", out->len ? ", " : "", word);
}

static void show_facts(const struct ch_term *out, const json_t *letter)
{
	CH_AUTO(ch_str) facts = CH_STR_INIT(200);
	struct ch_outcome outcome = ch_outcome_of_letter(letter);
	char size[CH_TERM_SIZE];

	ch_term_line(out, "%s/%s  %s", ch_json_text(letter, "batch"),
		     ch_json_text(letter, "key"),
		     ch_json_text(letter, "name"));
	fprintf(out->file, "%s%s %s%s",
		ch_term_style(out, ch_term_sign_style(outcome.sign)),
		ch_term_sign(out, outcome.sign), outcome.word,
		ch_term_style(out, CH_STYLE_PLAIN));
	add_fact(letter, "answered", "answered", outcome.word, &facts);
	add_fact(letter, "auto_replied", "away", outcome.word, &facts);
	add_fact(letter, "read", "a receipt came", outcome.word, &facts);
	add_fact(letter, "delivered", "delivered", outcome.word, &facts);
	add_fact(letter, "delayed", "delayed", outcome.word, &facts);
	add_fact(letter, "bounced", "returned", outcome.word, &facts);
	fprintf(out->file, "%s%s\n", facts.len ? "; " : "",
		ch_str_cstr(&facts));
	ch_term_line(out, "  language    %s", ch_json_text(letter, "language"));
	ch_term_line(out, "  Message-ID  %s",
		     ch_json_text(letter, "message_id"));
	ch_term_line(out, "  attempt     %llu",
		     (unsigned long long)ch_json_number(letter, "attempt"));
	if (ch_json_text(letter, "sha256")[0]) {
		ch_term_line(out, "  size        %s",
			     ch_term_size(ch_json_number(letter,
							 "size_bytes"),
					  size));
		ch_term_line(out, "  SHA-256     %s",
			     ch_json_text(letter, "sha256"));
	}
}

static void show_address(const struct ch_term *out, const json_t *address)
{
	struct ch_outcome outcome =
		ch_outcome_of_state(ch_json_text(address, "state"));
	CH_AUTO(ch_str) reply = CH_STR_INIT(REPLY_MAX);
	CH_AUTO(ch_str) spec = CH_STR_INIT(REPLY_MAX);
	const char *relay = ch_json_text(address, "relay");
	char changed[CH_TIME_SIZE];
	char next[CH_TIME_SIZE];

	ch_outcome_reply(address, &reply);
	ch_outcome_address(address, "address", &spec);
	ch_outcome_time(address, "changed_at", changed);
	fprintf(out->file, "  %s%s %-9s%s ",
		ch_term_style(out, ch_term_sign_style(outcome.sign)),
		ch_term_sign(out, outcome.sign), outcome.word,
		ch_term_style(out, CH_STYLE_PLAIN));
	ch_term_line(out, "%s %s%s%s%s", ch_json_text(address, "role"),
		     ch_str_cstr(&spec),
		     changed[0] ? ", " : "", changed, changed[0] ? " UTC" : "");
	if (reply.len)
		ch_term_fold(out, 0, 6, "      %s%s%s%s", ch_str_cstr(&reply),
			     relay[0] ? " (relay " : "", relay,
			     relay[0] ? ")" : "");
	if (strcmp(ch_json_text(address, "state"), "queued") == 0 &&
	    ch_outcome_time(address, "next_at", next)[0])
		ch_term_line(out, "      %s %s UTC",
			     reply.len ? "again at" : "not before", next);
}

static void show_return(const struct ch_term *out, const json_t *item)
{
	struct ch_outcome outcome = ch_outcome_of_return(item);
	const char *text = ch_json_text(item, "text");
	const char *status = ch_json_text(item, "status");
	char when[CH_TIME_SIZE];

	fprintf(out->file, "  %s%s %-9s%s ",
		ch_term_style(out, ch_term_sign_style(outcome.sign)),
		ch_term_sign(out, outcome.sign), outcome.word,
		ch_term_style(out, CH_STYLE_PLAIN));
	ch_term_fold(out, SIGN_COLUMNS, 6, "%s UTC from %s%s: %s%s%s%s",
		     ch_outcome_time(item, "received_at", when),
		     ch_json_text(item, "from"),
		     ch_json_true(item, "verified") ? "" : " (unverified)",
		     status, status[0] ? " " : "",
		     ch_json_text(item, "diagnostic")[0]
			     ? ch_json_text(item, "diagnostic")
			     : ch_json_text(item, "subject"),
		     ch_json_number(item, "attachments") ? ", with annexes"
							 : "");
	if (ch_json_text(item, "away_until")[0])
		ch_term_line(out, "    away until %s",
			     ch_json_text(item, "away_until"));
	while (text[0]) {
		size_t len = strcspn(text, "\n");

		if (len > 0)
			ch_term_line(out, "    | %.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

/* ---- asking ----------------------------------------------------------- */

static int keep(void *context, const json_t *item)
{
	json_t *list = context;

	json_array_append_new(list, json_deep_copy(item));
	return EX_OK;
}

int ch_show_ask(const struct ch_cli *cli, const struct ch_target *target,
		json_t **ret)
{
	CH_AUTOCHAR path = ch_request_path(target->reference, target->key, "");
	CH_AUTOCHAR returns =
		ch_request_path(target->reference, target->key, "/returns");
	json_t *letter = NULL;
	json_t *list;
	int code = ch_request_json(cli, CH_DOOR_READ, path, &letter);

	if (code != EX_OK)
		return code;
	list = json_array();
	json_object_set_new(letter, "returns", list);
	code = ch_request_pages(cli, returns, "returns", keep, list);
	if (code != EX_OK) {
		json_decref(letter);
		return code;
	}
	*ret = letter;
	return EX_OK;
}

void ch_show_letter(const struct ch_term *out, const json_t *letter)
{
	const json_t *returns = json_object_get(letter, "returns");
	const json_t *item;
	size_t i;

	show_facts(out, letter);
	ch_term_line(out, "Addresses:");
	json_array_foreach(json_object_get(letter, "addresses"), i, item)
		show_address(out, item);
	if (json_array_size(returns) > 0)
		ch_term_line(out, "Came back:");
	json_array_foreach(returns, i, item)
		show_return(out, item);
}

/* ---- its transcript --------------------------------------------------- */

static void show_lines(const struct ch_term *out, const json_t *transcript,
		       const char *name)
{
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(transcript, name), i, line)
		ch_term_line(out, "  %s", json_string_value(line));
}

void ch_show_transcript(const struct ch_term *out, const json_t *transcript)
{
	const char *relay = ch_json_text(transcript, "relay");
	char when[CH_TIME_SIZE];

	if (relay[0])
		ch_term_line(out, "Connection to relay %s, %s UTC:", relay,
			     ch_outcome_time(transcript, "connected_at", when));
	show_lines(out, transcript, "opening");
	ch_term_line(out, "The letter, attempt %llu:",
		     (unsigned long long)ch_json_number(transcript, "attempt"));
	show_lines(out, transcript, "lines");
}

int ch_show_ask_transcript(const struct ch_cli *cli,
			   const struct ch_target *target, json_t **ret)
{
	CH_AUTOCHAR path = ch_request_path(target->reference, target->key,
					   "/transcript");

	return ch_request_json(cli, CH_DOOR_CONTROL, path, ret);
}

int ch_show_ask_known(const struct ch_cli *cli, const struct ch_target *target,
		      json_t **ret)
{
	CH_AUTOCHAR path = ch_request_path(target->reference, target->key,
					   "/transcript");
	CH_AUTO(ch_answer) answer = { 0 };
	json_t *known = NULL;
	int code = ch_show_ask(cli, target, &known);

	if (code == EX_OK)
		code = ch_request_get(cli, CH_DOOR_CONTROL, path, ANSWER_MAX,
				      &answer);
	if (code == EX_OK && answer.status >= 400 && answer.status != 404)
		code = ch_answer_fail(cli, &answer);
	if (code != EX_OK) {
		json_decref(known);
		return code;
	}
	if (answer.status < 400 && answer.json)
		json_object_set(known, "transcript", answer.json);
	*ret = known;
	return EX_OK;
}

static int print_transcript(const struct ch_cli *cli,
			    const struct ch_target *target)
{
	json_t *transcript = NULL;
	int code = ch_show_ask_transcript(cli, target, &transcript);

	if (code != EX_OK)
		return code;
	if (cli->json)
		ch_json_line(&cli->out, transcript);
	else
		ch_show_transcript(&cli->out, transcript);
	json_decref(transcript);
	return EX_OK;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	CH_AUTO(ch_target) target = { 0 };
	json_t *letter = NULL;
	int code;

	if (ch_target_letter(ch_args_operand(args, 0), &target) < 0)
		return ch_fail_usage(cli, &ch_verb_show,
				     "a letter is BATCH/KEY, such as "
				     "DM-1276/FRA");
	if (ch_args_has(args, "eml") && cli->json)
		return ch_fail_usage(cli, &ch_verb_show,
				     "either --eml or --json");
	if (ch_args_has(args, "eml") && ch_args_has(args, "transcript"))
		return ch_fail_usage(cli, &ch_verb_show,
				     "either --eml or --transcript");
	if (ch_args_has(args, "eml"))
		return ch_source_print(cli, &target);
	if (ch_args_has(args, "transcript"))
		return print_transcript(cli, &target);
	code = ch_show_ask(cli, &target, &letter);
	if (code != EX_OK)
		return code;
	if (cli->json)
		ch_json_line(&cli->out, letter);
	else
		ch_show_letter(&cli->out, letter);
	json_decref(letter);
	return EX_OK;
}

static const struct ch_option options[] = {
	{ "eml", 0, NULL, false,
	  "The message itself: the exact bytes that were sent." },
	{ "transcript", 0, NULL, false,
	  "What was said to the relay and by it, in the last attempt." },
	{ 0 },
};

const struct ch_verb ch_verb_show = {
	.name = "show",
	.operands = "BATCH/KEY",
	.least = 1,
	.most = 1,
	.summary = "All that is known of one letter.",
	.about = "--eml composes the letter from its source as the send worker "
		 "does and compares\nthe SHA-256 of the bytes that were sent "
		 "before it prints any.\n",
	.options = options,
	.run = run,
};
