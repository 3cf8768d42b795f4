// SPDX-License-Identifier: GPL-3.0-or-later
/* smtp-send.c - letters to one relay, and the outcome of each address on
 * stdout: what the tests with hostile relays look at.
 *
 *   smtp-send [OPTION=VALUE]... ADDRESS...
 *
 * host= port= tls=none|starttls|implicit ca= fingerprint=
 * auth=none|any|plain|login|cram-md5|xoauth2|oauthbearer
 * user= password= connect_ms= command_ms= data_ms= dot_ms= attempt_ms=
 * letters= size= message=FILE no-go=1 chunking=1 quiet=1 journal=ADDRESS
 *
 * For each address a line "OUTCOME CODE STATUS TEXT" (TAB between, text
 * escaped) and for the journal another, for each question before a dot a line "dot ADDRESS…", and at the
 * end "open" or "cut REASON"; where no connection came about "fault NAME CODE
 * TEXT".
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "net/smtp.h"

#define MESSAGE_MAX (64 * 1024 * 1024)

struct settings {
	struct ch_smtp_options smtp;
	unsigned long letters;
	unsigned long size;
	const char *file;
	bool no_go;
	bool quiet;
	const char *journal;
};

static const char *const outcomes[] = { "sent", "deferred", "failed",
					"in-doubt", "untried" };
static const char *const faults[] = { "connect", "tls", "auth", "greeting" };

static int index_of(const char *word, const char *const *names)
{
	for (int i = 0; names[i]; i++) {
		if (strcmp(word, names[i]) == 0)
			return i;
	}
	fprintf(stderr, "smtp-send: what is \"%s\"?\n", word);
	exit(EX_USAGE);
}

static void set(struct settings *s, const char *name, const char *value)
{
	static const char *const names[] = {
		"host", "port", "tls", "ca", "auth", "user", "password",
		"command_ms", "data_ms", "dot_ms", "attempt_ms", "letters",
		"size", "message", "no-go", "connect_ms", "chunking", "quiet",
		"fingerprint", "journal", NULL
	};
	static const char *const tls[] = { "none", "starttls", "implicit",
					   NULL };
	static const char *const auth[] = { "none", "any", "plain", "login",
					    "cram-md5", "xoauth2", "oauthbearer",
					    NULL };
	unsigned long number = strtoul(value, NULL, 10);

	switch (index_of(name, names)) {
	case 0: s->smtp.target.host = value; break;
	case 1: s->smtp.target.port = (unsigned int)number; break;
	case 2: s->smtp.tls = (enum ch_smtp_tls)index_of(value, tls); break;
	case 3: s->smtp.target.ca_file = value; break;
	case 4: s->smtp.auth = (enum ch_smtp_auth)index_of(value, auth); break;
	case 5: s->smtp.user = value; break;
	case 6: s->smtp.password = value; break;
	case 7: s->smtp.command_timeout_ms = (int)number; break;
	case 8: s->smtp.data_timeout_ms = (int)number; break;
	case 9: s->smtp.dot_timeout_ms = (int)number; break;
	case 10: s->smtp.attempt_timeout_ms = (int)number; break;
	case 11: s->letters = number; break;
	case 12: s->size = number; break;
	case 13: s->file = value; break;
	case 14: s->no_go = number != 0; break;
	case 15: s->smtp.target.connect_timeout_ms = (int)number; break;
	case 16: s->smtp.chunking = number != 0; break;
	case 17: s->quiet = number != 0; break;
	case 18: s->smtp.target.fingerprint = value; break;
	default: s->journal = value; break;
	}
}

/* A message of about `size` bytes; some lines begin with a dot. */
static void make_message(struct ch_str *out, unsigned long size)
{
	ch_str_add(out, "From: a@chancery.example\r\nTo: b@members.example\r\n"
			"Date: Tue, 24 Nov 2026 01:02:03 +0000\r\n"
			"Message-ID: <1@chancery.example>\r\n"
			"Subject: test\r\nMIME-Version: 1.0\r\n"
			"Content-Type: text/plain; charset=us-ascii\r\n\r\n");
	for (unsigned int i = 0; out->len < size; i++)
		ch_str_addf(out, "%sline %u of a letter that is being sent\r\n",
			    i % 7 == 3 ? "." : "", i);
	ch_str_add(out, ".\r\n");
}

struct question {
	const struct settings *settings;
	const struct ch_smtp_letter *letter;
};

static bool before_dot(void *context, const size_t *accepted, size_t len)
{
	const struct question *q = context;

	if (!q->settings->quiet) {
		printf("dot");
		for (size_t i = 0; i < len; i++)
			printf(" %s", q->letter->to[accepted[i]]);
		printf("\n");
		fflush(stdout);
	}
	return !q->settings->no_go;
}

static void print_result(const struct ch_smtp_result *result)
{
	CH_AUTO(ch_str) shown = CH_STR_INIT(64 * 1024);

	ch_escape_line(&shown, ch_str_cstr(&result->reply.text),
		       result->reply.text.len);
	printf("%s\t%u\t%s\t%s\n", outcomes[result->outcome],
	       result->reply.code, result->reply.status, ch_str_cstr(&shown));
}

/* Returns whether the connection is still in order. */
static bool send_one(struct ch_smtp *smtp, const struct settings *s,
		     const struct ch_str *message, char **to, size_t to_len)
{
	size_t len = to_len + (s->journal != NULL);
	struct ch_smtp_result *results = ch_xcalloc(len, sizeof(*results));
	static const struct ch_smtp_calls calls = { .before_dot = before_dot };
	struct iovec pieces[2] = {
		{ message->data, message->len / 3 },
		{ message->data + message->len / 3,
		  message->len - message->len / 3 },
	};
	struct ch_smtp_letter letter = {
		.envelope_from = "bounces+token@chancery.example",
		.envelope_id = "7.1",
		.to = (const char *const *)to,
		.to_len = to_len,
		.journal = s->journal,
		.message = pieces,
		.message_len = CH_COUNT(pieces),
		.calls = &calls,
	};
	struct question question = { s, &letter };
	struct ch_error err;
	bool usable;

	letter.context = &question;
	usable = ch_smtp_send(smtp, &letter, results, &err) == 0;
	for (size_t i = 0; i < len && !s->quiet; i++)
		print_result(&results[i]);
	if (!usable)
		printf("cut %s\n", err.text);
	ch_smtp_results_release(results, len);
	free(results);
	fflush(stdout);
	return usable;
}

int main(int argc, char **argv)
{
	struct settings s = {
		.smtp = { .target = { .host = "127.0.0.1",
				      .connect_timeout_ms = 5000,
				      .wake_fd = -1 },
			  .user = "", .password = "",
			  .helo = "chancery.example",
			  .command_timeout_ms = 5000, .data_timeout_ms = 5000,
			  .dot_timeout_ms = 5000, .attempt_timeout_ms = 20000,
			  .dsn = true },
		.letters = 1, .size = 4800,
	};
	CH_AUTO(ch_str) message = CH_STR_INIT(MESSAGE_MAX);
	struct ch_smtp *smtp = NULL;
	enum ch_smtp_fault fault;
	unsigned int code;
	struct ch_error err;
	bool usable = true;
	int at = 1;

	signal(SIGPIPE, SIG_IGN); /* as the worker does */
	for (; at < argc && strchr(argv[at], '='); at++) {
		char *value = strchr(argv[at], '=');

		*value = '\0';
		set(&s, argv[at], value + 1);
	}
	if (at == argc || !s.smtp.target.host ||
	    (s.smtp.target.port == 0 && s.smtp.target.host[0] != '/'))
		return EX_USAGE;
	if (!s.file) {
		make_message(&message, s.size);
	} else if (ch_file_read(s.file, &message, &err) < 0) {
		fprintf(stderr, "smtp-send: %s\n", err.text);
		return EX_NOINPUT;
	}
	if (ch_smtp_open(&s.smtp, &smtp, &fault, &code, &err) < 0) {
		printf("fault %s %u %s\n", faults[fault], code, err.text);
		return 0;
	}
	for (unsigned long i = 0; i < s.letters && usable; i++)
		usable = send_one(smtp, &s, &message, argv + at,
				  (size_t)(argc - at));
	if (usable)
		printf("open\n");
	ch_smtp_close(smtp);
	return 0;
}
