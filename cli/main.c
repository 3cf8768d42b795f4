// SPDX-License-Identifier: GPL-3.0-or-later
/* main.c - chancery(1): find the verb, read its words, run it. */
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/cli.h"

#define SOCKET_DIR "/run/chancery"
#define HELP_MAX 65536

static const struct ch_verb *const verbs[] = {
	&ch_verb_check,	  &ch_verb_preview, &ch_verb_enqueue,
	&ch_verb_status,  &ch_verb_letters, &ch_verb_show,
	&ch_verb_returns, &ch_verb_events,  &ch_verb_classify, &ch_verb_release,
	&ch_verb_pause,	  &ch_verb_resume,  &ch_verb_cancel,
	&ch_verb_retry,	  &ch_verb_resolve, &ch_verb_priority,
	&ch_verb_remind,  &ch_verb_readdress, &ch_verb_confirm, &ch_verb_reread,
	&ch_verb_suppress, &ch_verb_reply,   &ch_verb_report,
};

static const struct ch_option common_options[] = {
	{ "json", 0, NULL, false, "One JSON object a line, not a table." },
	{ "socket-dir", 0, "DIR", false,
	  "Where the sockets of chanceryd are; " SOCKET_DIR "." },
	{ "color", 0, "WHEN", false, "always, never or auto." },
	{ "help", 'h', NULL, false, "This text." },
	{ "version", 'V', NULL, false, "The version of this program." },
	{ 0 },
};

/* ---- saying that it failed -------------------------------------------- */

int ch_fail(const struct ch_cli *cli, int code, const char *hint,
	    const char *format, ...)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(HELP_MAX);
	va_list args;

	if (cli->quiet)
		return code;
	va_start(args, format);
	ch_str_vaddf(&text, format, args);
	va_end(args);
	fflush(stdout);
	ch_term_line(&cli->err, "chancery: %s", ch_str_cstr(&text));
	if (hint && hint[0])
		ch_term_line(&cli->err, "%s", hint);
	return code;
}

int ch_fail_usage(const struct ch_cli *cli, const struct ch_verb *verb,
		  const char *format, ...)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(HELP_MAX);
	CH_AUTOCHAR hint = ch_xasprintf("Try: chancery %s%s--help",
					verb ? verb->name : "",
					verb ? " " : "");
	va_list args;

	va_start(args, format);
	ch_str_vaddf(&text, format, args);
	va_end(args);
	return ch_fail(cli, EX_USAGE, hint, "%s%s%s", verb ? verb->name : "",
		       verb ? ": " : "", ch_str_cstr(&text));
}

bool ch_can_ask(const struct ch_cli *cli)
{
	return isatty(STDIN_FILENO) && cli->err.tty;
}

bool ch_ask(const struct ch_cli *cli, const char *question)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(HELP_MAX);
	char answer[16];

	fflush(stdout);
	ch_term_text(&cli->err, &text, question);
	fprintf(stderr, "%s [y/N] ", ch_str_cstr(&text));
	fflush(stderr);
	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

/* ---- help ------------------------------------------------------------- */

static int help(void)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(HELP_MAX);

	ch_str_add(&out, "usage: chancery VERB [words and options]\n\n"
			 "The client of the outgoing mail room.\n\n");
	for (size_t i = 0; i < CH_COUNT(verbs); i++)
		ch_str_addf(&out, "  %-10s %s\n", verbs[i]->name,
			    verbs[i]->summary);
	ch_str_add(&out, "\nOptions of every verb:\n");
	ch_args_help(common_options, &out);
	ch_str_add(&out, "\nchancery VERB --help says more of a verb.\n");
	return fputs(ch_str_cstr(&out), stdout) < 0 ? EX_IOERR : EX_OK;
}

static int help_of(const struct ch_verb *verb)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(HELP_MAX);

	ch_str_addf(&out, "usage: chancery %s %s%s[options]\n\n%s\n",
		    verb->name, verb->operands, verb->operands[0] ? " " : "",
		    verb->summary);
	if (verb->about[0])
		ch_str_addf(&out, "\n%s", verb->about);
	ch_str_add(&out, "\n");
	ch_args_help(verb->options, &out);
	if (verb->options[0].name)
		ch_str_add(&out, "\n");
	ch_args_help(common_options, &out);
	return fputs(ch_str_cstr(&out), stdout) < 0 ? EX_IOERR : EX_OK;
}

/* ---- the verb --------------------------------------------------------- */

static const struct ch_verb *find_verb(const struct ch_cli *cli,
				       const char *name)
{
	const char *names[CH_COUNT(verbs) + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < CH_COUNT(verbs); i++) {
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
		names[i] = verbs[i]->name;
	}
	nearest = ch_args_nearest(name, names);
	if (nearest)
		ch_fail_usage(cli, NULL, "no verb \"%s\"; did you mean \"%s\"?",
			      name, nearest);
	else
		ch_fail_usage(cli, NULL, "no verb \"%s\"", name);
	return NULL;
}

static int take_common(struct ch_cli *cli, const struct ch_args *args)
{
	const char *color = ch_args_value(args, "color");
	const char *dir = ch_args_value(args, "socket-dir");
	enum ch_color choice = CH_COLOR_AUTO;

	if (dir)
		cli->socket_dir = dir;
	cli->json = ch_args_has(args, "json");
	if (color && strcmp(color, "always") == 0)
		choice = CH_COLOR_ALWAYS;
	else if (color && strcmp(color, "never") == 0)
		choice = CH_COLOR_NEVER;
	else if (color && strcmp(color, "auto") != 0)
		return ch_fail_usage(cli, NULL,
				     "--color is always, never or auto, not "
				     "\"%s\"", color);
	ch_term_init(&cli->out, stdout, choice);
	ch_term_init(&cli->err, stderr, choice);
	return EX_OK;
}

/* The operands behind the verb's name. */
static int run_verb(struct ch_cli *cli, const struct ch_verb *verb,
		    struct ch_args *args)
{
	size_t operands = ch_args_operands(args);
	int code = take_common(cli, args);

	if (code != EX_OK)
		return code;
	if (ch_args_has(args, "help"))
		return help_of(verb);
	if (operands < verb->least)
		return ch_fail_usage(cli, verb, "needs %s", verb->operands);
	if (operands > verb->most)
		return ch_fail_usage(cli, verb, "\"%s\" is one word too many",
				     ch_args_operand(args, verb->most));
	return verb->run(cli, args);
}

/* "chancery help" and "chancery help enqueue", which many try first. */
static int help_about(const struct ch_cli *cli, char *const *words, int count)
{
	const struct ch_verb *verb;

	if (count == 0)
		return help();
	verb = find_verb(cli, words[0]);
	return verb ? help_of(verb) : EX_USAGE;
}

static int run(struct ch_cli *cli, int count, char *const *words,
	       struct ch_args *args)
{
	const struct ch_option *const global[] = { common_options, NULL };
	const struct ch_option *tables[] = { common_options, NULL, NULL };
	const struct ch_verb *verb;
	const char *name;
	struct ch_error err;
	int used = ch_args_read(args, count, words, global, true, &err);

	if (used < 0)
		return ch_fail_usage(cli, NULL, "%s", err.text);
	name = ch_args_operand(args, 0);
	if (ch_args_has(args, "version")) {
		printf("chancery %s\n", PACKAGE_VERSION);
		return EX_OK;
	}
	if (!name && ch_args_has(args, "help"))
		return help();
	if (!name)
		return ch_fail_usage(cli, NULL, "what is to be done?");
	if (strcmp(name, "help") == 0)
		return help_about(cli, words + used, count - used);
	verb = find_verb(cli, name);
	if (!verb)
		return EX_USAGE;
	args->len--; /* its name, the last that was read */
	tables[1] = verb->options;
	if (ch_args_read(args, count - used, words + used, tables, false,
			 &err) < 0)
		return ch_fail_usage(cli, verb, "%s", err.text);
	return run_verb(cli, verb, args);
}

int main(int argc, char **argv)
{
	struct ch_cli cli = { .socket_dir = SOCKET_DIR };
	CH_AUTO(ch_args) args = { 0 };
	int code;

	setlocale(LC_CTYPE, "");
	ch_term_init(&cli.out, stdout, CH_COLOR_AUTO);
	ch_term_init(&cli.err, stderr, CH_COLOR_AUTO);
	code = run(&cli, argc - 1, argv + 1, &args);
	if (fflush(stdout) != 0 || ferror(stdout))
		return ch_fail(&cli, EX_IOERR, NULL,
			       "the output could not be written");
	return code;
}
