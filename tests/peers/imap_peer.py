# SPDX-License-Identifier: GPL-3.0-or-later
"""An IMAP server that does what a test wants of it.

Peer listens on a port of loopback and plays a Session to each connection. As it
stands Session is a plain, honest server for one folder; a test overrides the
step at which its server is to lie, stall or break off:

    class Hangs(imap_peer.Session):
        def greet(self):
            self.hang()

    with imap_peer.Peer(Hangs, {1: MAIL}) as peer:
        ... connect to peer.port ...
"""
import base64
import hashlib
import hmac
import re
import socket
import threading

USER, PASSWORD = "bureau", "pass \"word\" \\ {5}"


class Closed(Exception):
    """This end, or the other, has left."""


class Peer:
    def __init__(self, session, mails=None, uidvalidity=7, tls=None,
                 implicit=False, address="127.0.0.1"):
        self.session = session
        self.mails = dict(mails or {})
        self.flags = {}  # of each UID
        self.folders = {}  # others: lists of mails
        self.uidvalidity = uidvalidity
        self.tls = tls  # ssl.SSLContext
        self.implicit = implicit
        self.changed = threading.Condition()
        self.commands = []  # all that was said to it, of all connections
        self.connections = 0
        self.idling = 0  # how often "+" was said to an IDLE
        self.failures = []
        self.closing = False
        self.open = set()
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.play, args=(conn,),
                             daemon=True).start()

    def play(self, conn):
        self.open.add(conn)
        session = None
        try:
            if self.tls and self.implicit:
                conn = self.tls.wrap_socket(conn, server_side=True)
            session = self.session(self, conn)
            session.run()
        except (Closed, OSError):
            pass
        except Exception as failure:  # the test has to hear of it
            self.failures.append(repr(failure))
        finally:
            (session.conn if session else conn).close()

    def add(self, uid, mail):
        """A mail comes in."""
        with self.changed:
            self.mails[uid] = mail
            self.changed.notify_all()

    def all_is_read(self):
        """The other end has read what was said to it (Linux, no TLS)."""
        for line in open("/proc/net/tcp"):
            words = line.split()
            if (words[2].endswith(f":{self.port:04X}") and words[3] == "01"
                    and not words[4].endswith(":00000000")):
                return False
        return True

    def said(self, word):
        """The commands in which `word` stands."""
        return [line for line in self.commands if word in line]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for conn in self.open:
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        assert not self.failures, self.failures


class Session:
    """One connection to an honest server."""

    capabilities = "IMAP4rev1 IDLE AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5"
    before_tls = "IMAP4rev1 STARTTLS LOGINDISABLED"
    exists_first = False

    def __init__(self, peer, conn):
        self.peer = peer
        self.conn = conn
        self.number = peer.connections
        self.secure = not peer.tls or peer.implicit
        self.data = b""
        self.tag = ""
        self.seen = 0

    # ---- bytes

    def raw(self, data):
        self.conn.sendall(data if isinstance(data, bytes) else data.encode())

    def say(self, line):
        self.raw(line + "\r\n")

    def ok(self, text="done"):
        self.say(f"{self.tag} OK {text}")

    def no(self, text):
        self.say(f"{self.tag} NO {text}")

    def hear(self):
        while b"\n" not in self.data:
            more = self.conn.recv(65536)
            if not more:
                raise Closed
            self.data += more
        line, _, self.data = self.data.partition(b"\n")
        line = line.rstrip(b"\r").decode("utf-8", "replace")
        self.peer.commands.append(line)
        return line

    def hang(self):
        """Say nothing until the other end leaves."""
        while self.conn.recv(65536):
            pass
        raise Closed

    # ---- the dialogue

    def run(self):
        self.greet()
        while True:
            self.tag, _, rest = self.hear().partition(" ")
            words = rest.upper().split()
            verb = "_".join(words[:2] if words[0] == "UID" else words[:1])
            getattr(self, "on_" + verb.lower())(rest)

    def greet(self):
        self.say("* OK ready")

    def on_capability(self, _):
        self.say("* CAPABILITY " + (self.capabilities if self.secure
                                    else self.before_tls))
        self.ok()

    def on_starttls(self, _):
        self.ok("begin")
        self.begin_tls()

    def begin_tls(self):
        self.conn = self.peer.tls.wrap_socket(self.conn, server_side=True)
        self.secure = True

    def on_login(self, rest):
        user, password = re.fullmatch(
            r'LOGIN "?((?:[^"\\]|\\.)*)"? "((?:[^"\\]|\\.)*)"', rest).groups()
        self.judge(re.sub(r"\\(.)", r"\1", user),
                   re.sub(r"\\(.)", r"\1", password))

    def judge(self, user, password):
        if (user, password) == (USER, PASSWORD):
            self.ok("welcome")
        else:
            self.no("[AUTHENTICATIONFAILED] not known here")

    def answer(self, challenge):
        self.say("+ " + base64.b64encode(challenge).decode())
        return base64.b64decode(self.hear())

    def on_authenticate(self, rest):
        way = rest.split()[1].upper()
        if way == "PLAIN":
            _, user, password = self.answer(b"").split(b"\0")
        elif way == "LOGIN":
            user = self.answer(b"Username:")
            password = self.answer(b"Password:")
        else:
            challenge = b"<1896.697170952@mail.example>"
            user, _, mac = self.answer(challenge).rpartition(b" ")
            right = hmac.new(PASSWORD.encode(), challenge, hashlib.md5)
            password = (PASSWORD.encode() if mac.decode() == right.hexdigest()
                        else b"")
        self.judge(user.decode(), password.decode())

    def on_select(self, rest):
        self.on_examine(rest)

    def on_uid_store(self, rest):
        flags = re.search(r"\((.*)\)$", rest)[1]
        for uid in self.uids_of(rest.split()[2]):
            self.peer.flags.setdefault(uid, set()).add(flags)
        self.ok()

    def on_uid_copy(self, rest):
        name = re.search(r'"(.*)"$', rest)[1]
        folder = self.peer.folders.get(name)
        if folder is None:
            self.no("[TRYCREATE] no such folder")
            return False
        folder += [self.peer.mails[uid]
                   for uid in self.uids_of(rest.split()[2])]
        if rest.upper().startswith("UID COPY"):
            self.ok()
        return True

    def on_uid_move(self, rest):
        if self.on_uid_copy(rest):
            self.expunge(rest.split()[2])

    def on_uid_expunge(self, rest):
        gone = [uid for uid in self.uids_of(rest.split()[2])
                if "\\Deleted" in self.peer.flags.get(uid, ())]
        self.expunge(",".join(map(str, gone)))

    def expunge(self, words):
        for uid in list(self.uids_of(words)):
            self.say(f"* {self.number_of(uid)} EXPUNGE")
            with self.peer.changed:
                del self.peer.mails[uid]
                self.seen -= 1
        self.ok()

    def on_examine(self, _):
        self.seen = len(self.peer.mails)
        self.say("* FLAGS (\\Answered \\Seen)")
        self.say(f"* {self.seen} EXISTS")
        self.say("* 0 RECENT")
        self.say(f"* OK [UIDVALIDITY {self.peer.uidvalidity}] UIDs valid")
        self.ok("[READ-ONLY] open")

    def on_noop(self, _):
        self.ok()

    def on_uid_search(self, rest):
        first = int(re.search(r"UID (\d+):\*$", rest)[1])
        uids = sorted(self.peer.mails)
        found = [uid for uid in uids if uid >= first] or uids[-1:]
        self.say(" ".join(["* SEARCH", *map(str, found)]))
        self.ok()

    def uids_of(self, words):
        """Those of "3,5:9" that are there."""
        for run in words.split(","):
            first, _, last = run.partition(":")
            for uid in sorted(self.peer.mails):
                if int(first) <= uid <= int(last or first):
                    yield uid

    def on_uid_fetch(self, rest):
        part = re.search(r"BODY\.PEEK\[\](?:<(\d+)\.(\d+)>)?", rest)
        for uid in list(self.uids_of(rest.split()[2])):
            mail = self.peer.mails[uid]
            if part:
                self.give(uid, mail, part[1] and
                          (int(part[1]), int(part[2])))
            else:
                self.give_size(uid, len(mail))
        self.ok()

    def number_of(self, uid):
        return sorted(self.peer.mails).index(uid) + 1

    def give_size(self, uid, size):
        self.say(f"* {self.number_of(uid)} FETCH (UID {uid} RFC822.SIZE "
                 f"{size} INTERNALDATE \"24-Nov-2026 10:00:00 +0130\")")

    def give(self, uid, mail, part):
        """All of it, or part (offset, length)."""
        where = "" if part is None else f"<{part[0]}>"
        piece = mail if part is None else mail[part[0]:][:part[1]]
        self.raw(f"* {self.number_of(uid)} FETCH (UID {uid} BODY[]{where} "
                 f"{{{len(piece)}}}\r\n".encode() + piece + b")\r\n")

    def on_idle(self, _):
        self.say("+ idling")
        self.peer.idling += 1
        threading.Thread(target=self.tell_news, daemon=True).start()
        line = self.hear()
        assert line == "DONE", line
        self.ok("IDLE ended")

    def tell_news(self):
        with self.peer.changed:
            self.peer.changed.wait_for(
                lambda: self.peer.closing or
                len(self.peer.mails) != self.seen)
            if not self.peer.closing:
                self.seen = len(self.peer.mails)
                try:
                    self.say(f"* {self.seen} EXISTS")
                except (OSError, ValueError):
                    pass

    def on_logout(self, _):
        self.say("* BYE until later")
        self.ok()
        raise Closed
