#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The power goes at each write and sync of a store's life: what was said after a
commit is there afterwards, the database is whole, and no letter has a second
dot.

    test-power-cut.py [--cuts N]

Without --cuts some hundreds of places, spread over the whole life; `make soak`
takes 2,000. What was not synced is lost altogether, or in part, by seed."""
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


def one_cut(root, cut):
    folder = root / cut.replace(":", "-")
    folder.mkdir()
    try:
        run, said = life("run", folder, cut)
        assert run.returncode == CUT, f"{run.returncode} {run.stderr}"
        states = check_letters(folder, said)
        # The rest is sent, and what may have been sent is not sent again.
        run, more = life("run", folder)
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
        return f"cut {cut}: {failure}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", type=int, default=240)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ch-power-") as name:
        root = pathlib.Path(name)
        (root / "whole").mkdir()
        run, said = life("run", root / "whole", "0")
        assert run.returncode == 0 and said[-1] == ["end"], run.stderr
        operations = int(re.search(r"power (\d+)", run.stderr)[1])
        assert operations > 100, operations
        cuts = [str(at) for at in range(1, operations + 1)]
        for seed in range(1, 2 + options.cuts // operations):
            cuts += [f"{at}:{seed}" for at in range(1, operations + 1)]
        random.Random(1276).shuffle(cuts)
        cuts = cuts[:options.cuts]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = [w for w in pool.map(lambda c: one_cut(root, c), cuts)
                     if w]
    print("\n".join(wrong[:20]))
    print(f"{operations} writes and syncs, {len(cuts)} cuts, "
          f"{len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
