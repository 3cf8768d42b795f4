#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A relay that takes only so many addresses of a message: the others go at
once in further messages of the same bytes, and nobody gets one twice."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) /
                       "tests/peers"))

import harness
from harness import Room
from smtp_peer import Peer

ADDRESSES = [f"office{i}@a.example" for i in range(7)]
ROWS = f'key,language,to,name\nA,en,"{"; ".join(ADDRESSES)}",Land\n'
# No retry comes within the test.
NEVER = {"retry": ["20d"]}


class Few:
    """The script of a relay that takes `most`, and says `refusal` to more."""

    def __init__(self, refusal, most=3):
        self.refusal = refusal
        self.most = most
        self.taken = []  # (addresses, message)
        self.asked = 0

    def rcpt(self, session):
        self.asked += 1
        few = len(session.envelope) < self.most
        session.say(b"250 2.1.5 ok\r\n" if few else self.refusal + b"\r\n")

    def dot(self, session):
        self.taken.append((list(session.envelope), session.messages[-1]))
        session.say(b"250 2.0.0 kept\r\n")

    def script(self):
        return {"rcpt": self.rcpt, "dot": self.dot}


def relay(peer):
    return {"name": "few", "port": peer.port, "connections": 2}


def send(few, event, count):
    """Enqueue it, and wait for so many events; all events, and the letter."""
    with Peer(few.script()) as peer, \
            Room([relay(peer)], conf={"sending": NEVER}) as r:
        r.start()
        r.enqueue("DM-1", ROWS)
        harness.wait_for(f"{count} {event}", lambda: len([
            e for e in r.events() if e["type"] == event]) >= count)
        return [e["type"] for e in r.events()], r.letters("DM-1")["A"]


def test_in_three_messages():
    for refusal in (b"452 4.5.3 Too many recipients", b"452 too many",
                    b"552 too many recipients", b"451 4.5.3 for now"):
        few = Few(refusal)
        types, letter = send(few, "letter.sent", 7)
        got = [address for addresses, _ in few.taken for address in addresses]
        assert [len(addresses) for addresses, _ in few.taken] == [3, 3, 1]
        assert sorted(got) == ADDRESSES, got
        assert len({message for _, message in few.taken}) == 1, \
            "the same bytes"
        assert letter["attempt"] == 3
        assert types.count("letter.split") == 4 + 1
        assert types.count("letter.sent") == 7
        assert "letter.deferred" not in types


def test_no_place_for_any():
    """Then it is a refusal for now like any other."""
    few = Few(b"452 4.5.3 Too many recipients", most=0)
    types, letter = send(few, "letter.deferred", 7)
    assert "letter.split" not in types
    assert letter["state"] == "queued" and letter["attempt"] == 1
    # DATA went with the addresses (RFC 2920), and its empty end.
    assert not any(addresses for addresses, _ in few.taken)


def test_other_refusals_wait():
    few = Few(b"452 4.3.1 no space")
    types, letter = send(few, "letter.deferred", 4)
    assert "letter.split" not in types
    assert len(few.taken) == 1 and few.asked == 7
    states = [a["state"] for a in letter["addresses"]]
    assert states == ["sent"] * 3 + ["queued"] * 4, states


if __name__ == "__main__":
    harness.run_all(globals())
