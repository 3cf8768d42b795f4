// SPDX-License-Identifier: GPL-3.0-or-later
/* imap-guard.c - see imap-guard.h.
 *
 * Nothing that is asked for has a parenthesis, a brace or an escaped quote in a
 * quoted string, so the guard need not decide where one ends, and cannot be led
 * to see it elsewhere than libetpan does: parentheses count wherever they
 * stand, quotes must be even, and a "{" that is not the whole of a literal's
 * announcement is refused, not skipped. libetpan reads on over the end of a
 * line where a parenthesis or a quoted string is open: that is refused too.
 */
#include "net/imap-guard.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include "base/mem.h"

#define DIGITS "0123456789"
#define LINE_GROWS 4 /* bytes, by trim_end() and add_text() */
#define TOO_MUCH "more in answer to one command than can be"

static const char *const states[] = { "OK", "NO", "BAD", "BYE", "PREAUTH",
				      NULL };

enum verdict { PASS, PASS_AS_TEXT, PASS_FETCH, KEEP, DROP };

void ch_imap_guard_init(struct ch_imap_guard *guard)
{
	*guard = (struct ch_imap_guard){ 0 };
	ch_str_init(&guard->line, CH_IMAP_LINE_MAX + 1 + LINE_GROWS);
	ch_str_init(&guard->capabilities, CH_IMAP_LINE_MAX);
	ch_imap_guard_allow(guard, 0);
}

void ch_imap_guard_release(struct ch_imap_guard *guard)
{
	ch_str_release(&guard->line);
	ch_str_release(&guard->capabilities);
}

void ch_imap_guard_allow(struct ch_imap_guard *guard, uint64_t literals)
{
	guard->lines_left = CH_IMAP_LINES_MAX;
	guard->search_left = CH_IMAP_SEARCH_MAX;
	guard->literals_left = literals;
}

bool ch_imap_guard_at_rest(const struct ch_imap_guard *guard)
{
	return guard->line.len == 0 && guard->literal_left == 0 &&
	       !guard->within && !guard->in_search;
}

/* ---- which line is it ---------------------------------------------------- */

/* `word` and then a space or the end of the line. */
static bool is_word(const char *at, const char *word)
{
	size_t len = strlen(word);

	return strncasecmp(at, word, len) == 0 && strchr(" \r\n", at[len]);
}

static bool is_one_of(const char *at, const char *const *words)
{
	for (; *words; words++)
		if (is_word(at, *words))
			return true;
	return false;
}

static enum verdict judge(struct ch_imap_guard *guard, const char *line)
{
	static const char *const counts[] = { "EXISTS", "RECENT", "EXPUNGE",
					      NULL };
	size_t digits;

	if (guard->within)
		return PASS_FETCH;
	if (strncmp(line, "* ", 2) != 0) /* libetpan skips spaces before a * */
		return line[0] == '+' || isalnum((unsigned char)line[0])
			       ? PASS_AS_TEXT
			       : DROP;
	line += 2;
	if (is_one_of(line, states))
		return PASS_AS_TEXT;
	if (is_word(line, "FLAGS"))
		return PASS;
	if (is_word(line, "CAPABILITY"))
		return KEEP;
	digits = strspn(line, DIGITS);
	if (digits == 0 || digits > 10 || line[digits] != ' ')
		return DROP;
	line += digits + 1;
	guard->news += is_word(line, counts[0]);
	if (is_one_of(line, counts))
		return PASS;
	return is_word(line, "FETCH") ? PASS_FETCH : DROP;
}

/* ---- what is in it ------------------------------------------------------- */

static int unbalanced(struct ch_error *err, const char *what)
{
	return ch_error_set(err, CH_GIVE_UP, "%s that is open, or was not",
			    what);
}

/* Count parentheses and quotes; `within` if a literal follows. */
static int count_pairs(struct ch_imap_guard *guard, bool within,
		       struct ch_error *err)
{
	bool quoted = false;

	for (const char *line = ch_str_cstr(&guard->line); *line; line++) {
		if (*line == '(' && ++guard->depth > CH_IMAP_DEPTH_MAX)
			return ch_error_set(err, CH_GIVE_UP,
					    "more than %d parentheses in one "
					    "another", CH_IMAP_DEPTH_MAX);
		if (*line == ')' && guard->depth-- == 0)
			return unbalanced(err, "a parenthesis");
		if (*line == '\\' && line[1] == '"')
			return unbalanced(err, "a quoted string");
		quoted ^= *line == '"';
	}
	if (quoted)
		return unbalanced(err, "a quoted string");
	if (!within && guard->depth > 0)
		return unbalanced(err, "a parenthesis");
	return 0;
}

/* literal = "{" number "}" CRLF, at the end of the line (RFC 3501 section 9).
 * Returns 1 with its length, 0 where there is none, -1 for what is like one. */
static int find_literal(const char *line, uint64_t *ret)
{
	const char *at = strchr(line, '{');
	uint64_t number = 0;
	size_t digits;

	if (!at)
		return 0;
	digits = strspn(at + 1, DIGITS);
	if (digits == 0 || digits > 10)
		return -1;
	for (size_t i = 1; i <= digits; i++)
		number = number * 10 + (uint64_t)(at[i] - '0');
	at += 1 + digits;
	if (strcmp(at, "}\r\n") != 0)
		return -1;
	*ret = number;
	return 1;
}

/* Of a body all is asked for, and never a section: libetpan forgets to free
 * what it has read of one that it cannot read to its end. */
static bool has_section(const char *line)
{
	static const char body[] = "BODY";

	while ((line = strcasestr(line, body))) {
		line += strlen(body);
		line += strspn(line, " ");
		if (line[0] == '[' && line[1 + strspn(line + 1, " ")] != ']')
			return true;
	}
	return false;
}

static int pass_fetch(struct ch_imap_guard *guard, struct ch_error *err)
{
	int found = find_literal(ch_str_cstr(&guard->line),
				 &guard->literal_left);

	guard->within = found > 0;
	if (has_section(ch_str_cstr(&guard->line)))
		return ch_error_set(err, CH_GIVE_UP,
				    "a section of a mail that was not asked "
				    "for");
	if (found < 0)
		return ch_error_set(err, CH_GIVE_UP, "a literal that is none");
	if (count_pairs(guard, guard->within, err) < 0)
		return -1;
	if (found > 0 && guard->literal_left > guard->literals_left)
		return ch_error_set(err, CH_GIVE_UP,
				    "a literal of %llu bytes where %llu may "
				    "come",
				    (unsigned long long)guard->literal_left,
				    (unsigned long long)guard->literals_left);
	if (found > 0)
		guard->literals_left -= guard->literal_left;
	return 0;
}

/* Data without literals: a "{" is not in its grammar. What is dropped may not
 * have one either, or the bytes behind it would be taken for lines. */
static int pass_plain(struct ch_imap_guard *guard, bool dropped,
		      struct ch_error *err)
{
	if (strchr(ch_str_cstr(&guard->line), '{'))
		return ch_error_set(err, CH_GIVE_UP,
				    "a literal where none may be");
	return dropped ? 0 : count_pairs(guard, false, err);
}

/* Whether this response code stands here, "[UIDNEXT " and a number. */
static bool is_code(const char *at, const char *code, uint64_t *ret)
{
	size_t digits;

	if (strncasecmp(at, code, strlen(code)) != 0)
		return false;
	at += strlen(code);
	digits = strspn(at, DIGITS);
	if (digits == 0 || digits > 10 || at[digits] != ']')
		return false;
	*ret = strtoull(at, NULL, 10);
	return true;
}

/* Take the grammar out of a text: libetpan reads through NULL where a response
 * code of the greeting holds a quoted string, and has literals in others. */
static void make_text(char *line, struct ch_imap_guard *guard)
{
	uint64_t number;

	for (; *line; line++) {
		if (is_code(line, "[UIDNEXT ", &number))
			guard->uidnext = number;
		if (is_code(line, "[UIDVALIDITY ", &number)) {
			guard->uidvalidity = (uint32_t)number;
			line = strchr(line, ']');
		} else if (*line == '[' || *line == '{') {
			*line = '(';
		} else if (*line == ']' || *line == '}') {
			*line = ')';
		}
	}
}

/* A list that ends in a space is none to libetpan. */
static void trim_end(struct ch_str *line)
{
	size_t len = line->len;

	while (len > 0 && strchr(" \r\n", line->data[len - 1]))
		len--;
	ch_str_truncate(line, len);
	ch_str_add(line, "\r\n");
}

/* "A1 OK", without the text that it must have. */
static void add_text(struct ch_str *line)
{
	const char *word = strrchr(line->data, ' ');

	if (!word || !is_one_of(word + 1, states))
		return;
	ch_str_truncate(line, line->len - 2);
	ch_str_add(line, " -\r\n");
}

/* "* CAPABILITY A B" */
static void keep_capabilities(struct ch_imap_guard *guard)
{
	const char *at = ch_str_cstr(&guard->line) + strlen("* CAPABILITY");

	at += strspn(at, " ");
	ch_str_clear(&guard->capabilities);
	ch_str_add_mem(&guard->capabilities, at, strcspn(at, "\r\n"));
}

/* The line is whole. */
static int end_line(struct ch_imap_guard *guard, struct ch_str *out,
		    struct ch_error *err)
{
	struct ch_str *line = &guard->line;
	int result = 0;
	enum verdict verdict;

	if (memchr(line->data, '\0', line->len))
		return ch_error_set(err, CH_GIVE_UP, "a NUL in a line");
	if (!guard->within)
		guard->depth = 0;
	verdict = judge(guard, line->data);
	if (verdict == PASS_FETCH)
		result = pass_fetch(guard, err);
	else if (verdict == PASS_AS_TEXT)
		make_text(line->data, guard);
	else
		result = pass_plain(guard, verdict == DROP, err);
	if (verdict == KEEP) {
		keep_capabilities(guard);
		verdict = DROP;
	}
	guard->dropped += verdict == DROP;
	if (verdict != PASS_FETCH)
		trim_end(line);
	if (verdict == PASS_AS_TEXT)
		add_text(line);
	if (result == 0 && verdict != DROP)
		ch_str_add_mem(out, line->data, line->len);
	ch_str_clear(line);
	return result;
}

/* ---- SEARCH -------------------------------------------------------------- */

void ch_imap_found_release(struct ch_imap_found *found)
{
	free(found->uids);
	found->uids = NULL;
	found->len = found->cap = 0;
}

/* Put `uid` in the place of the largest, which stands first: a heap. */
static void replace_largest(uint32_t *heap, size_t len, uint32_t uid)
{
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < len && heap[child + 1] > heap[child])
			child++;
		if (child >= len || heap[child] <= uid)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = uid;
}

static int falling(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x < y) - (x > y);
}

/* Servers name them in order nearly always: what is beyond the first `max` is
 * then one comparison each. */
static void keep(struct ch_imap_found *found, uint32_t uid)
{
	if (uid <= found->after)
		return;
	if (found->len < found->max) {
		CH_GROW(found->uids, found->len, found->cap);
		found->uids[found->len++] = uid;
		if (found->len == found->max)
			qsort(found->uids, found->len, sizeof(uid), falling);
		return;
	}
	if (uid == found->uids[0])
		return;
	found->more = true;
	if (uid < found->uids[0])
		replace_largest(found->uids, found->len, uid);
}

static int count_search(struct ch_imap_guard *guard, size_t len,
			struct ch_error *err)
{
	if (len > guard->search_left)
		return ch_error_set(err, CH_GIVE_UP, TOO_MUCH);
	guard->search_left -= len;
	return 0;
}

/* Bytes of a SEARCH line, up to its end. Returns how many, or -1. */
static ssize_t take_numbers(struct ch_imap_guard *guard, const char *bytes,
			    size_t len, struct ch_error *err)
{
	size_t i = 0;

	while (i < len && guard->in_search) {
		char c = bytes[i++];

		if (c >= '0' && c <= '9') {
			guard->number = guard->number * 10 +
					(uint64_t)(c - '0');
			if (++guard->digits > 10 ||
			    guard->number > UINT32_MAX)
				return ch_error_set(err, CH_GIVE_UP,
						    "a UID that is none");
			continue;
		}
		if (!strchr(" \r\n", c) || c == '\0')
			return ch_error_set(err, CH_GIVE_UP,
					    "a SEARCH with what is no number");
		if (guard->digits > 0 && guard->found)
			keep(guard->found, (uint32_t)guard->number);
		guard->number = 0;
		guard->digits = 0;
		guard->in_search = c != '\n';
	}
	return count_search(guard, i, err) < 0 ? -1 : (ssize_t)i;
}

/* The line's first bytes tell it: they are held until there are so many. */
static const char search_word[] = "* SEARCH";
#define SEARCH_HEAD (sizeof(search_word)) /* and a space, or its end */

static bool begins_search(const struct ch_imap_guard *guard)
{
	const struct ch_str *line = &guard->line;

	return !guard->within && line->len == SEARCH_HEAD &&
	       strncasecmp(line->data, search_word, SEARCH_HEAD - 1) == 0 &&
	       line->data[SEARCH_HEAD - 1] != '\0' &&
	       strchr(" \r\n", line->data[SEARCH_HEAD - 1]);
}

/* ---- bytes --------------------------------------------------------------- */

/* Account for `len` more bytes of the line. */
static int count_line(struct ch_imap_guard *guard, size_t len,
		      struct ch_error *err)
{
	if (guard->line.len > CH_IMAP_LINE_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "a line longer than %d bytes",
				    CH_IMAP_LINE_MAX);
	if (len > guard->lines_left)
		return ch_error_set(err, CH_GIVE_UP, TOO_MUCH);
	guard->lines_left -= len;
	return 0;
}

static size_t take_literal(struct ch_imap_guard *guard, const char *bytes,
			   size_t len, struct ch_str *out)
{
	if (len > guard->literal_left)
		len = (size_t)guard->literal_left;
	ch_str_add_mem(out, bytes, len);
	guard->literal_left -= len;
	return len;
}

/* Bytes of a line, up to its end. Returns how many, or -1. */
static ssize_t take_line(struct ch_imap_guard *guard, const char *bytes,
			 size_t len, struct ch_str *out, struct ch_error *err)
{
	const char *end = memchr(bytes, '\n', len);
	size_t part = end ? (size_t)(end - bytes) + 1 : len;

	if (guard->line.len < SEARCH_HEAD &&
	    part > SEARCH_HEAD - guard->line.len)
		part = SEARCH_HEAD - guard->line.len;
	if (part > CH_IMAP_LINE_MAX + 1 - guard->line.len)
		part = CH_IMAP_LINE_MAX + 1 - guard->line.len;
	ch_str_add_mem(&guard->line, bytes, part);
	if (begins_search(guard)) {
		guard->in_search = bytes[part - 1] != '\n';
		guard->dropped++;
		ch_str_clear(&guard->line);
		return count_search(guard, SEARCH_HEAD, err) < 0
			       ? -1
			       : (ssize_t)part;
	}
	if (count_line(guard, part, err) < 0)
		return -1;
	if (bytes[part - 1] == '\n' && end_line(guard, out, err) < 0)
		return -1;
	return (ssize_t)part;
}

int ch_imap_guard_feed(struct ch_imap_guard *guard, const char *bytes,
		       size_t len, struct ch_str *out, struct ch_error *err)
{
	while (len > 0) {
		ssize_t took;

		if (guard->literal_left > 0)
			took = (ssize_t)take_literal(guard, bytes, len, out);
		else if (guard->in_search)
			took = take_numbers(guard, bytes, len, err);
		else
			took = take_line(guard, bytes, len, out, err);
		if (took < 0)
			return -1;
		bytes += took;
		len -= (size_t)took;
	}
	return 0;
}
