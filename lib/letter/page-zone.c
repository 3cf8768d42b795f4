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

/* ---- parts ------------------------------------------------------------ */

struct parts {
	struct page_job *job;
	double before;		  /* space above the next part */
	bool keep;		  /* it, with what is above */
	struct section *sections; /* owned */
	size_t len, cap;
};

/* Part of the page's width, counted from where lines start. */
static struct page_column column_of(const struct parts *parts,
				    const struct section *section, double from,
				    double share)
{
	struct page_job *job = parts->job;
	const struct ch_page_setter *setter = job->setter;
	double width = setter->width - setter->left - setter->right;

	if (job->language->rtl)
		from = 1 - from - share;
	return (struct page_column){
		.job = job,
		.zone = section->zone,
		.x = setter->left + from * width,
		.width = share * width,
		.look = { .scale = 1, .align = PANGO_ALIGN_LEFT },
		.gap = 0.4 * ch_page_em(job),
		.before = parts->before,
		.keep = parts->keep,
	};
}

static void set_part(struct parts *parts, struct page_column *column,
		     const struct section *section, double after)
{
	size_t at = section->from;
	size_t boxes = parts->job->flow.boxes_len;

	ch_page_set_blocks(column, &at, section->to);
	if (parts->job->flow.boxes_len == boxes)
		return;
	parts->before = after;
	parts->keep = false;
}

static void set_body(struct parts *parts, const struct section *section)
{
	struct page_job *job = parts->job;
	struct page_column column = column_of(parts, section, 0, 1);
	bool wide = job->language->wide;

	column.look.justify = true;
	column.look.indent = wide ? 2 * ch_page_em(job) : 0;
	column.gap = wide ? 0.15 * ch_page_em(job) : 0.65 * ch_page_em(job);
	set_part(parts, &column, section, 1.2 * ch_page_em(job));
}

static void set_subject(struct parts *parts, const struct section *section)
{
	struct page_column column = column_of(parts, section, 0, 1);

	column.look.bold = true;
	set_part(parts, &column, section, 1.4 * ch_page_em(parts->job));
	parts->keep = true;
}

static void set_salutation(struct parts *parts, const struct section *section)
{
	struct page_column column = column_of(parts, section, 0, 1);

	set_part(parts, &column, section,
		 (parts->job->language->wide ? 0.15 : 0.65) *
		     ch_page_em(parts->job));
	parts->keep = true;
}

static void set_short(struct parts *parts, const struct section *section,
		      double from, double share)
{
	struct page_column column = column_of(parts, section, from, share);

	column.before += 0.6 * ch_page_em(parts->job);
	set_part(parts, &column, section, ch_page_em(parts->job));
}

static void place_image(struct page_job *job, const struct ch_page_image *image,
			double x, double width, double height)
{
	struct page_item *item = ch_page_add_item(job, PAGE_IMAGE, x, 0);

	item->image = image;
	item->width = width;
	item->height = height;
}

/* Room for a hand, or the picture of what it wrote; then the name. */
static void set_signature(struct parts *parts, const struct section *section)
{
	struct page_job *job = parts->job;
	const struct ch_page_image *image = job->letter->signature;
	struct page_column column = column_of(parts, section, 0.52, 0.48);
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
			    job->language->rtl ? column.x + column.width - width
					       : column.x,
			    width, height);
		ch_page_add_box(job, parts->before, height, true);
		column.before = 2 * MM;
	} else {
		column.before = 15 * MM;
	}
	column.keep = true;
	column.keep_all = true;
	set_part(parts, &column, section, 2 * ch_page_em(job));
}

static void set_kept(struct parts *parts, const struct section *section)
{
	struct page_column column = column_of(parts, section, 0, 1);

	column.look.scale = 0.9;
	column.gap = 0.3 * ch_page_em(parts->job);
	column.keep_all = true;
	set_part(parts, &column, section, ch_page_em(parts->job));
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
static double set_picture(struct parts *parts, const struct page_column *column,
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
		ch_page_add_box(job, 0, column->width * height / width, false);
		parts->before = 3 * MM;
		return 0;
	}
	width *= 24 * MM / height;
	place_image(job, image,
		    alone ? column->x + (column->width - width) / 2
		    : job->language->rtl ? column->x + column->width - width
					 : column->x,
		    width, 24 * MM);
	ch_page_add_box(job, 0, 24 * MM, false);
	parts->before = alone ? 6 * MM : 0;
	return alone ? 0 : width + 6 * MM;
}

/* The text without its rules. */
static void set_head_text(struct page_column *column,
			  const struct section *section)
{
	size_t at = section->from;

	while (at < section->to) {
		size_t end = at;

		while (end < section->to &&
		       column->job->form->steps[end].kind != CH_PAGE_RULE)
			end++;
		ch_page_set_blocks(column, &at, end);
		if (at <= end) /* else the rule was one inside a list */
			at = end + 1;
	}
}

static void set_letterhead(struct parts *parts, const struct section *section)
{
	struct page_job *job = parts->job;
	struct page_column column = column_of(parts, section, 0, 1);
	size_t first = job->flow.boxes_len;
	double aside =
	    set_picture(parts, &column, section->from == section->to);
	size_t second = job->flow.boxes_len;
	struct page_column text = column;

	text.before = parts->before;
	text.width -= aside;
	text.x += job->language->rtl ? 0 : aside;
	text.look.scale = 0.82;
	text.look.grey = 0.25;
	text.look.strong_scale = 1.15;
	text.gap = 0.2 * ch_page_em(job);
	set_head_text(&text, section);
	if (aside > 0)
		ch_page_stand_beside(job, first, second, 0, 0);
	if (has_rule(job, section))
		ch_page_add_rule(&column, 2.5 * MM);
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
	struct page_column column =
	    column_of(parts, reference, wide ? 0.58 : 0, wide ? 0.42 : 0.48);

	set_part(parts, &column, reference, 0);
	second = job->flow.boxes_len;
	column =
	    column_of(parts, addressee, wide ? 0 : 0.52, wide ? 0.55 : 0.48);
	set_part(parts, &column, addressee, 0);
	if (job->flow.boxes_len > first)
		ch_page_stand_beside(job, first, second, before, 0);
	parts->before = 1.8 * ch_page_em(job);
}

static void set_section(struct parts *parts, const struct section *section)
{
	switch (section->zone) {
	case CH_ZONE_LETTERHEAD:
		set_letterhead(parts, section);
		break;
	case CH_ZONE_REFERENCE:
		set_short(parts, section, 0, 0.6);
		parts->before += ch_page_em(parts->job);
		break;
	case CH_ZONE_DATE:
		set_short(parts, section, 0.52, 0.48);
		break;
	case CH_ZONE_ADDRESSEE:
		parts->before += ch_page_em(parts->job);
		set_short(parts, section, 0, 0.6);
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

		depth +=
		    (kind == CH_PAGE_LIST || kind == CH_PAGE_QUOTE) -
		    (kind == CH_PAGE_LIST_END || kind == CH_PAGE_QUOTE_END);
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
		set_letterhead(&parts,
			       &(struct section){ CH_ZONE_LETTERHEAD, 0, 0 });
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
