#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known to bite in the SMTP library that we build on, each with a
server that would make it bite:

 1 a letter in many small writes, and Nagle's algorithm between them
 2 a server that stalls: a part of the body left out, then 250
 3 a TLS 1.3 session ticket while both sides write
 4 a TLS context that is used after it was freed; a client's certificate
 5 the certificate compared with the canonical name, no SNI, no IP address
 6 plain text behind the 220 to STARTTLS read as if it were inside TLS
 7 a login that fails or is not offered: sent without one; long passwords
 8 a home directory that cannot be read
 9 a dot behind a letter that is not whole
10 lone CR and LF; addresses that end a command
11 fields added, made anew and taken out
12 replies whose enhanced codes do not agree
13 CHUNKING used unasked: no look at the reply, a drop taken for success
14 BODY=8BITMIME to a server that does not offer it
15 long ENVID and ORCPT; 421; an IPv6 address as the host
16 no implicit TLS, no deadline for the whole attempt"""
import base64
import concurrent.futures
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

import harness

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
import smtp_bench  # noqa: E402
import smtp_peer  # noqa: E402
from smtp_bench import (A, ALL, B, Bench, IMPLICIT, LATE,  # noqa: E402
                        MESSAGE, PLAIN, SOON, STARTTLS)
from smtp_peer import KEYWORDS, Peer, Turns  # noqa: E402

TLS = (STARTTLS, IMPLICIT)
SCENARIOS = []


def scenario(*modes):
    def add(function):
        SCENARIOS.extend((function, mode) for mode in modes or ALL)
        return function
    return add


def file_of(bench, name, data):
    path = bench.folder / name
    path.write_bytes(data)
    return path


def no_mail(peer):
    assert not any(line.lstrip("*")[:4] in ("MAIL", "RCPT", "DATA")
                   for line in peer.said), peer.said


def sent(told):
    assert told.results and {one[0] for one in told.results} == {"sent"}, \
        told.text


@scenario(PLAIN)
def p01_few_writes_and_no_delay(bench, mode):
    """A letter of 4 KB on a connection with PIPELINING is its opening, and its
    body with the dot; and nothing of it waits for an acknowledgement."""
    if not shutil.which("strace"):
        return
    trace = bench.folder / "p01"
    letters = 20
    with bench.peer({}, mode) as peer:
        under = smtp_bench.SEND
        try:
            smtp_bench.SEND = bench.folder / "traced-send"
            smtp_bench.SEND.write_text(
                "#!/bin/sh\nASAN_OPTIONS=detect_leaks=0 exec strace -f -qq "
                f"-yy -o {trace} -e trace=write,writev,sendto,sendmsg,"
                f"setsockopt '{under}' \"$@\"\n")
            smtp_bench.SEND.chmod(0o755)
            sent(bench.send(peer, mode, letters=letters,
                            message=file_of(bench, "p01m",
                                            MESSAGE[:4000] + b"\r\n")))
        finally:
            smtp_bench.SEND = under
        peer.settle()
    lines = trace.read_text(errors="replace").splitlines()
    assert any("TCP_NODELAY, [1]" in line for line in lines)
    writes = [line for line in lines if "setsockopt" not in line and
              re.search(r"\(\d+<TCP", line)]
    assert letters < len(writes) <= 2 * letters + 5, len(writes)


@scenario()
def p02_a_stall_leaves_no_hole(bench, mode):
    large = MESSAGE * 2500
    told, peer = bench.play({"body": "stall"}, mode,
                            peer={"small_buffers": True}, data_ms=SOON,
                            message=file_of(bench, f"p02{mode}", large))
    assert told.outcomes == [("untried", 0)] and told.dots == [], told.text
    assert peer.messages == []
    assert large.replace(b"\r\n.", b"\r\n..").startswith(
        peer.sessions[0].left)


@scenario(*TLS)
def p03_session_tickets(bench, mode):
    """They come while the client writes more than all buffers hold."""
    context = bench.authority.context("good")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 20
    large = file_of(bench, f"p03{mode}", MESSAGE * 300)
    for _ in range(15):
        told, peer = bench.play({}, mode, message=large, data_ms=20000,
                                peer={"context": context,
                                      "small_buffers": True})
        sent(told)
        assert peer.messages == [MESSAGE * 300]


@scenario(*TLS)
def p04_many_connections_of_one_process(bench, mode):
    """To a server that would like a certificate of the client's."""
    context = bench.authority.context("good")
    context.load_verify_locations(bench.authority.ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    certificates = []

    def note(session):
        certificates.append(session.connection.getpeercert())
        session.say(b"250 2.0.0 kept\r\n")
    with Peer({"dot": note}, tls=mode, context=context) as peer, \
            harness.Room([{"name": "peer", "host": "localhost",
                           "port": peer.port, "tls": mode,
                           "ca_file": str(bench.authority.ca),
                           "connections": 2,
                           "letters_per_connection": 1}]) as room:
        room.start()
        room.enqueue("DM", harness.table(30))
        room.wait_letters("DM", sent=30)
        assert room.stop() == 0
        assert "signal" not in room.log() and "rests" not in room.log()
    assert len(peer.sessions) == 30
    assert certificates == [None] * 30 or certificates == [{}] * 30


@scenario(*TLS)
def p05_the_name_that_was_asked_for(bench, mode):
    asked = []
    context = bench.authority.context("good")
    context.sni_callback = lambda _s, name, _c: asked.append(name)
    sent(bench.play({}, mode, peer={"context": context})[0])
    assert asked == ["localhost"], asked
    sent(bench.play({}, mode, host="127.0.0.1")[0])
    named = bench.authority.certificate(f"p05{mode}", "DNS:localhost")
    told, peer = bench.play({}, mode, host="127.0.0.1",
                            peer={"context": named})
    assert told.fault == ("tls", 0), told.text
    no_mail(peer)


@scenario(STARTTLS)
def p06_injection_before_tls(bench, mode):
    for more in (b"250 ok\r\n", b"250-x\r\n250 AUTH PLAIN\r\n", b"\0"):
        told, peer = bench.play({"starttls": b"220 go\r\n" + more}, mode,
                                auth="any", user="u", password="p")
        assert told.fault[0] == "tls", told.text
        no_mail(peer)
        assert not any("AUTH" in line for line in peer.said)


@scenario()
def p07_never_without_the_login(bench, mode):
    wrong = {"auth": "plain", "user": smtp_peer.USER, "password": "no"}
    for script, keywords in (
            ({}, KEYWORDS), ({}, ["PIPELINING"]),
            ({"auth": b"454 4.7.0 later\r\n"}, KEYWORDS),
            ({"auth": b"250 ok\r\n"}, KEYWORDS),
            ({"auth": ["close"]}, KEYWORDS)):
        told, peer = bench.play(script, mode, peer={"keywords": keywords},
                                **wrong)
        assert told.fault, told.text
        no_mail(peer)


@scenario()
def p07_long_passwords(bench, mode):
    """Whole, or not at all."""
    for length in (200, 256, 300, 1000, 3000):
        heard = []

        def take(session, heard=heard):
            heard.append(session.said[-1])
            session.say(b"235 2.7.0 ok\r\n")
        password = "p" * (length - 1) + "!"
        told, peer = bench.play({"auth": take}, mode, auth="plain",
                                user="registry", password=password)
        if told.fault:
            no_mail(peer)
            assert length > 300, (length, told.text)
            continue
        sent(told)
        bytes_ = base64.b64decode(heard[0].split(" ")[2])
        assert bytes_ == b"\0registry\0" + password.encode(), length


@scenario(*TLS)
def p08_no_home(bench, mode):
    locked = bench.folder / f"home-{mode}"
    locked.write_text("not a directory")
    with bench.peer({}, mode) as peer:
        run = subprocess.run(
            [smtp_bench.SEND, "host=localhost", f"port={peer.port}",
             f"tls={mode}", f"ca={bench.authority.ca}", f"connect_ms={LATE}",
             f"command_ms={LATE}", f"data_ms={LATE}", f"dot_ms={LATE}",
             f"attempt_ms={LATE}", f"message={bench.message}", A],
            env={**os.environ, "HOME": str(locked),
                 "XDG_CONFIG_HOME": str(locked / "x")},
            capture_output=True, text=True, timeout=120, check=True)
        peer.settle()
    assert run.stdout.count("sent\t250") == 1, run.stdout
    assert peer.messages == [MESSAGE]


@scenario()
def p09_no_dot_behind_what_is_not_whole(bench, mode):
    """Called back at the last moment: the connection ends inside the letter,
    and the server cannot take what it has for all of it."""
    for keywords in (KEYWORDS, []):
        told, peer = bench.play({}, mode, **{"no-go": 1},
                                peer={"keywords": keywords})
        assert told.dots == [[A]] and told.end.startswith("cut "), told.text
        assert told.outcomes == [("untried", 0)], told.text
        assert peer.messages == [] and len(peer.sessions) == 1
        assert not peer.sessions[0].left.endswith(b"\r\n.\r\n")


@scenario()
def p10_only_lines_and_addresses(bench, mode):
    head = b"Subject: test\r\n\r\n"
    for bad in (b"lone\nLF\r\n.\n", b"lone\rCR\r\n", b"a\n.\nMAIL FROM:<x>\r\n",
                b"a\r.\r\r\n", b"a\r\n.\n"):
        told, peer = bench.play({}, mode,
                                message=file_of(bench, f"p10{mode}",
                                                head + bad))
        assert told.outcomes == [("failed", 0)], (bad, told.text)
        no_mail(peer)
    for address in ("a@x.example>\r\nRCPT TO:<b@x.example", "a@x.example\nQUIT",
                    "a@x.example> SIZE", "<a@x.example>", "a b@x.example",
                    "x" * 1100 + "@x.example"):
        told, peer = bench.play({}, mode, (address,))
        assert ("sent", 250) not in told.outcomes, (address, told.text)
        said = [line for line in peer.said
                if re.match(r"\*?(RCPT|QUIT)", line)]
        assert said in ([], ["QUIT"], ["*QUIT"]), (address, peer.said)
        assert peer.messages == []


@scenario()
def p11_nothing_added_nothing_taken(bench, mode):
    for i, text in enumerate((
            b"Subject: no id, no date, no From\r\n\r\nx\r\n",
            b"Bcc: b@x.example\r\nReturn-Path: <y@x.example>\r\n"
            b"Message-Id: <1@x.example>\r\n\r\nx\r\n",
            b"From: a@x.example\r\nSender: b@x.example\r\nFrom: c@x.example\r\n"
            b"\r\nx\r\n")):
        told, peer = bench.play({}, mode, letters=2,
                                message=file_of(bench, f"p11{mode}{i}", text))
        sent(told)
        assert peer.messages == [text, text], peer.messages


@scenario()
def p12_enhanced_codes_that_do_not_agree(bench, mode):
    two = b"250-2.0.0 kept\r\n250-2.6.0 indeed\r\n250 as 1234\r\n"
    told, peer = bench.play({"dot": two, "rcpt": b"250-2.1.5 a\r\n250 b\r\n"},
                            mode, letters=2)
    sent(told)
    assert len(peer.sessions) == 1 and len(peer.messages) == 2
    told, peer = bench.play(
        {"rcpt": b"550-5.1.1 unknown\r\n550-4.2.1 busy\r\n550 5.7.1 no\r\n"},
        mode, letters=2)
    assert told.outcomes == [("failed", 550)] * 2, told.text
    assert len(peer.sessions) == 1


@scenario()
def p13_chunking_hides_nothing(bench, mode):
    """Whichever way the body goes, the question comes before the end of it,
    and a connection that is lost there is a doubt."""
    chunking = {"keywords": [*KEYWORDS, "CHUNKING"]}
    told, peer = bench.play({}, mode, (A, B), peer=chunking, letters=2)
    sent(told)
    assert told.dots == [[A, B]] * 2 and peer.messages == [MESSAGE] * 2
    told, peer = bench.play({"dot": "close"}, mode, peer=chunking)
    assert told.outcomes == [("in-doubt", 0)], told.text
    assert told.dots == [[A]]
    told, peer = bench.play({}, mode, peer=chunking, **{"no-go": 1})
    assert told.outcomes == [("untried", 0)] and peer.messages == []


@scenario()
def p14_seven_bits_for_everybody(bench, mode):
    for keywords in ([], KEYWORDS):
        told, peer = bench.play({}, mode, peer={"keywords": keywords})
        sent(told)
        assert not any("8BIT" in line for line in peer.said), peer.said


@scenario()
def p15_long_addresses(bench, mode):
    """ENVID and ORCPT whole (RFC 3461), or not at all."""
    domain = ".".join(["b" * 60] * 3) + ".example"
    for local in ("a" * 60, "+" * 60):  # a "+" becomes "+2B"
        address = f"{local}@{domain}"
        told, peer = bench.play({}, mode, (address,))
        sent(told)
        line = next(line for line in peer.said if "RCPT" in line)
        assert f"<{address}>" in line, line
        orcpt = re.search(r"ORCPT=rfc822;(\S+)", line)
        assert not orcpt or orcpt[1].replace("+2B", "+") == address, line
        mail = next(line for line in peer.said if "MAIL" in line)
        assert "ENVID=7.1" in mail, mail


@scenario()
def p15_421_ends_it(bench, mode):
    """What would follow on that connection is not said to be sent."""
    for step in ("mail", "rcpt", "data", "dot"):
        script = {step: Turns(b"421 4.3.2 going down\r\n", b"250 ok\r\n")}
        told, peer = bench.play(script, mode, letters=3)
        assert told.outcomes[0] == ("deferred", 421), told.text
        assert ("sent", 250) not in told.outcomes, told.text
        assert told.end.startswith("cut ")


@scenario(PLAIN, STARTTLS)
def p15_an_ipv6_address(bench, mode):
    listener = socket.socket(socket.AF_INET6)
    try:
        listener.bind(("::1", 0))
    except OSError:  # a machine without IPv6
        listener.close()
        return
    context = bench.authority.certificate(f"p15{mode}", "IP:::1")
    peer = bench.peer({}, mode, context=context)
    peer.listener.close()
    listener.listen(10)
    peer.listener, peer.port = listener, listener.getsockname()[1]
    with peer:
        sent(bench.send(peer, mode, host="::1"))
        peer.settle()
    assert peer.messages == [MESSAGE]


@scenario(IMPLICIT)
def p16_tls_from_the_start(bench, mode):
    told, peer = bench.play({}, mode, letters=2)
    sent(told)
    assert all(line.startswith("*") for line in peer.said), peer.said


@scenario()
def p16_the_whole_attempt_has_a_deadline(bench, mode):
    """Each answer is in time, and there is no end to them."""
    drip = [b"2", 0.3, b"5", 0.3, b"0", 0.3, b" ", 0.3, b"o", 0.3, b"k\r\n"]
    told, peer = bench.play({"rcpt": drip}, mode,
                            tuple(f"{n}@x.example" for n in "abcdef"),
                            attempt_ms=SOON)
    assert {one for one, _ in told.outcomes} == {"untried"}, told.text
    assert told.dots == [] and peer.messages == []


def main():
    wanted = sys.argv[1:]
    chosen = [(function, mode) for function, mode in SCENARIOS
              if not wanted or function.__name__ in wanted]
    numbers = {int(function.__name__[1:3]) for function, _ in SCENARIOS}
    assert numbers == set(range(1, 17)), numbers
    failed = 0
    with tempfile.TemporaryDirectory(prefix="chancery-pit-") as folder:
        bench = Bench(pathlib.Path(folder))
        # This one has another program as smtp-send.
        alone = [one for one in chosen if one[0] is p01_few_writes_and_no_delay]
        for group, workers in ((alone, 1), ([one for one in chosen
                                             if one not in alone], 8)):
            with concurrent.futures.ThreadPoolExecutor(workers) as pool:
                runs = [pool.submit(function, bench, mode)
                        for function, mode in group]
                for (function, mode), run in zip(group, runs):
                    error = run.exception()
                    failed += error is not None
                    print("FAILED:" if error else "ok:", function.__name__,
                          mode, repr(error)[:2000] if error else "",
                          flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
