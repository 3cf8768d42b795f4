#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own copy of a letter, named as one more recipient: it decides nothing of
the others, and no message goes to it alone."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
from smtp_bench import (A, ALL, B, MESSAGE, SOON, run_scenarios)  # noqa: E402
from smtp_peer import CHUNKS, KEYWORDS, Turns  # noqa: E402

COPY = "journal+token@chancery.example"
SCENARIOS = []
# As relays are: with everything, without chunks, one command at a time.
KINDS = (CHUNKS, KEYWORDS, ["CHUNKING"], [])


def scenario(function):
    SCENARIOS.extend((function, mode) for mode in ALL)
    return function


def plays(bench, script, mode, to=(A, B), kinds=KINDS, **options):
    for keywords in kinds:
        # What is done in turns is done for each relay anew.
        fresh = {step: Turns(*action.actions) if isinstance(action, Turns)
                 else action for step, action in script.items()}
        yield bench.play(fresh, mode, to, {"keywords": keywords}, chunking=1,
                         journal=COPY, **options)


def said(peer, *verbs):
    return [line.lstrip("*") for session in peer.sessions
            for line in session.said if line.lstrip("*").startswith(verbs)]


@scenario
def it_is_the_last_and_wants_no_report(bench, mode):
    for told, peer in plays(bench, {}, mode, letters=2):
        assert told.outcomes == [("sent", 250)] * 6, told.text
        assert told.dots == [[A, B]] * 2 and told.end == "open"
        assert peer.messages == [MESSAGE] * 2 and len(peer.sessions) == 1
        last = said(peer, "RCPT")[2]
        assert last.startswith(f"RCPT TO:<{COPY}>"), last
    told, peer = bench.play({}, mode, (A,), {"keywords": [*KEYWORDS, "DSN"]},
                            journal=COPY)
    assert said(peer, "RCPT")[0].endswith(f"ORCPT=rfc822;{A}"), peer.said
    assert said(peer, "RCPT")[1:] == [f"RCPT TO:<{COPY}> NOTIFY=NEVER"]


@scenario
def to_it_alone_nothing_goes(bench, mode):
    """No question, no dot, and RSET before the next letter."""
    script = {f"rcpt:{A}": Turns(b"550 5.1.1 no\r\n", b"250 ok\r\n"),
              f"rcpt:{B}": Turns(b"450 4.2.1 no\r\n", b"250 ok\r\n")}
    for told, peer in plays(bench, script, mode, letters=2):
        assert told.outcomes == [("failed", 550), ("deferred", 450),
                                 ("untried", 0)] + [("sent", 250)] * 3, \
            told.text
        assert told.dots == [[A, B]] and told.end == "open"
        assert peer.messages == [MESSAGE] and len(peer.sessions) == 1
        assert len(said(peer, "RSET")) == 1, peer.said
        assert len(said(peer, "DATA", "BDAT")) == 1, peer.said
        rset = peer.said.index(next(line for line in peer.said
                                    if line.endswith("RSET")))
        assert not [line for line in peer.said[:rset]
                    if line.lstrip("*").startswith(("DATA", "BDAT"))]


@scenario
def refused_alone_it_stops_nothing(bench, mode):
    for reply, outcome in ((b"550 5.1.1 no\r\n", ("failed", 550)),
                           (b"452 4.5.3 too many\r\n", ("deferred", 452))):
        script = {f"rcpt:{COPY}": reply}
        for told, peer in plays(bench, script, mode, letters=2):
            assert told.outcomes == [("sent", 250), ("sent", 250),
                                     outcome] * 2, told.text
            assert told.dots == [[A, B]] * 2 and told.end == "open"
            assert peer.messages == [MESSAGE] * 2


@scenario
def refused_at_mail_and_at_the_end(bench, mode):
    """What is refused to all of them is refused to all of them."""
    for step, reply, outcome, dots in (
            ("mail", b"452 4.3.1 full\r\n", ("deferred", 452), []),
            ("dot", b"554 5.6.0 no\r\n", ("failed", 554), [[A, B]])):
        for told, peer in plays(bench, {step: reply}, mode):
            assert told.outcomes == [outcome] * 3, told.text
            assert told.dots == dots and told.end == "open"


@scenario
def data_refused(bench, mode):
    """Held back until an address is taken, it may still be refused."""
    script = {"data": b"451 4.3.0 not now\r\n"}
    for told, peer in plays(bench, script, mode, kinds=(KEYWORDS, [])):
        assert told.outcomes == [("deferred", 451)] * 3, told.text
        assert told.dots == [] and peer.messages == []


@scenario
def lost_after_the_dot(bench, mode):
    for told, peer in plays(bench, {"dot": "close"}, mode):
        assert told.outcomes == [("in-doubt", 0)] * 3, told.text
        assert told.dots == [[A, B]]


@scenario
def silent_at_its_name(bench, mode):
    """No dot; the addresses go back to the queue."""
    for told, peer in plays(bench, {f"rcpt:{COPY}": "hang"}, mode,
                            command_ms=SOON):
        assert told.outcomes == [("untried", 0)] * 3, told.text
        assert told.dots == [] and peer.messages == []


@scenario
def one_reply_too_many(bench, mode):
    """Taken for the one to DATA, or seen where nothing is asked."""
    script = {f"rcpt:{COPY}": b"250 ok\r\n250 ok\r\n"}
    for told, peer in plays(bench, script, mode, to=(A,),
                            kinds=(CHUNKS, KEYWORDS)):
        assert told.outcomes == [("untried", 0)] * 2, told.text
        assert told.dots == [] and peer.messages == []


if __name__ == "__main__":
    sys.exit(run_scenarios(SCENARIOS))
