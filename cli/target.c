// SPDX-License-Identifier: GPL-3.0-or-later
/* target.c - tell batches from letters. */
#include "cli/target.h"

#include <stdlib.h>
#include <string.h>

#include "cli/request.h"

#define LOOK_MAX (4 * 1024 * 1024)

void ch_target_release(struct ch_target *target)
{
	free(target->reference);
	free(target->key);
	*target = (struct ch_target){ 0 };
}

void ch_target_batch(const char *word, struct ch_target *ret)
{
	size_t len = strlen(word);

	if (len > 1 && word[len - 1] == '/')
		len--;
	*ret = (struct ch_target){ ch_xstrndup(word, len), NULL };
}

int ch_target_letter(const char *word, struct ch_target *ret)
{
	const char *slash = strrchr(word, '/');

	if (!slash || slash == word || slash[1] == '\0')
		return -1;
	*ret = (struct ch_target){
		ch_xstrndup(word, (size_t)(slash - word)),
		ch_xstrdup(slash + 1)
	};
	return 0;
}

char *ch_target_name(const struct ch_target *target)
{
	if (!target->key)
		return ch_xstrdup(target->reference);
	return ch_xasprintf("%s/%s", target->reference, target->key);
}

/* Whether there is such a batch or letter: 1, 0, or an exit code below 0. */
static int is_there(const struct ch_cli *cli, const struct ch_target *target)
{
	CH_AUTOCHAR path = ch_request_path(target->reference, target->key, "");
	CH_AUTO(ch_answer) answer = { 0 };
	int code = ch_request_get(cli, CH_DOOR_READ, path, LOOK_MAX, &answer);

	if (code != EX_OK)
		return -code;
	if (answer.status == 404)
		return 0;
	if (answer.status >= 400)
		return -ch_answer_fail(cli, &answer);
	return 1;
}

static int choose(const struct ch_cli *cli, const char *word,
		  const struct ch_target *batch,
		  const struct ch_target *letter)
{
	int as_batch = is_there(cli, batch);
	int as_letter = as_batch < 0 ? as_batch : is_there(cli, letter);

	if (as_letter < 0)
		return -as_letter;
	if (as_batch && as_letter)
		return ch_fail(cli, EX_DATAERR,
			       "Write a slash behind it for the batch, or "
			       "--recipient KEY for the letter.",
			       "\"%s\" is a batch, and a letter of the batch "
			       "\"%s\"", word, letter->reference);
	if (!as_batch && !as_letter)
		return ch_fail(cli, EX_NOINPUT,
			       "\"chancery status\" lists the batches, "
			       "\"chancery letters BATCH\" letters.",
			       "no batch and no letter \"%s\"", word);
	return as_letter ? 1 : EX_OK;
}

int ch_target_find(const struct ch_cli *cli, const struct ch_args *args,
		   struct ch_target *ret)
{
	const char *word = ch_args_operand(args, 0);
	const char *key = ch_args_value(args, "recipient");
	CH_AUTO(ch_target) batch = { 0 };
	CH_AUTO(ch_target) letter = { 0 };
	int code;

	ch_target_batch(word, &batch);
	if (key)
		batch.key = ch_xstrdup(key);
	if (key || strcmp(batch.reference, word) != 0 ||
	    ch_target_letter(word, &letter) < 0) {
		*ret = batch;
		batch = (struct ch_target){ 0 };
		return EX_OK;
	}
	code = choose(cli, word, &batch, &letter);
	if (code == 1) {
		*ret = letter;
		letter = (struct ch_target){ 0 };
		return EX_OK;
	}
	if (code == EX_OK) {
		*ret = batch;
		batch = (struct ch_target){ 0 };
	}
	return code;
}
