// SPDX-License-Identifier: GPL-3.0-or-later
/* status.c - chancery status: the mail room, or one batch; once or watched.
 *
 * Watching asks once a second and shows what changed. It outlives a restart of
 * chanceryd, which is just what one wants to watch.
 */
#include <string.h>
#include <time.h>

#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/grid.h"
#include "cli/json.h"
#include "cli/outcome.h"
#include "cli/request.h"
#include "cli/restored.h"
#include "cli/target.h"

#define SCREEN_MAX (256 * 1024)
#define DOMAIN_MAX_BYTES 2000 /* of a domain, for people */
#define WATCH_S 1

static const struct ch_grid_column columns[] = {
	{ "BATCH", false, 8 },	 { "STATE", false, 0 },
	{ "LETTERS", true, 0 },	 { "WAITING", true, 0 },
	{ "SENT", true, 0 },	 { "DOUBT", true, 0 },
	{ "REFUSED", true, 0 },	 { "RETURNED", true, 0 },
	{ "ANSWERED", true, 0 },
};

/* What was asked for: `batch`, or the mail room with its batches. */
struct view {
	struct ch_cli *cli;
	char *path; /* owned; of the batch, or NULL */
	json_t *room;
	json_t *batches; /* array */
	json_t *batch;
};

static void forget(struct view *view)
{
	json_decref(view->room);
	json_decref(view->batches);
	json_decref(view->batch);
	view->room = NULL;
	view->batches = NULL;
	view->batch = NULL;
}

/* ---- asking ----------------------------------------------------------- */

static int keep_batch(void *context, const json_t *batch)
{
	struct view *view = context;

	json_array_append_new(view->batches, json_deep_copy(batch));
	return EX_OK;
}

static int ask(struct view *view)
{
	int code;

	forget(view);
	if (view->path)
		return ch_request_json(view->cli, CH_DOOR_READ, view->path,
				       &view->batch);
	view->batches = json_array();
	code = ch_request_json(view->cli, CH_DOOR_READ, "/v1/status",
			       &view->room);
	if (code != EX_OK)
		return code;
	return ch_request_pages(view->cli, "/v1/batches", "batches",
				keep_batch, view);
}

/* ---- the mail room ---------------------------------------------------- */

static void show_head(const struct ch_term *term, const json_t *room)
{
	char since[CH_TIME_SIZE];

	ch_term_line(term, "chanceryd %s: %s, since %s UTC",
		     ch_json_text(room, "version"), ch_json_text(room, "state"),
		     ch_outcome_time(room, "started_at", since));
	if (ch_json_number(room, "imports_under_way"))
		ch_term_line(term, "  imports under way: %llu",
			     (unsigned long long)ch_json_number(
				     room, "imports_under_way"));
}

/* Outside its hours: why nothing goes. */
static void show_hours(const struct ch_term *term, const json_t *room)
{
	const json_t *hours = json_object_get(room, "hours");
	char until[CH_TIME_SIZE];

	if (!json_is_object(hours))
		return;
	ch_outcome_time(hours, "until", until);
	ch_term_line(term, "  %s%s%s%s (hours in %s)",
		     ch_json_true(hours, "open") ?
			     "within its hours" :
			     "outside its hours: letters wait",
		     until[0] ? ", until " : "", until, until[0] ? " UTC" : "",
		     ch_json_text(hours, "time_zone"));
}

static void show_alarms(const struct ch_term *term, const json_t *room)
{
	const json_t *alarm;
	char since[CH_TIME_SIZE];
	size_t i;

	json_array_foreach(json_object_get(room, "alarms"), i, alarm) {
		fputs(ch_term_style(term, CH_STYLE_RED), term->file);
		ch_term_fold(term, 0, 4, "! %s since %s UTC: %s",
			     ch_json_text(alarm, "type"),
			     ch_outcome_time(alarm, "since", since),
			     ch_json_text(alarm, "text"));
		fputs(ch_term_style(term, CH_STYLE_PLAIN), term->file);
	}
}

/* Those that refuse for now. */
static void show_domains(const struct ch_term *term, const json_t *room)
{
	const json_t *domain;
	char next[CH_TIME_SIZE];
	size_t i;

	json_array_foreach(json_object_get(room, "domains"), i, domain) {
		CH_AUTO(ch_str) name = CH_STR_INIT(DOMAIN_MAX_BYTES);

		ch_outcome_address(domain, "name", &name);
		ch_outcome_time(domain, "next_at", next);
		ch_term_line(term, "  domain %s: %s%s%s",
			     ch_str_cstr(&name),
			     next[0] ? "rests until " : "one letter at a time",
			     next, next[0] ? " UTC" : "");
	}
}

static void show_peers(const struct ch_term *term, const json_t *room)
{
	const json_t *peer;
	const char *text;
	char workers[CH_COUNT_SIZE];
	char letters[CH_COUNT_SIZE];
	char next[CH_TIME_SIZE];
	size_t i;

	json_array_foreach(json_object_get(room, "relays"), i, peer) {
		text = ch_json_text(peer, "text");
		ch_outcome_count(ch_json_number(peer, "workers"),
				 "connection", workers);
		ch_outcome_count(ch_json_number(peer, "under_way"), "letter",
				 letters);
		ch_outcome_time(peer, "next_at", next);
		ch_term_fold(term, 0, 6,
			     "  relay %s%s: %s, %s, %s under way%s%s%s%s%s",
			     ch_json_text(peer, "name"),
			     ch_json_true(peer, "backup") ? " (backup)" : "",
			     ch_json_text(peer, "state"), workers, letters,
			     next[0] ? ", no letter before " : "", next,
			     next[0] ? " UTC" : "", text[0] ? "; " : "", text);
	}
	json_array_foreach(json_object_get(room, "mailboxes"), i, peer) {
		text = ch_json_text(peer, "text");
		ch_term_fold(term, 0, 6, "  mailbox %s, %s: %s%s%s",
			     ch_json_text(peer, "name"),
			     ch_json_text(peer, "folder"),
			     ch_json_text(peer, "state"), text[0] ? "; " : "",
			     text);
	}
}

static void number(struct ch_grid *grid, enum ch_sign sign,
		   unsigned long long count)
{
	ch_grid_cellf(grid, count ? ch_term_sign_style(sign) : CH_STYLE_PLAIN,
		      "%llu", count);
}

static void show_row(struct ch_grid *grid, const json_t *batch)
{
	const json_t *letters = json_object_get(batch, "letters");

	ch_grid_cell(grid, CH_STYLE_PLAIN, ch_json_text(batch, "reference"));
	ch_grid_cell(grid, CH_STYLE_PLAIN, ch_json_text(batch, "state"));
	ch_grid_cellf(grid, CH_STYLE_PLAIN, "%llu",
		      (unsigned long long)ch_json_number(batch, "total"));
	number(grid, CH_SIGN_WAITING,
	       ch_json_number(letters, "queued") +
		       ch_json_number(letters, "claimed") +
		       ch_json_number(letters, "dot"));
	number(grid, CH_SIGN_SENT, ch_json_number(letters, "sent"));
	number(grid, CH_SIGN_IN_DOUBT, ch_json_number(letters, "in_doubt"));
	number(grid, CH_SIGN_RETURNED, ch_json_number(letters, "failed"));
	number(grid, CH_SIGN_RETURNED, ch_json_number(batch, "bounced"));
	number(grid, CH_SIGN_ANSWERED, ch_json_number(batch, "answered"));
}

static void show_batches(const struct ch_term *term, const json_t *batches)
{
	struct ch_grid grid;
	const json_t *batch;
	size_t i;

	if (json_array_size(batches) == 0) {
		ch_term_line(term, "No batch is there yet.");
		return;
	}
	ch_grid_init(&grid, term, columns, CH_COUNT(columns));
	json_array_foreach(batches, i, batch)
		show_row(&grid, batch);
	ch_grid_end(&grid);
	ch_grid_release(&grid);
}

/* ---- showing ---------------------------------------------------------- */

static void show(const struct view *view, const struct ch_term *term)
{
	if (view->batch) {
		ch_batch_facts(term, view->batch);
		ch_batch_outcome(term, view->batch);
		return;
	}
	show_head(term, view->room);
	show_hours(term, view->room);
	show_alarms(term, view->room);
	ch_restored_show(term, view->room, view->batches);
	show_peers(term, view->room);
	show_domains(term, view->room);
	fputc('\n', term->file);
	show_batches(term, view->batches);
}

static void show_json(const struct view *view)
{
	const struct ch_term *out = &view->cli->out;
	const json_t *batch;
	size_t i;

	if (view->batch) {
		ch_json_line(out, view->batch);
		return;
	}
	ch_json_line(out, view->room);
	json_array_foreach(view->batches, i, batch)
		ch_json_line(out, batch);
}

/* One line of numbers, for a log. */
static void show_line(const struct view *view)
{
	const json_t *of = view->batch ? view->batch : view->room;
	const json_t *letters = json_object_get(of, "letters");
	CH_AUTO(ch_str) line = CH_STR_INIT(4096);
	time_t now = time(NULL);
	struct tm tm = { 0 };
	const char *name;
	json_t *count;
	char text[16];

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	ch_str_addf(&line, "%s", text);
	json_object_foreach(json_object_get(of, "letters"), name, count) {
		if (ch_json_number(letters, name))
			ch_str_addf(&line, " %s %lld", name,
				    (long long)json_integer_value(count));
	}
	for (size_t i = 0; i < 3; i++) {
		static const char *const facts[] = { "bounced", "auto_replied",
						     "answered" };

		if (ch_json_number(of, facts[i]))
			ch_str_addf(&line, " %s %llu", facts[i],
				    (unsigned long long)ch_json_number(
					    of, facts[i]));
	}
	ch_term_line(&view->cli->out, "%s", ch_str_cstr(&line));
}

/* ---- watching --------------------------------------------------------- */

struct watch {
	char *shown; /* owned: what was shown last */
	size_t lines;
};

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* What show() would write, in memory. */
static char *render(const struct view *view)
{
	struct ch_term term = view->cli->out;
	char *text = NULL;
	size_t len = 0;

	term.file = open_memstream(&text, &len);
	if (!term.file)
		abort(); /* out of memory */
	show(view, &term);
	fclose(term.file);
	return text;
}

/* Over what stood there, so that nothing flickers. */
static void redraw(const char *text, size_t lines_before)
{
	if (lines_before)
		printf("\033[%zuA", lines_before);
	fputs("\r\033[J", stdout);
	fputs(text, stdout);
}

static void show_anew(const struct view *view, struct watch *watch)
{
	char *text;

	text = render(view);
	if (watch->shown && strcmp(watch->shown, text) == 0) {
		free(text);
		return;
	}
	if (view->cli->json)
		show_json(view);
	else if (view->cli->out.redraw)
		redraw(text, watch->lines);
	else
		show_line(view);
	fflush(stdout);
	free(watch->shown);
	watch->shown = text;
	watch->lines = count_lines(text);
}

static int watch_it(struct view *view)
{
	const struct timespec pause = { .tv_sec = WATCH_S };
	struct watch watch = { NULL, 0 };
	int code;

	for (;;) {
		code = ask(view);
		if (code == EX_OK) {
			show_anew(view, &watch);
			view->cli->quiet = false;
			if (view->batch && ch_batch_at_rest(view->batch))
				break;
		} else if (!watch.shown ||
			   (code != EX_UNAVAILABLE && code != EX_TEMPFAIL)) {
			break;
		} else if (!view->cli->quiet) {
			ch_term_line(&view->cli->err, "Waiting for it ...");
			view->cli->quiet = true;
			watch.lines = 0;
		}
		if (ferror(stdout))
			break;
		nanosleep(&pause, NULL);
	}
	free(watch.shown);
	return code;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	const char *word = ch_args_operand(args, 0);
	struct view view = { .cli = cli };
	CH_AUTO(ch_target) target = { 0 };
	int code;

	if (word) {
		ch_target_batch(word, &target);
		view.path = ch_request_path(target.reference, NULL, "");
	}
	if (ch_args_has(args, "watch")) {
		code = watch_it(&view);
	} else {
		code = ask(&view);
		if (code == EX_OK && cli->json)
			show_json(&view);
		else if (code == EX_OK)
			show(&view, &cli->out);
	}
	forget(&view);
	free(view.path);
	return code;
}

static const struct ch_option options[] = {
	{ "watch", 'w', NULL, false,
	  "Show it anew whenever it changes; ends when nothing more of BATCH "
	  "waits." },
	{ 0 },
};

const struct ch_verb ch_verb_status = {
	.name = "status",
	.operands = "[BATCH]",
	.least = 0,
	.most = 1,
	.summary = "How the mail room is, or a batch.",
	.about = "With --json and no BATCH: the mail room, then each batch, an "
		 "object a line.\n",
	.options = options,
	.run = run,
};
