#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A send worker with four lines, and relays that say anything at random, plain
and over TLS; letters of one chunk, of two, and of 280 KB. Whatever the relays
say, and whenever chanceryd says "no", "stop", "give that back" or "over a new
connection", and gives what was not sent again:
- each attempt gets one result or goes back, by itself or with its line's fault,
  and nothing is said of it afterwards;
- no dot goes out that was not allowed, none twice, and at most one letter of a
  line is at its dot;
- a result is never better than what the relay said of that letter, and what is
  whole with the relay never goes back to the queue, nor is it called untried;
- where a copy goes to a journal, that is none of the letter's results, and what
  is said to it decides nothing.

CHANCERY_SEED and CHANCERY_RUNS choose other relays, and more of them."""
import concurrent.futures
import hashlib
import os
import pathlib
import random
import re
import sys

from sender import (DEFERRED, FAILED, IN_DOUBT, SENT, UNTRIED, run_all)

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
import rude_relay  # noqa: E402
import smtp_peer  # noqa: E402
from smtp_peer import CHUNKS, KEYWORDS, Peer  # noqa: E402

SEED = int(os.environ.get("CHANCERY_SEED", "1276"))
RUNS = int(os.environ.get("CHANCERY_RUNS", "60"))
LINES, LETTERS, HOLDS, ATTEMPTS = 4, 32, 8, 3
SIZES = {1: 25_000, 2: 150, 3: 210_000}  # of the annex of each batch's letters
STEP_MS = 800


class Attempt:
    """What was told of it: by us, and by the worker."""

    def __init__(self, letter, number, line):
        self.letter, self.number, self.line = letter, number, line
        self.dot, self.go, self.results, self.returned = None, 0, {}, False
        self.to = {seq for seq, _ in letter.pending}

    @property
    def over(self):
        return self.returned or self.results

    @property
    def name(self):
        return f"{self.letter.number}.{self.number}"


class Letter:
    """To some addresses, as long as it is not sent to them."""

    def __init__(self, number, key, batch, addresses):
        self.number, self.key, self.batch = number, key, batch
        self.addresses = self.pending = addresses
        self.attempts = []
        self.sha256 = b""

    @property
    def waits(self):
        return (self.pending and len(self.attempts) < ATTEMPTS and
                (not self.attempts or self.attempts[-1].over))

    @property
    def over(self):
        return self.attempts and self.attempts[-1].over and not self.waits


class Game:
    """Chanceryd's side of one worker."""

    def __init__(self, room, rng, journal, **setup):
        self.room, self.rng, self.journal = room, rng, journal
        self.worker = room.begin(lines=LINES, **setup)
        for batch in room.batches:
            self.worker.send("send-batch", **batch)
        self.letters = [self.letter_of(1000 + i) for i in range(LETTERS)]
        self.want = [3] * LINES
        self.stopped = False
        self.recalls = 0

    def letter_of(self, number):
        key = self.rng.choice(list(self.room.letters))
        addresses = self.room.letters[key]["addresses"]
        return Letter(number, key, self.rng.choice(list(SIZES)), list(
            enumerate(a["address"] for a in addresses)))

    def give(self):
        """All that may be given, to lines at random."""
        free = [line for line in range(LINES) for _ in range(self.want[line])]
        waiting = [one for one in self.letters if one.waits]
        self.rng.shuffle(free)
        if self.rng.random() < .3:
            self.rng.shuffle(waiting)
        for line, letter in zip(free, waiting if not self.stopped else []):
            self.want[line] -= 1
            self.give_one(line, letter)

    def give_one(self, line, letter):
        one = Attempt(letter, len(letter.attempts) + 1, line)
        letter.attempts.append(one)
        self.room.give(
            self.worker, letter.key, one.number, line=line,
            letter_id=letter.number, batch_id=letter.batch,
            anew=int(self.rng.random() < .1), sha256=letter.sha256,
            journal=f"journal+{one.name}@chancery.example"
            if self.journal else "",
            envelope_id=one.name,
            envelope_from=f"bounces+{one.name}@chancery.example",
            addresses=[{"seq": seq, "address": address,
                        "pending": int((seq, address) in letter.pending)}
                       for seq, address in letter.addresses])

    def held(self, line):
        return [letter.attempts[-1] for letter in self.letters
                if letter.attempts and not letter.attempts[-1].over and
                letter.attempts[-1].line == line]

    def recall(self):
        """Something that a line has, at its dot or not, or had."""
        letter = self.rng.choice(self.letters)
        if not letter.attempts or self.stopped:
            return
        one = self.rng.choice(letter.attempts)
        self.worker.send("send-recall", line=one.line, attempt=one.number,
                         letter_id=letter.number)

    def on_ready(self, message):
        line = message["line"]
        self.want[line] += message["want"]
        assert self.want[line] + len(self.held(line)) <= HOLDS

    def attempt(self, message):
        letter = self.letters[message["letter_id"] - 1000]
        one = letter.attempts[-1]
        assert (one.line, one.number) == (message["line"], message["attempt"])
        assert not one.over
        return one

    def on_dot(self, message):
        one = self.attempt(message)
        assert one.dot is None, "asked twice"
        at_dot = [other.name for other in self.held(one.line) if other.dot]
        assert not at_dot, f"{at_dot} is at its dot, and now {one.name}"
        assert message["seqs"] and set(message["seqs"]) <= one.to
        assert one.letter.sha256 in (b"", message["sha256"]), "other bytes"
        one.dot = message
        one.letter.sha256 = message["sha256"]
        one.go = int(self.rng.random() < .95)
        self.worker.send("send-go", line=one.line, attempt=one.number,
                         letter_id=one.letter.number, go=one.go)

    def on_result(self, message):
        one = self.attempt(message)
        one.results = {r["seq"]: r for r in message["results"]}
        assert set(one.results) == one.to
        sent = SENT in {r["outcome"] for r in message["results"]}
        assert bool(message["journal"]) == (sent and self.journal), message
        one.letter.pending = [
            (seq, address) for seq, address in one.letter.pending
            if one.results[seq]["outcome"] in (DEFERRED, UNTRIED)]

    def on_recalled(self, message):
        one = self.attempt(message)
        assert not one.dot, "given back from its dot"
        one.returned = True
        self.recalls += 1

    def on_fault(self, message):
        line = message["line"]
        for one in self.held(line):
            assert not one.go, "a fault between a go and its result"
            one.returned = True
        self.want[line] = 0

    def play(self):
        stop_at = self.rng.choice([LETTERS, LETTERS, self.rng.randrange(20)])
        self.give()
        while message := self.worker.receive():
            name, fields = message
            getattr(self, "on_" + name.split("-")[1])(fields)
            over = sum(bool(one.over) for one in self.letters)
            if over >= stop_at and not self.stopped:
                self.stopped = True
                self.worker.send("stop")
            # Most messages are answered by a letter at once, some are not.
            if self.rng.random() < .8 or not any(map(self.held, range(LINES))):
                self.give()
            if self.rng.random() < .15:
                self.recall()
        assert self.worker.wait() == 0, self.room.stderr()
        assert self.stopped
        for letter in self.letters:
            for one in letter.attempts:
                assert one.over or not one.go, f"{one.name} is lost"


def heard_of(peer):
    """For each attempt: its transactions, as (whole message or None, what was
    said behind its 354)."""
    heard = {}
    for session in peer.sessions:
        for (_, _, sender, *_), one in zip(session.begun, session.answers()):
            name = re.search(r"\+([0-9.]+)@", sender)[1]
            heard.setdefault(name, []).append(one)
    return heard


def check_allowed(one, whole, answers):
    accepted = set(one.dot["seqs"])
    for seq, result in one.results.items():
        outcome = result["outcome"]
        if seq not in accepted:
            assert outcome in (DEFERRED, FAILED), "no RCPT, and no refusal"
            continue
        digit = {SENT: b"2", DEFERRED: b"4", FAILED: b"5"}.get(outcome)
        assert not digit or re.search(rb"(?m)^" + digit, answers), \
            f"{one.name}: {outcome}, and nothing says so"
        # Without the whole of it a relay that says 2yz lies, and late enough
        # behind its 354 nobody can tell.
        assert outcome != UNTRIED or not whole, "it would go out twice"


def check(one, transactions):
    whole = [message for message, _ in transactions if message]
    # Each from the start of a line: the last reply may have no end.
    answers = b"\n".join(answer for _, answer in transactions)
    assert len(whole) <= 1, "sent twice"
    if not one.go:
        assert not whole, "a dot went out unasked"
        outcomes = {r["outcome"] for r in one.results.values()}
        assert not {SENT, IN_DOUBT} & outcomes
        return
    assert one.results and not one.returned
    if whole:
        assert hashlib.sha256(whole[0]).digest() == one.dot["sha256"]
    check_allowed(one, whole, answers)


def one(room, authority, context, number):
    rng = random.Random(f"{SEED}-{number}")
    mode = (None, "starttls", "implicit")[number % 3]
    keywords = rng.choice([KEYWORDS, KEYWORDS, CHUNKS, CHUNKS, []])
    with Peer(rude_relay.script_of(rng), tls=mode, context=context,
              keywords=keywords) as peer:
        game = Game(
            room, random.Random(f"{SEED}-{number}-chanceryd"),
            journal=number % 2 == 1, port=peer.port,
            data_timeout_ms=STEP_MS, dot_timeout_ms=STEP_MS,
            attempt_timeout_ms=3 * STEP_MS, idle_timeout_ms=STEP_MS,
            letters_per_connection=rng.choice([1, 2, 3, 100]),
            relay={"tls": number % 3, "ca_file": str(authority.ca),
                   "connect_timeout_ms": STEP_MS,
                   "command_timeout_ms": STEP_MS})
        try:
            game.play()
            peer.settle()
            heard = heard_of(peer)
            attempts = [one for letter in game.letters
                        for one in letter.attempts]
            for attempt in attempts:
                check(attempt, heard.pop(attempt.name, []))
            assert not heard
        except BaseException as error:
            said = [(s.said, s.out) for s in peer.sessions]
            raise AssertionError(f"relay {number}, {mode}: {error!r}\n"
                                 f"{said}") from error
    behind = sum(len(s.begun) > 1 for s in peer.sessions)
    return behind, game.recalls, [r["outcome"] for attempt in attempts
                                  for r in attempt.results.values()]


def batches_of(room):
    """The room's batch again, under each number, with an annex of that size."""
    batches = []
    for number, size in SIZES.items():
        data = b"%PDF-1.7 " + random.Random(number).randbytes(size)
        digest = hashlib.sha256(data)
        folder = pathlib.Path(room.upload.objects) / digest.hexdigest()[:2]
        folder.mkdir(exist_ok=True)
        (folder / digest.hexdigest()[2:]).write_bytes(data)
        annex = {"sha256": digest.digest(), "size_bytes": len(data)}
        batches.append({
            "batch_id": number, "reference": "DM-1276",
            "deadline": "2026-12-07",
            "from_": "Registry <registry@secretariat.example>",
            "files": [{**f, **annex} if f["name"] == b"a.pdf" else f
                      for f in room.files]})
    return batches


def random_relays(room):
    room.batches = batches_of(room)
    authority = smtp_peer.Authority(room.root)
    context = authority.certificate("good")
    tally, shared, recalls, failed = {}, 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(one, room, authority, context, i)
                       for i in range(RUNS)]:
            if error := future.exception():
                failed += 1
                print(error)
                continue
            behind, given_back, outcomes = future.result()
            shared += behind
            recalls += given_back
            for outcome in outcomes:
                tally[outcome] = tally.get(outcome, 0) + 1
    print(f"seed {SEED}, {RUNS} relays: {tally}, {failed} wrong, "
          f"{shared} connections with several letters, {recalls} recalls")
    assert not failed and recalls
    # All that can come did come.
    assert {SENT, DEFERRED, FAILED, IN_DOUBT, UNTRIED} <= set(tally) and shared


if __name__ == "__main__":
    run_all([random_relays])
