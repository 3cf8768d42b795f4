#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages in chunks (BDAT, RFC 3030): the same bytes as behind DATA, no end
without leave, and each reply counted."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
from smtp_bench import (A, ALL, B, MESSAGE, SOON, run_scenarios)  # noqa: E402
from smtp_peer import CHUNKS, KEYWORDS, Turns  # noqa: E402

LONG = MESSAGE + b"".join(b".line %d of the annex\r\n" % i
                          for i in range(9000))
HELD = 1024  # of a long message, for its last chunk
SCENARIOS = []


def scenario(function):
    SCENARIOS.extend((function, mode) for mode in ALL)
    return function


def play(bench, script, mode, to=(A,), text=LONG, keywords=CHUNKS, **options):
    path = bench.folder / f"{mode}-{len(text)}"
    if not path.exists():
        path.write_bytes(text)
    return bench.play(script, mode, to, {"keywords": keywords}, message=path,
                      chunking=1, **options)


def bdat(peer):
    return [line.lstrip("*") for line in peer.said
            if line.lstrip("*").startswith(("BDAT", "DATA", "RSET"))]


LAST_OF_LONG = [f"BDAT {len(LONG) - HELD}", f"BDAT {HELD} LAST"]


@scenario
def as_it_is(bench, mode):
    """Short ones in one chunk, long ones in two; no dot is doubled."""
    told, peer = play(bench, {}, mode, (A, B), MESSAGE, letters=3)
    assert told.outcomes == [("sent", 250)] * 6, told.text
    assert peer.messages == [MESSAGE] * 3 and len(peer.sessions) == 1
    assert bdat(peer) == [f"BDAT {len(MESSAGE)} LAST"] * 3
    told, peer = play(bench, {}, mode, letters=2)
    assert told.outcomes == [("sent", 250)] * 2, told.text
    assert peer.messages == [LONG] * 2 and bdat(peer) == LAST_OF_LONG * 2


@scenario
def without_pipelining(bench, mode):
    told, peer = play(bench, {}, mode, (A, B), keywords=["CHUNKING"],
                      letters=2)
    assert told.outcomes == [("sent", 250)] * 4, told.text
    assert peer.messages == [LONG] * 2


@scenario
def not_where_it_is_not_offered_or_not_wanted(bench, mode):
    told, peer = play(bench, {}, mode, keywords=KEYWORDS)
    assert told.outcomes == [("sent", 250)] and bdat(peer) == ["DATA"]
    told, peer = bench.play({}, mode, (A,), {"keywords": CHUNKS})
    assert told.outcomes == [("sent", 250)] and bdat(peer) == ["DATA"]


@scenario
def no_end_without_leave(bench, mode):
    for text, said in ((MESSAGE, []), (LONG, LAST_OF_LONG[:1])):
        told, peer = play(bench, {}, mode, text=text, **{"no-go": 1})
        assert told.outcomes == [("untried", 0)], told.text
        assert bdat(peer) == said and peer.messages == []


@scenario
def nobody_accepted(bench, mode):
    """Nothing of the message, and the connection goes on."""
    told, peer = play(bench, {"rcpt": Turns(b"550 5.1.1 no\r\n",
                                            b"450 4.2.1 no\r\n",
                                            b"250 ok\r\n")}, mode, letters=3)
    assert told.outcomes == [("failed", 550), ("deferred", 450),
                             ("sent", 250)], told.text
    assert bdat(peer) == ["RSET", "RSET", *LAST_OF_LONG]
    assert len(peer.sessions) == 1 and told.end == "open"


@scenario
def one_of_two_accepted(bench, mode):
    told, peer = play(bench, {f"rcpt:{A}": b"550 5.1.1 no\r\n"}, mode, (A, B))
    assert told.outcomes == [("failed", 550), ("sent", 250)], told.text
    assert told.dots == [[B]] and peer.messages == [LONG]


@scenario
def refused_at_mail(bench, mode):
    told, peer = play(bench, {"mail": b"452 4.3.1 full\r\n"}, mode)
    assert told.outcomes == [("deferred", 452)], told.text
    assert bdat(peer) == []


@scenario
def first_chunk_refused(bench, mode):
    """However late: the last one waits for it."""
    for reply, outcome in ((b"552 5.3.4 large\r\n", ("failed", 552)),
                           (b"452 4.3.1 full\r\n", ("deferred", 452)),
                           (b"421 4.3.2 bye\r\n", ("deferred", 421)),
                           (b"552 no\r\n421 4.3.2 bye\r\n",
                            ("failed", 552))):
        told, peer = play(bench, {"chunk": [0.1, reply]}, mode)
        assert told.outcomes == [outcome], told.text
        assert told.dots == [] and bdat(peer) == LAST_OF_LONG[:1]


@scenario
def no_good_reply_to_the_first_chunk(bench, mode):
    """Nothing has ended, so nothing is in doubt."""
    for action in ("hang", "close", b"199 what\r\n", b"354 go on\r\n"):
        told, peer = play(bench, {"chunk": action}, mode, data_ms=SOON)
        assert told.outcomes == [("untried", 0)], told.text
        assert told.dots == [] and bdat(peer) == LAST_OF_LONG[:1]


@scenario
def an_answer_too_many(bench, mode):
    """To an address or to the first chunk: the last chunk's own would be that
    of something else."""
    for script in ({"chunk": b"250 ok\r\n250 ok\r\n"},
                   {"rcpt": b"250 ok\r\n250 ok\r\n"}):
        told, peer = play(bench, script, mode)
        assert told.outcomes == [("untried", 0)], told.text
        assert peer.messages == [] and told.dots == []


@scenario
def ends_in_the_last_chunk(bench, mode):
    for text in (MESSAGE, LONG):
        for action, code in (("close", 0), ("reset", 0),
                             (b"199 x\r\n", 0), (b"250-x\r\n451 y\r\n", 0)):
            told, peer = play(bench, {"dot": action}, mode, text=text)
            assert told.outcomes == [("in-doubt", code)], told.text
        for reply, outcome in ((b"451 4.3.0 x\r\n", ("deferred", 451)),
                               (b"554 5.7.1 x\r\n", ("failed", 554))):
            told, peer = play(bench, {"dot": reply}, mode, text=text)
            assert told.outcomes == [outcome] and told.end == "open"
        told, peer = play(bench, {"dot": "hang"}, mode, text=text, dot_ms=SOON)
        assert told.outcomes == [("in-doubt", 0)], told.text


if __name__ == "__main__":
    sys.exit(run_scenarios(SCENARIOS))
