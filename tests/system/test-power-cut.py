#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The power goes at each write and sync of a store's life: what was said after a
commit is there afterwards, the database is whole, and no letter has a second
dot.

    test-power-cut.py [--cuts N]

Without --cuts some hundreds of places, spread over the whole life; `make soak`
takes 2,000. What was not synced is lost altogether, or in part, by seed; in
every second life the database has each third commit, and in every third the
power goes again while the store is opened."""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ["top_builddir"])
LIFE = str(BUILD / "tests/system/store-life")
CUT = 99


def life(verb, folder, cut=None):
    env = dict(os.environ)
    env.pop("POWER_CUT", None)
    if cut is not None:
        env["POWER_CUT"] = cut
    run = subprocess.run([LIFE, verb, str(folder)], env=env,
                         capture_output=True, text=True, timeout=120,
                         check=False)
    return run, [line.split() for line in run.stdout.splitlines()]


def check_letters(folder, said):
    """What stands in the store after the cut, beside what was said before."""
    run, lines = life("check", folder)
    if ["import"] not in said and run.returncode == 75:
        return {}  # the batch was not there yet
    assert run.returncode == 0, f"{run.returncode} {run.stderr}"
    assert ["restored"] not in lines, "it is taken for an older copy"
    states = {key: state for key, state in lines}
    if ["import"] in said:
        assert len(states) == 6, states
    last = {}
    for words in said:
        if len(words) == 2:
            last[words[1]] = words[0]
    for key, step in last.items():
        allowed = {"claim": ("queued", "in_doubt", "in-doubt"),
                   "dot": ("in_doubt", "in-doubt", "sent", "queued"),
                   "deferred": ("queued",),
                   "sent": ("sent",)}[step]
        if step == "dot" and key != "K2":
            allowed = allowed[:-1]  # only K2 is ever deferred
        assert states[key] in allowed, f"{key}: {step}, but {states[key]}"
    return states


def one_cut(root, verb, cut, again):
    folder = root / f"{verb}-{cut.replace(':', '-')}"
    folder.mkdir()
    try:
        run, said = life(verb, folder, cut)
        assert run.returncode == CUT, f"{run.returncode} {run.stderr}"
        if again:
            run, _ = life("check", folder, again)
            assert run.returncode in (0, 75, CUT), run.stderr
        states = check_letters(folder, said)
        # The rest is sent, and what may have been sent is not sent again.
        run, more = life(verb, folder)
        assert run.returncode == 0 and more[-1] == ["end"], run.stderr
        dots = collections.Counter(
            words[1] for words in said + more if words[0] == "dot")
        deferred = [words[1] for words in said + more
                    if words[0] == "deferred"]
        for key, count in dots.items():
            # A reply that was lost with the power deferred it, too.
            most = 1 + (key == "K2" and
                        (key in deferred or states.get(key) == "queued"))
            assert count <= most, f"{key} has {count} dots"
        return None
    except AssertionError as failure:
        return f"{verb}, cut {cut}, again {again}: {failure}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def operations_of(root, verb):
    """How many writes and syncs there are when nothing happens."""
    folder = root / verb
    folder.mkdir()
    run, said = life(verb, folder, "0")
    assert run.returncode == 0 and said[-1] == ["end"], run.stderr
    operations = int(re.search(r"power (\d+)", run.stderr)[1])
    assert operations > 50, operations
    return operations


def choose(root, count):
    """(verb, cut, cut of the next opening or None), `count` of them."""
    chance = random.Random(1276)
    cuts = []
    operations = {verb: operations_of(root, verb)
                  for verb in ("run", "settle")}
    for verb, last in operations.items():
        for seed in range(2 + count // sum(operations.values())):
            for at in range(1, last + 1):
                again = chance.randint(1, 25)
                cuts.append((verb, f"{at}:{seed}" if seed else str(at),
                             str(again) if again % 3 == 0 else None))
    chance.shuffle(cuts)
    print(", ".join(f"{verb}: {last} writes and syncs"
                    for verb, last in operations.items()))
    return cuts[:count]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", type=int, default=240)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ch-power-") as name:
        root = pathlib.Path(name)
        cuts = choose(root, options.cuts)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = [w for w in pool.map(lambda c: one_cut(root, *c), cuts)
                     if w]
    print("\n".join(wrong[:20]))
    print(f"{len(cuts)} cuts, {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
