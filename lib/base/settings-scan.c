// SPDX-License-Identifier: GPL-3.0-or-later
/* settings-scan.c - a look at the raw text before libconfig reads it. */
#include "base/settings-private.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct scan {
	const char *text;
	size_t len;
	size_t at;
	unsigned int line;
	const char *shown;
	struct ch_problems *problems;
	int result;
};

static void complain(struct scan *s, unsigned int line, const char *hint,
		     const char *what, const char *detail)
{
	struct ch_place place = { .file = s->shown, .line = line };

	ch_problems_add(s->problems, CH_PROBLEM_ERROR, place, hint, "%s%s",
			detail, what);
	s->result = -1;
}

static char peek(const struct scan *s, size_t ahead)
{
	return s->at + ahead < s->len ? s->text[s->at + ahead] : '\0';
}

static void step(struct scan *s)
{
	if (s->text[s->at] == '\n')
		s->line++;
	s->at++;
}

static void skip_string(struct scan *s)
{
	unsigned int start = s->line;

	step(s);
	while (s->at < s->len && s->text[s->at] != '"') {
		if (s->text[s->at] == '\\' && s->at + 1 < s->len)
			step(s);
		step(s);
	}
	if (s->at >= s->len)
		complain(s, start, "close it with \"", "unterminated string",
			 "");
	else
		step(s);
}

static void skip_line(struct scan *s)
{
	while (s->at < s->len && s->text[s->at] != '\n')
		step(s);
}

static void skip_block(struct scan *s)
{
	unsigned int start = s->line;

	step(s);
	step(s);
	while (s->at < s->len && !(peek(s, 0) == '*' && peek(s, 1) == '/'))
		step(s);
	if (s->at >= s->len) {
		complain(s, start, "close it with */", "unterminated comment",
			 "");
		return;
	}
	step(s);
	step(s);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' ||
	       c == '.' || c == '*';
}

/* Keys are called by a path here and in the manual, and must not be written as
 * one. */
static void check_name(struct scan *s, const char *name, size_t len)
{
	const char *dot = memchr(name, '.', len);
	CH_AUTOCHAR hint = NULL;
	CH_AUTOCHAR shown = NULL;

	if (!dot || !isalpha((unsigned char)*name))
		return;
	hint = ch_xasprintf("a group stands in braces: %.*s: { %.*s = …; };",
			    (int)(dot - name), name,
			    (int)(len - (size_t)(dot - name) - 1), dot + 1);
	shown = ch_xasprintf("\"%.*s\"", (int)len, name);
	complain(s, s->line, hint, " is no name: it has a dot", shown);
}

/* A word that is a decimal integer must fit; hexadecimal and "L" are taken as
 * they are written. */
static void skip_word(struct scan *s)
{
	const char *start = s->text + s->at;
	size_t len = 0;
	char number[64];
	char *end;
	long long value;

	while (is_word(peek(s, 0))) {
		len++;
		step(s);
	}
	if (len < sizeof(number))
		check_name(s, start, len);
	if (len >= sizeof(number) || !(isdigit((unsigned char)*start) ||
				       *start == '-'))
		return;
	memcpy(number, start, len);
	number[len] = '\0';
	errno = 0;
	value = strtoll(number, &end, 10);
	if (end == number || *end != '\0')
		return;
	if (errno || value > INT_MAX || value < INT_MIN)
		complain(s, s->line, "put an L behind it, or use a quoted size "
				     "or duration",
			 " does not fit 32 bits", number);
}

int ch_settings_scan(const char *text, size_t len, const char *shown,
		     bool no_include, struct ch_problems *problems)
{
	struct scan s = { text, len, 0, 1, shown, problems, 0 };

	if (memchr(text, '\0', len)) {
		complain(&s, 0, NULL, "holds a NUL byte", "");
		return -1;
	}
	while (s.at < s.len) {
		char c = peek(&s, 0);

		if (c == '"')
			skip_string(&s);
		else if (c == '#' || (c == '/' && peek(&s, 1) == '/'))
			skip_line(&s);
		else if (c == '/' && peek(&s, 1) == '*')
			skip_block(&s);
		else if (c == '@' && no_include) {
			complain(&s, s.line, NULL,
				 "@include is not allowed here", "");
			skip_line(&s);
		} else if (is_word(c))
			skip_word(&s);
		else
			step(&s);
	}
	return s.result;
}
