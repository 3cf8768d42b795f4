#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""scripted.py FOLDER - what mailhost.py offers, without Postfix and Dovecot.

For machines where no namespace may be made: an SMTP relay (STARTTLS, AUTH
PLAIN) and an IMAP server (implicit TLS, IDLE) of our own in one process, on
ephemeral ports of loopback, with the same ministries behind them and the same
JSON line on stdout. The bounces it writes are RFC 3464 reports.
"""
import base64
import email
import email.policy
import email.utils
import json
import pathlib
import re
import socket
import socketserver
import ssl
import sys
import threading
import time

import mailhost

HOST = "mx.chancery.example"


class Box:
    """A mailbox in memory, mirrored to a Maildir for those who count."""

    def __init__(self, maildir):
        self.folder = maildir / "new"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.mails = []
        self.changed = threading.Condition()

    def deliver(self, sender, recipient, data):
        head = (f"Return-Path: <{sender}>\r\nX-Original-To: {recipient}\r\n"
                f"Delivered-To: {recipient}\r\n").encode()
        with self.changed:
            self.mails.append(head + data)
            name = f"{len(self.mails):06d}.{HOST}"
            half = self.folder.parent / f"half-{name}"
            half.write_bytes(head + data)
            half.rename(self.folder / name)  # whole, or not there
            self.changed.notify_all()


class Relay:
    def __init__(self, folder):
        self.bureau = Box(folder / "mail/bureau/Maildir")
        self.members = Box(folder / "mail/members/Maildir")
        self.greylisted = set()
        self.log = folder / "log/relay.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.touch()
        self.lock = threading.Lock()

    def verdict(self, recipient):
        local = recipient.split("@")[0]
        if local == "refused":
            return "550 5.7.1 this ministry takes letters by courier only"
        with self.lock:
            if local == "busy" and recipient not in self.greylisted:
                self.greylisted.add(recipient)
                return "451 4.7.1 greylisted, come back later"
        return "250 2.1.5 Ok"

    def accept(self, sender, envid, recipients, data):
        for recipient in recipients:
            with self.lock, self.log.open("a") as log:
                log.write(f"accepted from=<{sender}> to=<{recipient}>\n")
            threading.Thread(target=self.route, daemon=True,
                             args=(sender, envid, recipient, data)).start()

    def route(self, sender, envid, recipient, data):
        local, _, domain = recipient.partition("@")
        if domain == "chancery.example":
            self.bureau.deliver(sender, recipient, data)
        elif (local in ("minister", "mission", "away", "replies", "busy") and
              re.fullmatch(r"[a-z]{2}\.members\.example", domain)):
            self.members.deliver(sender, recipient, data)
        elif sender:
            self.bounce(sender, envid, recipient, data)

    def bounce(self, sender, envid, recipient, data):
        header = data.split(b"\r\n\r\n")[0].decode("ascii", "replace")
        boundary = "report-of-the-scripted-relay"
        report = "\r\n".join([
            f"From: Mail Delivery System <MAILER-DAEMON@{HOST}>",
            f"To: {sender}", "Subject: Undelivered Mail Returned to Sender",
            f"Date: {email.utils.formatdate()}",
            f"Message-ID: {email.utils.make_msgid(domain=HOST)}",
            "Auto-Submitted: auto-replied", "MIME-Version: 1.0",
            "Content-Type: multipart/report; report-type=delivery-status;",
            f'\tboundary="{boundary}"', "", f"--{boundary}",
            "Content-Type: text/plain; charset=us-ascii", "",
            f"<{recipient}>: unknown user", "", f"--{boundary}",
            "Content-Type: message/delivery-status", "",
            f"Reporting-MTA: dns; {HOST}",
            f"Original-Envelope-Id: {envid}" if envid else "X-No-Envid: yes",
            "", f"Final-Recipient: rfc822; {recipient}", "Action: failed",
            "Status: 5.1.1", "Diagnostic-Code: x-relay; unknown user", "",
            f"--{boundary}", "Content-Type: text/rfc822-headers", "", header,
            "", f"--{boundary}--", ""])
        time.sleep(0.2)
        self.route("", "", sender, report.encode())


class Smtp(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")
        self.wfile.flush()

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.secure = self.server.plain
        self.known = self.server.plain
        self.sender = None
        self.envid = ""
        self.recipients = []

    def start_tls(self):
        self.say("220 2.0.0 go ahead")
        self.connection = self.server.tls.wrap_socket(self.connection,
                                                      server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.secure = True

    def handle(self):
        self.say(f"220 {HOST} ESMTP")
        while True:
            line = self.rfile.readline(4096).decode("latin-1").rstrip("\r\n")
            if not line:
                return
            verb = line.split(" ")[0].upper()
            if verb == "QUIT":
                self.say("221 2.0.0 bye")
                return
            self.command(verb, line)

    def command(self, verb, line):
        if verb in ("EHLO", "HELO"):
            offers = [HOST, "PIPELINING", "ENHANCEDSTATUSCODES", "DSN",
                      "SIZE 50000000"]
            offers.append("AUTH PLAIN" if self.secure else "STARTTLS")
            for offer in offers[:-1]:
                self.say("250-" + offer)
            self.say("250 " + offers[-1])
        elif verb == "STARTTLS" and not self.secure:
            self.start_tls()
        elif verb == "AUTH":
            want = f"\0bureau\0{mailhost.PASSWORD}".encode()
            self.known = (self.secure and line.upper().startswith("AUTH PLAIN")
                          and base64.b64decode(line[11:]) == want)
            self.say("235 2.7.0 welcome" if self.known
                     else "535 5.7.8 no such account")
        elif not self.known:
            self.say("530 5.7.0 authenticate first")
        elif verb == "MAIL":
            self.sender = re.search(r"<(.*?)>", line).group(1)
            envid = re.search(r"ENVID=(\S+)", line)
            self.envid = envid.group(1) if envid else ""
            self.recipients = []
            self.say("250 2.1.0 Ok")
        elif verb == "RCPT":
            recipient = re.search(r"<(.*?)>", line).group(1).lower()
            verdict = self.server.relay.verdict(recipient)
            if verdict.startswith("250"):
                self.recipients.append(recipient)
            self.say(verdict)
        elif verb == "DATA":
            self.data()
        elif verb == "RSET":
            self.recipients = []
            self.say("250 2.0.0 Ok")
        else:
            self.say("502 5.5.1 what")

    def data(self):
        if not self.recipients:
            self.say("554 5.5.1 no valid recipients")
            return
        self.say("354 go on")
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        else:
            return
        self.server.relay.accept(self.sender, self.envid, self.recipients,
                                 b"".join(lines))
        self.say("250 2.0.0 Ok: queued")


class Imap(socketserver.StreamRequestHandler):
    def setup(self):
        self.request = self.server.tls.wrap_socket(self.request,
                                                   server_side=True)
        super().setup()

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")
        self.wfile.flush()

    def handle(self):
        self.box = self.server.relay.bureau
        self.told = 0  # mails that the client knows of
        self.say("* OK [CAPABILITY IMAP4rev1 IDLE] ready")
        for raw in self.rfile:
            tag, _, rest = raw.decode("latin-1").strip().partition(" ")
            verb = rest.split(" ")[0].upper()
            if verb == "LOGOUT":
                self.say("* BYE")
                self.say(f"{tag} OK")
                return
            self.command(tag, verb, rest)

    def command(self, tag, verb, rest):
        if verb == "CAPABILITY":
            self.say("* CAPABILITY IMAP4rev1 IDLE")
        elif verb == "LOGIN":
            if mailhost.PASSWORD not in rest:
                self.say(f"{tag} NO no such account")
                return
        elif verb in ("SELECT", "EXAMINE"):
            count = self.told = len(self.box.mails)
            self.say(f"* {count} EXISTS")
            self.say("* 0 RECENT")
            self.say("* FLAGS (\\Seen \\Deleted)")
            self.say("* OK [UIDVALIDITY 1] valid")
            self.say(f"* OK [UIDNEXT {count + 1}] next")
        elif verb == "IDLE":
            self.idle(tag)
            return
        elif verb == "NOOP":
            self.told = len(self.box.mails)
            self.say(f"* {self.told} EXISTS")
        elif verb == "UID" and "SEARCH" in rest.upper():
            first = int(re.search(r"(\d+):\*", rest).group(1))
            count = len(self.box.mails)
            first = min(first, count) if count else first
            uids = range(max(first, 1), count + 1)
            self.say(" ".join(["* SEARCH"] + [str(uid) for uid in uids]))
        elif verb == "UID" and "FETCH" in rest.upper():
            self.fetch(rest)
        elif verb not in ("CLOSE", "EXPUNGE", "CHECK"):
            self.say(f"{tag} BAD what")
            return
        self.say(f"{tag} OK {verb}")

    def idle(self, tag):
        self.say("+ idling")
        self.request.settimeout(0.2)
        while True:
            with self.box.changed:
                now = len(self.box.mails)
            if now != self.told:  # also what came before IDLE began
                self.say(f"* {now} EXISTS")
                self.told = now
            try:
                if self.request.recv(100).upper().startswith(b"DONE"):
                    break
                return
            except TimeoutError:
                continue
        self.request.settimeout(None)
        self.say(f"{tag} OK IDLE")

    def fetch(self, rest):
        for run in rest.split()[2].split(","):
            first, _, last = run.partition(":")
            for uid in range(int(first), int(last or first) + 1):
                if 1 <= uid <= len(self.box.mails):
                    self.fetch_one(uid, rest)

    def fetch_one(self, uid, rest):
        mail = self.box.mails[uid - 1]
        facts = f"UID {uid} RFC822.SIZE {len(mail)}"
        if "INTERNALDATE" in rest.upper():
            facts += ' INTERNALDATE "24-Nov-2026 10:00:00 +0000"'
        part = re.search(r"BODY\.PEEK\[\](?:<(\d+)\.(\d+)>)?", rest, re.I)
        if not part:
            self.say(f"* {uid} FETCH ({facts})")
            return
        start = int(part.group(1) or 0)
        piece = mail[start:start + int(part.group(2) or len(mail))]
        where = f"<{start}>" if part.group(1) else ""
        self.wfile.write(f"* {uid} FETCH ({facts} BODY[]{where} "
                         f"{{{len(piece)}}}\r\n".encode())
        self.wfile.write(piece + b")\r\n")
        self.wfile.flush()


def serve(handler, relay, tls, plain=False):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.relay = relay
    server.tls = tls
    server.plain = plain
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    d = pathlib.Path(sys.argv[1]).resolve()
    mailhost.certificates(d / "tls")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(d / "tls/server.pem", d / "tls/server.key")
    relay = Relay(d)
    ministry = serve(Smtp, relay, tls, plain=True)
    answers = {
        "smtp": serve(Smtp, relay, tls), "imaps": serve(Imap, relay, tls),
        "ministry_smtp": ministry, "ca_file": str(d / "tls/ca.pem"),
        "user": "bureau", "password": mailhost.PASSWORD,
        "members": str(d / "mail/members/Maildir"),
        "bureau": str(d / "mail/bureau/Maildir"), "log": str(relay.log)}
    mailhost.Ministries(d / "mail/members/Maildir", ministry).start()
    print(json.dumps(answers), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
