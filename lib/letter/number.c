// SPDX-License-Identifier: GPL-3.0-or-later
/* number.c - grouped digits and ordinals.
 *
 * Tables of our own, as for dates: a letter must read the same whatever version
 * of a library is installed. French separates by a narrow no-break space (its
 * typographic rule), Spanish and Russian by a no-break space and only from five
 * digits on (the academy's Ortografía; GOST 8.417). Chinese takes the comma, of
 * the two ways that GB/T 15835 has, and Arabic with Western digits too: a space
 * would let its groups change places from right to left.
 */
#include "letter/number.h"

#include <string.h>

#include "base/mem.h"

#define DIGITS_MAX 30
#define NBSP "\xC2\xA0"
#define NNBSP "\xE2\x80\xAF"
#define MINUS "\xE2\x88\x92"

struct language {
	const char *code;
	const char *group;
	const char *point;
	size_t least; /* digits from which groups are made */
	const char *ordinals[3]; /* by gender, behind the number */
};

static const struct language languages[] = {
	{ "en", ",", ".", 4, { NULL } },
	{ "fr", NNBSP, ",", 4, { "e", "e", "e" } },
	{ "es", NBSP, ",", 5, { ".º", ".ª", ".º" } },
	{ "ru", NBSP, ",", 5, { "-й", "-я", "-е" } },
	{ "zh", ",", ".", 4, { "", "", "" } },
	{ "ar", ",", ".", 4, { "", "", "" } },
};

static const struct language *find_language(const char *code,
					    struct ch_error *err)
{
	for (size_t i = 0; i < CH_COUNT(languages); i++) {
		if (strcmp(languages[i].code, code) == 0)
			return &languages[i];
	}
	ch_error_set(err, CH_GIVE_UP, "no rules for numbers in \"%s\"", code);
	return NULL;
}

static size_t count_digits(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

/* number := ["-"] 1*30DIGIT ["." 1*30DIGIT] */
int ch_number_read(struct ch_slice text, struct ch_number *ret,
		   struct ch_error *err)
{
	struct ch_number n = { .negative = text.len > 0 &&
					   text.data[0] == '-' };
	const char *at = text.data + n.negative;
	size_t left = text.len - n.negative;

	n.whole = (struct ch_slice){ at, count_digits(at, left) };
	n.fraction = (struct ch_slice){ at, 0 };
	at += n.whole.len;
	left -= n.whole.len;
	if (n.whole.len > 0 && left > 1 && *at == '.') {
		n.fraction = (struct ch_slice){ at + 1,
						count_digits(at + 1,
							     left - 1) };
		left -= n.fraction.len + 1;
	}
	if (n.whole.len == 0 || left > 0 || n.whole.len > DIGITS_MAX ||
	    n.fraction.len > DIGITS_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%.*s\" is no number such as 1250 or "
				    "0.5",
				    text.len < 60 ? (int)text.len : 60,
				    text.data);
	*ret = n;
	return 0;
}

int ch_number_grouped(struct ch_slice text, const char *language,
		      struct ch_str *out, struct ch_error *err)
{
	const struct language *rules = find_language(language, err);
	struct ch_number n;

	if (!rules || ch_number_read(text, &n, err) < 0)
		return -1;
	if (n.negative)
		ch_str_add(out, MINUS);
	for (size_t i = 0; i < n.whole.len; i++) {
		if (i > 0 && (n.whole.len - i) % 3 == 0 &&
		    n.whole.len >= rules->least)
			ch_str_add(out, rules->group);
		ch_str_add_char(out, n.whole.data[i]);
	}
	if (n.fraction.len > 0) {
		ch_str_add(out, rules->point);
		ch_str_add_mem(out, n.fraction.data, n.fraction.len);
	}
	return 0;
}

static const char *english_suffix(unsigned int number)
{
	static const char *const suffixes[] = { "th", "st", "nd", "rd" };
	unsigned int last = number % 10;

	return last > 3 || number / 10 % 10 == 1 ? "th" : suffixes[last];
}

/* Of 11 to 19 both parts are in the gender of what is counted; neither these
 * nor the single words change their letters with the case. */
static const char *const arabic[2][20] = {
	{ "", "الأول", "الثاني", "الثالث", "الرابع", "الخامس", "السادس",
	  "السابع", "الثامن", "التاسع", "العاشر", "الحادي عشر", "الثاني عشر",
	  "الثالث عشر", "الرابع عشر", "الخامس عشر", "السادس عشر", "السابع عشر",
	  "الثامن عشر", "التاسع عشر" },
	{ "", "الأولى", "الثانية", "الثالثة", "الرابعة", "الخامسة", "السادسة",
	  "السابعة", "الثامنة", "التاسعة", "العاشرة", "الحادية عشرة",
	  "الثانية عشرة", "الثالثة عشرة", "الرابعة عشرة", "الخامسة عشرة",
	  "السادسة عشرة", "السابعة عشرة", "الثامنة عشرة", "التاسعة عشرة" },
};

static void write_ordinal(const struct language *rules, unsigned int number,
			  enum ch_gender gender, struct ch_str *out)
{
	const char *suffix = rules->ordinals[gender];

	if (strcmp(rules->code, "en") == 0)
		suffix = english_suffix(number);
	else if (strcmp(rules->code, "fr") == 0 && number == 1)
		suffix = gender == CH_FEMININE ? "re" : "er";
	if (strcmp(rules->code, "ar") == 0 && number < CH_COUNT(arabic[0]))
		ch_str_add(out, arabic[gender == CH_FEMININE][number]);
	else
		ch_str_addf(out, "%s%u%s",
			    strcmp(rules->code, "zh") == 0 ? "第" : "",
			    number, suffix);
}

int ch_number_ordinal(struct ch_slice text, enum ch_gender gender,
		      const char *language, struct ch_str *out,
		      struct ch_error *err)
{
	const struct language *rules = find_language(language, err);
	unsigned int number = 0;

	if (!rules)
		return -1;
	if (text.len <= 6 && count_digits(text.data, text.len) == text.len) {
		for (size_t i = 0; i < text.len; i++)
			number = number * 10 +
				 (unsigned int)(text.data[i] - '0');
	}
	if (number == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%.*s\" is no whole number such as 21",
				    text.len < 60 ? (int)text.len : 60,
				    text.data);
	write_ordinal(rules, number, gender, out);
	return 0;
}
