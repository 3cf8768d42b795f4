// SPDX-License-Identifier: GPL-3.0-or-later
/* test-config.c - chancery.conf: what it may say, and what each mistake gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>

#include "base/file.h"
#include "chanceryd/config.h"
#include "wire/messages.h"

#define HEAD \
	"secretariat: { from = \"S <s@chancery.example>\"; " \
	"envelope = \"bounces@chancery.example\"; };\n"

#define SMIME(keys) \
	"secretariat: { from = \"S <s@chancery.example>\"; " \
	"envelope = \"bounces@chancery.example\"; smime: { " keys "}; };\n"

static char folder[] = "/tmp/ch-config-XXXXXX";

static char *write_file(const char *name, const char *text, unsigned int mode)
{
	CH_AUTOFD dir = open(folder, O_RDONLY | O_DIRECTORY);
	struct ch_error err;

	assert_int_equal(ch_file_replace(dir, name, text, strlen(text), mode,
					 &err), 0);
	return ch_xasprintf("%s/%s", folder, name);
}

static void the_least_configuration_has_its_defaults(void **state)
{
	CH_AUTOCHAR path = write_file("least", HEAD, 0600);
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_config *config = NULL;

	(void)state;
	assert_int_equal(ch_config_read(path, &config, &problems), 0);
	assert_string_equal(config->secretariat.hostname, "chancery.example");
	assert_string_equal(config->secretariat.language, "en");
	assert_int_equal(config->sending.retry.len, 5);
	assert_int_equal(config->sending.schedule.delays[CH_REPLY_OTHER].ms[4],
			 43200000);
	assert_int_equal(config->sending.schedule.max_age_ms, 432000000);
	assert_true(config->release.second_person);
	assert_int_equal(config->relays.len, 0);
	ch_config_free(config);
}

static void a_credential_is_found_in_its_directory(void **state)
{
	CH_AUTOCHAR secret = write_file("smtp-password", "x", 0600);
	CH_AUTOCHAR path = write_file(
		"credential",
		HEAD "relays: ( { name = \"r\"; host = \"relay.example\"; "
		     "auth = \"plain\"; user = \"u\"; "
		     "password = \"smtp-password\"; } );\n", 0600);
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_config *config = NULL;
	const struct ch_relay_config *relay;

	(void)state;
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	assert_int_equal(ch_config_read(path, &config, &problems), 0);
	unsetenv("CREDENTIALS_DIRECTORY");
	relay = config->relays.items;
	assert_string_equal(relay->peer.password, secret);
	assert_int_equal(relay->peer.tls, CH_TLS_STARTTLS);
	assert_int_equal(relay->peer.port, 587);
	assert_int_equal(relay->connections, 4);
	ch_config_free(config);
}

#define RELAY(rest) \
	HEAD "relays: ( { name = \"r\"; host = \"relay.example\"; " rest " } );"

static void each_mistake_keeps_it_from_starting(void **state)
{
	static const struct {
		const char *text;
		const char *expected; /* behind the file's name */
	} rows[] = {
		{ "", "secretariat.from: is required and missing" },
		{ HEAD "relay: ( );", ":2: relay: unknown setting" },
		{ HEAD "sending: { max_age = \"5 days\"; };",
		  ":2: sending.max_age: \"5 days\" is no duration" },
		{ HEAD "sending: { retry = [ \"5m\", \"soon\" ]; };",
		  ":2: sending.retry: \"soon\" is no delay" },
		{ HEAD "sending: { retry_policy = [ \"0s\" ]; };",
		  ":2: sending.retry_policy: \"0s\" is no delay" },
		{ HEAD "sending: { retry_connection = [ \"31d\" ]; };",
		  ":2: sending.retry_connection: \"31d\" is no delay" },
		{ HEAD "sending: { time_zone = \"Europe/Nowhere\"; };",
		  ":2: sending.time_zone: there is no time zone "
		  "\"Europe/Nowhere\"" },
		{ HEAD "sending: { windows = ( { from = \"08:00\"; "
		       "to = \"25:00\"; } ); };",
		  ":2: sending.windows[0].to: \"25:00\" is no time" },
		{ HEAD "sending: { windows = ( { from = \"08:00\"; "
		       "to = \"08:00\"; } ); };",
		  ":2: sending.windows[0].to: the window ends when" },
		{ HEAD "sending: { windows = ( { days = \"Mo\"; "
		       "from = \"08:00\"; to = \"18:00\"; } ); };",
		  ":2: sending.windows[0].days: is too short" },
		{ HEAD "sending: { windows = ( { days = \"Mon-Fry\"; "
		       "from = \"08:00\"; to = \"18:00\"; } ); };",
		  ":2: sending.windows[0].days: \"Mon-Fry\" are no weekdays" },
		{ HEAD "sending: { holidays = [ \"2026-02-29\" ]; };",
		  ":2: sending.holidays: \"2026-02-29\" is no date" },
		{ HEAD "sending: { holidays_file = \"/nowhere/at/all\"; };",
		  ":2: sending.holidays_file: the file cannot be read" },
		{ HEAD "sending: { retry = [ ]; };",
		  ":2: sending.retry: needs at least 1" },
		{ RELAY("tls = \"none\";"),
		  ":2: relays[0].tls: TLS may be off only for localhost, and "
		  "the host is relay.example" },
		{ RELAY("tls = \"maybe\";"),
		  ":2: relays[0].tls: unknown value \"maybe\"" },
		{ RELAY("port = 0;"),
		  ":2: relays[0].port: must be between 1 and 65535, is 0" },
		{ RELAY("auth = \"plain\"; user = \"u\"; "
			"password = \"hunter2\";"),
		  ":2: relays[0].password: there is no such credential" },
		{ RELAY("auth = \"plain\"; user = \"u\"; "
			"password = \"/nonexistent/x\";"),
		  ":2: relays[0].password: the file cannot be read: No such "
		  "file or directory" },
		{ RELAY("auth = \"login\"; user = \"u\";"),
		  "relays[0].password: auth needs a password" },
		{ HEAD "relays: ( { name = \"a\"; host = \"::1\"; }, "
		       "{ name = \"a\"; host = \"b\"; } );",
		  ":2: relays[1].name: two relays are called \"a\"" },
		{ HEAD "mailboxes: ( { name = \"m\"; host = \"h\"; "
		       "auth = \"none\"; } );",
		  ":2: mailboxes[0].auth: a mailbox cannot be read without a "
		  "login" },
		{ SMIME("key = \"smime-key\"; "),
		  ":1: secretariat.smime.key: there is no such credential" },
		{ SMIME("certificate = \"smime-certificate\"; "),
		  ":1: secretariat.smime.certificate: nothing is signed "
		  "without a key" },
		{ SMIME("password = \"p\"; "),
		  ":1: secretariat.smime.password: nothing is signed without a "
		  "key" },
		{ SMIME("key = \"/etc/passwd\"; "),
		  ":1: secretariat.smime.key: /etc/passwd can be read by "
		  "others (mode 644)" },
		{ HEAD "store: { path = \"chancery.db\"; };",
		  ":2: store.path: is no absolute path" },
		{ "secretariat: { from = \"s@x.example\"; "
		  "envelope = \"a-very-long-local-part@x.example\"; };",
		  ":1: secretariat.envelope: \"a-very-long-local-part@"
		  "x.example\" leaves no place for a token" },
		{ "secretariat: { from = \"s@x.example\"; "
		  "envelope = \"b+c@x.example\"; };",
		  ":1: secretariat.envelope: \"b+c@x.example\" leaves no place "
		  "for a token" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR path = write_file("bad", rows[i].text, 0600);
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTO(ch_str) got = CH_STR_INIT(10000);
		struct ch_config *config = NULL;

		assert_int_equal(ch_config_read(path, &config, &problems), -1);
		for (size_t j = 0; j < problems.len; j++) {
			ch_problem_format(&problems.items[j], &got);
			ch_str_add(&got, "\n");
		}
		if (!strstr(ch_str_cstr(&got), rows[i].expected))
			fail_msg("%s\ngave %s", rows[i].text,
				 ch_str_cstr(&got));
		if (strstr(ch_str_cstr(&got), "hunter2"))
			fail_msg("a password was shown: %s",
				 ch_str_cstr(&got));
	}
}

static void a_password_that_others_can_read(void **state)
{
	CH_AUTOCHAR secret = write_file("open-password", "x", 0640);
	CH_AUTOCHAR text = NULL;
	CH_AUTOCHAR path = NULL;
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_config *config = NULL;

	(void)state;
	assert_int_equal(chmod(secret, 0640), 0);
	text = ch_xasprintf(RELAY("auth = \"plain\"; user = \"u\"; "
				  "password = \"%s\";"), secret);
	path = write_file("open", text, 0600);
	assert_int_equal(ch_config_read(path, &config, &problems), -1);
	assert_int_equal(problems.len, 1);
	assert_non_null(strstr(problems.items[0].text,
			       "can be read by others (mode 640)"));
	assert_string_equal(problems.items[0].hint, "chmod 600 it");
}

static void what_systemd_hands_over_is_not_open(void **state)
{
	static const struct {
		unsigned int mode;
		const char *content, *expected;
	} rows[] = {
		{ 0400, "x", NULL },
		{ 0440, "x", NULL }, /* an ACL of one reader */
		{ 0444, "x", "can be read by others (mode 444)" },
		{ 0400, "", "is empty" },
		{ 0400, "\n", "is empty" }, /* the unit's stand-in */
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR secret = write_file("handed", rows[i].content,
						0600);
		CH_AUTOCHAR path = write_file(
			"by-name",
			RELAY("auth = \"plain\"; user = \"u\"; "
			      "password = \"handed\";"), 0600);
		CH_AUTO(ch_problems) problems = { 0 };
		struct ch_config *config = NULL;

		assert_int_equal(chmod(secret, rows[i].mode), 0);
		setenv("CREDENTIALS_DIRECTORY", folder, 1);
		assert_int_equal(ch_config_read(path, &config, &problems),
				 rows[i].expected ? -1 : 0);
		unsetenv("CREDENTIALS_DIRECTORY");
		if (rows[i].expected)
			assert_non_null(strstr(problems.items[0].text,
					       rows[i].expected));
		ch_config_free(config);
	}
}

static void all_mistakes_come_at_once(void **state)
{
	CH_AUTOCHAR path = write_file(
		"many",
		HEAD "relays: ( { name = \"r\"; host = \"relay.example\"; "
		     "tls = \"none\"; auth = \"plain\"; } );\n"
		     "mailboxes: ( { name = \"m\"; host = \"imap.example\"; "
		     "tls = \"none\"; } );\n", 0600);
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_config *config = NULL;

	(void)state;
	assert_int_equal(ch_config_read(path, &config, &problems), -1);
	assert_int_equal(problems.errors, 6);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	CH_AUTOCHAR command = ch_xasprintf("rm -r %s", folder);

	(void)state;
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_configuration_has_its_defaults),
		cmocka_unit_test(a_credential_is_found_in_its_directory),
		cmocka_unit_test(each_mistake_keeps_it_from_starting),
		cmocka_unit_test(a_password_that_others_can_read),
		cmocka_unit_test(what_systemd_hands_over_is_not_open),
		cmocka_unit_test(all_mistakes_come_at_once),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
