#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator says while letters flow over several connections: pause,
resume, cancel, retry, release, resolve, priority and --at. Each is said when a
letter of every connection stands at its dot and others are with the worker; it
holds from its answer on for all that has no dot yet, also where chanceryd is
killed right behind the answer; and it is an event with who did it."""
import collections
import datetime
import os
import pathlib
import sys
import threading
import time

import harness
from harness import Room, table, wait_for

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
from smtp_peer import PASSWORD, USER, Peer, Turns  # noqa: E402

CONNECTIONS = 4
AHEAD = 3  # letters that a connection has in hand
LETTERS = 120
FLOW = 20
BATCH = "/v1/batches/DM-1"
ME = f"(uid {os.getuid()})"


class Relay(Peer):
    """Its replies to dots come at once for the first letters, and for the others
    when they may."""

    def __init__(self, **script):
        super().__init__({"dot": self.dot, **script})
        self.changed = threading.Condition()
        self.free = FLOW  # letters; None: all
        self.at_dot = 0  # now
        self.came = []   # who the letters were for, in order
        self.times = []  # when
        self.over = []   # which connection

    def dot(self, session):
        if not session.envelope:  # RCPT was refused, and DATA came with it
            session.say(b"554 5.5.1 nobody to take it to\r\n")
            return
        with self.changed:
            self.came += session.envelope
            self.times.append(time.time())
            self.over.append(id(session))
            place = len(self.came)
            self.at_dot += 1
            self.changed.notify_all()
            self.changed.wait_for(
                lambda: self.free is None or place <= self.free)
            self.at_dot -= 1
        session.say(b"250 2.0.0 kept\r\n")

    def let(self, free):
        with self.changed:
            self.free = free
            self.changed.notify_all()

    def wait(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, harness.TIMEOUT)

    def room(self, **conf):
        return Room([{"name": "main", "port": self.port,
                      "connections": CONNECTIONS}], conf=conf)


def catch(relay, room):
    """Letters have flown, and stand at the dot of each connection."""
    relay.wait(lambda: relay.at_dot == CONNECTIONS)
    try:
        wait_for("what the daemon knows of it", lambda: (
            room.batch("DM-1")["letters"]["claimed"] >= CONNECTIONS and
            room.status()["letters"]["dot"] == CONNECTIONS))
    except TimeoutError as error:
        raise TimeoutError(f"{error}: {room.status()}, {relay.at_dot} of "
                           f"{len(relay.came)} at dots, "
                           f"{[x.said[-3:] for x in relay.sessions]}"
                           ) from None
    return len(relay.came)


def under_way(room):
    letters = room.status()["letters"]
    return letters["claimed"] + letters["dot"]


def let_go(relay, room, kill, free=None):
    """The answer has come: chanceryd is killed, or not, and what stands at its
    dot goes on."""
    if kill:
        room.kill()
    relay.let(free)
    if kill:
        room.start()


def said(room, kind):
    """The last event of that type, which names us."""
    event = [e for e in room.events() if e["type"] == kind][-1]
    assert event["who"].endswith(ME), event
    return event


def ends(relay, room, kill, twice=(), **states):
    """Nothing waits any more; each letter went once, those at a dot when the
    daemon was killed are in doubt."""
    states.setdefault("in_doubt", CONNECTIONS * kill)
    rest = room.batch("DM-1")["total"] - sum(states.values())
    room.wait_letters("DM-1", sent=rest, **states)
    times = collections.Counter(relay.came)
    assert {to for to, n in times.items() if n > 1} == set(twice), times


def address(key):
    number = int(key[1:])
    return f"office{number}@k{number}.example"


def pausing(target, kill):
    with Relay() as relay, relay.room() as room:
        room.start()
        room.enqueue("DM-1", table(LETTERS))
        came = catch(relay, room)
        assert room.post(f"{target}/pause").json == {"touched": 1}
        let_go(relay, room, kill)
        wait_for("rest", lambda: under_way(room) == 0)
        if target == BATCH:
            room.enqueue("DM-2", table(5, start=1000))
            room.wait_letters("DM-2", sent=5)
            assert [int(to.split("@")[0][6:]) >= 1000
                    for to in relay.came[came:]] == [True] * 5
            came += 5
        assert len(relay.came) == came
        assert room.post(f"{target}/pause").json == {"touched": 0}
        assert room.post(f"{target}/resume").json == {"touched": 1}
        if kill:
            room.kill()
            room.start()
            # It may have stood at dots again.
            room.wait_letters("DM-1", queued=0, claimed=0, dot=0)
            assert len(set(relay.came)) == len(relay.came), "twice"
            return
        ends(relay, room, kill)


def test_pause_and_resume():
    for kill in (False, True):
        for target, about in (("/v1", "mailroom"), (BATCH, "batch"),
                              ("/v1/relays/main", "relay")):
            pausing(target, kill)
            print(f"   {about}{', killed' * kill}")


def test_pause_and_resume_are_events():
    with Relay() as relay, relay.room() as room:
        room.start()
        room.enqueue("DM-1", table(1))
        for target, about in (("/v1", "mailroom"), (BATCH, "batch"),
                              ("/v1/relays/main", "relay")):
            for verb in ("pause", "resume"):
                room.post(f"{target}/{verb}")
                said(room, f"{about}.{verb.rstrip('e')}ed")


def test_cancel_a_batch():
    for kill in (False, True):
        with Relay() as relay, relay.room() as room:
            room.start()
            room.enqueue("DM-1", table(LETTERS))
            came = catch(relay, room)
            assert room.post(f"{BATCH}/cancel").status == 200
            let_go(relay, room, kill)
            ends(relay, room, kill, cancelled=LETTERS - came)
            assert len(relay.came) == came
            said(room, "batch.cancelled")


def test_cancel_a_letter():
    """One that a worker has is not sent; one at its dot is, and says so."""
    for kill in (False, True):
        with Relay() as relay, relay.room() as room:
            room.start()
            room.enqueue("DM-1", table(LETTERS))
            catch(relay, room)
            claimed = list(room.letters("DM-1", "claimed"))
            late, = list(room.letters("DM-1", "dot"))[:1]
            waits = list(room.letters("DM-1", "queued"))[-1]
            assert len(claimed) >= CONNECTIONS, claimed
            gone = [*claimed, waits]
            for key in gone:
                answer = room.post(f"{BATCH}/letters/{key}/cancel")
                assert answer.json == {"touched": 1}, (key, answer.body)
                event = said(room, "letter.cancelled")
                assert (event["key"], event["detail"]["from"]) == (
                    key, "queued" if key == waits else "claimed"), event
            answer = room.post(f"{BATCH}/letters/{late}/cancel")
            assert answer.status == 409, answer.body
            let_go(relay, room, kill)
            ends(relay, room, kill, cancelled=len(gone))
            assert not set(map(address, gone)) & set(relay.came)
            assert not kill or "malformed" not in room.log()
            assert room.status()["worker_restarts"] == 0


def test_retry():
    for kill in (False, True):
        refused = {f"rcpt:{address('K000003')}":
                   Turns(b"550 5.1.1 nobody\r\n", b"250 ok\r\n")}
        with Relay(**refused) as relay, relay.room() as room:
            room.start()
            room.enqueue("DM-1", table(LETTERS))
            catch(relay, room)
            assert list(room.letters("DM-1", "failed")) == ["K000003"]
            target = f"{BATCH}/letters/K000003/retry"
            assert room.post(target).json == {
                "touched": 1, "failed": 1, "waiting": 0, "held": 0}
            said(room, "letter.retried")
            let_go(relay, room, kill)
            ends(relay, room, kill)
            assert address("K000003") in relay.came


def test_retry_what_waits():
    """A refusal for now, and then a person does not want to wait."""
    for kill in (False, True):
        later = {f"rcpt:{address('K000003')}":
                 Turns(b"450 4.2.0 later\r\n", b"250 ok\r\n")}
        with Relay(**later) as relay, relay.room(
                sending={"retry": ["1h"]}) as room:
            room.start()
            room.enqueue("DM-1", table(LETTERS))
            catch(relay, room)
            target = f"{BATCH}/letters/K000003"
            assert room.get(target).json["addresses"][0]["code"] == 450
            assert room.post(f"{target}/retry").json == {
                "touched": 1, "failed": 0, "waiting": 1, "held": 0}
            assert said(room, "letter.retried")["key"] == "K000003"
            let_go(relay, room, kill)
            ends(relay, room, kill)
            assert address("K000003") in relay.came


def test_retry_a_batch():
    """What was refused for good and what waits go at once, each counted; what is
    in doubt does not, nor what another batch has waiting."""
    later, never = Turns(b"450 4.2.0 later\r\n", b"250 ok\r\n"), \
        Turns(b"550 5.1.1 nobody\r\n", b"250 ok\r\n")
    for kill in (False, True):
        script = {f"rcpt:{address(f'K00000{n}')}": Turns(*later.actions)
                  for n in (3, 5, 8)}
        script[f"rcpt:{address('K000004')}"] = Turns(*never.actions)
        script[f"rcpt:{address('K001000')}"] = Turns(*later.actions)
        with Relay(**script) as relay, relay.room(
                sending={"retry": ["1h"]}) as room:
            room.start()
            room.enqueue("DM-2", table(1, start=1000))
            wait_for("the other one's refusal", lambda: room.batch(
                "DM-2")["deferred"] == 1)
            room.enqueue("DM-1", table(LETTERS))
            catch(relay, room)
            # The daemon dies, and what stood at dots is in doubt.
            let_go(relay, room, True, len(relay.came) + FLOW)
            room.wait_letters("DM-1", in_doubt=CONNECTIONS)
            catch(relay, room)
            doubt = set(room.letters("DM-1", "in_doubt"))
            assert room.post(f"{BATCH}/retry").json == {
                "touched": 4, "failed": 1, "waiting": 3, "held": 0}
            told = [e["detail"] for e in room.events()
                    if e["type"] == "batch.retried"]
            assert told == [
                {"from": "queued", "to": "queued", "letters": 3},
                {"from": "failed", "to": "queued", "letters": 1}], told
            said(room, "batch.retried")
            let_go(relay, room, kill)
            ends(relay, room, kill,
                 in_doubt=CONNECTIONS + CONNECTIONS * kill)
            assert doubt <= set(room.letters("DM-1", "in_doubt"))
            assert set(map(address, ("K000003", "K000004", "K000005",
                                     "K000008"))) <= set(relay.came)
            assert room.batch("DM-2")["letters"]["queued"] == 1
            answer = room.post(f"{BATCH}/retry")
            assert answer.status == 409, answer.body
            assert b"nothing of it has failed or waits" in answer.body


def test_retry_when_the_relay_works_again():
    """It has refused our login, and rests for half a minute; its letters wait for
    it, or for an hour. Who has mended it does not wait for either."""
    for delay in ("0s", "1h"):
        mending_the_relay(delay)


def mending_the_relay(delay):
    mended = threading.Event()

    def login(session):
        session.say(b"235 2.7.0 welcome\r\n" if mended.is_set()
                    else b"535 5.7.8 no\r\n")

    with Relay(auth=login) as relay:
        with relay.room(sending={"retry_connection": [delay]}) as room:
            secret = room.root / "password"
            secret.write_text(f"{PASSWORD}\n")
            secret.chmod(0o600)
            room.configure([{"name": "main", "port": relay.port,
                             "connections": CONNECTIONS, "auth": "plain",
                             "user": USER, "password": str(secret)}],
                           sending={"retry_connection": [delay]})
            room.start()
            relay.let(None)
            room.enqueue("DM-1", table(10))
            state = wait_for("its rest", lambda: next(
                (r for r in room.status()["relays"] if r["next_at"]), None))
            rests_until = datetime.datetime.fromisoformat(
                state["next_at"].replace("Z", "+00:00")).timestamp()
            room.wait_letters("DM-1", queued=10, claimed=0)
            waiting = room.batch("DM-1")["deferred"]
            assert waiting > 0
            mended.set()
            assert room.post(f"{BATCH}/retry").json == {
                "touched": waiting, "failed": 0, "waiting": waiting,
                "held": 0}
            room.wait_letters("DM-1", sent=10)
            assert time.time() < rests_until, "it has waited"
            assert len(relay.came) == len(set(relay.came)) == 10


def test_release():
    for kill in (False, True):
        with Relay() as relay, relay.room(
                release={"second_person": False}) as room:
            room.start()
            room.enqueue("DM-1", table(LETTERS))
            digest = room.enqueue("DM-2", table(5, start=1000),
                                  hold="1")["digest"]
            catch(relay, room)
            assert room.post("/v1/batches/DM-2/release",
                             {"digest": digest}).json == {"touched": 1}
            said(room, "batch.released")
            assert room.batch("DM-2")["letters"]["queued"] == 5
            let_go(relay, room, kill)
            room.wait_letters("DM-2", sent=5)
            ends(relay, room, kill)


def test_resolve():
    for kill in (False, True):
        with Relay() as relay, relay.room() as room:
            room.start()
            room.enqueue("DM-1", table(LETTERS))
            catch(relay, room)
            let_go(relay, room, True, len(relay.came) + FLOW)
            room.wait_letters("DM-1", in_doubt=CONNECTIONS)
            catch(relay, room)
            sent, again, *_ = room.letters("DM-1", "in_doubt")
            for key, verdict in ((sent, "sent"), (again, "resend")):
                target = f"{BATCH}/letters/{key}/resolve"
                assert room.post(target, {"as": verdict}).json == \
                    {"touched": 1}
                assert said(room, "letter.resolved")["key"] == key
            let_go(relay, room, kill)
            ends(relay, room, kill, twice=[address(again)],
                 in_doubt=CONNECTIONS - 2 + CONNECTIONS * kill)
            assert room.letters("DM-1")[sent]["state"] == "sent"


def is_second(to):
    return int(to.split("@")[0][6:]) >= 1000


def check_ahead(relay, came, kill):
    """From the answer on, a connection ends the letter that it has begun, and no
    other one before those that are to go first."""
    by_connection = collections.defaultdict(list)
    for session, to in list(zip(relay.over, relay.came))[came:]:
        by_connection[session].append(is_second(to))
    assert any(map(any, by_connection.values())), by_connection
    for letters in by_connection.values():
        before = letters.index(True) if True in letters else 0
        assert before <= (not kill), (kill, by_connection)
    seconds = [i for i, to in enumerate(relay.came[came:]) if is_second(to)]
    assert len(seconds) == 30, seconds
    assert seconds[0] <= CONNECTIONS * (not kill), seconds
    # What is handed out behind them may pass them on another connection, and
    # any number of letters those of one that has to wait for its processor.
    late = [i for n, i in enumerate(seconds) if i - n > CONNECTIONS * AHEAD]
    assert len(late) <= CONNECTIONS * AHEAD, seconds


def going_ahead(kill, change, first="normal", second="normal", **how):
    with Relay() as relay, relay.room(
            release={"second_person": False}) as room:
        room.start()
        room.enqueue("DM-1", table(LETTERS), priority=first)
        digest = room.enqueue("DM-2", table(30, start=1000), priority=second,
                              **how)["digest"]
        came = catch(relay, room)
        assert not any(map(is_second, relay.came)), relay.came
        change(room, digest)
        let_go(relay, room, kill)
        ends(relay, room, kill)
        room.wait_letters("DM-2", sent=30)
        check_ahead(relay, came, kill)
        assert room.status()["worker_restarts"] == 0
        called_back = [e for e in room.events()
                       if e["type"] == "letter.requeued"
                       and e["detail"]["why"] == "another batch goes first"]
        assert kill or len(called_back) >= CONNECTIONS, called_back
        assert all(e["batch"] == "DM-1" for e in called_back)


def raised(room, _):
    assert room.batch("DM-2")["letters"]["queued"] == 30
    assert room.post("/v1/batches/DM-2/priority",
                     {"priority": "high"}).json == {"touched": 1}
    assert said(room, "batch.priority_changed")["detail"] == \
        {"from": "low", "to": "high"}


def lowered(room, _):
    assert room.post(f"{BATCH}/priority",
                     {"priority": "low"}).json == {"touched": 1}
    assert said(room, "batch.priority_changed")["detail"] == \
        {"from": "high", "to": "low"}


def released(room, digest):
    assert room.post("/v1/batches/DM-2/release",
                     {"digest": digest}).json == {"touched": 1}


def test_priority():
    """What a connection has begun goes before, and nothing else that it has."""
    for kill in (False, True):
        going_ahead(kill, raised, second="low")
        going_ahead(kill, lowered, first="high")
        going_ahead(kill, released, second="high", hold="1")


def test_high_priority_at():
    """It becomes due while letters of others are with the workers."""
    at = int(time.time()) + 4

    def due(room, _):
        wait_for("the letters before it are called back", lambda: any(
            e["type"] == "letter.requeued" for e in room.events()))
        assert time.time() >= at

    text = datetime.datetime.fromtimestamp(
        at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    going_ahead(False, due, second="high", not_before=text)


def test_same_priority_calls_nothing_back():
    with Relay() as relay, relay.room() as room:
        room.start()
        room.enqueue("DM-1", table(LETTERS))
        room.enqueue("DM-2", table(30, start=1000), priority="low")
        catch(relay, room)
        room.post("/v1/batches/DM-2/priority", {"priority": "normal"})
        room.post("/v1/batches/DM-2/pause")
        room.post("/v1/batches/DM-2/resume")
        let_go(relay, room, False)
        ends(relay, room, False)
        room.wait_letters("DM-2", sent=30)
        assert not [e for e in room.events()
                    if e["type"] == "letter.requeued"]


def test_at():
    for kill in (False, True):
        with Relay() as relay, relay.room() as room:
            room.start()
            room.enqueue("DM-1", table(LETTERS))
            catch(relay, room)
            at = int(time.time()) + 3
            text = datetime.datetime.fromtimestamp(
                at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            room.enqueue("DM-2", table(5, start=1000), not_before=text)
            let_go(relay, room, kill)
            ends(relay, room, kill)
            room.wait_letters("DM-2", sent=5)
            assert min(moment for to, moment in zip(relay.came, relay.times)
                       if int(to.split("@")[0][6:]) >= 1000) >= at
            event = [e for e in room.events() if e["batch"] == "DM-2"][0]
            assert event["who"].endswith(ME), event


if __name__ == "__main__":
    harness.run_all(dict(globals()))
