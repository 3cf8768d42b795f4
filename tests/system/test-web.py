#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status page in a browser, before a whole daemon: what a person reads of
letters and of what came back. Skipped where there is no chromium.

--picture FILE keeps a picture of it."""
import hashlib
import html
import http.server
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import harness

BROWSER = shutil.which("chromium")
TABLE = ("key,language,to,cc,name\n"
         "RUS,en,minister@xn--e1afmkfd.example,,Пример\n"
         "CHN,en,minister@外交部.example,registry@xn--bcher-kva.example,中国\n"
         "BAD,en,minister@plain.example,,Plain\n")
AUTOREPLY = 5
# What a stranger may be called: letters of two scripts, no domain at all, and
# one that is another than it says.
STRANGERS = {
    "a@xn--e1afmkfd.example": "a@пример.example",
    "b@xn--80ak6aa92e.example": "b@аррӏе.example", # all of one script
    "c@xn--pypal-4ve.example": None,               # Cyrillic among Latin
    "d@xn--99999999999.example": None,
    "e@xn--a.example": None,
    "f@xn--Bcher-kva.example": "f@bücher.example",
    "g@xn--mgbh0fb.xn--kgbechtv": "g@مثال.إختبار",
}


class Door(http.server.BaseHTTPRequestHandler):
    """The status socket, for a browser, which knows no such sockets. No events:
    the page would wait for them for ever."""
    room = None

    def do_GET(self):
        if "follow=1" in self.path:
            self.send_error(503)
            return
        answer = self.room.get(self.path)
        if self.path == "/": # somebody has clicked on the batch
            answer.body = answer.body.replace(
                b"\nstart();\n", b'\nstart();\nletters("DM-1", "");\n')
        kind = "text/html" if self.path == "/" else "application/json"
        self.send_response(answer.status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_):
        pass


def browse(port, *options):
    with tempfile.TemporaryDirectory(prefix="ch-web-") as folder:
        return subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={folder}", "--virtual-time-budget=4000",
             "--lang=en-GB", "--window-size=1100,1700", *options,
             f"http://127.0.0.1:{port}/"], check=True, capture_output=True,
            timeout=harness.TIMEOUT * 2, env={"PATH": "/usr/bin:/bin",
                                              "LANG": "en_GB.UTF-8",
                                              "HOME": folder}).stdout.decode()


def send_all(room, sender):
    letters = {}
    sender.ready(1)
    for i in range(3):
        if i:
            sender.send("send-ready", want=1)
        letter = sender.letter()
        letters[letter["key"].decode()] = letter
        sender.dot(letter)
        sender.expect("send-go")
        sender.result(letter, harness.SENT, 250, "ok")
    room.wait_letters("DM-1", sent=3)
    return letters


def tell(reader, uid, **mail):
    reader.send("receive-mail", **{
        "uidvalidity": 7, "uid": uid, "kind": AUTOREPLY, "rule": "test",
        "size_bytes": 100, "sha256": hashlib.sha256(b"%d" % uid).digest(),
        "message_id": b"%d@relay.example" % uid, "subject": "Out of office",
        **mail})
    reader.expect("receive-ack")


def cells(page, row):
    """The texts of the rows that have this one, without marks."""
    found = []
    for text in re.findall(r"<tr.*?(?=<tr|</tbody>)", page, re.S):
        if row in text:
            found.append(" ".join(html.unescape(
                re.sub(r"<[^>]*>", " ", text)).split()))
    return found


def check(page, said):
    # in the language of whoever looks
    row = cells(page, "DM-1/RUS")[0]
    assert re.search("automatic reply, away until (12 Dec|Dec 12,) 2026",
                     row), row
    for spec, seen in STRANGERS.items():
        (row,) = [r for r in cells(page, ">" + (seen or spec) + "<")]
        assert (seen or spec) in row, (spec, row)
        assert (f'title="{spec}"' in page) == (seen is not None), spec
        assert f" {seen or spec} " in said, (spec, said) # the command agrees
    (row,) = cells(page, ">RUS<")
    assert "minister@пример.example" in row and "away until" in row, row
    (row,) = cells(page, ">CHN<")
    assert "minister@外交部.example , registry@bücher.example" in row, row
    assert "3 silent" in page, page


def main():
    if not BROWSER:
        sys.exit(harness.SKIP)
    with harness.Room(puppets=["send", "receive"]) as room:
        secret = room.root / "password"
        secret.touch(0o600)
        secret.write_text("secret")
        room.configure(
            [{"name": "main", "port": 9, "connections": 1}],
            [{"name": "desk", "port": 9, "tls": "none", "auth": "plain",
              "user": "desk", "password": str(secret)}])
        room.start()
        reader = room.puppet("receive")
        reader.expect("receive-setup")
        reader.send("receive-state", connected=1, uidvalidity=7)
        room.enqueue("DM-1", TABLE)
        letters = send_all(room, room.puppet("send"))
        token = letters["RUS"]["envelope_from"].split(b"+")[1].split(b"@")[0]
        tell(reader, 1, token=token, away_until="2026-12-12",
             **{"from": "minister@xn--e1afmkfd.example"})
        for uid, spec in enumerate(STRANGERS, 2):
            tell(reader, uid, **{"from": spec, "kind": 8})
        Door.room = room
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        said = subprocess.run(
            [harness.BUILD / "chancery", "--socket-dir", room.root,
             "returns"], check=True, capture_output=True,
            env={"LC_ALL": "C.UTF-8", "COLUMNS": "300"}).stdout.decode()
        check(browse(port, "--dump-dom"), said)
        if "--picture" in sys.argv:
            browse(port, f"--screenshot={sys.argv[-1]}")
        server.shutdown()


if __name__ == "__main__":
    main()
