// SPDX-License-Identifier: GPL-3.0-or-later
/* overview-html.c - one file to read in a browser, or to print from it: no
 * script, and nothing that is fetched from anywhere. */
#include <string.h>

#include "base/escape.h"
#include "cli/cli.h"
#include "cli/overview.h"
#include "cli/words.h"

#define ROW_MAX (16 * 1024 * 1024)

/* What a browser would have to obey, were anything to slip through. */
#define POLICY "default-src 'none'; style-src 'unsafe-inline'"

static const char style[] =
	":root{color-scheme:light}\n"
	"body{font:15px/1.45 \"Noto Sans\",\"Noto Sans Arabic\","
	"\"Noto Sans CJK SC\",system-ui,sans-serif;color:#111;"
	"background:#fff;margin:1.5rem}\n"
	"h1{font-size:1.45em;margin:0 0 .6em}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;"
	"gap:.1em 1.2em;margin:0 0 1em}\n"
	"dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}\n"
	"table{border-collapse:collapse;margin:0 0 1.2em}\n"
	"caption{text-align:start;font-weight:600;padding:.3em 0}\n"
	"th,td{border:1px solid #999;padding:.25em .5em;text-align:start;"
	"vertical-align:top;overflow-wrap:anywhere}\n"
	"thead th{background:#eee}\n"
	"td.n{text-align:end;font-variant-numeric:tabular-nums}\n"
	".letters{width:100%;table-layout:fixed}"
	".letters th,.letters td{font-size:.9em}\n"
	".letters thead th{position:sticky;top:0}\n"
	"tbody th{font-weight:400}tbody th div:first-child{font-weight:600}\n"
	"td.o div:first-child{font-weight:600}\n"
	"@page{size:A4 landscape;margin:12mm}\n"
	"@media print{body{margin:0;font-size:9pt}thead{display:"
	"table-header-group}tr{break-inside:avoid}"
	".letters thead th{position:static}"
	"thead th{print-color-adjust:exact}}\n";

static void put(FILE *out, const struct ch_str *text)
{
	fwrite(ch_str_cstr(text), 1, text->len, out);
}

static void add_text(struct ch_str *out, const char *text, size_t len)
{
	ch_escape_html(out, text, len);
}

static void add_word(const struct ch_overview *o, const char *name,
		     struct ch_str *out)
{
	struct ch_slice word = ch_words_get(o->words, name);

	add_text(out, word.data, word.len);
}

/* ---- above the table -------------------------------------------------- */

static void add_head(const struct ch_overview *o, struct ch_str *out)
{
	struct ch_slice name;

	ch_str_add(out, "<dl>\n");
	for (size_t i = 0;; i++) {
		CH_AUTO(ch_str) value = CH_STR_INIT(ROW_MAX);

		if (!ch_overview_head(o, i, &name, &value))
			break;
		ch_str_add(out, "<dt>");
		add_text(out, name.data, name.len);
		ch_str_add(out, "</dt><dd><bdi>");
		add_text(out, ch_str_cstr(&value), value.len);
		ch_str_add(out, "</bdi></dd>\n");
	}
	ch_str_add(out, "</dl>\n");
}

static void add_count(const struct ch_overview *o, const char *name,
		      const char *value, struct ch_str *out)
{
	ch_str_add(out, "<tr><th scope=\"row\">");
	add_word(o, name, out);
	ch_str_add(out, "</th><td class=\"n\"><bdi>");
	ch_str_add(out, value);
	ch_str_add(out, "</bdi></td></tr>\n");
}

static void add_counts(const struct ch_overview *o, struct ch_str *out)
{
	CH_AUTO(ch_str) share = CH_STR_INIT(100);
	char number[24];

	ch_str_add(out, "<table class=\"counts\">\n<caption>");
	add_word(o, "sheet_summary", out);
	ch_str_add(out, "</caption>\n<tbody>\n");
	for (size_t i = 0; i < CH_OV_COUNTS; i++) {
		snprintf(number, sizeof(number), "%llu",
			 (unsigned long long)o->counts[i]);
		add_count(o,
			  ch_overview_count_name((enum ch_overview_count)i),
			  number, out);
	}
	ch_overview_share(o, &share);
	if (share.len)
		add_count(o, "share", ch_str_cstr(&share), out);
	ch_str_add(out, "</tbody>\n</table>\n");
}

/* However long the name of somebody is, the others keep their room. */
static void add_widths(struct ch_str *out)
{
	static const int percent[CH_OV_PARTS] = {
		[CH_OV_PART_WHO] = 24,	   [CH_OV_PART_TO] = 21,
		[CH_OV_PART_OUTCOME] = 13, [CH_OV_PART_WHEN] = 17,
		[CH_OV_PART_MORE] = 25,
	};

	ch_str_add(out, "<colgroup>");
	for (size_t i = 0; i < CH_OV_PARTS; i++)
		ch_str_addf(out, "<col style=\"width:%d%%\">", percent[i]);
	ch_str_add(out, "</colgroup>\n");
}

static void put_begin(const struct ch_overview *o, FILE *file)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(ROW_MAX);
	CH_AUTO(ch_str) title = CH_STR_INIT(ROW_MAX);

	ch_overview_title(o, &title);
	ch_str_addf(&out,
		    "<!DOCTYPE html>\n<html lang=\"%s\" dir=\"%s\">\n<head>\n"
		    "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
		    "content=\"width=device-width\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" "
		    "content=\"" POLICY "\">\n<meta name=\"referrer\" "
		    "content=\"no-referrer\">\n<title>",
		    o->language,
		    strcmp(o->language, "ar") == 0 ? "rtl" : "ltr");
	add_text(&out, ch_str_cstr(&title), title.len);
	ch_str_addf(&out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n"
			  "<h1>", style);
	add_text(&out, ch_str_cstr(&title), title.len);
	ch_str_add(&out, "</h1>\n");
	add_head(o, &out);
	add_counts(o, &out);
	ch_str_add(&out, "<table class=\"letters\">\n<caption>");
	add_word(o, "sheet_letters", &out);
	ch_str_add(&out, " \xE2\x80\x93 ");
	add_word(o, "all_utc", &out);
	ch_str_add(&out, "</caption>\n");
	add_widths(&out);
	ch_str_add(&out, "<thead>\n<tr>");
	for (size_t i = 0; i < CH_OV_PARTS; i++) {
		ch_str_add(&out, "<th scope=\"col\">");
		add_word(o, ch_overview_part_name((enum ch_overview_part)i),
			 &out);
		ch_str_add(&out, "</th>");
	}
	ch_str_add(&out, "</tr>\n</thead>\n<tbody>\n");
	put(file, &out);
}

/* ---- rows ------------------------------------------------------------- */

/* Each line a block: it stands in its own direction. */
static void add_lines(struct ch_str *out, const struct ch_str *lines)
{
	const char *at = ch_str_cstr(lines);

	while (*at) {
		size_t len = strcspn(at, "\n");

		ch_str_add(out, "<div>");
		add_text(out, at, len);
		ch_str_add(out, "</div>");
		at += len + (at[len] == '\n');
	}
}

static void put_row(const struct ch_overview *o,
		    const struct ch_overview_row *row, FILE *file)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(ROW_MAX);

	ch_str_add(&out, "<tr>");
	for (size_t i = 0; i < CH_OV_PARTS; i++) {
		CH_AUTO(ch_str) lines = CH_STR_INIT(ROW_MAX);

		ch_overview_part(o, row, (enum ch_overview_part)i, &lines);
		ch_str_add(&out, i == CH_OV_PART_WHO ? "<th scope=\"row\">"
				 : i == CH_OV_PART_OUTCOME
					 ? "<td class=\"o\">"
					 : "<td>");
		add_lines(&out, &lines);
		ch_str_add(&out, i == CH_OV_PART_WHO ? "</th>" : "</td>");
	}
	ch_str_add(&out, "</tr>\n");
	put(file, &out);
}

static void put_end(const struct ch_overview *o, FILE *file)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(ROW_MAX);

	if (o->rows == 0) {
		ch_str_addf(&out, "<tr><td colspan=\"%d\">", CH_OV_PARTS);
		add_word(o, "no_letter", &out);
		ch_str_add(&out, "</td></tr>\n");
	}
	ch_str_add(&out, "</tbody>\n</table>\n</body>\n</html>\n");
	put(file, &out);
}

int ch_overview_html(struct ch_overview *o, FILE *out)
{
	struct ch_overview_row row;
	int got;

	put_begin(o, out);
	while ((got = ch_overview_next(o, &row)) > 0) {
		put_row(o, &row, out);
		ch_overview_row_release(&row);
	}
	put_end(o, out);
	return got < 0 ? ch_overview_fail(o) : EX_OK;
}
