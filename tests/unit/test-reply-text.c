// SPDX-License-Identifier: GPL-3.0-or-later
/* test-reply-text.c - what is new in an answer, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "returns/classify.h"
#include "returns/keys.h"
#include "returns/rules.h"

#define QUOTED "> You are invited.\n"

static void new_text(void **state)
{
	static const struct {
		const char *name, *text, *expected;
	} rows[] = {
		{ "nothing", "", "" },
		{ "nothing but quoted", "> You are invited.\n", "" },
		{ "above, English",
		  "We accept.\n\nOn Tue, 24 Nov 2026 the Bureau "
		  "wrote:\n" QUOTED,
		  "We accept." },
		{ "below",
		  "On Tue, 24 Nov 2026, the Bureau wrote:\n" QUOTED
		  "\nWe accept.\n",
		  "We accept." },
		{ "between", "> Will you come?\nYes.\n> With whom?\nAlone.\n",
		  "Yes.\nAlone." },
		{ "French",
		  "Nous acceptons.\n\nLe mardi 24 novembre 2026, le Bureau a "
		  "écrit :\n" QUOTED,
		  "Nous acceptons." },
		{ "Spanish",
		  "Aceptamos.\n\nEl mar, 24 nov 2026, la Oficina "
		  "escribió:\n" QUOTED,
		  "Aceptamos." },
		{ "Russian",
		  "Согласны.\n\nВторник, 24 ноября 2026, 10:00 от Бюро "
		  "<bureau@chancery.example>:\n" QUOTED,
		  "Согласны." },
		{ "Chinese",
		  "我们接受。\n\n秘书处 <bureau@chancery.example> "
		  "于2026年11月24"
		  "日周二写道：\n" QUOTED,
		  "我们接受。" },
		{ "Arabic",
		  "نقبل الدعوة.\n\nفي الثلاثاء 24 نوفمبر 2026 كتب "
		  "المكتب:\n" QUOTED,
		  "نقبل الدعوة." },
		{ "a language of no table, folded",
		  "Igen.\n\n2026. nov. 24., K 10:00 dátummal Bureau\n"
		  "<bureau@chancery.example> ezt írta:\n" QUOTED,
		  "Igen." },
		{ "NetEase's app",
		  "我方将派四人出席。\n"
		  "\n"
		  "---- 回复的原邮件 ----\n"
		  "| 发件人 | Bureau<bureau@chancery.example> |\n"
		  "| 日期 | 2026年11月24日 10:12 |\n"
		  "\n"
		  "尊敬的部长\n",
		  "我方将派四人出席。" },
		{ "Gmail, Arabic with its digits",
		  "سنكون أربعة.\n"
		  "\n"
		  "في الثلاثاء، ٢٤ نوفمبر ٢٠٢٦ في ١٠:١٢ ص تمت كتابة ما يلي بواسطة "
		  "\u202ABureau\u202C\u200F <\u202Abureau@chancery.example\u202C\u200F>:\n"
		  "\n"
		  "> معالي الوزير\n",
		  "سنكون أربعة." },
		{ "GroupWise",
		  "We shall be four.\n"
		  "\n"
		  ">>> Bureau <bureau@chancery.example> 24/11/2026 10:12 >>>\n"
		  "Madam,\n"
		  "you are invited.\n",
		  "We shall be four." },
		{ "Zimbra, French",
		  "Nous serons quatre.\n"
		  "\n"
		  "----- Mail original -----\n"
		  "De: \"Bureau\" <bureau@chancery.example>\n"
		  "À: \"Ministre\"\n"
		  "Envoyé: Mardi 24 Novembre 2026 10:12:33\n"
		  "Objet: Invitation\n"
		  "\n"
		  "Madame,\n",
		  "Nous serons quatre." },
		{ "Gmail with a zone, and no colon",
		  "Before.\n"
		  "\n"
		  "2016-03-03 17:21 GMT+01:00 Ana Lima\n"
		  "\n"
		  "After.\n",
		  "Before." },
		{ "an address torn apart",
		  "One.\n"
		  "\n"
		  "On Thu, 31 Mar 2016 at 11:16 Ana Lima\n"
		  "\n"
		  "<\n"
		  "mailto:Ana Lima <ana.lima@mfa.example>\n"
		  "> wrote:\n"
		  "\n"
		  "Two.\n",
		  "One." },
		{ "a rule that nothing tells from the person's",
		  "We shall be four.\n"
		  "____________________\n"
		  "PS: five.\n",
		  "We shall be four.\n____________________\nPS: five." },
		{ "Yandex, without marks",
		  "Нас будет четверо.\n"
		  " \n"
		  "24.11.2026, 10:12, \"Bureau\" <bureau@chancery.example>:\n"
		  "Уважаемая госпожа,\n"
		  "Вы приглашены.\n",
		  "Нас будет четверо." },
		{ "Foxmail",
		  "我方将派四人出席。\n"
		  "\n"
		  "\n"
		  "李文博\n"
		  "外交部礼宾司\n"
		  " \n"
		  "发件人： Bureau\n"
		  "发送时间： 2026-11-24 10:12\n"
		  "收件人： 部长\n"
		  "主题： 邀请\n"
		  "\n"
		  "尊敬的部长\n",
		  "我方将派四人出席。\n\n\n李文博\n外交部礼宾司" },
		{ "Outlook, Arabic",
		  "سنكون أربعة.\n"
		  "\n"
		  "من: Bureau <bureau@chancery.example>\n"
		  "تم الإرسال: الثلاثاء، 24 نوفمبر 2026 10:12\n"
		  "إلى: الوزير\n"
		  "الموضوع: دعوة\n"
		  "\n"
		  "معالي الوزير\n",
		  "سنكون أربعة." },
		{ "Outlook, Spanish",
		  "Seremos cuatro.\n"
		  "\n"
		  "De: Bureau [mailto:bureau@chancery.example]\n"
		  "Enviado el: martes, 24 de noviembre de 2026 10:12\n"
		  "Para: Ministra\n"
		  "Asunto: Invitación\n"
		  "\n"
		  "Señora,\n",
		  "Seremos cuatro." },
		{ "a date before the quoted",
		  "Yes.\n\n2026-11-24 10:00 GMT+01:00 Bureau\n" QUOTED,
		  "Yes." },
		{ "one's own line before a folded one",
		  "I wrote it in two weeks.\n"
		  "24 Nov 2026 10:00 Bureau <bureau@chancery.example>\n"
		  "wrote the following:\n" QUOTED,
		  "I wrote it in two weeks." },
		{ "Outlook",
		  "We accept.\n\nFrom: Bureau\nSent: Tuesday\nTo: Ana Lima\n"
		  "Subject: Invitation\n\nYou are invited.\n",
		  "We accept." },
		{ "Outlook, Russian, behind a rule",
		  "Согласны.\n\n ------------------------------\n"
		  "От: Бюро\nОтправлено: вторник\nКому: Ана Лима\n"
		  "Тема: Приглашение\n\nПриглашаем.\n",
		  "Согласны." },
		{ "Outlook, Italian",
		  "Sì.\n\nDa: Bureau\nInviato: martedì\nA: Ana\n"
		  "Oggetto: Invito\n\nVi invitiamo.\n",
		  "Sì." },
		{ "original message",
		  "We accept.\n\n-----Original Message-----\nYou are "
		  "invited.\n",
		  "We accept." },
		{ "original message, in Russian and bold",
		  "Согласны.\n\n*-------- Исходное сообщение --------*\n"
		  "Приглашаем.\n",
		  "Согласны." },
		{ "a signature", "We accept.\n-- \nAna Lima\nMinistry\n",
		  "We accept." },
		{ "a telephone", "Acceptons.\n\nEnvoyé de mon iPhone\n",
		  "Acceptons." },
		{ "a telephone, in Chinese", "同意\n\n发自我的iPhone\n",
		  "同意" },
		{ "an address that is folded before its end",
		  "Einverstanden.\n\nAm 24.11.2026 10:00 schrieb \"Bureau\" "
		  "<bureau@chancery.example\n>:\n\n" QUOTED,
		  "Einverstanden." },
		{ "initials before the quoted",
		  "AL> Will you come?\nYes.\nA>B is larger.\n",
		  "Yes.\nA>B is larger." },
		{ "a telephone in brackets",
		  "Yes.\n(Sent from my telephone)\n"
		  "Verzonden met BlackBerry\n",
		  "Yes." },
		{ "an old mail without marks, below a line with its time",
		  "Yes.\n\nOn Mon, Feb 1, 2026 at 4:58, \"Bureau\" "
		  "<bureau@chancery.example> wrote:\n\nWill you come?\n",
		  "Yes." },
		{ "an old mail without marks, Norwegian",
		  "Ja.\n\nDen 24. nov. 2026 kl. 10.12 skrev Bureau "
		  "<bureau@chancery.example>:\n\nWill you come?\n",
		  "Ja." },
		{ "bars before what is quoted, and a table",
		  "| a | b |\nYes.\n\n2026/11/24 Bureau "
		  "<bureau@chancery.example>\n\n| Will you come?\n|\n"
		  "And you?\n",
		  "| a | b |\nYes.\n\nAnd you?" },
		{ "somebody wrote, and the answer goes on",
		  "We agree with what Brazil wrote:\n\nall States attend.\n",
		  "We agree with what Brazil wrote:\n\n"
		  "all States attend." },
		{ "a colon is no attribution",
		  "We have two questions:\n1. Where?\n2. When, at 10:00 or "
		  "later?\n",
		  "We have two questions:\n1. Where?\n2. When, at 10:00 or "
		  "later?" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);

		ch_reply_text(rows[i].text, &out);
		if (strcmp(ch_str_cstr(&out), rows[i].expected) != 0)
			print_error("%s\n", rows[i].name);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

static void what_it_plainly_is(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "", "" },
		{ "Thank you.", "" },
		{ "We acknowledge receipt of your letter.", "acknowledgement" },
		{ "Nous accusons r\xC3\xA9"
		  "ception de votre lettre.",
		  "acknowledgement" },
		{ "Acusamos recibo de su carta.", "acknowledgement" },
		{ "Подтверждаем получение письма.", "acknowledgement" },
		{ "来函收悉。", "acknowledgement" },
		{ "نؤكد استلام رسالتكم.", "acknowledgement" },
		{ "We acknowledge receipt. The Minister will attend.",
		  "answer" },
		{ "Le Ministre participera \xC3\xA0 la session.", "answer" },
		{ "El Ministro no podr\xC3\xA1 asistir.", "answer" },
		{ "Министр примет участие в сессии.", "answer" },
		{ "部长将出席会议。", "answer" },
		{ "سيشارك الوزير في الدورة.", "answer" },
		{ "How many may come?", "question" },
		{ "可以带几位代表？", "question" },
		{ "كم عدد المشاركين؟", "question" },
		/* of nothing but what will be decided or has to do with it */
		{ "We shall inform you whether the Minister will attend.", "" },
		{ "Nous vous ferons savoir en temps utile qui participera.",
		  "" },
		{ "La Mission ne sera pas en mesure de répondre avant "
		  "vendredi.",
		  "" },
		{ "La Mission ne sera pas en mesure d’assister à la session.",
		  "answer" },
		{ "Comunicaremos oportunamente si el Ministro participará.",
		  "" },
		{ "Заседание назначено на 5 мая.", "" },
		{ "Сообщим, если министр примет участие.", "" },
		{ "Послом назначена представителем г-жа Иванова.", "answer" },
		{ "我们将告知部长是否将出席会议。", "" },
		{ "البعثة تعتذر عن التأخير.", "" },
		{ "تعتذر عن عدم الحضور.", "answer" },
		{ "سنبلغكم ما إذا سيشارك الوزير.", "" },
		{ "If needed, call us. The Minister will attend.", "answer" },
		{ "See https://mfa.example/?id=1 for it.", "" },
		{ "The Minister will attend. May he bring two?", "" },
	};
	struct ch_rules *rules = ch_rules_new();

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++)
		assert_string_equal(ch_reply_says(rules, rows[i].text),
				    rows[i].expected);
	ch_rules_free(rules);
}

static void it_is_cut_at_a_character(void **state)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(6);

	(void)state;
	ch_reply_text("ééé\néé\n", &out);
	assert_string_equal(ch_str_cstr(&out), "ééé");
	ch_str_clear(&out);
	ch_reply_text("éééé\n", &out);
	assert_string_equal(ch_str_cstr(&out), "ééé");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_text),
		cmocka_unit_test(what_it_plainly_is),
		cmocka_unit_test(it_is_cut_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
