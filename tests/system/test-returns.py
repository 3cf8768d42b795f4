#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back, from the receive worker's word to what the sockets show:
whose it is, what it changes, and that no mail is lost or counted twice,
wherever chanceryd or the worker ends. The test plays the workers."""
import hashlib
import json
import random
import re
import signal
import subprocess
import time

import harness

# enum ch_return_kind
(HARD, SOFT, DELAYED, DELIVERED, MDN, AUTOREPLY, ARF, REPLY,
 OTHER) = range(9)
CONNECT, TLS, AUTH, GREETING, SETUP = range(5)

TABLE = ("key,language,to,cc,name\n"
         "AAA,en,minister@aaa.example,,Aland\n"
         "BBB,en,minister@bbb.example,,Bland\n"
         "TWO,en,minister@two.example,mission@two.example,Two\n")


class Room(harness.Room):
    """One mailbox "desk" and one relay, both played by the test."""

    def __init__(self, **mailbox):
        super().__init__(puppets=["send", "receive"])
        self.password = self.root / "password"
        self.password.touch(0o600)
        self.password.write_text("secret")
        self.uid = 0
        self.set_up([{}], **mailbox)

    def set_up(self, mailboxes, **common):
        self.configure(
            [{"name": "desk", "port": 9, "connections": 1}],
            [{"name": "desk", "port": 9, "tls": "none", "auth": "plain",
              "user": "desk", "password": str(self.password), **common, **m}
             for m in mailboxes])

    def reader(self, connected=True, uidvalidity=7):
        """The next receive worker and its setup."""
        reader = self.puppet("receive")
        setup = reader.expect("receive-setup")
        if connected:
            reader.send("receive-state", connected=1, uidvalidity=uidvalidity)
        return reader, setup

    def send_all(self, reference="DM-1"):
        """Enqueue and send TABLE; the envelope sender's token of each key."""
        self.enqueue(reference, TABLE)
        self.sender = sender = self.puppet("send")
        sender.ready(1)
        letters = {}
        for i in range(3):
            if i:
                sender.send("send-ready", want=1)
            letter = sender.letter()
            letters[letter["key"].decode()] = letter
            sender.dot(letter)
            assert sender.expect("send-go")["go"] == 1
            sender.result(letter, harness.SENT, 250, "ok")
        self.wait_letters(reference, sent=3)
        self.message_ids = {key: letter["message_id"]
                            for key, letter in letters.items()}
        self.envelope_ids = {key: letter["envelope_id"]
                             for key, letter in letters.items()}
        return {key: letter["envelope_from"].split(b"+")[1].split(b"@")[0]
                for key, letter in letters.items()}

    def send_one(self, reference, row, **fields):
        """As send_all, of a batch with one letter."""
        self.enqueue(reference, "key,language,to,name\n" + row + "\n",
                     **fields)
        self.sender.send("send-ready", want=1)
        letter = self.sender.letter()
        self.sender.dot(letter)
        assert self.sender.expect("send-go")["go"] == 1
        self.sender.result(letter, harness.SENT, 250, "ok")
        self.wait_letters(reference, sent=1)
        return letter["envelope_from"].split(b"+")[1].split(b"@")[0]

    def returns(self):
        answer = self.get("/v1/returns?limit=1000")
        assert answer.status == 200, answer.body
        return answer.json["returns"]

    def tell(self, reader, kind, uid=None, wait=True, **mail):
        """One mail, until it is acknowledged."""
        self.uid = uid or self.uid + 1
        mark = f"{self.uid}".encode()
        reader.send("receive-mail", **{
            "uidvalidity": 7, "uid": self.uid, "kind": kind, "rule": "test",
            "size_bytes": 100, "sha256": hashlib.sha256(mark).digest(),
            "message_id": mark + b"@relay.example",
            "from": "daemon@relay.example", "subject": "Undelivered",
            **mail})
        if wait:
            ack = reader.expect("receive-ack")
            assert ack == {"uidvalidity": 7, "uid": self.uid,
                           "unknown": 0, "seen": 0}, ack


def reports(address, kind=HARD, status="5.1.1"):
    return [{"kind": kind, "address": address, "status": status,
             "diagnostic": "no such minister", "reason": "user unknown"}]


def counts(room, reference="DM-1"):
    batch = room.batch(reference)
    return {k: batch[k] for k in ("bounced", "delayed", "answered",
                                  "auto_replied")}


NOTHING = {"bounced": 0, "delayed": 0, "answered": 0, "auto_replied": 0}


# ---- whose it is ------------------------------------------------------------

def test_what_each_mail_changes():
    with Room() as room:
        room.start()
        reader, setup = room.reader()
        assert setup["token_prefix"] == b"bounces", setup
        assert setup["token_domain"] == b"chancery.example", setup
        assert setup["last_uid"] == 0
        tokens = room.send_all()
        # without a token: shown and no more
        room.tell(reader, HARD, recipients=reports("minister@aaa.example"),
                  references=[room.message_ids["AAA"]])
        last = room.returns()[-1]
        assert (last["key"], last["verified"]) == ("AAA", False), last
        assert counts(room) == NOTHING
        # a token of AAA that speaks of BBB
        room.tell(reader, HARD, token=tokens["AAA"],
                  recipients=reports("minister@bbb.example"))
        last = room.returns()[-1]
        assert last["key"] == "AAA" and last["fault"], last
        letters = room.letters("DM-1")
        assert not letters["BBB"]["bounced"], letters["BBB"]
        assert counts(room)["bounced"] == 1
        # a hundred times the same
        for _ in range(100):
            room.tell(reader, HARD, token=tokens["TWO"],
                      recipients=reports("minister@two.example"))
        assert counts(room)["bounced"] == 2
        assert len(room.returns()) == 3
        alarm = room.wait_event("alarm.bounce", after=0)
        alarms = [e for e in room.events() if e["type"] == "alarm.bounce"]
        assert len(alarms) == 2, alarms
        assert alarms[1]["key"] == "TWO" and alarm, alarms
        assert alarms[1]["detail"]["others"] == ["mission@two.example"]
        # a delay, an answer, an absence
        room.tell(reader, DELAYED, token=tokens["BBB"],
                  recipients=reports("minister@bbb.example", DELAYED, ""))
        room.tell(reader, REPLY, references=[room.message_ids["BBB"]])
        room.tell(reader, AUTOREPLY, token=tokens["AAA"])
        assert counts(room) == {"bounced": 2, "delayed": 1, "answered": 1,
                                "auto_replied": 1}
        # an answer may say plainly that it is none, and a report why
        room.tell(reader, REPLY, says="acknowledgement",
                  references=[room.message_ids["TWO"]])
        last = room.returns()[-1]
        assert (last["says"], last["reason"]) == ("acknowledgement", None)
        said = chancery(room, "returns", "DM-1/TWO")[0]
        assert "received" in said, said
        # somebody is away until a day
        assert room.letters("DM-1")["AAA"]["away_until"] is None
        room.tell(reader, AUTOREPLY, token=tokens["AAA"],
                  away_until="2026-12-12")
        assert room.returns()[-1]["away_until"] == "2026-12-12"
        assert room.letters("DM-1")["AAA"]["away_until"] == "2026-12-12"
        event = [e for e in room.events()
                 if e["type"] == "letter.auto_replied"][-1]
        assert event["detail"]["away_until"] == "2026-12-12", event
        assert "until 2026-12-12; Undelivered" in chancery(
            room, "returns", "DM-1/AAA")[0]
        assert "away until 2026-12-12" in chancery(
            room, "letters", "DM-1")[0]
        assert "    away until 2026-12-12" in chancery(
            room, "show", "DM-1/AAA")[0]
        number = str(room.returns()[-1]["cursor"])
        assert "away until  2026-12-12" in chancery(room, "reply", number)[0]
        # nobody is silent: two came back, one answered
        assert room.batch("DM-1")["silent"] == 0, room.batch("DM-1")
        assert "silent" in chancery(room, "status", "DM-1")[0]
        # a success notice and a receipt
        for kind in (DELIVERED, MDN):
            room.tell(reader, kind, token=tokens["BBB"],
                      recipients=reports("minister@bbb.example", kind,
                                         "2.0.0"))
        batch = room.batch("DM-1")
        assert (batch["delivered"], batch["read"]) == (1, 1), batch
        # our own letter
        room.tell(reader, REPLY, message_id=room.message_ids["AAA"])
        assert room.wait_event("alarm.loop")
        assert counts(room)["answered"] == 2
        assert room.batch("DM-1")["letters"]["sent"] == 3
        reader.exit()


def test_strangers_change_nothing():
    """And nothing is ever sent because of what came in."""
    count = 200 if harness.SLOW else 800
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    guess = random.Random(66)
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        tokens = room.send_all()
        before = room.letters("DM-1")
        for i in range(count):
            key, other = guess.sample(sorted(tokens), 2)
            token = tokens[key].decode()
            at = guess.randrange(len(token))
            forged = guess.choice([
                "".join(guess.choices(alphabet, k=34)),
                token[:at] + guess.choice(
                    alphabet.replace(token[at], "")) + token[at + 1:],
                token[:16] + tokens[other].decode()[16:],
                tokens[other].decode()[:17] + token[17:], token[:-1],
                token + "a", token[::-1], ""])
            room.tell(reader, guess.choice([HARD, SOFT, DELAYED, DELIVERED,
                                            MDN, ARF, OTHER]),
                      token=forged, envelope_id=forged,
                      references=[room.message_ids[key]],
                      recipients=reports(f"minister@{key.lower()}.example",
                                         guess.choice([HARD, SOFT, DELAYED,
                                                       DELIVERED, MDN])))
        assert room.letters("DM-1") == before
        assert counts(room) == NOTHING
        assert not [e for e in room.events()
                    if e["type"].startswith("alarm")]
        assert not [r for r in room.returns() if r["verified"]]
        for _ in range(count // 2):
            room.tell(reader, AUTOREPLY,
                      references=[room.message_ids["AAA"]])
        room.sender.send("send-ready", want=3)
        assert room.sender.is_silent(), "something is to be sent"
        assert room.status()["total"] == 3
        assert room.batch("DM-1")["letters"]["sent"] == 3


def test_the_envelope_id_proves_as_much():
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        room.send_all()
        room.tell(reader, HARD, envelope_id=room.envelope_ids["AAA"],
                  recipients=reports("minister@aaa.example"))
        assert room.returns()[-1]["verified"], room.returns()
        assert counts(room)["bounced"] == 1


def in_doubt(room, sender):
    """Its next letter, whose verdict never came."""
    letter = sender.letter()
    sender.dot(letter)
    assert sender.expect("send-go")["go"] == 1
    sender.result(letter, harness.IN_DOUBT)
    return letter


def token_of(letter):
    return letter["envelope_from"].split(b"+")[1].split(b"@")[0]


def one_in_doubt(room):
    """AAA in doubt, and its sender, who asks for no more; the other two
    wait."""
    room.enqueue("DM-1", TABLE)
    sender = room.puppet("send")
    sender.ready(1)
    letter = in_doubt(room, sender)
    assert letter["key"] == b"AAA", letter
    room.wait_letters("DM-1", in_doubt=1)
    return sender, letter


# kind, whether it is a report, how the event calls it
PROOFS = (
    (HARD, True, "bounce"),
    (SOFT, True, "bounce"),
    (DELAYED, True, "delay"),
    (DELIVERED, True, "delivery"),
    (MDN, False, "receipt"),
    (AUTOREPLY, False, "auto-reply"),
    (REPLY, False, "answer"),
)


def resent(room):
    """A letter that was in doubt and is sent once more, the only one of its
    batch; its sender, and it as it was the first time."""
    sender, first = one_in_doubt(room)
    for key in ("BBB", "TWO"):
        room.post(f"/v1/batches/DM-1/letters/{key}/cancel")
    room.post("/v1/batches/DM-1/letters/AAA/resolve", {"as": "resend"})
    return sender, first


def evidence(kind, is_report):
    return {"recipients": reports("minister@aaa.example", kind)
            } if is_report else {}


def test_each_proof_ends_a_doubt():
    """And by the Message-ID alone, which every reader knows, none does."""
    for kind, is_report, name in PROOFS:
        with Room() as room:
            room.start()
            reader, _ = room.reader()
            _, letter = one_in_doubt(room)
            said = evidence(kind, is_report)
            room.tell(reader, kind, references=[letter["message_id"]], **said)
            last = room.returns()[-1]
            assert (last["key"], last["verified"]) == ("AAA", False), last
            assert room.batch("DM-1")["letters"]["in_doubt"] == 1, name
            room.tell(reader, kind, token=token_of(letter), **said)
            last = room.returns()[-1]
            assert (last["key"], last["verified"]) == ("AAA", True), last
            assert room.batch("DM-1")["letters"]["in_doubt"] == 0, name
            assert room.letters("DM-1")["AAA"]["state"] == "sent", name
            sent = [e for e in room.events() if e["type"] == "letter.sent"]
            assert len(sent) == 1 and sent[0]["key"] == "AAA", sent
            assert sent[0]["detail"]["evidence"] == name, sent
            assert sent[0]["detail"]["attempt"] == 1, sent


def test_an_earlier_attempt_proves_nothing_of_the_next():
    """In doubt, sent once more, in doubt again: what comes back of the first
    attempt leaves the second in doubt."""
    for kind, is_report, name in PROOFS:
        with Room() as room:
            room.start()
            reader, _ = room.reader()
            sender, first = resent(room)
            sender.send("send-ready", want=1)
            second = in_doubt(room, sender)
            room.wait_letters("DM-1", in_doubt=1, cancelled=2)
            assert token_of(second) != token_of(first)
            assert second["message_id"] == first["message_id"]
            room.tell(reader, kind, token=token_of(first),
                      **evidence(kind, is_report))
            assert room.returns()[-1]["verified"], name
            assert room.batch("DM-1")["letters"]["in_doubt"] == 1, name
            room.tell(reader, kind, token=token_of(second),
                      **evidence(kind, is_report))
            assert room.letters("DM-1")["AAA"]["state"] == "sent", name
            sent = [e for e in room.events() if e["type"] == "letter.sent"]
            assert [e["detail"]["attempt"] for e in sent] == [2], sent


def test_proof_stops_what_a_worker_has():
    """Sent once more by a person, and with a worker already: a proof of the
    first attempt comes before its dot is asked for, and there is no dot."""
    for kind, is_report, name in PROOFS:
        with Room() as room:
            room.start()
            reader, _ = room.reader()
            sender, first = resent(room)
            sender.send("send-ready", want=2)
            second = sender.letter()
            room.wait_letters("DM-1", claimed=1, cancelled=2)
            room.tell(reader, kind, token=token_of(first),
                      **evidence(kind, is_report))
            assert room.letters("DM-1")["AAA"]["state"] == "sent", name
            sender.dot(second)
            assert sender.expect("send-go")["go"] == 0, name
            sender.result(second, harness.UNTRIED)
            # The worker is well, and gets what comes next.
            room.enqueue("DM-2", "key,language,to,name\n"
                         "NEXT,en,next@aaa.example,Next\n")
            harness.send(sender, sender.letter())
            room.wait_letters("DM-2", sent=1)
            room.wait_letters("DM-1", sent=1, cancelled=2)
            assert room.status()["worker_restarts"] == 0, name


def test_proof_for_one_of_two():
    """Of two addresses with a worker, one is proved: there is no dot for both,
    and the other goes in an attempt of its own."""
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        room.enqueue("DM-1", "\n".join(TABLE.splitlines()[i] for i in (0, 3))
                     + "\n")
        sender = room.puppet("send")
        sender.ready(1)
        first = in_doubt(room, sender)
        room.wait_letters("DM-1", in_doubt=1)
        room.post("/v1/batches/DM-1/letters/TWO/resolve", {"as": "resend"})
        sender.send("send-ready", want=1)
        second = sender.letter()
        assert [a["pending"] for a in second["addresses"]] == [1, 1]
        room.tell(reader, DELIVERED, token=token_of(first),
                  recipients=reports("minister@two.example", DELIVERED))
        states = [a["state"] for a in
                  room.letters("DM-1")["TWO"]["addresses"]]
        assert states == ["sent", "claimed"], states
        sender.dot(second)
        assert sender.expect("send-go")["go"] == 0
        sender.result(second, harness.UNTRIED)
        sender.send("send-ready", want=1)
        third = sender.letter()
        assert [a["pending"] for a in third["addresses"]] == [0, 1]
        harness.send(sender, third)
        room.wait_letters("DM-1", sent=1)
        assert room.status()["alarms"] == []


def test_a_lost_key_is_told():
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        tokens = room.send_all()
        assert not [e for e in room.events()
                    if e["type"] == "alarm.token_key"]
        room.kill()
        reader.exit()
        (room.state / "token.key").unlink()
        room.start()
        reader, _ = room.reader()
        assert room.wait_event("alarm.token_key")
        room.tell(reader, HARD, token=tokens["AAA"],
                  recipients=reports("minister@aaa.example"))
        assert counts(room) == NOTHING


def test_an_older_copy_takes_no_mail_for_another_letter():
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        room.enqueue("DM-0", TABLE, hold="1")
        room.kill()
        reader.exit()
        for path in room.state.glob("chancery.db-*"):
            if path.name == "chancery.db-wal":
                harness.shutil.copy2(path, room.root / "copy-wal")
        harness.shutil.copy2(room.state / "chancery.db", room.root / "copy")
        room.start()
        reader, _ = room.reader()
        tokens = room.send_all("DM-1")
        room.kill()
        reader.exit()
        for path in room.state.glob("chancery.db-*"):
            path.unlink()
        harness.shutil.copy2(room.root / "copy", room.state / "chancery.db")
        harness.shutil.copy2(room.root / "copy-wal",
                             room.state / "chancery.db-wal")
        room.start()
        reader, _ = room.reader()
        assert room.status()["state"] == "paused"
        room.post("/v1/resume")
        others = room.send_all("DM-2")
        assert not set(tokens.values()) & set(others.values())
        room.tell(reader, HARD, token=tokens["AAA"],
                  recipients=reports("minister@aaa.example"))
        last = room.returns()[-1]
        assert last["key"] is None and "not there" in last["fault"], last
        assert counts(room, "DM-2") == NOTHING
        room.tell(reader, HARD, token=others["AAA"],
                  recipients=reports("minister@aaa.example"))
        assert counts(room, "DM-2")["bounced"] == 1


def test_what_an_older_copy_calls_queued_does_not_go_again():
    """Where proof comes that it went: the copy is of before, and the letters
    were sent since. Without proof a person decides."""
    files = ("chancery.db", "chancery.db-wal", "chancery.db.redo")
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        room.post("/v1/pause")
        room.enqueue("DM-1", TABLE)
        room.kill()
        reader.exit()
        for name in files:
            harness.shutil.copy2(room.state / name, room.root / name)
        room.start()
        reader, _ = room.reader()
        room.post("/v1/resume")
        sender = room.puppet("send")
        sender.ready(3)
        first = {}
        for letter in harness.take_letters(sender):
            harness.send(sender, letter)
            first[harness.key(letter)] = letter
        assert len(first) == 3, first
        room.wait_letters("DM-1", sent=3)
        room.kill()
        reader.exit()
        sender.exit()
        for name in files:
            harness.shutil.copy2(room.root / name, room.state / name)
        room.start()
        reader, _ = room.reader()
        assert room.status()["state"] == "paused"
        assert {letter["state"] for letter in room.letters("DM-1").values()} \
            == {"queued"}
        room.tell(reader, HARD, token=token_of(first["AAA"]),
                  recipients=reports("minister@aaa.example"))
        room.tell(reader, REPLY, token=token_of(first["BBB"]))
        states = {key: letter["state"]
                  for key, letter in room.letters("DM-1").items()}
        assert states == {"AAA": "sent", "BBB": "sent", "TWO": "queued"}, \
            states
        room.post("/v1/resume?at_risk=1")
        sender = room.puppet("send")
        sender.ready(3)
        again = [harness.key(one) for one in harness.take_letters(sender)]
        assert again == ["TWO"], again


# ---- every mail once --------------------------------------------------------

def crash_while_a_mail_is_told(step):
    """Whether it died there; None where it did before there was a mail."""
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        tokens = room.send_all()
        room.kill()
        reader.exit()
        try:
            room.start(env={"CHANCERY_CRASH_AT": step})
        except AssertionError:
            return None  # in the start itself
        bounce = {"token": tokens["AAA"],
                  "recipients": reports("minister@aaa.example")}
        reader = room.puppet("receive")
        try:
            reader.expect("receive-setup")
            reader.send("receive-state", connected=1, uidvalidity=7)
            room.tell(reader, HARD, uid=5, wait=False, **bounce)
            message = reader.receive()
        except (ConnectionError, AssertionError):
            message = None
        died = message is None
        if died:
            assert room.wait() == -9, room.log()
        else:
            assert message[0] == "receive-ack"
            assert room.kill() == -9
        reader.exit()
        room.start()
        reader, setup = room.reader()
        kept = setup["last_uid"] == 5
        assert kept or died, "acknowledged, and is lost"
        assert counts(room)["bounced"] == kept
        # It is told again, as after a change of UIDVALIDITY too.
        room.tell(reader, HARD, uid=5, **bounce)
        assert counts(room)["bounced"] == 1
        assert len(room.returns()) == 1, room.returns()
        return died


def test_a_crash_at_any_step_counts_a_mail_once():
    assert crash_while_a_mail_is_told("returned.mail")
    for step in ("turn.before-commit", "turn.after-commit"):
        died = [crash_while_a_mail_is_told(f"{step}:{n}")
                for n in range(1, 4)]
        assert True in died, (step, died)
    # Behind this one the acknowledgement is out: it does not see it die.
    for n in range(1, 5):
        crash_while_a_mail_is_told(f"turn.flushed:{n}")


def test_a_letter_is_what_it_was_when_its_proof_is_removed():
    """The rows stay, and what they prove; a reload alone is enough to begin."""
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        tokens = room.send_all()
        room.tell(reader, HARD, token=tokens["AAA"],
                  recipients=reports("minister@aaa.example"))
        room.tell(reader, REPLY, token=tokens["BBB"], attachments=1,
                  files=[{"name": "form.pdf", "type": "application/pdf",
                          "size_bytes": 9, "whole": 1,
                          "sha256": hashlib.sha256(b"form").digest()}])
        room.tell(reader, DELIVERED, token=tokens["TWO"], recipients=reports(
            "minister@two.example", DELIVERED, "2.1.5"))
        before = counts(room), room.letters("DM-1")
        answered = [row["files"] for row in room.returns()
                    if row["kind"] == "reply"]
        assert answered == [[{"name": "form.pdf", "type": "application/pdf",
                              "size_bytes": 9, "sha256":
                              hashlib.sha256(b"form").hexdigest()}]]
        text = room.conf.read_text()
        room.conf.write_text(text + 'retention: { reports = "1ms"; '
                             'answers = "1ms"; };\n')
        room.signal(signal.SIGHUP)
        harness.wait_for("all are removed", lambda: all(
            row["removed_at"] for row in room.returns()))
        assert (counts(room), room.letters("DM-1")) == before
        assert [row["files"] for row in room.returns()
                if row["kind"] == "reply"] == answered
        assert [event["detail"]["mails"] for event in room.events()
                if event["type"] == "return.removed"] == [3]


def test_a_flood_is_taken_in_whole():
    count = 500 if harness.SLOW else 2000
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        began = time.monotonic()
        for i in range(count):
            room.tell(reader, REPLY if i % 2 else HARD)
            if i % 100 == 0:
                asked = time.monotonic()
                assert room.get("/healthz").status == 200
                assert time.monotonic() - asked < \
                    (20 if harness.SLOW else 5)
        rate = count / (time.monotonic() - began)
        print(f"   {rate:.0f} mails a second", flush=True)
        found = set()
        after = 0
        while True:
            page = room.get(f"/v1/returns?limit=1000&after={after}").json
            found |= {r["uid"] for r in page["returns"]}
            after = page["next"]
            if after is None:
                break
        assert found == set(range(1, count + 1)), len(found)


# ---- mail and servers that end their reader ---------------------------------

def test_a_mail_that_kills_its_reader_is_passed_by():
    with Room() as room:
        room.start()
        for _ in range(2):
            reader, setup = room.reader()
            assert setup["last_uid"] == 0
            reader.send("receive-state", connected=1, uidvalidity=7,
                        reading=41)
            reader.die()
        reader, setup = room.reader()
        assert (setup["uidvalidity"], setup["last_uid"]) == (7, 41), setup
        alarm = room.wait_event("alarm.unread")
        assert "41" in alarm["detail"]["text"], alarm
        unread, = room.returns()
        assert (unread["uid"], unread["rule"]) == (41, "unread"), unread
        assert "signal 9" in unread["fault"], unread
        room.tell(reader, REPLY, uid=42)
        assert len(room.returns()) == 2


def test_a_reader_that_dies_elsewhere_passes_nothing_by():
    with Room() as room:
        room.start()
        for uid in (41, 42):
            reader, setup = room.reader()
            assert setup["last_uid"] == 0, setup
            reader.send("receive-state", connected=1, uidvalidity=7,
                        reading=uid)
            reader.die()
        reader, setup = room.reader()
        assert setup["last_uid"] == 0, setup
        assert room.returns() == []


def test_faults_are_one_alarm_until_they_are_over():
    with Room() as room:
        room.start()
        for _ in range(2):
            reader, _ = room.reader(connected=False)
            reader.send("receive-state", connected=0, fault=AUTH,
                        text="the server says no\x1b[2J")
            reader.exit(75)
        reader, _ = room.reader(connected=False)
        events = room.events()
        assert [e["type"] for e in events] == ["alarm.auth"], events
        mailbox, = room.status()["mailboxes"]
        assert mailbox["state"] == "fault", mailbox
        assert len(room.status()["alarms"]) == 1
        assert "\x1b" not in room.log()
        reader.send("receive-state", connected=1, uidvalidity=7)
        room.wait_event("alarm.cleared")
        mailbox, = room.status()["mailboxes"]
        assert mailbox["state"] == "ready", mailbox
        assert room.status()["alarms"] == []


def test_a_reader_that_breaks_the_rules_is_ended():
    def no_connection(reader):
        reader.send("receive-mail", uidvalidity=7, uid=1, kind=REPLY)

    def no_uid(reader):
        reader.send("receive-state", connected=1, uidvalidity=7)
        reader.send("receive-mail", uidvalidity=7, kind=REPLY)

    def no_kind(reader):
        reader.send("receive-state", connected=1, uidvalidity=7)
        reader.send("receive-mail", uidvalidity=7, uid=1, kind=99)

    for fault in (no_connection, no_uid, no_kind):
        with Room() as room:
            room.start()
            reader, _ = room.reader(connected=False)
            fault(reader)
            assert reader.receive() is None, fault.__name__
            assert room.returns() == []
            assert room.stop() == 0


def test_a_death_among_many_is_found_by_reading_one_by_one():
    with Room() as room:
        room.start()
        reader, setup = room.reader()
        assert setup["singly_to"] == 0, setup
        reader.send("receive-state", connected=1, uidvalidity=7,
                    reading=41, reading_to=50)
        reader.die()
        reader, setup = room.reader()
        assert (setup["singly_validity"], setup["singly_to"]) == (7, 50)
        room.tell(reader, REPLY, uid=41)
        reader.send("receive-state", connected=1, uidvalidity=7, reading=42)
        reader.die()
        reader, setup = room.reader()
        assert (setup["last_uid"], setup["singly_to"]) == (42, 0), setup
        assert [(r["uid"], r["rule"]) for r in room.returns()] == [
            (41, "test"), (42, "unread")]


# ---- several folders --------------------------------------------------------

def test_folders_are_read_side_by_side():
    """Each from where it was; a mail that is moved is counted once, and the
    same number in another folder is another mail."""
    with Room(folders=["INBOX", "Junk"]) as room:
        room.start()

        def readers():
            found = {}
            for _ in range(2):
                reader, setup = room.reader()
                found[setup["folder"].decode()] = reader, setup["last_uid"]
            return [found[name] for name in ("INBOX", "Junk")]

        (inbox, _), (junk, _) = readers()
        room.tell(inbox, REPLY, uid=5)
        room.tell(junk, REPLY, uid=5, message_id=b"x@relay.example",
                  sha256=hashlib.sha256(b"another").digest())
        room.tell(junk, REPLY, uid=6, message_id=b"5@relay.example",
                  sha256=hashlib.sha256(b"5").digest())
        assert [(r["folder"], r["uid"]) for r in room.returns()] == [
            ("INBOX", 5), ("Junk", 5)], room.returns()
        mailboxes = room.status()["mailboxes"]
        assert [(m["name"], m["folder"], m["last_uid"], m["state"])
                for m in mailboxes] == [("desk", "INBOX", 5, "ready"),
                                        ("desk", "Junk", 6, "ready")]
        metrics = room.get("/metrics").body.decode()
        assert metrics.count('chancery_mailbox_ready{mailbox="desk"} 1') == 1
        room.kill()
        for reader in (inbox, junk):
            reader.exit()
        room.start()
        (inbox, first), (junk, second) = readers()
        assert (first, second) == (5, 6)
        # One of them is gone from the configuration.
        room.set_up([{"folders": ["Junk"]}])
        room.signal(signal.SIGHUP)
        inbox.expect("stop")
        inbox.exit()
        assert junk.is_silent()
        harness.wait_for("one folder", lambda: [
            m["folder"] for m in room.status()["mailboxes"]] == ["Junk"])


def test_trouble_with_filing_is_an_alarm():
    with Room(keyword="$Done") as room:
        room.start()
        reader, setup = room.reader()
        assert setup["keyword"] == b"$Done", setup
        reader.send("receive-state", connected=1, uidvalidity=7, fault=SETUP,
                    text="UID STORE: no\x1b[2J")
        alarm = room.wait_event("alarm.setup")
        assert "stays where it is: UID STORE: no" in alarm["detail"]["text"]
        assert "\x1b" not in room.log()
        mailbox, = room.status()["mailboxes"]
        assert mailbox["state"] == "ready", mailbox
        room.tell(reader, REPLY, uid=5)
        # One more is said in the journal; with a reload it is tried again.
        reader.send("receive-state", connected=1, uidvalidity=7, fault=SETUP,
                    text="to the folder Done: no")
        harness.wait_for("the journal", lambda: "to the folder Done: no" in
                         room.log())
        room.signal(signal.SIGHUP)
        reader.expect("stop")
        reader.exit()
        reader, _ = room.reader()
        reader.send("receive-state", connected=1, uidvalidity=7)
        room.wait_event("alarm.cleared")
        room.signal(signal.SIGHUP)
        room.wait_notified("RELOADING=1")
        assert reader.is_silent()


def test_a_mail_that_somebody_moved_is_said_to_be_seen():
    """By its bytes, in whichever folder of the mailbox, where mails are moved;
    and it counts once."""
    for keys, seen in (({"move_answers": "Done"}, 1), ({}, 0)):
        with Room(**keys) as room:
            room.set_up([{"folders": ["INBOX", "Junk"]}], **keys)
            room.start()
            readers = [room.reader()[0] for _ in range(2)]
            mail = {"uidvalidity": 7, "kind": REPLY, "rule": "test",
                    "size_bytes": 9, "sha256": hashlib.sha256(b"1").digest(),
                    "message_id": b"1@a.example", "from": "a@a.example",
                    "subject": "x"}
            told = []
            for uid, reader in ((1, readers[0]), (1, readers[1]),
                                (2, readers[0])):
                reader.send("receive-mail", **mail, uid=uid)
                told.append(reader.expect("receive-ack")["seen"])
            assert told == [0, seen, seen], told
            assert len(room.returns()) == 1


# ---- the configuration ------------------------------------------------------

def test_a_reload_touches_only_what_changed():
    with Room() as room:
        room.set_up([{}, {"name": "other"}])
        room.start()
        readers = {}
        for _ in range(2):
            reader, setup = room.reader()
            readers[setup["mailbox"]["name"].decode()] = reader
        room.tell(readers["desk"], REPLY, uid=9)
        # Nothing changed; then one keyword; then that mailbox is gone.
        room.signal(signal.SIGHUP)
        room.wait_notified("RELOADING=1")
        assert readers["desk"].is_silent() and readers["other"].is_silent()
        room.set_up([{"keyword": "$Seen"}, {"name": "other"}])
        room.signal(signal.SIGHUP)
        readers["desk"].expect("stop")
        readers["desk"].exit()
        desk, setup = room.reader()
        assert setup["keyword"] == b"$Seen", setup
        assert setup["last_uid"] == 9, setup
        assert readers["other"].is_silent()
        room.set_up([{"name": "other"}, {"name": "third"}])
        room.signal(signal.SIGHUP)
        desk.expect("stop")
        desk.exit()
        third, setup = room.reader()
        assert setup["mailbox"]["name"] == b"third", setup
        harness.wait_for("two mailboxes", lambda: [
            m["name"] for m in room.status()["mailboxes"]] ==
            ["other", "third"])
        room.signal(signal.SIGTERM)
        for reader in (readers["other"], third):
            reader.expect("stop")
            reader.exit()
        assert room.wait() == 0, room.log()


# ---- where else a ministry is -----------------------------------------------

def test_an_alarm_says_where_else_it_was_reached():
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        tokens = room.send_all()
        room.send_one("DM-2", "TWO,en,cabinet@two.example,Two")
        gone = room.send_one("DM-3", "TWO,en,gone@two.example,Two")
        room.send_one("DM-4", "TWO,en,Gone@two.example,Two")
        room.send_one("DM-5", "TWO,en,rehearsed@two.example,Two",
                      test_to="desk@secretariat.example")
        room.send_one("DM-6", "TWO,en,Mission@two.example,Two")
        room.send_one("DM-7", "BBB,en,other@bbb.example,Bland")
        room.send_one("DM-8", "TWO,en,unwanted@two.example,Two")
        room.enqueue("DM-9", "key,language,to,name\n"
                     "TWO,en,waits@two.example,Two\n", hold="1")
        room.send_one("DM-10", "TWO,en,embassy@two.example,Two")
        chancery(room, "suppress", "add", "unwanted@two.example")
        room.tell(reader, HARD, token=gone,
                  recipients=reports("gone@two.example"))
        room.tell(reader, HARD, token=tokens["TWO"],
                  recipients=reports("minister@two.example"))
        first, second = [e["detail"] for e in room.events()
                         if e["type"] == "alarm.bounce"]
        assert first["elsewhere"] == [
            "embassy@two.example", "mission@two.example",
            "cabinet@two.example", "minister@two.example"], first
        assert second["others"] == ["mission@two.example"], second
        assert second["elsewhere"] == [
            "embassy@two.example", "cabinet@two.example"], second
        room.tell(reader, HARD, token=tokens["AAA"],
                  recipients=reports("minister@aaa.example"))
        last = [e for e in room.events() if e["type"] == "alarm.bounce"][-1]
        assert "elsewhere" not in last["detail"], last
        answer = room.post("/v1/batches/DM-1/letters/TWO/readdress",
                           {"address": second["elsewhere"][0]})
        assert answer.json == {"touched": 1}, answer.json


# ---- addresses that are not written to --------------------------------------

def suppressed(room):
    return {each["address"]: each
            for each in objects(room, "suppress", "list")}


def test_a_suppressed_address_is_not_written_to():
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        chancery(room, "suppress", "add", "Mission <MISSION@Two.example>")
        chancery(room, "suppress", "add", "minister@bbb.example")
        chancery(room, "suppress", "add", "nobody", code=64)
        # what only SMTPUTF8 carries, and a domain as people write it
        chancery(room, "suppress", "add", "Zoë@BÜCHER.example")
        assert "zoë@xn--bcher-kva.example" in suppressed(room)
        chancery(room, "suppress", "remove", "ZOë@xn--bcher-kva.example")
        chancery(room, "suppress", "remove", "x@y.example", code=66)
        assert room.post("/v1/suppress", {"address": "a b@c"}).status == 422
        room.kill()
        room.start()
        assert set(suppressed(room)) == {"MISSION@two.example".lower(),
                                         "minister@bbb.example"}
        entry = suppressed(room)["minister@bbb.example"]
        assert entry["who"] and not entry["expires_at"], entry
        answer = room.upload("DM-1", TABLE)
        assert answer.json["warnings"] == 2, answer.json
        room.sender = room.puppet("send")
        room.sender.ready(1)
        sent = []
        for _ in range(2):
            letter = room.sender.letter()
            sent += [(a["address"], a["pending"])
                     for a in letter["addresses"]]
            room.sender.dot(letter)
            room.sender.expect("send-go")
            room.sender.result(letter, harness.SENT, 250, "ok")
            room.sender.send("send-ready", want=1)
        assert sent == [(b"minister@aaa.example", 1),
                        (b"minister@two.example", 1),
                        (b"mission@two.example", 0)], sent
        assert room.sender.is_silent()
        letters = room.letters("DM-1")
        assert letters["BBB"]["state"] == "cancelled", letters["BBB"]
        kinds = [e["type"] for e in room.events()]
        assert kinds.count("letter.suppressed") == 2, kinds
        chancery(room, "suppress", "remove", "minister@bbb.example")
        assert room.upload("DM-2", TABLE).json["warnings"] == 1
        assert room.sender.letter()["key"] == b"AAA"


def test_bounces_suppress_where_that_is_asked_for():
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        room.send_all()
        token = room.envelope_ids["AAA"]
        room.tell(reader, HARD, envelope_id=token,
                  recipients=reports("minister@aaa.example"))
        assert suppressed(room) == {}, "it is off by default"
        room.configure(
            [{"name": "desk", "port": 9, "connections": 1}],
            [{"name": "desk", "port": 9, "tls": "none", "auth": "plain",
              "user": "desk", "password": str(room.password)}],
            suppression={"automatic": True, "hard": 1, "soft": 2})
        room.kill()
        room.start()
        reader, _ = room.reader()
        for kind, key in ((SOFT, "TWO"), (DELAYED, "TWO"), (HARD, "BBB")):
            room.tell(reader, kind, envelope_id=room.envelope_ids[key],
                      recipients=reports(f"minister@{key.lower()}.example",
                                         kind))
            # an address that it has not, and no proof
            room.tell(reader, kind, envelope_id=room.envelope_ids[key],
                      recipients=reports("minister@aaa.example", kind))
            room.tell(reader, kind, references=[room.message_ids["AAA"]],
                      recipients=reports("minister@aaa.example", kind))
        entries = suppressed(room)
        assert set(entries) == {"minister@bbb.example"}, entries
        entry = entries["minister@bbb.example"]
        shown = [r for r in room.returns() if r["cursor"] == entry["return"]]
        assert shown[0]["recipient"] == "minister@bbb.example", entry
        assert entry["expires_at"] and entry["who"] is None, entry
        assert room.wait_event("address.suppressed")


def test_what_is_over_is_said_to_be_so():
    with Room() as room:
        room.configure(
            [{"name": "desk", "port": 9, "connections": 1}],
            [{"name": "desk", "port": 9, "tls": "none", "auth": "plain",
              "user": "desk", "password": str(room.password)}],
            suppression={"automatic": True, "expires": "1ms"})
        room.start()
        reader, _ = room.reader()
        tokens = room.send_all()
        room.tell(reader, HARD, token=tokens["AAA"],
                  recipients=reports("minister@aaa.example"))
        chancery(room, "suppress", "add", "minister@bbb.example")
        assert set(suppressed(room)) == {"minister@aaa.example",
                                         "minister@bbb.example"}
        out = chancery(room, "suppress", "list")[0]
        assert re.search(r"(?m)^minister@aaa\.example +\S+ +over +1 hard", out)
        assert re.search(r"(?m)^minister@bbb\.example +\S+ +removed ", out)
        assert "\n1 address not written to.\n" in out, out


# ---- what follows on a letter ------------------------------------------------

CHANCERY = str(harness.BUILD.resolve() / "chancery")
LISTS = {
    "board.csv": "key,language,to,name,seat\n"
                 "AAA,en,minister@aaa.example,Aland,1\n"
                 "TWO,en,minister@two.example,\"Two, \"\"the\"\"\",2\n",
    "council.csv": "key,language,to,name,seat\n"
                   "BBB,en,minister@bbb.example,Bland,7\n"
                   "TWO,en,minister@two.example,\"Two, \"\"the\"\"\",8\n",
}
REMINDER = {
    "letter.conf": "",
    "en.md": "Subject: Reminder\n\n{{name}}:{{#capacities}} {{table}} "
             "seat {{seat}};{{/capacities}}\n",
}


def chancery(room, *words, code=0):
    """Its objects, and what it says to the person."""
    run = subprocess.run(
        [CHANCERY, "--socket-dir", room.root, *map(str, words)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=harness.TIMEOUT)
    assert run.returncode == code, (words, run, room.log()[-2000:])
    return run.stdout, run.stderr


def objects(room, *words):
    return [json.loads(line)
            for line in chancery(room, *words, "--json")[0].splitlines()]


def keys_of(room, state, reference="DM-1"):
    return sorted(each["key"] for each in
                  objects(room, "letters", reference, "--state", state))


def write(folder, files):
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def tokens_of(room, reference):
    """Send all that waits of a batch; the token of each key, and the bytes'
    stand-in as the sender has them."""
    sent = {}
    waiting = len([each for each in room.letters(reference).values()
                   if each["state"] == "queued"])
    for _ in range(waiting):
        room.sender.send("send-ready", want=1)
        letter = room.sender.letter()
        room.sender.dot(letter)
        assert room.sender.expect("send-go")["go"] == 1
        room.sender.result(letter, harness.SENT, 250, "ok")
        sent[letter["key"].decode()] = letter
    room.wait_letters(reference, queued=0, claimed=0, dot=0)
    return sent


def start_of_two_lists(room):
    """DM-1 to those of two lists, sent."""
    room.start()
    reader, _ = room.reader()
    room.sender = room.puppet("send") if room.waiting else None
    lists = write(room.root / "lists", LISTS)
    letter = write(room.root / "first", REMINDER)
    chancery(room, "enqueue", letter, lists / "board.csv",
             lists / "council.csv", "-R", "DM-1", "--deadline", "2020-02-29",
             "--yes")
    room.sender = room.sender or room.puppet("send")
    room.sender.expect("send-setup")
    return reader, tokens_of(room, "DM-1")


def test_only_the_silent_are_reminded():
    with Room() as room:
        reader, sent = start_of_two_lists(room)
        letter = write(room.root / "reminder", REMINDER)
        assert keys_of(room, "overdue") == ["AAA", "BBB", "TWO"]
        room.tell(reader, REPLY, references=[sent["AAA"]["message_id"]])
        assert keys_of(room, "overdue") == ["BBB", "TWO"]
        said = chancery(room, "remind", "DM-1", letter, "-R", "DM-2",
                        "--dry-run")
        assert "reminded of DM-1: 2." in said[1], said
        assert "CSV" not in said[1] and "reminded-" not in said[1], said
        room.post("/v1/pause")
        chancery(room, "remind", "DM-1", letter, "-R", "DM-2", "--yes")
        # the rows are the first tables', in both capacities
        source = chancery(room, "show", "DM-2/TWO", "--eml")[0]
        assert "Two, \"the\": board seat 2; council seat 8;" in source, source
        for reference, relation in (("DM-2", r"reminds +DM-1\n"),
                                    ("DM-1", r"reminder +DM-2\n")):
            assert re.search(relation,
                             chancery(room, "status", reference)[0])
        # one answers before it goes
        room.tell(reader, REPLY, references=[sent["BBB"]["message_id"]])
        assert room.letters("DM-2")["BBB"]["state"] == "cancelled"
        assert room.wait_event("letter.not_reminded")["key"] == "BBB"
        room.post("/v1/resume")
        again = tokens_of(room, "DM-2")
        assert list(again) == ["TWO"], again
        # an answer to the reminder is one to the letter
        assert keys_of(room, "silent") == ["TWO"]
        room.tell(reader, REPLY, references=[again["TWO"]["message_id"]])
        assert keys_of(room, "silent") == []
        assert counts(room)["answered"] == 3
        said = chancery(room, "remind", "DM-1", letter, "-R", "DM-3", "--yes",
                        code=65)
        assert "nobody to remind" in said[1], said
        room.sender.send("send-ready", want=3)
        assert room.sender.is_silent(), "something is to be sent"


def test_a_rehearsal_reminds_no_ministry():
    with Room() as room:
        room.start()
        room.enqueue("DM-1", TABLE, test_to="desk@secretariat.example")
        room.sender = room.puppet("send")
        room.sender.expect("send-setup")
        tokens_of(room, "DM-1")
        letter = write(room.root / "reminder", {
            "letter.conf": "", "en.md": "Subject: Reminder\n\n{{name}}\n"})
        said = chancery(room, "remind", "DM-1", letter, "-R", "DM-2", "--yes",
                        code=65)
        assert "was a rehearsal" in said[1], said
        chancery(room, "remind", "DM-1", letter, "-R", "DM-2", "--yes",
                 "--test-to", "desk@secretariat.example")
        sent = tokens_of(room, "DM-2")
        assert {a["address"] for each in sent.values()
                for a in each["addresses"]} == {b"desk@secretariat.example"}


def test_an_answer_while_the_reminder_is_made():
    """What the daemon is given names those who have answered as well: they are
    not sent it, after a kill neither."""
    with Room() as room:
        reader, sent = start_of_two_lists(room)
        for key in ("AAA", "TWO"):
            room.tell(reader, REPLY, references=[sent[key]["message_id"]])
        table = TABLE.replace("cc", "capacity").replace(
            "mission@two.example", "")
        room.post("/v1/pause")
        refused = room.upload("DM-2", table, reminds="DM-9")
        assert refused.status == 404 and "DM-9" in refused.json["error"]["text"]
        refused = room.upload("DM-2", table, reminds="DM-1", recalls="DM-1")
        assert refused.status == 400, refused.body
        room.enqueue("DM-2", table, reminds="DM-1")
        room.enqueue("DM-3", table, reminds="DM-2")
        room.enqueue("DM-4", table, corrects="DM-1")
        room.kill()
        room.start()
        for reference in ("DM-2", "DM-3"):
            assert {key: each["state"] for key, each in
                    room.letters(reference).items()} == {
                        "AAA": "cancelled", "BBB": "queued",
                        "TWO": "cancelled"}, reference
        assert room.batch("DM-4")["letters"]["queued"] == 3
        assert [(f["reference"], f["relation"]) for f in
                room.batch("DM-1")["followers"]] == [
                    ("DM-2", "reminds"), ("DM-4", "corrects")]


def test_a_guess_waits_for_a_person():
    """The reference in the subject, and the sender's domain."""
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        room.send_all()
        for sender, subject, key in (
                ("cabinet@bbb.example", "Re: [DM-1] Session", "BBB"),
                ("cabinet@ccc.example", "Re: [DM-1] Session", None),
                ("cabinet@bbb.example", "Re: [DM-2] Session", None),
                ("cabinet@bbb.example", "Re: DM-1", None),
                ("bbb.example", "Re: [DM-1]", None),
                ("press@BBB.example", "RE: [x] [DM-1", None),
                ("press@BBB.example", "RE: [x] [DM-1]", "BBB")):
            room.tell(reader, REPLY, **{"from": sender, "subject": subject})
            last = room.returns()[-1]
            assert (last["key"], last["verified"], last["match"]) == (
                key, False, "reference" if key else "none"), last
        assert counts(room) == NOTHING
        kinds = [e["type"] for e in room.events()]
        assert kinds.count("return.unverified") == 2, kinds
        assert "letter.answered" not in kinds, kinds
        guessed, _, other = (str(r["cursor"]) for r in room.returns()[:3])
        for words, code in ((("DM-1/BBB", "99"), 66), (("DM-1/BBB", "x"), 64),
                            (("DM-1/AAA", guessed), 65),
                            (("DM-1/NONE", guessed), 66)):
            chancery(room, "confirm", *words, code=code)
        assert counts(room) == NOTHING
        said = chancery(room, "confirm", "DM-1/BBB", guessed)
        assert "is about it" in said[0], said
        chancery(room, "confirm", "DM-1/AAA", other)
        room.kill()
        room.start()
        assert counts(room)["answered"] == 2
        event = room.wait_event("return.confirmed")
        assert event["key"] == "BBB" and event["who"], event
        chancery(room, "confirm", "DM-1/BBB", guessed, code=65)
        # a bounce that anybody could have written
        reader, _ = room.reader()
        room.tell(reader, HARD, recipients=reports("minister@aaa.example"),
                  references=[room.message_ids["AAA"]])
        assert counts(room)["bounced"] == 0
        chancery(room, "confirm", "DM-1/AAA",
                 room.returns()[-1]["cursor"])
        assert counts(room)["bounced"] == 1
        assert room.wait_event("alarm.bounce")["key"] == "AAA"
        assert keys_of(room, "silent") == ["TWO"]


def test_the_same_letter_goes_elsewhere():
    with Room() as room:
        reader, sent = start_of_two_lists(room)
        token = sent["TWO"]["envelope_from"].split(b"+")[1].split(b"@")[0]
        room.tell(reader, HARD, token=token,
                  recipients=reports("minister@two.example"))
        letter = write(room.root / "reminder", REMINDER)
        said = chancery(room, "remind", "DM-1", letter, "-R", "DM-2", "-n")
        assert "came back: 1" in said[1], said
        words = ("readdress", "DM-1/TWO", "Mission <mission@TWO.example>")
        chancery(room, *words, code=64)
        room.post("/v1/pause")
        for wrong, code in (("minister@two.example", 65), ("nobody", 64)):
            chancery(room, "readdress", "DM-1/TWO", wrong, "--yes", code=code)
        for wrong in ("a b@two.example", "x@TWO.example", "@two.example",
                      "a@b@two.example", "<a@two.example>",
                      "a@tw\u00f6.example", "jos\u00e9@two.example"):
            assert room.post("/v1/batches/DM-1/letters/TWO/readdress",
                             {"address": wrong}).status == 422, wrong
        said = chancery(room, *words, "--yes")
        assert "goes to mission@two.example" in said[0], said
        room.kill()
        room.start()
        event = room.wait_event("letter.readdressed")
        assert event["who"] and event["detail"] == {
            "seq": 1, "address": "mission@two.example"}, event
        room.post("/v1/resume")
        room.sender = room.puppet("send")
        room.sender.expect("send-setup")
        again = tokens_of(room, "DM-1")["TWO"]
        assert [(a["address"], a["pending"]) for a in again["addresses"]] == [
            (b"minister@two.example", 0), (b"mission@two.example", 1)]
        assert again["message_id"] == sent["TWO"]["message_id"]
        show, = objects(room, "show", "DM-1/TWO")
        assert [(a["role"], a["state"]) for a in show["addresses"]] == [
            ("to", "sent"), ("readdressed", "sent")], show
        # and so does its reminder
        chancery(room, "remind", "DM-1", letter, "-R", "DM-2", "--yes")
        reminders = tokens_of(room, "DM-2")
        assert [a["address"] for a in reminders["TWO"]["addresses"]] == [
            b"mission@two.example"], reminders["TWO"]
        assert sorted(reminders) == ["AAA", "BBB", "TWO"]


if __name__ == "__main__":
    harness.run_all(dict(globals()))
