# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of chancery-receive share: a place for a worker, and the
mails that come out of it."""
import os
import pathlib
import re
import sys

TOP = pathlib.Path(os.environ["top_srcdir"])
BUILD = pathlib.Path(os.environ["top_builddir"])
sys.path.insert(0, str(TOP / "tests/peers"))
import harness
import imap_peer
import wire

PROGRAM = str(BUILD / "daemon/receive/chancery-receive")
TLS = {"none": 0, "starttls": 1, "implicit": 2}
AUTH = {"none": 0, "any": 1, "plain": 2, "login": 3, "cram-md5": 4,
        "xoauth2": 5, "oauthbearer": 6}
CONNECT, TLS_FAULT, AUTH_FAULT, GREETING, SETUP = range(5)
FAULT_STATUS = 75
# With sanitizers a worker has no limit of memory, and is large and slow.
UNLIMITED = re.search(r"(?m)^#define CH_WORKER_UNLIMITED 1",
                      (BUILD / "config.h").read_text()) is not None


class Place:
    """A folder for one worker: password, objects, what it writes to stderr."""

    certificates = None  # folder with ca.pem
    user, secret = imap_peer.USER, imap_peer.PASSWORD

    def __init__(self, root, name):
        self.root = root / name
        (self.root / "objects").mkdir(parents=True)
        self.password = self.root / "password"
        self.password.write_text(self.secret + "\n")
        self.worker = None

    def begin(self, port, tls="none", auth="any", **options):
        mailbox = {
            "name": "bureau", "host": "localhost" if tls != "none"
            else "127.0.0.1", "port": port, "tls": TLS[tls],
            "ca_file": str(self.certificates / "ca.pem"),
            "fingerprint": "", "auth": AUTH[auth], "user": self.user,
            "password_file": str(self.password),
            "password": "", "password_number": 0,
            "connect_timeout_ms": 20000, "command_timeout_ms": 20000}
        setup = {"folder": "INBOX", "poll_interval_ms": 100,
                 "idle_max_ms": 60000, "max_message_bytes": 1 << 20,
                 "objects_dir": str(self.root / "objects"),
                 "token_prefix": "bounces",
                 "token_domain": "chancery.example",
                 "uidvalidity": 0, "last_uid": 0}
        for key, value in options.items():
            (mailbox if key in mailbox else setup)[key] = value
        self.worker = wire.Worker(PROGRAM, str(self.root / "stderr"))
        self.worker.send("receive-setup", mailbox=mailbox, **setup)
        return self.worker

    def object(self, message):
        name = message["sha256"].hex()
        path = self.root / "objects" / name[:2] / (name[2:] + ".zst")
        return harness.unpacked(path.read_bytes())

    def stderr(self):
        path = self.root / "stderr"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self):
        """STOP, and the exit status."""
        self.worker.send("stop")
        while self.worker.receive():
            pass
        return self.worker.wait()


def receive(worker, count, ack=True, timeout=60):
    """Take `count` mails, acknowledging each; the states between are checked
    to name the mail that comes."""
    mails = []
    reading = None
    while len(mails) < count:
        message = worker.receive(timeout)
        assert message, f"ended after {len(mails)} mails"
        name, fields = message
        if name == "receive-state":
            assert fields["connected"] == 1, fields
            reading = fields["reading"]
            continue
        assert name == "receive-mail" and fields["uid"] == reading, message
        mails.append(fields)
        if ack:
            worker.send("receive-ack", uidvalidity=fields["uidvalidity"],
                        uid=fields["uid"])
    return mails
