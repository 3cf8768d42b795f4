#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chancery-receive against scripted IMAP servers, most of them hostile.

Each case is a server (a Session with one step of its own) and what the worker
must make of it: which fault it reports and what it says, that it ends by itself
and in time, or which mails come out, each once.
"""
import base64
import concurrent.futures
import hashlib
import os
import pathlib
import random
import re
import shutil
import ssl
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(os.environ["top_srcdir"])
sys.path[:0] = [str(TOP / "tests/peers"), str(TOP / "tests/servers"),
                str(TOP / "tests/system")]
import imap_peer
import mailhost
from imap_peer import Closed, Peer, Session
from receiver import (AUTH_FAULT, CONNECT, FAULT_STATUS, GREETING, SETUP,
                      TLS_FAULT, UNLIMITED, Place, receive)

MEMORY_KIB = 150 * 1024

MAIL = (b"Return-Path: <minister@fr.members.example>\r\n"
        b"Delivered-To: bounces+abc@chancery.example\r\n"
        b"From: \"Minister\" <minister@fr.members.example>\r\n"
        b"To: bureau@chancery.example\r\n"
        b"Subject: =?utf-8?q?R=C3=A9ponse?=\r\n"
        b"Message-ID: <%d@fr.members.example>\r\n"
        b"In-Reply-To: <letter-1@chancery.example>\r\n"
        b"\r\n"
        b"We shall be four.\r\n")
MAILS = {uid: MAIL % uid for uid in (3, 5, 9)}
FAULTS = []  # (name, session, fault, text, options)
CASES = []


def fault(fault_number, text, name=None, mails=None, **options):
    """This session must end in that fault."""
    def add(session):
        FAULTS.append((name or session.__name__, session, fault_number, text,
                       mails or MAILS, options))
        return session
    return add


def case(function):
    CASES.append((function.__name__, function))
    return function


def wait_until_idle(peer, count=1):
    """Until it waits in IDLE for the count-th time."""
    end = time.monotonic() + 60
    while len(peer.said(" IDLE")) < count:
        assert time.monotonic() < end, peer.commands
        time.sleep(0.01)


def wait_in_idle(peer, count=1):
    """Until it has read the "+" too: then it can leave politely."""
    wait_until_idle(peer, count)
    end = time.monotonic() + 60
    while peer.idling < count or not peer.all_is_read():
        assert time.monotonic() < end, peer.commands
        time.sleep(0.01)


def peak_kib(worker):
    """The most memory it had: what wait4() says has that of its parent too."""
    status = pathlib.Path(f"/proc/{worker.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+)", status)[1])


# ---- servers that must be refused ------------------------------------------


@fault(CONNECT, "no answer in time", command_timeout_ms=1500)
class SaysNothing(Session):
    def greet(self):
        self.hang()


@fault(CONNECT, "did not end in time|no answer in time",
       command_timeout_ms=1500)
class Drips(Session):
    def greet(self):
        for char in "* OK " + "x" * 3000:
            self.raw(char)
            time.sleep(0.05)


@fault(GREETING, "BYE no service today")
class SaysBye(Session):
    def greet(self):
        self.say("* BYE no service today")


@fault(CONNECT, "greeting: .*220 smtp")
class IsNoImap(Session):
    def greet(self):
        self.say("220 smtp.example ESMTP")
        self.hang()


@fault(CONNECT, "line longer than")
class GreetsForEver(Session):
    def greet(self):
        self.raw("* OK ")
        while True:
            self.raw(b"x" * 65536)


@fault(AUTH_FAULT, "AUTHENTICATIONFAILED")
class KnowsNobody(Session):
    def judge(self, user, password):
        self.no("[AUTHENTICATIONFAILED] \x1b[31mno")


@fault(CONNECT, "UNAVAILABLE")
class IsInTrouble(Session):
    def judge(self, user, password):
        self.no("[UNAVAILABLE] the user database is down")


@fault(AUTH_FAULT, "no way to log in")
class HasNoLogin(Session):
    capabilities = "IMAP4rev1 LOGINDISABLED AUTH=GSSAPI"


@fault(AUTH_FAULT, "no way to log in", auth="cram-md5")
class HasNoCramMd5(Session):
    capabilities = "IMAP4rev1 AUTH=PLAIN"


@fault(AUTH_FAULT, "NO|BAD")
class OffersWhatItHasNot(Session):
    def on_authenticate(self, _):
        self.say(f"{self.tag} BAD no such mechanism")


@fault(AUTH_FAULT, "asks for more")
class AsksForEver(Session):
    def on_authenticate(self, _):
        while True:
            self.say("+ bW9yZQ==")
            self.hear()


@fault(AUTH_FAULT, "no base64", auth="cram-md5")
class ChallengesWithNoise(Session):
    def on_authenticate(self, _):
        self.say("+ %%%%")
        self.hang()


@fault(AUTH_FAULT, "unasked")
class LetsEverybodyIn(Session):
    def on_authenticate(self, _):
        self.ok("come in")


@fault(AUTH_FAULT, "no way to log in")
class OffersNothing(Session):
    """CAPABILITY answered with OK and no data: mailimap_capability() reads
    through NULL there."""

    capabilities = ""

    def on_capability(self, _):
        self.ok("I can do everything")

    def on_login(self, rest):
        self.no("not so")


FAULTS[-1] = (*FAULTS[-1][:2], AUTH_FAULT, "not so", *FAULTS[-1][4:])


@fault(SETUP, "EXAMINE.*no such folder")
class HasNoFolder(Session):
    def on_examine(self, _):
        self.no("[NONEXISTENT] no such folder")


@fault(SETUP, "UIDVALIDITY")
class NumbersNothing(Session):
    def on_examine(self, _):
        self.say("* 1 EXISTS")
        self.ok("[READ-ONLY]")


@fault(CONNECT, "literal of 4000000000 bytes")
class SendsHugeLiteral(Session):
    def give(self, uid, mail, part):
        self.raw(f"* 1 FETCH (UID {uid} BODY[] {{4000000000}}\r\n")
        while True:
            self.raw(b"x" * 65536)


@fault(CONNECT, "literal", max_message_bytes=100000)
class SendsMoreThanAskedFor(Session):
    def give(self, uid, mail, part):
        self.raw(f"* 1 FETCH (UID {uid} BODY[] {{3000000}}\r\n")
        while True:
            self.raw(b"x" * 65536)


@fault(CONNECT, "literal that is none")
class SendsLiteralThatIsNone(Session):
    def give(self, uid, mail, part):
        self.raw(f"* 1 FETCH (UID {uid} BODY[] {{99999999999999999999}}\r\n"
                 "abc)\r\n")
        self.ok()


@fault(CONNECT, "literal where none")
class SendsLiteralInList(Session):
    def on_noop(self, _):
        self.raw("* LIST () \"/\" {4000000000}\r\n")
        self.hang()


@fault(CONNECT, "parentheses")
class SendsParentheses(Session):
    def give(self, uid, mail, part):
        self.say(f"* 1 FETCH (UID {uid} BODYSTRUCTURE " + "(" * 60000)
        self.ok()


@fault(CONNECT, "line longer than")
class SendsManyParentheses(Session):
    def give(self, uid, mail, part):
        self.say(f"* 1 FETCH (UID {uid} BODYSTRUCTURE " + "(" * 300000)
        self.ok()


@fault(CONNECT, "line longer than")
class SendsEndlessLine(Session):
    def on_uid_fetch(self, rest):
        self.raw("* 1 FETCH (UID 3 FLAGS (")
        while True:
            self.raw(b"x" * 65536)


@fault(CONNECT, "no IMAP")
class EndsAFetchInNonsense(Session):
    """libetpan does not free the literal before it: that ends with the worker,
    as after any answer that it cannot read."""

    def give(self, uid, mail, part):
        self.raw(f"* 1 FETCH (UID {uid} BODY[] {{{len(mail)}}}\r\n".encode() +
                 mail + b" BODY)\r\n")
        self.ok()


@fault(CONNECT, "section")
class SendsASection(Session):
    """libetpan does not free what it has read of it."""

    def give(self, uid, mail, part):
        self.say(f"* 1 FETCH (UID {uid} BODY[1[")
        self.hang()


@fault(CONNECT, "more in answer to one command")
class Floods(Session):
    def on_uid_fetch(self, rest):
        while True:
            self.raw(b"* 1 FETCH (FLAGS (\\Seen))\r\n" * 2000)


@fault(CONNECT, "more in answer to one command")
class FloodsSearch(Session):
    def on_uid_search(self, rest):
        self.raw("* SEARCH")
        while True:
            self.raw(b" 4000000000" * 6000)


@fault(CONNECT, "more in answer|no answer in time|in time")
class FloodsIdle(Session):
    def on_idle(self, _):
        self.say("+ idling")
        while True:
            self.raw(b"* 3 EXISTS\r\n" * 5000)


@fault(CONNECT, "not asked|no IMAP|in time", command_timeout_ms=3000)
class AnswersWithWrongTag(Session):
    def on_noop(self, _):
        self.say("A999 OK done")
        self.hang()


@fault(CONNECT, "not asked")
class AnswersIdleWithWrongTag(Session):
    def on_idle(self, _):
        self.say("A999 OK done")
        self.hang()


@fault(CONNECT, "NUL")
class SendsNul(Session):
    def on_noop(self, _):
        self.raw(b"* 1 EX\0ISTS\r\n")
        self.ok()


@fault(CONNECT, "no answer in time", command_timeout_ms=1500)
class NeverSaysPlus(Session):
    def on_idle(self, _):
        self.hang()


@fault(CONNECT, "no answer in time", command_timeout_ms=1500, idle_max_ms=50)
class NeverEndsIdle(Session):
    def on_idle(self, _):
        self.say("+ idling")
        self.hang()


@fault(CONNECT, "IDLE: .*closed", idle_max_ms=50)
class LeavesInIdle(Session):
    def on_idle(self, _):
        self.say("+ idling")
        self.hear()
        raise Closed


@fault(CONNECT, "anew")
class NumbersAnewInIdle(Session):
    def on_idle(self, _):
        self.say("+ idling")
        self.say("* OK [UIDVALIDITY 4711] everything is different now")
        self.hear()
        self.ok()


@fault(CONNECT, "anew")
class NumbersAnewInSearch(Session):
    def on_uid_search(self, rest):
        self.say("* OK [UIDVALIDITY 4711] everything is different now")
        super().on_uid_search(rest)


@fault(CONNECT, "UID SEARCH: .*no number")
class FindsWords(Session):
    def on_uid_search(self, rest):
        self.say("* SEARCH 3 five 9")
        self.ok()


@fault(CONNECT, "anew")
class NumbersAnew(Session):
    def on_noop(self, _):
        self.say("* OK [UIDVALIDITY 4711] everything is different now")
        self.ok()


@fault(CONNECT, "anew")
class NumbersAnewInFetch(Session):
    """Its bytes are of nobody knows which mail."""

    def give(self, uid, mail, part):
        self.say("* OK [UIDVALIDITY 4711] everything is different now")
        super().give(uid, mail, part)


@fault(CONNECT, "closed|BYE|no IMAP")
class SaysByeInFetch(Session):
    def give(self, uid, mail, part):
        self.say("* BYE going down")
        raise Closed


@fault(CONNECT, "no answer in time", command_timeout_ms=1500)
class StallsInLiteral(Session):
    def give(self, uid, mail, part):
        self.raw(f"* 1 FETCH (UID {uid} BODY[] {{{len(mail)}}}\r\nabc")
        self.hang()


@fault(CONNECT, "closed")
class LeavesInLiteral(Session):
    def give(self, uid, mail, part):
        self.raw(f"* 1 FETCH (UID {uid} BODY[] {{{len(mail)}}}\r\nabc")
        raise Closed


# ---- servers that must be refused before or in TLS --------------------------


@fault(TLS_FAULT, "PREAUTH", tls="starttls")
class LetsInBeforeTls(Session):
    def greet(self):
        self.say("* PREAUTH you are somebody")


@fault(TLS_FAULT, "plain bytes", tls="starttls")
class InjectsBeforeTls(Session):
    def on_starttls(self, _):
        self.raw(f"{self.tag} OK begin\r\n"
                 "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n3 OK done\r\n")
        self.hang()


@fault(TLS_FAULT, "plain bytes", tls="starttls")
class InjectsHalfALine(Session):
    def on_starttls(self, _):
        self.raw(f"{self.tag} OK begin\r\n* CAPA")
        self.hang()


@fault(TLS_FAULT, "plain bytes", tls="starttls")
class InjectsWhatIsUnknown(Session):
    """A line that is dropped unread."""

    def on_starttls(self, _):
        self.raw(f"{self.tag} OK begin\r\n* INJECTED\r\n")
        self.hang()


@fault(TLS_FAULT, "plain bytes", tls="starttls")
class InjectsALineEnd(Session):
    def on_starttls(self, _):
        self.raw(f"{self.tag} OK begin\r\n\r\n")
        self.hang()


@fault(TLS_FAULT, "does not offer STARTTLS", tls="starttls")
class HasNoTls(Session):
    before_tls = "IMAP4rev1 AUTH=PLAIN"


@fault(TLS_FAULT, "STARTTLS.*not today", tls="starttls")
class RefusesTls(Session):
    def on_starttls(self, _):
        self.no("not today")


@fault(TLS_FAULT, "certificate", name="WrongName", tls="starttls",
       host="127.0.0.2")
@fault(TLS_FAULT, "certificate", name="UnknownIssuer", tls="starttls",
       ca_file="/dev/null/none")
@fault(TLS_FAULT, "fingerprint of its public key.*not 0{64}", name="OtherKey",
       tls="starttls", fingerprint="0" * 64)
@fault(TLS_FAULT, "fingerprint of its public key.*not 0{64}",
       name="OtherKeyAlone", tls="starttls", fingerprint="0" * 64, ca_file="")
class IsSomebodyElse(Session):
    pass


def play_fault(root, name, session, number, text, mails, options):
    place = Place(root, name)
    tls = server_tls() if "tls" in options else None
    if name == "UnknownIssuer":
        other = root / "other"
        mailhost.certificates(other)
        options = {**options, "ca_file": str(other / "ca.pem")}
    address = options.get("host", "127.0.0.1")
    with Peer(session, mails, tls=tls, address=address) as peer:
        worker = place.begin(peer.port, **options)
        last, told_mails = None, []
        while True:
            message = worker.receive(90)
            if not message:
                break
            last = message
            if message[0] == "receive-mail":
                told_mails.append(message[1]["uid"])
                worker.send("receive-ack", uid=message[1]["uid"],
                            uidvalidity=message[1]["uidvalidity"])
        status = worker.wait()
        said = list(peer.commands)
    assert last and last[0] == "receive-state", last
    assert last[1]["connected"] == 0, last
    told = last[1]["text"].decode()
    assert last[1]["fault"] == number, (last, place.stderr())
    assert re.search(text, told), told
    assert "\x1b" not in told and imap_peer.PASSWORD not in told, told
    assert status == FAULT_STATUS, (status, place.stderr())
    assert name != "NumbersAnewInFetch" or not told_mails, told_mails
    if not UNLIMITED:
        assert worker.usage.ru_maxrss < MEMORY_KIB, worker.usage.ru_maxrss
    if number == TLS_FAULT:  # nothing that is secret was said
        assert not [line for line in said if "LOGIN" in line or
                    "AUTHENTICATE" in line], said


def server_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Place.certificates / "server.pem",
                            Place.certificates / "server.key")
    return context


# ---- what must come out ------------------------------------------------------


@case
def reads_all_and_what_comes_later(place):
    with Peer(Session, MAILS) as peer:
        worker = place.begin(peer.port)
        mails = receive(worker, 3)
        assert [mail["uid"] for mail in mails] == [3, 5, 9], mails
        for mail in mails:
            assert place.object(mail) == MAILS[mail["uid"]]
            assert mail["size_bytes"] == len(MAILS[mail["uid"]])
        mail = mails[0]
        assert mail["subject"].decode() == "R\u00e9ponse", mail
        assert mail["from"] == b"minister@fr.members.example"
        assert mail["message_id"] == b"3@fr.members.example"
        assert mail["references"] == [b"letter-1@chancery.example"]
        assert mail["text"].strip() == b"We shall be four.", mail
        assert mail["received_us"] == 1795509000 * 10 ** 6, mail
        assert mail["fault"] == b"" and mail["uidvalidity"] == 7
        wait_until_idle(peer)
        peer.add(12, MAIL % 12)
        assert receive(worker, 1)[0]["uid"] == 12
        wait_in_idle(peer, 2)
        assert place.stop() == 0, place.stderr()
        assert peer.said("LOGOUT") and not peer.said("SELECT")
        assert not peer.said("STORE") and not peer.said("BODY[")
        assert [line.split("FETCH ")[1] for line in peer.said("BODY.PEEK")
                ] == ["3,5,9 (UID BODY.PEEK[])", "12 (UID BODY.PEEK[])"]


@case
def loses_none_of_a_flood(place):
    """Mails come faster than they are acknowledged."""
    with Peer(Session, {}) as peer:
        worker = place.begin(peer.port)
        wait_until_idle(peer)
        for uid in range(1, 301):
            peer.add(uid, MAIL % uid)
        uids = [mail["uid"] for mail in receive(worker, 300)]
        assert uids == list(range(1, 301)), uids
        assert place.stop() == 0


@case
def polls_where_there_is_no_idle(place):
    class Plain(Session):
        capabilities = "IMAP4rev1 AUTH=PLAIN"
    with Peer(Plain, MAILS) as peer:
        worker = place.begin(peer.port)
        receive(worker, 3)
        peer.add(12, MAIL % 12)
        assert receive(worker, 1)[0]["uid"] == 12
        assert place.stop() == 0 and not peer.said("IDLE")


@case
def polls_where_idle_is_a_lie(place):
    class Lies(Session):
        def on_idle(self, _):
            self.say(f"{self.tag} BAD what is that")
    with Peer(Lies, MAILS) as peer:
        worker = place.begin(peer.port)
        receive(worker, 3)
        wait_until_idle(peer)
        peer.add(12, MAIL % 12)
        assert receive(worker, 1)[0]["uid"] == 12
        assert place.stop() == 0 and len(peer.said("IDLE")) == 1


@case
def hears_news_before_the_plus(place):
    class Early(Session):
        def on_idle(self, _):
            self.peer.mails[12] = MAIL % 12
            self.say("* 4 EXISTS")
            self.say("+ idling")
            assert self.hear() == "DONE"
            self.ok()
    with Peer(Early, MAILS) as peer:
        worker = place.begin(peer.port)
        assert [mail["uid"] for mail in receive(worker, 4)][3] == 12
        assert place.stop() == 0


@case
def says_idle_again_in_time(place):
    with Peer(Session, {}) as peer:
        place.begin(peer.port, idle_max_ms=50)
        wait_until_idle(peer, 3)
        assert place.stop() == 0


@case
def asks_a_server_that_cries_wolf_once_a_second(place):
    class Wolf(Session):
        def on_idle(self, _):
            self.say("+ idling")
            self.say("* 3 EXISTS")
            assert self.hear() == "DONE"
            self.ok()
    with Peer(Wolf, MAILS) as peer:
        start = time.monotonic()
        worker = place.begin(peer.port)
        receive(worker, 3)
        wait_until_idle(peer, 4)
        assert time.monotonic() - start > 1.9
        assert place.stop() == 0


def last_fault(worker):
    """What it ends with."""
    told = None
    while message := worker.receive(60):
        told = message
    assert worker.wait() == 75 and told[0] == "receive-state", told
    assert told[1]["connected"] == 0, told
    return told[1]["fault"], told[1]["text"].decode()


@case
def notices_a_folder_that_was_made_anew(place):
    """The server keeps the old one open, where nothing comes any more."""
    with Peer(Session, MAILS) as peer:
        worker = place.begin(peer.port, idle_max_ms=50)
        receive(worker, 3)
        wait_until_idle(peer, 3) # and while it is the same, goes on
        assert peer.connections == 1
        peer.uidvalidity = 8
        assert last_fault(worker) == (
            CONNECT, "the server numbers the folder anew")
        worker = place.begin(peer.port, uidvalidity=7, last_uid=9)
        assert {mail["uidvalidity"] for mail in receive(worker, 3)} == {8}
        assert place.stop() == 0


@case
def notices_a_folder_that_is_gone(place):
    class Deletes(Session):
        def on_examine(self, rest):
            if len(self.peer.said("EXAMINE")) > 2:
                self.no("[NONEXISTENT] no such folder")
            else:
                super().on_examine(rest)
    for idle in ("IDLE ", ""):
        Deletes.capabilities = f"IMAP4rev1 {idle}AUTH=PLAIN"
        with Peer(Deletes, MAILS) as peer:
            worker = place.begin(peer.port, idle_max_ms=50)
            receive(worker, 3)
            fault, text = last_fault(worker)
            assert fault == SETUP and "no such folder" in text, text
            assert peer.connections == 1


@case
def notices_smaller_numbers_under_the_same_uidvalidity(place):
    class Restores(Session):
        def on_examine(self, rest):
            self.say("* OK [UIDNEXT "
                     f"{10 if len(self.peer.said('EXAMINE')) < 3 else 6}] next")
            super().on_examine(rest)
    with Peer(Restores, MAILS) as peer:
        worker = place.begin(peer.port, idle_max_ms=50)
        receive(worker, 3)
        assert last_fault(worker)[0] == CONNECT


@case
def goes_on_after_the_last_mail(place):
    with Peer(Session, MAILS) as peer:
        worker = place.begin(peer.port, uidvalidity=7, last_uid=5)
        assert [mail["uid"] for mail in receive(worker, 1)] == [9]
        wait_until_idle(peer)
        assert place.stop() == 0
        assert len(peer.said("BODY.PEEK")) == 1


@case
def reads_nothing_where_all_is_done(place):
    with Peer(Session, MAILS) as peer:
        place.begin(peer.port, uidvalidity=7, last_uid=9)
        wait_until_idle(peer)
        assert place.stop() == 0 and not peer.said("FETCH")


@case
def reads_all_again_after_a_change_of_uidvalidity(place):
    with Peer(Session, MAILS, uidvalidity=8) as peer:
        worker = place.begin(peer.port, uidvalidity=7, last_uid=9)
        mails = receive(worker, 3)
        assert [mail["uid"] for mail in mails] == [3, 5, 9]
        assert {mail["uidvalidity"] for mail in mails} == {8}
        assert place.stop() == 0


@case
def ignores_the_mail_of_another_uid(place):
    class Mixes(Session):
        def give(self, uid, mail, part):
            super().give(3, b"Subject: wrong\r\n\r\nbefore\r\n", part)
            self.raw(f"* 2 FETCH (BODY[] {{{len(mail)}}}\r\n".encode() +
                     mail + f" UID {uid} FLAGS (\\Seen))\r\n".encode())
            super().give(9, b"Subject: wrong\r\n\r\nbehind\r\n", part)
    with Peer(Mixes, MAILS) as peer:
        worker = place.begin(peer.port, uidvalidity=7, last_uid=3)
        mails = receive(worker, 2)
        assert place.object(mails[0]) == MAILS[5]
        assert place.stop() == 0


@case
def takes_the_first_answer_for_each_mail_in_whatever_order(place):
    """All are given twice, the last mail first, sizes and bytes."""
    class Turns(Session):
        def on_uid_fetch(self, rest):
            part = "BODY" in rest
            uids = list(self.uids_of(rest.split()[2]))
            for uid in uids[::-1]:
                if part:
                    self.give(uid, self.peer.mails[uid], None)
                else:
                    self.give_size(uid, len(self.peer.mails[uid]))
            for uid in uids:
                if part:
                    self.give(uid, b"Subject: another\r\n\r\nx\r\n", None)
                else:
                    self.give_size(uid, 9000000)
            self.ok()
    with Peer(Turns, MAILS) as peer:
        worker = place.begin(peer.port)
        mails = receive(worker, 3)
        assert [mail["uid"] for mail in mails] == [3, 5, 9]
        assert [place.object(mail) for mail in mails] == list(MAILS.values())
        assert place.stop() == 0


@case
def a_number_without_a_mail_hides_none(place):
    """It is the largest that there is."""
    class Large(Session):
        def on_uid_search(self, rest):
            first = int(re.search(r"UID (\d+):\*$", rest)[1])
            found = [uid for uid in sorted(self.peer.mails) if uid >= first]
            self.say(" ".join(map(str, ["* SEARCH", *found, 4294967295])))
            self.ok()
    with Peer(Large, MAILS) as peer:
        worker = place.begin(peer.port)
        assert [mail["uid"] for mail in receive(worker, 3)] == [3, 5, 9]
        wait_in_idle(peer)
        peer.add(12, MAIL % 12)
        assert [mail["uid"] for mail in receive(worker, 1)] == [12]
        wait_in_idle(peer, 2)
        assert place.stop() == 0


@case
def says_that_no_number_is_left(place):
    """Now, and each time: nothing can come there any more."""
    with Peer(Session, {4294967295: MAIL % 3}) as peer:
        worker = place.begin(peer.port)
        assert receive(worker, 1)[0]["uid"] == 4294967295
        wait_in_idle(peer)
        peer.add(4, MAIL % 4)  # how would it be told from an old one?
        for _ in range(2):
            state = worker.expect("receive-state")
            while state["connected"]:
                state = worker.expect("receive-state")
            assert state["fault"] == SETUP, state
            assert b"4294967295, is used" in state["text"], state
            assert worker.receive() is None and worker.wait() == FAULT_STATUS
            worker = place.begin(peer.port, uidvalidity=7,
                                 last_uid=4294967295)
        while worker.receive():
            pass
        worker.wait()


@case
def reads_all_again_where_numbers_went_back(place):
    """The server is a backup of before, and says the same UIDVALIDITY: the mail
    that has come since has numbers that were used."""
    class Backup(Session):
        uidnext = 10

        def on_examine(self, rest):
            self.say(f"* OK [UIDNEXT {self.uidnext}] next")
            super().on_examine(rest)
    for uidnext, last_uid, uids in ((10, 9, []), (10, 10, [3, 5, 9]),
                                    (10, 4000000000, [3, 5, 9]),
                                    (10, 8, [9]), (4294967296, 8, [9]),
                                    (0, 8, [9]), ("x", 8, [9])):
        Backup.uidnext = uidnext
        with Peer(Backup, MAILS) as peer:
            worker = place.begin(peer.port, uidvalidity=7, last_uid=last_uid)
            mails = receive(worker, len(uids))
            assert [mail["uid"] for mail in mails] == uids, uidnext
            wait_in_idle(peer)
            assert place.stop() == 0


@case
def reads_a_mail_without_a_date(place):
    class Dateless(Session):
        def give_size(self, uid, size):
            self.say(f"* {self.number_of(uid)} FETCH (UID {uid} RFC822.SIZE "
                     f"{size})")
    with Peer(Dateless, MAILS) as peer:
        worker = place.begin(peer.port)
        mails = receive(worker, 3)
        assert [place.object(mail) for mail in mails] == list(MAILS.values())
        assert not any(mail["received_us"] for mail in mails)
        assert place.stop() == 0


@case
def misses_none_where_a_server_knows_no_sets(place):
    """It answers for the first of them only."""
    class First(Session):
        def uids_of(self, words):
            first = int(re.split("[,:]", words)[0])
            return [first] if first in self.peer.mails else []
    with Peer(First, MAILS) as peer:
        worker = place.begin(peer.port)
        mails = receive(worker, 3)
        assert [mail["uid"] for mail in mails] == [3, 5, 9]
        assert [place.object(mail) for mail in mails] == list(MAILS.values())
        assert place.stop() == 0


@case
def passes_by_what_was_deleted_meanwhile(place):
    class Deletes(Session):
        def on_uid_fetch(self, rest):
            if self.peer.mails.pop(5, None):
                self.say("* 2 EXPUNGE")
            super().on_uid_fetch(rest)
    with Peer(Deletes, MAILS) as peer:
        worker = place.begin(peer.port)
        assert [mail["uid"] for mail in receive(worker, 2)] == [3, 9]
        assert place.stop() == 0


@case
def lists_a_mail_that_the_server_does_not_give(place):
    class Withholds(Session):
        def give(self, uid, mail, part):
            if uid == 5:
                self.say(f"* 2 FETCH (UID 5 BODY[] NIL)")
            elif uid != 9:
                super().give(uid, mail, part)
    with Peer(Withholds, MAILS) as peer:
        worker = place.begin(peer.port)
        mails = receive(worker, 3)
        assert [mail["uid"] for mail in mails] == [3, 5, 9]
        assert place.object(mails[0]) == MAILS[3]
        for mail in mails[1:]:
            assert place.object(mail) == b"" and mail["fault"], mail
        assert place.stop() == 0


@case
def reads_the_first_part_of_a_large_mail(place):
    for lines in (3000, 30000):  # in one piece, in parts
        large = MAIL % 20 + (b"x" * 76 + b"\r\n") * lines
        with Peer(Session, {20: large, 21: MAIL % 21}) as peer:
            worker = place.begin(peer.port, max_message_bytes=100000)
            mails = receive(worker, 2)
            assert place.object(mails[0]) == large[:100000]
            assert mails[0]["size_bytes"] == len(large)
            assert b"only the first 100000 of" in mails[0]["fault"]
            assert mails[0]["from"] == b"minister@fr.members.example"
            assert mails[1]["fault"] == b""
            assert place.stop() == 0
            assert len(peer.said("BODY.PEEK[]<")) == (lines == 30000)


@case
def reads_a_mail_of_megabytes_in_parts(place):
    """It is kept whole, and never held whole."""
    large = MAIL % 20 + (b"y" * 76 + b"\r\n") * 1000000
    with Peer(Session, {20: large, 21: MAIL % 21}) as peer:
        worker = place.begin(peer.port, max_message_bytes=128 << 20)
        mails = receive(worker, 2)
        assert mails[0]["sha256"] == hashlib.sha256(large).digest()
        assert place.object(mails[0]) == large
        assert mails[0]["size_bytes"] == len(large)
        assert mails[0]["fault"] == b""
        assert mails[0]["from"] == b"minister@fr.members.example"
        assert mails[1]["fault"] == b""
        most = peak_kib(worker)
        assert place.stop() == 0
        assert peer.said("BODY.PEEK[]<1048576.1048576>")
    assert UNLIMITED or most < 40 * 1024, most


def large_hostile_mails():
    """What comes to no end, each of some 50 MiB, with what it has attached and
    what is wrong with it."""
    mixed = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    pdf = b"--b\r\nContent-Type: application/pdf\r\n"
    base64_ = b"Content-Transfer-Encoding: base64\r\n\r\n"
    size = 50 << 20
    yield mixed + pdf + base64_ + b"QUJD" * (size // 4), 1, b""
    yield mixed + pdf + base64_ + b"=" * size, 1, b""
    yield mixed + b"--b\r\nX: " + b"a" * size, 0, b"over 64 KiB"
    yield b"From: " + b"a\r\n " * (size // 4), 0, b"over 64 KiB"
    yield b"From: a\r\n" * (size // 9), 0, b"too many header fields"
    yield b"no field\r\n" * (size // 10), 0, b"over 1 MiB"
    yield mixed + (pdf + b"\r\n" + b"x" * 430 + b"\r\n") * 100000, 200, \
        b"more than 200 files"
    yield mixed + (b"--b\r\n\r\n" + b"word " * 100000) * 105, 0, b""
    yield mixed + (b"--b\r\nContent-Type: text/html\r\n\r\n"
                   + b"<!-- -->" * 65536 + b"\r\n") * 105, 0, \
        b"more than 8 MiB of text"
    yield b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
        % (i, i) for i in range(700000)), 0, b"nested"
    yield mixed + b"--b \r\n--c" * (size // 12), 0, b""


@case
def reads_what_has_no_end(place):
    """A worker for each: none takes more memory for it."""
    for mail, files, fault in large_hostile_mails():
        with Peer(Session, {20: mail, 21: MAIL % 21}) as peer:
            worker = place.begin(peer.port, max_message_bytes=128 << 20)
            mails = receive(worker, 2)
            assert mails[0]["sha256"] == hashlib.sha256(mail).digest()
            assert mails[0]["attachments"] == files == len(mails[0]["files"])
            assert fault in mails[0]["fault"] and bool(fault) == bool(
                mails[0]["fault"]), (fault, mails[0]["fault"])
            most = peak_kib(worker)
            assert place.stop() == 0
        assert UNLIMITED or most < 40 * 1024, (mail[:200], most)


@case
def keeps_a_mail_whose_parts_end_where_it_does(place):
    for more in (-1, 0, 1):
        large = MAIL % 20
        large += b"z" * (2 * 1048576 + more - len(large))

        class Guesses(Session):
            def give_size(self, uid, size):
                super().give_size(uid, size + 100000)
        with Peer(Guesses, {20: large}) as peer:
            worker = place.begin(peer.port, max_message_bytes=128 << 20)
            mail = receive(worker, 1)[0]
            assert place.object(mail) == large and mail["fault"] == b"", mail
            assert mail["size_bytes"] == len(large)
            assert place.stop() == 0


@case
def takes_no_part_that_it_did_not_ask_for(place):
    """A server that gives the beginning each time, one that stops to give, and
    one whose mail goes away meanwhile."""
    large = MAIL % 20 + b"z" * 5000000

    class Repeats(Session):
        def give(self, uid, mail, part):
            super().give(uid, mail, part and (0, part[1]))

    class Stops(Session):
        def give(self, uid, mail, part):
            if not part or part[0] == 0:
                super().give(uid, mail, part)

    class Deletes(Session):
        def give(self, uid, mail, part):
            super().give(uid, mail, part)
            self.peer.mails.pop(20, None)

    for session in (Repeats, Stops):
        with Peer(session, {20: large, 21: MAIL % 21}) as peer:
            worker = place.begin(peer.port, max_message_bytes=128 << 20)
            mails = receive(worker, 2)
            assert place.object(mails[0]) == large[:1048576]
            assert mails[0]["size_bytes"] == len(large)
            assert b"only the first 1048576 of" in mails[0]["fault"]
            assert place.stop() == 0
    with Peer(Deletes, {20: large, 21: MAIL % 21}) as peer:
        worker = place.begin(peer.port, max_message_bytes=128 << 20)
        assert receive(worker, 1)[0]["uid"] == 21
        assert place.stop() == 0
        assert not list((place.root / "objects").glob(".*"))


@case
def finds_all_of_a_large_folder(place):
    """More than are looked for at once. All are gone when their turn comes."""
    class Large(Session):
        def on_uid_search(self, rest):
            first = int(re.search(r"UID (\d+):\*$", rest)[1])
            self.say(" ".join(["* SEARCH", *map(str, range(first, 140001))]))
            self.ok()
    with Peer(Large, {}) as peer:
        worker = place.begin(peer.port)
        runs = []
        while not runs or runs[-1][1] != 140000:
            state = worker.expect("receive-state")
            if state["reading"]:
                runs.append((state["reading"], state["reading_to"]))
        assert sum(last - first + 1 for first, last in runs) == 140000
        assert all(last - first < 200 for first, last in runs)
        assert [first for first, _ in runs[1:]] == [
            last + 1 for _, last in runs[:-1]] and runs[0][0] == 1
        wait_until_idle(peer)
        assert len(peer.said("UID SEARCH")) == 3
        assert place.stop() == 0, place.stderr()


@case
def says_of_bombs_that_they_could_not_be_read(place):
    """Each is kept and told, with a fault, and what comes behind is read."""
    bombs = [
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\n\r\n" * 20000,
        b"From: " + b"(" * 300000 + b"\r\n\r\nx",
        b"To: " + b"a:" * 400000 + b"\r\n\r\nx",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
                 b"--b%d\r\n" % (i, i) for i in range(15000)),
        b"",
        b"Content-Type: text/plain; charset=x-none\r\n\r\n\xff\xfe",
    ]
    # A message in a message is not looked into: nothing of it is amiss.
    nested = b"Content-Type: message/rfc822\r\n\r\n" * 30000 + b"x"
    mails = dict(enumerate(bombs + [nested, MAIL % 9], 1))
    with Peer(Session, mails) as peer:
        worker = place.begin(peer.port, max_message_bytes=4 << 20)
        told = receive(worker, len(mails))
        for mail in told:
            assert place.object(mail) == mails[mail["uid"]]
            assert bool(mail["fault"]) == (mail["uid"] <= len(bombs)), mail
        assert place.stop() == 0


@case
def takes_a_size_that_is_not_exact(place):
    class Guesses(Session):
        def give_size(self, uid, size):
            super().give_size(uid, size // 2)
    with Peer(Guesses, MAILS) as peer:
        worker = place.begin(peer.port)
        assert [place.object(mail) for mail in receive(worker, 3)] == list(
            MAILS.values())
        assert place.stop() == 0


@case
def reads_dates_of_all_servers(place):
    dates = [("24-Nov-2026 10:00:00 +0130", 1795509000),
             (" 4-Nov-2026 10:00:00 +0000", 1793786400),
             ("04-Nov-2026 10:00:00 -0530", 1793786400 + 19800),
             ("4-Nov-2026 10:00:00 +0000", 1793786400),
             ("24-nov-2026 23:59:60 +0000", 1795564800),
             ("01-Jan-1904 00:00:00 +0000", 0),
             ("31-Dec-9999 23:59:59 +0000", 253402300799),
             ("32-Nov-2026 10:00:00 +0000", 0),
             ("24-Nov-2026 24:00:00 +0000", 0),
             ("1999999999-Nov-2026 10:00:00 +0000", 0)]

    class Dates(Session):
        def give_size(self, uid, size):
            self.say(f"* {uid} FETCH (INTERNALDATE \"{dates[uid - 1][0]}\" "
                     f"RFC822.SIZE {size} FLAGS (\\Seen $Forwarded) "
                     f"MODSEQ (624140003) UID {uid})")
    with Peer(Dates, {i + 1: MAIL % i for i in range(len(dates))}) as peer:
        worker = place.begin(peer.port)
        for mail, (text, seconds) in zip(receive(worker, len(dates)), dates):
            assert mail["received_us"] == seconds * 10 ** 6, (mail, text)
        assert place.stop() == 0


@case
def bears_small_liberties(place):
    """Spaces at ends, lower case, data beside a capability or a search."""
    class Sloppy(Session):
        def on_capability(self, _):
            self.say("* capability imap4rev1 idle auth=plain ")
            self.say(f"{self.tag} ok")

        def on_uid_search(self, rest):
            self.say("* search 3 5 9 ")
            self.say("* 3 exists")
            self.say(f"{self.tag} ok done")

        def give(self, uid, mail, part):
            self.raw(f"* 1 fetch (uid {uid} flags () body[] {{{len(mail)}}}"
                     "\r\n".encode() + mail + b" )\r\n")
    with Peer(Sloppy, MAILS) as peer:
        worker = place.begin(peer.port)
        assert [place.object(mail) for mail in receive(worker, 3)] == list(
            MAILS.values())
        assert place.stop() == 0


@case
def bears_the_capabilities_of_cyrus(place):
    """libetpan finds no IMAP in these."""
    class Cyrus(Session):
        capabilities = (
            "IMAP4rev1 LITERAL+ ID ENABLE ACL ANNOTATE-EXPERIMENT-1 BINARY "
            "CATENATE CHILDREN CONDSTORE CREATE-SPECIAL-USE ESEARCH ESORT "
            "LIST-EXTENDED MOVE NAMESPACE QRESYNC RIGHTS=kxten SAVEDATE "
            "SEARCH=FUZZY SORT=DISPLAY STATUS=SIZE THREAD=REFERENCES UIDPLUS "
            "URLAUTH=BINARY WITHIN DIGEST=SHA1 X-QUOTA=X-ANNOTATION-STORAGE "
            "X-QUOTA=X-NUM-FOLDERS IDLE APPENDLIMIT=4294967295 AUTH=PLAIN")
        before_tls = capabilities.replace("AUTH=PLAIN",
                                          "STARTTLS LOGINDISABLED")
    with Peer(Cyrus, MAILS, tls=server_tls()) as peer:
        worker = place.begin(peer.port, tls="starttls")
        receive(worker, 3)
        wait_until_idle(peer)
        assert place.stop() == 0


@case
def finds_nothing_in_an_empty_folder(place):
    for answer in ("* SEARCH\r\n", "* SEARCH \r\n", ""):
        class Empty(Session):
            def on_uid_search(self, rest):
                self.raw(answer)
                self.ok()
        with Peer(Empty, {}) as peer:
            place.begin(peer.port)
            wait_until_idle(peer)
            assert place.stop() == 0


@case
def drops_what_it_never_asked_for(place):
    class Chatters(Session):
        def on_noop(self, _):
            self.say("* VANISHED 1:2")
            self.say("* LIST (\\HasNoChildren) \"/\" \"INBOX\"")
            self.say("* ESEARCH (TAG \"7\") UID ALL 1:9")
            self.say("* OK [ALERT] {4000000000}")
            self.say("* ID (\"name\" \"x\")")
            self.say("* 9999999999999 FETCH (UID 1)")
            self.ok("(((((((((((((((((((((((((((")
    with Peer(Chatters, MAILS) as peer:
        worker = place.begin(peer.port)
        receive(worker, 3)
        assert place.stop() == 0


@case
def what_a_server_says_for_days_costs_no_memory(place):
    """Everything that is passed on or dropped, 1,500 times 10 KB of it."""
    class Chatters(Session):
        capabilities = "IMAP4rev1 AUTH=PLAIN"

        def on_noop(self, _):
            self.raw("* FLAGS (\\Seen $Forwarded)\r\n"
                     "* OK [PERMANENTFLAGS (\\Seen)] limited\r\n"
                     "* NO [ALERT] the disk is nearly full\r\n"
                     "* CAPABILITY IMAP4rev1 AUTH=PLAIN X-CHATTER\r\n"
                     "* 4 EXISTS\r\n* 1 RECENT\r\n* 4 EXPUNGE\r\n"
                     "* LIST () \"/\" \"INBOX\"\r\n"
                     "* 1 FETCH (FLAGS (\\Seen) UID 3 MODSEQ (624140003))\r\n"
                     "* 1 FETCH (UID 3 INTERNALDATE "
                     "\" 4-Nov-2026 10:00:00 +0000\")\r\n" * 30)
            self.ok("[HIGHESTMODSEQ 7] done")

    def rounds(peer, count):
        end = time.monotonic() + 120
        while len(peer.said("NOOP")) < count:
            assert time.monotonic() < end
            time.sleep(0.02)
        status = pathlib.Path(f"/proc/{place.worker.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s*(\d+)", status)[1])

    with Peer(Chatters, MAILS) as peer:
        worker = place.begin(peer.port, poll_interval_ms=1)
        receive(worker, 3)
        before = rounds(peer, 100)
        grown = rounds(peer, 100 if UNLIMITED else 1600) - before
        assert place.stop() == 0
        assert peer.connections == 1 and grown < 1024, grown


def each_login(place, tls):
    for auth, offered, said in (
            ("any", "AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5",
             "AUTHENTICATE PLAIN" if tls != "none" else
             "AUTHENTICATE CRAM-MD5"),
            ("plain", "AUTH=PLAIN AUTH=CRAM-MD5", "AUTHENTICATE PLAIN"),
            ("login", "AUTH=LOGIN AUTH=CRAM-MD5", "AUTHENTICATE LOGIN"),
            ("login", "AUTH=PLAIN", " LOGIN bureau \""),
            ("any", "", " LOGIN bureau \""),
            ("cram-md5", "AUTH=PLAIN AUTH=CRAM-MD5",
             "AUTHENTICATE CRAM-MD5")):
        class Offers(Session):
            capabilities = "IMAP4rev1 IDLE " + offered
        with Peer(Offers, MAILS, tls=None if tls == "none" else server_tls(),
                  implicit=tls == "implicit") as peer:
            worker = place.begin(peer.port, tls=tls, auth=auth)
            receive(worker, 3)
            assert place.stop() == 0, place.stderr()
            assert peer.said(said), (auth, offered, peer.commands)
            assert (tls == "starttls") == bool(peer.said("STARTTLS"))


@case
def logs_in_without_tls(place):
    each_login(place, "none")


@case
def logs_in_after_starttls(place):
    each_login(place, "starttls")


@case
def logs_in_under_tls(place):
    each_login(place, "implicit")


@case
def is_let_in_by_itself(place):
    class Knows(Session):
        def greet(self):
            self.say("* PREAUTH welcome")
    with Peer(Knows, MAILS, tls=server_tls(), implicit=True) as peer:
        worker = place.begin(peer.port, tls="implicit", auth="none",
                             password_file="")
        receive(worker, 3)
        assert place.stop() == 0 and not peer.said("LOGIN")


@case
def says_the_folder_in_modified_utf7(place):
    with Peer(Session, MAILS) as peer:
        worker = place.begin(peer.port, folder="Retour & \u53f0\u5317 \"x\"")
        receive(worker, 3)
        assert place.stop() == 0
        assert peer.said('EXAMINE "Retour &- &U,BTFw- \\"x\\""')


# ---- mails that are done with ------------------------------------------------


AWAY = (b"From: away@fr.members.example\r\nAuto-Submitted: auto-replied\r\n"
        b"Subject: away\r\nMessage-ID: <away@fr.members.example>\r\n\r\n"
        b"Back on Monday.\r\n")
BOUNCE = (TOP / "tests/corpora/dsn/report").read_bytes()
MIXED = {3: MAIL % 3, 4: BOUNCE, 5: BOUNCE, 7: AWAY, 9: MAIL % 9,
         11: b"Subject: a newsletter\r\nList-Id: <x.example>\r\n\r\nx\r\n"}
FILED = {"move_reports": "Done/Bounces", "move_autoreplies": "\u00fc \"x\"",
         "move_answers": "Done/Answers", "keyword": "$Chancery"}


def filed(place, session, **options):
    """What a server has after all is read: its folders, flags, what it had been
    told, and what the worker said of trouble."""
    with Peer(session, MIXED) as peer:
        peer.folders = {"Done/Bounces": [], '&APw- \\"x\\"': [],
                        "Done/Answers": []}
        worker = place.begin(peer.port, **options)
        trouble, uids = [], []
        while True:
            # What it says of trouble it has said before it waits.
            waits = len(uids) == len(MIXED) and peer.said(" IDLE")
            try:
                name, fields = worker.receive(0.2)
            except TimeoutError:
                if waits:
                    break
                continue
            if name == "receive-mail":
                uids.append(fields["uid"])
                worker.send("receive-ack", uidvalidity=7, uid=uids[-1])
            elif fields["fault"]:
                assert fields["connected"] == 1, fields
                trouble.append(fields["text"].decode())
        assert uids == list(MIXED) and place.stop() == 0, place.stderr()
        return peer, trouble


def check_filed(peer, trouble):
    assert not trouble, trouble
    assert peer.folders == {
        "Done/Bounces": [BOUNCE, BOUNCE], '&APw- \\"x\\"': [AWAY],
        "Done/Answers": [MAIL % 3, MAIL % 9]}, peer.folders
    assert list(peer.mails) == [11], peer.mails
    assert all("$Chancery" in peer.flags[uid] for uid in MIXED), peer.flags
    assert not peer.said("EXAMINE")
    assert len(peer.said("EXPUNGE")) == len(peer.said("UID EXPUNGE"))


@case
def moves_and_marks_what_is_done_with(place):
    class Moves(Session):
        capabilities = "IMAP4rev1 IDLE AUTH=PLAIN MOVE UIDPLUS"
    peer, trouble = filed(place, Moves, **FILED)
    check_filed(peer, trouble)
    assert peer.said("UID STORE 3:5,7,9,11 +FLAGS.SILENT ($Chancery)")
    assert peer.said('UID MOVE 4:5 "Done/Bounces"')
    assert not peer.said("UID COPY") and not peer.said("Deleted")


@case
def copies_and_expunges_where_there_is_no_move(place):
    class Copies(Session):
        capabilities = "IMAP4rev1 IDLE AUTH=PLAIN UIDPLUS"
    peer, trouble = filed(place, Copies, **FILED)
    check_filed(peer, trouble)
    assert [line.split(" ", 1)[1] for line in peer.commands
            if "4:5 " in line or line.endswith("4:5")][-3:] == [
        'UID COPY 4:5 "Done/Bounces"',
        "UID STORE 4:5 +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE 4:5"]


@case
def leaves_mails_where_they_cannot_be_moved(place):
    """No way to move them; no such folder. Each is said once, and all the same
    all is read."""
    peer, trouble = filed(place, Session, **FILED)
    assert trouble == ["the server offers neither MOVE nor UIDPLUS"], trouble
    assert peer.mails == MIXED and len(peer.flags) == len(MIXED)
    assert not peer.said("EXPUNGE") and not peer.said("Deleted")

    class Copies(Session):
        capabilities = "IMAP4rev1 IDLE AUTH=PLAIN UIDPLUS"
    other = Place(place.root, "other")
    peer, trouble = filed(other, Copies, move_reports="None")
    assert len(trouble) == 1 and "TRYCREATE" in trouble[0], trouble
    assert peer.mails == MIXED and not peer.flags
    assert len(peer.said("UID COPY")) == 1 and not peer.said("EXPUNGE")


@case
def moves_the_others_where_one_folder_is_missing(place):
    class Moves(Session):
        capabilities = "IMAP4rev1 IDLE AUTH=PLAIN MOVE"
    peer, trouble = filed(place, Moves, **{**FILED, "move_reports": "None"})
    assert len(trouble) == 1, trouble
    assert trouble[0].startswith("to the folder None: "), trouble
    assert list(peer.mails) == [4, 5, 11], peer.mails
    assert peer.folders["Done/Answers"] == [MAIL % 3, MAIL % 9], peer.folders
    assert peer.folders['&APw- \\"x\\"'] == [AWAY], peer.folders
    assert all("$Chancery" in peer.flags[uid] for uid in MIXED), peer.flags
    assert len(peer.said('UID MOVE 4:5 "None"')) == 1, peer.commands


@case
def leaves_what_somebody_moved_back(place):
    """chanceryd has seen it before; what is new is moved all the same."""
    class Moves(Session):
        capabilities = "IMAP4rev1 IDLE AUTH=PLAIN MOVE"
    with Peer(Moves, {3: MAIL % 3, 4: BOUNCE, 9: MAIL % 9}) as peer:
        peer.folders = {"Done/Bounces": [], "Done/Answers": []}
        worker = place.begin(peer.port, move_reports="Done/Bounces",
                             move_answers="Done/Answers", keyword="$Chancery")
        for mail in receive(worker, 3, ack=False):
            worker.send("receive-ack", uidvalidity=7, uid=mail["uid"],
                        seen=int(mail["uid"] in (3, 4)))
        wait_until_idle(peer)
        assert place.stop() == 0, place.stderr()
        assert peer.folders == {"Done/Bounces": [],
                                "Done/Answers": [MAIL % 9]}, peer.folders
        assert list(peer.mails) == [3, 4]
        assert all("$Chancery" in peer.flags[uid] for uid in (3, 4, 9))


@case
def opens_for_reading_only_where_nothing_is_filed(place):
    peer, trouble = filed(place, Session)
    assert not trouble and peer.said("EXAMINE") and not peer.said("SELECT")
    assert not peer.said("STORE") and peer.mails == MIXED


# ---- stops and deaths ---------------------------------------------------------


@case
def stops_in_idle_at_once(place):
    with Peer(Session, {}) as peer:
        place.begin(peer.port)
        wait_in_idle(peer)
        start = time.monotonic()
        assert place.stop() == 0
        assert time.monotonic() - start < 10
        assert peer.said("DONE") and peer.said("LOGOUT")


@case
def stops_in_the_middle_of_a_mail(place):
    begun = threading.Event()

    class Stalls(Session):
        def give(self, uid, mail, part):
            self.raw(f"* 1 FETCH (UID {uid} BODY[] {{{len(mail)}}}\r\nabc")
            begun.set()
            self.hang()
    with Peer(Stalls, MAILS) as peer:
        place.begin(peer.port, command_timeout_ms=600000)
        assert begun.wait(60)
        assert place.stop() == 0


@case
def stops_while_it_connects(place):
    class Hangs(Session):
        def greet(self):
            self.peer.commands.append("connected")
            self.hang()
    with Peer(Hangs) as peer:
        place.begin(peer.port, command_timeout_ms=600000)
        while not peer.commands:
            time.sleep(0.01)
        assert place.stop() == 0


@case
def leaves_when_chanceryd_is_gone(place):
    with Peer(Session, {}) as peer:
        worker = place.begin(peer.port)
        wait_until_idle(peer)
        worker.close()
        assert worker.wait() == 0


@case
def leaves_at_an_acknowledgement_of_another_mail(place):
    with Peer(Session, MAILS) as peer:
        worker = place.begin(peer.port)
        receive(worker, 1, ack=False)
        worker.send("receive-ack", uidvalidity=7, uid=99)
        while worker.receive():
            pass
        assert worker.wait() == 76
        assert "another mail" in place.stderr()


@case
def leaves_at_a_message_out_of_turn(place):
    with Peer(Session, {}) as peer:
        worker = place.begin(peer.port)
        wait_until_idle(peer)
        worker.send("send-ready", want=1)
        while worker.receive():
            pass
        assert worker.wait() == 76, place.stderr()


@case
def each_mail_is_told_once_over_lost_connections(place):
    """The server says BYE in the middle of each second mail; the test plays
    chanceryd, which starts the worker again after the last that it has."""
    class Leaves(Session):
        def give(self, uid, mail, part):
            if self.number % 2 and uid % 2:
                self.raw(f"* 1 FETCH (UID {uid} BODY[] {{{len(mail)}}}\r\n"
                         "Ret* BYE\r\n")
                raise Closed
            super().give(uid, mail, part)
    mails = {uid: MAIL % uid for uid in range(1, 9)}
    told = []
    with Peer(Leaves, mails) as peer:
        while len(told) < 8:
            assert peer.connections < 20
            worker = place.begin(peer.port, uidvalidity=7,
                                 last_uid=told[-1] if told else 0)
            while len(told) < 8:
                message = worker.receive()
                if not message:
                    break
                if message[0] == "receive-mail":
                    told.append(message[1]["uid"])
                    assert place.object(message[1]) == mails[told[-1]]
                    worker.send("receive-ack", uidvalidity=7, uid=told[-1])
            if len(told) < 8:
                assert worker.wait() == FAULT_STATUS
            else:
                assert place.stop() == 0
    assert told == list(range(1, 9)), told


class Bye(Session):
    """Breaks off after `left` bytes of its answers to FETCH, with a BYE."""

    left = 0

    def raw(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        if self.counting:
            cut, Bye.left = data[:Bye.left], Bye.left - len(data)
            if Bye.left < 0:
                super().raw(cut + b"* BYE going down\r\n")
                raise Closed
        super().raw(data)

    counting = False

    def on_uid_fetch(self, rest):
        self.counting = True
        super().on_uid_fetch(rest)
        self.counting = False


@case
def a_bye_at_any_byte_of_a_fetch_loses_and_alters_nothing(place):
    """Every tenth where that is slow. What is told has all its bytes; the next
    connection tells the rest."""
    mails = {3: MAIL % 3, 5: b"Subject: x\r\n\r\n* BYE\r\n"}
    cut = 0
    while True:
        Bye.left = cut
        told = []
        with Peer(Bye, mails) as peer:
            worker = place.begin(peer.port)
            while len(told) < 2:
                message = worker.receive()
                if not message:
                    break
                if message[0] != "receive-mail":
                    continue
                told.append(message[1]["uid"])
                assert place.object(message[1]) == mails[told[-1]], cut
                assert not message[1]["fault"], message
                worker.send("receive-ack", uidvalidity=7, uid=told[-1])
            if len(told) == 2:  # it is past the last byte that counts
                worker.close()
                worker.wait()
                assert cut > 500, cut
                return
            assert told == [] and worker.wait() == FAULT_STATUS, (cut, told)
            if cut % 20 == 0:
                Bye.left = 1 << 30
                worker = place.begin(peer.port)
                assert [mail["uid"] for mail in receive(worker, 2)] == [3, 5]
                assert place.stop() == 0, cut
        cut += 10 if UNLIMITED else 1


@case
def a_death_at_any_step_tells_no_mail_twice(place):
    """What came of it is in the store; the next one goes on behind that."""
    for step, before in (("receive-reading:1", []), ("receive-writing:2", []),
                         ("receive-stored:1", []),
                         ("receive-looking:2", [3]), ("receive-told:1", [3]),
                         ("receive-told:2", [3, 5]),
                         ("receive-acked:1", [3, 5, 9]),
                         ("receive-acked:3", [3, 5, 9])):
        with Peer(Session, MAILS) as peer:
            os.environ["CHANCERY_CRASH_AT"] = step
            try:
                worker = place.begin(peer.port)
            finally:
                del os.environ["CHANCERY_CRASH_AT"]
            told = []
            while True:
                message = worker.receive()
                if not message:
                    break
                if message[0] == "receive-mail":
                    told.append(message[1]["uid"])
                    assert place.object(message[1]) == MAILS[told[-1]]
                    try:
                        worker.send("receive-ack", uidvalidity=7,
                                    uid=told[-1])
                    except OSError:
                        pass
            assert worker.wait() == -9, step
            assert told == before, (step, told)
            left = list((place.root / "objects").glob(".*"))
            assert bool(left) == (step == "receive-writing:2"), left
            worker = place.begin(peer.port, uidvalidity=7,
                                 last_uid=told[-1] if told else 0)
            told += [mail["uid"] for mail in receive(worker, 3 - len(told))]
            assert told == [3, 5, 9] and place.stop() == 0
            assert not list((place.root / "objects").glob(".*"))


@case
def a_full_disk_is_no_fault_of_a_mail(place):
    """At whichever step: it is said at once, nothing is told and nothing left
    behind, and once there is room all is read."""
    # nothing that compressing makes much smaller
    noise = base64.b64encode(random.Random(12).randbytes(2250000))
    large = {**MAILS, 12: MAIL % 12 + noise}
    tools = {"strace": shutil.which("strace"),
             "prlimit": shutil.which("prlimit")}
    strace = (f"{tools['strace']} -f -qq -o /dev/null -e trace={{0}} "
              "-e inject={0}:error=ENOSPC")
    for number, (tool, under) in enumerate((
            ("prlimit", f"{tools['prlimit']} --fsize=100"),
            ("prlimit", f"{tools['prlimit']} --fsize=2000000"),
            ("strace", strace.format("fsync")),
            ("strace", strace.format("mkdirat")),
            ("strace", strace.format("renameat")))):
        if not tools[tool] or (UNLIMITED and tool == "strace"):
            print(f"   not tried: {under}")
            continue
        full = Place(place.root, f"full{number}")
        with Peer(Session, large) as peer:
            os.environ["CHANCERY_UNDER"] = under
            try:
                worker = full.begin(peer.port, max_message_bytes=16 << 20)
            finally:
                del os.environ["CHANCERY_UNDER"]
            told, last = [], None
            while True:
                message = worker.receive()
                if not message:
                    break
                last = message[1]
                if message[0] == "receive-mail":
                    told.append(last["uid"])
                    worker.send("receive-ack", uidvalidity=7, uid=told[-1])
            assert worker.wait() == FAULT_STATUS, full.stderr()
            assert not last["connected"] and last["fault"] == SETUP, last
            assert told == ([3, 5, 9] if "2000000" in under else []), told
            assert not list((full.root / "objects").glob(".*"))
            worker = full.begin(peer.port, max_message_bytes=16 << 20,
                                uidvalidity=7, last_uid=(told or [0])[-1])
            for mail in receive(worker, 4 - len(told)):
                assert full.object(mail) == large[mail["uid"]]
                told.append(mail["uid"])
            assert told == [3, 5, 9, 12] and full.stop() == 0


@case
def leaves_the_last_of_the_disk_to_the_letters(place):
    """With a fiftieth free, and less."""
    script = place.root / "small-disk"
    for filler, is_read in ((1000000, True), (1040000, False)):
        script.write_text(
            f"mount -t tmpfs -o size=1m none {place.root}/objects &&\n"
            f"head -c {filler} /dev/zero >{place.root}/objects/filler &&\n"
            'exec "$@"\n')
        with Peer(Session, MAILS) as peer:
            os.environ["CHANCERY_UNDER"] = (
                f"{shutil.which('unshare')} -rm {shutil.which('sh')} {script}")
            try:
                worker = place.begin(peer.port)
            finally:
                del os.environ["CHANCERY_UNDER"]
            if is_read:
                first = worker.receive()
                if not first:
                    print("   not tried: there are no namespaces here")
                    return
                receive(worker, 3)
                place.stop()
                continue
            told = []
            while True:
                message = worker.receive()
                if not message:
                    break
                told.append(message)
            name, last = told[-1]
            assert not last["connected"] and last["fault"] == SETUP, last
            assert b"nearly full" in last["text"], last
            assert not [one for one in told if one[0] == "receive-mail"]
            assert worker.wait() == FAULT_STATUS


@case
def says_which_mails_it_is_at(place):
    """Several while they are fetched, one while it is looked into."""
    with Peer(Session, MAILS) as peer:
        worker = place.begin(peer.port)
        states = []
        while True:
            name, fields = worker.receive()
            if name == "receive-mail":
                states.append(fields["uid"])
                worker.send("receive-ack", uidvalidity=7, uid=fields["uid"])
            elif fields["reading"]:
                states.append((fields["reading"], fields["reading_to"]))
            if fields.get("uid") == 9:
                break
        assert states == [(3, 9), (3, 9), (3, 3), 3, (5, 5), 5, (9, 9), 9], (
            states)
        assert place.stop() == 0
        assert len(peer.said("UID FETCH 3,5,9 (UID BODY.PEEK[])")) == 1


@case
def reads_those_that_are_suspected_one_by_one_and_in_parts(place):
    with Peer(Session, MAILS) as peer:
        worker = place.begin(peer.port, singly_validity=7, singly_to=5)
        assert [mail["uid"] for mail in receive(worker, 3)] == [3, 5, 9]
        assert place.stop() == 0
        assert [line.split(" ", 1)[1] for line in peer.said("BODY.PEEK")] == [
            "UID FETCH 3 (UID BODY.PEEK[]<0.1048576>)",
            "UID FETCH 5 (UID BODY.PEEK[]<0.1048576>)",
            "UID FETCH 9 (UID BODY.PEEK[])"], peer.said("BODY.PEEK")
    with Peer(Session, MAILS) as peer:  # other numbers
        worker = place.begin(peer.port, singly_validity=6, singly_to=5)
        assert [mail["uid"] for mail in receive(worker, 3)] == [3, 5, 9]
        assert place.stop() == 0 and len(peer.said("BODY.PEEK")) == 1


# ---- our own side ---------------------------------------------------------------


def own_fault(place, text, **options):
    with Peer(Session, MAILS) as peer:
        worker = place.begin(peer.port, **options)
        state = worker.expect("receive-state")
        assert state["connected"] == 0 and state["fault"] == SETUP, state
        assert re.search(text, state["text"].decode()), state
        assert worker.receive() is None and worker.wait() == FAULT_STATUS
        assert peer.connections == 0


@case
def wants_a_password_file(place):
    own_fault(place, "password", password_file=str(place.root / "none"))
    place.password.write_text("two\nlines\n")
    own_fault(place, "control")
    place.password.write_text("\n")
    own_fault(place, "empty")


@case
def a_token_that_cannot_be_said(place):
    for token, why in (("a b", "blank"), ("", "empty"),
                       ("t" * 8193, "8193 bytes")):
        place.password.write_text(token + "\n")
        class Offers(Session):
            capabilities = "IMAP4rev1 AUTH=XOAUTH2"
        with Peer(Offers, MAILS) as peer:
            worker = place.begin(peer.port, auth="xoauth2")
            state = worker.expect("receive-state")
            assert why.encode() in state["text"], state
            assert not peer.said("AUTHENTICATE"), peer.commands
            assert worker.receive() is None and worker.wait() == FAULT_STATUS


class Token(Session):
    """Takes the token "good", by either mechanism; anything else is refused
    with a challenge first, as RFC 7628 says."""

    way, initial, why = "XOAUTH2", False, b'{"status":"invalid_token"}'

    @property
    def capabilities(self):
        return f"IMAP4rev1 IDLE AUTH=PLAIN AUTH={self.way}" + (
            " SASL-IR" if self.initial else "")

    def on_authenticate(self, rest):
        words = rest.split(" ")
        assert words[1] == self.way, rest
        if self.initial:
            said = base64.b64decode(words[2])
        else:
            assert len(words) == 2, rest
            self.say("+ ")
            said = base64.b64decode(self.hear())
        self.peer.heard.append(said)
        if b"Bearer good" in said:
            self.ok("welcome")
            return
        self.say("+ " + base64.b64encode(self.why).decode())
        self.peer.heard.append(self.hear())
        self.no("[AUTHENTICATIONFAILED] no good")


def each_token(way, place):
    """(peer, what AUTH is called) for each manner of saying it."""
    for initial in (False, True):
        class Server(Token):
            pass
        Server.way, Server.initial = way, initial
        with Peer(Server, MAILS) as peer:
            peer.heard = []
            yield peer


@case
def logs_in_with_a_token(place):
    token = "good" + "x" * 8188
    for way, said in (
            ("XOAUTH2", "user=bureau\1auth=Bearer %s\1\1"),
            ("OAUTHBEARER", "n,a=bureau,\1host=127.0.0.1\1port=%d\1"
                            "auth=Bearer %s\1\1")):
        for peer in each_token(way, place):
            place.password.write_text(token + "\n")
            worker = place.begin(peer.port, auth=way.lower())
            receive(worker, 3)
            assert place.stop() == 0, place.stderr()
            want = said % ((token,) if way == "XOAUTH2"
                           else (peer.port, token))
            assert peer.heard == [want.encode()], peer.heard


@case
def a_token_is_given_with_the_setup(place):
    for peer in each_token("OAUTHBEARER", place):
        worker = place.begin(peer.port, auth="oauthbearer", password_file="",
                             password="good", password_number=3)
        receive(worker, 3)
        assert place.stop() == 0, place.stderr()


@case
def a_token_that_is_refused(place):
    token = "secret-token-of-ours"
    for way, last in (("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")):
        for why, shown in ((b'{"status":"400"}', b'{"status":"400"}'),
                           (b"\x1b[2J", b"\\x1B[2J"),
                           (token.encode(), b"repeats the token")):
            Token.why = why
            for peer in each_token(way, place):
                place.password.write_text(token + "\n")
                worker = place.begin(peer.port, auth=way.lower())
                state = worker.expect("receive-state")
                assert state["fault"] == AUTH_FAULT, state
                assert shown in state["text"], state
                assert b"AUTHENTICATE " + way.encode() in state["text"]
                assert token.encode() not in state["text"], state
                assert peer.heard[1] == last, peer.heard
                assert worker.receive() is None and worker.wait() == FAULT_STATUS


@case
def a_token_is_not_for_any(place):
    class Offers(Session):
        capabilities = "IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2"
    for auth in ("any", "oauthbearer"):
        with Peer(Offers, MAILS) as peer:
            worker = place.begin(peer.port, auth=auth)
            state = worker.expect("receive-state")
            assert b"no way to log in" in state["text"], state
            assert not peer.said("AUTHENTICATE")
            assert worker.receive() is None and worker.wait() == FAULT_STATUS


@case
def wants_its_folders(place):
    own_fault(place, "objects", objects_dir=str(place.root / "none"))
    own_fault(place, "control", folder="INBOX\r\nA1 LOGOUT")
    own_fault(place, "control", user="bureau\r\nx")


@case
def says_when_nobody_listens(place):
    with Peer(Session) as peer:
        port = peer.port
    worker = place.begin(port)
    state = worker.expect("receive-state")
    assert state["connected"] == 0 and state["fault"] == CONNECT, state
    assert worker.wait() == FAULT_STATUS


# ---- all of them -------------------------------------------------------------


def main():
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        Place.certificates = root / "tls"
        mailhost.certificates(Place.certificates)
        jobs = {}
        # Those that change the environment of what they start are played
        # before the others.
        alone = (a_death_at_any_step_tells_no_mail_twice,
                 a_full_disk_is_no_fault_of_a_mail,
                 leaves_the_last_of_the_disk_to_the_letters)
        for function in alone:
            if not wanted or function.__name__ in wanted:
                function(Place(root, function.__name__))
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for name, *rest in FAULTS:
                if not wanted or name in wanted:
                    jobs[pool.submit(play_fault, root, name, *rest)] = name
            for name, function in CASES:
                if function not in alone and (not wanted or name in wanted):
                    jobs[pool.submit(function, Place(root, name))] = name
        bad = 0
        for job, name in jobs.items():
            failure = job.exception()
            if failure:
                bad += 1
                print(f"{name}: {type(failure).__name__}: {failure}")
                where = failure.__traceback__
                while where:
                    print(f"  line {where.tb_lineno} of "
                          f"{where.tb_frame.f_code.co_filename}")
                    where = where.tb_next
        others = 0 if wanted else len(alone)
        print(f"{len(jobs) - bad + others} of {len(jobs) + others} as they "
              "should be")
        return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
