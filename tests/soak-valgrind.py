#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make soak: chanceryd and all of its workers under valgrind's memcheck, while
some hundred letters go to a relay on a bad day, their answers and bounces come
back, people decide this and that, and the configuration is read anew. No error
and no definite leak in any process, or its log is printed.

    soak-valgrind.py [--letters 300] [--faults 30] [--seed 1]

Run by tests/valgrind.sh, in a build without the workers' limits."""
import argparse
import json
import os
import pathlib
import re
import signal
import sys
import tempfile

import soak
from soak import harness  # which is in another folder

sys.path.insert(0, str(soak.PEERS))
import imap_peer  # noqa: E402

TIMEOUT = 600
BATCH = "/v1/batches/SOAK"
LETTER = {**harness.LETTER, "letter.conf": 'annexes = ["a.pdf"];',
          "a.pdf": b"%PDF-1.7\n" + bytes(range(256)) * 200}
BOUNCE = """From: MAILER-DAEMON@relay.example
To: {token}
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

It could not be delivered: usuário desconhecido.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such minister

--b--
"""
ANSWER = """From: {address}
To: {token}
Subject: =?utf-8?B?UsOpcG9uc2U=?=
Message-ID: <{number}@answers.example>
In-Reply-To: <{message_id}>
{auto}MIME-Version: 1.0
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Nous serons l=E0.
"""
BAD = ["", "\n\n", "Subject: =?utf-8?B?\x1b]52;\n\n" + "\xff" * 300,
       "Content-Type: multipart/mixed; boundary=a\n\n" +
       "--a\nContent-Type: multipart/mixed; boundary=a\n\n" * 200]


class Folder(imap_peer.Session):
    """Sequence numbers are of no use to anybody here."""

    def number_of(self, uid):
        return 1


def under_valgrind(room, logs):
    """Start it and, through it, its workers. A limit of descriptors that they are
    above already stays as it is: valgrind keeps some for itself."""
    room.spawn(before=(
        "/usr/bin/prlimit", "--nofile=250:250",
        "/usr/bin/valgrind", "-q", "--trace-children=yes", "--leak-check=full",
        "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
        "--num-callers=30", f"--log-file={logs}/%p"))
    room.wait_notified("READY=1", TIMEOUT)


def decide(room):
    """What a person may say, to what there is then."""
    for target, body in (
            ("/v1/pause", None), ("/v1/resume", None),
            (f"{BATCH}/pause", None), (f"{BATCH}/resume", None),
            ("/v1/relays/sink/pause", None), ("/v1/relays/sink/resume", None),
            (f"{BATCH}/priority", {"priority": "low"}),
            ("/v1/batches/LOW/priority", {"priority": "high"}),
            (f"{BATCH}/retry", None), (f"{BATCH}/letters/K000299/cancel", None),
            (f"{BATCH}/letters/K000001/resolve", {"as": "resend"}),
            (f"{BATCH}/letters/K000002/readdress",
             {"address": "mission@k2.example"}),
            ("/v1/suppress", {"address": "office7@k7.example"}),
            ("/v1/unsuppress", {"address": "office7@k7.example"}),
            (f"{BATCH}/release", {"digest": "0" * 64}),
            ("/v1/nothing", {"a": 1})):
        assert room.post(target, body).status in (200, 404, 409), target
    for target in ("/v1/status", "/v1/batches", f"{BATCH}/letters", BATCH,
                   "/v1/events?limit=1000", "/v1/returns?limit=1000",
                   "/metrics", "/", f"{BATCH}/letters/NONE"):
        assert room.get(target).status in (200, 404), target
    control(room, f"{BATCH}/addressees")


def control(room, target):
    answer = harness.ask(room.control_socket, "GET", target)
    assert answer.status == 200, (target, answer.body)
    return answer.json


def mails(room):
    """An answer, a notice of absence and a bounce of each few letters."""
    for i, (key, letter) in enumerate(room.letters("SOAK").items()):
        if letter["state"] != "sent" or i % 5 > 2:
            continue
        said = json.dumps(control(room, f"{BATCH}/letters/{key}/transcript"))
        values = {"token": re.search(r"MAIL FROM:<([^>]*)>", said)[1],
                  "number": i,
                  "address": letter["addresses"][0]["address"],
                  "message_id": letter["message_id"].strip("<>"),
                  "auto": "Auto-Submitted: auto-replied\n" * (i % 5 == 1)}
        yield (BOUNCE if i % 5 == 0 else ANSWER).format(**values)
    yield from BAD


def bring_back(room, box):
    uid = 0
    for uid, mail in enumerate(mails(room), 1):
        box.add(uid, mail.replace("\n", "\r\n").encode("utf-8", "replace"))
    assert uid > 50, uid
    harness.wait_for("all mails", lambda: all(
        m["last_uid"] == uid for m in room.status()["mailboxes"]), TIMEOUT)
    batch = room.batch("SOAK")
    assert batch["bounced"] and batch["answered"] and batch["auto_replied"], \
        batch
    return uid


def settings(room, sink, box):
    password = room.root / "password"
    password.touch(0o600)
    password.write_text(imap_peer.PASSWORD)
    return ([{"name": "sink", "port": sink.port, "connections": 4}],
            [{"name": "box", "port": box.port, "tls": "none", "auth": "plain",
              "user": imap_peer.USER, "password": str(password)}])


def run(options, logs):
    with soak.FaultySink("--faults", options.faults, "--seed",
                         options.seed) as sink, \
            imap_peer.Peer(Folder) as box, harness.Room() as room:
        relays, boxes = settings(room, sink, box)
        schedule = {"retry": ["1s"], "retry_connection": ["0s"]}
        room.configure(relays, boxes, sending=schedule)
        under_valgrind(room, logs)
        room.enqueue("SOAK", harness.table(options.letters), LETTER)
        room.enqueue("LOW", harness.table(20, start=1000), priority="low")
        harness.wait_for("some letters", lambda: room.batch(
            "SOAK")["letters"]["sent"] > options.letters // 10, TIMEOUT)
        decide(room)
        relays[0]["letters_per_connection"] = 7
        room.configure(relays, boxes, sending=schedule)
        room.signal(signal.SIGHUP)
        harness.wait_for("the rest", lambda: soak.unfinished(room) == 0,
                         TIMEOUT)
        came = bring_back(room, box)
        decide(room)
        letters = room.batch("SOAK")["letters"]
        assert room.stop(TIMEOUT) == 0, room.log()[-3000:]
    return {**{k: v for k, v in letters.items() if v}, "mails": came}


def errors_in(log):
    """Without what valgrind says of itself: system calls that are new to it."""
    return "\n".join(line for line in log.read_text(
        errors="replace").splitlines() if not line.startswith("--"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--letters", type=int, default=300)
    parser.add_argument("--faults", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ch-valgrind-") as folder:
        logs = pathlib.Path(folder)
        print(run(options, logs), flush=True)
        processes = sorted(logs.iterdir())
        said = [errors_in(log) for log in processes]
        bad = [errors for errors in said if errors]
        print(*bad, sep="\n")
        print(f"{len(processes)} processes, {len(bad)} with errors")
    # chanceryd, an import, two workers before the reload and one after it, a
    # reader
    return 1 if bad or len(processes) < 4 else 0


if __name__ == "__main__":
    if not os.path.exists("/usr/bin/valgrind"):
        sys.exit(77)
    sys.exit(main())
