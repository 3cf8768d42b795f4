// SPDX-License-Identifier: GPL-3.0-or-later
/* doubts.c - see doubts.h.
 *
 * They are as many as there were connections when a daemon or a relay broke
 * down: few. So each is asked for by itself.
 */
#include "cli/doubts.h"

#include <jansson.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/outcome.h"
#include "cli/request.h"
#include "cli/show.h"
#include "cli/target.h"

#define REPLY_MAX 8192

static int keep_key(void *context, const json_t *letter)
{
	json_array_append(context, json_object_get(letter, "key"));
	return EX_OK;
}

static bool is_in_doubt(const json_t *object)
{
	return strcmp(ch_json_text(object, "state"), "in_doubt") == 0;
}

/* ---- one letter ------------------------------------------------------- */

static void show_address(const struct ch_term *out, const json_t *address)
{
	CH_AUTO(ch_str) reply = CH_STR_INIT(REPLY_MAX);
	char changed[CH_TIME_SIZE];

	ch_outcome_reply(address, &reply);
	ch_term_line(out, "    %s %s", ch_json_text(address, "role"),
		     ch_json_text(address, "address"));
	ch_term_line(out, "      since %s UTC",
		     ch_outcome_time(address, "changed_at", changed));
	ch_term_line(out, "      %s", ch_str_cstr(&reply));
}

/* Each of its addresses was tried last over the same one. */
static const char *relay_of(const json_t *letter)
{
	const json_t *transcript = json_object_get(letter, "transcript");
	const char *relay = ch_json_text(transcript, "relay");
	const json_t *address;
	size_t i;

	json_array_foreach(json_object_get(letter, "addresses"), i, address)
		if (!relay[0] && is_in_doubt(address))
			relay = ch_json_text(address, "relay");
	return relay;
}

static void show_attempt(const struct ch_term *out, const json_t *letter)
{
	const json_t *transcript = json_object_get(letter, "transcript");
	const json_t *lines = json_object_get(transcript, "lines");
	size_t len = json_array_size(lines);
	const char *relay = relay_of(letter);

	ch_term_line(out, "    attempt %llu%s%s",
		     (unsigned long long)ch_json_number(letter, "attempt"),
		     relay[0] ? " over relay " : "", relay);
	if (len > 0)
		ch_term_line(out, "    last noted: %s",
			     json_string_value(json_array_get(lines, len - 1)));
}

static void show_return(const struct ch_term *out, const json_t *item)
{
	struct ch_outcome outcome = ch_outcome_of_return(item);
	const char *diagnostic = ch_json_text(item, "diagnostic");
	char when[CH_TIME_SIZE];

	ch_term_line(out, "    came back %s UTC: %s%s",
		     ch_outcome_time(item, "received_at", when), outcome.word,
		     ch_json_true(item, "verified") ? "" : " (unverified)");
	ch_term_line(out, "      from %s", ch_json_text(item, "from"));
	ch_term_line(out, "      %s", diagnostic[0] ?
					      diagnostic :
					      ch_json_text(item, "subject"));
}

static void show_letter(const struct ch_term *out, const json_t *letter)
{
	const json_t *returns = json_object_get(letter, "returns");
	struct ch_outcome outcome = ch_outcome_of_state("in_doubt");
	const json_t *item;
	size_t i;

	fprintf(out->file, "%s%s %s%s ",
		ch_term_style(out, ch_term_sign_style(outcome.sign)),
		ch_term_sign(out, outcome.sign), outcome.word,
		ch_term_style(out, CH_STYLE_PLAIN));
	ch_term_line(out, "%s/%s  %s", ch_json_text(letter, "batch"),
		     ch_json_text(letter, "key"),
		     ch_json_text(letter, "name"));
	json_array_foreach(json_object_get(letter, "addresses"), i, item)
		if (is_in_doubt(item))
			show_address(out, item);
	show_attempt(out, letter);
	ch_term_line(out, "    grep %s", ch_json_text(letter, "message_id"));
	json_array_foreach(returns, i, item)
		show_return(out, item);
}

/* ---- all of them ------------------------------------------------------ */

/* A proof may have come since its key was listed. */
static int show_one(const struct ch_cli *cli, const char *reference,
		    const char *key, unsigned long long *shown)
{
	CH_AUTO(ch_target) target = { ch_xstrdup(reference), ch_xstrdup(key) };
	json_t *known = NULL;
	int code = ch_show_ask_known(cli, &target, &known);

	if (code != EX_OK)
		return code;
	if (is_in_doubt(known)) {
		(*shown)++;
		if (cli->json)
			ch_json_line(&cli->out, known);
		else
			show_letter(&cli->out, known);
	}
	json_decref(known);
	return EX_OK;
}

static void show_ways(const struct ch_cli *cli, const char *reference,
		      unsigned long long shown)
{
	char count[CH_COUNT_SIZE];

	if (shown == 0) {
		ch_term_line(&cli->out, "Nothing of %s is in doubt.",
			     reference);
		return;
	}
	ch_term_line(&cli->out, "%s in doubt.",
		     ch_outcome_count(shown, "letter", count));
	ch_term_line(&cli->out, "Look for each in the log of its relay. Then, "
				"if the relay has it:");
	ch_term_line(&cli->out, "  chancery resolve %s/KEY --sent", reference);
	ch_term_line(&cli->out, "or if it does not, to send it once more:");
	ch_term_line(&cli->out, "  chancery resolve %s/KEY --resend",
		     reference);
}

int ch_doubts_list(const struct ch_cli *cli, const char *reference)
{
	CH_AUTOCHAR path = ch_request_path(reference, NULL,
					   "/letters?state=in_doubt");
	unsigned long long shown = 0;
	json_t *keys = json_array();
	const json_t *key;
	size_t i;
	int code = ch_request_pages(cli, path, "letters", keep_key, keys);

	json_array_foreach(keys, i, key)
		if (code == EX_OK)
			code = show_one(cli, reference, json_string_value(key),
					&shown);
	if (code == EX_OK && !cli->json)
		show_ways(cli, reference, shown);
	json_decref(keys);
	return code;
}
