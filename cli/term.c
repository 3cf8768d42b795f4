// SPDX-License-Identifier: GPL-3.0-or-later
/* term.c - look at a terminal, and write nothing on it that could hurt. */
#include "cli/term.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/utf8.h"

#define LINE_MAX_BYTES (256 * 1024)
#define DEFAULT_COLUMNS 80

/* ---- looking ---------------------------------------------------------- */

static unsigned int find_columns(const struct ch_term *term)
{
	const char *text = getenv("COLUMNS");
	unsigned long columns = text ? strtoul(text, NULL, 10) : 0;
	struct winsize size;

	if (columns >= 20 && columns <= 1000)
		return (unsigned int)columns;
	if (!term->tty)
		return 0;
	if (ioctl(fileno(term->file), TIOCGWINSZ, &size) == 0 &&
	    size.ws_col >= 20)
		return size.ws_col;
	return DEFAULT_COLUMNS;
}

void ch_term_init(struct ch_term *term, FILE *file, enum ch_color color)
{
	const char *name = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");

	term->file = file;
	term->tty = isatty(fileno(file)) == 1;
	term->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	term->redraw = term->tty && name && name[0] &&
		       strcmp(name, "dumb") != 0;
	term->columns = find_columns(term);
	term->color = color == CH_COLOR_ALWAYS ||
		      (color == CH_COLOR_AUTO && term->redraw &&
		       !(no_color && no_color[0]));
}

/* ---- text ------------------------------------------------------------- */

/* What ASCII has for the typography of our own and of common texts. */
static const char *ascii_of(uint32_t cp)
{
	switch (cp) {
	case 0xA0:
	case 0x202F:
		return " ";
	case 0x2018:
	case 0x2019:
		return "'";
	case 0x201C:
	case 0x201D:
		return "\"";
	case 0x2010:
	case 0x2011:
	case 0x2013:
	case 0x2014:
		return "-";
	case 0x2026:
		return "...";
	default:
		return NULL;
	}
}

void ch_term_escaped(const struct ch_term *term, struct ch_str *out,
		     const char *text)
{
	size_t len = strlen(text);

	if (term->utf8) {
		ch_str_add_mem(out, text, len);
		return;
	}
	for (size_t at = 0; at < len;) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text + at, len - at, &cp);
		const char *ascii = n ? ascii_of(cp) : "?";

		if (n == 1)
			ch_str_add_char(out, text[at]);
		else if (ascii)
			ch_str_add(out, ascii);
		else
			ch_str_addf(out, "\\u{%04X}", cp);
		at += n ? n : 1;
	}
}

void ch_term_text_mem(const struct ch_term *term, struct ch_str *out,
		      const char *text, size_t len)
{
	CH_AUTO(ch_str) safe = CH_STR_INIT(LINE_MAX_BYTES);

	ch_escape_line(&safe, text, len);
	ch_term_escaped(term, out, ch_str_cstr(&safe));
}

void ch_term_text(const struct ch_term *term, struct ch_str *out,
		  const char *text)
{
	ch_term_text_mem(term, out, text, strlen(text));
}

void ch_term_line(const struct ch_term *term, const char *format, ...)
{
	CH_AUTO(ch_str) raw = CH_STR_INIT(LINE_MAX_BYTES);
	CH_AUTO(ch_str) line = CH_STR_INIT(4 * LINE_MAX_BYTES);
	va_list args;

	va_start(args, format);
	ch_str_vaddf(&raw, format, args);
	va_end(args);
	ch_term_text(term, &line, ch_str_cstr(&raw));
	fprintf(term->file, "%s\n", ch_str_cstr(&line));
}

/* How much of `text` goes into so many columns: up to a space where there is
 * one, else as many characters as there is room for, and one at least. */
static size_t fitting(const char *text, size_t columns)
{
	size_t len = strlen(text);
	size_t at = 0, end = 0, width = 0;

	while (at < len) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text + at, len - at, &cp);

		width += (size_t)(n ? ch_utf8_width(cp) : 1);
		if (width > columns && at > 0)
			return end > 0 ? end : at;
		at += n ? n : 1;
		if (text[at] == ' ' && text[at - 1] != ' ')
			end = at;
	}
	return len;
}

void ch_term_fold(const struct ch_term *term, unsigned int begun,
		  unsigned int indent, const char *format, ...)
{
	CH_AUTO(ch_str) raw = CH_STR_INIT(LINE_MAX_BYTES);
	CH_AUTO(ch_str) line = CH_STR_INIT(4 * LINE_MAX_BYTES);
	const char *rest;
	va_list args;

	va_start(args, format);
	ch_str_vaddf(&raw, format, args);
	va_end(args);
	ch_term_text(term, &line, ch_str_cstr(&raw));
	rest = ch_str_cstr(&line);
	while (term->columns > begun + 10) {
		size_t len = fitting(rest, term->columns - begun);

		if (!rest[len])
			break;
		fprintf(term->file, "%.*s\n%*s", (int)len, rest, (int)indent,
			"");
		rest += len + strspn(rest + len, " ");
		begun = indent;
	}
	fprintf(term->file, "%s\n", rest);
}

/* A line without its isolates. They order what stands on one line, and the
 * terminal's own rules do well enough; escaped they would be all one sees. */
static void drop_isolates(const char *text, size_t len, struct ch_str *out)
{
	for (size_t at = 0; at < len;) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text + at, len - at, &cp);

		if (n == 0 || cp < 0x2066 || cp > 0x2069)
			ch_str_add_mem(out, text + at, n ? n : 1);
		at += n ? n : 1;
	}
}

void ch_term_block(const struct ch_term *term, const char *text, size_t len)
{
	CH_AUTO(ch_str) raw = CH_STR_INIT(LINE_MAX_BYTES);
	CH_AUTO(ch_str) line = CH_STR_INIT(4 * LINE_MAX_BYTES);
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		size_t bytes = (size_t)(stop - text);

		if (bytes > 0 && text[bytes - 1] == '\r')
			bytes--;
		ch_str_clear(&raw);
		ch_str_clear(&line);
		drop_isolates(text, bytes, &raw);
		ch_term_text_mem(term, &line, ch_str_cstr(&raw), raw.len);
		fprintf(term->file, "%s\n", ch_str_cstr(&line));
		text = newline ? newline + 1 : end;
	}
}

/* ---- signs and styles ------------------------------------------------- */

const char *ch_term_style(const struct ch_term *term, enum ch_style style)
{
	static const char *const sequences[] = {
		[CH_STYLE_PLAIN] = "\033[0m",
		[CH_STYLE_BOLD] = "\033[1m",
		[CH_STYLE_DIM] = "\033[2m",
		[CH_STYLE_GREEN] = "\033[32m",
		[CH_STYLE_CYAN] = "\033[36m",
		[CH_STYLE_YELLOW] = "\033[33m",
		[CH_STYLE_MAGENTA] = "\033[35m",
		[CH_STYLE_RED] = "\033[31m",
	};

	return term->color ? sequences[style] : "";
}

static const struct {
	const char *utf8;
	const char *ascii;
	enum ch_style style;
} signs[] = {
	[CH_SIGN_ANSWERED] = { "\xE2\x9C\x93", "+", CH_STYLE_GREEN },
	[CH_SIGN_SENT] = { "\xE2\x80\xA2", "*", CH_STYLE_CYAN },
	[CH_SIGN_WAITING] = { "\xE2\x80\xA6", ".", CH_STYLE_YELLOW },
	[CH_SIGN_IN_DOUBT] = { "?", "?", CH_STYLE_MAGENTA },
	[CH_SIGN_RETURNED] = { "\xE2\x9C\x97", "x", CH_STYLE_RED },
	[CH_SIGN_CANCELLED] = { "-", "-", CH_STYLE_DIM },
};

const char *ch_term_sign(const struct ch_term *term, enum ch_sign sign)
{
	return term->utf8 ? signs[sign].utf8 : signs[sign].ascii;
}

enum ch_style ch_term_sign_style(enum ch_sign sign)
{
	return signs[sign].style;
}

const char *ch_term_size(unsigned long long bytes, char out[CH_TERM_SIZE])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(out, CH_TERM_SIZE, "%llu B", bytes);
		return out;
	}
	while (size >= 1023.95 && unit + 1 < CH_COUNT(units)) {
		size /= 1024;
		unit++;
	}
	snprintf(out, CH_TERM_SIZE, "%.1f %s", size, units[unit]);
	return out;
}
