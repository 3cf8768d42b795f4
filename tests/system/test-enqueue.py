#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An upload becomes a whole batch or nothing, wherever chanceryd or the import
worker ends; and what is wrong with it never costs more than itself."""
import http.client
import pathlib
import socket
import threading
import time

import harness

ROWS = 4000 if harness.SLOW else 10000
SMALL = harness.table(3)


class Upload(threading.Thread):
    """An upload under way; `answer` is None where the connection broke."""

    def __init__(self, room, reference, recipients, **fields):
        super().__init__(daemon=True)
        self.ask = lambda: room.upload(reference, recipients, **fields)
        self.answer = None
        self.start()

    def run(self):
        try:
            self.answer = self.ask()
        except (OSError, http.client.HTTPException):
            pass

    def wait(self):
        self.join(harness.TIMEOUT)
        assert not self.is_alive()
        return self.answer


def rows(room, table):
    """How many there are, whoever may see them."""
    with harness.durable(room) as store:
        return store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def assert_nothing(room, reference):
    """No trace of the import, and the reference is free."""
    name = reference.replace("/", "%2F")
    assert room.get(f"/v1/batches/{name}").status == 404
    for table in ("batch", "letter", "address", "batch_file"):
        assert rows(room, table) == 0, table
    assert_no_uploads(room)


def assert_no_uploads(room):
    harness.wait_for("an empty spool", lambda: not list(
        (room.state / "spool").iterdir()))


def assert_whole(room, reference, count):
    batch = room.batch(reference)
    assert batch["total"] == count, batch
    assert batch["letters"]["queued"] == count, batch
    assert rows(room, "letter") == count
    assert rows(room, "address") == count
    assert_no_uploads(room)


def fails(upload, status=503):
    answer = upload.wait()
    assert answer and answer.status == status, answer and answer.body
    return answer.json


# ---- chanceryd dies -------------------------------------------------------

def crash_at(step, recipients, count):
    """Whether it died there. Afterwards all is there, or nothing is."""
    with harness.Room() as room:
        room.start(env={"CHANCERY_CRASH_AT": step})
        upload = Upload(room, "A/77/12", recipients)
        answer = upload.wait()
        died = answer is None
        if died:
            assert room.wait() == -9, room.log()
        else:
            assert answer.status == 201, answer.body
            assert room.kill() == -9
        room.start()
        present = room.get("/v1/batches/A%2F77%2F12").status == 200
        if present:
            assert_whole(room, "A/77/12", count)
            assert room.upload("A/77/12", SMALL).status == 409
        else:
            assert died, "it was answered, and is lost"
            assert_nothing(room, "A/77/12")
            room.enqueue("A/77/12", recipients)
            assert_whole(room, "A/77/12", count)
        return died, present


def test_a_crash_at_each_step_leaves_all_or_nothing():
    recipients = harness.table(20)
    for step, present in (("import.created", False),
                          ("import.letter", False),
                          ("import.letter:20", False),
                          ("import.publish", False),
                          ("import.kept", True)):
        assert crash_at(step, recipients, 20) == (True, present), step


def test_a_crash_at_each_commit_leaves_all_or_nothing():
    recipients = harness.table(ROWS)
    for step in ("turn.before-commit", "turn.after-commit"):
        seen = []
        lived = 0
        # The first ones are those of the start. How many there are depends on
        # how the rows fall into turns.
        for n in range(3, 100):
            died, present = crash_at(f"{step}:{n}", recipients, ROWS)
            if died:
                seen.append(present)
            lived += not died
            if lived == 3:
                break
        assert False in seen, (step, seen)


# ---- the import worker dies, or is another ---------------------------------

def letter(i, **other):
    return {"key": f"K{i}", "name": f"Country {i}", "language": "en",
            "message_id": f"{i}@chancery.example", "fields": b"",
            "addresses": [{"role": 0, "address": f"m@k{i}.example"}],
            **other}


def some_letters(puppet, count=5):
    puppet.send("import-file", role="letter", name="en.md",
                sha256=b"\1" * 32, size_bytes=10)
    for i in range(count):
        puppet.send("import-letter", **letter(i))


def done(puppet, letters=5, **other):
    puppet.send("import-done", letters=letters, digest=b"\2" * 32,
                subject="Session", summary='{"en": 5}', **other)


def puppet_room():
    return harness.Room(puppets=["import"])


def begin(room, reference="DM-1", **fields):
    upload = Upload(room, reference, SMALL, **fields)
    puppet = room.puppet()
    start = puppet.expect("import-start")
    assert start["reference"] == reference.encode()
    assert pathlib.Path(start["spool_dir"].decode()).is_dir()
    return upload, puppet


def test_a_worker_that_dies_at_any_step_leaves_nothing():
    def nothing(puppet):
        pass

    def one_file(puppet):
        some_letters(puppet, 0)

    def a_warning(puppet):
        some_letters(puppet)
        puppet.send("import-problem", kind=1, text="odd")

    def half_a_frame(puppet):
        some_letters(puppet)
        puppet.channel.sendall(b"\x40\0\0\0\x0c\0")

    with puppet_room() as room:
        room.start()
        for step in (nothing, one_file, some_letters, a_warning,
                     half_a_frame):
            for end in (harness.Puppet.die, harness.Puppet.exit):
                upload, puppet = begin(room)
                step(puppet)
                end(puppet)
                fails(upload)
                assert_nothing(room, "DM-1")
        upload, puppet = begin(room)
        some_letters(puppet)
        done(puppet)
        puppet.exit()
        assert upload.wait().status == 201
        assert_whole(room, "DM-1", 5)


def test_a_worker_that_is_not_there_is_no_conflict():
    """The same reference is as good as before."""
    with harness.Room() as room:
        room.start()
        worker = room.libexec / "chancery-import"
        program = worker.readlink()
        worker.unlink()
        answer = room.upload("DM-1", SMALL)
        assert answer.status == 500, (answer.status, answer.body)
        assert "chancery-import" in answer.json["error"]["text"]
        worker.symlink_to(program)
        room.enqueue("DM-1", SMALL)


def test_a_worker_that_breaks_the_rules_is_ended():
    def no_address(puppet):
        puppet.send("import-letter", **letter(7, addresses=[]))

    def twice(puppet):
        puppet.send("import-letter", **letter(1))

    def too_few(puppet):
        done(puppet, letters=6)

    def none(puppet):
        done(puppet, letters=0)

    def another_role(puppet):
        puppet.send("send-dot", letter_id=1, attempt=1, sha256=b"\1" * 32)

    def too_long(puppet):
        puppet.channel.sendall(b"\xff\xff\xff\x7f\x0c\0\1\0")

    def unknown(puppet):
        puppet.channel.sendall(harness.wire.frame(99, b""))

    def wrong_version(puppet):
        puppet.channel.sendall(harness.wire.frame(14, b"", 7))

    with puppet_room() as room:
        room.start()
        for fault in (no_address, twice, too_few, none, another_role,
                      too_long, unknown, wrong_version):
            upload, puppet = begin(room)
            some_letters(puppet)
            fault(puppet)
            error = fails(upload)["error"]
            assert "early" in error["text"], (fault.__name__, error)
            assert puppet.receive() is None, "it lives"
            assert_nothing(room, "DM-1")
        # After its end nothing can be added.
        upload, puppet = begin(room)
        some_letters(puppet)
        done(puppet)
        assert upload.wait().status == 201
        puppet.send("import-letter", **letter(6))
        assert puppet.receive() is None
        assert_whole(room, "DM-1", 5)
        assert room.stop() == 0


def test_one_error_of_many_letters_drops_them_all():
    with puppet_room() as room:
        room.start()
        upload, puppet = begin(room)
        some_letters(puppet)
        puppet.send("import-problem", kind=0, file="members.csv", line=7,
                    column=3, field="to", text="no domain", hint="")
        done(puppet, errors=1)
        puppet.exit()
        told = fails(upload, 422)
        assert told["problems"][0]["line"] == 7, told
        assert_nothing(room, "DM-1")
        # It was seen all the same.
        event = room.wait_event("import.failed")
        assert event["detail"]["reference"] == "DM-1", event


def test_what_is_wrong_is_told_up_to_a_bound():
    with puppet_room() as room:
        room.start()
        upload, puppet = begin(room)
        for i in range(3000):
            puppet.send("import-problem", kind=0, line=i + 1,
                        text="é" * 9000)
        done(puppet, errors=3000)
        puppet.exit()
        answer = upload.wait()
        assert answer.status == 422
        assert answer.json["errors"] == 3000
        assert 10 < len(answer.json["problems"]) <= 1000
        assert len(answer.body) < 8 * 1024 * 1024
        assert harness.SLOW or peak_kib(room) < 32 * 1024, peak_kib(room)


def test_a_large_import_that_fails_is_dropped_in_pieces():
    count = 2500
    for step in (None, "import.dropped"):
        with puppet_room() as room:
            room.start(env={"CHANCERY_CRASH_AT": step} if step else {})
            upload, puppet = begin(room)
            some_letters(puppet, count)
            puppet.die()
            if step:
                assert upload.wait() is None
                assert room.wait() == -9, room.log()
                room.start()
            else:
                fails(upload)
            assert_nothing(room, "DM-1")


# ---- what is asked for ------------------------------------------------------

def test_a_dry_run_keeps_nothing():
    with harness.Room() as room:
        room.start()
        answer = room.upload("DM-1", SMALL, dry_run="1")
        assert answer.status == 200, answer.body
        assert answer.json["batch"]["total"] == 3
        assert_nothing(room, "DM-1")
        assert room.events() == []
        room.enqueue("DM-1", SMALL)
        # Nor does it hide that the reference is taken.
        assert room.upload("DM-1", SMALL, dry_run="1").status == 409


def test_a_batch_is_held_where_anybody_says_so():
    for conf, fields, state in (({}, {}, "open"),
                                ({}, {"hold": "1"}, "held"),
                                ({"release": {"hold": True}}, {}, "held")):
        with harness.Room(conf=conf) as room:
            room.start()
            assert room.enqueue("DM-1", SMALL, **fields)["state"] == state


def test_no_bad_reference_is_taken():
    with harness.Room() as room:
        room.start()
        for reference in ("", "/", "A/", "/A", "A//B", "A/../B", ".", "A/.",
                          "A\nB", " A", "A ", "A\x7f", "x" * 101, "A\u0085",
                          "A\u202e1", "A\u2066B\u2069", "A\u2028B"):
            answer = room.upload(reference, SMALL)
            assert 400 <= answer.status < 500, (reference, answer.status)
        assert rows(room, "batch") == 0
        assert_no_uploads(room)
        for reference in ("A/77/12", "Réf. 1", "x" * 100, "a b"):
            room.enqueue(reference, SMALL)


def test_two_at_once_cannot_have_one_reference():
    with puppet_room() as room:
        room.start()
        first, puppet = begin(room)
        assert room.upload("DM-1", SMALL).status == 409
        some_letters(puppet)
        done(puppet)
        puppet.exit()
        assert first.wait().status == 201
        assert_whole(room, "DM-1", 5)


def test_too_many_at_once_are_told_to_come_again():
    with puppet_room() as room:
        room.start()
        under_way = [begin(room, f"DM-{i}") for i in range(4)]
        answer = room.upload("DM-9", SMALL)
        assert answer.status in (429, 503), answer.body
        for upload, puppet in under_way:
            puppet.die()
            fails(upload)
        upload, puppet = begin(room, "DM-9")
        some_letters(puppet)
        done(puppet)
        puppet.exit()
        assert upload.wait().status == 201


def test_an_import_goes_on_without_its_client():
    with puppet_room() as room:
        room.start()
        body, kind = harness.multipart(
            [("reference", "DM-1")],
            [("letter", n, d) for n, d in harness.LETTER.items()] +
            [("recipients", "members.csv", SMALL)])
        client = socket.socket(socket.AF_UNIX)
        client.connect(room.control_socket)
        client.sendall((f"POST /v1/batches HTTP/1.1\r\nHost: c\r\n"
                        f"Content-Type: {kind}\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n").encode() +
                       body)
        puppet = room.puppet()
        puppet.expect("import-start")
        client.close()
        room.get("/healthz")
        some_letters(puppet)
        done(puppet)
        puppet.exit()
        room.wait_event("batch.enqueued")
        assert_whole(room, "DM-1", 5)


def test_a_stop_ends_an_import():
    with puppet_room() as room:
        room.start()
        upload, puppet = begin(room)
        some_letters(puppet)
        assert room.stop() == 0, room.log()
        upload.wait()
        puppet.channel.close()
        room.start()
        assert_nothing(room, "DM-1")


# ---- much of it -------------------------------------------------------------

def peak_kib(room):
    status = pathlib.Path(f"/proc/{room.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def test_a_large_import_holds_neither_the_loop_nor_memory():
    count = 5000 if harness.SLOW else 30000
    recipients = harness.table(count)
    with harness.Room() as room:
        room.start()
        upload = Upload(room, "DM-1", recipients)
        slowest = 0
        while upload.is_alive():
            began = time.monotonic()
            assert room.get("/healthz").status == 200
            slowest = max(slowest, time.monotonic() - began)
        assert upload.wait().status == 201
        assert_whole(room, "DM-1", count)
        assert slowest < (20 if harness.SLOW else 5), slowest
        # Whatever the machine's pace: it went in over many turns.
        assert room.status()["commits"] > 5, room.status()
        assert harness.SLOW or peak_kib(room) < 32 * 1024, peak_kib(room)


if __name__ == "__main__":
    harness.run_all(dict(globals()))
