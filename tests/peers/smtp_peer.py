# SPDX-License-Identifier: GPL-3.0-or-later
"""An SMTP server that keeps to its script: polite where the script is silent,
and otherwise as bad as it says. Plain, STARTTLS or implicit TLS.

A script is a dict from a step to what is done there instead of the polite
answer: greeting, tls, ehlo, starttls, auth, mail, rcpt, rcpt:ADDRESS, data,
body (before the message or a chunk is read), chunk (one that is not the last),
dot (or the last chunk), rset, quit. An action is
  bytes       said
  a number    seconds to wait
  "close"     the connection ends
  "reset"     it ends with a RST
  "hang"      nothing is said any more, until the client goes
  "stall"     nothing is read until peer.released is set
  a function  called with the session
  a list      of these, one after the other
or Turns(...), whose actions are for the first time, the second and so on; the
last one stays.

Everything heard is in peer.sessions: `said` (the commands, in order; those
under TLS begin with "*"), `messages` (whole ones, dots unstuffed), `left` (what
came behind the last command or inside a message that never ended)."""
import base64
import re
import socket
import ssl
import struct
import subprocess
import threading
import time

REPLY = re.compile(rb"(?:\d{3}-.*\n)*\d{3}(?: .*)?\r?\n")
USER, PASSWORD = "registry", "correct horse"


class End(Exception):
    """The session is over."""


class Turns:
    def __init__(self, *actions):
        self.actions = list(actions)

    def next(self):
        return self.actions.pop(0) if len(self.actions) > 1 \
            else self.actions[0]


def path_of(line):
    """The address of a MAIL or RCPT."""
    return line.split(b"<")[1].split(b">")[0].decode("latin-1")


class Session:
    def __init__(self, peer, connection):
        self.peer = peer
        self.connection = connection
        self.secure = False
        self.input = b""
        self.said = []
        self.messages = []
        self.left = b""
        self.out = b""  # all that was said
        # Where in it each MAIL came, its message, its sender, from where on what
        # was said may be an answer to its chunk, and the addresses taken.
        self.begun = []
        self.chunks = b""
        self.owed = 0  # replies before the last chunk's
        self.sender, self.envelope = None, []  # of the letter under way
        self.open = False  # MAIL was taken, and neither dot nor RSET came

    # ---- bytes

    def fill(self):
        data = self.connection.recv(65536)
        if not data:
            raise End
        self.input += data

    def line(self):
        while b"\n" not in self.input:
            self.fill()
        line, self.input = self.input.split(b"\n", 1)
        return line.rstrip(b"\r")

    def say(self, data):
        self.out += data
        self.connection.sendall(data)

    def start_tls(self):
        self.perform(self.peer.script.get("tls", b""))
        self.connection = self.peer.context.wrap_socket(
            self.connection, server_side=True)
        self.secure = True
        self.reused = self.connection.session_reused

    def hang(self):
        while True:
            self.fill()

    def stall(self):
        # The client's end cannot be seen behind bytes that are not read.
        self.peer.released.wait(60)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        raise End

    # ---- the script

    def perform(self, action):
        if isinstance(action, Turns):
            action = action.next()
        if isinstance(action, bytes):
            self.say(action)
        elif isinstance(action, (int, float)):
            time.sleep(action)
        elif isinstance(action, list):
            for one in action:
                self.perform(one)
        elif action == "close":
            raise End
        elif action in ("hang", "stall", "reset"):
            getattr(self, action)()
        else:
            action(self)

    def do(self, step, polite):
        self.perform(self.peer.script.get(step, polite))

    # ---- the dialogue

    def run(self):
        if self.peer.tls == "implicit":
            self.start_tls()
        self.do("greeting", b"220 peer.example ESMTP\r\n")
        while True:
            line = self.line()
            self.said.append(("*" if self.secure else "") +
                             line.decode("latin-1"))
            verb = line.split(b" ")[0].upper().decode("latin-1")
            handler = getattr(self, "on_" + verb.lower(), None)
            if handler:
                handler(line)
            else:
                self.say(b"500 5.5.2 what?\r\n")

    def on_ehlo(self, _line):
        keywords = ["peer.example", *self.peer.keywords]
        if self.peer.tls == "starttls" and not self.secure:
            keywords.append("STARTTLS")
        lines = [f"250-{word}\r\n" for word in keywords] + ["250 HELP\r\n"]
        self.do("ehlo", "".join(lines).encode())

    def on_starttls(self, _line):
        self.do("starttls", b"220 2.0.0 go ahead\r\n")
        self.start_tls()

    def ask(self, prompt):
        self.say(b"334 " + base64.b64encode(prompt) + b"\r\n")
        return base64.b64decode(self.line())

    def on_auth(self, line):
        if "auth" in self.peer.script:
            self.do("auth", b"")
            return
        words = line.split(b" ")
        if words[1] == b"PLAIN":
            _, user, password = base64.b64decode(words[2]).split(b"\0")
        else:
            user = self.ask(b"Username:")
            password = self.ask(b"Password:")
        good = (user.decode(), password.decode()) == (USER, PASSWORD)
        self.say(b"235 2.7.0 ok\r\n" if good else b"535 5.7.8 no\r\n")

    def on_mail(self, line):
        if self.open:
            self.say(b"503 5.5.1 one letter at a time\r\n")
            return
        self.sender, self.envelope = path_of(line), []
        self.begun.append([len(self.out), None, self.sender, None, []])
        self.chunks = b""
        self.owed = 1
        self.do("mail", b"250 2.1.0 ok\r\n")
        self.open = self.out[self.begun[-1][0]:][:1] == b"2"

    def on_rcpt(self, line):
        address = path_of(line)
        step = f"rcpt:{address}"
        before = len(self.out)
        self.do(step if step in self.peer.script else "rcpt",
                b"250 2.1.5 ok\r\n" if self.open
                else b"503 5.5.1 whose letter is it?\r\n")
        if self.out[before:before + 1] == b"2":
            self.envelope.append(address)
            if self.begun:
                self.begun[-1][4].append(address)
        if self.begun and "CHUNKING" in self.peer.keywords:
            self.owe_one_more()

    def on_data(self, _line):
        before = len(self.out)
        self.do("data", b"354 go on\r\n")
        if not re.search(rb"(?m)^354", self.out[before:]):
            return
        self.perform(self.peer.script.get("body", b""))
        self.messages.append(self.message())
        if self.begun:
            self.begun[-1][1] = self.messages[-1]
        self.open = False
        self.do("dot", b"250 2.0.0 kept\r\n")

    def on_bdat(self, line):
        """RFC 3030: a chunk that nobody is to get is read all the same."""
        self.perform(self.peer.script.get("body", b""))
        size, last = int(line.split(b" ")[1]), line.upper().endswith(b"LAST")
        while len(self.input) < size:
            try:
                self.fill()
            except End:
                self.left = self.chunks + self.input
                self.input = b""
                raise
        self.chunks += self.input[:size]
        self.input = self.input[size:]
        if not (self.open and self.envelope):
            self.say(b"503 5.5.1 nobody to take it to\r\n")
            return
        if not last:
            before = self.begun[-1][3] = len(self.out)
            self.do("chunk", b"250 2.0.0 more\r\n")
            self.owe_one_more()
            self.open = self.out[before:before + 1] == b"2"
            return
        self.messages.append(self.chunks)
        self.begun[-1][1] = self.chunks
        if self.begun[-1][3] is None:
            self.begun[-1][3] = len(self.out)
        self.open = False
        self.do("dot", b"250 2.0.0 kept\r\n")

    def owe_one_more(self):
        """In chunks one reply too many passes for that to the next command, and
        the last of those that are owed for the last chunk's."""
        self.owed += 1
        at = self.begun[-1][0]
        for _ in range(self.owed):
            if not (reply := REPLY.match(self.out, at)):
                return
            at = reply.end()
        self.begun[-1][3] = at

    def message(self):
        """RFC 5321 section 4.5.2: CRLF, a dot, CRLF end it."""
        data = bytearray(b"\r\n" + self.input)
        self.input = b""
        at = 0
        while (end := data.find(b"\r\n.\r\n", at)) < 0:
            at = max(0, len(data) - 4)
            more = self.connection.recv(1 << 20)
            if not more:
                self.left = bytes(data[2:])
                raise End
            data += more
        self.input = bytes(data[end + 5:])
        return bytes(data[:end + 2]).replace(b"\r\n.", b"\r\n")[2:]

    def answers(self):
        """For each MAIL: its message if it came whole, and what was said
        behind the 354 that asked for it, or in chunks behind the replies that
        were owed before the last one's."""
        ends = [at for at, *_ in self.begun[1:]] + [len(self.out)]
        for (at, message, _, answer, _), end in zip(self.begun, ends):
            if answer is not None:
                yield message, self.out[answer:end]
                continue
            asked = re.search(rb"(?m)^354.*\n?", self.out[at:end])
            yield message, self.out[at + asked.end():end] if asked else b""

    def on_rset(self, _line):
        self.open = False
        self.do("rset", b"250 2.0.0 ok\r\n")

    def on_quit(self, _line):
        self.do("quit", b"221 2.0.0 bye\r\n")
        raise End


KEYWORDS = ["PIPELINING", "ENHANCEDSTATUSCODES", "SIZE 50000000", "DSN",
            "8BITMIME", "AUTH PLAIN LOGIN"]
CHUNKS = [*KEYWORDS, "CHUNKING"]


class Peer:
    """The server, on an ephemeral port of loopback; a context manager."""

    def __init__(self, script=None, tls=None, context=None, keywords=None,
                 small_buffers=False, path=None, host="127.0.0.1"):
        self.script = script or {}
        self.tls = tls
        self.context = context
        self.keywords = KEYWORDS if keywords is None else keywords
        self.sessions = []
        self.released = threading.Event()
        self.threads = []
        self.listener = socket.socket(
            socket.AF_UNIX if path else
            socket.AF_INET6 if ":" in host else socket.AF_INET)
        if small_buffers:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                     4096)
        self.listener.bind(str(path) if path else (host, 0))
        self.listener.listen(128)
        self.port = 0 if path else self.listener.getsockname()[1]

    def __enter__(self):
        thread = threading.Thread(target=self.accept, daemon=True)
        thread.start()
        self.threads.append(thread)
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def settle(self):
        """Wait until no session runs any more: all that was heard is known."""
        self.released.set()
        for thread in self.threads[1:]:
            thread.join(60)
            assert not thread.is_alive(), "a session does not end"

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            session = Session(self, connection)
            self.sessions.append(session)
            thread = threading.Thread(target=self.serve, args=(session,),
                                      daemon=True)
            thread.start()
            self.threads.append(thread)

    @staticmethod
    def serve(session):
        try:
            if session.connection.family != socket.AF_UNIX:
                session.connection.setsockopt(socket.IPPROTO_TCP,
                                              socket.TCP_NODELAY, 1)
            session.run()
        except (End, OSError):
            session.left += session.input
        finally:
            session.connection.close()

    @property
    def said(self):
        return [line for session in self.sessions for line in session.said]

    @property
    def messages(self):
        return [message for session in self.sessions
                for message in session.messages]


class Authority:
    """A certificate authority in a folder, made by the openssl command."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.openssl("req", "-x509", *self.key("ca"), "-out", self.ca,
                     "-days", "2", "-subj", "/CN=Test authority")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True,
                       capture_output=True, timeout=60)

    def key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-keyout", self.folder / f"{name}.key"]

    def certificate(self, name, names="DNS:localhost,IP:127.0.0.1", days=2):
        """A certificate for those names; returns the server's TLS context."""
        request = self.folder / f"{name}.csr"
        pem = self.folder / f"{name}.pem"
        self.openssl("req", *self.key(name), "-out", request, "-subj",
                     "/O=Test", "-addext", f"subjectAltName={names}")
        self.openssl("x509", "-req", "-in", request, "-CA", self.ca,
                     "-CAkey", self.folder / "ca.key", "-days", days,
                     "-copy_extensions", "copy", "-out", pem)
        return self.context(name)

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem",
                                self.folder / f"{name}.key")
        return context
