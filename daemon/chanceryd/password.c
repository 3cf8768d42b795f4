// SPDX-License-Identifier: GPL-3.0-or-later
/* password.c - see password.h. */
#include "chanceryd/password.h"

#include <string.h>

#include "base/mem.h"
#include "base/settings.h"

#define GOOD_MAX_MS (400LL * 24 * 3600 * 1000) /* a year, and some more */
#define GOOD_LEN_MAX 20

static struct ch_slice next_line(struct ch_slice *rest)
{
	const char *end = memchr(rest->data, '\n', rest->len);
	struct ch_slice line = *rest;

	if (end)
		line.len = (size_t)(end - rest->data);
	rest->data += line.len + (end != NULL);
	rest->len -= line.len + (end != NULL);
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

static int check_text(struct ch_slice text, struct ch_error *err)
{
	if (text.len == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "its first line is empty: there is no "
				    "password");
	if (text.len > CH_PASSWORD_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "a password of %zu bytes; %d are allowed",
				    text.len, CH_PASSWORD_MAX);
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 127)
			return ch_error_set(err, CH_GIVE_UP,
					    "its first line has a control "
					    "character");
	return 0;
}

/* 1*DIGIT, or a duration. */
static int read_good(struct ch_slice line, int64_t *ret_ms)
{
	char text[GOOD_LEN_MAX + 2];

	if (line.len == 0 || line.len > GOOD_LEN_MAX ||
	    memchr(line.data, '\0', line.len))
		return -1;
	memcpy(text, line.data, line.len);
	text[line.len] = '\0';
	if (strspn(text, "0123456789") == line.len) {
		text[line.len] = 's';
		text[line.len + 1] = '\0';
	}
	return ch_settings_duration(text, ret_ms) < 0 || *ret_ms < 1000 ? -1 :
									  0;
}

int ch_password_read(const char *bytes, size_t len, struct ch_password *ret,
		     struct ch_error *err)
{
	struct ch_slice rest = { bytes, len };
	struct ch_password password = { .text = next_line(&rest) };

	if (check_text(password.text, err) < 0)
		return -1;
	if (rest.len > 0 && read_good(next_line(&rest), &password.good_ms) < 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "its second line does not say how long the "
				    "password is good, such as 3600 or 1h");
	if (rest.len > 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "it prints more than two lines");
	if (password.good_ms > GOOD_MAX_MS)
		password.good_ms = GOOD_MAX_MS;
	*ret = password;
	return 0;
}
