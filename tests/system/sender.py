# SPDX-License-Identifier: GPL-3.0-or-later
"""chancery-send under its limits, with a test as chanceryd: one imported batch,
bench/sink as the relay, and what the tests say to the worker."""
import os
import pathlib
import subprocess
import sys
import tempfile

import importer
import wire

BUILD = pathlib.Path(os.environ["top_builddir"])
PROGRAM = str(BUILD / "daemon/send/chancery-send")
SENT, DEFERRED, FAILED, IN_DOUBT, UNTRIED, HELD = range(6)
CONNECT, TLS, AUTH, GREETING, SETUP = range(5)
TABLE = """key,language,to,cc,name,salutation
FRA,fr,ministre@fr.example,mission@fr.example,France,Monsieur le Ministre
GBR,en,minister@uk.example,,United Kingdom,Excellency
USA,en,r550@us.example,once451@us.example,United States,Excellency
PER,es,dropdot@pe.example,,Perú,Excelencia
ITA,en,one@it.example,two@it.example,Italy,Excellency
"""
TEXT = """Subject: Session, {{name}}

{{salutation}},

.A line that begins with a dot, for {{name}} ({{key}}).
"""


class Sink:
    def __init__(self, root):
        self.ledger = root / "ledger"
        self.process = subprocess.Popen(
            [BUILD / "bench/sink", "-l", self.ledger],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())

    def seen(self):
        """(recipient, message-id, sha256) of each message taken."""
        return [tuple(line.split("\t"))
                for line in self.ledger.read_text().splitlines()]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Room:
    """One imported batch, and the relay."""

    def __init__(self, root):
        self.root = root
        self.upload = importer.Upload(root)
        for language in ("en", "fr", "es"):
            self.upload.put(f"letter/{language}.md", TEXT)
        self.upload.put("letter/letter.conf", 'annexes = ["a.pdf"];\n')
        self.upload.put("letter/a.pdf", b"%PDF-1.7 " + bytes(range(256)) * 99)
        self.upload.put("recipients/m.csv", TABLE)
        self.files, self.letters = [], {}
        worker = self.upload.begin()
        while message := worker.receive():
            name, fields = message
            if name == "import-file":
                self.files.append(fields)
            elif name == "import-letter":
                self.letters[fields["key"].decode()] = fields
        assert worker.wait() == 0, self.upload.stderr()
        assert len(self.letters) == 5 and self.files
        self.sink = Sink(root)
        self.password = root / "password"

    def begin(self, port=None, **setup):
        """A worker that is set up and has been told of the batch."""
        worker = wire.Worker(PROGRAM, str(self.root / "send-stderr"))
        relay = {"name": "relay", "host": "127.0.0.1",
                 "port": port or self.sink.port, "connect_timeout_ms": 5000,
                 "command_timeout_ms": 20000, **setup.pop("relay", {})}
        worker.send("send-setup", **{
            "relay": relay, "helo": "chancery.example",
            "data_timeout_ms": 20000, "dot_timeout_ms": 20000,
            "attempt_timeout_ms": 60000, "idle_timeout_ms": 60000,
            "letters_per_connection": 100, "lines": 1, "dsn": 1,
            "chunking": 1,
            "objects_dir": str(self.upload.objects), **setup})
        for line in range(setup.get("lines", 1)):
            ready = worker.expect("send-ready")
            assert (ready["line"], ready["want"]) == (line, 3)
        worker.send("send-batch", batch_id=1, reference="DM-1276",
                    deadline="2026-12-07",
                    from_="Registry <registry@secretariat.example>",
                    files=self.files)
        return worker

    def give(self, worker, key, attempt=1, **changes):
        letter = self.letters[key]
        number = list(self.letters).index(key) + 1
        worker.send("send-letter", **{
            "letter_id": number, "batch_id": 1, "attempt": attempt,
            "faults": worker.faults.get(changes.get("line", 0), 0), "anew": 0,
            "key": key, "language": letter["language"],
            "fields": letter["fields"], "message_id": letter["message_id"],
            "date_us": importer.DATE_US,
            "envelope_from": "bounces+token@chancery.example",
            "envelope_id": letter["message_id"],
            "addresses": [
                {"seq": i, "role": a["role"], "pending": 1,
                 "address": a["address"]}
                for i, a in enumerate(letter["addresses"])], **changes})
        return changes.get("letter_id", number)

    def stderr(self):
        path = self.root / "send-stderr"
        return path.read_text(errors="replace") if path.exists() else ""


def outcomes(message):
    return [(r["seq"], r["outcome"], r["code"]) for r in message["results"]]


def next_of(worker, name):
    """The next message that is no READY; what those want is added up."""
    while True:
        message = worker.receive()
        assert message, "the worker has ended"
        if message[0] != "send-ready":
            assert message[0] == name, message
            return message[1]
        worker.wanted = getattr(worker, "wanted", 0) + message[1]["want"]


def finish(worker, room):
    worker.send("stop")
    while worker.receive():
        pass
    assert worker.wait() == 0, room.stderr()


def let_go(worker, number, attempt=1, go=1, line=0):
    """Through the question to the answer; returns the question."""
    dot = worker.expect("send-dot")
    assert (dot["letter_id"], dot["attempt"]) == (number, attempt)
    worker.send("send-go", line=line, letter_id=number, attempt=attempt,
                go=go)
    return dot


def run_all(tests):
    """Each with the room, or those that the command line names."""
    with tempfile.TemporaryDirectory(prefix="chancery-send.") as root:
        room = Room(pathlib.Path(root))
        try:
            for test in tests:
                if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:]:
                    continue
                try:
                    test(room)
                except BaseException:
                    print(room.stderr())
                    raise
                print(f"ok: {test.__name__}")
        finally:
            room.sink.stop()
