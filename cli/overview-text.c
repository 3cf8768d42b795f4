// SPDX-License-Identifier: GPL-3.0-or-later
/* overview-text.c - an overview as people read it, in one of six languages. */
#include <string.h>

#include "base/utf8.h"
#include "cli/json.h"
#include "cli/overview.h"
#include "cli/words.h"
#include "letter/date.h"
#include "mail/address.h"

#define CELL_MAX (1024 * 1024)
#define CHARACTERS_MAX 30000 /* a spreadsheet's cell has at most 32,767 */
#define ARABIC_COMMA "\xD8\x8C"
#define ELLIPSIS "\xE2\x80\xA6"
#define FSI "\xE2\x81\xA8"
#define PDI "\xE2\x81\xA9"

/* ---- text of others --------------------------------------------------- */

/* U+200E, 200F and 061C mark a direction where they stand and no further:
 * names in Arabic have them. */
static bool turns_text(uint32_t cp)
{
	return ch_utf8_is_bidi_control(cp) && cp != 0x200E && cp != 0x200F &&
	       cp != 0x061C;
}

void ch_overview_safe(const char *text, struct ch_str *out)
{
	size_t len = strlen(text);
	size_t characters = 0;
	bool space = false;

	for (size_t at = 0; at < len;) {
		uint32_t cp = 0xFFFD;
		size_t n = ch_utf8_decode(text + at, len - at, &cp);

		at += n ? n : 1;
		if (cp == '\n' || cp == '\r' || cp == '\t') {
			space = true;
			continue;
		}
		if (n && turns_text(cp))
			continue;
		characters += cp > 0xFFFF ? 2 : 1; /* as UTF-16 counts */
		if (characters > CHARACTERS_MAX) {
			ch_str_add(out, ELLIPSIS);
			return;
		}
		if (space)
			ch_str_add_char(out, ' ');
		space = false;
		ch_str_add_utf8(out, n && !ch_utf8_is_control(cp) ? cp
								  : 0xFFFD);
	}
}

/* ---- a cell ----------------------------------------------------------- */

static void add_addresses(const char *list, struct ch_str *out)
{
	while (*list) {
		size_t len = strcspn(list, ";");
		CH_AUTOCHAR one = ch_xstrndup(list, len);

		ch_address_show(one, out);
		list += len;
		len = strspn(list, "; ");
		if (*list)
			ch_str_add(out, "; ");
		list += len;
	}
}

/* "2026-11-24T10:02:03Z" without its seconds; a day as it is. */
static void add_time(const char *time, struct ch_str *out)
{
	ch_str_add_mem(out, time, strlen(time) < 10 ? strlen(time) : 10);
	if (strlen(time) >= 16)
		ch_str_addf(out, " %.5s", time + 11);
}

/* "reminds DM-1277; corrects DM-1278": the word that begins each is ours. */
static void add_relations(const struct ch_words *words, const char *list,
			  struct ch_str *out)
{
	while (*list) {
		size_t len = strcspn(list, ";");
		size_t word = strcspn(list, " ");
		CH_AUTOCHAR relation = ch_xstrndup(list, word);

		ch_words_add(words, "relation.", relation, out);
		if (word < len)
			ch_str_add_mem(out, list + word, len - word);
		list += len;
		len = strspn(list, "; ");
		if (*list)
			ch_str_add(out, "; ");
		list += len;
	}
}

static const char *kind_of_word(enum ch_overview_column column)
{
	switch (column) {
	case CH_OV_SAYS:
		return "says.";
	case CH_OV_RETURNED_REASON:
		return "reason.";
	default:
		return "";
	}
}

void ch_overview_text(const struct ch_overview *o,
		      const struct ch_overview_row *row,
		      enum ch_overview_column column, struct ch_str *out)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(CELL_MAX);
	const char *cell = row->cells[column];

	if (!cell[0])
		return;
	switch (ch_overview_kind(column)) {
	case CH_OV_TEXT:
		ch_str_add(&text, cell);
		break;
	case CH_OV_WORD:
		ch_words_add(o->words, kind_of_word(column), cell, &text);
		break;
	case CH_OV_TIME:
		add_time(cell, &text);
		break;
	case CH_OV_ADDRESSES:
		add_addresses(cell, &text);
		break;
	case CH_OV_RELATIONS:
		add_relations(o->words, cell, &text);
		break;
	}
	ch_overview_safe(ch_str_cstr(&text), out);
}

/* ---- the head --------------------------------------------------------- */

static void add_word(const struct ch_overview *o, const char *name,
		     struct ch_str *out)
{
	struct ch_slice word = ch_words_get(o->words, name);

	ch_str_add_mem(out, word.data, word.len);
}

/* ": " as each language writes it. */
static void add_colon(const struct ch_overview *o, struct ch_str *out)
{
	if (strcmp(o->language, "fr") == 0)
		ch_str_add(out, "\xC2\xA0: ");
	else if (strcmp(o->language, "zh") == 0)
		ch_str_add(out, "\xEF\xBC\x9A");
	else
		ch_str_add(out, ": ");
}

/* Between text from right to left an address keeps its own direction. */
static void add_isolated(const struct ch_overview *o, const char *text,
			 struct ch_str *out)
{
	bool isolated = strcmp(o->language, "ar") == 0;

	ch_str_add(out, isolated ? FSI : "");
	ch_str_add(out, text);
	ch_str_add(out, isolated ? PDI : "");
}

static void add_day(const struct ch_overview *o, const char *day,
		    struct ch_str *out)
{
	struct ch_slice iso = { day, strlen(day) < 10 ? strlen(day) : 10 };
	struct ch_error ignored;

	if (iso.len &&
	    ch_date_words(iso, CH_DATE_LONG, o->language, out, &ignored) < 0)
		ch_str_add_mem(out, iso.data, iso.len);
}

static void add_shown(const struct ch_overview *o, struct ch_str *out)
{
	if (o->state)
		ch_str_addf(out, "%s (%llu)", o->state,
			    (unsigned long long)o->rows);
}

static void add_now(const struct ch_overview *o, struct ch_str *out)
{
	add_day(o, o->now, out);
	ch_str_add(out, strcmp(o->language, "zh") == 0   ? " "
			: strcmp(o->language, "ar") == 0 ? ARABIC_COMMA " "
							 : ", ");
	ch_str_addf(out, "%.5s UTC", o->now + 11);
}

static bool add_line(const struct ch_overview *o, const char *name,
		     struct ch_str *out)
{
	size_t before = out->len;

	if (strcmp(name, "deadline") == 0 || strcmp(name, "date") == 0)
		add_day(o, ch_json_text(o->batch, name), out);
	else if (strcmp(name, "as_of") == 0)
		add_now(o, out);
	else if (strcmp(name, "shown") == 0)
		add_shown(o, out);
	else
		ch_overview_safe(ch_json_text(o->batch, name), out);
	return out->len > before;
}

bool ch_overview_head(const struct ch_overview *o, size_t number,
		      struct ch_slice *ret_name, struct ch_str *out)
{
	static const char *const lines[] = { "reference", "subject", "date",
					     "deadline",  "as_of",   "test_to",
					     "shown" };

	for (size_t i = 0; i < CH_COUNT(lines); i++) {
		size_t before = out->len;

		if (!add_line(o, lines[i], out) || number-- > 0) {
			ch_str_truncate(out, before);
			continue;
		}
		*ret_name = ch_words_get(o->words, lines[i]);
		return true;
	}
	return false;
}

void ch_overview_title(const struct ch_overview *o, struct ch_str *out)
{
	CH_AUTO(ch_str) reference = CH_STR_INIT(CELL_MAX);

	ch_overview_safe(ch_json_text(o->batch, "reference"), &reference);
	add_word(o, "title", out);
	add_colon(o, out);
	add_isolated(o, ch_str_cstr(&reference), out);
}

void ch_overview_share(const struct ch_overview *o, struct ch_str *out)
{
	uint64_t all = o->counts[CH_OV_ALL];
	bool point = strcmp(o->language, "en") == 0 ||
		     strcmp(o->language, "zh") == 0 ||
		     strcmp(o->language, "ar") == 0;
	unsigned long long tenths;

	if (all == 0)
		return;
	tenths = (o->counts[CH_OV_ANSWERED] * 2000 + all) / (2 * all);
	ch_str_addf(out, "%llu%s%llu%s%%", tenths / 10, point ? "." : ",",
		    tenths % 10, point ? "" : "\xC2\xA0");
}

/* ---- fewer cells ------------------------------------------------------ */

const char *ch_overview_part_name(enum ch_overview_part part)
{
	static const char *const names[] = {
		[CH_OV_PART_WHO] = "name",
		[CH_OV_PART_TO] = "to",
		[CH_OV_PART_OUTCOME] = "outcome",
		[CH_OV_PART_WHEN] = "when",
		[CH_OV_PART_MORE] = "more",
	};

	return names[part];
}

static void end_line(struct ch_str *out)
{
	if (out->len)
		ch_str_add_char(out, '\n');
}

/* The cell on a line of its own, where it is not empty; `named`: behind what it
 * is called. */
static void add_row_line(const struct ch_overview *o,
			 const struct ch_overview_row *row,
			 enum ch_overview_column column, bool named,
			 struct ch_str *out)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(CELL_MAX);

	ch_overview_text(o, row, column, &text);
	if (!text.len)
		return;
	end_line(out);
	if (named) {
		add_word(o, ch_overview_name(column), out);
		add_colon(o, out);
	}
	add_isolated(o, ch_str_cstr(&text), out);
}

static void add_cell(const struct ch_overview *o,
		     const struct ch_overview_row *row,
		     enum ch_overview_column column, struct ch_str *out)
{
	add_row_line(o, row, column, false, out);
}

static void add_named(const struct ch_overview *o,
		      const struct ch_overview_row *row,
		      enum ch_overview_column column, struct ch_str *out)
{
	add_row_line(o, row, column, true, out);
}

static void add_who(const struct ch_overview *o,
		    const struct ch_overview_row *row, struct ch_str *out)
{
	CH_AUTO(ch_str) code = CH_STR_INIT(CELL_MAX);

	add_cell(o, row, CH_OV_NAME, out);
	if (strcmp(row->cells[CH_OV_ADDRESSEE], row->cells[CH_OV_NAME]) != 0 &&
	    strcmp(row->cells[CH_OV_ADDRESSEE], row->cells[CH_OV_KEY]) != 0)
		add_cell(o, row, CH_OV_ADDRESSEE, out);
	ch_overview_text(o, row, CH_OV_KEY, &code);
	if (row->cells[CH_OV_LANGUAGE][0])
		ch_str_add(&code, ", ");
	ch_overview_text(o, row, CH_OV_LANGUAGE, &code);
	end_line(out);
	add_isolated(o, ch_str_cstr(&code), out);
	add_named(o, row, CH_OV_CAPACITIES, out);
}

static void add_each(const struct ch_overview *o,
		     const struct ch_overview_row *row,
		     const enum ch_overview_column *columns, size_t len,
		     struct ch_str *out)
{
	for (size_t i = 0; i < len; i++)
		add_named(o, row, columns[i], out);
}

void ch_overview_part(const struct ch_overview *o,
		      const struct ch_overview_row *row,
		      enum ch_overview_part part, struct ch_str *out)
{
	static const enum ch_overview_column when[] = {
		CH_OV_SENT_AT, CH_OV_DELIVERED_AT, CH_OV_READ_AT,
		CH_OV_ANSWERED_AT, CH_OV_RETURNED_AT,
	};
	static const enum ch_overview_column more[] = {
		CH_OV_ANSWERED_BY, CH_OV_SAYS, CH_OV_ATTACHMENTS,
		CH_OV_ANSWER_ID, CH_OV_RETURNED_REASON,
		CH_OV_RETURNED_STATUS, CH_OV_RETURNED_ADDRESS,
		CH_OV_FOLLOWED_BY, CH_OV_SMTP_REPLY,
	};

	switch (part) {
	case CH_OV_PART_WHO:
		add_who(o, row, out);
		break;
	case CH_OV_PART_TO:
		add_cell(o, row, CH_OV_TO, out);
		add_named(o, row, CH_OV_CC, out);
		add_named(o, row, CH_OV_READDRESSED_TO, out);
		break;
	case CH_OV_PART_OUTCOME:
		add_cell(o, row, CH_OV_OUTCOME, out);
		if (row->cells[CH_OV_OVERDUE][0]) {
			end_line(out);
			add_word(o, "overdue", out);
		}
		add_named(o, row, CH_OV_AWAY_UNTIL, out);
		break;
	case CH_OV_PART_WHEN:
		add_each(o, row, when, CH_COUNT(when), out);
		break;
	case CH_OV_PART_MORE:
		add_each(o, row, more, CH_COUNT(more), out);
		break;
	case CH_OV_PARTS:
		break;
	}
}
