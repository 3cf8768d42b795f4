// SPDX-License-Identifier: GPL-3.0-or-later
/* reply-text.c - the new words of an answer.
 *
 * For the one line of a list, so it is read forwards and stops at the first
 * thing that introduces the old mail; an answer written below or between the
 * quoted lines is taken line by line.
 */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "returns/keys.h"
#include "returns/returns-private.h"

#define LINE_MAX_BYTES 400
#define FOLDED_MAX 5 /* lines of an attribution */

static bool has_time(const char *text);

/* ">>> Bureau <bureau@chancery.example> 24/11/2026 10:12 >>>", of GroupWise. */
static bool is_between_marks(const char *line)
{
	size_t len = strlen(line);

	return strncmp(line, ">>> ", 4) == 0 && len > 8 &&
	       strcmp(line + len - 4, " >>>") == 0 &&
	       (strchr(line, '@') || has_time(line));
}

/* Lines after which the rest is the old mail, in any case: one of these words
 * between dashes, or a rule of underscores. */
static bool begins_original(const char *line)
{
	static const char *const words[] = {
		"original message",
		"original appointment",
		"forwarded message",
		"message d'origine",
		"mail original",
		"courriel original",
		"message initial",
		"message original",
		"message transféré",
		"mensaje original",
		"mensaje reenviado",
		"исходное сообщение",
		"пересылаемое сообщение",
		"пересланное сообщение",
		"原始邮件",
		"原始郵件",
		"回复的原邮件",
		"回覆的原郵件",
		"转发的原邮件",
		"原邮件",
		"邮件原件",
		"转发邮件",
		"轉寄郵件",
		"الرسالة الأصلية",
		"رسالة معاد توجيهها",
		"ursprüngliche nachricht",
		"weitergeleitete nachricht",
		"messaggio originale",
		"messaggio inoltrato",
		"mensagem original",
		"mensagem encaminhada",
		"oorspronkelijk bericht",
		"oprindelig meddelelse",
		"元のメッセージ",
	};
	size_t dashes = strspn(line, "-* ");
	const char *text = line + dashes;

	if (ch_fold_prefix(line, "begin forwarded message") ||
	    is_between_marks(line) ||
	    strncmp(line, "________________________________", 32) == 0)
		return true;
	if (dashes < 3)
		return false;
	for (size_t i = 0; i < CH_COUNT(words); i++)
		if (ch_fold_prefix(text, words[i]))
			return true;
	return ch_fold_prefix(text, "on ") && ch_fold_contains(text, "wrote -");
}

/* Begins the block of fields that Outlook puts before the old mail. A second
 * such field must follow: see is_field_block(). */
static bool is_quoted_field(const char *line)
{
	static const char *const names[] = {
		"from:",       "sent:",
		"date:",       "to:",
		"subject:",    "cc:",
		"de :",	       "de:",
		"envoyé :",    "envoyé:",
		"date :",      "à :",
		"objet :",     "objet:",
		"enviado:",    "enviado el:",
		"para:",       "asunto:",
		"fecha:",      "от:",
		"от кого:",    "отправлено:",
		"кому:",       "дата:",
		"тема:",       "发件人:",
		"发件人：",    "发送时间:",
		"发送时间：",  "收件人:",
		"收件人：",    "主题:",
		"主题：",      "日期:",
		"日期：",      "من:",
		"إلى:",	       "تاريخ الإرسال:",
		"الموضوع:",    "أُرسلت:",
		"da:",	       "inviato:",
		"data:",       "a:",
		"oggetto:",    "risposta:",
		"från:",       "skickat:",
		"till:",       "ämne:",
		"fra:",	       "sendt:",
		"til:",	       "emne:",
		"enviada em:", "assunto:",
		"van:",	       "verzonden:",
		"aan:",	       "onderwerp:",
		"od:",	       "wysłano:",
		"do:",	       "temat:",
		"差出人:",     "送信日時:",
		"宛先:",       "件名:",
		"寄件者:",     "寄件日期:",
		"收件者:",     "主旨:",
		"von:",	       "gesendet:",
		"an:",	       "betreff:",
	};

	line += strspn(line, "*");
	for (size_t i = 0; i < CH_COUNT(names); i++)
		if (ch_fold_prefix(line, names[i]))
			return true;
	return false;
}

/* "On … wrote:" and its sisters: how it begins, and what stands near its end.
 */
static const struct attribution {
	const char *begins; /* "" = any */
	const char *has;
} attributions[] = {
	{ "on ", "wrote:" },	 { "at ", "wrote:" },	{ "", "writes:" },
	{ "", "wrote:" },	 { "le ", "a écrit" },	{ "le ", "a ecrit" },
	{ "", "a écrit :" },	 { "", "a écrit:" },	{ "el ", "escribió" },
	{ "", "escribió:" },	 { "", "escribió :" },	{ "", "пишет:" },
	{ "", "написал:" },	 { "", "написал(а):" }, { "", "написала:" },
	{ "", "пишет :" },	 { "", "写道：" },	{ "", "写道:" },
	{ "", "寫道：" },	 { "", "كتب:" },	{ "في ", "كتب" },
	{ "", "كتبت:" },	 { "am ", "schrieb" },	{ "", "schrieb:" },
	{ "il ", "ha scritto" }, { "", "escreveu:" },	{ "den ", "skrev" },
	{ "", "skrev:" },	 { "op ", "schreef" },	{ "", "schreef:" },
	{ "dnia ", "pisze" },	 { "", "napisał:" },	{ "", "napisał(a):" },
	{ "dne ", "napsal" },	 { "", "kirjoitti:" },	{ "", "ezt írta:" },
	{ "", "a scris:" },	 { "", "yazdı:" },	{ "", "пише:" },
	{ "", "έγραψε:" },	 { "", "のメール:" },	{ "", "님이 작성:" },
	{ "", "menulis:" },	 { "", "đã viết:" },
};

static size_t line_len(const char *text)
{
	return strcspn(text, "\n");
}

/* The digits of Arabic (U+0660) and Persian (U+06F0) as ours. */
static void level_digits(char *text)
{
	const unsigned char *from = (const unsigned char *)text;
	char *to = text;

	while (*from) {
		unsigned char base = from[0] == 0xD9 ? 0xA0 :
				     from[0] == 0xDB ? 0xB0 : 0;

		if (base && from[1] >= base && from[1] < base + 10) {
			*to++ = (char)('0' + from[1] - base);
			from += 2;
		} else {
			*to++ = (char)*from++;
		}
	}
	*to = '\0';
}

/* A year, or hours and minutes. */
static bool has_time(const char *text)
{
	CH_AUTOCHAR level = ch_xstrdup(text);

	level_digits(level);
	for (const char *at = level; *at; at++) {
		size_t digits = strspn(at, "0123456789");

		if (digits == 4 &&
		    (strncmp(at, "19", 2) == 0 || strncmp(at, "20", 2) == 0))
			return true;
		if ((digits == 1 || digits == 2) && at[digits] == ':' &&
		    isdigit((unsigned char)at[digits + 1]) &&
		    isdigit((unsigned char)at[digits + 2]))
			return true;
		at += digits ? digits - 1 : 0;
	}
	return false;
}

/* In any language: a time, an address, and nothing but these and a few words.
 */
static bool is_time_and_address(const char *text, const char *first)
{
	size_t len = line_len(first);

	/* Folded: the first of the lines must have one of them. */
	if (len < strlen(text) && !memchr(first, '@', len)) {
		CH_AUTOCHAR line = ch_xstrndup(first, len);

		if (!has_time(line))
			return false;
	}
	return strlen(text) < 300 && strchr(text, '@') && has_time(text);
}

/* Where it is folded over several lines, the first must show it: the line
 * before it is the person's own. */
static bool is_attribution(const char *text, int lines)
{
	for (size_t i = 0; i < CH_COUNT(attributions); i++) {
		const struct attribution *form = &attributions[i];

		if (form->begins[0] ? !ch_fold_prefix(text, form->begins)
				    : lines > 1)
			continue;
		if (ch_fold_contains(text, form->has))
			return true;
	}
	return false;
}

/* An address in <> that was torn apart: "<" and ">" stand alone, before the
 * first an empty line perhaps. */
static bool is_folded_address(const char *before, const char *text)
{
	int open = 0;

	for (; *before; before++)
		open += (*before == '<') - (*before == '>');
	return text[0] == '>' ? open > 0
			      : open == 0 && strncmp(text, "\n<\n", 3) == 0;
}

/* The line, and for attributions those after it, as a string of their own. */
static void copy_lines(struct ch_str *out, const char *text, int lines)
{
	ch_str_clear(out);
	while (lines-- && *text) {
		size_t len = line_len(text);

		if (out->len && (!len || text[0] == '>') &&
		    !is_folded_address(ch_str_cstr(out), text))
			return;
		if (out->len)
			ch_str_add_char(out, ' ');
		ch_str_add_mem(out, text, len);
		text += len;
		text += *text == '\n';
	}
}

static bool ends_with_colon(const struct ch_str *line)
{
	const char *text = ch_str_cstr(line);
	size_t len = line->len;

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return (len >= 1 && text[len - 1] == ':') ||
	       (len >= 3 && memcmp(text + len - 3, "：", 3) == 0);
}

/* The first line behind these that is not empty is quoted. */
static bool is_before_quote(const char *text)
{
	text += line_len(text);
	text += strspn(text, "\r\n \t");
	return *text == '>' || *text == '|';
}

/* "2016-03-03 17:21 GMT+01:00 Ana Lima", with or without a colon: no sentence. */
static bool is_stamped(const char *line)
{
	size_t date = strspn(line, "0123456789-");

	return date == 10 && line[date] == ' ' &&
	       strspn(line + date + 1, "0123456789:") == 5 &&
	       (strncmp(line + 16, " GMT", 4) == 0 ||
		strncmp(line + 16, " UTC", 4) == 0);
}

/* An attribution is one line, or a few joined; it ends in a colon, or right
 * before what it introduces. */
static bool attribution_here(const char *text, struct ch_str *scratch,
			     int *ret_lines)
{
	for (int lines = 1; lines <= FOLDED_MAX; lines++) {
		const char *joined;

		copy_lines(scratch, text, lines);
		joined = ch_str_cstr(scratch);
		if (lines > 3 && !strstr(joined, " < "))
			break;

		if (ends_with_colon(scratch) &&
		    (is_attribution(joined, lines) ||
		     is_time_and_address(joined, text))) {
			*ret_lines = lines;
			return true;
		}
	}
	copy_lines(scratch, text, 1);
	*ret_lines = 1;
	if (is_stamped(ch_str_cstr(scratch)))
		return true;
	return isdigit((unsigned char)*text) &&
	       has_time(ch_str_cstr(scratch)) && is_before_quote(text);
}

/* ">", or the initials of who is quoted before it: "Ana> ", "AL> ". */
static bool is_quoted_line(const char *text)
{
	size_t initials = 0;

	while (initials < 12 && isalpha((unsigned char)text[initials]))
		initials++;
	return text[initials] == '>' &&
	       (!initials || strchr(" >\n", text[initials + 1]));
}

static bool is_quote_ahead(const char *text)
{
	text += strspn(text, "\r\n \t");
	return *text == '|' || is_quoted_line(text);
}

/* A line that shows when it was written, or from which address. */
static bool is_dated(const struct ch_str *joined)
{
	const char *line = ch_str_cstr(joined);

	return strchr(line, '@') || has_time(line);
}

/* Bars stand for ">" where an attribution is right before them; elsewhere they
 * may be a table. */
static const char *skip_barred(const char *text)
{
	const char *at = text + strspn(text, "\r\n \t");

	if (*at != '|')
		return text;
	while (*at == '|') {
		at += line_len(at);
		at += *at == '\n';
	}
	return at;
}

/* Three such fields in a row are no sentence. */
static bool is_field_block(const char *text)
{
	CH_AUTO(ch_str) line = CH_STR_INIT(LINE_MAX_BYTES);
	int found = 0;

	for (int lines = 0; lines < 4 && *text; lines++) {
		copy_lines(&line, text, 1);
		found += is_quoted_field(ch_str_cstr(&line));
		text += line_len(text);
		text += *text == '\n';
	}
	return found >= 3;
}

static const char *next_line(const char *text, int lines)
{
	while (lines-- && *text) {
		text += line_len(text);
		text += *text == '\n';
	}
	return text;
}

/* "-- " opens the signature (RFC 3676 section 4.3). */
static bool is_signature(const char *text)
{
	return memcmp(text, "--", 2) == 0 &&
	       (text[2] == '\n' || text[2] == '\0' ||
		(text[2] == ' ' && (text[3] == '\n' || text[3] == '\0')));
}

/* What a telephone writes under every mail. */
static bool is_device(const char *text)
{
	static const char *const starts[] = {
		"sent from",
		"sent via",
		"sent with",
		"get outlook for",
		"envoyé de mon",
		"envoyé depuis",
		"envoyé à partir",
		"envoyé avec",
		"télécharger outlook",
		"enviado desde",
		"enviado de mi",
		"enviado do",
		"obtener outlook",
		"отправлено с",
		"отправлено из",
		"发自我的",
		"发送自",
		"来自我的",
		"從我的",
		"傳送自",
		"أرسلت من",
		"أُرسلت من",
		"مرسل من",
		"von meinem",
		"gesendet von",
		"diese nachricht wurde von meinem",
		"inviato da",
		"sendt fra min",
		"skickat från",
		"verzonden vanaf",
		"verzonden met",
		"verstuurd vanaf",
		"sent by galaxy",
		"sent by mobile",
		"from my iphone",
		"from my mobile",
		"get [outlook for",
		"envoyé par mon",
		"invia da",
		"lähetetty",
		"telefonumdan gönderildi",
		"나의 iphone에서 보냄",
		"wysłane z",
		"iphoneから送信",
	};

	text += strspn(text, " \t*(<[");
	for (size_t i = 0; i < CH_COUNT(starts); i++)
		if (line_len(text) < 90 && ch_fold_prefix(text, starts[i]))
			return true;
	return false;
}

/* Whole characters of the line as far as there is room. */
static bool add_line(struct ch_str *out, const char *text, size_t len)
{
	size_t room = out->max - out->len;
	bool all = len < room;

	if (out->len == 0 && len == 0)
		return true; /* no empty lines at the start */
	if (!all) {
		len = room;
		while (len && ((unsigned char)text[len] & 0xC0) == 0x80)
			len--;
	}
	ch_str_add_mem(out, text, len);
	if (all)
		ch_str_add_char(out, '\n');
	return all;
}

/* Empty lines at the end go, and one that is but a rule. */
static void trim_end(struct ch_str *out)
{
	size_t len = out->len;
	size_t rule;

	while (len && isspace((unsigned char)out->data[len - 1]))
		len--;
	for (rule = len; rule && strchr("-_=*", out->data[rule - 1]);)
		rule--;
	if (len - rule >= 5) {
		while (rule && out->data[rule - 1] == ' ')
			rule--;
		if (rule && out->data[rule - 1] != '\n')
			rule = len;
	}
	if (len - rule >= 5)
		for (len = rule;
		     len && isspace((unsigned char)out->data[len - 1]);)
			len--;
	ch_str_truncate(out, len);
}

void ch_reply_text(const char *text, struct ch_str *out)
{
	CH_AUTO(ch_str) scratch = CH_STR_INIT(3 * LINE_MAX_BYTES);
	CH_AUTO(ch_str) line = CH_STR_INIT(LINE_MAX_BYTES);
	int lines;

	while (*text && !is_signature(text)) {
		copy_lines(&line, text, 1);
		if (begins_original(ch_str_cstr(&line)) ||
		    (is_quoted_field(ch_str_cstr(&line)) &&
		     is_field_block(text)))
			break;
		if (is_quoted_line(text) || is_device(ch_str_cstr(&line))) {
			text = next_line(text, 1);
		} else if (attribution_here(text, &scratch, &lines) &&
			   (is_dated(&scratch) ||
			    is_quote_ahead(next_line(text, lines)))) {
			text = next_line(text, lines);
			/* What quotes without marks puts the old mail whole
			 * below the new words. */
			if (out->len && !is_quote_ahead(text))
				break;
			text = skip_barred(text);
		} else {
			if (!add_line(out, text, line_len(text)))
				break;
			text = next_line(text, 1);
		}
	}
	trim_end(out);
}
