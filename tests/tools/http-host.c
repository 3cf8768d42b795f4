// SPDX-License-Identifier: GPL-3.0-or-later
/* http-host.c - the two doors over a real store, without mail: for the tests of
 * the sockets, where a test has to say when a turn commits and what happens.
 *
 *	http-host FOLDER [--name=value]...
 *
 * FOLDER gets status.sock, control.sock, chancery.db, objects/ and spool/.
 * It says "ready" when both doors are open, then does what stdin says, a line
 * each, and answers "ok" or what was asked for:
 *
 *	batch REF N    a batch of N letters, K0 K1 …
 *	send REF KEY   the letter is sent
 *	return REF KEY a bounce comes back, with a stranger's texts
 *	open           change something and do not commit until
 *	commit
 *	import         end the oldest upload that waits: a batch of 3 letters,
 *	               or a problem where the table says "bad"
 *	stop           like the end of input
 *
 * Commands are those of the daemon (commands.c); uploads are looked at and not
 * imported.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/http.h"
#include "chanceryd/mailroom.h"
#include "chanceryd/relays.h"
#include "chanceryd/returned.h"
#include "chanceryd/room.h"
#include "chanceryd/sending.h"
#include "chanceryd/turn.h"

struct ch_turn {
	sd_event_source *end;
	bool kept_open; /* until "commit" */
	uint64_t commits;
	struct call {
		ch_after_commit *run;
		void *context;
	} *calls;
	size_t calls_len, calls_cap;
};

struct ch_imports {
	struct waiting {
		ch_enqueue_done *done;
		void *context;
		char *dir;
		char *reference;
		char *recipients;
		char *who;
		bool hold, dry_run;
	} *items;
	size_t len, cap;
	unsigned int spools;
};

static struct ch_turn turn;
static struct ch_imports imports;
static struct ch_mailroom room = {
	.config = &(struct ch_config){ .store.path = NULL },
	.turn = &turn, .imports = &imports,
};
static struct ch_error err;

#define OK(call)                                        \
	({                                              \
		__typeof__(call) got_ = (call);         \
		if (got_ < 0)                           \
			ch_room_fail(&room, &err);      \
		got_;                                   \
	})

/* ---- the parts of the daemon that are stood in for --------------------- */

_Noreturn void ch_room_fail(struct ch_mailroom *of,
			    const struct ch_error *why)
{
	fprintf(stderr, "http-host: %s\n", why->text);
	exit(75);
}

static int on_turn_end(sd_event_source *source, void *context)
{
	struct call *calls = turn.calls;
	size_t len = turn.calls_len;

	if (turn.kept_open)
		return 0;
	if (ch_store_in_transaction(room.store)) {
		OK(ch_store_commit(room.store, &err));
		turn.commits++;
	}
	turn.calls = NULL;
	turn.calls_len = turn.calls_cap = 0;
	for (size_t i = 0; i < len; i++)
		calls[i].run(calls[i].context);
	free(calls);
	if (room.http)
		ch_http_committed(room.http);
	return 0;
}

void ch_turn_due(struct ch_mailroom *of)
{
	sd_event_source_set_enabled(turn.end, SD_EVENT_ONESHOT);
}

int64_t ch_turn_open(struct ch_mailroom *of)
{
	if (!ch_store_in_transaction(room.store))
		OK(ch_store_begin(room.store, &err));
	ch_turn_due(of);
	return ch_clock_now_us();
}

void ch_turn_log(struct ch_mailroom *of, int priority,
		 const struct ch_log_fields *fields, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ch_log_v(&room.log, priority, fields, format, args);
	va_end(args);
}

void ch_dispatch_batch(struct ch_mailroom *of, int64_t batch_id)
{
}

int ch_returned_reread(struct ch_mailroom *where, int64_t return_id,
		       const char *who, struct ch_error *why)
{
	return ch_error_refuse(why, "4.0.4", "there is no return %lld",
			       (long long)return_id);
}

int ch_returned_confirm(struct ch_mailroom *where,
			const struct ch_store_batch *batch,
			const struct ch_store_letter *letter,
			int64_t return_id, const char *who,
			struct ch_error *why)
{
	return ch_error_refuse(why, "4.0.4", "there is no return %lld",
			       (long long)return_id);
}

int ch_room_pause(struct ch_mailroom *of, bool paused, const char *who)
{
	int changed = room.paused != paused;

	room.paused = paused;
	if (changed)
		OK(ch_store_event_add(room.store, paused ? "mailroom.paused"
				      : "mailroom.resumed", 0, 0, who, "",
				      ch_turn_open(of), &err));
	return changed;
}

bool ch_relays_try(struct ch_mailroom *of)
{
	return false;
}

int ch_relays_pause(struct ch_mailroom *of, const char *name, bool paused,
		    const char *who)
{
	return strcmp(name, "main") == 0 ? 1 : -1;
}

void ch_sending_overruled(struct ch_mailroom *of, int64_t letter_id)
{
}

uint64_t ch_mailroom_at_risk(struct ch_mailroom *of, int64_t batch_id)
{
	return 0;
}

bool ch_mailroom_is_at_risk(struct ch_mailroom *of,
			    const struct ch_store_letter *letter)
{
	return false;
}

struct ch_store *ch_mailroom_store(struct ch_mailroom *of)
{
	return of->store;
}

sd_event *ch_mailroom_event(struct ch_mailroom *of)
{
	return of->event;
}

void ch_mailroom_after_commit(struct ch_mailroom *of, ch_after_commit *call,
			      void *context)
{
	CH_GROW(turn.calls, turn.calls_len, turn.calls_cap);
	turn.calls[turn.calls_len++] = (struct call){ call, context };
	ch_turn_due(of);
}

const struct ch_mailroom_state *ch_mailroom_state(struct ch_mailroom *of)
{
	static const struct ch_relay_state relays[] = {
		{ .name = "main", .state = "ready", .text = "", .workers = 2,
		  .under_way = 3 },
		{ .name = "se\"co\\nd\nline", .state = "fault",
		  .text = "535 \xff\x1b[2J no", .backup = true,
		  .next_us = 1000000 },
	};
	static const struct ch_mailbox_state mailboxes[] = {
		{ "bureau", "INBOX", "ready", "", 17 },
		{ "bureau", "Junk", "connecting", "", 0 },
	};
	static struct ch_alarm alarms[] = {
		{ "alarm.auth", "relay second refuses our password", 1000000 },
		{ "alarm.auth", "relay third refuses our password", 2000000 },
		{ "alarm.tls", "mailbox bureau: certificate expired", 3000000 },
	};

	of->shown = (struct ch_mailroom_state){
		.state = of->stopping ? "stopping" : of->paused ? "paused"
								: "running",
		.started_us = of->started_us,
		.relays = relays, .relays_len = CH_COUNT(relays),
		.mailboxes = mailboxes, .mailboxes_len = CH_COUNT(mailboxes),
		.alarms = alarms, .alarms_len = CH_COUNT(alarms),
		.commits = turn.commits, .worker_restarts = 1,
		.imports_under_way = imports.len,
	};
	return &of->shown;
}

/* ---- uploads ---------------------------------------------------------- */

int ch_mailroom_spool(struct ch_mailroom *of, char **ret_dir,
		      struct ch_error *why)
{
	char *dir = ch_xasprintf("%s/%u", of->spool_dir, ++imports.spools);

	if (mkdir(dir, 0700) < 0) {
		free(dir);
		return ch_error_errno(why, errno, "spool");
	}
	*ret_dir = dir;
	return 0;
}

int ch_mailroom_enqueue(struct ch_mailroom *of,
			const struct ch_enqueue *request,
			ch_enqueue_done *done, void *context,
			struct ch_error *why)
{
	CH_AUTO(ch_store_batch) old = { 0 };

	if (OK(ch_store_batch_by_reference(of->store, request->reference, &old,
					   &err)) > 0)
		return ch_error_set(why, CH_GIVE_UP, "%s is already there",
				    request->reference);
	if (imports.len == 2)
		return ch_error_set(why, CH_RETRY, "too many imports");
	CH_GROW(imports.items, imports.len, imports.cap);
	imports.items[imports.len++] = (struct waiting){
		.done = done, .context = context,
		.dir = ch_xstrdup(request->spool_dir),
		.reference = ch_xstrdup(request->reference),
		.recipients = ch_xstrdup(request->recipients[0]),
		.who = ch_xstrdup(request->who.name),
		.hold = request->hold, .dry_run = request->dry_run,
	};
	printf("import waits\n");
	return 0;
}

void ch_mailroom_forget(struct ch_mailroom *of, void *context)
{
	for (size_t i = 0; i < imports.len; i++) {
		if (imports.items[i].context == context)
			imports.items[i].done = NULL;
	}
}

/* ---- a life of letters ------------------------------------------------ */

static void add_letter(int64_t batch_id, const char *key)
{
	CH_AUTOCHAR message_id = ch_xasprintf("%lld.%s@chancery.example",
					      (long long)batch_id, key);
	CH_AUTOCHAR to = ch_xasprintf("%s@ministry.example", key);
	char fields[] = "country\0Ruritania\0name\0\xc5\x81\xc3\xb3"
			"d\xc5\xba";
	struct ch_store_address address = { .address = to };
	char name[] = "Ruritania";
	char language[] = "en";
	char key_copy[40];
	struct ch_store_letter letter = {
		.key = key_copy, .name = name, .language = language,
		.message_id = message_id,
		.fields = { fields, sizeof(fields), sizeof(fields),
			    sizeof(fields), false },
		.addresses = &address, .addresses_len = 1,
	};

	snprintf(key_copy, sizeof(key_copy), "%s", key);
	OK(ch_store_letter_add(room.store, batch_id, &letter, &err));
}

static int64_t add_batch(const char *reference, unsigned int letters,
			 bool hold, const char *who,
			 struct ch_store_batch *ret)
{
	char words[8][80] = { "", "", "[x] Invitation", "2026-12-07",
			      "Bureau <bureau@chancery.example>", "", "",
			      "{\"en\":3}" };
	struct ch_store_batch facts = {
		.reference = words[0], .subject = words[2],
		.deadline = words[3], .from = words[4], .reply_to = words[5],
		.test_to = words[6], .enqueued_by = words[1],
		.created_us = ch_turn_open(&room), .date_us = 1000000,
		.letters = letters, .largest_bytes = 4711,
		.digest = { { 0xdd } }, .summary = words[7],
	};
	static const struct ch_sha256 sum = { { 0xab } };
	int64_t id;

	snprintf(words[0], sizeof(words[0]), "%s", reference);
	snprintf(words[1], sizeof(words[1]), "%s", who);
	OK(ch_store_batch_create(room.store, &facts, &id, &err));
	OK(ch_store_batch_add_file(room.store, id, "letter", "en.md", &sum, 9,
				   &err));
	for (unsigned int i = 0; i < letters; i++) {
		char key[20];

		snprintf(key, sizeof(key), "K%u", i);
		add_letter(id, key);
	}
	OK(ch_store_batch_publish(room.store, id, &facts,
				  hold ? CH_BATCH_HELD : CH_BATCH_OPEN, &err));
	OK(ch_store_event_add(room.store, "batch.enqueued", id, 0, who, "",
			      ch_clock_now_us(), &err));
	if (ret)
		OK(ch_store_batch_by_id(room.store, id, ret, &err));
	return id;
}

static void find(const char *reference, const char *key,
		 struct ch_store_letter *ret)
{
	CH_AUTO(ch_store_batch) batch = { 0 };

	OK(ch_store_batch_by_reference(room.store, reference, &batch, &err));
	OK(ch_store_letter_by_key(room.store, batch.id, key, ret, &err));
}

/* Sent: the letter and, since claims take what is due in order, those before
 * it go back. */
static void send_letter(const char *reference, const char *key)
{
	static const struct ch_sha256 sum = { { 1 } };
	const struct ch_store_result sent = {
		.to = CH_STATE_SENT, .code = 250,
		.status = ch_slice_of("2.0.0"),
		.reply = { "Ok \xff\x1b]52;c;x\x07 queued", 21 },
	};
	CH_AUTO(ch_store_letter) letter = { 0 };
	struct ch_store_letter *claimed = NULL;
	int64_t now = ch_turn_open(&room);
	size_t len = 0;

	find(reference, key, &letter);
	OK(ch_store_claim(room.store, letter.batch_id, now, 1000000, &claimed,
			  &len, &err));
	for (size_t i = 0; i < len; i++) {
		uint32_t seq = 0;

		if (claimed[i].id != letter.id) {
			OK(ch_store_abandon(room.store, claimed[i].id,
					    claimed[i].attempt, "not this one",
					    now, now, &err));
			continue;
		}
		OK(ch_store_dot(room.store, letter.id, claimed[i].attempt,
				&seq, 1, &sum, 1000, NULL, now, &err));
		OK(ch_store_result(room.store, letter.id, claimed[i].attempt,
				   &sent, now, &err));
	}
	ch_store_letters_free(claimed, len);
}

static void add_return(const char *reference, const char *key)
{
	static uint32_t uids;
	uint32_t uid = ++uids;
	CH_AUTO(ch_store_letter) letter = { 0 };
	char words[9][60] = { "bureau", "dsn", "", "id@relay.example",
			      "mailer-daemon@relay.example",
			      "Undeliverable \x1b]0;x\x07",
			      "no such \xff user", "x@ministry.example",
			      "5.1.1" };
	struct ch_store_return item = {
		.mailbox = words[0], .uidvalidity = 1, .uid = uid,
		.sha256 = { { (unsigned char)uid } }, .size_bytes = 2048,
		.received_us = 5000000, .rule = words[1], .fault = words[2],
		.message_id = words[3], .from = words[4], .subject = words[5],
		.text = words[6], .match = CH_MATCH_TOKEN, .verified = true,
		.attempt = 1, .recipient = words[7], .status = words[8],
		.diagnostic = words[2],
	};
	int64_t id;
	int64_t now = ch_turn_open(&room);

	find(reference, key, &letter);
	item.letter_id = letter.id;
	snprintf(words[3], sizeof(words[3]), "%u@relay.example", uid);
	OK(ch_store_return_add(room.store, &item, now, &id, &err));
}

/* The oldest upload that waits has been read. */
static void end_import(void)
{
	struct waiting import = imports.items[0];
	CH_AUTOCHAR table = ch_xasprintf("%s/recipients/%s", import.dir,
					 import.recipients);
	CH_AUTO(ch_str) text = CH_STR_INIT(1000000);
	CH_AUTO(ch_store_batch) batch = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_place place = { import.recipients, 2, 7, "to" };

	imports.items[0] = imports.items[--imports.len];
	OK(ch_file_read(table, &text, &err));
	if (strstr(ch_str_cstr(&text), "bad")) {
		ch_problems_add(&problems, CH_PROBLEM_ERROR, place,
				"Write the whole address.",
				"no domain in \"x@\xff\"");
	} else {
		ch_problems_add(&problems, CH_PROBLEM_WARNING, place, NULL,
				"a long name");
		add_batch(import.reference, 3, import.hold, import.who, &batch);
		if (import.dry_run)
			batch.id = 0; /* the host keeps it all the same */
		on_turn_end(NULL, NULL);
	}
	if (import.done)
		import.done(import.context, batch.reference ? &batch : NULL,
			    &problems, &err);
	free(import.dir);
	free(import.reference);
	free(import.recipients);
	free(import.who);
}

/* ---- what the test says ----------------------------------------------- */

static void obey(char *line)
{
	char reference[80] = "";
	char key[80] = "";
	char verb[20] = "";

	sscanf(line, "%19s %79s %79s", verb, reference, key);
	if (strcmp(verb, "batch") == 0)
		add_batch(reference, (unsigned int)strtoul(key, NULL, 10),
			  false, "host", NULL);
	else if (strcmp(verb, "send") == 0)
		send_letter(reference, key);
	else if (strcmp(verb, "return") == 0)
		add_return(reference, key);
	else if (strcmp(verb, "import") == 0)
		end_import();
	else if (strcmp(verb, "open") == 0) {
		turn.kept_open = true;
		OK(ch_store_event_add(room.store, "host.open", 0, 0, "", "",
				      ch_turn_open(&room), &err));
	} else if (strcmp(verb, "stop") == 0)
		sd_event_exit(room.event, 0);
	else if (strcmp(verb, "commit") == 0)
		turn.kept_open = false;
	else
		exit(64);
	if (!turn.kept_open)
		on_turn_end(NULL, NULL);
	printf("ok\n");
}

static int on_input(sd_event_source *source, int fd, uint32_t events,
		    void *context)
{
	char line[200];

	if (!fgets(line, sizeof(line), stdin))
		return sd_event_exit(room.event, 0);
	obey(line);
	return 0;
}

/* ---- start and stop --------------------------------------------------- */

static int listen_at(const char *folder, const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", folder, name);
	unlink(at.sun_path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    chmod(at.sun_path, 0666) < 0 || listen(fd, 4096) < 0) {
		perror(at.sun_path);
		exit(71);
	}
	return fd;
}

static void read_options(int argc, char **argv,
			 struct ch_http_options *options, unsigned int *uid)
{
	static const struct option known[] = {
		{ "clients", required_argument, NULL, 'c' },
		{ "timeout-ms", required_argument, NULL, 't' },
		{ "metrics", required_argument, NULL, 'm' },
		{ "upload", required_argument, NULL, 'u' },
		{ "uid", required_argument, NULL, 'i' },
		{ 0 },
	};
	int which;

	while ((which = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		unsigned long number = strtoul(optarg ? optarg : "", NULL, 10);

		if (which == 'c')
			options->max_clients = (unsigned int)number;
		else if (which == 't')
			options->request_timeout_ms = (int)number;
		else if (which == 'm')
			options->metrics_file = optarg;
		else if (which == 'u')
			options->max_upload_bytes = number;
		else if (which == 'i')
			*uid = (unsigned int)number;
		else
			exit(64);
	}
}

static void open_store(const char *folder)
{
	CH_AUTOCHAR path = ch_xasprintf("%s/chancery.db", folder);
	struct ch_recovery found;

	room.state_dir = ch_xstrdup(folder);
	room.objects_dir = ch_xasprintf("%s/objects", folder);
	room.spool_dir = ch_xasprintf("%s/spool", folder);
	mkdir(room.objects_dir, 0700);
	mkdir(room.spool_dir, 0700);
	OK(ch_store_open(path, &room.store, &err));
	OK(ch_store_begin(room.store, &err));
	OK(ch_store_recover(room.store, ch_clock_now_us(), &found, &err));
	OK(ch_store_commit(room.store, &err));
	room.started_us = ch_clock_now_us();
}

int main(int argc, char **argv)
{
	struct ch_http_options options = {
		.max_clients = 64, .request_timeout_ms = 10000,
		.max_upload_bytes = 1024 * 1024,
	};
	unsigned int uid = 0;
	sd_event_source *input = NULL;

	read_options(argc, argv, &options, &uid);
	if (optind + 1 != argc)
		return 64;
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	ch_log_init(&room.log);
	open_store(argv[optind]);
	options.objects_dir = room.objects_dir;
	options.control_uids = &uid;
	options.control_uids_len = uid != 0;
	if (sd_event_new(&room.event) < 0 ||
	    sd_event_add_io(room.event, &input, STDIN_FILENO, EPOLLIN,
			    on_input, NULL) < 0 ||
	    sd_event_add_defer(room.event, &turn.end, on_turn_end, NULL) < 0 ||
	    sd_event_source_set_priority(turn.end, CH_TURN_PRIORITY) < 0)
		return 71;
	OK(ch_http_start(&room, listen_at(argv[optind], "status.sock"),
			 listen_at(argv[optind], "control.sock"), &options,
			 &room.http, &err));
	printf("ready\n");
	sd_event_loop(room.event);
	turn.kept_open = false;
	on_turn_end(NULL, NULL);
	ch_http_stop(CH_TAKE(room.http));
	on_turn_end(NULL, NULL);
	sd_event_source_unref(input);
	sd_event_source_unref(turn.end);
	sd_event_unref(room.event);
	ch_store_close(room.store);
	free(room.state_dir);
	free(room.objects_dir);
	free(room.spool_dir);
	for (size_t i = 0; i < imports.len; i++) {
		free(imports.items[i].dir);
		free(imports.items[i].reference);
		free(imports.items[i].recipients);
		free(imports.items[i].who);
	}
	free(imports.items);
	return 0;
}
