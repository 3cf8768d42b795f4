#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""mailbox.py - how fast a folder is read for the first time, and what it costs.

  mailbox.py [--mails N] [--large MIB]

Run by `make bench`; needs top_srcdir and top_builddir. A real Dovecot in a
namespace of its own has a folder of N mails, half of them bounces of some 3 KB
and half short answers, behind TLS; a daemon with a real store reads it until
each has its row. Then a mail of so many MiB comes in. The last line is a JSON
object. Nothing is measured where the server cannot be had.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(os.environ["top_srcdir"]).resolve()
sys.path[:0] = [str(SOURCE / "tests/system"), str(SOURCE / "tests/servers")]
import harness  # noqa: E402

BOUNCE = """Return-Path: <>
Delivered-To: bounces@chancery.example
From: Mail Delivery System <MAILER-DAEMON@mx{i}.example>
To: bounces@chancery.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce{i}@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b{i}"

--b{i}
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.

I'm sorry to have to inform you that your message could not be delivered to
one or more recipients.

<minister{i}@gone.example>: host mx.gone.example said: 550 5.1.1 no such user

--b{i}
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Tue, 24 Nov 2026 10:00:00 +0000

Final-Recipient: rfc822; minister{i}@gone.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b{i}
Content-Type: message/rfc822

From: registry@secretariat.example
To: minister{i}@gone.example
Subject: Invitation
Message-ID: <letter{i}@chancery.example>

{text}
--b{i}--
"""
ANSWER = """Return-Path: <minister@m{i}.example>
Delivered-To: bounces@chancery.example
From: "Minister" <minister@m{i}.example>
To: bounces@chancery.example
Subject: Re: Invitation
Message-ID: <answer{i}@m{i}.example>
In-Reply-To: <letter{i}@chancery.example>

We shall be four.

> You are invited.
"""
TEXT = "We have the honour to invite you to the third session.\n" * 30


def fill(maildir, count, owner):
    for name in ("new", "cur", "tmp"):
        (maildir / name).mkdir(parents=True)
    for i in range(count):
        mail = (BOUNCE if i % 2 else ANSWER).format(i=i, text=TEXT)
        (maildir / "new" / f"17{i:08}.M1P1.mx").write_text(mail)
    subprocess.run(["chown", "-R", owner, maildir.parent], check=True)


def memory_of(room):
    """The most that the reader and the daemon had, in KiB."""
    def peak(pid):
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"VmHWM:\s*(\d+)", text)[1])
    pid = room.process.pid
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return max(peak(child) for child in children.split()), peak(pid)


def read_to(room):
    return room.status()["mailboxes"][0]["last_uid"]


def measure(options):
    import mailhost
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        root.chmod(0o755)
        mailhost.certificates(root / "tls")
        facts, servers = mailhost.begin(root)
        maildir = pathlib.Path(facts["bureau"])
        try:
            fill(maildir, options.mails, "postfix")
            return read(options, facts, maildir)
        finally:
            mailhost.end(servers)


def read(options, facts, maildir):
    with harness.Room() as room:
        password = room.root / "password"
        password.touch(0o600)
        password.write_text(facts["password"])
        room.configure(mailboxes=[{
            "name": "bureau", "host": "localhost", "port": facts["imaps"],
            "ca_file": facts["ca_file"], "user": facts["user"],
            "password": str(password), "max_message": "256MiB"}])
        room.start()
        harness.wait_for("the first mail", lambda: read_to(room) > 0, 600)
        began = time.monotonic()
        harness.wait_for("all", lambda: read_to(room) >= options.mails, 1200)
        seconds = time.monotonic() - began
        reader, daemon = memory_of(room)
        large = maildir / "tmp/large"
        with open(large, "w", encoding="ascii") as mail:
            mail.write(ANSWER.format(i=options.mails))
            for _ in range(options.large << 10):
                mail.write("x" * 1022 + "\r\n")
        subprocess.run(["chown", "postfix", large], check=True)
        large.rename(maildir / "new/1800000000.M1P1.mx")
        harness.wait_for("the large one",
                         lambda: read_to(room) > options.mails, 600)
        return {"mails": options.mails,
                "mails_per_second": round(options.mails / seconds),
                "reader_kib": reader, "daemon_kib": daemon,
                "large_mib": options.large,
                "reader_kib_then": memory_of(room)[0]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mails", type=int, default=100000)
    parser.add_argument("--large", type=int, default=200)
    parser.add_argument("inside", nargs="?")
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(measure(options)))
        return 0
    return harness.among_servers(
        __file__, "--mails", str(options.mails), "--large",
        str(options.large))


if __name__ == "__main__":
    sys.exit(main())
