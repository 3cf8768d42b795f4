#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch with addresses that are not ASCII through a real Postfix: what it
takes arrives byte for byte, what it returns comes back by a real Dovecot and is
known by its utf-8 address (RFC 6533). Skipped where the servers cannot be
had."""
import pathlib
import subprocess
import sys
import tempfile

import harness
from harness import BUILD, Room, wait_for

# "absent" is nobody there, in any form; the others have one mailbox.
ROWS = """key,language,to,cc,name
OUI,en,Le Délégué <délégué@fr.members.example>,minister@fr.members.example,D
NON,en,délégué.absent@fr.members.example,,Absent
HAN,en,外交部@cn.members.example,,外交部
ANN,en,minister@gb.members.example,,Ann
"""


def stored(room, key):
    return subprocess.run(
        [BUILD / "chancery", "--socket-dir", room.root, "show",
         f"DM-1/{key}", "--eml"], capture_output=True, check=True).stdout


def delivered(facts):
    return [path.read_bytes()
            for path in pathlib.Path(facts["members"]).glob("new/*")]


def send_them(facts, root):
    secret = root / "password"
    secret.write_text(facts["password"])
    secret.chmod(0o600)
    common = {"host": "localhost", "ca_file": facts["ca_file"],
              "user": facts["user"], "password": str(secret)}
    with Room([{**common, "name": "postfix", "port": facts["smtp"],
                "tls": "starttls", "auth": "plain", "smtputf8": True}],
              [{**common, "name": "bureau", "port": facts["imaps"],
                "poll": "1s"}],
              conf={"secretariat": {
                  "from": "Bureau <bureau@chancery.example>",
                  "envelope": "bounces@chancery.example"}}) as room:
        room.start()
        room.enqueue("DM-1", ROWS)
        room.wait_letters("DM-1", sent=4)
        wait_for("three deliveries", lambda: len(delivered(facts)) == 3)
        letters = {key: stored(room, key).replace(b"\r\n", b"\n")
                   for key in ("OUI", "ANN")}
        assert "<délégué@fr.members.example>".encode() in letters["OUI"]
        got = sorted(next(key for key, one in letters.items()
                          if raw.endswith(one)) for raw in delivered(facts))
        assert got == ["ANN", "OUI", "OUI"], got

        def returned():
            return room.get("/v1/returns").json["returns"]
        wait_for("two reports", lambda: len(returned()) == 2)
        assert {(r["key"], r["recipient"], r["kind"], r["status"],
                 r["verified"], r["address_seq"], r["fault"])
                for r in returned()} == {
            ("NON", "délégué.absent@fr.members.example", "bounce_hard",
             "5.1.1", True, 0, ""),
            ("HAN", "外交部@cn.members.example", "bounce_hard", "5.1.1",
             True, 0, "")}, returned()
        letters = room.letters("DM-1")
        assert {key: bool(one["bounced"]) for key, one in letters.items()} \
            == {"OUI": False, "NON": True, "HAN": True, "ANN": False}
        assert room.stop() == 0


def inside():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        with harness.mail_servers(root) as facts:
            send_them(facts, root)
    return 0


if __name__ == "__main__":
    sys.exit(inside() if sys.argv[1:] == ["inside"] else
             harness.among_servers(__file__))
