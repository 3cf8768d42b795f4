#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""chancery-send under its limits, with this test as chanceryd and bench/sink as
the relay: nothing goes out without a "go", and nothing but what was queued."""
import base64
import os
import pathlib
import sys
import threading

import wire
from sender import (AUTH, CONNECT, DEFERRED, FAILED, HELD, IN_DOUBT, PROGRAM,
                    SENT, SETUP, TLS, UNTRIED, Sink, finish, let_go, outcomes,
                    run_all)

sys.path.insert(0, str(pathlib.Path(os.environ["top_srcdir"]) / "tests/peers"))
import smtp_peer  # noqa: E402


def goes_after_go(room):
    worker = room.begin()
    number = room.give(worker, "FRA")
    dot = worker.expect("send-dot")
    assert dot["seqs"] == [0, 1]
    assert room.sink.seen() == [], "it went out unasked"
    worker.send("send-go", letter_id=number, attempt=1, go=1)
    result = worker.expect("send-result")
    assert outcomes(result) == [(0, SENT, 250), (1, SENT, 250)], result
    assert worker.expect("send-ready")["want"] == 1
    assert [(to, mid, sha) for to, mid, sha in room.sink.seen()] == [
        (to, room.letters["FRA"]["message_id"].decode(), dot["sha256"].hex())
        for to in ("ministre@fr.example", "mission@fr.example")], \
        room.sink.seen()
    # The same bytes again, whoever composes them.
    number = room.give(worker, "FRA", attempt=2, sha256=dot["sha256"])
    again = let_go(worker, number, attempt=2)
    assert again["sha256"] == dot["sha256"]
    assert outcomes(worker.expect("send-result"))[0] == (0, SENT, 250)
    finish(worker, room)


def each_address_has_its_own_result(room):
    worker = room.begin()
    number = room.give(worker, "USA")
    result = worker.expect("send-result")
    assert outcomes(result) == [(0, FAILED, 550), (1, DEFERRED, 451)], result
    worker.expect("send-ready")
    # The deferred one alone, later.
    letter = room.letters["USA"]
    number = room.give(worker, "USA", attempt=2, addresses=[
        {"seq": i, "role": a["role"], "pending": i, "address": a["address"]}
        for i, a in enumerate(letter["addresses"])])
    assert let_go(worker, number, attempt=2)["seqs"] == [1]
    assert outcomes(worker.expect("send-result")) == [(1, SENT, 250)]
    assert "r550@us.example" not in [to for to, _, _ in room.sink.seen()]
    finish(worker, room)


def the_dot_names_who_was_accepted(room):
    with smtp_peer.Peer({"rcpt:one@it.example": b"550 5.1.1 no\r\n"}) as peer:
        worker = room.begin(port=peer.port)
        number = room.give(worker, "ITA")
        assert let_go(worker, number)["seqs"] == [1]
        assert outcomes(worker.expect("send-result")) == [
            (0, FAILED, 550), (1, SENT, 250)]
        finish(worker, room)


def in_doubt_after_the_dot(room):
    worker = room.begin()
    number = room.give(worker, "PER")
    let_go(worker, number)
    assert outcomes(worker.expect("send-result")) == [(0, IN_DOUBT, 0)]
    worker.expect("send-ready")
    assert worker.expect("send-fault")["fault"] == CONNECT
    assert worker.expect("send-ready")["want"] == 3
    finish(worker, room)


def called_back(room):
    before = room.sink.seen()
    worker = room.begin()
    dot = let_go(worker, room.give(worker, "GBR"), go=0)
    result = worker.expect("send-result")
    assert outcomes(result) == [(0, UNTRIED, 0)]
    # What would have been its end is not in what was said.
    assert dot["notes"].endswith(b"C: .\n"), dot
    assert result["notes"].endswith(b"S: 354 go on\n"), result
    worker.expect("send-ready")
    worker.expect("send-fault")
    worker.expect("send-ready")
    finish(worker, room)
    assert room.sink.seen() == before


def told_something_while_it_is_asked(room):
    """The relay ends it between the question and its answer: no dot."""
    for keywords in smtp_peer.KEYWORDS, smtp_peer.CHUNKS:
        with smtp_peer.Peer(keywords=keywords) as peer:
            worker = room.begin(port=peer.port)
            number = room.give(worker, "GBR")
            worker.expect("send-dot")
            peer.sessions[0].say(b"421 4.3.2 going down\r\n")
            worker.send("send-go", letter_id=number, attempt=1, go=1)
            result = worker.expect("send-result")
            assert outcomes(result) == [(0, DEFERRED, 421)], result
            worker.expect("send-ready")
            worker.expect("send-fault")
            finish(worker, room)
            peer.settle()
            assert peer.messages == [], keywords


def a_go_that_answers_nothing_ends_it(room):
    """For another letter or attempt; a second one; one that comes before the
    question, for a letter that waits behind the other."""
    for wrong in ({"letter_id": 99, "attempt": 1},
                  {"letter_id": 2, "attempt": 2},
                  {"letter_id": 0, "attempt": 0},
                  {"letter_id": 0, "attempt": 1}):
        before = room.sink.seen()
        worker = room.begin()
        room.give(worker, "GBR")
        worker.expect("send-dot")
        worker.send("send-go", go=1, **wrong)
        while worker.receive():
            pass
        assert worker.wait() == 76
        assert room.sink.seen() == before
    for wrong in "GBR", "FRA":
        with smtp_peer.Peer({"dot": "hang"}) as peer:
            worker = room.begin(port=peer.port)
            numbers = {key: room.give(worker, key) for key in ("GBR", "FRA")}
            let_go(worker, numbers["GBR"])
            worker.send("send-go", letter_id=numbers[wrong], attempt=1, go=1)
            while worker.receive():
                pass
            assert worker.wait() == 76, wrong
            peer.settle()
            assert len(peer.messages) <= 1
    # Nor before the question of a letter behind one that had its answer.
    begun = threading.Event()
    with smtp_peer.Peer({"mail": smtp_peer.Turns(
            b"250 ok\r\n", [lambda _session: begun.set(), "hang"])}) as peer:
        worker = room.begin(port=peer.port)
        let_go(worker, room.give(worker, "GBR"))
        assert outcomes(worker.expect("send-result")) == [(0, SENT, 250)]
        number = room.give(worker, "PER")
        assert begun.wait(60)
        worker.send("send-go", letter_id=number, attempt=1, go=1)
        while worker.receive():
            pass
        assert worker.wait() == 76


def no_answer_is_no_go(room):
    """Whatever was said of the letter before."""
    with smtp_peer.Peer() as peer:
        worker = room.begin(port=peer.port, attempt_timeout_ms=1500)
        for key in "GBR", "PER":
            let_go(worker, room.give(worker, key))
            assert outcomes(worker.expect("send-result")) == [(0, SENT, 250)]
            worker.expect("send-ready")
        room.give(worker, "FRA")
        worker.expect("send-dot")
        while worker.receive():
            pass
        assert worker.wait() == 76
        peer.settle()
        assert len(peer.messages) == 2 and len(peer.sessions) == 1


def chanceryd_goes_away(room):
    before = room.sink.seen()
    worker = room.begin()
    room.give(worker, "GBR")
    worker.expect("send-dot")
    worker.close()
    assert worker.wait() == 0
    assert room.sink.seen() == before


def stops_after_the_letter_under_way(room):
    worker = room.begin()
    number = room.give(worker, "GBR")
    room.give(worker, "FRA")
    worker.expect("send-dot")
    worker.send("stop")
    worker.send("send-go", letter_id=number, attempt=1, go=1)
    assert outcomes(worker.expect("send-result")) == [(0, SENT, 250)]
    while message := worker.receive():
        assert message[0] == "send-ready", message
    assert worker.wait() == 0, room.stderr()


def held(room, **changes):
    worker = room.begin()
    room.give(worker, "ITA", **changes)
    result = worker.expect("send-result")
    assert [r["outcome"] for r in result["results"]] == \
        [HELD] * len(result["results"]), result
    worker.expect("send-ready")
    finish(worker, room)
    return result["results"][0]["reply"].decode()


def other_bytes_are_held(room):
    worker = room.begin()
    right = let_go(worker, room.give(worker, "ITA"), go=0)["sha256"]
    while worker.receive()[0] != "send-fault":
        pass
    finish(worker, room)
    for other in (bytes(32), right + b"x", right[:31], right[:1]):
        assert "earlier" in held(room, sha256=other)


def another_ministry_is_held(room):
    text = held(room, addresses=[
        {"seq": 0, "role": 0, "pending": 1, "address": "minister@uk.example"}])
    assert "none of the letter's" in text, text


def what_cannot_be_composed_is_held(room):
    """With the place, the field and the reason."""
    assert "batch 99 was not named" in held(room, batch_id=99)
    parts = room.letters["ITA"]["fields"].split(b"\0")
    at = parts.index(b"salutation") + 1
    parts[at] = b""
    text = held(room, fields=b"\0".join(parts))
    assert text == "en.md:3:1: salutation: empty for ITA", text


def a_changed_annex_is_held(room):
    """ACCEPTANCE 27."""
    digest = next(f for f in room.files if f["name"] == b"a.pdf")["sha256"]
    path = room.upload.objects / digest.hex()[:2] / digest.hex()[2:]
    good = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(good[:-1] + b"x")
    assert "a.pdf" in held(room)
    path.unlink()
    assert "a.pdf" in held(room)
    path.write_bytes(good)


def faults(room):
    closed = Sink(room.root)
    closed.stop()
    worker = room.begin(port=closed.port)
    room.give(worker, "GBR")
    assert worker.expect("send-fault")["fault"] == CONNECT
    assert worker.expect("send-ready")["want"] == 3
    finish(worker, room)

    worker = room.begin(relay={"auth": 1, "user": "u",
                               "password_file": str(room.password)})
    room.give(worker, "GBR")
    fault = worker.expect("send-fault")
    assert fault["fault"] == SETUP and b"password" in fault["text"], fault
    worker.expect("send-ready")
    room.password.write_text("\nsecret\n")
    room.give(worker, "GBR")
    fault = worker.expect("send-fault")
    assert fault["fault"] == SETUP and b"empty first line" in fault["text"]
    worker.expect("send-ready")
    # It reads it anew each time, and the sink offers no login.
    room.password.write_text("secret\n")
    room.give(worker, "GBR")
    assert worker.expect("send-fault")["fault"] == AUTH
    worker.expect("send-ready")
    finish(worker, room)

    worker = room.begin(relay={"tls": 1})
    room.give(worker, "GBR")
    assert worker.expect("send-fault")["fault"] == TLS
    worker.expect("send-ready")
    finish(worker, room)

    with smtp_peer.Peer({"mail": b"530 5.7.0 log in\r\n"}) as peer:
        worker = room.begin(port=peer.port)
        room.give(worker, "GBR")
        assert outcomes(worker.expect("send-result")) == [(0, UNTRIED, 0)]
        worker.expect("send-ready")
        assert worker.expect("send-fault")["fault"] == AUTH
        worker.expect("send-ready")
        finish(worker, room)


def a_token_is_the_password(room):
    """As long as one may be; and read anew after it was refused."""
    heard = []

    def auth(session):
        assert session.said[-1] == "AUTH XOAUTH2", session.said
        session.say(b"334 \r\n")
        heard.append(base64.b64decode(session.line()))
        if b"Bearer new" in heard[-1]:
            session.say(b"235 2.7.0 ok\r\n")
            return
        session.say(b"334 " + base64.b64encode(b'{"status":"401"}') + b"\r\n")
        assert session.line() == b""
        session.say(b"535 5.7.8 expired\r\n")

    with smtp_peer.Peer({"auth": auth}, keywords=["AUTH XOAUTH2"]) as peer:
        worker = room.begin(port=peer.port, relay={
            "auth": 5, "user": "u", "password_file": str(room.password)})
        room.password.write_text("old" + "x" * 600 + "\n")
        room.give(worker, "GBR")
        fault = worker.expect("send-fault")
        assert fault["fault"] == AUTH, fault
        assert b'535 {"status":"401"} - ' in fault["text"], fault
        worker.expect("send-ready")
        room.password.write_text("new" + "x" * 8189 + "\r\n")
        number = room.give(worker, "GBR", attempt=2)
        let_go(worker, number, attempt=2)
        assert outcomes(worker.expect("send-result")) == [(0, SENT, 250)]
        finish(worker, room)
        peer.settle()
    assert [len(one) for one in heard] == [603 + 21, 8192 + 21], heard


def connections_are_renewed(room):
    worker = room.begin(letters_per_connection=1)
    for attempt in (1, 2, 3):
        number = room.give(worker, "GBR", attempt=attempt)
        let_go(worker, number, attempt=attempt)
        assert outcomes(worker.expect("send-result")) == [(0, SENT, 250)]
        worker.expect("send-ready")
    finish(worker, room)
    assert len(worker.connected) == 3


def of_the_batch_as_it_is_now(room):
    """Its date and its words, where a letter of it was composed before."""
    with smtp_peer.Peer() as peer:
        worker = room.begin(port=peer.port)
        changed = {"batch_id": 1, "reference": "DM-2000", "files": room.files,
                   "from_": "Desk <desk@secretariat.example>"}
        for attempt, date_us in ((1, 10**15), (2, 10**15 + 86400 * 10**6),
                                 (3, 10**15)):
            if attempt == 3:
                worker.send("send-batch", **changed)
            number = room.give(worker, "GBR", attempt=attempt, date_us=date_us)
            let_go(worker, number, attempt=attempt)
            assert outcomes(worker.expect("send-result")) == [(0, SENT, 250)]
            worker.expect("send-ready")
        finish(worker, room)
        peer.settle()
        for message, day, sender in zip(
                peer.messages, (b"Sun, 09", b"Mon, 10", b"Sun, 09"),
                (b"registry", b"registry", b"desk")):
            assert b"Date: " + day + b" Sep 2001" in message, message[:300]
            assert b"<" + sender + b"@secretariat.example>" in message


def a_test_goes_to_the_tester_alone(room):
    with smtp_peer.Peer() as peer:
        worker = room.begin(port=peer.port)
        worker.send("send-batch", batch_id=1, reference="DM-1276",
                    files=room.files, test_to="desk@secretariat.example",
                    from_="Registry <registry@secretariat.example>")
        room.give(worker, "GBR")
        result = worker.expect("send-result")
        assert outcomes(result) == [(0, HELD, 0)], result
        assert b"none of the letter's" in result["results"][0]["reply"]
        worker.expect("send-ready")
        number = room.give(worker, "GBR", attempt=2, addresses=[
            {"seq": 0, "role": 0, "pending": 1,
             "address": "desk@secretariat.example"}])
        let_go(worker, number, attempt=2)
        assert outcomes(worker.expect("send-result")) == [(0, SENT, 250)]
        worker.expect("send-ready")
        finish(worker, room)
        peer.settle()
        assert [line for line in peer.said if "uk.example" in line] == []
        assert b"\r\nTo: desk@secretariat.example\r\n" in peer.messages[0]


def what_became_of_the_copy(room):
    """Of our own: nothing is said of it where the letter itself is not sent."""
    copy, minister = "journal+2@chancery.example", "minister@uk.example"
    no = b"550 5.1.1 no\r\n"
    for script, result, journal in (
            ({}, (0, SENT, 250), (1, 250, b"")),
            ({f"rcpt:{copy}": no}, (0, SENT, 250), (2, 550, b"5.1.1 no")),
            ({f"rcpt:{minister}": no}, (0, FAILED, 550), (0, 0, b"")),
            ({"dot": b"451 later\r\n"}, (0, DEFERRED, 451), (0, 0, b"")),
            ({"dot": "close"}, (0, IN_DOUBT, 0), (0, 0, b""))):
        with smtp_peer.Peer(script) as peer:
            worker = room.begin(port=peer.port)
            number = room.give(worker, "GBR", journal=copy)
            if result[1] != FAILED:
                let_go(worker, number)
            told = worker.expect("send-result")
            assert outcomes(told) == [result], told
            assert (told["journal"], told["journal_code"],
                    told["journal_reply"]) == journal, told
            finish(worker, room)


def batches_that_take_turns_stay_at_hand(room):
    """Their letters are read once, as long as all are small."""
    worker = room.begin()
    objects = room.upload.objects
    away = objects.with_name("away")
    for batch in range(2, 6):
        worker.send("send-batch", batch_id=batch, reference=f"DM-{batch}",
                    from_="Registry <registry@secretariat.example>",
                    files=room.files)
    for round_of in range(2):
        for batch in range(2, 6):
            number = room.give(worker, "GBR", batch_id=batch,
                               letter_id=batch, attempt=1 + round_of)
            let_go(worker, number, attempt=1 + round_of)
            assert outcomes(worker.expect("send-result")) == [(0, SENT, 250)]
            worker.expect("send-ready")
        if round_of == 0:
            objects.rename(away)
    # A fifth was not read before.
    worker.send("send-batch", batch_id=6, reference="DM-6", files=room.files)
    room.give(worker, "GBR", batch_id=6, letter_id=6)
    result = worker.expect("send-result")["results"]
    assert [r["outcome"] for r in result] == [UNTRIED], result
    worker.expect("send-ready")
    away.rename(objects)
    finish(worker, room)


def nonsense_ends_it(room):
    for name, fields in (("send-go", {"letter_id": 1, "attempt": 1, "go": 1}),
                         ("import-start", {}), ("send-ready", {"want": 1})):
        worker = room.begin()
        worker.send(name, **fields)
        while worker.receive():
            pass
        assert worker.wait() == 76, name
    worker = room.begin()
    address = {"seq": 0, "role": 0, "pending": 0,
               "address": "minister@uk.example"}
    room.give(worker, "GBR", addresses=[address])  # to nobody
    while worker.receive():
        pass
    assert worker.wait() == 76
    begun = threading.Event()
    with smtp_peer.Peer({"greeting": [lambda _session: begun.set(),
                                      "hang"]}) as peer:
        worker = room.begin(port=peer.port)
        # That nobody asked for: 2 begun, 64 waiting, and not one more.
        for i in range(66):
            if i == 2:
                assert begun.wait(60)
            room.give(worker, "GBR", letter_id=100 + i)
        worker.send("send-recall", letter_id=165, attempt=1)
        while worker.receive()[0] != "send-recalled":
            pass
        for i in range(2):
            room.give(worker, "GBR", letter_id=200 + i)
        while worker.receive():
            pass
        assert worker.wait() == 76
    for first in ("send-password", "send-batch", "send-letter"):
        worker = wire.Worker(PROGRAM)
        worker.send(first)
        assert worker.receive() is None, first
        assert worker.wait() == 76, first
    worker = wire.Worker(PROGRAM)
    worker.send("send-setup", lines=0)
    assert worker.receive() is None
    assert worker.wait() == 76
    worker = room.begin()
    worker.send("send-setup", lines=1)
    assert worker.receive() is None
    assert worker.wait() == 76


if __name__ == "__main__":
    run_all([goes_after_go, each_address_has_its_own_result,
             in_doubt_after_the_dot, called_back,
             the_dot_names_who_was_accepted, told_something_while_it_is_asked,
             a_go_that_answers_nothing_ends_it, no_answer_is_no_go,
             chanceryd_goes_away, stops_after_the_letter_under_way,
             other_bytes_are_held, another_ministry_is_held,
             what_cannot_be_composed_is_held,
             a_changed_annex_is_held, faults, a_token_is_the_password,
             connections_are_renewed, of_the_batch_as_it_is_now,
             a_test_goes_to_the_tester_alone, what_became_of_the_copy,
             batches_that_take_turns_stay_at_hand, nonsense_ends_it])
