#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recipients' domains take: letters at once, a pace, and a rest after
a refusal for now; with this test as the send workers, and with a sink."""
import os
import pathlib
import signal
import sys

import harness
from harness import (DEFERRED, FAILED, UNTRIED, Room, Sink, key, send,
                     table, take_letters, wait_for, worker)

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
from smtp_peer import CHUNKS, Peer  # noqa: E402

BUSY = "ministry.example"


def room(*domains, rest="0s", **sending):
    return Room([{"name": "main", "port": 1, "connections": 1,
                  "connections_per_worker": 1}], puppets=True,
                conf=conf(*domains, rest=rest, **sending))


def conf(*domains, rest="0s", **sending):
    listed = {"domains": domains} if domains else {}
    return {"sending": {"domain_rest": rest, **sending}, **listed}


def busy(one, letter):
    one.result(letter, DEFERRED, 451, "too many from you", "4.7.1")


def ministry(rows, start=0):
    return table(rows, "office{i}@" + BUSY, start)


def of(letters, domain=BUSY):
    return [x for x in letters
            if x["addresses"][0]["address"].decode().endswith("@" + domain)]


def test_letters_per_connection():
    """The worker is told which letter begins a new connection; those to others
    are not counted."""
    with room({"pattern": [BUSY], "letters_per_connection": 2}) as r:
        r.start()
        r.enqueue("DM-1", ministry(5) + table(1, start=10).split("\n", 1)[1])
        one = worker(r, want=8)
        letters = take_letters(one)
        assert [x["anew"] for x in of(letters)] == [0, 0, 1, 0, 1], letters
        assert [x["anew"] for x in letters if x not in of(letters)] == [0]


def test_letters_per_connection_of_a_relay():
    """And it does so, also where letters are opened behind each other's dots."""
    with Peer(keywords=CHUNKS) as peer, Room(
            [{"name": "main", "port": peer.port, "connections": 2}],
            conf=conf({"pattern": [BUSY], "letters_per_connection": 3})) as r:
        r.start()
        r.enqueue("DM-1", ministry(40) +
                  table(20, start=100).split("\n", 1)[1])
        r.wait_letters("DM-1", sent=60)
        counts = [sum("RCPT" in line and BUSY in line for line in session.said)
                  for session in peer.sessions]
        assert sum(counts) == 40 and max(counts) == 3, counts
        assert sum(len(session.messages) for session in peer.sessions) == 60
        assert len(counts) < 30, "a new one for nothing"


def test_connections():
    """Others of the batch go past those that wait, which cost no attempt; and
    the next one goes when one is done."""
    with room({"pattern": [BUSY], "connections": 2}) as r:
        r.start()
        r.enqueue("DM-1", ministry(5) + table(3, start=10).split("\n", 1)[1])
        one = worker(r, want=8)
        letters = take_letters(one)
        assert len(of(letters)) == 2
        assert len(letters) == 5
        waiting = r.letters("DM-1", "queued")
        assert len(waiting) == 3
        assert all(x["attempt"] == 0 and x["first_attempt_at"] is None
                   for x in waiting.values())
        for _ in range(3):
            done, *letters = of(letters)
            send(one, done)
            one.send("send-ready", want=1)
            letters.append(one.letter())
        assert len(letters) == 2
        for letter in letters:
            send(one, letter)
        r.wait_letters("DM-1", sent=5)
        events = [e["type"] for e in r.events()]
        assert "letter.requeued" not in events
        assert "letter.deferred" not in events


def test_each_domain_or_all():
    rows = "key,language,to,name\n" + "".join(
        f"K{i},en,a@{domain},x\n" for i, domain in enumerate(
            ["a.gov.example", "b.gov.example", "A.Gov.Example",
             "gov.example", "x.example", "y.example"]))
    for shared, count in ((False, 5), (True, 4)):
        with room({"pattern": ["*.gov.example"], "connections": 1,
                   "shared": shared}) as r:
            r.start()
            r.enqueue("DM-1", rows)
            one = worker(r, want=8)
            letters = take_letters(one)
            assert len(letters) == count, (shared, [key(x) for x in letters])


def test_the_first_entry_that_matches():
    """And a default for all others."""
    with room({"pattern": [BUSY], "connections": 3},
              {"pattern": ["*"], "connections": 1}) as r:
        r.start()
        r.enqueue("DM-1", ministry(5) + table(
            4, "a@other.example", 10).split("\n", 1)[1])
        one = worker(r, want=8)
        letters = take_letters(one)
        assert len(of(letters)) == 3
        assert len(of(letters, "other.example")) == 1


def test_a_letter_to_two_domains():
    """Goes as one, needs room at both, and counts at both."""
    rows = ("key,language,to,cc,name\n"
            f"K0,en,a@{BUSY},b@other.example,x\n"
            f"K1,en,a@{BUSY},,x\n"
            "K2,en,b@other.example,,x\n"
            f"K3,en,a@third.example,c@{BUSY},x\n"
            "K4,en,a@third.example,c@third.example,x\n")
    with room({"pattern": ["*"], "connections": 1}) as r:
        r.start()
        r.enqueue("DM-1", rows)
        one = worker(r, want=8)
        letters = take_letters(one)
        assert [key(x) for x in letters] == ["K0", "K4"]
        send(one, letters[0])
        wait_for("K1 and K2", lambda: len(r.letters("DM-1", "claimed")) == 3)
        assert sorted(key(x) for x in take_letters(one)) == ["K1", "K2"]


def test_pace_of_a_domain():
    """It outlives a kill; what was not tried does not count."""
    with room({"pattern": [BUSY], "per_hour": 3}) as r:
        r.start()
        r.enqueue("DM-1", ministry(9))
        one = worker(r, want=2)
        letters = take_letters(one)
        assert len(letters) == 2
        one.result(letters[0], UNTRIED, 0, "closed")
        send(one, letters[1])
        r.wait_letters("DM-1", sent=1, queued=8)
        r.kill()
        one.exit()
        r.start()
        one = worker(r, want=8)
        assert len(take_letters(one)) == 2
        waiting = r.letters("DM-1", "queued").values()
        times = {x["addresses"][0]["next_at"] for x in waiting}
        assert len(times) > 1, "they do not come back together"
        r.enqueue("DM-2", table(1))
        assert [key(x) for x in take_letters(one)] == ["K000000"]


def test_a_pace_goes_on_by_itself():
    with room({"pattern": ["*"], "shared": True, "per_second": 20,
               "burst": 1}) as r:
        r.start()
        r.enqueue("DM-1", table(5))
        one = worker(r, want=5)
        for letter in [one.letter() for _ in range(5)]:
            send(one, letter)
        r.wait_letters("DM-1", sent=5)


def test_rest_after_a_refusal():
    """The domain rests, alone; then one letter is tried, and when that goes
    they all go."""
    with room(rest="1s", retry=["1h"]) as r:
        r.start()
        r.enqueue("DM-1", ministry(8))
        one = worker(r, want=2)
        letters = take_letters(one)
        assert len(letters) == 2, "nothing limits it yet"
        busy(one, letters[0])
        busy(one, letters[1])
        wait_for("both", lambda: [
            e for e in r.events() if e["type"] == "letter.deferred"][1:])
        domain, = r.status()["domains"]
        assert domain["name"] == BUSY and domain["refusals"] == 1
        event = r.wait_event("domain.slowed")
        assert event["detail"]["domain"] == BUSY
        assert "too many" in event["detail"]["reply"]
        r.enqueue("DM-2", table(1, start=20))
        one.send("send-ready", want=6)
        assert key(one.letter()) == "K000020"
        probe = one.letter()  # when the rest is over
        assert one.is_silent(), "one at a time"
        send(one, probe)
        r.wait_event("domain.recovered")
        assert not r.status()["domains"]
        assert len([one.letter() for _ in range(4)]) == 4
        assert len([e for e in r.events()
                    if e["type"] == "domain.slowed"]) == 1


def test_rest_gets_longer_and_ends_by_halves():
    with room(rest="100ms", retry=["1h"]) as r:
        r.start()
        r.enqueue("DM-1", ministry(9))
        one = worker(r, want=1)
        for refusals in (1, 2, 3):
            busy(one, one.letter())
            one.send("send-ready", want=1)
            wait_for("the rest", lambda n=refusals: [
                d for d in r.status()["domains"] if d["refusals"] == n])
        send(one, one.letter())
        wait_for("half of it", lambda: [
            d for d in r.status()["domains"] if d["refusals"] == 1])
        one.send("send-ready", want=1)
        # a refusal for good is an answer as well
        one.result(one.letter(), FAILED, 550, "no such user", "5.1.1")
        r.wait_event("domain.recovered")


def test_what_waits_is_paused_and_cancelled():
    with room({"pattern": [BUSY], "connections": 1}) as r:
        r.start()
        r.enqueue("DM-1", ministry(3))
        r.enqueue("DM-2", ministry(3, start=10))
        one = worker(r, want=8)
        letters = take_letters(one)
        assert len(letters) == 1
        r.post("/v1/batches/DM-1/cancel")
        r.post("/v1/batches/DM-2/pause")
        one.result(letters[0], UNTRIED, 0, "closed")
        one.send("send-ready", want=1)
        assert one.is_silent()
        r.post("/v1/batches/DM-2/resume")
        assert key(one.letter()).startswith("K00001")


def test_a_reload_lets_them_go():
    with room({"pattern": [BUSY], "connections": 1}) as r:
        r.start()
        r.enqueue("DM-1", ministry(4))
        one = worker(r, want=8)
        letter, = take_letters(one)
        r.configure([{"name": "main", "port": 1, "connections": 1,
                      "connections_per_worker": 1}], **conf())
        r.signal(signal.SIGHUP)
        one.expect("stop", harness.TIMEOUT)
        send(one, letter)
        r.wait_letters("DM-1", sent=1)
        one.exit()
        one = worker(r, want=8)
        assert len([one.letter() for _ in range(3)]) == 3


def test_wrong_patterns():
    with room({"pattern": ["*.*.example", BUSY, "a@b.example"]}) as r:
        r.spawn()
        assert r.wait() != 0
        log = r.log()
        assert '"*.*.example" is no pattern' in log
        assert '"a@b.example" is no pattern' in log


def test_many_with_real_workers():
    """Many to one domain of two connections, as many to others: everybody gets a
    letter, once, and at the first attempt."""
    with Sink() as sink:
        relays = [sink.relay(connections=8)]
        with Room(relays, conf=conf({"pattern": [BUSY],
                                     "connections": 2})) as r:
            r.start()
            r.enqueue("DM-1", ministry(400) +
                      table(400, start=1000).split("\n", 1)[1])
            r.wait_letters("DM-1", sent=800)
            taken = sink.taken()
            assert len(taken) == len(set(taken)) == 800
            assert all(x["attempt"] == 1
                       for x in r.letters("DM-1").values())


if __name__ == "__main__":
    harness.run_all(globals())
