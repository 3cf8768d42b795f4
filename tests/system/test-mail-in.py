#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail as a stranger writes it, over IMAP through the real reader into a mail
room, and on to all that people and programs see of it. The test plays the mail
server and, where it needs a token, the sender."""
import base64
import gzip
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
import harness
import imap_peer
from imap_peer import Peer, Session

CHANCERY = str(harness.BUILD.resolve() / "chancery")
# Title, clipboard, screen; right-to-left; C1; delete.
HOSTILE = "\x1b]0;x\x07\x1b]52;c;eA==\x07\x1b[2J\u202eevil\u2066\x9b2J\x7f"
DANGEROUS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f"
                       "\u202a-\u202e\u2066-\u2069]")


class Room(harness.Room):
    """A mailbox "desk" at a peer, and a program that is told of alarms."""

    def __init__(self, peer, relays=(), puppets=()):
        super().__init__(puppets=puppets)
        password = self.root / "password"
        password.touch(0o600)
        password.write_text(imap_peer.PASSWORD)
        self.heard = self.root / "heard"
        program = self.root / "tell"
        program.write_text(f"#!/bin/sh\ncat >>{self.heard}\n")
        program.chmod(0o755)
        self.configure(
            relays or [{"name": "desk", "port": 9, "connections": 1}],
            [{"name": "desk", "port": peer.port, "tls": "none",
              "auth": "plain", "user": imap_peer.USER,
              "password": str(password), "poll": "1s"}],
            alarms={"command": [str(program)], "every": "1s"})

    def returns(self):
        found, after = [], 0
        while after is not None:
            page = self.get(f"/v1/returns?limit=1000&after={after}").json
            found += page["returns"]
            after = page["next"]
        return found

    def wait_read(self, uid):
        harness.wait_for(f"mail {uid} is read", lambda: self.status()
                         ["mailboxes"][0]["last_uid"] == uid)

    def chancery(self, *words):
        run = subprocess.run(
            [CHANCERY, "--socket-dir", self.root, *map(str, words)],
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=harness.TIMEOUT)
        assert run.returncode == 0, (words, run)
        return run.stdout

    def reader(self):
        """Its process; it is the one that was started first."""
        pids = harness.children_of(self.process.pid, "chancery-receiv")
        assert len(pids) == 1, pids
        return pids[0]


# ---- what people and programs see ------------------------------------------

def hostile_mails(token):
    words = HOSTILE.encode()
    encoded = "=?utf-8?b?" + base64.b64encode(
        words).decode() + "?="
    line = HOSTILE.replace("\x07", "").encode()  # as a header may be
    answer = (b"From: \"" + line + b"\" <minister@aaa.example>\r\n"
              b"Subject: " + line + encoded.encode() + b"\r\n"
              b"Message-ID: <" + line + b"@aaa.example>\r\n"
              b"To: bounces+" + token + b"@chancery.example\r\n"
              b"In-Reply-To: <x@chancery.example>\r\n"
              b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
              b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
              b"We come. " + words + b"\r\n"
              b"--b\r\nContent-Type: application/pdf\r\n"
              b"Content-Disposition: attachment; filename=\"../../" + line +
              b".pdf\"\r\n\r\nform\r\n--b--\r\n")
    bounce = (b"Delivered-To: bounces+" + token + b"@chancery.example\r\n"
              b"From: " + line + b" <MAILER-DAEMON@mx.example>\r\n"
              b"Subject: " + line + b"\r\n"
              b"Content-Type: multipart/report; boundary=b;"
              b" report-type=delivery-status\r\n\r\n"
              b"--b\r\n\r\n" + words + b"\r\n"
              b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
              b"Reporting-MTA: dns; mx.example\r\n\r\n"
              b"Final-Recipient: rfc822; minister@aaa.example\r\n"
              b"Action: failed\r\nStatus: 5.1.1\r\n"
              b"Diagnostic-Code: smtp; 550 5.1.1 " + line + b"\r\n\r\n"
              b"Final-Recipient: rfc822; " + line + b"@aaa.example\r\n"
              b"Action: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n")
    return answer, bounce


def test_nothing_that_is_shown_commands_a_terminal():
    with Peer(Session, {}) as peer, Room(peer, puppets=["send"]) as room:
        room.start()
        room.enqueue("DM-1", "key,language,to,name\n"
                     "AAA,en,minister@aaa.example,Aland\n")
        sender = room.puppet("send")
        sender.ready(1)
        letter = sender.letter()
        harness.send(sender, letter)
        token = letter["envelope_from"].split(b"+")[1].split(b"@")[0]
        for uid, mail in enumerate(hostile_mails(token), 1):
            peer.add(uid, mail)
        room.wait_read(2)
        found = room.returns()
        assert [r["kind"] for r in found] == ["reply", "bounce_hard",
                                              "bounce_hard"], found
        assert all(r["key"] == "AAA" and r["verified"] for r in found), found
        # It is all there, for those who know what they do.
        assert HOSTILE in found[0]["text"], found[0]
        assert "\x1b]52;c;eA==" in found[1]["diagnostic"], found[1]
        harness.wait_for("alarms are told",
                         lambda: room.heard.exists() and
                         room.heard.read_text().count("alarm.bounce") == 2)
        folder = room.root / "saved"
        verbs = [("status",), ("status", "DM-1"), ("letters", "DM-1"),
                 ("show", "DM-1/AAA"), ("returns",), ("returns", "DM-1/AAA"),
                 ("events",), ("reply", found[0]["cursor"]),
                 ("reply", found[1]["cursor"]),
                 ("reply", found[0]["cursor"], "--save-attachments", folder),
                 ("status", "--json"), ("letters", "DM-1", "--json"),
                 ("returns", "--json"), ("show", "DM-1/AAA", "--json"),
                 ("reply", found[0]["cursor"], "--json")]
        for words in verbs:
            out = room.chancery(*words).decode()
            assert not DANGEROUS.search(out), (words, out)
        saved, = folder.iterdir()
        assert saved.read_bytes() == b"form", saved
        assert not DANGEROUS.search(saved.name), saved.name
        # The journal, the alarms' program, and what pages and programs read.
        assert not DANGEROUS.search(room.log()), room.log()
        assert "AAA" in room.heard.read_text()
        for line in room.heard.read_text().splitlines():
            json.loads(line)
            assert not re.search("[\x00-\x1f]", line), line
        for target in ("/v1/returns", "/v1/events", "/v1/status",
                       "/v1/batches/DM-1/letters"):
            body = room.get(target).body.decode()
            assert not re.search("[\x00-\x09\x0b-\x1f]", body), (target, body)
        # The page that shows them has no way to take text for anything else.
        page = room.get("/").body.decode()
        assert "textContent" in page
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|"
                             r"document\.write|DOMParser|srcdoc|javascript:|"
                             r"\beval\b|createContextualFragment", page)


# ---- our own letter --------------------------------------------------------

def test_our_own_letter_comes_back_in_every_shape():
    before = {
        "redirected": b"Received: from mx by mailbox.example;"
                      b" Tue, 24 Nov 2026 01:02:03 +0000\r\n"
                      b"Resent-From: <minister@k1.example>\r\n",
        "sent on by a rule": b"Auto-Submitted: auto-forwarded\r\n",
        "by a rule of Exchange": b"X-MS-Exchange-Generated-Message-Source: "
                                 b"Mailbox Rules Agent\r\n",
        "through a list": b"Precedence: list\r\nList-Id: <x.example>\r\n",
        "without a sender": b"Return-Path: <>\r\n",
    }
    with Peer(Session, {}) as peer, Room(peer, puppets=["send"]) as room:
        room.start()
        room.post("/v1/pause")
        room.enqueue("DM-1", harness.table(len(before) + 1))
        keys = sorted(room.letters("DM-1"))
        own = {key: room.chancery("show", f"DM-1/{key}", "--eml")
               for key in keys}
        for uid, (shape, key) in enumerate(zip(before, keys), 1):
            peer.add(uid, before[shape] + own[key])
        last = len(before) + 1
        peer.add(last, b"From: minister@k1.example\r\nSubject: Fwd: Session\r\n"
                 b"Message-ID: <fwd@k1.example>\r\n"
                 b"Content-Type: message/rfc822\r\n\r\n" + own[keys[-1]])
        room.wait_read(last)
        found = {r["uid"]: r for r in room.returns()}
        for uid, (shape, key) in enumerate(zip(before, keys), 1):
            assert found[uid]["rule"] == "own-letter", (shape, found[uid])
            assert found[uid]["key"] == key, (shape, found[uid])
            assert found[uid]["kind"] == "other", (shape, found[uid])
        # What was sent on as an attachment is a mail of him who did that: no
        # loop, and no answer.
        assert found[last]["key"] == keys[-1], found[last]
        assert found[last]["kind"] == "other", found[last]
        assert found[last]["rule"] != "own-letter", found[last]
        batch = room.batch("DM-1")
        assert (batch["answered"], batch["auto_replied"]) == (0, 0), batch
        loops = [e for e in room.events() if e["type"] == "alarm.loop"]
        assert len(loops) == 1, loops
        assert [a["type"] for a in room.status()["alarms"]] == ["alarm.loop"]


# ---- bombs -----------------------------------------------------------------

def zip_bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("form.txt", bytes(256 << 20))
    return file.getvalue()


def attached(content_type, content, more=b""):
    encoded = base64.encodebytes(content)
    return (b"From: x@y.example\r\nSubject: form\r\n"
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            b"--b\r\nContent-Type: text/plain\r\n\r\nplease find\r\n"
            b"--b\r\nContent-Type: " + content_type +
            b"\r\nContent-Disposition: attachment; filename=form\r\n" + more +
            b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded +
            b"\r\n--b--\r\n")


def bombs():
    gzipped = gzip.compress(bytes(64 << 20))
    zstd = b"\x28\xb5\x2f\xfd" + b"\xff" * 1000
    return {
        "parts in parts": b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
            % (i, i) for i in range(10000)),
        "messages in messages":
            b"Content-Type: message/rfc822\r\n\r\n" * 10000 + b"x",
        "comments in From": b"From: " + b"(" * 10000 + b"\r\n\r\nx",
        "endless comments": b"From: " + b"(" * 300000 + b"\r\n\r\nx",
        "comments in all": b"".join(
            name + b": a@b.example " + b"(\\(" * 3000 + b"\r\n" for name in (
                b"From", b"To", b"Date", b"Received", b"In-Reply-To",
                b"References", b"Message-ID", b"Content-Type",
                b"Content-Transfer-Encoding")) + b"\r\nx",
        "groups": b"To: " + b"a:" * 10000 + b"\r\nCc: " + b"<" * 10000 +
                  b"\r\n\r\nx",
        "a report of commas": b"Content-Type: multipart/report; boundary=b"
            b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" +
            b"Final-Recipient: rfc822;,,;\r\n\r\n" * 20000,
        "zip": attached(b"application/zip", zip_bomb()),
        "gzip by encoding": attached(
            b"text/plain", gzipped, b"Content-Encoding: gzip\r\n"),
        "text in gzip": b"Content-Type: text/plain\r\n"
                        b"Content-Encoding: gzip\r\n\r\n" + gzipped,
        "zstd from the first byte": zstd,
        "gzip from the first byte": gzipped[:1000],
        "no such charset": b"Subject: =?x-none?b?/////w==?=\r\nContent-Type: "
            b"text/plain; charset=x-none\r\n\r\n\xff\xfe\x80",
        "no charset at all": b"Content-Type: text/plain; charset=\"\xff\xfe\""
            b"\r\n\r\n\xff\xfe\x80",
        "broken charset": b"Content-Type: text/plain; charset=utf-7\r\n\r\n"
            b"+AAAA-+////-\xc3\x28\xf0\x9f",
        "charset of another": b"Content-Type: text/plain; "
            b"charset=iso-2022-jp\r\n\r\n\x1b$B" + b"\xff" * 3000,
        "nothing": b"",
        "a NUL": b"From: a\0b@x.example\r\nSubject: \0\r\n\r\n\0",
    }


def test_bombs_are_kept_and_listed_and_end_nobody():
    mails = dict(enumerate(bombs().values(), 1))
    names = dict(enumerate(bombs(), 1))
    mails[len(mails) + 1] = b"From: m@aaa.example\r\nSubject: last\r\n\r\nx"
    with Peer(Session, mails) as peer, Room(peer) as room:
        room.start()
        room.wait_read(len(mails))
        status = pathlib.Path(f"/proc/{room.reader()}/status").read_text()
        found = {r["uid"]: r for r in room.returns() if r["uid"]}
        assert sorted(found) == sorted(mails), sorted(found)
        for uid, mail in mails.items():
            answer = harness.ask(room.control_socket, "GET",
                                 f"/v1/objects/{found[uid]['sha256']}",
                                 headers=[("Accept-Encoding", "zstd")])
            assert harness.unpacked(answer.body) == mail, names.get(uid)
            assert found[uid]["size_bytes"] == len(mail)
        kinds = {names.get(uid): r["kind"] for uid, r in found.items()}
        assert not [name for name, kind in kinds.items()
                    if kind in ("bounce_hard", "delivered", "mdn")], kinds
        faults = [names.get(uid) for uid in mails if found[uid]["fault"]]
        for name in ("parts in parts", "endless comments",
                     "a report of commas", "zstd from the first byte",
                     "gzip from the first byte", "no such charset",
                     "nothing"):
            assert name in faults, (name, faults)
        assert peer.connections == 1
        assert room.status()["worker_restarts"] == 0
        if not harness.SLOW:
            peak = int(re.search(r"VmHWM:\s*(\d+)", status)[1])
            assert peak < 64 * 1024, peak
        assert room.stop() == 0, room.log()


# ---- a flood ---------------------------------------------------------------

class Flood(Session):
    """As much mail as anybody reads, of every kind, until the test ends it."""

    at_once = 500
    ended = False
    last = 0
    kinds = (
        b"Subject: Re: mail %d\r\nIn-Reply-To: <%d@x.example>\r\n",
        b"Subject: away %d\r\nAuto-Submitted: auto-replied; n=%d\r\n",
        b"Return-Path: <>\r\nSubject: failure notice %d\r\nX-N: %d\r\n",
        b"Subject: [BIG] [BIG] %d\r\nIn-Reply-To: <%d@x.example>\r\n",
    )

    def mail(self, uid):
        head = self.kinds[uid % len(self.kinds)] % (uid, uid)
        return (b"From: x%d@strangers.example\r\nMessage-ID: <f%d@x.example>"
                b"\r\n" % (uid, uid) + head + b"\r\nIt could not be "
                b"delivered.\r\n")

    def on_uid_search(self, rest):
        first = int(re.search(r"UID (\d+):\*$", rest)[1])
        if not Flood.ended:
            Flood.last = first + self.at_once - 1
        uids = range(first, Flood.last + 1)
        self.say(" ".join(map(str, ["* SEARCH", *uids])))
        self.ok()

    def on_idle(self, _):
        self.say("+ idling")
        if not Flood.ended:
            self.say(f"* {Flood.last + 1} EXISTS")
        assert self.hear() == "DONE"
        self.ok()

    def uids_of(self, words):
        for run in words.split(","):
            first, _, last = run.partition(":")
            yield from range(int(first), int(last or first) + 1)

    def on_uid_fetch(self, rest):
        for uid in self.uids_of(rest.split()[2]):
            mail = self.mail(uid)
            if "BODY" in rest:
                self.raw(b"* 1 FETCH (UID %d BODY[] {%d}\r\n%b)\r\n"
                         % (uid, len(mail), mail))
            else:
                self.say(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(mail)})")
        self.ok()


def test_a_flood_without_end_stops_no_letter_and_loses_no_mail():
    """All letters are sent while it comes; it ends after that, and each of its
    mails is listed once."""
    letters, least = (100, 1000) if harness.SLOW else (1000, 10000)
    Flood.ended, Flood.last = False, 0
    with harness.Sink() as sink, Peer(Flood) as peer, \
            Room(peer, [sink.relay()]) as room:
        room.start()
        harness.wait_for("the flood", lambda: room.status()["mailboxes"][0]
                         ["last_uid"] > 0)
        room.enqueue("DM-1", harness.table(letters))
        room.wait_letters("DM-1", sent=letters)
        during = room.status()["mailboxes"][0]["last_uid"]
        assert len(sink.taken()) == len(set(sink.taken())) == letters
        harness.wait_for("more of the flood", lambda: Flood.last >= least)
        Flood.ended = True
        room.wait_read(Flood.last)
        print(f"   {letters} letters while {during} mails came", flush=True)
        uids = [r["uid"] for r in room.returns()]
        assert sorted(uids) == list(range(1, Flood.last + 1)), len(uids)
        assert room.status()["worker_restarts"] == 0
        assert room.batch("DM-1")["letters"]["sent"] == letters
        assert room.stop() == 0, room.log()


if __name__ == "__main__":
    harness.run_all(dict(globals()))
