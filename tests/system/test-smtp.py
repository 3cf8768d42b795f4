#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Letters to hostile relays: for each fault of the acceptance list from 36 to
57, over plain text, STARTTLS and implicit TLS, what is said of each address.

The rule: "sent" only where the address and the final dot had a 2yz; what is not
plainly a reply is in doubt once the dot is out, and nothing happened before."""
import base64
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import time
import warnings

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
import smtp_peer  # noqa: E402
from smtp_bench import (A, ALL, B, Bench, C, IMPLICIT, LATE,  # noqa: E402
                        MESSAGE, PLAIN, SOON, STARTTLS, run_scenarios)
from smtp_peer import Turns  # noqa: E402

SCENARIOS = []


def scenario(*modes):
    def add(function):
        SCENARIOS.extend((function, mode) for mode in modes or ALL)
        return function
    return add


def mails(peer):
    return [line for line in peer.said if line.lstrip("*")[:4] == "MAIL"]


# ---- nothing wrong ---------------------------------------------------------

@scenario()
def n00_polite(bench, mode):
    for keywords in (smtp_peer.KEYWORDS, []):
        told, peer = bench.play({}, mode, (A, B), {"keywords": keywords},
                                letters=3)
        assert told.outcomes == [("sent", 250)] * 6, told.text
        assert told.end == "open" and told.dots == [[A, B]] * 3
        assert peer.messages == [MESSAGE] * 3
        assert len(peer.sessions) == 1 and peer.said[-1].endswith("QUIT")


@scenario()
def n00_login(bench, mode):
    for how in ("any", "plain", "login"):
        told, peer = bench.play({}, mode, auth=how, user=smtp_peer.USER,
                                password=smtp_peer.PASSWORD)
        assert told.outcomes == [("sent", 250)], told.text
        assert peer.messages == [MESSAGE]


@scenario(PLAIN)
def n00_the_library_may_change_nothing(bench, mode):
    """It adds fields that a message lacks, and takes others out; such bytes
    would not be those that are recorded. Lines that begin with a dot, at the
    start, doubled and long ones, arrive as they were."""
    for text in (b"Subject: test\r\n\r\nno Date, no From\r\n",
                 b"Return-Path: <x@y.example>\r\nBcc: z@y.example\r\n\r\n.\r\n",
                 b".\r\n..\r\n.x\r\n\r\n..y\r\n.\r\n",
                 b"a: b\r\n\r\n" + b".\r\n" * 70000 + b"z\r\n",
                 b"a: b\r\n\r\n" + b"y" * 900 + b"\r\n" +
                 (b"x" * 76 + b"\r\n") * 9000 + b".end\r\n"):
        bare = bench.folder / "bare"
        bare.write_bytes(text)
        told, peer = bench.play({}, mode, message=bare)
        assert told.outcomes == [("sent", 250)], told.text
        assert peer.messages == [text], peer.messages


@scenario(PLAIN)
def n00_what_smtp_cannot_carry(bench, mode):
    """A message that is not 7-bit CRLF lines is refused by us, and no relay
    sees a MAIL; nor does one an address that would end a command."""
    head = b"Subject: test\r\n\r\n"
    for text in (b"lone LF\n", b"in\nside\r\n", b"lone CR\rhere\r\n",
                 b"CR CR LF\r\r\n", b"no end", b"no LF\r",
                 b"n\0l\r\n", b"1234567\0\r\n", b"12345678\0abcdefg\r\n",
                 b"\xc3\xa9\r\n", b"1234567\x80\r\n", b"\xff" * 8 + b"\r\n",
                 b"x" * 999 + b"\r\n"):
        bad = bench.folder / "bad"
        bad.write_bytes(head + text)
        told, peer = bench.play({}, mode, message=bad)
        assert told.outcomes == [("failed", 0)], (text, told.text)
        assert "5.6.0" in told.text and told.dots == []
        assert not any("MAIL" in line for session in peer.sessions
                       for line in session.said), text
    good = bench.folder / "good"
    good.write_bytes(head + b"x" * 998 + b"\r\n\x01\x7f\x1b\r\n")
    told, peer = bench.play({}, mode, message=good)
    assert told.outcomes == [("sent", 250)], told.text


# ---- 36 hang ---------------------------------------------------------------

@scenario(PLAIN)
def n36_hang_at_connect(bench, mode):
    """A port whose queue is full answers nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        full = [socket.socket() for _ in range(4)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))

        class Nobody:
            pass
        Nobody.port = port
        told = bench.send(Nobody, mode, host="127.0.0.1", connect_ms=SOON)
        for one in full:
            one.close()
    assert told.fault == ("connect", 0) and "in time" in told.end, told.text


def hang_before_mail(step):
    def hang(bench, mode):
        told, peer = bench.play({step: "hang"}, mode, command_ms=SOON)
        assert told.fault == ("connect", 0), told.text
        assert "in time" in told.end, told.text
        assert not mails(peer)
    hang.__name__ = f"n36_hang_at_{step}"
    return hang


for _step, _modes in (("greeting", ALL), ("ehlo", ALL),
                      ("starttls", (STARTTLS,)),
                      ("tls", (STARTTLS, IMPLICIT))):
    scenario(*_modes)(hang_before_mail(_step))


def hang_at(step):
    def hang(bench, mode):
        for keywords in (smtp_peer.KEYWORDS, []):
            told, peer = bench.play({step: "hang"}, mode,
                                    peer={"keywords": keywords},
                                    command_ms=SOON)
            assert told.outcomes == [("untried", 0)], told.text
            assert told.end.startswith("cut "), told.text
            assert told.dots == [] and peer.messages == []
    hang.__name__ = f"n36_hang_at_{step}"
    return hang


for _step in ("mail", "rcpt", "data"):
    scenario()(hang_at(_step))


@scenario()
def n36_the_attempt_has_a_deadline(bench, mode):
    """Each step is in time, all together are not."""
    told, peer = bench.play({"rcpt": [1, b"250 ok\r\n"]}, mode, (A, B, C),
                            attempt_ms=SOON)
    assert told.outcomes == [("untried", 0)] * 3, told.text
    assert told.dots == [] and peer.messages == []


# ---- 37 421 before the dot -------------------------------------------------

GONE = [b"421 4.3.2 going down\r\n", "close"]


@scenario()
def n37_421_at_greeting(bench, mode):
    told, peer = bench.play({"greeting": GONE}, mode)
    assert told.fault == ("greeting", 421) and peer.said == [], told.text


@scenario()
def n37_421_at_ehlo(bench, mode):
    told, peer = bench.play({"ehlo": GONE}, mode)
    assert told.fault == ("greeting", 421) and not mails(peer), told.text


@scenario()
def n37_421_at_mail_rcpt_data(bench, mode):
    for step in ("mail", "rcpt", "data"):
        for keywords in (smtp_peer.KEYWORDS, []):
            told, peer = bench.play({step: GONE}, mode,
                                    peer={"keywords": keywords})
            assert told.outcomes == [("deferred", 421)], told.text
            assert told.end.startswith("cut ") and told.dots == []
            assert peer.messages == []


@scenario()
def n37_421_at_the_second_address(bench, mode):
    told, peer = bench.play({f"rcpt:{B}": GONE}, mode, (A, B, C))
    assert told.outcomes[1] == ("deferred", 421), told.text
    assert {o for o, _ in told.outcomes} <= {"deferred", "untried"}
    assert told.dots == [] and peer.messages == []


@scenario()
def n37_421_inside_the_message(bench, mode):
    told, peer = bench.play({"body": [0.2, *GONE]}, mode, size=20000000,
                            message=bench.message, data_ms=LATE)
    assert told.outcomes[0][0] in ("deferred", "untried"), told.text
    assert told.end.startswith("cut ")
    assert peer.messages == []


@scenario()
def n37_421_between_letters(bench, mode):
    told, peer = bench.play({"dot": [b"250 kept\r\n", *GONE]}, mode,
                            letters=2)
    assert told.outcomes[0] == ("sent", 250), told.text
    assert told.outcomes[1] in (("untried", 0), ("deferred", 421)), told.text
    assert len(peer.messages) == 1


# ---- 38 to 41 TLS ----------------------------------------------------------

def last_words(peer):
    return [line.split(" ")[0] for line in peer.said]


@scenario(STARTTLS)
def n38_ehlo_refused_where_tls_is_required(bench, mode):
    for reply in (b"500 what?\r\n", b"502 no\r\n", b"550 no\r\n"):
        told, peer = bench.play({"ehlo": reply}, mode)
        assert told.fault == ("greeting", int(reply[:3])), told.text
        assert last_words(peer) == ["EHLO"], peer.said


@scenario(STARTTLS)
def n39_starttls_absent(bench, mode):
    for ehlo in (b"250 peer.example\r\n",
                 b"250-peer.example\r\n250-XSTARTTLS\r\n250 STARTTLSX\r\n"):
        told, peer = bench.play({"ehlo": ehlo}, mode)
        assert told.fault[0] == "tls", told.text
        assert "STARTTLS" in told.end
        assert last_words(peer) == ["EHLO"], peer.said


@scenario(STARTTLS)
def n39_starttls_refused(bench, mode):
    for reply, fault in ((b"454 4.7.0 not now\r\n", 454),
                         (b"502 no\r\n", 502), (b"250 ok\r\n", 0)):
        told, peer = bench.play({"starttls": [reply, "hang"]}, mode)
        assert told.fault == ("tls", fault), told.text
        assert last_words(peer) == ["EHLO", "STARTTLS"], peer.said


@scenario(STARTTLS)
def n39_what_is_offered_under_tls_counts(bench, mode):
    """RFC 3207 section 4.2: what was offered before is forgotten."""
    def ehlo(session):
        session.say(b"250-peer.example\r\n250 SIZE 50000000\r\n"
                    if session.secure else
                    b"250-peer.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n"
                    b"250-DSN\r\n250-SIZE 10\r\n250 STARTTLS\r\n")
    told, peer = bench.play({"ehlo": ehlo}, mode)
    assert told.outcomes == [("sent", 250)], told.text
    assert [one.split(" ")[0] for one in peer.said] == [
        "EHLO", "STARTTLS", "*EHLO", "*MAIL", "*RCPT", "*DATA", "*QUIT"]
    assert "RET=" not in peer.said[3] and "SIZE=" in peer.said[3], peer.said


@scenario(STARTTLS)
def n40_bytes_after_220(bench, mode):
    for more in (b"250 ok\r\n", b"250-peer\r\n250 AUTH PLAIN\r\n", b"x"):
        told, peer = bench.play({"starttls": b"220 go\r\n" + more}, mode)
        assert told.fault[0] == "tls", told.text
        assert "in between" in told.end or "plain bytes" in told.end
        assert last_words(peer) == ["EHLO", "STARTTLS"], peer.said


@scenario(STARTTLS, IMPLICIT)
def n41_wrong_certificates(bench, mode):
    stranger = smtp_peer.Authority(bench.folder / f"stranger-{mode}")
    cases = [
        (bench.authority.certificate(f"name-{mode}", "DNS:other.example"),
         "localhost", "mismatch"),
        (bench.authority.certificate(f"canonical-{mode}",
                                     "DNS:mx.localhost,DNS:*.localhost"),
         "localhost", "mismatch"),
        (bench.authority.certificate(f"address-{mode}", "DNS:localhost"),
         "127.0.0.1", "mismatch"),
        (bench.authority.certificate(f"expired-{mode}", days=-1),
         "localhost", "expired"),
        (stranger.certificate("good"), "localhost", "certificate"),
    ]
    for context, host, why in cases:
        told, peer = bench.play({}, mode, peer={"context": context},
                                host=host)
        assert told.fault == ("tls", 0), (why, told.text)
        assert why in told.end, (why, told.text)
        assert not mails(peer)
        assert not any(line.startswith("*") for line in peer.said), peer.said


@scenario(STARTTLS, IMPLICIT)
def n41_an_old_version(bench, mode):
    """TLS 1.1 is none, whatever the certificate."""
    context = bench.authority.context("good")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    told, peer = bench.play({}, mode, peer={"context": context})
    assert told.fault == ("tls", 0), told.text
    assert not mails(peer)


@scenario(STARTTLS, IMPLICIT)
def n41_no_tls_behind_it(bench, mode):
    """What should be a handshake is plain text."""
    told, peer = bench.play({"tls": [b"250 ok\r\n" * 10, "hang"]}, mode)
    assert told.fault[0] == "tls", told.text
    assert not mails(peer)


# ---- a fingerprint, a path, an address -------------------------------------

def key_of(bench, name):
    """As the manual says that it is printed."""
    run = subprocess.run(
        f"openssl x509 -noout -pubkey -in {bench.folder}/{name}.pem | "
        "openssl pkey -pubin -outform DER | openssl dgst -sha256 -r",
        shell=True, check=True, capture_output=True, timeout=60)
    return run.stdout.decode().split()[0]


@scenario(STARTTLS, IMPLICIT)
def n41_a_fingerprint_in_place_of_chain_and_name(bench, mode):
    folder = bench.folder / f"unknown-{mode}"
    folder.mkdir()
    stranger = smtp_peer.Authority(folder)
    names = "DNS:other.example"
    peer = {"context": stranger.certificate("pinned", names)}
    good = key_of(stranger, "pinned")
    other = "0" * 64
    for pins in (good, f"{other} {good}"):
        told, _ = bench.play({}, mode, peer=peer, ca="", fingerprint=pins)
        assert told.outcomes == [("sent", 250)], told.text
    told, heard = bench.play({}, mode, peer=peer, ca="", fingerprint=other,
                             auth="plain", user="u", password="p")
    assert told.fault[0] == "tls", told.text
    assert good in told.end and other in told.end, told.end
    assert not [line for line in heard.said if line.startswith("*")]
    # With a ca_file all of it is checked.
    told, heard = bench.play({}, mode, peer=peer, fingerprint=good)
    assert told.fault[0] == "tls" and "certificate" in told.end, told.text
    told, _ = bench.play({}, mode, fingerprint=key_of(bench, "good"))
    assert told.outcomes == [("sent", 250)], told.text
    told, _ = bench.play({}, mode, fingerprint=other)
    assert told.fault[0] == "tls" and other in told.end, told.text


@scenario()
def n00_unix_socket(bench, mode):
    """Where there is TLS a fingerprint has to stand for the name."""
    path = bench.folder / f"{mode}.sock"
    pin = "" if mode == PLAIN else key_of(bench, "good")
    told, peer = bench.play({}, mode, peer={"path": path}, host=path,
                            ca="", fingerprint=pin)
    assert told.outcomes == [("sent", 250)], told.text
    assert peer.messages == [MESSAGE]
    for nowhere in (path, bench.folder / ("x" * 108)):  # nobody listens there
        told = bench.send(peer, mode, host=nowhere, ca="", fingerprint=pin)
        assert told.fault == ("connect", 0), told.text
        assert str(nowhere)[:60] in told.end, told.text


@scenario()
def n00_ipv6_literal(bench, mode):
    """The name in the certificate is the address."""
    for names, good in (("IP:::1", True), ("DNS:localhost", False),
                        ("IP:::2", False)):
        context = bench.authority.certificate(f"v6-{mode}", names)
        told, _ = bench.play({}, mode, host="::1",
                             peer={"host": "::1", "context": context})
        if good or mode == PLAIN:
            assert told.outcomes == [("sent", 250)], told.text
        else:
            assert told.fault[0] == "tls", told.text
            assert "mismatch" in told.end, told.text


# ---- a token ---------------------------------------------------------------

def hear_token(session, mechanism, line):
    """What the client said as its response, and whether it came with AUTH."""
    words = line.split(" ")
    assert words[0] == "AUTH" and words[1] == mechanism, line
    if len(words) > 2:
        return words[2].encode(), True
    session.say(b"334 \r\n")
    return session.line(), False


def token_server(mechanism, heard, refuse=None):
    def auth(session):
        line = session.said[-1].lstrip("*")
        response, at_once = hear_token(session, mechanism, line)
        heard.append((base64.b64decode(response), at_once))
        if refuse is None:
            session.say(b"235 2.7.0 ok\r\n")
            return
        session.say(b"334 " + refuse + b"\r\n")
        heard.append(session.line())
        session.say(b"535 5.7.8 no\r\n")
    return {"auth": auth}, {"keywords": [f"AUTH PLAIN {mechanism}"]}


def expected_response(mechanism, token, peer):
    if mechanism == "XOAUTH2":
        return b"user=a=b,c@x.example\1auth=Bearer " + token + b"\1\1"
    return (b"n,a=a=3Db=2Cc@x.example,\1host=localhost\1port=%d\1"
            b"auth=Bearer %s\1\1" % (peer.port, token))


@scenario()
def n42_token(bench, mode):
    """One that fits the command line, and some that do not."""
    for mechanism in ("XOAUTH2", "OAUTHBEARER"):
        for size, at_once in ((100, True), (1500, False), (8192, False)):
            token = b"t" * (size - 2) + b"=="
            heard = []
            script, options = token_server(mechanism, heard)
            told, peer = bench.play(script, mode, peer=options,
                                    auth=mechanism.lower(),
                                    user="a=b,c@x.example",
                                    password=token.decode())
            assert told.outcomes == [("sent", 250)], told.text
            assert heard == [(expected_response(mechanism, token, peer),
                              at_once)], heard
            assert all(len(line) <= 512 for line in peer.said)


@scenario()
def n42_token_refused(bench, mode):
    """The relay says why in a challenge, which is answered and shown."""
    token = "secret-" * 200
    why = b'{"status":"invalid_token","scope":"mail"}'
    for mechanism, last in (("XOAUTH2", b""), ("OAUTHBEARER", b"AQ==")):
        for text, shown in ((why, why.decode()), (b"\x1b[2J\0", "5.7.8 no"),
                            (token.encode(), "repeats the token")):
            heard = []
            script, options = token_server(mechanism, heard,
                                           base64.b64encode(text))
            told, peer = bench.play(script, mode, peer=options,
                                    auth=mechanism.lower(), user="u",
                                    password=token)
            assert told.fault == ("auth", 535), told.text
            assert shown in told.end and token not in told.text, told.end
            assert heard[1] == last and not mails(peer), heard
        for challenge in (b"", b"no base64!", b"A" * 3000):
            script, options = token_server(mechanism, [], challenge)
            told, _ = bench.play(script, mode, peer=options,
                                 auth=mechanism.lower(), user="u",
                                 password=token)
            assert told.fault == ("auth", 535), told.text
            assert "5.7.8 no" in told.end, told.end


@scenario(PLAIN)
def n42_token_that_cannot_be_said(bench, mode):
    for auth, user, password, why in (
            ("xoauth2", "u", "t" * 8193, "8193 bytes"),
            ("oauthbearer", "u", "", "0 bytes"),
            ("xoauth2", "u", "a b", "blank"),
            ("oauthbearer", "u", "\u00e9", "blank"),
            ("xoauth2", "u\1auth=Bearer x", "t", "control")):
        _, options = token_server(auth.upper(), [])
        told, peer = bench.play({}, mode, peer=options, auth=auth, user=user,
                                password=password)
        assert told.fault == ("auth", 0) and why in told.end, told.text
        assert not [line for line in peer.said if "AUTH" in line]
    # What is asked for has to be offered; "any" never takes a token.
    for auth, offered in (("xoauth2", "OAUTHBEARER"), ("any", "XOAUTH2"),
                          ("oauthbearer", "XOAUTH2 PLAIN")):
        told, peer = bench.play({}, mode, auth=auth, user="u", password="t",
                                peer={"keywords": [f"AUTH {offered}"]})
        assert told.fault == ("auth", 0) and "no login" in told.end, told.text


# ---- 42, 43 login ----------------------------------------------------------

@scenario()
def n42_login_refused(bench, mode):
    for how in ("any", "plain", "login"):
        told, peer = bench.play({}, mode, auth=how, user=smtp_peer.USER,
                                password="wrong")
        assert told.fault == ("auth", 535), told.text
        assert not mails(peer)


@scenario()
def n42_login_wanted_at_mail(bench, mode):
    told, peer = bench.play({"mail": b"530 5.7.0 log in\r\n"}, mode)
    assert told.outcomes == [("untried", 0)], told.text
    assert told.end.startswith("cut ") and "login" in told.end, told.text
    assert peer.messages == [] and told.dots == []


@scenario()
def n42_login_not_now(bench, mode):
    told, peer = bench.play({"auth": b"454 4.7.0 later\r\n"}, mode,
                            auth="plain", user="u", password="p")
    assert told.fault == ("greeting", 454), told.text
    assert not mails(peer)


@scenario()
def n43_login_not_offered(bench, mode):
    for keywords in ([], ["AUTH XOAUTH2 GSSAPI"], ["AUTHPLAIN"]):
        told, peer = bench.play({}, mode, peer={"keywords": keywords},
                                auth="any", user="u", password="p")
        assert told.fault[0] == "auth", told.text
        assert not mails(peer)
        assert not any("AUTH" in line for line in peer.said), peer.said


@scenario(STARTTLS)
def n43_login_offered_before_tls_alone(bench, mode):
    """What was offered in the clear counts for nothing under TLS."""
    told, peer = bench.play({"ehlo": Turns(
        b"250-peer\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n", b"250 peer\r\n")},
        mode, auth="any", user="u", password="p")
    assert told.fault[0] == "auth", told.text
    assert last_words(peer) == ["EHLO", "STARTTLS", "*EHLO"], peer.said


# ---- 44 to 46 refusals -----------------------------------------------------

@scenario()
def n44_each_address_has_its_own(bench, mode):
    for keywords in (smtp_peer.KEYWORDS, []):
        told, peer = bench.play(
            {f"rcpt:{A}": b"450 4.2.1 busy\r\n",
             f"rcpt:{C}": b"550 5.1.1 unknown\r\n"}, mode, (A, B, C),
            {"keywords": keywords})
        assert told.outcomes == [("deferred", 450), ("sent", 250),
                                 ("failed", 550)], told.text
        assert [status for _, _, status, _ in told.results] == [
            "4.2.1", "2.0.0", "5.1.1"]
        assert told.dots == [[B]] and peer.messages == [MESSAGE]
        assert told.end == "open"


@scenario()
def n44_the_only_address(bench, mode):
    for code, outcome in ((450, "deferred"), (452, "deferred"),
                          (550, "failed"), (553, "failed")):
        for keywords in (smtp_peer.KEYWORDS, []):
            told, peer = bench.play(
                {"rcpt": Turns(b"%d no\r\n" % code, b"250 ok\r\n")}, mode,
                peer={"keywords": keywords}, letters=2)
            assert told.outcomes == [(outcome, code), ("sent", 250)], told.text
            assert told.dots == [[A]] and len(peer.sessions) == 1
            assert [m for m in peer.messages if m] == [MESSAGE]


@scenario()
def n44_refused_at_mail(bench, mode):
    for code, outcome in ((451, "deferred"), (550, "failed")):
        told, peer = bench.play({"mail": b"%d no\r\n" % code}, mode, (A, B))
        assert told.outcomes == [(outcome, code)] * 2, told.text
        assert told.dots == [] and told.end == "open"


@scenario()
def n44_taken_behind_a_refused_mail(bench, mode):
    """A 2yz to an address of a letter that was refused: whose reply it is
    nobody knows any more."""
    told, peer = bench.play({"mail": b"451 4.3.0 no\r\n",
                             "rcpt": b"250 ok\r\n"}, mode, letters=2)
    assert told.outcomes == [("deferred", 451)], told.text
    assert told.dots == [] and told.end.startswith("cut ")


@scenario()
def n45_all_refused_and_data_taken(bench, mode):
    """354 to DATA and 250 to the dot, with nobody to send to."""
    told, peer = bench.play({"rcpt": Turns(
        b"550 5.1.1 no\r\n", b"450 4.2.1 no\r\n", b"250 ok\r\n")}, mode,
        (A, B), letters=2)
    assert told.outcomes == [("failed", 550), ("deferred", 450),
                             ("sent", 250), ("sent", 250)], told.text
    assert told.dots == [[A, B]], told.text
    assert [m for m in peer.messages if m] == [MESSAGE]


@scenario()
def n46_data_answered_250(bench, mode):
    for reply in (b"250 ok\r\n", b"220 ok\r\n", b"334 eh\r\n", b"399 eh\r\n"):
        told, peer = bench.play({"data": [reply, "hang"]}, mode)
        assert told.outcomes == [("untried", 0)], told.text
        assert told.end.startswith("cut ") and told.dots == []
        assert peer.sessions[0].left == b"", "the message went out"


@scenario()
def n46_data_refused(bench, mode):
    for code, outcome in ((451, "deferred"), (554, "failed")):
        told, peer = bench.play(
            {"data": Turns(b"%d no\r\n" % code, b"354 go on\r\n")}, mode,
            letters=2)
        assert told.outcomes == [(outcome, code), ("sent", 250)], told.text
        assert told.dots == [[A]] and peer.messages == [MESSAGE]


@scenario()
def n46_rset_refused(bench, mode):
    """What the relay still has of the letter before nobody knows."""
    for reply, code in ((b"502 5.5.1 no\r\n", 502), (b"354 eh\r\n", 354),
                        (b"421 4.3.2 bye\r\n", 421)):
        told, peer = bench.play(
            {"rset": reply, "data": Turns(b"451 no\r\n", b"354 go on\r\n")},
            mode, letters=2)
        assert told.outcomes == [("deferred", 451), ("untried", 0)], told.text
        assert told.end == f"cut the relay answered {code} to RSET", told.text
        assert told.dots == [] and len(mails(peer)) == 1


@scenario()
def n46_one_reply_too_many(bench, mode):
    """Replies that are out of step never make a letter sent."""
    for step in ("mail", "rcpt", "greeting"):
        polite = {"mail": b"250 ok\r\n", "rcpt": b"250 ok\r\n",
                  "greeting": b"220 peer\r\n"}[step]
        told, peer = bench.play({step: polite + b"250 more\r\n"}, mode,
                                command_ms=SOON)
        assert ("sent", 250) not in told.outcomes, told.text
        assert peer.messages == []


# ---- 47 stalled ------------------------------------------------------------

@scenario()
def n47_reading_stalls(bench, mode):
    large = bench.folder / f"large-{mode}"
    large.write_bytes(MESSAGE * 2000)
    told, peer = bench.play({"body": "stall"}, mode,
                            peer={"small_buffers": True}, message=large,
                            data_ms=SOON)
    assert told.outcomes == [("untried", 0)], told.text
    assert told.end.startswith("cut ") and "in time" in told.end
    assert told.dots == [] and peer.messages == []
    # It has read all there is by now, and it is a part without holes.
    stuffed = b"\r\n" + (MESSAGE * 2000).replace(b"\r\n.", b"\r\n..")
    assert 0 < len(peer.sessions[0].left) < len(stuffed) - 2
    assert stuffed[2:].startswith(peer.sessions[0].left)


@scenario()
def n47_reading_stalls_and_goes_on(bench, mode):
    """A pause is no reason for a hole."""
    large = bench.folder / f"pause-{mode}"
    large.write_bytes(MESSAGE * 2000)
    told, peer = bench.play({"body": 1.0}, mode,
                            peer={"small_buffers": True}, message=large)
    assert told.outcomes == [("sent", 250)], told.text
    assert peer.messages == [MESSAGE * 2000]


@scenario()
def n47_reading_goes_on_too_late(bench, mode):
    """Behind what was not written in time nothing more is: the relay cannot
    take what it has for all of it."""
    large = b"Subject: test\r\n\r\n" + b"".join(
        b"line %d of it\r\n" % i for i in range(700000))
    path = bench.folder / f"late-{mode}"
    path.write_bytes(large)
    told, peer = bench.play({"body": 3 * SOON / 1000}, mode, message=path,
                            peer={"small_buffers": True}, data_ms=SOON)
    assert told.outcomes == [("untried", 0)], told.text
    assert told.dots == [] and peer.messages == []
    assert large.startswith(peer.sessions[0].left)


@scenario()
def n47_refused_half_way(bench, mode):
    """The relay speaks in the middle of the message, and reads on: that is a
    refusal, or nothing, and nobody asks for the dot."""
    large = bench.folder / f"half-{mode}"
    large.write_bytes(MESSAGE * 2000)
    told, peer = bench.play({"body": b"554 5.3.4 too much\r\n"}, mode,
                            message=large, peer={"small_buffers": True})
    assert told.outcomes == [("failed", 554)] and told.dots == [], told.text
    assert peer.messages == []
    for reply, outcome in (
            (b"554 5.3.4 too much\r\n", ("failed", 554)),
            (b"452 4.3.1 full\r\n", ("deferred", 452)),
            (b"421 4.3.2 bye\r\n", ("deferred", 421)),
            (b"554 no\r\n250 2.0.0 kept\r\n", ("failed", 554)),
            (b"250 2.0.0 kept\r\n", ("untried", 0)),
            (b"what\r\n", ("untried", 0))):
        told, peer = bench.play({"data": b"354 go on\r\n" + reply}, mode)
        assert told.outcomes == [outcome], (reply, told.text)
        assert told.end.startswith("cut ") and told.dots == [], told.text
        assert peer.messages == []


@scenario()
def n47_an_answer_before_the_dot(bench, mode):
    """A 250 to a dot that was never sent is no answer to it."""
    told, peer = bench.play({"data": b"354 go on\r\n250 kept\r\n"}, mode)
    assert told.outcomes == [("untried", 0)], told.text
    assert told.dots == [] and peer.messages == []


# ---- 48 to 56 the answer to the dot ----------------------------------------

def doubt(bench, mode, script, text, **options):
    told, peer = bench.play({"dot": script}, mode, (A, B), **options)
    assert told.outcomes == [("in-doubt", 0)] * 2, told.text
    assert told.dots == [[A, B]] and told.end.startswith("cut ")
    assert peer.messages == [MESSAGE]
    for _, _, status, shown in told.results:
        assert status == "" and re.search(text, shown), shown


@scenario()
def n48_close_after_the_dot(bench, mode):
    doubt(bench, mode, "close", "closed")
    doubt(bench, mode, "reset", "closed|reset")


@scenario()
def n49_silence_after_the_dot(bench, mode):
    doubt(bench, mode, "hang", "in time", dot_ms=SOON)


@scenario()
def n50_bare_250(bench, mode):
    doubt(bench, mode, b"250\r\n", "^250")


@scenario()
def n51_250_dash_and_close(bench, mode):
    doubt(bench, mode, [b"250-kept as 1234\r\n", "close"], "kept as 1234")
    doubt(bench, mode, [b"250 kept as 1234", "close"], "kept as 1234")


@scenario()
def n52_250_then_451(bench, mode):
    doubt(bench, mode, b"250-kept\r\n451 4.3.0 not kept\r\n", "not kept")


@scenario()
def n53_no_such_code(bench, mode):
    for reply in (b"199 a\r\n", b"999 a\r\n", b"2500 a\r\n", b"600 a\r\n",
                  b"25 a\r\n", b"250a\r\n", b"abc\r\n", b" 250 a\r\n",
                  b"\r\n250 a\r\n", b"\0\r\n", b"+OK\r\n", b"-250 a\r\n"):
        doubt(bench, mode, [reply, "hang"], "")


@scenario()
def n53_other_classes(bench, mode):
    for code in (354, 334, 300):
        told, peer = bench.play({"dot": [b"%d eh\r\n" % code, "hang"]}, mode)
        assert told.outcomes == [("in-doubt", code)], told.text


@scenario()
def n54_dot_refused(bench, mode):
    """And the next letter goes over the same connection."""
    for code, outcome in ((451, "deferred"), (554, "failed")):
        told, peer = bench.play(
            {"dot": Turns(b"%d no\r\n" % code, b"250 ok\r\n")}, mode,
            letters=2)
        assert told.outcomes == [(outcome, code), ("sent", 250)], told.text
        assert told.end == "open" and len(peer.sessions) == 1
        assert peer.messages == [MESSAGE] * 2


@scenario()
def n54_421_to_the_dot(bench, mode):
    """A 421 is a 4yz: the relay has not taken it."""
    told, peer = bench.play({"dot": GONE}, mode)
    assert told.outcomes == [("deferred", 421)], told.text
    assert told.end.startswith("cut ")


@scenario()
def n54_two_answers_to_the_dot(bench, mode):
    """The second would be taken for the next letter's."""
    told, peer = bench.play({"dot": b"250 kept\r\n250 kept\r\n"}, mode,
                            letters=2)
    assert told.outcomes == [("sent", 250), ("untried", 0)], told.text
    assert told.end.startswith("cut ") and len(mails(peer)) == 1
    assert peer.messages == [MESSAGE]


@scenario()
def n54_two_verdicts_on_the_last_letter(bench, mode):
    """In one breath, and no other letter's opening is out that would show which
    of them is one too many. A 421 says that the connection ends."""
    for reply, outcome in (
            (b"250 kept\r\n554 5.7.1 no\r\n", ("in-doubt", 250)),
            (b"451 later\r\n250 kept\r\n", ("in-doubt", 451)),
            (b"554 no\r\n250 kept\r\n", ("in-doubt", 554)),
            (b"250 kept\r\nand more\r\n", ("in-doubt", 250)),
            (b"250 kept\r\n250 kept\r\n", ("sent", 250)),
            (b"250 kept\r\n421 4.4.2 bye\r\n", ("sent", 250)),
            (b"550 no\r\n421 4.4.2 bye\r\n", ("failed", 550))):
        told, peer = bench.play({"dot": reply}, mode)
        assert told.outcomes == [outcome], (reply, told.text)
        assert peer.messages == [MESSAGE]
        assert told.end.startswith("cut ") == (outcome[0] == "in-doubt")


def endless(line):
    def say(session):
        while True:
            session.say(line * 100)
    return say


def dripped(text):
    def say(session):
        for i in range(len(text)):
            session.say(text[i:i + 1])
            session.perform(0.1)
        session.hang()
    return say


@scenario()
def n55_endless_or_dripped_at_the_dot(bench, mode):
    began = time.monotonic()
    doubt(bench, mode, endless(b"x" * 100), "x")
    doubt(bench, mode, endless(b"250-more\r\n"), "more")
    assert time.monotonic() - began < LATE / 1000, "cut at the deadline alone"
    doubt(bench, mode, dripped(b"250 " + b"kept " * 100 + b"\r\n"), "kept",
          dot_ms=SOON)


@scenario()
def n55_endless_or_dripped_before_it(bench, mode):
    for step, script in (
            ("greeting", endless(b"220-" + b"x" * 96)),
            ("greeting", dripped(b"220-" + b"x" * 1000)),
            ("ehlo", endless(b"250-x\r\n")), ("ehlo", endless(b"x"))):
        told, peer = bench.play({step: script}, mode, command_ms=SOON)
        assert told.fault == ("connect", 0), (step, told.text)
    for step, script in (
            ("mail", endless(b"250-x\r\n")), ("rcpt", endless(b"x")),
            ("rcpt", dripped(b"250 " + b"x" * 1000)),
            ("data", endless(b"354-x\r\n"))):
        told, peer = bench.play({step: script}, mode, command_ms=SOON)
        assert told.outcomes == [("untried", 0)], (step, told.text)
        assert told.dots == [] and peer.messages == []


NASTY = b"\x1b[2J\x1b]52;c;eA==\x07 \xff\xc3\x28 %n%s%9999d \xe2\x80\xae \0 \t"


@scenario()
def n56_escaped_everywhere(bench, mode):
    """send() has asserted that nothing but printable ASCII is printed."""
    told, peer = bench.play({"dot": b"250 2.0.0 " + NASTY + b"\r\n"}, mode)
    assert told.outcomes == [("sent", 250)], told.text
    assert r"\x1B[2J" in told.text and "%n%s%9999d" in told.text, told.text
    told, peer = bench.play({"rcpt": b"550 5.1.1 " + NASTY + b"\r\n"}, mode)
    assert told.outcomes == [("failed", 550)], told.text
    assert r"\x1B[2J" in told.text
    for step in ("greeting", "ehlo", "auth"):
        told, peer = bench.play({step: b"554 " + NASTY + b"\r\n"}, mode,
                                auth="plain", user="u", password="p")
        assert told.fault[1] == 554 and r"\x1B[2J" in told.end, told.text
    doubt(bench, mode, [NASTY + b"\r\n", "hang"], r"x1B\[2J")


# ---- 57 size ---------------------------------------------------------------

@scenario()
def n57_larger_than_the_relay_takes(bench, mode):
    told, peer = bench.play({}, mode, peer={"keywords": ["SIZE 1000"]})
    assert told.outcomes == [("failed", 0)], told.text
    assert told.results[0][2] == "5.3.4" and "1000 bytes" in told.results[0][3]
    assert told.end == "open" and not mails(peer)
    told, peer = bench.play({"mail": b"552 5.3.4 too large\r\n"}, mode)
    assert told.outcomes == [("failed", 552)], told.text
    # No limit is named, or one that is none.
    for size in ("SIZE", "SIZE 0", "SIZE x"):
        told, peer = bench.play({}, mode, peer={"keywords": [size]})
        assert told.outcomes == [("sent", 250)], (size, told.text)


if __name__ == "__main__":
    sys.exit(run_scenarios(SCENARIOS))
