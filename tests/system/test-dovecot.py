#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chancery-receive against a real Dovecot, with mail by a real Postfix, in a
namespace of their own. Skipped where the servers cannot be downloaded or no
namespace can be made."""
import email.message
import email.policy
import hashlib
import imaplib
import os
import pathlib
import random
import re
import smtplib
import ssl
import sys
import tempfile
import time

TOP = pathlib.Path(os.environ["top_srcdir"])
SERVERS = TOP / "tests/servers"
sys.path.insert(0, str(TOP / "tests/system"))
sys.path.insert(0, str(SERVERS))
import harness
import mailhost
from receiver import (AUTH_FAULT, FAULT_STATUS, TLS_FAULT, UNLIMITED, Place,
                      receive)

BOUNCE_HARD, REPLY = 0, 7
TOKEN = "aaaaaaaaaeaaaaab-apschjeob2o7jn3z6"
SENDER = f"bounces+{TOKEN}@chancery.example"


class Host:
    """The servers, and what a test does with them besides reading."""

    def __init__(self, facts):
        self.facts = facts
        self.maildir = pathlib.Path(self.facts["bureau"])
        self.tls = ssl.create_default_context(cafile=self.facts["ca_file"])

    def deliver(self, subject, sender="minister@fr.members.example",
                text="We shall be four.\n", to="bureau@chancery.example"):
        """A ministry writes to us."""
        mail = email.message.EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        mail["Message-ID"] = f"<{subject}@fr.members.example>"
        mail["In-Reply-To"] = "<letter-1@chancery.example>"
        mail.set_content(text)
        with smtplib.SMTP("127.0.0.1", self.facts["ministry_smtp"]) as smtp:
            smtp.sendmail(sender, [to], mail.as_bytes())

    def send(self, to):
        """We write to a ministry, from an envelope address with a token."""
        mail = email.message.EmailMessage()
        mail["From"], mail["To"] = "bureau@chancery.example", to
        mail["Subject"] = "Invitation"
        mail["Message-ID"] = "<letter-1@chancery.example>"
        mail.set_content("You are invited.\n")
        with smtplib.SMTP("localhost", self.facts["smtp"]) as smtp:
            smtp.starttls(context=self.tls)
            smtp.login(self.facts["user"], self.facts["password"])
            smtp.sendmail(SENDER, [to], mail.as_bytes())

    def wait_for_mails(self, count):
        end = time.monotonic() + 60
        while len(self.files()) < count:
            assert time.monotonic() < end, self.files()
            time.sleep(0.02)

    def files(self):
        return [path for folder in ("new", "cur")
                for path in (self.maildir / folder).glob("*")]

    def imap(self):
        """A connection of somebody else."""
        other = imaplib.IMAP4_SSL("localhost", self.facts["imaps"],
                                  ssl_context=self.tls)
        other.login(self.facts["user"], self.facts["password"])
        return other

    def delete(self, uid):
        """Somebody else deletes a mail."""
        with self.imap() as other:
            other.select()
            other.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)")
            other.expunge()

    def uidvalidity(self):
        with self.imap() as other:
            other.select(readonly=True)
            return int(other.untagged_responses["UIDVALIDITY"][0])

    def number_anew(self):
        """Dovecot forgets its numbers, and takes others; again where a process
        of an earlier connection has written them down in the meantime."""
        before = self.uidvalidity()
        end = time.monotonic() + 60
        while self.uidvalidity() == before:
            assert time.monotonic() < end
            for path in self.maildir.glob("dovecot*"):
                path.unlink(missing_ok=True)
            time.sleep(0.1)


def begin(host, place, tls="implicit", **options):
    port = host.facts["imap" if tls == "starttls" else "imaps"]
    options.setdefault("ca_file", host.facts["ca_file"])
    return place.begin(port, tls=tls, **options)


def every_way_in(host, root):
    host.deliver("first")
    host.wait_for_mails(1)
    for tls in ("starttls", "implicit"):
        for auth in ("any", "plain", "login", "cram-md5"):
            place = Place(root, f"{tls}-{auth}")
            worker = begin(host, place, tls, auth=auth)
            mail = receive(worker, 1)[0]
            assert mail["subject"] == b"first" and mail["kind"] == REPLY
            assert mail["received_us"] > 1.7e15, mail
            assert place.stop() == 0, place.stderr()


def with_a_token(host, root):
    """A JWT; one that has run out, and one that is none, are refused, and the
    server says why in a challenge."""
    user = host.facts["user"]
    good = mailhost.token(user)
    for auth in ("xoauth2", "oauthbearer"):
        place = Place(root, f"token-{auth}")
        worker = begin(host, place, auth=auth, password_file="",
                       password=good, password_number=1)
        assert receive(worker, 1)[0]["subject"] == b"first"
        assert place.stop() == 0, place.stderr()
        for i, bad in enumerate((mailhost.token(user, -10), "no.token.at-all",
                                 good[:-1])):
            place = Place(root, f"bad-token-{auth}-{i}")
            worker = begin(host, place, auth=auth, password_file="",
                           password=bad, password_number=1)
            state = worker.expect("receive-state")
            assert state["fault"] == AUTH_FAULT, state
            assert b'"status":"' in state["text"], state
            assert worker.receive() is None and worker.wait() == FAULT_STATUS


def what_is_refused(host, root):
    for name, fault, options in (
            ("password", AUTH_FAULT, {"user": "nobody\u00fc\"",
                                      "password_file": "/etc/hostname"}),
            ("issuer", TLS_FAULT, {"ca_file": ""})):
        place = Place(root, name)
        worker = begin(host, place, **options)
        state = worker.expect("receive-state")
        assert state["connected"] == 0 and state["fault"] == fault, state
        assert worker.receive() is None and worker.wait() == FAULT_STATUS


def news_come_while_idle(host, root):
    """Also: nothing is marked, and a real bounce is known for what it is."""
    place = Place(root, "idle")
    worker = begin(host, place)
    assert receive(worker, 1)[0]["subject"] == b"first"
    assert worker.expect("receive-state")["reading"] == 0
    host.deliver("second")
    assert receive(worker, 1)[0]["subject"] == b"second"
    host.send("gone@fr.members.example")
    mail = receive(worker, 1)[0]
    assert mail["kind"] == BOUNCE_HARD, mail
    assert mail["token"].decode() == TOKEN, mail
    assert b"letter-1@chancery.example" in mail["references"], mail
    assert mail["recipients"][0]["address"] == b"gone@fr.members.example"
    assert mail["recipients"][0]["status"].startswith(b"5."), mail
    assert place.object(mail) in [path.read_bytes().replace(b"\n", b"\r\n")
                                  for path in host.files()]
    assert place.stop() == 0, place.stderr()
    assert [path.name for path in host.files() if "S" in
            path.name.partition(":2,")[2]] == []
    return mail


def goes_on_where_it_was(host, root, last):
    place = Place(root, "on")
    worker = begin(host, place, uidvalidity=last["uidvalidity"],
                   last_uid=last["uid"])
    host.deliver("third", text="x" * 70 + "\n" + ("y" * 70 + "\n") * 3000)
    mail = receive(worker, 1)[0]
    assert mail["subject"] == b"third", mail
    assert place.stop() == 0
    place = Place(root, "part")
    worker = begin(host, place, uidvalidity=last["uidvalidity"],
                   last_uid=last["uid"], max_message_bytes=65536)
    mail = receive(worker, 1)[0]
    assert len(place.object(mail)) == 65536 and mail["size_bytes"] > 200000
    assert b"first 65536" in mail["fault"], mail
    assert place.stop() == 0


def one_is_deleted_meanwhile(host, root, last):
    place = Place(root, "deleted")
    worker = begin(host, place, singly_validity=last["uidvalidity"],
                   singly_to=last["uid"])  # or all are there already
    first = receive(worker, 1, ack=False)[0]
    host.delete(last["uid"])
    worker.send("receive-ack", uidvalidity=first["uidvalidity"],
                uid=first["uid"])
    subjects = [mail["subject"] for mail in receive(worker, 2)]
    assert subjects == [b"second", b"third"], subjects
    assert place.stop() == 0


def all_again_after_new_numbers(host, root, last):
    host.number_anew()
    place = Place(root, "anew")
    worker = begin(host, place, uidvalidity=last["uidvalidity"],
                   last_uid=last["uid"] + 10)
    mails = receive(worker, 3)
    assert {mail["uidvalidity"] for mail in mails} != {last["uidvalidity"]}
    assert sorted(mail["subject"] for mail in mails) == [
        b"first", b"second", b"third"]
    assert place.stop() == 0


def moves_what_is_done_with(host, root):
    """The bounce by MOVE, with its keyword; the rest has the keyword only."""
    with host.imap() as other:
        other.create("Done")
        other.select(readonly=True)
        before = int(other.uid("SEARCH", None, "ALL")[1][0].split()[-1])
    place = Place(root, "moves")
    worker = begin(host, place, move_reports="Done", keyword="$Chancery")
    assert len(receive(worker, 3)) == 3
    host.send("gone@fr.members.example")
    mail = receive(worker, 1)[0]
    assert mail["kind"] == BOUNCE_HARD and mail["uid"] > before, mail
    assert worker.expect("receive-state")["reading"] == 0
    assert place.stop() == 0, place.stderr()
    with host.imap() as other:
        other.select(readonly=True)
        assert len(other.uid("SEARCH", None, "ALL")[1][0].split()) == 3
        assert len(other.uid("SEARCH", None, "KEYWORD $Chancery")[1][0]
                   .split()) == 3
        assert other.uid("SEARCH", None, "SEEN")[1][0] == b""
        other.select("Done", readonly=True)
        assert len(other.uid("SEARCH", None, "KEYWORD $Chancery")[1][0]
                   .split()) == 1


def forms_of_megabytes(host, root):
    """A real server gives a mail of 40 MB in parts: what is attached is the
    same as Python finds, in no more memory than a small mail takes."""
    sent = email.message.EmailMessage()
    sent["From"], sent["Subject"] = "minister@fr.members.example", "forms"
    sent.set_content("Scanned, as you asked.\n")
    for i in range(3):
        sent.add_attachment(random.Random(i).randbytes(9 << 20),
                            "application", "pdf", filename=f"form-{i}.pdf")
    raw = sent.as_bytes(policy=email.policy.SMTP)
    with host.imap() as other:
        other.create("Forms")
        assert other.append("Forms", None, None, raw)[0] == "OK"
    place = Place(root, "forms")
    worker = begin(host, place, folder="Forms", max_message_bytes=64 << 20)
    mail = receive(worker, 1)[0]
    status = pathlib.Path(f"/proc/{worker.pid}/status").read_text()
    most = int(re.search(r"VmHWM:\s*(\d+)", status)[1])
    assert place.stop() == 0, place.stderr()
    found = email.message_from_bytes(place.object(mail),
                                     policy=email.policy.default)
    assert mail["fault"] == b"" and mail["size_bytes"] == len(raw) > 30 << 20
    assert [(file["name"].decode(), file["size_bytes"], file["sha256"])
            for file in mail["files"]] == [
        (part.get_filename(), len(part.get_content()),
         hashlib.sha256(part.get_content()).digest())
        for part in found.iter_attachments()]
    assert len(mail["files"]) == 3
    assert UNLIMITED or most < 40 * 1024, most


def inside():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        with harness.mail_servers(root) as facts:
            host = Host(facts)
            Place.certificates = pathlib.Path(host.facts["ca_file"]).parent
            Place.user = host.facts["user"]
            Place.secret = host.facts["password"]
            every_way_in(host, root)
            with_a_token(host, root)
            what_is_refused(host, root)
            last = news_come_while_idle(host, root)
            goes_on_where_it_was(host, root, last)
            one_is_deleted_meanwhile(host, root, last)
            all_again_after_new_numbers(host, root, last)
            moves_what_is_done_with(host, root)
            forms_of_megabytes(host, root)
    return 0


if __name__ == "__main__":
    sys.exit(inside() if sys.argv[1:] == ["inside"] else
             harness.among_servers(__file__))
