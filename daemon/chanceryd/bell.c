// SPDX-License-Identifier: GPL-3.0-or-later
/* bell.c - see bell.h. */
#include "chanceryd/bell.h"

#include <stdlib.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "chanceryd/bell-operators.h"
#include "chanceryd/bell-queue.h"
#include "chanceryd/program.h"
#include "chanceryd/room.h"

#define INPUT_MAX (1024 * 1024)
#define COMPLAINT_MAX 200

struct ch_bell {
	struct ch_mailroom *room;   /* borrowed */
	struct ch_program *program; /* owned; NULL: none runs */
	struct ch_bell_queue queue; /* for the program */
	struct ch_bell_operators *operators; /* owned */
};

static void failed(struct ch_bell *bell, const char *why, struct ch_slice said)
{
	CH_AUTO(ch_str) complaint = CH_STR_INIT(COMPLAINT_MAX * 8);

	said = ch_slice_trim(said);
	if (said.len > COMPLAINT_MAX)
		said.len = COMPLAINT_MAX;
	ch_escape_line(&complaint, said.data, said.len);
	ch_turn_log(bell->room, LOG_ERR, NULL,
		    "alarms.command: %s%s%s; the alarms are told again later",
		    why, complaint.len ? ": " : "", ch_str_cstr(&complaint));
}

static void on_done(void *owner, const struct ch_program_end *end)
{
	struct ch_bell *bell = owner;

	bell->program = NULL;
	(void)ch_turn_open(bell->room);
	if (!end->well)
		failed(bell, end->text, end->err);
	ch_bell_queue_end(&bell->queue, end->well);
}

static void write_input(struct ch_bell *bell, struct ch_str *out)
{
	for (size_t i = 0; i < bell->queue.len; i++)
		ch_str_addf(out, "%s\n", bell->queue.list[i].text);
	if (bell->queue.more)
		ch_str_addf(out, "{\"type\":\"more\",\"alarms\":%llu}\n",
			    (unsigned long long)bell->queue.more);
}

static void run(void *owner)
{
	struct ch_bell *bell = owner;
	const struct ch_config *config = bell->room->config;
	const struct ch_setting_strings *command = &config->alarms.command;
	CH_AUTO(ch_str) input = CH_STR_INIT(INPUT_MAX);
	char **words;
	struct ch_error err;

	if (command->len == 0)
		return; /* a reload took it away */
	words = ch_xcalloc(command->len + 1, sizeof(*words));
	for (size_t i = 0; i < command->len; i++)
		words[i] = command->items[i];
	write_input(bell, &input);
	ch_bell_queue_begin(&bell->queue);
	if (ch_program_start(bell->room->event, words,
			     (struct ch_slice){ ch_str_cstr(&input),
						input.len },
			     config->alarms.timeout_ms, on_done, bell,
			     &bell->program, &err) < 0) {
		failed(bell, err.text, CH_SLICE_EMPTY);
		ch_bell_queue_end(&bell->queue, false);
	}
	free(words);
}

struct ch_bell *ch_bell_new(struct ch_mailroom *room)
{
	struct ch_bell *bell = ch_xzalloc(sizeof(*bell));

	bell->room = room;
	bell->queue = (struct ch_bell_queue){
		.room = room,
		.run = run,
		.owner = bell,
	};
	bell->operators = ch_bell_operators_new(room);
	return bell;
}

void ch_bell_free(struct ch_bell *bell)
{
	if (!bell)
		return;
	ch_program_free(bell->program);
	ch_bell_queue_release(&bell->queue);
	ch_bell_operators_free(bell->operators);
	free(bell);
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
	int64_t now_us = ch_turn_open(room);
	int64_t event_id = ch_store_last_event(room->store);
	char *line = NULL;

	if (!bell)
		return;
	ch_bell_operators_ring(bell->operators, event_id, now_us, type,
			       reference, key, detail);
	if (room->config->alarms.command.len == 0)
		return;
	if (!ch_bell_queue_full(&bell->queue))
		line = line_of(now_us, type, reference, key, detail);
	ch_bell_queue_add(&bell->queue, line, event_id);
}
