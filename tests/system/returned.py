# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails that come back, written as mail systems write them, with their truth.

A sample in tests/corpora/returned/*.txt:

    === name | kind[|kind…] | address address… | status | charset, encoding
    <>                          (an empty envelope sender)
    From: …                     (header; what every mail has is added)

    text
    --- message/delivery-status (more parts; the type makes the report)
    …
    --- original [address]      (the letter that came back; "headers": its
                                 header alone)

`{letter ADDRESS}` in a text is the letter's header where it stands in the text.
"-" stands for: none, or not stated."""
import base64
import pathlib
import quopri
import re

LETTER = """\
Received: from relay.chancery.example ([192.0.2.7])
\tby mx.chancery.example with ESMTPS; Tue, 24 Nov 2026 09:12:40 +0000
From: Bureau of the Conference <bureau@chancery.example>
To: {0}
Subject: [DM-1276] Invitation to the Conference
Message-ID: <letter-1@chancery.example>
Date: Tue, 24 Nov 2026 09:12:33 +0000
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
"""
COMMON = """\
Message-ID: <{0}@returned.example>
Date: Tue, 24 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
"""
REPORTS = {"message/delivery-status": "delivery-status",
           "message/global-delivery-status": "delivery-status",
           "message/disposition-notification": "disposition-notification",
           "message/feedback-report": "feedback-report"}


class Sample:
    def __init__(self, head, body):
        fields = [field.strip() for field in head.split(" | ")]
        self.name = fields[0]
        self.kinds = fields[1].split("/")
        self.recipients = set(fields[2].split()) - {"-"}
        self.status = fields[3]
        coding = fields[4] if len(fields) > 4 else "utf-8 8bit"
        self.charset, self.encoding = (coding.split() + ["8bit"])[:2]
        self.said = ""  # its text, without the parts for machines
        self.mail = self.build(body)

    def text(self, body, kind="text/plain"):
        body = re.sub(r"\{letter ([^}]*)\}",
                      lambda m: LETTER.format(m.group(1)), body)
        data = body.encode(self.charset)
        if self.encoding == "base64":
            data = base64.encodebytes(data)
        elif self.encoding == "quoted-printable":
            data = quopri.encodestring(data)
        return (f"Content-Type: {kind}; charset={self.charset}\n"
                f"Content-Transfer-Encoding: {self.encoding}\n\n"
                ).encode() + data

    def part(self, title, body):
        words = title.split()
        kind = words[0]
        if kind in ("original", "headers"):
            whole = kind == "original"
            to = words[1] if len(words) > 1 else sorted(self.recipients)[0]
            kind = "message/rfc822" if whole else "text/rfc822-headers"
            body = LETTER.format(to) + (
                "\nExcellency,\n\nYou are invited.\n" if whole else "")
        if kind.startswith("text/") and kind != "text/rfc822-headers":
            return self.text(body, kind)
        return f"Content-Type: {kind}\n\n{body}\n".encode()

    def words(self, text):
        """One encoded word (RFC 2047)."""
        data = base64.b64encode(text.encode(self.charset)).decode()
        return f"=?{self.charset}?B?{data}?="

    def header(self, text):
        lines = []
        for line in text.splitlines():
            if line == "<>":
                line = "Return-Path: <>"
            name, colon, value = line.partition(": ")
            if not line.isascii() and colon:
                address = re.search(r" <\S+>$", value)
                end = address.group(0) if address else ""
                value = value[:len(value) - len(end)]
                line = f"{name}: {self.words(value)}{end}"
            lines.append(line)
        if not re.search(r"(?mi)^to:", text):
            lines.append("To: bureau@chancery.example")
        return "\n".join(lines) + "\n" + COMMON.format(self.name)

    def build(self, body):
        head, _, body = body.partition("\n\n")
        pieces = re.split(r"(?m)^--- ([a-z]\S*/\S+|original.*|headers.*)\n",
                          body)
        self.said = pieces[0]
        head = self.header(head).encode()
        if re.search(rb"(?mi)^content-type:", head):
            return head + b"\n" + body.encode(self.charset)
        if len(pieces) == 1:
            return head + self.text(body)
        titles = pieces[1::2]
        report = [REPORTS[t] for t in titles if t in REPORTS]
        top = f"multipart/report; report-type={report[0]}" if report \
            else "multipart/mixed"
        parts = [self.text(pieces[0])] + [
            self.part(*each) for each in zip(titles, pieces[2::2])]
        return head + (f'Content-Type: {top}; boundary="=_b"\n\n'.encode() +
                       b"".join(b"--=_b\n" + part + b"\n" for part in parts) +
                       b"--=_b--\n")

    def wrong(self, kind, recipients, status):
        """What is wrong with a verdict, or ""."""
        if kind not in self.kinds:
            return f"kind {kind}, not {'/'.join(self.kinds)}"
        if set(recipients) != self.recipients and self.recipients:
            return f"recipients {recipients}, not {sorted(self.recipients)}"
        if not {"-", status} & set(self.status.split("/")):
            return f"status {status}, not {self.status}"
        return ""


def samples(folder):
    found = []
    for path in sorted(pathlib.Path(folder).glob("*.txt")):
        pieces = re.split(r"(?m)^=== (.*)\n", path.read_text("utf-8"))
        found += [Sample(*each) for each in zip(pieces[1::2], pieces[2::2])]
    return found
