#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chancery(1) as people and scripts use it: every verb, what it prints for
both, its exit codes, and that nothing a stranger wrote reaches a terminal as a
command to it."""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(os.environ.get("top_builddir", "build")).resolve()
CHANCERY = str(BUILD / "chancery")
UTF8 = "C.UTF-8"

LETTER = {
    "letter.conf": 'sender = "Secretariat <office@secretariat.example>";\n'
                   'reference = "DM-#";\nannexes = [ "annex-1.txt" ];\n',
    "annex-1.txt": "The agenda.\n",
    "en.md": "Subject: First session, {{country}}\n\n{{salutation}},\n\n"
             "I have the honour to invite {{country}} to answer by "
             "{{deadline | date}}.\n",
    "fr.md": "Subject: Première session, {{country}}\n\n{{salutation}},\n\n"
             "J’ai l’honneur d’inviter {{country}} à répondre avant le "
             "{{deadline | date}}.\n",
    "ar.md": "Subject: الدورة الأولى، {{country}}\n\n{{salutation}}،\n\n"
             "يشرفني أن أدعو {{country}} إلى الدورة الأولى، في "
             "{{deadline | date}}.\n",
}
COLUMNS = "key,language,to,cc,name,salutation,country\n"
ROWS = (
    "FRA,fr,Aïssatou N. <minister@foreign.fr.example>,mission@fr.example,"
    "France,Madame la Ministre,France\n"
    "EGY,ar,minister@foreign.eg.example,,Egypt,معالي الوزير,مصر\n"
    "PRT,pt,minister@foreign.pt.example,,Portugal,Excellency,Portugal\n")
FAULTS = (
    "GBR,en,m.okello@,,United Kingdom,Excellency,the United Kingdom\n"
    "FRA,fr,b@fr.example,,France,Madame,France\n"
    "KEN,en,b@ke.example,,Kenya,,Kenya\n")


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="chancery-cli-"))
        self.addCleanup(shutil.rmtree, self.dir)
        (self.dir / "invitation").mkdir()
        for name, text in LETTER.items():
            (self.dir / "invitation" / name).write_text(text, "utf-8")
        (self.dir / "members.csv").write_text(COLUMNS + ROWS, "utf-8")
        (self.dir / "faults.csv").write_text(COLUMNS + ROWS + FAULTS, "utf-8")

    def env(self, **more):
        env = {name: value for name, value in os.environ.items()
               if not name.startswith("LC_") and name not in
               ("LANG", "LANGUAGE", "NO_COLOR", "COLUMNS", "TERM")}
        return {**env, "LC_ALL": UTF8, **more}

    def run_it(self, *words, code=0, stdin=None, **env):
        """Run chancery through pipes; returns what it wrote."""
        run = subprocess.run(
            [CHANCERY, *map(str, words)], cwd=self.dir, env=self.env(**env),
            input=stdin, stdin=None if stdin is not None
            else subprocess.DEVNULL, capture_output=True, check=False,
            timeout=120)
        self.assertEqual(run.returncode, code,
                         (words, run.stdout[-2000:], run.stderr[-2000:]))
        self.err = run.stderr.decode("utf-8")
        self.out_bytes = run.stdout
        return run.stdout.decode("utf-8")

    def on_terminal(self, *words, code=0, typed=b"", **env):
        """Run chancery on a terminal of 80 columns and type the answer when it
        asks; returns the bytes that reached the terminal."""
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.dir)
            os.execve(CHANCERY, [CHANCERY, *map(str, words)], self.env(
                **{"TERM": "xterm", "COLUMNS": "80", **env}))
        seen = b""
        while True:
            if not select.select([fd], [], [], 120)[0]:
                self.fail(f"no more output after {seen!r}")
            try:
                piece = os.read(fd, 65536)
            except OSError:
                piece = b""
            if not piece:
                break
            seen += piece
            if typed and b"[y/N]" in seen:
                os.write(fd, typed)
                typed = b""
        os.close(fd)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.assertEqual(status, code, seen)
        return seen

    def lines(self, text):
        return [json.loads(line) for line in text.splitlines()]

    def assertHarmless(self, seen, color=False):
        """No control but line ends, and no command but those of colour."""
        text = seen.decode("utf-8")
        if color:
            text = re.sub("\x1b\\[[0-9;]*[mHJKA]", "", text)
        bad = re.findall(
            "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e"
            "\u2066-\u2069\u200e\u200f\u061c]", text)
        self.assertEqual(bad, [], text)

    def assertColumns(self, seen, most=80):
        for line in seen.decode("utf-8").splitlines():
            line = re.sub("\x1b\\[[0-9;]*[A-Za-z]", "", line)
            self.assertLessEqual(len(line), most, line)


class Usage(Case):
    def test_mistakes(self):
        for words, wanted in (
                ((), "what is to be done?"),
                (("prevew",), 'no verb "prevew"; did you mean "preview"?'),
                (("frobnicate",), 'no verb "frobnicate"\n'),
                (("check",), "check: needs LETTER RECIPIENTS"),
                (("check", "a", "b", "c"), 'check: "c" is one word too many'),
                (("check", "--anex", "x"), "did you mean --annex?"),
                (("check", "a", "b", "--deadline"), "needs a DATE"),
                (("--color", "blue", "check", "a", "b"), 'not "blue"'),
                (("preview", "a", "b", "--html", "--eml"), "one of --text"),
                (("che\x1bck",), "che\\x1Bck")):
            with self.subTest(words):
                self.assertEqual(self.run_it(*words, code=64), "")
                self.assertIn(wanted, self.err)
                self.assertIn("--help", self.err.splitlines()[-1])
                self.assertEqual(len(self.err.splitlines()), 2)

    def test_help_and_version(self):
        self.assertRegex(self.run_it("--version"), r"^chancery \d+\.\d+")
        listed = self.run_it("--help")
        verbs = re.findall(r"^  ([a-z]+) +[A-Z]", listed, re.M)
        self.assertIn("check", verbs)
        for verb in verbs:
            with self.subTest(verb):
                text = self.run_it(verb, "--help")
                self.assertTrue(text.startswith(f"usage: chancery {verb}"))
                self.assertIn("--json", text)
                self.assertColumns(text.encode())
                self.assertTrue(text.isascii(), text)

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            run = subprocess.run([CHANCERY, "--help"], stdout=full,
                                 stderr=subprocess.PIPE, env=self.env(),
                                 check=False)
        self.assertEqual(run.returncode, 74, run.stderr)


class Check(Case):
    def test_good(self):
        out = self.run_it("check", "invitation/", "members.csv",
                          "--deadline", "2026-12-18")
        self.assertIn("3 letters can be sent; 0 warnings.", out)
        self.assertRegex(out, r"(?m)^  fr +1$")
        self.assertRegex(out, r"(?m)^  en +1$")
        self.assertIn("lacks the language of 1 of them", out)
        self.assertIn("Annexes: 1.", out)
        self.assertEqual(self.err, "")

    def test_json(self):
        out = self.run_it("check", "invitation", "members.csv", "-d",
                          "2026-12-18", "--json")
        told = self.lines(out)
        self.assertEqual(len(told), 1)
        self.assertEqual(told[0]["languages"], {"en": 1, "fr": 1, "ar": 1})
        self.assertEqual(told[0]["letters"], 3)
        self.assertGreater(told[0]["largest_bytes"], 1000)
        out = self.run_it("check", "invitation", "faults.csv", "-d",
                          "2026-12-18", "--json", code=65)
        told = self.lines(out)
        self.assertEqual([(each["line"], each["kind"]) for each in told[:-1]],
                         [(5, "error"), (6, "error"), (3, "error")])
        self.assertEqual(told[-1]["errors"], 3)

    def test_faults(self):
        out = self.run_it("check", "invitation", "faults.csv", "-d",
                          "2026-12-18", code=65)
        self.assertIn('faults.csv:5:8: to: no domain in "m.okello@"\n    ',
                      out)
        self.assertRegex(out, r"(?m)^faults\.csv:6:1: key: .*FRA")
        self.assertRegex(out,
                         r"(?m)^invitation/en\.md:3:1: salutation: empty for "
                         r"KEN \(faults\.csv:7\)$")
        self.assertIn("3 errors, 0 warnings: correct them", out)

    def test_more_faults_than_are_kept(self):
        with open(self.dir / "many.csv", "w", encoding="utf-8") as table:
            table.write(COLUMNS)
            for i in range(2500):
                table.write(f"K{i},en,nobody,,N,S,C\n")
        out = self.run_it("check", "invitation", "many.csv", "-d",
                          "2026-12-18", code=65)
        self.assertEqual(len(re.findall(r"(?m)^many\.csv:\d+:", out)), 1000)
        self.assertEqual(out.count("    Write it as"), 1)
        self.assertIn("2500 errors, 0 warnings (1500 more than are shown)",
                      out)

    def test_deadline_forgotten(self):
        out = self.run_it("check", "invitation", "members.csv", code=65)
        self.assertEqual(re.findall(r"(?m)^invitation/.*", out), [
            "invitation/en.md:5:54: deadline: empty",
            "invitation/fr.md:5:58: deadline: empty",
            "invitation/ar.md:5:50: deadline: empty"])
        self.assertIn("Give one, such as --deadline 2026-12-07", out)

    def test_no_input(self):
        self.run_it("check", "nowhere", "members.csv", code=66)
        self.assertIn("nowhere: No such file", self.err)
        self.run_it("check", "members.csv", "members.csv", code=66)
        self.run_it("check", "invitation", "nothing.csv", code=66)
        out = self.run_it("check", "invitation", ".", code=65)
        self.assertIn(".: ", out)

    def test_annexes(self):
        (self.dir / "map.fr.pdf").write_bytes(b"%PDF")
        (self.dir / "map.pdf").write_bytes(b"%PDF")
        out = self.run_it("check", "invitation", "members.csv", "-d",
                          "2026-12-18", "-a", "map.fr.pdf", "--annex=map.pdf")
        self.assertIn("Annexes: 2.", out)
        out = self.run_it("check", "invitation", "members.csv", "-d",
                          "2026-12-18", "-a", "gone.pdf", code=65)
        self.assertIn("gone.pdf: ", out)

    def test_charset(self):
        (self.dir / "latin.csv").write_bytes((COLUMNS + ROWS.splitlines()[0] +
                                              "\n").encode("iso-8859-1"))
        out = self.run_it("check", "invitation", "latin.csv", "-d",
                          "2026-12-18", code=65)
        self.assertIn("--charset", out)
        self.run_it("check", "invitation", "latin.csv", "-d", "2026-12-18",
                    "--charset", "ISO-8859-1")

    def test_reference_pattern(self):
        out = self.run_it("check", "invitation", "members.csv", "-d",
                          "2026-12-18", "--reference", "AB-1", code=65)
        self.assertIn('"AB-1" is not like "DM-#"', out)

    def test_terminal(self):
        (self.dir / "evil.csv").write_text(
            COLUMNS + "\x1b]52;c;eA==\x07,en,a\u202eb@,,\x9b2J,S,C\n", "utf-8")
        for locale in (UTF8, "C"):
            seen = self.on_terminal("check", "invitation", "evil.csv", "-d",
                                    "2026-12-18", code=65, LC_ALL=locale)
            self.assertHarmless(seen)
            self.assertIn(b"evil.csv:2:", seen)


class Preview(Case):
    def preview(self, *words, code=0, **env):
        return self.run_it("preview", "invitation", "members.csv", "-d",
                           "2026-12-18", *words, code=code, **env)

    def test_text(self):
        out = self.preview("-r", "FRA", "--reference", "DM-1276")
        self.assertTrue(out.startswith(
            "To: Aïssatou N. <minister@foreign.fr.example>\n"
            "Cc: mission@fr.example\n"
            "Subject: [DM-1276] Première session, France\n"
            "Language: fr\nAnnexes: 1\n\nMadame la Ministre,\n"), out)
        self.assertIn("18 décembre 2026", out)
        self.assertEqual(self.err, "")

    def test_first_and_stand_in(self):
        out = self.preview()
        self.assertIn("[DM-0] Première", out)
        self.assertIn('called "DM-0"', self.err)

    def test_html(self):
        out = self.preview("-r", "EGY", "--html")
        self.assertIn('<html lang="ar" dir="rtl">', out)

    def test_eml(self):
        self.preview("-r", "PRT", "--eml", "-R", "DM-1")
        self.assertIn(b"To: minister@foreign.pt.example\r\n", self.out_bytes)
        self.assertNotIn(b"\n", self.out_bytes.replace(b"\r\n", b""))
        self.assertEqual(self.err, "")
        self.preview("-r", "FRA", "--eml", "--test-to", "me@here.example")
        self.assertIn(b"To: me@here.example\r\n", self.out_bytes)
        self.assertNotIn(b"foreign.fr", self.out_bytes)

    def test_no_sender(self):
        (self.dir / "invitation/letter.conf").write_text("")
        self.preview("--eml")
        self.assertIn("names no sender", self.err)
        self.preview("--eml", "--from", "office@here.example")
        self.assertIn(b"From: office@here.example\r\n", self.out_bytes)
        self.assertNotIn("names no sender", self.err)

    def test_to_file(self):
        self.assertEqual(self.preview("-r", "FRA", "-o", "out.eml", "--eml"),
                         "")
        self.assertIn(b"Message-ID:",
                      (self.dir / "out.eml").read_bytes())
        self.preview("-r", "FRA", "-o", "no/where.eml", code=73)
        self.preview("-r", "FRA", "-o", "/dev/full", code=74)

    def test_faults(self):
        self.preview("-r", "XYZ", code=65)
        self.assertIn('no addressee "XYZ"', self.err)
        self.run_it("preview", "invitation", "faults.csv", "-d",
                    "2026-12-18", "-r", "GBR", code=65)
        self.assertIn("faults.csv:5:8: to:", self.err)
        self.run_it("preview", "invitation", "faults.csv", "-d",
                    "2026-12-18", "-r", "KEN", code=65)
        self.assertIn("salutation: empty for KEN", self.err)
        self.run_it("preview", "invitation", "faults.csv", "-d",
                    "2026-12-18", "-r", "EGY")

    def test_terminal(self):
        for locale in (UTF8, "C"):
            for form in ("--text", "--html", "--eml"):
                seen = self.on_terminal(
                    "preview", "invitation", "members.csv", "-d",
                    "2026-12-18", "-r", "EGY", form, LC_ALL=locale)
                self.assertHarmless(seen)
                if locale == "C":
                    self.assertTrue(seen.isascii())
        self.assertIn("معالي الوزير".encode(), self.on_terminal(
            "preview", "invitation", "members.csv", "-d", "2026-12-18", "-r",
            "EGY"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-q", *sys.argv[1:]])
