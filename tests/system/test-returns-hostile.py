#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back from somebody who has read our code: mail that would be told
twice, hide another, speak of another ministry, or take chanceryd's time. The
test plays the workers, as in test-returns.py."""
import hashlib
import importlib.util
import pathlib

import harness

spec = importlib.util.spec_from_file_location(
    "returns", pathlib.Path(__file__).with_name("test-returns.py"))
returns = importlib.util.module_from_spec(spec)
spec.loader.exec_module(returns)
Room, reports, counts = returns.Room, returns.reports, returns.counts
HARD, SOFT, DELAYED, DELIVERED = (returns.HARD, returns.SOFT, returns.DELAYED,
                                  returns.DELIVERED)
REPLY, OTHER, NOTHING = returns.REPLY, returns.OTHER, returns.NOTHING


def kinds(room):
    return [event["type"] for event in room.events()]


def again(room, reader, **setup):
    """Another life of the mail room; its reader."""
    room.kill()
    reader.exit()
    room.start()
    return room.reader(**setup)[0]


# ---- told once -------------------------------------------------------------

def test_a_replayed_token_is_one_event_whatever_lies_before_it():
    """In many mails, over restarts, and behind more mail of strangers than
    anybody would look through."""
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        token = room.send_all()["AAA"]
        said = {"token": token, "recipients": reports("minister@aaa.example")}
        for _ in range(250):
            room.tell(reader, REPLY, references=[room.message_ids["AAA"]])
        for _ in range(50):
            room.tell(reader, HARD, **said)
        reader = again(room, reader)
        for _ in range(50):
            room.tell(reader, HARD, **said)
        found = kinds(room)
        assert found.count("letter.bounced") == 1, found
        assert found.count("alarm.bounce") == 1, found
        assert counts(room)["bounced"] == 1
        assert len([r for r in room.returns() if r["verified"]]) == 1


def test_a_late_delivery_is_told_beside_the_failure():
    """Delayed, failed, delayed again, delivered: four facts at most, each told
    once, and none deletes another or changes the letter's state."""
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        token = room.send_all()["AAA"]
        for kind, status in ((DELAYED, "4.4.1"), (HARD, "5.4.7"),
                             (DELAYED, "4.4.1"), (DELIVERED, "2.0.0"),
                             (HARD, "5.4.7"), (DELIVERED, "2.0.0")):
            room.tell(reader, kind, token=token, recipients=reports(
                "minister@aaa.example", kind, status))
            if kind == DELAYED and "letter.bounced" not in kinds(room):
                assert counts(room) == {**NOTHING, "delayed": 1}
                assert "alarm.bounce" not in kinds(room)
        found = [kind for kind in kinds(room) if kind in (
            "letter.delayed", "letter.bounced", "letter.delivered")]
        assert found == ["letter.delayed", "letter.bounced",
                         "letter.delivered"], found
        letter = room.letters("DM-1")["AAA"]
        assert letter["state"] == "sent", letter
        assert letter["delayed"] and letter["bounced"], letter
        assert letter["delivered"], letter
        others = room.letters("DM-1")
        assert not others["BBB"]["bounced"] and not others["BBB"]["delayed"]


def test_a_loop_is_told_once_however_often_it_is_read():
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        room.send_all()
        own = {"message_id": room.message_ids["AAA"],
               "sha256": hashlib.sha256(b"own").digest()}
        room.tell(reader, REPLY, uid=5, **own)
        assert room.wait_event("alarm.loop")
        # The folder is numbered anew, in another life.
        reader = again(room, reader, uidvalidity=8)
        reader.send("receive-mail", uidvalidity=8, uid=1, kind=REPLY,
                    rule="test", size_bytes=9, **own)
        assert reader.expect("receive-ack")["uid"] == 1
        assert kinds(room).count("alarm.loop") == 1, kinds(room)
        assert [(r["rule"], r["key"]) for r in room.returns()] == [
            ("own-letter", "AAA")]
        assert counts(room) == NOTHING
        # That of another letter is another loop.
        room.tell(reader, OTHER, uid=6, message_id=room.message_ids["BBB"])
        assert kinds(room).count("alarm.loop") == 2, kinds(room)


def test_a_mail_in_two_mailboxes_is_one():
    """Its way differs, and so do its bytes; also where only one copy came to
    the address with the token."""
    with Room() as room:
        room.set_up([{}, {"name": "registry"}])
        room.start()
        readers = {}
        for _ in range(2):
            reader, setup = room.reader()
            readers[setup["mailbox"]["name"].decode()] = reader
        token = room.send_all()["AAA"]
        answer = {"message_id": b"answer@aaa.example", "text": "We come.",
                  "from": "minister@aaa.example",
                  "references": [room.message_ids["AAA"]]}
        room.tell(readers["desk"], REPLY, token=token, **answer)
        room.tell(readers["registry"], REPLY, **answer)
        room.tell(readers["registry"], HARD, token=token,
                  recipients=reports("minister@aaa.example"))
        room.tell(readers["desk"], HARD, token=token,
                  recipients=reports("minister@aaa.example"))
        found = kinds(room)
        assert found.count("letter.answered") == 1, found
        assert found.count("letter.bounced") == 1, found
        assert counts(room) == {**NOTHING, "answered": 1, "bounced": 1}


# ---- nothing hides another -------------------------------------------------

def test_one_message_id_for_all_hides_no_answer():
    """As some mail systems and all forgers write it."""
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        room.send_all()
        answer = {"message_id": b"1@localhost",
                  "references": [room.message_ids["AAA"]]}
        said = (("minister@aaa.example", "We shall come.", 0),
                ("minister@aaa.example", "We shall not come.", 0),
                ("cabinet@aaa.example", "We shall come.", 0),
                ("minister@aaa.example", "We shall come.", 1))
        for sender, text, attachments in said + said:
            room.tell(reader, REPLY, text=text, attachments=attachments,
                      **{"from": sender}, **answer)
        assert [(r["from"], r["text"], r["attachments"])
                for r in room.returns()] == list(said)


def test_a_stranger_who_comes_first_hides_no_proof():
    """He has the Message-ID of the report and all that it says: that is one
    return, and proved."""
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        token = room.send_all()["AAA"]
        report = {"message_id": b"r@mx.example", "text": "Sorry.",
                  "recipients": reports("minister@aaa.example")}
        room.tell(reader, HARD, references=[room.message_ids["AAA"]],
                  **report)
        assert counts(room) == NOTHING
        room.tell(reader, HARD, token=token, **report)
        assert counts(room)["bounced"] == 1
        room.tell(reader, HARD, references=[room.message_ids["AAA"]],
                  **report)
        assert [(r["verified"], r["match"]) for r in room.returns()] == [
            (True, "token")]


# ---- no mail is dear -------------------------------------------------------

def test_a_report_of_many_strangers_is_a_few_rows():
    many = [reports(f"a{i}@strangers.example")[0] for i in range(299)]
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        token = room.send_all()["AAA"]
        room.tell(reader, HARD, recipients=many)
        found = room.returns()
        assert [r["recipient"] for r in found] == [
            f"a{i}@strangers.example" for i in range(16)], found
        assert "more recipients than are listed" in found[0]["fault"], found
        # With a token the ministry's own is never left out.
        room.tell(reader, HARD, token=token,
                  recipients=many + reports("minister@aaa.example"))
        found = [r for r in room.returns() if r["key"]]
        assert [r["recipient"] for r in found] == [
            "a0@strangers.example", "minister@aaa.example"], found
        assert counts(room)["bounced"] == 1
        assert kinds(room).count("alarm.bounce") == 2, kinds(room)


def test_guesses_take_little_time():
    """Mail that names a large batch four times, and no letter: of a flood of it
    few are compared with all addresses, the others are listed without."""
    with Room() as room:
        room.start()
        reader, _ = room.reader()
        room.send_all()
        room.post("/v1/pause")
        room.enqueue("BIG", harness.table(4900))
        for i in range(100):
            room.tell(reader, REPLY, wait=False, subject="Re: " + "[BIG]" * 4,
                      **{"from": f"x{i}@nowhere.example"})
        for _ in range(100):
            reader.expect("receive-ack")
        found = room.returns()
        assert len(found) == 100 and not any(r["key"] for r in found)
        cut = [r for r in found if "not looked through" in (r["fault"] or "")]
        assert len(cut) > 50, len(cut)

        def is_found():
            room.tell(reader, REPLY, subject="Re: [DM-1]",
                      **{"from": "cabinet@bbb.example"})
            return room.returns()[-1]["key"] == "BBB"
        harness.wait_for("a guess in its turn", is_found)


if __name__ == "__main__":
    harness.run_all(dict(globals()))
