// SPDX-License-Identifier: GPL-3.0-or-later
/* body-flow.c - render a body as text/plain; format=flowed (RFC 3676).
 *
 * The line under way stands in the output already. Where it grows past the
 * columns it is broken at the last place that allows it, and what stands behind
 * that place moves down: most often nothing, because words come one by one.
 */
#include <string.h>

#include "base/utf8.h"
#include "letter/body-private.h"

/* Characters that may not begin a line of Chinese, and those that may not end
 * one (the prohibitions of GB/T 15834-2011 and of typesetters). */
static const uint32_t no_start[] = {
	'!',	')',	',',	'.',	':',	';',	'?',	']',	'}',
	'%',	0xB0,	0xB7,	0xBB,	0x2014, 0x2019, 0x201D, 0x2026, 0x2030,
	0x203A, 0x2103, 0x3001, 0x3002, 0x3005, 0x3009, 0x300B, 0x300D, 0x300F,
	0x3011, 0x3015, 0x3017, 0x301E, 0x30FB, 0xFF01, 0xFF05, 0xFF09, 0xFF0C,
	0xFF0E, 0xFF1A, 0xFF1B, 0xFF1F, 0xFF3D, 0xFF5D, 0xFF5E,
};
static const uint32_t no_end[] = {
	'#',	'$',	'(',	'[',	'{',	0xA3,	0xA5,	0xAB,	0x2018,
	0x201C, 0x2039, 0x2116, 0x3008, 0x300A, 0x300C, 0x300E, 0x3010, 0x3014,
	0x3016, 0x301D, 0xFF04, 0xFF08, 0xFF3B, 0xFF5B, 0xFFE5,
};

static bool is_in(const uint32_t *table, size_t count, uint32_t cp)
{
	for (size_t i = 0; i < count && table[i] <= cp; i++)
		if (table[i] == cp)
			return true;
	return false;
}

bool ch_body_may_break(uint32_t before, uint32_t after)
{
	bool wide = ch_utf8_width(after) == 2;

	if (!wide && ch_utf8_width(before) < 2)
		return false;
	if (wide && before >= '0' && before <= '9')
		return false;
	return before > ' ' && after > ' ' && ch_utf8_width(after) > 0 &&
	       !is_in(no_start, CH_COUNT(no_start), after) &&
	       !is_in(no_end, CH_COUNT(no_end), before);
}

struct writer {
	const struct ch_body *body;
	struct ch_str *out;
	size_t base;         /* where the body begins in `out` */
	size_t block_start;  /* before the blank line */
	size_t text_start;   /* behind the prefix */
	size_t line_start;
	size_t line_text;    /* behind the line's indent */
	size_t column;       /* in cells */
	size_t widest;       /* of the block's lines before this one, in cells */
	size_t break_from;   /* the spaces at which the line may break … */
	size_t break_to;     /* … end here; 0: none */
	size_t break_column; /* cells up to break_to */
	size_t indent;
	bool fixed;
	bool delsp;
	uint32_t last; /* in Chinese: the character before, ' ' if none */
};

/* Make `len` bytes at `at` out of `old` bytes there. NULL: no room. */
static char *resize_gap(struct ch_str *out, size_t at, size_t old, size_t len)
{
	size_t tail = out->len - at - old;
	char *from;

	if (len > old && !ch_str_room(out, len - old))
		return NULL;
	from = out->data + at;
	memmove(from + len, from + old, tail);
	out->len = at + len + tail;
	out->data[out->len] = '\0';
	return from;
}

/* Space-stuffing (RFC 3676 section 4.4). Returns the bytes added. */
static size_t stuff(struct writer *w)
{
	size_t len = w->out->len - w->line_start;
	const char *line;
	char *gap;

	if (len == 0)
		return 0;
	line = w->out->data + w->line_start;
	if (!(line[0] == ' ' || line[0] == '>' ||
			  (len >= 5 && memcmp(line, "From ", 5) == 0)))
		return 0;
	gap = resize_gap(w->out, w->line_start, 0, 1);
	if (!gap)
		return 0;
	*gap = ' ';
	return 1;
}

static void start_line(struct writer *w, size_t at, size_t text)
{
	w->line_start = at;
	w->line_text = text;
	w->break_to = 0;
}

/* The last line of a stretch: no space may end it, or it would be flowed. */
static void finish_line(struct writer *w)
{
	size_t len = w->out->len;

	while (len > w->line_start && w->out->data[len - 1] == ' ')
		len--;
	ch_str_truncate(w->out, len);
	stuff(w);
	ch_str_add_char(w->out, '\n');
}

/* Whether the line up to its break is "--": with the space of a soft break it
 * would be a signature's (RFC 3676 section 4.3). */
static bool is_signature(const struct writer *w)
{
	return w->break_from - w->line_start == 2 &&
	       memcmp(w->out->data + w->line_start, "--", 2) == 0;
}

static void note_width(struct writer *w, size_t column)
{
	if (column > w->widest)
		w->widest = column;
}

/* Break the line under way at its last place. A flowed line keeps its spaces;
 * with DelSp the last one is taken away when lines are joined, so one is
 * added. */
static void break_line(struct writer *w)
{
	size_t at = w->fixed ? w->break_from : w->break_to;
	size_t old = w->break_to - at;
	size_t spaces = !w->fixed && w->delsp;
	size_t added;
	char *gap;

	if (!w->fixed && is_signature(w)) {
		w->break_to = 0;
		return;
	}
	added = stuff(w);
	at += added;
	gap = resize_gap(w->out, at, old, spaces + 1 + w->indent);
	if (!gap)
		return;
	if (spaces)
		*gap++ = ' ';
	*gap++ = '\n';
	memset(gap, ' ', w->indent);
	note_width(w, w->break_column);
	w->column = w->column - w->break_column + w->indent;
	at += spaces + 1;
	start_line(w, at, at + w->indent);
}

static void write_piece(struct writer *w, const char *bytes, size_t len,
			size_t width)
{
	ch_str_add_mem(w->out, bytes, len);
	w->column += width;
	if (w->column > CH_BODY_COLUMNS && w->break_to)
		break_line(w);
}

static void mark_break(struct writer *w)
{
	if (w->out->len == w->line_text)
		return;
	w->break_from = w->break_to = w->out->len;
	w->break_column = w->column;
}

/* A space is where lines break; none begins a line. */
static void write_space(struct writer *w)
{
	w->last = ' ';
	if (w->out->len == w->line_text)
		return;
	if (w->out->data[w->out->len - 1] != ' ' || !w->break_to)
		w->break_from = w->out->len;
	ch_str_add_char(w->out, ' ');
	w->column++;
	w->break_to = w->out->len;
	w->break_column = w->column;
}

static void write_hard(struct writer *w)
{
	size_t at;
	char *room;

	note_width(w, w->column);
	finish_line(w);
	at = w->out->len;
	room = ch_str_room(w->out, w->indent);
	if (room) {
		memset(room, ' ', w->indent);
		ch_str_grew(w->out, w->indent);
	}
	start_line(w, at, w->out->len);
	w->column = w->indent;
	w->last = ' ';
}

/* A stretch of a value without line ends. Pieces go out at spaces and, in
 * Chinese, wherever a line may break. */
static void write_run(struct writer *w, struct ch_slice run)
{
	size_t from = 0;
	size_t width = 0;

	for (size_t at = 0; at < run.len;) {
		uint32_t cp;
		size_t n = ch_utf8_decode(run.data + at, run.len - at, &cp);
		bool bad = n == 0 || (cp != '\t' && ch_utf8_is_control(cp));
		bool space = !bad && (cp == ' ' || cp == '\t');
		bool breaks = w->body->wide && !bad && ch_body_may_break(w->last, cp);

		n = n ? n : 1;
		if (bad || space || breaks) {
			write_piece(w, run.data + from, at - from, width);
			from = bad || space ? at + n : at;
			width = 0;
		}
		if (bad)
			write_piece(w, "\xEF\xBF\xBD", 3, 1);
		else if (space)
			write_space(w);
		else if (breaks)
			mark_break(w);
		if (!bad && !space) {
			width += (size_t)ch_utf8_width(cp);
			w->last = cp;
		}
		at += n;
	}
	write_piece(w, run.data + from, run.len - from, width);
}

static void write_value(struct writer *w, struct ch_slice value)
{
	struct ch_slice line, run;
	bool first = true;
	bool again = false;

	while (ch_body_next_line(&value, &first, &line)) {
		bool isolate = ch_body_isolates(w->body, line);
		unsigned int depth = 0;

		if (again)
			write_hard(w);
		again = true;
		if (isolate)
			write_piece(w, BODY_FSI, 3, 0);
		while (ch_body_next_run(&line, &depth, &run))
			write_run(w, run);
		for (; depth > 0; depth--)
			write_piece(w, BODY_PDI, 3, 0);
		if (isolate)
			write_piece(w, BODY_PDI, 3, 0);
	}
}

static void write_url_value(struct writer *w, const struct text_op *op,
			    struct ch_slice value)
{
	size_t before = w->out->len;

	if (op->url == URL_WHOLE && value.len > 7 &&
	    ch_body_url_shown(value.data) != value.data)
		value = (struct ch_slice){ value.data + 7, value.len - 7 };
	ch_body_add_url_value(w->out, value, op->url);
	/* In ASCII, and so as wide as it is long. */
	write_piece(w, "", 0, w->out->len - before);
}

static void begin(struct writer *w, const struct text_op *op)
{
	size_t at;

	w->block_start = w->out->len;
	if ((op->flags & TEXT_BLANK) && w->out->len > w->base)
		ch_str_add_char(w->out, '\n');
	w->fixed = op->flags & TEXT_FIXED;
	w->indent = op->indent;
	at = w->out->len;
	ch_str_add_mem(w->out, ch_str_cstr(&w->body->text_bytes) + op->offset, op->len);
	start_line(w, at, w->out->len);
	w->column = op->width;
	w->widest = 0;
	w->text_start = w->out->len;
	w->last = ' ';
}

/* Three at least: two hyphens alone are the beginning of a signature. */
static void underline(struct writer *w, char c)
{
	size_t width = w->widest < CH_BODY_COLUMNS ? w->widest :
						     CH_BODY_COLUMNS;

	for (size_t i = 0; i < width || i < 3; i++)
		ch_str_add_char(w->out, c);
	ch_str_add_char(w->out, '\n');
}

/* A paragraph of empty values leaves no blank lines behind. */
static void end(struct writer *w, const struct text_op *op)
{
	if (w->out->len == w->text_start && w->indent == 0) {
		ch_str_truncate(w->out, w->block_start);
		return;
	}
	note_width(w, w->column);
	finish_line(w);
	if (op->first)
		underline(w, (char)op->first);
}

static void write_static(struct writer *w, const struct text_op *op)
{
	if ((op->flags & TEXT_BREAK) ||
	    ((op->flags & TEXT_JUNCTION) && ch_body_may_break(w->last, op->first)))
		mark_break(w);
	write_piece(w, ch_str_cstr(&w->body->text_bytes) + op->offset, op->len,
		    op->width);
	w->last = op->last;
}

static void write_block(struct writer *w, const struct text_op *op)
{
	size_t len = w->delsp ? op->delsp_len : op->len;

	if (len == 0)
		return;
	if ((op->flags & TEXT_BLANK) && w->out->len > w->base)
		ch_str_add_char(w->out, '\n');
	ch_str_add_mem(w->out,
		       ch_str_cstr(&w->body->text_bytes) +
			       (w->delsp ? op->delsp_offset : op->offset),
		       len);
}

static void write_op(struct writer *w, const struct text_op *op,
		     const struct ch_slice *values)
{
	switch (op->kind) {
	case TEXT_BEGIN:
		begin(w, op);
		break;
	case TEXT_END:
		end(w, op);
		break;
	case TEXT_PIECE:
		write_static(w, op);
		break;
	case TEXT_SPACE:
		write_space(w);
		break;
	case TEXT_HARD:
		write_hard(w);
		break;
	case TEXT_VALUE:
		write_value(w, values[op->slot]);
		break;
	case TEXT_URL_VALUE:
		write_url_value(w, op, values[op->slot]);
		break;
	case TEXT_BLOCK:
		write_block(w, op);
		break;
	}
}

/* The operation behind the block that begins at `from`, if it has no value;
 * else 0. */
static size_t settled_end(const struct ch_body *body, size_t from)
{
	for (size_t i = from; i < body->text_len; i++) {
		const struct text_op *op = &body->text[i];

		if (op->kind == TEXT_VALUE || op->kind == TEXT_URL_VALUE)
			return 0;
		if (op->kind == TEXT_END)
			return i + 1;
	}
	return 0;
}

/* Write the operations of a block behind the bytes there are. */
static void settle(struct ch_body *body, size_t from, size_t end, bool delsp,
		   uint32_t *ret_offset, uint32_t *ret_len)
{
	CH_AUTO(ch_str) block = CH_STR_INIT(body->text_bytes.max);
	struct writer w = { .body = body, .out = &block, .delsp = delsp };

	for (size_t i = from; i < end; i++)
		write_op(&w, &body->text[i], NULL);
	*ret_offset = (uint32_t)body->text_bytes.len;
	*ret_len = (uint32_t)block.len;
	ch_str_add_mem(&body->text_bytes, ch_str_cstr(&block), block.len);
}

void ch_body_settle_text(struct ch_body *body)
{
	size_t kept = 0;

	for (size_t i = 0; i < body->text_len;) {
		struct text_op op = body->text[i];
		size_t end = op.kind == TEXT_BEGIN ? settled_end(body, i) : 0;

		if (!end) {
			body->text[kept++] = body->text[i++];
			continue;
		}
		op.kind = TEXT_BLOCK;
		settle(body, i, end, false, &op.offset, &op.len);
		settle(body, i, end, true, &op.delsp_offset, &op.delsp_len);
		body->text[kept++] = op;
		i = end;
	}
	body->text_len = kept;
}

void ch_body_text_among(const struct ch_body *body,
			const struct ch_slice *values, bool delsp,
			struct ch_str *out)
{
	struct writer w = {
		.body = body, .out = out, .base = out->len, .delsp = delsp
	};
	bool skip = false; /* the link under way has no address */

	for (size_t i = 0; i < body->text_len; i++) {
		const struct text_op *op = &body->text[i];

		if (op->kind == TEXT_LINK)
			skip = op->slot != UINT32_MAX &&
			       !ch_body_url_ok(values[op->slot]);
		else if (op->kind == TEXT_LINK_END)
			skip = false;
		else if (!skip)
			write_op(&w, op, values);
	}
}

void ch_body_text(const struct ch_body *body, const struct ch_slice *values,
		  struct ch_str *out, bool *ret_delsp)
{
	ch_body_text_among(body, values, body->wide, out);
	*ret_delsp = body->wide;
}

bool ch_body_delsp(const struct ch_body *body)
{
	return body->wide;
}

void ch_body_text_divider(struct ch_slice label, struct ch_str *out)
{
	ch_str_add(out, "\n" BODY_RULE "\n\n");
	/* A label is a line of its own and shorter than one. */
	if (label.len > 0 && (label.data[0] == ' ' || label.data[0] == '>'))
		ch_str_add_char(out, ' ');
	ch_str_add_mem(out, label.data, label.len);
	while (out->len && out->data[out->len - 1] == ' ')
		ch_str_truncate(out, out->len - 1);
	ch_str_add(out, "\n\n");
}
