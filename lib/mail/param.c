// SPDX-License-Identifier: GPL-3.0-or-later
/* param.c - parameters of a field's value, as they are and as they should be.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mail/message-private.h"
#include "mail/message.h"
#include "mail/mime-private.h"

#define PARAM_MAX 4096 /* bytes of one value */

struct param {
	struct ch_slice name; /* as written, with its "*0*" */
	struct ch_str *value; /* borrowed; unquoted */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* quoted-string, without its quotes; a missing one at the end is no matter. */
static const char *read_quoted(const char *at, struct ch_str *out)
{
	for (at++; *at && *at != '"'; at++) {
		if (*at == '\\' && at[1])
			at++;
		ch_str_add_char(out, *at);
	}
	return *at ? at + 1 : at;
}

/* parameter = ";" attribute "=" value. Returns where it ends, or NULL where
 * there is none. */
static const char *next_param(const char *at, struct param *param)
{
	ch_str_clear(param->value);
	while (*at && *at != ';')
		at = *at == '"' ? read_quoted(at, param->value) : at + 1;
	ch_str_clear(param->value);
	while (*at == ';' || is_space(*at))
		at++;
	if (!*at)
		return NULL;
	param->name.data = at;
	while (*at && *at != '=' && *at != ';' && !is_space(*at))
		at++;
	param->name.len = (size_t)(at - param->name.data);
	while (is_space(*at))
		at++;
	if (*at != '=')
		return at;
	for (at++; is_space(*at);)
		at++;
	if (*at == '"')
		return read_quoted(at, param->value);
	while (*at && *at != ';' && !is_space(*at))
		ch_str_add_char(param->value, *at++);
	return at;
}

/* RFC 2231 section 4: charset'language'text, of which the first piece alone
 * has the first two. */
static void add_extended(struct ch_str *out, char *charset, size_t size,
			 const char *value, bool first)
{
	const char *text = value;
	const char *quote = first ? strchr(value, '\'') : NULL;
	const char *second = quote ? strchr(quote + 1, '\'') : NULL;

	if (second) {
		size_t len = (size_t)(quote - value);

		len = len < size ? len : size - 1;
		memcpy(charset, value, len);
		charset[len] = '\0';
		text = second + 1;
	}
	for (; *text; text++) {
		char two[3] = { text[1], text[1] ? text[2] : '\0', '\0' };
		char *end;
		long byte = strtol(two, &end, 16);

		if (*text == '%' && end == two + 2) {
			ch_str_add_char(out, (char)byte);
			text += 2;
		} else {
			ch_str_add_char(out, *text);
		}
	}
}

char *ch_mime_param(const char *value, const char *name)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(PARAM_MAX);
	CH_AUTO(ch_str) all = CH_STR_INIT(PARAM_MAX);
	CH_AUTO(ch_str) decoded = CH_STR_INIT(3 * PARAM_MAX);
	struct param param = { .value = &text };
	size_t len = strlen(name);
	char charset[40] = "";
	bool found = false;

	while ((value = next_param(value, &param))) {
		struct ch_slice rest = { param.name.data + len,
					 param.name.len - len };

		if (param.name.len < len ||
		    strncasecmp(param.name.data, name, len) != 0 ||
		    (rest.len && rest.data[0] != '*'))
			continue;
		if (!rest.len) /* as RFC 2045 has it, and mailers write 2047 */
			return ch_message_decode(ch_str_cstr(&text));
		if (rest.data[rest.len - 1] == '*')
			add_extended(&all, charset, sizeof(charset),
				     ch_str_cstr(&text), !found);
		else
			ch_str_add(&all, ch_str_cstr(&text));
		found = true;
	}
	if (!found)
		return NULL;
	ch_text_decode(&decoded, ch_str_cstr(&all), all.len, charset);
	return ch_str_take(&decoded);
}
