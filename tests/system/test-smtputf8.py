#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that are not ASCII (RFC 6531, 6532, 6533): where they are taken and
where not, what a relay is told of them and of all others, and which relay; what
it says of them comes back to them."""
import base64
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) /
                       "tests/peers"))

import harness
import smtp_peer
from harness import BUILD, Room, table, wait_for
from smtp_peer import Peer

OFFER = ["PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "DSN"]
# The third is ASCII but for its domain, which goes out in A-labels always.
ROWS = """key,language,to,cc,name
JOSE,en,"José O'Neill <josé.o'neill+a@bücher.example>",office@b.example,José
WAI,en,外交部@例.example,,外交部
ANN,en,ann@bücher.example,,Ann
"""
LETTERS = {"JOSE", "WAI", "ANN"}


def relay(peer, name="main", **keys):
    return {"name": name, "port": peer.port, "connections": 1,
            "smtputf8": True, **keys}


def utf8(lines):
    """The commands as they were: the peer shows bytes."""
    return [line.encode("latin-1").decode() for line in lines]


def envelopes(peer):
    """{first recipient: (MAIL, [RCPT])}."""
    found, mail, to = {}, None, []
    for line in utf8(peer.said):
        if line.startswith("MAIL "):
            mail, to = line, []
        elif line.startswith("RCPT "):
            to.append(line)
            found[to[0].split("<")[1].split(">")[0]] = (mail, to)
    return found


def field(message, name):
    head = message.split(b"\r\n\r\n")[0].decode()
    for line in head.replace("\r\n ", " ").split("\r\n"):
        if line.lower().startswith(name.lower() + ":"):
            return line.split(": ", 1)[1]
    return None


def chancery(r, *words):
    run = subprocess.run([BUILD / "chancery", "--socket-dir", r.root, *words],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_what_a_relay_is_told():
    for keywords in (OFFER, [*OFFER, "CHUNKING"],
                     [word for word in OFFER if word != "PIPELINING"]):
        with Peer(keywords=keywords) as peer, Room([relay(peer)]) as r:
            r.start()
            r.enqueue("DM-1", ROWS)
            r.wait_letters("DM-1", sent=3)
            letters = r.letters("DM-1")
            said = envelopes(peer)
            jose = "josé.o'neill+a@xn--bcher-kva.example"
            mail, to = said[jose]
            assert " SMTPUTF8" in mail, mail
            assert to[0].endswith(" ORCPT=utf-8;josé.o'neill\\x{2B}a"
                                  "@xn--bcher-kva.example"), to
            assert to[1].startswith("RCPT TO:<office@b.example> ") and \
                to[1].endswith(" ORCPT=rfc822;office@b.example"), to
            mail, to = said["外交部@xn--fsq.example"]
            assert " SMTPUTF8" in mail and "ORCPT=utf-8;外交部@" in to[0], to
            mail, to = said["ann@xn--bcher-kva.example"]
            assert "SMTPUTF8" not in mail, mail
            assert "ORCPT=rfc822;ann@xn--bcher-kva.example" in to[0], to
            shown = {field(m, "To"): m for m in peer.messages}
            message = shown["=?UTF-8?Q?Jos=C3=A9_O=27Neill?= <" + jose + ">"]
            assert message.split(b"\r\n\r\n", 1)[1].isascii()
            assert shown["ann@xn--bcher-kva.example"].isascii()
            assert "外交部@xn--fsq.example" in shown
            address = letters["JOSE"]["addresses"][0]["address"]
            assert address == jose, address
            text = chancery(r, "show", "DM-1/JOSE")
            assert "josé.o'neill+a@bücher.example (xn--bcher-kva.example)" \
                in text, text
            assert json.loads(chancery(r, "show", "DM-1/JOSE", "--json"))[
                "addresses"][0]["address"] == jose
            assert r.stop() == 0


def test_letters_in_ascii_are_as_ever():
    """Word for word the same, whether or not the relay may carry others."""
    said = []
    for may in (False, True):
        with Peer(keywords=OFFER) as peer, \
                Room([relay(peer, smtputf8=may)]) as r:
            r.start()
            r.enqueue("DM-1", table(1))
            r.wait_letters("DM-1", sent=1)
            lines = [line.split("SIZE=")[0].split("+")[0]
                     for line in peer.said if not line.startswith("QUIT")]
            said.append(lines)
            assert r.stop() == 0
    assert said[0] == said[1], said


def test_refused_before_anything_is_queued():
    """With the place of each, where no relay is set up for them."""
    with Peer(keywords=OFFER) as peer, \
            Room([relay(peer, smtputf8=False)]) as r:
        r.start()
        answer = r.upload("DM-1", ROWS.replace(
            'office@b.example', '"a@b.example, renée@b.example"'))
        assert answer.status == 422, (answer.status, answer.body)
        found = [(p["file"], p["line"], p["column"], p["text"])
                 for p in answer.json["problems"]]
        why = "is not ASCII: no relay is set up to carry it"
        assert [f[1:] for f in found] == [
            (2, 24, f'"josé.o\'neill+a" {why}'),
            (2, 70, f'"renée" {why}'),
            (3, 8, f'"外交部" {why}')], found
        assert "smtputf8 = true" in json.dumps(answer.json), answer.json
        assert r.get("/v1/batches/DM-1").status == 404
        assert not peer.sessions
        assert r.stop() == 0


def test_check_without_a_room_warns():
    with Room() as r:
        folder = r.root / "letter"
        folder.mkdir()
        for name, text in harness.LETTER.items():
            (folder / name).write_text(text)
        (r.root / "rows.csv").write_text(ROWS)
        run = subprocess.run(
            [BUILD / "chancery", "check", folder, r.root / "rows.csv"],
            capture_output=True, text=True, check=False)
        out = run.stdout + run.stderr
        assert "rows.csv:2:24: warning: to: \"josé.o'neill+a\" is not ASCII: it " \
            "needs a relay" in out, out


def test_one_that_does_not_offer_it():
    """It waits, with the reason, and its address is never told; it goes when the
    relay offers it."""
    with Peer(keywords=OFFER) as peer, \
            Room([relay(peer, letters_per_connection=1)],
                 conf={"sending": {"retry": ["1s"]}}) as r:
        peer.keywords = [word for word in OFFER if word != "SMTPUTF8"]
        r.start()
        r.enqueue("DM-1", ROWS)
        r.wait_letters("DM-1", sent=1, queued=2)
        wait_for("a second attempt", lambda: all(
            one["attempt"] >= 2 for key, one in r.letters("DM-1").items()
            if key != "ANN"))
        address = r.letters("DM-1")["WAI"]["addresses"][0]
        assert address["status"] == "4.6.7", address
        assert "does not offer SMTPUTF8" in address["reply"], address
        assert len(peer.messages) == 1
        assert not [line for line in peer.said if not line.isascii()]
        peer.keywords = OFFER
        r.wait_letters("DM-1", sent=3)
        assert len(peer.messages) == 3
        assert r.stop() == 0


def test_the_relay_that_may():
    """Of two, whatever their weights; all others go to both."""
    with Peer(keywords=OFFER) as plain, Peer(keywords=OFFER) as may, \
            Room([relay(plain, "plain", smtputf8=False, weight=1000),
                  relay(may, "may", weight=1)]) as r:
        rows = "key,language,to,name\n" + "".join(
            f"U{i},en,josé{i}@b.example,José\nA{i},en,a{i}@b.example,A\n"
            for i in range(100))
        r.start()
        r.enqueue("DM-1", rows)
        r.wait_letters("DM-1", sent=200)
        for key, letter in r.letters("DM-1").items():
            if key.startswith("U"):
                assert letter["addresses"][0]["relay"] == "may", letter
            assert letter["attempt"] == 1, letter
        assert not [line for line in plain.said if not line.isascii()]
        assert "SMTPUTF8" not in " ".join(plain.said)
        assert len(plain.messages) + len(may.messages) == 200
        assert len(plain.messages) > 50, len(plain.messages)
        assert r.stop() == 0


def test_it_waits_for_the_relay_that_may():
    """While that one is paused: without an attempt, and others go."""
    with Peer(keywords=OFFER) as plain, Peer(keywords=OFFER) as may, \
            Room([relay(plain, "plain", smtputf8=False),
                  relay(may, "may")]) as r:
        r.start()
        assert r.post("/v1/relays/may/pause").status == 200
        r.enqueue("DM-1", ROWS)
        r.wait_letters("DM-1", sent=1, queued=2)
        assert all(one["attempt"] == (key == "ANN")
                   for key, one in r.letters("DM-1").items())
        assert r.post("/v1/relays/may/resume").status == 200
        r.wait_letters("DM-1", sent=3)
        assert len(may.messages) == 2 and len(plain.messages) == 1
        assert r.stop() == 0


def test_a_relay_that_changed_its_mind_after_a_reload():
    """What was accepted when one was set up for it waits when none is."""
    with Peer(keywords=OFFER) as peer, \
            Room([relay(peer)], conf={"sending": {"retry": ["1s"]}}) as r:
        r.start()
        r.post("/v1/pause")
        r.enqueue("DM-1", ROWS)
        r.configure([relay(peer, smtputf8=False)],
                    sending={"retry": ["1s"]})
        r.signal(harness.signal.SIGHUP)
        wait_for("the reload", lambda: "was read again" in r.log())
        r.post("/v1/resume")
        r.wait_letters("DM-1", sent=1, queued=2)
        wait_for("why", lambda: "not set up to carry it" in
                 r.letters("DM-1")["WAI"]["addresses"][0]["reply"])
        r.configure([relay(peer)], sending={"retry": ["1s"]})
        r.signal(harness.signal.SIGHUP)
        r.wait_letters("DM-1", sent=3)
        assert r.stop() == 0


def test_one_more_address():
    """The message that was sent, to an address that is not ASCII."""
    for may in (True, False):
        with Peer(keywords=OFFER) as peer, \
                Room([relay(peer, smtputf8=may)]) as r:
            r.start()
            r.enqueue("DM-1", table(1))
            r.wait_letters("DM-1", sent=1)
            run = subprocess.run(
                [BUILD / "chancery", "--socket-dir", r.root, "readdress",
                 "DM-1/K000000", "josé@bücher.example", "--yes"],
                capture_output=True, text=True, check=False)
            if not may:
                assert "no relay is set up to carry it" in run.stderr, run
                continue
            assert "goes to josé@bücher.example" in run.stdout, run
            wait_for("the second", lambda: len(peer.messages) == 2)
            mail, to = envelopes(peer)["josé@xn--bcher-kva.example"]
            assert " SMTPUTF8" in mail, mail
            assert len(set(peer.messages)) == 1
            assert r.stop() == 0


def test_rehearsal():
    """Everything goes to one address of ours, which is ASCII."""
    with Peer(keywords=OFFER) as peer, Room([relay(peer)]) as r:
        r.start()
        r.enqueue("DM-1", ROWS, test_to="me@secretariat.example")
        r.wait_letters("DM-1", sent=3)
        assert {line for session in peer.sessions for line in session.said
                if line.startswith("RCPT")} == {
                    line for line in peer.said if "<me@secretariat" in line}
        assert r.stop() == 0


if __name__ == "__main__":
    harness.run_all(globals())
