#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The letters and tables that ship: every letter merges for every row in every
language without a word of complaint, each language keeps its typographic rules,
and the table with faults has exactly three."""
import csv
import email
import email.header
import email.policy
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CHANCERY = os.path.abspath(os.environ["top_builddir"]) + "/chancery"
TEMPLATES = pathlib.Path(os.environ["top_srcdir"]).resolve() / "templates"
SAMPLE = TEMPLATES / "sample"
LANGUAGES = ["en", "fr", "es", "ru", "zh", "ar"]
LETTERS = {"invitation": "DM-1276", "note-verbale": "NV-12"}
NBSP, NARROW, FSI, PDI = "\u00a0", "\u202f", "\u2068", "\u2069"

CODES = """
AFG AGO ALB AND ARE ARG ARM ATG AUS AUT AZE BDI BEL BEN BFA BGD BGR BHR BHS BIH
BLR BLZ BOL BRA BRB BRN BTN BWA CAF CAN CHE CHL CHN CIV CMR COD COG COL COM CPV
CRI CUB CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESP EST ETH FIN FJI FRA FSM
GAB GBR GEO GHA GIN GMB GNB GNQ GRC GRD GTM GUY HND HRV HTI HUN IDN IND IRL IRN
IRQ ISL ISR ITA JAM JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA
LIE LKA LSO LTU LUX LVA MAR MCO MDA MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MOZ
MRT MUS MWI MYS NAM NER NGA NIC NLD NOR NPL NRU NZL OMN PAK PAN PER PHL PLW PNG
POL PRK PRT PRY QAT ROU RUS RWA SAU SDN SEN SGP SLB SLE SLV SMR SOM SRB SSD STP
SUR SVK SVN SWE SWZ SYC SYR TCD TGO THA TJK TKM TLS TON TTO TUN TUR TUV TZA UGA
UKR URY USA UZB VCT VEN VNM VUT WSM YEM ZAF ZMB ZWE
""".split()

FAULTS = """\
faults.csv:4:8: to: no "@" in "minister.cm.members.example"
    Write it as name@domain or Name <name@domain>; several with commas.
faults.csv:7:5: language: "sp" is no language
    Write its two letters (ISO 639-1): ar, en, es, fr, ru, zh …
faults.csv:10:1: key: "FRA" is there twice, on lines 8 and 10
    One addressee gets one letter: put both lines together, or give one another key.
faults.csv: CSV, commas, UTF-8.
3 errors, 0 warnings: correct them and check again; nothing can be queued before.
"""

# Key: how the letter begins and ends for that person.
FORMS = {
    "GHA": ("Excellency,",
            "Accept, Excellency, the assurances of my highest consideration."),
    "SEN": ("Madame la Ministre,",
            "Veuillez agréer, Madame la Ministre, les assurances de ma très "
            "haute considération."),
    "MLI": ("Madame la Ministre,", "Veuillez agréer, Madame la Ministre,"),
    "GAB": ("Monsieur le Ministre,", "Veuillez agréer, Monsieur le Ministre,"),
    "CHE": ("Monsieur le Conseiller fédéral,",
            "Veuillez agréer, Monsieur le Conseiller fédéral,"),
    "PER": ("Excelentísimo señor Ministro:", "reiterar a Vuestra Excelencia"),
    "MEX": ("Excelentísimo señor Secretario:",
            "reiterar a Vuestra Excelencia"),
    "BOL": ("Excelentísima señora Ministra:", "reiterar a Vuestra Excelencia"),
    "KAZ": ("Ваше Превосходительство,",
            "Примите, Ваше Превосходительство, уверения"),
    "RUS": ("Ваше Превосходительство,",
            "Примите, Ваше Превосходительство, уверения"),
    "CHN": ("部长先生阁下：", "顺致最崇高的敬意。"),
    "EGY": (f"{FSI}معالي الوزير،{PDI}", f"وتفضلوا {FSI}معاليكم{PDI} بقبول"),
    "JOR": (f"{FSI}معالي الوزيرة،{PDI}", f"وتفضلوا {FSI}معاليكم{PDI} بقبول"),
}
# Whose government is invited, and by what name the address ends.
INVITED = {
    "GHA": ("invite the Government of Ghana to be represented",
            "Republic of Ghana"),
    "NLD": ("invite the Government of the Kingdom of the Netherlands to be",
            "Kingdom of the Netherlands"),
    "SEN": ("d’inviter le Gouvernement du Sénégal à s’y faire représenter",
            "République du Sénégal"),
    "COM": ("d’inviter le Gouvernement des Comores à s’y faire représenter",
            "Union des Comores"),
    "PER": ("de invitar al Gobierno del Perú a hacerse representar",
            "República del Perú"),
    "VEN": ("invitar al Gobierno de la República Bolivariana de Venezuela a",
            "República Bolivariana de Venezuela"),
    "KAZ": ("пригласить Правительство Казахстана направить",
            "Республика Казахстан"),
    "CHN": ("邀请中国政府派代表", "中华人民共和国"),
    "EGY": (f"أدعو حكومة {FSI}مصر{PDI} إلى", f"{FSI}جمهورية مصر العربية{PDI}"),
}
DEADLINES = {"en": "18 December 2096", "fr": "18 décembre 2096",
             "es": "18 de diciembre de 2096", "ru": "18 декабря 2096 года",
             "zh": "2096年12月18日",
             "ar": f"{FSI}18 كانون الأول/ديسمبر 2096{PDI}"}
NOTES = {
    "SEN": "présente ses compliments au Ministère des affaires étrangères du "
           "Sénégal et a l’honneur de",
    "CHE": "présente ses compliments au Département fédéral des affaires "
           "étrangères de la Suisse et a l’honneur",
    "NLD": "presents its compliments to the Ministry of Foreign Affairs of the "
           "Kingdom of the Netherlands and has",
    "USA": "presents its compliments to the Department of State of the United "
           "States of America and has the honour",
    "PER": "saluda atentamente al Ministerio de Relaciones Exteriores del Perú "
           "y tiene el honor",
    "MEX": "saluda atentamente a la Secretaría de Relaciones Exteriores de "
           "México y tiene el honor",
    "KGZ": "свидетельствует свое уважение Министерству иностранных дел "
           "Кыргызстана и имеет честь",
    "CHN": "向中华人民共和国外交部致意",
    "EGY": f"تحياتها إلى وزارة خارجية {FSI}جمهورية مصر العربية{PDI}، وتتشرف",
}
COPY = {"en": "Copy: ", "fr": f"Copie{NBSP}: ", "es": "Copia: ",
        "ru": "Копия: ", "zh": "抄送：", "ar": "نسخة إلى: "}


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


ROWS = {row["key"]: row for row in rows_of(SAMPLE / "members.csv")}


def run(*words, cwd=SAMPLE):
    return subprocess.run([CHANCERY, *map(str, words)], cwd=cwd, check=False,
                          capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=120, env={**os.environ, "LC_ALL": "C.UTF-8",
                                            "NO_COLOR": "1"})


def options(letter):
    return ("--reference", LETTERS[letter], "--deadline", "2096-12-18")


def preview(letter, key, form):
    done = run("preview", TEMPLATES / letter, "members.csv", "-r", key, form,
               *options(letter))
    assert done.returncode == 0, (key, done.stderr)
    return done.stdout


def text_of(letter, key):
    """The lines of the text as the reader sees them: flowed lines joined."""
    head, text = preview(letter, key, "--text").decode().split("\n\n", 1)
    assert head.startswith("To: minister@"), head
    joint = "" if ROWS[key]["language"] == "zh" else " "
    return re.sub(" \n", joint, text).split("\n")


class Tables(unittest.TestCase):
    maxDiff = None

    def test_members(self):
        table = rows_of(SAMPLE / "members.csv")
        self.assertEqual([row["key"] for row in table], CODES)
        self.assertEqual(len(CODES), 193)
        self.assertEqual(len({row["to"] for row in table}), 193)
        self.assertEqual(len({row["addressee"] for row in table}), 193)
        self.assertEqual({row["language"] for row in table},
                         {"en", "fr", "es", "ru", "zh", "ar"})
        for row in table:
            self.assertRegex(row["to"],
                             r"^minister@[a-z]{2}\.members\.example$")
            domain = row["to"].split("@")[1]
            self.assertRegex(row["cc"],
                             rf"^$|^[^<>@]+ <mission@{re.escape(domain)}>$")
            self.assertEqual(row["office_code"], "minister")
            self.assertIn(row["gender"], ("f", "m"))
            for name in set(row) - {"cc", "salutation", "ministry"}:
                self.assertEqual(row[name], row[name].strip(), row)
                self.assertTrue(row[name], (row["key"], name))
        self.assertTrue(40 < sum(bool(row["cc"]) for row in table) < 120)
        self.assertEqual({row["key"] for row in table if row["salutation"]},
                         {"CHE", "MEX"})
        self.assertEqual({row["key"] for row in table if row["ministry"]},
                         {"CHE", "ESP", "GBR", "MEX", "PHL", "USA"})

    def test_written_by_the_script(self):
        script = TEMPLATES / "tools/make-members.py"
        for words, name in (([], "members.csv"), (["--faults"], "faults.csv")):
            made = subprocess.run([sys.executable, "-B", script, *words],
                                  capture_output=True, check=True).stdout
            self.assertEqual(made, (SAMPLE / name).read_bytes(), name)

    def test_faults(self):
        done = run("check", TEMPLATES / "invitation", "faults.csv",
                   *options("invitation"))
        self.assertEqual((done.stdout.decode(), done.returncode),
                         (FAULTS, 65))


class Letters(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="chancery-letters-"))
        self.addCleanup(shutil.rmtree, self.dir)

    def check(self, letter, table):
        done = run("check", TEMPLATES / letter, table, *options(letter),
                   "--json")
        lines = done.stdout.decode().splitlines()
        self.assertEqual((len(lines), done.returncode), (1, 0), lines[:5])
        result = json.loads(lines[0])
        self.assertEqual((result["letters"], result["errors"],
                          result["warnings"]), (193, 0, 0))
        return result["languages"]

    def test_every_row_in_its_language(self):
        for letter in LETTERS:
            self.assertEqual(self.check(letter, "members.csv"),
                             {"en": 119, "fr": 28, "es": 20, "ru": 7, "zh": 1,
                              "ar": 18})

    def test_every_row_in_every_language(self):
        for letter in LETTERS:
            for language in LANGUAGES:
                table = self.dir / "members.csv"
                with table.open("w", encoding="utf-8", newline="") as out:
                    writer = csv.DictWriter(out, ROWS["FRA"].keys())
                    writer.writeheader()
                    writer.writerows({**row, "language": language}
                                     for row in ROWS.values())
                self.assertEqual(self.check(letter, table), {language: 193})

    def test_forms_of_address(self):
        for key, (first, last) in FORMS.items():
            lines = text_of("invitation", key)
            self.assertIn(first, lines, key)
            self.assertEqual(sum(last in line for line in lines), 1,
                             (key, lines))
            row = ROWS[key]
            isolated = "{}" if row["language"] != "ar" else FSI + "{}" + PDI
            block = [isolated.format(row[name])
                     for name in ("addressee", "office")]
            if row["language"] == "zh":
                block.reverse()
            at = lines.index(block[0])
            self.assertEqual(lines[at:at + 2], block, key)
            copies = [line for line in lines
                      if line.startswith(COPY[row["language"]])]
            self.assertEqual(len(copies), bool(row["cc"]), (key, lines))
            self.assertTrue(any(DEADLINES[row["language"]] in line
                                for line in lines), (key, lines))

    def test_names_of_states(self):
        for key, (invited, formal) in INVITED.items():
            lines = text_of("invitation", key)
            self.assertEqual(sum(invited in line for line in lines), 1,
                             (key, lines))
            at = next(i for i, line in enumerate(lines)
                      if ROWS[key]["addressee"] in line)
            self.assertEqual(
                lines[at - 2 if ROWS[key]["language"] == "zh" else at + 2],
                formal, key)

    def test_no_code_of_a_country(self):
        table = self.dir / "members.csv"
        head = ",".join(ROWS["FRA"])
        table.write_text(f"{head}\n" + "".join(
            f"{key},en,a{i}@b.example,,{key},A,B,{office},{gender},,\n"
            for i, (key, office, gender) in enumerate((
                ("FRX", "minister", "f"), ("GER", "minister", "m"),
                ("KEN", "minster", "f"), ("UGA", "minister", "x")))), "utf-8")
        done = run("check", TEMPLATES / "invitation", table,
                   *options("invitation"))
        self.assertEqual(done.returncode, 65)
        told = done.stdout.decode()
        self.assertIn("key: \"FRX\" is no country's code; did you mean "
                      "\"FRA\"? for FRX", told)
        self.assertIn("key: \"GER\" is no country's code", told)
        self.assertIn("members.csv:4: office_code: \"minster\" is no office "
                      "of salutations.tsv; did you mean \"minister\"?", told)
        self.assertIn("members.csv:5: gender: gender is f, m, or - where it "
                      "is not known, and not \"x\"", told)

    def test_french(self):
        for letter in LETTERS:
            for key in ("SEN", "CHE", "FRA", "CIV", "BFA", "LAO"):
                text = "\n".join(text_of(letter, key))
                text = re.sub(r"https://\S+", "", text)
                for at, sign in ((match.start(), match[0])
                                 for match in re.finditer("[:;!?«»]", text)):
                    beside = text[at + 1] if sign == "«" else text[at - 1]
                    self.assertIn(beside, NARROW if sign in ";!?" else NBSP,
                                  text[at - 30:at + 2])
                self.assertNotIn("'", text)

    def test_russian(self):
        for letter, years_least in (("invitation", 4), ("note-verbale", 2)):
            for key in ("BLR", "KAZ", "KGZ", "RUS", "TJK", "TKM", "UZB"):
                text = "\n".join(text_of(letter, key))
                self.assertEqual(text.count("18 декабря 2096 года"), 1)
                years = re.findall(r"\b(20\d\d)(?![\d])(.{0,5})", text)
                self.assertGreaterEqual(len(years), years_least)
                for year, behind in years:
                    self.assertRegex(behind, f"^[ {NBSP}]год", (key, year))
                self.assertNotRegex(text, "[ёЁ\"']")
                if letter == "invitation":
                    self.assertIn(f"№{NBSP}DM-1276", text)

    def test_chinese(self):
        for letter in LETTERS:
            text = "\n".join(text_of(letter, "CHN"))
            self.assertEqual(re.findall(r"[\u4e00-\u9fff][,.:;()]", text), [])
            self.assertEqual(re.findall(r"[,:;(][\u4e00-\u9fff]", text), [])
            self.assertEqual(
                re.findall(r"[\u4e00-\u9fff] [\u4e00-\u9fff]", text), [])

    def test_arabic(self):
        for key in ("EGY", "JOR", "LBN", "MAR", "OMN", "SYR"):
            row = ROWS[key]
            text = "\n".join(text_of("invitation", key))
            inside = re.findall(f"{FSI}([^{FSI}{PDI}]*){PDI}", text)
            self.assertEqual(text.count(FSI), len(inside))
            self.assertEqual(text.count(PDI), len(inside))
            for value in (row["addressee"], row["office"], "معاليكم",
                          "DM-1276", "+33 4 65 71 00 40",
                          "+33 4 65 71 00 41", "2"):
                self.assertIn(value, inside, key)
            for part in (text, "\n".join(text_of("note-verbale", key))):
                outside = re.sub(f"{FSI}[^{PDI}]*{PDI}", "", part)
                self.assertNotIn("معالي", outside)
                self.assertNotRegex(outside, "[,;?]")  # Arabic has its own

    def test_notes_speak_in_the_third_person(self):
        for key, first in NOTES.items():
            lines = text_of("note-verbale", key)
            text = "\n".join(lines)
            self.assertIn(first, text)
            self.assertIsNone(re.search(
                r"\b(I|my|you|your|je|j’ai|mon|ma|vous|votre|yo|mi|usted|"
                r"я|мой|моем|вы|ваш\w*)\b|我|您|你|贵", text, re.I), text)
            # The reference, three paragraphs, initials, date, address, copy.
            blocks = [block for block in text.strip("\n").split("\n\n")]
            self.assertEqual(len(blocks), 7 + bool(ROWS[key]["cc"]), text)

    def test_a_ministry_has_its_own_name(self):
        for key, times in (("CHE", 4), ("USA", 3), ("GBR", 3), ("MEX", 2),
                           ("ESP", 2)):
            text = "\n".join(text_of("note-verbale", key))
            self.assertEqual(text.count(ROWS[key]["ministry"]), times, text)

    def test_html(self):
        for key in FORMS:
            language = ROWS[key]["language"]
            html = preview("invitation", key, "--html").decode()
            way = "rtl" if language == "ar" else "ltr"
            self.assertIn(f'<html lang="{language}" dir="{way}">', html)
            self.assertNotRegex(html, r"(?i)\ssrc=|url\(|<(img|script|link)\b")
            self.assertEqual(set(re.findall(r'href="([^"]*)"', html)), {
                "mailto:bureau@chancery.example",
                "https://sessions.chancery.example/pc2"})

    def test_messages(self):
        for key in ("GHA", "SEN", "PER", "RUS", "CHN", "EGY"):
            row = ROWS[key]
            raw = preview("invitation", key, "--eml")
            mail = email.message_from_bytes(raw, policy=email.policy.default)
            self.assertTrue(mail["Subject"].startswith("[DM-1276] "))
            self.assertEqual(mail["From"].addresses[0].addr_spec,
                             "bureau@chancery.example")
            self.assertEqual(mail["To"].addresses[0].addr_spec, row["to"])
            self.assertEqual(mail["Content-Language"], row["language"])
            # Not by the new policy: it keeps the blank between two encoded
            # words of a name (RFC 2047 section 6.2 takes it out).
            copied = str(email.header.make_header(email.header.decode_header(
                email.message_from_bytes(raw)["Cc"] or "")))
            self.assertEqual(copied, row["cc"])
            annexes = {part.get_filename(): part.get_content()
                       for part in mail.iter_attachments()}
            self.assertEqual(list(annexes), [
                f"annex-{n}.{row['language']}.pdf" for n in (1, 2)])
            for name, data in annexes.items():
                self.assertEqual(
                    data, (TEMPLATES / "invitation" / name).read_bytes())

    def test_annexes(self):
        made = sorted(path.stem for path in
                      (TEMPLATES / "tools/annexes").iterdir())
        pdfs = sorted((TEMPLATES / "invitation").glob("*.pdf"))
        self.assertEqual([path.stem for path in pdfs], made)
        self.assertEqual(len(pdfs), 12)
        for path in pdfs:
            data = path.read_bytes()
            self.assertTrue(data.startswith(b"%PDF-1."), path)
            self.assertTrue(data.rstrip().endswith(b"%%EOF"), path)
            self.assertLess(len(data), 40 * 1024, path)

    def test_texts_hide_nothing(self):
        """What does not show is written as an escape."""
        hidden = "[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c" \
                 "\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f" \
                 "\u205f-\u206f\u3000\ufe00-\ufe0f\ufeff]"
        for path in TEMPLATES.rglob("*"):
            if path.is_file() and path.suffix in (".md", ".conf", ".csv",
                                                  ".py", ".mk"):
                self.assertIsNone(re.search(hidden, path.read_text("utf-8")),
                                  path)


if __name__ == "__main__":
    unittest.main()
