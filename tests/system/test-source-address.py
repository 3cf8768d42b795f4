#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own address for the connections to a relay and to a mailbox: who listens
sees it, be it IPv4 or IPv6, and what is wrong with it is said once."""
import pathlib
import socket
import tempfile
import threading

import harness
from harness import Room, table, wait_for


class Listener:
    """Whoever connects is noted, and sent away."""

    def __init__(self, host, greeting):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.bind((host, 0))
        self.socket.listen(10)
        self.port = self.socket.getsockname()[1]
        self.greeting = greeting
        self.seen = set()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, address = self.socket.accept()
            except OSError:
                return
            self.seen.add(address[0])
            connection.sendall(self.greeting)
            connection.close()


def relay(listener, **keys):
    return {"name": "relay", "port": listener.port, "connections": 1, **keys}


def comes_from(source, address="127.0.0.1", **how):
    """A relay at that address sees no other source; what the room has said."""
    listener = Listener(address, b"421 4.3.2 closed\r\n")
    with Room([relay(listener, source=source, **how)]) as room:
        room.start()
        room.enqueue("DM-1", table(1))
        wait_for("a connection", lambda: listener.seen)
        assert listener.seen == {source}, listener.seen
        return room.log()


def test_relay():
    comes_from("127.9.8.7")


def test_relay_of_two_families():
    """A host that has another family too is reached by that of ours."""
    log = comes_from("127.9.8.7", host="localhost")
    assert "family" not in log, log


def test_address_literal():
    """Of IPv6, as a host and as a source, with brackets and without."""
    for host in ("::1", "[::1]"):
        comes_from("::1", "::1", host=host)


def test_mailbox():
    listener = Listener("127.0.0.1", b"* BYE closed\r\n")
    with tempfile.TemporaryDirectory(prefix="ch-source-") as folder:
        password = pathlib.Path(folder) / "password"
        password.write_text("secret\n")
        password.chmod(0o600)
        box = {"name": "desk", "port": listener.port, "tls": "none",
               "user": "desk", "password": str(password),
               "source": "127.9.8.6"}
        with Room(mailboxes=[box]) as room:
            room.start()
            wait_for("a connection", lambda: listener.seen)
            assert listener.seen == {"127.9.8.6"}, listener.seen


def test_one_that_is_not_ours():
    listener = Listener("127.0.0.1", b"421 4.3.2 closed\r\n")
    with Room([relay(listener, source="192.0.2.77")]) as room:
        room.start()
        room.enqueue("DM-1", table(1))
        fault = wait_for("a fault", lambda:
                         room.status()["relays"][0]["text"])
        assert fault == (f"127.0.0.1 port {listener.port}: source address "
                         "192.0.2.77: Cannot assign requested address"), fault
        assert not listener.seen
        letters = room.batch("DM-1")["letters"]
        assert letters["sent"] == letters["in_doubt"] == 0, letters


if __name__ == "__main__":
    harness.run_all(dict(globals()))
