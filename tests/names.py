#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables that ship, countries.tsv, salutations.tsv and report.tsv: everybody
is in them once, and every cell keeps the rules of its language."""
import csv
import os
import pathlib
import re
import unicodedata
import unittest

TEMPLATES = pathlib.Path(os.environ.get("top_srcdir", ".")) / "templates"
LANGUAGES = ("ar", "en", "es", "fr", "ru", "zh")
FORMS = ("short", "formal", "of")
# Two observer States, two States that are no Members, and organisations.
OTHER_STATES = {"VAT": "VA", "PSE": "PS", "COK": "CK", "NIU": "NU"}
ORGANISATIONS = {
    "X-ASEAN", "X-AU", "X-CARICOM", "X-CIS", "X-COE", "X-COMMONWEALTH",
    "X-ECOWAS", "X-EU", "X-GCC", "X-ICRC", "X-IFRC", "X-IPU", "X-LAS", "X-OAS",
    "X-OIC", "X-OIF", "X-OSCE", "X-PIF", "X-SMOM", "X-UN"}

# Signs that a name may have beside the letters of its script. The Arabic list
# has a dash in "(جمهورية - الإسلامية)", the Russian one in "Папуа — Новая …".
SCRIPTS = {
    "ar": ("ARABIC", " ()-"),
    "en": ("LATIN", " ()’,-"),
    "es": ("LATIN", " ()’,-"),
    "fr": ("LATIN", " ()’,-"),
    "ru": ("CYRILLIC", " ()’,—-"),
    "zh": ("CJK", "（）、"),
}

# Who has an article in English beside organisations and those described.
ENGLISH_THE = {
    "ARE", "BHS", "CAF", "COD", "COG", "COK", "COM", "DOM", "GBR", "GMB", "KOR",
    "LAO", "MDA", "MHL", "NER", "PHL", "PRK", "PSE", "RUS", "SDN", "SYR", "TZA",
    "USA", "VAT"}

# In French h is aspirated or mute by the word; "y" and "w" take no elision.
ASPIRATED = ("Honduras", "Hongrie")
VOWELS = "AEIOUÀÂÉÈÊËÎÏÔÛÜH"
# Names that stand without an article in French: their form is "de" or "d’".
FRENCH_BARE = {
    "ATG", "BHR", "CPV", "CUB", "CYP", "DJI", "HTI", "ISR", "KIR", "KNA", "LCA",
    "LKA", "MCO", "MDG", "MLT", "MUS", "NIU", "NRU", "OMN", "SGP", "SLV", "SMR",
    "STP", "VCT", "VUT"}
# Where the form after "Government" has the description that the short form has
# in parentheses.
DESCRIBED = {"BOL", "FSM", "IRN", "NLD", "VEN"}


def rows_of(name):
    lines = [line for line in (TEMPLATES / name).read_text("utf-8").split("\n")
             if line and not line.startswith("#")]
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"), strict=True))
            for line in lines[1:]]


def cells_of(rows, *languages):
    for row in rows:
        for language in languages:
            for form in FORMS:
                yield row["code"], language, form, row[f"{language}.{form}"]


class Countries(unittest.TestCase):
    maxDiff = None
    rows = rows_of("countries.tsv")

    def test_everybody_once(self):
        with (TEMPLATES / "sample/members.csv").open(encoding="utf-8",
                                                     newline="") as table:
            members = {row["key"]: re.search(r"@(..)\.", row["to"])[1].upper()
                       for row in csv.DictReader(table)}
        codes = [row["code"] for row in self.rows]
        self.assertEqual(len(members), 193)
        self.assertEqual(len(codes), 193 + 2 + 2 + len(ORGANISATIONS))
        self.assertEqual(len(set(codes)), len(codes))
        self.assertEqual(set(codes),
                         set(members) | set(OTHER_STATES) | ORGANISATIONS)
        self.assertEqual(codes,
                         sorted(codes, key=lambda c: (c.startswith("X-"), c)))
        alpha2 = {row["code"]: row["alpha2"] for row in self.rows}
        self.assertEqual({code: alpha2[code] for code in members}, members)
        self.assertEqual({code: alpha2[code] for code in OTHER_STATES},
                         OTHER_STATES)
        given = [code for code in alpha2.values() if code != "-"]
        self.assertEqual(len(set(given)), len(given))

    def test_no_name_is_there_twice(self):
        for language in LANGUAGES:
            for form in FORMS:
                names = [row[f"{language}.{form}"] for row in self.rows]
                self.assertEqual(len(set(names)), len(names),
                                 (language, form))

    def test_letters_and_signs(self):
        for code, language, form, name in cells_of(self.rows, *LANGUAGES):
            where = (code, language, form, name)
            self.assertEqual(name, unicodedata.normalize("NFC", name), where)
            self.assertEqual(name, name.strip(), where)
            self.assertNotEqual(name, "", where)
            self.assertNotIn("  ", name, where)
            self.assertEqual(name.count("("), name.count(")"), where)
            script, signs = SCRIPTS[language]
            for c in name:
                self.assertTrue(c in signs or
                                unicodedata.name(c).startswith(script),
                                (where, c))

    def test_notes(self):
        for row in self.rows:
            self.assertNotRegex(row["note"], "^$|['\"]", row["code"])
        for code in DESCRIBED | set(OTHER_STATES) | ORGANISATIONS:
            row = next(row for row in self.rows if row["code"] == code)
            self.assertNotEqual(row["note"], "-", code)

    def test_described(self):
        """Parentheses are for lists: nothing else has them."""
        for code, language, form, name in cells_of(self.rows, *LANGUAGES):
            self.assertEqual(
                "(" in name or "（" in name,
                code in DESCRIBED and form == "short", (code, language, name))

    def test_short_and_formal_have_no_article(self):
        article = {"en": r"^(the|The) ", "fr": r"^(le|la|les) |^l’",
                   "es": r"^(el|la|los|las) "}
        for code, language, form, name in cells_of(self.rows, "en", "fr",
                                                   "es"):
            if form != "of":
                self.assertNotRegex(name, article[language], code)

    def test_english(self):
        for row in self.rows:
            expected = (row["en.formal"] if row["code"] in DESCRIBED
                        else row["en.short"])
            self.assertIn(row["en.of"], ("of " + expected,
                                         "of the " + expected))
            self.assertEqual(
                row["en.of"].startswith("of the "),
                row["code"] in ENGLISH_THE | DESCRIBED | ORGANISATIONS,
                row["en.of"])

    def test_french(self):
        for row in self.rows:
            code, of, short = row["code"], row["fr.of"], row["fr.short"]
            found = re.fullmatch(r"(du |des |de la |de l’|de |d’)(.+)", of)
            self.assertIsNotNone(found, of)
            article, name = found.groups()
            self.assertEqual(name, row["fr.formal"] if code in DESCRIBED
                             else short, code)
            elides = name[0] in VOWELS and not name.startswith(ASPIRATED)
            self.assertIn(article, ("de l’", "d’", "des ") if elides else
                          ("du ", "de la ", "de ", "des "), of)
            self.assertEqual(code in FRENCH_BARE, article in ("de ", "d’"),
                             of)

    def test_spanish(self):
        for row in self.rows:
            found = re.fullmatch(r"(del |de la |de los |de las |de )(.+)",
                                 row["es.of"])
            self.assertIsNotNone(found, row["es.of"])
            self.assertEqual(found[2], row["es.formal"]
                             if row["code"] in DESCRIBED else row["es.short"],
                             row["code"])
            # "del" is what "de el" becomes, but in a name: El Salvador.
            self.assertNotRegex(row["es.of"], r"^de el ")

    def test_russian(self):
        for code, _, form, name in cells_of(self.rows, "ru"):
            self.assertNotRegex(name, "[ёЁ]", code)
            if form == "of":
                # Nominatives; "Китая" and "Уругвая" are no adjectives.
                self.assertNotRegex(
                    name, r"^\w+(\wкая|\wная|ое|ий|ый)\b", code)
        same = {row["code"] for row in self.rows
                if row["ru.short"] == row["ru.of"]}
        # Names that do not decline, and no others.
        self.assertEqual(same, {
            "BDI", "BFA", "BGD", "CHL", "COG", "CPV", "DJI", "FJI", "HTI",
            "KIR", "LSO", "MAR", "MCO", "MLI", "MWI", "NIC", "NIU", "NRU",
            "PER", "PLW", "SLE", "SMR", "SOM", "STP", "SWZ", "TGO", "TUV",
            "VUT", "WSM", "ZWE"})

    def test_arabic_and_chinese_have_the_name_itself(self):
        for row in self.rows:
            for language in ("ar", "zh"):
                name = "formal" if row["code"] in DESCRIBED else "short"
                self.assertEqual(row[f"{language}.of"],
                                 row[f"{language}.{name}"], row["code"])


class Salutations(unittest.TestCase):
    maxDiff = None
    rows = rows_of("salutations.tsv")
    offices = {"president", "head-of-government", "minister", "ambassador",
               "permanent-representative", "charge-d-affaires",
               "secretary-general", "other"}
    marks = {"en": ",", "fr": ",", "es": ":", "ru": ",!", "zh": "：",
             "ar": "،"}

    def test_everybody_is_addressed(self):
        seen = {(row["language"], row["office"], row["gender"])
                for row in self.rows}
        self.assertEqual(len(seen), len(self.rows))
        self.assertEqual({office for _, office, _ in seen}, self.offices)
        for language in LANGUAGES:
            for office in self.offices:
                self.assertIn((language, office, "-"), seen)
                self.assertEqual((language, office, "f") in seen,
                                 (language, office, "m") in seen)

    def test_cells(self):
        for row in self.rows:
            self.assertIn(row["mark"], self.marks[row["language"]], row)
            for name in ("salutation", "closing"):
                cell = row[name]
                self.assertEqual(cell, unicodedata.normalize("NFC", cell))
                self.assertNotRegex(cell, r"['\"]|[,:!：，،]$|  |^ | $", row)
                script = SCRIPTS[row["language"]][0]
                for c in cell:
                    self.assertTrue(c in " ,.’/、-" or
                                    unicodedata.name(c).startswith(script),
                                    row)

    def test_women_and_men_are_told_apart(self):
        forms = {(row["language"], row["office"], row["gender"]):
                 row["salutation"] for row in self.rows}
        for (language, office, gender), form in forms.items():
            if gender == "f":
                self.assertNotEqual(form, forms[language, office, "m"])


class Words(unittest.TestCase):
    """Of a report; that all are there, chancery sees itself."""

    rows = rows_of("report.tsv")

    def test_cells(self):
        for row in self.rows:
            for language in LANGUAGES:
                cell, script = row[language], SCRIPTS[language][0]
                self.assertEqual(cell, unicodedata.normalize("NFC", cell))
                self.assertNotRegex(cell, r"['\"]|  |^ | $|[:：]$", row)
                for c in cell.replace("UTC", ""):
                    self.assertTrue(c in " \u00a0(),.:’、，。：（）" or
                                    unicodedata.name(c).startswith(script),
                                    (row, c))

    def test_states_are_told_apart(self):
        states = {"waiting", "sending", "held", "cancelled", "refused",
                  "in_doubt", "sent", "delivered", "read", "away",
                  "acknowledged", "answered", "returned", "silent",
                  "overdue"}
        for language in LANGUAGES:
            self.assertEqual(len({row[language] for row in self.rows
                                  if row["word"] in states}), len(states))


if __name__ == "__main__":
    unittest.main()
