#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chanceryd with real workers, and mailboxes on hostile servers: letters are
sent as if nothing were, and each mailbox says what is wrong with it."""
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
import harness
import imap_peer
from imap_peer import Closed, Peer, Session

LETTERS = 300
MAIL = (b"From: minister@fr.members.example\r\n"
        b"Message-ID: <%d@fr.members.example>\r\n"
        b"Subject: mail %d\r\n\r\nWe shall be four.\r\n")
MAILS = {uid: MAIL % (uid, uid) for uid in (3, 5)}


class HugeLiteral(Session):
    def give(self, uid, mail, part):
        self.raw(f"* 1 FETCH (UID {uid} BODY[] {{4000000000}}\r\n")
        while True:
            self.raw(b"x" * 65536)


class Parentheses(Session):
    def on_uid_search(self, rest):
        self.say("* 1 FETCH (UID 3 BODYSTRUCTURE " + "(" * 60000)
        self.ok()


class Flood(Session):
    def on_noop(self, _):
        while True:
            self.raw(b"* 1 FETCH (FLAGS (\\Seen))\r\n" * 2000)


class EndlessLine(Session):
    def greet(self):
        self.raw("* OK ")
        while True:
            self.raw(b"x" * 65536)


class Silent(Session):
    def on_examine(self, _):
        self.hang()


class Leaves(Session):
    """Gives one mail, and breaks off in the other."""

    def give(self, uid, mail, part):
        if uid != 5:
            super().give(uid, mail, part)
            return
        self.raw(f"* 1 FETCH (UID {uid} BODY[] {{{len(mail)}}}\r\nabc")
        raise Closed


HOSTILE = {"huge": (HugeLiteral, "literal of 4000000000"),
           "deep": (Parentheses, "parentheses"),
           "flood": (Flood, "more in answer"),
           "line": (EndlessLine, "longer than"),
           "silent": (Silent, "in time"),
           "leaves": (Leaves, "closed")}


def mailbox(room, name, peer):
    return {"name": name, "port": peer.port, "tls": "none", "auth": "plain",
            "user": imap_peer.USER, "password": str(room.root / "password"),
            "command_timeout": "2s", "poll": "1s"}


def test_hostile_mailboxes_do_not_disturb_sending():
    peers = {name: Peer(session, MAILS)
             for name, (session, _) in HOSTILE.items()}
    with harness.Sink() as sink, harness.Room() as room:
        (room.root / "password").touch(0o600)
        (room.root / "password").write_text(imap_peer.PASSWORD)
        room.configure([sink.relay()],
                       [mailbox(room, *item) for item in peers.items()])
        room.start()
        room.enqueue("DM-1", harness.table(LETTERS))
        room.wait_letters("DM-1", sent=LETTERS)
        assert len(sink.taken()) == len(set(sink.taken())) == LETTERS

        def text_of(name):
            found = [m["text"] for m in room.status()["mailboxes"]
                     if m["name"] == name]
            assert len(found) == 1, found
            return found[0]

        for name, (_, text) in HOSTILE.items():
            harness.wait_for(f"{name}: {text}",
                             lambda n=name, t=text: t in text_of(n))
            harness.wait_for(f"{name}: tried again",
                             lambda p=peers[name]: p.connections > 1)
        # What was read before is not read again.
        returns = room.get("/v1/returns?limit=1000").json["returns"]
        assert [(r["mailbox"], r["subject"]) for r in returns] == [
            ("leaves", "mail 3")], returns
        assert len(peers["leaves"].said("UID FETCH 3 (UID BODY")) == 1
        assert room.stop() == 0, room.log()
        room.start()
        assert room.batch("DM-1")["letters"]["sent"] == LETTERS
    for peer in peers.values():
        peer.__exit__()


def test_a_mail_that_ends_its_reader_is_listed_after_the_second_time():
    """While it is looked into: known at once. While several are fetched: found
    by reading one by one. What comes behind is read."""
    class One(Session):
        """Ends whoever asks for the bytes of one mail, alone or among others:
        the test kills the reader, which waits."""

        def on_uid_fetch(self, rest):
            if self.peer.hurts and "BODY" in rest and \
                    5 in self.uids_of(rest.split()[2]):
                self.peer.commands.append("KILL")
                self.hang()
            super().on_uid_fetch(rest)

    with Peer(One, {uid: MAIL % (uid, uid) for uid in (3, 4, 5, 6)}) as peer, \
            harness.Room() as room:
        peer.hurts = True
        (room.root / "password").touch(0o600)
        (room.root / "password").write_text(imap_peer.PASSWORD)
        room.configure(mailboxes=[{**mailbox(room, "desk", peer),
                                   "command_timeout": "30m"}])
        room.start()
        for count in (1, 2):
            harness.wait_for("it is asked for",
                             lambda n=count: len(peer.said("KILL")) == n)
            children = pathlib.Path(f"/proc/{room.process.pid}/task/"
                                    f"{room.process.pid}/children")
            for child in children.read_text().split():
                os.kill(int(child), signal.SIGKILL)
        harness.wait_for("all", lambda: room.status()["mailboxes"][0]
                         ["last_uid"] == 6)
        returns = room.get("/v1/returns?limit=1000").json["returns"]
        assert [(r["uid"], r["rule"] == "unread") for r in returns] == [
            (3, False), (4, False), (5, True), (6, False)], returns
        assert "signal 9" in returns[2]["fault"], returns[2]
        assert room.wait_event("alarm.unread")
        # a person wants it read by a reader that is another one now
        peer.hurts = False
        for number, code in ((returns[0]["cursor"], 65), (4711, 66),
                             ("x", 64), (returns[2]["cursor"], 0)):
            assert reread(room, number) == code, (number, code)
        harness.wait_for("it is read", lambda: "alarm.unread" not in [
            a["type"] for a in room.status()["alarms"]] and len(
                room.get("/v1/returns").json["returns"]) == 5)
        harness.wait_for("and what is behind it", lambda: room.status()[
            "mailboxes"][0]["last_uid"] == 6)
        returns = room.get("/v1/returns?limit=1000").json["returns"]
        assert [(r["uid"], r["rule"] == "unread") for r in returns] == [
            (3, False), (4, False), (5, True), (6, False),
            (5, False)], returns
        assert returns[4]["subject"] == "mail 5"
        event = room.wait_event("return.reread")
        assert event["detail"]["uid"] == 5 and event["who"], event
        assert room.stop() == 0, room.log()


def reread(room, number):
    return subprocess.run(
        [harness.BUILD / "chancery", "--socket-dir", room.root, "reread",
         str(number)], stdin=subprocess.DEVNULL, capture_output=True,
        check=False, timeout=harness.TIMEOUT).returncode


if __name__ == "__main__":
    harness.run_all(globals())
