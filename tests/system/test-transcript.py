#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was said to a relay about a letter, and by it: the last attempt, whatever
became of it."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import harness
from harness import Room, table, wait_for

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
from smtp_peer import (CHUNKS, KEYWORDS, PASSWORD, USER,  # noqa: E402
                       Authority, Peer, Turns)

CHANCERY = harness.BUILD / "chancery"
KEY = "K000000"


def relay(peer, **more):
    return {"name": "main", "host": "127.0.0.1", "port": peer.port,
            "tls": "none", "connections": 1, "per_minute": 0, **more}


def ask(room, key):
    return harness.ask(room.control_socket, "GET",
                       f"/v1/batches/DM-1/letters/{key}/transcript")


def transcript(room, key):
    answer = ask(room, key)
    assert answer.status == 200, (answer.status, answer.json)
    return answer.json


def steps(lines):
    """Without what differs from letter to letter."""
    return [re.sub(r"\d+ bytes", "N bytes",
                   re.sub(r"BDAT \d+", "BDAT N",
                          re.sub(r"^(C: MAIL FROM|C: RCPT TO):.*", r"\1",
                                 line))) for line in lines]


def state_of(room, key):
    return room.get(f"/v1/batches/DM-1/letters/{key}").json["state"]


def one_letter(peer, state, key=KEY, **more):
    """Enqueue one and wait for its end; what its transcript is."""
    room = Room([relay(peer, **more)])
    room.__enter__()
    room.start()
    room.enqueue("DM-1", table(1))
    wait_for(state, lambda: state_of(room, key) == state)
    return room, transcript(room, key)


def test_sent():
    for keywords, end in ((KEYWORDS, ["C: DATA", "S: 354 go on",
                                      "C: (N bytes of the message)", "C: ."]),
                          (CHUNKS, ["C: BDAT N LAST",
                                    "C: (N bytes of the message)"])):
        with Peer(keywords=keywords) as peer:
            room, told = one_letter(peer, "sent")
            with room:
                said = steps(told["lines"])
                mail = [line for line in said if line.startswith("C: ")]
                assert mail[:2] == ["C: MAIL FROM", "C: RCPT TO"], said
                assert set(end) <= set(said), said
                assert said[-1] == "S: 250 2.0.0 kept", said
                assert "S: 250 2.1.5 ok" in said
                assert told["attempt"] == 1 and told["relay"] == "main"
                assert told["connected_at"]
                assert told["opening"][0] == "S: 220 peer.example ESMTP"
                assert told["opening"][1].startswith("C: EHLO ")
                assert "S: 250 HELP" in told["opening"]


def test_refused_address_and_refused_dot():
    with Peer({"rcpt": b"550 5.1.1 no \x1b[31msuch\x1b[0m user\r\n"}) as peer:
        room, told = one_letter(peer, "failed")
        with room:
            assert any(line.startswith("S: 550 5.1.1 no \x1b[31m")
                       for line in told["lines"]), told
            assert not any("bytes of" in line for line in told["lines"])
            shown = subprocess.run(
                [CHANCERY, "--socket-dir", room.root, "show", "DM-1/K000000",
                 "--transcript"], capture_output=True, text=True,
                check=True).stdout
            assert "\x1b" not in shown and "5.1.1 no" in shown, shown
    with Peer({"dot": b"554-5.7.1 not\r\n554 5.7.1 this\r\n"}) as peer:
        room, told = one_letter(peer, "failed")
        with room:
            assert told["lines"][-2:] == ["S: 554-5.7.1 not",
                                          "S: 554 5.7.1 this"], told["lines"]


def test_one_answer_to_everything():
    """The dot's reply is there, though another was in the same words."""
    with Peer({step: b"250 ok\r\n" for step in ("mail", "rcpt", "dot")}) \
            as peer:
        room, told = one_letter(peer, "sent")
        with room:
            assert told["lines"][-2:] == ["C: .", "S: 250 ok"], told["lines"]
            assert told["lines"].count("S: 250 ok") == 3, told["lines"]


def test_many_lines():
    """Such as Exim's, which names the message in the last one."""
    with Peer({"dot": b"250- 80 byte chunk\r\n250 OK id=1x-2y\r\n"},
              keywords=CHUNKS) as peer:
        room, told = one_letter(peer, "sent")
        with room:
            assert told["lines"][-2:] == ["S: 250- 80 byte chunk",
                                          "S: 250 OK id=1x-2y"], told["lines"]


def test_two_addresses():
    """The reply to the dot is that of the one that was not refused before."""
    both = "key,language,to,cc,name\nK1,en,a@k.example,b@k.example,K\n"
    with Peer({"rcpt:a@k.example": b"550 5.1.1 ok\r\n",
               "mail": b"250 ok\r\n", "dot": b"250 ok\r\n"}) as peer:
        with Room([relay(peer)]) as room:
            room.start()
            room.enqueue("DM-1", both)
            wait_for("its end", lambda: len(peer.sessions) and
                     peer.sessions[0].messages and
                     "sent" in [a["state"] for a in room.get(
                         "/v1/batches/DM-1/letters/K1").json["addresses"]])
            told = transcript(room, "K1")
            assert told["lines"][-2:] == ["C: .", "S: 250 ok"], told["lines"]


def test_doubt_after_a_refusal():
    """Neither it nor the letter has the reply of the attempt before."""
    with Peer({"rcpt": Turns(b"451 4.3.0 later\r\n", b"250 ok\r\n"),
               "dot": Turns(b"554 5.5.1 to nobody\r\n", "hang")}) as peer:
        with Room([relay(peer)], conf={"sending": {"retry": ["1s"]}}) as room:
            room.start()
            room.enqueue("DM-1", table(1))
            wait_for("the dot", lambda: state_of(room, KEY) == "dot")
            room.kill()
            room.start()
            address, = room.get(
                f"/v1/batches/DM-1/letters/{KEY}").json["addresses"]
            assert address["state"] == "in_doubt", address
            assert not address["reply"] and not address["code"], address
            assert address["relay"] == "main", address
            assert transcript(room, KEY)["lines"][-1] == "C: ."


def test_in_doubt():
    with Peer({"dot": "close"}) as peer:
        room, told = one_letter(peer, "in_doubt")
        with room:
            assert told["lines"][-1] == "C: ."


def test_second_attempt():
    """The one that counts is the last one."""
    with Peer({"rcpt": Turns(b"451 4.7.1 later\r\n", b"250 ok\r\n")}) as peer:
        room = Room([relay(peer)], conf={"sending": {"retry": ["1s"]}})
        with room:
            room.start()
            room.enqueue("DM-1", table(1))
            wait_for("sent", lambda: state_of(room, KEY) == "sent")
            told = transcript(room, KEY)
            assert told["attempt"] == 2, told
            assert not any("451" in line for line in told["lines"])
            assert told["lines"][-1] == "S: 250 2.0.0 kept"


def test_no_secret():
    with tempfile.TemporaryDirectory(prefix="ch-transcript-") as folder:
        no_secret(pathlib.Path(folder))


def no_secret(tmp):
    authority = Authority(tmp)
    password = tmp / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    for how in ("plain", "login"):
        with Peer(tls="starttls", context=authority.certificate(how)) as peer:
            room, told = one_letter(
                peer, "sent", tls="starttls", ca_file=str(authority.ca),
                auth=how, user=USER, password=str(password))
            with room:
                text = "\n".join(told["opening"])
                assert f"C: AUTH {how.upper()}" in text and "***" in text
                assert "STARTTLS" in text
                for secret in (PASSWORD, "Y29ycmVjd", USER, "cmVnaXN0cnk"):
                    assert secret not in text, text


def test_nothing_said_yet():
    with Peer() as peer, Room([relay(peer)]) as room:
        room.start()
        room.post("/v1/pause")
        room.enqueue("DM-1", table(1))
        answer = ask(room, KEY)
        assert answer.status == 404, answer.status


if __name__ == "__main__":
    harness.run_all(dict(globals()))
