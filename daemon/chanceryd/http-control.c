// SPDX-License-Identifier: GPL-3.0-or-later
/* http-control.c - commands: one verb, one batch or letter, one answer after
 * the commit. Who did it is in the journal: commands.c says so. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "chanceryd/http-json.h"
#include "chanceryd/http-private.h"

static const struct {
	const char *word;
	enum ch_verb verb;
} verbs[] = {
	{ "release", CH_VERB_RELEASE }, { "pause", CH_VERB_PAUSE },
	{ "resume", CH_VERB_RESUME },   { "cancel", CH_VERB_CANCEL },
	{ "retry", CH_VERB_RETRY },     { "priority", CH_VERB_PRIORITY },
	{ "readdress", CH_VERB_READDRESS }, { "confirm", CH_VERB_CONFIRM },
	{ "reread", CH_VERB_REREAD },
	{ "suppress", CH_VERB_SUPPRESS },
	{ "unsuppress", CH_VERB_UNSUPPRESS },
};

/* The last word of the path. */
static const char *word_of(const struct ch_request *request)
{
	return request->target.segments[request->target.segments_len - 1];
}

/* What is to be done; for "resolve" the body says. */
static int read_verb(const struct ch_request *request, const char *member,
		     enum ch_verb *ret, struct ch_error *err)
{
	const char *word = word_of(request);

	for (size_t i = 0; i < CH_COUNT(verbs); i++) {
		if (strcmp(word, verbs[i].word) == 0) {
			*ret = verbs[i].verb;
			return 0;
		}
	}
	if (strcmp(member, "sent") == 0)
		*ret = CH_VERB_RESOLVE_SENT;
	else if (strcmp(member, "resend") == 0)
		*ret = CH_VERB_RESOLVE_RESEND;
	else
		return ch_error_refuse(err, "4.0.0",
				       "\"as\" is \"sent\" or "
				       "\"resend\"");
	return 0;
}

static int check_digest(const struct ch_command *command,
			struct ch_error *err)
{
	struct ch_sha256 sum;

	if (command->verb == CH_VERB_RELEASE &&
	    ch_sha256_parse(command->digest, strlen(command->digest),
			    &sum) < 0) {
		ch_error_refuse(err, "4.0.0", "\"digest\" is 64 lower-case "
					      "hexadecimal digits");
		return ch_error_hint(err, "\"chancery status BATCH\" shows "
					  "it.");
	}
	return 0;
}

static int read_priority(struct ch_command *command, const char *member,
			 struct ch_error *err)
{
	if (command->verb == CH_VERB_PRIORITY &&
	    ch_priority_parse(member, &command->priority) < 0)
		return ch_error_refuse(err, "4.0.0",
				       "\"priority\" is \"high\", "
				       "\"normal\" or \"low\"");
	return 0;
}

static json_t *answer_of(const struct ch_command *command,
			 const struct ch_touched *touched)
{
	if (command->verb != CH_VERB_RETRY)
		return json_pack("{s:I}", "touched", (json_int_t)touched->all);
	return json_pack("{s:I, s:I, s:I, s:I}",
			 "touched", (json_int_t)touched->all,
			 "failed", (json_int_t)touched->failed,
			 "waiting", (json_int_t)touched->waiting,
			 "held", (json_int_t)touched->held);
}

/* Do it; `command` says to what. */
static int post(struct ch_request *request, struct ch_command *command,
		struct ch_error *err)
{
	struct ch_slice body = { ch_str_cstr(&request->body),
				 request->body.len };
	char *member = NULL;
	struct ch_touched touched = { 0 };
	int failed;

	if (request->too_large)
		return ch_error_refuse(err, "4.1.3",
				       "more than %d bytes of "
				       "JSON",
				       CH_JSON_BODY_MAX);
	if (ch_body_member(body, request->route->member, &member, err) < 0)
		return -1;
	command->who = request->client->who;
	command->digest = member;
	command->address = member;
	command->returned = member;
	failed = read_verb(request, member, &command->verb, err);
	if (failed == 0)
		failed = check_digest(command, err);
	if (failed == 0)
		failed = read_priority(command, member, err);
	if (failed == 0)
		failed = ch_mailroom_command(request->http->room, command,
					     &touched, err);
	free(member);
	if (failed < 0)
		return -1;
	ch_http_json(request, 200, answer_of(command, &touched));
	ch_http_wait(request, CH_WAIT_TELL);
	return 1;
}

int ch_http_post_command(struct ch_request *request, struct ch_error *err)
{
	struct ch_command command = {
		.reference = ch_http_star(request, 0),
		.key = ch_http_star(request, 1),
	};

	if (ch_target_int(&request->target, "at_risk", 0, INT64_MAX, -1,
			  &command.at_risk, err) < 0)
		return -1;
	return post(request, &command, err);
}

int ch_http_post_relay(struct ch_request *request, struct ch_error *err)
{
	struct ch_command command = { .relay = ch_http_star(request, 0) };

	return post(request, &command, err);
}
