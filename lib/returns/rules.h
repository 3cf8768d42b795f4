/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules.h - what mail systems say, as a table, and the engine that reads it.
 *
 * A row is a phrase and what it means; whose phrase it is stands beside it. All
 * rows are looked for in one pass over a text in which case, line ends and the
 * width of spaces are levelled, so that it costs the same whichever row
 * decides, and a phrase is found wherever a line was broken.
 */
#ifndef CH_RETURNS_RULES_H
#define CH_RETURNS_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/returned.h"

enum ch_meaning {
	/* Why it failed. Where several are named, the first of these counts. */
	CH_MEANS_FULL,
	CH_MEANS_TOO_LARGE,
	CH_MEANS_AUTHENTICATION,
	CH_MEANS_SPAM,
	CH_MEANS_CONTENT,
	CH_MEANS_RATE,
	CH_MEANS_LOOP,
	CH_MEANS_SENDER, /* refused for who sent it: policy */
	CH_MEANS_DISABLED,
	CH_MEANS_LOOKUP,  /* of a name, and it may do better later */
	CH_MEANS_NO_MAIL, /* the domain or host takes none */
	CH_MEANS_HOST_UNKNOWN,
	CH_MEANS_USER_UNKNOWN,
	CH_MEANS_SPAM_WORD,    /* a word of spam, and of much else */
	CH_MEANS_CONTENT_WORD, /* the same of content */
	CH_MEANS_POLICY,
	CH_MEANS_NETWORK,
	CH_MEANS_EXPIRED,
	CH_MEANS_SYSTEM,
	CH_MEANS_REFUSED, /* and nothing more is said */
	CH_MEANS_REASONS, /* how many of these there are */

	/* What kind of mail it is. */
	CH_MEANS_FAILED,   /* only a mail system says this of a failure */
	CH_MEANS_SUBJECT,  /* a subject of failures; people write it too */
	CH_MEANS_DELAYED,  /* it goes on trying */
	CH_MEANS_GIVEN_UP, /* it does not, whatever else is said */
	CH_MEANS_DELIVERED,
	CH_MEANS_COMPLAINT, /* somebody called ours spam */
	CH_MEANS_READ,	       /* a receipt */
	CH_MEANS_UNREAD,       /* one of a reader who did not read it */
	CH_MEANS_CHALLENGE,    /* wants the sender to prove himself */
	CH_MEANS_AWAY,	       /* out of office */
	CH_MEANS_ACKNOWLEDGED, /* a machine says that it has the mail */
	CH_MEANS_AUTOMATIC, /* it says of itself that it is no person's */
	CH_MEANS_MACHINE,   /* the same, and may be no answer to a mail */

	/* What a person says of the letter. */
	CH_MEANS_RECEIVED,
	CH_MEANS_ANSWER,

	/* Where in the text the address stands. */
	CH_MEANS_LIST,	   /* lines that begin with addresses follow */
	CH_MEANS_FIELD,	   /* the address follows at once, for machines */
	CH_MEANS_ADDRESS,  /* the address follows at once, for people */
	CH_MEANS_ORIGIN,   /* the address before it was made from this one */
	CH_MEANS_CONTACT,  /* an address here is of somebody who helps */
	CH_MEANS_ORIGINAL, /* from here on it is our own mail */

	/* Until when its writer is away; in a table of their own (away.c). */
	CH_MEANS_AWAY_STATE,
	CH_MEANS_AWAY_UNTIL,
	CH_MEANS_AWAY_BACK,
	CH_MEANS_AWAY_BEHIND,
	CH_MEANS_AWAY_UNSURE,
};

struct ch_rule {
	const char *text; /* single spaces, UTF-8; 4 bytes or more */
	enum ch_meaning means;
	const char *source; /* whose words */
};

extern const struct ch_rule ch_rules[];
extern const size_t ch_rules_len;
extern const struct ch_rule ch_away_rules[]; /* whose words: a language */
extern const size_t ch_away_rules_len;

/* The tables made ready for search; built once, then never changed. */
struct ch_rules; /* opaque */
struct ch_rules *ch_rules_new(void);
/* Those of the second table, which costs nothing while others are searched. */
const struct ch_rules *ch_rules_away(const struct ch_rules *rules);
void ch_rules_free(struct ch_rules *rules);
CH_DEFINE_AUTOPTR(ch_rules);

/* A text with its case and spaces levelled. */
struct ch_folded {
	char *text;	  /* owned */
	uint32_t *origin; /* owned; where each byte came from, and the end */
	size_t len;
};
void ch_folded_make(struct ch_folded *folded, const char *text, size_t len);
void ch_folded_release(struct ch_folded *folded);

/* A row that was found, in bytes of the text as it was. */
struct ch_match {
	const struct ch_rule *rule;
	uint32_t at, end;
};

#define CH_MATCHES_MAX 1000
struct ch_matches {
	struct ch_match *list; /* owned; in the order of `at` */
	size_t len, cap;
	struct ch_folded folded;
};

/* Find all rows in the first `len` bytes of valid UTF-8. Release the result. */
void ch_matches_find(const struct ch_rules *rules, const char *text, size_t len,
		     struct ch_matches *ret);
void ch_matches_release(struct ch_matches *matches);

/* The first match with that meaning between two offsets, or NULL. */
const struct ch_match *ch_matches_one(const struct ch_matches *matches,
				      enum ch_meaning means, size_t from,
				      size_t to);
/* The weightiest reason there, or NULL. */
const struct ch_match *ch_matches_reason(const struct ch_matches *matches,
					 size_t from, size_t to);

#endif
