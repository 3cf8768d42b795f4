// SPDX-License-Identifier: GPL-3.0-or-later
/* test-away.c - until when the writer of an automatic answer is away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "mail/message.h"
#include "returns/away.h"
#include "returns/rules.h"

/* Saturday. */
#define SENT "Sat, 28 Nov 2026 09:15:00 +0100"

struct row {
	const char *text;
	const char *until; /* the last day on which he is away */
};

static const struct row plain[] = {
	/* English */
	{ "I am out of office until 12 December 2026.", "2026-12-12" },
	{ "I am out of the office and will be back on Monday, 7 December.",
	  "2026-12-06" },
	{ "I am on annual leave until December 12th, 2026", "2026-12-12" },
	{ "I am away until Dec. 12 and have no access to my mail.",
	  "2026-12-12" },
	{ "I will be out of the office from 30 November to 11 December 2026, "
	  "returning on Monday 14 December.",
	  "2026-12-13" },
	{ "On leave 1-11 December 2026.", "2026-12-11" },
	{ "I will be traveling for work on December 1-11.", "2026-12-11" },
	{ "I am on leave from December 1 to 11, 2026.", "2026-12-11" },
	{ "I am on leave from December 1 to January 8.", "2027-01-08" },
	{ "I am travelling through Friday the 4th of December.", "2026-12-04" },
	{ "Out of office until 2026-12-12.", "2026-12-12" },
	{ "I am absent until 25/12/2026.", "2026-12-25" },
	{ "I am absent until 12/25/2026.", "2026-12-25" },
	{ "I am absent from 30/11/2026 until 07/12/2026.", "2026-12-07" },
	{ "I am absent from 11/30/2026 until 12/07/2026.", "2026-12-07" },
	{ "I am absent until 12/12/2026.", "2026-12-12" },
	{ "Our offices are closed until 4 January.\n\nHappy New Year!",
	  "2027-01-04" },
	{ "I am away and will not be back until 10 December.", "2026-12-09" },
	{ "I am out of office until\n12 December 2026. Registration is open "
	  "until 20 December 2026.",
	  "2026-12-12" },
	{ "Thank you. I am out of the office until 12 December.\n\n"
	  "-- \nA. Example\n\nOn 27 Nov 2026 the Secretariat wrote:\n"
	  "> We are out of the office until 3 December 2026.",
	  "2026-12-12" },
	/* French */
	{ "Je serai absente jusqu'au 7 décembre inclus.", "2026-12-07" },
	{ "Je suis absent jusqu\u2019au lundi 7 decembre 2026 inclus",
	  "2026-12-07" },
	{ "En mission, de retour le 8/12/2026.", "2026-12-07" },
	{ "Absence du bureau du 30 novembre au 11 décembre 2026 inclus.",
	  "2026-12-11" },
	{ "Je suis en congé jusqu'au 1er janvier.", "2027-01-01" },
	{ "Je suis absent. Je serai de retour au bureau à partir du mardi 8 "
	  "décembre.",
	  "2026-12-07" },
	/* Spanish */
	{ "Estaré fuera hasta el 7 de diciembre.", "2026-12-07" },
	{ "Estaré ausente del 1 al 11 de diciembre de 2026.", "2026-12-11" },
	{ "Estoy de vacaciones; regreso el lunes 14 de diciembre de 2026.",
	  "2026-12-13" },
	{ "Me encuentro fuera de la oficina hasta el día 07/12/2026.",
	  "2026-12-07" },
	{ "Volveré a la oficina el miércoles 9 de diciembre", "2026-12-08" },
	/* Russian */
	{ "Буду отсутствовать до 7 декабря 2026 г. включительно.",
	  "2026-12-07" },
	{ "Я в отпуске с 30 ноября по 11 декабря.", "2026-12-11" },
	{ "Нахожусь в командировке до понедельника, 7 декабря.", "2026-12-07" },
	{ "Меня не будет в офисе. Вернусь 8 декабря.", "2026-12-07" },
	{ "В отпуске с 01.12.2026 по 11.12.2026", "2026-12-11" },
	{ "Выйду на работу 14.12.2026.", "2026-12-13" },
	/* Chinese */
	{ "我将于12月7日回到办公室。", "2026-12-06" },
	{ "我目前不在办公室，休假至2026年12月11日。", "2026-12-11" },
	{ "本人于12月1日至11日出差。", "2026-12-11" },
	{ "我正在休假，12月14日（星期一）返回。", "2026-12-13" },
	/* Arabic */
	{ "سأكون خارج المكتب حتى 7 كانون الأول/ديسمبر", "2026-12-07" },
	{ "أنا في إجازة لغاية يوم الاثنين 7 ديسمبر 2026.", "2026-12-07" },
	{ "أنا خارج المكتب. سأعود إلى المكتب يوم ٨ كانون الأول ٢٠٢٦",
	  "2026-12-07" },
	{ "أنا في إجازة من 1 إلى 11 ديسمبر.", "2026-12-11" },
	/* German, Portuguese, Italian */
	{ "Ich bin bis zum 11. Dezember 2026 nicht im Büro.", "2026-12-11" },
	{ "Ich bin im Urlaub und ab dem 14.12.2026 wieder erreichbar.",
	  "2026-12-13" },
	{ "Abwesend vom 1. bis 11. Dezember.", "2026-12-11" },
	{ "Estou de férias até 11 de dezembro de 2026.", "2026-12-11" },
	{ "Sarò assente fino al 7 dicembre.", "2026-12-07" },
	{ "Sono fuori ufficio, rientro il 9 dicembre 2026.", "2026-12-08" },
	/* Two languages that say the same. */
	{ "I am out of office until 7 December 2026.\n\n"
	  "Je suis absente du bureau jusqu'au 7 décembre 2026.",
	  "2026-12-07" },
};

/* Not plain: nothing is told. */
static const char *const nothing[] = {
	"I am out of office.",
	"I am out of office until next week.",
	"I am out of office until December.",
	"I am out of office until mid-December.",
	"I am out of office until 07/12/2026.",
	"I am out of office until 12 or 13 December.",
	"I am out of office until 12/13 December.",
	"I am out of office until December 12-13.",
	"I am out of office until 12-13 December.",
	"I am out of office and back on 12-13 December.",
	"I am away; call me on December 1 to extension 7.",
	"I am away in December 11 - 7 days.",
	"I am absent from 30/11/2026, or 12/31/2026, until 07/12/2026.",
	"I am out of office until 31 November 2026.",
	"I am out of office until 12 November 2026.",
	"I am out of office until Monday, 8 December 2026.",
	"I am out of office until about 12 December.",
	"I will be back on 12 December at the earliest.",
	("I am out of office until 12 December 2026. My colleague is away "
	 "until 20 December 2026."),
	"I am out of office until 12 December 2012.",
	"I am out of office until 12 December 2099.",
	/* Of the year before, in an answer that nobody switched off. */
	"I was sent on mission; I am away until 12 November.",
	/* Days of something else. */
	"Registration is open until 12 December 2026.",
	"I am away. Nominations are received until 12 December 2026.",
	"I am in my office until 12 December 2026.",
	"I will be back in the office until 12 December and away then.",
	"I am away; the deadline of 12 December holds until 15 December.",
	"Thank you for your message of 12 December 2026.",
	"Please call me back on extension 7.",
	"I am absent until room 12, December wing.",
	"Je serai absent jusqu'à nouvel ordre.",
	"Je serai de retour vers le 12 décembre.",
	"Inscriptions jusqu'au 7 décembre 2026. Je suis absent.",
	"Estaré fuera hasta nuevo aviso.",
	"Я в отпуске до конца декабря.",
	"Регистрация до 7 декабря. Меня не будет.",
	"报名截止至12月7日，我不在办公室。",
	"我将于12月7日左右回到办公室。",
	"سأكون خارج المكتب حتى 7 كانون الأول/نوفمبر",
	"التسجيل حتى 7 ديسمبر وأنا خارج المكتب",
	"until 12 December 2026",
	"",
};

static struct ch_rules *rules;

static void ask(const char *date, const char *subject, const char *text,
		char out[CH_AWAY_SIZE])
{
	CH_AUTO(ch_str) mail = CH_STR_INIT(100000);
	struct ch_message message;

	ch_str_addf(&mail,
		    "%s%s%sFrom: a@ministry.example\nSubject: %s\n"
		    "MIME-Version: 1.0\n"
		    "Content-Type: text/plain; charset=utf-8\n"
		    "Content-Transfer-Encoding: 8bit\n\n%s\n",
		    date ? "Date: " : "", date ? date : "", date ? "\n" : "",
		    subject, text);
	ch_message_read(mail.data, mail.len, &message);
	ch_away_until(rules, &message, out);
	ch_message_release(&message);
}

static void test_plain(void **state)
{
	char out[CH_AWAY_SIZE];
	size_t wrong = 0;

	for (size_t i = 0; i < CH_COUNT(plain); i++) {
		ask(SENT, "Automatic reply", plain[i].text, out);
		if (strcmp(out, plain[i].until) == 0)
			continue;
		print_error("%s\n\tis \"%s\", not %s\n", plain[i].text, out,
			    plain[i].until);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void test_nothing(void **state)
{
	char out[CH_AWAY_SIZE];
	size_t wrong = 0;

	for (size_t i = 0; i < CH_COUNT(nothing); i++) {
		ask(SENT, "Automatic reply", nothing[i], out);
		if (!out[0])
			continue;
		print_error("%s\n\tis \"%s\"\n", nothing[i], out);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void test_subject(void **state)
{
	char out[CH_AWAY_SIZE];

	ask(SENT, "Out of office until 12 December", "See the subject.", out);
	assert_string_equal(out, "2026-12-12");
	ask(SENT, "Out of office: back on 14 December", "See the subject.",
	    out);
	assert_string_equal(out, "2026-12-13");
	/* Of what it answers. */
	ask(SENT, "Out of office: Re: Session from 12 to 23 April 2027",
	    "I am away.", out);
	assert_string_equal(out, "");
	ask(SENT, "Automatic reply: Registration is open until 12 December",
	    "I am away.", out);
	assert_string_equal(out, "");
	ask(SENT, "Out of office until 12 December", "I am back on 5 December.",
	    out);
	assert_string_equal(out, "");
}

/* The year is the mail's, or the next one, or it is not known. */
static void test_year(void **state)
{
	static const char text[] = "I am out of office until 12 December.";
	char out[CH_AWAY_SIZE];

	ask("12 Dec 2027 23:59:59 -1100", "", text, out);
	assert_string_equal(out, "2027-12-12");
	ask("Mon, 13 Dec 2027 00:00:01 +0000", "", text, out);
	assert_string_equal(out, "");
	ask("Fri, 15 Oct 2027 00:00:01 +0000", "",
	    "I am out of office until 12 February.", out);
	assert_string_equal(out, "2028-02-12");
	ask("Fri, 15 Oct 2027 00:00:01 +0000", "",
	    "I am out of office until 29 February.", out);
	assert_string_equal(out, "2028-02-29");
	ask("Thu, 15 Oct 2026 00:00:01 +0000", "",
	    "I am out of office until 29 February.", out);
	assert_string_equal(out, "");
	ask(NULL, "", text, out);
	assert_string_equal(out, "");
	ask("yesterday", "", text, out);
	assert_string_equal(out, "");
	ask(NULL, "", "I am out of office until 12 December 2026.", out);
	assert_string_equal(out, "2026-12-12");
}

/* The day before the first of a month, of a year and of March. */
static void test_day_before(void **state)
{
	char out[CH_AWAY_SIZE];

	ask(SENT, "", "I will be back on 1 December 2026.", out);
	assert_string_equal(out, "2026-11-30");
	ask(SENT, "", "I will be back on 1 January 2027.", out);
	assert_string_equal(out, "2026-12-31");
	ask(SENT, "", "I will be back on 1 March 2028.", out);
	assert_string_equal(out, "2028-02-29");
	/* Today: he is there. */
	ask(SENT, "", "I will be back on 28 November.", out);
	assert_string_equal(out, "");
}

static int setup(void **state)
{
	rules = ch_rules_new();
	return 0;
}

static int teardown(void **state)
{
	ch_rules_free(rules);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_year),
		cmocka_unit_test(test_day_before),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
