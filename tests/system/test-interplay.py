#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where several parts of a letter meet: lists of capacities in all languages
and in a courtesy translation, tables that differ in what a section or a
salutation is made of, and one letter that has a page, a logo, annexes,
attachments of its own and a signature, from two tables."""
import base64
import email
import email.policy
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = pathlib.Path(os.environ["top_srcdir"])
BUILD = pathlib.Path(os.environ["top_builddir"]).resolve()
sys.path.insert(0, str(TOP / "tests/peers"))
import harness  # noqa: E402
import importer  # noqa: E402
import smtp_peer  # noqa: E402
import tables  # noqa: E402

PAGES = re.search(r"(?m)^PAGE_LIBS = .*pango", (BUILD / "Makefile")
                  .read_text()) is not None
LANGUAGES = {"GBR": "en", "FRA": "fr", "ESP": "es", "RUS": "ru", "CHN": "zh",
             "EGY": "ar"}
LOGO = base64.b64decode(
    "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
SENDER = 'sender = "Registry <registry@secretariat.example>";\n'


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="chancery-interplay-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        (self.dir / "letter").mkdir()

    def letter(self, texts, conf=""):
        for name, text in {"letter.conf": SENDER + conf, **texts}.items():
            data = text if isinstance(text, bytes) else text.encode()
            (self.dir / "letter" / name).write_bytes(data)

    def table(self, name, rows):
        data = tables.xlsx(rows) if name.endswith(".xlsx") else \
            tables.ods(rows) if name.endswith(".ods") else \
            tables.separated(rows, ";")
        (self.dir / name).write_bytes(data)

    def run_it(self, *words, code=0):
        run = subprocess.run([str(BUILD / "chancery"), *map(str, words)],
                             cwd=self.dir, stdin=subprocess.DEVNULL,
                             capture_output=True, check=False,
                             env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.err = run.stderr.decode()
        self.assertEqual(run.returncode, code,
                         (words, run.stdout.decode(), self.err))
        return run.stdout.decode()

    def faults(self, *words):
        return [line for line in
                self.run_it("check", "letter", *words, code=65).splitlines()
                if re.match(r"\S+:\d+:", line)]


class Capacities(Case):
    """An addressee of two tables, once for each language."""

    def setUp(self):
        super().setUp()
        self.letter(
            {f"{code}.md": "Subject: {{name}}\n\n"
                           "<!-- page: body -->\n"
                           "{{name}}{{#remark}} ({{remark}}){{/remark}}\n\n"
                           "{{#capacities}}\n- {{table}}: {{post}}\n"
                           "{{/capacities}}\n"
             for code in LANGUAGES.values()},
            'courtesy_translation = "en";\n')
        self.table("members.xlsx", [
            ["key", "language", "to", "name", "post", "post.en", "remark",
             "remark.en"]] + [
            [key, code, f"m@{key.lower()}.example", f"N-{key}", f"p-{code}",
             f"P-{key}", f"r-{code}", f"R-{key}"]
            for key, code in LANGUAGES.items()])
        self.table("guests.ods", [["key", "to", "capacity", "post"]] + [
            [key, f"g@{key.lower()}.example", "Guest", f"g-{code}"]
            for key, code in LANGUAGES.items()])

    def parts(self, key):
        text = self.run_it("preview", "letter", "members.xlsx", "guests.ods",
                           "-r", key, "-R", "DM-1")
        text = re.sub("[\u2066-\u2069]", "", text.split("\n\n", 1)[1])
        return text.split("\n--------------------\n")

    def test_in_each_language(self):
        for key, code in LANGUAGES.items():
            first, *second = self.parts(key)
            self.assertEqual(
                first.split(), [
                    f"N-{key}", f"(r-{code})", "-", "members:", f"p-{code}",
                    "-", "Guest:", f"g-{code}"])
            if code == "en":
                self.assertEqual(second, [])
                continue
            # What the table has in English, in sections and lists too.
            self.assertEqual(
                second[0].split(), [
                    "Courtesy", "translation", f"N-{key}", f"(R-{key})", "-",
                    "members:", f"P-{key}", "-", "Guest:", f"g-{code}"])

    def test_all_forms(self):
        forms = ["html", "eml"] + (["pdf"] if PAGES else [])
        for form in forms:
            names = self.run_it("preview", "letter", "members.xlsx",
                                "guests.ods", "--each-language", f"--{form}",
                                "-R", "DM-1", "-o", "all").split()
            self.assertEqual(sorted(names), sorted(
                f"all/{key}.{code}.{form}"
                for key, code in LANGUAGES.items()))
        html = (self.dir / "all/CHN.zh.html").read_text()
        self.assertLess(html.index("p-zh"), html.index("P-CHN"))

    def test_what_is_used(self):
        """Columns of a translation are, and so is the list."""
        out = self.run_it("check", "letter", "members.xlsx", "guests.ods")
        self.assertEqual(out.splitlines()[-1],
                         "Fields that the letter prints: capacities, name, "
                         "post, post.en, remark, remark.en.")
        self.assertIn("6 letters can be sent; 0 warnings.", out)


class Differing(Case):
    """What two tables do not agree in is not printed as something else."""

    def test_a_member_is_not_looked_for_outside(self):
        self.letter({"en.md": "Subject: S\n\n"
                              "{{#post}}{{city}}{{/post}}\n"})
        row = ["FRA", "f@fra.example", "another city", "Paris"]
        self.table("a.csv", [["key", "to", "city", "post.city"], row])
        self.table("b.csv", [["key", "to", "post.city"],
                             [*row[:2], "Geneva"]])
        self.assertEqual(self.faults("a.csv", "b.csv"), [
            "letter/en.md:3:1: post: the tables differ for FRA in post.city: "
            '"Paris" in a.csv:2, "Geneva" in b.csv:2'])
        self.table("b.csv", [["key", "to", "post.city"],
                             [*row[:2], "Paris"]])
        out = self.run_it("check", "letter", "a.csv", "b.csv")
        self.assertIn("prints: city, post.city.", out)

    def test_a_salutation(self):
        """Of a minister in one table and an ambassador in the other, or of a
        woman and a man: nobody in particular."""
        self.letter({"fr.md": "Subject: S\n\n{{salutation_line}}\n\nTexte\n",
                     "en.md": "Subject: S\n\n{{salutation_line}}\n\nText\n"},
                    'courtesy_translation = "en";\n')
        head = ["key", "language", "to", "office_code", "gender"]
        self.table("a.csv", [
            head, ["FRA", "fr", "f@fra.example", "minister", "f"]])
        for column, values, (one, other) in (
                ("office_code", ["ambassador", "f"],
                 ("minister", "ambassador")),
                ("gender", ["minister", "m"], ("f", "m"))):
            self.table("b.csv", [head, ["FRA", "fr", "g@fra.example",
                                        *values]])
            text = (f"salutation_line: the tables differ for FRA in {column}: "
                    f'"{one}" in a.csv:2, "{other}" in b.csv:2')
            self.assertEqual(self.faults("a.csv", "b.csv"), [
                f"letter/fr.md:3:1: {text}", f"letter/en.md:3:1: {text}"])
        # One that it has itself needs neither.
        self.table("b.csv", [
            [*head, "salutation", "salutation_line.en"],
            ["FRA", "fr", "g@fra.example", "minister", "m", "Chère amie",
             "Dear friend,"]])
        out = self.run_it("preview", "letter", "a.csv", "b.csv")
        self.assertIn("\n\nChère amie,\n\nTexte\n", out)
        self.assertIn("\n\nDear friend,\n\nText\n", out)

    def test_a_translation(self):
        self.letter({"fr.md": "Subject: S\n\n{{post}}\n",
                     "en.md": "Subject: S\n\n{{post}}\n"},
                    'courtesy_translation = "en";\n')
        head = ["key", "language", "to", "post", "post.en"]
        for name, post in (("a.csv", "Minister"), ("b.csv", "Ambassador")):
            self.table(name, [head, ["FRA", "fr", "f@fra.example", "poste",
                                     post]])
        self.assertEqual(self.faults("a.csv", "b.csv"), [
            "letter/en.md:3:1: post: the tables differ for FRA in post.en: "
            '"Minister" in a.csv:2, "Ambassador" in b.csv:2'])
        self.letter({}, "")
        self.run_it("check", "letter", "a.csv", "b.csv") # nobody reads it

    def test_whose_columns(self):
        """Each table is named with what it has, and by what hides a field."""
        self.letter({"en.md": "Subject: S\n\n{{nmae}}\n"})
        self.table("a.csv", [["key", "to"], ["FRA", "f@fra.example"]])
        self.table("b.csv", [["key", "to", "name", "date"],
                             ["FRA", "f@fra.example", "N", "x"]])
        out = self.run_it("check", "letter", "a.csv", "b.csv", code=65)
        self.assertEqual(out.splitlines()[:3], [
            "letter/en.md:3:1: nmae: no such field",
            "    a.csv has the columns key, to; b.csv has also name, date.",
            "b.csv:1: date: a column may not be called like a field that "
            "every letter has"])
        self.letter({"en.md": "Subject: S\n\nText\n"})
        self.table("b.csv", [["key", "to"], ["FRA", "f@fra.example"]])
        self.run_it("preview", "letter", "a.csv", "b.csv", "-r", "KEN",
                    code=65)
        self.assertIn('a.csv, b.csv: no addressee "KEN"', self.err)


class Preview(Case):
    def test_a_file_is_named_by_the_language_it_is_in(self):
        """Which may be the second that the addressee reads."""
        self.letter({"en.md": "Subject: S\n\nText\n",
                     "fr.md": "Subject: S\n\nTexte\n"})
        self.table("a.csv", [["key", "language", "second_language", "to"],
                             ["PRT", "pt", "fr", "p@prt.example"],
                             ["BRA", "pt", "", "b@bra.example"]])
        self.assertEqual(
            self.run_it("preview", "letter", "a.csv", "--each-language", "-o",
                        "all", "-R", "DM-1").split(),
            ["all/PRT.fr.txt", "all/BRA.en.txt"])


class Limits(Case):
    def test_a_row_and_the_list_together(self):
        """The list of capacities says each value again: what is too long for
        the store is an error, and never cut."""
        upload = importer.Upload(self.dir)
        upload.put("letter/letter.conf", "")
        upload.put("letter/en.md", "Subject: S\n\n{{#capacities}}{{table}}"
                                   "{{/capacities}}\n")
        head = ["key", "to"] + [f"c{i}" for i in range(8)]
        upload.put("recipients/m.csv", tables.separated([
            head, ["A", "a@b.example"] + ["x" * 20000] * 8,
            ["B", "b@b.example"] + ["x" * 62000] * 8]))
        letters, lines, done = importer.play(upload)
        self.assertEqual(lines, [
            "m.csv:3: what the table says of it is too long to stand in the "
            "list of capacities too"])
        self.assertEqual(done["letters"], 1)
        self.assertEqual(letters[0]["key"], b"A")
        parts = letters[0]["fields"].decode().split("\0")
        fields = dict(zip(parts[::2], parts[1::2]))
        for i in range(8):
            self.assertEqual(fields[f"capacities.1.c{i}"], "x" * 20000)


@unittest.skipUnless(PAGES, "a build without pages")
class Pages(Case):
    """Letters are composed while others are on their way: each keeps the page
    that is its own."""

    def test_on_their_way(self):
        count = 24
        self.letter({"en.md": "Subject: {{name}}\n\nThe marker is "
                              "{{marker}}.\n"},
                    "page: { attach = true; };\n")
        self.table("a.csv", [["key", "to", "name", "marker"]] + [
            [f"K{i}", f"m{i}@k.example", f"Name {i}", f"MARK-{i}-END"]
            for i in range(count)])
        with smtp_peer.Peer() as peer, harness.Room(
                [{"name": "peer", "port": peer.port}]) as room:
            room.start()
            self.run_it("--socket-dir", room.root, "enqueue", "letter",
                        "a.csv", "-R", "DM-1", "--yes")
            room.wait_letters("DM-1", sent=count)
            self.assertEqual(room.stop(), 0)
        path, seen = self.dir / "page.pdf", set()
        for raw in peer.messages:
            mail = email.message_from_bytes(raw, policy=email.policy.default)
            body = mail.get_body(("plain",)).get_content()
            page, = mail.iter_attachments()
            path.write_bytes(page.get_content())
            text = subprocess.run(["pdftotext", path, "-"], check=True,
                                  capture_output=True).stdout.decode()
            number = mail["To"].split("@")[0][1:]
            for part in (body, text):
                self.assertEqual(re.findall(r"MARK-(\d+)-END", part),
                                 [number])
            seen.add(number)
        self.assertEqual(len(seen), count)


def openssl(*words, **options):
    run = subprocess.run(["openssl", *map(str, words)], capture_output=True,
                         check=False, **options)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout


class Everything(Case):
    """Two tables, a list of them, a salutation, names of States, a page with
    every mail, annexes, files of one addressee, a logo, a translation and a
    signature: each letter whole, and each addressee's own."""

    def setUp(self):
        super().setUp()
        text = ("Subject: {{country | country:formal}}\n\n"
                "<!-- page: salutation -->\n{{salutation_line}}\n\n"
                "<!-- page: body -->\n{{marker}}: {{annexes}} "
                "{{annexes | plural: %s}}.\n\n{{#capacities}}\n"
                "- {{table}}: {{post}}\n{{/capacities}}\n")
        self.letter({
            "en.md": text % "one=annex, other=annexes",
            "fr.md": text % "one=annexe, other=annexes",
            "ar.md": text % "one=a, two=b, few=c, many=d, other=e",
            "agenda.fr.txt": "ordre du jour", "agenda.txt": "agenda",
            "logo.gif": LOGO,
        }, 'courtesy_translation = "en";\nannexes = [ "agenda.txt" ];\n'
           'logo = "logo.gif";\n' +
           ("page: { attach = true; };\n" if PAGES else ""))
        self.table("members.xlsx", [
            ["key", "language", "to.minister", "cc.mission", "country",
             "office_code", "gender", "marker", "post", "attachments"],
            ["FRA", "fr", "m@fra.example", "Mission <n@fra.example>", "FRA",
             "minister", "f", "MARK-FRA", "post-fra", "visa.txt"],
            ["EGY", "ar", "m@egy.example", "", "EGY", "ambassador", "m",
             "MARK-EGY", "post-egy", "visa-egy.txt"],
            ["KEN", "en", "m@ken.example", "", "KEN", "", "", "MARK-KEN",
             "post-ken", ""]])
        self.table("guests.csv", [
            ["key", "to", "post", "attachments"],
            ["fra", "g@fra.example", "guest-fra", "badge.txt"]])
        (self.dir / "files").mkdir()
        for name in ("visa.txt", "visa.fr.txt", "visa-egy.txt", "badge.txt"):
            (self.dir / "files" / name).write_text(f"only {name}")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 9,
                "-subj", "/CN=Registry", "-addext",
                "subjectAltName=email:registry@secretariat.example",
                "-addext", "extendedKeyUsage=emailProtection", "-keyout",
                self.dir / "key.pem", "-out", self.dir / "cert.pem")
        (self.dir / "key.pem").chmod(0o600)

    def send(self):
        """{key: the bytes at the relay}, and who they went to."""
        smime = {"key": str(self.dir / "key.pem"),
                 "certificate": str(self.dir / "cert.pem")}
        words = ("letter", "members.xlsx", "guests.csv", "--annex-dir",
                 "files")
        with smtp_peer.Peer() as peer, harness.Room(
                [{"name": "peer", "port": peer.port}],
                conf={"secretariat": {"smime": smime}}) as room:
            room.start()
            self.run_it("--socket-dir", room.root, "enqueue", *words, "-R",
                        "DM-1", "--yes")
            room.wait_letters("DM-1", sent=3)
            for key in EXPECTED:
                # It fails where these are not the bytes that were sent.
                self.run_it("--socket-dir", room.root, "show", f"DM-1/{key}",
                            "--eml")
                self.assertEqual(self.err, "")
            self.assertEqual(room.stop(), 0)
        return peer

    def signed(self, raw):
        return openssl("cms", "-verify", "-CAfile", self.dir / "cert.pem",
                       "-purpose", "smimesign", "-inform", "SMIME", input=raw)

    def check(self, key, raw):
        names, to, line, posts = EXPECTED[key]
        outer = email.message_from_bytes(raw, policy=email.policy.default)
        mail = email.message_from_bytes(self.signed(raw),
                                        policy=email.policy.default)
        files = [(part.get_filename(), part.get_content())
                 for part in mail.iter_attachments()]
        if PAGES:
            (name, page), *files = files
            language = outer["Content-Language"].split(",")[0]
            self.assertEqual(name, f"DM-1.{language}.pdf")
            self.page(page, key, posts)
        self.assertEqual([name for name, _ in files], names)
        for name, data in files[1:]:
            self.assertEqual(data, f"only {name}")
        self.assertEqual(outer["To"], to)
        body = mail.get_body(("plain",)).get_content()
        body = re.sub("[\u2066-\u2069]", "", body)
        self.assertIn(f"MARK-{key}: {line}", body)
        for post in posts:
            self.assertIn(post, body)
        logo, = [part.get_content() for part in mail.walk()
                 if part.get_content_type() == "image/gif"]
        self.assertEqual(logo, LOGO)
        self.only_of(key, raw + body.encode())
        self.assertEqual("Courtesy translation" in body, key != "KEN")

    def page(self, data, key, posts):
        path = self.dir / "page.pdf"
        path.write_bytes(data)
        text = subprocess.run(["pdftotext", path, "-"], capture_output=True,
                              check=True).stdout
        self.only_of(key, text)
        for marker in (f"MARK-{key}", *posts):
            self.assertIn(marker.encode(), text)

    def only_of(self, key, data):
        for other in EXPECTED:
            if other != key:
                self.assertNotIn(f"MARK-{other}".encode(), data)
                self.assertNotIn(f"post-{other.lower()}".encode(), data)

    def test_annexes_are_counted(self):
        """Those of each addressee; the page is none of them."""
        out = self.run_it("check", "letter", "members.xlsx", "guests.csv",
                          "--annex-dir", "files")
        self.assertIn("\nAnnexes: 1 to 3. Largest message: ", out)
        for key, (names, *_) in EXPECTED.items():
            out = self.run_it("preview", "letter", "members.xlsx",
                              "guests.csv", "--annex-dir", "files", "-r", key)
            self.assertIn(f"\nAnnexes: {len(names)}\n", out)

    def test_each_is_whole(self):
        peer = self.send()
        seen = {}
        for raw in peer.messages:
            mail = email.message_from_bytes(self.signed(raw),
                                            policy=email.policy.default)
            body = mail.get_body(("plain",)).get_content()
            key = re.search(r"MARK-(\w+)", body)[1]
            self.assertNotIn(key, seen)
            seen[key] = raw
        self.assertEqual(set(seen), set(EXPECTED))
        for key, raw in seen.items():
            self.check(key, raw)
        rcpts = [line for line in peer.said
                 if line.upper().startswith("RCPT")]
        self.assertEqual(len(rcpts), 5, rcpts)


EXPECTED = {
    "FRA": (["agenda.fr.txt", "visa.fr.txt", "badge.txt"],
            "g@fra.example, m@fra.example", "3 annexes.",
            ["post-fra", "guest-fra"]),
    "EGY": (["agenda.txt", "visa-egy.txt"], "m@egy.example", "2 b.",
            ["post-egy"]),
    "KEN": (["agenda.txt"], "m@ken.example", "1 annex.", ["post-ken"]),
}


if __name__ == "__main__":
    unittest.main()
