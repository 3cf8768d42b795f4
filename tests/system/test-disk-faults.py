#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chanceryd whole, and a disk that fails (EIO, ENOSPC, EROFS) at the n-th call of
a kind, once or from there on for good: from the start, through an import and
the letters on their way, to the end. It ends with status 75 or goes on as if
nothing were; nothing is promised that is not there afterwards; and a start with
a good disk brings every letter to its end, nobody missed and nobody twice. The
same while one starts that was killed with letters on their way.

make check tries a sample; with CHANCERY_ALL (make soak) every call on its files,
with every error."""
import collections
import concurrent.futures
import os
import re
import shutil
import signal
import sys

from harness import SKIP, Room, Sink, table, wait_for

EX_TEMPFAIL = 75
ERRORS = ("EIO", "ENOSPC", "EROFS")
CALLS = ("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink",
         "unlinkat", "rename", "renameat", "renameat2", "link", "linkat",
         "mkdirat", "openat", "fallocate", "fchmod")
ALL = bool(os.environ.get("CHANCERY_ALL"))
# Under a sanitizer a process that is traced cannot look for leaks.
ENV = {"ASAN_OPTIONS": "detect_leaks=0"}
LETTERS = 12
DELAY = ("-d", "1000")  # us of each reply: there is something to kill
ENDS = ("sent", "in_doubt")
LETTER = {"letter.conf": 'annexes = ["a.pdf"];', "a.pdf": "%PDF-1.7 annex\n",
          "en.md": "Subject: Session\n\n{{name}}: {{key}}.\n"}


def there(room):
    return room.get("/v1/batches/DM-1").status == 200


def at_end(room):
    letters = room.batch("DM-1")["letters"]
    return sum(letters[state] for state in ENDS) == LETTERS


def ended(room):
    return room.process.poll() is not None


def enqueue(room):
    """Returns whether it was promised; a failing disk may be the answer."""
    answer = room.upload("DM-1", table(LETTERS), LETTER)
    assert answer.status == 201 or answer.status >= 500 or \
        answer.status == 409, (answer.status, answer.body)
    return answer.status == 201


def live(room):
    """From the start on, until something ends or there is no more to do."""
    promised = False
    try:
        room.wait_notified("READY=1")
        promised = there(room) or enqueue(room)
        if promised:
            wait_for("an end", lambda: ended(room) or at_end(room))
    except (AssertionError, OSError, EOFError):
        # Only one that ends may leave a request unanswered.
        wait_for("its end", lambda: ended(room))
    return promised


def traced(log, *inject):
    """-D: the process that the test started is chanceryd, not strace."""
    return ["strace", "-D", "-qq", "-y", "-o", str(log), "-e",
            "trace=" + ",".join(CALLS), *inject]


def finish(room):
    if not ended(room):
        room.signal(signal.SIGTERM)
    return room.wait()


def leave_killed(room):
    """With a batch of which a part has gone."""
    room.start()
    assert enqueue(room)
    wait_for("some", lambda: room.batch("DM-1")["letters"]["sent"] >= 3)
    room.kill()


def calls_of_a_life(killed):
    """(killed, call, n) of each that concerns its files."""
    found, seen = [], collections.Counter()
    with Sink(*DELAY) as sink, Room([sink.relay(connections=2)]) as room:
        if killed:
            leave_killed(room)
        log = room.root / "trace"
        room.spawn(env=ENV, before=traced(log))
        assert live(room) and finish(room) == 0, room.log()
        wait_for("the trace", lambda: "exited" in log.read_text() or
                 log.stat().st_size > 1000)
        for line in log.read_text(errors="replace").splitlines():
            call = re.match(r"(\w+)\(", line)
            if call:
                seen[call[1]] += 1
                if str(room.state) in line:
                    found.append((killed, call[1], seen[call[1]]))
    return found


def jobs(places):
    """(killed, call, error, when)"""
    for i, (killed, call, n) in enumerate(places):
        if ALL:
            for error in ERRORS:
                yield killed, call, error, f"{n}"
                yield killed, call, error, f"{n}+"
        elif call not in ("pwrite64", "fdatasync") or i % 6 == 0:
            yield killed, call, ERRORS[i % 3], f"{n}" + "+" * (i % 2)


def count(letters, sink, where):
    taken = collections.Counter(to for to, _ in sink.taken())
    assert len(letters) == LETTERS, (where, len(letters))
    assert not taken or max(taken.values()) == 1, (where, "twice", taken)
    for letter in letters.values():
        to = letter["addresses"][0]["address"]
        assert letter["state"] in ENDS, (where, letter)
        assert letter["state"] == "in_doubt" or taken[to], (where, "lost", to)


def run(job):
    killed, call, error, when = job
    where = " ".join(map(str, job))
    with Sink(*DELAY) as sink, \
            Room([sink.relay(connections=2)],
                 conf={"sending": {"retry": ["1s"]}}) as room:
        if killed:
            leave_killed(room)
        room.spawn(env=ENV, before=traced(
            "/dev/null", "-e", f"inject={call}:error={error}:when={when}"))
        promised = live(room) or killed
        status = finish(room)
        # Refused at the door, it goes on; and where the files cannot be opened
        # it says why.
        assert status in (0, EX_TEMPFAIL), (where, status, room.log()[-2000:])
        assert status == 0 or call == "write" or "chanceryd: " in room.log()
        room.start()
        if not there(room):
            assert not promised, (where, "an answer for what is not there")
            assert enqueue(room)
        wait_for(where, lambda: at_end(room))
        letters = room.letters("DM-1")
        assert room.status()["alarms"] == [] or \
            all(one["type"] in ("alarm.in_doubt",)
                for one in room.status()["alarms"]), room.status()["alarms"]
        assert room.stop() == 0, (where, room.log()[-2000:])
        count(letters, sink, where)
    return status


def main():
    if not shutil.which("strace"):
        print("strace is not installed")
        return SKIP
    todo = []
    for killed in (False, True):
        places = calls_of_a_life(killed)
        print("killed before:" if killed else "from the start:",
              dict(collections.Counter(call for _, call, _ in places)),
              flush=True)
        todo += jobs(places)
    statuses, wrong = collections.Counter(), 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for job, one in [(job, pool.submit(run, job)) for job in todo]:
            error = one.exception()
            if error:
                wrong += 1
                print("FAILED:", *job, repr(error), flush=True)
            else:
                statuses[one.result()] += 1
    print(f"{len(todo)} faults, {wrong} wrong; by exit status: "
          f"{dict(statuses)}")
    # A test in which nothing fails tests nothing.
    return 1 if wrong or not statuses[EX_TEMPFAIL] else 0


if __name__ == "__main__":
    sys.exit(main())
