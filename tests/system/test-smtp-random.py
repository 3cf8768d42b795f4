#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Letters to relays that say anything at random: whatever they say,
- "sent" is said only of a message that is whole with the relay, whose dot it
  answered with a 2yz;
- what is whole with the relay is never called untried, nor refused unless the
  relay said so: such a letter would go out a second time;
- no dot goes out unasked, and no message but the one that was given.

CHANCERY_SEED and CHANCERY_RUNS choose other relays, and more of them."""
import concurrent.futures
import os
import pathlib
import random
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
from smtp_bench import (A, ALL, B, Bench, C, MESSAGE)  # noqa: E402
from smtp_peer import KEYWORDS  # noqa: E402

SEED = int(os.environ.get("CHANCERY_SEED", "1276"))
RUNS = int(os.environ.get("CHANCERY_RUNS", "150"))
TO = (A, B, C)
LETTERS = 3
STEP_MS = 1200
POLITE = {"greeting": b"220 peer\r\n", "starttls": b"220 go\r\n",
          "mail": b"250 2.1.0 ok\r\n", "rcpt": b"250 2.1.5 ok\r\n",
          "data": b"354 go on\r\n", "dot": b"250 2.0.0 kept\r\n",
          "rset": b"250 ok\r\n", "quit": b"221 bye\r\n"}
# How often a step is impolite; the first ones seldom, to come to the last.
RUDE = {"greeting": .02, "starttls": .02, "mail": .06, "rcpt": .25,
        "data": .15, "dot": .6, "rset": .1, "quit": .5}
CODES = [b"250", b"250", b"250", b"354", b"421", b"450", b"451", b"550",
         b"554", b"220", b"299", b"334", b"503", b"599", b"199", b"600",
         b"000", b"2500", b"25", b"", b"2x0", b"\xb2\xb5\xb0"]
TEXTS = [b" ok", b" 2.0.0 kept", b" 4.3.0 later", b" 5.7.1 no", b"", b" ",
         b"-", b"- more", b" \x1b[2J%n\0\xff", b" " + b"x" * 600]
ENDS = [b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""]


def reply(rng):
    return rng.choice(CODES) + rng.choice(TEXTS) + rng.choice(ENDS)


def rude(rng, polite):
    actions = [b"".join(reply(rng) for _ in range(rng.choice([0, 1, 1, 1, 2,
                                                             3])))]
    if rng.random() < .2:
        actions.insert(rng.choice([0, 1]), polite)
    if rng.random() < .2:
        actions.insert(1, .05)
    if rng.random() < .4:
        actions.append(rng.choice(["close", "reset", "hang"]))
    return actions


def script_of(rng):
    """Each time a step comes, it is rude or polite anew."""
    def choose(step):
        def say(session):
            session.perform(rude(rng, POLITE[step])
                            if rng.random() < RUDE[step] else POLITE[step])
        return say
    return {step: choose(step) for step in POLITE}


def letters_of(told):
    """For each letter: the addresses of its dot, or None, and the results."""
    letters, dot, results = [], None, []
    for line in told.text.splitlines():
        if line.startswith("dot "):
            dot = line.split(" ")[1:]
        elif "\t" in line:
            results.append((line.split("\t")[0], int(line.split("\t")[1])))
        if len(results) == len(TO):
            letters.append((dot, results))
            dot, results = None, []
    assert not results and dot is None
    return letters


def check_asked(dot, results, message, answer):
    """A letter whose dot was allowed: its message came or did not, and the
    relay said this behind its 354."""
    for address, (outcome, _) in zip(TO, results):
        if address not in dot:
            assert outcome != "sent", "sent without an RCPT"
            continue
        assert outcome != "untried" or not message, "it would go out twice"
        digit = {"sent": b"2", "deferred": b"4", "failed": b"5"}.get(outcome)
        assert not digit or re.search(rb"(?m)^" + digit, answer), \
            f"{outcome}, and nothing says so"


def check(told, peer):
    heard = [one for session in peer.sessions for one in session.answers()]
    letters = letters_of(told)
    assert len(heard) <= len(letters)
    # A letter without a MAIL is one whose MAIL the relay has not read.
    heard += [(None, b"")] * (len(letters) - len(heard))
    for (dot, results), (message, answer) in zip(letters, heard):
        assert message in (None, b"", MESSAGE), "another message"
        if dot is not None:
            check_asked(dot, results, message, answer)
            continue
        assert not message, "a dot went out unasked"
        assert not {"sent", "in-doubt"} & {outcome for outcome, _ in results}


def one(bench, number):
    rng = random.Random(f"{SEED}-{number}")
    mode = ALL[number % 3]
    told, peer = bench.play(
        script_of(rng), mode, TO,
        peer={"keywords": KEYWORDS if rng.random() < .7 else []},
        letters=LETTERS, connect_ms=STEP_MS, command_ms=STEP_MS,
        data_ms=STEP_MS, dot_ms=STEP_MS, attempt_ms=3 * STEP_MS)
    try:
        check(told, peer)
    except AssertionError as error:
        heard = [(s.said[:40], s.out) for s in peer.sessions]
        raise AssertionError(f"run {number}, {mode}: {error}\n{told.text}"
                             f"{heard}") from error
    return [outcome for outcome, _ in told.outcomes] or ["fault"]


def main():
    with tempfile.TemporaryDirectory(prefix="chancery-random-") as folder, \
            concurrent.futures.ThreadPoolExecutor(12) as pool:
        bench = Bench(pathlib.Path(folder))
        tally, failed = {}, 0
        for future in [pool.submit(one, bench, i) for i in range(RUNS)]:
            error = future.exception()
            if error:
                failed += 1
                print(error)
                continue
            for outcome in future.result():
                tally[outcome] = tally.get(outcome, 0) + 1
    print(f"seed {SEED}, {RUNS} relays: {tally}, {failed} wrong")
    # All that can come did come: the relays are neither too bad nor too good.
    kinds = {"sent", "deferred", "failed", "in-doubt", "untried"}
    return 1 if failed or not kinds <= set(tally) else 0


if __name__ == "__main__":
    sys.exit(main())
