#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chancery(1) as people and scripts use it: every verb, what it prints for
both, its exit codes, and that nothing a stranger wrote reaches a terminal as a
command to it."""
import base64
import fcntl
import hashlib
import json
import os
import pathlib
import pty
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import unicodedata
import unittest
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       "peers"))
import room  # noqa: E402 (tests/peers/room.py)

BUILD = pathlib.Path(os.environ["top_builddir"]).resolve()
CHANCERY = str(BUILD / "chancery")
SHARED = pathlib.Path(os.environ["CHANCERY_DATADIR"])
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
# A title, the clipboard, a cleared screen, text turned around, C1 controls.
HOSTILE = "\x1b]0;x\x07\x1b]52;c;eA==\x07\x1b[2J\u202eevil\u2066\x9b2J\x7f"


def width(text):
    """Cells on a terminal, by python's own tables."""
    return sum(0 if unicodedata.combining(c) or unicodedata.category(c) == "Cf"
               else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


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

    def on_terminal(self, *words, code=0, typed=b"", when=None, columns=80,
                    **env):
        """Run chancery on a terminal of so many columns and type the answer when it
        asks; returns the bytes that reached the terminal. `when` is what to
        wait for, and what to call then."""
        pid, fd = pty.fork()
        if pid == 0:
            try:
                os.chdir(self.dir)
                fcntl.ioctl(1, termios.TIOCSWINSZ,
                            struct.pack("HHHH", 24, columns, 0, 0))
                os.execve(CHANCERY, [CHANCERY, *map(str, words)],
                          self.env(**{"TERM": "xterm", **env}))
            finally:
                os._exit(127)
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
            if when and when[0] in seen:
                when[1]()
                when = None
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
                (("check",), "check: needs LETTER TABLE..."),
                (("check", *map(str, range(22))),
                 'check: "21" is one word too many'),
                (("check", "--anex", "x"), "did you mean --annex?"),
                (("show", "DM-1/FRA", "--elm"), "did you mean --eml?"),
                (("pause", "DM-1", "--relay", "x"), "not both"),
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
        self.assertEqual(self.run_it("help"), listed)
        verbs = re.findall(r"^  ([a-z]+) +[A-Z]", listed, re.M)
        self.assertIn("check", verbs)
        for verb in verbs:
            with self.subTest(verb):
                text = self.run_it(verb, "--help")
                self.assertNotIn("\n\n\n", text)
                self.assertLess(max(map(len, text.splitlines())), 80)
                self.assertEqual(self.run_it("help", verb), text)
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
                          "--deadline", "2096-12-18")
        self.assertIn("3 letters can be sent; 0 warnings.", out)
        self.assertRegex(out, r"(?m)^  fr +1$")
        self.assertRegex(out, r"(?m)^  en +1$")
        self.assertIn("lacks the language of 1 of them", out)
        self.assertIn("Annexes: 1.", out)
        self.assertEqual(self.err, "")

    def test_json(self):
        out = self.run_it("check", "invitation", "members.csv", "-d",
                          "2096-12-18", "--json")
        told = self.lines(out)
        self.assertEqual(len(told), 1)
        self.assertEqual(told[0]["languages"], {"en": 1, "fr": 1, "ar": 1})
        self.assertEqual(told[0]["letters"], 3)
        self.assertGreater(told[0]["largest_bytes"], 1000)
        out = self.run_it("check", "invitation", "faults.csv", "-d",
                          "2096-12-18", "--json", code=65)
        told = self.lines(out)
        self.assertEqual([(each["line"], each["kind"]) for each in told[:-1]],
                         [(5, "error"), (6, "error"), (3, "error")])
        self.assertEqual(told[-1]["errors"], 3)

    def test_faults(self):
        out = self.run_it("check", "invitation", "faults.csv", "-d",
                          "2096-12-18", code=65)
        self.assertIn('faults.csv:5:8: to: no domain in "m.okello@"\n    ',
                      out)
        self.assertRegex(out, r"(?m)^faults\.csv:6:1: key: .*FRA")
        self.assertRegex(out,
                         r"(?m)^invitation/en\.md:3:1: salutation: empty for "
                         r"KEN \(faults\.csv:7\)$")
        self.assertIn("3 errors, 0 warnings: correct them", out)

    def test_several_tables(self):
        """Who stands in both gets one letter; what each table is, what the
        letter prints and what it does not."""
        (self.dir / "lists").mkdir()
        (self.dir / "lists/guests.tsv").write_text(
            "key\tto\tsalutation\tcountry\tseat\tcapacity\n"
            "FRA\tguest@fr.example\t\t\t7\tGuest\n"
            "KEN\tb@ke.example\tExcellency\tKenya\t8\t\n")
        tables = ("members.csv", "lists/guests.tsv", "-d", "2096-12-18")
        out = self.run_it("check", "invitation", *tables)
        self.assertEqual(out.splitlines()[:3], [
            "members.csv: CSV, commas, UTF-8.",
            "lists/guests.tsv: CSV, tabs, UTF-8.",
            "4 letters can be sent; 0 warnings."])
        self.assertEqual(out.splitlines()[-2:], [
            "Fields that the letter prints: deadline, salutation, country.",
            "Columns that it does not: seat."])
        told, = self.lines(self.run_it("check", "invitation", *tables,
                                       "--json"))
        self.assertEqual(told["tables"], [
            {"file": "members.csv", "form": "CSV, commas, UTF-8"},
            {"file": "lists/guests.tsv", "form": "CSV, tabs, UTF-8"}])
        self.assertEqual(told["fields_used"],
                         ["deadline", "salutation", "country"])
        self.assertEqual(told["columns_not_used"], ["seat"])
        out = self.run_it("preview", "invitation", *tables, "-r", "FRA")
        self.assertEqual(out.splitlines()[:2], [
            "To: Aïssatou N. <minister@foreign.fr.example>, guest@fr.example",
            "Cc: mission@fr.example"])

    def test_files_of_one_addressee(self):
        (self.dir / "files").mkdir()
        (self.dir / "files/visa.pdf").write_bytes(b"%PDF")
        (self.dir / "m.csv").write_text(
            "key;to;salutation;country;attachments\n"
            "KEN;b@ke.example;Excellency;Kenya;visa.pdf\n"
            "FRA;b@fr.example;Madame;France;\n")
        words = ("invitation", "m.csv", "-d", "2096-12-18")
        out = self.run_it("check", *words, code=65)
        self.assertIn("m.csv:2: attachments: visa.pdf: there is no such file\n"
                      "    Name their folder: --annex-dir DIR.", out)
        self.run_it("check", *words, "--annex-dir", "files")
        for key, count in (("KEN", 2), ("FRA", 1)):
            out = self.run_it("preview", *words, "--annex-dir", "files", "-r",
                              key)
            self.assertIn(f"Annexes: {count}\n", out)
        out = self.run_it("check", *words, "--annex-dir", "nowhere", code=65)
        self.assertIn("nowhere: No such file or directory", out)

    def test_more_faults_than_are_kept(self):
        with open(self.dir / "many.csv", "w", encoding="utf-8") as table:
            table.write(COLUMNS)
            for i in range(2500):
                table.write(f"K{i},en,nobody,,N,S,C\n")
        out = self.run_it("check", "invitation", "many.csv", "-d",
                          "2096-12-18", code=65)
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

    def test_deadline_over(self):
        """Said by whoever merges, and no more than said."""
        over = r"(?m)^invitation/en\.md:5:54: warning: deadline: 2025-12-18 " \
               r"is over: the letter is of \d{4}-\d\d-\d\d$"
        words = ("invitation", "members.csv", "-d", "2025-12-18")
        out = self.run_it("check", *words)
        self.assertRegex(out, over)
        self.assertIn("3 letters can be sent; 1 warning.", out)
        self.assertIn("18 décembre 2025", self.run_it("preview", *words))
        self.assertRegex(self.err, over)

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
                          "2096-12-18", "-a", "map.fr.pdf", "--annex=map.pdf")
        self.assertIn("Annexes: 2.", out)
        out = self.run_it("check", "invitation", "members.csv", "-d",
                          "2096-12-18", "-a", "gone.pdf", code=65)
        self.assertIn("gone.pdf: ", out)

    def test_charset(self):
        (self.dir / "latin.csv").write_bytes((COLUMNS + ROWS.splitlines()[0] +
                                              "\n").encode("iso-8859-1"))
        out = self.run_it("check", "invitation", "latin.csv", "-d",
                          "2096-12-18", code=65)
        self.assertIn("--charset", out)
        self.run_it("check", "invitation", "latin.csv", "-d", "2096-12-18",
                    "--charset", "ISO-8859-1")

    def test_reference_pattern(self):
        out = self.run_it("check", "invitation", "members.csv", "-d",
                          "2096-12-18", "--reference", "AB-1", code=65)
        self.assertIn('"AB-1" is not like "DM-#"', out)

    def test_terminal(self):
        (self.dir / "evil.csv").write_text(
            COLUMNS + "\x1b]52;c;eA==\x07,en,a\u202eb@,,\x9b2J,S,C\n", "utf-8")
        for locale in (UTF8, "C"):
            seen = self.on_terminal("check", "invitation", "evil.csv", "-d",
                                    "2096-12-18", code=65, LC_ALL=locale)
            self.assertHarmless(seen)
            self.assertIn(b"evil.csv:2:", seen)


class Preview(Case):
    def preview(self, *words, code=0, **env):
        return self.run_it("preview", "invitation", "members.csv", "-d",
                           "2096-12-18", *words, code=code, **env)

    def test_text(self):
        out = self.preview("-r", "FRA", "--reference", "DM-1276")
        self.assertTrue(out.startswith(
            "To: Aïssatou N. <minister@foreign.fr.example>\n"
            "Cc: mission@fr.example\n"
            "Subject: [DM-1276] Première session, France\n"
            "Language: fr\nAnnexes: 1\n\nMadame la Ministre,\n"), out)
        self.assertIn("18 décembre 2096", out)
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

    def test_json(self):
        told, = self.lines(self.preview("-r", "FRA", "--json", "-R", "DM-1"))
        self.assertEqual(
            {name: told[name] for name in ("key", "language", "to", "cc",
                                           "subject", "annexes")},
            {"key": "FRA", "language": "fr",
             "to": ["minister@foreign.fr.example"],
             "cc": ["mission@fr.example"],
             "subject": "[DM-1] Première session, France", "annexes": 1})
        self.assertTrue(told["text"].startswith("Madame la Ministre,\n"))
        self.assertTrue(told["html"].startswith("<!DOCTYPE html>"))
        told, = self.lines(self.preview("--json", "--test-to", "a@b.example"))
        self.assertEqual((told["to"], told["cc"]), (["a@b.example"], []))
        self.preview("--json", "--eml", code=64)
        self.preview("--json", "-o", "x", code=64)

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

    def test_a_file_is_there_whole_or_not_at_all(self):
        """As of a report: what was there stays until the letter is whole."""
        before = set(self.dir.iterdir())
        self.preview("-r", "FRA", "-o", "-", "--eml", "-R", "DM-1")
        whole = self.out_bytes
        self.assertGreater(len(whole), 1024)
        old = self.dir / "old.eml"
        old.write_text("old")
        old.chmod(0o600)
        (self.dir / "link.eml").symlink_to("old.eml")
        words = ("preview", "invitation", "members.csv", "-d", "2096-12-18",
                 "-r", "FRA", "--eml", "-R", "DM-1", "-o", "link.eml")
        run = subprocess.run(
            ["prlimit", "--fsize=1024", CHANCERY, *words], cwd=self.dir,
            env=self.env(), stdin=subprocess.DEVNULL, capture_output=True,
            check=False, timeout=120, preexec_fn=lambda: signal.signal(
                signal.SIGXFSZ, signal.SIG_IGN))
        self.assertEqual(run.returncode, 74, run.stderr)
        self.assertEqual(old.read_text(), "old")
        self.run_it(*words)
        self.assertEqual(len(old.read_bytes()), len(whole))
        self.assertTrue((self.dir / "link.eml").is_symlink())
        self.assertEqual(old.stat().st_mode & 0o777, 0o600)
        self.assertEqual(set(self.dir.iterdir()) - before,
                         {old, self.dir / "link.eml"})

    def test_several(self):
        """Each in a file of its own, whose name is told."""
        alone = {key: self.preview("-r", key, "-R", "DM-1")
                 for key in ("FRA", "PRT")}
        self.assertEqual(self.preview("-r", "PRT", "-r", "FRA", "-r", "PRT",
                                      "-R", "DM-1", "-o", "some"),
                         "some/FRA.fr.txt\nsome/PRT.en.txt\n")
        for key, text in alone.items():
            path, = (self.dir / "some").glob(f"{key}.*.txt")
            self.assertEqual(path.read_text(), text)
        self.preview("-r", "FRA", "-r", "XYZ", "-o", "some", code=65)
        self.assertIn('no addressee "XYZ"', self.err)
        self.preview("-r", "FRA", "-r", "PRT", "-o", "no/where", code=73)

    def test_each_language(self):
        names = self.preview("--each-language", "--html", "-R", "DM-1", "-o",
                             "all").split()
        codes = [name.split(".")[-2] for name in names]
        self.assertEqual(len(codes), len(set(codes)))
        self.assertIn("ar", codes)
        for name in names:
            self.assertIn(f'<html lang="{name.split(".")[-2]}"',
                          (self.dir / name).read_text())
        self.preview("--each-language", "-r", "FRA", code=64)
        told = self.lines(self.preview("--each-language", "--json", "-R",
                                       "DM-1", "-o", "all"))
        self.assertEqual([one["language"] for one in told], codes)
        self.assertNotIn("text", told[0])

    def test_faults(self):
        self.preview("-r", "XYZ", code=65)
        self.assertIn('no addressee "XYZ"', self.err)
        self.run_it("preview", "invitation", "faults.csv", "-d",
                    "2096-12-18", "-r", "GBR", code=65)
        self.assertIn("faults.csv:5:8: to:", self.err)
        self.run_it("preview", "invitation", "faults.csv", "-d",
                    "2096-12-18", "-r", "KEN", code=65)
        self.assertIn("salutation: empty for KEN", self.err)
        self.run_it("preview", "invitation", "faults.csv", "-d",
                    "2096-12-18", "-r", "EGY")

    def test_terminal(self):
        self.assertNotIn(b"LC_ALL", self.on_terminal(
            "preview", "invitation", "members.csv", "-d", "2096-12-18", "-R",
            "DM-1"))
        self.assertIn(b"LC_ALL=C.UTF-8 shows", self.on_terminal(
            "preview", "invitation", "members.csv", "-d", "2096-12-18", "-R",
            "DM-1", LC_ALL="C"))
        for locale in (UTF8, "C"):
            for form in ("--text", "--html", "--eml"):
                seen = self.on_terminal(
                    "preview", "invitation", "members.csv", "-d",
                    "2096-12-18", "-r", "EGY", form, LC_ALL=locale)
                self.assertHarmless(seen)
                if locale == "C":
                    self.assertTrue(seen.isascii())
        self.assertIn("معالي الوزير".encode(), self.on_terminal(
            "preview", "invitation", "members.csv", "-d", "2096-12-18", "-r",
            "EGY"))


class WithRoom(Case):
    """A mail room with one letter of each kind, some of it hostile."""

    def setUp(self):
        super().setUp()
        self.sockets = pathlib.Path(tempfile.mkdtemp(prefix="room-"))
        self.addCleanup(shutil.rmtree, self.sockets)
        self.room = room.Room(self.sockets, page=3)
        self.addCleanup(lambda: self.room.stop())
        letter, address = room.Room.letter, room.address
        to = "minister@foreign.example"
        self.letters = [
            letter(1, "DM-1276", "FRA", "sent",
                   [address(0, "to", to, "sent", 250, "2.0.0", "Ok: 4cB1")],
                   name="France", language="fr", answered=True),
            letter(2, "DM-1276", "EGY", "sent",
                   [address(0, "to", to, "sent", 250, "2.0.0", "Ok")],
                   name="مصر", language="ar", auto_replied=True),
            letter(3, "DM-1276", "CHN", "queued",
                   [address(0, "to", to, "queued", 450, "4.2.0",
                            "450 4.2.0 Greylisted, come back",
                            next_at="2026-11-24T11:30:00Z"),
                    address(1, "cc", to, "sent", 250, "", "Ok")],
                   name="中华人民共和国", language="zh"),
            letter(4, "DM-1276", "KEN", "in_doubt",
                   [address(0, "to", to, "in_doubt")], name="Kenya"),
            letter(5, "DM-1276", "PRT", "failed",
                   [address(0, "to", to, "failed", 550, "5.1.1",
                            "No such user " + HOSTILE)], name=HOSTILE),
            letter(6, "DM-1276", "BRA", "sent",
                   [address(0, "to", to, "sent", 250, "2.0.0", "Ok")],
                   bounced=True),
            letter(7, "DM-1276", "GBR", "cancelled",
                   [address(0, "to", to, "cancelled")],
                   name="The United Kingdom of Great Britain and Northern "
                        "Ireland"),
            letter(8, "DM-1276", "USA", "held",
                   [address(0, "to", to, "held")])]
        self.room.batch("DM-1276", self.letters, deferred=1,
                        subject="First " + HOSTILE)
        self.room.batch("A/77/12", [letter(
            9, "A/77/12", "FRA", "queued",
            [address(0, "to", to, "queued")])], state="held")
        self.room.returns = [
            room.returned(1, "DM-1276", "BRA", "bounce_hard", recipient=to,
                          status="5.1.1",
                          diagnostic="smtp; 550 5.1.1 unknown " + HOSTILE),
            room.returned(2, "DM-1276", "EGY", "autoreply",
                          subject="خارج المكتب"),
            room.returned(3, "DM-1276", "FRA", "reply", verified=False,
                          match="message_id", text="Merci.\n" + HOSTILE),
            room.returned(4, None, None, "other", verified=False,
                          subject=HOSTILE, match="none")]
        self.room.alarms = [{"type": "alarm.auth", "text": HOSTILE,
                             "since": room.START}]
        for _ in range(5):
            self.room.event("letter.sent", "DM-1276", "FRA",
                            detail={"reply": HOSTILE})

    def chancery(self, *words, **more):
        return self.run_it("--socket-dir", self.sockets, *words, **more)

    def terminal(self, *words, **more):
        return self.on_terminal("--socket-dir", self.sockets, *words, **more)


class Reading(WithRoom):
    def test_status_outside_hours(self):
        self.assertNotIn("hours", self.chancery("status"))
        self.room.hours = {"open": False, "until": "2026-11-30T07:00:00Z",
                           "time_zone": "Europe/Vienna"}
        out = self.chancery("status")
        self.assertIn("outside its hours: letters wait, until "
                      "2026-11-30 07:00 UTC (hours in Europe/Vienna)", out)
        self.assertIn("relay relay (backup): ready, 4 connections, 3 letters "
                      "under way, no letter before 2026-11-30 07:00 UTC", out)
        self.room.hours = {"open": True, "until": None, "time_zone": "UTC"}
        self.assertIn("within its hours (hours in UTC)",
                      self.chancery("status"))

    def test_status_of_terms(self):
        """What holds a batch back, and what it was stopped for."""
        batch = self.room.batches["DM-1276"]
        canary = {"letters": 10, "percent": 10, "wait_s": 3600,
                  "stage": "none", "until": None}
        begun = {**canary, "pending": 1, "sent": 8, "refused": 1,
                 "unclear": 0, "bounced": 0}
        rows = (
            ({"priority": "normal", "pace": None, "canary": None}, []),
            ({"priority": "low",
              "pace": {"per_second": 0, "per_minute": 30, "per_hour": 0,
                       "per_day": 900}, "canary": canary},
             ["priority    low", "pace        at most 30 a minute, 900 a day",
              "canary      10 letters go first; more than 10% refused or "
              "returned stop it; bounces have 1h\n"]),
            ({"canary": {**begun, "stage": "sending"}},
             ["canary      8 of 10 sent, 1 refused, returned or unclear; the "
              "others wait for them"]),
            ({"canary": {**begun, "stage": "waiting", "sent": 10,
                         "refused": 0, "until": "2026-11-30T07:00:00Z"}},
             ["canary      10 of 10 sent; waiting for bounces until "
              "2026-11-30 07:00 UTC"]),
            ({"canary": {**begun, "stage": "passed"}},
             ["canary      8 of 10 sent, 1 refused, returned or unclear; the "
              "others go"]),
            ({"canary": {**begun, "stage": "stopped"}, "state": "paused",
              "stopped": "too many\x1b[31m"},
             ["1 refused, returned or unclear; stopped", "PAUSED      too many"]))
        for more, lines in rows:
            self.room.batches["DM-1276"] = {**batch, **more}
            out = self.chancery("status", "DM-1276")
            for line in lines:
                self.assertIn(line, out)
            self.assertNotIn("\x1b", out)
        self.assertNotIn("canary", self.chancery("status"))

    def test_status_of_domains(self):
        self.room.domains = [
            {"name": "ministry.example", "refusals": 2, "under_way": 0,
             "next_at": "2026-11-30T07:00:00Z"},
            {"name": "other.example", "refusals": 1, "under_way": 1,
             "next_at": None}]
        out = self.chancery("status")
        self.assertIn("domain ministry.example: rests until 2026-11-30 07:00 "
                      "UTC", out)
        self.assertIn("domain other.example: one letter at a time", out)

    def test_status(self):
        out = self.chancery("status")
        self.assertIn("chanceryd 0.1.0: running", out)
        self.assertIn("! alarm.auth since 2026-11-24 09:00", out)
        self.assertIn("mailbox bureau, INBOX: fault; login refused", out)
        self.assertRegex(out, r"(?m)^DM-1276 +open +8 +1 +3 +1 +1 +1 +1$")
        told = self.lines(self.chancery("status", "--json"))
        self.assertEqual(told[0]["state"], "running")
        self.assertEqual([each["reference"] for each in told[1:]],
                         ["DM-1276", "A/77/12"])

    def test_status_of_batch(self):
        out = self.chancery("status", "DM-1276")
        for wanted in ("… waiting", "• sent", "? in doubt", "✗ refused",
                       "✓ answered", "✗ returned", "- cancelled", "… held"):
            self.assertIn(wanted, out)
        self.assertIn("fr 1", out)
        self.assertIn("481.5 KiB", out)
        told = self.lines(self.chancery("status", "DM-1276", "--json"))
        self.assertEqual(told[0]["letters"]["sent"], 3)
        self.chancery("status", "A/77/12")
        self.assertEqual(self.room.gets[-1],
                         ("status", "/v1/batches/A%2F77%2F12"))
        self.chancery("status", "XY-1", code=66)
        self.assertIn('no batch "XY-1"\nchancery status lists them', self.err)

    def test_letters_that_were_not_tried(self):
        letter, = (x for x in self.room.letters["DM-1276"]
                   if x["key"] == "CHN")
        letter["addresses"][0].update(code=0, status="", reply="")
        self.assertRegex(self.chancery("letters", "DM-1276"),
                         r"(?m)^… waiting +CHN .* not before 24 Nov 11:30$")
        self.assertIn("\n      not before 2026-11-24 11:30 UTC\n",
                      self.chancery("show", "DM-1276/CHN"))

    def test_letters(self):
        out = self.chancery("letters", "DM-1276")
        rows = out.splitlines()
        self.assertEqual(len(rows), 10)  # in three pages
        self.assertEqual(rows[-1], "8 letters")
        self.assertRegex(rows[1], r"^✓ answered +FRA +fr +France ")
        self.assertRegex(rows[2], r"^• sent +EGY .* away; 250 2\.0\.0 Ok$")
        self.assertRegex(rows[3], r"^… waiting +CHN .* again at 24 Nov 11:30; "
                                  "450 ")
        self.assertRegex(rows[4], r"^\? in doubt +KEN ")
        self.assertRegex(rows[5], r"^✗ refused +PRT .*550 5\.1\.1 No such")
        self.assertRegex(rows[6], r"^✗ returned +BRA ")
        told = self.lines(self.chancery("letters", "DM-1276", "--json"))
        self.assertEqual(told, self.letters)

    def test_letters_at_risk_name_what_to_look_for(self):
        letter, = (x for x in self.room.letters["DM-1276"]
                   if x["key"] == "CHN")
        letter["at_risk"] = True
        self.assertRegex(self.chancery("letters", "DM-1276"),
                         r"(?m)^… waiting +CHN .* grep "
                         + re.escape(letter["message_id"]) + "; again at ")

    def test_letters_say_that_they_arrived(self):
        letter, = (x for x in self.room.letters["DM-1276"]
                   if x["key"] == "EGY")
        letter["delivered"] = True
        self.assertRegex(self.chancery("letters", "DM-1276"),
                         r"(?m)^• sent +EGY .* away; delivered; 250 ")
        letter["read"] = True
        self.assertRegex(self.chancery("letters", "DM-1276"),
                         r"(?m)^• sent +EGY .* away; read; 250 ")

    def test_letters_by_state(self):
        for state, keys in (("in_doubt", ["KEN"]), ("failed", ["PRT"]),
                            ("sent", ["FRA", "EGY", "BRA"]),
                            ("answered", ["FRA"]), ("bounced", ["BRA"]),
                            ("auto_replied", ["EGY"]), ("dot", [])):
            told = self.lines(self.chancery("letters", "DM-1276", "--state",
                                            state, "--json"))
            self.assertEqual([each["key"] for each in told], keys, state)
        self.assertIn("0 letters", self.chancery(
            "letters", "DM-1276", "-s", "dot"))
        self.chancery("letters", "DM-1276", "-s", "answerd", code=64)
        self.assertIn('did you mean "answered"?', self.err)

    def test_show(self):
        out = self.chancery("show", "DM-1276/CHN")
        self.assertIn("DM-1276/CHN  中华人民共和国\n… waiting\n", out)
        self.assertIn("again at 2026-11-24 11:30 UTC", out)
        self.assertIn("cc minister@foreign.example", out)
        out = self.chancery("show", "DM-1276/FRA")
        self.assertIn("✓ answered\n", out)
        self.assertIn("(unverified)", out)
        self.assertIn("| Merci.", out)
        told = self.lines(self.chancery("show", "DM-1276/FRA", "--json"))
        self.assertEqual(told[0]["key"], "FRA")
        self.assertEqual(told[0]["returns"][0]["text"], "Merci.\n" + HOSTILE)
        self.chancery("show", "A/77/12/FRA")
        self.assertIn(("status", "/v1/batches/A%2F77%2F12/letters/FRA"),
                      self.room.gets)
        self.chancery("show", "DM-1276/XXX", code=66)
        self.chancery("show", "DM-1276", code=64)
        self.chancery("show", "DM-1276/", code=64)
        self.chancery("show", "DM-1276/FRA", "--eml", "--json", code=64)
        self.assertIn("? in doubt  to minister@foreign.example, 2026-11-24 "
                      "10:02 UTC\n      no reply is known",
                      self.chancery("show", "DM-1276/KEN"))

    def test_returns(self):
        out = self.chancery("returns")
        self.assertEqual(len(out.splitlines()), 8)
        self.assertRegex(out, r"✗ returned +DM-1276/BRA .* 550 5\.1\.1 unkn")
        self.assertRegex(out, r"• away +DM-1276/EGY ")
        self.assertRegex(out, r"✓ answered +DM-1276/FRA \(\?\) ")
        self.assertRegex(out, r"\? other +\(none\) ")
        self.assertIn("(?) 1 of them without our token", out)
        self.assertRegex(out, r"(?m)^ *1  ✗ returned ")
        self.assertIn("chancery confirm", out)
        told = self.lines(self.chancery("returns", "DM-1276", "--json"))
        self.assertEqual(told, self.room.returns[:3])
        told = self.lines(self.chancery("returns", "DM-1276/BRA", "--json"))
        self.assertEqual([each["kind"] for each in told], ["bounce_hard"])

    def test_reply(self):
        mail = b"Subject: form\r\n\r\n\x00\xff" + HOSTILE.encode()
        digest = hashlib.sha256(mail).hexdigest()
        self.room.objects[digest] = mail
        self.room.returns[2].update(
            sha256=digest, size_bytes=len(mail), attachments=2, files=[
                {"name": "form.pdf", "type": "application/pdf",
                 "size_bytes": 34000, "sha256": "ab" * 32},
                {"name": "", "type": "image/png", "size_bytes": 9,
                 "sha256": None}])
        out = self.chancery("reply", "3")
        self.assertIn("✓ answered\n  letter      DM-1276/FRA (unverified)\n",
                      out)
        self.assertIn("  received    2026-11-24 11:12 UTC\n", out)
        self.assertIn("  read in     bureau, INBOX, UID 3\n", out)
        self.assertIn("  attachments 2\n"
                      "    form.pdf, application/pdf, 33.2 KiB\n"
                      f"      SHA-256 {'ab' * 32}\n"
                      "    (no name), image/png, 9 B\n"
                      "      SHA-256 not known: the mail is too long\n",
                      out)
        self.assertIn(f"  SHA-256     {digest}\n\nMerci.\n", out)
        self.assertHarmless(self.out_bytes)
        self.assertIn("letter      none is known", self.chancery("reply", "4"))
        told = self.lines(self.chancery("reply", "3", "--json"))
        self.assertEqual(told, [self.room.returns[2]])
        run = subprocess.run(
            [CHANCERY, "reply", "3", "--eml", "--socket-dir",
             self.sockets], env=self.env(), check=True,
            capture_output=True)
        self.assertEqual(run.stdout, mail)
        self.room.objects[digest] = mail[1:]
        self.assertEqual(self.chancery("reply", "3", "--eml", code=76), "")
        self.assertIn("not the bytes that came", self.err)
        self.compressed(mail, digest)
        self.chancery("reply", "2", "--eml", code=66)  # it is not there
        self.room.returns[2].update(rule="unread")
        self.assertEqual(self.chancery("reply", "3", "--eml", code=66), "")
        self.assertIn("ended its reader", self.err)
        for word, code in (("9", 66), ("0", 66), ("9" * 30, 66), ("x", 64),
                           ("", 64), ("-1", 64)):
            self.chancery("reply", word, code=code)
        self.chancery("reply", "3", "--eml", "--json", code=64)

    def compressed(self, mail, digest):
        """The mail itself, whatever lies there; and nothing that is not it."""
        def zstd(data):
            return subprocess.run(["zstd", "-q", "-c"], input=data,
                                  check=True, capture_output=True).stdout

        packed = zstd(mail)
        self.room.packed.add(digest)
        self.room.objects[digest] = packed
        run = subprocess.run(
            [CHANCERY, "reply", "3", "--eml", "--socket-dir", self.sockets],
            env=self.env(), check=True, capture_output=True)
        self.assertEqual(run.stdout, mail)
        for damaged, why in ((packed[:-1], "cut short"),
                             (packed[:-1] + b"x", "damaged"),
                             (packed + b"x", "follows its end"),
                             (b"", "cut short"), (mail, "damaged"),
                             (zstd(mail[1:]), "SHA-256 is another"),
                             (zstd(bytes(1 << 24)), "holds more than"),
                             (zstd(mail + b"x"), "holds more than")):
            self.room.objects[digest] = damaged
            self.assertEqual(self.chancery("reply", "3", "--eml", code=76),
                             "")
            self.assertIn("not the bytes that came", self.err)
            self.assertIn(why, self.err)
        self.room.packed.discard(digest)
        self.room.returns[2].update(removed_at="2027-01-02T03:04:05Z")
        self.assertEqual(self.chancery("reply", "3", "--eml", code=66), "")
        self.assertIn("kept until 2027-01-02", self.err)
        self.assertIn("  removed     the mail itself, 2027-01-02: ",
                      self.chancery("reply", "3"))
        del self.room.returns[2]["removed_at"]

    def attach(self, *names):
        """A mail with a file of each name, as mail 3."""
        parts = [b"--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n"]
        for number, name in enumerate(names):
            parts.append(
                b"--b\r\nContent-Type: application/pdf\r\n"
                b"Content-Disposition: attachment; filename*=utf-8''"
                + urllib.parse.quote(name, safe="").encode() + b"\r\n"
                b"Content-Transfer-Encoding: base64\r\n\r\n"
                + base64.b64encode(b"file %d\0" % number) + b"\r\n")
        mail = (b"Subject: forms\r\nMIME-Version: 1.0\r\n"
                b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                + b"".join(parts) + b"--b--\r\n")
        digest = hashlib.sha256(mail).hexdigest()
        self.room.objects[digest] = mail
        self.room.returns[2].update(sha256=digest, size_bytes=len(mail))

    def test_what_is_attached_is_saved(self):
        """Each under a name in that folder, whatever a stranger calls it."""
        folder = self.dir / "forms"
        names = ["form.pdf", "form.pdf", "../../etc/passwd", "C:\\a\\b.exe",
                 ".profile", "--help", "", "a\u202egpj.exe", "a\nb", "x/..",
                 "ф" * 300, "форма №1.pdf", "a:b?c"]
        self.attach(*names)
        out = self.chancery("reply", "3", "--save-attachments", folder)
        want = ["form.pdf", "form-2.pdf", "passwd", "b.exe", "profile",
                "help", "attachment-7", "a_gpj.exe", "a b", "attachment-10",
                "ф" * 90, "форма №1.pdf", "a_b_c"]
        self.assertEqual(out.splitlines(),
                         [hashlib.sha256(b"file %d\0" % number).hexdigest()
                          + f"  {folder}/{name}"
                          for number, name in enumerate(want)])
        subprocess.run(["sha256sum", "--check", "--quiet"], check=True,
                       input=out, text=True)
        self.assertEqual(sorted(os.listdir(folder)), sorted(want))
        for number, name in enumerate(want):
            self.assertEqual((folder / name).read_bytes(),
                             b"file %d\0" % number)
        self.attach("form.pdf")
        self.assertEqual(
            self.chancery("reply", "3", "--save-attachments", folder),
            hashlib.sha256(b"file 0\0").hexdigest()
            + f"  {folder}/form-3.pdf\n")
        self.attach()
        self.assertEqual(
            self.chancery("reply", "3", "--save-attachments", folder), "")
        self.assertIn("Nothing is attached", self.err)
        self.chancery("reply", "3", "--save-attachments", folder, "--eml",
                      code=64)
        self.chancery("reply", "3", "--save-attachments",
                      folder / "form.pdf", code=73)

    def test_saving_goes_through_nothing_that_is_there(self):
        """A link to elsewhere, to nowhere, a folder, a pipe; and a name with a
        NUL in it, or of nothing but what no name has."""
        folder = self.dir / "forms"
        folder.mkdir()
        other = self.dir / "other"
        other.write_text("mine")
        (folder / "link.pdf").symlink_to(other)
        (folder / "nowhere.pdf").symlink_to(self.dir / "made")
        (folder / "folder.pdf").mkdir()
        os.mkfifo(folder / "pipe.pdf")
        names = ["link.pdf", "nowhere.pdf", "folder.pdf", "pipe.pdf",
                 "a\0b.pdf", "\0", "..", "...", "/", "\\", "a" * 4000]
        self.attach(*names)
        out = self.chancery("reply", "3", "--save-attachments", folder)
        saved = [line.rpartition("/")[2] for line in out.splitlines()]
        self.assertEqual(saved[:4], ["link-2.pdf", "nowhere-2.pdf",
                                     "folder-2.pdf", "pipe-2.pdf"])
        self.assertEqual(len(set(saved)), len(names), saved)
        for number, name in enumerate(saved):
            self.assertFalse((folder / name).is_symlink(), name)
            self.assertEqual((folder / name).read_bytes(),
                             b"file %d\0" % number)
        self.assertEqual(other.read_text(), "mine")
        self.assertFalse((self.dir / "made").exists())
        self.assertEqual(sorted(os.listdir(folder)), sorted(
            saved + ["link.pdf", "nowhere.pdf", "folder.pdf", "pipe.pdf"]))

    def test_events(self):
        told = self.lines(self.chancery("events"))
        self.assertEqual(told, self.room.events)
        told = self.lines(self.chancery("events", "--since", "3"))
        self.assertEqual([each["cursor"] for each in told], [4, 5])
        self.assertEqual(self.chancery("events", "--since", "5"), "")
        self.chancery("events", "--since", "x", code=64)
        self.chancery("events", "--since", "-1", code=64)

    def follow(self, *words):
        return subprocess.Popen(
            [CHANCERY, "--socket-dir", self.sockets, "events", "--follow",
             *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.env(), text=True)

    def test_follow_outlives_a_restart(self):
        with self.follow("--since", "3") as run:
            self.assertEqual([json.loads(run.stdout.readline())["cursor"]
                              for _ in range(2)], [4, 5])
            self.room.event("batch.paused", "DM-1276", who="a person")
            self.assertEqual(json.loads(run.stdout.readline())["type"],
                             "batch.paused")
            self.room.stop()
            self.room.events.append({**self.room.events[0], "cursor": 7})
            self.room.start()
            self.assertEqual(json.loads(run.stdout.readline())["cursor"], 7)
            run.terminate()
            self.assertEqual(run.stderr.read(), "")

    def test_follow_from_now_on(self):
        with self.follow() as run:
            while not any("follow" in path for _, path in self.room.gets):
                self.assertIsNone(run.poll())
            self.room.event("letter.sent", "DM-1276", "EGY")
            self.assertEqual(json.loads(run.stdout.readline())["cursor"], 6)
            run.terminate()
            run.stderr.read()

    def test_hostile_text(self):
        verbs = (("status",), ("status", "DM-1276"), ("letters", "DM-1276"),
                 ("show", "DM-1276/PRT"), ("show", "DM-1276/FRA"),
                 ("resolve", "DM-1276"), ("resolve", "DM-1276/KEN"),
                 ("resolve", "DM-1276", "--json"),
                 ("returns",), ("reply", "1"), ("reply", "4"),
                 ("events",), ("status", "--json"),
                 ("letters", "DM-1276", "--json"), ("returns", "--json"))
        self.letters[3]["name"] = HOSTILE
        self.room.transcripts["DM-1276", "KEN"] = {
            "attempt": 1, "relay": HOSTILE, "connected_at": HOSTILE,
            "opening": [HOSTILE], "lines": [HOSTILE]}
        self.room.returns.append(room.returned(
            5, "DM-1276", "KEN", "delayed", subject=HOSTILE,
            diagnostic=HOSTILE))
        for words in verbs:
            for locale in (UTF8, "C"):
                with self.subTest((words, locale)):
                    seen = self.terminal(*words, LC_ALL=locale)
                    self.assertHarmless(seen, color=True)
                    if locale == "C":
                        self.assertTrue(seen.isascii(), seen)
                    out = self.chancery(*words, LC_ALL=locale)
                    self.assertHarmless(self.out_bytes)
                    if "--json" in words or words[0] == "events":
                        self.assertIn(HOSTILE, json.dumps(
                            self.lines(out), ensure_ascii=False).replace(
                                "\\u001b", "\x1b").replace("\\u0007", "\7"))

    def widest(self, *words, **more):
        """Cells of the widest line that is not an alarm's."""
        text = re.sub("\x1b\\[[0-9;]*m", "",
                      self.terminal(*words, **more).decode())
        return max(width(line) for line in text.split("\r\n")
                   if not line.startswith("!"))

    def test_unknown_words(self):
        """What a newer chanceryd may say, and what none would."""
        for state in ("flying", HOSTILE, "", None, 7, ["sent"]):
            self.letters[0].update(state=state, answered=False)
            self.letters[0]["addresses"][0].update(
                state=state, changed_at=state, next_at=HOSTILE)
            self.room.returns[0].update(kind=state, received_at="1\x1b[2J")
            for words in (("letters", "DM-1276"), ("show", "DM-1276/FRA"),
                          ("returns",)):
                self.assertIn("? unknown", self.chancery(*words))
                self.assertHarmless(self.out_bytes)

    def test_eighty_columns(self):
        for words in (("status",), ("letters", "DM-1276"), ("returns",),
                      ("status", "DM-1276")):
            for locale in (UTF8, "C"):
                with self.subTest((words, locale)):
                    self.assertLessEqual(self.widest(*words, LC_ALL=locale),
                                         80)
        self.assertEqual(self.widest("letters", "DM-1276", columns=90), 90)
        self.assertEqual(self.widest("letters", "DM-1276", columns=90,
                                     COLUMNS="100"), 100)

    def test_ascii(self):
        out = self.chancery("letters", "DM-1276", LC_ALL="C")
        rows = out.splitlines()
        for row, sign in zip(rows[1:], "+*.?xx-."):
            self.assertEqual(row[0], sign)
        self.assertIn("\\u{0645}", rows[2])

    def test_color(self):
        for env, words, wanted in (
                ({}, (), True), ({"NO_COLOR": "1"}, (), False),
                ({"TERM": "dumb"}, (), False), ({"NO_COLOR": ""}, (), True),
                ({"NO_COLOR": "1"}, ("--color=always",), True),
                ({}, ("--color", "never"), False)):
            seen = self.terminal("letters", "DM-1276", *words, **env)
            self.assertEqual(b"\x1b[" in seen, wanted, (env, words, seen))
        self.assertNotIn("\x1b", self.chancery("letters", "DM-1276"))
        self.assertIn("\x1b[32m✓ answered\x1b[0m", self.chancery(
            "letters", "DM-1276", "--color=always"))

    def test_watch(self):
        run = subprocess.Popen(
            [CHANCERY, "--socket-dir", self.sockets, "status", "DM-1276",
             "--watch"], stdout=subprocess.PIPE, env=self.env(), text=True)
        self.assertRegex(run.stdout.readline(),
                         r"^\d\d:\d\d:\d\d queued 1 sent 3 failed 1 ")
        batch = self.room.batches["DM-1276"]
        batch["letters"].update(queued=0, sent=4)
        self.assertRegex(run.stdout.readline(), r"^\d\d:\d\d:\d\d sent 4 ")
        self.assertEqual(run.stdout.read(), "")  # nothing waits: it ends
        self.assertEqual(run.wait(), 0)
        run.stdout.close()
        seen = self.terminal("status", "DM-1276", "-w")
        self.assertIn(b"\x1b[J", seen)
        self.chancery("status", "XY-1", "--watch", code=66)

    def test_watch_outlives_a_restart(self):
        with subprocess.Popen(
                [CHANCERY, "--socket-dir", self.sockets, "status", "DM-1276",
                 "--watch", "--json"], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, env=self.env(), text=True) as run:
            letters = json.loads(run.stdout.readline())["letters"]
            self.assertEqual(letters["queued"], 1)
            self.room.stop()
            said = [run.stderr.readline() for _ in range(3)]
            self.room.batches["DM-1276"]["letters"].update(queued=0, sent=4)
            self.room.start()
            letters = json.loads(run.stdout.readline())["letters"]
            self.assertEqual(letters["sent"], 4)
            self.assertEqual(run.wait(), 0)
            self.assertTrue(said[0].startswith("chancery: "), said)
            self.assertEqual(said[2], "Waiting for it ...\n")
            self.assertEqual(run.stderr.read(), "")

    def test_door_of_the_secretariat(self):
        os.unlink(self.sockets / "status.sock")
        try:
            self.chancery("letters", "DM-1276")
            self.assertEqual(self.room.gets[-1][0], "control")
        finally:
            (self.sockets / "status.sock").touch()


class Nobody(Case):
    def test_no_daemon(self):
        words = ("--socket-dir", self.dir)
        for verb in (("status",), ("letters", "A"), ("show", "A/B"),
                     ("events",), ("events", "--follow"), ("returns",),
                     ("pause",), ("cancel", "A"), ("status", "--watch"),
                     ("resolve", "A/B", "--sent"), ("show", "A/B", "--eml"),
                     ("enqueue", "invitation", "members.csv", "-R", "DM-1",
                      "--yes")):
            with self.subTest(verb):
                self.run_it(*words, *verb, code=69)
                self.assertIn("no chanceryd answers at", self.err)
                self.assertIn("systemctl start chanceryd", self.err)
                self.assertEqual(len(self.err.splitlines()), 2)

    def test_stale_socket(self):
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(self.dir / "status.sock"))
        self.run_it("--socket-dir", self.dir, "status", code=69)
        (self.dir / "status.sock").unlink()
        (self.dir / "status.sock").write_text("no socket")
        self.run_it("--socket-dir", self.dir, "status", code=69)

    def test_long_path(self):
        self.run_it("--socket-dir", "/" + "x" * 200, "status", code=69)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become nobody")
    def test_not_allowed(self):
        for name in ("status", "control"):
            with socket.socket(socket.AF_UNIX) as door:
                door.bind(str(self.dir / f"{name}.sock"))
            os.chmod(self.dir / f"{name}.sock", 0o600)
        os.chmod(self.dir, 0o755)
        program = self.dir / "chancery"  # where anybody can reach it
        shutil.copy(CHANCERY, program)
        for verb, group in (("status", "operators"),
                            ("pause", "secretariat")):
            try:
                run = subprocess.run(
                    [program, "--socket-dir", self.dir, verb], user=65534,
                    group=65534, extra_groups=[], env=self.env(),
                    stderr=subprocess.PIPE, text=True, check=False)
            except (OSError, subprocess.SubprocessError) as error:
                self.skipTest(f"cannot become nobody here: {error}")
            self.assertEqual(run.returncode, 77, run.stderr)
            self.assertIn(f"chancery-{group}", run.stderr)

    def answer(self, *pieces, code, words=("status",), hold=False):
        """A daemon that says these bytes and goes away."""
        path = self.dir / "status.sock"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(path))
            door.listen()

            def serve():
                client, _ = door.accept()
                with client:
                    client.recv(65536)
                    for piece in pieces:
                        client.sendall(piece)
            thread = threading.Thread(target=serve)
            thread.start()
            self.run_it("--socket-dir", self.dir, *words, code=code)
            thread.join()
        self.assertNotIn("\x1b", self.err)

    def test_strange_answers(self):
        head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n"
        self.answer(b"", code=75)
        self.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", code=75)
        self.answer(b"\x1b[2J\r\n\r\n", code=75)
        self.answer(head % (b"200 OK", 3) + b"[1]", code=76)
        self.answer(head % (b"200 OK", 2) + b"\x1b[", code=76)
        self.answer(head % (b"500 Oh", 4) + b"\x1b[2J", code=75)
        self.answer(head % (b"400 No", 4) + b"\x1b[2J", code=76)
        self.answer(head % (b"200 OK", 4) + b"{\"a\n", code=76,
                    words=("events",))

    def test_codes_of_refusals(self):
        for status, name, code in (
                (400, "bad_request", 64), (400, "bad_json", 65),
                (403, "forbidden", 77), (404, "not_found", 66),
                (405, "method_not_allowed", 64), (409, "conflict", 65),
                (413, "too_large", 65), (422, "bad_data", 65),
                (429, "busy", 75), (408, "timeout", 75),
                (503, "unavailable", 75), (500, "internal", 70),
                (418, "teapot", 76)):
            body = json.dumps({"error": {
                "status": status, "code": name, "text": "a \x1b[2J b",
                "hint": "do this"}}).encode()
            self.answer(b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n%s" %
                        (status, len(body), body), code=code)
            self.assertEqual(self.err,
                             "chancery: a \\x1B[2J b\ndo this\n")

    def test_what_is_not_there_is_said_to_be_listed(self):
        body = json.dumps({"error": {"status": 404, "code": "not_found",
                                     "text": 'no batch "X"',
                                     "hint": ""}}).encode()
        self.answer(b"HTTP/1.1 404 No\r\nContent-Length: %d\r\n\r\n%s" %
                    (len(body), body), code=66)
        self.assertEqual(self.err,
                         'chancery: no batch "X"\n"chancery status" lists '
                         'relays and batches, "chancery letters BATCH" '
                         'letters.\n')


class Deciding(WithRoom):
    def test_verbs(self):
        for words, path, body, said in (
                (("pause",), "/v1/pause", {}, "The mail room: paused"),
                (("resume",), "/v1/resume", {}, "The mail room: goes on"),
                (("pause", "DM-1276"), "/v1/batches/DM-1276/pause", {},
                 "DM-1276: paused"),
                (("resume", "A/77/12"), "/v1/batches/A%2F77%2F12/resume", {},
                 "A/77/12: goes on"),
                (("pause", "--relay", "a b/c"), "/v1/relays/a%20b%2Fc/pause",
                 {}, "Relay a b/c: paused"),
                (("resume", "--relay", "main"), "/v1/relays/main/resume", {},
                 "Relay main: goes on"),
                (("priority", "A/77/12", "high"),
                 "/v1/batches/A%2F77%2F12/priority", {"priority": "high"},
                 "A/77/12: high priority"),
                (("cancel", "DM-1276"), "/v1/batches/DM-1276/cancel", {},
                 "DM-1276: cancelled: 1 letter"),
                (("cancel", "A/77/12"), "/v1/batches/A%2F77%2F12/cancel", {},
                 "A/77/12: cancelled"),
                (("cancel", "A/77/12/FRA"),
                 "/v1/batches/A%2F77%2F12/letters/FRA/cancel", {},
                 "A/77/12/FRA: cancelled"),
                (("retry", "DM-1276/PRT"),
                 "/v1/batches/DM-1276/letters/PRT/retry", {}, "tried again"),
                (("retry", "DM-1276", "-r", "PRT"),
                 "/v1/batches/DM-1276/letters/PRT/retry", {}, "tried again"),
                (("resolve", "DM-1276/KEN", "--sent"),
                 "/v1/batches/DM-1276/letters/KEN/resolve", {"as": "sent"},
                 "resolved as sent"),
                (("resolve", "DM-1276/KEN", "--resend"),
                 "/v1/batches/DM-1276/letters/KEN/resolve",
                 {"as": "resend"}, "once more"),
                (("release", "A/77/12", "--digest", "d1" * 32),
                 "/v1/batches/A%2F77%2F12/release", {"digest": "d1" * 32},
                 "A/77/12: released")):
            with self.subTest(words):
                self.assertIn(said, self.chancery(*words))
                self.assertEqual(self.room.posts.pop(), (path, body))
                self.assertEqual(self.lines(self.chancery(*words, "--json")),
                                 [{"touched": 1}])

    def test_retry_says_how_many_of_each(self):
        path = "/v1/batches/DM-1276/retry"
        for parts, said in (
                ({"failed": 2, "waiting": 1, "held": 0},
                 "DM-1276: will be tried again: 3 letters "
                 "(2 failed, 1 waiting)."),
                ({"failed": 0, "waiting": 0, "held": 1},
                 "DM-1276: will be tried again: 1 letter (1 held).")):
            answer = {"touched": sum(parts.values()), **parts}
            self.room.answers[path] = (200, answer)
            self.assertEqual(self.chancery("retry", "DM-1276").strip(), said)
            self.assertEqual(
                self.lines(self.chancery("retry", "DM-1276", "--json")),
                [answer])

    def test_no_priority(self):
        self.chancery("priority", "DM-1276", "urgent", code=64)
        self.assertIn("high, normal or low", self.err)
        self.assertEqual(self.room.posts, [])

    def test_either(self):
        """A word that is a batch, and a letter of another one."""
        self.room.batch("A/77", [{**self.letters[0], "batch": "A/77",
                                  "key": "12"}])
        self.room.posts.clear()
        self.chancery("cancel", "A/77/12", code=65)
        self.assertIn("Write a slash behind it", self.err)
        self.assertEqual(self.room.posts, [])
        self.chancery("cancel", "A/77/12/")
        self.chancery("cancel", "A/77", "--recipient", "12")
        self.assertEqual([path for path, _ in self.room.posts],
                         ["/v1/batches/A%2F77%2F12/cancel",
                          "/v1/batches/A%2F77/letters/12/cancel"])
        self.chancery("retry", "A/77/13", code=66)

    def doubts(self):
        """Two more letters: with a transcript, and with two addresses."""
        letter, address = room.Room.letter, room.address
        to = "minister@foreign.example"
        self.room.batch("A/1", [
            letter(21, "A/1", "AND", "in_doubt", [
                address(0, "to", to, "sent", 250, "", "Ok"),
                {**address(1, "cc", to, "in_doubt", 0, "",
                           "the connection was lost"), "relay": "north"}],
                   attempt=2),
            letter(22, "A/1", "BEN", "sent",
                   [address(0, "to", to, "sent", 250, "", "Ok")]),
            letter(23, "A/1", "CUB", "in_doubt",
                   [address(0, "to", to, "in_doubt")], name="Cuba")])
        self.room.transcripts["A/1", "CUB"] = {
            "attempt": 1, "relay": "main", "connected_at": room.START,
            "opening": ["S: 220 mx"], "lines": ["C: DATA",
                                                "S: 354 End data with a dot"]}
        self.room.returns.append(room.returned(
            9, "A/1", "CUB", "reply", verified=False, subject="Merci"))

    def test_doubts(self):
        self.doubts()
        self.assertEqual(self.chancery("resolve", "A/1/"), """\
? in doubt A/1/AND  AND
    cc minister@foreign.example
      since 2026-11-24 10:02 UTC
      the connection was lost
    attempt 2 over relay north
    grep m21@chancery.example
? in doubt A/1/CUB  Cuba
    to minister@foreign.example
      since 2026-11-24 10:02 UTC
      no reply is known
    attempt 1 over relay main
    last noted: S: 354 End data with a dot
    grep m23@chancery.example
    came back 2026-11-24 11:12 UTC: answered (unverified)
      from someone@foreign.example
      Merci
2 letters in doubt.
Look for each in the log of its relay. Then, if the relay has it:
  chancery resolve A/1/KEY --sent
or if it does not, to send it once more:
  chancery resolve A/1/KEY --resend
""")
        objects = self.lines(self.chancery("resolve", "A/1/", "--json"))
        self.assertEqual([(each["key"], len(each["returns"]),
                           each.get("transcript", {}).get("relay"))
                          for each in objects],
                         [("AND", 0, None), ("CUB", 1, "main")])
        self.assertEqual(self.chancery("resolve", "A/77/12"),
                         "Nothing of A/77/12 is in doubt.\n")
        self.assertEqual(self.lines(self.chancery("resolve", "A/77/12",
                                                  "--json")), [])
        known = self.chancery("resolve", "A/1", "-r", "AND")
        self.assertIn("chancery resolve A/1/AND --resend", known)
        self.chancery("resolve", "A/1", "-r", "AND", "--sent")
        self.assertEqual(self.room.posts.pop(), (
            "/v1/batches/A%2F1/letters/AND/resolve", {"as": "sent"}))
        self.chancery("resolve", "NONE", code=66)
        self.assertEqual(self.room.posts, [])

    def at_risk(self):
        """It came back from a copy."""
        self.letters[2]["at_risk"] = True
        self.room.batch("DM-1276", self.letters)
        self.room.batch("A/77/12", [
            {**letter, "at_risk": True}
            for letter in self.room.letters["A/77/12"]], state="held")

    RISK = """\
This store came back from a copy. Letters that wait in it may have been sent
since the copy was made, and would go once more:
BATCH    STATE  AT RISK  OF LETTERS
DM-1276  open         1           8
A/77/12  held         1           1
"chancery letters BATCH --state at_risk" lists them. Look for their Message-IDs
in the logs of the relays. For each that was sent:
  chancery resolve BATCH/KEY --sent
"chancery resume" sends what is left.
"""

    def test_resume_of_a_copy_shows_and_asks(self):
        self.chancery("resume")
        self.assertEqual(self.room.posts.pop(), ("/v1/resume", {}))
        self.at_risk()
        self.assertIn(self.RISK, self.chancery("status"))
        self.chancery("resume", code=65)
        self.assertEqual(self.err, self.RISK + """\
chancery: 2 letters may have been sent before
When they have been looked for: chancery resume --at-risk NUMBER
""")
        self.assertEqual(self.room.posts, [])
        seen = self.terminal("resume", typed=b"n\n", code=1)
        self.assertIn(b"Send these 2 letters, though", seen)
        self.assertIn(b"It stays paused.", seen)
        self.assertEqual(self.room.posts, [])
        self.terminal("resume", typed=b"y\n")
        self.chancery("resume", "--at-risk", "2")
        self.assertEqual(self.room.posts, 2 * [("/v1/resume?at_risk=2", {})])
        self.room.posts.clear()
        self.chancery("resume", "DM-1276")
        self.assertEqual(self.room.posts.pop()[0],
                         "/v1/batches/DM-1276/resume")
        for words in (("--at-risk", "2", "DM-1276"), ("--at-risk", "x"),
                      ("--at-risk", "2", "--relay", "main")):
            self.chancery("resume", *words, code=64)
        self.assertEqual(self.room.posts, [])

    def test_letters_at_risk(self):
        self.at_risk()
        self.assertEqual([each["key"] for each in self.lines(self.chancery(
            "letters", "DM-1276", "-s", "at_risk", "--json"))], ["CHN"])
        known = self.chancery("resolve", "DM-1276/CHN")
        self.assertTrue(known.endswith("""\
It may have been sent before this store came back from a copy.
Look for it in the log of the relay:
  grep m3@chancery.example
Then, if the relay has it:
  chancery resolve DM-1276/CHN --sent
If it does not, "chancery resume" sends it.
"""), known)

    def test_mistakes(self):
        for words in (("resolve", "DM-1276", "--sent"),
                      ("resolve", "DM-1276", "--resend"),
                      ("resolve", "DM-1276/KEN", "--sent", "--resend"),
                      ("release", "A/77/12"), ("release",), ("cancel",)):
            self.chancery(*words, code=64)
        self.assertEqual(self.room.posts, [])

    def test_refused(self):
        path = "/v1/batches/DM-1276/letters/FRA/cancel"
        self.room.answers[path] = (409, {"error": {
            "status": 409, "code": "conflict", "text": "FRA was sent",
            "hint": ""}})
        self.chancery("cancel", "DM-1276/FRA", code=65)
        self.assertEqual(self.err, "chancery: FRA was sent\n")

    def test_release_shows_and_asks(self):
        seen = self.terminal("release", "A/77/12", typed=b"n\n", code=1)
        self.assertIn(b"digest      " + b"d1" * 32, seen)
        self.assertIn(b"It stays held.", seen)
        self.assertEqual(self.room.posts, [])
        self.terminal("release", "A/77/12", typed=b"y\n")
        self.assertEqual(self.room.posts, [
            ("/v1/batches/A%2F77%2F12/release", {"digest": "d1" * 32})])

    def test_cancel_asks(self):
        self.terminal("cancel", "DM-1276", typed=b"\n", code=1)
        self.assertEqual(self.room.posts, [])
        self.terminal("cancel", "DM-1276", typed=b"yes\n")
        self.terminal("cancel", "DM-1276", "--yes")
        self.terminal("cancel", "DM-1276/PRT")
        self.assertEqual(len(self.room.posts), 3)


class Enqueue(WithRoom):
    def setUp(self):
        super().setUp()
        self.room.answers["/v1/batches"] = self.take

    def take(self, parts):
        fields = {name: data.decode() for name, file, data in parts
                  if file is None}
        if fields["reference"] in self.room.batches:
            return 409, {"error": {"status": 409, "code": "conflict",
                                   "text": "DM-1276 is already there",
                                   "hint": "Another reference."}}
        batch = {**self.room.batches["A/77/12"], "state": "open",
                 "reference": fields["reference"], "total": 3,
                 "languages": {"fr": 1, "ar": 1, "en": 1}}
        if "dry_run" in fields:
            batch["state"] = "importing"
        elif "hold" in fields:
            batch["state"] = "held"
        return 201, {"batch": batch, "problems": [], "errors": 0,
                     "warnings": 0, "dry_run": "dry_run" in fields}

    def enqueue(self, *words, code=0, reference="DM-1", **more):
        return self.chancery("enqueue", "invitation", "members.csv",
                             "--reference", reference, "--deadline",
                             "2096-12-18", *words, code=code, **more)

    def test_pipe(self):
        self.enqueue(code=64)
        self.assertIn("needs --yes", self.err)
        self.assertEqual(self.room.posts, [])
        self.chancery("enqueue", "invitation", "members.csv", "--yes",
                      code=64)
        self.assertIn("needs --reference", self.err)
        self.assertEqual(self.enqueue("--yes"), "DM-1: 3 letters queued.\n")
        self.assertEqual(self.err, "")
        (path, parts), = self.room.posts
        self.assertEqual(path, "/v1/batches")
        self.assertEqual(
            [(name, file) for name, file, _ in parts],
            [("reference", None), ("deadline", None),
             ("letter", "annex-1.txt"), ("letter", "ar.md"),
             ("letter", "en.md"), ("letter", "fr.md"),
             ("letter", "letter.conf"), ("letter", "salutations.tsv"),
             ("recipients", "members.csv")])
        sent = {file or name: data for name, file, data in parts}
        self.assertEqual(sent["reference"], b"DM-1")
        self.assertEqual(sent["fr.md"].decode(), LETTER["fr.md"])
        self.assertEqual(sent["salutations.tsv"],
                         (SHARED / "salutations.tsv").read_bytes())
        self.assertEqual(sent["members.csv"].decode(), COLUMNS + ROWS)

    def test_shared_files(self):
        """A letter's own copy goes before the one that is installed; where
        that is not there, nothing is sent."""
        own = (SHARED / "salutations.tsv").read_text("utf-8") + "# ours\n"
        (self.dir / "invitation/salutations.tsv").write_text(own, "utf-8")
        self.enqueue("--yes")
        (_, parts), = self.room.posts
        sent = {file or name: data for name, file, data in parts}
        self.assertEqual(sent["salutations.tsv"].decode(), own)
        self.assertNotIn("countries.tsv", sent)
        self.room.posts.clear()
        (self.dir / "invitation/salutations.tsv").unlink()
        self.enqueue("--yes", code=65,
                     CHANCERY_DATADIR=str(self.dir / "none"))
        self.assertIn(f"{self.dir}/none/salutations.tsv: No such file",
                      self.err)
        self.assertEqual(self.room.posts, [])

    def test_options(self):
        (self.dir / "map.pdf").write_bytes(b"%PDF\0\r\n--x")
        (self.dir / "карта.fr.pdf").write_bytes(b"%PDF 2")
        out = self.enqueue("--yes", "--hold", "--at",
                           "2090-01-02T09:00:00+01:00", "--test-to",
                           "me@here.example", "--charset", "UTF-8", "-a",
                           "map.pdf", "--annex", "карта.fr.pdf")
        self.assertIn("DM-1: 3 letters held.", out)
        self.assertIn("chancery release DM-1", out)
        parts = self.room.posts[0][1]
        fields = {name: data for name, file, data in parts if file is None}
        self.assertEqual(fields, {
            "reference": b"DM-1", "deadline": b"2096-12-18",
            "charset": b"UTF-8", "test_to": b"me@here.example",
            "not_before": b"2090-01-02T08:00:00Z", "hold": b"1"})
        self.assertEqual([(file, data) for name, file, data in parts
                          if name == "annex"],
                         [("map.pdf", b"%PDF\0\r\n--x"),
                          ("карта.fr.pdf", b"%PDF 2")])
        self.assertEqual(self.lines(self.enqueue(
            "--yes", "--json"))[0]["reference"], "DM-1")

    def test_terms(self):
        """Each becomes a field; what is no term is said here."""
        self.enqueue("--yes", "--priority", "high", "--per-second", "2",
                     "--per-minute", "30", "--per-hour", "500", "--per-day",
                     "900", "--canary", "10,5%", "--canary-wait", "1h30m")
        parts = self.room.posts[0][1]
        fields = {name: data for name, file, data in parts if file is None}
        self.assertEqual(fields, {
            "reference": b"DM-1", "deadline": b"2096-12-18",
            "priority": b"high", "per_second": b"2", "per_minute": b"30",
            "per_hour": b"500", "per_day": b"900", "canary": b"10",
            "canary_percent": b"5", "canary_wait_s": b"5400"})
        self.room.posts.clear()
        for words, text in (
                (("--priority", "urgent"), "high, normal or low"),
                (("--per-minute", "0"), "--per-minute is a number"),
                (("--per-day", "1e3"), "--per-day is a number"),
                (("--canary", "ten"), "--canary is like 10 or 10,5%"),
                (("--canary", "10,"), "--canary is like 10 or 10,5%"),
                (("--canary", "0"), "--canary is like 10 or 10,5%"),
                (("--canary", "1001"), "at most 1000, not \"1001\""),
                (("--canary", "10;5"), "--canary is like 10 or 10,5%"),
                (("--canary-wait", "1h"), "needs --canary"),
                (("--canary", "1", "--canary-wait", "soon"),
                 "--canary-wait is like")):
            self.enqueue("--yes", *words, code=64)
            self.assertIn(text, self.err)
        for day in ("tomorrow", "2026-02-31", "2026-12-07T09:00:00Z"):
            for words in (("enqueue", "--yes", "--reference", "DM-1"),
                          ("check",), ("preview",)):
                self.chancery(*words, "invitation", "members.csv",
                              "--deadline", day, code=64)
                self.assertIn("--deadline is a day like 2026-12-18, not "
                              f'"{day}"', self.err)
        self.enqueue("--yes", "--test-to", "desk", code=64)
        self.assertIn('--test-to: no "@" in "desk"', self.err)
        self.assertEqual(self.room.posts, [])

    def test_tables_and_files(self):
        (self.dir / "files").mkdir()
        (self.dir / "files/visa.pdf").write_bytes(b"%PDF")
        (self.dir / "lists").mkdir()
        shutil.copy(self.dir / "members.csv", self.dir / "lists/members.csv")
        shutil.copy(self.dir / "members.csv", self.dir / "lists/guests.csv")
        words = ("enqueue", "invitation", "members.csv", "-R", "DM-1", "-y")
        self.chancery(*words, "lists/members.csv", code=64)
        self.assertIn("two tables are called members.csv", self.err)
        self.assertEqual(self.room.posts, [])
        self.chancery(*words, "lists/guests.csv", "--sheet", "Members",
                      "--annex-dir", "files")
        parts = self.room.posts[0][1]
        self.assertIn(("sheet", None, b"Members"), parts)
        self.assertEqual([(name, file) for name, file, _ in parts
                          if name in ("attachment", "recipients")],
                         [("attachment", "visa.pdf"),
                          ("recipients", "members.csv"),
                          ("recipients", "guests.csv")])

    def test_times(self):
        for at in ("tomorrow", "2020-01-01", "2090-13-01"):
            self.enqueue("--yes", "--at", at, code=64)
        self.assertEqual(self.room.posts, [])

    def test_same_reference(self):
        self.enqueue("--yes", reference="DM-1276", code=65)
        self.assertEqual(self.err, "chancery: DM-1276 is already there\n"
                                   "Another reference.\n")

    def test_missing(self):
        self.chancery("enqueue", "nowhere", "members.csv", "-R", "DM-1",
                      "-y", code=66)
        self.chancery("enqueue", "invitation", "nothing.csv", "-R", "DM-1",
                      "-y", code=66)
        os.mkfifo(self.dir / "fifo.csv")
        self.chancery("enqueue", "invitation", "fifo.csv", "-R", "DM-1",
                      "-y", code=66)
        self.enqueue("-y", "-a", "gone.pdf", code=65)
        self.assertIn("gone.pdf: ", self.err)
        self.assertEqual(self.room.posts, [])

    def test_problems(self):
        """Files are told by the paths that this person wrote."""
        problems = [
            {"file": "letter/fr.md", "line": 3, "column": 1,
             "field": "salutation", "text": "empty for \x1b[2J",
             "hint": "Fill it in.", "kind": "error"},
            {"file": "members.csv", "line": 2, "column": 8, "field": "to",
             "text": "the same address", "hint": "", "kind": "warning"},
            {"file": "members.csv:Sheet!C42", "line": 0, "column": 0,
             "field": "to", "text": "no address", "hint": "",
             "kind": "error"}]
        self.room.answers["/v1/batches"] = (422, {
            "error": {"status": 422, "code": "bad_data", "text": "errors",
                      "hint": ""}, "problems": problems, "errors": 1,
            "warnings": 1})
        table = self.dir / "members.csv"
        self.chancery("enqueue", "invitation/", table, "-R", "DM-1", "-y",
                      code=65)
        self.assertEqual(self.err.splitlines()[:5], [
            "invitation/fr.md:3:1: salutation: empty for \\x1B[2J",
            "    Fill it in.",
            f"{table}:2:8: warning: to: the same address",
            f"{table}:Sheet!C42: to: no address",
            "chancery: 1 error: nothing was queued"])
        out = self.chancery("enqueue", "invitation/", "members.csv", "-R",
                            "DM-1", "-y", "--json", code=65)
        self.assertEqual([each["kind"] for each in self.lines(out)],
                         ["error", "warning", "error"])

    def test_shows_and_asks(self):
        words = ("enqueue", "invitation", "members.csv", "-R", "DM-1", "-d",
                 "2096-12-18")
        seen = self.terminal(*words, typed=b"n\n", code=1).decode()
        for wanted in ("members.csv: CSV, commas, UTF-8.",
                       "The first letter, of FRA:", "Madame la Ministre",
                       "[DM-1] Première", "3: fr 1, ar 1, en 1",
                       "481.5 KiB", "Send 3 letters as DM-1?",
                       "Nothing was queued."):
            self.assertIn(wanted, seen)
        self.assertHarmless(seen.encode(), color=True)
        self.assertEqual(len(self.room.posts), 1)
        self.assertIn(("dry_run", None, b"1"), self.room.posts[0][1])
        seen = self.terminal(*words, typed=b"y\n").decode()
        self.assertIn("DM-1: 3 letters queued.", seen)
        self.assertEqual(len(self.room.posts), 3)
        self.assertNotIn(("dry_run", None, b"1"), self.room.posts[2][1])

    def test_all_batches_wait(self):
        """chancery.conf may have every batch held."""
        def held(parts):
            status, answer = self.take(parts)
            answer["batch"]["state"] = "held"
            return status, answer
        self.room.answers["/v1/batches"] = held
        seen = self.terminal(
            "enqueue", "invitation", "members.csv", "-R", "DM-1", "-d",
            "2096-12-18", typed=b"y\n")
        self.assertIn(b"Queue and hold 3 letters as DM-1?", seen)
        self.assertIn(b"(not queued yet)", seen)
        self.assertIn(b"chancery release DM-1", seen)

    def test_dry_run(self):
        self.assertEqual(self.enqueue("--dry-run"), "")
        self.assertIn("Nothing was queued.", self.err)
        self.assertIn("3: fr 1", self.err)
        told = self.lines(self.enqueue("-n", "--json"))
        self.assertEqual(told[0]["state"], "importing")
        for _, parts in self.room.posts:
            self.assertIn(("dry_run", None, b"1"), parts)

    def test_progress(self):
        """Only on a terminal, only of what takes its time, and gone then."""
        go_on = threading.Event()

        def slow(parts):
            go_on.wait()
            return self.take(parts)
        self.room.answers["/v1/batches"] = slow
        words = ("enqueue", "invitation", "members.csv", "-R", "DM-1", "-d",
                 "2096-12-18", "--yes")
        seen = self.terminal(*words, when=(b"merges every", go_on.set))
        self.assertTrue(seen.endswith(
            b"...\r\x1b[KDM-1: 3 letters queued.\r\n"), seen)
        self.assertEqual(self.terminal(*words),
                         b"DM-1: 3 letters queued.\r\n")

    def test_table_changes_while_read(self):
        def change(parts):
            answer = self.take(parts)
            with open(self.dir / "members.csv", "a", encoding="utf-8") as out:
                out.write("KEN,en,b@ke.example,,K,S,C\n")
            return answer
        self.room.answers["/v1/batches"] = change
        seen = self.terminal(
            "enqueue", "invitation", "members.csv", "-R", "DM-1", "-d",
            "2096-12-18", typed=b"y\n", code=65)
        self.assertIn(b"changed in the meantime", seen)
        self.assertEqual(len(self.room.posts), 1)

    def test_not_what_was_shown(self):
        def other(parts):
            status, answer = self.take(parts)
            answer["batch"]["digest"] = f"{len(self.room.posts):064x}"
            return status, answer
        self.room.answers["/v1/batches"] = other
        seen = self.terminal(
            "enqueue", "invitation", "members.csv", "-R", "DM-1", "-d",
            "2096-12-18", typed=b"y\n", code=70)
        self.assertIn(b"not what was shown", seen)


class Garbage(WithRoom):
    """Answers in which values are replaced by others of any type: whatever the
    exit code, it is one of ours, and nothing reaches a terminal raw."""
    VALUES = (None, True, -1, 2**63 - 1, 1.5, "", "x" * 300, HOSTILE, [], {},
              [[]], {"a": 1}, "in_doubt", "2026-11-24T11:30:00Z", "%s%n",
              "é" * 5000)
    VERBS = (("status",), ("status", "DM-1276"), ("letters", "DM-1276"),
             ("show", "DM-1276/FRA"), ("returns",), ("cancel", "DM-1276/FRA"),
             ("pause",), ("status", "--json"), ("letters", "DM-1276",
                                                "--json"))

    def mutated(self, value):
        if self.random.random() < 0.06:
            return self.random.choice(self.VALUES)
        if isinstance(value, dict):
            return {name: self.mutated(each) for name, each in value.items()
                    if self.random.random() > 0.02}
        if isinstance(value, list):
            return [self.mutated(each) for each in value]
        return value

    def test_garbage(self):
        self.room.mutate = self.mutated
        for seed in range(180):
            self.random = random.Random(seed)
            words = self.VERBS[seed % len(self.VERBS)]
            run = subprocess.run(
                [CHANCERY, "--socket-dir", self.sockets, *words],
                env=self.env(COLUMNS="80"), stdin=subprocess.DEVNULL,
                capture_output=True, check=False, timeout=120)
            with self.subTest(seed=seed, words=words):
                self.assertIn(run.returncode, (0, 65, 66, 70, 75, 76, 77),
                              run.stderr)
                self.assertNotIn(b"Sanitizer", run.stderr)
                self.assertNotIn(b"runtime error", run.stderr)
                self.assertHarmless(run.stdout)
                self.assertHarmless(run.stderr)


class Bytes(WithRoom):
    """show --eml: what chanceryd keeps of a letter gives the bytes again."""

    def setUp(self):
        super().setUp()
        files = [{"role": "letter", "name": name,
                  "sha256": self.room.object(text.encode()),
                  "size_bytes": len(text.encode())}
                 for name, text in LETTER.items()]
        annex = b"%PDF\0\r\n\xff"
        files.append({"role": "annex", "name": "map.pdf",
                      "sha256": self.room.object(annex),
                      "size_bytes": len(annex)})
        row = dict(zip(COLUMNS.strip().split(","), ROWS.split("\n")[0]
                       .split(",")))
        self.source = {
            "batch": {"reference": "DM-1276", "deadline": "2096-12-18",
                      "from": "", "reply_to": "replies@here.example",
                      "test_to": ""},
            "files": files, "key": "FRA", "name": "France",
            "language": "fr", "message_id": "k1@chancery.example",
            "date": room.START, "date_us": 1795510800000000,
            "fields": [{"name": name, "value": value}
                       for name, value in row.items()],
            "addresses": [], "sha256": None, "size_bytes": 0}
        self.room.sources["DM-1276", "FRA"] = self.source

    def test_bytes(self):
        self.chancery("show", "DM-1276/FRA", "--eml")
        first = self.out_bytes
        self.assertIn("not sent yet", self.err)
        self.assertIn(b"Message-ID: <k1@chancery.example>\r\n", first)
        self.assertIn(b"Reply-To: replies@here.example\r\n", first)
        self.assertIn(b"Date: Tue, 24 Nov 2026 ", first)
        self.assertIn(b"filename=map.pdf", first)
        self.source["sha256"] = hashlib.sha256(first).hexdigest()
        self.chancery("show", "DM-1276/FRA", "--eml")
        self.assertEqual(self.out_bytes, first)
        self.assertEqual(self.err, "")
        self.assertHarmless(self.terminal("show", "DM-1276/FRA", "--eml"))
        # preview shows the same but for what is fixed when it is queued
        (self.dir / "map.pdf").write_bytes(b"%PDF\0\r\n\xff")
        self.run_it("preview", "invitation", "members.csv", "-r", "FRA", "-R",
                    "DM-1276", "-d", "2096-12-18", "-a", "map.pdf", "--eml")
        for line in self.out_bytes.split(b"\r\n"):
            if not re.match(rb"(Date|Message-ID|Reply-To):|.*=_[am]", line):
                self.assertIn(line, first)

    def test_signed(self):
        self.source.update(signed=True, signature=None)
        self.chancery("show", "DM-1276/FRA", "--eml")
        plain = self.out_bytes
        self.assertIn("what will be signed and sent", self.err)
        signature = base64.b64encode(bytes(range(256)) * 6)
        head, entity = plain.split(b"Content-Type:", 1)
        lines = [signature[at:at + 76] for at in range(0, len(signature), 76)]
        name = b"=_s53o6k65qghaf4nwbc6qazumn"
        expected = (
            head + b"Content-Type: multipart/signed;\r\n"
            b' protocol="application/pkcs7-signature"; micalg=sha-256;\r\n'
            b' boundary="' + name + b'"\r\n\r\n--' + name + b"\r\n"
            b"Content-Type:" + entity + b"\r\n--" + name + b"\r\n"
            b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\n"
            b"Content-Transfer-Encoding: base64\r\n"
            b"Content-Disposition: attachment; filename=smime.p7s\r\n\r\n" +
            b"".join(line + b"\r\n" for line in lines) +
            b"--" + name + b"--\r\n")
        self.source["signature"] = signature.decode()
        self.source["sha256"] = hashlib.sha256(expected).hexdigest()
        self.chancery("show", "DM-1276/FRA", "--eml")
        self.assertEqual(self.out_bytes, expected)
        self.assertEqual(self.err, "")
        for other in (signature[4:].decode(), None):
            self.source["signature"] = other
            self.assertEqual(self.chancery("show", "DM-1276/FRA", "--eml",
                                           code=70), "")
            self.assertIn("would not be the bytes that were sent", self.err)

    def test_others(self):
        self.source["sha256"] = "0" * 64
        self.assertEqual(self.chancery("show", "DM-1276/FRA", "--eml",
                                       code=70), "")
        self.assertIn("would not be the bytes that were sent", self.err)

    def test_damage(self):
        digest = self.source["files"][0]["sha256"]
        self.room.objects[digest] += b"x"
        self.assertEqual(self.chancery("show", "DM-1276/FRA", "--eml",
                                       code=70), "")
        self.room.objects.pop(digest)
        self.chancery("show", "DM-1276/FRA", "--eml", code=66)
        self.source["files"][0]["sha256"] = "../../etc/passwd"
        self.chancery("show", "DM-1276/FRA", "--eml", code=76)

    def test_cannot_compose(self):
        self.source["fields"] = [{"name": "to", "value": "a@b.example"}]
        self.assertEqual(self.chancery("show", "DM-1276/FRA", "--eml",
                                       code=70), "")
        self.assertIn("cannot compose", self.err)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-q", *sys.argv[1:]])
