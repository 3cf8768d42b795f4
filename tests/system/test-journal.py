#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own copy of each letter: what a relay makes of it decides nothing of the
letter, and one that comes takes its letter out of doubt. A scripted relay, real
send workers; the test plays the reader of the mailbox."""
import os
import pathlib
import sys

import harness

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
import smtp_peer  # noqa: E402
from smtp_peer import CHUNKS, KEYWORDS, Turns  # noqa: E402

TABLE = ("key,language,to,cc,name\n"
         "AAA,en,minister@aaa.example,,Aland\n"
         "TWO,en,minister@two.example,mission@two.example,Two\n")
ONE = "".join(TABLE.splitlines(True)[:2])
COPIES = {"journal": "journal@chancery.example"}


class Copies(Turns):
    """At RCPT: what is said to the copy, in turns; any other is taken."""

    def __init__(self, *actions):
        super().__init__(*actions)
        self.at = 0

    def next(self):
        return self.answer

    def answer(self, session):
        copy = "RCPT TO:<journal+" in session.said[-1]
        session.perform(self.actions[min(self.at, len(self.actions) - 1)]
                        if copy else b"250 ok\r\n")
        self.at += copy


class Room(harness.Room):
    def __init__(self, port, sending=None, **relay):
        super().__init__(puppets=["receive"])
        password = self.root / "password"
        password.touch(0o600)
        password.write_text("secret")
        self.uid = 0
        self.configure(
            [{"name": "peer", "port": port, "connections": 1, **relay}],
            [{"name": "desk", "port": 9, "tls": "none", "auth": "plain",
              "user": "desk", "password": str(password)}],
            sending={"retry": ["1h"], **COPIES, **(sending or {})})

    def begin(self, **options):
        """Start it; its reader."""
        self.start(**options)
        reader = self.puppet("receive")
        setup = reader.expect("receive-setup")
        assert (setup["journal_prefix"], setup["journal_domain"]) == (
            b"journal", b"chancery.example"), setup
        reader.send("receive-state", connected=1, uidvalidity=7)
        return reader

    def comes(self, reader, copy):
        """A copy, until it is acknowledged; whether it is known as one."""
        self.uid += 1
        reader.send("receive-copy", uidvalidity=7, uid=self.uid, token=copy[0],
                    message_id=copy[1])
        ack = reader.expect("receive-ack")
        assert (ack["uidvalidity"], ack["uid"]) == (7, self.uid), ack
        return not ack["unknown"]

    def message_id(self, key, reference="DM-1"):
        answer = self.get(f"/v1/batches/{reference}/letters/{key}")
        return answer.json["message_id"]

    def told(self, kind):
        return [event for event in self.events() if event["type"] == kind]


def commands(peer, *verbs):
    return [line for session in peer.sessions for line in session.said
            if line.startswith(verbs)]


def copies(peer):
    """The tokens of the copies that were named, in order."""
    return [line.split("+")[1].split("@")[0]
            for line in commands(peer, "RCPT TO:<journal+")]


def until_the_dot(peer):
    """The relay has the whole of a message."""
    harness.wait_for("a message", lambda: peer.messages)


# ---- on its way out ---------------------------------------------------------

def test_each_attempt_has_one():
    with smtp_peer.Peer({"rcpt:minister@two.example":
                         Turns(b"451 4.3.0 wait\r\n", b"250 ok\r\n")},
                        keywords=[*CHUNKS, "DSN"]) as peer, \
            Room(peer.port, {"retry": ["1s"]}) as room:
        room.begin()
        room.enqueue("DM-1", TABLE)
        room.wait_letters("DM-1", sent=2)
        named = commands(peer, "RCPT TO:<journal+")
        # AAA, TWO, and TWO once more for its minister alone.
        assert len(named) == 3 and len(set(copies(peer))) == 3, named
        assert all(line.endswith("> NOTIFY=NEVER") for line in named), named
        senders = {line.split("+")[1].split("@")[0]
                   for line in commands(peer, "MAIL")}
        assert len(senders) == 3 and not senders & set(copies(peer))
        assert len(room.letters("DM-1")["TWO"]["addresses"]) == 2
        assert room.told("alarm.journal") == []
        assert all(b"journal" not in raw for raw in peer.messages)


def test_to_the_copy_alone_nothing_goes():
    for keywords in (CHUNKS, KEYWORDS, []):
        with smtp_peer.Peer({"rcpt:minister@aaa.example":
                             b"550 5.1.1 nobody\r\n"},
                            keywords=keywords) as peer, \
                Room(peer.port) as room:
            room.begin()
            room.enqueue("DM-1", ONE)
            room.wait_letters("DM-1", failed=1)
            room.enqueue("DM-2", ONE.replace("aaa.", "bbb."))
            room.wait_letters("DM-2", sent=1)
            assert len(peer.sessions) == 1 and len(peer.messages) == 1
            assert len(commands(peer, "RSET")) == 1
            assert len(copies(peer)) == 2
            failed = room.told("letter.failed")
            assert [e["detail"]["seq"] for e in failed] == [0], failed
            assert room.told("alarm.journal") == []
            assert room.told("relay.fault") == []


def test_refused_it_is_one_alarm():
    count = 20
    refuse = b"550 5.1.1 no such mailbox\r\n"
    with smtp_peer.Peer({"rcpt": Copies(*[refuse] * count, b"250 ok\r\n")},
                        keywords=CHUNKS) as peer, Room(peer.port) as room:
        room.begin()
        room.enqueue("DM-1", harness.table(count))
        room.wait_letters("DM-1", sent=count)
        assert len(peer.messages) == count
        alarms = room.told("alarm.journal")
        assert len(alarms) == 1, alarms
        assert alarms[0]["detail"]["about"] == "peer", alarms
        assert "550 5.1.1 no such mailbox" in alarms[0]["detail"]["text"]
        assert [a["type"] for a in room.status()["alarms"]] == [
            "alarm.journal"]
        assert room.batch("DM-1")["state"] != "paused"
        # It takes one again.
        room.enqueue("DM-2", ONE)
        room.wait_letters("DM-2", sent=1)
        assert len(room.told("alarm.cleared")) == 1
        assert room.status()["alarms"] == []


def test_where_a_relay_has_room_for_so_many():
    """The letter's addresses come first, and all of them are reached. What has
    no place behind others that have none is no refusal of the copy; alone it
    is."""
    def limit(session):
        session.say(b"250 ok\r\n" if len(session.envelope) < 2 else
                    b"452 4.5.3 too many recipients\r\n")

    with smtp_peer.Peer({"rcpt": limit}, keywords=CHUNKS) as peer, \
            Room(peer.port) as room:
        room.begin()
        room.enqueue("DM-1", ONE.replace(
            "minister@aaa.example,,",
            "a@aaa.example,\"b@aaa.example, c@aaa.example\","))
        room.wait_letters("DM-1", sent=1)
        rest, copy = peer.sessions[-1].envelope
        assert rest == "c@aaa.example" and copy.startswith("journal+"), copy
        assert len(peer.messages) == 2
        assert len(room.told("letter.split")) == 1
        assert room.told("alarm.journal") == []
        room.enqueue("DM-2", TABLE)
        room.wait_letters("DM-2", sent=2)
        assert len(room.told("alarm.journal")) == 1


# ---- what comes -------------------------------------------------------------

def in_doubt(room, peer, reader, reference="DM-1", table=ONE, count=1):
    """Killed at the dot, and started again: its reader, and the copies of
    what is in doubt."""
    room.enqueue(reference, table)
    until_the_dot(peer)
    room.kill()
    reader.exit()
    reader = room.begin()
    room.wait_letters(reference, in_doubt=count)
    return reader


def test_a_copy_ends_the_doubt():
    with smtp_peer.Peer({"dot": "hang"}, keywords=CHUNKS) as peer, \
            Room(peer.port) as room:
        reader = in_doubt(room, peer, room.begin())
        copy = (copies(peer)[0], room.message_id("AAA"))
        sender = commands(peer, "MAIL")[0].split("+")[1].split("@")[0]
        # What everybody who got the letter could send there.
        assert not room.comes(reader, (sender, copy[1]))
        assert not room.comes(reader, (copy[0], "1@elsewhere.example"))
        other = "b" if copy[0].endswith("a") else "a"
        assert not room.comes(reader, (copy[0][:-1] + other, copy[1]))
        assert room.batch("DM-1")["letters"]["in_doubt"] == 1
        assert room.comes(reader, (copy[0].upper(), copy[1]))
        assert room.letters("DM-1")["AAA"]["state"] == "sent"
        sent = room.told("letter.sent")
        assert len(sent) == 1 and sent[0]["key"] == "AAA", sent
        detail = sent[0]["detail"]
        assert (detail["evidence"], detail["attempt"], "return" in detail) == \
            ("journal copy", 1, False), detail
        # Once more, as after a change of UIDVALIDITY: nothing.
        before = len(room.events())
        assert room.comes(reader, copy)
        assert len(room.events()) == before
        assert room.get("/v1/returns").json["returns"] == []
        assert len(peer.messages) == 1


def test_it_covers_all_addresses_of_its_dot():
    with smtp_peer.Peer({"dot": "close", "rcpt:mission@two.example":
                         b"550 5.1.1 no\r\n"}, keywords=CHUNKS) as peer, \
            Room(peer.port) as room:
        reader = room.begin()
        room.enqueue("DM-1", TABLE)
        room.wait_letters("DM-1", in_doubt=2)
        for token, key in zip(copies(peer), ("AAA", "TWO")):
            assert room.comes(reader, (token, room.message_id(key)))
        states = {key: [a["state"] for a in letter["addresses"]]
                  for key, letter in room.letters("DM-1").items()}
        assert states == {"AAA": ["sent"], "TWO": ["sent", "failed"]}, states


def test_an_earlier_attempt_proves_nothing_of_the_next():
    with smtp_peer.Peer({"dot": "close"}, keywords=CHUNKS) as peer, \
            Room(peer.port) as room:
        reader = room.begin()
        room.enqueue("DM-1", ONE)
        room.wait_letters("DM-1", in_doubt=1)
        room.post("/v1/batches/DM-1/letters/AAA/resolve", {"as": "resend"})
        harness.wait_for("the second", lambda: len(peer.messages) == 2)
        room.wait_letters("DM-1", in_doubt=1)
        first, second = copies(peer)
        assert room.comes(reader, (first, room.message_id("AAA")))
        assert room.batch("DM-1")["letters"]["in_doubt"] == 1
        assert room.comes(reader, (second, room.message_id("AAA")))
        assert room.batch("DM-1")["letters"]["sent"] == 1


def test_a_copy_is_quicker_than_the_reply():
    """The reply never comes: the connection ends, or the mail room does."""
    for how in ("reset", "kill"):
        with smtp_peer.Peer({"dot": ["stall", "reset"]}, keywords=CHUNKS) \
                as peer, Room(peer.port) as room:
            reader = room.begin()
            room.enqueue("DM-1", ONE)
            until_the_dot(peer)
            room.wait_letters("DM-1", dot=1)
            assert room.comes(reader, (copies(peer)[0],
                                       room.message_id("AAA")))
            assert room.batch("DM-1")["letters"]["dot"] == 1
            assert room.told("letter.sent") == []
            if how == "reset":
                peer.released.set()
            else:
                room.kill()
                reader.exit()
                peer.released.set()
                reader = room.begin()
            room.wait_letters("DM-1", sent=1)
            assert [e["detail"]["evidence"] for e in room.told("letter.sent")
                    ] == ["journal copy"]
            assert len(room.told("letter.in_doubt")) == 1
            assert len(peer.messages) == 1


def test_a_copy_before_a_good_reply():
    with smtp_peer.Peer({"dot": ["stall", b"250 ok\r\n"]}, keywords=CHUNKS) \
            as peer, Room(peer.port) as room:
        reader = room.begin()
        room.enqueue("DM-1", ONE)
        until_the_dot(peer)
        room.wait_letters("DM-1", dot=1)
        assert room.comes(reader, (copies(peer)[0], room.message_id("AAA")))
        peer.released.set()
        room.wait_letters("DM-1", sent=1)
        sent = room.told("letter.sent")
        assert len(sent) == 1 and "evidence" not in sent[0]["detail"], sent


def test_an_older_copy_of_the_store():
    """What was sent since it was made leaves the queue."""
    files = ("chancery.db", "chancery.db-wal", "chancery.db.redo")
    with smtp_peer.Peer({}, keywords=CHUNKS) as peer, \
            Room(peer.port) as room:
        reader = room.begin()
        room.post("/v1/pause")
        room.enqueue("DM-1", TABLE)
        ids = {key: room.message_id(key) for key in ("AAA", "TWO")}
        room.kill()
        reader.exit()
        for name in files:
            harness.shutil.copy2(room.state / name, room.root / name)
        reader = room.begin()
        room.post("/v1/resume")
        room.wait_letters("DM-1", sent=2)
        room.kill()
        reader.exit()
        for name in files:
            harness.shutil.copy2(room.root / name, room.state / name)
        reader = room.begin()
        assert room.status()["state"] == "paused"
        for token, key in zip(copies(peer), ("AAA", "TWO")):
            assert room.comes(reader, (token, ids[key]))
        states = {key: [a["state"] for a in letter["addresses"]]
                  for key, letter in room.letters("DM-1").items()}
        # Which of two addresses it went to the copy does not say.
        assert states == {"AAA": ["sent"], "TWO": ["in_doubt", "in_doubt"]}, \
            states
        room.post("/v1/resume")
        assert len(peer.messages) == 2


def crash_while_a_copy_comes(step):
    """Whether it died there; None where it did before there was a copy."""
    with smtp_peer.Peer({"dot": "close"}, keywords=CHUNKS) as peer, \
            Room(peer.port) as room:
        reader = room.begin()
        room.enqueue("DM-1", ONE)
        room.wait_letters("DM-1", in_doubt=1)
        copy = (copies(peer)[0], room.message_id("AAA"))
        room.kill()
        reader.exit()
        try:
            reader = room.begin(env={"CHANCERY_CRASH_AT": step})
        except AssertionError:
            return None # in the start itself
        try:
            room.comes(reader, copy)
            died = False
        except (ConnectionError, AssertionError):
            assert room.wait() == -9, room.log()
            died = True
        if not died:
            room.kill()
        reader.exit()
        reader = room.begin()
        assert room.comes(reader, copy)
        assert room.batch("DM-1")["letters"]["sent"] == 1
        assert len(room.told("letter.sent")) == 1
        assert len(peer.messages) == 1
        return died


def test_a_crash_at_any_step_counts_it_once():
    assert crash_while_a_copy_comes("returned.copy")
    for step in ("turn.before-commit", "turn.after-commit"):
        died = [crash_while_a_copy_comes(f"{step}:{n}") for n in range(1, 4)]
        assert True in died, (step, died)


if __name__ == "__main__":
    harness.run_all(dict(globals()))
