// SPDX-License-Identifier: GPL-3.0-or-later
/* page-zone.c - the parts of a letter, each in its place and manner.
 *
 * Parts stand one below the other in the order of the source, with two
 * exceptions: a picture stands beside the text of the letterhead, and reference
 * and addressee, where they follow each other, stand side by side.
 */
#include <stdlib.h>
#include <string.h>

#include "letter/page-private.h"

struct section {
	enum ch_page_zone zone;
	size_t from, to; /* steps */
};

/* Where blocks go. */
struct column {
	struct page_job *job;
	enum ch_page_zone zone;
	double x, width;
	struct page_look look;
	double gap;    /* between its paragraphs */
	double before; /* space above the next box */
	bool keep;     /* the next box, with the one before */
	bool keep_all;
	bool in_list;
	struct page_text *label; /* of the item under way; or NULL */
	double label_x;
};

static double em(const struct page_job *job)
{
	return job->language->size;
}

/* ---- boxes ------------------------------------------------------------ */

static struct page_item *add_item(struct page_job *job,
				  enum page_item_kind kind, double x, double y)
{
	struct page_flow *flow = &job->flow;
	struct page_item *item;

	CH_GROW(flow->items, flow->items_len, flow->items_cap);
	item = &flow->items[flow->items_len++];
	*item = (struct page_item){ .kind = kind, .x = x, .y = y };
	return item;
}

static void add_tag(struct page_job *job, enum page_item_kind kind,
		    const char *tag)
{
	add_item(job, kind, 0, 0)->tag = tag;
}

/* A box of the items added since the last one. */
static void add_box(struct page_job *job, double before, double height,
		    bool keep)
{
	struct page_flow *flow = &job->flow;

	CH_GROW(flow->boxes, flow->boxes_len, flow->boxes_cap);
	flow->boxes[flow->boxes_len++] = (struct page_box){
		.before = before,
		.height = height,
		.keep = keep,
		.items_end = flow->items_len,
	};
}

static size_t items_start(const struct page_flow *flow, size_t box)
{
	return box ? flow->boxes[box - 1].items_end : 0;
}

/* Make one box of all from `first` on; those from `second` on begin again at
 * its top. It is at least `least` high. */
static void stand_beside(struct page_job *job, size_t first, size_t second,
			 double before, double least)
{
	struct page_flow *flow = &job->flow;
	double y = 0;
	double height = least;

	for (size_t i = first; i < flow->boxes_len; i++) {
		const struct page_box *box = &flow->boxes[i];

		y = i == second ? 0 : y + (i == first ? 0 : box->before);
		for (size_t j = items_start(flow, i); j < box->items_end; j++)
			flow->items[j].y += y;
		y += box->height;
		height = y > height ? y : height;
	}
	flow->boxes_len = first;
	add_box(job, before, height, false);
}

/* ---- lines ------------------------------------------------------------ */

static double line_x(const struct page_text *text, PangoLayoutLine *line,
		     bool first)
{
	PangoAlignment align = pango_layout_get_alignment(text->layout);
	double indent = first ? (double)pango_layout_get_indent(text->layout) /
					PANGO_SCALE
			      : 0;
	PangoRectangle extents;
	double rest;

	pango_layout_line_get_extents(line, NULL, &extents);
	rest = text->width - (double)extents.width / PANGO_SCALE;
	if (text->width <= 0)
		return 0;
	return align == PANGO_ALIGN_LEFT    ? indent
	       : align == PANGO_ALIGN_RIGHT ? rest - indent
					    : rest / 2;
}

/* Lines stand in the middle of their leading. */
#define BASELINE 0.745

static void add_line(struct page_job *job, struct page_text *text, int number,
		     double x, double y)
{
	PangoLayoutLine *line =
		pango_layout_get_line_readonly(text->layout, number);
	struct page_item *item =
		add_item(job, PAGE_LINE, x + line_x(text, line, number == 0),
			 y + BASELINE * text->leading);

	item->text = text;
	item->line = line;
}

/* The label stands on the first line of its item. */
static void add_label(struct column *column)
{
	struct page_job *job = column->job;

	if (!column->label)
		return;
	column->label->tag = "Lbl";
	add_line(job, column->label, 0, column->label_x, 0);
	add_tag(job, PAGE_OPEN, "LBody");
	column->label = NULL;
}

/* One box for each line. Two lines at least stay together at either end of a
 * paragraph, so three are never divided. */
static void place(struct column *column, struct page_text *text)
{
	int lines = pango_layout_get_line_count(text->layout);

	add_label(column);
	for (int i = 0; i < lines; i++) {
		bool keep = i == 0 ? column->keep
				   : lines <= 3 || i == 1 || i == lines - 1;

		add_line(column->job, text, i, column->x, 0);
		add_box(column->job, i == 0 ? column->before : 0,
			text->leading, keep);
	}
	column->before = column->gap;
	column->keep = column->keep_all;
}

/* What the block says, in one line. */
static char *bookmark_of(const struct page_text *text)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	const char *p = pango_layout_get_text(text->layout);

	for (; *p; p = ch_page_next(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c == 0x2028)
			c = ' ';
		if (c != 0xAD && !(c >= 0x2066 && c <= 0x2069))
			ch_str_add_utf8(&out, c);
	}
	return ch_str_take(&out);
}

static void set_block(struct column *column, size_t *at)
{
	static const char *const tags[] = { "H1", "H2", "H3", "H4", "H5",
					    "H6" };
	unsigned int level = column->job->form->steps[*at].number;
	struct page_look look = column->look;
	struct page_text *text;

	if (level > 0) {
		look.bold = true;
		look.justify = false;
		look.indent = 0;
		if (level < 3)
			look.scale *= 1.1;
	}
	text = ch_page_text_block(column->job, at, &look, column->width);
	if (!text)
		return;
	if (column->zone == CH_ZONE_SUBJECT)
		level = 1;
	else if (level > 0)
		column->before += column->gap / 2;
	if (level > 0) {
		text->tag = tags[level - 1];
		text->bookmark = bookmark_of(text);
		text->bookmark_level = column->zone == CH_ZONE_SUBJECT
					       ? 0
					       : (int)level;
	}
	place(column, text);
	column->keep |= level > 0;
}

/* ---- lists ------------------------------------------------------------ */

static void set_blocks(struct column *column, size_t *at, size_t to);

static void begin_item(struct column *column, const struct column *outer,
		       size_t at, double indent)
{
	struct page_job *job = column->job;
	const struct ch_page_step *step = &job->form->steps[at];
	struct page_look look = outer->look;
	CH_AUTOCHAR label = ch_xstrndup(
		ch_str_cstr(&job->form->bytes) + step->offset, step->len);
	double width;

	look.justify = false;
	look.indent = 0;
	column->label = ch_page_text_words(job, label, &look, 0);
	width = ch_page_text_width(column->label);
	column->label_x = job->language->rtl
				  ? outer->x + outer->width - indent +
					    0.5 * em(job)
				  : outer->x + indent - 0.5 * em(job) - width;
	add_tag(job, PAGE_OPEN, "LI");
}

/* An item without any block still has its label. */
static void end_item(struct column *column)
{
	struct page_job *job = column->job;
	double leading;

	if (column->label) {
		leading = column->label->leading;
		add_label(column);
		add_box(job, column->before, leading, false);
		column->before = column->gap;
	}
	add_tag(job, PAGE_CLOSE, "LBody");
	add_tag(job, PAGE_CLOSE, "LI");
}

static void set_list(struct column *column, size_t *at)
{
	struct page_job *job = column->job;
	const struct ch_page_step *steps = job->form->steps;
	struct column inner = *column;
	double indent = em(job) * (1.6 + 0.55 * steps[*at].number);

	if (job->language->wide && !column->in_list)
		indent += 1.2 * em(job);
	inner.width -= indent;
	inner.x += job->language->rtl ? 0 : indent;
	inner.look.indent = 0;
	inner.gap = 0.25 * em(job);
	inner.before = column->in_list ? inner.gap : column->before;
	inner.in_list = true;
	add_tag(job, PAGE_OPEN, "L");
	for (++*at; steps[*at].kind != CH_PAGE_LIST_END && !job->failed;) {
		begin_item(&inner, column, (*at)++, indent);
		set_blocks(&inner, at, SIZE_MAX);
		end_item(&inner);
	}
	++*at;
	add_tag(job, PAGE_CLOSE, "L");
	column->before = column->gap;
	column->keep = column->keep_all;
}

static void set_quote(struct column *column, size_t *at)
{
	struct column inner = *column;

	inner.x += 2 * em(column->job);
	inner.width -= 4 * em(column->job);
	++*at;
	add_tag(column->job, PAGE_OPEN, "BlockQuote");
	set_blocks(&inner, at, SIZE_MAX);
	add_tag(column->job, PAGE_CLOSE, "BlockQuote");
	column->before = inner.before;
	column->keep = inner.keep;
	column->label = inner.label;
}

static void add_rule(struct column *column, double space)
{
	add_item(column->job, PAGE_RULE, column->x, 0)->width = column->width;
	add_box(column->job, space, 0.6, true);
	column->before = space;
}

/* ---- tables ----------------------------------------------------------- */

struct table {
	char columns[32]; /* "l", "c", "r" for each */
	size_t count;
	double widths[32];
	double gap;
};

static struct page_look cell_look(const struct column *column,
				  const struct table *table, size_t number,
				  bool head)
{
	struct page_look look = column->look;
	char c = table->columns[number];

	look.justify = false;
	look.indent = 0;
	look.scale *= 0.93;
	look.bold = head;
	look.align = c == 'c'	? PANGO_ALIGN_CENTER
		     : c == 'r' ? PANGO_ALIGN_RIGHT
				: PANGO_ALIGN_LEFT;
	return look;
}

/* How wide each column would like to be. */
static void measure(struct column *column, struct table *table, size_t at)
{
	const struct ch_page_step *steps = column->job->form->steps;
	size_t number = 0;
	bool head = false;

	while (steps[at].kind != CH_PAGE_TABLE_END) {
		if (steps[at].kind == CH_PAGE_ROW) {
			head = steps[at].number;
			number = 0;
		}
		if (steps[at].kind == CH_PAGE_BLOCK) {
			struct page_look look =
				cell_look(column, table, number, head);
			struct page_text *text = ch_page_text_block(
				column->job, &at, &look, 0);
			double width = text ? ch_page_text_width(text) + 1 : 0;

			if (width > table->widths[number])
				table->widths[number] = width;
			number++;
			continue;
		}
		at++;
	}
}

/* Columns that do not fit give way, the wide ones first. */
static void fit(struct table *table, double width)
{
	double room = width - table->gap * (double)(table->count - 1);
	double sum = 0, narrow = 0;
	double share = room / (double)table->count;

	for (size_t i = 0; i < table->count; i++) {
		sum += table->widths[i];
		if (table->widths[i] <= share)
			narrow += table->widths[i];
	}
	if (sum <= room)
		return;
	for (size_t i = 0; i < table->count; i++) {
		if (table->widths[i] > share)
			table->widths[i] *= (room - narrow) / (sum - narrow);
	}
}

static double cell_x(const struct column *column, const struct table *table,
		     size_t number)
{
	double x = 0;

	for (size_t i = 0; i < number; i++)
		x += table->widths[i] + table->gap;
	return column->job->language->rtl
		       ? column->x + column->width - x - table->widths[number]
		       : column->x + x;
}

static double set_cell(struct column *column, const struct table *table,
		       size_t number, bool head, size_t *at)
{
	struct page_job *job = column->job;
	struct page_look look = cell_look(column, table, number, head);
	struct page_text *text =
		ch_page_text_block(job, at, &look, table->widths[number]);
	int lines = text ? pango_layout_get_line_count(text->layout) : 0;

	add_tag(job, PAGE_OPEN, head ? "TH" : "TD");
	for (int i = 0; i < lines; i++)
		add_line(job, text, i, cell_x(column, table, number),
			 i * text->leading);
	add_tag(job, PAGE_CLOSE, head ? "TH" : "TD");
	return lines ? lines * text->leading : 0;
}

static void set_row(struct column *column, const struct table *table,
		    size_t *at)
{
	struct page_job *job = column->job;
	const struct ch_page_step *steps = job->form->steps;
	bool head = steps[*at].number;
	double height = em(job) * column->look.scale;
	size_t number = 0;

	add_label(column);
	add_tag(job, PAGE_OPEN, "TR");
	while (steps[*at].kind != CH_PAGE_ROW_END) {
		double cell;

		if (steps[*at].kind != CH_PAGE_BLOCK) {
			++*at;
			continue;
		}
		cell = set_cell(column, table, number++, head, at);
		height = cell > height ? cell : height;
	}
	add_tag(job, PAGE_CLOSE, "TR");
	add_item(job, PAGE_RULE, column->x, height + 1.5)->width =
		column->width;
	add_box(job, column->before, height + 2, column->keep);
	column->before = 2;
	column->keep = head || column->keep_all;
}

static void set_table(struct column *column, size_t *at)
{
	struct page_job *job = column->job;
	const struct ch_page_step *step = &job->form->steps[*at];
	struct table table = { .count = step->number,
			       .gap = 1.4 * em(job) };
	double used = 0;
	struct column inner = *column;

	memcpy(table.columns, ch_str_cstr(&job->form->bytes) + step->offset,
	       step->len);
	measure(column, &table, *at);
	fit(&table, column->width);
	for (size_t i = 0; i < table.count; i++)
		used += table.widths[i] + (i ? table.gap : 0);
	inner.x += job->language->rtl ? column->width - used : 0;
	inner.width = used;
	add_tag(job, PAGE_OPEN, "Table");
	while (job->form->steps[*at].kind != CH_PAGE_TABLE_END) {
		if (job->form->steps[*at].kind == CH_PAGE_ROW)
			set_row(&inner, &table, at);
		++*at;
	}
	++*at;
	add_tag(job, PAGE_CLOSE, "Table");
	column->label = inner.label;
	column->before = column->gap;
	column->keep = column->keep_all;
}

/* ---- blocks ----------------------------------------------------------- */

/* All blocks up to step `to`, or to the end of what is around them. */
static void set_blocks(struct column *column, size_t *at, size_t to)
{
	const struct ch_page_form *form = column->job->form;

	while (*at < to && *at < form->len && !column->job->failed) {
		switch (form->steps[*at].kind) {
		case CH_PAGE_BLOCK:
			set_block(column, at);
			break;
		case CH_PAGE_LIST:
			set_list(column, at);
			break;
		case CH_PAGE_QUOTE:
			set_quote(column, at);
			break;
		case CH_PAGE_TABLE:
			set_table(column, at);
			break;
		case CH_PAGE_ITEM_END:
		case CH_PAGE_QUOTE_END:
			++*at;
			return;
		case CH_PAGE_RULE:
			add_rule(column, em(column->job));
			++*at;
			break;
		default: /* a mark inside a list or quote */
			++*at;
			break;
		}
	}
}

/* ---- parts ------------------------------------------------------------ */

struct parts {
	struct page_job *job;
	double before; /* space above the next part */
	bool keep;     /* it, with what is above */
	struct section *sections; /* owned */
	size_t len, cap;
};

/* Part of the page's width, counted from where lines start. */
static struct column column_of(const struct parts *parts,
			       const struct section *section, double from,
			       double share)
{
	struct page_job *job = parts->job;
	const struct ch_page_setter *setter = job->setter;
	double width = setter->width - setter->left - setter->right;

	if (job->language->rtl)
		from = 1 - from - share;
	return (struct column){
		.job = job,
		.zone = section->zone,
		.x = setter->left + from * width,
		.width = share * width,
		.look = { .scale = 1, .align = PANGO_ALIGN_LEFT },
		.gap = 0.4 * em(job),
		.before = parts->before,
		.keep = parts->keep,
	};
}

static void set_part(struct parts *parts, struct column *column,
		     const struct section *section, double after)
{
	size_t at = section->from;
	size_t boxes = parts->job->flow.boxes_len;

	set_blocks(column, &at, section->to);
	if (parts->job->flow.boxes_len == boxes)
		return;
	parts->before = after;
	parts->keep = false;
}

static void set_body(struct parts *parts, const struct section *section)
{
	struct page_job *job = parts->job;
	struct column column = column_of(parts, section, 0, 1);
	bool wide = job->language->wide;

	column.look.justify = true;
	column.look.indent = wide ? 2 * em(job) : 0;
	column.gap = wide ? 0.15 * em(job) : 0.65 * em(job);
	set_part(parts, &column, section, 1.2 * em(job));
}

static void set_subject(struct parts *parts, const struct section *section)
{
	struct column column = column_of(parts, section, 0, 1);

	column.look.bold = true;
	set_part(parts, &column, section, 1.4 * em(parts->job));
	parts->keep = true;
}

static void set_salutation(struct parts *parts, const struct section *section)
{
	struct column column = column_of(parts, section, 0, 1);

	set_part(parts, &column, section,
		 (parts->job->language->wide ? 0.15 : 0.65) * em(parts->job));
	parts->keep = true;
}

static void set_small(struct parts *parts, const struct section *section,
		      double from, double share, double scale)
{
	struct column column = column_of(parts, section, from, share);

	column.look.scale = scale;
	column.before += 0.6 * em(parts->job);
	set_part(parts, &column, section, em(parts->job));
}

static void place_image(struct page_job *job, const struct ch_page_image *image,
			double x, double width, double height)
{
	struct page_item *item = add_item(job, PAGE_IMAGE, x, 0);

	item->image = image;
	item->width = width;
	item->height = height;
}

/* Room for a hand, or the picture of what it wrote; then the name. */
static void set_signature(struct parts *parts, const struct section *section)
{
	struct page_job *job = parts->job;
	const struct ch_page_image *image = job->letter->signature;
	struct column column = column_of(parts, section, 0.52, 0.48);
	double width, height;

	if (image) {
		ch_page_image_size(image, &width, &height);
		width *= 16 * MM / height;
		height = 16 * MM;
		if (width > column.width) {
			height *= column.width / width;
			width = column.width;
		}
		place_image(job, image,
			    job->language->rtl
				    ? column.x + column.width - width
				    : column.x,
			    width, height);
		add_box(job, parts->before, height, true);
		column.before = 2 * MM;
	} else {
		column.before = 15 * MM;
	}
	column.keep = true;
	column.keep_all = true;
	set_part(parts, &column, section, 2 * em(job));
}

static void set_kept(struct parts *parts, const struct section *section)
{
	struct column column = column_of(parts, section, 0, 1);

	column.look.scale = 0.9;
	column.gap = 0.3 * em(parts->job);
	column.keep_all = true;
	set_part(parts, &column, section, em(parts->job));
}

/* ---- the letterhead --------------------------------------------------- */

#define BANNER 4.0 /* a picture wider than this times its height */

static bool has_rule(const struct page_job *job, const struct section *section)
{
	for (size_t i = section->from; i < section->to; i++) {
		if (job->form->steps[i].kind == CH_PAGE_RULE)
			return true;
	}
	return false;
}

/* Beside its text where it is a mark, in the middle where there is no text,
 * above it where it is a banner. Returns the width that the text has to leave.
 */
static double set_picture(struct parts *parts, const struct column *column,
			  bool alone)
{
	struct page_job *job = parts->job;
	const struct ch_page_image *image = job->letter->letterhead;
	double width, height;

	if (!image)
		return 0;
	ch_page_image_size(image, &width, &height);
	if (width / height > BANNER) {
		place_image(job, image, column->x, column->width,
			    column->width * height / width);
		add_box(job, 0, column->width * height / width, false);
		parts->before = 3 * MM;
		return 0;
	}
	width *= 24 * MM / height;
	place_image(job, image,
		    alone		 ? column->x + (column->width - width) / 2
		    : job->language->rtl ? column->x + column->width - width
					 : column->x,
		    width, 24 * MM);
	add_box(job, 0, 24 * MM, false);
	parts->before = alone ? 6 * MM : 0;
	return alone ? 0 : width + 6 * MM;
}

/* The text without its rules. */
static void set_head_text(struct column *column, const struct section *section)
{
	size_t at = section->from;

	while (at < section->to) {
		size_t end = at;

		while (end < section->to &&
		       column->job->form->steps[end].kind != CH_PAGE_RULE)
			end++;
		set_blocks(column, &at, end);
		if (at <= end) /* else the rule was one inside a list */
			at = end + 1;
	}
}

static void set_letterhead(struct parts *parts, const struct section *section)
{
	struct page_job *job = parts->job;
	struct column column = column_of(parts, section, 0, 1);
	size_t first = job->flow.boxes_len;
	double aside = set_picture(parts, &column,
				   section->from == section->to);
	size_t second = job->flow.boxes_len;
	struct column text = column;

	text.before = parts->before;
	text.width -= aside;
	text.x += job->language->rtl ? 0 : aside;
	text.look.scale = 0.82;
	text.look.grey = 0.25;
	text.look.strong_scale = 1.15;
	text.gap = 0.2 * em(job);
	set_head_text(&text, section);
	if (aside > 0)
		stand_beside(job, first, second, 0, 0);
	if (has_rule(job, section))
		add_rule(&column, 2.5 * MM);
	parts->before = 6 * MM;
	parts->keep = false;
}

/* ---- all of it -------------------------------------------------------- */

/* Where lines of an address start in Chinese, the addressee comes first. */
static void set_beside(struct parts *parts, const struct section *a,
		       const struct section *b)
{
	struct page_job *job = parts->job;
	const struct section *addressee = a->zone == CH_ZONE_ADDRESSEE ? a : b;
	const struct section *reference = addressee == a ? b : a;
	bool wide = job->language->wide;
	double before = parts->before;
	size_t first = job->flow.boxes_len;
	size_t second;
	struct column column = column_of(parts, reference, wide ? 0.58 : 0,
					 wide ? 0.42 : 0.48);

	column.look.scale = 0.95;
	set_part(parts, &column, reference, 0);
	second = job->flow.boxes_len;
	column = column_of(parts, addressee, wide ? 0 : 0.52,
			   wide ? 0.55 : 0.48);
	set_part(parts, &column, addressee, 0);
	if (job->flow.boxes_len > first)
		stand_beside(job, first, second, before, 0);
	parts->before = 1.8 * em(job);
}

static void set_section(struct parts *parts, const struct section *section)
{
	switch (section->zone) {
	case CH_ZONE_LETTERHEAD:
		set_letterhead(parts, section);
		break;
	case CH_ZONE_REFERENCE:
		set_small(parts, section, 0, 0.6, 0.95);
		parts->before += em(parts->job);
		break;
	case CH_ZONE_DATE:
		set_small(parts, section, 0.52, 0.48, 1);
		break;
	case CH_ZONE_ADDRESSEE:
		parts->before += em(parts->job);
		set_small(parts, section, 0, 0.6, 1);
		break;
	case CH_ZONE_SUBJECT:
		set_subject(parts, section);
		break;
	case CH_ZONE_SALUTATION:
		set_salutation(parts, section);
		break;
	case CH_ZONE_SIGNATURE:
		set_signature(parts, section);
		break;
	case CH_ZONE_ANNEXES:
	case CH_ZONE_COPIES:
		set_kept(parts, section);
		break;
	default:
		set_body(parts, section);
		break;
	}
}

static void add_section(struct parts *parts, enum ch_page_zone zone,
			size_t from, size_t to)
{
	if (from == to)
		return;
	CH_GROW(parts->sections, parts->len, parts->cap);
	parts->sections[parts->len++] = (struct section){ zone, from, to };
}

/* A mark inside a list or quote divides nothing. */
static void find_sections(struct parts *parts)
{
	const struct ch_page_form *form = parts->job->form;
	enum ch_page_zone zone = CH_ZONE_BODY;
	size_t from = 0;
	int depth = 0;

	for (size_t i = 0; i < form->len; i++) {
		enum ch_page_step_kind kind = form->steps[i].kind;

		depth += (kind == CH_PAGE_LIST || kind == CH_PAGE_QUOTE) -
			 (kind == CH_PAGE_LIST_END ||
			  kind == CH_PAGE_QUOTE_END);
		if (kind != CH_PAGE_ZONE || depth > 0)
			continue;
		add_section(parts, zone, from, i);
		zone = (enum ch_page_zone)form->steps[i].number;
		from = i + 1;
	}
	add_section(parts, zone, from, form->len);
}

static bool are_beside(const struct section *a, const struct section *b)
{
	return (a->zone == CH_ZONE_REFERENCE && b->zone == CH_ZONE_ADDRESSEE) ||
	       (a->zone == CH_ZONE_ADDRESSEE && b->zone == CH_ZONE_REFERENCE);
}

void ch_page_set_zones(struct page_job *job)
{
	struct parts parts = { .job = job };
	bool headed = false;

	find_sections(&parts);
	for (size_t i = 0; i < parts.len; i++)
		headed |= parts.sections[i].zone == CH_ZONE_LETTERHEAD;
	if (!headed && job->letter->letterhead)
		set_letterhead(&parts, &(struct section){ CH_ZONE_LETTERHEAD,
							  0, 0 });
	for (size_t i = 0; i < parts.len && !job->failed; i++) {
		const struct section *section = &parts.sections[i];

		if (i + 1 < parts.len && are_beside(section, section + 1)) {
			set_beside(&parts, section, section + 1);
			i++;
			continue;
		}
		set_section(&parts, section);
	}
	free(parts.sections);
}
