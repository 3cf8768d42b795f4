// SPDX-License-Identifier: GPL-3.0-or-later
/* http-request.c - the target and the small bodies of requests.
 *
 * libmicrohttpd decodes a path before it shows it, and then a slash in a
 * reference is any slash: the raw target is read here instead.
 */
#include "chanceryd/http-request.h"

#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/utf8.h"

static bool is_text(const char *bytes, size_t len)
{
	uint32_t cp;

	for (size_t at = 0; at < len;) {
		size_t n = ch_utf8_decode(bytes + at, len - at, &cp);

		if (n == 0 || ch_utf8_is_control(cp) ||
		    ch_utf8_is_bidi_control(cp))
			return false;
		at += n;
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* pct-encoded = "%" HEXDIG HEXDIG (RFC 3986 section 2.1). Returns the decoded
 * text, or NULL. */
static char *decode(const char *raw, size_t len)
{
	char *out = ch_xmalloc(len + 1);
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		int high = 0;
		int low = 0;

		if (raw[i] != '%') {
			out[at++] = raw[i];
			continue;
		}
		if (i + 2 >= len || (high = hex_digit(raw[i + 1])) < 0 ||
		    (low = hex_digit(raw[i + 2])) < 0)
			goto bad;
		out[at++] = (char)(high << 4 | low);
		i += 2;
	}
	if (!is_text(out, at))
		goto bad;
	out[at] = '\0';
	return out;
bad:
	free(out);
	return NULL;
}

void ch_target_release(struct ch_target *target)
{
	for (size_t i = 0; i < target->segments_len; i++)
		free(target->segments[i]);
	for (size_t i = 0; i < target->pairs_len; i++) {
		free(target->pairs[i].name);
		free(target->pairs[i].value);
	}
	memset(target, 0, sizeof(*target));
}

static int add_segment(struct ch_target *target, const char *raw, size_t len,
		       struct ch_error *err)
{
	char *text;

	if (target->segments_len == CH_TARGET_SEGMENTS)
		return ch_error_refuse(err, "4.0.4", "no such path");
	if (len == 0)
		return ch_error_refuse(err, "4.0.0",
				       "an empty piece in the path");
	text = decode(raw, len);
	if (!text)
		return ch_error_refuse(err, "4.0.0",
				       "the path is not UTF-8 text with "
				       "proper percent signs");
	target->segments[target->segments_len++] = text;
	return 0;
}

static int add_pair(struct ch_target *target, const char *raw, size_t len,
		    struct ch_error *err)
{
	const char *sign = memchr(raw, '=', len);
	size_t name_len = sign ? (size_t)(sign - raw) : len;
	size_t at = target->pairs_len;
	char *name;
	char *value;

	if (at == CH_TARGET_PAIRS)
		return ch_error_refuse(err, "4.0.0",
				       "too many values in the query");
	name = decode(raw, name_len);
	value = sign ? decode(sign + 1, len - name_len - 1) : ch_xstrdup("");
	if (!name || !value || !*name || ch_target_query(target, name)) {
		free(name);
		free(value);
		return ch_error_refuse(
		    err, "4.0.0",
		    "a value of the query has no name, "
		    "a name that is there twice, or is no text");
	}
	target->pairs[at].name = name;
	target->pairs[at].value = value;
	target->pairs_len++;
	return 0;
}

/* path-absolute [ "?" query ] */
static int parse(const char *raw, struct ch_target *target,
		 struct ch_error *err)
{
	size_t path = strcspn(raw, "?");

	for (size_t at = 1; at < path;) {
		size_t len = strcspn(raw + at, "/?");

		if (add_segment(target, raw + at, len, err) < 0)
			return -1;
		at += len;
		if (raw[at] == '/' && ++at == path)
			return ch_error_refuse(err, "4.0.4",
					       "no path ends in a slash");
	}
	if (raw[path] == '\0')
		return 0;
	for (const char *at = raw + path + 1; *at;) {
		size_t len = strcspn(at, "&");

		if (add_pair(target, at, len, err) < 0)
			return -1;
		at += len;
		at += *at == '&';
	}
	return 0;
}

int ch_target_parse(const char *raw, struct ch_target *ret,
		    struct ch_error *err)
{
	CH_AUTO(ch_target) target = { 0 };

	if (strnlen(raw, CH_TARGET_MAX + 1) > CH_TARGET_MAX)
		return ch_error_refuse(err, "4.1.4", "the path is too long");
	if (raw[0] != '/')
		return ch_error_refuse(err, "4.0.0",
				       "the path starts with a slash");
	if (parse(raw, &target, err) < 0)
		return -1;
	*ret = target;
	memset(&target, 0, sizeof(target));
	return 0;
}

/* Call the piece of `pattern` that belongs to segment n; NULL at the end. */
static const char *piece(const char *pattern, size_t n, size_t *ret_len)
{
	while (n-- > 0) {
		pattern += strcspn(pattern, "/");
		if (*pattern++ == '\0')
			return NULL;
	}
	*ret_len = strcspn(pattern, "/");
	return *ret_len > 0 ? pattern : NULL;
}

bool ch_target_matches(const struct ch_target *target, const char *pattern)
{
	const char *at;
	size_t len;

	for (size_t i = 0; i < target->segments_len; i++) {
		at = piece(pattern, i, &len);
		if (!at)
			return false;
		if (!(len == 1 && *at == '*') &&
		    (strlen(target->segments[i]) != len ||
		     memcmp(target->segments[i], at, len) != 0))
			return false;
	}
	return piece(pattern, target->segments_len, &len) == NULL;
}

const char *ch_target_star(const struct ch_target *target,
			   const char *pattern, size_t n)
{
	for (size_t i = 0; i < target->segments_len; i++) {
		size_t len;
		const char *at = piece(pattern, i, &len);

		if (at && len == 1 && *at == '*' && n-- == 0)
			return target->segments[i];
	}
	return NULL;
}

const char *ch_target_query(const struct ch_target *target, const char *name)
{
	for (size_t i = 0; i < target->pairs_len; i++) {
		if (strcmp(target->pairs[i].name, name) == 0)
			return target->pairs[i].value;
	}
	return NULL;
}

static bool listed(const char *names, const char *name)
{
	size_t len = strlen(name);

	while (*names) {
		size_t n = strcspn(names, " ");

		if (n == len && memcmp(names, name, n) == 0)
			return true;
		names += n;
		names += *names == ' ';
	}
	return false;
}

int ch_target_check_query(const struct ch_target *target, const char *names,
			  struct ch_error *err)
{
	for (size_t i = 0; i < target->pairs_len; i++) {
		if (!listed(names, target->pairs[i].name))
			return ch_error_refuse(
			    err, "4.0.0",
			    "\"%.40s\" is not known here; known: %s",
			    target->pairs[i].name, *names ? names : "nothing");
	}
	return 0;
}

int ch_digits(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	size_t len = strlen(text);
	int64_t value = 0;

	if (len == 0 || len > 19 || strspn(text, "0123456789") != len)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, text[i] - '0', &value))
			return -1;
	}
	if (value < min || value > max)
		return -1;
	*ret = value;
	return 0;
}

int ch_target_int(const struct ch_target *target, const char *name,
		  int64_t min, int64_t max, int64_t initial, int64_t *ret,
		  struct ch_error *err)
{
	const char *text = ch_target_query(target, name);

	if (!text) {
		*ret = initial;
		return 0;
	}
	if (ch_digits(text, min, max, ret) < 0)
		return ch_error_refuse(err, "4.0.0",
				       "%s is a number from %lld to %lld", name,
				       (long long)min, (long long)max);
	return 0;
}

/* How deep brackets nest outside strings; jansson allows 2,048. */
static size_t depth(struct ch_slice body)
{
	bool in_string = false;
	size_t now = 0;
	size_t most = 0;

	for (size_t i = 0; i < body.len; i++) {
		char c = body.data[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++now > most)
				most = now;
		} else if ((c == '}' || c == ']') && now > 0) {
			now--;
		}
	}
	return most;
}

static json_t *load(struct ch_slice body, struct ch_error *err)
{
	json_error_t why;
	json_t *json;

	if (body.len > CH_JSON_BODY_MAX) {
		ch_error_refuse(err, "4.1.3", "more than %d bytes of JSON",
				CH_JSON_BODY_MAX);
		return NULL;
	}
	if (depth(body) > CH_JSON_DEPTH_MAX) {
		ch_error_refuse(err, "4.0.0", "JSON nested deeper than %d",
				CH_JSON_DEPTH_MAX);
		return NULL;
	}
	json = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, &why);
	if (!json)
		ch_error_refuse(
		    err, "4.0.0", "not JSON: line %d, column %d: %.100s",
		    why.line, why.column,
		    why.position == (int)body.len ? "it ends early" : why.text);
	return json;
}

static int member_of(const json_t *json, const char *name, char **ret,
		     struct ch_error *err)
{
	const json_t *value = name ? json_object_get(json, name) : NULL;

	if (!json_is_object(json))
		return ch_error_refuse(err, "4.0.0",
				       "the body is not a JSON object");
	if (json_object_size(json) != (value ? 1 : 0))
		return ch_error_refuse(err, "4.0.0",
				       "the object has another member "
				       "than %s",
				       name ? name : "none at all");
	if (!name) {
		*ret = NULL;
		return 0;
	}
	if (!json_is_string(value) ||
	    !is_text(json_string_value(value), json_string_length(value)))
		return ch_error_refuse(err, "4.0.0", "\"%s\" is needed, a text",
				       name);
	*ret = ch_xstrdup(json_string_value(value));
	return 0;
}

int ch_body_member(struct ch_slice body, const char *name, char **ret,
		   struct ch_error *err)
{
	json_t *json;
	int result;

	if (body.len == 0)
		body = ch_slice_of("{}");
	json = load(body, err);
	if (!json)
		return -1;
	result = member_of(json, name, ret, err);
	json_decref(json);
	return result;
}

bool ch_is_local_host(const char *host)
{
	size_t len = strcspn(host, ":");

	if (host[0] == '[') /* an IPv6 address */
		return true;
	return memchr(host, '.', len) == NULL ||
	       strspn(host, "0123456789.") == len;
}

bool ch_is_multipart(const char *content_type)
{
	static const char wanted[] = "multipart/form-data";

	return content_type &&
	       strncasecmp(content_type, wanted, strlen(wanted)) == 0 &&
	       strstr(content_type, "boundary=");
}

int ch_upload_value_ok(struct ch_slice value, struct ch_error *err)
{
	if (!is_text(value.data, value.len))
		return ch_error_refuse(err, "4.0.0",
				       "a field is not UTF-8 text in one "
				       "line");
	return 0;
}

/* ---- Accept-Encoding --------------------------------------------------- */

/* "q=0", "q=0.00": anything but that. */
static bool is_wanted(const char *parameters, size_t len)
{
	const char *q = memmem(parameters, len, "q=", 2);
	const char *end = parameters + len;

	if (!q)
		return true;
	for (q += 2; q < end && (*q == '0' || *q == '.');)
		q++;
	return q < end && *q >= '1' && *q <= '9';
}

/* What stands between two commas: 1 it is wanted, 0 it is not, -1 it is about
 * another one. "*" is about those that are not named. */
static int says(const char *item, size_t len, const char *name)
{
	size_t from = strspn(item, " \t");
	size_t word;

	if (from >= len)
		return -1;
	item += from;
	len -= from;
	word = strcspn(item, ";, \t");
	if (word != strlen(name) || strncasecmp(item, name, word) != 0)
		return -1;
	return is_wanted(item + word, len - word);
}

bool ch_accepts_encoding(const char *value, const char *name)
{
	int others = 0;
	size_t len;

	if (!value)
		return true;
	for (;; value += len + 1) {
		int said;

		len = strcspn(value, ",");
		said = says(value, len, name);
		if (said >= 0)
			return said;
		said = says(value, len, "*");
		if (said >= 0)
			others = said;
		if (value[len] == '\0')
			return others;
	}
}
