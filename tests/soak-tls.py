#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make soak: 10,000 connections with TLS 1.3, one letter each, to a server that
sends more or fewer session tickets, and none of them hangs.

    soak-tls.py [--connections 10000]

A half of them by STARTTLS, the others with TLS from the start. The client must
read while it writes: a ticket that nobody reads once stopped both sides
(docs/decisions/0003-own-smtp-opening.md). The last line is a JSON object."""
import argparse
import collections
import json
import pathlib
import sys
import tempfile
import time

import soak
from soak import harness  # which is in another folder

sys.path.insert(0, str(soak.PEERS))
import smtp_peer  # noqa: E402

LETTER = {**harness.LETTER, "letter.conf": 'annexes = ["a.pdf"];',
          "a.pdf": b"%PDF-1.7\n" + bytes(range(256)) * 200}
AT_ONCE = 8


def half(tls, letters, authority):
    """Every letter over a connection of its own: how the letters ended, to
    whom they came, and how many connections there were."""
    options = ["--tls", authority.folder]
    if tls == "implicit":
        options.append("--implicit")
    with soak.FaultySink(*options) as sink, \
            harness.Room([{"name": "sink", "host": "localhost",
                           "port": sink.port, "tls": tls,
                           "ca_file": str(authority.ca),
                           "connections": AT_ONCE,
                           "letters_per_connection": 1}]) as room:
        room.start()
        room.enqueue("SOAK", harness.table(letters), LETTER)
        soak.wait_for_the_rest(room)
        counts = room.batch("SOAK")["letters"]
        assert room.stop() == 0
        taken = collections.Counter(to for what, to, *_ in sink.lines()
                                    if what == "took")
        assert "rests" not in room.log(), room.log()[-3000:]
        return counts, taken, sink.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--connections", type=int, default=10000)
    options = parser.parse_args()
    letters = options.connections // 2
    result = {"connections": 0, "sent": 0, "twice": 0}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ch-soak-tls-") as folder:
        authority = smtp_peer.Authority(pathlib.Path(folder))
        authority.certificate("good")
        for tls in ("starttls", "implicit"):
            counts, taken, connections = half(tls, letters, authority)
            result["sent"] += counts["sent"]
            result["connections"] += connections
            result["twice"] += sum(1 for n in taken.values() if n > 1)
    result["seconds"] = round(time.monotonic() - began)
    print(json.dumps(result))
    wrong = result["twice"] or result["sent"] < 2 * letters or \
        result["connections"] < 2 * letters
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
