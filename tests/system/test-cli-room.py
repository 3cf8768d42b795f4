#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chancery(1) against a real chanceryd: a batch in six languages from check to
the exact bytes that the relay took, what it refused and what is in doubt, and
what a person decides then."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import harness  # noqa: E402

CHANCERY = str(harness.BUILD.resolve() / "chancery")
SOURCE = pathlib.Path(os.environ["top_srcdir"]).resolve()
INVITATION = SOURCE / "templates/invitation"
MEMBERS = SOURCE / "templates/sample/members.csv"
OPTIONS = ("--deadline", "2096-12-18")
# Codes of countries.tsv that the sample has not.
OTHERS = ("X-AU", "X-EU", "X-LAS", "X-OAS")


def table(path, *addresses):
    """The first rows of the sample that have each of the six languages, and a
    row for each address that the sink has its own way with."""
    lines = MEMBERS.read_text("utf-8-sig").splitlines()
    head = lines[0].split(",")
    language = head.index("language")
    chosen, seen = [lines[0]], set()
    for line in lines[1:]:
        if line.split(",")[language] not in seen:
            seen.add(line.split(",")[language])
            chosen.append(line)
    assert len(seen) == 6, seen
    to, key = head.index("to"), head.index("key")
    for number, address in enumerate(addresses):
        cells = chosen[1].split(",")
        cells[to], cells[key] = address, OTHERS[number]
        cells[head.index("cc")] = ""
        chosen.append(",".join(cells))
    path.write_text("\n".join(chosen) + "\n", "utf-8")
    return len(chosen) - 1


class Real(unittest.TestCase):
    def setUp(self):
        self.sink = harness.Sink()
        self.addCleanup(self.sink.close)
        self.room = harness.Room(
            relays=[self.sink.relay(connections=2)],
            conf={"sending": {"retry": ["1s"]}})
        self.addCleanup(self.room.close)
        self.room.start()
        self.table = self.room.root / "members.csv"

    def chancery(self, *words, code=0):
        run = subprocess.run(
            [CHANCERY, "--socket-dir", self.room.root, *map(str, words)],
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            timeout=harness.TIMEOUT)
        self.err = run.stderr.decode()
        self.assertEqual(run.returncode, code,
                         (words, run.stdout[-2000:], self.err,
                          self.room.log()[-2000:]))
        return run.stdout

    def json(self, *words):
        return [json.loads(line)
                for line in self.chancery(*words, "--json").splitlines()]

    def ledger(self):
        """SHA-256 by Message-ID of what the relay took."""
        return {line.split("\t")[1].strip("<>"): line.split("\t")[2]
                for line in self.sink.ledger.read_text().splitlines()}

    def test_life_of_a_batch(self):
        count = table(self.table, "r550@x.example", "dropdot@x.example",
                      "once451@x.example", "d554@x.example")
        told = self.json("check", INVITATION, self.table, *OPTIONS)
        self.assertEqual((told[-1]["letters"], told[-1]["errors"]),
                         (count, 0))
        annex = self.room.root / "carte: №1.pdf"
        annex.write_bytes(bytes(range(256)) * 40)
        words = ("enqueue", INVITATION, self.table, *OPTIONS, "-R",
                 "DM-1276", "--annex", annex)
        batch, = self.json(*words, "--dry-run")
        self.assertEqual(batch["total"], count)
        self.assertEqual(len(batch["languages"]), 6)
        self.assertEqual(self.json("status")[1:], [])
        self.chancery(*words, code=64)
        self.assertIn(f"{count} letters queued",
                      self.chancery(*words, "--yes").decode())
        self.assertEqual(self.json("status", "DM-1276")[0]["digest"],
                         batch["digest"])
        self.chancery(*words, "--yes", code=65)
        self.assertIn("already there\nGive it another reference", self.err)
        self.chancery("status", "DM-1276", "--watch")

        letters = {each["key"]: each for each in
                   self.json("letters", "DM-1276")}
        self.assertEqual(len(letters), count)
        self.assertEqual({key: letters[key]["state"] for key in
                          ("X-AU", "X-EU", "X-LAS", "X-OAS")},
                         {"X-AU": "failed", "X-EU": "in_doubt", "X-LAS": "sent",
                          "X-OAS": "failed"})
        failed = self.chancery("letters", "DM-1276", "-s", "failed").decode()
        self.assertRegex(failed, r"✗ refused +X-AU .*550 ")
        self.assertIn("2 letters", failed)
        status = self.chancery("status", "DM-1276").decode()
        self.assertRegex(status, r"\? in doubt +1 ")
        self.check_bytes(letters)
        self.check_decisions(letters)
        kinds = {event["type"] for event in self.json("events")}
        self.assertLessEqual({"batch.enqueued", "letter.sent",
                              "letter.failed", "letter.in_doubt"}, kinds)

    def test_subjects_of_lists(self):
        """With the fields named, or those of the only letter."""
        letter = self.room.root / "reminder"
        letter.mkdir()
        (letter / "letter.conf").write_text("")
        (letter / "en.md").write_text(
            "Subject: To {{name}} by {{deadline | date}}\n\n{{name}}\n")
        for reference, rows, subject in (
                ("DM-1", "A,a@x.example,Utopia\n",
                 "To Utopia by 18 December 2096"),
                ("DM-2", "A,a@x.example,Utopia\nB,b@x.example,Ruritania\n",
                 "To [name] by 18 December 2096")):
            self.table.write_text("key,to,name\n" + rows)
            self.chancery("enqueue", letter, self.table, *OPTIONS, "-R",
                          reference, "--yes")
            self.assertEqual(self.json("status", reference)[0]["subject"],
                             subject)
            self.assertIn(subject, self.chancery("status",
                                                 reference).decode())

    def test_deadline_over(self):
        count = table(self.table)
        out = self.chancery("enqueue", INVITATION, self.table, "-d",
                            "2025-12-18", "-R", "DM-1276", "--yes").decode()
        self.assertIn(f"DM-1276: {count} letters queued.", out)
        self.assertRegex(
            self.err, r"(?m)^\S*invitation/en\.md:\d+:\d+: warning: deadline: "
            r"2025-12-18 is over: the letter is of \d{4}-\d\d-\d\d$")

    def check_bytes(self, letters):
        """show --eml: what the relay has, by its own ledger."""
        ledger = self.ledger()
        compared = 0
        for key, letter in letters.items():
            if letter["state"] != "sent":
                continue
            data = self.chancery("show", f"DM-1276/{key}", "--eml")
            self.assertEqual(self.err, "")
            digest = hashlib.sha256(data).hexdigest()
            self.assertEqual(digest, letter["sha256"])
            self.assertEqual(ledger[letter["message_id"]], digest)
            compared += 1
        self.assertEqual(compared, len(letters) - 3)
        doubt = self.chancery("show", "DM-1276/X-EU", "--eml")
        self.assertEqual(hashlib.sha256(doubt).hexdigest(),
                         letters["X-EU"]["sha256"])

    def check_decisions(self, letters):
        self.chancery("resolve", "DM-1276/X-AU", "--sent", code=65)
        known = self.chancery("resolve", "DM-1276/X-EU").decode()
        for part in (r"\? in doubt", r"  C: MAIL FROM:<bounces\+",
                     r"  grep " + re.escape(letters["X-EU"]["message_id"]),
                     r"  chancery resolve DM-1276/X-EU --resend"):
            self.assertRegex(known, part)
        self.assertIn("not in doubt", self.chancery(
            "resolve", "DM-1276/X-LAS").decode())
        said = self.chancery("resolve", "DM-1276/X-EU", "--sent").decode()
        self.assertIn("DM-1276/X-EU: resolved as sent: 1 letter", said)
        self.assertEqual(self.json("show", "DM-1276/X-EU")[0]["state"], "sent")
        self.chancery("cancel", "DM-1276/X-EU", code=65)
        self.chancery("cancel", "DM-1276/NOBODY", code=66)
        self.chancery("retry", "DM-1276/X-OAS")
        self.chancery("status", "DM-1276", "--watch")
        again, = self.json("show", "DM-1276/X-OAS")
        self.assertEqual((again["attempt"], again["state"]),
                         (letters["X-OAS"]["attempt"] + 1, "failed"))
        self.assertEqual(again["message_id"], letters["X-OAS"]["message_id"])

    def test_held_paused_cancelled(self):
        table(self.table)
        letter = self.room.root / "letter"
        shutil.copytree(INVITATION, letter, copy_function=shutil.copyfile)
        conf = letter / "letter.conf"
        conf.write_text(re.sub(r"(?m)^reference = .*", "",
                               conf.read_text("utf-8")), "utf-8")
        for reference in ("A/77/12", "A/77"):
            self.chancery("enqueue", letter, self.table, *OPTIONS, "-R",
                          reference, "--hold", "--yes", "--test-to",
                          "desk@secretariat.example")
        held, = self.json("status", "A/77/12")
        self.assertEqual((held["state"], held["test_to"]),
                         ("held", "desk@secretariat.example"))
        self.chancery("release", "A/77/12", "--digest", "0" * 64, code=65)
        self.chancery("pause")
        self.assertEqual(self.json("status")[0]["state"], "paused")
        self.chancery("release", "A/77/12", "--digest", held["digest"])
        self.chancery("pause", "A/77/12")
        self.chancery("resume")
        self.chancery("cancel", "A/77")
        self.assertEqual(self.json("letters", "A/77", "-s", "cancelled"),
                         self.json("letters", "A/77"))
        key = self.json("letters", "A/77/12")[0]["key"]
        self.chancery("cancel", f"A/77/12/{key}")
        self.chancery("resume", "A/77/12")
        self.chancery("status", "A/77/12", "--watch")
        states = [each["state"] for each in self.json("letters", "A/77/12")]
        self.assertEqual(sorted(states), ["cancelled"] + ["sent"] * 5)
        self.assertEqual({to for to, _ in self.sink.taken()},
                         {"desk@secretariat.example"})
        with open(self.room.root / "eml", "wb") as out:
            out.write(self.chancery("show", f"A/77/12/{key}", "--eml"))
        self.assertIn("not sent yet", self.err)

    def test_errors_of_the_import(self):
        faults = SOURCE / "templates/sample/faults.csv"
        here = self.chancery("check", INVITATION, faults, *OPTIONS,
                             "--reference", "DM-1", code=65).decode()
        self.chancery("enqueue", INVITATION, faults, *OPTIONS, "-R", "DM-1",
                      "--yes", code=65)
        problems = [line for line in self.err.splitlines()
                    if line.startswith(str(SOURCE))]
        shown = [line for line in here.splitlines()
                 if line.startswith(str(SOURCE))]
        self.assertEqual(shown.pop(), f"{faults}: CSV, commas, UTF-8.")
        self.assertEqual(problems, shown)
        self.assertEqual(len(problems), 3)
        self.assertIn("3 errors: nothing was queued", self.err)
        self.assertEqual(self.json("status")[1:], [])

    def test_too_large(self):
        """Refused while it is still on its way up."""
        self.room.configure([self.sink.relay()],
                            **{"import": {"max_upload": "100KiB"}})
        self.assertEqual(self.room.stop(), 0)
        self.room.start()
        table(self.table)
        self.table.write_text(self.table.read_text("utf-8") + "\n" * 30000000,
                              "utf-8")
        self.chancery("enqueue", INVITATION, self.table, *OPTIONS, "-R",
                      "DM-1", "--yes", code=65)
        self.assertIn("102400", self.err)
        self.assertEqual(self.json("status")[1:], [])

    def test_follow(self):
        table(self.table)
        with subprocess.Popen(
                [CHANCERY, "--socket-dir", self.room.root, "events",
                 "--follow", "--since", "0"], stdout=subprocess.PIPE,
                text=True) as run:
            self.chancery("enqueue", INVITATION, self.table, *OPTIONS, "-R",
                          "DM-1", "--yes")
            seen = [json.loads(run.stdout.readline())]
            self.assertEqual(seen[0]["type"], "batch.enqueued")
            self.room.wait_letters("DM-1", sent=6)
            self.assertEqual(self.room.kill(), -9)
            self.room.start()
            self.chancery("pause", "DM-1")
            while seen[-1]["type"] != "batch.paused":
                seen.append(json.loads(run.stdout.readline()))
            run.terminate()
        self.assertEqual(seen, self.json("events"))
        self.assertEqual(self.room.stop(), 0)
        self.chancery("status", code=69)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-q", *sys.argv[1:]], warnings="ignore")
