// SPDX-License-Identifier: GPL-3.0-or-later
/* template-render.c - a lenient template as the specification has it. */
#include <stdlib.h>

#include "letter/template-private.h"

static void add_escaped(struct ch_str *out, struct ch_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.data[i]) {
		case '&':
			ch_str_add(out, "&amp;");
			break;
		case '<':
			ch_str_add(out, "&lt;");
			break;
		case '>':
			ch_str_add(out, "&gt;");
			break;
		case '"':
			ch_str_add(out, "&quot;");
			break;
		default:
			ch_str_add_char(out, text.data[i]);
		}
	}
}

/* Lists and maps have no text. */
static struct ch_slice text_of(const struct ch_data *data)
{
	switch (data->kind) {
	case CH_DATA_TRUE:
		return ch_slice_of("true");
	case CH_DATA_FALSE:
		return ch_slice_of("false");
	case CH_DATA_NUMBER:
	case CH_DATA_TEXT:
		return data->text;
	default:
		return CH_SLICE_EMPTY;
	}
}

static void render_text(struct ch_walk *walk, const struct ch_node *node,
			struct ch_slice text)
{
	(void)node;
	ch_str_add_mem(walk->user, text.data, text.len);
}

static void render_value(struct ch_walk *walk, const struct ch_node *node)
{
	const struct ch_data *data = ch_walk_find(walk, node->name);
	struct ch_slice text = data ? text_of(data) : CH_SLICE_EMPTY;

	if (node->raw)
		ch_str_add_mem(walk->user, text.data, text.len);
	else
		add_escaped(walk->user, text);
}

int ch_template_render(const struct ch_template *tpl,
		       const struct ch_data *data, struct ch_str *out,
		       struct ch_problems *problems)
{
	struct ch_data *roots = ch_xcalloc(tpl->roots_len, sizeof(*roots));
	struct ch_walk walk = {
		.tpl = tpl,
		.by = CH_WALK_DATA,
		.text = render_text,
		.value = render_value,
		.user = out,
		.roots = roots,
		.dot = data,
	};
	bool whole;

	for (size_t i = 0; i < tpl->roots_len; i++) {
		const struct ch_data *member =
			ch_data_member(data, ch_slice_of(tpl->roots[i]));

		if (member)
			roots[i] = *member; /* borrowed */
	}
	whole = ch_walk_run(&walk);
	if (!whole)
		ch_walk_explain(&walk, problems);
	free(roots);
	return whole ? 0 : -1;
}
