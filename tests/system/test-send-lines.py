#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several connections in one send worker, and the opening of a letter behind
the dot of the one before: each letter's result is its own, whatever happens to
its neighbours."""
import fcntl
import hashlib
import os
import pathlib
import signal
import socket
import struct
import sys
import termios
import threading
import time

import importer
from sender import (CONNECT, DEFERRED, FAILED, IN_DOUBT, SENT, TLS, UNTRIED,
                    finish, next_of, outcomes, run_all)

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
from smtp_peer import (Authority, CHUNKS, KEYWORDS, Peer,  # noqa: E402
                       Turns)


def two_letters(room, peer, journal="", **setup):
    """GBR at its dot, with FRA composed behind it: the worker and the two
    numbers. The "go" for GBR is still to be given."""
    worker = room.begin(port=peer.port, **setup)
    first = room.give(worker, "GBR")
    second = room.give(worker, "FRA", journal=journal)
    assert next_of(worker, "send-dot")["letter_id"] == first
    return worker, first, second


def go(worker, number):
    worker.send("send-go", letter_id=number, attempt=1, go=1)


def waiting(session):
    """What has come and was not asked for, as a list: empty where nothing has."""
    try:
        return [session.input + session.connection.recv(
            1000, socket.MSG_PEEK | socket.MSG_DONTWAIT)]
    except BlockingIOError:
        return []


def group_with_a_dot(peer):
    """What came in one piece with the end of the first message."""
    return peer.sessions[0].behind_the_dot


def watch(peer):
    """Let the peer note what is there already when a message has ended."""
    def note(session):
        if not hasattr(session, "behind_the_dot"):
            session.behind_the_dot = session.input
        session.say(b"250 2.0.0 kept\r\n")
    peer.script["dot"] = note


def the_next_opening_leaves_with_the_dot(room):
    with Peer() as peer:
        watch(peer)
        worker, first, second = two_letters(room, peer)
        go(worker, first)
        result = next_of(worker, "send-result")
        assert result["letter_id"] == first
        assert outcomes(result) == [(0, SENT, 250)]
        let_go_next(worker, second)
        finish(worker, room)
        peer.settle()
        behind = group_with_a_dot(peer)
        assert behind.startswith(b"MAIL FROM:<"), behind
        assert behind.endswith(b"DATA\r\n") and behind.count(b"RCPT TO") == 2
        assert len(peer.sessions) == 1 and len(peer.messages) == 2


def let_go_next(worker, number):
    """Through to the result: what was told with the question."""
    dot = next_of(worker, "send-dot")
    assert dot["letter_id"] == number
    go(worker, number)
    result = next_of(worker, "send-result")
    assert result["letter_id"] == number
    assert all(o == (i, SENT, 250) for i, o in enumerate(outcomes(result)))
    assert result["notes"] == b"", "it was told with the question"
    return dot


def are_whole(messages, dots):
    assert [hashlib.sha256(message).digest() for message in messages] == \
        [dot["sha256"] for dot in dots]


def not_where_it_is_not_offered(room):
    with Peer(keywords=[k for k in KEYWORDS if k != "PIPELINING"]) as peer:
        watch(peer)
        worker, first, second = two_letters(room, peer)
        go(worker, first)
        assert next_of(worker, "send-result")["letter_id"] == first
        let_go_next(worker, second)
        finish(worker, room)
        peer.settle()
        assert group_with_a_dot(peer) == b""
        assert len(peer.sessions) == 1 and len(peer.messages) == 2


def not_past_the_letters_of_a_connection(room):
    with Peer() as peer:
        watch(peer)
        worker = room.begin(port=peer.port, letters_per_connection=1)
        numbers = room.give(worker, "GBR"), room.give(worker, "FRA")
        dots = [let_go_next(worker, number) for number in numbers]
        finish(worker, room)
        peer.settle()
        assert group_with_a_dot(peer) == b"" and len(peer.sessions) == 2
        are_whole(peer.messages, dots)


def a_new_connection_waits_for_the_dot(room):
    """The next letter is to begin one, and comes when the last one's dot is out:
    that one's reply is still to come over the old connection."""
    held, free = threading.Event(), threading.Event()
    early = []

    def dot(session):
        held.set()
        assert free.wait(60)
        early.extend(waiting(session))
        session.say(b"250 2.0.0 kept\r\n")

    with Peer({"dot": Turns(dot, b"250 2.0.0 kept\r\n")}) as peer:
        worker = room.begin(port=peer.port, lines=2)
        first = room.give(worker, "GBR")
        assert next_of(worker, "send-dot")["letter_id"] == first
        go(worker, first)
        assert held.wait(60)
        second = room.give(worker, "FRA", anew=1)
        # What the other line says, it says behind the second letter's start.
        third = room.give(worker, "PER", line=1)
        dot_of_third = next_of(worker, "send-dot")
        assert dot_of_third["letter_id"] == third, dot_of_third
        free.set()
        result = next_of(worker, "send-result")
        assert result["letter_id"] == first
        assert outcomes(result) == [(0, SENT, 250)]
        assert not early, early
        let_go_next(worker, second)
        worker.send("send-go", line=1, letter_id=third, attempt=1, go=1)
        assert next_of(worker, "send-result")["letter_id"] == third
        finish(worker, room)
        peer.settle()
        assert [len([x for x in s.said if x.startswith("MAIL")])
                for s in peer.sessions] == [1, 1, 1], peer.sessions


def until_it_is_there(connection):
    """All that was said has come to the other end."""
    while struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ,
                                         bytes(4)))[0]:
        time.sleep(0.001)


def a_result_is_told_before_the_next_is_begun(room):
    """The reply and the next letter are there when the worker wakes, and that
    one is its end."""
    held, free, said = (threading.Event() for _ in range(3))

    def dot(session):
        held.set()
        assert free.wait(60)
        session.say(b"250 2.0.0 kept\r\n")
        until_it_is_there(session.connection)
        said.set()

    with Peer({"dot": dot}) as peer:
        os.environ["CHANCERY_CRASH_AT"] = "send-connected:2"
        try:
            worker = room.begin(port=peer.port)
        finally:
            del os.environ["CHANCERY_CRASH_AT"]
        first = room.give(worker, "GBR")
        assert next_of(worker, "send-dot")["letter_id"] == first
        go(worker, first)
        assert held.wait(60)
        os.kill(worker.pid, signal.SIGSTOP)
        free.set()
        assert said.wait(60)
        room.give(worker, "FRA")
        os.kill(worker.pid, signal.SIGCONT)
        assert outcomes(next_of(worker, "send-result")) == [(0, SENT, 250)]
        while message := worker.receive():
            assert message[0] == "send-ready", message
        assert worker.wait() == -signal.SIGKILL


def refused_dot_and_the_next_is_sent(room):
    """A 4yz to the dot is that letter's alone."""
    with Peer({"dot": Turns(b"451 4.3.0 later\r\n",
                            b"250 2.0.0 kept\r\n")}) as peer:
        worker, first, second = two_letters(room, peer)
        go(worker, first)
        assert outcomes(next_of(worker, "send-result")) == [
            (0, DEFERRED, 451)]
        let_go_next(worker, second)
        finish(worker, room)
        peer.settle()
        assert len(peer.sessions) == 1 and "RSET" not in peer.said


def break_at_the_dot(room, answer, end, **setup):
    """The first letter's dot gets `answer`; the second was opened behind it, is
    never at its dot, and goes back to the queue without a word."""
    with Peer({"dot": answer}) as peer:
        worker = room.begin(port=peer.port, **setup)
        first, second = room.give(worker, "GBR"), room.give(worker, "FRA")
        room.give(worker, "PER")  # and the third was not begun: it does too
        assert next_of(worker, "send-dot")["letter_id"] == first
        go(worker, first)
        result = next_of(worker, "send-result")
        assert result["letter_id"] == first
        assert outcomes(result) == [end], result
        assert next_of(worker, "send-fault")["fault"] == CONNECT
        # The line lives on, and the letter comes again.
        peer.script["dot"] = b"250 2.0.0 kept\r\n"
        assert room.give(worker, "FRA") == second
        let_go_next(worker, second)
        finish(worker, room)
        peer.settle()
        assert len(peer.messages) == 2 and len(peer.sessions) == 2


def breaks_at_the_dot(room):
    for answer, end in (("close", (0, IN_DOUBT, 0)),
                        ("reset", (0, IN_DOUBT, 0)),
                        (b"199 what\r\n", (0, IN_DOUBT, 0)),
                        (b"250-x\r\n451 y\r\n", (0, IN_DOUBT, 0)),
                        (b"421 4.3.2 closing\r\n", (0, DEFERRED, 421))):
        break_at_the_dot(room, answer, end)
    break_at_the_dot(room, "hang", (0, IN_DOUBT, 0), dot_timeout_ms=1500)


def an_answer_too_many_is_not_the_next_ones(room):
    """Two replies to one dot: which is its own nobody knows, and a dot must
    not be answered before it was sent. The second letter does not go out over
    this connection."""
    twice = {"dot": b"250 2.0.0 kept\r\n250 2.0.0 twice\r\n"}
    miscount(room, Peer({**twice}, keywords=KEYWORDS))
    # In chunks nothing but one too many at the end of the opening tells it: it
    # has come when the one before is read.
    miscount(room, Peer({
        **twice, "rcpt:mission@fr.example": b"",
        "rcpt:ministre@fr.example": b"250 2.1.5 ok\r\n250 2.1.5 ok\r\n"},
        keywords=CHUNKS))


def a_swallowed_answer_is_not_the_next_ones(room):
    """What is said to the opening of the next letter is no verdict on the one
    before, whether it is good or bad."""
    for said in (b"250 2.1.0 ok\r\n", b"451 4.3.0 later\r\n",
                 b"550 5.7.1 no\r\n"):
        for keywords in (KEYWORDS, CHUNKS):
            miscount(room, Peer({"dot": b"", "mail": Turns(b"250 ok\r\n",
                                                          said)},
                                keywords=keywords), code=int(said[:3]))
    # DATA waits for the addresses, of which our own is the last.
    miscount(room, Peer({"dot": b""}), journal="journal+2@chancery.example")
    # MAIL gets what no command but AUTH and DATA does.
    for ministry in ("ministre", "mission"):
        miscount(room, Peer({"dot": b"", f"rcpt:{ministry}@fr.example":
                             b"334 eh\r\n"}))


def a_late_answer_to_a_chunk_is_no_verdict(room):
    """One too many, as if it were to a chunk that was answered already, passes
    for the verdict, which was a refusal: that one is taken for the answer to
    the next letter's MAIL. But nobody takes an address of what he refused."""
    no = b"550 5.1.1 no\r\n"
    refused = {"rcpt:ministre@fr.example": no, "rcpt:mission@fr.example": no}
    # In chunks nothing stands at the end of the opening: here it comes late.
    late = {"rcpt:mission@fr.example": [0.5, b"250 2.1.5 ok\r\n"]}
    for said in (b"451 4.3.0 later\r\n", b"550 5.7.1 no\r\n"):
        for script, keywords in ((refused, KEYWORDS), (late, CHUNKS)):
            miscount(room, Peer({
                "dot": b"250 2.0.0 stray\r\n" + said,
                "data": Turns(b"354 go on\r\n", b"554 5.5.1 nobody\r\n"),
                **script}, keywords=keywords))


def silence_before_the_end_is_no_verdict(room):
    """The relay has swallowed its verdict, answers the next letter's opening,
    waits for what we say to that, and ends at last."""
    for end in ("close", [b"421 4.4.2 timeout\r\n", "close"]):
        for keywords in (KEYWORDS, CHUNKS):
            # What is missing is the answer to DATA, or to the last address.
            miscount(room, Peer({
                "dot": b"",
                "rcpt:mission@fr.example":
                    [b"550 no\r\n", 1.5, end] if keywords is CHUNKS
                    else b"550 no\r\n",
                "rcpt:ministre@fr.example": b"550 no\r\n",
                "data": Turns(b"354 go on\r\n",
                              [b"554 nobody\r\n", 1.5, end])},
                keywords=keywords), timeout_ms=4000)


def miscount(room, peer, code=250, timeout_ms=1500, journal=""):
    """The first is in doubt, and the second goes over a new connection."""
    with peer:
        worker, first, second = two_letters(
            room, peer, journal, relay={"command_timeout_ms": timeout_ms})
        go(worker, first)
        result = next_of(worker, "send-result")
        assert result["letter_id"] == first
        assert outcomes(result) == [(0, IN_DOUBT, code)], outcomes(result)
        assert b"do not fit" in result["results"][0]["reply"]
        assert next_of(worker, "send-fault")["fault"] == CONNECT
        peer.script.clear()
        assert room.give(worker, "FRA") == second
        let_go_next(worker, second)
        finish(worker, room)
        peer.settle()
        assert len(peer.sessions) == 2
        assert [len(s.messages) for s in peer.sessions] == [1, 1]


def ends_behind_the_dot(room):
    """The relay takes the first and hangs up: the second, of which nothing was
    said, goes over a new connection at once."""
    with Peer({"dot": [b"250 2.0.0 kept\r\n", "close"]}) as peer:
        worker, first, second = two_letters(
            room, peer, letters_per_connection=2**32 - 1)
        go(worker, first)
        assert outcomes(next_of(worker, "send-result")) == [(0, SENT, 250)]
        peer.script["dot"] = b"250 2.0.0 kept\r\n"
        let_go_next(worker, second)
        finish(worker, room)
        peer.settle()
        assert len(peer.sessions) == 2


def a_refusal_is_not_tried_anew(room):
    """The connection had carried a letter and ends with this one: that is tried
    anew only where nothing was said of it."""
    for step in "mail", "rcpt", "data":
        polite = {"mail": b"250 ok\r\n", "rcpt": b"250 ok\r\n",
                  "data": b"354 go on\r\n"}[step]
        for end in ([b"421 4.3.2 closing\r\n"], [b"451 4.3.0 no\r\n", "close"],
                    [b"550 5.7.1 no\r\n", "close"]):
            with Peer({step: Turns(polite, end, polite)},
                      keywords=[]) as peer:
                worker = room.begin(port=peer.port)
                let_go_next(worker, room.give(worker, "GBR"))
                second = room.give(worker, "PER")
                result = next_of(worker, "send-result")
                assert result["letter_id"] == second
                code = int(end[0][:3])
                assert outcomes(result) == [
                    (0, FAILED if code == 550 else DEFERRED, code)], result
                finish(worker, room)
                peer.settle()
                assert len(peer.messages) == 1 and len(peer.sessions) == 1


def called_back_before_its_dot(room):
    """"No" to the first ends the connection; the second was not begun."""
    with Peer() as peer:
        worker, first, second = two_letters(room, peer)
        worker.send("send-go", letter_id=first, attempt=1, go=0)
        result = next_of(worker, "send-result")
        assert outcomes(result) == [(0, UNTRIED, 0)]
        next_of(worker, "send-fault")
        peer.settle()  # at once
        finish(worker, room)
        assert peer.messages == []
        assert len([s for s in peer.said if s.startswith("MAIL")]) == 1


def what_was_said_is_of_the_letter(room):
    """The notes: with the question, or with the result where there is none;
    and once of each connection."""
    with Peer({"rcpt:minister@uk.example": Turns(
            b"250 ok\r\n", b"550 5.1.1 no\r\n")}) as peer:
        worker = room.begin(port=peer.port)
        notes = []
        for key in "GBR", "FRA":
            notes.append(let_go_next(worker, room.give(worker, key))["notes"])
        room.give(worker, "GBR", attempt=2)
        result = next_of(worker, "send-result")
        assert outcomes(result) == [(0, FAILED, 550)]
        notes.append(result["notes"])
        notes.append(let_go_next(worker, room.give(worker, "PER"))["notes"])
        finish(worker, room)
        assert [[country in text for country in (b"@uk", b"@fr", b"@pe")]
                for text in notes] == [
            [True, False, False], [False, True, False], [True, False, False],
            [False, False, True]], notes
        assert len(worker.connected) == 1


def lines_have_nothing_to_do_with_one_another(room):
    """One line's relay says nothing any more, one refuses, two go on."""
    with Peer({"rcpt:minister@uk.example": "hang"}) as peer:
        worker = room.begin(port=peer.port, lines=4)
        room.give(worker, "GBR", line=0)
        numbers = {}
        for line, key in ((1, "FRA"), (2, "ITA"), (3, "PER")):
            numbers[room.give(worker, key, line=line)] = line
        done = set()
        while len(done) < 3:
            name, message = worker.receive()
            if name == "send-dot":
                assert numbers[message["letter_id"]] == message["line"]
                worker.send("send-go", line=message["line"],
                            letter_id=message["letter_id"], attempt=1, go=1)
            elif name == "send-result":
                assert message["line"] == numbers[message["letter_id"]]
                assert all(o[1] == SENT for o in outcomes(message))
                done.add(message["letter_id"])
        worker.kill()
        worker.wait()
        assert len(peer.sessions) == 4 and len(peer.messages) == 3


def a_fault_is_of_one_line(room):
    with Peer({"mail": Turns("close", b"250 ok\r\n")}) as peer:
        worker = room.begin(port=peer.port, lines=2)
        room.give(worker, "GBR", line=1)
        fault = next_of(worker, "send-result")
        assert fault["line"] == 1 and outcomes(fault) == [(0, UNTRIED, 0)]
        assert next_of(worker, "send-fault")["line"] == 1
        number = room.give(worker, "FRA", line=0)
        dot = next_of(worker, "send-dot")
        assert (dot["line"], dot["letter_id"]) == (0, number)
        go(worker, number)
        assert all(o[1] == SENT
                   for o in outcomes(next_of(worker, "send-result")))
        finish(worker, room)


def a_letter_that_crosses_with_a_fault_is_dropped(room):
    """It is in chanceryd's queue again: to be asked for its dot would be a
    breach, and a result of it another. The worker goes on with what was given
    since."""
    with Peer({"mail": Turns("close", b"250 ok\r\n")}) as peer:
        worker = room.begin(port=peer.port, lines=2)
        room.give(worker, "GBR")
        assert outcomes(next_of(worker, "send-result")) == [(0, UNTRIED, 0)]
        next_of(worker, "send-fault")
        room.give(worker, "FRA", faults=0)
        number = room.give(worker, "PER")
        assert next_of(worker, "send-dot")["letter_id"] == number
        go(worker, number)
        assert outcomes(next_of(worker, "send-result"))[0] == (0, SENT, 250)
        # The other line had no fault.
        number = room.give(worker, "GBR", line=1)
        assert next_of(worker, "send-dot")["letter_id"] == number
        worker.send("send-go", line=1, letter_id=number, attempt=1, go=1)
        assert outcomes(next_of(worker, "send-result")) == [(0, SENT, 250)]
        finish(worker, room)
        peer.settle()
        assert len(peer.messages) == 2


def the_second_has_its_own_time(room):
    """It begins when the first one's dot is answered, however late."""
    with Peer({"dot": Turns([4, b"250 2.0.0 kept\r\n"],
                            b"250 2.0.0 kept\r\n"),
               "mail": Turns(b"250 ok\r\n", [0.5, b"250 ok\r\n"])}) as peer:
        worker = room.begin(port=peer.port, attempt_timeout_ms=3000,
                            relay={"command_timeout_ms": 2000})
        first, second = room.give(worker, "GBR"), room.give(worker, "FRA")
        let_go_next(worker, first)
        let_go_next(worker, second)
        finish(worker, room)
        peer.settle()
        assert len(peer.sessions) == 1


def the_second_keeps_to_its_time(room):
    """Silence to a command that left with the first one's dot is not waited
    for longer than to any other."""
    with Peer({"rcpt:mission@fr.example": "hang"}) as peer:
        watch(peer)
        worker = room.begin(port=peer.port, relay={"command_timeout_ms": 1500})
        first, second = room.give(worker, "GBR"), room.give(worker, "FRA")
        let_go_next(worker, first)
        # The connection had carried a letter, but this took long: no other is
        # tried.
        result = next_of(worker, "send-result")
        assert result["letter_id"] == second
        assert outcomes(result) == [(0, UNTRIED, 0), (1, UNTRIED, 0)]
        assert next_of(worker, "send-fault")["fault"] == CONNECT
        finish(worker, room)
        peer.settle()
        assert b"mission@fr.example" in group_with_a_dot(peer)
        assert len(peer.messages) == 1
        assert len(peer.sessions) == 1


def sizes_of(room):
    """Of the messages of GBR and FRA."""
    worker = room.begin()
    sizes = []
    for key in ("GBR", "FRA"):
        number = room.give(worker, key)
        dot = next_of(worker, "send-dot")
        sizes.append(dot["size_bytes"])
        go(worker, number)
        next_of(worker, "send-result")
    finish(worker, room)
    return sizes


def one_too_large_between_two(room):
    """It is not begun behind the dot, and the next one is."""
    fits, too_large = sizes_of(room)
    assert fits < too_large
    with Peer(keywords=["PIPELINING", f"SIZE {fits}"]) as peer:
        worker = room.begin(port=peer.port)
        first = room.give(worker, "GBR")
        second = room.give(worker, "FRA")
        third = room.give(worker, "GBR", letter_id=77)
        assert next_of(worker, "send-dot")["letter_id"] == first
        go(worker, first)
        results = {}
        while len(results) < 3:
            name, message = worker.receive()
            if name == "send-result":
                results[message["letter_id"]] = outcomes(message)
            elif name == "send-dot":
                assert message["letter_id"] == third, message
                go(worker, third)
        assert results == {first: [(0, SENT, 250)],
                           second: [(0, FAILED, 0), (1, FAILED, 0)],
                           third: [(0, SENT, 250)]}
        finish(worker, room)
        peer.settle()
        assert len(peer.sessions) == 1 and len(peer.messages) == 2
        assert not any("fr.example" in line for line in peer.said)


def one_refused_between_two(room):
    """Begun behind the first one's dot, and refused before its own: RSET, and
    the third one goes over the same connection."""
    for script in ({"rcpt:ministre@fr.example": b"550 5.1.1 no\r\n",
                    "rcpt:mission@fr.example": b"550 5.1.1 no\r\n"},
                   {"data": Turns(b"354 go on\r\n", b"550 5.7.1 no\r\n",
                                  b"354 go on\r\n")},
                   {"mail": Turns(b"250 ok\r\n", b"550 5.7.1 no\r\n",
                                  b"250 ok\r\n"),
                    "rcpt:ministre@fr.example": b"503 5.5.1 no\r\n",
                    "rcpt:mission@fr.example": b"503 5.5.1 no\r\n",
                    "data": Turns(b"354 go on\r\n", b"503 5.5.1 no\r\n",
                                  b"354 go on\r\n")}):
        with Peer(script) as peer:
            worker, first, second = two_letters(room, peer)
            third = room.give(worker, "GBR", letter_id=77)
            go(worker, first)
            assert next_of(worker, "send-result")["letter_id"] == first
            result = next_of(worker, "send-result")
            assert result["letter_id"] == second
            assert outcomes(result) == [(0, FAILED, 550), (1, FAILED, 550)]
            let_go_next(worker, third)
            finish(worker, room)
            peer.settle()
            assert len(peer.sessions) == 1
            assert len([m for m in peer.messages if m]) == 2


def stop_behind_a_dot(room):
    """What was begun is finished, and no more: the first is at its dot, the
    second was opened behind it, the third was not begun."""
    asked = threading.Event()
    stopped = threading.Event()

    def hold(session):
        asked.set()
        assert stopped.wait(60)
        session.say(b"250 2.0.0 kept\r\n")

    with Peer({"dot": Turns(hold, b"250 2.0.0 kept\r\n")}) as peer:
        worker, first, second = two_letters(room, peer)
        room.give(worker, "ITA")
        go(worker, first)
        assert asked.wait(60)
        worker.send("stop")
        room.give(worker, "PER")  # it crosses with that
        stopped.set()
        assert next_of(worker, "send-result")["letter_id"] == first
        let_go_next(worker, second)
        while message := worker.receive():
            assert message[0] == "send-ready", message
        assert worker.wait() == 0, room.stderr()
        peer.settle()
        assert len(peer.messages) == 2 and peer.said[-1] == "QUIT"


def hangs_up_and_comes_again(room):
    """Where nothing was to be sent for some time. A letter that comes meanwhile
    has a connection of its own."""
    bye, free = threading.Event(), threading.Event()
    behind = []

    def quit_(session):
        bye.set()
        assert free.wait(60)
        behind.extend(waiting(session))
        session.say(b"221 2.0.0 bye\r\n")

    with Peer({"quit": Turns(quit_, b"221 2.0.0 bye\r\n")}) as peer:
        worker = room.begin(port=peer.port, lines=2, idle_timeout_ms=50)
        let_go_next(worker, room.give(worker, "GBR"))
        assert bye.wait(60)
        second = room.give(worker, "FRA")
        # What the other line says, it says behind that one's coming.
        third = room.give(worker, "PER", line=1)
        dot = next_of(worker, "send-dot")
        assert dot["letter_id"] == third, dot
        worker.send("send-go", line=1, letter_id=third, attempt=1, go=1)
        assert next_of(worker, "send-result")["letter_id"] == third
        free.set()
        let_go_next(worker, second)
        peer.settle()  # it hangs up again
        assert behind == [] and len(peer.sessions) == 3
        assert all(s.said[-1] == "QUIT" for s in peer.sessions)
        finish(worker, room)


def as_many_lines_as_may_be(room):
    """All at their dots at once, with a letter behind each."""
    lines, numbers = 64, {}
    with Peer() as peer:
        worker = room.begin(port=peer.port, lines=lines)
        for i in range(2 * lines):
            numbers[100 + i] = i % lines
            room.give(worker, "GBR", line=i % lines, letter_id=100 + i)
        at_dot = [next_of(worker, "send-dot") for _ in range(lines)]
        assert {dot["line"] for dot in at_dot} == set(range(lines))
        done = 0
        while done < 2 * lines:
            for dot in at_dot:
                assert numbers[dot["letter_id"]] == dot["line"]
                worker.send("send-go", line=dot["line"], attempt=1,
                            letter_id=dot["letter_id"], go=1)
            name, message = worker.receive()
            at_dot = [message] if name == "send-dot" else []
            if name == "send-result":
                assert outcomes(message) == [(0, SENT, 250)]
                done += 1
        finish(worker, room)
        peer.settle()
        assert len(peer.sessions) == lines
        assert len(peer.messages) == 2 * lines


def large_batches(room, numbers):
    """Each with 20 MiB of files, told of in a worker's messages."""
    data = b"%PDF-1.7 " + bytes(20 << 20)
    digest = hashlib.sha256(data)
    folder = pathlib.Path(room.upload.objects) / digest.hexdigest()[:2]
    folder.mkdir(exist_ok=True)
    (folder / digest.hexdigest()[2:]).write_bytes(data)
    annex = {"sha256": digest.digest(), "size_bytes": len(data)}
    files = [{**f, **annex} if f["name"] == b"a.pdf" else f
             for f in room.files]
    assert annex["sha256"] in [f["sha256"] for f in files]
    return [{"batch_id": number, "reference": "DM-1276",
             "deadline": "2026-12-07", "files": files,
             "from_": "Registry <registry@secretariat.example>"}
            for number in numbers]


def large_batches_one_after_the_other(room):
    """Letters of eight large batches on eight lines: not all of their files
    are in memory at once, no line waits for ever, and a letter of a small
    batch is not held up for good either."""
    lines = 8
    worker = room.begin(lines=lines)
    for batch in large_batches(room, range(10, 10 + lines)):
        worker.send("send-batch", **batch)
    for i in range(3 * lines):
        room.give(worker, "GBR", line=i % lines, letter_id=100 + i,
                  batch_id=10 + i % lines if i < 2 * lines else 1)
    dots, done = [], 0
    while len(dots) < 2:
        dots.append(next_of(worker, "send-dot"))
    assert len({dot["line"] for dot in dots}) == 2
    while done < 3 * lines:
        for dot in dots:
            worker.send("send-go", line=dot["line"], attempt=1,
                        letter_id=dot["letter_id"], go=1)
        name, message = worker.receive()
        assert name != "send-fault", message
        dots = [message] if name == "send-dot" else []
        if name == "send-result":
            assert outcomes(message) == [(0, SENT, 250)]
            done += 1
    finish(worker, room)
    peak_mib = worker.usage.ru_maxrss // 1024
    print(f"{lines} batches of 20 MiB: {peak_mib} MiB")
    assert importer.UNLIMITED or peak_mib < 300


def later_handshakes_are_short_ones(room):
    """The session of the first connection is used again, by any line; but what
    another server shows is looked at."""
    authority = Authority(room.root)
    good = authority.certificate("good")
    wrong = authority.certificate("wrong", names="DNS:other.example")
    with Peer(tls="implicit", context=good) as peer:
        worker = room.begin(port=peer.port, lines=2, letters_per_connection=1,
                            relay={"tls": 2, "ca_file": str(authority.ca)})
        for i in range(4):
            room.give(worker, "GBR", line=i % 2, letter_id=100 + i)
            dot = next_of(worker, "send-dot")
            worker.send("send-go", line=i % 2, letter_id=100 + i, attempt=1,
                        go=1)
            assert dot["letter_id"] == 100 + i
            assert outcomes(next_of(worker, "send-result")) == [(0, SENT, 250)]
        peer.context = wrong
        room.give(worker, "GBR", letter_id=200)
        fault = next_of(worker, "send-fault")
        assert fault["fault"] == TLS, fault
        finish(worker, room)
        peer.settle()
        reused = [session.reused for session in peer.sessions[:4]]
        assert reused[0] is False and all(reused[1:]), reused


def a_line_that_is_not_there_ends_it(room):
    worker = room.begin(lines=2)
    room.give(worker, "GBR", line=2)
    while worker.receive():
        pass
    assert worker.wait() == 76


if __name__ == "__main__":
    run_all([the_next_opening_leaves_with_the_dot,
             not_where_it_is_not_offered,
             not_past_the_letters_of_a_connection,
             a_new_connection_waits_for_the_dot,
             a_result_is_told_before_the_next_is_begun,
             refused_dot_and_the_next_is_sent, breaks_at_the_dot,
             an_answer_too_many_is_not_the_next_ones,
             a_swallowed_answer_is_not_the_next_ones,
             a_late_answer_to_a_chunk_is_no_verdict,
             silence_before_the_end_is_no_verdict, ends_behind_the_dot,
             what_was_said_is_of_the_letter, a_refusal_is_not_tried_anew,
             called_back_before_its_dot,
             lines_have_nothing_to_do_with_one_another,
             a_fault_is_of_one_line,
             a_letter_that_crosses_with_a_fault_is_dropped,
             the_second_has_its_own_time, the_second_keeps_to_its_time,
             one_too_large_between_two, one_refused_between_two,
             stop_behind_a_dot, hangs_up_and_comes_again,
             as_many_lines_as_may_be,
             large_batches_one_after_the_other,
             later_handshakes_are_short_ones,
             a_line_that_is_not_there_ends_it])
