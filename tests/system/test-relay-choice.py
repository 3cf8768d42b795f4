#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several relays: their shares, the backup, one that is out of order or paused,
and paces that outlive the daemon; with this test as the send workers."""
import datetime
import itertools
import signal

import harness
from harness import DEFERRED, SENT, UNTRIED, Room, Sink, table, wait_for

TLS, AUTH = 1, 2


def room(*relays, **conf):
    """Each relay's port is its place, from 1."""
    return Room([{"port": place, "connections": 1,
                  "connections_per_worker": 1, **keys}
                 for place, keys in enumerate(relays, 1)],
                puppets=True, conf=conf)


def workers(r, count):
    """One of each relay, by its name."""
    found = {}
    while len(found) < count:
        worker = r.puppet()
        setup = worker.expect("send-setup", harness.TIMEOUT)
        found[setup["relay"]["name"].decode()] = worker
    return found


def take_all(worker):
    """The letters that it has been given, until no other comes."""
    letters = []
    while not worker.is_silent():
        letters.append(worker.letter())
    return letters


def send(worker, letter, code=250):
    worker.dot(letter)
    assert worker.expect("send-go")["go"] == 1
    worker.result(letter, SENT, code)


def relay(r, name):
    return next(one for one in r.status()["relays"] if one["name"] == name)


def test_shares():
    """Three to one, while both have room."""
    with room({"name": "large", "weight": 3}, {"name": "small"}) as r:
        r.start()
        r.enqueue("DM-0", table(1))
        of = workers(r, 2)
        r.post("/v1/pause")
        for worker in of.values():
            worker.send("send-ready", want=8)
        r.enqueue("DM-1", table(8))
        r.post("/v1/resume")
        assert len(take_all(of["large"])) == 7
        assert len(take_all(of["small"])) == 2


def test_one_that_is_full_leaves_its_share():
    with room({"name": "large", "weight": 100}, {"name": "small"}) as r:
        r.start()
        r.enqueue("DM-1", table(9))
        of = workers(r, 2)
        of["large"].send("send-ready", want=2)
        assert len(take_all(of["large"])) == 2
        of["small"].send("send-ready", want=7)
        assert len(take_all(of["small"])) == 7


def test_backup():
    """Not while the other is busy; while it is out of order; and no longer once
    it has answered a letter that was tried alone."""
    with room({"name": "main"}, {"name": "spare", "backup": True}) as r:
        r.start()
        r.enqueue("DM-1", table(6))
        main = workers(r, 1)["main"]
        main.send("send-ready", want=1)
        letter = main.letter()
        assert [one["workers"] for one in r.status()["relays"]] == [1, 0], \
            "a backup has connections while nobody needs it"
        main.send("send-fault", fault=TLS, code=0, text="no")
        main.send("send-ready", want=2)
        spare = workers(r, 1)["spare"]
        spare.send("send-ready", want=1)
        assert relay(r, "main")["state"] == "fault"
        assert relay(r, "spare")["backup"] is True
        first = spare.letter()
        send(spare, first)
        letter = main.letter()  # its rest is over: one, alone
        assert main.is_silent()
        spare.send("send-ready", want=1)
        second = spare.letter()  # it is still needed
        send(spare, second)
        send(main, letter)
        main.letter()
        spare.send("send-ready", want=1)
        assert spare.is_silent(), "the other works again"
        wait_for("no alarm", lambda: not r.status()["alarms"])
        assert [e["type"] for e in r.events()].count("alarm.tls") == 1
        letters = r.letters("DM-1")
        assert letters[first["key"].decode()]["addresses"][0]["relay"] == \
            "spare"
        assert letters[letter["key"].decode()]["addresses"][0]["relay"] == \
            "main"
        sent = [e for e in r.events() if e["type"] == "letter.sent"]
        assert [e["detail"]["relay"] for e in sent] == ["spare", "spare",
                                                         "main"]


def test_a_refused_login_rests_longer():
    """One alarm, and no second try within seconds, which might have us shut
    out; a reload tries it at once."""
    with room({"name": "main"}) as r:
        r.start()
        r.enqueue("DM-1", table(1))
        main = workers(r, 1)["main"]
        main.send("send-ready", want=1)
        main.letter()
        began = datetime.datetime.now(datetime.timezone.utc)
        main.send("send-fault", fault=AUTH, code=535, text="no")
        main.send("send-ready", want=1)
        r.wait_event("alarm.auth")
        again = datetime.datetime.fromisoformat(relay(r, "main")["next_at"])
        assert again - began > datetime.timedelta(seconds=25)
        r.signal(signal.SIGHUP)
        main.expect("stop")
        main.exit()
        main = workers(r, 1)["main"]
        main.send("send-ready", want=1)
        send(main, main.letter())
        r.wait_letters("DM-1", sent=1)
        assert [e["type"] for e in r.events()].count("alarm.auth") == 1
        wait_for("no alarm", lambda: not r.status()["alarms"])


def test_refusals_wait_as_they_ask():
    """A greylist comes again soon, a full mailbox later, by the reply."""
    with room({"name": "main"},
              sending={"retry": ["30d"], "retry_policy": ["1s"]}) as r:
        r.start()
        r.enqueue("DM-1", table(3))
        main = workers(r, 1)["main"]
        main.send("send-ready", want=3)
        letters = take_all(main)
        for letter, code, status, text in zip(
                letters, (452, 450, 451), ("4.2.2", "4.2.0", ""),
                ("full", "Greylisted, see you", "no space left")):
            main.result(letter, DEFERRED, code, text, status)
        main.send("send-ready", want=3)
        assert main.letter()["key"] == letters[1]["key"]
        assert main.is_silent()


def test_only_a_backup():
    """Where there is nothing else it is used."""
    with room({"name": "spare", "backup": True}) as r:
        r.start()
        r.enqueue("DM-1", table(1))
        spare = workers(r, 1)["spare"]
        spare.send("send-ready", want=1)
        send(spare, spare.letter())
        r.wait_letters("DM-1", sent=1)


def test_a_fault_is_no_attempt():
    """However often the relays fail, the first 4yz waits for the first delay of
    its class."""
    with room({"name": "main"},
              sending={"retry": ["1s", "30d"]}) as r:
        r.start()
        r.enqueue("DM-1", table(1))
        main = workers(r, 1)["main"]
        main.send("send-ready", want=1)
        for _ in range(3):
            letter = main.letter()
            main.result(letter, UNTRIED, 0, "closed")
            main.send("send-ready", want=1)
        letter = main.letter()
        assert letter["attempt"] == 4
        main.result(letter, DEFERRED, 452, "no space", "4.3.1")
        main.send("send-ready", want=1)
        again = main.letter()
        main.result(again, DEFERRED, 452, "no space", "4.3.1")
        deferred = wait_for("two refusals", lambda: [
            e for e in r.events() if e["type"] == "letter.deferred"][1:])
        assert deferred[0]["detail"]["relay"] == "main"
        main.send("send-ready", want=1)
        assert main.is_silent()


def test_pause_of_a_relay():
    """Its letters are called back and go elsewhere; it outlives a kill; who did
    it is an event."""
    with room({"name": "one"}, {"name": "two"}) as r:
        r.start()
        assert r.post("/v1/relays/none/pause").status == 404
        r.enqueue("DM-1", table(2))
        of = workers(r, 2)
        of["one"].send("send-ready", want=1)
        letter = of["one"].letter()
        assert r.post("/v1/relays/one/pause").json == {"touched": 1}
        assert r.post("/v1/relays/one/pause").json == {"touched": 0}
        of["one"].dot(letter)
        assert of["one"].expect("send-go")["go"] == 0
        of["one"].result(letter, UNTRIED)
        of["one"].send("send-ready", want=1)
        assert of["one"].is_silent()
        of["two"].send("send-ready", want=2)
        assert len(take_all(of["two"])) == 2
        event = r.wait_event("relay.paused")
        assert event["detail"] == {"relay": "one"} and "uid" in event["who"]
        r.kill()
        for worker in of.values():
            worker.exit()
        r.start()
        assert relay(r, "one")["state"] == "paused"
        two = workers(r, 1)["two"]
        two.send("send-ready", want=1)
        send(two, two.letter())
        assert relay(r, "one")["workers"] == 0
        assert r.post("/v1/relays/one/resume").json == {"touched": 1}
        one = workers(r, 1)["one"]
        one.send("send-ready", want=1)
        send(one, one.letter())
        r.wait_letters("DM-1", sent=2)
        assert r.wait_event("relay.resumed")["detail"] == {"relay": "one"}


def test_a_letter_in_doubt_names_its_relay():
    """After a kill as well, when nobody can say any more."""
    with room({"name": "one"}, {"name": "two"}) as r:
        r.start()
        r.enqueue("DM-1", table(1))
        of = workers(r, 1)
        name, worker = of.popitem()
        worker.send("send-ready", want=1)
        letter = worker.letter()
        worker.send("send-connected", opening=b"S: 220 hello\n")
        worker.dot(letter)
        assert worker.expect("send-go")["go"] == 1
        r.kill()
        worker.exit()
        r.start()
        address = r.letters("DM-1")["K000000"]["addresses"][0]
        assert address["state"] == "in_doubt"
        assert address["relay"] == name


def test_no_tls_at_one_of_two():
    """With real workers: all letters go over the other, there is one alarm,
    and no attempt was lost; a reload brings it back."""
    with Sink() as first, Sink() as second:
        relays = [{"name": "first", "port": first.port, "tls": "starttls",
                   "connections": 2},
                  {"name": "second", "port": second.port, "connections": 2}]
        with Room(relays) as r:
            r.start()
            r.enqueue("DM-1", table(40))
            r.wait_letters("DM-1", sent=40)
            assert not first.taken() and len(second.taken()) == 40
            assert [a["type"] for a in r.status()["alarms"]] == ["alarm.tls"]
            assert not [e for e in r.events()
                        if e["type"] in ("letter.deferred", "letter.failed")]
            assert relay(r, "first")["state"] == "fault"
            del relays[0]["tls"]
            r.configure(relays)
            r.signal(signal.SIGHUP)
            batches = itertools.count(2)

            def more():
                name = f"DM-{next(batches)}"
                r.enqueue(name, table(40))
                r.wait_letters(name, sent=40)
                return first.taken()
            wait_for("its share again", more)
            wait_for("no alarm", lambda: not r.status()["alarms"])


def test_a_day_outlives_a_kill():
    """What was sent counts, after a kill as well; what was not tried does
    not."""
    with room({"name": "one", "per_day": 3}) as r:
        r.start()
        r.enqueue("DM-1", table(6))
        one = workers(r, 1)["one"]
        one.send("send-ready", want=2)
        letters = take_all(one)
        assert len(letters) == 2
        send(one, letters[0])
        one.result(letters[1], UNTRIED, 0, "closed")
        r.wait_letters("DM-1", sent=1, queued=5)
        one.send("send-ready", want=1)
        send(one, one.letter())
        r.wait_letters("DM-1", sent=2)
        r.kill()
        one.exit()
        r.start()
        one = workers(r, 1)["one"]
        one.send("send-ready", want=5)
        letters = take_all(one)
        assert len(letters) == 1, letters
        send(one, letters[0])
        r.wait_letters("DM-1", sent=3, queued=3)
        assert relay(r, "one")["next_at"], "when it may go on"
        assert one.is_silent()


def test_an_hour_over_five_kills():
    """With real workers, killed in the middle of it: never more than the
    hour's letters, though those that a crash left under way count."""
    with Sink("-d", "20000") as sink, \
            Room([sink.relay(connections=4, per_hour=150)]) as r:
        r.start()
        r.enqueue("DM-1", table(400))
        for count in range(5, 30, 5):
            wait_for(f"{count} letters", lambda: len(sink.taken()) >= count)
            r.kill()
            r.start()
        wait_for("the hour's letters", lambda: [
            one for one in r.status()["relays"]
            if one["next_at"] and not one["under_way"]])
        taken = sink.taken()
        assert 25 <= len(taken) <= 150, len(taken)
        assert len(set(taken)) == len(taken)
        letters = r.batch("DM-1")["letters"]
        assert letters["sent"] + letters["in_doubt"] + letters["queued"] == 400
        assert letters["queued"] >= 250


def test_a_pace_of_all():
    with room({"name": "one"}, {"name": "two"},
              sending={"pace": {"per_hour": 3}}) as r:
        r.start()
        r.enqueue("DM-1", table(9))
        of = workers(r, 2)
        for worker in of.values():
            worker.send("send-ready", want=4)
        assert sum(len(take_all(worker)) for worker in of.values()) == 3
        assert all(one["next_at"] for one in r.status()["relays"])


if __name__ == "__main__":
    harness.run_all(globals())
