#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Never the wrong ministry: letters with a marker of their own in every field,
eight connections to a relay that refuses, greylists and hangs up, and send
workers that are killed all along. Of each letter that the relay took, envelope,
To, Cc, subject, text, HTML, language and annex are one addressee's; nobody gets
it twice; and the store says of each what the relay knows.

CHANCERY_ROWS asks for more of them."""
import collections
import email
import email.policy
import email.utils
import os
import pathlib
import random
import re
import signal
import sys
import threading

import harness
from harness import Room, wait_for

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
from smtp_peer import End, Peer  # noqa: E402

ROWS = int(os.environ.get("CHANCERY_ROWS", "100" if harness.SLOW else "500"))
KILLS = max(4, ROWS // 100)
LANGUAGES = ["en", "fr", "es", "ru", "zh", "ar"]
MARKER = re.compile(r"M\d{6}[a-f]{4}")
TEXT = """Subject: {{name}} {{marker}}

{{salutation}} {{marker}},

**{{name}}** ({{key}}), [{{marker}}](https://{{key}}.example/)

- {{language}} {{annexes}}
{{#remark}}
- {{remark}}
{{/remark}}
"""
LETTER = {
    "letter.conf": 'annexes = ["annex.txt"];',
    **{f"{code}.md": TEXT for code in LANGUAGES},
    **{f"annex.{code}.txt": f"annex {code}\n" for code in LANGUAGES},
}


class Row:
    def __init__(self, i):
        self.key = f"K{i:06}"
        self.marker = f"M{i:06}" + "".join(
            "abcdef"[i * 7919 // 6 ** n % 6] for n in range(4))
        self.language = LANGUAGES[i % 6]
        self.to = [f"{self.marker}@k{i}.example"] + (
            [f"second-{self.marker}@k{i}.example"] if i % 5 == 0 else [])
        self.cc = [f"cc-{self.marker}@k{i}.example"] if i % 3 == 0 else []
        remark = f"remark {self.marker}" if i % 4 == 0 else ""
        self.line = (f'{self.key},{self.language},"{", ".join(self.to)}",'
                     f'"{", ".join(self.cc)}",Name {self.marker},'
                     f"Excellency,{self.marker},{remark}\n")


class Relay:
    """What it took: (sender, recipients, message). It answers at random."""

    def __init__(self):
        self.rng = random.Random(1276)
        self.taken = []
        self.changed = threading.Condition()

    def script(self):
        return {"rcpt": self.rcpt, "dot": self.dot}

    def rcpt(self, session):
        session.say(b"450 4.2.0 busy\r\n" if self.rng.random() < .03
                    else b"250 2.1.5 ok\r\n")

    def dot(self, session):
        if not session.envelope:
            session.say(b"554 5.5.1 nobody\r\n")
            return
        luck = self.rng.random()
        if luck < .05:
            session.say(b"451 4.3.0 later\r\n")
            return
        if luck < .06:  # neither taken nor answered
            raise End
        with self.changed:
            self.taken.append((session.sender, session.envelope,
                               session.messages[-1]))
            self.changed.notify_all()
        if luck < .07:  # taken, and not answered
            raise End
        session.say(b"250 2.0.0 kept\r\n")


def part(message, kind):
    return next(p for p in message.walk() if p.get_content_type() == kind
                and not p.get_filename()).get_content()


def addresses(message, name):
    return sorted(a for _, a in email.utils.getaddresses(
        [str(v) for v in message.get_all(name, [])]))


def check_message(rows, sender, envelope, data):
    """Returns the key whose letter it is, all of it."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    html = part(message, "text/html")
    text = part(message, "text/plain")
    row = rows[MARKER.search(text)[0]]
    for piece in (message["Subject"], text, html, message["To"], sender):
        assert set(MARKER.findall(str(piece))) <= {row.marker}, piece
    assert f"Name {row.marker}" in message["Subject"]
    assert text.count(row.marker) >= 3 and html.count(row.marker) >= 3
    assert f"https://{row.key}.example/" in html
    assert addresses(message, "To") == sorted(row.to)
    assert addresses(message, "Cc") == sorted(row.cc)
    assert set(envelope) <= set(row.to + row.cc), (row.key, envelope)
    assert message["Content-Language"] == row.language
    annex = next(p for p in message.walk() if p.get_filename())
    assert annex.get_content().strip() == f"annex {row.language}"
    return row


def check_taken(rows, taken):
    """Nobody twice, one Message-ID and one token for each; returns who got
    what by key."""
    got = collections.defaultdict(list)
    tokens, ids, bytes_of = {}, {}, {}
    for sender, envelope, data in taken:
        row = check_message(rows, sender, envelope, data)
        got[row.key] += envelope
        assert tokens.setdefault(sender, row.key) == row.key, "a token twice"
        found = re.search(rb"(?mi)^Message-ID: (.*)\r$", data)[1]
        assert ids.setdefault(found, row.key) == row.key, "an id twice"
        assert bytes_of.setdefault(row.key, data) == data, "other bytes"
    for key, list_of in got.items():
        assert len(set(list_of)) == len(list_of), ("twice", key, list_of)
    return got


def send_workers(room):
    pid = room.process.pid
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    found = []
    for child in children.split():
        try:
            name = pathlib.Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"chancery-send" in name:
            found.append(int(child))
    return found


def kill_along(room, relay):
    """Kill a worker each time that some more letters were taken."""
    for i in range(KILLS):
        wanted = (i + 1) * ROWS // (KILLS + 2)
        with relay.changed:
            assert relay.changed.wait_for(
                lambda: len(relay.taken) >= wanted, harness.TIMEOUT)
        for worker in relay.rng.sample(workers := send_workers(room),
                                       min(2, len(workers))):
            try:
                os.kill(worker, signal.SIGKILL)
            except ProcessLookupError:
                pass


def main():
    rows = [Row(i) for i in range(ROWS)]
    table = "key,language,to,cc,name,salutation,marker,remark\n" + "".join(
        row.line for row in rows)
    relay = Relay()
    with Peer(relay.script()) as peer, \
            Room([{"name": "relay", "port": peer.port, "connections": 8,
                   "connections_per_worker": 2}],
                 conf={"sending": {"retry": ["1s"]}}) as room:
        room.start()
        room.enqueue("DM-1", table, LETTER)
        kill_along(room, relay)
        wait_for("every letter's end", lambda: sum(
            room.batch("DM-1")["letters"][state]
            for state in ("sent", "failed", "in_doubt")) == ROWS)
        letters = room.letters("DM-1")
        assert room.stop() == 0
        peer.settle()
    got = check_taken({row.marker: row for row in rows}, relay.taken)
    tally = collections.Counter(x["state"] for x in letters.values())
    for row in rows:
        state = letters[row.key]["state"]
        everyone = sorted(row.to + row.cc)
        assert state in ("sent", "in_doubt"), letters[row.key]
        assert state != "sent" or sorted(got[row.key]) == everyone, \
            (row.key, got[row.key])
    print(f"{ROWS} letters, {len(relay.taken)} messages, {KILLS} times "
          f"workers killed: {dict(tally)}; none wrong, none twice")
    assert tally["sent"] > ROWS * 0.7 and tally["in_doubt"] > 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
