#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The letter on paper: what is on the pages, in which order, in which fonts;
that the same letter is the same file; and that it goes with the mail, set by
the workers under their limits."""
import base64
import email
import email.policy
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import importer
import sender

BUILD = pathlib.Path(os.environ["top_builddir"])
CHANCERY = str(BUILD / "chancery")
TEMPLATES = pathlib.Path(os.environ["top_srcdir"]).resolve() / "templates"
MEMBERS = TEMPLATES / "sample/members.csv"
PAGES = re.search(r"(?m)^PAGE_LIBS = .*pango", (BUILD / "Makefile")
                  .read_text()) is not None
HIDDEN = re.compile("[\u00ad\u2066-\u2069\u200e\u200f\u202a-\u202e]")
WORKER_MAX_KIB = 96 * 1024

# Key of the first addressee, and what is read one after the other.
READS = {
    "en": ("AFG", ["Preparatory Committee for the Convention on the Protection "
                   "of Mountain Springs", "Secretariat", "Reference: DM-1276",
                   "H.E. Mr. Farid Nooristani", "Subject: Invitation",
                   "Excellency,", "I have the honour to refer to decision "
                   "PC.1/7", "1. To complete", "3. To decide",
                   "not later than 18 December 2026.",
                   "Accept, Excellency,", "Maren Solvik",
                   "Annexes: 2", "1. Provisional agenda",
                   "Copy: Permanent Mission of Afghanistan"]),
    "fr": ("AND", ["Comité préparatoire de la Convention relative à la "
                   "protection des sources de montagne", "Référence : DM-1276",
                   "Son Excellence Madame Meritxell Casadevall",
                   "Ministre des affaires étrangères", "Objet : invitation",
                   "Madame la Ministre,", "J’ai l’honneur",
                   "2. À examiner les dispositions financières",
                   "Veuillez agréer, Madame la Ministre,",
                   "La Secrétaire exécutive,", "Annexes : 2",
                   "2. Formulaire d’inscription"]),
    "es": ("ARG", ["Comité Preparatorio de la Convención",
                   "Excmo. Sr. Don Leandro Etchegoyen",
                   "Ministro de Relaciones Exteriores", "Asunto: Invitación",
                   "Excelentísimo señor Ministro:", "Tengo el honor",
                   "18 de diciembre de 2026", "Secretaria Ejecutiva",
                   "Anexos: 2", "1. Programa provisional"]),
    "ru": ("BLR", ["Подготовительный комитет Конвенции об охране горных "
                   "источников", "Исх. № DM-1276",
                   "О приглашении на вторую сессию",
                   "Ваше Превосходительство,", "Имею честь сослаться",
                   "18 декабря 2026 года", "Исполнительный секретарь",
                   "Приложения: 2", "2. Регистрационная форма"]),
    "zh": ("CHN", ["《保护山泉公约》筹备委员会", "秘书处", "文号：DM-1276",
                   "事由：邀请出席筹备委员会第二届会议", "部长先生阁下：",
                   "我谨提及筹备委员会第PC.1/7号决定。",
                   "1. 完成公约草案（PC.2/3）的一读；",
                   "请至迟于2026年12月18日，", "顺致最崇高的敬意。",
                   "马伦·索尔维克", "附件：2份", "抄送：中华人民共和国"]),
    "ar": ("ARE", ["اللجنة التحضيرية لاتفاقية حماية الينابيع الجبلية",
                   "الأمانة", "معالي السيد خليفة الشامسي", "وزير الخارجية",
                   "الدعوة إلى حضور الدورة الثانية للجنة التحضيرية",
                   "يشرفني أن أشير إلى المقرر", "إتمام القراءة الأولى",
                   "بقبول أسمى آيات التقدير والاحترام",
                   "مارين سولفيك", "المرفقات", "استمارة التسجيل"]),
}


def run(*words, cwd=None, code=0):
    done = subprocess.run([CHANCERY, *map(str, words)], cwd=cwd, check=False,
                          capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=120, env={**os.environ, "LC_ALL": "C.UTF-8",
                                            "NO_COLOR": "1"})
    assert done.returncode == code, (words, done.returncode, done.stderr)
    return done


def tool(*words):
    return subprocess.run(words, check=True, capture_output=True,
                          timeout=60).stdout


def text_of(path):
    text = HIDDEN.sub("", tool("pdftotext", path, "-").decode())
    return re.sub(r"\s+", " ", text)


def words_of(path):
    """(left, top, right, word) of each word of the first page."""
    found = re.findall(r'<word xMin="(.+?)" yMin="(.+?)" xMax="(.+?)" '
                       r'yMax=".+?">(.*?)</word>',
                       tool("pdftotext", "-bbox", "-l", "1", path,
                            "-").decode())
    return [(float(left), float(top), float(right), HIDDEN.sub("", word))
            for left, top, right, word in found]


def fonts_of(path):
    """(name, embedded, subset, unicode) of each."""
    lines = tool("pdffonts", path).decode().splitlines()[2:]
    return [(words[0], *words[-5:-2]) for words in map(str.split, lines)]


def undated(pdf):
    """Without the moment at which it was made, and what follows from that."""
    pdf = re.sub(rb"D:\d{14}Z", b"D:", pdf)
    pdf = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"date", pdf)
    return re.sub(rb"/ID \[.*\]", b"/ID", pdf)


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="chancery-page-"))
        self.addCleanup(shutil.rmtree, self.dir)

    def letter(self, conf="", text="Text\n", language="en"):
        folder = self.dir / "letter"
        folder.mkdir(exist_ok=True)
        (folder / "letter.conf").write_text(
            'sender = "o@chancery.example";\n' + conf)
        (folder / f"{language}.md").write_text(f"Subject: S\n\n{text}")
        return folder

    def table(self, name="France", language="en"):
        path = self.dir / "t.csv"
        path.write_text("key,language,to,name\n"
                        f"FRA,{language},m@fr.example,{name}\n")
        return path

    def pdf(self, folder, *words, table=None, code=0, reference="DM-1276"):
        path = self.dir / "out.pdf"
        done = run("preview", folder, table or self.table(), "--pdf", "-o",
                   path, "-R", reference, "-d", "2026-12-18", *words,
                   code=code)
        return path if code == 0 else done.stderr.decode()


@unittest.skipIf(PAGES, "this build sets pages")
class WithoutPages(Case):
    def test_it_says_so(self):
        self.assertIn("sets no pages", self.pdf(self.letter(), code=69))

    def test_letters_that_ask_for_pages_are_refused(self):
        done = run("check", self.letter("page: { attach = true; };"),
                   self.table(), code=65)
        self.assertRegex(done.stdout.decode(),
                         r"letter.conf:2: page: this build of Chancery sets "
                         r"no pages")


class Daemon(unittest.TestCase):
    def test_chanceryd_links_no_pango(self):
        needed = tool("objdump", "-p", BUILD / "daemon/chanceryd/chanceryd")
        names = re.findall(rb"NEEDED\s+(\S+)", needed)
        self.assertTrue(names)
        for name in names:
            self.assertNotRegex(name, rb"pango|cairo|rsvg|hyphen|fontconfig")


@unittest.skipUnless(PAGES, "a build without pages")
class Pages(Case):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="chancery-pages-"))
        cls.addClassCleanup(shutil.rmtree, cls.root)
        done = run("preview", TEMPLATES / "invitation", MEMBERS, "--pdf",
                   "--each-language", "-R", "DM-1276", "-d", "2026-12-18",
                   "-o", cls.root / "all")
        cls.files = {}
        for line in done.stdout.decode().splitlines():
            path = pathlib.Path(line)
            cls.files[path.suffixes[-2][1:]] = path

    def test_one_of_each_language(self):
        self.assertEqual({code: path.name
                          for code, path in self.files.items()},
                         {code: f"{key}.{code}.pdf"
                          for code, (key, _) in READS.items()})

    def test_they_are_read_in_order(self):
        for code, (_, parts) in READS.items():
            text, at = text_of(self.files[code]), 0
            for part in parts:
                found = text.find(part, at)
                self.assertGreaterEqual(found, at, (code, part, text))
                at = found + len(part)

    def test_fonts_are_embedded_as_subsets(self):
        for code, path in self.files.items():
            fonts = fonts_of(path)
            self.assertTrue(fonts)
            for name, embedded, subset, unicode in fonts:
                self.assertRegex(name, r"^[A-Z]{6}\+", code)
                self.assertEqual((embedded, subset, unicode),
                                 ("yes", "yes", "yes"), (code, name))

    def test_they_are_whole(self):
        for path in self.files.values():
            tool("qpdf", "--check", path)

    def test_they_are_for_the_archive(self):
        for code, path in self.files.items():
            plain = tool("qpdf", "--qdf", "--object-streams=disable", path,
                         "-").replace(b"\n", b" ")
            for part in (rb"/Lang \(%s\)" % code.encode(),
                         rb"/S /GTS_PDFA1", rb"<pdfaid:part>2</pdfaid:part>"
                         rb"<pdfaid:conformance>U</pdfaid:conformance>",
                         rb"/MarkInfo << +/Marked true", rb"/StructTreeRoot",
                         rb"/ID \[<[0-9a-f]{32}><[0-9a-f]{32}>\]",
                         rb"/DisplayDocTitle true", rb"/Outlines",
                         rb"/URI \(mailto:bureau@chancery.example\)"):
                self.assertRegex(plain, part, code)
            self.assertNotRegex(plain, rb"/Group <<|/Interpolate true", code)
            self.assertEqual(plain.count(b"/CIDFontType2"),
                             plain.count(b"/CIDToGIDMap /Identity"))
            # Annotations are printed.
            self.assertEqual(plain.count(b"/Subtype /Link"),
                             len(re.findall(rb"/F 4\b", plain)))

    def test_they_say_what_they_are(self):
        info = tool("pdfinfo", self.files["fr"]).decode()
        for line in (r"Title: +Deuxième session du Comité préparatoire "
                     r"\(Annecy", r"Author: +Secretariat of the Preparatory",
                     r"Subject: +DM-1276", r"Tagged: +yes",
                     r"Page size: +595\.\d+ x 841\.\d+ pts \(A4\)",
                     r"Pages: +1$"):
            self.assertRegex(info, f"(?m)^{line}")
        xmp = tool("pdfinfo", "-meta", self.files["fr"]).decode()
        self.assertIn('<rdf:li xml:lang="x-default">Deuxième session', xmp)
        outline = tool("pdfinfo", "-dests", self.files["ar"])
        self.assertIsNotNone(outline)

    def test_the_same_letter_is_the_same_file(self):
        """Alone in its process, or as the third of six."""
        for code in ("ar", "ru", "zh"):
            alone = self.dir / "alone.pdf"
            run("preview", TEMPLATES / "invitation", MEMBERS, "--pdf", "-r",
                READS[code][0], "-R", "DM-1276", "-d", "2026-12-18", "-o",
                alone)
            self.assertEqual(undated(alone.read_bytes()),
                             undated(self.files[code].read_bytes()), code)

    def test_a_note_has_its_addressee_at_its_foot(self):
        path = self.pdf(TEMPLATES / "note-verbale", "-r", "SEN",
                        table=MEMBERS, reference="NV-12")
        text = text_of(path)
        body = text.index("présente ses compliments")
        self.assertGreater(text.rindex("Ministère des affaires étrangères du "
                                       "Sénégal"),
                           text.index("Annecy, le"))
        self.assertGreater(text.index("Annecy, le"), body)

    def test_later_pages_are_numbered(self):
        words = "The Committee considered the report at length. " * 12
        folder = self.letter(text=f"{words}\n\n" * 12)
        path = self.pdf(folder)
        pages = int(re.search(r"Pages: +(\d+)",
                              tool("pdfinfo", path).decode())[1])
        self.assertGreater(pages, 1)
        first = tool("pdftotext", "-l", "1", path, "-").decode()
        self.assertNotIn(f"1/{pages}", first)
        for page in range(2, pages + 1):
            text = tool("pdftotext", "-layout", "-f", str(page), "-l",
                        str(page), path, "-").decode().split("\n")
            self.assertRegex(text[0], rf"^\s*DM-1276\s+{page}/{pages}$")

    def test_no_line_is_alone(self):
        """Wherever a paragraph is divided, two lines stand on either side."""
        sentence = "Alpha beta gamma delta epsilon zeta eta theta iota kappa. "
        for lead in range(1, 14):
            folder = self.letter(
                text="Line\\\n" * (30 + lead) + "end\n\n" +
                     "START " + sentence * 8 + "FINISH\n\n" * 1)
            path = self.pdf(folder)
            pages = tool("pdftotext", "-layout", path, "-").decode()
            for page in pages.split("\f")[:-1]:
                lines = [line for line in page.splitlines()
                         if re.search("lpha|eta|START|FINISH", line)]
                self.assertNotEqual(len(lines), 1, page)

    def test_paper(self):
        path = self.pdf(self.letter('page: { paper = "Letter"; left = 40; };'))
        self.assertRegex(tool("pdfinfo", path).decode(),
                         r"Page size: +612 x 792 pts \(letter\)")
        done = run("check", self.letter("page: { left = 5; };"), self.table(),
                   code=65)
        self.assertIn("letter.conf:2", done.stdout.decode())

    def test_tables(self):
        text = ("| State | Seats |\n|---|--:|\n| Kenya | 4 |\n"
                "| {{name}} | 12 |\n")
        path = self.pdf(self.letter(text=text))
        lines = [line.split() for line in
                 tool("pdftotext", "-layout", path, "-").decode().splitlines()
                 if line.split()]
        self.assertEqual(lines, [["State", "Seats"], ["Kenya", "4"],
                                 ["France", "12"]])

    def test_numbers_have_their_units_in_one_line(self):
        for language in ("en", "ar"):
            folder = self.letter(text="x | y\n---|--:\nz | 12400\nz | 900\n",
                                 language=language)
            path = self.pdf(folder, table=self.table(language=language))
            ends = [right for _, _, right, word in words_of(path)
                    if word in ("12400", "900")]
            self.assertEqual(len(ends), 2, language)
            self.assertAlmostEqual(*ends, places=2, msg=language)

    def test_reference_and_addressee_stand_on_one_line(self):
        place = {word: top for _, top, _, word in words_of(self.files["en"])}
        self.assertAlmostEqual(place["Reference:"], place["H.E."], places=2)

    def test_an_address_keeps_its_scheme(self):
        """In the text as well as in a link; elsewhere it may be divided."""
        for lead in range(10, 60, 5):
            path = self.pdf(self.letter(
                text=f"{'x ' * lead}https://sessions.chancery.example/pc3 and "
                     "more of it.\n"))
            words = [word for *_, word in words_of(path)]
            self.assertEqual([word for word in words if "https" in word],
                             [word for word in words
                              if word.startswith("https://s")], words)

    def test_a_day_stays_with_its_month(self):
        for lead in range(30, 50):
            path = self.pdf(self.letter(
                language="ru", text=f"{'и ' * lead}{{{{deadline | date}}}}.\n"),
                table=self.table(language="ru"))
            words = words_of(path)
            day = [word for *_, word in words].index("18")
            self.assertEqual(words[day + 1][3], "декабря")
            self.assertEqual(words[day][1], words[day + 1][1], lead)

    def test_spaces_are_not_stretched_without_end(self):
        """A line that a long word behind it leaves too short is ragged."""
        size = 10.5
        for lead in range(2, 9):
            path = self.pdf(self.letter(text=f"{'`nnnnnnnnn` ' * lead}"
                                             f"`{'W' * 30}` end of it.\n"))
            words = words_of(path)
            for before, after in zip(words, words[1:]):
                if before[1] == after[1]:
                    self.assertLess(after[0] - before[2], 1.1 * size,
                                    (lead, before, after))

    def test_values_are_data(self):
        name = '"<b>&amp; *x* [y](https://z.example) {{name}}"'
        path = self.pdf(self.letter(text="**{{name}}**\n"),
                        table=self.table(name=name))
        self.assertIn("<b>&amp; *x* [y](https://z.example) {{name}}",
                      text_of(path))
        self.assertNotIn(b"/URI", path.read_bytes())

    def test_a_character_that_no_font_has(self):
        """It is named, with whose letter it is."""
        folder = self.letter("page: { attach = true; };", "Dear {{name}},\n")
        table = self.table(name="Ab\U00012000c")
        done = run("check", folder, table, code=65)
        self.assertRegex(
            done.stdout.decode(),
            r"en\.md: the page: none of its fonts has \"(\U00012000|[^\"]*)\" "
            r"\(U\+12000\) for FRA \(.*t\.csv:2\)")
        run("check", folder, self.table(name="Łukasz Đỗ 山田 محمد"))

    def test_a_font_that_is_not_there(self):
        folder = self.letter('page: { font = "No Such Serif"; attach = true; '
                             '};')
        done = run("check", folder, self.table(), code=65)
        self.assertIn('letter.conf:2: page: the font "No Such Serif" is not '
                      'installed', done.stdout.decode())

    def test_pictures(self):
        folder = self.letter(
            'page: { letterhead = "l.svg"; signature = "s.png"; };',
            "<!-- page: signature -->\nName\n")
        error = self.pdf(folder, code=65)
        self.assertIn("there is neither l.en.svg nor l.svg", error)
        self.assertIn("there is neither s.en.png nor s.png", error)
        (folder / "l.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
            '<rect width="9" height="9" fill="red"/></svg>')
        (folder / "s.png").write_bytes(base64.b64decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
            "DwADhgGAWjR9awAAAABJRU5ErkJggg=="))
        path = self.pdf(folder)
        plain = tool("qpdf", "--qdf", path, "-")
        self.assertIn(b"/Subtype /Image", plain)
        self.assertNotIn(b"/Interpolate true", plain)
        (folder / "s.png").write_bytes(b"\x89PNG\r\n\x1a\nnot one")
        self.assertIn("s.png: a damaged PNG", self.pdf(folder, code=65))
        (folder / "l.svg").write_text("<html/>")
        self.assertIn("l.svg: ", self.pdf(folder, code=65))

    def test_it_goes_with_the_mail(self):
        """Before the annexes, and is none of them."""
        folder = self.letter('annexes = [ "a.txt" ];\n'
                             'page: { attach = true; };',
                             "Annexes: {{annexes}}\n")
        (folder / "a.txt").write_text("annex")
        raw = run("preview", folder, self.table(), "--eml", "-R",
                  "A/77/12").stdout
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        parts = list(mail.iter_attachments())
        self.assertEqual([(part.get_filename(), part.get_content_type())
                          for part in parts],
                         [("A-77-12.en.pdf", "application/pdf"),
                          ("a.txt", "text/plain")])
        self.assertIn("Annexes: 1", mail.get_body(("plain",)).get_content())
        path = self.dir / "attached.pdf"
        path.write_bytes(parts[0].get_content())
        tool("qpdf", "--check", path)
        self.assertIn("Annexes: 1", text_of(path))

    def test_several_in_json(self):
        done = run("preview", TEMPLATES / "invitation", MEMBERS, "--pdf",
                   "-r", "FRA", "-r", "KEN", "-d", "2026-12-18", "-R", "DM-1",
                   "-o", self.dir / "some", "--json")
        told = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(one["key"], pathlib.Path(one["file"]).name)
                          for one in told],
                         [("FRA", "FRA.fr.pdf"), ("KEN", "KEN.en.pdf")])
        for one in told:
            self.assertTrue(pathlib.Path(one["file"]).read_bytes()
                            .startswith(b"%PDF-1."))


class Room(sender.Room):
    """The invitation to one addressee of each language, its page attached."""

    def __init__(self, root):
        self.root = root
        self.upload = importer.Upload(root)
        for path in (TEMPLATES / "invitation").iterdir():
            data = path.read_bytes()
            if path.name == "letter.conf":
                data = data.replace(b"page:\n{", b"page:\n{\n  attach = true;")
            self.upload.put(f"letter/{path.name}", data)
        for name in ("countries.tsv", "salutations.tsv"): # as chancery adds
            self.upload.put(f"letter/{name}",
                            (TEMPLATES / name).read_bytes())
        rows = MEMBERS.read_text().splitlines()
        wanted = {key for key, _ in READS.values()}
        self.upload.put("recipients/m.csv", "\n".join(
            [rows[0]] + [row for row in rows if row[:3] in wanted]) + "\n")
        self.files, self.letters = [], {}
        worker = self.upload.begin()
        while message := worker.receive():
            name, fields = message
            assert name != "import-problem", fields
            if name == "import-file":
                self.files.append(fields)
            elif name == "import-letter":
                self.letters[fields["key"].decode()] = fields
        assert worker.wait() == 0, self.upload.stderr()
        self.sink = sender.Sink(root)


@unittest.skipUnless(PAGES, "a build without pages")
class Workers(Case):
    """The import sets each page once and the send worker again, under their
    system-call filters and limits."""

    def send_all(self, room):
        """{key: digest}, and the worker's memory in KiB."""
        worker, digests = room.begin(), {}
        for key in room.letters:
            number = room.give(worker, key)
            digests[key] = sender.let_go(worker, number)["sha256"]
            for result in worker.expect("send-result")["results"]:
                self.assertEqual(result["outcome"], sender.SENT)
            worker.expect("send-ready")
        status = pathlib.Path(f"/proc/{worker.pid}/status").read_text()
        sender.finish(worker, room)
        return digests, int(re.search(r"VmHWM:\s+(\d+)", status)[1])

    def test_through_both(self):
        room = Room(self.dir / "room")
        self.addCleanup(room.sink.stop)
        self.assertEqual(set(room.letters), {key for key, _ in READS.values()})
        first, memory = self.send_all(room)
        again, _ = self.send_all(room)
        self.assertEqual(first, again)
        if not importer.UNLIMITED:
            self.assertLess(memory, WORKER_MAX_KIB)


if __name__ == "__main__":
    unittest.main()
