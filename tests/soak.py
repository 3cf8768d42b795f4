#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make soak: chanceryd and its send workers are killed at random while a large
batch goes out, and the sink's fsynced ledger is compared with the store.

    soak.py [--letters 20000] [--kills 200] [--seed N]

Half of the kills hit chanceryd, which is then started again, half one of its
workers. Nobody may be missed, nobody reached twice, and every letter that has
no confirmation must be in doubt. The last line is a JSON object."""
import argparse
import collections
import json
import os
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "system"))
import harness  # noqa: E402

CONNECTIONS = 8
DELAY_US = 1000  # of each reply, so that there is something to hit


def workers_of(pid):
    """The send workers of this daemon, by /proc."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        name, _, rest = stat.partition("(")[2].rpartition(")")
        if rest.split()[1] == str(pid) and name.startswith("chancery-send"):
            found.append(int(entry.name))
    return found


def kill_one(room, chance):
    """Returns whom."""
    workers = workers_of(room.process.pid)
    if workers and chance.random() < 0.5:
        try:
            os.kill(chance.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            return None
        return "worker"
    room.kill()
    room.start()
    return "chanceryd"


def unfinished(room):
    letters = room.batch("SOAK")["letters"]
    return letters["queued"] + letters["claimed"] + letters["dot"]


def send_with_kills(room, options, chance):
    """The kills are spread over the letters: each comes when so many more are
    at their end, or a moment has passed."""
    kills = collections.Counter()
    while sum(kills.values()) < options.kills:
        left = unfinished(room)
        if left == 0:
            break
        step = left / (options.kills - sum(kills.values()) + 10)
        # Never before something was under way again.
        target = max(left - step * chance.random() * 2, 0)
        end = time.monotonic() + 5
        while unfinished(room) > target and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.02)
        whom = kill_one(room, chance)
        if not whom:
            continue
        kills[whom] += 1
        if sys.stderr.isatty():
            print(f"\r{sum(kills.values())} kills, {unfinished(room)} "
                  "letters to go ", end="", file=sys.stderr, flush=True)
    harness.wait_for("the rest", lambda: unfinished(room) == 0, 600)
    return kills


def compare(room, sink, letters):
    taken = collections.Counter(to for to, _ in sink.taken())
    states = collections.Counter()
    lost, unconfirmed = [], 0
    for key, letter in room.letters("SOAK").items():
        to = letter["addresses"][0]["address"]
        states[letter["state"]] += 1
        if letter["state"] == "sent" and not taken[to]:
            lost.append(key)
        if letter["state"] != "sent" and taken[to]:
            unconfirmed += letter["state"] != "in_doubt"
    return {
        "letters": letters,
        "sent": states["sent"],
        "in_doubt": states["in_doubt"],
        "failed": letters - states["sent"] - states["in_doubt"],
        "taken": len(taken),
        "lost": len(lost),
        "twice": sum(1 for n in taken.values() if n > 1),
        "unconfirmed_not_in_doubt": unconfirmed,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--letters", type=int, default=20000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int,
                        default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}", file=sys.stderr)
    with harness.Sink("-d", str(DELAY_US)) as sink, \
            harness.Room([sink.relay(connections=CONNECTIONS,
                                     connections_per_worker=4)],
                         conf={"sending": {"retry": ["1s"]}}) as room:
        room.start()
        room.enqueue("SOAK", harness.table(options.letters))
        began = time.monotonic()
        kills = send_with_kills(room, options, chance)
        assert room.stop() == 0
        room.start()
        result = compare(room, sink, options.letters)
    result.update(kills=sum(kills.values()), **kills, seed=options.seed,
                  seconds=round(time.monotonic() - began))
    wrong = result["lost"] or result["twice"] or result["failed"] or \
        result["unconfirmed_not_in_doubt"] or \
        result["kills"] < options.kills * 0.8
    print(json.dumps(result))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
