#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop chanceryd and its send workers at each recorded step of a letter's life,
at the first time, and at later ones; start again; and count at the sink: nobody
missed, nobody twice, and whoever is not confirmed is in doubt.

The steps are read from the sources, so that one which is added is tried too.
Those of imports and of what comes back have tests of their own."""
import collections
import concurrent.futures
import os
import pathlib
import re
import signal
import sys
import time

import harness
from harness import Room, Sink, wait_for

SOURCE = pathlib.Path(os.environ["top_srcdir"])
ROOMS = ("daemon/chanceryd", "daemon/send", "lib/net")
ELSEWHERE = ("receive-", "returned.", "import-", "import.", "retention.")
TIMES = (1, 6, 40)
LETTERS = 48
# At the sink: deferred once, refused at RCPT and at the dot, taken and then
# nothing said.
ODD = {3: "once451", 9: "r550", 17: "d554", 30: "dropdot"}
ENDS = ("sent", "failed", "in_doubt")


def steps():
    found = set()
    for room in ROOMS:
        for path in sorted((SOURCE / room).glob("*.c")):
            found |= set(re.findall(r'ch_crash_point\("([^"]+)"\)',
                                    path.read_text()))
    return sorted(s for s in found if not s.startswith(ELSEWHERE))


def address(i):
    return f"{ODD.get(i, 'office')}{i}@k{i}.example"


def table():
    rows = [f"K{i:06},en,{address(i)},Country {i}" for i in range(LETTERS)]
    return "\n".join(["key,language,to,name", *rows]) + "\n"


def has_batch(room):
    return room.get("/v1/batches/DM-1").status == 200


def at_end(room):
    if not has_batch(room):
        return False
    letters = room.batch("DM-1")["letters"]
    return sum(letters[state] for state in ENDS) == LETTERS


def died(room):
    return room.process.poll() is not None


def until_crash(room):
    """Start, enqueue, and send until something dies or there is no more to do.
    Returns whether the batch was promised."""
    promised = False
    try:
        room.wait_notified("READY=1")
        room.enqueue("DM-1", table())
        promised = True
        wait_for("a crash, or the end", lambda: died(room) or
                 "signal 9" in room.log() or at_end(room))
    except (AssertionError, OSError, EOFError):
        # The connection ended without an answer: only a crash may do that.
        wait_for("its end", lambda: died(room))
    return promised


def run(step, times):
    """Returns whether it came to that step so often."""
    with Sink() as sink, \
            Room([sink.relay(connections=2)],
                 conf={"sending": {"retry": ["1s"]}}) as room:
        room.spawn(env={"CHANCERY_CRASH_AT": f"{step}:{times}"})
        promised = until_crash(room)
        if not died(room):
            room.signal(signal.SIGTERM)
        status = room.wait()
        assert status in (0, -signal.SIGKILL), (status, room.log()[-1000:])
        reached = status != 0 or "signal 9" in room.log()
        room.start()
        if not has_batch(room):
            assert not promised, "an answer was given for what is not there"
            room.enqueue("DM-1", table())
        wait_for("every letter's end", lambda: at_end(room))
        letters = room.letters("DM-1")
        assert room.stop() == 0
        count(letters, sink)
    return reached


def count(letters, sink):
    """The sink's ledger against what the store says."""
    taken = collections.Counter(to for to, _ in sink.taken())
    assert len(letters) == LETTERS, len(letters)
    assert all(n == 1 for n in taken.values()), ("twice", taken)
    for i in range(LETTERS):
        letter = letters[f"K{i:06}"]
        was_taken = taken[address(i)] > 0
        if letter["state"] == "sent":
            assert was_taken, ("never came", letter)
        elif letter["state"] == "failed":
            assert not was_taken and i in (9, 17), letter
        else:
            # Once for each crash at most, and never without one.
            assert letter["state"] == "in_doubt", letter
    doubtful = [k for k, x in letters.items() if x["state"] == "in_doubt"]
    assert "K000030" in doubtful and len(doubtful) <= 5, doubtful


def try_step(job):
    step, times = job
    began = time.monotonic()
    try:
        reached = run(step, times)
    except Exception as error:
        raise AssertionError(f"{step}:{times}: {error!r}") from error
    assert reached or times > 1, f"{step} was never come to"
    return f"ok {step}:{times} {'' if reached else '(not so often) '}" \
           f"({time.monotonic() - began:.1f} s)"


def main():
    found = sys.argv[1:] or steps()
    assert len(found) >= 12 or sys.argv[1:], found
    jobs = [(step, times) for step in found for times in TIMES]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for line in pool.map(try_step, jobs):
            print(line, flush=True)


if __name__ == "__main__":
    main()
