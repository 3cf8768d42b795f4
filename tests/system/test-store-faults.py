#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail, and kill, a store at each system call that writes or reads its files.

strace makes the n-th call of a kind fail (EIO, ENOSPC, EROFS in turn) or ends
the process there. Then: an error stops with status 75 and no "end"; what was
said is in the store that opens afterwards; nobody's dot is forgotten; and
running on brings every letter to its end. So it is in a life whose commits are
in the redo log alone, in one of which the database has every third, and while a
store is opened that was killed in the middle of its life.

make check tries each place once; with CHANCERY_ALL (make soak) each with every
error, and each both once and from there on for good.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

LIFE = pathlib.Path(os.environ["top_builddir"]) / "tests/system/store-life"
KEYS = [f"K{i}" for i in range(6)]
ERRORS = ["EIO", "ENOSPC", "EROFS"]
WRITES = ["pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink",
          "rename", "renameat2", "linkat", "openat", "flock"]
LOOKS = ["pread64", "fcntl"]
CALLS = WRITES + LOOKS
ALL = bool(os.environ.get("CHANCERY_ALL"))
# Under a sanitizer a process that is traced cannot look for leaks.
ENV = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")


def life(verb, folder, *before):
    return subprocess.run([*before, LIFE, verb, folder], text=True, env=ENV,
                          capture_output=True, timeout=60, check=False)


def calls_of(root, verb, left):
    """Which of each call concern the store, by their numbers."""
    folder = begin(root, verb, left)
    trace = root / "trace"
    run = life(verb, folder, "strace", "-qq", "-y", "-o", trace,
               "-e", "trace=" + ",".join(CALLS))
    assert run.returncode == 0, run.stderr
    assert verb == "check" or run.stdout.endswith("end\n"), run.stdout
    ours = {call: [] for call in CALLS}
    seen = dict.fromkeys(CALLS, 0)
    for line in trace.read_text(errors="replace").splitlines():
        call = re.match(r"(\w+)\(", line)
        if call and call[1] in seen:
            seen[call[1]] += 1
            if str(folder) in line:
                ours[call[1]].append(seen[call[1]])
    return ours


def begin(root, verb, left):
    """A folder that is empty, or has a store that was killed."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=root))
    if verb == "check":
        shutil.copytree(left, folder, dirs_exist_ok=True)
    return folder


def leave(root):
    """A store that was killed in the middle; what is in it, and that its log
    has something."""
    folder = root / "left"
    folder.mkdir()
    run = subprocess.run([LIFE, "run", folder], capture_output=True, text=True,
                         env={**ENV, "CHANCERY_CRASH_AT": "dot K4:1"},
                         timeout=60, check=False)
    assert run.returncode == -9 and "sent K3" in run.stdout, run
    with sqlite3.connect(folder / "store.db") as db:
        assert not db.execute("SELECT 1 FROM address WHERE state = 3"
                              ).fetchone(), "the log has nothing"
    db.close()
    for name in folder.glob("*-shm"):
        name.unlink()
    copy = begin(root, "check", folder)
    check = life("check", copy)
    assert check.returncode == 0 and "in_doubt" in check.stdout, check
    return folder, check.stdout


def faults(ours):
    """(call, what to do, when): each place once failing, once killed, and some
    from there on for good."""
    for call, places in ours.items():
        for i, place in enumerate(places):
            error = ERRORS[i % 3]
            if call in LOOKS:
                if ALL or i % (3 if call == "pread64" else 50) == 0:
                    yield call, "error=EIO", f"{place}"
                continue
            if ALL:
                for one in ERRORS:
                    yield call, f"error={one}", f"{place}"
                    yield call, f"error={one}", f"{place}+"
                yield call, "signal=KILL", f"{place}"
                continue
            if i % 2 == 0:
                yield call, f"error={error}", f"{place}"
            else:
                yield call, f"error={error}", f"{place}+"
            yield call, "signal=KILL", f"{place}"


def said(lines):
    """The last thing that was said of each letter."""
    last = {}
    for line in lines:
        what, _, key = line.partition(" ")
        if key:
            last[key] = what
    return last


# What may be true after the next opening, by the last thing that was said: a
# step may have been committed and not said, never said and not committed.
MAY_BE = {
    None: {"queued", "in_doubt"},  # dot committed, or the claim before
    "claim": {"queued", "in_doubt"},
    "dot": {"in_doubt", "sent", "queued"},
    "deferred": {"queued", "in_doubt"},
    "sent": {"sent"},
}


def judge_state(run, states):
    lines = run.stdout.splitlines()
    last = said(lines)
    if not states:
        assert "import" not in lines, "an import that was said is lost"
        return
    assert sorted(states) == KEYS, f"part of an import: {states}"
    for key, state in states.items():
        may = MAY_BE[last.get(key)]
        if last.get(key) == "dot" and key != "K2":
            may = may - {"queued"}
        if last.get(key) is None or last.get(key) == "claim":
            # "dot" is committed before it is said; "sent" only after it
            may = may - {"sent"}
        assert state in may, f"{key}: said {last.get(key)}, is {state}"


def one_fault(root, left, fault):
    verb, call, what, when = fault
    folder = begin(root, verb, left[0])
    run = life(verb, folder, "strace", "-qq", "-o", "/dev/null",
               "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={when}")
    ended = run.stdout.endswith("end\n")
    if what == "signal=KILL":
        assert run.returncode in (-9, 137), run.returncode
    else:
        # SQLite may take a page that cannot be read for a damaged one.
        may = (0, 75, 65) if call == "pread64" else (0, 75)
        assert run.returncode in may, (run.returncode, run.stderr)
        assert verb == "check" or ended == (run.returncode == 0), run.stdout
        if run.returncode != 0:
            assert run.stderr.startswith("store-life: "), run.stderr
    check = life("check", folder)
    assert check.returncode == 0, check.stderr
    assert "restored" not in check.stdout, "calls itself restored"
    if verb == "check":
        assert check.stdout == left[1], check.stdout
    else:
        judge_state(run, dict(line.split(" ")
                              for line in check.stdout.splitlines()))
    again = life("run", folder)
    assert again.returncode == 0 and again.stdout.endswith("end\n"), \
        again.stderr
    with sqlite3.connect(folder / "store.db") as db:
        good = db.execute("PRAGMA integrity_check").fetchone()[0]
        states = {row[0] for row in db.execute("SELECT state FROM address")}
    db.close()
    assert good == "ok", good
    assert states <= {3, 5}, f"states {states}"  # sent, in doubt
    shutil.rmtree(folder)
    return run.returncode


def try_fault(root, left, fault):
    try:
        return fault, one_fault(root, left, fault), None
    except AssertionError as error:
        return fault, None, error


def main():
    if not shutil.which("strace"):
        print("strace is not installed")
        return 77
    root = pathlib.Path(tempfile.mkdtemp(prefix="ch-store-faults-"))
    left = leave(root)
    todo = []
    for verb in ("run", "settle", "check"):
        ours = calls_of(root, verb, left[0])
        print(verb, {call: len(places) for call, places in ours.items()
                     if places}, flush=True)
        found = [(verb, *fault) for fault in faults(ours)]
        todo += found[::3] if verb == "settle" and not ALL else found
    statuses = {}
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        for fault, status, error in pool.map(
                lambda f: try_fault(root, left, f), todo):
            if error:
                bad += 1
                print(f"{fault}: {error}")
            statuses[status] = statuses.get(status, 0) + 1
    print(f"{len(todo)} faults, {bad} wrong; by exit status: {statuses}")
    # A test in which nothing fails tests nothing.
    if not statuses.get(75) or not (statuses.get(-9) or statuses.get(137)):
        print("no error or no kill was injected")
        bad += 1
    if not bad:
        shutil.rmtree(root)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
