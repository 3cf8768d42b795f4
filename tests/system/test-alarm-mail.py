#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms that operators are told by mail: what they are sent, over which relay
and when, that one is not lost when the daemon is killed, and that no mail goes
to an address that came back. Relays are scripted, and one is a real Postfix."""
import email
import email.policy
import json
import pathlib
import re
import signal
import socketserver
import sys
import tempfile
import threading

import harness
from harness import wait_for

AUTH, SETUP = 2, 4  # enum ch_relay_fault
FAILED = harness.FAILED


class Relay(socketserver.ThreadingTCPServer):
    """Takes mails, unless told to refuse: at MAIL, or an address."""
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Dialogue)
        self.mails = []     # (sender, recipients, message)
        self.refuse = {}    # address: reply
        self.closed = threading.Event() # say 421 at the greeting
        self.hold = None    # an event: wait for it before the end's reply
        self.at_end = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def conf(self, name, **keys):
        return {"name": name, "port": self.server_address[1],
                "connections": 1, **keys}


class Dialogue(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        relay = self.server
        if relay.closed.is_set():
            self.say("421 4.3.2 closed")
            return
        self.say("220 relay.example ESMTP")
        sender, recipients = None, []
        for line in self.rfile:
            verb = line.strip().upper()
            if verb.startswith((b"EHLO", b"HELO")):
                self.say("250 relay.example")
            elif verb.startswith(b"MAIL"):
                sender = re.search(rb"<(.*?)>", line)[1].decode()
                self.say("250 2.1.0 ok")
            elif verb.startswith(b"RCPT"):
                address = re.search(rb"<(.*?)>", line)[1].decode()
                reply = relay.refuse.get(address, "250 2.1.5 ok")
                self.say(reply)
                if reply[0] == "2":
                    recipients.append(address)
            elif verb == b"DATA" and not recipients:
                self.say("554 5.5.1 nobody to send it to")
            elif verb == b"DATA":
                self.say("354 go on")
                data = b""
                for part in self.rfile:
                    if part == b".\r\n":
                        break
                    data += part[1:] if part[:1] == b"." else part
                relay.at_end.set()
                if relay.hold:
                    relay.hold.wait(harness.TIMEOUT)
                relay.mails.append((sender, recipients, data))
                self.say("250 2.0.0 taken")
                sender, recipients = None, []
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class Room(harness.Room):
    """The relays of letters are played by the test, those of alarms are
    there."""

    def __init__(self, relays, puppets=("send",), mailboxes=(), **mail):
        super().__init__(puppets=list(puppets))
        self.relays = relays
        self.set_up(mailboxes, **mail)

    def set_up(self, mailboxes=(), every="1s", **mail):
        self.configure(self.relays, mailboxes, alarms={
            "every": every,
            "mail": {"to": ["op@house.example"], **mail}})

    def refuse(self, worker):
        """A relay that does not like our password: alarm.auth."""
        worker.ready(0)
        worker.send("send-fault", fault=AUTH, code=535, text="no")

    def types(self):
        return [event["type"] for event in self.events()]

    def told(self, kind="alarms.mailed"):
        return [event["detail"] for event in self.events()
                if event["type"] == kind]


def read(mail):
    return email.message_from_bytes(mail[2], policy=email.policy.default)


def text_of(mail):
    return read(mail).get_content()


def raise_one(room):
    room.enqueue("DM-1", harness.table(2))
    room.refuse(room.puppet("send"))
    return room.wait_event("alarm.auth")


def test_what_an_operator_reads():
    with Relay() as relay, Room(
            [relay.conf("main")], to=["op@house.example", "b@house.example"],
            **{"from": "Mail room <room@house.example>"}) as room:
        room.start()
        raise_one(room)
        room.wait_event("alarms.mailed")
        (mail,) = relay.mails
        assert re.fullmatch(r"bounces\+[^+@]+@chancery\.example", mail[0])
        assert mail[1] == ["op@house.example", "b@house.example"], mail
        message = read(mail)
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["From"] == "Mail room <room@house.example>"
        assert message["To"] == "op@house.example, b@house.example"
        assert message["Subject"] == "[chancery.example] alarm.auth"
        assert message["Message-ID"] and message["Date"]
        assert message["Content-Language"] == "en"
        assert all(len(line) <= 998 for line in mail[2].split(b"\r\n"))
        text = text_of(mail)
        event = [e for e in room.events() if e["type"] == "alarm.auth"][0]
        assert f"{event['at']} alarm.auth" in text, text
        assert "about: main" in text and "no" in text, text
        assert room.told() == [{"relay": "main", "alarms": 1,
                                "to": mail[1]}], room.told()
        # the mail itself is no alarm, and nothing is told twice
        assert [t for t in room.types() if t.startswith("alarm.")] == [
            "alarm.auth"], room.types()


def test_a_relay_that_is_down_is_one_mail_later():
    """It gathers, over and over; an event says so once, and nothing piles
    up."""
    with Relay() as relay:
        relay.closed.set()
        with Room([relay.conf("main"), {"name": "other", "port": 9,
                                        "connections": 1}],
                  relay="main") as room:
            room.start()
            room.enqueue("DM-1", harness.table(2))
            room.refuse(room.puppet("send"))
            room.wait_event("alarms.not_mailed")
            room.refuse(room.puppet("send"))
            wait_for("two failures", lambda: room.log().count(
                "alarms.mail: main: ") >= 2)
            assert not relay.mails, relay.mails
            (why,) = room.told("alarms.not_mailed")
            assert why["relay"] == "main" and "421" in why["text"], why
            relay.closed.clear()
            room.wait_event("alarms.mailed")
            (mail,) = relay.mails
            assert read(mail)["Subject"].endswith(", and 1 more")
            assert text_of(mail).count("alarm.auth") == 2, text_of(mail)


def test_the_next_relay_has_its_turn():
    with Relay() as first, Relay() as second:
        first.closed.set()
        with Room([first.conf("main"), second.conf("other")]) as room:
            room.start()
            raise_one(room)
            room.wait_event("alarms.mailed")
            assert room.told()[0]["relay"] == "other", room.told()
            assert len(second.mails) == 1 and not first.mails


def test_a_kill_between_the_alarm_and_its_mail():
    """While no relay takes it, and while one has it at its end: after the start
    it is told, and an alarm that was told is not told again."""
    with Relay() as relay:
        relay.closed.set()
        with Room([relay.conf("main")]) as room:
            room.start()
            raise_one(room)
            room.wait_event("alarms.not_mailed")
            room.kill()
            relay.closed.clear()
            room.start()
            worker = room.puppet("send")
            room.wait_event("alarms.mailed")
            assert text_of(relay.mails[0]).count("alarm.auth") == 1
            # told, and the store knows
            room.kill()
            worker.exit()
            relay.mails.clear()
            relay.hold = threading.Event()
            relay.at_end.clear()
            room.start()
            room.refuse(room.puppet("send"))
            assert relay.at_end.wait(harness.TIMEOUT)
            room.kill()
            relay.hold.set()
            wait_for("the mail", lambda: len(relay.mails) == 1)
            room.start()
            room.wait_event("alarms.mailed", after=max(
                e["cursor"] for e in room.events()
                if e["type"] == "alarms.mailed"))
            # its reply was nobody's: told once more, rather than not at all
            assert len(relay.mails) == 2, relay.mails
            both = [text_of(mail) for mail in relay.mails]
            assert both[0].count("alarm.auth") == 1, both
            assert both[1].count("alarm.auth") == 1, both


def a_mailbox(room):
    secret = room.root / "password"
    secret.touch(0o600)
    secret.write_text("secret")
    return {"name": "desk", "port": 9, "tls": "none", "auth": "plain",
            "user": "desk", "password": str(secret)}


def test_addresses_that_are_refused_or_come_back():
    """Those that are none are written to no more, until somebody says so."""
    with Relay() as relay:
        relay.refuse["none@house.example"] = "550 5.1.1 nobody"
        relay.refuse["full@house.example"] = "452 4.2.2 full"
        with Room([relay.conf("main")], puppets=("send", "receive"),
                  to=["op@house.example", "none@house.example",
                      "full@house.example"]) as room:
            room.set_up([a_mailbox(room)],
                        to=["op@house.example", "none@house.example",
                            "full@house.example"])
            room.start()
            reader = room.puppet("receive")
            reader.expect("receive-setup")
            reader.send("receive-state", connected=1, uidvalidity=7)
            raise_one(room)
            room.wait_event("alarms.mailed")
            (told,) = room.told()
            assert told["to"] == ["op@house.example"], told
            assert told["refused"] == [
                "none@house.example: 550 5.1.1 nobody",
                "full@house.example: 452 4.2.2 full"], told
            assert [e["detail"]["address"] for e in room.events()
                    if e["type"] == "address.suppressed"] == [
                        "none@house.example"]
            # an answer of a machine changes nothing, a bounce does
            token = relay.mails[0][0].split("+")[1].split("@")[0].encode()
            tell(reader, 1, 5, token)  # an automatic answer
            tell(reader, 2, 0, b"x" * 30)  # not our token
            assert "op@house.example" not in suppressed(room)
            tell(reader, 3, 0, token)
            assert "op@house.example" in suppressed(room)
            assert [t for t in room.types() if t.startswith("alarm.")] == [
                "alarm.auth"], room.types()
            relay.refuse.clear()
            relay.mails.clear()
            room.kill()
            room.start()
            room.refuse(room.puppet("send"))
            wait_for("the mail", lambda: relay.mails)
            assert relay.mails[0][1] == ["full@house.example"], relay.mails


def tell(reader, uid, kind, token):
    reader.send("receive-mail", uidvalidity=7, uid=uid, kind=kind,
                rule="test", size_bytes=100, sha256=uid.to_bytes(32, "big"),
                token=token, message_id=b"%d@relay.example" % uid,
                recipients=[{"kind": kind, "address": "op@house.example",
                             "status": "5.1.1", "diagnostic": "unknown"}]
                if kind == 0 else [],
                **{"from": "daemon@relay.example", "subject": "x"})
    reader.expect("receive-ack")


def suppressed(room):
    return [e["detail"]["address"] for e in room.events()
            if e["type"] == "address.suppressed"]


def test_nobody_is_left():
    with Relay() as relay, Room([relay.conf("main")]) as room:
        relay.refuse["op@house.example"] = "550 5.1.1 nobody"
        room.start()
        raise_one(room)
        room.wait_event("alarms.not_mailed")
        wait_for("the end of it", lambda: "nobody is left" in room.log())
        assert [d["alarms"] for d in room.told("alarms.not_mailed")] == [
            1, 1], room.told("alarms.not_mailed")
        assert not relay.mails, relay.mails
        shown = [a["type"] for a in room.status()["alarms"]]
        assert shown.count("alarm.mail") == 1, shown
        # He is there again; and who was told of nothing hears of that, too.
        relay.refuse.clear()
        assert room.post("/v1/unsuppress",
                         {"address": "op@house.example"}).status == 200
        assert room.post("/v1/relays/main/resume").status == 200
        room.refuse(room.puppet("send"))
        room.wait_event("alarms.mailed")
        shown = [a["type"] for a in room.status()["alarms"]]
        assert "alarm.mail" not in shown, shown
        assert "alarm.cleared" in text_of(relay.mails[0])


def alarms_in(mail):
    """The types that a mail tells of, in its order."""
    return re.findall(r"(?m)^20\S+ (alarm\.\w+)", text_of(mail))


def test_only_what_is_chosen_is_told():
    """And its end with it."""
    chosen = {"types": ["alarm.bounce", "alarm.auth"]}
    with Relay() as relay, Room([relay.conf("main")],
                                puppets=("send", "receive"), **chosen) as room:
        room.set_up([a_mailbox(room)], **chosen)
        room.start()
        reader = room.puppet("receive")
        reader.expect("receive-setup")
        for fault, event in ((SETUP, "alarm.setup"), (AUTH, "alarm.auth")):
            reader.send("receive-state", connected=1, uidvalidity=7,
                        fault=fault, text="no")
            room.wait_event(event)
        wait_for("a mail", lambda: relay.mails)
        assert [alarms_in(mail) for mail in relay.mails] == [["alarm.auth"]]
        room.set_up(**chosen)  # the mailbox is given up
        room.signal(signal.SIGHUP)
        wait_for("its end", lambda: len(relay.mails) == 2)
        assert alarms_in(relay.mails[1]) == ["alarm.cleared"]
        assert room.types().count("alarm.cleared") == 2


def test_each_operator_is_told_his_own():
    """Lists apart: what is told, what is refused, and what is told later."""
    lists = [{"to": ["night@house.example"], "types": ["alarm.auth"]},
             {"to": ["desk@house.example", "b@house.example"],
              "types": ["alarm.setup"]}]
    keys = {"to": ["op@house.example"], "types": ["alarm.bounce"],
            "operators": lists}
    with Relay() as relay, Room([relay.conf("main")],
                                puppets=("send", "receive"), **keys) as room:
        room.set_up([a_mailbox(room)], **keys)
        room.start()
        reader = room.puppet("receive")
        reader.expect("receive-setup")
        relay.refuse["night@house.example"] = "451 4.3.0 not now"
        for fault, event in ((SETUP, "alarm.setup"), (AUTH, "alarm.auth")):
            reader.send("receive-state", connected=1, uidvalidity=7,
                        fault=fault, text="no")
            room.wait_event(event)
        room.wait_event("alarms.not_mailed")
        wait_for("a mail", lambda: relay.mails)
        assert [(mail[1], alarms_in(mail)) for mail in relay.mails] == [
            (lists[1]["to"], ["alarm.setup"])]
        # Killed, with the lists sorted anew, it knows whom it has not told.
        room.kill()
        keys["operators"] = lists[::-1]
        relay.refuse.clear()
        room.set_up(**keys)
        room.start()
        wait_for("the other one's", lambda: len(relay.mails) >= 2)
        assert relay.mails[1][1] == lists[0]["to"], relay.mails
        assert alarms_in(relay.mails[1])[0] == "alarm.auth"
        assert len({read(mail)["Message-ID"] for mail in relay.mails}) == \
            len(relay.mails)


def test_what_the_configuration_may_say():
    night = {"to": ["op@house.example"]}
    for mail, wrong in (({"operators": [night]}, "is named twice"),
                        ({"operators": [{"to": []}]}, "needs at least 1"),
                        ({"operators": [{"to": ["n@house.example"],
                                         "types": ["alarm.tsl"]}]},
                         "alarms.mail.operators[0].types[0]: there is no alarm "
                         '"alarm.tsl"'),
                        ({"types": ["alarm.x"]}, "there are alarm.auth, "
                         "alarm.batch, "),
                        ({"types": ["alarm.bounces"]}, "there is no alarm"),
                        ({"types": ["alarm.cleared"]}, "there is no alarm"),
                        ({"to": ["Op <op@house.example>"]}, "is no address"),
                        ({"to": ["op"]}, "is no address"),
                        ({"relay": "more"}, "there is no relay")):
        with Room([{"name": "main", "port": 9}], **mail) as room:
            room.spawn()
            assert room.wait() == 78
            assert wrong in room.log(), room.log()
    with Room([]) as room:
        room.spawn()
        assert room.wait() == 78
        assert "there is no relay for these mails" in room.log(), room.log()


# ---- a real relay ------------------------------------------------------------

def delivered(facts):
    return [path.read_bytes()
            for path in pathlib.Path(facts["members"]).glob("new/*")]


def through_postfix(facts, root):
    """TLS and a login, as letters have them; a bounce comes back by a real
    mailbox and ends it."""
    secret = root / "password"
    secret.write_text(facts["password"])
    secret.chmod(0o600)
    common = {"host": "localhost", "ca_file": facts["ca_file"],
              "user": facts["user"], "password": str(secret)}
    with harness.Room(
            [{**common, "name": "postfix", "port": facts["smtp"],
              "tls": "starttls", "auth": "plain"},
             {"name": "broken", "port": 9, "backup": True}],
            [{**common, "name": "bureau", "port": facts["imaps"],
              "poll": "1s"},
             {**common, "name": "gone", "port": 9}],
            conf={"alarms": {"every": "1s", "mail": {"to": [
                "minister@gb.members.example",
                "gone@gb.members.example"]}}}) as room:
        room.start()
        event = room.wait_event("alarms.mailed")
        assert event["detail"]["relay"] == "postfix", event
        mails = wait_for("the mail", lambda: [
            m for m in delivered(facts) if b"Auto-Submitted" in m])
        message = email.message_from_bytes(mails[0],
                                           policy=email.policy.default)
        assert message["Auto-Submitted"] == "auto-generated", mails[0]
        assert "gone" in message.get_content(), message.get_content()
        event = room.wait_event("address.suppressed")
        assert event["detail"]["address"] == "gone@gb.members.example", event


def inside():
    with tempfile.TemporaryDirectory(prefix="ch-alarm-mail-") as folder:
        root = pathlib.Path(folder)
        with harness.mail_servers(root) as facts:
            through_postfix(facts, root)


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        inside()
        sys.exit(0)
    harness.run_all(dict(globals()))
    if not sys.argv[1:]:
        status = harness.among_servers(__file__)
        sys.exit(0 if status == harness.SKIP else status)
