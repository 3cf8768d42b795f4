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
#include "chanceryd/dkim.h"
#include "wire/messages.h"

#define TWENTY "\xC3\xBC" "abcdefghijklmnopqrs"
#define LONG_LABEL TWENTY TWENTY TWENTY TWENTY /* no A-label has room for it */
#define HEAD \
	"secretariat: { from = \"S <s@chancery.example>\"; " \
	"envelope = \"bounces@chancery.example\"; };\n"

#define SMIME(keys) \
	"secretariat: { from = \"S <s@chancery.example>\"; " \
	"envelope = \"bounces@chancery.example\"; smime: { " keys "}; };\n"

static char folder[] = "/tmp/ch-config-XXXXXX";

#define DKIM(keys) \
	"secretariat: { from = \"S <s@mail.x.example>\"; " \
	"envelope = \"bounces@chancery.example\"; dkim: ( " keys " ); };\n"

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
	/* RFC 5321 section 4.5.3.2: what a relay may take. */
	assert_int_equal(relay->data_timeout_ms, 3 * 60 * 1000);
	assert_int_equal(relay->dot_timeout_ms, 10 * 60 * 1000);
	ch_config_free(config);
}

#define RELAY(rest) \
	HEAD "relays: ( { name = \"r\"; host = \"relay.example\"; " rest " } );"

#define PIN "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

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
		{ RELAY("fingerprint = \"ab:cd\";"),
		  ":2: relays[0].fingerprint: a fingerprint has 64 hexadecimal "
		  "digits" },
		{ HEAD "relays: ( { name = \"a\"; host = \"localhost\"; "
		       "tls = \"none\"; fingerprint = \"" PIN "\"; } );",
		  ":2: relays[0].fingerprint: without TLS there is no public "
		  "key to compare" },
		{ HEAD "relays: ( { name = \"a\"; host = \"[192.0.2.1]\"; } );",
		  ":2: relays[0].host: no IPv6 address stands in the "
		  "brackets" },
		{ HEAD "relays: ( { name = \"a\"; host = \"/run/x.sock\"; "
		       "tls = \"implicit\"; } );",
		  ":2: relays[0].tls: a certificate cannot be checked for the "
		  "path of a UNIX socket" },
		{ HEAD "relays: ( { name = \"a\"; host = \"/run/x.sock\"; "
		       "tls = \"none\"; source = \"::1\"; } );",
		  ":2: relays[0].source: a UNIX socket has no source address" },
		{ HEAD "relays: ( { name = \"a\"; host = \"192.0.2.1\"; "
		       "source = \"2001:db8::1\"; } );",
		  ":2: relays[0].source: 2001:db8::1 is IPv6, and the host "
		  "192.0.2.1 is IPv4" },
		{ HEAD "relays: ( { name = \"a\"; host = \"[2001:db8::1]\"; "
		       "source = \"192.0.2.1\"; } );",
		  ":2: relays[0].source: 192.0.2.1 is IPv4, and the host "
		  "2001:db8::1 is IPv6" },
		{ RELAY("source = \"eth0\";"),
		  ":2: relays[0].source: \"eth0\" is no IP address" },
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
		  ":2: relays[0].password: auth needs a password" },
		{ HEAD "relays: ( { name = \"a\"; host = \"::1\"; }, "
		       "{ name = \"a\"; host = \"b\"; } );",
		  ":2: relays[1].name: two relays are called \"a\"" },
		{ HEAD "relays: ( { name = \"a\"; host = \"::1\"; }, "
		       "{ name = \"b\"; host = \"b\"; backup = true; "
		       "smtputf8 = true; } );",
		  ":2: relays[1].smtputf8: smtputf8 is true for a backup alone: such "
		  "letters would wait until each other relay is out of "
		  "order" },
		{ HEAD "mailboxes: ( { name = \"m\"; host = \"h\"; "
		  "user = \"u\"; password = \"/dev/null\"; "
		  "folders = [ \"inbox\", \"INBOX\" ]; } );\n",
		  ":2: mailboxes[0].folders: \"INBOX\" is named twice" },
		{ HEAD "mailboxes: ( { name = \"m\"; host = \"h\"; "
		  "user = \"u\"; password = \"/dev/null\"; "
		  "move_reports = \"Inbox\"; } );\n",
		  ":2: mailboxes[0].move_reports: \"Inbox\" is one of the "
		  "folders that are read" },
		{ HEAD "mailboxes: ( { name = \"m\"; host = \"h\"; "
		  "user = \"u\"; password = \"/dev/null\"; "
		  "move_answers = \"a\\tb\"; } );\n",
		  ":2: mailboxes[0].move_answers: \"" },
		{ HEAD "mailboxes: ( { name = \"m\"; host = \"h\"; "
		  "user = \"u\"; password = \"/dev/null\"; "
		  "keyword = \"\\\\Seen\"; } );\n",
		  ":2: mailboxes[0].keyword: a keyword has letters" },
		{ HEAD "mailboxes: ( { name = \"m\"; host = \"h\"; "
		       "auth = \"none\"; } );",
		  ":2: mailboxes[0].auth: a mailbox cannot be read without a "
		  "login" },
		{ RELAY("auth = \"plain\"; user = \"u\"; "
			"password_command = [ \"token\", \"-v\" ];"),
		  ":2: relays[0].password_command: \"token\" is no absolute "
		  "path" },
		{ RELAY("auth = \"plain\"; user = \"u\"; "
			"password_command = [ \"/nonexistent/token\" ];"),
		  ":2: relays[0].password_command: /nonexistent/token: No such "
		  "file or directory" },
		{ RELAY("auth = \"plain\"; user = \"u\"; "
			"password_command = [ \"/etc/passwd\" ];"),
		  ":2: relays[0].password_command: /etc/passwd cannot be "
		  "executed" },
		{ RELAY("auth = \"plain\"; user = \"u\"; password = \"/x\"; "
			"password_command = [ \"/bin/true\" ];"),
		  ":2: relays[0].password_command: there is a password as "
		  "well" },
		{ RELAY("password_command = [ \"/bin/true\" ];"),
		  ":2: relays[0].password_command: without a login no password "
		  "is needed" },
		{ HEAD "mailboxes: ( { name = \"m\"; host = \"h\"; "
		       "auth = \"xoauth2\"; password_command = [ \"/bin/true\" "
		       "]; } );",
		  ":2: mailboxes[0].user: auth needs a user" },
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
		{ "secretariat: { from = \"Bureau bureau@chancery.example\"; "
		  "envelope = \"bounces@chancery.example\"; };",
		  ":1: secretariat.from: \"Bureau bureau@chancery.example\" is "
		  "no address" },
		{ HEAD "alarms: { mail: { from = \"operators\"; }; };",
		  ":2: alarms.mail.from: \"operators\" is no address" },
		{ "secretariat: { from = \"s@x.example\"; reply_to = \"s\"; "
		  "envelope = \"bounces@chancery.example\"; };",
		  ":1: secretariat.reply_to: \"s\" is no address" },
		{ HEAD "domains: ( { pattern = [ \"" LONG_LABEL ".example\" ]; "
		       "} );",
		  ":2: domains[0].pattern: \"" LONG_LABEL ".example\" is no "
		  "pattern of domains" },
		{ "secretariat: { from = \"s@x.example\"; envelope = \"b@x."
		  "example\"; hostname = \"mail room\"; };",
		  ":1: secretariat.hostname: \"mail room\" is no name of a "
		  "machine" },
		{ HEAD "sending: { journal = \"journal\"; };",
		  ":2: sending.journal: \"journal\" leaves no place for a "
		  "token" },
		{ HEAD "sending: { journal = \"journal@x.example\"; };",
		  ":2: sending.journal: nobody reads the copies: there are no "
		  "mailboxes" },
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

/* As openssl genpkey -algorithm ed25519 and rsa, of 768 and 1024 bits, write
 * them. */
static const char ed25519_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	"-----END PRIVATE KEY-----\n";
static const char small_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIIB5QIBADANBgkqhkiG9w0BAQEFAASCAc8wggHLAgEAAmEAvXWDHS1PoIz/PT7u\n"
	"dlCxCgYssAmVZUaZrOTCTGLOBr+UG6BXV0OHmerctQrXP+yqIINssjV4m+UWc9c6\n"
	"Ga6HxI+/qCh8mnJUvib3Ds8mqXBgsONf838HWsHprkEPKpbzAgMBAAECYE/A3AS4\n"
	"QkDPmdJqX2+m4B/cIYupPR547c/+LFyDaz8j/nDyulGdt8NvPqFngt0B/pFrG1X2\n"
	"VZ1k4tsKjTG+uHQRLt7bIr4HPrOs4cobcm/+O4TaD6WPJrLlnn1y0FBgQQIxAPR/\n"
	"k+/zavn6Asc4gQKB8ivNloG/v8FyVIqwKMNghV96XPsewjKGQ7ZuZ8fiWN5juwIx\n"
	"AMZfHKMQUdHs2y6XviLBcU6VEp6KRvOOyQ3nqrVRMNPrvMls+hsauXPigjSaC/j6\n"
	"KQIxAJBsK765Up+Ghs2XGt2YVKx7LERIN8TU/AtQM0P1Z9MWPIY5jQy7MpQ4cyUn\n"
	"FseGsQIwMtnu3V4xmz68cRU1CHPON/a+7yVDSuwvXgElIZXOjoS/wGLPOmN/ZtWJ\n"
	"yzIyH4EBAjEAy413exI00OhhNOds1MxeB2szEon8iMF5reOgKOa+fScFP2gxUREB\n"
	"jPJjUOqx26Oy\n"
	"-----END PRIVATE KEY-----\n";
static const char weak_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALie+gdA4aYcwX7r\n"
	"SzujQSNjCvTAuitslnJoYKWGwPapSzb5XXTwiD3SH/7ZfpMHzK/bLg7BNoe9lvkT\n"
	"/7x8MH/BobNcYH8leaeU4rZr7Jfq8HyKvzqiK5HRLfqxQfLCWYtgGpsDdZaqTNgu\n"
	"b+1C0KVFdrJ7CSri/FP18UryInehAgMBAAECgYBBS+DsbdMhGCyLghayuhPQuzfl\n"
	"xsBRmW9AeZAtGxLmaovynpGiSWw2SToNvcjZobmQPPn2N/ncWn6qC5u4g0f3XS6Y\n"
	"vFgWIFAKODQ4RUp8XKVIqQqCiMCRe5B0/bS+KDgFagh9vwl22QIwsPoN9tX71iat\n"
	"DYrvaN8NU8fwzJmXkQJBAOvc6u7yeRom0Ge3kp3Q7mCojObCUF+YfzupftqAnk9f\n"
	"pA8p23eA6CrpycHA0dBF8GEHo5r1++lLsemo0Gdmck0CQQDIYhn1XgEA6CUdWRRk\n"
	"dZFzYO/6t+ce2wOElkUwYlOng0dkOaIYpiruN8a+eKAdbC7r2ZztTm02j+JI1kiM\n"
	"c/ylAkAU4YgDA4BpKkqFBCF8y0RvVjyzKTzIWc3Z0FWkroJVcJgrp38Ag28KbYwp\n"
	"FRL+J1LypCR90Y0tyD/F+eYJYW55AkAn8m6sXK4kiSMFA8It+MYjUzrkJ49atlyw\n"
	"LOjkKWX16hTsZRTshwvd656iUBfTZcLA3+QJ5u2cx/hbfuR9o43FAkEAj9cd551U\n"
	"HoD9Z+qzq9+UajQLgPYo7qP+aKdAfwANUnq+H1l6Yw8TNVfg4TcO3DWXxWQiMVr5\n"
	"X0MoXJHYkEF3iw==\n"
	"-----END PRIVATE KEY-----\n";
/* Every problem, a line each; the configuration is written around key files
 * called ed25519, small, weak and text. */
static int read_dkim(const char *keys, char **ret)
{
	CH_AUTOCHAR text = ch_xasprintf(DKIM("%s"), keys);
	CH_AUTOCHAR path = write_file("dkim", text, 0600);
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_str) got = CH_STR_INIT(10000);
	struct ch_config *config = NULL;
	int result;

	free(write_file("ed25519", ed25519_key, 0600));
	free(write_file("small", small_key, 0600));
	free(write_file("weak", weak_key, 0600));
	free(write_file("text", "hunter2\n", 0600));
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	result = ch_config_read(path, &config, &problems);
	unsetenv("CREDENTIALS_DIRECTORY");
	for (size_t i = 0; i < problems.len; i++)
		ch_str_addf(&got, "%s: %s\n", problems.items[i].field,
			    problems.items[i].text);
	ch_config_free(config);
	*ret = ch_xstrdup(ch_str_cstr(&got));
	return result;
}

#define KEY(domain, selector, key) \
	"{ domain = \"" domain "\"; selector = \"" selector "\"; " \
	"key = \"" key "\"; }"

static void keys_of_dkim(void **state)
{
	static const struct {
		const char *keys;
		int result;
		const char *expected;
	} rows[] = {
		{ "", 0, "" },
		{ KEY("mail.x.example", "a", "ed25519"), 0, "" },
		{ KEY("x.example", "a.b-2", "ed25519") ", "
		  KEY("X.example", "b", "ed25519"), 0, "" },
		{ KEY("il.x.example", "a", "ed25519"), 0,
		  "secretariat.dkim[0].domain: the letters are not from "
		  "il.x.example: their From is S <s@mail.x.example>\n" },
		{ KEY("a.mail.x.example", "a", "ed25519"), 0,
		  "secretariat.dkim[0].domain: the letters are not from "
		  "a.mail.x.example: their From is S <s@mail.x.example>\n" },
		{ KEY("example", "a", "ed25519"), -1,
		  "secretariat.dkim[0].domain: \"example\" is no domain\n" },
		{ KEY("x..example", "a b", "ed25519"), -1,
		  "secretariat.dkim[0].domain: \"x..example\" is no domain\n"
		  "secretariat.dkim[0].selector: \"a b\" is no selector: "
		  "letters, digits, hyphens, and dots between them\n" },
		{ KEY("x.example", "-a", "ed25519"), -1,
		  "secretariat.dkim[0].selector: \"-a\" is no selector: "
		  "letters, digits, hyphens, and dots between them\n" },
		{ KEY("x.example", "a", "ed25519") ", "
		  KEY("X.EXAMPLE", "A", "weak"), -1,
		  "secretariat.dkim[1].selector: two keys have the selector "
		  "\"A\"\n"
		  "secretariat.dkim[1].key: an RSA key of 1024 bits is "
		  "weak\n" },
		{ KEY("x.example", "a", "ed25519") ", "
		  KEY("mail.x.example", "a", "ed25519"), 0, "" },
		{ KEY("x.example", "a", "weak"), 0,
		  "secretariat.dkim[0].key: an RSA key of 1024 bits is "
		  "weak\n" },
		{ KEY("x.example", "a", "small"), -1,
		  "secretariat.dkim[0].key: an RSA key of 768 bits, which "
		  "anybody can break: 2048 are usual, at least 1024 are "
		  "needed\n" },
		{ KEY("x.example", "a", "text"), -1,
		  "secretariat.dkim[0].key: it is no private key in PEM "
		  "without a password: unsupported\n" },
		{ KEY("x.example", "a", "none"), -1,
		  "secretariat.dkim[0].key: there is no such credential\n" },
		{ KEY("x.example", "a", "/etc/passwd"), -1,
		  "secretariat.dkim[0].key: /etc/passwd can be read by others "
		  "(mode 644)\n" },
		{ "{ domain = \"x.example\"; selector = \"a\"; }", -1,
		  "secretariat.dkim[0].key: is required and missing\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR got = NULL;

		assert_int_equal(read_dkim(rows[i].keys, &got),
				 rows[i].result);
		assert_string_equal(got, rows[i].expected);
	}
}

static void domains_of_a_from(void **state)
{
	static const struct {
		const char *domain, *from;
		bool aligned;
	} rows[] = {
		{ "x.example", "s@x.example", true },
		{ "x.example", "S <s@x.example>", true },
		{ "x.example", "\"a@b\" <s@X.Example>", true },
		{ "x.example", "s@mail.x.example", true },
		{ "x.example", "s@mailx.example", false },
		{ "mail.x.example", "s@x.example", false },
		{ "x.example", "s@y.example", false },
		{ "x.example", "s@b\xC3\xBC" "cher.example", false },
		{ "xn--bcher-kva.example", "s@b\xC3\xBC" "cher.example",
		  true },
		{ "XN--bcher-kva.example", "S <s@mail.B\xC3\x9C"
		  "cher.example>", true },
		{ "xn--bcher-kva.example", "s@bu\xCC\x88" "cher.example",
		  true },
		{ "cher.example", "s@b\xC3\xBC" "cher.example", false },
		{ "x.example", "nobody", true },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++)
		if (ch_dkim_is_aligned(rows[i].domain, rows[i].from) !=
		    rows[i].aligned)
			fail_msg("row %zu", i);
}

/* What a zone file gets. */
static void records_to_publish(void **state)
{
	CH_AUTOCHAR path = write_file(
		"publish", DKIM(KEY("x.example", "e", "ed25519") ", "
				KEY("x.example", "r", "weak")), 0600);
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_config *config = NULL;
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	struct ch_error err;

	(void)state;
	free(write_file("ed25519", ed25519_key, 0600));
	free(write_file("weak", weak_key, 0600));
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	assert_int_equal(ch_config_read(path, &config, &problems), 0);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(ch_dkim_print(config, to, &err), 0);
	fclose(to);
	assert_string_equal(text,
		"e._domainkey.x.example. IN TXT (\n"
		"\t\"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7h"
		"cvPapiMlrwIaaPcHURo=\" )\n"
		"r._domainkey.x.example. IN TXT (\n"
		"\t\"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GN"
		"ADCBiQKBgQC4nvoHQOGmHMF+60\"\n"
		"\t\"s7o0EjYwr0wLorbJZyaGClhsD2qUs2+V108Ig90h/+2X6T"
		"B8yv2y4OwTaHvZb5E/+8fDB/wa\"\n"
		"\t\"GzXGB/JXmnlOK2a+yX6vB8ir86oiuR0S36sUHywlmLYBqb"
		"A3WWqkzYLm/tQtClRXayewkq4v\"\n"
		"\t\"xT9fFK8iJ3oQIDAQAB\" )\n");
	free(text);
	ch_config_free(config);
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

static void a_mistake_in_an_included_file_is_told_by_its_name(void **state)
{
	CH_AUTOCHAR ignored = write_file(
		"relays.conf",
		"\nrelays: ( { name = \"a\"; host = \"h.example\"; },\n"
		"{ name = \"a\"; host = \"h.example\"; auth = \"plain\"; "
		"password_command = [ \"/bin/true\" ]; } );\n", 0600);
	CH_AUTOCHAR path = write_file("including",
				      HEAD "@include \"relays.conf\"\n", 0600);
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_str) got = CH_STR_INIT(10000);
	struct ch_config *config = NULL;

	(void)state;
	(void)ignored;
	assert_int_equal(ch_config_read(path, &config, &problems), -1);
	for (size_t i = 0; i < problems.len; i++) {
		ch_problem_format(&problems.items[i], &got);
		ch_str_add(&got, "\n");
	}
	assert_string_equal(ch_str_cstr(&got),
			    "relays.conf:3: relays[1].user: auth needs a user\n"
			    "relays.conf:3: relays[1].name: two relays are "
			    "called \"a\"\n");
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

static char *read_bad(const char *text)
{
	CH_AUTOCHAR path = write_file("bad", text, 0600);
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_str) got = CH_STR_INIT(10000);
	struct ch_config *config = NULL;

	if (ch_config_read(path, &config, &problems) == 0)
		fail_msg("was taken: %s", text);
	for (size_t i = 0; i < problems.len; i++) {
		CH_AUTO(ch_str) line = CH_STR_INIT(2000);

		ch_problem_format(&problems.items[i], &line);
		ch_str_addf(&got, "%s\n",
			    ch_str_cstr(&line) + strlen(path) + 1);
	}
	return ch_str_take(&got);
}

/* A key that is wrong hides neither another one nor a rule that has nothing to
 * do with it. */
static void keys_and_rules_at_once(void **state)
{
	CH_AUTOCHAR got = read_bad(
		"secretariat: { from = 7; hostname = \"mail room\"; };\n"
		"relays: (\n"
		"{ name = \"a\"; host = \"relay.example\"; port = 99999;\n"
		"  tls = \"none\"; },\n"
		"{ name = \"a\"; prt = 25; auth = \"plain\"; user = \"u\"; },\n"
		"\"c\" ); mailboxes: ( { name = \"m\"; host = \"m.example\"; "
		"auth = \"plane\"; } );\n"
		"sending: { time_zone = \"Mars\"; retry = ( \"soon\", 1 ); };\n"
		"alarms: { mail: { relay = \"b\"; }; };\n");

	(void)state;
	assert_string_equal(
		got,
		"1: secretariat.from: must be a string\n"
		"1: secretariat.envelope: is required and missing\n"
		"3: relays[0].port: must be between 1 and 65535, is 99999\n"
		"5: relays[1].prt: unknown setting\n"
		"5: relays[1].host: is required and missing\n"
		"6: relays[2]: must be a group: { … }\n"
		"6: mailboxes[0].auth: unknown value \"plane\"\n"
		"7: sending.retry: must be a list of strings\n"
		"1: secretariat.hostname: \"mail room\" is no name of a "
		"machine\n"
		"4: relays[0].tls: TLS may be off only for localhost, and the "
		"host is relay.example\n"
		"5: relays[1].password: auth needs a password\n"
		"5: relays[1].name: two relays are called \"a\"\n"
		"7: sending.time_zone: there is no time zone \"Mars\"\n");
}

/* Right as it stands, and with as many keys as rules tie to one another. The files
 * are in the folder. */
static const char tied[] =
	"secretariat: {\n"
	"from = \"S <s@x.example>\";\n"
	"envelope = \"bounces@x.example\";\n"
	"smime: {\n"
	"key = \"%s/secret\";\n"
	"certificate = \"%s/secret\";\n"
	"};\n"
	"dkim: ( {\n"
	"domain = \"x.example\";\n"
	"selector = \"a\";\n"
	"key = \"%s/ed25519\";\n"
	"}, {\n"
	"domain = \"x.example\";\n"
	"selector = \"b\";\n"
	"key = \"%s/ed25519\";\n"
	"} ); };\n"
	"relays: ( {\n"
	"name = \"a\";\n"
	"host = \"/run/a\";\n"
	"fingerprint = \""
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\";\n"
	"smtputf8 = true;\n"
	"}, {\n"
	"name = \"b\";\n"
	"host = \"b.example\";\n"
	"auth = \"plain\";\n"
	"user = \"u\";\n"
	"password = \"%s/secret\";\n"
	"backup = true;\n"
	"smtputf8 = true;\n"
	"windows = ( { days = \"Mon-Fri\"; from = \"08:00\"; "
	"to = \"18:00\"; } );\n"
	"}, {\n"
	"name = \"c\";\n"
	"host = \"127.0.0.1\";\n"
	"tls = \"none\";\n"
	"source = \"127.0.0.1\";\n"
	"} );\n"
	"mailboxes: ( {\n"
	"name = \"m\";\n"
	"host = \"m.example\";\n"
	"auth = \"plain\";\n"
	"user = \"u\";\n"
	"password_command = [ \"/bin/true\" ];\n"
	"folders = [ \"INBOX\", \"Junk\" ];\n"
	"move_answers = \"Done\";\n"
	"} );\n"
	"domains: ( {\n"
	"pattern = [ \"x.example\" ];\n"
	"} );\n"
	"sending: {\n"
	"windows = ( { days = \"Mon-Fri\"; from = \"08:00\"; "
	"to = \"18:00\"; } );\n"
	"time_zone = \"Europe/Vienna\";\n"
	"holidays = [ \"2026-12-25\" ];\n"
	"retry = [ \"5m\" ];\n"
	"journal = \"journal@x.example\";\n"
	"};\n"
	"store: {\n"
	"path = \"/dev/shm/chancery.db\";\n"
	"allow_volatile = true;\n"
	"};\n"
	"alarms: { mail: {\n"
	"to = [ \"o@x.example\" ];\n"
	"types = [ \"alarm.bounce\" ];\n"
	"relay = \"b\";\n"
	"}; };\n";

enum spoiling {
	WRONG_VALUE,
	WRONG_NAME,
	SPOILINGS
};

/* Whether the line has a key; then *ret is the text with that one spoilt. */
static bool spoil(const char *text, size_t number, enum spoiling how,
		  char **ret)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);
	CH_AUTOCHAR copy = ch_xstrdup(text);
	char *rest = copy;
	bool spoilt = false;
	char *line;

	for (size_t i = 0; (line = strsep(&rest, "\n")); i++) {
		char *value = strstr(line, " = ");

		if (i != number || !value) {
			ch_str_addf(&out, "%s\n", line);
			continue;
		}
		spoilt = true;
		*value = '\0';
		if (how == WRONG_NAME)
			ch_str_addf(&out, "%sx = %s\n", line, value + 3);
		else
			ch_str_addf(&out, "%s = { };\n", line);
	}
	if (spoilt)
		*ret = ch_str_take(&out);
	return spoilt;
}

/* It alone is wrong, or is unknown and is missing. */
static void assert_only(const char *bad, size_t number, enum spoiling how)
{
	CH_AUTOCHAR got = read_bad(bad);
	CH_AUTOCHAR here = ch_xasprintf("%zu: ", number + 1);
	size_t lines = 0;

	for (const char *at = got; *at; at = strchr(at, '\n') + 1, lines++)
		if (lines == 0 ? strncmp(at, here, strlen(here)) != 0 :
				 !strstr(at, ": is required and missing\n"))
			fail_msg("%s\ngave %s", bad, got);
	if (lines > (how == WRONG_NAME ? 2 : 1))
		fail_msg("%s\ngave %s", bad, got);
}

/* Whatever key is wrong, nothing else is blamed for it. */
static void no_rule_rests_on_what_is_wrong(void **state)
{
	CH_AUTOCHAR text = ch_xasprintf(tied, folder, folder, folder, folder,
					folder);
	CH_AUTOCHAR path = write_file("tied", text, 0600);
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_config *config = NULL;
	size_t keys = 0;

	(void)state;
	free(write_file("secret", "hunter2\n", 0600));
	free(write_file("ed25519", ed25519_key, 0600));
	assert_int_equal(ch_config_read(path, &config, &problems), 0);
	assert_int_equal(problems.len, 0);
	ch_config_free(config);
	for (size_t i = 0; i < 100; i++)
		for (enum spoiling how = 0; how < SPOILINGS; how++) {
			CH_AUTOCHAR bad = NULL;

			if (spoil(text, i, how, &bad)) {
				assert_only(bad, i, how);
				keys++;
			}
		}
	assert_int_equal(keys, SPOILINGS * 44);
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
		cmocka_unit_test(keys_of_dkim),
		cmocka_unit_test(domains_of_a_from),
		cmocka_unit_test(records_to_publish),
		cmocka_unit_test(a_password_that_others_can_read),
		cmocka_unit_test(what_systemd_hands_over_is_not_open),
		cmocka_unit_test(a_mistake_in_an_included_file_is_told_by_its_name),
		cmocka_unit_test(all_mistakes_come_at_once),
		cmocka_unit_test(keys_and_rules_at_once),
		cmocka_unit_test(no_rule_rests_on_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
