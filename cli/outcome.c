// SPDX-License-Identifier: GPL-3.0-or-later
/* outcome.c - states and kinds as words. */
#include "cli/outcome.h"

#include <string.h>

#include "base/mem.h"
#include "cli/json.h"
#include "mail/address.h"

/* Of a chanceryd that is newer than this program: words are written as they
 * are, so none of them comes from an answer. */
static const struct ch_outcome unknown = { CH_SIGN_IN_DOUBT, "unknown" };

static const struct {
	const char *name;
	struct ch_outcome outcome;
} states[] = {
	{ "queued", { CH_SIGN_WAITING, "waiting" } },
	{ "claimed", { CH_SIGN_WAITING, "waiting" } },
	{ "dot", { CH_SIGN_WAITING, "sending" } },
	{ "sent", { CH_SIGN_SENT, "sent" } },
	{ "failed", { CH_SIGN_RETURNED, "refused" } },
	{ "in_doubt", { CH_SIGN_IN_DOUBT, "in doubt" } },
	{ "cancelled", { CH_SIGN_CANCELLED, "cancelled" } },
	{ "held", { CH_SIGN_WAITING, "held" } },
};

struct ch_outcome ch_outcome_of_state(const char *state)
{
	for (size_t i = 0; i < CH_COUNT(states); i++) {
		if (strcmp(states[i].name, state) == 0)
			return states[i].outcome;
	}
	return unknown;
}

struct ch_outcome ch_outcome_of_letter(const json_t *letter)
{
	const char *state = ch_json_text(letter, "state");

	if (strcmp(state, "in_doubt") == 0)
		return ch_outcome_of_state(state);
	if (ch_json_true(letter, "answered"))
		return (struct ch_outcome){ CH_SIGN_ANSWERED, "answered" };
	if (ch_json_true(letter, "bounced"))
		return (struct ch_outcome){ CH_SIGN_RETURNED, "returned" };
	return ch_outcome_of_state(state);
}

const json_t *ch_outcome_deciding(const json_t *letter)
{
	const json_t *addresses = json_object_get(letter, "addresses");
	const char *state = ch_json_text(letter, "state");
	const json_t *address;
	size_t i;

	json_array_foreach(addresses, i, address) {
		if (strcmp(ch_json_text(address, "state"), state) == 0)
			return address;
	}
	return json_array_get(addresses, 0);
}

static const struct {
	const char *name;
	struct ch_outcome outcome;
} kinds[] = {
	{ "bounce_hard", { CH_SIGN_RETURNED, "returned" } },
	{ "bounce_soft", { CH_SIGN_RETURNED, "not now" } },
	{ "delayed", { CH_SIGN_WAITING, "delayed" } },
	{ "delivered", { CH_SIGN_SENT, "delivered" } },
	{ "mdn", { CH_SIGN_SENT, "receipt" } },
	{ "autoreply", { CH_SIGN_SENT, "away" } },
	{ "arf", { CH_SIGN_RETURNED, "complaint" } },
	{ "reply", { CH_SIGN_ANSWERED, "answered" } },
	{ "other", { CH_SIGN_IN_DOUBT, "other" } },
};

struct ch_outcome ch_outcome_of_return(const json_t *item)
{
	const char *kind = ch_json_text(item, "kind");
	const char *says = ch_json_text(item, "says");

	/* A guess, which counts for nothing until somebody confirms it. */
	if (strcmp(ch_json_text(item, "match"), "reference") == 0 &&
	    !ch_json_true(item, "verified"))
		return (struct ch_outcome){ CH_SIGN_IN_DOUBT, "perhaps" };
	if (strcmp(says, "acknowledgement") == 0)
		return (struct ch_outcome){ CH_SIGN_ANSWERED, "received" };
	if (strcmp(says, "question") == 0)
		return (struct ch_outcome){ CH_SIGN_ANSWERED, "asks" };
	for (size_t i = 0; i < CH_COUNT(kinds); i++) {
		if (strcmp(kinds[i].name, kind) == 0)
			return kinds[i].outcome;
	}
	return unknown;
}

const char *ch_outcome_time(const json_t *object, const char *name,
			    char out[CH_TIME_SIZE])
{
	const char *text = ch_json_text(object, name);

	out[0] = '\0';
	if (strlen(text) >= 16) {
		snprintf(out, CH_TIME_SIZE, "%.16s", text);
		out[10] = ' ';
	}
	return out;
}

const char *ch_outcome_short_time(const json_t *object, const char *name,
				  char out[CH_TIME_SIZE])
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr",
					      "May", "Jun", "Jul", "Aug",
					      "Sep", "Oct", "Nov", "Dec" };
	const char *text = ch_json_text(object, name);
	unsigned int month = 0, day = 0;

	out[0] = '\0';
	if (strlen(text) >= 16 &&
	    sscanf(text, "%*4u-%2u-%2u", &month, &day) == 2 && month >= 1 &&
	    month <= 12)
		snprintf(out, CH_TIME_SIZE, "%2u %s %.5s", day % 100,
			 months[month - 1], text + 11);
	return out;
}

void ch_outcome_address(const json_t *object, const char *name,
			struct ch_str *out)
{
	const char *spec = ch_json_text(object, name);
	const char *at = strrchr(spec, '@');
	size_t before = out->len;

	ch_address_show(spec, out);
	if (strcmp(ch_str_cstr(out) + before, spec) != 0)
		ch_str_addf(out, " (%s)", at ? at + 1 : spec);
}

void ch_outcome_reply(const json_t *address, struct ch_str *out)
{
	unsigned long long code = ch_json_number(address, "code");
	const char *status = ch_json_text(address, "status");
	const char *reply = ch_json_text(address, "reply");
	char text[8];

	snprintf(text, sizeof(text), "%llu", code % 10000);
	/* The raw reply begins with both where the relay wrote both. */
	if (code && strncmp(reply, text, strlen(text)) != 0)
		ch_str_addf(out, "%s ", text);
	if (status[0] && !strstr(reply, status))
		ch_str_addf(out, "%s ", status);
	ch_str_add(out, reply);
	if (!reply[0] && (code || status[0]))
		ch_str_truncate(out, out->len - 1);
	if (!reply[0] && !code && !status[0] &&
	    strcmp(ch_json_text(address, "state"), "in_doubt") == 0)
		ch_str_add(out, "no reply is known");
}

const char *ch_outcome_count(unsigned long long count, const char *thing,
			     char out[CH_COUNT_SIZE])
{
	size_t len = strlen(thing);
	const char *many = len && thing[len - 1] == 's' ? "es" : "s";

	snprintf(out, CH_COUNT_SIZE, "%llu %s%s", count, thing,
		 count == 1 ? "" : many);
	return out;
}
