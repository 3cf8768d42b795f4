#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""faulty_sink.py LEDGER [--faults N] [--seed N] [--tls FOLDER [--implicit]] - an
SMTP server that is as bad as relays are on a bad day, and writes down what it
took.

About every second connection is offered CHUNKING. Of 1,000 commands about N are
answered with 4yz, or late, or by closing the connection, before or after a part
of what should be read; of as many dots the answer is one of those. Before a dot
(or a last chunk) is answered a line is on the disk:

  took     and 250 is said
  refused  and 451 or 421 is said
  kept     the letter is taken, and that is not said: the connection closes, or
           what is said is no clear answer
  dropped  it is not taken, and nothing is said

then TAB, recipient, TAB, message-id, TAB, SHA-256 of the bytes. On stdout it
prints its port, runs until SIGTERM, and prints how many connections it had.
With --tls it does STARTTLS, or with --implicit TLS from the start, by
FOLDER/good.pem and good.key: TLS 1.3, with more or fewer session tickets from
one connection to the next."""
import argparse
import hashlib
import os
import pathlib
import random
import re
import signal
import socket
import ssl
import threading
import time

OFFERS = ["PIPELINING", "ENHANCEDSTATUSCODES", "SIZE 50000000"]


class End(Exception):
    """This connection is over."""


class Ledger:
    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, what, recipients, message):
        found = re.search(rb"(?mi)^Message-ID:\s*(<[^>]*>)", message)
        digest = hashlib.sha256(message).hexdigest()
        lines = "".join(f"{what}\t{to}\t{found[1].decode()}\t{digest}\n"
                        for to in recipients)
        os.write(self.fd, lines.encode())  # one write: whole, by O_APPEND
        os.fdatasync(self.fd)


class Connection:
    def __init__(self, sink, sock, chance):
        self.sink, self.sock, self.chance = sink, sock, chance
        self.input = bytearray()
        self.recipients = None  # of the MAIL under way
        self.chunks = bytearray()
        self.secure = False

    def fill(self):
        data = self.sock.recv(1 << 18)
        if not data:
            raise End
        self.input += data

    def line(self):
        while (end := self.input.find(b"\r\n")) < 0:
            self.fill()
        line = bytes(self.input[:end])
        del self.input[:end + 2]
        return line

    def say(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def is_bad(self):
        return self.chance.random() * 1000 < self.sink.faults

    def misbehave(self):
        """Instead of a polite answer, or before it: returns whether one was
        given."""
        kind = self.chance.randrange(5)
        if kind == 0:
            raise End
        if kind == 1:
            self.say("421 4.3.2 going down")
            raise End
        if kind == 2:
            time.sleep(self.chance.random() * 0.1)
            return False
        if kind == 3:
            self.sock.sendall(b"4")  # and nothing behind it
            raise End
        self.say("451 4.3.0 not now")
        return True

    def run(self):
        if self.sink.implicit:
            self.start_tls()
        self.say("220 sink.example ESMTP")
        while True:
            line = self.line()
            verb = line.split(b" ")[0].upper().decode("latin-1")
            if verb == "QUIT":
                self.say("221 2.0.0 bye")
                return
            if verb in ("MAIL", "RCPT", "DATA") and self.is_bad() and \
                    self.misbehave():
                continue
            getattr(self, verb.lower())(line)

    def ehlo(self, _line):
        offers = list(OFFERS)
        if self.chance.random() < 0.5:
            offers.append("CHUNKING")
        if self.sink.contexts and not self.secure:
            offers.append("STARTTLS")
        self.say("\r\n".join(["250-sink.example"] +
                             [f"250-{word}" for word in offers[:-1]] +
                             [f"250 {offers[-1]}"]))

    def starttls(self, _line):
        self.say("220 2.0.0 go ahead")
        self.start_tls()

    def start_tls(self):
        context = self.chance.choice(self.sink.contexts)
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.secure = True

    def mail(self, _line):
        self.chunks.clear()
        self.recipients = []
        self.say("250 2.1.0 ok")

    def rset(self, _line):
        self.recipients = None
        self.say("250 2.0.0 ok")

    def rcpt(self, line):
        if self.recipients is None:
            self.say("503 5.5.1 MAIL first")
            return
        self.recipients.append(line.split(b"<")[1].split(b">")[0].decode())
        self.say("250 2.1.5 ok")

    def data(self, _line):
        if not self.recipients:
            self.say("554 5.5.1 nobody")
            return
        self.say("354 go on")
        self.answer(self.message())
        self.recipients = None

    def bdat(self, line):
        """RFC 3030; a chunk that is refused ends the letter."""
        words = line.split(b" ")
        stop = self.is_bad() and self.chance.random() < 0.3
        while len(self.input) < int(words[1]):
            if stop and self.input:
                raise End
            self.fill()
        self.chunks += self.input[:int(words[1])]
        del self.input[:int(words[1])]
        if not self.recipients:
            self.say("503 5.5.1 nobody")
        elif len(words) > 2:
            self.answer(bytes(self.chunks))
            self.recipients = None
        elif self.is_bad():
            self.recipients = None
            self.say("451 4.3.0 not now")
        else:
            self.say("250 2.0.0 go on")

    def message(self):
        """Dots unstuffed; or the end, in the middle of it."""
        stop = self.is_bad() and self.chance.random() < 0.3
        at = 0
        while True:
            end = self.input.find(b"\r\n.\r\n", at)
            if end >= 0:
                break
            if stop and self.input:
                raise End
            at = max(0, len(self.input) - 4)
            self.fill()
        whole = bytes(self.input[:end + 2])
        del self.input[:end + 5]
        return (b"\r\n" + whole).replace(b"\r\n.", b"\r\n")[2:]

    def answer(self, message):
        def note(what):
            self.sink.ledger.write(what, self.recipients, message)
        if not self.is_bad():
            note("took")
            self.say("250 2.0.0 kept")
            return
        kind = self.chance.randrange(8)
        if kind < 3:
            note("refused")
            self.say("451 4.3.0 not now" if kind else "421 4.3.2 going down")
            if kind == 0:
                raise End
        elif kind == 3:
            note("took")
            time.sleep(self.chance.random() * 0.3)
            self.say("250 2.0.0 kept, at last")
        elif kind == 4:
            note("took")
            self.say("250 2.0.0 kept")
            raise End
        elif kind == 5:
            note("dropped")
            raise End
        else:
            note("kept")
            if kind == 6:
                self.say(self.chance.choice(["250-kept", "999 eh", "250"]))
            raise End


class Sink:
    def __init__(self, options):
        self.faults = options.faults
        self.ledger = Ledger(options.ledger)
        self.contexts = []
        self.implicit = options.implicit
        for tickets in (0, 1, 2, 2, 8) if options.tls else ():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(options.tls / "good.pem",
                                    options.tls / "good.key")
            context.num_tickets = tickets
            self.contexts.append(context)
        self.chance = random.Random(options.seed)
        self.connections = 0

    def serve(self, sock, chance):
        with sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock, chance)
            try:
                connection.run()
            except (End, OSError):
                pass
            finally:
                connection.sock.close()

    def run(self):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(200)
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            self.connections += 1
            chance = random.Random(self.chance.random())
            threading.Thread(target=self.serve, args=(sock, chance),
                             daemon=True).start()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ledger")
    parser.add_argument("--faults", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tls", type=pathlib.Path)
    parser.add_argument("--implicit", action="store_true")
    sink = Sink(parser.parse_args())

    def stop(_number, _frame):
        print(sink.connections, flush=True)
        os._exit(0)
    signal.signal(signal.SIGTERM, stop)
    sink.run()


if __name__ == "__main__":
    main()
