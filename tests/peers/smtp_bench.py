# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests with hostile relays share: tests/tools/smtp-send run against a
scripted peer, and what it printed."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import smtp_peer
from smtp_peer import Peer

SEND = pathlib.Path(os.environ["top_builddir"]) / "tests/tools/smtp-send"
PLAIN, STARTTLS, IMPLICIT = "none", "starttls", "implicit"
ALL = (PLAIN, STARTTLS, IMPLICIT)
SOON = 1500  # ms; the deadline under test
LATE = 60000
A, B, C = "a@members.example", "b@members.example", "c@members.example"
MESSAGE = (b"From: r@chancery.example\r\nTo: a@members.example\r\n"
           b"Date: Tue, 24 Nov 2026 01:02:03 +0000\r\n"
           b"Message-ID: <1@chancery.example>\r\nSubject: test\r\n"
           b"MIME-Version: 1.0\r\n\r\n.\r\n..\r\n.a line\r\nFrom x\r\n"
           + b"".join(b"%sline %d of it\r\n" % (b"." * (i % 3), i)
                      for i in range(300)))


class Told:
    """What smtp-send printed."""

    def __init__(self, output):
        self.text = output
        self.results, self.dots, self.end, self.fault = [], [], "", None
        for line in output.splitlines():
            word = line.split(" ")[0]
            if "\t" in line:
                outcome, code, status, text = line.split("\t", 3)
                self.results.append((outcome, int(code), status, text))
            elif word == "dot":
                self.dots.append(line.split(" ")[1:])
            elif word == "fault":
                _, name, code, self.end = line.split(" ", 3)
                self.fault = (name, int(code))
            else:
                self.end = line

    @property
    def outcomes(self):
        return [(outcome, code) for outcome, code, _, _ in self.results]


class Bench:
    """What the scenarios share: certificates, and how to send."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = smtp_peer.Authority(folder)
        self.good = self.authority.certificate("good")
        self.message = folder / "message"
        self.message.write_bytes(MESSAGE)

    def send(self, peer, mode, to=(A,), **options):
        options = {"host": "localhost", "port": peer.port, "tls": mode,
                   "ca": self.authority.ca, "connect_ms": LATE,
                   "command_ms": LATE, "data_ms": LATE, "dot_ms": LATE,
                   "attempt_ms": LATE, "message": self.message, **options}
        run = subprocess.run(
            [SEND, *(f"{key}={value}" for key, value in options.items()), *to],
            capture_output=True, timeout=120, check=False)
        assert run.returncode == 0, (run.returncode, run.stderr.decode())
        assert not re.search(rb"[^\n\t\x20-\x7e]", run.stdout), run.stdout
        return Told(run.stdout.decode())

    def peer(self, script, mode, **options):
        return Peer(script, tls=None if mode == PLAIN else mode,
                    context=options.pop("context", self.good), **options)

    def play(self, script, mode, to=(A,), peer=None, **options):
        """One run against one script: what was told, and the peer."""
        with self.peer(script, mode, **(peer or {})) as server:
            told = self.send(server, mode, to, **options)
            server.settle()
        return told, server


def run_one(bench, function, mode):
    began = time.monotonic()
    function(bench, mode)
    return time.monotonic() - began


def run_scenarios(scenarios):
    """Each (function, mode), or those that the command line names, several at
    once; an exit status."""
    wanted = sys.argv[1:]
    chosen = [(function, mode) for function, mode in scenarios
              if not wanted or function.__name__ in wanted]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="chancery-smtp-") as folder, \
            concurrent.futures.ThreadPoolExecutor(12) as pool:
        bench = Bench(pathlib.Path(folder))
        for function, mode in chosen:
            (bench.folder / f"stranger-{mode}").mkdir(exist_ok=True)
        runs = [pool.submit(run_one, bench, *one) for one in chosen]
        for (function, mode), one in zip(chosen, runs):
            error = one.exception()
            failed += error is not None
            print("FAILED:" if error else "ok:", function.__name__, mode,
                  repr(error) if error else f"{one.result():.1f} s",
                  flush=True)
    return 1 if failed else 0
