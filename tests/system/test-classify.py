#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chancery classify: files, folders, mboxes and standard input, without a
daemon; and, where the collection of real reports with their truth is there
(../shared/corpora/returns beside the source, or $CHANCERY_CORPORA), how many of
them it knows, with LF and with CRLF."""
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import returned  # noqa: E402 - beside this file
SOURCE = pathlib.Path(os.environ["top_srcdir"]).resolve()
BUILD = pathlib.Path(os.environ["top_builddir"]).resolve()
CHANCERY = str(BUILD / "chancery")

BOUNCE = """\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: bounces@chancery.example
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ana.lima@mfa.example
    host mx.mfa.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<ana.lima@mfa.example>:
    550 5.1.1 <ana.lima@mfa.example>: no such user

------ This is a copy of the message, including all the headers. ------
"""
ANSWER = """\
From: Ana Lima <ana.lima@mfa.example>
To: bureau@chancery.example
Subject: Re: [DM-1276] Invitation
In-Reply-To: <letter-1@chancery.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

The Minister will attend.

On 24 Nov 2026, the Bureau wrote:
> You are invited.
--b
Content-Type: application/pdf; name="form.pdf"
Content-Disposition: attachment
Content-Transfer-Encoding: base64

SGVsbG8=
--b--
"""


def classify(*words, stdin="", status=0):
    found = subprocess.run([CHANCERY, "classify", *map(str, words)],
                           input=stdin.encode(), capture_output=True,
                           check=False)
    assert found.returncode == status, found
    return found


def objects(*words, stdin=""):
    return [json.loads(line)
            for line in classify(*words, stdin=stdin).stdout.splitlines()]


def table_of(*paths):
    return classify("--tsv", *paths).stdout.decode().splitlines()


def of_files(ask, mails):
    """What is answered of these mails, each in a file."""
    with tempfile.TemporaryDirectory(prefix="chancery-classify-") as folder:
        paths = []
        for number, mail in enumerate(mails):
            paths.append(pathlib.Path(folder) / f"{number:04}")
            paths[-1].write_bytes(mail)
        return ask(*paths)


class Verb(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="chancery-classify-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def test_a_bounce(self):
        path = self.write("bounce", BOUNCE)
        self.assertEqual(objects(path), [{
            "file": str(path), "kind": "bounce-hard",
            "recipients": [{
                "address": "ana.lima@mfa.example", "kind": "bounce-hard",
                "status": "5.1.1", "reason": "user unknown",
                "diagnostic":
                    "550 5.1.1 <ana.lima@mfa.example>: no such user"}],
            "reason": "user unknown", "rule": "mail-system",
            "phrase": "this message was created automatically by mail "
                      "delivery software"}])

    def test_an_answer_on_standard_input(self):
        self.assertEqual(objects("-", stdin=ANSWER), [{
            "file": "-", "kind": "reply", "recipients": [],
            "reason": "undefined", "rule": "in-reply-to",
            "text": "The Minister will attend.", "says": "answer",
            "attachments": [{"name": "form.pdf", "type": "application/pdf",
                             "size_bytes": 5}]}])

    def test_who_is_away(self):
        text = ("Date: Sat, 28 Nov 2026 09:15:00 +0100\n"
                "From: ana.lima@mfa.example\nAuto-Submitted: auto-replied\n"
                "Subject: Automatic reply: [DM-1] Session\n\n"
                "I am out of office and back on Monday, 7 December.\n")
        self.assertEqual(objects("-", stdin=text)[0]["away_until"],
                         "2026-12-06")
        self.assertNotIn("away_until", objects("-", stdin=text.replace(
            "Auto-Submitted: auto-replied", "In-Reply-To: <1@a.example>")
            .replace("Automatic reply", "Re"))[0])

    def test_a_table_as_the_scorer_reads_it(self):
        path = self.write("bounce", BOUNCE.replace("\n", "\r\n"))
        self.assertEqual(
            classify("--tsv", path).stdout.decode(),
            f"{path}\tbounce-hard\tana.lima@mfa.example\t5.1.1\tuser unknown"
            "\tmail-system\n")

    def test_a_table_of_one_folder_leaves_out_its_name(self):
        self.write("b/1", BOUNCE)
        self.write("a", b"")
        for words, names in (((self.dir,), ["a", "b/1"]),
                             ((f"{self.dir}/",), ["a", "b/1"]),
                             ((self.dir / "a", self.dir / "b"),
                              [f"{self.dir}/a", f"{self.dir}/b/1"])):
            table = classify("--tsv", *words).stdout.decode()
            self.assertEqual([line.split("\t")[0] for line in
                              table.splitlines()], names)

    def test_a_folder_in_its_order(self):
        self.write("b/2", ANSWER)
        self.write("b/1", BOUNCE)
        self.write("a", b"")
        found = objects(self.dir)
        self.assertEqual([(o["file"][len(str(self.dir)) + 1:], o["kind"])
                          for o in found],
                         [("a", "other"), ("b/1", "bounce-hard"),
                          ("b/2", "reply")])
        self.assertEqual(found[0]["fault"], "it is empty")

    def test_an_mbox(self):
        line = "From MAILER-DAEMON Tue Nov 24 10:00:00 2026\n"
        path = self.write("box", "\n".join([line + BOUNCE, line + ANSWER,
                                            line + BOUNCE]))
        self.assertEqual([(o["file"], o["kind"]) for o in objects(path)],
                         [(f"{path}:1", "bounce-hard"), (f"{path}:2", "reply"),
                          (f"{path}:3", "bounce-hard")])
        single = self.write("single", line + ANSWER)
        self.assertEqual([o["file"] for o in objects(single)], [str(single)])

    def test_a_file_that_is_not_there_does_not_stop_the_others(self):
        path = self.write("answer", ANSWER)
        found = classify(self.dir / "gone", path, status=66)
        self.assertIn(b"gone: No such file", found.stderr)
        self.assertEqual(json.loads(found.stdout)["kind"], "reply")

    def test_hostile_mail_is_named_so(self):
        path = self.write("deep", "From: a@b.example\n" + "".join(
            f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"
            for n in range(20000)))
        found = objects(path)[0]
        self.assertEqual((found["kind"], found["rule"], found["fault"]),
                         ("other", "unreadable", "too many nested parts"))
        path = self.write("name", "Subject: x\nContent-Type: "
                          'application/x; name="\x1b]0;x\x07"\n\nx\n')
        self.assertNotIn(b"\x1b", classify(path).stdout)


PERSON = b"""\
From: Ana Lima <ana.lima@mfa.example>
To: bureau@chancery.example
Message-ID: <x1@mfa.example>
MIME-Version: 1.0
"""
WARNING = b"""\
CAUTION: This e-mail originated from outside of the organization. Do not click
links or open attachments unless you recognize the sender and know the content
is safe.
"""
HELP = b"""\
This notice was written by the mail server at gate.example (IP address
192.0.2.1). Report spam or abuse to abuse@gate.example, with what your mail
server said behind EHLO.
"""


def with_words(mail, words, below, between=b"\n"):
    """A text alone that is not encoded, with these words above or below."""
    head, _, text = mail.partition(b"\n\n")
    if re.search(rb"(?mi)^content-type: *(?!text/plain)|"
                 rb"^content-transfer-encoding: *(?![78]bit)", head):
        return mail
    return head + b"\n\n" + (text + between + words if below else
                             words + between + text)


def behind_a_part(mail):
    """The whole of it in a multipart/mixed, with a warning as the first part."""
    head, _, text = mail.partition(b"\n\n")
    fields = re.split(rb"\n(?![ \t])", head)
    inner = [one for one in fields if re.match(rb"(?i)content-", one)]
    outer = [one for one in fields if one not in inner] + [
        b'Content-Type: multipart/mixed; boundary="=_gate"']
    return b"\n".join(outer) + b"\n\n--=_gate\n\n" + WARNING + \
        b"\n--=_gate\n" + b"\n".join(inner) + b"\n\n" + text + \
        b"\n--=_gate--\n"


class Samples(unittest.TestCase):
    """Mails as the known systems write them (tests/corpora/returned): none may
    be read wrongly, as it is and with CRLF."""

    def check(self, change):
        found = returned.samples(SOURCE / "tests/corpora/returned")
        self.assertGreaterEqual(len(found), 605)
        table = of_files(table_of, (change(sample.mail) for sample in found))
        self.assertEqual(len(table), len(found))
        wrong = {}
        for sample, line in zip(found, table):
            _, kind, recipients, status, reason, rule = line.split("\t")
            why = sample.wrong(kind, recipients.split(",") if recipients else
                               [], status)
            if why:
                wrong[sample.name] = f"{why} ({rule}; {reason})"
        self.assertEqual(wrong, {})

    def test_as_it_is(self):
        self.check(lambda mail: mail)

    def test_with_crlf(self):
        self.check(lambda mail: mail.replace(b"\n", b"\r\n"))

    def test_with_a_mark_before_the_subject(self):
        for mark in ("[EXTERN]", "***SPAM***", "[SPAM 5.3]", "EXT:",
                     "{Spam?} [EXT]", "[Внешнее письмо]", "[外部]"):
            with self.subTest(mark):
                self.check(lambda mail, mark=mark: re.sub(
                    rb"(?mi)^subject: *", b"Subject: " + mark.encode() + b" ",
                    mail, count=1))

    def test_with_the_words_of_a_gateway(self):
        for words, below in (WARNING, False), (HELP, False), (HELP, True):
            with self.subTest(words, below=below):
                self.check(lambda mail, words=words, below=below:
                           with_words(mail, words, below))

    def test_in_the_parts_of_a_gateway(self):
        self.check(behind_a_part)

    def test_with_a_byte_order_mark(self):
        self.check(lambda mail: with_words(mail, b"\xef\xbb\xbf", False,
                                           between=b""))

    def test_with_its_status_as_a_text(self):
        self.check(lambda mail: re.sub(
            rb"(?mi)^(content-type: *)message/(global-)?delivery-status",
            rb"\1text/plain", mail))


class People(unittest.TestCase):
    """A person who passes on what came back is no mail system, however that is
    done."""

    def check(self, subject, text, bare=False):
        """What is `bare`, told in no way from the words of the person, may be
        an automatic answer where it says so itself."""
        found = returned.samples(SOURCE / "tests/corpora/returned")
        table = of_files(table_of, (
            PERSON + b"Subject: " + subject + text(sample)
            for sample in found))
        fine = ("other", "reply", "autoreply") if bare else ("other", "reply")
        wrong = [f"{sample.name}: {line}" for sample, line in zip(found, table)
                 if line.split("\t")[1] not in fine]
        self.assertEqual(wrong, [])

    def test_as_an_attachment(self):
        self.check(b"Fwd: Undelivered mail", lambda sample: (
            b'\nContent-Type: multipart/mixed; boundary="=_m"\n\n--=_m\n'
            b"\nPlease see what came back.\n\n--=_m\n"
            b"Content-Type: message/rfc822\n\n" + sample.mail +
            b"\n--=_m--\n"))

    def test_in_the_text(self):
        for subject, before, mark in (
                (b"Fwd: Undelivered Mail Returned to Sender",
                 b"---------- Forwarded message ----------\n"
                 b"From: MAILER-DAEMON@mx.example\n\n", b""),
                (b"Re: Undelivered Mail Returned to Sender",
                 b"On Friday the mail system wrote:\n", b"> "),
                (b"Your address", b"This came back:\n\n", b""),
                (b"Your address", b"This came back:\n\n", b"> ")):
            with self.subTest(subject, mark=mark):
                self.check(subject, lambda sample, before=before, mark=mark:
                           b"\nContent-Type: text/plain; charset=utf-8\n\n"
                           b"Dear colleagues,\n\n" + before + re.sub(
                               rb"(?m)^", mark, sample.said.encode()) +
                           b"\n\nAna Lima\n", bare=not mark)


REPORT = """\
Return-Path: <>
From: MAILER-DAEMON@relay.chancery.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.chancery.example

Final-Recipient: rfc822; a@x.example
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; {0}
--b--
"""


class Replies(unittest.TestCase):
    """Why, by the reply of a server alone (tests/corpora/returned/replies.tsv:
    the reason, and a reply as servers write it)."""

    def test_each_says_why(self):
        lines = (SOURCE / "tests/corpora/returned/replies.tsv").read_text(
            "utf-8").splitlines()
        rows = [line.split("\t") for line in lines]
        self.assertGreaterEqual(len(rows), 262)
        found = [each["reason"] for each in of_files(
            objects, (REPORT.format(reply).encode() for _, reply in rows))]
        self.assertEqual(list(zip(found, (reply for _, reply in rows))),
                         [tuple(row) for row in rows])


class Words(unittest.TestCase):
    """What readers, responders and people write (tests/corpora/returned/
    words.tsv: kind, subject, text), where no field of a machine tells."""

    def test_each_is_known_by_its_words(self):
        lines = (SOURCE / "tests/corpora/returned/words.tsv").read_text(
            "utf-8").splitlines()
        rows = [line.split("\t") for line in lines]
        self.assertGreaterEqual(len(rows), 70)
        found = [each["kind"] for each in of_files(objects, (
            ("From: Ana Lima <ana.lima@mfa.example>\n"
             f"Subject: {subject}\nMIME-Version: 1.0\n"
             "Content-Type: text/plain; charset=utf-8\n\n"
             f"{text}\n").encode() for _, subject, text in rows))]
        self.assertEqual([(kind, text) for kind, (_, _, text) in
                          zip(found, rows)],
                         [(kind, text) for kind, _, text in rows])


def corpus():
    for path in (os.environ.get("CHANCERY_CORPORA"),
                 SOURCE.parent / "shared/corpora"):
        if path and (pathlib.Path(path) / "returns/truth.tsv").exists():
            return pathlib.Path(path) / "returns"
    return None


CORPUS = corpus()


@unittest.skipIf(CORPUS is None, "../shared/corpora/returns is not there")
class Collection(unittest.TestCase):
    """Counts, not shares: one more wrong is one too many."""

    def score(self, root):
        spec = importlib.util.spec_from_file_location("score",
                                                      CORPUS / "score.py")
        score = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(score)
        truth = score.load(CORPUS / "truth.tsv")
        table = classify("--tsv", *(root / name for name in truth))
        with tempfile.NamedTemporaryFile("wb", suffix=".tsv") as predictions:
            predictions.write(table.stdout.replace(f"{root}/".encode(), b""))
            predictions.flush()
            return score.score(truth, score.load(predictions.name))

    def check(self, root):
        n, errors = self.score(root)
        shown = "\n".join("\t".join(error) for error in errors)
        wrong = {
            "messages": n["all"] - 976,
            "recipients": n["r"] - n["r_exact"],
            "bounces": n["b"] - n["b_det"],
            "hard or soft": n["hs"] - n["hs_ok"],
            "status": n["st"] - n["st_ok"],
            "delayed": n["delayed"] - n["delayed_ok"],
            "delivered": n["delivered"] - n["delivered_ok"],
            "autoreply": n["autoreply"] - n["autoreply_ok"],
            "arf": n["arf"] - n["arf_ok"],
            # One file that is called a receipt has none in it.
            "mdn": n["mdn"] - n["mdn_ok"],
            "people taken for bounces": n["fp_human"],
            "people taken for machines": n["fpany_human"],
            "answers taken for bounces": n["fp_auto"],
        }
        most = {"recipients": 2, "bounces": 1, "hard or soft": 4, "status": 2,
                "mdn": 1}
        self.assertEqual({k: v for k, v in wrong.items() if v > most.get(k, 0)
                          or v < 0}, {}, shown)

    def test_as_it_is(self):
        self.check(CORPUS / "messages")

    def test_with_crlf(self):
        with tempfile.TemporaryDirectory(prefix="chancery-crlf-") as folder:
            root = pathlib.Path(folder) / "messages"
            for path in (CORPUS / "messages").rglob("*"):
                if not path.is_file():
                    continue
                copy = root / path.relative_to(CORPUS / "messages")
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(re.sub(rb"\r?\n", b"\r\n",
                                        path.read_bytes()))
            self.check(root)


if __name__ == "__main__":
    unittest.main()
