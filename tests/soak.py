#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make soak: chanceryd and its send workers are killed at random while a large
batch goes out to a server that refuses, is late, hangs up and keeps letters
without saying so; then its fsynced ledger is compared with the store.

    soak.py [--letters 100000] [--kills 1000] [--faults 10] [--seed N]

A third of the kills hit chanceryd, which is then started again, a third one of
its workers, a third both. Nobody may be missed, nobody reached twice, nothing
resent that is in doubt, and every letter that has no confirmation must be in
doubt. Those doubts that the server made are told apart by its ledger; of the
others a kill leaves at most as many as there are connections. --faults: of
1,000 commands and dots. The last line is a JSON object."""
import argparse
import collections
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "system"))
import harness  # noqa: E402

PEERS = pathlib.Path(__file__).parent / "peers"
CONNECTIONS = 8


class FaultySink:
    """tests/peers/faulty_sink.py, as a process of its own."""

    def __init__(self, *options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ch-soak-"))
        self.process = subprocess.Popen(
            [sys.executable, PEERS / "faulty_sink.py", self.folder / "ledger",
             *map(str, options)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def lines(self):
        """(what, recipient, message id, SHA-256) of each dot that came."""
        with open(self.folder / "ledger", encoding="ascii") as ledger:
            for line in ledger:
                yield line.rstrip("\n").split("\t")

    def end(self):
        """How many connections it had."""
        self.process.terminate()
        return int(self.process.communicate()[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()
        shutil.rmtree(self.folder)


def kill_some(room, chance):
    """Returns whom, or None where there was nobody."""
    whom = chance.choice(["chanceryd", "worker", "both"])
    if whom != "chanceryd" and not harness.kill_child(
            room, "chancery-send", chance):
        return None
    if whom == "both":
        time.sleep(chance.random() * 0.005)
    if whom != "worker":
        room.kill()
        room.start()
    return whom


def unfinished(room):
    letters = room.batch("SOAK")["letters"]
    return letters["queued"] + letters["claimed"] + letters["dot"]


def wait_until(room, target):
    """Until no more than so many letters are under way, or for some time where
    the relay rests."""
    end = time.monotonic() + 5
    while unfinished(room) > target and time.monotonic() < end:
        time.sleep(0.005)


def wait_for_the_rest(room):
    """As long as something goes on."""
    left = unfinished(room)
    while left:
        harness.wait_for("the rest", lambda: unfinished(room) < left, 300)
        left = unfinished(room)


def send_with_kills(room, options, chance):
    """The kills are spread over the letters: each comes when so many more are
    at their end."""
    kills = collections.Counter()
    while sum(kills.values()) < options.kills:
        left = unfinished(room)
        if left == 0:
            break
        step = left / (options.kills - sum(kills.values()) + 10)
        wait_until(room, max(left - step * chance.random(), 0))
        time.sleep(chance.random() * 0.01)
        whom = kill_some(room, chance)
        if not whom:
            continue
        kills[whom] += 1
        if sys.stderr.isatty():
            print(f"\r{sum(kills.values())} kills, {unfinished(room)} "
                  "letters to go ", end="", file=sys.stderr, flush=True)
    wait_for_the_rest(room)
    return kills


def compare(room, sink, letters):
    dots = collections.defaultdict(collections.Counter)
    digests = {}
    wrong_bytes = 0
    for what, to, _, digest in sink.lines():
        dots[to][what] += 1
        wrong_bytes += digests.setdefault(to, digest) != digest
    states, counts = collections.Counter(), collections.Counter()
    for letter in room.letters("SOAK").values():
        to = letter["addresses"][0]["address"]
        seen = dots[to]
        states[letter["state"]] += 1
        unclear = seen["kept"] + seen["dropped"]
        counts["twice"] += seen["took"] + seen["kept"] > 1
        counts["resent_in_doubt"] += seen["took"] + unclear > 1
        if letter["state"] == "sent":
            counts["lost"] += not seen["took"]
        elif letter["state"] == "in_doubt":
            counts["doubts_of_the_server" if unclear
                   else "doubts_of_the_kills"] += 1
        else:
            counts["unconfirmed_not_in_doubt"] += bool(seen["took"] + unclear)
    return {
        "letters": letters, "sent": states["sent"],
        "in_doubt": states["in_doubt"],
        "doubts_of_the_server": counts["doubts_of_the_server"],
        "doubts_of_the_kills": counts["doubts_of_the_kills"],
        "taken": sum(1 for seen in dots.values() if seen["took"]),
        "refused": sum(seen["refused"] for seen in dots.values()),
        "not_at_an_end": letters - states["sent"] - states["in_doubt"],
        "lost": counts["lost"], "twice": counts["twice"],
        "resent_in_doubt": counts["resent_in_doubt"],
        "unconfirmed_not_in_doubt": counts["unconfirmed_not_in_doubt"],
        "other_bytes": wrong_bytes,
    }


def soak(options, chance):
    with FaultySink("--faults", options.faults, "--seed",
                    options.seed) as sink, \
            harness.Room(
                [{"name": "sink", "port": sink.port, "connections": CONNECTIONS,
                  "connections_per_worker": 4}],
                conf={"sending": {"retry": ["1s"]}}) as room:
        room.start()
        room.enqueue("SOAK", harness.table(options.letters))
        began = time.monotonic()
        kills = send_with_kills(room, options, chance)
        assert room.stop() == 0
        room.start()
        result = compare(room, sink, options.letters)
        assert room.stop() == 0
    result.update(kills=sum(kills.values()), **kills, seed=options.seed,
                  seconds=round(time.monotonic() - began))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--letters", type=int, default=100000)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--faults", type=int, default=10)
    parser.add_argument("--seed", type=int,
                        default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    result = soak(options, random.Random(options.seed))
    wrong = any(result[name] for name in (
        "lost", "twice", "resent_in_doubt", "not_at_an_end",
        "unconfirmed_not_in_doubt", "other_bytes"))
    wrong = wrong or result["kills"] < options.kills * 0.9 or \
        result["doubts_of_the_kills"] > result["kills"] * CONNECTIONS
    # A server without faults, or kills that hit nothing, would prove nothing.
    wrong = wrong or options.faults and not (
        result["doubts_of_the_server"] and result["refused"])
    print(json.dumps(result))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
