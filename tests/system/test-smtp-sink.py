#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Postfix's smtp-sink with each of its fault flags, at each stage of the
dialogue, over several connections; then the same one without faults. What
becomes of every letter is what the acceptance list says from 36 to 58, and of
the transactions that smtp-sink wrote down none is of a letter twice, unless it
was refused before."""
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import harness
from harness import Room, wait_for

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) /
                       "tests/servers"))
import mailhost  # noqa: E402

LETTERS = 7
TEXT = {**harness.LETTER, "en.md": harness.LETTER["en.md"] +
        "A line of a long letter.\n\n" * 4000}
# More than fits into the buffers on the way.
LARGE = {**harness.LETTER, "letter.conf": 'annexes = ["a.pdf"];',
         "a.pdf": b"%PDF-1.7\n" + bytes(range(256)) * 30000}
SOON = {"command_timeout": "1s", "data_timeout": "1s", "dot_timeout": "1s",
        "attempt_timeout": "20s"}
STAGES = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", ".", "RSET,RCPT", "QUIT")

# What a stage leads to where it is refused for good (-f), for now (-r), where
# the connection ends (-q), and where it ends with a 421 (-Q).
SENT, FAILED, AGAIN, DOUBT = "sent", "failed", "queued", "in_doubt"
REFUSED = {"CONNECT": (AGAIN,) * 4, "EHLO": (AGAIN,) * 4,
           "MAIL": (FAILED, AGAIN, AGAIN, AGAIN),
           "RCPT": (FAILED, AGAIN, AGAIN, AGAIN),
           "DATA": (FAILED, AGAIN, AGAIN, AGAIN),
           ".": (FAILED, AGAIN, DOUBT, AGAIN),
           "RSET,RCPT": (FAILED, AGAIN, AGAIN, AGAIN),
           "QUIT": (SENT,) * 4}
# Nobody says HELO, and what is not offered is not asked for.
POLITE = [["-f", "HELO"], ["-q", "HELO,VRFY,NOOP"], ["-p"], ["-8"], ["-E"],
          ["-N"], ["-a"], ["-C", "-F"], ["-p", "-8", "-E", "-N", "-a"],
          ["-T", "2048"], ["-w", "1"],
          ["-H", "1", "-T", "2048"],
          # With PIPELINING it mixes up its answers when one is late.
          ["-p", "-W", "MAIL:1"], ["-p", "-W", "RCPT:1"],
          ["-p", "-W", ".:1"]]


def cases():
    """(flags, what a letter is then or None for anything but failed, whether
    time is short, the letter)"""
    for stage, outcomes in REFUSED.items():
        for flag, outcome in zip(("-f", "-r", "-q", "-Q"), outcomes):
            yield [flag, stage], outcome, False, TEXT
        # Answered, but not in time.
        if stage not in ("RSET,RCPT", "QUIT", "CONNECT"):
            yield ["-p", "-W", f"{stage}:3"], \
                DOUBT if stage == "." else AGAIN, True, TEXT
    for flags in POLITE:
        yield flags, SENT, False, TEXT
    # With PIPELINING it answers the next MAIL before the dot: what does not
    # fit is a doubt.
    yield ["-W", ".:1"], None, False, TEXT
    # 354, and then a refusal without reading on.
    yield ["-A", "0"], FAILED, False, TEXT
    yield ["-A", "1"], FAILED, False, TEXT
    yield ["-H", "3", "-T", "2048"], AGAIN, True, LARGE
    yield ["-w", "3"], AGAIN, True, TEXT
    # EHLO is refused, and HELO is not tried instead.
    yield ["-e"], AGAIN, False, TEXT
    yield ["-P"], AGAIN, False, TEXT


class SmtpSink:
    def __init__(self, folder, port, flags):
        folder.mkdir()
        os.chown(folder, 60101, -1)
        self.folder = folder
        self.log = open(folder.parent / f"{folder.name}.log", "wb")
        self.process = subprocess.Popen(
            ["/usr/sbin/smtp-sink", "-u", "postfix", "-4", "-d",
             f"{folder}/mail.", *flags, f"127.0.0.1:{port}", "100"],
            env={**os.environ, "LD_LIBRARY_PATH": "/usr/lib/postfix"},
            stdout=self.log, stderr=self.log)

    def listen(self, port):
        def there():
            with mailhost.socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0
        wait_for("smtp-sink", there)
        return self

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def taken(self):
        """How often each address is in what was written down."""
        found = collections.Counter()
        for path in self.folder.iterdir():
            head = path.read_bytes().split(b"Received:")[0].decode()
            if not head:  # it was ended inside that one
                continue
            to = re.findall(r"(?m)^X-Rcpt-Args: <([^>]*)>", head)
            assert len(to) == 1, head
            found[to[0]] += 1
        return found


def settled(room):
    """Every one has been tried, or the relay rests, and nothing is under
    way."""
    at_rest = room.status()["relays"][0]["state"] == "fault"
    letters = room.letters("DM").values()
    if any(one["state"] in ("claimed", "dot") for one in letters):
        return False
    return at_rest or all(one["state"] != "queued" or one["attempt"] > 0
                          for one in letters)


def judge_first(flags, outcome, states, taken):
    """While the faults last."""
    got = collections.Counter(one["state"] for one in states.values())
    where = f"{flags}: {dict(got)}"
    if outcome is None:
        assert FAILED not in got, where
    elif outcome == DOUBT:
        assert set(got) <= {DOUBT, AGAIN} and got[DOUBT] > 0, where
    else:
        assert set(got) == {outcome}, where
    for one in states.values():
        to = one["addresses"][0]["address"]
        if one["state"] == SENT:
            assert taken[to] == 1, where
        if one["state"] == DOUBT:
            assert taken[to] <= 1, where


def judge_last(flags, first, last, before, after):
    """When it has become polite."""
    for key, one in last.items():
        to = one["addresses"][0]["address"]
        was = first[key]["state"]
        where = f"{flags}: {key} was {was}, is {one['state']}"
        if was == AGAIN:
            assert one["state"] == SENT and after[to] == 1, where
        else:
            assert one["state"] == was and after[to] == 0, where
    assert sum(after.values()) == sum(
        1 for one in first.values() if one["state"] == AGAIN), (flags, after)


def try_flags(root, number, flags, outcome, short, letter):
    port = mailhost.free_ports(1)[0]
    relay = {"name": "sink", "port": port, "connections": 3,
             "letters_per_connection": 2, "idle_timeout": "50ms"}
    # Whole batches are refused here.
    conf = {"sending": {"retry": ["2s"], "breaker": {"percent": 0}}}
    with Room([{**relay, **SOON} if short else relay], conf=conf) as room:
        sink = SmtpSink(root / f"{number}-faults", port, flags).listen(port)
        try:
            room.start()
            room.enqueue("DM", harness.table(LETTERS), letter)
            wait_for(f"{flags}", lambda: settled(room))
            # What is due again stays as it is until it has been looked at.
            assert room.post("/v1/pause").status == 200
            assert room.stop() == 0, room.log()
        finally:
            sink.close()
        before = sink.taken()
        # Of what was under way when the room was stopped the end is known.
        room.configure([relay], **conf)
        sink = SmtpSink(root / f"{number}-polite", port, []).listen(port)
        try:
            room.start()
            first = room.letters("DM")
            judge_first(flags, outcome, first, before)
            assert room.post("/v1/resume").status == 200
            room.wait_letters("DM", queued=0, claimed=0, dot=0)
            last = room.letters("DM")
            assert room.stop() == 0, room.log()
        finally:
            sink.close()
        judge_last(flags, first, last, before, sink.taken())
    return collections.Counter(one["state"] for one in first.values())


def inside():
    failed = 0
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(4) as pool:
        root = pathlib.Path(folder)
        root.chmod(0o755)
        todo = [case for case in cases() if not sys.argv[2:] or
                " ".join(case[0]) in sys.argv[2:]]
        runs = [(case[0], pool.submit(try_flags, root, i, *case))
                for i, case in enumerate(todo)]
        for flags, run in runs:
            error = run.exception()
            failed += error is not None
            print("FAILED:" if error else "ok:", *flags,
                  repr(error) if error else dict(run.result()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(inside() if sys.argv[1:2] == ["inside"]
             else harness.among_servers(__file__))
