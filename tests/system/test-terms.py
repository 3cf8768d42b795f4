#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which terms a batch goes: before or after others, at its pace, its first
letters before the rest; and when it pauses itself. With this test as the send
workers, so that every letter that leaves is seen."""
import harness
from harness import (FAILED, UNTRIED, Room, key, send, table, take_letters,
                     wait_for, worker)


def room(connections=1, **conf):
    return Room([{"name": "main", "port": 1, "connections": connections,
                  "connections_per_worker": 1}], puppets=True, conf=conf)


def refuse(one, letter):
    one.result(letter, FAILED, 550, "no such user", "5.1.1")


def restart(r, *workers):
    r.kill()
    for one in workers:
        one.exit()
    r.start()


def stops(r, reference):
    return [e for e in r.events() if e["type"] == "batch.paused" and
            e["batch"] == reference]


def alarms(r):
    return [a["type"] for a in r.status()["alarms"]]


# ---- priority ------------------------------------------------------------

def test_priority():
    with room() as r:
        r.start()
        r.enqueue("DM-0", table(1))
        one = worker(r)
        r.post("/v1/pause")
        r.enqueue("LOW", table(3), priority="low")
        r.enqueue("A", table(2))
        r.enqueue("B", table(2, start=10))
        r.enqueue("HIGH", table(2, start=20), priority="high")
        r.post("/v1/batches/DM-0/cancel")
        one.send("send-ready", want=1)
        r.post("/v1/resume")
        order = []
        for _ in range(9):
            letter = one.letter()
            order.append(key(letter))
            one.send("send-ready", want=1)
            send(one, letter)
        assert order[:2] == ["K000020", "K000021"], order
        # A and B take turns
        assert sorted(order[2:6]) == ["K000000", "K000001", "K000010",
                                      "K000011"], order
        assert order[6:] == ["K000000", "K000001", "K000002"], order


def test_priority_is_changed():
    """By whom is an event; it outlives a kill."""
    with room() as r:
        r.start()
        r.enqueue("A", table(4))
        one = worker(r, want=1)
        first = one.letter()
        r.enqueue("B", table(4, start=10))
        bad = r.post("/v1/batches/B/priority", {"priority": "urgent"})
        assert bad.status == 400
        answer = r.post("/v1/batches/B/priority", {"priority": "high"})
        assert answer.json == {"touched": 1}
        again = r.post("/v1/batches/B/priority", {"priority": "high"})
        assert again.json == {"touched": 0}
        event = r.wait_event("batch.priority_changed")
        assert event["detail"] == {"from": "normal", "to": "high"}
        assert "uid" in event["who"] and event["batch"] == "B"
        one.send("send-ready", want=1)
        send(one, first)
        assert key(one.letter()) == "K000010"
        restart(r, one)
        assert r.batch("B")["priority"] == "high"
        one = worker(r, want=4)
        assert sorted(key(x) for x in take_letters(one)) == [
            "K000010", "K000011", "K000012", "K000013"]


def give_back(one, letter):
    one.send("send-recalled", letter_id=letter["letter_id"],
             attempt=letter["attempt"])


def test_what_is_given_back():
    """It is asked for once; it waits again, or is cancelled with its batch."""
    for verb, state in ((None, "queued"), ("cancel", "cancelled"),
                        ("pause", "queued")):
        with room() as r:
            r.start()
            r.enqueue("A", table(2))
            one = worker(r, want=2)
            letters = take_letters(one)
            r.enqueue("B", table(4, start=10), priority="low")
            r.enqueue("C", table(1, start=20), priority="high")
            r.post("/v1/batches/B/priority", {"priority": "high"})
            asked = [one.recalled() for _ in letters]
            assert asked == [(x["letter_id"], 1) for x in letters], asked
            if verb:
                r.post(f"/v1/batches/A/{verb}")
            give_back(one, letters[1])
            one.send("send-ready", want=1)
            assert key(one.letter()) in ("K000010", "K000020")
            assert r.status()["relays"][0]["under_way"] == 2
            assert r.letters("A")[key(letters[1])]["state"] == state
            assert r.letters("A")[key(letters[0])]["state"] == "claimed"
            assert not one.recalls
            one.die()


def test_what_was_not_asked_for_is_not_given_back():
    """Nor what was told to go, or not to: the worker is ended, and what may
    have gone is in doubt."""
    for told in (False, True, None):
        with room() as r:
            r.start()
            r.enqueue("A", table(1))
            one = worker(r, want=1)
            letter = one.letter()
            if told is not False:
                r.enqueue("B", table(1, start=10), priority="high")
                one.recalled()
                if told is None:
                    assert r.post("/v1/pause").status == 200
                one.dot(letter)
                assert one.expect("send-go")["go"] == (told is True)
            give_back(one, letter)
            r.wait_letters("A", **{"in_doubt" if told else "queued": 1,
                                   "claimed": 0, "dot": 0})
            assert "was not called back" in r.log()


def test_fields_that_are_wrong():
    with room() as r:
        r.start()
        for fields in ({"priority": "urgent"}, {"per_minute": "many"},
                       {"canary": "-1"}, {"canary": "1001"},
                       {"canary_percent": "101"}, {"per_day": "9999999999"}):
            answer = r.upload("DM-1", table(1), **fields)
            assert answer.status == 400, (fields, answer.body)
            assert next(iter(fields)) in answer.body.decode()


# ---- pace ----------------------------------------------------------------

def test_pace_of_a_batch():
    """Others go meanwhile; what was used counts after a kill; what was not
    tried does not."""
    with room() as r:
        r.start()
        r.enqueue("SLOW", table(9), per_hour="3")
        one = worker(r, want=2)
        letters = take_letters(one)
        assert len(letters) == 2
        one.result(letters[0], UNTRIED, 0, "closed")
        send(one, letters[1])
        r.wait_letters("SLOW", sent=1, queued=8)
        restart(r, one)
        assert r.batch("SLOW")["pace"] == {
            "per_second": 0, "per_minute": 0, "per_hour": 3, "per_day": 0}
        one = worker(r, want=6)
        letters = take_letters(one)
        assert len(letters) == 2, letters
        r.enqueue("FAST", table(3, start=10))
        assert [key(x) for x in take_letters(one)] == ["K000010", "K000011",
                                                   "K000012"]


def test_pace_goes_on():
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(3), per_second="20")
        one = worker(r, want=3)
        for letter in [one.letter() for _ in range(3)]:
            send(one, letter)
        r.wait_letters("DM-1", sent=3)


# ---- canary --------------------------------------------------------------

def test_canary_passes():
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(6), canary="2")
        one = worker(r, want=5)
        letters = take_letters(one)
        assert [key(x) for x in letters] == ["K000000", "K000001"]
        send(one, letters[0])
        assert one.is_silent()
        canary = r.batch("DM-1")["canary"]
        assert (canary["stage"], canary["sent"], canary["pending"]) == (
            "sending", 1, 1), canary
        restart(r, one)  # the second one is queued again
        one = worker(r, want=5)
        letters = take_letters(one)
        assert [key(x) for x in letters] == ["K000001"]
        send(one, letters[0])
        assert len(take_letters(one)) == 4
        assert r.batch("DM-1")["canary"]["stage"] == "passed"
        event = r.wait_event("batch.canary_passed")
        assert event["batch"] == "DM-1" and event["who"] in ("", None)
        restart(r, one)
        one = worker(r, want=5)
        assert len(take_letters(one)) == 4


def test_canary_stops():
    """Where a person decides to go on, it does, and is not asked twice."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(9), canary="4", canary_percent="25")
        one = worker(r, want=8)
        letters = take_letters(one)
        assert len(letters) == 4
        refuse(one, letters[0])
        r.wait_letters("DM-1", failed=1)
        assert r.batch("DM-1")["state"] == "open", "25 % are allowed"
        refuse(one, letters[1])
        one.dot(letters[2])
        assert one.expect("send-go")["go"] == 0, "it is paused in that turn"
        one.result(letters[2], UNTRIED)
        batch = r.batch("DM-1")
        assert batch["state"] == "paused"
        assert batch["canary"]["stage"] == "stopped"
        assert "25 %" in batch["stopped"]
        event, = stops(r, "DM-1")
        assert event["detail"]["why"] == "canary"
        assert alarms(r) == ["alarm.batch"]
        one.result(letters[3], UNTRIED)
        restart(r, one)
        assert alarms(r) == ["alarm.batch"]
        assert r.post("/v1/batches/DM-1/resume").json == {"touched": 1}
        one = worker(r, want=8)
        letters = take_letters(one)
        assert len(letters) == 7
        assert not alarms(r)
        assert "uid" in r.wait_event("batch.resumed")["who"]
        for letter in letters:
            send(one, letter)
        r.wait_letters("DM-1", sent=7, failed=2)
        assert len(stops(r, "DM-1")) == 1


def test_canary_waits_for_bounces():
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(3), canary="1", canary_wait_s="3600")
        one = worker(r, want=3)
        send(one, one.letter())
        r.wait_letters("DM-1", sent=1)
        assert one.is_silent()
        canary = r.batch("DM-1")["canary"]
        assert canary["stage"] == "waiting" and canary["until"]
        restart(r, one)
        assert r.batch("DM-1")["canary"]["until"] == canary["until"]
        r.enqueue("DM-2", table(1, start=10))
        one = worker(r, want=3)
        assert [key(x) for x in take_letters(one)] == ["K000010"]


def test_canary_waits_and_goes_on():
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(3), canary="1", canary_wait_s="1")
        one = worker(r, want=3)
        send(one, one.letter())
        for letter in [one.letter(), one.letter()]:
            send(one, letter)
        assert r.batch("DM-1")["canary"]["stage"] == "passed"


def test_canary_after_a_kill_at_the_dot():
    """In doubt is not well."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(3), canary="1")
        one = worker(r, want=3)
        letter = one.letter()
        one.dot(letter)
        assert one.expect("send-go")["go"] == 1
        restart(r, one)
        wait_for("it to stop", lambda: r.batch("DM-1")["state"] == "paused")
        assert "in doubt" in r.batch("DM-1")["stopped"]


def test_canary_that_is_cancelled():
    """The rest need not wait for it."""
    with room() as r:
        r.start()
        r.post("/v1/pause")
        r.enqueue("DM-1", table(3), canary="1")
        r.post("/v1/batches/DM-1/letters/K000000/cancel")
        r.post("/v1/resume")
        one = worker(r, want=3)
        assert [key(x) for x in take_letters(one)] == ["K000001", "K000002"]


def test_canary_of_a_held_batch():
    """It begins with the release."""
    with room() as r:
        r.start()
        batch = r.enqueue("DM-1", table(3), canary="1", hold="1")
        r.enqueue("DM-2", table(1, start=10))
        one = worker(r, want=5)
        assert [key(x) for x in take_letters(one)] == ["K000010"]
        answer = r.post("/v1/batches/DM-1/release",
                        {"digest": batch["digest"]})
        assert answer.status == 200, answer.body
        assert [key(x) for x in take_letters(one)] == ["K000000"]


# ---- breaker -------------------------------------------------------------

def test_breaker():
    """Within a letter for each connection; not twice for the same refusals."""
    with room(connections=2) as r:
        r.start()
        r.enqueue("DM-1", table(40))
        ones = [worker(r, want=4) for _ in range(2)]
        taken = [take_letters(one) for one in ones]
        letters = [(one, x) for one, mine in zip(ones, taken) for x in mine]
        assert len(letters) == 8
        for one, letter in letters[:4]:
            refuse(one, letter)
        r.wait_letters("DM-1", failed=4)
        assert r.batch("DM-1")["state"] == "open"
        refuse(*letters[4])
        r.wait_letters("DM-1", failed=5)
        batch = r.batch("DM-1")
        assert batch["state"] == "paused", batch
        event, = stops(r, "DM-1")
        assert event["detail"]["why"] == "breaker"
        assert event["who"] in ("", None)
        assert alarms(r) == ["alarm.batch"]
        for one, letter in letters[5:]:
            one.dot(letter)
            assert one.expect("send-go")["go"] == 0
            one.result(letter, UNTRIED)
        r.wait_letters("DM-1", failed=5, queued=35)
        restart(r, *ones)
        assert r.batch("DM-1")["state"] == "paused"
        assert alarms(r) == ["alarm.batch"]
        assert r.post("/v1/batches/DM-1/resume").status == 200
        one, other = worker(r, want=8), worker(r)
        letters = take_letters(one)
        for letter in letters[:4]:
            refuse(one, letter)
        send(one, letters[4])
        r.wait_letters("DM-1", failed=9, sent=1)
        assert r.batch("DM-1")["state"] == "open"
        assert not alarms(r)
        restart(r, one, other)  # it counts on from where it was resumed
        one = worker(r, want=8)
        refuse(one, one.letter())
        wait_for("it to stop again",
                 lambda: r.batch("DM-1")["state"] == "paused")
        assert "5 of 6" in r.batch("DM-1")["stopped"]


def test_breaker_that_is_off():
    with room(sending={"breaker": {"percent": 0}}) as r:
        r.start()
        r.enqueue("DM-1", table(12))
        one = worker(r, want=8)
        for letter in take_letters(one):
            refuse(one, letter)
        r.wait_letters("DM-1", failed=8)
        assert r.batch("DM-1")["state"] == "open"


def test_a_few_of_many():
    """Refusals that every list of addresses has stop nothing."""
    with room(sending={"breaker": {"percent": 50, "least": 1}}) as r:
        r.start()
        r.enqueue("DM-1", table(9))
        one = worker(r, want=8)
        letters = take_letters(one)
        for letter in letters[:4]:
            send(one, letter)
        r.wait_letters("DM-1", sent=4)
        for letter in letters[4:8]:
            refuse(one, letter)
        r.wait_letters("DM-1", failed=4)
        assert r.batch("DM-1")["state"] == "open"
        one.send("send-ready", want=1)
        refuse(one, one.letter())
        r.wait_letters("DM-1", failed=5)
        assert r.batch("DM-1")["state"] == "open", \
            "nothing is left that could be kept back"
        assert not alarms(r)


def test_retry_of_what_was_refused():
    """What is refused again is a new refusal."""
    with room(sending={"breaker": {"percent": 10, "least": 2}}) as r:
        r.start()
        r.enqueue("DM-1", table(4))
        one = worker(r, want=2)
        for letter in take_letters(one):
            refuse(one, letter)
        wait_for("it to stop", lambda: r.batch("DM-1")["state"] == "paused")
        r.post("/v1/batches/DM-1/retry")
        r.post("/v1/batches/DM-1/resume")
        one.send("send-ready", want=2)
        for letter in take_letters(one):
            refuse(one, letter)
        wait_for("it to stop", lambda: len(stops(r, "DM-1")) == 2)


# ---- at ------------------------------------------------------------------

def test_at_with_all_of_them():
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(3), canary="1", per_day="9", priority="high",
                  not_before="2090-01-02T08:00:00Z")
        r.enqueue("DM-2", table(1, start=10))
        one = worker(r, want=5)
        assert [key(x) for x in take_letters(one)] == ["K000010"]
        restart(r, one)
        one = worker(r, want=5)
        assert [key(x) for x in take_letters(one)] == ["K000010"]


if __name__ == "__main__":
    harness.run_all(globals())
