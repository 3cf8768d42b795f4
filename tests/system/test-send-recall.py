#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Letters that a send worker is asked to give back: it does where nothing was
said of them on the connection, and then forgets them; those that it has begun
with go their way, and nobody is told anything else."""
import os
import pathlib
import sys

from sender import SENT, finish, next_of, outcomes, run_all

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
from smtp_peer import CHUNKS, KEYWORDS, Peer  # noqa: E402

WITHOUT = [k for k in KEYWORDS if k != "PIPELINING"]


def go(worker, number, attempt=1):
    worker.send("send-go", letter_id=number, attempt=attempt, go=1)


def recall(worker, number, attempt=1):
    worker.send("send-recall", letter_id=number, attempt=attempt)


def recalled(worker, number, attempt=1):
    message = next_of(worker, "send-recalled")
    assert (message["letter_id"], message["attempt"]) == (number, attempt)


def sent(worker, number, attempt=1):
    result = next_of(worker, "send-result")
    assert (result["letter_id"], result["attempt"]) == (number, attempt)
    assert [o[1:] for o in outcomes(result)] == \
        [(SENT, 250)] * len(result["results"]), result


def let_go_next(worker, number, attempt=1):
    dot = next_of(worker, "send-dot")
    assert (dot["letter_id"], dot["attempt"]) == (number, attempt)
    go(worker, number, attempt)
    sent(worker, number, attempt)


def heard(peer):
    """The addresses of each MAIL, by connection."""
    peer.settle()
    return [[line.split("<")[1].split(">")[0] for line in session.said
             if line.startswith("RCPT")] for session in peer.sessions]


def given_back(room, keywords):
    """One at its question for the dot, one composed, one behind it: both others
    come back, in whatever order they are asked for, and the line goes on."""
    for order in ((1, 2), (2, 1)):
        with Peer(keywords=keywords) as peer:
            worker = room.begin(port=peer.port)
            numbers = [room.give(worker, key) for key in ("GBR", "FRA", "PER")]
            assert next_of(worker, "send-dot")["letter_id"] == numbers[0]
            for i in order:
                recall(worker, numbers[i])
                recalled(worker, numbers[i])
            go(worker, numbers[0])
            sent(worker, numbers[0])
            # Under another attempt, and in another order.
            assert room.give(worker, "PER", attempt=2) == numbers[2]
            dot = next_of(worker, "send-dot")
            assert (dot["letter_id"], dot["attempt"]) == (numbers[2], 2)
            assert worker.wanted == 3, worker.wanted
            finish_refused(worker, room, numbers[2])
            assert heard(peer) == [["minister@uk.example",
                                    "dropdot@pe.example"]], heard(peer)
            assert len([m for m in peer.messages if m]) == 1


def finish_refused(worker, room, number):
    worker.send("send-go", letter_id=number, attempt=2, go=0)
    assert next_of(worker, "send-result")["letter_id"] == number
    finish(worker, room)


def what_waits_comes_back(room):
    for keywords in (KEYWORDS, WITHOUT, CHUNKS):
        given_back(room, keywords)


def what_has_begun_goes_on(room):
    """The one at its dot, and the one whose opening left with it; a letter that
    is not there, and another attempt."""
    with Peer() as peer:
        worker = room.begin(port=peer.port)
        first, second = room.give(worker, "GBR"), room.give(worker, "FRA")
        assert next_of(worker, "send-dot")["letter_id"] == first
        recall(worker, first)
        recall(worker, second, 2)
        recall(worker, 4711)
        go(worker, first)
        sent(worker, first)
        assert next_of(worker, "send-dot")["letter_id"] == second
        recall(worker, second)
        go(worker, second)
        sent(worker, second)
        recall(worker, second)
        recall(worker, first)
        finish(worker, room)
        assert heard(peer) == [["minister@uk.example", "ministre@fr.example",
                                "mission@fr.example"]]


def a_new_connection_is_the_next_ones(room):
    """The letter that was to begin one is given back: what comes behind it
    does, whether it is here already or not."""
    for here in (True, False):
        for number_of_it in (1, 2):
            with Peer() as peer:
                worker = room.begin(port=peer.port)
                first = room.give(worker, "GBR")
                keys = ["FRA", "PER"][:number_of_it]
                numbers = [room.give(worker, key, anew=key == keys[-1])
                           for key in keys]
                if here:
                    last = room.give(worker, "ITA")
                assert next_of(worker, "send-dot")["letter_id"] == first
                recall(worker, numbers[-1])
                recalled(worker, numbers[-1])
                if not here:
                    last = room.give(worker, "ITA")
                go(worker, first)
                sent(worker, first)
                for number in [*numbers[:-1], last]:
                    let_go_next(worker, number)
                # One new connection, and no more.
                let_go_next(worker, room.give(worker, "GBR", attempt=2), 2)
                finish(worker, room)
                assert [len(x) for x in heard(peer)] == \
                    [1 + 2 * (number_of_it - 1), 3], heard(peer)


def of_no_line(room):
    worker = room.begin(lines=2)
    worker.send("send-recall", line=2, letter_id=1, attempt=1)
    while worker.receive():
        pass
    assert worker.wait() == 76


if __name__ == "__main__":
    run_all([what_waits_comes_back, what_has_begun_goes_on,
             a_new_connection_is_the_next_ones, of_no_line])
