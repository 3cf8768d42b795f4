#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole room and three relays that say anything at random, until they are
mended: batches of two priorities, letters of all sizes to several addresses,
domains that allow few letters on a connection, relays that take few addresses
of a message. Whatever they said,
- each letter comes to an end, and has the same bytes with all relays;
- "sent" is an address only where a relay that was given it said so;
- no address gets a second message where nobody refused the first one.

CHANCERY_SEED and CHANCERY_RUNS choose other relays, and more of them."""
import concurrent.futures
import contextlib
import os
import pathlib
import random
import re
import sys

import harness
from harness import Room, wait_for

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
import rude_relay  # noqa: E402
from smtp_peer import CHUNKS, KEYWORDS, Peer  # noqa: E402

SEED = int(os.environ.get("CHANCERY_SEED", "1276"))
RUNS = int(os.environ.get("CHANCERY_RUNS", "6"))
RELAYS, LETTERS = 3, 30
SOON = {"command_timeout": "1s", "data_timeout": "1s", "dot_timeout": "1s",
        "connect_timeout": "2s"}
SIZES = {"SMALL": 100, "LARGE": 150_000}
OPEN = ("queued", "claimed", "dot")


def letter_of(size):
    return {**harness.LETTER, "letter.conf": 'annexes = ["a.pdf"];',
            "a.pdf": b"%PDF-1.7\n" + random.Random(size).randbytes(size)}


def table_of(rng, batch):
    """Each letter to one to three addresses, of a few domains."""
    rows = ["key,language,to,name"]
    for i in range(LETTERS):
        to = "; ".join(f"{batch.lower()}{i}-{j}@d{rng.randrange(4)}.example"
                       for j in range(rng.choice([1, 1, 2, 3])))
        rows.append(f'K{i:03},en,"{to}",Land {i}')
    return "\n".join(rows) + "\n"


def script_of(rng):
    """Rude, and now and then with room for one or two addresses only. But whom
    it takes it says so that it can be read: else nobody could know."""
    most = rng.choice([1, 2, 9, 9])

    def rcpt(session):
        if len(session.envelope) >= most:
            session.say(b"452 4.5.3 too many recipients\r\n")
        else:
            session.perform(rng.choice(
                [b"451 4.3.0 later\r\n", b"550 5.7.1 no\r\n",
                 [b"421 4.3.2 bye\r\n", "close"], "close", "hang"]
                + [b"250 2.1.5 ok\r\n"] * 30 if session.open
                else [b"503 5.5.1 no\r\n"]))
    return {**rude_relay.script_of(rng), "rcpt": rcpt}


def relay_of(rng, number, peer):
    return {"name": f"r{number}", "port": peer.port,
            "connections": rng.choice([1, 2, 4]),
            "letters_per_connection": rng.choice([1, 3, 100]), **SOON}


def conf_of(rng):
    return {"sending": {"retry": ["1s"], "breaker": {"percent": 0},
                        "domain_rest": "0s"},
            "domains": ({"pattern": ["d1.example", "d2.example"],
                         "letters_per_connection": rng.choice([1, 2])},)}


def states(room):
    return {a["address"]: a["state"] for batch in SIZES
            for letter in room.letters(batch).values()
            for a in letter["addresses"]}


def is_over(room):
    return not set(states(room).values()) & set(OPEN)


def begun(peers):
    return sum(len(s.begun) for peer in peers for s in peer.sessions)


def play(rng, peers):
    """How each address ended."""
    relays = [relay_of(rng, i, peer) for i, peer in enumerate(peers)]
    with Room(relays, conf=conf_of(rng)) as room:
        room.start()
        # The second goes before what is left of the first.
        room.enqueue("LARGE", table_of(rng, "LARGE"),
                     letter_of(SIZES["LARGE"]), priority="low")
        room.enqueue("SMALL", table_of(rng, "SMALL"),
                     letter_of(SIZES["SMALL"]))
        wait_for("a good part", lambda: begun(peers) >= 3 * LETTERS or
                 is_over(room))
        for peer in peers:
            peer.script.clear()
        wait_for("the end", lambda: is_over(room))
        ends = states(room)
        assert room.stop() == 0, room.log()[-2000:]
        for peer in peers:
            peer.settle()
        return ends


def transactions(peers):
    """(addresses that were taken, the message or None, what was said to its
    end), of all relays."""
    for peer in peers:
        for session in peer.sessions:
            for one, (message, answer) in zip(session.begun,
                                              session.answers()):
                yield one[4], message, answer


def judge(address, end, taken):
    """`taken`: the transactions in which a relay took it."""
    assert end in ("sent", "failed", "in_doubt"), (address, end)
    if end == "sent":
        assert any(re.search(rb"(?m)^2", answer) for _, answer in taken), \
            f"{address} is sent, and nothing says so"
    whole = [(message, answer) for message, answer in taken if message]
    assert len({message for message, _ in whole}) <= 1, "other bytes"
    unrefused = [answer for _, answer in whole
                 if not re.search(rb"(?m)^[45]", answer)]
    assert len(unrefused) <= 1, (f"{address} has it twice", unrefused)


def one(number):
    rng = random.Random(f"{SEED}-{number}")
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(
            Peer(script_of(rng), keywords=rng.choice([KEYWORDS, CHUNKS, []])))
            for _ in range(RELAYS)]
        try:
            ends = play(rng, peers)
            heard = {}
            for addresses, message, answer in transactions(peers):
                for address in addresses:
                    heard.setdefault(address, []).append((message, answer))
            assert set(heard) <= set(ends)
            for address, end in ends.items():
                judge(address, end, heard.get(address, []))
        except BaseException as error:
            said = [(s.said, s.out) for peer in peers for s in peer.sessions]
            raise AssertionError(f"run {number}: {error!r}\n{said}") from error
    return list(ends.values())


def main():
    tally, failed = {}, 0
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(one, i) for i in range(RUNS)]:
            if error := future.exception():
                failed += 1
                print(error)
                continue
            for end in future.result():
                tally[end] = tally.get(end, 0) + 1
    print(f"seed {SEED}, {RUNS} rooms: {tally}, {failed} wrong")
    assert {"sent", "failed", "in_doubt"} <= set(tally)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
