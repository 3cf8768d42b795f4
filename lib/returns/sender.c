// SPDX-License-Identifier: GPL-3.0-or-later
/* sender.c - who sent it: a mail system, or somebody. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "returns/returns-private.h"

#define MARK_MAX 40 /* bytes up to its bracket */

bool ch_has_null_sender(const struct ch_message *message)
{
	const char *path = ch_block_get(&message->header, "Return-Path");

	if (!path)
		return false;
	path += strspn(path, " \t");
	if (path[0] == '\0')
		return true;
	if (path[0] != '<')
		return false;
	path++;
	path += strspn(path, " \t");
	return path[0] == '>';
}

/* Local parts under which mail systems write. */
bool ch_is_mail_system_address(const char *address, size_t len)
{
	static const char *const names[] = {
		"mailer-daemon",
		"mailerdaemon",
		"postmaster",
		"mail-daemon",
		"mdaemon",
		"maildaemon",
		"mail_daemon",
		"postmast",
		"mailer_daemon",
		"mmdf",
		"mail.delivery.system",
		"mailadmin",
		"mailer.daemon",
		"mail-delivery",
		"maildelivery",
		"bounce-daemon",
	};
	const char *at = memchr(address, '@', len);
	size_t local = at ? (size_t)(at - address) : len;

	if (len >= 17 && strncasecmp(address, "microsoftexchange", 17) == 0)
		return true;
	for (size_t i = 0; i < CH_COUNT(names); i++) {
		size_t size = strlen(names[i]);

		if (size <= local &&
		    strncasecmp(address, names[i], size) == 0 &&
		    (size == local || !isalpha((unsigned char)address[size])))
			return true;
	}
	return false;
}

/* Names that mail systems give themselves, where the address says nothing. */
static bool has_system_name(const char *from)
{
	static const char *const names[] = {
		"mail delivery s",
		"mail deliver s",
		"mailer-daemon",
		"system administrator",
		"systemadministrator",
		"postmaster",
		"mail system",
		"mail administrator",
		"internet mail delivery",
		"delivery subsystem",
		"mail transport",
		"administrateur système",
		"administrador del sistema",
		"системный администратор",
		"系统管理员",
		"システム管理者",
	};
	CH_AUTOCHAR decoded = ch_message_decode(from);
	char *address = strrchr(decoded, '<');

	/* t.postmaster@ is somebody's name */
	if (address && address > decoded)
		*address = '\0';
	for (size_t i = 0; i < CH_COUNT(names); i++)
		if (ch_fold_contains(decoded, names[i]))
			return true;
	return false;
}

bool ch_is_mail_system(const struct ch_message *message)
{
	const char *from = ch_block_get(&message->header, "From");

	return ch_is_mail_system_address(message->from,
					 strlen(message->from)) ||
	       (from && has_system_name(from));
}

/* What a gateway says of a mail; not where it goes on as another word. */
static size_t mark_word(const char *text)
{
	static const char *const words[] = {
		"external",	"externer", "externes",	      "externe",
		"externo",	"externa",  "extern",	      "esterno",
		"ext",		"spam",	    "suspected spam", "possible spam",
		"probable spam", "junk",    "bulk",	      "caution",
		"unverified",	"внешнее",  "внешний",	      "внешняя",
		"спам",		"外部",	    "垃圾邮件",	      "스팸",
		"외부",		"خارجي",
	};

	for (size_t i = 0; i < CH_COUNT(words); i++) {
		size_t len = ch_fold_prefix(text, words[i]);

		if (len && !isalnum((unsigned char)text[len]))
			return len;
	}
	return 0;
}

/* One mark, in brackets or stars, or before a colon; 0: there is none. */
static size_t mark_len(const char *subject)
{
	static const char open[] = "[{(<*";
	static const char close[] = "]})>*";
	size_t at = strspn(subject, " ");
	const char *bracket =
		subject[at] ? strchr(open, subject[at]) : NULL;
	const char *end;
	size_t len;

	if (bracket)
		at += strspn(subject + at, (char[]){ *bracket, ' ', '\0' });
	len = mark_word(subject + at);
	if (len == 0)
		return 0;
	at += len;
	if (!bracket)
		return subject[at] == ':' ? at + 1 : 0;
	end = memchr(subject + at, close[bracket - open],
		     strnlen(subject + at, MARK_MAX));
	if (!end)
		return 0;
	at = (size_t)(end - subject);
	return at + strspn(subject + at, (char[]){ *end, ':', ' ', '\0' });
}

size_t ch_subject_marks(const char *subject)
{
	size_t at = 0;
	size_t len;

	while ((len = mark_len(subject + at)) > 0)
		at += len;
	return at > 0 ? at + strspn(subject + at, " ") : 0;
}

/* Whether a subject begins with one of these. */
static bool has_prefix(const char *subject, const char *const *prefixes,
		       size_t len)
{
	subject += strspn(subject, " ");
	for (size_t i = 0; i < len; i++)
		if (ch_fold_prefix(subject, prefixes[i]))
			return true;
	return false;
}

/* "Re:" as mailers write it in the languages of our addressees. */
bool ch_is_answer_subject(const char *subject)
{
	static const char *const prefixes[] = {
		"re:",	      "re :",	"re[",	  "re：",     "réf:",
		"réf :",      "rép:",	"rép :",  "rif:",     "aw:",
		"antw:",      "sv:",	"vs:",	  "odp:",     "rv:",
		"res:",	      "ynt:",	"отв:",	  "ответ:",   "ha:",
		"на:",	      "回复:",	"回复：", "回覆:",    "回覆：",
		"答复:",      "答复：", "答覆:",  "答覆：",   "رد:",
		"ردّ:",	      "رد :",	"الرد:",  "απ:",      "השב:",
		"bls:",	      "atb:",	"reply:", "réponse:", "réponse :",
		"respuesta:",
	};

	return has_prefix(subject, prefixes, CH_COUNT(prefixes));
}

/* The same of "Fwd:": a person passes on what somebody wrote. */
bool ch_is_forward_subject(const char *subject)
{
	static const char *const prefixes[] = {
		"fwd:",	  "fw:",   "fwd :",  "fw :",	"tr:",
		"tr :",	  "rv:",   "reenv:", "wg:",	"i:",
		"enc:",	  "res:",  "pd:",    "doorst:", "vb:",
		"vl:",	  "ilt:",  "перес:", "пересл:", "转发:",
		"转发：", "轉寄:", "轉寄：", "转:",	"إعادة توجيه:",
	};

	return has_prefix(subject, prefixes, CH_COUNT(prefixes));
}
