// SPDX-License-Identifier: GPL-3.0-or-later
/* restored.c - see restored.h. */
#include "cli/restored.h"

#include <stdlib.h>

#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/grid.h"
#include "cli/json.h"
#include "cli/request.h"

static const struct ch_grid_column columns[] = {
	{ "BATCH", false, 8 },
	{ "STATE", false, 0 },
	{ "AT RISK", true, 0 },
	{ "OF LETTERS", true, 0 },
};

static void show_batches(const struct ch_term *term, const json_t *batches)
{
	struct ch_grid grid;
	const json_t *batch;
	size_t i;

	ch_grid_init(&grid, term, columns, CH_COUNT(columns));
	json_array_foreach(batches, i, batch) {
		unsigned long long letters = ch_json_number(batch, "at_risk");

		if (letters == 0)
			continue;
		ch_grid_cell(&grid, CH_STYLE_PLAIN,
			     ch_json_text(batch, "reference"));
		ch_grid_cell(&grid, CH_STYLE_PLAIN,
			     ch_json_text(batch, "state"));
		ch_grid_cellf(&grid, CH_STYLE_MAGENTA, "%llu", letters);
		ch_grid_cellf(&grid, CH_STYLE_PLAIN, "%llu",
			      (unsigned long long)ch_json_number(batch,
								 "total"));
	}
	ch_grid_end(&grid);
	ch_grid_release(&grid);
}

void ch_restored_show(const struct ch_term *term, const json_t *room,
		      const json_t *batches)
{
	if (ch_json_number(room, "at_risk") == 0)
		return;
	ch_term_line(term, "This store came back from a copy. Letters that wait "
			   "in it may have been sent");
	ch_term_line(term, "since the copy was made, and would go once more:");
	show_batches(term, batches);
	ch_term_line(term, "\"chancery letters BATCH --state at_risk\" lists "
			   "them. Look for their Message-IDs");
	ch_term_line(term, "in the logs of the relays. For each that was sent:");
	ch_term_line(term, "  chancery resolve BATCH/KEY --sent");
	ch_term_line(term, "\"chancery resume\" sends what is left.");
}

/* ---- resuming --------------------------------------------------------- */

static int keep(void *context, const json_t *batch)
{
	json_array_append_new(context, json_deep_copy(batch));
	return EX_OK;
}

static int show(const struct ch_cli *cli, const json_t *room)
{
	json_t *batches = json_array();
	int code = ch_request_pages(cli, "/v1/batches", "batches", keep,
				    batches);

	if (code == EX_OK)
		ch_restored_show(&cli->err, room, batches);
	json_decref(batches);
	return code;
}

static int post(const struct ch_cli *cli, const char *at_risk,
		const char *said)
{
	CH_AUTOCHAR path = ch_xasprintf("/v1/resume%s%s",
					at_risk ? "?at_risk=" : "",
					at_risk ? at_risk : "");

	return ch_decide(cli, path, NULL, said, NULL);
}

static int ask(const struct ch_cli *cli, const json_t *room,
	       unsigned long long letters)
{
	CH_AUTOCHAR question = ch_xasprintf("Send these %llu letters, though "
					    "they may have been sent before?",
					    letters);
	int code = show(cli, room);

	if (code != EX_OK)
		return code;
	if (!ch_can_ask(cli))
		return ch_fail(cli, EX_DATAERR,
			       "When they have been looked for: chancery resume "
			       "--at-risk NUMBER",
			       "%llu letters may have been sent before",
			       letters);
	if (ch_ask(cli, question))
		return EX_OK;
	ch_term_line(&cli->err, "It stays paused.");
	return CH_EX_NO;
}

int ch_restored_resume(const struct ch_cli *cli, const char *at_risk,
		       const char *said)
{
	CH_AUTOCHAR seen = NULL;
	json_t *room = NULL;
	unsigned long long letters;
	int code;

	if (at_risk)
		return post(cli, at_risk, said);
	code = ch_request_json(cli, CH_DOOR_READ, "/v1/status", &room);
	if (code != EX_OK)
		return code;
	letters = ch_json_number(room, "at_risk");
	if (letters > 0) {
		code = ask(cli, room, letters);
		seen = ch_xasprintf("%llu", letters);
	}
	json_decref(room);
	return code == EX_OK ? post(cli, seen, said) : code;
}
