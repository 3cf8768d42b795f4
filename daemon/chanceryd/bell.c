// SPDX-License-Identifier: GPL-3.0-or-later
/* bell.c - see bell.h. */
#include "chanceryd/bell.h"

#include <stdlib.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "chanceryd/program.h"
#include "chanceryd/room.h"
#include "chanceryd/schedule.h"

#define KEPT_MAX 200     /* alarms that wait to be told */
#define GATHER_MS 500    /* one fault raises some at once */
#define INPUT_MAX (1024 * 1024)
#define COMPLAINT_MAX 200

struct ch_bell {
	struct ch_mailroom *room;   /* borrowed */
	struct ch_program *program; /* owned; NULL: none runs */
	sd_event_source *timer;     /* owned; NULL: none is set */
	char **lines;               /* owned, and each */
	size_t len, cap;
	size_t under_way;  /* of them, with the program */
	uint64_t more;     /* that found no place */
	uint64_t more_under_way;
	int64_t began_ms;  /* the last run, 0: none */
	uint32_t failures; /* in a row */
};

struct ch_bell *ch_bell_new(struct ch_mailroom *room)
{
	struct ch_bell *bell = ch_xzalloc(sizeof(*bell));

	bell->room = room;
	return bell;
}

void ch_bell_free(struct ch_bell *bell)
{
	if (!bell)
		return;
	ch_program_free(bell->program);
	sd_event_source_disable_unref(bell->timer);
	for (size_t i = 0; i < bell->len; i++)
		free(bell->lines[i]);
	free(bell->lines);
	free(bell);
}

/* ---- telling ------------------------------------------------------------ */

static void set_timer(struct ch_bell *bell, int64_t in_ms);

/* Not before `every` after the last run, and later where that failed. */
static void tell_later(struct ch_bell *bell)
{
	int64_t every_ms = bell->room->config->alarms.every_ms;
	int64_t wait_ms = GATHER_MS;

	if (bell->program || bell->timer || bell->len + bell->more == 0)
		return;
	if (bell->began_ms &&
	    bell->began_ms + every_ms - ch_clock_mono_ms() > wait_ms)
		wait_ms = bell->began_ms + every_ms - ch_clock_mono_ms();
	if (bell->failures) {
		int64_t rest_ms = ch_rest_ms(bell->failures, (uintptr_t)bell);

		wait_ms = rest_ms > wait_ms ? rest_ms : wait_ms;
	}
	set_timer(bell, wait_ms);
}

static void forget_told(struct ch_bell *bell)
{
	for (size_t i = 0; i < bell->under_way; i++)
		free(bell->lines[i]);
	bell->len -= bell->under_way;
	if (bell->len)
		memmove(bell->lines, bell->lines + bell->under_way,
			bell->len * sizeof(*bell->lines));
	bell->more -= bell->more_under_way;
}

static void failed(struct ch_bell *bell, const char *why, struct ch_slice said)
{
	CH_AUTO(ch_str) complaint = CH_STR_INIT(COMPLAINT_MAX * 8);

	said = ch_slice_trim(said);
	if (said.len > COMPLAINT_MAX)
		said.len = COMPLAINT_MAX;
	ch_escape_line(&complaint, said.data, said.len);
	bell->failures++;
	ch_turn_log(bell->room, LOG_ERR, NULL,
		    "alarms.command: %s%s%s; the alarms are told again later",
		    why, complaint.len ? ": " : "", ch_str_cstr(&complaint));
}

static void on_done(void *owner, const struct ch_program_end *end)
{
	struct ch_bell *bell = owner;

	bell->program = NULL;
	(void)ch_turn_open(bell->room);
	if (end->well) {
		bell->failures = 0;
		forget_told(bell);
	} else {
		failed(bell, end->text, end->err);
	}
	bell->under_way = 0;
	bell->more_under_way = 0;
	tell_later(bell);
}

static void write_input(struct ch_bell *bell, struct ch_str *out)
{
	for (size_t i = 0; i < bell->len; i++)
		ch_str_addf(out, "%s\n", bell->lines[i]);
	if (bell->more)
		ch_str_addf(out, "{\"type\":\"more\",\"alarms\":%llu}\n",
			    (unsigned long long)bell->more);
}

static void run(struct ch_bell *bell)
{
	const struct ch_config *config = bell->room->config;
	const struct ch_setting_strings *command = &config->alarms.command;
	CH_AUTO(ch_str) input = CH_STR_INIT(INPUT_MAX);
	char **words;
	struct ch_error err;

	if (command->len == 0 || bell->room->stopping)
		return; /* a reload took it away */
	words = ch_xcalloc(command->len + 1, sizeof(*words));
	for (size_t i = 0; i < command->len; i++)
		words[i] = command->items[i];
	write_input(bell, &input);
	bell->began_ms = ch_clock_mono_ms();
	bell->under_way = bell->len;
	bell->more_under_way = bell->more;
	if (ch_program_start(bell->room->event, words,
			     (struct ch_slice){ ch_str_cstr(&input),
						input.len },
			     config->alarms.timeout_ms, on_done, bell,
			     &bell->program, &err) < 0) {
		failed(bell, err.text, CH_SLICE_EMPTY);
		tell_later(bell);
	}
	free(words);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct ch_bell *bell = context;

	bell->timer = sd_event_source_disable_unref(bell->timer);
	(void)ch_turn_open(bell->room);
	run(bell);
	return 0;
}

static void set_timer(struct ch_bell *bell, int64_t in_ms)
{
	struct ch_error err;
	int r = sd_event_add_time_relative(bell->room->event, &bell->timer,
					   CLOCK_MONOTONIC,
					   (uint64_t)in_ms * 1000, 0, on_timer,
					   bell);

	if (r >= 0)
		return;
	(void)ch_error_errno(&err, -r, "event loop");
	ch_room_fail(bell->room, &err);
}

/* ---- what is told ------------------------------------------------------- */

/* As the event stream has it, less its cursor. */
static char *line_of(int64_t now_us, const char *type, const char *reference,
		     const char *key, const char *detail)
{
	char at[CH_RFC3339_SIZE];
	json_t *object = json_pack("{s:s, s:s, s:s?, s:s?, s:o?}", "at",
				   ch_clock_rfc3339(now_us, at), "type", type,
				   "batch", reference, "key", key, "detail",
				   json_loads(detail, 0, NULL));
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return line;
}

void ch_bell_ring(struct ch_mailroom *room, const char *type,
		  const char *reference, const char *key, const char *detail)
{
	struct ch_bell *bell = room->bell;
	char *line;

	if (!bell || room->config->alarms.command.len == 0)
		return;
	line = bell->len < KEPT_MAX ? line_of(ch_turn_open(room), type,
					      reference, key, detail) : NULL;
	if (line) {
		CH_GROW(bell->lines, bell->len, bell->cap);
		bell->lines[bell->len++] = line;
	} else {
		bell->more++;
	}
	tell_later(bell);
}
