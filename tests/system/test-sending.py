#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of things around the final dot, with this test as the send worker:
what chanceryd says, when, and what it makes of what it hears."""
import contextlib
import os
import signal
import sqlite3
import time

import harness
from harness import (DEFERRED, FAILED, IN_DOUBT, SENT, UNTRIED, Room, table,
                     wait_for)

QUEUED, CLAIMED, DOT = 0, 1, 2


def room(connections=1, **conf):
    keys = conf.pop("relay", {})
    return Room([{"name": "relay", "port": 1, "connections": connections,
                  "connections_per_worker": 1,
                  **keys}], puppets=True, conf=conf)


def on_disk(r, letter_id):
    """The states of a letter's addresses, if the power went now."""
    with harness.durable(r) as db:
        return [row[0] for row in db.execute(
            "SELECT state FROM address WHERE letter_id = ? ORDER BY seq",
            (letter_id,))]


def test_life():
    """Claimed before the worker hears of it, at its dot before the go."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(2))
        worker = r.puppet()
        setup = worker.ready(1)
        assert setup["helo"] == b"chancery.example", setup
        batch = worker.expect("send-batch")
        assert batch["reference"] == b"DM-1"
        letter = worker.letter()
        assert on_disk(r, letter["letter_id"]) == [CLAIMED]
        assert letter["attempt"] == 1 and letter["sha256"] == b""
        assert letter["envelope_from"].startswith(b"bounces+")
        assert letter["envelope_from"].endswith(b"@chancery.example")
        assert letter["envelope_from"] == \
            b"bounces+" + letter["envelope_id"] + b"@chancery.example"
        assert worker.is_silent(), "more letters than were asked for"
        worker.dot(letter)
        go = worker.expect("send-go")
        assert go == {"line": 0, "letter_id": letter["letter_id"],
                      "attempt": 1, "go": 1}
        assert on_disk(r, letter["letter_id"]) == [DOT]
        worker.result(letter, SENT, 250, "2.0.0 Ok \x1b[31m %n")
        worker.send("send-ready", want=1)
        second = worker.letter()
        assert on_disk(r, letter["letter_id"]) == [3]
        worker.result(second, FAILED, 550, "no such person", "5.1.1")
        r.wait_letters("DM-1", sent=1, failed=1)
        letters = r.letters("DM-1")
        assert letters["K000000"]["addresses"][0]["code"] == 250
        assert letters["K000001"]["addresses"][0]["status"] == "5.1.1"
        assert "\\x1B[31m %n" in r.log() and "\x1b" not in r.log()


def test_crash_before_commit():
    """The dot was asked for and recorded, but not on the disk: no go, and after
    a restart the letter is queued, since no dot was sent."""
    for step in ("sending.dot-asked", "sending.dot-recorded"):
        with room() as r:
            r.start(env={"CHANCERY_CRASH_AT": step})
            r.enqueue("DM-1", table(1))
            worker = r.puppet()
            worker.ready()
            worker.dot(worker.letter())
            assert worker.receive() is None, f"{step}: it got an answer"
            worker.exit()
            assert r.wait() == -signal.SIGKILL
            r.start()
            letter = r.puppet()
            letter.ready()
            assert letter.letter()["attempt"] == 2, step
            assert r.batch("DM-1")["letters"]["in_doubt"] == 0


def test_crash_after_go():
    """After the go, whatever it did: in doubt, and never sent by itself."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(1))
        worker = r.puppet()
        worker.ready()
        letter = worker.letter()
        worker.dot(letter)
        worker.expect("send-go")
        r.kill()
        worker.exit()
        r.start()
        assert r.batch("DM-1")["letters"]["in_doubt"] == 1
        assert r.wait_event("letter.in_doubt")["key"] == "K000000"
        answer = r.post("/v1/batches/DM-1/letters/K000000/resolve",
                        {"as": "resend"})
        assert answer.status == 200, answer.body
        worker = r.puppet()
        worker.ready()
        again = worker.letter()
        assert again["sha256"] == b"\1" * 32, "the same bytes are asked for"
        worker.dot(again)
        worker.expect("send-go")
        worker.result(again, SENT, 250)
        r.wait_letters("DM-1", sent=1)


def test_crash_with_claims():
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(5))
        worker = r.puppet()
        worker.ready(3)
        for _ in range(3):
            worker.letter()
        r.kill()
        worker.exit()
        r.start()
        assert r.batch("DM-1")["letters"]["queued"] == 5
        assert r.batch("DM-1")["letters"]["in_doubt"] == 0


def test_one_commit_for_many():
    """What lies in the sockets when a turn begins shares its commit."""
    with room(connections=8) as r:
        r.start()
        r.enqueue("DM-1", table(8))
        workers = [r.puppet() for _ in range(8)]
        for worker in workers:
            worker.ready(1)
        letters = [worker.letter() for worker in workers]
        before = r.status()["commits"]
        os.kill(r.process.pid, signal.SIGSTOP)
        for worker, letter in zip(workers, letters):
            worker.dot(letter)
        os.kill(r.process.pid, signal.SIGCONT)
        for worker in workers:
            assert worker.expect("send-go")["go"] == 1
        assert r.status()["commits"] == before + 1
        for worker, letter in zip(workers, letters):
            worker.result(letter, SENT, 250)
        r.wait_letters("DM-1", sent=8)


def test_worker_dies():
    """Before the dot: queued again, the letter under way after its delay, the
    one behind it at once. After the go: in doubt."""
    with room(sending={"retry": ["1h"]}) as r:
        r.start()
        r.enqueue("DM-1", table(2))
        worker = r.puppet()
        worker.ready(2)
        first, second = worker.letter(), worker.letter()
        worker.die()
        worker = r.puppet()
        worker.ready(2)
        again = worker.letter()
        assert again["letter_id"] == second["letter_id"]
        assert again["attempt"] == 2
        assert worker.is_silent()
        worker.dot(again)
        worker.expect("send-go")
        worker.exit(70)
        r.wait_letters("DM-1", in_doubt=1, queued=1)
        assert r.status()["worker_restarts"] >= 1
        waiting = r.letters("DM-1", "queued")
        assert len(waiting) == 1
        assert first["key"].decode() in waiting
        assert r.stop() == 0


def test_all_lines_of_a_worker_that_dies():
    """What is at its dot is in doubt, on whichever connection, and no more."""
    with room(relay={"connections_per_worker": 2}, connections=2) as r:
        r.start()
        r.enqueue("DM-1", table(4))
        worker = r.puppet()
        worker.ready(8)
        worker.send("send-ready", line=1, want=8)
        letters = [worker.letter() for _ in range(4)]
        for line in (0, 1):
            letter = next(x for x in letters if x["line"] == line)
            worker.send("send-dot", line=line, letter_id=letter["letter_id"],
                        attempt=1, sha256=b"\1" * 32, size_bytes=9, seqs=[0])
            go = worker.expect("send-go")
            assert (go["line"], go["go"]) == (line, 1)
        worker.die()
        r.wait_letters("DM-1", in_doubt=2, queued=2)
        assert r.status()["relays"][0]["under_way"] == 0
        # The next one has been told nothing yet, and has asked for nothing.
        worker = r.puppet()
        worker.expect("send-setup")
        r.enqueue("DM-2", table(1, start=100))
        assert worker.is_silent(), "what the one before had asked for"
        worker.send("send-ready", want=1)
        batch = worker.expect("send-batch")
        assert worker.letter()["batch_id"] == batch["batch_id"]


def test_too_old_at_its_dot():
    """A letter whose time is over when its worker dies has expired, but for
    what may have gone: that is in doubt."""
    with room(sending={"retry": ["1s"]}) as r:
        r.start()
        r.enqueue("DM-1", table(2))
        worker = r.puppet()
        worker.ready(2)
        for letter in (worker.letter(), worker.letter()):
            worker.result(letter, DEFERRED, 451)
        r.wait_letters("DM-1", queued=2)
        r.signal(signal.SIGTERM)
        worker.expect("stop")
        worker.exit()
        assert r.wait() == 0
        with contextlib.closing(sqlite3.connect(r.state / "chancery.db")) as db:
            assert db.execute("UPDATE address SET first_at_us = first_at_us "
                              "- 6 * 86400 * 1000000").rowcount == 2
            db.commit()
        r.start()
        worker = r.puppet()
        worker.ready(2)
        first, second = worker.letter(), worker.letter()
        worker.dot(first)
        worker.expect("send-go")
        worker.die()
        r.wait_letters("DM-1", in_doubt=1, failed=1)
        ends = r.letters("DM-1")
        assert ends[first["key"].decode()]["state"] == "in_doubt"
        address = ends[second["key"].decode()]["addresses"][0]
        assert address["status"] == "4.4.7", address


def test_refusals_count_and_connections_do_not():
    """The second refusal waits for the second delay, and a connection that was
    lost in between changes nothing."""
    with room(sending={"retry": ["1s", "1h"],
                       "retry_connection": ["0s", "1h"]}) as r:
        r.start()
        r.enqueue("DM-1", table(1))
        worker = r.puppet()
        worker.ready(1)
        for outcome, code in ((DEFERRED, 451), (UNTRIED, 0), (UNTRIED, 0),
                              (DEFERRED, 451)):
            worker.result(worker.letter(), outcome, code)
            worker.send("send-ready", want=1)
        assert worker.is_silent(2.5), "the first delay again"


def test_no_more_than_it_may_hold():
    """Whatever a worker asks for."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(40))
        worker = r.puppet()
        worker.ready(2**32 - 1)
        for _ in range(3):
            worker.send("send-ready", want=2**32 - 1)
        letters = [worker.letter() for _ in range(8)]
        worker.send("send-ready", want=8)
        assert worker.is_silent(), "a ninth letter"
        worker.result(letters[0], FAILED, 550)
        worker.send("send-ready", want=8)
        worker.letter()
        assert worker.is_silent(), "one more for one"


def test_result_before_death():
    """What a worker said before it died is heard."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(1))
        worker = r.puppet()
        worker.ready()
        letter = worker.letter()
        worker.dot(letter)
        worker.expect("send-go")
        worker.result(letter, SENT, 250)
        worker.die()
        r.wait_letters("DM-1", sent=1)


def breach(name, act):
    """A worker that breaks the protocol is ended, and nothing it said counts;
    chanceryd goes on."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(1))
        worker = r.puppet()
        worker.ready()
        letter = worker.letter()
        act(worker, letter)
        worker = r.puppet()
        letters = r.batch("DM-1")["letters"]
        assert letters["queued"] == 1, (name, letters)
        assert "chancery-send[" in r.log(), name


def test_breaches():
    def garbage(worker, letter):
        worker.channel.sendall(b"\xff" * 100)

    def version(worker, letter):
        worker.channel.sendall(b"\4\0\0\0\6\0\2\0")

    def not_its_own(worker, letter):
        worker.send("import-done")

    def sent_without_dot(worker, letter):
        worker.result(letter, SENT, 250)

    def stranger(worker, letter):
        worker.result({**letter, "letter_id": 77}, SENT, 250)

    def old_attempt(worker, letter):
        worker.dot({**letter, "attempt": 7})

    def no_such_line(worker, letter):
        worker.send("send-ready", line=1, want=1)

    def cut(worker, letter):
        worker.channel.sendall(b"\x20\0\0\0\7\0\1\0half")
        worker.die()

    for name, act in list(locals().items()):
        breach(name, act)


def test_deferred():
    """4yz: later, as a new attempt with the bytes that went before; other bytes
    are held back with an alarm."""
    with room(sending={"retry": ["1s"]}) as r:
        r.start()
        r.enqueue("DM-1", table(1))
        worker = r.puppet()
        worker.ready(1)
        letter = worker.letter()
        worker.dot(letter)
        worker.expect("send-go")
        worker.result(letter, DEFERRED, 451, "later")
        worker.send("send-ready", want=1)
        again = worker.letter()
        assert again["attempt"] == 2 and again["sha256"] == b"\1" * 32
        assert again["envelope_from"] != letter["envelope_from"]
        assert again["message_id"] == letter["message_id"]
        assert again["date_us"] == letter["date_us"]
        worker.dot(again, b"\2" * 32)
        assert worker.expect("send-go")["go"] == 0
        worker.result(again, UNTRIED)
        r.wait_letters("DM-1", held=1)
        assert [a["type"] for a in r.status()["alarms"]] == ["alarm.held"]
        assert r.post("/v1/batches/DM-1/letters/K000000/cancel").status == 200
        assert r.status()["alarms"] == [], "nothing is held any more"


def test_fault():
    """A fault releases what the worker holds, and the relay rests; a bad
    certificate is one alarm, which ends with the first answer."""
    with room(connections=2) as r:
        r.start()
        r.enqueue("DM-1", table(3))
        workers = [r.puppet(), r.puppet()]
        for worker in workers:
            worker.ready(1)
        for worker in workers:
            worker.letter()
        for worker in workers:
            worker.send("send-fault", fault=1, code=0, text="no \x1b")
            worker.send("send-ready", want=1)
        r.wait_event("alarm.tls")
        relay = r.status()["relays"][0]
        assert relay["state"] == "fault" and relay["under_way"] == 0, relay
        # After its rest it is tried with one letter, whichever worker's.
        def next_letter():
            for worker in workers:
                if not worker.is_silent(0.05):
                    return worker, worker.letter()
            return None
        worker, letter = wait_for("a letter", next_letter)
        other = workers[1 - workers.index(worker)]
        assert other.is_silent(), "it is tried with more than one"
        assert len(r.status()["alarms"]) == 1
        worker.dot(letter)
        worker.expect("send-go")
        worker.result(letter, SENT, 250)
        other.letter()
        wait_for("no alarm", lambda: not r.status()["alarms"])
        kinds = [e["type"] for e in r.events()]
        assert kinds.count("alarm.tls") == 1, kinds
        assert kinds.count("alarm.cleared") == 1, kinds
        assert "no \\x1B" in r.log()


def test_silent_relay():
    """Letters that get no answer one after another make the relay rest: not a
    whole batch falls into doubt because one server is broken."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(20))
        worker = r.puppet()
        worker.ready(1)
        # One that it answers, or we in its place: that letter is too large.
        ends = [IN_DOUBT] * 4 + [SENT] + [IN_DOUBT] * 3 + [FAILED] + \
            [IN_DOUBT] * 2
        for outcome in ends:
            letter = worker.letter()
            assert r.status()["relays"][0]["state"] == "ready"
            if outcome != FAILED:
                worker.dot(letter)
                worker.expect("send-go")
            worker.result(letter, outcome, 250 if outcome == SENT else 0)
            worker.send("send-ready", want=1)
        assert worker.is_silent()
        assert r.status()["relays"][0]["state"] == "fault"
        r.wait_letters("DM-1", in_doubt=9, sent=1, failed=1, queued=9)


def test_called_back():
    """A letter that has no go yet stays when its batch is paused or cancelled,
    or the whole room is paused."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(1))
        worker = r.puppet()
        worker.ready(1)
        for pause, resume in (("/v1/batches/DM-1/pause",
                               "/v1/batches/DM-1/resume"),
                              ("/v1/pause", "/v1/resume")):
            letter = worker.letter()
            assert r.post(pause).status == 200
            worker.dot(letter)
            assert worker.expect("send-go")["go"] == 0, pause
            worker.result(letter, UNTRIED)
            worker.send("send-ready", want=1)
            r.wait_letters("DM-1", queued=1)
            assert worker.is_silent(), "paused, and a letter came"
            assert r.post(resume).status == 200
        letter = worker.letter()
        assert r.post("/v1/batches/DM-1/cancel").status == 200
        worker.dot(letter)
        assert worker.expect("send-go")["go"] == 0
        worker.result(letter, UNTRIED)
        r.wait_letters("DM-1", cancelled=1)


def test_called_back_again_and_again():
    """It says nothing of the relay."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(1))
        worker = r.puppet()
        worker.ready(1)
        for _ in range(6):
            letter = worker.letter()
            assert r.post("/v1/pause").status == 200
            worker.dot(letter)
            assert worker.expect("send-go")["go"] == 0
            worker.result(letter, UNTRIED)
            worker.send("send-ready", want=1)
            r.wait_letters("DM-1", queued=1)
            relay = r.status()["relays"][0]
            assert relay["text"] == "", relay
            assert r.post("/v1/resume").status == 200
        worker.letter()


def test_asked_twice():
    """A question has one answer, whatever has changed since: a worker that asks
    again is ended. What had its go is in doubt, what had none is not."""
    for told in (True, False):
        with room() as r:
            r.start()
            r.enqueue("DM-1", table(1))
            worker = r.puppet()
            worker.ready(1)
            letter = worker.letter()
            if not told:
                assert r.post("/v1/pause").status == 200
            worker.dot(letter)
            assert worker.expect("send-go")["go"] == told
            if not told:
                assert r.post("/v1/resume").status == 200
            worker.dot(letter)
            assert worker.receive() is None, "it got an answer"
            r.wait_letters("DM-1", **{"in_doubt" if told else "queued": 1})
            assert "is not here" in r.log()


def test_each_letter_its_own_end():
    """Of two that one connection has, the second comes to its end first."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(3))
        worker = r.puppet()
        worker.ready(3)
        letters = [worker.letter() for _ in range(3)]
        worker.result(letters[1], FAILED, 550)
        worker.dot(letters[2])
        assert worker.expect("send-go")["letter_id"] == \
            letters[2]["letter_id"]
        worker.result(letters[2], IN_DOUBT)
        worker.dot(letters[0])
        assert worker.expect("send-go")["letter_id"] == \
            letters[0]["letter_id"]
        worker.result(letters[0], SENT, 250)
        r.wait_letters("DM-1", sent=1, failed=1, in_doubt=1)
        ends = r.letters("DM-1")
        assert [ends[one["key"].decode()]["state"] for one in letters] == [
            "sent", "failed", "in_doubt"]


def test_stop():
    """SIGTERM: the letter under way finishes, the one behind it goes back to
    the queue, nothing is in doubt."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(3))
        worker = r.puppet()
        worker.ready(2)
        letter = worker.letter()
        worker.letter()
        worker.dot(letter)
        worker.expect("send-go")
        r.signal(signal.SIGTERM)
        worker.expect("stop")
        r.wait_notified("STOPPING=1")
        worker.result(letter, SENT, 250)
        worker.send("send-ready", want=1)
        assert worker.is_silent(), "it was given another letter"
        worker.exit()
        assert r.wait() == 0
        assert not os.path.exists(r.status_socket)
        r.start()
        letters = r.batch("DM-1")["letters"]
        assert letters["sent"] == 1 and letters["queued"] == 2, letters


def test_stop_in_time():
    """A worker that does not stop is killed after stop_timeout; what was at its
    dot is in doubt, and that is in the store before the end."""
    with room(stop_timeout="500ms") as r:
        r.start()
        r.enqueue("DM-1", table(1))
        worker = r.puppet()
        worker.ready()
        worker.dot(worker.letter())
        worker.expect("send-go")
        began = time.monotonic()
        assert r.stop() == 0
        assert time.monotonic() - began >= 0.5
        r.start()
        assert r.batch("DM-1")["letters"]["in_doubt"] == 1


def test_hung_worker():
    """One that never finishes a letter is ended after all of a letter's
    time."""
    with room(relay={"attempt_timeout": "1s", "connect_timeout": "100ms",
                     "command_timeout": "100ms", "data_timeout": "100ms",
                     "dot_timeout": "100ms"}) as r:
        r.start()
        r.enqueue("DM-1", table(1))
        worker = r.puppet()
        worker.ready()
        worker.letter()
        assert worker.receive() is None
        wait_for("its end", lambda: "all of its time" in r.log())
        r.wait_letters("DM-1", queued=1)


def test_reload():
    """Workers take on the new configuration between two letters; a wrong file
    changes nothing."""
    with room() as r:
        r.start()
        r.enqueue("DM-1", table(3))
        worker = r.puppet()
        assert worker.ready(1)["relay"]["port"] == 1
        letter = worker.letter()
        r.conf.write_text(r.conf.read_text() + "unknown = 3;\n")
        r.signal(signal.SIGHUP)
        r.wait_notified("RELOADING=1")
        r.wait_notified("READY=1")
        assert "unknown" in r.log() and "old configuration stays" in r.log()
        assert worker.is_silent(), "a wrong file changed something"
        r.configure([{"name": "relay", "port": 2, "connections": 1}])
        r.signal(signal.SIGHUP)
        lines = r.wait_notified("RELOADING=1")
        assert any(line.startswith("MONOTONIC_USEC=") for line in lines)
        r.wait_notified("READY=1")
        worker.expect("stop")
        worker.dot(letter)
        worker.expect("send-go")
        worker.result(letter, SENT, 250)
        worker.send("send-ready", want=1)
        assert worker.is_silent(), "it was to stop, and got another letter"
        worker.exit()
        worker = r.puppet()
        assert worker.ready(1)["relay"]["port"] == 2
        worker.letter()
        # The relay is taken out: its worker stops and no other starts.
        r.configure()
        r.signal(signal.SIGHUP)
        worker.expect("stop")
        worker.exit()
        wait_for("no relay", lambda: not r.status()["relays"])
        r.wait_letters("DM-1", sent=1, queued=2)
        assert r.stop() == 0


def test_letters_across_a_fault():
    """Each letter says how many faults of its connection were heard before it:
    one that crossed with a fault is known by that."""
    with room(relay={"connections_per_worker": 2}, connections=2) as r:
        r.start()
        r.enqueue("DM-1", table(4))
        worker = r.puppet()
        assert worker.ready(1)["lines"] == 2
        before = worker.letter()
        worker.send("send-fault", fault=0, text="lost")
        worker.send("send-ready", want=1)
        after = worker.letter()
        worker.send("send-ready", line=1, want=1)
        other = worker.letter()
        assert [one["faults"] for one in (before, after, other)] == [0, 1, 0]
        worker.die()
        worker = r.puppet()
        worker.ready(1)
        assert worker.letter()["faults"] == 0


def test_what_was_asked_for_before_a_fault():
    """It counts for nothing: the worker asks anew."""
    with room(sending={"retry_connection": ["0s"]}) as r:
        r.start()
        r.enqueue("DM-1", table(1))
        worker = r.puppet()
        worker.ready(3)
        worker.letter()
        worker.send("send-fault", fault=0, text="lost")
        r.wait_letters("DM-1", queued=1)
        assert worker.is_silent(), "a letter that nobody asked for"
        worker.send("send-ready", want=1)
        assert worker.letter()["faults"] == 1


def crews(r, count):
    """The next workers, and how many connections each has: most first."""
    workers = [(w, w.expect("send-setup")["lines"])
               for w in [r.puppet() for _ in range(count)]]
    workers.sort(key=lambda one: -one[1])
    return [list(column) for column in zip(*workers)]


def test_never_more_connections():
    """A worker that was told to stop has its connections until it ends; one
    that died gets as many again."""
    with room(relay={"connections_per_worker": 2}, connections=5) as r:
        r.start()
        r.enqueue("DM-1", table(20))
        old, lines = crews(r, 3)
        assert lines == [2, 2, 1]
        old[0].die()
        again, lines = crews(r, 1)
        assert lines == [2]
        old[0] = again[0]
        r.configure([{"name": "relay", "port": 1, "connections": 3,
                      "connections_per_worker": 3}])
        r.signal(signal.SIGHUP)
        for worker in old:
            worker.expect("stop")
        old[0].exit()  # 3 are left, which is what may be
        wait_for("its end", lambda: r.status()["relays"][0]["workers"] == 3)
        old[1].exit()  # 1 is left
        new, lines = crews(r, 1)
        assert lines == [2]
        old[2].exit()
        more, lines = crews(r, 1)
        assert lines == [1]
        assert r.status()["relays"][0]["workers"] == 3
        for worker in new + more:
            worker.send("send-ready", want=1)
            worker.letter()


def test_fairness():
    """A batch that comes later does not wait for a large one."""
    with room() as r:
        r.start()
        r.enqueue("LARGE", table(300))
        worker = r.puppet()
        worker.ready(1)
        letter = worker.letter()
        r.enqueue("SMALL", table(5, start=1000))
        for count in range(200):
            worker.dot(letter)
            worker.expect("send-go")
            worker.result(letter, SENT, 250)
            worker.send("send-ready", want=1)
            if r.batch("SMALL")["letters"]["queued"] == 0:
                break
            letter = worker.letter()
        assert r.batch("SMALL")["letters"]["queued"] == 0
        assert count < 20, count


def test_pace():
    """per_minute and burst hold for the relay, not for a worker."""
    with room(connections=2, relay={"per_minute": 600, "burst": 3}) as r:
        r.start()
        r.enqueue("DM-1", table(20))
        workers = [r.puppet(), r.puppet()]
        began = time.monotonic()
        for worker in workers:
            worker.ready(8)
        seen = 0
        while seen < 13:
            for worker in workers:
                while not worker.is_silent(0.01):
                    worker.letter()
                    seen += 1
        # 3 at once, then one each 100 ms.
        assert time.monotonic() - began > 0.8, seen


def test_two_addresses():
    """State stands with each address: what was refused for now is tried alone,
    and the dot covers those that were accepted."""
    rows = ("key,language,to,name\n"
            'A,en,"one@a.example; two@a.example; three@a.example",Land\n')
    with room(sending={"retry": ["1s"]}) as r:
        r.start()
        r.enqueue("DM-1", rows)
        worker = r.puppet()
        worker.ready(1)
        letter = worker.letter()
        assert [a["pending"] for a in letter["addresses"]] == [1, 1, 1]
        worker.send("send-result", letter_id=letter["letter_id"], attempt=1,
                    results=[{"seq": 1, "outcome": DEFERRED, "code": 450}])
        worker.send("send-dot", letter_id=letter["letter_id"], attempt=1,
                    sha256=b"\1" * 32, size_bytes=9, seqs=[0, 2])
        worker.expect("send-go")
        assert on_disk(r, letter["letter_id"])[::2] == [DOT, DOT]
        worker.send("send-result", letter_id=letter["letter_id"], attempt=1,
                    results=[{"seq": 0, "outcome": SENT, "code": 250},
                             {"seq": 2, "outcome": SENT, "code": 250}])
        worker.send("send-ready", want=1)
        letter = worker.letter()
        assert [a["pending"] for a in letter["addresses"]] == [0, 1, 0]
        worker.dot(letter)
        worker.expect("send-go")
        worker.result(letter, SENT, 250)
        r.wait_letters("DM-1", sent=1)
        assert r.status()["relays"][0]["under_way"] == 0


def test_one_attempt_of_a_letter_at_a_time():
    """Two addresses that are due at different times: the second is not sent to
    as long as the end of the first one's attempt is not known, and then that
    attempt is its own."""
    rows = ('key,language,to,name\n'
            'A,en,"one@a.example; two@a.example",Land\n'
            'B,en,one@b.example,Land\n')
    with room(connections=2, sending={"retry": ["1s"],
                                      "retry_connection": ["1ms"]}) as r:
        r.start()
        r.enqueue("DM-1", rows)
        one = r.puppet()
        one.ready(1)
        letter = one.letter()
        assert letter["key"] == b"A"
        other = r.puppet()
        other.ready(1)
        other.result(other.letter(), FAILED, 550)
        other.send("send-ready", want=1)
        one.send("send-result", letter_id=letter["letter_id"], attempt=1,
                 results=[{"seq": 0, "outcome": DEFERRED, "code": 451},
                          {"seq": 1, "outcome": UNTRIED}])
        second = other.letter()
        assert [a["pending"] for a in second["addresses"]] == [0, 1], second
        one.send("send-ready", want=1)
        assert one.is_silent(2.5), "another attempt beside that one"
        other.dot(second)
        assert other.expect("send-go")["go"] == 1
        other.result(second, SENT, 250)
        third = one.letter()
        assert [a["pending"] for a in third["addresses"]] == [1, 0], third
        one.dot(third)
        assert one.expect("send-go")["go"] == 1
        one.result(third, SENT, 250)
        r.wait_letters("DM-1", sent=1, failed=1)


if __name__ == "__main__":
    harness.run_all(dict(globals()))
