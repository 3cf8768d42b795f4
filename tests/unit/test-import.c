// SPDX-License-Identifier: GPL-3.0-or-later
/* test-import.c - what the import says over its channel, for good uploads and
 * for bad ones. The import runs in a child, as it does under chanceryd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "import/import.h"
#include "letter/letter.h"

static char spool[64];

static char *path_of(const char *name)
{
	return ch_xasprintf("%s/%s", spool, name);
}

static void put(const char *name, const char *text)
{
	CH_AUTOCHAR path = path_of(name);
	CH_AUTOFD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static struct ch_slice table = { "m.csv", 5 };

static struct ch_import_start start_of(const char *objects)
{
	return (struct ch_import_start){
		.spool_dir = ch_slice_of(spool),
		.objects_dir = ch_slice_of(objects),
		.recipients = &table,
		.recipients_len = 1,
		.reference = ch_slice_of("DM-1"),
		.from = ch_slice_of("o@s.example"),
		.message_id_domain = ch_slice_of("c.example"),
		.date_us = INT64_C(1795478400000000),
	};
}

/* Run the import in a child; its end of the socketpair is `fd`. */
static pid_t start_child(const struct ch_import_start *start, int fd)
{
	pid_t pid = fork();
	struct ch_channel channel;
	struct ch_error err;
	int rc;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	ch_channel_init(&channel, fd);
	rc = ch_import_run(&channel, start, &err);
	if (rc < 0)
		fprintf(stderr, "%s\n", err.text);
	ch_channel_release(&channel);
	_exit(rc < 0);
}

static void add_slice(struct ch_str *out, struct ch_slice text)
{
	ch_str_add_mem(out, text.data, text.len);
}

static void show_problem(const struct ch_import_problem *p, struct ch_str *out)
{
	ch_str_add(out, p->kind == CH_PROBLEM_ERROR ? "E " : "W ");
	add_slice(out, p->file);
	ch_str_addf(out, ":%u:%u: ", p->line, p->column);
	add_slice(out, p->text);
}

static void show_letter(const struct ch_import_letter *l, struct ch_str *out)
{
	assert_int_equal(l->message_id.len, 16 + 1 + strlen("c.example"));
	ch_str_add(out, "letter ");
	add_slice(out, l->key);
	ch_str_add(out, " ");
	add_slice(out, l->language);
	ch_str_add(out, " ");
	add_slice(out, l->name);
	for (uint32_t i = 0; i < l->addresses_len; i++) {
		ch_str_addf(out, " %u ", l->addresses[i].role);
		add_slice(out, l->addresses[i].address);
	}
}

static void show(uint16_t type, struct ch_slice payload, struct ch_str *out,
		 struct ch_sha256 *ret_digest)
{
	struct ch_arena arena = { 0 };
	struct ch_error err;
	union {
		struct ch_import_file file;
		struct ch_import_letter letter;
		struct ch_import_problem problem;
		struct ch_import_done done;
	} m;

	assert_int_equal(ch_message_get(type, payload, &m, &arena, &err), 0);
	if (type == CH_MSG_IMPORT_FILE) {
		add_slice(out, m.file.file.role);
		ch_str_add(out, " ");
		add_slice(out, m.file.file.name);
		ch_str_addf(out, " %llu",
			    (unsigned long long)m.file.file.size_bytes);
	} else if (type == CH_MSG_IMPORT_LETTER) {
		show_letter(&m.letter, out);
	} else if (type == CH_MSG_IMPORT_PROBLEM) {
		show_problem(&m.problem, out);
	} else {
		assert_int_equal(type, CH_MSG_IMPORT_DONE);
		ch_str_addf(out, "done %llu errors %llu warnings %llu ",
			    (unsigned long long)m.done.letters,
			    (unsigned long long)m.done.errors,
			    (unsigned long long)m.done.warnings);
		add_slice(out, m.done.subject);
		ch_str_add(out, " ");
		add_slice(out, m.done.summary);
		assert_true(m.done.letters == 0 || m.done.largest_bytes > 500);
		*ret_digest = m.done.digest;
	}
	ch_str_add(out, "\n");
	ch_arena_release(&arena);
}

/* All that the import says, a line each. */
static void run(struct ch_import_start *start, struct ch_str *out,
		struct ch_sha256 *ret_digest)
{
	CH_AUTOCHAR objects = path_of("objects");
	struct ch_channel channel;
	struct ch_slice payload;
	struct ch_error err;
	uint16_t type = 0;
	int fds[2];
	int status;
	pid_t pid;

	start->objects_dir = ch_slice_of(objects);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pid = start_child(start, fds[1]);
	close(fds[1]);
	ch_channel_init(&channel, fds[0]);
	while (type != CH_MSG_IMPORT_DONE &&
	       ch_channel_wait(&channel, -1, &type, &payload, &err) == 1)
		show(type, payload, out, ret_digest);
	ch_channel_release(&channel);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	ch_str_addf(out, "exit %d\n", WEXITSTATUS(status));
}

static void good_upload(void **state)
{
	struct ch_import_start start = start_of("");
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);
	CH_AUTO(ch_str) again = CH_STR_INIT(100000);
	struct ch_sha256 digest;
	struct ch_sha256 other;

	(void)state;
	put("letter/letter.conf", "");
	put("letter/en.md", "Subject: To {{name}}\n\nDear {{name}},\n");
	put("letter/fr.md", "Subject: A\n\nCher {{name}},\n");
	put("annexes/a.pdf", "%PDF");
	put("recipients/m.csv", "key,language,to,cc,name\n"
				"FRA,fr,a@b.example,c@d.example,France\n"
				"DEU,de,e@f.example,,Germany\n");
	run(&start, &out, &digest);
	assert_string_equal(ch_str_cstr(&out),
			    "letter en.md 37\nletter fr.md 27\n"
			    "letter letter.conf 0\nannex a.pdf 4\n"
			    "letter FRA fr France 0 a@b.example "
			    "1 c@d.example\n"
			    "letter DEU en Germany 0 e@f.example\n"
			    "done 2 errors 0 warnings 0 To [name] "
			    "{\"en\":1,\"fr\":1}\nexit 0\n");
	/* The digest is the same for the same, and another for another. */
	run(&start, &again, &other);
	assert_true(ch_sha256_eq(&digest, &other));
	start.deadline = ch_slice_of("2026-12-07");
	run(&start, &again, &other);
	assert_false(ch_sha256_eq(&digest, &other));
	start.deadline = CH_SLICE_EMPTY;
	put("recipients/m.csv", "key,language,to,cc,name\n"
				"FRA,fr,a@b.example,c@d.example,France\n"
				"DEU,de,e@g.example,,Germany\n");
	run(&start, &again, &other);
	assert_false(ch_sha256_eq(&digest, &other));
}

static void test_mail_goes_elsewhere(void **state)
{
	struct ch_import_start start = start_of("");
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);
	struct ch_sha256 digest;

	(void)state;
	start.test_to = ch_slice_of("me@s.example");
	put("letter/fr.md", "Subject: \u00C0 {{name}}\n\nCher {{name}},\n");
	put("recipients/m.csv", "key,language,to,cc,name\n"
				"FRA,fr,a@b.example,c@d.example,France\n");
	run(&start, &out, &digest);
	assert_non_null(strstr(ch_str_cstr(&out),
			       "letter FRA fr France 0 me@s.example\n"));
	/* One letter is called by its own subject. */
	assert_non_null(strstr(ch_str_cstr(&out),
			       " \u00C0 France {\"fr\":1}\n"));
	assert_null(strstr(ch_str_cstr(&out), "b.example"));
}

static void bad_uploads(void **state)
{
	static const struct {
		const char *name, *text, *csv, *expected;
	} rows[] = {
		{ "an empty field and a bad address",
		  "Subject: S\n\nDear {{x}},\n",
		  "key,to,x\nA,a@b.example,1\nB,b@b.example,\nC,c@,1\n"
		  "D,d@b.example,1\n",
		  "letter A en A 0 a@b.example\n"
		  "E letter/en.md:3:6: empty for B (m.csv:3)\n"
		  "E m.csv:4:3: no domain in \"c@\"\n"
		  "done 2 errors 2 warnings 0 S {\"en\":2}\nexit 0\n" },
		{ "an unknown field, and the table is read all the same",
		  "Subject: S\n\nDear {{y}},\n",
		  "key,to,x\nA,a@b.example,1\nC,c@,1\n",
		  "E letter/en.md:3:6: no such field\n"
		  "E m.csv:3:3: no domain in \"c@\"\n"
		  "done 0 errors 2 warnings 0 S {}\nexit 0\n" },
		{ "a broken letter and a broken table",
		  "Subject: S\n\nDear {{x,\n", "key,x\nA,1\n",
		  "E letter/en.md:3:6: the tag is not closed\n"
		  "E m.csv:1:0: there is no column called \"to\"\n"
		  "done 0 errors 2 warnings 0  {}\nexit 0\n" },
	};
	struct ch_import_start start = start_of("");
	CH_AUTOCHAR fr = path_of("letter/fr.md");
	CH_AUTOCHAR annex = path_of("annexes/a.pdf");
	struct ch_sha256 digest;

	(void)state;
	unlink(fr);
	unlink(annex);
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(100000);
		const char *text;

		put("letter/en.md", rows[i].text);
		put("recipients/m.csv", rows[i].csv);
		run(&start, &out, &digest);
		text = strstr(ch_str_cstr(&out), "letter.conf 0\n");
		text = text ? strchr(text, '\n') + 1 : ch_str_cstr(&out);
		assert_string_equal(text, rows[i].expected);
	}
}

/* chanceryd goes away: the import ends, and says so. */
static void nobody_listens(void **state)
{
	struct ch_import_start start = start_of("");
	CH_AUTOCHAR objects = path_of("objects");
	CH_AUTO(ch_str) csv = CH_STR_INIT(10000000);
	int fds[2];
	int status;
	pid_t pid;

	(void)state;
	start.objects_dir = ch_slice_of(objects);
	put("letter/en.md", "Subject: S\n\nDear all,\n");
	ch_str_add(&csv, "key,to\n");
	for (int i = 0; i < 20000; i++)
		ch_str_addf(&csv, "K%d,k%d@b.example\n", i, i);
	put("recipients/m.csv", ch_str_cstr(&csv));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		signal(SIGPIPE, SIG_IGN);
		_exit(waitpid(start_child(&start, fds[1]), &status, 0) < 0 ||
		      WEXITSTATUS(status) == 0);
	}
	close(fds[1]);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int make_spool(void **state)
{
	static const char *const folders[] = { "letter", "annexes",
					       "recipients", "objects" };

	(void)state;
	snprintf(spool, sizeof(spool), "/tmp/chancery-test-import-XXXXXX");
	if (!mkdtemp(spool))
		return -1;
	for (size_t i = 0; i < CH_COUNT(folders); i++) {
		CH_AUTOCHAR path = path_of(folders[i]);

		if (mkdir(path, 0700) < 0)
			return -1;
	}
	return 0;
}

static int remove_spool(void **state)
{
	CH_AUTOCHAR command = ch_xasprintf("rm -r '%s'", spool);

	(void)state;
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_upload),
		cmocka_unit_test(test_mail_goes_elsewhere),
		cmocka_unit_test(bad_uploads),
		cmocka_unit_test(nobody_listens),
	};

	return cmocka_run_group_tests(tests, make_spool, remove_spool);
}
