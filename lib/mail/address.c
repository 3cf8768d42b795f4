// SPDX-License-Identifier: GPL-3.0-or-later
/* address.c - read an address and refuse what a relay could read otherwise.
 *
 * Less than RFC 5322 allows, on purpose: comments, groups, source routes,
 * quoted local parts, "%" and "!" routes and address literals are all legal
 * somewhere, never needed for a ministry, and each has carried an injection.
 */
#include "mail/address.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/unorm2.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>

#include "base/mem.h"
#include "base/utf8.h"

#define SPEC_MAX 254 /* RFC 5321 section 4.5.3.1.3, without the "<>" */
#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

/* How much of a bad address an error shows. */
#define SHOWN(slice) (int)((slice).len < 100 ? (slice).len : 100), (slice).data

static struct ch_slice trim(struct ch_slice text)
{
	while (text.len && text.data[0] == ' ') {
		text.data++;
		text.len--;
	}
	while (text.len && text.data[text.len - 1] == ' ')
		text.len--;
	return text;
}

static struct ch_slice part(struct ch_slice text, size_t from, size_t to)
{
	return (struct ch_slice){ text.data + from, to - from };
}

/* What may be in no part of an address; after this, quoting it is harmless. */
static int check_characters(struct ch_slice text, struct ch_error *err)
{
	for (size_t at = 0; at < text.len;) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text.data + at, text.len - at, &cp);

		if (n == 0)
			return ch_error_set(err, CH_GIVE_UP,
					    "not UTF-8: byte 0x%02X at byte "
					    "%zu of the address",
					    (unsigned char)text.data[at],
					    at + 1);
		if (ch_utf8_is_control(cp))
			return ch_error_set(err, CH_GIVE_UP,
					    "control character U+%04X in an "
					    "address",
					    cp);
		if (ch_utf8_is_bidi_control(cp))
			return ch_error_set(err, CH_GIVE_UP,
					    "U+%04X, which turns the direction "
					    "of text, in an address",
					    cp);
		at += n;
	}
	return 0;
}

/* atext of RFC 5322 section 3.2.3. */
static bool is_atext(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* What UTF8-non-ascii (RFC 6531 section 3.3) has and no mailbox needs: spaces,
 * characters that do not show, and those that are none (yet). */
static bool is_odd(uint32_t cp)
{
	switch (u_charType((UChar32)cp)) {
	case U_UNASSIGNED:
	case U_SPACE_SEPARATOR:
	case U_LINE_SEPARATOR:
	case U_PARAGRAPH_SEPARATOR:
	case U_CONTROL_CHAR:
	case U_FORMAT_CHAR:
	case U_PRIVATE_USE_CHAR:
	case U_SURROGATE:
		return true;
	default:
		return false;
	}
}

/* Another form of the same letters is another mailbox to some servers (RFC 6532
 * section 3.1), and nobody sees which it is. */
static bool is_nfc(const char *text)
{
	const UNormalizer2 *nfc;
	UErrorCode status = U_ZERO_ERROR;
	UChar wide[CH_LOCAL_MAX + 1];
	int32_t len;

	u_strFromUTF8(wide, CH_LOCAL_MAX + 1, &len, text, -1, &status);
	nfc = unorm2_getNFCInstance(&status);
	return !!unorm2_isNormalized(nfc, wide, len, &status) &&
	       U_SUCCESS(status);
}

static int check_scripts(const char *words, const char *where,
			 struct ch_error *err);

/* A local part that is not ASCII; its ASCII is checked. */
static int check_international(struct ch_slice local, struct ch_error *err)
{
	char text[CH_LOCAL_MAX + 1];

	for (size_t at = 0; at < local.len;) {
		uint32_t cp = 0;

		at += ch_utf8_decode(local.data + at, local.len - at, &cp);
		if (cp >= 0x80 && is_odd(cp))
			return ch_error_set(err, CH_GIVE_UP,
					    "U+%04X, which cannot be seen, in "
					    "\"%.*s\"",
					    cp, SHOWN(local));
	}
	memcpy(text, local.data, local.len);
	text[local.len] = '\0';
	if (!is_nfc(text))
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%s\" is written with separate accents "
				    "(not in Unicode's form NFC)",
				    text);
	return check_scripts(text, "before the \"@\" of", err);
}

/* Local-part = Dot-string (RFC 5321 section 4.1.2), without "%" and "!". */
static int check_local(struct ch_slice local, enum ch_address_local may,
		       struct ch_error *err)
{
	bool ascii = true;

	if (local.len == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "nothing before the \"@\"");
	if (local.len > CH_LOCAL_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "%zu bytes before the \"@\"; %d are "
				    "allowed",
				    local.len, CH_LOCAL_MAX);
	if (local.data[0] == '.' || local.data[local.len - 1] == '.' ||
	    memmem(local.data, local.len, "..", 2))
		return ch_error_set(err, CH_GIVE_UP,
				    "a dot at the edge, or two together, in "
				    "\"%.*s\"",
				    SHOWN(local));
	for (size_t i = 0; i < local.len; i++) {
		char c = local.data[i];

		if ((unsigned char)c >= 0x80 && may == CH_LOCAL_ASCII)
			return ch_error_set(err, CH_GIVE_UP,
					    "\"%.*s\" is not ASCII; only the "
					    "domain may be",
					    SHOWN(local));
		if ((unsigned char)c >= 0x80) {
			ascii = false;
			continue;
		}
		if (c == '%' || c == '!')
			return ch_error_set(err, CH_GIVE_UP,
					    "\"%c\" in \"%.*s\" is a route "
					    "through another host",
					    c, SHOWN(local));
		if (c != '.' && !is_atext(c))
			return ch_error_set(err, CH_GIVE_UP,
					    "\"%c\" may not stand in \"%.*s\"",
					    c, SHOWN(local));
	}
	return ascii ? 0 : check_international(local, err);
}

/* A label of letters, digits and inner hyphens (RFC 5321 section 4.1.2);
 * lower-cased into `out`. */
static bool copy_label(const char *label, size_t len, char *out)
{
	if (len == 0 || len > LABEL_MAX || label[0] == '-' ||
	    label[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = label[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '-'))
			return false;
		out[i] = c;
	}
	return true;
}

static int copy_ascii_domain(struct ch_slice domain, char *out,
			     struct ch_error *err)
{
	size_t labels = 0;

	for (size_t at = 0; at <= domain.len; labels++) {
		const char *dot = memchr(domain.data + at, '.',
					 domain.len - at);
		size_t len = dot ? (size_t)(dot - domain.data) - at :
				   domain.len - at;

		if (!copy_label(domain.data + at, len, out + at))
			return ch_error_set(err, CH_GIVE_UP,
					    "\"%.*s\" is not a domain name",
					    SHOWN(domain));
		at += len;
		out[at++] = dot ? '.' : '\0';
	}
	if (labels < 2)
		return ch_error_set(err, CH_GIVE_UP,
				    "the domain \"%.*s\" has no dot",
				    SHOWN(domain));
	return 0;
}

/* Both are made once and never changed; looking them up for each address would
 * cost more than the check. */
static const UIDNA *idna(void)
{
	static UIDNA *handle;
	UErrorCode status = U_ZERO_ERROR;

	if (!handle)
		handle = uidna_openUTS46(UIDNA_USE_STD3_RULES |
						 UIDNA_CHECK_BIDI |
						 UIDNA_CHECK_CONTEXTJ |
						 UIDNA_CHECK_CONTEXTO |
						 UIDNA_NONTRANSITIONAL_TO_ASCII |
						 UIDNA_NONTRANSITIONAL_TO_UNICODE,
					 &status);
	if (!handle)
		abort();
	return handle;
}

static const USpoofChecker *spoof_checker(void)
{
	static USpoofChecker *handle;
	UErrorCode status = U_ZERO_ERROR;

	if (!handle) {
		handle = uspoof_open(&status);
		uspoof_setChecks(handle,
				 USPOOF_RESTRICTION_LEVEL | USPOOF_INVISIBLE,
				 &status);
		uspoof_setRestrictionLevel(handle, USPOOF_HIGHLY_RESTRICTIVE);
	}
	if (!handle || U_FAILURE(status))
		abort();
	return handle;
}

/* Scripts may differ from label to label ("пример.example"), not inside one;
 * Latin beside Han, Kana or Hangul is usual and allowed (UTS #39 section 5.2,
 * Highly Restrictive). */
static int check_scripts(const char *words, const char *where,
			 struct ch_error *err)
{
	for (const char *label = words; *label;) {
		size_t len = strcspn(label, ".");
		UErrorCode status = U_ZERO_ERROR;
		int32_t found = uspoof_check2UTF8(spoof_checker(), label,
						  (int32_t)len, NULL, &status);

		if (U_FAILURE(status) || found)
			return ch_error_set(err, CH_GIVE_UP,
					    "letters of several scripts %s "
					    "\"%.100s\"",
					    where, words);
		label += len;
		label += *label == '.';
	}
	return 0;
}

static const char *idna_reason(uint32_t errors)
{
	if (errors & (UIDNA_ERROR_BIDI | UIDNA_ERROR_CONTEXTJ |
		      UIDNA_ERROR_CONTEXTO_PUNCTUATION |
		      UIDNA_ERROR_CONTEXTO_DIGITS))
		return "mixes directions of writing or joins letters as no "
		       "domain may";
	if (errors & (UIDNA_ERROR_LABEL_TOO_LONG |
		      UIDNA_ERROR_DOMAIN_NAME_TOO_LONG))
		return "is too long";
	if (errors & (UIDNA_ERROR_PUNYCODE | UIDNA_ERROR_INVALID_ACE_LABEL))
		return "has an \"xn--\" part that is no domain";
	return "is not a domain name";
}

/* UTS #46 to A-labels; out has CH_DOMAIN_MAX + 1 bytes. */
static int copy_idna_domain(struct ch_slice domain, char *out,
			    struct ch_error *err)
{
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode status = U_ZERO_ERROR;
	char unicode[4 * CH_DOMAIN_MAX];
	int32_t len;

	len = uidna_nameToUnicodeUTF8(idna(), domain.data, (int32_t)domain.len,
				      unicode, sizeof(unicode) - 1, &info,
				      &status);
	if (U_FAILURE(status) || info.errors)
		return ch_error_set(err, CH_GIVE_UP, "\"%.*s\" %s",
				    SHOWN(domain), idna_reason(info.errors));
	unicode[len] = '\0';
	if (check_characters((struct ch_slice){ unicode, (size_t)len }, err) ||
	    check_scripts(unicode, "in the domain", err))
		return -1;

	len = uidna_nameToASCII_UTF8(idna(), domain.data, (int32_t)domain.len,
				     out, CH_DOMAIN_MAX, &info, &status);
	if (U_FAILURE(status) || info.errors)
		return ch_error_set(err, CH_GIVE_UP, "\"%.*s\" %s",
				    SHOWN(domain), idna_reason(info.errors));
	out[len] = '\0';
	return 0;
}

static bool needs_idna(struct ch_slice domain)
{
	for (size_t i = 0; i < domain.len; i++)
		if ((unsigned char)domain.data[i] >= 0x80)
			return true;
	for (size_t i = 0; i + 4 <= domain.len; i++)
		if (strncasecmp(domain.data + i, "xn--", 4) == 0)
			return true;
	return false;
}

static int copy_domain(struct ch_slice domain, char *out, struct ch_error *err)
{
	char ascii[CH_DOMAIN_MAX + 1];

	if (domain.data[0] == '[')
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%.*s\" is a host's number, not a "
				    "domain",
				    SHOWN(domain));
	if (domain.len > CH_DOMAIN_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "a domain of %zu bytes; %d are allowed",
				    domain.len, CH_DOMAIN_MAX);
	if (!needs_idna(domain))
		return copy_ascii_domain(domain, out, err);
	if (copy_idna_domain(domain, ascii, err) < 0)
		return -1;
	return copy_ascii_domain(ch_slice_of(ascii), out, err);
}

/* Mailbox = Local-part "@" Domain */
static int parse_spec(struct ch_slice spec, enum ch_address_local may,
		      struct ch_address *ret, struct ch_error *err)
{
	const char *at = memchr(spec.data, '@', spec.len);
	struct ch_slice local, domain;

	if (spec.len == 0)
		return ch_error_set(err, CH_GIVE_UP, "no address");
	if (!at)
		return ch_error_set(err, CH_GIVE_UP, "no \"@\" in \"%.*s\"",
				    SHOWN(spec));
	if (at == spec.data && memchr(spec.data, ':', spec.len))
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%.*s\" is a route through other hosts",
				    SHOWN(spec));
	local = part(spec, 0, (size_t)(at - spec.data));
	domain = part(spec, local.len + 1, spec.len);
	if (memchr(local.data, ':', local.len))
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%.*s\" is a group, not an address",
				    SHOWN(spec));
	if (check_local(local, may, err) < 0)
		return -1;
	if (domain.len == 0)
		return ch_error_set(err, CH_GIVE_UP, "no domain in \"%.*s\"",
				    SHOWN(spec));
	if (memchr(domain.data, '@', domain.len))
		return ch_error_set(err, CH_GIVE_UP,
				    "two \"@\" in \"%.*s\"", SHOWN(spec));
	ret->local_len = local.len;
	memcpy(ret->spec, local.data, local.len);
	ret->spec[local.len] = '@';
	if (copy_domain(domain, ret->spec + local.len + 1, err) < 0)
		return -1;
	if (strlen(ret->spec) > SPEC_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "an address of %zu bytes; %d are allowed",
				    strlen(ret->spec), SPEC_MAX);
	return 0;
}

/* quoted-string (RFC 5322 section 3.2.4), its quotes and backslashes removed.
 * Returns the bytes read, or 0 where it does not end. */
static size_t unquote(struct ch_slice text, char *out, size_t *ret_len)
{
	size_t len = 0;

	for (size_t i = 1; i < text.len; i++) {
		if (text.data[i] == '"') {
			*ret_len = len;
			return i + 1;
		}
		if (text.data[i] == '\\' && i + 1 < text.len)
			i++;
		out[len++] = text.data[i];
	}
	return 0;
}

/* display-name: a quoted string, or words as people write them. */
static int parse_display(struct ch_slice name, struct ch_address *ret,
			 struct ch_error *err)
{
	size_t len = name.len;

	if (name.len > CH_DISPLAY_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "a name of %zu bytes; %d are allowed",
				    name.len, CH_DISPLAY_MAX);
	if (name.len && name.data[0] == '"') {
		size_t end = unquote(name, ret->display, &len);

		if (end != name.len)
			return ch_error_set(err, CH_GIVE_UP,
					    end ? "text behind the quoted name "
						  "%.*s" :
						  "no closing quote in %.*s",
					    SHOWN(name));
		ret->display[len] = '\0';
		return 0;
	}
	for (size_t i = 0; i < name.len; i++)
		if (strchr("()<>[]:;@,\\\"", name.data[i]))
			return ch_error_set(err, CH_GIVE_UP,
					    "\"%c\" in the name \"%.*s\"; put "
					    "the name in quotes",
					    name.data[i], SHOWN(name));
	memcpy(ret->display, name.data, len);
	ret->display[len] = '\0';
	return 0;
}

/* Where the first `wanted` outside quotes is, or text.len. */
static size_t find_outside_quotes(struct ch_slice text, char wanted)
{
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && c == wanted)
			return i;
	}
	return text.len;
}

static int parse(const char *text, size_t len, enum ch_address_local may,
		 struct ch_address *ret, struct ch_error *err)
{
	struct ch_slice all = trim((struct ch_slice){ text, len });
	struct ch_address address = { 0 };
	size_t open, close;

	if (check_characters(all, err) < 0)
		return -1;
	if (find_outside_quotes(all, '(') < all.len)
		return ch_error_set(err, CH_GIVE_UP,
				    "a comment in parentheses in \"%.*s\"",
				    SHOWN(all));
	open = find_outside_quotes(all, '<');
	close = find_outside_quotes(all, '>');
	if (open == all.len && close == all.len) {
		if (parse_spec(all, may, &address, err) < 0)
			return -1;
		*ret = address;
		return 0;
	}
	if (open == all.len || close < open || close == all.len)
		return ch_error_set(err, CH_GIVE_UP,
				    "\"<\" without \">\", or \">\" without "
				    "\"<\", in \"%.*s\"",
				    SHOWN(all));
	if (close + 1 != all.len)
		return ch_error_set(err, CH_GIVE_UP,
				    "text behind the \">\" in \"%.*s\"",
				    SHOWN(all));
	if (parse_display(trim(part(all, 0, open)), &address, err) < 0 ||
	    parse_spec(part(all, open + 1, close), may, &address, err) < 0)
		return -1;
	*ret = address;
	return 0;
}

int ch_address_parse(const char *text, size_t len, struct ch_address *ret,
		     struct ch_error *err)
{
	return parse(text, len, CH_LOCAL_ASCII, ret, err);
}

int ch_address_parse_utf8(const char *text, size_t len, struct ch_address *ret,
			  struct ch_error *err)
{
	return parse(text, len, CH_LOCAL_UTF8, ret, err);
}

/* The end of the element that starts at `at`: a "," or ";" outside quotes and
 * angle brackets, or the end of the text. */
static size_t element_end(struct ch_slice text, size_t at)
{
	bool quoted = false;
	bool angle = false;

	for (; at < text.len; at++) {
		char c = text.data[at];

		if (quoted && c == '\\')
			at++;
		else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == '<' || c == '>')
			angle = c == '<';
		else if (!angle && (c == ',' || c == ';'))
			break;
	}
	return at < text.len ? at : text.len;
}

int ch_address_parse_list(const char *text, size_t len,
			  enum ch_address_local may,
			  struct ch_address **ret_list, size_t *ret_offset,
			  struct ch_error *err)
{
	struct ch_slice all = { text, len };
	struct ch_address *list = NULL;
	size_t count = 0;
	size_t cap = 0;

	if (trim(all).len == 0) {
		*ret_list = NULL;
		return 0;
	}
	for (size_t at = 0; at <= len;) {
		size_t end = element_end(all, at);
		struct ch_slice one = trim(part(all, at, end));

		CH_GROW(list, count, cap);
		if (parse(one.data, one.len, may, &list[count], err) < 0) {
			free(list);
			*ret_offset = (size_t)(one.data - text);
			return -1;
		}
		count++;
		at = end + 1;
	}
	*ret_list = list;
	return (int)count;
}

const char *ch_address_domain(const struct ch_address *address)
{
	return address->spec + address->local_len + 1;
}

bool ch_address_needs_utf8(const char *spec)
{
	for (; *spec; spec++)
		if ((unsigned char)*spec >= 0x80)
			return true;
	return false;
}

void ch_address_show(const char *spec, struct ch_str *out)
{
	const char *at = strrchr(spec, '@');
	const char *domain = at ? at + 1 : spec;
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode status = U_ZERO_ERROR;
	char shown[4 * CH_DOMAIN_MAX];
	struct ch_error unused;
	int32_t len = 0;

	if (strstr(domain, "xn--"))
		len = uidna_nameToUnicodeUTF8(idna(), domain, -1, shown,
					      sizeof(shown) - 1, &info,
					      &status);
	if (len <= 0 || U_FAILURE(status) || info.errors) {
		ch_str_add(out, spec);
		return;
	}
	shown[len] = '\0';
	if (check_scripts(shown, "in", &unused) < 0) {
		ch_str_add(out, spec);
		return;
	}
	ch_str_add_mem(out, spec, (size_t)(domain - spec));
	ch_str_add(out, shown);
}
